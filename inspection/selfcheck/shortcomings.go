package selfcheck

import (
	"context"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// NewShortcoming is what a unit found short in itself: of an item or of none, what it
// will do about it and by when.
type NewShortcoming struct {
	ID, ItemKey, Words, Measure string
	Due                         inspection.Date
}

// maxShortcomings bounds what one self-inspection lists.
const maxShortcomings = 200

// Note adds a shortcoming until the self-inspection is handed in. The unit's head and
// contacts may. The same id twice is one. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) Note(ctx context.Context, actor inspection.Actor, id string, n NewShortcoming) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.draft(tx, actor, id, org.FillSelfCheck)
		if err != nil {
			return err
		}
		if err := inspection.CheckID(n.ID); err != nil {
			return err
		}
		f := Shortcoming{ID: n.ID, RootID: c.RootID, ItemKey: n.ItemKey, Due: n.Due, State: Open, MadeBy: actor.Person, MadeAt: act.now, Version: 1}
		if f.Words, err = text("words", n.Words, 1000); err != nil {
			return err
		}
		if f.Measure, err = text("measure", n.Measure, 1000); err != nil {
			return err
		}
		if err := day("due", n.Due); err != nil {
			return err
		}
		if n.ItemKey != "" {
			var items int64
			if err := tx.Model(&checklist.Item{}).Where("checklist_id = ? AND item_key = ?", c.ChecklistID, n.ItemKey).Count(&items).Error; err != nil {
				return err
			}
			if items == 0 {
				return wrong("item", "selfcheck.error.item")
			}
		}
		var old Shortcoming
		if err := take(tx, &old, n.ID); inspection.CodeOf(err) != inspection.NotFound {
			if err == nil && (old.RootID != c.RootID || old.MadeBy != actor.Person) {
				err = inspection.E(inspection.Conflict, "error.conflict")
			}
			return err
		}
		var count int64
		if err := tx.Model(&Shortcoming{}).Where("root_id = ?", c.RootID).Count(&count).Error; err != nil {
			return err
		}
		if count >= maxShortcomings {
			return wrong("words", "selfcheck.error.too_many", "max", maxShortcomings)
		}
		if err := tx.Create(&f).Error; err != nil {
			return err
		}
		return act.record("selfcheck.shortcoming", "self_shortcoming", f.ID, map[string]any{"self_check": c.ID, "item": f.ItemKey, "due": f.Due})
	})
}

// Stand marks a shortcoming done, with the day and how; or open again; or takes it out,
// until the self-inspection is handed in. The unit's head and contacts may. Codes:
// invalid, not_found, forbidden, conflict.
func (s *Service) Stand(ctx context.Context, actor inspection.Actor, id, shortcoming string, version int64, to Standing, on inspection.Date, how string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.hold(tx, actor, id, org.FillSelfCheck)
		if err != nil {
			return err
		}
		var f Shortcoming
		if inspection.CheckID(shortcoming) != nil {
			return notFound()
		}
		if err := take(tx, &f, shortcoming); err != nil {
			return err
		}
		if f.RootID != c.RootID {
			return notFound()
		}
		values := map[string]any{"state": to, "done_on": "", "done_how": "", "version": version + 1}
		switch to {
		case Done:
			if err := day("done_on", on); err != nil {
				return err
			}
			if on > act.now.Date() {
				return wrong("done_on", "selfcheck.error.future")
			}
			if how, err = text("done_how", how, 1000); err != nil {
				return err
			}
			values["done_on"], values["done_how"] = on, how
		case Open:
		case Dropped:
			var handedIn int64
			if err := tx.Model(&Check{}).Where("root_id = ? AND state = ? AND handed_in_at >= ?", c.RootID, HandedIn, f.MadeAt).Count(&handedIn).Error; err != nil {
				return err
			}
			if handedIn > 0 {
				return inspection.E(inspection.Conflict, "selfcheck.error.closed")
			}
		default:
			return inspection.E(inspection.Invalid, "error.invalid")
		}
		if f.State == Dropped {
			return changedMeanwhile()
		}
		if err := updated(tx.Model(&Shortcoming{}).Where("id = ? AND version = ?", f.ID, version).Updates(values)); err != nil {
			return err
		}
		return act.record("selfcheck.shortcoming_stands", "self_shortcoming", f.ID, map[string]any{"self_check": c.ID, "was": f.State, "became": to, "on": on})
	})
}
