package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/i18n"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func hexSum(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func TestEveryActAndStateHasItsWords(t *testing.T) {
	for _, a := range findingActs {
		keys := []string{"findings.do.", "findings.hint.", "done.", "finding.event."}
		if a.Text != "" {
			keys = append(keys, "findings.label.")
		}
		if a.Files {
			keys = append(keys, "findings.files.", "findings.files_hint.")
		}
		if a.Sure {
			keys = append(keys, "findings.sure.")
		}
		for _, k := range keys {
			if !i18n.Has(k + string(a.Event)) {
				t.Errorf("no words for %s%s", k, a.Event)
			}
		}
	}
	for _, s := range finding.States {
		if !i18n.Has("findings.next."+string(s)) || !i18n.Has("finding.state."+string(s)) {
			t.Errorf("no words for state %s", s)
		}
	}
	for d := range 7 {
		if !i18n.Has(fmt.Sprintf("findings.weekday.%d", d)) {
			t.Errorf("no word for weekday %d", d)
		}
	}
	for key, field := range fieldOf {
		if !i18n.Has(key) || field == "" {
			t.Errorf("%s: no words", key)
		}
	}
}

func TestTheHeadOfAUnitSeesItsOwnFindingsAndNothingElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.Assigned)
		wants(t, w.sees(w.head, "/findings"), "Bảng phí đã hết hiệu lực", "Tồn tại cần xử lý (1)", "Xác nhận đã nhận")
		wants(t, w.sees(w.head, "/findings/"+f.ID), "Bảng phí đã hết hiệu lực", "7/TB-UBND", "Chủ tịch")
		inbox := w.sees(w.otherHead, "/findings")
		wants(t, inbox, "Tồn tại cần xử lý (0)", "Không có việc cần làm")
		lacks(t, inbox, "Bảng phí", f.ID)
		unknown := inspection.NewID()
		for _, a := range []inspection.Actor{w.otherHead, w.foreign, w.sysadmin} {
			code, theirs := w.open(a, "/findings/"+f.ID)
			_, none := w.open(a, "/findings/"+unknown)
			if code != http.StatusNotFound || sameButIDs(theirs) != sameButIDs(none) {
				t.Errorf("%s tells a foreign finding from one that does not exist (%d)", a.Name, code)
			}
			for _, e := range findingActs {
				foreign := w.post(a, "/findings/"+f.ID+"/"+string(e.Event), w.form(f, "text", "x", "reason", "x"))
				none := w.post(a, "/findings/"+unknown+"/"+string(e.Event), w.form(f, "text", "x", "reason", "x"))
				if foreign.Code != http.StatusNotFound || sameButIDs(foreign.Body.String()) != sameButIDs(none.Body.String()) {
					t.Errorf("%s, %s: %d", a.Name, e.Event, foreign.Code)
				}
			}
			if page := w.sees(a, "/findings?q=bang+phi&state=open"); strings.Contains(page, f.ID) {
				t.Errorf("%s finds a foreign finding by searching", a.Name)
			}
			if page := w.sees(a, "/findings?unit="+w.unit.ID); strings.Contains(page, f.ID) {
				t.Errorf("%s finds a foreign finding by its unit", a.Name)
			}
		}
		if got := w.get(f.ID); got.Version != f.Version {
			t.Errorf("the finding has changed")
		}
	})
}

func TestTheInboxBeginsWithWhatHurtsMost(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.raise("D04", "Thiếu phiếu xin lỗi", finding.Major, finding.InRemediation) // 1 working day
	w.raise("B03", "Biển chức danh", finding.Minor, finding.InRemediation)      // 30 working days
	w.raise("A01", "Đi muộn", finding.Critical, finding.InRemediation)          // 5 working days
	w.raise("C05", "Chờ tái kiểm tra lại", finding.Major, finding.ReinspectDue) // waits
	w.clock.Set(time.Date(2026, 3, 5, 9, 0, 0, 0, inspection.Zone))             // Thursday
	w.renew()
	w.raise("E01", "Mới ghi nhận", finding.Moderate, finding.Recorded) // may be explained
	page := w.sees(w.head, "/findings")
	at := -1
	for _, text := range []string{"QUÁ HẠN 2 NGÀY", "Thiếu phiếu xin lỗi", "Còn 2 ngày làm việc", "đến 17:30 thứ Hai 09/03/2026", "Đi muộn", "Mới ghi nhận", "Biển chức danh", "Đang chờ nơi khác (1)", "Chờ tái kiểm tra lại"} {
		i := strings.Index(page, text)
		if i < at || i < 0 {
			t.Errorf("%q stands at %d, after %d", text, i, at)
		}
		at = i
	}
	wants(t, page, "Tồn tại cần xử lý (4)", "Mức độ nội bộ của cuộc kiểm tra, không phải kết luận kỷ luật.")
}

