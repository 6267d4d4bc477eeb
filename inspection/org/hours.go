package org

import (
	"context"
	"slices"
	"strings"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// SpecialDay is a holiday or a make-up working day of a calendar.
type SpecialDay struct {
	Day  inspection.Date
	Kind DayKind
	Name string
}

// OwnCalendar is the calendar of one administrative unit or organisation as it is
// entered, beside the one that results with all above it.
type OwnCalendar struct {
	Owner     string // id of the unit or organisation
	Name      string
	IsUnit    bool
	UnitType  UnitType
	Version   int64 // 0: nothing entered yet
	Weeks     []Week
	Days      []SpecialDay
	Effective Calendar
}

// calendarOwner tells what an id is: a unit or an organisation. Code: not_found.
func calendarOwner(tx *gorm.DB, id string) (c OwnCalendar, column string, err error) {
	u, err := UnitByID(tx, id)
	if err == nil {
		return OwnCalendar{Owner: id, Name: u.Name, IsUnit: true, UnitType: u.Type}, "admin_unit_id", nil
	}
	if inspection.CodeOf(err) != inspection.NotFound {
		return c, "", err
	}
	o, err := OrganisationByID(tx, id)
	return OwnCalendar{Owner: id, Name: o.Name}, "organisation_id", err
}

// OwnCalendar reads the calendar of a unit or organisation. Administrators may. Codes:
// unauthenticated, forbidden, not_found.
func (s *Service) OwnCalendar(ctx context.Context, actor inspection.Actor, owner string) (c OwnCalendar, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return c, err
	}
	tx := s.db.WithContext(ctx)
	c, column, err := calendarOwner(tx, owner)
	if err != nil {
		return c, err
	}
	if c.Effective, err = effective(tx, owner, c.IsUnit); err != nil {
		return c, err
	}
	var rows []calendarRow
	if err := tx.Where(column+" = ?", owner).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return c, err
	}
	c.Version = rows[0].Version
	var own Calendar
	if err := own.add(tx, column, owner); err != nil {
		return c, err
	}
	c.Weeks = own.Layers[0].Weeks
	var days []dayRow
	if err := tx.Where("calendar_id = ?", rows[0].ID).Order("day").Find(&days).Error; err != nil {
		return c, err
	}
	for _, d := range days {
		c.Days = append(c.Days, SpecialDay{d.Day, d.Kind, d.Name})
	}
	return c, nil
}

// effective is the calendar of a unit or organisation with those of all that it lies in.
func effective(tx *gorm.DB, owner string, unit bool) (Calendar, error) {
	if unit {
		return unitLayers(tx, owner)
	}
	return CalendarFor(tx, owner)
}

// CalendarLine is a calendar in a list.
type CalendarLine struct {
	Owner, Name string
	IsUnit      bool
	UnitType    UnitType
	Hours, Days int64
	None        bool // no hours of today, of what it lies in neither
}

// Calendars lists the units and organisations that have entered hours or days of their
// own: units first, by name. Administrators may. Codes: unauthenticated, forbidden.
func (s *Service) Calendars(ctx context.Context, actor inspection.Actor, query string, page inspection.Page) ([]CalendarLine, string, error) {
	if _, err := requireAdmin(actor); err != nil {
		return nil, "", err
	}
	var rows []struct {
		ID, CalendarID, Name, Search string
		IsUnit                       bool
		UnitType                     UnitType
	}
	tx := s.db.WithContext(ctx)
	owners := tx.Session(&gorm.Session{NewDB: true}).Raw(`SELECT u.id AS id, c.id AS calendar_id, u.name AS name, '0 ' || u.search AS search, TRUE AS is_unit, u.unit_type AS unit_type FROM calendars c JOIN admin_units u ON u.id = c.admin_unit_id
		UNION ALL SELECT o.id, c.id, o.name, '1 ' || o.search, FALSE, '' FROM calendars c JOIN organisations o ON o.id = c.organisation_id`)
	if err := searchPage(tx.Table("(?) AS owners", owners), query, page).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		last := rows[len(rows)-1]
		next = last.Search + "|" + last.ID
	}
	out := make([]CalendarLine, len(rows))
	for i, r := range rows {
		out[i] = CalendarLine{Owner: r.ID, Name: r.Name, IsUnit: r.IsUnit, UnitType: r.UnitType}
		if err := tx.Model(&hoursRow{}).Where("calendar_id = ?", r.CalendarID).Count(&out[i].Hours).Error; err != nil {
			return nil, "", err
		}
		if err := tx.Model(&dayRow{}).Where("calendar_id = ?", r.CalendarID).Count(&out[i].Days).Error; err != nil {
			return nil, "", err
		}
		if out[i].Hours > 0 {
			continue
		}
		cal, err := effective(tx, r.ID, r.IsUnit)
		if err != nil {
			return nil, "", err
		}
		_, ok := cal.week(s.clock.Now().Date())
		out[i].None = !ok
	}
	return out, next, nil
}

