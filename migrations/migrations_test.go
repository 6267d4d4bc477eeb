package migrations_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"congvu/migrations"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var ctx = context.Background()

func names(t *testing.T, dialect string) []string {
	t.Helper()
	files, err := migrations.Files(dialect)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestBothDialectsHaveTheSameMigrations(t *testing.T) {
	sqlite, postgres := names(t, "sqlite"), names(t, "postgres")
	if !slices.Equal(sqlite, postgres) {
		t.Fatalf("sqlite   %v\npostgres %v", sqlite, postgres)
	}
	form := regexp.MustCompile(`^\d{4}_[a-z_]+\.sql$`)
	for i, name := range sqlite {
		if !form.MatchString(name) || i > 0 && name[:4] == sqlite[i-1][:4] {
			t.Errorf("%s: not a number of its own and a name", name)
		}
	}
}

// TestMigrationsOnlyGoUp: a release is never taken back by dropping data.
func TestMigrationsOnlyGoUp(t *testing.T) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := migrations.Files(dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names(t, dialect) {
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			if s := string(raw); !strings.Contains(s, "-- +goose Up") || strings.Contains(s, "-- +goose Down") {
				t.Errorf("%s/%s", dialect, name)
			}
		}
	}
}

func version(t *testing.T, db *gorm.DB) (v int64) {
	t.Helper()
	if err := db.Raw("SELECT MAX(version_id) FROM goose_db_version").Scan(&v).Error; err != nil {
		t.Fatal(err)
	}
	return v
}

func TestANewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		now := version(t, db)
		if err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, TRUE)", now+1).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Exec("DROP TABLE score_deductions").Error; err != nil { // a later release may have
			t.Fatal(err)
		}
		if err := migrations.Up(ctx, db); !errors.Is(err, migrations.ErrNewer) {
			t.Fatalf("Up: %v", err)
		}
		if _, err := migrations.ReadStatus(ctx, db); !errors.Is(err, migrations.ErrNewer) {
			t.Fatalf("ReadStatus: %v", err)
		}
		if v := version(t, db); v != now+1 {
			t.Errorf("version %d", v)
		}
		if have := columns(t, db); len(have["score_deductions"]) > 0 || len(have["history"]) == 0 {
			t.Error("the schema was touched")
		}
	})
}

func TestUpTwiceIsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		before := version(t, db)
		if err := migrations.Up(ctx, db); err != nil {
			t.Fatal(err)
		}
		s, err := migrations.ReadStatus(ctx, db)
		if err != nil || s.Pending() || s.Current != before || version(t, db) != before {
			t.Fatalf("%+v %v", s, err)
		}
	})
}

// TestCopiesThatStartAtOnceMigrateOnce: several copies of the program begin on one
// empty PostgreSQL database; one works, the others wait.
func TestCopiesThatStartAtOnceMigrateOnce(t *testing.T) {
	dsn := dbtest.PostgresDSN(t)
	db := opened(t, dsn)
	for _, s := range []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"} {
		if err := db.Exec(s).Error; err != nil {
			t.Fatal(err)
		}
	}
	const copies = 3
	errs := make([]error, copies)
	var wait sync.WaitGroup
	for i := range copies {
		other := opened(t, dsn)
		wait.Go(func() { errs[i] = migrations.Up(ctx, other) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	var n, distinct int64
	if err := db.Raw("SELECT count(*), count(DISTINCT version_id) FROM goose_db_version WHERE version_id > 0").Row().Scan(&n, &distinct); err != nil {
		t.Fatal(err)
	}
	if n != distinct || int(n) != len(names(t, "postgres")) {
		t.Errorf("%d rows of %d versions", n, distinct)
	}
}

// TestAFreshFolderIsMade: the data folder need not exist.
func TestAFreshFolderIsMade(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "a folder", "with ä and ?", "congvu.db"))
	if err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	if v := version(t, db); int(v) < len(names(t, "sqlite")) {
		t.Errorf("version %d", v)
	}
}

func opened(t *testing.T, dsn string) *gorm.DB {
	t.Helper()
	db, err := migrations.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { migrations.Close(db) })
	return db
}

// TestACopyReadsOnWhileANewerOneAddsColumns: a connection remembers its statements, and
// PostgreSQL refuses one that said SELECT * once the table has a column more.
func TestACopyReadsOnWhileANewerOneAddsColumns(t *testing.T) {
	dsn := dbtest.PostgresDSN(t)
	older, newer := opened(t, dsn), opened(t, dsn)
	type campaign struct{ ID, Title string }
	read := func(tx *gorm.DB) (err error) {
		var one []campaign
		return tx.Session(&gorm.Session{NewDB: true}).Table("campaigns").Where("id = ?", "x").Find(&one).Error
	}
	err := older.Connection(func(tx *gorm.DB) error { // one and the same, all along
		for range 3 {
			if err := read(tx); err != nil {
				return err
			}
		}
		if err := newer.Exec("ALTER TABLE campaigns ADD COLUMN later TEXT NOT NULL DEFAULT ''").Error; err != nil {
			return err
		}
		return read(tx)
	})
	if err != nil {
		t.Error(err)
	}
}