func TestTheStoryOfAFindingByForms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.Recorded)
		do := func(a inspection.Actor, e finding.Event, files map[string][]byte, more ...string) {
			t.Helper()
			f = w.get(f.ID)
			path, form := "/findings/"+f.ID+"/"+string(e), w.form(f, more...)
			if page := w.sees(a, "/findings/"+f.ID); !strings.Contains(page, `action="`+path+`"`) {
				t.Errorf("%s: the page offers no form", e)
			}
			for range 2 { // sent twice is one act
				var rec *httptest.ResponseRecorder
				if files == nil {
					rec = w.post(a, path, form)
				} else {
					rec = w.send(a, path, form, files)
				}
				if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/findings/"+f.ID+"?done="+string(e) {
					t.Fatalf("%s: %d\n%s", e, rec.Code, rec.Body.String())
				}
			}
			if n := w.steps(f.ID, e); n != 1 {
				t.Errorf("%s happened %d times", e, n)
			}
		}
		do(w.head, finding.Explain, map[string][]byte{"b.jpg": picture(1)}, "text", "Đã in lại từ hôm trước")
		w.derive()
		wants(t, w.sees(w.head, "/findings/"+f.ID), "Đã in lại từ hôm trước", `/thumb"`)
		chairs := w.sees(w.chair, "/findings/"+f.ID)
		wants(t, chairs, "Ảnh chưa được chia sẻ", "SHA-256")
		lacks(t, chairs, `/thumb"`, `/original"`, `/preview"`)
		d, err := w.Findings.Get(ctx, w.chair, f.ID)
		w.must(err)
		do(w.chair, finding.Rule, nil, "explanation", d.Explanations[0].ID, "ruling", "PARTLY", "reason", "Chưa đủ")
		wants(t, w.sees(w.head, "/findings/"+f.ID), "Chấp nhận một phần", "Chưa đủ")
		f = w.get(f.ID)
		decide := orgAct(w, w.chair)
		w.must(finding.ConfirmIn(db, decide, f.ID))
		do(w.chair, finding.Assign, nil, "document_no", "9/TB-UBND")
		do(w.head, finding.Acknowledge, nil)
		do(w.head, finding.AskExtension, nil, "days", "3", "reason", "Chờ in")
		wants(t, w.sees(w.lead, "/findings/"+f.ID), "Đơn vị đề nghị thêm 3 ngày làm việc: Chờ in")
		do(w.lead, finding.GrantExtension, nil, "text", "Đồng ý")
		w.clock.Advance(time.Hour)
		do(w.head, finding.Submit, map[string][]byte{"sau.jpg": picture(2)}, "text", "Đã thay bảng mới")
		do(w.lead, finding.Return, nil, "reason", "Ảnh mờ")
		f = w.get(f.ID)
		again := w.form(f, "text", "Đã chụp lại")
		if rec := w.send(w.head, "/findings/"+f.ID+"/submit", again, map[string][]byte{"sau2.jpg": picture(3)}); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body.String())
		}
		do(w.lead, finding.Accept, nil)
		page := w.sees(w.lead, "/findings/"+f.ID)
		wants(t, page, "Chờ tái kiểm tra", "/reinspections/new?finding="+f.ID, "Ảnh mờ", "Đã thay bảng mới")
		w.derive()
		body, err := w.reinspected(ctx, w.fresh, f.ID)
		w.must(err)
		if body.Code != "C03" || body.Severity != "MAJOR" || len(body.Photos) != 2 || body.Photos[0].Role != "AFTER" {
			t.Errorf("re-inspected: %+v", body)
		}
	})
}

func TestARefusedFormKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	f := w.raise("C03", "Bảng phí", finding.Major, finding.InRemediation)
	w.clock.Advance(time.Hour)
	path := "/findings/" + f.ID + "/submit"

	none := w.send(w.head, path, w.form(f, "text", "Đã thay <bảng> mới"), nil)
	if none.Code != http.StatusUnprocessableEntity {
		t.Fatalf("without a picture: %d", none.Code)
	}
	wants(t, none.Body.String(), "Đã thay &lt;bảng&gt; mới", "Cần ít nhất một ảnh hoặc tài liệu lập sau khi cuộc kiểm tra kết thúc.", `class="field wrong"`)

	svg := w.send(w.head, path, w.form(f, "text", "Văn bản giữ lại"), map[string][]byte{"anh.jpg": []byte("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")})
	if svg.Code != http.StatusUnprocessableEntity {
		t.Fatalf("an SVG named .jpg: %d", svg.Code)
	}
	wants(t, svg.Body.String(), "Văn bản giữ lại", `class="field wrong"`)

	large := w.send(w.head, path, w.form(f, "text", "Ảnh quá lớn"), map[string][]byte{"anh.jpg": append(picture(1), make([]byte, 1<<20)...)})
	if large.Code != http.StatusRequestEntityTooLarge {
		t.Fatalf("too large: %d", large.Code)
	}
	wants(t, large.Body.String(), "Ảnh quá lớn</textarea>")

	// A picture arrived, the text was missing: the picture need not be chosen again.
	form := w.form(f, "text", " ")
	kept := w.send(w.head, path, form, map[string][]byte{"anh.jpg": picture(9)})
	if kept.Code != http.StatusUnprocessableEntity {
		t.Fatalf("without a text: %d", kept.Code)
	}
	_, after, ok := strings.Cut(kept.Body.String(), `name="file" value="`)
	if !ok || !strings.Contains(kept.Body.String(), form.Get("id")) {
		t.Fatal("the picture that arrived is not kept with the form")
	}
	form.Set("text", "Đã thay bảng mới")
	form.Set("file", after[:36])
	if rec := w.send(w.head, path, form, nil); rec.Code != http.StatusSeeOther {
		t.Fatalf("again: %d %s", rec.Code, rec.Body.String())
	}
	if got := w.get(f.ID); got.State != finding.Submitted {
		t.Errorf("state %s", got.State)
	}

	// The state moved on meanwhile: what was typed is shown to be copied.
	g := w.raise("B03", "Biển tên", finding.Minor, finding.Recorded)
	w.must(w.Findings.Explain(ctx, w.head, g.ID, 0, finding.ExplainInput{Text: "Trước"}))
	late := w.post(w.head, "/findings/"+g.ID+"/explain", w.form(g, "text", "Giải trình dài"))
	if late.Code != http.StatusConflict {
		t.Fatalf("an old version: %d", late.Code)
	}
	wants(t, late.Body.String(), "Giải trình dài</textarea>", "Nội dung vừa nhập chưa được ghi")
}

func TestWhatHurtsIsConfirmedFirst(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	f := w.raise("C03", "Bảng phí", finding.Major, finding.Assigned)
	path := "/findings/" + f.ID + "/close_without_remedy"
	rec := w.post(w.chair, path, w.form(f, "reason", "Đơn vị đã giải thể", "document_no", "3/QĐ"))
	if rec.Code != http.StatusUnprocessableEntity || w.get(f.ID).State != finding.Assigned {
		t.Fatalf("without the confirmation: %d", rec.Code)
	}
	wants(t, rec.Body.String(), "Đơn vị đã giải thể</textarea>", "Cần đánh dấu xác nhận")
	if rec := w.post(w.chair, path, w.form(f, "reason", "Đơn vị đã giải thể", "document_no", "3/QĐ", "sure", "1")); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body.String())
	}
	if got := w.get(f.ID).State; got != finding.ClosedNotFixed {
		t.Errorf("state %s", got)
	}
	for _, version := range []string{"", "0", "-1", "x", "99999999999999999999"} {
		form := w.form(f, "reason", "x")
		form.Set("version", version)
		if rec := w.post(w.chair, "/findings/"+f.ID+"/hold", form); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("version %q: %d", version, rec.Code)
		}
	}
	if rec := w.post(w.chair, "/findings/"+f.ID+"/confirm", w.form(f)); rec.Code != http.StatusNotFound {
		t.Errorf("an event that is no form: %d", rec.Code)
	}
}

