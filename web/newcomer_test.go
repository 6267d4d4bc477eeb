package web

import (
	"bytes"
	"fmt"
	"html"
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

func TestAUserNameThatSomebodyHasShowsNoPassword(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	p, err := w.Org.AddPerson(ctx, w.sysadmin, org.Person{ID: inspection.NewID(), Name: "Người Mới"})
	w.must(err)
	rec := w.post(w.sysadmin, "/admin/people/"+p.ID+"/account", url.Values{"username": {"truongdoan"}})
	if rec.Code == http.StatusOK || rec.Code >= 500 {
		t.Errorf("%d", rec.Code)
	}
	wants(t, rec.Body.String(), "Người Mới", `value="truongdoan"`)
	lacks(t, rec.Body.String(), `id="first-password"`, `id="first-username"`)
}

// TestATargetKeepsItsChoicesThroughEveryMistake: who is told stays chosen whatever is
// wrong with the day, and what is wrong with it stands at its field.
func TestATargetKeepsItsChoicesThroughEveryMistake(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.must(w.db.Exec("UPDATE checklists SET state = 'PUBLISHED', published_at = 1").Error)
	w.must(w.db.Exec("UPDATE person_roles SET valid_from = '2026-01-01', valid_to = '2026-12-31' WHERE team_id = ?", w.team).Error)
	for day, says := range map[string]string{"": "Vui lòng chọn một ngày", "thứ hai": "Vui lòng chọn một ngày", "2027-01-05": "nằm ngoài thời kỳ", "2025-12-31": "nằm ngoài thời kỳ"} {
		rec := w.post(w.lead, "/targets", url.Values{"id": {inspection.NewID()}, "team": {w.team}, "place": {w.unit.ID + "/"}, "planned_on": {day}, "at": {"09:45"},
			"form": {"SURPRISE"}, "do": {"seal"}, "tell." + w.member.Person: {"leads"}, "tell." + w.fresh.Person: {"told"}})
		page := rec.Body.String()
		if rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", day, rec.Code)
		}
		wants(t, page, w.member.Name, w.fresh.Name, `value="leads" selected`, `value="told" selected`)
		lacks(t, page, "Đoàn cần ít nhất hai thành viên", "không ai có nhiệm vụ")
		_, field, _ := strings.Cut(page, `<input id="planned_on"`)
		if field, _, _ = strings.Cut(field, "</div>"); !strings.Contains(field, says) {
			t.Errorf("%q: the field of the day says %q", day, field)
		}
	}
}

// TestADayOffAndAnHourGoneByAreConfirmedBeforeSealing: neither is noticed afterwards;
// what was confirmed of one day is not confirmed of another.
func TestADayOffAndAnHourGoneByAreConfirmedBeforeSealing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.must(w.db.Exec("UPDATE checklists SET state = 'PUBLISHED', published_at = 1").Error)
	wants(t, w.sees(w.lead, "/targets/new?team="+w.team), `value="2026-03-02"`, `value="10:00"`) // Monday 09:00: what is suggested can still be done
	form := url.Values{"id": {inspection.NewID()}, "team": {w.team}, "place": {w.unit.ID + "/"}, "form": {"SURPRISE"}, "do": {"seal"}, "tell." + w.member.Person: {"told"}}
	doubted := func(day, at, confirm string, says ...string) {
		t.Helper()
		form.Set("planned_on", day)
		form.Set("at", at)
		form.Set("confirm", confirm)
		rec := w.post(w.lead, "/targets", form)
		if rec.Code != http.StatusUnprocessableEntity || w.count("targets", "state = 'SEALED'") != 0 {
			t.Errorf("%s %s: %d", day, at, rec.Code)
		}
		wants(t, rec.Body.String(), append(says, `value="told" selected`, `name="confirm" value="`+w.unit.ID+"/|"+day+"|"+at+`"`)...)
	}
	doubted("2026-03-08", "08:00", "", "là ngày nghỉ") // a Sunday
	doubted("2026-03-02", "08:59", w.unit.ID+"/|2026-03-08|08:00", "08:59", "đã qua")
	doubted("2026-02-27", "09:00", "", "đã qua")
	form.Set("planned_on", "2026-03-08")
	form.Set("at", "08:00")
	form.Set("confirm", w.unit.ID+"/|2026-03-08|08:00")
	for range 2 {
		if rec := w.post(w.lead, "/targets", form); rec.Code != http.StatusSeeOther {
			t.Fatalf("confirmed: %d %s", rec.Code, rec.Body)
		}
	}
	form.Set("id", inspection.NewID())
	form.Set("planned_on", "2026-03-03")
	form.Del("confirm")
	if rec := w.post(w.lead, "/targets", form); rec.Code != http.StatusSeeOther {
		t.Errorf("a working day to come: %d", rec.Code)
	}
}

