package org

import (
	"context"
	"errors"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// checkNamed is what every dated and named thing must hold.
func checkNamed(name string, from, to inspection.Date) (string, error) {
	name, ok := inspection.Text(name, 300)
	if !ok || name == "" {
		return name, inspection.E(inspection.Invalid, "org.error.invalid").Field("name", "org.error.name")
	}
	for _, d := range []inspection.Date{from, to} {
		if _, err := inspection.ParseDate(string(d)); err != nil {
			return name, err
		}
	}
	if from != "" && to != "" && to < from {
		return name, inspection.E(inspection.Invalid, "org.error.dates_reversed").Field("valid_to", "org.error.dates_reversed")
	}
	return name, nil
}

func newID(id *string) error {
	if *id == "" {
		*id = inspection.NewID()
	}
	return inspection.CheckID(*id)
}

// create inserts a row; a key that is taken is a conflict.
func create(tx *gorm.DB, row any) error {
	err := tx.Create(row).Error
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return inspection.E(inspection.Conflict, "org.error.key_taken").Field("key", "org.error.key_taken").Because(err)
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return inspection.E(inspection.Invalid, "org.error.reference_unknown").Because(err)
	}
	return err
}

// CreateOrganisation adds an organisation in the caller's transaction; the caller
// has checked rights. Codes: invalid, conflict (key taken).
func CreateOrganisation(tx *gorm.DB, act Act, o Organisation) (Organisation, error) {
	var err error
	if o.Name, err = checkNamed(o.Name, o.ValidFrom, o.ValidTo); err != nil {
		return o, err
	}
	if !slices.Contains(Kinds, o.Kind) {
		return o, inspection.E(inspection.Invalid, "org.error.invalid").Field("kind", "org.error.kind")
	}
	if err := newID(&o.ID); err != nil {
		return o, err
	}
	if o.Key == "" {
		o.Key = o.ID
	}
	o.Search, o.Version = inspection.Fold(o.Name), 1
	if err := create(tx, &o); err != nil {
		return o, err
	}
	return o, act.record(tx, "org.organisation.create", "organisation", o.ID, map[string]any{"kind": o.Kind, "unit": o.AdminUnitID})
}

