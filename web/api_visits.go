package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/i18n"
	"congvu/inspection/plan"
	"congvu/inspection/visit"

	"github.com/danielgtaylor/huma/v2"
)

type targetBody struct {
	ID             string `json:"id"`
	Form           string `json:"form"`
	Organisation   string `json:"organisation"`
	Desk           string `json:"desk"`
	PlannedOn      string `json:"planned_on"`
	PlannedAt      string `json:"planned_at"`
	DecisionNumber string `json:"decision_number"`
	DecisionDate   string `json:"decision_date"`
	MayCheckIn     bool   `json:"may_check_in"`
}

type visitHead struct {
	ID             string `json:"id"`
	Form           string `json:"form"`
	State          string `json:"state"`
	Organisation   string `json:"organisation"`
	Desk           string `json:"desk"`
	DecisionNumber string `json:"decision_number"`
	DecisionDate   string `json:"decision_date"`
	Day            string `json:"day"`
	CheckedInAt    string `json:"checked_in_at"`
	EndedAt        string `json:"ended_at"`
	ExplainDue     string `json:"explain_due"`
	Simulated      bool   `json:"simulated"`
}

type todayBody struct {
	Now     string       `json:"now"`
	Targets []targetBody `json:"targets" doc:"sealed targets that this person knows of, due today or earlier"`
	Coming  []targetBody `json:"coming" doc:"sealed targets that this person knows of, planned for the seven days after"`
	Visits  []visitHead  `json:"visits" doc:"checks of this person's teams that are under way or of today"`
}

type operationBody struct {
	ID        string          `json:"id" maxLength:"36" doc:"UUID made by the device"`
	Visit     string          `json:"visit" maxLength:"36"`
	Device    string          `json:"device" maxLength:"100"`
	DeviceAt  time.Time       `json:"device_at" doc:"the device's clock"`
	ElapsedMS int64           `json:"elapsed_ms,omitempty" minimum:"0" doc:"monotonic time since the start that boot names"`
	OffsetMS  *int64          `json:"offset_ms,omitempty" doc:"how far the server's clock is ahead of the device's, as last learned"`
	Boot      string          `json:"boot,omitempty" maxLength:"36" doc:"id of this start of the device's program"`
	Seq       int64           `json:"seq" minimum:"0" doc:"counts this device's acts on this check"`
	Base      string          `json:"base,omitempty" maxLength:"36" doc:"the operation whose value the author saw"`
	Type      string          `json:"type" maxLength:"40"`
	Payload   json.RawMessage `json:"payload" doc:"by type, see docs/sync.md"`
}

type outcomeBody struct {
	ID       string   `json:"id"`
	Status   string   `json:"status" enum:"applied,duplicate,refused"`
	Position int64    `json:"position,omitempty"`
	State    string   `json:"state,omitempty"`
	Problem  *problem `json:"problem,omitempty"`
}

type loggedBody struct {
	ID       string          `json:"id"`
	Position int64           `json:"position"`
	Author   string          `json:"author"`
	Device   string          `json:"device"`
	Seq      int64           `json:"seq"`
	Base     string          `json:"base"`
	At       string          `json:"at" doc:"when it happened, by the device's corrected clock"`
	Type     string          `json:"type"`
	Payload  json.RawMessage `json:"payload"`
}

type sectionBody struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type itemBody struct {
	Key        string   `json:"key"`
	Code       string   `json:"code"`
	Section    string   `json:"section"`
	Text       string   `json:"text"`
	Guidance   string   `json:"guidance"`
	Phrases    []string `json:"phrases"`
	Bases      []string `json:"bases"`
	Response   string   `json:"response"`
	Source     string   `json:"source"`
	Photo      string   `json:"photo"`
	PhotoNote  string   `json:"photo_note"`
	Redact     string   `json:"redact"`
	Severity   string   `json:"severity"`
	Weight     int64    `json:"weight"`
	Target     int64    `json:"target"`
	ZeroAt     int64    `json:"zero_at"`
	CountLabel string   `json:"count_label"`
	Applies    bool     `json:"applies"`
}

type hoursBody struct {
	Open  int `json:"open" doc:"minutes after midnight, +07:00"`
	Close int `json:"close"`
}

type rosterBody struct {
	Post     string `json:"post"`
	Position string `json:"position"`
	Field    string `json:"field"`
	Required bool   `json:"required"`
}

type reinspectedBody struct {
	ID       string          `json:"id"`
	Code     string          `json:"code"`
	Text     string          `json:"text"`
	Remedy   string          `json:"remedy"`
	Severity string          `json:"severity"`
	Due      string          `json:"due"`
	Photos   []photoRoleBody `json:"photos"`
}

type photoRoleBody struct {
	ID   string `json:"id"`
	Role string `json:"role"`
}

type mayBody struct {
	Inspect bool `json:"inspect"`
	Finish  bool `json:"finish"`
}

