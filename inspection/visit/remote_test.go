package visit

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/score"
)

// look is a check of form REMOTE under a test's hands, without a database.
type look struct {
	t     *testing.T
	rules Rules
	ops   []Operation
	now   inspection.Instant
	n     int
}

func (l *look) id() string {
	l.n++
	return fmt.Sprintf("01990000-0000-7000-8000-%012d", l.n)
}

// do applies an operation and answers its id, and the error if it is refused.
func (l *look) do(t Type, payload any) (string, error) {
	l.t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := Fold(l.rules, l.ops)
	if err != nil {
		l.t.Fatal(err)
	}
	op := Operation{ID: l.id(), AuthorID: "lead", Device: office, DeviceAt: l.now, ReceivedAt: l.now, Seq: int64(len(l.ops) + 1), Base: s.LastOperation, Type: t, Payload: string(raw)}
	if err := s.Apply(l.rules, op); err != nil {
		return op.ID, err
	}
	l.ops = append(l.ops, op)
	return op.ID, nil
}

func (l *look) must(t Type, payload any) string {
	l.t.Helper()
	id, err := l.do(t, payload)
	if err != nil {
		l.t.Fatalf("%s: %v", t, err)
	}
	return id
}

func (l *look) refused(key string, t Type, payload any) {
	l.t.Helper()
	_, err := l.do(t, payload)
	if got := inspection.KeyOf(err); got != key {
		l.t.Errorf("%s is answered %q (%v), want %q", t, got, err, key)
	}
}

