package notify

import (
	"errors"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// The kinds of things that messages are about.
const (
	ofFinding        = "finding"
	ofVisit          = "visit"
	ofRecommendation = "recommendation"
)

// subject is what an event is about, as it stands today.
type subject struct {
	kind, id string
	visit    string
	facts    org.Subject
}

// read is the right without which nobody is told anything of a subject.
func (s subject) read() org.Action {
	if s.kind == ofVisit {
		return org.ReadVisit
	}
	return org.ReadFinding
}

// told tells whether a person may know of the subject.
func (s subject) told(actor inspection.Actor) bool {
	_, ok := org.Can(actor, s.read(), s.facts)
	return ok
}

// unitTold tells whether the unit may know of it: whether a head of it could read it.
func (s subject) unitTold() bool {
	return s.facts.Unit != "" && s.told(inspection.Actor{Person: "head of the unit", Capacities: []inspection.Capacity{{Role: inspection.UnitHead, Organisation: s.facts.Unit}}})
}

// load reads a subject; false where there is none of this id, or of this kind.
func load(tx *gorm.DB, kind, id string) (s subject, ok bool, err error) {
	s = subject{kind: kind, id: id}
	switch kind {
	case ofFinding:
		f, err := finding.ByID(tx, id)
		if inspection.CodeOf(err) == inspection.NotFound {
			return s, false, nil
		}
		s.visit, s.facts = f.VisitID, f.Subject()
		return s, err == nil, err
	case ofVisit:
		var v visit.Visit
		err := tx.Where("id = ?", id).Take(&v).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return s, false, nil
		}
		s.visit, s.facts = v.ID, v.Subject()
		return s, err == nil, err
	case ofRecommendation:
		var r finding.Recommendation
		err := tx.Where("id = ?", id).Take(&r).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return s, false, nil
		}
		s.visit, s.facts = r.VisitID, r.Subject()
		return s, err == nil, err
	}
	return s, false, nil
}

var (
	unitRoles = []inspection.Role{inspection.UnitHead, inspection.UnitContact, inspection.UnitDelegate}
	leadRoles = []inspection.Role{inspection.TeamLead, inspection.DeputyLead}
	chairs    = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson}
)

// people are those of an audience on a day, whatever they may see.
func people(tx *gorm.DB, on inspection.Date, to Audience, s subject) ([]string, error) {
	switch to {
	case Unit:
		if !s.unitTold() {
			return nil, nil
		}
		return org.HoldersOf(tx, on, s.facts.Unit, unitRoles...)
	case Lead:
		return org.TeamHolders(tx, on, s.facts.Team, leadRoles...)
	case Secretary:
		return org.TeamHolders(tx, on, s.facts.Team, inspection.TeamSecretary)
	case Decider:
		if s.facts.Decider == "" {
			return nil, nil
		}
		return []string{s.facts.Decider}, nil
	case Chairs:
		return org.HoldersOf(tx, on, s.facts.Issuer, chairs...)
	}
	return nil, nil
}
