package org

import (
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Term is a column of days by which something is to be done.
type Term struct {
	Kind      string // of its subject in history, which names the act Kind.postpone
	Table     string
	Column    string
	Whose     string // column of the organisation by whose calendar it runs
	Visit     string // column of the check that the row belongs to
	While     any    // the states in which it runs, a list
	Versioned bool   // whoever works on the row has to look at it again
}

// PutOff puts what falls due on one of some days off to the next working day where nobody
// works on it any more, because a holiday was declared or hours changed since; an empty
// border is open. It runs in the transaction of that change, whose maker history names.
// Rows are held, in the order of their ids; nothing is ever due earlier than it was. The
// names in the term are the program's own.
func (t Term) PutOff(tx *gorm.DB, act Act, from, to inspection.Date) error {
	var rows []struct {
		ID, Whose, Visit string
		Due              inspection.Date
	}
	q := tx.Table(t.Table).Clauses(clause.Locking{Strength: "UPDATE"}).Select("id, "+t.Whose+" AS whose, "+t.Visit+" AS visit, "+t.Column+" AS due").
		Where("state IN ? AND "+t.Column+" <> '' AND "+t.Column+" >= ?", t.While, from)
	if to != "" {
		q = q.Where(t.Column+" <= ?", to)
	}
	if err := q.Order("id").Find(&rows).Error; err != nil {
		return err
	}
	var whose []string
	for _, r := range rows {
		whose = append(whose, r.Whose)
	}
	calendars, err := CalendarsFor(tx, whose)
	if err != nil {
		return err
	}
	for _, r := range rows {
		due := DueDay(calendars[r.Whose], r.Due)
		if due == r.Due {
			continue
		}
		set := map[string]any{t.Column: due}
		if t.Versioned {
			set["version"] = gorm.Expr("version + 1")
		}
		if err := tx.Table(t.Table).Where("id = ?", r.ID).Updates(set).Error; err != nil {
			return err
		}
		err := history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: t.Kind + ".postpone", SubjectKind: t.Kind,
			SubjectID: r.ID, Visit: r.Visit, Data: map[string]any{"what": t.Column, "was": r.Due, "due": due}})
		if err != nil {
			return err
		}
	}
	return nil
}
