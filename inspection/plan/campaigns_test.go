package plan

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// office is a home-affairs officer of the committee, with a published checklist and a
// chair who signs.
type office struct {
	*world
	officer, chair inspection.Actor
	list           string
	checks         *checks
}

func newOffice(t *testing.T, db *gorm.DB) *office {
	t.Helper()
	o := &office{world: setUp(t, db), list: inspection.NewID()}
	o.checks = o.Service.checks.(*checks)
	o.must(db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at, state, published_at) VALUES (?, 'k', 2, 'Bảng kiểm', 1, 'PUBLISHED', 1)", o.list).Error)
	join := func(name string, role inspection.Role) inspection.Actor {
		id := o.person(name)
		o.grant(id, role, o.committee, "", "2026-01-01", "")
		return inspection.Actor{Person: id, Name: name, Capacities: []inspection.Capacity{{Role: role, Organisation: o.committee.ID}}}
	}
	o.officer, o.chair = join("Chuyên viên Nội vụ", inspection.HomeAffairs), join("Chủ tịch mới", inspection.Chairperson)
	return o
}

func (o *office) paper() NewCampaign {
	return NewCampaign{ID: inspection.NewID(), Title: "Kiểm tra đột xuất quý I", IssuerID: o.committee.ID, DecisionNumber: "15/QĐ-UBND", DecisionDate: "2026-02-20",
		SignedBy: o.chair.Person, From: "2026-02-23", To: "2026-06-30", ChecklistID: o.list}
}

func (o *office) made(t *testing.T) Campaign {
	t.Helper()
	c, err := o.Create(ctx, o.officer, o.paper())
	o.must(err)
	return c
}

func field(t *testing.T, err error, name, key string) {
	t.Helper()
	e, ok := err.(*inspection.Error)
	if !ok || e.Fields[name] != key {
		t.Errorf("%v, want %s at %s", err, key, name)
	}
}

func TestACampaignIsWhatItsDecisionSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.paper()
		for range 2 { // the same form twice
			if _, err := o.Create(ctx, o.officer, n); err != nil {
				t.Fatal(err)
			}
		}
		list, next, err := o.Campaigns(ctx, o.officer, Filter{Query: "dot xuat 15 qd"}, inspection.Page{})
		if err != nil || len(list) != 1 || next != "" || list[0].ID != n.ID || list[0].State != Active || list[0].Version != 1 {
			t.Errorf("%+v %q %v", list, next, err)
		}
		sheet, err := o.GetCampaign(ctx, o.lead, n.ID)
		if err != nil || sheet.MayManage || sheet.Decider != "Chủ tịch mới" || sheet.Checklist != "Bảng kiểm" {
			t.Errorf("%+v %v", sheet, err)
		}
		for _, c := range []struct {
			what       string
			change     func(*NewCampaign)
			field, key string
		}{
			{"no name", func(n *NewCampaign) { n.Title = " " }, "title", "plan.error.title"},
			{"two lines", func(n *NewCampaign) { n.Title = "a\nb" }, "title", "plan.error.title"},
			{"no number", func(n *NewCampaign) { n.DecisionNumber = "" }, "decision_number", "plan.error.decision_number"},
			{"no day", func(n *NewCampaign) { n.DecisionDate = "" }, "decision_date", "plan.error.day"},
			{"a day that is none", func(n *NewCampaign) { n.From = "2026-02-30" }, "from", "plan.error.day"},
			{"ends before it begins", func(n *NewCampaign) { n.To = "2026-02-22" }, "to", "org.error.dates_reversed"},
			{"signed tomorrow", func(n *NewCampaign) { n.DecisionDate = "2026-03-03" }, "decision_date", "plan.error.decision_ahead"},
			{"signed when the period was over", func(n *NewCampaign) { n.From, n.To = "2026-01-01", "2026-02-01" }, "decision_date", "plan.error.decision_after_period"},
			{"signed by who could not", func(n *NewCampaign) { n.SignedBy = o.officer.Person }, "signed_by", "plan.error.signed_by"},
			{"signed before the signer was chair", func(n *NewCampaign) { n.DecisionDate = "2025-12-31" }, "signed_by", "plan.error.signed_by"},
			{"a draft of a checklist", func(n *NewCampaign) { n.ChecklistID = *o.campaign.ChecklistID }, "checklist", "plan.error.checklist"},
		} {
			n := o.paper()
			c.change(&n)
			_, err := o.Create(ctx, o.officer, n)
			t.Run(c.what, func(t *testing.T) { field(t, err, c.field, c.key) })
		}
		outsider := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs, Organisation: o.far.ID}}}
		head := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: o.unit.ID}}}
		admin := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		for _, a := range []inspection.Actor{outsider, head, admin, o.member, {}} {
			_, err := o.Create(ctx, a, o.paper())
			is(t, err, inspection.NotFound, "error.not_found")
			if a.Person != o.member.Person {
				_, err = o.GetCampaign(ctx, a, n.ID)
				is(t, err, inspection.NotFound, "error.not_found")
				if list, _, err := o.Campaigns(ctx, a, Filter{}, inspection.Page{}); err != nil || len(list) != 0 {
					t.Errorf("%d campaigns for an outsider, %v", len(list), err)
				}
			}
		}
	})
}

