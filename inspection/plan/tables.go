package plan

import "congvu/inspection"

// Form is the form of a check.
type Form string

// The forms that a target may have.
const (
	Planned      Form = "PLANNED"
	Surprise     Form = "SURPRISE"
	Thematic     Form = "THEMATIC"
	Reinspection Form = "REINSPECTION"
)

// Campaign is a decision to check, with its period and the version of the
// checklist that its checks use.
type Campaign struct {
	ID             string             `gorm:"column:id;primaryKey"`
	Title          string             `gorm:"column:title"`
	IssuerID       string             `gorm:"column:issuer_id"`
	DecisionNumber string             `gorm:"column:decision_number"`
	DecisionDate   inspection.Date    `gorm:"column:decision_date"`
	DecidedBy      *string            `gorm:"column:decided_by"`
	PeriodFrom     inspection.Date    `gorm:"column:period_from"`
	PeriodTo       inspection.Date    `gorm:"column:period_to"`
	ChecklistID    *string            `gorm:"column:checklist_id"`
	Simulated      bool               `gorm:"column:simulated"`
	CreatedAt      inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	Version        int64              `gorm:"column:version"`
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
	ID         string `gorm:"column:id;primaryKey"`
	CampaignID string `gorm:"column:campaign_id"`
	Name       string `gorm:"column:name"`
	Symbol     string `gorm:"column:symbol"`
	HasSeal    bool   `gorm:"column:has_seal"`
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

// Tables lists a value of every table of the package, for the test that compares
// them with the schema.
func Tables() []any {
	return []any{Campaign{}, Count{}, Team{}, Target{}, Opening{}, TargetFinding{}}
}
