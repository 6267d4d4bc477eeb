// Package imagingtest makes the pictures that tests and the demo need: photographs
// with the metadata that a camera would write, and files that lie about themselves.
package imagingtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"time"
)

// Exif is what is written into a photograph; zero fields are left out.
type Exif struct {
	Orientation int
	Taken       time.Time // written with its offset
	NoOffset    bool      // as old cameras do
	Lat, Lng    float64
}

// Scene is a picture of coloured quarters (red, green, blue, white, clockwise from
// the top left), by which a test sees which way up it is.
func Scene(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{200, 30, 30, 255}
			switch {
			case x >= w/2 && y < h/2:
				c = color.RGBA{30, 160, 30, 255}
			case x >= w/2:
				c = color.RGBA{30, 30, 200, 255}
			case y >= h/2:
				c = color.RGBA{245, 245, 245, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// JPEG is a photograph with metadata.
func JPEG(img image.Image, e Exif) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		panic(err)
	}
	raw := b.Bytes()
	app1 := append([]byte("Exif\x00\x00"), TIFF(e)...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, be16(len(app1)+2)...)
	return append(append(out, app1...), raw[2:]...)
}

// Heavy is a JPEG made so many bytes long, or a little more, by comments (ITU-T T.81
// §B.2.4.5).
func Heavy(raw []byte, bytes int) []byte {
	out := append([]byte{}, raw[:2]...)
	for missing := bytes - len(raw); missing > 0; missing -= 60_004 {
		out = append(out, 0xff, 0xfe)
		out = append(out, be16(60_002)...)
		for i := range 60_000 {
			out = append(out, byte(missing+i))
		}
	}
	return append(out, raw[2:]...)
}

// PNG is a picture with metadata in an eXIf chunk.
func PNG(img image.Image, e Exif) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	raw := b.Bytes()
	const afterIHDR = 8 + 25
	return append(append(bytes.Clone(raw[:afterIHDR]), chunk("eXIf", TIFF(e))...), raw[afterIHDR:]...)
}

// HugeJPEG and HugePNG are a few hundred bytes that claim w × h pixels.
func HugeJPEG(w, h int) []byte {
	raw := JPEG(Scene(16, 16), Exif{})
	at := bytes.Index(raw, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(raw[at+5:], uint16(h))
	binary.BigEndian.PutUint16(raw[at+7:], uint16(w))
	return raw
}

// HugePNG is the same for PNG, with a right checksum.
func HugePNG(w, h uint32) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, Scene(16, 16)); err != nil {
		panic(err)
	}
	raw := b.Bytes()
	binary.BigEndian.PutUint32(raw[16:], w)
	binary.BigEndian.PutUint32(raw[20:], h)
	binary.BigEndian.PutUint32(raw[29:], crc32.ChecksumIEEE(raw[12:29]))
	return raw
}

// WebP is a lossless WebP of one colour (RFC 9649 §3): every prefix code has one
// symbol, so that no pixel needs a bit. canvas, when given, adds an extended header
// with that size, which may lie.
func WebP(w, h int, c color.RGBA, canvas ...int) []byte {
	var bits uint64
	var n uint
	var data []byte
	put := func(v uint64, width uint) {
		bits |= v << n
		for n += width; n >= 8; n -= 8 {
			data = append(data, byte(bits))
			bits >>= 8
		}
	}
	put(0x2f, 8)
	put(uint64(w-1), 14)
	put(uint64(h-1), 14)
	put(0, 1+3) // no alpha, version 0
	put(0, 1)   // no transform
	put(0, 1)   // no colour cache
	put(0, 1)   // no meta prefix codes
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		put(1, 1) // simple code
		put(0, 1) // one symbol
		put(1, 1) // of eight bits
		put(uint64(symbol), 8)
	}
	put(0, 8)
	var body []byte
	if len(canvas) == 2 {
		vp8x := make([]byte, 10)
		put24 := func(b []byte, v int) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }
		put24(vp8x[4:], canvas[0]-1)
		put24(vp8x[7:], canvas[1]-1)
		body = riff("VP8X", vp8x)
	}
	body = append(body, riff("VP8L", data)...)
	return riff("RIFF", append([]byte("WEBP"), body...))
}

