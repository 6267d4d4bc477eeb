package selfcheck_test

import (
	"context"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/selfcheck"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

// world is Chương Mỹ in March 2024 as the register has it, 33 desks, with the 45 items;
// beside it one commune of another district.
type world struct {
	*selfcheck.Service
	t         *testing.T
	db        *gorm.DB
	clock     *inspection.ManualClock
	act       org.Act
	committee org.Organisation
	far       org.Organisation
	units     []org.Organisation // the committee's own desk among them
	list      checklist.Version
	officer   inspection.Actor
	chair     inspection.Actor
	campaign  plan.Campaign
	team      plan.Team
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func newWorld(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	clock := inspection.NewManualClock(time.Date(2024, 3, 5, 9, 0, 0, 0, inspection.Zone))
	w := &world{Service: selfcheck.New(db, clock), t: t, db: db, clock: clock}
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	w.act = org.Act{Actor: boot, At: clock.Now()}
	_, err := org.New(db, clock).ImportUnits(ctx, boot, org.Seed("units.csv"), org.Seed("lineage.csv"), false)
	w.must(err)
	make := func(u org.Unit) org.Organisation {
		o, err := org.CreateOrganisation(db, w.act, org.Organisation{Name: "UBND " + u.Name, Kind: org.PeoplesCommittee, AdminUnitID: u.ID, ValidFrom: u.ValidFrom, ValidTo: u.ValidTo})
		w.must(err)
		_, err = org.CreateDesk(db, w.act, org.Desk{OrganisationID: o.ID, Name: "Một cửa", ValidFrom: u.ValidFrom, ValidTo: u.ValidTo})
		w.must(err)
		return o
	}
	district, err := org.UnitByKey(db, "vn/ha-noi/chuong-my")
	w.must(err)
	w.committee = make(district)
	w.units = append(w.units, w.committee)
	var communes []org.Unit
	w.must(db.Where("parent_id = ?", district.ID).Order("key").Find(&communes).Error)
	for _, u := range communes { // one of them came to be in 2025 only
		if o := make(u); clock.Now().Date().Within(u.ValidFrom, u.ValidTo) {
			w.units = append(w.units, o)
		}
	}
	elsewhere, err := org.UnitByKey(db, "vn/ca-mau/dam-doi")
	w.must(err)
	w.far = make(elsewhere)
	c, report, err := checklist.Import(db, w.act, checklist.Title{Key: "cong-vu", VI: "Bảng kiểm tra"}, checklist.Files{Checklist: checklist.Seed("checklist.csv"), Bases: checklist.Seed("bases.csv")}, false)
	if len(report.Bad) > 0 {
		t.Fatal(report.Bad)
	}
	w.must(err)
	w.must(checklist.Publish(db, w.act, c.ID, c.Version))
	w.list, err = checklist.Load(db, c.ID)
	w.must(err)
	w.officer, w.chair = w.is(inspection.HomeAffairs, w.committee), w.is(inspection.Chairperson, w.committee)
	w.campaign = plan.Campaign{ID: inspection.NewID(), Title: "Đợt", IssuerID: w.committee.ID, DecisionNumber: "1", DecisionDate: "2024-01-01", PeriodFrom: "2024-01-01", PeriodTo: "2025-12-31", ChecklistID: &c.ID, CreatedAt: clock.Now()}
	w.must(plan.CreateCampaign(db, w.campaign))
	w.team = plan.Team{ID: inspection.NewID(), CampaignID: w.campaign.ID, Name: "Đoàn"}
	w.must(plan.CreateTeam(db, w.team))
	return w
}

// is a person with a role.
func (w *world) is(role inspection.Role, o org.Organisation) inspection.Actor {
	w.t.Helper()
	p, err := org.CreatePerson(w.db, w.act, org.Person{Name: string(role)})
	w.must(err)
	return inspection.Actor{Person: p.ID, Name: string(role), Capacities: []inspection.Capacity{{Role: role, Organisation: o.ID}}}
}

func (w *world) head(i int) inspection.Actor { return w.is(inspection.UnitHead, w.units[i]) }

func (w *world) request() selfcheck.NewRound {
	return selfcheck.NewRound{ID: inspection.NewID(), IssuerID: w.committee.ID, Title: "Tự kiểm tra quý I", ChecklistID: w.list.ID, From: "2024-01-01", To: "2024-03-31", Due: "2024-03-20"}
}

func (w *world) asked() selfcheck.Round {
	w.t.Helper()
	r, _, err := w.Ask(ctx, w.officer, w.request())
	w.must(err)
	return r
}

func (w *world) planned(head inspection.Actor, unit org.Organisation, round string) selfcheck.Check {
	w.t.Helper()
	n := selfcheck.NewCheck{ID: inspection.NewID(), RoundID: round, OrganisationID: unit.ID, From: "2024-03-06", To: "2024-03-08", Responsible: "Phó Chủ tịch"}
	if round == "" {
		n.IssuerID, n.ChecklistID = w.committee.ID, w.list.ID
	}
	c, err := w.Plan(ctx, head, n)
	w.must(err)
	return c
}

// full are answers to every item, good but for those given.
func (w *world) full(but map[string]selfcheck.Given) (out []selfcheck.Given) {
	for _, it := range w.list.Items {
		if it.Source != "ANSWER" {
			continue
		}
		g := selfcheck.Given{Key: it.Key, Value: map[string]score.Value{"YN": score.Yes, "RATE3": score.Good, "CNT": score.Count, "SMP": score.Count}[it.Response]}
		if g.Value == score.Count {
			g.Compliant, g.Of = 10, 10
		}
		if x, ok := but[it.Key]; ok {
			g, g.Key = x, it.Key
		}
		out = append(out, g)
	}
	return out
}

var allThere = &selfcheck.Count{Required: 5, Badge: 5, Dress: 5}

// handedIn is a unit's self-inspection, handed in.
func (w *world) handedIn(head inspection.Actor, unit org.Organisation, round string, but map[string]selfcheck.Given) selfcheck.Check {
	w.t.Helper()
	c := w.planned(head, unit, round)
	w.must(w.Save(ctx, head, c.ID, w.full(but), allThere))
	w.must(w.HandIn(ctx, head, c.ID, c.Version))
	return c
}

// found writes a check of a unit that begins now, as it would stand; marks are "3/4", ""
// for what did not apply; items that are not named have full marks.
func (w *world) found(o org.Organisation, state visit.Phase, form plan.Form, marks map[string]string) visit.Visit {
	w.t.Helper()
	now := w.clock.Now()
	v := visit.Visit{ID: inspection.NewID(), CampaignID: w.campaign.ID, TeamID: w.team.ID, LeadID: w.chair.Person, Form: form, OrganisationID: o.ID, OrganisationName: o.Name,
		OrganisationKind: o.Kind, IssuerID: w.committee.ID, DecisionNumber: "1", DecisionDate: "2024-01-01", ChecklistID: w.list.ID, State: state, Day: now.Date(),
		CheckedInAt: now, EndedAt: now, MinutesAt: now, Location: "UNKNOWN", Version: 1}
	target := plan.Target{ID: inspection.NewID(), CampaignID: v.CampaignID, TeamID: v.TeamID, LeadID: v.LeadID, Form: plan.Surprise, OrganisationID: o.ID, PlannedOn: v.Day, State: plan.Started, Version: 1}
	w.must(w.db.Create(&target).Error)
	v.TargetID = target.ID
	w.must(w.db.Create(&v).Error)
	if state != visit.Concluded {
		return v
	}
	id := inspection.NewID()
	w.must(w.db.Exec("INSERT INTO scores (id, visit_id, revision, checklist_id, rated, raw_hundredths, deductions, cap, total, grade, na_weight, frozen_at, frozen_by) VALUES (?, ?, 1, ?, TRUE, 0, 0, 10000, 0, 'WEAK', 0, 1, ?)",
		id, v.ID, w.list.ID, w.chair.Person).Error)
	for _, it := range w.list.Items {
		share, named := marks[it.Key]
		if !named {
			share = "1/1"
		}
		num, den, applies := strings.Cut(share, "/")
		if !applies {
			num, den = "0", "1"
		}
		w.must(w.db.Exec("INSERT INTO score_lines (score_id, item_key, item_code, section, weight, applicable, numerator, denominator) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			id, it.Key, it.Code, it.Section, it.Weight, applies, num, den).Error)
	}
	return v
}

func is(t *testing.T, err error, code inspection.Code, key string) {
	t.Helper()
	if inspection.CodeOf(err) != code || inspection.KeyOf(err) != key {
		t.Errorf("%v, want %s %s", err, code, key)
	}
}

// TestThirtyThreeOfThirtyThree: the office asks all desks of Chương Mỹ, each unit plans and
// hands in, and the share grows to 33 of 33 = 100 % (domain §9.1).
func TestThirtyThreeOfThirtyThree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		n := w.request()
		for range 2 { // the same form twice is one request
			r, units, err := w.Ask(ctx, w.officer, n)
			w.must(err)
			if r.ID != n.ID || units != 33 && units != 0 {
				t.Fatalf("%d units", units)
			}
		}
		for i, u := range w.units {
			sheet, err := w.Round(ctx, w.chair, n.ID)
			w.must(err)
			if sheet.Units != 33 || sheet.Done != i || len(sheet.Missing) != 33-i || len(sheet.Lines) != i {
				t.Fatalf("after %d: %d of %d, %d missing", i, sheet.Done, sheet.Units, len(sheet.Missing))
			}
			head := w.head(i)
			waiting, err := w.Requests(ctx, head)
			w.must(err)
			if len(waiting) != 1 || waiting[0].ID != n.ID || waiting[0].Organisation != u.ID {
				t.Fatalf("%+v", waiting)
			}
			w.handedIn(head, u, n.ID, nil)
			if waiting, err := w.Requests(ctx, head); err != nil || len(waiting) != 0 {
				t.Fatalf("%+v %v", waiting, err)
			}
		}
		lines, err := w.Rounds(ctx, w.chair)
		w.must(err)
		if len(lines) != 1 || lines[0].Units != 33 || lines[0].Done != 33 {
			t.Errorf("%+v", lines)
		}
		sum, err := w.Summary(ctx, w.chair, "2024-01-01", "2024-12-31")
		w.must(err)
		if sum != (selfcheck.Summary{Units: 33, Done: 33}) {
			t.Errorf("%+v", sum)
		}
		if sum, err := w.Summary(ctx, w.chair, "2024-04-01", "2024-06-30"); err != nil || sum.Done != 0 || sum.Units != 33 {
			t.Errorf("another quarter: %+v %v", sum, err)
		}
		// After the day nobody is late who was in time, whatever is corrected.
		w.clock.Set(time.Date(2024, 3, 25, 9, 0, 0, 0, inspection.Zone))
		sheet, err := w.Round(ctx, w.chair, n.ID)
		w.must(err)
		for _, l := range sheet.Lines {
			if l.Late || l.Overdue {
				t.Errorf("%+v", l)
			}
		}
	})
}

// TestWhoIsOverdueIsNamed: after the day units without one are on the list of whom to
// remind; what comes late is said to be.
func TestWhoIsOverdueIsNamed(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	r := w.asked()
	w.clock.Set(time.Date(2024, 3, 21, 9, 0, 0, 0, inspection.Zone))
	sheet, err := w.Round(ctx, w.officer, r.ID)
	w.must(err)
	if len(sheet.Missing) != 33 || !sheet.Missing[0].Overdue {
		t.Fatalf("%+v", sheet.Missing)
	}
	w.handedIn(w.head(3), w.units[3], r.ID, nil)
	sheet, err = w.Round(ctx, w.officer, r.ID)
	w.must(err)
	if len(sheet.Lines) != 1 || !sheet.Lines[0].Late || len(sheet.Missing) != 32 {
		t.Errorf("%+v", sheet.Lines)
	}
	w.must(w.CancelRound(ctx, w.chair, r.ID, r.Version, "Trùng đợt khác"))
	is(t, w.CancelRound(ctx, w.chair, r.ID, r.Version, "Trùng"), inspection.Conflict, "selfcheck.error.changed_meanwhile")
	if waiting, err := w.Requests(ctx, w.head(4)); err != nil || len(waiting) != 0 {
		t.Errorf("a request that was taken back is asked for: %+v %v", waiting, err)
	}
	_, err = w.Plan(ctx, w.head(4), selfcheck.NewCheck{ID: inspection.NewID(), RoundID: r.ID, OrganisationID: w.units[4].ID, From: "2024-03-21", To: "2024-03-22", Responsible: "x"})
	is(t, err, inspection.Conflict, "selfcheck.error.round_cancelled")
}

// TestASelfInspectionFromPlanToHandIn: planned, answered in parts, what is open refuses the
// hand-in, then nothing changes any more but by a revision with a reason.
func TestASelfInspectionFromPlanToHandIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		unit, head := w.units[1], w.head(1)
		contact := w.is(inspection.UnitContact, unit)
		c := w.planned(head, unit, "")
		if _, err := w.Plan(ctx, head, selfcheck.NewCheck{ID: c.ID, OrganisationID: unit.ID}); err != nil {
			t.Errorf("the same form again: %v", err)
		}
		v, err := w.Get(ctx, contact, c.ID)
		w.must(err)
		if v.Of() != 44 || v.Open() != 44 || !v.MayFill || v.MayMake || len(v.Sections) != 8 { // H03 is not asked
			t.Errorf("%d of %d, %+v", v.Open(), v.Of(), v.Sections)
		}
		is(t, w.HandIn(ctx, contact, c.ID, 1), inspection.Forbidden, "error.forbidden")
		is(t, w.HandIn(ctx, head, c.ID, 1), inspection.Invalid, "selfcheck.error.missing")
		w.must(w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A04", Value: score.No, Note: "Thiếu người thay"}}, &selfcheck.Count{Required: 5, Late: 1, Excused: 1, Documented: 1, Badge: 3, Dress: 4}))
		before := w.rows("history")
		w.must(w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A04", Value: score.No, Note: "Thiếu người thay", Version: 1}}, &selfcheck.Count{Required: 5, Late: 1, Excused: 1, Documented: 1, Badge: 3, Dress: 4, Version: 1}))
		if w.rows("history") != before {
			t.Error("what changes nothing is recorded")
		}
		v, err = w.Get(ctx, head, c.ID)
		w.must(err)
		share := map[string]score.Points{}
		for _, it := range v.Items() {
			share[it.Key] = it.Share
		}
		// A01: one late of five; A02: one absent, with a paper; B01: three of four present with a badge.
		if v.Open() != 44-6 || share["A01"] != 9500 || share["A02"] != 10000 || share["A03"] != 10000 || share["B01"] != 7500 || share["B02"] != 10000 || share["A04"] != 0 {
			t.Errorf("open %d, %v", v.Open(), share)
		}
		given := w.full(map[string]selfcheck.Given{"A04": {Value: score.No, Note: "Thiếu người thay", Version: 1}, "D03": {Value: score.Count, Compliant: 9, Of: 10}, "F05": {Value: score.NA, NAReason: "Không có camera"}})
		w.must(w.Save(ctx, contact, c.ID, given, nil))
		item := inspection.NewID()
		w.must(w.Note(ctx, contact, c.ID, selfcheck.NewShortcoming{ID: item, ItemKey: "A04", Words: "Không có người thay khi vắng", Measure: "Lập lịch trực thay", Due: "2024-04-01"}))
		w.must(w.Note(ctx, contact, c.ID, selfcheck.NewShortcoming{ID: item, ItemKey: "A04", Words: "Không có người thay khi vắng", Measure: "Lập lịch trực thay", Due: "2024-04-01"}))
		is(t, w.HandIn(ctx, head, c.ID, 7), inspection.Conflict, "selfcheck.error.changed_meanwhile")
		w.must(w.HandIn(ctx, head, c.ID, 1))
		// Σ w of the 44 items asked is 97, less F05 (1): 96. Lost: A01 6×0.05, B01 4×0.25, A04 3, and D03
		// 5, which has nothing left at 90 %. 100 × (96 − 0.3 − 1 − 3 − 5) / 96 = 90.31.
		v, err = w.Get(ctx, head, c.ID)
		w.must(err)
		if v.Said != 9031 || v.State != selfcheck.HandedIn || len(v.ContentHash) != 64 || len(v.Shortcomings) != 1 {
			t.Errorf("said %s: %+v", v.Said, v.Check)
		}
		for what, err := range map[string]error{
			"an answer": w.Save(ctx, head, c.ID, []selfcheck.Given{{Key: "A04", Value: score.Yes, Version: 1}}, nil), "the count": w.Save(ctx, head, c.ID, nil, allThere),
			"the plan": w.Change(ctx, head, c.ID, 2, "2024-03-06", "2024-03-09", "x"), "again": w.HandIn(ctx, head, c.ID, 2), "cancelled": w.Cancel(ctx, head, c.ID, 2, "x"),
			"a shortcoming":              w.Note(ctx, head, c.ID, selfcheck.NewShortcoming{ID: inspection.NewID(), Words: "x", Measure: "y", Due: "2024-04-01"}),
			"a shortcoming that is gone": w.Stand(ctx, head, c.ID, item, 1, selfcheck.Dropped, "", "")} {
			if inspection.CodeOf(err) != inspection.Conflict {
				t.Errorf("%s after the hand-in: %v", what, err)
			}
		}
		is(t, w.Stand(ctx, head, c.ID, item, 1, selfcheck.Done, "2024-03-06", "Đã lập"), inspection.Invalid, "selfcheck.error.future")
		w.must(w.Stand(ctx, head, c.ID, item, 1, selfcheck.Done, "2024-03-05", "Đã lập"))
		is(t, w.Stand(ctx, head, c.ID, item, 1, selfcheck.Open, "", ""), inspection.Conflict, "selfcheck.error.changed_meanwhile")
		is(t, w.Stand(ctx, head, c.ID, inspection.NewID(), 1, selfcheck.Open, "", ""), inspection.NotFound, "error.not_found")

		newID := inspection.NewID()
		_, err = w.Revise(ctx, head, c.ID, newID, " ")
		is(t, err, inspection.Invalid, "selfcheck.error.text")
		for range 2 {
			n, err := w.Revise(ctx, head, c.ID, newID, "Đếm nhầm hồ sơ")
			w.must(err)
			if n.Revision != 2 || n.RootID != c.ID || n.State != selfcheck.Draft {
				t.Errorf("%+v", n)
			}
		}
		_, err = w.Revise(ctx, head, c.ID, inspection.NewID(), "Nữa")
		is(t, err, inspection.Conflict, "selfcheck.error.revised")
		if _, err := w.Get(ctx, w.chair, newID); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("the office sees a correction before it is handed in: %v", err)
		}
		if old, err := w.Get(ctx, w.chair, c.ID); err != nil || old.Said != v.Said || !(len(old.Revisions) == 0) {
			t.Errorf("%+v %v", old, err)
		}
		w.must(w.Save(ctx, head, newID, []selfcheck.Given{{Key: "D03", Value: score.Count, Compliant: 10, Of: 10, Version: 1}}, nil))
		w.must(w.HandIn(ctx, head, newID, 1))
		one, err := w.Get(ctx, head, c.ID)
		w.must(err)
		two, err := w.Get(ctx, head, newID)
		w.must(err)
		if one.Said != v.Said || two.Said <= one.Said || one.Newest || !two.Newest || len(two.Revisions) != 1 || len(two.Shortcomings) != 1 || two.Shortcomings[0].State != selfcheck.Done {
			t.Errorf("%s %s", one.Said, two.Said)
		}
		var events []history.Row
		w.must(db.Where("subject_kind LIKE 'self_%'").Order("seq").Find(&events).Error)
		var done []string
		for _, e := range events {
			done = append(done, strings.TrimPrefix(e.Action, "selfcheck."))
			for _, words := range []string{"Thiếu người", "camera", "Lập lịch", "Đếm nhầm", "Phó Chủ tịch"} {
				if strings.Contains(e.Body, words) {
					t.Errorf("history holds %q", words)
				}
			}
		}
		if got := strings.Join(done, " "); got != "plan answers answers shortcoming hand_in shortcoming_stands revise answers hand_in" {
			t.Error(got)
		}
	})
}

