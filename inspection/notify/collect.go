package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/visit"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// batch is how many rows of history one step reads.
const batch = 200

// details are what a message says beyond its key: codes, figures, dates.
type details struct {
	Due   string `json:"due,omitempty"`
	Clock string `json:"clock,omitempty"`
	Mark  string `json:"mark,omitempty"`
	Days  int64  `json:"days,omitempty"`
}

// Collect makes messages, mails and deliveries out of the next rows of history and tells
// whether more may be waiting: while people work a few rows always are, and taking them
// one by one would take the database from those who work. The cursor moves in the same
// transaction, which starts anew where another copy has moved it meanwhile.
func (s *Service) Collect(ctx context.Context) (bool, error) {
	var at cursor
	if err := s.db.WithContext(ctx).Where("one = 1").Take(&at).Error; err != nil {
		return false, err
	}
	entries, err := s.history.After(ctx, at.Position, batch)
	if err != nil || len(entries) == 0 {
		return false, err
	}
	return len(entries) == batch, s.transaction(ctx, func(tx *gorm.DB) error {
		var now cursor
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("one = 1").Take(&now).Error; err != nil {
			return err
		}
		if now.Position != at.Position {
			return nil // another copy has done it
		}
		c := collector{s: s, tx: tx, now: s.clock.Now(), actors: map[string]inspection.Actor{}, contacts: map[string]Contact{}}
		if err := tx.Where("state IN ?", []HookState{HookActive, HookPaused}).Order("id").Find(&c.hooks).Error; err != nil {
			return err
		}
		for _, e := range entries {
			if e.Seq <= now.AfterSeq {
				continue
			}
			if err := c.take(e.Row); err != nil {
				return fmt.Errorf("row %d of history: %w", e.Seq, err)
			}
		}
		return tx.Model(&cursor{}).Where("one = 1").Update("position", entries[len(entries)-1].Position).Error
	})
}

// collector is one transaction that makes messages.
type collector struct {
	s        *Service
	tx       *gorm.DB
	now      inspection.Instant
	hooks    []Webhook
	actors   map[string]inspection.Actor
	contacts map[string]Contact
}

// take makes what one row of history asks for.
func (c *collector) take(row history.Row) error {
	if !heard[row.Action] {
		return nil
	}
	e, err := c.event(row)
	if err != nil {
		return err
	}
	notes, public := Notes(e), Public(e)
	if len(notes) == 0 && !public {
		return nil
	}
	about, ok, err := load(c.tx, row.SubjectKind, row.SubjectID)
	if err != nil || !ok {
		return err
	}
	if err := c.messages(row, e, notes, about); err != nil {
		return err
	}
	if public && about.unitTold() {
		return c.deliveries(row, e, about)
	}
	return nil
}

// event reads what the table looks at.
func (c *collector) event(row history.Row) (Event, error) {
	var body struct {
		Data map[string]any `json:"data"`
	}
	if err := json.Unmarshal([]byte(row.Body), &body); err != nil {
		return Event{}, err
	}
	text := func(name string) string { v, _ := body.Data[name].(string); return v }
	e := Event{Action: row.Action, From: text("from"), To: text("to"), Due: text("due"), Clock: text("clock"), Mark: text("mark"), Level: org.Level(text("level")), Step: text("step")}
	e.Quiet, _ = body.Data["quiet"].(bool)
	if _, err := inspection.ParseDate(e.Due); err != nil {
		e.Due = ""
	}
	switch row.Action {
	case "visit.state":
		var forms []plan.Form
		if err := c.tx.Model(&visit.Visit{}).Where("id = ?", row.SubjectID).Pluck("form", &forms).Error; err != nil {
			return e, err
		}
		e.Again, e.Remote = len(forms) == 1 && forms[0] == plan.Reinspection, len(forms) == 1 && forms[0] == plan.Remote
	case "finding.ask_extension":
		var asked []finding.Extension
		if err := c.tx.Where("id = ?", e.Step).Limit(1).Find(&asked).Error; err != nil {
			return e, err
		}
		if len(asked) == 1 {
			terms, err := org.DeadlinesOn(c.tx, c.now.Date())
			if err != nil {
				return e, err
			}
			e.Days, e.Long = asked[0].Days, asked[0].Days > int64(terms.Of(org.LeadExtensionDays))
		}
	}
	return e, nil
}

// messages tells each of the audiences' people once, but for who did it.
func (c *collector) messages(row history.Row, e Event, notes []Note, about subject) error {
	told := map[string]Note{}
	for _, n := range notes {
		all, err := people(c.tx, c.now.Date(), n.To, about)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p == row.Actor {
				continue
			}
			if before, twice := told[p]; twice { // of two capacities the first one's words, and the stricter duty
				before.Obligation = before.Obligation || n.Obligation
				before.Quiet = before.Quiet && n.Quiet
				n = before
			}
			told[p] = n
		}
	}
	for _, p := range slices.Sorted(maps.Keys(told)) {
		actor, err := c.actor(p)
		if err != nil {
			return err
		}
		if !about.told(actor) {
			continue
		}
		if err := c.message(row, e, told[p], about, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) message(row history.Row, e Event, n Note, about subject, person string) error {
	params, err := json.Marshal(details{Due: e.Due, Clock: e.Clock, Mark: e.Mark, Days: e.Days})
	if err != nil {
		return err
	}
	m := Message{ID: derived(row.ID, person), PersonID: person, EventSeq: row.Seq, EventID: row.ID, SubjectKind: about.kind, SubjectID: about.id, Key: n.Key,
		Params: string(params), Obligation: n.Obligation, EventAt: row.At, MadeAt: c.now}
	made := c.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&m)
	if made.Error != nil || made.RowsAffected == 0 || n.Quiet || !c.s.mails() {
		return made.Error
	}
	contact, ok := c.contacts[person]
	if !ok {
		if contact, err = contactOf(c.tx, person); err != nil {
			return err
		}
		c.contacts[person] = contact
	}
	if contact.Email == "" || !n.Obligation && !contact.Wants {
		return nil
	}
	return c.tx.Create(&mailRow{MessageID: m.ID, State: mailQueued, MadeAt: c.now, NextAt: c.now}).Error
}

func (c *collector) actor(person string) (inspection.Actor, error) {
	if a, ok := c.actors[person]; ok {
		return a, nil
	}
	a, err := org.ActorOn(c.tx, person, c.now.Date())
	if err == nil {
		c.actors[person] = a
	}
	return a, err
}

// deliveries puts an event into the queue of each endpoint.
func (c *collector) deliveries(row history.Row, e Event, about subject) error {
	if len(c.hooks) == 0 {
		return nil
	}
	payload, err := payloadOf(row.Action, row.At, map[string]any{"event": row.ID, "subject_kind": about.kind, "subject": about.id, "visit": about.visit,
		"unit": about.facts.Unit, "from": e.From, "to": e.To, "due": e.Due, "clock": e.Clock, "mark": e.Mark})
	if err != nil {
		return err
	}
	for _, h := range c.hooks {
		d := Delivery{ID: derived(row.ID, h.ID), WebhookID: h.ID, EventID: row.ID, Type: row.Action, Payload: payload, State: DeliveryQueued, MadeAt: c.now, NextAt: c.now}
		if err := c.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&d).Error; err != nil {
			return err
		}
	}
	return nil
}

// derived is a UUID version 8 (RFC 9562 §5.8) made of an event and a recipient: the same
// two never make a second one.
func derived(event, recipient string) string {
	h := sha256.Sum256([]byte(event + "\n" + recipient))
	b := h[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
