package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// mailPauses are those between the tries of a mail that its server puts off; the last one
// is repeated until mailTries have gone by since it was made.
var mailPauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

const (
	mailTries      = 5 * 24 * time.Hour
	longestTrouble = 30 * time.Minute // between tries while the server itself is the trouble
)

func pauseOf(pauses []time.Duration, attempts int64) time.Duration {
	return pauses[min(max(attempts-1, 0), int64(len(pauses)-1))]
}

// outcome is what became of a try to hand over a mail.
type outcome struct {
	what result
	code string // smtp-550, unreachable, tls, sign_in, …: of notify.trouble
}

type result int

const (
	handedOver  result = iota
	putOff             // by the server, for this recipient: again later
	refused            // by the server, for this recipient: for good
	serverFails        // nothing can be handed over at all: everything waits
)

// SendMail hands over one mail that is due and tells whether there was one. Several
// copies share the work by leases. While the server itself fails, everything due waits.
func (s *Service) SendMail(ctx context.Context) (bool, error) {
	if !s.mails() {
		return false, nil
	}
	row, err := s.claimMail(ctx)
	if err != nil || row.MessageID == "" {
		return false, err
	}
	letter, ok, err := s.letter(ctx, row.MessageID)
	if err != nil {
		return true, err // the lease runs out, and it is tried again
	}
	if !ok {
		return true, s.transaction(ctx, func(tx *gorm.DB) error { return s.closeMail(tx, row, mailDropped, "") })
	}
	got := s.handOver(ctx, letter)
	return true, s.transaction(ctx, func(tx *gorm.DB) error { return s.afterTry(tx, row, letter.person, got) })
}

// claimMail takes the mail that has waited longest, or none.
func (s *Service) claimMail(ctx context.Context) (taken mailRow, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		now := s.clock.Now()
		var due []mailRow
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).
			Where("state = 'QUEUED' AND next_at <= ? AND lease_until <= ?", now, now).Order("next_at, message_id").Limit(1).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		row := due[0]
		row.Attempts++
		row.LeaseUntil, row.LeaseOwner = now.Add(lease), inspection.NewID()
		done := tx.Model(&mailRow{}).Where("message_id = ? AND state = 'QUEUED' AND lease_until <= ?", row.MessageID, now).
			Updates(map[string]any{"attempts": row.Attempts, "lease_until": row.LeaseUntil, "lease_owner": row.LeaseOwner})
		if done.Error == nil && done.RowsAffected == 1 {
			taken = row
		}
		return done.Error
	})
	return taken, err
}

// letter is what is sent now: written in the words of today, for who may still read it.
// False where there is nobody to write to any more.
func (s *Service) letter(ctx context.Context, message string) (l letter, ok bool, err error) {
	tx := s.db.WithContext(ctx)
	var m Message
	if err := tx.Where("id = ?", message).Take(&m).Error; err != nil {
		return l, false, err
	}
	contact, err := contactOf(tx, m.PersonID)
	if err != nil || contact.Email == "" || !m.Obligation && !contact.Wants {
		return l, false, err
	}
	actor, err := org.ActorOn(tx, m.PersonID, s.clock.Now().Date())
	if err != nil {
		return l, false, err
	}
	seen, ok, err := line(tx, actor, message)
	if err != nil || !ok {
		return l, false, err
	}
	l, err = s.write(seen, actor.Name, contact)
	return l, err == nil, err
}

// closeMail ends a mail, if the claim still holds.
func (s *Service) closeMail(tx *gorm.DB, row mailRow, state mailState, code string) error {
	return s.changeMail(tx, row, map[string]any{"state": state, "error": code, "done_at": s.clock.Now()})
}

func (s *Service) changeMail(tx *gorm.DB, row mailRow, set map[string]any) error {
	set["lease_until"], set["lease_owner"] = 0, ""
	done := tx.Model(&mailRow{}).Where("message_id = ? AND lease_owner = ?", row.MessageID, row.LeaseOwner).Updates(set)
	if done.Error == nil && done.RowsAffected == 0 {
		return errors.New("a mail was claimed by another while it was sent")
	}
	return done.Error
}

// afterTry writes down what became of a try.
func (s *Service) afterTry(tx *gorm.DB, row mailRow, person string, got outcome) error {
	now := s.clock.Now()
	if got.what == serverFails && row.Attempts > 2 { // others went out lately: it is this one
		var out int64
		if err := tx.Model(&mailRow{}).Where("state = ? AND done_at > ?", mailSent, now.Add(-time.Hour)).Count(&out).Error; err != nil {
			return err
		}
		if out > 0 {
			got.what = putOff
		}
	}
	if got.what == putOff && now >= row.MadeAt.Add(mailTries) {
		got.what = refused
	}
	switch got.what {
	case handedOver:
		if err := s.closeMail(tx, row, mailSent, ""); err != nil {
			return err
		}
		return tx.Model(&Contact{}).Where("person_id = ? AND refused_at > 0", person).Updates(map[string]any{"refused_at": 0, "refused_code": ""}).Error
	case refused:
		if err := s.closeMail(tx, row, mailRefused, got.code); err != nil {
			return err
		}
		return tx.Model(&Contact{}).Where("person_id = ?", person).Updates(map[string]any{"refused_at": now, "refused_code": got.code}).Error
	case putOff:
		return s.changeMail(tx, row, map[string]any{"error": got.code, "next_at": now.Add(pauseOf(mailPauses, row.Attempts))})
	}
	again := now.Add(min(pauseOf(mailPauses, row.Attempts), longestTrouble))
	if err := s.changeMail(tx, row, map[string]any{"error": got.code, "next_at": again}); err != nil {
		return err
	}
	// Whatever else is due would meet the same server: it waits without a try of its own,
	// and counts this one, so that the pauses grow.
	return tx.Model(&mailRow{}).Where("state = 'QUEUED' AND next_at <= ? AND lease_until <= ?", now, now).
		Updates(map[string]any{"error": got.code, "next_at": again, "attempts": row.Attempts}).Error
}

// smtpCode is the code of an answer of the server.
func smtpCode(status int) string { return fmt.Sprintf("smtp-%d", status) }
