package plan

import (
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// became reorganises an organisation as the administrator does, and returns its heir.
func (w *world) became(o org.Organisation, relation org.Relation, name, successor string, on inspection.Date) string {
	w.t.Helper()
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	now, err := org.OrganisationByID(w.db, o.ID)
	w.must(err)
	heir, err := org.New(w.db, w.clock).Reorganise(ctx, boot, org.Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: now.Version,
		Relation: relation, Name: name, Successor: successor, On: on, LegalAct: "QĐ 9", Desks: true})
	w.must(err)
	return heir
}

func TestWhatACampaignIsAboutFollowsItsHeirs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		places := org.New(db, o.clock)
		keys := []string{org.Place{OrganisationID: o.unit.ID}.Key(), org.Place{OrganisationID: o.far.ID, DeskID: o.desk.ID}.Key()}
		_, err := o.AddPlaces(ctx, o.officer, o.campaign.ID, keys)
		o.must(err)
		renamed, moved := o.became(o.unit, org.Renamed, "Trung tâm phường Mẫu", "", "2026-04-01"), o.became(o.far, org.Renamed, "Trung tâm phường Xa", "", "2026-04-01")
		var desk org.Desk
		o.must(db.Where("predecessor_id = ?", o.desk.ID).Take(&desk).Error)
		offered := func(on inspection.Date) map[string]bool {
			t.Helper()
			list, err := o.PlacesToVisit(ctx, o.lead, places, o.team.ID, "", on, inspection.Page{})
			o.must(err)
			out := map[string]bool{}
			for _, p := range list {
				out[p.Key()] = true
			}
			return out
		}
		heirs := []string{org.Place{OrganisationID: renamed}.Key(), org.Place{OrganisationID: moved, DeskID: desk.ID}.Key()}
		for day, want := range map[inspection.Date][]string{"2026-03-31": keys, "2026-04-01": heirs} {
			if got := offered(day); len(got) != 2 || !got[want[0]] || !got[want[1]] {
				t.Errorf("%s: offered %v, want %v", day, got, want)
			}
		}
		// What is offered is taken, and nothing else.
		seal := func(organisation string, desk *string) error {
			n := o.fresh()
			n.OrganisationID, n.DeskID, n.PlannedOn = organisation, desk, "2026-04-02"
			_, err := o.Seal(ctx, o.lead, n)
			return err
		}
		o.must(seal(renamed, nil))
		o.must(seal(moved, &desk.ID))
		is(t, seal(moved, nil), inspection.Invalid, "plan.error.not_in_scope")
		is(t, seal(o.unit.ID, nil), inspection.Invalid, "error.invalid")
		// A desk that goes to another unit is what the campaign is about; that unit is not.
		other := o.became(org.Organisation{ID: moved}, org.MergedInto, "", renamed, "2026-05-01")
		if got := offered("2026-05-01"); len(got) != 1 || other != renamed { // all of the unit, its new desk with it
			t.Errorf("after the merger: %v", got)
		}
	})
}

func TestACheckIsOfWhoStandsForTheUnitOnItsDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		sealed := func(o org.Organisation, desk *string) Target {
			t.Helper()
			n := w.fresh()
			n.OrganisationID, n.DeskID, n.PlannedOn = o.ID, desk, "2026-03-31"
			target, err := w.Seal(ctx, w.lead, n)
			w.must(err)
			return target
		}
		unit, desk, split, merged := sealed(w.unit, nil), sealed(w.far, &w.desk.ID), sealed(w.far, nil), sealed(w.unit, nil)
		boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		orgs := org.New(db, w.clock)
		renamed := w.became(w.unit, org.Renamed, "Trung tâm phường Mẫu", "", "2026-04-01")
		moved, err := orgs.MoveDesk(ctx, boot, org.Move{Desk: w.desk.ID, ID: inspection.NewID(), Version: 1, OrganisationID: renamed, From: "2026-04-01", Reason: "Chuyển quầy"})
		w.must(err)
		w.must(orgs.End(ctx, boot, "organisation", w.far.ID, 1, "2026-03-31", "Giải thể"))
		w.clock.Set(inspection.Date("2026-04-01").Time().Add(9 * 3600e9))

		sheet, err := w.Sheet(ctx, w.lead, unit.ID)
		if err != nil || sheet.Gone || sheet.Became != "Trung tâm phường Mẫu" {
			t.Errorf("the lead is told %v %q, %v", sheet.Gone, sheet.Became, err)
		}
		if sheet, err = w.Sheet(ctx, w.lead, split.ID); err != nil || !sheet.Gone {
			t.Errorf("of what is no more the lead is told %v, %v", sheet.Gone, err)
		}
		take := func(target Target) (taken Taken, err error) {
			err = db.Transaction(func(tx *gorm.DB) error { taken, err = Take(tx, w.lead, target.ID, w.clock.Now()); return err })
			return taken, err
		}
		got, err := take(unit)
		if err != nil || got.Target.OrganisationID != renamed {
			t.Errorf("the check is of %s, %v", got.Target.OrganisationID, err)
		}
		got, err = take(desk)
		if err != nil || got.Target.OrganisationID != renamed || *got.Target.DeskID != moved.ID {
			t.Errorf("the check of the desk is of %+v, %v", got.Target, err)
		}
		_, err = take(split)
		is(t, err, inspection.Conflict, "plan.error.place_gone")
		w.must(w.Move(ctx, w.lead, merged.ID, 1, Moved{PlannedOn: "2026-04-02"}, "dời ngày")) // what goes on under another name can be moved
		var row Target
		w.must(db.Where("id = ?", unit.ID).Take(&row).Error)
		if row.OrganisationID != renamed || row.State != Started {
			t.Errorf("the plan says %+v", row)
		}
	})
}

