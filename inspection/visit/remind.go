package visit

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// The clocks of a check, as reminders name them.
const (
	ClockReport   = "report"
	ClockConclude = "conclusion"
)

// remindAtOnce is how many checks are held at once.
const remindAtOnce = 250

// Remind gives the reminders that the team's report and the decision maker's conclusion
// have reached; as finding.Remind. The program calls it once a day.
func (s *Service) Remind(ctx context.Context, after string) (last string, given int, err error) {
	now := s.clock.Now()
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		terms, err := org.DeadlinesOn(tx, now.Date())
		if err != nil {
			return err
		}
		horizon := org.Horizon(terms, now.Date())
		var rows []Visit
		err = tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id, issuer_id, state, report_due, conclude_due").
			Where("id > ?", after).Where("state IN ? AND report_due <> '' AND report_due <= ? OR state = ? AND conclude_due <> '' AND conclude_due <= ?",
			unreported, horizon, Reported, horizon).Order("id").Limit(remindAtOnce).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1].ID
		var clocks []org.Clock
		for _, v := range rows {
			name, due := v.owed()
			clocks = append(clocks, org.Clock{Kind: "visit", ID: v.ID, Visit: v.ID, Name: name, Due: due, Whose: v.IssuerID})
		}
		all, err := org.GiveReminders(tx, now, terms, clocks)
		given = len(all)
		return err
	})
	return last, given, err
}

// unreported are the states in which the report is owed.
var unreported = []Phase{Cannot, MinutesOK, MinutesNoSig}

// owed tells which clock of a check runs, and its due day.
func (v Visit) owed() (string, inspection.Date) {
	switch {
	case slices.Contains(unreported, v.State):
		return ClockReport, v.ReportDue
	case v.State == Reported:
		return ClockConclude, v.ConcludeDue
	}
	return "", ""
}
