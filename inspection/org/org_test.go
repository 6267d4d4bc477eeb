package org

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

var admin = inspection.Actor{Person: "00000000-0000-7000-8000-000000000001", Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}

func service(db *gorm.DB) *Service {
	return New(db, inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone)))
}

func act() Act { return Act{admin, admin.Capacities[0], 1_700_000_000_000} }

func text(r io.Reader) string {
	raw, _ := io.ReadAll(r)
	return string(raw)
}

func TestImportSeedTwiceAndTree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		dry, err := s.ImportUnits(ctx, admin, Seed("units.csv"), Seed("lineage.csv"), true)
		if err != nil || dry.Applied || dry.Added != 164+115 {
			t.Fatalf("dry run: %+v %v", dry, err)
		}
		var n int64
		if db.Model(&Unit{}).Count(&n); n != 0 {
			t.Fatal("a dry run wrote", n)
		}
		first, err := s.ImportUnits(ctx, admin, Seed("units.csv"), Seed("lineage.csv"), false)
		if err != nil || !first.Applied || first.Added != 164+115 || first.Changed+first.Same != 0 {
			t.Fatalf("first: %+v %v", first, err)
		}
		if len(first.LeftOut) != 4 || first.LeftOut[0].Column != "legal_act" {
			t.Fatalf("the four numbers to be confirmed are left out and listed: %+v", first.LeftOut)
		}
		again, err := s.ImportUnits(ctx, admin, Seed("units.csv"), Seed("lineage.csv"), false)
		if err != nil || again.Applied || again.Same != 164+115 || again.Added+again.Changed != 0 {
			t.Fatalf("again: %+v %v", again, err)
		}
		before, err := s.Tree(ctx, admin, "2025-06-30")
		if err != nil {
			t.Fatal(err)
		}
		after, _ := s.Tree(ctx, admin, "2025-07-01")
		if count(before, "DISTRICT") != 8 || count(after, "DISTRICT") != 0 || count(after, "TOWNSHIP") != 0 {
			t.Fatalf("districts %d then %d", count(before, "DISTRICT"), count(after, "DISTRICT"))
		}
		if !slices.ContainsFunc(after, func(u Unit) bool { return u.Key == "vn/ha-noi/chuong-my-2025" && u.Type == "WARD" }) {
			t.Fatal("the ward Chương Mỹ is missing")
		}
		// Hòa Lạc has no last day of its own: it ends with its parents.
		if slices.ContainsFunc(after, func(u Unit) bool { return u.Key == "vn/quang-ninh/mong-cai/hoa-lac" }) {
			t.Fatal("a unit outlives its parent")
		}
		// Chương Mỹ: 32 communes and townships at the end of 2024.
		old, _ := s.Tree(ctx, admin, "2024-03-31")
		n = 0
		for _, u := range old {
			if strings.HasPrefix(u.Key, "vn/ha-noi/chuong-my/") {
				n++
			}
		}
		if n != 32 {
			t.Fatalf("Chương Mỹ had %d communes and townships", n)
		}
		found, _, err := s.SearchUnits(ctx, admin, "tran phu", "2025-06-30", inspection.Page{})
		if err != nil || len(found) != 2 {
			t.Fatalf("homonyms: %d %v", len(found), err)
		}
	})
}

func count(units []Unit, kind UnitType) (n int) {
	for _, u := range units {
		if u.Type == kind {
			n++
		}
	}
	return n
}

// The files as they were first shared: eight rows name the district, which ended the
// day before, as successor of 1 July 2025.
func TestImportNamesTheOriginalMistake(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		units := strings.Replace(text(Seed("units.csv")), "vn/ha-noi/chuong-my-2025,Chương Mỹ,WARD,vn/ha-noi,2025-07-01,,", "vn/ha-noi/chuong-my-other,X,WARD,vn/ha-noi,2025-07-01,,", 1)
		lines := strings.ReplaceAll(text(Seed("lineage.csv")), ",vn/ha-noi/chuong-my-2025,", ",vn/ha-noi/chuong-my,")
		r, err := s.ImportUnits(ctx, admin, strings.NewReader(units), strings.NewReader(lines), false)
		if inspection.KeyOf(err) != "org.error.import_bad_rows" || r.Applied {
			t.Fatal(err)
		}
		var got []int
		for _, b := range r.Bad {
			if b.File != "lineage.csv" || b.Key != "org.error.successor_not_there" || b.Params["key"] != "vn/ha-noi/chuong-my" {
				t.Fatalf("%+v", b)
			}
			got = append(got, b.Line)
		}
		if !slices.Equal(got, []int{29, 30, 31, 32, 33, 34, 35, 36}) {
			t.Fatal(got)
		}
		var n int64
		if db.Model(&Unit{}).Count(&n); n != 0 {
			t.Fatal("bad rows, and yet written:", n)
		}
	})
}

