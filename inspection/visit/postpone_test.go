package visit_test

import (
	"testing"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestTheTermsOfACheckThatRunOutOnADayThatBecameFreeRunOnToTheNextWorkingDay: as those
// of its findings; the unit's holidays put off what the unit has to do, the issuer's what
// its people have to, and what is done is not put off.
func TestTheTermsOfACheckThatRunOutOnADayThatBecameFreeRunOnToTheNextWorkingDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		orgs := org.New(db, w.clock)
		orgs.WhenDaysChange(func(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
			if err := visit.Postpone(tx, act, from, to); err != nil {
				return err
			}
			return finding.Postpone(tx, act, from, to)
		})
		off := func(unit string, day inspection.Date) {
			t.Helper()
			w.must(orgs.SetDay(ctx, w.admin, unit, org.SpecialDay{Day: day, Kind: org.Holiday, Name: "Nghỉ đột xuất"}, "CV"))
		}
		id := w.checked(w.unit, &w.desk, answers{"A04": no("A04")})
		is := func(explain, report, conclude inspection.Date) {
			t.Helper()
			if v := w.visit(id); v.ExplainDue != explain || v.ReportDue != report || v.ConcludeDue != conclude {
				t.Errorf("explain by %s, report by %s, conclude by %q; want %s, %s, %q", v.ExplainDue, v.ReportDue, v.ConcludeDue, explain, report, conclude)
			}
		}
		is("2026-03-04", "2026-03-16", "")
		version := w.visit(id).Version
		off(w.unit.AdminUnitID, "2026-03-04")
		off(w.unit.AdminUnitID, "2026-03-16") // not a day off of who reports
		is("2026-03-05", "2026-03-16", "")
		if f := w.findings(id)[0]; f.ExplainDue != "2026-03-05" {
			t.Errorf("of its finding the unit is told %s", f.ExplainDue)
		}
		off(w.province.AdminUnitID, "2026-03-05") // the unit lies in it
		off(w.province.AdminUnitID, "2026-03-16")
		is("2026-03-06", "2026-03-17", "")
		w.must(orgs.RemoveDay(ctx, w.admin, w.province.AdminUnitID, "2026-03-16", "nhập nhầm"))
		is("2026-03-06", "2026-03-17", "") // never earlier than was said
		if v := w.visit(id); v.Version != version {
			t.Error("a form that was open before the holiday is refused")
		}

		w.report(id)
		due := w.visit(id).ConcludeDue
		off(w.province.AdminUnitID, due)
		off(w.province.AdminUnitID, "2026-03-17") // it is reported
		moved := w.visit(id).ConcludeDue
		if moved <= due {
			t.Errorf("conclude by %s, a day off", moved)
		}
		is("2026-03-06", "2026-03-17", moved)
		w.conclude(id)
		off(w.province.AdminUnitID, moved)
		is("2026-03-06", "2026-03-17", moved)

		var told int64
		w.must(db.Table("history").Where("action = 'visit.postpone' AND subject_id = ? AND visit_id = ? AND actor = ?", id, id, w.admin.Person).Count(&told).Error)
		if told != 4 {
			t.Errorf("history tells of it %d times", told)
		}
	})
}
