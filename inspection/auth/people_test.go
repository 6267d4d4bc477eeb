package auth

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func wrongs(t *testing.T, what string, err error, code inspection.Code, key string) {
	t.Helper()
	if inspection.CodeOf(err) != code || key != "" && inspection.KeyOf(err) != key {
		t.Errorf("%s: %v, want %s %s", what, err, code, key)
	}
}

// empty is an installation without accounts.
func empty(db *gorm.DB, key string) *Service {
	return New(db, inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone)), Config{Key: []byte("k"), SetupKey: []byte(key)})
}

func first(s *Service, username string) First {
	return First{Code: s.SetupCode(), Name: "Quản trị", Position: "Chuyên viên", Username: username, Password: password, Address: "10.0.0.1"}
}

func TestTheFirstAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := empty(db, "one")
		if a, b := s.SetupCode(), empty(db, "one").SetupCode(); a != b || len(strings.ReplaceAll(a, "-", "")) != 20 {
			t.Fatalf("copies of the program differ: %s %s", a, b)
		}
		if s.SetupCode() == empty(db, "two").SetupCode() {
			t.Fatal("two installations have one code")
		}
		if open, err := s.SetupOpen(ctx); err != nil || !open {
			t.Fatal(open, err)
		}
		for what, c := range map[string]struct {
			change func(*First)
			key    string
		}{
			"no code":         {func(f *First) { f.Code = "" }, "auth.error.setup_code"},
			"a short code":    {func(f *First) { f.Code = f.Code[:11] }, "auth.error.setup_code"},
			"no name":         {func(f *First) { f.Name = " " }, "org.error.invalid"},
			"a user name":     {func(f *First) { f.Username = "ô" }, "auth.error.username"},
			"a weak password": {func(f *First) { f.Password = "123456789012" }, "auth.error.password_common"},
			"no password":     {func(f *First) { f.Password = "" }, "auth.error.password_short"},
		} {
			in := first(s, "quantri")
			c.change(&in)
			_, err := s.FirstAccount(ctx, in)
			wrongs(t, what, err, inspection.Invalid, c.key)
		}
		var n int64
		if db.Model(&org.Person{}).Count(&n); n != 0 {
			t.Fatal("what was refused left a person")
		}
		in := first(s, "quantri")
		in.Code = strings.ToUpper(strings.ReplaceAll(in.Code, "-", " "))
		opened, err := s.FirstAccount(ctx, in)
		if err != nil || opened.MustChange {
			t.Fatal(opened, err)
		}
		who, err := s.Authenticate(ctx, opened.Token, "")
		if err != nil || !who.Actor.Is(inspection.SysAdmin) || who.Actor.Name != "Quản trị" {
			t.Fatal(who, err)
		}
		for what, other := range map[string]*Service{"the same copy": s, "another copy": empty(db, "one")} {
			if open, err := other.SetupOpen(ctx); err != nil || open {
				t.Error(what, open, err)
			}
			_, err = other.FirstAccount(ctx, first(s, "another"))
			wrongs(t, what, err, inspection.NotFound, "")
		}
		events, err := history.OfSubject(db, "person", who.Actor.Person)
		if err != nil || len(events) != 2 || events[0].Actor != who.Actor.Person {
			t.Errorf("%+v %v", events, err)
		}
	})
}

func TestWithoutAKeyThereIsNoSetUp(t *testing.T) {
	s := New(dbtest.SQLite(t), inspection.SystemClock{}, Config{Key: []byte("k")})
	if open, err := s.SetupOpen(ctx); err != nil || open {
		t.Error(open, err)
	}
	_, err := s.FirstAccount(ctx, first(s, "quantri"))
	wrongs(t, "no key", err, inspection.NotFound, "")
}

func TestOfTwoFirstAccountsOneWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		const n = 4
		errs := make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				s := empty(db, "one") // a copy of the program each
				in := first(s, "quantri"+string(rune('a'+i)))
				in.Address += string(rune('0' + i))
				_, errs[i] = s.FirstAccount(ctx, in)
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wrongs(t, "who came second", err, inspection.NotFound, "")
		}
		var accounts, people int64
		db.Model(&Account{}).Count(&accounts)
		db.Model(&org.Person{}).Count(&people)
		if won != 1 || accounts != 1 || people != 1 {
			t.Errorf("%d won, %d accounts, %d people: %v", won, accounts, people, errs)
		}
	})
}

