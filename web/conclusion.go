package web

import (
	"net/http"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type conclusionRow struct {
	F            finding.Detail
	Photos       []photo
	Choice       string // confirm, withdraw or nothing yet
	Reason       string
	Days         string
	Term         int
	Premises     bool
	Explanations []conclusionRuling
}

type conclusionRuling struct {
	finding.Explanation
	Choice, Words string
}

type conclusionPage struct {
	Base
	V           visit.View
	Rows        []conclusionRow
	Form        string
	Text        string
	Obstruction bool
	Rulings     []finding.Ruling
	Script      string
	Stills      []lookStill // of a look from the office
	Opinions    []opinionLine
}

// conclusionPage is where the person who issued the decision concludes a check.
func (s *Server) conclusionPage(c echo.Context) error {
	page, err := s.conclusion(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "conclusion", page)
}

// conclusion loads the page with what the form already says.
func (s *Server) conclusion(c echo.Context) (conclusionPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	typed := c.Request().PostFormValue // never from the address: nobody decides by a link that somebody else made
	page := conclusionPage{Base: s.base(c, "conclusion.title"), Form: inspection.NewID(), Text: typed("text"),
		Obstruction: typed("obstruction") == "1", Rulings: finding.Rulings, Script: s.asset("conclusion.js")}
	v, err := s.Visits.Get(ctx, a, c.Param("id"))
	if err != nil {
		return page, err
	}
	if _, ok := org.Can(a, org.ConcludeVisit, v.Subject()); !ok {
		return page, org.MustNot()
	}
	page.V = v
	if v.Remote() {
		if page.Stills, err = s.lookStills(c, v); err != nil {
			return page, err
		}
		if page.Opinions, err = s.opinions(c, v); err != nil {
			return page, err
		}
	}
	lines, _, err := s.Findings.ForVisit(ctx, a, v.ID, inspection.Page{Limit: 200})
	if err != nil {
		return page, err
	}
	for i := len(lines) - 1; i >= 0; i-- {
		d, err := s.Findings.Get(ctx, a, lines[i].ID)
		if err != nil {
			return page, err
		}
		row := conclusionRow{F: d, Choice: typed("decision-" + d.ID), Reason: typed("reason-" + d.ID), Days: typed("days-" + d.ID),
			Term: d.Term, Premises: d.Section == "F"}
		if row.Photos, err = s.photosOn(c, v.ID, "finding", d.ID); err != nil {
			return page, err
		}
		for _, x := range d.Explanations {
			row.Explanations = append(row.Explanations, conclusionRuling{x, typed("ruling-" + x.ID), typed("words-" + x.ID)})
		}
		page.Rows = append(page.Rows, row)
	}
	return page, nil
}

// conclude takes the whole form: every answer to an explanation, all findings, the
// conclusion and the score are written in one transaction, or nothing is.
func (s *Server) conclude(c echo.Context) error {
	page, err := s.conclusion(c)
	if err != nil {
		return err
	}
	err = s.concludeForm(c, page)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+page.V.ID+"?done="+concludedAs(page.V))
	}
	page.Form = formID(c)
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "conclusion", page) })
}

func (s *Server) concludeForm(c echo.Context, page conclusionPage) error {
	ctx, a := c.Request().Context(), actor(c)
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	var wrong *inspection.Error // the first thing, and every field
	missing := func(key, code, field, why string) {
		if wrong == nil {
			wrong = inspection.E(inspection.Invalid, key, "code", code)
		}
		wrong.Field(field, why)
	}
	var decisions []visit.Decision
	for _, row := range page.Rows {
		if row.F.State != finding.Recorded && row.F.State != finding.Explained {
			continue
		}
		d := visit.Decision{Finding: row.F.ID, Confirm: row.Choice == "confirm", Reason: row.Reason}
		for _, x := range row.Explanations {
			if x.Ruling != finding.RulingNone {
				continue
			}
			if x.Choice == "" {
				missing("conclusion.error.ruling", row.F.ItemCode, "ruling-"+x.ID, "error.choose")
			}
			if strings.TrimSpace(x.Words) == "" {
				missing("conclusion.error.words", row.F.ItemCode, "words-"+x.ID, "error.required")
			}
			d.Rulings = append(d.Rulings, visit.RuledOn{Explanation: x.ID, Ruling: finding.Ruling(x.Choice), Reason: x.Words})
		}
		switch { // a reason alone withdraws nothing
		case row.Choice != "confirm" && row.Choice != "withdraw":
			missing("visit.error.decision_missing", row.F.ItemCode, "decision-"+row.F.ID, "error.choose")
		case row.Choice == "withdraw" && strings.TrimSpace(row.Reason) == "":
			missing("conclusion.error.withdraw", row.F.ItemCode, "reason-"+row.F.ID, "error.required")
		}
		if d.Days, err = formInt(c, "days-"+row.F.ID); err != nil {
			missing("finding.error.days", row.F.ItemCode, "days-"+row.F.ID, "finding.error.days")
		}
		decisions = append(decisions, d)
	}
	if wrong != nil {
		return wrong
	}
	return s.Visits.Conclude(ctx, a, page.V.ID, formID(c), version, visit.Conclude{Text: page.Text, Obstruction: page.Obstruction}, decisions)
}

// concludedAs names what was done: of a look from the office no score is fixed.
func concludedAs(v visit.View) string {
	if v.Remote() {
		return "concluded_plain"
	}
	return "concluded"
}

type reportPage struct {
	Base
	V        visit.View
	Form     string
	Report   visit.Report
	Replies  []finding.Reply
	Opinions []opinionLine   // of a look from the office
	Waits    inspection.Date // until when its unit may still speak
}

func (s *Server) reportPage(c echo.Context) error {
	v, err := s.Visits.Get(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	if _, ok := org.Can(actor(c), org.ReportVisit, v.Subject()); !ok {
		return org.MustNot()
	}
	replies, err := s.Findings.Replies(c.Request().Context(), actor(c), v.ID)
	if err != nil {
		return err
	}
	opinions, err := s.opinions(c, v)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "report", reportPage{Base: s.base(c, "report.title"), V: v, Form: inspection.NewID(), Replies: replies, Opinions: opinions, Waits: v.State.Awaits(v.Visit, s.Clock.Now().Date())})
}

func (s *Server) report(c echo.Context) error {
	ctx, a, id := c.Request().Context(), actor(c), c.Param("id")
	r := visit.Report{Summary: c.FormValue("summary"), Causes: c.FormValue("causes"), Proposals: c.FormValue("proposals")}
	version, err := formVersion(c)
	if err == nil {
		err = s.Visits.Report(ctx, a, id, formID(c), version, r)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+id+"?done=reported")
	}
	v, again := s.Visits.Get(ctx, a, id)
	if again != nil {
		return again
	}
	page := reportPage{Base: s.base(c, "report.title"), V: v, Form: formID(c), Report: r}
	if page.Replies, again = s.Findings.Replies(ctx, a, id); again != nil {
		return again
	}
	if page.Opinions, again = s.opinions(c, v); again != nil {
		return again
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "report", page) })
}
