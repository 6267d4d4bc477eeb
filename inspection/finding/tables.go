package finding

import (
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
)

// Finding is one thing that a check found wrong.
type Finding struct {
	ID               string             `gorm:"column:id;primaryKey"`
	VisitID          string             `gorm:"column:visit_id"`
	CampaignID       string             `gorm:"column:campaign_id"`
	TeamID           string             `gorm:"column:team_id"`
	IssuerID         string             `gorm:"column:issuer_id"`
	DeciderID        *string            `gorm:"column:decider_id"`
	OrganisationID   string             `gorm:"column:organisation_id"`
	OrganisationName string             `gorm:"column:organisation_name"`
	ResponsibleID    string             `gorm:"column:responsible_id"`
	DeskID           *string            `gorm:"column:desk_id"`
	DeskName         string             `gorm:"column:desk_name"`
	ItemKey          string             `gorm:"column:item_key"`
	ItemCode         string             `gorm:"column:item_code"`
	Section          string             `gorm:"column:section"`
	ItemText         string             `gorm:"column:item_text"`
	Basis            string             `gorm:"column:basis"`
	DefaultSeverity  Severity           `gorm:"column:default_severity"`
	Severity         Severity           `gorm:"column:severity"`
	SeverityReason   string             `gorm:"column:severity_reason"`
	Text             string             `gorm:"column:text"`
	Remedy           string             `gorm:"column:remedy"`
	State            State              `gorm:"column:state"`
	FixedOnSite      bool               `gorm:"column:fixed_on_site"`
	FixedBy          *string            `gorm:"column:fixed_by"`
	Reopened         bool               `gorm:"column:reopened"`
	OnHold           bool               `gorm:"column:on_hold"`
	HeldOn           inspection.Date    `gorm:"column:held_on"`
	EscalatedAt      inspection.Instant `gorm:"column:escalated_at"`
	RepeatOf         *string            `gorm:"column:repeat_of"`
	MergedInto       *string            `gorm:"column:merged_into"`
	CheckEndedAt     inspection.Instant `gorm:"column:check_ended_at"`
	RecordedAt       inspection.Instant `gorm:"column:recorded_at"`
	ExplainDue       inspection.Date    `gorm:"column:explain_due"`
	AssignedAt       inspection.Instant `gorm:"column:assigned_at"`
	AcknowledgeDue   inspection.Date    `gorm:"column:acknowledge_due"`
	DueOn            inspection.Date    `gorm:"column:due_on"`
	DueStart         inspection.Date    `gorm:"column:due_start"`
	DueDays          int64              `gorm:"column:due_days"`
	DueCalendar      string             `gorm:"column:due_calendar"`
	HandedInOn       inspection.Date    `gorm:"column:handed_in_on"`
	SubmittedBy      *string            `gorm:"column:submitted_by"`
	InterimDue       inspection.Date    `gorm:"column:interim_due"` // of a report on the way that is still owed
	PlannedAt        inspection.Instant `gorm:"column:planned_at"`  // when the head set a day for premises
	ReviewDue        inspection.Date    `gorm:"column:review_due"`
	AcceptedAt       inspection.Instant `gorm:"column:accepted_at"`
	AcceptedBy       *string            `gorm:"column:accepted_by"`
	DrawSeed         string             `gorm:"column:draw_seed"` // nobody's to see before the remedy is accepted
	Drawn            bool               `gorm:"column:drawn"`
	ReinspectFrom    inspection.Date    `gorm:"column:reinspect_from"`
	ReinspectDue     inspection.Date    `gorm:"column:reinspect_due"`
	ClosedAt         inspection.Instant `gorm:"column:closed_at"`
	Simulated        bool               `gorm:"column:simulated"`
	Search           string             `gorm:"column:search"`
	Version          int64              `gorm:"column:version"`
}

// TableName is the table.
func (Finding) TableName() string { return "findings" }

// Columns are where the facts that decide rights stand in the table of findings.
var Columns = org.Columns{Unit: "findings.responsible_id", Issuer: "findings.issuer_id", Team: "findings.team_id",
	Decider: "findings.decider_id", Stage: "findings.state"}

// Subject is the facts of a finding that decide rights.
func (f Finding) Subject() org.Subject {
	return org.Subject{Unit: f.ResponsibleID, Issuer: f.IssuerID, Team: f.TeamID, Decider: deref(f.DeciderID), Stage: string(f.State)}
}

// Place is the desk where there is one, else the unit, as it was at the check.
func (f Finding) Place() string {
	if f.DeskName != "" {
		return f.DeskName
	}
	return f.OrganisationName
}

// InReview tells whether the unit has handed in and waits for the team: these days
// do not run against it.
func (f Finding) InReview() bool { return slices.Contains(inReview, f.State) }

