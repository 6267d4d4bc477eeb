package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"github.com/labstack/echo/v4"
)

type campaignsPage struct {
	Base
	Query, State string
	Standings    []plan.Standing
	Campaigns    []plan.Campaign
	Next, First  string
	MayCreate    bool
	Leads        bool // may put targets into a team's plan
}

// campaignsPage lists the campaigns that the reader may read.
func (s *Server) campaignsPage(c echo.Context) error {
	a := actor(c)
	page := campaignsPage{Base: s.base(c, "campaigns.title"), Query: strings.TrimSpace(c.QueryParam("q")), State: c.QueryParam("state"),
		Standings: plan.Standings, MayCreate: len(plan.Issuers(a)) > 0, Leads: a.Is(inspection.TeamLead, inspection.DeputyLead)}
	var next string
	var err error
	page.Campaigns, next, err = s.Plan.Campaigns(c.Request().Context(), a, plan.Filter{Query: page.Query, State: plan.Standing(page.State)}, pageOf(c))
	if err != nil {
		return err
	}
	page.Next, page.First = pagerOf(c, next)
	return s.render(c, http.StatusOK, "campaigns", page)
}

// choice is an option of a list.
type choice struct{ ID, Name string }

type campaignFormPage struct {
	Base
	New        bool
	Form       string // the id of the campaign
	Version    int64
	N          plan.NewCampaign
	Reason     string
	Issuers    []choice
	Deciders   []plan.Teammate
	Checklists []checklist.Checklist
}

// fill adds what can be chosen.
func (p *campaignFormPage) fill(s *Server, c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	issuers := plan.Issuers(a)
	if !p.New {
		issuers = []string{p.N.IssuerID}
	}
	names, err := s.Org.Names(ctx, a, issuers...)
	if err != nil {
		return err
	}
	on := p.N.DecisionDate
	if on == "" {
		on = p.Now.Date()
	}
	for _, id := range issuers {
		p.Issuers = append(p.Issuers, choice{id, names[id]})
		people, err := s.Plan.Deciders(ctx, a, id, on)
		if err != nil && inspection.CodeOf(err) != inspection.NotFound {
			return err
		}
		p.Deciders = append(p.Deciders, people...)
	}
	if p.New && len(p.Deciders) == 1 { // nobody else can have signed
		p.N.SignedBy = p.Deciders[0].PersonID
	}
	if p.N.IssuerID == "" && len(issuers) > 0 {
		p.N.IssuerID = issuers[0]
	}
	lists, err := s.Checklists.List(ctx, a)
	p.Checklists = slices.DeleteFunc(lists, func(l checklist.Checklist) bool { return l.State != checklist.Published })
	return err
}

// newCampaign is the form of a campaign.
func (s *Server) newCampaign(c echo.Context) error {
	if len(plan.Issuers(actor(c))) == 0 {
		return org.MustNot()
	}
	page := campaignFormPage{Base: s.base(c, "campaigns.new"), New: true, Form: inspection.NewID()}
	if err := page.fill(s, c); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "campaign_form", page)
}

// campaignOf reads the form of a campaign; what is wrong with it the plan says.
func campaignOf(c echo.Context, id string) plan.NewCampaign {
	return plan.NewCampaign{ID: id, Title: c.FormValue("title"), IssuerID: c.FormValue("issuer"), DecisionNumber: c.FormValue("decision_number"),
		DecisionDate: inspection.Date(c.FormValue("decision_date")), SignedBy: c.FormValue("signed_by"), From: inspection.Date(c.FormValue("from")),
		To: inspection.Date(c.FormValue("to")), ChecklistID: c.FormValue("checklist")}
}

func (s *Server) createCampaign(c echo.Context) error {
	n := campaignOf(c, formID(c))
	_, err := s.Plan.Create(c.Request().Context(), actor(c), n)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+n.ID+"?done=campaign")
	}
	page := campaignFormPage{Base: s.base(c, "campaigns.new"), New: true, Form: n.ID, N: n}
	if inspection.CheckID(n.ID) != nil {
		page.Form = inspection.NewID()
	}
	return s.campaignAgain(c, &page, err)
}

