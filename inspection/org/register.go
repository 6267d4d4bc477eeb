package org

import (
	"context"
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Counts is how much of the organisation has been entered, for the list of what an
// installation still needs.
type Counts struct{ Units, Organisations, Desks, Posts, Hours, Holidays int64 }

// Counts counts what exists on a day. Administrators may. Codes: unauthenticated,
// forbidden.
func (s *Service) Counts(ctx context.Context, actor inspection.Actor, on inspection.Date) (c Counts, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return c, err
	}
	for _, t := range []struct {
		table string
		n     *int64
		dated bool
	}{{"admin_units", &c.Units, true}, {"organisations", &c.Organisations, true}, {"desks", &c.Desks, true}, {"posts", &c.Posts, true},
		{"calendar_hours", &c.Hours, false}, {"calendar_days", &c.Holidays, false}} {
		q := s.db.WithContext(ctx).Table(t.table)
		if t.dated {
			q = within(q, on)
		}
		if err := q.Count(t.n).Error; err != nil {
			return c, err
		}
	}
	return c, nil
}

// AddUnit adds an administrative unit; its key is the one in files. Administrators may.
// Codes: unauthenticated, forbidden, invalid, conflict (key taken).
func (s *Service) AddUnit(ctx context.Context, actor inspection.Actor, u Unit) (out Unit, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, u.ID, u.Name, &out); done || err != nil {
			return err
		}
		if u.Name, err = checkNamed(u.Name, u.ValidFrom, u.ValidTo); err != nil {
			return err
		}
		switch {
		case !unitKey.MatchString(u.Key) || len(u.Key) > 200:
			return inspection.E(inspection.Invalid, "org.error.unit_key", "key", u.Key).Field("key", "org.error.unit_key")
		case !slices.Contains(UnitTypes, u.Type):
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("type", "org.error.unit_type_field")
		case bareName(u.Type, u.Name) != u.Name:
			return withType(u.Type, u.Name)
		case u.ParentID == nil && u.Type != "COUNTRY":
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("parent", "org.error.parent_missing")
		case u.ParentID != nil:
			p, from, to, err := unitPeriod(tx, *u.ParentID)
			if err != nil {
				return err
			}
			if !inside(u.ValidFrom, u.ValidTo, from, to) {
				return outside(p.Name, from, to)
			}
		}
		if err := newID(&u.ID); err != nil {
			return err
		}
		u.Search, u.Version = inspection.Fold(u.Name), 1
		if err := create(tx, &u); err != nil {
			return err
		}
		out = u
		return act.record(tx, "org.unit.create", "unit", u.ID, map[string]any{"type": u.Type, "parent": deref(u.ParentID)})
	})
	return out, err
}

// Unit reads an administrative unit and the one above it. Administrators may. Codes:
// unauthenticated, forbidden, not_found.
func (s *Service) Unit(ctx context.Context, actor inspection.Actor, id string) (u, parent Unit, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return u, parent, err
	}
	tx := s.db.WithContext(ctx)
	if u, err = UnitByID(tx, id); err == nil && u.ParentID != nil {
		parent, err = UnitByID(tx, *u.ParentID)
	}
	return u, parent, err
}

// again tells whether a form that makes a thing was sent before: the thing is there
// under the form's id with the same name. Code: conflict, where it has another.
func again[T interface{ TableName() string }](tx *gorm.DB, id, name string, out *T) (bool, error) {
	if id == "" {
		return false, nil
	}
	var rows []T
	if err := tx.Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return false, err
	}
	stored := ""
	switch r := any(rows[0]).(type) {
	case Unit:
		stored = r.Name
	case Organisation:
		stored = r.Name
	case Desk:
		stored = r.Name
	case Post:
		stored = r.Title
	case Person:
		stored = r.Name
	case RoleRow:
		stored = string(r.Role)
	}
	if clean, _ := inspection.Text(name, 300); stored != clean {
		return false, inspection.E(inspection.Conflict, "org.error.form_used")
	}
	*out = rows[0]
	return true, nil
}