func (w *world) rows(table string) (n int64) {
	w.must(w.db.Table(table).Count(&n).Error)
	return n
}

// TestNoFormMakesNonsense: what no page of ours sends is refused and writes nothing.
func TestNoFormMakesNonsense(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		head := w.head(1)
		c := w.planned(head, w.units[1], "")
		long := strings.Repeat("x", 1001)
		for what, g := range map[string]selfcheck.Given{
			"no such item": {Key: "Z99", Value: score.Yes}, "an item that the program answers": {Key: "H03", Value: score.Count, Compliant: 1, Of: 1},
			"an item that the count answers": {Key: "B01", Value: score.Count, Compliant: 1, Of: 1}, "another way of answering": {Key: "A04", Value: score.Good},
			"no value": {Key: "A04", Value: "PERHAPS"}, "more than all": {Key: "D03", Value: score.Count, Compliant: 11, Of: 10}, "less than none": {Key: "D03", Value: score.Count, Compliant: -1, Of: 10},
			"of none": {Key: "D03", Value: score.Count}, "too many": {Key: "D03", Value: score.Count, Compliant: 1, Of: 1 << 40}, "no reason": {Key: "A04", Value: score.NA},
			"a long note": {Key: "A04", Value: score.Yes, Note: long}, "a control character": {Key: "A04", Value: score.Yes, Note: "a\x01b"},
		} {
			if err := w.Save(ctx, head, c.ID, []selfcheck.Given{{Key: "A05", Value: score.Yes}, g}, nil); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, n := range []selfcheck.Count{{Required: -1}, {Required: 5, Late: 6}, {Required: 5, Excused: 3, Unexcused: 3}, {Required: 5, Documented: 1}, {Required: 5, Badge: 6}, {Required: 5, Excused: 1, Dress: 5}, {Required: 1 << 40}} {
			if err := w.Save(ctx, head, c.ID, []selfcheck.Given{{Key: "A05", Value: score.Yes}}, &n); inspection.KeyOf(err) != "selfcheck.error.head_count" {
				t.Errorf("%+v: %v", n, err)
			}
		}
		if n := w.rows("self_answers") + w.rows("self_counts"); n != 0 {
			t.Errorf("%d rows of refused forms", n)
		}
		fresh := func(change func(*selfcheck.NewCheck)) error {
			n := selfcheck.NewCheck{ID: inspection.NewID(), OrganisationID: w.units[1].ID, IssuerID: w.committee.ID, ChecklistID: w.list.ID, From: "2024-03-06", To: "2024-03-08", Responsible: "x"}
			change(&n)
			_, err := w.Plan(ctx, head, n)
			return err
		}
		is(t, fresh(func(n *selfcheck.NewCheck) { n.IssuerID = w.far.ID }), inspection.Invalid, "selfcheck.error.issuer")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.ChecklistID = inspection.NewID() }), inspection.Invalid, "selfcheck.error.checklist")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.To = "2024-03-05" }), inspection.Invalid, "selfcheck.error.period")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.To = "2034-03-05" }), inspection.Invalid, "selfcheck.error.period")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.From = "2024-02-30" }), inspection.Invalid, "selfcheck.error.day")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.Responsible = "" }), inspection.Invalid, "selfcheck.error.text")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.RoundID = inspection.NewID() }), inspection.NotFound, "error.not_found")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.RoundID = "'; --" }), inspection.NotFound, "error.not_found")
		is(t, fresh(func(n *selfcheck.NewCheck) { n.ID = "x" }), inspection.Invalid, "error.id")
		ask := func(change func(*selfcheck.NewRound)) error {
			n := w.request()
			change(&n)
			_, _, err := w.Ask(ctx, w.officer, n)
			return err
		}
		is(t, ask(func(n *selfcheck.NewRound) { n.Due = "2024-03-04" }), inspection.Invalid, "selfcheck.error.due")
		is(t, ask(func(n *selfcheck.NewRound) { n.Title = "" }), inspection.Invalid, "selfcheck.error.text")
		is(t, ask(func(n *selfcheck.NewRound) { n.ChecklistID = "x" }), inspection.Invalid, "selfcheck.error.checklist")
		is(t, ask(func(n *selfcheck.NewRound) { n.IssuerID = w.far.ID }), inspection.NotFound, "error.not_found")
	})
}

