package evidence

import "gorm.io/gorm"

// Arrived tells of every file that the team declared for a check whether its bytes
// have arrived whole. For joiners; the caller has checked rights.
func (s *Service) Arrived(tx *gorm.DB, visit string) (map[string]bool, error) {
	var rows []file
	if err := tx.Select("id", "state").Where("visit_id = ? AND side = ?", visit, Team).Find(&rows).Error; err != nil {
		return nil, err
	}
	arrived := make(map[string]bool, len(rows))
	for _, f := range rows {
		arrived[f.ID] = f.State == Received
	}
	return arrived, nil
}