// TestACampaignCannotBeSignedAfterAChecksFirstPossibleDay: what is refused, and in which
// words, depends on what who asks may read, never on a check.
func TestACampaignCannotBeSignedAfterAChecksFirstPossibleDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		c := o.made(t) // entered on 2 March, for a period from 23 February on
		o.clock.Advance(72 * time.Hour)
		n := o.paper()
		n.ID, n.DecisionDate = c.ID, "2026-03-03"
		is(t, o.Change(ctx, o.officer, 1, n, "gõ nhầm"), inspection.Invalid, "plan.error.decision_after_opening")
		n.DecisionDate, n.From = "2026-02-20", "2026-03-03"
		err := o.Change(ctx, o.officer, 1, n, "gõ nhầm")
		is(t, err, inspection.Invalid, "plan.error.period_after_opening")
		if e := err.(*inspection.Error); e.Params["on"] != "02/03/2026" {
			t.Errorf("%v", e.Params)
		}
		later := o.paper()
		later.From = "2026-04-01"
		_, err = o.Create(ctx, o.officer, later)
		o.must(err)
		later.From, later.To = "2026-05-01", "2026-06-30"
		o.must(o.Change(ctx, o.officer, 1, later, "lùi thời kỳ")) // before it has begun
		n = o.paper()
		n.ID, n.DecisionNumber = c.ID, "16/QĐ-UBND"
		is(t, o.Change(ctx, o.officer, 1, n, " "), inspection.Invalid, "plan.error.reason")
		is(t, o.Change(ctx, o.officer, 7, n, "gõ nhầm"), inspection.Conflict, "plan.error.changed_meanwhile")
		is(t, o.Change(ctx, o.lead, 1, n, "gõ nhầm"), inspection.Forbidden, "plan.error.not_yours")
		o.must(o.Change(ctx, o.officer, 1, n, "gõ nhầm số"))
		is(t, o.Change(ctx, o.officer, 2, n, "lại"), inspection.Invalid, "plan.error.nothing_changed")
		sheet, err := o.GetCampaign(ctx, o.officer, c.ID)
		if err != nil || sheet.DecisionNumber != "16/QĐ-UBND" || len(sheet.Changes) != 1 || sheet.Changes[0].Was != "15/QĐ-UBND" ||
			sheet.Changes[0].Reason != "gõ nhầm số" || sheet.Changes[0].By != "Chuyên viên Nội vụ" {
			t.Errorf("%+v %v", sheet.Changes, err)
		}
		// A signer who was entered wrongly was to decide too: both are put right.
		vice := o.person("Phó Chủ tịch")
		o.grant(vice, inspection.ViceChairperson, o.committee, "", "2026-01-01", "")
		n.SignedBy = vice
		o.must(o.Change(ctx, o.officer, 2, n, "ghi nhầm người ký"))
		if o.checks.decider != vice {
			t.Errorf("handed over to %q", o.checks.decider)
		}
	})
}

// TestACampaignMadeByACopyThatKnowsNoSignerKeepsItsSigner: what an older copy of the
// program makes beside the new schema has only who decides.
func TestACampaignMadeByACopyThatKnowsNoSignerKeepsItsSigner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		fresh := o.person("Chủ tịch kế nhiệm")
		o.grant(fresh, inspection.ViceChairperson, o.committee, "", "2026-03-02", "")
		older := func() string {
			t.Helper()
			n := o.paper()
			n.DecisionNumber = inspection.NewID()
			c, err := o.Create(ctx, o.officer, n)
			o.must(err)
			o.must(db.Exec("UPDATE campaigns SET signed_by = NULL WHERE id = ?", c.ID).Error)
			return c.ID
		}
		signed := func(id, by string) {
			t.Helper()
			var rows []string
			o.must(db.Model(&Campaign{}).Where("id = ? AND signed_by IS NOT NULL", id).Pluck("signed_by", &rows).Error)
			if len(rows) != 1 || rows[0] != by {
				t.Errorf("signed by %q, want %s", rows, by)
			}
		}
		handed := older()
		o.must(o.HandOver(ctx, o.officer, handed, 0, fresh, "Chủ tịch nghỉ hưu"))
		signed(handed, o.chair.Person)

		waiting, moved := older(), older()
		o.must(db.Exec("UPDATE campaigns SET decided_by = ? WHERE id = ?", fresh, moved).Error) // as the older copy hands over
		o.must(db.Exec("UPDATE campaigns SET signed_by = NULL WHERE id = ?", o.campaign.ID).Error)
		for range 2 {
			o.must(Complete(db))
			signed(waiting, o.chair.Person)
			signed(moved, o.chair.Person)
			signed(o.campaign.ID, *o.campaign.DecidedBy) // by import: history does not tell
		}
	})
}

