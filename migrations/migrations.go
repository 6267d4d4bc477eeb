package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"congvu/migrations/sqlitepool"

	"github.com/libtnb/sqlite"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// ErrNewer says that a later version of the program has changed the schema; this
// one must not touch it.
var ErrNewer = errors.New("the database was written by a newer version of congvu")

// IsPostgres tells whether a DSN names a PostgreSQL database; anything else is
// the path of an SQLite file.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Open connects to the database that a DSN names, without changing its schema.
// On SQLite a transaction takes the write lock when it begins (a read that later
// writes could fail half-way otherwise) and waits for others; foreign keys are
// enforced and a commit is on disk when it returns.
func Open(ctx context.Context, dsn string) (*gorm.DB, error) {
	var dialect gorm.Dialector
	var file *sqlitepool.Pool
	if IsPostgres(dsn) {
		dialect = postgres.New(postgres.Config{DSN: dsn})
	} else {
		if err := os.MkdirAll(filepath.Dir(dsn), 0o700); err != nil {
			return nil, err
		}
		q := url.Values{"_txlock": {"immediate"}, "_pragma": {
			"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"wal_autocheckpoint(4000)"}} // pages, 16 MB: what is written again and again goes into the file itself less often
		var err error
		if file, err = sqlitepool.Open("file:"+(&url.URL{Path: dsn}).EscapedPath()+"?"+q.Encode(), 8); err != nil {
			return nil, unopened(dsn, err)
		}
		dialect = sqlite.New(sqlite.Config{Conn: file})
	}
	db, err := gorm.Open(dialect, &gorm.Config{
		TranslateError: true,
		QueryFields:    true, // columns by name: a prepared SELECT * breaks in a copy that runs beside a newer schema
		Logger: logger.New(slogWriter{}, logger.Config{SlowThreshold: 500 * time.Millisecond,
			LogLevel: logger.Warn, IgnoreRecordNotFoundError: true, ParameterizedQueries: true}),
	})
	if err != nil {
		return nil, unopened(dsn, err)
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	if IsPostgres(dsn) {
		pool.SetMaxOpenConns(20)
		pool.SetMaxIdleConns(10)
	}
	if err := pool.PingContext(ctx); err != nil {
		_ = Close(db)
		return nil, unopened(dsn, err)
	}
	return db, nil
}

// unopened names the file; the DSN of a server holds its password.
func unopened(dsn string, err error) error {
	if IsPostgres(dsn) {
		return fmt.Errorf("open database: %w", err)
	}
	return fmt.Errorf("open database %s: %w", dsn, err)
}

type slogWriter struct{}

func (slogWriter) Printf(format string, args ...any) {
	slog.Warn("database", "message", strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// Status is where a schema stands: the version of the database and the newest
// that this program knows.
type Status struct{ Current, Newest int64 }

// Pending tells whether Up has something to do.
func (s Status) Pending() bool { return s.Current < s.Newest }

// Newest is the newest schema that this program knows.
func Newest() (int64, error) {
	names, err := fs.Glob(files, "sqlite/*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("the schema is not in the program: %w", err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

// ReadStatus tells where the schema stands. It changes nothing but goose's own
// version table, which it makes when absent.
func ReadStatus(ctx context.Context, db *gorm.DB) (Status, error) {
	p, err := provider(readers, db)
	if err != nil {
		return Status{}, err
	}
	return status(ctx, p)
}

func status(ctx context.Context, p *goose.Provider) (Status, error) {
	current, newest, err := p.GetVersions(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("schema version: %w", err)
	}
	if current > newest {
		return Status{current, newest}, fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, current, newest)
	}
	return Status{current, newest}, nil
}

// Up brings the schema to the newest version. Several copies of the program may
// call it at once; one does the work, the others wait. A schema newer than this
// program is refused with ErrNewer and left alone.
func Up(ctx context.Context, db *gorm.DB) error {
	p, err := provider((*gorm.DB).DB, db)
	if err != nil {
		return err
	}
	if _, err := status(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if db.Name() == "postgres" {
		return nil // it looks at its tables by itself
	}
	if err := db.WithContext(ctx).Exec("PRAGMA optimize = 0x10002").Error; err != nil { // so that queries take the right index; a moment's work
		return err
	}
	// What a transaction may have to undo is kept in memory, not in a file for each. Not
	// before: what a migration sorts may be large.
	return db.WithContext(ctx).Exec("PRAGMA temp_store = MEMORY").Error
}

func provider(over func(*gorm.DB) (*sql.DB, error), db *gorm.DB) (*goose.Provider, error) {
	pool, err := over(db)
	if err != nil {
		return nil, err
	}
	dialect, folder := goose.DialectSQLite3, "sqlite"
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.Name() == "postgres" {
		dialect, folder = goose.DialectPostgres, "postgres"
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, pool, sub, options...)
}

// Files is the SQL of one dialect, "sqlite" or "postgres", for tests and tools.
func Files(dialect string) (fs.FS, error) { return fs.Sub(files, dialect) }

// Close closes the connections behind a database.
func Close(db *gorm.DB) error {
	if file, ok := db.ConnPool.(*sqlitepool.Pool); ok {
		return file.Close()
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// readers are the connections for what only reads: on SQLite the others must not wait
// for it.
func readers(db *gorm.DB) (*sql.DB, error) {
	if file, ok := db.ConnPool.(*sqlitepool.Pool); ok {
		return file.Readers(), nil
	}
	return db.DB()
}
