package plan

import (
	"context"
	"strings"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// maxPlaces bounds one act and the list of a campaign: more than all centres and points
// of the country's largest province (domain §9.1: 126 units with 30 points).
const maxPlaces = 2000

func placesOf(tx *gorm.DB, campaign string) ([]Place, error) {
	var out []Place
	err := tx.Where("campaign_id = ? AND removed_at = 0", campaign).Order("id").Find(&out).Error
	return out, err
}

// followed is what has become by a day of those places that are no more: the organisation
// that a unit went into as a whole, the row under which a desk went on. What nobody has
// taken over alone is left out.
func followed(tx *gorm.DB, campaign string, on inspection.Date) ([]Place, error) {
	var gone, out []Place
	err := tx.Model(&Place{}).Select("campaign_places.*").Joins("JOIN organisations ON organisations.id = campaign_places.organisation_id").
		Joins("LEFT JOIN desks ON desks.id = campaign_places.desk_id").
		Where("campaign_id = ? AND removed_at = 0", campaign).
		Where("(organisations.valid_to <> '' AND organisations.valid_to < ?) OR (desks.valid_to <> '' AND desks.valid_to < ?)", on, on).
		Order("campaign_places.id").Find(&gone).Error
	if err != nil {
		return nil, err
	}
	for _, p := range gone {
		there, err := false, error(nil)
		if p.DeskID != nil {
			var d org.Desk
			d, there, err = org.DeskOn(tx, *p.DeskID, on)
			p.OrganisationID, p.DeskID = d.OrganisationID, &d.ID
		} else {
			var o org.Organisation
			o, there, err = org.Responsible(tx, p.OrganisationID, on)
			p.OrganisationID = o.ID
		}
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, p)
		}
	}
	return out, nil
}

// PlaceLine is a place that a campaign is about, with its names.
type PlaceLine struct {
	Place
	Organisation, Desk string
}

// Places lists what a campaign is about; none means every unit. Who may read the
// campaign may. Code: not_found.
func (s *Service) Places(ctx context.Context, actor inspection.Actor, campaign string) ([]PlaceLine, error) {
	tx := s.db.WithContext(ctx)
	var c Campaign
	if err := take(tx, &c, campaign); err != nil {
		return nil, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, c.Subject()); !ok {
		return nil, notFound()
	}
	var out []PlaceLine
	err := tx.Model(&Place{}).Select("campaign_places.*, organisations.name AS organisation, COALESCE(desks.name, '') AS desk").
		Joins("JOIN organisations ON organisations.id = campaign_places.organisation_id").
		Joins("LEFT JOIN desks ON desks.id = campaign_places.desk_id").
		Where("campaign_id = ? AND removed_at = 0", campaign).Order("organisations.search, desks.search, campaign_places.id").Find(&out).Error
	return out, err
}

// AddPlaces adds units and desks, named by org.Place.Key, to what a campaign is about;
// those that it names already stay as they are. Who manages the campaign may. Each must
// exist on a day of the period. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) AddPlaces(ctx context.Context, actor inspection.Actor, campaign string, keys []string) (added int, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		added = 0
		c, capacity, err := manage(tx, actor, campaign, 0)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return inspection.E(inspection.Invalid, "plan.error.no_place").Field("place", "plan.error.no_place")
		}
		old, err := placesOf(tx, c.ID)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, p := range old {
			known[org.Place{OrganisationID: p.OrganisationID, DeskID: deref(p.DeskID)}.Key()] = true
		}
		now := s.clock.Now()
		var rows []Place
		for _, key := range keys {
			if known[key] {
				continue
			}
			known[key] = true
			organisation, desk, err := org.PlaceOfKey(key)
			if err != nil {
				return err
			}
			if err := c.holds(tx, organisation, desk, now.Date()); err != nil {
				return err
			}
			rows = append(rows, Place{ID: inspection.NewID(), CampaignID: c.ID, OrganisationID: organisation, DeskID: desk, AddedBy: actor.Person, AddedAt: now})
		}
		if len(old)+len(rows) > maxPlaces {
			return inspection.E(inspection.Invalid, "plan.error.too_many_places", "max", maxPlaces).Field("place", "plan.error.too_many_places")
		}
		if added = len(rows); added == 0 {
			return nil
		}
		if err := tx.CreateInBatches(rows, 100).Error; err != nil {
			return err
		}
		return recordOn(tx, actor, capacity, "campaign.places", "campaign", c.ID, now, map[string]any{"added": added})
	})
	return added, err
}

// holds tells whether a place exists on some day of the campaign's period, in the
// issuer's area of today, or of the period's first day when that is still to come.
func (c Campaign) holds(tx *gorm.DB, organisation string, desk *string, today inspection.Date) error {
	bad := inspection.E(inspection.Invalid, "plan.error.place_not_there").Field("place", "plan.error.place_not_there")
	meets := func(from, to inspection.Date) bool {
		return (from == "" || from <= c.PeriodTo) && (to == "" || to >= c.PeriodFrom)
	}
	o, err := org.OrganisationByID(tx, organisation)
	if inspection.CodeOf(err) == inspection.NotFound || err == nil && !meets(o.ValidFrom, o.ValidTo) {
		return bad
	}
	if err != nil {
		return err
	}
	if err := c.inArea(tx, organisation, max(today, c.PeriodFrom)); err != nil || desk == nil {
		return err
	}
	d, err := org.DeskByID(tx, *desk)
	if inspection.CodeOf(err) == inspection.NotFound || err == nil && (d.OrganisationID != organisation || !meets(d.ValidFrom, d.ValidTo)) {
		return bad
	}
	return err
}

