package finding

import (
	"context"
	"errors"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Filter narrows a list; what is empty does not.
type Filter struct {
	Unit     string // who answers now
	Team     string
	Visit    string
	Campaign string
	Item     string // key
	States   []State
	Desk     string
	IDs      []string // only these, where not nil
	Overdue  bool     // past due today
	FellDue  Period   // those that count in the on-time share of a period, where it has an end
	Query    string
}

// Period is from one day to another, both in it.
type Period struct{ From, To inspection.Date }

// Line is a finding in a list, with what the clock says of it today.
type Line struct {
	Finding
	HasDue      bool
	DueAt       inspection.Instant // closing hour of the due date
	Left        int                // working days until due, negative: since
	Overdue     bool
	OverdueDays int
}

// List is what of the findings the actor may see, newest first. Code:
// unauthenticated.
func (s *Service) List(ctx context.Context, actor inspection.Actor, f Filter, page inspection.Page) ([]Line, string, error) {
	if page.Cursor != "" {
		if err := inspection.CheckID(page.Cursor); err != nil {
			return nil, "", err
		}
	}
	if actor.Person == "" {
		return nil, "", notSignedIn()
	}
	batches := [][]string{nil}
	if f.IDs != nil { // as many of them as it takes to fill the page, newest first
		ids := slices.DeleteFunc(slices.Clone(f.IDs), func(id string) bool { return page.Cursor != "" && id >= page.Cursor })
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
		batches = slices.Collect(slices.Chunk(ids, page.Size()+1))
	}
	var rows []Finding
	for _, f.IDs = range batches {
		if f.IDs != nil && len(rows) > page.Size() {
			break
		}
		parts, err := s.filtered(ctx, actor, f)
		if err != nil {
			return nil, "", err
		}
		for _, q := range parts {
			if page.Cursor != "" {
				q = q.Where("findings.id < ?", page.Cursor)
			}
			if len(rows) > page.Size() { // older ones have no place any more
				q = q.Where("findings.id > ?", rows[page.Size()].ID)
			}
			var more []Finding
			if err := q.Order("findings.id DESC").Limit(page.Size() + 1).Find(&more).Error; err != nil {
				return nil, "", err
			}
			rows = append(rows, more...)
			slices.SortFunc(rows, func(a, b Finding) int { return strings.Compare(b.ID, a.ID) })
		}
	}
	next := ""
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		next = rows[len(rows)-1].ID
	}
	lines, err := Lines(s.db.WithContext(ctx), rows, s.clock.Now().Date())
	return lines, next, err
}

// ForUnit is List for who answers now.
func (s *Service) ForUnit(ctx context.Context, actor inspection.Actor, unit string, page inspection.Page) ([]Line, string, error) {
	return s.List(ctx, actor, Filter{Unit: unit}, page)
}

// ForTeam is List for a team.
func (s *Service) ForTeam(ctx context.Context, actor inspection.Actor, team string, page inspection.Page) ([]Line, string, error) {
	return s.List(ctx, actor, Filter{Team: team}, page)
}

// ForVisit is List for the check that raised them.
func (s *Service) ForVisit(ctx context.Context, actor inspection.Actor, visit string, page inspection.Page) ([]Line, string, error) {
	return s.List(ctx, actor, Filter{Visit: visit}, page)
}

// Many is as far as Count counts.
const Many = 1000

// Count is how many findings List would show on all its pages, as far as Many, so that no
// list reads every row of years; one more says that there are more.
func (s *Service) Count(ctx context.Context, actor inspection.Actor, f Filter) (int64, error) {
	parts, err := s.filtered(ctx, actor, f)
	if err != nil {
		return 0, err
	}
	var all int64
	for _, q := range parts {
		q = s.db.WithContext(ctx).Table("(?) AS first", q.Select("findings.id").Limit(Many+1-int(all)))
		var n int64
		if err := q.Count(&n).Error; err != nil {
			return 0, err
		}
		if all += n; all > Many {
			break
		}
	}
	return all, nil
}

// Tally is how many findings an actor sees that wait for something.
type Tally struct {
	Open, Overdue int64
	By            map[State]int64 // of the open ones
}

