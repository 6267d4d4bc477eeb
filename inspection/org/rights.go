package org

import (
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Action is something that a person may or may not do to a subject.
type Action string

// The actions. The owner of a subject asks for them by name; what each needs
// stands in the table below and nowhere else.
const (
	// A target in the plan: what is to be visited.
	ReadTarget   Action = "target.read"
	ManageTarget Action = "target.manage"
	CheckIn      Action = "target.check_in" // opened: to those whom the lead lets lead on site
	PlanTarget   Action = "target.plan"     // put a new one into the team's plan

	// A campaign: its decision, teams and the units that it is about.
	ReadCampaign   Action = "campaign.read"
	CreateCampaign Action = "campaign.create"
	ManageCampaign Action = "campaign.manage" // change, suspend, cancel; teams and their members

	// A check.
	ReadVisit     Action = "visit.read"     // the content: answers, minutes, score once concluded
	ListVisit     Action = "visit.list"     // that it takes place, where, and its state
	InspectVisit  Action = "visit.inspect"  // post operations on it
	FinishVisit   Action = "visit.finish"   // close the answers, draw up and close the minutes
	ReportVisit   Action = "visit.report"   // report its result
	ConcludeVisit Action = "visit.conclude" // conclude it
	OpineVisit    Action = "visit.opinion"  // say what the unit thinks of the minutes of a look from the office

	// A finding.
	ReadFinding    Action = "finding.read"
	AnswerFinding  Action = "finding.answer" // explain, report progress and the remedy: the unit
	BindUnit       Action = "finding.bind"   // what only its head may: take note, ask for time, set a plan, report a review, delegate
	ReviewFinding  Action = "finding.review" // return, accept, extend, merge: the team's lead
	VerifyFinding  Action = "finding.verify" // verify on documents or on the spot: a member
	DecideFinding  Action = "finding.decide" // rule, confirm, withdraw, assign, close: who issued the decision
	ReopenFinding  Action = "finding.reopen" // after verification
	SuperviseTerms Action = "finding.hold"   // hold, release, long extensions: the chair

	// A self-inspection.
	AskSelfCheck  Action = "selfcheck.ask"  // ask units for one, and see who has done it
	ReadSelfCheck Action = "selfcheck.read" // see it; what it says, package selfcheck narrows
	MakeSelfCheck Action = "selfcheck.make" // plan it, hand it in, correct it: the unit's head
	FillSelfCheck Action = "selfcheck.fill" // answer its items

	SummariseChecks Action = "summary.read"     // the chair's page
	ManageOrg       Action = "org.manage"       // units, organisations, desks, people, roles
	ManageAccounts  Action = "account.manage"   // accounts
	ManageChecklist Action = "checklist.manage" // checklists
	ManageDeadlines Action = "deadline.manage"  // the terms of this office
	ReadRegister    Action = "org.read"         // the tree of units and desks
	ReadHealth      Action = "system.read"      // how the installation is, nothing of what it holds
)

// Subject is the plain facts that decide: the package that owns the thing fills
// in what applies.
type Subject struct {
	Unit     string   // the organisation that is inspected, or that answers now
	Issuer   string   // the organisation whose decision founded the check
	Team     string   // the team
	Decider  string   // the person who decides today
	Author   string   // the person who wrote it
	Lead     string   // the person who leads: of a check, on site
	Vacant   bool     // the lead leads the team no more: its head of today does
	OpenedTo []string // the persons to whom the lead has opened a target
	Stage    string   // the state of the check, or of the finding
}

// Columns name where the same facts stand in a query: column names, and SQL
// conditions: Opened with one placeholder for the person, Vacant with one for the day On.
type Columns struct {
	Unit, Issuer, Team, Decider, Author, Lead, Stage, Opened, Vacant string
	On                                                               inspection.Date
}

// tie is how a capacity must be tied to the subject.
type tie int

const (
	anywhere tie = iota // the role alone is enough
	ofUnit              // held in the unit, or in what it went into as a whole
	ofIssuer            // held in the issuing organisation, or in what it went into as a whole
	inTeam              // held in the team
	decides             // the person decides, holds the role in the issuing organisation and belongs to no such unit
	wrote               // the person wrote it and holds the role in the issuing organisation
	leads               // the person leads, or heads the team in the place of who did
	opened              // the lead has opened it to the person
)

type rule struct {
	roles  []inspection.Role
	tie    tie
	stages []string // empty: every stage
}

// The stages of a check that a rule can speak of (domain: inspection states).
var (
	afterMinutes   = []string{"MINUTES_SIGNED", "MINUTES_UNSIGNED", "CANNOT_INSPECT", "REPORTED", "CONCLUDED", "CLOSED"}
	afterConcluded = []string{"CONCLUDED", "CLOSED"}

	// The states of a finding from the conclusion of its check on.
	afterConfirmed = []string{"CONFIRMED", "ASSIGNED", "IN_REMEDIATION", "SUBMITTED", "ACCEPTED", "REINSPECT_DUE", "VERIFIED", "CLOSED_NOT_FIXED", "WITHDRAWN"}
	afterHandIn    = []string{"HANDED_IN"} // of a self-inspection
	leaders        = []inspection.Role{inspection.TeamLead, inspection.DeputyLead}
	scribes        = []inspection.Role{inspection.TeamLead, inspection.DeputyLead, inspection.TeamSecretary}
	team           = inspection.TeamRoles
	chairs         = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson}
	overseers      = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson, inspection.ChiefOfOffice}
	unit           = []inspection.Role{inspection.UnitHead, inspection.UnitContact, inspection.UnitDelegate}
	unitHead       = []inspection.Role{inspection.UnitHead}
	answering      = []inspection.Role{inspection.UnitHead, inspection.UnitDelegate}
	homeAffairs    = []inspection.Role{inspection.HomeAffairs}
	admins         = []inspection.Role{inspection.SysAdmin}
	officials      = []inspection.Role{inspection.SysAdmin, inspection.HomeAffairs}
	signers        = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson, inspection.UnitHead} // who may issue a decision to check
	everyRole      = inspection.Roles
)

