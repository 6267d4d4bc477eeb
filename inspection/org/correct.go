package org

import (
	"context"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// CorrectionAct says what was done to an entry.
type CorrectionAct string

// The acts.
const (
	Corrected CorrectionAct = "CORRECTED" // it was wrong from the beginning
	Ended     CorrectionAct = "ENDED"     // it was right and came to its end
)

// Correction is one field of one entry as it was before somebody put it right or ended
// it, and why. Rows are never changed.
type Correction struct {
	ID          string             `gorm:"column:id;primaryKey"`
	SubjectKind string             `gorm:"column:subject_kind"`
	SubjectID   string             `gorm:"column:subject_id"`
	Act         CorrectionAct      `gorm:"column:act"`
	Field       string             `gorm:"column:field"`
	Before      string             `gorm:"column:before"`
	After       string             `gorm:"column:after"`
	Reason      string             `gorm:"column:reason"`
	CorrectedBy string             `gorm:"column:corrected_by"`
	CorrectedAt inspection.Instant `gorm:"column:corrected_at"`
}

// TableName is the table.
func (Correction) TableName() string { return "corrections" }

// subject is what can be put right: its fields, those that its search form is made of,
// and what hangs on it.
type subject struct {
	table          string
	fields, search []string
	below          [][2]string // table and column of what must lie in its time
	lineage        string
}

var subjects = map[string]subject{
	"unit": {"admin_units", []string{"name", "unit_type", "valid_from", "valid_to"}, []string{"name"},
		[][2]string{{"admin_units", "parent_id"}, {"organisations", "admin_unit_id"}}, "admin_unit_lineage"},
	"organisation": {"organisations", []string{"name", "kind", "admin_unit_id", "parent_id", "valid_from", "valid_to"}, []string{"name"}, [][2]string{{"desks", "organisation_id"}}, "organisation_lineage"},
	"desk":         {"desks", []string{"name", "address", "valid_from", "valid_to"}, []string{"name"}, [][2]string{{"posts", "desk_id"}}, ""},
	"post":         {"posts", []string{"title", "field", "required", "valid_from", "valid_to"}, []string{"title", "field"}, nil, ""},
	"person":       {"people", []string{"name", "position"}, []string{"name", "position"}, nil, ""},
}

// Change is a correction as it is asked for: the values that the fields ought to have
// had from the beginning. Fields that are not named stay.
type Change struct {
	Kind, ID string
	Version  int64
	Values   map[string]string
	Reason   string
}

// reasonOf checks a reason. Code: invalid.
func reasonOf(reason string) (string, error) {
	reason, ok := inspection.Text(reason, 1000)
	if !ok || reason == "" {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field("reason", "org.error.reason")
	}
	return reason, nil
}

// note writes a row of corrections; history holds hashes only.
func (a Act) note(tx *gorm.DB, c Correction) error {
	c.ID, c.CorrectedBy, c.CorrectedAt = inspection.NewID(), a.Actor.Person, a.At
	if err := tx.Create(&c).Error; err != nil {
		return err
	}
	return a.record(tx, "org."+c.SubjectKind+"."+strings.ToLower(string(c.Act)), c.SubjectKind, c.SubjectID, map[string]any{"correction": c.ID,
		"field": c.Field, "before": history.TextHash(c.Before), "after": history.TextHash(c.After), "reason": history.TextHash(c.Reason)})
}

// Correct puts a wrong entry right in place and keeps what it said. It is for what was
// never true (a typing error); what changed in the world is a new dated row. Nothing
// changes where the values are those that stand. Administrators may. Codes:
// unauthenticated, forbidden, not_found, invalid, conflict (version).
func (s *Service) Correct(ctx context.Context, actor inspection.Actor, c Change) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error { return correct(tx, act, c) })
}