// Tallied counts what List would show of the open findings. Code: unauthenticated.
func (s *Service) Tallied(ctx context.Context, actor inspection.Actor) (Tally, error) {
	t := Tally{By: map[State]int64{}}
	parts, err := s.filtered(ctx, actor, Filter{States: open})
	if err != nil {
		return t, err
	}
	late, args := overdueOn(s.clock.Now().Date())
	for _, q := range parts {
		var rows []struct {
			State   State
			N, Late int64
		}
		err := q.Where(waits).Select("findings.state, COUNT(*) AS n, SUM(CASE WHEN "+late+" THEN 1 ELSE 0 END) AS late", args...).Group("findings.state").Scan(&rows).Error
		if err != nil {
			return t, err
		}
		for _, r := range rows {
			t.Open, t.Overdue, t.By[r.State] = t.Open+r.N, t.Overdue+r.Late, t.By[r.State]+r.N
		}
	}
	return t, nil
}

// filtered is the one query behind lists and counts, in parts of which each row is in
// one.
func (s *Service) filtered(ctx context.Context, actor inspection.Actor, f Filter) ([]*gorm.DB, error) {
	if actor.Person == "" {
		return nil, notSignedIn()
	}
	var parts []*gorm.DB
	all := org.Parts(actor, org.ReadFinding, Columns)
	if f.FellDue.To != "" {
		all = times(all, dueIn(f.FellDue))
	}
	for _, part := range all {
		parts = append(parts, s.narrowed(s.db.WithContext(ctx).Model(&Finding{}).Scopes(part), f))
	}
	return parts, nil
}

func notSignedIn() error { return inspection.E(inspection.Unauthenticated, "org.error.sign_in") }

func (s *Service) narrowed(q *gorm.DB, f Filter) *gorm.DB {
	for column, value := range map[string]string{"responsible_id": f.Unit, "team_id": f.Team, "visit_id": f.Visit, "campaign_id": f.Campaign, "item_key": f.Item} {
		if value != "" {
			q = q.Where("findings."+column+" = ?", value)
		}
	}
	if f.Desk != "" {
		q = q.Scopes(org.AtDesk("findings.desk_id", f.Desk))
	}
	if len(f.States) > 0 {
		q = q.Where("findings.state IN ?", f.States)
	}
	if f.IDs != nil {
		q = q.Where("findings.id IN ?", f.IDs)
	}
	if f.Overdue {
		q = q.Scopes(OverdueOn(s.clock.Now().Date()))
	}
	if f.FellDue.To != "" {
		q = inShare(q)
	}
	for _, word := range strings.Fields(inspection.Fold(f.Query)) {
		q = q.Where("findings.search LIKE ?", "%"+word+"%")
	}
	return q
}

// OverdueOn is Finding.Overdue as a condition on the rows; a test holds the two
// equal.
func OverdueOn(today inspection.Date) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		late, args := overdueOn(today)
		return db.Where("findings.state IN ?", open).Where(late, args...)
	}
}

// overdueOn is what makes an open finding overdue.
func overdueOn(today inspection.Date) (string, []any) {
	ends, args := clockEndsOn(today)
	return "findings.due_on <> '' AND findings.due_on < " + ends, args
}

// clockEndsOn is Finding.clockEnds on the rows.
func clockEndsOn(today inspection.Date) (string, []any) {
	return `CASE
			WHEN findings.state IN ? THEN findings.handed_in_on
			WHEN findings.on_hold AND findings.held_on < ? THEN findings.held_on
			ELSE ? END`, []any{inReview, today, today}
}

