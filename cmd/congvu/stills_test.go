package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"image/color"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/camera"
	"congvu/evidence/imaging/imagingtest"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// hung is a camera over a desk: an HTTP server that answers as it is told.
type hung struct {
	*httptest.Server
	id      string
	asked   atomic.Int64
	mu      sync.Mutex
	answer  http.HandlerFunc // nil: a new picture each time
	last    []byte
	reached map[string]bool // what was sent to sign in with
}

// user and password of the tests' cameras, which must appear nowhere.
const cameraUser, cameraPassword = "quan-sat", "mat-khau-camera-9"

// camera hangs a camera over the desk of a commune, with the notice to staff unless it
// says otherwise.
func (s *site) camera(commune int, but ...func(*snapshot.Entry)) *hung {
	s.t.Helper()
	c := &hung{id: inspection.NewID(), reached: map[string]bool{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		user, password, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reached[user+":"+password] = true
		if c.answer != nil {
			c.answer(w, r)
			return
		}
		c.last = frame(int(c.asked.Load()))
		_, _ = w.Write(c.last)
	}))
	s.t.Cleanup(c.Close)
	e := snapshot.Entry{Name: "Camera quầy 1", Place: "trên cửa", PlanX: -1, PlanY: -1, NoticeNumber: "12/TB", NoticeDate: s.clock.Now().Date().AddDays(-30),
		Source: camera.Source{Way: camera.HTTP, Address: c.URL + "/still.jpg", User: cameraUser, Password: cameraPassword}}
	for _, change := range but {
		change(&e)
	}
	s.must(s.demo.services.Snapshots.AddCamera(s.t.Context(), s.actor("quantri"), c.id, s.demo.desks[fmt.Sprintf("mau/%02d", commune)].ID, e))
	return c
}

// says makes a camera answer in one way from now on.
func (c *hung) says(f http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

// frame is a picture of a desk, each with a noise of its own.
func frame(n int) []byte {
	img := imagingtest.Scene(320, 240)
	for i := range 400 {
		img.Set((i*37+n*11)%320, (i*91+n*7)%240, color.RGBA{uint8(i + n), uint8(n * 3), uint8(i * 5), 255})
	}
	return imagingtest.JPEG(img, imagingtest.Exif{})
}

// taking lets the program take stills until the test ends.
func (s *site) taking() {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.demo.services.Snapshots.Run(ctx) }()
	s.t.Cleanup(func() { stop(); <-done })
}

// asks asks for a still and gives the request.
func (s *site) still(username, check string, p visit.Snapshot) string {
	s.t.Helper()
	op := s.operation(check, visit.OpSnapshot, p)
	s.does(username, op)
	return op.ID
}

// request is a request as it stands.
func (s *site) request(id string) (r snapshot.Request) {
	s.t.Helper()
	s.must(s.db.Where("id = ?", id).Take(&r).Error)
	return r
}

// decided waits until a request is.
func (s *site) decided(id string) snapshot.Request {
	s.t.Helper()
	var r snapshot.Request
	s.eventually("a still is decided", func() bool {
		r = s.request(id)
		return r.State != snapshot.Waiting
	})
	return r
}

// eventually waits for a condition.
func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			s.t.Fatalf("in a minute: %s", what)
		case <-tick.C:
		}
	}
}

func (s *site) state(check, username string) *visit.State {
	s.t.Helper()
	v, err := s.demo.services.Visits.Get(s.t.Context(), s.actor(username), check)
	s.must(err)
	return v.State
}

