package finding

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

// files is the evidence that the tests hang on things: a file is known with its time
// once it is put there.
type files struct {
	taken    map[string]inspection.Instant
	on       map[string][]string
	attached []string
}

func (e *files) put(at inspection.Instant, on ...string) string {
	id := inspection.NewID()
	e.taken[id] = at
	for _, o := range on {
		e.on[o] = append(e.on[o], id)
	}
	return id
}

func (e *files) Attach(_ *gorm.DB, _ inspection.Actor, _ string, ids []string, kind, id, role string, _ inspection.Instant) error {
	for _, f := range ids {
		if _, ok := e.taken[f]; !ok {
			return inspection.E(inspection.Invalid, "evidence.error.not_received")
		}
		e.attached = append(e.attached, kind+"/"+role)
		e.on[kind+"/"+id+"/"+role] = append(e.on[kind+"/"+id+"/"+role], f)
	}
	return nil
}

func (e *files) Files(_ *gorm.DB, _, kind, id, role string) ([]string, error) {
	return e.on[kind+"/"+id+"/"+role], nil
}

func (e *files) TakenAt(_ *gorm.DB, ids []string) (map[string]inspection.Instant, error) {
	out := map[string]inspection.Instant{}
	for _, id := range ids {
		if at, ok := e.taken[id]; ok {
			out[id] = at
		}
	}
	return out, nil
}

type world struct {
	*Service
	t     *testing.T
	db    *gorm.DB
	clock *inspection.ManualClock
	files *files

	unit, other, issuer org.Organisation
	campaign, team      string
	visit, second       string

	head, lead, member, fresh, chair, outsider, stranger inspection.Actor
}

// setUp builds a chair, a team of three, a unit with its head, a foreign unit, and two
// checks of the unit.
func setUp(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	clock := inspection.NewManualClock(time.Date(2026, 3, 2, 16, 0, 0, 0, inspection.Zone))
	e := &files{map[string]inspection.Instant{}, map[string][]string{}, nil}
	w := &world{Service: New(db, clock, e), t: t, db: db, clock: clock, files: e}
	w.draw = func() bool { return false }
	act := org.Act{At: clock.Now()}
	admin := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	orgs := org.New(db, clock)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := orgs.ImportUnits(ctx, admin, strings.NewReader("key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\nvn/mau,Tỉnh Mẫu,PROVINCE,vn,,\n"),
		strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false)
	must(err)
	_, err = orgs.ImportHours(ctx, admin, "vn", org.Seed("hours.csv"), false)
	must(err)
	_, err = orgs.ImportHolidays(ctx, admin, "vn", org.Seed("holidays.csv"), false)
	must(err)
	u, err := org.UnitByKey(db, "vn/mau")
	must(err)
	place := func(name string, kind org.Kind) org.Organisation {
		o, err := org.CreateOrganisation(db, act, org.Organisation{Kind: kind, Name: name, AdminUnitID: u.ID})
		must(err)
		return o
	}
	w.issuer, w.unit, w.other = place("UBND Tỉnh Mẫu", org.PeoplesCommittee), place("Trung tâm xã Mẫu 01", org.ServiceCenterCommune), place("Trung tâm xã Mẫu 02", org.ServiceCenterCommune)
	w.campaign, w.team, w.visit, w.second = inspection.NewID(), inspection.NewID(), inspection.NewID(), inspection.NewID()
	person := func(name string, role inspection.Role, o string, team string) inspection.Actor {
		p, err := org.CreatePerson(db, act, org.Person{Name: name})
		must(err)
		return inspection.Actor{Person: p.ID, Name: name, Capacities: []inspection.Capacity{{Role: role, Organisation: o, Team: team}}}
	}
	w.head = person("Thủ trưởng", inspection.UnitHead, w.unit.ID, "")
	w.lead = person("Trưởng đoàn", inspection.TeamLead, w.issuer.ID, w.team)
	w.member = person("Thành viên 1", inspection.Inspector, w.issuer.ID, w.team)
	w.fresh = person("Thành viên 2", inspection.Inspector, w.issuer.ID, w.team)
	w.chair = person("Chủ tịch", inspection.Chairperson, w.issuer.ID, "")
	w.outsider = person("Thủ trưởng khác", inspection.UnitHead, w.other.ID, "")
	w.stranger = person("Trưởng đoàn khác", inspection.TeamLead, w.issuer.ID, inspection.NewID())
	list := inspection.NewID()
	must(db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at) VALUES (?, 'k', 1, 'x', 1)", list).Error)
	must(db.Exec("INSERT INTO campaigns (id, title, issuer_id, decision_number, decision_date, decided_by, period_from, period_to, created_at) VALUES (?, 'x', ?, '1', '2026-01-01', ?, '2026-01-01', '2026-12-31', 1)",
		w.campaign, w.issuer.ID, w.chair.Person).Error)
	must(db.Exec("INSERT INTO teams (id, campaign_id, name) VALUES (?, ?, 'x')", w.team, w.campaign).Error)
	for _, v := range []string{w.visit, w.second} {
		target := inspection.NewID()
		must(db.Exec("INSERT INTO targets (id, campaign_id, team_id, lead_id, form, organisation_id, planned_on, state, created_at) VALUES (?, ?, ?, ?, 'SURPRISE', ?, '2026-03-02', 'STARTED', 1)",
			target, w.campaign, w.team, w.lead.Person, w.unit.ID).Error)
		must(db.Exec("INSERT INTO visits (id, target_id, campaign_id, team_id, lead_id, form, organisation_id, organisation_kind, organisation_name, issuer_id, decision_number, decision_date, checklist_id, state, day, checked_in_at) VALUES (?, ?, ?, ?, ?, 'SURPRISE', ?, 'SERVICE_CENTER_COMMUNE', 'x', ?, '1', '2026-01-01', ?, 'REPORTED', '2026-03-02', 1)",
			v, target, w.campaign, w.team, w.lead.Person, w.unit.ID, w.issuer.ID, list).Error)
	}
	return w
}

