package visit_test

import (
	"slices"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// became reorganises an organisation as the administrator does, and returns its heir.
func (w *world) became(o org.Organisation, relation org.Relation, name, successor string, on inspection.Date) string {
	w.t.Helper()
	current, err := org.OrganisationByID(w.db, o.ID)
	w.must(err)
	heir, err := org.New(w.db, w.clock).Reorganise(ctx, w.admin, org.Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: current.Version,
		Relation: relation, Name: name, Successor: successor, On: on, LegalAct: "Quyết định 99/QĐ-UBND", Desks: true})
	w.must(err)
	return heir
}

// day lets the clock stand on a morning.
func (w *world) day(d inspection.Date) { w.clock.Set(d.Time().Add(9 * time.Hour)) }

// hands tells whether a person has the check and its finding in hand as head of the unit:
// both lists, the finding itself, and whether an answer is taken.
func (w *world) hands(person, id string, f finding.Finding) (reads, answers bool) {
	w.t.Helper()
	a := w.actor(person)
	_, err := w.finds.Get(ctx, a, f.ID)
	reads = err == nil
	lines, _, err := w.finds.List(ctx, a, finding.Filter{}, inspection.Page{})
	w.must(err)
	if listed := slices.ContainsFunc(lines, func(l finding.Line) bool { return l.ID == f.ID }); listed != reads {
		w.t.Errorf("the finding reads %v, its list says %v", reads, listed)
	}
	if _, err := w.visits.Get(ctx, a, id); (err == nil) != reads {
		w.t.Errorf("the finding reads %v, the check says %v", reads, err)
	}
	return reads, w.finds.AskExtension(ctx, a, f.ID, 0, finding.ExtensionInput{Days: 1, Reason: w.say("Chờ vật tư")}) == nil
}

func TestWhatARenamedUnitOwesItsHeadStillAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, answers{"A04": no("A04"), "F01": no("F01")})
		f, second := w.findings(id)[0], w.findings(id)[1]
		w.became(w.unit, org.Renamed, "Trung tâm PVHCC phường Mẫu", "", "2026-03-09")
		w.day("2026-03-08")
		if c := w.actor(w.head.Person).Capacities; len(c) != 1 || c[0].Organisation != w.unit.ID || len(c[0].Former) != 0 {
			t.Fatalf("on the day before: %+v", c)
		}
		w.day("2026-03-09")
		if reads, answers := w.hands(w.head.Person, id, f); !reads || !answers {
			t.Errorf("the head under the new name reads %v, answers %v", reads, answers)
		}
		if reads, _ := w.hands(w.otherHead.Person, id, f); reads {
			t.Error("somebody else's head reads it")
		}
		w.became(w.other, org.Renamed, "Tên khác", "", "2026-03-10")
		w.day("2026-03-10")
		if reads, _ := w.hands(w.otherHead.Person, id, f); reads {
			t.Error("a head under another new name reads it")
		}
		// Whoever becomes head under the new name, too.
		heir := w.actor(w.head.Person).Capacities[0].Organisation
		o, err := org.OrganisationByID(db, heir)
		w.must(err)
		next := w.person("Giám đốc mới Mẫu", inspection.UnitHead, o, "")
		if reads, answers := w.hands(next.Person, id, second); !reads || !answers {
			t.Errorf("the next head reads %v, answers %v", reads, answers)
		}
	})
}

func TestWhatAMergedUnitOwesItsHeirAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, answers{"A04": no("A04")})
		f := w.findings(id)[0]
		w.became(w.unit, org.MergedInto, "", w.other.ID, "2026-03-09")
		w.day("2026-03-08")
		if reads, _ := w.hands(w.otherHead.Person, id, f); reads {
			t.Error("before its day a merger has changed something")
		}
		w.day("2026-03-09")
		if reads, _ := w.hands(w.head.Person, id, f); reads {
			t.Error("the head of what is no more still reads it")
		}
		if reads, answers := w.hands(w.otherHead.Person, id, f); !reads || !answers {
			t.Errorf("the heir's head reads %v, answers %v", reads, answers)
		}
		// And inspects nothing of it, whatever team takes them in.
		team := w.team.ID
		_, err := org.Grant(db, org.Act{At: w.clock.Now()}, org.RoleRow{PersonID: w.otherHead.Person, Role: inspection.TeamLead, OrganisationID: &w.province.ID, TeamID: &team})
		w.must(err)
		if _, ok := org.Can(w.actor(w.otherHead.Person), org.ReviewFinding, f.Subject()); ok {
			t.Error("the heir's head reviews what the heir answers for")
		}
	})
}

