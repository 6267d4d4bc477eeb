package inspection_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"congvu/inspection"
)

type sqlite int

func (s sqlite) Error() string { return "sqlite" }
func (s sqlite) Code() int     { return int(s) }

type postgres string

func (p postgres) Error() string    { return "postgres" }
func (p postgres) SQLState() string { return string(p) }

// TestAnOutageIsToldFromAMistake: what passes is Full or Unavailable, with its cause for
// the log; what is wrong with the program stays what it is.
func TestAnOutageIsToldFromAMistake(t *testing.T) {
	for err, want := range map[error]inspection.Code{
		&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}: inspection.Full,
		sqlite(13):        inspection.Full,
		postgres("53100"): inspection.Full,
		syscall.EDQUOT:    inspection.Full,
		sqlite(10 | 3<<8): inspection.Unavailable,
		sqlite(8):         inspection.Unavailable,
		postgres("57P01"): inspection.Unavailable,
		postgres("57P03"): inspection.Unavailable,
		postgres("08006"): inspection.Unavailable,
		postgres("40P01"): inspection.Unavailable,
		driver.ErrBadConn: inspection.Unavailable,
		&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}: inspection.Unavailable,
		sqlite(19):          "",
		sqlite(11):          "",
		postgres("23505"):   "",
		postgres("42P01"):   "",
		postgres("57014"):   "",
		errors.New("other"): "",
	} {
		got := inspection.Trouble(fmt.Errorf("saving: %w", err))
		switch {
		case want == "" && got != nil:
			t.Errorf("%v: %v", err, got)
		case want != "" && (got == nil || got.Code != want || !errors.Is(got, err)):
			t.Errorf("%v: %v, want %s", err, got, want)
		}
	}
	if inspection.Trouble(nil) != nil {
		t.Error("no error is trouble")
	}
}
