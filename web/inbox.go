package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/inbox"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type inboxPage struct {
	Base
	Today inbox.Today
	More  []inboxMore
}

// Heads tells whether the reader heads a unit, and so delegates and plans for it.
func (p inboxPage) Heads() bool { return p.Actor.Is(inspection.UnitHead) }

// inboxMore is a kind of which not every line is shown.
type inboxMore struct {
	Kind inbox.Kind
	N    int64
	Href string
}

// inboxPage is what somebody has to do today, one thing on each line.
func (s *Server) inboxPage(c echo.Context) error {
	page := inboxPage{Base: s.base(c, "inbox.title")}
	var err error
	if page.Today, err = s.Inbox.Today(c.Request().Context(), page.Actor); err != nil {
		return err
	}
	for _, k := range inbox.Kinds {
		if n := page.Today.More[k]; n > 0 {
			page.More = append(page.More, inboxMore{k, n, lists[k]})
		}
	}
	return s.render(c, http.StatusOK, "inbox", page)
}

// lists are the pages that hold all lines of a kind.
var lists = map[inbox.Kind]string{inbox.Overdue: "/findings?overdue=1", inbox.Review: "/findings?state=" + string(finding.Submitted), inbox.Verify: "/findings?state=" + string(finding.Accepted),
	inbox.Reinspect: "/findings?state=" + string(finding.ReinspectDue), inbox.Remedy: "/findings?state=" + string(finding.InRemediation), inbox.Acknowledge: "/findings?state=" + string(finding.Assigned),
	inbox.Explain: "/findings?state=" + string(finding.Recorded), inbox.Record: "/recommendations", inbox.Plan: "/needs",
	inbox.Conclude: "/visits?state=" + string(visit.Reported), inbox.Report: "/visits", inbox.Look: "/visits?form=REMOTE", inbox.Opinion: "/visits?form=REMOTE", inbox.Self: "/self-checks"}

// Href is where the one thing of a line is done.
func (inboxPage) Href(t inbox.Task) string {
	switch {
	case t.Kind == inbox.Report:
		return "/visits/" + t.ID + "/report"
	case t.Kind == inbox.Look:
		return "/visits/" + t.ID + "/look"
	case t.Kind == inbox.Opinion:
		return "/visits/" + t.ID + "#opinion"
	case t.Kind == inbox.Conclude:
		return "/visits/" + t.ID + "/conclusion"
	case t.Kind == inbox.Reinspect:
		return "/reinspections/new?finding=" + t.ID
	case t.Subject == "self_request":
		return "/self-checks/new?round=" + t.ID + "&unit=" + t.Code
	case t.Subject == "self_check":
		return "/self-checks/" + t.ID
	case t.Subject == "recommendation":
		return "/recommendations?report=" + t.ID + "#r-" + t.ID
	}
	return "/findings/" + t.ID + "#do"
}

// When says how long there is, with the class of the clock.
func (p inboxPage) When(t inbox.Task) dueClock {
	switch {
	case t.Due == "":
		return dueClock{}
	case t.Late && t.Left == 0:
		return dueClock{"late", p.T("findings.clock.late_now"), p.T("inbox.was_due", "on", p.Day(t.Due))}
	case t.Late:
		return dueClock{"late", p.T("findings.clock.late", "n", -t.Left), p.T("inbox.was_due", "on", p.Day(t.Due))}
	case t.Left == 0:
		return dueClock{"soon", p.T("findings.clock.today"), p.T("inbox.due", "on", p.Day(t.Due))}
	case t.Left <= soonDays:
		return dueClock{"soon", p.T("findings.clock.left", "n", t.Left), p.T("inbox.due", "on", p.Day(t.Due))}
	}
	return dueClock{"", p.T("findings.clock.left", "n", t.Left), p.T("inbox.due", "on", p.Day(t.Due))}
}
