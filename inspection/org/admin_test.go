package org

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var nobodyElse = inspection.Actor{Person: "00000000-0000-7000-8000-000000000002", Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs, Organisation: "x"}}}

// wrongs asserts the code, key and field of an error.
func wrongs(t *testing.T, what string, err error, code inspection.Code, key, field string) {
	t.Helper()
	e, ok := err.(*inspection.Error)
	if !ok || e.Code != code || key != "" && e.Key != key || field != "" && e.Fields[field] == "" {
		t.Errorf("%s: %v, want %s %s %s", what, err, code, key, field)
	}
}

func rowsOf(t *testing.T, db *gorm.DB, table string) (n int64) {
	t.Helper()
	if err := db.Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// desk makes a desk with two posts, one of which begins later.
func desk(t *testing.T, s *Service, o Organisation, key string) Desk {
	t.Helper()
	d, err := s.AddDesk(ctx, admin, Desk{OrganisationID: o.ID, Key: key, Name: "Một cửa " + key, Address: "Thôn 1", ValidFrom: o.ValidFrom, ValidTo: o.ValidTo})
	if err != nil {
		t.Fatal(err)
	}
	for i, from := range []inspection.Date{"2025-08-01", "2027-01-01"} {
		if _, err := s.AddPost(ctx, admin, Post{DeskID: d.ID, Title: "Công chức tiếp nhận", Field: []string{"Hộ tịch", "Đất đai"}[i], Required: true, ValidFrom: from}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestAWrongEntryIsCorrectedWithAReason(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		d := desk(t, s, o, "d1")
		change := func(reason string, values ...string) Change {
			c := Change{Kind: "desk", ID: d.ID, Version: d.Version, Values: map[string]string{}, Reason: reason}
			for i := 0; i < len(values); i += 2 {
				c.Values[values[i]] = values[i+1]
			}
			return c
		}
		before := rowsOf(t, db, "history")
		wrongs(t, "no reason", s.Correct(ctx, admin, change(" ", "name", "X")), inspection.Invalid, "", "reason")
		wrongs(t, "no name", s.Correct(ctx, admin, change("x", "name", " ")), inspection.Invalid, "", "name")
		wrongs(t, "no day", s.Correct(ctx, admin, change("x", "valid_from", "2026-02-30")), inspection.Invalid, "", "valid_from")
		wrongs(t, "reversed", s.Correct(ctx, admin, change("x", "valid_from", "2026-02-02", "valid_to", "2026-02-01")), inspection.Invalid, "org.error.dates_reversed", "")
		wrongs(t, "before its organisation", s.Correct(ctx, admin, change("x", "valid_from", "2025-06-30")), inspection.Invalid, "org.error.outside_before", "")
		wrongs(t, "after its posts begin", s.Correct(ctx, admin, change("x", "valid_from", "2025-09-01")), inspection.Invalid, "org.error.below_outside", "")
		wrongs(t, "nothing", s.Correct(ctx, admin, change("x", "name", d.Name)), inspection.Invalid, "org.error.nothing_changed", "")
		wrongs(t, "a field that is none", s.Correct(ctx, admin, change("x", "organisation_id", o.ID)), inspection.Invalid, "org.error.nothing_changed", "")
		wrongs(t, "not the right", s.Correct(ctx, nobodyElse, change("x", "name", "X")), inspection.Forbidden, "", "")
		wrongs(t, "nobody", s.Correct(ctx, inspection.Actor{}, change("x", "name", "X")), inspection.Unauthenticated, "", "")
		unknown := change("x", "name", "X")
		unknown.ID = inspection.NewID()
		wrongs(t, "unknown", s.Correct(ctx, admin, unknown), inspection.NotFound, "", "")
		if rowsOf(t, db, "history") != before || rowsOf(t, db, "corrections") != 0 {
			t.Fatal("what was refused left something")
		}
		if err := s.Correct(ctx, admin, change("gõ sai", "name", "Bộ phận Một cửa Đúng", "address", "")); err != nil {
			t.Fatal(err)
		}
		wrongs(t, "an old version", s.Correct(ctx, admin, change("x", "name", "Khác")), inspection.Conflict, "org.error.changed_meanwhile", "")
		now, err := DeskByID(db, d.ID)
		if err != nil || now.Name != "Bộ phận Một cửa Đúng" || now.Address != "" || now.Search != "bo phan mot cua dung" || now.Version != 2 {
			t.Fatalf("%+v %v", now, err)
		}
		lines, err := s.Corrections(ctx, admin, d.ID)
		if err != nil || len(lines) != 2 || lines[0].Reason != "gõ sai" || lines[0].Act != Corrected || lines[0].CorrectedBy != admin.Person {
			t.Fatalf("%+v %v", lines, err)
		}
		events, err := history.OfSubject(db, "desk", d.ID)
		if err != nil || len(events) != 3 || strings.Contains(events[1].Body+events[2].Body, "gõ sai") || strings.Contains(events[1].Body+events[2].Body, "Đúng") {
			t.Fatalf("%+v %v", events, err)
		}
		for _, sql := range []string{"UPDATE corrections SET reason = 'y'", "DELETE FROM corrections"} {
			if err := db.Exec(sql).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", sql, err)
			}
		}
		wrongs(t, "dates against the lineage", s.Correct(ctx, admin, Change{Kind: "organisation", ID: w["old1"].ID, Version: 1, Values: map[string]string{"valid_to": "2025-05-31"}, Reason: "x"}),
			inspection.Invalid, "org.error.lineage_outside", "")
	})
}

func TestWhatAThingIsAndWhereItBelongsIsCorrected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		d := desk(t, s, o, "d1")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		place, err := UnitByKey(db, "q")
		must(err)
		above, err := s.AddOrganisation(ctx, admin, Organisation{Key: "above", Kind: PeoplesCommittee, Name: "Ủy ban", AdminUnitID: place.ID, ValidFrom: "2025-07-01"})
		must(err)
		change := func(kind, id string, version int64, values ...string) error {
			c := Change{Kind: kind, ID: id, Version: version, Values: map[string]string{}, Reason: "nhập sai"}
			for i := 0; i < len(values); i += 2 {
				c.Values[values[i]] = values[i+1]
			}
			return s.Correct(ctx, admin, c)
		}
		wrongs(t, "a kind that is none", change("organisation", o.ID, 1, "kind", "SHOP"), inspection.Invalid, "", "kind")
		wrongs(t, "no such place", change("organisation", o.ID, 1, "admin_unit_id", inspection.NewID()), inspection.Invalid, "", "unit")
		wrongs(t, "below nobody", change("organisation", o.ID, 1, "parent_id", inspection.NewID()), inspection.Invalid, "", "parent")
		wrongs(t, "below itself", change("organisation", o.ID, 1, "parent_id", o.ID), inspection.Invalid, "", "parent")
		must(change("organisation", o.ID, 1, "kind", string(ReceptionPoint), "admin_unit_id", place.ID, "parent_id", above.ID))
		wrongs(t, "in a ring", change("organisation", above.ID, 1, "parent_id", o.ID), inspection.Invalid, "", "parent")
		got, err := OrganisationByID(db, o.ID)
		if err != nil || got.Kind != ReceptionPoint || got.AdminUnitID != place.ID || deref(got.ParentID) != above.ID || got.Name != o.Name {
			t.Errorf("%+v %v", got, err)
		}
		must(change("organisation", o.ID, 2, "parent_id", ""))
		if got, err = OrganisationByID(db, o.ID); err != nil || got.ParentID != nil {
			t.Errorf("%+v %v", got, err)
		}
		old, err := UnitByKey(db, "p/c")
		must(err)
		wrongs(t, "a place that was not there", change("organisation", o.ID, 3, "admin_unit_id", old.ID), inspection.Invalid, "", "")

		wrongs(t, "a type that is none", change("unit", place.ID, 1, "unit_type", "VILLAGE"), inspection.Invalid, "", "unit_type")
		wrongs(t, "a country in a country", change("unit", place.ID, 1, "unit_type", "COUNTRY"), inspection.Invalid, "", "unit_type")
		must(change("unit", place.ID, 1, "unit_type", "CITY"))
		if place, err = UnitByKey(db, "q"); err != nil || place.Type != "CITY" {
			t.Errorf("%+v %v", place, err)
		}

		posts, err := PostsOf(db, d.ID, "")
		must(err)
		p := posts[0]
		wrongs(t, "perhaps", change("post", p.ID, 1, "required", "PERHAPS"), inspection.Invalid, "", "required")
		wrongs(t, "as it is", change("post", p.ID, 1, "required", "YES"), inspection.Invalid, "org.error.nothing_changed", "")
		must(change("post", p.ID, 1, "required", "NO"))
		must(db.Where("id = ?", p.ID).Take(&p).Error)
		if p.Required || p.Title != posts[0].Title {
			t.Errorf("%+v", p)
		}
		kept, err := s.Corrections(ctx, admin, o.ID, p.ID, place.ID)
		must(err)
		said := map[string]string{}
		for _, k := range kept {
			said[k.Field] += k.Before + ">" + k.After + " "
		}
		if len(kept) != 6 || said["kind"] != "SERVICE_CENTER_COMMUNE>RECEPTION_POINT " || said["required"] != "YES>NO " || !strings.Contains(said["parent_id"], ">Ủy ban ") || said["admin_unit_id"] == "" || said["unit_type"] == "" {
			t.Errorf("%v", said)
		}
	})
}

func TestTwoCorrectionsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		errs := together(2, func(i int) error {
			return s.Correct(ctx, admin, Change{Kind: "organisation", ID: o.ID, Version: o.Version, Values: map[string]string{"name": []string{"A", "B"}[i]}, Reason: "x"})
		})
		if (errs[0] == nil) == (errs[1] == nil) || rowsOf(t, db, "corrections") != 1 {
			t.Error(errs, rowsOf(t, db, "corrections"))
		}
	})
}

// together runs n at once.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errs
}

func TestADeskMovesWithItsPosts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		d := desk(t, s, w["new"], "d1")
		u, err := UnitByKey(db, "q/c")
		if err != nil {
			t.Fatal(err)
		}
		to, err := s.AddOrganisation(ctx, admin, Organisation{Key: "later", Kind: ReceptionPoint, Name: "Điểm sau", AdminUnitID: u.ID, ValidFrom: "2026-05-01"})
		if err != nil {
			t.Fatal(err)
		}
		move := Move{Desk: d.ID, Version: 1, OrganisationID: to.ID, From: "2026-05-01", Reason: "QĐ 5"}
		try := func(change func(*Move)) error {
			m := move
			change(&m)
			_, err := s.MoveDesk(ctx, admin, m)
			return err
		}
		wrongs(t, "where nothing is yet", try(func(m *Move) { m.From = "2026-04-30" }), inspection.Invalid, "org.error.desk_unit_not_there", "organisation")
		wrongs(t, "where nothing is any more", try(func(m *Move) { m.OrganisationID = w["old1"].ID }), inspection.Invalid, "org.error.desk_unit_not_there", "organisation")
		wrongs(t, "before it was", try(func(m *Move) { m.From = "2025-07-01" }), inspection.Invalid, "org.error.desk_not_there", "from")
		wrongs(t, "nowhere", try(func(m *Move) { m.OrganisationID = inspection.NewID() }), inspection.Invalid, "", "organisation")
		wrongs(t, "where it is", try(func(m *Move) { m.OrganisationID = d.OrganisationID }), inspection.Invalid, "", "organisation")
		wrongs(t, "without a reason", try(func(m *Move) { m.Reason = "" }), inspection.Invalid, "", "reason")
		wrongs(t, "an old version", try(func(m *Move) { m.Version = 9 }), inspection.Conflict, "", "")
		wrongs(t, "no day", try(func(m *Move) { m.From = "" }), inspection.Invalid, "", "from")
		errs := together(2, func(int) error { return try(func(*Move) {}) })
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatal("moved twice at once:", errs)
		}
		old, err := s.DeskDetail(ctx, admin, d.ID)
		if err != nil || old.ValidTo != "2026-04-30" || old.After.OrganisationID != to.ID || len(old.Posts) != 1 || old.Posts[0].ValidTo != "2026-04-30" {
			t.Fatalf("%+v %v", old, err)
		}
		fresh, err := s.DeskDetail(ctx, admin, old.After.ID)
		if err != nil || fresh.ValidFrom != "2026-05-01" || fresh.Before.ID != d.ID || fresh.Name != d.Name || fresh.Key != "d1@2026-05-01" || len(fresh.Posts) != 2 {
			t.Fatalf("%+v %v", fresh, err)
		}
		for _, p := range fresh.Posts {
			if p.Field == "Hộ tịch" && p.ValidFrom != "2026-05-01" || p.Field == "Đất đai" && p.ValidFrom != "2027-01-01" {
				t.Errorf("%+v", p)
			}
		}
	})
}

func TestAnOrganisationChangesByDatedRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		d := desk(t, s, o, "d1")
		p, err := s.AddPerson(ctx, admin, Person{Name: "Giám đốc"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.GrantRole(ctx, admin, RoleRow{PersonID: p.ID, Role: inspection.UnitHead, OrganisationID: &o.ID, ValidFrom: "2026-01-01"}); err != nil {
			t.Fatal(err)
		}
		rename := Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: 1, Relation: Renamed, Name: "Trung tâm tên mới", On: "2026-06-01", LegalAct: "QĐ 1"}
		for what, change := range map[string]func(*Reorganisation){
			"name": func(r *Reorganisation) { r.Name = o.Name }, "legal_act": func(r *Reorganisation) { r.LegalAct = "" }, "on": func(r *Reorganisation) { r.On = "2025-07-01" },
			"relation": func(r *Reorganisation) { r.Relation = "SOLD" }, "successor": func(r *Reorganisation) { r.Relation, r.Successor = MergedInto, inspection.NewID() }} {
			r := rename
			change(&r)
			_, err := s.Reorganise(ctx, admin, r)
			wrongs(t, what, err, inspection.Invalid, "", what)
		}
		heir, err := s.Reorganise(ctx, admin, rename)
		if err != nil || heir != rename.ID {
			t.Fatal(heir, err)
		}
		other := rename
		other.ID, other.Version, other.Relation, other.Successor = inspection.NewID(), 2, MergedInto, heir
		_, err = s.Reorganise(ctx, admin, other)
		wrongs(t, "a second heir on the same day", err, inspection.Conflict, "org.error.went_already", "relation")
		old, err := s.Detail(ctx, admin, o.ID)
		if err != nil || old.Name != o.Name || old.ValidTo != "2026-05-31" || len(old.Became) != 1 || old.Became[0].LegalAct != "QĐ 1" || old.Desks[0].ValidTo != "2026-05-31" {
			t.Fatalf("%+v %v", old, err)
		}
		now, err := s.Detail(ctx, admin, heir)
		if err != nil || now.Name != "Trung tâm tên mới" || now.ValidFrom != "2026-06-01" || len(now.Desks) != 1 || *now.Desks[0].PredecessorID != d.ID || len(now.Roles) != 1 || now.Roles[0].ValidFrom != "2026-06-01" {
			t.Fatalf("%+v %v", now, err)
		}
		for day, want := range map[inspection.Date]string{"2026-05-31": o.ID, "2026-06-01": heir} {
			c, err := CapacitiesOf(db, p.ID, day)
			if err != nil || len(c) != 1 || c[0].Organisation != want {
				t.Errorf("%s: %+v %v", day, c, err)
			}
		}
		_, err = s.Reorganise(ctx, admin, Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: old.Version, Relation: Dissolved, On: "2026-07-01", LegalAct: "QĐ 2"})
		wrongs(t, "what is no more", err, inspection.Invalid, "org.error.predecessor_not_there", "on")
		if _, err := s.Reorganise(ctx, admin, Reorganisation{Organisation: heir, ID: inspection.NewID(), Version: now.Version, Relation: Dissolved, On: "2028-01-01", LegalAct: "QĐ 3"}); err != nil {
			t.Fatal(err)
		}
		end, _ := s.Detail(ctx, admin, heir)
		if end.ValidTo != "2027-12-31" || end.Desks[0].ValidTo != "2027-12-31" || end.Desks[0].Posts[0].ValidTo != "2027-12-31" || len(end.Became) != 1 || end.Became[0].SuccessorID != nil {
			t.Fatalf("%+v", end)
		}
	})
}

