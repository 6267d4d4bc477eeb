package visit

import (
	"context"
	"encoding/json"
	"errors"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"

	"gorm.io/gorm"
)

// office is the device of what pages do.
const office = "office"

// office makes an operation of what a page does. Its id comes from the form, so that
// a form sent twice is one act.
func (w *work) office(id string, t Type, payload any) (Operation, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return Operation{}, err
	}
	return Operation{ID: id, VisitID: w.visit.ID, AuthorID: w.actor.Person, Device: office, DeviceAt: w.now, ReceivedAt: w.now,
		Seq: w.visit.Positions + 1, Base: w.state.LastOperation, Type: t, Payload: string(raw)}, nil
}

// officeActs are the operations that the office makes, by the right that each asks for.
var officeActs = map[org.Action]Type{org.ReportVisit: OpReport, org.ConcludeVisit: OpConclude, org.OpineVisit: OpOpinion}

// begin opens a check for an act of the office under an id; done tells that the same
// act was taken in before.
func (s *Service) begin(tx *gorm.DB, actor inspection.Actor, id, operation string, action org.Action) (w *work, done bool, err error) {
	if err := inspection.CheckID(operation); err != nil {
		return nil, false, err
	}
	if w, err = s.open(tx, actor, id); err != nil {
		return nil, false, err
	}
	if err := w.may(action); err != nil {
		return nil, false, err
	}
	if old, ok := w.taken(operation); ok {
		if old.AuthorID != actor.Person || old.Type != officeActs[action] {
			return nil, false, inspection.E(inspection.Conflict, "visit.error.operation_id")
		}
		return w, true, nil
	}
	return w, false, w.elsewhere([]Operation{{ID: operation}})
}

// Report reports the result of a check. Its team's lead may, after the minutes are
// closed. operation is the id of the form. Codes: invalid, not_found, forbidden,
// conflict.
func (s *Service) Report(ctx context.Context, actor inspection.Actor, id, operation string, version int64, r Report) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, done, err := s.begin(tx, actor, id, operation, org.ReportVisit)
		if err != nil || done {
			return err
		}
		if w.visit.Form == plan.Reinspection {
			return errNotForForm
		}
		if version != 0 && w.visit.Version != version {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		if until := w.state.Awaits(w.visit, w.now.Date()); until != "" {
			return inspection.E(inspection.Conflict, "visit.error.opinion_awaited", "until", until)
		}
		op, err := w.office(operation, OpReport, r)
		if err != nil {
			return err
		}
		calendar, err := org.CalendarFor(tx, w.visit.IssuerID)
		if err != nil {
			return err
		}
		terms, err := org.DeadlinesOn(tx, w.now.Date())
		if err != nil {
			return err
		}
		w.visit.ReportedAt = w.now
		if w.visit.ConcludeDue, err = org.AddWorkingDays(calendar, w.now.Date(), terms.Of(org.ConcludeDays)); err != nil {
			return err
		}
		return w.add(op)
	})
}

// Decision is what is decided of one finding: confirmed and given to the unit, or
// withdrawn with a reason. Days overrides the term where that is allowed,
// Responsible names who answers where the unit was split. Rulings answer what the unit
// explained and nobody has answered yet.
type Decision struct {
	Finding     string
	Confirm     bool
	Reason      string
	Days        int
	Responsible string
	Rulings     []RuledOn
}

// RuledOn is the answer to an explanation, with its reason.
type RuledOn struct {
	Explanation string
	Ruling      finding.Ruling
	Reason      string
}

// Conclude concludes a reported check in one transaction: every explanation ruled on,
// every finding confirmed and assigned, or withdrawn, which corrects its answer by an operation of its own;
// then the score is frozen with the version of the checklist and its weights. The
// person who issued the decision may. What is wrong with the decision of one finding is
// said of a field that ends in its id, or in that of the explanation. Codes: invalid,
// not_found, forbidden, conflict.
func (s *Service) Conclude(ctx context.Context, actor inspection.Actor, id, operation string, version int64, c Conclude, decisions []Decision) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, done, err := s.begin(tx, actor, id, operation, org.ConcludeVisit)
		if err != nil || done {
			return err
		}
		if version != 0 && w.visit.Version != version {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		if w.state.Phase != Reported {
			return wrongPhase(OpConclude, w.state.Phase)
		}
		findings, err := finding.OfVisit(tx, id)
		if err != nil {
			return err
		}
		by := map[string]Decision{}
		for _, d := range decisions {
			by[d.Finding] = d
		}
		for _, f := range findings {
			if f.State != finding.Recorded && f.State != finding.Explained {
				continue
			}
			d, ok := by[f.ID]
			if !ok || !d.Confirm && d.Reason == "" {
				return inspection.E(inspection.Invalid, "visit.error.decision_missing", "code", f.ItemCode).Field("decision-"+f.ID, "error.required")
			}
			for _, r := range d.Rulings {
				if err := finding.RuleIn(w.tx, w.act(), f.ID, r.Explanation, r.Ruling, r.Reason); err != nil {
					return fieldsOf(err, r.Explanation, "reason", "words")
				}
			}
			if err := w.decide(f, d); err != nil {
				return fieldsOf(err, f.ID, "", "")
			}
		}
		op, err := w.office(operation, OpConclude, c)
		if err != nil {
			return err
		}
		w.visit.ConcludedAt = w.now
		if err := w.add(op); err != nil {
			return err
		}
		if w.visit.scored() && w.state.Cannot == nil {
			return w.freeze(c.Obstruction)
		}
		return nil
	})
}

