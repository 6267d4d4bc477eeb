package finding

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/seedtest"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// days is a working calendar of its own: five days a week, but for what is listed.
type days struct{ holiday, makeUp map[inspection.Date]bool }

func (c days) work(d inspection.Date) bool {
	w := d.Time().Weekday()
	return c.makeUp[d] || w != time.Saturday && w != time.Sunday && !c.holiday[d]
}

// next is the first working day from d on.
func (c days) next(d inspection.Date) inspection.Date {
	for !c.work(d) {
		d = d.AddDays(1)
	}
	return d
}

// add is the n-th working day after d.
func (c days) add(d inspection.Date, n int) inspection.Date {
	if n == 0 {
		return c.next(d)
	}
	for ; n > 0; n-- {
		d = c.next(d.AddDays(1))
	}
	return d
}

// left counts the working days from a (not counted) to b.
func (c days) left(a, b inspection.Date) (n int) {
	if b < a {
		return -c.left(b, a)
	}
	for d := a.AddDays(1); d <= b; d = d.AddDays(1) {
		if c.work(d) {
			n++
		}
	}
	return n
}

// paper is a finding as a clerk would keep it on paper: the plain model that the service
// is held against.
type paper struct {
	id, item                                                                  string
	premises                                                                  bool
	severity                                                                  Severity
	state                                                                     State
	unruled                                                                   string // the explanation that waits for an answer
	explain, acknowledge, due, start, interim, review, from, to, handed, held inspection.Date
	days                                                                      int
	submitter, accepter                                                       string
	hold, fixed, planned, drawn, reopened, escalated                          bool
	asked                                                                     int // days of the extension that waits
	used                                                                      bool
	ended, closed                                                             inspection.Instant
	repeat, merged                                                            string
	visit                                                                     string
	steps, told, moved                                                        int // what history holds
}

// clerk drives the service and keeps the papers.
type clerk struct {
	*world
	r        *rand.Rand
	c        days
	orgs     *org.Service
	admin    inspection.Actor
	delegate inspection.Actor
	deputy   inspection.Actor
	open     []*paper
	closed   []*paper
	told     map[string]bool
	items    int
	count    map[Event]int
}

var builtIn = map[Severity]int{Critical: 5, Major: 10, Moderate: 15, Minor: 30}

func (k *clerk) today() inspection.Date { return k.clock.Now().Date() }

// assign gives a paper a new term from today.
func (k *clerk) assign(p *paper, n int) {
	if n == 0 {
		switch n = builtIn[p.severity]; {
		case p.item == "D04":
			n = 1
		case p.premises && p.severity != Critical:
			n = 15
		}
	}
	today := k.today()
	p.due, p.start, p.days, p.acknowledge = k.c.add(today, n), today, n, k.c.add(today, 2)
	p.interim, p.review, p.from, p.to, p.handed, p.submitter, p.accepter = "", "", "", "", "", "", ""
	if p.severity == Critical {
		p.interim = k.c.add(today, 1)
	}
	p.planned, p.drawn, p.escalated, p.asked, p.used, p.closed = false, false, false, 0, false, 0
}

func (p *paper) over() bool {
	return p.state == Merged || p.state == Withdrawn || p.state == Verified || p.state == ClosedNotFixed
}

// to ends a paper, or moves it.
func (k *clerk) to(p *paper, s State) {
	if p.state = s; p.over() {
		p.closed = k.clock.Now()
	}
}

// byItself is what the clock does before anybody acts on an assignment.
func (k *clerk) byItself(p *paper) {
	if p.state == Assigned && !p.hold && k.today() > p.acknowledge {
		p.state = InRemediation
		p.steps++
	}
}

// stood moves a day over the time that a finding was held.
func (k *clerk) stood(p *paper, d inspection.Date) inspection.Date {
	today := k.today()
	if d == "" || today <= p.held {
		return d
	}
	left := k.c.left(p.held, d)
	switch {
	case left > 0:
		return k.c.add(today, left)
	case left == 0 && d >= p.held:
		return k.c.next(today)
	}
	late := max(1, -left) // so many working days: it was over
	if !k.c.work(today) && left == 0 {
		late = 0
	}
	for d = today; late > 0 || !k.c.work(d); d = d.AddDays(-1) {
		if k.c.work(d) {
			late--
		}
	}
	return d
}

