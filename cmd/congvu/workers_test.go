package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// often is how many times something is tried: few in the usual run, many in the long one.
func often(few, many int) int {
	if os.Getenv("CONGVU_LONG") != "" {
		return many
	}
	return few
}

// worker works on one check over HTTP, one act after the other, and remembers what was
// acknowledged. An act that was not is sent again, the same, until it is.
type worker struct {
	who   *client
	base  string
	check string
	photo func() []byte

	last     map[string]string // the last acknowledged answer of an item
	ops      []string          // acknowledged
	files    map[string][]byte // receipted
	failures []failure         // what was answered with anything but success
	refused  atomic.Int64      // how often
	unasked  int               // requests without an answer
}

type failure struct {
	path string
	code int
	body string
}

// begins checks in at a target.
func begins(t *testing.T, who *client, base, target string, photo func() []byte) *worker {
	t.Helper()
	w := &worker{who: who, base: base, check: inspection.NewID(), photo: photo, last: map[string]string{}, files: map[string][]byte{}}
	if !w.posts(t.Context(), opOf(w.check, visit.OpCheckIn, visit.CheckIn{Target: target, Location: "DENIED"})) {
		t.Fatalf("check-in: %+v", w.failures)
	}
	return w
}

// send sends a request until it is answered with success; false when the context ended
// or the server refused it for good.
func (w *worker) send(ctx context.Context, method, path, kind string, body []byte) (string, bool) {
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		code, answer, err := w.who.try(method, w.base+path, kind, body)
		switch {
		case err != nil, code == http.StatusBadGateway: // the front door's: it had no answer
			w.unasked++
		case code < 300:
			return answer, true
		default:
			w.refused.Add(1)
			if len(w.failures) < 1000 {
				w.failures = append(w.failures, failure{path, code, answer})
			}
			if code < 500 {
				return answer, false
			}
		}
		select {
		case <-ctx.Done():
			return "", false
		case <-pause.C:
		}
	}
}

func (w *worker) posts(ctx context.Context, ops ...operation) bool {
	raw, err := json.Marshal(map[string]any{"operations": ops})
	if err != nil {
		panic(err)
	}
	for {
		answer, ok := w.send(ctx, http.MethodPost, "/api/v1/operations", "application/json", raw)
		if !ok {
			return false
		}
		var out struct{ Outcomes []outcome }
		if err := json.Unmarshal([]byte(answer), &out); err != nil {
			w.failures = append(w.failures, failure{"outcomes", 0, answer})
			return false
		}
		for _, o := range out.Outcomes {
			if o.Problem != nil {
				w.failures = append(w.failures, failure{"operation", o.Problem.Status, answer})
				return false
			}
			if !slices.Contains(w.ops, o.ID) {
				w.ops = append(w.ops, o.ID)
			}
		}
		if len(out.Outcomes) == len(ops) {
			return true
		}
	}
}

// act is the n-th act: an answer, and each eighth time a photograph.
func (w *worker) act(ctx context.Context, n int) bool {
	item := []string{"A04", "B03", "D04"}[n%3]
	a := visit.AnswerItem{Item: item, Value: score.Yes}
	if item != "A04" {
		a.Value, a.Of, a.Failing = score.Count, 10, int64(n%10)
	}
	op := opOf(w.check, visit.OpAnswer, a)
	if !w.posts(ctx, op) {
		return false
	}
	w.last[item] = op.ID
	if n%8 != 0 {
		return true
	}
	return w.photographs(ctx)
}

func (w *worker) photographs(ctx context.Context) bool {
	id := inspection.NewID()
	raw, ok := w.declares(ctx, id)
	if !ok {
		return false
	}
	if _, ok := w.send(ctx, http.MethodPut, "/api/v1/files/"+id+"/content", "application/octet-stream", raw); !ok {
		return false
	}
	w.files[id] = raw
	return true
}

