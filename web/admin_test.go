package web

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// sheet posts a table to an import page.
func (w *world) sheet(a inspection.Actor, path, field, table, step string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.sheets(a, path, map[string]string{field: table}, step)
}

// sheets posts several, by field; a spreadsheet is called one.
func (w *world) sheets(a inspection.Actor, path string, tables map[string]string, step string) *httptest.ResponseRecorder {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w.must(m.WriteField("step", step))
	for field, table := range tables {
		if step == "apply" {
			w.must(m.WriteField(field+"_kept", base64.StdEncoding.EncodeToString([]byte(table))))
			continue
		}
		name := field + ".csv"
		if strings.HasPrefix(table, "PK") {
			name = field + ".xlsx"
		}
		part, err := m.CreateFormFile(field, name)
		w.must(err)
		_, err = part.Write([]byte(table))
		w.must(err)
	}
	w.must(m.Close())
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return w.ask(a, r)
}

// repack writes a package with blanks behind one of its parts.
func repack(out io.Writer, raw []byte, part string, blanks int) error {
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		w, err := z.Create(f.Name)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
		if f.Name == part {
			if _, err := w.Write(bytes.Repeat([]byte(" "), blanks)); err != nil {
				return err
			}
		}
	}
	return z.Close()
}

var formVersionOf = regexp.MustCompile(`action="([^"]*)"[^>]*>(?:<p>[^<]*</p>)?(?:<input type="hidden" name="id" value="[^"]*">)?<input type="hidden" name="version" value="(\d+)">`)

// version is the version that the form with an address carries.
func (w *world) version(page, action string) string {
	w.t.Helper()
	for _, m := range formVersionOf.FindAllStringSubmatch(page, -1) {
		if m[1] == action {
			return m[2]
		}
	}
	w.t.Fatalf("no form for %s", action)
	return ""
}

func location(r *httptest.ResponseRecorder) string {
	at, _, _ := strings.Cut(r.Header().Get("Location"), "?")
	return at
}

func TestAdministrationIsForAdministrators(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	paths := []string{"/admin", "/admin/units", "/admin/units/import", "/admin/organisations", "/admin/organisations/import", "/admin/organisations/template.csv", "/admin/organisations/template.xlsx", "/admin/units/template.xlsx", "/admin/units/lineage-template.xlsx",
		"/admin/organisations/" + w.unit.ID, "/admin/people", "/admin/people/" + w.lead.Person, "/admin/calendars", "/admin/calendars/" + w.unit.ID,
		"/admin/calendars/" + w.unit.ID + "/import", "/admin/checklists", "/admin/checklists/import", "/admin/checklists/" + w.campaign}
	for _, path := range paths {
		w.sees(w.sysadmin, path)
		for _, a := range []inspection.Actor{w.chair, w.lead, w.member, w.head} {
			if code, _ := w.open(a, path); code != http.StatusForbidden {
				t.Errorf("%s: %s gets %d", path, a.Name, code)
			}
		}
	}
	for _, path := range []string{"/admin/organisations/x", "/admin/desks/x", "/admin/people/x", "/admin/calendars/x", "/admin/checklists/x"} {
		if code, _ := w.open(w.sysadmin, path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
		if code, _ := w.open(w.chair, path); code != http.StatusForbidden { // whether it exists is not told
			t.Errorf("%s to the chair: %d", path, code)
		}
	}
}

func TestTheFirstStartIsOverWithTheFirstAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		clock := inspection.SystemClock{}
		at, _ := url.Parse("http://example.test")
		s, err := New(Config{URL: at, Version: "test", Proxies: testPeer}, Services{Auth: auth.New(db, clock, auth.Config{Key: make([]byte, 32), SetupKey: []byte("k")}), Org: org.New(db, clock), Checklists: checklist.New(db, clock), Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Server: s, t: t, db: db, tokens: map[string]string{}}
		nobody := inspection.Actor{}
		for _, path := range []string{"/", "/login"} {
			if rec := w.ask(nobody, httptest.NewRequest(http.MethodGet, path, nil)); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/setup" {
				t.Errorf("%s: %d %s", path, rec.Code, rec.Header().Get("Location"))
			}
		}
		form := url.Values{"code": {"abc"}, "name": {"Người Quản Trị"}, "username": {"quantri"}, "password": {testPassword}, "again": {testPassword}}
		if rec := w.post(nobody, "/setup", form); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Mã thiết lập chưa đúng") || !strings.Contains(rec.Body.String(), "Người Quản Trị") {
			t.Errorf("a wrong code: %d", rec.Code)
		}
		form.Set("code", " "+strings.ToUpper(strings.ReplaceAll(s.Auth.SetupCode(), "-", " ")))
		form.Set("again", "khac-han-2026")
		if rec := w.post(nobody, "/setup", form); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("two passwords: %d", rec.Code)
		}
		form.Set("again", testPassword)
		rec := w.post(nobody, "/setup", form)
		if rec.Code != http.StatusSeeOther || location(rec) != "/admin" || len(rec.Result().Cookies()) != 1 {
			t.Fatalf("%d %s %s", rec.Code, rec.Header().Get("Location"), rec.Body)
		}
		r := httptest.NewRequest(http.MethodGet, "/admin?done=admin_setup", nil)
		r.AddCookie(rec.Result().Cookies()[0])
		page := w.ask(nobody, r).Body.String()
		wants(t, page, "Trang thiết lập đã đóng", "Còn 6 việc", "cần làm")
		if rec := w.post(nobody, "/setup", form); rec.Code != http.StatusNotFound {
			t.Errorf("a second: %d", rec.Code)
		}
		if code, _ := w.open(nobody, "/setup"); code != http.StatusNotFound {
			t.Errorf("set-up after the first account: %d", code)
		}
		if code, _ := w.open(nobody, "/login"); code != http.StatusOK {
			t.Errorf("login: %d", code)
		}
	})
}

func TestAnImportIsCheckedBeforeItIsWritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		good := "Mã;Tên;Loại;Địa bàn;Quầy;Vị trí\nmau/9;Trung tâm mới;Trung tâm phục vụ hành chính công cấp xã;xã Đông Sơn;Một cửa mới;Công chức tiếp nhận\n"
		bad := "Mã;Tên;Loại;Địa bàn;Quầy;Vị trí\nmau/9;Trung tâm mới;Nhà hàng;xã Không Có;Một cửa mới;x\n;;;;;\n"
		const path = "/admin/organisations/import"
		rec := w.sheet(w.sysadmin, path, "sheet", bad, "check")
		if rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("bad rows: %d", rec.Code)
		}
		wants(t, rec.Body.String(), "dòng 2", "Nhà hàng", "xã Không Có", "dòng 3", "Chưa có gì thay đổi")
		if rec := w.sheet(w.sysadmin, path, "sheet", bad, "apply"); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("bad rows applied: %d", rec.Code)
		}
		if rec := w.sheet(w.chair, path, "sheet", good, "apply"); rec.Code != http.StatusForbidden {
			t.Errorf("the chair: %d", rec.Code)
		}
		rec = w.sheet(w.sysadmin, path, "sheet", good, "check")
		wants(t, rec.Body.String(), "Tệp đúng", "Thêm 3", base64.StdEncoding.EncodeToString([]byte(good)))
		if n := w.count("organisations", "key = 'mau/9'"); n != 0 {
			t.Fatal("a check wrote")
		}
		if rec = w.sheet(w.sysadmin, path, "sheet", good, "apply"); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		page := w.sees(w.sysadmin, "/admin/organisations?q=trung+tam+moi")
		wants(t, page, "Trung tâm mới", "1 quầy")
		rec = w.sheet(w.sysadmin, path, "sheet", good, "check")
		wants(t, rec.Body.String(), "không có gì để nhập")
		lacks(t, rec.Body.String(), `value="apply"`)
		if rec := w.sheet(w.sysadmin, path, "sheet", "", "check"); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Vui lòng chọn tệp") {
			t.Errorf("no file: %d", rec.Code)
		}
	})
}

