package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"

	"github.com/danielgtaylor/huma/v2"
)

// findingBody is a finding in a list. Dates are yyyy-mm-dd, days are working days of
// the unit's calendar.
type findingBody struct {
	ID           string `json:"id"`
	Version      int64  `json:"version"`
	Visit        string `json:"visit"`
	Item         string `json:"item" doc:"key of the item, the same in all versions of the checklist"`
	Code         string `json:"code"`
	ItemText     string `json:"item_text"`
	Text         string `json:"text"`
	Remedy       string `json:"remedy"`
	Basis        string `json:"basis"`
	Severity     string `json:"severity" doc:"mức độ nội bộ của cuộc kiểm tra, không phải kết luận kỷ luật"`
	State        string `json:"state"`
	Organisation string `json:"organisation" doc:"as it was at the check"`
	Desk         string `json:"desk"`
	Responsible  string `json:"responsible" doc:"id of who answers now"`
	RecordedAt   string `json:"recorded_at"`
	ExplainDue   string `json:"explain_due,omitempty"`
	DueOn        string `json:"due_on,omitempty"`
	DueAt        string `json:"due_at,omitempty" doc:"the closing hour of that day, RFC 3339"`
	DueStart     string `json:"due_start,omitempty"`
	DueDays      int64  `json:"due_days,omitempty"`
	DueCalendar  string `json:"due_calendar,omitempty"`
	Left         *int   `json:"left,omitempty" doc:"working days left, negative: since"`
	Overdue      bool   `json:"overdue"`
	OverdueDays  int    `json:"overdue_days"`
	OnHold       bool   `json:"on_hold"`
	Reopened     bool   `json:"reopened"`
	FixedOnSite  bool   `json:"fixed_on_site"`
	RepeatOf     string `json:"repeat_of,omitempty"`
	Simulated    bool   `json:"simulated"`
}

type stepBody struct {
	ID         string `json:"id"`
	Event      string `json:"event"`
	From       string `json:"from"`
	To         string `json:"to"`
	At         string `json:"at"`
	Actor      string `json:"actor,omitempty" doc:"id of the person; none: the clock"`
	Role       string `json:"role,omitempty"`
	Text       string `json:"text,omitempty"`
	DocumentNo string `json:"document_no,omitempty"`
	DueOn      string `json:"due_on,omitempty"`
	Severity   string `json:"severity"`
}

type explanationBody struct {
	ID     string `json:"id"`
	At     string `json:"at"`
	Text   string `json:"text"`
	Late   bool   `json:"late"`
	Ruling string `json:"ruling,omitempty"`
	Reason string `json:"reason,omitempty"`
}

type findingDetailBody struct {
	findingBody
	Steps        []stepBody        `json:"steps"`
	Explanations []explanationBody `json:"explanations"`
	May          []string          `json:"may" doc:"events that this person may try now"`
}

func findingOf(l finding.Line) findingBody {
	b := findingBody{ID: l.ID, Version: l.Version, Visit: l.VisitID, Item: l.ItemKey, Code: l.ItemCode, ItemText: l.ItemText, Text: l.Text,
		Remedy: l.Remedy, Basis: l.Basis, Severity: string(l.Severity), State: string(l.State), Organisation: l.OrganisationName, Desk: l.DeskName,
		Responsible: l.ResponsibleID, RecordedAt: l.RecordedAt.String(), ExplainDue: string(l.ExplainDue), DueOn: string(l.DueOn), DueAt: l.DueAt.String(),
		DueStart: string(l.DueStart), DueDays: l.DueDays, DueCalendar: l.DueCalendar, Overdue: l.Overdue, OverdueDays: l.OverdueDays,
		OnHold: l.OnHold, Reopened: l.Reopened, FixedOnSite: l.FixedOnSite, Simulated: l.Simulated}
	if l.HasDue {
		b.Left = &l.Left
	}
	if l.RepeatOf != nil {
		b.RepeatOf = *l.RepeatOf
	}
	return b
}

type findingOut struct {
	ETag string `header:"ETag" doc:"the version, to be sent back as If-Match"`
	Body findingDetailBody
}

func (s *Server) findingOut(ctx context.Context, a inspection.Actor, id string) (*findingOut, error) {
	d, err := s.Findings.Get(ctx, a, id)
	if err != nil {
		return nil, err
	}
	b := findingDetailBody{findingBody: findingOf(d.Line), Steps: []stepBody{}, Explanations: []explanationBody{}, May: []string{}}
	for _, st := range d.Steps {
		b.Steps = append(b.Steps, stepBody{st.ID, string(st.Event), string(st.From), string(st.To), st.At.String(), st.ActorID, string(st.Role),
			st.Text, st.DocumentNo, string(st.DueOn), string(st.Severity)})
	}
	for _, x := range d.Explanations {
		b.Explanations = append(b.Explanations, explanationBody{x.ID, x.At.String(), x.Text, x.Late, string(x.Ruling), x.RulingReason})
	}
	for _, e := range d.May {
		b.May = append(b.May, string(e))
	}
	return &findingOut{ETag: `"` + strconv.FormatInt(d.Version, 10) + `"`, Body: b}, nil
}

