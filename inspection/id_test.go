package inspection

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// TestIDsOfAProcessAreInTheOrderOfTheirMaking: within a millisecond, over the end of the
// counter, and when the clock is put back.
func TestIDsOfAProcessAreInTheOrderOfTheirMaking(t *testing.T) {
	var c counter
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, Zone)
	var made []string
	for i := range 10_000 {
		at := start
		if i > 9_000 {
			at = start.Add(time.Second)
		}
		if i > 9_500 {
			at = start.Add(-time.Hour)
		}
		made = append(made, c.next(at))
	}
	if !slices.IsSorted(made) || len(slices.Compact(slices.Clone(made))) != len(made) {
		t.Error("not in order, or the same twice")
	}
	for _, id := range made {
		if err := CheckID(id); err != nil || id[14] != '7' || id[19] < '8' || id[19] > 'b' {
			t.Fatal(id, err)
		}
	}
	if got, want := made[0][:13], "019cac0f-2680"; got != want { // 1772413200000 ms
		t.Errorf("%s, want %s", got, want)
	}
}

// TestIDsMadeAtOnceDiffer: by many at the same time.
func TestIDsMadeAtOnceDiffer(t *testing.T) {
	var mu sync.Mutex
	var all sync.WaitGroup
	seen := map[string]bool{}
	for range 8 {
		all.Go(func() {
			for range 2_000 {
				id := NewID()
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 16_000 {
		t.Errorf("%d different ids of 16,000", len(seen))
	}
}
