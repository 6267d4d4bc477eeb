package visit

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"congvu/inspection"
	"congvu/inspection/score"
)

// Type says what an operation does. docs/sync.md lists the payloads.
type Type string

// The operations that a tablet posts.
const (
	OpCheckIn         Type = "check_in"
	OpCannotInspect   Type = "cannot_inspect"
	OpAnswer          Type = "answer"
	OpNote            Type = "note"
	OpFixed           Type = "fixed"
	OpDeclare         Type = "declare"
	OpChoose          Type = "choose"
	OpPhoto           Type = "photo"
	OpPhotoOff        Type = "photo_off"
	OpSnapshot        Type = "snapshot"
	OpAttendanceBegin Type = "attendance_begin"
	OpAttendanceRow   Type = "attendance_row"
	OpAttendanceDrop  Type = "attendance_drop"
	OpFinding         Type = "finding"
	OpVerdict         Type = "verdict"
	OpMinutes         Type = "minutes"
	OpFinish          Type = "finish"
	OpSign            Type = "sign"
	OpRefuse          Type = "refuse_to_sign"
)

// The operations that the office makes, by a page.
const (
	OpReport   Type = "report"
	OpCorrect  Type = "correct"
	OpConclude Type = "conclude"
)

// OpStill is what the program makes of a camera's still, or of its failure.
const OpStill Type = "still"

// Operation is one act on a check, as it was posted and as it is stored. ID is
// made by the device; Seq counts the device's acts on this check; Base is the id
// of the operation whose value the author saw, empty where there was none;
// Position is the order in which the server took it in. OffsetMS is how far the
// server's clock was ahead of the device's, in milliseconds, as the device last learned
// it, nil when it never did; Boot is the start of the device's program in which
// ElapsedMS counts.
type Operation struct {
	ID         string             `gorm:"column:id;primaryKey"`
	VisitID    string             `gorm:"column:visit_id"`
	Position   int64              `gorm:"column:position"`
	AuthorID   string             `gorm:"column:author_id"`
	Role       string             `gorm:"column:role"`
	Device     string             `gorm:"column:device"`
	DeviceAt   inspection.Instant `gorm:"column:device_at"`
	OffsetMS   *int64             `gorm:"column:offset_ms"`
	Boot       string             `gorm:"column:boot"`
	ElapsedMS  int64              `gorm:"column:elapsed_ms"`
	Seq        int64              `gorm:"column:seq"`
	Base       string             `gorm:"column:base"`
	Type       Type               `gorm:"column:type"`
	Payload    string             `gorm:"column:payload"`
	ReceivedAt inspection.Instant `gorm:"column:received_at"`
}

// TableName is the table.
func (Operation) TableName() string { return "operations" }

// trusted is how far a device's clock may differ from the server's before the
// server's time is taken for the act.
const trusted = 5 * time.Minute

// At is when the act happened. A device that has learned how far its clock is off says
// it, however long ago that was: acts done without a network arrive hours or days later.
// Of one that never did, its time counts where it agrees with the server's within five
// minutes, else the time of receipt. Nothing happens after it was received.
func (op Operation) At() inspection.Instant {
	if op.OffsetMS != nil {
		if at := op.DeviceAt + inspection.Instant(*op.OffsetMS); at > 0 && at <= op.ReceivedAt.Add(trusted) {
			return min(at, op.ReceivedAt)
		}
		return op.ReceivedAt
	}
	if op.DeviceAt >= op.ReceivedAt.Add(-trusted) && op.DeviceAt <= op.ReceivedAt.Add(trusted) {
		return op.DeviceAt
	}
	return op.ReceivedAt
}

