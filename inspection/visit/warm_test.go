package visit

import (
	"fmt"
	"testing"
)

// TestWhatIsWarmStaysWarm: a check that is worked on again and again is kept each time, the
// last ones are kept and no more, and what is taken is its taker's alone.
func TestWhatIsWarmStaysWarm(t *testing.T) {
	var w warm
	one := folded{operations: make([]Operation, 3)}
	for range 5 * maxWarm {
		w.put("busy", one)
		if _, ok := w.take("busy", 3); !ok {
			t.Fatal("a check that was just worked on is read anew")
		}
	}
	if _, ok := w.take("busy", 3); ok {
		t.Error("two have the same state under their hands")
	}
	w.put("busy", one)
	if _, ok := w.take("busy", 4); ok {
		t.Error("what another copy has added is not seen")
	}
	for i := range 3 * maxWarm {
		w.put(fmt.Sprint(i), one)
	}
	if len(w.kept) != maxWarm || len(w.line) != maxWarm {
		t.Errorf("%d are kept, %d in line", len(w.kept), len(w.line))
	}
	for i := range 3 * maxWarm {
		if _, ok := w.take(fmt.Sprint(i), 3); ok != (i >= 2*maxWarm) {
			t.Errorf("%d: kept is %v", i, ok)
		}
	}
}
