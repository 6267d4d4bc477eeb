package evidence

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Bytes that are kept apart (Deposit) may go for good, when the law wants it. The row of
// the file stays, with its hash and its links. That it is removed is one transaction, after
// which nobody opens any form of it; its bytes leave the store some hours later, by any
// copy of the program and as often as it takes.

const (
	// leaving is how long removed bytes stay in the store: a backup that began before copies
	// them, and who had them open reads on.
	leaving = 6 * time.Hour
	// leaveAtOnce is how many files leave in one call.
	leaveAtOnce = 500
)

// Apart is a received file whose bytes may have to go.
type Apart struct {
	ID         string
	Visit      string
	CapturedAt inspection.Instant
}

// ListApart lists such files whose bytes are there and that were taken by an instant, in
// the order of their ids behind one. For joiners; it checks no rights.
func (s *Service) ListApart(ctx context.Context, by inspection.Instant, behind string, limit int) ([]Apart, error) {
	var rows []file
	q := s.read(ctx).Where("object <> '' AND removed_at = 0") // word for word as in the index evidence_files_apart
	err := q.Select("id", "visit_id", "captured_at").Where("captured_at <= ? AND id > ?", by, behind).Order("id").Limit(limit).Find(&rows).Error
	all := make([]Apart, len(rows))
	for i, f := range rows {
		all[i] = Apart{f.ID, f.VisitID, f.CapturedAt}
	}
	return all, err
}

// Remove gives up for good the bytes of a file that are kept apart, and all that is
// derived from them, because a term is over: reason names it, law is where it stands. It
// is told in history in the same transaction. due is asked there too, when nobody hangs the
// file anywhere any more, of what it hangs on; false leaves it. True where the file went
// now: of several who try at once, one. For joiners; no page offers it. Codes: not_found;
// conflict (evidence.error.not_apart) for a file whose bytes others may share.
func (s *Service) Remove(ctx context.Context, id, reason, law string, due func(tx *gorm.DB, on []On) (bool, error)) (went bool, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		went = false
		f, err := load(tx.Clauses(clause.Locking{Strength: "UPDATE"}), id)
		if err != nil || f.RemovedAt > 0 {
			return err
		}
		if f.Object == "" || f.State != Received {
			return inspection.E(inspection.Conflict, "evidence.error.not_apart")
		}
		links, err := linksOf(tx, []string{id})
		if err != nil {
			return err
		}
		var on []On
		for _, l := range links[id] {
			on = append(on, l.on())
		}
		ok, err := due(tx, on)
		if err != nil || !ok {
			return err
		}
		now := s.clock.Now()
		err = tx.Model(&file{}).Where("id = ?", id).Updates(map[string]any{"removed_at": now, "derive_state": DeriveNone, "derive_lease_until": 0}).Error
		if err != nil {
			return err
		}
		went = true
		return s.append(tx, inspection.Actor{}, inspection.Capacity{}, "evidence.remove", f, now, map[string]any{"sha256": f.SHA256, "reason": reason, "law": law})
	})
	return went && err == nil, err
}

// DropRemoved takes the bytes of removed files out of the store, six hours after they were
// removed, and tells of how many files it did. What fails is tried again by the next call.
// Any number of copies may do it.
func (s *Service) DropRemoved(ctx context.Context) (n int, err error) {
	var files []file
	q := s.read(ctx).Where("object <> '' AND removed_at > 0") // word for word as in the index evidence_files_leaving
	err = q.Where("removed_at <= ?", s.clock.Now().Add(-leaving)).Order("removed_at, id").Limit(leaveAtOnce).Find(&files).Error
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		failed := s.drop(ctx, f)
		if failed == nil {
			n++
		}
		err = errors.Join(err, failed) // one that will not go holds up no other
	}
	return n, err
}

// drop takes what a removed file names out of the store, and then the names.
func (s *Service) drop(ctx context.Context, f file) error {
	var rows []derived
	if err := s.read(ctx).Where("file_id = ?", f.ID).Find(&rows).Error; err != nil {
		return err
	}
	for _, key := range append(objects(rows), f.Object) {
		if err := s.store.Delete(ctx, key); err != nil {
			return storeTrouble(err)
		}
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		// Nothing is derived of what is removed: these are all that there were.
		if err := tx.Where("file_id = ?", f.ID).Delete(&derived{}).Error; err != nil {
			return err
		}
		return tx.Model(&file{}).Where("id = ? AND removed_at > 0", f.ID).Update("object", "").Error
	})
}

// objects are the keys of what is kept apart.
func objects(rows []derived) (keys []string) {
	for _, d := range rows {
		if d.Object != "" {
			keys = append(keys, d.Object)
		}
	}
	return keys
}

// discardFor is how long taking back may last.
const discardFor = 10 * time.Second

// discard takes bytes out of the store that are kept apart and that no row will name.
// Empty keys are none.
func (s *Service) discard(ctx context.Context, keys ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardFor)
	defer cancel()
	for _, key := range keys {
		if key == "" {
			continue
		}
		if err := s.store.Delete(ctx, key); err != nil {
			slog.Error("evidence: bytes that belong to no file stay in the store", "key", key, "error", err)
		}
	}
}

// removed is why a file is not opened any more.
func removed(f file) error {
	return inspection.E(inspection.NotFound, "evidence.error.removed", "day", f.RemovedAt.Date().VN())
}
