package inspection

import (
	"sync/atomic"
	"time"
)

// ManualClock is a clock that moves only when told, for tests and for writing
// demo data in the past.
type ManualClock struct{ ms atomic.Int64 }

// NewManualClock starts at a time.
func NewManualClock(t time.Time) *ManualClock {
	c := &ManualClock{}
	c.Set(t)
	return c
}

// Now is the time that was set.
func (c *ManualClock) Now() Instant { return Instant(c.ms.Load()) }

// Set puts the clock to a time.
func (c *ManualClock) Set(t time.Time) { c.ms.Store(t.UnixMilli()) }

// Advance moves the clock.
func (c *ManualClock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }
