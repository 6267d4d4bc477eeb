package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/plan"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"github.com/chromedp/cdproto/network"
	"gorm.io/gorm"
)

// remoteTarget seals a target of form REMOTE at the desk of a commune, of today.
func (s *site) remoteTarget(commune int) string {
	s.t.Helper()
	id := s.seal(commune)
	lead := s.actor("truongdoan")
	s.must(s.demo.services.Plan.Move(s.t.Context(), lead, id, 0, plan.Moved{PlannedOn: s.clock.Now().Date(), PlannedAt: 480, Form: plan.Remote}, "xem qua camera trước"))
	return id
}

// shownBy are the fields by which a form of a look says what its page shows.
var shownBy = regexp.MustCompile(`<input type="hidden" name="(was|texts|shown)" value="([^"]+)">`)

// asShown is a form of the page of a look, as somebody who has just opened it sends it.
func (s *site) asShown(who, path string, fields ...string) []string {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	mark := `data-form="minutes"`
	switch {
	case values.Get("do") == "judge":
		mark = `data-form="judge-` + values.Get("request") + `"`
	case values.Get("do") == "drop":
		mark = `data-form="drop-` + values.Get("item") + `"`
	case values.Get("still") != "":
		mark, path = `<form method="post" action="`+path+`"`, path+"?"+values.Encode()
	}
	_, form, ok := strings.Cut(s.page(who, path), mark)
	form, _, _ = strings.Cut(form, "</form>")
	hidden := shownBy.FindAllStringSubmatch(form, -1)
	if !ok || len(hidden) == 0 {
		s.t.Fatalf("%s has no such form: %v", path, fields)
	}
	fields = append([]string{"id", inspection.NewID()}, fields...)
	for _, h := range hidden {
		fields = append(fields, h[1], h[2])
	}
	return fields
}

// onLook sends a form of the page of a look, just opened.
func (s *site) onLook(who, path string, fields ...string) {
	s.t.Helper()
	s.sent(who, path, s.asShown(who, path, fields...)...)
}

// beginsLook begins a look from the office by its page, and gives the check.
func (s *site) beginsLook(target string) string {
	s.t.Helper()
	a := s.form("truongdoan", "/targets/"+target+"/look", "id", inspection.NewID())
	check, ok := strings.CutPrefix(strings.TrimSuffix(a.header.Get("Location"), "/look"), "/visits/")
	if a.code != http.StatusSeeOther || !ok {
		s.t.Fatalf("a look is not begun: %d %s", a.code, mainOf(a.body))
	}
	return check
}

// stillOf asks for one still by the page of a look, and waits for it.
func (s *site) stillOf(check string, camera *hung) snapshot.Request {
	s.t.Helper()
	s.clock.Advance(10 * time.Second)
	id := inspection.NewID()
	s.sent("truongdoan", "/visits/"+check+"/look", "id", id, "do", "still", "camera", camera.id, "reason", "Kiểm tra từ xa")
	return s.decided(id)
}

// endsLook ends a look whose camera gave nothing, and sends its minutes.
func (s *site) endsLook(check string) {
	s.t.Helper()
	var c snapshot.Camera
	s.must(s.db.Where("desk_id = ?", s.demo.desks["mau/07"].ID).Order("id").Take(&c).Error)
	id := inspection.NewID()
	s.clock.Advance(10 * time.Second)
	s.sent("truongdoan", "/visits/"+check+"/look", "id", id, "do", "still", "camera", c.ID)
	s.must(s.db.Model(&snapshot.Request{}).Where("id = ?", id).Updates(map[string]any{"state": snapshot.Failed, "cause": camera.Timeout, "taken_at": s.clock.Now()}).Error)
	s.must(s.db.Transaction(func(tx *gorm.DB) error {
		return s.demo.services.Visits.StillCame(tx, s.actor("truongdoan"), check, inspection.NewID(), visit.StillCame{Request: id, Outcome: visit.StillFailed, Cause: string(camera.Timeout), At: s.clock.Now()})
	}))
	s.clock.Advance(10 * time.Second)
	s.onLook("truongdoan", "/visits/"+check+"/look", "do", "finish")
	s.onLook("truongdoan", "/visits/"+check+"/look", "do", "send")
}

// seenIn opens pages in Chromium as somebody.
func (s *site) seenIn(name, username string) *browser {
	s.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, r.RemoteAddr = "example.test", "192.0.2.1:1234"
		r.Header.Set("Cookie", "congvu="+s.token(username))
		r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
		s.ServeHTTP(w, r)
	}))
	s.t.Cleanup(server.Close)
	return newBrowser(s.t, server.URL, name, tablet)
}

