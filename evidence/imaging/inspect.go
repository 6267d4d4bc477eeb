package imaging

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"congvu/inspection"

	"golang.org/x/image/webp"
)

// Limits bound what is accepted.
type Limits struct {
	Bytes  int64 // of a file
	Pixels int64 // width × height of a picture
}

// DefaultLimits fit what phones and tablets take (50 megapixels, 30 MB) with room to
// spare, and scans of minutes.
var DefaultLimits = Limits{Bytes: 64 << 20, Pixels: 64_000_000}

// maxSide bounds one side of a picture: a strip of one pixel by millions is no photo.
const maxSide = 40_000

// maxScans bounds the passes of a progressive JPEG. Cameras and editors write about
// ten; each pass costs time for every pixel, however few bytes it has.
const maxScans = 40

// Info is what a file is and says of itself.
type Info struct {
	Type          Type
	Width, Height int // pixels as seen upright; 0 for PDF, and for HEIC that does not tell
	Meta
}

// Inspect reads a whole file: its type by content, its limits, whether it is whole (a
// JPEG by its segments and scans to its end, without being drawn: its bytes are held
// against the hash that was taken with it; PNG and WebP to the last pixel), and its
// metadata. Codes:
// invalid (evidence.error.type, .broken), too_large (evidence.error.too_large,
// .too_many_pixels). An error of another code is the reader's own.
func (w *Work) Inspect(ctx context.Context, r io.ReadSeeker, size int64) (Info, error) {
	if size > w.limits.Bytes {
		return Info{}, TooLarge(w.limits)
	}
	t, width, height, err := w.header(r, size)
	if err != nil {
		return Info{}, err
	}
	info := Info{Type: t, Width: width, Height: height}
	switch t {
	case PDF:
		return info, wholePDF(r, size)
	case HEIC:
		if err := wholeHEIC(r, size); err != nil {
			return Info{}, err
		}
		info.Meta, info.Width, info.Height = readMeta(r, t)
	case JPEG:
		if err := wholeJPEG(r); err != nil {
			return Info{}, broken(err)
		}
		info.Meta, _, _ = readMeta(r, t)
	default:
		if err := w.hold(ctx, width, height); err != nil {
			return Info{}, err
		}
		_, err := decode(r, t)
		w.release(width, height)
		if err != nil {
			return Info{}, err
		}
		info.Meta, _, _ = readMeta(r, t)
	}
	if info.Orientation >= 5 {
		info.Width, info.Height = info.Height, info.Width
	}
	return info, nil
}

// TooLarge is the refusal of a file with too many bytes.
func TooLarge(l Limits) error {
	return inspection.E(inspection.TooLarge, "evidence.error.too_large", "mb", l.Bytes>>20)
}

func broken(err error) error {
	return inspection.E(inspection.Invalid, "evidence.error.broken").Because(err)
}

// header tells the type and the size in pixels as stored, both within limits,
// without decoding anything.
func (w *Work) header(r io.ReadSeeker, size int64) (Type, int, int, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", 0, 0, err
	}
	head := make([]byte, SniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", 0, 0, err
	}
	t, ok := Sniff(head[:n])
	if !ok {
		return "", 0, 0, inspection.E(inspection.Invalid, "evidence.error.type")
	}
	if !t.Decodable() {
		return t, 0, 0, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", 0, 0, err
	}
	var c image.Config
	switch br := bufio.NewReader(r); t {
	case JPEG:
		c, err = jpeg.DecodeConfig(br)
	case PNG:
		c, err = png.DecodeConfig(br)
	case WebP:
		c, err = webp.DecodeConfig(br)
	}
	if err != nil {
		return "", 0, 0, broken(err)
	}
	if c.Width <= 0 || c.Height <= 0 {
		return "", 0, 0, broken(errors.New("no pixels"))
	}
	if c.Width > maxSide || c.Height > maxSide || int64(c.Width)*int64(c.Height) > w.limits.Pixels {
		return "", 0, 0, inspection.E(inspection.TooLarge, "evidence.error.too_many_pixels",
			"width", c.Width, "height", c.Height, "mp", w.limits.Pixels/1_000_000)
	}
	if t == WebP {
		if err := checkWebP(r, size, c); err != nil {
			return "", 0, 0, broken(err)
		}
	}
	return t, c.Width, c.Height, nil
}

