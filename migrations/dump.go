package migrations

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// A dump is every row of every table as of one instant, one JSON array a line, one
// stream a table. It is the same whichever database it came from, so that what was
// kept in SQLite can be taken over by PostgreSQL. The version table of the migrations
// is not part of it: Dump tells the version, and Load wants a schema of that version.

// begin opens one consistent view that blocks no writer.
var begin = map[string]string{"sqlite": "BEGIN", "postgres": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}

// Dumped is what one table gave.
type Dumped struct {
	Columns []string
	Rows    int64
}

// Dump writes every table to the stream that open gives for it, and tells the schema's
// version and what each table gave. ask, where there is one, asks more of the same
// instant.
func Dump(ctx context.Context, db *gorm.DB, open func(table string) (io.WriteCloser, error), ask func(tx *gorm.DB) error) (int64, map[string]Dumped, error) {
	if _, err := ReadStatus(ctx, db); err != nil {
		return 0, nil, err
	}
	var version int64
	dumped := map[string]Dumped{}
	err := onConnection(ctx, readers, db, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, begin[db.Name()]); err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if err := conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version); err != nil {
			return err
		}
		tables, err := tablesOf(ctx, conn, db.Name())
		if err != nil {
			return err
		}
		if ask != nil {
			if err := ask(over(ctx, db, conn)); err != nil {
				return err
			}
		}
		for _, table := range tables {
			if dumped[table], err = dumpTable(ctx, conn, db.Name(), table, open); err != nil {
				return fmt.Errorf("dump of %s: %w", table, err)
			}
		}
		return nil
	})
	return version, dumped, err
}

// onConnection does something over one connection of those that a database has.
func onConnection(ctx context.Context, pool func(*gorm.DB) (*sql.DB, error), db *gorm.DB, do func(*sql.Conn) error) error {
	all, err := pool(db)
	if err != nil {
		return err
	}
	conn, err := all.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(conn)
}

// over is the database seen over one connection.
func over(ctx context.Context, db *gorm.DB, conn *sql.Conn) *gorm.DB {
	tx := db.Session(&gorm.Session{NewDB: true, Context: ctx})
	tx.Statement.ConnPool = conn
	return tx.Session(&gorm.Session{})
}

// passing are the tables that are no content: the schema's own, and what has arrived of
// files that are still being sent, and what is to be sent out, which a restored copy must
// not send again.
var passing = []string{"goose_db_version", "evidence_parts", "evidence_sketches", "notify_mails", "notify_deliveries", "notify_attempts"}

func tablesOf(ctx context.Context, conn *sql.Conn, dialect string) ([]string, error) {
	query := "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
	if dialect == "sqlite" {
		query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
	}
	names, err := texts(ctx, conn, query)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(passing, name) }), err
}

func texts(ctx context.Context, conn *sql.Conn, query string, args ...any) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// columnsOf are a table's columns by name, so that both dialects give one order, and
// the columns of its key.
func columnsOf(ctx context.Context, conn *sql.Conn, dialect, table string) (columns, key []string, err error) {
	query := `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY 1`
	keys := `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY 1`
	if dialect == "sqlite" {
		query = `SELECT name FROM pragma_table_info(?) ORDER BY 1`
		keys = `SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY 1`
	}
	if columns, err = texts(ctx, conn, query, table); err != nil {
		return nil, nil, err
	}
	key, err = texts(ctx, conn, keys, table)
	return columns, key, err
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

func dumpTable(ctx context.Context, conn *sql.Conn, dialect, table string, open func(string) (io.WriteCloser, error)) (d Dumped, err error) {
	columns, key, err := columnsOf(ctx, conn, dialect, table)
	if err != nil {
		return d, err
	}
	if len(key) == 0 {
		key = columns
	}
	out, err := open(table)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := bufio.NewWriter(out)
	d.Columns = columns
	truths := map[int]bool{} // SQLite keeps truth values as 0 and 1
	if dialect == "sqlite" {
		names, err := texts(ctx, conn, `SELECT name FROM pragma_table_info(?) WHERE type = 'BOOLEAN'`, table)
		if err != nil {
			return d, err
		}
		for i, c := range columns {
			truths[i] = slices.Contains(names, c)
		}
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf(`SELECT %s FROM "%s" ORDER BY %s`, quoted(columns), table, quoted(key)))
	if err != nil {
		return d, err
	}
	defer rows.Close()
	encode := json.NewEncoder(w)
	encode.SetEscapeHTML(false)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return d, err
		}
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				values[i] = string(v)
			case int64:
				if truths[i] {
					values[i] = v != 0
				}
			}
		}
		if err := encode.Encode(values); err != nil {
			return d, err
		}
		d.Rows++
	}
	if err := rows.Err(); err != nil {
		return d, err
	}
	return d, w.Flush()
}

