package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// How guesses are slowed down: an account has five free, an address (an office
// behind one router) thirty; each further one doubles the wait, from two seconds to
// a quarter of an hour. A day without guesses forgets them.
const (
	freeOfAccount = 5
	freeOfAddress = 30
	firstWait     = 2 * time.Second
	longestWait   = 15 * time.Minute
	forgetAfter   = 24 * time.Hour
)

type attempts struct {
	Subject      string             `gorm:"column:subject;primaryKey"`
	Failures     int64              `gorm:"column:failures"`
	LastAt       inspection.Instant `gorm:"column:last_at"`
	BlockedUntil inspection.Instant `gorm:"column:blocked_until"`
}

func (attempts) TableName() string { return "sign_in_attempts" }

// wait is how long nobody may guess after a number of failures.
func wait(failures, free int64) time.Duration {
	if failures < free {
		return 0
	}
	d := firstWait
	for range failures - free {
		if d *= 2; d >= longestWait {
			return longestWait
		}
	}
	return d
}

// subject is what a count belongs to, as a keyed hash: the table tells nobody which
// names were tried.
func (s *Service) subject(kind, value string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(kind + "\x00" + value))
	return hex.EncodeToString(m.Sum(nil))
}

// reserve counts a guess before it is made. Code: unavailable, with the seconds to
// wait, and then nothing is counted.
func (s *Service) reserve(tx *gorm.DB, now inspection.Instant, subjects map[string]int64) error {
	rows := make([]attempts, 0, len(subjects))
	var until inspection.Instant
	for _, name := range sorted(subjects) { // one order for all, so that no two wait for each other
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&attempts{Subject: name}).Error; err != nil {
			return err
		}
		var row attempts
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("subject = ?", name).Take(&row).Error; err != nil {
			return err
		}
		if now-row.LastAt > inspection.Instant(forgetAfter.Milliseconds()) {
			row.Failures = 0
		}
		until = max(until, row.BlockedUntil)
		rows = append(rows, row)
	}
	if until > now {
		return inspection.E(inspection.Unavailable, "auth.error.wait", "seconds", (int64(until-now)+999)/1000)
	}
	for _, row := range rows {
		row.Failures++
		err := tx.Model(&attempts{}).Where("subject = ?", row.Subject).Updates(map[string]any{"failures": row.Failures,
			"last_at": now, "blocked_until": now.Add(wait(row.Failures, subjects[row.Subject]))}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// forgive takes the counted guess back after it was right: the account starts anew,
// the address has one failure less.
func (s *Service) forgive(tx *gorm.DB, account, address string) error {
	err := tx.Model(&attempts{}).Where("subject = ?", account).Updates(map[string]any{"failures": 0, "blocked_until": 0}).Error
	if err != nil || address == "" {
		return err
	}
	return tx.Model(&attempts{}).Where("subject = ? AND failures > 0", address).
		Updates(map[string]any{"failures": gorm.Expr("failures - 1"), "blocked_until": 0}).Error
}
