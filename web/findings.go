package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

// stateOpen in the address asks for every state from which something must follow.
const stateOpen = "open"

var openStates = slices.DeleteFunc(slices.Clone(finding.States), func(s finding.State) bool { return !s.Open() })

// findingCard is a finding in the inbox of a unit.
type findingCard struct {
	finding.Line
	Photo *photo
	Do    finding.Event // the one thing to do, empty where others must act
}

// quickLink is a count that leads to its rows.
type quickLink struct {
	Href, Label string
	N           int64
	Late        bool
}

type findingsPage struct {
	Base
	Inbox   bool
	Todo    []findingCard
	Waiting []findingCard
	Ended   []findingCard
	Cut     bool // there are more open ones than the inbox holds
	Records []finding.RecommendationLine
	Heads   bool // the reader heads a unit

	Query, State, Item, Visit, Unit string
	Desk, Figure                    string
	From, To                        inspection.Date // of the figure
	DeskName                        string
	Overdue                         bool
	UnitName                        string
	States                          []finding.State
	Lines                           []finding.Line
	Count                           int64
	Quick                           []quickLink
	First, Next                     string
	Filtered                        bool
}

// findingsPage is the inbox of who answers for a unit, and a table for all others and
// for whoever filters.
func (s *Server) findingsPage(c echo.Context) error {
	a := actor(c)
	page := findingsPage{Base: s.base(c, "findings.title"), Query: c.QueryParam("q"), State: c.QueryParam("state"), Item: c.QueryParam("item"),
		Visit: c.QueryParam("visit"), Unit: c.QueryParam("unit"), Overdue: c.QueryParam("overdue") == "1", Desk: c.QueryParam("desk"),
		Figure: c.QueryParam("figure"), From: inspection.Date(c.QueryParam("from")), To: inspection.Date(c.QueryParam("to")), States: finding.States}
	if c.QueryParam("open") == "1" && page.State == "" {
		page.State = stateOpen
	}
	page.Filtered = page.Query+page.State+page.Item+page.Visit+page.Unit+page.Desk+page.Figure != "" || page.Overdue
	if a.Is(unitRoles...) && !a.Is(teamRoles...) && !a.Is(chairRoles...) && !page.Filtered && c.QueryParam("after") == "" {
		return s.inbox(c, page)
	}
	f, err := page.filter()
	if err != nil {
		return err
	}
	behind, err := s.behind(c)
	if err != nil {
		return err
	}
	f.IDs, f.FellDue = behind.IDs, behind.FellDue
	ctx := c.Request().Context()
	next := ""
	if page.Lines, next, err = s.Findings.List(ctx, a, f, pageOf(c)); err != nil {
		return err
	}
	if page.Count, err = s.Findings.Count(ctx, a, f); err != nil {
		return err
	}
	if page.Quick, err = s.quickLinks(ctx, page.Base); err != nil {
		return err
	}
	if page.Unit != "" {
		names, err := s.Org.Names(ctx, a, page.Unit)
		if err != nil {
			return err
		}
		page.UnitName = either(names[page.Unit], page.Unit)
	}
	if page.Desk != "" {
		names, err := s.Org.Names(ctx, a, page.Desk)
		if err != nil {
			return err
		}
		page.DeskName = either(names[page.Desk], page.Desk)
	}
	page.Next, page.First = pagerOf(c, next)
	return s.render(c, http.StatusOK, "findings", page)
}

// Titled is a finding by its item and what it says; one that hangs on no item by what
// it says.
func (b Base) Titled(code, text string) string {
	if code == "" || code == "–" {
		return text
	}
	return code + " – " + text
}

// Many tells that there are more than were counted.
func (p findingsPage) Many() bool { return p.Count > finding.Many }

// Shown is as far as was counted.
func (p findingsPage) Shown() int { return finding.Many }

// FigureName says which figure of the overview the list counts.
func (p findingsPage) FigureName() string {
	words := p.From.VN() + " – " + p.To.VN()
	if item, ok := strings.CutPrefix(p.Figure, "item-"); ok {
		return p.T("findings.chip.failed", "item", item) + ", " + words
	}
	return p.Of("findings.figure", p.Figure) + ", " + words
}

// Without is the address of the list with one filter less.
func (p findingsPage) Without(name string) string {
	q := url.Values{}
	for k, v := range map[string]string{"q": p.Query, "state": p.State, "item": p.Item, "visit": p.Visit, "unit": p.Unit, "desk": p.Desk, "figure": p.Figure} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if p.Overdue {
		q.Set("overdue", "1")
	}
	q.Del(name)
	if q.Has("figure") {
		q.Set("from", string(p.From))
		q.Set("to", string(p.To))
	}
	if len(q) == 0 {
		return "/findings"
	}
	return "/findings?" + q.Encode()
}

