package evidence

import "gorm.io/gorm"

// States tells of every file that the team declared for a check what has become of it.
// While one is Declared the check is not finished. For joiners; the caller has checked
// rights.
func (s *Service) States(tx *gorm.DB, visit string) (map[string]State, error) {
	var rows []file
	if err := tx.Select("id", "state").Where("visit_id = ? AND side = ?", visit, Team).Find(&rows).Error; err != nil {
		return nil, err
	}
	states := make(map[string]State, len(rows))
	for _, f := range rows {
		states[f.ID] = f.State
	}
	return states, nil
}
