package main

import (
	"testing"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestADayOffPutsOffACheckAndItsFindingsAlike: the parts are joined so.
func TestADayOffPutsOffACheckAndItsFindingsAlike(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, _ := s.finished(1)
		look := func() (v visit.Visit) {
			t.Helper()
			s.must(db.Where("id = ?", check).Take(&v).Error)
			return v
		}
		was := look()
		unit, err := org.OrganisationByID(db, was.OrganisationID)
		s.must(err)
		s.must(s.demo.services.Org.SetDay(t.Context(), s.actor("quantri"), unit.AdminUnitID,
			org.SpecialDay{Day: was.ExplainDue, Kind: org.Holiday, Name: "Nghỉ đột xuất"}, "CV 1"))
		now := look()
		if now.ExplainDue <= was.ExplainDue || now.ReportDue != was.ReportDue {
			t.Errorf("explain by %s, then by %s; report by %s, then by %s", was.ExplainDue, now.ExplainDue, was.ReportDue, now.ReportDue)
		}
		var due []inspection.Date
		for _, f := range s.findings(check) {
			due = append(due, f.ExplainDue)
			if f.ExplainDue != now.ExplainDue {
				t.Errorf("explain by %s, says the check; by %s, its finding", now.ExplainDue, f.ExplainDue)
			}
		}
		if len(due) == 0 {
			t.Error("no finding")
		}
	})
}
