package evidence

import (
	"context"

	"congvu/inspection"
)

// Jobs is how much work waits, as numbers only.
type Jobs struct {
	Waiting int64              // pictures whose small ones are still to be made
	Oldest  inspection.Instant // when the oldest of them arrived; zero for none
	Failed  int64              // pictures of which no small one could be made
	Coming  int64              // files that were declared and have not arrived
}

// Jobs counts the work that waits. For the page of the installation's health; the
// caller has checked rights.
func (s *Service) Jobs(ctx context.Context) (Jobs, error) {
	var rows []struct {
		State       State
		DeriveState DeriveState
		N           int64
		Oldest      inspection.Instant
	}
	err := s.read(ctx).Model(&file{}).Select("state, derive_state, COUNT(*) AS n, MIN(received_at) AS oldest").
		Where("state = 'DECLARED' OR derive_state IN ('PENDING', 'FAILED')"). // word for word as in the index evidence_files_at_work
		Group("state, derive_state").Find(&rows).Error
	var j Jobs
	for _, r := range rows {
		switch {
		case r.State == Declared:
			j.Coming += r.N
		case r.State == Received && r.DeriveState == DerivePending:
			j.Waiting, j.Oldest = r.N, r.Oldest
		case r.State == Received && r.DeriveState == DeriveFailed:
			j.Failed = r.N
		}
	}
	return j, err
}
