package org

import (
	"fmt"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Clock is a day by which somebody has to do something.
type Clock struct {
	Kind  string // of the subject in history: finding, visit, recommendation
	ID    string
	Visit string
	Name  string // which clock of it
	Due   inspection.Date
	Whose string // the organisation by whose calendar it runs
	May   bool   // it is a right, not a duty: nobody is told when it is gone by
}

// Level is whom a reminder is for.
type Level string

// The levels, rising.
const (
	Remind        Level = "remind"  // who has to act, before the day and on it
	TellHeads     Level = "heads"   // the head of the unit and of the team
	TellChair     Level = "chair"   // the chair too
	TellInSummary Level = "summary" // it stands in the chair's summary as overdue for long
)

// Mark is a reminder that a clock has reached: T−n or T+n working days from its due day.
type Mark struct {
	Level Level
	Days  int // negative before the due day
}

// String is the mark as history names it: T-3, T0, T+5.
func (m Mark) String() string {
	if m.Days == 0 {
		return "T0"
	}
	return fmt.Sprintf("T%+d", m.Days)
}

// Reached lists the marks of a clock on a day: before the due day the latest one alone,
// for what is gone by is told by it; after it all of them, for each tells somebody else.
// left is how many working days are left, negative where so many have gone by.
func Reached(d Deadlines, today, due inspection.Date, left int) []Mark {
	if today <= due {
		switch {
		case today == due:
			return []Mark{{Remind, 0}}
		case left <= d.Of(RemindSecond) && left > 0:
			return []Mark{{Remind, -d.Of(RemindSecond)}}
		case left <= d.Of(RemindFirst) && left > 0:
			return []Mark{{Remind, -d.Of(RemindFirst)}}
		}
		return nil
	}
	var out []Mark
	for _, m := range []Mark{{TellHeads, d.Of(EscalateHeads)}, {TellChair, d.Of(EscalateChair)}, {TellInSummary, d.Of(EscalateSummary)}} {
		if -left >= m.Days {
			out = append(out, m)
		}
	}
	return out
}

// Horizon is the last due day of which a reminder can be due today: no holiday is longer
// than four weeks.
func Horizon(d Deadlines, today inspection.Date) inspection.Date {
	return today.AddDays(2*max(d.Of(RemindFirst), d.Of(RemindSecond)) + 28)
}

type reminderRow struct {
	SubjectID string             `gorm:"column:subject_id;primaryKey"`
	Clock     string             `gorm:"column:clock;primaryKey"`
	DueOn     inspection.Date    `gorm:"column:due_on;primaryKey"`
	Mark      string             `gorm:"column:mark;primaryKey"`
	At        inspection.Instant `gorm:"column:at"`
}

func (reminderRow) TableName() string { return "reminders" }

// Given is a reminder that was given.
type Given struct {
	Clock Clock
	Mark  Mark
}

// RemindAtOnce is how many rows a part of a run holds.
const RemindAtOnce = 250

// RemindPart gives the reminders of one part of the clocks in a transaction of its own.
// read finishes a query that holds the rows of the part, at most RemindAtOnce, and tells the last of them and
// their clocks up to the horizon; given is told what was given, and may be nil. It tells
// how many were.
func RemindPart(db *gorm.DB, now inspection.Instant, read func(held *gorm.DB, horizon inspection.Date) (last string, clocks []Clock, err error), given func(tx *gorm.DB, all []Given) error) (last string, n int, err error) {
	err = db.Transaction(func(tx *gorm.DB) error {
		terms, err := DeadlinesOn(tx, now.Date())
		if err != nil {
			return err
		}
		var clocks []Clock
		if last, clocks, err = read(tx.Clauses(clause.Locking{Strength: "UPDATE"}).Order("id").Limit(RemindAtOnce), Horizon(terms, now.Date())); err != nil {
			return err
		}
		all, err := GiveReminders(tx, now, terms, clocks)
		if n = len(all); err != nil || given == nil {
			return err
		}
		return given(tx, all)
	})
	return last, n, err
}

// GiveReminders writes into history what the clocks have reached and was not told
// before, as Kind.remind or Kind.escalate, each once for a due day. It runs in the
// transaction that holds the rows of the clocks, by whom no one acts; it tells what it
// gave. Reminders that two copies give at once are given once.
func GiveReminders(tx *gorm.DB, at inspection.Instant, d Deadlines, clocks []Clock) ([]Given, error) {
	var whose, ids []string
	for _, c := range clocks {
		whose, ids = append(whose, c.Whose), append(ids, c.ID)
	}
	if len(clocks) == 0 {
		return nil, nil
	}
	slices.Sort(whose)
	calendars, err := CalendarsFor(tx, slices.Compact(whose))
	if err != nil {
		return nil, err
	}
	var known []reminderRow
	slices.Sort(ids)
	if err := tx.Where("subject_id IN ?", slices.Compact(ids)).Find(&known).Error; err != nil {
		return nil, err
	}
	told := map[reminderRow]bool{}
	for _, k := range known {
		k.At = 0
		told[k] = true
	}
	today := at.Date()
	type stretch struct {
		calendar string
		due      inspection.Date
	}
	days := map[stretch]int{} // many clocks of one calendar end on one day
	var given []Given
	var rows []reminderRow
	var events []history.Event
	for _, c := range clocks {
		s := stretch{calendars[c.Whose].ID(), c.Due}
		left, ok := days[s]
		if !ok {
			left = Left(calendars[c.Whose], today, c.Due)
			days[s] = left
		}
		reached := Reached(d, today, c.Due, left)
		for _, m := range reached {
			if c.May && m.Level != Remind {
				continue
			}
			row := reminderRow{SubjectID: c.ID, Clock: c.Name, DueOn: c.Due, Mark: m.String()}
			if told[row] {
				continue
			}
			told[row] = true
			action := c.Kind + ".remind"
			if m.Level != Remind {
				action = c.Kind + ".escalate"
			}
			given = append(given, Given{c, m})
			data := map[string]any{"clock": c.Name, "mark": m.String(), "level": m.Level, "due": c.Due}
			if m.Level == TellHeads && slices.ContainsFunc(reached, func(later Mark) bool { return later.Level == TellChair }) {
				data["quiet"] = true // the later one, which is given now too or was before, tells the same people
			}
			events = append(events, history.Event{At: at, Action: action, SubjectKind: c.Kind, SubjectID: c.ID, Visit: c.Visit, Data: data})
			row.At = at
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&rows, 200)
	if res.Error != nil {
		return nil, res.Error
	}
	if int(res.RowsAffected) != len(rows) { // another copy gives them now
		return nil, inspection.E(inspection.Conflict, "error.conflict")
	}
	return given, history.Append(tx, events...)
}