// The payloads.
type (
	// CheckIn opens the check: the target that it is made from, and the place if
	// the device gave one.
	CheckIn struct {
		Target    string   `json:"target"`
		Location  string   `json:"location,omitempty"` // GIVEN, DENIED or UNKNOWN
		Latitude  *float64 `json:"latitude,omitempty"`
		Longitude *float64 `json:"longitude,omitempty"`
		Accuracy  *float64 `json:"accuracy,omitempty"` // metres
	}
	// CannotInspect ends a check at a closed desk or one that refuses the team.
	CannotInspect struct {
		Reason   string   `json:"reason"` // CLOSED or REFUSED
		Place    string   `json:"place"`
		Words    string   `json:"words"`   // of those met
		Witness  string   `json:"witness"` // position, not name
		Photos   []string `json:"photos"`  // of the door
		Finding  string   `json:"finding,omitempty"`
		Severity string   `json:"severity,omitempty"`
	}
	// AnswerItem answers an item. YES, NO, NA for YN; GOOD, FAIR, POOR, NA for RATE3;
	// COUNT or NA for CNT and SMP with Of checked and Failing not in order; an empty
	// value takes the answer back.
	AnswerItem struct {
		Item     string      `json:"item"`
		Value    score.Value `json:"value"`
		Of       int64       `json:"of,omitempty"`
		Failing  int64       `json:"failing,omitempty"`
		Dossiers []string    `json:"dossiers,omitempty"` // codes of the sampled dossiers
		NAReason string      `json:"na_reason,omitempty"`
	}
	// Note is what the inspector writes beside an item.
	Note struct {
		Item string `json:"item"`
		Text string `json:"text"`
	}
	// Fixed marks an item's failure as put right on the spot.
	Fixed struct {
		Item  string `json:"item"`
		Fixed bool   `json:"fixed"`
	}
	// Declared says that a file was taken and will be sent: the manifest of the check is
	// made of these.
	Declared struct {
		File       string    `json:"file"`
		Bytes      int64     `json:"bytes"`
		SHA256     string    `json:"sha256"`       // of the bytes as the device made them, lower-case hex
		Kind       string    `json:"kind"`         // PHOTO, DOCUMENT_SCAN, SCREENSHOT or NOTE
		Of         string    `json:"of,omitempty"` // drawn on: the photo that it was drawn on, of the same check
		Name       string    `json:"name,omitempty"`
		Contains   string    `json:"contains,omitempty"` // UNKNOWN, NOBODY, STAFF, CITIZEN, CHILD or PAPERS
		NoPeople   bool      `json:"no_people,omitempty"`
		CapturedAt time.Time `json:"captured_at,omitzero"` // by the device's clock
	}
	// Photo hangs a declared file on an item, or on a finding under re-inspection.
	Photo struct {
		Item     string `json:"item,omitempty"`
		Finding  string `json:"finding,omitempty"`
		File     string `json:"file"`
		NoPeople bool   `json:"no_people,omitempty"` // the person confirmed that nobody is in it
		After    bool   `json:"after,omitempty"`     // taken after it was put right on the spot
		Reason   string `json:"reason,omitempty"`    // photo_off: why it does not belong here
	}
	// AttendanceBegin fixes the time of the head count and lists who was expected.
	AttendanceBegin struct {
		Rows []Row `json:"rows"`
	}
	// Row is one line of the attendance table.
	Row struct {
		ID         string       `json:"id"`
		Post       string       `json:"post,omitempty"`
		Position   string       `json:"position"`
		Field      string       `json:"field,omitempty"`
		Required   bool         `json:"required"`
		Present    *bool        `json:"present,omitempty"`
		Arrived    string       `json:"arrived,omitempty"` // hh:mm, if late
		Reason     score.Reason `json:"reason,omitempty"`
		Documented bool         `json:"documented,omitempty"`
		Badge      bool         `json:"badge,omitempty"`
		Dress      bool         `json:"dress,omitempty"`
		Note       string       `json:"note,omitempty"`
	}
	// AttendanceDrop takes a line that was added by mistake out again.
	AttendanceDrop struct {
		ID string `json:"id"`
	}
	// Draft is what the team says of the finding that an item's failure drafts.
	Draft struct {
		Item     string         `json:"item"`
		Severity score.Severity `json:"severity"`
		Reason   string         `json:"reason,omitempty"` // why the severity is not the default
		Text     string         `json:"text,omitempty"`
		Remedy   string         `json:"remedy,omitempty"`
	}
	// Verdict is what a re-inspection finds of one finding.
	Verdict struct {
		Finding string `json:"finding"`
		Verdict string `json:"verdict"` // VERIFIED, PARTIAL, NOT_REMEDIED, RECURRED
		Text    string `json:"text,omitempty"`
	}
	// Minutes sets fields of the minutes; those absent stay.
	Minutes struct {
		Strengths       *string `json:"strengths,omitempty"`
		Opinion         *string `json:"opinion,omitempty"`
		Requests        *string `json:"requests,omitempty"`
		Representatives *string `json:"representatives,omitempty"`
		HeadAbsent      *string `json:"head_absent,omitempty"`
		Witnesses       *string `json:"witnesses,omitempty"`
		Place           *string `json:"place,omitempty"`
	}
	// Signed closes the minutes: scans of the signed paper, or the unit's refusal
	// with its reason and a witness.
	Signed struct {
		Scans   []string `json:"scans,omitempty"`
		Reason  string   `json:"reason,omitempty"`
		Witness string   `json:"witness,omitempty"`
	}
	// Report is the result report of the team's lead.
	Report struct {
		Summary   string `json:"summary"`
		Causes    string `json:"causes,omitempty"`
		Proposals string `json:"proposals,omitempty"`
	}
	// Correct replaces the answer to an item whose finding was withdrawn.
	Correct struct {
		AnswerItem
		Finding string `json:"finding"`
		Reason  string `json:"reason"`
	}
	// Conclude is what the person who issued the decision concludes.
	Conclude struct {
		Text        string `json:"text"`
		Obstruction bool   `json:"obstruction,omitempty"`
	}
)