func (w *world) act(a inspection.Actor) org.Act {
	return org.Act{Actor: a, Capacity: a.Capacities[0], At: w.clock.Now()}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused checks that something is refused for a reason.
func (w *world) refused(err error, key string) {
	w.t.Helper()
	if inspection.KeyOf(err) != key {
		w.t.Fatalf("want %s, got %v", key, err)
	}
}

func (w *world) raised(visit, item string, s Severity) Raised {
	decider := w.chair.Person
	return Raised{VisitID: visit, CampaignID: w.campaign, TeamID: w.team, IssuerID: w.issuer.ID, DeciderID: &decider, OrganisationID: w.unit.ID,
		OrganisationName: w.unit.Name, ItemKey: item, ItemCode: item, Section: item[:1], ItemText: "Có bảng phân công", DefaultSeverity: s,
		Text: "Chưa niêm yết lịch trực", Remedy: "Niêm yết ngay", CheckEndedAt: w.clock.Now().Add(-time.Hour)}
}

func (w *world) raise(item string, s Severity) Finding {
	w.t.Helper()
	f, err := Raise(w.db, w.act(w.lead), w.raised(w.visit, item, s))
	w.must(err)
	return f
}

func (w *world) get(id string) Finding {
	w.t.Helper()
	f, err := ByID(w.db, id)
	w.must(err)
	return f
}

// to brings a finding to a state by the straight way.
func (w *world) to(id string, s State) Finding {
	w.t.Helper()
	chair := w.act(w.chair)
	for {
		f := w.get(id)
		if f.State == s {
			return f
		}
		switch f.State {
		case Recorded:
			w.must(ConfirmIn(w.db, chair, id))
		case Confirmed:
			w.must(AssignIn(w.db, chair, id, AssignInput{}))
		case Assigned:
			w.must(w.Acknowledge(ctx, w.head, id, f.Version))
		case InRemediation:
			w.must(w.Submit(ctx, w.head, id, f.Version, SubmitInput{Text: "Đã niêm yết", Files: []string{w.files.put(w.clock.Now())}}))
		case Submitted:
			w.must(w.Accept(ctx, w.lead, id, f.Version, ""))
		default:
			w.t.Fatalf("no way from %s to %s", f.State, s)
		}
	}
}

func (w *world) day(d inspection.Date) {
	w.clock.Set(d.Time().Add(9 * time.Hour))
}

// The whole story: explained, ruled on, confirmed, assigned, acknowledged, returned,
// submitted again, accepted, re-inspected.
func TestTheStory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.raise("A01", Major)
		if f.ExplainDue != "2026-03-04" || f.State != Recorded || f.ResponsibleID != w.unit.ID {
			t.Fatalf("%+v", f)
		}
		explanation := ExplainInput{ID: inspection.NewID(), Text: "Lịch đang in lại", Files: []string{w.files.put(1)}}
		w.must(w.Explain(ctx, w.head, f.ID, 1, explanation))
		w.must(w.Explain(ctx, w.head, f.ID, 1, explanation)) // a retry is no second explanation
		explanation.Text = "khác"
		w.refused(w.Explain(ctx, w.head, f.ID, 0, explanation), "finding.error.id_used")
		w.refused(w.Explain(ctx, w.head, f.ID, 0, ExplainInput{Text: "nữa"}), "finding.error.wrong_state")
		chair := w.act(w.chair)
		w.refused(ConfirmIn(db, chair, f.ID), "finding.error.explanation_unruled")
		w.refused(w.RuleOn(ctx, w.chair, f.ID, 0, explanation.ID, RulingRejected, " "), "finding.error.reason_missing")
		w.refused(w.RuleOn(ctx, w.chair, f.ID, 0, explanation.ID, "MAYBE", "x"), "finding.error.ruling")
		w.refused(w.RuleOn(ctx, w.lead, f.ID, 0, explanation.ID, RulingRejected, "x"), "error.forbidden")
		w.must(w.RuleOn(ctx, w.chair, f.ID, 0, explanation.ID, RulingRejected, "Lịch phải có tại chỗ"))
		w.refused(w.RuleOn(ctx, w.chair, f.ID, 0, explanation.ID, RulingAccepted, "x"), "finding.error.ruled")
		w.must(ConfirmIn(db, chair, f.ID))
		w.must(AssignIn(db, chair, f.ID, AssignInput{DocumentNo: "01/TB-UBND"}))
		f = w.get(f.ID)
		if f.DueOn != "2026-03-16" || f.DueStart != "2026-03-02" || f.DueDays != 10 || f.DueCalendar == "" || f.AcknowledgeDue != "2026-03-04" {
			t.Fatalf("due %s from %s, %d days, calendar %q, acknowledge %s", f.DueOn, f.DueStart, f.DueDays, f.DueCalendar, f.AcknowledgeDue)
		}
		w.must(w.Acknowledge(ctx, w.head, f.ID, f.Version))
		w.day("2026-03-13")
		old := w.files.put(f.CheckEndedAt)
		w.refused(w.Submit(ctx, w.head, f.ID, 0, SubmitInput{Text: "x"}), "finding.error.after_evidence_missing")
		w.refused(w.Submit(ctx, w.head, f.ID, 0, SubmitInput{Text: "x", Files: []string{old}}), "finding.error.after_evidence_missing")
		w.refused(w.Submit(ctx, w.head, f.ID, 0, SubmitInput{Files: []string{w.files.put(f.CheckEndedAt + 1)}}), "finding.error.text_missing")
		sent := SubmitInput{ID: inspection.NewID(), Text: "Đã niêm yết", Files: []string{old, w.files.put(f.CheckEndedAt + 1)}}
		w.must(w.Submit(ctx, w.head, f.ID, f.Version+1, sent))
		w.must(w.Submit(ctx, w.head, f.ID, f.Version+1, sent))
		f = w.get(f.ID)
		if f.State != Submitted || f.HandedInOn != "2026-03-13" || f.ReviewDue != "2026-03-20" {
			t.Fatalf("%+v", f)
		}
		w.refused(w.Return(ctx, w.lead, f.ID, f.Version, ""), "finding.error.reason_missing")
		w.must(w.Return(ctx, w.lead, f.ID, f.Version, "Ảnh chưa rõ"))
		if f = w.get(f.ID); f.DueOn != "2026-03-17" || f.State != InRemediation {
			t.Fatalf("two working days are left at least: %s", f.DueOn)
		}
		w.must(w.Submit(ctx, w.head, f.ID, f.Version, SubmitInput{Text: "Ảnh mới", Files: []string{w.files.put(w.clock.Now())}}))
		w.refused(w.Accept(ctx, w.lead, f.ID, f.Version, ""), "finding.error.changed_meanwhile")
		w.must(w.Accept(ctx, w.lead, f.ID, f.Version+1, ""))
		f = w.get(f.ID)
		if f.State != ReinspectDue || f.ReinspectFrom != "2026-03-27" || f.ReinspectDue != "2026-05-20" {
			t.Fatalf("%s %s %s", f.State, f.ReinspectFrom, f.ReinspectDue)
		}
		w.refused(w.VerifyOnDocuments(ctx, w.member, f.ID, 0, ""), "finding.error.wrong_state")
		w.day("2026-04-01")
		verdict := VerdictInput{VisitID: w.second, Verdict: "VERIFIED", Verifiers: []string{w.fresh.Person}, FirstVisit: []string{w.lead.Person, w.member.Person}, Files: []string{"x"}}
		for key, change := range map[string]func(v *VerdictInput){
			"finding.error.of_first_visit":       func(v *VerdictInput) { v.Verifiers = []string{w.fresh.Person, w.member.Person} },
			"finding.error.accepter_verifies":    func(v *VerdictInput) { v.Verifiers, v.FirstVisit = []string{w.lead.Person}, nil },
			"finding.error.new_evidence_missing": func(v *VerdictInput) { v.Files = nil },
			"finding.error.verdict":              func(v *VerdictInput) { v.Verdict = "FINE" },
		} {
			v := verdict
			change(&v)
			w.refused(Verdict(db, w.act(w.fresh), f.ID, v), key)
		}
		w.must(Verdict(db, w.act(w.fresh), f.ID, verdict))
		d, err := w.Get(ctx, w.lead, f.ID)
		w.must(err)
		if d.State != Verified || d.ClosedAt != w.clock.Now() || !slices.Equal(d.Verifiers, []string{w.fresh.Person}) || len(d.Explanations) != 1 || d.Explanations[0].Late {
			t.Fatalf("%+v", d)
		}
		var story []Event
		for i, s := range d.Steps {
			story = append(story, s.Event)
			if int(s.Seq) != i+1 || i > 0 && s.From != d.Steps[i-1].To {
				t.Fatalf("the chain breaks at %+v", s)
			}
		}
		want := []Event{Record, Explain, Rule, Confirm, Assign, Acknowledge, Submit, Return, Submit, Accept, NeedReinspection, VerdictVerified}
		if !slices.Equal(story, want) {
			t.Fatal(story)
		}
		if d.Steps[4].DocumentNo != "01/TB-UBND" || d.Steps[4].Role != inspection.Chairperson || d.Steps[10].ActorID != "" || deref(d.Steps[11].VisitID) != w.second {
			t.Fatalf("%+v", d.Steps)
		}
		rows, err := history.OfSubject(db, "finding", f.ID)
		w.must(err)
		if len(rows) != len(want) {
			t.Fatalf("%d history rows for %d steps", len(rows), len(want))
		}
		for _, r := range rows {
			if strings.Contains(r.Body, "Lịch") || strings.Contains(r.Body, "01/TB") || r.VisitID != w.visit {
				t.Fatal(r.Body)
			}
		}
		if r, ok := d.RemedyOf(); !ok || !r.Accepted || r.Due != "2026-03-17" || r.HandedIn != "2026-03-13" {
			t.Fatalf("%+v", r)
		}
	})
}

