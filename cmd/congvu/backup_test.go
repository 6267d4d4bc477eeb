package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/installation"
	"congvu/inspection/org"
	"congvu/migrations"

	"gorm.io/gorm"
)

// installation is a program with demo data on one pair of stores.
func newInstallation(t *testing.T, settings []string) (*Main, Config) {
	t.Helper()
	m := &Main{Environ: append([]string{"CONGVU_DATA=" + filepath.Join(t.TempDir(), "data")}, settings...), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Clock: inspection.SystemClock{}}
	c, err := m.config()
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

func filled(t *testing.T, settings []string) (*Main, *program) {
	t.Helper()
	m, c := newInstallation(t, settings)
	if err := fillDemo(c.Data, settings); err != nil {
		t.Fatal(err)
	}
	p, err := m.open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	if err := m.fillDemo(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	return m, p
}

// TestABackupRestoresToTheSame takes a backup from SQLite and files to PostgreSQL and S3
// and from there back again: row for row and byte for byte the same, with every guard on.
// What is wrong with a backup or with the place for it is named, and nothing is written.
func TestABackupRestoresToTheSame(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, p := filled(t, nil)
	first := filepath.Join(t.TempDir(), "backup")
	man, err := m.backup(ctx, p.db, p.store, first)
	if err != nil {
		t.Fatal(err)
	}
	if man.Tables["visits"].Rows < 9 || len(man.Objects) < 100 {
		t.Fatalf("%d visits, %d objects", man.Tables["visits"].Rows, len(man.Objects))
	}
	from := first
	for _, to := range []stores{bothStores[1], bothStores[0]} {
		t.Run("to "+to.name, func(t *testing.T) {
			other, c := newInstallation(t, to.settings(t))
			if _, err := other.restore(ctx, c, from); err != nil {
				t.Fatal(err)
			}
			q, err := other.open(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(q.close)
			from = filepath.Join(filepath.Dir(first), "from "+to.name)
			again, err := other.backup(ctx, q.db, q.store, from)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range slices.Sorted(maps.Keys(man.Tables)) {
				if name != "sessions" && name != "sign_in_attempts" && man.Tables[name].SHA256 != again.Tables[name].SHA256 { // those end with a restore
					t.Errorf("%s differs", name)
				}
			}
			if !slices.Equal(again.Objects, man.Objects) {
				t.Errorf("%d objects of %d", len(again.Objects), len(man.Objects))
			}
			if err := q.db.Exec("DELETE FROM history").Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("after a restore history can be deleted: %v", err)
			}
			if err := q.db.Exec("INSERT INTO operations (id, visit_id, position, author_id, role, device, device_at, seq, type, payload, received_at) VALUES ('x', 'nobody', 1, 'nobody', '', '', 0, 0, 'note', '{}', 0)").Error; err == nil {
				t.Error("after a restore keys are not looked at")
			}
			if _, err := other.restore(ctx, c, first); err == nil || !strings.Contains(err.Error(), "trống") {
				t.Errorf("a second restore over the first: %v", err)
			}
		})
	}
	t.Run("damaged", func(t *testing.T) { damaged(t, first, man) })
	t.Run("no place", func(t *testing.T) { noPlace(t, m, p, first) })
	t.Run("no room", func(t *testing.T) { noRoomForBackup(t, m, p) })
}

// target is an empty installation that has to stay so.
type target struct {
	*Main
	c     Config
	db    *gorm.DB // of PostgreSQL
	store blob.Store
}

func newTargets(t *testing.T) (out []target) {
	t.Helper()
	for _, s := range bothStores {
		m, c := newInstallation(t, s.settings(t))
		to := target{Main: m, c: c}
		if migrations.IsPostgres(c.DSN()) {
			var err error
			if to.db, err = migrations.Open(t.Context(), c.DSN()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { migrations.Close(to.db) })
			if to.store, err = openStore(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, to)
	}
	return out
}

// refuses holds that a restore fails, says why, and leaves nothing.
func (to target) refuses(t *testing.T, dir string, words ...string) {
	t.Helper()
	_, err := to.restore(t.Context(), to.c, dir)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v, want %q", err, w)
		}
	}
	if entries, _ := os.ReadDir(to.c.Data); len(entries) > 0 {
		t.Errorf("%v: something was written: %v", err, entries)
	}
	if to.db == nil {
		return
	}
	if err := migrations.Vacant(t.Context(), to.db); err != nil {
		t.Error(err)
	}
	for info, err := range to.store.List(t.Context(), "") {
		t.Errorf("in the store: %v %v", info, err)
	}
}

// damaged flips bytes, cuts, takes away and adds, one at a time.
func damaged(t *testing.T, dir string, man manifest) {
	targets := newTargets(t)
	flip := func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }
	cut := func(raw []byte) []byte { return raw[:len(raw)/2] }
	gone := func([]byte) []byte { return nil }
	for i, c := range []struct {
		name string
		harm func([]byte) []byte
		says string
	}{
		{"blobs/" + man.Objects[3].Key, flip, "đã khác"}, {"blobs/" + man.Objects[4].Key, cut, "đã khác"}, {"blobs/" + man.Objects[5].Key, gone, "thiếu"},
		{"tables/answers.jsonl", flip, "đã khác"}, {"tables/visits.jsonl", cut, "đã khác"}, {"tables/history.jsonl", gone, "thiếu"},
		{manifestName, flip, "hỏng"}, {manifestName, cut, "hỏng"}, {manifestName, gone, "chưa hoàn tất"}, {manifestSum, flip, "hỏng"}, {manifestSum, gone, "thiếu"},
		{"tables/more.jsonl", func([]byte) []byte { return []byte("[]") }, "tệp lạ"},
	} {
		path := filepath.Join(dir, filepath.FromSlash(c.name))
		whole, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		put := func(raw []byte) {
			_ = os.Remove(path)
			if raw == nil {
				return
			}
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(c.harm(bytes.Clone(whole)))
		targets[i%len(targets)].refuses(t, dir, c.name, c.says)
		put(whole)
	}

	// Somebody who makes the hashes fit again is found by history's own, and by the schema.
	changed := func(says string, change func(*manifest)) {
		t.Helper()
		forged, err := readBackup(dir)
		if err != nil {
			t.Fatal(err)
		}
		change(&forged)
		rewrite(t, forged, dir)
		for _, to := range targets {
			to.refuses(t, dir, says)
		}
		rewrite(t, man, dir)
	}
	changed("phiên bản mới hơn", func(forged *manifest) { forged.Schema += 1 })
	path := filepath.Join(dir, "tables", "history.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed("dòng lịch sử", func(forged *manifest) {
		raw := bytes.Replace(whole, []byte(`\"action\":\"`), []byte(`\"action\":\"x`), 1)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		h := forged.Tables["history"]
		h.SHA256 = sum(raw)
		forged.Tables["history"] = h
	})
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "tables", "people.jsonl")
	if whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	changed("", func(forged *manifest) { // rows that refer to somebody who is not there
		_, raw, _ := bytes.Cut(whole, []byte("\n"))
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		people := forged.Tables["people"]
		people.SHA256, people.Rows = sum(raw), people.Rows-1
		forged.Tables["people"] = people
	})
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, to := range targets { // and unharmed again it is taken
		if _, err := to.restore(t.Context(), to.c, dir); err != nil {
			t.Error(err)
		}
	}
}

