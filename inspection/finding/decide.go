package finding

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// RuleOn answers an explanation with reasons; every explanation is answered before
// the finding is confirmed. The person who issued the decision may. Codes: not_found,
// forbidden, invalid, conflict (answered before).
func (s *Service) RuleOn(ctx context.Context, actor inspection.Actor, id string, version int64, explanation string, ruling Ruling, reason string) error {
	return s.act(ctx, actor, org.DecideFinding, id, version, func(w *work) error { return w.rule(explanation, ruling, reason) })
}

// RuleIn is RuleOn in the transaction of the conclusion.
func RuleIn(tx *gorm.DB, act org.Act, id, explanation string, ruling Ruling, reason string) error {
	w, err := decide(tx, act, id)
	if err != nil {
		return err
	}
	return w.rule(explanation, ruling, reason)
}

func (w *work) rule(explanation string, ruling Ruling, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	if !slices.Contains(Rulings, ruling) {
		return inspection.E(inspection.Invalid, "finding.error.ruling").Field("ruling", "finding.error.ruling")
	}
	var x []Explanation
	if err := w.tx.Where("id = ? AND finding_id = ?", explanation, w.f.ID).Limit(1).Find(&x).Error; err != nil {
		return err
	}
	if len(x) == 0 {
		return notFound()
	}
	if old := x[0]; old.Ruling == ruling && old.RulingReason == reason && deref(old.RuledBy) == w.actor.Person {
		return nil // the same answer again
	}
	if x[0].Ruling != RulingNone {
		return inspection.E(inspection.Conflict, "finding.error.ruled")
	}
	if err := w.step(Rule, Facts{Reason: reason != ""}, Step{FindingID: w.f.ID, Text: reason}, nil); err != nil {
		return err
	}
	return w.tx.Model(&Explanation{}).Where("id = ?", explanation).Updates(map[string]any{"ruling": ruling, "ruling_reason": reason,
		"ruled_by": w.actor.Person, "ruled_at": w.now}).Error
}

// decide locks a finding for the person who issued the decision.
func decide(tx *gorm.DB, act org.Act, id string) (*work, error) {
	w, err := lock(tx, act.Actor, act.Capacity, act.At, id)
	if err != nil {
		return nil, err
	}
	return w, w.may(org.DecideFinding)
}

// ConfirmIn confirms a finding in the transaction of its check's conclusion. The
// person who issued the decision may. Codes: not_found, forbidden, conflict (an
// explanation is not answered).
func ConfirmIn(tx *gorm.DB, act org.Act, id string) error {
	w, err := decide(tx, act, id)
	if err != nil {
		return err
	}
	var unruled int64
	if err := tx.Model(&Explanation{}).Where("finding_id = ? AND ruling = ''", id).Count(&unruled).Error; err != nil {
		return err
	}
	return w.step(Confirm, Facts{Unruled: unruled > 0}, Step{FindingID: id}, nil)
}

// WithdrawIn withdraws a finding in the transaction that corrects the answer by a new
// operation. The person who issued the decision may. Codes: not_found, forbidden,
// invalid (reason), conflict.
func WithdrawIn(tx *gorm.DB, act org.Act, id, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	w, err := decide(tx, act, id)
	if err != nil {
		return err
	}
	return w.step(Withdraw, Facts{Reason: reason != ""}, Step{FindingID: id, Text: reason}, nil)
}

// AssignInput says what is assigned. Days 0 is the term of domain §7.2; another one
// can be set for premises and equipment only. Responsible is who answers, empty for
// the unit of the check or what it went into as a whole; where it was split, it must
// be named.
type AssignInput struct {
	Days        int
	Responsible string
	Text        string
	DocumentNo  string // of the conclusion
}

// AssignIn gives a confirmed finding to the unit with its due date, mostly in the
// transaction of the conclusion, or one whose unit was split or dissolved since to who
// answers now, with a term of its own. The person who issued the decision may. Codes:
// not_found, forbidden, invalid, conflict (nobody answers alone: name somebody).
func AssignIn(tx *gorm.DB, act org.Act, id string, in AssignInput) error {
	text, err := clean("text", in.Text)
	if err != nil {
		return err
	}
	document, err := clean("document_no", in.DocumentNo)
	if err != nil {
		return err
	}
	w, err := decide(tx, act, id)
	if err != nil {
		return err
	}
	_, alone, err := org.Responsible(tx, w.f.ResponsibleID, w.today())
	if err != nil {
		return err
	}
	facts := Facts{Due: true, OnHold: w.f.OnHold, Unanswered: w.f.State == Confirmed || !alone}
	if _, err := Next(w.f.State, Assign, facts); err != nil {
		return err
	}
	if w.f.ResponsibleID, err = answers(tx, w.f.ResponsibleID, in.Responsible, w.today()); err != nil {
		return err
	}
	terms, err := w.deadlines()
	if err != nil {
		return err
	}
	days := TermOf(terms, w.f.Severity, w.f.ItemKey, w.f.Section)
	if in.Days != 0 && in.Days != days {
		if w.f.Section != sectionPremises || in.Days < 1 || in.Days > longestTerm {
			return inspection.E(inspection.Invalid, "finding.error.days").Field("days", "finding.error.days")
		}
		days = in.Days
	}
	set, err := w.term(days, w.f.Severity)
	if err != nil {
		return err
	}
	set["responsible_id"] = w.f.ResponsibleID
	return w.step(Assign, facts, Step{FindingID: id, Text: text, DocumentNo: document}, set)
}