func TestANewNameKeepsTheCalendarAndWhatLiesBelow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		week := func(from inspection.Date, opens inspection.Minute) Week {
			k := Week{From: from}
			for d := time.Monday; d <= time.Friday; d++ {
				k.Days[d] = []inspection.Session{{Open: opens, Close: at(17, 0)}}
			}
			return k
		}
		must(s.SetPeriod(ctx, admin, o.ID, 0, week("2026-01-01", at(7, 0)), nil, ""))
		must(s.SetDay(ctx, admin, o.ID, SpecialDay{Day: "2026-06-03", Kind: Holiday, Name: "Ngày truyền thống"}, "QĐ 2"))
		child, err := s.AddOrganisation(ctx, admin, Organisation{Key: "below", Kind: ReceptionPoint, Name: "Điểm tiếp nhận", AdminUnitID: o.AdminUnitID, ParentID: &o.ID, ValidFrom: "2026-01-01"})
		must(err)
		heir, err := s.Reorganise(ctx, admin, Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: 1, Relation: Renamed, Name: "Trung tâm tên mới", On: "2026-06-01", LegalAct: "QĐ 1"})
		must(err)
		hours := func(what string, day inspection.Date, opens inspection.Minute) {
			t.Helper()
			many, err := CalendarsFor(db, []string{o.ID, heir, child.ID})
			must(err)
			for name, id := range map[string]string{"old": o.ID, "new": heir, "below": child.ID} {
				one, err := CalendarFor(db, id)
				must(err)
				if !reflect.DeepEqual(many[id], one) {
					t.Errorf("%s: many at once differ from one of the %s: %+v %+v", what, name, many[id], one)
				}
				if h := one.Hours(day); opens == 0 && len(h) != 0 || opens != 0 && (len(h) != 1 || h[0].Open != opens) {
					t.Errorf("%s, %s on %s: %v", what, name, day, h)
				}
			}
		}
		for _, day := range []inspection.Date{"2026-05-29", "2026-06-02"} {
			hours("renamed", day, at(7, 0))
		}
		hours("its holiday", "2026-06-03", 0)
		// Entered under the new name, it counts from the new name on.
		must(s.SetPeriod(ctx, admin, heir, 0, week("", at(8, 0)), nil, ""))
		hours("before", "2026-05-29", at(7, 0))
		hours("after", "2026-06-02", at(8, 0))
		hours("its holiday still", "2026-06-03", 0)
		if c, err := s.OwnCalendar(ctx, admin, heir); err != nil || len(c.Weeks) != 1 || c.Weeks[0].From != "" {
			t.Errorf("what was entered: %+v %v", c.Weeks, err)
		}

		now := s.clock.(*inspection.ManualClock)
		for day, want := range map[inspection.Date]string{"2026-05-31": o.ID, "2026-06-01": heir} {
			now.Set(day.Time().Add(9 * time.Hour))
			if d, err := s.Detail(ctx, admin, child.ID); err != nil || d.Parent.ID != want {
				t.Errorf("%s: lies below %s, %v", day, d.Parent.Name, err)
			}
		}
		if d, err := s.Detail(ctx, admin, heir); err != nil || len(d.Children) != 1 || d.Children[0].ID != child.ID || !d.Calendar {
			t.Errorf("below the new name: %+v, calendar %v, %v", d.Children, d.Calendar, err)
		}
	})
}

func TestEndingEndsWhatHangsOnIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		o := w["new"]
		d := desk(t, s, o, "d1")
		wrongs(t, "before it began", s.End(ctx, admin, "organisation", o.ID, 1, "2025-06-30", "x"), inspection.Invalid, "org.error.ends_before", "last")
		wrongs(t, "no reason", s.End(ctx, admin, "organisation", o.ID, 1, "2026-06-30", ""), inspection.Invalid, "", "reason")
		wrongs(t, "a person", s.End(ctx, admin, "person", o.ID, 1, "2026-06-30", "x"), inspection.NotFound, "", "")
		wrongs(t, "before a post begins", s.End(ctx, admin, "organisation", o.ID, 1, "2026-06-30", "x"), inspection.Invalid, "org.error.ends_before", "last")
		if err := s.End(ctx, admin, "desk", d.ID, 1, "2027-06-30", "thôi"); err != nil {
			t.Fatal(err)
		}
		wrongs(t, "longer", s.End(ctx, admin, "desk", d.ID, 2, "2028-06-30", "x"), inspection.Invalid, "org.error.ended_already", "last")
		posts, err := PostsOf(db, d.ID, "2027-07-01")
		if err != nil || len(posts) != 0 {
			t.Error(posts, err)
		}
		if n := rowsOf(t, db, "corrections"); n != 3 {
			t.Errorf("%d rows of corrections", n)
		}
	})
}

func TestRolesKeepWithinTheirTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		fresh, old := w["new"].ID, w["old1"].ID
		p, err := s.AddPerson(ctx, admin, Person{Name: "Ai Đó"})
		if err != nil {
			t.Fatal(err)
		}
		grant := func(r RoleRow) error { r.PersonID = p.ID; _, err := s.GrantRole(ctx, admin, r); return err }
		head := RoleRow{Role: inspection.UnitHead, OrganisationID: &fresh, ValidFrom: "2026-01-01", ValidTo: "2026-06-30"}
		with := func(change func(*RoleRow)) RoleRow { r := head; change(&r); return r }
		wrongs(t, "ends before it begins", grant(with(func(r *RoleRow) { r.ValidTo = "2025-12-31" })), inspection.Invalid, "org.error.dates_reversed", "valid_to")
		wrongs(t, "before its organisation", grant(with(func(r *RoleRow) { r.ValidFrom = "2025-06-30" })), inspection.Invalid, "org.error.outside_before", "")
		wrongs(t, "after its organisation", grant(with(func(r *RoleRow) { r.OrganisationID = &old })), inspection.Invalid, "", "")
		wrongs(t, "of a team", grant(with(func(r *RoleRow) { r.Role = inspection.Inspector })), inspection.Invalid, "", "role")
		wrongs(t, "nowhere", grant(with(func(r *RoleRow) { r.OrganisationID = nil })), inspection.Invalid, "", "organisation")
		r := head
		r.PersonID = admin.Person
		_, err = s.GrantRole(ctx, admin, r)
		wrongs(t, "one's own", err, inspection.Forbidden, "org.error.own_roles", "")
		errs := together(4, func(int) error { return grant(head) })
		passed := 0
		for _, err := range errs {
			if err == nil {
				passed++
			}
		}
		if passed != 1 {
			t.Fatal("the same role at once:", errs)
		}
		for what, r := range map[string]RoleRow{"inside": with(func(r *RoleRow) { r.ValidFrom, r.ValidTo = "2026-03-01", "2026-03-02" }), "around": with(func(r *RoleRow) { r.ValidFrom, r.ValidTo = "", "" }),
			"last day": with(func(r *RoleRow) { r.ValidFrom, r.ValidTo = "2026-06-30", "" })} {
			wrongs(t, what, grant(r), inspection.Conflict, "org.error.role_overlaps", "valid_from")
		}
		if err := grant(with(func(r *RoleRow) { r.ValidFrom, r.ValidTo = "2026-07-01", "" })); err != nil {
			t.Error("the day after:", err)
		}
		if err := grant(with(func(r *RoleRow) { r.Role = inspection.UnitContact })); err != nil {
			t.Error("another role:", err)
		}
	})
}

