package visit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/score"
)

// update writes what the fold gives into the vectors; the difference is then read by
// eye against the domain before it is kept.
var update = flag.Bool("update", false, "rewrite testdata/fold.json")

// The shared vectors: what a list of operations means, held by this package and by the
// tablet's fold.js alike.
type (
	vectors struct {
		Rules   map[string]vectorRules `json:"rules"`
		Vectors []vector               `json:"vectors"`
	}
	vectorRules struct {
		Items    []vectorItem    `json:"items"`
		Findings []string        `json:"findings"`
		Hours    []vectorSitting `json:"hours"`
	}
	vectorItem struct {
		Key      string         `json:"key"`
		Code     string         `json:"code"`
		Response score.Response `json:"response"`
		Source   score.Source   `json:"source"`
		Photo    PhotoRule      `json:"photo"`
		Severity score.Severity `json:"severity"`
		Target   int            `json:"target"`
		ZeroAt   int            `json:"zero_at"`
		Applies  bool           `json:"applies"`
	}
	vectorSitting struct {
		Open  inspection.Minute `json:"open"`
		Close inspection.Minute `json:"close"`
	}
	vector struct {
		Name       string            `json:"name"`
		Rules      string            `json:"rules"`
		Received   []string          `json:"received"`
		Lost       []string          `json:"lost,omitempty"` // given up
		Operations []vectorOperation `json:"operations"`
		Want       *wanted           `json:"want,omitempty"`
	}
	vectorOperation struct {
		ID      string          `json:"id"`
		Author  string          `json:"author"`
		Device  string          `json:"device,omitempty"`
		Seq     int64           `json:"seq,omitempty"` // none: its place in the list
		Base    string          `json:"base,omitempty"`
		At      time.Time       `json:"at"`
		Type    Type            `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	wanted struct {
		Phase      Phase                    `json:"phase"`
		Answers    map[string]wantedAnswer  `json:"answers"`
		Photos     map[string][]wantedImage `json:"photos"`
		Stills     []wantedStill            `json:"stills,omitempty"`
		CountedAt  string                   `json:"counted_at"`
		Rows       []Row                    `json:"rows"`
		Drafts     map[string]Draft         `json:"drafts"`
		Verdicts   map[string]Verdict       `json:"verdicts"`
		Minutes    map[string]string        `json:"minutes"`
		Failed     []string                 `json:"failed"`
		Unassessed []string                 `json:"unassessed,omitempty"`
		Still      []wantedOpen             `json:"still"`
		Attendance *wantedAttendance        `json:"attendance"`
		Conflicts  map[string][]string      `json:"conflicts,omitempty"` // the operations that stand, by register
	}
	wantedAnswer struct {
		Value     score.Value `json:"value"`
		Of        int64       `json:"of"`
		Failing   int64       `json:"failing"`
		Dossiers  []string    `json:"dossiers"`
		NAReason  string      `json:"na_reason"`
		Note      string      `json:"note"`
		Fixed     bool        `json:"fixed"`
		Operation string      `json:"operation"`
		Corrected bool        `json:"corrected"`
	}
	wantedImage struct {
		File     string `json:"file"`
		After    bool   `json:"after"`
		NoPeople bool   `json:"no_people"`
		Of       string `json:"of,omitempty"`
	}
	wantedStill struct {
		Request string `json:"request"`
		Key     string `json:"key"`
		Outcome string `json:"outcome,omitempty"`
		Cause   string `json:"cause,omitempty"`
		File    string `json:"file,omitempty"`
	}
	wantedOpen struct {
		What    string `json:"what"`
		Subject string `json:"subject"`
		File    string `json:"file"`
	}
	wantedAttendance struct {
		Required   int  `json:"required"`
		Present    int  `json:"present"`
		Late       int  `json:"late"`
		Excused    int  `json:"excused"`
		Unexcused  int  `json:"unexcused"`
		Documented int  `json:"documented"`
		Seen       int  `json:"seen"`
		Badge      int  `json:"badge"`
		Dress      int  `json:"dress"`
		Outside    bool `json:"outside"`
	}
)

func (v vectorRules) rules() Rules {
	r := Rules{Findings: v.Findings}
	for _, it := range v.Items {
		r.Items = append(r.Items, Item{Key: it.Key, Code: it.Code, Response: it.Response, Source: it.Source, Photo: it.Photo,
			Severity: it.Severity, Target: it.Target, ZeroAt: it.ZeroAt, Weight: 1, Section: it.Code[:1], Applies: it.Applies})
	}
	for _, h := range v.Hours {
		r.Hours = append(r.Hours, inspection.Session{Open: h.Open, Close: h.Close})
	}
	return r
}

func (v vector) operations() []Operation {
	var ops []Operation
	for i, o := range v.Operations {
		at := inspection.At(o.At)
		ops = append(ops, Operation{ID: o.ID, Position: int64(i + 1), AuthorID: o.Author, Type: o.Type, Payload: string(o.Payload),
			DeviceAt: at, ReceivedAt: at, Device: o.Device, Seq: cmp.Or(o.Seq, int64(i+1)), Base: o.Base})
	}
	return ops
}

// describe puts a state into the form of the vectors.
func describe(rules Rules, s *State, received, lost []string) wanted {
	w := wanted{Phase: s.Phase, Answers: map[string]wantedAnswer{}, Photos: map[string][]wantedImage{}, Rows: append([]Row{}, s.Rows...),
		Drafts: s.Drafts, Verdicts: s.Verdicts, Minutes: map[string]string{}, Failed: []string{}, Still: []wantedOpen{}}
	for key, a := range s.Answers {
		w.Answers[key] = wantedAnswer{a.Value, a.Of, a.Failing, append([]string{}, a.Dossiers...), a.NAReason, a.Note, a.Fixed, a.Operation, a.Original != nil}
	}
	for key, images := range s.Photos {
		w.Photos[key] = []wantedImage{}
		for _, i := range images {
			w.Photos[key] = append(w.Photos[key], wantedImage{i.File, i.After, i.NoPeople, i.Of})
		}
	}
	for _, still := range s.Stills {
		w.Stills = append(w.Stills, wantedStill{still.Request, still.Asked.key(), still.Came.Outcome, still.Came.Cause, still.Came.File})
	}
	if !s.CountedAt.IsZero() {
		w.CountedAt = s.CountedAt.Time().Format(time.RFC3339)
	}
	m := s.Minutes
	for name, text := range map[string]string{"strengths": m.Strengths, "opinion": m.Opinion, "requests": m.Requests,
		"representatives": m.Representatives, "head_absent": m.HeadAbsent, "witnesses": m.Witnesses, "place": m.Place} {
		if text != "" {
			w.Minutes[name] = text
		}
	}
	for _, it := range rules.Items {
		if s.Failed(rules, it) {
			w.Failed = append(w.Failed, it.Key)
		}
		if !s.Assessed(rules, it) {
			w.Unassessed = append(w.Unassessed, it.Key)
		}
	}
	has := map[string]FileState{}
	for _, f := range received {
		has[f] = Arrived
	}
	for _, f := range lost {
		has[f] = GivenUp
	}
	for _, o := range s.Still(rules, has) {
		w.Still = append(w.Still, wantedOpen{o.What, o.Subject, o.File})
	}
	if a := s.Attendance(rules); a != nil {
		w.Attendance = &wantedAttendance{a.Required, a.Present, a.Late, a.Excused, a.Unexcused, a.Documented, a.Seen, a.Badge, a.Dress, a.OutsideHours}
	}
	for r, heads := range s.Conflicts() {
		if w.Conflicts == nil {
			w.Conflicts = map[string][]string{}
		}
		for _, h := range heads {
			w.Conflicts[r] = append(w.Conflicts[r], h.Operation.ID)
		}
	}
	return w
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	raw, err := os.ReadFile("testdata/fold.json")
	if err != nil {
		t.Fatal(err)
	}
	var all vectors
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func pretty(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFoldAgreesWithTheSharedVectors(t *testing.T) {
	all := readVectors(t)
	types := map[Type]bool{}
	for i, v := range all.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			rules := all.Rules[v.Rules].rules()
			for _, o := range v.Operations {
				types[o.Type] = true
			}
			s, err := Fold(rules, v.operations())
			if err != nil {
				t.Fatal(err)
			}
			got := describe(rules, s, v.Received, v.Lost)
			if *update {
				all.Vectors[i].Want = &got
				return
			}
			if v.Want == nil {
				t.Fatal("the vector wants nothing")
			}
			if g, w := pretty(t, got), pretty(t, v.Want); g != w {
				t.Errorf("the fold gives\n%s\nwant\n%s", g, w)
			}
		})
	}
	for known := range takes {
		if !types[known] && !slices.Contains(remoteOnly, known) { // no tablet makes a look from the office
			t.Errorf("no vector holds an operation of type %s", known)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/fold.json", []byte(pretty(t, all)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFoldDoesNotTouchWhatItIsGiven: folding twice gives the same, and a state that
// was handed out does not change when more is folded on top of a copy of its list.
func TestFoldIsPure(t *testing.T) {
	all := readVectors(t)
	for _, v := range all.Vectors {
		rules, ops := all.Rules[v.Rules].rules(), v.operations()
		before := pretty(t, ops)
		one, err := Fold(rules, ops)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Fold(rules, ops)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := pretty(t, one), pretty(t, two); a != b {
			t.Errorf("%s: folded twice:\n%s\n%s", v.Name, a, b)
		}
		if pretty(t, ops) != before {
			t.Errorf("%s: the operations were changed", v.Name)
		}
	}
}

// refused are operations that are not taken in, after those that come before them, with
// the key of the reason.
func TestWhatIsRefused(t *testing.T) {
	all := readVectors(t)
	const id, other = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
	in := `check_in {"target":"` + id + `"}`
	begun := `attendance_begin {"rows":[{"id":"` + id + `","position":"Quầy 1","required":true,"post":"` + id + `"}]}`
	over := []string{in, `minutes {"representatives":"x","opinion":"y"}`, `finish {}`, `sign {"scans":["` + id + `"]}`}
	long := strings.Repeat("ạ", maxText+1)
	for _, c := range []struct {
		rules  string
		before []string
		op     string
		key    string
	}{
		{"short", nil, `answer {"item":"A04","value":"YES"}`, "visit.error.closed_for_answers"},
		{"short", nil, `burn {}`, "visit.error.operation_type"},
		{"short", []string{in}, in, "visit.error.already_checked_in"},
		{"short", nil, `check_in {"target":"../../etc/passwd"}`, "error.id"},
		{"short", nil, `check_in {"target":"` + id + `","location":"GIVEN"}`, "visit.error.location"},
		{"short", nil, `check_in {"target":"` + id + `","location":"GIVEN","latitude":91,"longitude":0}`, "visit.error.location"},
		{"short", nil, `check_in {"target":"` + id + `","location":"DENIED","latitude":1,"longitude":0}`, "visit.error.location"},
		{"short", []string{in}, `answer {"item":"Z99","value":"YES"}`, "visit.error.unknown_item"},
		{"short", []string{in}, `answer {"item":"A04","value":"GOOD"}`, "visit.error.answer_value"},
		{"short", []string{in}, `answer {"item":"A04","value":"YES","of":3}`, "visit.error.answer_value"},
		{"short", []string{in}, `answer {"item":"B04","value":"YES"}`, "visit.error.answer_value"},
		{"short", []string{in}, `answer {"item":"A04","value":"NA"}`, "visit.error.na_reason"},
		{"short", []string{in}, `answer {"item":"A04","value":"NA","na_reason":"   "}`, "visit.error.na_reason"},
		{"short", []string{in}, `answer {"item":"A04","value":"YES","more":1}`, "visit.error.payload"},
		{"short", []string{in}, `answer {"item":"A04","value":"YES"} {}`, "visit.error.payload"},
		{"short", []string{in}, `answer`, "visit.error.payload"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":0}`, "visit.error.count_of"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":-5,"failing":-6}`, "visit.error.count_of"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":1000001}`, "visit.error.count_of"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":10,"failing":11}`, "visit.error.count_beyond"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":10,"failing":-1}`, "visit.error.count_negative"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":1.5}`, "visit.error.payload"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":99999999999999999999}`, "visit.error.payload"},
		{"short", []string{in}, `answer {"item":"D03","value":"COUNT","of":10,"dossiers":["x"]}`, "visit.error.dossiers"},
		{"full", []string{in}, `answer {"item":"A01","value":"YES"}`, "visit.error.computed_item"},
		{"full", []string{in}, `answer {"item":"H03","value":"YES"}`, "visit.error.computed_item"},
		{"short", []string{in}, `note {"item":"A04","text":"` + long + `"}`, "error.text"},
		{"short", []string{in}, `note {"item":"A04","text":"\u0000"}`, "error.text"},
		{"short", []string{in}, `fixed {"item":"A04","fixed":true}`, "visit.error.fixed_without_failure"},
		{"short", []string{in, `answer {"item":"A04","value":"YES"}`}, `fixed {"item":"A04","fixed":true}`, "visit.error.fixed_without_failure"},
		{"short", []string{in}, `photo {"item":"B04","file":"` + id + `"}`, "visit.error.no_people"},
		{"short", []string{in}, `photo {"item":"A04","file":"x.jpg"}`, "error.id"},
		{"short", []string{in}, `photo {"file":"` + id + `"}`, "visit.error.payload"},
		{"short", []string{in}, `photo {"finding":"` + id + `","file":"` + id + `"}`, "visit.error.unknown_finding"},
		{"short", []string{in}, `photo_off {"item":"A04","file":"` + id + `","reason":"x"}`, "visit.error.photo_gone"},
		{"short", []string{in, `photo {"item":"A04","file":"` + id + `"}`}, `photo_off {"item":"A04","file":"` + id + `"}`, "error.required"},
		{"short", []string{in}, `declare {"file":"` + id + `","bytes":1,"kind":"PHOTO","of":"` + id + `"}`, "error.invalid"},
		{"short", []string{in}, `declare {"file":"` + id + `","bytes":1,"kind":"NOTE","of":"` + other + `"}`, "error.invalid"},
		{"count", []string{in}, `attendance_row {"id":"` + id + `","position":"x","required":true}`, "visit.error.count_not_begun"},
		{"count", []string{in, begun}, begun, "visit.error.count_begun"},
		{"count", []string{in, begun}, `attendance_drop {"id":"` + id + `"}`, "visit.error.row_of_roster"},
		{"count", []string{in, begun}, `attendance_row {"id":"` + id + `","position":"","required":true}`, "error.required"},
		{"count", []string{in, begun}, `attendance_row {"id":"` + id + `","position":"x","required":true,"reason":"FISHING"}`, "visit.error.absence_reason"},
		{"count", []string{in, begun}, `attendance_row {"id":"` + id + `","position":"x","required":true,"arrived":"25:00"}`, "error.time_of_day"},
		{"short", []string{in}, `finding {"item":"A04","severity":"MAJOR"}`, "visit.error.severity_reason"},
		{"short", []string{in}, `finding {"item":"A04","severity":"RẤT NGHIÊM TRỌNG"}`, "visit.error.severity"},
		{"reinspection", []string{in}, `verdict {"finding":"` + id + `","verdict":"VERIFIED"}`, "visit.error.unknown_finding"},
		{"short", []string{in}, `cannot_inspect {"reason":"CLOSED","place":"x","witness":"y"}`, "visit.error.door_photo"},
		{"short", []string{in}, `cannot_inspect {"reason":"REFUSED","place":"x","witness":"y","photos":["` + id + `"]}`, "error.required"},
		{"short", []string{in}, `cannot_inspect {"reason":"TIRED","place":"x","witness":"y","photos":["` + id + `"]}`, "visit.error.cannot_reason"},
		{"short", []string{in}, `sign {"scans":["` + id + `"]}`, "visit.error.not_finished"},
		{"short", []string{in, `finish {}`}, `sign {"scans":["` + id + `"]}`, "visit.error.representatives"},
		{"short", []string{in, `minutes {"representatives":"x"}`, `finish {}`}, `sign {"scans":["` + id + `"]}`, "visit.error.opinion"},
		{"short", []string{in, `minutes {"representatives":"x","opinion":"y"}`, `finish {}`}, `sign {}`, "visit.error.scan"},
		{"short", []string{in, `minutes {"representatives":"x"}`, `finish {}`}, `refuse_to_sign {"reason":"x"}`, "error.required"},
		{"short", []string{in, `minutes {"representatives":"x"}`, `finish {}`}, `refuse_to_sign {"witness":"x"}`, "error.required"},
		{"short", []string{in, `finish {}`}, `finish {}`, "visit.error.already_finished"},
		{"short", []string{in}, `finish {"really":true}`, "visit.error.payload"},
		{"short", []string{in, `finish {}`}, `answer {"item":"A04","value":"YES"}`, "visit.error.closed_for_answers"},
		{"short", over, `minutes {"opinion":"z"}`, "visit.error.closed_for_answers"},
		{"short", over, `refuse_to_sign {"reason":"x","witness":"y"}`, "visit.error.already_signed"},
		{"short", []string{in}, `report {"summary":"x"}`, "visit.error.minutes_open"},
		{"short", over, `report {"summary":" "}`, "error.required"},
		{"short", over, `conclude {"text":"x"}`, "visit.error.not_reported"},
		{"short", over, `correct {"item":"A04","value":"YES","finding":"x","reason":"y"}`, "visit.error.not_reported"},
	} {
		t.Run(c.op, func(t *testing.T) {
			rules := all.Rules[c.rules].rules()
			s := NewState()
			apply := func(text string) error {
				kind, payload, _ := strings.Cut(text, " ")
				return s.Apply(rules, Operation{ID: inspection.NewID(), AuthorID: id, Type: Type(kind), Payload: payload, DeviceAt: 1, ReceivedAt: 1})
			}
			for _, b := range c.before {
				if err := apply(b); err != nil {
					t.Fatalf("%s: %v", b, err)
				}
			}
			was := pretty(t, s)
			err := apply(c.op)
			if code := inspection.CodeOf(err); inspection.KeyOf(err) != c.key || !slices.Contains([]inspection.Code{inspection.Invalid, inspection.Conflict}, code) {
				t.Errorf("%v, want %s", err, c.key)
			}
			if is := pretty(t, s); is != was {
				t.Errorf("refused, and yet it changed\n%s\nto\n%s", was, is)
			}
		})
	}
}
