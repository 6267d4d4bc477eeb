package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// published brings the 45 items in.
func (w *world) published() checklist.Version {
	w.t.Helper()
	act := org.Act{Actor: w.sysadmin, At: w.clock.Now()}
	c, report, err := checklist.Import(w.db, act, checklist.Title{Key: "cong-vu", VI: "Bảng kiểm tra công vụ"}, checklist.Files{Checklist: checklist.Seed("checklist.csv"), Bases: checklist.Seed("bases.csv"), Guidance: checklist.Seed("guidance.csv")}, false)
	if len(report.Bad) > 0 {
		w.t.Fatal(report.Bad)
	}
	w.must(err)
	w.must(checklist.Publish(w.db, act, c.ID, c.Version))
	v, err := checklist.Load(w.db, c.ID)
	w.must(err)
	return v
}

var (
	inputOf = regexp.MustCompile(`<input[^>]* name="([^"]+)"[^>]*>`)
	valueOf = regexp.MustCompile(` value="([^"]*)"`)
)

// form is the fields that a page sends where nobody changes anything; radios and boxes
// are left out.
func formOf(page string) url.Values {
	form := url.Values{}
	for _, m := range inputOf.FindAllStringSubmatch(page, -1) {
		if v := valueOf.FindStringSubmatch(m[0]); v != nil && !strings.Contains(m[0], `type="radio"`) && !strings.Contains(m[0], `type="checkbox"`) {
			form.Set(m[1], v[1])
		}
	}
	return form
}

// answer fills the form of a section well.
func answer(list checklist.Version, section string, form url.Values) url.Values {
	for _, it := range list.Items {
		if it.Section != section || it.Source != "ANSWER" {
			continue
		}
		switch it.Response {
		case "YN":
			form.Set("v-"+it.Key, "YES")
		case "RATE3":
			form.Set("v-"+it.Key, "GOOD")
		default:
			form.Set("n-"+it.Key, "10")
			form.Set("bad-"+it.Key, "0")
		}
	}
	if section == "A" {
		for name, v := range map[string]string{"required": "5", "badge": "5", "dress": "5"} {
			form.Set(name, v)
		}
	}
	return form
}

