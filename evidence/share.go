package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// shareable tells whether and how a file can be confirmed for sharing. Exactly one of
// boxes and the mark is given. A picture with people or papers needs boxes. A PDF
// cannot be covered; a scan without citizens' papers (minutes) is shared as it is. A
// HEIC can be neither covered nor freed of its metadata.
func shareable(f file, boxes []imaging.Box, nobody bool) error {
	switch {
	case f.RemovedAt > 0:
		return removed(f)
	case f.State != Received:
		return inspection.E(inspection.Conflict, "evidence.error.not_received")
	case (len(boxes) > 0) == nobody:
		return inspection.E(inspection.Invalid, "evidence.error.boxes_or_mark")
	case nobody && f.Contains.Personal():
		return inspection.E(inspection.Conflict, "evidence.error.contains_people")
	case f.MediaType.Decodable():
		return imaging.CheckBoxes(boxes)
	case f.MediaType == imaging.PDF && nobody && f.Kind == DocumentScan:
		return nil
	}
	return inspection.E(inspection.Invalid, "evidence.error.cannot_share")
}

// ConfirmShared makes the copy of a file that others than the team may see: boxes
// (fractions of the upright picture) burnt into the pixels, or the mark "không có
// người, không có giấy tờ của công dân"; without metadata, at most
// imaging.SharedSide pixels a side. A member of the team who sees the file whole
// may, and answers for it. A later confirmation replaces an earlier one; the earlier
// stays kept. Codes: not_found; invalid (.boxes_or_mark, .boxes, .cannot_share);
// conflict (.contains_people, .not_received); unavailable.
func (s *Service) ConfirmShared(ctx context.Context, actor inspection.Actor, fileID string, boxes []imaging.Box, nobody bool) error {
	check := func(tx *gorm.DB) (file, View, error) {
		f, view, err := s.see(tx, actor, fileID)
		if err == nil && (view.Side != Team || !whole(view, f)) {
			err = notFound()
		}
		if err == nil {
			err = shareable(f, boxes, nobody)
		}
		return f, view, err
	}
	f, _, err := check(s.read(ctx))
	if err != nil {
		return err
	}
	rows, err := s.sharedCopy(ctx, f, boxes)
	if err != nil {
		return err
	}
	refused := false
	err = s.transaction(ctx, func(tx *gorm.DB) (err error) {
		defer func() { refused = err != nil }()
		// Again, locked: the file may have been classified anew meanwhile.
		if _, err := load(tx.Clauses(clause.Locking{Strength: "UPDATE"}), fileID); err != nil {
			return err
		}
		f, view, err := check(tx)
		if err != nil {
			return err
		}
		now := s.clock.Now()
		var n int64
		if err := tx.Model(&derived{}).Where("file_id = ? AND kind = ?", f.ID, shared).Select("COALESCE(MAX(n), 0)").Scan(&n).Error; err != nil {
			return err
		}
		for i := range rows {
			rows[i].N, rows[i].MadeAt, rows[i].ConfirmedBy, rows[i].NobodyMark = n+1, now, actor.Person, nobody
		}
		if err := tx.Create(&rows).Error; err != nil {
			return err
		}
		return s.append(tx, actor, view.Capacity, "evidence.share", f, now, map[string]any{
			"sha256": rows[0].SHA256, "boxes": len(boxes), "nobody": nobody, "n": n + 1})
	})
	if refused {
		s.discard(ctx, objects(rows)...)
	}
	return err
}

// sharedCopy makes and stores the bytes; the rows are not yet written.
func (s *Service) sharedCopy(ctx context.Context, f file, boxes []imaging.Box) ([]derived, error) {
	r, _, err := s.store.Open(ctx, f.key())
	if err != nil {
		return nil, storeTrouble(err)
	}
	defer r.Close()
	if f.MediaType == imaging.PDF {
		raw, err := io.ReadAll(io.LimitReader(r, f.Size))
		if err != nil {
			return nil, storeTrouble(err)
		}
		row, err := s.keepDerived(ctx, f, shared, imaging.PDF, raw)
		return []derived{row}, err
	}
	picture, small, err := s.work.Redact(ctx, r, f.Size, boxes)
	if err != nil {
		return nil, err
	}
	text := ""
	if len(boxes) > 0 {
		raw, err := json.Marshal(boxes)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	var rows []derived
	for kind, p := range map[derivedKind]imaging.Picture{shared: picture, sharedThumb: small} {
		row, err := s.keepDerived(ctx, f, kind, imaging.JPEG, p.JPEG)
		if err != nil {
			s.discard(ctx, objects(append(rows, row))...)
			return nil, err
		}
		row.Width, row.Height, row.Boxes = p.Width, p.Height, text
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b derived) int { return bytes.Compare([]byte(a.Kind), []byte(b.Kind)) })
	return rows, nil
}

// keepDerived stores derived bytes, apart from others where the file is, and makes the row
// for them.
func (s *Service) keepDerived(ctx context.Context, f file, kind derivedKind, t imaging.Type, raw []byte) (derived, error) {
	h := sha256.Sum256(raw)
	d := derived{ID: inspection.NewID(), FileID: f.ID, Kind: kind, SHA256: hex.EncodeToString(h[:]), Size: int64(len(raw)), MediaType: t, N: 1}
	if f.Object != "" {
		d.Object = apart(d.ID)
	}
	return d, s.keep(ctx, d.key(), bytes.NewReader(raw), d.Size, d.SHA256)
}

// Classify says who or what is to be seen in a file, from which its class of access
// follows. Whoever of the sender's side sees the file whole may say that somebody is
// in it; only the team's lead, that nobody is, once it was restricted. Codes:
// not_found, forbidden, invalid, conflict when somebody else said something
// meanwhile.
func (s *Service) Classify(ctx context.Context, actor inspection.Actor, fileID string, c Contains) error {
	if !slices.Contains(AllContains, c) || c == Unknown {
		return inspection.E(inspection.Invalid, "evidence.error.choice")
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		f, view, err := s.see(tx, actor, fileID)
		if err != nil {
			return err
		}
		if !whole(view, f) || view.Side != Team && view.Side != f.Side {
			return notFound()
		}
		if f.Contains == c {
			return nil
		}
		if f.Access == Restricted && AccessOf(c) == Normal && !view.Lead {
			return inspection.E(inspection.Forbidden, "evidence.error.lead_only")
		}
		done := tx.Model(&file{}).Where("id = ? AND contains = ?", f.ID, f.Contains).
			Updates(map[string]any{"contains": c, "access": AccessOf(c), "no_people_confirmed": f.NoPeopleConfirmed && !c.Personal()})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "evidence.error.changed")
		}
		return s.append(tx, actor, view.Capacity, "evidence.classify", f, s.clock.Now(), map[string]any{"from": f.Contains, "to": c})
	})
}