// TestWhoDecidesIsHandedOverAndWhoSignedStays: to somebody who holds such a role today,
// is in no team of the campaign and belongs to no unit that it inspects, with a reason.
func TestWhoDecidesIsHandedOverAndWhoSignedStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		c := o.made(t)
		head := func(name string, from, to inspection.Date) string {
			id := o.person(name)
			o.grant(id, inspection.ViceChairperson, o.committee, "", from, to)
			return id
		}
		over := func(to, reason string) error { return o.HandOver(ctx, o.officer, c.ID, 0, to, reason) }
		fresh := head("Chủ tịch kế nhiệm", "2026-03-02", "") // not in office when the decision was signed
		is(t, over(fresh, " "), inspection.Invalid, "plan.error.reason")
		is(t, over(o.chair.Person, "x"), inspection.Invalid, "plan.error.nothing_changed")
		for who, id := range map[string]string{"a member": o.member.Person, "an officer": o.officer.Person, "one who retired": head("Đã nghỉ", "2026-01-01", "2026-03-01"),
			"one who comes tomorrow": head("Sắp nhậm chức", "2026-03-03", ""), "nobody": inspection.NewID()} {
			t.Run(who, func(t *testing.T) { is(t, over(id, "x"), inspection.Invalid, "plan.error.decider") })
		}
		is(t, o.HandOver(ctx, o.lead, c.ID, 0, fresh, "x"), inspection.Forbidden, "plan.error.not_yours")
		is(t, o.HandOver(ctx, o.officer, c.ID, 9, fresh, "x"), inspection.Conflict, "plan.error.changed_meanwhile")
		team := NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn"}
		o.must(o.AddTeam(ctx, o.officer, team))
		leads := head("Phó Chủ tịch làm trưởng đoàn", "2026-01-01", "")
		o.must(o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: leads, Role: inspection.TeamLead}}))
		is(t, over(leads, "x"), inspection.Conflict, "plan.error.decider_in_team")
		own := head("Phó Chủ tịch kiêm giám đốc", "2026-01-01", "")
		o.grant(own, inspection.UnitHead, o.unit, "", "2026-01-01", "")
		o.checks.units = []string{o.unit.ID}
		is(t, over(own, "x"), inspection.Conflict, "plan.error.decider_of_unit")

		heirs, err := o.Successors(ctx, o.officer, c.ID)
		if o.must(err); len(heirs) != 3 {
			t.Errorf("%+v", heirs)
		}
		o.must(over(fresh, "Chủ tịch nghỉ hưu"))
		sheet, err := o.GetCampaign(ctx, o.officer, c.ID)
		if err != nil || o.checks.decider != fresh || *sheet.DecidedBy != fresh || sheet.Signer() != o.chair.Person || sheet.SignerName != "Chủ tịch mới" || sheet.Vacant {
			t.Errorf("%+v %v", sheet, err)
		}
		if ch := sheet.Changes[0]; ch.Field != "decided_by" || ch.Was != "Chủ tịch mới" || ch.Became != "Chủ tịch kế nhiệm" || ch.Reason != "Chủ tịch nghỉ hưu" {
			t.Errorf("%+v", ch)
		}
		// The signer is put right later: who decides today stays.
		other := head("Người ký thật", "2026-01-01", "")
		n := o.paper()
		n.ID, n.SignedBy = c.ID, other
		o.checks.decider = ""
		o.must(o.Change(ctx, o.officer, 0, n, "ghi nhầm người ký"))
		sheet, err = o.GetCampaign(ctx, o.officer, c.ID)
		if err != nil || *sheet.DecidedBy != fresh || sheet.Signer() != other || o.checks.decider != "" {
			t.Errorf("%+v %v", sheet, err)
		}
		o.must(db.Exec("UPDATE person_roles SET valid_to = '2026-03-01' WHERE person_id = ? AND valid_from < '2026-03-01'", o.chair.Person).Error)
		o.clock.Advance(24 * time.Hour)
		o.must(db.Exec("UPDATE person_roles SET valid_to = '2026-03-02' WHERE person_id = ?", fresh).Error)
		if sheet, err = o.GetCampaign(ctx, o.officer, c.ID); err != nil || !sheet.Vacant {
			t.Errorf("%+v %v", sheet, err)
		}
	})
}

func TestWhatIsSuspendedBeginsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.fresh()
		_, err := o.Seal(ctx, o.lead, n)
		o.must(err)
		o.clock.Advance(24 * time.Hour)
		waiting := func() int {
			items, err := o.Waiting(ctx, o.lead, o.clock.Now().Date())
			o.must(err)
			return len(items)
		}
		take := func() error {
			return db.Transaction(func(tx *gorm.DB) error {
				if _, err := Take(tx, o.lead, n.ID, o.clock.Now()); err != nil {
					return err
				}
				return fmt.Errorf("taken")
			})
		}
		manager := o.officer
		for _, c := range []struct {
			what string
			to   func(Standing) error
			key  string
		}{
			{"campaign", func(s Standing) error { return o.Stand(ctx, manager, o.campaign.ID, 0, s, "rà soát") }, "plan.error.campaign_suspended"},
			{"team", func(s Standing) error { return o.StandTeam(ctx, manager, o.team.ID, 0, s, "rà soát") }, "plan.error.team_suspended"},
			{"target", func(s Standing) error { return o.Hold(ctx, o.lead, n.ID, 0, s == Suspended, "rà soát") }, "plan.error.target_suspended"},
		} {
			t.Run(c.what, func(t *testing.T) {
				o.must(c.to(Suspended))
				is(t, c.to(Suspended), inspection.Invalid, "plan.error.standing")
				is(t, take(), inspection.Conflict, c.key)
				if waiting() != 0 {
					t.Error("what is suspended waits for check-in")
				}
				if c.what != "target" {
					_, err := o.Seal(ctx, o.lead, o.fresh())
					is(t, err, inspection.Conflict, c.key)
				}
				o.must(c.to(Active))
				if err := take(); err == nil || err.Error() != "taken" {
					t.Error(err)
				}
				if waiting() != 1 {
					t.Error("what was taken up again does not wait")
				}
			})
		}
		is(t, o.Drop(ctx, o.officer, n.ID, 0, "x"), inspection.NotFound, "error.not_found")
		is(t, o.Drop(ctx, o.lead, n.ID, 0, ""), inspection.Invalid, "plan.error.reason")
		o.must(o.Drop(ctx, o.lead, n.ID, 0, "đơn vị nghỉ"))
		is(t, take(), inspection.Conflict, "plan.error.not_sealed")
		is(t, o.Drop(ctx, o.lead, n.ID, 0, "x"), inspection.Conflict, "plan.error.not_sealed")
		o.must(o.Stand(ctx, manager, o.campaign.ID, 0, Dropped, "thu hồi quyết định"))
		is(t, o.Stand(ctx, manager, o.campaign.ID, 0, Active, "x"), inspection.Conflict, "plan.error.campaign_cancelled")
		is(t, o.AddTeam(ctx, manager, NewTeam{ID: inspection.NewID(), CampaignID: o.campaign.ID, Name: "Đoàn"}), inspection.Conflict, "plan.error.campaign_cancelled")
		_, err = o.Seal(ctx, o.lead, o.fresh())
		is(t, err, inspection.Conflict, "plan.error.campaign_cancelled")
	})
}