// TestR9OneTapGivesAStill: an act of the tablet is answered with a photograph of the desk,
// in the camera's own bytes, with camera, clocks, who asked and the notice beside it; the
// unit sees it no earlier and no more of it than of any photograph.
func TestR9OneTapGivesAStill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		ahead := s.clock.Now().Add(65 * time.Minute).Time()
		c.says(func(w http.ResponseWriter, r *http.Request) {
			c.last = frame(1)
			w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
			_, _ = w.Write(c.last)
		})
		s.taking()
		check := s.begin(s.seal(7))
		s.answers(check)
		id := s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04", Reason: "quầy 2 trống"})
		r := s.decided(id)
		if r.State != snapshot.Taken || r.Cause != "" || r.FileID == "" || r.Notice == "" {
			t.Fatalf("%+v", r)
		}
		if drift, ok := r.Drift(); !ok || drift < 60*time.Minute || drift > 70*time.Minute {
			t.Errorf("the camera's clock is off by %v, %v", drift, ok)
		}
		images := s.state(check, "thanhvien").Photos["A04"]
		if len(images) != 2 || images[1].File != r.FileID || images[1].Camera != c.id {
			t.Fatalf("%+v", images)
		}
		item, err := s.demo.services.Evidence.Get(t.Context(), s.actor("truongdoan"), r.FileID)
		s.must(err)
		if item.Kind != evidence.CameraSnapshot || item.State != evidence.Received || item.SHA256 != sum(c.last) || item.DeclaredBy != s.demo.people["thanhvien"] {
			t.Errorf("%+v", item)
		}
		if a := s.get("truongdoan", "/files/"+r.FileID+"/original"); a.code != http.StatusOK || a.body != string(c.last) {
			t.Errorf("the original is not what the camera sent: %d", a.code)
		}
		if a := s.get("thutruong", "/files/"+r.FileID+"/original"); a.code != http.StatusNotFound {
			t.Errorf("the unit opens a still: %d", a.code)
		}
		s.says(s.page("truongdoan", "/visits/"+check+"/photos"), "Camera quầy 1", "Đã lấy", "Nhanh 6", "12/TB")
		var rows []string
		s.must(db.Table("history").Where("subject_kind = 'snapshot' AND subject_id = ?", id).Order("seq").Pluck("action", &rows).Error)
		if strings.Join(rows, " ") != "snapshot.ask snapshot.taken" {
			t.Errorf("history says %v", rows)
		}
		s.nowhere(cameraPassword, cameraUser)
		if !c.reached[cameraUser+":"+cameraPassword] {
			t.Error("the camera was not signed in to")
		}
	})
}

// renames gives a camera another name in the register.
func (s *site) renames(c *hung, name string) {
	s.t.Helper()
	is, err := s.demo.services.Snapshots.Camera(s.t.Context(), s.actor("quantri"), c.id)
	s.must(err)
	s.must(s.demo.services.Snapshots.ChangeCamera(s.t.Context(), s.actor("quantri"), c.id, is.Version, snapshot.Entry{Name: name, Place: is.Place, PlanX: is.PlanX, PlanY: is.PlanY,
		NoticeNumber: is.NoticeNumber, NoticeDate: is.NoticeDate, Source: camera.Source{Way: is.Way, Address: is.Address}}, "Sở đổi cách gọi camera"))
}

// TestAStillKeepsTheNameOfItsCamera: what is printed of a check is the name that a camera
// had when it was read, whatever it is called later, on site and in a look from the office.
func TestAStillKeepsTheNameOfItsCamera(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		broken := s.camera(7, func(e *snapshot.Entry) { e.Name = "Camera cửa sau" })
		broken.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
		check := s.begin(s.seal(7))
		s.answers(check)
		asked := s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})
		s.says(s.page("truongdoan", "/visits/"+check+"/photos"), "Camera quầy 1") // as long as it waits
		s.renames(c, "Camera quầy tiếp dân")
		s.taking()
		s.decided(asked)
		s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: broken.id, Item: "A04"}))
		s.signs(check)
		look := s.beginsLook(s.remoteTarget(7))
		r := s.stillOf(look, c)
		s.clock.Advance(10 * time.Second)
		s.onLook("truongdoan", "/visits/"+look+"/look", "do", "judge", "request", r.ID, "value", "MANNED", "text", "")
		s.onLook("truongdoan", "/visits/"+look+"/look", "do", "finish")
		s.onLook("truongdoan", "/visits/"+look+"/look", "do", "send", "unseen", "1")

		s.renames(c, "Camera mới")
		s.renames(broken, "Camera mới")
		f := s.findings(check)[0]
		if f.ItemCode != "A04" {
			t.Fatal(f.ItemCode)
		}
		const name, failed = "Camera quầy tiếp dân", "Camera cửa sau"
		for path, names := range map[string][]string{
			"/visits/" + check + "/photos":  {name, failed},
			"/visits/" + check + "/minutes": {failed},
			"/findings/" + f.ID:             {"Nguồn: " + name, failed + ": "},
			"/visits/" + look + "/minutes":  {name},
			"/visits/" + look:               {name},
			"/visits/" + look + "/photos":   {name},
		} {
			page := s.page("truongdoan", path)
			s.says(page, names...)
			if strings.Contains(page, "Camera mới") || strings.Contains(page, "Camera quầy 1") {
				t.Errorf("%s: another name than the camera had", path)
			}
		}
		s.says(s.call("thanhvien", http.MethodGet, "/api/v1/visits/"+check, nil).body, `"name":"`+name+`"`, `"name":"`+failed+`"`)
		var told []string
		s.must(db.Table("history").Where("action IN ('snapshot.ask', 'snapshot.taken') AND subject_id = ?", asked).Order("seq").Pluck("body", &told).Error)
		if len(told) != 2 || !strings.Contains(told[0], history.TextHash("Camera quầy 1")) || !strings.Contains(told[1], history.TextHash(name)) {
			t.Errorf("history says %v", told)
		}
		// A copy of the release before, beside this one, writes no name: the register knows one.
		s.must(db.Exec("UPDATE camera_snapshots SET camera_name = '' WHERE visit_id = ?", check).Error)
		s.says(s.page("truongdoan", "/findings/"+f.ID), "Nguồn: Camera mới", "Camera mới: ")
	})
}

