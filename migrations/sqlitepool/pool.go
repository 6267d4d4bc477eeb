package sqlitepool

import (
	"context"
	"database/sql"
	"errors"

	"modernc.org/sqlite"
)

// Pool is the connections to one file: what gorm calls a ConnPool.
type Pool struct {
	write, read *sql.DB
	line        line
}

// Open opens the file that a DSN of modernc.org/sqlite names, with so many connections
// that read. Pragmas of the DSN hold for each connection.
func Open(dsn string, readers int) (*Pool, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	p := &Pool{write: sql.OpenDB(keeping{c}), read: sql.OpenDB(keeping{c})}
	p.write.SetMaxOpenConns(1)
	p.read.SetMaxOpenConns(readers)
	p.read.SetMaxIdleConns(readers)
	return p, nil
}

// PrepareContext compiles a statement for the writer.
func (p *Pool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.write.PrepareContext(ctx, query)
}

// ExecContext writes.
func (p *Pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.write.ExecContext(ctx, query, args...)
}

// QueryContext reads; what writes and answers rows belongs into a transaction.
func (p *Pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.read.QueryContext(ctx, query, args...)
}

// QueryRowContext reads one row, as QueryContext.
func (p *Pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.read.QueryRowContext(ctx, query, args...)
}

// GetDBConn is the connection that writes, for who needs database/sql itself.
func (p *Pool) GetDBConn() (*sql.DB, error) { return p.write, nil }

// Readers are the connections that read.
func (p *Pool) Readers() *sql.DB { return p.read }

// Close closes all connections.
func (p *Pool) Close() error { return errors.Join(p.read.Close(), p.write.Close()) }
