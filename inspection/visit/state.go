package visit

import (
	"slices"

	"congvu/inspection"
	"congvu/inspection/score"
)

// Phase is how far the folded operations have brought a check.
type Phase string

// The phases, and which operations each takes.
const (
	Unborn       Phase = ""
	Inspecting   Phase = "IN_PROGRESS"
	Cannot       Phase = "CANNOT_INSPECT"
	Drafting     Phase = "MINUTES_DRAFT"
	MinutesOK    Phase = "MINUTES_SIGNED"
	MinutesNoSig Phase = "MINUTES_UNSIGNED"
	Reported     Phase = "REPORTED"
	Concluded    Phase = "CONCLUDED"
)

var takes = map[Type][]Phase{
	OpCheckIn: {Unborn}, OpCannotInspect: {Inspecting},
	OpAnswer: {Inspecting}, OpNote: {Inspecting}, OpFixed: {Inspecting}, OpPhoto: {Inspecting}, OpPhotoOff: {Inspecting},
	OpSnapshot: {Inspecting}, OpStill: {Inspecting, Drafting, Cannot},
	OpJudge: {Inspecting, Drafting}, OpSend: {Drafting}, OpOpinion: {MinutesNoSig},
	OpDeclare:         {Inspecting, Drafting, Cannot},
	OpChoose:          {Inspecting, Drafting, Cannot},
	OpAttendanceBegin: {Inspecting}, OpAttendanceRow: {Inspecting}, OpAttendanceDrop: {Inspecting},
	OpVerdict: {Inspecting}, OpFinding: {Inspecting, Drafting}, OpMinutes: {Inspecting, Drafting, Cannot},
	OpFinish: {Inspecting}, OpSign: {Drafting}, OpRefuse: {Drafting},
	OpReport: {MinutesOK, MinutesNoSig, Cannot}, OpCorrect: {Reported}, OpConclude: {Reported},
}

// Item is what the fold must know of an item of the checklist.
type Item struct {
	Key, Code string
	Response  score.Response
	Source    score.Source
	Photo     PhotoRule
	Severity  score.Severity // default of a failure
	Target    int            // share that is enough, as package score has it
	ZeroAt    int
	Weight    int
	Section   string
	Applies   bool
}

// PhotoRule says when an item needs a photo.
type PhotoRule string

// The photo rules.
const (
	PhotoNone     PhotoRule = "NONE"
	PhotoAlways   PhotoRule = "ALWAYS"
	PhotoFailure  PhotoRule = "ON_FAILURE"
	PhotoNoPeople PhotoRule = "NO_PEOPLE"
	PhotoCamera   PhotoRule = "CAMERA_SNAPSHOT"
)

// Rules is what a check is held against: the items of its version of the
// checklist, by key, or the findings that a re-inspection is limited to.
type Rules struct {
	Items    []Item
	Findings []string             // re-inspection only
	Hours    []inspection.Session // the unit's working hours on the day of the check
	Remote   bool                 // a look from the office, through the desk's cameras
	Day      inspection.Date      // of the check
}

// Item finds an item by key.
func (r Rules) Item(key string) (Item, bool) {
	for _, it := range r.Items {
		if it.Key == key {
			return it, true
		}
	}
	return Item{}, false
}

// Answer is what the operations say of one item.
type Answer struct {
	Value     score.Value
	Of        int64
	Failing   int64
	Dossiers  []string
	NAReason  string
	Note      string
	Fixed     bool
	FixedBy   string
	FixedAt   inspection.Instant
	Operation string // the operation that gave the value
	Author    string
	At        inspection.Instant
	Original  *Answer // the value before it was corrected
	Reason    string  // of the correction
}

// Image is a file hung on an item or a finding.
type Image struct {
	File     string
	Author   string
	At       inspection.Instant
	NoPeople bool
	After    bool
	Camera   string // the camera that it is a still of
	Of       string // the photo that it was drawn on: it shows what is meant and is no photo of its own
}

// State is what the operations of a check say, all of them together.
type State struct {
	Phase         Phase
	CheckIn       CheckIn
	Answers       map[string]Answer  // by item key
	Photos        map[string][]Image // by item key, or by finding in a re-inspection
	Stills        []Still            // that were asked for, in that order
	Judged        map[string]Judged  // of a look: what a still shows, by the operation that asked for it
	Opinions      []Opined           // of a look: what the unit said of its minutes
	CountedAt     inspection.Instant // of the attendance; zero: not begun
	Rows          []Row
	Drafts        map[string]Draft
	Verdicts      map[string]Verdict
	Minutes       MinutesText
	Cannot        *CannotInspect
	Signed        *Signed
	SignedAt      inspection.Instant
	EndedAt       inspection.Instant
	Report        *Report
	Conclusion    *Conclude
	Authors       []string
	LastOperation string
	Heads         map[string][]Head // what stands in each register

	done    map[string]Operation // by id
	gone    map[string]bool      // photographs and rows that were taken out
	drawn   map[string]string    // on which photo a file was drawn
	wrong   map[string]bool      // items that ever fell short
	sources map[source]int64     // who has acted since the last barrier, and the last of their counts
}

// MinutesText is the texts of the minutes.
type MinutesText struct {
	Strengths, Opinion, Requests, Representatives, HeadAbsent, Witnesses, Place string
}

