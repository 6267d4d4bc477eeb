package org

import (
	"context"

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