func correct(tx *gorm.DB, act Act, c Change) error {
	sub, ok := subjects[c.Kind]
	if !ok {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	reason, err := reasonOf(c.Reason)
	if err != nil {
		return err
	}
	row, err := sub.load(tx, c.ID)
	if err != nil {
		return err
	}
	after := map[string]string{}
	for _, field := range sub.fields {
		after[field] = row[field]
		if v, given := c.Values[field]; given {
			if after[field], err = cleanField(field, v); err != nil {
				return err
			}
		}
	}
	updates := map[string]any{"version": c.Version + 1}
	for _, field := range sub.fields {
		if after[field] == row[field] {
			continue
		}
		switch updates[field] = after[field]; {
		case field == "required":
			updates[field] = after[field] == yes
		case field == "parent_id" && after[field] == "":
			updates[field] = nil
		}
	}
	if len(updates) == 1 {
		return inspection.E(inspection.Invalid, "org.error.nothing_changed")
	}
	if t := UnitType(after["unit_type"]); c.Kind == "unit" && after["name"] != row["name"] && bareName(t, after["name"]) != after["name"] {
		return withType(t, after["name"])
	}
	var words []string
	for _, field := range sub.search {
		words = append(words, after[field])
	}
	updates["search"] = inspection.Fold(strings.Join(words, " "))
	from, to := inspection.Date(after["valid_from"]), inspection.Date(after["valid_to"])
	if from != "" && to != "" && to < from {
		return inspection.E(inspection.Invalid, "org.error.dates_reversed").Field("valid_to", "org.error.dates_reversed")
	}
	if err := hangs(tx, c.ID, row, after); err != nil {
		return err
	}
	res := tx.Table(sub.table).Where("id = ? AND version = ?", c.ID, c.Version).Updates(updates)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return changedMeanwhile()
	}
	if slices.Contains(sub.fields, "valid_from") {
		if err := sub.fits(tx, c.Kind, c.ID, from, to); err != nil {
			return err
		}
	}
	if c.Kind == "unit" && after["unit_type"] != row["unit_type"] {
		u, err := UnitByID(tx, c.ID)
		if err != nil {
			return err
		}
		if (u.ParentID == nil) != (u.Type == "COUNTRY") {
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("unit_type", "org.error.country_alone")
		}
	}
	if c.Kind == "organisation" && (after["admin_unit_id"] != row["admin_unit_id"] || after["parent_id"] != row["parent_id"]) {
		o, err := OrganisationByID(tx, c.ID)
		if err == nil {
			err = placed(tx, o)
		}
		if err != nil {
			return err
		}
	}
	for _, field := range sub.fields {
		if after[field] == row[field] {
			continue
		}
		if strings.HasSuffix(field, "_id") { // names say more than ids, which history has
			names, err := Names(tx, row[field], after[field])
			if err != nil {
				return err
			}
			row[field], after[field] = names[row[field]], names[after[field]]
		}
		if err := act.note(tx, Correction{SubjectKind: c.Kind, SubjectID: c.ID, Act: Corrected, Field: field, Before: row[field], After: after[field], Reason: reason}); err != nil {
			return err
		}
	}
	return nil
}

// yes is what a field says that is either so or not.
const yes, no = "YES", "NO"

func yesNo(b bool) string {
	if b {
		return yes
	}
	return no
}

// hangs holds that what an organisation is to lie in or below exists, and that it does
// not lie below itself. Code: invalid.
func hangs(tx *gorm.DB, id string, row, after map[string]string) error {
	bad := func(field, key string) error {
		return inspection.E(inspection.Invalid, "org.error.invalid").Field(field, key)
	}
	if unit := after["admin_unit_id"]; unit != row["admin_unit_id"] {
		if _, err := UnitByID(tx, unit); inspection.CodeOf(err) == inspection.NotFound {
			return bad("unit", "org.error.unit_unknown")
		} else if err != nil {
			return err
		}
	}
	if after["parent_id"] == row["parent_id"] {
		return nil
	}
	seen := map[string]bool{}
	for next := after["parent_id"]; next != ""; {
		if next == id || seen[next] {
			return bad("parent", "org.error.below_itself")
		}
		seen[next] = true
		o, err := OrganisationByID(tx, next)
		if inspection.CodeOf(err) == inspection.NotFound {
			return bad("parent", "org.error.organisation_unknown")
		}
		if err != nil {
			return err
		}
		next = deref(o.ParentID)
	}
	return nil
}

func changedMeanwhile() error {
	return inspection.E(inspection.Conflict, "org.error.changed_meanwhile")
}

