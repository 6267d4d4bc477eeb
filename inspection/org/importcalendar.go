package org

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"congvu/inspection"
	"congvu/inspection/tablein"

	"gorm.io/gorm"
)

// SetHours replaces the weekly hours of the calendar of an administrative unit in
// the caller's transaction, making the calendar when there is none; the caller has
// checked rights. Codes: invalid (periods that overlap, sessions that overlap or end
// before they begin).
func SetHours(tx *gorm.DB, act Act, unitID string, weeks []Week) error {
	row, err := heldCalendar(tx, "admin_unit_id", unitID, -1)
	if err != nil {
		return err
	}
	return act.setHours(tx, row, unitID, weeks)
}

// ImportHours reads the weekly hours of an administrative unit (columns weekdays
// "1-5" or "6", 0 is Sunday; opens and closes hh:mm; valid_from, valid_to) and
// replaces those that it has. As ImportUnits.
func (s *Service) ImportHours(ctx context.Context, actor inspection.Actor, unitKey string, hours io.Reader, dryRun bool) (Report, error) {
	const file = "hours.csv"
	im := &importer{}
	table, bad := tablein.Read(file, hours, []string{"weekdays", "opens", "closes"}, []string{"valid_from", "valid_to"})
	im.report.Bad = bad
	var weeks []Week
	for _, r := range table.Rows {
		if left := r.LeftOut("weekdays", "opens", "closes", "valid_from", "valid_to"); len(left) > 0 {
			im.report.LeftOut = append(im.report.LeftOut, LeftOut{file, r.Line, ""})
			continue
		}
		from, to := im.date(file, r, "valid_from"), im.date(file, r, "valid_to")
		first, last, ok := weekdays(r.Get("weekdays"))
		opens, err1 := inspection.ParseMinute(r.Get("opens"))
		closes, err2 := inspection.ParseMinute(r.Get("closes"))
		if !ok || err1 != nil || err2 != nil || opens >= closes {
			im.bad(file, r.Line, "org.error.hours")
			continue
		}
		i := slices.IndexFunc(weeks, func(w Week) bool { return w.From == from && w.To == to })
		if i < 0 {
			weeks = append(weeks, Week{From: from, To: to})
			i = len(weeks) - 1
		}
		for d := first; d <= last; d++ {
			day := append(weeks[i].Days[d], inspection.Session{Open: opens, Close: closes})
			slices.SortFunc(day, func(a, b inspection.Session) int { return int(a.Open - b.Open) })
			weeks[i].Days[d] = day
		}
		im.report.Added++
	}
	err := s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if im.report.Bad = table.Name(im.report.Bad); len(im.report.Bad) > 0 {
			return inspection.E(inspection.Invalid, "org.error.import_bad_rows", "count", len(im.report.Bad))
		}
		u, err := UnitByKey(tx, unitKey)
		if err != nil || dryRun {
			return err
		}
		im.report.Applied = true
		if err := SetHours(tx, act, u.ID, weeks); err != nil {
			return err
		}
		return s.daysChanged(tx, act, "", "")
	})
	im.report.Applied = im.report.Applied && err == nil
	return im.report, err
}

func weekdays(s string) (first, last time.Weekday, ok bool) {
	a, b, found := strings.Cut(s, "-")
	if !found {
		b = a
	}
	if len(a) != 1 || len(b) != 1 || a[0] < '0' || b[0] > '6' || a > b {
		return 0, 0, false
	}
	return time.Weekday(a[0] - '0'), time.Weekday(b[0] - '0'), true
}

// ImportHolidays reads the holidays and make-up working days of an administrative
// unit (columns date, kind, name_vi, confirmed) and matches them by day. A row that
// is "to be confirmed" is not a fact: it is left out and listed. As ImportUnits.
func (s *Service) ImportHolidays(ctx context.Context, actor inspection.Actor, unitKey string, holidays io.Reader, dryRun bool) (Report, error) {
	return s.importHolidays(ctx, actor, holidays, dryRun, func(tx *gorm.DB) (string, string, error) {
		u, err := UnitByKey(tx, unitKey)
		return "admin_unit_id", u.ID, err
	})
}

