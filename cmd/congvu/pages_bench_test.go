package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/migrations/dbtest"
	"congvu/web"
)

// bench is the demo's installation in this process, on one pair of stores.
func bench(b *testing.B, database string) (*demo, *web.Server) {
	b.Helper()
	environ := []string{"CONGVU_DATA=" + filepath.Join(b.TempDir(), "data")}
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
	server, err := web.New(web.Config{URL: &url.URL{Scheme: "http", Host: "localhost"}, Demo: true, MaxBytes: c.MaxFileBytes, Proxies: testPeer}, p.services)
	if err != nil {
		b.Fatal(err)
	}
	return d, server
}

var databases = []string{"sqlite", "postgres"}

// readers are those whose pages are measured; a page is measured as the first sees it
// who reaches it, the lists as each sees them.
var readers = []string{"chutich", "truongdoan", "thutruong2", "noivu", "quantri"}

// BenchmarkPage is the server's time for every page that somebody reaches by links
// from the pages of the route table, with one client, session and rights included, on
// demo data and on the made province.
func BenchmarkPage(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent)) // as the program runs
	for _, data := range []string{"demo", "province"} {
		for _, database := range databases {
			b.Run(data+"/"+database, func(b *testing.B) {
				d, server := bench(b, database)
				if data == "province" {
					madeProvince(b, d.Main, d.program, provinceChecks)
				}
				w := walk{b: b, d: d, server: server, seen: map[string]bool{}}
				for _, username := range readers {
					w.from(username)
				}
				for _, p := range w.found {
					b.Run(p.username+p.name, func(b *testing.B) {
						var took []time.Duration
						for b.Loop() {
							begun := time.Now()
							if code, _ := p.get(server); code != http.StatusOK {
								b.Fatal(code)
							}
							took = append(took, time.Since(begun))
						}
						report(b, took)
					})
				}
			})
		}
	}
}

// report gives the median and the 95th percentile in milliseconds.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(share float64) float64 { return took[int(share*float64(len(took)-1)+0.5)].Seconds() * 1000 }
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.95), "p95-ms")
}

// seenPage is one that somebody reaches.
type seenPage struct {
	username, name, path string
	cookie               *http.Cookie
}

func (p seenPage) get(server http.Handler) (int, string) {
	r := httptest.NewRequest(http.MethodGet, p.path, nil)
	r.AddCookie(p.cookie)
	w := httptest.NewRecorder()
	r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
	server.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// walk finds the pages.
type walk struct {
	b      *testing.B
	d      *demo
	server *web.Server
	seen   map[string]bool
	found  []seenPage
}

var hrefs = regexp.MustCompile(`href="(/[^"#]*)`)

// from follows links, three steps far, from every page without a parameter and from a
// check and a finding in each state.
func (w *walk) from(username string) {
	w.b.Helper()
	cookie := signedIn(w.b, w.server, username)
	var next []string
	for _, r := range w.server.Routes() {
		if r.Method == http.MethodGet && r.Permission != web.Public && !strings.ContainsAny(r.Path, ":*") {
			next = append(next, r.Path)
		}
	}
	next = append(next, "/visits?q=mau+07", "/visits?state=CONCLUDED", "/visits?q=trung+tam+phuc+vu&from=2025-01-01&to=2026-12-31", "/findings?q=niem+yet", "/findings?state=open&q=mau+03", "/findings?q=chu+nay+khong+co&item=", "/units?q=mau+07", "/units?as_of=2025-01-01")
	for _, table := range []string{"visits", "findings"} {
		var ids []string
		if err := w.d.db.Raw("SELECT MAX(CAST(id AS TEXT)) FROM " + table + " GROUP BY state ORDER BY 1 DESC").Scan(&ids).Error; err != nil {
			w.b.Fatal(err)
		}
		for _, id := range ids {
			next = append(next, "/"+table+"/"+id)
		}
	}
	for range 3 {
		var after []string
		for _, path := range next {
			path = strings.ReplaceAll(path, "&amp;", "&")
			name := nameOf(path)
			if !anID.MatchString(path) {
				name = username + name
			}
			if w.seen[name] || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/tablet") || strings.HasPrefix(path, "/files/") {
				continue
			}
			p := seenPage{username, nameOf(path), path, cookie}
			code, body := p.get(w.server)
			if code != http.StatusOK {
				continue
			}
			w.seen[name] = true
			w.found = append(w.found, p)
			for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
				after = append(after, m[1])
			}
		}
		next = after
	}
}

// nameOf is a path by its route and the names of what it asks for.
func nameOf(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	name := anID.ReplaceAllString(u.Path, "ID")
	var asks []string
	for key, values := range u.Query() {
		if values[0] == "" {
			continue
		}
		if key == "figure" && !strings.HasPrefix(values[0], "item-") {
			key += "=" + values[0]
		}
		asks = append(asks, key)
	}
	if slices.Sort(asks); len(asks) > 0 {
		name += "?" + strings.Join(asks, "&")
	}
	return name
}

func signedIn(b testing.TB, server http.Handler, username string) *http.Cookie {
	b.Helper()
	r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"username": {username}, "password": {demoPassword}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
	server.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "congvu" {
			return c
		}
	}
	b.Fatalf("sign-in: %d", w.Code)
	return nil
}

// memory is a figure of a process's memory in MB: VmRSS or VmHWM.
func memory(b *testing.B, pid int, figure string) float64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var kb float64
		if _, err := fmt.Sscanf(line, figure+": %f kB", &kb); err == nil {
			return kb / 1024
		}
	}
	b.Fatal("no " + figure)
	return 0
}
