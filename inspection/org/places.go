package org

import (
	"context"
	"strings"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Place is where a check can be made: a desk, or an organisation that has none on the
// day.
type Place struct {
	OrganisationID, Organisation string
	Kind                         Kind
	DeskID, Desk                 string // empty: the organisation itself
	Unit                         string // the administrative unit's name
	UnitType                     UnitType
}

// Key names the place in a form: the organisation and, after a slash, the desk.
func (p Place) Key() string { return p.OrganisationID + "/" + p.DeskID }

// PlaceOfKey reads a Key. Code: invalid.
func PlaceOfKey(key string) (organisation string, desk *string, err error) {
	organisation, id, ok := strings.Cut(key, "/")
	if !ok || inspection.CheckID(organisation) != nil || id != "" && inspection.CheckID(id) != nil {
		return "", nil, inspection.E(inspection.Invalid, "error.invalid").Field("place", "error.invalid")
	}
	if id != "" {
		desk = &id
	}
	return organisation, desk, nil
}

// Under keeps the organisations of administrative units and of all below them.
func Under(units ...string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		return q.Where(`organisations.admin_unit_id IN (WITH RECURSIVE below (id) AS (SELECT id FROM admin_units WHERE id IN ?
			UNION SELECT u.id FROM admin_units u JOIN below b ON u.parent_id = b.id) SELECT id FROM below)`, units)
	}
}

// Places finds the desks of a day, and the organisations without one, whose names hold
// all the words, whatever their diacritics. Committees and teams are no places of
// themselves. among may narrow the organisations (Under) and desks. Anyone signed in
// may. Code: unauthenticated.
func (s *Service) Places(ctx context.Context, actor inspection.Actor, query string, asOf inspection.Date, among []func(*gorm.DB) *gorm.DB, page inspection.Page) ([]Place, error) {
	if err := signedIn(actor); err != nil {
		return nil, err
	}
	tx := s.db.WithContext(ctx).Table("organisations").
		Select(`organisations.id AS organisation_id, organisations.name AS organisation, organisations.kind,
			COALESCE(desks.id, '') AS desk_id, COALESCE(desks.name, '') AS desk, admin_units.name AS unit, admin_units.unit_type`).
		Joins("JOIN admin_units ON admin_units.id = organisations.admin_unit_id").
		Joins("LEFT JOIN desks ON desks.organisation_id = organisations.id AND (desks.valid_from = '' OR desks.valid_from <= ?) AND (desks.valid_to = '' OR desks.valid_to >= ?)", asOf, asOf).
		Where("(organisations.valid_from = '' OR organisations.valid_from <= ?) AND (organisations.valid_to = '' OR organisations.valid_to >= ?)", asOf, asOf).
		Where("desks.id IS NOT NULL OR organisations.kind NOT IN ?", []Kind{PeoplesCommittee, InspectionTeam}).
		Scopes(among...)
	for _, word := range strings.Fields(inspection.Fold(query)) {
		tx = tx.Where("organisations.search || ' ' || COALESCE(desks.search, '') || ' ' || admin_units.search LIKE ?", "%"+word+"%")
	}
	var out []Place
	err := tx.Order("organisations.search, organisations.id, desks.search, desks.id").Limit(page.Size() + 1).Find(&out).Error
	return out, err
}