func TestAFormSentTwiceAtOnceIsOneAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("C03", "Bảng phí", finding.Minor, finding.Submitted)
		form := w.form(f, "text", "Đạt")
		var wg sync.WaitGroup
		codes := make([]int, 4)
		for i := range codes {
			wg.Go(func() { codes[i] = w.post(w.lead, "/findings/"+f.ID+"/accept", form).Code })
		}
		wg.Wait()
		for _, c := range codes {
			if c != http.StatusSeeOther {
				t.Errorf("codes %v", codes)
			}
		}
		if n := w.steps(f.ID, finding.Accept); n != 1 {
			t.Errorf("accepted %d times", n)
		}
		// Another person's act on the same version is no repetition.
		if rec := w.post(w.lead, "/findings/"+f.ID+"/return", w.form(f, "reason", "Không")); rec.Code != http.StatusConflict {
			t.Errorf("another act on an old version: %d", rec.Code)
		}
	})
}

func TestTheTableIsFiltered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		late := w.raise("D04", "Thiếu phiếu xin lỗi", finding.Major, finding.InRemediation)
		recorded := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.Recorded)
		sent := w.raise("B03", "Biển chức danh", finding.Minor, finding.Submitted)
		closed := w.raise("F01", "Ghế chờ", finding.Minor, finding.Assigned)
		w.must(w.Findings.Close(ctx, w.chair, closed.ID, 0, "x", "1"))
		w.clock.Set(time.Date(2026, 3, 10, 9, 0, 0, 0, inspection.Zone))
		w.renew()
		all := []finding.Finding{late, recorded, sent, closed}
		for path, want := range map[string][]finding.Finding{
			"":                                   all,
			"?q=bang+PHI+het":                    {recorded},
			"?q=" + url.QueryEscape("phiếu xin"): {late},
			"?q=khong+co+gi":                     {},
			"?state=open":                        {late, recorded, sent},
			"?open=1":                            {late, recorded, sent},
			"?overdue=1":                         {late},
			"?state=SUBMITTED":                   {sent},
			"?state=CLOSED_NOT_FIXED":            {closed},
			"?item=D04":                          {late},
			"?item=D04&state=SUBMITTED":          {},
			"?visit=" + w.visit:                  all,
			"?visit=" + inspection.NewID():       {},
			"?unit=" + w.unit.ID + "&overdue=1":  {late},
			"?unit=" + w.other.ID:                {},
		} {
			for _, a := range []inspection.Actor{w.lead, w.chair} {
				page := w.sees(a, "/findings"+path)
				for _, f := range all {
					is := false
					for _, x := range want {
						is = is || x.ID == f.ID
					}
					if strings.Contains(page, "/findings/"+f.ID) != is {
						t.Errorf("%s: %s shown: %v", path, f.ItemCode, !is)
					}
				}
				if len(want) == 0 && path != "" {
					wants(t, page, "Không có tồn tại nào khớp với điều kiện lọc.")
				}
			}
		}
		if code, _ := w.open(w.lead, "/findings?state=NONSENSE"); code != http.StatusUnprocessableEntity {
			t.Errorf("an unknown state: %d", code)
		}
		// The head of a unit who filters gets the table too.
		wants(t, w.sees(w.head, "/findings?overdue=1"), "<table", late.ID)
		for i := range 55 {
			w.raise(fmt.Sprintf("E%02d", i), "Nhiều", finding.Minor, finding.Recorded)
		}
		page := w.sees(w.lead, "/findings?q=nhieu")
		_, next, ok := strings.Cut(page, `href="/findings?after=`)
		if !ok || strings.Count(page, "<tr><td>") != 50 {
			t.Fatalf("the first page holds %d rows", strings.Count(page, "<tr><td>"))
		}
		next = "/findings?after=" + strings.ReplaceAll(next[:strings.Index(next, `"`)], "&amp;", "&")
		if rest := w.sees(w.lead, next); strings.Count(rest, "<tr><td>") != 5 {
			t.Errorf("the second page holds %d rows", strings.Count(rest, "<tr><td>"))
		}
	})
}

