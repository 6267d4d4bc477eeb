package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"congvu/evidence"
	"congvu/evidence/imaging"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type visitsPage struct {
	Base
	Query    string
	State    string
	From, To string
	Form     string
	States   []string
	Visits   []visit.Visit
	Next     string
	Team     bool
	Plans    bool   // fills the plan of a team
	Figure   string // of the overview, when the list shows what it counts
}

// visitsPage lists the checks that the reader may know of.
func (s *Server) visitsPage(c echo.Context) error {
	page := visitsPage{Base: s.base(c, "visits.title"), Query: c.QueryParam("q"), State: c.QueryParam("state"), From: c.QueryParam("from"),
		To: c.QueryParam("to"), Form: c.QueryParam("form"), Team: actor(c).Is(teamRoles...), Plans: plansTargets(actor(c)),
		States: []string{"IN_PROGRESS", "CANNOT_INSPECT", "MINUTES_DRAFT", "MINUTES_SIGNED", "MINUTES_UNSIGNED", "REPORTED", "CONCLUDED"}}
	from, err := inspection.ParseDate(page.From)
	if err != nil {
		return err
	}
	to, err := inspection.ParseDate(page.To)
	if err != nil {
		return err
	}
	page.Figure = c.QueryParam("figure")
	f := visit.Filter{Query: page.Query, From: from, To: to, Desk: c.QueryParam("desk"), Form: page.Form}
	if page.State != "" {
		f.States = []visit.Phase{visit.Phase(page.State)}
	}
	behind, err := s.behind(c)
	if err != nil {
		return err
	}
	f.IDs = behind.IDs
	visits, next, err := s.Visits.List(c.Request().Context(), actor(c), f, pageOf(c))
	if err != nil {
		return err
	}
	page.Visits = visits
	page.Next, _ = pagerOf(c, next)
	return s.render(c, http.StatusOK, "visits", page)
}

type documentRow struct {
	Kind     visit.Kind
	Number   string
	On       inspection.Date
	Register bool
	Href     string
}

type visitPage struct {
	Base
	V            visit.View
	Findings     []finding.Line
	Documents    []documentRow
	Form         string
	CanReport    bool
	CanConclude  bool
	CanReinspect bool
	Closed       bool
	Photos       int
	Unconfirmed  int
	Score        *visit.Frozen
	Clocks       []string // what is odd about the clocks of the devices
	Replies      []finding.Reply
	Stills       []lookStill // of a look from the office
	Opinions     []opinionLine
	Opinion      string // that was typed
	CanOpine     bool
}

// clocks says what is odd about the devices' clocks.
func clocks(b Base, v visit.View) (said []string) {
	for _, c := range v.Clocks() {
		device := c.Device[max(0, len(c.Device)-4):]
		off := c.Off.Abs().Round(time.Minute)
		key := "visit.clock.behind"
		switch {
		case c.Unknown:
			key = "visit.clock.unknown"
		case c.SetBack:
			key = "visit.clock.set_back"
		case c.Off < 0:
			key = "visit.clock.ahead"
		}
		said = append(said, b.T(key, "device", device, "h", int(off.Hours()), "m", int(off.Minutes())%60))
	}
	return said
}

// Register is what a register of the fold is called: an item's code, or a part of the
// minutes or of the attendance table.
func (p visitPage) Register(subject string) string {
	kind, rest, found := strings.Cut(subject, "/")
	switch {
	case !found:
		return subject
	case kind == "minutes":
		return p.T("tablet.minutes." + rest)
	}
	return p.T("tablet.conflict." + kind)
}

func (s *Server) visitPage(c echo.Context) error {
	page, err := s.visitView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "visit", page)
}

