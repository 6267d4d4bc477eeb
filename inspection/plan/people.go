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

// Doubt is what a lead may not have meant when a target was given its day and hour.
type Doubt struct {
	DayOff bool // nobody works in the unit on the day
	Past   bool // the day or the hour has gone by
}

// Any tells whether there is one.
func (d Doubt) Any() bool { return d.DayOff || d.Past }

// Doubts looks at a target before it is sealed. Neither is refused: a lead may look
// whether a closed desk is closed. Of a day on which nothing can be sealed nothing is
// asked. Only who may put targets into the team's plan may
// ask. Code: not_found.
func (s *Service) Doubts(ctx context.Context, actor inspection.Actor, n NewTarget) (Doubt, error) {
	if _, ok := org.Can(actor, org.PlanTarget, org.Subject{Team: n.TeamID}); !ok {
		return Doubt{}, notFound()
	}
	tx := s.db.WithContext(ctx)
	var team Team
	if err := take(tx, &team, n.TeamID); err != nil {
		return Doubt{}, err
	}
	var campaign Campaign
	if err := take(tx, &campaign, team.CampaignID); err != nil {
		return Doubt{}, err
	}
	if !n.PlannedOn.Within(campaign.PeriodFrom, campaign.PeriodTo) || n.PlannedOn < campaign.DecisionDate {
		return Doubt{}, nil
	}
	calendar, err := org.CalendarFor(tx, n.OrganisationID)
	if err != nil {
		return Doubt{}, err
	}
	now := s.clock.Now().Time()
	today, minute := inspection.DateOf(now), inspection.Minute(now.Hour()*60+now.Minute())
	return Doubt{DayOff: !calendar.IsWorkingDay(n.PlannedOn), Past: n.PlannedOn < today || n.PlannedOn == today && n.PlannedAt < minute}, nil
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
