package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection/visit"
	"congvu/migrations"
	"congvu/migrations/dbtest"
)

// safePhotos makes pictures for several workers at once.
func (s *site) safePhotos() func() []byte {
	var mu sync.Mutex
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return s.photo()
	}
}

// TestARollingRestartLosesNothingThatWasAnswered: two copies on one PostgreSQL and one
// S3 store are restarted in turn behind one address, asked to stop and killed, while
// people answer items, send photographs and register documents. What was acknowledged is
// there once, documents are numbered without a hole, a preview is made once, sessions go
// on, and who guesses passwords at one copy waits at the other.
func TestARollingRestartLosesNothingThatWasAnswered(t *testing.T) {
	dsn := dbtest.PostgresDSN(t)
	db, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { migrations.Close(db) })
	s := newSiteAt(t, db, earlierToday())
	rounds := often(3, 25)
	var drafts []string
	for range rounds * 4 {
		check := s.begin(s.seal(8))
		s.answers(check)
		s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
		drafts = append(drafts, check)
	}
	var targets []string
	for range 4 {
		targets = append(targets, s.seal(7))
	}
	s.derive() // what these checks have, in their own store

	door := openFrontDoor(t)
	settings := append(minioSettings(t), "CONGVU_DATABASE_URL="+dsn, "CONGVU_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "CONGVU_URL="+door.base, "CONGVU_TRUSTED_PROXIES=127.0.0.1")
	addrs, folders := []string{freeAddress(t), freeAddress(t)}, []string{t.TempDir(), t.TempDir()}
	copyOf := func(i int) *running {
		return launch{sub: "serve", settings: settings, addr: addrs[i], data: folders[i]}.start(t)
	}
	copies := []*running{copyOf(0), copyOf(1)}
	door.set(addrs...)

	lead := session(t, door.base, "truongdoan")
	photo := s.safePhotos()
	var workers []*worker
	for _, target := range targets {
		workers = append(workers, begins(t, lead, door.base, target, photo))
	}
	c := atWork(t, workers...)
	var registers sync.WaitGroup
	registers.Go(func() { // a form, as a browser posts it; pressed again while it has no answer
		for _, draft := range drafts {
			tick := time.NewTicker(10 * time.Millisecond)
			for {
				code, body, err := lead.try(http.MethodPost, door.base+"/visits/"+draft+"/documents", "application/x-www-form-urlencoded", []byte(url.Values{"kind": {"BB"}}.Encode()))
				if err == nil && (code == http.StatusSeeOther || code == http.StatusConflict) {
					break
				}
				if err == nil && code != http.StatusBadGateway {
					t.Errorf("register: %d %s", code, mainOf(body))
					break
				}
				<-tick.C
			}
			tick.Stop()
			c.goesOn(1)
		}
	})
	for round := range rounds {
		for i := range copies {
			c.goesOn(10)
			if round%3 == 2 {
				copies[i].kill(t)
			} else {
				copies[i].stop(t)
			}
			c.goesOn(5) // the other one serves alone
			copies[i] = copyOf(i)
		}
	}
	c.goesOn(20)
	registers.Wait()
	c.rest()
	retried := 0
	for _, w := range workers {
		retried += w.unasked
		if len(w.failures) > 0 {
			t.Errorf("an answer that says no: %+v", w.failures[0])
		}
	}
	t.Logf("%d restarts, %d acts, %d requests without an answer were sent again", 2*rounds, c.done, retried)

	cfg, err := ReadConfig(settings)
	s.must(err)
	store, err := openStore(t.Context(), cfg)
	s.must(err)
	// The checks of the drafts have their photographs in the store of the site.
	s.must(db.Exec("DELETE FROM evidence_derived WHERE file_id IN (SELECT id FROM evidence_files WHERE visit_id IN ?)", drafts).Error)
	s.must(db.Exec("UPDATE evidence_files SET state = 'LOST' WHERE visit_id IN ?", drafts).Error)
	c.kept(db, store)

	var numbers []int
	s.must(db.Table("documents").Where("kind = 'BB'").Order("number").Pluck("number", &numbers).Error)
	if len(numbers) != len(drafts) {
		t.Errorf("%d numbers for %d documents", len(numbers), len(drafts))
	}
	for i, n := range numbers {
		if n != i+1 {
			t.Fatalf("numbers %v", numbers)
		}
	}

	// A copy that was killed leaves its leases to run out: here they do at once.
	s.must(db.Exec("UPDATE evidence_files SET derive_lease_until = 0 WHERE derive_state = 'PENDING'").Error)
	until(t, "every preview", func() bool {
		var left int64
		s.must(db.Table("evidence_files").Where("state = 'RECEIVED' AND derive_state = 'PENDING'").Count(&left).Error)
		return left == 0
	})
	var twice, made int64
	s.must(db.Raw("SELECT COUNT(*) FROM (SELECT file_id, kind FROM evidence_derived GROUP BY file_id, kind HAVING COUNT(*) > 1) x").Scan(&twice).Error)
	s.must(db.Table("evidence_derived").Count(&made).Error)
	files := 0
	for _, w := range workers {
		files += len(w.files)
	}
	if twice != 0 || made < int64(2*files) {
		t.Errorf("%d previews of %d files, %d of them twice", made, files, twice)
	}

	// Guessed at one copy, refused at the other.
	guess := func(base, password string) (int, string) {
		nobody := &client{t: t, Client: http.Client{Timeout: time.Minute}}
		return nobody.json(http.MethodPost, base+"/api/v1/session", map[string]string{"username": "thanhvien", "password": password})
	}
	for range 6 {
		if code, body := guess(copies[0].base, "khong-phai"); code != http.StatusUnauthorized && code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", code, body)
		}
	}
	if code, body := guess(copies[1].base, demoPassword); code != http.StatusServiceUnavailable || !strings.Contains(body, "giây") {
		t.Errorf("the other copy lets a guesser in: %d %s", code, body)
	}
}
