package org

import (
	"context"
	"errors"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// Service reads and writes the organisation.
type Service struct {
	db    *gorm.DB
	clock inspection.Clock
	moved func(tx *gorm.DB, act Act, from, to inspection.Date) error
}

// WhenDaysChange names who is told, in the transaction of the change, that the working
// days between two days have changed somewhere; an empty border is open.
func (s *Service) WhenDaysChange(moved func(tx *gorm.DB, act Act, from, to inspection.Date) error) {
	s.moved = moved
}

func (s *Service) daysChanged(tx *gorm.DB, act Act, from, to inspection.Date) error {
	if s.moved == nil {
		return nil
	}
	return s.moved(tx, act, from, to)
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock) *Service { return &Service{db: db, clock: clock} }

// Act is who writes, in which capacity and when: what history records of it.
type Act struct {
	Actor    inspection.Actor
	Capacity inspection.Capacity
	At       inspection.Instant
}

func (a Act) record(tx *gorm.DB, action, kind, id string, data map[string]any) error {
	return history.Append(tx, history.Event{Actor: a.Actor, Capacity: a.Capacity, At: a.At,
		Action: action, SubjectKind: kind, SubjectID: id, Data: data})
}

// requireAdmin gives the capacity in which the actor may administer the
// organisation. Codes: unauthenticated, forbidden.
func requireAdmin(actor inspection.Actor) (inspection.Capacity, error) {
	if err := signedIn(actor); err != nil {
		return inspection.Capacity{}, err
	}
	c, ok := Can(actor, ManageOrg, Subject{})
	if !ok {
		return c, inspection.E(inspection.Forbidden, "org.error.not_administrator")
	}
	return c, nil
}

func signedIn(actor inspection.Actor) error {
	if actor.Person == "" {
		return inspection.E(inspection.Unauthenticated, "org.error.sign_in")
	}
	return nil
}

// administer runs one change by an administrator in a transaction.
func (s *Service) administer(ctx context.Context, actor inspection.Actor, change func(tx *gorm.DB, act Act) error) error {
	capacity, err := requireAdmin(actor)
	if err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return change(tx, Act{actor, capacity, s.clock.Now()})
	})
}

// notFound turns gorm's missing row into ours.
func notFound(err error, key string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return inspection.E(inspection.NotFound, key)
	}
	return err
}

// Tree lists the administrative units that exist on a day, themselves and all
// their ancestors, parents before children and siblings in the order of their
// search form. Anyone signed in may read it. Code: unauthenticated.
func (s *Service) Tree(ctx context.Context, actor inspection.Actor, asOf inspection.Date) ([]Unit, error) {
	if err := signedIn(actor); err != nil {
		return nil, err
	}
	var all []Unit
	if err := s.db.WithContext(ctx).Order("search, id").Find(&all).Error; err != nil {
		return nil, err
	}
	children := map[string][]Unit{}
	for _, u := range all {
		parent := ""
		if u.ParentID != nil {
			parent = *u.ParentID
		}
		if asOf == "" || asOf.Within(u.ValidFrom, u.ValidTo) {
			children[parent] = append(children[parent], u)
		}
	}
	var out []Unit
	var walk func(parent string)
	walk = func(parent string) {
		for _, u := range children[parent] {
			out = append(out, u)
			walk(u.ID)
		}
	}
	walk("")
	return out, nil
}

// UnitByKey finds a unit. Code: not_found.
func UnitByKey(tx *gorm.DB, key string) (Unit, error) {
	var u Unit
	return u, notFound(tx.Where("key = ?", key).Take(&u).Error, "org.error.unit_unknown")
}

// OrganisationByID finds an organisation. The caller has checked rights. Code:
// not_found.
func OrganisationByID(tx *gorm.DB, id string) (Organisation, error) {
	var o Organisation
	return o, notFound(tx.Where("id = ?", id).Take(&o).Error, "org.error.organisation_unknown")
}

// OrganisationByKey finds an organisation by its key. Code: not_found.
func OrganisationByKey(tx *gorm.DB, key string) (Organisation, error) {
	var o Organisation
	return o, notFound(tx.Where("key = ?", key).Take(&o).Error, "org.error.organisation_unknown")
}

