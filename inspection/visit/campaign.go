package visit

import (
	"context"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Checks answers the plan about the checks made from it.
type Checks struct{}

// Signer names who signed the decision under which a check was made, whoever decides
// today. The caller may read the check.
func (s *Service) Signer(ctx context.Context, v Visit) (string, error) {
	var names []string
	err := s.db.WithContext(ctx).Table("campaigns").Joins("JOIN people ON people.id = COALESCE(campaigns.signed_by, campaigns.decided_by)").
		Where("campaigns.id = ?", v.CampaignID).Pluck("people.name", &names).Error
	return strings.Join(names, ""), err
}

// Inspected lists the units of the checks under a campaign that the actor may list.
func (Checks) Inspected(tx *gorm.DB, actor inspection.Actor, campaign string) (units []string, err error) {
	err = tx.Model(&Visit{}).Scopes(org.Scope(actor, org.ListVisit, Columns)).Where("visits.campaign_id = ?", campaign).
		Distinct("visits.organisation_id").Pluck("visits.organisation_id", &units).Error
	return units, err
}

// HandOver gives the checks of a campaign that are not concluded, and its findings, to
// another decider, with what was recommended and is open. The caller has checked rights and writes it into history.
func (Checks) HandOver(tx *gorm.DB, campaign, decider string) error {
	err := tx.Model(&Visit{}).Where("campaign_id = ? AND state <> ?", campaign, Concluded).Updates(map[string]any{"decided_by": decider}).Error
	if err != nil {
		return err
	}
	if err := tx.Model(&finding.Finding{}).Where("campaign_id = ?", campaign).Updates(map[string]any{"decider_id": decider}).Error; err != nil {
		return err
	}
	of := tx.Session(&gorm.Session{NewDB: true}).Model(&Visit{}).Select("id").Where("campaign_id = ?", campaign)
	return tx.Model(&finding.Recommendation{}).Where("state = ? AND visit_id IN (?)", finding.RecommendationOpen, of).Updates(map[string]any{"decider_id": decider}).Error
}