// TestTwoWhoFillAtOnce: what one has changed the other does not overwrite unseen; what
// they answer apart both stands; one plan comes of two at once for a request.
func TestTwoWhoFillAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		head, contact := w.head(1), w.is(inspection.UnitContact, w.units[1])
		c := w.planned(head, w.units[1], "")
		w.must(w.Save(ctx, head, c.ID, []selfcheck.Given{{Key: "A04", Value: score.Yes}}, allThere))
		w.must(w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A05", Value: score.Yes}}, nil))
		is(t, w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A06", Value: score.Yes}, {Key: "A04", Value: score.No}}, nil), inspection.Conflict, "selfcheck.error.changed_meanwhile")
		is(t, w.Save(ctx, contact, c.ID, nil, &selfcheck.Count{Required: 4}), inspection.Conflict, "selfcheck.error.changed_meanwhile")
		w.must(w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A04", Value: score.No, Version: 1}}, &selfcheck.Count{Required: 4, Version: 1}))
		w.must(w.Save(ctx, contact, c.ID, []selfcheck.Given{{Key: "A04", Version: 2}}, nil)) // taken back
		if n := w.rows("self_answers"); n != 1 {
			t.Errorf("%d answers", n)
		}
		r := w.asked()
		var won, lost int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := w.Plan(ctx, head, selfcheck.NewCheck{ID: inspection.NewID(), RoundID: r.ID, OrganisationID: w.units[1].ID, From: "2024-03-06", To: "2024-03-08", Responsible: "x"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if inspection.KeyOf(err) == "selfcheck.error.planned" {
					lost++
				}
			})
		}
		wg.Wait()
		if won != 1 || lost != 3 {
			t.Errorf("%d plans, %d refused", won, lost)
		}
	})
}

