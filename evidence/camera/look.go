package camera

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"image"
	"image/draw"
)

// What a picture is judged by. Luma goes from 0 to 255.
const (
	// border is left out at the top and at the bottom, one part of so many of the height:
	// cameras write their name and the time there, in white, on the blackest picture.
	border = 8
	// A picture is black when darkShare of it, in hundredths, is darker than dark. A sensor
	// without light gives noise of up to about 20, video's own black is 16 where its range
	// was not stretched, and one lamp at the end of a dark room covers more than two
	// hundredths.
	dark      = 40
	darkShare = 98
	// A picture is covered when in fewer than flatShare thousandths of the places of a grid
	// of columns × rows the mean differs by step or more from that of the next. A mean of
	// hundreds of pixels has next to no noise; a hand, a cloth or paint on the lens is blurred
	// over many cells; the edge of a desk is not.
	columns, rows = 48, 27
	step          = 4
	flatShare     = 10
)

// Examine tells what is to be seen at first sight, and the SHA-256 over size and pixels.
func Examine(img image.Image) (Look, string) {
	b := img.Bounds()
	h := sha256.New()
	var size [16]byte
	binary.BigEndian.PutUint64(size[:], uint64(b.Dx()))
	binary.BigEndian.PutUint64(size[8:], uint64(b.Dy()))
	h.Write(size[:])
	if y, ok := img.(*image.YCbCr); ok {
		h.Write([]byte{byte(y.SubsampleRatio)})
		w, v := chromaSize(y)
		plane(h, y.Y, y.YStride, b.Dx(), b.Dy())
		plane(h, y.Cb, y.CStride, w, v)
		plane(h, y.Cr, y.CStride, w, v)
		return look(y.Y, y.YStride, b.Dx(), b.Dy()), hex.EncodeToString(h.Sum(nil))
	}
	colour := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(colour, colour.Rect, img, b.Min, draw.Src)
	plane(h, colour.Pix, colour.Stride, 4*b.Dx(), b.Dy())
	luma := make([]byte, b.Dx()*b.Dy())
	for i := range luma {
		p := colour.Pix[4*i:]
		luma[i] = byte((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000) // ITU-R BT.601
	}
	return look(luma, b.Dx(), b.Dx(), b.Dy()), hex.EncodeToString(h.Sum(nil))
}

// chromaSize is how much of the planes of colour belongs to the picture: the rest is what
// the decoder padded.
func chromaSize(y *image.YCbCr) (int, int) {
	w, h := y.Rect.Dx(), y.Rect.Dy()
	switch y.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
		return w, h
	case image.YCbCrSubsampleRatio422:
		return (w + 1) / 2, h
	case image.YCbCrSubsampleRatio440:
		return w, (h + 1) / 2
	case image.YCbCrSubsampleRatio411:
		return (w + 3) / 4, h
	case image.YCbCrSubsampleRatio410:
		return (w + 3) / 4, (h + 1) / 2
	default:
		return (w + 1) / 2, (h + 1) / 2
	}
}

// plane hashes the part of a plane that belongs to the picture.
func plane(h hash.Hash, pix []byte, stride, width, height int) {
	for y := range height {
		h.Write(pix[y*stride : y*stride+width])
	}
}

func look(luma []byte, stride, width, height int) Look {
	top := height / border
	bottom := height - top
	var histogram [256]int
	across, down := min(columns, width), min(rows, bottom-top)
	var sum, count [columns * rows]int
	cellOf := make([]int, width)
	for x := range cellOf {
		cellOf[x] = x * across / width
	}
	for y := top; y < bottom; y++ {
		row := luma[y*stride : y*stride+width]
		first := (y - top) * down / (bottom - top) * columns
		for x, v := range row {
			histogram[v]++
			sum[first+cellOf[x]] += int(v)
			count[first+cellOf[x]]++
		}
	}
	below := 0
	for _, n := range histogram[:dark] {
		below += n
	}
	if below*100 >= darkShare*width*(bottom-top) {
		return Black
	}
	edges, places := 0, 0
	mean := func(x, y int) int { return sum[y*columns+x] / count[y*columns+x] }
	for y := range down {
		for x := range across {
			here := mean(x, y)
			if x+1 < across {
				places++
				if d := mean(x+1, y) - here; d >= step || -d >= step {
					edges++
				}
			}
			if y+1 < down {
				places++
				if d := mean(x, y+1) - here; d >= step || -d >= step {
					edges++
				}
			}
		}
	}
	if edges*1000 < flatShare*places {
		return Covered
	}
	return Fine
}
