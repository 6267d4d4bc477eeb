package evidence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

const (
	deriveTries = 3
	deriveLease = 5 * time.Minute  // longer than any derivation takes
	deriveAgain = 30 * time.Second // before the next try
	deriveSoon  = 5 * time.Second  // the same, where the store was in trouble and not the file
	deriveYield = 5 * time.Second  // how long it waits for files that are being received
	deriveQuiet = 200 * time.Millisecond
)

// Deriver makes thumbnails and previews after the receipt. Several copies of the
// program share the work by leases; a copy that dies leaves its lease to run out.
type Deriver struct {
	s       *Service
	workers int
	poll    time.Duration
}

// Deriver makes one with a number of workers. It wakes on every receipt of this
// process, and each poll for what other copies left.
func (s *Service) Deriver(workers int, poll time.Duration) *Deriver {
	return &Deriver{s: s, workers: max(1, workers), poll: poll}
}

func (s *Service) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run works until the context ends; what was begun is finished.
func (d *Deriver) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range d.workers {
		wg.Go(func() {
			tick := time.NewTicker(d.poll)
			defer tick.Stop()
			for ctx.Err() == nil {
				d.yield(ctx)
				// Not cut short by the end of ctx: a shutdown finishes what was begun.
				step, cancel := context.WithTimeout(context.WithoutCancel(ctx), deriveLease)
				did, err := d.Step(step)
				cancel()
				if err != nil {
					slog.Error("evidence: deriving", "error", err)
				}
				if did && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
				case <-d.s.wake:
				case <-tick.C:
				}
			}
		})
	}
	wg.Wait()
}

// yield lets files that are being received go first, for a while: somebody waits for
// their receipts, and previews cost ten times as much.
func (d *Deriver) yield(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deriveYield)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && (d.s.receiving.Load() > 0 || time.Since(time.Unix(0, d.s.received.Load())) < deriveQuiet) {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Step derives one file that is due and tells whether there was one.
func (d *Deriver) Step(ctx context.Context) (bool, error) {
	s := d.s
	f, err := s.lease(ctx)
	if err != nil || f.ID == "" {
		return false, err
	}
	s.notify() // there may be another one for another worker
	rows, err := s.derive(ctx, f)
	if err != nil {
		return true, s.putOff(ctx, f, err)
	}
	late := false // somebody else was quicker, or the file has gone
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		now, err := load(tx.Clauses(clause.Locking{Strength: "UPDATE"}), f.ID)
		if err != nil {
			return err
		}
		if late = now.DeriveState != DerivePending; late {
			return nil
		}
		made := s.clock.Now()
		for i := range rows {
			rows[i].MadeAt = made
		}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return err
		}
		return tx.Model(&file{}).Where("id = ? AND derive_state = ?", f.ID, DerivePending).
			Updates(map[string]any{"derive_state": DeriveDone, "derive_lease_until": 0}).Error
	})
	if late && err == nil {
		s.discard(ctx, objects(rows)...)
	}
	return true, err
}

// lease takes the file that has waited longest, or none.
func (s *Service) lease(ctx context.Context) (file, error) {
	var taken file
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		now := s.clock.Now()
		var due []file
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).
			Where("state = 'RECEIVED' AND derive_state = 'PENDING' AND derive_lease_until <= ?", now). // word for word as in the index evidence_files_derive
			Order("derive_lease_until, received_at, id").Limit(1).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		f := due[0]
		if f.DeriveAttempts >= deriveTries { // its last try ended with the process
			return tx.Model(&file{}).Where("id = ?", f.ID).Updates(map[string]any{"derive_state": DeriveFailed}).Error
		}
		f.DeriveAttempts++
		f.DeriveLeaseUntil = now.Add(deriveLease)
		done := tx.Model(&file{}).Where("id = ? AND derive_state = ? AND derive_lease_until <= ?", f.ID, DerivePending, now).
			Updates(map[string]any{"derive_attempts": f.DeriveAttempts, "derive_lease_until": f.DeriveLeaseUntil})
		if done.Error == nil && done.RowsAffected == 1 {
			taken = f
		}
		return done.Error
	})
	return taken, err
}

func (s *Service) derive(ctx context.Context, f file) ([]derived, error) {
	r, _, err := s.store.Open(ctx, f.key())
	if err != nil {
		return nil, storeTrouble(err)
	}
	defer r.Close()
	pictures, err := s.work.Derive(ctx, r, f.Size, imaging.PreviewSide, imaging.ThumbSide)
	if err != nil {
		return nil, err
	}
	rows := make([]derived, 2)
	for i, kind := range []derivedKind{preview, thumb} {
		if rows[i], err = s.keepDerived(ctx, f, kind, imaging.JPEG, pictures[i].JPEG); err != nil {
			s.discard(ctx, objects(rows[:i+1])...)
			return nil, err
		}
		rows[i].Width, rows[i].Height = pictures[i].Width, pictures[i].Height
	}
	return rows, nil
}

// putOff leaves a file for later. What cannot be decoded is given up after three
// tries; a store that is down or full counts for nothing.
func (s *Service) putOff(ctx context.Context, f file, cause error) error {
	changes := map[string]any{"derive_lease_until": s.clock.Now().Add(deriveAgain)}
	if code := inspection.CodeOf(cause); code == inspection.Unavailable || code == inspection.Full || inspection.Trouble(cause) != nil {
		changes["derive_attempts"], changes["derive_lease_until"] = f.DeriveAttempts-1, s.clock.Now().Add(deriveSoon)
	} else if f.DeriveAttempts >= deriveTries {
		changes["derive_state"], changes["derive_lease_until"] = DeriveFailed, 0
	}
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Model(&file{}).Where("id = ? AND derive_state = ?", f.ID, DerivePending).Updates(changes).Error
	})
	return errors.Join(cause, err)
}