type bundleBody struct {
	Visit      visitHead                  `json:"visit"`
	Sections   []sectionBody              `json:"sections"`
	Items      []itemBody                 `json:"items"`
	Hours      []hoursBody                `json:"hours"`
	Roster     []rosterBody               `json:"roster"`
	Findings   []reinspectedBody          `json:"findings" doc:"of a re-inspection: what it is limited to"`
	Operations []loggedBody               `json:"operations"`
	Files      map[string]visit.FileState `json:"files" doc:"of each declared file, by id: DECLARED (awaited), RECEIVED, or LOST (given up by the lead)"`
	May        mayBody                    `json:"may"`
	Members    []memberBody               `json:"members"`
	Cameras    []cameraBody               `json:"cameras" doc:"over the desk of the check"`
	Snapshots  []snapshotBody             `json:"snapshots" doc:"stills that were asked for, and what has become of them"`
}

type memberBody struct {
	Person string `json:"person"`
	Name   string `json:"name"`
}

type newsBody struct {
	State      string                     `json:"state"`
	Operations []loggedBody               `json:"operations"`
	Files      map[string]visit.FileState `json:"files"`
	Snapshots  []snapshotBody             `json:"snapshots"`
}

func head(v visit.Visit) visitHead {
	return visitHead{ID: v.ID, Form: string(v.Form), State: string(v.State), Organisation: v.OrganisationName, Desk: v.DeskName,
		DecisionNumber: v.DecisionNumber, DecisionDate: string(v.DecisionDate), Day: string(v.Day), CheckedInAt: v.CheckedInAt.String(),
		EndedAt: v.EndedAt.String(), ExplainDue: string(v.ExplainDue), Simulated: v.Simulated}
}

func logged(ops []visit.Operation) []loggedBody {
	out := make([]loggedBody, 0, len(ops))
	for _, op := range ops {
		out = append(out, loggedBody{op.ID, op.Position, op.AuthorID, op.Device, op.Seq, op.Base, op.At().String(), string(op.Type), json.RawMessage(op.Payload)})
	}
	return out
}

func itemOf(lang i18n.Lang, it checklist.Item, applies bool) itemBody {
	b := itemBody{Key: it.Key, Code: it.Code, Section: it.Section, Text: it.TextVI, Guidance: it.GuidanceVI, Phrases: []string{}, Bases: []string{},
		Response: it.Response, Source: it.Source, Photo: it.Photo, PhotoNote: it.PhotoNote, Redact: it.Redact, Severity: it.Severity,
		Weight: it.Weight, Target: it.Target, ZeroAt: it.ZeroAt, CountLabel: it.CountLabelVI, Applies: applies}
	if lang == i18n.EN {
		b.Text, b.Guidance = either(it.TextEN, it.TextVI), either(it.GuidanceEN, it.GuidanceVI)
		b.CountLabel = either(it.CountLabelEN, it.CountLabelVI)
	} else {
		b.PhotoNote = "" // the source gives the note in English only
	}
	for _, p := range it.Phrases {
		b.Phrases = append(b.Phrases, p.TextVI)
	}
	for _, c := range it.Bases {
		b.Bases = append(b.Bases, c.String())
	}
	return b
}

func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

func (s *Server) bundle(ctx context.Context, a inspection.Actor, lang i18n.Lang, v visit.View) (bundleBody, error) {
	b := bundleBody{Visit: head(v.Visit), Sections: []sectionBody{}, Items: []itemBody{}, Hours: []hoursBody{}, Roster: []rosterBody{},
		Findings: []reinspectedBody{}, Operations: logged(v.Operations), Files: v.Files, May: mayBody{v.MayInspect, v.MayFinish}, Members: []memberBody{}}
	for _, m := range v.Members {
		b.Members = append(b.Members, memberBody{m.PersonID, m.Name})
	}
	var err error
	if b.Cameras, err = s.cameras(ctx, v.Visit); err != nil {
		return b, err
	}
	asked, err := s.Snapshots.Of(ctx, v.ID)
	if err != nil {
		return b, err
	}
	b.Snapshots = snapshots(asked)
	for _, h := range v.Rules.Hours {
		b.Hours = append(b.Hours, hoursBody{int(h.Open), int(h.Close)})
	}
	for _, p := range v.Roster {
		b.Roster = append(b.Roster, rosterBody{p.ID, p.Title, p.Field, p.Required})
	}
	for _, id := range v.Rules.Findings {
		f, err := s.reinspected(ctx, a, id)
		if err != nil {
			return b, err
		}
		b.Findings = append(b.Findings, f)
	}
	if v.Form == plan.Reinspection {
		return b, nil
	}
	for _, it := range v.Checklist.Items {
		if len(b.Sections) == 0 || b.Sections[len(b.Sections)-1].Code != it.Section {
			name := it.SectionVI
			if lang == i18n.EN {
				name = either(it.SectionEN, it.SectionVI)
			}
			b.Sections = append(b.Sections, sectionBody{it.Section, name})
		}
		b.Items = append(b.Items, itemOf(lang, it, it.Applies(v.OrganisationKind)))
	}
	return b, nil
}

