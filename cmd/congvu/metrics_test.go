package main

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"congvu/migrations/dbtest"
)

// answered is what an address says.
func answered(t *testing.T, method, address string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// figure is the value of a series.
func figure(t *testing.T, scrape, series string) float64 {
	t.Helper()
	for line := range strings.Lines(scrape) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Errorf("no %s", series)
	return -1
}

var routeLabel = regexp.MustCompile(`route="([^"]*)"`)

// TestMetricsHaveAnAddressOfTheirOwn scrapes a running demo: figures of the program are
// there, nothing of what it holds, nothing that a sender chose; the public address knows
// no metrics and theirs knows nothing else.
func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	at := freeAddress(t)
	program := start(t, "demo", []string{"CONGVU_METRICS_ADDR=" + at})
	defer program.stop(t)
	for _, path := range []string{"/metrics", "/METRICS", "/metrics/"} {
		if code, body := answered(t, http.MethodGet, program.base+path); code != http.StatusNotFound || strings.Contains(body, "congvu_http") {
			t.Errorf("the public address answers %s with %d", path, code)
		}
	}
	for _, path := range []string{"/", "/login", "/readyz", "/debug/pprof/"} {
		if code, _ := answered(t, http.MethodGet, "http://"+at+path); code != http.StatusNotFound {
			t.Errorf("the address of the metrics answers %s with %d", path, code)
		}
	}
	for range 3 {
		answered(t, http.MethodGet, program.base+"/login")
	}
	const id = "0197f0a0-7b1e-7c3a-8000-1234567890ab"
	answered(t, http.MethodGet, program.base+"/visits/"+id)
	series := func(scrape string) int { return strings.Count(scrape, "congvu_http_request") }
	code, before := answered(t, http.MethodGet, "http://"+at+"/metrics")
	if code != http.StatusOK {
		t.Fatal(code, before)
	}
	for _, strange := range []string{"/wp-login.php", "/nowhere-" + id, "/a/b/c", "/units%20", "/%3Croute%3E", "/visits/" + id + "x"} {
		answered(t, http.MethodGet, program.base+strange)
		answered(t, "BREW", program.base+strange)
	}
	answered(t, "BREW", program.base+"/login")
	_, middle := answered(t, http.MethodGet, "http://"+at+"/metrics")
	for i := range 40 {
		answered(t, http.MethodGet, program.base+"/strange/"+strconv.Itoa(i))
		answered(t, "BREW"+strconv.Itoa(i), program.base+"/login")
	}
	_, after := answered(t, http.MethodGet, "http://"+at+"/metrics")
	if series(after) != series(middle) {
		t.Errorf("unknown paths and methods made %d lines of %d", series(after), series(middle))
	}
	if n := figure(t, before, `congvu_http_requests_total{method="GET",route="/login",status="2xx"}`); n != 3 {
		t.Errorf("%v requests of the sign-in page", n)
	}
	if n := figure(t, before, `congvu_http_request_duration_seconds_count{method="GET",route="/login"}`); n != 3 {
		t.Errorf("%v durations of the sign-in page", n)
	}
	figure(t, before, `congvu_http_requests_total{method="GET",route="/visits/:id",status="4xx"}`)
	if n := figure(t, after, `congvu_http_requests_total{method="GET",route="none",status="4xx"}`); n < 40 {
		t.Errorf("%v unknown paths", n)
	}
	figure(t, after, `congvu_http_requests_total{method="other",route="none",status="4xx"}`)
	for _, name := range []string{"go_goroutines", "process_open_fds", "congvu_jobs_up", `congvu_jobs_waiting{job="previews"}`, `congvu_jobs_failed{job="previews"}`, "congvu_files_awaited",
		`go_sql_open_connections{db_name="read"}`, `go_sql_open_connections{db_name="write"}`} {
		figure(t, after, name)
	}
	if !strings.Contains(after, "congvu_build_info{") || figure(t, after, "congvu_jobs_up") != 1 {
		t.Error("no build, or jobs are not counted")
	}
	for _, m := range routeLabel.FindAllStringSubmatch(after, -1) {
		if m[1] != "none" && !strings.HasPrefix(m[1], "/") || strings.Contains(m[1], "nowhere") {
			t.Errorf("a route is called %q", m[1])
		}
	}
	for _, secret := range []string{id, "Mẫu", "mau", "BREW", "wp-login", "finding", "target_"} {
		if strings.Contains(strings.ReplaceAll(after, `route="/findings`, ""), secret) {
			t.Errorf("the metrics hold %q", secret)
		}
	}
}

