package summary_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/summary"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

// world is a made-up province with five communes, each a centre with a desk, and a
// neighbour. Its checks, scores and findings are written as they would stand.
type world struct {
	t         *testing.T
	db        *gorm.DB
	act       org.Act
	service   *summary.Service
	committee org.Organisation
	foreign   org.Organisation
	units     map[string]org.Organisation
	desks     map[string]org.Desk
	campaign  plan.Campaign
	team      plan.Team
	lists     [2]string
	person    string
	items     int
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// today is a Thursday.
var today = time.Date(2026, 11, 19, 9, 0, 0, 0, inspection.Zone)

func setUp(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	clock := inspection.NewManualClock(today)
	w := &world{t: t, db: db, act: org.Act{At: clock.Now()}, service: summary.New(db, clock), units: map[string]org.Organisation{}, desks: map[string]org.Desk{}}
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	orgs := org.New(db, clock)
	_, err := orgs.ImportUnits(ctx, boot, strings.NewReader("key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\nvn/mau,Tỉnh Mẫu,PROVINCE,vn,,\n"+
		"vn/mau/1,Xã 1,COMMUNE,vn/mau,,\nvn/mau/2,Xã 2,COMMUNE,vn/mau,,\nvn/mau/3,Xã 3,COMMUNE,vn/mau,,\nvn/mau/4,Xã 4,COMMUNE,vn/mau,,\nvn/mau/5,Xã 5,COMMUNE,vn/mau,,\nvn/khac,Tỉnh Khác,PROVINCE,vn,,\n"),
		strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false)
	w.must(err)
	_, err = orgs.ImportHours(ctx, boot, "vn", org.Seed("hours.csv"), false)
	w.must(err)
	place := func(key, name string, kind org.Kind) org.Organisation {
		u, err := org.UnitByKey(db, key)
		w.must(err)
		o, err := org.CreateOrganisation(db, w.act, org.Organisation{Name: name, Kind: kind, AdminUnitID: u.ID})
		w.must(err)
		return o
	}
	w.committee, w.foreign = place("vn/mau", "UBND Tỉnh Mẫu", org.PeoplesCommittee), place("vn/khac", "UBND Tỉnh Khác", org.PeoplesCommittee)
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		kind := org.ServiceCenterCommune
		if n == "4" {
			kind = org.ReceptionPoint
		}
		w.units[n] = place("vn/mau/"+n, "Trung tâm xã "+n, kind)
		d, err := org.CreateDesk(db, w.act, org.Desk{OrganisationID: w.units[n].ID, Name: "Một cửa"}) // all of one name
		w.must(err)
		w.desks[n] = d
	}
	_, err = org.CreateDesk(db, w.act, org.Desk{OrganisationID: w.units["5"].ID, Name: "Một cửa cũ", ValidTo: "2026-06-30"}) // gone: not counted
	w.must(err)
	p, err := org.CreatePerson(db, w.act, org.Person{Name: "Chủ tịch"})
	w.must(err)
	w.person = p.ID
	for i := range w.lists {
		w.lists[i] = inspection.NewID()
		w.must(db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at) VALUES (?, 'k', ?, 'x', 1)", w.lists[i], i+1).Error)
		for _, it := range []struct{ key, section string }{{"A1", "A"}, {"A2", "A"}, {"B1", "B"}} {
			w.items++
			w.must(db.Exec("INSERT INTO checklist_items (id, checklist_id, position, item_key, code, section, section_vi, text_vi, response, source, photo, severity, weight, applies_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'YN', 'ANSWER', 'NONE', 'MAJOR', 10, 'ALL')",
				inspection.NewID(), w.lists[i], w.items, it.key, it.key, it.section, "Mục "+it.section, "Nội dung "+it.key).Error)
		}
	}
	w.campaign, w.team = w.campaignOf(w.committee, "2026-01-01", "2026-12-31")
	return w
}