func (s *Server) apiVisits() {
	type todayOut struct{ Body todayBody }
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/today", Summary: "What this person has to check today"},
		func(ctx context.Context, a inspection.Actor, _ *struct{}) (*todayOut, error) {
			now := s.Clock.Now()
			out := &todayOut{todayBody{Now: now.String(), Targets: []targetBody{}, Coming: []targetBody{}, Visits: []visitHead{}}}
			targets, err := s.Plan.Waiting(ctx, a, now.Date().AddDays(7))
			if err != nil {
				return nil, err
			}
			for _, t := range targets {
				if t.Form == plan.Remote { // made in the office
					continue
				}
				b := targetBody{t.ID, string(t.Form), t.Organisation, t.Desk, string(t.PlannedOn),
					t.PlannedAt.String(), t.DecisionNumber, string(t.DecisionDate), t.MayCheckIn}
				if t.PlannedOn > now.Date() {
					out.Body.Coming = append(out.Body.Coming, b)
				} else {
					out.Body.Targets = append(out.Body.Targets, b)
				}
			}
			visits, _, err := s.Visits.List(ctx, a, visit.Filter{Running: true}, inspection.Page{Limit: 100})
			if err != nil {
				return nil, err
			}
			for _, v := range visits {
				if v.Remote() {
					continue
				}
				out.Body.Visits = append(out.Body.Visits, head(v))
			}
			return out, nil
		})

	type byID struct {
		ID string `path:"id" maxLength:"36"`
	}
	type bundleOut struct{ Body bundleBody }
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/visits/{id}", Summary: "A check with its checklist and everything done on it"},
		func(ctx context.Context, a inspection.Actor, in *byID) (*bundleOut, error) {
			v, err := s.Visits.Get(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			if !v.MayInspect {
				return nil, inspection.E(inspection.NotFound, "error.not_found")
			}
			b, err := s.bundle(ctx, a, language(requestOf(ctx).Request()), v)
			if err != nil {
				return nil, err
			}
			return &bundleOut{b}, nil
		})

	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/targets/{id}/handover", Errors: []int{409}, Summary: "What the check will be that is begun on a sealed target, for a tablet without a network"},
		func(ctx context.Context, a inspection.Actor, in *byID) (*bundleOut, error) {
			v, err := s.Visits.HandOver(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			b, err := s.bundle(ctx, a, language(requestOf(ctx).Request()), v)
			if err != nil {
				return nil, err
			}
			return &bundleOut{b}, nil
		})

	type newsOut struct{ Body newsBody }
	type after struct {
		ID    string `path:"id" maxLength:"36"`
		After int64  `query:"after" minimum:"0"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/visits/{id}/operations", Summary: "What was done on a check after a position"},
		func(ctx context.Context, a inspection.Actor, in *after) (*newsOut, error) {
			news, err := s.Visits.After(ctx, a, in.ID, in.After)
			if err != nil {
				return nil, err
			}
			asked, err := s.Snapshots.Of(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &newsOut{newsBody{string(news.State), logged(news.Operations), news.Files, snapshots(asked)}}, nil
		})

	type postIn struct {
		Body struct {
			Operations []operationBody `json:"operations" minItems:"1" maxItems:"200"`
		}
	}
	type postOut struct {
		Body struct {
			Outcomes []outcomeBody `json:"outcomes" doc:"in order; it ends at the first that is refused"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/operations", Summary: "Post what was done on checks; each act counts once however often it is sent"},
		func(ctx context.Context, a inspection.Actor, in *postIn) (*postOut, error) {
			ops := make([]visit.Operation, 0, len(in.Body.Operations))
			for _, o := range in.Body.Operations {
				ops = append(ops, visit.Operation{ID: o.ID, VisitID: o.Visit, Device: o.Device, DeviceAt: inspection.At(o.DeviceAt), ElapsedMS: o.ElapsedMS, OffsetMS: o.OffsetMS, Boot: o.Boot,
					Seq: o.Seq, Base: o.Base, Type: visit.Type(o.Type), Payload: string(o.Payload)})
			}
			c := requestOf(ctx)
			request, _ := c.Get(keyRequest).(string)
			out := &postOut{}
			for _, o := range s.Visits.Post(ctx, a, ops) {
				b := outcomeBody{ID: o.ID, Status: "applied", Position: o.Position, State: string(o.State)}
				if o.Duplicate {
					b.Status = "duplicate"
				}
				if o.Err != nil {
					switch inspection.CodeOf(o.Err) {
					case inspection.Internal, inspection.Unavailable, inspection.Full:
						if len(out.Body.Outcomes) == 0 {
							return nil, o.Err
						}
						return out, nil // what was applied is told; the rest is sent again
					}
					b.Status, b.Problem = "refused", toProblem(language(c.Request()), request, o.Err)
				}
				out.Body.Outcomes = append(out.Body.Outcomes, b)
			}
			if slices.ContainsFunc(ops, func(o visit.Operation) bool { return o.Type == visit.OpSnapshot }) {
				s.Snapshots.Wake()
			}
			return out, nil
		})
}
