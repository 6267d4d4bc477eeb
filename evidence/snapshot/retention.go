package snapshot

import (
	"context"
	"log/slog"
	"time"

	"congvu/evidence"
	"congvu/inspection"

	"gorm.io/gorm"
)

// Kept is how long a still of a look from the office is kept that proves no finding: from
// when it was taken, or from the minutes or the conclusion of its check, the latest of them.
const Kept = 90 * 24 * time.Hour

// What history says of a still that went.
const (
	keptOver = "KEPT_90_DAYS"
	keptLaw  = "Luật 91/2025/QH15, art. 3.3"
)

// retireAtOnce is how many stills are looked at in one call.
const retireAtOnce = 200

// Retire removes stills of looks from the office whose term is over and that nothing needs,
// a part of them: those behind an id, and it tells the last that it looked at, empty at the
// end, and how many went. Their bytes leave by evidence.DropRemoved. Any number of copies
// may do it; the program calls it once a day, nobody else does.
func (s *Service) Retire(ctx context.Context, after string) (last string, went int, err error) {
	by := s.clock.Now().Add(-Kept)
	due, err := s.files.ListApart(ctx, by, after, retireAtOnce)
	if err != nil {
		return "", 0, err
	}
	for _, f := range due {
		gone, err := s.files.Remove(ctx, f.ID, keptOver, keptLaw, func(tx *gorm.DB, on []evidence.On) (bool, error) {
			stand, err := s.checks.Stand(tx, f.Visit, on)
			return !stand.Needed && stand.EndedAt <= by, err
		})
		switch {
		case err != nil && (ctx.Err() != nil || inspection.Trouble(err) != nil):
			return "", went, err
		case err != nil: // it holds up no other; tomorrow it is looked at again
			slog.Error("a still that may have to go could not be looked at", "file", f.ID, "error", err)
		case gone:
			went++
		}
	}
	if len(due) == retireAtOnce {
		last = due[len(due)-1].ID
	}
	return last, went, nil
}
