package selfcheck

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// NewRound is what an office asks for.
type NewRound struct {
	ID, IssuerID, Title, ChecklistID string
	From, To, Due                    inspection.Date
}

// Ask asks all units of the issuer's area that have a desk today for a self-inspection.
// Home affairs and the issuer's chairs and chief of office may. The same id twice is one
// request. Codes: invalid, not_found, conflict.
func (s *Service) Ask(ctx context.Context, actor inspection.Actor, n NewRound) (r Round, units int, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := inspection.CheckID(n.ID); err != nil {
			return err
		}
		capacity, ok := org.Can(actor, org.AskSelfCheck, org.Subject{Issuer: n.IssuerID})
		if !ok {
			return notFound()
		}
		if err := take(tx, &r, n.ID); inspection.CodeOf(err) != inspection.NotFound {
			if err == nil && r.AskedBy != actor.Person {
				err = inspection.E(inspection.Conflict, "error.conflict")
			}
			return err
		}
		act := at{tx, actor, capacity, s.clock.Now()}
		today := act.now.Date()
		if n.Title, err = text("title", n.Title, 200); err != nil {
			return err
		}
		if err := period(n.From, n.To); err != nil {
			return err
		}
		if err := day("due", n.Due); err != nil {
			return err
		}
		if n.Due < today || n.Due < n.From {
			return wrong("due", "selfcheck.error.due")
		}
		if err := published(tx, n.ChecklistID); err != nil {
			return err
		}
		asked, err := unitsOf(tx, []string{capacity.Organisation}, today)
		if err != nil {
			return err
		}
		if units = len(asked); units == 0 {
			return wrong("issuer", "selfcheck.error.no_units")
		}
		r = Round{ID: n.ID, IssuerID: capacity.Organisation, Title: n.Title, ChecklistID: n.ChecklistID, From: n.From, To: n.To, Due: n.Due,
			AskedBy: actor.Person, AskedAt: act.now, Version: 1}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		rows := make([]roundUnit, units)
		for i, o := range asked {
			rows[i] = roundUnit{r.ID, o.ID}
		}
		if err := tx.CreateInBatches(rows, 200).Error; err != nil {
			return err
		}
		return act.record("selfcheck.ask", "self_round", r.ID, map[string]any{"issuer": r.IssuerID, "units": units, "from": r.From, "to": r.To, "due": r.Due, "checklist": r.ChecklistID})
	})
	return r, units, err
}

func period(from, to inspection.Date) error {
	if err := day("from", from); err != nil {
		return err
	}
	if err := day("to", to); err != nil {
		return err
	}
	if to < from {
		return wrong("to", "selfcheck.error.period")
	}
	return nil
}

// CancelRound takes a request back, with a reason; what units have done stays. Who may
// ask may. Codes: invalid, not_found, conflict.
func (s *Service) CancelRound(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r, capacity, err := round(tx.Clauses(clause.Locking{Strength: "UPDATE"}), actor, id)
		if err != nil {
			return err
		}
		if reason, err = text("reason", reason, 1000); err != nil {
			return err
		}
		if r.CancelledAt > 0 {
			return changedMeanwhile()
		}
		act := at{tx, actor, capacity, s.clock.Now()}
		if err := updated(tx.Model(&Round{}).Where("id = ? AND version = ?", id, version).
			Updates(map[string]any{"cancelled_at": act.now, "reason": reason, "version": version + 1})); err != nil {
			return err
		}
		return act.record("selfcheck.ask_cancel", "self_round", id, nil)
	})
}

// round is a request that the actor may follow.
func round(tx *gorm.DB, actor inspection.Actor, id string) (Round, inspection.Capacity, error) {
	var r Round
	if inspection.CheckID(id) != nil {
		return r, inspection.Capacity{}, notFound()
	}
	if err := take(tx, &r, id); err != nil {
		return r, inspection.Capacity{}, err
	}
	capacity, ok := org.Can(actor, org.AskSelfCheck, org.Subject{Issuer: r.IssuerID})
	if !ok {
		return r, capacity, notFound()
	}
	return r, capacity, nil
}