// nowhere holds that words stand in no table.
func (s *site) nowhere(words ...string) {
	s.t.Helper()
	for _, q := range []string{"SELECT body FROM history", "SELECT payload FROM operations", "SELECT secret FROM cameras", "SELECT address FROM cameras", "SELECT decision FROM camera_snapshots"} {
		var all []string
		s.must(s.db.Raw(q).Scan(&all).Error)
		for _, text := range all {
			for _, w := range words {
				if strings.Contains(text, w) {
					s.t.Errorf("%s holds %q", q, w)
				}
			}
		}
	}
}

// TestR9ACameraThatGivesNoneIsEvidence: what failed stands in the place of the still, with
// the cause and the second, on the team's pages, in the operations and in the minutes.
func TestR9ACameraThatGivesNoneIsEvidence(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		c.says(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<html>not a picture</html>")) })
		s.taking()
		check := s.begin(s.seal(7))
		s.answers(check)
		r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"}))
		if r.State != snapshot.Failed || r.Cause != camera.NotAnImage || r.FileID != "" {
			t.Fatalf("%+v", r)
		}
		state := s.state(check, "thanhvien")
		if list := state.StillsOf("A04"); len(list) != 1 || list[0].Came.Outcome != visit.StillFailed || list[0].Came.Cause != string(camera.NotAnImage) {
			t.Errorf("%+v", list)
		}
		if len(state.Photos["A04"]) != 1 {
			t.Errorf("%+v", state.Photos["A04"])
		}
		words := "Camera không truy cập được lúc " + r.TakenAt.Time().Format("15:04:05")
		s.says(s.page("truongdoan", "/visits/"+check+"/photos"), words)
		s.says(s.page("truongdoan", "/visits/"+check+"/minutes"), words)
		s.signs(check)
		s.says(s.page("thutruong", "/visits/"+check+"/minutes"), words)
	})
}

// TestR9BlackAndFrozenPicturesAreKeptAndNamed: a picture that shows nothing is stored as it
// is, and says so; the same pixels while the clock moves are a frozen picture.
func TestR9BlackAndFrozenPicturesAreKeptAndNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		s.taking()
		check := s.begin(s.seal(7))
		c.says(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(flat(0)) })
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})); r.State != snapshot.Taken || r.Cause != camera.IsBlack {
			t.Errorf("black: %+v", r)
		}
		same := frame(5)
		c.says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", s.clock.Now().Time().UTC().Format(http.TimeFormat)) // its clock goes on
			_, _ = w.Write(same)
		})
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})); r.State != snapshot.Taken || r.Cause != "" {
			t.Errorf("first: %+v", r)
		}
		s.clock.Advance(5 * time.Second)
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})); r.State != snapshot.Taken || r.Cause != camera.IsFrozen {
			t.Errorf("second: %+v", r)
		}
	})
}

// flat is a picture of one grey.
func flat(grey uint8) []byte {
	img := imagingtest.Scene(320, 240)
	for y := range 240 {
		for x := range 320 {
			img.Set(x, y, color.RGBA{grey, grey, grey, 255})
		}
	}
	return imagingtest.JPEG(img, imagingtest.Exif{})
}

