package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type visitsPage struct {
	Base
	Query    string
	State    string
	From, To string
	Form     string
	States   []string
	Forms    []plan.Form
	Visits   []visit.Visit
	Next     string
	Team     bool
	Plans    bool   // fills the plan of a team
	Figure   string // of the overview, when the list shows what it counts
}

// sentState is the state of a look from the office whose minutes went to the unit: nobody
// signs them, and nobody refused to.
const sentState = "sent"

// visitsPage lists the checks that the reader may know of.
func (s *Server) visitsPage(c echo.Context) error {
	page := visitsPage{Base: s.base(c, "visits.title"), Query: c.QueryParam("q"), State: c.QueryParam("state"), From: c.QueryParam("from"),
		To: c.QueryParam("to"), Form: c.QueryParam("form"), Team: actor(c).Is(teamRoles...), Plans: plansTargets(actor(c)),
		States: []string{"IN_PROGRESS", "CANNOT_INSPECT", "MINUTES_DRAFT", "MINUTES_SIGNED", "MINUTES_UNSIGNED", sentState, "REPORTED", "CONCLUDED"},
		Forms:  []plan.Form{plan.Surprise, plan.Planned, plan.Thematic, plan.Remote, plan.Reinspection}}
	from, err := inspection.ParseDate(page.From)
	if err != nil {
		return err
	}
	to, err := inspection.ParseDate(page.To)
	if err != nil {
		return err
	}
	page.Figure = c.QueryParam("figure")
	f := visit.Filter{Query: page.Query, From: from, To: to, Desk: c.QueryParam("desk"), Form: page.Form}
	switch page.State {
	case "":
	case sentState:
		page.Form, f.Form, f.States = string(plan.Remote), string(plan.Remote), []visit.Phase{visit.MinutesNoSig}
	case string(visit.MinutesNoSig):
		f.NotForm = string(plan.Remote)
		fallthrough
	default:
		f.States = []visit.Phase{visit.Phase(page.State)}
	}
	behind, err := s.behind(c)
	if err != nil {
		return err
	}
	f.IDs = behind.IDs
	visits, next, err := s.Visits.List(c.Request().Context(), actor(c), f, pageOf(c))
	if err != nil {
		return err
	}
	page.Visits = visits
	page.Next, _ = pagerOf(c, next)
	return s.render(c, http.StatusOK, "visits", page)
}

type documentRow struct {
	Kind     visit.Kind
	Number   string
	On       inspection.Date
	Register bool
	Href     string
}

type visitPage struct {
	Base
	V            visit.View
	Findings     []finding.Line
	Documents    []documentRow
	Form         string
	CanReport    bool
	CanConclude  bool
	CanReinspect bool
	Closed       bool
	Photos       int
	Unconfirmed  int
	Score        *visit.Frozen
	Clocks       []string // what is odd about the clocks of the devices
	Replies      []finding.Reply
	Stills       []lookStill // of a look from the office
	Opinions     []opinionLine
	Opinion      string // that was typed
	CanOpine     bool
}

// SaidAll tells whether the unit of a look has nothing to add to its opinion.
func (p visitPage) SaidAll() bool {
	return slices.ContainsFunc(p.Opinions, func(o opinionLine) bool { return o.Done })
}

// clocks says what is odd about the devices' clocks.
func clocks(b Base, v visit.View) (said []string) {
	for _, c := range v.Clocks() {
		device := c.Device[max(0, len(c.Device)-4):]
		off := c.Off.Abs().Round(time.Minute)
		key := "visit.clock.behind"
		switch {
		case c.Unknown:
			key = "visit.clock.unknown"
		case c.SetBack:
			key = "visit.clock.set_back"
		case c.Off < 0:
			key = "visit.clock.ahead"
		}
		said = append(said, b.T(key, "device", device, "h", int(off.Hours()), "m", int(off.Minutes())%60))
	}
	return said
}

