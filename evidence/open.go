package evidence

import (
	"context"
	"errors"
	"io"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// Variant is which form of a file is wanted.
type Variant string

// The variants.
const (
	Original    Variant = "original"
	Preview     Variant = "preview"
	Thumb       Variant = "thumb"
	Shared      Variant = "shared"
	SharedThumb Variant = "shared_thumb"
)

var derivedOf = map[Variant]derivedKind{Preview: preview, Thumb: thumb, Shared: shared, SharedThumb: sharedThumb}

// Content is an open file. The caller closes it.
type Content struct {
	io.ReadSeekCloser
	MediaType imaging.Type
	ETag      string // quoted, of the bytes
	Size      int64
	Name      string // for saving; from the id where the sender's name is not theirs to see
	Modified  inspection.Instant
	Private   bool // must not be kept by any cache
}

// whole tells whether somebody sees a file itself and not only its confirmed copy.
func whole(v View, f file) bool {
	if f.Access == Restricted {
		return v.Sight >= SeeRestricted
	}
	return v.Sight >= SeeAll
}

// mayShare tells whether a confirmed copy still stands: the mark "nobody in it" falls
// when somebody is found in it after all.
func mayShare(f file, d derived) bool { return !d.NobodyMark || !f.Contains.Personal() }

// Open opens one form of a file. Original, preview and thumbnail: whoever sees the
// file whole (Rights); of what is restricted only with a reason of 5 to 500
// characters, each time recorded. Until the original comes, its sketch is the
// thumbnail. Shared: whoever sees the file at all. Codes:
// not_found (also .not_received, .not_shared, .not_derived, .removed for those who may know),
// invalid (.reason_required), unavailable.
func (s *Service) Open(ctx context.Context, actor inspection.Actor, fileID string, variant Variant, reason string) (*Content, error) {
	c := &Content{}
	var key string
	asks := false // for a reason
	locate := func(tx *gorm.DB) (file, View, error) {
		f, view, err := s.see(tx, actor, fileID)
		if err != nil {
			return f, view, err
		}
		isWhole, isShared := whole(view, f), variant == Shared || variant == SharedThumb
		if !isShared && (!isWhole || variant != Original && derivedOf[variant] == "") {
			return f, view, notFound()
		}
		if f.RemovedAt > 0 {
			return f, view, removed(f)
		}
		if asks = !isShared && f.Access == Restricted; f.State != Received {
			if variant != Thumb {
				return f, view, inspection.E(inspection.NotFound, "evidence.error.not_received")
			}
			err := c.sketchOf(tx, f)
			c.ETag, c.Name, c.Private = `"`+c.ETag+`"`, f.ID+c.MediaType.Extension(), true
			return f, view, err
		}
		c.ReadSeekCloser = nil // the sketch, where the file came just now
		key, c.MediaType, c.ETag, c.Modified = f.key(), f.MediaType, f.SHA256, f.ReceivedAt
		if variant != Original {
			var d derived
			err := tx.Where("file_id = ? AND kind = ?", f.ID, derivedOf[variant]).Order("n DESC").Take(&d).Error
			missing := errors.Is(err, gorm.ErrRecordNotFound) || err == nil && isShared && !mayShare(f, d)
			switch {
			case missing && isShared:
				return f, view, inspection.E(inspection.NotFound, "evidence.error.not_shared")
			case missing:
				return f, view, inspection.E(inspection.NotFound, "evidence.error.not_derived")
			case err != nil:
				return f, view, err
			}
			key, c.MediaType, c.ETag, c.Modified = d.key(), d.MediaType, d.SHA256, d.MadeAt
		}
		c.ETag = `"` + c.ETag + `"`
		c.Name = f.ID + c.MediaType.Extension()
		if isWhole && variant == Original && f.Name != "" {
			c.Name = f.Name
		}
		c.Private = asks
		return f, view, nil
	}
	_, _, err := locate(s.read(ctx))
	if err == nil && asks {
		err = s.transaction(ctx, func(tx *gorm.DB) error {
			f, view, err := locate(tx)
			if err != nil {
				return err
			}
			return s.record(tx, actor, f, view, variant, reason)
		})
	}
	if err != nil {
		return nil, err
	}
	if c.ReadSeekCloser != nil {
		return c, nil
	}
	r, info, err := s.store.Open(ctx, key)
	if err != nil {
		if errors.Is(err, blob.ErrNotFound) {
			err = errors.Join(errors.New("evidence: the database knows a file that the store has not"), err)
		}
		return nil, storeTrouble(err)
	}
	c.ReadSeekCloser, c.Size = r, info.Size
	return c, nil
}

// record writes down that somebody opens what is restricted, and why.
func (s *Service) record(tx *gorm.DB, actor inspection.Actor, f file, view View, variant Variant, reason string) error {
	text, ok := inspection.Text(reason, 500)
	if !ok || len([]rune(text)) < 5 {
		return inspection.E(inspection.Invalid, "evidence.error.reason_required").Field("reason", "evidence.error.reason_required")
	}
	now := s.clock.Now()
	row := opening{ID: inspection.NewID(), FileID: f.ID, Variant: variant, Reason: text, OpenedBy: actor.Person, OpenedAt: now}
	if err := tx.Create(&row).Error; err != nil {
		return err
	}
	return s.append(tx, actor, view.Capacity, "evidence.open", f, now,
		map[string]any{"opening": row.ID, "variant": variant, "reason": history.TextHash(text)})
}