// TestWhoSeesWhatAUnitSaysOfItself holds the table of rights by person.
func TestWhoSeesWhatAUnitSaysOfItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		head := w.head(1)
		draft := w.planned(head, w.units[1], "")
		done := w.handedIn(head, w.units[1], "", nil)
		inspector := w.is(inspection.Inspector, w.committee)
		inspector.Capacities[0].Team = w.team.ID
		both := w.is(inspection.HomeAffairs, w.committee)
		both.Capacities = append(both.Capacities, inspection.Capacity{Role: inspection.TeamSecretary, Organisation: w.committee.ID, Team: w.team.ID})
		heir := w.is(inspection.UnitHead, w.units[2])
		heir.Capacities[0].Former = []string{w.units[1].ID}
		for _, c := range []struct {
			who         string
			actor       inspection.Actor
			draft, done string // what is read: "", "blind" or "all"
			lists       int
		}{
			{"the head", head, "all", "all", 2}, {"a contact", w.is(inspection.UnitContact, w.units[1]), "all", "all", 2}, {"the head of what it went into", heir, "all", "all", 2},
			{"another head", w.head(2), "", "", 0}, {"home affairs", w.officer, "", "all", 1}, {"the chair", w.chair, "", "all", 1}, {"the chief of office", w.is(inspection.ChiefOfOffice, w.committee), "", "all", 1},
			{"home affairs elsewhere", w.is(inspection.HomeAffairs, w.far), "", "", 0}, {"an inspector", inspector, "", "", 0}, {"home affairs in a team", both, "", "blind", 1},
			{"an administrator", w.is(inspection.SysAdmin, w.committee), "", "", 0}, {"the press", w.is(inspection.GuestPress, w.committee), "", "", 0}, {"nobody", inspection.Actor{}, "", "", 0},
		} {
			for id, want := range map[string]string{draft.ID: c.draft, done.ID: c.done} {
				v, err := w.Get(ctx, c.actor, id)
				got := "all"
				switch {
				case inspection.CodeOf(err) == inspection.NotFound:
					got = ""
				case err != nil:
					t.Fatal(err)
				case v.Blind:
					got = "blind"
					if v.Said != 0 || len(v.Sections) != 0 || len(v.Shortcomings) != 0 || len(v.Missing) != 0 {
						t.Errorf("%s: a blind reader sees %+v", c.who, v)
					}
				}
				if got != want {
					t.Errorf("%s reads %q, want %q", c.who, got, want)
				}
			}
			lines, _, err := w.List(ctx, c.actor, inspection.Page{})
			if err != nil || len(lines) != c.lists {
				t.Errorf("%s lists %d, want %d: %v", c.who, len(lines), c.lists, err)
			}
		}
		// From the conclusion of a check by their own team on, and not before, a member reads it.
		w.clock.Advance(24 * time.Hour)
		found := w.found(w.units[1], visit.Reported, plan.Surprise, nil)
		if v, err := w.Get(ctx, both, done.ID); err != nil || !v.Blind {
			t.Errorf("before the conclusion: %v %v", v.Blind, err)
		}
		w.must(db.Exec("UPDATE visits SET state = 'CONCLUDED', concluded_at = 1 WHERE id = ?", found.ID).Error)
		if v, err := w.Get(ctx, both, done.ID); err != nil || v.Blind {
			t.Errorf("after it: %v %v", v.Blind, err)
		}
	})
}