// OrganisationFilter narrows the list of organisations.
type OrganisationFilter struct {
	Query string
	Kind  Kind
	Unit  string // id of the administrative unit
	AsOf  inspection.Date
}

// OrganisationLine is an organisation in a list.
type OrganisationLine struct {
	Organisation
	UnitName string   `gorm:"column:unit_name"`
	UnitType UnitType `gorm:"column:unit_type"`
	Desks    int64    `gorm:"column:desks"`
}

// Organisations lists the organisations of a day by name, whatever the diacritics, with
// their unit and number of desks; an empty day lists all there ever were. Administrators
// may. Codes: unauthenticated, forbidden.
func (s *Service) Organisations(ctx context.Context, actor inspection.Actor, f OrganisationFilter, page inspection.Page) ([]OrganisationLine, string, error) {
	if _, err := requireAdmin(actor); err != nil {
		return nil, "", err
	}
	tx := s.db.WithContext(ctx)
	q := searchPage(within(tx.Model(&Organisation{}), f.AsOf), f.Query, page)
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	}
	if f.Unit != "" {
		q = q.Where("admin_unit_id = ?", f.Unit)
	}
	var rows []OrganisationLine
	if err := q.Select("organisations.*").Find(&rows).Error; err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, page, func(o OrganisationLine) (string, string) { return o.Search, o.ID })
	var units, ids []string
	for _, o := range rows {
		units, ids = append(units, o.AdminUnitID), append(ids, o.ID)
	}
	var found []Unit
	if err := tx.Where("id IN ?", units).Find(&found).Error; err != nil {
		return nil, "", err
	}
	var counts []struct {
		OrganisationID string
		N              int64
	}
	if err := within(tx.Table("desks"), f.AsOf).Select("organisation_id, COUNT(*) AS n").Where("organisation_id IN ?", ids).Group("organisation_id").Find(&counts).Error; err != nil {
		return nil, "", err
	}
	for i, o := range rows {
		for _, u := range found {
			if u.ID == o.AdminUnitID {
				rows[i].UnitName, rows[i].UnitType = u.Name, u.Type
			}
		}
		for _, c := range counts {
			if c.OrganisationID == o.ID {
				rows[i].Desks = c.N
			}
		}
	}
	return rows, next, nil
}

// DeskLine is a desk with its posts.
type DeskLine struct {
	Desk
	Posts []Post
}

// Descendance is one line of what became of an organisation, with the names of both ends.
type Descendance struct {
	Lineage
	Predecessor string `gorm:"column:predecessor"`
	Successor   string `gorm:"column:successor"`
}

// Holder is a role held in an organisation, with who holds it.
type Holder struct {
	RoleRow
	Name string `gorm:"column:name"`
}

// Detail is all that is known of an organisation.
type Detail struct {
	Organisation
	Unit         Unit
	Parent       Organisation // zero: none; what went as a whole into another lies below that
	Children     []Organisation
	Desks        []DeskLine
	Became, From []Descendance
	Roles        []Holder
	Calendar     bool // it has hours or days of its own, under this name or another
}

