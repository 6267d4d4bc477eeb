package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

type adminCalendars struct {
	adminBase
	Query       string
	Lines       []org.CalendarLine
	Units       int64
	Next, First string
}

// adminCalendarsPage lists the calendars that were entered.
func (s *Server) adminCalendarsPage(c echo.Context) error {
	page, err := s.adminCalendars(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-calendars", page)
}

func (s *Server) adminCalendars(c echo.Context) (adminCalendars, error) {
	page := adminCalendars{adminBase: s.adminBase(c, "admin.calendars.title"), Query: c.QueryParam("q")}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	n, err := s.Org.Counts(ctx, a, "")
	if err != nil {
		return page, err
	}
	page.Units = n.Units
	var next string
	page.Lines, next, err = s.Org.Calendars(ctx, a, page.Query, pageOf(c))
	page.Next, page.First = pagerOf(c, next)
	return page, err
}

// findCalendar opens the calendar of the unit or organisation that somebody names.
func (s *Server) findCalendar(c echo.Context) error {
	page, err := s.adminCalendars(c)
	if err != nil {
		return err
	}
	owner, err := s.Org.FindOwner(c.Request().Context(), actor(c), c.FormValue("owner"), page.Today())
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/admin/calendars/"+owner)
	}
	return s.refuse(c, &page.adminBase, "find", "admin-calendars", field(err, "owner"), func() any { return page })
}

type adminCalendar struct {
	adminBase
	C     org.OwnCalendar
	Weeks [][]org.DayPreview // the coming four, from Monday
	Kinds []org.DayKind

	Idle        bool                 // no hours apply in these weeks
	Corrections []org.CorrectionLine // of the calendar
	Replace     string               // the first day of the period to be replaced, "-" for one without
}

// hourRow is one line of the form of hours: which days, and two sessions.
type hourRow struct {
	Key           string
	days          []time.Weekday
	Open1, Close1 string
	Open2, Close2 string
}

// Rows are the lines of the form, as an office usually works.
func (p adminCalendar) Rows() []hourRow {
	rows := []hourRow{{Key: "weekdays", days: weekdays, Open1: "07:30", Close1: "11:30", Open2: "13:30", Close2: "17:00"}, {Key: "saturday", days: []time.Weekday{time.Saturday}}, {Key: "sunday", days: []time.Weekday{time.Sunday}}}
	if i := slices.IndexFunc(p.C.Weeks, func(w org.Week) bool { return p.Replace != "" && replaced(p.Replace) == w.From }); i >= 0 {
		for n, r := range rows {
			rows[n].Open1, rows[n].Close1, rows[n].Open2, rows[n].Close2 = "", "", "", ""
			for k, s := range p.C.Weeks[i].Days[r.days[0]] {
				if k == 0 {
					rows[n].Open1, rows[n].Close1 = s.Open.String(), s.Close.String()
				} else {
					rows[n].Open2, rows[n].Close2 = s.Open.String(), s.Close.String()
				}
			}
		}
	}
	return rows
}

// Period is the one to be replaced, for its dates.
func (p adminCalendar) Period() org.Week {
	for _, w := range p.C.Weeks {
		if p.Replace != "" && replaced(p.Replace) == w.From {
			return w
		}
	}
	return org.Week{}
}

// replaced is the first day of a period as an address names it.
func replaced(s string) inspection.Date {
	if s == "-" {
		return ""
	}
	return inspection.Date(s)
}

// PeriodID names a period in an address.
func (adminCalendar) PeriodID(w org.Week) string {
	if w.From == "" {
		return "-"
	}
	return string(w.From)
}

// RemovesDay tells whether a special day was to be taken back, and was refused.
func (p adminCalendar) RemovesDay() bool { return strings.HasPrefix(p.Open, "remove-day-") }

// DayLine is the hours of one day of the week.
type DayLine struct {
	Weekday  int
	Sessions []inspection.Session
}

// Days are the days of a period from Monday on.
func (adminCalendar) Days(w org.Week) []DayLine {
	var out []DayLine
	for i := range 7 {
		d := (i + 1) % 7
		out = append(out, DayLine{d, w.Days[d]})
	}
	return out
}

var weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}

