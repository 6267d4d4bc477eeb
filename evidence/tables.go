package evidence

import (
	"encoding/json"

	"congvu/evidence/imaging"
	"congvu/inspection"
)

// Kind is what a file is to the check.
type Kind string

// The kinds.
const (
	Photo          Kind = "PHOTO"
	DocumentScan   Kind = "DOCUMENT_SCAN"
	Screenshot     Kind = "SCREENSHOT"
	CameraSnapshot Kind = "CAMERA_SNAPSHOT"
	Note           Kind = "NOTE"
)

// Kinds lists the kinds.
var Kinds = []Kind{Photo, DocumentScan, Screenshot, CameraSnapshot, Note}

// State is how far a file has come. Lost is a declared file that the lead has given
// up with a reason; its bytes are still taken when they turn up.
type State string

// The states.
const (
	Declared State = "DECLARED"
	Received State = "RECEIVED"
	Lost     State = "LOST"
)

// Contains is who or what is to be seen in a file.
type Contains string

// What a file may contain.
const (
	Unknown Contains = "UNKNOWN"
	Nobody  Contains = "NOBODY"
	Staff   Contains = "STAFF"
	Citizen Contains = "CITIZEN"
	Child   Contains = "CHILD"
	Papers  Contains = "PAPERS"
)

// AllContains lists what a file may contain.
var AllContains = []Contains{Unknown, Nobody, Staff, Citizen, Child, Papers}

// Personal tells whether that is personal data of somebody (Nghị định 356/2025,
// art. 3.6: the image of a person; papers of citizens).
func (c Contains) Personal() bool { return c == Staff || c == Citizen || c == Child || c == Papers }

// Access is the class of access.
type Access string

// The classes.
const (
	Normal     Access = "NORMAL"
	Restricted Access = "RESTRICTED"
)

// AccessOf is the class that follows from what a file contains.
func AccessOf(c Contains) Access {
	if c.Personal() {
		return Restricted
	}
	return Normal
}

// SubjectKind is a kind of thing that a file hangs on.
type SubjectKind string

// The kinds of subjects.
const (
	OnVisit       SubjectKind = "visit"
	OnItem        SubjectKind = "item"
	OnFinding     SubjectKind = "finding"
	OnStep        SubjectKind = "step"
	OnMinutes     SubjectKind = "minutes"
	OnAttendance  SubjectKind = "attendance"
	OnExplanation SubjectKind = "explanation"
)

// SubjectKinds lists them.
var SubjectKinds = []SubjectKind{OnVisit, OnItem, OnFinding, OnStep, OnMinutes, OnAttendance, OnExplanation}

// told are the subjects that the inspected unit is told of.
var told = []SubjectKind{OnVisit, OnFinding, OnStep, OnMinutes, OnExplanation}

// Subject is a thing that a file hangs on. An item's id is the same in every check:
// the file's visit tells which check is meant.
type Subject struct {
	Kind SubjectKind
	ID   string
}

// Role is what a file is to its subject.
type Role string

// The roles.
const (
	Evidence Role = "EVIDENCE"
	Before   Role = "BEFORE"
	After    Role = "AFTER"
	Scan     Role = "SCAN"
	Door     Role = "DOOR"
	Document Role = "DOCUMENT"
)

// Roles lists them.
var Roles = []Role{Evidence, Before, After, Scan, Door, Document}

// On is one link of a file.
type On struct {
	Subject
	Role Role
}

// DeriveState is how far the thumbnails and previews are.
type DeriveState string

// The states of derivation. None: nothing can be derived (PDF, HEIC).
const (
	DerivePending DeriveState = "PENDING"
	DeriveDone    DeriveState = "DONE"
	DeriveFailed  DeriveState = "FAILED"
	DeriveNone    DeriveState = "NONE"
)

// Tables are the structs that stand for tables, for the test that compares them with
// the migrated schema.
func Tables() []any { return []any{file{}, link{}, derived{}, opening{}, part{}, sketch{}, seen{}} }