func (w *world) campaignOf(o org.Organisation, from, to inspection.Date) (plan.Campaign, plan.Team) {
	w.t.Helper()
	c := plan.Campaign{ID: inspection.NewID(), Title: "Đợt của " + o.Name, IssuerID: o.ID, DecisionNumber: "1", DecisionDate: from, PeriodFrom: from, PeriodTo: to,
		ChecklistID: &w.lists[0], CreatedAt: w.act.At}
	w.must(plan.CreateCampaign(w.db, c))
	team := plan.Team{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn"}
	w.must(plan.CreateTeam(w.db, team))
	return c, team
}

// marks are the shares that the three items of a check earned; "" did not apply.
type marks [3]string

// check writes a check; total -1 is one that has no score yet.
func (w *world) check(n string, withDesk bool, day inspection.Date, list int, total int64, rated bool, m marks) string {
	w.t.Helper()
	o, state := w.units[n], visit.Concluded
	if total < 0 {
		state = visit.Reported
	}
	v := visit.Visit{ID: inspection.NewID(), CampaignID: w.campaign.ID, TeamID: w.team.ID, LeadID: w.person, Form: plan.Surprise, OrganisationID: o.ID,
		OrganisationName: o.Name, OrganisationKind: o.Kind, IssuerID: w.committee.ID, DecisionNumber: "1", DecisionDate: "2026-01-01", ChecklistID: w.lists[list],
		State: state, Day: day, CheckedInAt: inspection.At(day.Time()), EndedAt: inspection.At(day.Time()), MinutesAt: inspection.At(day.Time()), Location: "UNKNOWN", Version: 1}
	if withDesk {
		d := w.desks[n]
		v.DeskID, v.DeskName = &d.ID, d.Name
	}
	target := plan.Target{ID: inspection.NewID(), CampaignID: v.CampaignID, TeamID: v.TeamID, LeadID: w.person, Form: v.Form, OrganisationID: o.ID, PlannedOn: day, State: plan.Started, Version: 1}
	w.must(w.db.Create(&target).Error)
	v.TargetID = target.ID
	w.must(w.db.Create(&v).Error)
	if total < 0 {
		return v.ID
	}
	id := inspection.NewID()
	w.must(w.db.Exec("INSERT INTO scores (id, visit_id, revision, checklist_id, rated, raw_hundredths, deductions, cap, total, grade, na_weight, frozen_at, frozen_by) VALUES (?, ?, 1, ?, ?, ?, 0, 10000, ?, ?, 0, 1, ?)",
		id, v.ID, w.lists[list], rated, total, total, string(score.GradeOf(score.Points(total))), w.person).Error)
	for i, key := range []string{"A1", "A2", "B1"} {
		applies, share := m[i] != "", m[i]
		if !applies {
			share = "0/1"
		}
		num, den, _ := strings.Cut(share, "/")
		w.must(w.db.Exec("INSERT INTO score_lines (score_id, item_key, item_code, section, weight, applicable, numerator, denominator) VALUES (?, ?, ?, ?, 10, ?, ?, ?)",
			id, key, key, key[:1], applies, num, den).Error)
	}
	return v.ID
}

// found writes a finding of a check.
func (w *world) found(check string, change func(*finding.Finding)) {
	w.t.Helper()
	var v visit.Visit
	w.must(w.db.Where("id = ?", check).Take(&v).Error)
	f := finding.Finding{ID: inspection.NewID(), VisitID: v.ID, CampaignID: v.CampaignID, TeamID: v.TeamID, IssuerID: v.IssuerID, OrganisationID: v.OrganisationID,
		OrganisationName: v.OrganisationName, ResponsibleID: v.OrganisationID, DeskID: v.DeskID, DeskName: v.DeskName, ItemKey: "A1", ItemCode: "A1", Section: "A",
		ItemText: "x", DefaultSeverity: finding.Major, Severity: finding.Major, Text: "x", State: finding.InRemediation, CheckEndedAt: v.CheckedInAt,
		RecordedAt: v.CheckedInAt, AssignedAt: v.CheckedInAt, DueStart: v.Day, DueDays: 10, Version: 1}
	change(&f)
	w.must(w.db.Create(&f).Error)
}

func (w *world) is(role inspection.Role, o org.Organisation) inspection.Actor {
	return inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: role, Organisation: o.ID}}}
}

