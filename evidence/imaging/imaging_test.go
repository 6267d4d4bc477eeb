package imaging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence/imaging"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
)

var work = imaging.NewWork(imaging.DefaultLimits)

func inspect(t *testing.T, raw []byte) (imaging.Info, error) {
	t.Helper()
	return work.Inspect(t.Context(), bytes.NewReader(raw), int64(len(raw)))
}

func TestTypesAreToldByContent(t *testing.T) {
	scene := imagingtest.Scene(64, 48)
	for _, c := range []struct {
		raw  []byte
		want imaging.Type
		w, h int
	}{
		{imagingtest.JPEG(scene, imagingtest.Exif{}), imaging.JPEG, 64, 48},
		{imagingtest.PNG(scene, imagingtest.Exif{}), imaging.PNG, 64, 48},
		{imagingtest.WebP(30, 20, color.RGBA{1, 2, 3, 255}), imaging.WebP, 30, 20},
		{imagingtest.WebP(30, 20, color.RGBA{1, 2, 3, 255}, 30, 20), imaging.WebP, 30, 20},
		{imagingtest.HEIC(), imaging.HEIC, 0, 0},
		{imagingtest.PDF(), imaging.PDF, 0, 0},
	} {
		info, err := inspect(t, c.raw)
		if err != nil || info.Type != c.want || info.Width != c.w || info.Height != c.h || info.Orientation != min(1, info.Width) && c.want != imaging.HEIC && c.want != imaging.PDF {
			t.Errorf("%s: %+v, %v", c.want, info, err)
		}
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"empty": "", "svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"xml svg": `<?xml version="1.0"?><svg/>`, "html": "<!DOCTYPE html><script>alert(1)</script>", "gif": "GIF89a\x01\x00\x01\x00\x00\x00\x00;",
		"zip": "PK\x03\x04", "exe": "MZ\x90\x00", "avif": "\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1", "mp4": "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomavc1",
		"text": "không phải ảnh", "bom html": "\xef\xbb\xbf<html>", "two bytes of a jpeg": "\xff\xd8", "riff of sound": "RIFF\x00\x00\x00\x00WAVEfmt ",
		"pdf behind html": "<html>%PDF-1.4 %%EOF", "tiff": "II*\x00\x08\x00\x00\x00",
	} {
		_, err := inspect(t, []byte(raw))
		if inspection.KeyOf(err) != "evidence.error.type" || inspection.CodeOf(err) != inspection.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsCutOffIsRefused(t *testing.T) {
	scene := imagingtest.Scene(400, 300)
	for name, raw := range map[string][]byte{
		"jpeg": imagingtest.JPEG(scene, imagingtest.Exif{Orientation: 6}), "png": imagingtest.PNG(scene, imagingtest.Exif{}),
		"webp": imagingtest.WebP(40, 40, color.RGBA{9, 9, 9, 255}), "heic": imagingtest.HEIC(), "pdf": imagingtest.PDF(),
	} {
		if _, err := inspect(t, raw); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, keep := range []int{len(raw) - 6, len(raw) * 9 / 10, len(raw) / 2, 30} {
			_, err := inspect(t, raw[:keep])
			if inspection.KeyOf(err) != "evidence.error.broken" {
				t.Errorf("%s, %d of %d bytes: %v", name, keep, len(raw), err)
			}
		}
	}
}

// TestWhatStandsBehindAPictureIsNoMatter: phones put a film or a second view there; and
// a picture without one is none.
func TestWhatStandsBehindAPictureIsNoMatter(t *testing.T) {
	raw := imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{})
	if info, err := inspect(t, append(bytes.Clone(raw), bytes.Repeat([]byte{0, 0xff, 1}, 500)...)); err != nil || info.Width != 64 {
		t.Errorf("%+v %v", info, err)
	}
	at := bytes.Index(raw, []byte{0xff, 0xda})
	if _, err := inspect(t, append(bytes.Clone(raw[:at]), 0xff, 0xd9)); inspection.KeyOf(err) != "evidence.error.broken" {
		t.Error(err)
	}
	// What is whole by its segments and cannot be drawn is taken in; its preview is refused.
	noise := bytes.Clone(raw)
	for i := at + 20; i < len(noise)-2; i++ {
		noise[i] = byte(i) % 0xfe
	}
	if _, err := inspect(t, noise); err != nil {
		t.Error(err)
	}
}

func TestHugePicturesCostNothing(t *testing.T) {
	for name, raw := range map[string][]byte{
		"jpeg": imagingtest.HugeJPEG(50_000, 50_000), "png": imagingtest.HugePNG(50_000, 50_000),
		"png beyond 32 bits": imagingtest.HugePNG(1<<31-1, 1<<31-1), "strip": imagingtest.HugePNG(60_000, 1),
		"webp": imagingtest.WebP(16_384, 16_384, color.RGBA{0, 0, 0, 255}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := inspect(t, raw)
		_, derr := work.Preview(t.Context(), bytes.NewReader(raw), int64(len(raw)))
		runtime.ReadMemStats(&after)
		if name == "png beyond 32 bits" { // the decoder itself calls that no picture
			if err == nil || derr == nil {
				t.Errorf("%s accepted", name)
			}
		} else if inspection.KeyOf(err) != "evidence.error.too_many_pixels" || inspection.CodeOf(err) != inspection.TooLarge || inspection.CodeOf(derr) != inspection.TooLarge {
			t.Errorf("%s: %v, %v", name, err, derr)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
			t.Errorf("%s: %d bytes allocated", name, grown)
		}
	}
}

func TestAWebPCannotHideALargeFrameBehindASmallCanvas(t *testing.T) {
	_, err := inspect(t, imagingtest.WebP(16_384, 16_384, color.RGBA{0, 0, 0, 255}, 10, 10))
	if inspection.KeyOf(err) != "evidence.error.broken" {
		t.Fatal(err)
	}
}

func TestAJPEGOfManyScansIsRefused(t *testing.T) {
	raw := imagingtest.JPEG(imagingtest.Scene(16, 16), imagingtest.Exif{})
	at := bytes.Index(raw, []byte{0xff, 0xda})
	scan := raw[at : len(raw)-2]
	bomb := append(bytes.Clone(raw[:at]), bytes.Repeat(scan, 41)...)
	bomb = append(bomb, 0xff, 0xd9)
	_, err := inspect(t, bomb)
	if inspection.KeyOf(err) != "evidence.error.broken" || !strings.Contains(err.Error(), "scans") {
		t.Fatal(err)
	}
}

func TestTooManyBytes(t *testing.T) {
	raw := imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{})
	small := imaging.NewWork(imaging.Limits{Bytes: int64(len(raw)) - 1, Pixels: 1 << 20})
	_, err := small.Inspect(t.Context(), bytes.NewReader(raw), int64(len(raw)))
	if inspection.CodeOf(err) != inspection.TooLarge || inspection.KeyOf(err) != "evidence.error.too_large" {
		t.Fatal(err)
	}
}

func TestMetadata(t *testing.T) {
	taken := time.Date(2026, 3, 4, 8, 15, 30, 0, time.FixedZone("", 7*3600))
	scene := imagingtest.Scene(60, 40)
	for name, raw := range map[string][]byte{
		"jpeg": imagingtest.JPEG(scene, imagingtest.Exif{Orientation: 6, Taken: taken, Lat: 20.9214, Lng: 105.7012}),
		"png":  imagingtest.PNG(scene, imagingtest.Exif{Orientation: 6, Taken: taken, Lat: 20.9214, Lng: 105.7012}),
	} {
		info, err := inspect(t, raw)
		if err != nil || info.Orientation != 6 || info.Width != 40 || info.Height != 60 || info.TakenAt != inspection.At(taken) {
			t.Fatalf("%s: %+v, %v", name, info, err)
		}
		if info.Lat == nil || math.Abs(*info.Lat-20.9214) > 1e-5 || math.Abs(*info.Lng-105.7012) > 1e-5 {
			t.Fatalf("%s: place %v %v", name, info.Lat, info.Lng)
		}
	}
	south, err := inspect(t, imagingtest.JPEG(scene, imagingtest.Exif{Lat: -8.5, Lng: -70.25}))
	if err != nil || south.Lat == nil || *south.Lat != -8.5 || *south.Lng != -70.25 {
		t.Fatalf("%+v, %v", south, err)
	}
	other, err := inspect(t, imagingtest.JPEG(scene, imagingtest.Exif{Taken: taken.UTC()}))
	if err != nil || other.TakenAt != inspection.At(taken) || other.Lat != nil || other.Orientation != 1 {
		t.Fatalf("%+v, %v", other, err)
	}
	without, err := inspect(t, imagingtest.JPEG(scene, imagingtest.Exif{Taken: taken, NoOffset: true}))
	if err != nil || without.TakenAt != inspection.At(taken) {
		t.Fatalf("without an offset it is Vietnam's time: %+v, %v", without, err)
	}
	for _, o := range []int{9, 77, 65535} {
		odd, err := inspect(t, imagingtest.JPEG(scene, imagingtest.Exif{Orientation: o}))
		if err != nil || odd.Orientation != 1 {
			t.Fatalf("orientation %d: %+v, %v", o, odd, err)
		}
	}
}

func near(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	d := func(x, y uint32) bool { return math.Abs(float64(x>>8)-float64(y>>8)) < 24 }
	return d(r1, r2) && d(g1, g2) && d(b1, b2)
}

func open(t *testing.T, p imaging.Picture) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Dx() != p.Width || img.Bounds().Dy() != p.Height {
		t.Fatalf("says %d × %d, is %v", p.Width, p.Height, img.Bounds())
	}
	return img
}

