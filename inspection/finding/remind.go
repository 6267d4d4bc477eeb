package finding

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// The clocks of a finding, as reminders name them.
const (
	ClockExplain   = "explain"
	ClockInterim   = "interim"
	ClockPremises  = "premises_plan"
	ClockRemedy    = "remedy"
	ClockReview    = "review"
	ClockReinspect = "reinspection"
	ClockRecord    = "record" // of a recommendation
)

// unitClocks are those that the unit has to keep: a finding is escalated by them alone, for
// what its reviewers miss is nothing that the unit is told of.
var unitClocks = []string{ClockInterim, ClockPremises, ClockRemedy}

// Clocks are those that run for a finding: none while it is held.
func (f Finding) Clocks() []org.Clock {
	if f.OnHold {
		return nil
	}
	var out []org.Clock
	add := func(name string, due inspection.Date, may bool) {
		if due != "" {
			out = append(out, org.Clock{Kind: "finding", ID: f.ID, Visit: f.VisitID, Name: name, Due: due, Whose: f.ResponsibleID, May: may})
		}
	}
	switch f.State {
	case Recorded:
		add(ClockExplain, f.ExplainDue, true)
	case Assigned, InRemediation:
		add(ClockInterim, f.InterimDue, false)
		if f.lacksPlan() {
			add(ClockPremises, f.DueOn, false)
		} else {
			add(ClockRemedy, f.DueOn, false)
		}
	case Submitted:
		add(ClockReview, f.ReviewDue, false)
	case ReinspectDue:
		add(ClockReinspect, f.ReinspectDue, false)
	}
	return out
}

// Remind gives the reminders that the clocks of open findings and recommendations have
// reached, in parts, each a transaction, in the order of ids: it begins after an id and
// tells the last one that it looked at, empty at the end. The program calls it once a day;
// called again, it gives nothing twice.
func (s *Service) Remind(ctx context.Context, after string) (last string, given int, err error) {
	now := s.clock.Now()
	fresh := map[string]bool{} // those not yet marked as escalated
	return org.RemindPart(s.db.WithContext(ctx), now, func(held *gorm.DB, horizon inspection.Date) (string, []org.Clock, error) {
		var rows []Finding
		err := held.Select("id, visit_id, responsible_id, state, section, severity, on_hold, escalated_at, explain_due, interim_due, planned_at, due_on, review_due, reinspect_due").
			Where(waits).Where("id > ?", after).Find(&rows).Error
		var last string
		var clocks []org.Clock
		for _, f := range rows {
			for _, c := range f.Clocks() {
				if c.Due <= horizon {
					clocks = append(clocks, c)
				}
			}
			last, fresh[f.ID] = f.ID, f.EscalatedAt.IsZero()
		}
		return last, clocks, err
	}, func(tx *gorm.DB, all []org.Given) error {
		var escalated []string
		for _, g := range all {
			if g.Mark.Level != org.Remind && slices.Contains(unitClocks, g.Clock.Name) && fresh[g.Clock.ID] {
				escalated, fresh[g.Clock.ID] = append(escalated, g.Clock.ID), false
			}
		}
		if len(escalated) == 0 {
			return nil
		}
		slices.Sort(escalated)
		// The version stays: a flag is nothing that anybody decides on.
		return tx.Model(&Finding{}).Where("id IN ?", escalated).Update("escalated_at", now).Error
	})
}

// RemindRecommendations is Remind for the records of reviews that were recommended.
func (s *Service) RemindRecommendations(ctx context.Context, after string) (last string, given int, err error) {
	return org.RemindPart(s.db.WithContext(ctx), s.clock.Now(), func(held *gorm.DB, horizon inspection.Date) (string, []org.Clock, error) {
		var rows []Recommendation
		err := held.Where("state = ? AND due_on <= ? AND id > ?", RecommendationOpen, horizon, after).Find(&rows).Error
		var last string
		var clocks []org.Clock
		for _, r := range rows {
			last = r.ID
			clocks = append(clocks, org.Clock{Kind: "recommendation", ID: r.ID, Visit: r.VisitID, Name: ClockRecord, Due: r.DueOn, Whose: r.ResponsibleID})
		}
		return last, clocks, err
	}, nil)
}
