package visit_test

import (
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestAPayloadSaysTheSameToEverybody: Go reads names without regard to case and takes the
// last of those that stand twice, a tablet does neither; such a payload is refused at the
// door, leaves no row, and another one is taken in under the same id. What an earlier
// version took in still folds.
func TestAPayloadSaysTheSameToEverybody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		elsewhere := w.target(w.other, &w.otherDesk)
		was := w.everything()
		odd := `{"item":"A04","value":"YES","Item":"A05","VALUE":"NO"}`
		deep := func(n int) string { return `{"item":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
		for payload, key := range map[string]string{
			odd:                            "",
			`{"Item":"A04","value":"YES"}`: "",
			`{"item":"A04","value":"YES","value":"NO"}`:                   "",
			`{"item":"A04","value":"YES","valu\u0065":"NO"}`:              "",
			`{"item":"A04","value":"YES","failin\u0067s":1}`:              "",
			"{\"item\":\"A04\",\"value\":\"YES\",\"do\u017fsiers\":[]}":   "", // a long s, which folds to s
			"{\"item\":\"A04\",\"\u212aey\":\"YES\"}":                     "", // the sign of kelvin, to k
			`{"item":"A04","value":"YES","":1}`:                           "",
			`{"item":"A04","value":"YES","na-reason":"x"}`:                "",
			`{"item":"A04","value":"YES","na_reason\u0000":"x"}`:          "",
			`{"item":"A04","value":"YES","dossiers":[{"a":1,"a":2}]}`:     "",
			`{"item":"A04","value":"YES","dossiers":[[{"A":1}]]}`:         "",
			"{\"item\":\"A04\",\"value\":\"YES\",\"na_reason\":\"\xff\"}": "",
			"{\"item\":\"A04\",\"value\":\"YES\",\"\xff\":1}":             "",
			`{"item":"A04","value":"YES","na_reason":"\ud83d"}`:           "error.text", // half a character
			deep(20):                          "",
			deep(100_000):                     "",
			`null`:                            "",
			`[]`:                              "",
			`"A04"`:                           "",
			``:                                "",
			`{`:                               "",
			`{"item":"A04"`:                   "",
			`{"item":"A04","value"}`:          "",
			`{"item":"A04","value":"YES"} {}`: "",
			`{"item":"A04","value":"YES"}]`:   "",
			`{"item":"A04","value":"YES",}`:   "",
		} {
			if key == "" {
				key = "visit.error.payload"
			}
			op := w.op(id, visit.OpAnswer, struct{}{})
			op.Payload = payload
			o := w.visits.Post(ctx, w.inspector, []visit.Operation{op})
			if len(o) != 1 || inspection.CodeOf(o[0].Err) != inspection.Invalid || inspection.KeyOf(o[0].Err) != key {
				t.Errorf("%.80q: %+v", payload, o)
			}
		}
		row := w.op(id, visit.OpAttendanceBegin, struct{}{})
		row.Payload = `{"rows":[{"id":"` + inspection.NewID() + `","position":"Quầy 1","required":true,"REQUIRED":false}]}`
		is(t, w.visits.Post(ctx, w.inspector, []visit.Operation{row})[0].Err, inspection.Invalid, "visit.error.payload")
		check := w.op(inspection.NewID(), visit.OpCheckIn, struct{}{})
		check.Payload = `{"target":"` + elsewhere.ID + `","location":"GIVEN","Location":"DENIED"}`
		is(t, w.visits.Post(ctx, w.lead, []visit.Operation{check})[0].Err, inspection.Invalid, "visit.error.payload")
		for table, n := range w.everything() {
			if n != was[table] {
				t.Errorf("%s: %d rows before, %d after", table, was[table], n)
			}
		}

		// The same act, written plainly, under the id of one that was refused; whitespace and escapes are no harm.
		row.Payload = strings.Replace(row.Payload, `,"REQUIRED":false`, "", 1)
		answer := w.op(id, visit.OpAnswer, struct{}{})
		answer.Payload = " \n{\"item\" : \"\\u0041\\u0030\\u0034\", \"value\":\"YES\"}\t"
		for _, o := range w.visits.Post(ctx, w.inspector, []visit.Operation{row, answer}) {
			w.must(o.Err)
		}

		// What stands there from before.
		v := w.visit(id)
		old := w.op(id, visit.OpAnswer, struct{}{})
		old.Payload, old.Position, old.AuthorID, old.Role, old.ReceivedAt = odd, v.Positions+1, w.inspector.Person, string(inspection.Inspector), w.clock.Now()
		w.must(w.db.Create(&old).Error)
		w.must(w.db.Exec("UPDATE visits SET positions = positions + 1 WHERE id = ?", id).Error)
		w.post(w.inspector, id, visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.No})
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		if a := view.State.Answers; a["A04"].Value != score.No || a["A05"].Value != score.No || len(view.Operations) != int(v.Positions)+2 {
			t.Errorf("%+v of %d operations", a, len(view.Operations))
		}
	})
}
