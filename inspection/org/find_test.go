package org

import (
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestOnlyAWholeNameIsTakenSilently: a part of a name, or the name of another type of
// unit, or of another day, is never guessed from; what may have been meant is listed.
func TestOnlyAWholeNameIsTakenSilently(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		units := unitsFile + "ca,Cà Mau,PROVINCE,vn,,2025-06-30,\nq/c,Mẫu,COMMUNE,q,2025-07-01,,\nq/d,Mẫu Đông,WARD,q,2025-07-01,,\n"
		if _, err := s.ImportUnits(ctx, admin, strings.NewReader(units), strings.NewReader(lineHead), false); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			words string
			on    inspection.Date
			key   string // of what is found, or
			near  string // what is listed
		}{
			{"xã Mẫu", "2026-01-01", "q/c", ""}, {"XA MAU", "2026-01-01", "q/c", ""}, {"q/c", "2020-01-01", "q/c", ""}, {" q/c ", "", "q/c", ""},
			{"tỉnh Mẫu", "2026-01-01", "q", ""}, {"tỉnh Mẫu", "2020-01-01", "p", ""}, {"Việt Nam", "", "vn", ""}, {"phường Mẫu Đông", "2026-01-01", "q/d", ""},
			{"xã Mẫu", "2020-01-01", "", "Xã Mẫu, Tỉnh Mẫu [q/c, 01/07/2025 –]"}, // not the province of Cà Mau
			{"phường Mẫu", "2026-01-01", "", "Xã Mẫu, Tỉnh Mẫu [q/c"},
			{"Mẫu", "2026-01-01", "", "Xã Mẫu, Tỉnh Mẫu [q/c, 01/07/2025 –]; Phường Mẫu Đông"},
			{"xã Mau", "2024-01-01", "", "Xã Mẫu, Tỉnh Mẫu [q/c"},
			{"Cà", "2020-01-01", "", "Tỉnh Cà Mau [ca, – 30/06/2025]"},
			{"tỉnh Mẫu", "", "", "Tỉnh Mẫu [p, 01/01/2000 – 30/06/2025]"}, // two, of different days
			{"xã Đông Mẫu", "2026-01-01", "", "Phường Mẫu Đông"},
			{"không có", "2026-01-01", "", "-"}, {" ", "2026-01-01", "", "-"},
		} {
			u, err := s.FindUnit(ctx, admin, c.words, c.on)
			listed(t, c.words+" "+string(c.on), u.Key, c.key, err, c.near)
		}
		add := func(key, name, unit string) {
			u, err := UnitByKey(db, unit)
			if err == nil {
				_, err = s.AddOrganisation(ctx, admin, Organisation{Key: key, Kind: ServiceCenterCommune, Name: name, AdminUnitID: u.ID, ValidFrom: u.ValidFrom, ValidTo: u.ValidTo})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		add("tt", "Trung tâm Phục vụ hành chính công xã Mẫu", "q/c")
		add("ub", "Ủy ban nhân dân phường Mẫu Đông", "q/d")
		for _, c := range []struct{ words, key, near string }{
			{"trung tâm phục vụ hành chính công xã mẫu", "tt", ""}, {"tt", "tt", ""}, {"UBND phường Mẫu Đông", "ub", ""}, {"uy ban nhan dan phuong mau dong", "ub", ""},
			{"trung tâm", "", "Trung tâm Phục vụ hành chính công xã Mẫu, Xã Mẫu [tt, 01/07/2025 –]"},
			{"UBND xã", "", "Ủy ban nhân dân phường Mẫu Đông, Phường Mẫu Đông [ub"}, {"ủy ban nhân dân", "", "Ủy ban nhân dân phường Mẫu Đông, Phường Mẫu Đông [ub"}, {"Sở Tư pháp", "", "-"},
		} {
			o, err := s.FindOrganisation(ctx, admin, c.words, "2026-01-01")
			listed(t, c.words, o.Key, c.key, err, c.near)
		}
		whose := func(words string) (string, error) {
			id, err := s.FindOwner(ctx, admin, words, "2026-01-01")
			var key string
			if err == nil {
				err = db.Raw("SELECT key FROM admin_units WHERE id = ? UNION SELECT key FROM organisations WHERE id = ?", id, id).Scan(&key).Error
			}
			return key, err
		}
		for _, c := range []struct{ words, key, near string }{{"tỉnh Mẫu", "q", ""}, {"tt", "tt", ""}, {"không có", "", "-"}, {"mẫu đông", "", "Phường Mẫu Đông, Tỉnh Mẫu [q/d, 01/07/2025 –]; Ủy ban nhân dân"}} {
			key, err := whose(c.words)
			listed(t, "calendar of "+c.words, key, c.key, err, c.near)
		}
	})
}