// filter turns the address into the service's filter. Code: invalid.
func (p findingsPage) filter() (finding.Filter, error) {
	f := finding.Filter{Unit: p.Unit, Visit: p.Visit, Item: p.Item, Desk: p.Desk, Query: p.Query, Overdue: p.Overdue}
	switch {
	case p.State == stateOpen:
		f.States = openStates
	case p.State != "" && slices.Contains(finding.States, finding.State(p.State)):
		f.States = []finding.State{finding.State(p.State)}
	case p.State != "":
		return f, inspection.E(inspection.Invalid, "error.invalid").Field("state", "error.field")
	}
	return f, nil
}

// quickLinks are the counts that tell a team or a chair where to look first.
func (s *Server) quickLinks(ctx context.Context, b Base) ([]quickLink, error) {
	t, err := s.Findings.Tallied(ctx, b.Actor)
	if err != nil {
		return nil, err
	}
	out := []quickLink{
		{"/findings?overdue=1", b.T("finding.flag.OVERDUE"), t.Overdue, t.Overdue > 0},
		{"/findings?state=SUBMITTED", b.T("finding.state.SUBMITTED"), t.By[finding.Submitted], false},
		{"/findings?state=REINSPECT_DUE", b.T("finding.state.REINSPECT_DUE"), t.By[finding.ReinspectDue], false},
		{"/findings?state=open", b.T("findings.open"), t.Open, false},
	}
	return out, nil
}

// inboxSize is how many open findings the inbox sorts; a unit with more sees the
// table for the rest.
const inboxSize = 500

// inbox orders what a unit has to do by what hurts most.
func (s *Server) inbox(c echo.Context, page findingsPage) error {
	ctx, a := c.Request().Context(), actor(c)
	page.Inbox, page.Title = true, page.T("findings.inbox")
	lines, more, err := s.Findings.List(ctx, a, finding.Filter{States: openStates}, inspection.Page{Limit: inboxSize})
	if err != nil {
		return err
	}
	page.Cut, page.Heads = more != "", a.Is(inspection.UnitHead)
	if page.Records, err = s.Findings.RecordsOwed(ctx, a, 50); err != nil {
		return err
	}
	ended, _, err := s.Findings.List(ctx, a, finding.Filter{States: []finding.State{finding.Verified, finding.ClosedNotFixed, finding.Withdrawn, finding.Merged}}, inspection.Page{Limit: 20})
	if err != nil {
		return err
	}
	pictures, err := s.pictures(c, append(slices.Clone(lines), ended...))
	if err != nil {
		return err
	}
	for _, l := range lines {
		card := findingCard{Line: l, Photo: pictures[l.ID], Do: page.todo(l)}
		if card.Do == "" {
			page.Waiting = append(page.Waiting, card)
		} else {
			page.Todo = append(page.Todo, card)
		}
	}
	slices.SortStableFunc(page.Todo, func(x, y findingCard) int {
		return cmp.Or(cmp.Compare(urgency(x.Line), urgency(y.Line)), cmp.Compare(x.dueFirst(), y.dueFirst()))
	})
	for _, l := range ended {
		page.Ended = append(page.Ended, findingCard{Line: l, Photo: pictures[l.ID]})
	}
	return s.render(c, http.StatusOK, "findings", page)
}

// todo is the one thing that the unit can do about a finding now; empty where others
// must act, where the clocks stand still and where the time to explain is over. Who
// may not answer for the unit, but sees its findings, has nothing to do.
func (b Base) todo(l finding.Line) finding.Event {
	may := finding.May(b.Actor, l.Finding)
	for _, e := range []finding.Event{finding.Acknowledge, finding.Plan, finding.Submit, finding.Explain} {
		if slices.Contains(may, e) && (e != finding.Explain || b.Now.Date() <= l.ExplainDue) {
			return e
		}
	}
	return ""
}

// urgency orders the inbox: overdue, due soon, an explanation that can still be
// given, the rest.
func urgency(l finding.Line) int {
	switch {
	case l.Overdue:
		return 0
	case l.HasDue && l.Left <= soonDays:
		return 1
	case l.State == finding.Recorded:
		return 2
	}
	return 3
}

func (f findingCard) dueFirst() inspection.Date {
	if f.State == finding.Recorded {
		return f.ExplainDue
	}
	return f.DueOn
}

