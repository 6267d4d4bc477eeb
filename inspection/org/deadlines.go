package org

import (
	"context"
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Deadline names one term that an office may set for itself. All are working days of the
// calendar of who has to act, unless it says otherwise.
type Deadline string

// The deadlines (domain §7.2, second table; §3.2).
const (
	ExplainDays       Deadline = "explain"     // the unit's explanation after the minutes
	AcknowledgeDays   Deadline = "acknowledge" // of an assignment
	CriticalDays      Deadline = "remedy.CRITICAL"
	InterimDays       Deadline = "interim" // interim report on a CRITICAL finding
	MajorDays         Deadline = "remedy.MAJOR"
	ModerateDays      Deadline = "remedy.MODERATE"
	MinorDays         Deadline = "remedy.MINOR"
	ApologyDays       Deadline = "remedy.apology" // missing apology slips, item D04
	PremisesDays      Deadline = "premises_plan"  // plan for premises and equipment
	ReviewDays        Deadline = "review"         // of a submission
	ReturnedDays      Deadline = "returned"       // left at least after a return
	ReinspectFromDays Deadline = "reinspect_from" // earliest re-inspection after acceptance
	ReinspectDays     Deadline = "reinspect"      // latest
	LeadExtensionDays Deadline = "lead_extension" // longest extension that the head of the team gives
	ReportDays        Deadline = "report"         // from the end of the check
	ConcludeDays      Deadline = "conclude"       // from the report
	RecordDays        Deadline = "record"         // record of a review that was recommended
	RemindFirst       Deadline = "remind.first"   // before a due day
	RemindSecond      Deadline = "remind.second"
	EscalateHeads     Deadline = "escalate.heads" // after a due day
	EscalateChair     Deadline = "escalate.chair"
	EscalateSummary   Deadline = "escalate.summary"
	SampleShare       Deadline = "sample" // of 100 MODERATE findings, those re-inspected
)

// deadline is what is built in, and within what an office may set it.
type deadline struct {
	key            Deadline
	days, min, max int
}

// deadlines are all, in the order in which they are read. The days are domain §7.2's: 15
// after the conclusion has a source, 10 for the report and 15 for the conclusion come from
// the law on inspection by analogy, the others are this project's proposal.
var deadlines = []deadline{
	{ExplainDays, 2, 1, 30}, {ReportDays, 10, 1, 60}, {ConcludeDays, 15, 1, 60}, {AcknowledgeDays, 2, 1, 30},
	{CriticalDays, 5, 1, 60}, {InterimDays, 1, 1, 30}, {MajorDays, 10, 1, 120}, {ModerateDays, 15, 1, 180}, {MinorDays, 30, 1, 365}, {ApologyDays, 1, 1, 60}, {PremisesDays, 15, 1, 180},
	{LeadExtensionDays, 30, 0, 365}, {ReviewDays, 5, 1, 60}, {ReturnedDays, 2, 1, 30}, {ReinspectFromDays, 10, 0, 180}, {ReinspectDays, 45, 1, 365}, {SampleShare, 30, 0, 100},
	{RecordDays, 15, 1, 180}, {RemindFirst, 3, 1, 30}, {RemindSecond, 1, 1, 30}, {EscalateHeads, 1, 1, 60}, {EscalateChair, 5, 1, 120}, {EscalateSummary, 10, 1, 180},
}

// deadlineRow is a term that an office has set from a day on. Rows are never changed: a
// later one says otherwise.
type deadlineRow struct {
	ID        string             `gorm:"column:id;primaryKey"`
	Key       Deadline           `gorm:"column:key"`
	Days      int64              `gorm:"column:days"`
	ValidFrom inspection.Date    `gorm:"column:valid_from"`
	Reason    string             `gorm:"column:reason"`
	MadeAt    inspection.Instant `gorm:"column:made_at"`
	MadeBy    string             `gorm:"column:made_by"`
}

func (deadlineRow) TableName() string { return "deadlines" }

// Deadlines are the terms of one day; the zero value is what is built in.
type Deadlines struct{ set map[Deadline]int }

// Of is how many days a deadline is.
func (d Deadlines) Of(key Deadline) int {
	if n, ok := d.set[key]; ok {
		return n
	}
	for _, b := range deadlines {
		if b.key == key {
			return b.days
		}
	}
	return 0
}

// With is the same deadlines with one of them set; for whoever asks what would follow.
func (d Deadlines) With(key Deadline, days int) Deadlines {
	out := Deadlines{map[Deadline]int{key: days}}
	for k, n := range d.set {
		if k != key {
			out.set[k] = n
		}
	}
	return out
}

// DeadlinesOn are the terms of a day: what begins on that day or before counts, the
// latest, and of one day what was entered last. The caller has checked rights.
func DeadlinesOn(tx *gorm.DB, on inspection.Date) (Deadlines, error) {
	var rows []deadlineRow
	if err := tx.Where("valid_from <= ?", on).Order("valid_from, made_at, id").Find(&rows).Error; err != nil {
		return Deadlines{}, err
	}
	d := Deadlines{map[Deadline]int{}}
	for _, r := range rows {
		d.set[r.Key] = int(r.Days)
	}
	return d, nil
}

// DeadlineLine is a term as an office reads it: what counts today, what was built in, and
// what was set.
type DeadlineLine struct {
	Key                        Deadline
	Days, BuiltIn, Least, Most int
	Changes                    []DeadlineChange // the newest first
}

// DeadlineChange is one entry.
type DeadlineChange struct {
	Days   int
	From   inspection.Date
	Reason string
	At     inspection.Instant
	By     string // the person
}

// Deadlines lists all terms. Administrators and home affairs may. Codes:
// unauthenticated, forbidden.
func (s *Service) Deadlines(ctx context.Context, actor inspection.Actor) ([]DeadlineLine, error) {
	if _, err := mayManageDeadlines(actor); err != nil {
		return nil, err
	}
	tx := s.db.WithContext(ctx)
	now, err := DeadlinesOn(tx, s.clock.Now().Date())
	if err != nil {
		return nil, err
	}
	var rows []deadlineRow
	if err := tx.Order("valid_from DESC, made_at DESC, id DESC").Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]DeadlineLine, 0, len(deadlines))
	for _, b := range deadlines {
		line := DeadlineLine{Key: b.key, Days: now.Of(b.key), BuiltIn: b.days, Least: b.min, Most: b.max}
		for _, r := range rows {
			if r.Key == b.key {
				line.Changes = append(line.Changes, DeadlineChange{int(r.Days), r.ValidFrom, r.Reason, r.MadeAt, r.MadeBy})
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// SetDeadline sets a term from a day on, today at the earliest: what runs already keeps
// the term that it began with. Administrators and home affairs may, with a reason. Codes:
// unauthenticated, forbidden, not_found, invalid.
func (s *Service) SetDeadline(ctx context.Context, actor inspection.Actor, key Deadline, days int, from inspection.Date, reason string) error {
	capacity, err := mayManageDeadlines(actor)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(deadlines, func(b deadline) bool { return b.key == key })
	if i < 0 {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	b := deadlines[i]
	if days < b.min || days > b.max {
		return inspection.E(inspection.Invalid, "org.error.deadline_days", "min", b.min, "max", b.max).Field("days", "org.error.deadline_days")
	}
	if _, err := inspection.ParseDate(string(from)); err != nil || from == "" || from < s.clock.Now().Date() {
		return inspection.E(inspection.Invalid, "org.error.deadline_past").Field("from", "org.error.deadline_past")
	}
	if reason, err = reasonOf(reason); err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		act := Act{actor, capacity, s.clock.Now()}
		row := deadlineRow{inspection.NewID(), key, int64(days), from, reason, act.At, actor.Person}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return act.record(tx, "org.deadline", "deadline", row.ID, map[string]any{"key": key, "days": days, "from": from})
	})
}

func mayManageDeadlines(actor inspection.Actor) (inspection.Capacity, error) {
	if err := signedIn(actor); err != nil {
		return inspection.Capacity{}, err
	}
	c, ok := Can(actor, ManageDeadlines, Subject{})
	if !ok {
		return c, MustNot()
	}
	return c, nil
}
