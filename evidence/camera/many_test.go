package camera_test

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/camera/cameratest"
)

const many = 20 // cameras at once

// together takes a still of each source at once and gives how long each took.
func together(t testing.TB, r *camera.Reader, sources []camera.Source) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(sources))
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() {
			began := time.Now()
			if _, err := r.Take(t.Context(), s); err != nil {
				t.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// TestOneCameraThatHangsHoldsUpNothing: nineteen cameras with the twentieth at work and
// with the twentieth hanging, in turn, five pairs; what the nineteen wait in the middle
// stays the same. A machine that does much else moves it too, in both directions, so that
// one set of pairs of three will do; a camera that holds up others does so in all.
func TestOneCameraThatHangsHoldsUpNothing(t *testing.T) {
	const bound = 0.25
	deaf, err := cameratest.NewDeaf()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(deaf.Close)
	f, err := film(t, cameratest.Shot{Width: 320, Height: 180, FPS: 5}).Frozen() // every frame a picture: nobody waits long for the next
	if err != nil {
		t.Fatal(err)
	}
	raw := cameratest.JPEG(cameratest.Desk(1280, 720, 1))
	var web, streams []camera.Source
	for range many {
		web = append(web, camera.Source{Way: camera.HTTP, Address: device(t, cameratest.Options{Picture: func(string) []byte { return raw }}).Still()})
		streams = append(streams, rtspSource(stream(t, f, cameratest.StreamOptions{})))
	}
	for name, c := range map[string]struct {
		sources []camera.Source
		hanging camera.Source
	}{
		"http": {web, camera.Source{Way: camera.HTTP, Address: "http://" + deaf.Address + "/"}},
		"rtsp": {streams, rtspSource(stream(t, f, cameratest.StreamOptions{Held: make(chan struct{})}))},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader()
			others, twentieth := c.sources[:many-1], c.sources[many-1]
			together(t, r, others) // warm
			median := func(s camera.Source, hangs bool) time.Duration {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() {
					_, err := r.Take(ctx, s)
					ended <- err
				}()
				took := together(t, r, others)[len(others)/2]
				select {
				case err := <-ended:
					if hangs {
						t.Fatalf("it does not hang: %v", err)
					}
				default:
				}
				return took
			}
			for set := range 3 {
				var moved []float64
				for pair := range 5 {
					var working, hanging time.Duration
					if pair%2 == 0 {
						working, hanging = median(twentieth, false), median(c.hanging, true)
					} else {
						hanging, working = median(c.hanging, true), median(twentieth, false)
					}
					moved = append(moved, float64(hanging)/float64(working)-1)
					t.Logf("median of %d: %v with all at work, %v with one hanging, %+.0f %%", len(others), working.Round(time.Millisecond), hanging.Round(time.Millisecond), 100*moved[pair])
				}
				slices.Sort(moved)
				if t.Logf("set %d: the median of five pairs moved by %+.0f %%", set+1, 100*moved[2]); moved[2] < bound {
					return
				}
			}
			t.Errorf("it moved by %.0f %% or more three times", 100*bound)
		})
	}
}

// TestManyAtOnce: more readings than there are processors and than decoders may wait.
func TestManyAtOnce(t *testing.T) {
	s := rtspSource(stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{}))
	var sources []camera.Source
	for range 40 {
		sources = append(sources, s)
	}
	together(t, reader(), sources)
}

// cpu is the processor time of this process, the cameras in it included, and of every
// ffmpeg that has ended.
func cpu(b *testing.B) (spent time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			b.Fatal(err)
		}
		spent += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return spent
}

// BenchmarkStill takes stills of twenty cameras at once, from being asked to the still
// that is drawn, looked at and hashed; over RTSP with 1920 × 1080, 4 Mbit/s and a keyframe
// every two seconds, each camera at another point of its film. The cameras run on the same
// processors.
func BenchmarkStill(b *testing.B) {
	f := film(b, cameratest.Shot{Width: 1920, Height: 1080})
	raw := cameratest.JPEG(cameratest.Desk(1920, 1080, 1))
	var web, streams []camera.Source
	for i := range many {
		d := device(b, cameratest.Options{Auth: cameratest.DigestMD5, User: user, Password: password, Picture: func(string) []byte { return raw }})
		web = append(web, httpSource(d))
		streams = append(streams, rtspSource(stream(b, f, cameratest.StreamOptions{User: user, Password: password, Phase: time.Duration(i) * 2 * time.Second / many})))
	}
	for name, sources := range map[string][]camera.Source{"http": web, "rtsp": streams} {
		b.Run(name, func(b *testing.B) {
			r := reader()
			together(b, r, sources[:2]) // warm
			var took []time.Duration
			spent := cpu(b)
			b.ResetTimer()
			for range b.N {
				for range 5 {
					took = append(took, together(b, r, sources)...)
				}
			}
			b.StopTimer()
			spent = cpu(b) - spent
			slices.Sort(took)
			at := func(part float64) float64 { return took[int(part*float64(len(took)-1))].Seconds() * 1000 }
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.95), "p95-ms")
			b.ReportMetric(spent.Seconds()*1000/float64(len(took)), "cpu-ms/still")
			b.ReportMetric(0, "ns/op")
		})
	}
}
