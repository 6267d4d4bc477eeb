package visit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func TestATargetExistsForItsLeadAndWhomItWasOpenedToOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		sealed := w.target(w.unit, &w.desk)
		today := w.clock.Now().Date()
		for _, a := range []inspection.Actor{w.deputy, w.fresh, w.chair, w.homeAffairs, w.admin, w.head, w.otherHead, w.sealedLead, w.foreignChair, {}} {
			if list, err := w.plan.Waiting(ctx, a, today); err != nil || len(list) > 0 {
				t.Errorf("%s: %d targets, %v", a.Name, len(list), err)
			}
			_, err := w.plan.Get(ctx, a, sealed.ID)
			is(t, err, inspection.NotFound, "error.not_found")
			is(t, w.plan.Open(ctx, a, sealed.ID, a.Person, true), inspection.NotFound, "error.not_found")
			err = w.try(a, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: sealed.ID})
			unknown := w.try(a, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: inspection.NewID()})
			if err == nil || err.Error() != unknown.Error() {
				t.Errorf("%s: a sealed target answers %v, one that does not exist %v", a.Name, err, unknown)
			}
		}
		for _, a := range []inspection.Actor{w.lead, w.secretary, w.inspector} {
			if list, err := w.plan.Waiting(ctx, a, today); err != nil || len(list) != 1 {
				t.Errorf("%s: %d targets, %v", a.Name, len(list), err)
			}
		}
		if list, _ := w.plan.Waiting(ctx, w.lead, today.AddDays(-1)); len(list) != 0 {
			t.Error("a target is listed before its day")
		}
		// Being told of it is not yet leave to begin it.
		is(t, w.try(w.inspector, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: sealed.ID}), inspection.Forbidden, "plan.error.check_in_lead_only")
		is(t, w.plan.Open(ctx, w.inspector, sealed.ID, w.fresh.Person, false), inspection.NotFound, "error.not_found")
		w.must(w.plan.Open(ctx, w.lead, sealed.ID, w.inspector.Person, true))
		id := inspection.NewID()
		w.post(w.inspector, id, visit.OpCheckIn, visit.CheckIn{Target: sealed.ID})
		var members []string
		w.must(db.Table("visit_members").Where("visit_id = ?", id).Order("person_id").Pluck("person_id", &members).Error)
		if slices.Contains(members, w.lead.Person) || !slices.Contains(members, w.inspector.Person) {
			t.Error("the lead stayed away, and is a member of the check all the same")
		}
		if list, _ := w.plan.Waiting(ctx, w.lead, today); len(list) != 0 {
			t.Error("a target that was begun still waits")
		}
		// What happened before names no unit.
		if w.rows("history", "subject_kind = 'target' AND (body LIKE ? OR body LIKE ? OR body LIKE ?)", "%"+w.unit.ID+"%", "%"+w.desk.ID+"%", "%"+w.inspector.Person+"%\"subject_kind\":\"unit\"%") > 0 {
			t.Error("history names the unit of a sealed target")
		}
	})
}

func TestACheckIsMadeOfItsTargetOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		sealed := w.target(w.unit, &w.desk)
		w.clock.Advance(-24 * time.Hour)
		is(t, w.try(w.lead, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: sealed.ID}), inspection.Conflict, "plan.error.too_early")
		w.clock.Advance(24 * time.Hour)
		first := w.op(inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: sealed.ID})
		var wait sync.WaitGroup
		const times = 6
		outcomes := make([]visit.Outcome, times)
		for i := range times { // the same act, sent again and again by an impatient device
			wait.Go(func() { outcomes[i] = w.visits.Post(ctx, w.lead, []visit.Operation{first})[0] })
		}
		wait.Wait()
		fresh := 0
		for _, o := range outcomes {
			if o.Err != nil {
				t.Errorf("the same check-in again: %v", o.Err)
			} else if !o.Duplicate {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("taken in %d times", fresh)
		}
		is(t, w.try(w.lead, inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: sealed.ID}), inspection.Conflict, "visit.error.already_checked_in")
		is(t, w.try(w.lead, first.VisitID, visit.OpCheckIn, visit.CheckIn{Target: sealed.ID}), inspection.Conflict, "visit.error.already_checked_in")
		if n := w.rows("visits", "1 = 1"); n != 1 {
			t.Errorf("%d checks", n)
		}
		v := w.visit(first.VisitID)
		if v.OrganisationName != w.unit.Name || v.DeskName != w.desk.Name || v.DecisionNumber != "12/QĐ-UBND" || v.Hours != "450-690 810-1050" || v.Day != "2026-03-02" {
			t.Errorf("%+v", v)
		}
	})
}

func TestARunningCheckIsForItsTeamOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		for _, a := range []inspection.Actor{w.head, w.otherHead, w.sealedLead, w.homeAffairs, w.foreignChair, w.admin, {}} {
			list, _, err := w.visits.List(ctx, a, visit.Filter{}, inspection.Page{})
			if err != nil || len(list) != 0 {
				t.Errorf("%s lists %d checks, %v", a.Name, len(list), err)
			}
			is(t, w.try(a, id, visit.OpNote, visit.Note{Item: "A04", Text: "x"}), inspection.NotFound, "error.not_found")
		}
		for _, a := range []inspection.Actor{w.head, w.chair, w.homeAffairs, w.sealedLead, w.admin} {
			_, err := w.visits.Get(ctx, a, id)
			is(t, err, inspection.NotFound, "error.not_found")
			_, err = w.visits.After(ctx, a, id, 0)
			is(t, err, inspection.NotFound, "error.not_found")
			_, _, err = w.visits.Score(ctx, a, id)
			is(t, err, inspection.NotFound, "error.not_found")
		}
		// The chair may know that it runs, and work on it no more than anybody.
		if list, _, _ := w.visits.List(ctx, w.chair, visit.Filter{}, inspection.Page{}); len(list) != 1 {
			t.Error("the chair does not see that a check runs")
		}
		is(t, w.try(w.chair, id, visit.OpNote, visit.Note{Item: "A04", Text: "x"}), inspection.Forbidden, "error.forbidden")
		is(t, w.try(w.inspector, id, visit.OpFinish, struct{}{}), inspection.Forbidden, "error.forbidden")
		is(t, w.visits.Report(ctx, w.secretary, id, inspection.NewID(), 0, visit.Report{Summary: "x"}), inspection.Forbidden, "error.forbidden")
		is(t, w.visits.Conclude(ctx, w.lead, id, inspection.NewID(), 0, visit.Conclude{}, nil), inspection.Forbidden, "error.forbidden")
		for _, a := range []inspection.Actor{w.lead, w.fresh} {
			if list, _, _ := w.visits.List(ctx, a, visit.Filter{Running: true}, inspection.Page{}); len(list) != 1 {
				t.Errorf("%s does not see the check under way", a.Name)
			}
		}
	})
}

func TestAnOperationCountsOnceHoweverOftenItArrives(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		r, rounds := seeded(t, 200)
		id := w.checkIn(w.target(w.unit, &w.desk))
		var ops []visit.Operation
		for i := range 12 {
			ops = append(ops, w.op(id, visit.OpAnswer, count("D03", 200, int64(i))), w.op(id, visit.OpNote, visit.Note{Item: "A04", Text: string(rune('a' + i))}))
		}
		// Batches that break off anywhere and begin again anywhere before.
		done := 0
		for range rounds {
			from := r.IntN(done + 1)
			to := from + r.IntN(len(ops)-from+1)
			for i, o := range w.visits.Post(ctx, w.inspector, ops[from:to]) {
				if o.Err != nil || o.Duplicate != (from+i < done) || o.Position != int64(from+i+2) {
					t.Fatalf("operation %d of %d done: %+v", from+i, done, o)
				}
			}
			done = max(done, to)
		}
		// The same rest from several devices' connections at once.
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for _, o := range w.visits.Post(ctx, w.inspector, ops) {
					if o.Err != nil {
						t.Error(o.Err)
					}
				}
			})
		}
		wait.Wait()
		news, err := w.visits.After(ctx, w.inspector, id, 1)
		w.must(err)
		if len(news.Operations) != len(ops) {
			t.Fatalf("%d operations of %d", len(news.Operations), len(ops))
		}
		for i, op := range news.Operations {
			if op.ID != ops[i].ID || op.Position != int64(i+2) || op.AuthorID != w.inspector.Person {
				t.Errorf("at %d stands %+v", i, op)
			}
		}
		if v := w.visit(id); v.Positions != int64(len(ops)+1) {
			t.Errorf("%d positions", v.Positions)
		}
		if n := w.rows("history", "action = 'visit.operation'"); n != int64(len(ops)) {
			t.Errorf("%d rows of history for %d operations", n, len(ops))
		}
	})
}

func TestAnOperationIDWithAnotherContentIsAConflict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		second := w.checkIn(w.target(w.other, &w.otherDesk))
		op := w.op(id, visit.OpAnswer, no("A04"))
		post := func(a inspection.Actor, op visit.Operation) error {
			return w.visits.Post(ctx, a, []visit.Operation{op})[0].Err
		}
		w.must(post(w.inspector, op))
		other := op
		other.Payload = `{"item":"A04","value":"YES"}`
		is(t, post(w.inspector, other), inspection.Conflict, "visit.error.operation_id")
		other = op
		other.Type, other.Payload = visit.OpNote, `{"item":"A04","text":"x"}`
		is(t, post(w.inspector, other), inspection.Conflict, "visit.error.operation_id")
		other = op
		other.VisitID = second
		is(t, post(w.inspector, other), inspection.Conflict, "visit.error.operation_id")
		is(t, post(w.secretary, op), inspection.Conflict, "visit.error.operation_id")
		other = op
		other.ID = "1"
		is(t, post(w.inspector, other), inspection.Invalid, "error.id")
		// A page's act cannot be smuggled in by a tablet.
		for _, kind := range []visit.Type{visit.OpReport, visit.OpCorrect, visit.OpConclude} {
			is(t, w.try(w.lead, id, kind, struct{}{}), inspection.Invalid, "visit.error.operation_type")
		}
		if n := w.rows("operations", "type = 'answer'"); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

func TestABatchStopsAtWhatIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		outcomes := w.visits.Post(ctx, w.inspector, []visit.Operation{w.op(id, visit.OpAnswer, no("A04")), w.op(id, visit.OpAnswer, count("D03", 10, 11)),
			w.op(id, visit.OpAnswer, no("A05"))})
		if len(outcomes) != 2 || outcomes[0].Err != nil {
			t.Fatalf("%+v", outcomes)
		}
		e := is(t, outcomes[1].Err, inspection.Invalid, "visit.error.count_beyond")
		if e.Params["item"] != "D03" {
			t.Errorf("%+v", e)
		}
		if n := w.rows("operations", "visit_id = ?", id); n != 2 {
			t.Errorf("%d operations", n)
		}
	})
}

func TestNumbersBeyondTheSampleAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		for _, c := range []struct {
			a   visit.AnswerItem
			key string
		}{
			{count("C01", 10, 11), "visit.error.count_beyond"}, {count("C01", 0, 0), "visit.error.count_of"}, {count("C01", -1, -2), "visit.error.count_of"},
			{count("C01", 10, -1), "visit.error.count_negative"}, {count("D03", 1_000_001, 0), "visit.error.count_of"},
			{visit.AnswerItem{Item: "C01", Value: score.Yes}, "visit.error.answer_value"}, {visit.AnswerItem{Item: "A04", Value: score.NA}, "visit.error.na_reason"},
		} {
			is(t, w.try(w.inspector, id, visit.OpAnswer, c.a), inspection.Invalid, c.key)
		}
		if n := w.rows("answers", "1 = 1") + w.rows("operations", "type = 'answer'"); n != 0 {
			t.Errorf("%d rows of what was refused", n)
		}
	})
}

func TestAVisitCannotBeFinishedWithItemsOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		e := is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items")
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		want := []string{"A01", "attendance"}
		for _, it := range view.Rules.Items {
			if it.Source == score.FromAnswer {
				want = append(want, it.Code)
			}
		}
		slices.Sort(want)
		if got := fieldsOf(e); !slices.Equal(got, want) {
			t.Errorf("named are %v\nopen are  %v", got, want)
		}
		w.answerAll(w.inspector, id, answers{"C02": count("C02", 10, 1), "H01": no("H01")})
		w.post(w.inspector, id, visit.OpAnswer, visit.AnswerItem{Item: "G02"}) // taken back
		view, err = w.visits.Get(ctx, w.lead, id)
		w.must(err)
		photo := view.State.Photos["H01"][0].File
		w.post(w.inspector, id, visit.OpPhotoOff, visit.Photo{Item: "H01", File: photo, Reason: "mờ"})
		e = is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items")
		if got := e.Fields; len(got) != 2 || got["G02"] != "visit.open.ANSWER" || got["H01"] != "visit.open.PHOTO" || e.Params["n"] != 2 {
			t.Errorf("%+v", e)
		}
		w.post(w.inspector, id, visit.OpAnswer, visit.AnswerItem{Item: "G02", Value: score.NA, NAReason: "không có đường dây nóng riêng"})
		w.post(w.inspector, id, visit.OpPhoto, visit.Photo{Item: "H01", File: photo})
		w.post(w.lead, id, visit.OpFinish, struct{}{})
		if v := w.visit(id); v.State != visit.Drafting || v.EndedAt != w.clock.Now() || v.MinutesAt != 0 {
			t.Errorf("%+v", v)
		}
		is(t, w.try(w.inspector, id, visit.OpAnswer, no("A04")), inspection.Conflict, "visit.error.closed_for_answers")
	})
}

func TestADeclaredPhotoThatHasNotArrivedBlocksFinishing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, nil)
		hung, loose, stays := w.declare(w.inspector, id, evidence.Photo), w.declare(w.inspector, id, evidence.Photo), w.declare(w.inspector, id, evidence.Photo)
		w.post(w.inspector, id, visit.OpPhoto, visit.Photo{Item: "A04", File: stays})
		w.must(w.files.GiveUp(ctx, w.lead, stays, w.say("Thẻ nhớ hỏng, không đọc được ảnh đã chụp"))) // it hangs there for ever, and nobody waits
		w.post(w.inspector, id, visit.OpPhoto, visit.Photo{Item: "A04", File: hung})
		e := is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items")
		if e.Fields["A04"] != "visit.open.UPLOAD" || e.Fields[loose] != "visit.open.UPLOAD" || e.Fields[hung] != "visit.open.UPLOAD" || e.Params["n"] != 2 {
			t.Errorf("%+v %+v", e.Fields, e.Params)
		}
		w.must(w.files.GiveUp(ctx, w.lead, loose, w.say("Máy của thành viên bị hỏng, không lấy lại được ảnh")))
		is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items")
		w.post(w.inspector, id, visit.OpPhotoOff, visit.Photo{Item: "A04", File: hung, Reason: "chụp nhầm"})
		is(t, w.try(w.lead, id, visit.OpFinish, struct{}{}), inspection.Conflict, "visit.error.open_items") // it was declared and has to come
		w.must(w.files.GiveUp(ctx, w.lead, hung, w.say("Ảnh chụp nhầm, đã xóa trên máy")))
		w.post(w.lead, id, visit.OpFinish, struct{}{})
	})
}

