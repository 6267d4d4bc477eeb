package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/i18n"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// How the connection to the mail server is protected.
const (
	StartTLS    = "starttls" // demanded: without it nothing is sent
	ImplicitTLS = "tls"
	NoTLS       = "none" // to this machine only
)

// MailConfig is the mail server. Without an address there is no mail.
type MailConfig struct {
	Addr     string // host:port
	From     string // an address, with or without a name
	User     string // empty: no sign-in
	Password string
	TLS      string
}

// Config is what the service must know of its surroundings.
type Config struct {
	URL         *url.URL // the public address, for links
	Mail        MailConfig
	Unsubscribe []byte         // key of the links that end mail
	Webhooks    []byte         // key that encrypts the secrets of endpoints, 32 bytes
	Here        bool           // only this machine reaches the program: endpoints on it may be told
	Allow       []netip.Prefix // networks of the office that endpoints may lie in, though not public
	Roots       *x509.CertPool // of mail servers and endpoints; nil: the machine's
	Resolver    *net.Resolver  // nil: the machine's
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
}

// Service makes and sends messages.
type Service struct {
	db      *gorm.DB
	clock   inspection.Clock
	config  Config
	history *history.Reader
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, config Config) *Service {
	if config.URL == nil {
		config.URL = &url.URL{Scheme: "http", Host: "localhost"}
	}
	return &Service{db: db, clock: clock, config: config, history: history.NewReader(db)}
}

const (
	poll        = 2 * time.Second // between looks at what is to be done
	collectPoll = 5 * time.Second
	hookWorkers = 4                // endpoints that are spoken to at once, by one copy
	stepTime    = 3 * time.Minute  // longer than any step takes
	lease       = 10 * time.Minute // longer than that: who holds one beyond it is no more
)

// Run collects and sends until the context ends; a step that has begun is finished. Any
// number of copies may run.
func (s *Service) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.every(ctx, collectPoll, "collecting messages", s.Collect) })
	if s.mails() {
		workers.Go(func() { s.every(ctx, poll, "sending mail", s.SendMail) })
	}
	for range hookWorkers {
		workers.Go(func() { s.every(ctx, poll, "calling webhooks", s.CallWebhook) })
	}
	workers.Wait()
}

// every does steps as long as there is something to do, then waits.
func (s *Service) every(ctx context.Context, pause time.Duration, what string, step func(context.Context) (bool, error)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTime)
		did, err := step(bounded)
		cancel()
		if err != nil {
			slog.Error("notify: "+what, "error", err)
		}
		if did && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// mails tells whether mail is sent at all.
func (s *Service) mails() bool { return s.config.Mail.Addr != "" }

func (s *Service) transaction(ctx context.Context, do func(tx *gorm.DB) error) error {
	return s.db.WithContext(ctx).Transaction(do)
}

// ContactInput is what a form says of a contact.
type ContactInput struct {
	Email    string
	Language i18n.Lang
	Wants    bool
	Version  int64 // that the form's reader saw; 0: there was none
}

// ContactOf is how a person is written to. They themselves may ask, and who manages
// accounts. Codes: unauthenticated, forbidden.
func (s *Service) ContactOf(ctx context.Context, actor inspection.Actor, person string) (Contact, error) {
	if _, err := mayContact(actor, person); err != nil {
		return Contact{}, err
	}
	return contactOf(s.db.WithContext(ctx), person)
}

func contactOf(tx *gorm.DB, person string) (Contact, error) {
	c := Contact{PersonID: person, Language: i18n.VI, Wants: true}
	err := tx.Where("person_id = ?", person).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = nil
	}
	return c, err
}

func mayContact(actor inspection.Actor, person string) (inspection.Capacity, error) {
	if actor.Person == "" {
		return inspection.Capacity{}, inspection.E(inspection.Unauthenticated, "error.unauthenticated")
	}
	c, ok := org.Can(actor, org.ManageAccounts, org.Subject{})
	if !ok && actor.Person != person {
		return c, org.MustNot()
	}
	return c, nil
}

// SetContact says how a person is written to. They themselves may, and who manages
// accounts. History keeps the hash of the address. Codes: unauthenticated, forbidden,
// invalid, conflict, not_found.
func (s *Service) SetContact(ctx context.Context, actor inspection.Actor, person string, in ContactInput) error {
	capacity, err := mayContact(actor, person)
	if err != nil {
		return err
	}
	if in.Email, err = checkEmail(in.Email); err != nil {
		return err
	}
	if in.Language != i18n.VI && in.Language != i18n.EN {
		return inspection.E(inspection.Invalid, "error.invalid").Field("language", "error.field")
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := org.PersonByID(tx, person); err != nil {
			return err
		}
		old, err := contactOf(tx, person)
		if err != nil {
			return err
		}
		if in.Version != old.Version {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		if old.Version > 0 && old.Email == in.Email && old.Language == in.Language && old.Wants == in.Wants {
			return nil
		}
		set := map[string]any{"email": in.Email, "language": in.Language, "wants": in.Wants, "version": old.Version + 1}
		if in.Email != old.Email {
			set["refused_at"], set["refused_code"] = 0, ""
		}
		return s.writeContact(tx, actor, capacity, old, set)
	})
}