// act is one thing that somebody tries on a paper: what the paper says of it, and how
// it is done.
type try struct {
	who   []inspection.Actor // who may
	ok    func(p *paper, a inspection.Actor) bool
	do    func(p *paper, a inspection.Actor, good bool) error
	then  func(p *paper, a inspection.Actor)
	inTx  bool // joined by the check: the clock does not act first
	every bool // the caller has looked at who it is
}

func (k *clerk) tries() map[Event]try {
	text := func(good bool) string {
		if good {
			return "Nội dung " + strconv.Itoa(k.r.IntN(1000))
		}
		return " "
	}
	is := func(states ...State) func(*paper, inspection.Actor) bool {
		return func(p *paper, _ inspection.Actor) bool { return !p.hold && slices.Contains(states, p.state) }
	}
	file := func(p *paper, good bool) []string {
		if good {
			return []string{k.files.put(p.ended + 1)}
		}
		return []string{k.files.put(p.ended)}
	}
	head, unit := []inspection.Actor{k.head}, []inspection.Actor{k.head, k.delegate}
	lead, decider, chair := []inspection.Actor{k.lead, k.deputy}, []inspection.Actor{k.chair}, []inspection.Actor{k.chair}
	var explanation string
	var asked, planDays, given int
	verdict := func(say string) try {
		files := false
		return try{every: true, inTx: true, ok: func(p *paper, a inspection.Actor) bool {
			return is(ReinspectDue)(p, a) && a.Person != k.lead.Person && a.Person != p.accepter && files
		}, do: func(p *paper, a inspection.Actor, good bool) error {
			in := VerdictInput{VisitID: k.second, Verdict: say, Verifiers: []string{a.Person}, FirstVisit: []string{k.lead.Person}}
			if p.visit == k.second {
				in.VisitID = k.visit
			}
			if files = good; good {
				in.Files = []string{"x"}
			}
			return k.db.Transaction(func(tx *gorm.DB) error { return Verdict(tx, k.act(a), p.id, in) })
		}, then: func(p *paper, _ inspection.Actor) {
			switch say {
			case "VERIFIED":
				k.to(p, Verified)
				return
			case "PARTIAL":
				p.state = InRemediation
				k.assign(p, 0)
				p.acknowledge = ""
				return
			}
			p.severity = map[Severity]Severity{Minor: Moderate, Moderate: Major, Major: Critical, Critical: Critical}[p.severity]
			p.state, p.reopened = Assigned, true
			k.assign(p, 0)
		}}
	}
	good := true
	with := func(ok func(*paper, inspection.Actor) bool) func(*paper, inspection.Actor) bool {
		return func(p *paper, a inspection.Actor) bool { return good && ok(p, a) }
	}
	tx := func(f func(tx *gorm.DB) error) error { return k.db.Transaction(f) }
	return map[Event]try{
		Explain: {who: unit, ok: with(is(Recorded)), do: func(p *paper, a inspection.Actor, g bool) error {
			good, explanation = g, inspection.NewID()
			return k.Explain(ctx, a, p.id, 0, ExplainInput{ID: explanation, Text: text(g)})
		}, then: func(p *paper, _ inspection.Actor) { p.state, p.unruled = Explained, explanation }},
		Rule: {who: decider, ok: func(p *paper, a inspection.Actor) bool { return good && is(Explained)(p, a) && p.unruled != "" }, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			x := p.unruled
			if x == "" {
				x = inspection.NewID()
			}
			return k.RuleOn(ctx, a, p.id, 0, x, pick(k.r, Rulings...), text(g))
		}, then: func(p *paper, _ inspection.Actor) { p.unruled = "" }},
		Merge: {who: lead, ok: func(p *paper, a inspection.Actor) bool {
			return is(Recorded, Explained)(p, a) && p.merged != ""
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			kept := inspection.NewID()
			p.merged = ""
			for _, o := range k.open {
				if g && o != p && o.visit == p.visit && (o.state == Recorded || o.state == Explained) {
					kept, p.merged = o.id, o.id
				}
			}
			return k.Merge(ctx, a, p.id, 0, kept)
		}, then: func(p *paper, _ inspection.Actor) { k.to(p, Merged) }},
		Withdraw: {who: decider, inTx: true, ok: with(is(Recorded, Explained)), do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return tx(func(tx *gorm.DB) error { return WithdrawIn(tx, k.act(a), p.id, text(g)) })
		}, then: func(p *paper, _ inspection.Actor) { k.to(p, Withdrawn) }},
		Confirm: {who: decider, inTx: true, ok: func(p *paper, a inspection.Actor) bool {
			return is(Recorded, Explained)(p, a) && p.unruled == ""
		}, do: func(p *paper, a inspection.Actor, _ bool) error {
			return tx(func(tx *gorm.DB) error { return ConfirmIn(tx, k.act(a), p.id) })
		}, then: func(p *paper, _ inspection.Actor) { p.state = Confirmed }},
		VerifyOnSite: {who: lead, ok: func(p *paper, a inspection.Actor) bool {
			return is(Confirmed)(p, a) && p.fixed && a.Person != k.lead.Person && good
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			k.files.on = map[string][]string{}
			k.files.put(1000, "item/"+p.item+"/BEFORE")
			after := inspection.Instant(1000)
			if g {
				after++
			}
			k.files.put(after, "item/"+p.item+"/AFTER")
			return k.VerifyFixedOnSite(ctx, a, p.id, 0)
		}, then: func(p *paper, _ inspection.Actor) { k.to(p, Verified) }},
		Assign: {who: decider, inTx: true, ok: func(p *paper, a inspection.Actor) bool { return is(Confirmed)(p, a) && (given == 0 || p.premises) }, do: func(p *paper, a inspection.Actor, g bool) error {
			if given = 0; !g || p.premises && p.severity != Critical && k.r.IntN(2) == 0 {
				given = 40
			}
			return tx(func(tx *gorm.DB) error { return AssignIn(tx, k.act(a), p.id, AssignInput{Days: given}) })
		}, then: func(p *paper, _ inspection.Actor) { p.state = Assigned; k.assign(p, given) }},
		Acknowledge: {who: head, ok: is(Assigned), do: func(p *paper, a inspection.Actor, _ bool) error { return k.Acknowledge(ctx, a, p.id, 0) },
			then: func(p *paper, _ inspection.Actor) { p.state = InRemediation }},
		AskExtension: {who: head, ok: func(p *paper, a inspection.Actor) bool {
			return good && is(InRemediation)(p, a) && !p.used && k.clock.Now() < inspection.At(p.due.Time().Add(17*time.Hour+30*time.Minute)) && asked > 0 && asked <= p.days
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			good, asked = g, k.r.IntN(max(1, p.days+2))
			return k.AskExtension(ctx, a, p.id, 0, ExtensionInput{Days: asked, Reason: text(g)})
		}, then: func(p *paper, _ inspection.Actor) { p.asked, p.used = asked, true }},
		GrantExtension: {every: true, ok: func(p *paper, a inspection.Actor) bool {
			may := slices.ContainsFunc(lead, func(l inspection.Actor) bool { return l.Person == a.Person })
			if p.asked > 30 {
				may = a.Person == k.chair.Person
			}
			return may && is(InRemediation)(p, a) && p.asked > 0
		}, do: func(p *paper, a inspection.Actor, _ bool) error { return k.GrantExtension(ctx, a, p.id, 0, "") },
			then: func(p *paper, _ inspection.Actor) {
				p.due, p.days, p.asked, p.escalated = k.c.add(p.due, p.asked), p.days+p.asked, 0, false
			}},
		RefuseExtension: {every: true, ok: func(p *paper, a inspection.Actor) bool {
			may := slices.ContainsFunc(lead, func(l inspection.Actor) bool { return l.Person == a.Person })
			if p.asked > 30 {
				may = a.Person == k.chair.Person
			}
			return good && may && is(InRemediation)(p, a) && p.asked > 0
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.RefuseExtension(ctx, a, p.id, 0, text(g))
		}, then: func(p *paper, _ inspection.Actor) { p.asked = 0 }},
		Plan: {who: head, ok: func(p *paper, a inspection.Actor) bool {
			return good && is(InRemediation)(p, a) && p.premises && p.severity != Critical && !p.planned && planDays > 0
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			good, planDays = g, k.r.IntN(120)
			on := k.c.add(k.today(), planDays)
			if planDays == 0 {
				on = k.today()
			}
			return k.SetPlan(ctx, a, p.id, 0, PlanInput{Need: text(g), Cost: 1000, CompleteOn: on})
		}, then: func(p *paper, _ inspection.Actor) {
			if p.planned = true; k.today() <= p.due { // what is late stays late
				p.due, p.start, p.days, p.escalated = k.c.add(k.today(), planDays), k.today(), planDays, false
			}
		}},
		Progress: {who: unit, ok: with(is(InRemediation)), do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.ReportProgress(ctx, a, p.id, 0, ProgressInput{Text: text(g)})
		}, then: func(p *paper, _ inspection.Actor) { p.interim = "" }},
		Submit: {who: unit, ok: with(is(InRemediation)), do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.Submit(ctx, a, p.id, 0, SubmitInput{Text: "Đã khắc phục", Files: file(p, g)})
		}, then: func(p *paper, a inspection.Actor) {
			p.state, p.handed, p.submitter, p.review, p.interim = Submitted, k.today(), a.Person, k.c.add(k.today(), 5), ""
		}},
		Return: {who: lead, ok: with(is(Submitted)), do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.Return(ctx, a, p.id, 0, text(g))
		}, then: func(p *paper, _ inspection.Actor) {
			p.state, p.review = InRemediation, ""
			if least := k.c.add(k.today(), 2); p.handed <= p.due && p.due < least {
				p.due = least
			}
		}},
		Accept: {who: lead, ok: func(p *paper, a inspection.Actor) bool { return is(Submitted)(p, a) && a.Person != p.submitter }, do: func(p *paper, a inspection.Actor, _ bool) error {
			return k.Accept(ctx, a, p.id, 0, "")
		}, then: func(p *paper, a inspection.Actor) {
			p.state, p.review, p.accepter = Accepted, "", a.Person
			f := k.get(p.id)
			p.drawn = p.severity == Moderate && Lot(f.DrawSeed, p.id) < 30
			if p.severity == Major || p.severity == Critical || p.drawn {
				p.state, p.from, p.to = ReinspectDue, k.c.add(k.today(), 10), k.c.add(k.today(), 45)
				p.steps++
			}
		}},
		VerifyOnDocuments: {who: []inspection.Actor{k.lead, k.deputy, k.member, k.fresh}, ok: func(p *paper, a inspection.Actor) bool {
			return is(Accepted)(p, a) && a.Person != p.accepter
		}, do: func(p *paper, a inspection.Actor, _ bool) error { return k.VerifyOnDocuments(ctx, a, p.id, 0, "") },
			then: func(p *paper, _ inspection.Actor) { k.to(p, Verified) }},
		VerdictVerified: verdict("VERIFIED"), VerdictPartial: verdict("PARTIAL"), VerdictNotRemedied: verdict("NOT_REMEDIED"), VerdictRecurred: verdict("RECURRED"),
		Reopen: {who: append(slices.Clone(lead), k.chair), ok: func(p *paper, a inspection.Actor) bool {
			return good && is(Verified)(p, a) && k.clock.Now().Time().Before(p.closed.Time().AddDate(0, 12, 0))
		}, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.Reopen(ctx, a, p.id, 0, text(g))
		}, then: func(p *paper, _ inspection.Actor) { p.state, p.reopened = Assigned, true; k.assign(p, 0) }},
		CloseWithoutRemedy: {who: decider, ok: func(p *paper, _ inspection.Actor) bool { return good && !p.over() }, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			number := "01/QĐ"
			if !g && k.r.IntN(2) == 0 {
				return k.Close(ctx, a, p.id, 0, "Giải thể", " ")
			}
			return k.Close(ctx, a, p.id, 0, text(g), number)
		}, then: func(p *paper, _ inspection.Actor) { p.hold = false; k.to(p, ClosedNotFixed) }},
		Hold: {who: chair, ok: func(p *paper, _ inspection.Actor) bool { return good && !p.over() && !p.hold }, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.Hold(ctx, a, p.id, 0, text(g))
		}, then: func(p *paper, _ inspection.Actor) { p.hold, p.held = true, k.today() }},
		Release: {who: chair, ok: func(p *paper, _ inspection.Actor) bool { return good && !p.over() && p.hold }, do: func(p *paper, a inspection.Actor, g bool) error {
			good = g
			return k.Release(ctx, a, p.id, 0, text(g))
		}, then: func(p *paper, _ inspection.Actor) {
			switch p.state { // what runs, and nothing else
			case Recorded:
				p.explain = k.stood(p, p.explain)
			case Assigned:
				p.acknowledge, p.interim, p.due = k.stood(p, p.acknowledge), k.stood(p, p.interim), k.stood(p, p.due)
			case InRemediation:
				p.interim, p.due = k.stood(p, p.interim), k.stood(p, p.due)
			case Submitted:
				p.review = k.stood(p, p.review)
			case ReinspectDue:
				p.from, p.to = k.stood(p, p.from), k.stood(p, p.to)
			}
			p.hold, p.held = false, ""
		}},
	}
}

