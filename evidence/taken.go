package evidence

import (
	"slices"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
)

// ClockTolerance is by how much two clocks may differ and still agree.
const ClockTolerance = 10 * time.Minute

// Taken is when a file was taken, as far as the program can say: the earliest of what
// the camera wrote and what the device said, or the server's own time when it got
// the file where there is neither, where the two disagree, or where they lie in the
// server's future.
func Taken(exif, captured, server inspection.Instant) inspection.Instant {
	claims := slices.DeleteFunc([]inspection.Instant{exif, captured}, inspection.Instant.IsZero)
	if len(claims) == 0 {
		return server
	}
	first, last := slices.Min(claims), slices.Max(claims)
	if last > first.Add(ClockTolerance) || last > server.Add(ClockTolerance) {
		return server
	}
	return first
}

// TakenAfter are those of the files that are received and were taken later than an
// instant (Taken). For joiners: "an after-photo later than the end of the check",
// "later than its before-photo".
func (s *Service) TakenAfter(tx *gorm.DB, ids []string, t inspection.Instant) ([]string, error) {
	times, err := s.TakenAt(tx, ids)
	if err != nil {
		return nil, err
	}
	var later []string
	for _, id := range ids {
		if at, ok := times[id]; ok && at > t {
			later = append(later, id)
		}
	}
	return later, nil
}

// TakenAt is when each received file was taken. Files that are not received are not in
// it, nor are drawings: those were made, not taken. For joiners.
func (s *Service) TakenAt(tx *gorm.DB, ids []string) (map[string]inspection.Instant, error) {
	times := map[string]inspection.Instant{}
	for chunk := range slices.Chunk(ids, 500) {
		var rows []file
		if err := tx.Where("id IN ? AND state = ? AND of_id = ''", chunk, Received).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, f := range rows {
			times[f.ID] = Taken(f.ExifAt, f.CapturedAt, f.ReceivedAt)
		}
	}
	return times, nil
}
