package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/selfcheck"

	"github.com/labstack/echo/v4"
)

// selfChecksPage is self-inspection for its reader: what a unit is asked for and has, what
// an office has asked and how many have done it.
type selfChecksPage struct {
	Base
	Requests    []selfcheck.Request
	Rounds      []selfcheck.RoundLine
	Lines       []selfcheck.Line
	Next, First string
	MayAsk      bool
	MayPlan     bool
}

func (s *Server) selfChecksPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	page := selfChecksPage{Base: s.base(c, "selfcheck.title")}
	var err error
	if page.Requests, err = s.SelfChecks.Requests(ctx, a); err != nil {
		return err
	}
	if page.Rounds, err = s.SelfChecks.Rounds(ctx, a); err != nil {
		return err
	}
	var next string
	if page.Lines, next, err = s.SelfChecks.List(ctx, a, pageOf(c)); err != nil {
		return err
	}
	page.Next, page.First = pagerOf(c, next)
	issuers, err := s.SelfChecks.Issuers(ctx, a)
	if err != nil {
		return err
	}
	units, err := s.SelfChecks.Units(ctx, a)
	page.MayAsk, page.MayPlan = len(issuers) > 0, len(units) > 0
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "selfchecks", page)
}

// SelfStateClass is the class of a state's tag; the tag always holds its word.
func (Base) SelfStateClass(v selfcheck.State) string {
	switch v {
	case selfcheck.HandedIn:
		return "good"
	case selfcheck.Draft:
		return "soon"
	}
	return "plain"
}

// Percent is a share in hundredths of a per cent, a dash below zero.
func (b Base) ShareOf(v score.Points) string {
	if v < 0 {
		return "–"
	}
	return percent(b, int64(v))
}

// Part is part of all as a share.
func (b Base) Part(part, of int) string {
	if of == 0 {
		return "–"
	}
	return percent(b, int64(part)*10000/int64(of))
}

// Gap is a difference in hundredths with its sign.
func (b Base) GapOf(v score.Points) string {
	if v > 0 {
		return "+" + b.Points(int64(v))
	}
	return b.Points(int64(v))
}

// GapClass marks a unit that says much more of itself than was found.
func (Base) GapClass(v score.Points) string {
	if v >= 1000 {
		return "late"
	}
	return ""
}

// Figure is a score that package score has counted.
func (b Base) Figure(v score.Points) string { return b.Points(int64(v)) }

type selfRoundForm struct {
	Base
	N          selfcheck.NewRound
	Issuers    []org.Organisation
	Checklists []checklist.Checklist
}

func (p *selfRoundForm) fill(s *Server, c echo.Context) (err error) {
	if p.Issuers, err = s.SelfChecks.Issuers(c.Request().Context(), p.Actor); err != nil {
		return err
	}
	if len(p.Issuers) == 0 {
		return org.MustNot()
	}
	p.Checklists, err = s.publishedLists(c)
	return err
}

// publishedLists are the checklists that can be used, each in its newest version.
func (s *Server) publishedLists(c echo.Context) ([]checklist.Checklist, error) {
	lists, err := s.Checklists.List(c.Request().Context(), actor(c))
	lists = slices.DeleteFunc(lists, func(l checklist.Checklist) bool { return l.State != checklist.Published })
	return lists, err
}

func (s *Server) newSelfRound(c echo.Context) error {
	page := selfRoundForm{Base: s.base(c, "selfcheck.ask"), N: selfcheck.NewRound{ID: inspection.NewID()}}
	if err := page.fill(s, c); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "selfcheck_ask", page)
}

func (s *Server) askSelfChecks(c echo.Context) error {
	n := selfcheck.NewRound{ID: formID(c), IssuerID: c.FormValue("issuer"), Title: c.FormValue("title"), ChecklistID: c.FormValue("checklist"),
		From: inspection.Date(c.FormValue("from")), To: inspection.Date(c.FormValue("to")), Due: inspection.Date(c.FormValue("due"))}
	_, _, err := s.SelfChecks.Ask(c.Request().Context(), actor(c), n)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/self-checks/rounds/"+n.ID+"?done=self_asked")
	}
	page := selfRoundForm{Base: s.base(c, "selfcheck.ask"), N: n}
	if inspection.CheckID(n.ID) != nil {
		page.N.ID = inspection.NewID()
	}
	return s.formAgain(c, &page.Base, err, func() error {
		if err := page.fill(s, c); err != nil {
			return err
		}
		return s.render(c, statuses[toOurs(err).Code], "selfcheck_ask", page)
	})
}