// record raises a finding.
func (k *clerk) record() {
	k.items++
	item := pick(k.r, "A01", "A04", "B03", "C02", "D04", "E02", "F01", "F02", "G01")
	p := &paper{item: item, severity: pick(k.r, Severities...), state: Recorded, visit: pick(k.r, k.visit, k.second), steps: 1}
	if k.r.IntN(4) == 0 {
		p.item, p.fixed = fmt.Sprintf("B%d", 100+k.items), true
	}
	in := k.raised(p.visit, p.item, p.severity)
	if in.FixedOnSite = p.fixed; p.fixed {
		in.FixedBy = k.lead.Person
	}
	p.premises, p.ended = in.Section == "F", in.CheckEndedAt
	f, err := Raise(k.db, k.act(k.lead), in)
	k.must(err)
	p.id, p.explain = f.ID, k.c.add(k.today(), 2)
	since := inspection.At(k.clock.Now().Time().AddDate(0, -12, 0))
	var newest *paper
	for _, o := range k.closed {
		if o.item == p.item && o.visit != p.visit && (o.state == Verified || o.state == ClosedNotFixed) && o.closed > since &&
			(newest == nil || o.closed > newest.closed || o.closed == newest.closed && o.id < newest.id) {
			newest = o
		}
	}
	if newest != nil {
		p.repeat = newest.id
	}
	k.open = append(k.open, p)
	k.compare(p, Record)
}