// TestR9NoStillWithoutTheNoticeToStaff: the camera is not even asked.
func TestR9NoStillWithoutTheNoticeToStaff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7, func(e *snapshot.Entry) { e.NoticeNumber, e.NoticeDate = "", "" })
		gone := s.camera(7, func(e *snapshot.Entry) { e.ValidTo = s.clock.Now().Date().AddDays(-1) })
		s.taking()
		check := s.begin(s.seal(7))
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})); r.State != snapshot.Declined || r.Cause != snapshot.NoNotice {
			t.Errorf("%+v", r)
		}
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: gone.id, Item: "A04"})); r.State != snapshot.Declined || r.Cause != snapshot.Retired {
			t.Errorf("%+v", r)
		}
		if c.asked.Load()+gone.asked.Load() > 0 {
			t.Error("a camera was asked")
		}
		page := s.form("quantri", "/admin/cameras/"+c.id+"/try")
		if page.code != http.StatusOK || strings.Contains(page.body, "data:image") {
			t.Errorf("a trial without the notice shows a picture, or does not work: %d", page.code)
		}
		noticed := s.camera(7)
		if page := s.form("quantri", "/admin/cameras/"+noticed.id+"/try"); !strings.Contains(html.UnescapeString(page.body), "data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString(noticed.last)) {
			t.Error("a trial with the notice shows no picture")
		}
		var n int64
		s.must(db.Table("evidence_files").Where("kind = 'CAMERA_SNAPSHOT'").Count(&n).Error)
		if n > 0 {
			t.Errorf("%d stills were kept", n)
		}
	})
}

// TestR9MoreThanManyNeedTheLead: the 21st still, and one that the server learns of more than
// half an hour later, wait for the lead, who gives leave or none with a reason.
func TestR9MoreThanManyNeedTheLead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		s.taking()
		check := s.begin(s.seal(7))
		s.answers(check)
		late := s.operation(check, visit.OpSnapshot, visit.Snapshot{Camera: c.id, Item: "A04"})
		s.clock.Advance(snapshot.Window + time.Minute)
		raw, err := json.Marshal(map[string]any{"operations": []map[string]any{{"id": late.ID, "visit": check, "device": "may-9", "device_at": late.DeviceAt, "offset_ms": 0, "seq": 1, "type": "snapshot", "payload": late.Payload}}})
		s.must(err)
		if a := s.call("thanhvien", http.MethodPost, "/api/v1/operations", string(raw)); !strings.Contains(a.body, "applied") {
			t.Fatal(a.body)
		}
		if r := s.request(late.ID); r.State != snapshot.Asked || r.Why != snapshot.TooLate || r.AskedAt >= r.ArrivedAt {
			t.Errorf("%+v", r)
		}
		for range snapshot.Many - 1 {
			s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"}))
		}
		over := s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})
		if r := s.request(over); r.State != snapshot.Asked || r.Why != snapshot.TooMany {
			t.Errorf("%+v", r)
		}
		decide := func(username, id string, leave bool, reason string) int {
			return s.call(username, http.MethodPost, "/api/v1/snapshots/"+id+"/decide", map[string]any{"leave": leave, "reason": reason}).code
		}
		for _, x := range []struct {
			username, reason string
			code             int
		}{{"thanhvien", "cần thêm ảnh", 403}, {"truongdoan2", "cần thêm ảnh", 404}, {"thutruong", "cần thêm ảnh", 404}, {"truongdoan", "ừ", 422}} {
			if got := decide(x.username, over, true, x.reason); got != x.code {
				t.Errorf("%s with %q: %d, want %d", x.username, x.reason, got, x.code)
			}
		}
		if got := decide("truongdoan", over, true, "Cần thêm một góc nữa"); got != 204 {
			t.Errorf("leave: %d", got)
		}
		if r := s.decided(over); r.State != snapshot.Taken {
			t.Errorf("%+v", r)
		}
		asked := c.asked.Load()
		if got := decide("truongdoan", late.ID, false, "Đã quá giờ làm việc"); got != 204 {
			t.Errorf("no leave: %d", got)
		}
		if r := s.request(late.ID); r.State != snapshot.Declined || r.Cause != snapshot.NoLeave || c.asked.Load() != asked {
			t.Errorf("%+v", r)
		}
		if got := decide("truongdoan", late.ID, true, "Thôi cứ lấy"); got != 409 {
			t.Errorf("twice: %d", got)
		}
	})
}

