package org

import (
	"context"
	"slices"
	"strings"

	"congvu/inspection"

	"gorm.io/gorm"
)

// spelled are words as people abbreviate them and as registers write them, both in their
// search form.
var spelled = [][2]string{{"ubnd", "uy ban nhan dan"}, {"hdnd", "hoi dong nhan dan"}}

// respelled is a folded text with what it abbreviates written out, or the other way round.
func respelled(folded string) string {
	for _, s := range spelled {
		for _, p := range [][2]string{{s[0], s[1]}, {s[1], s[0]}} {
			if rest, ok := strings.CutPrefix(folded+" ", p[0]+" "); ok {
				return strings.TrimSpace(p[1] + " " + rest)
			}
		}
	}
	return folded
}

// typeWords are the words that people put before a unit's name, in their search form, and
// the types of unit that they name.
var typeWords = []struct {
	word  string
	types []UnitType
}{{"nuoc", []UnitType{"COUNTRY"}}, {"tinh", []UnitType{"PROVINCE"}}, {"thanh pho", []UnitType{"CITY", "DISTRICT"}}, {"tp", []UnitType{"CITY", "DISTRICT"}},
	{"huyen", []UnitType{"DISTRICT"}}, {"quan", []UnitType{"DISTRICT"}}, {"thi xa", []UnitType{"DISTRICT"}}, {"thi tran", []UnitType{"TOWNSHIP"}},
	{"xa", []UnitType{"COMMUNE"}}, {"phuong", []UnitType{"WARD"}}, {"dac khu", []UnitType{"SPECIAL_ZONE"}}}

// typeNames are the types of unit as they stand before a name.
var typeNames = map[UnitType]string{"PROVINCE": "Tỉnh", "CITY": "Thành phố", "DISTRICT": "Huyện", "TOWNSHIP": "Thị trấn", "COMMUNE": "Xã", "WARD": "Phường", "SPECIAL_ZONE": "Đặc khu"}

// withoutType is a folded name without the words for a type of unit before it: all that
// may stand in the register as its name.
func withoutType(folded string) []string {
	names := []string{folded}
	for _, w := range typeWords {
		if name, ok := strings.CutPrefix(folded, w.word+" "); ok {
			names = append(names, name)
		}
	}
	return names
}

// names tells whether folded words are the type and the whole name of a unit, or (bare)
// its whole name alone.
func (u Unit) names(folded string) (whole, bare bool) {
	for _, w := range typeWords {
		if slices.Contains(w.types, u.Type) && (folded == w.word+" "+u.Search || folded == u.Search && strings.HasPrefix(folded, w.word+" ")) {
			return true, false
		}
	}
	bare = folded == u.Search
	return bare && u.Type == "COUNTRY", bare && u.Type != "COUNTRY"
}

// bareName is a unit's name without its own type before it.
func bareName(t UnitType, name string) string {
	words := strings.Fields(name)
	of := len(strings.Fields(typeNames[t]))
	if of > 0 && len(words) > of && inspection.Fold(strings.Join(words[:of], " ")) == inspection.Fold(typeNames[t]) {
		return strings.Join(words[of:], " ")
	}
	return name
}

// withType is the refusal of a name that has the type before it.
func withType(t UnitType, name string) error {
	return inspection.E(inspection.Invalid, "org.error.invalid", "bare", bareName(t, name)).Field("name", "org.error.name_with_type")
}

// full is the name of a unit with its type before it.
func (u Unit) full() string {
	if whole, _ := u.names(u.Search); whole || typeNames[u.Type] == "" {
		return u.Name
	}
	return typeNames[u.Type] + " " + u.Name
}

// maxNear is how many things are listed that somebody may have meant.
const maxNear = 5