// compare holds the row against the paper.
func (k *clerk) compare(p *paper, after Event) {
	k.t.Helper()
	f := k.get(p.id)
	got := paper{id: f.ID, item: f.ItemKey, premises: f.Section == "F", severity: f.Severity, state: f.State, unruled: p.unruled, explain: f.ExplainDue, acknowledge: f.AcknowledgeDue,
		due: f.DueOn, start: f.DueStart, interim: f.InterimDue, review: f.ReviewDue, from: f.ReinspectFrom, to: f.ReinspectDue, handed: f.HandedInOn, held: f.HeldOn,
		days: int(f.DueDays), submitter: deref(f.SubmittedBy), accepter: deref(f.AcceptedBy), hold: f.OnHold, fixed: f.FixedOnSite, planned: f.PlannedAt != 0, drawn: f.Drawn, reopened: f.Reopened,
		escalated: f.EscalatedAt != 0, asked: p.asked, used: p.used, ended: f.CheckEndedAt, closed: f.ClosedAt, repeat: deref(f.RepeatOf), merged: deref(f.MergedInto), visit: f.VisitID,
		steps: p.steps, told: p.told, moved: p.moved}
	want := *p
	if want.state != Merged {
		want.merged = ""
	}
	if got != want {
		k.t.Fatalf("after %s on %s\n got %+v\nwant %+v", after, k.clock.Now(), got, want)
	}
}

