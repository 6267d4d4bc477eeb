package plan

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

// world is a committee with a team of three, a commune centre that others went into,
// and another centre with a desk.
type world struct {
	*Service
	t                                        *testing.T
	db                                       *gorm.DB
	clock                                    *inspection.ManualClock
	committee, unit, whole, older, part, far org.Organisation
	desk                                     org.Desk
	campaign                                 Campaign
	team                                     Team
	lead, deputy, member                     inspection.Actor
}

func setUp(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	clock := inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
	w := &world{Service: New(db, clock, &checks{}), t: t, db: db, clock: clock}
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	_, err := org.New(db, clock).ImportUnits(ctx, boot, strings.NewReader("key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\n"),
		strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false)
	w.must(err)
	country, err := org.UnitByKey(db, "vn")
	w.must(err)
	place := func(name string, kind org.Kind, from, to inspection.Date) org.Organisation {
		o, err := org.CreateOrganisation(db, w.act(), org.Organisation{Name: name, Kind: kind, AdminUnitID: country.ID, ValidFrom: from, ValidTo: to})
		w.must(err)
		return o
	}
	w.committee = place("Ủy ban nhân dân Tỉnh Mẫu", org.PeoplesCommittee, "", "")
	w.unit = place("Trung tâm xã Mẫu", org.ServiceCenterCommune, "2025-07-01", "")
	w.whole = place("Một cửa xã Mẫu cũ", org.ReceptionPoint, "2020-01-01", "2025-06-30")
	w.older = place("Một cửa xã Mẫu xưa", org.ReceptionPoint, "", "2019-12-31")
	w.part = place("Một cửa xã Bên", org.ReceptionPoint, "", "2025-06-30")
	w.far = place("Trung tâm xã Xa", org.ServiceCenterCommune, "", "")
	for _, l := range []org.Lineage{
		{PredecessorID: w.whole.ID, SuccessorID: &w.unit.ID, Relation: org.MergedInto, Portion: org.Whole, EffectiveDate: "2025-07-01"},
		{PredecessorID: w.older.ID, SuccessorID: &w.whole.ID, Relation: org.Renamed, Portion: org.Whole, EffectiveDate: "2020-01-01"},
		{PredecessorID: w.part.ID, SuccessorID: &w.unit.ID, Relation: org.SplitInto, Portion: org.Part, EffectiveDate: "2025-07-01"},
	} {
		_, err := org.CreateLineage(db, w.act(), l)
		w.must(err)
	}
	w.desk, err = org.CreateDesk(db, w.act(), org.Desk{OrganisationID: w.far.ID, Name: "Một cửa xã Xa"})
	w.must(err)
	chair := w.person("Chủ tịch")
	list := inspection.NewID()
	w.must(db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at) VALUES (?, 'k', 1, 'x', 1)", list).Error)
	w.campaign = Campaign{ID: inspection.NewID(), Title: "Kiểm tra 2026", IssuerID: w.committee.ID, DecisionNumber: "12/QĐ-UBND", DecisionDate: "2026-02-10",
		DecidedBy: &chair, PeriodFrom: "2026-02-01", PeriodTo: "2026-12-31", ChecklistID: &list, CreatedAt: clock.Now()}
	w.must(CreateCampaign(db, w.campaign))
	w.team = Team{ID: inspection.NewID(), CampaignID: w.campaign.ID, Name: "Đoàn số 1"}
	w.must(CreateTeam(db, w.team))
	w.lead, w.deputy, w.member = w.joined("Trưởng đoàn", inspection.TeamLead), w.joined("Phó đoàn", inspection.DeputyLead), w.joined("Thành viên", inspection.Inspector)
	return w
}

func (w *world) act() org.Act { return org.Act{At: w.clock.Now()} }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(name string) string {
	w.t.Helper()
	p, err := org.CreatePerson(w.db, w.act(), org.Person{Name: name})
	w.must(err)
	return p.ID
}

func (w *world) grant(person string, role inspection.Role, o org.Organisation, team string, from, to inspection.Date) {
	w.t.Helper()
	row := org.RoleRow{PersonID: person, Role: role, OrganisationID: &o.ID, ValidFrom: from, ValidTo: to}
	if team != "" {
		row.TeamID = &team
	}
	_, err := org.Grant(w.db, w.act(), row)
	w.must(err)
}

func (w *world) joined(name string, role inspection.Role) inspection.Actor {
	w.t.Helper()
	id := w.person(name)
	w.grant(id, role, w.committee, w.team.ID, "2026-02-10", "")
	return inspection.Actor{Person: id, Name: name, Capacities: []inspection.Capacity{{Role: role, Organisation: w.committee.ID, Team: w.team.ID}}}
}

