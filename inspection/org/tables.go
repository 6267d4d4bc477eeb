package org

import "congvu/inspection"

// UnitType is the type of an administrative unit. DISTRICT and TOWNSHIP are
// historical: none exists after 30 June 2025.
type UnitType string

// UnitTypes lists the types.
var UnitTypes = []UnitType{"COUNTRY", "PROVINCE", "CITY", "DISTRICT", "COMMUNE", "WARD", "TOWNSHIP", "SPECIAL_ZONE"}

// Kind is the kind of an organisation (domain §4.2).
type Kind string

// The kinds of an organisation.
const (
	PeoplesCommittee      Kind = "PEOPLES_COMMITTEE"
	PCOfficeKind          Kind = "PC_OFFICE"
	Department            Kind = "DEPARTMENT"
	CommuneDivision       Kind = "COMMUNE_DIVISION"
	ServiceCenterProv     Kind = "SERVICE_CENTER_PROV"
	ServiceCenterOneLevel Kind = "SERVICE_CENTER_ONE_LEVEL"
	ServiceCenterBranch   Kind = "SERVICE_CENTER_BRANCH"
	ServiceCenterCommune  Kind = "SERVICE_CENTER_COMMUNE"
	ReceptionPoint        Kind = "RECEPTION_POINT"
	VerticalAgency        Kind = "VERTICAL_AGENCY"
	InspectionTeam        Kind = "INSPECTION_TEAM"
)

// Kinds lists the kinds.
var Kinds = []Kind{PeoplesCommittee, PCOfficeKind, Department, CommuneDivision, ServiceCenterProv, ServiceCenterOneLevel,
	ServiceCenterBranch, ServiceCenterCommune, ReceptionPoint, VerticalAgency, InspectionTeam}

// Relation says what became of a predecessor.
type Relation string

// The relations. MERGED_INTO, RENAMED and DISSOLVED are of the whole unit,
// SPLIT_INTO and PART_TRANSFERRED of a part.
const (
	MergedInto      Relation = "MERGED_INTO"
	SplitInto       Relation = "SPLIT_INTO"
	Renamed         Relation = "RENAMED"
	PartTransferred Relation = "PART_TRANSFERRED"
	Dissolved       Relation = "DISSOLVED"
)

// Portion says how much of the predecessor the lineage carries.
type Portion string

// The portions.
const (
	Whole Portion = "WHOLE"
	Part  Portion = "PART"
)

// portionOf is the one portion that fits each relation.
var portionOf = map[Relation]Portion{MergedInto: Whole, Renamed: Whole, Dissolved: Whole, SplitInto: Part, PartTransferred: Part}

// Unit is an administrative unit as it was in its period. Its key is its identity
// in files; its name may be shared with others.
type Unit struct {
	ID        string          `gorm:"column:id;primaryKey"`
	Key       string          `gorm:"column:key"`
	Name      string          `gorm:"column:name"`
	Type      UnitType        `gorm:"column:unit_type"`
	ParentID  *string         `gorm:"column:parent_id"`
	ValidFrom inspection.Date `gorm:"column:valid_from"`
	ValidTo   inspection.Date `gorm:"column:valid_to"`
	Note      string          `gorm:"column:note"`
	Search    string          `gorm:"column:search"`
	Version   int64           `gorm:"column:version"`
}

// TableName is the table.
func (Unit) TableName() string { return "admin_units" }

// UnitLineage says what became of an administrative unit.
type UnitLineage struct {
	ID            string          `gorm:"column:id;primaryKey"`
	PredecessorID string          `gorm:"column:predecessor_id"`
	SuccessorID   *string         `gorm:"column:successor_id"`
	Relation      Relation        `gorm:"column:relation"`
	Portion       Portion         `gorm:"column:portion"`
	LegalAct      string          `gorm:"column:legal_act"`
	EffectiveDate inspection.Date `gorm:"column:effective_date"`
}

// TableName is the table.
func (UnitLineage) TableName() string { return "admin_unit_lineage" }

// Organisation is an agency, centre or point in its period.
type Organisation struct {
	ID          string          `gorm:"column:id;primaryKey"`
	Key         string          `gorm:"column:key"`
	Kind        Kind            `gorm:"column:kind"`
	Name        string          `gorm:"column:name"`
	AdminUnitID string          `gorm:"column:admin_unit_id"`
	ParentID    *string         `gorm:"column:parent_id"`
	ValidFrom   inspection.Date `gorm:"column:valid_from"`
	ValidTo     inspection.Date `gorm:"column:valid_to"`
	Search      string          `gorm:"column:search"`
	Version     int64           `gorm:"column:version"`
}

// TableName is the table.
func (Organisation) TableName() string { return "organisations" }

// Lineage says what became of an organisation.
type Lineage struct {
	ID            string          `gorm:"column:id;primaryKey"`
	PredecessorID string          `gorm:"column:predecessor_id"`
	SuccessorID   *string         `gorm:"column:successor_id"`
	Relation      Relation        `gorm:"column:relation"`
	Portion       Portion         `gorm:"column:portion"`
	LegalAct      string          `gorm:"column:legal_act"`
	EffectiveDate inspection.Date `gorm:"column:effective_date"`
}

