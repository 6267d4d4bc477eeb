package visit

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"congvu/inspection"
)

// Two tablets at work on one check, without a network: what their operations mean
// together does not depend on the order in which they arrive, and nothing that somebody
// said is overwritten by somebody who had not seen it.
//
// The operations between two that move the check on (barriers) are folded in an order of
// their own: each after what its author had seen, then by when it happened. Whatever has
// one value is a register; what stands in it are its heads, the operations that nobody
// who saw them has replaced. Heads that differ are a conflict, until somebody chooses.

// Choose settles a conflict: of the heads of a register the one that holds, and those
// that it was chosen over.
type Choose struct {
	Register  string   `json:"register"`
	Operation string   `json:"operation"`
	Over      []string `json:"over"`
}

// Head is a value that stands in a register, said by somebody who had not seen the
// others: by Operation itself, or by the one that it chose.
type Head struct {
	Operation Operation
	Value     Operation
}

// barrier tells the operations that move a check on, and those that the office makes:
// they keep the place in which the server took them in.
func (t Type) barrier() bool {
	return slices.Contains([]Type{OpCheckIn, OpCannotInspect, OpFinish, OpSign, OpRefuse, OpSend, OpOpinion, OpReport, OpCorrect, OpConclude}, t)
}

// ordered puts operations, each once, into the order in which they are folded.
func ordered(operations []Operation) []Operation {
	var all, run []Operation
	known := make(map[string]bool, len(operations))
	flush := func() {
		all, run = append(all, causal(run)...), nil
	}
	for _, op := range operations {
		switch {
		case known[op.ID]:
		case op.Type.barrier():
			flush()
			all = append(all, op)
		default:
			run = append(run, op)
		}
		known[op.ID] = true
	}
	flush()
	return all
}

// source is one person on one device: they have seen all that they did before.
type source struct{ author, device string }

func (op Operation) source() source { return source{op.AuthorID, op.Device} }

// causal sorts operations: each after its base and after what its source did before,
// a row after the count that it belongs to; else by when they happened, else by id.
func causal(run []Operation) []Operation {
	run = slices.Clone(run)
	slices.SortFunc(run, func(a, b Operation) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID)) })
	at, last := make(map[string]int, len(run)), map[source]int{}
	var begins []int // of the head count
	for i, op := range run {
		at[op.ID] = i
		if op.Type == OpAttendanceBegin {
			begins = append(begins, i)
		}
	}
	before := make([][]int, len(run))
	for i, op := range run {
		if p, ok := last[op.source()]; ok {
			before[i] = append(before[i], p)
		}
		last[op.source()] = i
		for _, id := range op.names() {
			if j, ok := at[id]; ok && j != i {
				before[i] = append(before[i], j)
			}
		}
		if op.Type == OpAttendanceRow || op.Type == OpAttendanceDrop {
			before[i] = append(before[i], begins...)
		}
	}
	type place struct {
		at    inspection.Instant
		id    string
		depth int
	}
	order := func(a, b place) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.depth, b.depth))
	}
	places, state := make([]place, len(run)), make([]byte, len(run)) // 1: begun, 2: known
	var find func(i int) place
	find = func(i int) place {
		if state[i] != 0 {
			return places[i] // of a circle, which only a liar makes: what is known so far
		}
		state[i] = 1
		p := place{at: run[i].At(), id: run[i].ID}
		for _, b := range before[i] {
			if q := find(b); order(q, p) >= 0 {
				p = q
				p.depth++
			}
		}
		places[i], state[i] = p, 2
		return p
	}
	for i := range run {
		find(i)
	}
	by := make([]int, len(run))
	for i := range by {
		by[i] = i
	}
	slices.SortFunc(by, func(a, b int) int { return cmp.Or(order(places[a], places[b]), cmp.Compare(run[a].ID, run[b].ID)) })
	sorted := make([]Operation, len(run))
	for i, j := range by {
		sorted[i] = run[j]
	}
	return sorted
}

// about is what of a payload tells what an operation is about.
type about struct {
	Item, Finding, ID, Post, Request, Register, Operation string
	Over                                                  []string
}

func (op Operation) about() (a about) {
	_ = json.Unmarshal([]byte(op.Payload), &a) // what was taken in can be read
	return a
}

// names are the operations that another one names: its author had seen them.
func (op Operation) names() []string {
	if op.Type != OpChoose {
		return []string{op.Base}
	}
	a := op.about()
	return append([]string{op.Base, a.Operation}, a.Over...)
}

// registers are what an operation gives a value to.
func (op Operation) registers() []string {
	switch op.Type {
	case OpAnswer, OpNote, OpFixed, OpFinding:
		return []string{string(op.Type) + "/" + op.about().Item}
	case OpVerdict:
		return []string{"verdict/" + op.about().Finding}
	case OpJudge:
		return []string{"judge/" + op.about().Request}
	case OpAttendanceBegin:
		return []string{"attendance"}
	case OpAttendanceRow, OpAttendanceDrop:
		a := op.about()
		return []string{"row/" + cmp.Or(a.Post, a.ID)}
	case OpChoose:
		return []string{op.about().Register}
	case OpMinutes:
		var fields map[string]json.RawMessage
		_ = json.Unmarshal([]byte(op.Payload), &fields)
		var list []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if string(fields[name]) != "null" { // null says nothing
				list = append(list, "minutes/"+name)
			}
		}
		return list
	}
	return nil
}