// CreateLineage says what became of an organisation, in the caller's transaction;
// the caller has checked rights. The predecessor must exist on the day before, the
// successor on the day. Codes: invalid, not_found, conflict.
func CreateLineage(tx *gorm.DB, act Act, l Lineage) (Lineage, error) {
	if err := newID(&l.ID); err != nil {
		return l, err
	}
	if want, ok := portionOf[l.Relation]; !ok || want != l.Portion || l.EffectiveDate == "" {
		return l, inspection.E(inspection.Invalid, "org.error.portion")
	}
	p, err := OrganisationByID(tx, l.PredecessorID)
	if err != nil {
		return l, err
	}
	if before := l.EffectiveDate.AddDays(-1); !before.Within(p.ValidFrom, p.ValidTo) {
		return l, inspection.E(inspection.Invalid, "org.error.predecessor_not_there", "key", p.Key, "date", before.VN())
	}
	if (l.SuccessorID == nil) != (l.Relation == Dissolved) {
		return l, inspection.E(inspection.Invalid, "org.error.successor_missing")
	}
	if l.SuccessorID != nil {
		o, err := OrganisationByID(tx, *l.SuccessorID)
		if err != nil {
			return l, err
		}
		if o.ID == p.ID || !l.EffectiveDate.Within(o.ValidFrom, o.ValidTo) {
			return l, inspection.E(inspection.Invalid, "org.error.successor_not_there", "key", o.Key, "date", l.EffectiveDate.VN())
		}
	}
	if l.Portion == Whole { // only one inherits, and who that is is never in doubt
		var n int64
		if err := tx.Model(&Lineage{}).Where("predecessor_id = ? AND portion = ?", p.ID, Whole).Count(&n).Error; err != nil {
			return l, err
		}
		if n > 0 {
			return l, inspection.E(inspection.Conflict, "org.error.went_already", "name", p.Name).Field("relation", "org.error.went_already_field")
		}
	}
	if err := create(tx, &l); err != nil {
		return l, err
	}
	return l, act.record(tx, "org.organisation.lineage", "organisation", l.PredecessorID,
		map[string]any{"successor": deref(l.SuccessorID), "relation": l.Relation, "portion": l.Portion, "effective": l.EffectiveDate})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// CreateDesk adds a desk; as CreateOrganisation.
func CreateDesk(tx *gorm.DB, act Act, d Desk) (Desk, error) {
	var err error
	if d.Name, err = checkNamed(d.Name, d.ValidFrom, d.ValidTo); err != nil {
		return d, err
	}
	if err := newID(&d.ID); err != nil {
		return d, err
	}
	if d.Key == "" {
		d.Key = d.ID
	}
	d.Search, d.Version = inspection.Fold(d.Name), 1
	if err := create(tx, &d); err != nil {
		return d, err
	}
	return d, act.record(tx, "org.desk.create", "desk", d.ID, map[string]any{"organisation": d.OrganisationID})
}

// CreatePost adds a post at a desk; as CreateOrganisation.
func CreatePost(tx *gorm.DB, act Act, p Post) (Post, error) {
	var err error
	title := p.Title
	if p.Title, err = checkNamed(title, p.ValidFrom, p.ValidTo); err != nil {
		if words, ok := inspection.Text(title, 300); !ok || words == "" {
			err = inspection.E(inspection.Invalid, "org.error.invalid").Field("title", "org.error.name")
		}
		return p, err
	}
	if err := newID(&p.ID); err != nil {
		return p, err
	}
	p.Search, p.Version = inspection.Fold(p.Title+" "+p.Field), 1
	if err := create(tx, &p); err != nil {
		return p, err
	}
	return p, act.record(tx, "org.post.create", "post", p.ID, map[string]any{"desk": p.DeskID, "required": p.Required, "simulated": p.Simulated})
}

// CreatePerson adds a person; as CreateOrganisation.
func CreatePerson(tx *gorm.DB, act Act, p Person) (Person, error) {
	var err error
	if p.Name, err = checkNamed(p.Name, "", ""); err != nil {
		return p, err
	}
	if err := newID(&p.ID); err != nil {
		return p, err
	}
	p.Search, p.Version = inspection.Fold(p.Name+" "+p.Position), 1
	if err := create(tx, &p); err != nil {
		return p, err
	}
	return p, act.record(tx, "org.person.create", "person", p.ID, map[string]any{"simulated": p.Simulated})
}

// Grant gives a person a role for a time, in the caller's transaction; the caller
// has checked rights. A role of a team may name the team, no other may. Codes:
// invalid.
func Grant(tx *gorm.DB, act Act, r RoleRow) (RoleRow, error) {
	if !slices.Contains(inspection.Roles, r.Role) {
		return r, inspection.E(inspection.Invalid, "org.error.invalid").Field("role", "org.error.role")
	}
	if _, err := checkNamed("-", r.ValidFrom, r.ValidTo); err != nil {
		return r, err
	}
	if r.TeamID != nil && !slices.Contains(inspection.TeamRoles, r.Role) {
		return r, inspection.E(inspection.Invalid, "org.error.invalid").Field("team", "org.error.role_without_team")
	}
	if r.OrganisationID == nil && r.Role != inspection.SysAdmin {
		return r, inspection.E(inspection.Invalid, "org.error.invalid").Field("organisation", "org.error.role_organisation")
	}
	if err := newID(&r.ID); err != nil {
		return r, err
	}
	r.Version = 1
	if err := create(tx, &r); err != nil {
		return r, err
	}
	return r, act.record(tx, "org.role.grant", "person", r.PersonID, map[string]any{"role": r.Role, "organisation": deref(r.OrganisationID),
		"team": deref(r.TeamID), "from": r.ValidFrom, "to": r.ValidTo})
}

// holds is when a role r counts on a day, given twice.
//
// With a bare value, of which it has samples, SQLite plans a statement anew each time: an
// eighth of what a request cost. Into an expression it does not look.
const holds = "r.voided_at = 0 AND (r.valid_from = '' OR r.valid_from <= ? || '') AND (r.valid_to = '' OR r.valid_to >= ? || '')"

// delegates is when a delegation d counts on a day, given six times: as long as who gave
// it heads the unit, and who has it holds a role there.
const delegates = "d.ended_at = 0 AND d.valid_from <= ? || '' AND d.valid_to >= ? || '' AND EXISTS (SELECT 1 FROM person_roles r " +
	"WHERE r.person_id = d.from_id AND r.organisation_id = d.organisation_id AND r.role = 'unit_head' AND " + holds + ") AND EXISTS (SELECT 1 FROM person_roles r " +
	"WHERE r.person_id = d.to_id AND r.organisation_id = d.organisation_id AND r.team_id IS NULL AND " + holds + ")"

// CapacitiesOf lists what a person is on a day, each with the organisations that have
// gone into its own as a whole by then. A role in an organisation that has ended has
// ended with it, unless it is held in a team: the team works on, under the newest name of
// its issuer, with no right to what else that went into.
func CapacitiesOf(tx *gorm.DB, person string, on inspection.Date) ([]inspection.Capacity, error) {
	// Every request asks this: read by hand, and the lineage only of those that have any.
	rows, err := tx.Raw("SELECT r.role, COALESCE(r.organisation_id, ''), COALESCE(r.team_id, ''), COALESCE(o.valid_from, ''), COALESCE(o.valid_to, ''), "+
		"EXISTS (SELECT 1 FROM organisation_lineage l WHERE l.successor_id = r.organisation_id), r.id "+
		"FROM person_roles r LEFT JOIN organisations o ON o.id = r.organisation_id "+
		"WHERE r.person_id = ? || '' AND "+holds+" UNION ALL "+
		"SELECT '"+string(inspection.UnitDelegate)+"', d.organisation_id, '', o.valid_from, o.valid_to, "+
		"EXISTS (SELECT 1 FROM organisation_lineage l WHERE l.successor_id = d.organisation_id), d.id "+
		"FROM delegations d JOIN organisations o ON o.id = d.organisation_id "+
		"WHERE d.to_id = ? || '' AND "+delegates+" ORDER BY 7", person, on, on, person, on, on, on, on, on, on).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []inspection.Capacity
	var heirs []string // those that may have taken over others
	var passed []int   // capacities in teams of organisations that are no more
	for rows.Next() {
		var c inspection.Capacity
		var begins, ends inspection.Date
		var took bool
		var id string
		if err := rows.Scan(&c.Role, &c.Organisation, &c.Team, &begins, &ends, &took, &id); err != nil {
			return nil, err
		}
		if !on.Within(begins, ends) {
			if c.Team == "" || on < begins {
				continue
			}
			passed = append(passed, len(out))
		} else if took {
			heirs = append(heirs, c.Organisation)
		}
		out = append(out, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if len(passed) > 0 { // a new name is the same issuer; what it was merged into is another one
		var ids []string
		for _, i := range passed {
			ids = append(ids, out[i].Organisation)
		}
		names, err := named(tx, "?", ids)
		if err != nil {
			return nil, err
		}
		for _, i := range passed {
			of := names[out[i].Organisation]
			if at := slices.IndexFunc(of, func(n aName) bool { return n.Began <= on }); at >= 0 {
				out[i].Organisation = of[at].ID
			}
			heirs = append(heirs, out[i].Organisation)
		}
	}
	if len(heirs) == 0 {
		return out, nil
	}
	former, err := formers(tx, slices.Compact(slices.Sorted(slices.Values(heirs))), on)
	for i := range out {
		out[i].Former = former[out[i].Organisation]
	}
	return out, err
}

// PersonByID finds a person. The caller has checked rights. Code: not_found.
func PersonByID(tx *gorm.DB, id string) (Person, error) {
	var p Person
	return p, notFound(tx.Where("id = ?", id).Take(&p).Error, "org.error.person_unknown")
}

// AddOrganisation adds an organisation within the time of its unit. A form sent twice
// (the same id and name) is one act. Administrators may. Codes: unauthenticated,
// forbidden, invalid, conflict.
func (s *Service) AddOrganisation(ctx context.Context, actor inspection.Actor, o Organisation) (out Organisation, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, o.ID, o.Name, &out); done || err != nil {
			return err
		}
		if err := placed(tx, o); err != nil {
			return err
		}
		out, err = CreateOrganisation(tx, act, o)
		return err
	})
	return out, err
}

