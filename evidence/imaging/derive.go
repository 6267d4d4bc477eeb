package imaging

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"math"

	"congvu/inspection"

	"golang.org/x/sync/semaphore"
)

// The longest sides of what is derived, in pixels.
const (
	ThumbSide   = 320
	PreviewSide = 1600
	SharedSide  = 2560
)

// quality of the derived JPEGs.
const quality = 85

// Work bounds the pixels that are decoded at one moment. One for the process.
type Work struct {
	limits Limits
	pixels *semaphore.Weighted
}

// NewWork makes a Work with limits; at once it decodes no more pixels than one
// picture may have, so that many small ones share what one large one needs.
func NewWork(l Limits) *Work { return &Work{limits: l, pixels: semaphore.NewWeighted(l.Pixels)} }

// Limits are the limits that it was made with.
func (w *Work) Limits() Limits { return w.limits }

func (w *Work) hold(ctx context.Context, width, height int) error {
	return w.pixels.Acquire(ctx, int64(width)*int64(height))
}

func (w *Work) release(width, height int) { w.pixels.Release(int64(width) * int64(height)) }

// Picture is a derived JPEG without any metadata.
type Picture struct {
	JPEG          []byte
	Width, Height int
}

// Box is a part of the upright picture in fractions of its width and height, 0 to 1.
type Box struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// maxBoxes is more than a crowd needs.
const maxBoxes = 200

// CheckBoxes refuses boxes that are empty, no numbers or outside of the picture.
// Code: invalid.
func CheckBoxes(boxes []Box) error {
	if len(boxes) > maxBoxes {
		return inspection.E(inspection.Invalid, "evidence.error.boxes")
	}
	for _, b := range boxes {
		for _, v := range []float64{b.X, b.Y, b.W, b.H} {
			if math.IsNaN(v) || v < 0 || v > 1 {
				return inspection.E(inspection.Invalid, "evidence.error.boxes")
			}
		}
		if b.W < 0.001 || b.H < 0.001 || b.X+b.W > 1.000001 || b.Y+b.H > 1.000001 {
			return inspection.E(inspection.Invalid, "evidence.error.boxes")
		}
	}
	return nil
}

// Derive decodes once and makes an upright picture for each longest side, largest
// first. A picture is never enlarged. Code: invalid for what cannot be decoded.
func (w *Work) Derive(ctx context.Context, r io.ReadSeeker, size int64, sides ...int) ([]Picture, error) {
	return w.render(ctx, r, size, nil, sides)
}

// Thumbnail is the upright picture with at most ThumbSide pixels a side.
func (w *Work) Thumbnail(ctx context.Context, r io.ReadSeeker, size int64) (Picture, error) {
	return first(w.Derive(ctx, r, size, ThumbSide))
}

// Preview is the upright picture with at most PreviewSide pixels a side.
func (w *Work) Preview(ctx context.Context, r io.ReadSeeker, size int64) (Picture, error) {
	return first(w.Derive(ctx, r, size, PreviewSide))
}

// Redact is the upright picture with at most SharedSide pixels a side, and a
// thumbnail of it, boxes burnt into the pixels of both. Code: invalid.
func (w *Work) Redact(ctx context.Context, r io.ReadSeeker, size int64, boxes []Box) (shared, thumb Picture, err error) {
	if err := CheckBoxes(boxes); err != nil {
		return Picture{}, Picture{}, err
	}
	pictures, err := w.render(ctx, r, size, boxes, []int{SharedSide, ThumbSide})
	if err != nil {
		return Picture{}, Picture{}, err
	}
	return pictures[0], pictures[1], nil
}

func first(p []Picture, err error) (Picture, error) {
	if err != nil {
		return Picture{}, err
	}
	return p[0], nil
}