// TestALookFromTheOffice walks the check of form REMOTE from the plan to its conclusion:
// checked in from the office under its decision, stills judged, an item answered by what
// one shows, minutes sent to the unit, its opinion, a finding that goes its way, no score.
func TestALookFromTheOffice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		s.taking()
		target := s.remoteTarget(7)
		s.says(s.page("truongdoan", "/targets/"+target), "Xem quầy qua camera", "Bắt đầu xem")
		if body := s.call("truongdoan", http.MethodGet, "/api/v1/today", nil).body; strings.Contains(body, target) {
			t.Error("a tablet is offered a look from the office")
		}
		for who, code := range map[string]int{"thutruong": 404, "truongdoan2": 404, "chutich": 404, "thanhvien": 403} {
			if a := s.form(who, "/targets/"+target+"/look", "id", inspection.NewID()); a.code != code {
				t.Errorf("%s begins a look: %d, want %d", who, a.code, code)
			}
		}
		form := inspection.NewID()
		var check string
		for range 2 { // a form sent twice is one check
			a := s.form("truongdoan", "/targets/"+target+"/look", "id", form)
			at := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Location"), "/visits/"), "/look")
			if a.code != http.StatusSeeOther || check != "" && at != check {
				t.Fatalf("%d %s, then %s: %s", a.code, check, at, mainOf(a.body))
			}
			check = at
		}
		look := "/visits/" + check + "/look"
		s.says(s.page("truongdoan", look), "Chụp một ảnh", "Còn 20 ảnh", "chưa chụp ảnh nào từ camera", "Kiểm tra từ xa theo Quyết định số")
		s.says(s.page("truongdoan", "/inbox"), "Kiểm tra từ xa", look)

		first, second := s.stillOf(check, c), s.stillOf(check, c)
		if first.State != snapshot.Taken || first.SubjectKind != "visit" || first.SubjectID != check || first.Notice == "" {
			t.Fatalf("%+v", first)
		}
		c.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
		if none := s.stillOf(check, c); none.State != snapshot.Failed {
			t.Fatalf("%+v", none)
		}
		s.says(s.page("truongdoan", look), "Ảnh này cho thấy gì?", "Camera không truy cập được lúc", "ảnh chưa có nhận định", "Còn 17 ảnh")
		if a := s.form("truongdoan", look, s.asShown("truongdoan", look, "do", "finish")...); a.code != http.StatusConflict {
			t.Errorf("a look without judgements is finished: %d", a.code)
		}
		s.clock.Advance(10 * time.Second)
		s.onLook("thanhvien", look, "do", "judge", "request", first.ID, "value", "MANNED", "text", "")
		s.onLook("truongdoan", look, "do", "judge", "request", second.ID, "value", "UNMANNED", "text", "Quầy 2 không có người")

		item := look + "/item"
		s.says(s.page("truongdoan", item+"?still="+second.ID), "A04 – Bố trí đủ người", "Chọn mục kiểm tra", "Mục mà ảnh camera hiếm khi cho thấy")
		s.says(s.page("truongdoan", item+"?still="+second.ID+"&item=A04"), "Không đạt", "Vì sao khác mức mặc định")
		answer := []string{"still", second.ID, "item", "A04", "value", "NO", "note", "Quầy 2 không có người trực lúc 8 giờ", "severity", "MAJOR", "severity_reason", ""}
		if a := s.form("truongdoan", item, s.asShown("truongdoan", item, answer...)...); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Quầy 2 không có người trực lúc 8 giờ") {
			t.Errorf("another severity without a reason: %d %s", a.code, mainOf(a.body))
		}
		if len(s.state(check, "truongdoan").Photos["A04"]) != 0 {
			t.Error("what was refused has hung a still on an item")
		}
		if a := s.form("truongdoan", item, "id", inspection.NewID(), "still", second.ID, "item", "A04", "value", "NO", "note", " "); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "vì sao không đạt") {
			t.Errorf("an item that falls short without a word: %d", a.code)
		}
		answer[len(answer)-1] = "cả quầy trống"
		s.onLook("truongdoan", item, answer...)
		s.onLook("truongdoan", item, "still", first.ID, "item", "B03", "of", "3", "failing", "0", "note", "")
		s.says(s.page("truongdoan", look), "Không đạt", "Quầy 2 không có người trực lúc 8 giờ")
		s.onLook("truongdoan", look, "do", "drop", "item", "B03")
		if st := s.state(check, "truongdoan"); st.Answers["B03"].Value != "" || len(st.Photos["B03"]) != 0 {
			t.Errorf("a dropped item stays: %+v", st.Answers["B03"])
		}
		written := s.asShown("truongdoan", look, "do", "minutes", "strengths", "Quầy 1 có người trực.", "requests", "Giải trình việc quầy 2.")
		old := s.asShown("thanhvien", look, "do", "minutes", "strengths", "Từ trang cũ", "requests", "")
		s.clock.Advance(10 * time.Second)
		s.onLook("thanhvien", look, "do", "judge", "request", first.ID, "value", "MANNED", "text", "Quầy 1") // changes the check, not what stands in the minutes
		for range 2 {
			s.sent("truongdoan", look, written...)
		}
		for _, other := range []string{"thutruong", "thutruong2", "chutich", "noivu", "truongdoan2"} {
			for _, path := range []string{look, item + "?still=" + second.ID, "/visits/" + check, "/visits/" + check + "/minutes"} {
				if a := s.get(other, path); a.code != http.StatusNotFound {
					t.Errorf("%s reads %s before the minutes are sent: %d", other, path, a.code)
				}
			}
		}
		if a := s.form("thanhvien", look, old...); a.code != http.StatusConflict || !strings.Contains(a.body, "Từ trang cũ") || !strings.Contains(a.body, "Nội dung đang lưu: Quầy 1 có người trực.") {
			t.Errorf("minutes from an old page: %d", a.code)
		}
		s.derive()
		b := s.seenIn("look", "truongdoan")
		b.open(look)
		b.sees("Camera tại quầy")
		b.everyLook("look")
		b.open(item + "?still=" + second.ID + "&item=A04")
		b.everyLook("look-item")
		s.onLook("truongdoan", look, "do", "finish")
		if a := s.form("thanhvien", look, s.asShown("thanhvien", look, "do", "send", "unseen", "1")...); a.code != http.StatusForbidden {
			t.Errorf("any member sends the minutes: %d", a.code)
		}
		b.open(look)
		b.sees("Đọc lại biên bản")
		b.everyLook("look-finished")
		if a := s.form("truongdoan", look, s.asShown("truongdoan", look, "do", "send")...); a.code != http.StatusConflict || !strings.Contains(a.body, "Đơn vị chưa xem được 1 ảnh") {
			t.Errorf("minutes are sent about what the unit cannot see: %d", a.code)
		}
		s.must(s.demo.services.Evidence.ConfirmShared(t.Context(), s.actor("truongdoan"), second.FileID, nil, true))
		s.onLook("truongdoan", look, "do", "send")

		findings := s.findings(check)
		if len(findings) != 1 || findings[0].ItemCode != "A04" || findings[0].Severity != finding.Major || findings[0].State != finding.Recorded || findings[0].Text != "Quầy 2 không có người trực lúc 8 giờ" {
			t.Fatalf("%+v", findings)
		}
		s.collects()
		minutes := s.page("thutruong", "/visits/"+check+"/minutes")
		s.says(minutes, "TỪ XA", "không có mặt tại chỗ", "Không có người trực", "Quầy 2 không có người", "Đơn vị gửi ý kiến trên hệ thống đến hết ngày")
		english := httptest.NewRequest(http.MethodGet, "/visits/"+check+"/minutes", nil)
		english.AddCookie(&http.Cookie{Name: "lang", Value: "en"})
		s.says(s.send("thutruong", english).body, "Trưởng đoàn số 1, Phó Giám đốc Sở Nội vụ, Trưởng đoàn", "Không có người trực") // a paper is Vietnamese whoever reads it
		if strings.Contains(minutes, "(ký, đóng dấu)") {
			t.Error("the unit is to sign what it was not there for")
		}
		var sent visit.Visit
		s.must(db.Where("id = ?", check).Take(&sent).Error)
		s.says(s.page("thutruong", "/messages"), "từ xa", "có thể giải trình đến hết ngày "+sent.ExplainDue.VN())
		for _, who := range []string{"thutruong", "truongdoan"} { // whose still it is, and what it was said to show
			s.says(s.page(who, "/findings/"+findings[0].ID), "Nguồn: Camera quầy 1", "Không có người trực: Quầy 2 không có người")
		}
		s.says(s.page("thutruong", "/inbox"), "Cho ý kiến về biên bản", "/visits/"+check+"#opinion")
		if a := s.get("truongdoan", look); a.code != http.StatusSeeOther {
			t.Errorf("the page of a look that is over: %d", a.code)
		}
		if strings.Contains(s.page("truongdoan", "/inbox"), "/visits/"+check+"/report") {
			t.Error("the lead is told to report what the unit may still speak on")
		}
		if a := s.form("truongdoan", "/visits/"+check+"/report", "id", inspection.NewID(), "version", s.version("visits", check), "summary", "Đã xem."); a.code != http.StatusConflict || !strings.Contains(a.body, "đơn vị còn thời hạn") {
			t.Errorf("the result is reported before the unit has spoken: %d", a.code)
		}
		for who, code := range map[string]int{"thutruong2": 404, "truongdoan": 403, "chutich": 403, "daumoi": 403} {
			if a := s.form(who, "/visits/"+check+"/opinion", "id", inspection.NewID(), "opinion", "Không phải của đơn vị"); a.code != code {
				t.Errorf("%s gives the unit's opinion: %d, want %d", who, a.code, code)
			}
		}
		if a := s.form("thutruong", "/visits/"+check+"/opinion", "id", inspection.NewID(), "opinion", "  "); a.code != http.StatusUnprocessableEntity {
			t.Errorf("an empty opinion: %d", a.code)
		}
		b = s.seenIn("look-unit", "thutruong")
		b.open("/findings/" + findings[0].ID)
		b.everyLook("look-finding")
		b.open("/visits/" + check)
		b.sees("Ý kiến của đơn vị")
		b.everyLook("look-unit")
		b.open("/visits/" + check + "/minutes")
		b.everyLook("look-minutes")
		s.sent("thutruong", "/visits/"+check+"/opinion", "id", inspection.NewID(), "opinion", "Cán bộ quầy 2 đi lấy hồ sơ ở kho.")
		if a := s.form("truongdoan", "/visits/"+check+"/report", "id", inspection.NewID(), "version", s.version("visits", check), "summary", "Đã xem."); a.code != http.StatusConflict {
			t.Errorf("the first word of the unit ends its term: %d", a.code)
		}
		s.says(s.page("truongdoan", "/visits/"+check+"/report"), "Đang chờ ý kiến của đơn vị")
		s.sent("thutruong", "/visits/"+check+"/opinion", "id", inspection.NewID(), "opinion", "Đơn vị không còn ý kiến khác.", "done", "1")
		s.says(s.page("truongdoan", "/inbox"), "/visits/"+check+"/report")
		s.says(s.page("thutruong", "/visits/"+check), "Cán bộ quầy 2 đi lấy hồ sơ ở kho.", "đơn vị đã nêu đủ ý kiến", "Bổ sung ý kiến")
		s.says(s.page("thutruong", "/visits/"+check+"/minutes"), "Cán bộ quầy 2 đi lấy hồ sơ ở kho.")
		s.says(s.page("truongdoan", "/visits/"+check+"/report"), "Cán bộ quầy 2 đi lấy hồ sơ ở kho.")
		s.says(s.page("chutich", "/visits/"+check+"/conclusion"), "chưa báo cáo kết quả nên chưa kết luận được")
		s.says(s.page("chutich", "/visits?state=sent"), "/visits/"+check, `value="sent" selected`, `value="REMOTE" selected`)
		for _, other := range []string{"state=MINUTES_UNSIGNED", "form=SURPRISE"} { // nobody refused to sign it
			if strings.Contains(s.page("chutich", "/visits?"+other), "/visits/"+check) {
				t.Errorf("the look is listed under %s", other)
			}
		}
		s.reports(check)
		conclusion := s.page("chutich", "/visits/"+check+"/conclusion")
		s.says(conclusion, "Cán bộ quầy 2 đi lấy hồ sơ ở kho.", "Không có người trực", "không chấm điểm")
		if strings.Contains(conclusion, "trừ 10 điểm") {
			t.Error("who concludes a look is told of a score")
		}
		s.concludes(check)
		var scores int64
		s.must(db.Table("scores").Where("visit_id = ?", check).Count(&scores).Error)
		if scores != 0 {
			t.Error("a look is scored")
		}
		if f := s.findings(check)[0]; f.State != finding.Assigned {
			t.Errorf("its finding is %s", f.State)
		}
		s.says(s.page("chutich", "/visits/"+check), "từ xa qua camera", "Không có người trực")
		day := string(s.clock.Now().Date())
		s.says(s.page("chutich", "/overview?from="+day+"&to="+day), "Kiểm tra từ xa qua camera: 1 cuộc, 1 cuộc có tồn tại", "/visits?figure=looks&amp;from="+day)
		if list := s.page("chutich", "/visits?figure=looks&from="+day+"&to="+day); strings.Count(list, `href="/visits/`+check+`"`) != 1 || !strings.Contains(list, "từ xa") {
			t.Error("the figure of looks does not lead to them: " + list)
		}
	})
}

