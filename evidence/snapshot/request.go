package snapshot

import (
	"context"
	"slices"

	"congvu/evidence"
	"congvu/evidence/camera"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// Bounds are what Many and Window are counted by: the checks whose stills count together
// with those of the one that asks, and since when.
type Bounds struct {
	Visits []string
	From   inspection.Instant
}

// Ask takes down that somebody asks for a still: r has the id of the operation, camera,
// subject, reason and time; the rest is found here. Over its Bounds it waits for the lead's leave. For joiners; the caller has checked
// that the actor works on the check, and calls Wake after its transaction. Code invalid
// for a camera that does not hang over the check's desk.
func (s *Service) Ask(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, desk string, b Bounds, r Request) error {
	other := inspection.E(inspection.Invalid, "snapshot.error.other_desk")
	c, err := load[Camera](tx, r.CameraID)
	if inspection.CodeOf(err) == inspection.NotFound || desk == "" {
		return other
	}
	if err != nil {
		return err
	}
	desks, err := s.checks.Desks(tx, desk)
	if err != nil {
		return err
	}
	if !slices.Contains(desks, c.DeskID) {
		return other
	}
	var before int64
	if err := tx.Model(&Request{}).Where("visit_id IN ? AND state NOT IN ?", append(b.Visits, r.VisitID), []State{Declined, Lapsed}).Count(&before).Error; err != nil {
		return err
	}
	r.Camera, r.AskedBy, r.ArrivedAt, r.State = c.Name, actor.Person, s.clock.Now(), Waiting
	switch {
	case before >= Many:
		r.State, r.Why = Asked, TooMany
	case r.ArrivedAt > b.From.Add(Window):
		r.State, r.Why = Asked, TooLate
	}
	if err := tx.Create(&r).Error; err != nil {
		return err
	}
	return history.Append(tx, event(actor, capacity, "snapshot.ask", "snapshot", r.ID, r.VisitID, r.ArrivedAt, map[string]any{
		"camera": r.CameraID, "camera_name": history.TextHash(r.Camera), "kind": r.SubjectKind, "subject": r.SubjectID, "reason": history.TextHash(r.Reason), "asked_at": r.AskedAt.String(), "why": r.Why}))
}

// Wake begins with what waits, after a transaction in which somebody asked.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Watched tells whether a camera over a desk may be asked on a day. For joiners.
func (s *Service) Watched(tx *gorm.DB, desk string, on inspection.Date) (bool, error) {
	all, err := s.over(tx, desk)
	return slices.ContainsFunc(all, func(c Camera) bool { return mayTake(c, on) == "" }), err
}

// Coming counts the stills of a check that are being taken. For joiners.
func (s *Service) Coming(tx *gorm.DB, visit string) (int, error) {
	var n int64
	err := tx.Model(&Request{}).Where("visit_id = ? AND state = ?", visit, Waiting).Count(&n).Error
	return int(n), err
}

// Decide gives leave for a still that needs it, or none, with a reason. The lead of the
// check's team may. Codes: not_found, forbidden, invalid, conflict where it is decided.
func (s *Service) Decide(ctx context.Context, actor inspection.Actor, id string, leave bool, reason string) error {
	reason, ok := inspection.Text(reason, 1000)
	if !ok || len([]rune(reason)) < 5 {
		return inspection.E(inspection.Invalid, "snapshot.error.reason").Field("reason", "snapshot.error.reason")
	}
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		r, err := load[Request](tx, id)
		if err != nil {
			return err
		}
		check, err := s.checks.Check(tx, actor, r.VisitID)
		if err != nil {
			return err
		}
		if !check.Lead {
			return inspection.E(inspection.Forbidden, "evidence.error.lead_only")
		}
		now := s.clock.Now()
		if until, err := s.checks.Until(tx, r.VisitID); err != nil {
			return err
		} else if leave && !until.IsZero() && now >= until {
			return inspection.E(inspection.Conflict, "visit.error.look_over")
		}
		r.DecidedBy, r.DecidedAt, r.Decision, r.State = &actor.Person, now, reason, Waiting
		done := tx.Model(&Request{}).Where("id = ? AND state = ?", id, Asked).Updates(map[string]any{
			"state": Waiting, "decided_by": actor.Person, "decided_at": now, "decision": reason})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "snapshot.error.decided")
		}
		err = history.Append(tx, event(actor, check.Capacity, "snapshot.decide", "snapshot", id, r.VisitID, now, map[string]any{"leave": leave, "reason": history.TextHash(reason)}))
		if err != nil || leave {
			return err
		}
		r.TakenAt, r.Cause = now, NoLeave
		_, err = s.came(tx, r, Declined, evidence.Deposit{})
		return err
	})
	if err == nil {
		s.Wake()
	}
	return err
}

