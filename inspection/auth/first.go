package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// How wrong set-up codes are slowed down: an address has five free. The right one always
// passes, whoever guessed before and from where: the code is too long to be guessed at
// any rate, and what nobody can guess need not keep anybody out.
const freeOfSetupAddress = 5

// SetupCode is what the first start asks for: 20 letters and digits of 31 in groups of
// five, more than 96 bits, made of the installation's key alone, so that every copy of
// the program has the same and none stores it. It opens nothing once an account exists.
func (s *Service) SetupCode() string {
	m := hmac.New(sha256.New, s.setupKey)
	m.Write([]byte("first account"))
	var out strings.Builder
	for i, b := range m.Sum(nil)[:20] {
		if i > 0 && i%5 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[int(b)%len(letters)])
	}
	return out.String()
}

// SetupOpen tells whether the installation waits for its first account. Accounts are
// never deleted, so that a closed one is closed for ever.
func (s *Service) SetupOpen(ctx context.Context) (bool, error) {
	if s.founded.Load() || len(s.setupKey) == 0 {
		return false, nil
	}
	open, err := nobodyYet(s.db.WithContext(ctx))
	if err == nil && !open {
		s.founded.Store(true)
	}
	return open, err
}

func nobodyYet(tx *gorm.DB) (bool, error) {
	var some []string
	err := tx.Model(&Account{}).Limit(1).Pluck("id", &some).Error
	return len(some) == 0, err
}

// First is the first account of an installation and who made it.
type First struct {
	Code                               string
	Name, Position, Username, Password string
	Unlike                             bool // the password was repeated otherwise
	Address, Device, Request           string
}

// FirstAccount makes the first person, an administrator, with an account, and signs
// them in. Whoever knows the set-up code may, while no account exists; of two at once
// one wins. Codes: not_found (an account exists), invalid (code, or a field),
// unavailable (too many wrong codes from the address: the param seconds says how long to
// wait before another wrong one is looked at).
func (s *Service) FirstAccount(ctx context.Context, in First) (Session, error) {
	closed := inspection.E(inspection.NotFound, "error.not_found")
	if len(s.setupKey) == 0 {
		return Session{}, closed
	}
	right := sameCode(in.Code, s.SetupCode())
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		open, err := nobodyYet(tx)
		if err != nil {
			return err
		}
		if !open {
			return closed
		}
		if right {
			return nil
		}
		return s.reserve(tx, s.clock.Now(), map[string]int64{s.subject("setup address", in.Address): freeOfSetupAddress})
	})
	if err != nil {
		return Session{}, err
	}
	if err := in.check(right); err != nil {
		return Session{}, err
	}
	person := inspection.NewID()
	prepared, _, err := PrepareUser(ctx, NewUser{PersonID: person, Username: in.Username, Password: in.Password})
	if err != nil {
		return Session{}, err
	}
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := alone(tx); err != nil {
			return err
		}
		if open, err := nobodyYet(tx); err != nil || !open {
			if err == nil {
				err = closed
			}
			return err
		}
		act := org.Act{Actor: inspection.Actor{Person: person, Device: in.Device, Request: in.Request}, Capacity: inspection.Capacity{Role: inspection.SysAdmin}, At: s.clock.Now()}
		if _, err := org.CreatePerson(tx, act, org.Person{ID: person, Name: in.Name, Position: in.Position}); err != nil {
			return err
		}
		if _, err := org.Grant(tx, act, org.RoleRow{PersonID: person, Role: inspection.SysAdmin, ValidFrom: act.At.Date()}); err != nil {
			return err
		}
		_, err := Create(tx, act, prepared)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	return s.SignIn(ctx, SignIn{Username: in.Username, Password: in.Password, Address: in.Address, Device: in.Device, Request: in.Request})
}

// check names everything that is wrong at once. An empty password is: none is made up
// here, it would be shown to nobody.
func (in First) check(right bool) error {
	bad := inspection.E(inspection.Invalid, "org.error.invalid", "min", MinPassword)
	if !right {
		bad.Field("code", "auth.error.setup_code")
	}
	if _, ok := inspection.Text(in.Name, 300); !ok || strings.TrimSpace(in.Name) == "" {
		bad.Field("name", "org.error.name")
	}
	if !usernames.MatchString(Fold(in.Username)) {
		bad.Field("username", "auth.error.username")
	}
	var rule *inspection.Error
	if errors.As(CheckRule(Fold(in.Username), in.Password), &rule) {
		bad.Field("password", rule.Key)
	}
	if in.Unlike {
		bad.Field("again", "password.error.again")
	}
	switch len(bad.Fields) {
	case 0:
		return nil
	case 1:
		for field, key := range bad.Fields {
			if field != "name" {
				bad.Key = key
			}
		}
	}
	return bad
}

// alone lets no other transaction add an account until this one ends. SQLite writes one
// at a time anyway.
func alone(tx *gorm.DB) error {
	if tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE").Error
}

// sameCode compares codes as people copy them: whatever the case, the spaces and dashes.
func sameCode(got, want string) bool {
	bare := strings.NewReplacer("-", "", " ", "", "\t", "").Replace
	return hmac.Equal([]byte(strings.ToLower(bare(strings.TrimSpace(got)))), []byte(bare(want)))
}
