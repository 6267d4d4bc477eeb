package finding

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Merge folds a finding into another of the same check that is not yet decided. The
// head of the team may. Codes: not_found, forbidden, invalid, conflict.
func (s *Service) Merge(ctx context.Context, actor inspection.Actor, id string, version int64, kept string) error {
	return s.act(ctx, actor, org.ReviewFinding, id, version, func(w *work) error {
		var other []Finding
		err := w.tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", kept).Limit(1).Find(&other).Error
		if err != nil {
			return err
		}
		fits := len(other) == 1 && kept != w.f.ID && other[0].VisitID == w.f.VisitID && (other[0].State == Recorded || other[0].State == Explained)
		return w.step(Merge, Facts{MergeFits: fits}, Step{FindingID: w.f.ID}, map[string]any{"merged_into": kept})
	})
}

// VerifyFixedOnSite ends a confirmed finding that was put right during the check: a
// picture from after it must be later than one from before, both of that check. The
// head of the team may, unless the same person had marked it. Codes: not_found,
// forbidden, conflict.
func (s *Service) VerifyFixedOnSite(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.act(ctx, actor, org.ReviewFinding, id, version, func(w *work) error {
		later, err := s.afterBefore(w)
		if err != nil {
			return err
		}
		facts := Facts{FixedOnSite: w.f.FixedOnSite, IsMarker: deref(w.f.FixedBy) == actor.Person, AfterLater: later}
		step := Step{ID: inspection.NewID(), FindingID: w.f.ID}
		if err := w.step(VerifyOnSite, facts, step, nil); err != nil {
			return err
		}
		return w.tx.Create(&verifier{step.ID, actor.Person}).Error
	})
}

// afterBefore tells whether a picture of the item from after the repair is later than
// one from before it.
func (s *Service) afterBefore(w *work) (bool, error) {
	times := func(roles ...string) ([]inspection.Instant, error) {
		var out []inspection.Instant
		for _, role := range roles {
			files, err := s.evidence.Files(w.tx, w.f.VisitID, "item", w.f.ItemKey, role)
			if err != nil {
				return nil, err
			}
			taken, err := s.evidence.TakenAt(w.tx, files)
			if err != nil {
				return nil, err
			}
			for _, at := range taken {
				out = append(out, at)
			}
		}
		return out, nil
	}
	before, err := times("EVIDENCE", "BEFORE")
	if err != nil {
		return false, err
	}
	after, err := times("AFTER")
	if err != nil || len(before) == 0 || len(after) == 0 {
		return false, err
	}
	return slices.Max(after) > slices.Min(before), nil
}

// GrantExtension gives the time asked for: the head of the team up to 30 working days,
// the chair beyond. Codes: not_found, forbidden, conflict.
func (s *Service) GrantExtension(ctx context.Context, actor inspection.Actor, id string, version int64, text string) error {
	return s.decideExtension(ctx, actor, id, version, text, true)
}

// RefuseExtension refuses it, with a reason. As GrantExtension.
func (s *Service) RefuseExtension(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	return s.decideExtension(ctx, actor, id, version, reason, false)
}

func (s *Service) decideExtension(ctx context.Context, actor inspection.Actor, id string, version int64, text string, grant bool) error {
	text, err := clean("reason", text)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.ReadFinding, id, version, func(w *work) error {
		all, err := w.extensions()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x Extension) bool { return x.State == ExtensionAsked })
		action := org.ReviewFinding
		longest, err := w.days(org.LeadExtensionDays)
		if err != nil {
			return err
		}
		if i >= 0 && all[i].Days > int64(longest) {
			action = org.SuperviseTerms
		}
		if err := w.may(action); err != nil {
			return err
		}
		event, state, set, fresh := RefuseExtension, ExtensionRefused, map[string]any(nil), inspection.Date("")
		if grant {
			event, state = GrantExtension, ExtensionGranted
			if i >= 0 {
				cal, err := w.calendar()
				if err != nil {
					return err
				}
				if fresh, err = org.AddWorkingDays(cal, w.f.DueOn, int(all[i].Days)); err != nil {
					return err
				}
				set = map[string]any{"due_on": fresh, "due_days": w.f.DueDays + all[i].Days, "escalated_at": 0}
			}
		}
		facts := Facts{ExtensionAsked: i >= 0, Due: fresh != "", Reason: text != ""}
		if err := w.step(event, facts, Step{FindingID: w.f.ID, Text: text}, set); err != nil {
			return err
		}
		return w.tx.Model(&Extension{}).Where("id = ?", all[i].ID).Updates(map[string]any{"state": state, "new_due": fresh,
			"decision": text, "decided_at": w.now, "decided_by": actor.Person}).Error
	})
}

// Return sends a submission back with a reason. The due date stays; where less than
// two working days are left it moves so that two are, but only if the submission was
// in time: what was late stays late. The head of the team may. Codes: not_found,
// forbidden, invalid, conflict.
func (s *Service) Return(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.ReviewFinding, id, version, func(w *work) error {
		set := map[string]any{"review_due": ""}
		least, err := w.until(org.ReturnedDays)
		if err != nil {
			return err
		}
		if w.f.HandedInOn <= w.f.DueOn && w.f.DueOn < least {
			set["due_on"] = least
		}
		return w.step(Return, Facts{Reason: reason != "", Due: w.f.DueOn != ""}, Step{FindingID: w.f.ID, Text: reason}, set)
	})
}