// EndAsked ends what waits for leave in a check in which nothing more is taken. For joiners.
func (s *Service) EndAsked(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, visit string) error {
	var rows []Request
	if err := tx.Where("visit_id = ? AND state = ?", visit, Asked).Order("id").Find(&rows).Error; err != nil || len(rows) == 0 {
		return err
	}
	now := s.clock.Now()
	if err := tx.Model(&Request{}).Where("visit_id = ? AND state = ?", visit, Asked).Updates(map[string]any{"state": Lapsed, "taken_at": now}).Error; err != nil {
		return err
	}
	events := make([]history.Event, len(rows))
	for i, r := range rows {
		events[i] = event(actor, capacity, "snapshot.lapsed", "snapshot", r.ID, visit, now, map[string]any{"camera": r.CameraID})
	}
	return history.Append(tx, events...)
}

// Of lists what was asked for in a check, in that order. The caller has checked who may
// see it.
func (s *Service) Of(ctx context.Context, visit string) ([]Request, error) {
	var rows []Request
	if err := s.read(ctx).Where("visit_id = ?", visit).Order("arrived_at, id").Find(&rows).Error; err != nil {
		return nil, err
	}
	return rows, s.named(ctx, rows)
}

// OfFiles are the requests that gave pictures, by the picture's file; what is no still of a
// camera has none. The caller has checked who may see the files.
func (s *Service) OfFiles(ctx context.Context, files ...string) (map[string]Request, error) {
	out := map[string]Request{}
	for chunk := range slices.Chunk(files, 500) {
		var rows []Request
		if err := s.read(ctx).Where("state = ? AND file_id IN ?", Taken, chunk).Find(&rows).Error; err != nil {
			return nil, err
		}
		if err := s.named(ctx, rows); err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.FileID] = r
		}
	}
	return out, nil
}

// came decides a request: TAKEN with the deposit, FAILED or DECLINED with a cause. Where
// the check takes nothing any more, or who asked is of its team no more, it has lapsed. False
// where nothing was written: another copy was quicker, or with an error.
func (s *Service) came(tx *gorm.DB, r Request, state State, d evidence.Deposit) (bool, error) {
	r.State = state
	done := tx.Model(&Request{}).Where("id = ? AND state = ?", r.ID, Waiting).Updates(map[string]any{
		"state": r.State, "camera_name": r.Camera, "taken_at": r.TakenAt, "camera_at": r.CameraAt, "file_id": r.FileID, "cause": r.Cause, "profile": r.Profile, "preset": r.Preset,
		"notice": r.Notice, "relay_id": r.RelayID, "signature": r.Signature, "lease_until": 0, "lease_owner": ""})
	if done.Error != nil || done.RowsAffected == 0 {
		return false, done.Error
	}
	asker, err := s.checks.Asker(tx, r.AskedBy, s.clock.Now().Date())
	if err != nil {
		return false, err
	}
	check, err := s.checks.Check(tx, asker, r.VisitID)
	if err != nil {
		return false, err
	}
	if err := s.checks.Came(tx, asker, r, d); err != nil {
		return false, err
	}
	if state == Taken {
		if err := s.files.Arrive(tx, asker, check.Capacity, r.FileID, d); err != nil {
			return false, err
		}
	}
	data := map[string]any{"camera": r.CameraID, "camera_name": history.TextHash(r.Camera), "taken_at": r.TakenAt.String(), "cause": string(r.Cause), "notice": history.TextHash(r.Notice)}
	if r.FileID != "" {
		data["file"], data["sha256"] = r.FileID, d.SHA256
	}
	if drift, ok := r.Drift(); ok {
		data["drift_ms"] = drift.Milliseconds()
	}
	if r.RelayID != nil {
		data["relay"] = *r.RelayID
	}
	err = history.Append(tx, event(asker, check.Capacity, "snapshot."+words[state], "snapshot", r.ID, r.VisitID, r.TakenAt, data))
	return err == nil, err
}

var words = map[State]string{Taken: "taken", Failed: "failed", Declined: "declined", Lapsed: "lapsed"}

// lapse ends a request that the check did not take.
func (s *Service) lapse(ctx context.Context, r Request) error {
	return s.transaction(ctx, func(tx *gorm.DB) error {
		now := s.clock.Now()
		done := tx.Model(&Request{}).Where("id = ? AND state = ?", r.ID, Waiting).Updates(map[string]any{"state": Lapsed, "taken_at": now, "lease_until": 0, "lease_owner": ""})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return history.Append(tx, event(inspection.Actor{Person: r.AskedBy}, inspection.Capacity{}, "snapshot.lapsed", "snapshot", r.ID, r.VisitID, now, map[string]any{"camera": r.CameraID}))
	})
}

// asked is since when a request could be taken.
func (r Request) asked() inspection.Instant { return max(r.ArrivedAt, r.DecidedAt) }

// late is Over where the time of a request has gone by: Window after it could be taken, or
// the end of its check.
func (s *Service) late(tx *gorm.DB, r Request) (camera.Cause, error) {
	now := s.clock.Now()
	until, err := s.checks.Until(tx, r.VisitID)
	if err == nil && (now > r.asked().Add(Window) || !until.IsZero() && now >= until) {
		return Over, nil
	}
	return "", err
}

// mayTake is why a camera must not be asked, empty where it may.
func mayTake(c Camera, on inspection.Date) camera.Cause {
	switch {
	case !c.InUse(on):
		return Retired
	case !c.Noticed(on):
		return NoNotice
	}
	return ""
}
