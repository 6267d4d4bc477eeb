package snapshot

import (
	"context"
	"slices"
	"strings"

	"congvu/evidence/camera"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// Entry is what an administrator says of a camera. An empty User and Password leave those
// that are kept, unless Anonymous says that it wants none.
type Entry struct {
	Name, Place        string
	PlanX, PlanY       int64
	Source             camera.Source
	Anonymous          bool
	Relay              string // empty: the server reads it itself
	NoticeNumber       string
	NoticeDate         inspection.Date
	ValidFrom, ValidTo inspection.Date
}

const (
	maxName   = 100
	maxPlace  = 300
	maxAtDesk = 32
)

func (e *Entry) check(today inspection.Date) error {
	bad := inspection.E(inspection.Invalid, "error.invalid", "name_max", maxName, "place_max", maxPlace)
	clean := func(field string, v *string, max int, long string) {
		words, ok := inspection.Text(*v, max)
		if !ok {
			bad.Field(field, long)
		}
		*v = words
	}
	clean("name", &e.Name, maxName, "snapshot.error.name_long")
	clean("place", &e.Place, maxPlace, "snapshot.error.place_long")
	clean("notice_number", &e.NoticeNumber, maxName, "snapshot.error.name_long")
	if e.Name == "" {
		bad.Field("name", "error.required")
	}
	for _, place := range []struct {
		field        string
		value, other int64
	}{{"plan_x", e.PlanX, e.PlanY}, {"plan_y", e.PlanY, e.PlanX}} {
		if place.value < -1 || place.value > 1000 || place.value < 0 && place.other >= 0 {
			bad.Field(place.field, "snapshot.error.plan")
		}
	}
	switch {
	case e.NoticeNumber == "" && e.NoticeDate != "":
		bad.Field("notice_number", "snapshot.error.notice")
	case e.NoticeNumber != "" && e.NoticeDate == "":
		bad.Field("notice_date", "snapshot.error.notice")
	case e.NoticeDate > today:
		bad.Field("notice_date", "snapshot.error.notice_future")
	}
	if e.ValidTo != "" && e.ValidFrom > e.ValidTo {
		bad.Field("valid_to", "snapshot.error.period")
	}
	e.Source.Address = strings.TrimSpace(e.Source.Address)
	e.Source.Trust = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(e.Source.Trust), ":", ""))
	err := e.Source.Check()
	if of, ok := err.(*inspection.Error); ok {
		for field, key := range of.Fields {
			bad.Field(field, key)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// AddCamera enters a camera under an id made by the form; sent twice it is one. Who keeps
// the register (administrators) may. Codes: forbidden, not_found for the desk, invalid,
// conflict where another camera has that id or the desk has too many.
func (s *Service) AddCamera(ctx context.Context, actor inspection.Actor, id, desk string, e Entry) error {
	capacity, ok := s.checks.Manage(actor)
	if !ok {
		return inspection.E(inspection.Forbidden, "error.forbidden")
	}
	if err := inspection.CheckID(id); err != nil {
		return err
	}
	now := s.clock.Now()
	if err := e.check(now.Date()); err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		desks, err := s.checks.Desks(tx, desk)
		if err != nil {
			return err
		}
		var there []Camera
		if err := tx.Where("id = ? OR desk_id IN ?", id, desks).Find(&there).Error; err != nil {
			return err
		}
		for _, c := range there {
			if c.ID == id && c.DeskID == desk && c.Name == e.Name && c.Address == e.Source.Address {
				return nil
			}
			if c.ID == id {
				return inspection.E(inspection.Conflict, "error.conflict")
			}
		}
		if len(there) >= maxAtDesk {
			return inspection.E(inspection.Conflict, "snapshot.error.too_many_cameras", "max", maxAtDesk)
		}
		c := Camera{ID: id, DeskID: desk, Version: 1}
		if err := s.write(tx, &c, e); err != nil {
			return err
		}
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return history.Append(tx, event(actor, capacity, "camera.add", "camera", id, "", now, map[string]any{
			"desk": desk, "way": string(c.Way), "address": history.TextHash(c.Address), "notice": history.TextHash(c.NoticeNumber), "notice_date": string(c.NoticeDate)}))
	})
}