// TestAStillIsOfTheChecksOwnDesk: nobody asks through another desk's camera, and who is not
// of the team asks nothing.
func TestAStillIsOfTheChecksOwnDesk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		own, other := s.camera(7), s.camera(2)
		check := s.begin(s.seal(7))
		refused := func(username, id string, want int) {
			t.Helper()
			out := s.post(username, s.operation(check, visit.OpSnapshot, visit.Snapshot{Camera: id, Item: "A04"}))
			if len(out) != 1 || out[0].Problem == nil || out[0].Problem.Status != want {
				t.Errorf("%s: %+v", username, out)
			}
		}
		refused("thanhvien", other.id, 422)
		refused("thanhvien", inspection.NewID(), 422)
		refused("thutruong", own.id, 404)
		refused("truongdoan2", own.id, 404)
		refused("chutich", own.id, 403)
		out := s.post("thanhvien", s.operation(check, visit.OpStill, visit.StillCame{Request: inspection.NewID(), Outcome: visit.StillTaken}))
		if len(out) != 1 || out[0].Problem == nil || out[0].Problem.Status != 422 {
			t.Errorf("a tablet posts what only the program makes: %+v", out)
		}
		var n int64
		s.must(db.Model(&snapshot.Request{}).Count(&n).Error)
		if n > 0 || own.asked.Load()+other.asked.Load() > 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestFinishingWaitsForTheCamera: a check is not finished while a still is being taken, and
// is when it is decided.
func TestFinishingWaitsForTheCamera(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		gate := make(chan struct{})
		c.says(func(w http.ResponseWriter, r *http.Request) { <-gate; _, _ = w.Write(frame(3)) })
		check := s.begin(s.seal(7))
		s.answers(check)
		id := s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})
		out := s.post("thuky", s.operation(check, visit.OpFinish, struct{}{}))
		if out[0].Problem == nil || out[0].Problem.Status != 409 || !strings.Contains(out[0].Problem.Detail, "camera") {
			t.Fatalf("%+v", out)
		}
		s.taking()
		close(gate)
		s.decided(id)
		s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
	})
}

// TestWhoAskedHasLeftTheTeam: a still that comes for somebody who is of the team no more
// lapses, and nothing of it is kept.
func TestWhoAskedHasLeftTheTeam(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		check := s.begin(s.seal(7))
		id := s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})
		s.must(db.Exec("UPDATE person_roles SET valid_to = ? WHERE person_id = ?", s.clock.Now().Date().AddDays(-1), s.demo.people["thanhvien"]).Error)
		s.taking()
		if r := s.decided(id); r.State != snapshot.Lapsed {
			t.Errorf("%+v", r)
		}
		if n := len(s.state(check, "truongdoan").Photos["A04"]); n > 0 {
			t.Errorf("%d photographs", n)
		}
	})
}

// TestTwoCopiesTakeAStillOnce: whichever copy of the program comes first.
func TestTwoCopiesTakeAStillOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		check := s.begin(s.seal(7))
		keys := Keys{Sessions: make([]byte, 32), Setup: make([]byte, 32), Receipts: make([]byte, 32), Devices: make([]byte, 32)}
		config := s.demo.program.config
		own, err := config.ReadKeys()
		s.must(err)
		keys.Cameras = own.Cameras
		second, err := build(db, s.demo.program.store, s.clock, keys, config)
		s.must(err)
		s.taking()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); second.Snapshots.Run(ctx) }()
		t.Cleanup(func() { stop(); <-done })
		var ids []string
		for range 8 {
			ids = append(ids, s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"}))
		}
		for _, id := range ids {
			if r := s.decided(id); r.State != snapshot.Taken {
				t.Errorf("%+v", r)
			}
		}
		if n := len(s.state(check, "truongdoan").Photos["A04"]); n != len(ids) {
			t.Errorf("%d photographs of %d requests", n, len(ids))
		}
	})
}