// RoundLine is a request with how many of the units that were asked have done it.
type RoundLine struct {
	Round
	Units, Done int
}

// Rounds lists the requests that the actor may follow, the newest first.
func (s *Service) Rounds(ctx context.Context, actor inspection.Actor) ([]RoundLine, error) {
	var out []RoundLine
	err := s.db.WithContext(ctx).Model(&Round{}).Scopes(org.Scope(actor, org.AskSelfCheck, org.Columns{Issuer: "self_rounds.issuer_id"})).
		Select(`self_rounds.*, (SELECT COUNT(*) FROM self_round_units u WHERE u.round_id = self_rounds.id) AS units,
			(SELECT COUNT(DISTINCT c.organisation_id) FROM self_checks c WHERE c.round_id = self_rounds.id AND c.state = 'HANDED_IN') AS done`).
		Order("self_rounds.due DESC, self_rounds.id DESC").Limit(200).Find(&out).Error
	return out, err
}

// UnitLine is a unit that was asked, and what it has done: Check and State are empty
// where it has no plan.
type UnitLine struct {
	Organisation, Name string
	Check              string
	Planned            bool
	HandedInAt         inspection.Instant
	Late               bool // handed in after the day
	Overdue            bool // not handed in, and the day is over
}

// RoundSheet is a request with its units.
type RoundSheet struct {
	RoundLine
	Issuer  string
	Lines   []UnitLine
	Missing []UnitLine // not handed in: whom to remind
}

// Round is a request with what each unit has done, for who may follow it. What a unit
// says is not in it. Code: not_found.
func (s *Service) Round(ctx context.Context, actor inspection.Actor, id string) (RoundSheet, error) {
	tx := s.db.WithContext(ctx)
	r, _, err := round(tx, actor, id)
	if err != nil {
		return RoundSheet{}, err
	}
	sheet := RoundSheet{RoundLine: RoundLine{Round: r}}
	names, err := org.Names(tx, r.IssuerID)
	if err != nil {
		return sheet, err
	}
	sheet.Issuer = names[r.IssuerID]
	var units []org.Organisation
	err = tx.Joins("JOIN self_round_units u ON u.organisation_id = organisations.id").Where("u.round_id = ?", id).
		Order("organisations.search, organisations.id").Find(&units).Error
	if err != nil {
		return sheet, err
	}
	var checks []Check
	if err := tx.Where("round_id = ? AND state <> ?", id, Cancelled).Order("revision").Find(&checks).Error; err != nil {
		return sheet, err
	}
	today := s.clock.Now().Date()
	for _, o := range units {
		line := UnitLine{Organisation: o.ID, Name: o.Name}
		for _, c := range checks {
			if c.OrganisationID != o.ID {
				continue
			}
			line.Planned = true
			if c.State != HandedIn {
				continue
			}
			if line.HandedInAt == 0 {
				line.Late = c.Late() // by its first revision: a correction makes nothing late
			}
			line.Check, line.HandedInAt = c.ID, c.HandedInAt
		}
		sheet.Units++
		if line.HandedInAt > 0 {
			sheet.Done++
			sheet.Lines = append(sheet.Lines, line)
			continue
		}
		line.Overdue = today > r.Due
		sheet.Missing = append(sheet.Missing, line)
	}
	return sheet, nil
}

// Request is a request that a unit has not answered with a plan.
type Request struct {
	Round
	Organisation, Name string
	Overdue            bool
}