// ImportDays is ImportHolidays for the calendar of the unit or organisation with an id.
func (s *Service) ImportDays(ctx context.Context, actor inspection.Actor, owner string, holidays io.Reader, dryRun bool) (Report, error) {
	return s.importHolidays(ctx, actor, holidays, dryRun, func(tx *gorm.DB) (string, string, error) {
		_, column, err := calendarOwner(tx, owner)
		return column, owner, err
	})
}

func (s *Service) importHolidays(ctx context.Context, actor inspection.Actor, holidays io.Reader, dryRun bool, find func(*gorm.DB) (column, owner string, err error)) (Report, error) {
	const file = "holidays.csv"
	hash := sha256.New()
	im := &importer{}
	table, bad := tablein.Read(file, io.TeeReader(holidays, hash), []string{"date", "kind", "name_vi"}, []string{"confirmed"})
	im.report.Bad = bad
	days, lines := map[inspection.Date]dayRow{}, map[inspection.Date]int{}
	for _, r := range table.Rows {
		if left := r.LeftOut("date", "kind", "name_vi", "confirmed"); len(left) > 0 {
			im.report.LeftOut = append(im.report.LeftOut, LeftOut{file, r.Line, ""})
			continue
		}
		d := dayRow{Day: im.date(file, r, "date"), Kind: DayKind(r.Get("kind")), Name: r.Get("name_vi")}
		old, twice := days[d.Day]
		switch {
		case d.Day == "" && r.Get("date") == "":
			im.bad(file, r.Line, "org.error.date", "column", "date", "value", "")
		case d.Kind != Holiday && d.Kind != MakeUpWorking:
			im.bad(file, r.Line, "org.error.day_kind", "value", string(d.Kind))
		case twice && old != d:
			im.bad(file, r.Line, "org.error.key_twice", "key", string(d.Day), "line", lines[d.Day])
		default:
			days[d.Day], lines[d.Day] = d, r.Line
		}
	}
	err := s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		column, owner, err := find(tx)
		if err != nil {
			return err
		}
		if im.report.Bad = table.Name(im.report.Bad); len(im.report.Bad) > 0 {
			return inspection.E(inspection.Invalid, "org.error.import_bad_rows", "count", len(im.report.Bad))
		}
		row, err := heldCalendar(tx, column, owner, -1)
		if err != nil {
			return err
		}
		id := row.ID
		var stored []dayRow
		if err := tx.Where("calendar_id = ?", id).Find(&stored).Error; err != nil {
			return err
		}
		for _, old := range stored {
			d, ok := days[old.Day]
			if !ok {
				continue
			}
			delete(days, old.Day)
			if d.Kind == old.Kind && d.Name == old.Name {
				im.report.Same++
				continue
			}
			im.report.Changed++
			if dryRun {
				continue
			}
			if err := tx.Model(&dayRow{}).Where("id = ?", old.ID).Updates(map[string]any{"kind": d.Kind, "name": d.Name}).Error; err != nil {
				return err
			}
		}
		im.report.Added = len(days)
		if dryRun {
			return errDryRun
		}
		if im.report.Added+im.report.Changed == 0 {
			return nil
		}
		from, to := inspection.Date(""), inspection.Date("")
		for day := range lines {
			if from == "" || day < from {
				from = day
			}
			to = max(to, day)
		}
		for _, d := range days {
			d.ID, d.CalendarID = inspection.NewID(), id
			if err := tx.Create(&d).Error; err != nil {
				return err
			}
		}
		if err := row.touch(tx); err != nil {
			return err
		}
		im.report.Applied = true
		if err := act.record(tx, "org.calendar.days", "calendar", id, map[string]any{"owner": owner, "added": im.report.Added,
			"changed": im.report.Changed, "sha256": hex.EncodeToString(hash.Sum(nil))}); err != nil {
			return err
		}
		return s.daysChanged(tx, act, from, to)
	})
	if err == errDryRun {
		err = nil
	}
	im.report.Applied = im.report.Applied && err == nil
	return im.report, err
}

// errDryRun rolls a dry run back.
var errDryRun = inspection.E(inspection.Conflict, "org.error.dry_run")
