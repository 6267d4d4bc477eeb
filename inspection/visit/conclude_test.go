package visit_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// shortfalls is a check with four shortfalls. Of 100 points of weight A02 (3, nobody is
// absent) and H03 (3, nothing fell due before) do not apply: 94 are left.
//
//	A04  3  no           0      loses 3
//	B04  3  "đạt"        1/2    loses 1.5
//	C02  3  8 of 10      4/5    loses 0.6
//	D03  5  196 of 200   98 %, on the line from 90 % (0) to 99 % (1): 8/9, loses 5/9
//
// Σ w·r = 94 − 5.6555… = 88.3444…, S = 93.9834…
var shortfalls = answers{"A04": no("A04"), "B04": {Item: "B04", Value: score.Fair3}, "C02": count("C02", 10, 2), "D03": count("D03", 200, 4)}

func TestConclusionFreezesTheScore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checked(w.unit, &w.desk, shortfalls)
		if _, frozen, err := w.visits.Score(ctx, w.lead, id); err != nil || frozen != nil {
			t.Fatalf("a score before the conclusion: %+v %v", frozen, err)
		}
		is(t, w.visits.Conclude(ctx, w.chair, id, inspection.NewID(), 0, visit.Conclude{}, nil), inspection.Conflict, "visit.error.not_reported")
		w.report(id)
		w.conclude(id)
		_, f, err := w.visits.Score(ctx, w.chair, id)
		w.must(err)
		if !f.Rated || f.Raw != 9398 || f.Deductions != 0 || f.Cap != 10000 || f.Total != 9398 || f.Grade != "EXCELLENT" || f.NAWeight != 6 || f.Revision != 1 {
			t.Fatalf("%+v", f)
		}
		earned, weight, applicable := int64(0), int64(0), 0
		for _, l := range f.Lines {
			if l.Applicable {
				applicable++
				weight += l.Weight
				earned += l.Earned
			}
			want := map[string]int64{"A04": 0, "B04": 150, "C02": 240, "D03": 444}
			if e, ok := want[l.Key]; ok && (l.Earned != e || !l.Applicable) || (l.Key == "A02" || l.Key == "H03") == l.Applicable {
				t.Errorf("%+v", l)
			}
		}
		if len(f.Lines) != 45 || applicable != 43 || weight != 94 || earned != 8834 {
			t.Errorf("%d lines, %d apply, %d of %d points", len(f.Lines), applicable, earned, weight)
		}
		if len(f.Sections) != 8 || f.Sections[0].Code != "A" || f.Sections[0].Weight != 17 || f.Sections[0].Earned != 1400 || f.Sections[0].Share != 8235 {
			t.Errorf("%+v", f.Sections)
		}
		for _, x := range w.findings(id) {
			if x.State != finding.Assigned || x.DueOn == "" || x.DueStart != "2026-03-02" || x.DueDays == 0 || x.DueCalendar == "" {
				t.Errorf("%s %s due %s", x.ItemKey, x.State, x.DueOn)
			}
		}
		if x := w.finding(id, "D03"); x.DueOn != "2026-03-16" {
			t.Errorf("ten working days from Monday 2 March end on %s", x.DueOn)
		}
		if n := w.rows("scores", "visit_id = ?", id); n != 1 {
			t.Errorf("%d scores", n)
		}
		is(t, w.visits.Conclude(ctx, w.chair, id, inspection.NewID(), 0, visit.Conclude{}, nil), inspection.Conflict, "visit.error.already_concluded")
	})
}

// TestWithdrawingCorrectsTheAnswer: with A04 withdrawn Σ w·r = 91.3444…, S = 97.1749…
func TestWithdrawingCorrectsTheAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, shortfalls, "A04")
		view, f, err := w.visits.Score(ctx, w.chair, id)
		w.must(err)
		if f.Total != 9717 || f.Raw != 9717 {
			t.Errorf("%+v", f)
		}
		a := view.State.Answers["A04"]
		if a.Value != score.Yes || a.Original == nil || a.Original.Value != score.No || a.Author != w.chair.Person || a.Reason == "" {
			t.Errorf("%+v", a)
		}
		var rows []struct {
			Result    string
			Corrected bool
			Failed    bool
		}
		w.must(db.Table("answers").Where("visit_id = ? AND item_key = 'A04'", id).Find(&rows).Error)
		if len(rows) != 1 || rows[0].Result != "YES" || !rows[0].Corrected || rows[0].Failed {
			t.Errorf("%+v", rows)
		}
		if w.rows("operations", "visit_id = ? AND type = 'answer' AND payload LIKE ?", id, `%"A04"%"NO"%`) != 1 || w.rows("operations", "visit_id = ? AND type = 'correct'", id) != 1 {
			t.Error("the old value does not stand beside the correction")
		}
		if x := w.finding(id, "A04"); x.State != finding.Withdrawn {
			t.Errorf("%s", x.State)
		}
		for _, l := range f.Lines {
			if (l.Key == "A04") != l.Corrected {
				t.Errorf("%+v", l)
			}
		}
	})
}

