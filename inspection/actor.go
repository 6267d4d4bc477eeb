package inspection

import "slices"

// Role is what a person is to an organisation or a team for a time (domain:
// chairperson, team lead, unit head …).
type Role string

// The roles.
const (
	Chairperson           Role = "chairperson"
	ViceChairperson       Role = "vice_chairperson"
	ChiefOfOffice         Role = "chief_of_office"
	HomeAffairs           Role = "home_affairs"
	PCOffice              Role = "pc_office"
	TeamLead              Role = "team_lead"
	DeputyLead            Role = "deputy_lead"
	TeamSecretary         Role = "team_secretary"
	Inspector             Role = "inspector"
	UnitHead              Role = "unit_head"
	UnitContact           Role = "unit_contact"
	RecordsClerk          Role = "records_clerk"
	DataProtectionOfficer Role = "data_protection_officer"
	SysAdmin              Role = "sysadmin"
	GuestPress            Role = "guest_press"

	// UnitDelegate acts for the head of a unit for some days; it comes of a delegation
	// and is never granted.
	UnitDelegate Role = "unit_delegate"
)

// Roles lists every role that can be granted.
var Roles = []Role{Chairperson, ViceChairperson, ChiefOfOffice, HomeAffairs, PCOffice, TeamLead, DeputyLead,
	TeamSecretary, Inspector, UnitHead, UnitContact, RecordsClerk, DataProtectionOfficer, SysAdmin, GuestPress}

// TeamRoles lists the roles held in a team.
var TeamRoles = []Role{TeamLead, DeputyLead, TeamSecretary, Inspector}

// Capacity is one thing that a person is: a role in an organisation and, for the
// roles of a team, in that team. Former are the organisations that have gone into
// Organisation as a whole by the day: what was theirs is its own.
type Capacity struct {
	Role         Role
	Organisation string
	Team         string
	Former       []string
}

// In tells whether the capacity is held in an organisation, or in the one that it has
// gone into as a whole.
func (c Capacity) In(organisation string) bool {
	return organisation != "" && (c.Organisation == organisation || slices.Contains(c.Former, organisation))
}

// Actor is the person who asks, with the capacities that hold on the day of
// asking. Which one allows an action is decided by org.Can, and that one is
// written into history. The zero Actor is nobody and may do nothing.
type Actor struct {
	Person     string
	Name       string
	Capacities []Capacity
	Device     string
	Request    string
}

// Is tells whether the actor holds any of the roles, anywhere.
func (a Actor) Is(roles ...Role) bool {
	for _, c := range a.Capacities {
		for _, r := range roles {
			if c.Role == r {
				return true
			}
		}
	}
	return false
}
