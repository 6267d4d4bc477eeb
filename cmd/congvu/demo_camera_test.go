package main

import (
	"strings"
	"testing"

	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/migrations/dbtest"
)

// TestADemoStartsAgainBesideCamerasOfOthers: only the camera that the demo hung itself
// gets the new port of the server behind it, and keeps all that was changed of it; what
// somebody entered, ended or gave a password stays as it is, and the demo starts.
func TestADemoStartsAgainBesideCamerasOfOthers(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t))
	admin, register := s.actor("quantri"), s.demo.services.Snapshots
	start := func() { s.must(s.demo.cameras(t.Context())) }
	start()
	change := func(desk string, with func(*snapshot.Entry)) snapshot.Camera {
		t.Helper()
		there, err := register.Cameras(t.Context(), admin, s.demo.desks[desk].ID)
		s.must(err)
		c := there[0]
		e := snapshot.Entry{Name: c.Name, Place: c.Place, PlanX: c.PlanX, PlanY: c.PlanY, Source: camera.Source{Way: c.Way, Address: c.Address},
			NoticeNumber: c.NoticeNumber, NoticeDate: c.NoticeDate, ValidFrom: c.ValidFrom, ValidTo: c.ValidTo}
		with(&e)
		s.must(register.ChangeCamera(t.Context(), admin, c.ID, c.Version, e, "người dùng sửa"))
		c, err = register.Camera(t.Context(), admin, c.ID)
		s.must(err)
		return c
	}
	named := change("mau/07", func(e *snapshot.Entry) {
		e.Name, e.Place, e.PlanX, e.PlanY, e.NoticeNumber, e.ValidTo = "Camera sảnh", "góc trái", -1, -1, "77/TB", s.clock.Now().Date()
	})
	real := change("mau/08", func(e *snapshot.Entry) {
		e.Source = camera.Source{Way: camera.HTTP, Address: "http://10.1.1.1/desk.jpg", User: "admin", Password: "mat-khau"}
	})
	secret := change("mau/09", func(e *snapshot.Entry) { e.Source.User, e.Source.Password = "admin", "mat-khau" })
	own := inspection.NewID()
	s.must(register.AddCamera(t.Context(), admin, own, s.demo.desks["mau/07"].ID, snapshot.Entry{Name: "Camera thứ hai", PlanX: -1, PlanY: -1, Source: camera.Source{Way: camera.HTTP, Address: "http://127.0.0.1:9/still.jpg"}}))
	second, err := register.Camera(t.Context(), admin, own)
	s.must(err)

	start()
	again := func(c snapshot.Camera) snapshot.Camera {
		t.Helper()
		now, err := register.Camera(t.Context(), admin, c.ID)
		s.must(err)
		return now
	}
	for _, c := range []snapshot.Camera{real, secret, second} {
		if now := again(c); now != c {
			t.Errorf("changed: %+v, was %+v", now, c)
		}
	}
	now := again(named)
	if now.Address == named.Address || !strings.HasSuffix(now.Address, "/desk.jpg") {
		t.Errorf("the demo's own has the address %s, had %s", now.Address, named.Address)
	}
	now.Address, now.Version = named.Address, named.Version
	if now != named {
		t.Errorf("changed: %+v, was %+v", now, named)
	}
}