func TestATeamIsMadeOfDatedRoles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		c := o.made(t)
		team := NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn số 2", Symbol: "ĐKT2"}
		for range 2 {
			o.must(o.AddTeam(ctx, o.officer, team))
		}
		is(t, o.AddTeam(ctx, o.lead, NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "x"}), inspection.Forbidden, "plan.error.not_yours")
		field(t, o.AddTeam(ctx, o.officer, NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "x", Symbol: "a/b"}), "symbol", "plan.error.symbol")
		lead, member := o.person("Trần Mẫu Trưởng"), o.person("Lê Mẫu Viên")
		found, _, err := o.Candidates(ctx, o.officer, team.ID, "tran mau", inspection.Page{})
		if err != nil || len(found) != 1 || found[0].PersonID != lead {
			t.Errorf("%+v %v", found, err)
		}
		o.must(o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: lead, Role: inspection.TeamLead}, {PersonID: member, Role: inspection.Inspector}}))
		is(t, o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: member, Role: inspection.TeamSecretary, From: "2026-03-01"}}), inspection.Conflict, "plan.error.already_member")
		is(t, o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: o.person("x"), Role: inspection.Inspector, From: "2026-01-01"}}), inspection.Invalid, "plan.error.member_before_decision")
		is(t, o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: o.person("y"), Role: inspection.Chairperson}}), inspection.Invalid, "org.error.invalid")
		if err := o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: o.person("z"), Role: inspection.Inspector}, {PersonID: inspection.NewID(), Role: inspection.Inspector}}); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
		sheet, err := o.GetTeam(ctx, o.officer, team.ID)
		if err != nil || len(sheet.Members) != 2 || sheet.Members[0].PersonID != lead || sheet.Members[0].ValidFrom != c.DecisionDate {
			t.Fatalf("%+v %v", sheet.Members, err)
		}
		second := sheet.Members[1]
		is(t, o.EndMember(ctx, o.officer, team.ID, second.ID, second.Version, "2026-02-19", "chuyển công tác"), inspection.Invalid, "org.error.role_ends_before")
		is(t, o.EndMember(ctx, o.officer, o.team.ID, second.ID, second.Version, "2026-03-01", "chuyển công tác"), inspection.NotFound, "error.not_found")
		is(t, o.EndMember(ctx, o.officer, team.ID, second.ID, second.Version, "2026-03-01", ""), inspection.Invalid, "plan.error.reason")
		o.must(o.EndMember(ctx, o.officer, team.ID, second.ID, second.Version, "2026-03-01", "chuyển công tác"))
		is(t, o.EndMember(ctx, o.officer, team.ID, second.ID, second.Version+1, "2099-12-31", "kéo dài"), inspection.Conflict, "org.error.role_ended_already")
		sheet, err = o.GetTeam(ctx, o.officer, team.ID)
		if err != nil || !sheet.Members[1].Past || len(sheet.Changes) != 1 {
			t.Errorf("%+v %v", sheet, err)
		}
		o.must(o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: member, Role: inspection.TeamSecretary, From: "2026-03-02"}}))
		o.must(o.ChangeTeam(ctx, o.officer, sheet.Version, NewTeam{ID: team.ID, Name: "Đoàn kiểm tra số 2", Symbol: "ĐKT2", HasSeal: true}, "theo quyết định sửa đổi"))
		is(t, o.ChangeTeam(ctx, o.officer, sheet.Version, team, "x"), inspection.Conflict, "plan.error.changed_meanwhile")
	})
}

// TestTwoTakeTheSamePersonIn: of two at once one is told that the person is a member.
func TestTwoTakeTheSamePersonIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		person := o.person("Người mới")
		errs := make([]error, 4)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() {
				errs[i] = o.AddMembers(ctx, o.officer, o.team.ID, []NewMember{{PersonID: person, Role: inspection.Inspector}})
			})
		}
		wait.Wait()
		in := 0
		for _, err := range errs {
			if err == nil {
				in++
			} else {
				is(t, err, inspection.Conflict, "plan.error.already_member")
			}
		}
		if in != 1 {
			t.Errorf("%d of %d took the person in: %v", in, len(errs), errs)
		}
	})
}

func TestACampaignIsAboutItsPlaces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		places := org.New(db, o.clock)
		keys := func(query string) (out []string) {
			found, err := o.PlacesToAdd(ctx, o.officer, places, o.campaign.ID, query, inspection.Page{})
			o.must(err)
			for _, p := range found {
				out = append(out, p.Key())
			}
			return out
		}
		if all := keys(""); len(all) != 2 { // the committee is no place, what ended neither
			t.Fatalf("%v", all)
		}
		far := keys("mot cua XA xa")
		if len(far) != 1 || far[0] != o.far.ID+"/"+o.desk.ID {
			t.Fatalf("%v", far)
		}
		_, err := o.AddPlaces(ctx, o.lead, o.campaign.ID, far)
		is(t, err, inspection.Forbidden, "plan.error.not_yours")
		for i := range 2 {
			added, err := o.AddPlaces(ctx, o.officer, o.campaign.ID, far)
			if err != nil || added != 1-i {
				t.Errorf("%d %v", added, err)
			}
		}
		for _, bad := range []string{"", "x", o.far.ID, o.far.ID + "/x", inspection.NewID() + "/", o.part.ID + "/", o.unit.ID + "/" + o.desk.ID} {
			if _, err := o.AddPlaces(ctx, o.officer, o.campaign.ID, []string{bad}); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%q: %v", bad, err)
			}
		}
		_, err = o.Seal(ctx, o.lead, o.fresh())
		is(t, err, inspection.Invalid, "plan.error.not_in_scope")
		n := o.fresh()
		n.OrganisationID, n.DeskID = o.far.ID, &o.desk.ID
		_, err = o.Seal(ctx, o.lead, n)
		o.must(err)
		found, err := o.PlacesToVisit(ctx, o.lead, places, o.team.ID, "", "2026-03-03", inspection.Page{})
		if err != nil || len(found) != 1 || found[0].DeskID != o.desk.ID {
			t.Errorf("%+v %v", found, err)
		}
		rows, err := o.Places(ctx, o.lead, o.campaign.ID)
		if err != nil || len(rows) != 1 || rows[0].Desk != o.desk.Name {
			t.Fatalf("%+v %v", rows, err)
		}
		o.must(o.RemovePlaces(ctx, o.officer, o.campaign.ID, []string{rows[0].ID}, "nhầm"))
		is(t, o.RemovePlaces(ctx, o.officer, o.campaign.ID, []string{rows[0].ID}, "nhầm"), inspection.Conflict, "plan.error.changed_meanwhile")
		_, err = o.Seal(ctx, o.lead, o.fresh())
		o.must(err)
	})
}

func TestATargetMovesAndIsHandedOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.fresh()
		_, err := o.Seal(ctx, o.lead, n)
		o.must(err)
		move := func(change func(*Moved)) error {
			m := Moved{PlannedOn: "2026-03-10", PlannedAt: 600}
			change(&m)
			return o.Move(ctx, o.lead, n.ID, 0, m, "xe hỏng")
		}
		is(t, move(func(m *Moved) { m.PlannedOn = "2026-03-01" }), inspection.Invalid, "plan.error.past")
		is(t, move(func(m *Moved) { m.PlannedOn = "2027-01-01" }), inspection.Invalid, "plan.error.outside_period")
		is(t, move(func(m *Moved) { m.Form = Reinspection }), inspection.Invalid, "error.invalid")
		is(t, move(func(m *Moved) { m.LeadID = o.member.Person }), inspection.Invalid, "plan.error.lead_not_head")
		is(t, o.Move(ctx, o.deputy, n.ID, 0, Moved{PlannedOn: "2026-03-10"}, "x"), inspection.NotFound, "error.not_found")
		o.must(move(func(*Moved) {}))
		is(t, move(func(*Moved) {}), inspection.Invalid, "plan.error.nothing_changed")
		sheet, err := o.Sheet(ctx, o.lead, n.ID)
		if err != nil || sheet.PlannedOn != "2026-03-10" || len(sheet.Changes) != 2 || !sheet.MayManage {
			t.Errorf("%+v %v", sheet, err)
		}
		o.must(move(func(m *Moved) { m.LeadID = o.deputy.Person }))
		_, err = o.Sheet(ctx, o.lead, n.ID)
		is(t, err, inspection.NotFound, "error.not_found")
		if known, _, err := o.Known(ctx, o.lead, TargetFilter{}, inspection.Page{}); err != nil || len(known) != 0 {
			t.Errorf("%d known to the former lead, %v", len(known), err)
		}
		if known, _, err := o.Known(ctx, o.deputy, TargetFilter{State: Sealed, Team: o.team.ID}, inspection.Page{}); err != nil || len(known) != 1 {
			t.Errorf("%d known to the new lead, %v", len(known), err)
		}
		// Nothing of it stands in history but that it happened.
		var bodies []string
		o.must(db.Table("history").Where("subject_kind = 'target'").Pluck("body", &bodies).Error)
		for _, b := range bodies {
			for _, secret := range []string{"2026-03-10", "xe hỏng", o.unit.ID, o.deputy.Person + `","to`} {
				if strings.Contains(b, secret) {
					t.Errorf("history holds %q: %s", secret, b)
				}
			}
		}
	})
}

// TestListsOfThePlanTurnPages walks lists of many rows page by page: every row once.
func TestListsOfThePlanTurnPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		for i := range 7 {
			o.made(t)
			n := o.fresh()
			n.PlannedAt = inspection.Minute(600 - 20*(i/2))
			_, err := o.Seal(ctx, o.lead, n)
			o.must(err)
		}
		var last *Item
		seen := map[string]bool{}
		for cursor, turns := "", 0; turns == 0 || cursor != ""; turns++ {
			rows, next, err := o.Campaigns(ctx, o.officer, Filter{}, inspection.Page{Cursor: cursor, Limit: 3})
			o.must(err)
			for _, r := range rows {
				seen[r.ID] = true
			}
			if cursor = next; turns > 5 {
				t.Fatal("the list has no end")
			}
		}
		for cursor, turns := "", 0; turns == 0 || cursor != ""; turns++ {
			rows, next, err := o.Known(ctx, o.lead, TargetFilter{}, inspection.Page{Cursor: cursor, Limit: 3})
			o.must(err)
			for i, r := range rows {
				if seen[r.ID] = true; last != nil && (r.PlannedOn > last.PlannedOn || r.PlannedOn == last.PlannedOn && r.PlannedAt < last.PlannedAt) {
					t.Errorf("%s %s stands after %s %s", r.PlannedOn, r.PlannedAt, last.PlannedOn, last.PlannedAt)
				}
				last = &rows[i]
			}
			if cursor = next; turns > 5 {
				t.Fatal("the list has no end")
			}
		}
		if len(seen) != 8+7 {
			t.Errorf("%d rows", len(seen))
		}
	})
}

func TestChangesOfThePlanStay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		o.must(o.Stand(ctx, o.officer, o.campaign.ID, 0, Suspended, "rà soát"))
		for _, s := range []string{"UPDATE plan_changes SET reason = 'x'", "DELETE FROM plan_changes"} {
			if err := db.Exec(s).Error; err == nil {
				t.Errorf("%s went through", s)
			}
		}
	})
}

// TestWhoIsTakenInLaterDoesNotInspectTheirOwn: the team may change after sealing, and
// who changes it does not know of the target; opening and check-in look again.
func TestWhoIsTakenInLaterDoesNotInspectTheirOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.fresh()
		_, err := o.Seal(ctx, o.lead, n)
		o.must(err)
		head := o.person("Thủ trưởng đơn vị")
		o.grant(head, inspection.UnitHead, o.unit, "", "2026-01-01", "")
		o.must(o.AddMembers(ctx, o.officer, o.team.ID, []NewMember{{PersonID: head, Role: inspection.DeputyLead}})) // nothing is betrayed
		is(t, o.Open(ctx, o.lead, n.ID, head, false), inspection.Conflict, "plan.error.conflict_of_interest")
		is(t, o.Move(ctx, o.lead, n.ID, 0, Moved{PlannedOn: "2026-03-10", LeadID: head}, "nghỉ phép"), inspection.Conflict, "plan.error.conflict_of_interest")
		o.must(o.Open(ctx, o.lead, n.ID, o.member.Person, true))
		o.grant(o.member.Person, inspection.UnitContact, o.unit, "", "2026-03-02", "")
		o.clock.Advance(24 * time.Hour)
		is(t, db.Transaction(func(tx *gorm.DB) error { _, err := Take(tx, o.member, n.ID, o.clock.Now()); return err }), inspection.Conflict, "plan.error.conflict_of_interest")
	})
}

