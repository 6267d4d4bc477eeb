package visit

import (
	"encoding/json"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// A still of the desk's camera is asked for by an operation of the team (snapshot) and
// comes by one that the program makes (still): with the picture, which then hangs where it
// was asked for, or with why there is none, which stands there in its place.

// Snapshot asks for a still of a camera, for an item or a finding under re-inspection; in
// a check of form REMOTE for neither, it then hangs on the check itself.
type Snapshot struct {
	Camera  string `json:"camera"`
	Item    string `json:"item,omitempty"`
	Finding string `json:"finding,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// StillCame is what came of it. The request is the operation that asked.
type StillCame struct {
	Request  string             `json:"request"`
	Outcome  string             `json:"outcome"`             // TAKEN, FAILED or DECLINED
	Cause    string             `json:"cause,omitempty"`     // of a failure, or what is wrong with a picture: BLACK, COVERED, FROZEN
	File     string             `json:"file,omitempty"`      // of what was taken
	SHA256   string             `json:"sha256,omitempty"`    // lower-case hex
	Bytes    int64              `json:"bytes,omitempty"`     //
	At       inspection.Instant `json:"at"`                  // by the server's clock, milliseconds
	CameraAt inspection.Instant `json:"camera_at,omitempty"` // by the camera's, where it tells
}

// The outcomes.
const (
	StillTaken    = "TAKEN"
	StillFailed   = "FAILED"
	StillDeclined = "DECLINED"
)

// maxStills bounds what one check may ask for; how many are taken without the lead's leave
// is for the register of cameras to say.
const maxStills = 100

// Still is one that was asked for. Outcome is empty until it is known.
type Still struct {
	Request string // the operation
	Asked   Snapshot
	Author  string
	At      inspection.Instant // when it was asked for
	Came    StillCame
}

// StillOf finds what a request asked for.
func (s *State) StillOf(request string) (Still, bool) {
	if at := s.stillAt(request); at >= 0 {
		return s.Stills[at], true
	}
	return Still{}, false
}

func (s *State) stillAt(request string) int {
	return slices.IndexFunc(s.Stills, func(a Still) bool { return a.Request == request })
}

func (s *State) snapshot(rules Rules, op Operation) error {
	var p Snapshot
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := inspection.CheckID(p.Camera); err != nil {
		return err
	}
	if err := text("reason", &p.Reason, maxLine); err != nil {
		return err
	}
	switch {
	case p.Finding != "" && p.Item == "":
		if !slices.Contains(rules.Findings, p.Finding) {
			return inspection.E(inspection.Invalid, "visit.error.unknown_finding")
		}
	case p.Finding == "" && p.Item != "":
		if _, ok := rules.Item(p.Item); !ok {
			return unknownItem(p.Item)
		}
	case p.Finding == "" && rules.Remote:
	default:
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	if rules.Remote && op.At().Date() != rules.Day { // a still, never browsing over days
		return passed(inspection.E(inspection.Conflict, "visit.error.look_over"))
	}
	if len(s.Stills) >= maxStills {
		return passed(inspection.E(inspection.Conflict, "visit.error.too_many_stills", "max", maxStills))
	}
	s.Stills = append(slices.Clone(s.Stills), Still{Request: op.ID, Asked: p, Author: op.AuthorID, At: op.At()})
	return nil
}

func (s *State) still(op Operation) error {
	var p StillCame
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	at := s.stillAt(p.Request)
	if at < 0 {
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	asked := s.Stills[at]
	if asked.Came.Outcome != "" || !slices.Contains([]string{StillTaken, StillFailed, StillDeclined}, p.Outcome) {
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	if p.Outcome == StillTaken {
		if err := inspection.CheckID(p.File); err != nil {
			return err
		}
		key := asked.Asked.key()
		s.Photos[key] = append(slices.Clone(s.Photos[key]), Image{File: p.File, Author: asked.Author, At: op.At(), Camera: asked.Asked.Camera})
	}
	asked.Came = p
	s.Stills = slices.Clone(s.Stills)
	s.Stills[at] = asked
	return nil
}

func (p Snapshot) key() string {
	if p.Finding != "" {
		return p.Finding
	}
	return p.Item
}

// StillsOf lists what was asked for, for an item or a finding, in that order.
func (s *State) StillsOf(key string) []Still {
	var list []Still
	for _, still := range s.Stills {
		if still.Asked.key() == key {
			list = append(list, still)
		}
	}
	return list
}

// StillCame takes down what came of a request: the declaration of the file too, whose
// bytes the caller has and brings in the same transaction. asker is who asked, with the
// capacities of today; operation a new id. Codes: not_found (the asker is in the team no
// more), conflict (the check takes none any more).
func (s *Service) StillCame(tx *gorm.DB, asker inspection.Actor, visit, operation string, p StillCame) error {
	w, err := s.open(tx, asker, visit)
	if err != nil {
		return err
	}
	if err := w.may(org.InspectVisit); err != nil {
		return err
	}
	if _, known := w.state.StillOf(p.Request); !known {
		return notFound()
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return w.add(Operation{ID: operation, VisitID: visit, AuthorID: asker.Person, Device: "camera", DeviceAt: w.now, ReceivedAt: w.now,
		Seq: w.visit.Positions + 1, Base: p.Request, Type: OpStill, Payload: string(raw)})
}

// stillAsked and stillCame do what the operations set off.
func (w *work) stillAsked(op Operation) error {
	asked, _ := w.state.StillOf(op.ID)
	return w.evidence.Snapshot(w.tx, w.actor, w.capacity, w.visit, asked)
}

func (w *work) stillCame(op Operation) error {
	var p StillCame
	if err := decode(op.Payload, &p); err != nil || p.Outcome != StillTaken {
		return err
	}
	w.files = append(w.files, Declared{File: p.File, Bytes: p.Bytes, SHA256: p.SHA256, Kind: "CAMERA_SNAPSHOT", CapturedAt: p.At.Time()})
	still, _ := w.state.StillOf(p.Request)
	asked := still.Asked
	kind, role := "item", "EVIDENCE"
	id := asked.key()
	switch {
	case asked.Finding != "":
		kind, role = "finding", "AFTER"
	case asked.Item == "":
		kind, id = "visit", w.visit.ID
	}
	w.hangs = append(w.hangs, Hanging{p.File, kind, id, role})
	return nil
}