// TestATeamIsOfferedEverybodyWhoMayJoin: without words the people of the issuer, of its
// area and those without a role are listed, page by page; that nobody was found is said
// only to who searched.
func TestATeamIsOfferedEverybodyWhoMayJoin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		for n := range shownPeople + 2 {
			_, err := w.Org.AddPerson(ctx, w.sysadmin, org.Person{ID: inspection.NewID(), Name: fmt.Sprintf("Người Không Vai %02d", n)})
			w.must(err)
		}
		seen, at := map[string]int{}, "/teams/"+w.team
		first := w.sees(w.chair, at)
		lacks(t, first, "Không tìm thấy ai")
		next := regexp.MustCompile(`<a class="button" href="(/teams/[^"]*after=[^"&]+[^"]*)#take-in"`)
		for pages := 0; at != "" && pages < 9; pages++ {
			page := w.sees(w.chair, at)
			for _, m := range regexp.MustCompile(`<label for="role-[^"]*"><strong>([^<]*)`).FindAllStringSubmatch(page, -1) {
				seen[m[1]]++
			}
			at = ""
			for _, m := range next.FindAllStringSubmatch(page, -1) {
				at = html.UnescapeString(m[1])
			}
		}
		for n := range shownPeople + 2 {
			if name := fmt.Sprintf("Người Không Vai %02d", n); seen[name] != 1 {
				t.Errorf("%s is listed %d times", name, seen[name])
			}
		}
		if seen[w.head.Name] != 1 || seen[w.lead.Name] != 0 || seen[w.chair.Name] != 0 {
			t.Errorf("%v", seen)
		}
		wants(t, w.sees(w.chair, "/teams/"+w.team+"?q=xyzw"), "Không tìm thấy ai")
	})
}

// TestARoleSaysWhereItIsHeld: the form says that every role but the administrator's needs
// an organisation, knows the abbreviation of a committee, and offers what may have been
// meant.
func TestARoleSaysWhereItIsHeld(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		u, err := org.UnitByKey(db, "vn/mau")
		w.must(err)
		_, err = org.CreateOrganisation(db, org.Act{At: w.clock.Now()}, org.Organisation{Kind: org.PeoplesCommittee, Name: "Ủy ban nhân dân phường Lục Bát", AdminUnitID: u.ID})
		w.must(err)
		p, err := w.Org.AddPerson(ctx, w.sysadmin, org.Person{ID: inspection.NewID(), Name: "Người Mới"})
		w.must(err)
		at := "/admin/people/" + p.ID
		wants(t, w.sees(w.sysadmin, at), "bắt buộc, trừ quản trị hệ thống", "ghi từ ngày bổ nhiệm")
		give := func(role, organisation string) *httptest.ResponseRecorder {
			return w.post(w.sysadmin, at+"/role", url.Values{"id": {inspection.NewID()}, "role": {role}, "organisation": {organisation}, "valid_from": {"2026-01-01"}})
		}
		for organisation, says := range map[string]string{"": "ô “Tại cơ quan” còn trống", "UBND phường": "Ủy ban nhân dân phường Lục Bát, Tỉnh Mẫu [", "trung tam": "Trung tâm Phục vụ hành chính công xã Đông Sơn, Xã Đông Sơn [",
			"UBND quận Lục Bát": "Ủy ban nhân dân phường Lục Bát, Tỉnh Mẫu ["} {
			rec := give("records_clerk", organisation)
			if rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", organisation, rec.Code)
			}
			wants(t, rec.Body.String(), says, "Chưa giao vai trò: ô “Tại cơ quan”")
		}
		for _, organisation := range []string{"UBND phường Lục Bát", "Ủy ban nhân dân tỉnh Mẫu"} {
			if rec := give("records_clerk", organisation); rec.Code != http.StatusSeeOther {
				t.Errorf("%s: %d", organisation, rec.Code)
			}
		}
		if rec := give("sysadmin", ""); rec.Code != http.StatusSeeOther {
			t.Errorf("an administrator: %d", rec.Code)
		}
	})
}

// TestTheOnlyPossibleSignerIsChosen: where one person could sign, a new campaign's form
// has chosen them; where nobody held the role on the day, it says what to do.
func TestTheOnlyPossibleSignerIsChosen(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.must(w.db.Exec("UPDATE checklists SET state = 'PUBLISHED', published_at = 1").Error)
	w.must(w.db.Exec("UPDATE person_roles SET valid_from = '2026-02-01' WHERE person_id = ?", w.chair.Person).Error)
	wants(t, w.sees(w.chair, "/campaigns/new"), `value="`+w.chair.Person+`" required checked`)
	rec := w.post(w.chair, "/campaigns", url.Values{"id": {inspection.NewID()}, "title": {"Đợt"}, "issuer": {w.issuer.ID}, "decision_number": {"7/QĐ-UBND"}, "decision_date": {"2026-01-15"},
		"signed_by": {w.chair.Person}, "from": {"2026-02-02"}, "to": {"2026-06-30"}, "checklist": {w.campaign}})
	if rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d", rec.Code)
	}
	wants(t, rec.Body.String(), "nhờ quản trị hệ thống giao vai trò từ ngày bổ nhiệm")
}

