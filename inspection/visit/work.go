package visit

import (
	"errors"
	"maps"
	"reflect"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// take takes one operation in; flush writes it.
func (w *work) take(op Operation) (Outcome, error) {
	if old, ok := w.taken(op.ID); ok {
		return w.again(old, op)
	}
	action := org.InspectVisit
	if slices.Contains([]Type{OpFinish, OpSign, OpRefuse, OpSend, OpCannotInspect}, op.Type) {
		action = org.FinishVisit
	}
	if err := w.may(action); err != nil {
		return Outcome{}, err
	}
	if err := w.join(); err != nil {
		return Outcome{}, err
	}
	w.now = op.ReceivedAt
	if err := w.apply(op); err != nil {
		return Outcome{}, err
	}
	return Outcome{Position: w.visit.Positions, State: w.visit.State}, nil
}

// work is a check under the hands of one transaction: its row is locked, its
// operations are folded.
type work struct {
	*Service
	tx         *gorm.DB
	actor      inspection.Actor
	capacity   inspection.Capacity
	visit      Visit
	rules      Rules
	operations []Operation
	state      *State
	now        inspection.Instant
	joined     bool

	// What flush has still to write.
	pending []Operation
	stored  map[string]Answer // by item key, as the rows have them
	events  []history.Event
	files   []Declared // that are to be declared
	hangs   []Hanging  // photographs that are to hang on items and findings
}

// open loads a check that the actor may see and locks it.
func (s *Service) open(tx *gorm.DB, actor inspection.Actor, id string) (*work, error) {
	w := &work{Service: s, tx: tx, actor: actor, now: s.clock.Now()}
	if err := inspection.CheckID(id); err != nil {
		return nil, notFound()
	}
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&w.visit).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	if _, ok := org.Can(actor, org.ListVisit, w.visit.Subject()); !ok {
		return nil, notFound()
	}
	return w, w.fold()
}

func (w *work) fold() (err error) {
	if w.rules, err = w.rulesOf(w.tx, w.visit); err != nil {
		return err
	}
	if f, ok := w.warm.take(w.visit.ID, w.visit.Positions); ok {
		w.operations, w.state = f.operations, f.state
	} else if w.operations, err = operationsOf(w.tx, w.visit.ID); err != nil {
		return err
	} else if w.state, err = Fold(w.rules, w.operations); err != nil {
		return err
	}
	w.stored = maps.Clone(w.state.Answers)
	return nil
}

// operationsOf reads field by field: every post reads all of its check, and gorm would
// look at each field of each row anew.
func operationsOf(tx *gorm.DB, id string) ([]Operation, error) {
	rows, err := tx.Model(&Operation{}).Where("visit_id = ?", id).Order("position").
		Select("id, visit_id, position, author_id, role, device, device_at, offset_ms, boot, elapsed_ms, seq, base, type, payload, received_at").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ops []Operation
	for rows.Next() {
		var o Operation
		if err := rows.Scan(&o.ID, &o.VisitID, &o.Position, &o.AuthorID, &o.Role, &o.Device, &o.DeviceAt, &o.OffsetMS, &o.Boot, &o.ElapsedMS, &o.Seq, &o.Base, &o.Type, &o.Payload, &o.ReceivedAt); err != nil {
			return nil, err
		}
		ops = append(ops, o)
	}
	return ops, rows.Err()
}

func (w *work) may(action org.Action) error {
	capacity, ok := org.Can(w.actor, action, w.visit.Subject())
	if !ok {
		return org.MustNot()
	}
	w.capacity = capacity
	return nil
}

func (w *work) taken(id string) (Operation, bool) {
	for _, op := range w.operations {
		if op.ID == id {
			return op, true
		}
	}
	return Operation{}, false
}

// again answers an operation that is already there: the same act gives the same
// answer, another act under the same id is a conflict.
func (w *work) again(old, op Operation) (Outcome, error) {
	if old.AuthorID != op.AuthorID || old.Type != op.Type || old.Payload != op.Payload {
		return Outcome{}, inspection.E(inspection.Conflict, "visit.error.operation_id")
	}
	return Outcome{Position: old.Position, Duplicate: true, State: w.visit.State}, nil
}

