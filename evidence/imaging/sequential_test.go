package imaging

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"testing"
)

// grain is a picture that needs every kind of code.
func grain(w, h int) image.Image {
	r := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 3), uint8(y*2 + r.IntN(1+x/2)), uint8(r.IntN(1 + y)), 255})
		}
	}
	return img
}

func encoded(img image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestOrdinaryJPEGsAreReadWithoutBeingDrawn(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {8, 8}, {17, 9}, {16, 16}, {33, 70}, {640, 480}} {
		for _, quality := range []int{1, 30, 75, 90, 100} {
			img := grain(size.X, size.Y)
			grey := image.NewGray(img.Bounds())
			for y := range size.Y {
				for x := range size.X {
					grey.Set(x, y, img.At(x, y))
				}
			}
			for _, raw := range [][]byte{encoded(img, quality), encoded(grey, quality)} {
				if !sequential(bytes.NewReader(raw)) {
					t.Errorf("%v at %d is not read", size, quality)
				}
				if sequential(bytes.NewReader(raw[:len(raw)-2])) || sequential(bytes.NewReader(raw[:len(raw)/2])) {
					t.Errorf("%v at %d is read where it is cut", size, quality)
				}
			}
		}
	}
}

// Whatever is taken without being drawn, the decoder takes too: bytes are turned, cut
// out and doubled at random.
func TestWhatIsTakenWithoutBeingDrawnCanBeDrawn(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	whole := encoded(grain(70, 50), 80)
	rounds := 20_000
	if os.Getenv("CONGVU_LONG") != "" {
		rounds = 1_000_000
	}
	taken := 0
	for range rounds {
		raw := bytes.Clone(whole)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(raw))
			switch r.IntN(4) {
			case 0:
				raw[at] = byte(r.Uint32())
			case 1:
				raw[at] ^= 1 << r.IntN(8)
			case 2:
				raw = append(raw[:at:at], raw[min(len(raw), at+1+r.IntN(3)):]...)
			case 3:
				raw = append(raw[:at:at], append([]byte{byte(r.Uint32())}, raw[at:]...)...)
			}
		}
		if held(t, raw) {
			taken++
		}
	}
	if taken == 0 || taken == rounds {
		t.Errorf("%d of %d were taken", taken, rounds)
	}
}

func held(t *testing.T, raw []byte) bool {
	t.Helper()
	if !sequential(bytes.NewReader(raw)) {
		return false
	}
	if _, err := jpeg.Decode(bytes.NewReader(raw)); err != nil {
		t.Fatalf("taken, yet it cannot be drawn: %v\n%x", err, raw)
	}
	return true
}

func FuzzSequential(f *testing.F) {
	f.Add(encoded(grain(24, 16), 75))
	f.Add(encoded(image.NewGray(image.Rect(0, 0, 9, 9)), 75))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := jpeg.DecodeConfig(bytes.NewReader(raw)); err == nil && c.Width*c.Height > 1_000_000 {
			return
		}
		held(t, raw)
	})
}

// A picture with a restart after every block is those of one block, one after the other.
func TestRestartsAreFollowed(t *testing.T) {
	const blocks = 20
	img := grain(8*blocks, 8)
	var data []byte
	var head []byte
	for i := range blocks {
		grey := image.NewGray(image.Rect(0, 0, 8, 8))
		for y := range 8 {
			for x := range 8 {
				grey.Set(x, y, img.At(8*i+x, y))
			}
		}
		raw := encoded(grey, 60)
		sos := bytes.Index(raw, []byte{0xff, 0xda})
		head = raw[:sos+10]
		data = append(data, raw[sos+10:len(raw)-2]...)
		data = append(data, 0xff, 0xd0|byte(i%8))
	}
	raw := append([]byte{0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 1}, head[2:]...)
	raw = append(raw, data[:len(data)-2]...)
	raw = append(raw, 0xff, 0xd9)
	sof := bytes.Index(raw, []byte{0xff, 0xc0})
	raw[sof+8] = 8 * blocks
	if !held(t, raw) {
		t.Error("not read")
	}
	swapped := bytes.Replace(raw, []byte{0xff, 0xd3}, []byte{0xff, 0xd4}, 1)
	if sequential(bytes.NewReader(swapped)) {
		t.Error("a restart out of its order is read")
	}
}

func BenchmarkSequential(b *testing.B) {
	raw := encoded(grain(2000, 1500), 85)
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if !sequential(bytes.NewReader(raw)) {
				b.Fatal()
			}
		}
	})
	b.Run("drawn", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(raw)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