// TestARelayTakesStillsWhereTheServerDoesNotReach: the relay calls out, takes its own jobs
// alone, signs what it took, and is right about the time though its clock is an hour wrong.
func TestARelayTakesStillsWhereTheServerDoesNotReach(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", s.clock.Now().Time().UTC().Format(http.TimeFormat)) // the server's clock is the test's
			r.RemoteAddr = "192.0.2.1:1"
			r.Header.Set("X-Forwarded-Proto", "https")
			s.ServeHTTP(w, r)
		}))
		defer server.Close()
		_, key, err := ed25519.GenerateKey(nil)
		s.must(err)
		at, err := url.Parse(server.URL)
		s.must(err)
		r := &relay{server: at, key: key, clock: inspection.NewManualClock(s.clock.Now().Time().Add(-time.Hour)), client: server.Client(),
			reader: camera.New(camera.Options{Allowed: []netip.Prefix{hereOnly}, Clock: s.clock})}
		if _, err := r.jobs(t.Context()); err == nil {
			t.Error("an unknown relay gets jobs")
		}
		admin := s.actor("quantri")
		public := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
		relayID := inspection.NewID()
		s.must(s.demo.services.Snapshots.AddRelay(t.Context(), admin, relayID, "Đầu ghi xã Mẫu 07", public))
		behind := s.camera(7, func(e *snapshot.Entry) { e.Relay = relayID })
		s.camera(2)
		s.taking()
		check := s.begin(s.seal(7))
		id := s.still("thanhvien", check, visit.Snapshot{Camera: behind.id, Item: "A04"})
		jobs, err := r.jobs(t.Context())
		s.must(err)
		if len(jobs) != 1 || jobs[0].ID != id || jobs[0].Source.Password != cameraPassword {
			t.Fatalf("%d jobs", len(jobs))
		}
		again, err := r.jobs(t.Context())
		s.must(err)
		if len(again) != 0 {
			t.Error("a job is given twice")
		}
		other := &relay{server: at, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), clock: s.clock, client: server.Client(), reader: r.reader}
		s.must(s.demo.services.Snapshots.AddRelay(t.Context(), admin, inspection.NewID(), "Trạm khác", base64.StdEncoding.EncodeToString(other.key.Public().(ed25519.PublicKey))))
		if _, err := other.send(t.Context(), http.MethodPut, "/relay/v1/jobs/"+id, []byte("{\"cause\":\"TIMEOUT\"}\n")); err == nil {
			t.Error("another relay delivers this one's job")
		}
		r.do(t.Context(), jobs[0])
		got := s.decided(id)
		if got.State != snapshot.Taken || got.RelayID == nil || *got.RelayID != relayID || got.TakenAt < s.clock.Now().Add(-2*time.Minute) || got.TakenAt > s.clock.Now() {
			t.Fatalf("%+v", got)
		}
		item, err := s.demo.services.Evidence.Get(t.Context(), s.actor("truongdoan"), got.FileID)
		s.must(err)
		if item.SHA256 != sum(behind.last) {
			t.Error("the relay delivered something else than the camera sent")
		}
		var proof map[string]string
		s.must(json.Unmarshal([]byte(got.Signature), &proof))
		if proof["signature"] == "" || !strings.HasSuffix(proof["path"], id) {
			t.Errorf("%v", proof)
		}
		s.says(s.page("truongdoan", "/visits/"+check+"/photos"), "qua Đầu ghi xã Mẫu 07")

		old := s.operation(check, visit.OpSnapshot, visit.Snapshot{Camera: behind.id, Item: "A04"})
		old.DeviceAt = s.clock.Now().Time().Add(-40 * time.Minute)
		zero := int64(0)
		old.OffsetMS = &zero
		s.does("thanhvien", old)
		s.clock.Advance(10 * time.Minute) // the lead takes longer than relays have
		if r := s.request(old.ID); r.State != snapshot.Asked {
			t.Fatalf("%+v", r)
		}
		s.must(s.demo.services.Snapshots.Decide(t.Context(), s.actor("truongdoan"), old.ID, true, "vẫn cần ảnh"))
		jobs, err = r.jobs(t.Context())
		s.must(err)
		if len(jobs) != 1 || jobs[0].ID != old.ID {
			t.Fatalf("a still with leave is not the relay's: %+v, %+v", jobs, s.request(old.ID))
		}
		r.do(t.Context(), jobs[0])
		if got := s.decided(old.ID); got.State != snapshot.Taken {
			t.Errorf("%+v", got)
		}

		behind.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		failed := s.still("thanhvien", check, visit.Snapshot{Camera: behind.id, Item: "A04"})
		jobs, err = r.jobs(t.Context())
		s.must(err)
		r.do(t.Context(), jobs[0])
		if got := s.decided(failed); got.State != snapshot.Failed || got.Cause == "" {
			t.Errorf("%+v", got)
		}
		none := s.still("thanhvien", check, visit.Snapshot{Camera: behind.id, Item: "A04"})
		near := s.camera(7, func(e *snapshot.Entry) { e.Name = "Camera máy chủ đọc" })
		if got := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: near.id, Item: "A04"})); got.State != snapshot.Taken {
			t.Errorf("one that the server reaches waits for the relay's: %+v", got)
		}
		s.must(s.demo.services.Snapshots.EndRelay(t.Context(), admin, relayID, 1))
		if _, err := r.jobs(t.Context()); err == nil {
			t.Error("a relay that has ended gets jobs")
		}
		s.clock.Advance(3 * time.Minute)
		if got := s.decided(none); got.State != snapshot.Failed || got.Cause != snapshot.NoRelay {
			t.Errorf("%+v", got)
		}
	})
}

