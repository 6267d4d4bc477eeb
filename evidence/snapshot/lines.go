package snapshot

import (
	"context"
	"maps"
	"slices"
)

// Line is a request as pages list it.
type Line struct {
	Request
	Camera string // its name
	Relay  string // the relay that took it, empty for the server
}

// Lines are the requests of a check with the names that people know, in the order in which
// they came. The caller has checked who may see them.
func (s *Service) Lines(ctx context.Context, visit string) ([]Line, error) {
	all, err := s.Of(ctx, visit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	cameras, relays := map[string]string{}, map[string]string{}
	for _, r := range all {
		cameras[r.CameraID] = ""
		if r.RelayID != nil {
			relays[*r.RelayID] = ""
		}
	}
	var named []Camera
	if err := s.read(ctx).Select("id", "name").Where("id IN ?", slices.Collect(maps.Keys(cameras))).Find(&named).Error; err != nil {
		return nil, err
	}
	for _, c := range named {
		cameras[c.ID] = c.Name
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
		lines[i] = Line{r, cameras[r.CameraID], relays[deref(r.RelayID)]}
	}
	return lines, nil
}