// listed checks that words found what has a key, or were refused with a list; "-" is the
// refusal that knows nothing to list.
func listed(t *testing.T, what, got, key string, err error, near string) {
	t.Helper()
	if key != "" {
		if err != nil || got != key {
			t.Errorf("%s: %q %v, want %s", what, got, err, key)
		}
		return
	}
	e, ok := err.(*inspection.Error)
	if !ok || e.Code != inspection.Invalid {
		t.Errorf("%s: found %q %v", what, got, err)
		return
	}
	if choices := e.Params["choices"].(string); near == "-" && choices != "" || near != "-" && !strings.Contains(choices, near) {
		t.Errorf("%s: lists %q, want %q", what, choices, near)
	}
}

// TestWhatIsWrongIsNamedAtItsField: of entries, as the pages show them.
func TestWhatIsWrongIsNamedAtItsField(t *testing.T) {
	db := dbtest.SQLite(t)
	s := service(db)
	w := world(t, db)
	parent, err := UnitByKey(db, "q")
	if err != nil {
		t.Fatal(err)
	}
	unit := func(change func(*Unit)) error {
		u := Unit{Key: "q/moi", Name: "Mới", Type: "COMMUNE", ParentID: &parent.ID, ValidFrom: "2026-01-01"}
		change(&u)
		_, err := s.AddUnit(ctx, admin, u)
		return err
	}
	wrongs(t, "a name with its type", unit(func(u *Unit) { u.Name = "xã  Mới" }), inspection.Invalid, "", "name")
	wrongs(t, "no parent", unit(func(u *Unit) { u.ParentID = nil }), inspection.Invalid, "", "parent")
	wrongs(t, "a key that is taken", unit(func(u *Unit) { u.Key = "q" }), inspection.Conflict, "org.error.key_taken", "key")
	for _, name := range []string{"Xã", "Xãng", "Tỉnh Mới"} { // of a commune
		if err := unit(func(u *Unit) { u.Key, u.Name = "q/moi-"+strings.ToLower(inspection.Fold(name)[:1]), name }); err != nil && inspection.KeyOf(err) != "org.error.key_taken" {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrongs(t, "corrected to a name with its type", s.Correct(ctx, admin, Change{Kind: "unit", ID: parent.ID, Version: 1, Values: map[string]string{"name": "Tỉnh  Khác"}, Reason: "x"}), inspection.Invalid, "", "name")
	_, err = s.AddDesk(ctx, admin, Desk{OrganisationID: w["new"].ID, Name: "Một cửa", ValidFrom: "2026-02-01", ValidTo: "2026-01-01"})
	wrongs(t, "a desk that ends before it begins", err, inspection.Invalid, "org.error.dates_reversed", "valid_to")
	d := desk(t, s, w["new"], "k")
	_, err = s.AddPost(ctx, admin, Post{DeskID: d.ID, Title: "  "})
	wrongs(t, "a post without a title", err, inspection.Invalid, "", "title")
	_, err = s.GrantRole(ctx, admin, RoleRow{PersonID: inspection.NewID(), Role: ""})
	if e, ok := err.(*inspection.Error); !ok || e.Fields["role"] != "org.error.role_missing" {
		t.Errorf("no role: %v", err)
	}
}

// TestAnOfficeWithoutHoursAnywhereIsCounted: until it or what it lies in has some.
func TestAnOfficeWithoutHoursAnywhereIsCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		w := world(t, db)
		without := func(want int64) {
			t.Helper()
			if n, err := s.WithoutHours(ctx, admin, "2026-01-05"); err != nil || n != want {
				t.Errorf("%d without hours, want %d: %v", n, want, err)
			}
		}
		without(1)
		if err := s.SetDay(ctx, admin, w["new"].ID, SpecialDay{Day: "2026-01-06", Kind: Holiday, Name: "Nghỉ"}, ""); err != nil {
			t.Fatal(err)
		}
		without(1)
		none := func(want bool) {
			t.Helper()
			if lines, _, err := s.Calendars(ctx, admin, "trung tam new", inspection.Page{}); err != nil || len(lines) != 1 || lines[0].None != want {
				t.Errorf("%+v %v, want %v", lines, err, want)
			}
		}
		none(true)
		if _, err := s.ImportHours(ctx, admin, "vn", Seed("hours.csv"), false); err != nil {
			t.Fatal(err)
		}
		without(0)
		none(false)
	})
}