// TestARelaysRequestIsItsOwn: another body, path, time or key is refused, and an old request.
func TestARelaysRequestIsItsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		_, key, err := ed25519.GenerateKey(nil)
		s.must(err)
		public := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
		s.must(s.demo.services.Snapshots.AddRelay(t.Context(), s.actor("quantri"), inspection.NewID(), "Trạm", public))
		ask := func(path, signedPath, body, signedBody string, at inspection.Instant, k ed25519.PrivateKey) int {
			when := fmt.Sprint(int64(at))
			r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
			r.Header.Set("Relay-Key", base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey)))
			r.Header.Set("Relay-Time", when)
			r.Header.Set("Relay-Signature", base64.StdEncoding.EncodeToString(ed25519.Sign(k, snapshot.Signed(http.MethodPut, signedPath, when, []byte(signedBody)))))
			return s.send("", r).code
		}
		now, path := s.clock.Now(), "/relay/v1/jobs/"+inspection.NewID()
		_, stranger, err := ed25519.GenerateKey(nil)
		s.must(err)
		for name, got := range map[string]int{
			"body": ask(path, path, "{}\nb", "{}\na", now, key), "path": ask(path, path+"x", "{}\n", "{}\n", now, key),
			"old": ask(path, path, "{}\n", "{}\n", now.Add(-6*time.Minute), key), "early": ask(path, path, "{}\n", "{}\n", now.Add(6*time.Minute), key),
			"key": ask(path, path, "{}\n", "{}\n", now, stranger)} {
			if got != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, got)
			}
		}
		if got := ask(path, path, "{}\n", "{}\n", now, key); got != http.StatusNotFound {
			t.Errorf("a job that is none: %d", got)
		}
		if got := ask(path, path, "no json\n", "no json\n", now, key); got != http.StatusUnprocessableEntity {
			t.Errorf("no JSON: %d", got)
		}
	})
}