const unitsFile = "key,name,unit_type,parent_key,valid_from,valid_to,note\nvn,Việt Nam,COUNTRY,,,,\np,Tỉnh Mẫu,PROVINCE,vn,2000-01-01,2025-06-30,\nq,Tỉnh Mẫu,PROVINCE,vn,2025-07-01,,\n"
const lineHead = "predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"

func TestImportRefuses(t *testing.T) {
	db := dbtest.SQLite(t)
	s := service(db)
	for _, c := range []struct {
		name, units, lines, file, key string
		line                          int
	}{
		{"unknown parent", "a,A,COMMUNE,zz,,,\n", "", "units.csv", "org.error.parent_unknown", 5},
		{"no parent", "a,A,COMMUNE,,,,\n", "", "units.csv", "org.error.parent_missing", 5},
		{"parent not there yet", "a,A,COMMUNE,p,1999-01-01,,\n", "", "units.csv", "org.error.parent_not_there", 5},
		{"parent gone", "a,A,COMMUNE,p,,2025-07-01,\n", "", "units.csv", "org.error.parent_not_there", 5},
		{"begins after the parent's end", "a,A,COMMUNE,p,2025-07-01,,\n", "", "units.csv", "org.error.parent_not_there", 5},
		{"cycle", "a,A,COMMUNE,b,,,\nb,B,COMMUNE,a,,,\n", "", "units.csv", "org.error.cycle", 5},
		{"dates reversed", "a,A,COMMUNE,p,2020-02-02,2020-02-01,\n", "", "units.csv", "org.error.dates_reversed", 5},
		{"no such day", "a,A,COMMUNE,p,2021-02-29,,\n", "", "units.csv", "org.error.date", 5},
		{"unknown type", "a,A,HAMLET,p,,,\n", "", "units.csv", "org.error.unit_type", 5},
		{"no name", "a,,COMMUNE,p,,,\n", "", "units.csv", "org.error.name", 5},
		{"bad key", "A/../b,A,COMMUNE,p,,,\n", "", "units.csv", "org.error.unit_key", 5},
		{"key twice", "a,A,COMMUNE,p,,,\na,B,COMMUNE,p,,,\n", "", "units.csv", "org.error.key_twice", 6},
		{"formula", "a,=A,COMMUNE,p,,,\n", "", "units.csv", "csv.error.formula", 5},
		{"encoding", "a,\xd0\xe2m,COMMUNE,p,,,\n", "", "units.csv", "csv.error.encoding", 5},
		{"unknown predecessor", "", "zz,WHOLE,q,MERGED_INTO,,2025-07-01\n", "lineage.csv", "org.error.predecessor_unknown", 2},
		{"unknown successor", "", "p,WHOLE,zz,MERGED_INTO,,2025-07-01\n", "lineage.csv", "org.error.successor_unknown", 2},
		{"predecessor gone before", "", "p,WHOLE,q,MERGED_INTO,,2025-07-02\n", "lineage.csv", "org.error.predecessor_not_there", 2},
		{"successor not there yet", "", "p,WHOLE,q,MERGED_INTO,,2025-06-30\n", "lineage.csv", "org.error.successor_not_there", 2},
		{"itself", "", "vn,WHOLE,vn,RENAMED,,2025-07-01\n", "lineage.csv", "org.error.successor_self", 2},
		{"no successor", "", "p,WHOLE,,MERGED_INTO,,2025-07-01\n", "lineage.csv", "org.error.successor_missing", 2},
		{"unknown relation", "", "p,WHOLE,q,EATEN_BY,,2025-07-01\n", "lineage.csv", "org.error.relation", 2},
		{"portion", "", "p,PART,q,MERGED_INTO,,2025-07-01\n", "lineage.csv", "org.error.portion", 2},
		{"no date", "", "p,WHOLE,q,MERGED_INTO,,\n", "lineage.csv", "org.error.effective_date", 2},
		{"row twice", "", "p,WHOLE,q,MERGED_INTO,a,2025-07-01\np,WHOLE,q,MERGED_INTO,b,2025-07-01\n", "lineage.csv", "org.error.lineage_twice", 3},
		{"whole to two", "r,R,PROVINCE,vn,2025-07-01,,\n", "p,WHOLE,q,MERGED_INTO,,2025-07-01\np,PART,r,PART_TRANSFERRED,,2025-07-01\n", "lineage.csv", "org.error.whole_twice", 2},
	} {
		r, err := s.ImportUnits(ctx, admin, strings.NewReader(unitsFile+c.units), strings.NewReader(lineHead+c.lines), false)
		if inspection.CodeOf(err) != inspection.Invalid || len(r.Bad) == 0 || r.Bad[0].Key != c.key || r.Bad[0].File != c.file || r.Bad[0].Line != c.line || r.Applied {
			t.Errorf("%s: %v %+v", c.name, err, r.Bad)
		}
	}
	var n int64
	if db.Model(&Unit{}).Count(&n); n != 0 {
		t.Fatal("something was written:", n)
	}
	for name, units := range map[string]string{
		"same row twice":  unitsFile + "a,A,COMMUNE,p,,,\na,A,COMMUNE,p,,,\n",
		"homonyms":        unitsFile + "a,Trần Phú,COMMUNE,p,,,\nb,Trần Phú,COMMUNE,p,,,\n",
		"byte order mark": "\ufeff" + unitsFile, "CRLF": strings.ReplaceAll(unitsFile, "\n", "\r\n"),
		"child before its parent": "key,name,unit_type,parent_key,valid_from,valid_to\nvn/a,A,COMMUNE,vn,,\nvn,Việt Nam,COUNTRY,,,\n",
	} {
		if r, err := s.ImportUnits(ctx, admin, strings.NewReader(units), strings.NewReader(lineHead), true); err != nil {
			t.Errorf("%s: %v %+v", name, err, r.Bad)
		}
	}
}

func TestImportChangesAndGuardsWhatIsStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		read := func(units, lines string) (Report, error) {
			return s.ImportUnits(ctx, admin, strings.NewReader(units), strings.NewReader(lineHead+lines), false)
		}
		if _, err := read(unitsFile+"a,A,COMMUNE,p,,2025-06-30,\n", "p,WHOLE,q,MERGED_INTO,NQ 1,2025-07-01\n"); err != nil {
			t.Fatal(err)
		}
		head := "key,name,unit_type,parent_key,valid_from,valid_to\n"
		if r, err := read(head+"a,Á,WARD,p,2001-01-01,2025-06-30\n", "p,WHOLE,q,MERGED_INTO,NQ 2,2025-07-01\n"); err != nil || r.Changed != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		u, err := UnitByKey(db, "a")
		if err != nil || u.Name != "Á" || u.Type != "WARD" || u.Version != 2 || u.Search != "a" {
			t.Fatalf("%+v %v", u, err)
		}
		// Shortening the parent leaves out a stored child and a stored lineage row.
		r, err := read(head+"p,Tỉnh Mẫu,PROVINCE,vn,2000-01-01,2024-12-31\n", "")
		if err == nil || len(r.Bad) != 2 || r.Bad[0].Line != 2 || r.Bad[1].Line != 2 {
			t.Fatalf("%+v %v", r.Bad, err)
		}
		if _, err := s.ImportUnits(ctx, inspection.Actor{Person: "x", Capacities: []inspection.Capacity{{Role: inspection.UnitHead}}},
			strings.NewReader(unitsFile), strings.NewReader(lineHead), true); inspection.CodeOf(err) != inspection.Forbidden {
			t.Fatal(err)
		}
		if _, err := s.ImportUnits(ctx, inspection.Actor{}, strings.NewReader(unitsFile), strings.NewReader(lineHead), true); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Fatal(err)
		}
	})
}

