package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type scorePage struct {
	Base
	V     visit.View
	Score *visit.Frozen
	Codes map[string]string // codes of findings, by id
}

// ItemText is an item of the frozen checklist in the reader's language.
func (p scorePage) ItemText(key, vi string) string {
	it, _ := p.V.Item(key)
	return p.Either(vi, it.TextEN)
}

// SectionName is a section of the frozen checklist in the reader's language.
func (p scorePage) SectionName(code, vi string) string {
	for _, it := range p.V.Checklist.Items {
		if it.Section == code {
			return p.Either(vi, it.SectionEN)
		}
	}
	return vi
}

// scorePage explains a frozen score line by line.
func (s *Server) scorePage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	v, frozen, err := s.Visits.Score(ctx, a, c.Param("id"))
	if err != nil {
		return err
	}
	if frozen == nil {
		return inspection.E(inspection.NotFound, "score.none")
	}
	page := scorePage{Base: s.base(c, "score.title"), V: v, Score: frozen, Codes: map[string]string{}}
	for _, d := range frozen.Deducted {
		if f, err := s.Findings.Get(ctx, a, d.Finding); err == nil {
			page.Codes[d.Finding] = f.ItemCode
		}
	}
	return s.render(c, http.StatusOK, "score", page)
}
