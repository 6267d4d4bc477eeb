package evidence

import (
	"context"
	"slices"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
)

// SharedInfo describes the confirmed copy.
type SharedInfo struct {
	MediaType     imaging.Type
	Width, Height int
	Size          int64
	Boxes         []imaging.Box
	Nobody        bool
	ConfirmedBy   string
	ConfirmedAt   inspection.Instant
	Thumb         bool // there is a small one too
}

// Item is a file as one person may see it. For who sees only what is shared, Name,
// Device, DeclaredBy, Lat, Lng, Contains and the boxes are empty; without Shared it is
// the placeholder with item, time and hash.
type Item struct {
	ID          string
	Visit       string
	Kind        Kind
	Side        Side
	State       State
	Access      Access
	Contains    Contains
	NoPeople    bool
	SHA256      string
	Size        int64
	MediaType   imaging.Type
	Width       int
	Height      int
	Name        string
	Device      string
	DeclaredBy  string
	DeclaredAt  inspection.Instant
	CapturedAt  inspection.Instant
	ReceivedAt  inspection.Instant
	TakenAt     inspection.Instant // Taken; zero until received
	Lat, Lng    *float64
	DeriveState DeriveState
	Of          string // drawn on: the file that it was drawn on
	On          []On
	Shared      *SharedInfo
	Whole       bool               // may open original, preview and thumbnail
	Sketch      bool               // a look ahead stands as the thumbnail, until the original comes
	NeedsReason bool               // and must give a reason each time
	CanConfirm  bool               // may confirm a copy for sharing
	CanGiveUp   bool               // may end the waiting for it
	LostReason  string             // why it was given up; for the team
	RemovedAt   inspection.Instant // since when its bytes are gone (Remove); nobody opens any form of it
	CanClassify bool
}

// Has tells whether there is a preview and a thumbnail to open.
func (i Item) Has() bool { return i.DeriveState == DeriveDone }

// Get is one file as the actor may see it. Code: not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, fileID string) (Item, error) {
	f, err := load(s.read(ctx), fileID)
	if err != nil {
		return Item{}, err
	}
	items, err := s.items(s.read(ctx), actor, []file{f})
	if err == nil && len(items) == 0 {
		err = notFound()
	}
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

// ForVisit are the files of a check that the actor may see, oldest first. Files of a
// check that does not exist for the actor are none.
func (s *Service) ForVisit(ctx context.Context, actor inspection.Actor, visit string) ([]Item, error) {
	return s.list(ctx, actor, func(tx *gorm.DB) *gorm.DB { return tx.Where("visit_id = ?", visit) })
}

// ForSubject are the files that hang on a subject and that the actor may see, oldest
// first; visit may be empty for any check.
func (s *Service) ForSubject(ctx context.Context, actor inspection.Actor, visit string, subject Subject) ([]Item, error) {
	return s.list(ctx, actor, func(tx *gorm.DB) *gorm.DB {
		hanging := standing(tx.Session(&gorm.Session{NewDB: true}).Table("evidence_links")).
			Where("subject_kind = ? AND subject_id = ?", subject.Kind, subject.ID).Select("file_id")
		q := tx.Where("id IN (?)", hanging)
		if visit != "" {
			q = q.Where("visit_id = ?", visit)
		}
		return q
	})
}

func (s *Service) list(ctx context.Context, actor inspection.Actor, which func(*gorm.DB) *gorm.DB) ([]Item, error) {
	var files []file
	if err := which(s.read(ctx)).Order("declared_at, id").Find(&files).Error; err != nil {
		return nil, err
	}
	return s.items(s.read(ctx), actor, files)
}

func (s *Service) items(tx *gorm.DB, actor inspection.Actor, files []file) ([]Item, error) {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	views, links, err := s.views(tx, actor, files)
	if err != nil {
		return nil, err
	}
	copies := map[string]*SharedInfo{}
	for chunk := range slices.Chunk(ids, 500) {
		var rows []derived
		err := tx.Where("file_id IN ? AND kind IN ?", chunk, []derivedKind{shared, sharedThumb}).Order("n, kind").Find(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, d := range rows { // ascending: the newest stays
			if d.Kind == sharedThumb {
				if c := copies[d.FileID]; c != nil {
					c.Thumb = true
				}
				continue
			}
			copies[d.FileID] = &SharedInfo{MediaType: d.MediaType, Width: d.Width, Height: d.Height, Size: d.Size, Boxes: d.boxes(),
				Nobody: d.NobodyMark, ConfirmedBy: d.ConfirmedBy, ConfirmedAt: d.MadeAt}
		}
	}
	ahead, err := sketches(tx, files)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, f := range files {
		if view := views[f.ID]; view.Sight > SeeNothing {
			item := itemOf(f, links[f.ID], copies[f.ID], view)
			item.Sketch = item.Whole && ahead[f.ID]
			items = append(items, item)
		}
	}
	return items, nil
}

func itemOf(f file, links []link, copy *SharedInfo, view View) Item {
	i := Item{ID: f.ID, Visit: f.VisitID, Kind: f.Kind, Side: f.Side, State: f.State, SHA256: f.SHA256, Size: f.Size,
		MediaType: f.MediaType, DeclaredAt: f.DeclaredAt, CapturedAt: f.CapturedAt, ReceivedAt: f.ReceivedAt,
		Of: f.OfID, Access: f.Access, Whole: whole(view, f) && f.RemovedAt == 0, RemovedAt: f.RemovedAt, DeriveState: DeriveNone}
	if f.State == Received {
		i.TakenAt = Taken(f.ExifAt, f.CapturedAt, f.ReceivedAt)
	}
	for _, l := range links {
		if view.Sight > SeeShared || slices.Contains(told, l.SubjectKind) || l.SubjectKind == OnItem {
			i.On = append(i.On, l.on())
		}
	}
	if copy != nil && f.RemovedAt == 0 && mayShare(f, derived{NobodyMark: copy.Nobody}) {
		i.Shared = copy
	}
	if view.Sight <= SeeShared {
		if i.Shared != nil {
			i.Shared.Boxes, i.Shared.ConfirmedBy = nil, ""
		}
		return i
	}
	i.Contains, i.NoPeople, i.Name, i.Device, i.DeclaredBy = f.Contains, f.NoPeopleConfirmed, f.Name, f.Device, f.DeclaredBy
	i.Width, i.Height, i.DeriveState = f.Width, f.Height, f.DeriveState
	if view.Side == Team {
		i.LostReason = f.LostReason
		i.CanGiveUp = view.Lead && f.Side == Team && f.State == Declared
	}
	if !i.Whole {
		return i
	}
	i.Lat, i.Lng = f.ExifLat, f.ExifLng
	i.NeedsReason = f.Access == Restricted
	i.CanConfirm = view.Side == Team && f.State == Received &&
		(f.MediaType.Decodable() || f.MediaType == imaging.PDF && f.Kind == DocumentScan && !f.Contains.Personal())
	i.CanClassify = view.Side == Team || view.Side == f.Side
	return i
}