// RemovePlaces takes places out of what a campaign is about, with a reason. Who manages
// the campaign may. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) RemovePlaces(ctx context.Context, actor inspection.Actor, campaign string, ids []string, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, capacity, err := manage(tx, actor, campaign, 0)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return inspection.E(inspection.Invalid, "plan.error.no_place").Field("place", "plan.error.no_place")
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		now := s.clock.Now()
		out := tx.Model(&Place{}).Where("campaign_id = ? AND id IN ? AND removed_at = 0", c.ID, ids).Updates(map[string]any{"removed_at": now})
		if out.Error != nil {
			return out.Error
		}
		if int(out.RowsAffected) != len(ids) {
			return inspection.E(inspection.Conflict, "plan.error.changed_meanwhile")
		}
		changed := changes{kind: "campaign", id: c.ID, reason: reason}
		var names []string
		err = tx.Model(&Place{}).Joins("JOIN organisations ON organisations.id = campaign_places.organisation_id").
			Joins("LEFT JOIN desks ON desks.id = campaign_places.desk_id").Where("campaign_places.id IN ?", ids).
			Order("organisations.search, desks.search").Pluck("COALESCE(desks.name, organisations.name)", &names).Error
		if err != nil {
			return err
		}
		for _, name := range names {
			changed.add("place", name, "")
		}
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: now}, "campaign.places_removed",
			map[string]any{"removed": len(ids), "ids": history.TextHash(strings.Join(ids, " "))})
	})
}

// area keeps the organisations that the issuer of a campaign, and what it has gone into
// as a whole by a day, answers for: those of the administrative unit and of all below.
func (c Campaign) area(tx *gorm.DB, on inspection.Date) (func(*gorm.DB) *gorm.DB, error) {
	heirs, err := org.WholeSuccessors(tx, c.IssuerID, on)
	if err != nil {
		return nil, err
	}
	var units []string
	err = tx.Model(&org.Organisation{}).Where("id IN ?", append(heirs, c.IssuerID)).Distinct().Order("admin_unit_id").Pluck("admin_unit_id", &units).Error
	return org.Under(units...), err
}

// inArea holds that an organisation lies there on a day.
func (c Campaign) inArea(tx *gorm.DB, organisation string, on inspection.Date) error {
	under, err := c.area(tx, on)
	if err != nil {
		return err
	}
	var n int64
	if err := tx.Model(&org.Organisation{}).Scopes(under).Where("organisations.id = ?", organisation).Count(&n).Error; err != nil {
		return err
	}
	if n == 0 {
		return inspection.E(inspection.Invalid, "plan.error.not_in_area").Field("place", "plan.error.not_in_area")
	}
	return nil
}

// PlacesToAdd finds places of the issuer's area for what a campaign is about. Who may
// read the campaign may. Code: not_found.
func (s *Service) PlacesToAdd(ctx context.Context, actor inspection.Actor, places *org.Service, campaign, query string, page inspection.Page) ([]org.Place, error) {
	tx := s.db.WithContext(ctx)
	var c Campaign
	if err := take(tx, &c, campaign); err != nil {
		return nil, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, c.Subject()); !ok {
		return nil, notFound()
	}
	under, err := c.area(tx, max(s.clock.Now().Date(), c.PeriodFrom))
	if err != nil {
		return nil, err
	}
	return places.Places(ctx, actor, query, c.PeriodFrom, []func(*gorm.DB) *gorm.DB{under}, page)
}

// PlacesToVisit finds the places of a day that a campaign is about, by words of their
// names. Who may put targets into the plan of the team may. Codes: not_found.
func (s *Service) PlacesToVisit(ctx context.Context, actor inspection.Actor, places *org.Service, team, query string, on inspection.Date, page inspection.Page) ([]org.Place, error) {
	if _, ok := org.Can(actor, org.PlanTarget, org.Subject{Team: team}); !ok {
		return nil, notFound()
	}
	tx := s.db.WithContext(ctx)
	var t Team
	if err := take(tx, &t, team); err != nil {
		return nil, err
	}
	named, err := placesOf(tx, t.CampaignID)
	if err != nil {
		return nil, err
	}
	var c Campaign
	if err := take(tx, &c, t.CampaignID); err != nil {
		return nil, err
	}
	under, err := c.area(tx, on)
	if err != nil {
		return nil, err
	}
	among := []func(*gorm.DB) *gorm.DB{under}
	if len(named) > 0 {
		heirs, err := followed(tx, t.CampaignID, on)
		if err != nil {
			return nil, err
		}
		var units, desks []string
		for _, p := range heirs {
			if p.DeskID != nil {
				desks = append(desks, *p.DeskID)
			} else {
				units = append(units, p.OrganisationID)
			}
		}
		among = append(among, func(q *gorm.DB) *gorm.DB {
			return q.Where(`EXISTS (SELECT 1 FROM campaign_places p WHERE p.campaign_id = ? AND p.removed_at = 0
				AND p.organisation_id = organisations.id AND (p.desk_id IS NULL OR p.desk_id = desks.id)) OR organisations.id IN ? OR desks.id IN ?`, t.CampaignID, units, desks)
		})
	}
	return places.Places(ctx, actor, query, on, among, page)
}