// checkWeeks refuses periods that overlap, and sessions of a day that do. Code: invalid.
func checkWeeks(weeks []Week) error {
	for i, w := range weeks {
		if w.From != "" && w.To != "" && w.To < w.From {
			return inspection.E(inspection.Invalid, "org.error.dates_reversed").Field("valid_to", "org.error.dates_reversed")
		}
		for _, o := range weeks[:i] {
			if (w.To == "" || o.From == "" || o.From <= w.To) && (o.To == "" || w.From == "" || w.From <= o.To) {
				return inspection.E(inspection.Invalid, "org.error.periods_overlap", "from", border(o.From), "to", border(o.To)).Field("valid_from", "org.error.periods_overlap_field")
			}
		}
		for _, day := range w.Days {
			for i, s := range day {
				if s.Open < 0 || s.Open >= s.Close || s.Close > 24*60 || i > 0 && s.Open < day[i-1].Close {
					return inspection.E(inspection.Invalid, "org.error.hours").Field("hours", "org.error.hours")
				}
			}
		}
	}
	return nil
}

// border is a border of a period in words.
func border(d inspection.Date) string {
	if d == "" {
		return "…"
	}
	return d.VN()
}

// heldCalendar is the calendar of a unit or organisation, made when there is none, its
// row held until the transaction ends. version is the one that the reader saw, 0 for
// none; -1 compares nothing. Code: conflict.
func heldCalendar(tx *gorm.DB, column, owner string, version int64) (calendarRow, error) {
	var rows []calendarRow
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(column+" = ?", owner).Find(&rows).Error; err != nil {
		return calendarRow{}, err
	}
	if len(rows) > 0 {
		if version >= 0 && rows[0].Version != version {
			return rows[0], changedMeanwhile()
		}
		return rows[0], nil
	}
	if version > 0 {
		return calendarRow{}, changedMeanwhile()
	}
	row := calendarRow{ID: inspection.NewID(), Version: 1}
	if column == "admin_unit_id" {
		row.AdminUnitID = &owner
	} else {
		row.OrganisationID = &owner
	}
	err := create(tx, &row)
	if inspection.CodeOf(err) == inspection.Conflict { // somebody else made it meanwhile
		err = changedMeanwhile().(*inspection.Error).Because(err)
	}
	return row, err
}

// touch writes that a calendar was changed.
func (r calendarRow) touch(tx *gorm.DB) error {
	return tx.Model(&calendarRow{}).Where("id = ?", r.ID).Updates(map[string]any{"version": gorm.Expr("version + 1")}).Error
}

// because holds a change of a calendar to its reason; the first entry needs none.
func (r calendarRow) because(reason string) (string, error) {
	if r.Version == 1 && strings.TrimSpace(reason) == "" { // made just now
		return "", nil
	}
	return reasonOf(reason)
}

// changed keeps what a calendar said before a change, beside its owner.
func (a Act) changed(tx *gorm.DB, row calendarRow, field, before, after, reason string) error {
	if reason == "" || before == after {
		return nil
	}
	c := Correction{SubjectKind: "organisation", SubjectID: deref(row.OrganisationID), Act: Corrected, Field: field, Before: before, After: after, Reason: reason}
	if row.AdminUnitID != nil {
		c.SubjectKind, c.SubjectID = "unit", *row.AdminUnitID
	}
	return a.note(tx, c)
}

