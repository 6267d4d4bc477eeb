package auth

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

const password = "con đường rất dài 7"

type world struct {
	*Service
	db    *gorm.DB
	clock *inspection.ManualClock
	admin inspection.Actor
	a     Account
}

func setUp(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	clock := inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
	w := &world{New(db, clock, Config{Key: []byte("k")}), db, clock, inspection.Actor{}, Account{}}
	act := org.Act{At: clock.Now()}
	p, err := org.CreatePerson(db, act, org.Person{Name: "Quản trị"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := org.Grant(db, act, org.RoleRow{PersonID: p.ID, Role: inspection.SysAdmin}); err != nil {
		t.Fatal(err)
	}
	w.admin = inspection.Actor{Person: p.ID, Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	w.a, _, err = w.AddUser(ctx, w.admin, NewUser{PersonID: p.ID, Username: " Quan.Tri ", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) in(pass string) (Session, error) {
	return w.SignIn(ctx, SignIn{Username: "QUAN.TRI", Password: pass, Address: "10.0.0.1"})
}

func TestSignInAndOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		s, err := w.in(password)
		if err != nil || len(s.Token) != 43 {
			t.Fatal(s, err)
		}
		who, err := w.Authenticate(ctx, s.Token, "r1")
		if err != nil || who.Actor.Name != "Quản trị" || !who.Actor.Is(inspection.SysAdmin) || who.MustChange || who.Actor.Request != "r1" {
			t.Fatalf("%+v %v", who, err)
		}
		var stored string
		db.Table("sessions").Select("token_hash").Take(&stored)
		if stored == "" || strings.Contains(stored, s.Token) {
			t.Fatal("the token itself is stored")
		}
		for name, token := range map[string]string{"empty": "", "the stored hash": stored, "another": s.Token[1:] + "A"} {
			if _, err := w.Authenticate(ctx, token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Errorf("%s: %v", name, err)
			}
		}
		second, err := w.in(password)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.SignOut(ctx, s.Token); err != nil {
			t.Fatal(err)
		}
		if err := w.SignOut(ctx, s.Token); err != nil {
			t.Error("signing out twice:", err)
		}
		if _, err := w.Authenticate(ctx, s.Token, ""); inspection.KeyOf(err) != "auth.error.session_ended" {
			t.Error(err)
		}
		third, err := w.in(password)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.SignOutEverywhere(ctx, second.Token); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{second.Token, third.Token} {
			if _, err := w.Authenticate(ctx, token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Error(err)
			}
		}
	})
}

// TestASessionIsEndedOnce: by however many requests at the same time.
func TestASessionIsEndedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		s, err := w.in(password)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := w.SignOut(ctx, s.Token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int64
		if err := db.Table("history").Where("action = 'auth.sign_out'").Count(&n).Error; err != nil || n != 1 {
			t.Errorf("%d rows of history, %v", n, err)
		}
		if _, err := w.Authenticate(ctx, s.Token, ""); inspection.KeyOf(err) != "auth.error.session_ended" {
			t.Error(err)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		s, err := w.in(password)
		if err != nil {
			t.Fatal(err)
		}
		ok := func() bool { _, err := w.Authenticate(ctx, s.Token, ""); return err == nil }
		w.clock.Advance(12*time.Hour - time.Millisecond)
		if !ok() {
			t.Fatal("ended before twelve idle hours")
		}
		w.clock.Advance(11 * time.Hour)
		if !ok() {
			t.Fatal("a use does not keep it alive")
		}
		w.clock.Advance(12 * time.Hour)
		if ok() {
			t.Fatal("twelve idle hours and still alive")
		}
		if s, err = w.in(password); err != nil {
			t.Fatal(err)
		}
		for range 7*24 - 1 {
			w.clock.Advance(time.Hour)
			if !ok() {
				t.Fatal("ended within seven days")
			}
		}
		w.clock.Advance(time.Hour)
		if ok() {
			t.Fatal("seven days and still alive")
		}
	})
}

func TestUnknownAndWrongAreAlike(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		_, wrongPass := w.in("not the password")
		_, unknown := w.SignIn(ctx, SignIn{Username: "ai-do", Password: password, Address: "10.0.0.1"})
		if wrongPass == nil || unknown == nil || wrongPass.Error() != unknown.Error() {
			t.Fatalf("%v\n%v", wrongPass, unknown)
		}
		if err := db.Exec("UPDATE accounts SET disabled = TRUE").Error; err != nil {
			t.Fatal(err)
		}
		if _, err := w.in(password); err == nil || err.Error() != unknown.Error() {
			t.Fatal("a disabled account tells itself apart:", err)
		}
		var rows []history.Row
		db.Where("action = 'auth.sign_in_failed'").Find(&rows)
		if len(rows) != 3 {
			t.Fatal(len(rows))
		}
		for _, r := range rows {
			if strings.Contains(r.Body, "quan.tri") || strings.Contains(r.Body, "10.0.0.1") {
				t.Fatal("history names the user or the address:", r.Body)
			}
		}
		// The unknown name costs a hash too: comparing with nobody's must do all the work.
		if ok, err := checkPassword(ctx, nobody, ""); ok || err != nil {
			t.Fatal(ok, err)
		}
	})
}

