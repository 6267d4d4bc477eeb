package org

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"congvu/inspection"
	"congvu/inspection/seedtest"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// seeded is a random source, and how often a random test repeats: a tenth unless
// CONGVU_LONG is set.
func seeded(t *testing.T, all int) (*rand.Rand, int) {
	t.Helper()
	return seedtest.Source(t, 7), seedtest.Times(all, 10)
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

type thing struct {
	id                                              int64
	unit, issuer, team, decider, author, lead, step string
	openedTo                                        []string
	vacant                                          bool
}

func (x thing) subject() Subject {
	return Subject{Unit: x.unit, Issuer: x.issuer, Team: x.team, Decider: x.decider, Author: x.author, Lead: x.lead, Stage: x.step, OpenedTo: x.openedTo, Vacant: x.vacant}
}

func TestScopeIsCanForLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		r, rounds := seeded(t, 3000)
		for _, s := range []string{
			"CREATE TABLE things (id BIGINT PRIMARY KEY, unit TEXT NOT NULL, issuer TEXT NOT NULL, team TEXT NOT NULL, decider TEXT, author TEXT NOT NULL, lead TEXT NOT NULL, stage TEXT NOT NULL, vacant TEXT NOT NULL)",
			"CREATE TABLE thing_openings (thing_id BIGINT NOT NULL, person_id TEXT NOT NULL)",
		} {
			if err := db.Exec(s).Error; err != nil {
				t.Fatal(err)
			}
		}
		at := Columns{Unit: "things.unit", Issuer: "things.issuer", Team: "things.team", Decider: "things.decider", Author: "things.author", Lead: "things.lead",
			Stage: "things.stage", Opened: "EXISTS (SELECT 1 FROM thing_openings o WHERE o.thing_id = things.id AND o.person_id = ?)",
			Vacant: "things.vacant = ?", On: "2026-03-02"}
		people, organisations, teams := []string{"", "p1", "p2", "p3"}, []string{"", "o1", "o2", "o3"}, []string{"", "t1", "t2"}
		stages := []string{"IN_PROGRESS", "MINUTES_DRAFT", "MINUTES_SIGNED", "MINUTES_UNSIGNED", "CANNOT_INSPECT", "REPORTED", "CONCLUDED", "HANDED_IN", ""}
		var things []thing
		for i := range 120 {
			x := thing{id: int64(i), unit: pick(r, organisations...), issuer: pick(r, organisations...), team: pick(r, teams...),
				decider: pick(r, people...), author: pick(r, people...), lead: pick(r, people...), step: pick(r, stages...), vacant: r.IntN(3) == 0}
			var decider any = x.decider
			if x.decider == "" {
				decider = nil // nobody yet
			}
			since := inspection.Date("")
			if x.vacant {
				since = at.On
			}
			if err := db.Exec("INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", x.id, x.unit, x.issuer, x.team, decider, x.author, x.lead, x.step, since).Error; err != nil {
				t.Fatal(err)
			}
			for _, p := range people[1:] {
				if r.IntN(4) == 0 {
					x.openedTo = append(x.openedTo, p)
					if err := db.Exec("INSERT INTO thing_openings VALUES (?, ?)", x.id, p).Error; err != nil {
						t.Fatal(err)
					}
				}
			}
			things = append(things, x)
		}
		some, none := 0, 0
		actions := make([]Action, 0, len(table))
		for a := range table {
			actions = append(actions, a)
		}
		slices.Sort(actions)
		for range rounds {
			actor := inspection.Actor{Person: pick(r, people...)}
			for range 1 + r.IntN(3) {
				c := inspection.Capacity{Role: pick(r, inspection.Roles...), Organisation: pick(r, organisations...), Team: pick(r, teams...)}
				for _, o := range organisations[1:] {
					if c.Organisation != "" && c.Organisation != o && r.IntN(4) == 0 {
						c.Former = append(c.Former, o)
					}
				}
				actor.Capacities = append(actor.Capacities, c)
			}
			action := pick(r, actions...)
			var want, got []int64
			for _, x := range things {
				if _, ok := Can(actor, action, x.subject()); ok {
					want = append(want, x.id)
				}
			}
			if err := db.Table("things").Scopes(Scope(actor, action, at)).Order("id").Pluck("id", &got).Error; err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want, got) {
				t.Fatalf("%s by %+v:\nCan   %v\nScope %v", action, actor, want, got)
			}
			var apart []int64 // the parts together are the scope, and no row is in two
			for _, part := range Parts(actor, action, at) {
				var ids []int64
				if err := db.Table("things").Scopes(part).Pluck("id", &ids).Error; err != nil {
					t.Fatal(err)
				}
				apart = append(apart, ids...)
			}
			if slices.Sort(apart); !slices.Equal(want, apart) {
				t.Fatalf("%s by %+v:\nCan   %v\nParts %v", action, actor, want, apart)
			}
			if len(want) > 0 {
				some++
			} else {
				none++
			}
			// A scope must hold beside another condition too, not instead of it.
			var beside int64
			if err := db.Table("things").Where("id < 0").Scopes(Scope(actor, action, at)).Count(&beside).Error; err != nil || beside != 0 {
				t.Fatalf("%s by %+v widens a query: %d rows, %v", action, actor, beside, err)
			}
		}
		if some == 0 || none == 0 {
			t.Errorf("%d actors may something, %d nothing: the test looks at one side only", some, none)
		}
	})
}

