package selfcheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/score"

	"gorm.io/gorm"
)

// NewCheck is a unit's plan. With a round, its checklist and office are the round's.
type NewCheck struct {
	ID, RoundID, OrganisationID, IssuerID, ChecklistID string
	From, To                                           inspection.Date
	Responsible                                        string // by position
}

// Plan makes a unit's plan: on an office's request, or by itself for an office above it.
// The unit's head may. The same id twice is one plan. Codes: invalid, not_found, conflict
// (there is one for this request).
func (s *Service) Plan(ctx context.Context, actor inspection.Actor, n NewCheck) (c Check, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := inspection.CheckID(n.ID); err != nil {
			return err
		}
		capacity, ok := org.Can(actor, org.MakeSelfCheck, org.Subject{Unit: n.OrganisationID})
		if !ok {
			return notFound()
		}
		if err := take(tx, &c, n.ID); inspection.CodeOf(err) != inspection.NotFound {
			if err == nil && c.MadeBy != actor.Person {
				err = inspection.E(inspection.Conflict, "error.conflict")
			}
			return err
		}
		act := at{tx, actor, capacity, s.clock.Now()}
		unit, err := org.OrganisationByID(tx, n.OrganisationID)
		if err != nil {
			return err
		}
		c = Check{ID: n.ID, RootID: n.ID, Revision: 1, IssuerID: n.IssuerID, OrganisationID: unit.ID, OrganisationName: unit.Name, OrganisationKind: unit.Kind,
			ChecklistID: n.ChecklistID, Due: n.To, State: Draft, MadeBy: actor.Person, MadeAt: act.now, Version: 1}
		if err := c.plan(n.From, n.To, n.Responsible); err != nil {
			return err
		}
		if n.RoundID != "" {
			err = c.answers(tx, n.RoundID)
		} else {
			err = c.byItself(tx, act.now.Date())
		}
		if err != nil {
			return err
		}
		if err := tx.Create(&c).Error; err != nil {
			if errors.Is(err, gorm.ErrDuplicatedKey) {
				return inspection.E(inspection.Conflict, "selfcheck.error.planned").Because(err)
			}
			return err
		}
		return act.record("selfcheck.plan", "self_check", c.ID, map[string]any{"unit": c.OrganisationID, "issuer": c.IssuerID, "round": n.RoundID,
			"checklist": c.ChecklistID, "from": c.From, "to": c.To, "due": c.Due})
	})
	return c, err
}

// plan sets what a unit decides for itself.
func (c *Check) plan(from, to inspection.Date, responsible string) (err error) {
	if err := period(from, to); err != nil {
		return err
	}
	if to > from.AddDays(366) {
		return wrong("to", "selfcheck.error.period")
	}
	c.From, c.To = from, to
	c.Responsible, err = text("responsible", responsible, 200)
	return err
}

// answers ties a plan to a request.
func (c *Check) answers(tx *gorm.DB, id string) error {
	var r Round
	err := tx.Joins("JOIN self_round_units u ON u.round_id = self_rounds.id AND u.organisation_id = ?", c.OrganisationID).
		Where("self_rounds.id = ?", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	if r.CancelledAt > 0 {
		return inspection.E(inspection.Conflict, "selfcheck.error.round_cancelled")
	}
	c.RoundID, c.IssuerID, c.ChecklistID, c.Due = &r.ID, r.IssuerID, r.ChecklistID, r.Due
	return nil
}

// byItself holds what a unit chose where nobody asked.
func (c *Check) byItself(tx *gorm.DB, today inspection.Date) error {
	offices, err := officesOf(tx, c.OrganisationID, today)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(offices, func(o org.Organisation) bool { return o.ID == c.IssuerID }) {
		return wrong("issuer", "selfcheck.error.issuer")
	}
	return published(tx, c.ChecklistID)
}

// Change changes the plan until it is handed in. The unit's head may. Codes: invalid,
// not_found, forbidden, conflict.
func (s *Service) Change(ctx context.Context, actor inspection.Actor, id string, version int64, from, to inspection.Date, responsible string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.draft(tx, actor, id, org.MakeSelfCheck)
		if err != nil {
			return err
		}
		if err := c.plan(from, to, responsible); err != nil {
			return err
		}
		if c.RoundID == nil {
			c.Due = c.To
		}
		if err := act.update(c, version, map[string]any{"period_from": c.From, "period_to": c.To, "due": c.Due, "responsible": c.Responsible}); err != nil {
			return err
		}
		return act.record("selfcheck.plan_change", "self_check", id, map[string]any{"from": c.From, "to": c.To, "due": c.Due})
	})
}