// String is a period in words as a spreadsheet has them: days from Monday on (T2 … CN)
// with their hours.
func (w Week) String() string {
	var days []string
	for i, name := range []string{"T2", "T3", "T4", "T5", "T6", "T7", "CN"} {
		var hours []string
		for _, s := range w.Days[(i+1)%7] {
			hours = append(hours, s.Open.String()+"–"+s.Close.String())
		}
		if len(hours) > 0 {
			days = append(days, name+" "+strings.Join(hours, ", "))
		}
	}
	return border(w.From) + " – " + border(w.To) + ": " + strings.Join(days, "; ")
}

// SetPeriod adds a period of weekly hours to the calendar of a unit or organisation, or
// replaces the one that begins on the day given (nil: none is replaced). Once something
// is entered a change needs a reason. Checks keep the hours that they began with.
// Administrators may. Codes: unauthenticated, forbidden, not_found, invalid (periods or
// sessions overlap), conflict (version).
func (s *Service) SetPeriod(ctx context.Context, actor inspection.Actor, owner string, version int64, w Week, replaces *inspection.Date, reason string) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		for field, d := range map[string]inspection.Date{"valid_from": w.From, "valid_to": w.To} {
			if _, err := inspection.ParseDate(string(d)); err != nil {
				return inspection.E(inspection.Invalid, "org.error.invalid").Field(field, "org.error.day")
			}
		}
		if !slices.ContainsFunc(w.Days[:], func(day []inspection.Session) bool { return len(day) > 0 }) {
			return inspection.E(inspection.Invalid, "org.error.no_hours").Field("hours", "org.error.no_hours")
		}
		return s.period(tx, act, owner, version, &w, replaces, reason)
	})
}

// RemovePeriod takes a period of weekly hours back that should not be there, with a
// reason; corrections keep what it said. As SetPeriod.
func (s *Service) RemovePeriod(ctx context.Context, actor inspection.Actor, owner string, version int64, from inspection.Date, reason string) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		return s.period(tx, act, owner, version, nil, &from, reason)
	})
}

// period puts a period in the place of another; nil is none.
func (s *Service) period(tx *gorm.DB, act Act, owner string, version int64, w *Week, replaces *inspection.Date, reason string) error {
	_, column, err := calendarOwner(tx, owner)
	if err != nil {
		return err
	}
	row, err := heldCalendar(tx, column, owner, version)
	if err != nil {
		return err
	}
	if reason, err = row.because(reason); err != nil {
		return err
	}
	var own Calendar
	if err := own.add(tx, column, owner); err != nil {
		return err
	}
	weeks, before, after := own.Layers[0].Weeks, "", ""
	from, to := inspection.Date(""), inspection.Date("")
	if w != nil {
		after, from, to = w.String(), w.From, w.To
	}
	if replaces != nil {
		i := slices.IndexFunc(weeks, func(old Week) bool { return old.From == *replaces })
		if i < 0 {
			return changedMeanwhile()
		}
		before = weeks[i].String()
		if from, to = min(from, weeks[i].From), max(to, weeks[i].To); w == nil {
			from, to = weeks[i].From, weeks[i].To
		} else if w.To == "" || weeks[i].To == "" {
			to = ""
		}
		weeks = slices.Delete(weeks, i, i+1)
	}
	if w != nil {
		weeks = append([]Week{*w}, weeks...)
	}
	if err := act.setHours(tx, row, owner, weeks); err != nil {
		return err
	}
	if err := act.changed(tx, row, "hours", before, after, reason); err != nil {
		return err
	}
	return s.daysChanged(tx, act, from, to)
}

// setHours replaces the hours of a calendar. Code: invalid.
func (a Act) setHours(tx *gorm.DB, row calendarRow, owner string, weeks []Week) error {
	if err := checkWeeks(sortedWeeks(weeks)); err != nil {
		return err
	}
	if err := tx.Where("calendar_id = ?", row.ID).Delete(&hoursRow{}).Error; err != nil {
		return err
	}
	for _, w := range weeks {
		for day, sessions := range w.Days {
			for _, s := range sessions {
				r := hoursRow{ID: inspection.NewID(), CalendarID: row.ID, ValidFrom: w.From, ValidTo: w.To, Weekday: int64(day), Opens: s.Open, Closes: s.Close}
				if err := tx.Create(&r).Error; err != nil {
					return err
				}
			}
		}
	}
	if err := row.touch(tx); err != nil {
		return err
	}
	return a.record(tx, "org.calendar.hours", "calendar", row.ID, map[string]any{"owner": owner, "patterns": len(weeks)})
}