func TestARoleGivenByMistakeHasNeverHeld(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		unit := w["new"].ID
		p, err := s.AddPerson(ctx, admin, Person{Name: "Giao Nhầm"})
		if err != nil {
			t.Fatal(err)
		}
		head := RoleRow{PersonID: p.ID, Role: inspection.UnitHead, OrganisationID: &unit, ValidFrom: "2026-01-01"}
		r, err := s.GrantRole(ctx, admin, head)
		if err != nil {
			t.Fatal(err)
		}
		team := inspection.NewID()
		of, err := Grant(db, act(), RoleRow{PersonID: p.ID, Role: inspection.Inspector, OrganisationID: &unit, TeamID: &team})
		if err != nil {
			t.Fatal(err)
		}
		own := act()
		own.Actor.Person = p.ID
		wrongs(t, "no reason", VoidRole(db, act(), r.ID, 1, " "), inspection.Invalid, "", "reason")
		wrongs(t, "one's own", VoidRole(db, own, r.ID, 1, "nhầm"), inspection.Forbidden, "org.error.own_roles", "")
		wrongs(t, "an old version", VoidRole(db, act(), r.ID, 7, "nhầm"), inspection.Conflict, "org.error.changed_meanwhile", "")
		wrongs(t, "of a team", VoidRole(db, act(), of.ID, 1, "nhầm"), inspection.NotFound, "", "")
		wrongs(t, "unknown", VoidRole(db, act(), inspection.NewID(), 1, "nhầm"), inspection.NotFound, "", "")
		if err := VoidRole(db, act(), r.ID, 1, "nhầm người"); err != nil {
			t.Fatal(err)
		}
		for _, day := range []inspection.Date{"2026-01-01", "2026-02-02", "2027-01-01"} {
			if c, err := CapacitiesOf(db, p.ID, day); err != nil || len(c) != 1 || c[0].Team != team {
				t.Errorf("%s: %+v %v", day, c, err)
			}
		}
		wrongs(t, "twice", VoidRole(db, act(), r.ID, 2, "nhầm"), inspection.Conflict, "org.error.role_void", "")
		_, err = EndGrant(db, act(), r.ID, 2, "2026-03-01", "x")
		wrongs(t, "ended afterwards", err, inspection.Conflict, "org.error.role_void", "")
		lines, err := RolesOf(db, p.ID)
		if err != nil || len(lines) != 2 || !lines[1].Void() || lines[1].VoidReason != "nhầm người" || lines[1].ValidFrom != "2026-01-01" {
			t.Errorf("the row is gone: %+v %v", lines, err)
		}
		if c, err := s.Corrections(ctx, admin, r.ID); err != nil || len(c) != 1 || c[0].Reason != "nhầm người" || c[0].CorrectedBy != admin.Person {
			t.Errorf("%+v %v", c, err)
		}
		if d, err := s.Detail(ctx, admin, unit); err != nil || len(d.Roles) != 0 {
			t.Errorf("the unit's page shows %+v %v", d.Roles, err)
		}
		if _, err := s.GrantRole(ctx, admin, head); err != nil {
			t.Error("given rightly after all:", err)
		}
		heir, err := s.Reorganise(ctx, admin, Reorganisation{Organisation: unit, ID: inspection.NewID(), Version: 1, Relation: Renamed, Name: "Tên mới", On: "2026-06-01", LegalAct: "QĐ"})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := s.Detail(ctx, admin, heir); err != nil || len(d.Roles) != 1 {
			t.Errorf("a new name revives what is void: %+v %v", d.Roles, err)
		}
	})
}

