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

// Remedied is the on-time share of what fell due: put right in time, of all.
type Remedied struct{ OnTime, Of int64 }

// RemediedIn counts what of the findings that an actor may read fell due in a period and
// is in the share, and what of it was put right in time: score.Remediation as conditions;
// a test holds the two equal.
func RemediedIn(tx *gorm.DB, actor inspection.Actor, p Period) (Remedied, error) {
	var all Remedied
	const inTime = "findings.accepted_at <> 0 AND findings.handed_in_on <> '' AND findings.handed_in_on <= findings.due_on OR " + onSite
	for _, part := range times(org.Parts(actor, org.ReadFinding, Columns), dueIn(p)) {
		var one Remedied
		err := tx.Model(&Finding{}).Scopes(part, inShare).Select(`COALESCE(SUM(CASE WHEN `+inTime+` THEN 1 ELSE 0 END), 0) AS on_time, COUNT(*) AS "of"`, Verified).Scan(&one).Error
		if err != nil {
			return all, err
		}
		all.OnTime, all.Of = all.OnTime+one.OnTime, all.Of+one.Of
	}
	return all, nil
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

// Waits is what waits for something, as figures need it.
type Waits struct {
	Places []Place
	Soon   []string // ids, as Soon gives them
}

// Place is how much waits at one place under one term; a place may come several times.
type Place struct {
	Visit         string  // the check, where it was at no desk
	Desk          *string // as the check knew it
	Organisation  string
	Open, Overdue int64
	OverdueDays   int // working days that the one longest overdue is
}

// Waiting counts the findings that wait for something and that an actor may read, with
// what the clock says of them on a day; soon is as in Soon.
func Waiting(tx *gorm.DB, actor inspection.Actor, today inspection.Date, soon int) (Waits, error) {
	var all Waits
	type group struct {
		Place
		responsible string
		since, ends inspection.Date // of those overdue: due first, and until when time ran
	}
	var groups []group
	late, args := overdueOn(today)
	ends, until := clockEndsOn(today)
	for _, part := range org.Parts(actor, org.ReadFinding, Columns) {
		q := tx.Model(&Finding{}).Scopes(part).Where(waits).Group("1, 2, 3, 4, 5").Select("desk_id, CASE WHEN desk_id IS NULL THEN visit_id ELSE '' END, organisation_id, responsible_id, "+
			"CASE WHEN "+late+" THEN "+ends+" ELSE '' END, COUNT(*), MIN(due_on)", append(args, until...)...)
		err := Each(q, func(scan func(...any) error) error {
			var g group
			err := scan(&g.Desk, &g.Visit, &g.Organisation, &g.responsible, &g.ends, &g.Open, &g.since)
			groups = append(groups, g)
			return err
		})
		if err != nil {
			return all, err
		}
	}
	rows, err := notYetDue(tx, actor, today)
	if err != nil {
		return all, err
	}
	var units []string
	for _, g := range groups {
		if g.ends != "" {
			units = append(units, g.responsible)
		}
	}
	cals, err := calendarsOf(tx, rows, units...)
	if err != nil {
		return all, err
	}
	days := workingDays{}
	for _, g := range groups {
		if g.ends != "" {
			g.Overdue, g.OverdueDays = g.Open, days.between(cals[g.responsible], g.since, g.ends)
		}
		all.Places = append(all.Places, g.Place)
	}
	all.Soon = within(rows, cals, days, today, soon)
	return all, nil
}

// Soon lists the findings that an actor may read, whose unit still has to hand in and
// which are due within so many working days of a day.
func Soon(tx *gorm.DB, actor inspection.Actor, today inspection.Date, soon int) ([]string, error) {
	rows, err := notYetDue(tx, actor, today)
	if err != nil {
		return nil, err
	}
	cals, err := calendarsOf(tx, rows)
	return within(rows, cals, workingDays{}, today, soon), err
}

// notYetDue lists, of the findings that an actor may read, those of which the term runs or
// is held and is not over on a day. Of each only what the clock needs is read.
func notYetDue(tx *gorm.DB, actor inspection.Actor, today inspection.Date) ([]Finding, error) {
	var rows []Finding
	late, args := overdueOn(today)
	for _, part := range org.Parts(actor, org.ReadFinding, Columns) {
		q := tx.Model(&Finding{}).Scopes(part).Where(waits).Where("findings.due_on <> '' AND findings.state NOT IN ?", inReview).Where("NOT ("+late+")", args...).
			Select("id, responsible_id, state, due_on, on_hold, held_on")
		err := Each(q, func(scan func(...any) error) error {
			var f Finding
			err := scan(&f.ID, &f.ResponsibleID, &f.State, &f.DueOn, &f.OnHold, &f.HeldOn)
			rows = append(rows, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// within are the ids of those that are due within so many working days.
func within(rows []Finding, cals map[string]org.Calendar, days workingDays, today inspection.Date, soon int) []string {
	ids := []string{}
	for _, f := range rows {
		if days.between(cals[f.ResponsibleID], f.clockEnds(today), f.DueOn) <= soon {
			ids = append(ids, f.ID)
		}
	}
	return ids
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