func (a at) update(c Check, version int64, values map[string]any) error {
	values["version"] = version + 1
	return updated(a.tx.Model(&Check{}).Where("id = ? AND version = ?", c.ID, version).Updates(values))
}

// Given is what a form says of one item. Version is that of the answer that its writer
// saw, 0 for none. An empty Value takes the answer back.
type Given struct {
	Key           string
	Value         score.Value
	Compliant, Of int64
	NAReason      string
	Note          string
	Version       int64
}

// among are the values that a way of answering allows.
var among = map[score.Response][]score.Value{
	score.YN:    {score.Yes, score.No, score.NA},
	score.RATE3: {score.Good, score.Fair3, score.Poor, score.NA},
	score.CNT:   {score.Count, score.NA},
	score.SMP:   {score.Count, score.NA},
}

// check holds an answer against its item.
func (g *Given) check(it checklist.Item) error {
	var ok bool
	if g.Note, ok = inspection.Text(g.Note, 1000); !ok {
		return wrong("note-"+g.Key, "selfcheck.error.text", "max", 1000)
	}
	if g.NAReason, ok = inspection.Text(g.NAReason, 500); !ok {
		return wrong("na-"+g.Key, "selfcheck.error.text", "max", 500)
	}
	if g.Value == "" {
		return nil
	}
	if !slices.Contains(among[score.Response(it.Response)], g.Value) {
		return wrong("v-"+g.Key, "selfcheck.error.answer")
	}
	if g.Value != score.Count {
		g.Compliant, g.Of = 0, 0
	} else if g.Of < 1 || g.Of > maxCount || g.Compliant < 0 || g.Compliant > g.Of {
		return wrong("n-"+g.Key, "selfcheck.error.count")
	}
	if g.Value != score.NA {
		g.NAReason = ""
	} else if g.NAReason == "" {
		return wrong("na-"+g.Key, "selfcheck.error.na_reason")
	}
	return nil
}

// Save writes answers, and the head count where one is given, until the self-inspection
// is handed in. What says the same as is there changes nothing; what somebody else has
// changed since it was read is a conflict, and then nothing is written. The unit's head
// and contacts may. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) Save(ctx context.Context, actor inspection.Actor, id string, given []Given, count *Count) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.draft(tx, actor, id, org.FillSelfCheck)
		if err != nil {
			return err
		}
		version, err := checklist.Load(tx, c.ChecklistID)
		if err != nil {
			return err
		}
		old, err := answersOf(tx, id)
		if err != nil {
			return err
		}
		var keys []string
		for _, g := range given {
			i := slices.IndexFunc(version.Items, func(it checklist.Item) bool { return it.Key == g.Key && asked(it, c.OrganisationKind) })
			if i < 0 {
				return inspection.E(inspection.Invalid, "selfcheck.error.item")
			}
			if err := g.check(version.Items[i]); err != nil {
				return err
			}
			changed, err := act.answer(id, old[g.Key], g)
			if err != nil {
				return err
			}
			if changed {
				keys = append(keys, g.Key)
			}
		}
		if count != nil {
			changed, err := act.count(id, *count)
			if err != nil {
				return err
			}
			if changed {
				keys = append(keys, "count")
			}
		}
		if len(keys) == 0 {
			return nil
		}
		slices.Sort(keys)
		return act.record("selfcheck.answers", "self_check", id, map[string]any{"items": strings.Join(keys, " ")})
	})
}

// asked tells whether a person answers an item in a self-inspection.
func asked(it checklist.Item, kind org.Kind) bool {
	return it.Applies(kind) && score.Source(it.Source) == score.FromAnswer
}

func answersOf(tx *gorm.DB, id string) (map[string]Answer, error) {
	var rows []Answer
	err := tx.Where("self_check_id = ?", id).Find(&rows).Error
	out := make(map[string]Answer, len(rows))
	for _, r := range rows {
		out[r.ItemKey] = r
	}
	return out, err
}

