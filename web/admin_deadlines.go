package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

type adminDeadlines struct {
	adminBase
	Lines []org.DeadlineLine
	Names map[string]string
}

// adminDeadlinesPage is the terms of this office.
func (s *Server) adminDeadlinesPage(c echo.Context) error {
	page, err := s.adminDeadlines(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-deadlines", page)
}

func (s *Server) adminDeadlines(c echo.Context) (adminDeadlines, error) {
	page := adminDeadlines{adminBase: s.adminBase(c, "admin.deadlines.title")}
	ctx := c.Request().Context()
	var err error
	if page.Lines, err = s.Org.Deadlines(ctx, page.Actor); err != nil {
		return page, err
	}
	var ids []string
	for _, l := range page.Lines {
		for _, x := range l.Changes {
			ids = append(ids, x.By)
		}
	}
	page.Names, err = s.Org.Names(ctx, page.Actor, ids...)
	return page, err
}

// setDeadline sets a term from a day on.
func (s *Server) setDeadline(c echo.Context) error {
	key := c.Param("key")
	days, err := formInt(c, "days")
	if err == nil {
		err = s.Org.SetDeadline(c.Request().Context(), actor(c), org.Deadline(key), days, inspection.Date(c.FormValue("from")), c.FormValue("reason"))
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/admin/deadlines?done=admin_saved#d-"+key)
	}
	page, again := s.adminDeadlines(c)
	if again != nil {
		return again
	}
	return s.refuse(c, &page.adminBase, key, "admin-deadlines", err, func() any { return page })
}