type file struct {
	ID                string             `gorm:"column:id;primaryKey"`
	VisitID           string             `gorm:"column:visit_id"`
	TeamID            string             `gorm:"column:team_id"`
	OrganisationID    string             `gorm:"column:organisation_id"`
	Side              Side               `gorm:"column:side"`
	SHA256            string             `gorm:"column:sha256"`
	Size              int64              `gorm:"column:size"`
	Name              string             `gorm:"column:name"`
	MediaType         imaging.Type       `gorm:"column:media_type"`
	Kind              Kind               `gorm:"column:kind"`
	State             State              `gorm:"column:state"`
	Access            Access             `gorm:"column:access"`
	Contains          Contains           `gorm:"column:contains"`
	NoPeopleConfirmed bool               `gorm:"column:no_people_confirmed"`
	PurposeDecision   string             `gorm:"column:purpose_decision"`
	Declaration       string             `gorm:"column:declaration"`
	DeclaredBy        string             `gorm:"column:declared_by"`
	DeclaredCapacity  string             `gorm:"column:declared_capacity"`
	DeclaredAt        inspection.Instant `gorm:"column:declared_at"`
	Device            string             `gorm:"column:device"`
	CapturedAt        inspection.Instant `gorm:"column:captured_at"`
	OfID              string             `gorm:"column:of_id"`
	ReceivedAt        inspection.Instant `gorm:"column:received_at"`
	LostReason        string             `gorm:"column:lost_reason"`
	Width             int                `gorm:"column:width"`
	Height            int                `gorm:"column:height"`
	Orientation       int                `gorm:"column:orientation"`
	ExifAt            inspection.Instant `gorm:"column:exif_at"`
	ExifLat           *float64           `gorm:"column:exif_lat"`
	ExifLng           *float64           `gorm:"column:exif_lng"`
	DeriveState       DeriveState        `gorm:"column:derive_state"`
	DeriveAttempts    int                `gorm:"column:derive_attempts"`
	DeriveLeaseUntil  inspection.Instant `gorm:"column:derive_lease_until"`
	Object            string             `gorm:"column:object"`     // the key of bytes that may have to go
	RemovedAt         inspection.Instant `gorm:"column:removed_at"` // since when they are gone
}

func (file) TableName() string { return "evidence_files" }

// key is where the bytes are: under their hash, shared with every file of the same bytes,
// or apart from all others where they may have to go.
func (f file) key() string {
	if f.Object != "" {
		return f.Object
	}
	return "o/" + f.SHA256
}

// apart is the key of bytes that no other row names, for the row with an id.
func apart(id string) string { return "s/" + id }

type link struct {
	ID          string             `gorm:"column:id;primaryKey"`
	FileID      string             `gorm:"column:file_id"`
	SubjectKind SubjectKind        `gorm:"column:subject_kind"`
	SubjectID   string             `gorm:"column:subject_id"`
	Role        Role               `gorm:"column:role"`
	N           int64              `gorm:"column:n"`
	Linked      bool               `gorm:"column:linked"`
	MadeAt      inspection.Instant `gorm:"column:made_at"`
	MadeBy      string             `gorm:"column:made_by"`
}

func (link) TableName() string { return "evidence_links" }

func (l link) on() On { return On{Subject{l.SubjectKind, l.SubjectID}, l.Role} }

type derivedKind string

const (
	thumb       derivedKind = "THUMB"
	preview     derivedKind = "PREVIEW"
	shared      derivedKind = "SHARED"
	sharedThumb derivedKind = "SHARED_THUMB"
)

type derived struct {
	ID          string             `gorm:"column:id;primaryKey"`
	FileID      string             `gorm:"column:file_id"`
	Kind        derivedKind        `gorm:"column:kind"`
	SHA256      string             `gorm:"column:sha256"`
	Size        int64              `gorm:"column:size"`
	MediaType   imaging.Type       `gorm:"column:media_type"`
	Width       int                `gorm:"column:width"`
	Height      int                `gorm:"column:height"`
	Boxes       string             `gorm:"column:boxes"`
	NobodyMark  bool               `gorm:"column:nobody_mark"`
	MadeAt      inspection.Instant `gorm:"column:made_at"`
	ConfirmedBy string             `gorm:"column:confirmed_by"`
	N           int64              `gorm:"column:n"`
	Object      string             `gorm:"column:object"` // as file.Object
}

func (derived) TableName() string { return "evidence_derived" }

func (d derived) key() string {
	if d.Object != "" {
		return d.Object
	}
	return "d/" + d.SHA256
}

func (d derived) boxes() []imaging.Box {
	var boxes []imaging.Box
	_ = json.Unmarshal([]byte(d.Boxes), &boxes) // written by this package only; empty for none
	return boxes
}

type opening struct {
	ID       string             `gorm:"column:id;primaryKey"`
	FileID   string             `gorm:"column:file_id"`
	Variant  Variant            `gorm:"column:variant"`
	Reason   string             `gorm:"column:reason"`
	OpenedBy string             `gorm:"column:opened_by"`
	OpenedAt inspection.Instant `gorm:"column:opened_at"`
}

func (opening) TableName() string { return "evidence_openings" }
