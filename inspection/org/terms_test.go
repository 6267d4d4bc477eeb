package org

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestTwoHundredTerms: terms over Tết, make-up Saturdays, holidays and days off that are
// declared while a term runs, each with the day that testdata/terms.csv gives; the file was
// worked out from holidays.csv by another program.
func TestTwoHundredTerms(t *testing.T) {
	file, err := os.Open("testdata/terms.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, s := world(t, db), service(db)
		if _, err := s.ImportHours(ctx, admin, "vn", Seed("hours.csv"), false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ImportHolidays(ctx, admin, "vn", Seed("holidays.csv"), false); err != nil {
			t.Fatal(err)
		}
		cal, err := CalendarFor(db, w["new"].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines[1:] {
			kinds[l[0]]++
			start, late, due, then := inspection.Date(l[1]), inspection.Date(l[3]), inspection.Date(l[4]), inspection.Date(l[5])
			n, err := strconv.Atoi(l[2])
			if err != nil {
				t.Fatal(err)
			}
			got, err := AddWorkingDays(cal, start, n)
			if err != nil || got != due {
				t.Errorf("%s: %d working days from %s: %s %v, want %s", l[0], n, start, got, err, due)
			}
			if late == "" {
				continue
			}
			declared := Calendar{Layers: append([]Layer{{Days: map[inspection.Date]DayKind{late: Holiday}}}, cal.Layers...)}
			if got := DueDay(declared, due); got != then {
				t.Errorf("%s: due %s, day off declared on %s: %s, want %s", l[0], due, late, got, then)
			}
		}
	})
	if n := len(lines) - 1; n < 200 || kinds["tet"] < 40 || kinds["make-up"] < 10 || kinds["late"] < 40 {
		t.Errorf("%d terms: %v", n, kinds)
	}
}

// TestWhatAClockHasReached: before the day the latest reminder alone, after it every level.
func TestWhatAClockHasReached(t *testing.T) {
	for _, c := range []struct {
		left int
		due  inspection.Date
		want string
	}{
		{10, "2026-03-16", "[]"}, {4, "2026-03-06", "[]"}, {3, "2026-03-05", "[T-3]"}, {2, "2026-03-04", "[T-3]"}, {1, "2026-03-03", "[T-1]"},
		{0, "2026-03-02", "[T0]"}, {0, "2026-03-01", "[]"}, {-1, "2026-02-27", "[T+1]"}, {-4, "2026-02-24", "[T+1]"}, {-5, "2026-02-23", "[T+1 T+5]"}, {-10, "2026-02-16", "[T+1 T+5 T+10]"}, {-300, "2025-01-01", "[T+1 T+5 T+10]"},
	} {
		if got := fmt.Sprint(Reached(Deadlines{}, "2026-03-02", c.due, c.left)); got != c.want {
			t.Errorf("%d left: %s, want %s", c.left, got, c.want)
		}
	}
	own := Deadlines{}.With(RemindFirst, 5).With(EscalateChair, 2)
	if got := fmt.Sprint(Reached(own, "2026-03-02", "2026-03-09", 5), Reached(own, "2026-03-02", "2026-02-26", -2)); got != "[T-5] [T+1 T+2]" {
		t.Error(got)
	}
}

// TestAnOfficeSetsItsOwnTerms: from a day on, with a reason, never backwards; what was
// entered last counts, and the rows stay.
func TestAnOfficeSetsItsOwnTerms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		world(t, db)
		s := service(db)
		p, err := CreatePerson(db, act(), Person{Name: "Quản trị"})
		if err != nil {
			t.Fatal(err)
		}
		office := inspection.Actor{Person: p.ID, Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs}}}
		for name, c := range map[string]struct {
			by     inspection.Actor
			key    Deadline
			days   int
			from   inspection.Date
			reason string
			code   inspection.Code
		}{
			"nobody":        {inspection.Actor{}, MajorDays, 8, "2026-03-02", "x", inspection.Unauthenticated},
			"a unit head":   {inspection.Actor{Person: p.ID, Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: "x"}}}, MajorDays, 8, "2026-03-02", "x", inspection.Forbidden},
			"unknown":       {office, "remedy.NONE", 8, "2026-03-02", "x", inspection.NotFound},
			"too short":     {office, MajorDays, 0, "2026-03-02", "x", inspection.Invalid},
			"too long":      {office, MajorDays, 121, "2026-03-02", "x", inspection.Invalid},
			"backwards":     {office, MajorDays, 8, "2026-03-01", "x", inspection.Invalid},
			"no day":        {office, MajorDays, 8, "", "x", inspection.Invalid},
			"not a day":     {office, MajorDays, 8, "2026-02-30", "x", inspection.Invalid},
			"for no reason": {office, MajorDays, 8, "2026-03-02", " ", inspection.Invalid},
		} {
			if err := s.SetDeadline(ctx, c.by, c.key, c.days, c.from, c.reason); inspection.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, c := range []struct {
			days int
			from inspection.Date
		}{{8, "2026-03-02"}, {12, "2026-06-01"}, {7, "2026-03-02"}} {
			if err := s.SetDeadline(ctx, office, MajorDays, c.days, c.from, "Quy chế của tỉnh"); err != nil {
				t.Fatal(err)
			}
		}
		for on, want := range map[inspection.Date]int{"2026-03-01": 10, "2026-03-02": 7, "2026-05-31": 7, "2026-06-01": 12} {
			if d, err := DeadlinesOn(db, on); err != nil || d.Of(MajorDays) != want || d.Of(MinorDays) != 30 {
				t.Errorf("%s: %d %v, want %d", on, d.Of(MajorDays), err, want)
			}
		}
		lines, err := s.Deadlines(ctx, office)
		if err != nil || len(lines) != len(deadlines) {
			t.Fatal(len(lines), err)
		}
		for _, l := range lines {
			if l.Key == MajorDays && (l.Days != 7 || l.BuiltIn != 10 || len(l.Changes) != 3 || l.Changes[0].From != "2026-06-01") {
				t.Errorf("%+v", l)
			}
		}
	})
}