// TestALookOutsideWorkingHours: the page says so before it begins; what the stills show then
// need not be judged, and a camera that the server may not reach is not offered.
func TestALookOutsideWorkingHours(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		s.taking()
		s.camera(7, func(e *snapshot.Entry) {
			e.Name, e.Source = "Camera ghế chờ", camera.Source{Way: camera.HTTP, Address: "http://10.1.1.1/still.jpg"}
		})
		c := s.camera(7)
		target := s.remoteTarget(7)
		closed := "Bây giờ ngoài giờ làm việc của đơn vị"
		if strings.Contains(s.page("truongdoan", "/targets/"+target), closed) {
			t.Error("the unit is said to be closed in its hours")
		}
		s.clock.Advance(4*time.Hour + 10*time.Minute) // ten past twelve
		s.says(s.page("truongdoan", "/targets/"+target), "Bắt đầu xem", closed)
		check := s.beginsLook(target)
		look := "/visits/" + check + "/look"
		page := s.page("truongdoan", look)
		s.says(page, "Camera ghế chờ", "nằm ngoài dải máy chủ được truy cập")
		if n := strings.Count(page, "Chụp một ảnh</button>"); n != 1 || strings.Index(page, "Camera quầy 1") > strings.Index(page, "Camera ghế chờ") {
			t.Errorf("%d cameras are offered, or the wrong one first", n)
		}
		if r := s.stillOf(check, c); r.State != snapshot.Taken {
			t.Fatalf("%+v", r)
		}
		page = s.page("truongdoan", look)
		s.says(page, "không cần nhận định", "Kết thúc xem")
		if strings.Contains(page, "ảnh chưa có nhận định") {
			t.Error("somebody is to say what an empty room at noon shows")
		}
		b := s.seenIn("look-noon", "truongdoan")
		b.open(look)
		b.everyLook("look-noon")
		s.onLook("truongdoan", look, "do", "finish")
		s.onLook("truongdoan", look, "do", "send")
		s.says(s.page("truongdoan", "/visits/"+check+"/minutes"), "ngoài giờ làm việc")
	})
}

