package snapshot

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"congvu/evidence/camera"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// A relay is the same program beside the cameras (congvu relay). It only ever calls out:
// it asks for its jobs, reads the cameras, and delivers. Each of its requests is signed
// with a key that it made itself; the administrator enters the public half.

// Signed is what a relay signs of a request: method, path, time and the hash of the body.
// The prefix keeps the signature from meaning anything elsewhere.
func Signed(method, path, at string, body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(strings.Join([]string{"congvu relay v1", method, path, at, hex.EncodeToString(sum[:])}, "\n"))
}

// signedFor is how old a relay's request may be, and how far its clock may be off.
const signedFor = 5 * time.Minute

const maxRelays = 1000

// AddRelay enters a relay by its public key (Ed25519, base64). Who keeps the register of
// cameras may. Codes: forbidden, invalid, conflict.
func (s *Service) AddRelay(ctx context.Context, actor inspection.Actor, id, name, key string) error {
	capacity, ok := s.checks.Manage(actor)
	if !ok {
		return inspection.E(inspection.Forbidden, "error.forbidden")
	}
	if err := inspection.CheckID(id); err != nil {
		return err
	}
	bad := inspection.E(inspection.Invalid, "error.invalid", "name_max", maxName)
	name, clean := inspection.Text(name, maxName)
	switch {
	case !clean:
		bad.Field("name", "snapshot.error.name_long")
	case name == "":
		bad.Field("name", "error.required")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		bad.Field("key", "snapshot.error.relay_key")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	r := Relay{ID: id, Name: name, PublicKey: base64.StdEncoding.EncodeToString(raw), MadeAt: s.clock.Now(), Version: 1}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		var all []Relay
		if err := tx.Find(&all).Error; err != nil {
			return err
		}
		for _, old := range all {
			if old.ID == id && old.PublicKey == r.PublicKey && old.Name == name {
				return nil
			}
			if old.ID == id || old.PublicKey == r.PublicKey {
				return inspection.E(inspection.Conflict, "snapshot.error.relay_known")
			}
		}
		if len(all) >= maxRelays {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return history.Append(tx, event(actor, capacity, "relay.add", "relay", id, "", r.MadeAt, map[string]any{"key": r.PublicKey}))
	})
}

// EndRelay takes a relay's right away for ever; its cameras then say that nobody comes for
// them. May: as AddRelay. Codes: forbidden, not_found, conflict.
func (s *Service) EndRelay(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	capacity, ok := s.checks.Manage(actor)
	if !ok {
		return inspection.E(inspection.Forbidden, "error.forbidden")
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := load[Relay](tx, id); err != nil {
			return err
		}
		now := s.clock.Now()
		done := tx.Model(&Relay{}).Where("id = ? AND version = ? AND ended_at = 0", id, version).Updates(map[string]any{"ended_at": now, "version": version + 1})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return history.Append(tx, event(actor, capacity, "relay.end", "relay", id, "", now, nil))
	})
}

// Relays lists the relays, those that have ended last. Who keeps the register may. Code
// forbidden.
func (s *Service) Relays(ctx context.Context, actor inspection.Actor) ([]Relay, error) {
	if _, ok := s.checks.Manage(actor); !ok {
		return nil, inspection.E(inspection.Forbidden, "error.forbidden")
	}
	var all []Relay
	err := s.read(ctx).Order("ended_at, name, id").Find(&all).Error
	return all, err
}

// Known refuses a key that is no relay's, before its request is read. Code unauthenticated.
func (s *Service) Known(ctx context.Context, key string) error {
	var n int64
	err := s.read(ctx).Model(&Relay{}).Where("public_key = ? AND ended_at = 0", key).Count(&n).Error
	if err == nil && n == 0 {
		err = inspection.E(inspection.Unauthenticated, "snapshot.error.relay_sign_in")
	}
	return err
}

// Enter tells which relay signed a request: at is its time in milliseconds, signature
// base64. Code unauthenticated.
func (s *Service) Enter(ctx context.Context, key, at, signature, method, path string, body []byte) (Relay, error) {
	refused := inspection.E(inspection.Unauthenticated, "snapshot.error.relay_sign_in")
	ms, err := strconv.ParseInt(at, 10, 64)
	now := s.clock.Now()
	if err != nil || inspection.Instant(ms) < now.Add(-signedFor) || inspection.Instant(ms) > now.Add(signedFor) {
		return Relay{}, refused
	}
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return Relay{}, refused
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(public, Signed(method, path, at, body), sig) {
		return Relay{}, refused
	}
	var r Relay
	err = s.read(ctx).Where("public_key = ? AND ended_at = 0", base64.StdEncoding.EncodeToString(public)).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Relay{}, refused
	}
	if err == nil && r.SeenAt < now.Add(-time.Minute) {
		err = s.read(ctx).Model(&Relay{}).Where("id = ?", r.ID).Update("seen_at", now).Error
	}
	return r, err
}

