package visit

import (
	"context"
	"slices"
	"sync"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Evidence is what a check must know of files. Its methods join the caller's
// transaction.
type Evidence interface {
	// Files tells what has become of each file that the team declared for a check.
	Files(tx *gorm.DB, visit string) (map[string]FileState, error)
	// Declare takes down that files of the check exist and will be sent. What is known
	// already stays; code conflict for another content under a known id.
	Declare(tx *gorm.DB, actor inspection.Actor, visit string, list []Declared) error
	// Attach hangs files that the team declared for the check on subjects of it. Code
	// invalid for a file of another check.
	Attach(tx *gorm.DB, actor inspection.Actor, visit string, list []Hanging) error
	// Carry hangs files that hang on an item of the check on a finding too.
	Carry(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, list []Hanging) error
	// Detach takes a file off a subject; that it hung there stays known.
	Detach(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, file, kind, id string) error
	// Snapshot takes down that somebody asks for a still of a camera of the check's desk.
	// Code invalid for a camera of another desk.
	Snapshot(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, v Visit, s Still) error
	// Watched tells whether a desk has a camera that may be asked on a day: in use, and
	// its staff were told of it.
	Watched(tx *gorm.DB, desk string, on inspection.Date) (bool, error)
	// StillsEnd ends the stills of a check that wait for the lead's leave.
	StillsEnd(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, visit string) error
	// Coming counts the stills of a check that are being taken.
	Coming(tx *gorm.DB, visit string) (int, error)
}

// FileState is what has become of a declared file.
type FileState string

// The states of a file: on its way, here, or given up by the lead, with a reason.
const (
	Awaited FileState = "DECLARED"
	Arrived FileState = "RECEIVED"
	GivenUp FileState = "LOST"
)

// Hanging is a file and what it hangs on: an item, a finding, the minutes or the check.
type Hanging struct{ File, Kind, ID, Role string }

func hang(files []string, kind, id, role string) []Hanging {
	list := make([]Hanging, len(files))
	for i, f := range files {
		list[i] = Hanging{f, kind, id, role}
	}
	return list
}

// Service serves checks.
type Service struct {
	db       *gorm.DB
	clock    inspection.Clock
	evidence Evidence
	items    sync.Map // published versions, which never change, by id
	rules    sync.Map // their items as rules, by id and kind of organisation
	warm     warm     // what the last checks were folded to
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, evidence Evidence) *Service {
	return &Service{db: db, clock: clock, evidence: evidence}
}

// Outcome is what became of one posted operation. Position is its place in the
// check's order; Duplicate tells that it had been taken in before.
type Outcome struct {
	ID        string
	Position  int64
	Duplicate bool
	State     Phase
	Err       error
}

// Post takes operations in, in their order, and stops at the first that is refused:
// what follows may rest on it, what came before stands. Any member of
// the check's team may post what is done on site; finishing and closing the
// minutes is for its lead, deputy or secretary, checking in for who leads on site.
// An operation that arrives again changes nothing and is answered as before; one
// with a known id and another content is a conflict. Codes per operation: invalid,
// not_found, forbidden, conflict.
func (s *Service) Post(ctx context.Context, actor inspection.Actor, operations []Operation) []Outcome {
	outcomes := make([]Outcome, 0, len(operations))
	for rest := operations; len(rest) > 0; {
		run := rest[:together(rest)]
		rest = rest[len(run):]
		if done, err := s.take(ctx, actor, run); err == nil {
			outcomes = append(outcomes, done...)
			continue
		} else if len(run) == 1 {
			return append(outcomes, Outcome{ID: run[0].ID, Err: err})
		}
		for i, op := range run { // one is refused: each by itself, so that those before it stand
			done, err := s.take(ctx, actor, run[i:i+1])
			if err != nil {
				return append(outcomes, Outcome{ID: op.ID, Err: err})
			}
			outcomes = append(outcomes, done...)
		}
	}
	return outcomes
}

// together is how many of the first operations one transaction takes in: those on one
// check, a check-in being the first.
func together(ops []Operation) int {
	n := 1
	for n < len(ops) && ops[n].Type != OpCheckIn && ops[n].VisitID == ops[0].VisitID {
		n++
	}
	return n
}

// take takes a run of operations on one check in, all of them or none.
func (s *Service) take(ctx context.Context, actor inspection.Actor, run []Operation) ([]Outcome, error) {
	for _, op := range run {
		if err := op.check(); err != nil {
			return nil, err
		}
	}
	outcomes := make([]Outcome, 0, len(run))
	var w *work
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		outcomes, w = outcomes[:0], nil
		for _, op := range run {
			op.AuthorID, op.ReceivedAt = actor.Person, s.clock.Now()
			if op.Device == "" {
				op.Device = actor.Device
			}
			var o Outcome
			var err error
			if op.Type == OpCheckIn {
				o, err = s.checkIn(tx, actor, op, false)
			} else {
				if w == nil {
					if w, err = s.open(tx, actor, op.VisitID); err != nil {
						return err
					}
					if w.visit.Remote() { // made on pages of the office: Look
						return errNotForForm
					}
					if err := w.elsewhere(run); err != nil {
						return err
					}
				}
				o, err = w.take(op)
			}
			if err != nil {
				return err
			}
			o.ID = op.ID
			outcomes = append(outcomes, o)
		}
		if w == nil {
			return nil
		}
		return w.flush()
	}, inspection.Brief)
	if err == nil && w != nil {
		s.warm.put(w.visit.ID, folded{w.operations, w.state})
	}
	return outcomes, err
}

// check refuses what no check takes.
func (op Operation) check() error {
	if err := inspection.CheckID(op.ID); err != nil {
		return err
	}
	if err := inspection.CheckID(op.VisitID); err != nil {
		return err
	}
	if len(op.Payload) > 256<<10 {
		return inspection.E(inspection.TooLarge, "error.too_large", "max", "256 KB")
	}
	device, fits := inspection.Text(op.Device, 100)
	if !fits || device != op.Device || op.Seq < 0 || op.DeviceAt < 0 || op.ElapsedMS < 0 ||
		op.OffsetMS != nil && (*op.OffsetMS > maxOffset || *op.OffsetMS < -maxOffset) || op.Boot != "" && inspection.CheckID(op.Boot) != nil ||
		op.Base != "" && inspection.CheckID(op.Base) != nil {
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	if err := oneMeaning(op.Payload); err != nil {
		return err
	}
	if slices.Contains([]Type{OpReport, OpCorrect, OpConclude, OpStill, OpOpinion}, op.Type) {
		return inspection.E(inspection.Invalid, "visit.error.operation_type", "type", string(op.Type))
	}
	return nil
}

func notFound() error { return inspection.E(inspection.NotFound, "error.not_found") }