// ChangeCamera puts an entry in the place of what stands, with a reason; stills keep what
// stood when they were taken. May, codes: as AddCamera, and conflict for an old version.
func (s *Service) ChangeCamera(ctx context.Context, actor inspection.Actor, id string, version int64, e Entry, reason string) error {
	capacity, ok := s.checks.Manage(actor)
	if !ok {
		return inspection.E(inspection.Forbidden, "error.forbidden")
	}
	now := s.clock.Now()
	err := e.check(now.Date())
	if words, ok := inspection.Text(reason, 1000); !ok || len([]rune(words)) < 5 {
		bad, is := err.(*inspection.Error)
		if !is {
			bad = inspection.E(inspection.Invalid, "error.invalid")
		}
		err = bad.Field("reason", "snapshot.error.reason")
	}
	if err != nil {
		return err
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		old, err := load[Camera](tx, id)
		if err != nil {
			return err
		}
		c := old
		if err := s.write(tx, &c, e); err != nil {
			return err
		}
		if c.Way != old.Way || c.Address != old.Address || c.Profile != old.Profile || c.Preset != old.Preset || deref(c.RelayID) != deref(old.RelayID) {
			c.LastPixels, c.LastAt, c.LastClock = "", 0, 0 // another picture
		}
		// A copy of release 26, which runs beside this one for a while, writes no name.
		if err := tx.Model(&Request{}).Where("camera_id = ? AND camera_name = ''", id).Update("camera_name", old.Name).Error; err != nil {
			return err
		}
		done := tx.Model(&Camera{}).Where("id = ? AND version = ?", id, version).Updates(map[string]any{
			"name": c.Name, "place": c.Place, "plan_x": c.PlanX, "plan_y": c.PlanY, "way": c.Way, "address": c.Address, "secret": c.Secret,
			"profile": c.Profile, "preset": c.Preset, "trust": c.Trust, "relay_id": c.RelayID, "notice_number": c.NoticeNumber, "notice_date": c.NoticeDate,
			"valid_from": c.ValidFrom, "valid_to": c.ValidTo, "last_pixels": c.LastPixels, "last_at": c.LastAt, "last_clock": c.LastClock, "version": version + 1})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		return history.Append(tx, event(actor, capacity, "camera.change", "camera", id, "", now, map[string]any{
			"changed": old.differs(c), "address": history.TextHash(c.Address), "notice": history.TextHash(c.NoticeNumber),
			"notice_date": string(c.NoticeDate), "valid_to": string(c.ValidTo), "reason": history.TextHash(reason), "version": version + 1}))
	})
}

// write puts an entry into a camera.
func (s *Service) write(tx *gorm.DB, c *Camera, e Entry) (err error) {
	c.Name, c.Place, c.PlanX, c.PlanY = e.Name, e.Place, e.PlanX, e.PlanY
	// Who is to have the password is another one: another address, another relay, another
	// certificate that is believed.
	moved := c.Address != e.Source.Address || deref(c.RelayID) != e.Relay || c.Trust != e.Source.Trust
	c.Way, c.Address, c.Profile, c.Preset, c.Trust = e.Source.Way, e.Source.Address, e.Source.Profile, e.Source.Preset, e.Source.Trust
	c.NoticeNumber, c.NoticeDate, c.ValidFrom, c.ValidTo = e.NoticeNumber, e.NoticeDate, e.ValidFrom, e.ValidTo
	c.RelayID = nil
	if e.Relay != "" {
		r, err := load[Relay](tx, e.Relay)
		if err != nil || !r.EndedAt.IsZero() {
			return inspection.E(inspection.Invalid, "error.invalid").Field("relay", "snapshot.error.relay")
		}
		c.RelayID = &r.ID
	}
	switch said := (login{e.Source.User, e.Source.Password}); {
	case e.Anonymous:
		c.Secret = ""
	case said.User != "" && said.Password == "":
		return inspection.E(inspection.Invalid, "error.invalid").Field("password", "snapshot.error.password_missing")
	case said != login{}:
		c.Secret, err = s.seal(c.ID, said)
	case moved && c.Secret != "": // a password is not sent to another address without being said again
		return inspection.E(inspection.Invalid, "error.invalid").Field("password", "snapshot.error.password_again")
	}
	return err
}