// TestEveryKindOfItemCanBeCorrected: whatever an item is answered by, withdrawing its
// finding gives it the full mark. Everything that can fail fails and is withdrawn: what
// is left is 100 of what applies.
func TestEveryKindOfItemCanBeCorrected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, answers{"A04": no("A04"), "B04": {Item: "B04", Value: score.Poor}, "C01": count("C01", 10, 10), "D03": count("D03", 7, 7)})
		present := true
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		rows := view.State.Rows
		rows[0].Present, rows[0].Arrived, rows[0].Badge, rows[0].Dress = &present, "07:55", false, false
		absent := false
		rows[1].Present, rows[1].Reason = &absent, score.Unknown
		for _, r := range rows {
			w.post(w.inspector, id, visit.OpAttendanceRow, r)
		}
		photo := view.State.Photos["A01"][0].File
		for _, key := range []string{"A02", "B01"} {
			w.post(w.inspector, id, visit.OpPhoto, visit.Photo{Item: key, File: photo})
		}
		w.post(w.lead, id, visit.OpFinish, struct{}{})
		w.sign(w.lead, id)
		var all []string
		for _, f := range w.findings(id) {
			all = append(all, f.ItemKey)
		}
		if got := strings.Join(all, " "); got != "A01 A02 A03 A04 B01 B02 B04 C01 D03" {
			t.Fatalf("findings on %s", got)
		}
		w.report(id)
		w.conclude(id, all...)
		_, f, err := w.visits.Score(ctx, w.chair, id)
		w.must(err)
		if f.Total != 10000 || f.NAWeight != 3 {
			t.Errorf("%+v", f)
		}
		for _, l := range f.Lines {
			if l.Applicable && l.Share != 10000 || l.Applicable == (l.Key == "H03") {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestAConfirmedCriticalFindingCapsTheScore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		but := answers{"B05": no("B05")}
		_, capped, err := w.visits.Score(ctx, w.chair, w.concluded(w.unit, &w.desk, but))
		w.must(err)
		// (94 − 2) / 94 = 97.87, at most 49.99
		if capped.Raw != 9787 || capped.Cap != 4999 || capped.Total != 4999 || capped.Grade != "WEAK" || len(capped.Deducted) != 1 || capped.Deducted[0].Reason != "CAP_CRITICAL" {
			t.Errorf("%+v", capped)
		}
		_, free, err := w.visits.Score(ctx, w.chair, w.concluded(w.other, &w.otherDesk, but, "B05"))
		w.must(err)
		if free.Total != 10000 || free.Cap != 10000 || free.Grade != "EXCELLENT" {
			t.Errorf("%+v", free)
		}
	})
}

func TestAConclusionIsAllOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checked(w.unit, &w.desk, shortfalls)
		explained := w.finding(id, "D03")
		w.must(w.finds.Explain(ctx, w.head, explained.ID, 0, finding.ExplainInput{Text: w.say("Do lỗi phần mềm liên thông")}))
		w.report(id)
		before := w.snapshot()
		unchanged := func(what string) {
			t.Helper()
			if now := w.snapshot(); now != before {
				t.Errorf("%s, and yet something changed:\n%s\n%s", what, before, now)
			}
		}
		decisions := w.decisions(id, "A04")
		try := func(version int64, decisions []visit.Decision) error {
			return w.visits.Conclude(ctx, w.chair, id, inspection.NewID(), version, visit.Conclude{Text: "x"}, decisions)
		}
		e := is(t, try(0, decisions[1:]), inspection.Invalid, "visit.error.decision_missing")
		if e.Fields["decision-"+decisions[0].Finding] == "" {
			t.Errorf("%+v", e)
		}
		unchanged("a finding without a decision")
		silent := append([]visit.Decision(nil), decisions...)
		silent[0].Confirm, silent[0].Reason = false, ""
		is(t, try(0, silent), inspection.Invalid, "visit.error.decision_missing")
		unchanged("withdrawn without a reason")
		is(t, try(0, decisions), inspection.Conflict, "finding.error.explanation_unruled")
		unchanged("an explanation without an answer")
		is(t, try(w.visit(id).Version+1, decisions), inspection.Conflict, "error.conflict")
		unchanged("another version than the one seen")
		for _, a := range []inspection.Actor{w.lead, w.head, w.homeAffairs, w.foreignChair} {
			if err := w.visits.Conclude(ctx, a, id, inspection.NewID(), 0, visit.Conclude{}, decisions); err == nil {
				t.Errorf("%s concludes", a.Name)
			}
		}
		unchanged("somebody else")

		var explanation string
		w.must(db.Table("explanations").Where("finding_id = ?", explained.ID).Pluck("id", &explanation).Error)
		w.must(w.finds.RuleOn(ctx, w.chair, explained.ID, 0, explanation, finding.RulingRejected, w.say("Không có tài liệu chứng minh")))
		// The form sent twice, also at once, is one conclusion.
		op := inspection.NewID()
		var wait sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			wait.Go(func() { errs[i] = w.visits.Conclude(ctx, w.chair, id, op, 0, visit.Conclude{Text: "x"}, decisions) })
		}
		wait.Wait()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if w.rows("scores", "visit_id = ?", id) != 1 || w.rows("operations", "visit_id = ? AND type = 'conclude'", id) != 1 {
			t.Error("concluded more than once")
		}
	})
}

// snapshot is how much there is of everything, to tell that nothing changed.
func (w *world) snapshot() string {
	w.t.Helper()
	var b strings.Builder
	for _, table := range []string{"operations", "answers", "findings", "finding_steps", "scores", "score_lines", "history", "documents", "evidence_links", "visit_members"} {
		fmt.Fprintf(&b, "%s %d ", table, w.rows(table, "1 = 1"))
	}
	var states []string
	w.must(w.db.Table("findings").Order("id").Pluck("state", &states).Error)
	var visits []visit.Visit
	w.must(w.db.Order("id").Find(&visits).Error)
	for _, v := range visits {
		fmt.Fprintf(&b, "%s v%d p%d ", v.State, v.Version, v.Positions)
	}
	return b.String() + strings.Join(states, " ")
}

func TestAReportIsForTheLeadOnceAfterTheMinutes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		r := visit.Report{Summary: "x"}
		is(t, w.visits.Report(ctx, w.lead, id, inspection.NewID(), 0, r), inspection.Conflict, "visit.error.minutes_open")
		w.answerAll(w.inspector, id, nil)
		w.post(w.lead, id, visit.OpFinish, struct{}{})
		w.sign(w.lead, id)
		is(t, w.visits.Report(ctx, w.lead, id, inspection.NewID(), 0, visit.Report{}), inspection.Invalid, "error.required")
		is(t, w.visits.Report(ctx, w.lead, id, "x", 0, r), inspection.Invalid, "error.id")
		is(t, w.visits.Report(ctx, w.chair, id, inspection.NewID(), 0, r), inspection.Forbidden, "error.forbidden")
		is(t, w.visits.Report(ctx, w.sealedLead, id, inspection.NewID(), 0, r), inspection.NotFound, "error.not_found")
		op := inspection.NewID()
		w.must(w.visits.Report(ctx, w.lead, id, op, 0, r))
		w.must(w.visits.Report(ctx, w.lead, id, op, 0, r)) // the form sent twice
		is(t, w.visits.Report(ctx, w.deputy, id, op, 0, r), inspection.Conflict, "visit.error.operation_id")
		is(t, w.visits.Report(ctx, w.lead, id, inspection.NewID(), 0, r), inspection.Conflict, "visit.error.already_reported")
		if v := w.visit(id); v.State != visit.Reported || v.ReportedAt != w.clock.Now() || v.ConcludeDue != "2026-03-23" {
			t.Errorf("%+v", v)
		}
	})
}