// table is the whole of who may do what. Until check-in a target is known to its
// lead and to whom the lead has opened it, chairs and administrators not excepted;
// the unit sees a check from its minutes on; administrators see no content.
var table = map[Action][]rule{
	ReadTarget:   {{leaders, leads, nil}, {team, opened, nil}},
	ManageTarget: {{leaders, leads, nil}},
	CheckIn:      {{leaders, leads, nil}, {team, opened, nil}},
	PlanTarget:   {{leaders, inTeam, nil}},

	ReadCampaign:   {{homeAffairs, ofIssuer, nil}, {overseers, ofIssuer, nil}, {team, ofIssuer, nil}, {unitHead, decides, nil}},
	CreateCampaign: {{homeAffairs, ofIssuer, nil}, {overseers, ofIssuer, nil}, {leaders, ofIssuer, nil}},
	ManageCampaign: {{homeAffairs, ofIssuer, nil}, {overseers, ofIssuer, nil}, {leaders, wrote, nil}},

	ListVisit:     {{team, inTeam, nil}, {overseers, ofIssuer, nil}, {unitHead, decides, nil}, {homeAffairs, ofIssuer, afterConcluded}, {unit, ofUnit, afterMinutes}},
	ReadVisit:     {{team, inTeam, nil}, {overseers, ofIssuer, afterMinutes}, {unitHead, decides, afterMinutes}, {homeAffairs, ofIssuer, afterConcluded}, {unit, ofUnit, afterMinutes}},
	InspectVisit:  {{team, inTeam, nil}},
	FinishVisit:   {{scribes, inTeam, nil}, {team, leads, nil}},
	ReportVisit:   {{leaders, inTeam, nil}},
	ConcludeVisit: {{signers, decides, nil}},
	OpineVisit:    {{answering, ofUnit, afterMinutes}},

	ReadFinding:    {{team, inTeam, nil}, {overseers, ofIssuer, nil}, {unitHead, decides, nil}, {homeAffairs, ofIssuer, afterConfirmed}, {unit, ofUnit, nil}},
	AnswerFinding:  {{answering, ofUnit, nil}},
	BindUnit:       {{unitHead, ofUnit, nil}},
	ReviewFinding:  {{leaders, inTeam, nil}},
	VerifyFinding:  {{team, inTeam, nil}},
	DecideFinding:  {{signers, decides, nil}},
	ReopenFinding:  {{leaders, inTeam, nil}, {chairs, ofIssuer, nil}},
	SuperviseTerms: {{chairs, ofIssuer, nil}},

	AskSelfCheck:  {{homeAffairs, ofIssuer, nil}, {overseers, ofIssuer, nil}},
	ReadSelfCheck: {{unit, ofUnit, nil}, {overseers, ofIssuer, afterHandIn}, {homeAffairs, ofIssuer, afterHandIn}},
	MakeSelfCheck: {{unitHead, ofUnit, nil}},
	FillSelfCheck: {{unit, ofUnit, nil}},

	SummariseChecks: {{overseers, ofIssuer, nil}, {homeAffairs, ofIssuer, nil}},
	ManageOrg:       {{admins, anywhere, nil}},
	ManageAccounts:  {{admins, anywhere, nil}},
	ManageChecklist: {{officials, anywhere, nil}},
	ManageDeadlines: {{officials, anywhere, nil}},
	ReadRegister:    {{everyRole, anywhere, nil}},
	ReadHealth:      {{admins, anywhere, nil}},
}

