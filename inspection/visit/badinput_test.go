package visit_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestOneTabletsActsMeanTheSameInWhateverOrderTheyArrive: sent again and again, in any
// order and in batches of any size, what its author did last on a thing is what holds, no
// value stands beside it, and each act is in the history once.
func TestOneTabletsActsMeanTheSameInWhateverOrderTheyArrive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		r, _ := seeded(t, 1)
		targets := []func() string{func() string { return w.checkIn(w.target(w.unit, &w.desk)) }, func() string { return w.checkIn(w.target(w.other, &w.otherDesk)) }}
		for _, begin := range targets {
			id := begin()
			var ops []visit.Operation
			want := map[string]visit.AnswerItem{}
			notes := map[string]string{}
			for i := range 24 {
				w.clock.Advance(time.Minute)
				item := []string{"A04", "A05", "D03"}[r.IntN(3)]
				a := visit.AnswerItem{Item: item, Value: []score.Value{score.Yes, score.No}[r.IntN(2)]}
				if item == "D03" {
					a = count(item, 200, int64(i))
				}
				n := visit.Note{Item: item, Text: w.say(fmt.Sprintf("lần %d", i))}
				ops = append(ops, w.op(id, visit.OpAnswer, a), w.op(id, visit.OpNote, n))
				want[item], notes[item] = a, n.Text
			}
			sent := slices.Concat(ops, ops)
			r.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
			for len(sent) > 0 {
				n := 1 + r.IntN(min(9, len(sent)))
				for _, o := range w.visits.Post(ctx, w.inspector, sent[:n]) {
					w.must(o.Err)
				}
				sent = sent[n:]
			}
			view, err := w.visits.Get(ctx, w.inspector, id)
			w.must(err)
			if len(view.State.Conflicts()) > 0 {
				t.Errorf("one tablet is of two minds: %v", view.State.Conflicts())
			}
			for item, a := range want {
				if got := view.State.Answers[item]; got.Value != a.Value || got.Of != a.Of || got.Failing != a.Failing || got.Note != notes[item] {
					t.Errorf("%s: %+v, want %+v, %q", item, got, a, notes[item])
				}
				if n := w.rows("answers", "visit_id = ? AND item_key = ? AND result = ? AND note = ?", id, item, a.Value, notes[item]); n != 1 {
					t.Errorf("%s: %d rows say it", item, n)
				}
			}
			if n := w.rows("operations", "visit_id = ? AND type <> 'check_in'", id); n != int64(len(ops)) {
				t.Errorf("%d operations of %d", n, len(ops))
			}
			if n := w.rows("history", "action = 'visit.operation' AND visit_id = ?", id); n != int64(len(ops)) {
				t.Errorf("%d rows of history for %d operations", n, len(ops))
			}
		}
	})
}

// TestAnActThatCameBeforeWhatItRestsOnIsTakenInAfterIt: a photograph that is hung before
// it is declared, an answer before the check-in: refused without a trace, and taken in when
// they are sent again behind it, under the same id.
func TestAnActThatCameBeforeWhatItRestsOnIsTakenInAfterIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		target, id := w.target(w.unit, &w.desk), inspection.NewID()
		in := w.op(id, visit.OpCheckIn, visit.CheckIn{Target: target.ID})
		answer := w.op(id, visit.OpAnswer, no("A04"))
		post := func(a inspection.Actor, op visit.Operation) error {
			return w.visits.Post(ctx, a, []visit.Operation{op})[0].Err
		}
		is(t, post(w.lead, answer), inspection.NotFound, "error.not_found")
		if o := w.visits.Post(ctx, w.lead, []visit.Operation{answer, in}); len(o) != 1 || o[0].Err == nil {
			t.Errorf("%+v", o)
		}
		if n := w.rows("operations", "1 = 1") + w.rows("visits", "1 = 1"); n != 0 {
			t.Errorf("%d rows of what was refused", n)
		}
		w.must(post(w.lead, in))
		w.must(post(w.lead, answer))

		file := inspection.NewID()
		declare := w.op(id, visit.OpDeclare, visit.Declared{File: file, Bytes: 5, SHA256: fmt.Sprintf("%064x", 1), Kind: "PHOTO"})
		photo := w.op(id, visit.OpPhoto, visit.Photo{Item: "A04", File: file, NoPeople: true})
		is(t, post(w.lead, photo), inspection.Invalid, "evidence.error.not_of_visit")
		if n := w.rows("operations", "type = 'photo'") + w.rows("evidence_links", "1 = 1"); n != 0 {
			t.Errorf("%d rows of what was refused", n)
		}
		w.must(post(w.lead, declare))
		w.must(post(w.lead, photo))
		if n := w.rows("evidence_links", "file_id = ?", file); n != 1 {
			t.Errorf("it hangs %d times", n)
		}
	})
}