func TestPeriodsOfACalendarDoNotOverlap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		owner := w["new"].ID
		week := func(from, to inspection.Date) Week {
			out := Week{From: from, To: to}
			out.Days[time.Monday] = []inspection.Session{{Open: 450, Close: 690}}
			return out
		}
		set := func(version int64, w Week) error {
			return s.SetPeriod(ctx, admin, owner, version, w, nil, "đổi giờ")
		}
		if err := set(0, week("2026-03-01", "2026-09-30")); err != nil {
			t.Fatal(err)
		}
		for _, p := range [][2]inspection.Date{{"2026-01-01", "2026-03-01"}, {"2026-09-30", ""}, {"", ""}, {"2026-04-01", "2026-05-01"}, {"2026-03-01", "2026-09-30"}, {"", "2026-06-01"}} {
			wrongs(t, string(p[0]+" "+p[1]), set(2, week(p[0], p[1])), inspection.Invalid, "org.error.periods_overlap", "valid_from")
		}
		wrongs(t, "reversed", set(2, week("2027-02-01", "2027-01-01")), inspection.Invalid, "org.error.dates_reversed", "")
		wrongs(t, "no hours", set(2, Week{From: "2027-01-01"}), inspection.Invalid, "org.error.no_hours", "hours")
		twice := week("2027-01-01", "")
		twice.Days[time.Monday] = append(twice.Days[time.Monday], inspection.Session{Open: 600, Close: 700})
		wrongs(t, "sessions that overlap", set(2, twice), inspection.Invalid, "org.error.hours", "hours")
		wrongs(t, "an old version", set(1, week("2027-01-01", "")), inspection.Conflict, "", "")
		wrongs(t, "unknown", s.SetPeriod(ctx, admin, inspection.NewID(), 0, week("", ""), nil, ""), inspection.NotFound, "", "")
		errs := together(2, func(i int) error { return set(2, week([]inspection.Date{"2027-01-01", "2027-02-01"}[i], "")) })
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Error("two periods at once:", errs)
		}
		first := inspection.Date("2026-03-01")
		if err := s.SetPeriod(ctx, admin, owner, 3, week("2026-02-01", "2026-09-30"), &first, "nhập sai giờ"); err != nil {
			t.Error(err)
		}
		own, err := s.OwnCalendar(ctx, admin, owner)
		if err != nil || len(own.Weeks) != 2 || own.Weeks[0].From != "2026-02-01" || own.Version != 4 {
			t.Errorf("%+v %v", own, err)
		}
		if err := s.SetDay(ctx, admin, owner, SpecialDay{"2026-03-02", Holiday, "Ngày hội"}, "QĐ 3"); err != nil {
			t.Fatal(err)
		}
		if err := s.SetDay(ctx, admin, owner, SpecialDay{"2026-03-02", MakeUpWorking, "nhầm"}, "x"); err != nil {
			t.Fatal(err)
		}
		wrongs(t, "no kind", s.SetDay(ctx, admin, owner, SpecialDay{"2026-03-02", "FEAST", "x"}, "x"), inspection.Invalid, "", "kind")
		own, _ = s.OwnCalendar(ctx, admin, owner)
		preview := own.Effective.Preview("2026-03-01", 3)
		if len(own.Days) != 1 || preview[1].Kind != MakeUpWorking || len(preview[1].Hours) != 1 || len(preview[2].Hours) != 0 {
			t.Errorf("%+v %+v", own.Days, preview)
		}
		bad, err := s.ImportHours(ctx, admin, "q", strings.NewReader("weekdays,opens,closes,valid_from,valid_to\n1-5,07:00,11:00,2026-01-01,2026-12-31\n1-5,13:00,17:00,2026-06-01,\n"), false)
		wrongs(t, "hours from a file", err, inspection.Invalid, "org.error.periods_overlap", "")
		if bad.Applied {
			t.Error("applied")
		}
		lines, _, err := s.Calendars(ctx, admin, "trung tam", inspection.Page{})
		if err != nil || len(lines) != 1 || lines[0].IsUnit || lines[0].Hours != 2 || lines[0].Days != 1 {
			t.Errorf("%+v %v", lines, err)
		}
	})
}

const sheetHead = "ma_don_vi,ten,loai,don_vi_hanh_chinh,don_vi_cap_tren,tu_ngay,den_ngay,ma_quay,ten_quay,dia_chi,vi_tri,linh_vuc,bat_buoc\n"

func TestACalendarChangesWithAReasonThatIsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, w := service(db), world(t, db)
		owner := w["new"].ID
		week := Week{From: "2026-01-01"}
		week.Days[time.Monday] = []inspection.Session{{Open: at(7, 0), Close: at(11, 0)}, {Open: at(13, 0), Close: at(17, 0)}}
		week.Days[time.Saturday] = []inspection.Session{{Open: at(7, 0), Close: at(11, 0)}}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		version := func() int64 {
			c, err := s.OwnCalendar(ctx, admin, owner)
			must(err)
			return c.Version
		}
		holiday := SpecialDay{Day: "2026-03-03", Kind: Holiday, Name: "Nhập nhầm"}
		must(s.SetPeriod(ctx, admin, owner, 0, week, nil, "")) // the first entry changes nothing
		first := inspection.Date("2026-01-01")
		wrongs(t, "a day", s.SetDay(ctx, admin, owner, holiday, " "), inspection.Invalid, "", "reason")
		wrongs(t, "a period replaced", s.SetPeriod(ctx, admin, owner, version(), week, &first, ""), inspection.Invalid, "", "reason")
		wrongs(t, "a period taken back", s.RemovePeriod(ctx, admin, owner, version(), first, ""), inspection.Invalid, "", "reason")
		must(s.SetDay(ctx, admin, owner, holiday, "CV 1"))
		wrongs(t, "a day taken back", s.RemoveDay(ctx, admin, owner, holiday.Day, ""), inspection.Invalid, "", "reason")
		wrongs(t, "a day that is none", s.RemoveDay(ctx, admin, owner, "2026-03-04", "x"), inspection.Conflict, "org.error.changed_meanwhile", "")
		wrongs(t, "not the right", s.RemoveDay(ctx, nobodyElse, owner, holiday.Day, "x"), inspection.Forbidden, "", "")
		must(s.RemoveDay(ctx, admin, owner, holiday.Day, "ngày thường"))
		wrongs(t, "an old version", s.RemovePeriod(ctx, admin, owner, 1, first, "x"), inspection.Conflict, "org.error.changed_meanwhile", "")
		must(s.RemovePeriod(ctx, admin, owner, version(), first, "nhập cho đơn vị khác"))
		if c, err := s.OwnCalendar(ctx, admin, owner); err != nil || len(c.Weeks) != 0 || len(c.Days) != 0 {
			t.Errorf("%+v %v", c, err)
		}
		kept, err := s.Corrections(ctx, admin, owner)
		must(err)
		want := map[string]string{"CV 1": "", "ngày thường": "03/03/2026 HOLIDAY Nhập nhầm", "nhập cho đơn vị khác": "01/01/2026 – …: T2 07:00–11:00, 13:00–17:00; T7 07:00–11:00"}
		if len(kept) != 3 {
			t.Errorf("%+v", kept)
		}
		for _, k := range kept {
			if before, ok := want[k.Reason]; !ok || k.Before != before || k.CorrectedBy != admin.Person || k.SubjectKind != "organisation" {
				t.Errorf("%+v", k)
			}
		}
	})
}

