package finding

import (
	"context"
	"errors"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// What is done to many findings at once is done a few minutes later, each by itself as if
// it were done alone; until then it can be taken back, and nobody has been told anything.

// BulkEvents are what can be done to many at once.
var BulkEvents = []Event{Accept, VerifyOnDocuments, GrantExtension, Assign, Acknowledge}

// BulkPause is how long an act on many waits for second thoughts.
const BulkPause = 5 * 60 * 1000 // milliseconds

// mostAtOnce is how many findings one act may name.
const mostAtOnce = 200

// BulkState is where an act on many stands.
type BulkState string

// The states of an act on many.
const (
	BulkWaiting   BulkState = "WAITING"
	BulkDone      BulkState = "DONE"
	BulkCancelled BulkState = "CANCELLED"
)

// BulkAct is one act on many findings.
type BulkAct struct {
	ID       string             `gorm:"column:id;primaryKey"`
	PersonID string             `gorm:"column:person_id"`
	Event    Event              `gorm:"column:event"`
	Text     string             `gorm:"column:text"`
	MadeAt   inspection.Instant `gorm:"column:made_at"`
	RunAt    inspection.Instant `gorm:"column:run_at"`
	State    BulkState          `gorm:"column:state"`
}

// TableName is the table.
func (BulkAct) TableName() string { return "bulk_acts" }

// BulkItem is one finding of it, as it was when the act was made; Outcome is empty before
// it ran, "done", or the key of what refused it.
type BulkItem struct {
	BulkID    string `gorm:"column:bulk_id;primaryKey"`
	FindingID string `gorm:"column:finding_id;primaryKey"`
	Version   int64  `gorm:"column:version"`
	Outcome   string `gorm:"column:outcome"`
}

// TableName is the table.
func (BulkItem) TableName() string { return "bulk_items" }

const bulkDone = "done"

// BulkLine is a finding of an act on many, for its preview and its result: Refused is the
// key of why it will not be or was not done.
type BulkLine struct {
	Line
	Refused string
	Done    bool
}

// Preview tells what an act on many would do to each: which it would be refused for and
// why. Nothing is changed: each is tried in a transaction that is taken back. What the
// actor may not see is left out. Codes: unauthenticated, invalid (event, too many).
func (s *Service) Preview(ctx context.Context, actor inspection.Actor, e Event, ids []string, text string) ([]BulkLine, error) {
	if actor.Person == "" {
		return nil, notSignedIn()
	}
	ids, err := bulkIDs(e, ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.readable(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	lines, err := Lines(s.db.WithContext(ctx), rows, s.clock.Now().Date())
	if err != nil {
		return nil, err
	}
	out := make([]BulkLine, 0, len(lines))
	undo := errors.New("taken back")
	for _, l := range lines {
		b := BulkLine{Line: l}
		err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			try := *s
			try.db = tx
			if err := try.one(ctx, actor, e, l.ID, l.Version, text); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			if b.Refused, err = refusal(err); err != nil {
				return nil, err
			}
		}
		out = append(out, b)
	}
	return out, nil
}

// DoMany asks for an act on many findings; it is done after BulkPause, until when it can
// be taken back. The same id twice is once. Codes: unauthenticated, not_found, invalid,
// conflict.
func (s *Service) DoMany(ctx context.Context, actor inspection.Actor, id string, e Event, versions map[string]int64, text string) (BulkAct, error) {
	if actor.Person == "" {
		return BulkAct{}, notSignedIn()
	}
	text, err := clean("text", text)
	if err != nil {
		return BulkAct{}, err
	}
	var ids []string
	for f := range versions {
		ids = append(ids, f)
	}
	if ids, err = bulkIDs(e, ids); err != nil {
		return BulkAct{}, err
	}
	if err := inspection.CheckID(id); err != nil {
		return BulkAct{}, err
	}
	rows, err := s.readable(ctx, actor, ids)
	if err != nil {
		return BulkAct{}, err
	}
	if len(rows) != len(ids) {
		return BulkAct{}, notFound()
	}
	now := s.clock.Now()
	b := BulkAct{id, actor.Person, e, text, now, now + BulkPause, BulkWaiting}
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var old []BulkAct
		if err := tx.Where("id = ?", id).Limit(1).Find(&old).Error; err != nil {
			return err
		}
		if len(old) > 0 {
			if old[0].PersonID != b.PersonID || old[0].Event != e {
				return inspection.E(inspection.Conflict, "finding.error.id_used")
			}
			b = old[0]
			return nil
		}
		if err := tx.Create(&b).Error; err != nil {
			return err
		}
		items := make([]BulkItem, 0, len(ids))
		for _, f := range ids {
			items = append(items, BulkItem{BulkID: id, FindingID: f, Version: versions[f]})
		}
		if err := tx.CreateInBatches(&items, 100).Error; err != nil {
			return err
		}
		return b.write(tx, actor, now, "ask", ids)
	})
	return b, err
}

