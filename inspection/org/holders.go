package org

import (
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// HoldersOf lists the people who on a day hold one of the roles in an organisation, or in
// what it has gone into as a whole by then, apart from any team; UnitDelegate are those
// who act for a head on that day. For whoever must know
// whom to tell; what each of them may see is Can's to say.
func HoldersOf(tx *gorm.DB, on inspection.Date, organisation string, roles ...inspection.Role) ([]string, error) {
	heirs, err := WholeSuccessors(tx, organisation, on)
	if err != nil {
		return nil, err
	}
	heirs = append(heirs, organisation)
	const there = "(o.valid_from = '' OR o.valid_from <= ?) AND (o.valid_to = '' OR o.valid_to >= ?)"
	people, err := holders(tx.Where("r.team_id IS NULL AND r.organisation_id IN ?", heirs).
		Joins("JOIN organisations o ON o.id = r.organisation_id").Where(there, on, on), on, roles)
	if err != nil || !slices.Contains(roles, inspection.UnitDelegate) {
		return people, err
	}
	var acting []string
	err = tx.Table("delegations AS d").Joins("JOIN organisations o ON o.id = d.organisation_id").Where(there, on, on).
		Where("d.organisation_id IN ? AND "+delegates, heirs, on, on, on, on, on, on).Distinct().Pluck("d.to_id", &acting).Error
	people = append(people, acting...)
	slices.Sort(people)
	return slices.Compact(people), err
}

// TeamHolders lists the people who on a day hold one of the roles in a team. As HoldersOf.
func TeamHolders(tx *gorm.DB, on inspection.Date, team string, roles ...inspection.Role) ([]string, error) {
	return holders(tx.Where("r.team_id = ?", team), on, roles)
}

func holders(q *gorm.DB, on inspection.Date, roles []inspection.Role) ([]string, error) {
	var people []string
	err := q.Table("person_roles AS r").Where("r.role IN ? AND "+holds, roles, on, on).Distinct().Pluck("r.person_id", &people).Error
	slices.Sort(people)
	return people, err
}

// ActorOn is a person as an actor with the capacities of a day, for what the program does
// in the place of somebody who is not signed in, such as writing to them. Code: not_found.
func ActorOn(tx *gorm.DB, person string, on inspection.Date) (inspection.Actor, error) {
	p, err := PersonByID(tx, person)
	if err != nil {
		return inspection.Actor{}, err
	}
	a := inspection.Actor{Person: p.ID, Name: p.Name}
	a.Capacities, err = CapacitiesOf(tx, person, on)
	return a, err
}