// history holds what history has of a finding against what was done.
func (k *clerk) history(p *paper) {
	k.t.Helper()
	rows, err := history.OfSubject(k.db, "finding", p.id)
	k.must(err)
	told, moved, acts := 0, 0, 0
	for _, r := range rows {
		switch r.Action {
		case "finding.remind", "finding.escalate":
			told++
		case "finding.postpone":
			moved++
		default:
			acts++
		}
		if !r.Check() {
			k.t.Fatal("a row of history does not fit its hash")
		}
	}
	steps, err := StepsOf(k.db, p.id)
	k.must(err)
	state := Unborn
	for i, s := range steps {
		if s.Seq != int64(i+1) || s.From != state {
			k.t.Fatalf("step %d of %s begins in %q, %q before", i+1, p.id, s.From, state)
		}
		state = s.To
	}
	if acts != p.steps || len(steps) != p.steps || told != p.told || moved != p.moved || state != p.state {
		k.t.Fatalf("history of %s: %d acts, %d steps, %d reminders, %d moved, in %s; on paper %d, %d, %d, %s", p.id, acts, len(steps), told, moved, state, p.steps, p.told, p.moved, p.state)
	}
}

// step tries one thing on one paper.
func (k *clerk) step() {
	all := k.open
	var over *paper
	if len(k.closed) > 0 && k.r.IntN(12) == 0 {
		over = k.closed[len(k.closed)-1-k.r.IntN(min(len(k.closed), 20))]
		all = []*paper{over}
	}
	p := pick(k.r, all...)
	tries := k.tries()
	e := pick(k.r, events...)
	if k.r.IntN(10) < 7 { // mostly something that the state knows
		if may := Possible(p.state, p.hold); len(may) > 0 {
			e = pick(k.r, may...)
		}
		if rare := e == CloseWithoutRemedy || e == Hold || e == Withdraw || e == Merge; rare && k.r.IntN(16) > 0 {
			return
		}
	}
	x, ok := tries[e]
	if !ok {
		return // the record, and what the clock does
	}
	everybody := []inspection.Actor{k.head, k.delegate, k.lead, k.deputy, k.member, k.fresh, k.chair, k.outsider, k.stranger, {}}
	a := pick(k.r, everybody...)
	if len(x.who) > 0 && k.r.IntN(10) > 0 {
		a = pick(k.r, x.who...)
	} else if x.inTx && x.every { // a verdict's caller has looked at who it is
		a = pick(k.r, k.lead, k.member, k.fresh, k.deputy)
	} else if e == GrantExtension || e == RefuseExtension {
		a = pick(k.r, k.lead, k.chair, k.member, k.head)
	}
	may := x.every || slices.ContainsFunc(x.who, func(w inspection.Actor) bool { return w.Person == a.Person })
	if a.Person == "" && x.inTx {
		return
	}
	before := *p
	err := x.do(p, a, k.r.IntN(8) > 0)
	mergedTry := p.merged
	after := *p
	k.byItselfBefore(p, x)
	want := may && x.ok(p, a)
	if (err == nil) != want {
		k.t.Fatalf("%s by %s in %s (held %v): %v, on paper %v\n%+v", e, a.Name, before.state, before.hold, err, want, after)
	}
	if err != nil {
		if inspection.KeyOf(err) == "" {
			k.t.Fatalf("%s: %v", e, err)
		}
		*p = before
		k.compare(p, e)
		return
	}
	p.merged = mergedTry
	p.steps++
	x.then(p, a)
	k.count[e]++
	k.compare(p, e)
	switch {
	case over == nil && p.over():
		k.open = slices.DeleteFunc(k.open, func(o *paper) bool { return o == p })
		k.closed = append(k.closed, p)
		k.history(p)
	case over != nil && !p.over():
		k.closed = slices.DeleteFunc(k.closed, func(o *paper) bool { return o == p })
		k.open = append(k.open, p)
	}
}

