package visit

import (
	"congvu/inspection"
	"congvu/inspection/finding"

	"gorm.io/gorm"
)

// Checks answers the plan about the checks made from it.
type Checks struct{}

// First is the day of the first check under a campaign, empty for none.
func (Checks) First(tx *gorm.DB, campaign string) (inspection.Date, error) {
	var days []inspection.Date
	err := tx.Model(&Visit{}).Where("campaign_id = ?", campaign).Order("day").Limit(1).Pluck("day", &days).Error
	if err != nil || len(days) == 0 {
		return "", err
	}
	return days[0], nil
}

// HandOver gives the checks of a campaign that are not concluded, and its findings, to
// another decider. The caller has checked rights and writes it into history.
func (Checks) HandOver(tx *gorm.DB, campaign, decider string) error {
	err := tx.Model(&Visit{}).Where("campaign_id = ? AND state <> ?", campaign, Concluded).Updates(map[string]any{"decided_by": decider}).Error
	if err != nil {
		return err
	}
	return tx.Model(&finding.Finding{}).Where("campaign_id = ?", campaign).Updates(map[string]any{"decider_id": decider}).Error
}