// apiEvents are the events that the API takes.
var apiEvents = []finding.Event{finding.Acknowledge, finding.Explain, finding.Submit, finding.Return, finding.Accept, finding.VerifyOnDocuments, finding.Reopen}

// ifMatch reads the version that the caller saw. A missing one is refused with 428, so
// that nobody overwrites what they have not seen.
func ifMatch(header string) (int64, error) {
	if header == "" {
		return 0, &preconditionError{http.StatusPreconditionRequired, inspection.E(inspection.Invalid, "findings.error.if_match").Field("If-Match", "findings.error.if_match")}
	}
	v, err := strconv.ParseInt(strings.Trim(header, `"`), 10, 64)
	if err != nil || v < 1 {
		return 0, inspection.E(inspection.Invalid, "findings.error.if_match").Field("If-Match", "findings.error.if_match")
	}
	return v, nil
}

// preconditionError is an error of ours that HTTP has a status of its own for: 428 for
// a missing condition, 412 for one that does not hold (RFC 6585, RFC 9110).
type preconditionError struct {
	status int
	err    *inspection.Error
}

func (e *preconditionError) Error() string { return e.err.Error() }

// asProblem gives the status that fits a conditional request.
func (s *Server) asProblem(ctx context.Context, err error) error {
	c := requestOf(ctx)
	request, _ := c.Get(keyRequest).(string)
	var p *preconditionError
	if !errors.As(err, &p) {
		if inspection.KeyOf(err) != "finding.error.changed_meanwhile" {
			return err
		}
		p = &preconditionError{http.StatusPreconditionFailed, toOurs(err)}
	}
	problem := toProblem(language(c.Request()), request, p.err)
	problem.Status, problem.Title = p.status, http.StatusText(p.status)
	return errors.Join(p.err, problem)
}

func (s *Server) apiFindings() {
	type listIn struct {
		Query   string `query:"q" maxLength:"200" doc:"words, with or without diacritics"`
		State   string `query:"state" maxLength:"20" doc:"a state, or open"`
		Overdue bool   `query:"overdue"`
		Item    string `query:"item" maxLength:"20"`
		Visit   string `query:"visit" maxLength:"36"`
		Unit    string `query:"unit" maxLength:"36" doc:"who answers now"`
		After   string `query:"after" maxLength:"36" doc:"next of the page before"`
		Limit   int    `query:"limit" minimum:"0" maximum:"500"`
	}
	type listOut struct {
		Body struct {
			Findings []findingBody `json:"findings"`
			Next     string        `json:"next,omitempty"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/findings", Summary: "Findings that this person may see, newest first"},
		func(ctx context.Context, a inspection.Actor, in *listIn) (*listOut, error) {
			f, err := findingsPage{Query: in.Query, State: in.State, Overdue: in.Overdue, Item: in.Item, Visit: in.Visit, Unit: in.Unit}.filter()
			if err != nil {
				return nil, err
			}
			lines, next, err := s.Findings.List(ctx, a, f, inspection.Page{Cursor: in.After, Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			out := &listOut{}
			out.Body.Findings, out.Body.Next = []findingBody{}, next
			for _, l := range lines {
				out.Body.Findings = append(out.Body.Findings, findingOf(l))
			}
			return out, nil
		})

	type byID struct {
		ID string `path:"id" maxLength:"36"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/findings/{id}", Summary: "A finding with its story"},
		func(ctx context.Context, a inspection.Actor, in *byID) (*findingOut, error) {
			return s.findingOut(ctx, a, in.ID)
		})

	type eventIn struct {
		ID      string `path:"id" maxLength:"36"`
		Event   string `path:"event" enum:"acknowledge,explain,submit,return,accept,verify_on_documents,reopen"`
		IfMatch string `header:"If-Match" doc:"the ETag that was seen"`
		Body    struct {
			ID    string   `json:"id" maxLength:"36" doc:"UUID made by the caller; the same act sent twice is one act"`
			Text  string   `json:"text,omitempty" maxLength:"4000" doc:"the explanation, the report, the reason"`
			Files []string `json:"files,omitempty" maxItems:"10" doc:"ids of files that have been received; explain and submit"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/findings/{id}/{event}", Summary: "Let something happen to a finding",
		Errors: []int{http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}},
		func(ctx context.Context, a inspection.Actor, in *eventIn) (*findingOut, error) {
			e := finding.Event(in.Event)
			if !slices.Contains(apiEvents, e) {
				return nil, inspection.E(inspection.NotFound, "error.not_found")
			}
			if _, err := s.Findings.Get(ctx, a, in.ID); err != nil {
				return nil, err
			}
			if err := inspection.CheckID(in.Body.ID); err != nil {
				return nil, err
			}
			version, err := ifMatch(in.IfMatch)
			if err == nil {
				err = s.perform(ctx, a, in.ID, e, version, findingInput{ID: in.Body.ID, Text: in.Body.Text, Files: in.Body.Files})
			}
			if err != nil {
				return nil, s.asProblem(ctx, err)
			}
			return s.findingOut(ctx, a, in.ID)
		})
}
