package visit

import (
	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
)

// Visit is a check: what was fixed at check-in, and how far it has come. It keeps
// the names of the unit and the desk as they were.
type Visit struct {
	ID               string             `gorm:"column:id;primaryKey"`
	TargetID         string             `gorm:"column:target_id"`
	CampaignID       string             `gorm:"column:campaign_id"`
	TeamID           string             `gorm:"column:team_id"`
	LeadID           string             `gorm:"column:lead_id"`
	Form             plan.Form          `gorm:"column:form"`
	OrganisationID   string             `gorm:"column:organisation_id"`
	OrganisationName string             `gorm:"column:organisation_name"`
	OrganisationKind org.Kind           `gorm:"column:organisation_kind"`
	Hours            string             `gorm:"column:hours"` // working hours of the day as minutes: "450-690 780-1020"
	DeskID           *string            `gorm:"column:desk_id"`
	DeskName         string             `gorm:"column:desk_name"`
	IssuerID         string             `gorm:"column:issuer_id"`
	DecisionNumber   string             `gorm:"column:decision_number"`
	DecisionDate     inspection.Date    `gorm:"column:decision_date"`
	DecidedBy        *string            `gorm:"column:decided_by"`
	ChecklistID      string             `gorm:"column:checklist_id"`
	ReinspectsID     *string            `gorm:"column:reinspects_id"`
	State            Phase              `gorm:"column:state"`
	Day              inspection.Date    `gorm:"column:day"`
	CheckedInAt      inspection.Instant `gorm:"column:checked_in_at"`
	Latitude         *float64           `gorm:"column:latitude"`
	Longitude        *float64           `gorm:"column:longitude"`
	Accuracy         *float64           `gorm:"column:accuracy"`
	Location         string             `gorm:"column:location"`
	EndedAt          inspection.Instant `gorm:"column:ended_at"`
	MinutesAt        inspection.Instant `gorm:"column:minutes_at"`
	ExplainDue       inspection.Date    `gorm:"column:explain_due"`
	ReportedAt       inspection.Instant `gorm:"column:reported_at"`
	ReportDue        inspection.Date    `gorm:"column:report_due"`
	ConcludedAt      inspection.Instant `gorm:"column:concluded_at"`
	ConcludeDue      inspection.Date    `gorm:"column:conclude_due"`
	Positions        int64              `gorm:"column:positions"`
	Simulated        bool               `gorm:"column:simulated"`
	CouldNot         bool               `gorm:"column:could_not"` // the desk was closed or refused the team
	Search           string             `gorm:"column:search"`
	Version          int64              `gorm:"column:version"`
}

// TableName is the table.
func (Visit) TableName() string { return "visits" }

// Columns are where the facts that decide rights stand in the table of checks.
var Columns = org.Columns{Unit: "visits.organisation_id", Issuer: "visits.issuer_id", Team: "visits.team_id",
	Decider: "visits.decided_by", Lead: "visits.lead_id", Stage: "visits.state"}

// Subject is the facts of a check that decide rights.
func (v Visit) Subject() org.Subject {
	s := org.Subject{Unit: v.OrganisationID, Issuer: v.IssuerID, Team: v.TeamID, Lead: v.LeadID, Stage: string(v.State)}
	if v.DecidedBy != nil {
		s.Decider = *v.DecidedBy
	}
	return s
}

// Place is the desk where the check has one, else the unit.
func (v Visit) Place() string {
	if v.DeskName != "" {
		return v.DeskName
	}
	return v.OrganisationName
}

// Member is a person who took part in a check, with role and name as they were.
type Member struct {
	VisitID  string          `gorm:"column:visit_id;primaryKey"`
	PersonID string          `gorm:"column:person_id;primaryKey"`
	Role     inspection.Role `gorm:"column:role"`
	Name     string          `gorm:"column:name"`
	Position string          `gorm:"column:position"`
}

// TableName is the table.
func (Member) TableName() string { return "visit_members" }

type visitFinding struct {
	VisitID   string `gorm:"column:visit_id;primaryKey"`
	FindingID string `gorm:"column:finding_id;primaryKey"`
}

