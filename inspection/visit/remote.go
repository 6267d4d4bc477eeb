package visit

import (
	"context"
	"encoding/json"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"gorm.io/gorm"
)

// A check of form REMOTE is a look at a desk from the office, through its cameras: the
// stills hang on the check itself, each is judged, items of the checklist are answered by
// what a still shows and by nothing else, nobody is counted, nobody signs and nobody is
// scored. Its minutes go to the unit, which has the term of explaining to give its opinion.

// The operations of such a check that the others do not have.
const (
	OpJudge   Type = "judge"
	OpSend    Type = "send"
	OpOpinion Type = "opinion" // the unit's, by a page
)

var (
	remoteOnly = []Type{OpJudge, OpSend, OpOpinion}
	onSite     = []Type{OpCannotInspect, OpFixed, OpDeclare, OpAttendanceBegin, OpAttendanceRow, OpAttendanceDrop, OpVerdict, OpSign, OpRefuse}
)

// Looks is what a look at a desk may be judged to show.
type Looks string

// What a still shows. That nobody is there, or that it is closed, means something only
// within the working hours of the unit.
const (
	Manned   Looks = "MANNED"
	Unmanned Looks = "UNMANNED"
	Queue    Looks = "QUEUE"
	Shut     Looks = "CLOSED"
)

// AllLooks lists them.
var AllLooks = []Looks{Manned, Unmanned, Queue, Shut}

type (
	// Judge says what a still shows. Request is the operation that asked for it.
	Judge struct {
		Request string `json:"request"`
		Value   Looks  `json:"value"`
		Text    string `json:"text,omitempty"`
	}
	// Opinion is what the unit says of the minutes of a look; Done that it has nothing to add,
	// and the result need not wait for its term.
	Opinion struct {
		Text string `json:"text"`
		Done bool   `json:"done,omitempty"`
	}
)

// Judged is a judgement that stands.
type Judged struct {
	Judge
	Author string
	At     inspection.Instant
}

// Opined is an opinion with who gave it, and when.
type Opined struct {
	Opinion
	Author string
	At     inspection.Instant
}

// maxOpinions is how often a unit may add to what it said of one check.
const maxOpinions = 10

// Remote tells whether a check is a look from the office.
func (v Visit) Remote() bool { return v.Form == plan.Remote }

// fits refuses what the form of a check does not have.
func (r Rules) fits(t Type) error {
	if slices.Contains(remoteOnly, t) && !r.Remote || slices.Contains(onSite, t) && r.Remote {
		return errNotForForm
	}
	return nil
}

// Working tells whether an instant lies in the working hours that the check is held
// against: of its unit, on its day.
func (r Rules) Working(at inspection.Instant) bool {
	return at.Date() == r.Day && inspection.Within(r.Hours, at)
}

func (s *State) judge(rules Rules, op Operation) error {
	var p Judge
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if !slices.Contains(AllLooks, p.Value) {
		return inspection.E(inspection.Invalid, "visit.error.looks").Field("value", "visit.error.looks")
	}
	if err := text("text", &p.Text, maxText); err != nil {
		return err
	}
	still, known := s.StillOf(p.Request)
	switch {
	case !known:
		return passed(inspection.E(inspection.Invalid, "visit.error.payload"))
	case !still.Judgeable():
		return passed(inspection.E(inspection.Conflict, "visit.error.nothing_to_judge"))
	case (p.Value == Unmanned || p.Value == Shut) && !rules.Working(still.Came.At):
		return inspection.E(inspection.Invalid, "visit.error.outside_hours").Field("value", "visit.error.outside_hours")
	}
	s.Judged[p.Request] = Judged{p, op.AuthorID, op.At()}
	return nil
}

// Judgeable tells whether a still shows the desk: it came, and is neither black nor
// covered nor frozen.
func (a Still) Judgeable() bool { return a.Came.Outcome == StillTaken && a.Came.Cause == "" }

// stillOfFile finds the still that a file is.
func (s *State) stillOfFile(file string) (Still, bool) {
	at := slices.IndexFunc(s.Stills, func(a Still) bool { return a.Came.Outcome == StillTaken && a.Came.File == file })
	if at < 0 {
		return Still{}, false
	}
	return s.Stills[at], true
}

