package web

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

var (
	teamRoles  = inspection.TeamRoles
	chairRoles = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson, inspection.ChiefOfOffice, inspection.HomeAffairs}
	unitRoles  = []inspection.Role{inspection.UnitHead, inspection.UnitContact, inspection.UnitDelegate}
)

// nav lists the pages that a person has a use for.
func (s *Server) nav(b Base) []navItem {
	var items []navItem
	plans := plansTargets(b.Actor)
	add := func(href, key string) {
		items = append(items, navItem{Href: href, Label: b.T(key), Current: within(b.Path, href) || href == "/campaigns" && (within(b.Path, "/teams") || !plans && within(b.Path, "/targets"))})
	}
	a := b.Actor
	if a.Is(chairRoles...) {
		add("/overview", "nav.overview")
	}
	if a.Is(teamRoles...) || a.Is(chairRoles...) || a.Is(unitRoles...) {
		add("/inbox", "nav.inbox")
	}
	if a.Is(teamRoles...) {
		add("/tablet/", "nav.tablet")
	}
	if a.Is(teamRoles...) || a.Is(chairRoles...) {
		add("/campaigns", "nav.campaigns")
	}
	if plans {
		add("/targets", "targets.title")
	}
	if !a.Is(inspection.SysAdmin) || len(a.Capacities) > 1 {
		add("/findings", "nav.findings")
	}
	if a.Is(teamRoles...) || a.Is(chairRoles...) || a.Is(unitRoles...) {
		add("/visits", "nav.visits")
	}
	if a.Is(chairRoles...) || a.Is(unitRoles...) {
		add("/self-checks", "selfcheck.title")
	}
	add("/units", "nav.units")
	if a.Is(inspection.SysAdmin) {
		add("/admin", "nav.admin")
	} else if a.Is(inspection.HomeAffairs) {
		add("/admin/checklists", "admin.checklists.title")
	}
	return items
}

// plansTargets tells whether somebody fills the plan of a team.
func plansTargets(a inspection.Actor) bool {
	return slices.ContainsFunc(a.Capacities, func(c inspection.Capacity) bool {
		_, ok := org.Can(a, org.PlanTarget, org.Subject{Team: c.Team})
		return ok && c.Team != ""
	})
}

// within tells whether a page is the one at an address or lies below it.
func within(path, href string) bool { return path == href || strings.HasPrefix(path, href+"/") }

// home leads each role to the page that says what is to be done today.
func (s *Server) home(c echo.Context) error {
	a, to := actor(c), "/findings"
	switch {
	case a.Is(chairRoles...):
		to = "/overview"
	case a.Is(teamRoles...), a.Is(unitRoles...):
		to = "/inbox"
	case a.Is(inspection.SysAdmin):
		to = "/admin"
	}
	if done := c.QueryParam("done"); done != "" {
		to += "?done=" + done
	}
	return c.Redirect(http.StatusSeeOther, to)
}

func (s *Server) styleguide(c echo.Context) error {
	return s.render(c, http.StatusOK, "styleguide", plainPage{s.base(c, "page.styleguide")})
}

func (s *Server) staticFile(c echo.Context) error {
	return s.serveFile(c, path.Join("static", path.Clean("/"+c.Param("*"))), false)
}

// serveFile serves an embedded file; immutable ones carry their hash in the address.
func (s *Server) serveFile(c echo.Context, name string, immutable bool) error {
	raw, err := fs.ReadFile(s.files, name)
	if err != nil {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	cache := "no-cache"
	if immutable {
		cache = "public, max-age=31536000, immutable"
	}
	c.Response().Header().Set("Cache-Control", cache)
	return c.Blob(http.StatusOK, kindOf(name), raw)
}

// kindOf is the media type of a file that the program serves, not left to what the
// machine knows.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return mime.TypeByExtension(path.Ext(name))
}