// pictures finds one small picture for each finding that the reader may see one of.
func (s *Server) pictures(c echo.Context, lines []finding.Line) (map[string]*photo, error) {
	out := map[string]*photo{}
	asked := map[string]bool{}
	for _, l := range lines {
		if asked[l.VisitID] {
			continue
		}
		asked[l.VisitID] = true
		files, err := s.Evidence.ForVisit(c.Request().Context(), actor(c), l.VisitID)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			for _, on := range f.On {
				if p := photoOf(f, on.Role); on.Kind == evidence.OnFinding && p.Thumb != "" && !p.Sketch && out[on.ID] == nil {
					out[on.ID] = &p
				}
			}
		}
	}
	return out, nil
}

// stepRow is one dated line of the story.
type stepRow struct {
	finding.Step
	Actor       string
	NewDue      inspection.Date
	NewSeverity finding.Severity
	Photos      []photo
	Explanation *finding.Explanation // given, or answered, by this step
	Extension   *finding.Extension   // asked for, or decided, by this step
}

type findingPage struct {
	Base
	F           finding.Detail
	Unit        string // who answers now
	Before      []photo
	After       []photo
	Story       []stepRow
	Said        *stepRow // what was last said and waits for the reader: a report, a return, a verdict
	Unruled     []finding.Explanation
	Asked       *finding.Extension
	Primary     *act
	Others      []act
	Form        string
	Typed       map[string]string
	Kept        []string // files of a refused form that have arrived
	Orphan      string   // what was typed into a form that the finding has no place for any more
	Merge       []finding.Line
	Heirs       []org.Organisation
	Into        *finding.Line // the finding that this one was merged into
	Conclude    bool
	Reinspect   bool
	Recommended []finding.RecommendationLine
	Failed      []stillLine // stills that a camera did not give
	Compares    bool        // there are pictures from before and after to lay upon each other
	Views       string      // the script that does
	Script      string
	MaxBytes    int64
	explanation map[string][]photo
}

func (s *Server) findingPage(c echo.Context) error {
	page, err := s.findingView(c, c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "finding", page)
}

// findingView gathers the page of one finding for its reader. Codes: unauthenticated,
// not_found.
func (s *Server) findingView(c echo.Context, id string) (findingPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	d, err := s.Findings.Get(ctx, a, id)
	if err != nil {
		return findingPage{}, err
	}
	page := findingPage{Base: s.base(c, "findings.title"), F: d, Form: inspection.NewID(), Typed: map[string]string{},
		Script: s.asset("upload.js"), MaxBytes: s.config.MaxBytes}
	page.Title = d.ItemCode + " – " + d.Place()
	if err := s.findingPhotos(c, &page); err != nil {
		return page, err
	}
	ids := []string{d.ResponsibleID}
	for _, st := range d.Steps {
		if st.ActorID != "" {
			ids = append(ids, st.ActorID)
		}
	}
	names, err := s.Org.Names(ctx, a, ids...)
	if err != nil {
		return page, err
	}
	page.Unit = names[d.ResponsibleID]
	heirs, alone, err := s.Org.Heirs(ctx, a, d.ResponsibleID, page.Now.Date())
	if err != nil {
		return page, err
	}
	if alone {
		page.Unit = heirs[0].Name
	}
	for i := range page.Story {
		page.Story[i].Actor = names[page.Story[i].ActorID]
	}
	for _, x := range d.Explanations {
		if x.Ruling == finding.RulingNone {
			page.Unruled = append(page.Unruled, x)
		}
	}
	for i, x := range d.Extensions {
		if x.State == finding.ExtensionAsked && x.AskedAt >= d.AssignedAt {
			page.Asked = &d.Extensions[i]
		}
	}
	if err := s.mergeChoices(ctx, &page); err != nil {
		return page, err
	}
	page.acts()
	if slices.Contains(d.May, finding.Assign) && !alone {
		page.Heirs = heirs
	}
	all, err := s.Findings.Recommendations(ctx, a, d.VisitID, recommendationsMost)
	if err != nil {
		return page, err
	}
	for _, r := range all {
		if r.FindingID == nil || *r.FindingID == d.ID {
			page.Recommended = append(page.Recommended, r)
		}
	}
	page.Conclude = slices.Contains(d.May, finding.Confirm)
	if _, plans := org.Can(a, org.PlanTarget, org.Subject{Team: d.TeamID}); plans && d.State == finding.ReinspectDue && !d.OnHold {
		page.Reinspect = true
	}
	return page, nil
}