func (l *look) state() *State {
	l.t.Helper()
	s, err := Fold(l.rules, l.ops)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// still asks for one and lets it come.
func (l *look) still(outcome, cause string) (request, file string) {
	l.t.Helper()
	request = l.must(OpSnapshot, Snapshot{Camera: l.id()})
	came := StillCame{Request: request, Outcome: outcome, Cause: cause, At: l.now}
	if outcome == StillTaken {
		came.File = l.id()
	}
	l.must(OpStill, came)
	return request, came.File
}

// open lists what is missing, by what and subject.
func (l *look) open(files ...string) (list []string) {
	here := map[string]FileState{}
	for _, f := range files {
		here[f] = Arrived
	}
	for _, o := range l.state().Still(l.rules, here) {
		list = append(list, o.What+" "+o.Subject)
	}
	return list
}

func newLook(t *testing.T) *look {
	at := inspection.At(time.Date(2026, 3, 2, 9, 0, 0, 0, inspection.Zone))
	l := &look{t: t, now: at, rules: Rules{Remote: true, Day: at.Date(), Hours: []inspection.Session{{Open: 450, Close: 690}, {Open: 780, Close: 1020}},
		Items: []Item{{Key: "staffed", Code: "A04", Response: score.YN, Source: score.FromAnswer, Photo: PhotoNone, Severity: score.Moderate, Weight: 1, Section: "A", Applies: true},
			{Key: "cameras", Code: "F04", Response: score.YN, Source: score.FromAnswer, Photo: PhotoCamera, Severity: score.Moderate, Weight: 1, Section: "F", Applies: true},
			{Key: "present", Code: "A01", Response: score.ATT, Source: score.FromAttendance, Severity: score.Minor, Weight: 1, Section: "A", Applies: true}}}}
	l.must(OpCheckIn, CheckIn{Target: l.id()})
	return l
}

// TestALookNeedsAJudgementOfEachStill: nobody is counted, no item is asked for; what
// the camera did not give needs no judgement.
func TestALookNeedsAStillAndAJudgementOfEach(t *testing.T) {
	l := newLook(t)
	if got := l.open(); len(got) != 0 {
		t.Errorf("a look that took nothing cannot be ended for %q", got)
	}
	first, file := l.still(StillTaken, "")
	if got := l.open(file); !slices.Equal(got, []string{"JUDGE " + first}) {
		t.Errorf("with a still it lacks %q", got)
	}
	l.must(OpJudge, Judge{Request: first, Value: Manned, Text: "Có hai người trực"})
	black, dark := l.still(StillTaken, "BLACK")
	failed, _ := l.still(StillFailed, "TIMEOUT")
	for _, request := range []string{black, failed} {
		l.refused("visit.error.nothing_to_judge", OpJudge, Judge{Request: request, Value: Manned})
	}
	l.refused("visit.error.looks", OpJudge, Judge{Request: first, Value: "CLEAN"})
	l.refused("visit.error.payload", OpJudge, Judge{Request: l.id(), Value: Manned})
	if got := l.open(file, dark); len(got) != 0 {
		t.Errorf("it lacks %q", got)
	}
	l.must(OpJudge, Judge{Request: first, Value: Queue})
	if got := l.state().Judged[first]; got.Value != Queue || got.Author != "lead" {
		t.Errorf("the later judgement does not stand: %+v", got)
	}
	if len(l.state().Conflicts()) != 0 {
		t.Errorf("who saw the first judgement is in conflict with it: %v", l.state().Conflicts())
	}
}

// TestNobodyIsMissedOutsideTheirHours: that a desk is closed or nobody is at it means
// something only while it should be open, by the server's clock when the frame was taken.
func TestNobodyIsMissedOutsideTheirHours(t *testing.T) {
	l := newLook(t)
	day := l.now
	for hour, working := range map[time.Duration]bool{
		-2 * time.Hour: false, -90 * time.Minute: true, 0: true, 150*time.Minute - time.Second: true, 150 * time.Minute: false, 3 * time.Hour: false,
		4 * time.Hour: true, 8*time.Hour - time.Second: true, 8 * time.Hour: false,
	} {
		l.now = day.Add(hour)
		request, _ := l.still(StillTaken, "")
		for _, v := range AllLooks {
			_, err := l.do(OpJudge, Judge{Request: request, Value: v})
			if bad := !working && (v == Unmanned || v == Shut); (inspection.KeyOf(err) == "visit.error.outside_hours") != bad || !bad && err != nil {
				t.Errorf("%s at %v: %v", v, l.now, err)
			}
		}
	}
	holiday := newLook(t)
	holiday.rules.Hours = nil
	request, _ := holiday.still(StillTaken, "")
	holiday.refused("visit.error.outside_hours", OpJudge, Judge{Request: request, Value: Shut})
}

// TestAnItemIsAnsweredFromAfarByWhatIsSeen: by a still that hangs on it, short only by
// one of working hours, or, of cameras, because one gave none; nothing else is hung on, nothing is counted, nothing is signed.
func TestAnItemIsAnsweredFromAfarByWhatIsSeen(t *testing.T) {
	l := newLook(t)
	no := AnswerItem{Item: "staffed", Value: score.No}
	l.refused("visit.error.nothing_shown", OpAnswer, no)
	request, file := l.still(StillTaken, "")
	l.refused("visit.error.nothing_shown", OpAnswer, no)
	l.refused("visit.error.still_only", OpPhoto, Photo{Item: "staffed", File: l.id()})
	l.must(OpPhoto, Photo{Item: "staffed", File: file})
	l.must(OpAnswer, no)
	l.must(OpJudge, Judge{Request: request, Value: Unmanned})
	if d := l.state().Drafted(l.rules); len(d) != 1 || d[0].Item != "staffed" {
		t.Errorf("it drafts %+v", d)
	}
	if got := l.open(file); len(got) != 0 {
		t.Errorf("it lacks %q", got)
	}
	l.must(OpPhotoOff, Photo{Item: "staffed", File: file, Reason: "nhầm mục"})
	if got := l.open(file); !slices.Equal(got, []string{"PHOTO staffed"}) {
		t.Errorf("an answer without its still lacks %q", got)
	}
	for _, other := range []Type{OpCannotInspect, OpFixed, OpDeclare, OpAttendanceBegin, OpAttendanceRow, OpAttendanceDrop, OpVerdict, OpSign, OpRefuse} {
		l.refused("visit.error.not_for_form", other, struct{}{})
	}

	for cause, theirs := range map[string]bool{"UNREACHABLE": true, "NOT_ALLOWED": false, "NO_DECODER": false, "NO_RELAY": false} {
		broken := newLook(t)
		broken.still(StillFailed, cause)
		broken.refused("visit.error.nothing_shown", OpAnswer, no)
		if !theirs {
			broken.refused("visit.error.nothing_shown", OpAnswer, AnswerItem{Item: "cameras", Value: score.No})
			continue
		}
		broken.must(OpAnswer, AnswerItem{Item: "cameras", Value: score.No})
		if got := broken.open(); len(got) != 0 {
			t.Errorf("a camera that gave nothing leaves open %q", got)
		}
	}

	noon := newLook(t)
	noon.now = noon.now.Add(3 * time.Hour)
	_, at := noon.still(StillTaken, "")
	noon.must(OpPhoto, Photo{Item: "staffed", File: at})
	noon.refused("visit.error.short_outside", OpAnswer, no)
	noon.must(OpAnswer, AnswerItem{Item: "staffed", Value: score.Yes})
	if got := noon.open(at); len(got) != 0 { // nobody has to say of an empty room at noon that it is manned
		t.Errorf("a still from outside of the working hours leaves open %q", got)
	}
	noon.must(OpFinish, struct{}{})
	noon.must(OpSend, struct{}{})

	onSite := newLook(t)
	onSite.rules.Remote = false
	for _, other := range []Type{OpJudge, OpSend, OpOpinion} {
		onSite.refused("visit.error.not_for_form", other, struct{}{})
	}
	onSite.refused("visit.error.payload", OpSnapshot, Snapshot{Camera: onSite.id()})
}

// TestALookIsOverWithItsDay: a still, never browsing over days.
func TestALookIsOverWithItsDay(t *testing.T) {
	l := newLook(t)
	l.now = l.now.Add(24 * time.Hour)
	l.refused("visit.error.look_over", OpSnapshot, Snapshot{Camera: l.id()})
}

// TestMinutesOfALookAreSentAndAnswered: they close without a signature, when each still is
// judged, one that came late too; the unit may say more than once what it thinks.
func TestMinutesOfALookAreSentAndAnswered(t *testing.T) {
	l := newLook(t)
	first, _ := l.still(StillTaken, "")
	l.must(OpJudge, Judge{Request: first, Value: Manned})
	late := l.must(OpSnapshot, Snapshot{Camera: l.id()})
	l.refused("visit.error.not_finished", OpSend, struct{}{})
	l.must(OpFinish, struct{}{})
	l.must(OpStill, StillCame{Request: late, Outcome: StillTaken, File: l.id(), At: l.now})
	l.refused("visit.error.unjudged", OpSend, struct{}{})
	l.must(OpJudge, Judge{Request: late, Value: Queue})
	l.refused("visit.error.closed_for_answers", OpOpinion, Opinion{Text: "Chưa gửi"})
	l.must(OpSend, struct{}{})
	if got := l.state().Phase; got != MinutesNoSig {
		t.Errorf("the minutes are %s", got)
	}
	l.refused("error.required", OpOpinion, Opinion{Text: " "})
	for range maxOpinions {
		l.must(OpOpinion, Opinion{Text: "Cán bộ đi phát giấy hẹn"})
	}
	l.refused("visit.error.too_many_opinions", OpOpinion, Opinion{Text: "Thêm nữa"})
	if got := l.state().Opinions; len(got) != maxOpinions || got[0].Text != "Cán bộ đi phát giấy hẹn" {
		t.Errorf("what was said: %+v", got)
	}
	l.refused("visit.error.closed_for_answers", OpSnapshot, Snapshot{Camera: l.id()})
}