func TestNobodyInspectsWhatTheirUnitCameFromOrWentInto(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		n := w.fresh()
		n.PlannedOn = "2026-03-31"
		target, err := w.Seal(ctx, w.lead, n)
		w.must(err)
		heir := w.became(w.unit, org.MergedInto, "", w.far.ID, "2026-04-01")
		far := org.Organisation{ID: heir}
		w.grant(w.member.Person, inspection.UnitContact, far, "", "2026-03-01", "2026-03-02") // held once in what the unit goes into
		is(t, w.Open(ctx, w.lead, target.ID, w.member.Person, false), inspection.Conflict, "plan.error.conflict_of_interest")
		w.grant(w.lead.Person, inspection.UnitContact, w.whole, "", "2021-01-01", "2022-01-01") // and in what had gone into the unit
		w.clock.Set(inspection.Date("2026-04-01").Time().Add(9 * 3600e9))
		err = db.Transaction(func(tx *gorm.DB) error { _, err := Take(tx, w.lead, target.ID, w.clock.Now()); return err })
		is(t, err, inspection.Conflict, "plan.error.conflict_of_interest")
	})
}

// communes are two communes' own places, side by side in the province: the people's
// committee of the one and a centre of the other.
func (o *office) communes() (issuer, elsewhere org.Organisation) {
	o.t.Helper()
	place := func(name string, kind org.Kind) org.Organisation {
		vn, err := org.UnitByKey(o.db, "vn")
		o.must(err)
		u := org.Unit{ID: inspection.NewID(), Key: "vn/" + inspection.NewID(), Name: name, Type: "COMMUNE", ParentID: &vn.ID, Version: 1}
		o.must(o.db.Create(&u).Error)
		x, err := org.CreateOrganisation(o.db, o.act(), org.Organisation{Name: name, Kind: kind, AdminUnitID: u.ID})
		o.must(err)
		return x
	}
	return place("Ủy ban nhân dân xã Một", org.PeoplesCommittee), place("Trung tâm xã Hai", org.ServiceCenterCommune)
}

// own makes a campaign of an issuer with a team of two, and returns the team and its
// lead's actor of a moment.
func (o *office) own(issuer org.Organisation) (Campaign, Team, func() inspection.Actor) {
	o.t.Helper()
	chair, lead := o.person("Chủ tịch xã Một"), o.person("Trưởng đoàn xã Một")
	o.grant(chair, inspection.Chairperson, issuer, "", "2026-01-01", "")
	c := Campaign{ID: inspection.NewID(), Title: "Xã Một tự kiểm tra", IssuerID: issuer.ID, DecisionNumber: "1/QĐ-UBND", DecisionDate: "2026-02-10",
		DecidedBy: &chair, PeriodFrom: "2026-02-01", PeriodTo: "2026-12-31", ChecklistID: &o.list, CreatedAt: o.clock.Now()}
	o.must(CreateCampaign(o.db, c))
	team := Team{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn xã Một"}
	o.must(CreateTeam(o.db, team))
	o.grant(lead, inspection.TeamLead, issuer, team.ID, "2026-02-10", "")
	o.grant(o.person("Thành viên xã Một"), inspection.Inspector, issuer, team.ID, "2026-02-10", "")
	return c, team, func() inspection.Actor {
		held, err := org.CapacitiesOf(o.db, lead, o.clock.Now().Date())
		o.must(err)
		return inspection.Actor{Person: lead, Name: "Trưởng đoàn xã Một", Capacities: held}
	}
}

func TestAnIssuersAreaBecomesItsHeirsOnTheDayOfTheMergerAndNoDaySooner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		issuer, elsewhere := o.communes()
		c, team, lead := o.own(issuer)
		places := org.New(db, o.clock)
		o.became(issuer, org.MergedInto, "", o.committee.ID, "2026-06-01")
		seal := func(on inspection.Date) error {
			_, err := o.Seal(ctx, lead(), NewTarget{ID: inspection.NewID(), TeamID: team.ID, LeadID: lead().Person, Form: Surprise,
				OrganisationID: elsewhere.ID, PlannedOn: on, PlannedAt: 480})
			return err
		}
		offered := func(on inspection.Date) bool {
			t.Helper()
			list, err := o.PlacesToVisit(ctx, lead(), places, team.ID, "xã Hai", on, inspection.Page{})
			o.must(err)
			return len(list) > 0
		}
		is(t, seal("2026-03-03"), inspection.Invalid, "plan.error.not_in_area")
		is(t, seal("2026-05-31"), inspection.Invalid, "plan.error.not_in_area")
		o.must(seal("2026-06-01")) // planned ahead
		if offered("2026-05-31") || !offered("2026-06-01") {
			t.Error("what is offered for a day is not what may be planned for it")
		}
		near := func(on inspection.Date) (n int64) {
			t.Helper()
			scope, err := c.near(db, on)
			o.must(err)
			o.must(db.Model(&org.Person{}).Scopes(scope).Where("people.id = ?", o.chair.Person).Count(&n).Error)
			return n
		}
		if near(o.clock.Now().Date()) != 0 || near("2026-06-01") != 1 {
			t.Error("the heir's people are near before the merger, or not after it")
		}
		is(t, c.holds(db, elsewhere.ID, nil, o.clock.Now().Date()), inspection.Invalid, "plan.error.not_in_area")
		o.must(c.holds(db, elsewhere.ID, nil, "2026-06-01"))
	})
}