func TestRaise(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		r := w.raised(w.visit, "A05", Minor)
		r.ID = inspection.NewID()
		one, err := Raise(db, w.act(w.lead), r)
		w.must(err)
		again, err := Raise(db, w.act(w.lead), r)
		w.must(err)
		if again.ID != one.ID {
			t.Fatal("raised twice")
		}
		r.ItemKey = "A06"
		_, err = Raise(db, w.act(w.lead), r)
		w.refused(err, "finding.error.id_used")
		for key, change := range map[string]func(r *Raised){
			"finding.error.severity":        func(r *Raised) { r.Severity = "HUGE" },
			"finding.error.severity_reason": func(r *Raised) { r.Severity = Critical },
			"finding.error.text_missing":    func(r *Raised) { r.Text = " " },
			"finding.error.text_invalid":    func(r *Raised) { r.Remedy = strings.Repeat("x", 4001) },
			"finding.error.incomplete":      func(r *Raised) { r.CheckEndedAt = 0 },
		} {
			r := w.raised(w.visit, "A07", Minor)
			change(&r)
			_, err := Raise(db, w.act(w.lead), r)
			w.refused(err, key)
		}
		r = w.raised(w.visit, "A07", Minor)
		r.Severity, r.SeverityReason = Major, "Tái diễn nhiều lần"
		f, err := Raise(db, w.act(w.lead), r)
		w.must(err)
		if f.Severity != Major || f.DefaultSeverity != Minor {
			t.Fatalf("%+v", f)
		}
	})
}