// Can decides whether the actor may do this to the subject, and in which of the
// actor's capacities: the first that allows it, which history then names.
func Can(actor inspection.Actor, action Action, s Subject) (inspection.Capacity, bool) {
	if actor.Person == "" {
		return inspection.Capacity{}, false
	}
	for _, r := range table[action] {
		if len(r.stages) > 0 && !slices.Contains(r.stages, s.Stage) {
			continue
		}
		for _, c := range actor.Capacities {
			if slices.Contains(r.roles, c.Role) && r.tied(actor, c, s) {
				return c, true
			}
		}
	}
	return inspection.Capacity{}, false
}

func (r rule) tied(a inspection.Actor, c inspection.Capacity, s Subject) bool {
	switch r.tie {
	case ofUnit:
		return c.In(s.Unit)
	case ofIssuer:
		return c.In(s.Issuer)
	case inTeam:
		return s.Team != "" && c.Team == s.Team && !slices.Contains(belongs(a), s.Unit)
	case decides:
		return s.Decider != "" && a.Person == s.Decider && c.Team == "" && c.In(s.Issuer) && !judge(a, c).is(s)
	case wrote:
		return s.Author != "" && a.Person == s.Author && c.In(s.Issuer)
	case leads:
		if s.Vacant {
			return c.Role == inspection.TeamLead && s.Team != "" && c.Team == s.Team && !slices.Contains(belongs(a), s.Unit)
		}
		return s.Lead != "" && a.Person == s.Lead && c.Team == s.Team
	case opened:
		return c.Team == s.Team && slices.Contains(s.OpenedTo, a.Person)
	}
	return r.tie == anywhere
}

// belongs lists where a person holds a role apart from any team, and what went into it:
// nobody inspects where they belong (domain §7.1), whatever team they were taken into
// since.
func belongs(a inspection.Actor) (units []string) {
	for _, c := range a.Capacities {
		if c.Organisation == "" || c.Team != "" {
			continue
		}
		for _, o := range line(c) {
			if !slices.Contains(units, o) {
				units = append(units, o)
			}
		}
	}
	return units
}

// interests are the units of which somebody who decides in a capacity would be judge in
// their own cause.
type interests struct {
	never  []string // where they belong apart from the issuer
	unless []string // what went into the issuer and they head: unless it is the issuer itself
}

// judge tells of what who decides for an issuer must not: who decides for it belongs to it
// and may decide on its own desks, but nobody decides on what they answer for themselves
// because it went the same way.
func judge(a inspection.Actor, c inspection.Capacity) interests {
	i := interests{never: slices.DeleteFunc(belongs(a), c.In)}
	for _, k := range a.Capacities {
		if k.Team == "" && slices.Contains(unit, k.Role) {
			i.unless = append(i.unless, slices.DeleteFunc(line(k), func(o string) bool { return !c.In(o) || o == c.Organisation })...)
		}
	}
	return i
}

func (i interests) is(s Subject) bool {
	return slices.Contains(i.never, s.Unit) || s.Unit != s.Issuer && slices.Contains(i.unless, s.Unit)
}

// without is the same as a condition on the rows.
func (i interests) without(q condition, at Columns) condition {
	if at.Unit == "" {
		return q
	}
	if len(i.never) > 0 {
		q = condition{q.sql + " AND " + at.Unit + " NOT IN ?", append(q.args, i.never)}
	}
	if len(i.unless) > 0 {
		q = condition{q.sql + " AND (" + at.Unit + " NOT IN ? OR " + at.Unit + " = " + at.Issuer + ")", append(q.args, i.unless)}
	}
	return q
}

// line is the organisation of a capacity and all that went into it as a whole.
func line(c inspection.Capacity) []string { return append([]string{c.Organisation}, c.Former...) }

// heldIn is Capacity.In as a condition on a column.
func heldIn(column string, c inspection.Capacity) condition {
	if len(c.Former) == 0 {
		return condition{column + " = ?", []any{c.Organisation}}
	}
	return condition{column + " IN ?", []any{line(c)}}
}

// Scope is Can for lists and counts: the same table as a condition on the rows
// that the actor may do this to. A test holds the two equal.
func Scope(actor inspection.Actor, action Action, at Columns) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		any := condition{sql: "1 = 0"}
		for _, c := range conditions(actor, action, at) {
			any = condition{any.sql + " OR " + c.sql, append(any.args, c.args...)}
		}
		return db.Where("("+any.sql+")", any.args...)
	}
}