func TestARegisterFromOneSheet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		world(t, db)
		sheet := sheetHead + "a,Trung tâm A,SERVICE_CENTER_COMMUNE,q/c,b,1/9/2025,,,Một cửa A,Thôn 1,Tiếp nhận,Hộ tịch,x\n,,,,,,,,,,,,\n"
		r, err := s.ImportRegister(ctx, admin, strings.NewReader(sheet), false)
		if inspection.CodeOf(err) != inspection.Invalid || len(r.Bad) != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		// The parent stands further down; the second row of an organisation leaves its words out.
		sheet = sheetHead + "a,Trung tâm A,SERVICE_CENTER_COMMUNE,q/c,b,1/9/2025,,,Một cửa A,Thôn 1,Tiếp nhận,Hộ tịch,x\na,,,,,,,,Một cửa A,,Tiếp nhận,Đất đai,\nb,UBND xã Mẫu,Ủy ban nhân dân,xã Mẫu,,,,,,,,,\n"
		dry, err := s.ImportRegister(ctx, admin, strings.NewReader(sheet), true)
		if err != nil || dry.Added != 5 || dry.Applied || rowsOf(t, db, "desks") != 0 {
			t.Fatalf("%+v %v", dry, err)
		}
		if r, err = s.ImportRegister(ctx, admin, strings.NewReader(sheet), false); err != nil || !r.Applied {
			t.Fatalf("%+v %v", r, err)
		}
		events := rowsOf(t, db, "history")
		if r, err = s.ImportRegister(ctx, admin, strings.NewReader(sheet), false); err != nil || r.Applied || r.Added != 0 || r.Same != 5 || rowsOf(t, db, "history") != events {
			t.Fatalf("again: %+v %v", r, err)
		}
		o, err := OrganisationByKey(db, "a")
		if err != nil || o.ValidFrom != "2025-09-01" || o.ParentID == nil {
			t.Fatalf("%+v %v", o, err)
		}
		b, err := OrganisationByKey(db, "b")
		if err != nil || b.ValidFrom != "2025-07-01" || *o.ParentID != b.ID {
			t.Fatalf("%+v %v", b, err)
		}
		detail, err := s.Detail(ctx, admin, o.ID)
		if err != nil || len(detail.Desks) != 1 || detail.Desks[0].Key != "a/mot-cua-a" || len(detail.Desks[0].Posts) != 2 {
			t.Fatalf("%+v %v", detail, err)
		}
		for _, c := range []struct{ name, row, key string }{
			{"another name", "a,Tên khác,,,,,,,,,,,", "org.error.import_differs"},
			{"another day", "a,,,,,2/9/2025,,,,,,,", "org.error.import_differs"},
			{"another address", "a,,,,,,,,Một cửa A,Thôn 2,,,", "org.error.import_differs"},
			{"no kind", "c,C,Nhà hàng,q/c,,,,,,,,,", "org.error.import_kind"},
			{"no unit", "c,C,Sở,zz,,,,,,,,,", "org.error.import_unit"},
			{"no name", "c,,Sở,q/c,,,,,,,,,", "org.error.name"},
			{"no key", ",C,Sở,q/c,,,,,,,,,", "org.error.unit_key"},
			{"no day", "c,C,Sở,q/c,,31/02/2026,,,,,,,", "org.error.import_date"},
			{"reversed", "c,C,Sở,q/c,,1/2/2026,1/1/2026,,,,,,", "org.error.dates_reversed"},
			{"before its unit", "c,C,Sở,q/c,,1/1/2025,,,,,,,", "org.error.import_outside"},
			{"a parent that is not there", "c,C,Sở,q/c,zz,,,,,,,,", "org.error.parent_unknown"},
			{"below itself", "c,C,Sở,q/c,c,,,,,,,,", "org.error.cycle"},
			{"a post without a desk", "c,C,Sở,q/c,,,,,,,Tiếp nhận,,", "org.error.import_no_desk"},
			{"neither yes nor no", "c,C,Sở,q/c,,,,,Một cửa C,,Tiếp nhận,,có lẽ", "org.error.import_yes"},
			{"a formula", "c,=1+1,Sở,q/c,,,,,,,,,", "csv.error.formula"},
		} {
			r, err := s.ImportRegister(ctx, admin, strings.NewReader(sheetHead+c.row+"\n"), false)
			if inspection.CodeOf(err) != inspection.Invalid || len(r.Bad) == 0 || r.Bad[0].Key != c.key || r.Bad[0].Line != 2 {
				t.Errorf("%s: %+v %v", c.name, r.Bad, err)
			}
		}
		r, err = s.ImportRegister(ctx, admin, strings.NewReader(sheetHead+"c,C,Sở,q/c,,,,,Một cửa C,,Tiếp nhận,X,x\nc,,,,,,,,Một cửa C,,Tiếp nhận,X,x\n"), false)
		if len(r.Bad) != 1 || r.Bad[0].Key != "org.error.import_post_twice" || r.Bad[0].Line != 3 {
			t.Errorf("a post twice: %+v %v", r.Bad, err)
		}
		if rowsOf(t, db, "history") != events {
			t.Error("what was refused left something")
		}
		if r, err := s.ImportRegister(ctx, nobodyElse, strings.NewReader(sheet), false); inspection.CodeOf(err) != inspection.Forbidden || r.Applied {
			t.Error(err)
		}
		found, _, err := s.Organisations(ctx, admin, OrganisationFilter{Query: "ubnd xa mau", AsOf: "2026-01-01"}, inspection.Page{})
		if err != nil || len(found) != 1 || found[0].UnitName != "Xã Mẫu" || found[0].Desks != 0 {
			t.Errorf("%+v %v", found, err)
		}
		if found, _, _ := s.Organisations(ctx, admin, OrganisationFilter{Query: "ubnd xa mau", AsOf: "2025-06-30"}, inspection.Page{}); len(found) != 0 {
			t.Errorf("before it began: %+v", found)
		}
	})
}