func TestThrottling(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		other := New(db, w.clock, Config{Key: []byte("k")}) // another copy of the program shares the count
		for i := range freeOfAccount {
			if _, err := w.in("wrong wrong wrong"); inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Fatalf("guess %d: %v", i+1, err)
			}
		}
		waited := time.Duration(0)
		for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			_, err := other.SignIn(ctx, SignIn{Username: "quan.tri", Password: password, Address: "10.0.0.2"})
			if inspection.KeyOf(err) != "auth.error.wait" {
				t.Fatalf("the right password passes while blocked: %v", err)
			}
			if got := err.(*inspection.Error).Params["seconds"].(int64); got != int64(want) {
				t.Fatalf("wait %d s, want %d", got, want)
			}
			w.clock.Advance(want * time.Second)
			waited += want * time.Second
			if _, err := w.in("wrong wrong wrong"); inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Fatal(err)
			}
		}
		w.clock.Advance(longestWait)
		if _, err := w.in(password); err != nil {
			t.Fatal("the right password after the wait:", err)
		}
		for range freeOfAccount - 1 {
			if _, err := w.in("wrong wrong wrong"); inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Fatal("a success does not start anew:", err)
			}
		}
		if _, err := w.in(password); err != nil {
			t.Fatal(err)
		}
	})
}

func TestThrottlingOfAnAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		subject := w.subject("address", "10.9.9.9")
		if err := db.Create(&attempts{Subject: subject, Failures: freeOfAddress - 1, LastAt: w.clock.Now()}).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignIn(ctx, SignIn{Username: "khac", Password: "x", Address: "10.9.9.9"}); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Fatal(err)
		}
		if _, err := w.SignIn(ctx, SignIn{Username: "quan.tri", Password: password, Address: "10.9.9.9"}); inspection.KeyOf(err) != "auth.error.wait" {
			t.Fatal("one guess per name from one address is not slowed down:", err)
		}
		if _, err := w.in(password); err != nil {
			t.Fatal("other addresses are not blocked:", err)
		}
		w.clock.Advance(forgetAfter + time.Second)
		if _, err := w.SignIn(ctx, SignIn{Username: "quan.tri", Password: password, Address: "10.9.9.9"}); err != nil {
			t.Fatal(err)
		}
	})
}

// Guesses sent all at once are counted before any password is looked at.
func TestConcurrentGuesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		var tried atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, err := w.in("wrong wrong wrong")
				switch inspection.CodeOf(err) {
				case inspection.Unauthenticated:
					tried.Add(1)
				case inspection.Unavailable:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if tried.Load() != freeOfAccount {
			t.Fatalf("%d guesses were looked at, %d are free", tried.Load(), freeOfAccount)
		}
	})
}

func TestChangePassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		mine, _ := w.in(password)
		other, _ := w.in(password)
		if err := w.ChangePassword(ctx, mine.Token, "not the old one", "một mật khẩu mới 9"); inspection.KeyOf(err) != "auth.error.old_wrong" {
			t.Fatal(err)
		}
		if err := w.ChangePassword(ctx, mine.Token, password, "ngắn"); inspection.KeyOf(err) != "auth.error.password_short" {
			t.Fatal(err)
		}
		if err := w.ChangePassword(ctx, mine.Token, password, password); inspection.KeyOf(err) != "auth.error.password_same" {
			t.Fatal(err)
		}
		if err := w.ChangePassword(ctx, mine.Token, password, "một mật khẩu mới 9"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Authenticate(ctx, mine.Token, ""); err != nil {
			t.Error("this session goes on:", err)
		}
		if _, err := w.Authenticate(ctx, other.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error("other sessions end:", err)
		}
		if _, err := w.in(password); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error("the old password:", err)
		}
		if _, err := w.in("một mật khẩu mới 9"); err != nil {
			t.Error(err)
		}
	})
}

