package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"github.com/labstack/echo/v4"
)

type targetsPage struct {
	Base
	Targets     []plan.Item
	Teams       []plan.TeamSheet // whose plan the reader fills
	Overseer    bool             // may be looking for how to look at a desk through its cameras
	State       string
	States      []plan.State
	Next, First string
}

// targetsPage lists the targets that the reader knows of.
func (s *Server) targetsPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	page := targetsPage{Base: s.base(c, "targets.title"), State: c.QueryParam("state"), States: []plan.State{plan.Sealed, plan.Started, plan.Cancelled}}
	var next string
	var err error
	page.Targets, next, err = s.Plan.Known(ctx, a, plan.TargetFilter{State: plan.State(page.State)}, pageOf(c))
	if err != nil {
		return err
	}
	page.Next, page.First = pagerOf(c, next)
	if page.Teams, err = s.plannedTeams(c); err != nil {
		return err
	}
	page.Overseer = slices.ContainsFunc(a.Capacities, func(c inspection.Capacity) bool { return c.Role == inspection.ChiefOfOffice })
	return s.render(c, http.StatusOK, "targets", page)
}

// plannedTeams are the teams whose plan the actor fills today.
func (s *Server) plannedTeams(c echo.Context) ([]plan.TeamSheet, error) {
	var out []plan.TeamSheet
	a := actor(c)
	for _, capacity := range a.Capacities {
		if _, ok := org.Can(a, org.PlanTarget, org.Subject{Team: capacity.Team}); !ok || slices.ContainsFunc(out, func(t plan.TeamSheet) bool { return t.ID == capacity.Team }) {
			continue
		}
		t, err := s.Plan.GetTeam(c.Request().Context(), a, capacity.Team)
		if inspection.CodeOf(err) == inspection.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if t.State == plan.Active && t.Campaign.State == plan.Active {
			out = append(out, t)
		}
	}
	return out, nil
}

// newForms are the forms that a target may be given; a re-inspection is planned from its
// findings.
var newForms = []plan.Form{plan.Surprise, plan.Planned, plan.Thematic, plan.Remote}

type targetFormPage struct {
	Base
	Team    plan.TeamSheet
	Form    string
	Query   string
	Found   []org.Place
	More    bool
	Place   string
	Chosen  string // the name of the chosen place
	Forms   []plan.Form
	Kind    plan.Form
	On, At  string
	Members []plan.Teammate
	Tell    map[string]string // member: "", told, leads
	Doubt   plan.Doubt        // what is to be confirmed before it is sealed
	Blind   bool              // as is that no camera of the desk could be asked
	Confirm string            // what a confirmation is of
	Sure    bool              // it was given
}

// OnDay is the day with its weekday.
func (p targetFormPage) OnDay() string { return p.Day(inspection.Date(p.On)) }

// confirming is what a lead confirms: this day and hour at this place, and no other, and
// that it is from the office.
func confirming(c echo.Context) string {
	what := c.FormValue("place") + "|" + c.FormValue("planned_on") + "|" + c.FormValue("at")
	if form := c.FormValue("form"); form == string(plan.Remote) {
		what += "|" + form
	}
	return what
}

// blind tells that a look from the office at a desk has no camera that could be asked on
// its day.
func (s *Server) blind(c echo.Context, form plan.Form, desk *string, on inspection.Date) (bool, error) {
	if form != plan.Remote || desk == nil {
		return false, nil
	}
	usable, err := s.Snapshots.Usable(c.Request().Context(), *desk, on)
	return !usable, err
}

// nextHour is the hour that a form suggests on a day: eight, or the next full hour where
// that has gone by.
func nextHour(now inspection.Instant, on inspection.Date) string {
	t := now.Time()
	if on != now.Date() || t.Hour() < 8 {
		return "08:00"
	}
	return inspection.Minute(min((t.Hour()+1)*60, 23*60+59)).String()
}