// TestALookHasItsBounds: not without a camera whose staff had notice, not of a whole unit,
// not before its day; after half an hour the lead gives leave for each still; on the next
// day there is none.
func TestALookHasItsBounds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		s.taking()
		bare := s.remoteTarget(8)
		s.camera(8, func(e *snapshot.Entry) { e.NoticeNumber, e.NoticeDate = "", "" })
		if a := s.form("truongdoan", "/targets/"+bare+"/look", "id", inspection.NewID()); a.code != http.StatusConflict || !strings.Contains(a.body, "không kiểm tra từ xa được") {
			t.Errorf("a desk without a camera that may be asked: %d %s", a.code, mainOf(a.body))
		}
		s.says(s.page("truongdoan", "/targets/"+bare), "Quầy này chưa có camera đang dùng", "Nhờ người quản trị hệ thống")

		// Such a target is asked about before it is sealed, and not refused.
		lead := s.actor("truongdoan")
		on := string(s.clock.Now().Date().AddDays(1))
		place := s.demo.organs["mau/08"].ID + "/" + s.demo.desks["mau/08"].ID
		form := []string{"id", inspection.NewID(), "team", s.demo.teams[1], "place", place, "form", "REMOTE", "planned_on", on, "at", "08:30", "do", "seal"}
		a := s.form("truongdoan", "/targets", form...)
		if confirm := place + "|" + on + "|08:30|REMOTE"; a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Quầy này chưa có camera đang dùng") || !strings.Contains(a.body, `value="`+confirm+`"`) {
			t.Errorf("sealed blind without a word: %d %s", a.code, mainOf(a.body))
		} else {
			s.sent("truongdoan", "/targets", append(form, "confirm", confirm)...)
		}
		_, err := s.demo.services.Plan.Seal(t.Context(), lead, plan.NewTarget{ID: inspection.NewID(), TeamID: s.demo.teams[1], LeadID: lead.Person, Form: plan.Remote,
			OrganisationID: s.demo.organs["mau/09"].ID, PlannedOn: s.clock.Now().Date(), PlannedAt: 480})
		if inspection.KeyOf(err) != "plan.error.remote_desk" {
			t.Errorf("a whole unit is looked at: %v", err)
		}
		s.camera(9)
		later := s.remoteTarget(9)
		s.must(s.demo.services.Plan.Move(t.Context(), lead, later, 0, plan.Moved{PlannedOn: s.clock.Now().Date().AddDays(1), PlannedAt: 480}, "mai"))
		if a := s.form("truongdoan", "/targets/"+later+"/look", "id", inspection.NewID()); a.code != http.StatusConflict {
			t.Errorf("a look before its day: %d", a.code)
		}

		c := s.camera(7)
		check := s.beginsLook(s.remoteTarget(7))
		s.clock.Advance(31 * time.Minute)
		late := s.stillOf(check, c)
		if late.State != snapshot.Asked || late.Why != snapshot.TooLate {
			t.Fatalf("after half an hour: %+v", late)
		}
		s.says(s.page("truongdoan", "/visits/"+check+"/look"), "Quá 30 phút từ khi bắt đầu xem")
		s.sent("truongdoan", "/visits/"+check+"/stills/"+late.ID, "leave", "1", "reason", "đợi giờ cao điểm", "back", "look")
		if r := s.decided(late.ID); r.State != snapshot.Taken {
			t.Fatalf("with leave: %+v", r)
		}
		waiting := s.stillOf(check, c)
		if waiting.State != snapshot.Asked {
			t.Fatalf("%+v", waiting)
		}
		s.clock.Advance(24 * time.Hour)
		clear(s.tokens) // a night ends every session
		a = s.form("truongdoan", "/visits/"+check+"/look", "id", inspection.NewID(), "do", "still", "camera", c.id, "reason", "hôm sau")
		if a.code != http.StatusConflict || !strings.Contains(a.body, "chỉ chụp ảnh trong ngày bắt đầu") {
			t.Errorf("on the next day: %d %s", a.code, mainOf(a.body))
		}
		s.says(s.page("truongdoan", "/visits/"+check+"/look"), "Ngày xem đã qua")
		asked := c.asked.Load()
		if a := s.form("truongdoan", "/visits/"+check+"/stills/"+waiting.ID, "leave", "1", "reason", "xem tiếp hôm sau", "back", "look"); a.code != http.StatusConflict {
			t.Errorf("leave on another day: %d", a.code)
		}
		yesterday := s.clock.Now().Add(-24 * time.Hour).Time()
		back := s.operation(check, visit.OpSnapshot, visit.Snapshot{Camera: c.id, Reason: "lùi giờ"})
		back.DeviceAt = yesterday
		s.refuses("truongdoan", 409, "không có bước đó", back)
		s.onLook("truongdoan", "/visits/"+check+"/look", "do", "judge", "request", late.ID, "value", "MANNED", "text", "")
		s.onLook("truongdoan", "/visits/"+check+"/look", "do", "finish")
		if r := s.request(waiting.ID); r.State != snapshot.Lapsed {
			t.Errorf("what waited for leave when the look was finished: %+v", r)
		}
		if c.asked.Load() != asked {
			t.Error("the camera was asked on another day")
		}
		s.onLook("truongdoan", "/visits/"+check+"/look", "do", "send")
		s.says(s.page("thutruong", "/visits/"+check+"/minutes"), "ngày "+s.clock.Now().Date().VN())

		empty := s.beginsLook(s.remoteTarget(9)) // nothing was taken: not at once, but it can be ended
		if a := s.form("truongdoan", "/visits/"+empty+"/look", s.asShown("truongdoan", "/visits/"+empty+"/look", "do", "finish")...); a.code != http.StatusConflict {
			t.Errorf("a look that has just begun is ended by a slip: %d", a.code)
		}
		s.clock.Advance(24 * time.Hour)
		clear(s.tokens)
		s.onLook("truongdoan", "/visits/"+empty+"/look", "do", "finish")
		s.onLook("truongdoan", "/visits/"+empty+"/look", "do", "send")

		onSite := s.begin(s.seal(7))
		if a := s.get("truongdoan", "/visits/"+onSite+"/look"); a.code != http.StatusNotFound {
			t.Errorf("the page of a look for a check on site: %d", a.code)
		}
		if a := s.form("truongdoan", "/visits/"+onSite+"/look", "id", inspection.NewID(), "do", "finish"); a.code != http.StatusNotFound {
			t.Errorf("the acts of a look for a check on site: %d", a.code)
		}
		s.refuses("truongdoan", 409, "không có bước đó", s.operation(inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: s.remoteTarget(7), Location: "DENIED"}))
		other := s.beginsLook(s.remoteTarget(7))
		s.refuses("truongdoan", 409, "không có bước đó", s.operation(other, visit.OpAttendanceBegin, visit.AttendanceBegin{}))
		raw := s.photo()
		_, err = s.demo.services.Evidence.Declare(t.Context(), s.actor("thanhvien"), evidence.Declaration{ID: inspection.NewID(), Visit: other, SHA256: sum(raw), Size: int64(len(raw)), Kind: evidence.Screenshot})
		if inspection.KeyOf(err) != "evidence.error.no_files" {
			t.Errorf("the team sends a file to a look: %v", err)
		}
		for range snapshot.Many { // of all looks at the desk on the day
			s.stillOf(other, c)
		}
		if r := s.stillOf(s.beginsLook(s.remoteTarget(7)), c); r.State != snapshot.Asked || r.Why != snapshot.TooMany {
			t.Errorf("a still of another look at the same desk: %+v", r)
		}
	})
}

