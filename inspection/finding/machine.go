package finding

import (
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
)

// State is where a finding stands.
type State string

// The states (domain §7.2).
const (
	Unborn         State = ""
	Recorded       State = "RECORDED"
	Explained      State = "EXPLAINED"
	Merged         State = "MERGED"
	Withdrawn      State = "WITHDRAWN"
	Confirmed      State = "CONFIRMED"
	Assigned       State = "ASSIGNED"
	InRemediation  State = "IN_REMEDIATION"
	Submitted      State = "SUBMITTED"
	Accepted       State = "ACCEPTED"
	ReinspectDue   State = "REINSPECT_DUE"
	Verified       State = "VERIFIED"
	ClosedNotFixed State = "CLOSED_NOT_FIXED"
)

// States lists the states in the order of the story.
var States = []State{Recorded, Explained, Merged, Withdrawn, Confirmed, Assigned, InRemediation, Submitted, Accepted, ReinspectDue, Verified, ClosedNotFixed}

// open are the states from which something must still follow.
var open = []State{Recorded, Explained, Confirmed, Assigned, InRemediation, Submitted, Accepted, ReinspectDue}

// Open tells whether something must still follow.
func (s State) Open() bool { return slices.Contains(open, s) }

// Terminal tells whether the story has ended. VERIFIED alone can be reopened.
func (s State) Terminal() bool {
	return s == Merged || s == Withdrawn || s == Verified || s == ClosedNotFixed
}

// Counts tells whether the finding stands: confirmed, and not merged or withdrawn.
func (s State) Counts() bool {
	return s != Unborn && s != Recorded && s != Explained && s != Merged && s != Withdrawn
}

// Event is what happens to a finding.
type Event string

// The events (domain §7.2).
const (
	Record             Event = "record"
	Explain            Event = "explain"
	Rule               Event = "rule"
	Merge              Event = "merge"
	Withdraw           Event = "withdraw"
	Confirm            Event = "confirm"
	VerifyOnSite       Event = "verify_on_site"
	Assign             Event = "assign"
	Acknowledge        Event = "acknowledge"
	AskExtension       Event = "ask_extension"
	GrantExtension     Event = "grant_extension"
	RefuseExtension    Event = "refuse_extension"
	Plan               Event = "plan"
	Progress           Event = "progress"
	Submit             Event = "submit"
	Return             Event = "return"
	Accept             Event = "accept"
	NeedReinspection   Event = "need_reinspection"
	VerifyOnDocuments  Event = "verify_on_documents"
	VerdictVerified    Event = "verdict_verified"
	VerdictPartial     Event = "verdict_partial"
	VerdictNotRemedied Event = "verdict_not_remedied"
	VerdictRecurred    Event = "verdict_recurred"
	Reopen             Event = "reopen"
	CloseWithoutRemedy Event = "close_without_remedy"
	Hold               Event = "hold"
	Release            Event = "release"
)

const (
	stay              State = "(the same)"
	errKey                  = "finding.error."
	refusedOnHold           = errKey + "on_hold"
	refusedWrongState       = errKey + "wrong_state"
)

// Facts are what the guards look at. The service computes them; here nothing is
// looked up.
type Facts struct {
	OnHold      bool
	Reason      bool // a reason or text was given
	DocumentNo  bool
	Due         bool // a due date, with its start, days and calendar
	MinutesDone bool

	Unanswered   bool // not assigned yet, or assigned to who was split or dissolved since
	MergeFits    bool // the kept one is another finding of the same check, open and not yet confirmed
	Unruled      bool // an explanation has no ruling
	FixedOnSite  bool
	AfterLater   bool // an after-evidence later than the end of the check (fixed on site: than the before-photo)
	NewEvidence  bool // the re-inspection has evidence of its own
	IsMarker     bool // the actor marked it as fixed on site
	IsSubmitter  bool
	IsAccepter   bool // the accepter acts, or is alone among those who act
	OfFirstVisit bool // one of those who act was a member of the first check
	Reinspect    bool // MAJOR, CRITICAL, or a MODERATE one that was drawn

	Premises bool // premises or equipment, without a plan since it was assigned
	PlanFits bool // a day to come, within the longest term

	BeforeDue      bool
	ExtensionUsed  bool // one was asked for since the finding was assigned
	ExtensionFits  bool // no longer than the original term
	ExtensionAsked bool // one waits for an answer
	Within12Months bool
}

