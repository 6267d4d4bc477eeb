package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type minutesItem struct {
	Code, Text string
	Value      string
	Note       string
	Failed     bool
}

type minutesSection struct {
	Code, Name string
	Items      []minutesItem
	Passed     int
	Of         int
}

type minutesPage struct {
	Base
	V          visit.View
	Document   visit.Document
	Sections   []minutesSection
	Attendance *score.Attendance
	Drafts     []minutesFinding
	Fixed      []minutesFinding
	Dossiers   []minutesItem
	Files      []evidence.Item
	Issuer     string
	IssuerName string
	Signer     string // who signed the decision
	Verdicts   []minutesFinding
	Views      []minutesViews    // of a re-inspection
	Missed     bool              // some pair of pictures could not be compared
	Where      string            // the place in the head: the unit's name without its type
	Members    []visit.Member    // the head first
	On         map[string]string // codes of the items that a file hangs on, by file
	Script     string
	Stills     []stillLine // that the cameras did not give
	Looks      []lookStill // of a look from the office
	Opinions   []opinionLine
}

// minutesViews is how the view has changed between the pictures of a finding.
type minutesViews struct {
	Code, Text string
	Pairs      []viewPair
}

type minutesFinding struct {
	Code, Text, Basis, Severity, Remedy string
	Photos                              int
}

// minutesPage is the minutes as the paper that they will be (domain §3.4, §3.6). An
// unregistered document prints a blank for its number.
func (s *Server) minutesPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	v, err := s.Visits.Get(ctx, a, c.Param("id"))
	if err != nil {
		return err
	}
	page := minutesPage{Base: s.base(c, "minutes.title"), V: v, Document: v.Documents[visit.MinutesDoc], Attendance: v.State.Attendance(v.Rules),
		Members: byRank(v.Members), On: map[string]string{}, Script: s.asset("print.js")}
	names, err := s.Org.Names(ctx, a, v.IssuerID)
	if err != nil {
		return err
	}
	page.IssuerName = names[v.IssuerID]
	if page.Signer, err = s.Visits.Signer(ctx, v.Visit); err != nil {
		return err
	}
	if page.Where, err = s.Org.PlaceOf(ctx, a, v.OrganisationID); err != nil {
		return err
	}
	page.sections()
	page.findings()
	if v.Form == plan.Reinspection {
		if err := s.verdicts(c, &page); err != nil {
			return err
		}
	}
	files, err := s.Evidence.ForVisit(ctx, a, v.ID)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Side != evidence.Team {
			continue
		}
		page.Files = append(page.Files, f)
		var on []string
		for _, link := range f.On {
			if it, ok := v.Item(link.ID); ok && link.Kind == evidence.OnItem {
				on = append(on, it.Code)
			}
		}
		page.On[f.ID] = strings.Join(on, ", ")
	}
	if v.Remote() {
		if page.Looks, err = s.lookStills(c, v); err != nil {
			return err
		}
		slices.Reverse(page.Looks) // the first first
		if page.Opinions, err = s.opinions(c, v); err != nil {
			return err
		}
	}
	if page.Stills, err = s.stills(c, v); err != nil {
		return err
	}
	page.Stills = slices.DeleteFunc(page.Stills, func(l stillLine) bool { return l.State != snapshot.Failed })
	return s.render(c, http.StatusOK, "minutes", page)
}

// byRank is the members of a team as papers name them: the head first.
func byRank(members []visit.Member) []visit.Member {
	order := []inspection.Role{inspection.TeamLead, inspection.DeputyLead, inspection.TeamSecretary, inspection.Inspector}
	out := slices.Clone(members)
	slices.SortStableFunc(out, func(a, b visit.Member) int { return slices.Index(order, a.Role) - slices.Index(order, b.Role) })
	return out
}

