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
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// remind gives the reminders of today, once a day over all copies; it tells how many.
func (p *program) remind(ctx context.Context, holder string, clock inspection.Clock) (given int, err error) {
	now := clock.Now()
	day := now.Date()
	if now.Time().In(inspection.Zone).Hour() < remindersFrom {
		return 0, nil
	}
	mine, err := installation.Claim(ctx, p.db, jobReminders, day, holder, now)
	if err != nil || !mine {
		return 0, err
	}
	var failed error // a part that fails does not hold up the others, and is done again
	for _, part := range []func(context.Context, string) (string, int, error){p.services.Visits.Remind, p.services.Findings.Remind, p.services.Findings.RemindRecommendations} {
		for after := ""; ; {
			last, n, err := part(ctx, after)
			given += n
			if err != nil {
				failed = errors.Join(failed, err)
				break
			}
			if after = last; last == "" {
				break
			}
			if mine, err = installation.Keep(ctx, p.db, jobReminders, day, holder, clock.Now()); err != nil || !mine {
				return given, err
			}
		}
	}
	if failed != nil {
		return given, failed
	}
	return given, installation.Done(ctx, p.db, jobReminders, day, holder, clock.Now())
}
