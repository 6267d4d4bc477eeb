package finding

import (
	"context"
	"errors"
	"maps"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Evidence is what a finding must know of files. Its methods join the caller's
// transaction. Subjects are "item" (the id is the item's key in that check),
// "finding", "step" and "explanation"; roles are EVIDENCE, BEFORE and AFTER.
type Evidence interface {
	// Attach hangs received files of a check, sent by the actor's side, on a subject.
	Attach(tx *gorm.DB, actor inspection.Actor, visit string, files []string, kind, id, role string, at inspection.Instant) error
	// Files lists the received files of a check that hang on a subject in a role.
	Files(tx *gorm.DB, visit, kind, id, role string) ([]string, error)
	// TakenAt is when each file was taken, by server time where clocks disagree.
	TakenAt(tx *gorm.DB, files []string) (map[string]inspection.Instant, error)
}

// Service keeps the findings.
type Service struct {
	db       *gorm.DB
	clock    inspection.Clock
	evidence Evidence
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, evidence Evidence) *Service {
	return &Service{db: db, clock: clock, evidence: evidence}
}

func notFound() error { return inspection.E(inspection.NotFound, "finding.error.unknown") }

func changed() error { return inspection.E(inspection.Conflict, "finding.error.changed_meanwhile") }

// work is one finding under the hands of one transaction: its row is locked.
type work struct {
	tx       *gorm.DB
	actor    inspection.Actor
	capacity inspection.Capacity
	f        Finding
	cal      *org.Calendar
	terms    *org.Deadlines
	more     map[string]any // what else the history row of the next step holds
	now      inspection.Instant
}

// lock loads a finding and locks its row.
func lock(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, now inspection.Instant, id string) (*work, error) {
	w := &work{tx: tx, actor: actor, capacity: capacity, now: now}
	if inspection.CheckID(id) != nil {
		return nil, notFound()
	}
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&w.f).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, notFound()
	}
	return w, err
}

// act runs one change of one finding: who may not see it finds nothing, who may not
// do it is refused, who saw another version has a conflict. Version 0 means that the
// caller does not compare.
func (s *Service) act(ctx context.Context, actor inspection.Actor, action org.Action, id string, version int64, change func(w *work) error) error {
	if actor.Person == "" {
		return notSignedIn()
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, err := lock(tx, actor, inspection.Capacity{}, s.clock.Now(), id)
		if err != nil {
			return err
		}
		if err := w.may(action); err != nil {
			return err
		}
		if version != 0 && w.f.Version != version {
			return changed()
		}
		if err := w.acknowledgeByItself(); err != nil {
			return err
		}
		return change(w)
	})
}

// may finds the capacity in which the actor may do something.
func (w *work) may(action org.Action) error {
	capacity, ok := org.Can(w.actor, action, w.f.Subject())
	if ok {
		w.capacity = capacity
		return nil
	}
	if _, sees := org.Can(w.actor, org.ReadFinding, w.f.Subject()); !sees {
		return notFound()
	}
	return org.MustNot()
}

// calendar is the working calendar of who answers now.
func (w *work) calendar() (org.Calendar, error) {
	if w.cal == nil {
		c, err := org.CalendarFor(w.tx, w.f.ResponsibleID)
		if err != nil {
			return c, err
		}
		w.cal = &c
	}
	return *w.cal, nil
}

func (w *work) today() inspection.Date { return w.now.Date() }

// addDays is so many working days from today on the unit's calendar.
func (w *work) addDays(n int) (inspection.Date, error) {
	c, err := w.calendar()
	if err != nil {
		return "", err
	}
	return org.AddWorkingDays(c, w.today(), n)
}

// days is how many days a deadline is that begins today.
func (w *work) days(key org.Deadline) (int, error) {
	d, err := w.deadlines()
	return d.Of(key), err
}

func (w *work) deadlines() (org.Deadlines, error) {
	if w.terms == nil {
		d, err := org.DeadlinesOn(w.tx, w.today())
		if err != nil {
			return d, err
		}
		w.terms = &d
	}
	return *w.terms, nil
}

// until is the day on which a deadline that begins today ends.
func (w *work) until(key org.Deadline) (inspection.Date, error) {
	n, err := w.days(key)
	if err != nil {
		return "", err
	}
	return w.addDays(n)
}

// term is the columns of a new term that starts today, of so many days (0: as it is
// for the severity given).
func (w *work) term(days int, severity Severity) (map[string]any, error) {
	d, err := w.deadlines()
	if err != nil {
		return nil, err
	}
	if days == 0 {
		days = TermOf(d, severity, w.f.ItemKey, w.f.Section)
	}
	interim := inspection.Date("")
	if severity == Critical {
		if interim, err = w.addDays(d.Of(org.InterimDays)); err != nil {
			return nil, err
		}
	}
	c, err := w.calendar()
	if err != nil {
		return nil, err
	}
	due, err := org.AddWorkingDays(c, w.today(), days)
	if err != nil {
		return nil, err
	}
	ack, err := org.AddWorkingDays(c, w.today(), d.Of(org.AcknowledgeDays))
	if err != nil {
		return nil, err
	}
	return map[string]any{"due_on": due, "due_start": w.today(), "due_days": days, "due_calendar": c.ID(), "assigned_at": w.now,
		"acknowledge_due": ack, "interim_due": interim, "planned_at": 0, "escalated_at": 0, "handed_in_on": "", "submitted_by": nil, "review_due": "", "accepted_at": 0, "accepted_by": nil,
		"draw_seed": newSeed(), "drawn": false, "reinspect_from": "", "reinspect_due": "", "closed_at": 0}, nil
}