// mergeChoices lists the findings of the same check that this one may be folded into,
// and names the one that it was.
func (s *Server) mergeChoices(ctx context.Context, page *findingPage) error {
	may := slices.Contains(page.F.May, finding.Merge)
	if !may && page.F.MergedInto == nil {
		return nil
	}
	lines, _, err := s.Findings.ForVisit(ctx, page.Actor, page.F.VisitID, inspection.Page{Limit: 500})
	if err != nil {
		return err
	}
	for i, l := range lines {
		if page.F.MergedInto != nil && l.ID == *page.F.MergedInto {
			page.Into = &lines[i]
		}
		if may && l.ID != page.F.ID && (l.State == finding.Recorded || l.State == finding.Explained) {
			page.Merge = append(page.Merge, l)
		}
	}
	return nil
}

// findingPhotos puts the pictures where they belong: before and after beside each
// other, those of a step or an explanation with it.
func (s *Server) findingPhotos(c echo.Context, page *findingPage) error {
	ctx, a, d := c.Request().Context(), actor(c), page.F
	own, err := s.photosOn(c, "", evidence.OnFinding, d.ID)
	if err != nil {
		return err
	}
	if page.Failed, err = s.findingStills(ctx, a, d, own); err != nil {
		return err
	}
	page.Before, page.After = beforeAfter(own, d.VisitID)
	if page.Compares = len(comparable(page.Before)) > 0 && len(comparable(page.After)) > 0; page.Compares {
		page.Views = s.asset("views.js")
	}
	files, err := s.Evidence.ForVisit(ctx, a, d.VisitID)
	if err != nil {
		return err
	}
	on := map[string][]photo{}
	for _, f := range files {
		for _, link := range f.On {
			if link.Kind == evidence.OnStep || link.Kind == evidence.OnExplanation {
				on[link.ID] = append(on[link.ID], photoOf(f, link.Role))
			}
		}
	}
	page.explanation = on
	due, severity := inspection.Date(""), finding.Severity("")
	for i, st := range d.Steps {
		row := stepRow{Step: st, Photos: on[st.ID]}
		for _, p := range own {
			if st.VisitID != nil && p.Item.Visit == *st.VisitID {
				row.Photos = append(row.Photos, p)
			}
		}
		if i > 0 && st.Severity != severity {
			row.NewSeverity = st.Severity
		}
		if st.DueOn != due {
			row.NewDue = st.DueOn
		}
		due, severity = st.DueOn, st.Severity
		for j, x := range d.Explanations {
			if st.Event == finding.Explain && x.ID == st.ID || st.Event == finding.Rule && x.RuledAt == st.At {
				row.Explanation = &d.Explanations[j]
			}
		}
		for j, x := range d.Extensions {
			decided := st.Event == finding.GrantExtension || st.Event == finding.RefuseExtension
			if st.Event == finding.AskExtension && x.ID == st.ID || decided && x.DecidedAt == st.At {
				row.Extension = &d.Extensions[j]
			}
		}
		page.Story = append(page.Story, row)
	}
	for i, row := range page.Story {
		switch row.Event {
		case finding.Acknowledge, finding.NeedReinspection:
			continue
		}
		if row.From != row.To { // the last act that moved it, where it holds words
			page.Said = nil
			if row.Text != "" && row.To.Open() && row.Event != finding.Record {
				page.Said = &page.Story[i]
			}
		}
	}
	return nil
}

// PhotosOf are the pictures of an explanation.
func (p findingPage) PhotosOf(x finding.Explanation) []photo { return p.explanation[x.ID] }

// reinspected is a finding as a re-inspection shows it to a member of the team, with
// the pictures that this person may open small.
func (s *Server) reinspected(ctx context.Context, a inspection.Actor, id string) (reinspectedBody, error) {
	d, err := s.Findings.Get(ctx, a, id)
	if err != nil {
		return reinspectedBody{}, err
	}
	b := reinspectedBody{ID: d.ID, Code: d.ItemCode, Text: d.Text, Remedy: d.Remedy, Severity: string(d.Severity), Due: string(d.DueOn), Photos: []photoRoleBody{}}
	hangs := map[evidence.Subject]bool{{Kind: evidence.OnFinding, ID: d.ID}: true}
	for _, st := range d.Steps {
		hangs[evidence.Subject{Kind: evidence.OnStep, ID: st.ID}] = true
	}
	files, err := s.Evidence.ForVisit(ctx, a, d.VisitID)
	if err != nil {
		return b, err
	}
	for _, f := range files {
		if !f.Whole || f.NeedsReason || !f.Has() {
			continue
		}
		for _, on := range f.On {
			if hangs[on.Subject] {
				b.Photos = append(b.Photos, photoRoleBody{f.ID, string(on.Role)})
				break
			}
		}
	}
	return b, nil
}
