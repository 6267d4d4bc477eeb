package sqlitepool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

// How many transactions share a commit at most, and for how long the first of them waits
// for others before it is on disk.
const (
	shareMost = 64
	shareFor  = 20 * time.Millisecond
)

// line is where transactions wait for their turn, the first come first.
type line struct {
	mu      sync.Mutex
	taken   bool // somebody has the turn
	waiting []*waiter
	commit  *commit // what the next one may join; read and written by who has the turn
}

type waiter struct {
	turn  chan struct{} // closed when the turn is theirs
	brief bool
}

// commit is what reaches the disk together.
type commit struct {
	conn    *sql.Conn
	began   time.Time
	brief   bool // who began it lets others join
	members int
	broken  error         // why nothing of it can be kept
	ended   chan struct{} // closed when err is known
	err     error
}

// wait waits for the turn. It belongs to the caller, to be given on by leave, unless an
// error tells that the caller's context ended first.
func (p *Pool) wait(ctx context.Context, brief bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := &p.line
	l.mu.Lock()
	if !l.taken {
		l.taken = true
		l.mu.Unlock()
		return nil
	}
	mine := &waiter{make(chan struct{}), brief}
	l.waiting = append(l.waiting, mine)
	l.mu.Unlock()
	select {
	case <-mine.turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	at := slices.Index(l.waiting, mine)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	l.mu.Unlock()
	if at < 0 { // the turn came at the same moment, and somebody's commit may have been left to it
		p.leave()
	}
	return ctx.Err()
}

// leave gives the turn on. The last of those who may share a commit makes it.
func (p *Pool) leave() {
	l := &p.line
	l.mu.Lock()
	if c := l.commit; c != nil && (!c.brief || len(l.waiting) == 0 || !l.waiting[0].brief || c.members >= shareMost || c.broken != nil || time.Since(c.began) > shareFor) {
		l.commit = nil
		l.mu.Unlock()
		c.end()
		l.mu.Lock()
	}
	if len(l.waiting) > 0 {
		close(l.waiting[0].turn)
		l.waiting = slices.Delete(l.waiting, 0, 1)
	} else {
		l.taken = false
	}
	l.mu.Unlock()
}

// end brings it to the disk, or undoes it.
func (c *commit) end() {
	err := c.broken
	if err == nil {
		_, err = c.conn.ExecContext(context.Background(), "COMMIT")
	}
	if err != nil {
		undo(c.conn)
	}
	_ = c.conn.Close() // gives it back
	c.err = err
	close(c.ended)
}

// undo ends whatever transaction a connection is in. Where it cannot be sure, for it was
// in none, or in one that SQLite has ended by itself, the connection is not used again.
func undo(conn *sql.Conn) {
	if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// Tx is a transaction that writes: what gorm calls a TxCommitter.
type Tx struct {
	pool   *Pool
	ctx    context.Context
	commit *commit
	done   bool
	last   error // of its statements

	reading  []*sql.Rows // the last of them may be open
	prepared []*sql.Stmt
}

// BeginTx begins a transaction, when its turn has come. One whose options ask for
// sql.LevelReadCommitted is brief: it may share a commit, and waits for those who do. All
// are serializable, whatever is asked for.
func (p *Pool) BeginTx(ctx context.Context, options *sql.TxOptions) (gorm.ConnPool, error) {
	return p.begin(ctx, options != nil && options.Isolation == sql.LevelReadCommitted)
}

func (p *Pool) begin(ctx context.Context, brief bool) (*Tx, error) {
	if err := p.wait(ctx, brief); err != nil {
		return nil, err
	}
	c := p.line.commit
	if c == nil {
		conn, err := p.write.Conn(ctx)
		if err == nil {
			if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
				undo(conn) // a caller who gives up at that moment is told so though it has begun
				_ = conn.Close()
			}
		}
		if err != nil {
			p.leave()
			return nil, err
		}
		c = &commit{conn: conn, began: time.Now(), brief: brief, ended: make(chan struct{})}
		p.line.commit = c
	}
	c.members++
	t := &Tx{pool: p, ctx: ctx, commit: c}
	if err := t.control("SAVEPOINT member"); err != nil {
		p.leave()
		return nil, err
	}
	// Whoever panics between the beginning and the end leaves it open, as gorm does where it
	// makes a transaction of a single statement; everybody would wait for ever.
	runtime.SetFinalizer(t, func(t *Tx) { go func() { _ = t.Rollback() }() })
	return t, nil
}

// control is a statement about the transaction itself. Where it fails the commit cannot
// be kept: SQLite ends a whole transaction by itself when the disk is full, say.
func (t *Tx) control(statement string) error {
	if t.commit.broken != nil {
		return t.commit.broken
	}
	_, err := t.commit.conn.ExecContext(context.Background(), statement)
	if err == nil {
		return nil
	}
	if t.last != nil {
		err = fmt.Errorf("%w (%w)", t.last, err)
	}
	t.commit.broken = fmt.Errorf("sqlite: a transaction of the same commit: %w", err)
	return err
}

// failed takes down that a statement failed, and finds out whether SQLite has ended the
// whole transaction over it: what came next would be on disk at once, whatever is
// answered. BEGIN is refused inside of a transaction; where it is not, what it begins is
// undone in the end.
func (t *Tx) failed(err error) {
	t.last = err
	if t.commit.broken != nil {
		return
	}
	if _, within := t.commit.conn.ExecContext(context.Background(), "BEGIN"); within == nil {
		t.commit.broken = fmt.Errorf("sqlite: a transaction of the same commit: %w", err)
	}
}

// read forgets the rows that have been read to their end, down to the last that have not.
func (t *Tx) read() {
	for len(t.reading) > 0 {
		last := t.reading[len(t.reading)-1]
		if _, err := last.Columns(); err == nil { // open
			return
		}
		t.reading = t.reading[:len(t.reading)-1]
		if err := last.Err(); err != nil {
			t.failed(err)
		}
	}
}

// close ends what was begun in it and not ended: open rows would hold the connection, and
// with it everybody.
func (t *Tx) close() {
	t.done = true
	runtime.SetFinalizer(t, nil)
	t.read()
	for _, r := range t.reading {
		_ = r.Close()
	}
	for _, s := range t.prepared {
		_ = s.Close()
	}
}

// Commit returns when everything is on disk. Where the disk does not take it, that is
// told to all who share the commit.
func (t *Tx) Commit() error {
	if t.done {
		return sql.ErrTxDone
	}
	if err := t.ctx.Err(); err != nil { // whoever asked has gone
		return errors.Join(err, t.Rollback())
	}
	t.close()
	_ = t.control("RELEASE member")
	t.pool.leave()
	<-t.commit.ended
	return t.commit.err
}

// Rollback undoes what was done in this transaction, and nothing of those that it would
// have shared a commit with.
func (t *Tx) Rollback() error {
	if t.done {
		return sql.ErrTxDone
	}
	t.close()
	if t.control("ROLLBACK TO member") == nil {
		_ = t.control("RELEASE member")
	}
	t.pool.leave()
	return nil
}

// context is what a statement runs under. Whoever gives up before it begins, begins none;
// a statement that runs is not broken off, for SQLite would undo the work of others too.
func (t *Tx) context(ctx context.Context) (context.Context, error) {
	if t.done {
		return ctx, sql.ErrTxDone
	}
	if err := errors.Join(ctx.Err(), t.ctx.Err()); err != nil {
		return ctx, err
	}
	if t.read(); t.commit.broken != nil {
		return ctx, t.commit.broken
	}
	return context.WithoutCancel(ctx), nil
}

// PrepareContext compiles a statement for the transaction, with which it ends. A context
// that ends while it runs would undo the work of others: give it one that does not.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	ctx, err := t.context(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.commit.conn.PrepareContext(ctx, query)
	if err == nil {
		t.prepared = append(t.prepared, s)
	}
	return s, err
}

// ExecContext writes.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, err := t.context(ctx)
	if err != nil {
		return nil, err
	}
	r, err := t.commit.conn.ExecContext(ctx, query, args...)
	if err != nil {
		t.failed(err)
	}
	return r, err
}

// QueryContext reads what the transaction sees.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, err := t.context(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := t.commit.conn.QueryContext(ctx, query, args...)
	if err != nil {
		t.failed(err)
		return nil, err
	}
	t.reading = append(t.reading, rows)
	return rows, nil
}

// QueryRowContext reads one row, as QueryContext. The row has to be scanned.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	run, err := t.context(ctx)
	if err != nil { // a row can carry an error of database/sql's own only
		ended, cancel := context.WithCancel(ctx)
		cancel()
		run = ended
	}
	row := t.commit.conn.QueryRowContext(run, query, args...)
	if err == nil && row.Err() != nil {
		t.failed(row.Err())
	}
	return row
}
