package visit

import (
	"fmt"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/plan"
	"congvu/inspection/score"

	"gorm.io/gorm"
)

// rulesOf is what a check is held against: its version of the checklist, the kind
// of organisation and the working hours as they were at check-in. None of them
// changes afterwards, so that the same operations always fold to the same state.
func (s *Service) rulesOf(tx *gorm.DB, v Visit) (Rules, error) {
	rules := Rules{Hours: readHours(v.Hours), Remote: v.Remote(), Day: v.Day}
	if v.Form == plan.Reinspection {
		err := tx.Model(&visitFinding{}).Where("visit_id = ?", v.ID).Order("finding_id").Pluck("finding_id", &rules.Findings).Error
		return rules, err
	}
	key := v.ChecklistID + " " + string(v.OrganisationKind)
	if known, ok := s.rules.Load(key); ok {
		rules.Items = known.([]Item)
		return rules, nil
	}
	version, err := s.checklist(tx, v.ChecklistID)
	if err != nil {
		return rules, err
	}
	for _, it := range version.Items {
		rules.Items = append(rules.Items, Item{Key: it.Key, Code: it.Code, Response: score.Response(it.Response), Source: score.Source(it.Source),
			Photo: PhotoRule(it.Photo), Severity: score.Severity(it.Severity), Target: int(it.Target), ZeroAt: int(it.ZeroAt),
			Weight: int(it.Weight), Section: it.Section, Applies: it.Applies(v.OrganisationKind)})
	}
	if version.State == checklist.Published {
		s.rules.Store(key, rules.Items)
	}
	return rules, nil
}

func (s *Service) checklist(tx *gorm.DB, id string) (checklist.Version, error) {
	if known, ok := s.items.Load(id); ok {
		return known.(checklist.Version), nil
	}
	version, err := checklist.Load(tx, id)
	if err == nil && version.State == checklist.Published {
		s.items.Store(id, version)
	}
	return version, err
}

func writeHours(sessions []inspection.Session) string {
	parts := make([]string, 0, len(sessions))
	for _, s := range sessions {
		parts = append(parts, fmt.Sprintf("%d-%d", s.Open, s.Close))
	}
	return strings.Join(parts, " ")
}

func readHours(s string) []inspection.Session {
	var sessions []inspection.Session
	for part := range strings.FieldsSeq(s) {
		var from, to inspection.Minute
		if _, err := fmt.Sscanf(part, "%d-%d", &from, &to); err == nil {
			sessions = append(sessions, inspection.Session{Open: from, Close: to})
		}
	}
	return sessions
}
