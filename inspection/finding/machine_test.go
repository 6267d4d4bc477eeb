package finding

import (
	"math/rand/v2"
	"slices"
	"testing"

	"congvu/inspection"
	"congvu/inspection/org"
)

// good are facts under which nothing is refused.
var good = Facts{Reason: true, DocumentNo: true, Due: true, MinutesDone: true, Unanswered: true, MergeFits: true, FixedOnSite: true, AfterLater: true,
	NewEvidence: true, Reinspect: true, BeforeDue: true, ExtensionFits: true, ExtensionAsked: true, Within12Months: true, Premises: true, PlanFits: true}

// The table of domain §7.2, written out once more by hand.
func TestTableMirrorsTheDomain(t *testing.T) {
	want := map[Event]map[State]State{
		Record:             {Unborn: Recorded},
		Explain:            {Recorded: Explained},
		Rule:               {Explained: Explained},
		Merge:              {Recorded: Merged, Explained: Merged},
		Withdraw:           {Recorded: Withdrawn, Explained: Withdrawn},
		Confirm:            {Recorded: Confirmed, Explained: Confirmed},
		VerifyOnSite:       {Confirmed: Verified},
		Assign:             {Confirmed: Assigned, Assigned: Assigned, InRemediation: Assigned}, // of a unit that was split
		Acknowledge:        {Assigned: InRemediation},
		AskExtension:       {InRemediation: InRemediation},
		GrantExtension:     {InRemediation: InRemediation},
		RefuseExtension:    {InRemediation: InRemediation},
		Plan:               {InRemediation: InRemediation},
		Progress:           {InRemediation: InRemediation},
		Submit:             {InRemediation: Submitted},
		Return:             {Submitted: InRemediation},
		Accept:             {Submitted: Accepted},
		NeedReinspection:   {Accepted: ReinspectDue},
		VerifyOnDocuments:  {Accepted: Verified},
		VerdictVerified:    {ReinspectDue: Verified},
		VerdictPartial:     {ReinspectDue: InRemediation},
		VerdictNotRemedied: {ReinspectDue: Assigned},
		VerdictRecurred:    {ReinspectDue: Assigned},
		Reopen:             {Verified: Assigned},
	}
	for _, e := range []Event{CloseWithoutRemedy, Hold, Release} {
		want[e] = map[State]State{}
		for _, s := range []State{Recorded, Explained, Confirmed, Assigned, InRemediation, Submitted, Accepted, ReinspectDue} {
			want[e][s] = s
			if e == CloseWithoutRemedy {
				want[e][s] = ClosedNotFixed
			}
		}
	}
	for _, s := range append([]State{Unborn}, States...) {
		for e, rows := range want {
			f := good
			f.OnHold = e == Release
			if e == VerifyOnDocuments {
				f.Reinspect = false
			}
			got, err := Next(s, e, f)
			to, ok := rows[s]
			switch {
			case ok && (err != nil || got != to):
				t.Errorf("%s from %q: %q %v, want %q", e, s, got, err, to)
			case !ok && (inspection.KeyOf(err) != "finding.error.wrong_state" || got != s):
				t.Errorf("%s from %q is not in the table: %q %v", e, s, got, err)
			}
		}
	}
	if len(want) != len(table) {
		t.Errorf("the table has %d rows, %d are checked", len(table), len(want))
	}
}