// TestAHeadDelegates: by name and date, to somebody of the unit; it ends with its days, by
// hand, or with the head; it binds nothing.
func TestAHeadDelegates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, clock := world(t, db), inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
		s := New(db, clock)
		unit := w["new"].ID
		person := func(name string, role inspection.Role, o string) inspection.Actor {
			p, err := CreatePerson(db, act(), Person{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Grant(db, act(), RoleRow{PersonID: p.ID, Role: role, OrganisationID: &o, ValidFrom: "2026-01-01"}); err != nil {
				t.Fatal(err)
			}
			return inspection.Actor{Person: p.ID, Name: name, Capacities: []inspection.Capacity{{Role: role, Organisation: o}}}
		}
		head, contact, stranger := person("Thủ trưởng", inspection.UnitHead, unit), person("Đầu mối", inspection.UnitContact, unit), person("Người khác", inspection.UnitContact, w["old2"].ID)
		d := Delegation{ID: inspection.NewID(), OrganisationID: unit, ToID: contact.Person, ValidFrom: "2026-03-03", ValidTo: "2026-03-06", DocumentNo: "05/GUQ"}
		refused := func(by inspection.Actor, change func(*Delegation), code inspection.Code) {
			t.Helper()
			x := d
			x.ID = inspection.NewID()
			change(&x)
			if _, err := s.Delegate(ctx, by, x); inspection.CodeOf(err) != code {
				t.Errorf("%v", err)
			}
		}
		refused(contact, func(*Delegation) {}, inspection.Forbidden)
		refused(head, func(x *Delegation) { x.ToID = stranger.Person }, inspection.Invalid)
		refused(head, func(x *Delegation) { x.ToID = head.Person }, inspection.Invalid)
		refused(head, func(x *Delegation) { x.ValidTo = "2026-03-02" }, inspection.Invalid)
		refused(head, func(x *Delegation) { x.ValidFrom, x.ValidTo = "2026-01-01", "2026-03-01" }, inspection.Invalid)
		refused(head, func(x *Delegation) { x.ValidTo = "2028-03-02" }, inspection.Invalid)
		refused(head, func(x *Delegation) { x.ValidTo = "" }, inspection.Invalid)
		for range 2 { // sent twice, once
			if _, err := s.Delegate(ctx, head, d); err != nil {
				t.Fatal(err)
			}
		}
		acts := func(on inspection.Date) (answers, binds bool) {
			t.Helper()
			c, err := CapacitiesOf(db, contact.Person, on)
			if err != nil {
				t.Fatal(err)
			}
			a := inspection.Actor{Person: contact.Person, Capacities: c}
			_, answers = Can(a, AnswerFinding, Subject{Unit: unit})
			_, binds = Can(a, BindUnit, Subject{Unit: unit})
			return answers, binds
		}
		for on, want := range map[inspection.Date]bool{"2026-03-02": false, "2026-03-03": true, "2026-03-06": true, "2026-03-07": false} {
			if answers, binds := acts(on); answers != want || binds {
				t.Errorf("%s: answers %v, binds %v", on, answers, binds)
			}
		}
		rows, people, err := s.Delegated(ctx, head)
		if err != nil || len(rows) != 1 || len(people[unit]) != 1 || people[unit][0].ID != contact.Person {
			t.Fatalf("%+v %+v %v", rows, people, err)
		}
		if rows, _, err := s.Delegated(ctx, stranger); err != nil || len(rows) != 0 {
			t.Errorf("%+v %v", rows, err)
		}
		if err := s.EndDelegation(ctx, stranger, d.ID); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
		for range 2 {
			if err := s.EndDelegation(ctx, head, d.ID); err != nil {
				t.Fatal(err)
			}
		}
		if answers, _ := acts("2026-03-04"); answers {
			t.Error("it was ended")
		}
		again := d
		again.ID = inspection.NewID()
		if _, err := s.Delegate(ctx, head, again); err != nil {
			t.Fatal(err)
		}
		for until, want := range map[string]bool{"2026-03-03": false, "": true} { // who has it belongs to the unit no more, then does
			if err := db.Exec("UPDATE person_roles SET valid_to = ? WHERE person_id = ?", until, contact.Person).Error; err != nil {
				t.Fatal(err)
			}
			if answers, _ := acts("2026-03-04"); answers != want {
				t.Errorf("of the unit until %q: answers %v", until, answers)
			}
		}
		if err := db.Exec("UPDATE person_roles SET valid_to = '' WHERE person_id = ?", contact.Person).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Exec("UPDATE person_roles SET valid_to = '2026-03-03' WHERE person_id = ?", head.Person).Error; err != nil {
			t.Fatal(err)
		}
		if answers, _ := acts("2026-03-03"); !answers {
			t.Error("the head is still the head")
		}
		if answers, _ := acts("2026-03-04"); answers {
			t.Error("who delegated heads the unit no more")
		}
	})
}
