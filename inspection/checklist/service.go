package checklist

import (
	"context"
	"errors"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Service keeps the checklists.
type Service struct {
	db    *gorm.DB
	clock inspection.Clock
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock) *Service { return &Service{db: db, clock: clock} }

// Title names a checklist.
type Title struct{ Key, VI, EN string }

func mayManage(actor inspection.Actor) (inspection.Capacity, error) {
	if actor.Person == "" {
		return inspection.Capacity{}, inspection.E(inspection.Unauthenticated, "org.error.sign_in")
	}
	c, ok := org.Can(actor, org.ManageChecklist, org.Subject{})
	if !ok {
		return c, org.MustNot()
	}
	return c, nil
}

// Import reads a checklist into a draft: the next version, or the draft that there
// is, whose content it replaces. The same files twice change nothing. Every bad row
// is in the report, and then nothing is changed. Who manages checklists may. Codes:
// unauthenticated, forbidden, invalid (with the report).
func (s *Service) Import(ctx context.Context, actor inspection.Actor, title Title, files Files, dryRun bool) (Checklist, Report, error) {
	capacity, err := mayManage(actor)
	if err != nil {
		return Checklist{}, Report{}, err
	}
	var out Checklist
	var report Report
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		out, report, err = Import(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, title, files, dryRun)
		return err
	})
	return out, report, err
}

// Import is Service.Import in the caller's transaction; the caller has checked
// rights.
func Import(tx *gorm.DB, act org.Act, title Title, files Files, dryRun bool) (Checklist, Report, error) {
	c := read(files)
	if !keys.MatchString(title.Key) || title.VI == "" {
		return Checklist{}, c.report, inspection.E(inspection.Invalid, "checklist.error.title")
	}
	if len(c.report.Bad) > 0 {
		return Checklist{}, c.report, inspection.E(inspection.Invalid, "checklist.error.import_bad_rows", "count", len(c.report.Bad))
	}
	hash := c.hash(title.VI, title.EN)
	var newest []Checklist
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("key = ?", title.Key).Order("number DESC").Limit(1).Find(&newest).Error
	if err != nil {
		return Checklist{}, c.report, err
	}
	if len(newest) > 0 && newest[0].ContentHash == hash {
		c.report.Unchanged = true
		if dryRun {
			return newest[0], c.report, nil
		}
		return newest[0], c.report, c.storeBases(tx, act)
	}
	if dryRun {
		return Checklist{}, c.report, nil
	}
	if err := c.storeBases(tx, act); err != nil {
		return Checklist{}, c.report, err
	}
	row := Checklist{ID: inspection.NewID(), Key: title.Key, Number: 1, TitleVI: title.VI, TitleEN: title.EN, State: Draft,
		ContentHash: hash, CreatedAt: act.At, Version: 1}
	switch {
	case len(newest) > 0 && newest[0].State == Draft:
		row = newest[0]
		row.TitleVI, row.TitleEN, row.ContentHash = title.VI, title.EN, hash
		if err := emptyDraft(tx, row.ID); err != nil {
			return row, c.report, err
		}
		res := tx.Model(&Checklist{}).Where("id = ? AND version = ?", row.ID, row.Version).
			Updates(map[string]any{"title_vi": title.VI, "title_en": title.EN, "content_hash": hash, "version": row.Version + 1})
		if res.Error != nil {
			return row, c.report, res.Error
		}
		if res.RowsAffected == 0 {
			return row, c.report, inspection.E(inspection.Conflict, "checklist.error.changed_meanwhile")
		}
		row.Version++
	default:
		if len(newest) > 0 {
			row.Number = newest[0].Number + 1
		}
		err := tx.Create(&row).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return row, c.report, inspection.E(inspection.Conflict, "checklist.error.changed_meanwhile").Because(err)
		}
		if err != nil {
			return row, c.report, err
		}
	}
	if err := c.storeItems(tx, row.ID); err != nil {
		return row, c.report, err
	}
	c.report.Applied = true
	return row, c.report, history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "checklist.import",
		SubjectKind: "checklist", SubjectID: row.ID, Data: map[string]any{"number": row.Number, "items": len(c.items), "sha256": hash}})
}

