package auth

import (
	"context"

	"congvu/inspection"

	"gorm.io/gorm"
)

// Anew tells that an administrator gave an account a new first password: whoever had it
// could sign in as that person until the person changed it.
type Anew struct {
	PersonID string
	At       inspection.Instant
	By       string // the administrator's name; empty on the machine itself, by command
}

// GivenAnew is when the passwords of some people were last given anew by an
// administrator, by person; who never had that done is not in it. It reads history, which
// nobody changes. The caller has checked rights: people see their own, the heads of a
// team those of its members.
func (s *Service) GivenAnew(ctx context.Context, people ...string) (map[string]Anew, error) {
	var rows []Anew
	err := s.db.WithContext(ctx).Table("accounts").Select("accounts.person_id, history.at, COALESCE(people.name, '') AS by").
		Joins("JOIN history ON history.subject_kind = 'account' AND history.subject_id = accounts.id AND history.action = 'auth.account.reset'").
		Joins("LEFT JOIN people ON people.id = history.actor").
		Where("accounts.person_id IN ?", people).Order("history.seq").Find(&rows).Error
	out := map[string]Anew{}
	for _, r := range rows {
		out[r.PersonID] = r
	}
	return out, err
}

// EndAll ends every session and forgets what was guessed, in the transaction of who
// restores a backup: what was signed out or disabled since must not come back with it,
// and everybody signs in anew.
func EndAll(tx *gorm.DB, at inspection.Instant) error {
	if err := tx.Exec("UPDATE sessions SET revoked_at = ? WHERE revoked_at = 0", at).Error; err != nil {
		return err
	}
	return tx.Exec("DELETE FROM sign_in_attempts").Error
}
