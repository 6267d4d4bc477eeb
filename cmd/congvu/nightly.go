package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"congvu/inspection"
	"congvu/inspection/installation"
)

const (
	// jobReminders is the daily job that gives reminders and escalates.
	jobReminders = "reminders"
	// jobRetention is the daily job that removes what is kept no longer.
	jobRetention = "retention"
	// remindersFrom is the hour of the day from which it runs: a reminder at midnight
	// helps nobody.
	remindersFrom = 6
)

// nightly runs what is due once a day, and what people asked for some minutes ago.
func (p *program) nightly(ctx context.Context, clock inspection.Clock) {
	holder := inspection.NewID()
	tick := time.NewTicker(20 * time.Second)
	defer tick.Stop()
	for {
		if _, err := p.services.Findings.RunMany(ctx); err != nil && ctx.Err() == nil {
			slog.Error("acts on many findings", "error", err)
		}
		if _, err := p.remind(ctx, holder, clock); err != nil && ctx.Err() == nil {
			slog.Error("giving reminders", "error", err)
		}
		if n, err := p.retire(ctx, holder, clock); err != nil && ctx.Err() == nil {
			slog.Error("removing what is kept no longer", "removed", n, "error", err)
		} else if n > 0 {
			slog.Info("stills of looks from the office were removed: their term of 90 days is over", "removed", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// remind gives the reminders of today, once a day over all copies; it tells how many.
func (p *program) remind(ctx context.Context, holder string, clock inspection.Clock) (given int, err error) {
	if clock.Now().Time().In(inspection.Zone).Hour() < remindersFrom {
		return 0, nil
	}
	return p.daily(ctx, jobReminders, holder, clock, p.services.Visits.Remind, p.services.Findings.Remind, p.services.Findings.RemindRecommendations)
}

// retire removes today what is kept no longer, once a day over all copies; it tells how
// many stills went. Their bytes follow (tidy).
func (p *program) retire(ctx context.Context, holder string, clock inspection.Clock) (removed int, err error) {
	return p.daily(ctx, jobRetention, holder, clock, p.services.Snapshots.Retire)
}

// daily does a job once a day over all copies, part by part; each begins behind an id and
// tells the last that it did, empty at the end, and how many.
func (p *program) daily(ctx context.Context, name, holder string, clock inspection.Clock, parts ...func(context.Context, string) (string, int, error)) (did int, err error) {
	now := clock.Now()
	day := now.Date()
	mine, err := installation.Claim(ctx, p.db, name, day, holder, now)
	if err != nil || !mine {
		return 0, err
	}
	var failed error // a part that fails does not hold up the others, and is done again
	for _, part := range parts {
		for after := ""; ; {
			last, n, err := part(ctx, after)
			did += n
			if err != nil {
				failed = errors.Join(failed, err)
				break
			}
			if after = last; last == "" {
				break
			}
			if mine, err = installation.Keep(ctx, p.db, name, day, holder, clock.Now()); err != nil || !mine {
				return did, err
			}
		}
	}
	if failed != nil {
		return did, failed
	}
	return did, installation.Done(ctx, p.db, name, day, holder, clock.Now())
}