// writeContact changes a contact against the version that was read, and history with it.
func (s *Service) writeContact(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, old Contact, set map[string]any) error {
	var done *gorm.DB
	if old.Version == 0 {
		row := Contact{PersonID: old.PersonID, Email: old.Email, Language: old.Language, Wants: old.Wants, Version: 1}
		done = tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if done.Error == nil && done.RowsAffected == 1 {
			done = tx.Model(&Contact{}).Where("person_id = ?", old.PersonID).Updates(set)
		}
	} else {
		done = tx.Model(&Contact{}).Where("person_id = ? AND version = ?", old.PersonID, old.Version).Updates(set)
	}
	if done.Error != nil {
		return done.Error
	}
	if done.RowsAffected == 0 {
		return inspection.E(inspection.Conflict, "error.conflict")
	}
	now, err := contactOf(tx, old.PersonID)
	if err != nil {
		return err
	}
	return history.Append(tx, history.Event{Actor: actor, Capacity: capacity, At: s.clock.Now(), Action: "notify.contact", SubjectKind: "person", SubjectID: old.PersonID,
		Data: map[string]any{"email_sha256": history.TextHash(now.Email), "language": now.Language, "wants": now.Wants}})
}

// maxEmail is the longest address that a mail server takes (RFC 5321 §4.5.3.1.3).
const maxEmail = 254

// checkEmail takes a plain address, local@domain in ASCII, or none.
func checkEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	if email == "" {
		return "", nil
	}
	parsed, err := mail.ParseAddress(email)
	odd := strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>[\]`, r) })
	if err != nil || odd || parsed.Address != email || parsed.Name != "" || len(email) > maxEmail {
		return "", inspection.E(inspection.Invalid, "notify.error.email").Field("email", "notify.error.email").Because(err)
	}
	return email, nil
}

// token is what a link that ends mail carries: nobody can make it for somebody else.
func (s *Service) token(person string) string {
	h := hmac.New(sha256.New, s.config.Unsubscribe)
	h.Write([]byte("unsubscribe\n" + person))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (s *Service) unsubscribeLink(person string) string {
	u := s.config.URL.JoinPath("unsubscribe")
	u.RawQuery = url.Values{"p": {person}, "t": {s.token(person)}}.Encode()
	return u.String()
}

// MayUnsubscribe tells whether a link that ends mail is a real one. Anybody may ask.
// Code: not_found.
func (s *Service) MayUnsubscribe(person, token string) error {
	if inspection.CheckID(person) != nil || !hmac.Equal([]byte(token), []byte(s.token(person))) {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	return nil
}

// Unsubscribe ends the mail that is no obligation, for who holds the link. Doing it twice
// is doing it once. Code: not_found.
func (s *Service) Unsubscribe(ctx context.Context, person, token string) error {
	if err := s.MayUnsubscribe(person, token); err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		old, err := contactOf(tx, person)
		if err != nil || old.Version == 0 || !old.Wants {
			return err
		}
		return s.writeContact(tx, inspection.Actor{Person: person}, inspection.Capacity{}, old, map[string]any{"wants": false, "version": old.Version + 1})
	})
}

// Health is how sending is, for the page of the installation's health. The caller has
// checked rights.
type Health struct {
	Mails    bool               // there is a mail server
	Waiting  int64              // mails that are not handed over yet
	Oldest   inspection.Instant // since when the oldest of them waits
	Trouble  string             // the code of the last failure of one that waits
	Refused  int64              // mails refused for good in the last week
	Hooks    int64              // endpoints
	Off      int64              // those switched off because they failed for days
	Failing  int64              // those that fail now
	Unsent   int64              // deliveries that wait
	Tellable bool               // false: no endpoint, nothing to say of them
}

// refusedShown is for how long a refused mailbox is shown on the page of health.
const refusedShown = 7 * 24 * time.Hour

// ReadHealth counts. The caller has checked rights.
func (s *Service) ReadHealth(ctx context.Context) (h Health, err error) {
	h.Mails = s.mails()
	db := s.db.WithContext(ctx)
	var waiting struct {
		N      int64
		Oldest inspection.Instant
	}
	if err := db.Model(&mailRow{}).Where("state = 'QUEUED'").Select("COUNT(*) AS n, COALESCE(MIN(made_at), 0) AS oldest").Scan(&waiting).Error; err != nil {
		return h, err
	}
	h.Waiting, h.Oldest = waiting.N, waiting.Oldest
	var codes []string
	if err := db.Model(&mailRow{}).Where("state = 'QUEUED' AND error <> ''").Order("next_at DESC").Limit(1).Pluck("error", &codes).Error; err != nil {
		return h, err
	}
	if len(codes) > 0 {
		h.Trouble = codes[0]
	}
	if err := db.Model(&mailRow{}).Where("state = 'REFUSED' AND done_at > ?", s.clock.Now().Add(-refusedShown)).Count(&h.Refused).Error; err != nil {
		return h, err
	}
	var hooks []Webhook
	if err := db.Where("state <> ?", HookRemoved).Find(&hooks).Error; err != nil {
		return h, err
	}
	for _, w := range hooks {
		h.Hooks++
		switch {
		case w.State == HookOff:
			h.Off++
		case !w.FailingSince.IsZero():
			h.Failing++
		}
	}
	h.Tellable = h.Hooks > 0
	err = db.Model(&Delivery{}).Where("state = 'QUEUED'").Count(&h.Unsent).Error
	return h, err
}