// emptyDraft empties a draft.
func emptyDraft(tx *gorm.DB, id string) error {
	items := tx.Session(&gorm.Session{NewDB: true}).Model(&Item{}).Select("id").Where("checklist_id = ?", id)
	for _, row := range []any{&Phrase{}, &Citation{}} {
		if err := tx.Where("item_id IN (?)", items).Delete(row).Error; err != nil {
			return err
		}
	}
	return tx.Where("checklist_id = ?", id).Delete(&Item{}).Error
}

// storeBases writes the register: new texts are added, known ones changed.
func (c *content) storeBases(tx *gorm.DB, act org.Act) error {
	var stored []Basis
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Find(&stored).Error; err != nil {
		return err
	}
	known := map[string]Basis{}
	for _, b := range stored {
		known[b.Code] = b
	}
	added, changed := 0, 0
	for i := range c.bases {
		b := &c.bases[i]
		old, ok := known[b.Code]
		if !ok {
			b.ID, b.Version = inspection.NewID(), 1
			if err := tx.Create(b).Error; err != nil {
				return err
			}
			added++
			continue
		}
		b.ID, b.Version = old.ID, old.Version
		if *b == old {
			continue
		}
		b.Version++
		err := tx.Model(&Basis{}).Where("id = ? AND version = ?", old.ID, old.Version).Updates(map[string]any{"number": b.Number, "date": b.Date,
			"title_vi": b.TitleVI, "effective_from": b.EffectiveFrom, "effective_to": b.EffectiveTo, "replaced_by": b.ReplacedBy,
			"confirmed": b.Confirmed, "note": b.Note, "version": b.Version}).Error
		if err != nil {
			return err
		}
		changed++
	}
	if added+changed == 0 {
		return nil
	}
	return history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "checklist.bases",
		SubjectKind: "legal_bases", SubjectID: inspection.NewID(), Data: map[string]any{"added": added, "changed": changed}})
}

func (c *content) storeItems(tx *gorm.DB, checklist string) error {
	ids := map[string]string{}
	for _, b := range c.bases {
		ids[b.Code] = b.ID
	}
	for _, it := range c.items {
		it.ID, it.ChecklistID = inspection.NewID(), checklist
		if err := tx.Create(&it).Error; err != nil {
			return err
		}
		for _, b := range it.Bases {
			b.ItemID = it.ID
			if b.BasisID != nil {
				id := ids[*b.BasisID]
				b.BasisID = &id
			}
			if err := tx.Create(&b).Error; err != nil {
				return err
			}
		}
		for _, p := range it.Phrases {
			p.ItemID = it.ID
			if err := tx.Create(&p).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// Publish makes a draft final: from now on it never changes. Who manages checklists
// may. Codes: unauthenticated, forbidden, not_found, conflict (published already, or
// another version than the one seen), invalid (weights).
func (s *Service) Publish(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	capacity, err := mayManage(actor)
	if err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return Publish(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, id, version)
	})
}

// Publish is Service.Publish in the caller's transaction; the caller has checked
// rights.
func Publish(tx *gorm.DB, act org.Act, id string, version int64) error {
	v, err := Load(tx, id)
	if err != nil {
		return err
	}
	if v.State == Published {
		return inspection.E(inspection.Conflict, "checklist.error.published")
	}
	sum := int64(0)
	for _, it := range v.Items {
		sum += it.Weight
	}
	if sum != 100 {
		return inspection.E(inspection.Invalid, "checklist.error.weights", "sum", sum)
	}
	res := tx.Model(&Checklist{}).Where("id = ? AND version = ? AND state = ?", id, version, Draft).Updates(map[string]any{
		"state": Published, "published_at": act.At, "published_by": act.Actor.Person, "version": version + 1})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return inspection.E(inspection.Conflict, "checklist.error.changed_meanwhile")
	}
	return history.Append(tx, history.Event{Actor: act.Actor, Capacity: act.Capacity, At: act.At, Action: "checklist.publish",
		SubjectKind: "checklist", SubjectID: id, Data: map[string]any{"number": v.Number, "sha256": v.ContentHash}})
}