// newTarget is the form of a target. Words and choices of it travel in the body of a
// request, never in an address: addresses are kept by browsers and proxies.
func (s *Server) newTarget(c echo.Context) error {
	page, err := s.targetView(c, c.QueryParam("team"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "target_form", page)
}

func (s *Server) targetView(c echo.Context, team string) (targetFormPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	page := targetFormPage{Base: s.base(c, "targets.new"), Form: inspection.NewID(), Forms: newForms,
		Kind: plan.Surprise, Tell: map[string]string{}}
	if _, ok := org.Can(a, org.PlanTarget, org.Subject{Team: team}); !ok {
		return page, inspection.E(inspection.NotFound, "error.not_found")
	}
	var err error
	if page.Team, err = s.Plan.GetTeam(ctx, a, team); err != nil {
		return page, err
	}
	campaign := page.Team.Campaign
	page.On = string(max(page.Now.Date(), campaign.PeriodFrom))
	page.At = nextHour(page.Now, inspection.Date(page.On))
	if c.Request().Method == http.MethodPost {
		page.Query, page.Place, page.Kind = strings.TrimSpace(c.FormValue("q")), c.FormValue("place"), plan.Form(c.FormValue("form"))
		page.On, page.At = c.FormValue("planned_on"), c.FormValue("at")
		if id := formID(c); inspection.CheckID(id) == nil {
			page.Form = id
		}
	}
	on, bad := inspection.ParseDate(page.On)
	if bad != nil || on == "" || !on.Within(campaign.PeriodFrom, campaign.PeriodTo) {
		on = page.Now.Date() // what is wrong with the day is said there; the team is not smaller for it
	}
	if err := s.tellWhom(c, &page, on); err != nil {
		return page, err
	}
	if page.Found, err = s.Plan.PlacesToVisit(ctx, a, s.Org, team, page.Query, on, inspection.Page{Limit: shownPlaces}); err != nil {
		return page, err
	}
	if len(page.Found) > shownPlaces {
		page.Found, page.More = page.Found[:shownPlaces], true
	}
	return page, s.choosePlace(c, &page)
}

// tellWhom lists who can be told of a target on a day, and those of today whom the lead
// has chosen already: a choice stays until the lead takes it back.
func (s *Server) tellWhom(c echo.Context, page *targetFormPage, on inspection.Date) error {
	ctx, a := c.Request().Context(), actor(c)
	members, err := s.Plan.Teammates(ctx, a, page.Team.ID, on)
	if err != nil {
		return err
	}
	if today := page.Now.Date(); on != today {
		now, err := s.Plan.Teammates(ctx, a, page.Team.ID, today)
		if err != nil {
			return err
		}
		for _, m := range now {
			there := slices.ContainsFunc(members, func(t plan.Teammate) bool { return t.PersonID == m.PersonID })
			if !there && c.FormValue("tell."+m.PersonID) != "" {
				members = append(members, m)
			}
		}
	}
	page.Members = slices.DeleteFunc(members, func(t plan.Teammate) bool { return t.PersonID == a.Person })
	for _, m := range page.Members {
		page.Tell[m.PersonID] = c.FormValue("tell." + m.PersonID)
	}
	return nil
}

// choosePlace names the chosen place, which the words may not find any more.
func (s *Server) choosePlace(c echo.Context, page *targetFormPage) error {
	organisation, desk, err := org.PlaceOfKey(page.Place)
	if err != nil {
		page.Place = ""
		return nil
	}
	ids := []string{organisation}
	if desk != nil {
		ids = append(ids, *desk)
	}
	names, err := s.Org.Names(c.Request().Context(), actor(c), ids...)
	if err != nil {
		return err
	}
	page.Chosen = names[organisation]
	if desk != nil && names[*desk] != "" {
		page.Chosen = names[*desk] + ", " + page.Chosen
	}
	return nil
}

// sealTarget searches once more, or seals the target.
func (s *Server) sealTarget(c echo.Context) error {
	if c.FormValue("do") == "find" {
		page, err := s.targetView(c, c.FormValue("team"))
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, "target_form", page)
	}
	n, err := targetOf(c)
	var doubt plan.Doubt
	blind := false
	if err == nil && c.FormValue("confirm") != confirming(c) {
		doubt, blind, err = s.doubts(c, n)
	}
	if err == nil && !doubt.Any() && !blind {
		var t plan.Target
		if t, err = s.Plan.Seal(c.Request().Context(), actor(c), n); err == nil {
			return c.Redirect(http.StatusSeeOther, "/targets/"+t.ID+"?done=target")
		}
	}
	page, again := s.targetView(c, c.FormValue("team"))
	if again != nil {
		return again
	}
	if err == nil {
		page.Doubt, page.Blind, page.Confirm = doubt, blind, confirming(c)
		return s.render(c, http.StatusUnprocessableEntity, "target_form", page)
	}
	if c.FormValue("confirm") == confirming(c) {
		page.Confirm, page.Sure = confirming(c), true
		if page.Doubt, page.Blind, again = s.doubts(c, n); again != nil {
			return again
		}
	}
	err = ofTheDay(err)
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "target_form", page) })
}