var inReview = []State{Submitted, Accepted, ReinspectDue}

// clockEnds is the day up to which time runs against the unit: the day of handing in
// while the team reviews, the day of the hold while on hold, else today.
func (f Finding) clockEnds(today inspection.Date) inspection.Date {
	switch {
	case f.InReview():
		return f.HandedInOn
	case f.OnHold:
		return min(f.HeldOn, today)
	}
	return today
}

// Overdue tells whether an open finding is past its due date on a day.
func (f Finding) Overdue(today inspection.Date) bool {
	return f.State.Open() && f.DueOn != "" && f.clockEnds(today) > f.DueOn
}

// OverdueDays is how many working days an open finding is overdue on a day, 0 when
// it is not.
func (f Finding) OverdueDays(c org.Calendar, today inspection.Date) int {
	if !f.Overdue(today) {
		return 0
	}
	return org.WorkingDaysBetween(c, f.DueOn, f.clockEnds(today))
}

// Step is one thing that happened to a finding.
type Step struct {
	ID           string             `gorm:"column:id;primaryKey"`
	FindingID    string             `gorm:"column:finding_id"`
	Seq          int64              `gorm:"column:seq"`
	Event        Event              `gorm:"column:event"`
	From         State              `gorm:"column:from_state"`
	To           State              `gorm:"column:to_state"`
	ActorID      string             `gorm:"column:actor_id"`
	Role         inspection.Role    `gorm:"column:role"`
	Organisation string             `gorm:"column:organisation"`
	Team         string             `gorm:"column:team"`
	At           inspection.Instant `gorm:"column:at"`
	Text         string             `gorm:"column:text"`
	DocumentNo   string             `gorm:"column:document_no"`
	DueOn        inspection.Date    `gorm:"column:due_on"`
	Severity     Severity           `gorm:"column:severity"`
	VisitID      *string            `gorm:"column:visit_id"` // the re-inspection, for a verdict
}

// TableName is the table.
func (Step) TableName() string { return "finding_steps" }

type verifier struct {
	StepID   string `gorm:"column:step_id;primaryKey"`
	PersonID string `gorm:"column:person_id;primaryKey"`
}

func (verifier) TableName() string { return "finding_verifiers" }

// Ruling is the answer to an explanation.
type Ruling string

// The rulings.
const (
	RulingNone     Ruling = ""
	RulingAccepted Ruling = "ACCEPTED"
	RulingPartly   Ruling = "PARTLY"
	RulingRejected Ruling = "REJECTED"
)

// Rulings lists the rulings that can be given.
var Rulings = []Ruling{RulingAccepted, RulingPartly, RulingRejected}

// Explanation is what the unit says to a recorded finding. A late one is kept and
// marked.
type Explanation struct {
	ID           string             `gorm:"column:id;primaryKey"`
	FindingID    string             `gorm:"column:finding_id"`
	Text         string             `gorm:"column:text"`
	At           inspection.Instant `gorm:"column:at"`
	ByID         string             `gorm:"column:by_id"`
	Late         bool               `gorm:"column:late"`
	Ruling       Ruling             `gorm:"column:ruling"`
	RulingReason string             `gorm:"column:ruling_reason"`
	RuledBy      *string            `gorm:"column:ruled_by"`
	RuledAt      inspection.Instant `gorm:"column:ruled_at"`
}

// TableName is the table.
func (Explanation) TableName() string { return "explanations" }

// ExtensionState is what became of a request for more time.
type ExtensionState string

// The states of an extension.
const (
	ExtensionAsked   ExtensionState = "ASKED"
	ExtensionGranted ExtensionState = "GRANTED"
	ExtensionRefused ExtensionState = "REFUSED"
)

// Extension is a request for more time, in working days.
type Extension struct {
	ID        string             `gorm:"column:id;primaryKey"`
	FindingID string             `gorm:"column:finding_id"`
	State     ExtensionState     `gorm:"column:state"`
	Days      int64              `gorm:"column:days"`
	Reason    string             `gorm:"column:reason"`
	AskedAt   inspection.Instant `gorm:"column:asked_at"`
	AskedBy   string             `gorm:"column:asked_by"`
	OldDue    inspection.Date    `gorm:"column:old_due"`
	NewDue    inspection.Date    `gorm:"column:new_due"`
	Decision  string             `gorm:"column:decision"`
	DecidedAt inspection.Instant `gorm:"column:decided_at"`
	DecidedBy *string            `gorm:"column:decided_by"`
}

// TableName is the table.
func (Extension) TableName() string { return "extensions" }

// Tables lists the package's table structs, for the test that compares them with
// the migrated schema.
func Tables() []any {
	return []any{Finding{}, Step{}, verifier{}, Explanation{}, Extension{}, PremisesPlan{}, Recommendation{}, BulkAct{}, BulkItem{}}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