// TakeBack cancels an act on many that has not run. Who made it may. Codes:
// unauthenticated, not_found, conflict (it has run).
func (s *Service) TakeBack(ctx context.Context, actor inspection.Actor, id string) error {
	b, err := s.bulk(ctx, actor, id)
	if err != nil || b.State == BulkCancelled {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now := s.clock.Now()
		res := tx.Model(&BulkAct{}).Where("id = ? AND state = ? AND run_at > ?", id, BulkWaiting, now).Update("state", BulkCancelled)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "finding.error.bulk_ran")
		}
		return b.write(tx, actor, now, "take_back", nil)
	})
}

func (b BulkAct) write(tx *gorm.DB, actor inspection.Actor, at inspection.Instant, what string, findings []string) error {
	return history.Append(tx, history.Event{Actor: actor, At: at, Action: "bulk." + what, SubjectKind: "bulk", SubjectID: b.ID,
		Data: map[string]any{"event": b.Event, "findings": findings, "text_sha256": history.TextHash(b.Text), "runs_at": b.RunAt.String()}})
}

// Bulk reads an act on many with its findings. Who made it may. Codes: unauthenticated,
// not_found.
func (s *Service) Bulk(ctx context.Context, actor inspection.Actor, id string) (BulkAct, []BulkLine, error) {
	b, err := s.bulk(ctx, actor, id)
	if err != nil {
		return b, nil, err
	}
	tx := s.db.WithContext(ctx)
	var items []BulkItem
	if err := tx.Where("bulk_id = ?", id).Order("finding_id").Find(&items).Error; err != nil {
		return b, nil, err
	}
	outcome := map[string]string{}
	var ids []string
	for _, i := range items {
		outcome[i.FindingID], ids = i.Outcome, append(ids, i.FindingID)
	}
	rows, err := s.readable(ctx, actor, ids)
	if err != nil {
		return b, nil, err
	}
	lines, err := Lines(tx, rows, s.clock.Now().Date())
	if err != nil {
		return b, nil, err
	}
	var out []BulkLine
	for _, l := range lines {
		line := BulkLine{Line: l, Done: outcome[l.ID] == bulkDone}
		if !line.Done {
			line.Refused = outcome[l.ID]
		}
		out = append(out, line)
	}
	return b, out, nil
}

// BulkActs lists what somebody has lately done to many, the newest first. Code:
// unauthenticated.
func (s *Service) BulkActs(ctx context.Context, actor inspection.Actor) ([]BulkAct, error) {
	if actor.Person == "" {
		return nil, notSignedIn()
	}
	var rows []BulkAct
	err := s.db.WithContext(ctx).Where("person_id = ?", actor.Person).Order("made_at DESC, id DESC").Limit(20).Find(&rows).Error
	return rows, err
}

func (s *Service) bulk(ctx context.Context, actor inspection.Actor, id string) (BulkAct, error) {
	var rows []BulkAct
	if actor.Person == "" {
		return BulkAct{}, notSignedIn()
	}
	if err := s.db.WithContext(ctx).Where("id = ? AND person_id = ?", id, actor.Person).Limit(1).Find(&rows).Error; err != nil {
		return BulkAct{}, err
	}
	if len(rows) == 0 {
		return BulkAct{}, notFound()
	}
	return rows[0], nil
}

// RunMany does the acts on many whose pause is over, each finding in a transaction of its
// own with the rights that its maker has now; it tells how many findings it looked at.
// Any number of copies may: a finding that was done has another version, and is left.
// The program calls it from time to time; nobody else does.
func (s *Service) RunMany(ctx context.Context) (n int, err error) {
	now := s.clock.Now()
	var acts []BulkAct
	if err := s.db.WithContext(ctx).Where("state = ? AND run_at <= ?", BulkWaiting, now).Order("run_at, id").Limit(20).Find(&acts).Error; err != nil {
		return 0, err
	}
	for _, b := range acts { // one that fails does not hold up the others
		looked, one := s.run(ctx, b, now)
		n, err = n+looked, errors.Join(err, one)
	}
	return n, err
}