// NotTheirs are the causes of a failed still that say something of this installation and
// nothing of the desk's camera.
var NotTheirs = []string{"NOT_ALLOWED", "NO_DECODER", "NO_RELAY"}

// gaveNone tells whether an item about cameras can be answered because one gave no still.
func (s *State) gaveNone(it Item) bool {
	return it.Photo == PhotoCamera && slices.ContainsFunc(s.Stills, func(a Still) bool {
		return a.Came.Outcome == StillFailed && !slices.Contains(NotTheirs, a.Came.Cause)
	})
}

// shown refuses an answer from afar that nothing shows: an item is answered by a still that
// hangs on it, and falls short only by one that was taken in working hours.
func (s *State) shown(rules Rules, it Item, short bool) *inspection.Error {
	seen, working := false, false
	for _, image := range s.Photos[it.Key] {
		if still, ok := s.stillOfFile(image.File); ok {
			seen, working = true, working || rules.Working(still.Came.At)
		}
	}
	switch {
	case s.gaveNone(it) || seen && (working || !short):
		return nil
	case !seen:
		return inspection.E(inspection.Invalid, "visit.error.nothing_shown", "item", it.Code).Field("value", "visit.error.nothing_shown")
	}
	return inspection.E(inspection.Invalid, "visit.error.short_outside", "item", it.Code).Field("value", "visit.error.short_outside")
}

// What is still open on a look, beside what is open on every check.
const (
	NeedsJudge = "JUDGE" // nobody has said what a still shows
)

// unjudged are the stills of working hours of which nobody has said what they show. One
// that was taken outside of them may be judged, but need not: that the desk is empty or
// closed then says nothing, and nobody is to claim something else.
func (s *State) unjudged(rules Rules) (open []Open) {
	for _, a := range s.Stills {
		if _, ok := s.Judged[a.Request]; a.Judgeable() && rules.Working(a.Came.At) && !ok {
			open = append(open, Open{What: NeedsJudge, Subject: a.Request})
		}
	}
	return open
}

// send closes the minutes; a still that came after the look was finished is judged before.
func (s *State) send(rules Rules, op Operation) error {
	if err := decode(op.Payload, &struct{}{}); err != nil {
		return err
	}
	if open := s.unjudged(rules); len(open) > 0 {
		return inspection.E(inspection.Conflict, "visit.error.unjudged", "n", len(open))
	}
	s.Phase = MinutesNoSig
	return nil
}

// Looked tells whether a camera was asked and answered, if only by failing.
func (s *State) Looked() bool {
	return slices.ContainsFunc(s.Stills, func(a Still) bool { return a.Came.Outcome == StillTaken || a.Came.Outcome == StillFailed })
}

// remoteOpen lists what is missing on a look: a judgement of each still of working hours,
// and something to see for each answer.
func (s *State) remoteOpen(rules Rules, arrived func([]Image) int) []Open {
	open := s.unjudged(rules)
	for _, it := range rules.Items {
		a := s.Answers[it.Key]
		if a.Value != "" && (arrived(s.Photos[it.Key]) == 0 && !s.gaveNone(it) || s.Failed(rules, it) && s.shown(rules, it, true) != nil) {
			open = append(open, Open{What: NeedsPhoto, Subject: it.Key, Code: it.Code})
		}
	}
	return open
}

func (s *State) opinion(op Operation) error {
	var p Opinion
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := text("text", &p.Text, maxText); err != nil {
		return err
	}
	if err := needed("text", p.Text); err != nil {
		return err
	}
	if len(s.Opinions) >= maxOpinions {
		return inspection.E(inspection.Conflict, "visit.error.too_many_opinions", "max", maxOpinions)
	}
	s.Opinions = append(slices.Clone(s.Opinions), Opined{p, op.AuthorID, op.At()})
	return nil
}

// Act is one act of the office on a look: the id of its operation, which a form that is
// sent twice gives twice, its type and its payload.
type Act struct {
	ID      string
	Type    Type
	Payload any
}

