package org

import (
	"context"
	"slices"

	"congvu/inspection"
)

// Names is the names of units, organisations, desks and people by id, for pages that
// show them beside what their reader may see. Anyone signed in may ask for ids that
// they know. Code: unauthenticated.
func (s *Service) Names(ctx context.Context, actor inspection.Actor, ids ...string) (map[string]string, error) {
	if err := signedIn(actor); err != nil {
		return nil, err
	}
	return Names(s.db.WithContext(ctx), ids...)
}

// PlaceOf is the name of the place where an organisation sits, without its type, as it
// stands before the date of a paper ("Chúc Sơn, ngày …"). Anyone signed in may ask.
// Codes: unauthenticated, not_found.
func (s *Service) PlaceOf(ctx context.Context, actor inspection.Actor, organisation string) (string, error) {
	if err := signedIn(actor); err != nil {
		return "", err
	}
	var name string
	err := s.db.WithContext(ctx).Table("organisations").Select("admin_units.name").Joins("JOIN admin_units ON admin_units.id = organisations.admin_unit_id").
		Where("organisations.id = ?", organisation).Take(&name).Error
	return name, notFound(err, "org.error.unit_unknown")
}

// Register is the organisations and desks of a day, by administrative unit, for the
// page of units. Anyone signed in may read it. Code: unauthenticated.
func (s *Service) Register(ctx context.Context, actor inspection.Actor, asOf inspection.Date) (organisations map[string][]Organisation, desks map[string][]Desk, posts map[string]int, err error) {
	if err := signedIn(actor); err != nil {
		return nil, nil, nil, err
	}
	tx := s.db.WithContext(ctx)
	organisations, desks, posts = map[string][]Organisation{}, map[string][]Desk{}, map[string]int{}
	var os []Organisation
	if err := within(tx, asOf).Order("search, id").Find(&os).Error; err != nil {
		return nil, nil, nil, err
	}
	for _, o := range os {
		organisations[o.AdminUnitID] = append(organisations[o.AdminUnitID], o)
	}
	var ds []Desk
	if err := within(tx, asOf).Order("search, id").Find(&ds).Error; err != nil {
		return nil, nil, nil, err
	}
	for _, d := range ds {
		desks[d.OrganisationID] = append(desks[d.OrganisationID], d)
	}
	var counts []struct {
		DeskID string
		N      int
	}
	if err := within(tx.Table("posts"), asOf).Select("desk_id, COUNT(*) AS n").Group("desk_id").Find(&counts).Error; err != nil {
		return nil, nil, nil, err
	}
	for _, c := range counts {
		posts[c.DeskID] = c.N
	}
	return organisations, desks, posts, nil
}

// Heirs lists who may answer on a day for what belonged to an organisation: itself or
// what it went into as a whole (alone is true), else the organisations that took over
// parts of it, among which a person must choose. Anyone signed in may read it. Codes:
// unauthenticated, not_found.
func (s *Service) Heirs(ctx context.Context, actor inspection.Actor, organisation string, on inspection.Date) (heirs []Organisation, alone bool, err error) {
	if err := signedIn(actor); err != nil {
		return nil, false, err
	}
	tx := s.db.WithContext(ctx)
	o, alone, err := Responsible(tx, organisation, on)
	if err != nil || alone {
		return []Organisation{o}, alone, err
	}
	rows, err := Successors(tx, o.ID)
	if err != nil {
		return nil, false, err
	}
	for _, l := range rows {
		if l.SuccessorID == nil || l.EffectiveDate > on {
			continue
		}
		heir, exists, err := Responsible(tx, *l.SuccessorID, on)
		if err != nil {
			return nil, false, err
		}
		if exists && !slices.ContainsFunc(heirs, func(h Organisation) bool { return h.ID == heir.ID }) {
			heirs = append(heirs, heir)
		}
	}
	return heirs, false, nil
}

// Descent is one line of what became of an administrative unit, with the names and
// types of both ends as they were. Successor is empty for one that was dissolved.
type Descent struct {
	UnitLineage
	Predecessor, Successor         string
	PredecessorType, SuccessorType UnitType
}

// UnitDescents is all that became of administrative units, by the id of each end.
// Anyone signed in may read it. Code: unauthenticated.
func (s *Service) UnitDescents(ctx context.Context, actor inspection.Actor) (became, from map[string][]Descent, err error) {
	if err := signedIn(actor); err != nil {
		return nil, nil, err
	}
	var rows []Descent
	err = s.db.WithContext(ctx).Model(&UnitLineage{}).
		Select("admin_unit_lineage.*, p.name AS predecessor, p.unit_type AS predecessor_type, COALESCE(s.name, '') AS successor, COALESCE(s.unit_type, '') AS successor_type").
		Joins("JOIN admin_units p ON p.id = admin_unit_lineage.predecessor_id").
		Joins("LEFT JOIN admin_units s ON s.id = admin_unit_lineage.successor_id").
		Order("admin_unit_lineage.effective_date, p.search, admin_unit_lineage.id").Find(&rows).Error
	if err != nil {
		return nil, nil, err
	}
	became, from = map[string][]Descent{}, map[string][]Descent{}
	for _, d := range rows {
		became[d.PredecessorID] = append(became[d.PredecessorID], d)
		if d.SuccessorID != nil {
			from[*d.SuccessorID] = append(from[*d.SuccessorID], d)
		}
	}
	return became, from, nil
}

// SimulatedPosts counts the posts of a day that are demo data, by desk. Anyone signed
// in may read it. Code: unauthenticated.
func (s *Service) SimulatedPosts(ctx context.Context, actor inspection.Actor, asOf inspection.Date) (map[string]int, error) {
	if err := signedIn(actor); err != nil {
		return nil, err
	}
	var counts []struct {
		DeskID string
		N      int
	}
	err := within(s.db.WithContext(ctx).Table("posts"), asOf).Where("simulated").Select("desk_id, COUNT(*) AS n").Group("desk_id").Find(&counts).Error
	out := make(map[string]int, len(counts))
	for _, c := range counts {
		out[c.DeskID] = c.N
	}
	return out, err
}