// AddLineage says what became of an organisation. Codes as AddOrganisation.
func (s *Service) AddLineage(ctx context.Context, actor inspection.Actor, l Lineage) (out Lineage, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error { out, err = CreateLineage(tx, act, l); return err })
	return out, err
}

// AddDesk adds a desk within the time of its organisation. As AddOrganisation.
func (s *Service) AddDesk(ctx context.Context, actor inspection.Actor, d Desk) (out Desk, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, d.ID, d.Name, &out); done || err != nil {
			return err
		}
		o, from, to, err := organisationPeriod(tx, d.OrganisationID)
		if err != nil {
			return err
		}
		if !inside(d.ValidFrom, d.ValidTo, from, to) {
			return outside(o.Name, from, to)
		}
		out, err = CreateDesk(tx, act, d)
		return err
	})
	return out, err
}

// AddPost adds a post within the time of its desk. As AddOrganisation.
func (s *Service) AddPost(ctx context.Context, actor inspection.Actor, p Post) (out Post, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, p.ID, p.Title, &out); done || err != nil {
			return err
		}
		d, from, to, err := deskPeriod(tx, p.DeskID)
		if err != nil {
			return err
		}
		if !inside(p.ValidFrom, p.ValidTo, from, to) {
			return outside(d.Name, from, to)
		}
		out, err = CreatePost(tx, act, p)
		return err
	})
	return out, err
}