// TestAStandingDecisionLetsTheChiefOfOfficeLook: the chief of office, whom a decision names
// as head of a team, looks at any desk of the area by a campaign of that decision, and at
// none without one.
func TestAStandingDecisionLetsTheChiefOfOfficeLook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		s.account("chanhvp", inspection.ChiefOfOffice, "mau/ubnd")
		c := s.camera(7)
		s.taking()
		theirs := s.remoteTarget(7)
		if a := s.form("chanhvp", "/targets/"+theirs+"/look", "id", inspection.NewID()); a.code != http.StatusNotFound {
			t.Errorf("somebody else's target is looked at: %d", a.code)
		}
		today, plans := s.clock.Now().Date(), s.demo.services.Plan
		var checklist string
		s.must(db.Table("checklists").Where("state = 'PUBLISHED'").Order("created_at DESC").Limit(1).Pluck("id", &checklist).Error)
		campaign, err := plans.Create(t.Context(), s.actor("noivu"), plan.NewCampaign{ID: inspection.NewID(), Title: "Theo dõi quầy qua camera", IssuerID: s.demo.organs["mau/ubnd"].ID,
			DecisionNumber: "77/QĐ-UBND", DecisionDate: today, SignedBy: s.demo.people["chutich"], From: today, To: today.AddDays(300), ChecklistID: checklist})
		s.must(err)
		team := inspection.NewID()
		s.must(plans.AddTeam(t.Context(), s.actor("noivu"), plan.NewTeam{ID: team, CampaignID: campaign.ID, Name: "Tổ theo dõi camera"}))
		s.says(s.page("chanhvp", "/targets"), "theo quyết định giao thường xuyên", "làm trưởng đoàn")
		mine := s.page("chanhvp", "/teams/"+team)
		s.says(mine, "người quản lý khác làm được việc đó: ", "Chuyên viên Sở Nội vụ")
		if strings.Contains(mine, "role-"+s.demo.people["chanhvp"]) || !strings.Contains(mine, "role-"+s.demo.people["thanhvien2"]) {
			t.Error("who manages the campaign is offered themselves for its team, or nobody else")
		}
		s.must(plans.AddMembers(t.Context(), s.actor("noivu"), team, []plan.NewMember{
			{PersonID: s.demo.people["chanhvp"], Role: inspection.TeamLead, From: today}, {PersonID: s.demo.people["thanhvien2"], Role: inspection.Inspector, From: today}}))
		s.says(s.page("chanhvp", "/targets/new?team="+team), "từ xa")
		target := inspection.NewID()
		desk := s.demo.desks["mau/07"].ID
		place := s.demo.organs["mau/07"].ID + "/" + desk
		s.sent("chanhvp", "/targets", "id", target, "team", team, "place", place, "form", "REMOTE", "planned_on", string(today), "at", "08:30", "confirm", place+"|"+string(today)+"|08:30|REMOTE")
		a := s.form("chanhvp", "/targets/"+target+"/look", "id", inspection.NewID())
		look := a.header.Get("Location")
		if a.code != http.StatusSeeOther || !strings.HasSuffix(look, "/look") {
			t.Fatalf("%d %s", a.code, mainOf(a.body))
		}
		s.says(s.page("chanhvp", look), "77/QĐ-UBND", "Chụp một ảnh")
		id := inspection.NewID()
		s.sent("chanhvp", look, "id", id, "do", "still", "camera", c.id, "reason", "Theo dõi đầu giờ")
		if r := s.decided(id); r.State != snapshot.Taken {
			t.Fatalf("%+v", r)
		}
		for _, other := range []string{"truongdoan", "chutich", "noivu", "thutruong"} {
			if a := s.get(other, look); a.code != http.StatusNotFound {
				t.Errorf("%s opens the look of another team: %d", other, a.code)
			}
		}
	})
}

