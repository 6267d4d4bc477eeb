package org

import (
	"congvu/inspection"

	"gorm.io/gorm"
)

// WholePredecessors lists the ids of all organisations that went as a whole into
// this one, through all generations, itself not among them. What belonged to them
// belongs to it; PART lineage carries nothing over.
func WholePredecessors(tx *gorm.DB, organisation string) ([]string, error) {
	var out []string
	seen := map[string]bool{organisation: true}
	for next := []string{organisation}; len(next) > 0; {
		var found []string
		err := tx.Model(&Lineage{}).Where("successor_id IN ? AND portion = ?", next, Whole).
			Order("predecessor_id").Pluck("predecessor_id", &found).Error
		if err != nil {
			return nil, err
		}
		next = nil
		for _, id := range found {
			if !seen[id] {
				seen[id] = true
				next = append(next, id)
			}
		}
		out = append(out, next...)
	}
	return out, nil
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

// CalendarFor is the working calendar of an organisation as a plain value: its own
// layer, those of its parents, then those of its administrative unit and its
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
		if err := cal.add(tx, "organisation_id", o.ID); err != nil {
			return cal, err
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