// step decides an event with the pure table and writes row, step and history. The
// columns of set change with the state. The step's id may be given.
func (w *work) step(e Event, facts Facts, step Step, set map[string]any) error {
	facts.OnHold = w.f.OnHold
	to, err := Next(w.f.State, e, facts)
	if err != nil {
		return err
	}
	if set == nil {
		set = map[string]any{}
	}
	set = maps.Clone(set)
	if to != w.f.State {
		set["state"] = to
	}
	if to.Terminal() {
		set["closed_at"] = w.now
	}
	set["version"] = w.f.Version + 1
	res := w.tx.Model(&Finding{}).Where("id = ? AND version = ?", w.f.ID, w.f.Version).Updates(set)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return changed()
	}
	from := w.f.State
	w.f = Finding{}
	if err := w.tx.Where("id = ?", step.FindingID).Take(&w.f).Error; err != nil {
		return err
	}
	return w.write(e, from, to, step)
}

// write adds the step and its history row.
func (w *work) write(e Event, from, to State, step Step) error {
	var last int64
	if err := w.tx.Model(&Step{}).Where("finding_id = ?", step.FindingID).Select("COALESCE(MAX(seq), 0)").Scan(&last).Error; err != nil {
		return err
	}
	if step.ID == "" {
		step.ID = inspection.NewID()
	}
	step.Seq, step.Event, step.From, step.To, step.At = last+1, e, from, to, w.now
	step.ActorID, step.Role, step.Organisation, step.Team = w.actor.Person, w.capacity.Role, w.capacity.Organisation, w.capacity.Team
	step.DueOn, step.Severity = w.f.DueOn, w.f.Severity
	if err := w.tx.Create(&step).Error; err != nil {
		return err
	}
	data := map[string]any{"step": step.ID, "from": from, "to": to,
		"due": w.f.DueOn, "severity": w.f.Severity, "text_sha256": history.TextHash(step.Text), "document_sha256": history.TextHash(step.DocumentNo),
		"reinspection": deref(step.VisitID), "responsible": w.f.ResponsibleID}
	maps.Copy(data, w.more)
	w.more = nil
	if to == Assigned || to == InRemediation && e == VerdictPartial {
		data["draw_sha256"] = history.TextHash(w.f.DrawSeed)
	}
	if e == Accept && w.f.Severity == Moderate {
		data["draw_seed"], data["drawn"] = w.f.DrawSeed, w.f.Drawn
	}
	return history.Append(w.tx, history.Event{Actor: w.actor, Capacity: w.capacity, At: w.now, Action: "finding." + string(e),
		SubjectKind: "finding", SubjectID: w.f.ID, Visit: w.f.VisitID, Data: data})
}

// acknowledgeByItself lets an assignment that nobody acknowledged in time be taken
// as acknowledged.
func (w *work) acknowledgeByItself() error {
	if w.f.State != Assigned || w.f.OnHold || w.f.AcknowledgeDue == "" || w.today() <= w.f.AcknowledgeDue {
		return nil
	}
	system := *w
	system.actor, system.capacity = inspection.Actor{}, inspection.Capacity{}
	if err := system.step(Acknowledge, Facts{}, Step{FindingID: w.f.ID}, nil); err != nil {
		return err
	}
	w.f = system.f
	return nil
}

// Unacknowledged counts the assignments that wait to be taken as acknowledged. For the
// page of the installation's health; the caller has checked rights.
func (s *Service) Unacknowledged(ctx context.Context) (n int64, err error) {
	err = s.unacknowledged(ctx).Count(&n).Error
	return n, err
}

func (s *Service) unacknowledged(ctx context.Context) *gorm.DB {
	return s.db.WithContext(ctx).Model(&Finding{}).Where("state = ? AND on_hold = ? AND acknowledge_due <> '' AND acknowledge_due < ?", Assigned, false, s.clock.Now().Date())
}

// AcknowledgeOverdue lets all assignments that nobody acknowledged within their two
// working days be taken as acknowledged, at most limit at once; it tells how many.
// The program calls it from time to time; nobody else does.
func (s *Service) AcknowledgeOverdue(ctx context.Context, limit int) (int, error) {
	now := s.clock.Now()
	var ids []string
	err := s.unacknowledged(ctx).Order("id").Limit(limit).Pluck("id", &ids).Error
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range ids {
		err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			w, err := lock(tx, inspection.Actor{}, inspection.Capacity{}, now, id)
			if err != nil {
				return err
			}
			before := w.f.State
			if err := w.acknowledgeByItself(); err != nil {
				return err
			}
			if w.f.State != before {
				n++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// clean checks a text from outside.
func clean(field, s string) (string, error) {
	s, ok := inspection.Text(s, 4000)
	if !ok {
		return s, inspection.E(inspection.Invalid, "finding.error.text_invalid").Field(field, "finding.error.text_invalid")
	}
	return s, nil
}

// once tells whether an id made by a client was used before: by the same act it is
// that act again (true), by another a conflict.
func (w *work) once(stepID string, e Event, text string) (bool, error) {
	if stepID == "" {
		return false, nil
	}
	if err := inspection.CheckID(stepID); err != nil {
		return false, err
	}
	var old []Step
	if err := w.tx.Where("id = ?", stepID).Limit(1).Find(&old).Error; err != nil || len(old) == 0 {
		return false, err
	}
	if o := old[0]; o.FindingID == w.f.ID && o.Event == e && o.ActorID == w.actor.Person && o.Text == text {
		return true, nil
	}
	return false, inspection.E(inspection.Conflict, "finding.error.id_used")
}