// saw tells whether the author of an operation had seen a value of a register. A base
// that is no value of it comes from a tablet that named the last operation of the whole
// check: it had seen all.
func (s *State) saw(op Operation, register string, h Head) bool {
	if op.Base == h.Operation.ID || op.source() == h.Operation.source() {
		return true
	}
	base, known := s.done[op.Base]
	return known && !slices.Contains(base.registers(), register)
}

// stand puts an operation that was applied among the heads of its registers.
func (s *State) stand(op Operation, registers []string) {
	s.done[op.ID] = op
	s.sources[op.source()] = max(s.sources[op.source()], op.Seq)
	for _, r := range registers {
		s.Heads[r] = append(s.beside(op, r), Head{op, s.chosen(op)})
	}
}

// beside are the heads of a register that its author had not seen.
func (s *State) beside(op Operation, register string) []Head {
	names := op.names()
	return slices.DeleteFunc(slices.Clone(s.Heads[register]), func(h Head) bool {
		return slices.Contains(names, h.Operation.ID) || s.saw(op, register, h)
	})
}

// maxHeads is how many values may stand in a register: more than a team has tablets.
const maxHeads = 50

// crowded refuses one more value where too many stand.
func (s *State) crowded(op Operation, registers []string) error {
	for _, r := range registers {
		if len(s.Heads[r]) >= maxHeads && len(s.beside(op, r)) >= maxHeads {
			return passed(inspection.E(inspection.Conflict, "visit.error.conflicts", "n", maxHeads))
		}
	}
	return nil
}

// chosen is the operation whose value holds: itself, or what was chosen in the end.
func (s *State) chosen(op Operation) Operation {
	for range len(s.done) {
		if op.Type != OpChoose {
			break
		}
		op = s.done[op.about().Operation]
	}
	return op
}

// Conflicts are the registers in which values stand that differ, with those values.
func (s *State) Conflicts() map[string][]Head {
	all := map[string][]Head{}
	for r, heads := range s.Heads {
		if len(heads) < 2 || r == "attendance" { // who began to count at the same time counts together
			continue
		}
		for _, h := range heads[1:] {
			if !reflect.DeepEqual(heads[0].says(r), h.says(r)) {
				all[r] = heads
				break
			}
		}
	}
	return all
}

// says is what a head says of its register, apart from how it is written.
func (h Head) says(register string) any {
	var fields map[string]any
	_ = json.Unmarshal([]byte(h.Value.Payload), &fields)
	if name, ok := strings.CutPrefix(register, "minutes/"); ok {
		return said(fields[name])
	}
	if fields["post"] != nil && fields["post"] != "" {
		delete(fields, "id") // each tablet has its own for the same post
	}
	return []any{string(h.Value.Type), said(fields)}
}

// said leaves out what says nothing.
func said(v any) any {
	switch v := v.(type) {
	case string:
		if clean := strings.TrimSpace(strings.ReplaceAll(v, "\r\n", "\n")); clean != "" {
			return clean
		}
	case float64:
		if v != 0 {
			return v
		}
	case bool:
		if v {
			return v
		}
	case []any:
		if len(v) > 0 {
			out := make([]any, len(v))
			for i := range v {
				out[i] = said(v[i])
			}
			return out
		}
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if b, is := x.(bool); is && k == "present" { // absent is something else than not said
				out[k] = b
			} else if x = said(x); x != nil {
				out[k] = x
			}
		}
		return out
	}
	return nil
}

// choose lets one value of a register hold.
func (s *State) choose(rules Rules, op Operation) error {
	var p Choose
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := checkFiles("over", append([]string{p.Operation}, p.Over...), maxPhotos); err != nil {
		return err
	}
	one, known := s.done[p.Operation]
	if !known || !slices.Contains(one.registers(), p.Register) {
		return passed(inspection.E(inspection.Conflict, "visit.error.choice_gone"))
	}
	one = s.chosen(one)
	if name, ok := strings.CutPrefix(p.Register, "minutes/"); ok { // of its fields this one
		var fields map[string]json.RawMessage
		_ = json.Unmarshal([]byte(one.Payload), &fields)
		raw, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err != nil {
			return err
		}
		one.Payload = string(raw)
	}
	if err := s.act(rules, one); !hasPassed(err) {
		return err
	}
	return nil
}

// passed marks a refusal that rests on what others have done: at the door it is one,
// but what was taken in before stays in, and then does nothing more.
func passed(err *inspection.Error) error { return passedError{err} }

type passedError struct{ error }

func (p passedError) Unwrap() error { return p.error }

func hasPassed(err error) bool { return errors.As(err, &passedError{}) }

// late tells whether an operation may belong before others that were taken in already.
func (s *State) late(op Operation) bool {
	for from, seq := range s.sources {
		if from != op.source() || seq >= op.Seq {
			return true
		}
	}
	return false
}
