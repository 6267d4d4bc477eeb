package web

import (
	"fmt"
	"net/http"

	"congvu/inspection"
	"congvu/inspection/selfcheck"
	"congvu/inspection/summary"

	"github.com/labstack/echo/v4"
)

type period struct {
	From, To inspection.Date
	Label    string
	Current  bool
}

type overviewPage struct {
	Base
	O       summary.Overview
	Periods []period
	Label   string
	Self    selfcheck.Summary
	Records [2]int64 // recommendations whose record is not reported, and those overdue
}

// overviewPage is the chair's page: three sentences, the figures, the desks, the
// sections, the trend. Each figure leads to what it counts.
func (s *Server) overviewPage(c echo.Context) error {
	page := overviewPage{Base: s.base(c, "overview.title")}
	today := s.Clock.Now().Date()
	from, err := inspection.ParseDate(c.QueryParam("from"))
	if err != nil {
		return err
	}
	to, err := inspection.ParseDate(c.QueryParam("to"))
	if err != nil {
		return err
	}
	if from == "" || to == "" || from > to {
		from, to = yearOf(today)
	}
	if page.O, err = s.Summary.Overview(c.Request().Context(), actor(c), from, to); err != nil {
		return err
	}
	if page.Records[0], page.Records[1], err = s.Findings.OpenRecommendations(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	if page.Self, err = s.SelfChecks.Summary(c.Request().Context(), actor(c), from, to); err != nil {
		return err
	}
	page.periods(today)
	return s.render(c, http.StatusOK, "overview", page)
}

func yearOf(d inspection.Date) (inspection.Date, inspection.Date) {
	return d[:4] + "-01-01", d[:4] + "-12-31"
}

// periods offers the four quarters and the year of the day, and the year before.
func (p *overviewPage) periods(today inspection.Date) {
	year := today.Time().Year()
	add := func(from, to inspection.Date, label string) {
		p.Periods = append(p.Periods, period{from, to, label, from == p.O.From && to == p.O.To})
	}
	from, to := yearOf(today)
	add(from, to, p.T("overview.year", "year", year))
	for q, ends := range []string{"03-31", "06-30", "09-30", "12-31"} {
		add(inspection.Date(fmt.Sprintf("%d-%02d-01", year, 3*q+1)), inspection.Date(fmt.Sprintf("%d-%s", year, ends)),
			p.T("overview.quarter", "quarter", []string{"I", "II", "III", "IV"}[q], "year", year))
	}
	add(inspection.Date(fmt.Sprintf("%d-01-01", year-1)), inspection.Date(fmt.Sprintf("%d-12-31", year-1)), p.T("overview.year", "year", year-1))
	p.Label = p.O.From.VN() + " – " + p.O.To.VN()
	for _, x := range p.Periods {
		if x.Current {
			p.Label = x.Label
		}
	}
}

// behind is what a figure of the overview counts, for the list that it leads to:
// nothing narrowed where the address asks for none. Codes: invalid, not_found.
func (s *Server) behind(c echo.Context) (summary.Behind, error) {
	figure := summary.Figure(c.QueryParam("figure"))
	if figure == "" {
		return summary.Behind{}, nil
	}
	from, err := inspection.ParseDate(c.QueryParam("from"))
	if err != nil {
		return summary.Behind{}, err
	}
	to, err := inspection.ParseDate(c.QueryParam("to"))
	if err != nil {
		return summary.Behind{}, err
	}
	if from == "" || to == "" || from > to {
		return summary.Behind{}, inspection.E(inspection.Invalid, "error.invalid").Field("from", "error.field")
	}
	return s.Summary.Behind(c.Request().Context(), actor(c), from, to, figure)
}

// MonthOf is "2026-11" as people write it.
func (p overviewPage) MonthOf(month string) string { return month[5:] + "/" + month[:4] }

// Percent is a share in hundredths of a per cent with one decimal, a dash for none.
func (p overviewPage) Percent(share int64) string {
	if share < 0 {
		return "–"
	}
	return percent(p.Base, share)
}

// Ratio is part of all as a share.
func (p overviewPage) Ratio(part, of int) string {
	if of == 0 {
		return "–"
	}
	return percent(p.Base, int64(part)*10000/int64(of))
}

// Bar is the width of a bar of at most 100 for a score in hundredths.
func (p overviewPage) Bar(total int64) int64 { return max(0, min(100, total/100)) }

// Signed is a change in hundredths with its sign.
func (p overviewPage) Signed(v int64) string {
	if v > 0 {
		return "+" + p.Points(v)
	}
	return p.Points(v)
}

// Trend is the change of the mean against the period before, empty where there is
// nothing to compare.
func (p overviewPage) Trend() string {
	if p.O.Mean < 0 || p.O.MeanBefore < 0 {
		return ""
	}
	return " (" + p.Signed(p.O.Mean-p.O.MeanBefore) + ")"
}

func percent(b Base, share int64) string {
	tenths := (share + 5) / 10
	if tenths%10 == 0 {
		return fmt.Sprintf("%d %%", tenths/10)
	}
	sep := ","
	if b.Lang != "vi" {
		sep = "."
	}
	return fmt.Sprintf("%d%s%d %%", tenths/10, sep, tenths%10)
}

type cell struct {
	Heat  int
	Words string
}

// Cell is a desk's share in a section, nothing where nothing applied.
func (p overviewPage) Cell(row summary.Row, section string) *cell {
	share, ok := row.Sections[section]
	if !ok {
		return nil
	}
	return &cell{heat(share), percent(p.Base, (share+50)/100*100)}
}

// heat is the shade of a share: 4 good to 1 poor, with the figure always beside it.
func heat(share int64) int {
	switch {
	case share >= 9000:
		return 4
	case share >= 7000:
		return 3
	case share >= 5000:
		return 2
	}
	return 1
}
