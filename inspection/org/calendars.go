package org

import (
	"context"
	"slices"

	"congvu/inspection"

	"gorm.io/gorm"
)

// WithoutHours counts the organisations of a day that have no working hours on it, of
// their own or of what they lie in. Administrators may. Codes: unauthenticated, forbidden.
func (s *Service) WithoutHours(ctx context.Context, actor inspection.Actor, on inspection.Date) (n int64, err error) {
	if _, err := requireAdmin(actor); err != nil {
		return 0, err
	}
	tx := s.db.WithContext(ctx)
	var ids []string
	if err := within(tx.Model(&Organisation{}), on).Pluck("id", &ids).Error; err != nil {
		return 0, err
	}
	calendars, err := CalendarsFor(tx, ids)
	for _, id := range ids {
		if _, ok := calendars[id].week(on); err == nil && !ok {
			n++
		}
	}
	return n, err
}

// CalendarsFor is CalendarFor for many organisations, in as many queries as for one. An
// organisation that does not exist has none.
func CalendarsFor(tx *gorm.DB, organisations []string) (map[string]Calendar, error) {
	type node struct {
		ID, AdminUnitID string
		ParentID        *string
	}
	// up loads things and all that they lie in.
	up := func(table, columns string, ids []string) (map[string]node, error) {
		all := map[string]node{}
		for len(ids) > 0 {
			var next []string
			for part := range slices.Chunk(ids, 500) {
				var rows []node
				if err := tx.Table(table).Select(columns).Where("id IN ?", part).Find(&rows).Error; err != nil {
					return nil, err
				}
				for _, n := range rows {
					all[n.ID] = n
				}
				for _, n := range rows {
					if n.ParentID != nil {
						if _, known := all[*n.ParentID]; !known && !slices.Contains(next, *n.ParentID) {
							next = append(next, *n.ParentID)
						}
					}
				}
			}
			ids = next
		}
		return all, nil
	}
	over, err := up("organisations", "id, admin_unit_id, parent_id", slices.Compact(slices.Sorted(slices.Values(organisations))))
	if err != nil {
		return nil, err
	}
	var places []string
	for _, o := range over {
		places = append(places, o.AdminUnitID)
	}
	units, err := up("admin_units", "id, parent_id", slices.Compact(slices.Sorted(slices.Values(places))))
	if err != nil {
		return nil, err
	}
	layers, err := layersOf(tx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Calendar, len(organisations))
	for _, organisation := range organisations {
		first, ok := over[organisation]
		if !ok {
			continue
		}
		var cal Calendar
		climb := func(in map[string]node, id string) {
			seen := map[string]bool{}
			for n, ok := in[id]; ok && !seen[n.ID]; n, ok = in[id] {
				seen[n.ID] = true
				cal.Layers = append(cal.Layers, layers[n.ID]...)
				if n.ParentID == nil {
					return
				}
				id = *n.ParentID
			}
		}
		climb(over, organisation)
		climb(units, first.AdminUnitID)
		out[organisation] = cal
	}
	return out, nil
}

// layersOf are the layers of each unit and organisation that has a calendar, an
// organisation under any of its names.
func layersOf(tx *gorm.DB) (map[string][]Layer, error) {
	var rows []calendarRow
	if err := tx.Find(&rows).Error; err != nil {
		return nil, err
	}
	var hours []hoursRow
	if err := tx.Order("calendar_id, valid_from, weekday, opens").Find(&hours).Error; err != nil {
		return nil, err
	}
	var days []dayRow
	if err := tx.Find(&days).Error; err != nil {
		return nil, err
	}
	byID := map[string]*Layer{}
	for _, r := range rows {
		byID[r.ID] = &Layer{ID: r.ID, Days: map[inspection.Date]DayKind{}}
	}
	for _, h := range hours {
		if l := byID[h.CalendarID]; l != nil { // made since the calendars were read
			l.hours(h)
		}
	}
	for _, d := range days {
		if l := byID[d.CalendarID]; l != nil {
			l.Days[d.Day] = d.Kind
		}
	}
	out, owned := map[string][]Layer{}, map[string]Layer{}
	for _, r := range rows {
		if r.AdminUnitID != nil {
			out[*r.AdminUnitID] = []Layer{*byID[r.ID]}
		} else if r.OrganisationID != nil {
			owned[*r.OrganisationID] = *byID[r.ID]
		}
	}
	if len(owned) == 0 {
		return out, nil
	}
	names, err := named(tx, "SELECT organisation_id FROM calendars WHERE organisation_id IS NOT NULL")
	for id := range owned {
		for _, n := range names[id] { // all that share this calendar share all of it
			if l, ok := owned[n.ID]; ok {
				for _, to := range names[id] {
					if !slices.ContainsFunc(out[to.ID], func(have Layer) bool { return have.ID == l.ID }) {
						out[to.ID] = append(out[to.ID], l.since(n.Began))
					}
				}
			}
		}
	}
	return out, err
}

// hours adds a session; they come in the order of their periods.
func (l *Layer) hours(h hoursRow) {
	last := len(l.Weeks) - 1
	if last < 0 || l.Weeks[last].From != h.ValidFrom {
		l.Weeks = append(l.Weeks, Week{From: h.ValidFrom, To: h.ValidTo})
		last++
	}
	l.Weeks[last].Days[h.Weekday] = append(l.Weeks[last].Days[h.Weekday], inspection.Session{Open: h.Opens, Close: h.Closes})
}
