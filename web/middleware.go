package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
		if s.config.Observe != nil {
			s.config.Observe(s.answered(c, time.Since(start)))
		}
		return nil
	}
}

// Answered is a request that was answered, told in words of which there are few: none
// that its sender chose.
type Answered struct {
	Route  string // the pattern in the route table; "none" for what is not there
	Method string // "other" for one that no route has
	Status int
	Took   time.Duration
}

func (s *Server) answered(c echo.Context, took time.Duration) Answered {
	a := Answered{Route: "none", Method: "other", Status: c.Response().Status, Took: took}
	method := c.Request().Method
	if _, ok := s.permissions[method+" "+c.Path()]; ok {
		a.Route = c.Path()
	}
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}, method) {
		a.Method = method
	}
	return a
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

// What a body may hold, in bytes.
const (
	smallBody   = 1 << 20
	loginBody   = 4 << 20 // the sign-in form carries on a form of smallBody, escaped twice
	unknownBody = 4 << 20 // a form with files from somebody who never signed in
)

// limitBody bounds what a request may carry: one file on the route that takes one, ten
// in a form that takes files, little elsewhere. Who is not signed in may send a form
// with files only where a session has run out meanwhile: its words are then kept.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		route := r.Method + " " + c.Path()
		_, known := session(c)
		limit := int64(smallBody)
		switch {
		case route == "POST /login":
			limit = loginBody
		case (route == "PUT /api/v1/files/:id/content" || route == "PATCH /api/v1/files/:id/content") && known:
			limit = s.config.MaxBytes + 1
		case route == "PUT /relay/v1/jobs/:id":
			limit = relayBytes
		case s.takes[route] && isMultipart(r):
			if !known {
				var err error
				if known, err = s.Auth.Began(r.Context(), s.sessionToken(c)); err != nil {
					return err
				}
			}
			if limit = unknownBody; known {
				limit = maxFiles*s.config.MaxBytes + smallBody
			}
		}
		if p := s.permissions[route]; r.ContentLength > limit && (known || p == Public || p == "") {
			return tooLarge(limit)
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		if r.Method == http.MethodPost && limit <= loginBody { // nobody holds a connection by sending slowly
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(2 * time.Minute))
		}
		defer func() {
			if f := c.Request().MultipartForm; f != nil {
				_ = f.RemoveAll() // net/http looks for the files of the request that it made, not of its copies
			}
		}()
		return next(c)
	}
}

// plain tells whether a text is one that both databases can hold.
func plain(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// plainAddress refuses what no link and no search field of ours makes.
func (s *Server) plainAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !plain(c.Request().URL.Path) {
			return inspection.E(inspection.NotFound, "error.not_found")
		}
		for name, values := range c.QueryParams() {
			if !plain(name) || slices.ContainsFunc(values, func(v string) bool { return !plain(v) }) {
				return inspection.E(inspection.Invalid, "error.text")
			}
		}
		return next(c)
	}
}

// plainForm reads a form and refuses one that cannot be read or stored. Handlers find
// it parsed.
func (s *Server) plainForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, err := c.Request(), error(nil)
		if isMultipart(r) {
			err = r.ParseMultipartForm(4 << 20)
		} else {
			err = r.ParseForm()
		}
		var disk *fs.PathError
		switch {
		case errors.As(err, &disk):
			return err
		case err != nil:
			return bodyError(err)
		}
		for name, values := range r.Form {
			if !plain(name) || slices.ContainsFunc(values, func(v string) bool { return !plain(v) }) {
				return inspection.E(inspection.Invalid, "error.text")
			}
		}
		return next(c)
	}
}

// plainJSON asks for the session before a body of the API is looked at, and refuses
// texts that cannot be stored: what is not UTF-8, and NUL.
func (s *Server) plainJSON(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !strings.HasPrefix(c.Path(), "/api/") {
			return next(c)
		}
		if p := s.permissions[r.Method+" "+c.Path()]; p == SignedIn || p == AnyPassword {
			if _, ok := session(c); !ok {
				return inspection.E(inspection.Unauthenticated, "error.unauthenticated")
			}
		}
		if r.Method != http.MethodPost {
			return next(c)
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return bodyError(err)
		}
		if !utf8.Valid(raw) || bytes.Contains(raw, []byte(`\u0000`)) && escapedNUL.Match(raw) {
			return inspection.E(inspection.Invalid, "error.text")
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		return next(c)
	}
}

// escapedNUL is NUL as JSON writes it: an odd number of backslashes before u0000.
var escapedNUL = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u0000`)

func tooLarge(limit int64) error {
	return inspection.E(inspection.TooLarge, "error.too_large", "max", fmt.Sprintf("%d MB", max(limit>>20, 1)))
}

// identify turns the session's cookie into an actor. A request without one, or of
// somebody who has signed out without a network, or with a session that is not of whom it
// names, goes on as nobody; allow decides whether it may.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := s.sessionToken(c)
		if token == "" {
			return next(c)
		}
		if carriesOut(c) {
			if err := s.signedOutBefore(c, token); err != nil {
				return err
			}
			return next(c)
		}
		request, _ := c.Get(keyRequest).(string)
		session, err := s.Auth.Authenticate(c.Request().Context(), token, request)
		switch {
		case err == nil && otherThan(c, session.Actor.Person):
		case err == nil:
			c.Set(keyActor, session.Actor)
			c.Set(keySession, session)
		case inspection.CodeOf(err) != inspection.Unauthenticated:
			return err
		}
		return next(c)
	}
}

// otherThan tells whether a request is meant to be made by somebody else: the tablet app
// says whose work it sends, and the session of its browser may be another's by then.
func otherThan(c echo.Context, person string) bool {
	meant := c.Request().Header.Get("Congvu-Person")
	return meant != "" && meant != person
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

// bodyError is the refusal of a body that could not be read: cut by limitBody, broken
// off, or malformed.
func bodyError(err error) error {
	var ours *inspection.Error
	var cut *http.MaxBytesError
	switch {
	case errors.As(err, &ours):
		return err
	case errors.As(err, &cut):
		return tooLarge(cut.Limit)
	}
	return inspection.E(inspection.Invalid, "error.invalid").Because(err)
}

func isMultipart(r *http.Request) bool {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(t), "multipart/form-data")
}

// isForm tells a form that can be kept as hidden fields over a new sign-in.
func isForm(r *http.Request) bool {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return r.Method == http.MethodPost && strings.EqualFold(strings.TrimSpace(t), "application/x-www-form-urlencoded")
}