// Twelve months after it was closed the same item is no repeat any more.
func TestRepeat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("A05", Minor).ID, Accepted)
		again := func(item string) *string {
			f, err := Raise(db, w.act(w.lead), w.raised(w.second, item, Minor))
			w.must(err)
			return f.RepeatOf
		}
		if again("A05") != nil {
			t.Error("an open finding is not repeated")
		}
		w.must(w.VerifyOnDocuments(ctx, w.member, f.ID, 0, ""))
		w.clock.Advance(time.Minute)
		if r := again("A05"); r == nil || *r != f.ID {
			t.Error("a repeat within twelve months")
		}
		if again("A06") != nil {
			t.Error("another item is no repeat")
		}
		w.clock.Set(w.get(f.ID).ClosedAt.Time().AddDate(0, 12, 0))
		if again("A05") != nil {
			t.Error("twelve months are over")
		}
		facts, err := FactsFor(db, w.second, w.unit.ID, w.clock.Now().Date())
		w.must(err)
		repeats := 0
		for _, x := range facts {
			if x.Repeat {
				repeats++
			}
		}
		if len(facts) != 4 || repeats != 1 {
			t.Errorf("%+v", facts)
		}
	})
}

func TestWhoMay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		recorded, submitted := w.raise("A05", Minor), w.to(w.raise("A06", Minor).ID, Submitted)
		accepted := w.to(w.raise("A07", Minor).ID, Accepted)
		nobody := inspection.Actor{}
		if _, err := w.Get(ctx, nobody, recorded.ID); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error(err)
		}
		for name, do := range map[string]func(a inspection.Actor) error{
			"read":    func(a inspection.Actor) error { _, err := w.Get(ctx, a, recorded.ID); return err },
			"explain": func(a inspection.Actor) error { return w.Explain(ctx, a, recorded.ID, 0, ExplainInput{Text: "x"}) },
			"merge":   func(a inspection.Actor) error { return w.Merge(ctx, a, recorded.ID, 0, submitted.ID) },
			"accept":  func(a inspection.Actor) error { return w.Accept(ctx, a, submitted.ID, 0, "") },
			"verify":  func(a inspection.Actor) error { return w.VerifyOnDocuments(ctx, a, accepted.ID, 0, "") },
			"confirm": func(a inspection.Actor) error { return ConfirmIn(db, w.act(a), recorded.ID) },
			"close":   func(a inspection.Actor) error { return w.Close(ctx, a, recorded.ID, 0, "x", "x") },
			"extend":  func(a inspection.Actor) error { return w.GrantExtension(ctx, a, submitted.ID, 0, "") },
			"hold":    func(a inspection.Actor) error { return w.Hold(ctx, a, recorded.ID, 0, "x") },
		} {
			for _, a := range []inspection.Actor{w.outsider, w.stranger} {
				if err := do(a); inspection.CodeOf(err) != inspection.NotFound {
					t.Errorf("%s by %s: %v", name, a.Name, err)
				}
			}
		}
		for name, err := range map[string]error{
			"unit accepts":        w.Accept(ctx, w.head, submitted.ID, 0, ""),
			"member accepts":      w.Accept(ctx, w.member, submitted.ID, 0, ""),
			"lead submits":        w.Submit(ctx, w.lead, submitted.ID, 0, SubmitInput{Text: "x"}),
			"lead confirms":       ConfirmIn(db, w.act(w.lead), recorded.ID),
			"unit closes":         w.Close(ctx, w.head, recorded.ID, 0, "x", "x"),
			"lead holds":          w.Hold(ctx, w.lead, recorded.ID, 0, "x"),
			"chair accepts":       w.Accept(ctx, w.chair, submitted.ID, 0, ""),
			"accepter verifies":   w.VerifyOnDocuments(ctx, w.lead, accepted.ID, 0, ""),
			"unit reopens":        w.Reopen(ctx, w.head, accepted.ID, 0, "x"),
			"unit grants to self": w.GrantExtension(ctx, w.head, submitted.ID, 0, ""),
		} {
			if inspection.CodeOf(err) != inspection.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A lead who also heads the unit does not accept what the same person submitted.
		both := w.lead
		both.Capacities = append(slices.Clone(both.Capacities), inspection.Capacity{Role: inspection.UnitHead, Organisation: w.unit.ID})
		own := w.to(w.raise("A04", Minor).ID, InRemediation)
		w.must(w.Submit(ctx, both, own.ID, 0, SubmitInput{Text: "x", Files: []string{w.files.put(w.clock.Now())}}))
		w.refused(w.Accept(ctx, both, own.ID, 0, ""), "finding.error.submitter_accepts")
		if may := May(both, w.get(own.ID)); slices.Contains(may, Accept) || !slices.Contains(may, Return) {
			t.Error(may)
		}
		if may := May(w.head, w.get(recorded.ID)); !slices.Equal(may, []Event{Explain}) {
			t.Error(may)
		}
		for _, id := range []string{"", "x", inspection.NewID()} {
			if _, err := w.Get(ctx, w.lead, id); inspection.CodeOf(err) != inspection.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

func TestLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		for _, item := range []string{"A04", "A05", "A06"} {
			w.raise(item, Minor)
		}
		w.to(w.raise("A07", Major).ID, InRemediation) // due 16 March
		w.day("2026-03-19")
		for _, c := range []struct {
			name string
			a    inspection.Actor
			f    Filter
			n    int64
		}{
			{"unit", w.head, Filter{Unit: w.unit.ID}, 4}, {"another unit", w.outsider, Filter{}, 0}, {"another unit asks", w.outsider, Filter{Unit: w.unit.ID}, 0},
			{"team", w.member, Filter{Team: w.team}, 4}, {"another team", w.stranger, Filter{Team: w.team}, 0}, {"chair", w.chair, Filter{}, 4},
			{"check", w.chair, Filter{Visit: w.visit}, 4}, {"other check", w.chair, Filter{Visit: w.second}, 0}, {"campaign", w.chair, Filter{Campaign: w.campaign}, 4},
			{"item", w.chair, Filter{Item: "A05"}, 1}, {"states", w.chair, Filter{States: []State{InRemediation}}, 1}, {"overdue", w.chair, Filter{Overdue: true}, 1},
			{"search", w.head, Filter{Query: "niem YET a06"}, 1}, {"search finds none", w.head, Filter{Query: "khong co"}, 0},
		} {
			lines, _, err := w.List(ctx, c.a, c.f, inspection.Page{})
			w.must(err)
			n, err := w.Count(ctx, c.a, c.f)
			w.must(err)
			if int64(len(lines)) != c.n || n != c.n {
				t.Errorf("%s: %d rows, count %d, want %d", c.name, len(lines), n, c.n)
			}
			for _, l := range lines {
				if l.ItemKey == "A07" && (!l.Overdue || l.OverdueDays != 3 || l.Left != -3) {
					t.Errorf("%+v", l)
				}
			}
		}
		var ids []string
		for page := (inspection.Page{Limit: 3}); ; {
			lines, next, err := w.ForUnit(ctx, w.head, w.unit.ID, page)
			w.must(err)
			for _, l := range lines {
				ids = append(ids, l.ID)
			}
			if page.Cursor = next; next == "" {
				break
			}
		}
		if len(ids) != 4 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 4 {
			t.Error("pages lose or repeat rows:", ids)
		}
		if _, _, err := w.List(ctx, inspection.Actor{}, Filter{}, inspection.Page{}); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error(err)
		}
	})
}