func (w *world) count(table, where string) int64 {
	w.t.Helper()
	var n int64
	w.must(w.db.Table(table).Where(where).Count(&n).Error)
	return n
}

func TestAnAdministratorEntersAndCorrects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		id := inspection.NewID()
		form := url.Values{"id": {id}, "name": {"Trung tâm gõ nhằm"}, "kind": {"SERVICE_CENTER_COMMUNE"}, "unit": {"xa dong son"}}
		rec := w.post(w.sysadmin, "/admin/organisations", form)
		at := "/admin/organisations/" + id
		if rec.Code != http.StatusSeeOther || location(rec) != at {
			t.Fatalf("%d %s\n%s", rec.Code, location(rec), rec.Body)
		}
		if rec := w.post(w.sysadmin, "/admin/organisations", form); location(rec) != at || w.count("organisations", "name = 'Trung tâm gõ nhằm'") != 1 {
			t.Errorf("sent twice: %d", rec.Code)
		}
		form.Set("id", inspection.NewID())
		form.Set("unit", "khong co")
		if rec := w.post(w.sysadmin, "/admin/organisations", form); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Không tìm thấy") || !strings.Contains(rec.Body.String(), "Trung tâm gõ nhằm") {
			t.Errorf("no such unit: %d", rec.Code)
		}
		v := w.version(w.sees(w.sysadmin, at), at+"/correct")
		fix := url.Values{"version": {v}, "name": {"Trung tâm gõ nhầm"}, "valid_from": {"2025-07-01"}, "valid_to": {""}}
		if rec := w.post(w.sysadmin, at+"/correct", fix); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Vui lòng ghi lý do") {
			t.Errorf("without a reason: %d", rec.Code)
		}
		fix.Set("reason", "lỗi gõ")
		if rec := w.post(w.sysadmin, at+"/correct", fix); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		if rec := w.post(w.sysadmin, at+"/correct", fix); rec.Code != http.StatusUnprocessableEntity && rec.Code != http.StatusConflict {
			t.Errorf("an old version: %d", rec.Code)
		}
		wants(t, w.sees(w.sysadmin, at), "<h1>Trung tâm gõ nhầm</h1>", "<s>Trung tâm gõ nhằm</s>", "lỗi gõ", "Quản trị")

		// What it is and where it belongs, in one form; what stands there stays.
		place := url.Values{"version": {w.version(w.sees(w.sysadmin, at), at+"/correct")}, "name": {"Trung tâm gõ nhầm"}, "valid_from": {"2025-07-01"}, "valid_to": {""},
			"kind": {"RECEPTION_POINT"}, "unit": {"khong co"}, "parent": {""}, "reason": {"nhập sai nơi"}}
		if rec := w.post(w.sysadmin, at+"/correct", place); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Không tìm thấy") {
			t.Errorf("no such place: %d", rec.Code)
		}
		place.Set("unit", "vn/mau")
		place.Set("parent", w.issuer.Key)
		if rec := w.post(w.sysadmin, at+"/correct", place); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		wants(t, w.sees(w.sysadmin, at), "Điểm tiếp nhận", ">"+w.issuer.Name+"</a>", "nhập sai nơi", "<s>Đông Sơn</s>", "<s>Trung tâm Phục vụ hành chính công cấp xã</s>")

		// A unit too; not so that what hangs on it would be outside.
		unit := "/admin/units/" + w.unit.AdminUnitID
		fix = url.Values{"version": {"1"}, "name": {"Đông Sơn Mới"}, "valid_from": {"2025-08-01"}, "reason": {"lỗi gõ"}}
		if rec := w.post(w.sysadmin, unit+"/correct", fix); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "bên dưới nằm ngoài") {
			t.Errorf("a unit that begins after what it holds: %d", rec.Code)
		}
		fix.Set("valid_from", "2025-07-01")
		if rec := w.post(w.sysadmin, unit+"/correct", fix); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		wants(t, w.sees(w.sysadmin, unit), "Đông Sơn Mới", "<s>Đông Sơn</s>")

		// A desk with a post moves; not to an organisation that does not exist yet.
		rec = w.post(w.sysadmin, at+"/desk", url.Values{"id": {inspection.NewID()}, "name": {"Một cửa gõ"}})
		desk := location(rec)
		if rec := w.post(w.sysadmin, desk+"/post", url.Values{"id": {inspection.NewID()}, "title": {"Công chức tiếp nhận"}, "field": {"Hộ tịch"}, "required": {"1"}}); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		page := w.sees(w.sysadmin, desk)
		post := regexp.MustCompile(`action="(/admin/posts/[^"]*/correct)"`).FindStringSubmatch(page)[1]
		if rec := w.post(w.sysadmin, post, url.Values{"version": {w.version(page, post)}, "title": {"Công chức tiếp nhận"}, "field": {"Hộ tịch"}, "required": {"NO"}, "reason": {"không bắt buộc"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		var must []bool
		w.must(db.Table("posts").Where("desk_id = ?", strings.TrimPrefix(desk, "/admin/desks/")).Pluck("required", &must).Error)
		if len(must) != 1 || must[0] {
			t.Errorf("must be staffed: %v", must)
		}
		rec = w.post(w.sysadmin, "/admin/organisations", url.Values{"id": {inspection.NewID()}, "name": {"Cơ quan tương lai"}, "kind": {"RECEPTION_POINT"}, "unit": {"vn/mau/dong"}, "valid_from": {"2027-01-01"}})
		if rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		move := url.Values{"id": {inspection.NewID()}, "version": {w.version(w.sees(w.sysadmin, desk), desk+"/move")}, "organisation": {"co quan tuong lai"}, "from": {"2026-06-01"}, "reason": {"QĐ 12"}}
		if rec := w.post(w.sysadmin, desk+"/move", move); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "không tồn tại vào ngày 01/06/2026") {
			t.Errorf("to what does not exist yet: %d %s", rec.Code, rec.Body)
		}
		move.Set("from", "2027-02-01")
		rec = w.post(w.sysadmin, desk+"/move", move)
		if rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		wants(t, w.sees(w.sysadmin, location(rec)), "Cơ quan tương lai", "Công chức tiếp nhận", "từ 01/02/2027")
		wants(t, w.sees(w.sysadmin, desk), "31/01/2027", "quầy này từ 01/02/2027", "QĐ 12")
	})
}

func TestAnAdministratorGivesRolesAndAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		at := "/admin/people/" + inspection.NewID()
		if rec := w.post(w.sysadmin, "/admin/people", url.Values{"id": {strings.TrimPrefix(at, "/admin/people/")}, "name": {"Phó giám đốc"}, "position": {"Phó"}}); location(rec) != at {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		role := func(more ...string) *httptest.ResponseRecorder {
			form := url.Values{"id": {inspection.NewID()}, "role": {"unit_head"}, "organisation": {"trung tam phuc vu hanh chinh cong xa dong son"}, "valid_from": {"2026-01-01"}}
			for i := 0; i < len(more); i += 2 {
				form.Set(more[i], more[i+1])
			}
			return w.post(w.sysadmin, at+"/role", form)
		}
		for words, more := range map[string][]string{"Ngày kết thúc đứng trước": {"valid_to", "2025-12-31"}, "được giao khi lập đoàn": {"role", "inspector"}, "chỉ tồn tại từ 01/07/2025": {"valid_from", "2025-01-01"},
			"cần gắn với một cơ quan": {"organisation", ""}, "đúng một nơi mang tên đầy đủ “trung tam”": {"organisation", "trung tam"}} {
			if rec := role(more...); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), words) {
				t.Errorf("%s: %d", words, rec.Code)
			}
		}
		if rec := role(); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		if rec := role("valid_from", "2026-06-01"); rec.Code != http.StatusConflict || !strings.Contains(rec.Body.String(), "thời gian trùng nhau") {
			t.Errorf("twice at once: %d", rec.Code)
		}
		rec := w.post(w.sysadmin, at+"/account", url.Values{"username": {"phogiamdoc"}})
		password := regexp.MustCompile(`id="first-password">([^<]*)<`).FindStringSubmatch(rec.Body.String())
		if rec.Code != http.StatusOK || password == nil {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		lacks(t, w.sees(w.sysadmin, at), password[1])
		s, err := w.Auth.SignIn(ctx, auth.SignIn{Username: "phogiamdoc", Password: password[1], Address: "192.0.2.9"})
		if err != nil || !s.MustChange {
			t.Fatal(s, err)
		}
		page := w.sees(w.sysadmin, at)
		if rec := w.post(w.sysadmin, at+"/disable", url.Values{"version": {w.version(page, at+"/disable")}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if _, err := w.Auth.Authenticate(ctx, s.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
			t.Error("a disabled account goes on:", err)
		}
		wants(t, w.sees(w.sysadmin, "/admin/people?q=pho+giam"), "phogiamdoc", "đã khóa", "Thủ trưởng đơn vị, Trung tâm")
		wants(t, w.sees(w.sysadmin, "/admin/people?role=unit_head&no_account=1"), "Không có gì khớp")

		// Given by mistake, it is taken back: at once, and it is told why.
		page = w.sees(w.sysadmin, at)
		void := regexp.MustCompile(`action="([^"]*/void)"`).FindStringSubmatch(page)[1]
		if rec := w.post(w.sysadmin, void, url.Values{"version": {w.version(page, void)}}); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("without a reason: %d", rec.Code)
		}
		if rec := w.post(w.sysadmin, void, url.Values{"version": {w.version(page, void)}, "reason": {"giao nhầm người"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		wants(t, w.sees(w.sysadmin, at), "<s>Thủ trưởng đơn vị, Trung tâm", "giao nhầm, đã thu hồi", "giao nhầm người")
		lacks(t, w.sees(w.sysadmin, at), "/void\"")

		// One's own roles and account are somebody else's to change.
		own := "/admin/people/" + w.sysadmin.Person
		lacks(t, w.sees(w.sysadmin, own), own+"/disable", own+"/reset", "/end\"", "/void\"")
		for act, form := range map[string]url.Values{"role": {"id": {inspection.NewID()}, "role": {"chairperson"}, "organisation": {w.issuer.Key}}, "disable": {"version": {"1"}}, "reset": {}, "sessions": {}} {
			if rec := w.post(w.sysadmin, own+"/"+act, form); rec.Code != http.StatusForbidden {
				t.Errorf("%s: %d", act, rec.Code)
			}
		}
		var grant string
		w.must(db.Table("person_roles").Where("person_id = ?", w.sysadmin.Person).Pluck("id", &grant).Error)
		if rec := w.post(w.sysadmin, own+"/roles/"+grant+"/end", url.Values{"version": {"1"}, "last": {"2026-12-31"}, "reason": {"nghỉ"}}); rec.Code != http.StatusForbidden {
			t.Errorf("the last administrator removes herself: %d", rec.Code)
		}
	})
}

func TestCalendarsAndChecklistsByPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		at := "/admin/calendars/" + w.unit.ID
		hours := func(version, from, to string, more ...string) *httptest.ResponseRecorder {
			form := url.Values{"version": {version}, "valid_from": {from}, "valid_to": {to}, "weekdays_open1": {"07:00"}, "weekdays_close1": {"11:30"}, "saturday_open1": {"07:00"}, "saturday_close1": {"11:00"}, "reason": {"QĐ giờ mùa hè"}}
			for i := 0; i < len(more); i += 2 {
				form.Set(more[i], more[i+1])
			}
			return w.post(w.sysadmin, at+"/hours", form)
		}
		if rec := hours("0", "2026-03-01", "2026-09-30"); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		if rec := hours("2", "2026-09-30", ""); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "chồng lên giai đoạn từ 01/03/2026 đến 30/09/2026") {
			t.Errorf("periods that overlap: %d %s", rec.Code, rec.Body)
		}
		if rec := hours("1", "2026-10-01", ""); rec.Code != http.StatusConflict {
			t.Errorf("an old version: %d", rec.Code)
		}
		if rec := hours("2", "2026-10-01", "", "weekdays_close1", "06:00"); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("closing before opening: %d", rec.Code)
		}
		if rec := hours("2", "2026-03-01", "2026-08-31", "replaces", "2026-03-01"); rec.Code != http.StatusSeeOther {
			t.Errorf("replacing: %d", rec.Code)
		}
		if rec := w.post(w.sysadmin, at+"/day", url.Values{"day": {"2026-03-04"}, "kind": {"HOLIDAY"}, "name": {"Ngày hội"}, "reason": {"CV 5"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		page := w.sees(w.sysadmin, at)
		wants(t, page, "01/03/2026 – 31/08/2026", "Ngày hội", "07:00–11:00", "lễ")
		wants(t, w.sees(w.sysadmin, "/admin/calendars"), "Việt Nam", w.unit.Name)
		if rec := w.post(w.sysadmin, at+"/remove-day", url.Values{"day": {"2026-03-04"}}); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `<details open><summary>Gỡ ngày nhập nhầm`) {
			t.Errorf("without a reason: %d", rec.Code)
		}
		if rec := w.post(w.sysadmin, at+"/remove-day", url.Values{"day": {"2026-03-04"}, "reason": {"ngày thường"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		page = w.sees(w.sysadmin, at)
		if rec := w.post(w.sysadmin, at+"/remove-hours", url.Values{"version": {w.version(page, at+"/remove-hours")}, "period": {"2026-03-01"}, "reason": {"của đơn vị khác"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		page = w.sees(w.sysadmin, at)
		lacks(t, page, "/remove-hours", "/remove-day")
		wants(t, page, "ngày thường", "của đơn vị khác", "04/03/2026, Ngày nghỉ: Ngày hội")

		rec := w.post(w.sysadmin, "/admin/checklists/builtin", url.Values{})
		draft := location(rec)
		wants(t, w.sees(w.sysadmin, draft), "45 mục, tổng trọng số 100", "Dự thảo")
		w.must(db.Exec("UPDATE checklist_items SET weight = 7 WHERE code = 'A01' AND checklist_id = ?", strings.TrimPrefix(draft, "/admin/checklists/")).Error)
		publish := url.Values{"version": {"1"}, "sure": {"1"}}
		if rec := w.post(w.sysadmin, draft+"/publish", publish); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Tổng trọng số là 101, phải bằng 100") {
			t.Errorf("weights that do not add up: %d", rec.Code)
		}
		w.must(db.Exec("UPDATE checklist_items SET weight = 6 WHERE code = 'A01'").Error)
		if rec := w.post(w.sysadmin, draft+"/publish", url.Values{"version": {"1"}}); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("unsure: %d", rec.Code)
		}
		if rec := w.post(w.sysadmin, draft+"/publish", publish); rec.Code != http.StatusSeeOther {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if rec := w.post(w.sysadmin, draft+"/publish", publish); rec.Code != http.StatusConflict {
			t.Errorf("published twice: %d", rec.Code)
		}
	})
}