// Parts is Scope taken apart: conditions of which each row meets at most one, for
// lists and counts of many rows. A database answers each from an index, where for
// all in one it reads every row. Nobody's parts are one that no row meets.
func Parts(actor inspection.Actor, action Action, at Columns) []func(*gorm.DB) *gorm.DB {
	var parts []func(*gorm.DB) *gorm.DB
	all := conditions(actor, action, at)
	for i, c := range all {
		parts = append(parts, func(db *gorm.DB) *gorm.DB {
			db = db.Where(c.sql, c.args...)
			for _, before := range all[:i] {
				db = db.Where("NOT COALESCE("+before.sql+", FALSE)", before.args...)
			}
			return db
		})
	}
	if len(parts) == 0 {
		parts = append(parts, func(db *gorm.DB) *gorm.DB { return db.Where("1 = 0") })
	}
	return parts
}

// condition is one in brackets, with what is put into it.
type condition struct {
	sql  string
	args []any
}

// conditions are those of which a row must meet one, each once.
func conditions(actor inspection.Actor, action Action, at Columns) []condition {
	var all []condition
	if actor.Person == "" {
		return nil
	}
	for _, r := range table[action] {
		for _, c := range actor.Capacities {
			if !slices.Contains(r.roles, c.Role) {
				continue
			}
			q, ok := r.where(actor, c, at)
			if ok && !slices.ContainsFunc(all, func(k condition) bool { return k.sql == q.sql && slices.EqualFunc(k.args, q.args, same) }) {
				all = append(all, q)
			}
		}
	}
	return all
}

// same compares what conditions hold: texts and lists of texts.
func same(a, b any) bool {
	x, list := a.([]string)
	y, other := b.([]string)
	if list || other {
		return list && other && slices.Equal(x, y)
	}
	return a == b
}

// where is one rule as a condition; false where the rule speaks of a fact that
// the rows do not carry.
func (r rule) where(a inspection.Actor, c inspection.Capacity, at Columns) (condition, bool) {
	var q condition
	switch {
	case r.tie == anywhere:
		q = condition{"1 = 1", nil}
	case r.tie == ofUnit && at.Unit != "" && c.Organisation != "":
		q = heldIn(at.Unit, c)
	case r.tie == ofIssuer && at.Issuer != "" && c.Organisation != "":
		q = heldIn(at.Issuer, c)
	case r.tie == inTeam && at.Team != "" && c.Team != "":
		q = condition{at.Team + " = ?", []any{c.Team}}
		if own := belongs(a); len(own) > 0 && at.Unit != "" {
			q = condition{q.sql + " AND " + at.Unit + " NOT IN ?", append(q.args, own)}
		}
	case r.tie == decides && at.Decider != "" && at.Issuer != "" && c.Organisation != "" && c.Team == "":
		in := heldIn(at.Issuer, c)
		q = judge(a, c).without(condition{at.Decider + " = ? AND " + in.sql, append([]any{a.Person}, in.args...)}, at)
	case r.tie == wrote && at.Author != "" && at.Issuer != "" && c.Organisation != "":
		in := heldIn(at.Issuer, c)
		q = condition{at.Author + " = ? AND " + in.sql, append([]any{a.Person}, in.args...)}
	case r.tie == leads && at.Lead != "" && at.Team != "":
		q = condition{at.Lead + " = ? AND " + at.Team + " = ?", []any{a.Person, c.Team}}
		if at.Vacant == "" {
			break
		}
		q = condition{"NOT (" + at.Vacant + ") AND " + q.sql, append([]any{at.On}, q.args...)}
		if c.Role != inspection.TeamLead || c.Team == "" {
			break
		}
		head := condition{"(" + at.Vacant + ") AND " + at.Team + " = ?", []any{at.On, c.Team}}
		if own := belongs(a); len(own) > 0 && at.Unit != "" {
			head = condition{head.sql + " AND " + at.Unit + " NOT IN ?", append(head.args, own)}
		}
		q = condition{q.sql + " OR " + head.sql, append(q.args, head.args...)}
	case r.tie == opened && at.Opened != "" && at.Team != "":
		q = condition{at.Opened + " AND " + at.Team + " = ?", []any{a.Person, c.Team}}
	default:
		return q, false
	}
	if len(r.stages) > 0 {
		if at.Stage == "" {
			return q, false
		}
		q = condition{"(" + q.sql + ") AND " + at.Stage + " IN ?", append(q.args, r.stages)}
	}
	return condition{"(" + q.sql + ")", q.args}, true
}

// MustNot is the refusal of what a person may see but not do; what a person may
// not see is answered with NotFound by the owner.
func MustNot() *inspection.Error { return inspection.E(inspection.Forbidden, "error.forbidden") }
