package org

import (
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// WholePredecessors lists the ids of all organisations that went as a whole into
// this one by a day, through all generations, itself not among them; the empty day
// stands for all that is known to come. What belonged to them belongs to it; PART
// lineage carries nothing over.
func WholePredecessors(tx *gorm.DB, organisation string, on inspection.Date) ([]string, error) {
	all, err := formers(tx, []string{organisation}, on)
	return all[organisation], err
}

// formers is WholePredecessors of many organisations, in one query.
func formers(tx *gorm.DB, organisations []string, on inspection.Date) (map[string][]string, error) {
	return walk(tx, "successor_id", "predecessor_id", organisations, on)
}

// WholeSuccessors lists the ids of all organisations that this one has gone into as a
// whole; as WholePredecessors.
func WholeSuccessors(tx *gorm.DB, organisation string, on inspection.Date) ([]string, error) {
	all, err := walk(tx, "predecessor_id", "successor_id", []string{organisation}, on)
	return all[organisation], err
}

// LineOn lists the ids under which an organisation exists on a day: of itself, of what
// went into it as a whole and of what it has gone into, those that there are.
func LineOn(tx *gorm.DB, organisation string, on inspection.Date) ([]string, error) {
	line, err := WholePredecessors(tx, organisation, "")
	if err != nil {
		return nil, err
	}
	heirs, err := WholeSuccessors(tx, organisation, on)
	if err != nil {
		return nil, err
	}
	var there []string
	err = within(tx.Model(&Organisation{}), on).Where("id IN ?", append(append(line, heirs...), organisation)).Order("id").Pluck("id", &there).Error
	return there, err
}

// walk follows lineage of the whole from one end to the other, through all generations.
func walk(tx *gorm.DB, from, to string, organisations []string, on inspection.Date) (map[string][]string, error) {
	var rows []struct{ Start, ID string }
	err := tx.Raw(`WITH RECURSIVE went (start, id) AS (
			SELECT `+from+`, `+to+` FROM organisation_lineage WHERE `+from+` IN ? AND `+to+` IS NOT NULL AND portion = ? AND (? = '' OR effective_date <= ?)
			UNION
			SELECT w.start, l.`+to+` FROM went w JOIN organisation_lineage l ON l.`+from+` = w.id WHERE l.`+to+` IS NOT NULL AND l.portion = ? AND (? = '' OR l.effective_date <= ?)
		) SELECT start, id FROM went WHERE id <> start ORDER BY start, id`, organisations, Whole, on, on, Whole, on, on).Scan(&rows).Error
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Start] = append(out[r.Start], r.ID)
	}
	return out, err
}

// Successors lists what an organisation became, one generation on, as it stands:
// whoever reads it must look at the portion.
func Successors(tx *gorm.DB, organisation string) ([]Lineage, error) {
	var out []Lineage
	err := tx.Where("predecessor_id = ?", organisation).Order("effective_date, id").Find(&out).Error
	return out, err
}

// Responsible is the organisation that answers on a day for what belonged to
// another: the same one while it exists, then whoever it went into as a whole.
// False where no single organisation answers, because it was split or dissolved: a
// person must choose. Code: not_found.
func Responsible(tx *gorm.DB, organisation string, on inspection.Date) (Organisation, bool, error) {
	seen := map[string]bool{}
	for {
		o, err := OrganisationByID(tx, organisation)
		if err != nil {
			return o, false, err
		}
		if o.ValidTo == "" || on <= o.ValidTo {
			return o, true, nil
		}
		seen[o.ID] = true
		rows, err := Successors(tx, o.ID)
		if err != nil {
			return o, false, err
		}
		var whole *string
		for _, l := range rows {
			if l.Portion == Whole && l.SuccessorID != nil && l.EffectiveDate <= on {
				whole = l.SuccessorID
			}
		}
		if whole == nil || seen[*whole] {
			return o, false, nil
		}
		organisation = *whole
	}
}

// DeskOn is the desk on a day that a desk has become: itself while it exists, then the
// row under which it went on in another organisation or under another name. False where
// it has ended. Code: not_found.
func DeskOn(tx *gorm.DB, desk string, on inspection.Date) (Desk, bool, error) {
	d, err := DeskByID(tx, desk)
	for seen := map[string]bool{}; err == nil && d.ValidTo != "" && on > d.ValidTo; {
		seen[d.ID] = true
		var next []Desk
		err = tx.Where("predecessor_id = ? AND (valid_from = '' OR valid_from <= ?)", d.ID, on).Order("valid_from DESC, id").Limit(1).Find(&next).Error
		if err != nil || len(next) == 0 || seen[next[0].ID] {
			return d, false, err
		}
		d = next[0]
	}
	return d, err == nil, err
}

