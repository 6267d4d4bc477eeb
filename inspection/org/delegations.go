package org

import (
	"context"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Delegation is that somebody acts in the place of the head of a unit for some days: may
// explain and report remedies, by name, and not what binds the unit (BindUnit). It counts
// as long as the head is the head,
// and the delegate of the unit.
type Delegation struct {
	ID             string             `gorm:"column:id;primaryKey"`
	OrganisationID string             `gorm:"column:organisation_id"`
	FromID         string             `gorm:"column:from_id"`
	ToID           string             `gorm:"column:to_id"`
	ValidFrom      inspection.Date    `gorm:"column:valid_from"`
	ValidTo        inspection.Date    `gorm:"column:valid_to"`
	DocumentNo     string             `gorm:"column:document_no"`
	Reason         string             `gorm:"column:reason"`
	MadeAt         inspection.Instant `gorm:"column:made_at"`
	EndedAt        inspection.Instant `gorm:"column:ended_at"`
	EndedBy        *string            `gorm:"column:ended_by"`
	Version        int64              `gorm:"column:version"`
}

// TableName is the table.
func (Delegation) TableName() string { return "delegations" }

// longestDelegation is how many days one may last at once.
const longestDelegation = 366

// Delegate lets somebody who holds a role in the unit act for its head from a day to
// another, both counted. The head of the unit may. The same id twice is once. Codes:
// unauthenticated, not_found, forbidden, invalid, conflict.
func (s *Service) Delegate(ctx context.Context, actor inspection.Actor, d Delegation) (Delegation, error) {
	capacity, err := heads(actor, d.OrganisationID)
	if err != nil {
		return d, err
	}
	reason, ok := inspection.Text(d.Reason, 1000)
	document, fits := inspection.Text(d.DocumentNo, 200)
	if !ok || !fits {
		return d, inspection.E(inspection.Invalid, "org.error.invalid")
	}
	for _, day := range []inspection.Date{d.ValidFrom, d.ValidTo} {
		if _, err := inspection.ParseDate(string(day)); err != nil || day == "" {
			return d, inspection.E(inspection.Invalid, "org.error.delegation_days").Field("to", "org.error.delegation_days")
		}
	}
	today := s.clock.Now().Date()
	if d.ValidTo < d.ValidFrom || d.ValidTo < today || d.ValidTo > d.ValidFrom.AddDays(longestDelegation) {
		return d, inspection.E(inspection.Invalid, "org.error.delegation_days").Field("to", "org.error.delegation_days")
	}
	if err := newID(&d.ID); err != nil {
		return d, err
	}
	d.FromID, d.Reason, d.DocumentNo, d.Version, d.EndedAt, d.EndedBy = actor.Person, reason, document, 1, 0, nil
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		act := Act{actor, capacity, s.clock.Now()}
		d.MadeAt = act.At
		var old []Delegation
		if err := tx.Where("id = ?", d.ID).Limit(1).Find(&old).Error; err != nil {
			return err
		}
		if len(old) > 0 {
			if o := old[0]; o.OrganisationID == d.OrganisationID && o.FromID == d.FromID && o.ToID == d.ToID {
				d = o
				return nil
			}
			return inspection.E(inspection.Conflict, "org.error.key_taken")
		}
		people, err := mayActFor(tx, d.OrganisationID, actor.Person, today)
		if err != nil {
			return err
		}
		known := false
		for _, p := range people {
			known = known || p.ID == d.ToID
		}
		if !known {
			return inspection.E(inspection.Invalid, "org.error.delegate_foreign").Field("person", "org.error.delegate_foreign")
		}
		if err := create(tx, &d); err != nil {
			return err
		}
		return act.record(tx, "org.delegate", "person", d.ToID, map[string]any{"delegation": d.ID, "organisation": d.OrganisationID, "from": d.ValidFrom, "to": d.ValidTo})
	})
	return d, err
}

// EndDelegation ends one before its time, at once. The head of the unit may, and
// administrators. Ending it twice is once. Codes: unauthenticated, not_found.
func (s *Service) EndDelegation(ctx context.Context, actor inspection.Actor, id string) error {
	if err := signedIn(actor); err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var d Delegation
		if err := notFound(tx.Where("id = ?", id).Take(&d).Error, "org.error.delegation_unknown"); err != nil {
			return err
		}
		capacity, err := heads(actor, d.OrganisationID)
		if err != nil {
			if capacity, err = requireAdmin(actor); err != nil {
				return inspection.E(inspection.NotFound, "org.error.delegation_unknown")
			}
		}
		if !d.EndedAt.IsZero() {
			return nil
		}
		act := Act{actor, capacity, s.clock.Now()}
		res := tx.Model(&Delegation{}).Where("id = ? AND version = ?", d.ID, d.Version).
			Updates(map[string]any{"ended_at": act.At, "ended_by": actor.Person, "version": d.Version + 1})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return act.record(tx, "org.delegate_end", "person", d.ToID, map[string]any{"delegation": d.ID, "organisation": d.OrganisationID})
	})
}

// Delegated lists the delegations of the units that the actor heads, the newest first,
// with the people who could act for each of them. Code: unauthenticated.
func (s *Service) Delegated(ctx context.Context, actor inspection.Actor) ([]Delegation, map[string][]Person, error) {
	if err := signedIn(actor); err != nil {
		return nil, nil, err
	}
	tx := s.db.WithContext(ctx)
	var units []string
	people := map[string][]Person{}
	for _, c := range actor.Capacities {
		if c.Role != inspection.UnitHead || c.Organisation == "" {
			continue
		}
		units = append(units, c.Organisation)
		var err error
		if people[c.Organisation], err = mayActFor(tx, c.Organisation, actor.Person, s.clock.Now().Date()); err != nil {
			return nil, nil, err
		}
	}
	if len(units) == 0 {
		return nil, people, nil
	}
	var rows []Delegation
	err := tx.Where("organisation_id IN ?", units).Order("made_at DESC, id DESC").Limit(100).Find(&rows).Error
	return rows, people, err
}

// mayActFor lists who holds a role in a unit, but for its head.
func mayActFor(tx *gorm.DB, organisation, head string, on inspection.Date) ([]Person, error) {
	var people []Person
	err := tx.Where("id <> ? AND id IN (?)", head, tx.Session(&gorm.Session{NewDB: true}).Table("person_roles AS r").Select("r.person_id").
		Where("r.organisation_id = ? AND r.team_id IS NULL AND "+holds, organisation, on, on)).Order("name, id").Find(&people).Error
	return people, err
}

// heads gives the capacity in which somebody heads a unit.
func heads(actor inspection.Actor, organisation string) (inspection.Capacity, error) {
	if err := signedIn(actor); err != nil {
		return inspection.Capacity{}, err
	}
	c, ok := Can(actor, BindUnit, Subject{Unit: organisation})
	if !ok {
		return c, MustNot()
	}
	return c, nil
}
