package org

import (
	"context"
	"strings"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Move takes a desk to another organisation from a day on. ID is the id of the new row.
type Move struct {
	Desk, ID       string
	Version        int64
	OrganisationID string
	From           inspection.Date
	Reason         string
}

// MoveDesk ends a desk on the day before and begins it again in another organisation,
// its posts with it. The old row stays, so that what was checked there stays there.
// Administrators may. Codes: unauthenticated, forbidden, not_found, invalid (the
// organisation does not exist on that day, the desk neither), conflict (version).
func (s *Service) MoveDesk(ctx context.Context, actor inspection.Actor, m Move) (out Desk, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if m.Reason, err = reasonOf(m.Reason); err != nil {
			return err
		}
		if err := seen(tx, "desk", m.Desk, m.Version); err != nil {
			return err
		}
		out, err = act.moveDesk(tx, m)
		return err
	})
	return out, err
}

func (a Act) moveDesk(tx *gorm.DB, m Move) (Desk, error) {
	if _, err := inspection.ParseDate(string(m.From)); err != nil || m.From == "" {
		return Desk{}, inspection.E(inspection.Invalid, "org.error.invalid").Field("from", "org.error.day")
	}
	d, from, to, err := deskPeriod(tx, m.Desk)
	if err != nil {
		return d, err
	}
	last := m.From.AddDays(-1)
	if !last.Within(from, to) {
		return d, inspection.E(inspection.Invalid, "org.error.desk_not_there", "date", last.VN()).Field("from", "org.error.desk_not_there_field")
	}
	o, oFrom, oTo, err := organisationPeriod(tx, m.OrganisationID)
	if inspection.CodeOf(err) == inspection.NotFound {
		return d, inspection.E(inspection.Invalid, "org.error.invalid").Field("organisation", "org.error.organisation_unknown")
	}
	if err != nil {
		return d, err
	}
	if o.ID == d.OrganisationID {
		return d, inspection.E(inspection.Invalid, "org.error.invalid").Field("organisation", "org.error.desk_there_already")
	}
	if !m.From.Within(oFrom, oTo) {
		return d, inspection.E(inspection.Invalid, "org.error.desk_unit_not_there", "name", o.Name, "date", m.From.VN(), "from", border(oFrom), "to", border(oTo)).
			Field("organisation", "org.error.desk_unit_not_there_field")
	}
	var posts []Post
	if err := tx.Where("desk_id = ? AND (valid_to = '' OR valid_to >= ?)", d.ID, m.From).Order("id").Find(&posts).Error; err != nil {
		return d, err
	}
	fresh := Desk{ID: m.ID, OrganisationID: o.ID, Key: nextKey(d.Key, m.From), Name: d.Name, Address: d.Address, PredecessorID: &d.ID, ValidFrom: m.From}
	if d.ValidTo >= m.From && (oTo == "" || d.ValidTo <= oTo) {
		fresh.ValidTo = d.ValidTo
	}
	if fresh, err = CreateDesk(tx, a, fresh); err != nil {
		return fresh, err
	}
	for _, p := range posts {
		if p.ValidFrom >= m.From { // it has not begun: it goes as it is
			err = tx.Model(&Post{}).Where("id = ?", p.ID).Updates(map[string]any{"desk_id": fresh.ID, "version": p.Version + 1}).Error
		} else {
			_, err = CreatePost(tx, a, Post{DeskID: fresh.ID, Title: p.Title, Field: p.Field, Required: p.Required, ValidFrom: m.From, ValidTo: p.ValidTo, Simulated: p.Simulated})
		}
		if err != nil {
			return fresh, err
		}
	}
	if err := a.end(tx, "desk", d.ID, last, m.Reason); err != nil {
		return fresh, err
	}
	return fresh, a.record(tx, "org.desk.move", "desk", d.ID, map[string]any{"desk": fresh.ID, "organisation": o.ID, "from": m.From})
}

// nextKey is the key of the row that follows another: the same with the day on which it
// begins.
func nextKey(key string, from inspection.Date) string {
	base := key
	if i := strings.LastIndexByte(key, '@'); i > 0 {
		base = key[:i]
	}
	return base + "@" + string(from)
}

// Reorganisation is what became of an organisation by a legal act. ID is the id of the
// lineage row, and of the new organisation where it is renamed.
type Reorganisation struct {
	Organisation, ID string
	Version          int64
	Relation         Relation
	Name             string // the new name, of RENAMED
	Successor        string // the organisation that takes over, of MERGED_INTO, SPLIT_INTO, PART_TRANSFERRED
	On               inspection.Date
	LegalAct         string
	Desks            bool // the desks go to the successor; else they end with the organisation
}