// TestMetricsAreNeverPublic: the program refuses settings under which they would be.
func TestMetricsAreNeverPublic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ addr, public, metrics, want string }{
		{"127.0.0.1:8080", "", "127.0.0.1:9464", ""},
		{"127.0.0.1:8080", "", "127.0.0.1:8080", "people use"},
		{"127.0.0.1:8080", "", "localhost:8080", "people use"},
		{"127.0.0.1:8080", "", "[::ffff:127.0.0.1]:8080", "people use"},
		{"127.0.0.1:8080", "", ":8080", "people use"},
		{"127.0.0.1:8080", "", "0.0.0.0:8080", "people use"},
		{"127.0.0.1:8080", "", "[::]:8080", "people use"},
		{"127.0.0.1:8080", "", "127.0.0.2:8080", ""},
		{"127.0.0.1:8080", "http://localhost:9464", "localhost:9464", "people use"},
		{"127.0.0.1:8080", "https://congvu.example.vn", "congvu.example.vn:443", "people use"},
		{"127.0.0.1:8080", "https://congvu.example.vn", "127.0.0.1:9464", ""},
		{"127.0.0.1:8080", "", "9464", "must be an address"},
		{"127.0.0.1:8080", "", "127.0.0.1:none", "must be an address"},
	} {
		_, err := ReadConfig([]string{"CONGVU_ADDR=" + c.addr, "CONGVU_URL=" + c.public, "CONGVU_METRICS_ADDR=" + c.metrics})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newShell(t, "CONGVU_ADDR=127.0.0.1:0", "CONGVU_METRICS_ADDR="+taken.Addr().String())
	if _, said := s.run("serve"); !strings.Contains(said, "metrics: listen on") {
		t.Errorf("an address that is taken: %s", said)
	}
}

// TestMetricsOfPostgreSQL: one pool, and jobs are counted there too.
func TestMetricsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	at := freeAddress(t)
	program := start(t, "serve", append(bothStores[1].settings(t), "CONGVU_METRICS_ADDR="+at))
	defer program.stop(t)
	_, scrape := answered(t, http.MethodGet, "http://"+at+"/metrics")
	figure(t, scrape, `go_sql_open_connections{db_name="all"}`)
	if figure(t, scrape, "congvu_jobs_up") != 1 {
		t.Error("jobs are not counted")
	}
}

// TestMetricsSayWhenNothingCanBeCounted: a database that is gone costs its own figures only.
func TestMetricsSayWhenNothingCanBeCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.SQLite(t))
	m, err := newMetrics(s.db, s.demo.services.Evidence)
	s.must(err)
	s.must(s.db.Exec("ALTER TABLE evidence_files RENAME TO evidence_elsewhere").Error)
	all, err := m.registry.Gather()
	s.must(err)
	seen := map[string]float64{}
	for _, f := range all {
		for _, v := range f.GetMetric() {
			seen[f.GetName()] += v.GetGauge().GetValue()
		}
	}
	if up, ok := seen["congvu_jobs_up"]; !ok || up != 0 || seen["go_goroutines"] < 1 || seen["congvu_build_info"] != 1 {
		t.Errorf("%v", seen)
	}
	if _, ok := seen["congvu_jobs_waiting"]; ok {
		t.Error("a count that failed is told as one")
	}
}
