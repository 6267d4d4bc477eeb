package view

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"congvu/evidence/camera"
	"congvu/evidence/camera/cameratest"
	"congvu/inspection"
	"congvu/inspection/seedtest"
)

// filmed is what comes of a picture that a camera films: as a moving picture with the noise
// of its sensor, coded as recorders code, streamed over RTSP and read as a still is read.
func filmed(t *testing.T, r *camera.Reader, codec cameratest.Codec, shown image.Image) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, shown, &jpeg.Options{Quality: 98}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shown.jpg")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	size := shown.Bounds().Size()
	f, err := cameratest.Make(t.Context(), cameratest.Shot{Codec: codec, Width: size.X, Height: size.Y, FPS: 10, Seconds: 2,
		Scene: "movie=" + path + ",loop=loop=-1:size=1:start=0,setpts=N/({rate}*TB),fps={rate},noise=alls=9:allf=t"})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := cameratest.Play(f, cameratest.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	still, err := r.Take(t.Context(), camera.Source{Way: camera.RTSP, Address: stream.URL})
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(still.Data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestR10PairsThatWereFilmed: of pairs of frames that came over RTSP, with the noise of a
// sensor and the loss of H.264 and H.265, in another light, at least 95 of 100 are judged
// right: SAME where the camera stands as it stood, MOVED where it was turned.
func TestR10PairsThatWereFilmed(t *testing.T) {
	t.Parallel()
	r, n := seedtest.Source(t, 12), seedtest.Times(30, 6)
	reader := camera.New(camera.Options{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Clock: inspection.SystemClock{}})
	right, other := 0, 0
	for i := range n {
		seed, la, lb := r.Uint64(), someLight(r), someLight(r)
		one, two := room(seed, la, false), room(seed, lb, i%4 == 0)
		two.people(r, some(r, 0, 0.12))
		stands := Transform{X: some(r, -0.003, 0.003), Y: some(r, -0.003, 0.003), Turn: some(r, -0.2, 0.2), Scale: some(r, 0.997, 1.003)}
		want, by := Same, stands
		if i%2 == 1 {
			for want = Moved; by.shift(0.75) < 2*Still; {
				by = someTurn(r)
			}
		}
		codec := []cameratest.Codec{cameratest.H264, cameratest.H265}[i/2%2]
		a := filmed(t, reader, codec, one.shot(r, Identity, 960, 720, la))
		b := filmed(t, reader, codec, two.shot(r, by, 960, 720, lb))
		c := Compare(a, b)
		look(t, fmt.Sprintf("filmed%03d", i), a, b, c.Transform)
		switch {
		case c.Verdict == want && (want == Same || off(c.Transform, by) <= wrongBy):
			right++
		case c.Verdict == Other:
			other++
			t.Logf("%d: given up: %s %+v", i, want, by)
		default:
			t.Errorf("%d: judged %+v, want %s %+v", i, c, want, by)
		}
	}
	t.Logf("%d of %d filmed pairs judged right, %d given up", right, n, other)
	if 100*right < 95*n && (n >= 20 || right < n-1) {
		t.Errorf("only %d of %d", right, n)
	}
}