// Accept takes a submission: the head of the team may, never who submitted it. MAJOR
// and CRITICAL findings then wait for a re-inspection between the 10th and the 45th
// working day, of the MODERATE ones those that are drawn, 30 of 100,
// unless the office has set other figures. Codes: not_found, forbidden, conflict.
func (s *Service) Accept(ctx context.Context, actor inspection.Actor, id string, version int64, text string) error {
	text, err := clean("text", text)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.ReviewFinding, id, version, func(w *work) error {
		seed := w.f.DrawSeed
		if seed == "" { // assigned by an earlier version
			seed = newSeed()
		}
		sampled, err := w.days(org.SampleShare)
		if err != nil {
			return err
		}
		set := map[string]any{"accepted_at": w.now, "accepted_by": actor.Person, "review_due": "", "draw_seed": seed,
			"drawn": w.f.Severity == Moderate && Lot(seed, w.f.ID) < sampled}
		facts := Facts{IsSubmitter: deref(w.f.SubmittedBy) == actor.Person}
		if err := w.step(Accept, facts, Step{FindingID: w.f.ID, Text: text}, set); err != nil {
			return err
		}
		if !w.f.needsReinspection() {
			return nil
		}
		from, err := w.until(org.ReinspectFromDays)
		if err != nil {
			return err
		}
		to, err := w.until(org.ReinspectDays)
		if err != nil {
			return err
		}
		w.actor, w.capacity = inspection.Actor{}, inspection.Capacity{}
		return w.step(NeedReinspection, Facts{Reinspect: true}, Step{FindingID: w.f.ID}, map[string]any{"reinspect_from": from, "reinspect_due": to})
	})
}

func (f Finding) needsReinspection() bool {
	return f.Severity == Major || f.Severity == Critical || f.Severity == Moderate && f.Drawn
}

// VerifyOnDocuments ends an accepted finding that needs no re-inspection. A member of
// the team may, never who accepted it. Codes: not_found, forbidden, conflict.
func (s *Service) VerifyOnDocuments(ctx context.Context, actor inspection.Actor, id string, version int64, text string) error {
	text, err := clean("text", text)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, org.VerifyFinding, id, version, func(w *work) error {
		facts := Facts{Reinspect: w.f.needsReinspection(), IsAccepter: deref(w.f.AcceptedBy) == actor.Person}
		step := Step{ID: inspection.NewID(), FindingID: w.f.ID, Text: text}
		if err := w.step(VerifyOnDocuments, facts, step, nil); err != nil {
			return err
		}
		return w.tx.Create(&verifier{step.ID, actor.Person}).Error
	})
}

// VerdictInput is what a re-inspection says of one finding. Verifiers are those who
// give the verdict, FirstVisit the members of the check that raised the finding, Files
// what the re-inspection hung on it.
type VerdictInput struct {
	VisitID    string // the re-inspection
	Verdict    string // VERIFIED, PARTIAL, NOT_REMEDIED, RECURRED
	Text       string
	Verifiers  []string
	FirstVisit []string
	Files      []string
}

// Verdict ends a re-inspection for one finding, in the transaction in which it closes
// its minutes; the caller has checked rights. Nobody of the first check may give it,
// and not the accepter alone. Not remedied and recurred make the severity worse by
// one and start a new term; partial starts a new term. Codes: not_found, forbidden,
// invalid, conflict.
func Verdict(tx *gorm.DB, act org.Act, id string, in VerdictInput) error {
	w, err := lock(tx, act.Actor, act.Capacity, act.At, id)
	if err != nil {
		return err
	}
	text, err := clean("text", in.Text)
	if err != nil {
		return err
	}
	event, ok := map[string]Event{"VERIFIED": VerdictVerified, "PARTIAL": VerdictPartial, "NOT_REMEDIED": VerdictNotRemedied, "RECURRED": VerdictRecurred}[in.Verdict]
	if !ok || len(in.Verifiers) == 0 {
		return inspection.E(inspection.Invalid, "finding.error.verdict")
	}
	accepter := deref(w.f.AcceptedBy)
	facts := Facts{NewEvidence: len(in.Files) > 0, Due: true,
		IsAccepter:   !slices.ContainsFunc(in.Verifiers, func(p string) bool { return p != accepter }),
		OfFirstVisit: in.VisitID == w.f.VisitID || slices.ContainsFunc(in.Verifiers, func(p string) bool { return slices.Contains(in.FirstVisit, p) })}
	set := map[string]any{}
	if event != VerdictVerified {
		severity := w.f.Severity
		if event != VerdictPartial {
			severity = severity.Worse()
		}
		if set, err = w.term(0, severity); err != nil {
			return err
		}
		set["severity"] = severity
		if event != VerdictPartial {
			set["reopened"] = true
		} else {
			set["acknowledge_due"] = ""
		}
	}
	visit := in.VisitID
	step := Step{ID: inspection.NewID(), FindingID: id, Text: text, VisitID: &visit}
	if err := w.step(event, facts, step, set); err != nil {
		return err
	}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(in.Verifiers))) {
		if err := tx.Create(&verifier{step.ID, p}).Error; err != nil {
			return err
		}
	}
	return nil
}
