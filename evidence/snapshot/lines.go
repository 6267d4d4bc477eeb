package snapshot

import (
	"context"
	"maps"
	"slices"
)

// Line is a request as pages list it.
type Line struct {
	Request
	Relay string // the name of the relay that took it, empty for the server
}

// Lines are the requests of a check with the names that people know, in the order in which
// they came. The caller has checked who may see them.
func (s *Service) Lines(ctx context.Context, visit string) ([]Line, error) {
	all, err := s.Of(ctx, visit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	relays := map[string]string{}
	for _, r := range all {
		if r.RelayID != nil {
			relays[*r.RelayID] = ""
		}
	}
	if len(relays) > 0 {
		var by []Relay
		if err := s.read(ctx).Select("id", "name").Where("id IN ?", slices.Collect(maps.Keys(relays))).Find(&by).Error; err != nil {
			return nil, err
		}
		for _, r := range by {
			relays[r.ID] = r.Name
		}
	}
	lines := make([]Line, len(all))
	for i, r := range all {
		lines[i] = Line{r, relays[deref(r.RelayID)]}
	}
	return lines, nil
}

// named gives requests the name of their camera that have none: a copy of the release
// before, which wrote none, may still run beside this one.
func (s *Service) named(ctx context.Context, rows []Request) error {
	names := map[string]string{}
	for _, r := range rows {
		if r.Camera == "" {
			names[r.CameraID] = ""
		}
	}
	if len(names) == 0 {
		return nil
	}
	var cameras []Camera
	if err := s.read(ctx).Select("id", "name").Where("id IN ?", slices.Collect(maps.Keys(names))).Find(&cameras).Error; err != nil {
		return err
	}
	for _, c := range cameras {
		names[c.ID] = c.Name
	}
	for i, r := range rows {
		if r.Camera == "" {
			rows[i].Camera = names[r.CameraID]
		}
	}
	return nil
}