// Register is what a register of the fold is called: an item's code, or a part of the
// minutes or of the attendance table.
func (p visitPage) Register(subject string) string {
	kind, rest, found := strings.Cut(subject, "/")
	switch {
	case !found:
		return subject
	case kind == "minutes":
		return p.T("tablet.minutes." + rest)
	}
	return p.T("tablet.conflict." + kind)
}

func (s *Server) visitPage(c echo.Context) error {
	page, err := s.visitView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "visit", page)
}

func (s *Server) visitView(c echo.Context) (visitPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	v, frozen, err := s.Visits.Score(ctx, a, c.Param("id"))
	if err != nil {
		return visitPage{}, err
	}
	page := visitPage{Base: s.base(c, "visit.title"), V: v, Form: inspection.NewID(), Score: frozen}
	page.Title = v.Place()
	page.Clocks = clocks(page.Base, v)
	if page.Findings, _, err = s.Findings.ForVisit(ctx, a, v.ID, inspection.Page{Limit: 200}); err != nil {
		return page, err
	}
	if page.Replies, err = s.Findings.Replies(ctx, a, v.ID); err != nil {
		return page, err
	}
	slices.SortStableFunc(page.Findings, func(x, y finding.Line) int { return strings.Compare(x.ItemCode, y.ItemCode) })
	page.V.Members = byRank(v.Members)
	_, reports := org.Can(a, org.ReportVisit, v.Subject())
	_, concludes := org.Can(a, org.ConcludeVisit, v.Subject())
	_, finishes := org.Can(a, org.FinishVisit, v.Subject())
	full := v.Form != plan.Reinspection
	page.CanReport = reports && full && (v.State.Phase == visit.MinutesOK || v.State.Phase == visit.MinutesNoSig || v.State.Phase == visit.Cannot)
	page.CanConclude = concludes && v.State.Phase == visit.Reported
	for _, d := range []struct {
		kind  visit.Kind
		may   bool
		ready bool
		href  string
	}{
		{visit.MinutesDoc, finishes, v.State.Phase != visit.Inspecting, "/visits/" + v.ID + "/minutes"},
		{visit.ReportDoc, reports, v.State.Report != nil, ""},
		{visit.ConclusionDoc, concludes, v.State.Conclusion != nil, ""},
	} {
		if d.kind != visit.MinutesDoc && !full {
			continue
		}
		doc := v.Documents[d.kind]
		page.Documents = append(page.Documents, documentRow{Kind: d.kind, Number: doc.Printed(), On: doc.RegisteredOn,
			Register: d.may && d.ready && doc.Number == 0, Href: d.href})
	}
	page.Closed = v.State.Phase == visit.Concluded
	for _, f := range page.Findings {
		if f.State.Open() {
			page.Closed = false
		}
		if f.State == finding.ReinspectDue && reports {
			page.CanReinspect = true
		}
	}
	if v.Remote() {
		if err := s.seen(c, &page); err != nil {
			return page, err
		}
	}
	files, err := s.Evidence.ForVisit(ctx, a, v.ID)
	if err != nil {
		return page, err
	}
	page.Photos = len(files)
	for _, f := range files {
		if f.Side == evidence.Team && f.CanConfirm && f.Shared == nil && (f.Kind == evidence.Photo || f.Kind == evidence.CameraSnapshot) {
			page.Unconfirmed++
		}
	}
	return page, nil
}

// seen adds what a look from the office showed, and what its unit says of it.
func (s *Server) seen(c echo.Context, page *visitPage) (err error) {
	if page.Opinions, err = s.opinions(c, page.V); err != nil {
		return err
	}
	_, may := org.Can(page.Actor, org.OpineVisit, page.V.Subject())
	page.CanOpine = may && page.V.State.Phase == visit.MinutesNoSig
	page.CanReport = page.CanReport && page.V.State.Awaits(page.V.Visit, page.Now.Date()) == ""
	page.Stills, err = s.lookStills(c, page.V)
	return err
}

func (s *Server) registerDocument(c echo.Context) error {
	if _, err := s.Visits.Register(c.Request().Context(), actor(c), c.Param("id"), visit.Kind(c.FormValue("kind"))); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"?done=registered")
}
