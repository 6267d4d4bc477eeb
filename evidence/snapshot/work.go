package snapshot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"congvu/evidence"
	"congvu/evidence/camera"
	"congvu/inspection"

	"gorm.io/gorm"
)

const (
	atOnce   = 32               // stills that one process takes at the same time
	lease    = 45 * time.Second // for which one has a request; longer than any reading
	pause    = time.Second      // between looks for what other copies were asked for
	relaysIn = 2 * time.Minute  // in which a relay must come for its job
)

// Run takes the stills that are asked for until the context ends. Every copy of the
// program may.
func (s *Service) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	room := make(chan struct{}, atOnce)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := s.round(ctx, room, &working); err != nil && ctx.Err() == nil {
			slog.Error("looking for stills to take", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// round begins with everything that waits. No still waits for another: each has a
// goroutine of its own.
func (s *Service) round(ctx context.Context, room chan struct{}, working *sync.WaitGroup) error {
	for {
		relays := s.clock.Now().Add(-relaysIn) // what they could have come for by now
		var due []Request
		err := s.read(ctx).Where("state = ? AND lease_until < ?", Waiting, s.clock.Now()).Where("camera_id NOT IN (?) OR ? AND arrived_at < ? AND decided_at < ?",
			s.read(ctx).Model(&Camera{}).Select("id").Where("relay_id IS NOT NULL AND notice_number <> ''"), relays > s.since, relays, relays).Order("arrived_at, id").Limit(atOnce).Find(&due).Error
		if err != nil {
			return err
		}
		begun := 0
		for _, r := range due {
			c, err := load[Camera](s.read(ctx), r.CameraID)
			if err != nil {
				return err
			}
			select {
			case room <- struct{}{}:
			default:
				return nil // all hands are full: whoever is done looks again
			}
			mine, err := s.lease(ctx, r.ID, s.holder)
			if err != nil || !mine {
				<-room
				if err != nil {
					return err
				}
				continue
			}
			begun++
			working.Go(func() {
				defer s.Wake()
				defer func() { <-room }()
				if err := s.take(ctx, r, c); err != nil && ctx.Err() == nil {
					slog.Error("a still could not be kept; it is tried again", "request", r.ID, "error", err)
				}
			})
		}
		if begun < atOnce {
			return nil
		}
	}
}

// lease takes a request for a while; false where somebody else has it.
func (s *Service) lease(ctx context.Context, id, owner string) (bool, error) {
	now := s.clock.Now()
	done := s.read(ctx).Model(&Request{}).Where("id = ? AND state = ? AND lease_until < ?", id, Waiting, now).
		Updates(map[string]any{"lease_owner": owner, "lease_until": now.Add(lease), "begun_at": now})
	return done.RowsAffected == 1, done.Error
}

// take reads the camera and keeps what comes of it.
func (s *Service) take(ctx context.Context, r Request, c Camera) error {
	now := s.clock.Now()
	r.Camera = c.Name
	cause, err := s.late(s.read(ctx), r)
	if err != nil {
		return err
	}
	if cause = cmp.Or(cause, mayTake(c, now.Date())); cause != "" {
		r.TakenAt, r.Cause = now, cause
		return s.end(ctx, r, Declined, nil)
	}
	if c.RelayID != nil {
		r.TakenAt, r.Cause, r.RelayID = now, NoRelay, c.RelayID
		return s.end(ctx, r, Failed, nil)
	}
	source, err := s.source(c)
	if err != nil {
		return err
	}
	still, err := s.reader.Take(ctx, source)
	if ctx.Err() != nil {
		return ctx.Err() // the program stops: another copy goes on, or this one after its start
	}
	if err != nil {
		logFailure(c.ID, err)
		r.TakenAt, r.Cause = s.clock.Now(), camera.CauseOf(err)
		return s.end(ctx, r, Failed, nil)
	}
	return s.took(ctx, r, c, still)
}

// took keeps a still.
func (s *Service) took(ctx context.Context, r Request, c Camera, still camera.Still) error {
	r.TakenAt, r.CameraAt, r.Profile, r.Preset, r.Cause = still.At, still.CameraAt, still.Profile, still.Preset, wrong(c, still)
	r.Notice = c.NoticeNumber + ", " + c.NoticeDate.VN()
	r.FileID = inspection.NewID()
	if err := seen(s.read(ctx), c, still); err != nil {
		return err
	}
	return s.end(ctx, r, Taken, still.Data)
}

// end decides a request.
func (s *Service) end(ctx context.Context, r Request, state State, data []byte) error {
	var d evidence.Deposit
	var err error
	if state == Taken {
		remote, err := s.checks.Remote(s.read(ctx), r.VisitID)
		if err != nil {
			return err
		}
		of := "" // of which file the bytes are alone
		if remote {
			of = r.FileID
		}
		d, err = s.files.Deposit(ctx, evidence.CameraSnapshot, data, of)
		if code := inspection.CodeOf(err); err != nil && (code == inspection.Invalid || code == inspection.TooLarge) {
			r.FileID, r.Cause, state, err = "", camera.NotAnImage, Failed, nil
		}
		if err != nil {
			return err
		}
	}
	came := false
	err = s.transaction(ctx, func(tx *gorm.DB) (err error) {
		came, err = s.came(tx, r, state, d)
		return err
	})
	if !came { // whether a commit came through that failed, nobody knows
		s.files.Discard(ctx, d)
	}
	switch inspection.CodeOf(err) {
	case inspection.NotFound, inspection.Conflict:
		return s.lapse(ctx, r)
	}
	if err == nil && state == Taken {
		s.files.Arrived()
	}
	return err
}

func logFailure(id string, err error) {
	var e *camera.Error
	if errors.As(err, &e) {
		slog.Warn("a camera gave no still", "camera", id, "cause", e.Cause, "error", e.Err)
		return
	}
	slog.Warn("a camera gave no still", "camera", id, "error", err)
}
