package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

// An item of a look is answered on a page of its own, by what a still shows.

type lookItemPage struct {
	Base
	V        visit.View
	Form     string
	Still    *lookStill // by which it is answered
	Sections []lookSection
	Item     *checklist.Item // that was chosen
	Rule     visit.Item
	Had      visit.Answer
	Values   map[string]string
	Choices  []score.Value
	Grades   []score.Severity
	Stale    bool // somebody answered it meanwhile
}

// Stands is the answer that stands, in words.
func (p lookItemPage) Stands() string {
	if p.Had.Value == "" {
		return ""
	}
	return (&minutesPage{Base: p.Base, V: p.V}).value(*p.Item, p.Had)
}

// Was names the answer that the page shows.
func (p lookItemPage) Was() string { return answeredOf(p.V.State, p.Item.Key) }

type lookSection struct {
	Code, Name string
	Items      []checklist.Item
}

// Value is what was typed, else what is there.
func (p lookItemPage) Value(field, otherwise string) string {
	if v, ok := p.Values[field]; ok {
		return v
	}
	return otherwise
}

// Severity is what stands for the finding that the item would draft.
func (p lookItemPage) Severity() score.Severity {
	if d, ok := p.V.State.Drafts[p.Item.Key]; ok {
		return d.Severity
	}
	return p.Rule.Severity
}

// choices are the values of an item that a still can show.
var choices = map[score.Response][]score.Value{
	score.YN: {score.Yes, score.No}, score.RATE3: {score.Good, score.Fair3, score.Poor},
	score.CNT: {score.Count}, score.SMP: {score.Count},
}

// lookItemPage is where an item is answered by what a still shows.
func (s *Server) lookItemPage(c echo.Context) error {
	page, err := s.lookItemView(c, c.QueryParam("still"), c.QueryParam("item"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "look_item", page)
}

// lookItemView gathers the page. Codes: not_found for a still that is not of the look.
func (s *Server) lookItemView(c echo.Context, request, item string) (lookItemPage, error) {
	look, err := s.lookView(c)
	if err != nil {
		return lookItemPage{}, err
	}
	page := lookItemPage{Base: look.Base, V: look.V, Form: inspection.NewID(), Grades: []score.Severity{score.Minor, score.Moderate, score.Major, score.Critical}}
	at := slices.IndexFunc(look.Stills, func(l lookStill) bool {
		return l.ID == request && l.Answers
	})
	if at < 0 {
		return page, inspection.E(inspection.NotFound, "error.not_found")
	}
	page.Still = &look.Stills[at]
	rarely := lookSection{Name: page.T("look.rarely")}
	for _, it := range look.V.Checklist.Items {
		rule, _ := look.V.Rules.Item(it.Key)
		if !rule.Applies || rule.Source != score.FromAnswer || page.Still.State == snapshot.Failed && !ofCamera(rule) {
			continue
		}
		in := &rarely
		if seenFromAfar(it) {
			if n := len(page.Sections); n == 0 || page.Sections[n-1].Code != it.Section {
				page.Sections = append(page.Sections, lookSection{Code: it.Section, Name: it.Section + ". " + page.Either(it.SectionVI, it.SectionEN)})
			}
			in = &page.Sections[len(page.Sections)-1]
		}
		in.Items = append(in.Items, it)
		if it.Key == item {
			page.Item, page.Rule, page.Had, page.Choices = &it, rule, look.V.State.Answers[it.Key], choices[rule.Response]
		}
	}
	if len(rarely.Items) > 0 {
		page.Sections = append(page.Sections, rarely)
	}
	if item != "" && page.Item == nil {
		return page, inspection.E(inspection.NotFound, "error.not_found")
	}
	return page, nil
}

// seenFromAfar tells whether a picture of the room commonly shows an item: one that is
// photographed at every check or whenever nobody is in the picture, and whose photograph is
// not of papers or a screen; and who is there and when, section A. The others are offered last.
func seenFromAfar(it checklist.Item) bool {
	return it.Redact != "PAPERS" && (it.Section == "A" || slices.Contains([]string{string(visit.PhotoAlways), string(visit.PhotoNoPeople), string(visit.PhotoCamera)}, it.Photo))
}

// lookItem answers an item: the still hangs on it, the answer stands, and what falls short
// drafts a finding.
func (s *Server) lookItem(c echo.Context) error {
	page, err := s.lookItemView(c, c.FormValue("still"), c.FormValue("item"))
	if err != nil {
		return err
	}
	if page.Item == nil {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	acts, err := page.acts(c)
	if err == nil {
		err = s.Visits.Look(c.Request().Context(), actor(c), page.V.ID, func(now *visit.State) bool { return answeredOf(now, page.Item.Key) == c.FormValue("was") }, acts...)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+page.V.ID+"/look?done=answered#answers")
	}
	page.Form, page.Values = cmp.Or(formID(c), page.Form), map[string]string{}
	for _, field := range []string{"value", "of", "failing", "note", "severity", "severity_reason"} {
		page.Values[field] = c.FormValue(field)
	}
	page.Stale = c.FormValue("was") != page.Was()
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "look_item", page) })
}

// acts reads the form of an answer.
func (p lookItemPage) acts(c echo.Context) ([]visit.Act, error) {
	id, key := formID(c), p.Item.Key
	if err := inspection.CheckID(id); err != nil {
		return nil, err
	}
	answer := visit.AnswerItem{Item: key, Value: score.Value(c.FormValue("value"))}
	if p.Rule.Response == score.CNT || p.Rule.Response == score.SMP {
		of, err := formInt(c, "of")
		if err != nil {
			return nil, err
		}
		failing, err := formInt(c, "failing")
		if err != nil {
			return nil, err
		}
		answer.Value, answer.Of, answer.Failing = score.Count, int64(of), int64(failing)
	}
	short := answer.Value == score.No || answer.Value == score.Poor || answer.Failing > 0
	if short && strings.TrimSpace(c.FormValue("note")) == "" {
		return nil, inspection.E(inspection.Invalid, "look.error.note").Field("note", "look.error.note")
	}
	if answer.Value == "" {
		return nil, inspection.E(inspection.Invalid, "error.required").Field("value", "error.required")
	}
	var acts []visit.Act
	if p.Still.State == snapshot.Taken {
		acts = append(acts, visit.Act{ID: derivedID(id, "photo"), Type: visit.OpPhoto, Payload: visit.Photo{Item: key, File: p.Still.FileID, NoPeople: c.FormValue("no_people") != ""}})
	}
	acts = append(acts, visit.Act{ID: id, Type: visit.OpAnswer, Payload: answer})
	if note := c.FormValue("note"); note != p.Had.Note {
		acts = append(acts, visit.Act{ID: derivedID(id, "note"), Type: visit.OpNote, Payload: visit.Note{Item: key, Text: note}})
	}
	_, said := p.V.State.Drafts[key]
	if severity := score.Severity(c.FormValue("severity")); severity != "" && (said || severity != p.Rule.Severity) {
		acts = append(acts, visit.Act{ID: derivedID(id, "finding"), Type: visit.OpFinding, Payload: visit.Draft{Item: key, Severity: severity, Reason: c.FormValue("severity_reason")}})
	}
	return acts, nil
}