// parts are what is looked for of words that are the name of nothing: all of them, then
// fewer and fewer of the last ones, then of the first.
func parts(folded string) []string {
	if folded == "" {
		return nil
	}
	out := []string{respelled(folded)}
	words := strings.Fields(folded)
	for i := 1; i < len(words); i++ {
		out = append(out, strings.Join(words[i:], " "))
	}
	words = strings.Fields(respelled(folded))
	for i := len(words) - 1; i > 0; i-- {
		out = append(out, strings.Join(words[:i], " "))
	}
	out = slices.DeleteFunc(out, func(s string) bool { return len(s) < 3 }) // would be anything
	return slices.Insert(out, 0, folded)
}

// near are a few of the rows of a day whose names hold a part of a folded text, each of
// its words as a word; those of another day where there is none.
func near[T any](tx *gorm.DB, folded string, on inspection.Date) (rows []T, err error) {
	for _, day := range []inspection.Date{on, ""} {
		for _, part := range parts(folded) {
			q := within(tx, day)
			for _, word := range strings.Fields(part) {
				q = q.Where("' ' || search || ' ' LIKE ?", "% "+word+" %")
			}
			if err := q.Order("search, id").Limit(maxNear).Find(&rows).Error; err != nil || len(rows) > 0 {
				return rows, err
			}
		}
	}
	return nil, nil
}

// nearUnits are near, but first of all those that are called so on another day or as
// another type.
func nearUnits(tx *gorm.DB, words string, on inspection.Date) ([]Unit, error) {
	names := withoutType(inspection.Fold(words))
	var out []Unit
	if err := tx.Where("search IN ?", names).Order("valid_from DESC, id").Limit(maxNear).Find(&out).Error; err != nil {
		return nil, err
	}
	more, err := near[Unit](tx, names[len(names)-1], on)
	for _, u := range more {
		if len(out) < maxNear && !slices.ContainsFunc(out, func(o Unit) bool { return o.ID == u.ID }) {
			out = append(out, u)
		}
	}
	return out, err
}

// existed is the time of a thing in figures, empty for one without borders.
func existed(from, to inspection.Date) string {
	switch {
	case from != "" && to != "":
		return ", " + from.VN() + " – " + to.VN()
	case from != "":
		return ", " + from.VN() + " –"
	case to != "":
		return ", – " + to.VN()
	}
	return ""
}

// unitChoices are the units that somebody may have meant, as an error lists them: what each
// is called, above it, its key and when it existed.
func (s *Service) unitChoices(ctx context.Context, words string, on inspection.Date) ([]string, error) {
	tx := s.db.WithContext(ctx)
	units, err := nearUnits(tx, words, on)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, u := range units {
		above := ""
		if u.ParentID != nil {
			p, err := UnitByID(tx, *u.ParentID)
			if err != nil {
				return nil, err
			}
			if p.Type != "COUNTRY" {
				above = ", " + p.full()
			}
		}
		out = append(out, u.full()+above+" ["+u.Key+existed(u.ValidFrom, u.ValidTo)+"]")
	}
	return out, nil
}

// organisationChoices is unitChoices for organisations.
func (s *Service) organisationChoices(ctx context.Context, words string, on inspection.Date) ([]string, error) {
	tx := s.db.WithContext(ctx)
	organisations, err := near[Organisation](tx, inspection.Fold(words), on)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range organisations {
		u, err := UnitByID(tx, o.AdminUnitID)
		if err != nil {
			return nil, err
		}
		out = append(out, o.Name+", "+u.full()+" ["+o.Key+existed(o.ValidFrom, o.ValidTo)+"]")
	}
	return out, nil
}

// unclear is the refusal of words that are the whole name of nothing, or of more than one
// thing, on a day: it lists what may have been meant.
func unclear(words string, on inspection.Date, choices []string) error {
	key := "org.error.choose_near"
	switch {
	case inspection.Fold(words) == "":
		key = "org.error.choose"
	case len(choices) == 0:
		key = "org.error.choose_none"
	case on == "":
		key = "org.error.choose_near_ever"
	}
	return inspection.E(inspection.Invalid, key, "words", strings.TrimSpace(words), "date", on.VN(), "choices", strings.Join(choices, "; "))
}

