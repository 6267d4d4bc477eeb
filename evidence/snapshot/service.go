package snapshot

import (
	"context"
	"encoding/json"
	"errors"

	"congvu/evidence"
	"congvu/evidence/camera"
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/sealed"

	"gorm.io/gorm"
)

// Checks is what is asked of checks and of the register of desks. Its methods run in the
// caller's transaction.
type Checks interface {
	// Desks lists a desk and those that it was before it moved. Code not_found.
	Desks(tx *gorm.DB, desk string) ([]string, error)
	// Manage tells in which capacity the actor may keep the register of cameras.
	Manage(actor inspection.Actor) (inspection.Capacity, bool)
	// Check gives what must be known of a check; code not_found where the actor is not of
	// its team.
	Check(tx *gorm.DB, actor inspection.Actor, visit string) (Check, error)
	// Until is when stills of a check end, whatever leave there is: of a look from the
	// office the end of its day, zero for others.
	Until(tx *gorm.DB, visit string) (inspection.Instant, error)
	// Asker is a person as an actor of today.
	Asker(tx *gorm.DB, person string, on inspection.Date) (inspection.Actor, error)
	// Remote tells whether a check is a look from the office.
	Remote(tx *gorm.DB, visit string) (bool, error)
	// Stand tells how a check stands, and whether a still of it that hangs on these
	// subjects is needed: it proves a finding that is not withdrawn, or may come to.
	Stand(tx *gorm.DB, visit string, on []evidence.On) (Stand, error)
	// Came writes what came of a request into the check. Codes: not_found, conflict.
	Came(tx *gorm.DB, asker inspection.Actor, r Request, d evidence.Deposit) error
}

// Check is what must be known of a check.
type Check struct {
	Lead     bool // the actor leads its team
	Capacity inspection.Capacity
}

// Stand is what decides how long a still is kept.
type Stand struct {
	Needed  bool
	EndedAt inspection.Instant // the latest of minutes and conclusion of the check; zero while there are none
}

// Config is what a Service needs beside its stores.
type Config struct {
	Key []byte // encrypts what cameras are signed in with, 32 bytes
}

// Service serves cameras and their stills. Safe for concurrent use, by several processes
// too.
type Service struct {
	db     *gorm.DB
	clock  inspection.Clock
	files  *evidence.Service
	checks Checks
	reader *camera.Reader
	config Config
	holder string // of leases: this process
	wake   chan struct{}
	since  inspection.Instant // of this process: what relays could not ask for before is not late
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, files *evidence.Service, checks Checks, reader *camera.Reader, c Config) *Service {
	return &Service{db: db, clock: clock, files: files, checks: checks, reader: reader, config: c, holder: inspection.NewID(), wake: make(chan struct{}, 1), since: clock.Now()}
}

func (s *Service) transaction(ctx context.Context, f func(tx *gorm.DB) error) error {
	return s.db.WithContext(ctx).Transaction(f)
}

func (s *Service) read(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

func notFound() error { return inspection.E(inspection.NotFound, "error.not_found") }

// login is what a camera is signed in with.
type login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// seal encrypts a login for the camera that it belongs to: in another's row it opens
// nothing.
func (s *Service) seal(id string, l login) (string, error) {
	if l == (login{}) {
		return "", nil
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	return sealed.Seal(s.config.Key, id, raw)
}

func (s *Service) unseal(id, kept string) (l login, err error) {
	if kept == "" {
		return l, nil
	}
	raw, err := sealed.Open(s.config.Key, id, kept)
	if err != nil {
		return l, errors.New("snapshot: a login of a camera does not open: another master key?")
	}
	return l, json.Unmarshal(raw, &l)
}

// source is a camera as package camera reads it.
func (s *Service) source(c Camera) (camera.Source, error) {
	l, err := s.unseal(c.ID, c.Secret)
	return camera.Source{Way: c.Way, Address: c.Address, User: l.User, Password: l.Password, Profile: c.Profile, Preset: c.Preset, Trust: c.Trust}, err
}

func load[T any](tx *gorm.DB, id string) (row T, err error) {
	if inspection.CheckID(id) != nil {
		return row, notFound()
	}
	err = tx.Where("id = ?", id).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, notFound()
	}
	return row, err
}

func event(actor inspection.Actor, c inspection.Capacity, action, kind, id, visit string, at inspection.Instant, data map[string]any) history.Event {
	return history.Event{Actor: actor, Capacity: c, Action: action, SubjectKind: kind, SubjectID: id, Visit: visit, At: at, Data: data}
}
