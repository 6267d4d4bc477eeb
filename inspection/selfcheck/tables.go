package selfcheck

import (
	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/score"
)

// State of a self-inspection.
type State string

// The states.
const (
	Draft     State = "DRAFT"
	HandedIn  State = "HANDED_IN"
	Cancelled State = "CANCELLED"
)

// Round is what an office asks of its units: a self-inspection by a day.
type Round struct {
	ID          string             `gorm:"column:id;primaryKey"`
	IssuerID    string             `gorm:"column:issuer_id"`
	Title       string             `gorm:"column:title"`
	ChecklistID string             `gorm:"column:checklist_id"`
	From        inspection.Date    `gorm:"column:period_from"`
	To          inspection.Date    `gorm:"column:period_to"`
	Due         inspection.Date    `gorm:"column:due"`
	AskedBy     string             `gorm:"column:asked_by"`
	AskedAt     inspection.Instant `gorm:"column:asked_at"`
	CancelledAt inspection.Instant `gorm:"column:cancelled_at"`
	Reason      string             `gorm:"column:reason"`
	Version     int64              `gorm:"column:version"`
}

// TableName is the table.
func (Round) TableName() string { return "self_rounds" }

type roundUnit struct {
	RoundID        string `gorm:"column:round_id;primaryKey"`
	OrganisationID string `gorm:"column:organisation_id;primaryKey"`
}

func (roundUnit) TableName() string { return "self_round_units" }

// Check is one revision of a unit's self-inspection. It keeps the unit's name and kind as
// they were when it was planned.
type Check struct {
	ID               string             `gorm:"column:id;primaryKey"`
	RootID           string             `gorm:"column:root_id"` // its first revision
	Revision         int64              `gorm:"column:revision"`
	RoundID          *string            `gorm:"column:round_id"`
	IssuerID         string             `gorm:"column:issuer_id"` // the office that reads it
	OrganisationID   string             `gorm:"column:organisation_id"`
	OrganisationName string             `gorm:"column:organisation_name"`
	OrganisationKind org.Kind           `gorm:"column:organisation_kind"`
	ChecklistID      string             `gorm:"column:checklist_id"`
	From             inspection.Date    `gorm:"column:period_from"`
	To               inspection.Date    `gorm:"column:period_to"`
	Due              inspection.Date    `gorm:"column:due"`
	Responsible      string             `gorm:"column:responsible"` // by position
	State            State              `gorm:"column:state"`
	Reason           string             `gorm:"column:reason"` // of the revision, or of the cancellation
	MadeBy           string             `gorm:"column:made_by"`
	MadeAt           inspection.Instant `gorm:"column:made_at"`
	HandedInBy       string             `gorm:"column:handed_in_by"`
	HandedInAt       inspection.Instant `gorm:"column:handed_in_at"`
	ContentHash      string             `gorm:"column:content_hash"` // SHA-256 of what was handed in
	Version          int64              `gorm:"column:version"`
}

// TableName is the table.
func (Check) TableName() string { return "self_checks" }

// Columns are where the facts that decide rights stand in the table.
var Columns = org.Columns{Unit: "self_checks.organisation_id", Issuer: "self_checks.issuer_id", Stage: "self_checks.state"}

// Subject is the facts that decide rights.
func (c Check) Subject() org.Subject {
	return org.Subject{Unit: c.OrganisationID, Issuer: c.IssuerID, Stage: string(c.State)}
}

// Late tells that it was handed in after its day.
func (c Check) Late() bool { return c.State == HandedIn && c.HandedInAt.Date() > c.Due }

// Answer is what a unit says of one item. For COUNT, Compliant of Of comply.
type Answer struct {
	CheckID   string             `gorm:"column:self_check_id;primaryKey"`
	ItemKey   string             `gorm:"column:item_key;primaryKey"`
	Value     score.Value        `gorm:"column:value"`
	Compliant int64              `gorm:"column:compliant"`
	Of        int64              `gorm:"column:total"`
	NAReason  string             `gorm:"column:na_reason"`
	Note      string             `gorm:"column:note"`
	ChangedBy string             `gorm:"column:changed_by"`
	ChangedAt inspection.Instant `gorm:"column:changed_at"`
	Version   int64              `gorm:"column:version"`
}

// TableName is the table.
func (Answer) TableName() string { return "self_answers" }

// Count is the head count as figures: of those who had to be there, how many were late,
// absent with a reason (of these with a paper) and without; of those present, with badge
// and dressed as they should be.
type Count struct {
	CheckID    string             `gorm:"column:self_check_id;primaryKey"`
	Required   int64              `gorm:"column:required"`
	Late       int64              `gorm:"column:late"`
	Excused    int64              `gorm:"column:excused"`
	Documented int64              `gorm:"column:documented"`
	Unexcused  int64              `gorm:"column:unexcused"`
	Badge      int64              `gorm:"column:badge"`
	Dress      int64              `gorm:"column:dress"`
	ChangedBy  string             `gorm:"column:changed_by"`
	ChangedAt  inspection.Instant `gorm:"column:changed_at"`
	Version    int64              `gorm:"column:version"`
}

// TableName is the table.
func (Count) TableName() string { return "self_counts" }

// Present is how many were there.
func (c Count) Present() int64 { return c.Required - c.Excused - c.Unexcused }

// maxCount bounds every figure that is counted.
const maxCount = 1_000_000

// wrong names the first figure that the others contradict, empty for none.
func (c Count) wrong() string {
	for _, f := range []struct {
		name      string
		value, of int64
	}{{"required", c.Required, maxCount}, {"excused", c.Excused, c.Required}, {"unexcused", c.Unexcused, c.Required - c.Excused},
		{"documented", c.Documented, c.Excused}, {"late", c.Late, c.Present()}, {"badge", c.Badge, c.Present()}, {"dress", c.Dress, c.Present()}} {
		if f.value < 0 || f.value > f.of {
			return f.name
		}
	}
	return ""
}

func (c Count) attendance() *score.Attendance {
	present := int(c.Present())
	return &score.Attendance{Staff: int(c.Required), Required: int(c.Required), Present: present, Late: int(c.Late), Excused: int(c.Excused),
		Unexcused: int(c.Unexcused), Documented: int(c.Documented), Seen: present, Badge: int(c.Badge), Dress: int(c.Dress)}
}

// Standing of a shortcoming.
type Standing string

// The standings. Dropped is one that was entered by mistake before the hand-in.
const (
	Open    Standing = "OPEN"
	Done    Standing = "DONE"
	Dropped Standing = "DROPPED"
)

// Shortcoming is what a unit found short in itself.
type Shortcoming struct {
	ID      string             `gorm:"column:id;primaryKey"`
	RootID  string             `gorm:"column:root_id"`
	ItemKey string             `gorm:"column:item_key"` // empty: none of the checklist
	Words   string             `gorm:"column:words"`
	Measure string             `gorm:"column:measure"`
	Due     inspection.Date    `gorm:"column:due"`
	State   Standing           `gorm:"column:state"`
	DoneOn  inspection.Date    `gorm:"column:done_on"`
	DoneHow string             `gorm:"column:done_how"`
	MadeBy  string             `gorm:"column:made_by"`
	MadeAt  inspection.Instant `gorm:"column:made_at"`
	Version int64              `gorm:"column:version"`
}

// TableName is the table.
func (Shortcoming) TableName() string { return "self_shortcomings" }

// Tables lists a value of every table of the package, for the test that compares them
// with the schema.
func Tables() []any {
	return []any{Round{}, roundUnit{}, Check{}, Answer{}, Count{}, Shortcoming{}}
}