func (visitFinding) TableName() string { return "visit_findings" }

// answerRow is an answer as it is projected: numerator of denominator in order.
type answerRow struct {
	VisitID     string      `gorm:"column:visit_id;primaryKey"`
	ItemKey     string      `gorm:"column:item_key;primaryKey"`
	ItemCode    string      `gorm:"column:item_code"`
	Result      score.Value `gorm:"column:result"`
	Numerator   int64       `gorm:"column:numerator"`
	Denominator int64       `gorm:"column:denominator"`
	NAReason    string      `gorm:"column:na_reason"`
	Note        string      `gorm:"column:note"`
	Failed      bool        `gorm:"column:failed"`
	Fixed       bool        `gorm:"column:fixed"`
	Corrected   bool        `gorm:"column:corrected"`
	OperationID string      `gorm:"column:operation_id"`
}

func (answerRow) TableName() string { return "answers" }

// Kind of a document.
type Kind string

// The documents of a check (NĐ 30/2020 abbreviations): minutes, result report,
// notice of conclusion.
const (
	MinutesDoc    Kind = "BB"
	ReportDoc     Kind = "BC"
	ConclusionDoc Kind = "TB"
)

// Document is a registered document of a check.
type Document struct {
	ID           string             `gorm:"column:id;primaryKey"`
	VisitID      string             `gorm:"column:visit_id"`
	Kind         Kind               `gorm:"column:kind"`
	Issuer       string             `gorm:"column:issuer"`
	Number       int64              `gorm:"column:number"`
	Year         int64              `gorm:"column:year"`
	Symbol       string             `gorm:"column:symbol"`
	RegisteredOn inspection.Date    `gorm:"column:registered_on"`
	RegisteredBy string             `gorm:"column:registered_by"`
	RegisteredAt inspection.Instant `gorm:"column:registered_at"`
}

// TableName is the table.
func (Document) TableName() string { return "documents" }

type scoreRow struct {
	ID          string             `gorm:"column:id;primaryKey"`
	VisitID     string             `gorm:"column:visit_id"`
	Revision    int64              `gorm:"column:revision"`
	ChecklistID string             `gorm:"column:checklist_id"`
	Rated       bool               `gorm:"column:rated"`
	Raw         int64              `gorm:"column:raw_hundredths"`
	Deductions  int64              `gorm:"column:deductions"`
	Cap         int64              `gorm:"column:cap"`
	Total       int64              `gorm:"column:total"`
	Grade       string             `gorm:"column:grade"`
	NAWeight    int64              `gorm:"column:na_weight"`
	Reason      string             `gorm:"column:reason"`
	FrozenAt    inspection.Instant `gorm:"column:frozen_at"`
	FrozenBy    string             `gorm:"column:frozen_by"`
}

func (scoreRow) TableName() string { return "scores" }

type scoreLine struct {
	ScoreID     string `gorm:"column:score_id;primaryKey"`
	ItemKey     string `gorm:"column:item_key;primaryKey"`
	ItemCode    string `gorm:"column:item_code"`
	Section     string `gorm:"column:section"`
	Weight      int64  `gorm:"column:weight"`
	Applicable  bool   `gorm:"column:applicable"`
	Numerator   string `gorm:"column:numerator"`
	Denominator string `gorm:"column:denominator"`
}

func (scoreLine) TableName() string { return "score_lines" }

type scoreDeduction struct {
	ScoreID string `gorm:"column:score_id;primaryKey"`
	Line    int64  `gorm:"column:line;primaryKey"`
	Reason  string `gorm:"column:reason"`
	Detail  string `gorm:"column:detail"`
	Points  int64  `gorm:"column:points"`
}

func (scoreDeduction) TableName() string { return "score_deductions" }

// Tables lists a value of every table of the package, for the test that compares
// them with the schema.
func Tables() []any {
	return []any{Visit{}, Member{}, visitFinding{}, Operation{}, answerRow{}, Document{}, scoreRow{}, scoreLine{}, scoreDeduction{}}
}