// TestAHandoverIsWhatTheCheckWillBe: a tablet begins it without a network and finds
// nothing else when it comes back; asking for it begins nothing.
func TestAHandoverIsWhatTheCheckWillBe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		today := w.target(w.unit, &w.desk)
		w.clock.Advance(24 * time.Hour)
		tomorrow := w.target(w.other, &w.otherDesk)
		w.clock.Advance(-24 * time.Hour)
		before := w.rows("history", "1 = 1") + w.rows("visits", "1 = 1") + w.rows("visit_members", "1 = 1")
		given, err := w.visits.HandOver(ctx, w.lead, today.ID)
		w.must(err)
		ahead, err := w.visits.HandOver(ctx, w.lead, tomorrow.ID)
		w.must(err)
		if n := w.rows("history", "1 = 1") + w.rows("visits", "1 = 1") + w.rows("visit_members", "1 = 1"); n != before {
			t.Errorf("%d rows came of it", n-before)
		}
		if given.ID != "" || len(given.Operations) != 0 || given.State.Phase != visit.Unborn || !given.MayInspect || !given.MayFinish || ahead.Day != w.clock.Now().Date().AddDays(1) {
			t.Errorf("%+v, for %s", given.Visit, ahead.Day)
		}
		for _, a := range []inspection.Actor{w.secretary, w.inspector, w.fresh, w.deputy, w.head, w.chair, w.homeAffairs, w.admin, w.sealedLead} {
			for _, id := range []string{today.ID, inspection.NewID(), "x"} {
				_, err := w.visits.HandOver(ctx, a, id)
				is(t, err, inspection.NotFound, "error.not_found")
			}
		}
		view, err := w.visits.Get(ctx, w.lead, w.checkIn(today))
		w.must(err)
		if given.OrganisationName != view.OrganisationName || given.DeskName != view.DeskName || given.DecisionNumber != view.DecisionNumber || given.Day != view.Day ||
			!reflect.DeepEqual(given.Rules, view.Rules) || !reflect.DeepEqual(given.Roster, view.Roster) || given.Checklist.ID != view.Checklist.ID || len(given.Roster) == 0 {
			t.Errorf("handed over %+v, begun %+v", given.Visit, view.Visit)
		}
		_, err = w.visits.HandOver(ctx, w.lead, today.ID)
		is(t, err, inspection.Conflict, "visit.error.already_checked_in")
	})
}

// TestActsWithoutANetworkKeepTheirOwnTime: by the device's clock as it was corrected,
// however late they arrive; what cannot be believed is dated by its receipt.
func TestActsWithoutANetworkKeepTheirOwnTime(t *testing.T) {
	hour := int64(time.Hour / time.Millisecond)
	received := inspection.At(monday.AddDate(0, 0, 2))
	for name, c := range map[string]struct {
		device inspection.Instant
		offset *int64
		want   inspection.Instant
	}{
		"never learned, close":     {received.Add(-time.Minute), nil, received.Add(-time.Minute)},
		"never learned, far":       {received.Add(-48 * time.Hour), nil, received},
		"right, two days late":     {received.Add(-48 * time.Hour), new(int64), received.Add(-48 * time.Hour)},
		"three hours behind":       {received.Add(-51 * time.Hour), ptr(3 * hour), received.Add(-48 * time.Hour)},
		"three hours ahead":        {received.Add(-45 * time.Hour), ptr(-3 * hour), received.Add(-48 * time.Hour)},
		"a bit after the receipt":  {received.Add(time.Minute), new(int64), received},
		"long after the receipt":   {received.Add(48 * time.Hour), new(int64), received},
		"before there were clocks": {1, ptr(-2), received},
	} {
		if got := (visit.Operation{DeviceAt: c.device, OffsetMS: c.offset, ReceivedAt: received}).At(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		sealed := w.target(w.unit, &w.desk)
		begun := w.clock.Now()
		late := func(op visit.Operation, after time.Duration) visit.Operation {
			op.DeviceAt, op.OffsetMS, op.Boot = begun.Add(after-3*time.Hour), ptr(3*hour), inspection.NewID()
			return op
		}
		w.clock.Advance(50 * time.Hour)
		id := inspection.NewID()
		for _, o := range w.visits.Post(ctx, w.lead, []visit.Operation{
			late(w.op(id, visit.OpCheckIn, visit.CheckIn{Target: sealed.ID}), 0),
			late(w.op(id, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: []visit.Row{{ID: inspection.NewID(), Position: w.say("Công chức tiếp nhận")}}}), time.Minute)}) {
			w.must(o.Err)
		}
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		if view.CheckedInAt != begun || view.Day != begun.Date() || view.State.CountedAt != begun.Add(time.Minute) {
			t.Errorf("checked in at %v, counted at %v", view.CheckedInAt, view.State.CountedAt)
		}
		other := w.target(w.other, &w.otherDesk) // planned for today: it cannot have been begun before
		id = inspection.NewID()
		w.must(w.visits.Post(ctx, w.lead, []visit.Operation{late(w.op(id, visit.OpCheckIn, visit.CheckIn{Target: other.ID}), 0)})[0].Err)
		if view, err = w.visits.Get(ctx, w.lead, id); err != nil || view.CheckedInAt != w.clock.Now() {
			t.Errorf("checked in at %v, %v", view.CheckedInAt, err)
		}
		for _, change := range []func(*visit.Operation){func(o *visit.Operation) { o.OffsetMS = ptr(1 << 62) }, func(o *visit.Operation) { o.OffsetMS = ptr(-1 << 63) }, func(o *visit.Operation) { o.Boot = "x" }} {
			op := w.op(id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("ghi chú")})
			change(&op)
			is(t, w.visits.Post(ctx, w.lead, []visit.Operation{op})[0].Err, inspection.Invalid, "visit.error.payload")
		}
	})
}

