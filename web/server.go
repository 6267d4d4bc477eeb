package web

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/inbox"
	"congvu/inspection/installation"
	"congvu/inspection/notify"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/selfcheck"
	"congvu/inspection/summary"
	"congvu/inspection/visit"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

//go:embed templates static tablet
var embedded embed.FS

// Config is what the server must know of its surroundings.
type Config struct {
	URL      *url.URL // the public address: links, origin check, Secure cookies
	Dev      bool     // read templates and assets from Root at each request
	Root     fs.FS    // with Dev: the folder web of the source
	Demo     bool     // the installation holds demo data: every page says so
	MaxBytes int64    // of one uploaded file
	Version  string
	Observe  func(Answered) // told of every request once it is answered; may be nil
	Proxies  []netip.Prefix // trusted: they say who the client is and that it speaks TLS
}

// Services is all that pages and API call.
type Services struct {
	Auth       *auth.Service
	Org        *org.Service
	Checklists *checklist.Service
	Plan       *plan.Service
	Visits     *visit.Service
	Findings   *finding.Service
	Inbox      *inbox.Service
	Evidence   *evidence.Service
	Summary    *summary.Service
	SelfChecks *selfcheck.Service
	Notify     *notify.Service
	Snapshots  *snapshot.Service
	Clock      inspection.Clock
	Health     Health
	Instances  func(context.Context) ([]installation.Instance, error) // the copies that run
}

// Server is the HTTP side of the program.
type Server struct {
	Services
	config      Config
	echo        *echo.Echo
	api         huma.API
	files       fs.FS
	pages       *pages
	tablet      *tabletFiles
	permissions map[string]Permission // by "METHOD path" as echo knows it
	takes       map[string]bool       // forms that may carry files, likewise
	origins     *http.CrossOriginProtection
}

// New makes the server. Every template is parsed here, so that a broken one stops
// the program at start.
func New(config Config, services Services) (*Server, error) {
	s := &Server{Services: services, config: config, files: embedded, permissions: map[string]Permission{}, takes: map[string]bool{}}
	if config.Dev && config.Root != nil {
		s.files = config.Root
	}
	if s.config.MaxBytes == 0 {
		s.config.MaxBytes = 32 << 20
	}
	var err error
	if s.pages, err = parsePages(s.files); err != nil {
		return nil, err
	}
	if s.tablet, err = loadTablet(s.files); err != nil {
		return nil, err
	}
	s.origins = http.NewCrossOriginProtection()
	if config.URL != nil {
		if err := s.origins.AddTrustedOrigin(config.URL.Scheme + "://" + config.URL.Host); err != nil {
			return nil, err
		}
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.IPExtractor = s.clientAddress
	e.Use(s.requestID, s.logRequest, s.recoverPanic, s.secureHeaders, s.onlySecure, s.sameOrigin, s.plainAddress, s.identify, s.limitBody, s.plainJSON)
	s.echo = e
	s.routes()
	return s, nil
}

// ServeHTTP serves a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Run serves on an address until the context ends, then lets the requests that
// have begun finish for at most 20 seconds. ready is called with the address once
// it listens.
func (s *Server) Run(ctx context.Context, server *http.Server, serve func(*http.Server) error) error {
	server.Handler = s
	server.ReadHeaderTimeout = 10 * time.Second
	server.IdleTimeout = 2 * time.Minute
	failed := make(chan error, 1)
	go func() { failed <- serve(server) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("shutting down: requests that have begun are finished")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}