func (w *world) fresh() NewTarget {
	return NewTarget{ID: inspection.NewID(), TeamID: w.team.ID, LeadID: w.lead.Person, Form: Surprise, OrganisationID: w.unit.ID, PlannedOn: "2026-03-03", PlannedAt: 480}
}

func (w *world) targets() (n int64) {
	w.t.Helper()
	w.must(w.db.Table("targets").Count(&n).Error)
	return n
}

func is(t *testing.T, err error, code inspection.Code, key string) {
	t.Helper()
	var e *inspection.Error
	if !errors.As(err, &e) || e.Code != code || e.Key != key {
		t.Errorf("%v, want %s: %s", err, code, key)
	}
}

func TestNobodyInspectsWhereTheyBelonged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		for _, c := range []struct {
			what     string
			in       func(*world) org.Organisation
			from, to inspection.Date
			conflict bool
		}{
			{"holds a role there", func(w *world) org.Organisation { return w.unit }, "", "", true},
			{"held one there", func(w *world) org.Organisation { return w.unit }, "2025-07-01", "2025-09-30", true},
			{"held one in what went into it as a whole", func(w *world) org.Organisation { return w.whole }, "2021-01-01", "2022-01-01", true},
			{"held one two generations back", func(w *world) org.Organisation { return w.older }, "2015-01-01", "2016-01-01", true},
			{"held one in what a part of went into it", func(w *world) org.Organisation { return w.part }, "2021-01-01", "2022-01-01", false},
			{"holds one elsewhere", func(w *world) org.Organisation { return w.far }, "", "", false},
		} {
			t.Run(c.what, func(t *testing.T) {
				w := reuse(t, db)
				w.grant(w.member.Person, inspection.UnitContact, c.in(w), "", c.from, c.to)
				n := w.fresh()
				n.OpenTo = []Opening{{PersonID: w.member.Person}}
				_, err := w.Seal(ctx, w.lead, n)
				if c.conflict {
					is(t, err, inspection.Conflict, "plan.error.conflict_of_interest")
					if w.targets() != 0 {
						t.Error("a target stayed")
					}
					n.OpenTo = nil // a member who is not told does not matter
					_, err = w.Seal(ctx, w.lead, n)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// reuse empties a database of what setUp makes and makes it anew.
func reuse(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	for _, table := range []string{"target_openings", "target_findings", "targets", "person_roles", "teams", "campaigns", "checklists", "people", "desks",
		"organisation_lineage", "organisations", "admin_units"} {
		if err := db.Exec("DELETE FROM " + table).Error; err != nil {
			t.Fatal(err)
		}
	}
	return setUp(t, db)
}

func TestWhatCannotBeSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		stranger := w.person("Người ngoài")
		for _, c := range []struct {
			what   string
			change func(*NewTarget)
			code   inspection.Code
			key    string
		}{
			{"no id", func(n *NewTarget) { n.ID = "1" }, inspection.Invalid, "error.id"},
			{"another team", func(n *NewTarget) { n.TeamID = inspection.NewID() }, inspection.NotFound, "error.not_found"},
			{"before the period", func(n *NewTarget) { n.PlannedOn = "2026-01-31" }, inspection.Invalid, "plan.error.outside_period"},
			{"after the period", func(n *NewTarget) { n.PlannedOn = "2027-01-01" }, inspection.Invalid, "plan.error.outside_period"},
			{"before the decision", func(n *NewTarget) { n.PlannedOn = "2026-02-09" }, inspection.Invalid, "plan.error.before_decision"},
			{"a lead from outside", func(n *NewTarget) { n.LeadID = stranger }, inspection.Invalid, "plan.error.lead_not_member"},
			{"opened to somebody from outside", func(n *NewTarget) { n.OpenTo = []Opening{{PersonID: stranger}} }, inspection.Invalid, "plan.error.not_member"},
			{"a re-inspection of nothing", func(n *NewTarget) { n.Form = Reinspection }, inspection.Invalid, "plan.error.no_findings"},
			{"the desk of another unit", func(n *NewTarget) { n.DeskID = &w.desk.ID }, inspection.Invalid, "error.invalid"},
			{"no such desk", func(n *NewTarget) { id := inspection.NewID(); n.DeskID = &id }, inspection.Invalid, "error.invalid"},
			{"no such unit", func(n *NewTarget) { n.OrganisationID = inspection.NewID() }, inspection.Invalid, "error.invalid"},
			{"a unit that is gone", func(n *NewTarget) { n.OrganisationID = w.part.ID }, inspection.Invalid, "error.invalid"},
			{"no such form", func(n *NewTarget) { n.Form = "PICNIC" }, inspection.Invalid, "error.invalid"},
		} {
			n := w.fresh()
			c.change(&n)
			_, err := w.Seal(ctx, w.lead, n)
			t.Run(c.what, func(t *testing.T) { is(t, err, c.code, c.key) })
		}
		for _, a := range []inspection.Actor{w.member, {Person: *w.campaign.DecidedBy, Capacities: []inspection.Capacity{{Role: inspection.Chairperson, Organisation: w.committee.ID}}}, {}} {
			_, err := w.Seal(ctx, a, w.fresh())
			is(t, err, inspection.NotFound, "error.not_found")
		}
		w.must(db.Exec("UPDATE campaigns SET decision_number = ''").Error)
		_, err := w.Seal(ctx, w.lead, w.fresh())
		is(t, err, inspection.Invalid, "plan.error.no_decision")
		w.must(db.Exec("UPDATE campaigns SET decision_number = '12'").Error)
		w.must(db.Exec("UPDATE person_roles SET valid_to = '2026-03-02' WHERE person_id <> ?", w.lead.Person).Error)
		_, err = w.Seal(ctx, w.lead, w.fresh())
		is(t, err, inspection.Invalid, "plan.error.too_few_members")
		if n := w.targets(); n != 0 {
			t.Errorf("%d targets", n)
		}
		var n int64
		w.must(db.Table("history").Where("subject_kind = 'target'").Count(&n).Error)
		if n != 0 {
			t.Errorf("%d rows of history", n)
		}
	})
}

func TestSealedTwiceWithOneIDIsOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		n := w.fresh()
		n.OpenTo = []Opening{{PersonID: w.member.Person}}
		errs := make([]error, 5)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() { _, errs[i] = w.Seal(ctx, w.lead, n) })
		}
		wait.Wait()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if w.targets() != 1 {
			t.Errorf("%d targets", w.targets())
		}
		var seals int64
		w.must(db.Table("history").Where("action = 'target.seal'").Count(&seals).Error)
		if seals != 1 {
			t.Errorf("sealed %d times", seals)
		}
		other := n
		other.PlannedOn = "2026-03-04"
		_, err := w.Seal(ctx, w.lead, other)
		is(t, err, inspection.Conflict, "error.conflict")
	})
}