// TestACheckInStandsWhenWhatCameWithItIsRefused: also what was posted between the two.
func TestACheckInStandsWhenWhatCameWithItIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := inspection.NewID()
		out := w.visits.Post(ctx, w.lead, []visit.Operation{
			w.op(id, visit.OpCheckIn, visit.CheckIn{Target: w.target(w.unit, &w.desk).ID}),
			w.op(id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("ghi chú")}),
			w.op(id, visit.OpNote, visit.Note{Item: "none", Text: w.say("ghi chú")}),
			w.op(id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("ghi chú khác")})})
		if len(out) != 3 || out[0].Err != nil || out[1].Err != nil || out[1].Position != 2 {
			t.Fatal(out)
		}
		is(t, out[2].Err, inspection.Invalid, "visit.error.unknown_item")
		if view, err := w.visits.Get(ctx, w.lead, id); err != nil || view.State.Answers["A04"].Note == "" || view.Positions != 2 {
			t.Errorf("%+v, %v", view.State.Answers["A04"], err)
		}
	})
}

// TestAClockThatIsWrongIsNamed: and nothing is refused for it.
func TestAClockThatIsWrongIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		begun, boot := w.clock.Now(), inspection.NewID()
		var ops []visit.Operation
		act := func(device string, at time.Duration, elapsed int64, offset *int64, of string) {
			op := w.op(id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("ghi chú " + strconv.Itoa(len(ops)))})
			op.Device, op.DeviceAt, op.ElapsedMS, op.OffsetMS, op.Boot = device, begun.Add(at), elapsed, offset, of
			if len(ops) > 0 {
				op.Base = ops[len(ops)-1].ID
			}
			ops = append(ops, op)
		}
		minute := int64(time.Minute / time.Millisecond)
		act("right", 0, 0, ptr(1000), boot)
		act("right", time.Minute, minute, ptr(-1000), boot)
		act("behind", -3*time.Hour, 0, ptr(180*minute), boot)
		act("ahead", time.Hour, 0, ptr(-60*minute), boot)
		act("unknown", -3*time.Hour, 0, nil, "")
		act("set back", 0, 0, ptr(0), boot)
		act("set back", -time.Hour, 5*minute, ptr(65*minute), boot)
		act("started anew", 0, 9*minute, ptr(0), boot)
		act("started anew", time.Minute, 0, ptr(0), inspection.NewID())
		for _, o := range w.visits.Post(ctx, w.inspector, ops) {
			w.must(o.Err)
		}
		view, err := w.visits.Get(ctx, w.lead, id)
		w.must(err)
		var got []string
		for _, c := range view.Clocks() {
			got = append(got, fmt.Sprint(c.Device, " ", c.Off, " ", c.Unknown, " ", c.SetBack))
		}
		want := []string{"ahead -1h0m0s false false", "behind 3h0m0s false false", "set back 1h5m0s false true", "unknown 0s true false"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if view.State.Answers["A04"].Note != "ghi chú 8" {
			t.Errorf("the last note is %q", view.State.Answers["A04"].Note)
		}
	})
}

func ptr(n int64) *int64 { return &n }

