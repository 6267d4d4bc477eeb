package sqlitepool_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"congvu/migrations/sqlitepool"
)

func open(t *testing.T) *sqlitepool.Pool {
	t.Helper()
	p, err := sqlitepool.Open("file:"+filepath.Join(t.TempDir(), "x.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)", 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, statement := range []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", "INSERT INTO t VALUES (1, 0), (2, 0)"} {
		if _, err := p.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func begin(ctx context.Context, p *sqlitepool.Pool) (*sqlitepool.Tx, error) {
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return tx.(*sqlitepool.Tx), nil
}

func number(t *testing.T, p *sqlitepool.Pool) (n int) {
	t.Helper()
	if err := p.QueryRowContext(t.Context(), "SELECT n FROM t WHERE id = ?", 1).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWritersStandInLine: nobody is turned away, without any waiting set in the DSN, and
// nothing is counted twice.
func TestWritersStandInLine(t *testing.T) {
	p := open(t)
	const writers, each = 16, 40
	var wg sync.WaitGroup
	errs := make(chan error, writers*each)
	for range writers {
		wg.Go(func() {
			for range each {
				errs <- func() error {
					tx, err := begin(t.Context(), p)
					if err != nil {
						return err
					}
					defer tx.Rollback()
					var n int
					if err := tx.QueryRowContext(t.Context(), "SELECT n FROM t WHERE id = ?", 1).Scan(&n); err != nil {
						return err
					}
					if _, err := tx.ExecContext(t.Context(), "UPDATE t SET n = ? WHERE id = ?", n+1, 1); err != nil {
						return err
					}
					return tx.Commit()
				}()
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, p); n != writers*each {
		t.Fatal(n)
	}
}

// TestAReadGoesOnBesideAWriter and sees what was last committed.
func TestAReadGoesOnBesideAWriter(t *testing.T) {
	p := open(t)
	tx, err := begin(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "UPDATE t SET n = ? WHERE id = ?", 7, 1); err != nil {
		t.Fatal(err)
	}
	if n := number(t, p); n != 0 {
		t.Fatal(n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := number(t, p); n != 7 {
		t.Fatal(n)
	}
}

// TestOneTextInsideTheReadingOfItsOwnRows: a statement in use is not used a second time.
func TestOneTextInsideTheReadingOfItsOwnRows(t *testing.T) {
	p := open(t)
	tx, err := begin(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const all = "SELECT id FROM t WHERE id >= ? ORDER BY id"
	read := func(from int, each func(id int)) {
		rows, err := tx.QueryContext(t.Context(), all, from)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			each(id)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	for range 3 { // kept from the first time
		read(1, func(outer int) {
			read(outer, func(inner int) { seen = append(seen, fmt.Sprint(outer, inner)) })
		})
	}
	if got := fmt.Sprint(seen); got != "[1 1 1 2 2 2 1 1 1 2 2 2 1 1 1 2 2 2]" {
		t.Fatal(got)
	}
}

// TestMoreStatementsThanAreKept: a connection that has compiled thousands goes on.
func TestMoreStatementsThanAreKept(t *testing.T) {
	p := open(t)
	for i := range 2500 {
		var n int
		if err := p.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + n FROM t WHERE id = ?", i), 1).Scan(&n); err != nil || n != i {
			t.Fatal(n, err)
		}
	}
	if _, err := p.ExecContext(t.Context(), "ALTER TABLE t ADD COLUMN more INTEGER"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, p); n != 0 { // compiled before the table changed
		t.Fatal(n)
	}
}

// TestABadStatementLeavesTheConnectionUsable, one whose caller has gone too.
func TestABadStatementLeavesTheConnectionUsable(t *testing.T) {
	p := open(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if _, err := p.ExecContext(t.Context(), "UPDATE nothing SET n = ?", 1); err == nil {
			t.Fatal("there is no such table")
		}
		if _, err := p.ExecContext(t.Context(), "INSERT INTO t VALUES (?, 0)", 1); err == nil {
			t.Fatal("the key is taken")
		}
		if _, err := p.ExecContext(gone, "UPDATE t SET n = n + ?", 1); err == nil {
			t.Fatal("the caller has gone")
		}
	}
	if n := number(t, p); n != 0 {
		t.Fatal(n)
	}
}