func TestGuards(t *testing.T) {
	with := func(change func(*Facts)) Facts { f := good; change(&f); return f }
	for _, c := range []struct {
		from  State
		event Event
		facts Facts
		key   string
		code  inspection.Code
	}{
		{Recorded, Explain, with(func(f *Facts) { f.MinutesDone = false }), "minutes_open", inspection.Conflict},
		{Recorded, Explain, with(func(f *Facts) { f.Reason = false }), "text_missing", inspection.Invalid},
		{Explained, Rule, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Recorded, Merge, with(func(f *Facts) { f.MergeFits = false }), "merge_fits", inspection.Invalid},
		{Explained, Withdraw, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Explained, Confirm, with(func(f *Facts) { f.Unruled = true }), "explanation_unruled", inspection.Conflict},
		{Confirmed, VerifyOnSite, with(func(f *Facts) { f.FixedOnSite = false }), "not_fixed_on_site", inspection.Conflict},
		{Confirmed, VerifyOnSite, with(func(f *Facts) { f.IsMarker = true }), "marker_verifies", inspection.Forbidden},
		{Confirmed, VerifyOnSite, with(func(f *Facts) { f.AfterLater = false }), "after_before", inspection.Conflict},
		{Confirmed, Assign, with(func(f *Facts) { f.Due = false }), "due_missing", inspection.Conflict},
		{Assigned, Assign, with(func(f *Facts) { f.Unanswered = false }), "wrong_state", inspection.Conflict},
		{InRemediation, AskExtension, with(func(f *Facts) { f.ExtensionUsed = true }), "extension_used", inspection.Conflict},
		{InRemediation, AskExtension, with(func(f *Facts) { f.BeforeDue = false }), "extension_late", inspection.Conflict},
		{InRemediation, AskExtension, with(func(f *Facts) { f.ExtensionFits = false }), "extension_too_long", inspection.Invalid},
		{InRemediation, AskExtension, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{InRemediation, GrantExtension, with(func(f *Facts) { f.ExtensionAsked = false }), "extension_not_asked", inspection.Conflict},
		{InRemediation, RefuseExtension, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{InRemediation, Plan, with(func(f *Facts) { f.Premises = false }), "no_plan", inspection.Conflict},
		{InRemediation, Plan, with(func(f *Facts) { f.Reason = false }), "text_missing", inspection.Invalid},
		{InRemediation, Plan, with(func(f *Facts) { f.PlanFits = false }), "plan_days", inspection.Invalid},
		{InRemediation, Progress, with(func(f *Facts) { f.Reason = false }), "text_missing", inspection.Invalid},
		{InRemediation, Submit, with(func(f *Facts) { f.Reason = false }), "text_missing", inspection.Invalid},
		{InRemediation, Submit, with(func(f *Facts) { f.AfterLater = false }), "after_evidence_missing", inspection.Invalid},
		{Submitted, Return, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Submitted, Accept, with(func(f *Facts) { f.IsSubmitter = true }), "submitter_accepts", inspection.Forbidden},
		{Accepted, NeedReinspection, with(func(f *Facts) { f.Reinspect = false }), "no_reinspection", inspection.Conflict},
		{Accepted, VerifyOnDocuments, good, "reinspection_needed", inspection.Conflict},
		{Accepted, VerifyOnDocuments, with(func(f *Facts) { f.Reinspect, f.IsAccepter = false, true }), "accepter_verifies", inspection.Forbidden},
		{ReinspectDue, VerdictVerified, with(func(f *Facts) { f.OfFirstVisit = true }), "of_first_visit", inspection.Forbidden},
		{ReinspectDue, VerdictRecurred, with(func(f *Facts) { f.IsAccepter = true }), "accepter_verifies", inspection.Forbidden},
		{ReinspectDue, VerdictNotRemedied, with(func(f *Facts) { f.NewEvidence = false }), "new_evidence_missing", inspection.Invalid},
		{ReinspectDue, VerdictPartial, with(func(f *Facts) { f.Due = false }), "due_missing", inspection.Conflict},
		{Verified, Reopen, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Verified, Reopen, with(func(f *Facts) { f.Within12Months = false }), "reopen_late", inspection.Conflict},
		{Assigned, CloseWithoutRemedy, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Assigned, CloseWithoutRemedy, with(func(f *Facts) { f.DocumentNo = false }), "document_missing", inspection.Invalid},
		{Assigned, Hold, with(func(f *Facts) { f.Reason = false }), "reason_missing", inspection.Invalid},
		{Assigned, Release, good, "not_on_hold", inspection.Conflict},
		{InRemediation, Submit, with(func(f *Facts) { f.OnHold = true }), "on_hold", inspection.Conflict},
		{Assigned, Hold, with(func(f *Facts) { f.OnHold = true }), "on_hold", inspection.Conflict},
	} {
		got, err := Next(c.from, c.event, c.facts)
		if inspection.KeyOf(err) != "finding.error."+c.key || inspection.CodeOf(err) != c.code || got != c.from {
			t.Errorf("%s from %s: %q %v, want %s", c.event, c.from, got, err, c.key)
		}
	}
}

var events = []Event{Record, Explain, Rule, Merge, Withdraw, Confirm, VerifyOnSite, Assign, Acknowledge, AskExtension, GrantExtension, RefuseExtension,
	Plan, Progress, Submit, Return, Accept, NeedReinspection, VerifyOnDocuments, VerdictVerified, VerdictPartial, VerdictNotRemedied, VerdictRecurred, Reopen,
	CloseWithoutRemedy, Hold, Release}

// walk applies events with facts out of bits; whatever comes, the walk stays in the
// table and an end stays an end.
func walk(t *testing.T, steps []byte) {
	s, hold := Unborn, false
	for i := 0; i+1 < len(steps); i += 2 {
		e := events[int(steps[i])%len(events)]
		f, b := good, steps[i+1]
		f.OnHold, f.Reason, f.Unruled, f.IsSubmitter, f.IsAccepter = hold, b&1 == 0, b&2 != 0, b&4 != 0, b&8 != 0
		f.Reinspect, f.AfterLater, f.Within12Months, f.ExtensionUsed = b&16 != 0, b&32 == 0, b&64 == 0, b&128 != 0
		to, err := Next(s, e, f)
		if err != nil {
			if to != s || inspection.KeyOf(err) == "" {
				t.Fatalf("a refusal of %s changes %q to %q: %v", e, s, to, err)
			}
			if slices.Contains(Possible(s, hold), e) && inspection.KeyOf(err) == "finding.error.wrong_state" {
				t.Fatalf("%s is said to be possible from %q", e, s)
			}
			continue
		}
		if !slices.Contains(States, to) {
			t.Fatalf("%s leads from %q to %q", e, s, to)
		}
		if !slices.Contains(Possible(s, hold), e) {
			t.Fatalf("%s happened and was not possible from %q", e, s)
		}
		if s.Terminal() && !(s == Verified && e == Reopen) {
			t.Fatalf("%s leads out of %q", e, s)
		}
		if s != Unborn && s.Open() == s.Terminal() {
			t.Fatalf("%q is neither open nor ended", s)
		}
		switch e {
		case Hold:
			hold = true
		case Release, CloseWithoutRemedy:
			hold = false
		}
		s = to
	}
}

func TestRandomWalks(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	for range 3000 {
		steps := make([]byte, 2+rnd.IntN(200))
		for i := range steps {
			steps[i] = byte(rnd.Uint32())
		}
		steps[0] = 0 // most walks begin with the record
		walk(t, steps)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte{0, 0, 5, 0, 7, 0, 8, 0, 12, 0, 14, 0, 15, 16, 17, 0})
	f.Fuzz(func(t *testing.T, steps []byte) { walk(t, steps) })
}

func TestTermsAndSeverity(t *testing.T) {
	for _, c := range []struct {
		s            Severity
		key, section string
		days         int
	}{{Critical, "B05", "B", 5}, {Major, "A01", "A", 10}, {Moderate, "A04", "A", 15}, {Minor, "A05", "A", 30}, {Major, "D04", "D", 1}, {Moderate, "F02", "F", 15}, {Critical, "F02", "F", 5}} {
		if got := TermOf(org.Deadlines{}, c.s, c.key, c.section); got != c.days {
			t.Errorf("%s %s: %d", c.s, c.key, got)
		}
	}
	for s, worse := range map[Severity]Severity{Minor: Moderate, Moderate: Major, Major: Critical, Critical: Critical} {
		if s.Worse() != worse {
			t.Errorf("%s: %s", s, s.Worse())
		}
	}
}
