package inspection

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
)

// Trouble tells an outage, which passes by itself or by an operator's hand, from a
// mistake of the program: Full where there is no room left, Unavailable where the
// database or the network does not answer, nil for anything else. What the databases'
// drivers say is known by their methods, not their packages.
func Trouble(err error) *Error {
	switch {
	case err == nil:
		return nil
	case noRoom(err):
		return E(Full, "error.full").Because(err)
	case away(err):
		return E(Unavailable, "error.unavailable").Because(err)
	}
	return nil
}

// Result codes of SQLite (sqlite.org/rescode.html): their low byte.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteProtocol = 15
)

func sqliteCode(err error) int {
	var e interface {
		error
		Code() int
	}
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// sqlState is PostgreSQL's code (its manual, appendix A).
func sqlState(err error) string {
	var e interface {
		error
		SQLState() string
	}
	if !errors.As(err, &e) {
		return ""
	}
	return e.SQLState()
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || sqliteCode(err) == sqliteFull || sqlState(err) == "53100"
}

func away(err error) bool {
	if slices.Contains([]int{sqliteBusy, sqliteLocked, sqliteReadOnly, sqliteIOErr, sqliteCantOpen, sqliteProtocol}, sqliteCode(err)) {
		return true
	}
	if state := sqlState(err); state != "" {
		// Connections, resources, the operator's hand, the system below; a server that takes
		// no writes; two transactions in each other's way.
		return slices.ContainsFunc([]string{"08", "53", "57P", "58", "25006", "40001", "40P01", "55P03"}, func(p string) bool { return strings.HasPrefix(state, p) })
	}
	for _, gone := range []error{driver.ErrBadConn, sql.ErrConnDone, io.ErrUnexpectedEOF, context.DeadlineExceeded, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EROFS} {
		if errors.Is(err, gone) {
			return true
		}
	}
	var network net.Error
	var unsent interface {
		error
		SafeToRetry() bool
	}
	return errors.As(err, &network) || errors.As(err, &unsent)
}
