package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"time"

	"congvu/evidence"
	"congvu/inspection/installation"
	"congvu/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"gorm.io/gorm"
)

// metrics are figures of how the program works, for Prometheus, on an address of their
// own. They say nothing of what it holds: no unit, no id, no count of checks or findings,
// for who reads them need not be anybody who may see any. Labels take few values, none
// of them from outside.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics(db *gorm.DB, files *evidence.Service) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "congvu_http_requests_total",
			Help: "Requests answered, by the pattern of their route (none: no route of ours), method and class of status."}, []string{"route", "method", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "congvu_http_request_duration_seconds",
			Help: "How long requests took, by the pattern of their route and method.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route", "method"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "congvu_build_info", Help: "1, for the version of this copy.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version(), "database": db.Name()}})
	build.Set(1)
	all := []prometheus.Collector{m.requests, m.took, build, &jobsCollector{db: db, files: files},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	name := "all"
	if readers, ok := db.ConnPool.(interface{ Readers() *sql.DB }); ok {
		name = "write"
		all = append(all, collectors.NewDBStatsCollector(readers.Readers(), "read"))
	}
	all = append(all, collectors.NewDBStatsCollector(pool, name))
	for _, c := range all {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

// observe takes a request in that was answered.
func (m *metrics) observe(r web.Answered) {
	m.requests.WithLabelValues(r.Route, r.Method, strconv.Itoa(r.Status/100)+"xx").Inc()
	m.took.WithLabelValues(r.Route, r.Method).Observe(r.Took.Seconds())
}

// serve answers GET /metrics on a listener until the context ends, in plain HTTP.
func (m *metrics) serve(ctx context.Context, listener net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 2 * askedAtMost, ErrorHandling: promhttp.ContinueOnError}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		slog.Error("metrics are served no more", "error", err)
	case <-ctx.Done():
		_ = server.Close()
		<-ended
	}
}

// jobsCollector asks for the work that waits when it is scraped; an answer that does not
// come leaves its figures out and is told by congvu_jobs_up.
type jobsCollector struct {
	db    *gorm.DB
	files *evidence.Service
}

var (
	jobsUp      = prometheus.NewDesc("congvu_jobs_up", "1 where the work that waits could be counted, else 0.", nil, nil)
	jobsWaiting = prometheus.NewDesc("congvu_jobs_waiting", "Jobs that wait, by what they do.", []string{"job"}, nil)
	jobsFailed  = prometheus.NewDesc("congvu_jobs_failed", "Jobs that were given up, by what they do.", []string{"job"}, nil)
	jobsOldest  = prometheus.NewDesc("congvu_jobs_oldest_timestamp_seconds", "Since when the oldest job waits; 0 for none.", []string{"job"}, nil)
	dailyDone   = prometheus.NewDesc("congvu_daily_job_done_timestamp_seconds", "When a job of every day was last done; 0 while it runs or after it broke off.", []string{"job"}, nil)
	filesComing = prometheus.NewDesc("congvu_files_awaited", "Files that were declared and have not arrived.", nil, nil)
)

func (*jobsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{jobsUp, jobsWaiting, jobsFailed, jobsOldest, dailyDone, filesComing} {
		ch <- d
	}
}

func (c *jobsCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askedAtMost)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	j, err := c.files.Jobs(ctx)
	var daily []installation.DailyJob
	if err == nil {
		err = c.db.WithContext(ctx).Find(&daily).Error
	}
	if err != nil {
		slog.Warn("metrics: counting jobs", "error", err)
		gauge(jobsUp, 0)
		return
	}
	gauge(jobsUp, 1)
	gauge(jobsWaiting, float64(j.Waiting), "previews")
	gauge(jobsFailed, float64(j.Failed), "previews")
	gauge(jobsOldest, float64(j.Oldest)/1000, "previews")
	for _, d := range daily {
		gauge(dailyDone, float64(d.DoneAt)/1000, d.Name)
	}
	gauge(filesComing, float64(j.Coming))
}

// samePlace tells whether two addresses to listen on meet: the same port, unless both
// name an address and not the same one.
func samePlace(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portNumber(portA) != portNumber(portB) || portNumber(portA) == 0 { // 0 is any free one
		return false
	}
	ipA, okA := one(hostA)
	ipB, okB := one(hostB)
	return !okA || !okB || ipA == ipB
}

// one is the address that a host is, where it is a single one.
func one(host string) (netip.Addr, bool) {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	return ip.Unmap(), err == nil && !ip.IsUnspecified()
}

func portNumber(port string) int {
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return -1
	}
	return n
}

// atPublic tells whether an address to listen on is that of the public URL.
func atPublic(addr string, public *url.URL) bool {
	port := public.Port()
	if port == "" {
		port = public.Scheme
	}
	host, _, err := net.SplitHostPort(addr)
	return err == nil && host != "" && (host == public.Hostname()) && samePlace(addr, net.JoinHostPort(public.Hostname(), port))
}