// AddPerson adds a person. As AddOrganisation.
func (s *Service) AddPerson(ctx context.Context, actor inspection.Actor, p Person) (out Person, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, p.ID, p.Name, &out); done || err != nil {
			return err
		}
		out, err = CreatePerson(tx, act, p)
		return err
	})
	return out, err
}

// GrantableRoles are the roles that an administrator gives. Those of a team are given
// with the team, but for the heads who may make campaigns.
var GrantableRoles = slices.DeleteFunc(slices.Clone(inspection.Roles), func(r inspection.Role) bool {
	return slices.Contains(inspection.TeamRoles, r) && r != inspection.TeamLead
})

// GrantRole gives a person a role outside any team. Nobody changes their own roles.
// Administrators may. Codes: as AddOrganisation, and of CheckRole.
func (s *Service) GrantRole(ctx context.Context, actor inspection.Actor, r RoleRow) (out RoleRow, err error) {
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if done, err := again(tx, r.ID, string(r.Role), &out); done || err != nil {
			return err
		}
		if r.PersonID == actor.Person {
			return OwnRoles()
		}
		if r.Role == "" {
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("role", "org.error.role_missing")
		}
		if r.TeamID != nil || !slices.Contains(GrantableRoles, r.Role) {
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("role", "org.error.role_of_team")
		}
		if slices.Contains(Apart, r.Role) {
			if err := inNoTeam(tx, r); err != nil {
				return err
			}
		}
		if r.Role == inspection.SysAdmin {
			r.OrganisationID = nil // held in the whole installation: it does not end with any organisation
		}
		if err := CheckRole(tx, r); err != nil {
			return err
		}
		out, err = Grant(tx, act, r)
		return err
	})
	return out, err
}

// CampaignManagers are the roles that manage the campaigns of an organisation by
// themselves.
var CampaignManagers = slices.Concat(homeAffairs, overseers)

// Apart are the roles whose holders inspect nobody: who plans campaigns and names teams,
// and who administers the installation.
var Apart = []inspection.Role{inspection.HomeAffairs, inspection.SysAdmin}

// inNoTeam refuses a role apart to who is a member of a team on one of its days.
func inNoTeam(tx *gorm.DB, r RoleRow) error {
	var n int64
	err := tx.Model(&RoleRow{}).Where("person_id = ? AND team_id IS NOT NULL AND voided_at = 0", r.PersonID).
		Where("valid_to = '' OR valid_to >= ?", r.ValidFrom).Where("? = '' OR valid_from <= ?", r.ValidTo, r.ValidTo).Count(&n).Error
	if err == nil && n > 0 {
		err = inspection.E(inspection.Conflict, "org.error.role_of_member").Field("role", "org.error.role_of_member")
	}
	return err
}

// OwnRoles is the refusal to change one's own roles.
func OwnRoles() *inspection.Error { return inspection.E(inspection.Forbidden, "org.error.own_roles") }