func TestOpening(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		n := w.fresh()
		_, err := w.Seal(ctx, w.lead, n)
		w.must(err)
		// A deputy who was not told knows nothing, though he may plan targets of his own.
		_, err = w.Get(ctx, w.deputy, n.ID)
		is(t, err, inspection.NotFound, "error.not_found")
		is(t, w.Open(ctx, w.deputy, n.ID, w.deputy.Person, true), inspection.NotFound, "error.not_found")
		is(t, w.Open(ctx, w.lead, n.ID, w.person("Người ngoài"), false), inspection.Invalid, "plan.error.not_member")
		w.must(w.Open(ctx, w.lead, n.ID, w.deputy.Person, false))
		it, err := w.Get(ctx, w.deputy, n.ID)
		if err != nil || it.MayCheckIn || it.Organisation != w.unit.Name || it.DecisionNumber != "12/QĐ-UBND" || it.DecisionDate != "2026-02-10" || len(it.OpenedTo) != 1 {
			t.Errorf("%+v %v", it, err)
		}
		w.must(w.Open(ctx, w.lead, n.ID, w.deputy.Person, true)) // opened once more, now to lead
		if it, err = w.Get(ctx, w.deputy, n.ID); err != nil || !it.MayCheckIn {
			t.Errorf("%+v %v", it, err)
		}
		w.clock.Advance(24 * time.Hour)
		take := func() error {
			return db.Transaction(func(tx *gorm.DB) error { _, err := Take(tx, w.deputy, n.ID, w.clock.Now()); return err })
		}
		w.must(take())
		is(t, take(), inspection.Conflict, "visit.error.already_checked_in")
		is(t, w.Open(ctx, w.lead, n.ID, w.member.Person, false), inspection.Conflict, "plan.error.started")
	})
}

func TestATeamNumbersItsDocumentsByItsSeal(t *testing.T) {
	c := Campaign{IssuerID: "o"}
	if (Team{ID: "t"}).Issuer(c) != "org:o" || (Team{ID: "t", HasSeal: true}).Issuer(c) != "team:t" {
		t.Error("the issuer of a team's documents")
	}
}

// checks stands for the checks made under a campaign.
type checks struct {
	decider string
	units   []string // that the actor knows to be inspected
}

func (c *checks) Inspected(*gorm.DB, inspection.Actor, string) ([]string, error) {
	return c.units, nil
}

func (c *checks) HandOver(_ *gorm.DB, _, decider string) error {
	c.decider = decider
	return nil
}
