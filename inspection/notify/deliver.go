package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"congvu/inspection"
	"congvu/inspection/sealed"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// hookPauses are those between the tries of a delivery, as the specification of Standard
// Webhooks suggests them; after the last one it is given up.
var hookPauses = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

const (
	failsFor  = 5 * 24 * time.Hour // after which an endpoint is switched off
	maxAnswer = 4 << 10            // bytes that are read of an answer
	keptLog   = 90 * 24 * time.Hour
	tidyAtOne = 1000
)

// CallWebhook makes one delivery that is due and tells whether there was one. An endpoint
// is spoken to by one worker at a time, of all copies; one that hangs holds up its own
// deliveries alone.
func (s *Service) CallWebhook(ctx context.Context) (bool, error) {
	w, d, err := s.claimHook(ctx)
	if err != nil || d.ID == "" {
		return false, err
	}
	try := Attempt{DeliveryID: d.ID, N: d.Attempts, At: s.clock.Now()}
	began := time.Now()
	status, code := s.call(ctx, w, d)
	try.Status, try.Error, try.MS = int64(status), code, time.Since(began).Milliseconds()
	return true, s.transaction(ctx, func(tx *gorm.DB) error { return s.afterCall(tx, w, d, try) })
}

// claimHook takes the delivery that has waited longest of an endpoint that nobody speaks
// to, or none.
func (s *Service) claimHook(ctx context.Context) (w Webhook, d Delivery, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		now := s.clock.Now()
		var due []Webhook
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).
			Where("state = ? AND lease_until <= ?", HookActive, now).
			Where("EXISTS (SELECT 1 FROM notify_deliveries d WHERE d.webhook_id = notify_webhooks.id AND d.state = 'QUEUED' AND d.next_at <= ?)", now).
			Order("lease_until, id").Limit(1).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		var list []Delivery
		if err := tx.Where("webhook_id = ? AND state = 'QUEUED' AND next_at <= ?", due[0].ID, now).Order("next_at, id").Limit(1).Find(&list).Error; err != nil || len(list) == 0 {
			return err
		}
		owner := inspection.NewID()
		done := tx.Model(&Webhook{}).Where("id = ? AND lease_until <= ?", due[0].ID, now).Updates(map[string]any{"lease_until": now.Add(lease), "lease_owner": owner})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		if err := tx.Model(&Delivery{}).Where("id = ?", list[0].ID).Update("attempts", list[0].Attempts+1).Error; err != nil {
			return err
		}
		w, d = due[0], list[0]
		w.LeaseOwner = owner
		d.Attempts++
		return nil
	})
	return w, d, err
}

// afterCall writes a try down and lets the endpoint go.
func (s *Service) afterCall(tx *gorm.DB, w Webhook, d Delivery, try Attempt) error {
	now := s.clock.Now()
	release := map[string]any{"lease_until": now, "lease_owner": ""} // the others come first now
	set := map[string]any{}
	switch {
	case try.Error == "":
		set["state"], set["done_at"], release["failing_since"] = DeliverySent, now, 0
	default:
		if d.Attempts > int64(len(hookPauses)) {
			set["state"], set["done_at"] = DeliveryFailed, now
		} else {
			set["next_at"] = now.Add(pauseOf(hookPauses, d.Attempts))
		}
		switch {
		case w.FailingSince.IsZero():
			release["failing_since"] = now
		case now >= w.FailingSince.Add(failsFor):
			release["state"] = HookOff
		}
		if try.Status == http.StatusGone { // the specification: wants no more
			release["state"], set["state"], set["done_at"] = HookOff, DeliveryFailed, now
		}
	}
	if err := tx.Create(&try).Error; err != nil {
		return err
	}
	if err := tx.Model(&Delivery{}).Where("id = ? AND state = 'QUEUED'", d.ID).Updates(set).Error; err != nil {
		return err
	}
	if release["state"] == HookOff { // unless somebody has paused or removed it meanwhile
		if err := tx.Model(&Webhook{}).Where("id = ? AND state = ?", w.ID, HookActive).Updates(map[string]any{"state": HookOff, "version": w.Version + 1}).Error; err != nil {
			return err
		}
		delete(release, "state")
	}
	return tx.Model(&Webhook{}).Where("id = ? AND lease_owner = ?", w.ID, w.LeaseOwner).Updates(release).Error
}

// sign is the signature of a webhook: v1, HMAC-SHA-256 over id, timestamp and payload.
func sign(secret []byte, id, timestamp, payload string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + timestamp + "." + payload))
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// call sends a delivery: the status of the answer, and the code of what went wrong.
func (s *Service) call(ctx context.Context, w Webhook, d Delivery) (status int, code string) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return 0, "unreachable"
	}
	secret, err := sealed.Open(s.config.Webhooks, w.ID, w.Secret)
	if err != nil {
		return 0, "secret"
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(d.Payload))
	if err != nil {
		return 0, "unreachable"
	}
	now := s.clock.Now()
	at := strconv.FormatInt(now.Time().Unix(), 10)
	signature := sign(secret, d.ID, at, d.Payload)
	if now < w.OldUntil {
		if old, err := sealed.Open(s.config.Webhooks, w.ID, w.OldSecret); err == nil {
			signature += " " + sign(old, d.ID, at, d.Payload)
		}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "congvu")
	request.Header.Set("webhook-id", d.ID)
	request.Header.Set("webhook-timestamp", at)
	request.Header.Set("webhook-signature", signature)
	client := s.client(u)
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return 0, troubleOf(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return answer.StatusCode, ""
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return answer.StatusCode, "redirect"
	}
	return answer.StatusCode, "status"
}

// troubleOf names why there was no answer.
func troubleOf(err error) string {
	var timeout net.Error
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, errBlocked):
		return "blocked"
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &certificate) || errors.As(err, &record):
		return "tls"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "unreachable"
}

// Tidy drops the log of what was delivered, or given up, 90 days ago; at most so much at
// once. The program calls it from time to time.
func (s *Service) Tidy(ctx context.Context) error {
	return s.transaction(ctx, func(tx *gorm.DB) error {
		var old []string
		err := tx.Model(&Delivery{}).Where("made_at < ? AND state <> 'QUEUED'", s.clock.Now().Add(-keptLog)).Order("made_at").Limit(tidyAtOne).Pluck("id", &old).Error
		if err != nil || len(old) == 0 {
			return err
		}
		if err := tx.Where("delivery_id IN ?", old).Delete(&Attempt{}).Error; err != nil {
			return err
		}
		return tx.Where("id IN ?", old).Delete(&Delivery{}).Error
	})
}