func decode(r io.ReadSeeker, t Type) (image.Image, error) {
	if t == JPEG {
		if err := wholeJPEG(r); err != nil {
			return nil, broken(err)
		}
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var img image.Image
	var err error
	switch br := bufio.NewReaderSize(r, 64<<10); t {
	case JPEG:
		img, err = jpeg.Decode(br)
	case PNG:
		img, err = png.Decode(br)
	case WebP:
		img, err = webp.Decode(br)
	default:
		return nil, inspection.E(inspection.Invalid, "evidence.error.no_preview")
	}
	if err != nil {
		return nil, broken(err)
	}
	return img, nil
}

// wholeJPEG walks the segments and scans of a JPEG (ITU-T T.81 §B.1.1) to its end, and
// refuses one that is cut off, has no picture or has more scans than any camera writes.
// What stands behind the end is not looked at: phones put a film there, or a second view.
func wholeJPEG(r io.ReadSeeker) error {
	if _, err := r.Seek(2, io.SeekStart); err != nil {
		return err
	}
	br := bufio.NewReaderSize(r, 16<<10)
	cut := func(err error) error {
		if err == io.EOF {
			return errors.New("cut off")
		}
		return err
	}
	for scans := 0; ; {
		if _, err := br.Peek(2); err != nil {
			return cut(err)
		}
		window, _ := br.Peek(br.Buffered()) // all of it is there
		n, c := marker(window)
		_, _ = br.Discard(n)
		switch {
		case c == 0:
			continue
		case c == 0xd9 && scans == 0:
			return errors.New("no picture")
		case c == 0xd9:
			return nil
		case c == 0xda:
			if scans++; scans > maxScans {
				return fmt.Errorf("more than %d scans", maxScans)
			}
		}
		var length [2]byte
		if _, err := io.ReadFull(br, length[:]); err != nil {
			return cut(err)
		}
		size := int(binary.BigEndian.Uint16(length[:]))
		if size < 2 {
			return errors.New("segment too short")
		}
		if _, err := br.Discard(size - 2); err != nil {
			return cut(err)
		}
	}
}

// marker looks for the next marker of a JPEG that has something to say, 0xff and what is
// neither 0 nor 0xff: the coded data of a scan holds none but restarts. It tells how many
// bytes end with it, or, with 0, how many hold none.
func marker(b []byte) (n int, c byte) {
	for n+1 < len(b) {
		at := bytes.IndexByte(b[n:len(b)-1], 0xff)
		if at < 0 {
			return len(b) - 1, 0
		}
		n += at + 1
		if c := b[n]; c != 0xff {
			n++
			if c > 1 && (c < 0xd0 || c > 0xd8) {
				return n, c
			}
		}
	}
	return n, 0
}

// checkWebP walks the chunks of a WebP (RFC 9649 §2.3-2.7): all bytes that it
// announces are there, and no frame is larger than the canvas that was held against
// the limits, which the decoder would not notice.
func checkWebP(r io.ReadSeeker, size int64, canvas image.Config) error {
	var head [12]byte
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > size {
		return io.ErrUnexpectedEOF
	}
	for at := int64(12); at+8 <= end; {
		var chunk [18]byte
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return err
		}
		n, err := io.ReadFull(r, chunk[:])
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		if at+8+length > end {
			return io.ErrUnexpectedEOF
		}
		w, h := 0, 0
		switch body := chunk[8:n]; string(chunk[:4]) {
		case "VP8 ": // RFC 6386 §9.1
			if len(body) < 10 {
				return io.ErrUnexpectedEOF
			}
			w, h = int(binary.LittleEndian.Uint16(body[6:]))&0x3fff, int(binary.LittleEndian.Uint16(body[8:]))&0x3fff
		case "VP8L":
			if len(body) < 5 {
				return io.ErrUnexpectedEOF
			}
			bits := binary.LittleEndian.Uint32(body[1:])
			w, h = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
		}
		if w > canvas.Width || h > canvas.Height {
			return errors.New("a frame larger than the canvas")
		}
		at += 8 + length + length&1
	}
	return nil
}

// wholePDF looks for the end that every PDF has near its last byte (ISO 32000-1
// §7.5.5; readers look at the last 1024 bytes).
func wholePDF(r io.ReadSeeker, size int64) error {
	if _, err := r.Seek(max(0, size-1024), io.SeekStart); err != nil {
		return err
	}
	tail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if !bytes.Contains(tail, []byte("%%EOF")) {
		return broken(io.ErrUnexpectedEOF)
	}
	return nil
}

// wholeHEIC walks the top-level boxes (ISO/IEC 14496-12 §4.2), which must fill the
// file exactly and hold the picture's items.
func wholeHEIC(r io.ReadSeeker, size int64) error {
	seen := map[string]bool{}
	for at := int64(0); at < size; {
		var head [16]byte
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return err
		}
		n, err := io.ReadFull(r, head[:])
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		if n < 8 {
			return broken(io.ErrUnexpectedEOF)
		}
		length := int64(binary.BigEndian.Uint32(head[:]))
		switch {
		case length == 1 && n == 16:
			length = int64(binary.BigEndian.Uint64(head[8:]))
		case length == 0:
			length = size - at
		}
		if length < 8 || length > size-at {
			return broken(io.ErrUnexpectedEOF)
		}
		seen[string(head[4:8])] = true
		at += length
	}
	if !seen["meta"] || !seen["mdat"] {
		return broken(errors.New("no meta or no mdat"))
	}
	return nil
}
