package auth

import (
	"context"
	"errors"
	"strings"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// PeopleFilter narrows the list of people: those who hold a role, or one in an
// organisation, on a day; those who cannot sign in because they have no account.
type PeopleFilter struct {
	Query        string
	Role         inspection.Role
	Organisation string
	NoAccount    bool
	On           inspection.Date
}

// PersonLine is a person in a list with the account and the roles of the day.
type PersonLine struct {
	org.Person
	Username string         `gorm:"column:username"` // empty: no account
	Disabled bool           `gorm:"column:disabled"`
	Roles    []org.RoleLine `gorm:"-"`
}

// People lists people by name, whatever the diacritics. Administrators of accounts may.
// Codes: unauthenticated, forbidden.
func (s *Service) People(ctx context.Context, actor inspection.Actor, f PeopleFilter, page inspection.Page) ([]PersonLine, string, error) {
	if _, err := s.mayManage(actor); err != nil {
		return nil, "", err
	}
	tx := s.db.WithContext(ctx)
	q := tx.Table("people").Select("people.*, COALESCE(accounts.username, '') AS username, COALESCE(accounts.disabled, FALSE) AS disabled").
		Joins("LEFT JOIN accounts ON accounts.person_id = people.id")
	for _, word := range strings.Fields(inspection.Fold(f.Query)) {
		q = q.Where("(people.search LIKE ? OR accounts.username LIKE ?)", "%"+word+"%", "%"+word+"%")
	}
	if f.NoAccount {
		q = q.Where("accounts.id IS NULL")
	}
	if f.Role != "" || f.Organisation != "" {
		held := tx.Session(&gorm.Session{NewDB: true}).Table("person_roles").Select("person_id").
			Where("voided_at = 0 AND (valid_from = '' OR valid_from <= ?) AND (valid_to = '' OR valid_to >= ?)", f.On, f.On)
		if f.Role != "" {
			held = held.Where("role = ?", f.Role)
		}
		if f.Organisation != "" {
			held = held.Where("organisation_id = ?", f.Organisation)
		}
		q = q.Where("people.id IN (?)", held)
	}
	if search, id, ok := strings.Cut(page.Cursor, "|"); ok {
		q = q.Where("people.search > ? OR (people.search = ? AND people.id > ?)", search, search, id)
	}
	var rows []PersonLine
	if err := q.Order("people.search, people.id").Limit(page.Size() + 1).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		next = rows[len(rows)-1].Search + "|" + rows[len(rows)-1].ID
	}
	var ids []string
	for _, p := range rows {
		ids = append(ids, p.ID)
	}
	roles, err := org.RolesOf(tx, ids...)
	if err != nil {
		return nil, "", err
	}
	for i, p := range rows {
		for _, r := range roles {
			if r.PersonID == p.ID && f.On.Within(r.ValidFrom, r.ValidTo) {
				rows[i].Roles = append(rows[i].Roles, r)
			}
		}
	}
	return rows, next, nil
}

// Profile is a person with the account and all roles, those that ended included.
type Profile struct {
	org.Person
	Account  *Account // nil: none
	Sessions int64    // that hold
	Roles    []org.RoleLine
}

// Profile reads a person. Administrators of accounts may. Codes: unauthenticated,
// forbidden, not_found.
func (s *Service) Profile(ctx context.Context, actor inspection.Actor, person string) (p Profile, err error) {
	if _, err := s.mayManage(actor); err != nil {
		return p, err
	}
	tx := s.db.WithContext(ctx)
	if p.Person, err = org.PersonByID(tx, person); err != nil {
		return p, err
	}
	if p.Roles, err = org.RolesOf(tx, person); err != nil {
		return p, err
	}
	var accounts []Account
	if err := tx.Where("person_id = ?", person).Limit(1).Find(&accounts).Error; err != nil || len(accounts) == 0 {
		return p, err
	}
	p.Account = &accounts[0]
	now := s.clock.Now()
	err = tx.Model(&session{}).Where("account_id = ? AND revoked_at = 0 AND expires_at > ? AND last_seen_at > ?", p.Account.ID, now, now.Add(-s.idle)).Count(&p.Sessions).Error
	return p, err
}

// CountPeople counts the people who hold a role on a day and can sign in. Administrators
// of accounts may. Codes: unauthenticated, forbidden.
func (s *Service) CountPeople(ctx context.Context, actor inspection.Actor, on inspection.Date) (n int64, err error) {
	if _, err := s.mayManage(actor); err != nil {
		return 0, err
	}
	err = s.db.WithContext(ctx).Table("person_roles").Joins("JOIN accounts ON accounts.person_id = person_roles.person_id").
		Where("NOT accounts.disabled AND person_roles.voided_at = 0 AND person_roles.role <> ?", inspection.SysAdmin).
		Where("(person_roles.valid_from = '' OR person_roles.valid_from <= ?) AND (person_roles.valid_to = '' OR person_roles.valid_to >= ?)", on, on).
		Distinct("person_roles.person_id").Count(&n).Error
	return n, err
}