func (s *Server) visitView(c echo.Context) (visitPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	v, frozen, err := s.Visits.Score(ctx, a, c.Param("id"))
	if err != nil {
		return visitPage{}, err
	}
	page := visitPage{Base: s.base(c, "visit.title"), V: v, Form: inspection.NewID(), Score: frozen}
	page.Title = v.Place()
	page.Clocks = clocks(page.Base, v)
	if page.Findings, _, err = s.Findings.ForVisit(ctx, a, v.ID, inspection.Page{Limit: 200}); err != nil {
		return page, err
	}
	if page.Replies, err = s.Findings.Replies(ctx, a, v.ID); err != nil {
		return page, err
	}
	slices.SortStableFunc(page.Findings, func(x, y finding.Line) int { return strings.Compare(x.ItemCode, y.ItemCode) })
	page.V.Members = byRank(v.Members)
	_, reports := org.Can(a, org.ReportVisit, v.Subject())
	_, concludes := org.Can(a, org.ConcludeVisit, v.Subject())
	_, finishes := org.Can(a, org.FinishVisit, v.Subject())
	full := v.Form != plan.Reinspection
	page.CanReport = reports && full && (v.State.Phase == visit.MinutesOK || v.State.Phase == visit.MinutesNoSig || v.State.Phase == visit.Cannot)
	page.CanConclude = concludes && v.State.Phase == visit.Reported
	for _, d := range []struct {
		kind  visit.Kind
		may   bool
		ready bool
		href  string
	}{
		{visit.MinutesDoc, finishes, v.State.Phase != visit.Inspecting, "/visits/" + v.ID + "/minutes"},
		{visit.ReportDoc, reports, v.State.Report != nil, ""},
		{visit.ConclusionDoc, concludes, v.State.Conclusion != nil, ""},
	} {
		if d.kind != visit.MinutesDoc && !full {
			continue
		}
		doc := v.Documents[d.kind]
		page.Documents = append(page.Documents, documentRow{Kind: d.kind, Number: doc.Printed(), On: doc.RegisteredOn,
			Register: d.may && d.ready && doc.Number == 0, Href: d.href})
	}
	page.Closed = v.State.Phase == visit.Concluded
	for _, f := range page.Findings {
		if f.State.Open() {
			page.Closed = false
		}
		if f.State == finding.ReinspectDue && reports {
			page.CanReinspect = true
		}
	}
	if v.Remote() {
		if err := s.seen(c, &page); err != nil {
			return page, err
		}
	}
	files, err := s.Evidence.ForVisit(ctx, a, v.ID)
	if err != nil {
		return page, err
	}
	page.Photos = len(files)
	for _, f := range files {
		if f.Side == evidence.Team && f.CanConfirm && f.Shared == nil && (f.Kind == evidence.Photo || f.Kind == evidence.CameraSnapshot) {
			page.Unconfirmed++
		}
	}
	return page, nil
}

// seen adds what a look from the office showed, and what its unit says of it.
func (s *Server) seen(c echo.Context, page *visitPage) (err error) {
	if page.Opinions, err = s.opinions(c, page.V); err != nil {
		return err
	}
	_, may := org.Can(page.Actor, org.OpineVisit, page.V.Subject())
	page.CanOpine = may && page.V.State.Phase == visit.MinutesNoSig
	page.CanReport = page.CanReport && page.V.State.Awaits(page.V.Visit, page.Now.Date()) == ""
	page.Stills, err = s.lookStills(c, page.V)
	return err
}

func (s *Server) registerDocument(c echo.Context) error {
	if _, err := s.Visits.Register(c.Request().Context(), actor(c), c.Param("id"), visit.Kind(c.FormValue("kind"))); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"?done=registered")
}

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

type scorePage struct {
	Base
	V     visit.View
	Score *visit.Frozen
	Codes map[string]string // codes of findings, by id
}

// ItemText is an item of the frozen checklist in the reader's language.
func (p scorePage) ItemText(key, vi string) string {
	it, _ := p.V.Item(key)
	return p.Either(vi, it.TextEN)
}

// SectionName is a section of the frozen checklist in the reader's language.
func (p scorePage) SectionName(code, vi string) string {
	for _, it := range p.V.Checklist.Items {
		if it.Section == code {
			return p.Either(vi, it.SectionEN)
		}
	}
	return vi
}

// scorePage explains a frozen score line by line.
func (s *Server) scorePage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	v, frozen, err := s.Visits.Score(ctx, a, c.Param("id"))
	if err != nil {
		return err
	}
	if frozen == nil {
		return inspection.E(inspection.NotFound, "score.none")
	}
	page := scorePage{Base: s.base(c, "score.title"), V: v, Score: frozen, Codes: map[string]string{}}
	for _, d := range frozen.Deducted {
		if f, err := s.Findings.Get(ctx, a, d.Finding); err == nil {
			page.Codes[d.Finding] = f.ItemCode
		}
	}
	return s.render(c, http.StatusOK, "score", page)
}

type photosPage struct {
	Base
	V      visit.View
	Photos []photo
	Stills []stillLine
	Open   int               // pictures that wait to be confirmed
	Items  map[string]string // what each hangs on, in words
	Form   string
	Script string
}

// PerCent is a share of a picture's side as the form takes it.
func (p photosPage) PerCent(share float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(100*share, 'f', 1, 64), ".0")
}

// photosPage is where members of the team confirm what others may see.
func (s *Server) photosPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	v, err := s.Visits.Get(ctx, a, c.Param("id"))
	if err != nil {
		return err
	}
	files, err := s.Evidence.ForVisit(ctx, a, v.ID)
	if err != nil {
		return err
	}
	page := photosPage{Base: s.base(c, "photos.title"), V: v, Items: map[string]string{}, Script: s.asset("boxes.js")}
	for _, f := range files {
		role := evidence.Evidence
		var on []string
		for _, link := range f.On {
			role = link.Role
			if it, ok := v.Item(link.ID); ok && link.Kind == evidence.OnItem {
				on = append(on, it.Code+" – "+it.TextVI)
			}
		}
		page.Items[f.ID] = strings.Join(on, "; ")
		p := photoOf(f, role)
		if p.Confirm && !p.Shared {
			page.Open++
		}
		page.Photos = append(page.Photos, p)
	}
	if v.MayInspect {
		if page.Stills, err = s.stills(c, v); err != nil {
			return err
		}
	}
	return s.render(c, http.StatusOK, "photos", page)
}