// TestFilesAreDeclaredWithTheOperationsThatHangThem: the manifest of a check is part of
// its operations, in their order.
func TestFilesAreDeclaredWithTheOperationsThatHangThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, nil)
		sum := sha256.Sum256(w.photo)
		declare := func() visit.Declared {
			return visit.Declared{File: inspection.NewID(), Bytes: int64(len(w.photo)), SHA256: hex.EncodeToString(sum[:]), Kind: "PHOTO",
				Name: w.say("quầy số 1.jpg"), CapturedAt: w.clock.Now().Time()}
		}
		one, two := declare(), declare()
		ops := []visit.Operation{w.op(id, visit.OpDeclare, one), w.op(id, visit.OpPhoto, visit.Photo{Item: "A04", File: one.File}), w.op(id, visit.OpDeclare, two)}
		for range 2 { // and again: nothing more
			for _, o := range w.visits.Post(ctx, w.inspector, ops) {
				w.must(o.Err)
			}
		}
		if n := w.rows("evidence_files", "id IN ? AND state = 'DECLARED' AND captured_at = ?", []string{one.File, two.File}, w.clock.Now()); n != 2 {
			t.Errorf("%d declared", n)
		}
		e := is(t, w.visits.Post(ctx, w.lead, []visit.Operation{w.op(id, visit.OpFinish, struct{}{})})[0].Err, inspection.Conflict, "visit.error.open_items")
		if e.Fields["A04"] != "visit.open.UPLOAD" || e.Fields[two.File] != "visit.open.UPLOAD" {
			t.Errorf("%+v", e.Fields)
		}
		for _, d := range []visit.Declared{one, two} {
			_, err := w.files.Receive(ctx, w.inspector, d.File, d.Bytes, bytes.NewReader(w.photo))
			w.must(err)
		}

		// What is declared in the same breath as the finish is waited for too.
		late := declare()
		outcomes := w.visits.Post(ctx, w.lead, []visit.Operation{w.op(id, visit.OpDeclare, late), w.op(id, visit.OpFinish, struct{}{})})
		if len(outcomes) != 2 || outcomes[0].Err != nil {
			t.Fatalf("%+v", outcomes)
		}
		is(t, outcomes[1].Err, inspection.Conflict, "visit.error.open_items")

		// What lies, and what is somebody else's, is refused; what stood before it stands.
		for name, change := range map[string]func(*visit.Declared){
			"id": func(d *visit.Declared) { d.File = "../x" }, "hash": func(d *visit.Declared) { d.SHA256 = "abc" }, "size": func(d *visit.Declared) { d.Bytes = 0 },
			"kind": func(d *visit.Declared) { d.Kind = "CAMERA_SNAPSHOT" }, "huge": func(d *visit.Declared) { d.Bytes = 1 << 40 },
			"known": func(d *visit.Declared) { d.File = one.File; d.Bytes++ }, "contains": func(d *visit.Declared) { d.Contains = "FACES" },
		} {
			d := declare()
			change(&d)
			good := declare()
			o := w.visits.Post(ctx, w.inspector, []visit.Operation{w.op(id, visit.OpDeclare, good), w.op(id, visit.OpDeclare, d)})
			if len(o) != 2 || o[0].Err != nil || o[1].Err == nil || inspection.CodeOf(o[1].Err) == inspection.Internal {
				t.Errorf("%s: %+v", name, o)
			}
			if n := w.rows("evidence_files", "id = ?", good.File); n != 1 {
				t.Errorf("%s: %d of what came before it", name, n)
			}
		}
	})
}

// TestAPhotoOfAnotherCheckIsRefused: a file belongs to the check that it was declared
// for.
func TestAPhotoOfAnotherCheckIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		one, two := w.checkIn(w.target(w.unit, &w.desk)), w.checkIn(w.target(w.other, &w.otherDesk))
		foreign := w.file(w.inspector, two, evidence.Photo)
		for _, file := range []string{foreign, inspection.NewID()} {
			if err := w.try(w.inspector, one, visit.OpPhoto, visit.Photo{Item: "A04", File: file}); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%v", err)
			}
		}
		is(t, w.try(w.inspector, one, visit.OpPhoto, visit.Photo{Item: "B04", File: w.file(w.inspector, one, evidence.Photo)}), inspection.Invalid, "visit.error.no_people")
		if n := w.rows("operations", "type = 'photo'"); n != 0 {
			t.Errorf("%d photos", n)
		}
	})
}

func TestTwoPeopleFinishingAtOnceFinishOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, nil)
		people := []inspection.Actor{w.lead, w.deputy, w.secretary, w.lead}
		errs := make([]error, len(people))
		ops := make([]visit.Operation, len(people))
		for i := range people {
			ops[i] = w.op(id, visit.OpFinish, struct{}{})
		}
		var wait sync.WaitGroup
		for i, p := range people {
			wait.Go(func() { errs[i] = w.visits.Post(ctx, p, []visit.Operation{ops[i]})[0].Err })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				is(t, err, inspection.Conflict, "visit.error.already_finished")
			}
		}
		if won != 1 || w.rows("operations", "type = 'finish'") != 1 || w.rows("history", "action = 'visit.state'") != 1 {
			t.Errorf("%d finished it", won)
		}
	})
}

