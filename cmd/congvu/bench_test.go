package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"
	"congvu/web"
)

// bench is the demo's installation in this process, on one pair of stores.
func bench(b *testing.B, database string) (*demo, http.Handler) {
	b.Helper()
	dir := b.TempDir()
	environ := []string{"CONGVU_DATA=" + filepath.Join(dir, "data")}
	if database == "postgres" {
		environ = append(environ, "CONGVU_DATABASE_URL="+dbtest.PostgresDSN(b), "CONGVU_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	}
	m := &Main{Environ: environ, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Clock: inspection.SystemClock{}}
	c, err := m.config()
	if err != nil {
		b.Fatal(err)
	}
	p, err := m.open(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.close)
	if err := m.fillDemo(context.Background(), p); err != nil {
		b.Fatal(err)
	}
	d := &demo{Main: m, program: p, today: m.Clock.Now().Date(), clock: inspection.NewManualClock(m.Clock.Now().Time())}
	if err := d.load(context.Background()); err != nil {
		b.Fatal(err)
	}
	server, err := web.New(web.Config{URL: &url.URL{Scheme: "http", Host: "localhost"}, Demo: true, MaxBytes: c.MaxFileBytes}, p.services)
	if err != nil {
		b.Fatal(err)
	}
	return d, server
}

var databases = []string{"sqlite", "postgres"}

// BenchmarkPage is the server's time for a page on demo data, session and rights
// included.
func BenchmarkPage(b *testing.B) {
	for _, database := range databases {
		_, server := bench(b, database)
		for _, page := range []struct{ username, path string }{{"chutich", "/overview"}, {"chutich", "/visits"}, {"thutruong2", "/findings"}, {"truongdoan", "/findings"}, {"truongdoan", "/units"}} {
			cookie := signedIn(b, server, page.username)
			b.Run(database+page.path+" "+page.username, func(b *testing.B) {
				for b.Loop() {
					r := httptest.NewRequest("GET", page.path, nil)
					r.AddCookie(cookie)
					w := httptest.NewRecorder()
					server.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}

func signedIn(b *testing.B, server http.Handler, username string) *http.Cookie {
	b.Helper()
	r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"username": {username}, "password": {demoPassword}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "congvu" {
			return c
		}
	}
	b.Fatalf("sign-in: %d", w.Code)
	return nil
}

// BenchmarkOperation is one answer posted on a check that already has most of its
// operations, durable when it returns.
func BenchmarkOperation(b *testing.B) {
	for _, database := range databases {
		b.Run(database, func(b *testing.B) {
			d, _ := bench(b, database)
			ctx := context.Background()
			lead, err := d.actor(d.db, "truongdoan", d.today)
			if err != nil {
				b.Fatal(err)
			}
			waiting, err := d.services.Plan.Waiting(ctx, lead, d.today)
			if err != nil || len(waiting) == 0 {
				b.Fatal(len(waiting), err)
			}
			s := &scribe{d: d, actor: lead, visit: inspection.NewID()}
			if err := s.post(ctx, visit.OpCheckIn, visit.CheckIn{Target: waiting[0].ID, Location: "UNKNOWN"}); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				payload, _ := json.Marshal(visit.Note{Item: "C01", Text: fmt.Sprint(i)})
				if i%100 == 99 { // a check has about a hundred operations: begin another
					b.StopTimer()
					s = s.next(b, ctx)
					b.StartTimer()
				}
				op := visit.Operation{ID: inspection.NewID(), VisitID: s.visit, Device: "bench", DeviceAt: d.Clock.Now(), Seq: int64(i), Type: visit.OpNote, Payload: string(payload)}
				if out := d.services.Visits.Post(ctx, lead, []visit.Operation{op}); out[0].Err != nil {
					b.Fatal(out[0].Err)
				}
			}
		})
	}
}

// next begins another check of the same desk.
func (s *scribe) next(b *testing.B, ctx context.Context) *scribe {
	b.Helper()
	t, err := s.d.target(ctx, s.actor, 1, 7, s.d.today, 480, nil)
	if err != nil {
		b.Fatal(err)
	}
	fresh := &scribe{d: s.d, actor: s.actor, visit: inspection.NewID()}
	if err := fresh.post(ctx, visit.OpCheckIn, visit.CheckIn{Target: t.ID, Location: "UNKNOWN"}); err != nil {
		b.Fatal(err)
	}
	return fresh
}
