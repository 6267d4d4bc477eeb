package selfcheck

import (
	"context"
	"errors"
	"slices"
	"sync"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Service keeps self-inspections.
type Service struct {
	db       *gorm.DB
	clock    inspection.Clock
	compared sync.Map // *Gap by the ids of a self-inspection and of a frozen score
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock) *Service { return &Service{db: db, clock: clock} }

func notFound() error { return inspection.E(inspection.NotFound, "error.not_found") }

// wrong is what is wrong with one field of a form.
func wrong(field, key string, params ...any) error {
	return inspection.E(inspection.Invalid, key, params...).Field(field, key)
}

func changedMeanwhile() error {
	return inspection.E(inspection.Conflict, "selfcheck.error.changed_meanwhile")
}

// take reads a row by its id.
func take(tx *gorm.DB, into any, id string) error {
	err := tx.Where("id = ?", id).Take(into).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return notFound()
	}
	return err
}

// text checks a text of a form that must say something.
func text(field, s string, max int) (string, error) {
	out, ok := inspection.Text(s, max)
	if !ok || out == "" {
		return out, wrong(field, "selfcheck.error.text", "max", max)
	}
	return out, nil
}

// day checks a day that must be given.
func day(field string, d inspection.Date) error {
	if _, err := inspection.ParseDate(string(d)); err != nil || d == "" {
		return wrong(field, "selfcheck.error.day")
	}
	return nil
}

// updated turns an update that found no row of its version into a conflict.
func updated(res *gorm.DB) error {
	if res.Error == nil && res.RowsAffected == 0 {
		return changedMeanwhile()
	}
	return res.Error
}

// at is one act: who does it, in which capacity, when.
type at struct {
	tx       *gorm.DB
	actor    inspection.Actor
	capacity inspection.Capacity
	now      inspection.Instant
}

func (a at) record(action, kind, id string, data map[string]any) error {
	return history.Append(a.tx, history.Event{Actor: a.actor, Capacity: a.capacity, Action: action, SubjectKind: kind, SubjectID: id, At: a.now, Data: data})
}

// hold locks a self-inspection for an act on it. Who may not read it does not learn that
// it is there. Codes: not_found, forbidden.
func (s *Service) hold(tx *gorm.DB, actor inspection.Actor, id string, action org.Action) (Check, at, error) {
	var c Check
	if inspection.CheckID(id) != nil {
		return c, at{}, notFound()
	}
	if err := take(tx.Clauses(clause.Locking{Strength: "UPDATE"}), &c, id); err != nil {
		return c, at{}, err
	}
	capacity, ok := org.Can(actor, action, c.Subject())
	if !ok {
		if _, reads := org.Can(actor, org.ReadSelfCheck, c.Subject()); reads {
			return c, at{}, org.MustNot()
		}
		return c, at{}, notFound()
	}
	return c, at{tx, actor, capacity, s.clock.Now()}, nil
}

// draft is hold for what may be done until it is handed in. Code: conflict, besides.
func (s *Service) draft(tx *gorm.DB, actor inspection.Actor, id string, action org.Action) (Check, at, error) {
	c, a, err := s.hold(tx, actor, id, action)
	if err == nil && c.State != Draft {
		err = inspection.E(inspection.Conflict, "selfcheck.error.closed")
	}
	return c, a, err
}

// published holds that a checklist is a published version.
func published(tx *gorm.DB, id string) error {
	var n int64
	err := tx.Model(&checklist.Checklist{}).Where("id = ? AND state = ?", id, checklist.Published).Count(&n).Error
	if err == nil && n == 0 {
		err = wrong("checklist", "selfcheck.error.checklist")
	}
	return err
}

// unitsOf lists the organisations of an issuer's area that have a desk on a day: those
// that a checklist of desks can be asked of.
func unitsOf(tx *gorm.DB, issuers []string, on inspection.Date) ([]org.Organisation, error) {
	var units []string
	if err := tx.Model(&org.Organisation{}).Where("id IN ?", issuers).Distinct().Pluck("admin_unit_id", &units).Error; err != nil {
		return nil, err
	}
	var out []org.Organisation
	err := tx.Scopes(org.Under(units...)).
		Where("(organisations.valid_from = '' OR organisations.valid_from <= ?) AND (organisations.valid_to = '' OR organisations.valid_to >= ?)", on, on).
		Where(`EXISTS (SELECT 1 FROM desks d WHERE d.organisation_id = organisations.id
			AND (d.valid_from = '' OR d.valid_from <= ?) AND (d.valid_to = '' OR d.valid_to >= ?))`, on, on).
		Order("organisations.search, organisations.id").Find(&out).Error
	return out, err
}

// Offices lists those that a unit may send its own self-inspection to (officesOf), for who
// plans it. Codes: not_found.
func (s *Service) Offices(ctx context.Context, actor inspection.Actor, organisation string) ([]org.Organisation, error) {
	if _, ok := org.Can(actor, org.MakeSelfCheck, org.Subject{Unit: organisation}); !ok {
		return nil, notFound()
	}
	return officesOf(s.db.WithContext(ctx), organisation, s.clock.Now().Date())
}

// officesOf lists the committees that an organisation's self-inspection may go to, nearest
// first: those of its administrative unit and of all above it, itself only where there is
// no other.
func officesOf(tx *gorm.DB, organisation string, on inspection.Date) ([]org.Organisation, error) {
	o, err := org.OrganisationByID(tx, organisation)
	if err != nil {
		return nil, err
	}
	var all []org.Organisation
	err = tx.Raw(`WITH RECURSIVE up (id, n) AS (SELECT id, 0 FROM admin_units WHERE id = ?
			UNION ALL SELECT u.parent_id, up.n + 1 FROM admin_units u JOIN up ON u.id = up.id WHERE u.parent_id IS NOT NULL AND up.n < 10
		) SELECT organisations.* FROM organisations JOIN up ON up.id = organisations.admin_unit_id WHERE organisations.kind = ?
			AND (organisations.valid_from = '' OR organisations.valid_from <= ?) AND (organisations.valid_to = '' OR organisations.valid_to >= ?)
		ORDER BY up.n, organisations.search, organisations.id`, o.AdminUnitID, org.PeoplesCommittee, on, on).Scan(&all).Error
	if others := slices.DeleteFunc(slices.Clone(all), func(x org.Organisation) bool { return x.ID == organisation }); len(others) > 0 {
		return others, err
	}
	return all, err
}