// TestALookIsSentAsItWasRead: nobody writes over or sends what another person of the team
// has changed since, without having read it; and what was typed goes along.
func TestALookIsSentAsItWasRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		c := s.camera(7)
		s.taking()
		check := s.beginsLook(s.remoteTarget(7))
		look := "/visits/" + check + "/look"
		still := s.stillOf(check, c)
		judge := func(value, text string) []string {
			return []string{"do", "judge", "request", still.ID, "value", value, "text", text}
		}
		answer := func(value, note string) []string {
			return []string{"still", still.ID, "item", "A04", "value", value, "note", note}
		}
		s.clock.Advance(10 * time.Second)

		late := s.asShown("thanhvien", look, judge("MANNED", "")...)
		s.onLook("truongdoan", look, judge("UNMANNED", "Cả quầy trống")...)
		if a := s.form("thanhvien", look, late...); a.code != http.StatusConflict || !strings.Contains(a.body, "Cả quầy trống") {
			t.Errorf("a judgement is written over unread: %d", a.code)
		}
		late = s.asShown("thanhvien", look+"/item", answer("YES", "")...)
		s.onLook("truongdoan", look+"/item", answer("NO", "Không ai ở quầy")...)
		if a := s.form("thanhvien", look+"/item", late...); a.code != http.StatusConflict || !strings.Contains(a.body, "Mục này vừa được người khác ghi: <strong>Không đạt</strong>: Không ai ở quầy") {
			t.Errorf("an answer is written over unread: %d %s", a.code, mainOf(a.body))
		}
		late = s.asShown("thanhvien", look, "do", "drop", "item", "A04")
		s.clock.Advance(time.Second)
		s.onLook("truongdoan", look+"/item", answer("NO", "Không ai ở quầy 2")...)
		if a := s.form("thanhvien", look, late...); a.code != http.StatusConflict {
			t.Errorf("an answer is dropped unread: %d", a.code)
		}

		late = s.asShown("truongdoan", look, "do", "finish", "strengths", "", "requests", "")
		s.onLook("thanhvien", look, "do", "minutes", "strengths", "Của thành viên", "requests", "")
		if a := s.form("truongdoan", look, late...); a.code != http.StatusConflict || !strings.Contains(a.body, "Nội dung đang lưu: Của thành viên") {
			t.Errorf("a look ends with minutes that were not read: %d", a.code)
		}
		late = s.asShown("truongdoan", look, "do", "finish", "strengths", "Của thành viên", "requests", "Bổ sung khi kết thúc")
		for range 2 { // the same form again is the same end
			s.sent("truongdoan", look, late...)
		}
		if m := s.state(check, "truongdoan").Minutes; m.Strengths != "Của thành viên" || m.Requests != "Bổ sung khi kết thúc" {
			t.Errorf("what was typed when the look ended is gone: %+v", m)
		}

		s.clock.Advance(10 * time.Second)
		send := []string{"do", "send", "unseen", "1", "strengths", "Của thành viên", "requests", "Giải trình trong 5 ngày"}
		late = s.asShown("truongdoan", look, send...)
		s.onLook("thanhvien", look, judge("MANNED", "Nhìn kỹ thì có người")...)
		if a := s.form("truongdoan", look, late...); a.code != http.StatusConflict || !strings.Contains(a.body, "Nhìn kỹ thì có người") || !strings.Contains(a.body, "Giải trình trong 5 ngày") {
			t.Errorf("minutes are sent that nobody read: %d", a.code)
		}
		if st := s.state(check, "truongdoan"); st.Phase != visit.Drafting || st.Minutes.Requests != "Bổ sung khi kết thúc" {
			t.Errorf("a refusal has done half: %s %+v", st.Phase, st.Minutes)
		}
		s.onLook("truongdoan", look, send...)
		if st := s.state(check, "truongdoan"); st.Phase != visit.MinutesNoSig || st.Minutes.Requests != "Giải trình trong 5 ngày" {
			t.Errorf("what was typed does not go along: %s %+v", st.Phase, st.Minutes)
		}
	})
}