func TestWhatWasFoundIsInspectedAgainWhereverItsUnitWent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		issuer, elsewhere := o.communes()
		_, team, lead := o.own(issuer)
		unit, err := org.CreateOrganisation(db, o.act(), org.Organisation{Name: "Trung tâm xã Một", Kind: org.ServiceCenterCommune, AdminUnitID: issuer.AdminUnitID})
		o.must(err)
		check := inspection.NewID()
		again := func(organisation string) (Target, error) {
			return o.Seal(ctx, lead(), NewTarget{ID: inspection.NewID(), TeamID: team.ID, LeadID: lead().Person, Form: Reinspection, OrganisationID: organisation,
				PlannedOn: "2026-03-10", PlannedAt: 480, Reinspects: &check, Findings: []string{inspection.NewID()}})
		}
		sealed, err := again(unit.ID)
		o.must(err)
		o.became(unit, org.MergedInto, "", elsewhere.ID, "2026-03-05")
		o.clock.Set(inspection.Date("2026-03-10").Time().Add(9 * 3600e9))
		sheet, err := o.Sheet(ctx, lead(), sealed.ID)
		if err != nil || sheet.Gone || sheet.Became != "Trung tâm xã Hai" {
			t.Errorf("the lead is told %v %q, %v", sheet.Gone, sheet.Became, err)
		}
		var taken Taken
		o.must(db.Transaction(func(tx *gorm.DB) error { taken, err = Take(tx, lead(), sealed.ID, o.clock.Now()); return err }))
		if taken.Target.OrganisationID != elsewhere.ID {
			t.Errorf("the check is of %s", taken.Target.OrganisationID)
		}
		_, err = again(elsewhere.ID)
		o.must(err)
		_, err = o.Seal(ctx, lead(), NewTarget{ID: inspection.NewID(), TeamID: team.ID, LeadID: lead().Person, Form: Surprise, OrganisationID: elsewhere.ID, PlannedOn: "2026-03-11", PlannedAt: 480})
		is(t, err, inspection.Invalid, "plan.error.not_in_area")
	})
}

// TestALeadGainsNothingWhereTheirIssuerWasMerged: the team works on, but what its issuer
// went into is another issuer.
func TestALeadGainsNothingWhereTheirIssuerWasMerged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		commune, err := org.CreateOrganisation(db, o.act(), org.Organisation{Name: "UBND xã 1", Kind: org.PeoplesCommittee, AdminUnitID: o.committee.AdminUnitID})
		o.must(err)
		chair, lead := o.person("Chủ tịch xã 1"), o.person("Trưởng đoàn xã 1")
		o.grant(chair, inspection.Chairperson, commune, "", "2026-01-01", "")
		c := Campaign{ID: inspection.NewID(), Title: "Xã 1 tự kiểm tra", IssuerID: commune.ID, DecisionNumber: "1/QĐ", DecisionDate: "2026-02-10",
			DecidedBy: &chair, PeriodFrom: "2026-02-01", PeriodTo: "2026-12-31", ChecklistID: &o.list, CreatedAt: o.clock.Now()}
		o.must(CreateCampaign(db, c))
		team := Team{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn xã 1"}
		o.must(CreateTeam(db, team))
		o.grant(lead, inspection.TeamLead, commune, team.ID, "2026-02-10", "")
		as := func() inspection.Actor {
			held, err := org.CapacitiesOf(db, lead, o.clock.Now().Date())
			o.must(err)
			return inspection.Actor{Person: lead, Capacities: held}
		}
		if _, err := o.Create(ctx, as(), o.paper()); inspection.CodeOf(err) != inspection.NotFound {
			t.Fatal(err)
		}
		o.became(commune, org.MergedInto, "", o.committee.ID, "2026-03-03")
		o.clock.Set(inspection.Date("2026-03-03").Time().Add(9 * time.Hour))
		if _, err := o.Create(ctx, as(), o.paper()); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("a lead of a commune's team issues for what the commune went into: %v", err)
		}
		list, _, err := o.Campaigns(ctx, as(), Filter{}, inspection.Page{})
		if err != nil || len(list) != 1 || list[0].ID != c.ID {
			t.Errorf("%d campaigns, %v", len(list), err)
		}
	})
}