type selfRoundPage struct {
	Base
	R      selfcheck.RoundSheet
	Reason string
}

func (s *Server) selfRound(c echo.Context) (selfRoundPage, error) {
	page := selfRoundPage{Base: s.base(c, "selfcheck.round")}
	var err error
	page.R, err = s.SelfChecks.Round(c.Request().Context(), actor(c), c.Param("id"))
	page.Title = page.R.Title
	return page, err
}

func (s *Server) selfRoundPage(c echo.Context) error {
	page, err := s.selfRound(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "selfcheck_round", page)
}

func (s *Server) cancelSelfRound(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.SelfChecks.CancelRound(c.Request().Context(), actor(c), c.Param("id"), version, c.FormValue("reason"))
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/self-checks/rounds/"+c.Param("id")+"?done=changed")
	}
	page, again := s.selfRound(c)
	if again != nil {
		return again
	}
	page.Reason = c.FormValue("reason")
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "selfcheck_round", page) })
}

type selfPlanForm struct {
	Base
	N          selfcheck.NewCheck
	Round      *selfcheck.Request // on a request: its office, checklist and day are given
	Units      []org.Organisation
	Offices    []org.Organisation
	Checklists []checklist.Checklist
}

func (p *selfPlanForm) fill(s *Server, c echo.Context) (err error) {
	ctx := c.Request().Context()
	if p.Units, err = s.SelfChecks.Units(ctx, p.Actor); err != nil {
		return err
	}
	if len(p.Units) == 0 {
		return org.MustNot()
	}
	if p.N.RoundID != "" {
		requests, err := s.SelfChecks.Requests(ctx, p.Actor)
		if err != nil {
			return err
		}
		for _, r := range requests {
			if r.ID == p.N.RoundID && (p.N.OrganisationID == "" || r.Organisation == p.N.OrganisationID) {
				p.Round, p.N.OrganisationID = &r, r.Organisation
				return nil
			}
		}
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if p.N.OrganisationID == "" {
		p.N.OrganisationID = p.Units[0].ID
	}
	for _, u := range p.Units {
		offices, err := s.SelfChecks.Offices(ctx, p.Actor, u.ID)
		if err != nil {
			return err
		}
		for _, o := range offices {
			if !slices.ContainsFunc(p.Offices, func(x org.Organisation) bool { return x.ID == o.ID }) {
				p.Offices = append(p.Offices, o)
			}
		}
	}
	p.Checklists, err = s.publishedLists(c)
	return err
}

func (s *Server) newSelfCheck(c echo.Context) error {
	page := selfPlanForm{Base: s.base(c, "selfcheck.plan"), N: selfcheck.NewCheck{ID: inspection.NewID(), RoundID: c.QueryParam("round"), OrganisationID: c.QueryParam("unit")}}
	if err := page.fill(s, c); err != nil {
		return err
	}
	if page.Round != nil {
		page.N.From, page.N.To = max(page.Now.Date(), page.Round.From), max(page.Now.Date(), page.Round.Due)
	}
	return s.render(c, http.StatusOK, "selfcheck_plan", page)
}

func (s *Server) planSelfCheck(c echo.Context) error {
	n := selfcheck.NewCheck{ID: formID(c), RoundID: c.FormValue("round"), OrganisationID: c.FormValue("unit"), IssuerID: c.FormValue("issuer"), ChecklistID: c.FormValue("checklist"),
		From: inspection.Date(c.FormValue("from")), To: inspection.Date(c.FormValue("to")), Responsible: c.FormValue("responsible")}
	_, err := s.SelfChecks.Plan(c.Request().Context(), actor(c), n)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/self-checks/"+n.ID+"?done=self_planned")
	}
	page := selfPlanForm{Base: s.base(c, "selfcheck.plan"), N: n}
	if inspection.CheckID(n.ID) != nil {
		page.N.ID = inspection.NewID()
	}
	return s.formAgain(c, &page.Base, err, func() error {
		if again := page.fill(s, c); again != nil {
			return again
		}
		return s.render(c, statuses[toOurs(err).Code], "selfcheck_plan", page)
	})
}