// CheckRole checks that a role to be given lies in the time of its organisation and does
// not overlap with the same role of the same person in the same place; it holds the
// person's row, so that two at once cannot both pass. Codes: not_found, invalid,
// conflict (overlap).
func CheckRole(tx *gorm.DB, r RoleRow) error {
	var p Person
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", r.PersonID).Take(&p).Error; err != nil {
		return notFound(err, "org.error.person_unknown")
	}
	if r.ValidFrom != "" && r.ValidTo != "" && r.ValidTo < r.ValidFrom {
		return inspection.E(inspection.Invalid, "org.error.dates_reversed").Field("valid_to", "org.error.dates_reversed")
	}
	if r.OrganisationID != nil {
		o, from, to, err := organisationPeriod(tx, *r.OrganisationID)
		if inspection.CodeOf(err) == inspection.NotFound {
			return inspection.E(inspection.Invalid, "org.error.invalid").Field("organisation", "org.error.organisation_unknown")
		}
		if err != nil {
			return err
		}
		if r.TeamID == nil && !inside(r.ValidFrom, r.ValidTo, from, to) { // a team outlives its issuer
			return outside(o.Name, from, to)
		}
	}
	q := tx.Model(&RoleRow{}).Where("person_id = ? AND voided_at = 0 AND role = ? AND COALESCE(organisation_id, '') = ? AND COALESCE(team_id, '') = ?", r.PersonID, r.Role, deref(r.OrganisationID), deref(r.TeamID))
	if r.ValidTo != "" {
		q = q.Where("valid_from = '' OR valid_from <= ?", r.ValidTo)
	}
	if r.ValidFrom != "" {
		q = q.Where("valid_to = '' OR valid_to >= ?", r.ValidFrom)
	}
	var n int64
	if err := q.Count(&n).Error; err != nil {
		return err
	}
	if n > 0 {
		return inspection.E(inspection.Conflict, "org.error.role_overlaps").Field("valid_from", "org.error.role_overlaps_field")
	}
	return nil
}

// EndRole is EndGrant by an administrator, who gives a reason and never ends a role of
// her own. Codes: forbidden (one's own), invalid, not_found, conflict (version).
func EndRole(tx *gorm.DB, act Act, id string, version int64, last inspection.Date, reason string) error {
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	r, err := EndGrant(tx, act, id, version, last, reason)
	if err != nil {
		return err
	}
	if r.PersonID == act.Actor.Person {
		return OwnRoles()
	}
	return act.note(tx, Correction{SubjectKind: "role", SubjectID: id, Act: Ended, Field: "valid_to", Before: string(r.ValidTo), After: string(last), Reason: reason})
}

// EndGrant ends a role with the day given, in the caller's transaction; the caller has
// checked rights. Codes: invalid, not_found, conflict (version).
func EndGrant(tx *gorm.DB, act Act, id string, version int64, last inspection.Date, reason string) (RoleRow, error) {
	var r RoleRow
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&r).Error; err != nil {
		return r, notFound(err, "org.error.role_unknown")
	}
	if r.Void() {
		return r, inspection.E(inspection.Conflict, "org.error.role_void")
	}
	if _, err := inspection.ParseDate(string(last)); err != nil || last == "" {
		return r, inspection.E(inspection.Invalid, "org.error.invalid").Field("last", "org.error.day")
	}
	if r.ValidFrom != "" && last < r.ValidFrom {
		return r, inspection.E(inspection.Invalid, "org.error.role_ends_before", "from", r.ValidFrom.VN()).Field("last", "org.error.dates_reversed")
	}
	if r.ValidTo != "" && last >= r.ValidTo { // a role that has its end is given anew, not drawn out
		return r, inspection.E(inspection.Conflict, "org.error.role_ended_already", "to", r.ValidTo.VN()).Field("last", "org.error.ended_already_field")
	}
	res := tx.Model(&RoleRow{}).Where("id = ? AND version = ?", id, version).
		Updates(map[string]any{"valid_to": last, "version": version + 1})
	if res.Error != nil {
		return r, res.Error
	}
	if res.RowsAffected == 0 {
		return r, changedMeanwhile()
	}
	if err := voidCarried(tx, act, r, last, reason); err != nil {
		return r, err
	}
	data := map[string]any{"role": r.Role, "to": last}
	if reason != "" {
		data["reason"] = history.TextHash(reason)
	}
	return r, act.record(tx, "org.role.end", "person", r.PersonID, data)
}

