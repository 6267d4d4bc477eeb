package selfcheck

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// ItemView is an item with what the unit says of it.
type ItemView struct {
	checklist.Item
	Answer  Answer // zero for none
	Asked   bool   // a person answers it here; else the head count does
	Missing bool
	NA      bool
	Share   score.Points // of full marks, in hundredths of a per cent, where it has any
	Short   bool         // less than full marks
}

// Section is a section of the checklist. Open is how many of its items are.
type Section struct {
	Code, VI, EN string
	Items        []ItemView
	Open, Of     int
	Counts       bool         // an item of it is answered by the head count
	Share        score.Points // hundredths of a per cent; -1 where nothing applies
}

// View is a self-inspection as its reader may see it. Blind: the reader is in a team of
// inspectors and sees that it was handed in, nothing that it says.
type View struct {
	Check
	Round        *Round
	Issuer       string
	Checklist    checklist.Checklist
	Sections     []Section
	Count        Count
	Counted      bool
	Missing      []string     // codes
	Said         score.Points // of 100, without a grade: what it says of itself
	Weight       int          // of the items that apply
	Shortcomings []Shortcoming
	Revisions    []Check // others of the same root that the reader may see, oldest first
	Newest       bool    // no later revision but cancelled ones
	Gap          *Gap
	Found        *visit.Visit // the check that the gap compares with
	Overdue      bool
	Blind        bool
	MayFill      bool
	MayMake      bool
}

// Items are those of all sections.
func (v View) Items() (all []ItemView) {
	for _, s := range v.Sections {
		all = append(all, s.Items...)
	}
	return all
}

// Open is how many items are not answered, Of how many there are.
func (v View) Open() (n int) {
	for _, s := range v.Sections {
		n += s.Open
	}
	return n
}

// Answered is how many are.
func (v View) Answered() int { return v.Of() - v.Open() }

// Of is how many items are to be answered.
func (v View) Of() (n int) {
	for _, s := range v.Sections {
		n += s.Of
	}
	return n
}

// Get is a self-inspection for who may read it: its unit, always; the office that it goes
// to, once it is handed in. Code: not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, id string) (View, error) {
	tx := s.db.WithContext(ctx)
	var v View
	if inspection.CheckID(id) != nil {
		return v, notFound()
	}
	if err := take(tx, &v.Check, id); err != nil {
		return v, err
	}
	if _, ok := org.Can(actor, org.ReadSelfCheck, v.Subject()); !ok {
		return v, notFound()
	}
	if v.RoundID != nil {
		v.Round = &Round{}
		if err := take(tx, v.Round, *v.RoundID); err != nil {
			return v, err
		}
	}
	names, err := org.Names(tx, v.IssuerID)
	if err != nil {
		return v, err
	}
	v.Issuer = names[v.IssuerID]
	p, err := load(tx, v.Check)
	if err != nil {
		return v, err
	}
	v.Checklist = p.version.Checklist
	v.Overdue = v.State == Draft && s.clock.Now().Date() > v.Due
	var all []Check
	if err := tx.Where("root_id = ? AND state <> ?", v.RootID, Cancelled).Order("revision").Find(&all).Error; err != nil {
		return v, err
	}
	v.Newest = len(all) == 0 || all[len(all)-1].ID == v.ID
	for _, r := range all {
		if _, ok := org.Can(actor, org.ReadSelfCheck, r.Subject()); ok && r.ID != v.ID {
			v.Revisions = append(v.Revisions, r)
		}
	}
	found, err := s.next(tx, v.Check)
	if err != nil {
		return v, err
	}
	if v.Blind = blind(actor, v.Check, found); v.Blind {
		return v, nil
	}
	_, v.MayFill = org.Can(actor, org.FillSelfCheck, v.Subject())
	_, v.MayMake = org.Can(actor, org.MakeSelfCheck, v.Subject())
	if err := tx.Where("root_id = ? AND state <> ?", v.RootID, Dropped).Order("due, id").Find(&v.Shortcomings).Error; err != nil {
		return v, err
	}
	v.Count, v.Counted = p.count, p.counted
	v.fill(p)
	if found == nil {
		return v, nil
	}
	if _, ok := org.Can(actor, org.ReadVisit, found.Subject()); ok {
		v.Found = found
		v.Gap, err = gapOf(tx, p, found.ID)
	}
	return v, err
}