// doubts asks of a target whether it was meant; of a place that is none nothing is asked,
// sealing refuses it.
func (s *Server) doubts(c echo.Context, n plan.NewTarget) (doubt plan.Doubt, blind bool, err error) {
	doubt, err = s.Plan.Doubts(c.Request().Context(), actor(c), n)
	if err == nil {
		blind, err = s.blind(c, n.Form, n.DeskID, n.PlannedOn)
	}
	if code := inspection.CodeOf(err); code == inspection.NotFound || code == inspection.Invalid {
		return plan.Doubt{}, false, nil
	}
	return doubt, blind, err
}

// ofTheDay says at the field of the day what is wrong with it.
func ofTheDay(err error) error {
	e := toOurs(err)
	if _, ok := e.Fields["planned_on"]; !ok || e.Key == "error.invalid" {
		return err
	}
	out := *e
	out.Fields = maps.Clone(e.Fields)
	out.Fields["planned_on"] = e.Key
	return &out
}

// targetOf reads the form of a target. Code: invalid.
func targetOf(c echo.Context) (plan.NewTarget, error) {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	n := plan.NewTarget{ID: formID(c), TeamID: c.FormValue("team"), LeadID: actor(c).Person, Form: plan.Form(c.FormValue("form"))}
	var err error
	if n.OrganisationID, n.DeskID, err = org.PlaceOfKey(c.FormValue("place")); err != nil {
		bad.Field("place", "plan.error.no_place")
	}
	if n.PlannedOn, err = inspection.ParseDate(c.FormValue("planned_on")); err != nil || n.PlannedOn == "" {
		bad.Field("planned_on", "plan.error.day")
	}
	if n.PlannedAt, err = inspection.ParseMinute(c.FormValue("at")); err != nil {
		bad.Field("at", "reinspection.error.hour")
	}
	if n.Form == plan.Reinspection {
		bad.Field("form", "error.invalid")
	}
	form, err := c.FormParams()
	if err != nil {
		return n, bodyError(err)
	}
	for name, v := range form {
		if person, ok := strings.CutPrefix(name, "tell."); ok && len(v) > 0 && v[0] != "" {
			n.OpenTo = append(n.OpenTo, plan.Opening{PersonID: person, Leads: v[0] == "leads"})
		}
	}
	slices.SortFunc(n.OpenTo, func(a, b plan.Opening) int { return strings.Compare(a.PersonID, b.PersonID) })
	if len(bad.Fields) > 0 {
		return n, bad
	}
	return n, nil
}

type targetPage struct {
	Base
	Target  plan.TargetSheet
	Members []plan.Teammate // to whom it can be opened
	Heads   []plan.Teammate // who can take it over
	Forms   []plan.Form
	FormID  string
	Blind   bool // of a look from the office: no camera could be asked on its day
	Reason  string
	On, At  string
	Kind    plan.Form
	Lead    string
	To      string
	Tell    string
	Back    string // of whom it is to be taken back that they were told
}

func (s *Server) targetPage(c echo.Context) error {
	page, err := s.oneTarget(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "target", page)
}

