package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/camera/cameratest"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/visit"
)

// tapped is how many cameras are tapped at once, each by a request of its own.
const tapped = 20

// BenchmarkTap is the time from the tap that asks for a still until it is stored, on the
// real binary: twenty cameras at once, entered by the administrator, on both pairs of
// stores. Over RTSP with 1920 × 1080, 4 Mbit/s and a keyframe every two seconds, each camera
// at another point of its film. The cameras run on the same processors.
func BenchmarkTap(b *testing.B) {
	film, err := cameratest.Make(b.Context(), cameratest.Shot{Codec: cameratest.H264, Width: 1920, Height: 1080})
	if err != nil {
		b.Fatal(err)
	}
	raw := cameratest.JPEG(cameratest.Desk(1920, 1080, 1))
	web := func(int) camera.Source {
		d, err := cameratest.New(cameratest.Options{Auth: cameratest.DigestMD5, User: cameraUser, Password: cameraPassword, Picture: func(string) []byte { return raw }})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(d.Close)
		return camera.Source{Way: camera.HTTP, Address: d.Still()}
	}
	streams := func(i int) camera.Source {
		s, err := cameratest.Play(film, cameratest.StreamOptions{User: cameraUser, Password: cameraPassword, Phase: time.Duration(i) * 2 * time.Second / tapped})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(s.Close)
		return camera.Source{Way: camera.RTSP, Address: s.URL}
	}
	for _, s := range []stores{loadStores[0], loadStores[2]} {
		l := newLoad(b, append(s.settings(b), "CONGVU_CAMERA_RANGES="+hereOnly.String()))
		desks := l.desks
		for i, kind := range []struct {
			name   string
			source func(int) camera.Source
		}{{"http", web}, {"rtsp", streams}} {
			cameras := l.cameras(*desks[i].DeskID, kind.source)
			l.desks = desks[i : i+1] // whose checks are made
			b.Run(s.name+"/"+kind.name, func(b *testing.B) {
				l.taps(cameras) // warm
				var took []time.Duration
				for range b.N {
					for range 5 {
						took = append(took, l.taps(cameras)...)
					}
				}
				report(b, took)
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// cameras enters cameras at a desk, by the page of the administrator.
func (l *load) cameras(desk string, source func(int) camera.Source) []string {
	l.b.Helper()
	admin := l.signIn("quantri")
	ids := make([]string, tapped)
	for i := range ids {
		ids[i] = inspection.NewID()
		of := source(i)
		form := url.Values{"id": {ids[i]}, "name": {fmt.Sprint("Camera đo ", i+1)}, "way": {string(of.Way)}, "address": {of.Address}, "user": {cameraUser}, "password": {cameraPassword},
			"notice_number": {"02/TB-MAU"}, "notice_date": {string(inspection.SystemClock{}.Now().Date())}}
		r, err := http.NewRequest(http.MethodPost, l.program.base+"/admin/desks/"+desk+"/cameras", strings.NewReader(form.Encode()))
		if err != nil {
			l.b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(admin)
		response, err := l.client.Do(r)
		if err != nil {
			l.b.Fatal(err)
		}
		said, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusSeeOther {
			l.b.Fatal(response.Status, string(said))
		}
	}
	return ids
}

// taps asks each camera for a still of a new check at the same time, and tells how long each
// took until it was stored.
func (l *load) taps(cameras []string) []time.Duration {
	l.b.Helper()
	l.settle() // previews of those before
	l.plan(1)
	check := l.begin()
	begun := time.Now()
	var asked sync.WaitGroup
	for _, id := range cameras {
		asked.Go(func() {
			l.post(opOf(check, visit.OpSnapshot, visit.Snapshot{Camera: id, Item: "A04", Reason: "đo"}))
		})
	}
	asked.Wait()
	took := map[string]time.Duration{}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(took) < len(cameras) {
		<-tick.C
		var rows []snapshot.Request
		if err := l.db.Select("id", "state", "cause").Where("visit_id = ? AND state <> ?", check, snapshot.Waiting).Find(&rows).Error; err != nil {
			l.b.Fatal(err)
		}
		for _, r := range rows {
			if r.State != snapshot.Taken {
				l.b.Fatalf("no still: %s %s", r.State, r.Cause)
			}
			if _, known := took[r.ID]; !known {
				took[r.ID] = time.Since(begun)
			}
		}
		if time.Since(begun) > time.Minute {
			l.b.Fatalf("%d stills of %d after a minute", len(took), len(cameras))
		}
	}
	out := make([]time.Duration, 0, len(took))
	for _, t := range took {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}