// confirmPhotos confirms every picture that was ticked as showing nobody and no
// citizen's papers. Each is a confirmation of its own; the first that is refused
// stops the rest, and those before it stand.
func (s *Server) confirmPhotos(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	if err := s.filesOf(c, form["file"]); err != nil {
		return err
	}
	for _, id := range form["file"] {
		if err := s.Evidence.ConfirmShared(c.Request().Context(), actor(c), id, nil, true); err != nil {
			return err
		}
	}
	if len(form["file"]) == 0 {
		return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos")
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=shared")
}

// filesOf holds that files are of the check in the address, as its reader sees it.
// Code: not_found.
func (s *Server) filesOf(c echo.Context, ids []string) error {
	v, err := s.Visits.Get(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	for _, id := range ids {
		f, err := s.Evidence.Get(c.Request().Context(), actor(c), id)
		if err == nil && f.Visit != v.ID {
			err = inspection.E(inspection.NotFound, "evidence.error.not_found")
		} else if err == nil && !f.Whole {
			err = org.MustNot()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// confirmPhoto confirms the copy of one picture with what is to be covered in it.
func (s *Server) confirmPhoto(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	if err := s.filesOf(c, []string{c.Param("file")}); err != nil {
		return err
	}
	boxes, err := boxesOf(form)
	if err != nil {
		return err
	}
	if err := s.Evidence.ConfirmShared(c.Request().Context(), actor(c), c.Param("file"), boxes, false); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=shared#file-"+c.Param("file"))
}

// giveUpPhoto ends the waiting for a file that will not come.
func (s *Server) giveUpPhoto(c echo.Context) error {
	if err := s.filesOf(c, []string{c.Param("file")}); err != nil {
		return err
	}
	if err := s.Evidence.GiveUp(c.Request().Context(), actor(c), c.Param("file"), c.FormValue("reason")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=given_up#file-"+c.Param("file"))
}

// boxesOf reads the boxes to be covered: left, top, width, height in per cent of the
// picture, one entry each per box; boxes without a size are left out.
func boxesOf(form url.Values) ([]imaging.Box, error) {
	var boxes []imaging.Box
	for i := range form["left"] {
		var v [4]float64
		for j, name := range []string{"left", "top", "width", "height"} {
			if i >= len(form[name]) {
				return nil, inspection.E(inspection.Invalid, "error.invalid")
			}
			n, err := parsePercent(form[name][i])
			if err != nil {
				return nil, err
			}
			v[j] = n
		}
		if v[2] > 0 && v[3] > 0 {
			boxes = append(boxes, imaging.Box{X: v[0], Y: v[1], W: min(v[2], 1-v[0]), H: min(v[3], 1-v[1])})
		}
	}
	return boxes, nil
}

type reportPage struct {
	Base
	V        visit.View
	Form     string
	Report   visit.Report
	Replies  []finding.Reply
	Opinions []opinionLine   // of a look from the office
	Waits    inspection.Date // until when its unit may still speak
}

func (s *Server) reportPage(c echo.Context) error {
	v, err := s.Visits.Get(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	if _, ok := org.Can(actor(c), org.ReportVisit, v.Subject()); !ok {
		return org.MustNot()
	}
	replies, err := s.Findings.Replies(c.Request().Context(), actor(c), v.ID)
	if err != nil {
		return err
	}
	opinions, err := s.opinions(c, v)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "report", reportPage{Base: s.base(c, "report.title"), V: v, Form: inspection.NewID(), Replies: replies, Opinions: opinions, Waits: v.State.Awaits(v.Visit, s.Clock.Now().Date())})
}

func (s *Server) report(c echo.Context) error {
	ctx, a, id := c.Request().Context(), actor(c), c.Param("id")
	r := visit.Report{Summary: c.FormValue("summary"), Causes: c.FormValue("causes"), Proposals: c.FormValue("proposals")}
	version, err := formVersion(c)
	if err == nil {
		err = s.Visits.Report(ctx, a, id, formID(c), version, r)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+id+"?done=reported")
	}
	v, again := s.Visits.Get(ctx, a, id)
	if again != nil {
		return again
	}
	page := reportPage{Base: s.base(c, "report.title"), V: v, Form: formID(c), Report: r}
	if page.Replies, again = s.Findings.Replies(ctx, a, id); again != nil {
		return again
	}
	if page.Opinions, again = s.opinions(c, v); again != nil {
		return again
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "report", page) })
}

// formAgain shows a form again with what is wrong and all that was typed; an error
// that is no matter of the form goes on.
func (s *Server) formAgain(c echo.Context, b *Base, err error, draw func() error) error {
	request, _ := c.Get(keyRequest).(string)
	if !b.with(err, request) {
		return err
	}
	return draw()
}