// blind tells whether somebody in a team of inspectors must not read what a unit that is
// not theirs says of itself: until a check by that team after it is concluded.
func blind(actor inspection.Actor, c Check, found *visit.Visit) bool {
	team := false
	for _, k := range actor.Capacities {
		if k.Team == "" && k.In(c.OrganisationID) {
			return false
		}
		if k.Team != "" {
			if team = true; found != nil && found.TeamID == k.Team {
				return false
			}
		}
	}
	return team
}

// fill lays out what it says by section.
func (v *View) fill(p paper) {
	result := p.result()
	v.Missing, v.Said, v.Weight = result.Missing, result.Raw, result.Weight
	for _, it := range p.version.Items {
		i := slices.IndexFunc(result.Items, func(l score.ItemLine) bool { return l.Key == it.Key })
		if i < 0 {
			continue
		}
		line := result.Items[i]
		if n := len(v.Sections); n == 0 || v.Sections[n-1].Code != it.Section {
			v.Sections = append(v.Sections, Section{Code: it.Section, VI: it.SectionVI, EN: it.SectionEN, Share: -1})
		}
		sec := &v.Sections[len(v.Sections)-1]
		view := ItemView{Item: it, Answer: p.answers[it.Key], Asked: asked(it, p.OrganisationKind), Missing: line.Missing, NA: line.NA}
		if line.R != nil {
			view.Share = percentOf(line.R)
			view.Short = line.R.Cmp(one) < 0
		}
		sec.Of++
		if line.Missing {
			sec.Open++
		}
		sec.Counts = sec.Counts || !view.Asked
		sec.Items = append(sec.Items, view)
	}
	for _, line := range result.Sections {
		if i := slices.IndexFunc(v.Sections, func(s Section) bool { return s.Code == line.Section }); i >= 0 {
			if share, ok := line.Percent(); ok {
				v.Sections[i].Share = share
			}
		}
	}
}

// CountsHeads tells whether the checklist asks for a head count, and in which section
// first.
func (v View) CountsHeads() (section string) {
	for _, s := range v.Sections {
		if s.Counts {
			return s.Code
		}
	}
	return ""
}

// next is the check that a self-inspection that was handed in is compared with: the next
// full one with the same checklist at the same unit, or what it has gone into as a whole,
// if it is concluded, and if the unit has handed nothing in again before it began. Nil for
// none.
func (s *Service) next(tx *gorm.DB, c Check) (*visit.Visit, error) {
	if c.State != HandedIn {
		return nil, nil
	}
	heirs, err := org.WholeSuccessors(tx, c.OrganisationID, s.clock.Now().Date())
	if err != nil {
		return nil, err
	}
	line := append([]string{c.OrganisationID}, heirs...)
	var rows []visit.Visit
	err = tx.Where("visits.organisation_id IN ? AND visits.form NOT IN ? AND NOT visits.could_not AND visits.checked_in_at > ?", line, notFull, c.HandedInAt).
		Where("visits.checklist_id IN (SELECT o.id FROM checklists o JOIN checklists own ON own.key = o.key WHERE own.id = ?)", c.ChecklistID).
		Where(`NOT EXISTS (SELECT 1 FROM self_checks later WHERE later.organisation_id IN ? AND later.state = 'HANDED_IN'
			AND later.handed_in_at > ? AND later.handed_in_at <= visits.checked_in_at)`, line, c.HandedInAt).
		Order("visits.checked_in_at, visits.id").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 || rows[0].State != visit.Concluded {
		return nil, err
	}
	return &rows[0], nil
}
