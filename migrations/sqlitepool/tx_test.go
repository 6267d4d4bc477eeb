package sqlitepool

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func opened(t *testing.T) *Pool {
	t.Helper()
	p, err := Open("file:"+filepath.Join(t.TempDir(), "x.db")+"?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)", 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, statement := range []string{"CREATE TABLE t (id INTEGER PRIMARY KEY)",
		"CREATE TABLE child (of INTEGER NOT NULL REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)"} {
		if _, err := p.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func rowsOf(t *testing.T, p *Pool) (n int) {
	t.Helper()
	if err := p.QueryRowContext(t.Context(), "SELECT (SELECT COUNT(*) FROM t) + (SELECT COUNT(*) FROM child)").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// commits is a number that changes with each commit of somebody else.
func commits(t *testing.T, c *sql.Conn) (n int) {
	t.Helper()
	if err := c.QueryRowContext(t.Context(), "PRAGMA data_version").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// inLine waits until so many stand in the queue.
func inLine(t *testing.T, p *Pool, n int) {
	t.Helper()
	for t.Context().Err() == nil {
		p.line.mu.Lock()
		there := len(p.line.waiting)
		p.line.mu.Unlock()
		if there == n {
			return
		}
		runtime.Gosched()
	}
}

// together begins a transaction, lets others queue behind it, does something in it, ends
// it, and gives what became of it and, in order, of the others.
func together(t *testing.T, p *Pool, does ...func(*Tx) error) []error {
	t.Helper()
	out := make([]error, len(does))
	run := func(i int, tx *Tx, err error) {
		if err == nil {
			if err = does[i](tx); err == nil {
				err = tx.Commit()
			} else {
				err = errors.Join(err, tx.Rollback())
			}
		}
		out[i] = err
	}
	first, err := p.begin(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	first.commit.began = time.Now().Add(time.Hour) // as if no time went by
	var all sync.WaitGroup
	for i := range does[1:] {
		all.Go(func() {
			tx, err := p.begin(t.Context(), true)
			run(i+1, tx, err)
		})
		inLine(t, p, i+1)
	}
	run(0, first, nil)
	all.Wait()
	return out
}

func insert(id int) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.ExecContext(context.Background(), "INSERT INTO t VALUES (?)", id)
		return err
	}
}

// TestThoseInLineShareACommit: one commit for all, and each is there after it.
func TestThoseInLineShareACommit(t *testing.T) {
	p := opened(t)
	watch, err := p.read.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	before := commits(t, watch)
	for i, err := range together(t, p, insert(1), insert(2), insert(3), insert(4)) {
		if err != nil {
			t.Error(i, err)
		}
	}
	if n, made := rowsOf(t, p), commits(t, watch)-before; n != 4 || made != 1 {
		t.Errorf("%d rows in %d commits", n, made)
	}
}

// TestWhatIsUndoneIsOnesOwn: nothing of those before and behind it.
func TestWhatIsUndoneIsOnesOwn(t *testing.T) {
	p := opened(t)
	changed := errors.New("changed its mind")
	got := together(t, p, insert(1), func(tx *Tx) error { return errors.Join(insert(2)(tx), changed) }, insert(1), insert(3))
	if got[0] != nil || !errors.Is(got[1], changed) || got[2] == nil || got[3] != nil {
		t.Error(got)
	}
	if n := rowsOf(t, p); n != 2 {
		t.Errorf("%d rows", n)
	}
}

// TestACommitThatFailsIsToldToAll, and nothing of it is there; the next one is taken.
func TestACommitThatFailsIsToldToAll(t *testing.T) {
	p := opened(t)
	for _, does := range []func(*Tx) error{
		func(tx *Tx) error { // nothing is wrong until the commit
			_, err := tx.ExecContext(context.Background(), "INSERT INTO child VALUES (77)")
			return err
		},
		func(tx *Tx) error { // as SQLite does by itself when the disk is full
			_, _ = tx.ExecContext(context.Background(), "ROLLBACK")
			return nil
		},
	} {
		for i, err := range together(t, p, insert(1), does, insert(2)) {
			if err == nil && !(i == 2 && rowsOf(t, p) == 1) { // who came after the failure has a commit of its own
				t.Error(i, "is told that it is there")
			}
		}
		if _, err := p.ExecContext(t.Context(), "DELETE FROM t"); err != nil {
			t.Fatal(err)
		}
		if n := rowsOf(t, p); n != 0 {
			t.Errorf("%d rows", n)
		}
		if got := together(t, p, insert(5), insert(6)); errors.Join(got...) != nil || rowsOf(t, p) != 2 {
			t.Error(got)
		}
		if _, err := p.ExecContext(t.Context(), "DELETE FROM t"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestALongOneIsWaitedForByNobodyBeforeIt: who is brief and has done is told so while the
// long one that came next is still at work, and who comes after it has a commit of its own.
func TestALongOneIsWaitedForByNobodyBeforeIt(t *testing.T) {
	p := opened(t)
	first, err := p.begin(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	begun, done := make(chan *Tx), make(chan error)
	go func() {
		long, err := p.begin(t.Context(), false)
		if err != nil {
			t.Error(err)
		}
		begun <- long
	}()
	inLine(t, p, 1)
	if err := errors.Join(insert(1)(first), first.Commit()); err != nil {
		t.Fatal(err)
	}
	long := <-begun
	if n := rowsOf(t, p); n != 1 {
		t.Errorf("%d rows are there while the long one is at work", n)
	}
	go func() {
		after, err := p.begin(t.Context(), true)
		if err == nil {
			err = errors.Join(insert(3)(after), after.Rollback())
		}
		done <- err
	}()
	inLine(t, p, 1)
	if err := errors.Join(insert(2)(long), long.Commit()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, p); n != 2 {
		t.Errorf("%d rows", n)
	}
}

// TestWhoGivesUpInLineHoldsNobodyUp: whenever it does, also as its turn comes; who has
// been told that it is there finds it there, who was not finds nothing.
func TestWhoGivesUpInLineHoldsNobodyUp(t *testing.T) {
	p := opened(t)
	var mu sync.Mutex
	there := map[int]bool{}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 60 {
				id := worker*1000 + i
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
				tx, err := p.begin(ctx, rand.IntN(4) > 0)
				if err == nil {
					if _, err = tx.ExecContext(ctx, "INSERT INTO t VALUES (?)", id); err == nil {
						err = tx.Commit()
					} else {
						_ = tx.Rollback()
					}
				}
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "interrupted") {
					t.Error(err)
				}
				mu.Lock()
				there[id] = err == nil
				mu.Unlock()
			}
		})
	}
	all.Wait()
	rows, err := p.QueryContext(t.Context(), "SELECT id FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		if !there[id] {
			t.Errorf("%d is there and was told that it is not", id)
		}
		found++
	}
	told := 0
	for _, yes := range there {
		if yes {
			told++
		}
	}
	if found != told || told == 0 {
		t.Errorf("%d are there, %d were told so", found, told)
	}
	if p.line.taken || len(p.line.waiting) > 0 || p.line.commit != nil {
		t.Error("somebody is still in line")
	}
}

// TestNothingIsWrittenOutsideOfATransaction: where SQLite has ended it over a statement
// and its caller goes on, nothing of that reaches the disk either.
func TestNothingIsWrittenOutsideOfATransaction(t *testing.T) {
	p := opened(t)
	for _, statement := range []string{"CREATE TABLE large (b BLOB NOT NULL)", "PRAGMA max_page_count = 40"} {
		if _, err := p.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const taken = "INSERT OR ROLLBACK INTO t VALUES (1) RETURNING id"
	for name, ends := range map[string]func(*Tx) error{
		"the disk is full": func(tx *Tx) error {
			_, err := tx.ExecContext(context.Background(), "INSERT INTO large VALUES (zeroblob(1000000))")
			return err
		},
		"a statement": func(tx *Tx) error {
			_, err := tx.ExecContext(context.Background(), taken)
			return err
		},
		"rows": func(tx *Tx) error {
			rows, err := tx.QueryContext(context.Background(), taken)
			if err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
			return err
		},
		"one row": func(tx *Tx) error {
			var n int
			return tx.QueryRowContext(context.Background(), taken).Scan(&n)
		},
	} {
		got := together(t, p, insert(1), func(tx *Tx) error {
			if ends(tx) == nil {
				t.Errorf("%s did not fail", name)
			}
			_ = insert(2)(tx) // as if nothing had happened
			return nil
		}, insert(3))
		if got[0] == nil || got[1] == nil || got[2] != nil {
			t.Error(name, got)
		}
		if n := rowsOf(t, p); n != 1 {
			t.Errorf("%s: %d rows", name, n)
		}
		if _, err := p.ExecContext(t.Context(), "DELETE FROM t"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAStatementThatFailsByItselfEndsNothing: what its caller does instead is kept, with
// the work of the others.
func TestAStatementThatFailsByItselfEndsNothing(t *testing.T) {
	p := opened(t)
	got := together(t, p, insert(1), func(tx *Tx) error {
		if insert(1)(tx) == nil {
			t.Error("the key is taken")
		}
		return insert(2)(tx)
	}, insert(3))
	if err := errors.Join(got...); err != nil || rowsOf(t, p) != 3 {
		t.Error(err, rowsOf(t, p))
	}
}

// TestWhatIsLeftOpenHoldsNobodyUp: rows that are not read to their end, and statements,
// end with their transaction.
func TestWhatIsLeftOpenHoldsNobodyUp(t *testing.T) {
	p := opened(t)
	for _, undone := range []bool{false, true} {
		tx, err := p.begin(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := tx.PrepareContext(t.Context(), "INSERT INTO t VALUES (?)")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := statement.Exec(1); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			rows, err := tx.QueryContext(t.Context(), "SELECT id FROM t UNION ALL SELECT 7")
			if err != nil || !rows.Next() {
				t.Fatal(err)
			}
		}
		if undone {
			err = tx.Rollback()
		} else {
			err = tx.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := statement.Exec(2); err == nil {
			t.Error("a statement outlives its transaction")
		}
		if n := rowsOf(t, p); n != map[bool]int{false: 1, true: 0}[undone] {
			t.Errorf("%d rows", n)
		}
		if _, err := p.ExecContext(t.Context(), "DELETE FROM t"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestATransactionThatIsForgottenIsUndone, so that a panic between its beginning and its
// end stops nobody for ever.
func TestATransactionThatIsForgottenIsUndone(t *testing.T) {
	p := opened(t)
	func() {
		tx, err := p.begin(t.Context(), true)
		if err == nil {
			err = insert(1)(tx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}()
	begun := make(chan error)
	go func() {
		tx, err := p.begin(t.Context(), true)
		if err == nil {
			err = errors.Join(insert(2)(tx), tx.Commit())
		}
		begun <- err
	}()
	for {
		runtime.GC()
		select {
		case err := <-begun:
			if n := rowsOf(t, p); err != nil || n != 1 {
				t.Error(n, err)
			}
			return
		default:
			runtime.Gosched()
		}
	}
}
