// Package seedtest is chance for tests: printed, and to be had again.
package seedtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed is new each time and printed; CONGVU_SEED gives one again.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CONGVU_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CONGVU_SEED=%d", seed)
	return seed
}

// Source is a random source of a Seed; which tells those of several tests apart.
func Source(t testing.TB, which uint64) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), which))
}

// Times is how often something random is repeated: all of them where CONGVU_LONG is set,
// else one of so many.
func Times(all, of int) int {
	if os.Getenv("CONGVU_LONG") == "" {
		return all / of
	}
	return all
}