func (s *Server) adminCalendarPage(c echo.Context) error {
	page, err := s.adminCalendar(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-calendar", page)
}

func (s *Server) adminCalendar(c echo.Context) (adminCalendar, error) {
	page := adminCalendar{adminBase: s.adminBase(c, "admin.calendar.title"), Kinds: []org.DayKind{org.Holiday, org.MakeUpWorking}, Replace: c.QueryParam("replace")}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	var err error
	if page.C, err = s.Org.OwnCalendar(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return page, err
	}
	all, err := s.Org.Corrections(c.Request().Context(), actor(c), page.C.Owner)
	if err != nil {
		return page, err
	}
	for _, k := range all {
		if k.Field == "hours" || k.Field == "day" {
			page.Corrections = append(page.Corrections, k)
		}
	}
	monday := page.Today().AddDays(-((int(page.Today().Weekday()) + 6) % 7))
	for week := range slices.Chunk(page.C.Effective.Preview(monday, 28), 7) {
		page.Weeks = append(page.Weeks, week)
	}
	page.Idle = !slices.ContainsFunc(slices.Concat(page.Weeks...), func(d org.DayPreview) bool { return len(d.Hours) > 0 })
	return page, nil
}

func (s *Server) changeCalendar(c echo.Context) error {
	page, err := s.adminCalendar(c)
	if err != nil {
		return err
	}
	ctx, a, act := c.Request().Context(), actor(c), c.Param("act")
	switch act {
	case "hours":
		page.Replace = c.FormValue("replaces")
		err = s.setPeriod(c, page)
	case "day":
		err = s.Org.SetDay(ctx, a, page.C.Owner, org.SpecialDay{Day: inspection.Date(c.FormValue("day")), Kind: org.DayKind(c.FormValue("kind")), Name: c.FormValue("name")}, c.FormValue("reason"))
	case "remove-hours":
		var version int
		if version, err = formInt(c, "version"); err == nil {
			err = s.Org.RemovePeriod(ctx, a, page.C.Owner, int64(version), replaced(c.FormValue("period")), c.FormValue("reason"))
		}
		act += "-" + c.FormValue("period")
	case "remove-day":
		err = s.Org.RemoveDay(ctx, a, page.C.Owner, inspection.Date(c.FormValue("day")), c.FormValue("reason"))
		act += "-" + c.FormValue("day")
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, act, "admin-calendar", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/calendars/"+page.C.Owner+"?done=admin_saved")
}

// setPeriod reads the form of weekly hours.
func (s *Server) setPeriod(c echo.Context, page adminCalendar) error {
	w := org.Week{From: inspection.Date(c.FormValue("valid_from")), To: inspection.Date(c.FormValue("valid_to"))}
	for _, r := range page.Rows() {
		var sessions []inspection.Session
		for _, n := range []string{"1", "2"} {
			open, shut := c.FormValue(r.Key+"_open"+n), c.FormValue(r.Key+"_close"+n)
			if open == "" && shut == "" {
				continue
			}
			from, err1 := inspection.ParseMinute(open)
			to, err2 := inspection.ParseMinute(shut)
			if err1 != nil || err2 != nil {
				return inspection.E(inspection.Invalid, "org.error.hours").Field("hours", "org.error.hours")
			}
			sessions = append(sessions, inspection.Session{Open: from, Close: to})
		}
		for _, d := range r.days {
			w.Days[d] = sessions
		}
	}
	version, err := formInt(c, "version")
	if err != nil {
		return err
	}
	var replaces *inspection.Date
	if page.Replace != "" {
		first := replaced(page.Replace)
		replaces = &first
	}
	return s.Org.SetPeriod(c.Request().Context(), actor(c), page.C.Owner, int64(version), w, replaces, c.FormValue("reason"))
}

func (s *Server) daysImport(c echo.Context) (importPage, error) {
	page := importPage{adminBase: s.adminBase(c, "admin.calendar.import")}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	own, err := s.Org.OwnCalendar(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return page, err
	}
	page.Back = "/admin/calendars/" + own.Owner
	page.BackTo, page.Action, page.Intro, page.Columns = own.Name, page.Back+"/import", page.T("admin.calendar.import_intro"), "date, kind (HOLIDAY, MAKE_UP_WORKING_DAY), name_vi, confirmed"
	page.Files = []importField{{Name: "days", Label: page.T("admin.calendar.sheet")}}
	return page, nil
}

func (s *Server) daysImportPage(c echo.Context) error {
	page, err := s.daysImport(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-import", page)
}

func (s *Server) importDays(c echo.Context) error {
	page, err := s.daysImport(c)
	if err != nil {
		return err
	}
	return s.importing(c, page, "imported", func(files map[string][]byte, dryRun bool) (imported, error) {
		r, err := s.Org.ImportDays(c.Request().Context(), actor(c), c.Param("id"), reader(files["days"]), dryRun)
		return reported(r), err
	})
}