// TestTheGapByHand: section A weighs 9: said 100, found (6×3/4 + 3×0)/9 = 50; B weighs 2:
// said 80, found 50. Whole: said (9 + 1.6)/11 = 96.36, found (4.5 + 1)/11 = 50.00.
func TestTheGapByHand(t *testing.T) {
	r := func(a, b int64) *big.Rat { return big.NewRat(a, b) }
	g := selfcheck.Compare([]selfcheck.Mark{{"A01", "A01", "A", 6, r(1, 1)}, {"A04", "A04", "A", 3, r(1, 1)}, {"B03", "B03", "B", 99, r(4, 5)}, {"F02", "F02", "F", 2, nil}, {"F05", "F05", "F", 1, r(1, 1)}, {"G01", "G01", "G", 5, r(1, 1)}},
		[]selfcheck.Mark{{"A01", "A01", "A", 6, r(3, 4)}, {"A04", "A04", "A", 3, r(0, 1)}, {"B03", "B03", "B", 2, r(1, 2)}, {"F02", "F02", "F", 2, r(1, 2)}, {"F05", "F05", "F", 1, nil}, {"H03", "H03", "H", 3, r(1, 1)}})
	if w := g.Whole; w.Weight != 11 || w.N != 3 || w.Said != 9636 || w.Found != 5000 || w.Diff != 4636 {
		t.Errorf("%+v", w)
	}
	if len(g.Sections) != 2 || g.Sections[0].Said != 10000 || g.Sections[0].Found != 5000 || g.Sections[0].Diff != 5000 || g.Sections[1].Weight != 2 || g.Sections[1].Diff != 3000 {
		t.Errorf("%+v", g.Sections)
	}
	if strings.Join(g.Left, " ") != "F02 F05 H03" || len(g.Lines) != 3 || g.Lines[1].Diff != 10000 {
		t.Errorf("%+v", g)
	}
	if g := selfcheck.Compare([]selfcheck.Mark{{"A", "A", "A", 1, r(1, 2)}}, []selfcheck.Mark{{"A", "A", "A", 1, r(1, 1)}}); g.Whole.Diff != -5000 {
		t.Errorf("a unit that is stricter than the check: %+v", g)
	}
	if g := selfcheck.Compare(nil, nil); g.Whole.N != 0 || g.Whole.Weight != 0 {
		t.Errorf("%+v", g)
	}
}

