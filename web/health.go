package web

import (
	"context"
	"net/http"

	"congvu/inspection"
	"congvu/inspection/installation"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

// SignState is how a part of the installation is.
type SignState string

// The states. With a bad sign the program cannot do its work.
const (
	Well SignState = "ok"
	Warn SignState = "warn"
	Bad  SignState = "bad"
)

// Sign is one part of the installation and how it is. Its words are those of
// health.<Key> and health.<Key>.<Say>, filled by Params.
type Sign struct {
	Key    string
	State  SignState
	Say    string
	Params inspection.Params
}

// Health is how the installation is. Full asks what takes time to ask, too.
type Health func(ctx context.Context, full bool) []Sign

// ready tells whether nothing is bad.
func ready(signs []Sign) bool {
	for _, s := range signs {
		if s.State == Bad {
			return false
		}
	}
	return true
}

func (s *Server) healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readiness is what readyz answers.
type readiness struct {
	Status string               `json:"status"` // ready, or not ready
	Signs  map[string]SignState `json:"signs"`
	Detail map[string]any       `json:"detail,omitempty"` // for who asks from this machine
}

// readyz tells machines what the page of health tells people: whether this copy can do
// its work, and how each part is; figures only to who asks from this machine itself. 503
// when it cannot.
func (s *Server) readyz(c echo.Context) error {
	signs := s.Health(c.Request().Context(), false)
	out := readiness{Status: "ready", Signs: map[string]SignState{}}
	code := http.StatusOK
	if !ready(signs) {
		out.Status, code = "not ready", http.StatusServiceUnavailable
	}
	from := peer(c.Request())
	near := from.IsLoopback() && c.Request().Header.Get("X-Forwarded-For") == ""
	for _, sign := range signs {
		out.Signs[sign.Key] = sign.State
		if near && sign.Params != nil {
			if out.Detail == nil {
				out.Detail = map[string]any{}
			}
			out.Detail[sign.Key] = sign.Params
		}
	}
	return c.JSON(code, out)
}

type healthPage struct {
	adminBase
	Signs     []Sign
	Instances []installation.Instance
	Worst     SignState
	Version   string
}

// healthPage tells an administrator how the installation is, and nothing of what it
// holds.
func (s *Server) healthPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	if _, ok := org.Can(a, org.ReadHealth, org.Subject{}); !ok {
		return org.MustNot()
	}
	page := healthPage{adminBase: s.adminBase(c, "health.title"), Signs: s.Health(ctx, true), Worst: Well, Version: s.config.Version}
	for _, sign := range page.Signs {
		if sign.State == Bad || sign.State == Warn && page.Worst == Well {
			page.Worst = sign.State
		}
	}
	if s.Instances != nil {
		var err error
		if page.Instances, err = s.Instances(ctx); err != nil {
			page.Instances = nil // the signs say what is wrong with the database
		}
	}
	return s.render(c, http.StatusOK, "health", page)
}

// Sign is a sign in words.
func (b Base) Sign(s Sign) string {
	var pairs []any
	for k, v := range s.Params {
		pairs = append(pairs, k, v)
	}
	return b.T("health."+s.Key+"."+s.Say, pairs...)
}

// SignClass is the class of a sign's tag; the tag always holds its word.
func (Base) SignClass(v SignState) string {
	switch v {
	case Well:
		return "good"
	case Warn:
		return "soon"
	}
	return "late"
}