// Lines adds to findings what the clock says of them on a day. The caller has checked
// rights.
func Lines(tx *gorm.DB, rows []Finding, today inspection.Date) ([]Line, error) {
	cals, err := calendarsOf(tx, rows)
	if err != nil {
		return nil, err
	}
	days := workingDays{}
	out := make([]Line, 0, len(rows))
	for _, f := range rows {
		l := Line{Finding: f, HasDue: f.State.Open() && f.DueOn != ""}
		if l.HasDue {
			cal := cals[f.ResponsibleID]
			l.DueAt = org.DueAt(cal, f.DueOn)
			l.Left = days.between(cal, f.clockEnds(today), f.DueOn)
			if l.Overdue = f.Overdue(today); l.Overdue {
				l.OverdueDays = days.between(cal, f.DueOn, f.clockEnds(today))
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// calendarsOf loads the calendars that the terms of findings go by, and those of more
// organisations.
func calendarsOf(tx *gorm.DB, rows []Finding, more ...string) (map[string]org.Calendar, error) {
	for _, f := range rows {
		if f.State.Open() && f.DueOn != "" {
			more = append(more, f.ResponsibleID)
		}
	}
	slices.Sort(more)
	return org.CalendarsFor(tx, slices.Compact(more))
}

// workingDays remembers what was counted: many findings of a list have the same calendar
// and the same days.
type workingDays map[span]int

type span struct {
	calendar string
	from, to inspection.Date
}

func (w workingDays) between(c org.Calendar, from, to inspection.Date) int {
	s := span{from: from, to: to}
	for _, l := range c.Layers {
		s.calendar += l.ID + " "
	}
	n, known := w[s]
	if !known {
		n = org.WorkingDaysBetween(c, from, to)
		w[s] = n
	}
	return n
}

// Detail is a finding with its whole story. May lists what the actor could do now as
// far as role and state go; guards may still refuse.
type Detail struct {
	Line
	Steps        []Step
	Explanations []Explanation
	Extensions   []Extension
	Verifiers    []string
	May          []Event
	Draw         *Draw // of an accepted MODERATE finding; not for the unit
	Plan         *PremisesPlan
	Term         int // in working days, were it assigned today
	LeadGives    int // the longest extension that the head of the team gives, in working days
}

// Draw is whether a finding was drawn for a re-inspection, and by what: it can be made
// again from Seed (see Lot).
type Draw struct {
	Seed    string
	Lot, Of int // drawn if Lot < Of; 0 to 99
}

// Get reads a finding with its story. Codes: unauthenticated, not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, id string) (Detail, error) {
	var d Detail
	if actor.Person == "" {
		return d, notSignedIn()
	}
	tx := s.db.WithContext(ctx)
	f, err := ByID(tx, id)
	if err != nil {
		return d, err
	}
	if _, ok := org.Can(actor, org.ReadFinding, f.Subject()); !ok {
		return d, notFound()
	}
	lines, err := Lines(tx, []Finding{f}, s.clock.Now().Date())
	if err != nil {
		return d, err
	}
	d.Line, d.May = lines[0], May(actor, f)
	if _, decides := org.Can(actor, org.DecideFinding, f.Subject()); decides && !f.OnHold && (f.State == Assigned || f.State == InRemediation) {
		_, alone, err := org.Responsible(tx, f.ResponsibleID, s.clock.Now().Date())
		if err != nil {
			return d, err
		}
		if !alone {
			d.May = append(d.May, Assign)
		}
	}
	terms, err := org.DeadlinesOn(tx, s.clock.Now().Date())
	if err != nil {
		return d, err
	}
	d.Term = TermOf(terms, f.Severity, f.ItemKey, f.Section)
	d.LeadGives = terms.Of(org.LeadExtensionDays)
	then, err := org.DeadlinesOn(tx, f.AcceptedAt.Date()) // the share as it was
	if err != nil {
		return d, err
	}
	if d.Plan, err = planOf(tx, f); err != nil {
		return d, err
	}
	if f.Severity == Moderate && !f.AcceptedAt.IsZero() && f.DrawSeed != "" && slices.ContainsFunc([]org.Action{org.ReviewFinding, org.VerifyFinding, org.DecideFinding}, func(a org.Action) bool {
		_, may := org.Can(actor, a, f.Subject())
		return may
	}) {
		d.Draw = &Draw{Seed: f.DrawSeed, Lot: Lot(f.DrawSeed, f.ID), Of: then.Of(org.SampleShare)}
	}
	if err := tx.Where("finding_id = ?", id).Order("seq").Find(&d.Steps).Error; err != nil {
		return d, err
	}
	if err := tx.Where("finding_id = ?", id).Order("at, id").Find(&d.Explanations).Error; err != nil {
		return d, err
	}
	if err := tx.Where("finding_id = ?", id).Order("asked_at, id").Find(&d.Extensions).Error; err != nil {
		return d, err
	}
	err = tx.Model(&verifier{}).Where("step_id IN (?)", tx.Session(&gorm.Session{NewDB: true}).Model(&Step{}).Select("id").Where("finding_id = ?", id)).
		Order("person_id").Pluck("person_id", &d.Verifiers).Error
	return d, err
}

// Reply is what a unit said to a finding of a check, and the answer to it.
type Reply struct {
	Explanation
	ItemCode, Finding string // the item and what was found
}

// Replies lists the explanations of a check's findings that the actor may read, in the
// order of the items, for its report and its conclusion. Code: unauthenticated.
func (s *Service) Replies(ctx context.Context, actor inspection.Actor, visit string) ([]Reply, error) {
	parts, err := s.filtered(ctx, actor, Filter{Visit: visit})
	if err != nil {
		return nil, err
	}
	byID := map[string]Finding{}
	var ids []string
	for _, q := range parts {
		var rows []Finding
		if err := q.Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, f := range rows {
			byID[f.ID], ids = f, append(ids, f.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var said []Explanation
	if err := s.db.WithContext(ctx).Where("finding_id IN ?", ids).Order("at, id").Find(&said).Error; err != nil {
		return nil, err
	}
	var out []Reply
	for _, x := range said {
		out = append(out, Reply{x, byID[x.FindingID].ItemCode, byID[x.FindingID].Text})
	}
	slices.SortStableFunc(out, func(a, b Reply) int { return strings.Compare(a.ItemCode, b.ItemCode) })
	return out, nil
}

// ByID reads a finding; the caller has checked rights. Code: not_found.
func ByID(tx *gorm.DB, id string) (Finding, error) {
	var f Finding
	if inspection.CheckID(id) != nil {
		return f, notFound()
	}
	err := tx.Where("id = ?", id).Take(&f).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, notFound()
	}
	return f, err
}

// actions is the right that each event asks for. Verdicts and the record come from a
// check, confirm and withdraw from its conclusion.
var actions = map[Event]org.Action{
	Explain: org.AnswerFinding, Progress: org.AnswerFinding, Submit: org.AnswerFinding,
	Acknowledge: org.BindUnit, AskExtension: org.BindUnit, Plan: org.BindUnit,
	Merge: org.ReviewFinding, VerifyOnSite: org.ReviewFinding, GrantExtension: org.ReviewFinding, RefuseExtension: org.ReviewFinding,
	Return: org.ReviewFinding, Accept: org.ReviewFinding, VerifyOnDocuments: org.VerifyFinding,
	Rule: org.DecideFinding, Confirm: org.DecideFinding, Withdraw: org.DecideFinding, Assign: org.DecideFinding, CloseWithoutRemedy: org.DecideFinding,
	Reopen: org.ReopenFinding, Hold: org.SuperviseTerms, Release: org.SuperviseTerms,
}

// May lists the events that role, state and the plain facts of the row let the actor
// try, for the buttons of a page.
func May(actor inspection.Actor, f Finding) []Event {
	var out []Event
	for _, e := range Possible(f.State, f.OnHold) {
		action, ok := actions[e]
		if !ok {
			continue
		}
		if _, ok := org.Can(actor, action, f.Subject()); !ok {
			if e != GrantExtension && e != RefuseExtension {
				continue
			}
			if _, ok := org.Can(actor, org.SuperviseTerms, f.Subject()); !ok {
				continue
			}
		}
		switch {
		case e == Assign && f.State != Confirmed, // Get looks whether anybody answers
			e == Plan && !f.lacksPlan(),
			e == VerifyOnSite && (!f.FixedOnSite || deref(f.FixedBy) == actor.Person),
			e == Accept && deref(f.SubmittedBy) == actor.Person,
			e == VerifyOnDocuments && (f.needsReinspection() || deref(f.AcceptedBy) == actor.Person):
			continue
		}
		out = append(out, e)
	}
	return slices.Compact(out)
}

// OfVisit lists the findings that a check raised, in the order of their items. The
// caller has checked rights.
func OfVisit(tx *gorm.DB, visit string) ([]Finding, error) {
	var rows []Finding
	return rows, tx.Where("visit_id = ?", visit).Order("item_code, id").Find(&rows).Error
}

// AnyStands tells whether one of the findings is not withdrawn. The caller has checked
// rights.
func AnyStands(tx *gorm.DB, ids []string) (bool, error) {
	if len(ids) == 0 {
		return false, nil
	}
	var n int64
	err := tx.Model(&Finding{}).Where("id IN ? AND state <> ?", ids, Withdrawn).Count(&n).Error
	return n > 0, err
}

// StepsOf lists the story of a finding. The caller has checked rights.
func StepsOf(tx *gorm.DB, id string) ([]Step, error) {
	var rows []Step
	return rows, tx.Where("finding_id = ?", id).Order("seq").Find(&rows).Error
}
