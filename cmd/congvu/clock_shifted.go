//go:build testclock

package main

import (
	"os"
	"strconv"
	"time"

	"congvu/inspection"
)

// systemClock is the machine's, some days ahead: for a test that has no weeks to wait.
// The program that is shipped is built without it.
func systemClock() inspection.Clock {
	days, err := strconv.Atoi(os.Getenv("CONGVU_TEST_CLOCK_DAYS"))
	if err != nil {
		panic("CONGVU_TEST_CLOCK_DAYS: " + err.Error())
	}
	return shifted(time.Duration(days) * 24 * time.Hour)
}

type shifted time.Duration

func (s shifted) Now() inspection.Instant { return inspection.At(time.Now().Add(time.Duration(s))) }