// Limits on what a payload may hold, in characters and in entries.
const (
	maxText     = 4000
	maxLine     = 300
	maxRows     = 300
	maxDossiers = 500
	maxPhotos   = 200
	maxCount    = 1_000_000
	maxOffset   = 100 * 365 * 24 * 3600_000 // milliseconds
)

// maxDepth is how deep a payload may go, more than twice what any needs.
const maxDepth = 20

// aName is a name in a payload. encoding/json takes others for it that are written
// differently, by case and by letters that fold to the same.
var aName = regexp.MustCompile(`^[a-z0-9_]+$`)

// oneMeaning refuses a payload that could say one thing here and another to a tablet,
// which is given it as it was posted: no object, a name that is none of ours or stands
// twice in its object, half a character, too deep. It is for the door only: what was
// taken in before stays readable. The rest of an operation, and every other body of the
// API, tablets are told as it was read here.
func oneMeaning(payload string) error {
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	bad := inspection.E(inspection.Invalid, "visit.error.payload")
	var value func(depth int) error
	value = func(depth int) error {
		t, err := d.Token()
		if err != nil {
			return bad.Because(err)
		}
		switch t := t.(type) {
		case string:
			if strings.ContainsRune(t, utf8.RuneError) { // half of a character is what it stands for here, and itself elsewhere
				return inspection.E(inspection.Invalid, "error.text")
			}
		case json.Delim:
			if depth == maxDepth {
				return bad
			}
			names := map[string]bool{}
			for d.More() {
				if t == '{' {
					name, err := d.Token()
					if err != nil {
						return bad.Because(err)
					}
					s, _ := name.(string)
					if names[s] || !aName.MatchString(s) {
						return bad
					}
					names[s] = true
				}
				if err := value(depth + 1); err != nil {
					return err
				}
			}
			if _, err := d.Token(); err != nil { // what closes it
				return bad.Because(err)
			}
		}
		return nil
	}
	if !utf8.ValidString(payload) || !strings.HasPrefix(strings.TrimLeft(payload, " \t\r\n"), "{") {
		return bad
	}
	if err := value(0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return bad
	}
	return nil
}

// decode reads a payload strictly: an unknown field or anything behind the value
// is refused, so that nothing is dropped without a word.
func decode(payload string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(payload)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return inspection.E(inspection.Invalid, "visit.error.payload").Because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	return nil
}

// text checks a text in place.
func text(field string, s *string, max int) error {
	clean, ok := inspection.Text(*s, max)
	if !ok {
		return inspection.E(inspection.Invalid, "error.text").Field(field, "error.text")
	}
	*s = clean
	return nil
}

func texts(max int, pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		s, _ := pairs[i+1].(*string)
		if s == nil {
			continue
		}
		if err := text(pairs[i].(string), s, max); err != nil {
			return err
		}
	}
	return nil
}

func needed(field, value string) error {
	if value == "" {
		return inspection.E(inspection.Invalid, "error.required").Field(field, "error.required")
	}
	return nil
}

var (
	reasons    = []score.Reason{score.Leave, score.Mission, score.Meeting, score.Study, score.Sick, score.Maternity, score.Compensation, score.Other, score.Unknown}
	severities = []score.Severity{score.Minor, score.Moderate, score.Major, score.Critical}
	kinds      = []string{"PHOTO", "DOCUMENT_SCAN", "SCREENSHOT", "NOTE"}
	verdicts   = []string{"VERIFIED", "PARTIAL", "NOT_REMEDIED", "RECURRED"}
)

func (r *Row) check() error {
	if err := inspection.CheckID(r.ID); err != nil {
		return err
	}
	if err := texts(maxLine, "position", &r.Position, "field", &r.Field, "note", &r.Note); err != nil {
		return err
	}
	if err := needed("position", r.Position); err != nil {
		return err
	}
	if r.Arrived != "" {
		if _, err := inspection.ParseMinute(r.Arrived); err != nil {
			return err
		}
	}
	if r.Reason != "" && !slices.Contains(reasons, r.Reason) {
		return inspection.E(inspection.Invalid, "visit.error.absence_reason").Field("reason", "visit.error.absence_reason")
	}
	return nil
}

func checkFiles(field string, ids []string, max int) error {
	if len(ids) > max {
		return inspection.E(inspection.Invalid, "visit.error.too_many_files", "max", max).Field(field, "error.invalid")
	}
	for _, id := range ids {
		if err := inspection.CheckID(id); err != nil {
			return err
		}
	}
	return nil
}