// world is a small tree with two organisations that merge, one that is split.
func world(t *testing.T, db *gorm.DB) map[string]Organisation {
	t.Helper()
	s := service(db)
	if _, err := s.ImportUnits(ctx, admin, strings.NewReader(unitsFile+"p/c,Xã Mẫu,COMMUNE,p,,2025-06-30,\nq/c,Xã Mẫu,COMMUNE,q,2025-07-01,,\n"), strings.NewReader(lineHead), false); err != nil {
		t.Fatal(err)
	}
	out := map[string]Organisation{}
	add := func(key, unit string, from, to inspection.Date) {
		u, err := UnitByKey(db, unit)
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.AddOrganisation(ctx, admin, Organisation{Key: key, Kind: ServiceCenterCommune, Name: "Trung tâm " + key, AdminUnitID: u.ID, ValidFrom: from, ValidTo: to})
		if err != nil {
			t.Fatal(err)
		}
		out[key] = o
	}
	add("grand", "p/c", "", "2023-12-31")
	add("old1", "p/c", "", "2025-06-30")
	add("old2", "p/c", "", "2025-06-30")
	add("new", "q/c", "2025-07-01", "")
	line := func(p, s2 string, r Relation, portion Portion, on inspection.Date) {
		id := out[s2].ID
		if _, err := s.AddLineage(ctx, admin, Lineage{PredecessorID: out[p].ID, SuccessorID: &id, Relation: r, Portion: portion, EffectiveDate: on}); err != nil {
			t.Fatal(err)
		}
	}
	line("grand", "old1", MergedInto, Whole, "2024-01-01")
	line("old1", "new", MergedInto, Whole, "2025-07-01")
	line("old2", "new", PartTransferred, Part, "2025-07-01")
	return out
}

func TestLineageOfOrganisations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := world(t, db)
		got, err := WholePredecessors(db, w["new"].ID, "")
		if want := []string{w["old1"].ID, w["grand"].ID}; err != nil || !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Fatal(got, err)
		}
		if before, err := WholePredecessors(db, w["new"].ID, "2025-06-30"); err != nil || len(before) != 0 {
			t.Fatal("before the day:", before, err)
		}
		if heirs, err := WholeSuccessors(db, w["grand"].ID, "2025-06-30"); err != nil || !slices.Equal(heirs, []string{w["old1"].ID}) {
			t.Fatal(heirs, err)
		}
		for _, c := range []struct {
			from string
			on   inspection.Date
			want string
		}{{"grand", "2023-06-01", "grand"}, {"grand", "2024-06-01", "old1"}, {"grand", "2026-01-01", "new"}, {"old2", "2025-06-30", "old2"}, {"old2", "2025-07-01", ""}} {
			o, ok, err := Responsible(db, w[c.from].ID, c.on)
			if err != nil || ok != (c.want != "") || ok && o.Key != c.want {
				t.Errorf("%s on %s: %s %v %v", c.from, c.on, o.Key, ok, err)
			}
		}
		id := w["new"].ID
		for name, l := range map[string]Lineage{
			"successor not there":   {PredecessorID: w["old1"].ID, SuccessorID: &id, Relation: MergedInto, Portion: Whole, EffectiveDate: "2025-06-30"},
			"predecessor not there": {PredecessorID: w["grand"].ID, SuccessorID: &id, Relation: MergedInto, Portion: Whole, EffectiveDate: "2025-07-01"},
			"wrong portion":         {PredecessorID: w["old2"].ID, SuccessorID: &id, Relation: MergedInto, Portion: Part, EffectiveDate: "2025-07-01"},
			"nobody":                {PredecessorID: w["old2"].ID, Relation: MergedInto, Portion: Whole, EffectiveDate: "2025-07-01"},
		} {
			if _, err := service(db).AddLineage(ctx, admin, l); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		names, err := Names(db, w["old1"].ID, w["new"].ID, w["old1"].ID)
		if err != nil || names[w["old1"].ID] != "Trung tâm old1" || len(names) != 2 {
			t.Fatal(names, err)
		}
		found, next, err := service(db).SearchOrganisations(ctx, admin, "TRUNG tam", "", inspection.Page{Limit: 3})
		if err != nil || len(found) != 3 || next == "" {
			t.Fatal(len(found), next, err)
		}
		rest, next, err := service(db).SearchOrganisations(ctx, admin, "trung tâm", "", inspection.Page{Limit: 3, Cursor: next})
		if err != nil || len(rest) != 1 || next != "" || rest[0].ID == found[2].ID {
			t.Fatal(len(rest), next, err)
		}
	})
}

func TestCalendarsFromFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, s := world(t, db), service(db)
		hours, err := s.ImportHours(ctx, admin, "vn", Seed("hours.csv"), false)
		if err != nil || !hours.Applied {
			t.Fatalf("%+v %v", hours, err)
		}
		if r, err := s.ImportHolidays(ctx, admin, "vn", Seed("holidays.csv"), true); err != nil || r.Applied || r.Added != 41 {
			t.Fatalf("dry run: %+v %v", r, err)
		}
		r, err := s.ImportHolidays(ctx, admin, "vn", Seed("holidays.csv"), false)
		if err != nil || !r.Applied || r.Added != 41 || len(r.LeftOut) != 1 || r.LeftOut[0].Line != 43 {
			t.Fatalf("%+v %v", r, err)
		}
		if r, err := s.ImportHolidays(ctx, admin, "vn", Seed("holidays.csv"), false); err != nil || r.Applied || r.Same != 41 {
			t.Fatalf("again: %+v %v", r, err)
		}
		if r, err := s.ImportHolidays(ctx, admin, "q", strings.NewReader("date,kind,name_vi\n2026-05-19,HOLIDAY,địa phương\n"), false); err != nil || !r.Applied {
			t.Fatalf("%+v %v", r, err)
		}
		bad, err := s.ImportHolidays(ctx, admin, "q", strings.NewReader("date,kind,name_vi\n2026-13-01,HOLIDAY,x\n2026-05-20,FEAST,x\n"), false)
		if err == nil || len(bad.Bad) != 2 || bad.Bad[0].Line != 2 || bad.Bad[1].Line != 3 {
			t.Fatalf("%+v %v", bad, err)
		}
		u, _ := UnitByKey(db, "q/c")
		summer, winter := Week{From: "2026-04-15", To: "2026-10-14"}, Week{From: "2026-10-15"}
		for d := time.Monday; d <= time.Friday; d++ {
			summer.Days[d], winter.Days[d] = []inspection.Session{{Open: at(7, 0), Close: at(11, 30)}, {Open: at(13, 30), Close: at(17, 0)}}, []inspection.Session{{Open: at(7, 30), Close: at(11, 30)}, {Open: at(13, 0), Close: at(17, 0)}}
		}
		if err := SetHours(db, act(), u.ID, []Week{summer, winter}); err != nil {
			t.Fatal(err)
		}
		cal, err := CalendarFor(db, w["new"].ID)
		if err != nil || len(cal.Layers) != 3 {
			t.Fatalf("%d layers, %v", len(cal.Layers), err)
		}
		many, err := CalendarsFor(db, []string{w["new"].ID, w["new"].ID, "none"})
		if err != nil || len(many) != 1 || !reflect.DeepEqual(many[w["new"].ID], cal) {
			t.Errorf("many at once differ from one: %d, %v", len(many), err)
		}
		for day, open := range map[inspection.Date]inspection.Minute{"2026-04-14": at(7, 30), "2026-04-15": at(7, 0), "2026-10-15": at(7, 30)} {
			if h := cal.Hours(day); len(h) != 2 || h[0].Open != open {
				t.Errorf("%s: %v", day, h)
			}
		}
		if cal.IsWorkingDay("2026-05-19") || cal.IsWorkingDay("2026-02-17") || !cal.IsWorkingDay("2026-01-10") || !cal.IsWorkingDay("2026-11-24") {
			t.Error("days of all layers hold; what is to be confirmed does not")
		}
		if d, err := AddWorkingDays(cal, "2026-02-12", 10); err != nil || d != "2026-03-05" {
			t.Error(d, err)
		}
		week := Week{}
		week.Days[time.Monday] = []inspection.Session{{Open: at(8, 0), Close: at(12, 0)}, {Open: at(11, 0), Close: at(17, 0)}}
		if err := SetHours(db, act(), u.ID, []Week{week}); inspection.CodeOf(err) != inspection.Invalid {
			t.Error("sessions that overlap:", err)
		}
	})
}

