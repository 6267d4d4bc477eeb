package snapshot

import (
	"time"

	"congvu/evidence/camera"
	"congvu/inspection"
)

// Many is how many stills a check may have without leave, Window how long after it was
// asked for one may be taken (domain: bounds of snapshots).
const (
	Many   = 20
	Window = 30 * time.Minute
)

// State is what has become of a request.
type State string

// The states.
const (
	Asked    State = "ASKED"    // it needs the leave of the team's lead
	Waiting  State = "WAITING"  // it is being taken, or will be
	Taken    State = "TAKEN"    // there is a picture
	Failed   State = "FAILED"   // the camera gave none: that is evidence too
	Declined State = "DECLINED" // the lead gave no leave, or staff had no notice
	Lapsed   State = "LAPSED"   // the check ended before it was decided
)

// Why a request needs leave.
const (
	TooMany = "COUNT"
	TooLate = "TIME"
)

// Causes of this package, beside those of package camera.
const (
	NoNotice camera.Cause = "NO_NOTICE" // staff were not told of the camera
	Retired  camera.Cause = "RETIRED"   // the camera is in use no more
	NoRelay  camera.Cause = "NO_RELAY"  // the relay did not come for the job in time
	NoLeave  camera.Cause = "NO_LEAVE"  // the lead gave none
	Over     camera.Cause = "OVER"      // the time in which it could be taken was over
)

// Camera is one over a desk, as the register knows it.
type Camera struct {
	ID           string             `gorm:"column:id;primaryKey"`
	DeskID       string             `gorm:"column:desk_id"`
	Name         string             `gorm:"column:name"`
	Place        string             `gorm:"column:place"`  // where it hangs and what it looks at
	PlanX        int64              `gorm:"column:plan_x"` // thousandths of the room's width, -1: nobody has said
	PlanY        int64              `gorm:"column:plan_y"` // and of its depth
	Way          camera.Way         `gorm:"column:way"`
	Address      string             `gorm:"column:address"`
	Secret       string             `gorm:"column:secret"`
	Profile      string             `gorm:"column:profile"`
	Preset       string             `gorm:"column:preset"`
	Trust        string             `gorm:"column:trust"`
	RelayID      *string            `gorm:"column:relay_id"`
	NoticeNumber string             `gorm:"column:notice_number"`
	NoticeDate   inspection.Date    `gorm:"column:notice_date"`
	ValidFrom    inspection.Date    `gorm:"column:valid_from"`
	ValidTo      inspection.Date    `gorm:"column:valid_to"`
	LastPixels   string             `gorm:"column:last_pixels"`
	LastAt       inspection.Instant `gorm:"column:last_at"`
	LastClock    inspection.Instant `gorm:"column:last_clock"`
	Version      int64              `gorm:"column:version"`
}

// TableName is the table.
func (Camera) TableName() string { return "cameras" }

// Noticed tells whether staff had been told of the camera by a day.
func (c Camera) Noticed(on inspection.Date) bool {
	return c.NoticeNumber != "" && c.NoticeDate != "" && c.NoticeDate <= on
}

// InUse tells whether the camera is in use on a day.
func (c Camera) InUse(on inspection.Date) bool { return on.Within(c.ValidFrom, c.ValidTo) }

// Request is what was asked of a camera in a check, and what came of it. Its id is that of
// the operation that asked.
type Request struct {
	ID          string             `gorm:"column:id;primaryKey"`
	VisitID     string             `gorm:"column:visit_id"`
	CameraID    string             `gorm:"column:camera_id"`
	Camera      string             `gorm:"column:camera_name"` // as it was when it was asked last
	SubjectKind string             `gorm:"column:subject_kind"`
	SubjectID   string             `gorm:"column:subject_id"`
	Reason      string             `gorm:"column:reason"`
	AskedBy     string             `gorm:"column:asked_by"`
	AskedAt     inspection.Instant `gorm:"column:asked_at"`
	ArrivedAt   inspection.Instant `gorm:"column:arrived_at"`
	State       State              `gorm:"column:state"`
	Why         string             `gorm:"column:why"`
	DecidedBy   *string            `gorm:"column:decided_by"`
	DecidedAt   inspection.Instant `gorm:"column:decided_at"`
	Decision    string             `gorm:"column:decision"`
	LeaseOwner  string             `gorm:"column:lease_owner"`
	LeaseUntil  inspection.Instant `gorm:"column:lease_until"`
	BegunAt     inspection.Instant `gorm:"column:begun_at"`
	TakenAt     inspection.Instant `gorm:"column:taken_at"`
	CameraAt    inspection.Instant `gorm:"column:camera_at"`
	FileID      string             `gorm:"column:file_id"`
	Cause       camera.Cause       `gorm:"column:cause"`
	Profile     string             `gorm:"column:profile"`
	Preset      string             `gorm:"column:preset"`
	Notice      string             `gorm:"column:notice"`
	RelayID     *string            `gorm:"column:relay_id"`
	Signature   string             `gorm:"column:signature"`
}

// TableName is the table.
func (Request) TableName() string { return "camera_snapshots" }

// Drift is how far the camera's clock was ahead of the server's; false where it told none.
func (r Request) Drift() (time.Duration, bool) {
	if r.CameraAt.IsZero() || r.TakenAt.IsZero() {
		return 0, false
	}
	return time.Duration(r.CameraAt-r.TakenAt) * time.Millisecond, true
}

// Relay is a program beside cameras that the server does not reach.
type Relay struct {
	ID        string             `gorm:"column:id;primaryKey"`
	Name      string             `gorm:"column:name"`
	PublicKey string             `gorm:"column:public_key"` // Ed25519, base64
	MadeAt    inspection.Instant `gorm:"column:made_at"`
	SeenAt    inspection.Instant `gorm:"column:seen_at"`
	EndedAt   inspection.Instant `gorm:"column:ended_at"`
	Version   int64              `gorm:"column:version"`
}

// TableName is the table.
func (Relay) TableName() string { return "camera_relays" }

// Tables are the structs that stand for tables, for the test that compares them with the
// migrated schema.
func Tables() []any { return []any{Camera{}, Request{}, Relay{}} }