func TestReinspection(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		first := w.concluded(w.unit, &w.desk, answers{"C01": count("C01", 10, 4), "D03": count("D03", 200, 20), "D06": no("D06"), "A04": no("A04")})
		keys := []string{"C01", "D03", "D06"} // all MAJOR: a re-inspection must follow
		var ids []string
		for _, k := range keys {
			f := w.accepted(first, k)
			if f.State != finding.ReinspectDue || f.ReinspectFrom == "" || f.ReinspectDue == "" {
				t.Fatalf("%s: %s", k, f.State)
			}
			ids = append(ids, f.ID)
		}
		w.clock.Set(time.Date(2026, 3, 24, 8, 0, 0, 0, inspection.Zone))
		seal := func(lead inspection.Actor) plan.Target {
			t.Helper()
			out, err := w.plan.Seal(ctx, w.lead, plan.NewTarget{ID: inspection.NewID(), TeamID: w.team.ID, LeadID: lead.Person, Form: plan.Reinspection,
				OrganisationID: w.unit.ID, DeskID: &w.desk.ID, PlannedOn: "2026-03-24", Reinspects: &first, Findings: ids,
				OpenTo: []plan.Opening{{PersonID: w.fresh.Person}}})
			w.must(err)
			return out
		}
		// Whoever was at the first check does not lead the second.
		is(t, w.try(w.lead, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: seal(w.lead).ID}), inspection.Forbidden, "visit.error.same_member")
		id := w.checkIn(seal(w.deputy))
		v := w.visit(id)
		if v.Form != plan.Reinspection || v.ReinspectsID == nil || *v.ReinspectsID != first {
			t.Fatalf("%+v", v)
		}
		view, err := w.visits.Get(ctx, w.deputy, id)
		w.must(err)
		if len(view.Rules.Items) != 0 || len(view.Rules.Findings) != 3 {
			t.Fatalf("%+v", view.Rules)
		}
		is(t, w.try(w.deputy, id, visit.OpAnswer, no("A04")), inspection.Invalid, "visit.error.unknown_item")
		is(t, w.try(w.deputy, id, visit.OpVerdict, visit.Verdict{Finding: w.finding(first, "A04").ID, Verdict: "VERIFIED"}), inspection.Invalid, "visit.error.unknown_finding")
		e := is(t, w.try(w.deputy, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items")
		if e.Params["n"] != 6 {
			t.Errorf("%+v", e)
		}
		is(t, w.try(w.fresh, id, visit.OpVerdict, visit.Verdict{Finding: ids[1], Verdict: "PARTIAL"}), inspection.Invalid, "error.required")
		photo := w.file(w.fresh, id, evidence.Photo)
		for i, verdict := range []string{"VERIFIED", "PARTIAL", "RECURRED"} {
			w.post(w.fresh, id, visit.OpPhoto, visit.Photo{Finding: ids[i], File: photo})
			w.post(w.fresh, id, visit.OpVerdict, visit.Verdict{Finding: ids[i], Verdict: verdict, Text: w.say("Kết quả tái kiểm tra")})
		}
		w.post(w.deputy, id, visit.OpFinish, struct{}{})
		if f := w.finding(first, "C01"); f.State != finding.ReinspectDue {
			t.Errorf("a verdict took effect before the minutes were closed: %s", f.State)
		}
		w.sign(w.deputy, id)
		for i, want := range []struct {
			state    finding.State
			severity finding.Severity
			reopened bool
			due      inspection.Date
		}{{finding.Verified, "MAJOR", false, ""}, {finding.InRemediation, "MAJOR", false, "2026-04-07"}, {finding.Assigned, "CRITICAL", true, "2026-03-31"}} {
			f := w.finding(first, keys[i])
			if f.State != want.state || f.Severity != want.severity || f.Reopened != want.reopened || want.due != "" && f.DueOn != want.due {
				t.Errorf("%s: %s %s %v due %s", keys[i], f.State, f.Severity, f.Reopened, f.DueOn)
			}
		}
		if n := len(w.findings(id)); n != 0 {
			t.Errorf("the re-inspection raised %d findings of its own", n)
		}
		if w.visit(first).State != visit.Concluded {
			t.Error("the first check changed")
		}
		is(t, w.visits.Report(ctx, w.lead, id, inspection.NewID(), 0, visit.Report{Summary: "x"}), inspection.Conflict, "visit.error.not_for_form")
	})
}