// guard is a condition of a row and the i18n key of its refusal.
type guard struct {
	key  string
	code inspection.Code
	ok   func(Facts) bool
}

func must(key string, ok func(Facts) bool) guard {
	return guard{errKey + key, inspection.Conflict, ok}
}

// mustGive is a guard on what the form holds.
func mustGive(key string, ok func(Facts) bool) guard {
	return guard{errKey + key, inspection.Invalid, ok}
}

// mustNotBe is a guard on who acts.
func mustNotBe(key string, ok func(Facts) bool) guard {
	return guard{errKey + key, inspection.Forbidden, ok}
}

var (
	reason      = mustGive("reason_missing", func(f Facts) bool { return f.Reason })
	text        = mustGive("text_missing", func(f Facts) bool { return f.Reason })
	due         = must("due_missing", func(f Facts) bool { return f.Due })
	otherVisit  = mustNotBe("of_first_visit", func(f Facts) bool { return !f.OfFirstVisit })
	notAlone    = mustNotBe("accepter_verifies", func(f Facts) bool { return !f.IsAccepter })
	newEvidence = mustGive("new_evidence_missing", func(f Facts) bool { return f.NewEvidence })
	asked       = must("extension_not_asked", func(f Facts) bool { return f.ExtensionAsked })
)

// row is one line of the table.
type row struct {
	event  Event
	from   []State
	to     State
	guards []guard
	onHold bool // may happen while the clocks stand still
}

// table mirrors domain §7.2 line by line; rule (an explanation is answered) stands
// there as a guard of confirm, plan (premises) and progress (the interim report, steps of
// the remedy) in its table of terms.
var table = []row{
	{event: Record, from: []State{Unborn}, to: Recorded},
	{event: Explain, from: []State{Recorded}, to: Explained, guards: []guard{
		must("minutes_open", func(f Facts) bool { return f.MinutesDone }), text}},
	{event: Rule, from: []State{Explained}, to: stay, guards: []guard{reason}},
	{event: Merge, from: []State{Recorded, Explained}, to: Merged, guards: []guard{
		mustGive("merge_fits", func(f Facts) bool { return f.MergeFits })}},
	{event: Withdraw, from: []State{Recorded, Explained}, to: Withdrawn, guards: []guard{reason}},
	{event: Confirm, from: []State{Recorded, Explained}, to: Confirmed, guards: []guard{
		must("explanation_unruled", func(f Facts) bool { return !f.Unruled })}},
	{event: VerifyOnSite, from: []State{Confirmed}, to: Verified, guards: []guard{
		must("not_fixed_on_site", func(f Facts) bool { return f.FixedOnSite }),
		mustNotBe("marker_verifies", func(f Facts) bool { return !f.IsMarker }),
		must("after_before", func(f Facts) bool { return f.AfterLater })}},
	{event: Assign, from: []State{Confirmed, Assigned, InRemediation}, to: Assigned, guards: []guard{
		must("wrong_state", func(f Facts) bool { return f.Unanswered }), due}},
	{event: Acknowledge, from: []State{Assigned}, to: InRemediation},
	{event: AskExtension, from: []State{InRemediation}, to: stay, guards: []guard{
		must("extension_used", func(f Facts) bool { return !f.ExtensionUsed }),
		must("extension_late", func(f Facts) bool { return f.BeforeDue }),
		mustGive("extension_too_long", func(f Facts) bool { return f.ExtensionFits }), reason}},
	{event: GrantExtension, from: []State{InRemediation}, to: stay, guards: []guard{asked, due}},
	{event: RefuseExtension, from: []State{InRemediation}, to: stay, guards: []guard{asked, reason}},
	{event: Plan, from: []State{InRemediation}, to: stay, guards: []guard{
		must("no_plan", func(f Facts) bool { return f.Premises }), text,
		mustGive("plan_days", func(f Facts) bool { return f.PlanFits })}},
	{event: Progress, from: []State{InRemediation}, to: stay, guards: []guard{text}},
	{event: Submit, from: []State{InRemediation}, to: Submitted, guards: []guard{text,
		mustGive("after_evidence_missing", func(f Facts) bool { return f.AfterLater })}},
	{event: Return, from: []State{Submitted}, to: InRemediation, guards: []guard{reason, due}},
	{event: Accept, from: []State{Submitted}, to: Accepted, guards: []guard{
		mustNotBe("submitter_accepts", func(f Facts) bool { return !f.IsSubmitter })}},
	{event: NeedReinspection, from: []State{Accepted}, to: ReinspectDue, guards: []guard{
		must("no_reinspection", func(f Facts) bool { return f.Reinspect })}},
	{event: VerifyOnDocuments, from: []State{Accepted}, to: Verified, guards: []guard{
		must("reinspection_needed", func(f Facts) bool { return !f.Reinspect }), notAlone}},
	{event: VerdictVerified, from: []State{ReinspectDue}, to: Verified, guards: []guard{otherVisit, notAlone, newEvidence}},
	{event: VerdictPartial, from: []State{ReinspectDue}, to: InRemediation, guards: []guard{otherVisit, notAlone, newEvidence, due}},
	{event: VerdictNotRemedied, from: []State{ReinspectDue}, to: Assigned, guards: []guard{otherVisit, notAlone, newEvidence, due}},
	{event: VerdictRecurred, from: []State{ReinspectDue}, to: Assigned, guards: []guard{otherVisit, notAlone, newEvidence, due}},
	{event: Reopen, from: []State{Verified}, to: Assigned, guards: []guard{reason,
		must("reopen_late", func(f Facts) bool { return f.Within12Months }), due}},
	{event: CloseWithoutRemedy, from: open, to: ClosedNotFixed, onHold: true, guards: []guard{reason,
		mustGive("document_missing", func(f Facts) bool { return f.DocumentNo })}},
	{event: Hold, from: open, to: stay, guards: []guard{reason}},
	{event: Release, from: open, to: stay, onHold: true, guards: []guard{
		must("not_on_hold", func(f Facts) bool { return f.OnHold }), reason}},
}

