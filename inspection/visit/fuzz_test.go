package visit

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/seedtest"
)

// script reads operations as lines of a type and a payload, applies what is taken, and
// holds the fold to its promises: it never panics, what was refused changes nothing,
// and what was taken folds again to the same state, whose sums can be computed.
func script(t testing.TB, rules Rules, lines []string) (taken int) {
	t.Helper()
	s := NewState()
	var kept []Operation
	for i, line := range lines {
		kind, payload, _ := strings.Cut(line, " ")
		at := inspection.Instant(1_772_000_000_000 + int64(i)*60_000)
		op := Operation{ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", i), AuthorID: fmt.Sprint("p", i%3), Type: Type(kind), Payload: payload, DeviceAt: at, ReceivedAt: at}
		before, late := state(t, s), !op.Type.barrier() && s.late(op)
		if err := s.Apply(rules, op); err != nil {
			if inspection.CodeOf(err) == inspection.Internal {
				t.Fatalf("%s: %v", line, err)
			}
			if after := state(t, s); after != before {
				t.Fatalf("%s was refused and changed\n%s\nto\n%s", line, before, after)
			}
			continue
		}
		kept = append(kept, op)
		if late { // as the server does
			var err error
			if s, err = Fold(rules, kept); err != nil {
				t.Fatalf("what was taken does not fold: %v", err)
			}
		}
	}
	again, err := Fold(rules, kept)
	if err != nil {
		t.Fatalf("what was taken does not fold: %v", err)
	}
	if a, b := state(t, s), state(t, again); a != b {
		t.Fatalf("step by step\n%s\nfolded\n%s", a, b)
	}
	in := s.ScoreInput(rules)
	if r := score.Compute(in); r.Total < 0 || r.Total > 10000 {
		t.Fatalf("a score of %s", r.Total)
	}
	if a := in.Attendance; a != nil && (a.Present+a.Excused+a.Unexcused != a.Required || a.Late > a.Present || a.Badge > a.Seen || a.Dress > a.Seen) {
		t.Fatalf("%+v does not add up", a)
	}
	for _, d := range s.Drafted(rules) {
		if it, _ := rules.Item(d.Item); !s.Failed(rules, it) {
			t.Fatalf("%s drafts a finding and did not fail", d.Item)
		}
	}
	s.Still(rules, nil)
	for key, a := range s.Answers {
		if a.Failing > a.Of || a.Failing < 0 || (a.Value == score.NA) && a.NAReason == "" {
			t.Fatalf("%s holds %+v", key, a)
		}
	}
	return len(kept)
}

func state(t testing.TB, s *State) string {
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func FuzzFold(f *testing.F) {
	all := readVectors(f)
	for _, v := range all.Vectors {
		var lines []string
		for _, o := range v.Operations {
			lines = append(lines, string(o.Type)+" "+strings.Join(strings.Fields(string(o.Payload)), " "))
		}
		f.Add(v.Rules, strings.Join(lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		rules, ok := all.Rules[name]
		if !ok {
			rules = all.Rules["full"]
		}
		lines := strings.Split(text, "\n")
		script(t, rules.rules(), lines[:min(len(lines), 60)])
	})
}

// TestAnyOrderOfOperationsFolds shuffles, repeats and cuts the operations of the
// vectors, mixed among each other.
func TestAnyOrderOfOperationsFolds(t *testing.T) {
	all := readVectors(t)
	r, rounds := seedtest.Source(t, 7), 300
	if os.Getenv("CONGVU_LONG") != "" {
		rounds *= 10
	}
	byRules := map[string][]string{}
	for _, v := range all.Vectors {
		for _, o := range v.Operations {
			byRules[v.Rules] = append(byRules[v.Rules], string(o.Type)+" "+string(o.Payload))
		}
	}
	taken := 0
	for range rounds {
		for name, pool := range byRules {
			var lines []string
			for range 5 + r.IntN(40) {
				lines = append(lines, pool[r.IntN(len(pool))])
			}
			if r.IntN(3) > 0 {
				lines[0] = `check_in {"target":"00000000-0000-7000-8000-000000000999"}`
			}
			taken += script(t, all.Rules[name].rules(), lines)
		}
	}
	if taken < rounds {
		t.Errorf("only %d operations of %d rounds were taken", taken, rounds)
	}
}