// Requests lists what the actor's units were asked for and have no plan for yet, the most
// urgent first.
func (s *Service) Requests(ctx context.Context, actor inspection.Actor) ([]Request, error) {
	var out []Request
	err := s.db.WithContext(ctx).Model(&Round{}).Select("self_rounds.*, u.organisation_id AS organisation, o.name AS name").
		Joins("JOIN self_round_units u ON u.round_id = self_rounds.id").Joins("JOIN organisations o ON o.id = u.organisation_id").
		Scopes(org.Scope(actor, org.FillSelfCheck, org.Columns{Unit: "u.organisation_id"})).
		Where("self_rounds.cancelled_at = 0").
		Where("NOT EXISTS (SELECT 1 FROM self_checks c WHERE c.round_id = self_rounds.id AND c.organisation_id = u.organisation_id AND c.state <> 'CANCELLED')").
		Order("self_rounds.due, self_rounds.id, u.organisation_id").Limit(100).Find(&out).Error
	for i := range out {
		out[i].Overdue = s.clock.Now().Date() > out[i].Due
	}
	return out, err
}

// Line is a self-inspection in a list.
type Line struct {
	Check
	Overdue bool // to be handed in, and the day is over
	Open    int  // shortcomings that are not done
}

// List lists the self-inspections that the actor may see, of each the newest revision
// that is theirs to see: of their own units all, of others those that were handed in. The
// newest come first.
func (s *Service) List(ctx context.Context, actor inspection.Actor, page inspection.Page) ([]Line, string, error) {
	tx := s.db.WithContext(ctx)
	var lines []Line
	q := tx.Model(&Check{}).Scopes(org.Scope(actor, org.ReadSelfCheck, Columns)).
		Select("self_checks.*, (SELECT COUNT(*) FROM self_shortcomings f WHERE f.root_id = self_checks.root_id AND f.state = 'OPEN') AS open")
	if page.Cursor != "" {
		if inspection.CheckID(page.Cursor) != nil {
			return nil, "", inspection.E(inspection.Invalid, "error.invalid")
		}
		q = q.Where("self_checks.id < ?", page.Cursor)
	}
	if err := q.Order("self_checks.id DESC").Limit(page.Size() + 1).Find(&lines).Error; err != nil {
		return nil, "", err
	}
	next := ""
	if len(lines) > page.Size() {
		lines = lines[:page.Size()]
		next = lines[len(lines)-1].ID
	}
	for i, l := range lines {
		lines[i].Overdue = l.State == Draft && s.clock.Now().Date() > l.Due
	}
	return lines, next, nil
}

// Drafts lists what the actor's units have begun and not handed in, the most urgent first.
func (s *Service) Drafts(ctx context.Context, actor inspection.Actor) ([]Check, error) {
	var out []Check
	err := s.db.WithContext(ctx).Scopes(org.Scope(actor, org.FillSelfCheck, Columns)).Where("self_checks.state = ?", Draft).
		Order("self_checks.due, self_checks.id").Limit(100).Find(&out).Error
	return out, err
}

// Issuers lists the offices for which the actor may ask, by name.
func (s *Service) Issuers(ctx context.Context, actor inspection.Actor) ([]org.Organisation, error) {
	return s.mine(ctx, actor, func(o string) (inspection.Capacity, bool) {
		return org.Can(actor, org.AskSelfCheck, org.Subject{Issuer: o})
	})
}

// Units lists the units for which the actor may plan a self-inspection, by name.
func (s *Service) Units(ctx context.Context, actor inspection.Actor) ([]org.Organisation, error) {
	return s.mine(ctx, actor, func(o string) (inspection.Capacity, bool) {
		return org.Can(actor, org.MakeSelfCheck, org.Subject{Unit: o})
	})
}

func (s *Service) mine(ctx context.Context, actor inspection.Actor, may func(string) (inspection.Capacity, bool)) ([]org.Organisation, error) {
	var ids []string
	for _, c := range actor.Capacities {
		if _, ok := may(c.Organisation); ok && c.Organisation != "" && !slices.Contains(ids, c.Organisation) {
			ids = append(ids, c.Organisation)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var out []org.Organisation
	err := s.db.WithContext(ctx).Where("id IN ?", ids).Find(&out).Error
	slices.SortFunc(out, func(a, b org.Organisation) int {
		return cmp.Or(strings.Compare(a.Search, b.Search), strings.Compare(a.ID, b.ID))
	})
	return out, err
}