func (a at) answer(id string, old Answer, g Given) (changed bool, err error) {
	if g.Value == old.Value && g.Compliant == old.Compliant && g.Of == old.Of && g.NAReason == old.NAReason && g.Note == old.Note || g.Value == "" && old.Value == "" {
		return false, nil
	}
	if g.Version != old.Version {
		return false, inspection.E(inspection.Conflict, "selfcheck.error.changed_meanwhile").Field("v-"+g.Key, "selfcheck.error.answer_changed")
	}
	switch {
	case g.Value == "":
		return true, updated(a.tx.Where("self_check_id = ? AND item_key = ? AND version = ?", id, g.Key, g.Version).Delete(&Answer{}))
	case old.Value == "":
		return true, a.tx.Create(&Answer{CheckID: id, ItemKey: g.Key, Value: g.Value, Compliant: g.Compliant, Of: g.Of, NAReason: g.NAReason, Note: g.Note,
			ChangedBy: a.actor.Person, ChangedAt: a.now, Version: 1}).Error
	}
	return true, updated(a.tx.Model(&Answer{}).Where("self_check_id = ? AND item_key = ? AND version = ?", id, g.Key, g.Version).Updates(map[string]any{
		"value": g.Value, "compliant": g.Compliant, "total": g.Of, "na_reason": g.NAReason, "note": g.Note, "changed_by": a.actor.Person, "changed_at": a.now, "version": g.Version + 1}))
}

func countOf(tx *gorm.DB, id string) (Count, bool, error) {
	var rows []Count
	err := tx.Where("self_check_id = ?", id).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Count{}, false, err
	}
	return rows[0], true, nil
}

func (a at) count(id string, n Count) (changed bool, err error) {
	if field := n.wrong(); field != "" {
		return false, wrong(field, "selfcheck.error.head_count")
	}
	old, there, err := countOf(a.tx, id)
	if err != nil {
		return false, err
	}
	n.CheckID, n.ChangedBy, n.ChangedAt = id, old.ChangedBy, old.ChangedAt
	if seen := n.Version; there {
		n.Version = old.Version
		if n == old {
			return false, nil
		}
		n.Version = seen
	}
	if n.Version != old.Version {
		return false, inspection.E(inspection.Conflict, "selfcheck.error.changed_meanwhile").Field("required", "selfcheck.error.answer_changed")
	}
	n.ChangedBy, n.ChangedAt = a.actor.Person, a.now
	n.Version++
	if !there {
		return true, a.tx.Create(&n).Error
	}
	return true, updated(a.tx.Model(&Count{}).Where("self_check_id = ? AND version = ?", id, old.Version).Updates(map[string]any{"required": n.Required, "late": n.Late,
		"excused": n.Excused, "documented": n.Documented, "unexcused": n.Unexcused, "badge": n.Badge, "dress": n.Dress,
		"changed_by": n.ChangedBy, "changed_at": n.ChangedAt, "version": n.Version}))
}

// HandIn hands a self-inspection in, complete; from then on it never changes. The unit's
// head may. Codes: invalid (something is open), not_found, forbidden, conflict.
func (s *Service) HandIn(ctx context.Context, actor inspection.Actor, id string, version int64) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.draft(tx, actor, id, org.MakeSelfCheck)
		if err != nil {
			return err
		}
		p, err := load(tx, c)
		if err != nil {
			return err
		}
		if result := p.result(); len(result.Missing) > 0 {
			return inspection.E(inspection.Invalid, "selfcheck.error.missing", "n", len(result.Missing), "codes", strings.Join(result.Missing, ", "))
		}
		hash := p.hash()
		if err := act.update(c, version, map[string]any{"state": HandedIn, "handed_in_by": actor.Person, "handed_in_at": act.now, "content_hash": hash}); err != nil {
			return err
		}
		return act.record("selfcheck.hand_in", "self_check", id, map[string]any{"revision": c.Revision, "said": int64(p.result().Raw), "sha256": hash, "late": act.now.Date() > c.Due})
	})
}