// run does one act on many.
func (s *Service) run(ctx context.Context, b BulkAct, now inspection.Instant) (n int, err error) {
	var items []BulkItem
	if err := s.db.WithContext(ctx).Where("bulk_id = ? AND outcome = ''", b.ID).Order("finding_id").Find(&items).Error; err != nil {
		return n, err
	}
	actor, err := org.ActorOn(s.db.WithContext(ctx), b.PersonID, now.Date())
	if err != nil {
		return n, err
	}
	var disabled int64
	if err := s.db.WithContext(ctx).Table("accounts").Where("person_id = ? AND disabled", b.PersonID).Count(&disabled).Error; err != nil {
		return n, err
	}
	if disabled > 0 { // who may not sign in any more does nothing any more
		actor.Capacities = nil
	}
	for _, i := range items {
		n++
		err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			// Whoever writes the outcome has it; the act goes with it or not at all.
			res := tx.Model(&BulkItem{}).Where("bulk_id = ? AND finding_id = ? AND outcome = '' AND EXISTS (SELECT 1 FROM bulk_acts b WHERE b.id = bulk_items.bulk_id AND b.state = ?)", i.BulkID, i.FindingID, BulkWaiting).Update("outcome", bulkDone)
			if res.Error != nil || res.RowsAffected == 0 {
				return res.Error
			}
			run := *s
			run.db = tx
			return run.one(ctx, actor, b.Event, i.FindingID, i.Version, b.Text)
		})
		if err == nil {
			continue
		}
		key, err := refusal(err)
		if err != nil {
			return n, err
		}
		if err := s.db.WithContext(ctx).Model(&BulkItem{}).Where("bulk_id = ? AND finding_id = ? AND outcome = ''", i.BulkID, i.FindingID).Update("outcome", key).Error; err != nil {
			return n, err
		}
	}
	if err := s.db.WithContext(ctx).Model(&BulkAct{}).Where("id = ? AND state = ?", b.ID, BulkWaiting).Update("state", BulkDone).Error; err != nil {
		return n, err
	}
	return n, nil
}

// one does an event to one finding.
func (s *Service) one(ctx context.Context, actor inspection.Actor, e Event, id string, version int64, text string) error {
	switch e {
	case Accept:
		return s.Accept(ctx, actor, id, version, text)
	case VerifyOnDocuments:
		return s.VerifyOnDocuments(ctx, actor, id, version, text)
	case GrantExtension:
		return s.GrantExtension(ctx, actor, id, version, text)
	case Assign:
		return s.Assign(ctx, actor, id, version, AssignInput{Text: text})
	case Acknowledge:
		return s.Acknowledge(ctx, actor, id, version)
	}
	return inspection.E(inspection.Invalid, "finding.error.bulk")
}

// refusal is the key of why something was refused; what is no refusal stays an error.
func refusal(err error) (string, error) {
	switch inspection.CodeOf(err) {
	case inspection.Conflict, inspection.Forbidden, inspection.Invalid, inspection.NotFound:
		if key := inspection.KeyOf(err); key != "org.error.calendar_closed" { // whose words need a date
			return key, nil
		}
		return "finding.error.bulk_calendar", nil
	}
	return "", err
}

func bulkIDs(e Event, ids []string) ([]string, error) {
	if !slices.Contains(BulkEvents, e) {
		return nil, inspection.E(inspection.Invalid, "finding.error.bulk")
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 || len(ids) > mostAtOnce {
		return nil, inspection.E(inspection.Invalid, "finding.error.bulk_many", "n", mostAtOnce)
	}
	for _, id := range ids {
		if err := inspection.CheckID(id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// readable reads those of some findings that the actor may.
func (s *Service) readable(ctx context.Context, actor inspection.Actor, ids []string) ([]Finding, error) {
	var rows []Finding
	err := s.db.WithContext(ctx).Scopes(org.Scope(actor, org.ReadFinding, Columns)).Where("findings.id IN ?", ids).Order("findings.id").Find(&rows).Error
	return rows, err
}