// VoidRole takes a role back that was given by mistake: it counts as never held, from
// this moment on and for days gone by; the row stays with the reason. An administrator
// does, never with a role of her own; roles of a team are the plan's. What a rename that
// is to come has carried on goes with it. Codes: forbidden
// (one's own), invalid, not_found, conflict (version, void already).
func VoidRole(tx *gorm.DB, act Act, id string, version int64, reason string) error {
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	var r RoleRow
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&r).Error; err != nil {
		return notFound(err, "org.error.role_unknown")
	}
	switch {
	case r.TeamID != nil:
		return inspection.E(inspection.NotFound, "org.error.role_unknown")
	case r.PersonID == act.Actor.Person:
		return OwnRoles()
	case r.Void():
		return inspection.E(inspection.Conflict, "org.error.role_void")
	case r.Version != version:
		return changedMeanwhile()
	}
	if err := voidGrant(tx, act, r, reason); err != nil {
		return err
	}
	return voidCarried(tx, act, r, "", reason)
}

func voidGrant(tx *gorm.DB, act Act, r RoleRow, reason string) error {
	err := tx.Model(&RoleRow{}).Where("id = ?", r.ID).Updates(map[string]any{"voided_at": act.At, "void_reason": reason, "version": r.Version + 1}).Error
	if err != nil {
		return err
	}
	if err := act.note(tx, Correction{SubjectKind: "role", SubjectID: r.ID, Act: Corrected, Field: "void", Before: string(r.Role), Reason: reason}); err != nil {
		return err
	}
	return act.record(tx, "org.role.void", "person", r.PersonID, map[string]any{"role": r.Role, "organisation": deref(r.OrganisationID),
		"from": r.ValidFrom, "to": r.ValidTo, "reason": history.TextHash(reason)})
}

// voidCarried voids what renames have carried on of a role, from the day on on which they
// begin after a last day; empty: all.
func voidCarried(tx *gorm.DB, act Act, r RoleRow, last inspection.Date, reason string) error {
	if r.OrganisationID == nil || r.TeamID != nil {
		return nil
	}
	var carried []RoleRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(`person_id = ? AND role = ? AND team_id IS NULL AND voided_at = 0 AND valid_from > ? AND organisation_id IN (
			WITH RECURSIVE later (id, began) AS (
				SELECT successor_id, effective_date FROM organisation_lineage WHERE predecessor_id = ? AND relation = 'RENAMED'
				UNION
				SELECT l.successor_id, l.effective_date FROM later JOIN organisation_lineage l ON l.predecessor_id = later.id AND l.relation = 'RENAMED'
			) SELECT later.id FROM later WHERE person_roles.valid_from = CASE WHEN later.began > ? THEN later.began ELSE ? END)`,
		r.PersonID, r.Role, last, *r.OrganisationID, r.ValidFrom, r.ValidFrom).Order("id").Find(&carried).Error
	if err != nil {
		return err
	}
	for _, c := range carried {
		if err := voidGrant(tx, act, c, reason); err != nil {
			return err
		}
	}
	return nil
}

// RoleLine is a role of a person with the name of its organisation.
type RoleLine struct {
	RoleRow
	Organisation string `gorm:"column:organisation"`
}

// RolesOf lists all roles of some people, those that ended included, the newest first,
// void ones last.
// The caller has checked rights.
func RolesOf(tx *gorm.DB, people ...string) ([]RoleLine, error) {
	var out []RoleLine
	err := tx.Model(&RoleRow{}).Select("person_roles.*, COALESCE(organisations.name, '') AS organisation").
		Joins("LEFT JOIN organisations ON organisations.id = person_roles.organisation_id").Where("person_roles.person_id IN ?", people).
		Order("person_roles.voided_at <> 0, person_roles.valid_to, person_roles.valid_from DESC, person_roles.id").Find(&out).Error
	return out, err
}

// NextDocumentNumber gives out the next number of an issuer, a type of document
// (BB, BC, TB …) and a year, from 1. It runs in the transaction that registers the
// document: two at once wait for each other, and one that fails gives its number
// back, so that there is no hole.
func NextDocumentNumber(tx *gorm.DB, issuerKey, docType string, year int) (int, error) {
	if issuerKey == "" || docType == "" || year < 2000 {
		return 0, inspection.E(inspection.Invalid, "org.error.document_number")
	}
	var n int
	err := tx.Raw(`INSERT INTO document_numbers (issuer_key, doc_type, year, last) VALUES (?, ?, ?, 1)
		ON CONFLICT (issuer_key, doc_type, year) DO UPDATE SET last = document_numbers.last + 1 RETURNING last`,
		issuerKey, docType, year).Scan(&n).Error
	if err == nil && n == 0 {
		err = errors.New("org: no document number came back")
	}
	return n, err
}
