package sqlitepool

import (
	"context"
	"database/sql/driver"
)

// keeping opens connections that keep their statements.
type keeping struct{ driver.Connector }

// Connect implements driver.Connector.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{inner: c.(inner), kept: map[string]statement{}}, nil
}

// inner is what modernc.org/sqlite's connections can do and ours pass on.
type inner interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// maxKept is how many statements a connection keeps; with one more it begins anew. The
// program has some hundreds.
const maxKept = 1000

// conn is a connection that compiles each text once: half the time of a short statement
// is SQLite's parser. A statement in use is not among the kept, so that the same text
// inside the reading of its own rows is compiled a second time.
type conn struct {
	inner
	kept map[string]statement
}

func (c *conn) take(ctx context.Context, query string) (statement, error) {
	if s, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.(statement), nil
}

func (c *conn) give(query string, s statement) {
	if _, there := c.kept[query]; there {
		s.Close()
		return
	}
	if len(c.kept) >= maxKept {
		c.forget()
	}
	c.kept[query] = s
}

func (c *conn) forget() {
	for _, s := range c.kept {
		s.Close()
	}
	clear(c.kept)
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	c.forget()
	return c.inner.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := s.ExecContext(ctx, args)
	c.give(query, s)
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		c.give(query, s)
		return nil, err
	}
	return &rows{columns: r.(columns), done: func() { c.give(query, s) }}, nil
}

// columns is what rows can tell of themselves.
type columns interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rows give their statement back when they have been read.
type rows struct {
	columns
	done func()
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	err := r.columns.Close()
	if r.done != nil {
		r.done()
		r.done = nil
	}
	return err
}