// TestWrongSetUpCodesKeepNobodyOut: wrong ones are slowed down by address; the right one
// passes whoever guessed before, and from the very address too. It is too long to guess.
func TestWrongSetUpCodesKeepNobodyOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := empty(db, "one")
		guess := func(address string) error {
			in := first(s, "quantri")
			in.Code, in.Address = "aaaaa-aaaaa-aaaaa-aaaaa", address
			_, err := s.FirstAccount(ctx, in)
			return err
		}
		for range freeOfSetupAddress {
			wrongs(t, "free", guess("10.0.0.1"), inspection.Invalid, "auth.error.setup_code")
		}
		wrongs(t, "slowed", guess("10.0.0.1"), inspection.Unavailable, "auth.error.wait")
		for i := range 40 {
			wrongs(t, "elsewhere", guess(fmt.Sprintf("10.0.1.%d", i)), inspection.Invalid, "auth.error.setup_code")
		}
		if bits := 20 * math.Log2(256/math.Ceil(256/float64(len(letters)))); bits < 96 { // of the likeliest code
			t.Errorf("the code has %.1f bits", bits)
		}
		if _, err := s.FirstAccount(ctx, first(s, "quantri")); err != nil { // from 10.0.0.1
			t.Error("the right one:", err)
		}
	})
}

// second is another administrator with an account.
func (w *world) second(t *testing.T, from, to inspection.Date) (inspection.Actor, Account, org.RoleRow) {
	t.Helper()
	act := org.Act{At: w.clock.Now()}
	p, err := org.CreatePerson(w.db, act, org.Person{Name: "Quản trị hai"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := org.Grant(w.db, act, org.RoleRow{PersonID: p.ID, Role: inspection.SysAdmin, ValidFrom: from, ValidTo: to})
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := w.AddUser(ctx, w.admin, NewUser{PersonID: p.ID, Username: "quan.tri.2", Password: password + "x"})
	if err != nil {
		t.Fatal(err)
	}
	return inspection.Actor{Person: p.ID, Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}, a, r
}

func (w *world) grantOf(t *testing.T, person string) org.RoleRow {
	t.Helper()
	var r org.RoleRow
	if err := w.db.Where("person_id = ?", person).Take(&r).Error; err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOneAdministratorStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		mine := w.grantOf(t, w.admin.Person)
		wrongs(t, "the last ends her own role", w.EndRole(ctx, w.admin, mine.ID, 1, "2026-12-31", "nghỉ"), inspection.Forbidden, "org.error.own_roles")
		wrongs(t, "the last disables herself", w.SetDisabled(ctx, w.admin, w.a.ID, 1, true), inspection.Forbidden, "auth.error.own_account")
		// A second one whose role has an end, and who therefore is no stay.
		other, account, theirs := w.second(t, "2026-01-01", "2026-12-31")
		wrongs(t, "the only one without an end", w.EndRole(ctx, other, mine.ID, 1, "2026-12-31", "x"), inspection.Conflict, "auth.error.last_administrator")
		wrongs(t, "her account", w.SetDisabled(ctx, other, w.a.ID, 1, true), inspection.Conflict, "auth.error.last_administrator")
		wrongs(t, "taken back as a mistake", w.VoidRole(ctx, other, mine.ID, 1, "nhầm"), inspection.Conflict, "auth.error.last_administrator")
		wrongs(t, "her own, as a mistake", w.VoidRole(ctx, w.admin, mine.ID, 1, "nhầm"), inspection.Forbidden, "org.error.own_roles")
		wrongs(t, "by who is none", w.VoidRole(ctx, inspection.Actor{Person: "x"}, theirs.ID, 1, "nhầm"), inspection.Forbidden, "")
		wrongs(t, "no reason", w.EndRole(ctx, w.admin, theirs.ID, 1, "2026-06-30", " "), inspection.Invalid, "")
		wrongs(t, "before it began", w.EndRole(ctx, w.admin, theirs.ID, 1, "2025-12-31", "x"), inspection.Invalid, "org.error.role_ends_before")
		wrongs(t, "an old version", w.EndRole(ctx, w.admin, theirs.ID, 7, "2026-06-30", "x"), inspection.Conflict, "org.error.changed_meanwhile")
		if err := w.EndRole(ctx, w.admin, theirs.ID, 1, "2026-06-30", "hết nhiệm vụ"); err != nil {
			t.Fatal(err)
		}
		if r := w.grantOf(t, other.Person); r.ValidTo != "2026-06-30" || r.Version != 2 {
			t.Errorf("%+v", r)
		}
		var c org.Correction
		if err := db.Where("subject_id = ?", theirs.ID).Take(&c).Error; err != nil || c.Act != org.Ended || c.Reason != "hết nhiệm vụ" || c.Before != "2026-12-31" {
			t.Errorf("%+v %v", c, err)
		}
		if err := w.SetDisabled(ctx, w.admin, account.ID, 1, true); err != nil {
			t.Fatal(err)
		}
		wrongs(t, "an old version of the account", w.SetDisabled(ctx, w.admin, account.ID, 1, false), inspection.Conflict, "")
		if _, err := w.SignIn(ctx, SignIn{Username: "quan.tri.2", Password: password + "x", Address: "10.0.0.2"}); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error("disabled:", err)
		}
		if err := w.SetDisabled(ctx, w.admin, account.ID, 2, false); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"disable": w.SetDisabled(ctx, inspection.Actor{Person: "x", Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs, Organisation: "o"}}}, account.ID, 3, true),
			"sessions": w.EndSessions(ctx, inspection.Actor{Person: "x"}, account.ID)} {
			wrongs(t, what, err, inspection.Forbidden, "")
		}
	})
}