// story is the made world, small enough to add up by hand:
//
//	desk 1  checked in October (70.00) and in November (90.00): the newest counts
//	desk 2  90.00, the same rank as desk 1
//	desk 3  60.00
//	desk 4  another kind of unit, 80.00: a cohort of its own
//	desk 5  found closed, so not checked; in the period before, 50.00
//	unit 3  checked once more without a desk, not yet concluded
//	unit 2  checked without a desk, too much not applicable to be rated
func (w *world) story() {
	w.check("5", true, "2026-08-10", 0, 5000, true, marks{"1/1", "0/1", "1/1"})
	w.check("1", true, "2026-10-05", 0, 7000, true, marks{"0/1", "1/1", "1/1"})
	one := w.check("1", true, "2026-11-03", 0, 9000, true, marks{"1/1", "1/2", "1/1"})
	two := w.check("2", true, "2026-11-04", 0, 9000, true, marks{"1/1", "1/1", ""})
	three := w.check("3", true, "2026-11-05", 0, 6000, true, marks{"0/1", "8/9", "1/1"})
	w.check("4", true, "2026-11-06", 0, 8000, true, marks{"1/1", "1/1", "1/1"})
	w.must(w.db.Exec("UPDATE visits SET could_not = TRUE WHERE id = ?", w.check("5", true, "2026-11-06", 0, -1, false, marks{})).Error)
	bare := w.check("3", false, "2026-11-09", 0, -1, false, marks{})
	unrated := w.check("2", false, "2026-11-10", 0, 4000, false, marks{"1/1", "", ""})

	due := func(on inspection.Date) func(*finding.Finding) { return func(f *finding.Finding) { f.DueOn = on } }
	w.found(one, due("2026-11-24"))         // due in three working days
	w.found(one, due("2026-11-25"))         // in four: not soon
	w.found(two, due("2026-11-18"))         // overdue by one
	w.found(three, due("2026-11-03"))       // overdue by twelve
	w.found(two, due("2026-11-04"))         // overdue by eleven, at a desk of the same name
	w.found(one, func(f *finding.Finding) { // handed in in time and waiting: not overdue, not counted
		f.State, f.DueOn, f.HandedInOn = finding.Submitted, "2026-11-10", "2026-11-10"
	})
	w.found(one, func(f *finding.Finding) { // remedied in time
		f.State, f.DueOn, f.HandedInOn, f.AcceptedAt, f.ClosedAt = finding.Verified, "2026-11-12", "2026-11-11", 1, 1
	})
	w.found(two, func(f *finding.Finding) { // remedied late
		f.State, f.DueOn, f.HandedInOn, f.AcceptedAt, f.ClosedAt = finding.Verified, "2026-11-12", "2026-11-13", 1, 1
	})
	w.found(two, func(f *finding.Finding) { // closed without remedy: late
		f.State, f.DueOn, f.ClosedAt = finding.ClosedNotFixed, "2026-11-12", 1
	})
	w.found(three, func(f *finding.Finding) { // put right on the spot: on time on the day of the check
		f.State, f.FixedOnSite, f.AssignedAt, f.DueStart, f.DueDays, f.ClosedAt = finding.Verified, true, 0, "", 0, 1
	})
	w.found(three, func(f *finding.Finding) { f.State, f.AssignedAt = finding.Withdrawn, 0 })
	w.found(bare, func(f *finding.Finding) { f.State, f.AssignedAt = finding.Recorded, 0 })
	w.found(unrated, func(f *finding.Finding) { f.State, f.AssignedAt = finding.Recorded, 0 })
	w.found(unrated, func(f *finding.Finding) { f.State, f.AssignedAt = finding.Explained, 0 })

	past, _ := w.campaignOf(w.committee, "2024-01-01", "2024-03-31")
	w.must(plan.CreateCount(w.db, plan.Count{ID: inspection.NewID(), CampaignID: past.ID, Counted: plan.UnitChecks, Quantity: 19, Source: "Báo cáo quý I/2024"}))
	other, _ := w.campaignOf(w.foreign, "2024-01-01", "2024-03-31")
	w.must(plan.CreateCount(w.db, plan.Count{ID: inspection.NewID(), CampaignID: other.ID, Counted: plan.UnitChecks, Quantity: 7, Source: "x"}))
}

func TestTheChairsPageAddsUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		w.story()
		o, err := w.service.Overview(ctx, w.is(inspection.Chairperson, w.committee), "2026-10-01", "2026-11-30")
		w.must(err)
		equal := func(what string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		equal("desks", o.Desks, 5)
		equal("checked", o.Checked, 4)
		equal("unchecked", len(o.Unchecked) == 1 && o.Unchecked[0].ID == w.desks["5"].ID, true)
		equal("concluded", o.Concluded, 6)
		// 90 + 90 + 60 + 80 = 320 of four; the first check of desk 1 is no longer its score.
		equal("mean", o.Mean, int64(8000))
		equal("n", o.Scored, 4)
		equal("mean before", o.MeanBefore, int64(5000))

		type place struct{ rank, open, overdue int }
		want := map[string]place{"1": {1, 3, 0}, "2": {1, 2, 2}, "3": {3, 1, 1}, "4": {1, 0, 0}}
		byDesk, bare := map[string]summary.Row{}, []summary.Row{}
		for _, r := range o.Rows {
			if r.ID == "" {
				bare = append(bare, r)
			}
			byDesk[r.ID] = r
		}
		for n, p := range want {
			r := byDesk[w.desks[n].ID]
			equal("desk "+n, place{r.Rank, int(r.Open), int(r.Overdue)}, p)
		}
		equal("rows", len(o.Rows), 7)
		equal("best first", o.Rows[0].Total == 9000 && o.Rows[1].Total == 9000 && o.Rows[2].Total == 8000 && o.Rows[3].Total == 6000, true)
		equal("checks without a desk", len(bare), 2)
		for _, r := range bare {
			equal("no rank without a rating", r.Rank, 0)
			if open := map[string]int64{w.units["3"].Name: 1, w.units["2"].Name: 2}[r.Organisation]; r.Open != open {
				t.Errorf("%s without a desk: %d open, want %d", r.Organisation, r.Open, open)
			}
		}
		if r := byDesk[w.desks["1"].ID]; !r.HasBefore || r.Change != 2000 || r.Grade != "EXCELLENT" || r.Day != "2026-11-03" || r.Sections["A"] != 7500 || r.Sections["B"] != 10000 {
			t.Errorf("%+v", r)
		}
		if r := byDesk[w.desks["2"].ID]; r.HasBefore || r.Sections["A"] != 10000 {
			t.Errorf("%+v", r)
		}
		if r := byDesk[w.desks["3"].ID]; r.Sections["A"] != 4444 { // (0 + 8/9) · 10 of 20
			t.Errorf("%+v", r)
		}

		// Open are 6 with a term (one of them in review) and 3 not yet decided.
		equal("open", o.Open, int64(9))
		equal("due soon", o.DueSoon, int64(1))
		equal("overdue", o.Overdue, int64(3))
		equal("desks long overdue", o.LongOverdue, 2)
		// Fell due by today: 3 overdue, 1 in time, 1 late, 1 closed, 1 put right on the spot.
		equal("on time", o.OnTime, score.Share{Part: 2, Of: 7})
		equal("on-time share", o.OnTimeShare, int64(2857))

		// A1 fell short in 2 of 6 checks, A2 in 2 of 5 (1/2 and 1/9 lost), B1 in none of 4.
		if len(o.Worst) != 2 || o.Worst[0].Key != "A2" || o.Worst[0].Failed != 2 || o.Worst[0].Asked != 5 || o.Worst[0].Lost != 611 ||
			o.Worst[1].Key != "A1" || o.Worst[1].Failed != 2 || o.Worst[1].Asked != 6 || o.Worst[1].Lost != 2000 {
			t.Errorf("%+v", o.Worst)
		}
		if len(o.Months) != 2 || o.Months[0] != (summary.Month{Month: "2026-10", Mean: 7000, N: 1}) || o.Months[1] != (summary.Month{Month: "2026-11", Mean: 8000, N: 4}) {
			t.Errorf("%+v", o.Months)
		}
		// What is known by count only stands apart: it is no desk checked.
		if len(o.Recorded) != 1 || o.Recorded[0].Quantity != 19 || o.Recorded[0].Issuer != w.committee.Name {
			t.Errorf("%+v", o.Recorded)
		}
	})
}