// TestAReinspectionIsForOtherMembers: whoever was at the first check does nothing on the
// second, whatever their role in the team.
func TestAReinspectionIsForOtherMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		first := w.concluded(w.unit, &w.desk, answers{"D06": no("D06")})
		f := w.accepted(first, "D06")
		w.clock.Set(time.Date(2026, 3, 24, 8, 0, 0, 0, inspection.Zone))
		sealed, err := w.plan.Seal(ctx, w.deputy, plan.NewTarget{ID: inspection.NewID(), TeamID: w.team.ID, LeadID: w.deputy.Person, Form: plan.Reinspection,
			OrganisationID: w.unit.ID, PlannedOn: "2026-03-24", Reinspects: &first, Findings: []string{f.ID}})
		w.must(err)
		id := w.checkIn(sealed)
		verdict := visit.Verdict{Finding: f.ID, Verdict: "VERIFIED"}
		for _, a := range []inspection.Actor{w.lead, w.secretary, w.inspector} {
			is(t, w.try(a, id, visit.OpVerdict, verdict), inspection.Forbidden, "visit.error.same_member")
		}
		is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Forbidden, "visit.error.same_member")
		w.post(w.fresh, id, visit.OpPhoto, visit.Photo{Finding: f.ID, File: w.file(w.fresh, id, evidence.Photo)})
		w.post(w.fresh, id, visit.OpVerdict, verdict)
		w.post(w.deputy, id, visit.OpFinish, struct{}{})
		is(t, w.try(w.lead, id, visit.OpSign, visit.Signed{Scans: []string{w.file(w.deputy, id, evidence.DocumentScan)}}), inspection.Forbidden, "visit.error.same_member")
		w.sign(w.deputy, id)
		if got := w.finding(first, "D06"); got.State != finding.Verified {
			t.Errorf("%s", got.State)
		}
	})
}

func TestDocumentNumbersPerIssuerTypeAndYear(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.lead.Capacities = append(w.lead.Capacities, w.sealedLead.Capacities...) // leads both teams
		own := func() string {                                                    // a check of the team with a seal of its own
			n := plan.NewTarget{ID: inspection.NewID(), TeamID: w.sealed.ID, LeadID: w.sealedLead.Person, Form: plan.Surprise, OrganisationID: w.other.ID, PlannedOn: w.clock.Now().Date()}
			_, err := w.plan.Seal(ctx, w.sealedLead, n)
			w.must(err)
			id := inspection.NewID()
			w.post(w.sealedLead, id, visit.OpCheckIn, visit.CheckIn{Target: n.ID})
			w.post(w.sealedLead, id, visit.OpCannotInspect, visit.CannotInspect{Reason: "CLOSED", Place: "cửa", Witness: "bảo vệ", Photos: []string{w.file(w.sealedLead, id, evidence.Photo)}})
			return id
		}
		shut := func() string {
			id := w.checkIn(w.target(w.unit, &w.desk))
			w.post(w.lead, id, visit.OpCannotInspect, visit.CannotInspect{Reason: "CLOSED", Place: "cửa", Witness: "bảo vệ", Photos: []string{w.file(w.lead, id, evidence.Photo)}})
			return id
		}
		register := func(a inspection.Actor, id string, kind visit.Kind) string {
			t.Helper()
			d, err := w.visits.Register(ctx, a, id, kind)
			w.must(err)
			return d.Printed()
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		one, two, three := shut(), shut(), own()
		is(t, func() error { _, err := w.visits.Register(ctx, w.lead, one, visit.ReportDoc); return err }(), inspection.Conflict, "visit.error.closed_for_answers")
		is(t, func() error { _, err := w.visits.Register(ctx, w.inspector, one, visit.MinutesDoc); return err }(), inspection.Forbidden, "error.forbidden")
		is(t, func() error { _, err := w.visits.Register(ctx, w.sealedLead, one, visit.MinutesDoc); return err }(), inspection.NotFound, "error.not_found")
		is(t, func() error { _, err := w.visits.Register(ctx, w.lead, one, "QĐ"); return err }(), inspection.Invalid, "error.invalid")
		view, err := w.visits.Get(ctx, w.lead, one)
		w.must(err)
		want(view.Documents[visit.MinutesDoc].Printed(), "")
		want(register(w.lead, one, visit.MinutesDoc), "01/BB-ĐKT")
		want(register(w.secretary, two, visit.MinutesDoc), "02/BB-ĐKT")
		want(register(w.sealedLead, three, visit.MinutesDoc), "01/BB-ĐKT2")
		is(t, func() error { _, err := w.visits.Register(ctx, w.lead, one, visit.MinutesDoc); return err }(), inspection.Conflict, "visit.error.number_taken")
		w.report(one)
		w.conclude(one)
		want(register(w.lead, one, visit.ReportDoc), "01/BC-ĐKT")
		is(t, func() error { _, err := w.visits.Register(ctx, w.lead, one, visit.ConclusionDoc); return err }(), inspection.Forbidden, "error.forbidden")
		want(register(w.chair, one, visit.ConclusionDoc), "01/TB-UBND")
		// Many at once: every number once, none left out.
		var ids []string
		for range 4 {
			ids = append(ids, shut())
		}
		var wait sync.WaitGroup
		for _, id := range ids {
			for range 2 { // the button pressed twice
				wait.Go(func() {
					if _, err := w.visits.Register(ctx, w.lead, id, visit.MinutesDoc); err != nil && inspection.CodeOf(err) != inspection.Conflict {
						t.Error(err)
					}
				})
			}
		}
		wait.Wait()
		var numbers []int64
		w.must(db.Table("documents").Where("issuer = ? AND kind = 'BB'", "org:"+w.province.ID).Order("number").Pluck("number", &numbers).Error)
		if fmt.Sprint(numbers) != "[1 2 3 4 5 6]" {
			t.Errorf("%v", numbers)
		}
		// A new year begins at 01.
		w.clock.Set(time.Date(2026, 12, 31, 16, 0, 0, 0, inspection.Zone))
		last := shut()
		w.clock.Set(time.Date(2027, 1, 1, 0, 0, 0, 0, inspection.Zone)) // 31 December in UTC
		want(register(w.lead, last, visit.MinutesDoc), "01/BB-ĐKT")
		view, err = w.visits.Get(ctx, w.lead, last)
		w.must(err)
		if d := view.Documents[visit.MinutesDoc]; d.Year != 2027 || d.RegisteredOn != "2027-01-01" {
			t.Errorf("%+v", d)
		}
	})
}

