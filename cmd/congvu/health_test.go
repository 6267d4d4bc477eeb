package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/installation"
	"congvu/migrations"
	"congvu/migrations/dbtest"
	"congvu/web"

	"gorm.io/gorm"
)

// ailing is a store that is as its test wants it; it is asked for nothing else.
type ailing struct {
	blob.Store
	free int64
	err  error
}

func (a ailing) Health(context.Context) (blob.Health, error) { return blob.Health{Free: a.free}, a.err }

// TestEveryPartSaysHowItIs puts each part into each of its states and reads it off the
// signs, by their words too.
func TestEveryPartSaysHowItIs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := Config{Data: s.data, URL: "https://127.0.0.1:1"}
		d := &doctor{program: &program{config: c, db: db, store: ailing{free: 100 << 30}, services: s.demo.services}, clock: s.clock}
		words := web.Base{Lang: "vi"}
		says := func(key string, state web.SignState, say string) {
			t.Helper()
			for _, sign := range d.health(t.Context(), true) {
				if sign.Key != key {
					continue
				}
				text := words.Sign(sign)
				if sign.State != state || sign.Say != say || text == "" || strings.Contains(text, "{") || strings.Contains(text, "health.") {
					t.Errorf("%s: %s %s %q, want %s %s", key, sign.State, sign.Say, text, state, say)
				}
				return
			}
			t.Errorf("nothing is said of %s", key)
		}
		says("program", web.Well, "ok")
		says("database", web.Well, "ok")
		says("schema", web.Well, "ok")
		says("store", web.Well, "ok")
		says("disk", web.Well, "ok")
		says("backup", web.Warn, "never")
		says("certificate", web.Warn, "failed") // nobody listens there
		for free, want := range map[int64][2]string{-1: {"ok", "unknown"}, 1 << 30: {"warn", "little"}, 1 << 20: {"bad", "full"}} {
			d.store = ailing{free: free}
			says("store", web.SignState(want[0]), want[1])
		}
		d.store = ailing{err: errors.New("gone")}
		says("store", web.Bad, "failed")

		s.must(installation.Record(t.Context(), db, installation.Backup{ID: inspection.NewID(), TakenAt: s.clock.Now(), FinishedAt: s.clock.Now(), Objects: 3, Bytes: 9 << 20}))
		says("backup", web.Well, "ok")
		s.clock.Advance(27 * time.Hour)
		says("backup", web.Warn, "old")

		says("jobs", web.Well, "ok")
		check := s.begin(s.seal(7))
		s.file("thanhvien", check, s.photo(), "PHOTO")
		says("jobs", web.Well, "ok")
		s.clock.Advance(16 * time.Minute)
		says("jobs", web.Warn, "late")
		s.must(db.Exec("UPDATE evidence_files SET derive_state = 'FAILED' WHERE derive_state = 'PENDING'").Error)
		says("jobs", web.Warn, "broken")

		if db.Name() == "postgres" {
			says("clock", web.Warn, "off") // the test's clock stands months away
		} else {
			says("clock", web.Well, "alone")
		}
		cert, key, err := selfMade(t.TempDir(), []string{"localhost"}, s.clock.Now().Time())
		s.must(err)
		d.own = &keyPair{cert: cert, key: key}
		says("certificate", web.Well, "ok")
		s.clock.Advance(350 * 24 * time.Hour)
		says("certificate", web.Warn, "soon")
		s.clock.Advance(20 * 24 * time.Hour)
		says("certificate", web.Warn, "over")

		status, err := migrations.ReadStatus(t.Context(), db)
		s.must(err)
		s.must(db.Exec("DELETE FROM goose_db_version WHERE version_id = ?", status.Newest).Error)
		says("schema", web.Bad, "older")
		s.must(db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, TRUE)", status.Newest+7).Error)
		says("schema", web.Bad, "newer")
	})
}

// TestCopiesSayThatTheyRun: a copy is there while it writes, and gone when it stops in
// order or has not written for long.
func TestCopiesSayThatTheyRun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		clock := inspection.NewManualClock(time.Date(2026, 3, 4, 8, 0, 0, 0, inspection.Zone))
		running := func() (ids []string) {
			rows, err := installation.Running(t.Context(), db, clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				ids = append(ids, r.ID)
			}
			return ids
		}
		one := installation.Instance{ID: inspection.NewID(), Version: "1", StartedAt: clock.Now(), SeenAt: clock.Now()}
		two := installation.Instance{ID: inspection.NewID(), Version: "2", StartedAt: clock.Now().Add(time.Second), SeenAt: clock.Now()}
		for _, i := range []installation.Instance{one, two, two} {
			if err := installation.Beat(t.Context(), db, i); err != nil {
				t.Fatal(err)
			}
		}
		if got := running(); len(got) != 2 || got[0] != one.ID {
			t.Errorf("%v", got)
		}
		clock.Advance(2 * time.Minute)
		two.SeenAt = clock.Now()
		if err := installation.Beat(t.Context(), db, two); err != nil {
			t.Fatal(err)
		}
		if got := running(); len(got) != 1 || got[0] != two.ID {
			t.Errorf("%v", got)
		}
		if err := installation.End(t.Context(), db, two.ID); err != nil || len(running()) != 0 {
			t.Error(err, running())
		}
	})
}

// TestMachinesReadTheSame: readyz names every part; what is bad makes it 503; figures are
// for this machine alone; congvu health asks it.
func TestMachinesReadTheSame(t *testing.T) {
	t.Parallel()
	r := start(t, "serve", nil)
	response, err := http.Get(r.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		Status string
		Signs  map[string]string
		Detail map[string]map[string]any
	}
	err = json.NewDecoder(response.Body).Decode(&said)
	response.Body.Close()
	if err != nil || said.Status != "ready" || said.Signs["database"] != "ok" || said.Signs["store"] != "ok" || said.Signs["backup"] != "warn" || said.Detail["schema"]["current"] == nil {
		t.Errorf("%+v %v", said, err)
	}
	through, err := http.NewRequest(http.MethodGet, r.base+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	through.Header.Set("X-Forwarded-For", "203.0.113.9")
	response, err = http.DefaultClient.Do(through)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if strings.Contains(string(raw), "detail") || strings.Contains(string(raw), "version") {
		t.Errorf("figures for somebody outside: %s", raw)
	}
	c := Config{Addr: strings.Replace(strings.TrimPrefix(r.base, "http://"), "localhost", "127.0.0.1", 1)}
	if text, err := c.ask(t.Context()); err != nil || !strings.Contains(text, `"status":"ready"`) {
		t.Errorf("%s %v", text, err)
	}
	// The folder of the photographs is gone: the program says so, and is well again when
	// it is back, without a restart.
	evidence := filepath.Join(r.data, "data", "evidence")
	if err := os.Rename(evidence, evidence+".away"); err != nil {
		t.Fatal(err)
	}
	if text, err := c.ask(t.Context()); err == nil || !strings.Contains(text, `"store":"bad"`) {
		t.Errorf("%s %v", text, err)
	}
	if err := os.Rename(evidence+".away", evidence); err != nil {
		t.Fatal(err)
	}
	if text, err := c.ask(t.Context()); err != nil {
		t.Errorf("%s %v", text, err)
	}
	r.stop(t)
	if _, err := c.ask(t.Context()); err == nil {
		t.Error("a program that does not run is ready")
	}
}