// ErrNotEmpty says that a load would mix with what is there.
var ErrNotEmpty = errors.New("the database is not empty")

// Vacant refuses, with ErrNotEmpty, a database in which any table has a row, but for what
// the migrations put there.
func Vacant(ctx context.Context, db *gorm.DB) error {
	return onConnection(ctx, readers, db, func(conn *sql.Conn) error {
		names, err := tablesOf(ctx, conn, db.Name())
		if err != nil {
			return err
		}
		return vacant(ctx, conn, names)
	})
}

func vacant(ctx context.Context, conn *sql.Conn, names []string) error {
	for _, name := range names {
		var some bool
		if err := conn.QueryRowContext(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM "%s")`, name)).Scan(&some); err != nil {
			return err
		}
		if some && name != "history_head" && name != "notify_cursor" { // which the migrations fill
			return ErrNotEmpty
		}
	}
	return nil
}

// Load fills a database that holds nothing with a dump: the schema is brought to the
// dump's version, filled, and brought up to date. A failure before that last step leaves
// no row. source gives the rows of a table; check looks at all of them before they are
// there for anybody else, and its error takes them back.
func Load(ctx context.Context, db *gorm.DB, version int64, tables map[string]Dumped, source func(table string) (io.ReadCloser, error), check func(tx *gorm.DB) error) error {
	p, err := provider((*gorm.DB).DB, db)
	if err != nil {
		return err
	}
	at, err := status(ctx, p)
	if err != nil {
		return err
	}
	if version > at.Newest {
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, version, at.Newest)
	}
	if at.Current > version {
		return ErrNotEmpty
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	err = onConnection(ctx, (*gorm.DB).DB, db, func(conn *sql.Conn) error {
		l := &load{conn: conn, dialect: db.Name(), source: source, tables: tables, check: func() error { return check(over(ctx, db, conn)) }}
		return l.run(ctx)
	})
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

type load struct {
	conn    *sql.Conn
	dialect string
	tables  map[string]Dumped
	source  func(string) (io.ReadCloser, error)
	check   func() error
}

func (l *load) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := l.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// run fills the tables with the triggers off, which refuse changes to what is
// append-only, and with foreign keys looked at once all rows are there.
func (l *load) run(ctx context.Context) error {
	names, err := tablesOf(ctx, l.conn, l.dialect)
	if err != nil {
		return err
	}
	for name := range l.tables {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the dump has a table %q that its schema does not have", name)
		}
	}
	if err := vacant(ctx, l.conn, names); err != nil {
		return err
	}
	off, on, err := l.guards(ctx, names)
	if err != nil {
		return err
	}
	if l.dialect == "sqlite" {
		// Rows come before those that they refer to: with the keys on, SQLite would go through
		// all rows that refer to it at each row that is referred to. They are looked at at the
		// end, all at once. And what does not fit into memory would be written twice.
		if err := l.exec(ctx, "PRAGMA foreign_keys = OFF", "PRAGMA cache_size = -262144"); err != nil {
			return err
		}
		defer l.exec(context.WithoutCancel(ctx), "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -2000")
	}
	// All in one transaction: whatever ends it half-way, a guard is never left off.
	if err := l.exec(ctx, append([]string{"BEGIN"}, off...)...); err != nil {
		return errors.Join(err, l.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	err = l.fill(ctx, names)
	if err == nil {
		err = l.keys(ctx)
	}
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return errors.Join(err, l.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	if err := l.exec(ctx, append(on, "COMMIT")...); err != nil {
		return errors.Join(err, l.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return l.exec(ctx, "ANALYZE")
}

// guards are the statements that put the triggers and the immediate foreign keys off
// and on again.
func (l *load) guards(ctx context.Context, names []string) (off, on []string, err error) {
	if l.dialect == "sqlite" {
		triggers, err := texts(ctx, l.conn, "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1")
		if err != nil {
			return nil, nil, err
		}
		for _, t := range triggers {
			off = append(off, fmt.Sprintf(`DROP TRIGGER "%s"`, t))
		}
		on, err = texts(ctx, l.conn, "SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
		return off, on, err
	}
	on = append(on, "SET CONSTRAINTS ALL IMMEDIATE") // looks at every key now: no table can be altered that still has checks to come
	for _, name := range names {
		off = append(off, fmt.Sprintf(`ALTER TABLE "%s" DISABLE TRIGGER USER`, name))
		on = append(on, fmt.Sprintf(`ALTER TABLE "%s" ENABLE TRIGGER USER`, name))
	}
	keys, err := texts(ctx, l.conn, `SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
		WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1`)
	for _, k := range keys {
		off = append(off, k+" DEFERRABLE INITIALLY DEFERRED")
		on = append(on, k+" NOT DEFERRABLE")
	}
	return off, on, err
}

// keys finds rows that refer to what is not there. PostgreSQL does so by itself.
func (l *load) keys(ctx context.Context) error {
	if l.dialect != "sqlite" {
		return nil
	}
	broken, err := texts(ctx, l.conn, `SELECT "table" || ' → ' || parent FROM pragma_foreign_key_check LIMIT 1`)
	if err == nil && len(broken) > 0 {
		err = fmt.Errorf("a row refers to one that is not there: %s", broken[0])
	}
	return err
}

const batch = 100

func (l *load) fill(ctx context.Context, names []string) error {
	for _, name := range names {
		if _, err := l.conn.ExecContext(ctx, fmt.Sprintf(`DELETE FROM "%s"`, name)); err != nil {
			return err
		}
		d, ok := l.tables[name]
		if !ok {
			continue
		}
		if err := l.fillTable(ctx, name, d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if l.dialect != "postgres" {
		return nil
	}
	return l.exec(ctx, "SELECT setval(pg_get_serial_sequence('history', 'seq'), GREATEST((SELECT MAX(seq) FROM history), 1))")
}

func (l *load) fillTable(ctx context.Context, name string, d Dumped) error {
	columns, _, err := columnsOf(ctx, l.conn, l.dialect, name)
	if err != nil {
		return err
	}
	if !slices.Equal(columns, d.Columns) {
		return errors.New("the columns of the dump are not those of its schema")
	}
	in, err := l.source(name)
	if err != nil {
		return err
	}
	defer in.Close()
	decode := json.NewDecoder(bufio.NewReader(in))
	decode.UseNumber()
	var n int64
	var args []any
	for {
		var row []any
		err := decode.Decode(&row)
		if err != nil && err != io.EOF {
			return err
		}
		if err == nil {
			if len(row) != len(columns) {
				return fmt.Errorf("row %d has %d values for %d columns", n+1, len(row), len(columns))
			}
			for _, v := range row {
				args = append(args, value(v))
			}
			n++
		}
		if rows := len(args) / max(1, len(columns)); rows == batch || err == io.EOF && rows > 0 {
			if err := l.insert(ctx, name, columns, args, rows); err != nil {
				return err
			}
			args = args[:0]
		}
		if err == io.EOF {
			break
		}
	}
	if n != d.Rows {
		return fmt.Errorf("%d rows of %d", n, d.Rows)
	}
	return nil
}

// value is a JSON value as the databases take it.
func value(v any) any {
	number, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := number.Int64(); err == nil {
		return i
	}
	f, err := number.Float64()
	if err != nil {
		return math.NaN()
	}
	return f
}

func (l *load) insert(ctx context.Context, name string, columns []string, args []any, rows int) error {
	overriding := ""
	if l.dialect == "postgres" {
		overriding = "OVERRIDING SYSTEM VALUE "
	}
	var b strings.Builder
	fmt.Fprintf(&b, `INSERT INTO "%s" (%s) %sVALUES `, name, quoted(columns), overriding)
	for r := range rows {
		if r > 0 {
			b.WriteString(", ")
		}
		for c := range columns {
			sep := ", "
			if c == 0 {
				sep = "("
			}
			if l.dialect == "postgres" {
				fmt.Fprintf(&b, "%s$%d", sep, r*len(columns)+c+1)
			} else {
				b.WriteString(sep + "?")
			}
		}
		b.WriteString(")")
	}
	_, err := l.conn.ExecContext(ctx, b.String(), args...)
	return err
}