// TestHistoryHoldsNoNamesOrFreeText goes through a whole story, noting all that is said
// and everybody's name, and looks for it in every row of history.
func TestHistoryHoldsNoNamesOrFreeText(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, answers{"A04": no("A04"), "D06": no("D06"), "G02": {Item: "G02", Value: score.NA, NAReason: w.say("Không có đường dây nóng riêng")},
			"C01": {Item: "C01", Value: score.Count, Of: 10, Failing: 3, Dossiers: []string{w.say("H20.01.03-260302-0007")}}})
		w.post(w.inspector, id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("Bà Nguyễn Thị Hoa không có mặt")})
		w.post(w.inspector, id, visit.OpFinding, visit.Draft{Item: "A04", Severity: "MINOR", Reason: w.say("Chỉ vắng ít phút"), Text: w.say("Vắng người trực quầy 2"), Remedy: w.say("Bố trí người thay")})
		strengths := w.say("Niêm yết đầy đủ, thái độ niềm nở")
		w.post(w.secretary, id, visit.OpMinutes, visit.Minutes{Strengths: &strengths})
		w.post(w.secretary, id, visit.OpFinish, struct{}{})
		w.sign(w.lead, id)
		f := w.finding(id, "D06")
		w.must(w.finds.Explain(ctx, w.head, f.ID, 0, finding.ExplainInput{Text: w.say("Người dân gửi nhầm tại nhà riêng")}))
		w.report(id)
		var explanation string
		w.must(db.Table("explanations").Pluck("id", &explanation).Error)
		w.must(w.finds.RuleOn(ctx, w.chair, f.ID, 0, explanation, finding.RulingPartly, w.say("Chấp nhận một phần")))
		w.conclude(id, "A04")
		_, err := w.visits.Register(ctx, w.lead, id, visit.MinutesDoc)
		w.must(err)
		f = w.accepted(id, "D06")
		w.clock.Set(time.Date(2026, 3, 24, 8, 0, 0, 0, inspection.Zone))
		sealed, err := w.plan.Seal(ctx, w.lead, plan.NewTarget{ID: inspection.NewID(), TeamID: w.team.ID, LeadID: w.deputy.Person, Form: plan.Reinspection,
			OrganisationID: w.unit.ID, DeskID: &w.desk.ID, PlannedOn: "2026-03-24", Reinspects: &id, Findings: []string{f.ID}})
		w.must(err)
		again := w.checkIn(sealed)
		w.post(w.deputy, again, visit.OpPhoto, visit.Photo{Finding: f.ID, File: w.file(w.deputy, again, evidence.Photo)})
		w.post(w.deputy, again, visit.OpVerdict, visit.Verdict{Finding: f.ID, Verdict: "RECURRED", Text: w.say("Vẫn nhận hồ sơ ngoài quầy")})
		w.post(w.deputy, again, visit.OpFinish, struct{}{})
		w.sign(w.deputy, again)

		var rows []string
		w.must(db.Table("history").Order("seq").Pluck("body", &rows).Error)
		if len(rows) < 100 || len(w.said) < 25 || len(w.named) < 15 {
			t.Fatalf("%d rows, %d texts, %d names: the story is too short to prove anything", len(rows), len(w.said), len(w.named))
		}
		for _, body := range rows {
			for _, text := range append(w.said, w.named...) {
				if strings.Contains(body, text) {
					t.Errorf("history holds %q: %s", text, body)
				}
			}
			for _, person := range w.named { // nor a part of it
				for word := range strings.FieldsSeq(person) {
					if len([]rune(word)) > 3 && strings.Contains(body, word) {
						t.Errorf("history holds %q: %s", word, body)
					}
				}
			}
			for _, r := range body {
				if r > 127 {
					t.Fatalf("history holds the letter %q: %s", r, body)
				}
			}
		}
	})
}

func TestOperationsAndScoresAreAppendOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.concluded(w.unit, &w.desk, answers{"B05": no("B05")})
		for table, change := range map[string]string{"operations": "payload = '{}'", "scores": "total = 10000", "score_lines": "weight = 1", "score_deductions": "points = 0"} {
			before := w.rows(table, "1 = 1")
			if before == 0 {
				t.Fatalf("%s is empty", table)
			}
			attacks := []string{"UPDATE " + table + " SET " + change, "DELETE FROM " + table}
			if db.Name() == "postgres" {
				attacks = append(attacks, "TRUNCATE "+table+" CASCADE")
			} else {
				attacks = append(attacks, "INSERT OR REPLACE INTO "+table+" SELECT * FROM "+table, "REPLACE INTO "+table+" SELECT * FROM "+table)
			}
			for _, attack := range attacks {
				if err := db.Exec(attack).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v", attack, err)
				}
			}
			if db.Name() == "postgres" {
				key := map[string]string{"operations": "id", "scores": "id", "score_lines": "score_id, item_key", "score_deductions": "score_id, line"}[table]
				attack := "INSERT INTO " + table + " SELECT * FROM " + table + " ON CONFLICT (" + key + ") DO UPDATE SET " + change
				if err := db.Exec(attack).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v", attack, err)
				}
			}
			if after := w.rows(table, "1 = 1"); after != before {
				t.Errorf("%s had %d rows, has %d", table, before, after)
			}
		}
	})
}

