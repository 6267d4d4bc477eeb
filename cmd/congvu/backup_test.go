package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"congvu/inspection"
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

// TestABackupRestoresToTheSame takes a backup of each pair of stores, restores it into
// each, and takes a backup of that: row for row and byte for byte the same.
func TestABackupRestoresToTheSame(t *testing.T) {
	ctx := context.Background()
	for _, from := range bothStores {
		m, p := filled(t, from.settings(t))
		first := filepath.Join(t.TempDir(), "backup")
		man, err := m.backup(ctx, p.db, p.store, first)
		if err != nil {
			t.Fatal(err)
		}
		if man.Tables["visits"].Rows < 9 || len(man.Objects) < 100 {
			t.Fatalf("%d visits, %d objects", man.Tables["visits"].Rows, len(man.Objects))
		}
		for _, to := range bothStores {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				other, c := newInstallation(t, to.settings(t))
				if _, err := other.restore(ctx, c, first); err != nil {
					t.Fatal(err)
				}
				q, err := other.open(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				defer q.close()
				again, err := other.backup(ctx, q.db, q.store, filepath.Join(t.TempDir(), "again"))
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range slices.Sorted(maps.Keys(man.Tables)) {
					if man.Tables[name].SHA256 != again.Tables[name].SHA256 {
						t.Errorf("%s differs", name)
					}
				}
				if len(again.Objects) != len(man.Objects) {
					t.Errorf("%d objects of %d", len(again.Objects), len(man.Objects))
				}
				if err := q.db.Exec("DELETE FROM history").Error; err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("after a restore history can be deleted: %v", err)
				}
				if _, err := other.restore(ctx, c, first); err == nil {
					t.Error("a second restore over the first is accepted")
				}
			})
		}
	}
}

// TestADamagedBackupIsNamedAndNothingIsWritten flips a byte of a photograph and of a
// table, cuts a table off, and takes the manifest away.
func TestADamagedBackupIsNamedAndNothingIsWritten(t *testing.T) {
	ctx := context.Background()
	m, p := filled(t, nil)
	dir := filepath.Join(t.TempDir(), "backup")
	man, err := m.backup(ctx, p.db, p.store, dir)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }
	for name, harm := range map[string]func([]byte) []byte{
		"blobs/" + man.Objects[3].Key: flip, "tables/answers.jsonl": flip, "tables/visits.jsonl": func(raw []byte) []byte { return raw[:len(raw)/2] },
		"manifest.json": func([]byte) []byte { return nil },
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, harm(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		other, c := newInstallation(t, nil)
		if _, err := other.restore(ctx, c, dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if entries, _ := os.ReadDir(c.Data); len(entries) > 0 {
			t.Errorf("%s: something was written: %v", name, entries)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.backup(ctx, p.db, p.store, dir); err == nil {
		t.Error("a backup into a folder with a backup is accepted")
	}
}