func (k *clerk) byItselfBefore(p *paper, x try) {
	if !x.inTx {
		k.byItself(p)
	}
}

// night gives the reminders of a day.
func (k *clerk) night() {
	_, err := k.AcknowledgeOverdue(ctx, 1000)
	k.must(err)
	for range 2 { // the second time nothing is left to give
		for after := ""; ; {
			last, _, err := k.Remind(ctx, after)
			k.must(err)
			if after = last; last == "" {
				break
			}
		}
	}
	today := k.today()
	for _, p := range k.open {
		k.byItself(p)
		clocks := map[string]inspection.Date{}
		switch {
		case p.hold:
		case p.state == Recorded:
			clocks["explain"] = p.explain
		case p.state == Assigned, p.state == InRemediation:
			clocks["remedy"] = p.due
			if p.premises && p.severity != Critical && !p.planned {
				delete(clocks, "remedy")
				clocks["premises_plan"] = p.due
			}
			if p.interim != "" {
				clocks["interim"] = p.interim
			}
		case p.state == Submitted:
			clocks["review"] = p.review
		case p.state == ReinspectDue:
			clocks["reinspection"] = p.to
		}
		for name, due := range clocks {
			left := k.c.left(today, due)
			var marks []string
			switch {
			case today == due:
				marks = []string{"T0"}
			case today < due && left == 1:
				marks = []string{"T-1"}
			case today < due && (left == 2 || left == 3):
				marks = []string{"T-3"}
			case today > due && name != "explain":
				for _, n := range []int{1, 5, 10} {
					if -left >= n {
						marks = append(marks, fmt.Sprintf("T+%d", n))
					}
				}
			}
			for _, m := range marks {
				if key := p.id + name + string(due) + m; !k.told[key] {
					k.told[key] = true
					p.told++
					p.escalated = p.escalated || m[1] == '+' && slices.Contains([]string{"interim", "premises_plan", "remedy"}, name)
				}
			}
		}
		k.compare(p, "night")
	}
}