// lookActs are the operations that Look takes.
var lookActs = []Type{OpSnapshot, OpJudge, OpPhoto, OpPhotoOff, OpAnswer, OpNote, OpFinding, OpMinutes, OpFinish, OpSend}

// Look does what a page asks of a check of form REMOTE: all acts or none. Members of its
// team may; its lead, deputy or secretary finishes it and sends the minutes. seen tells
// whether the check still is what the page showed, nil where that does not matter. Codes:
// invalid, not_found, forbidden, conflict.
func (s *Service) Look(ctx context.Context, actor inspection.Actor, id string, seen func(*State) bool, acts ...Act) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, err := s.open(tx, actor, id)
		if err != nil {
			return err
		}
		if err := w.may(org.InspectVisit); err != nil {
			return err
		}
		if !w.visit.Remote() {
			return errNotForForm
		}
		ops := make([]Operation, len(acts))
		known := 0
		for i, a := range acts {
			if !slices.Contains(lookActs, a.Type) {
				return inspection.E(inspection.Invalid, "visit.error.operation_type", "type", string(a.Type))
			}
			if ops[i], err = w.office(a.ID, a.Type, a.Payload); err != nil {
				return err
			}
			ops[i].Seq += int64(i)
			if err := ops[i].check(); err != nil {
				return err
			}
			if old, ok := w.taken(a.ID); ok {
				if _, err := w.again(old, ops[i]); err != nil {
					return err
				}
				known++
			}
		}
		if known == len(acts) { // the same form again
			return nil
		}
		unread := seen != nil && !seen(w.state)
		if err := w.elsewhere(ops); err != nil {
			return err
		}
		for _, op := range ops {
			if _, err := w.take(op); err != nil {
				return err
			}
		}
		if unread {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return w.flush()
	})
}

// GiveOpinion takes down what the unit says of the minutes of a look; until the result is
// reported it may add to it. Its head, or whom the head has asked to answer, may.
// operation is the id of the form. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) GiveOpinion(ctx context.Context, actor inspection.Actor, id, operation string, o Opinion) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, done, err := s.begin(tx, actor, id, operation, org.OpineVisit)
		if err != nil || done {
			return err
		}
		op, err := w.office(operation, OpOpinion, o)
		if err != nil {
			return err
		}
		return w.add(op)
	})
}

// Awaits is until when the unit of a look may still speak before its result is reported,
// on a day: empty once it has nothing to add, or its term is over.
func (s *State) Awaits(v Visit, on inspection.Date) inspection.Date {
	done := slices.ContainsFunc(s.Opinions, func(o Opined) bool { return o.Done })
	if v.Remote() && !done && on <= v.ExplainDue {
		return v.ExplainDue
	}
	return ""
}

// sent does what sending the minutes of a look sets off.
func (w *work) sent() error {
	w.visit.MinutesAt = w.now
	if err := w.minutesClocks(); err != nil {
		return err
	}
	return w.raise()
}

// CheckInRemotely begins a look from the office, on a target of form REMOTE: check is the
// id that it gets, operation that of the form. Who leads the target may. Codes: as Post,
// and conflict where no camera of the desk may be asked.
func (s *Service) CheckInRemotely(ctx context.Context, actor inspection.Actor, check, operation, target string) error {
	payload, err := json.Marshal(CheckIn{Target: target})
	if err != nil {
		return err
	}
	now := s.clock.Now()
	op := Operation{ID: operation, VisitID: check, AuthorID: actor.Person, Device: office, DeviceAt: now, ReceivedAt: now, Seq: 1, Type: OpCheckIn, Payload: string(payload)}
	if err := op.check(); err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := s.checkIn(tx, actor, op, true)
		return err
	})
}

// LooksAt lists the looks from the office at a desk that began on a day. For joiners; it asks
// for no right.
func LooksAt(tx *gorm.DB, desk string, on inspection.Date) (ids []string, err error) {
	err = tx.Model(&Visit{}).Where("form = ? AND desk_id = ? AND day = ?", plan.Remote, desk, on).Pluck("id", &ids).Error
	return ids, err
}