// turned is the scene as a camera held that way stores it: the inverse of what the
// orientation tag asks the viewer to do.
func turned(scene *image.RGBA, orientation int) *image.RGBA {
	w, h := scene.Rect.Dx(), scene.Rect.Dy()
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, sw, sh))
	for y := range sh {
		for x := range sw {
			// The row and column of the stored picture that are the visual top and left
			// (CIPA DC-008 §4.6.4): 1 top/left, 2 top/right, 3 bottom/right, 4 bottom/left,
			// 5 left/top, 6 right/top, 7 right/bottom, 8 left/bottom.
			ux, uy := 0, 0
			switch orientation {
			case 1:
				ux, uy = x, y
			case 2:
				ux, uy = w-1-x, y
			case 3:
				ux, uy = w-1-x, h-1-y
			case 4:
				ux, uy = x, h-1-y
			case 5:
				ux, uy = y, x
			case 6:
				ux, uy = w-1-y, x
			case 7:
				ux, uy = w-1-y, h-1-x
			case 8:
				ux, uy = y, h-1-x
			}
			out.Set(x, y, scene.At(ux, uy))
		}
	}
	return out
}

func TestEveryOrientationComesOutUpright(t *testing.T) {
	scene := imagingtest.Scene(640, 480)
	for o := 1; o <= 8; o++ {
		raw := imagingtest.JPEG(turned(scene, o), imagingtest.Exif{Orientation: o})
		p, err := work.Thumbnail(t.Context(), bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if p.Width != 320 || p.Height != 240 {
			t.Fatalf("orientation %d: %d × %d", o, p.Width, p.Height)
		}
		img := open(t, p)
		for _, at := range []image.Point{{80, 60}, {240, 60}, {80, 180}, {240, 180}} {
			if !near(img.At(at.X, at.Y), scene.At(at.X*2, at.Y*2)) {
				t.Errorf("orientation %d at %v: %v", o, at, img.At(at.X, at.Y))
			}
		}
	}
}

func TestDerivedPicturesCarryNoMetadata(t *testing.T) {
	raw := imagingtest.JPEG(imagingtest.Scene(3000, 2000), imagingtest.Exif{Orientation: 6, Taken: time.Now(), Lat: 20.5, Lng: 105.5})
	pictures, err := work.Derive(t.Context(), bytes.NewReader(raw), int64(len(raw)), imaging.PreviewSide, imaging.ThumbSide)
	if err != nil {
		t.Fatal(err)
	}
	shared, thumb, err := work.Redact(t.Context(), bytes.NewReader(raw), int64(len(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range append(pictures, shared, thumb) {
		open(t, p)
		side := []int{1600, 320, 2560, 320}[i]
		if p.Height != side || p.Width != (side*2+1)/3 {
			t.Errorf("%d × %d, longest side should be %d", p.Width, p.Height, side)
		}
		for _, marker := range []string{"Exif", "\xff\xe1", "\xff\xe0", "\xff\xe2", "\xff\xed", "\xff\xfe", "http"} {
			if bytes.Contains(p.JPEG[:600], []byte(marker)) {
				t.Errorf("holds %q", marker)
			}
		}
		info, err := inspect(t, p.JPEG)
		if err != nil || info.Meta != (imaging.Meta{Orientation: 1}) {
			t.Errorf("%+v, %v", info, err)
		}
	}
	small := imagingtest.JPEG(imagingtest.Scene(100, 50), imagingtest.Exif{})
	if p, err := work.Preview(t.Context(), bytes.NewReader(small), int64(len(small))); err != nil || p.Width != 100 || p.Height != 50 {
		t.Fatalf("a small picture is not enlarged: %+v, %v", p.Width, err)
	}
}

func TestBoxesCoverThePixelsOfTheUprightPicture(t *testing.T) {
	// A white scene with one red patch, in the box, in every way of holding the camera.
	scene := image.NewRGBA(image.Rect(0, 0, 3000, 2000))
	for i := range scene.Pix {
		scene.Pix[i] = 255
	}
	for y := 400; y < 600; y++ {
		for x := 2100; x < 2400; x++ {
			scene.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
		}
	}
	box := imaging.Box{X: 0.7, Y: 0.2, W: 0.1, H: 0.1}
	for _, o := range []int{1, 3, 6, 7, 8} {
		raw := imagingtest.JPEG(turned(scene, o), imagingtest.Exif{Orientation: o})
		shared, thumb, err := work.Redact(t.Context(), bytes.NewReader(raw), int64(len(raw)), []imaging.Box{box})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []imaging.Picture{shared, thumb} {
			img := open(t, p)
			black := 0
			for y := range p.Height {
				for x := range p.Width {
					r, g, b, _ := img.At(x, y).RGBA()
					// 0x1800: what JPEG adds at the edge of black and white
					if r > g+0x1800 || r > b+0x1800 {
						t.Fatalf("orientation %d: red left at %d,%d of %d × %d", o, x, y, p.Width, p.Height)
					}
					if r < 0x2000 {
						black++
					}
				}
			}
			if share := float64(black) / float64(p.Width*p.Height); share < 0.009 || share > 0.02 {
				t.Fatalf("orientation %d: %.4f of the picture is black", o, share)
			}
		}
	}
}

func TestBoxesThatAreNone(t *testing.T) {
	raw := imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{})
	nan := math.NaN()
	for _, boxes := range [][]imaging.Box{
		{{X: -0.1, Y: 0, W: 0.2, H: 0.2}}, {{X: 0.9, Y: 0, W: 0.2, H: 0.2}}, {{X: 0, Y: 0, W: 0, H: 0.2}}, {{X: nan, Y: 0, W: 0.2, H: 0.2}},
		{{X: 0, Y: 0, W: math.Inf(1), H: 0.2}}, {{X: 10, Y: 10, W: 100, H: 100}}, make([]imaging.Box, 201),
	} {
		_, _, err := work.Redact(t.Context(), bytes.NewReader(raw), int64(len(raw)), boxes)
		if inspection.KeyOf(err) != "evidence.error.boxes" {
			t.Errorf("%v: %v", boxes, err)
		}
	}
	full := []imaging.Box{{X: 0, Y: 0, W: 1, H: 1}}
	p, _, err := work.Redact(t.Context(), bytes.NewReader(raw), int64(len(raw)), full)
	if err != nil || !near(open(t, p).At(32, 24), color.Black) {
		t.Fatalf("a box over everything: %v", err)
	}
}

func TestTransparencyBecomesWhite(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	raw := imagingtest.PNG(img, imagingtest.Exif{})
	p, err := work.Thumbnail(t.Context(), bytes.NewReader(raw), int64(len(raw)))
	if err != nil || !near(open(t, p).At(10, 10), color.White) {
		t.Fatal(err)
	}
}

func TestNoPictureOfPDFAndHEIC(t *testing.T) {
	for _, raw := range [][]byte{imagingtest.PDF(), imagingtest.HEIC()} {
		if _, err := work.Preview(t.Context(), bytes.NewReader(raw), int64(len(raw))); inspection.KeyOf(err) != "evidence.error.no_preview" {
			t.Error(err)
		}
	}
}

// gate lets every reader in and holds it in the middle of the picture.
type gate struct {
	*bytes.Reader
	reached func()
	open    <-chan struct{}
	once    sync.Once
}

func (g *gate) Read(p []byte) (int, error) {
	if g.Len() == 0 {
		g.once.Do(func() { g.reached(); <-g.open })
	}
	return g.Reader.Read(p)
}

func TestAWaitingDecodingGivesUpWithItsCaller(t *testing.T) {
	raw := imagingtest.PNG(imagingtest.Scene(100, 100), imagingtest.Exif{})
	one := imaging.NewWork(imaging.Limits{Bytes: 1 << 20, Pixels: 15_000}) // room for one such picture
	inside, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	cut := raw[:len(raw)-2] // reaches its end while decoding
	go func() {
		_, err := one.Inspect(context.Background(), &gate{Reader: bytes.NewReader(cut), reached: func() { close(inside) }, open: release}, int64(len(cut)))
		done <- err
	}()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Inspect(ctx, bytes.NewReader(raw), int64(len(raw))); !errors.Is(err, context.Canceled) {
		t.Errorf("second picture: %v", err)
	}
	close(release)
	if err := <-done; inspection.KeyOf(err) != "evidence.error.broken" {
		t.Errorf("first picture: %v", err)
	}
	if _, err := one.Inspect(t.Context(), bytes.NewReader(raw), int64(len(raw))); err != nil {
		t.Errorf("after both: %v", err)
	}
}

func FuzzInspect(f *testing.F) {
	scene := imagingtest.Scene(24, 16)
	for _, raw := range [][]byte{
		imagingtest.JPEG(scene, imagingtest.Exif{Orientation: 6, Taken: time.Unix(1_700_000_000, 0), Lat: 20, Lng: 105}),
		imagingtest.PNG(scene, imagingtest.Exif{Orientation: 3}), imagingtest.WebP(9, 9, color.RGBA{1, 2, 3, 255}, 9, 9),
		imagingtest.HEIC(), imagingtest.PDF(), imagingtest.HugeJPEG(50_000, 50_000), []byte("<svg/>"),
	} {
		f.Add(raw)
	}
	small := imaging.NewWork(imaging.Limits{Bytes: 1 << 20, Pixels: 1_000_000})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		info, err := small.Inspect(t.Context(), r, int64(len(raw)))
		sniffed, ok := imaging.Sniff(raw[:min(len(raw), imaging.SniffLen)])
		if err != nil {
			if inspection.KeyOf(err) == "" {
				t.Fatalf("not an error for a person: %v", err)
			}
			return
		}
		if !ok || sniffed != info.Type || info.Orientation < 1 && info.Type.Image() || info.Width < 0 || info.Height < 0 {
			t.Fatalf("%+v, sniffed %q", info, sniffed)
		}
		if info.Type.Decodable() {
			p, err := small.Thumbnail(t.Context(), r, int64(len(raw)))
			if err != nil || p.Width < 1 || p.Width > imaging.ThumbSide || p.Height < 1 || p.Height > imaging.ThumbSide {
				t.Fatalf("accepted, yet no thumbnail: %d × %d, %v", p.Width, p.Height, err)
			}
		}
	})
}

func BenchmarkDerive12Megapixels(b *testing.B) {
	raw := imagingtest.JPEG(imagingtest.Scene(4000, 3000), imagingtest.Exif{})
	for b.Loop() {
		if _, err := work.Derive(context.Background(), bytes.NewReader(raw), int64(len(raw)), imaging.PreviewSide, imaging.ThumbSide); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleSniff() {
	t, ok := imaging.Sniff([]byte("%PDF-1.7\n"))
	fmt.Println(t, ok)
	_, ok = imaging.Sniff([]byte("<html>"))
	fmt.Println(ok)
	// Output:
	// application/pdf true
	// false
}

var _ io.ReadSeeker = (*gate)(nil)
