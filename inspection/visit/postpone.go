package visit

import (
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Postpone puts the terms of checks that run out on one of some days off to the next
// working day where nobody works on it any more: that of explaining by the unit's
// calendar, those of the report and the conclusion by the issuer's. As finding.Postpone,
// and called before it: who works on a check holds its row before those of its findings.
// The version stays, for nobody decides on what the day of a term says.
func Postpone(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
	unreported := []Phase{Cannot, MinutesOK, MinutesNoSig}
	for _, term := range []struct {
		column, whose string
		runs          []Phase
	}{{"explain_due", "organisation_id", append([]Phase{Reported}, unreported...)}, {"report_due", "issuer_id", unreported}, {"conclude_due", "issuer_id", []Phase{Reported}}} {
		var rows []struct {
			ID, Whose string
			Due       inspection.Date
		}
		q := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Model(&Visit{}).Select("id, "+term.whose+" AS whose, "+term.column+" AS due").
			Where("state IN ? AND "+term.column+" <> '' AND "+term.column+" >= ?", term.runs, from)
		if to != "" {
			q = q.Where(term.column+" <= ?", to)
		}
		if err := q.Order("id").Find(&rows).Error; err != nil {
			return err
		}
		var whose []string
		for _, r := range rows {
			whose = append(whose, r.Whose)
		}
		calendars, err := org.CalendarsFor(tx, whose)
		if err != nil {
			return err
		}
		for _, r := range rows {
			due := org.DueDay(calendars[r.Whose], r.Due)
			if due == r.Due {
				continue
			}
			if err := tx.Model(&Visit{}).Where("id = ?", r.ID).Updates(map[string]any{term.column: due}).Error; err != nil {
				return err
			}
			err := history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "visit.postpone", SubjectKind: "visit",
				SubjectID: r.ID, Visit: r.ID, Data: map[string]any{"what": term.column, "was": r.Due, "due": due}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