// NewState is a check that nothing was done on.
func NewState() *State {
	return &State{Answers: map[string]Answer{}, Photos: map[string][]Image{}, Drafts: map[string]Draft{}, Verdicts: map[string]Verdict{}, Judged: map[string]Judged{},
		Heads: map[string][]Head{}, done: map[string]Operation{}, gone: map[string]bool{}, drawn: map[string]string{}, wrong: map[string]bool{}, sources: map[source]int64{}}
}

// Fold computes what a list of operations means. It is pure: the same operations give
// the same state everywhere, in whatever order those came that lie between two barriers.
// An operation that could not have been taken in is an error.
func Fold(rules Rules, operations []Operation) (*State, error) {
	s := NewState()
	for _, op := range ordered(operations) {
		err := s.Apply(rules, op)
		if hasPassed(err) {
			s.stand(op, op.registers())
			continue
		}
		if err != nil {
			return nil, inspection.E(inspection.Internal, "error.internal").Because(err)
		}
	}
	return s, nil
}

// Apply takes one operation in, or refuses it and changes nothing. It knows the
// checklist and what was done before, not the database: that a photo has arrived
// or that the person may do this is checked elsewhere. Codes: invalid, conflict.
func (s *State) Apply(rules Rules, op Operation) error {
	phases, known := takes[op.Type]
	if !known {
		return inspection.E(inspection.Invalid, "visit.error.operation_type", "type", string(op.Type))
	}
	if err := rules.fits(op.Type); err != nil {
		return err
	}
	if !slices.Contains(phases, s.Phase) {
		return wrongPhase(op.Type, s.Phase)
	}
	registers := op.registers()
	if err := s.crowded(op, registers); err != nil {
		return err
	}
	if err := s.act(rules, op); err != nil {
		return err
	}
	s.stand(op, registers)
	if op.Type.barrier() {
		s.sources = map[source]int64{}
	}
	s.LastOperation = op.ID
	if !slices.Contains(s.Authors, op.AuthorID) {
		s.Authors = append(s.Authors, op.AuthorID)
	}
	return nil
}

func wrongPhase(t Type, p Phase) error {
	switch {
	case t == OpFinish && p != Unborn:
		return inspection.E(inspection.Conflict, "visit.error.already_finished")
	case t == OpCheckIn:
		return inspection.E(inspection.Conflict, "visit.error.already_checked_in")
	case t == OpSign || t == OpRefuse || t == OpSend:
		if p == Inspecting {
			return inspection.E(inspection.Conflict, "visit.error.not_finished")
		}
		return inspection.E(inspection.Conflict, "visit.error.already_signed")
	case t == OpConclude || t == OpCorrect:
		if p == Concluded {
			return inspection.E(inspection.Conflict, "visit.error.already_concluded")
		}
		return inspection.E(inspection.Conflict, "visit.error.not_reported")
	case t == OpReport && (p == Reported || p == Concluded):
		return inspection.E(inspection.Conflict, "visit.error.already_reported")
	case t == OpReport:
		return inspection.E(inspection.Conflict, "visit.error.minutes_open")
	}
	return inspection.E(inspection.Conflict, "visit.error.closed_for_answers")
}

func (s *State) act(rules Rules, op Operation) error {
	switch op.Type {
	case OpCheckIn:
		return s.checkIn(op)
	case OpCannotInspect:
		return s.cannot(op)
	case OpAnswer:
		return s.answer(rules, op)
	case OpCorrect:
		return s.correct(rules, op)
	case OpNote:
		return s.note(rules, op)
	case OpFixed:
		return s.fixed(rules, op)
	case OpPhoto, OpPhotoOff:
		return s.photo(rules, op)
	case OpSnapshot:
		return s.snapshot(rules, op)
	case OpStill:
		return s.still(op)
	case OpJudge:
		return s.judge(rules, op)
	case OpSend:
		return s.send(rules, op)
	case OpOpinion:
		return s.opinion(op)
	case OpChoose:
		return s.choose(rules, op)
	case OpDeclare:
		d, err := declared(op)
		if err == nil && d.Of != "" {
			s.draw(d)
		}
		return err
	case OpAttendanceBegin, OpAttendanceRow, OpAttendanceDrop:
		return s.attendance(op)
	case OpFinding:
		return s.draft(rules, op)
	case OpVerdict:
		return s.verdict(rules, op)
	case OpMinutes:
		return s.minutes(op)
	case OpFinish:
		if err := decode(op.Payload, &struct{}{}); err != nil {
			return err
		}
		s.Phase, s.EndedAt = Drafting, op.At()
	case OpSign, OpRefuse:
		return s.sign(op)
	case OpReport:
		var p Report
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		if err := texts(maxText, "summary", &p.Summary, "causes", &p.Causes, "proposals", &p.Proposals); err != nil {
			return err
		}
		if err := needed("summary", p.Summary); err != nil {
			return err
		}
		s.Report, s.Phase = &p, Reported
	case OpConclude:
		var p Conclude
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		if err := text("text", &p.Text, maxText); err != nil {
			return err
		}
		s.Conclusion, s.Phase = &p, Concluded
	}
	return nil
}