// Reorganise writes what became of an organisation from a day on: a new dated row for a
// new name, the last day of what went as a whole, the lineage, its desks and, where only
// the name changed, the roles held in it. Administrators may. Codes: unauthenticated,
// forbidden, not_found, invalid, conflict (version).
func (s *Service) Reorganise(ctx context.Context, actor inspection.Actor, r Reorganisation) (heir string, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if err := seen(tx, "organisation", r.Organisation, r.Version); err != nil {
			return err
		}
		heir, err = act.reorganise(tx, r)
		return err
	})
	return heir, err
}

func (a Act) reorganise(tx *gorm.DB, r Reorganisation) (string, error) {
	legal, ok := inspection.Text(r.LegalAct, 500)
	if !ok || legal == "" {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("legal_act", "org.error.legal_act")
	}
	if _, err := inspection.ParseDate(string(r.On)); err != nil || r.On == "" {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("on", "org.error.day")
	}
	portion, ok := portionOf[r.Relation]
	if !ok {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("relation", "org.error.portion")
	}
	o, from, to, err := organisationPeriod(tx, r.Organisation)
	if err != nil {
		return "", err
	}
	last := r.On.AddDays(-1)
	if !last.Within(from, to) {
		return "", inspection.E(inspection.Invalid, "org.error.predecessor_not_there", "key", o.Name, "date", last.VN()).Field("on", "org.error.desk_not_there_field")
	}
	var desks []Desk
	if err := tx.Where("organisation_id = ? AND (valid_to = '' OR valid_to >= ?)", o.ID, r.On).Order("id").Find(&desks).Error; err != nil {
		return "", err
	}
	heir := r.Successor
	switch r.Relation {
	case Renamed:
		if heir, err = a.rename(tx, o, r); err != nil {
			return "", err
		}
	case Dissolved:
		heir = ""
	default:
		s, err := OrganisationByID(tx, heir)
		if inspection.CodeOf(err) == inspection.NotFound {
			return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("successor", "org.error.organisation_unknown")
		}
		if err != nil {
			return "", err
		}
		if s.ID == o.ID || !r.On.Within(s.ValidFrom, s.ValidTo) {
			return "", inspection.E(inspection.Invalid, "org.error.successor_not_there", "key", s.Name, "date", r.On.VN()).Field("successor", "org.error.desk_unit_not_there_field")
		}
	}
	line := Lineage{PredecessorID: o.ID, Relation: r.Relation, Portion: portion, LegalAct: legal, EffectiveDate: r.On}
	if heir != "" {
		line.SuccessorID = &heir
	}
	if heir != r.ID {
		line.ID = r.ID
	}
	if _, err := CreateLineage(tx, a, line); err != nil {
		return "", err
	}
	if portion == Part {
		return heir, nil
	}
	if heir != "" && (r.Desks || r.Relation == Renamed) {
		for _, d := range desks {
			if d.ValidFrom >= r.On { // it has not begun: it goes as it is
				err = tx.Model(&Desk{}).Where("id = ?", d.ID).Updates(map[string]any{"organisation_id": heir, "version": d.Version + 1}).Error
			} else {
				_, err = a.moveDesk(tx, Move{Desk: d.ID, OrganisationID: heir, From: r.On, Reason: legal})
			}
			if err != nil {
				return "", err
			}
		}
	}
	return heir, a.end(tx, "organisation", o.ID, last, legal)
}

// rename makes the row with the new name, and gives the roles held under the old name
// on to it, where they go on while those under the old name end; roles of a team are the
// plan's.
func (a Act) rename(tx *gorm.DB, o Organisation, r Reorganisation) (string, error) {
	if inspection.Fold(r.Name) == "" || strings.TrimSpace(r.Name) == o.Name {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("name", "org.error.same_name")
	}
	fresh, err := CreateOrganisation(tx, a, Organisation{ID: r.ID, Key: nextKey(o.Key, r.On), Kind: o.Kind, Name: r.Name, AdminUnitID: o.AdminUnitID, ParentID: o.ParentID,
		ValidFrom: r.On, ValidTo: o.ValidTo})
	if err != nil {
		return "", err
	}
	var roles []RoleRow
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("organisation_id = ? AND team_id IS NULL AND voided_at = 0 AND (valid_to = '' OR valid_to >= ?)", o.ID, r.On).
		Order("id").Find(&roles).Error; err != nil {
		return "", err
	}
	for _, old := range roles {
		next := RoleRow{PersonID: old.PersonID, Role: old.Role, OrganisationID: &fresh.ID, ValidFrom: max(old.ValidFrom, r.On), ValidTo: old.ValidTo, Reason: r.LegalAct}
		if _, err := Grant(tx, a, next); err != nil {
			return "", err
		}
		if old.ValidFrom >= r.On { // it would have begun under the new name
			err = voidGrant(tx, a, old, r.LegalAct)
		} else {
			err = tx.Model(&RoleRow{}).Where("id = ?", old.ID).Updates(map[string]any{"valid_to": r.On.AddDays(-1), "version": old.Version + 1}).Error
		}
		if err != nil {
			return "", err
		}
	}
	return fresh.ID, nil
}