// TestNothingIsTakenInOnAConcludedCheck: whatever a tablet posts late, of any kind and by
// anybody, leaves no row; what had been taken in before is answered as before.
func TestNothingIsTakenInOnAConcludedCheck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.concluded(w.unit, &w.desk, answers{"A04": no("A04"), "H01": no("H01")})
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		finding, file := w.findings(id)[0].ID, inspection.NewID()
		hung := view.State.Photos["H01"][0].File
		opinion, state := w.say("Ý kiến đến muộn"), view.State
		before := w.everything()
		for _, c := range []struct {
			kind    visit.Type
			payload any
		}{
			{visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.Yes}}, {visit.OpNote, visit.Note{Item: "A04", Text: "muộn"}},
			{visit.OpFixed, visit.Fixed{Item: "A04", Fixed: true}}, {visit.OpDeclare, visit.Declared{File: file, Bytes: 5, SHA256: fmt.Sprintf("%064x", 1), Kind: "PHOTO"}},
			{visit.OpPhoto, visit.Photo{Item: "H01", File: hung}}, {visit.OpPhotoOff, visit.Photo{Item: "H01", File: hung, Reason: "mờ"}},
			{visit.OpAttendanceBegin, visit.AttendanceBegin{}}, {visit.OpAttendanceRow, visit.Row{ID: inspection.NewID(), Position: "Quầy 9"}},
			{visit.OpAttendanceDrop, visit.AttendanceDrop{ID: inspection.NewID()}}, {visit.OpFinding, visit.Draft{Item: "A04", Severity: score.Critical, Reason: "x"}},
			{visit.OpVerdict, visit.Verdict{Finding: finding, Verdict: "VERIFIED"}}, {visit.OpMinutes, visit.Minutes{Opinion: &opinion}},
			{visit.OpFinish, struct{}{}}, {visit.OpSign, visit.Signed{Scans: []string{hung}}}, {visit.OpRefuse, visit.Signed{Reason: "x", Witness: "y"}},
			{visit.OpCannotInspect, visit.CannotInspect{Reason: "CLOSED", Place: "x", Witness: "y", Photos: []string{hung}}},
			{visit.OpChoose, map[string]any{"register": "answer/A04", "operation": state.Answers["A04"].Operation, "over": []string{inspection.NewID()}}},
			{visit.OpCheckIn, visit.CheckIn{Target: view.TargetID}},
		} {
			for _, who := range []inspection.Actor{w.lead, w.inspector, w.head, w.chair} {
				err := w.try(who, id, c.kind, c.payload)
				if code := inspection.CodeOf(err); err == nil || code == inspection.Internal || code == inspection.Unavailable {
					t.Errorf("%s by %s: %v", c.kind, who.Name, err)
				}
				if who.Person == w.lead.Person && c.kind != visit.OpAttendanceBegin && c.kind != visit.OpVerdict && inspection.CodeOf(err) != inspection.Conflict {
					t.Errorf("%s by the lead: %v", c.kind, err)
				}
			}
		}
		for _, op := range view.Operations {
			if slices.Contains([]visit.Type{visit.OpReport, visit.OpConclude}, op.Type) {
				continue
			}
			o := w.visits.Post(ctx, w.actor(op.AuthorID), []visit.Operation{op})[0]
			if o.Err != nil || !o.Duplicate || o.Position != op.Position || o.State != visit.Concluded {
				t.Errorf("%s again: %+v", op.Type, o)
			}
		}
		after := w.everything()
		for table, n := range after {
			if n != before[table] {
				t.Errorf("%s: %d rows before, %d after", table, before[table], n)
			}
		}
		again, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		was, err := json.Marshal(state)
		w.must(err)
		now, err := json.Marshal(again.State)
		w.must(err)
		if string(was) != string(now) || again.Version != view.Version {
			t.Errorf("the check has changed: %s to %s", was, now)
		}
	})
}

// everything counts the rows of every table.
func (w *world) everything() map[string]int64 {
	w.t.Helper()
	tables, err := w.db.Migrator().GetTables()
	w.must(err)
	all := map[string]int64{}
	for _, name := range tables {
		all[name] = w.rows(name, "1 = 1")
	}
	return all
}
