package finding

import (
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestNobodyRecommendsToTheirOwnUnit: who answers now is asked about, not who was checked;
// a day off that is declared puts the record off, and the reminders run on the new day.
func TestNobodyRecommendsToTheirOwnUnit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("D04", Major).ID, InRemediation)
		about := About{VisitID: w.visit, IssuerID: w.issuer.ID, TeamID: w.team, UnitID: w.unit.ID, DeciderID: &w.chair.Person, Concluded: true}
		in := RecommendInput{Finding: f.ID, Kind: Criticism, Reason: "Để quá hạn"}
		w.must(db.Exec("UPDATE findings SET responsible_id = ? WHERE id = ?", w.other.ID, f.ID).Error)
		judge := w.chair
		judge.Capacities = append(judge.Capacities, inspection.Capacity{Role: inspection.UnitHead, Organisation: w.other.ID})
		if _, err := w.Recommend(ctx, judge, about, in); inspection.CodeOf(err) != inspection.Forbidden {
			t.Errorf("to their own unit: %v", err)
		}
		r, err := w.Recommend(ctx, w.chair, about, in)
		w.must(err)
		if r.ResponsibleID != w.other.ID || r.DueOn != "2026-03-23" {
			t.Fatalf("%s by %s", r.ResponsibleID, r.DueOn)
		}
		orgs := org.New(db, w.clock)
		orgs.WhenDaysChange(func(tx *gorm.DB, act org.Act, from, to inspection.Date) error { return Postpone(tx, act, from, to) })
		u, err := org.UnitByKey(db, "vn")
		w.must(err)
		p, err := org.CreatePerson(db, w.act(w.chair), org.Person{Name: "Quản trị"})
		w.must(err)
		admin := inspection.Actor{Person: p.ID, Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		w.must(orgs.SetDay(ctx, admin, u.ID, org.SpecialDay{Day: "2026-03-23", Kind: org.Holiday, Name: "Nghỉ đột xuất"}, "Công điện"))
		given := func(day inspection.Date) int {
			t.Helper()
			w.clock.Set(day.Time().Add(9 * time.Hour))
			_, n, err := w.RemindRecommendations(ctx, "")
			w.must(err)
			return n
		}
		for _, c := range []struct {
			day inspection.Date
			n   int
		}{{"2026-03-10", 0}, {"2026-03-19", 1}, {"2026-03-19", 0}, {"2026-03-23", 1}, {"2026-03-24", 1}, {"2026-03-25", 1}, {"2026-04-10", 2}} {
			if n := given(c.day); n != c.n {
				t.Errorf("%s: %d given, want %d", c.day, n, c.n)
			}
		}
		w.outsider.Capacities[0].Organisation = w.other.ID
		owed, err := w.RecordsOwed(ctx, w.outsider, 10)
		w.must(err)
		if len(owed) != 1 || !owed[0].Overdue || !owed[0].MayAnswer {
			t.Errorf("%+v", owed)
		}
		w.must(w.RecordReview(ctx, w.outsider, r.ID, 0, "3/BB", "2026-04-09", ""))
		if n := given("2026-04-20"); n != 0 {
			t.Errorf("%d given after the record", n)
		}
	})
}