// TestWhatIsTypedOnALookStays: a still is asked for, another judged, and what was typed into
// the other forms of the page is still there; a page with something typed is not left without
// a question, and minutes do not go out while a judgement is only half written.
func TestWhatIsTypedOnALookStays(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t))
	c := s.camera(7)
	s.taking()
	check := s.beginsLook(s.remoteTarget(7))
	first, second := s.stillOf(check, c), s.stillOf(check, c)
	b := s.seenIn("look-typed", "truongdoan")
	b.open("/visits/" + check + "/look")
	b.fill("#strengths", "Bàn ghế gọn gàng")
	b.fill("#text-"+first.ID, "Hai người ở quầy")
	b.click(`#still-` + first.ID + ` input[value=MANNED]`)
	b.click(`[data-form="still-` + c.id + `"] button`)
	b.wait("a third still", `document.querySelectorAll('#look-stills [data-state=TAKEN]').length === 3`)
	b.fill("#text-"+second.ID, "Ba người đang chờ")
	b.click(`#still-` + second.ID + ` input[value=QUEUE]`)
	b.click(`#still-` + second.ID + ` [data-form^=judge] button`)
	b.wait("the judgement", `document.querySelector('#still-`+second.ID+` .tag.soon')?.innerText === 'Người dân đang xếp hàng chờ' && document.querySelector('.said')?.innerText === 'Đã ghi nhận định.'`)
	var kept [3]string
	b.eval(`[document.getElementById('strengths').value, document.getElementById('text-`+first.ID+`').value, document.querySelector('#still-`+first.ID+` input:checked')?.value]`, &kept)
	if kept != [3]string{"Bàn ghế gọn gàng", "Hai người ở quầy", "MANNED"} {
		t.Errorf("what was typed is gone: %q", kept)
	}
	b.everyLook("look-typed")
	// The network is cut as a judgement is sent, and another person writes minutes meanwhile:
	// all that was typed is there again, and upon what it was written on.
	b.run(network.EmulateNetworkConditions(true, 0, 0, 0))
	b.click(`#still-` + first.ID + ` [data-form^=judge] button`)
	b.wait("the browser says so", `document.getElementById('look-stills') === null`)
	b.run(network.EmulateNetworkConditions(false, 0, -1, -1))
	s.onLook("thanhvien", "/visits/"+check+"/look", "do", "minutes", "strengths", "Của thành viên", "requests", "")
	b.open("/visits/" + check + "/look")
	kept = [3]string{}
	b.eval(`[document.getElementById('strengths').value, document.getElementById('text-`+first.ID+`').value, document.querySelector('#still-`+first.ID+` input:checked')?.value]`, &kept)
	if kept != [3]string{"Bàn ghế gọn gàng", "Hai người ở quầy", "MANNED"} {
		t.Errorf("what was typed is gone with the network: %q", kept)
	}
	b.click(`#look-minutes [value=minutes]`)
	b.sees("Nội dung đang lưu: Của thành viên")
	var asks bool
	b.eval(`!dispatchEvent(new Event('beforeunload', {cancelable: true}))`, &asks)
	if !asks {
		t.Error("the page can be left without a question")
	}
	b.click(`#look-minutes [value=minutes]`)
	b.sees("Đã lưu nội dung biên bản.")
	if m := s.state(check, "truongdoan").Minutes; m.Strengths != "Bàn ghế gọn gàng" {
		t.Errorf("%+v", m)
	}
	b.click(`#still-` + first.ID + ` [data-form^=judge] button`)
	b.wait("the judgement", `document.querySelector('#still-`+first.ID+` .tag.good:not(.plain)') !== null && document.querySelectorAll('#look-stills .tag').length >= 5`)
	b.click(`#look-stills [data-still]:first-child input[value=MANNED]`)
	b.click(`#look-stills [data-still]:first-child [data-form^=judge] button`)
	b.wait("all are judged", `document.querySelector('#look-next [value=finish]') !== null`)
	b.fill("#requests", "Giữ như vậy")
	b.click(`#look-next [value=finish]`)
	b.wait("the end", `document.querySelector('#look-next [value=send]') !== null`)
	b.fill("#text-"+first.ID, "Còn đang viết")
	late := s.asShown("thanhvien", "/visits/"+check+"/look", "do", "judge", "request", first.ID, "value", "MANNED", "text", "Của người khác")
	s.sent("thanhvien", "/visits/"+check+"/look", late...)
	b.click(`#still-` + first.ID + ` [data-form^=judge] button`) // refused, with what stands
	b.wait("what stands", `document.querySelector('#still-`+first.ID+`').innerText.includes('Của người khác') && document.getElementById('text-`+first.ID+`').value === 'Còn đang viết'`)
	b.click(`#look-next [value=send]`)
	b.sees("Chưa gửi biên bản: trên trang còn nội dung đã nhập mà chưa ghi")
	b.everyLook("look-unsent")
	b.eval(`document.getElementById('text-`+first.ID+`').value = 'Của người khác'`, nil)
	b.click(`#look-next [value=send]`)
	b.wait("the check", `location.pathname === '/visits/`+check+`'`)
	if st := s.state(check, "truongdoan"); st.Phase != visit.MinutesNoSig || st.Minutes.Requests != "Giữ như vậy" || st.Judged[first.ID].Text != "Của người khác" {
		t.Errorf("%s %+v %+v", st.Phase, st.Minutes, st.Judged)
	}
}