// keepAnAdministrator runs a change and refuses it where it leaves nobody who may
// administer: a role of administrator without an end that holds today, of a person with
// an account that is not disabled. The rows that decide are held first, so that of two
// such changes at once the second sees the first. Code: conflict.
func (s *Service) keepAnAdministrator(tx *gorm.DB, change func() error) error {
	var held []string
	err := tx.Model(&org.RoleRow{}).Clauses(clause.Locking{Strength: "UPDATE"}).Where("role = ?", inspection.SysAdmin).Order("id").Pluck("person_id", &held).Error
	if err != nil {
		return err
	}
	if err := tx.Model(&Account{}).Clauses(clause.Locking{Strength: "UPDATE"}).Where("person_id IN ?", held).Order("id").Pluck("id", &held).Error; err != nil {
		return err
	}
	before, err := s.administrators(tx)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := s.administrators(tx)
	if err == nil && before > 0 && after == 0 {
		err = inspection.E(inspection.Conflict, "auth.error.last_administrator")
	}
	return err
}

func (s *Service) administrators(tx *gorm.DB) (n int64, err error) {
	err = tx.Table("person_roles").Joins("JOIN accounts ON accounts.person_id = person_roles.person_id").
		Where("person_roles.role = ? AND person_roles.voided_at = 0 AND person_roles.organisation_id IS NULL AND NOT accounts.disabled AND person_roles.valid_to = '' AND (person_roles.valid_from = '' OR person_roles.valid_from <= ?)",
			inspection.SysAdmin, s.clock.Now().Date()).Count(&n).Error
	return n, err
}

// manage runs one change of accounts by an administrator in a transaction.
func (s *Service) manage(ctx context.Context, actor inspection.Actor, change func(tx *gorm.DB, act org.Act) error) error {
	c, err := s.mayManage(actor)
	if err != nil {
		return err
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return change(tx, org.Act{Actor: actor, Capacity: c, At: s.clock.Now()})
	})
}

// EndRole ends a role with the day given, the last one on which it holds, with a reason.
// Nobody ends a role of their own, and one administrator stays. Administrators may.
// Codes: unauthenticated, forbidden, invalid, not_found, conflict (version, the last
// administrator).
func (s *Service) EndRole(ctx context.Context, actor inspection.Actor, id string, version int64, last inspection.Date, reason string) error {
	return s.manage(ctx, actor, func(tx *gorm.DB, act org.Act) error {
		return s.keepAnAdministrator(tx, func() error { return org.EndRole(tx, act, id, version, last, reason) })
	})
}

// VoidRole takes a role back that was given by mistake: it has never held, today
// included. Nobody takes a role of their own back, and one administrator stays.
// Administrators may. Codes: as EndRole.
func (s *Service) VoidRole(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	return s.manage(ctx, actor, func(tx *gorm.DB, act org.Act) error {
		return s.keepAnAdministrator(tx, func() error { return org.VoidRole(tx, act, id, version, reason) })
	})
}

// account finds an account that is not the actor's own. Codes: not_found, forbidden.
func (s *Service) account(tx *gorm.DB, actor inspection.Actor, id string) (Account, error) {
	var a Account
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&a).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return a, inspection.E(inspection.NotFound, "auth.error.account_unknown")
	}
	if err == nil && a.PersonID == actor.Person {
		return a, inspection.E(inspection.Forbidden, "auth.error.own_account")
	}
	return a, err
}

// SetDisabled lets an account sign in or not; disabling ends its sessions. Nobody
// disables their own, and one administrator stays. Administrators of accounts may. Codes:
// unauthenticated, forbidden, not_found, conflict (version, the last administrator).
func (s *Service) SetDisabled(ctx context.Context, actor inspection.Actor, id string, version int64, disabled bool) error {
	return s.manage(ctx, actor, func(tx *gorm.DB, act org.Act) error {
		return s.keepAnAdministrator(tx, func() error {
			a, err := s.account(tx, actor, id)
			if err != nil {
				return err
			}
			if a.Version != version {
				return inspection.E(inspection.Conflict, "auth.error.changed_meanwhile")
			}
			err = tx.Model(&Account{}).Where("id = ?", id).Updates(map[string]any{"disabled": disabled, "version": version + 1}).Error
			if err != nil {
				return err
			}
			if !disabled {
				return history.Append(tx, history.Event{Actor: actor, Capacity: act.Capacity, At: act.At, Action: "auth.account.enable",
					SubjectKind: "account", SubjectID: id, Data: map[string]any{"person": a.PersonID}})
			}
			return s.revoke(tx, actor, act.Capacity, id, "auth.account.disable", "account_id = ?", id)
		})
	})
}

// EndSessions signs somebody else out everywhere. Administrators of accounts may. Codes:
// unauthenticated, forbidden, not_found.
func (s *Service) EndSessions(ctx context.Context, actor inspection.Actor, id string) error {
	return s.manage(ctx, actor, func(tx *gorm.DB, act org.Act) error {
		if _, err := s.account(tx, actor, id); err != nil {
			return err
		}
		return s.revoke(tx, actor, act.Capacity, id, "auth.account.end_sessions", "account_id = ?", id)
	})
}

// ResetOther is Reset for the account with an id, never the actor's own: that password
// is changed with the old one in hand. Codes: unauthenticated, forbidden, not_found,
// conflict.
func (s *Service) ResetOther(ctx context.Context, actor inspection.Actor, id string) (username, password string, err error) {
	if _, err := s.mayManage(actor); err != nil {
		return "", "", err
	}
	var a Account
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		a, err = s.account(tx, actor, id)
		return err
	})
	if err != nil {
		return "", "", err
	}
	password, err = s.Reset(ctx, actor, a.Username)
	return a.Username, password, err
}