func TestExtensions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("A01", Major).ID, InRemediation) // 10 days, due Monday 16 March
		w.day("2026-03-16")
		ask := func(days int) error {
			return w.AskExtension(ctx, w.head, f.ID, 0, ExtensionInput{Days: days, Reason: "Chờ in"})
		}
		w.refused(ask(11), "finding.error.extension_too_long")
		w.refused(ask(0), "finding.error.extension_too_long")
		w.refused(w.GrantExtension(ctx, w.lead, f.ID, 0, ""), "finding.error.extension_not_asked")
		w.must(ask(5))
		w.refused(ask(5), "finding.error.extension_used")
		w.must(w.GrantExtension(ctx, w.lead, f.ID, 0, "Đồng ý"))
		if f = w.get(f.ID); f.DueOn != "2026-03-23" || f.DueDays != 15 || f.DueStart != "2026-03-02" {
			t.Fatalf("%s %d", f.DueOn, f.DueDays)
		}
		w.refused(w.GrantExtension(ctx, w.lead, f.ID, 0, ""), "finding.error.extension_not_asked")
		w.refused(ask(1), "finding.error.extension_used")

		// Asked on the due date after closing time: too late.
		w.day("2026-03-02")
		late := w.to(w.raise("A02", Major).ID, InRemediation)
		w.clock.Set(late.DueOn.Time().Add(17*time.Hour + 30*time.Minute))
		w.refused(w.AskExtension(ctx, w.head, late.ID, 0, ExtensionInput{Days: 1, Reason: "x"}), "finding.error.extension_late")

		// Refused with a reason, once.
		w.day("2026-03-02")
		no := w.to(w.raise("A03", Major).ID, InRemediation)
		w.must(w.AskExtension(ctx, w.head, no.ID, 0, ExtensionInput{Days: 1, Reason: "x"}))
		w.refused(w.RefuseExtension(ctx, w.lead, no.ID, 0, ""), "finding.error.reason_missing")
		w.must(w.RefuseExtension(ctx, w.lead, no.ID, 0, "Không đủ căn cứ"))
		if after := w.get(no.ID); after.DueOn != no.DueOn {
			t.Error("a refusal moves nothing")
		}

		// Premises: a term of 60 days, and more than 30 on top is for the chair.
		premises := w.raise("F02", Moderate)
		w.must(ConfirmIn(db, w.act(w.chair), premises.ID))
		w.refused(AssignIn(db, w.act(w.chair), premises.ID, AssignInput{Days: 366}), "finding.error.days")
		w.must(AssignIn(db, w.act(w.chair), premises.ID, AssignInput{Days: 60}))
		w.must(w.Acknowledge(ctx, w.head, premises.ID, 0))
		w.must(w.AskExtension(ctx, w.head, premises.ID, 0, ExtensionInput{Days: 31, Reason: "Chờ vốn"}))
		if err := w.GrantExtension(ctx, w.lead, premises.ID, 0, ""); inspection.CodeOf(err) != inspection.Forbidden {
			t.Error("the lead gives at most 30:", err)
		}
		w.must(w.GrantExtension(ctx, w.chair, premises.ID, 0, ""))
		other := w.to(w.raise("A06", Minor).ID, Confirmed)
		w.refused(AssignIn(db, w.act(w.chair), other.ID, AssignInput{Days: 60}), "finding.error.days")
	})
}