// load reads the fields of a thing and holds its row until the transaction ends.
func (sub subject) load(tx *gorm.DB, id string) (map[string]string, error) {
	var rows []map[string]any
	err := tx.Table(sub.table).Clauses(clause.Locking{Strength: "UPDATE"}).Select(sub.fields).Where("id = ?", id).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, inspection.E(inspection.NotFound, "error.not_found")
	}
	out := map[string]string{}
	for field, v := range rows[0] {
		switch v := v.(type) {
		case string:
			out[field] = v
		case bool:
			out[field] = yesNo(v)
		case int64: // how SQLite keeps it
			out[field] = yesNo(v != 0)
		}
	}
	return out, nil
}

func cleanField(field, value string) (string, error) {
	bad := func(key string) (string, error) {
		return "", inspection.E(inspection.Invalid, "org.error.invalid").Field(field, key)
	}
	switch field {
	case "valid_from", "valid_to":
		if _, err := inspection.ParseDate(value); err != nil {
			return bad("org.error.day")
		}
		return value, nil
	case "kind":
		if !slices.Contains(Kinds, Kind(value)) {
			return bad("org.error.kind")
		}
		return value, nil
	case "unit_type":
		if !slices.Contains(UnitTypes, UnitType(value)) {
			return bad("org.error.unit_type_field")
		}
		return value, nil
	case "required":
		if value != yes && value != no {
			return bad("error.invalid")
		}
		return value, nil
	case "name", "title":
		name, ok := inspection.Text(value, 300)
		if !ok || name == "" {
			return bad("org.error.name")
		}
		return name, nil
	}
	text, ok := inspection.Text(value, 300)
	if !ok {
		return bad("error.text")
	}
	return text, nil
}

// fits holds the dates of a thing, as they now stand, to what it hangs on, to what
// hangs on it, and to its lineage. Code: invalid.
func (sub subject) fits(tx *gorm.DB, kind, id string, from, to inspection.Date) error {
	var err error
	var name string
	var outerFrom, outerTo inspection.Date
	switch kind {
	case "unit":
		var u Unit
		if u, err = UnitByID(tx, id); err == nil && u.ParentID != nil {
			u, outerFrom, outerTo, err = unitPeriod(tx, *u.ParentID)
			name = u.Name
		}
	case "organisation":
		var o Organisation
		if o, err = OrganisationByID(tx, id); err == nil {
			var u Unit
			u, outerFrom, outerTo, err = unitPeriod(tx, o.AdminUnitID)
			name = u.Name
		}
	case "desk":
		var d Desk
		if d, err = DeskByID(tx, id); err == nil {
			var o Organisation
			o, outerFrom, outerTo, err = organisationPeriod(tx, d.OrganisationID)
			name = o.Name
		}
	case "post":
		var p Post
		if err = tx.Where("id = ?", id).Take(&p).Error; err == nil {
			var d Desk
			d, outerFrom, outerTo, err = deskPeriod(tx, p.DeskID)
			name = d.Name
		}
	}
	if err != nil {
		return err
	}
	if !inside(from, to, outerFrom, outerTo) {
		return outside(name, outerFrom, outerTo)
	}
	for _, b := range sub.below {
		var n int64
		q := tx.Table(b[0]).Where(b[1]+" = ?", id).Where("(? <> '' AND ((valid_from <> '' AND valid_from < ?) OR (valid_to <> '' AND valid_to < ?))) OR (? <> '' AND ((valid_from <> '' AND valid_from > ?) OR (valid_to <> '' AND valid_to > ?)))",
			from, from, from, to, to, to)
		if err := q.Count(&n).Error; err != nil {
			return err
		}
		if n > 0 {
			return inspection.E(inspection.Invalid, "org.error.below_outside", "count", n).Field("valid_to", "org.error.below_outside_field")
		}
	}
	if sub.lineage == "" {
		return nil
	}
	var lines []Lineage
	if err := tx.Table(sub.lineage).Where("predecessor_id = ? OR successor_id = ?", id, id).Find(&lines).Error; err != nil {
		return err
	}
	for _, l := range lines {
		if l.PredecessorID == id && !l.EffectiveDate.AddDays(-1).Within(from, to) || l.PredecessorID != id && !l.EffectiveDate.Within(from, to) {
			return inspection.E(inspection.Invalid, "org.error.lineage_outside", "date", l.EffectiveDate.VN()).Field("valid_to", "org.error.below_outside_field")
		}
	}
	return nil
}