// The cast of the readable table below: two teams of one issuer, two units, another
// issuer.
var cast = map[string]inspection.Actor{
	"lead":            {Person: "lead", Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: "province", Team: "team"}}},
	"deputy":          {Person: "deputy", Capacities: []inspection.Capacity{{Role: inspection.DeputyLead, Organisation: "province", Team: "team"}}},
	"secretary":       {Person: "secretary", Capacities: []inspection.Capacity{{Role: inspection.TeamSecretary, Organisation: "province", Team: "team"}}},
	"inspector":       {Person: "inspector", Capacities: []inspection.Capacity{{Role: inspection.Inspector, Organisation: "province", Team: "team"}}},
	"told inspector":  {Person: "told", Capacities: []inspection.Capacity{{Role: inspection.Inspector, Organisation: "province", Team: "team"}}},
	"other lead":      {Person: "other", Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: "province", Team: "other team"}}},
	"former lead":     {Person: "lead", Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: "province", Team: "other team"}}},
	"chair":           {Person: "chair", Capacities: []inspection.Capacity{{Role: inspection.Chairperson, Organisation: "province"}}},
	"vice chair":      {Person: "vice", Capacities: []inspection.Capacity{{Role: inspection.ViceChairperson, Organisation: "province"}}},
	"foreign chair":   {Person: "foreign", Capacities: []inspection.Capacity{{Role: inspection.Chairperson, Organisation: "elsewhere"}}},
	"home affairs":    {Person: "home", Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs, Organisation: "province"}}},
	"unit head":       {Person: "head", Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: "unit"}}},
	"unit contact":    {Person: "contact", Capacities: []inspection.Capacity{{Role: inspection.UnitContact, Organisation: "unit"}}},
	"heir's head":     {Person: "heir", Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: "new unit", Former: []string{"unit"}}}},
	"heir's chair":    {Person: "next", Capacities: []inspection.Capacity{{Role: inspection.Chairperson, Organisation: "new province", Former: []string{"province"}}}},
	"heir's own":      {Person: "kin", Capacities: []inspection.Capacity{{Role: inspection.Inspector, Organisation: "province", Team: "team"}, {Role: inspection.UnitContact, Organisation: "new unit", Former: []string{"unit"}}}},
	"other unit head": {Person: "neighbour", Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: "other unit"}}},
	"sysadmin":        {Person: "admin", Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}},
	"own inspector":   {Person: "own", Capacities: []inspection.Capacity{{Role: inspection.Inspector, Organisation: "province", Team: "team"}, {Role: inspection.UnitContact, Organisation: "unit"}}},
	"press":           {Person: "press", Capacities: []inspection.Capacity{{Role: inspection.GuestPress, Organisation: "province"}}},
	"clerk":           {Person: "clerk", Capacities: []inspection.Capacity{{Role: inspection.RecordsClerk, Organisation: "province"}}},
	"nobody":          {Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: "province", Team: "team"}}},
}

