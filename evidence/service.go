package evidence

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"sync/atomic"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/history"

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
	db     *gorm.DB
	clock  inspection.Clock
	store  blob.Store
	rights Rights
	work   *imaging.Work
	spool  string
	key    ed25519.PrivateKey
	wake   chan struct{}

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
		spool: c.Spool, key: c.Key, wake: make(chan struct{}, 1)}, nil
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
	return s.db.WithContext(ctx).Transaction(f)
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

// see loads a file with what the actor may see of it; not_found when that is nothing.
func (s *Service) see(tx *gorm.DB, actor inspection.Actor, id string) (file, View, error) {
	f, err := load(tx, id)
	if err != nil {
		return file{}, View{}, err
	}
	links, err := linksOf(tx, []string{id})
	if err != nil {
		return file{}, View{}, err
	}
	v, err := s.rights.See(tx, actor, facts(f, links[id], actor))
	if err != nil {
		return file{}, View{}, err
	}
	if v.Sight <= SeeNothing {
		return file{}, View{}, notFound()
	}
	return f, v, nil
}

func (s *Service) append(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, action string, f file, at inspection.Instant, data map[string]any) error {
	return history.Append(tx, history.Event{Actor: actor, Capacity: c, Action: action, SubjectKind: "file",
		SubjectID: f.ID, Visit: f.VisitID, At: at, Data: data})
}
