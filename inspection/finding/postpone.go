package finding

import (
	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Postpone puts the terms of findings off, by the calendar of who answers; see
// org.Term.PutOff.
func Postpone(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
	for _, t := range []struct {
		column string
		while  []State
	}{{"explain_due", []State{Recorded}}, {"acknowledge_due", []State{Assigned}}, {"due_on", open}, {"interim_due", []State{Assigned, InRemediation}}, {"review_due", []State{Submitted}}, {"reinspect_due", []State{ReinspectDue}}} {
		term := org.Term{Kind: "finding", Table: "findings", Column: t.column, Whose: "responsible_id", Visit: "visit_id", While: t.while, Versioned: true}
		if err := term.PutOff(tx, act, from, to); err != nil {
			return err
		}
	}
	owed := org.Term{Kind: "recommendation", Table: "recommendations", Column: "due_on", Whose: "responsible_id", Visit: "visit_id", While: []RecommendationState{RecommendationOpen}, Versioned: true}
	return owed.PutOff(tx, act, from, to)
}
