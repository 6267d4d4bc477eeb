package web

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

// cameraPage is the form of a camera, a new one or one that stands.
type cameraPage struct {
	adminBase
	Desk    org.DeskDetail
	C       snapshot.Camera
	Relays  []snapshot.Relay // those that may be chosen
	Outside bool             // its address lies outside of what the server may dial
	Trial   *snapshot.Trial
	Src     string // the frame of a trial, within the page
}

// SafeSrc is the frame as an address that a template takes: base64 of our own making.
func (p cameraPage) SafeSrc() template.URL { return template.URL(p.Src) }

// Relay is the relay that reads the camera, empty for the server.
func (p cameraPage) Relay() string {
	if p.C.RelayID == nil {
		return ""
	}
	return *p.C.RelayID
}

// Again tells that a password was typed with what was refused: it is not sent back.
func (p cameraPage) Again() bool { return p.Open == "camera" && p.Sent.Get("password") != "" }

// Ways are the ways to read a camera.
func (cameraPage) Ways() []camera.Way { return camera.Ways }

// Percent is a place on the plan as people enter it.
func (cameraPage) Percent(thousandths int64) string {
	if thousandths < 0 {
		return ""
	}
	return strconv.FormatInt(thousandths/10, 10)
}

// Drift is by how much the camera's clock differs, in words.
func (p cameraPage) Drift() string {
	if p.Trial == nil {
		return ""
	}
	d, ok := p.Trial.Still.Drift()
	return p.driftWords(d, ok)
}

// driftWords says by how much a camera's clock differs from the server's.
func (b Base) driftWords(d time.Duration, known bool) string {
	switch {
	case !known:
		return b.T("camera.clock_unknown")
	case d.Abs() < 2*time.Second:
		return b.T("camera.clock_right")
	case d > 0:
		return b.T("camera.clock_ahead", "by", b.span(d))
	}
	return b.T("camera.clock_behind", "by", b.span(-d))
}

func (b Base) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return b.T("camera.seconds", "n", int(d.Seconds()))
	case d < 2*time.Hour:
		return b.T("camera.minutes", "n", int(d.Minutes()))
	}
	return b.T("camera.hours", "n", int(d.Hours()))
}

func (s *Server) cameraForm(c echo.Context, desk string) (cameraPage, error) {
	page := cameraPage{adminBase: s.adminBase(c, "camera.new")}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	var err error
	if page.Desk, err = s.Org.DeskDetail(ctx, a, desk); err != nil {
		return page, err
	}
	page.C.PlanX, page.C.PlanY = -1, -1
	all, err := s.Snapshots.Relays(ctx, a)
	for _, r := range all {
		if r.EndedAt.IsZero() {
			page.Relays = append(page.Relays, r)
		}
	}
	return page, err
}

