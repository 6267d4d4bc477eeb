package notify

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/sealed"

	"gorm.io/gorm"
)

// secretPrefix stands before a secret as the specification wants it written.
const secretPrefix = "whsec_"

const (
	secretBytes = 32
	oldFor      = 24 * time.Hour // for which a secret that was changed signs beside the new one
	maxHooks    = 20
)

// newSecret is a secret, as it is shown and as it is kept.
func (s *Service) newSecret(id string) (shown, kept string, err error) {
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", "", err
	}
	kept, err = sealed.Seal(s.config.Webhooks, id, raw)
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), kept, err
}

// payloadOf is the body of a webhook: ids, codes and dates only. What is empty is left out.
func payloadOf(kind string, at inspection.Instant, data map[string]any) (string, error) {
	for name, v := range data {
		if v == "" {
			delete(data, name)
		}
	}
	raw, err := json.Marshal(map[string]any{"type": kind, "timestamp": at.String(), "data": data})
	return string(raw), err
}

func mayHooks(actor inspection.Actor) (inspection.Capacity, error) {
	if actor.Person == "" {
		return inspection.Capacity{}, inspection.E(inspection.Unauthenticated, "error.unauthenticated")
	}
	c, ok := org.Can(actor, org.ManageOrg, org.Subject{})
	if !ok {
		return c, org.MustNot()
	}
	return c, nil
}

// Webhooks lists the endpoints, the oldest first. Administrators may, as all of what
// follows. Codes: unauthenticated, forbidden.
func (s *Service) Webhooks(ctx context.Context, actor inspection.Actor) ([]Webhook, error) {
	if _, err := mayHooks(actor); err != nil {
		return nil, err
	}
	var all []Webhook
	err := s.db.WithContext(ctx).Where("state <> ?", HookRemoved).Order("created_at, id").Find(&all).Error
	return all, err
}

// Webhook is one of them. Code: not_found.
func (s *Service) Webhook(ctx context.Context, actor inspection.Actor, id string) (Webhook, error) {
	if _, err := mayHooks(actor); err != nil {
		return Webhook{}, err
	}
	return hook(s.db.WithContext(ctx), id)
}

func hook(tx *gorm.DB, id string) (w Webhook, err error) {
	err = inspection.CheckID(id)
	if err == nil {
		err = tx.Where("id = ? AND state <> ?", id, HookRemoved).Take(&w).Error
	}
	if err != nil && (errors.Is(err, gorm.ErrRecordNotFound) || inspection.CodeOf(err) == inspection.Invalid) {
		err = inspection.E(inspection.NotFound, "error.not_found")
	}
	return w, err
}

// AddWebhook adds an endpoint and gives its secret, which is shown this once. The same id
// again is a conflict: its secret is not known any more. Codes: invalid, conflict.
func (s *Service) AddWebhook(ctx context.Context, actor inspection.Actor, id, address string) (secret string, err error) {
	capacity, err := mayHooks(actor)
	if err != nil {
		return "", err
	}
	if err := inspection.CheckID(id); err != nil {
		return "", err
	}
	if address, err = s.checkURL(address); err != nil {
		return "", err
	}
	w := Webhook{ID: id, URL: address, State: HookActive, CreatedAt: s.clock.Now(), Version: 1}
	if secret, w.Secret, err = s.newSecret(id); err != nil {
		return "", err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&Webhook{}).Where("state <> ?", HookRemoved).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxHooks {
			return inspection.E(inspection.Conflict, "notify.error.too_many_hooks", "max", maxHooks)
		}
		if err := tx.Create(&w).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return inspection.E(inspection.Conflict, "error.conflict")
		} else if err != nil {
			return err
		}
		return s.recordHook(tx, actor, capacity, "add", w.ID, map[string]any{"url_sha256": history.TextHash(w.URL)})
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

func (s *Service) recordHook(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, act, id string, data map[string]any) error {
	return history.Append(tx, history.Event{Actor: actor, Capacity: capacity, At: s.clock.Now(), Action: "notify.webhook." + act, SubjectKind: "webhook", SubjectID: id, Data: data})
}

// change does something with an endpoint against the version that its reader saw.
func (s *Service) change(ctx context.Context, actor inspection.Actor, id, act string, version int64, set func(tx *gorm.DB, w Webhook) (map[string]any, error)) error {
	capacity, err := mayHooks(actor)
	if err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		w, err := hook(tx, id)
		if err != nil {
			return err
		}
		columns, err := set(tx, w)
		if err != nil {
			return err
		}
		columns["version"] = w.Version + 1
		done := tx.Model(&Webhook{}).Where("id = ? AND version = ?", id, version).Updates(columns)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return s.recordHook(tx, actor, capacity, act, id, nil)
	})
}