// differs names what two entries of a camera do not have in common.
func (c Camera) differs(o Camera) []string {
	var names []string
	for name, same := range map[string]bool{"name": c.Name == o.Name, "place": c.Place == o.Place && c.PlanX == o.PlanX && c.PlanY == o.PlanY, "way": c.Way == o.Way,
		"address": c.Address == o.Address, "login": c.Secret == o.Secret, "profile": c.Profile == o.Profile && c.Preset == o.Preset, "trust": c.Trust == o.Trust,
		"relay": deref(c.RelayID) == deref(o.RelayID), "notice": c.NoticeNumber == o.NoticeNumber && c.NoticeDate == o.NoticeDate,
		"period": c.ValidFrom == o.ValidFrom && c.ValidTo == o.ValidTo} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Cameras lists the cameras over a desk, and over what it was before it moved. Who keeps
// the register may. Codes: forbidden, not_found.
func (s *Service) Cameras(ctx context.Context, actor inspection.Actor, desk string) ([]Camera, error) {
	if _, ok := s.checks.Manage(actor); !ok {
		return nil, inspection.E(inspection.Forbidden, "error.forbidden")
	}
	return s.over(s.read(ctx), desk)
}

func (s *Service) over(tx *gorm.DB, desk string) ([]Camera, error) {
	desks, err := s.checks.Desks(tx, desk)
	if err != nil {
		return nil, err
	}
	var list []Camera
	err = tx.Where("desk_id IN ?", desks).Order("name, id").Find(&list).Error
	return list, err
}

// Reaches tells whether the server may dial a camera, as far as its address says it.
func (s *Service) Reaches(c Camera) bool {
	return s.reader.Reaches(camera.Source{Address: c.Address})
}

// Camera is one of the register. May, codes: as Cameras.
func (s *Service) Camera(ctx context.Context, actor inspection.Actor, id string) (Camera, error) {
	if _, ok := s.checks.Manage(actor); !ok {
		return Camera{}, inspection.E(inspection.Forbidden, "error.forbidden")
	}
	return load[Camera](s.read(ctx), id)
}

// Usable tells whether a camera over a desk may be asked on a day, as its entries stand.
// The caller has checked rights.
func (s *Service) Usable(ctx context.Context, desk string, on inspection.Date) (bool, error) {
	return s.Watched(s.read(ctx), desk, on)
}

// AtDesk lists the cameras that a check at a desk may ask today. The caller
// has checked rights.
func (s *Service) AtDesk(ctx context.Context, desk string) ([]Camera, error) {
	if desk == "" {
		return nil, nil
	}
	all, err := s.over(s.read(ctx), desk)
	today := s.clock.Now().Date()
	return slices.DeleteFunc(all, func(c Camera) bool { return !c.InUse(today) }), err
}

// Trial is what a look through a camera gave.
type Trial struct {
	Still  camera.Still // Data is empty where staff have had no notice
	Cause  camera.Cause // why there is none, or what is wrong with it
	Frozen bool
}

// Try reads a camera once, for the page on which it is entered: nothing of it is kept, and
// without the notice to staff no picture is shown. Who keeps the register may. Codes:
// forbidden, not_found; invalid (snapshot.error.relay_try) for one behind a relay.
func (s *Service) Try(ctx context.Context, actor inspection.Actor, id string) (Trial, error) {
	capacity, ok := s.checks.Manage(actor)
	if !ok {
		return Trial{}, inspection.E(inspection.Forbidden, "error.forbidden")
	}
	c, err := load[Camera](s.read(ctx), id)
	if err != nil {
		return Trial{}, err
	}
	if c.RelayID != nil {
		return Trial{}, inspection.E(inspection.Invalid, "snapshot.error.relay_try")
	}
	source, err := s.source(c)
	if err != nil {
		return Trial{}, err
	}
	var t Trial
	still, err := s.reader.Take(ctx, source)
	switch {
	case err != nil:
		t.Cause = camera.CauseOf(err)
		logFailure(c.ID, err)
	default:
		t.Still, t.Cause = still, wrong(c, still)
	}
	now := s.clock.Now()
	if !c.Noticed(now.Date()) {
		t.Still.Data = nil
	}
	return t, s.transaction(ctx, func(tx *gorm.DB) error {
		if err == nil {
			if err := seen(tx, c, still); err != nil {
				return err
			}
		}
		return history.Append(tx, event(actor, capacity, "camera.try", "camera", id, "", now, map[string]any{"cause": string(t.Cause), "shown": len(t.Still.Data) > 0}))
	})
}

// wrong is what is wrong with a picture at first sight.
func wrong(c Camera, still camera.Still) camera.Cause {
	switch {
	case camera.Frozen(camera.Shown{Pixels: c.LastPixels, At: c.LastAt, CameraAt: c.LastClock}, still):
		return camera.IsFrozen
	case still.Look == camera.Black:
		return camera.IsBlack
	case still.Look == camera.Covered:
		return camera.IsCovered
	}
	return ""
}

// seen takes down by what the next picture is known to be frozen.
func seen(tx *gorm.DB, c Camera, still camera.Still) error {
	if still.Pixels == c.LastPixels { // the earlier of two equal ones tells more
		return nil
	}
	return tx.Model(&Camera{}).Where("id = ?", c.ID).Updates(map[string]any{"last_pixels": still.Pixels, "last_at": still.At, "last_clock": still.CameraAt}).Error
}