// TestASelfInspectionByPages: asked by home affairs, planned, filled section by section,
// handed in by the head, seen by the office, corrected; each mistake comes back with what
// was typed.
func TestASelfInspectionByPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		list := w.published()
		officer := w.person("noivu", "Chuyên viên Nội vụ", inspection.HomeAffairs, w.issuer.ID, "")
		contact := w.person("dauMoi", "Đầu mối", inspection.UnitContact, w.unit.ID, "")

		wants(t, w.sees(officer, "/self-checks"), "Yêu cầu tự kiểm tra", "Chưa có cuộc tự kiểm tra nào")
		ask := formOf(w.sees(officer, "/self-checks/rounds/new"))
		round := ask.Get("id")
		ask.Set("issuer", w.issuer.ID)
		ask.Set("title", "Tự kiểm tra quý I")
		ask.Set("checklist", list.ID)
		ask.Set("from", "2026-01-01")
		ask.Set("to", "2026-03-31")
		ask.Set("due", "2026-02-01") // over
		rec := w.post(officer, "/self-checks/rounds", ask)
		if rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%d", rec.Code)
		}
		wants(t, rec.Body.String(), "Hạn nộp phải từ hôm nay", `value="Tự kiểm tra quý I"`, `value="2026-02-01"`)
		ask.Set("due", "2026-03-20")
		for range 2 { // sent twice
			if rec := w.post(officer, "/self-checks/rounds", ask); rec.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
		}
		wants(t, w.sees(w.chair, "/self-checks/rounds/"+round), "0/1", w.unit.Name, "chưa có kế hoạch")

		wants(t, w.sees(w.head, "/self-checks"), "Tự kiểm tra quý I", "Hạn nộp 20/03/2026", "/self-checks/new?round="+round)
		wants(t, w.sees(w.head, "/inbox"), "Tự kiểm tra quý I", "/self-checks/new?round="+round)
		lacks(t, w.sees(w.otherHead, "/self-checks")+w.sees(w.otherHead, "/inbox"), "Tự kiểm tra quý I")
		if code, _ := w.open(contact, "/self-checks/new?round="+round); code != http.StatusForbidden {
			t.Errorf("a contact plans: %d", code)
		}
		plan := formOf(w.sees(w.head, "/self-checks/new?round="+round+"&unit="+w.unit.ID))
		id := plan.Get("id")
		plan.Set("responsible", "")
		wants(t, w.post(w.head, "/self-checks", plan).Body.String(), "Ghi nội dung")
		plan.Set("responsible", "Phó Giám đốc <b>")
		if rec := w.post(w.head, "/self-checks", plan); location(rec) != "/self-checks/"+id {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		at := "/self-checks/" + id
		wants(t, w.sees(contact, "/inbox"), `href="`+at+`"`)
		wants(t, w.sees(contact, at), "Còn 44/44 mục", "Phó Giám đốc &lt;b&gt;", "Thủ trưởng đơn vị là người nộp")
		lacks(t, w.sees(w.head, at), `action="`+at+`/hand-in"`)

		a := formOf(w.sees(contact, at+"/sections/A"))
		bad := answer(list, "A", url.Values{})
		for k, v := range a {
			if bad.Get(k) == "" {
				bad[k] = v
			}
		}
		bad.Set("late", "9")
		bad.Set("note-A04", "Chữ đã gõ")
		rec = w.post(contact, at+"/sections/A", bad)
		wants(t, rec.Body.String(), "không khớp với các số khác", "Chữ đã gõ", `name="late" type="text" inputmode="numeric" pattern="[0-9]*" maxlength="7" value="9"`)
		for _, s := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
			form := answer(list, s, formOf(w.sees(contact, at+"/sections/"+s)))
			if s == "C" {
				form.Set("v-C04", "NO")
			}
			form.Set("go", "next")
			rec := w.post(contact, at+"/sections/"+s, form)
			want := at + "/sections/" + string(rune(s[0]+1))
			if s == "H" {
				want = at
			}
			if location(rec) != want {
				t.Fatalf("%s: %d %s %s", s, rec.Code, location(rec), rec.Body)
			}
		}
		page := w.sees(w.head, at)
		wants(t, page, "Đã trả lời đủ 44 mục", `action="`+at+`/hand-in"`, at+"?item=C04#note")
		note := url.Values{"id": {inspection.NewID()}, "item": {"C04"}, "words": {"Mã QR không quét được"}, "measure": {""}, "due": {"2026-03-30"}}
		wants(t, w.post(w.head, at+"/note", note).Body.String(), "Mã QR không quét được", "Ghi nội dung")
		note.Set("measure", "In lại mã")
		if rec := w.post(w.head, at+"/note", note); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		// Two who saved the same item: the second sees what is there and decides.
		stale := answer(list, "C", formOf(w.sees(w.head, at+"/sections/C")))
		stale.Set("v-C04", "NO")
		again := url.Values{}
		for k, v := range stale {
			again[k] = v
		}
		again.Set("v-C05", "NO")
		if rec := w.post(contact, at+"/sections/C", again); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d", rec.Code)
		}
		rec = w.post(w.head, at+"/sections/C", stale)
		if rec.Code != http.StatusConflict {
			t.Errorf("%d", rec.Code)
		}
		wants(t, rec.Body.String(), "vừa được người khác thay đổi", "Hiện đã có:")

		if code, _ := w.open(w.chair, at); code != http.StatusNotFound {
			t.Errorf("the chair reads a draft: %d", code)
		}
		hand := url.Values{"version": {"1"}}
		wants(t, w.post(w.head, at+"/hand-in", hand).Body.String(), "Đánh dấu xác nhận trước khi nộp")
		hand.Set("sure", "1")
		if rec := w.post(contact, at+"/hand-in", hand); rec.Code != http.StatusForbidden {
			t.Errorf("a contact hands in: %d", rec.Code)
		}
		if rec := w.post(w.head, at+"/hand-in", hand); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		for _, reader := range []inspection.Actor{w.head, contact, w.chair, officer} {
			lacks(t, w.sees(reader, "/inbox"), at)
			wants(t, w.sees(reader, at), "Đã nộp", "Mã QR không quét được", "In lại mã")
		}
		wants(t, w.sees(w.chair, "/self-checks/rounds/"+round), "1/1", "100 %", "Mọi đơn vị đã tự kiểm tra", at)
		wants(t, w.sees(w.chair, "/overview?from=2026-01-01&to=2026-12-31"), "Tự kiểm tra: 1/1 đơn vị đã nộp")
		for who, reader := range map[string]inspection.Actor{"another head": w.otherHead, "a lead": w.lead, "a member": w.member, "an administrator": w.sysadmin} {
			for _, path := range []string{at, at + "/sections/A", "/self-checks/rounds/" + round} {
				if code, body := w.open(reader, path); code != http.StatusNotFound || strings.Contains(body, w.unit.Name) {
					t.Errorf("%s opens %s: %d", who, path, code)
				}
			}
			if rec := w.post(reader, at+"/revise", url.Values{"id": {inspection.NewID()}, "reason": {"x"}}); rec.Code != http.StatusNotFound {
				t.Errorf("%s corrects: %d", who, rec.Code)
			}
		}
		if code, _ := w.open(w.head, at+"/sections/A"); code != http.StatusNotFound {
			t.Errorf("what was handed in is filled on: %d", code)
		}
		if rec := w.post(w.head, at+"/sections/A", a); rec.Code != http.StatusNotFound {
			t.Errorf("%d", rec.Code)
		}
		newer := url.Values{"id": {inspection.NewID()}, "reason": {"Đếm nhầm"}}
		if rec := w.post(w.head, at+"/revise", newer); location(rec) != "/self-checks/"+newer.Get("id") {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		wants(t, w.sees(w.head, "/self-checks/"+newer.Get("id")), "Bản 2", "Đính chính vì: Đếm nhầm")
	})
}