// Load reads a version with its items in the caller's transaction. Code: not_found.
func Load(tx *gorm.DB, id string) (Version, error) {
	var v Version
	err := tx.Where("id = ?", id).Take(&v.Checklist).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return v, inspection.E(inspection.NotFound, "checklist.error.unknown")
	}
	if err != nil {
		return v, err
	}
	if err := tx.Where("checklist_id = ?", id).Order("position").Find(&v.Items).Error; err != nil {
		return v, err
	}
	at := map[string]int{}
	for i, it := range v.Items {
		at[it.ID] = i
	}
	items := func() *gorm.DB {
		return tx.Session(&gorm.Session{NewDB: true}).Model(&Item{}).Select("id").Where("checklist_id = ?", id)
	}
	var phrases []Phrase
	if err := tx.Where("item_id IN (?)", items()).Order("position").Find(&phrases).Error; err != nil {
		return v, err
	}
	for _, p := range phrases {
		v.Items[at[p.ItemID]].Phrases = append(v.Items[at[p.ItemID]].Phrases, p)
	}
	var citations []Citation
	if err := tx.Where("item_id IN (?)", items()).Order("position").Find(&citations).Error; err != nil {
		return v, err
	}
	var bases []Basis
	if err := tx.Find(&bases).Error; err != nil {
		return v, err
	}
	byID := map[string]*Basis{}
	for i := range bases {
		byID[bases[i].ID] = &bases[i]
	}
	for _, c := range citations {
		if c.BasisID != nil {
			c.Basis = byID[*c.BasisID]
		}
		v.Items[at[c.ItemID]].Bases = append(v.Items[at[c.ItemID]].Bases, c)
	}
	return v, nil
}

// Get reads a version. Anyone signed in may read a published one, who manages
// checklists a draft too. Codes: unauthenticated, not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, id string) (Version, error) {
	_, err := mayManage(actor)
	if inspection.CodeOf(err) == inspection.Unauthenticated {
		return Version{}, err
	}
	v, loadErr := Load(s.db.WithContext(ctx), id)
	if loadErr != nil {
		return Version{}, loadErr
	}
	if v.State != Published && err != nil {
		return Version{}, inspection.E(inspection.NotFound, "checklist.error.unknown")
	}
	return v, nil
}

// CurrentID is the id of the newest published version of a checklist. Code:
// not_found.
func CurrentID(tx *gorm.DB, key string) (string, error) {
	var rows []Checklist
	err := tx.Where("key = ? AND state = ?", key, Published).Order("number DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", inspection.E(inspection.NotFound, "checklist.error.unknown")
	}
	return rows[0].ID, nil
}

// Current is the newest published version of a checklist. Anyone signed in may read
// it. Codes: unauthenticated, not_found.
func (s *Service) Current(ctx context.Context, actor inspection.Actor, key string) (Version, error) {
	id, err := CurrentID(s.db.WithContext(ctx), key)
	if err != nil {
		return Version{}, err
	}
	return s.Get(ctx, actor, id)
}

// List is all versions that the actor may read, newest first by checklist. Code:
// unauthenticated.
func (s *Service) List(ctx context.Context, actor inspection.Actor) ([]Checklist, error) {
	_, err := mayManage(actor)
	if inspection.CodeOf(err) == inspection.Unauthenticated {
		return nil, err
	}
	q := s.db.WithContext(ctx).Order("key, number DESC")
	if err != nil {
		q = q.Where("state = ?", Published)
	}
	var rows []Checklist
	return rows, q.Find(&rows).Error
}