func TestTheTemplateIsAGoodSheet(t *testing.T) {
	db := dbtest.SQLite(t)
	s := service(db)
	if _, err := s.ImportUnits(ctx, admin, strings.NewReader(unitsFile+"q/07,Mẫu 07,COMMUNE,q,2025-07-01,,\n"), strings.NewReader(lineHead), false); err != nil {
		t.Fatal(err)
	}
	if r, err := s.ImportRegister(ctx, admin, strings.NewReader(RegisterTemplate), false); err != nil || r.Added != 4 || r.Posts != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestFiveThousandOrganisations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		world(t, db)
		var b strings.Builder
		b.WriteString(sheetHead)
		for i := range 5000 {
			n := string(rune('a'+i/676)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
			b.WriteString("k" + n + ",Trung tâm " + n + ",Điểm tiếp nhận,q/c,,,,,Một cửa " + n + ",,,,\n")
		}
		r, err := s.ImportRegister(ctx, admin, strings.NewReader(b.String()), false)
		if err != nil || r.Added != 10000 {
			t.Fatalf("%+v %v", r.Added, err)
		}
		seen, cursor := 0, ""
		for {
			rows, next, err := s.Organisations(ctx, admin, OrganisationFilter{Kind: ReceptionPoint}, inspection.Page{Cursor: cursor, Limit: 500})
			if err != nil {
				t.Fatal(err)
			}
			seen += len(rows)
			if cursor = next; next == "" {
				break
			}
		}
		if seen != 5000 {
			t.Errorf("%d of 5000 rows", seen)
		}
	})
}

// TestARoleTakenBackOrEndedDoesNotReturnWithANewName: a rename that was entered ahead has
// carried it on already.
func TestARoleTakenBackOrEndedDoesNotReturnWithANewName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		clock := inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
		act := Act{At: clock.Now(), Actor: inspection.Actor{Person: inspection.NewID()}}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(db.Exec("INSERT INTO admin_units (id, key, name, search, unit_type, version) VALUES ('u', 'vn', 'VN', 'vn', 'COUNTRY', 1)").Error)
		o, err := CreateOrganisation(db, act, Organisation{Name: "A", Kind: PeoplesCommittee, AdminUnitID: "u"})
		must(err)
		var people [3]Person
		var roles [3]RoleRow
		for i := range people {
			people[i], err = CreatePerson(db, act, Person{Name: "P"})
			must(err)
			roles[i], err = Grant(db, act, RoleRow{PersonID: people[i].ID, Role: inspection.Chairperson, OrganisationID: &o.ID, ValidFrom: "2026-03-01"})
			must(err)
		}
		boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		s := New(db, clock)
		fresh, err := CreatePerson(db, act, Person{Name: "P"}) // who begins on the day of the new name
		must(err)
		_, err = Grant(db, act, RoleRow{PersonID: fresh.ID, Role: inspection.HomeAffairs, OrganisationID: &o.ID, ValidFrom: "2026-04-01"})
		must(err)
		b, err := s.Reorganise(t.Context(), boot, Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: 1, Relation: Renamed, Name: "B", On: "2026-04-01", LegalAct: "QĐ"})
		must(err)
		if held, err := CapacitiesOf(db, fresh.ID, "2026-04-01"); err != nil || len(held) != 1 || held[0].Organisation != b || held[0].Role != inspection.HomeAffairs {
			t.Errorf("%+v, %v", held, err)
		}
		for i := range roles {
			must(db.Where("id = ?", roles[i].ID).Take(&roles[i]).Error)
		}
		_, err = s.Reorganise(t.Context(), boot, Reorganisation{Organisation: b, ID: inspection.NewID(), Version: 1, Relation: Renamed, Name: "C", On: "2026-05-01", LegalAct: "QĐ"})
		must(err)
		must(db.Transaction(func(tx *gorm.DB) error { return VoidRole(tx, act, roles[0].ID, roles[0].Version, "nhầm người") }))
		must(db.Transaction(func(tx *gorm.DB) error {
			_, err := EndGrant(tx, act, roles[1].ID, roles[1].Version, "2026-03-20", "nghỉ hưu")
			return err
		}))
		var open int64
		must(db.Model(&RoleRow{}).Where("person_id = ? AND voided_at = 0 AND valid_to = ''", people[2].ID).Count(&open).Error)
		if open != 1 {
			t.Errorf("%d roles go on for who has one", open)
		}
		for i, days := range []map[inspection.Date]int{{"2026-03-10": 0, "2026-04-01": 0, "2026-05-01": 0}, {"2026-03-10": 1, "2026-03-21": 0, "2026-04-01": 0, "2026-05-01": 0},
			{"2026-03-10": 1, "2026-04-01": 1, "2026-05-01": 1}} {
			for day, want := range days {
				held, err := CapacitiesOf(db, people[i].ID, day)
				if must(err); len(held) != want {
					t.Errorf("person %d on %s: %+v", i, day, held)
				}
			}
		}
	})
}
