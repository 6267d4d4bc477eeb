package summary

import (
	"context"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// Behind is what a figure counts, for the list that it leads to: ids of checks for
// Checked and Looks, of findings for the others, or, where these would be thousands, what they
// have in common.
type Behind struct {
	IDs     []string // nil: not narrowed by ids
	FellDue finding.Period
}

// Behind tells what a figure of the overview of a period counts. May: as Overview. A
// figure that is none counts nothing. Code: not_found.
func (s *Service) Behind(ctx context.Context, actor inspection.Actor, from, to inspection.Date, figure Figure) (Behind, error) {
	b := Behind{IDs: []string{}}
	issuers := issuersOf(actor)
	if len(issuers) == 0 {
		return b, inspection.E(inspection.NotFound, "error.not_found")
	}
	tx := s.db.WithContext(ctx)
	today := s.clock.Now().Date()
	switch item, ofItem := strings.CutPrefix(string(figure), string(OfItem(""))); {
	case figure == FigureOnTime:
		return Behind{FellDue: finding.Period{From: from, To: min(to, today)}}, nil
	case figure == FigureSoon:
		ids, err := finding.Soon(tx, actor, today, soon)
		return Behind{IDs: ids}, err
	case figure == FigureChecked:
		err := s.checked(tx, actor, issuers, from, to, &b)
		return b, err
	case figure == FigureLooks:
		looks, err := looksOf(tx, actor, from, to)
		for _, l := range looks {
			b.IDs = append(b.IDs, l.id)
		}
		return b, err
	case ofItem:
		err := s.short(tx, actor, from, to, item, &b)
		return b, err
	}
	return b, nil
}

// checked lists the newest check that was done of each desk of the area.
func (s *Service) checked(tx *gorm.DB, actor inspection.Actor, issuers []string, from, to inspection.Date, b *Behind) error {
	area, err := areaOf(tx, issuers)
	if err != nil {
		return err
	}
	desks, earlier, err := desksOf(tx, area, min(to, s.clock.Now().Date()))
	if err != nil {
		return err
	}
	checks, err := checksOf(tx, actor, from, to, "NULL")
	if err != nil {
		return err
	}
	atDesks(checks, earlier)
	newest := map[string]string{}
	for _, c := range checks {
		if c.Done {
			newest[c.DeskID] = c.ID
		}
	}
	for _, d := range desks {
		if id, ok := newest[d.ID]; ok {
			b.IDs = append(b.IDs, id)
		}
	}
	return nil
}

// short lists the findings about an item of the checks in which it fell short.
func (s *Service) short(tx *gorm.DB, actor inspection.Actor, from, to inspection.Date, item string, b *Behind) error {
	for _, part := range org.Parts(actor, org.ReadFinding, finding.Columns) {
		var ids []string
		// The checks of the period come first: SQLite keeps to the order of a CROSS JOIN.
		err := tx.Table("visits").Joins("CROSS JOIN findings").Scopes(full(from, to), org.Scope(actor, org.ListVisit, visit.Columns), part).
			Where("(SELECT score_lines.applicable AND score_lines.numerator <> score_lines.denominator FROM score_lines WHERE score_lines.score_id = "+ // in lowest terms, at most one
				newestScore("scores.id")+" AND score_lines.item_key = ?)", item).
			Where("findings.visit_id = visits.id AND findings.item_key = ? AND findings.state <> ?", item, finding.Withdrawn).Pluck("findings.id", &ids).Error
		if err != nil {
			return err
		}
		b.IDs = append(b.IDs, ids...)
	}
	return nil
}
