package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Account is what somebody signs in with.
type Account struct {
	ID                string             `gorm:"column:id;primaryKey"`
	PersonID          string             `gorm:"column:person_id"`
	Username          string             `gorm:"column:username"`
	PasswordHash      string             `gorm:"column:password_hash"`
	MustChange        bool               `gorm:"column:must_change"`
	Disabled          bool               `gorm:"column:disabled"`
	PasswordChangedAt inspection.Instant `gorm:"column:password_changed_at"`
	CreatedAt         inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	Version           int64              `gorm:"column:version"`
}

// TableName is the table.
func (Account) TableName() string { return "accounts" }

type session struct {
	ID         string             `gorm:"column:id;primaryKey"`
	TokenHash  string             `gorm:"column:token_hash"`
	AccountID  string             `gorm:"column:account_id"`
	DeviceID   string             `gorm:"column:device_id"`
	CreatedAt  inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	LastSeenAt inspection.Instant `gorm:"column:last_seen_at"`
	ExpiresAt  inspection.Instant `gorm:"column:expires_at"`
	RevokedAt  inspection.Instant `gorm:"column:revoked_at"`
}

func (session) TableName() string { return "sessions" }

// Tables lists the package's table structs, for the test that compares them with
// the migrated schema.
func Tables() []any { return []any{Account{}, session{}, attempts{}} }

// Config of the service. Key separates the hashes of this installation from all
// others, SetupKey makes its set-up code; zero durations mean 12 hours idle and 7 days in
// all.
type Config struct {
	Key      []byte
	SetupKey []byte
	Devices  []byte // from which the keys of people's devices derive
	Idle     time.Duration
	Absolute time.Duration
}

// Service signs people in.
type Service struct {
	db             *gorm.DB
	clock          inspection.Clock
	key, setupKey  []byte
	devices        []byte
	idle, absolute time.Duration
	touching       sync.Mutex  // held while a last use is written
	founded        atomic.Bool // an account exists: what has been seen once stays true
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, c Config) *Service {
	if c.Idle <= 0 {
		c.Idle = 12 * time.Hour
	}
	if c.Absolute <= 0 {
		c.Absolute = 7 * 24 * time.Hour
	}
	return &Service{db: db, clock: clock, key: c.Key, setupKey: c.SetupKey, devices: c.Devices, idle: c.Idle, absolute: c.Absolute}
}

// SignIn is an attempt to sign in. Address is the client's IP address.
type SignIn struct {
	Username, Password       string
	Address, Device, Request string
}

// Session is a session that began. Token goes into the cookie and nowhere else.
type Session struct {
	Token      string
	Expires    inspection.Instant
	MustChange bool
}

// Signed is who is signed in.
type Signed struct {
	Actor      inspection.Actor
	Account    string
	Session    string
	MustChange bool // the first password must be changed before anything else
}

