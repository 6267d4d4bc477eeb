package finding

import (
	"context"
	"slices"
	"strings"
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
			w.draws(id, false)
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

// draws gives a finding a seed by which it is drawn for a re-inspection, or not.
func (w *world) draws(id string, drawn bool) {
	w.t.Helper()
	seed := "0"
	for (Lot(seed, id) < (org.Deadlines{}).Of(org.SampleShare)) != drawn {
		seed += "0"
	}
	w.must(w.db.Model(&Finding{}).Where("id = ?", id).Update("draw_seed", seed).Error)
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
		// A lead who also heads the unit reviews nothing of it; and who headed it once does
		// not accept what the same person submitted.
		both := w.lead
		both.Capacities = append(slices.Clone(both.Capacities), inspection.Capacity{Role: inspection.UnitHead, Organisation: w.unit.ID})
		own := w.to(w.raise("A04", Minor).ID, InRemediation)
		w.must(w.Submit(ctx, both, own.ID, 0, SubmitInput{Text: "x", Files: []string{w.files.put(w.clock.Now())}}))
		w.refused(w.Accept(ctx, both, own.ID, 0, ""), "error.forbidden")
		w.refused(w.Accept(ctx, w.lead, own.ID, 0, ""), "finding.error.submitter_accepts")
		if may := May(w.lead, w.get(own.ID)); slices.Contains(may, Accept) || !slices.Contains(may, Return) {
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