func TestLateExplanationIsKeptAndMarked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		in, late := w.raise("A05", Minor), w.raise("A06", Minor)
		w.day("2026-03-04")
		w.must(w.Explain(ctx, w.head, in.ID, 0, ExplainInput{Text: "x"}))
		w.day("2026-03-05")
		w.must(w.Explain(ctx, w.head, late.ID, 0, ExplainInput{Text: "x"}))
		for id, want := range map[string]bool{in.ID: false, late.ID: true} {
			d, err := w.Get(ctx, w.head, id)
			w.must(err)
			if d.State != Explained || d.Explanations[0].Late != want {
				t.Errorf("%+v", d.Explanations)
			}
		}
	})
}

func TestMergeWithdrawFixedOnSite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		a, b := w.raise("A05", Minor), w.raise("A06", Minor)
		elsewhere, err := Raise(db, w.act(w.lead), w.raised(w.second, "A05", Minor))
		w.must(err)
		for name, kept := range map[string]string{"itself": a.ID, "another check": elsewhere.ID, "none": inspection.NewID()} {
			if err := w.Merge(ctx, w.lead, a.ID, 0, kept); inspection.KeyOf(err) != "finding.error.merge_fits" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.must(w.Merge(ctx, w.lead, a.ID, 0, b.ID))
		if deref(w.get(a.ID).MergedInto) != b.ID {
			t.Error("the kept one is named")
		}
		w.refused(WithdrawIn(db, w.act(w.chair), b.ID, ""), "finding.error.reason_missing")
		w.must(WithdrawIn(db, w.act(w.chair), b.ID, "Có lịch ở phòng bên"))
		w.refused(ConfirmIn(db, w.act(w.chair), b.ID), "finding.error.wrong_state")

		r := w.raised(w.visit, "B03", Minor)
		r.FixedOnSite, r.FixedBy = true, w.lead.Person
		f, err := Raise(db, w.act(w.lead), r)
		w.must(err)
		w.must(ConfirmIn(db, w.act(w.chair), f.ID))
		w.refused(w.VerifyFixedOnSite(ctx, w.lead, f.ID, 0), "finding.error.marker_verifies")
		deputy := inspection.Actor{Person: w.member.Person, Capacities: []inspection.Capacity{{Role: inspection.DeputyLead, Organisation: w.issuer.ID, Team: w.team}}}
		w.refused(w.VerifyFixedOnSite(ctx, deputy, f.ID, 0), "finding.error.after_before")
		w.files.put(1000, "item/B03/EVIDENCE")
		w.files.put(1000, "item/B03/AFTER")
		w.refused(w.VerifyFixedOnSite(ctx, deputy, f.ID, 0), "finding.error.after_before")
		w.files.put(1001, "item/B03/AFTER")
		w.must(w.VerifyFixedOnSite(ctx, deputy, f.ID, 0))
		if r, ok := w.get(f.ID).RemedyOf(); !ok || !r.FixedOnSite {
			t.Errorf("fixed on site counts as on time: %+v", r)
		}
		plain := w.to(w.raise("A07", Minor).ID, Confirmed)
		w.refused(w.VerifyFixedOnSite(ctx, deputy, plain.ID, 0), "finding.error.not_fixed_on_site")
	})
}

func TestVerdictsAndReopening(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		say := func(id, verdict string) error {
			return Verdict(db, w.act(w.fresh), id, VerdictInput{VisitID: w.second, Verdict: verdict, Verifiers: []string{w.fresh.Person}, FirstVisit: []string{w.lead.Person}, Files: []string{"x"}})
		}
		for _, c := range []struct {
			item, verdict string
			severity      Severity
			state         State
			reopened      bool
			days          int64
		}{{"A01", "PARTIAL", Major, InRemediation, false, 10}, {"A02", "NOT_REMEDIED", Critical, Assigned, true, 5}, {"A03", "RECURRED", Critical, Assigned, true, 5}} {
			f := w.to(w.raise(c.item, Major).ID, ReinspectDue)
			w.must(say(f.ID, c.verdict))
			f = w.get(f.ID)
			if f.Severity != c.severity || f.State != c.state || f.Reopened != c.reopened || f.DueDays != c.days || f.DueOn == "" || f.SubmittedBy != nil || f.AcceptedBy != nil || f.HandedInOn != "" {
				t.Errorf("%s: %+v", c.verdict, f)
			}
		}
		f := w.to(w.raise("A04", Critical).ID, ReinspectDue)
		w.must(say(f.ID, "RECURRED"))
		if w.get(f.ID).Severity != Critical {
			t.Error("CRITICAL is the worst")
		}
		// Through the same story once more, then verified, then reopened.
		w.to(f.ID, ReinspectDue)
		w.must(say(f.ID, "VERIFIED"))
		w.refused(w.Reopen(ctx, w.lead, f.ID, 0, ""), "finding.error.reason_missing")
		w.clock.Set(w.get(f.ID).ClosedAt.Time().AddDate(0, 12, 0))
		w.refused(w.Reopen(ctx, w.lead, f.ID, 0, "Lại tái diễn"), "finding.error.reopen_late")
		w.clock.Advance(-time.Millisecond)
		w.must(w.Reopen(ctx, w.lead, f.ID, 0, "Lại tái diễn"))
		if f = w.get(f.ID); f.State != Assigned || !f.Reopened || f.ClosedAt != 0 || f.DueStart != w.clock.Now().Date() {
			t.Errorf("%+v", f)
		}
	})
}

