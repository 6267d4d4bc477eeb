package finding

import (
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Postpone puts what falls due on one of some days off to the next working day where
// nobody works on it any more, because a holiday was declared or hours changed since; an
// empty border is open. It runs in the transaction of that change, whose maker history
// names. Nothing is ever due earlier than it was.
func Postpone(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
	for _, term := range []struct {
		column string
		runs   []State
	}{{"explain_due", []State{Recorded}}, {"acknowledge_due", []State{Assigned}}, {"due_on", open}, {"review_due", []State{Submitted}}, {"reinspect_due", []State{ReinspectDue}}} {
		column := term.column
		var rows []struct {
			ID, ResponsibleID, VisitID string
			Due                        inspection.Date
		}
		q := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Model(&Finding{}).Select("id, responsible_id, visit_id, "+column+" AS due").Where("state IN ? AND "+column+" <> '' AND "+column+" >= ?", term.runs, from)
		if to != "" {
			q = q.Where(column+" <= ?", to)
		}
		if err := q.Order("id").Find(&rows).Error; err != nil {
			return err
		}
		var units []string
		for _, r := range rows {
			units = append(units, r.ResponsibleID)
		}
		cals, err := org.CalendarsFor(tx, units)
		if err != nil {
			return err
		}
		for _, r := range rows {
			due := org.DueDay(cals[r.ResponsibleID], r.Due)
			if due == r.Due {
				continue
			}
			err := tx.Model(&Finding{}).Where("id = ?", r.ID).Updates(map[string]any{column: due, "version": gorm.Expr("version + 1")}).Error
			if err != nil {
				return err
			}
			err = history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "finding.postpone", SubjectKind: "finding",
				SubjectID: r.ID, Visit: r.VisitID, Data: map[string]any{"what": column, "was": r.Due, "due": due}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