func TestCannotInspectEndsACheckWithoutAScore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		door := w.file(w.inspector, id, evidence.Photo)
		payload := visit.CannotInspect{Reason: "REFUSED", Place: w.say("Cổng trụ sở"), Words: w.say("Hôm nay không tiếp đoàn"), Witness: w.say("Bảo vệ cơ quan"),
			Photos: []string{door}, Finding: w.say("Từ chối làm việc với Đoàn kiểm tra"), Severity: "MAJOR"}
		is(t, w.try(w.inspector, id, visit.OpCannotInspect, payload), inspection.Forbidden, "error.forbidden")
		w.post(w.lead, id, visit.OpCannotInspect, payload)
		v := w.visit(id)
		if v.State != visit.Cannot || !v.CouldNot || v.EndedAt.IsZero() || v.MinutesAt.IsZero() || v.ExplainDue != "2026-03-04" || v.ReportDue != "2026-03-16" {
			t.Errorf("%+v", v)
		}
		fs := w.findings(id)
		if len(fs) != 1 || fs[0].Severity != "MAJOR" || fs[0].Text != payload.Finding || fs[0].OrganisationID != w.unit.ID {
			t.Fatalf("%+v", fs)
		}
		if w.rows("evidence_links", "file_id = ? AND subject_kind = 'finding' AND subject_id = ? AND role = 'BEFORE'", door, fs[0].ID) != 1 ||
			w.rows("evidence_links", "file_id = ? AND subject_kind = 'visit' AND role = 'DOOR'", door) != 1 {
			t.Error("the photo of the door does not hang on the check and its finding")
		}
		if _, err := w.visits.Get(ctx, w.head, id); err != nil {
			t.Errorf("the unit does not get the minutes: %v", err)
		}
		for _, kind := range []visit.Type{visit.OpAnswer, visit.OpFinish, visit.OpSign} {
			if err := w.try(w.lead, id, kind, no("A04")); inspection.CodeOf(err) != inspection.Conflict {
				t.Errorf("%s: %v", kind, err)
			}
		}
		w.report(id)
		w.conclude(id)
		view, frozen, err := w.visits.Score(ctx, w.chair, id)
		if err != nil || frozen != nil || view.Visit.State != visit.Concluded {
			t.Errorf("%v %+v", err, frozen)
		}
		if f := w.findings(id)[0]; f.State != "ASSIGNED" {
			t.Errorf("%s", f.State)
		}
	})
}

func TestRefusalToSignNeedsReasonAndWitness(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, answers{"A04": no("A04")})
		is(t, w.try(w.lead, id, visit.OpRefuse, visit.Signed{Reason: "x", Witness: "y"}), inspection.Conflict, "visit.error.not_finished")
		w.post(w.secretary, id, visit.OpFinish, struct{}{})
		is(t, w.try(w.secretary, id, visit.OpRefuse, visit.Signed{Reason: "x", Witness: "y"}), inspection.Invalid, "visit.error.representatives")
		there := w.say("Phó Giám đốc Trung tâm")
		w.post(w.secretary, id, visit.OpMinutes, visit.Minutes{Representatives: &there})
		is(t, w.try(w.secretary, id, visit.OpRefuse, visit.Signed{Witness: "y"}), inspection.Invalid, "error.required")
		is(t, w.try(w.secretary, id, visit.OpRefuse, visit.Signed{Reason: "x"}), inspection.Invalid, "error.required")
		is(t, w.try(w.inspector, id, visit.OpRefuse, visit.Signed{Reason: "x", Witness: "y"}), inspection.Forbidden, "error.forbidden")
		if n := len(w.findings(id)); n != 0 {
			t.Fatalf("%d findings before the minutes are closed", n)
		}
		w.post(w.secretary, id, visit.OpRefuse, visit.Signed{Reason: w.say("Không nhất trí"), Witness: w.say("Tổ trưởng dân phố")})
		if v := w.visit(id); v.State != visit.MinutesNoSig || v.MinutesAt.IsZero() {
			t.Errorf("%+v", v)
		}
		if n := len(w.findings(id)); n != 1 {
			t.Errorf("%d findings", n)
		}
		if _, err := w.visits.Get(ctx, w.head, id); err != nil {
			t.Errorf("the unit cannot read the minutes that it did not sign: %v", err)
		}
		is(t, w.try(w.lead, id, visit.OpSign, visit.Signed{Scans: []string{inspection.NewID()}}), inspection.Conflict, "visit.error.already_signed")
	})
}

func TestASignatureNeedsItsScan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, answers{"A04": no("A04")})
		w.post(w.lead, id, visit.OpFinish, struct{}{})
		there, opinion := "Giám đốc", "Thống nhất"
		w.post(w.lead, id, visit.OpMinutes, visit.Minutes{Representatives: &there, Opinion: &opinion})
		is(t, w.try(w.lead, id, visit.OpSign, visit.Signed{}), inspection.Invalid, "visit.error.scan")
		if err := w.try(w.lead, id, visit.OpSign, visit.Signed{Scans: []string{w.declare(w.lead, id, evidence.DocumentScan)}}); inspection.CodeOf(err) != inspection.Invalid {
			t.Errorf("a scan that has not arrived: %v", err)
		}
		if v := w.visit(id); v.State != visit.Drafting || len(w.findings(id)) != 0 {
			t.Error("half of the closing stayed")
		}
	})
}

