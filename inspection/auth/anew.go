package auth

import (
	"context"

	"congvu/inspection"
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