func TestWhoMayWhat(t *testing.T) {
	target := Subject{Unit: "unit", Team: "team", Lead: "lead", OpenedTo: []string{"told"}}
	check := func(stage string) Subject {
		return Subject{Unit: "unit", Issuer: "province", Team: "team", Decider: "chair", Lead: "lead", Stage: stage}
	}
	for _, c := range []struct {
		what   string
		action Action
		on     Subject
		may    []string // everybody else of the cast may not
	}{
		{"a sealed target exists for its lead and whom it was opened to", ReadTarget, target, []string{"lead", "told inspector"}},
		{"only its lead opens it", ManageTarget, target, []string{"lead"}},
		{"check-in", CheckIn, target, []string{"lead", "told inspector"}},
		{"a target of nobody", ReadTarget, Subject{Unit: "unit"}, nil},
		{"planning", PlanTarget, Subject{Team: "team"}, []string{"lead", "deputy"}},

		{"that a check runs", ListVisit, check("IN_PROGRESS"), []string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "heir's chair"}},
		{"the content of a running check", ReadVisit, check("IN_PROGRESS"), []string{"lead", "deputy", "secretary", "inspector", "told inspector"}},
		{"the content while minutes are drawn up", ReadVisit, check("MINUTES_DRAFT"), []string{"lead", "deputy", "secretary", "inspector", "told inspector"}},
		{"the content from the minutes on", ReadVisit, check("MINUTES_SIGNED"),
			[]string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "unit head", "unit contact", "own inspector", "heir's chair", "heir's head", "heir's own"}},
		{"the same when nobody signed", ReadVisit, check("MINUTES_UNSIGNED"),
			[]string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "unit head", "unit contact", "own inspector", "heir's chair", "heir's head", "heir's own"}},
		{"the content of a concluded check", ReadVisit, check("CONCLUDED"),
			[]string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "unit head", "unit contact", "home affairs", "own inspector", "heir's chair", "heir's head", "heir's own"}},
		{"work on a check", InspectVisit, check("IN_PROGRESS"), []string{"lead", "deputy", "secretary", "inspector", "told inspector"}},
		{"finishing", FinishVisit, check("IN_PROGRESS"), []string{"lead", "deputy", "secretary"}},
		{"reporting", ReportVisit, check("MINUTES_SIGNED"), []string{"lead", "deputy"}},
		{"concluding", ConcludeVisit, check("REPORTED"), []string{"chair"}},

		{"answering a finding", AnswerFinding, check("RECORDED"), []string{"unit head", "heir's head"}},
		{"reading a finding", ReadFinding, check("RECORDED"),
			[]string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "unit head", "unit contact", "own inspector", "heir's chair", "heir's head", "heir's own"}},
		{"reading a finding once its check is concluded", ReadFinding, check("ASSIGNED"),
			[]string{"lead", "deputy", "secretary", "inspector", "told inspector", "chair", "vice chair", "home affairs", "unit head", "unit contact", "own inspector", "heir's chair", "heir's head", "heir's own"}},
		{"reviewing a finding", ReviewFinding, check("SUBMITTED"), []string{"lead", "deputy"}},
		{"deciding a finding", DecideFinding, check("RECORDED"), []string{"chair"}},
		{"holding a finding", SuperviseTerms, check("ASSIGNED"), []string{"chair", "vice chair", "heir's chair"}},

		{"the chair's page", SummariseChecks, Subject{Issuer: "province"}, []string{"chair", "vice chair", "home affairs", "heir's chair"}},
		{"accounts", ManageAccounts, Subject{}, []string{"sysadmin"}},
		{"units and roles", ManageOrg, Subject{}, []string{"sysadmin"}},
		{"how the installation is", ReadHealth, Subject{}, []string{"sysadmin"}},

		{"making a campaign", CreateCampaign, Subject{Issuer: "province"}, []string{"home affairs", "chair", "vice chair", "lead", "deputy", "other lead", "former lead", "heir's chair"}},
		{"changing a campaign that a lead wrote", ManageCampaign, Subject{Issuer: "province", Decider: "chair", Author: "lead"},
			[]string{"home affairs", "chair", "vice chair", "lead", "former lead", "heir's chair"}},
		{"reading a campaign", ReadCampaign, Subject{Issuer: "province", Decider: "chair", Author: "lead"},
			[]string{"home affairs", "chair", "vice chair", "lead", "deputy", "secretary", "inspector", "told inspector", "own inspector", "other lead", "former lead", "heir's chair", "heir's own"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			for name, actor := range cast {
				capacity, ok := Can(actor, c.action, c.on)
				if want := slices.Contains(c.may, name); ok != want {
					t.Errorf("%s: %v, want %v", name, ok, want)
				}
				if ok && !slices.ContainsFunc(actor.Capacities, func(c inspection.Capacity) bool { return reflect.DeepEqual(c, capacity) }) {
					t.Errorf("%s: allowed in a capacity that is none of theirs: %+v", name, capacity)
				}
			}
		})
	}
}

// TestNobodyMayAnything: without a person, nothing; without a capacity, nothing; an
// unknown action, nothing.
func TestNobodyMayAnything(t *testing.T) {
	whole := Subject{Unit: "u", Issuer: "o", Team: "t", Decider: "p", Author: "p", Lead: "p", OpenedTo: []string{"p"}, Stage: "CONCLUDED"}
	for action := range table {
		for _, actor := range []inspection.Actor{{}, {Person: "p"}, {Capacities: []inspection.Capacity{{Role: inspection.TeamLead, Organisation: "o", Team: "t"}}}} {
			if _, ok := Can(actor, action, whole); ok {
				t.Errorf("%s is allowed to %s", fmt.Sprintf("%+v", actor), action)
			}
		}
	}
	if _, ok := Can(cast["lead"], "visit.burn", whole); ok {
		t.Error("an action that nobody has thought of is allowed")
	}
}