func (w *Work) render(ctx context.Context, r io.ReadSeeker, size int64, boxes []Box, sides []int) ([]Picture, error) {
	if len(sides) == 0 {
		return nil, errors.New("imaging: no side asked for")
	}
	t, width, height, err := w.header(r, size)
	if err != nil {
		return nil, err
	}
	if !t.Decodable() {
		return nil, inspection.E(inspection.Invalid, "evidence.error.no_preview")
	}
	upright, err := w.shrink(ctx, r, t, width, height, sides[0])
	if err != nil {
		return nil, err
	}
	burn(upright, boxes)
	pictures := make([]Picture, len(sides))
	for i, side := range sides {
		if i > 0 {
			upright = reduce(upright, side)
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, upright, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		pictures[i] = Picture{JPEG: out.Bytes(), Width: upright.Rect.Dx(), Height: upright.Rect.Dy()}
	}
	return pictures, nil
}

// shrink decodes, scales and turns; the large picture is let go of before it returns.
func (w *Work) shrink(ctx context.Context, r io.ReadSeeker, t Type, width, height, side int) (*image.RGBA, error) {
	if err := w.hold(ctx, width, height); err != nil {
		return nil, err
	}
	defer w.release(width, height)
	img, err := decode(r, t)
	if err != nil {
		return nil, err
	}
	meta, _, _ := readMeta(r, t)
	return turn(reduce(img, side), meta.Orientation), nil
}

// burn paints the boxes black. Two pixels more on each side: where the picture was
// scaled down, a pixel beside a box holds a trace of what is in it.
func burn(img *image.RGBA, boxes []Box) {
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	for _, b := range boxes {
		r := image.Rect(int(math.Floor(b.X*w))-2, int(math.Floor(b.Y*h))-2, int(math.Ceil((b.X+b.W)*w))+2, int(math.Ceil((b.Y+b.H)*h))+2)
		draw.Draw(img, r.Intersect(img.Rect), image.Black, image.Point{}, draw.Src)
	}
}

// reduce scales down to a longest side by averaging the pixels that fall together,
// on white where the picture is transparent. A smaller picture keeps its size.
func reduce(src image.Image, side int) *image.RGBA {
	b := src.Bounds()
	sw, sh := b.Dx(), b.Dy()
	dw, dh := sw, sh
	if long := max(sw, sh); long > side {
		dw, dh = max(1, (sw*side+long/2)/long), max(1, (sh*side+long/2)/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	sums := make([]uint64, 3*dw)
	column := make([]int, sw) // destination column of each source column
	count := make([]uint64, dw)
	for x := range sw {
		column[x] = x * dw / sw
		count[column[x]]++
	}
	row := rowReader(src)
	line := make([]uint8, 3*sw)
	y := 0
	for dy := range dh {
		clear(sums)
		rows := uint64(0)
		for ; y < sh && y*dh/sh == dy; y++ {
			row(b.Min.Y+y, line)
			rows++
			for x, c := range column {
				sums[3*c] += uint64(line[3*x])
				sums[3*c+1] += uint64(line[3*x+1])
				sums[3*c+2] += uint64(line[3*x+2])
			}
		}
		out := dst.Pix[dy*dst.Stride:]
		for x := range dw {
			n := max(1, count[x]*rows)
			out[4*x] = uint8((sums[3*x] + n/2) / n)
			out[4*x+1] = uint8((sums[3*x+1] + n/2) / n)
			out[4*x+2] = uint8((sums[3*x+2] + n/2) / n)
			out[4*x+3] = 0xff
		}
	}
	return dst
}

// rowReader reads one row as RGB over white, without the interface call per pixel
// for what cameras produce.
func rowReader(src image.Image) func(y int, line []uint8) {
	b := src.Bounds()
	switch img := src.(type) {
	case *image.YCbCr:
		return func(y int, line []uint8) {
			for x := range b.Dx() {
				yi, ci := img.YOffset(b.Min.X+x, y), img.COffset(b.Min.X+x, y)
				line[3*x], line[3*x+1], line[3*x+2] = color.YCbCrToRGB(img.Y[yi], img.Cb[ci], img.Cr[ci])
			}
		}
	case *image.Gray:
		return func(y int, line []uint8) {
			pix := img.Pix[img.PixOffset(b.Min.X, y):]
			for x := range b.Dx() {
				line[3*x], line[3*x+1], line[3*x+2] = pix[x], pix[x], pix[x]
			}
		}
	case *image.RGBA:
		return func(y int, line []uint8) {
			pix := img.Pix[img.PixOffset(b.Min.X, y):]
			for x := range b.Dx() {
				white := 0xff - pix[4*x+3]
				line[3*x], line[3*x+1], line[3*x+2] = pix[4*x]+white, pix[4*x+1]+white, pix[4*x+2]+white
			}
		}
	default:
		return func(y int, line []uint8) {
			for x := range b.Dx() {
				r, g, bl, a := src.At(b.Min.X+x, y).RGBA()
				white := 0xffff - a
				line[3*x], line[3*x+1], line[3*x+2] = uint8((r+white)>>8), uint8((g+white)>>8), uint8((bl+white)>>8)
			}
		}
	}
}

// turn makes a picture upright by its EXIF orientation (CIPA DC-008 §4.6.4, tag 0112).
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch orientation {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}