// TestAnImportSpeaksOfTheFileThatWasChosen: errors name it as its owner does, an Excel
// file gets one message, a wrong day both ways to write one; the preview counts each
// kind of thing apart.
func TestAnImportSpeaksOfTheFileThatWasChosen(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	const path = "/admin/organisations/import"
	send := func(name, content string) string {
		t.Helper()
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		w.must(m.WriteField("step", "check"))
		part, err := m.CreateFormFile("sheet", name)
		w.must(err)
		_, err = part.Write([]byte(content))
		w.must(err)
		w.must(m.Close())
		r := httptest.NewRequest(http.MethodPost, path, &b)
		r.Header.Set("Content-Type", m.FormDataContentType())
		return w.ask(w.sysadmin, r).Body.String()
	}
	page := send("đơn vị <của tôi>.csv", "Mã;Tên;Loại;Địa bàn;Từ ngày\nmau/9;Trung tâm mới;Chi nhánh;xã Đông Sơn;tháng 7\n")
	wants(t, page, "đơn vị &lt;của tôi&gt;.csv, dòng 2", "01/07/2025 hoặc 2025-07-01")
	lacks(t, page, "don-vi.csv")
	for _, signature := range []string{"PK\x03\x04\x14\x00\xff\xfe\n\xff\n\xff", "\xd0\xcf\x11\xe0\xa1\xb1\n\xff"} {
		page := send("a.xlsx", signature)
		wants(t, page, "tệp Excel", "Có 1 lỗi")
		lacks(t, page, "không phải mã UTF-8")
	}
	w.must(w.db.Exec("UPDATE admin_units SET name = 'Mẫu 07', search = 'mau 07' WHERE name = 'Đông Sơn'").Error)
	wants(t, send("mau.csv", org.RegisterTemplate), "1 cơ quan, đơn vị; 1 quầy; 2 vị trí")
	wants(t, w.sees(w.sysadmin, "/admin/units/import"), "/admin/units/template.csv", "/admin/units/lineage-template.csv", "/admin/units/template.xlsx", "/admin/units/lineage-template.xlsx")
	for _, address := range []string{"/admin/units/template.csv", "/admin/units/lineage-template.csv"} {
		if code, _ := w.open(w.lead, address); code != http.StatusForbidden {
			t.Errorf("%s to a lead: %d", address, code)
		}
	}
	r, err := w.Org.ImportUnits(ctx, w.sysadmin, strings.NewReader(w.sees(w.sysadmin, "/admin/units/template.csv")), strings.NewReader(w.sees(w.sysadmin, "/admin/units/lineage-template.csv")), false)
	if err != nil || r.Added != 4 {
		t.Errorf("the template: %+v %v", r, err)
	}
	wants(t, w.sees(w.sysadmin, "/admin"), "Có 9 đơn vị, 5 đang có hiệu lực")
	wants(t, w.sees(w.sysadmin, "/admin/units"), "Danh sách (9)")
}

// TestTheSetUpSaysEverythingAtOnceAndThatItIsDone: every wrong field is named in one
// answer; afterwards the page leads to the sign-in.
func TestTheSetUpSaysEverythingAtOnceAndThatItIsDone(t *testing.T) {
	db := dbtest.SQLite(t)
	clock := inspection.SystemClock{}
	at, _ := url.Parse("http://example.test")
	s, err := New(Config{URL: at, Version: "test", Proxies: testPeer}, Services{Auth: auth.New(db, clock, auth.Config{Key: make([]byte, 32), SetupKey: []byte("k")}), Org: org.New(db, clock), Checklists: checklist.New(db, clock), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s, t: t, db: db, tokens: map[string]string{}}
	nobody := inspection.Actor{}
	rec := w.post(nobody, "/setup", url.Values{"code": {"abc"}, "name": {" "}, "username": {"x y"}, "password": {"ngắn"}, "again": {"khác"}})
	if rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d", rec.Code)
	}
	for _, field := range []string{"code", "name", "username", "password", "again"} {
		_, part, _ := strings.Cut(rec.Body.String(), `<label for="`+field+`"`)
		if part, _, _ = strings.Cut(part, "</div>"); !strings.Contains(part, `class="wrong-text"`) {
			t.Errorf("nothing is said of %s: %s", field, part)
		}
	}
	if rec := w.post(nobody, "/setup", url.Values{"code": {s.Auth.SetupCode()}, "name": {"A B"}, "username": {"quantri"}, "password": {testPassword}, "again": {testPassword}}); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for _, page := range []*httptest.ResponseRecorder{w.ask(nobody, httptest.NewRequest(http.MethodGet, "/setup", nil)), w.post(nobody, "/setup", url.Values{"code": {"abc"}})} {
		wants(t, page.Body.String(), "Thiết lập đã xong", `href="/login"`)
		lacks(t, page.Body.String(), `name="code"`)
	}
}

// TestALeadFindsTheTargets: from the page after the sign-in and from the menu; nobody
// else is led there.
func TestALeadFindsTheTargets(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	page := w.sees(w.lead, "/visits")
	if n := strings.Count(page, `href="/targets"`); n != 2 {
		t.Errorf("%d links", n)
	}
	for _, a := range []inspection.Actor{w.member, w.chair, w.head} {
		lacks(t, w.sees(a, "/visits"), `href="/targets"`)
	}
}