// TestWhoDecidesHoldsTheRoleStill: who was named to decide does so while a role in the
// issuing organisation lets them, and never on a unit of their own; who wrote a campaign
// changes it while they lead for its issuer.
func TestWhoDecidesHoldsTheRoleStill(t *testing.T) {
	in := func(role inspection.Role, organisation, team string, former ...string) inspection.Capacity {
		return inspection.Capacity{Role: role, Organisation: organisation, Team: team, Former: former}
	}
	check := Subject{Unit: "unit", Issuer: "province", Team: "team", Decider: "p", Author: "p", Stage: "REPORTED"}
	for _, c := range []struct {
		what            string
		holds           []inspection.Capacity
		decides, writes bool
	}{
		{"chair", []inspection.Capacity{in(inspection.Chairperson, "province", "")}, true, true},
		{"head of the department that issued it", []inspection.Capacity{in(inspection.UnitHead, "province", "")}, true, false},
		{"vice chair, after the committee was renamed", []inspection.Capacity{in(inspection.ViceChairperson, "new province", "", "province")}, true, true},
		{"retired", nil, false, false},
		{"another role in the issuing organisation", []inspection.Capacity{in(inspection.RecordsClerk, "province", "")}, false, false},
		{"chair elsewhere now", []inspection.Capacity{in(inspection.Chairperson, "elsewhere", "")}, false, false},
		{"chair, and head of the unit", []inspection.Capacity{in(inspection.Chairperson, "province", ""), in(inspection.UnitHead, "unit", "")}, false, true},
		{"chair, and of what the unit went into", []inspection.Capacity{in(inspection.Chairperson, "province", ""), in(inspection.UnitContact, "heir", "", "unit")}, false, true},
		{"lead for the issuer", []inspection.Capacity{in(inspection.TeamLead, "province", "team")}, false, true},
		{"lead of a team of another issuer", []inspection.Capacity{in(inspection.TeamLead, "elsewhere", "far team")}, false, false},
	} {
		a := inspection.Actor{Person: "p", Capacities: c.holds}
		for _, action := range []Action{ConcludeVisit, DecideFinding} {
			if _, ok := Can(a, action, check); ok != c.decides {
				t.Errorf("%s: %s %v", c.what, action, ok)
			}
		}
		if _, ok := Can(a, ManageCampaign, Subject{Issuer: "province", Author: "p"}); ok != c.writes {
			t.Errorf("%s: manages %v", c.what, ok)
		}
	}
}

// TestTheHeadOfTheTeamInheritsATarget: where its lead leads the team no more, a target is
// the head's of today, and nobody else's.
func TestTheHeadOfTheTeamInheritsATarget(t *testing.T) {
	target := Subject{Unit: "unit", Team: "team", Lead: "gone", OpenedTo: []string{"told"}, Vacant: true}
	own := cast["lead"]
	own.Capacities = append(slices.Clone(own.Capacities), inspection.Capacity{Role: inspection.UnitContact, Organisation: "unit"})
	for _, action := range []Action{ReadTarget, ManageTarget, CheckIn} {
		for name, a := range cast {
			want := name == "lead" || name == "told inspector" && action != ManageTarget
			if _, ok := Can(a, action, target); ok != want {
				t.Errorf("%s by the %s: %v", action, name, ok)
			}
		}
		if _, ok := Can(own, action, target); ok {
			t.Errorf("%s by a head of the team who belongs to the unit", action)
		}
	}
}

// TestNobodyDecidesOnWhatTheyAnswerFor: an issuer and a unit that it inspected went into
// one organisation; its head answers for the unit and does not decide for the issuer. The
// chair of an issuer into which a unit went decides, as on every desk of the issuer's own.
func TestNobodyDecidesOnWhatTheyAnswerFor(t *testing.T) {
	one := func(role inspection.Role, of string, former ...string) inspection.Actor {
		return inspection.Actor{Person: "p", Capacities: []inspection.Capacity{{Role: role, Organisation: of, Former: former}}}
	}
	for _, c := range []struct {
		name             string
		actor            inspection.Actor
		unit             string
		answers, decides bool
	}{
		{"head of both", one(inspection.UnitHead, "x", "i", "u"), "u", true, false},
		{"head of both, another unit", one(inspection.UnitHead, "x", "i", "u"), "v", false, true},
		{"head of both, the issuer's own desk", one(inspection.UnitHead, "x", "i", "u"), "i", true, true},
		{"chair of both", one(inspection.Chairperson, "x", "i", "u"), "u", false, true},
		{"chair of the issuer", one(inspection.Chairperson, "i", "u"), "u", false, true},
	} {
		s := Subject{Unit: c.unit, Issuer: "i", Decider: "p", Team: "t", Stage: "ASSIGNED"}
		_, answers := Can(c.actor, AnswerFinding, s)
		_, decides := Can(c.actor, DecideFinding, s)
		if answers != c.answers || decides != c.decides {
			t.Errorf("%s: answers %v, decides %v", c.name, answers, decides)
		}
	}
}
