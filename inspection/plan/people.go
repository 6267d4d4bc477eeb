package plan

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Teammate is a person who holds a role in a team.
type Teammate struct {
	PersonID string
	Name     string
	Position string
	Role     inspection.Role
}

// Teammates lists who holds a role in a team on a day, each person once. Only who may
// put targets into the team's plan may ask. Code: not_found.
func (s *Service) Teammates(ctx context.Context, actor inspection.Actor, team string, on inspection.Date) ([]Teammate, error) {
	if _, ok := org.Can(actor, org.PlanTarget, org.Subject{Team: team}); !ok {
		return nil, notFound()
	}
	return people(s.db.WithContext(ctx).Where("person_roles.team_id = ?", team), on)
}

// people lists who holds, on a day, one of the roles that a condition keeps, each
// person once.
func people(which *gorm.DB, on inspection.Date) ([]Teammate, error) {
	var rows []Teammate
	err := which.Table("person_roles").
		Select("person_roles.person_id, people.name, people.position, person_roles.role").
		Joins("JOIN people ON people.id = person_roles.person_id").
		Where("person_roles.voided_at = 0 AND (person_roles.valid_from = '' OR person_roles.valid_from <= ?) AND (person_roles.valid_to = '' OR person_roles.valid_to >= ?)", on, on).
		Order("people.search, people.id, person_roles.role").Find(&rows).Error
	return slices.CompactFunc(rows, func(a, b Teammate) bool { return a.PersonID == b.PersonID }), err
}

// Reinspections are the sealed targets that the actor knows of and that check the
// findings of an earlier check again: day by finding. Anybody may ask; most know of
// none.
func (s *Service) Reinspections(ctx context.Context, actor inspection.Actor, visit string) (map[string]inspection.Date, error) {
	var rows []struct {
		FindingID string
		PlannedOn inspection.Date
	}
	err := s.db.WithContext(ctx).Table("targets").Scopes(org.Scope(actor, org.ReadTarget, s.columns())).
		Joins("JOIN target_findings ON target_findings.target_id = targets.id").
		Where("targets.state = ? AND targets.reinspects_id = ?", Sealed, visit).
		Select("target_findings.finding_id, targets.planned_on").Order("targets.planned_on DESC").Find(&rows).Error
	out := map[string]inspection.Date{}
	for _, r := range rows {
		out[r.FindingID] = r.PlannedOn
	}
	return out, err
}
