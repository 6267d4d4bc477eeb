package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"congvu/inspection"
	"congvu/inspection/i18n"
	"congvu/inspection/notify"

	"github.com/labstack/echo/v4"
)

// unread is how many messages the person has not read. A page is not refused because they
// could not be counted.
func (s *Server) unread(c echo.Context) int64 {
	if s.Notify == nil {
		return 0
	}
	n, err := s.Notify.Unread(c.Request().Context(), actor(c))
	if err != nil {
		slog.Warn("counting unread messages", "error", err)
		return 0
	}
	return n
}

// UnreadMark is the number of unread messages as the head of the page shows it.
func (b Base) UnreadMark() string {
	if b.Unread > 99 {
		return "99+"
	}
	return strconv.FormatInt(b.Unread, 10)
}

type messagesPage struct {
	Base
	Days        []messageDay
	Next, First string
	After       string
	Until       int64 // the instant that "mark all" goes up to
}

// messageDay is the messages of one day, read or not.
type messageDay struct {
	New   bool
	On    inspection.Date
	Lines []notify.Line
}

func (s *Server) messagesPage(c echo.Context) error {
	page := messagesPage{Base: s.base(c, "messages.title"), After: c.QueryParam("after"), Until: int64(s.Clock.Now())}
	lines, next, err := s.Notify.List(c.Request().Context(), page.Actor, pageOf(c))
	if err != nil {
		return err
	}
	for _, l := range lines {
		fresh, on := l.ReadAt.IsZero(), l.EventAt.Date()
		if n := len(page.Days); n == 0 || page.Days[n-1].New != fresh || page.Days[n-1].On != on {
			page.Days = append(page.Days, messageDay{New: fresh, On: on})
		}
		day := &page.Days[len(page.Days)-1]
		day.Lines = append(day.Lines, l)
	}
	page.Next, page.First = pagerOf(c, next)
	return s.render(c, http.StatusOK, "messages", page)
}

// readMessages marks one message as read, or all up to when the page was drawn.
func (s *Server) readMessages(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	if until := c.FormValue("until"); until != "" {
		at, err := strconv.ParseInt(until, 10, 64)
		if err != nil {
			return inspection.E(inspection.Invalid, "error.invalid").Field("until", "error.field")
		}
		if err := s.Notify.MarkAllRead(ctx, a, min(inspection.Instant(at), s.Clock.Now())); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/messages")
	}
	id := c.FormValue("message")
	if err := inspection.CheckID(id); err != nil {
		return err
	}
	if err := s.Notify.MarkRead(ctx, a, id); err != nil {
		return err
	}
	to := "/messages"
	if after := c.FormValue("after"); after != "" {
		to += "?after=" + url.QueryEscape(after)
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// Trouble is in words why a mail or a webhook did not go through.
func (b Base) Trouble(code string) string {
	if key := "notify.trouble." + code; i18n.Has(key) {
		return b.T(key)
	}
	return b.T("notify.trouble.answer", "code", code)
}

// contactInput reads the form of a contact. Version 0 is one that was never set.
func contactInput(c echo.Context) (notify.ContactInput, error) {
	in := notify.ContactInput{Email: c.FormValue("email"), Language: i18n.Lang(c.FormValue("language")), Wants: c.FormValue("wants") == "1"}
	version, err := strconv.ParseInt(c.FormValue("version"), 10, 64)
	if err != nil || version < 0 {
		return in, inspection.E(inspection.Invalid, "error.invalid").Field("version", "error.invalid")
	}
	in.Version = version
	return in, nil
}

// typed is a contact as a form that was refused shows it.
func typed(was notify.Contact, in notify.ContactInput) notify.Contact {
	was.Email, was.Language, was.Wants = in.Email, in.Language, in.Wants
	return was
}

func (s *Server) setContact(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	in, err := contactInput(c)
	if err == nil {
		err = s.Notify.SetContact(ctx, a, a.Person, in)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/account?done=contact")
	}
	page := accountPage{Base: s.base(c, "page.account")}
	anew, failed := s.Auth.GivenAnew(ctx, a.Person)
	if failed != nil {
		return failed
	}
	if given, ok := anew[a.Person]; ok {
		page.Anew = &given
	}
	was, failed := s.Notify.ContactOf(ctx, a, a.Person)
	if failed != nil {
		return failed
	}
	page.Contact = typed(was, in)
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "account", page) })
}

type unsubscribePage struct {
	Base
	Person, Token string
	Ended         bool
}

// unsubscribePage asks: opening a link, which programs do too, changes nothing.
func (s *Server) unsubscribePage(c echo.Context) error {
	page := unsubscribePage{Base: s.base(c, "unsubscribe.title"), Person: c.QueryParam("p"), Token: c.QueryParam("t")}
	if err := s.Notify.MayUnsubscribe(page.Person, page.Token); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "unsubscribe", page)
}

// unsubscribe does it, for the page and for the one click of RFC 8058.
func (s *Server) unsubscribe(c echo.Context) error {
	page := unsubscribePage{Base: s.base(c, "unsubscribe.title"), Ended: true}
	if err := s.Notify.Unsubscribe(c.Request().Context(), c.FormValue("p"), c.FormValue("t")); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "unsubscribe", page)
}