// TableName is the table.
func (Lineage) TableName() string { return "organisation_lineage" }

// Desk is a reception desk of an organisation.
type Desk struct {
	ID             string          `gorm:"column:id;primaryKey"`
	OrganisationID string          `gorm:"column:organisation_id"`
	Key            string          `gorm:"column:key"`
	Name           string          `gorm:"column:name"`
	Address        string          `gorm:"column:address"`
	PredecessorID  *string         `gorm:"column:predecessor_id"` // the desk that it was in another organisation
	ValidFrom      inspection.Date `gorm:"column:valid_from"`
	ValidTo        inspection.Date `gorm:"column:valid_to"`
	Search         string          `gorm:"column:search"`
	Version        int64           `gorm:"column:version"`
}

// TableName is the table.
func (Desk) TableName() string { return "desks" }

// Post is a post at a desk: a title and a field, never a person. Simulated posts
// are demo data and are stamped so wherever they are shown.
type Post struct {
	ID        string          `gorm:"column:id;primaryKey"`
	DeskID    string          `gorm:"column:desk_id"`
	Title     string          `gorm:"column:title"`
	Field     string          `gorm:"column:field"`
	Required  bool            `gorm:"column:required"`
	ValidFrom inspection.Date `gorm:"column:valid_from"`
	ValidTo   inspection.Date `gorm:"column:valid_to"`
	Simulated bool            `gorm:"column:simulated"`
	Search    string          `gorm:"column:search"`
	Version   int64           `gorm:"column:version"`
}

// TableName is the table.
func (Post) TableName() string { return "posts" }

// Person is somebody who works with the tool, with the name as it is shown.
type Person struct {
	ID        string `gorm:"column:id;primaryKey"`
	Name      string `gorm:"column:name"`
	Position  string `gorm:"column:position"`
	Simulated bool   `gorm:"column:simulated"`
	Search    string `gorm:"column:search"`
	Version   int64  `gorm:"column:version"`
}

// TableName is the table.
func (Person) TableName() string { return "people" }

// RoleRow is a role that a person holds for a time, in an organisation and, for
// the roles of a team, in that team.
type RoleRow struct {
	ID             string             `gorm:"column:id;primaryKey"`
	PersonID       string             `gorm:"column:person_id"`
	Role           inspection.Role    `gorm:"column:role"`
	OrganisationID *string            `gorm:"column:organisation_id"`
	TeamID         *string            `gorm:"column:team_id"`
	ValidFrom      inspection.Date    `gorm:"column:valid_from"`
	ValidTo        inspection.Date    `gorm:"column:valid_to"`
	Reason         string             `gorm:"column:reason"`
	Version        int64              `gorm:"column:version"`
	VoidedAt       inspection.Instant `gorm:"column:voided_at"` // given by mistake: it has never held
	VoidReason     string             `gorm:"column:void_reason"`
}

// Void tells whether the role was given by mistake and taken back.
func (r RoleRow) Void() bool { return !r.VoidedAt.IsZero() }

// TableName is the table.
func (RoleRow) TableName() string { return "person_roles" }

type calendarRow struct {
	ID             string  `gorm:"column:id;primaryKey"`
	AdminUnitID    *string `gorm:"column:admin_unit_id"`
	OrganisationID *string `gorm:"column:organisation_id"`
	Version        int64   `gorm:"column:version"`
}

func (calendarRow) TableName() string { return "calendars" }

type hoursRow struct {
	ID         string            `gorm:"column:id;primaryKey"`
	CalendarID string            `gorm:"column:calendar_id"`
	ValidFrom  inspection.Date   `gorm:"column:valid_from"`
	ValidTo    inspection.Date   `gorm:"column:valid_to"`
	Weekday    int64             `gorm:"column:weekday"`
	Opens      inspection.Minute `gorm:"column:opens"`
	Closes     inspection.Minute `gorm:"column:closes"`
}

func (hoursRow) TableName() string { return "calendar_hours" }

type dayRow struct {
	ID         string          `gorm:"column:id;primaryKey"`
	CalendarID string          `gorm:"column:calendar_id"`
	Day        inspection.Date `gorm:"column:day"`
	Kind       DayKind         `gorm:"column:kind"`
	Name       string          `gorm:"column:name"`
}

func (dayRow) TableName() string { return "calendar_days" }

type numberRow struct {
	IssuerKey string `gorm:"column:issuer_key;primaryKey"`
	DocType   string `gorm:"column:doc_type;primaryKey"`
	Year      int64  `gorm:"column:year;primaryKey"`
	Last      int64  `gorm:"column:last"`
}

func (numberRow) TableName() string { return "document_numbers" }

// Tables lists the package's table structs, for the test that compares them with
// the migrated schema.
func Tables() []any {
	return []any{Unit{}, UnitLineage{}, Organisation{}, Lineage{}, Desk{}, Post{}, Person{}, RoleRow{},
		calendarRow{}, hoursRow{}, dayRow{}, numberRow{}, Correction{}, deadlineRow{}, reminderRow{}, Delegation{}}
}