// fieldsOf says of which finding or explanation of the form the fields of an error are;
// one of them may be called otherwise there.
func fieldsOf(err error, id, field, there string) error {
	var e *inspection.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	out := *e
	out.Fields = nil
	for name, key := range e.Fields {
		if name == field {
			name = there
		}
		out.Field(name+"-"+id, key)
	}
	return &out
}

func (w *work) decide(f finding.Finding, d Decision) error {
	if d.Confirm {
		if err := finding.ConfirmIn(w.tx, w.act(), f.ID); err != nil {
			return err
		}
		if f.FixedOnSite {
			return nil // the lead verifies it by its after-photo
		}
		return finding.AssignIn(w.tx, w.act(), f.ID, finding.AssignInput{Days: d.Days, Responsible: d.Responsible})
	}
	if err := finding.WithdrawIn(w.tx, w.act(), f.ID, d.Reason); err != nil {
		return err
	}
	it, ok := w.rules.Item(f.ItemKey)
	if !ok {
		return nil // hangs on no item: there is no answer to correct
	}
	p := Correct{Finding: f.ID, Reason: d.Reason, AnswerItem: AnswerItem{Item: it.Key, Value: score.Yes}}
	switch it.Response {
	case score.RATE3:
		p.Value = score.Good
	case score.CNT, score.SMP:
		if a := w.state.Answers[it.Key]; a.Value == score.Count {
			p.Value, p.Of = score.Count, a.Of
		} else { // counted from the attendance table
			p.Value, p.Of = score.Count, 1
		}
	}
	op, err := w.office(inspection.NewID(), OpCorrect, p)
	if err != nil {
		return err
	}
	return w.add(op)
}

// ScoreInput gathers what the score of a check is computed from on a day: its
// answers as they stand, its findings and the earlier ones of its unit.
func (w *work) scoreInput(obstruction bool) (score.Input, error) {
	in := w.state.ScoreInput(w.rules)
	in.Obstruction = obstruction
	remedies, err := finding.RemediesOf(w.tx, w.visit.OrganisationID, w.visit.Day)
	if err != nil {
		return in, err
	}
	var list []score.Remedy
	for _, r := range remedies {
		list = append(list, score.Remedy{Due: r.Due, HandedIn: r.HandedIn, Accepted: r.Accepted, InReview: r.InReview, FixedOnSite: r.FixedOnSite})
	}
	in.Remedied = score.Remediation(list, "", "")
	facts, err := finding.FactsFor(w.tx, w.visit.ID, w.visit.OrganisationID, w.now.Date())
	if err != nil {
		return in, err
	}
	for _, f := range facts {
		in.Findings = append(in.Findings, score.Finding{ID: f.ID, Severity: score.Severity(f.Severity), Confirmed: f.Confirmed,
			FixedOnSite: f.FixedOnSite, Earlier: f.Earlier, OverdueDays: f.OverdueDays, Repeat: f.Repeat})
	}
	return in, nil
}

// freeze computes the score and writes it down, line by line.
func (w *work) freeze(obstruction bool) error {
	in, err := w.scoreInput(obstruction)
	if err != nil {
		return err
	}
	r := score.Compute(in)
	if r.State == score.Incomplete {
		return inspection.E(inspection.Conflict, "visit.error.open_items", "n", len(r.Missing))
	}
	row := scoreRow{ID: inspection.NewID(), VisitID: w.visit.ID, Revision: 1, ChecklistID: w.visit.ChecklistID, Rated: r.State == score.Rated,
		Raw: int64(r.Raw), Deductions: int64(r.Deducted), Cap: int64(r.Cap), Total: int64(r.Total), Grade: string(r.Grade),
		NAWeight: int64(r.NAWeight), FrozenAt: w.now, FrozenBy: w.actor.Person}
	if err := w.tx.Create(&row).Error; err != nil {
		return err
	}
	lines := make([]scoreLine, 0, len(r.Items))
	for _, l := range r.Items {
		line := scoreLine{ScoreID: row.ID, ItemKey: l.Key, ItemCode: l.Code, Section: l.Section, Weight: int64(l.Weight), Applicable: l.R != nil,
			Numerator: "0", Denominator: "1"}
		if l.R != nil {
			line.Numerator, line.Denominator = l.R.Num().String(), l.R.Denom().String()
		}
		lines = append(lines, line)
	}
	if err := w.tx.CreateInBatches(lines, 100).Error; err != nil {
		return err
	}
	for i, d := range r.Deductions {
		line := scoreDeduction{ScoreID: row.ID, Line: int64(i + 1), Reason: string(d.Kind), Detail: d.Finding, Points: int64(d.Counted)}
		if err := w.tx.Create(&line).Error; err != nil {
			return err
		}
	}
	if r.CapReason != score.NoCap {
		line := scoreDeduction{ScoreID: row.ID, Line: int64(len(r.Deductions) + 1), Reason: "CAP_" + string(r.CapReason), Points: 0}
		if len(r.CapBy) > 0 {
			line.Detail = r.CapBy[0]
		}
		if err := w.tx.Create(&line).Error; err != nil {
			return err
		}
	}
	return w.record("visit.score", map[string]any{"score": row.ID, "revision": row.Revision, "checklist": row.ChecklistID,
		"raw": row.Raw, "deductions": row.Deductions, "cap": row.Cap, "total": row.Total, "grade": row.Grade})
}