func TestFindingsExistFromTheClosingOfTheMinutesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checkIn(w.target(w.unit, &w.desk))
		w.answerAll(w.inspector, id, answers{"A04": no("A04"), "D03": count("D03", 200, 4), "B04": {Item: "B04", Value: score.Fair3},
			"F01": no("F01"), "C02": count("C02", 10, 2)})
		w.post(w.inspector, id, visit.OpNote, visit.Note{Item: "A04", Text: w.say("Quầy 2 không có người trực thay")})
		w.post(w.inspector, id, visit.OpFinding, visit.Draft{Item: "C02", Severity: "MAJOR", Reason: w.say("Đã nhắc nhở năm trước"), Text: w.say("Hai thủ tục đã bãi bỏ còn niêm yết"), Remedy: w.say("Gỡ ngay")})
		w.post(w.inspector, id, visit.OpFixed, visit.Fixed{Item: "F01", Fixed: true})
		w.post(w.lead, id, visit.OpFinish, struct{}{})
		lines, _, err := w.finds.List(ctx, w.head, finding.Filter{}, inspection.Page{})
		if err != nil || len(lines) != 0 {
			t.Fatalf("the unit sees %d findings before the minutes, %v", len(lines), err)
		}
		w.sign(w.lead, id)
		got := map[string]string{}
		for _, f := range w.findings(id) {
			got[f.ItemKey] = string(f.Severity)
			if f.State != "RECORDED" || f.ResponsibleID != w.unit.ID || f.OrganisationName != w.unit.Name || f.DeskID == nil || *f.DeskID != w.desk.ID ||
				f.Basis == "" || f.Text == "" || f.ExplainDue != "2026-03-04" || f.CheckEndedAt != w.visit(id).EndedAt {
				t.Errorf("%+v", f)
			}
			if n := w.rows("evidence_links", "subject_kind = 'finding' AND subject_id = ?", f.ID); (n > 0) != (f.ItemKey != "A04") {
				t.Errorf("%s has %d photos", f.ItemKey, n)
			}
		}
		// "Đạt" of the three-step scale earns half a mark and is no finding.
		if len(got) != 4 || got["A04"] != "MODERATE" || got["D03"] != "MAJOR" || got["C02"] != "MAJOR" || got["F01"] != "MINOR" {
			t.Errorf("%v", got)
		}
		if f := w.finding(id, "A04"); f.Text != "Quầy 2 không có người trực thay" {
			t.Errorf("%q", f.Text)
		}
		if f := w.finding(id, "C02"); f.Text != "Hai thủ tục đã bãi bỏ còn niêm yết" || f.SeverityReason == "" || f.Remedy != "Gỡ ngay" {
			t.Errorf("%+v", f)
		}
		if f := w.finding(id, "F01"); !f.FixedOnSite || f.FixedBy == nil || *f.FixedBy != w.inspector.Person {
			t.Errorf("%+v", f)
		}
		lines, _, err = w.finds.List(ctx, w.head, finding.Filter{}, inspection.Page{})
		if err != nil || len(lines) != 4 {
			t.Errorf("the unit sees %d findings, %v", len(lines), err)
		}
		if lines, _, _ = w.finds.List(ctx, w.otherHead, finding.Filter{}, inspection.Page{}); len(lines) != 0 {
			t.Error("another unit sees them too")
		}
	})
}

func TestADeskMayBeEmpty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := w.checked(w.unit, nil, answers{"A04": no("A04")})
		if f := w.finding(id, "A04"); f.DeskID != nil || f.Place() != w.unit.Name {
			t.Errorf("%+v", f)
		}
		if v := w.visit(id); v.DeskID != nil || v.Place() != w.unit.Name {
			t.Errorf("%+v", v)
		}
	})
}

// TestWhoBelongedToTheUnitDoesNotJoinItsCheck: a member who was not told may come on site,
// but not where they work or worked; the others go on.
func TestWhoBelongedToTheUnitDoesNotJoinItsCheck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		_, err := org.Grant(db, org.Act{At: w.clock.Now()}, org.RoleRow{PersonID: w.fresh.Person, Role: inspection.UnitContact, OrganisationID: &w.unit.ID, ValidFrom: "2020-01-01", ValidTo: "2022-12-31"})
		w.must(err)
		target := w.target(w.unit, &w.desk)
		id := w.checkIn(target)
		is(t, w.try(w.fresh, id, visit.OpAnswer, no("A04")), inspection.Conflict, "plan.error.conflict_of_interest")
		if n := w.rows("visit_members", "visit_id = ? AND person_id = ?", id, w.fresh.Person); n != 0 {
			t.Errorf("%d rows", n)
		}
		w.post(w.deputy, id, visit.OpAnswer, no("A04"))
		if n := w.rows("visit_members", "visit_id = ? AND person_id = ?", id, w.deputy.Person); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}