// elsewhere refuses ids that operations of other checks have.
func (w *work) elsewhere(ops []Operation) error {
	ids := make([]string, 0, len(ops))
	for _, op := range ops {
		if _, here := w.taken(op.ID); !here {
			ids = append(ids, op.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var n int64
	if err := w.tx.Model(&Operation{}).Where("id IN ?", ids).Count(&n).Error; err != nil {
		return err
	}
	if n > 0 {
		return inspection.E(inspection.Conflict, "visit.error.operation_id")
	}
	return nil
}

// add applies one operation and writes it.
func (w *work) add(op Operation) error {
	if err := w.apply(op); err != nil {
		return err
	}
	return w.flush()
}

// apply applies an operation and does what it sets off. The operation itself, the rows
// it projects to, the new state of the check and history are written by flush, many
// operations at once.
func (w *work) apply(op Operation) error {
	before := w.visit.State
	if op.Type == OpFinish {
		if err := w.write(); err != nil { // what was just declared is waited for too
			return err
		}
		if err := w.ready(); err != nil {
			return err
		}
	}
	if op.Type == OpSend {
		if err := w.stillComing(); err != nil {
			return err
		}
	}
	if conflicts := w.state.Conflicts(); (op.Type == OpSign || op.Type == OpRefuse || op.Type == OpSend) && len(conflicts) > 0 {
		e := inspection.E(inspection.Conflict, "visit.error.conflicts", "n", len(conflicts))
		for register := range conflicts {
			e.Field(register, "visit.open."+NeedsChoice)
		}
		return e
	}
	late := !op.Type.barrier() && w.state.late(op)
	if err := w.state.Apply(w.rules, op); err != nil {
		return err
	}
	op.Position, op.Role = w.visit.Positions+1, string(w.capacity.Role)
	w.operations, w.pending = append(w.operations, op), append(w.pending, op)
	if late {
		var err error
		if w.state, err = Fold(w.rules, w.operations); err != nil {
			return err
		}
	}
	w.visit.Positions = op.Position
	if op.Type.followed() {
		if op.Type != OpPhoto && op.Type != OpDeclare {
			if err := w.write(); err != nil { // what follows stands after it, in history too
				return err
			}
		}
		if err := w.follow(op); err != nil {
			return err
		}
	}
	w.visit.State = w.state.Phase
	w.events = append(w.events, w.event("visit.operation", map[string]any{"operation": op.ID, "type": string(op.Type), "position": op.Position,
		"payload_sha256": history.TextHash(op.Payload)}))
	if before == w.visit.State {
		return nil
	}
	w.events = append(w.events, w.event("visit.state", map[string]any{"from": string(before), "to": string(w.visit.State), "operation": op.ID}))
	return w.flush() // the files and findings of the check go by its row
}

// flush writes what apply has left to be written, and the check's row.
func (w *work) flush() error {
	if len(w.pending) == 0 && len(w.events) == 0 && len(w.files) == 0 && len(w.hangs) == 0 {
		return nil
	}
	if err := w.write(); err != nil {
		return err
	}
	return w.save()
}

// write writes operations, answers and history, declares files and hangs photographs.
func (w *work) write() error {
	if len(w.pending) > 0 {
		if err := w.tx.CreateInBatches(&w.pending, 100).Error; err != nil {
			return err
		}
	}
	if err := w.project(); err != nil {
		return err
	}
	if err := history.Append(w.tx, w.events...); err != nil {
		return err
	}
	if len(w.files) > 0 {
		if err := w.evidence.Declare(w.tx, w.actor, w.visit.ID, w.files); err != nil {
			return err
		}
	}
	if len(w.hangs) > 0 {
		if err := w.evidence.Attach(w.tx, w.actor, w.visit.ID, w.hangs); err != nil {
			return err
		}
	}
	w.pending, w.events, w.files, w.hangs = nil, nil, nil, nil
	return nil
}

// ready refuses to finish a check while anything is open, naming every item.
func (w *work) ready() error {
	if w.state.Phase != Inspecting {
		return wrongPhase(OpFinish, w.state.Phase)
	}
	files, err := w.evidence.Files(w.tx, w.visit.ID)
	if err != nil {
		return err
	}
	if err := w.stillComing(); err != nil {
		return err
	}
	if w.visit.Remote() && !w.state.Looked() && w.now.Date() == w.visit.Day { // afterwards it cannot be made good, and is ended as it is
		return inspection.E(inspection.Conflict, "visit.error.no_still")
	}
	open := w.state.Still(w.rules, files)
	var undelivered []string
	for _, id := range slices.Sorted(maps.Keys(files)) {
		if files[id] == Awaited {
			undelivered = append(undelivered, id)
		}
	}
	if len(open) == 0 && len(undelivered) == 0 {
		return nil
	}
	n := len(open)
	for _, id := range undelivered {
		if !slices.ContainsFunc(open, func(o Open) bool { return o.File == id }) { // what hangs on an item counts there
			n++
		}
	}
	e := inspection.E(inspection.Conflict, "visit.error.open_items", "n", n)
	for _, o := range open {
		name := o.Code
		if name == "" {
			name = o.Subject
		}
		if o.What == NeedsAttendance {
			name = "attendance"
		}
		e.Field(name, "visit.open."+o.What)
	}
	for _, id := range undelivered {
		e.Field(id, "visit.open.UPLOAD")
	}
	return e
}

// stillComing refuses while stills are being taken; seconds: who asks tries again.
func (w *work) stillComing() error {
	coming, err := w.evidence.Coming(w.tx, w.visit.ID)
	if err == nil && coming > 0 {
		err = inspection.E(inspection.Conflict, "visit.error.stills_coming", "n", coming)
	}
	return err
}

// join makes who works on site a member of the check, if not one yet. Who reports or
// concludes at the office is none: the minutes name those who were there.
func (w *work) join() error {
	if w.joined {
		return nil
	}
	if err := w.strangers(); err != nil {
		return err
	}
	w.joined = true
	var n int64
	err := w.tx.Model(&Member{}).Where("visit_id = ? AND person_id = ?", w.visit.ID, w.actor.Person).Count(&n).Error
	if err != nil || n > 0 {
		return err
	}
	if err := plan.ConflictOfInterest(w.tx, w.actor.Person, w.visit.OrganisationID); err != nil {
		return err
	}
	name, position, err := personOf(w.tx, w.actor.Person)
	if err != nil {
		return err
	}
	return w.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&Member{VisitID: w.visit.ID, PersonID: w.actor.Person,
		Role: w.capacity.Role, Name: name, Position: position}).Error
}

func personOf(tx *gorm.DB, id string) (name, position string, err error) {
	p, err := org.PersonByID(tx, id)
	return p.Name, p.Position, err
}

// followed tells whether an operation sets something off beyond the answers.
func (t Type) followed() bool {
	return slices.Contains([]Type{OpDeclare, OpPhoto, OpPhotoOff, OpSnapshot, OpStill, OpFinish, OpCannotInspect, OpSign, OpRefuse, OpSend}, t)
}

// follow does what an operation sets off beyond the answers.
func (w *work) follow(op Operation) error {
	switch op.Type {
	case OpDeclare:
		d, err := declared(op)
		w.files = append(w.files, d)
		return err
	case OpPhoto:
		var p Photo
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		kind, id, role := "item", p.Item, "EVIDENCE"
		if p.Finding != "" {
			kind, id, role = "finding", p.Finding, "AFTER"
		} else if p.After {
			role = "AFTER"
		}
		w.hangs = append(w.hangs, Hanging{p.File, kind, id, role})
		return nil
	case OpSnapshot:
		return w.stillAsked(op)
	case OpStill:
		return w.stillCame(op)
	case OpPhotoOff:
		var p Photo
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		if p.Finding != "" {
			return w.evidence.Detach(w.tx, w.actor, w.capacity, p.File, "finding", p.Finding)
		}
		return w.evidence.Detach(w.tx, w.actor, w.capacity, p.File, "item", p.Item)
	case OpFinish:
		w.visit.EndedAt = op.At()
		if w.visit.Remote() { // nothing more is taken
			return w.evidence.StillsEnd(w.tx, w.actor, w.capacity, w.visit.ID)
		}
	case OpSend:
		return w.sent()
	case OpCannotInspect:
		w.visit.EndedAt, w.visit.MinutesAt, w.visit.CouldNot = op.At(), w.now, true
		if err := w.minutesClocks(); err != nil {
			return err
		}
		if err := w.evidence.Attach(w.tx, w.actor, w.visit.ID, hang(w.state.Cannot.Photos, "visit", w.visit.ID, "DOOR")); err != nil {
			return err
		}
		return w.raiseObstruction()
	case OpSign, OpRefuse:
		w.visit.MinutesAt = w.now
		if err := w.minutesClocks(); err != nil {
			return err
		}
		if err := w.evidence.Attach(w.tx, w.actor, w.visit.ID, hang(w.state.Signed.Scans, "minutes", w.visit.ID, "SCAN")); err != nil {
			return err
		}
		if w.visit.Form == plan.Reinspection {
			return w.giveVerdicts()
		}
		return w.raise()
	}
	return nil
}

// minutesClocks starts the clocks that closing the minutes starts: of the unit's
// explanation and of the report.
func (w *work) minutesClocks() error {
	terms, err := org.DeadlinesOn(w.tx, w.now.Date())
	if err != nil {
		return err
	}
	calendar, err := org.CalendarFor(w.tx, w.visit.OrganisationID)
	if err != nil {
		return err
	}
	if w.visit.ExplainDue, err = org.AddWorkingDays(calendar, w.now.Date(), terms.Of(org.ExplainDays)); err != nil {
		return err
	}
	issuer, err := org.CalendarFor(w.tx, w.visit.IssuerID)
	if err != nil {
		return err
	}
	w.visit.ReportDue, err = org.AddWorkingDays(issuer, w.now.Date(), terms.Of(org.ReportDays))
	return err
}

// save writes what of the check's row may change, against its version.
func (w *work) save() error {
	v := w.visit
	done := w.tx.Model(&Visit{}).Where("id = ? AND version = ?", v.ID, v.Version).Updates(map[string]any{
		"state": v.State, "positions": v.Positions, "ended_at": v.EndedAt, "minutes_at": v.MinutesAt, "explain_due": v.ExplainDue,
		"reported_at": v.ReportedAt, "report_due": v.ReportDue, "concluded_at": v.ConcludedAt, "conclude_due": v.ConcludeDue, "could_not": v.CouldNot,
		"version": v.Version + 1})
	if done.Error != nil {
		return done.Error
	}
	if done.RowsAffected == 0 {
		return inspection.E(inspection.Conflict, "error.conflict")
	}
	w.visit.Version++
	return nil
}

func (w *work) record(action string, data map[string]any) error {
	return history.Append(w.tx, w.event(action, data))
}

func (w *work) event(action string, data map[string]any) history.Event {
	return history.Event{Actor: w.actor, Capacity: w.capacity, Action: action, SubjectKind: "visit",
		SubjectID: w.visit.ID, Visit: w.visit.ID, At: w.now, Data: data}
}

// project writes the typed row of each item whose answer is another one than the rows
// have: what comes late may give another place to what was done on other items.
func (w *work) project() error {
	var rows []answerRow
	for _, it := range w.rules.Items {
		a, old := w.state.Answers[it.Key], w.stored[it.Key]
		if reflect.DeepEqual(a, old) {
			continue
		}
		if a.Value == "" {
			if old.Value == "" {
				continue
			}
			if err := w.tx.Where("visit_id = ? AND item_key = ?", w.visit.ID, it.Key).Delete(&answerRow{}).Error; err != nil {
				return err
			}
			continue
		}
		rows = append(rows, answerRow{VisitID: w.visit.ID, ItemKey: it.Key, ItemCode: it.Code, Result: a.Value, Numerator: a.Of - a.Failing,
			Denominator: a.Of, NAReason: a.NAReason, Note: a.Note, Failed: w.state.Failed(w.rules, it), Fixed: a.Fixed,
			Corrected: a.Original != nil, OperationID: a.Operation})
	}
	w.stored = maps.Clone(w.state.Answers)
	if len(rows) == 0 {
		return nil
	}
	return w.tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&rows, 100).Error
}
