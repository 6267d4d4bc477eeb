package web

import (
	"context"
	"net/http"
	"slices"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

// dueFinding is a finding that waits for a re-inspection.
type dueFinding struct {
	finding.Line
	Chosen  bool
	Answers string          // who answers today: the row that it was assigned to may have a new name
	Planned inspection.Date // the day of a target that the reader knows of and that checks it
}

type reinspectionPage struct {
	Base
	V        visit.View
	Form     string
	Findings []dueFinding
	Members  []plan.Teammate // who may lead on site
	Member   string
	On       inspection.Date
	At       string
	From, To inspection.Date // days that can be chosen; To may be empty
}

// reinspectionPage is where the head of a team plans that accepted findings are
// checked again, unannounced and by another member.
func (s *Server) reinspectionPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	id, chosen := c.QueryParam("visit"), []string(nil)
	if one := c.QueryParam("finding"); one != "" {
		f, err := s.Findings.Get(ctx, a, one)
		if err != nil {
			return err
		}
		id, chosen = f.VisitID, []string{f.ID}
	}
	page, err := s.reinspectionView(c, id)
	if err != nil {
		return err
	}
	for i, f := range page.Findings {
		page.Findings[i].Chosen = f.Planned == "" && (len(chosen) == 0 || slices.Contains(chosen, f.ID))
	}
	page.On = page.From
	return s.render(c, http.StatusOK, "reinspection", page)
}

// reinspectionView gathers what can be checked again, when and by whom. Codes:
// not_found, forbidden.
func (s *Server) reinspectionView(c echo.Context, id string) (reinspectionPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	v, err := s.Visits.Get(ctx, a, id)
	if err != nil {
		return reinspectionPage{}, err
	}
	if _, ok := org.Can(a, org.PlanTarget, org.Subject{Team: v.TeamID}); !ok {
		return reinspectionPage{}, org.MustNot()
	}
	page := reinspectionPage{Base: s.base(c, "reinspection.title"), V: v, Form: inspection.NewID(), At: "08:00"}
	lines, _, err := s.Findings.List(ctx, a, finding.Filter{Visit: v.ID, States: []finding.State{finding.ReinspectDue}}, inspection.Page{Limit: 500})
	if err != nil {
		return page, err
	}
	planned, err := s.Plan.Reinspections(ctx, a, v.ID)
	if err != nil {
		return page, err
	}
	today, heirs := page.Now.Date(), map[string]string{}
	for _, l := range lines {
		if l.OnHold {
			continue
		}
		if heirs[l.ResponsibleID] == "" {
			all, _, err := s.Org.Heirs(ctx, a, l.ResponsibleID, today)
			if err != nil {
				return page, err
			}
			heirs[l.ResponsibleID] = l.ResponsibleID
			if len(all) == 1 {
				heirs[l.ResponsibleID] = all[0].ID
			}
		}
		page.Findings = append(page.Findings, dueFinding{Line: l, Answers: heirs[l.ResponsibleID], Planned: planned[l.ID]})
	}
	page.From, page.To = window(page.Findings, today)
	page.Members, err = s.reinspectors(ctx, a, v, page.Findings, max(page.From, today))
	return page, err
}

// window is the days on which some finding of a list may be checked again, from today
// on. Where a term has run out there is no last day: late is better than never.
func window(findings []dueFinding, today inspection.Date) (from, to inspection.Date) {
	for _, f := range findings {
		if from == "" || f.ReinspectFrom < from {
			from = f.ReinspectFrom
		}
		to = max(to, f.ReinspectDue)
	}
	if to < today {
		to = ""
	}
	return max(from, today), to
}

