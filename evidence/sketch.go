package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"time"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A sketch is a small picture of a photograph that is declared and has not come yet, so
// that who may see the original sees the scene at once. It is no evidence: it has no
// history and no hash that counts, and it goes with the coming of the original.
const (
	SketchBytes  = 128 << 10          // that a device may send, and that are kept
	SketchSide   = 1024               // pixels of its longest side
	sketchesLast = 7 * 24 * time.Hour // until that of a file that never comes is dropped
	sketchesEach = 2000               // that may be kept for one person
)

// sketched are the kinds of files that have one.
var sketched = []Kind{Photo, Screenshot}

type sketch struct {
	FileID string             `gorm:"column:file_id;primaryKey"`
	Image  []byte             `gorm:"column:image"`
	MadeAt inspection.Instant `gorm:"column:made_at"`
}

func (sketch) TableName() string { return "evidence_sketches" }

// Sketch keeps the small picture of a declared photograph or screenshot until the file
// comes; a later one takes its place. For a file that is not waited for any more it does
// nothing: the sender is late; nor where very many wait for one person already, for no
// original is to wait for a sketch. Nothing of the sender's bytes is kept, only the
// picture that they draw, made anew. May: who declared the file, so that nobody puts
// another scene before theirs. Codes: not_found; forbidden (.sender) for others who see
// it whole; invalid (.sketch_kind, .sketch, .broken, .interrupted); too_large
// (.sketch_too_large).
func (s *Service) Sketch(ctx context.Context, actor inspection.Actor, fileID string, size int64, r io.Reader) error {
	f, _, err := s.mine(ctx, actor, fileID)
	if err != nil {
		return err
	}
	if !slices.Contains(sketched, f.Kind) {
		return inspection.E(inspection.Invalid, "evidence.error.sketch_kind")
	}
	if f.State != Declared {
		return nil
	}
	defer s.busy()()
	raw, err := s.drawn(ctx, size, r)
	if err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		var now file
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "state").Where("id = ?", f.ID).Take(&now).Error; err != nil {
			return err
		}
		if now.State != Declared { // it came meanwhile
			return nil
		}
		var others int64
		err := tx.Table("evidence_sketches k").Joins("JOIN evidence_files f ON f.id = k.file_id").
			Where("f.declared_by = ? AND f.id <> ?", f.DeclaredBy, f.ID).Count(&others).Error
		if err != nil {
			return err
		}
		if others >= sketchesEach {
			return nil
		}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "file_id"}}, DoUpdates: clause.AssignmentColumns([]string{"image", "made_at"})}).
			Create(&sketch{FileID: f.ID, Image: raw, MadeAt: s.clock.Now()}).Error
	})
}

// drawn reads a small JPEG and draws it anew, without anything else that it held.
func (s *Service) drawn(ctx context.Context, size int64, r io.Reader) ([]byte, error) {
	tooLarge := inspection.E(inspection.TooLarge, "evidence.error.sketch_too_large", "kb", SketchBytes>>10)
	if size > SketchBytes {
		return nil, tooLarge
	}
	sent, err := io.ReadAll(io.LimitReader(r, SketchBytes+1))
	switch {
	case err != nil:
		return nil, inspection.E(inspection.Invalid, "evidence.error.interrupted").Because(err)
	case len(sent) > SketchBytes:
		return nil, tooLarge
	}
	bad := inspection.E(inspection.Invalid, "evidence.error.sketch", "side", SketchSide)
	if t, _ := imaging.Sniff(sent[:min(len(sent), imaging.SniffLen)]); t != imaging.JPEG {
		return nil, bad
	}
	// Of a JPEG only the header and the segments are read before it is held against the limits.
	info, err := s.work.Inspect(ctx, bytes.NewReader(sent), int64(len(sent)))
	switch {
	case inspection.CodeOf(err) == inspection.TooLarge:
		return nil, bad.Because(err)
	case err != nil:
		return nil, err
	case max(info.Width, info.Height) > SketchSide:
		return nil, bad
	}
	for _, side := range []int{SketchSide, imaging.ThumbSide} {
		p, err := s.work.Derive(ctx, bytes.NewReader(sent), int64(len(sent)), side)
		if err != nil {
			return nil, err
		}
		if len(p[0].JPEG) <= SketchBytes {
			return p[0].JPEG, nil
		}
	}
	return nil, bad
}

// unsketch drops the sketch of a file that has come or will not.
func unsketch(tx *gorm.DB, file string) error {
	return tx.Where("file_id = ?", file).Delete(&sketch{}).Error
}

// sketches tells which of the files have one.
func sketches(tx *gorm.DB, files []file) (map[string]bool, error) {
	var waiting []string
	for _, f := range files {
		if f.State == Declared && slices.Contains(sketched, f.Kind) {
			waiting = append(waiting, f.ID)
		}
	}
	has := map[string]bool{}
	for chunk := range slices.Chunk(waiting, 500) {
		var ids []string
		if err := tx.Model(&sketch{}).Where("file_id IN ?", chunk).Pluck("file_id", &ids).Error; err != nil {
			return nil, err
		}
		for _, id := range ids {
			has[id] = true
		}
	}
	return has, nil
}

// sketchOf fills what is opened with the sketch of a file. Code not_found
// (evidence.error.not_received) when it has none.
func (c *Content) sketchOf(tx *gorm.DB, f file) error {
	var k sketch
	err := tx.Where("file_id = ?", f.ID).Take(&k).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return inspection.E(inspection.NotFound, "evidence.error.not_received")
	}
	if err != nil {
		return err
	}
	h := sha256.Sum256(k.Image)
	c.ReadSeekCloser, c.Size = inMemoryFile{bytes.NewReader(k.Image)}, int64(len(k.Image))
	c.MediaType, c.ETag, c.Modified = imaging.JPEG, hex.EncodeToString(h[:]), k.MadeAt
	return nil
}

type inMemoryFile struct{ *bytes.Reader }

func (inMemoryFile) Close() error { return nil }

// DropSketches drops the sketches of files that did not come for a week, and tells how
// many those were. The declarations stay. Any number of copies may do it.
func (s *Service) DropSketches(ctx context.Context) (int64, error) {
	done := s.read(ctx).Where("made_at < ?", s.clock.Now().Add(-sketchesLast)).Delete(&sketch{})
	return done.RowsAffected, done.Error
}