// organisationCalled is the one organisation of a day that has a key or is called so,
// a committee's abbreviated or written out.
func (s *Service) organisationCalled(ctx context.Context, words string, on inspection.Date) (o Organisation, one bool, err error) {
	tx := s.db.WithContext(ctx)
	words = strings.TrimSpace(words)
	if o, err = OrganisationByKey(tx, words); err == nil || inspection.CodeOf(err) != inspection.NotFound {
		return o, err == nil, err
	}
	err = nil
	folded := inspection.Fold(words)
	var rows []Organisation
	if folded != "" {
		err = within(tx, on).Where("search IN ?", []string{folded, respelled(folded)}).Limit(2).Find(&rows).Error
	}
	if err != nil || len(rows) != 1 {
		return Organisation{}, false, err
	}
	return rows[0], true, nil
}

// unitCalled is organisationCalled for administrative units: the type belongs to the name.
func (s *Service) unitCalled(ctx context.Context, words string, on inspection.Date) (u Unit, one bool, err error) {
	tx := s.db.WithContext(ctx)
	words = strings.TrimSpace(words)
	if u, err = UnitByKey(tx, words); err == nil || inspection.CodeOf(err) != inspection.NotFound {
		return u, err == nil, err
	}
	err = nil
	folded := inspection.Fold(words)
	var rows []Unit
	if folded != "" {
		err = within(tx, on).Where("search IN ?", withoutType(folded)).Find(&rows).Error
	}
	rows = slices.DeleteFunc(rows, func(u Unit) bool { whole, _ := u.names(folded); return !whole })
	if err != nil || len(rows) != 1 {
		return Unit{}, false, err
	}
	return rows[0], true, nil
}

// FindOrganisation is the organisation of a day that has a key, or that alone is called as
// a person says, whatever the diacritics: a part of a name is never guessed from. Anyone
// signed in may ask. Codes: unauthenticated, invalid (none, or more than one: the message
// lists what may have been meant).
func (s *Service) FindOrganisation(ctx context.Context, actor inspection.Actor, words string, on inspection.Date) (Organisation, error) {
	if err := signedIn(actor); err != nil {
		return Organisation{}, err
	}
	o, one, err := s.organisationCalled(ctx, words, on)
	if err != nil || one {
		return o, err
	}
	choices, err := s.organisationChoices(ctx, words, on)
	if err != nil {
		return o, err
	}
	return o, unclear(words, on, choices)
}

// FindUnit is FindOrganisation for administrative units, which are called by type and name.
func (s *Service) FindUnit(ctx context.Context, actor inspection.Actor, words string, on inspection.Date) (Unit, error) {
	if err := signedIn(actor); err != nil {
		return Unit{}, err
	}
	u, one, err := s.unitCalled(ctx, words, on)
	if err != nil || one {
		return u, err
	}
	choices, err := s.unitChoices(ctx, words, on)
	if err != nil {
		return u, err
	}
	return u, unclear(words, on, choices)
}

// FindOwner is the id of the administrative unit or organisation that a person names, for
// its calendar. Anyone signed in may ask. Codes: unauthenticated, invalid.
func (s *Service) FindOwner(ctx context.Context, actor inspection.Actor, words string, on inspection.Date) (string, error) {
	if err := signedIn(actor); err != nil {
		return "", err
	}
	if u, one, err := s.unitCalled(ctx, words, on); err != nil || one {
		return u.ID, err
	}
	if o, one, err := s.organisationCalled(ctx, words, on); err != nil || one {
		return o.ID, err
	}
	choices, err := s.unitChoices(ctx, words, on)
	if err != nil {
		return "", err
	}
	more, err := s.organisationChoices(ctx, words, on)
	if err != nil {
		return "", err
	}
	return "", unclear(words, on, append(choices, more...))
}