// End lets an organisation, desk or post exist until a day, the last one included, and
// with it the desks and posts that hang on it. The rows stay. Administrators may. Codes:
// unauthenticated, forbidden, not_found, invalid, conflict (version).
func (s *Service) End(ctx context.Context, actor inspection.Actor, kind, id string, version int64, last inspection.Date, reason string) error {
	return s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if kind != "organisation" && kind != "desk" && kind != "post" {
			return inspection.E(inspection.NotFound, "error.not_found")
		}
		reason, err := reasonOf(reason)
		if err != nil {
			return err
		}
		if err := seen(tx, kind, id, version); err != nil {
			return err
		}
		return act.end(tx, kind, id, last, reason)
	})
}

// seen checks that a thing has still the version that its reader saw. Codes: not_found,
// conflict.
func seen(tx *gorm.DB, kind, id string, version int64) error {
	var now []int64
	if err := tx.Table(subjects[kind].table).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Pluck("version", &now).Error; err != nil {
		return err
	}
	if len(now) == 0 {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if now[0] != version {
		return changedMeanwhile()
	}
	return nil
}

// end writes the last day of a thing and of what hangs on it.
func (a Act) end(tx *gorm.DB, kind, id string, last inspection.Date, reason string) error {
	sub := subjects[kind]
	row, err := sub.load(tx, id)
	if err != nil {
		return err
	}
	if _, err := inspection.ParseDate(string(last)); err != nil || last == "" {
		return inspection.E(inspection.Invalid, "org.error.invalid").Field("last", "org.error.day")
	}
	if from := inspection.Date(row["valid_from"]); from != "" && last < from {
		return inspection.E(inspection.Invalid, "org.error.ends_before", "from", from.VN()).Field("last", "org.error.dates_reversed")
	}
	if to := inspection.Date(row["valid_to"]); to != "" && to < last {
		return inspection.E(inspection.Invalid, "org.error.ended_already", "to", to.VN()).Field("last", "org.error.ended_already_field")
	}
	if row["valid_to"] == string(last) {
		return nil
	}
	for _, b := range sub.below {
		var ids []string
		if err := tx.Table(b[0]).Where(b[1]+" = ? AND (valid_to = '' OR valid_to > ?)", id, last).Order("id").Pluck("id", &ids).Error; err != nil {
			return err
		}
		for _, child := range ids {
			if err := a.end(tx, strings.TrimSuffix(b[0], "s"), child, last, reason); err != nil {
				return err
			}
		}
	}
	err = tx.Table(sub.table).Where("id = ?", id).Updates(map[string]any{"valid_to": last, "version": gorm.Expr("version + 1")}).Error
	if err != nil {
		return err
	}
	return a.note(tx, Correction{SubjectKind: kind, SubjectID: id, Act: Ended, Field: "valid_to", Before: row["valid_to"], After: string(last), Reason: reason})
}

// CorrectionLine is a correction with the name of who made it.
type CorrectionLine struct {
	Correction
	By string `gorm:"column:by_name"`
}

// Corrections lists what was put right or ended of some things, newest first.
// Administrators may. Codes: unauthenticated, forbidden.
func (s *Service) Corrections(ctx context.Context, actor inspection.Actor, ids ...string) ([]CorrectionLine, error) {
	if _, err := requireAdmin(actor); err != nil {
		return nil, err
	}
	var out []CorrectionLine
	for part := range slices.Chunk(ids, 500) {
		var rows []CorrectionLine
		err := s.db.WithContext(ctx).Model(&Correction{}).Select("corrections.*, COALESCE(people.name, '') AS by_name").Joins("LEFT JOIN people ON people.id = corrections.corrected_by").
			Where("corrections.subject_id IN ?", part).Order("corrections.corrected_at DESC, corrections.subject_kind, corrections.field, corrections.id DESC").Limit(200).Find(&rows).Error
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}
