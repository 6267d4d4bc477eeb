package plan

import (
	"congvu/inspection"
	"congvu/inspection/org"
)

// Form is the form of a check.
type Form string

// The forms that a target may have.
const (
	Planned      Form = "PLANNED"
	Surprise     Form = "SURPRISE"
	Thematic     Form = "THEMATIC"
	Reinspection Form = "REINSPECTION"
	Remote       Form = "REMOTE" // a look from the office, through the desk's cameras
)

// Standing tells whether a campaign or a team is at work.
type Standing string

// The standings. What is cancelled stays so; what was done under it stays valid.
const (
	Active    Standing = "ACTIVE"
	Suspended Standing = "SUSPENDED"
	Dropped   Standing = "CANCELLED"
)

// Standings lists them.
var Standings = []Standing{Active, Suspended, Dropped}

// Campaign is a decision to check, with its period and the version of the
// checklist that its checks use.
type Campaign struct {
	ID             string             `gorm:"column:id;primaryKey"`
	Title          string             `gorm:"column:title"`
	IssuerID       string             `gorm:"column:issuer_id"`
	DecisionNumber string             `gorm:"column:decision_number"`
	DecisionDate   inspection.Date    `gorm:"column:decision_date"`
	SignedBy       *string            `gorm:"column:signed_by"`  // who signed the decision
	DecidedBy      *string            `gorm:"column:decided_by"` // who decides its checks today
	PeriodFrom     inspection.Date    `gorm:"column:period_from"`
	PeriodTo       inspection.Date    `gorm:"column:period_to"`
	ChecklistID    *string            `gorm:"column:checklist_id"`
	Simulated      bool               `gorm:"column:simulated"`
	State          Standing           `gorm:"column:state"`
	CreatedBy      string             `gorm:"column:created_by"` // empty: by import
	CreatedAt      inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	Search         string             `gorm:"column:search"`
	Version        int64              `gorm:"column:version"`
}

// Subject is the facts of a campaign that decide rights.
func (c Campaign) Subject() org.Subject {
	s := org.Subject{Issuer: c.IssuerID, Author: c.CreatedBy}
	if c.DecidedBy != nil {
		s.Decider = *c.DecidedBy
	}
	return s
}

// Signer is who signed the decision; where a copy of the release before made the
// campaign, who decides.
func (c Campaign) Signer() string {
	if c.SignedBy != nil {
		return *c.SignedBy
	}
	return deref(c.DecidedBy)
}

// TableName is the table.
func (Campaign) TableName() string { return "campaigns" }

// Count is what a past campaign is known to have done, by number only.
type Count struct {
	ID         string `gorm:"column:id;primaryKey"`
	CampaignID string `gorm:"column:campaign_id"`
	Counted    string `gorm:"column:counted"`
	Quantity   int64  `gorm:"column:quantity"`
	Source     string `gorm:"column:source"`
}

// TableName is the table.
func (Count) TableName() string { return "campaign_counts" }

// UnitChecks counts checks of units that a report names by number only.
const UnitChecks = "UNIT_CHECKS"

// Team is who goes out under a campaign. A team with a seal of its own numbers its
// documents itself.
type Team struct {
	ID         string             `gorm:"column:id;primaryKey"`
	CampaignID string             `gorm:"column:campaign_id"`
	Name       string             `gorm:"column:name"`
	Symbol     string             `gorm:"column:symbol"`
	HasSeal    bool               `gorm:"column:has_seal"`
	State      Standing           `gorm:"column:state"`
	CreatedAt  inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	Version    int64              `gorm:"column:version"`
}

// TableName is the table.
func (Team) TableName() string { return "teams" }

// Issuer is the key under which the team's documents are numbered: its own, or
// that of the organisation that issued the decision.
func (t Team) Issuer(c Campaign) string {
	if t.HasSeal {
		return "team:" + t.ID
	}
	return "org:" + c.IssuerID
}

// State is how far a target is.
type State string

// The states of a target (domain: states of the plan).
const (
	Draft     State = "DRAFT"
	Approved  State = "APPROVED"
	Sealed    State = "SEALED"
	Started   State = "STARTED"
	Cancelled State = "CANCELLED"
)

// Target is a unit, mostly a desk, that is to be visited.
type Target struct {
	ID             string             `gorm:"column:id;primaryKey"`
	CampaignID     string             `gorm:"column:campaign_id"`
	TeamID         string             `gorm:"column:team_id"`
	LeadID         string             `gorm:"column:lead_id"`
	Form           Form               `gorm:"column:form"`
	OrganisationID string             `gorm:"column:organisation_id"`
	DeskID         *string            `gorm:"column:desk_id"`
	PlannedOn      inspection.Date    `gorm:"column:planned_on"`
	PlannedAt      inspection.Minute  `gorm:"column:planned_at"`
	State          State              `gorm:"column:state"`
	Suspended      bool               `gorm:"column:suspended"` // only while sealed
	ReinspectsID   *string            `gorm:"column:reinspects_id"`
	CreatedAt      inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	Version        int64              `gorm:"column:version"`
}

// TableName is the table.
func (Target) TableName() string { return "targets" }

// Opening tells that the lead has told a member of a target; Leads lets that
// member check in on site in the lead's place.
type Opening struct {
	TargetID string             `gorm:"column:target_id;primaryKey"`
	PersonID string             `gorm:"column:person_id;primaryKey"`
	OpenedBy string             `gorm:"column:opened_by"`
	OpenedAt inspection.Instant `gorm:"column:opened_at"`
	Leads    bool               `gorm:"column:leads"`
}

// TableName is the table.
func (Opening) TableName() string { return "target_openings" }

// TargetFinding limits a re-inspection to a finding.
type TargetFinding struct {
	TargetID  string `gorm:"column:target_id;primaryKey"`
	FindingID string `gorm:"column:finding_id;primaryKey"`
}

// TableName is the table.
func (TargetFinding) TableName() string { return "target_findings" }

// Place is a unit, mostly one of its desks, that a campaign is about.
type Place struct {
	ID             string             `gorm:"column:id;primaryKey"`
	CampaignID     string             `gorm:"column:campaign_id"`
	OrganisationID string             `gorm:"column:organisation_id"`
	DeskID         *string            `gorm:"column:desk_id"`
	AddedBy        string             `gorm:"column:added_by"`
	AddedAt        inspection.Instant `gorm:"column:added_at"`
	RemovedAt      inspection.Instant `gorm:"column:removed_at"`
}

// TableName is the table.
func (Place) TableName() string { return "campaign_places" }

// Change is one change of something in the plan: what it was, what it became, why.
type Change struct {
	ID          string             `gorm:"column:id;primaryKey"`
	SubjectKind string             `gorm:"column:subject_kind"`
	SubjectID   string             `gorm:"column:subject_id"`
	Field       string             `gorm:"column:field"`
	Was         string             `gorm:"column:was"`
	Became      string             `gorm:"column:became"`
	Reason      string             `gorm:"column:reason"`
	ChangedBy   string             `gorm:"column:changed_by"`
	ChangedAt   inspection.Instant `gorm:"column:changed_at"`
}

// TableName is the table.
func (Change) TableName() string { return "plan_changes" }

// Tables lists a value of every table of the package, for the test that compares
// them with the schema.
func Tables() []any {
	return []any{Campaign{}, Count{}, Team{}, Target{}, Opening{}, TargetFinding{}, Place{}, Change{}}
}
