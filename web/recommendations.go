package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type recommendationsPage struct {
	adminBase
	V        *visit.View // of one check; nil for all
	May      bool        // the reader recommends
	Kinds    []finding.Recommended
	Findings []finding.Line
	Lines    []finding.RecommendationLine
	Units    map[string]string
	Heirs    []org.Organisation // who may answer, where the unit was split
	Asked    string             // the one that a line of the inbox led to
	decider  *string
}

// recommendationsMost is how many one page shows.
const recommendationsMost = 200

// recommendationsPage lists what was recommended and waits for a record of a review.
func (s *Server) recommendationsPage(c echo.Context) error {
	page, err := s.recommendationsView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "recommendations", page)
}

func (s *Server) recommendationsView(c echo.Context) (recommendationsPage, error) {
	ctx := c.Request().Context()
	page := recommendationsPage{adminBase: s.adminBase(c, "recommendations.title"), Kinds: finding.Recommendeds, Asked: c.QueryParam("report")}
	id := c.Param("id")
	var err error
	if id != "" {
		v, err := s.Visits.Get(ctx, page.Actor, id)
		if err != nil {
			return page, err
		}
		page.V = &v
		lines, _, err := s.Findings.ForVisit(ctx, page.Actor, id, inspection.Page{Limit: 200})
		if err != nil {
			return page, err
		}
		for _, l := range lines {
			if l.State.Counts() {
				page.Findings = append(page.Findings, l)
			}
			page.decider = l.DeciderID // of today: the decisions may have been handed over since
		}
		if page.decider == nil {
			page.decider = v.DecidedBy
		}
		subject := v.Subject()
		if page.decider != nil {
			subject.Decider = *page.decider
		}
		_, decides := org.Can(page.Actor, org.DecideFinding, subject)
		page.May = decides && v.Visit.State == visit.Concluded
		heirs, alone, err := s.Org.Heirs(ctx, page.Actor, v.OrganisationID, page.Today())
		if err != nil {
			return page, err
		}
		if !alone {
			page.Heirs = heirs
		}
	}
	if page.Lines, err = s.Findings.Recommendations(ctx, page.Actor, id, recommendationsMost); err != nil {
		return page, err
	}
	var names []string
	for _, l := range page.Lines {
		names = append(names, l.ResponsibleID)
	}
	page.Units, err = s.Org.Names(ctx, page.Actor, names...)
	return page, err
}

// recommend recommends something with a check or one of its findings.
func (s *Server) recommend(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	page, err := s.recommendationsView(c)
	if err != nil {
		return err
	}
	v := page.V
	about := finding.About{VisitID: v.ID, IssuerID: v.IssuerID, TeamID: v.TeamID, UnitID: v.OrganisationID, DeciderID: page.decider, Concluded: v.Visit.State == visit.Concluded, Simulated: v.Simulated}
	_, err = s.Findings.Recommend(ctx, a, about, finding.RecommendInput{ID: formID(c), Finding: c.FormValue("finding"), Kind: finding.Recommended(c.FormValue("kind")),
		Position: c.FormValue("position"), Responsible: c.FormValue("responsible"), Reason: c.FormValue("reason"), DocumentNo: c.FormValue("document_no")})
	if err != nil {
		return s.refuse(c, &page.adminBase, "make", "recommendations", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+v.ID+"/recommendations?done=recommended")
}

// answerRecommendation reports the record of a review, or takes a recommendation back.
func (s *Server) answerRecommendation(c echo.Context) error {
	ctx, a, id, what := c.Request().Context(), actor(c), c.Param("id"), c.Param("act")
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	switch what {
	case "record":
		on := inspection.Date(c.FormValue("record_on"))
		err = s.Findings.RecordReview(ctx, a, id, version, c.FormValue("record_no"), on, c.FormValue("note"))
	case "withdraw":
		err = s.Findings.WithdrawRecommendation(ctx, a, id, version, c.FormValue("reason"))
	default:
		err = inspection.E(inspection.NotFound, "error.not_found")
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/recommendations?done=recommendation_"+what+"#r-"+id)
	}
	if inspection.CodeOf(err) == inspection.NotFound {
		return err
	}
	c.SetParamNames()
	page, again := s.recommendationsView(c)
	if again != nil {
		return again
	}
	return s.refuse(c, &page.adminBase, what+"-"+id, "recommendations", err, func() any { return page })
}

type needsPage struct {
	Base
	Needs  []finding.Need
	Cost   int64
	Asked  int // without a plan
	Priced int
}

// needsPage is the list of needs for premises and equipment, to be printed.
func (s *Server) needsPage(c echo.Context) error {
	page := needsPage{Base: s.base(c, "needs.title")}
	var err error
	if page.Needs, err = s.Findings.Needs(c.Request().Context(), page.Actor); err != nil {
		return err
	}
	for _, n := range page.Needs {
		switch {
		case n.Plan == nil:
			page.Asked++
		case n.Plan.Cost > 0:
			page.Cost += n.Plan.Cost
			page.Priced++
		}
	}
	return s.render(c, http.StatusOK, "needs", page)
}

type delegationsPage struct {
	adminBase
	Units  []delegatedUnit
	Rows   []org.Delegation
	Names  map[string]string
	Chosen string
}

// delegatedUnit is a unit that the reader heads, with who could act for them there.
type delegatedUnit struct {
	ID, Name string
	People   []org.Person
}

// delegationsPage is where a head lets somebody act for them.
func (s *Server) delegationsPage(c echo.Context) error {
	page, err := s.delegationsView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "delegations", page)
}

func (s *Server) delegationsView(c echo.Context) (delegationsPage, error) {
	ctx := c.Request().Context()
	page := delegationsPage{adminBase: s.adminBase(c, "delegations.title")}
	rows, people, err := s.Org.Delegated(ctx, page.Actor)
	if err != nil {
		return page, err
	}
	page.Rows = rows
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ToID, r.OrganisationID)
	}
	for id := range people {
		ids = append(ids, id)
	}
	if page.Names, err = s.Org.Names(ctx, page.Actor, ids...); err != nil {
		return page, err
	}
	for _, k := range page.Actor.Capacities {
		if who, heads := people[k.Organisation]; heads && k.Role == inspection.UnitHead {
			page.Units = append(page.Units, delegatedUnit{k.Organisation, page.Names[k.Organisation], who})
		}
	}
	return page, nil
}

// Counts tells whether a delegation counts today, or will.
func (p delegationsPage) Counts(d org.Delegation) bool {
	return d.EndedAt.IsZero() && d.ValidTo >= p.Today()
}

func (s *Server) delegate(c echo.Context) error {
	_, err := s.Org.Delegate(c.Request().Context(), actor(c), org.Delegation{ID: formID(c), OrganisationID: c.FormValue("unit"), ToID: c.FormValue("person"),
		ValidFrom: inspection.Date(c.FormValue("from")), ValidTo: inspection.Date(c.FormValue("to")), DocumentNo: c.FormValue("document_no"), Reason: c.FormValue("reason")})
	return s.delegationDone(c, "delegated", err)
}

func (s *Server) endDelegation(c echo.Context) error {
	return s.delegationDone(c, "delegation_ended", s.Org.EndDelegation(c.Request().Context(), actor(c), c.Param("id")))
}

func (s *Server) delegationDone(c echo.Context, done string, err error) error {
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/delegations?done="+done)
	}
	page, again := s.delegationsView(c)
	if again != nil {
		return again
	}
	return s.refuse(c, &page.adminBase, "make", "delegations", err, func() any { return page })
}
