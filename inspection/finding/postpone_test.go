package finding

import (
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func TestWhatFallsDueOnADayThatBecameFreeIsDueOnTheNextWorkingDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
		orgs := org.New(db, w.clock)
		orgs.WhenDaysChange(Postpone)
		f := w.to(w.raise("A01", Major).ID, InRemediation) // 10 working days: Monday 16 March
		later := w.to(w.raise("A02", Minor).ID, InRemediation)
		if f.DueOn != "2026-03-16" {
			t.Fatal(f.DueOn)
		}
		holiday := func(owner string, day inspection.Date, reason string) error {
			return orgs.SetDay(ctx, boot, owner, org.SpecialDay{Day: day, Kind: org.Holiday, Name: "Nghỉ đột xuất"}, reason)
		}
		w.must(holiday(w.other.ID, "2026-03-16", "")) // somebody else's
		if got := w.get(f.ID); got.DueOn != "2026-03-16" || got.Version != f.Version {
			t.Errorf("another unit's holiday moves it: %s", got.DueOn)
		}
		w.must(holiday(w.unit.ID, "2026-03-16", ""))
		if got := w.get(f.ID); got.DueOn != "2026-03-17" || w.get(later.ID).DueOn != later.DueOn {
			t.Errorf("due on %s, the other on %s", got.DueOn, w.get(later.ID).DueOn)
		}
		w.day("2026-03-17")
		lines, err := Lines(db, []Finding{w.get(f.ID)}, "2026-03-17")
		w.must(err)
		if l := lines[0]; l.Overdue || l.Left != 0 || l.DueAt != inspection.At(inspection.Date("2026-03-17").Time().Add(17*time.Hour+30*time.Minute)) {
			t.Errorf("on the next working day: %+v", l)
		}
		w.refused(holiday(w.unit.ID, "2026-03-17", " "), "org.error.invalid") // a change of a calendar says why
		w.must(orgs.RemoveDay(ctx, boot, w.unit.ID, "2026-03-16", "nhập nhầm"))
		if got := w.get(f.ID); got.DueOn != "2026-03-17" {
			t.Errorf("taken back, it is due earlier than was said: %s", got.DueOn)
		}
		// A sheet of holidays for the whole country, and hours without Tuesdays.
		_, err = orgs.ImportHolidays(ctx, boot, "vn", strings.NewReader("date,kind,name_vi\n2026-03-17,HOLIDAY,Nghỉ bù\n"), false)
		w.must(err)
		if got := w.get(f.ID); got.DueOn != "2026-03-18" {
			t.Errorf("a holiday of the country: %s", got.DueOn)
		}
		week := org.Week{}
		for _, d := range []time.Weekday{time.Monday, time.Tuesday, time.Thursday, time.Friday} {
			week.Days[d] = []inspection.Session{{Open: 480, Close: 1000}}
		}
		c, err := orgs.OwnCalendar(ctx, boot, w.unit.ID)
		w.must(err)
		w.must(orgs.SetPeriod(ctx, boot, w.unit.ID, c.Version, week, nil, "nghỉ thứ Tư"))
		if got := w.get(f.ID); got.DueOn != "2026-03-19" {
			t.Errorf("no Wednesdays any more: %s", got.DueOn)
		}
		var told int64
		w.must(db.Table("history").Where("action = 'finding.postpone' AND subject_id = ? AND actor = ?", f.ID, boot.Person).Count(&told).Error)
		if told != 3 {
			t.Errorf("history tells of it %d times", told)
		}
	})
}

// TestPuttingOffWaitsForWhoeverWorksOnTheTerm: an extension granted at the same moment
// is not overwritten.
func TestPuttingOffWaitsForWhoeverWorksOnTheTerm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		f := w.to(w.raise("A01", Major).ID, InRemediation) // Monday 16 March
		holiday := func(tx *gorm.DB) error {
			orgs := org.New(tx, w.clock)
			orgs.WhenDaysChange(Postpone)
			boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
			return orgs.SetDay(ctx, boot, w.unit.ID, org.SpecialDay{Day: "2026-03-16", Kind: org.Holiday, Name: "Nghỉ đột xuất"}, "")
		}
		grants := db.Begin()
		w.must(grants.Error)
		w.must(grants.Model(&Finding{}).Where("id = ?", f.ID).Updates(map[string]any{"due_on": "2026-03-23"}).Error)
		done := make(chan error, 1)
		go func() { done <- holiday(db) }()
		for waits := db.Name() != "postgres"; !waits; { // SQLite lets one in at a time by itself
			w.must(db.Raw("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waits).Error)
		}
		w.must(grants.Commit().Error)
		w.must(<-done)
		if got := w.get(f.ID); got.DueOn != "2026-03-23" {
			t.Errorf("extended to 23 March, and due on %s", got.DueOn)
		}
	})
}