// Revise begins the correction of what was handed in: a new revision that says the same
// until it is changed. What stands is the old one until the new one is handed in. The
// unit's head may. Codes: invalid, not_found, forbidden, conflict (there is one).
func (s *Service) Revise(ctx context.Context, actor inspection.Actor, id, newID, reason string) (n Check, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := inspection.CheckID(newID); err != nil {
			return err
		}
		c, act, err := s.hold(tx, actor, id, org.MakeSelfCheck)
		if err != nil {
			return err
		}
		if err := take(tx, &n, newID); inspection.CodeOf(err) != inspection.NotFound { // the same form again
			if err == nil && (n.MadeBy != actor.Person || n.RootID != c.RootID) {
				err = inspection.E(inspection.Conflict, "error.conflict")
			}
			return err
		}
		if reason, err = text("reason", reason, 1000); err != nil {
			return err
		}
		var newest Check
		if err := tx.Where("root_id = ? AND state <> ?", c.RootID, Cancelled).Order("revision DESC").Take(&newest).Error; err != nil {
			return err
		}
		if newest.ID != c.ID || c.State != HandedIn {
			return inspection.E(inspection.Conflict, "selfcheck.error.revised")
		}
		var last int64
		if err := tx.Model(&Check{}).Where("root_id = ?", c.RootID).Select("MAX(revision)").Scan(&last).Error; err != nil {
			return err
		}
		n = c
		n.ID, n.Revision, n.State, n.Reason, n.MadeBy, n.MadeAt, n.Version = newID, last+1, Draft, reason, actor.Person, act.now, 1
		n.HandedInBy, n.HandedInAt, n.ContentHash = "", 0, ""
		if err := tx.Create(&n).Error; err != nil {
			return err
		}
		for _, sql := range []string{
			`INSERT INTO self_answers (self_check_id, item_key, value, compliant, total, na_reason, note, changed_by, changed_at, version)
				SELECT ?, item_key, value, compliant, total, na_reason, note, changed_by, changed_at, 1 FROM self_answers WHERE self_check_id = ?`,
			`INSERT INTO self_counts (self_check_id, required, late, excused, documented, unexcused, badge, dress, changed_by, changed_at, version)
				SELECT ?, required, late, excused, documented, unexcused, badge, dress, changed_by, changed_at, 1 FROM self_counts WHERE self_check_id = ?`} {
			if err := tx.Exec(sql, newID, id).Error; err != nil {
				return err
			}
		}
		return act.record("selfcheck.revise", "self_check", newID, map[string]any{"revises": id, "revision": n.Revision})
	})
	return n, err
}

// Cancel gives a plan or a correction up before it is handed in, with a reason. The
// unit's head may. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) Cancel(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, act, err := s.draft(tx, actor, id, org.MakeSelfCheck)
		if err != nil {
			return err
		}
		if reason, err = text("reason", reason, 1000); err != nil {
			return err
		}
		if err := act.update(c, version, map[string]any{"state": Cancelled, "reason": reason}); err != nil {
			return err
		}
		return act.record("selfcheck.cancel", "self_check", id, nil)
	})
}

// paper is all that a self-inspection says.
type paper struct {
	Check
	version checklist.Version
	answers map[string]Answer
	count   Count
	counted bool
}

func load(tx *gorm.DB, c Check) (p paper, err error) {
	p.Check = c
	if p.version, err = checklist.Load(tx, c.ChecklistID); err != nil {
		return p, err
	}
	if p.answers, err = answersOf(tx, c.ID); err != nil {
		return p, err
	}
	p.count, p.counted, err = countOf(tx, c.ID)
	return p, err
}

// result is what it comes to by the arithmetic of a check; items that the program answers
// from its records do not apply.
func (p paper) result() score.Result {
	in := score.Input{Answers: map[string]score.Answer{}}
	for _, it := range p.version.Items {
		in.Items = append(in.Items, score.Item{Key: it.Key, Code: it.Code, Section: it.Section, Response: score.Response(it.Response), Source: score.Source(it.Source),
			Weight: int(it.Weight), Target: int(it.Target), ZeroAt: int(it.ZeroAt), Applies: it.Applies(p.OrganisationKind) && score.Source(it.Source) != score.FromRecord})
	}
	for key, a := range p.answers {
		in.Answers[key] = score.Answer{Value: a.Value, Compliant: a.Compliant, Of: a.Of}
	}
	if p.counted {
		in.Attendance = p.count.attendance()
	}
	return score.Compute(in)
}

// hash is the SHA-256 of what is handed in, item by item.
func (p paper) hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %s %s %s\n", p.RootID, p.Revision, p.OrganisationID, p.ChecklistID, p.version.ContentHash)
	for _, it := range p.version.Items {
		if a, ok := p.answers[it.Key]; ok {
			fmt.Fprintf(h, "%q %q %d %d %q %q\n", a.ItemKey, a.Value, a.Compliant, a.Of, a.NAReason, a.Note)
		}
	}
	n := p.count
	fmt.Fprintln(h, p.counted, n.Required, n.Late, n.Excused, n.Documented, n.Unexcused, n.Badge, n.Dress)
	return hex.EncodeToString(h.Sum(nil))
}