// TestTheGapIsWithTheNextFullCheck: what is compared with what.
func TestTheGapIsWithTheNextFullCheck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		head, unit := w.head(1), w.units[1]
		gap := func(actor inspection.Actor, id string) *selfcheck.Gap {
			t.Helper()
			v, err := w.Get(ctx, actor, id)
			w.must(err)
			return v.Gap
		}
		next := func() { w.clock.Advance(24 * time.Hour) }
		w.found(unit, visit.Concluded, plan.Surprise, map[string]string{"A04": "0/1"}) // before: no matter
		next()
		first := w.handedIn(head, unit, "", nil)
		if gap(head, first.ID) != nil {
			t.Error("an earlier check is compared")
		}
		next()
		revised := inspection.NewID()
		_, err := w.Revise(ctx, head, first.ID, revised, "Đếm nhầm")
		w.must(err)
		w.must(w.Save(ctx, head, revised, []selfcheck.Given{{Key: "C04", Value: score.No, Version: 1}}, nil))
		w.must(w.HandIn(ctx, head, revised, 1))
		next()
		w.found(unit, visit.Concluded, plan.Reinspection, map[string]string{"A04": "0/1"})
		w.found(unit, visit.Concluded, "REMOTE", map[string]string{"A04": "0/1"})
		w.found(w.units[2], visit.Concluded, plan.Surprise, nil)
		if gap(head, revised) != nil {
			t.Error("a re-inspection, a remote check or another unit's is compared")
		}
		next()
		pending := w.found(unit, visit.Reported, plan.Surprise, nil)
		next()
		w.found(unit, visit.Concluded, plan.Surprise, nil)
		if gap(head, revised) != nil {
			t.Error("a later check is compared while the next one is not concluded")
		}
		// What could not inspect is no check to compare with.
		w.must(db.Exec("UPDATE visits SET could_not = TRUE WHERE organisation_id = ? AND checked_in_at >= ?", unit.ID, pending.CheckedInAt).Error)
		if gap(head, revised) != nil {
			t.Error("a check that could not inspect is compared")
		}
		next()
		found := w.found(unit, visit.Concluded, plan.Surprise, map[string]string{"A04": "0/1", "B03": "1/2", "C04": "0/1", "A02": ""})
		g := gap(w.chair, revised)
		if g == nil {
			t.Fatal("nothing is compared")
		}
		// Both have marks for all 44 items asked but A02 (nobody was absent): Σ w = 97 − 3 = 94.
		// Said (94 − 2)/94 = 97.87, found (94 − 2 − 3 − 1)/94 = 93.62.
		if g.Whole.Weight != 94 || g.Whole.Said != 9787 || g.Whole.Found != 9362 || g.Whole.Diff != 425 || strings.Join(g.Left, " ") != "A02 H03" {
			t.Errorf("%+v %v", g.Whole, g.Left)
		}
		if gap(head, first.ID) != nil {
			t.Error("what was corrected before the check is compared too")
		}
		if gap(head, revised) == nil || gap(w.officer, revised) == nil {
			t.Error("the unit and home affairs do not see it")
		}
		next()
		later := w.handedIn(head, unit, "", nil) // after the check: tells nothing new about it
		if gap(head, later.ID) != nil || gap(head, revised).Whole.Diff != 425 {
			t.Error("a later self-inspection changes the gap")
		}
		sum, err := w.Summary(ctx, w.chair, "2024-01-01", "2024-12-31")
		w.must(err)
		if sum.N != 1 || sum.Mean != 425 || sum.Done != 1 {
			t.Errorf("%+v", sum)
		}
		if sum, err := w.Summary(ctx, w.chair, "2024-01-01", found.Day.AddDays(-1)); err != nil || sum.N != 0 {
			t.Errorf("%+v %v", sum, err)
		}
		if _, err := w.Summary(ctx, head, "2024-01-01", "2024-12-31"); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
	})
}