func rewrite(t *testing.T, man manifest, dir string) {
	t.Helper()
	for _, name := range []string{manifestName, manifestSum} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := man.write(dir); err != nil {
		t.Fatal(err)
	}
}

// noPlace restores over what is there, and backs up into what is there and from what is not.
func noPlace(t *testing.T, m *Main, p *program, dir string) {
	ctx := t.Context()
	if _, err := m.restore(ctx, p.config, dir); err == nil || !strings.Contains(err.Error(), "đã có dữ liệu") {
		t.Errorf("over an installation: %v", err)
	}
	var visits int64
	if err := p.db.Table("visits").Count(&visits).Error; err != nil || visits < 9 {
		t.Errorf("the installation that was there: %d %v", visits, err)
	}
	for _, to := range newTargets(t) {
		if to.db == nil {
			continue
		}
		raw := []byte("somebody's")
		key := "o/" + sum(raw)
		if err := to.store.Put(ctx, key, bytes.NewReader(raw), int64(len(raw)), sum(raw)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.restore(ctx, to.c, dir); err == nil || !strings.Contains(err.Error(), "kho ảnh không trống") {
			t.Errorf("over a bucket: %v", err)
		}
		if _, err := to.store.Stat(ctx, key); err != nil {
			t.Errorf("what was in the bucket: %v", err)
		}
		if err := to.store.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		if err := to.db.Exec("INSERT INTO backups (id, taken_at, finished_at, objects, bytes) VALUES ('x', 1, 1, 0, 0)").Error; err != nil {
			t.Fatal(err)
		}
		if _, err := to.restore(ctx, to.c, dir); err == nil || !strings.Contains(err.Error(), "cơ sở dữ liệu không trống") {
			t.Errorf("over a database: %v", err)
		}
	}
	if _, err := m.backup(ctx, p.db, p.store, dir); err == nil || !strings.Contains(err.Error(), "không trống") {
		t.Errorf("a backup over a backup: %v", err)
	}
	if _, err := readBackup(dir); err != nil {
		t.Errorf("the backup that was there: %v", err)
	}
	empty := t.TempDir()
	out, err := command(t, empty, nil, "backup", filepath.Join(empty, "backup")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "không có cơ sở dữ liệu") {
		t.Errorf("a backup of nothing: %v %s", err, out)
	}
	if entries, _ := os.ReadDir(empty); len(entries) > 0 {
		t.Errorf("a backup of nothing makes %v", entries)
	}
}

// noRoomForBackup runs out of disk in the rows and in the photographs.
func noRoomForBackup(t *testing.T, m *Main, p *program) {
	folder := filepath.Dir(p.config.Data)
	d := newDisk(t, filepath.Join(t.TempDir(), "full"))
	for _, room := range []uint64{64 << 10, 6 << 20} {
		d.fill(room)
		dir := filepath.Join(d.dir, "backup")
		out, err := command(t, folder, m.Environ, "backup", dir).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "hết chỗ") || !strings.Contains(string(out), "không phải là bản sao lưu") {
			t.Errorf("%d bytes of room: %v %s", room, err, out)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("left: %v", entries)
		}
	}
	_, recorded, err := installation.LastBackup(t.Context(), p.db)
	if err != nil || recorded {
		t.Errorf("a backup that failed is recorded: %v", err)
	}
	d.empty()
	runs(t, command(t, folder, m.Environ, "backup", filepath.Join(d.dir, "backup")))
	last, recorded, err := installation.LastBackup(t.Context(), p.db)
	if err != nil || !recorded || last.Objects < 100 || last.Bytes == 0 || last.FinishedAt < last.TakenAt {
		t.Errorf("%+v %v %v", last, recorded, err)
	}
}