func TestTheChairsPageIsForWhoLeadsTheIssuer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		w.story()
		for _, a := range []inspection.Actor{w.is(inspection.UnitHead, w.units["1"]), w.is(inspection.UnitContact, w.units["1"]), w.is(inspection.SysAdmin, w.committee),
			w.is(inspection.GuestPress, w.committee), {Person: "x", Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: w.committee.ID, Team: w.team.ID}}}, {}} {
			_, err := w.service.Overview(ctx, a, "2026-10-01", "2026-11-30")
			if inspection.CodeOf(err) != inspection.NotFound {
				t.Errorf("%+v: %v", a.Capacities, err)
			}
		}
		for _, role := range []inspection.Role{inspection.Chairperson, inspection.ViceChairperson, inspection.ChiefOfOffice, inspection.HomeAffairs} {
			o, err := w.service.Overview(ctx, w.is(role, w.committee), "2026-10-01", "2026-11-30")
			if err != nil || o.Desks != 5 || o.Scored != 4 {
				t.Errorf("%s: %+v %v", role, o, err)
			}
		}
		o, err := w.service.Overview(ctx, w.is(inspection.Chairperson, w.foreign), "2026-10-01", "2026-11-30")
		w.must(err)
		if o.Desks != 0 || len(o.Rows) != 0 || o.Open != 0 || o.Mean != -1 || o.OnTimeShare != -1 || len(o.Worst) != 0 || len(o.Recorded) != 1 || o.Recorded[0].Quantity != 7 {
			t.Errorf("the chair of another province sees %+v", o)
		}
	})
}

func TestTheOverviewOfAnIssuerThatWentIntoAnotherIsItsHeirs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		w.story()
		own, err := w.service.Overview(ctx, w.is(inspection.Chairperson, w.committee), "2026-10-01", "2026-11-30")
		w.must(err)
		heir := w.is(inspection.Chairperson, w.foreign)
		heir.Capacities[0].Former = []string{w.committee.ID}
		o, err := w.service.Overview(ctx, heir, "2026-10-01", "2026-11-30")
		w.must(err)
		if o.Desks != own.Desks || o.Open != own.Open || o.Mean != own.Mean || o.Concluded != own.Concluded || len(o.Rows) != len(own.Rows) || len(o.Recorded) != 2 {
			t.Errorf("the heir's chair sees %+v", o)
		}
		b, err := w.service.Behind(ctx, heir, "2026-10-01", "2026-11-30", summary.FigureChecked)
		if err != nil || len(b.IDs) != o.Checked {
			t.Errorf("%d checks behind the figure %d, %v", len(b.IDs), o.Checked, err)
		}
	})
}

func TestAnEmptyPeriodDividesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		o, err := w.service.Overview(ctx, w.is(inspection.Chairperson, w.committee), "2026-10-01", "2026-11-30")
		w.must(err)
		if o.Desks != 5 || o.Checked != 0 || o.Mean != -1 || o.MeanBefore != -1 || o.OnTimeShare != -1 || len(o.Unchecked) != 5 || len(o.Rows) != 0 {
			t.Errorf("%+v", o)
		}
	})
}

// TestVersionsOfTheChecklistAreRankedApart: a new version in mid-period makes a cohort
// of its own.
func TestVersionsOfTheChecklistAreRankedApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		all := marks{"1/1", "1/1", "1/1"}
		w.check("1", true, "2026-11-02", 0, 9500, true, all)
		w.check("2", true, "2026-11-03", 0, 9000, true, all)
		w.check("3", true, "2026-11-04", 1, 8000, true, all)
		w.check("5", true, "2026-11-05", 1, 7000, true, all)
		o, err := w.service.Overview(ctx, w.is(inspection.Chairperson, w.committee), "2026-10-01", "2026-11-30")
		w.must(err)
		var ranks []int
		for _, r := range o.Rows {
			ranks = append(ranks, r.Rank)
		}
		if len(ranks) != 4 || ranks[0] != 1 || ranks[1] != 2 || ranks[2] != 1 || ranks[3] != 2 {
			t.Errorf("%v", ranks)
		}
	})
}

// TestADeskThatWentOnUnderANewNameIsCountedOnce, named as it is now, with what was found
// there before.
func TestADeskThatWentOnUnderANewNameIsCountedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		w.story()
		chair := w.is(inspection.Chairperson, w.committee)
		before, err := w.service.Overview(ctx, chair, "2026-10-01", "2026-11-30")
		w.must(err)
		old := w.desks["1"]
		unit, err := org.OrganisationByID(db, old.OrganisationID)
		w.must(err)
		boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		_, err = org.New(db, inspection.NewManualClock(today)).Reorganise(ctx, boot, org.Reorganisation{Organisation: unit.ID, ID: inspection.NewID(), Version: unit.Version,
			Relation: org.Renamed, Name: "Tên mới", On: inspection.At(today).Date(), LegalAct: "QĐ"})
		w.must(err)
		var heir string
		w.must(db.Raw("SELECT id FROM desks WHERE predecessor_id = ?", old.ID).Scan(&heir).Error)
		after, err := w.service.Overview(ctx, chair, "2026-10-01", "2026-11-30")
		w.must(err)
		if after.Desks != before.Desks || after.Checked != before.Checked || len(after.Unchecked) != len(before.Unchecked) || after.Mean != before.Mean || after.Open != before.Open {
			t.Errorf("%d of %d, then %d of %d", before.Checked, before.Desks, after.Checked, after.Desks)
		}
		rows := map[string]summary.Row{}
		for _, r := range after.Rows {
			rows[r.ID] = r
		}
		if r, ok := rows[heir]; !ok || r.Organisation != "Tên mới" || r.Open != 3 {
			t.Errorf("%+v", r)
		}
		if _, twice := rows[old.ID]; twice {
			t.Error("it stands there under its old name too")
		}
		lines, _, err := finding.New(db, inspection.NewManualClock(today), nil).List(ctx, chair, finding.Filter{Desk: heir}, inspection.Page{})
		if err != nil || len(lines) != 4 {
			t.Errorf("%d findings lie behind it, %v", len(lines), err)
		}
		b, err := w.service.Behind(ctx, chair, "2026-10-01", "2026-11-30", summary.FigureChecked)
		if err != nil || len(b.IDs) != after.Checked {
			t.Errorf("%d checks lie behind %d, %v", len(b.IDs), after.Checked, err)
		}
	})
}