func (s *Server) campaignAgain(c echo.Context, page *campaignFormPage, err error) error {
	return s.formAgain(c, &page.Base, err, func() error {
		if _, bad := inspection.ParseDate(string(page.N.DecisionDate)); bad != nil {
			page.N.DecisionDate = ""
		}
		if err := page.fill(s, c); err != nil {
			return err
		}
		return s.render(c, statuses[toOurs(err).Code], "campaign_form", page)
	})
}

// editCampaign is the form that corrects a campaign.
func (s *Server) editCampaign(c echo.Context) error {
	sheet, err := s.manageable(c)
	if err != nil {
		return err
	}
	page := campaignFormPage{Base: s.base(c, "campaigns.edit"), Form: sheet.ID, Version: sheet.Version, N: plan.NewCampaign{ID: sheet.ID, Title: sheet.Title,
		IssuerID: sheet.IssuerID, DecisionNumber: sheet.DecisionNumber, DecisionDate: sheet.DecisionDate, From: sheet.PeriodFrom, To: sheet.PeriodTo}}
	page.N.SignedBy = sheet.Signer()
	if sheet.ChecklistID != nil {
		page.N.ChecklistID = *sheet.ChecklistID
	}
	if err := page.fill(s, c); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "campaign_form", page)
}

// manageable is the campaign of the address for who may change it. Codes: not_found,
// forbidden.
func (s *Server) manageable(c echo.Context) (plan.Sheet, error) {
	sheet, err := s.Plan.GetCampaign(c.Request().Context(), actor(c), c.Param("id"))
	if err == nil && !sheet.MayManage {
		err = inspection.E(inspection.Forbidden, "plan.error.not_yours")
	}
	return sheet, err
}

func (s *Server) changeCampaign(c echo.Context) error {
	n, reason := campaignOf(c, c.Param("id")), c.FormValue("reason")
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.Change(c.Request().Context(), actor(c), version, n, reason)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+n.ID+"?done=changed")
	}
	sheet, again := s.manageable(c)
	if again != nil {
		return again
	}
	n.IssuerID = sheet.IssuerID
	page := campaignFormPage{Base: s.base(c, "campaigns.edit"), Form: n.ID, Version: version, N: n, Reason: reason}
	if inspection.CodeOf(err) == inspection.Conflict {
		page.Version = sheet.Version // the reader sees the new state with the message
	}
	return s.campaignAgain(c, &page, err)
}

type campaignPage struct {
	Base
	C        plan.Sheet
	Scans    []photo
	Form     string
	Reason   string
	Over     string          // the reason to hand over
	Heirs    []plan.Teammate // to whom the deciding can be handed over
	Decider  string
	MaySeal  bool // somebody here plans targets of a team of this campaign
	Standing plan.Standing
}

func (s *Server) campaignPage(c echo.Context) error {
	page, err := s.campaignView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "campaign", page)
}

func (s *Server) campaignView(c echo.Context) (campaignPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	sheet, err := s.Plan.GetCampaign(ctx, a, c.Param("id"))
	if err != nil {
		return campaignPage{}, err
	}
	page := campaignPage{Base: s.base(c, "campaigns.one"), C: sheet, Form: inspection.NewID()}
	page.Title = sheet.Title
	files, err := s.Evidence.ForVisit(ctx, a, sheet.ID)
	if err != nil {
		return page, err
	}
	for _, f := range files {
		page.Scans = append(page.Scans, photoOf(f, evidence.Scan))
	}
	if sheet.MayManage {
		if page.Heirs, err = s.Plan.Successors(ctx, a, sheet.ID); err != nil {
			return page, err
		}
	}
	page.MaySeal = slices.ContainsFunc(sheet.Teams, func(t plan.TeamSheet) bool { return t.MayPlan })
	return page, nil
}

// standCampaign suspends a campaign, takes it up again or cancels it.
func (s *Server) standCampaign(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.Stand(c.Request().Context(), actor(c), c.Param("id"), version, plan.Standing(c.FormValue("to")), c.FormValue("reason"))
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+c.Param("id")+"?done=changed")
	}
	page, again := s.campaignView(c)
	if again != nil {
		return again
	}
	page.Reason, page.Standing = c.FormValue("reason"), plan.Standing(c.FormValue("to"))
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "campaign", page) })
}

