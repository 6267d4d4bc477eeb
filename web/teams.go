package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/plan"

	"github.com/labstack/echo/v4"
)

// addTeam makes a team of a campaign; its page is where people are taken in.
func (s *Server) addTeam(c echo.Context) error {
	n := plan.NewTeam{ID: formID(c), CampaignID: c.Param("id"), Name: c.FormValue("name"), Symbol: c.FormValue("symbol"), HasSeal: c.FormValue("seal") != ""}
	err := s.Plan.AddTeam(c.Request().Context(), actor(c), n)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/teams/"+n.ID+"?done=team")
	}
	page, again := s.campaignView(c)
	if again != nil {
		return again
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "campaign", page) })
}

type teamPage struct {
	Base
	Team     plan.TeamSheet
	Query    string
	Found    []plan.Candidate
	After    string // where the shown page of them begins
	Next     string // address of the next
	First    string
	Roles    []inspection.Role
	Chosen   map[string]string // role by person
	From, To string
	Reason   string
	Standing plan.Standing
	Closed   bool                 // dissolved, or its campaign cancelled: only the follow-up goes on
	Anew     map[string]auth.Anew // for the heads of the team: whose password was given anew, and when
	Few      bool                 // fewer than two members on the day
	Apart    bool                 // the reader cannot take themselves in, but
	Others   string               // these could
}

// shownPeople is how many people one page shows.
const shownPeople = 30

func (s *Server) teamPage(c echo.Context) error {
	page, err := s.teamView(c, strings.TrimSpace(c.QueryParam("q")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "team", page)
}

func (s *Server) teamView(c echo.Context, query string) (teamPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	sheet, err := s.Plan.GetTeam(ctx, a, c.Param("id"))
	if err != nil {
		return teamPage{}, err
	}
	page := teamPage{Base: s.base(c, "teams.title"), Team: sheet, Query: query, Roles: inspection.TeamRoles, Chosen: map[string]string{},
		From: string(sheet.Earliest(sheet.Campaign, s.Clock.Now().Date()))}
	page.Title = sheet.Name
	page.Closed = sheet.State == plan.Dropped || sheet.Campaign.State == plan.Dropped
	members := map[string]bool{}
	for _, m := range sheet.Members {
		if !m.Past {
			members[m.PersonID] = true
		}
	}
	page.Few = len(members) < 2
	if sheet.MayPlan {
		if page.Anew, err = s.Auth.GivenAnew(ctx, slices.Collect(maps.Keys(members))...); err != nil {
			return page, err
		}
	}
	if sheet.MayManage {
		var others []string
		if others, page.Apart, err = s.Plan.Managers(ctx, a, sheet.ID); err != nil {
			return page, err
		}
		page.Others = strings.Join(others, ", ")
		page.After = c.FormValue("after") // a form sent from a page of people comes back to it
		var next string
		page.Found, next, err = s.Plan.Candidates(ctx, a, sheet.ID, query, inspection.Page{Cursor: page.After, Limit: shownPeople})
		at := func(cursor string) string {
			return "/teams/" + sheet.ID + "?" + url.Values{"q": {query}, "after": {cursor}}.Encode() + "#take-in"
		}
		if next != "" {
			page.Next = at(next)
		}
		if page.After != "" {
			page.First = at("")
		}
	}
	return page, err
}

func (s *Server) teamAgain(c echo.Context, query string, err error) error {
	page, again := s.teamView(c, query)
	if again != nil {
		return again
	}
	page.Reason, page.Standing = c.FormValue("reason"), plan.Standing(c.FormValue("to"))
	if v := c.FormValue("from"); v != "" {
		page.From = v
	}
	page.To = c.FormValue("until")
	for _, p := range page.Found {
		page.Chosen[p.PersonID] = c.FormValue("role." + p.PersonID)
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "team", page) })
}

func (s *Server) changeTeam(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.ChangeTeam(c.Request().Context(), actor(c), version, plan.NewTeam{ID: c.Param("id"), Name: c.FormValue("name"),
			Symbol: c.FormValue("symbol"), HasSeal: c.FormValue("seal") != ""}, c.FormValue("reason"))
	}
	return s.teamDone(c, "", err)
}

func (s *Server) standTeam(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.StandTeam(c.Request().Context(), actor(c), c.Param("id"), version, plan.Standing(c.FormValue("to")), c.FormValue("reason"))
	}
	return s.teamDone(c, "", err)
}

// addMembers takes in everybody for whom a role was chosen.
func (s *Server) addMembers(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	from, err := inspection.ParseDate(c.FormValue("from"))
	if err != nil {
		return s.teamDone(c, c.FormValue("q"), err)
	}
	to, err := inspection.ParseDate(c.FormValue("until"))
	if err != nil {
		return s.teamDone(c, c.FormValue("q"), err)
	}
	var members []plan.NewMember
	for name, v := range form {
		if person, ok := strings.CutPrefix(name, "role."); ok && len(v) > 0 && v[0] != "" {
			members = append(members, plan.NewMember{PersonID: person, Role: inspection.Role(v[0]), From: from, To: to})
		}
	}
	return s.teamDone(c, c.FormValue("q"), s.Plan.AddMembers(c.Request().Context(), actor(c), c.Param("id"), members))
}

func (s *Server) endMember(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.Plan.EndMember(c.Request().Context(), actor(c), c.Param("id"), c.Param("role"), version, inspection.Date(c.FormValue("last")), c.FormValue("reason"))
	}
	return s.teamDone(c, "", err)
}

func (s *Server) teamDone(c echo.Context, query string, err error) error {
	if err != nil {
		return s.teamAgain(c, query, err)
	}
	return c.Redirect(http.StatusSeeOther, "/teams/"+c.Param("id")+"?done=changed")
}
