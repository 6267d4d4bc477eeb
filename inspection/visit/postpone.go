package visit

import (
	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Postpone puts the terms of checks off: that of explaining by the unit's calendar, those
// of the report and the conclusion by the issuer's; see org.Term.PutOff. It is called
// before finding.Postpone: who works on a check holds its row before those of its
// findings. The version stays, for nobody decides on what the day of a term says.
func Postpone(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
	for _, t := range []struct {
		column, whose string
		while         []Phase
	}{{"explain_due", "organisation_id", append([]Phase{Reported}, unreported...)}, {"report_due", "issuer_id", unreported}, {"conclude_due", "issuer_id", []Phase{Reported}}} {
		term := org.Term{Kind: "visit", Table: "visits", Column: t.column, Whose: t.whose, Visit: "id", While: t.while}
		if err := term.PutOff(tx, act, from, to); err != nil {
			return err
		}
	}
	return nil
}