// TestWhoManagesDoesNotJoin: who names a team, decides its checks, plans campaigns or
// administers is no member of it; only a lead takes themselves into what they wrote.
func TestWhoManagesDoesNotJoin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		c := o.made(t)
		team := NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn"}
		o.must(o.AddTeam(ctx, o.officer, team))
		take := func(by inspection.Actor, team, person string, role inspection.Role) error {
			return o.AddMembers(ctx, by, team, []NewMember{{PersonID: person, Role: role}})
		}
		is(t, take(o.officer, team.ID, o.officer.Person, inspection.Inspector), inspection.Forbidden, "plan.error.member_self")
		is(t, take(o.officer, team.ID, o.chair.Person, inspection.TeamLead), inspection.Conflict, "plan.error.member_decides")
		second := o.person("Chuyên viên Nội vụ khác")
		o.grant(second, inspection.HomeAffairs, o.far, "", "2026-04-01", "")
		is(t, take(o.officer, team.ID, second, inspection.Inspector), inspection.Conflict, "plan.error.member_apart")
		o.must(o.AddMembers(ctx, o.officer, team.ID, []NewMember{{PersonID: second, Role: inspection.Inspector, To: "2026-03-31"}})) // before that role begins
		admin := o.person("Quản trị")
		o.grant(admin, inspection.RecordsClerk, o.committee, "", "", "")
		_, err := org.Grant(db, o.act(), org.RoleRow{PersonID: admin, Role: inspection.SysAdmin})
		o.must(err)
		is(t, take(o.officer, team.ID, admin, inspection.TeamSecretary), inspection.Conflict, "plan.error.member_apart")
		vice := o.person("Phó Chủ tịch")
		o.grant(vice, inspection.ViceChairperson, o.committee, "", "2026-01-01", "")
		deputy := inspection.Actor{Person: vice, Capacities: []inspection.Capacity{{Role: inspection.ViceChairperson, Organisation: o.committee.ID}}}
		is(t, take(deputy, team.ID, vice, inspection.TeamLead), inspection.Forbidden, "plan.error.member_self")
		o.must(take(o.officer, team.ID, vice, inspection.TeamLead)) // by somebody else: teams are led by vice chairs too

		// Nor does a member become one of those.
		root := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		give := func(person string, role inspection.Role, from inspection.Date) error {
			_, err := org.New(db, o.clock).GrantRole(ctx, root, org.RoleRow{PersonID: person, Role: role, OrganisationID: &o.committee.ID, ValidFrom: from})
			return err
		}
		is(t, give(vice, inspection.HomeAffairs, "2026-03-02"), inspection.Conflict, "org.error.role_of_member")
		is(t, give(vice, inspection.SysAdmin, "2026-03-02"), inspection.Conflict, "org.error.role_of_member")
		o.must(give(vice, inspection.RecordsClerk, "2026-03-02"))
		o.must(give(second, inspection.SysAdmin, "2026-04-01")) // the role in the team has ended

		writer := o.person("Trưởng đoàn soạn quyết định")
		o.grant(writer, inspection.TeamLead, o.committee, "", "2026-01-01", "")
		lead := inspection.Actor{Person: writer, Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: o.committee.ID}}}
		own := o.paper()
		_, err = o.Create(ctx, lead, own)
		o.must(err)
		led := NewTeam{ID: inspection.NewID(), CampaignID: own.ID, Name: "Đoàn của trưởng đoàn"}
		o.must(o.AddTeam(ctx, lead, led))
		o.must(take(lead, led.ID, writer, inspection.TeamLead))
	})
}

// TestAMembershipReachesBackOnlyWhileNothingCanHaveBeenChecked: the day from which one
// may be a member depends on the team's and the period's beginning, never on a check,
// which who asks may not know of.
func TestAMembershipReachesBackOnlyWhileNothingCanHaveBeenChecked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		c := o.made(t)
		team := NewTeam{ID: inspection.NewID(), CampaignID: c.ID, Name: "Đoàn"}
		o.must(o.AddTeam(ctx, o.officer, team))
		from := func(team, name string, day inspection.Date) error {
			return o.AddMembers(ctx, o.officer, team, []NewMember{{PersonID: o.person(name), Role: inspection.Inspector, From: day}})
		}
		o.must(from(team.ID, "a", c.DecisionDate)) // on the day when the team is made
		o.clock.Advance(24 * time.Hour)
		yesterday, today := o.clock.Now().Date().AddDays(-1), o.clock.Now().Date()
		is(t, from(team.ID, "b", c.DecisionDate), inspection.Invalid, "plan.error.member_before_today")
		is(t, from(team.ID, "b", yesterday), inspection.Invalid, "plan.error.member_before_today")
		o.must(from(team.ID, "c", today))
		o.must(from(team.ID, "d", ""))
		sheet, err := o.GetTeam(ctx, o.officer, team.ID)
		o.must(err)
		if last := sheet.Members[len(sheet.Members)-1]; last.ValidFrom != today {
			t.Errorf("without a day from %s", last.ValidFrom)
		}
		o.must(db.Exec("UPDATE campaigns SET period_from = '2026-04-01' WHERE id = ?", c.ID).Error)
		o.must(from(team.ID, "e", c.DecisionDate)) // the period has not begun
		is(t, from(team.ID, "f", c.DecisionDate.AddDays(-1)), inspection.Invalid, "plan.error.member_before_decision")
	})
}

