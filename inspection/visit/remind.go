package visit

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// The clocks of a check, as reminders name them.
const (
	ClockReport   = "report"
	ClockConclude = "conclusion"
)

// Remind gives the reminders that the team's report and the decision maker's conclusion
// have reached; as finding.Remind. The program calls it once a day.
func (s *Service) Remind(ctx context.Context, after string) (last string, given int, err error) {
	return org.RemindPart(s.db.WithContext(ctx), s.clock.Now(), func(held *gorm.DB, horizon inspection.Date) (string, []org.Clock, error) {
		var rows []Visit
		err := held.Select("id, issuer_id, state, report_due, conclude_due").Where("id > ?", after).
			Where("state IN ? AND report_due <> '' AND report_due <= ? OR state = ? AND conclude_due <> '' AND conclude_due <= ?", unreported, horizon, Reported, horizon).Find(&rows).Error
		var last string
		var clocks []org.Clock
		for _, v := range rows {
			name, due := v.owed()
			last = v.ID
			clocks = append(clocks, org.Clock{Kind: "visit", ID: v.ID, Visit: v.ID, Name: name, Due: due, Whose: v.IssuerID})
		}
		return last, clocks, err
	}, nil)
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
