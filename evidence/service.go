package evidence

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/history"

	"golang.org/x/sync/semaphore"
	"gorm.io/gorm"
)

// Config is what a Service needs beside its stores.
type Config struct {
	Limits imaging.Limits     // zero: imaging.DefaultLimits
	Spool  string             // folder for what is being received; empty: the system's
	Key    ed25519.PrivateKey // signs receipts; the same in every copy of the program
}

// Service is the one door to evidence. Safe for concurrent use, by several processes
// too.
type Service struct {
	db      *gorm.DB
	clock   inspection.Clock
	store   blob.Store
	rights  Rights
	work    *imaging.Work
	spool   string
	key     ed25519.PrivateKey
	wake    chan struct{}
	memory  *semaphore.Weighted // bytes that may be received in memory
	rooms   sync.Pool           // rooms in which something was received
	turns   turns
	looking *semaphore.Weighted // one comparison of views at a time: each keeps a processor busy for a third of a second

	receiving atomic.Int64 // how many files are being received
	received  atomic.Int64 // when the last one was, in nanoseconds since 1970
}

// New makes a Service and its spool folder.
func New(db *gorm.DB, clock inspection.Clock, store blob.Store, rights Rights, c Config) (*Service, error) {
	if len(c.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("evidence: no key to sign receipts with")
	}
	if c.Limits == (imaging.Limits{}) {
		c.Limits = imaging.DefaultLimits
	}
	if c.Spool != "" {
		if err := os.MkdirAll(c.Spool, 0o700); err != nil {
			return nil, err
		}
	}
	return &Service{db: db, clock: clock, store: store, rights: rights, work: imaging.NewWork(c.Limits),
		spool: c.Spool, key: c.Key, wake: make(chan struct{}, 1), memory: semaphore.NewWeighted(allInMemory), looking: semaphore.NewWeighted(1)}, nil
}

// Limits are the limits on what is received, for forms that say them beforehand.
func (s *Service) Limits() imaging.Limits { return s.work.Limits() }

// Health asks whether files can be written, for readiness. Code unavailable.
func (s *Service) Health(ctx context.Context) (blob.Health, error) {
	h, err := s.store.Health(ctx)
	if err != nil {
		return h, storeTrouble(err)
	}
	return h, nil
}

func (s *Service) transaction(ctx context.Context, f func(tx *gorm.DB) error) error {
	return s.db.WithContext(ctx).Transaction(f, inspection.Brief)
}

// read is for questions: on SQLite a transaction would take the one write lock.
func (s *Service) read(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

func notFound() error { return inspection.E(inspection.NotFound, "evidence.error.not_found") }

func storeTrouble(err error) error {
	if full := inspection.Trouble(err); errors.Is(err, blob.ErrFull) || full != nil && full.Code == inspection.Full {
		return inspection.E(inspection.Full, "error.full").Because(err)
	}
	return inspection.E(inspection.Unavailable, "evidence.error.store").Because(err)
}

func load(tx *gorm.DB, id string) (file, error) {
	if inspection.CheckID(id) != nil {
		return file{}, notFound()
	}
	var f file
	err := tx.Where("id = ?", id).Take(&f).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return file{}, notFound()
	}
	return f, err
}

// loadAll loads files by id. Code: not_found when one of them is not there.
func loadAll(tx *gorm.DB, ids []string) (map[string]file, error) {
	all := make(map[string]file, len(ids))
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), 500) {
		var rows []file
		if err := tx.Session(&gorm.Session{}).Where("id IN ?", chunk).Order("id").Find(&rows).Error; err != nil {
			return nil, err
		}
		if len(rows) < len(chunk) {
			return nil, notFound()
		}
		for _, f := range rows {
			all[f.ID] = f
		}
	}
	return all, nil
}

// see loads a file with what the actor may see of it; not_found when that is nothing.
func (s *Service) see(tx *gorm.DB, actor inspection.Actor, id string) (file, View, error) {
	f, err := load(tx, id)
	if err != nil {
		return file{}, View{}, err
	}
	views, err := s.sights(tx, actor, []file{f})
	if err != nil {
		return file{}, View{}, err
	}
	if views[id].Sight <= SeeNothing {
		return file{}, View{}, notFound()
	}
	return f, views[id], nil
}

// views tells what the actor may see of files, and on what they hang, by id.
func (s *Service) views(tx *gorm.DB, actor inspection.Actor, files []file) (map[string]View, map[string][]link, error) {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	links, err := linksOf(tx, ids)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.judge(tx, actor, files, links)
	return all, links, err
}

// sights are views where only they are asked for: what a file hangs on shows it to more
// people and hides it from nobody, and is read only when without it something is hidden.
func (s *Service) sights(tx *gorm.DB, actor inspection.Actor, files []file) (map[string]View, error) {
	all, err := s.judge(tx, actor, files, nil)
	if err != nil {
		return nil, err
	}
	for _, view := range all {
		if view.Sight <= SeeNothing {
			all, _, err = s.views(tx, actor, files)
			break
		}
	}
	return all, err
}

// judge asks Rights, once about files that are alike.
func (s *Service) judge(tx *gorm.DB, actor inspection.Actor, files []file, links map[string][]link) (map[string]View, error) {
	known, all := map[Facts]View{}, make(map[string]View, len(files))
	for _, f := range files {
		key := facts(f, links[f.ID], actor)
		view, ok := known[key]
		if !ok {
			var err error
			if view, err = s.rights.See(tx, actor, key); err != nil {
				return nil, err
			}
			known[key] = view
		}
		all[f.ID] = view
	}
	return all, nil
}

func (s *Service) append(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, action string, f file, at inspection.Instant, data map[string]any) error {
	return history.Append(tx, event(actor, c, action, f, at, data))
}

func event(actor inspection.Actor, c inspection.Capacity, action string, f file, at inspection.Instant, data map[string]any) history.Event {
	return history.Event{Actor: actor, Capacity: c, Action: action, SubjectKind: "file", SubjectID: f.ID, Visit: f.VisitID, At: at, Data: data}
}