// selfCheckPage is one self-inspection: while it is filled what is open and where, then
// what it says, and the gap once there is one. Fields of its forms come back as they were
// typed.
type selfCheckPage struct {
	Base
	V     selfcheck.View
	Form  string // id of a new thing
	Typed map[string]string
	Act   string // the form that was refused
}

// Value is what stands in a field of a form that was refused, else what is given.
func (p selfCheckPage) Value(act, field string, stands any) string {
	if v, ok := p.Typed[field]; ok && p.Act == act {
		return v
	}
	switch v := stands.(type) {
	case inspection.Date:
		return string(v)
	case string:
		return v
	}
	return ""
}

// Item is the item of a shortcoming.
func (p selfCheckPage) Item(key string) selfcheck.ItemView {
	for _, it := range p.V.Items() {
		if it.Key == key {
			return it
		}
	}
	return selfcheck.ItemView{}
}

// ShortItems are those that the unit itself found short.
func (p selfCheckPage) ShortItems() (out []selfcheck.ItemView) {
	for _, it := range p.V.Items() {
		if it.Short {
			out = append(out, it)
		}
	}
	return out
}

// SectionOf is the name of a section.
func (p selfCheckPage) SectionOf(code string) string {
	for _, s := range p.V.Sections {
		if s.Code == code {
			return code + ". " + p.Either(s.VI, s.EN)
		}
	}
	return code
}

func (s *Server) selfCheckView(c echo.Context) (selfCheckPage, error) {
	page := selfCheckPage{Base: s.base(c, "selfcheck.one"), Form: inspection.NewID(), Typed: map[string]string{}}
	var err error
	page.V, err = s.SelfChecks.Get(c.Request().Context(), actor(c), c.Param("id"))
	page.Title = page.T("selfcheck.of", "unit", page.V.OrganisationName)
	return page, err
}

func (s *Server) selfCheckPage(c echo.Context) error {
	page, err := s.selfCheckView(c)
	if err != nil {
		return err
	}
	if item := c.QueryParam("item"); page.Item(item).Key != "" { // a shortcoming of this item is to be noted
		page.Act, page.Typed = "note", map[string]string{"item": item}
	}
	return s.render(c, http.StatusOK, "selfcheck", page)
}

// changeSelfCheck is one of the forms on the page of a self-inspection.
func (s *Server) changeSelfCheck(c echo.Context) error {
	ctx, a, id, act := c.Request().Context(), actor(c), c.Param("id"), c.Param("act")
	to, done := "/self-checks/"+id, "changed"
	var version int64
	var err error
	if act != "note" && act != "revise" {
		version, err = formVersion(c)
	}
	if err == nil {
		switch act {
		case "plan":
			err = s.SelfChecks.Change(ctx, a, id, version, inspection.Date(c.FormValue("from")), inspection.Date(c.FormValue("to")), c.FormValue("responsible"))
		case "hand-in":
			if c.FormValue("sure") != "1" {
				err = inspection.E(inspection.Invalid, "selfcheck.error.sure").Field("sure", "selfcheck.error.sure")
			} else {
				err = s.SelfChecks.HandIn(ctx, a, id, version)
			}
			done = "self_handed_in"
		case "revise":
			if _, err = s.SelfChecks.Revise(ctx, a, id, formID(c), c.FormValue("reason")); err == nil {
				to = "/self-checks/" + formID(c)
			}
			done = "self_revised"
		case "cancel":
			err = s.SelfChecks.Cancel(ctx, a, id, version, c.FormValue("reason"))
		case "note":
			err = s.SelfChecks.Note(ctx, a, id, selfcheck.NewShortcoming{ID: formID(c), ItemKey: c.FormValue("item"), Words: c.FormValue("words"), Measure: c.FormValue("measure"), Due: inspection.Date(c.FormValue("due"))})
			done, to = "self_noted", to+"?done=self_noted#shortcomings"
		default:
			return inspection.E(inspection.NotFound, "error.not_found")
		}
	}
	if err == nil {
		if !strings.Contains(to, "?") {
			to += "?done=" + done
		}
		return c.Redirect(http.StatusSeeOther, to)
	}
	return s.selfCheckAgain(c, act, err)
}