// TestTheGapFollowsAMerger: a unit that went into another as a whole is compared with what
// is found there; one that went in parts is not.
func TestTheGapFollowsAMerger(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.clock.Set(time.Date(2025, 6, 20, 9, 0, 0, 0, inspection.Zone))
		whole := w.handedIn(w.head(1), w.units[1], "", nil)
		part := w.handedIn(w.head(2), w.units[2], "", nil)
		u, err := org.UnitByKey(db, "vn/ha-noi")
		w.must(err)
		heir, err := org.CreateOrganisation(db, w.act, org.Organisation{Name: "Trung tâm mới", Kind: org.PeoplesCommittee, AdminUnitID: u.ID, ValidFrom: "2025-07-01"})
		w.must(err)
		for i, portion := range []org.Portion{org.Whole, org.Part} {
			_, err := org.CreateLineage(db, w.act, org.Lineage{PredecessorID: w.units[i+1].ID, SuccessorID: &heir.ID, Relation: []org.Relation{org.MergedInto, org.PartTransferred}[i], Portion: portion, LegalAct: "NQ", EffectiveDate: "2025-07-01"})
			w.must(err)
		}
		w.clock.Set(time.Date(2025, 8, 20, 9, 0, 0, 0, inspection.Zone))
		w.found(heir, visit.Concluded, plan.Surprise, map[string]string{"A04": "0/1"})
		for id, want := range map[string]bool{whole.ID: true, part.ID: false} {
			v, err := w.Get(ctx, w.chair, id)
			w.must(err)
			if (v.Gap != nil) != want {
				t.Errorf("%s: %+v", v.OrganisationName, v.Gap)
			}
		}
		sum, err := w.Summary(ctx, w.chair, "2025-01-01", "2025-12-31")
		w.must(err)
		if sum.N != 1 || sum.Mean != score.Round(big.NewRat(300, 94)) {
			t.Errorf("%+v", sum)
		}
	})
}