func TestModerateIsDrawn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		if f := w.to(w.raise("A04", Moderate).ID, Accepted); f.Drawn {
			t.Error("not drawn")
		}
		w.draw = func() bool { return true }
		f := w.raise("A06", Moderate)
		w.to(f.ID, Submitted)
		w.must(w.Accept(ctx, w.lead, f.ID, 0, ""))
		if f = w.get(f.ID); f.State != ReinspectDue || !f.Drawn {
			t.Errorf("%s %v", f.State, f.Drawn)
		}
		if f := w.to(w.raise("A05", Minor).ID, Accepted); f.Drawn {
			t.Error("MINOR is never drawn")
		}
	})
	n := 0
	for range 2000 {
		if drawThirty() {
			n++
		}
	}
	if n < 480 || n > 720 {
		t.Errorf("30 of 100 are drawn, not %d of 2000", n)
	}
}

func TestAcknowledgedByItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		a, b := w.to(w.raise("A01", Major).ID, Assigned), w.to(w.raise("A02", Major).ID, Assigned)
		w.day("2026-03-04")
		if n, err := w.AcknowledgeOverdue(ctx, 10); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		w.day("2026-03-05")
		// The unit reports without having acknowledged: the clock has done so, and the
		// version that the unit saw still holds.
		w.must(w.Submit(ctx, w.head, a.ID, a.Version, SubmitInput{Text: "x", Files: []string{w.files.put(w.clock.Now())}}))
		if n, err := w.AcknowledgeOverdue(ctx, 10); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		steps, err := StepsOf(db, b.ID)
		w.must(err)
		if last := steps[len(steps)-1]; last.Event != Acknowledge || last.ActorID != "" || w.get(b.ID).State != InRemediation {
			t.Errorf("%+v", last)
		}
		if n, _ := w.AcknowledgeOverdue(ctx, 10); n != 0 {
			t.Error("twice")
		}
	})
}

func TestHoldStopsTheClocks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		running := w.to(w.raise("A01", Major).ID, InRemediation) // due 16 March
		late := w.to(w.raise("A02", Critical).ID, InRemediation) // due 9 March
		w.day("2026-03-11")                                      // 3 days left; 2 days over
		for _, f := range []Finding{running, late} {
			w.refused(w.Hold(ctx, w.chair, f.ID, 0, ""), "finding.error.reason_missing")
			w.must(w.Hold(ctx, w.chair, f.ID, 0, "Lũ lụt"))
			w.refused(w.Submit(ctx, w.head, f.ID, 0, SubmitInput{Text: "x"}), "finding.error.on_hold")
		}
		w.day("2026-03-31")
		cal, err := org.CalendarFor(db, w.unit.ID)
		w.must(err)
		if d := w.get(late.ID).OverdueDays(cal, "2026-03-31"); d != 2 {
			t.Errorf("on hold %d days overdue, want 2", d)
		}
		if w.get(running.ID).Overdue("2026-03-31") {
			t.Error("overdue while on hold")
		}
		for _, f := range []Finding{running, late} {
			w.must(w.Release(ctx, w.chair, f.ID, 0, "Nước rút"))
		}
		if f := w.get(running.ID); f.DueOn != "2026-04-03" || f.OnHold || f.HeldOn != "" {
			t.Errorf("three working days are left: %s", f.DueOn)
		}
		if f := w.get(late.ID); f.OverdueDays(cal, "2026-03-31") != 2 {
			t.Errorf("two working days over: %s", f.DueOn)
		}
		w.refused(w.Release(ctx, w.chair, running.ID, 0, "x"), "finding.error.not_on_hold")
		w.must(w.Hold(ctx, w.chair, running.ID, 0, "x"))
		w.refused(w.Close(ctx, w.chair, running.ID, 0, "Giải thể", ""), "finding.error.document_missing")
		w.must(w.Close(ctx, w.chair, running.ID, 0, "Giải thể", "02/QĐ-UBND"))
		if f := w.get(running.ID); f.State != ClosedNotFixed || f.OnHold {
			t.Errorf("%+v", f)
		}
	})
}