func TestPeopleAndRoles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, s := world(t, db), service(db)
		p, err := s.AddPerson(ctx, admin, Person{Name: "Công chức tiếp nhận – quầy 2", Simulated: true})
		if err != nil {
			t.Fatal(err)
		}
		old, fresh := w["old1"].ID, w["new"].ID
		grant := func(r RoleRow) (RoleRow, error) { r.PersonID = p.ID; return s.GrantRole(ctx, admin, r) }
		if _, err := grant(RoleRow{Role: inspection.UnitHead, OrganisationID: &old}); err != nil {
			t.Fatal(err)
		}
		team := inspection.NewID()
		r, err := Grant(db, act(), RoleRow{PersonID: p.ID, Role: inspection.Inspector, OrganisationID: &fresh, TeamID: &team, ValidFrom: "2026-01-01"})
		if err != nil {
			t.Fatal(err)
		}
		for day, want := range map[inspection.Date][]inspection.Capacity{
			"2025-06-30": {{Role: inspection.UnitHead, Organisation: old, Former: []string{w["grand"].ID}}},
			"2025-07-01": nil, // the organisation ended, and the role with it
			"2026-01-01": {{Role: inspection.Inspector, Organisation: fresh, Team: team, Former: []string{w["grand"].ID, old}}},
		} {
			got, err := CapacitiesOf(db, p.ID, day)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v %v", day, got, err)
			}
		}
		if err := EndRole(db, act(), r.ID, 7, "2026-02-01", "hết nhiệm vụ"); inspection.CodeOf(err) != inspection.Conflict {
			t.Error("an old version:", err)
		}
		if err := EndRole(db, act(), r.ID, 1, "2026-02-01", "hết nhiệm vụ"); err != nil {
			t.Error(err)
		}
		if got, _ := CapacitiesOf(db, p.ID, "2026-02-02"); len(got) != 0 {
			t.Error(got)
		}
		for name, bad := range map[string]RoleRow{"no such role": {Role: "king", OrganisationID: &old}, "team of a head": {Role: inspection.UnitHead, OrganisationID: &old, TeamID: &team},
			"nowhere": {Role: inspection.UnitHead}, "reversed": {Role: inspection.UnitHead, OrganisationID: &old, ValidFrom: "2026-01-02", ValidTo: "2026-01-01"}} {
			if _, err := grant(bad); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		d, err := s.AddDesk(ctx, admin, Desk{OrganisationID: fresh, Key: "desk", Name: "Quầy 1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.AddDesk(ctx, admin, Desk{OrganisationID: fresh, Key: "desk", Name: "Quầy 2"}); inspection.CodeOf(err) != inspection.Conflict {
			t.Error("a key twice:", err)
		}
		if _, err := s.AddPost(ctx, admin, Post{DeskID: d.ID, Title: "Công chức tiếp nhận", Field: "Hộ tịch", Required: true, Simulated: true}); err != nil {
			t.Fatal(err)
		}
		posts, err := PostsOf(db, d.ID, "2026-01-01")
		if err != nil || len(posts) != 1 || !posts[0].Required || !posts[0].Simulated {
			t.Fatalf("%+v %v", posts, err)
		}
		rows, err := history.OfSubject(db, "person", p.ID)
		if err != nil || len(rows) != 4 {
			t.Fatalf("%d events, %v", len(rows), err)
		}
		for _, h := range rows {
			if strings.Contains(h.Body, "quầy") {
				t.Error("history holds a name")
			}
		}
	})
}

// Many register at once; some fail after they got their number. The numbers that
// stay are 1 to N without a hole.
func TestDocumentNumbersHaveNoHole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		const workers, each = 8, 10
		var mu sync.Mutex
		var got []int
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range each {
					var n int
					fail := (w+i)%4 == 0
					err := db.Transaction(func(tx *gorm.DB) (err error) {
						if n, err = NextDocumentNumber(tx, "doan-1", "BB", 2026); err == nil && fail {
							err = fmt.Errorf("the registration failed")
						}
						return err
					})
					if !fail && err != nil {
						t.Error(err)
					}
					if err == nil {
						mu.Lock()
						got = append(got, n)
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		for i, n := range got {
			if n != i+1 {
				t.Fatalf("hole or double: %v", got)
			}
		}
		if len(got) != workers*each*3/4 {
			t.Fatal(len(got))
		}
		for _, c := range []struct {
			issuer, kind string
			year         int
		}{{"doan-1", "TB", 2026}, {"doan-1", "BB", 2027}, {"doan-2", "BB", 2026}} {
			if n, err := NextDocumentNumber(db, c.issuer, c.kind, c.year); err != nil || n != 1 {
				t.Errorf("%+v: %d %v", c, n, err)
			}
		}
	})
}
