package org

import (
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// HoldersOf lists the people who on a day hold one of the roles in an organisation, or in
// what it has gone into as a whole by then, apart from any team. For whoever must know
// whom to tell; what each of them may see is Can's to say.
func HoldersOf(tx *gorm.DB, on inspection.Date, organisation string, roles ...inspection.Role) ([]string, error) {
	heirs, err := WholeSuccessors(tx, organisation, on)
	if err != nil {
		return nil, err
	}
	return holders(tx.Where("person_roles.team_id IS NULL AND person_roles.organisation_id IN ?", append(heirs, organisation)).
		Joins("JOIN organisations o ON o.id = person_roles.organisation_id").
		Where("(o.valid_from = '' OR o.valid_from <= ?) AND (o.valid_to = '' OR o.valid_to >= ?)", on, on), on, roles)
}

// TeamHolders lists the people who on a day hold one of the roles in a team. As HoldersOf.
func TeamHolders(tx *gorm.DB, on inspection.Date, team string, roles ...inspection.Role) ([]string, error) {
	return holders(tx.Where("person_roles.team_id = ?", team), on, roles)
}

func holders(q *gorm.DB, on inspection.Date, roles []inspection.Role) ([]string, error) {
	var people []string
	err := q.Model(&RoleRow{}).Where("person_roles.role IN ? AND person_roles.voided_at = 0", roles).
		Where("(person_roles.valid_from = '' OR person_roles.valid_from <= ?) AND (person_roles.valid_to = '' OR person_roles.valid_to >= ?)", on, on).
		Distinct().Pluck("person_roles.person_id", &people).Error
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
