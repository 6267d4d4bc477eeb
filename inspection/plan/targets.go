package plan

import (
	"context"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// TargetFilter narrows the list of targets.
type TargetFilter struct {
	Team  string
	State State
}

// Known lists the targets that the actor knows of, the latest day first, and those of a day
// by their hour. Anybody may ask; most know of none.
func (s *Service) Known(ctx context.Context, actor inspection.Actor, f TargetFilter, page inspection.Page) ([]Item, string, error) {
	tx := s.db.WithContext(ctx)
	q := tx.Scopes(org.Scope(actor, org.ReadTarget, s.columns()))
	if f.Team != "" {
		q = q.Where("targets.team_id = ?", f.Team)
	}
	if f.State != "" {
		q = q.Where("targets.state = ?", f.State)
	}
	if last := strings.Split(page.Cursor, "|"); len(last) == 3 {
		day, id := last[0], last[2]
		at, err := inspection.ParseMinute(last[1])
		if err != nil {
			return nil, "", inspection.E(inspection.Invalid, "error.invalid").Because(err)
		}
		q = q.Where("targets.planned_on < ? OR targets.planned_on = ? AND (targets.planned_at > ? OR targets.planned_at = ? AND targets.id > ?)", day, day, at, at, id)
	}
	var targets []Target
	if err := q.Order("targets.planned_on DESC, targets.planned_at, targets.id").Limit(page.Size() + 1).Find(&targets).Error; err != nil {
		return nil, "", err
	}
	next := ""
	if len(targets) > page.Size() {
		targets = targets[:page.Size()]
		last := targets[len(targets)-1]
		next = strings.Join([]string{string(last.PlannedOn), last.PlannedAt.String(), last.ID}, "|")
	}
	items, err := s.items(tx, actor, targets)
	return items, next, err
}

// TargetSheet is a target with what its page shows.
type TargetSheet struct {
	Item
	Lead      string
	Openings  []OpeningLine
	Changes   []ChangeLine
	MayManage bool
	Gone      bool   // the unit or the desk does not exist on the planned day any more, and nobody stands for it
	Became    string // the unit that stands for it then
	DayOff    bool   // nobody works there on the planned day
	Closed    bool   // it is outside of the unit's working hours now
}

// OpeningLine is an opening with the person's name.
type OpeningLine struct {
	Opening
	Name, Position string
}

// Sheet is one target, for who knows of it. Code: not_found.
func (s *Service) Sheet(ctx context.Context, actor inspection.Actor, id string) (TargetSheet, error) {
	it, err := s.Get(ctx, actor, id)
	if err != nil {
		return TargetSheet{}, err
	}
	tx := s.db.WithContext(ctx)
	sheet := TargetSheet{Item: it}
	_, sheet.MayManage = org.Can(actor, org.ManageTarget, known{Target: it.Target, vacant: it.Vacant}.subject(false))
	names, err := org.Names(tx, it.LeadID)
	if err != nil {
		return sheet, err
	}
	sheet.Lead = names[it.LeadID]
	if it.State == Sealed {
		var c Campaign
		if err := take(tx, &c, it.CampaignID); err != nil {
			return sheet, err
		}
		now := it.Target
		there := now.follow(tx, c, max(it.PlannedOn, s.clock.Now().Date()))
		if sheet.Gone = there != nil; sheet.Gone && inspection.CodeOf(there) != inspection.Conflict && inspection.CodeOf(there) != inspection.Invalid {
			return sheet, there
		}
		if now.OrganisationID != it.OrganisationID {
			names, err := org.Names(tx, now.OrganisationID)
			if err != nil {
				return sheet, err
			}
			sheet.Became = names[now.OrganisationID]
		}
		calendar, err := org.CalendarFor(tx, now.OrganisationID)
		if err != nil {
			return sheet, err
		}
		sheet.DayOff = !calendar.IsWorkingDay(it.PlannedOn)
		at := s.clock.Now()
		sheet.Closed = !inspection.Within(calendar.Hours(at.Date()), at)
	}
	err = tx.Model(&Opening{}).Select("target_openings.*, people.name, people.position").Joins("JOIN people ON people.id = target_openings.person_id").
		Where("target_id = ?", id).Order("people.search, people.id").Find(&sheet.Openings).Error
	if err != nil {
		return sheet, err
	}
	sheet.Changes, err = changesOf(tx, "target", id)
	return sheet, err
}

// sealed loads a target for a change by its lead, locked. Codes: not_found, conflict.
func (s *Service) sealed(tx *gorm.DB, actor inspection.Actor, id string, version int64) (Target, inspection.Capacity, error) {
	t, err := load(tx.Clauses(clause.Locking{Strength: "UPDATE"}), id, s.clock.Now().Date())
	if err != nil {
		return t.Target, inspection.Capacity{}, err
	}
	if _, ok := org.Can(actor, org.ReadTarget, t.subject(false)); !ok {
		return t.Target, inspection.Capacity{}, notFound()
	}
	capacity, ok := org.Can(actor, org.ManageTarget, t.subject(false))
	switch {
	case !ok:
		err = inspection.E(inspection.Forbidden, "plan.error.lead_only")
	case version != 0 && version != t.Version:
		err = inspection.E(inspection.Conflict, "plan.error.changed_meanwhile")
	case t.State == Started:
		err = inspection.E(inspection.Conflict, "plan.error.started")
	case t.State != Sealed:
		err = inspection.E(inspection.Conflict, "plan.error.not_sealed")
	}
	return t.Target, capacity, err
}

// Moved is what may change of a sealed target; another unit is another target.
type Moved struct {
	PlannedOn inspection.Date
	PlannedAt inspection.Minute
	Form      Form   // empty: as it is; of a re-inspection it stays
	LeadID    string // empty: as it is; another head of the team takes the target over
}

// Move gives a sealed target another day, hour, form or lead, with a reason. Only its
// lead may. A target that is handed over exists for its former lead no more, unless
// opened. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) Move(ctx context.Context, actor inspection.Actor, id string, version int64, m Moved, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, capacity, err := s.sealed(tx, actor, id, version)
		if err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		if m.Form == "" || t.Form == Reinspection {
			m.Form = t.Form
		}
		if m.LeadID == "" {
			m.LeadID = t.LeadID
		}
		var c Campaign
		if err := take(tx, &c, t.CampaignID); err != nil {
			return err
		}
		switch {
		case m.Form == Reinspection && t.Form != Reinspection || !slices.Contains(forms, m.Form):
			return inspection.E(inspection.Invalid, "error.invalid").Field("form", "error.invalid")
		case m.Form == Remote && t.DeskID == nil:
			return inspection.E(inspection.Invalid, "plan.error.remote_desk").Field("form", "plan.error.remote_desk")
		case m.PlannedOn < s.clock.Now().Date():
			return inspection.E(inspection.Invalid, "plan.error.past").Field("planned_on", "plan.error.past")
		case m.Form != Reinspection && !m.PlannedOn.Within(c.PeriodFrom, c.PeriodTo):
			return inspection.E(inspection.Invalid, "plan.error.outside_period", "from", c.PeriodFrom, "to", c.PeriodTo).Field("planned_on", "error.invalid")
		case m.PlannedOn < c.DecisionDate:
			return inspection.E(inspection.Invalid, "plan.error.before_decision").Field("planned_on", "error.invalid")
		}
		there := t
		there.Form = m.Form
		if err := there.follow(tx, c, m.PlannedOn); err != nil {
			return err
		}
		if m.LeadID != t.LeadID {
			heads, err := people(tx.Where("person_roles.team_id = ? AND person_roles.role IN ?", t.TeamID, []inspection.Role{inspection.TeamLead, inspection.DeputyLead}), m.PlannedOn)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(heads, func(h Teammate) bool { return h.PersonID == m.LeadID }) {
				return inspection.E(inspection.Invalid, "plan.error.lead_not_head").Field("lead", "plan.error.lead_not_head")
			}
			if err := conflictOfInterest(tx, []string{m.LeadID}, t.OrganisationID); err != nil {
				return err
			}
		}
		names, err := org.Names(tx, t.LeadID, m.LeadID)
		if err != nil {
			return err
		}
		changed := changes{kind: "target", id: t.ID, reason: reason}
		changed.add("planned_on", t.PlannedOn.VN(), m.PlannedOn.VN())
		changed.add("at", t.PlannedAt.String(), m.PlannedAt.String())
		changed.add("form", string(t.Form), string(m.Form))
		changed.add("lead", names[t.LeadID], names[m.LeadID])
		if len(changed.rows) == 0 && t.LeadID == m.LeadID {
			return inspection.E(inspection.Invalid, "plan.error.nothing_changed")
		}
		if err := updated(tx.Model(&Target{}).Where("id = ? AND version = ? AND state = ?", id, t.Version, Sealed).Updates(map[string]any{
			"planned_on": m.PlannedOn, "planned_at": m.PlannedAt, "form": m.Form, "lead_id": m.LeadID, "version": t.Version + 1})); err != nil {
			return err
		}
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, "target.change", nil)
	})
}

// Hold suspends a sealed target or takes it up again; Drop cancels it for good. Both
// with a reason, and only by its lead. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) Hold(ctx context.Context, actor inspection.Actor, id string, version int64, suspended bool, reason string) error {
	to := "target.resume"
	if suspended {
		to = "target.suspend"
	}
	return s.standTarget(ctx, actor, id, version, to, reason, func(t Target) (map[string]any, string, error) {
		if t.Suspended == suspended {
			return nil, "", inspection.E(inspection.Invalid, "plan.error.standing")
		}
		state := string(Active)
		if suspended {
			state = string(Suspended)
		}
		return map[string]any{"suspended": suspended}, state, nil
	})
}

// Drop cancels a sealed target; as Hold.
func (s *Service) Drop(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	return s.standTarget(ctx, actor, id, version, "target.cancel", reason, func(Target) (map[string]any, string, error) {
		return map[string]any{"state": Cancelled, "suspended": false}, string(Dropped), nil
	})
}

func (s *Service) standTarget(ctx context.Context, actor inspection.Actor, id string, version int64, action, reason string,
	what func(Target) (set map[string]any, state string, err error)) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, capacity, err := s.sealed(tx, actor, id, version)
		if err != nil {
			return err
		}
		set, state, err := what(t)
		if err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		set["version"] = t.Version + 1
		if err := updated(tx.Model(&Target{}).Where("id = ? AND version = ? AND state = ?", id, t.Version, Sealed).Updates(set)); err != nil {
			return err
		}
		was := string(Active)
		if t.Suspended {
			was = string(Suspended)
		}
		changed := changes{kind: "target", id: t.ID, reason: reason}
		changed.add("state", was, state)
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, action, nil)
	})
}
