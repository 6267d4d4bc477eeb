package inbox

import (
	"cmp"
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// Kind is what there is to do.
type Kind string

// The kinds: of the unit, of the team, of who decides, of the chair.
const (
	Explain     Kind = "explain"
	Opinion     Kind = "opinion" // on the minutes of a look from the office
	Acknowledge Kind = "acknowledge"
	Interim     Kind = "interim" // report on the way on a CRITICAL finding
	Plan        Kind = "plan"    // for premises or equipment
	Remedy      Kind = "remedy"
	Record      Kind = "record" // number and date of the record of a review
	Self        Kind = "self"   // a self-inspection

	Review    Kind = "review"
	Extension Kind = "extension"
	Verify    Kind = "verify"
	Reinspect Kind = "reinspect"
	Report    Kind = "report"
	Look      Kind = "look" // a look from the office that is not finished

	Conclude Kind = "conclude"
	Choose   Kind = "choose" // who answers, where a unit was split or dissolved

	Overdue Kind = "overdue" // for long, and escalated to the chair
)

// Kinds lists them in the order in which they are read.
var Kinds = []Kind{Interim, Remedy, Plan, Acknowledge, Explain, Opinion, Record, Self, Review, Extension, Verify, Reinspect, Look, Report, Conclude, Choose, Overdue}

// Task is one line.
type Task struct {
	Kind     Kind
	Subject  string // finding, visit, recommendation, self_request or self_check
	ID       string
	Visit    string
	Code     string // of the item; the unit of a self-inspection
	Text     string
	Place    string
	Severity finding.Severity
	Due      inspection.Date
	Left     int  // working days, negative where so many have gone by
	Late     bool // the day is over
}

// Today is what somebody has to do: the lines, and how many there are of each kind where
// not all are shown.
type Today struct {
	Tasks []Task
	More  map[Kind]int64 // how many there are in all, as far as Many
}

// Shown is how many lines of a kind are shown, Many as far as they are counted. Of what
// others owe a few are: the first thing to do is one's own.
const (
	Shown = 20
	Many  = 1000
	owed  = 5
)

func (k Kind) shown() int {
	if k == Overdue {
		return owed
	}
	return Shown
}

// Service reads the inbox.
type Service struct {
	db    *gorm.DB
	clock inspection.Clock
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock) *Service { return &Service{db: db, clock: clock} }

// source is where the lines of a kind come from.
type source struct {
	kind   Kind
	action org.Action
	where  string
	args   []any
	due    string // column
}

// running is the condition of the index findings_running, word for word.
const running = "findings.state IN ('ASSIGNED', 'IN_REMEDIATION')"

// unplanned is when a term is that of a plan for premises (finding.Clocks).
const unplanned = "findings.section = 'F' AND findings.severity <> 'CRITICAL' AND findings.planned_at = 0"

// planned are the findings that stand in a sealed re-inspection of the reader's own: to
// everybody else of the team they wait, for of that plan nobody else may learn.
const planned = "SELECT p.finding_id FROM target_findings p JOIN targets t ON t.id = p.target_id WHERE t.lead_id = ? AND t.state = 'SEALED'"

// Today gathers the lines of an actor. Code: unauthenticated.
func (s *Service) Today(ctx context.Context, actor inspection.Actor) (Today, error) {
	out := Today{More: map[Kind]int64{}}
	if actor.Person == "" {
		return out, inspection.E(inspection.Unauthenticated, "org.error.sign_in")
	}
	tx, today := s.db.WithContext(ctx), s.clock.Now().Date()
	terms, err := org.DeadlinesOn(tx, today)
	if err != nil {
		return out, err
	}
	// What is rare is looked up first: a database would rather read all that waits.
	lead := terms.Of(org.LeadExtensionDays)
	long, err := longExtensions(tx, lead)
	if err != nil {
		return out, err
	}
	unanswered, err := withoutUnit(tx, actor, today)
	if err != nil {
		return out, err
	}
	for _, src := range []source{
		{Explain, org.AnswerFinding, "findings.state = 'RECORDED' AND findings.explain_due >= ?", []any{today}, "explain_due"},
		{Acknowledge, org.BindUnit, "findings.state = 'ASSIGNED' AND findings.interim_due = ''", nil, "acknowledge_due"},
		{Interim, org.AnswerFinding, running + " AND findings.interim_due <> ''", nil, "interim_due"},
		{Plan, org.BindUnit, "findings.state = 'IN_REMEDIATION' AND findings.interim_due = '' AND " + unplanned, nil, "due_on"},
		{Remedy, org.AnswerFinding, "findings.state = 'IN_REMEDIATION' AND findings.interim_due = '' AND NOT (" + unplanned + ")", nil, "due_on"},
		{Review, org.ReviewFinding, "findings.state = 'SUBMITTED' AND (findings.submitted_by IS NULL OR findings.submitted_by <> ?)", []any{actor.Person}, "review_due"},
		{Extension, org.ReviewFinding, "findings.state = 'IN_REMEDIATION' AND findings.id IN (SELECT x.finding_id FROM extensions x WHERE x.state = 'ASKED' AND x.days <= ?)", []any{lead}, "due_on"},
		{Extension, org.SuperviseTerms, "findings.state = 'IN_REMEDIATION' AND findings.id IN ?", []any{long}, "due_on"},
		{Verify, org.VerifyFinding, "findings.state = 'ACCEPTED' AND findings.severity <> 'MAJOR' AND findings.severity <> 'CRITICAL' AND NOT findings.drawn AND findings.accepted_by <> ?", []any{actor.Person}, "due_on"},
		{Verify, org.ReviewFinding, "findings.state = 'CONFIRMED' AND findings.fixed_on_site AND (findings.fixed_by IS NULL OR findings.fixed_by <> ?)", []any{actor.Person}, "due_on"},
		{Reinspect, org.ReviewFinding, "findings.state = 'REINSPECT_DUE' AND findings.id NOT IN (" + planned + ")", []any{actor.Person}, "reinspect_due"},
		{Choose, org.DecideFinding, running + " AND findings.responsible_id IN ?", []any{unanswered}, "due_on"},
		{Overdue, org.SuperviseTerms, running + " AND findings.due_on <> '' AND findings.due_on < ?", []any{today.AddDays(-terms.Of(org.EscalateChair))}, "due_on"},
	} {
		if len(src.args) == 1 {
			if ids, list := src.args[0].([]string); list && len(ids) == 0 {
				continue
			}
		}
		if err := s.findings(tx, actor, src, today, terms, &out); err != nil {
			return out, err
		}
	}
	for _, src := range []source{
		{Opinion, org.OpineVisit, "visits.form = 'REMOTE' AND visits.state = 'MINUTES_UNSIGNED' AND visits.explain_due >= ? AND NOT " + opined, []any{today}, "explain_due"},
		{Look, org.FinishVisit, "visits.form = 'REMOTE' AND visits.state IN ('IN_PROGRESS', 'MINUTES_DRAFT')", nil, "day"},
		{Report, org.ReportVisit, "visits.state IN ('MINUTES_SIGNED', 'MINUTES_UNSIGNED', 'CANNOT_INSPECT') AND (visits.form <> 'REMOTE' OR visits.explain_due < ? OR " + done + ")", []any{today}, "report_due"},
		{Conclude, org.ConcludeVisit, "visits.state = 'REPORTED'", nil, "conclude_due"},
	} {
		if err := s.visits(tx, actor, src, today, &out); err != nil {
			return out, err
		}
	}
	if err := s.records(ctx, tx, actor, today, &out); err != nil {
		return out, err
	}
	if err := s.selfChecks(ctx, tx, actor, today, &out); err != nil {
		return out, err
	}
	slices.SortStableFunc(out.Tasks, hurts)
	return out, nil
}

// opined tells of a look from the office whether its unit has given its opinion,
// done that it has nothing to add.
const (
	opined = "EXISTS (SELECT 1 FROM operations o WHERE o.visit_id = visits.id AND o.type = 'opinion')"
	done   = "EXISTS (SELECT 1 FROM operations o WHERE o.visit_id = visits.id AND o.type = 'opinion' AND o.payload LIKE '%\"done\":true}')"
)

// longExtensions lists the findings for which more time was asked than the head of the
// team may give, and not answered.
func longExtensions(tx *gorm.DB, most int) (ids []string, err error) {
	err = tx.Table("extensions").Where("state = 'ASKED' AND days > ?", most).Order("asked_at, id").Limit(Many).Pluck("finding_id", &ids).Error
	return ids, err
}

// withoutUnit lists the organisations that are no more, still have to answer, and went
// into no single one.
func withoutUnit(tx *gorm.DB, actor inspection.Actor, today inspection.Date) ([]string, error) {
	var ended, ids []string
	var decides int64 // most people decide nothing, and need not look
	if err := tx.Table("(?) AS first", tx.Table("findings").Select("id").Where("decider_id = ?", actor.Person).Limit(1)).Count(&decides).Error; err != nil || decides == 0 {
		return nil, err
	}
	err := tx.Table("organisations AS o").Where("o.valid_to <> '' AND o.valid_to < ? AND EXISTS (SELECT 1 FROM findings WHERE findings.responsible_id = o.id AND "+running+")", today).
		Order("o.id").Limit(Many).Pluck("o.id", &ended).Error
	if err != nil {
		return nil, err
	}
	for _, id := range ended {
		if _, alone, err := org.Responsible(tx, id, today); err != nil {
			return nil, err
		} else if !alone {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// hurts orders lines: what is late, the worse and the longer first; then what is due
// soonest.
func hurts(a, b Task) int {
	late := func(t Task) int {
		if t.Late {
			return 0
		}
		return 1
	}
	worse := func(t Task) int { return -slices.Index(finding.Severities, t.Severity) }
	if c := cmp.Compare(late(a), late(b)); c != 0 {
		return c
	}
	if a.Late {
		return cmp.Or(cmp.Compare(worse(a), worse(b)), cmp.Compare(a.Left, b.Left), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(cmp.Compare(a.Left, b.Left), cmp.Compare(worse(a), worse(b)), cmp.Compare(a.ID, b.ID))
}

func (s *Service) findings(tx *gorm.DB, actor inspection.Actor, src source, today inspection.Date, terms org.Deadlines, out *Today) error {
	var rows []finding.Finding
	var n int64
	for _, part := range org.Parts(actor, src.action, finding.Columns) {
		q := tx.Model(&finding.Finding{}).Scopes(part).Where("NOT findings.on_hold").Where(src.where, src.args...)
		var more []finding.Finding
		err := q.Session(&gorm.Session{}).Select("findings.id, findings.visit_id, findings.item_code, findings.text, findings.organisation_name, findings.desk_name, findings.severity, findings.state, " +
			"findings.responsible_id, findings." + src.due).Order("findings." + src.due + ", findings.id").Limit(src.kind.shown()).Find(&more).Error
		if err != nil {
			return err
		}
		rows = append(rows, more...)
		if len(more) < src.kind.shown() {
			n += int64(len(more))
			continue
		}
		var count int64
		if err := tx.Table("(?) AS first", q.Session(&gorm.Session{}).Select("findings.id").Limit(Many)).Count(&count).Error; err != nil {
			return err
		}
		n += count
	}
	due := func(f finding.Finding) inspection.Date {
		switch src.due {
		case "explain_due":
			return f.ExplainDue
		case "acknowledge_due":
			return f.AcknowledgeDue
		case "interim_due":
			return f.InterimDue
		case "review_due":
			return f.ReviewDue
		case "reinspect_due":
			return f.ReinspectDue
		}
		return f.DueOn
	}
	var units []string
	for _, f := range rows {
		units = append(units, f.ResponsibleID)
	}
	cals, err := org.CalendarsFor(tx, slices.Compact(slices.Sorted(slices.Values(units))))
	if err != nil {
		return err
	}
	var tasks []Task
	for _, f := range rows {
		t := Task{Kind: src.kind, Subject: "finding", ID: f.ID, Visit: f.VisitID, Code: f.ItemCode, Text: f.Text, Place: f.Place(), Severity: f.Severity, Due: due(f)}
		t.Left, t.Late = org.Left(cals[f.ResponsibleID], today, t.Due), t.Due != "" && today > t.Due
		if src.kind == Verify { // no clock of its own
			t.Due, t.Left, t.Late = "", 0, false
		}
		if src.kind == Overdue && -t.Left < terms.Of(org.EscalateChair) {
			n--
			continue
		}
		tasks = append(tasks, t)
	}
	out.add(src.kind, tasks, n)
	return nil
}

func (s *Service) visits(tx *gorm.DB, actor inspection.Actor, src source, today inspection.Date, out *Today) error {
	var rows []visit.Visit
	var n int64
	for _, part := range org.Parts(actor, src.action, visit.Columns) {
		var more []visit.Visit
		err := tx.Model(&visit.Visit{}).Scopes(part).Where(src.where, src.args...).Select("visits.id, visits.organisation_name, visits.desk_name, visits.issuer_id, visits.state, visits.day, visits.explain_due, visits.report_due, visits.conclude_due").
			Order("visits." + src.due + ", visits.id").Limit(Shown).Find(&more).Error
		if err != nil {
			return err
		}
		rows = append(rows, more...)
		if len(more) < Shown {
			n += int64(len(more))
			continue
		}
		var count int64
		if err := tx.Model(&visit.Visit{}).Scopes(part).Where(src.where, src.args...).Count(&count).Error; err != nil {
			return err
		}
		n += count
	}
	var issuers []string
	for _, v := range rows {
		issuers = append(issuers, v.IssuerID)
	}
	cals, err := org.CalendarsFor(tx, slices.Compact(slices.Sorted(slices.Values(issuers))))
	if err != nil {
		return err
	}
	var tasks []Task
	for _, v := range rows {
		t := Task{Kind: src.kind, Subject: "visit", ID: v.ID, Visit: v.ID, Place: v.Place(), Text: v.Day.VN(), Due: v.ReportDue}
		switch src.kind {
		case Conclude:
			t.Due = v.ConcludeDue
		case Opinion:
			t.Due = v.ExplainDue
		case Look: // no clock of its own
			t.Due = ""
		}
		t.Left, t.Late = org.Left(cals[v.IssuerID], today, t.Due), t.Due != "" && today > t.Due
		tasks = append(tasks, t)
	}
	out.add(src.kind, tasks, n)
	return nil
}

// records are the records of reviews that a head still has to report.
func (s *Service) records(ctx context.Context, tx *gorm.DB, actor inspection.Actor, today inspection.Date, out *Today) error {
	open, err := finding.New(tx, s.clock, nil).RecordsOwed(ctx, actor, 5*Shown)
	if err != nil {
		return err
	}
	var tasks []Task
	var names []string
	for _, r := range open {
		names = append(names, r.ResponsibleID)
	}
	called, err := org.Names(tx, names...)
	if err != nil {
		return err
	}
	for _, r := range open {
		tasks = append(tasks, Task{Kind: Record, Subject: "recommendation", ID: r.ID, Visit: r.VisitID, Code: string(r.Kind), Text: r.Reason, Place: called[r.ResponsibleID],
			Due: r.DueOn, Left: r.Left, Late: r.Overdue})
	}
	out.add(Record, tasks, int64(len(tasks)))
	return nil
}

func (t *Today) add(k Kind, tasks []Task, n int64) {
	slices.SortStableFunc(tasks, hurts)
	t.Tasks = append(t.Tasks, tasks[:min(k.shown(), len(tasks))]...)
	if n > int64(k.shown()) {
		t.More[k] += n
	}
}