func sortedWeeks(weeks []Week) []Week {
	out := slices.Clone(weeks)
	slices.SortFunc(out, func(a, b Week) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	return out
}

// SetDay makes a day a holiday or a make-up working day of a unit or organisation; a day
// that is one already gets the new kind and name. Once something is entered a change
// needs a reason. What was to be done by a day on which nobody works any more is told
// (WhenDaysChange). Administrators may. Codes: unauthenticated, forbidden, not_found,
// invalid.
func (s *Service) SetDay(ctx context.Context, actor inspection.Actor, owner string, d SpecialDay, reason string) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		name, ok := inspection.Text(d.Name, 200)
		switch _, err := inspection.ParseDate(string(d.Day)); {
		case err != nil || d.Day == "":
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("day", "org.error.day")
		case d.Kind != Holiday && d.Kind != MakeUpWorking:
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("kind", "org.error.day_kind_field")
		case !ok || name == "":
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("name", "org.error.name")
		}
		d.Name = name
		return s.day(tx, act, owner, d.Day, &d, reason)
	})
}

// RemoveDay takes a special day back that should not be there, with a reason; corrections
// keep what it was. What was put off because of it stays put off. As SetDay.
func (s *Service) RemoveDay(ctx context.Context, actor inspection.Actor, owner string, day inspection.Date, reason string) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error { return s.day(tx, act, owner, day, nil, reason) })
}

// day puts a special day in the place of what it was; nil is an ordinary day.
func (s *Service) day(tx *gorm.DB, act Act, owner string, day inspection.Date, d *SpecialDay, reason string) error {
	_, column, err := calendarOwner(tx, owner)
	if err != nil {
		return err
	}
	row, err := heldCalendar(tx, column, owner, -1)
	if err != nil {
		return err
	}
	if reason, err = row.because(reason); err != nil {
		return err
	}
	var old []dayRow
	if err := tx.Where("calendar_id = ? AND day = ?", row.ID, day).Find(&old).Error; err != nil {
		return err
	}
	said := func(kind DayKind, name string) string { return day.VN() + " " + string(kind) + " " + name }
	before, after, kind := "", "", DayKind("")
	if len(old) > 0 {
		before = said(old[0].Kind, old[0].Name)
	}
	switch {
	case d == nil && len(old) == 0:
		return changedMeanwhile()
	case d == nil:
		err = tx.Where("id = ?", old[0].ID).Delete(&dayRow{}).Error
	case len(old) > 0:
		err = tx.Model(&dayRow{}).Where("id = ?", old[0].ID).Updates(map[string]any{"kind": d.Kind, "name": d.Name}).Error
	default:
		err = create(tx, &dayRow{ID: inspection.NewID(), CalendarID: row.ID, Day: day, Kind: d.Kind, Name: d.Name})
	}
	if err != nil {
		return err
	}
	if d != nil {
		kind, after = d.Kind, said(d.Kind, d.Name)
	}
	if err := row.touch(tx); err != nil {
		return err
	}
	if err := act.record(tx, "org.calendar.days", "calendar", row.ID, map[string]any{"owner": owner, "day": day, "kind": kind}); err != nil {
		return err
	}
	if err := act.changed(tx, row, "day", before, after, reason); err != nil {
		return err
	}
	return s.daysChanged(tx, act, day, day)
}

// DayPreview is a day as the calendar makes it.
type DayPreview struct {
	Day     inspection.Date
	Kind    DayKind // empty: an ordinary day
	Hours   []inspection.Session
	Weekday time.Weekday
}

// Preview is a number of days from one on.
func (c Calendar) Preview(from inspection.Date, n int) []DayPreview {
	out := make([]DayPreview, n)
	for i := range out {
		d := from.AddDays(i)
		out[i] = DayPreview{Day: d, Kind: c.kind(d), Hours: c.Hours(d), Weekday: d.Weekday()}
	}
	return out
}