func (s *Server) newCameraPage(c echo.Context) error {
	page, err := s.cameraForm(c, c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-camera", page)
}

func (s *Server) oneCamera(c echo.Context) (cameraPage, error) {
	if err := administers(c, org.ManageOrg); err != nil {
		return cameraPage{}, err
	}
	one, err := s.Snapshots.Camera(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return cameraPage{}, err
	}
	page, err := s.cameraForm(c, one.DeskID)
	page.C, page.Title = one, one.Name
	page.Outside = s.outside(one)
	return page, err
}

// outside tells that a camera lies where the server may not reach it.
func (s *Server) outside(c snapshot.Camera) bool { return c.RelayID == nil && !s.Snapshots.Reaches(c) }

func (s *Server) cameraPage(c echo.Context) error {
	page, err := s.oneCamera(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-camera", page)
}

// cameraEntry reads the form. A place on the plan is given in per cent.
func cameraEntry(c echo.Context) snapshot.Entry {
	per := func(name string) int64 {
		words := strings.TrimSpace(c.FormValue(name))
		if words == "" {
			return -1
		}
		n, err := strconv.ParseInt(words, 10, 32)
		if err != nil {
			return 1001 // refused
		}
		return n * 10
	}
	return snapshot.Entry{Name: c.FormValue("name"), Place: c.FormValue("place"), PlanX: per("plan_x"), PlanY: per("plan_y"),
		Source: camera.Source{Way: camera.Way(c.FormValue("way")), Address: c.FormValue("address"), User: c.FormValue("user"), Password: c.FormValue("password"),
			Profile: strings.TrimSpace(c.FormValue("profile")), Preset: strings.TrimSpace(c.FormValue("preset")), Trust: c.FormValue("trust")},
		Anonymous: c.FormValue("anonymous") == "1", Relay: c.FormValue("relay"), NoticeNumber: c.FormValue("notice_number"),
		NoticeDate: inspection.Date(c.FormValue("notice_date")), ValidFrom: inspection.Date(c.FormValue("valid_from")), ValidTo: inspection.Date(c.FormValue("valid_to"))}
}

func (s *Server) addCamera(c echo.Context) error {
	page, err := s.cameraForm(c, c.Param("id"))
	if err != nil {
		return err
	}
	id := formID(c)
	if err := s.Snapshots.AddCamera(c.Request().Context(), page.Actor, id, page.Desk.ID, cameraEntry(c)); err != nil {
		return s.refuse(c, &page.adminBase, "camera", "admin-camera", err, func() any { return page })
	}
	done := "camera_added"
	if made, err := s.Snapshots.Camera(c.Request().Context(), page.Actor, id); err == nil && s.outside(made) {
		done = "camera_outside"
	}
	return c.Redirect(http.StatusSeeOther, "/admin/cameras/"+id+"?done="+done)
}

func (s *Server) changeCamera(c echo.Context) error {
	page, err := s.oneCamera(c)
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	e := cameraEntry(c)
	if err := s.Snapshots.ChangeCamera(c.Request().Context(), page.Actor, page.C.ID, version, e, c.FormValue("reason")); err != nil {
		return s.refuse(c, &page.adminBase, "camera", "admin-camera", err, func() any { return page })
	}
	done := "camera_changed"
	if src := e.Source; e.Anonymous || src.User != "" || src.Password != "" || e.Relay != page.Relay() ||
		(src != camera.Source{Way: page.C.Way, Address: page.C.Address, Profile: page.C.Profile, Preset: page.C.Preset, Trust: page.C.Trust}) {
		done = "camera_read_anew"
	}
	return c.Redirect(http.StatusSeeOther, "/admin/cameras/"+page.C.ID+"?done="+done)
}

// tryCamera shows one frame in its answer, and keeps none.
func (s *Server) tryCamera(c echo.Context) error {
	page, err := s.oneCamera(c)
	if err != nil {
		return err
	}
	trial, err := s.Snapshots.Try(c.Request().Context(), page.Actor, page.C.ID)
	if err != nil {
		return s.refuse(c, &page.adminBase, "try", "admin-camera", err, func() any { return page })
	}
	page.Trial = &trial
	if len(trial.Still.Data) > 0 {
		page.Src = "data:" + string(trial.Still.Type) + ";base64," + base64.StdEncoding.EncodeToString(trial.Still.Data)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.render(c, http.StatusOK, "admin-camera", page)
}

type relaysPage struct {
	adminBase
	Relays []snapshot.Relay
}

func (s *Server) relays(c echo.Context) (page relaysPage, err error) {
	page.adminBase = s.adminBase(c, "relay.title")
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	page.Relays, err = s.Snapshots.Relays(c.Request().Context(), page.Actor)
	return page, err
}

func (s *Server) relaysPage(c echo.Context) error {
	page, err := s.relays(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-relays", page)
}

func (s *Server) addRelay(c echo.Context) error {
	page, err := s.relays(c)
	if err != nil {
		return err
	}
	if err := s.Snapshots.AddRelay(c.Request().Context(), page.Actor, formID(c), c.FormValue("name"), c.FormValue("key")); err != nil {
		return s.refuse(c, &page.adminBase, "add", "admin-relays", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/relays?done=relay_added")
}

func (s *Server) endRelay(c echo.Context) error {
	page, err := s.relays(c)
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	if err := s.Snapshots.EndRelay(c.Request().Context(), page.Actor, c.Param("id"), version); err != nil {
		return s.refuse(c, &page.adminBase, "end", "admin-relays", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/relays?done=relay_ended")
}