var usernames = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,63}$`)

// Fold is a user name as it is stored and compared.
func Fold(username string) string { return strings.ToLower(strings.TrimSpace(username)) }

func sorted(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }

func tokenHash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

func wrong() error { return inspection.E(inspection.Unauthenticated, "auth.error.wrong") }

// SignIn begins a session. Anyone may try. A wrong name and a wrong password are the
// same error and take the same time. Codes: unauthenticated, unavailable (too many
// guesses: the param seconds says how long to wait), invalid (device).
func (s *Service) SignIn(ctx context.Context, in SignIn) (Session, error) {
	if in.Device != "" {
		if err := inspection.CheckID(in.Device); err != nil {
			return Session{}, err
		}
	}
	name := Fold(in.Username)
	account, address := s.subject("account", name), s.subject("address", in.Address)
	var a Account
	known := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.reserve(tx, s.clock.Now(), map[string]int64{account: freeOfAccount, address: freeOfAddress}); err != nil {
			return err
		}
		var found []Account
		if err := tx.Where("username = ?", name).Limit(1).Find(&found).Error; err != nil {
			return err
		}
		if known = len(found) > 0 && !found[0].Disabled; known {
			a = found[0]
		}
		return nil
	})
	if err != nil {
		return Session{}, err
	}
	stored := nobody
	if known {
		stored = a.PasswordHash
	}
	ok, err := checkPassword(ctx, stored, in.Password) // outside the transaction: it takes a while
	if err != nil {
		return Session{}, err
	}
	who := inspection.Actor{Person: a.PersonID, Device: in.Device, Request: in.Request}
	if !ok || !known {
		err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return history.Append(tx, history.Event{Actor: inspection.Actor{Device: in.Device}, Action: "auth.sign_in_failed",
				SubjectKind: "sign_in", SubjectID: account, At: s.clock.Now(), Data: map[string]any{"address": address}})
		})
		if err != nil {
			return Session{}, err
		}
		return Session{}, wrong()
	}
	token := make([]byte, 32)
	if _, err := rand.Read(token); err != nil {
		return Session{}, err
	}
	out := Session{Token: base64.RawURLEncoding.EncodeToString(token)}
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now := s.clock.Now()
		var fresh Account
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", a.ID).Take(&fresh).Error; err != nil {
			return err
		}
		if fresh.PasswordHash != a.PasswordHash || fresh.Disabled { // changed while the hash was computed
			return wrong()
		}
		if err := s.forgive(tx, account, address); err != nil {
			return err
		}
		row := session{ID: inspection.NewID(), TokenHash: tokenHash(out.Token), AccountID: a.ID, DeviceID: in.Device,
			CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.absolute)}
		out.Expires, out.MustChange = row.ExpiresAt, fresh.MustChange
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return history.Append(tx, history.Event{Actor: who, Action: "auth.sign_in", SubjectKind: "account", SubjectID: a.ID,
			At: now, Data: map[string]any{"session": row.ID, "address": address}})
	})
	if err != nil {
		return Session{}, err
	}
	return out, nil
}

func ended() error { return inspection.E(inspection.Unauthenticated, "auth.error.session_ended") }

// current finds the session of a token that still holds, and its account.
func (s *Service) current(tx *gorm.DB, token string) (session, Account, error) {
	var row session
	err := tx.Where("token_hash = ?", tokenHash(token)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, Account{}, ended()
	}
	if err != nil {
		return row, Account{}, err
	}
	var a Account
	if err := tx.Where("id = ?", row.AccountID).Take(&a).Error; err != nil {
		return row, a, err
	}
	if !s.holds(row, a, s.clock.Now()) {
		return row, a, ended()
	}
	return row, a, nil
}

// touchEvery is how often a session's last use is written down.
const touchEvery = time.Minute

// touchWithin is how long a request waits for that.
const touchWithin = 200 * time.Millisecond

// Authenticate tells who is behind a token, with the capacities of today. Code:
// unauthenticated.
func (s *Service) Authenticate(ctx context.Context, token, request string) (Signed, error) {
	db := s.db.WithContext(ctx)
	var row session
	var a Account
	who := Signed{Actor: inspection.Actor{Request: request}}
	// Every request asks this: in one question, read by hand.
	err := db.Raw("SELECT s.id, s.device_id, s.last_seen_at, s.expires_at, s.revoked_at, a.id, a.must_change, a.disabled, p.id, p.name "+
		"FROM sessions s JOIN accounts a ON a.id = s.account_id JOIN people p ON p.id = a.person_id WHERE s.token_hash = ?", tokenHash(token)).
		Row().Scan(&row.ID, &row.DeviceID, &row.LastSeenAt, &row.ExpiresAt, &row.RevokedAt, &a.ID, &a.MustChange, &a.Disabled, &who.Actor.Person, &who.Actor.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return Signed{}, ended()
	}
	if err != nil {
		return Signed{}, err
	}
	now := s.clock.Now()
	if !s.holds(row, a, now) {
		return Signed{}, ended()
	}
	// One at a time: where the database takes no writes, or takes its time, the others go on reading.
	if now >= row.LastSeenAt.Add(touchEvery) && s.touching.TryLock() {
		defer s.touching.Unlock()
		brief, cancel := context.WithTimeout(ctx, touchWithin)
		defer cancel()
		err := s.db.WithContext(brief).Model(&session{}).Where("id = ? AND last_seen_at < ?", row.ID, now).Updates(map[string]any{"last_seen_at": now}).Error
		if err != nil { // a database that takes no writes can still be read
			slog.Warn("auth: a session's last use is not written", "error", err)
		}
	}
	if who.Actor.Capacities, err = org.CapacitiesOf(db, who.Actor.Person, now.Date()); err != nil {
		return Signed{}, err
	}
	who.Account, who.Session, who.MustChange, who.Actor.Device = a.ID, row.ID, a.MustChange, row.DeviceID
	return who, nil
}

// holds tells whether a session of an account is not over.
func (s *Service) holds(row session, a Account, now inspection.Instant) bool {
	return row.RevokedAt == 0 && now < row.ExpiresAt && now < row.LastSeenAt.Add(s.idle) && !a.Disabled
}

// Began tells whether a token has ever opened a session here, one that has ended too:
// nobody else knows it.
func (s *Service) Began(ctx context.Context, token string) (bool, error) {
	if token == "" {
		return false, nil
	}
	var n int64
	err := s.db.WithContext(ctx).Model(&session{}).Where("token_hash = ?", tokenHash(token)).Count(&n).Error
	return n > 0, err
}

// SignOut ends the session of a token. Signing out twice is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		row, a, err := s.current(tx, token)
		if inspection.CodeOf(err) == inspection.Unauthenticated {
			return nil
		}
		if err != nil {
			return err
		}
		return s.revoke(tx, inspection.Actor{Person: a.PersonID, Device: row.DeviceID}, inspection.Capacity{}, a.ID, "auth.sign_out", "id = ?", row.ID)
	})
}

// SignOutEverywhere ends all sessions of who is signed in, this one included. Code:
// unauthenticated.
func (s *Service) SignOutEverywhere(ctx context.Context, token string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		row, a, err := s.current(tx, token)
		if err != nil {
			return err
		}
		return s.revoke(tx, inspection.Actor{Person: a.PersonID, Device: row.DeviceID}, inspection.Capacity{}, a.ID, "auth.sign_out_everywhere", "account_id = ?", a.ID)
	})
}

// revoke ends the sessions that a condition names.
func (s *Service) revoke(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, account, action, where string, args ...any) error {
	now := s.clock.Now()
	res := tx.Model(&session{}).Where("revoked_at = 0").Where(where, args...).Updates(map[string]any{"revoked_at": now})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 && action == "auth.sign_out" { // another request did at the same time
		return nil
	}
	return history.Append(tx, history.Event{Actor: actor, Capacity: c, Action: action, SubjectKind: "account", SubjectID: account, At: now,
		Data: map[string]any{"sessions": res.RowsAffected}})
}

// ChangePassword replaces the password of who is signed in and ends all their other
// sessions. Guesses of the old password are throttled like sign-ins. Codes:
// unauthenticated (session), invalid (old password wrong, new one against the
// rule), unavailable (throttled), conflict (changed meanwhile).
func (s *Service) ChangePassword(ctx context.Context, token, old, fresh string) error {
	var row session
	var a Account
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		if row, a, err = s.current(tx, token); err != nil {
			return err
		}
		return s.reserve(tx, s.clock.Now(), map[string]int64{s.subject("account", a.Username): freeOfAccount})
	})
	if err != nil {
		return err
	}
	ok, err := checkPassword(ctx, a.PasswordHash, old)
	if err != nil {
		return err
	}
	if !ok {
		return inspection.E(inspection.Invalid, "auth.error.old_wrong").Field("old", "auth.error.old_wrong")
	}
	if err := CheckRule(a.Username, fresh); err != nil {
		return err
	}
	if fresh == old {
		return inspection.E(inspection.Invalid, "auth.error.password_same").Field("password", "auth.error.password_same")
	}
	hash, err := hashPassword(ctx, fresh)
	if err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.forgive(tx, s.subject("account", a.Username), ""); err != nil {
			return err
		}
		if err := s.setPassword(tx, a, hash, false); err != nil {
			return err
		}
		actor := inspection.Actor{Person: a.PersonID, Device: row.DeviceID}
		return s.revoke(tx, actor, inspection.Capacity{}, a.ID, "auth.change_password", "account_id = ? AND id <> ?", a.ID, row.ID)
	})
}

func (s *Service) setPassword(tx *gorm.DB, a Account, hash string, mustChange bool) error {
	res := tx.Model(&Account{}).Where("id = ? AND version = ?", a.ID, a.Version).Updates(map[string]any{"password_hash": hash,
		"must_change": mustChange, "password_changed_at": s.clock.Now(), "version": a.Version + 1})
	if res.Error == nil && res.RowsAffected == 0 {
		return inspection.E(inspection.Conflict, "auth.error.changed_meanwhile")
	}
	return res.Error
}

// NewUser is an account to be made. An empty password is generated; MustChange asks
// for another one at the first sign-in.
type NewUser struct {
	PersonID, Username, Password string
	MustChange                   bool
}

// PrepareUser checks a new account and computes its hash; it is slow, so it runs
// before the transaction. The password is returned, generated if there was none.
// Code: invalid.
func PrepareUser(ctx context.Context, u NewUser) (Prepared, string, error) {
	u.Username = Fold(u.Username)
	if !usernames.MatchString(u.Username) {
		return Prepared{}, "", inspection.E(inspection.Invalid, "auth.error.username").Field("username", "auth.error.username")
	}
	if u.Password == "" {
		u.Password = Generate()
	}
	if err := CheckRule(u.Username, u.Password); err != nil {
		return Prepared{}, "", err
	}
	hash, err := hashPassword(ctx, u.Password)
	return Prepared{u, hash}, u.Password, err
}

// Prepared is a new account whose password is hashed.
type Prepared struct {
	user NewUser
	hash string
}

// For is the same account for a person who is made in the same transaction.
func (p Prepared) For(person string) Prepared {
	p.user.PersonID = person
	return p
}

// Create adds a prepared account in the caller's transaction; the caller has checked
// rights. Codes: invalid (person unknown), conflict (user name or person taken).
func Create(tx *gorm.DB, act org.Act, p Prepared) (Account, error) {
	a := Account{ID: inspection.NewID(), PersonID: p.user.PersonID, Username: p.user.Username, PasswordHash: p.hash,
		MustChange: p.user.MustChange, PasswordChangedAt: act.At, CreatedAt: act.At, Version: 1}
	err := tx.Create(&a).Error
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return a, inspection.E(inspection.Conflict, "auth.error.username_taken").Field("username", "auth.error.username_taken").Because(err)
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return a, inspection.E(inspection.Invalid, "org.error.person_unknown").Because(err)
	case err != nil:
		return a, err
	}
	return a, history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "auth.account.create",
		SubjectKind: "account", SubjectID: a.ID, Data: map[string]any{"person": a.PersonID, "must_change": a.MustChange}})
}

func (s *Service) mayManage(actor inspection.Actor) (inspection.Capacity, error) {
	if actor.Person == "" {
		return inspection.Capacity{}, ended()
	}
	c, ok := org.Can(actor, org.ManageAccounts, org.Subject{})
	if !ok {
		return c, org.MustNot()
	}
	return c, nil
}

// AddUser makes an account and returns its first password, which must be changed at
// the first sign-in unless the caller says otherwise. Administrators of accounts may.
// Codes: unauthenticated, forbidden, invalid, conflict.
func (s *Service) AddUser(ctx context.Context, actor inspection.Actor, u NewUser) (Account, string, error) {
	c, err := s.mayManage(actor)
	if err != nil {
		return Account{}, "", err
	}
	p, password, err := PrepareUser(ctx, u)
	if err != nil {
		return Account{}, "", err
	}
	var a Account
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		a, err = Create(tx, org.Act{Actor: actor, Capacity: c, At: s.clock.Now()}, p)
		return err
	})
	return a, password, err
}

// Reset gives an account a new first password and ends all its sessions.
// Administrators of accounts may. Codes: unauthenticated, forbidden, not_found,
// conflict.
func (s *Service) Reset(ctx context.Context, actor inspection.Actor, username string) (string, error) {
	c, err := s.mayManage(actor)
	if err != nil {
		return "", err
	}
	return s.ResetAs(ctx, org.Act{Actor: actor, Capacity: c}, username)
}

// ResetAs is Reset for the command line, whose user has the database itself in hand.
// Codes: not_found, conflict.
func (s *Service) ResetAs(ctx context.Context, act org.Act, username string) (string, error) {
	password := Generate()
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	name := Fold(username)
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var a Account
		err := tx.Where("username = ?", name).Take(&a).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return inspection.E(inspection.NotFound, "auth.error.account_unknown")
		}
		if err != nil {
			return err
		}
		if err := s.setPassword(tx, a, hash, true); err != nil {
			return err
		}
		if err := s.forgive(tx, s.subject("account", name), ""); err != nil {
			return err
		}
		return s.revoke(tx, act.Actor, act.Capacity, a.ID, "auth.account.reset", "account_id = ?", a.ID)
	})
	if err != nil {
		return "", err
	}
	return password, nil
}