func TestTheAPIOfFindings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("C03", "Bảng phí", finding.Minor, finding.Submitted)
		api := func(a inspection.Actor, method, path, match string, body any) (*httptest.ResponseRecorder, map[string]any) {
			t.Helper()
			raw, _ := json.Marshal(body)
			r := httptest.NewRequest(method, "/api/v1/findings"+path, strings.NewReader(string(raw)))
			r.Header.Set("Content-Type", "application/json")
			if match != "" {
				r.Header.Set("If-Match", match)
			}
			rec := w.ask(a, r)
			out := map[string]any{}
			if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
				t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body.String())
			}
			return rec, out
		}
		rec, got := api(w.lead, "GET", "/"+f.ID, "", nil)
		tag := rec.Header().Get("ETag")
		if rec.Code != 200 || tag != fmt.Sprintf("%q", fmt.Sprint(f.Version)) || got["state"] != "SUBMITTED" || len(got["steps"].([]any)) < 4 {
			t.Fatalf("%d %s %v", rec.Code, tag, got)
		}
		if rec, list := api(w.lead, "GET", "?state=open&q=bang", "", nil); rec.Code != 200 || len(list["findings"].([]any)) != 1 {
			t.Errorf("list: %d %v", rec.Code, list)
		}
		if rec, list := api(w.otherHead, "GET", "", "", nil); rec.Code != 200 || len(list["findings"].([]any)) != 0 {
			t.Errorf("a foreign list: %d %v", rec.Code, list)
		}
		act := map[string]any{"id": inspection.NewID(), "text": "Đạt"}
		for _, c := range []struct {
			who   inspection.Actor
			id    string
			match string
			code  int
			kind  string
		}{
			{w.lead, f.ID, "", http.StatusPreconditionRequired, "urn:congvu:invalid"},
			{w.lead, f.ID, `"1"`, http.StatusPreconditionFailed, "urn:congvu:conflict"},
			{w.lead, f.ID, `*`, http.StatusUnprocessableEntity, "urn:congvu:invalid"},
			{w.head, f.ID, tag, http.StatusForbidden, "urn:congvu:forbidden"},
			{w.otherHead, f.ID, tag, http.StatusNotFound, "urn:congvu:not_found"},
			{w.otherHead, inspection.NewID(), tag, http.StatusNotFound, "urn:congvu:not_found"},
			{inspection.Actor{}, f.ID, tag, http.StatusUnauthorized, "urn:congvu:unauthenticated"},
		} {
			rec, p := api(c.who, "POST", "/"+c.id+"/accept", c.match, act)
			if rec.Code != c.code || p["type"] != c.kind || rec.Header().Get("Content-Type") != "application/problem+json" || int(p["status"].(float64)) != c.code {
				t.Errorf("If-Match %q: %d %v", c.match, rec.Code, p)
			}
		}
		for range 2 {
			rec, got := api(w.lead, "POST", "/"+f.ID+"/accept", tag, act)
			if rec.Code != 200 || got["state"] != "ACCEPTED" || rec.Header().Get("ETag") == tag {
				t.Fatalf("%d %v", rec.Code, got)
			}
		}
		if n := w.steps(f.ID, finding.Accept); n != 1 {
			t.Errorf("accepted %d times", n)
		}
		g := w.raise("B03", "Biển tên", finding.Minor, finding.Recorded)
		explain := map[string]any{"id": inspection.NewID(), "text": "Đã có", "files": []string{}}
		for range 2 {
			if rec, got := api(w.head, "POST", "/"+g.ID+"/explain", fmt.Sprintf("%q", fmt.Sprint(g.Version)), explain); rec.Code != 200 || got["state"] != "EXPLAINED" {
				t.Fatalf("%d %v", rec.Code, got)
			}
		}
		if rec, _ := api(w.head, "POST", "/"+g.ID+"/withdraw", `"2"`, explain); rec.Code != http.StatusUnprocessableEntity && rec.Code != http.StatusNotFound {
			t.Errorf("an event that the API does not take: %d", rec.Code)
		}
	})
}