// DeskByID finds a desk. Code: not_found.
func DeskByID(tx *gorm.DB, id string) (Desk, error) {
	var d Desk
	return d, notFound(tx.Where("id = ?", id).Take(&d).Error, "org.error.desk_unknown")
}

// DesksOf lists the desks that an organisation has on a day.
func DesksOf(tx *gorm.DB, organisation string, asOf inspection.Date) ([]Desk, error) {
	var out []Desk
	err := within(tx, asOf).Where("organisation_id = ?", organisation).Order("search, id").Find(&out).Error
	return out, err
}

// PostsOf lists the posts that a desk has on a day, in the order of their titles.
func PostsOf(tx *gorm.DB, desk string, asOf inspection.Date) ([]Post, error) {
	var out []Post
	err := within(tx, asOf).Where("desk_id = ?", desk).Order("search, id").Find(&out).Error
	return out, err
}

// within keeps the rows valid on a day; the empty day keeps all.
func within(tx *gorm.DB, d inspection.Date) *gorm.DB {
	if d == "" {
		return tx
	}
	return tx.Where("(valid_from = '' OR valid_from <= ?) AND (valid_to = '' OR valid_to >= ?)", d, d)
}

// Names gives the name of every unit, organisation, desk and person among the ids.
// A new name is a new row, so this is the name that it had then, put right where it had
// been entered wrongly.
func Names(tx *gorm.DB, ids ...string) (map[string]string, error) {
	out := map[string]string{}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, table := range []string{"organisations", "desks", "people", "admin_units"} {
		for part := range slices.Chunk(ids, 500) {
			var rows []struct{ ID, Name string }
			if err := tx.Table(table).Select("id, name").Where("id IN ?", part).Find(&rows).Error; err != nil {
				return nil, err
			}
			for _, r := range rows {
				out[r.ID] = r.Name
			}
		}
	}
	return out, nil
}

// searchPage adds what every search has: the folded words, the cursor and the
// order by search form and id.
func searchPage(tx *gorm.DB, query string, page inspection.Page) *gorm.DB {
	for _, word := range strings.Fields(inspection.Fold(query)) {
		tx = tx.Where("search LIKE ?", "%"+word+"%")
	}
	if search, id, ok := strings.Cut(page.Cursor, "|"); ok {
		tx = tx.Where("search > ? OR (search = ? AND id > ?)", search, search, id)
	}
	return tx.Order("search, id").Limit(page.Size() + 1)
}

// cut takes the page out of the rows found and makes the cursor of the next.
func cut[T any](rows []T, page inspection.Page, key func(T) (search, id string)) ([]T, string) {
	if len(rows) <= page.Size() {
		return rows, ""
	}
	rows = rows[:page.Size()]
	search, id := key(rows[len(rows)-1])
	return rows, search + "|" + id
}

// SearchUnits finds administrative units of a day whose name holds all the words,
// whatever their diacritics. Anyone signed in may. Code: unauthenticated.
func (s *Service) SearchUnits(ctx context.Context, actor inspection.Actor, query string, asOf inspection.Date, page inspection.Page) ([]Unit, string, error) {
	if err := signedIn(actor); err != nil {
		return nil, "", err
	}
	var rows []Unit
	if err := searchPage(within(s.db.WithContext(ctx), asOf), query, page).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, page, func(u Unit) (string, string) { return u.Search, u.ID })
	return rows, next, nil
}

// SearchOrganisations is SearchUnits for organisations.
func (s *Service) SearchOrganisations(ctx context.Context, actor inspection.Actor, query string, asOf inspection.Date, page inspection.Page) ([]Organisation, string, error) {
	if err := signedIn(actor); err != nil {
		return nil, "", err
	}
	var rows []Organisation
	if err := searchPage(within(s.db.WithContext(ctx), asOf), query, page).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, page, func(o Organisation) (string, string) { return o.Search, o.ID })
	return rows, next, nil
}

// SearchPeople finds people. Administrators may. Codes: unauthenticated, forbidden.
func (s *Service) SearchPeople(ctx context.Context, actor inspection.Actor, query string, page inspection.Page) ([]Person, string, error) {
	if _, err := requireAdmin(actor); err != nil {
		return nil, "", err
	}
	var rows []Person
	if err := searchPage(s.db.WithContext(ctx), query, page).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, page, func(p Person) (string, string) { return p.Search, p.ID })
	return rows, next, nil
}