// TestAnAnswersRowIsWhatTheOperationsFoldTo walks at random, with acts that are taken
// and acts that are refused, and holds the table against the fold.
func TestAnAnswersRowIsWhatTheOperationsFoldTo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		r, steps := seeded(t, 800)
		id := w.checkIn(w.target(w.unit, &w.desk))
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		photo := w.file(w.inspector, id, evidence.Photo)
		var rows []string
		for range 4 {
			rows = append(rows, inspection.NewID())
		}
		taken, refused := 0, 0
		act := func() (visit.Type, any) {
			it := pick(r, view.Rules.Items...)
			flag := pick(r, true, false)
			switch r.IntN(9) {
			case 0:
				return visit.OpNote, visit.Note{Item: it.Key, Text: pick(r, "", "một", "hai")}
			case 1:
				return visit.OpFixed, visit.Fixed{Item: it.Key, Fixed: flag}
			case 2:
				return visit.OpPhoto, visit.Photo{Item: it.Key, File: photo, NoPeople: flag}
			case 3:
				return visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: []visit.Row{{ID: rows[0], Position: "Quầy 1", Required: true}}}
			case 4, 5:
				return visit.OpAttendanceRow, visit.Row{ID: pick(r, rows...), Position: "Quầy", Required: pick(r, true, true, false), Present: &flag,
					Arrived: pick(r, "", "07:00", "07:59"), Reason: pick(r, "", score.Leave, score.Unknown), Documented: pick(r, true, false), Badge: pick(r, true, false), Dress: pick(r, true, false)}
			}
			a := visit.AnswerItem{Item: it.Key, Value: pick(r, "", score.Yes, score.No, score.Good, score.Fair3, score.Poor, score.Count, score.Count, score.NA)}
			if a.Value == score.Count {
				a.Of, a.Failing = int64(r.IntN(6)), int64(r.IntN(6))
			}
			if a.Value == score.NA {
				a.NAReason = pick(r, "", "không có")
			}
			return visit.OpAnswer, a
		}
		for range steps {
			kind, payload := act()
			if err := w.try(pick(r, w.lead, w.secretary, w.inspector), id, kind, payload); err != nil {
				refused++
				if c := inspection.CodeOf(err); c != inspection.Invalid && c != inspection.Conflict {
					t.Fatalf("%s %+v: %v", kind, payload, err)
				}
				continue
			}
			taken++
		}
		if taken == 0 || refused == 0 {
			t.Fatalf("%d taken, %d refused", taken, refused)
		}
		view, err = w.visits.Get(ctx, w.lead, id)
		w.must(err)
		var table []struct {
			ItemKey, ItemCode, Result, NAReason, Note, OperationID string
			Numerator, Denominator                                 int64
			Failed, Fixed, Corrected                               bool
		}
		w.must(db.Table("answers").Where("visit_id = ?", id).Find(&table).Error)
		want := 0
		for key, a := range view.State.Answers {
			if a.Value != "" {
				want++
			} else if w.rows("answers", "visit_id = ? AND item_key = ?", id, key) != 0 {
				t.Errorf("%s: a row of an answer that was taken back", key)
			}
		}
		if len(table) != want {
			t.Errorf("%d rows, %d answers", len(table), want)
		}
		for _, row := range table {
			a := view.State.Answers[row.ItemKey]
			it, _ := view.Rules.Item(row.ItemKey)
			if row.Result != string(a.Value) || row.Numerator != a.Of-a.Failing || row.Denominator != a.Of || row.NAReason != a.NAReason || row.Note != a.Note ||
				row.Failed != view.State.Failed(view.Rules, it) || row.Fixed != a.Fixed || row.Corrected || row.OperationID != a.Operation || row.ItemCode != it.Code {
				t.Errorf("%s: the row says %+v, the operations %+v", row.ItemKey, row, a)
			}
		}
	})
}

// TestARowFollowsAnAnswerThatAnotherActMoves: a count that begins late puts the rows of
// others after itself, and with them what those did afterwards.
func TestARowFollowsAnAnswerThatAnotherActMoves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		begin := func(actor inspection.Actor) {
			w.post(actor, id, visit.OpAttendanceBegin, visit.AttendanceBegin{})
		}
		begin(w.lead)
		w.post(w.inspector, id, visit.OpAttendanceRow, visit.Row{ID: inspection.NewID(), Position: "Quầy 1", Required: true})
		w.post(w.inspector, id, visit.OpAnswer, visit.AnswerItem{Item: "H04", Value: score.No})
		w.post(w.secretary, id, visit.OpAnswer, visit.AnswerItem{Item: "H04", Value: score.Yes})
		begin(w.secretary)
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		if a := view.State.Answers["H04"]; a.Value != score.No || w.rows("answers", "visit_id = ? AND item_key = 'H04' AND result = 'NO' AND operation_id = ? AND failed", id, a.Operation) != 1 {
			t.Errorf("the operations say %+v, the row something else", a)
		}
	})
}

func TestWhoReportsOrConcludesIsNoMemberOfTheCheck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checked(w.unit, &w.desk, shortfalls)
		before, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		w.report(id)
		w.conclude(id, "A04")
		after, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		if len(before.Members) == 0 || !slices.Equal(before.Members, after.Members) {
			t.Errorf("the minutes named %+v, after the conclusion %+v", before.Members, after.Members)
		}
	})
}