func riff(name string, data []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data)))
	out = append(out, data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// HEIC is a file with the boxes of a HEIC and no picture in it.
func HEIC() []byte {
	box := func(name string, body []byte) []byte {
		return append(append(be32(len(body)+8), name...), body...)
	}
	out := box("ftyp", []byte("mif1\x00\x00\x00\x00mif1heic"))
	out = append(out, box("meta", make([]byte, 4))...)
	return append(out, box("mdat", make([]byte, 64))...)
}

// PDF is one empty page.
func PDF() []byte {
	return []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
}

func chunk(name string, data []byte) []byte {
	out := append(be32(len(data)), name...)
	out = append(out, data...)
	return append(out, be32(int(crc32.ChecksumIEEE(out[4:])))...)
}

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func be32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// TIFF is the metadata as a big-endian TIFF structure (TIFF 6.0 §2, CIPA DC-008).
func TIFF(e Exif) []byte {
	type entry struct {
		tag, kind uint16
		count     int
		data      []byte
	}
	ascii := func(tag uint16, s string) entry { return entry{tag, 2, len(s) + 1, append([]byte(s), 0)} }
	angle := func(tag uint16, v float64) entry {
		v = math.Abs(v)
		deg := math.Floor(v)
		minutes := math.Floor((v - deg) * 60)
		seconds := math.Round(((v-deg)*60 - minutes) * 60 * 10000)
		return entry{tag, 5, 3, bytes.Join([][]byte{be32(int(deg)), be32(1), be32(int(minutes)), be32(1), be32(int(seconds)), be32(10000)}, nil)}
	}
	side := func(v float64, plus, minus string) string {
		if v < 0 {
			return minus
		}
		return plus
	}
	var ifd0, exif, gps []entry
	if e.Orientation != 0 {
		ifd0 = append(ifd0, entry{0x0112, 3, 1, append(be16(e.Orientation), 0, 0)})
	}
	if !e.Taken.IsZero() {
		exif = append(exif, ascii(0x9003, e.Taken.Format("2006:01:02 15:04:05")))
		if !e.NoOffset {
			exif = append(exif, ascii(0x9011, e.Taken.Format("-07:00")))
		}
	}
	if e.Lat != 0 || e.Lng != 0 {
		gps = []entry{ascii(1, side(e.Lat, "N", "S")), angle(2, e.Lat), ascii(3, side(e.Lng, "E", "W")), angle(4, e.Lng)}
	}
	size := func(list []entry) int {
		n := 2 + 12*len(list) + 4
		for _, x := range list {
			if len(x.data) > 4 {
				n += len(x.data) + len(x.data)%2
			}
		}
		return n
	}
	pointers := 0
	if len(exif) > 0 {
		pointers++
	}
	if len(gps) > 0 {
		pointers++
	}
	next := 8 + size(ifd0) + 12*pointers
	if len(exif) > 0 {
		ifd0 = append(ifd0, entry{0x8769, 4, 1, be32(next)})
		next += size(exif)
	}
	if len(gps) > 0 {
		ifd0 = append(ifd0, entry{0x8825, 4, 1, be32(next)})
	}
	out := append([]byte("MM\x00*"), be32(8)...)
	for _, list := range [][]entry{ifd0, exif, gps} {
		if len(list) == 0 && len(out) > 8 {
			continue
		}
		far := len(out) + 2 + 12*len(list) + 4
		var tail []byte
		out = append(out, be16(len(list))...)
		for _, x := range list {
			out = append(append(append(out, be16(int(x.tag))...), be16(int(x.kind))...), be32(x.count)...)
			if len(x.data) <= 4 {
				out = append(append(out, x.data...), make([]byte, 4-len(x.data))...)
				continue
			}
			out = append(out, be32(far+len(tail))...)
			tail = append(tail, x.data...)
			if len(tail)%2 == 1 {
				tail = append(tail, 0)
			}
		}
		out = append(append(out, 0, 0, 0, 0), tail...)
	}
	return out
}
