package visit

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/seedtest"
)

// tablet is one person on one device, who sees what the server had when they last
// heard from it, and what they did themselves.
type tablet struct {
	author, device string
	skew           int64 // milliseconds that its clock is ahead
	seq            int64
	ops            []Operation // its own
	knew           []int       // for each of them, how many of the other's had been seen
	seen           []Operation // of the others
}

func (t *tablet) state(tb testing.TB, rules Rules) *State {
	s, err := Fold(rules, slices.Concat(t.seen, t.ops))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// play lets two tablets work on a check as they like, hearing of each other now and then,
// and gives what they did: by each in its order, with the check-in before it all.
func play(tb testing.TB, rules Rules, r *rand.Rand) (first Operation, tablets [2]*tablet) {
	tb.Helper()
	start := inspection.At(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
	ids := 0
	id := func() string { ids++; return fmt.Sprintf("00000000-0000-7000-8000-%012d", r.IntN(1000)*1000+ids) }
	first = Operation{ID: id(), Type: OpCheckIn, AuthorID: "a", Device: "A", Payload: `{"target":"00000000-0000-7000-8000-000000000999"}`, DeviceAt: start, ReceivedAt: start}
	tablets = [2]*tablet{{author: "a", device: "A", seq: 1, seen: []Operation{first}}, {author: "b", device: "B", seen: []Operation{first}}}
	if r.IntN(3) == 0 {
		tablets[r.IntN(2)].skew = int64(r.IntN(7*3600_000)) - 3*3600_000
	}
	if r.IntN(4) == 0 {
		tablets[1].author = "a" // one person with two devices
	}
	files, rows := []string{id(), id()}, []string{id(), id(), id(), id()}
	items := []string{"A04", "C02", "D03", "B04"}
	now := start
	for range 5 + r.IntN(30) {
		t := tablets[r.IntN(2)]
		now = now.Add(time.Duration(1+r.IntN(120)) * time.Second)
		if r.IntN(6) == 0 { // the network is there for a moment
			other := tablets[0]
			if t == other {
				other = tablets[1]
			}
			t.seen = append([]Operation{first}, other.ops[:max(len(t.seen)-1, len(other.ops)-r.IntN(len(other.ops)/2+1))]...)
		}
		s := t.state(tb, rules)
		item := items[r.IntN(len(items))]
		it, _ := rules.Item(item)
		base := func(register string) string {
			if heads := s.Heads[register]; len(heads) > 0 {
				return heads[len(heads)-1].Operation.ID
			}
			return ""
		}
		op := Operation{ID: id(), AuthorID: t.author, Device: t.device, DeviceAt: now + inspection.Instant(t.skew), ReceivedAt: now.Add(8 * time.Hour)}
		offset := -t.skew
		if r.IntN(5) > 0 {
			op.OffsetMS = &offset
		} else { // never learned: dated by its receipt
			op.OffsetMS = nil
		}
		var payload any
		switch n := r.IntN(20); {
		case n < 7:
			a := AnswerItem{Item: item, Value: []score.Value{score.Yes, score.No, ""}[r.IntN(3)]}
			switch it.Response {
			case score.RATE3:
				a.Value = []score.Value{score.Good, score.Poor}[r.IntN(2)]
			case score.CNT, score.SMP:
				a.Value, a.Of, a.Failing = score.Count, 10, int64(r.IntN(3))
			}
			op.Type, payload, op.Base = OpAnswer, a, base("answer/"+item)
		case n < 9:
			op.Type, payload, op.Base = OpNote, Note{Item: item, Text: fmt.Sprint("ghi chú ", r.IntN(3))}, base("note/"+item)
		case n < 10:
			if !s.Failed(rules, it) {
				continue
			}
			op.Type, payload, op.Base = OpFixed, Fixed{Item: item, Fixed: r.IntN(2) == 0}, base("fixed/"+item)
		case n < 12:
			op.Type, payload = OpPhoto, Photo{Item: item, File: files[r.IntN(2)], NoPeople: true}
		case n < 13:
			images := s.Photos[item]
			if len(images) == 0 {
				continue
			}
			op.Type, payload = OpPhotoOff, Photo{Item: item, File: images[0].File, Reason: "nhầm"}
			for _, o := range slices.Concat(t.seen, t.ops) {
				if o.Type == OpPhoto && o.about().Item == item && o.file() == images[0].File {
					op.Base = o.ID
				}
			}
		case n < 14:
			if !s.CountedAt.IsZero() {
				continue
			}
			mine := rows[:2]
			if t == tablets[1] {
				mine = rows[2:]
			}
			op.Type, payload = OpAttendanceBegin, AttendanceBegin{Rows: []Row{{ID: mine[0], Position: "Quầy 1", Post: files[0]}, {ID: mine[1], Position: "Quầy 2", Post: files[1]}}}
		case n < 17:
			if len(s.Rows) == 0 {
				continue
			}
			row, here := s.Rows[r.IntN(len(s.Rows))], r.IntN(2) == 0
			row.Present, row.Badge = &here, r.IntN(2) == 0
			op.Type, payload, op.Base = OpAttendanceRow, row, base("row/"+row.Post)
		case n < 18:
			text := fmt.Sprint("ý kiến ", r.IntN(2))
			op.Type, payload, op.Base = OpMinutes, Minutes{Opinion: &text}, base("minutes/opinion")
		default:
			for register, heads := range s.Conflicts() {
				c := Choose{Register: register, Operation: heads[r.IntN(len(heads))].Operation.ID}
				for _, h := range heads {
					if h.Operation.ID != c.Operation {
						c.Over = append(c.Over, h.Operation.ID)
					}
				}
				op.Type, payload, op.Base = OpChoose, c, c.Operation
				break
			}
			if payload == nil {
				continue
			}
		}
		t.seq++
		op.Seq = t.seq
		raw, err := json.Marshal(payload)
		if err != nil {
			tb.Fatal(err)
		}
		op.Payload = string(raw)
		t.ops, t.knew = append(t.ops, op), append(t.knew, len(t.seen)-1)
	}
	return first, tablets
}

func (op Operation) file() string {
	var p Photo
	_ = json.Unmarshal([]byte(op.Payload), &p)
	return p.File
}

// arrives is a check at the server's door: every operation is taken in as it comes, once.
func arrives(tb testing.TB, rules Rules, operations []Operation) *State {
	tb.Helper()
	s, err := Fold(rules, operations[:1])
	if err != nil {
		tb.Fatal(err)
	}
	kept := slices.Clone(operations[:1])
	for _, op := range operations[1:] {
		if slices.ContainsFunc(kept, func(o Operation) bool { return o.ID == op.ID }) {
			continue
		}
		late := s.late(op)
		if err := s.Apply(rules, op); err != nil {
			tb.Fatalf("%s %s of %s is refused: %v", op.Type, op.Payload, op.Device, err)
		}
		kept = append(kept, op)
		if late {
			if s, err = Fold(rules, kept); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return s
}

// seenFor is what a state shows, without what each server keeps for itself.
func seenFor(tb testing.TB, rules Rules, s *State) string {
	raw, err := json.Marshal([]any{describe(rules, s, nil, nil), s.CountedAt, s.Answers})
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// merges plays two tablets and lets what they did arrive in some interleavings.
func merges(tb testing.TB, rules Rules, r *rand.Rand, interleavings int) (conflicts int) {
	tb.Helper()
	first, tablets := play(tb, rules, r)
	want, n := "", 0
	for range interleavings {
		order := []Operation{first}
		left := [2][]Operation{tablets[0].ops, tablets[1].ops}
		for len(left[0])+len(left[1]) > 0 {
			i := r.IntN(2)
			if len(left[i]) == 0 {
				i = 1 - i
			}
			// What a tablet saw of the other had arrived before.
			if arrived := len(tablets[1-i].ops) - len(left[1-i]); tablets[i].knew[len(tablets[i].ops)-len(left[i])] > arrived {
				i = 1 - i
			}
			order, left[i] = append(order, left[i][0]), left[i][1:]
			if r.IntN(5) == 0 { // and again
				order = append(order, order[1+r.IntN(len(order)-1)])
			}
		}
		s := arrives(tb, rules, order)
		got := seenFor(tb, rules, s)
		if want == "" {
			want = got
		}
		if got != want {
			tb.Fatalf("in one order\n%s\nin another\n%s", want, got)
		}
		n = len(s.Conflicts())

		// A value that does not stand was replaced by somebody who had seen it.
		for _, op := range order {
			for _, register := range op.registers() {
				standing := slices.ContainsFunc(s.Heads[register], func(h Head) bool { return h.Operation.ID == op.ID })
				known := slices.ContainsFunc(order, func(o Operation) bool {
					return o.ID != op.ID && slices.Contains(o.registers(), register) && (slices.Contains(o.names(), op.ID) || o.source() == op.source() && o.Seq > op.Seq)
				})
				if standing == known {
					tb.Fatalf("%s %s of %s: stands %v, replaced by who saw it %v", op.Type, op.Payload, op.Device, standing, known)
				}
			}
		}

		// And any order at all folds to the same.
		shuffled := slices.Clone(order[1:])
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, err := Fold(rules, append([]Operation{first}, shuffled...))
		if err != nil {
			tb.Fatal(err)
		}
		if got := seenFor(tb, rules, again); got != want {
			tb.Fatalf("as it arrived\n%s\nshuffled\n%s", want, got)
		}
	}
	return n
}

// TestR3TwoTabletsMeetInAnyOrder: two tablets without a network, their operations taken
// in in any order and repeatedly: the same state on every order, nobody refused, and no
// value gone that nobody who saw it replaced.
func TestR3TwoTabletsMeetInAnyOrder(t *testing.T) {
	all := readVectors(t)
	r, rounds := seedtest.Source(t, 3), seedtest.Times(1000, 10)
	conflicts := 0
	for range rounds {
		conflicts += merges(t, all.Rules["full"].rules(), r, 10)
	}
	t.Logf("%d conflicts stood at the end of %d checks", conflicts, rounds)
	if conflicts == 0 {
		t.Error("no two tablets ever disagreed")
	}
}

func FuzzR3TwoTabletsMeet(f *testing.F) {
	all := readVectors(f)
	rules := all.Rules["full"].rules()
	for i := range uint64(8) {
		f.Add(i, i*7)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { merges(t, rules, rand.New(rand.NewPCG(a, b)), 4) })
}

// TestLiesAboutWhatWasSeenDoNotBreakACheck: circles of bases, choices of what is not
// there, registers that nobody has.
func TestLiesAboutWhatWasSeenDoNotBreakACheck(t *testing.T) {
	rules := readVectors(t).Rules["full"].rules()
	at := inspection.At(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone))
	op := func(n int, device string, kind Type, base int, payload string) Operation {
		o := Operation{ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", n), AuthorID: "p", Device: device, Seq: int64(n), Type: kind, Payload: payload, DeviceAt: at.Add(time.Duration(n) * time.Minute), ReceivedAt: at.Add(time.Duration(n) * time.Minute)}
		if base > 0 {
			o.Base = fmt.Sprintf("00000000-0000-7000-8000-%012d", base)
		}
		return o
	}
	in := op(1, "A", OpCheckIn, 0, `{"target":"00000000-0000-7000-8000-000000000999"}`)
	circle := []Operation{in, op(2, "A", OpAnswer, 3, `{"item":"A04","value":"NO"}`), op(3, "B", OpAnswer, 4, `{"item":"A04","value":"YES"}`), op(4, "C", OpAnswer, 2, `{"item":"A04","value":"NO"}`)}
	one, err := Fold(rules, circle)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Fold(rules, []Operation{in, circle[3], circle[1], circle[2]})
	if err != nil || !reflect.DeepEqual(one.Answers, two.Answers) {
		t.Errorf("%+v, %+v, %v", one.Answers, two.Answers, err)
	}
	for _, payload := range []string{
		`{"register":"answer/A04","operation":"00000000-0000-7000-8000-000000000099","over":[]}`,
		`{"register":"answer/C02","operation":"00000000-0000-7000-8000-000000000002","over":[]}`,
		`{"register":"burn/A04","operation":"00000000-0000-7000-8000-000000000002","over":[]}`,
		`{"register":"answer/A04","operation":"x","over":[]}`, `{"register":"answer/A04"}`, `{"over":null}`,
	} {
		s, err := Fold(rules, circle)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(rules, op(9, "A", OpChoose, 0, payload)); inspection.CodeOf(err) != inspection.Invalid && inspection.CodeOf(err) != inspection.Conflict {
			t.Errorf("%s: %v", payload, err)
		}
	}
}

// TestARegisterHoldsSoManyValuesOnly: who says the same under ever new names is asked to
// choose first.
func TestARegisterHoldsSoManyValuesOnly(t *testing.T) {
	rules := readVectors(t).Rules["full"].rules()
	s, err := Fold(rules, []Operation{{ID: inspection.NewID(), Type: OpCheckIn, AuthorID: "p", Device: "A", Payload: `{"target":"00000000-0000-7000-8000-000000000999"}`, DeviceAt: 1, ReceivedAt: 1}})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range maxHeads + 3 {
		op := Operation{ID: inspection.NewID(), Type: OpNote, AuthorID: "p", Device: fmt.Sprint("B", i), Seq: 1, Payload: fmt.Sprintf(`{"item":"A04","text":"%d"}`, i), DeviceAt: 1, ReceivedAt: 1}
		if err := s.Apply(rules, op); err != nil {
			if inspection.KeyOf(err) != "visit.error.conflicts" {
				t.Fatal(err)
			}
			refused++
		}
	}
	if refused != 3 || len(s.Heads["note/A04"]) != maxHeads {
		t.Errorf("%d refused, %d stand", refused, len(s.Heads["note/A04"]))
	}
}
