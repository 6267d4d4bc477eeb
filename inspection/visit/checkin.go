package visit

import (
	"errors"
	"slices"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"gorm.io/gorm"
)

// checkIn makes a check of a target: a look from the office where remote, any other where
// not.
func (s *Service) checkIn(tx *gorm.DB, actor inspection.Actor, op Operation, remote bool) (Outcome, error) {
	if o, known, err := s.checkedIn(tx, actor, op); known || err != nil {
		return o, err
	}
	state := NewState()
	if err := state.Apply(Rules{}, op); err != nil {
		return Outcome{}, err
	}
	now := op.ReceivedAt
	taken, err := plan.Take(tx, actor, state.CheckIn.Target, now)
	if err != nil {
		// The same act sent twice at once: the other one was taken in while this one
		// waited for the target.
		if o, known, again := s.checkedIn(tx, actor, op); inspection.CodeOf(err) == inspection.Conflict && (known || again != nil) {
			return o, again
		}
		return Outcome{}, err
	}
	if (taken.Target.Form == plan.Remote) != remote {
		return Outcome{}, errNotForForm
	}
	w := &work{Service: s, tx: tx, actor: actor, capacity: taken.Capacity, now: now}
	if w.visit, err = newVisit(tx, op, state.CheckIn, taken, now); err != nil {
		return Outcome{}, err
	}
	if err := w.strangers(); err != nil {
		return Outcome{}, err
	}
	if err := w.watched(); err != nil {
		return Outcome{}, err
	}
	if err := tx.Create(&w.visit).Error; err != nil {
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return Outcome{}, inspection.E(inspection.Conflict, "visit.error.already_checked_in")
		}
		return Outcome{}, err
	}
	for _, id := range taken.Findings {
		f, err := finding.ByID(tx, id)
		if err != nil || w.visit.ReinspectsID == nil || f.VisitID != *w.visit.ReinspectsID {
			return Outcome{}, inspection.E(inspection.Conflict, "visit.error.unknown_finding").Because(err)
		}
		if err := tx.Create(&visitFinding{VisitID: w.visit.ID, FindingID: id}).Error; err != nil {
			return Outcome{}, err
		}
	}
	for _, person := range taken.Members {
		if err := w.enrol(person, taken.Team.ID); err != nil {
			return Outcome{}, err
		}
	}
	op.Position, op.Role = 1, string(w.capacity.Role)
	if err := tx.Create(&op).Error; err != nil {
		return Outcome{}, err
	}
	err = w.record("visit.check_in", map[string]any{"operation": op.ID, "target": taken.Target.ID, "form": string(w.visit.Form),
		"organisation": w.visit.OrganisationID, "team": w.visit.TeamID, "located": w.visit.Location == "GIVEN"})
	return Outcome{Position: 1, State: Inspecting}, err
}

// checkedIn answers a check-in whose id is known.
func (s *Service) checkedIn(tx *gorm.DB, actor inspection.Actor, op Operation) (Outcome, bool, error) {
	var old []Operation
	if err := tx.Where("id = ?", op.ID).Limit(1).Find(&old).Error; err != nil || len(old) == 0 {
		return Outcome{}, false, err
	}
	w, err := s.open(tx, actor, op.VisitID)
	if err != nil {
		return Outcome{}, true, err
	}
	if old[0].VisitID != op.VisitID {
		return Outcome{}, true, inspection.E(inspection.Conflict, "visit.error.operation_id")
	}
	o, err := w.again(old[0], op)
	return o, true, err
}

func newVisit(tx *gorm.DB, op Operation, in CheckIn, taken plan.Taken, now inspection.Instant) (Visit, error) {
	t, c := taken.Target, taken.Campaign
	at := op.At()
	if at.Date() < t.PlannedOn || at.Date() < c.DecisionDate { // a clock that cannot be right
		at = now
	}
	o, err := org.OrganisationByID(tx, t.OrganisationID)
	if err != nil {
		return Visit{}, err
	}
	v := Visit{ID: op.VisitID, TargetID: t.ID, CampaignID: c.ID, TeamID: t.TeamID, LeadID: op.AuthorID, Form: t.Form,
		OrganisationID: o.ID, OrganisationName: o.Name, OrganisationKind: o.Kind, DeskID: t.DeskID, IssuerID: c.IssuerID, DecisionNumber: c.DecisionNumber,
		DecisionDate: c.DecisionDate, DecidedBy: c.DecidedBy, ReinspectsID: t.ReinspectsID, State: Inspecting, Day: at.Date(),
		CheckedInAt: at, Location: in.Location, Latitude: in.Latitude, Longitude: in.Longitude, Accuracy: in.Accuracy,
		Positions: 1, Simulated: c.Simulated, Version: 1}
	if c.ChecklistID == nil {
		return Visit{}, inspection.E(inspection.Invalid, "plan.error.no_decision")
	}
	v.ChecklistID = *c.ChecklistID
	if t.DeskID != nil {
		d, err := org.DeskByID(tx, *t.DeskID)
		if err != nil {
			return Visit{}, err
		}
		v.DeskName = d.Name
	}
	calendar, err := org.CalendarFor(tx, o.ID)
	if err != nil {
		return Visit{}, err
	}
	v.Hours = writeHours(calendar.Hours(v.Day))
	v.Search = inspection.Fold(v.OrganisationName + " " + v.DeskName + " " + v.DecisionNumber)
	return v, nil
}

// watched refuses a look at a desk that no camera may be asked about.
func (w *work) watched() error {
	if !w.visit.Remote() {
		return nil
	}
	there := false
	if w.visit.DeskID != nil {
		var err error
		if there, err = w.evidence.Watched(w.tx, *w.visit.DeskID, w.visit.Day); err != nil {
			return err
		}
	}
	if !there {
		return inspection.E(inspection.Conflict, "visit.error.no_camera")
	}
	return nil
}

// strangers refuses a member of the first check on its re-inspection: it is for other
// members (domain: findings, verdict).
func (w *work) strangers() error {
	if w.visit.ReinspectsID == nil {
		return nil
	}
	var n int64
	err := w.tx.Model(&Member{}).Where("visit_id = ? AND person_id = ?", *w.visit.ReinspectsID, w.actor.Person).Count(&n).Error
	if err == nil && n > 0 {
		return inspection.E(inspection.Forbidden, "visit.error.same_member")
	}
	return err
}

func (w *work) enrol(person, team string) error {
	capacities, err := org.CapacitiesOf(w.tx, person, w.now.Date())
	if err != nil {
		return err
	}
	at := slices.IndexFunc(capacities, func(c inspection.Capacity) bool { return c.Team == team })
	if at < 0 {
		return nil
	}
	name, position, err := personOf(w.tx, person)
	if err != nil {
		return err
	}
	return w.tx.Create(&Member{VisitID: w.visit.ID, PersonID: person, Role: capacities[at].Role, Name: name, Position: position}).Error
}