// RotateSecret gives an endpoint a new secret, shown this once; the old one signs beside
// it for a day. Codes: not_found, conflict.
func (s *Service) RotateSecret(ctx context.Context, actor inspection.Actor, id string, version int64) (secret string, err error) {
	err = s.change(ctx, actor, id, "rotate", version, func(_ *gorm.DB, w Webhook) (map[string]any, error) {
		var kept string
		var err error
		secret, kept, err = s.newSecret(id)
		return map[string]any{"secret": kept, "old_secret": w.Secret, "old_until": s.clock.Now().Add(oldFor)}, err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// PauseWebhook lets what is to be sent wait. Codes: not_found, conflict.
func (s *Service) PauseWebhook(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.change(ctx, actor, id, "pause", version, func(*gorm.DB, Webhook) (map[string]any, error) {
		return map[string]any{"state": HookPaused}, nil
	})
}

// ResumeWebhook lets an endpoint that was paused, or switched off because it failed, be
// told again. As PauseWebhook.
func (s *Service) ResumeWebhook(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.change(ctx, actor, id, "resume", version, func(*gorm.DB, Webhook) (map[string]any, error) {
		return map[string]any{"state": HookActive, "failing_since": 0}, nil
	})
}

// RemoveWebhook ends an endpoint: its secrets are gone, what waits for it is not sent. As
// PauseWebhook.
func (s *Service) RemoveWebhook(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.change(ctx, actor, id, "remove", version, func(tx *gorm.DB, w Webhook) (map[string]any, error) {
		err := tx.Model(&Delivery{}).Where("webhook_id = ? AND state = 'QUEUED'", id).Updates(map[string]any{"state": DeliveryFailed, "done_at": s.clock.Now()}).Error
		return map[string]any{"state": HookRemoved, "secret": "", "old_secret": "", "old_until": 0}, err
	})
}

// TestWebhook puts a delivery of the type "test" into an endpoint's queue; the id of the
// form makes it one, however often it is sent. Codes: not_found, invalid.
func (s *Service) TestWebhook(ctx context.Context, actor inspection.Actor, id, form string) error {
	if _, err := mayHooks(actor); err != nil {
		return err
	}
	if err := inspection.CheckID(form); err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		w, err := hook(tx, id)
		if err != nil {
			return err
		}
		now := s.clock.Now()
		payload, err := payloadOf("test", now, map[string]any{"webhook": w.ID})
		if err != nil {
			return err
		}
		err = tx.Create(&Delivery{ID: derived("test "+form, w.ID), WebhookID: w.ID, Type: "test", Payload: payload, State: DeliveryQueued, MadeAt: now, NextAt: now}).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return err
	})
}

// Resend puts a delivery into the queue again, under its id. Codes: not_found.
func (s *Service) Resend(ctx context.Context, actor inspection.Actor, id, delivery string) error {
	if _, err := mayHooks(actor); err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := hook(tx, id); err != nil {
			return err
		}
		done := tx.Model(&Delivery{}).Where("id = ? AND webhook_id = ?", delivery, id).Updates(map[string]any{"state": DeliveryQueued, "next_at": s.clock.Now(), "done_at": 0})
		if done.Error == nil && done.RowsAffected == 0 {
			return inspection.E(inspection.NotFound, "error.not_found")
		}
		return done.Error
	})
}

// Logged is a delivery with its last try.
type Logged struct {
	Delivery
	Last Attempt
}

// Log is an endpoint's deliveries, the newest first. Codes: not_found, invalid.
func (s *Service) Log(ctx context.Context, actor inspection.Actor, id string, page inspection.Page) (list []Logged, next string, err error) {
	if _, err := s.Webhook(ctx, actor, id); err != nil {
		return nil, "", err
	}
	tx := s.db.WithContext(ctx)
	q := tx.Where("webhook_id = ?", id)
	if page.Cursor != "" {
		at, last, _ := strings.Cut(page.Cursor, ".")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil || inspection.CheckID(last) != nil {
			return nil, "", inspection.E(inspection.Invalid, "error.invalid").Field("after", "error.invalid")
		}
		q = q.Where("(made_at < ? OR made_at = ? AND id < ?)", n, n, last)
	}
	var rows []Delivery
	if err := q.Order("made_at DESC, id DESC").Limit(page.Size() + 1).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		end := rows[len(rows)-1]
		next = strconv.FormatInt(int64(end.MadeAt), 10) + "." + end.ID
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var tries []Attempt
	if err := tx.Where("delivery_id IN ?", ids).Order("delivery_id, n").Find(&tries).Error; err != nil {
		return nil, "", err
	}
	last := map[string]Attempt{}
	for _, t := range tries {
		last[t.DeliveryID] = t
	}
	for _, r := range rows {
		list = append(list, Logged{r, last[r.ID]})
	}
	return list, next, nil
}