// Job is a still that a relay is to take.
type Job struct {
	ID     string        `json:"id"`
	Source camera.Source `json:"source"`
}

// Jobs gives a relay what waits for it, each for as long as a reading may take.
func (s *Service) Jobs(ctx context.Context, relay Relay) ([]Job, error) {
	jobs := []Job{}
	var due []Request
	err := s.read(ctx).Where("state = ? AND lease_until < ? AND camera_id IN (?)", Waiting, s.clock.Now(),
		s.read(ctx).Model(&Camera{}).Select("id").Where("relay_id = ?", relay.ID)).Order("arrived_at, id").Limit(atOnce).Find(&due).Error
	if err != nil {
		return nil, err
	}
	for _, r := range due {
		c, err := load[Camera](s.read(ctx), r.CameraID)
		if err != nil {
			return nil, err
		}
		over, err := s.late(s.read(ctx), r)
		if err != nil {
			return nil, err
		}
		if over != "" || mayTake(c, s.clock.Now().Date()) != "" {
			continue // Run ends it
		}
		source, err := s.source(c)
		if err != nil {
			return nil, err
		}
		if mine, err := s.lease(ctx, r.ID, relay.ID); err != nil || !mine {
			if err != nil {
				return nil, err
			}
			continue
		}
		jobs = append(jobs, Job{r.ID, source})
	}
	return jobs, nil
}

// Delivery is what came of a relay's job. Times are its own: what counts is how long ago
// the frame was there when it was sent.
type Delivery struct {
	Cause    camera.Cause       `json:"cause,omitempty"` // there is no still
	AgeMS    int64              `json:"age_ms"`
	CameraAt inspection.Instant `json:"camera_at,omitempty"`
	Profile  string             `json:"profile,omitempty"`
	Preset   string             `json:"preset,omitempty"`
	Data     []byte             `json:"-"`
	Proof    string             `json:"-"` // what the relay signed, and its signature
}

// relayCauses are the causes that a relay may name.
var relayCauses = []camera.Cause{camera.Unreachable, camera.Timeout, camera.SignIn, camera.Certificate, camera.NotAllowed, camera.Redirect, camera.NotAnImage,
	camera.TooLarge, camera.BrokenOff, camera.NoDecoder, camera.Decoder, camera.NoStill, camera.Protocol}

// Deliver takes what came of a relay's job; delivered twice it is one. Codes: not_found
// for a job of another relay, invalid.
func (s *Service) Deliver(ctx context.Context, relay Relay, id string, d Delivery) error {
	r, err := load[Request](s.read(ctx), id)
	if err != nil {
		return err
	}
	c, err := load[Camera](s.read(ctx), r.CameraID)
	if err != nil {
		return err
	}
	if deref(c.RelayID) != relay.ID {
		return notFound()
	}
	if r.State != Waiting {
		return nil
	}
	for _, words := range []string{d.Profile, d.Preset} {
		if clean, ok := inspection.Text(words, maxName); !ok || clean != words {
			return inspection.E(inspection.Invalid, "error.text")
		}
	}
	now := s.clock.Now()
	at := now.Add(-time.Duration(min(max(d.AgeMS, 0), lease.Milliseconds())) * time.Millisecond)
	r.Camera, r.RelayID, r.Signature = c.Name, &relay.ID, d.Proof
	over, err := s.late(s.read(ctx), r)
	if err != nil {
		return err
	}
	if cause := cmp.Or(over, mayTake(c, now.Date())); cause != "" {
		r.TakenAt, r.Cause = now, cause
		return s.end(ctx, r, Declined, nil)
	}
	if d.Cause != "" {
		if !slices.Contains(relayCauses, d.Cause) || len(d.Data) > 0 {
			return inspection.E(inspection.Invalid, "error.invalid")
		}
		r.TakenAt, r.Cause = at, d.Cause
		return s.end(ctx, r, Failed, nil)
	}
	still, err := s.reader.Judge(ctx, d.Data)
	if err != nil {
		r.TakenAt, r.Cause = at, camera.CauseOf(err)
		return s.end(ctx, r, Failed, nil)
	}
	still.At, still.CameraAt, still.Profile, still.Preset = at, d.CameraAt, d.Profile, d.Preset
	return s.took(ctx, r, c, still)
}

// Proof keeps what a relay signed so that it can be shown: its key is in the register.
func Proof(method, path, at, body, signature string) string {
	raw, _ := json.Marshal(map[string]string{"method": method, "path": path, "at": at, "body_sha256": body, "signature": signature})
	return string(raw)
}