// TestARestoreEndsAllSessions: what was signed out since the backup does not come back
// with it, nor does what still held: everybody signs in anew, and what was guessed before
// keeps nobody waiting.
func TestARestoreEndsAllSessions(t *testing.T) {
	t.Parallel()
	m, c := newInstallation(t, nil)
	p, err := m.open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	act := org.Act{At: m.Clock.Now()}
	person, err := org.CreatePerson(p.db, act, org.Person{Name: "Trưởng đoàn"})
	if err != nil {
		t.Fatal(err)
	}
	user, password, err := auth.PrepareUser(t.Context(), auth.NewUser{PersonID: person.ID, Username: "truongdoan"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Create(p.db, act, user); err != nil {
		t.Fatal(err)
	}
	signIn := func(s *auth.Service, password string) (auth.Session, error) {
		return s.SignIn(t.Context(), auth.SignIn{Username: "truongdoan", Password: password, Address: "192.0.2.1"})
	}
	signed, err := signIn(p.services.Auth, password)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 { // the last has to wait
		_, err = signIn(p.services.Auth, "khong-phai-mat-khau")
	}
	if inspection.CodeOf(err) != inspection.Unavailable {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	if _, err := m.backup(t.Context(), p.db, p.store, dir); err != nil {
		t.Fatal(err)
	}
	for _, to := range newTargets(t) {
		if _, err := to.restore(t.Context(), to.c, dir); err != nil {
			t.Fatal(err)
		}
		q, err := to.open(t.Context(), to.c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.services.Auth.Authenticate(t.Context(), signed.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Errorf("a session outlives the restore: %v", err)
		}
		if _, err := signIn(q.services.Auth, password); err != nil {
			t.Errorf("nobody signs in anew: %v", err)
		}
		q.close()
	}
	if _, err := p.services.Auth.Authenticate(t.Context(), signed.Token, ""); err != nil { // the original goes on
		t.Error(err)
	}
}