// TestTheFollowUpOutlivesItsCampaignAndTeam: under what is cancelled and dissolved nothing
// new is checked, but people come and go, what was found is inspected again, and who
// decides is handed over.
func TestTheFollowUpOutlivesItsCampaignAndTeam(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		first := o.fresh()
		_, err := o.Seal(ctx, o.lead, first)
		o.must(err)
		o.must(o.StandTeam(ctx, o.officer, o.team.ID, 0, Dropped, "xong nhiệm vụ"))
		_, err = o.Seal(ctx, o.lead, o.fresh())
		is(t, err, inspection.Conflict, "plan.error.team_cancelled")
		o.must(o.Stand(ctx, o.officer, o.campaign.ID, 0, Dropped, "xong nhiệm vụ"))
		_, err = o.Seal(ctx, o.lead, o.fresh())
		is(t, err, inspection.Conflict, "plan.error.campaign_cancelled")
		is(t, o.ChangeTeam(ctx, o.officer, 0, NewTeam{ID: o.team.ID, Name: "x"}, "x"), inspection.Conflict, "plan.error.campaign_cancelled")

		fresh := o.person("Thành viên tái kiểm tra")
		o.must(o.AddMembers(ctx, o.officer, o.team.ID, []NewMember{{PersonID: fresh, Role: inspection.Inspector}}))
		sheet, err := o.GetTeam(ctx, o.officer, o.team.ID)
		o.must(err)
		for _, m := range sheet.Members {
			if m.PersonID == o.member.Person {
				o.must(o.EndMember(ctx, o.officer, o.team.ID, m.ID, m.Version, "2026-03-02", "chuyển công tác"))
			}
		}
		again, visit := o.fresh(), inspection.NewID()
		again.Form, again.Reinspects, again.Findings = Reinspection, &visit, []string{inspection.NewID()}
		again.OpenTo = []Opening{{PersonID: fresh, Leads: true}}
		_, err = o.Seal(ctx, o.lead, again)
		o.must(err)
		o.clock.Advance(24 * time.Hour)
		items, err := o.Waiting(ctx, o.lead, o.clock.Now().Date())
		if err != nil || len(items) != 1 || items[0].ID != again.ID {
			t.Errorf("%+v %v", items, err)
		}
		take := func(id string) error {
			return db.Transaction(func(tx *gorm.DB) error { _, err := Take(tx, o.lead, id, o.clock.Now()); return err })
		}
		is(t, take(first.ID), inspection.Conflict, "plan.error.campaign_cancelled")
		o.must(take(again.ID))
		o.must(o.HandOver(ctx, o.officer, o.campaign.ID, 0, o.chair.Person, "Chủ tịch nghỉ hưu"))
	})
}

// TestTheHeadOfTodayInheritsWhatALeadLeftBehind: a sealed target whose lead has left the
// team is the head's of today, who changes it, is told of it in lists and checks in; who
// deputises, decides or names the team learns nothing.
func TestTheHeadOfTodayInheritsWhatALeadLeftBehind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.fresh()
		n.OpenTo = []Opening{{PersonID: o.member.Person}}
		_, err := o.Seal(ctx, o.lead, n)
		o.must(err)
		heir := o.joined("Trưởng đoàn mới", inspection.TeamLead)
		knows := func(a inspection.Actor) bool {
			list, _, err := o.Known(ctx, a, TargetFilter{}, inspection.Page{})
			o.must(err)
			_, err = o.Sheet(ctx, a, n.ID)
			if (err == nil) != (len(list) == 1) {
				t.Errorf("%s: %d in the list, %v", a.Name, len(list), err)
			}
			return err == nil
		}
		if knows(heir) || !knows(o.lead) {
			t.Error("a second head knows of it while its lead leads, or its lead does not")
		}
		o.must(db.Exec("UPDATE person_roles SET valid_to = '2026-03-02' WHERE person_id = ?", o.lead.Person).Error)
		if knows(heir) {
			t.Error("a second head knows of it on its lead's last day")
		}
		o.clock.Advance(24 * time.Hour)
		o.lead.Capacities = nil
		for _, a := range []inspection.Actor{o.lead, o.deputy, o.officer, o.chair} {
			if knows(a) {
				t.Errorf("%s knows of it", a.Name)
			}
		}
		if !knows(heir) || !knows(o.member) {
			t.Error("the head of today knows nothing, or who was told")
		}
		items, err := o.Waiting(ctx, heir, o.clock.Now().Date())
		if err != nil || len(items) != 1 || !items[0].MayCheckIn || !items[0].Vacant {
			t.Errorf("%+v %v", items, err)
		}
		sheet, err := o.Sheet(ctx, heir, n.ID)
		if err != nil || !sheet.MayManage || sheet.Lead != "Trưởng đoàn" {
			t.Errorf("%+v %v", sheet, err)
		}
		o.must(o.Open(ctx, heir, n.ID, o.deputy.Person, false))
		o.must(o.Hold(ctx, heir, n.ID, 0, true, "rà soát"))
		o.must(o.Hold(ctx, heir, n.ID, 0, false, "tiếp tục"))
		o.must(db.Transaction(func(tx *gorm.DB) error {
			taken, err := Take(tx, heir, n.ID, o.clock.Now())
			if err == nil && len(taken.Members) != 3 { // the heir and who was told, not who has left
				t.Errorf("%v", taken.Members)
			}
			return err
		}))
	})
}

// TestAListOfTargetsAsksAsManyQuestionsForManyAsForOne.
func TestAListOfTargetsAsksAsManyQuestionsForManyAsForOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		asked := 0
		o.must(db.Callback().Query().After("gorm:query").Register("counting", func(*gorm.DB) { asked++ }))
		ask := func() (known, waiting int) {
			asked = 0
			items, _, err := o.Known(ctx, o.lead, TargetFilter{}, inspection.Page{})
			o.must(err)
			known, asked = asked, 0
			due, err := o.Waiting(ctx, o.lead, "2026-12-31")
			if err != nil || len(due) != len(items) {
				t.Errorf("%d and %d, %v", len(due), len(items), err)
			}
			return known, asked
		}
		var one [2]int
		for i := range 6 {
			n := o.fresh()
			n.OpenTo = []Opening{{PersonID: o.member.Person}}
			_, err := o.Seal(ctx, o.lead, n)
			o.must(err)
			if known, waiting := ask(); i == 0 {
				one = [2]int{known, waiting}
			} else if one != [2]int{known, waiting} {
				t.Errorf("%d targets: %d and %d questions, %v for one", i+1, known, waiting, one)
			}
		}
	})
}