func (s *Server) oneTarget(c echo.Context) (targetPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	t, err := s.Plan.Sheet(ctx, a, c.Param("id"))
	if err != nil {
		return targetPage{}, err
	}
	page := targetPage{Base: s.base(c, "targets.one"), Target: t, Forms: newForms, FormID: inspection.NewID(),
		On: string(t.PlannedOn), At: t.PlannedAt.String(), Kind: t.Form, Lead: t.LeadID}
	if t.State == plan.Sealed {
		if page.Blind, err = s.blind(c, t.Form, t.DeskID, max(t.PlannedOn, page.Now.Date())); inspection.CodeOf(err) == inspection.NotFound {
			err = nil // the desk is gone, which the page says
		}
		if err != nil {
			return page, err
		}
	}
	if !t.MayManage || t.State != plan.Sealed {
		return page, nil
	}
	team, err := s.Plan.Teammates(ctx, a, t.TeamID, max(t.PlannedOn, page.Now.Date()))
	if inspection.CodeOf(err) == inspection.NotFound { // leads the target, heads the team no more
		return page, nil
	}
	if err != nil {
		return page, err
	}
	for _, m := range team {
		if m.PersonID != t.LeadID && !slices.ContainsFunc(t.Openings, func(o plan.OpeningLine) bool { return o.PersonID == m.PersonID }) {
			page.Members = append(page.Members, m)
		}
		if m.Role == inspection.TeamLead || m.Role == inspection.DeputyLead {
			page.Heads = append(page.Heads, m)
		}
	}
	return page, nil
}

func (s *Server) targetDone(c echo.Context, err error, done string) error {
	if err == nil {
		to := "/targets/" + c.Param("id") + "?done=" + done
		if _, err := s.Plan.Get(c.Request().Context(), actor(c), c.Param("id")); err != nil { // handed over: it exists for them no more
			to = "/targets?done=" + done
		}
		return c.Redirect(http.StatusSeeOther, to)
	}
	page, again := s.oneTarget(c)
	if again != nil {
		return again
	}
	page.Reason, page.To, page.Back = c.FormValue("reason"), c.FormValue("to"), c.Param("person")
	if v := c.FormValue("planned_on"); v != "" {
		page.On, page.At, page.Kind, page.Lead = v, c.FormValue("at"), plan.Form(c.FormValue("form")), c.FormValue("lead")
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "target", page) })
}

// moveTarget gives a target another day, hour, form or lead.
func (s *Server) moveTarget(c echo.Context) error {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	m := plan.Moved{Form: plan.Form(c.FormValue("form")), LeadID: c.FormValue("lead")}
	version, err := formVersion(c)
	if err != nil {
		return s.targetDone(c, err, "")
	}
	if m.PlannedOn, err = inspection.ParseDate(c.FormValue("planned_on")); err != nil || m.PlannedOn == "" {
		bad.Field("planned_on", "plan.error.day")
	}
	if m.PlannedAt, err = inspection.ParseMinute(c.FormValue("at")); err != nil {
		bad.Field("at", "reinspection.error.hour")
	}
	if len(bad.Fields) > 0 {
		return s.targetDone(c, bad, "")
	}
	return s.targetDone(c, s.Plan.Move(c.Request().Context(), actor(c), c.Param("id"), version, m, c.FormValue("reason")), "changed")
}

// standTarget suspends a target, takes it up again or cancels it.
func (s *Server) standTarget(c echo.Context) error {
	ctx, a, id, reason := c.Request().Context(), actor(c), c.Param("id"), c.FormValue("reason")
	version, err := formVersion(c)
	if err == nil {
		switch to := plan.Standing(c.FormValue("to")); to {
		case plan.Active, plan.Suspended:
			err = s.Plan.Hold(ctx, a, id, version, to == plan.Suspended, reason)
		case plan.Dropped:
			err = s.Plan.Drop(ctx, a, id, version, reason)
		default:
			err = inspection.E(inspection.Invalid, "plan.error.standing")
		}
	}
	return s.targetDone(c, err, "changed")
}

// takeBackTarget ends that a member was told of a target.
func (s *Server) takeBackTarget(c echo.Context) error {
	err := s.Plan.TakeBack(c.Request().Context(), actor(c), c.Param("id"), c.Param("person"), c.FormValue("reason"))
	return s.targetDone(c, err, "changed")
}

// openTarget tells a member of a target.
func (s *Server) openTarget(c echo.Context) error {
	err := s.Plan.Open(c.Request().Context(), actor(c), c.Param("id"), c.FormValue("person"), c.FormValue("leads") != "")
	return s.targetDone(c, err, "opened")
}