// TestTheRegisterOfCameras: what an administrator enters wrongly is named at its field, a
// password is never shown again nor sent to another address, and nobody else enters.
func TestTheRegisterOfCameras(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		desk := s.demo.desks["mau/07"].ID
		good := []string{"id", inspection.NewID(), "name", "Camera 1", "way", "HTTP", "address", "http://127.0.0.1:9/still.jpg", "user", cameraUser, "password", cameraPassword}
		for _, x := range []struct{ field, value, words string }{
			{"name", "", "Cần nhập mục này"}, {"address", "127.0.0.1", "Địa chỉ phải đầy đủ"}, {"address", "http://a:b@127.0.0.1/x", "ô riêng"}, {"address", "rtsp://127.0.0.1/x", "chưa khớp"},
			{"way", "FTP", "Chọn một cách"}, {"notice_number", "1/TB", "cả số và ngày"}, {"trust", "abc", "64 ký tự"}, {"plan_x", "50", "cả hai"}, {"plan_x", "x", "từ 0 đến 100"},
			{"name", strings.Repeat("a", 101), "Tối đa 100 ký tự"}, {"place", strings.Repeat("a", 301), "Tối đa 300 ký tự"}, {"password", "", "chưa có mật khẩu"},
		} {
			form := append([]string{}, good...)
			set := false
			for i := 0; i < len(form); i += 2 {
				if form[i] == x.field {
					form[i+1], set = x.value, true
				}
			}
			if !set {
				form = append(form, x.field, x.value)
			}
			a := s.form("quantri", "/admin/desks/"+desk+"/cameras", form...)
			if a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, x.words) {
				t.Errorf("%s=%q: %d, without %q", x.field, x.value, a.code, x.words)
			}
			if !strings.Contains(a.body, `class="field wrong"`) {
				t.Errorf("%s=%q: no field is marked", x.field, x.value)
			}
			if strings.Contains(a.body, cameraPassword) {
				t.Errorf("%s: the password is shown again", x.field)
			}
			if !strings.Contains(a.body, `value="`+cameraUser+`"`) || strings.Contains(a.body, "Nhập lại mật khẩu") != (x.field != "password") {
				t.Errorf("%s: the user name is gone, or nobody says to type the password again", x.field)
			}
		}
		for range 2 { // sent twice it is one
			if a := s.form("quantri", "/admin/desks/"+desk+"/cameras", good...); a.code != http.StatusSeeOther {
				t.Fatalf("%d %s", a.code, a.body)
			}
		}
		id := good[1]
		page := s.page("quantri", "/admin/cameras/"+id)
		if strings.Contains(page, cameraPassword) || strings.Contains(page, cameraUser) {
			t.Error("what the camera is signed in with is shown")
		}
		outside := inspection.NewID()
		s.sent("quantri", "/admin/desks/"+desk+"/cameras", "id", outside, "name", "Camera 2", "way", "HTTP", "address", "http://10.1.1.1/still.jpg", "notice_number", "3/TB", "notice_date", "2026-03-01")
		warns := "Địa chỉ nằm ngoài dải được phép"
		if s.says(s.page("quantri", "/admin/cameras/"+outside), warns); strings.Contains(page, warns) {
			t.Error("an address that may be dialled is said to lie outside")
		}
		s.says(s.page("quantri", "/admin/desks/"+desk), "đã thông báo: 3/TB, 01/03/2026")
		moved := []string{"version", "1", "name", "Camera 1", "way", "HTTP", "address", "http://127.0.0.1:10/still.jpg", "reason", "đổi địa chỉ"}
		if a := s.form("quantri", "/admin/cameras/"+id, moved...); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "nhập lại tên và mật khẩu") {
			t.Errorf("the old password goes to a new address: %d", a.code)
		}
		if a := s.form("quantri", "/admin/cameras/"+id, append(moved, "user", "x", "password", "y")...); a.code != http.StatusSeeOther || !strings.HasSuffix(a.header.Get("Location"), "done=camera_read_anew") {
			t.Errorf("%d %s %s", a.code, a.header.Get("Location"), a.body)
		}
		if a := s.form("quantri", "/admin/cameras/"+id, append(moved, "user", "x", "password", "y")...); a.code != http.StatusConflict {
			t.Errorf("an old version: %d", a.code)
		}
		s.says(s.form("quantri", "/admin/relays", "id", inspection.NewID(), "name", strings.Repeat("a", 101), "key", "x").body, "Tối đa 100 ký tự")
		relay := inspection.NewID()
		s.must(s.demo.services.Snapshots.AddRelay(t.Context(), s.actor("quantri"), relay, "Trạm của người khác", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{5}, 32))))
		for _, to := range [][]string{{"relay", relay}, {"trust", strings.Repeat("ab", 32)}} {
			change := append([]string{"version", "2", "name", "Camera 1", "way", "HTTP", "address", "http://127.0.0.1:10/still.jpg", "reason", "đổi nơi đọc"}, to...)
			if a := s.form("quantri", "/admin/cameras/"+id, change...); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "nhập lại tên và mật khẩu") {
				t.Errorf("the password goes to who else reads or is believed (%s): %d", to[0], a.code)
			}
		}
		for _, who := range []string{"truongdoan", "chutich", "thutruong", "noivu"} {
			if a := s.get(who, "/admin/cameras/"+id); a.code != http.StatusForbidden {
				t.Errorf("%s: %d", who, a.code)
			}
		}
		s.nowhere(cameraPassword, cameraUser)
	})
}

// TestTheServerIsNotSentElsewhere: an address outside of the allowed ranges is not dialled.
func TestTheServerIsNotSentElsewhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		s.taking()
		c := s.camera(7, func(e *snapshot.Entry) { e.Source.Address = "http://10.255.255.1/still.jpg" })
		check := s.begin(s.seal(7))
		if r := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"})); r.State != snapshot.Failed || r.Cause != camera.NotAllowed {
			t.Errorf("%+v", r)
		}
		s.does("thanhvien", s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.No}))
	})
}