// TestOneMemberWhoBelongsKeepsOnlyThemselvesAway: sealing asks of the lead and of whom the
// lead tells, check-in of who checks in; the others of the team inspect.
func TestOneMemberWhoBelongsKeepsOnlyThemselvesAway(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		o.grant(o.member.Person, inspection.UnitContact, o.unit, "", "2025-07-01", "2025-09-30")
		n := o.fresh()
		n.OpenTo = []Opening{{PersonID: o.member.Person}}
		_, err := o.Seal(ctx, o.lead, n)
		is(t, err, inspection.Conflict, "plan.error.conflict_of_interest")
		n.OpenTo = []Opening{{PersonID: o.deputy.Person}}
		_, err = o.Seal(ctx, o.lead, n)
		o.must(err)
		o.grant(o.deputy.Person, inspection.UnitContact, o.unit, "", "2026-03-03", "") // belongs there since
		o.clock.Advance(24 * time.Hour)
		o.must(db.Transaction(func(tx *gorm.DB) error {
			taken, err := Take(tx, o.lead, n.ID, o.clock.Now())
			if err == nil && (len(taken.Members) != 1 || taken.Members[0] != o.lead.Person) {
				t.Errorf("%v", taken.Members)
			}
			return err
		}))
		is(t, ConflictOfInterest(db, o.member.Person, o.unit.ID), inspection.Conflict, "plan.error.conflict_of_interest")
		o.must(ConflictOfInterest(db, o.lead.Person, o.unit.ID))
	})
}

// TestWhatWasToldToTheWrongMemberIsTakenBack: with a reason, by the target's lead, and
// before it begins; for the member the target exists no more.
func TestWhatWasToldToTheWrongMemberIsTakenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		n := o.fresh()
		n.OpenTo = []Opening{{PersonID: o.member.Person}}
		_, err := o.Seal(ctx, o.lead, n)
		o.must(err)
		back := func(by inspection.Actor, person, reason string) error {
			return o.TakeBack(ctx, by, n.ID, person, reason)
		}
		is(t, back(o.lead, o.member.Person, " "), inspection.Invalid, "plan.error.reason")
		is(t, back(o.lead, o.deputy.Person, "nhầm người"), inspection.NotFound, "error.not_found")
		is(t, back(o.deputy, o.member.Person, "nhầm người"), inspection.NotFound, "error.not_found")
		is(t, back(o.member, o.member.Person, "nhầm người"), inspection.Forbidden, "plan.error.lead_only")
		o.must(back(o.lead, o.member.Person, "nhầm người"))
		_, err = o.Get(ctx, o.member, n.ID)
		is(t, err, inspection.NotFound, "error.not_found")
		sheet, err := o.Sheet(ctx, o.lead, n.ID)
		if err != nil || len(sheet.Openings) != 0 || len(sheet.Changes) != 1 || sheet.Changes[0].Field != "told" || sheet.Changes[0].Was != "Thành viên" || sheet.Changes[0].Reason != "nhầm người" {
			t.Errorf("%+v %v", sheet, err)
		}
		var bodies []string
		o.must(db.Table("history").Where("action = 'target.take_back'").Pluck("body", &bodies).Error)
		if len(bodies) != 1 || strings.Contains(bodies[0], o.member.Person) || strings.Contains(bodies[0], "nhầm") {
			t.Errorf("%v", bodies)
		}
		o.must(o.Open(ctx, o.lead, n.ID, o.member.Person, false)) // and told again
	})
}

// TestATeamIsDrawnFromTheIssuersArea: people of other places are not found, nor taken in
// by who knows an id.
func TestATeamIsDrawnFromTheIssuersArea(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		o.must(db.Exec("INSERT INTO admin_units (id, key, name, unit_type, parent_id, search) SELECT ?, 'vn/a', 'Tỉnh A', 'PROVINCE', id, 'tinh a' FROM admin_units WHERE key = 'vn'", inspection.NewID()).Error)
		o.must(db.Exec("INSERT INTO admin_units (id, key, name, unit_type, parent_id, search) SELECT ?, 'vn/b', 'Tỉnh B', 'PROVINCE', id, 'tinh b' FROM admin_units WHERE key = 'vn'", inspection.NewID()).Error)
		a, err := org.UnitByKey(db, "vn/a")
		o.must(err)
		b, err := org.UnitByKey(db, "vn/b")
		o.must(err)
		o.must(db.Exec("UPDATE organisations SET admin_unit_id = ?", a.ID).Error)
		elsewhere, err := org.CreateOrganisation(db, o.act(), org.Organisation{Name: "Sở Nội vụ tỉnh B", Kind: org.Department, AdminUnitID: b.ID})
		o.must(err)
		join := func(name string, in org.Organisation) string {
			id := o.person(name)
			o.grant(id, inspection.RecordsClerk, in, "", "2026-01-01", "")
			return id
		}
		here, there, nowhere := join("Cao Mẫu Gần", o.far), join("Cao Mẫu Xa", elsewhere), o.person("Cao Mẫu Mới")
		found, _, err := o.Candidates(ctx, o.officer, o.team.ID, "cao mau", inspection.Page{})
		if err != nil || len(found) != 2 || found[0].PersonID != here || found[1].PersonID != nowhere {
			t.Errorf("%+v %v", found, err)
		}
		is(t, o.AddMembers(ctx, o.officer, o.team.ID, []NewMember{{PersonID: there, Role: inspection.Inspector}}), inspection.NotFound, "error.not_found")
		o.must(o.AddMembers(ctx, o.officer, o.team.ID, []NewMember{{PersonID: here, Role: inspection.Inspector}, {PersonID: nowhere, Role: inspection.Inspector}}))
		if found, _, err = o.Candidates(ctx, o.officer, o.team.ID, "noi vu", inspection.Page{}); err != nil || len(found) != 0 { // home affairs joins no team
			t.Errorf("%+v %v", found, err)
		}
	})
}
