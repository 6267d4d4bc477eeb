package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

// act is a form that lets an event happen: which fields it has.
type act struct {
	Event    finding.Event
	Text     string // name of its text field: text or reason; empty for none
	Required bool   // of the text
	Files    bool
	Evidence bool // at least one file
	Sure     bool // asks to confirm what hurts
	Danger   bool
	Open     bool // shown opened: it was refused
}

// findingActs are the events that a person sets off on the page of a finding, each
// with its form. Confirm and withdraw belong to the conclusion of the check, verdicts
// to a re-inspection.
var findingActs = []act{
	{Event: finding.Acknowledge},
	{Event: finding.Plan, Text: "text", Required: true},
	{Event: finding.Submit, Text: "text", Required: true, Files: true, Evidence: true},
	{Event: finding.Progress, Text: "text", Required: true, Files: true},
	{Event: finding.Explain, Text: "text", Required: true, Files: true},
	{Event: finding.Rule, Text: "reason", Required: true},
	{Event: finding.Accept, Text: "text"},
	{Event: finding.VerifyOnDocuments, Text: "text"},
	{Event: finding.VerifyOnSite},
	{Event: finding.GrantExtension, Text: "text"},
	{Event: finding.Assign, Text: "text"},
	{Event: finding.Release, Text: "reason", Required: true},
	{Event: finding.Return, Text: "reason", Required: true},
	{Event: finding.RefuseExtension, Text: "reason", Required: true},
	{Event: finding.AskExtension, Text: "reason", Required: true},
	{Event: finding.Merge},
	{Event: finding.Hold, Text: "reason", Required: true},
	{Event: finding.Reopen, Text: "reason", Required: true, Sure: true, Danger: true},
	{Event: finding.CloseWithoutRemedy, Text: "reason", Required: true, Sure: true, Danger: true},
}

// primaries are the events that may be the one thing to do, the first that fits.
var primaries = []finding.Event{finding.Acknowledge, finding.Plan, finding.Submit, finding.Explain, finding.Rule, finding.Accept,
	finding.VerifyOnDocuments, finding.VerifyOnSite, finding.GrantExtension, finding.Assign, finding.Release}

// acts sorts what the reader may do into the one thing and the others.
func (p *findingPage) acts() {
	for _, a := range findingActs {
		if !slices.Contains(p.F.May, a.Event) || !p.fits(a.Event) {
			continue
		}
		late := a.Event == finding.Explain && p.Now.Date() > p.F.ExplainDue
		if p.Primary == nil && slices.Contains(primaries, a.Event) && !late {
			p.Primary = &a
		} else {
			p.Others = append(p.Others, a)
		}
	}
}

// fits tells whether an event has something to work on: what the service would refuse
// in any case is not offered.
func (p *findingPage) fits(e finding.Event) bool {
	switch e {
	case finding.Rule:
		return len(p.Unruled) > 0
	case finding.Merge:
		return len(p.Merge) > 0
	case finding.GrantExtension, finding.RefuseExtension:
		if p.Asked == nil {
			return false
		}
		action := org.ReviewFinding
		if p.Asked.Days > int64(p.F.LeadGives) {
			action = org.SuperviseTerms
		}
		_, ok := org.Can(p.Actor, action, p.F.Subject())
		return ok
	case finding.AskExtension:
		return p.Now < p.F.DueAt && !slices.ContainsFunc(p.F.Extensions, func(x finding.Extension) bool { return x.AskedAt >= p.F.AssignedAt })
	case finding.Reopen:
		return p.Now.Time().Before(p.F.ClosedAt.Time().AddDate(0, 12, 0))
	}
	return true
}

// findingInput is what an event is given.
type findingInput struct {
	ID, Text, DocumentNo, Kept, Explanation, Responsible string
	Ruling                                               finding.Ruling
	Days                                                 int
	Cost                                                 int64 // đồng
	CompleteOn                                           inspection.Date
	Files                                                []string
}

// perform lets an event happen. What was sent twice is one act: the second time
// nothing happens and nothing is wrong. Codes: those of the service.
func (s *Server) perform(ctx context.Context, a inspection.Actor, id string, e finding.Event, version int64, in findingInput) error {
	err := s.dispatch(ctx, a, id, e, version, in)
	if inspection.CodeOf(err) == inspection.Conflict && s.happened(ctx, a, id, e, version, in.Text) {
		return nil
	}
	return atField(err, e)
}

