package finding

import (
	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Fact is what the score needs of one finding (domain §5.2 rules 3 and 4).
type Fact struct {
	ID          string
	Severity    Severity
	Confirmed   bool
	FixedOnSite bool
	Earlier     bool
	OverdueDays int
	Repeat      bool
}

// FactsFor lists what a check's conclusion counts on a day: the findings of the check,
// and those of its unit and of its whole predecessors that are still open and overdue.
// The caller has checked rights.
func FactsFor(tx *gorm.DB, visit, organisation string, today inspection.Date) ([]Fact, error) {
	units, err := org.WholePredecessors(tx, organisation, today)
	if err != nil {
		return nil, err
	}
	units = append(units, organisation)
	var rows []Finding
	err = tx.Where("visit_id = ?", visit).Or(tx.Session(&gorm.Session{NewDB: true}).
		Where("organisation_id IN ? AND due_on <> '' AND state IN ?", units, open)).Order("id").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	lines, err := Lines(tx, rows, today)
	if err != nil {
		return nil, err
	}
	var out []Fact
	for _, l := range lines {
		f := Fact{ID: l.ID, Severity: l.Severity, Confirmed: l.State.Counts(), FixedOnSite: l.FixedOnSite, Earlier: l.VisitID != visit,
			OverdueDays: l.OverdueDays, Repeat: l.RepeatOf != nil}
		if !f.Earlier || f.OverdueDays > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// Remedy is what the on-time share needs of one finding (domain §5.2 rule 7).
type Remedy struct {
	ID           string
	Organisation string
	Due          inspection.Date
	HandedIn     inspection.Date
	Accepted     bool
	InReview     bool
	FixedOnSite  bool
}

// RemedyOf is the same facts of one finding; false where it never had to be remedied.
func (f Finding) RemedyOf() (Remedy, bool) {
	r := Remedy{ID: f.ID, Organisation: f.OrganisationID, Due: f.DueOn, HandedIn: f.HandedInOn, Accepted: f.AcceptedAt != 0,
		InReview: f.State == Submitted, FixedOnSite: f.FixedOnSite && f.State == Verified && f.AssignedAt == 0}
	if r.FixedOnSite {
		r.Due = f.CheckEndedAt.Date()
	}
	return r, f.State.Counts() && r.Due != ""
}

// dueIn is RemedyOf as conditions on the findings that had to be remedied by a day of a
// period, one for those with a term and one for those fixed on site, which had to be on
// the day of the check. No row meets both.
func dueIn(p Period) []func(*gorm.DB) *gorm.DB {
	stand := func(db *gorm.DB) *gorm.DB {
		return db.Where("findings.state NOT IN ?", []State{Recorded, Explained, Merged, Withdrawn})
	}
	return []func(*gorm.DB) *gorm.DB{
		func(db *gorm.DB) *gorm.DB {
			return stand(db).Where("findings.due_on >= ? AND findings.due_on <= ? AND NOT ("+onSite+")", p.From, p.To, Verified)
		},
		func(db *gorm.DB) *gorm.DB {
			return stand(db).Where(onSite+" AND findings.check_ended_at >= ? AND findings.check_ended_at < ?", Verified,
				inspection.At(p.From.Time()), inspection.At(p.To.AddDays(1).Time()))
		},
	}
}

// The state is hidden from SQLite, which would go through all that are VERIFIED instead of
// the few fixed on site.
const onSite = "findings.fixed_on_site AND findings.state || '' = ? AND findings.assigned_at = 0"

// inShare leaves out those handed in in time that wait for review: they are in no share
// (score.Remediation).
func inShare(db *gorm.DB) *gorm.DB {
	return db.Where("NOT (findings.state = ? AND findings.accepted_at = 0 AND findings.handed_in_on <> '' AND findings.handed_in_on <= findings.due_on)", Submitted)
}

// Remedied is a number of findings of which the facts that the on-time share goes by are
// the same, told by one of them.
type Remedied struct {
	Remedy
	N int64
}

// RemediedIn counts what of the findings that an actor may read fell due in a period.
func RemediedIn(tx *gorm.DB, actor inspection.Actor, p Period) ([]Remedied, error) {
	var out []Remedied
	for _, part := range times(org.Parts(actor, org.ReadFinding, Columns), dueIn(p)) {
		var rows []struct{ Facts, N int64 } // one number of all facts: grouping by five takes three times as long
		facts := "CASE WHEN findings.state = ? THEN 1 ELSE 0 END + CASE WHEN findings.accepted_at <> 0 THEN 2 ELSE 0 END + CASE WHEN " + onSite +
			" THEN 4 ELSE 0 END + CASE WHEN findings.handed_in_on <> '' THEN 8 ELSE 0 END + CASE WHEN findings.handed_in_on <= findings.due_on THEN 16 ELSE 0 END"
		err := tx.Model(&Finding{}).Scopes(part).Select(facts+" AS facts, COUNT(*) AS n", Submitted, Verified).Group("facts").Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			one := Remedy{Due: p.To, InReview: r.Facts&1 != 0, Accepted: r.Facts&2 != 0, FixedOnSite: r.Facts&4 != 0}
			if r.Facts&8 != 0 {
				one.HandedIn = p.To.AddDays(1)
				if r.Facts&16 != 0 {
					one.HandedIn = p.To
				}
			}
			out = append(out, Remedied{one, r.N})
		}
	}
	return out, nil
}

// RemediesOf lists the findings of a unit and of its whole predecessors that fell due
// before a day (of item H03: the day of the check). The caller has checked rights.
func RemediesOf(tx *gorm.DB, organisation string, before inspection.Date) ([]Remedy, error) {
	units, err := org.WholePredecessors(tx, organisation, before)
	if err != nil {
		return nil, err
	}
	var rows []Finding
	if err := tx.Where("organisation_id IN ?", append(units, organisation)).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	var out []Remedy
	for _, f := range rows {
		if r, ok := f.RemedyOf(); ok && r.Due < before {
			out = append(out, r)
		}
	}
	return out, nil
}

// ResponsibleFor lists the organisations that answer now for the findings of a check.
// The caller has checked rights.
func ResponsibleFor(tx *gorm.DB, visit string) ([]string, error) {
	var ids []string
	err := tx.Model(&Finding{}).Where("visit_id = ?", visit).Distinct().Order("responsible_id").Pluck("responsible_id", &ids).Error
	return ids, err
}

// times is every condition of one list together with every one of another.
func times(a, b []func(*gorm.DB) *gorm.DB) []func(*gorm.DB) *gorm.DB {
	var out []func(*gorm.DB) *gorm.DB
	for _, x := range a {
		for _, y := range b {
			out = append(out, func(db *gorm.DB) *gorm.DB { return y(x(db)) })
		}
	}
	return out
}

// waits is Open as a condition, word for word as in the index findings_open.
const waits = "state NOT IN ('MERGED', 'WITHDRAWN', 'VERIFIED', 'CLOSED_NOT_FIXED')"

// Waiting lists the findings that wait for something and that an actor may read, with
// what the clock says of them on a day. Of each only what figures need is read: ids,
// state and dates.
func Waiting(tx *gorm.DB, actor inspection.Actor, today inspection.Date) ([]Line, error) {
	var rows []Finding
	for _, part := range org.Parts(actor, org.ReadFinding, Columns) {
		q := tx.Model(&Finding{}).Scopes(part).Where(waits).
			Select("id, visit_id, organisation_id, responsible_id, desk_id, state, due_on, handed_in_on, on_hold, held_on")
		err := Each(q, func(scan func(...any) error) error {
			var f Finding
			err := scan(&f.ID, &f.VisitID, &f.OrganisationID, &f.ResponsibleID, &f.DeskID, &f.State, &f.DueOn, &f.HandedInOn, &f.OnHold, &f.HeldOn)
			rows = append(rows, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return Lines(tx, rows, today)
}

// Each reads rows one by one, for thousands of them: gorm would look at every field anew.
func Each(q *gorm.DB, row func(scan func(...any) error) error) error {
	rows, err := q.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
