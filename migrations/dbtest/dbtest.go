// Package dbtest hands every test its own migrated database, on SQLite and on a
// real PostgreSQL. A server that is missing fails the test; nothing skips.
package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"congvu/migrations"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Each runs a test as one subtest a kind of database, each on a database of its
// own that ends with the test.
func Each(t *testing.T, test func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite is a migrated database in a file of the test's own folder.
func SQLite(t testing.TB) *gorm.DB {
	t.Helper()
	return open(t, SQLiteDSN(t))
}

// SQLiteDSN is the path of such a file, not yet opened.
func SQLiteDSN(t testing.TB) string {
	t.Helper()
	raw, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("sqlite template: %v", err)
	}
	path := filepath.Join(t.TempDir(), "congvu.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Postgres is a migrated database of its own on the server that
// CONGVU_TEST_POSTGRES names.
func Postgres(t testing.TB) *gorm.DB {
	t.Helper()
	return open(t, PostgresDSN(t))
}

// PostgresDSN is the DSN of such a database, not yet opened.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv("CONGVU_TEST_POSTGRES")
	if server == "" {
		t.Fatal("CONGVU_TEST_POSTGRES is not set: start the services with `make services-up` or run `make test`")
	}
	template, err := postgresTemplate(server)
	if err != nil {
		t.Fatalf("postgres template: %v", err)
	}
	return postgresFrom(t, server, template)
}

// EmptyPostgresDSN is the DSN of a database of its own without any schema.
func EmptyPostgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv("CONGVU_TEST_POSTGRES")
	if server == "" {
		t.Fatal("CONGVU_TEST_POSTGRES is not set: start the services with `make services-up` or run `make test`")
	}
	return postgresFrom(t, server, "template0")
}

func postgresFrom(t testing.TB, server, template string) string {
	t.Helper()
	name := "t_" + hex.EncodeToString(sha(uuid.NewString()))[:20]
	admin(t, server, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s`, name, template))
	t.Cleanup(func() { admin(t, server, fmt.Sprintf(`DROP DATABASE IF EXISTS %s WITH (FORCE)`, name)) })
	return withDatabase(server, name)
}

func open(t testing.TB, dsn string) *gorm.DB {
	t.Helper()
	db, err := migrations.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { migrations.Close(db) })
	return db
}

func admin(t testing.TB, server, statement string) {
	t.Helper()
	if err := exec(server, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func exec(server, statement string) error {
	db, err := migrations.Open(context.Background(), server)
	if err != nil {
		return err
	}
	defer migrations.Close(db)
	return db.Exec(statement).Error
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "congvu-dbtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	db, err := migrations.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := migrations.Up(context.Background(), db); err != nil {
		return nil, err
	}
	if err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error; err != nil {
		return nil, err
	}
	if err := migrations.Close(db); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

var templates sync.Map

// postgresTemplate makes the migrated template once for all test processes: its
// name carries the hash of the SQL, and an advisory lock lets one process make it.
func postgresTemplate(server string) (string, error) {
	if name, ok := templates.Load(server); ok {
		return name.(string), nil
	}
	sub, err := migrations.Files("postgres")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = fs.WalkDir(sub, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(sub, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(raw), raw)
		return err
	})
	if err != nil {
		return "", err
	}
	name := "congvu_template_" + hex.EncodeToString(h.Sum(nil))[:16]
	db, err := migrations.Open(context.Background(), server)
	if err != nil {
		return "", err
	}
	defer migrations.Close(db)
	err = db.Connection(func(conn *gorm.DB) error {
		if err := conn.Exec("SELECT pg_advisory_lock(7214)").Error; err != nil {
			return err
		}
		defer conn.Exec("SELECT pg_advisory_unlock(7214)")
		var n int64
		if err := conn.Raw("SELECT count(*) FROM pg_database WHERE datname = ?", name).Scan(&n).Error; err != nil || n > 0 {
			return err
		}
		if err := conn.Exec("CREATE DATABASE " + name + "_new").Error; err != nil {
			return err
		}
		fresh, err := migrations.Open(context.Background(), withDatabase(server, name+"_new"))
		if err != nil {
			return err
		}
		if err := migrations.Up(context.Background(), fresh); err != nil {
			migrations.Close(fresh)
			conn.Exec("DROP DATABASE " + name + "_new WITH (FORCE)")
			return err
		}
		if err := migrations.Close(fresh); err != nil {
			return err
		}
		return conn.Exec("ALTER DATABASE " + name + "_new RENAME TO " + name).Error
	})
	if err == nil {
		templates.Store(server, name)
	}
	return name, err
}

func sha(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}
