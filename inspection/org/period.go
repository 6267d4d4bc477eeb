package org

import (
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// inside tells whether the days that a thing names for itself lie in the time of what
// it hangs on; an open border is bounded by it and needs no look.
func inside(from, to, outerFrom, outerTo inspection.Date) bool {
	return (from == "" || from.Within(outerFrom, outerTo)) && (to == "" || to.Within(outerFrom, outerTo))
}

// narrow is the later of two beginnings and the earlier of two ends.
func narrow(from, to, outerFrom, outerTo inspection.Date) (inspection.Date, inspection.Date) {
	if outerTo != "" && (to == "" || outerTo < to) {
		to = outerTo
	}
	return max(from, outerFrom), to
}

// outside is the refusal of days beyond the time of what a thing hangs on.
func outside(name string, from, to inspection.Date) *inspection.Error {
	key := "org.error.outside"
	switch {
	case from == "":
		key = "org.error.outside_after"
	case to == "":
		key = "org.error.outside_before"
	}
	return inspection.E(inspection.Invalid, key, "name", name, "from", from.VN(), "to", to.VN()).Field("valid_from", "org.error.outside_field")
}

// UnitByID finds an administrative unit. Code: not_found.
func UnitByID(tx *gorm.DB, id string) (Unit, error) {
	var u Unit
	return u, notFound(tx.Where("id = ?", id).Take(&u).Error, "org.error.unit_unknown")
}

// unitPeriod is when a unit existed, an open border bounded by its ancestors.
func unitPeriod(tx *gorm.DB, id string) (u Unit, from, to inspection.Date, err error) {
	if u, err = UnitByID(tx, id); err != nil {
		return u, "", "", err
	}
	from, to = u.ValidFrom, u.ValidTo
	var seen []string
	for next := u.ParentID; next != nil && !slices.Contains(seen, *next); {
		seen = append(seen, *next)
		p, err := UnitByID(tx, *next)
		if err != nil {
			return u, "", "", err
		}
		from, to = narrow(from, to, p.ValidFrom, p.ValidTo)
		next = p.ParentID
	}
	return u, from, to, nil
}

// organisationPeriod is when an organisation existed, bounded by its unit.
func organisationPeriod(tx *gorm.DB, id string) (o Organisation, from, to inspection.Date, err error) {
	if o, err = OrganisationByID(tx, id); err != nil {
		return o, "", "", err
	}
	_, from, to, err = unitPeriod(tx, o.AdminUnitID)
	from, to = narrow(o.ValidFrom, o.ValidTo, from, to)
	return o, from, to, err
}

// deskPeriod is when a desk existed, bounded by its organisation.
func deskPeriod(tx *gorm.DB, id string) (d Desk, from, to inspection.Date, err error) {
	if d, err = DeskByID(tx, id); err != nil {
		return d, "", "", err
	}
	_, from, to, err = organisationPeriod(tx, d.OrganisationID)
	from, to = narrow(d.ValidFrom, d.ValidTo, from, to)
	return d, from, to, err
}

// placed checks that an organisation lies in its unit's time, and below no organisation
// that was not there. Codes: invalid, not_found.
func placed(tx *gorm.DB, o Organisation) error {
	u, from, to, err := unitPeriod(tx, o.AdminUnitID)
	if inspection.CodeOf(err) == inspection.NotFound {
		return inspection.E(inspection.Invalid, "org.error.invalid").Field("unit", "org.error.unit_unknown")
	}
	if err != nil {
		return err
	}
	if !inside(o.ValidFrom, o.ValidTo, from, to) {
		return outside(u.Name, from, to)
	}
	if o.ParentID == nil {
		return nil
	}
	p, from, to, err := organisationPeriod(tx, *o.ParentID)
	if err != nil {
		return err
	}
	if p.ID == o.ID || o.ValidFrom != "" && !o.ValidFrom.Within(from, to) {
		return outside(p.Name, from, to).Field("parent", "org.error.outside_field")
	}
	return nil
}