func TestFirstPasswordAndReset(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		p, err := org.CreatePerson(db, org.Act{At: w.clock.Now()}, org.Person{Name: "Thành viên"})
		if err != nil {
			t.Fatal(err)
		}
		_, first, err := w.AddUser(ctx, w.admin, NewUser{PersonID: p.ID, Username: "thanh-vien", MustChange: true})
		if err != nil || len(first) != 23 {
			t.Fatal(first, err)
		}
		s, err := w.SignIn(ctx, SignIn{Username: "thanh-vien", Password: first})
		if err != nil || !s.MustChange {
			t.Fatal(s, err)
		}
		if err := w.ChangePassword(ctx, s.Token, first, "một mật khẩu mới 9"); err != nil {
			t.Fatal(err)
		}
		who, err := w.Authenticate(ctx, s.Token, "")
		if err != nil || who.MustChange {
			t.Fatal(who, err)
		}
		again, err := w.Reset(ctx, w.admin, "Thanh-Vien")
		if err != nil || again == first {
			t.Fatal(again, err)
		}
		if _, err := w.Authenticate(ctx, s.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error("a reset ends all sessions:", err)
		}
		if s, err := w.SignIn(ctx, SignIn{Username: "thanh-vien", Password: again}); err != nil || !s.MustChange {
			t.Error(s, err)
		}
		if _, err := w.Reset(ctx, w.admin, "khong-co"); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
		if _, err := w.Reset(ctx, who.Actor, "quan.tri"); inspection.CodeOf(err) != inspection.Forbidden {
			t.Error("not everybody may reset:", err)
		}
		for name, u := range map[string]NewUser{"taken": {PersonID: p.ID, Username: "QUAN.TRI"}, "person has one": {PersonID: p.ID, Username: "khac"}} {
			if _, _, err := w.AddUser(ctx, w.admin, u); inspection.CodeOf(err) != inspection.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"", "ab", "có dấu", "a b c", "../x", strings.Repeat("a", 65)} {
			if _, _, err := w.AddUser(ctx, w.admin, NewUser{PersonID: p.ID, Username: name}); inspection.KeyOf(err) != "auth.error.username" {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, _, err := w.AddUser(ctx, w.admin, NewUser{PersonID: inspection.NewID(), Username: "nobody"}); inspection.CodeOf(err) != inspection.Invalid {
			t.Error(err)
		}
	})
}

func TestRule(t *testing.T) {
	for password, key := range map[string]string{
		"mười một kt": "auth.error.password_short", "mười hai ký tự": "", "quan.tri1234": "auth.error.password_username",
		"QuanTri-2026": "auth.error.password_username", "Password 1234": "auth.error.password_common", "Mật khẩu của tôi": "auth.error.password_common",
		"aaaaaaaaaaaaaaaa": "auth.error.password_common", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "auth.error.password_too_long",
		strings.Repeat("ab", 300): "auth.error.password_too_long", "hoa sen nở sớm": "",
	} {
		if err := CheckRule("quan.tri", password); inspection.KeyOf(err) != key {
			t.Errorf("%q: %v", password, err)
		}
	}
	for range 50 {
		if err := CheckRule("quan.tri", Generate()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHash(t *testing.T) {
	a, err := hashPassword(ctx, password)
	b, _ := hashPassword(ctx, password)
	if err != nil || a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(a, b, err)
	}
	if ok, err := checkPassword(ctx, a, password); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, _ := checkPassword(ctx, a, password+" "); ok {
		t.Fatal("another password fits")
	}
	for _, bad := range []string{"", "$2a$10$x", "$argon2id$v=19$m=999999999,t=2,p=1$YQ$YQ", "$argon2id$v=19$m=64,t=1,p=1$YQ$", "$argon2id$v=19$m=64,t=1,p=1$!$YQ"} {
		if ok, err := checkPassword(ctx, bad, password); ok || err == nil {
			t.Errorf("%q: %v %v", bad, ok, err)
		}
	}
	full, cancel := context.WithCancel(ctx)
	cancel()
	for range cap(slots) {
		slots <- struct{}{}
	}
	_, err = hashPassword(full, password)
	for range cap(slots) {
		<-slots
	}
	if inspection.CodeOf(err) != inspection.Unavailable {
		t.Fatal("a fifth hash at once:", err)
	}
}

// TestReadingGoesOnWhileALastUseCannotBeWritten: somebody holds what the writing needs
// until all have been answered.
func TestReadingGoesOnWhileALastUseCannotBeWritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		s, err := w.in(password)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(2 * time.Minute)
		holds := db.Begin()
		if err := holds.Exec("UPDATE sessions SET last_seen_at = last_seen_at").Error; err != nil {
			t.Fatal(err)
		}
		defer holds.Rollback()
		for range 3 {
			if _, err := w.Authenticate(ctx, s.Token, ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}