// TestHostileFormsOfSelfInspection: nothing of them is an error of the program, and
// nothing is written.
func TestHostileFormsOfSelfInspection(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	list := w.published()
	plan := formOf(w.sees(w.head, "/self-checks/new"))
	plan.Set("unit", w.unit.ID)
	plan.Set("issuer", w.issuer.ID)
	plan.Set("checklist", list.ID)
	plan.Set("from", "2026-03-02")
	plan.Set("to", "2026-03-06")
	plan.Set("responsible", "Giám đốc")
	if rec := w.post(w.head, "/self-checks", plan); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	at := "/self-checks/" + plan.Get("id")
	state := func() string {
		out := ""
		for _, table := range []string{"self_checks", "self_answers", "self_counts", "self_shortcomings", "self_rounds", "self_round_units", "history"} {
			var n int64
			w.must(w.db.Table(table).Count(&n).Error)
			out += fmt.Sprint(n, " ")
		}
		return out
	}
	before := state()
	values := []string{"", "-1", "999999999999999999999", "1e9", "0x10", "٣", "' OR 1=1 --", "<script>", "YES\x00", strings.Repeat("9", 5000), "../../", "NA", "COUNT"}
	for _, v := range values {
		for _, form := range []struct {
			path string
			form url.Values
		}{
			{at + "/sections/A", url.Values{"v-A04": {v}, "ver-A04": {v}}}, {at + "/sections/A", url.Values{"required": {v}, "ver-count": {v}}}, {at + "/sections/D", url.Values{"n-D03": {v}, "bad-D03": {"11"}, "ver-D03": {v}}},
			{at + "/sections/" + url.PathEscape(v), url.Values{}}, {at + "/hand-in", url.Values{"version": {v}, "sure": {"1"}}}, {at + "/plan", url.Values{"version": {v}, "from": {v}, "to": {v}}},
			{at + "/note", url.Values{"id": {v}, "words": {v}, "measure": {v}, "due": {v}, "item": {v}}}, {at + "/shortcomings/" + url.PathEscape(v), url.Values{"version": {"1"}, "to": {v}}},
			{at + "/revise", url.Values{"id": {v}, "reason": {v}}}, {at + "/cancel", url.Values{"version": {v}}}, {at + "/" + url.PathEscape(v), url.Values{"version": {"1"}}},
			{"/self-checks", url.Values{"id": {v}, "unit": {v}, "round": {v}, "issuer": {v}, "checklist": {v}, "from": {v}, "to": {v}, "responsible": {v}}},
			{"/self-checks/rounds", url.Values{"id": {v}, "issuer": {v}, "title": {v}, "checklist": {v}, "from": {v}, "to": {v}, "due": {v}}}, {"/self-checks/rounds/" + url.PathEscape(v) + "/cancel", url.Values{"version": {v}, "reason": {v}}},
		} {
			for _, who := range []inspection.Actor{w.head, w.chair, w.otherHead} {
				if rec := w.post(who, form.path, form.form); rec.Code >= 500 || rec.Code == http.StatusOK {
					t.Errorf("%s %v: %d", form.path, form.form, rec.Code)
				}
			}
		}
		for _, path := range []string{"/self-checks?after=", "/self-checks/new?round=", "/self-checks/new?unit=", at + "?item="} {
			if code, _ := w.open(w.head, path+url.QueryEscape(v)); code >= 500 {
				t.Errorf("%s%q: %d", path, v, code)
			}
		}
	}
	if after := state(); after != before {
		t.Errorf("%s became %s", before, after)
	}
}