func (s *Server) dispatch(ctx context.Context, a inspection.Actor, id string, e finding.Event, version int64, in findingInput) error {
	f := s.Findings
	switch e {
	case finding.Explain:
		return f.Explain(ctx, a, id, version, finding.ExplainInput{ID: in.ID, Text: in.Text, Files: in.Files})
	case finding.Rule:
		return f.RuleOn(ctx, a, id, version, in.Explanation, in.Ruling, in.Text)
	case finding.Acknowledge:
		return f.Acknowledge(ctx, a, id, version)
	case finding.AskExtension:
		return f.AskExtension(ctx, a, id, version, finding.ExtensionInput{ID: in.ID, Days: in.Days, Reason: in.Text})
	case finding.GrantExtension:
		return f.GrantExtension(ctx, a, id, version, in.Text)
	case finding.RefuseExtension:
		return f.RefuseExtension(ctx, a, id, version, in.Text)
	case finding.Plan:
		return f.SetPlan(ctx, a, id, version, finding.PlanInput{ID: in.ID, Need: in.Text, Cost: in.Cost, CompleteOn: in.CompleteOn})
	case finding.Progress:
		return f.ReportProgress(ctx, a, id, version, finding.ProgressInput{ID: in.ID, Text: in.Text, Files: in.Files})
	case finding.Submit:
		return f.Submit(ctx, a, id, version, finding.SubmitInput{ID: in.ID, Text: in.Text, Files: in.Files})
	case finding.Return:
		return f.Return(ctx, a, id, version, in.Text)
	case finding.Accept:
		return f.Accept(ctx, a, id, version, in.Text)
	case finding.VerifyOnDocuments:
		return f.VerifyOnDocuments(ctx, a, id, version, in.Text)
	case finding.VerifyOnSite:
		return f.VerifyFixedOnSite(ctx, a, id, version)
	case finding.Merge:
		return f.Merge(ctx, a, id, version, in.Kept)
	case finding.Assign:
		return f.Assign(ctx, a, id, version, finding.AssignInput{Days: in.Days, Responsible: in.Responsible, Text: in.Text, DocumentNo: in.DocumentNo})
	case finding.CloseWithoutRemedy:
		return f.Close(ctx, a, id, version, in.Text, in.DocumentNo)
	case finding.Reopen:
		return f.Reopen(ctx, a, id, version, in.Text)
	case finding.Hold:
		return f.Hold(ctx, a, id, version, in.Text)
	case finding.Release:
		return f.Release(ctx, a, id, version, in.Text)
	}
	return inspection.E(inspection.NotFound, "error.not_found")
}

// happened tells whether this very act has been done by this person on the version
// that the form was drawn from. Every version of a finding is one step, so the step
// after it is the next number, or the one after where the clock acknowledged first.
func (s *Server) happened(ctx context.Context, a inspection.Actor, id string, e finding.Event, version int64, text string) bool {
	d, err := s.Findings.Get(ctx, a, id)
	if err != nil || version == 0 {
		return false
	}
	text, _ = inspection.Text(text, 4000)
	return slices.ContainsFunc(d.Steps, func(st finding.Step) bool {
		return (st.Seq == version+1 || st.Seq == version+2) && st.Event == e && st.ActorID == a.Person && st.Text == text
	})
}

// fieldOf tells which field of a form a refusal is about.
var fieldOf = map[string]string{
	"finding.error.after_evidence_missing": "files",
	"finding.error.extension_too_long":     "days",
	"finding.error.document_missing":       "document_no",
	"finding.error.merge_fits":             "kept",
	"finding.error.responsible_split":      "responsible",
	"evidence.error.not_received":          "files",
	"finding.error.plan_days":              "complete_on",
}

// atField puts a refusal beside the field that it is about.
func atField(err error, e finding.Event) error {
	var ours *inspection.Error
	if err == nil || !errors.As(err, &ours) || len(ours.Fields) > 0 {
		return err
	}
	field := fieldOf[ours.Key]
	if ours.Key == "finding.error.text_missing" || ours.Key == "finding.error.reason_missing" {
		if i := slices.IndexFunc(findingActs, func(a act) bool { return a.Event == e }); i >= 0 {
			field = findingActs[i].Text
		}
	}
	if field == "" {
		return err
	}
	at := *ours
	return at.Field(field, ours.Key)
}