// Next is what an event makes of a state, or why it may not happen. Codes: conflict
// (the state or a circumstance forbids it), invalid (something is missing in the
// form), forbidden (another person must do it).
func Next(s State, e Event, f Facts) (State, error) {
	for _, r := range table {
		if r.event != e || !slices.Contains(r.from, s) {
			continue
		}
		if f.OnHold && !r.onHold {
			return s, inspection.E(inspection.Conflict, refusedOnHold)
		}
		for _, g := range r.guards {
			if !g.ok(f) {
				return s, inspection.E(g.code, g.key)
			}
		}
		if r.to == stay {
			return s, nil
		}
		return r.to, nil
	}
	return s, inspection.E(inspection.Conflict, refusedWrongState, "state", string(s), "event", string(e))
}

// Possible lists the events that the table knows for a state, whatever the guards
// say, for a page that shows what can be done.
func Possible(s State, onHold bool) []Event {
	var out []Event
	for _, r := range table {
		if slices.Contains(r.from, s) && (!onHold || r.onHold) && (r.event != Release || onHold) {
			out = append(out, r.event)
		}
	}
	return out
}

// Severity of a finding: the check's own scale, no finding of a disciplinary body.
type Severity string

// The severities, rising.
const (
	Minor    Severity = "MINOR"
	Moderate Severity = "MODERATE"
	Major    Severity = "MAJOR"
	Critical Severity = "CRITICAL"
)

// Severities lists them, rising.
var Severities = []Severity{Minor, Moderate, Major, Critical}

// Worse is the next severity; CRITICAL stays CRITICAL.
func (s Severity) Worse() Severity {
	i := slices.Index(Severities, s)
	return Severities[min(i+1, len(Severities)-1)]
}

// longestTerm is the longest term in working days that anybody may set.
const longestTerm = 365

// keyApology is the item on apology slips, sectionPremises that on premises and
// equipment; both have terms of their own.
const (
	keyApology      = "D04"
	sectionPremises = "F"
)

// TermOf is how many working days a unit has: as built in, 5, 10, 15 or 30 by severity; 1
// for missing apology slips; 15 for the plan for premises and equipment, where the person
// who issued the decision may set a longer term.
func TermOf(d org.Deadlines, s Severity, itemKey, section string) int {
	switch {
	case itemKey == keyApology:
		return d.Of(org.ApologyDays)
	case s == Critical:
		return d.Of(org.CriticalDays)
	case section == sectionPremises:
		return d.Of(org.PremisesDays)
	case s == Major:
		return d.Of(org.MajorDays)
	case s == Moderate:
		return d.Of(org.ModerateDays)
	}
	return d.Of(org.MinorDays)
}