func (p *minutesPage) sections() {
	if p.V.Form == plan.Reinspection || p.V.State.Cannot != nil {
		return
	}
	for _, it := range p.V.Checklist.Items {
		rule, _ := p.V.Rules.Item(it.Key)
		if !rule.Applies || p.V.Remote() && p.V.State.Answers[it.Key].Value == "" { // a look answers what it shows
			continue
		}
		if len(p.Sections) == 0 || p.Sections[len(p.Sections)-1].Code != it.Section {
			p.Sections = append(p.Sections, minutesSection{Code: it.Section, Name: it.SectionVI})
		}
		section := &p.Sections[len(p.Sections)-1]
		a := p.V.State.Answers[it.Key]
		row := minutesItem{Code: it.Code, Text: it.TextVI, Note: a.Note, Failed: p.V.State.Failed(p.V.Rules, rule), Value: p.value(it, a)}
		later := a.Value == "" && it.Source == string(score.FromRecord)
		if row.Value != "" && a.Value != score.NA && !later && p.V.State.Assessed(p.V.Rules, rule) {
			section.Of++
			if !row.Failed {
				section.Passed++
			}
		}
		section.Items = append(section.Items, row)
		if len(a.Dossiers) > 0 {
			p.Dossiers = append(p.Dossiers, minutesItem{Code: it.Code, Value: strings.Join(a.Dossiers, ", ")})
		}
	}
}

// value is an answer in words.
func (p *minutesPage) value(it checklist.Item, a visit.Answer) string {
	switch {
	case a.Value == score.NA:
		return p.VI().T("tablet.value.NA") + ": " + a.NAReason
	case a.Value == score.Count && a.Failing == 0:
		return p.VI().T("minutes.count.clean", "of", a.Of)
	case a.Value == score.Count:
		return p.VI().T("minutes.count", "failing", a.Failing, "of", a.Of)
	case a.Value != "":
		return p.VI().Of("tablet.value", a.Value)
	case it.Source == string(score.FromAttendance) && !p.V.State.CountedAt.IsZero():
		rule, _ := p.V.Rules.Item(it.Key)
		switch {
		case p.V.State.Failed(p.V.Rules, rule):
			return p.VI().T("tablet.value.NO")
		case p.V.State.Assessed(p.V.Rules, rule):
			return p.VI().T("minutes.counted")
		case p.V.State.Attendance(p.V.Rules).OutsideHours:
			return p.VI().T("tablet.computed.outside")
		}
		return p.VI().T("tablet.computed.none")
	case it.Source == string(score.FromRecord):
		return p.VI().T("minutes.auto")
	}
	return ""
}

func (p *minutesPage) findings() {
	for _, d := range p.V.State.Drafted(p.V.Rules) {
		it, _ := p.V.Item(d.Item)
		a := p.V.State.Answers[d.Item]
		f := minutesFinding{Code: it.Code, Severity: string(d.Severity), Photos: len(p.V.State.Photos[d.Item])}
		f.Text, f.Remedy = visit.Words(it, d, a)
		var bases []string
		for _, b := range it.Bases {
			bases = append(bases, b.String())
		}
		f.Basis = strings.Join(bases, "; ")
		if a.Fixed {
			p.Fixed = append(p.Fixed, f)
		}
		p.Drafts = append(p.Drafts, f)
	}
}

// verdicts adds what a re-inspection says of each finding. The minutes print whatever
// becomes of comparing pictures, which has so long.
func (s *Server) verdicts(c echo.Context, page *minutesPage) error {
	const comparing = 20 * time.Second
	patience, cancel := context.WithTimeout(c.Request().Context(), comparing)
	defer cancel()
	for _, id := range page.V.Rules.Findings {
		f, err := s.Findings.Get(c.Request().Context(), actor(c), id)
		if err != nil {
			return err
		}
		v := page.V.State.Verdicts[id]
		row := minutesFinding{Code: f.ItemCode, Text: f.Text, Basis: f.Basis, Severity: string(f.Severity), Remedy: v.Text, Photos: len(page.V.State.Photos[id])}
		if v.Verdict != "" {
			row.Severity = page.VI().Of("tablet.verdict", v.Verdict)
		}
		page.Verdicts = append(page.Verdicts, row)
		own, err := s.photosOn(c, "", evidence.OnFinding, id)
		if err != nil {
			return err
		}
		before, after := beforeAfter(own, f.VisitID)
		after = slices.DeleteFunc(after, func(p photo) bool { return p.Item.Visit != page.V.ID })
		if page.Missed { // the store is down, or time is up
			continue
		}
		pairs, missed, err := s.viewPairs(c.Request().Context(), patience, actor(c), before, after)
		if err != nil {
			return err
		}
		page.Missed = missed != nil
		if len(pairs) > 0 {
			page.Views = append(page.Views, minutesViews{f.ItemCode, f.Text, pairs})
		}
	}
	return nil
}
