package web

import (
	"net/http"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/notify"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

type adminPeople struct {
	adminBase
	Query, Role, Organisation string
	OrganisationName          string
	NoAccount, Filtered       bool
	Lines                     []auth.PersonLine
	Roles                     []inspection.Role
	Next, First               string
}

// adminPeoplePage lists the people.
func (s *Server) adminPeoplePage(c echo.Context) error {
	page, err := s.adminPeople(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-people", page)
}

func (s *Server) adminPeople(c echo.Context) (adminPeople, error) {
	page := adminPeople{adminBase: s.adminBase(c, "admin.people.title"), Query: c.QueryParam("q"), Role: c.QueryParam("role"), Organisation: c.QueryParam("organisation"),
		NoAccount: c.QueryParam("no_account") == "1", Roles: inspection.Roles}
	if err := administers(c, org.ManageAccounts); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	if page.Organisation != "" {
		names, err := s.Org.Names(ctx, a, page.Organisation)
		if err != nil {
			return page, err
		}
		page.OrganisationName = names[page.Organisation]
	}
	page.Filtered = page.Query != "" || page.Role != "" || page.Organisation != "" || page.NoAccount
	var next string
	var err error
	page.Lines, next, err = s.Auth.People(ctx, a, auth.PeopleFilter{Query: page.Query, Role: inspection.Role(page.Role), Organisation: page.Organisation,
		NoAccount: page.NoAccount, On: page.Today()}, pageOf(c))
	page.Next, page.First = pagerOf(c, next)
	return page, err
}

func (s *Server) addPerson(c echo.Context) error {
	page, err := s.adminPeople(c)
	if err != nil {
		return err
	}
	p, err := s.Org.AddPerson(c.Request().Context(), actor(c), org.Person{ID: formID(c), Name: c.FormValue("name"), Position: c.FormValue("position")})
	if err != nil {
		return s.refuse(c, &page.adminBase, "add", "admin-people", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/people/"+p.ID+"?done=admin_person")
}

type adminPerson struct {
	adminBase
	P           auth.Profile
	Contact     notify.Contact
	Myself      bool
	Grantable   []inspection.Role
	Corrections []org.CorrectionLine
	Password    string // the first password, shown this once
	Username    string // suggested
}

func (s *Server) adminPersonPage(c echo.Context) error {
	page, err := s.adminPerson(c, c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-person", page)
}

func (s *Server) adminPerson(c echo.Context, id string) (adminPerson, error) {
	page := adminPerson{adminBase: s.adminBase(c, "admin.person.title"), Grantable: org.GrantableRoles}
	if err := administers(c, org.ManageAccounts); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	var err error
	if page.P, err = s.Auth.Profile(ctx, a, id); err != nil {
		return page, err
	}
	page.Title, page.Myself = page.P.Name, page.P.ID == a.Person
	if page.Contact, err = s.Notify.ContactOf(ctx, a, id); err != nil {
		return page, err
	}
	ids := []string{id}
	for _, r := range page.P.Roles {
		ids = append(ids, r.ID)
	}
	page.Corrections, err = s.Org.Corrections(ctx, a, ids...)
	return page, err
}

// changePerson is one of the forms on the page of a person.
func (s *Server) changePerson(c echo.Context) error {
	page, err := s.adminPerson(c, c.Param("id"))
	if err != nil {
		return err
	}
	ctx, a, act, done := c.Request().Context(), actor(c), c.Param("act"), "saved"
	account := ""
	if page.P.Account != nil {
		account = page.P.Account.ID
	}
	switch act {
	case "role":
		r := org.RoleRow{ID: formID(c), PersonID: page.P.ID, Role: inspection.Role(c.FormValue("role")), ValidFrom: inspection.Date(c.FormValue("valid_from")),
			ValidTo: inspection.Date(c.FormValue("valid_to")), Reason: c.FormValue("reason")}
		words := strings.TrimSpace(c.FormValue("organisation"))
		switch {
		case words != "":
			err = s.whereHeld(c, page, &r, words)
		case r.Role != inspection.SysAdmin && slices.Contains(org.GrantableRoles, r.Role):
			err = inspection.E(inspection.Invalid, "admin.error.role_organisation").Field("organisation", "org.error.role_organisation")
		}
		if err == nil {
			_, err = s.Org.GrantRole(ctx, a, r)
		}
		done = "role"
	case "correct":
		version, e := formVersion(c)
		if e != nil {
			return e
		}
		err = s.Org.Correct(ctx, a, correction(c, "person", page.P.ID, version, "name", "position"))
		done = "corrected"
	case "account":
		var made auth.Account
		made, page.Password, err = s.Auth.AddUser(ctx, a, auth.NewUser{PersonID: page.P.ID, Username: c.FormValue("username"), MustChange: true})
		page.Username = made.Username
	case "reset":
		page.Username, page.Password, err = s.Auth.ResetOther(ctx, a, account)
	case "disable", "enable":
		version, e := formVersion(c)
		if e != nil {
			return e
		}
		err = s.Auth.SetDisabled(ctx, a, account, version, act == "disable")
		done = act + "d"
	case "contact":
		var in notify.ContactInput
		if in, err = contactInput(c); err == nil {
			err = s.Notify.SetContact(ctx, a, page.P.ID, in)
		}
		page.Contact = typed(page.Contact, in)
		done = "saved"
	case "sessions":
		err = s.Auth.EndSessions(ctx, a, account)
		done = "sessions"
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if err != nil {
		page.Password = "" // of no account: what was made up for it was refused with it
		return s.refuse(c, &page.adminBase, act, "admin-person", err, func() any { return page })
	}
	if page.Password != "" { // shown here and nowhere again: never in an address
		shown, err := s.adminPerson(c, page.P.ID)
		if err != nil {
			return err
		}
		shown.Password, shown.Username = page.Password, page.Username
		return s.render(c, http.StatusOK, "admin-person", shown)
	}
	return c.Redirect(http.StatusSeeOther, "/admin/people/"+page.P.ID+"?done=admin_"+done)
}

// whereHeld finds the organisation in which a role is to be held. Code: invalid; the
// error then lists those that may have been meant.
func (s *Server) whereHeld(c echo.Context, page adminPerson, r *org.RoleRow, words string) error {
	ctx, a, on := c.Request().Context(), actor(c), r.ValidFrom
	if on == "" {
		on = page.Today()
	}
	o, err := s.Org.FindOrganisation(ctx, a, words, on)
	if inspection.CodeOf(err) == inspection.Invalid {
		o, err = s.Org.FindOrganisation(ctx, a, words, "")
	}
	if inspection.CodeOf(err) == inspection.Invalid {
		e := *toOurs(field(err, "organisation"))
		e.Key = "admin.error.role_organisation_unclear"
		return &e
	}
	r.OrganisationID = &o.ID
	return err
}

// endRole ends one of a person's roles.
func (s *Server) endRole(c echo.Context) error {
	return s.withRole(c, "end", "admin_role_ended", func(role string, version int64) error {
		return s.Auth.EndRole(c.Request().Context(), actor(c), role, version, inspection.Date(c.FormValue("last")), c.FormValue("reason"))
	})
}

// voidRole takes one of a person's roles back that was given by mistake.
func (s *Server) voidRole(c echo.Context) error {
	return s.withRole(c, "void", "admin_role_void", func(role string, version int64) error {
		return s.Auth.VoidRole(c.Request().Context(), actor(c), role, version, c.FormValue("reason"))
	})
}

func (s *Server) withRole(c echo.Context, form, done string, do func(role string, version int64) error) error {
	page, err := s.adminPerson(c, c.Param("id"))
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	role := c.Param("role")
	if !slices.ContainsFunc(page.P.Roles, func(r org.RoleLine) bool { return r.ID == role && r.TeamID == nil }) { // those of a team end with the team
		return inspection.E(inspection.NotFound, "org.error.role_unknown")
	}
	if err := do(role, version); err != nil {
		return s.refuse(c, &page.adminBase, form+"-"+role, "admin-person", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/people/"+page.P.ID+"?done="+done)
}