// findingEvent lets an event happen that a form asks for.
func (s *Server) findingEvent(c echo.Context) error {
	ctx, a, id, e := c.Request().Context(), actor(c), c.Param("id"), finding.Event(c.Param("event"))
	i := slices.IndexFunc(findingActs, func(x act) bool { return x.Event == e })
	if i < 0 {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	d, err := s.Findings.Get(ctx, a, id) // who may not see it finds nothing, whatever the form holds
	if err != nil {
		return err
	}
	in, err := s.findingForm(c, d, findingActs[i])
	if err == nil {
		var version int64
		if version, err = formVersion(c); err == nil {
			err = s.perform(ctx, a, id, e, version, in)
		}
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/findings/"+id+"?done="+string(e))
	}
	page, again := s.findingView(c, id)
	if again != nil {
		return again
	}
	page.keep(c, e, in.Files)
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "finding", page) })
}

// findingForm reads a form and takes its files. Files of an earlier, refused attempt
// come as ids. Codes: invalid, too_large, conflict.
func (s *Server) findingForm(c echo.Context, d finding.Detail, a act) (findingInput, error) {
	in := findingInput{ID: formID(c), DocumentNo: c.FormValue("document_no"), Kept: c.FormValue("kept"), Explanation: c.FormValue("explanation"),
		Responsible: c.FormValue("responsible"), Ruling: finding.Ruling(c.FormValue("ruling"))}
	if a.Text != "" {
		in.Text = c.FormValue(a.Text)
	}
	if form, err := c.FormParams(); err == nil && a.Files {
		for _, id := range form["file"] {
			if inspection.CheckID(id) == nil && len(in.Files) < maxFiles {
				in.Files = append(in.Files, id)
			}
		}
	}
	if err := inspection.CheckID(in.ID); err != nil {
		return in, err
	}
	if a.Files && slices.Contains(d.May, a.Event) {
		fresh, err := s.takeFiles(c, "files", d.VisitID, evidence.Photo)
		if err != nil {
			return in, putField(err, "files")
		}
		for _, id := range fresh {
			if !slices.Contains(in.Files, id) {
				in.Files = append(in.Files, id)
			}
		}
	}
	var err error
	if in.Days, err = formInt(c, "days"); err != nil {
		return in, err
	}
	if a.Event == finding.Plan {
		in.CompleteOn = inspection.Date(c.FormValue("complete_on"))
		if in.Cost, err = formMoney(c, "cost"); err != nil {
			return in, err
		}
	}
	if a.Sure && c.FormValue("sure") != "1" {
		return in, inspection.E(inspection.Invalid, "findings.error.sure").Field("sure", "findings.error.sure")
	}
	return in, nil
}

// putField puts an error beside a field of the form.
func putField(err error, field string) error {
	var ours *inspection.Error
	if !errors.As(err, &ours) {
		return err
	}
	at := *ours
	at.Fields = nil
	return at.Field(field, ours.Key)
}

// keep puts what was typed back into the form that was refused; where the finding has
// no place for that form any more, it is shown to be copied.
func (p *findingPage) keep(c echo.Context, e finding.Event, files []string) {
	for _, name := range []string{"text", "reason", "days", "document_no", "kept", "ruling", "explanation", "responsible", "sure", "complete_on", "cost"} {
		p.Typed[name] = c.FormValue(name)
	}
	if id := formID(c); inspection.CheckID(id) == nil {
		p.Form = id
	}
	p.Kept = files
	if p.Primary != nil && p.Primary.Event == e {
		p.Primary.Open = true
		return
	}
	for i := range p.Others {
		if p.Others[i].Event == e {
			p.Others[i].Open = true
			return
		}
	}
	p.Orphan = either(p.Typed["text"], p.Typed["reason"])
}

// Value is what was typed into a field of the form that was refused.
func (p findingPage) Value(a act, field string) string {
	if !a.Open {
		return ""
	}
	return p.Typed[field]
}

// WrongIn is what is wrong with a field of the form that was refused.
func (p findingPage) WrongIn(a act, field string) string {
	if !a.Open {
		return ""
	}
	return p.Wrong(field)
}

// PrimaryEvent is the event of the one thing to do, empty for none.
func (p findingPage) PrimaryEvent() finding.Event {
	if p.Primary == nil {
		return ""
	}
	return p.Primary.Event
}

// Rulings are the answers that an explanation can have.
func (findingPage) Rulings() []finding.Ruling { return finding.Rulings }