// standShortcoming is the form of one shortcoming.
func (s *Server) standShortcoming(c echo.Context) error {
	version, err := formVersion(c)
	if err == nil {
		err = s.SelfChecks.Stand(c.Request().Context(), actor(c), c.Param("id"), c.Param("row"), version, selfcheck.Standing(c.FormValue("to")), inspection.Date(c.FormValue("done_on")), c.FormValue("done_how"))
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/self-checks/"+c.Param("id")+"?done=changed#shortcomings")
	}
	return s.selfCheckAgain(c, c.Param("row"), err)
}

// selfCheckAgain draws the page with the form that was refused.
func (s *Server) selfCheckAgain(c echo.Context, act string, err error) error {
	page, again := s.selfCheckView(c)
	if again != nil {
		return again
	}
	form, bad := c.FormParams()
	if bad != nil {
		return bodyError(bad)
	}
	page.Act = act
	for name := range form {
		page.Typed[name] = form.Get(name)
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "selfcheck", page) })
}

// selfSectionPage is the form of one section of the checklist.
type selfSectionPage struct {
	selfCheckPage
	S          selfcheck.Section
	Before     string // codes of the sections beside it, empty for none
	After      string
	AsksCount  bool // the head count is asked here
	CountsAt   string
	Refused    bool
	ItemFields []string // of an item, in the order in which what is wrong with them is told
}

// Stands is what a field of an item shows: what was typed into a form that was refused,
// else what is stored.
func (p selfSectionPage) Stands(it selfcheck.ItemView, field string) string {
	if p.Refused {
		return p.Typed[field+"-"+it.Key]
	}
	a := it.Answer
	switch field {
	case "v":
		return string(a.Value)
	case "n":
		if a.Value == score.Count {
			return strconv.FormatInt(a.Of, 10)
		}
	case "bad":
		if a.Value == score.Count {
			return strconv.FormatInt(a.Of-a.Compliant, 10)
		}
	case "na":
		return a.NAReason
	case "note":
		return a.Note
	case "ver":
		return strconv.FormatInt(a.Version, 10)
	}
	return ""
}

// Choices are the values that an item offers.
func (selfSectionPage) Choices(it selfcheck.ItemView) []score.Value {
	if score.Response(it.Response) == score.RATE3 {
		return []score.Value{score.Good, score.Fair3, score.Poor, score.NA}
	}
	return []score.Value{score.Yes, score.No, score.NA}
}

// Counted tells whether an item is answered by counting.
func (selfSectionPage) Counted(it selfcheck.ItemView) bool {
	return it.Response == string(score.CNT) || it.Response == string(score.SMP)
}

type countField struct{ Name, Label, Value string }

// CountFields are the figures of the head count.
func (p selfSectionPage) CountFields() (out []countField) {
	n := p.V.Count
	for _, f := range []struct {
		name  string
		value int64
	}{{"required", n.Required}, {"late", n.Late}, {"excused", n.Excused}, {"documented", n.Documented}, {"unexcused", n.Unexcused}, {"badge", n.Badge}, {"dress", n.Dress}} {
		field := countField{Name: f.name, Label: p.Of("selfcheck.count", f.name)}
		switch {
		case p.Refused:
			field.Value = p.Typed[f.name]
		case p.V.Counted:
			field.Value = strconv.FormatInt(f.value, 10)
		}
		out = append(out, field)
	}
	return out
}

func (s *Server) selfSection(c echo.Context) (selfSectionPage, error) {
	view, err := s.selfCheckView(c)
	page := selfSectionPage{selfCheckPage: view, ItemFields: []string{"v", "n", "bad", "na", "note"}}
	if err != nil {
		return page, err
	}
	i := slices.IndexFunc(page.V.Sections, func(x selfcheck.Section) bool { return x.Code == c.Param("section") })
	if i < 0 || page.V.State != selfcheck.Draft || !page.V.MayFill {
		return page, inspection.E(inspection.NotFound, "error.not_found")
	}
	page.S = page.V.Sections[i]
	page.Title = page.SectionOf(page.S.Code)
	if i > 0 {
		page.Before = page.V.Sections[i-1].Code
	}
	if i+1 < len(page.V.Sections) {
		page.After = page.V.Sections[i+1].Code
	}
	page.CountsAt = page.V.CountsHeads()
	page.AsksCount = page.CountsAt == page.S.Code
	return page, nil
}