func (w *worker) declares(ctx context.Context, id string) ([]byte, bool) {
	raw := w.photo()
	declaration, err := json.Marshal(map[string]any{"id": id, "visit": w.check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO", "no_people": true})
	if err != nil {
		panic(err)
	}
	_, ok := w.send(ctx, http.MethodPost, "/api/v1/files", "application/json", declaration)
	return raw, ok
}

// crew are workers at work.
type crew struct {
	t       *testing.T
	workers []*worker
	stop    context.CancelFunc
	wait    sync.WaitGroup
	mu      sync.Mutex
	done    int // acts
}

// atWork sets workers to work until rest.
func atWork(t *testing.T, workers ...*worker) *crew {
	ctx, cancel := context.WithCancel(t.Context())
	c := &crew{t: t, workers: workers, stop: cancel}
	for _, w := range workers {
		c.wait.Go(func() {
			for n := 1; ctx.Err() == nil && w.act(ctx, n); n++ {
				c.mu.Lock()
				c.done++
				c.mu.Unlock()
			}
			if ctx.Err() == nil {
				t.Errorf("a worker gave up: %+v", w.failures[len(w.failures)-1])
			}
		})
	}
	t.Cleanup(c.rest)
	return c
}

func (c *crew) rest() {
	c.stop()
	c.wait.Wait()
}

// goesOn waits for so many more acts.
func (c *crew) goesOn(acts int) {
	c.t.Helper()
	at := func() int { c.mu.Lock(); defer c.mu.Unlock(); return c.done }
	from := at()
	until(c.t, fmt.Sprintf("%d more acts", acts), func() bool { return c.t.Failed() || at() >= from+acts })
}

// isTold waits until somebody more is refused.
func (c *crew) isTold() {
	c.t.Helper()
	at := func() (n int64) {
		for _, w := range c.workers {
			n += w.refused.Load()
		}
		return n
	}
	from := at()
	until(c.t, "somebody's being refused", func() bool { return at() > from })
}

// onlyTold holds that nothing was refused but with this status and these words.
func (c *crew) onlyTold(status int, words ...string) (seen int) {
	c.t.Helper()
	for _, w := range c.workers {
		for _, f := range w.failures {
			var p problem
			_ = json.Unmarshal([]byte(f.body), &p)
			if f.code != status || !slices.ContainsFunc(words, func(s string) bool { return strings.Contains(p.Detail, s) }) {
				c.t.Errorf("%s: %d %.300s, want %d with %q", f.path, f.code, f.body, status, words)
				return seen
			}
			seen++
		}
	}
	return seen
}

// kept holds the database and the store against what was acknowledged: every act is there
// once, every photograph byte for byte.
func (c *crew) kept(db *gorm.DB, store blob.Store) {
	c.t.Helper()
	ops, files := 0, 0
	var checks []string
	for _, w := range c.workers {
		checks = append(checks, w.check)
		ops += len(w.ops)
		files += len(w.files)
		var there []string
		if err := db.Table("operations").Where("visit_id = ?", w.check).Pluck("id", &there).Error; err != nil {
			c.t.Fatal(err)
		}
		for _, id := range w.ops {
			if !slices.Contains(there, id) {
				c.t.Errorf("operation %s was acknowledged and is not there", id)
			}
		}
		for id, raw := range w.files {
			from, _, err := store.Open(c.t.Context(), "o/"+sum(raw))
			if err != nil {
				c.t.Errorf("%s has a receipt: %v", id, err)
				continue
			}
			got := make([]byte, len(raw)+1)
			n, _ := readAll(from, got)
			from.Close()
			if string(got[:n]) != string(raw) {
				c.t.Errorf("%s has a receipt and other bytes", id)
			}
		}
	}
	wholeChecks(c.t, db, store, checks)
	c.t.Logf("%d operations and %d photographs acknowledged, all there once", ops, files)
}

func readAll(r interface{ Read([]byte) (int, error) }, into []byte) (n int, err error) {
	for n < len(into) && err == nil {
		var m int
		m, err = r.Read(into[n:])
		n += m
	}
	return n, err
}

// wholeChecks holds that nothing of these checks is half there: an operation has its one
// row of history and its place, the last answer of each item is the one that counts, a
// file is received exactly when history says so, once, and every object that a row of any
// check names is in the store.
func wholeChecks(t *testing.T, db *gorm.DB, store blob.Store, checks []string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var wrong []string
	must(db.Raw(`SELECT v.id FROM visits v LEFT JOIN (SELECT visit_id, COUNT(*) AS n, MAX(position) AS m FROM operations GROUP BY visit_id) o ON o.visit_id = v.id
		WHERE v.positions <> COALESCE(o.n, 0) OR v.positions <> COALESCE(o.m, 0)`).Scan(&wrong).Error)
	if len(wrong) > 0 {
		t.Errorf("checks whose operations have holes: %v", wrong)
	}
	for _, check := range checks {
		var events []struct{ Action, SubjectID, Body string }
		must(db.Raw("SELECT action, subject_id, body FROM history WHERE visit_id = ? AND action IN ('visit.operation', 'visit.check_in', 'evidence.receive')", check).Scan(&events).Error)
		counted := map[string]int{}
		for _, e := range events {
			var body struct{ Data struct{ Operation string } }
			must(json.Unmarshal([]byte(e.Body), &body))
			if e.Action != "visit.operation" {
				body.Data.Operation = e.SubjectID
			}
			counted[body.Data.Operation]++
		}
		var ops []struct {
			ID, Type, Payload string
		}
		must(db.Raw("SELECT id, type, payload FROM operations WHERE visit_id = ? ORDER BY position", check).Scan(&ops).Error)
		answered := map[string]string{}
		for _, op := range ops {
			event := op.ID
			if op.Type == string(visit.OpCheckIn) {
				event = check
			}
			if counted[event] != 1 {
				t.Errorf("%s %s has %d rows of history", op.Type, op.ID, counted[event])
			}
			delete(counted, event)
			if op.Type == string(visit.OpAnswer) {
				var a visit.AnswerItem
				must(json.Unmarshal([]byte(op.Payload), &a))
				answered[a.Item] = op.ID
			}
		}
		var answers []struct{ ItemKey, OperationID string }
		must(db.Raw("SELECT item_key, operation_id FROM answers WHERE visit_id = ?", check).Scan(&answers).Error)
		for _, a := range answers {
			if want := answered[a.ItemKey]; want != "" && want != a.OperationID {
				t.Errorf("the answer to %s of %s is not its last", a.ItemKey, check)
			}
			delete(answered, a.ItemKey)
		}
		if len(answered) > 0 {
			t.Errorf("operations of %s without their answers: %v", check, answered)
		}
		var files []struct{ ID, State string }
		must(db.Raw("SELECT id, state FROM evidence_files WHERE visit_id = ?", check).Scan(&files).Error)
		for _, f := range files {
			if want := map[string]int{"RECEIVED": 1}[f.State]; counted[f.ID] != want {
				t.Errorf("file %s is %s and has %d rows of history", f.ID, f.State, counted[f.ID])
			}
			delete(counted, f.ID)
		}
		if len(counted) > 0 {
			t.Errorf("history of %s without what it tells of: %v", check, counted)
		}
	}
	objects, err := evidence.Objects(db)
	must(err)
	for _, o := range objects {
		if info, err := store.Stat(t.Context(), o.Key); err != nil || info.Size != o.Size {
			t.Errorf("%s: %+v %v", o.Key, info, err)
		}
	}
}