// holiday declares a day off that nobody knew of.
func (k *clerk) holiday() {
	d := k.today().AddDays(1 + k.r.IntN(20))
	if !k.c.work(d) || k.c.makeUp[d] {
		return
	}
	k.must(k.orgs.SetDay(ctx, k.admin, k.unitOf("vn"), org.SpecialDay{Day: d, Kind: org.Holiday, Name: "Nghỉ đột xuất"}, "Theo công điện"))
	k.c.holiday[d] = true
	off := func(p *paper, day *inspection.Date, runs bool) {
		if *day == d && runs {
			*day = k.c.next(d)
			p.moved++
		}
	}
	for _, p := range k.open {
		off(p, &p.explain, p.state == Recorded)
		off(p, &p.acknowledge, p.state == Assigned)
		off(p, &p.due, true)
		off(p, &p.interim, p.state == Assigned || p.state == InRemediation)
		off(p, &p.review, p.state == Submitted)
		off(p, &p.to, p.state == ReinspectDue)
		k.compare(p, "holiday")
	}
}

func (k *clerk) unitOf(key string) string {
	u, err := org.UnitByKey(k.db, key)
	k.must(err)
	return u.ID
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// TestR13TheServiceDoesWhatThePaperSays walks the whole machine at random, 100,000 steps
// in the long run: who may, every guard, every state and term, reminders, days off that
// are declared late, and the history of it all, against a model on paper.
func TestR13TheServiceDoesWhatThePaperSays(t *testing.T) {
	seed, steps := seedtest.Seed(t), seedtest.Times(100_000, 10)
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := setUp(t, db)
		k := &clerk{world: w, r: rand.New(rand.NewPCG(seed, 13)), c: days{map[inspection.Date]bool{}, map[inspection.Date]bool{}}, told: map[string]bool{}, count: map[Event]int{}}
		lines, err := csv.NewReader(org.Seed("holidays.csv")).ReadAll()
		w.must(err)
		for _, l := range lines[1:] {
			if strings.HasPrefix(l[3], "to be confirmed") {
				continue
			}
			if l[1] == "HOLIDAY" {
				k.c.holiday[inspection.Date(l[0])] = true
			} else {
				k.c.makeUp[inspection.Date(l[0])] = true
			}
		}
		k.orgs = org.New(db, w.clock)
		k.orgs.WhenDaysChange(func(tx *gorm.DB, act org.Act, from, to inspection.Date) error { return Postpone(tx, act, from, to) })
		person := func(name string, c inspection.Capacity) inspection.Actor {
			p, err := org.CreatePerson(db, org.Act{At: w.clock.Now()}, org.Person{Name: name})
			w.must(err)
			return inspection.Actor{Person: p.ID, Name: name, Capacities: []inspection.Capacity{c}}
		}
		k.admin = person("Quản trị", inspection.Capacity{Role: inspection.SysAdmin})
		k.delegate = person("Người được ủy quyền", inspection.Capacity{Role: inspection.UnitDelegate, Organisation: w.unit.ID})
		k.deputy = person("Phó đoàn", inspection.Capacity{Role: inspection.DeputyLead, Organisation: w.issuer.ID, Team: w.team})
		for range steps {
			w.clock.Advance(time.Duration(1+k.r.IntN(3600)) * time.Second)
			switch n := k.r.IntN(1000); {
			case n < 20:
				w.clock.Advance(time.Duration(1+k.r.IntN(30)) * 8 * time.Hour)
				k.night()
			case n < 22:
				k.holiday()
			case len(k.open) < 12:
				k.record()
			default:
				k.step()
			}
			if len(k.closed) > 400 {
				k.closed = k.closed[200:]
			}
		}
		for _, p := range k.open {
			k.history(p)
		}
		for _, e := range events {
			if e != Record && e != NeedReinspection && k.count[e] == 0 {
				t.Errorf("%s never happened", e)
			}
		}
		t.Logf("%d findings; %v", k.items, k.count)
	})
}
