package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"congvu/inspection"
	"congvu/inspection/i18n"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// statuses maps codes to HTTP statuses, here and nowhere else.
var statuses = map[inspection.Code]int{
	inspection.Invalid:         http.StatusUnprocessableEntity,
	inspection.Unauthenticated: http.StatusUnauthorized,
	inspection.Forbidden:       http.StatusForbidden,
	inspection.NotFound:        http.StatusNotFound,
	inspection.Conflict:        http.StatusConflict,
	inspection.TooLarge:        http.StatusRequestEntityTooLarge,
	inspection.Unavailable:     http.StatusServiceUnavailable,
	inspection.Full:            http.StatusInsufficientStorage,
	inspection.Internal:        http.StatusInternalServerError,
}

// statusOf is the status of an error: that of its code, but for a method, a type of
// content or a protocol that an address does not know, which have statuses of their own.
func statusOf(e *inspection.Error) int {
	switch e.Key {
	case "error.method":
		return http.StatusMethodNotAllowed
	case "error.media_type":
		return http.StatusUnsupportedMediaType
	case "error.protocol": // tus 1.0 asks for it
		return http.StatusPreconditionFailed
	}
	return statuses[e.Code]
}

// problem is an RFC 9457 problem detail. Type is "urn:congvu:" and the code;
// Detail is in the person's language; Errors holds one entry a field.
type problem struct {
	Type    string            `json:"type" doc:"urn:congvu: and the code"`
	Title   string            `json:"title"`
	Status  int               `json:"status"`
	Detail  string            `json:"detail" doc:"what happened and what to do, in Vietnamese or English"`
	Key     string            `json:"key,omitempty" doc:"the message's key in the catalogue"`
	Request string            `json:"request,omitempty"`
	Errors  map[string]string `json:"errors,omitempty" doc:"what is wrong with each field"`
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// toOurs turns any error into one of ours.
func toOurs(err error) *inspection.Error {
	var ours *inspection.Error
	if errors.As(err, &ours) {
		return ours
	}
	var cut *http.MaxBytesError
	if errors.As(err, &cut) {
		errors.As(tooLarge(cut.Limit), &ours)
		return ours
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			return inspection.E(inspection.NotFound, "error.not_found")
		case http.StatusMethodNotAllowed:
			return inspection.E(inspection.NotFound, "error.method")
		case http.StatusRequestEntityTooLarge:
			return inspection.E(inspection.TooLarge, "error.too_large", "max", "1 MB")
		}
		if he.Code < 500 {
			return inspection.E(inspection.Invalid, "error.invalid").Because(err)
		}
	}
	if trouble := inspection.Trouble(err); trouble != nil {
		return trouble
	}
	return inspection.E(inspection.Internal, "error.internal").Because(err)
}

func toProblem(lang i18n.Lang, request string, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	e := toOurs(err)
	status := statusOf(e)
	p = &problem{Type: "urn:congvu:" + string(e.Code), Title: http.StatusText(status), Status: status, Key: e.Key,
		Detail: words(lang, request, e), Request: request}
	for field, key := range e.Fields {
		if p.Errors == nil {
			p.Errors = map[string]string{}
		}
		p.Errors[field] = i18n.T(lang, key, e.Params)
	}
	return p
}

func words(lang i18n.Lang, request string, e *inspection.Error) string {
	params := inspection.Params{"request": request}
	for k, v := range e.Params {
		params[k] = v
	}
	return i18n.T(lang, e.Key, params)
}

// handleError answers every error of a page or of the API, once.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	e := toOurs(err)
	request, _ := c.Get(keyRequest).(string)
	logFailure(e, request, c.Path())
	lang := language(c.Request())
	if !wantsPage(c) {
		p := toProblem(lang, request, err)
		body, _ := json.Marshal(p)
		_ = c.Blob(p.Status, "application/problem+json", body)
		return
	}
	if e.Code == inspection.Unauthenticated {
		s.askToSignIn(c, e)
		return
	}
	page := errorPage{Base: s.base(c, "page.error"), Message: words(lang, request, e), Request: request, Status: statusOf(e)}
	for field, key := range e.Fields {
		page.Fields = append(page.Fields, fieldError{field, i18n.T(lang, key, e.Params)})
	}
	if err := s.render(c, page.Status, "error", page); err != nil {
		slog.Error("error page", "request", request, "error", err.Error())
		_ = c.String(http.StatusInternalServerError, page.Message)
	}
}

type errorPage struct {
	Base
	Message string
	Request string
	Status  int
	Fields  []fieldError
}

type fieldError struct{ Field, Message string }

// wantsPage tells a browser's page request from one of the API and of scripts.
func wantsPage(c echo.Context) bool {
	return !strings.HasPrefix(c.Request().URL.Path, "/api/") && !strings.Contains(c.Request().Header.Get("Accept"), "application/json")
}

var humaOnce sync.Once

// humaErrors makes huma answer what it refuses itself (a malformed body, a missing
// field) as problems in the person's language.
func humaErrors() {
	humaOnce.Do(setHumaErrors)
}

func setHumaErrors() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		lang, request := i18n.VI, ""
		if ctx != nil {
			if c, ok := ctx.Context().Value(echoKey{}).(echo.Context); ok {
				lang = language(c.Request())
				request, _ = c.Get(keyRequest).(string)
			}
		}
		for _, err := range errs {
			var ours *inspection.Error
			var p *problem
			var cut *http.MaxBytesError
			if errors.As(err, &ours) || errors.As(err, &p) || errors.As(err, &cut) {
				return toProblem(lang, request, err)
			}
		}
		code := inspection.Invalid
		switch {
		case status == http.StatusRequestEntityTooLarge:
			return toProblem(lang, request, tooLarge(1<<20))
		case status >= 500:
			code = inspection.Internal
		}
		e := inspection.E(code, "error."+string(code)).Because(errors.New(message))
		p := toProblem(lang, request, e)
		if code == inspection.Invalid && status >= 400 && status != http.StatusUnprocessableEntity {
			p.Status, p.Title = status, http.StatusText(status)
		}
		for _, err := range errs {
			var d *huma.ErrorDetail
			if errors.As(err, &d) {
				if p.Errors == nil {
					p.Errors = map[string]string{}
				}
				p.Errors[d.Location] = i18n.T(lang, "error.field", nil)
			}
		}
		return p
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return huma.NewErrorWithContext(nil, status, message, errs...)
	}
}

// logFailure writes what nobody but the operator can put right.
func logFailure(e *inspection.Error, request, route string) {
	outage := (e.Code == inspection.Unavailable || e.Code == inspection.Full) && e.Err != nil
	if e.Code == inspection.Internal || outage {
		slog.Error("failed", "request", request, "route", route, "error", e.Error())
	}
}

// apiError turns an error of a service into a problem for huma to write.
func (s *Server) apiError(c echo.Context, err error) error {
	request, _ := c.Get(keyRequest).(string)
	e := toOurs(err)
	logFailure(e, request, c.Path())
	return toProblem(language(c.Request()), request, err)
}
