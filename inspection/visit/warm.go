package visit

import (
	"slices"
	"sync"
)

// warm keeps what the last checks that somebody worked on were folded to, so that the next
// act on one neither reads all its operations nor folds them anew. It decides nothing: who
// opens a check holds its row and takes what is kept only when the row counts as many
// operations, which are never changed; any other copy of the program, or none kept, gives
// the same. What is taken is its taker's alone, and comes back after the commit.
type warm struct {
	mu   sync.Mutex
	kept map[string]folded // by check
	line []string          // in the order in which they came
}

type folded struct {
	operations []Operation
	state      *State
}

// maxWarm is how many checks are kept, a hundred kilobytes each.
const maxWarm = 64

// take gives what is kept of a check that has so many operations, and keeps it no more.
func (w *warm) take(id string, positions int64) (folded, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.kept[id]
	w.drop(id)
	return f, ok && int64(len(f.operations)) == positions
}

// put keeps what a check was folded to.
func (w *warm) put(id string, f folded) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = map[string]folded{}
	}
	w.drop(id)
	w.kept[id], w.line = f, append(w.line, id)
	if len(w.line) > maxWarm {
		w.drop(w.line[0])
	}
}

// drop keeps a check no more; its place in the line goes too.
func (w *warm) drop(id string) {
	delete(w.kept, id)
	w.line = slices.DeleteFunc(w.line, func(other string) bool { return other == id })
}
