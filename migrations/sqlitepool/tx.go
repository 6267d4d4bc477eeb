package sqlitepool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
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
	return t, nil
}

// control is a statement about the transaction itself. Where it fails the commit cannot
// be kept: SQLite ends a whole transaction by itself when the disk is full, say.
func (t *Tx) control(statement string) error {
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

// Commit returns when everything is on disk. Where the disk does not take it, that is
// told to all who share the commit.
func (t *Tx) Commit() error {
	if t.done {
		return sql.ErrTxDone
	}
	if err := t.ctx.Err(); err != nil { // whoever asked has gone
		return errors.Join(err, t.Rollback())
	}
	t.done = true
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
	t.done = true
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
	return context.WithoutCancel(ctx), nil
}

// PrepareContext compiles a statement for the transaction.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	ctx, err := t.context(ctx)
	if err != nil {
		return nil, err
	}
	return t.commit.conn.PrepareContext(ctx, query)
}

// ExecContext writes.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, err := t.context(ctx)
	if err != nil {
		return nil, err
	}
	r, err := t.commit.conn.ExecContext(ctx, query, args...)
	if err != nil {
		t.last = err
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
		t.last = err
	}
	return rows, err
}

// QueryRowContext reads one row, as QueryContext.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	run, err := t.context(ctx)
	if err != nil { // a row can carry an error of database/sql's own only
		ended, cancel := context.WithCancel(ctx)
		cancel()
		run = ended
	}
	return t.commit.conn.QueryRowContext(run, query, args...)
}
