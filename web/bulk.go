package web

import (
	"net/http"
	"slices"
	"strconv"

	"congvu/inspection"
	"congvu/inspection/finding"

	"github.com/labstack/echo/v4"
)

// bulkState is the state in which an act on many finds its findings.
var bulkState = map[finding.Event]finding.State{finding.Accept: finding.Submitted, finding.VerifyOnDocuments: finding.Accepted, finding.GrantExtension: finding.InRemediation,
	finding.Assign: finding.Confirmed, finding.Acknowledge: finding.Assigned}

type bulkPage struct {
	adminBase
	Event  finding.Event
	Events []finding.Event // that the reader could do to any
	Lines  []finding.BulkLine
	Picked bool // a preview: what each of the chosen will be refused for
	Text   string
	Act    *finding.BulkAct
	Acts   []finding.BulkAct
	Cut    bool
}

// bulkPage chooses the findings of an act on many.
func (s *Server) bulkPage(c echo.Context) error {
	page, err := s.bulkView(c, finding.Event(c.QueryParam("event")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "bulk", page)
}

func (s *Server) bulkView(c echo.Context, e finding.Event) (bulkPage, error) {
	ctx := c.Request().Context()
	page := bulkPage{adminBase: s.adminBase(c, "bulk.title"), Event: e}
	tally, err := s.Findings.Tallied(ctx, page.Actor)
	if err != nil {
		return page, err
	}
	for _, x := range finding.BulkEvents {
		if tally.By[bulkState[x]] > 0 {
			page.Events = append(page.Events, x)
		}
	}
	if page.Acts, err = s.Findings.BulkActs(ctx, page.Actor); err != nil {
		return page, err
	}
	if e == "" {
		return page, nil
	}
	state, ok := bulkState[e]
	if !ok {
		return page, inspection.E(inspection.NotFound, "error.not_found")
	}
	lines, more, err := s.Findings.List(ctx, page.Actor, finding.Filter{States: []finding.State{state}}, inspection.Page{Limit: 200})
	if err != nil {
		return page, err
	}
	page.Cut = more != ""
	for _, l := range lines {
		if slices.Contains(finding.May(page.Actor, l.Finding), e) {
			page.Lines = append(page.Lines, finding.BulkLine{Line: l})
		}
	}
	return page, nil
}

// previewMany tells what an act would do to each of the chosen, before anything is done.
func (s *Server) previewMany(c echo.Context) error {
	e := finding.Event(c.FormValue("event"))
	page, err := s.bulkView(c, e)
	if err != nil {
		return err
	}
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	page.Text = form.Get("text")
	lines, err := s.Findings.Preview(c.Request().Context(), page.Actor, e, form["finding"], page.Text)
	if err != nil {
		return s.refuse(c, &page.adminBase, "choose", "bulk", err, func() any { return page })
	}
	page.Lines, page.Picked = lines, true
	return s.render(c, http.StatusOK, "bulk", page)
}

// doMany asks for it; it can be taken back for some minutes.
func (s *Server) doMany(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	versions := map[string]int64{}
	for _, id := range form["finding"] {
		v, err := strconv.ParseInt(form.Get("version."+id), 10, 64)
		if err != nil || v < 1 {
			return inspection.E(inspection.Invalid, "error.invalid")
		}
		versions[id] = v
	}
	e := finding.Event(form.Get("event"))
	b, err := s.Findings.DoMany(c.Request().Context(), actor(c), formID(c), e, versions, form.Get("text"))
	if err != nil {
		page, again := s.bulkView(c, e)
		if again != nil {
			return again
		}
		return s.refuse(c, &page.adminBase, "choose", "bulk", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/bulk/"+b.ID)
}

// bulkActPage is an act on many: waiting, with a way back, or done, with what became of
// each.
func (s *Server) bulkActPage(c echo.Context) error {
	page, err := s.bulkActView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "bulk", page)
}

func (s *Server) bulkActView(c echo.Context) (bulkPage, error) {
	page := bulkPage{adminBase: s.adminBase(c, "bulk.title")}
	b, lines, err := s.Findings.Bulk(c.Request().Context(), page.Actor, c.Param("id"))
	page.Act, page.Event, page.Lines, page.Text = &b, b.Event, lines, b.Text
	return page, err
}

// takeBack takes an act on many back before it is done.
func (s *Server) takeBack(c echo.Context) error {
	err := s.Findings.TakeBack(c.Request().Context(), actor(c), c.Param("id"))
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/bulk/"+c.Param("id")+"?done=bulk_cancelled")
	}
	page, again := s.bulkActView(c)
	if again != nil {
		return again
	}
	return s.refuse(c, &page.adminBase, "undo", "bulk", err, func() any { return page })
}