func TestAfterASplitThePersonWhoDecidesChoosesWhoAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, answers{"A04": no("A04")})
		f := w.findings(id)[0]
		w.must(w.finds.Acknowledge(ctx, w.head, f.ID, 0))
		if err := w.finds.Assign(ctx, w.chair, f.ID, 0, finding.AssignInput{Responsible: w.other.ID}); inspection.CodeOf(err) != inspection.Conflict {
			t.Errorf("what is answered for is given away: %v", err)
		}
		w.became(w.unit, org.SplitInto, "", w.other.ID, "2026-03-09")
		w.must(org.New(db, w.clock).End(ctx, w.admin, "organisation", w.unit.ID, 1, "2026-03-08", "Chia tách"))
		w.day("2026-03-09")
		for _, head := range []inspection.Actor{w.head, w.otherHead} {
			if reads, _ := w.hands(head.Person, id, f); reads {
				t.Errorf("%s inherits by itself", head.Name)
			}
		}
		chair := w.actor(w.chair.Person)
		d, err := w.finds.Get(ctx, chair, f.ID)
		if err != nil || !slices.Contains(d.May, finding.Assign) {
			t.Fatalf("who decides is not offered to choose: %v %v", d.May, err)
		}
		if err := w.finds.Assign(ctx, chair, f.ID, 0, finding.AssignInput{}); inspection.KeyOf(err) != "finding.error.responsible_split" {
			t.Errorf("nobody chosen: %v", err)
		}
		w.must(w.finds.Assign(ctx, chair, f.ID, 0, finding.AssignInput{Responsible: w.other.ID}))
		if err := w.finds.Acknowledge(ctx, w.actor(w.otherHead.Person), f.ID, 0); err != nil {
			t.Errorf("who was chosen answers: %v", err)
		}
		if d, err = w.finds.Get(ctx, chair, f.ID); err != nil || slices.Contains(d.May, finding.Assign) {
			t.Errorf("chosen, and to be chosen again: %v %v", d.May, err)
		}
	})
}

func TestACampaignGoesOnWhenItsIssuerIsRenamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		began := w.checkIn(w.target(w.unit, &w.desk))
		heir := w.became(w.province, org.Renamed, "Ủy ban nhân dân Tỉnh Mẫu Mới", "", "2026-03-09")
		w.day("2026-03-09")
		w.lead, w.secretary, w.inspector, w.chair = w.actor(w.lead.Person), w.actor(w.secretary.Person), w.actor(w.inspector.Person), w.actor(w.chair.Person)
		for _, a := range []inspection.Actor{w.lead, w.inspector, w.chair, w.actor(w.homeAffairs.Person)} {
			if _, err := w.plan.GetCampaign(ctx, a, w.campaign.ID); err != nil {
				t.Errorf("%s does not read the campaign: %v", a.Name, err)
			}
			if list, _, err := w.plan.Campaigns(ctx, a, plan.Filter{}, inspection.Page{}); err != nil || len(list) != 1 {
				t.Errorf("%s lists %d campaigns, %v", a.Name, len(list), err)
			}
		}
		w.answerAll(w.inspector, began, answers{"A04": no("A04")})
		w.post(w.secretary, began, visit.OpFinish, struct{}{})
		w.sign(w.lead, began)
		w.report(began)
		w.conclude(began)
		w.concluded(w.other, &w.otherDesk, nil) // a new target under the old decision
		officer := w.actor(w.homeAffairs.Person)
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		fresh := w.person("Thành viên mới Mẫu", inspection.UnitContact, w.other, "")
		must("taken into the old team", w.plan.AddMembers(ctx, officer, w.team.ID, []plan.NewMember{{PersonID: fresh.Person, Role: inspection.Inspector}}))
		if c := w.actor(fresh.Person).Capacities; len(c) != 2 {
			t.Errorf("a new member of the old team is %+v", c)
		}
		n := plan.NewCampaign{ID: inspection.NewID(), Title: "Đợt mới", IssuerID: heir, DecisionNumber: "20/QĐ-UBND", DecisionDate: "2026-03-09", SignedBy: w.chair.Person,
			From: "2026-03-09", To: "2026-12-31", ChecklistID: w.checklist}
		_, err := w.plan.Create(ctx, officer, n)
		must("a campaign under the new name", err)
		n.ID, n.IssuerID = inspection.NewID(), w.province.ID
		if _, err := w.plan.Create(ctx, officer, n); err == nil {
			t.Error("a campaign under a name that is no more")
		}
		if issuers := plan.Issuers(w.lead); !slices.Equal(issuers, []string{heir}) {
			t.Errorf("the lead makes campaigns for %v", issuers)
		}
		if _, err := w.plan.GetCampaign(ctx, w.actor(w.foreignChair.Person), w.campaign.ID); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("a foreign chair: %v", err)
		}
	})
}

func TestAPartCarriesNothingOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, answers{"A04": no("A04")})
		w.became(w.unit, org.PartTransferred, "", w.other.ID, "2026-03-09")
		w.day("2026-03-09")
		if c := w.actor(w.otherHead.Person).Capacities; len(c) != 1 || len(c[0].Former) != 0 {
			t.Errorf("%+v", c)
		}
		if reads, _ := w.hands(w.otherHead.Person, id, w.findings(id)[0]); reads {
			t.Error("who took over a part reads the findings of the whole")
		}
		if reads, answers := w.hands(w.head.Person, id, w.findings(id)[0]); !reads || !answers {
			t.Errorf("who kept the rest reads %v, answers %v", reads, answers)
		}
	})
}