// EarlierDesks tells of desks under which rows they were before, in other organisations or
// under other names: the desk by each earlier one.
func EarlierDesks(tx *gorm.DB, desks []string) (map[string]string, error) {
	out := map[string]string{}
	for part := range slices.Chunk(desks, 500) {
		var rows []struct{ ID, Desk string }
		err := tx.Raw(`WITH RECURSIVE line (id, desk) AS (
				SELECT predecessor_id, id FROM desks WHERE id IN ? AND predecessor_id IS NOT NULL
				UNION
				SELECT d.predecessor_id, line.desk FROM line JOIN desks d ON d.id = line.id WHERE d.predecessor_id IS NOT NULL
			) SELECT id, desk FROM line`, part).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ID] = r.Desk
		}
	}
	return out, nil
}

// AtDesk restricts rows to those of a desk, whatever row of it their column names.
func AtDesk(column, desk string) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		return db.Where(column+` IN (WITH RECURSIVE line (id) AS (
				SELECT id FROM desks WHERE id = ?
				UNION
				SELECT d.predecessor_id FROM line JOIN desks d ON d.id = line.id WHERE d.predecessor_id IS NOT NULL
			) SELECT id FROM line)`, desk)
	}
}

// aName is a row under which an organisation has existed, with its first day.
type aName struct {
	Start, ID string
	Began     inspection.Date
}

// named lists, for each organisation that a query selects, all its names, the newest
// first: a new name is no other organisation, whatever the day. The oldest one has no
// first day.
func named(tx *gorm.DB, organisations string, args ...any) (map[string][]aName, error) {
	var rows []aName
	err := tx.Raw(`WITH RECURSIVE named (start, id) AS (SELECT id, id FROM organisations WHERE id IN (`+organisations+`)
			UNION
			SELECT n.start, CASE WHEN l.predecessor_id = n.id THEN l.successor_id ELSE l.predecessor_id END
			FROM named n JOIN organisation_lineage l ON l.relation = 'RENAMED' AND (l.predecessor_id = n.id OR l.successor_id = n.id)
		) SELECT named.start, named.id, o.valid_from AS began FROM named JOIN organisations o ON o.id = named.id
		ORDER BY o.valid_from DESC, named.id`, args...).Scan(&rows).Error
	out := map[string][]aName{}
	for _, n := range rows {
		out[n.Start] = append(out[n.Start], n)
	}
	for _, names := range out {
		names[len(names)-1].Began = ""
	}
	return out, err
}

// CalendarFor is the working calendar of an organisation as a plain value: its own
// layer, before it those under names that it has got since and after it those under
// former names, each from its first day on; those of its parents, then those of its administrative unit and its
// ancestors. Code: not_found.
func CalendarFor(tx *gorm.DB, organisation string) (Calendar, error) {
	var cal Calendar
	var unit string
	seen := map[string]bool{}
	for id := organisation; id != "" && !seen[id]; {
		seen[id] = true
		o, err := OrganisationByID(tx, id)
		if err != nil {
			return cal, err
		}
		if unit == "" {
			unit = o.AdminUnitID
		}
		names, err := named(tx, "?", o.ID)
		if err != nil {
			return cal, err
		}
		for _, n := range names[o.ID] {
			var own Calendar
			if err := own.add(tx, "organisation_id", n.ID); err != nil {
				return cal, err
			}
			for _, l := range own.Layers {
				cal.Layers = append(cal.Layers, l.since(n.Began))
			}
		}
		id = ""
		if o.ParentID != nil {
			id = *o.ParentID
		}
	}
	up, err := unitLayers(tx, unit)
	cal.Layers = append(cal.Layers, up.Layers...)
	return cal, err
}

// unitLayers is the calendar of an administrative unit.
func unitLayers(tx *gorm.DB, unit string) (Calendar, error) {
	var cal Calendar
	seen := map[string]bool{}
	for id := unit; id != "" && !seen[id]; {
		seen[id] = true
		var u Unit
		if err := notFound(tx.Where("id = ?", id).Take(&u).Error, "org.error.unit_unknown"); err != nil {
			return cal, err
		}
		if err := cal.add(tx, "admin_unit_id", u.ID); err != nil {
			return cal, err
		}
		id = ""
		if u.ParentID != nil {
			id = *u.ParentID
		}
	}
	return cal, nil
}

// add appends the layer of one owner, if it has a calendar.
func (c *Calendar) add(tx *gorm.DB, column, owner string) error {
	var rows []calendarRow
	if err := tx.Where(column+" = ?", owner).Find(&rows).Error; err != nil || len(rows) == 0 {
		return err
	}
	layer := Layer{ID: rows[0].ID, Days: map[inspection.Date]DayKind{}}
	var hours []hoursRow
	if err := tx.Where("calendar_id = ?", layer.ID).Order("valid_from, weekday, opens").Find(&hours).Error; err != nil {
		return err
	}
	for _, h := range hours {
		layer.hours(h)
	}
	var days []dayRow
	if err := tx.Where("calendar_id = ?", layer.ID).Find(&days).Error; err != nil {
		return err
	}
	for _, d := range days {
		layer.Days[d.Day] = d.Kind
	}
	c.Layers = append(c.Layers, layer)
	return nil
}
