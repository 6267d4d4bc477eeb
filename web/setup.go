package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/auth"

	"github.com/labstack/echo/v4"
)

type setupPage struct {
	Base
	Code, Name, Position, Username string
	Closed                         bool
}

// firstStart tells whether a request of somebody unknown goes to the set-up: nobody can
// sign in to an installation without accounts.
func (s *Server) firstStart(c echo.Context) (bool, error) {
	if actor(c).Person != "" {
		return false, nil
	}
	return s.Auth.SetupOpen(c.Request().Context())
}

// setupPage asks for the set-up code and the first administrator. As soon as there is an
// account it says that it is done, and nothing else.
func (s *Server) setupPage(c echo.Context) error {
	open, err := s.Auth.SetupOpen(c.Request().Context())
	switch {
	case err != nil:
		return err
	case !open:
		return s.setupClosed(c)
	}
	return s.render(c, http.StatusOK, "setup", setupPage{Base: s.base(c, "setup.title")})
}

func (s *Server) setupClosed(c echo.Context) error {
	return s.render(c, http.StatusNotFound, "setup", setupPage{Base: s.base(c, "setup.title"), Closed: true})
}

// setup makes the first administrator and signs in.
func (s *Server) setup(c echo.Context) error {
	page := setupPage{Base: s.base(c, "setup.title"), Code: c.FormValue("code"), Name: c.FormValue("name"), Position: c.FormValue("position"), Username: c.FormValue("username")}
	in := auth.First{Code: page.Code, Name: page.Name, Position: page.Position, Username: page.Username, Password: c.FormValue("password"), Address: c.RealIP()}
	in.Request, _ = c.Get(keyRequest).(string)
	in.Unlike = in.Password != c.FormValue("again")
	opened, err := s.Auth.FirstAccount(c.Request().Context(), in)
	if inspection.CodeOf(err) == inspection.NotFound {
		return s.setupClosed(c)
	}
	if err != nil {
		return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "setup", page) })
	}
	s.setSession(c, opened.Token, opened.Expires)
	return c.Redirect(http.StatusSeeOther, "/admin?done=admin_setup")
}