// Detail reads an organisation with what hangs on it, past and future rows included.
// Administrators may. Codes: unauthenticated, forbidden, not_found.
func (s *Service) Detail(ctx context.Context, actor inspection.Actor, id string) (d Detail, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return d, err
	}
	tx := s.db.WithContext(ctx)
	if d.Organisation, err = OrganisationByID(tx, id); err != nil {
		return d, err
	}
	if d.Unit, err = UnitByID(tx, d.AdminUnitID); err != nil {
		return d, err
	}
	if d.ParentID != nil { // who that is on the last day of both, or today
		on := s.clock.Now().Date()
		if d.ValidTo != "" {
			on = min(on, d.ValidTo)
		}
		if d.Parent, _, err = Responsible(tx, *d.ParentID, max(on, d.ValidFrom)); err != nil {
			return d, err
		}
	}
	over, err := WholePredecessors(tx, id, "") // what lay below them and went on lies below it
	if err != nil {
		return d, err
	}
	below := tx.Where("parent_id = ? OR (parent_id IN ? AND (valid_to = '' OR valid_to >= ?))", id, over, d.ValidFrom)
	if err := below.Order("search, id").Limit(500).Find(&d.Children).Error; err != nil {
		return d, err
	}
	var desks []Desk
	if err := tx.Where("organisation_id = ?", id).Order("search, valid_from, id").Find(&desks).Error; err != nil {
		return d, err
	}
	var ids []string
	for _, k := range desks {
		d.Desks, ids = append(d.Desks, DeskLine{Desk: k}), append(ids, k.ID)
	}
	var posts []Post
	if err := tx.Where("desk_id IN ?", ids).Order("search, id").Find(&posts).Error; err != nil {
		return d, err
	}
	for i := range d.Desks {
		for _, p := range posts {
			if p.DeskID == d.Desks[i].ID {
				d.Desks[i].Posts = append(d.Desks[i].Posts, p)
			}
		}
	}
	for column, into := range map[string]*[]Descendance{"predecessor_id": &d.Became, "successor_id": &d.From} {
		err := tx.Model(&Lineage{}).Select("organisation_lineage.*, p.name AS predecessor, COALESCE(s.name, '') AS successor").
			Joins("JOIN organisations p ON p.id = organisation_lineage.predecessor_id").Joins("LEFT JOIN organisations s ON s.id = organisation_lineage.successor_id").
			Where("organisation_lineage."+column+" = ?", id).Order("organisation_lineage.effective_date, organisation_lineage.id").Find(into).Error
		if err != nil {
			return d, err
		}
	}
	err = tx.Model(&RoleRow{}).Select("person_roles.*, people.name AS name").Joins("JOIN people ON people.id = person_roles.person_id").
		Where("person_roles.organisation_id = ? AND person_roles.team_id IS NULL AND person_roles.voided_at = 0", id).Order("person_roles.valid_to, people.search, person_roles.id").Limit(500).Find(&d.Roles).Error
	if err != nil {
		return d, err
	}
	var n int64
	names, err := named(tx, "?", id)
	if err != nil {
		return d, err
	}
	var all []string
	for _, name := range names[id] {
		all = append(all, name.ID)
	}
	err = tx.Model(&calendarRow{}).Where("organisation_id IN ?", all).Count(&n).Error
	d.Calendar = n > 0
	return d, err
}

// DeskDetail is a desk with its posts, past and future rows included, and where it was
// before and after.
type DeskDetail struct {
	Desk
	Organisation  Organisation
	Posts         []Post
	Before, After Desk // zero: none
}

// DeskDetail reads a desk. Administrators may. Codes: unauthenticated, forbidden,
// not_found.
func (s *Service) DeskDetail(ctx context.Context, actor inspection.Actor, id string) (d DeskDetail, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return d, err
	}
	tx := s.db.WithContext(ctx)
	if d.Desk, err = DeskByID(tx, id); err != nil {
		return d, err
	}
	if d.Organisation, err = OrganisationByID(tx, d.OrganisationID); err != nil {
		return d, err
	}
	if d.PredecessorID != nil {
		if d.Before, err = DeskByID(tx, *d.PredecessorID); err != nil {
			return d, err
		}
	}
	var after []Desk
	if err := tx.Where("predecessor_id = ?", id).Limit(1).Find(&after).Error; err != nil {
		return d, err
	}
	if len(after) > 0 {
		d.After = after[0]
	}
	return d, tx.Where("desk_id = ?", id).Order("search, valid_from, id").Find(&d.Posts).Error
}

// PostDesk is the desk of a post. Administrators may. Codes: unauthenticated, forbidden,
// not_found.
func (s *Service) PostDesk(ctx context.Context, actor inspection.Actor, id string) (string, error) {
	if _, err := requireAdmin(actor); err != nil {
		return "", err
	}
	var p Post
	err := notFound(s.db.WithContext(ctx).Where("id = ?", id).Take(&p).Error, "error.not_found")
	return p.DeskID, err
}