// handOver gives what is still to be decided to another person.
func (s *Server) handOver(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.HandOver(c.Request().Context(), actor(c), c.Param("id"), version, c.FormValue("decider"), c.FormValue("reason"))
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+c.Param("id")+"?done=changed")
	}
	page, again := s.campaignView(c)
	if again != nil {
		return again
	}
	page.Over, page.Decider = c.FormValue("reason"), c.FormValue("decider")
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "campaign", page) })
}

// addScan takes in the scan of the decision.
func (s *Server) addScan(c echo.Context) error {
	if _, err := s.manageable(c); err != nil {
		return err
	}
	ids, err := s.takeFiles(c, "files", c.Param("id"), evidence.DocumentScan)
	if err == nil && len(ids) == 0 {
		err = inspection.E(inspection.Invalid, "campaigns.error.no_file").Field("files", "campaigns.error.no_file")
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+c.Param("id")+"?done=scan")
	}
	page, again := s.campaignView(c)
	if again != nil {
		return again
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "campaign", page) })
}

// PlanValue is a value of a change in words.
func (b Base) PlanValue(field, value string) string {
	switch field {
	case "state":
		return b.Of("campaigns.state", value)
	case "form":
		return b.Of("form", value)
	case "seal":
		return b.Of("campaigns.seal", value)
	case "checklist":
		return b.T("campaigns.other_checklist")
	}
	return value
}

// StandingClass is the class of a standing's tag; the tag always holds its word.
func (Base) StandingClass(v plan.Standing) string {
	switch v {
	case plan.Active:
		return "good"
	case plan.Suspended:
		return "soon"
	}
	return "plain"
}

type placesPage struct {
	Base
	C       plan.Sheet
	Places  []plan.PlaceLine
	Query   string
	Found   []org.Place
	More    bool
	Reason  string
	Listed  map[string]bool
	Another int // found and not yet named
}

// shownPlaces is how many places one search shows.
const shownPlaces = 200

// campaignPlaces lists what a campaign is about and finds more.
func (s *Server) campaignPlaces(c echo.Context) error {
	page, err := s.placesView(c, strings.TrimSpace(c.QueryParam("q")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "campaign_places", page)
}

func (s *Server) placesView(c echo.Context, query string) (placesPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	sheet, err := s.Plan.GetCampaign(ctx, a, c.Param("id"))
	if err != nil {
		return placesPage{}, err
	}
	page := placesPage{Base: s.base(c, "campaigns.places"), C: sheet, Query: query, Listed: map[string]bool{}}
	if page.Places, err = s.Plan.Places(ctx, a, sheet.ID); err != nil {
		return page, err
	}
	for _, p := range page.Places {
		key := org.Place{OrganisationID: p.OrganisationID}
		if p.DeskID != nil {
			key.DeskID = *p.DeskID
		}
		page.Listed[key.Key()] = true
	}
	if !sheet.MayManage {
		return page, nil
	}
	if page.Found, err = s.Plan.PlacesToAdd(ctx, a, s.Org, sheet.ID, query, inspection.Page{Limit: shownPlaces}); err != nil {
		return page, err
	}
	if len(page.Found) > shownPlaces {
		page.Found, page.More = page.Found[:shownPlaces], true
	}
	for _, p := range page.Found {
		if !page.Listed[p.Key()] {
			page.Another++
		}
	}
	return page, nil
}

// addPlaces adds what was ticked, or all that the words find.
func (s *Server) addPlaces(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	keys, query := form["place"], strings.TrimSpace(c.FormValue("q"))
	if c.FormValue("do") == "all" {
		found, err := s.Plan.PlacesToAdd(ctx, a, s.Org, c.Param("id"), query, inspection.Page{Limit: 500})
		if err != nil {
			return err
		}
		keys = nil
		for _, p := range found {
			keys = append(keys, p.Key())
		}
	}
	_, err = s.Plan.AddPlaces(ctx, a, c.Param("id"), keys)
	return s.placesDone(c, query, err)
}

func (s *Server) removePlaces(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	err = s.Plan.RemovePlaces(c.Request().Context(), actor(c), c.Param("id"), form["row"], c.FormValue("reason"))
	return s.placesDone(c, "", err)
}

func (s *Server) placesDone(c echo.Context, query string, err error) error {
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/campaigns/"+c.Param("id")+"/places?done=changed&q="+url.QueryEscape(query))
	}
	page, again := s.placesView(c, query)
	if again != nil {
		return again
	}
	page.Reason = c.FormValue("reason")
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "campaign_places", page) })
}