func (s *Server) selfSectionPage(c echo.Context) error {
	page, err := s.selfSection(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "selfcheck_section", page)
}

// saveSelfSection saves the answers of a section, as many as there are, and goes on.
func (s *Server) saveSelfSection(c echo.Context) error {
	page, err := s.selfSection(c)
	if err != nil {
		return err
	}
	given, count, err := page.read(c)
	if err == nil {
		err = s.SelfChecks.Save(c.Request().Context(), actor(c), page.V.ID, given, count)
	}
	if err == nil {
		to := "/self-checks/" + page.V.ID
		if c.FormValue("go") == "next" && page.After != "" {
			to += "/sections/" + page.After
		}
		return c.Redirect(http.StatusSeeOther, to+"?done=self_saved")
	}
	form, bad := c.FormParams()
	if bad != nil {
		return bodyError(bad)
	}
	page.Refused = true
	for name := range form {
		page.Typed[name] = form.Get(name)
	}
	if toOurs(err).Code == inspection.Conflict { // what is there now is shown; sent again, what was typed replaces it knowingly
		for _, it := range page.S.Items {
			page.Typed["ver-"+it.Key] = strconv.FormatInt(it.Answer.Version, 10)
		}
		page.Typed["ver-count"] = strconv.FormatInt(page.V.Count.Version, 10)
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "selfcheck_section", page) })
}

// whole reads a figure of a form.
func whole(c echo.Context, name string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(c.FormValue(name)), 10, 64)
	if err != nil || n < 0 {
		return 0, inspection.E(inspection.Invalid, "selfcheck.error.count").Field(name, "selfcheck.error.count")
	}
	return n, nil
}

// read takes the form of a section apart. An item whose field of answers is empty has
// none; the head count is given where any of its figures is.
func (p selfSectionPage) read(c echo.Context) (given []selfcheck.Given, count *selfcheck.Count, err error) {
	for _, it := range p.S.Items {
		if !it.Asked {
			continue
		}
		g := selfcheck.Given{Key: it.Key, Value: score.Value(c.FormValue("v-" + it.Key)), NAReason: c.FormValue("na-" + it.Key), Note: c.FormValue("note-" + it.Key)}
		if g.Version, err = whole(c, "ver-"+it.Key); err != nil {
			return nil, nil, err
		}
		if p.Counted(it) && g.Value != score.NA {
			g.Value = ""
			if strings.TrimSpace(c.FormValue("n-"+it.Key)) != "" {
				if g.Of, err = whole(c, "n-"+it.Key); err != nil {
					return nil, nil, err
				}
				bad := int64(0)
				if strings.TrimSpace(c.FormValue("bad-"+it.Key)) != "" {
					if bad, err = whole(c, "bad-"+it.Key); err != nil {
						return nil, nil, err
					}
				}
				if bad > g.Of {
					return nil, nil, inspection.E(inspection.Invalid, "selfcheck.error.count").Field("n-"+it.Key, "selfcheck.error.count")
				}
				g.Value, g.Compliant = score.Count, g.Of-bad
			}
		}
		given = append(given, g)
	}
	if !p.AsksCount {
		return given, nil, nil
	}
	n := selfcheck.Count{}
	any := p.V.Counted
	for name, into := range map[string]*int64{"required": &n.Required, "late": &n.Late, "excused": &n.Excused, "documented": &n.Documented, "unexcused": &n.Unexcused, "badge": &n.Badge, "dress": &n.Dress} {
		if strings.TrimSpace(c.FormValue(name)) == "" {
			continue
		}
		any = true
		if *into, err = whole(c, name); err != nil {
			return nil, nil, err
		}
	}
	if !any {
		return given, nil, nil
	}
	n.Version, err = whole(c, "ver-count")
	return given, &n, err
}