// reinspectors lists who may lead a re-inspection on site: members of the team who
// took no part in the first check, are not its head and have accepted none of the
// findings.
func (s *Server) reinspectors(ctx context.Context, a inspection.Actor, v visit.View, findings []dueFinding, on inspection.Date) ([]plan.Teammate, error) {
	team, err := s.Plan.Teammates(ctx, a, v.TeamID, on)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(team, func(t plan.Teammate) bool {
		return t.PersonID == a.Person || t.PersonID == v.LeadID ||
			slices.ContainsFunc(v.Members, func(m visit.Member) bool { return m.PersonID == t.PersonID }) ||
			slices.ContainsFunc(findings, func(f dueFinding) bool { return f.AcceptedBy != nil && *f.AcceptedBy == t.PersonID })
	}), nil
}

// planReinspection seals the re-inspection: nobody but the head and the member who
// leads on site knows of it until check-in.
func (s *Server) planReinspection(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	page, err := s.reinspectionView(c, c.FormValue("visit"))
	if err != nil {
		return err
	}
	page.Member, page.At = c.FormValue("member"), c.FormValue("at")
	page.On = inspection.Date(c.FormValue("planned_on"))
	if id := formID(c); inspection.CheckID(id) == nil {
		page.Form = id
	}
	for i, f := range page.Findings {
		page.Findings[i].Chosen = slices.Contains(form["finding"], f.ID)
	}
	target, err := page.target(c, form["finding"])
	if err == nil {
		_, err = s.Plan.Seal(c.Request().Context(), actor(c), target)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+page.V.ID+"?done=reinspection")
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "reinspection", page) })
}

// target checks the form. Code: invalid.
func (p *reinspectionPage) target(c echo.Context, chosen []string) (plan.NewTarget, error) {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	n := plan.NewTarget{ID: formID(c), TeamID: p.V.TeamID, LeadID: p.Actor.Person, Form: plan.Reinspection, OrganisationID: p.V.OrganisationID,
		DeskID: p.V.DeskID, Reinspects: &p.V.ID, Findings: slices.Compact(slices.Sorted(slices.Values(chosen)))}
	if err := inspection.CheckID(n.ID); err != nil {
		return n, err
	}
	var err error
	if n.PlannedOn, err = inspection.ParseDate(c.FormValue("planned_on")); err != nil || n.PlannedOn == "" {
		bad.Field("planned_on", "reinspection.error.day")
	}
	if n.PlannedAt, err = inspection.ParseMinute(c.FormValue("at")); err != nil {
		bad.Field("at", "reinspection.error.hour")
	}
	if !slices.ContainsFunc(p.Members, func(t plan.Teammate) bool { return t.PersonID == p.Member }) {
		bad.Field("member", "reinspection.error.member")
	}
	if len(n.Findings) == 0 {
		bad.Field("finding", "reinspection.error.none")
	}
	answers, unit := "", ""
	for _, id := range n.Findings {
		i := slices.IndexFunc(p.Findings, func(f dueFinding) bool { return f.ID == id })
		if i < 0 {
			bad.Field("finding", "reinspection.error.unknown")
			continue
		}
		f := p.Findings[i]
		if answers != "" && answers != f.Answers {
			bad.Field("finding", "reinspection.error.two_units")
		}
		answers, unit = f.Answers, f.ResponsibleID
		if n.PlannedOn != "" && n.PlannedOn < f.ReinspectFrom {
			bad.Field("planned_on", "reinspection.error.early")
		}
		if n.PlannedOn != "" && n.PlannedOn > f.ReinspectDue && f.ReinspectDue >= p.Now.Date() {
			bad.Field("planned_on", "reinspection.error.late")
		}
	}
	if n.PlannedOn != "" && n.PlannedOn < p.Now.Date() {
		bad.Field("planned_on", "reinspection.error.past")
	}
	if len(bad.Fields) > 0 {
		return n, bad
	}
	if unit != n.OrganisationID && answers != n.OrganisationID { // somebody else was chosen to answer: the old desk is not theirs
		n.OrganisationID, n.DeskID = answers, nil
	}
	n.OpenTo = []plan.Opening{{PersonID: p.Member, Leads: true}}
	return n, nil
}
