package finding

import (
	"context"

	"congvu/inspection"
	"congvu/inspection/org"
)

// ExplainInput is an explanation by the unit, with files that it has sent.
type ExplainInput struct {
	ID    string // made by the client; the same id twice is once
	Text  string
	Files []string
}

// Explain puts the unit's explanation to a recorded finding. Within two working days
// of the minutes it is in time; a late one is kept and marked, as long as nothing has
// been decided. The head of the unit may, or who acts for the head. Codes: not_found,
// forbidden, invalid, conflict.
func (s *Service) Explain(ctx context.Context, actor inspection.Actor, id string, version int64, in ExplainInput) error {
	text, err := clean("text", in.Text)
	if err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = inspection.NewID()
	}
	return s.again(ctx, actor, org.AnswerFinding, id, version, in.ID, Explain, text, func(w *work) error {
		late := w.today() > w.f.ExplainDue
		facts := Facts{MinutesDone: !w.f.RecordedAt.IsZero(), Reason: text != ""}
		if err := w.step(Explain, facts, Step{ID: in.ID, FindingID: w.f.ID, Text: text}, nil); err != nil {
			return err
		}
		row := Explanation{ID: in.ID, FindingID: w.f.ID, Text: text, At: w.now, ByID: actor.Person, Late: late}
		if err := w.tx.Create(&row).Error; err != nil {
			return err
		}
		return s.evidence.Attach(w.tx, actor, w.f.VisitID, in.Files, "explanation", in.ID, "EVIDENCE", w.now)
	})
}

// again is act for what a client may send twice: an id that this very act has used
// before is answered as before, whatever became of the finding since.
func (s *Service) again(ctx context.Context, actor inspection.Actor, action org.Action, id string, version int64, stepID string, e Event, text string, change func(w *work) error) error {
	return s.act(ctx, actor, action, id, 0, func(w *work) error {
		done, err := w.once(stepID, e, text)
		if done || err != nil {
			return err
		}
		if version != 0 && w.f.Version != version && !w.byClock(version) {
			return changed()
		}
		return change(w)
	})
}

// byClock tells whether the row is newer than what the client saw only because the
// clock has acknowledged it in this very transaction.
func (w *work) byClock(seen int64) bool {
	var last Step
	err := w.tx.Where("finding_id = ?", w.f.ID).Order("seq DESC").Limit(1).Take(&last).Error
	return err == nil && last.Event == Acknowledge && last.ActorID == "" && last.At == w.now && w.f.Version == seen+1
}

// Acknowledge says that the unit has taken note of an assignment. The head of the unit
// may; after two working days it happens by itself. Codes: not_found, forbidden,
// conflict.
func (s *Service) Acknowledge(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.act(ctx, actor, org.BindUnit, id, version, func(w *work) error {
		return w.step(Acknowledge, Facts{}, Step{FindingID: w.f.ID}, nil)
	})
}

// ExtensionInput is a request for more time.
type ExtensionInput struct {
	ID     string
	Days   int // working days on top of the term
	Reason string
}

// AskExtension asks for more time: once per assignment, before the due date's closing
// hour, at most as long as the term was. The head of the unit may. Codes:
// not_found, forbidden, invalid, conflict.
func (s *Service) AskExtension(ctx context.Context, actor inspection.Actor, id string, version int64, in ExtensionInput) error {
	reason, err := clean("reason", in.Reason)
	if err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = inspection.NewID()
	}
	return s.again(ctx, actor, org.BindUnit, id, version, in.ID, AskExtension, reason, func(w *work) error {
		used, err := w.extensions()
		if err != nil {
			return err
		}
		cal, err := w.calendar()
		if err != nil {
			return err
		}
		facts := Facts{Reason: reason != "", ExtensionUsed: len(used) > 0, BeforeDue: w.now < org.DueAt(cal, w.f.DueOn),
			ExtensionFits: in.Days > 0 && int64(in.Days) <= w.f.DueDays}
		if err := w.step(AskExtension, facts, Step{ID: in.ID, FindingID: w.f.ID, Text: reason}, nil); err != nil {
			return err
		}
		return w.tx.Create(&Extension{ID: in.ID, FindingID: w.f.ID, State: ExtensionAsked, Days: int64(in.Days), Reason: reason,
			AskedAt: w.now, AskedBy: actor.Person, OldDue: w.f.DueOn}).Error
	})
}

// extensions are those asked for since the finding was assigned.
func (w *work) extensions() ([]Extension, error) {
	var out []Extension
	err := w.tx.Where("finding_id = ? AND asked_at >= ?", w.f.ID, w.f.AssignedAt).Order("asked_at, id").Find(&out).Error
	return out, err
}

// SubmitInput is the unit's report on the remedy, with the photos taken after it.
type SubmitInput struct {
	ID    string
	Text  string
	Files []string
}

// Submit reports the remedy: a text and at least one picture or document made later
// than the end of the check. The head of the unit may, or who acts for the head. Codes:
// not_found, forbidden, invalid, conflict.
func (s *Service) Submit(ctx context.Context, actor inspection.Actor, id string, version int64, in SubmitInput) error {
	text, err := clean("text", in.Text)
	if err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = inspection.NewID()
	}
	return s.again(ctx, actor, org.AnswerFinding, id, version, in.ID, Submit, text, func(w *work) error {
		taken, err := s.evidence.TakenAt(w.tx, in.Files)
		if err != nil {
			return err
		}
		later := false
		for _, at := range taken {
			later = later || at > w.f.CheckEndedAt
		}
		review, err := w.until(org.ReviewDays)
		if err != nil {
			return err
		}
		set := map[string]any{"handed_in_on": w.today(), "submitted_by": actor.Person, "review_due": review, "interim_due": ""}
		if err := w.step(Submit, Facts{Reason: text != "", AfterLater: later}, Step{ID: in.ID, FindingID: w.f.ID, Text: text}, set); err != nil {
			return err
		}
		if err := s.evidence.Attach(w.tx, actor, w.f.VisitID, in.Files, "step", in.ID, "AFTER", w.now); err != nil {
			return err
		}
		return s.evidence.Attach(w.tx, actor, w.f.VisitID, in.Files, "finding", w.f.ID, "AFTER", w.now)
	})
}

// ProgressInput is a report on the way, with files where there are any.
type ProgressInput struct {
	ID    string
	Text  string
	Files []string
}

// ReportProgress says how far the remedy is, step by step; of a CRITICAL finding the first
// is owed within the term of the interim report. It moves no term. The head of the unit
// may, or who acts for the head. Codes: not_found, forbidden, invalid, conflict.
func (s *Service) ReportProgress(ctx context.Context, actor inspection.Actor, id string, version int64, in ProgressInput) error {
	text, err := clean("text", in.Text)
	if err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = inspection.NewID()
	}
	return s.again(ctx, actor, org.AnswerFinding, id, version, in.ID, Progress, text, func(w *work) error {
		if err := w.step(Progress, Facts{Reason: text != ""}, Step{ID: in.ID, FindingID: w.f.ID, Text: text}, map[string]any{"interim_due": ""}); err != nil {
			return err
		}
		return s.evidence.Attach(w.tx, actor, w.f.VisitID, in.Files, "step", in.ID, "EVIDENCE", w.now)
	})
}