// Assign is AssignIn by itself, for a confirmed finding that was left out (one that
// had been marked as fixed on site, say). As AssignIn.
func (s *Service) Assign(ctx context.Context, actor inspection.Actor, id string, version int64, in AssignInput) error {
	return s.act(ctx, actor, org.DecideFinding, id, version, func(w *work) error {
		return AssignIn(w.tx, org.Act{Actor: actor, Capacity: w.capacity, At: w.now}, id, in)
	})
}

// answers is the organisation that answers on a day.
func answers(tx *gorm.DB, unit, named string, on inspection.Date) (string, error) {
	o, alone, err := org.Responsible(tx, unit, on)
	if err != nil {
		return "", err
	}
	if named == "" || named == o.ID {
		if !alone {
			return "", inspection.E(inspection.Conflict, "finding.error.responsible_split")
		}
		return o.ID, nil
	}
	if alone {
		return "", inspection.E(inspection.Invalid, "finding.error.responsible_other").Field("responsible", "finding.error.responsible_other")
	}
	rows, err := org.Successors(tx, o.ID)
	if err != nil {
		return "", err
	}
	for _, l := range rows {
		if l.SuccessorID == nil || l.EffectiveDate > on {
			continue
		}
		if s, ok, err := org.Responsible(tx, *l.SuccessorID, on); err != nil {
			return "", err
		} else if ok && s.ID == named {
			return named, nil
		}
	}
	return "", inspection.E(inspection.Invalid, "finding.error.responsible_other").Field("responsible", "finding.error.responsible_other")
}

// Close ends a finding without a remedy (dissolved, no longer required, passed on):
// it counts as late, never as fixed. The person who issued the decision may. Codes:
// not_found, forbidden, invalid (reason, document number), conflict.
func (s *Service) Close(ctx context.Context, actor inspection.Actor, id string, version int64, reason, documentNo string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	if documentNo, err = clean("document_no", documentNo); err != nil {
		return err
	}
	return s.act(ctx, actor, org.DecideFinding, id, version, func(w *work) error {
		return w.step(CloseWithoutRemedy, Facts{Reason: reason != "", DocumentNo: documentNo != ""},
			Step{FindingID: id, Text: reason, DocumentNo: documentNo}, map[string]any{"on_hold": false})
	})
}

// Reopen takes a verified finding up again, within twelve months, with a new term.
// The head of the team or the chair may. Codes: not_found, forbidden, invalid,
// conflict.
func (s *Service) Reopen(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.ReopenFinding, id, version, func(w *work) error {
		unit, err := answers(w.tx, w.f.ResponsibleID, "", w.today())
		if err != nil {
			return err
		}
		w.f.ResponsibleID = unit
		set, err := w.term(0, w.f.Severity)
		if err != nil {
			return err
		}
		set["reopened"], set["responsible_id"] = true, unit
		facts := Facts{Reason: reason != "", Due: true, Within12Months: w.now.Time().Before(w.f.ClosedAt.Time().AddDate(0, 12, 0))}
		return w.step(Reopen, facts, Step{FindingID: id, Text: reason}, set)
	})
}

// Hold stops the clocks of an open finding. The chair may. Codes: not_found,
// forbidden, invalid, conflict.
func (s *Service) Hold(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.SuperviseTerms, id, version, func(w *work) error {
		return w.step(Hold, Facts{Reason: reason != ""}, Step{FindingID: id, Text: reason}, map[string]any{"on_hold": true, "held_on": w.today()})
	})
}

// running are the terms that run in the state of a finding, by their columns. While the
// team reviews, the unit's own stands.
func (f Finding) running() map[string]inspection.Date {
	switch f.State {
	case Recorded:
		return map[string]inspection.Date{"explain_due": f.ExplainDue}
	case Assigned:
		return map[string]inspection.Date{"acknowledge_due": f.AcknowledgeDue, "interim_due": f.InterimDue, "due_on": f.DueOn}
	case InRemediation:
		return map[string]inspection.Date{"interim_due": f.InterimDue, "due_on": f.DueOn}
	case Submitted:
		return map[string]inspection.Date{"review_due": f.ReviewDue}
	case ReinspectDue:
		return map[string]inspection.Date{"reinspect_from": f.ReinspectFrom, "reinspect_due": f.ReinspectDue}
	}
	return nil
}

// Release lets the clocks run again: every term that runs keeps as many working days as it
// had left, or had gone by, when the hold began. As Hold.
func (s *Service) Release(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.SuperviseTerms, id, version, func(w *work) error {
		cal, err := w.calendar()
		if err != nil {
			return err
		}
		set := map[string]any{"on_hold": false, "held_on": ""}
		for column, due := range w.f.running() {
			if due == "" || w.f.HeldOn == "" {
				continue
			}
			if set[column], err = resume(cal, w.f.HeldOn, w.today(), due); err != nil {
				return err
			}
		}
		return w.step(Release, Facts{Reason: reason != ""}, Step{FindingID: id, Text: reason}, set)
	})
}

// resume moves a due date so that as many working days are left, or have gone by,
// after the hold as when it began. What was over stays over: it moves to a working day
// before the release, for a term that ends on a day off runs on to the next working day.
func resume(c org.Calendar, held, released, due inspection.Date) (inspection.Date, error) {
	left := org.Left(c, held, due)
	switch {
	case released <= held:
		return due, nil
	case left > 0 || left == 0 && due >= held:
		return org.AddWorkingDays(c, released, left)
	}
	d := released
	if left == 0 { // a day off lay between
		d = released.AddDays(-1)
	}
	for ; left < 0 && d > due; d = d.AddDays(-1) {
		if c.IsWorkingDay(d) {
			left++
		}
	}
	for d > due && !c.IsWorkingDay(d) {
		d = d.AddDays(-1)
	}
	return d, nil
}