// The unit goes into another: who answers now changes, the finding keeps who was
// checked. Where it is split, somebody must be named.
func TestSuccessorAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("A05", Minor).ID, Confirmed)
		split := w.to(w.raise("A06", Minor).ID, Confirmed)
		act := w.act(w.chair)
		end := func(o org.Organisation) {
			w.must(db.Model(&org.Organisation{}).Where("id = ?", o.ID).Updates(map[string]any{"valid_to": "2026-03-31"}).Error)
		}
		heir, err := org.CreateOrganisation(db, act, org.Organisation{Kind: org.ServiceCenterCommune, Name: "Trung tâm mới", AdminUnitID: w.unit.AdminUnitID, ValidFrom: "2026-04-01"})
		w.must(err)
		end(w.unit)
		w.day("2026-04-02")
		w.refused(AssignIn(db, act2(w), split.ID, AssignInput{}), "finding.error.responsible_split")
		part, err := org.CreateLineage(db, act, org.Lineage{PredecessorID: w.unit.ID, SuccessorID: &heir.ID, Relation: org.PartTransferred, Portion: org.Part, EffectiveDate: "2026-04-01"})
		w.must(err)
		w.refused(AssignIn(db, act2(w), split.ID, AssignInput{}), "finding.error.responsible_split")
		w.refused(AssignIn(db, act2(w), split.ID, AssignInput{Responsible: w.other.ID}), "finding.error.responsible_other")
		w.must(AssignIn(db, act2(w), split.ID, AssignInput{Responsible: heir.ID}))
		w.must(db.Where("id = ?", part.ID).Delete(&org.Lineage{}).Error)
		_, err = org.CreateLineage(db, act, org.Lineage{PredecessorID: w.unit.ID, SuccessorID: &heir.ID, Relation: org.MergedInto, Portion: org.Whole, EffectiveDate: "2026-04-01"})
		w.must(err)
		w.must(AssignIn(db, act2(w), f.ID, AssignInput{}))
		for _, id := range []string{f.ID, split.ID} {
			g := w.get(id)
			if g.ResponsibleID != heir.ID || g.OrganisationID != w.unit.ID || g.OrganisationName != w.unit.Name {
				t.Errorf("%+v", g)
			}
		}
		newHead := inspection.Actor{Person: w.outsider.Person, Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: heir.ID}}}
		w.must(w.Acknowledge(ctx, newHead, f.ID, 0))
		if err := w.Acknowledge(ctx, w.head, split.ID, 0); inspection.CodeOf(err) != inspection.NotFound {
			t.Error("the former unit does not answer any more:", err)
		}
		remedies, err := RemediesOf(db, heir.ID, "2027-01-01")
		w.must(err)
		if len(remedies) != 2 {
			t.Errorf("%d of the whole predecessor", len(remedies))
		}
	})
}

func act2(w *world) org.Act { return w.act(w.chair) }

// Finding.Overdue and the condition on rows are the same rule.
func TestOverdueInGoAndInSQL(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		const due = inspection.Date("2026-03-16")
		var ids []string
		for _, s := range States {
			for _, handed := range []inspection.Date{"", "2026-03-16", "2026-03-17"} {
				for _, held := range []inspection.Date{"", "2026-03-10", "2026-03-18"} {
					f := w.raise("A05", Minor)
					w.must(db.Model(&Finding{}).Where("id = ?", f.ID).Updates(map[string]any{"state": s, "due_on": due, "handed_in_on": handed, "on_hold": held != "", "held_on": held}).Error)
					ids = append(ids, f.ID)
				}
			}
		}
		for _, today := range []inspection.Date{"2026-03-15", "2026-03-16", "2026-03-17", "2026-03-20"} {
			var hit []string
			w.must(db.Model(&Finding{}).Scopes(OverdueOn(today)).Pluck("id", &hit).Error)
			for _, id := range ids {
				if f := w.get(id); f.Overdue(today) != slices.Contains(hit, id) {
					t.Fatalf("%s: %s handed in %q held %q: %v", today, f.State, f.HandedInOn, f.HeldOn, f.Overdue(today))
				}
			}
		}
	})
}

// Two people decide at the same moment: one does, the other is told.
func TestConcurrentAccept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("A05", Minor).ID, Submitted)
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() {
				if i%2 == 0 {
					errs[i] = w.Accept(ctx, w.lead, f.ID, f.Version, "")
				} else {
					errs[i] = w.Return(ctx, w.lead, f.ID, f.Version, "x")
				}
			})
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			switch inspection.CodeOf(err) {
			case "":
				done++
			case inspection.Conflict:
			default:
				t.Error(err)
			}
		}
		steps, err := StepsOf(db, f.ID)
		w.must(err)
		if done != 1 || len(steps) != 6 {
			t.Fatalf("%d went through, %d steps", done, len(steps))
		}
	})
}

func TestFactsForTheScore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		late := w.to(w.raise("A01", Major).ID, InRemediation)                    // due 16 March
		reviewed := w.to(w.raise("A02", Major).ID, Submitted)                    // handed in on time
		w.to(w.raise("A03", Minor).ID, InRemediation)                            // due in April
		w.must(WithdrawIn(db, w.act(w.chair), w.raise("A04", Critical).ID, "x")) // does not count
		w.day("2026-03-24")
		r := w.raised(w.second, "B05", Critical)
		fresh, err := Raise(db, w.act(w.lead), r)
		w.must(err)
		facts, err := FactsFor(db, w.second, w.unit.ID, "2026-03-24")
		w.must(err)
		want := []Fact{{ID: late.ID, Severity: Major, Confirmed: true, Earlier: true, OverdueDays: 6}, {ID: fresh.ID, Severity: Critical}}
		if !slices.Equal(facts, want) {
			t.Fatalf("%+v", facts)
		}
		remedies, err := RemediesOf(db, w.unit.ID, "2026-03-24")
		w.must(err)
		got := map[string]Remedy{}
		for _, r := range remedies {
			got[r.ID] = r
		}
		if len(got) != 2 || got[late.ID].Accepted || !got[reviewed.ID].InReview {
			t.Fatalf("%+v", remedies)
		}
	})
}
