package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"congvu/inspection"
	"congvu/inspection/auth"

	"github.com/labstack/echo/v4"
)

const (
	keyActor   = "actor"
	keySession = "session"
	keyRequest = "request"
)

// requestID names each request; the name stands in the log and on the page of an
// error, never its cause.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := inspection.NewID()
		c.Set(keyRequest, id)
		c.Response().Header().Set("X-Request-Id", id)
		return next(c)
	}
}

func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		status := c.Response().Status
		level := slog.LevelInfo
		if status >= 500 {
			level = slog.LevelError
		}
		// The route, not the address: an address can hold what is not for the log.
		attrs := []any{"request", c.Get(keyRequest), "method", c.Request().Method, "route", c.Path(), "status", status,
			"bytes", c.Response().Size, "ms", time.Since(start).Milliseconds()}
		if err != nil && status >= 500 {
			attrs = append(attrs, "error", err.Error())
		}
		slog.Log(c.Request().Context(), level, "request", attrs...)
		return nil
	}
}

func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				err = inspection.E(inspection.Internal, "error.internal").Because(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
			}
		}()
		return next(c)
	}
}

// policy lets a page load what the program itself serves and nothing else; blob:
// is for photos that the tablet has just taken.
const policy = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

func (s *Server) secure() bool { return s.config.URL != nil && s.config.URL.Scheme == "https" }

// sameOrigin refuses changes that another site's page asks for in a signed-in
// person's name.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.origins.Check(c.Request()); err != nil {
			return inspection.E(inspection.Forbidden, "error.cross_origin").Because(err)
		}
		return next(c)
	}
}

// limitBody bounds what a request may carry: one file and a little on the routes
// that take files, 1 MiB elsewhere.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		limit := int64(1 << 20)
		if c.Request().Method == http.MethodPut && strings.HasPrefix(c.Path(), "/api/v1/files/") {
			limit = s.config.MaxBytes + 1
		} else if strings.HasPrefix(c.Request().Header.Get("Content-Type"), "multipart/form-data") {
			limit = 10*s.config.MaxBytes + 1<<20
		}
		if c.Request().ContentLength > limit {
			return tooLarge(limit)
		}
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, limit)
		return next(c)
	}
}

func tooLarge(limit int64) error {
	return inspection.E(inspection.TooLarge, "error.too_large", "max", fmt.Sprintf("%d MB", max(limit>>20, 1)))
}

// identify turns the session's cookie into an actor. A request without one goes
// on as nobody; allow decides whether it may.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := s.sessionToken(c)
		if token == "" {
			return next(c)
		}
		request, _ := c.Get(keyRequest).(string)
		session, err := s.Auth.Authenticate(c.Request().Context(), token, request)
		switch {
		case err == nil:
			c.Set(keyActor, session.Actor)
			c.Set(keySession, session)
		case inspection.CodeOf(err) != inspection.Unauthenticated:
			return err
		}
		return next(c)
	}
}

// actor is who asks; the zero actor where nobody is signed in.
func actor(c echo.Context) inspection.Actor {
	a, _ := c.Get(keyActor).(inspection.Actor)
	return a
}

func session(c echo.Context) (auth.Signed, bool) {
	v, ok := c.Get(keySession).(auth.Signed)
	return v, ok
}

// allow holds a route to its permission. A form posted by somebody whose session
// has run out is kept: the sign-in page carries it on.
func (s *Server) allow(p Permission, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if p == Public {
			return next(c)
		}
		session, ok := session(c)
		if !ok {
			return inspection.E(inspection.Unauthenticated, "error.unauthenticated")
		}
		if session.MustChange && p != AnyPassword {
			if wantsPage(c) {
				return c.Redirect(http.StatusSeeOther, "/password")
			}
			return inspection.E(inspection.Forbidden, "auth.error.must_change")
		}
		return next(c)
	}
}

// bodyError tells a body that was cut by limitBody from other failures to read.
func bodyError(err error, limit int64) error {
	var cut *http.MaxBytesError
	if errors.As(err, &cut) {
		return tooLarge(cut.Limit)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return inspection.E(inspection.Invalid, "error.invalid").Because(err)
	}
	return err
}

// isForm tells a form that can be kept as hidden fields over a new sign-in.
func isForm(r *http.Request) bool {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return r.Method == http.MethodPost && bytes.EqualFold([]byte(strings.TrimSpace(t)), []byte("application/x-www-form-urlencoded"))
}