// Two administrators who take the role from each other at once: one of them stays.
func TestTwoAdministratorsCannotRemoveEachOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		other, _, theirs := w.second(t, "", "")
		var errs [2]error
		var both sync.WaitGroup
		both.Go(func() { errs[0] = w.EndRole(ctx, w.admin, theirs.ID, 1, "2026-03-02", "x") })
		both.Go(func() { errs[1] = w.SetDisabled(ctx, other, w.a.ID, 1, true) })
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatal(errs)
		}
		for _, err := range errs {
			if err != nil {
				wrongs(t, "who came second", err, inspection.Conflict, "auth.error.last_administrator")
			}
		}
	})
}

func TestPeopleWithTheirAccountsAndRoles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		act := org.Act{At: w.clock.Now()}
		u := org.Unit{ID: inspection.NewID(), Key: "vn", Name: "Việt Nam", Type: "COUNTRY", Search: "viet nam", Version: 1}
		if err := db.Create(&u).Error; err != nil {
			t.Fatal(err)
		}
		o, err := org.CreateOrganisation(db, act, org.Organisation{Kind: org.Department, Name: "Sở Mẫu", AdminUnitID: u.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Đặng Mẫu", "Trần Mẫu"} {
			p, err := org.CreatePerson(db, act, org.Person{Name: name, Position: "Chuyên viên"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := org.Grant(db, act, org.RoleRow{PersonID: p.ID, Role: inspection.HomeAffairs, OrganisationID: &o.ID, ValidTo: "2026-03-02"}); err != nil {
				t.Fatal(err)
			}
		}
		list := func(f PeopleFilter) string {
			if f.On == "" {
				f.On = "2026-03-02"
			}
			var names []string
			cursor := ""
			for {
				rows, next, err := w.People(ctx, w.admin, f, inspection.Page{Limit: 1, Cursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					names = append(names, r.Name)
				}
				if cursor = next; next == "" {
					return strings.Join(names, ", ")
				}
			}
		}
		for want, f := range map[string]PeopleFilter{"Đặng Mẫu, Quản trị, Trần Mẫu": {}, "Đặng Mẫu": {Query: "dang"}, "Quản trị": {Query: "quan.tri"}, "Đặng Mẫu, Trần Mẫu": {NoAccount: true},
			"Trần Mẫu": {Role: inspection.HomeAffairs, Organisation: o.ID, Query: "tran"}, "": {Role: inspection.HomeAffairs, On: "2026-03-03"}} {
			if f.Query == "quan.tri" {
				f.Query = "quan"
			}
			if got := list(f); got != want {
				t.Errorf("%+v: %q, want %q", f, got, want)
			}
		}
		if _, _, err := w.People(ctx, inspection.Actor{Person: "x"}, PeopleFilter{}, inspection.Page{}); inspection.CodeOf(err) != inspection.Forbidden {
			t.Error(err)
		}
		p, err := w.Profile(ctx, w.admin, w.admin.Person)
		if err != nil || p.Account == nil || p.Account.Username != "quan.tri" || len(p.Roles) != 1 {
			t.Errorf("%+v %v", p, err)
		}
		if _, err := w.Profile(ctx, w.admin, inspection.NewID()); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
		if n, err := w.CountPeople(ctx, w.admin, "2026-03-02"); err != nil || n != 0 {
			t.Error(n, err)
		}
		rows, _, err := w.People(ctx, w.admin, PeopleFilter{Query: "dang", On: "2026-03-02"}, inspection.Page{})
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		a, _, err := w.AddUser(ctx, w.admin, NewUser{PersonID: rows[0].ID, Username: "dang.mau", Password: password, MustChange: true})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.CountPeople(ctx, w.admin, "2026-03-02"); err != nil || n != 1 {
			t.Error(n, err)
		}
		username, fresh, err := w.ResetOther(ctx, w.admin, a.ID)
		if err != nil || username != "dang.mau" {
			t.Fatal(username, err)
		}
		s, err := w.SignIn(ctx, SignIn{Username: username, Password: fresh, Address: "10.0.0.3"})
		if err != nil || !s.MustChange {
			t.Fatal(s, err)
		}
		if p, _ := w.Profile(ctx, w.admin, rows[0].ID); p.Sessions != 1 {
			t.Errorf("%+v", p)
		}
		if err := w.EndSessions(ctx, w.admin, a.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Authenticate(ctx, s.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error(err)
		}
		if _, _, err := w.ResetOther(ctx, w.admin, w.a.ID); inspection.KeyOf(err) != "auth.error.own_account" {
			t.Error(err)
		}
	})
}
