package finding

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

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

// TestModerateIsDrawn: by a seed that history knew by its hash before, and tells after;
// whoever has the history draws again.
func TestModerateIsDrawn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		if f := w.to(w.raise("A04", Moderate).ID, Accepted); f.Drawn {
			t.Error("not drawn")
		}
		f := w.to(w.raise("A06", Moderate).ID, Submitted)
		w.draws(f.ID, true)
		w.must(w.Accept(ctx, w.lead, f.ID, 0, ""))
		if f = w.get(f.ID); f.State != ReinspectDue || !f.Drawn {
			t.Errorf("%s %v", f.State, f.Drawn)
		}
		if f := w.to(w.raise("A05", Minor).ID, Accepted); f.Drawn {
			t.Error("MINOR is never drawn")
		}

		f = w.raise("A07", Moderate)
		w.must(ConfirmIn(w.db, w.act(w.chair), f.ID))
		w.must(AssignIn(w.db, w.act(w.chair), f.ID, AssignInput{}))
		first := w.get(f.ID).DrawSeed
		f = w.get(f.ID)
		w.must(w.Acknowledge(ctx, w.head, f.ID, 0))
		w.must(w.Submit(ctx, w.head, f.ID, 0, SubmitInput{Text: "Đã làm", Files: []string{w.files.put(w.clock.Now())}}))
		w.must(w.Accept(ctx, w.lead, f.ID, 0, ""))
		f = w.get(f.ID)
		rows, err := history.OfSubject(db, "finding", f.ID)
		w.must(err)
		said := func(action, key string) string {
			for _, r := range rows {
				var body struct {
					Action string
					Data   map[string]any
				}
				w.must(json.Unmarshal([]byte(r.Body), &body))
				if body.Action == action {
					return fmt.Sprint(body.Data[key])
				}
			}
			return "nothing"
		}
		for _, x := range []struct {
			who   inspection.Actor
			shown bool
		}{{w.lead, true}, {w.chair, true}, {w.head, false}} {
			if d, err := w.Get(ctx, x.who, f.ID); err != nil || (d.Draw != nil) != x.shown || x.shown && (d.Draw.Seed != first || d.Draw.Lot != Lot(first, f.ID)) {
				t.Errorf("%+v, %v", d.Draw, err)
			}
		}
		if len(first) != 64 || said("finding.assign", "draw_sha256") != history.TextHash(first) || said("finding.assign", "draw_seed") != "<nil>" {
			t.Errorf("seed %q, assigned with %s", first, said("finding.assign", "draw_sha256"))
		}
		if said("finding.accept", "draw_seed") != first || said("finding.accept", "drawn") != fmt.Sprint(Lot(first, f.ID) < 30) || f.Drawn != (Lot(first, f.ID) < 30) {
			t.Errorf("%s drew %s, the finding says %v", said("finding.accept", "draw_seed"), said("finding.accept", "drawn"), f.Drawn)
		}
	})
	n := 0
	for range 20_000 {
		if Lot(newSeed(), "01a2031c-2c3f-7c76-8301-c84127444692") < (org.Deadlines{}).Of(org.SampleShare) {
			n++
		}
	}
	if n < 5_650 || n > 6_350 { // five standard deviations
		t.Errorf("30 of 100 are drawn, not %d of 20,000", n)
	}
	if n := Lot("0000000000000000000000000000000000000000000000000000000000000000", "01a2031c-2c3f-7c76-8301-c84127444692"); n != 30 {
		t.Errorf("drew %d", n)
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

// TestWhatWasOverStaysOverWhateverDayTheHoldEnds: a term that ends on a day off runs on to
// the next working day, so a hold over a weekend must not leave it there.
func TestWhatWasOverStaysOverWhateverDayTheHoldEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		for i, x := range []struct{ held, released, due inspection.Date }{
			{"2026-03-14", "2026-03-15", "2026-03-13"}, // the term ended on Friday 13, and no working day has gone by since
			{"2026-03-14", "2026-03-16", "2026-03-13"},
			{"2026-03-16", "2026-03-17", "2026-03-16"}, // one has, and one at the release
			{"2026-03-16", "2026-03-21", "2026-03-19"},
			{"2026-03-16", "2026-03-23", "2026-03-20"},
			{"2026-03-17", "2026-03-23", "2026-03-19"},
		} {
			w.day("2026-03-02")
			f := w.to(w.raise(fmt.Sprintf("A%02d", i+1), Major).ID, InRemediation)
			w.must(db.Model(&Finding{}).Where("id = ?", f.ID).Update("due_on", "2026-03-13").Error)
			w.day(x.held)
			w.must(w.Hold(ctx, w.chair, f.ID, 0, "Lũ lụt"))
			w.day(x.released)
			w.must(w.Release(ctx, w.chair, f.ID, 0, "Nước rút"))
			if got := w.get(f.ID).DueOn; got != x.due {
				t.Errorf("held on %s, released on %s: due on %s, want %s", x.held, x.released, got, x.due)
			}
			w.refused(w.AskExtension(ctx, w.head, f.ID, 0, ExtensionInput{Days: 1, Reason: "Chờ in"}), "finding.error.extension_late")
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
		w.refused(AssignIn(db, w.act(w.chair), split.ID, AssignInput{}), "finding.error.responsible_split")
		part, err := org.CreateLineage(db, act, org.Lineage{PredecessorID: w.unit.ID, SuccessorID: &heir.ID, Relation: org.PartTransferred, Portion: org.Part, EffectiveDate: "2026-04-01"})
		w.must(err)
		w.refused(AssignIn(db, w.act(w.chair), split.ID, AssignInput{}), "finding.error.responsible_split")
		w.refused(AssignIn(db, w.act(w.chair), split.ID, AssignInput{Responsible: w.other.ID}), "finding.error.responsible_other")
		w.must(AssignIn(db, w.act(w.chair), split.ID, AssignInput{Responsible: heir.ID}))
		w.must(db.Where("id = ?", part.ID).Delete(&org.Lineage{}).Error)
		_, err = org.CreateLineage(db, act, org.Lineage{PredecessorID: w.unit.ID, SuccessorID: &heir.ID, Relation: org.MergedInto, Portion: org.Whole, EffectiveDate: "2026-04-01"})
		w.must(err)
		w.must(AssignIn(db, w.act(w.chair), f.ID, AssignInput{}))
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

// What waits is counted in SQL as the lines of the same findings say one by one.
func TestWhatWaitsInGoAndInSQL(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		for _, s := range States {
			for _, due := range []inspection.Date{"", "2026-03-02", "2026-03-20", "2026-03-25"} {
				for _, at := range []struct{ handed, held inspection.Date }{{}, {handed: "2026-03-19"}, {held: "2026-03-17"}, {handed: "2026-03-20", held: "2026-03-30"}} {
					f := w.raise("A05", Minor)
					w.must(db.Model(&Finding{}).Where("id = ?", f.ID).Updates(map[string]any{"state": s, "due_on": due, "handed_in_on": at.handed, "on_hold": at.held != "", "held_on": at.held}).Error)
				}
			}
		}
		var rows []Finding
		w.must(db.Order("id").Find(&rows).Error)
		for _, today := range []inspection.Date{"2026-03-01", "2026-03-20", "2026-03-23", "2026-04-20"} {
			lines, err := Lines(db, rows, today)
			w.must(err)
			var open, overdue, longest int
			var soon []string
			for _, l := range lines {
				if l.State.Open() {
					open++
				}
				if l.Overdue {
					overdue, longest = overdue+1, max(longest, l.OverdueDays)
				}
				if l.HasDue && !l.Overdue && !l.InReview() && l.Left <= 3 {
					soon = append(soon, l.ID)
				}
			}
			all, err := Waiting(db, w.chair, today, 3)
			w.must(err)
			var got, late, most int
			for _, p := range all.Places {
				got, late, most = got+int(p.Open), late+int(p.Overdue), max(most, p.OverdueDays)
			}
			if got != open || late != overdue || most != longest {
				t.Errorf("%s: %d open, %d overdue, the longest by %d; want %d, %d, %d", today, got, late, most, open, overdue, longest)
			}
			alone, err := Soon(db, w.chair, today, 3)
			w.must(err)
			slices.Sort(alone)
			if slices.Sort(all.Soon); !slices.Equal(all.Soon, soon) || !slices.Equal(alone, soon) {
				t.Errorf("%s: %d and %d due soon, want %d", today, len(all.Soon), len(alone), len(soon))
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

func TestWhatFellDueInGoAndInSQL(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		p := Period{From: "2026-03-10", To: "2026-03-20"}
		var all []Finding
		for _, s := range States {
			if s.Open() == strings.Contains(waits, "'"+string(s)+"'") {
				t.Errorf("%s: waiting in Go and in SQL differ", s)
			}
			for _, due := range []inspection.Date{"", "2026-03-09", "2026-03-10", "2026-03-20", "2026-03-21"} {
				for i := range 12 {
					f := w.raise("A05", Minor)
					fixed, assigned, accepted := i%2 == 1, int64(i/2%2), int64(i/4%2)
					handed := []inspection.Date{"", "2026-03-09", "2026-03-22"}[i%3]
					ended := inspection.At(inspection.Date([]string{"2026-03-09", "2026-03-20"}[i/6]).Time().Add(9 * time.Hour))
					w.must(db.Model(&Finding{}).Where("id = ?", f.ID).Updates(map[string]any{"state": s, "due_on": due, "fixed_on_site": fixed,
						"assigned_at": assigned, "accepted_at": accepted, "handed_in_on": handed, "check_ended_at": ended}).Error)
					all = append(all, w.get(f.ID))
				}
			}
		}
		var want score.Share
		var ids, listed []string
		for _, f := range all {
			r, ok := f.RemedyOf()
			one := score.Remediation([]score.Remedy{{Due: r.Due, HandedIn: r.HandedIn, Accepted: r.Accepted, InReview: r.InReview, FixedOnSite: r.FixedOnSite}}, p.From, p.To)
			if ok && one.Of > 0 {
				ids = append(ids, f.ID)
				want.Part, want.Of = want.Part+one.Part, want.Of+one.Of
			}
		}
		counted, err := RemediedIn(db, w.chair, p)
		w.must(err)
		got := score.Share{Part: counted.OnTime, Of: counted.Of}
		if got != want || want.Part == 0 || want.Part == want.Of {
			t.Errorf("%+v, want %+v", got, want)
		}
		lines, next, err := w.List(t.Context(), w.chair, Filter{FellDue: p}, inspection.Page{Limit: 1000})
		w.must(err)
		for _, l := range lines {
			listed = append(listed, l.ID)
		}
		slices.Sort(ids)
		if slices.Sort(listed); !slices.Equal(ids, listed) && next == "" {
			t.Errorf("%d listed, want %d", len(listed), len(ids))
		}
	})
}
