package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"
	"congvu/web"

	"gorm.io/gorm"
)

// refused asserts a status and words, and that no row came to be or went.
func (s *site) refused(name string, status int, words string, send func() answer) {
	s.t.Helper()
	before := s.counts()
	a := send()
	body := a.body
	if strings.Contains(a.header.Get("Content-Type"), "json") { // words as people read them
		var v any
		if json.Unmarshal([]byte(body), &v) == nil {
			var plain bytes.Buffer
			e := json.NewEncoder(&plain)
			e.SetEscapeHTML(false)
			_ = e.Encode(v)
			body = plain.String()
		}
	}
	if a.code != status || !strings.Contains(body, words) {
		s.t.Errorf("%s: %d, want %d with %q\n%s", name, a.code, status, words, mainOf(body))
	}
	for table, n := range s.counts() {
		if n != before[table] {
			s.t.Errorf("%s: %s had %d rows, now %d", name, table, before[table], n)
		}
	}
}

// mainOf is the part of a page that differs from others.
func mainOf(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return body[:min(len(body), 700)]
}

// refuses posts one operation that must be refused.
func (s *site) refuses(username string, status int, words string, op operation) {
	s.t.Helper()
	before := s.counts()
	out := s.post(username, op)
	if len(out) != 1 || out[0].Problem == nil || out[0].Problem.Status != status || !strings.Contains(out[0].Problem.Detail, words) {
		s.t.Errorf("%s %s: %+v, want %d with %q", op.Type, op.Payload, out, status, words)
		if len(out) == 1 && out[0].Problem != nil {
			s.t.Logf("%+v", *out[0].Problem)
		}
	}
	for table, n := range s.counts() {
		if n != before[table] {
			s.t.Errorf("%s %s: %s had %d rows, now %d", op.Type, op.Payload, table, before[table], n)
		}
	}
}

// TestWrongFilesOverTheAPI: what a tablet may send by mistake or malice.
func TestWrongFilesOverTheAPI(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	s := newSite(t, db)
	check := s.begin(s.seal(7))
	good := s.photo()
	s.token("thanhvien")
	declare := func(raw []byte, size int64, name string) string {
		id := inspection.NewID()
		a := s.call("thanhvien", http.MethodPost, "/api/v1/files", map[string]any{"id": id, "visit": check, "bytes": size, "sha256": sum(raw), "name": name, "kind": "PHOTO"})
		if a.code != http.StatusCreated {
			t.Fatalf("declare: %d %s", a.code, a.body)
		}
		return id
	}
	put := func(id string, length int64, body io.Reader) func() answer {
		return func() answer {
			r := httptest.NewRequest(http.MethodPut, "/api/v1/files/"+id+"/content", body)
			r.ContentLength = length
			return s.send("thanhvien", r)
		}
	}
	content := func(name string, raw []byte, status int, words string) {
		id := declare(raw, int64(len(raw)), name)
		s.refused(name, status, words, put(id, int64(len(raw)), bytes.NewReader(raw)))
	}

	s.refused("declared too large", http.StatusRequestEntityTooLarge, "tối đa là 1 MB", func() answer {
		return s.call("thanhvien", http.MethodPost, "/api/v1/files", map[string]any{"id": inspection.NewID(), "visit": check, "bytes": 5 << 20, "sha256": sum(good), "kind": "PHOTO"})
	})
	large := bytes.Repeat([]byte("x"), maxTestFile+10)
	s.refused("sends more than any file may have", http.StatusRequestEntityTooLarge, "1 MB", put(declare(good, int64(len(good)), ""), int64(len(large)), bytes.NewReader(large)))
	s.refused("declared small, sends more", http.StatusUnprocessableEntity, "", put(declare(good, 100, ""), int64(len(good)), bytes.NewReader(good)))
	s.refused("sends more in chunks", http.StatusUnprocessableEntity, "", put(declare(good, int64(len(good))-5, ""), -1, bytes.NewReader(good)))
	s.refused("sends far more in chunks", http.StatusUnprocessableEntity, "", put(declare(good, int64(len(good)), ""), -1, io.MultiReader(bytes.NewReader(good), bytes.NewReader(large))))
	s.refused("announces more than it sends", http.StatusUnprocessableEntity, "", put(declare(good, int64(len(good)), ""), int64(len(good)), io.MultiReader(bytes.NewReader(good[:50]), brokenOff{})))
	s.refused("wrong hash", http.StatusUnprocessableEntity, "khác", put(declare([]byte("other"), int64(len(good)), ""), int64(len(good)), bytes.NewReader(good)))
	content("huge.jpg", imagingtest.HugeJPEG(50_000, 50_000), http.StatusRequestEntityTooLarge, "điểm ảnh")
	content("huge.png", imagingtest.HugePNG(50_000, 50_000), http.StatusRequestEntityTooLarge, "điểm ảnh")
	content("cut.jpg", good[:len(good)/2], http.StatusUnprocessableEntity, "")
	content("drawing.jpg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), http.StatusUnprocessableEntity, "JPEG")
	content("page.jpg", []byte(`<!doctype html><script>alert(1)</script>`), http.StatusUnprocessableEntity, "JPEG")
	content("empty.jpg", []byte("\xff\xd8\xff"), http.StatusUnprocessableEntity, "")

	// A PNG called .jpg is what it is.
	png := imagingtest.PNG(imagingtest.Scene(30, 20), imagingtest.Exif{})
	id := declare(png, int64(len(png)), "../../"+strings.Repeat("ảnh", 120)+"\r\nSet-Cookie: x=1.jpg")
	if a := put(id, int64(len(png)), bytes.NewReader(png))(); a.code != http.StatusOK {
		t.Fatalf("PNG named .jpg: %d %s", a.code, a.body)
	}
	file := s.get("thanhvien", "/files/"+id+"/original")
	if file.code != http.StatusOK || file.header.Get("Content-Type") != "image/png" || file.header.Get("Set-Cookie") != "" {
		t.Errorf("PNG named .jpg is served as %d %v", file.code, file.header)
	}
	var name string
	s.must(db.Table("evidence_files").Where("id = ?", id).Pluck("name", &name).Error)
	if strings.ContainsAny(name, "/\r\n") || len([]rune(name)) > 200 {
		t.Errorf("name is kept as %q", name)
	}
	if left, _ := os.ReadDir(s.data + "/spool"); len(left) > 0 {
		t.Errorf("%d files are left in the spool", len(left))
	}
	// The same bytes again are the same receipt.
	first, again := put(id, int64(len(png)), bytes.NewReader(png))(), put(id, int64(len(png)), strings.NewReader("anything"))()
	if first.code != http.StatusOK || again.body != first.body {
		t.Errorf("sent again: %d %s", again.code, again.body)
	}
}

// brokenOff is a connection that ends in the middle.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestWrongFilesInAForm: the same for the forms of the unit; nothing is left behind of
// a file that is refused.
func TestWrongFilesInAForm(t *testing.T) {
	db := dbtest.SQLite(t)
	t.Setenv("TMPDIR", t.TempDir()) // where the parts of a large form lie for a while
	s := newSite(t, db)
	check, _ := s.finished(7)
	f := s.findings(check)[0]
	path := "/findings/" + f.ID + "/explain"
	s.token("thutruong")
	send := func(files ...upload) func() answer {
		return func() answer {
			return s.send("thutruong", multipartForm(path, files, "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", "Giải trình giữ nguyên"))
		}
	}
	good := s.photo()
	for _, c := range []struct {
		name   string
		raw    []byte
		status int
		words  string
	}{
		{"drawing.jpg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 422, "Giải trình giữ nguyên"},
		{"page.jpg", []byte("<html><script>"), 422, "JPEG"},
		{"cut.jpg", good[:len(good)/2], 422, "Giải trình giữ nguyên"},
		{"huge.jpg", imagingtest.HugeJPEG(50_000, 50_000), 413, "điểm ảnh"},
		{"large.jpg", append(bytes.Clone(good), make([]byte, maxTestFile)...), 413, "1 MB"},
		{"empty.jpg", nil, 422, "Giải trình giữ nguyên"},
	} {
		s.refused(c.name, c.status, c.words, send(upload{c.name, c.raw}))
	}
	many := make([]upload, 11)
	for i := range many {
		many[i] = upload{"a.jpg", good}
	}
	s.refused("eleven files", 422, "10", send(many...))
	s.refused("a form of forty megabytes", http.StatusRequestEntityTooLarge, "", func() answer {
		r := multipartForm(path, []upload{{"a.jpg", make([]byte, 12*maxTestFile)}}, "id", inspection.NewID())
		return s.send("thutruong", r)
	})
	s.refused("the same in chunks", http.StatusRequestEntityTooLarge, "", func() answer {
		r := multipartForm(path, []upload{{"a.jpg", make([]byte, 12*maxTestFile)}}, "id", inspection.NewID())
		r.ContentLength = -1
		return s.send("thutruong", r)
	})
	s.refused("a form cut off", 422, "", func() answer {
		r := multipartForm(path, []upload{{"a.jpg", good}}, "id", inspection.NewID())
		raw, _ := io.ReadAll(r.Body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw[:len(raw)-200])), -1
		return s.send("thutruong", r)
	})
	// Sent twice is once, with its files.
	id, version := inspection.NewID(), s.version("findings", f.ID)
	raw := s.photo()
	for range 2 {
		a := s.send("thutruong", multipartForm(path, []upload{{"../../y.html", raw}}, "id", id, "version", version, "text", "Đã rõ"))
		if a.code != http.StatusSeeOther {
			t.Fatalf("explain: %d %s", a.code, mainOf(a.body))
		}
	}
	var explanations, files int64
	s.must(db.Table("explanations").Where("finding_id = ?", f.ID).Count(&explanations).Error)
	s.must(db.Table("evidence_files").Where("visit_id = ? AND side = 'UNIT'", check).Count(&files).Error)
	if explanations != 1 || files != 1 {
		t.Errorf("%d explanations, %d files of a form sent twice", explanations, files)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%s is left of a form", left[0].Name())
	}
}

// TestWrongActsOnACheck: numbers beyond their borders, things of other checks, two at
// once.
func TestWrongActsOnACheck(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		other, otherPhoto := s.finished(8)
		check := s.begin(s.seal(7))
		for _, who := range []string{"thanhvien", "thuky", "truongdoan2", "chutich"} {
			s.token(who)
		}
		op := func(kind visit.Type, payload any) operation { return s.operation(check, kind, payload) }
		answer := func(a visit.AnswerItem) operation { return op(visit.OpAnswer, a) }
		s.refuses("thanhvien", 422, "lớn hơn", answer(visit.AnswerItem{Item: "B03", Value: score.Count, Of: 10, Failing: 11}))
		s.refuses("thanhvien", 422, "lớn hơn", answer(visit.AnswerItem{Item: "D04", Value: score.Count, Of: 5, Failing: 6}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "D04", Value: score.Count, Of: 5, Failing: -1}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "D04", Value: score.Count, Of: 2_000_000}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "D04", Value: score.Count}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "A04", Value: score.NA}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "Z99", Value: score.Yes}))
		s.refuses("thanhvien", 422, "", answer(visit.AnswerItem{Item: "A04", Value: "MAYBE"}))
		s.refuses("thanhvien", 422, "", op(visit.OpAnswer, map[string]any{"item": "A04", "value": "YES", "x": 1}))
		s.refuses("thanhvien", 422, "", op(visit.OpNote, visit.Note{Item: "A04", Text: strings.Repeat("ả", 4001)}))
		s.refuses("thanhvien", 422, "", op(visit.OpPhoto, visit.Photo{Item: "A04", File: otherPhoto}))
		s.refuses("thanhvien", 422, "", op(visit.OpPhoto, visit.Photo{Item: "A04", File: inspection.NewID()}))
		s.refuses("thanhvien", 422, "", op("burn", struct{}{}))
		s.refuses("thanhvien", 422, "", op(visit.OpConclude, visit.Conclude{Text: "x"}))
		s.refuses("thuky", 409, "", op(visit.OpFinish, struct{}{}))
		var names []string
		for name := range s.post("thuky", op(visit.OpFinish, struct{}{}))[0].Problem.Errors {
			names = append(names, name)
		}
		if len(names) != 3 {
			t.Errorf("finishing with three items open names %v", names)
		}

		// Another's device, clock, sequence.
		bad := answer(visit.AnswerItem{Item: "A04", Value: score.Yes})
		bad.Device = "a\x01b"
		s.refuses("thanhvien", 422, "", bad)

		// The act of one person sent again by another is not that person's.
		mine := answer(visit.AnswerItem{Item: "A04", Value: score.Yes})
		s.does("thanhvien", mine)
		if o := s.post("thanhvien", mine)[0]; o.Status != "duplicate" {
			t.Errorf("sent again: %+v", o)
		}
		s.refuses("thuky", 409, "", mine)
		s.refuses("truongdoan2", 404, "", mine)
		changed := mine
		changed.Payload = json.RawMessage(`{"item":"A04","value":"NO"}`)
		s.refuses("thanhvien", 409, "", changed)
		moved := mine
		moved.Visit = other
		s.refuses("thanhvien", 409, "", moved)

		// Two finish at once: one does, the other is told.
		s.answers(check)
		var wait sync.WaitGroup
		outcomes := make([]outcome, 2)
		for i, who := range []string{"thuky", "truongdoan"} {
			finish := op(visit.OpFinish, struct{}{})
			s.token(who)
			wait.Go(func() { outcomes[i] = s.post(who, finish)[0] })
		}
		wait.Wait()
		won, lost := outcomes[0], outcomes[1]
		if won.Problem != nil {
			won, lost = lost, won
		}
		if won.Problem != nil || won.State != "MINUTES_DRAFT" || lost.Problem == nil || lost.Problem.Status != 409 || !strings.Contains(lost.Problem.Detail, "kết thúc") {
			t.Errorf("two finished at once: %+v %+v", won, lost)
		}
		var finished int64
		s.must(db.Table("operations").Where("visit_id = ? AND type = 'finish'", check).Count(&finished).Error)
		if finished != 1 {
			t.Errorf("%d operations finish the check", finished)
		}
	})
}

// TestFormsSentTwice: each of the office's and the unit's forms is one act, however
// often it arrives, also at once.
func TestFormsSentTwice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		other, _ := s.finished(8)
		check, _ := s.finished(7)
		twice := func(who, path string, pairs ...string) {
			t.Helper()
			s.token(who)
			var wait sync.WaitGroup
			answers := make([]answer, 3)
			for i := range 2 {
				wait.Go(func() { answers[i] = s.form(who, path, pairs...) })
			}
			wait.Wait()
			answers[2] = s.form(who, path, pairs...)
			for _, a := range answers {
				if a.code != http.StatusSeeOther {
					t.Errorf("%s: %d\n%s", path, a.code, mainOf(a.body))
				}
			}
		}
		count := func(table, where string, args ...any) {
			t.Helper()
			var n int64
			s.must(db.Table(table).Where(where, args...).Count(&n).Error)
			if n != 1 {
				t.Errorf("%s where %s: %d rows, want 1", table, where, n)
			}
		}
		f := s.findings(check)[0]
		twice("thutruong", "/findings/"+f.ID+"/explain", "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", "Giải trình")
		count("explanations", "finding_id = ?", f.ID)
		var checkIn string
		s.must(db.Table("operations").Where("visit_id = ? AND type = 'check_in'", check).Pluck("id", &checkIn).Error)
		s.token("truongdoan")
		s.refused("the id of another act", http.StatusConflict, "Cơ bản tốt", func() answer {
			return s.form("truongdoan", "/visits/"+check+"/report", "id", checkIn, "version", s.version("visits", check), "summary", "Cơ bản tốt")
		})
		twice("truongdoan", "/visits/"+check+"/report", "id", inspection.NewID(), "version", s.version("visits", check), "summary", "Cơ bản tốt")
		count("operations", "visit_id = ? AND type = 'report'", check)

		// A conclusion that names findings of another check decides nothing of them.
		pairs := []string{"id", inspection.NewID(), "version", s.version("visits", check), "text", "Khắc phục"}
		for _, f := range append(s.findings(check), s.findings(other)...) {
			pairs = append(pairs, "decision-"+f.ID, "confirm")
		}
		var explanation string
		s.must(db.Table("explanations").Where("finding_id = ?", f.ID).Pluck("id", &explanation).Error)
		s.token("chutich")
		s.refused("an explanation without an answer", 422, "giải trình", func() answer { return s.form("chutich", "/visits/"+check+"/conclusion", pairs...) })
		pairs = append(pairs, "ruling-"+explanation, string(finding.RulingPartly), "words-"+explanation, "Ghi nhận.")
		// What is wrong further down leaves the answer to the explanation unwritten.
		for what, bad := range map[string][]string{"ghi lý do rút": {"decision-" + f.ID, "withdraw"}, "thời hạn riêng": {"days-" + f.ID, "900"}, "một ý": {"decision-" + f.ID, ""}} {
			form := append(slices.Clone(pairs), bad...)
			for i := 0; i < len(form)-2; i += 2 {
				if form[i] == bad[0] {
					form[i+1] = bad[1]
				}
			}
			s.refused("wrong below an answer", 422, what, func() answer { return s.form("chutich", "/visits/"+check+"/conclusion", form...) })
			count("explanations", "id = ? AND ruling = '' AND ruled_at = 0", explanation)
		}
		twice("chutich", "/visits/"+check+"/conclusion", pairs...)
		count("operations", "visit_id = ? AND type = 'conclude'", check)
		count("scores", "visit_id = ?", check)
		for _, o := range s.findings(other) {
			if o.State != finding.Recorded {
				t.Errorf("a finding of another check is %s", o.State)
			}
		}

		// A reason that is typed without choosing withdraws nothing; a link fills nothing in.
		s.reports(other)
		reasons := []string{"id", inspection.NewID(), "version", s.version("visits", other)}
		query := "?text=T%E1%BB%AB+li%C3%AAn+k%E1%BA%BFt"
		for _, o := range s.findings(other) {
			reasons = append(reasons, "reason-"+o.ID, "Đơn vị đã nêu rõ")
			query += "&decision-" + o.ID + "=withdraw&reason-" + o.ID + "=Xong"
		}
		s.refused("a reason alone", 422, "Đơn vị đã nêu rõ", func() answer { return s.form("chutich", "/visits/"+other+"/conclusion", reasons...) })
		if page := s.get("chutich", "/visits/"+other+"/conclusion"+query).body; strings.Contains(page, "Từ liên kết") || strings.Contains(page, "Xong") {
			t.Error("a link fills the conclusion in")
		}

		f = s.findings(check)[0]
		twice("thutruong", "/findings/"+f.ID+"/acknowledge", "id", inspection.NewID(), "version", s.version("findings", f.ID))
		s.clock.Advance(time.Hour)
		after := s.file("thutruong", check, s.photo(), evidence.Photo)
		foreign := s.file("thanhvien", s.begin(s.seal(9)), s.photo(), evidence.Photo)
		s.refused("a photo of another check", 422, "", func() answer {
			return s.form("thutruong", "/findings/"+f.ID+"/submit", "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", "Đã sửa", "file", foreign)
		})
		twice("thutruong", "/findings/"+f.ID+"/submit", "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", "Đã sửa", "file", after)
		count("finding_steps", "finding_id = ? AND event = 'submit'", f.ID)
		twice("truongdoan", "/findings/"+f.ID+"/accept", "id", inspection.NewID(), "version", s.version("findings", f.ID))
		count("finding_steps", "finding_id = ? AND event = 'accept'", f.ID)
		s.must(db.Exec("UPDATE findings SET state = 'REINSPECT_DUE', handed_in_on = '2026-03-04', reinspect_from = '2026-03-01', reinspect_due = '2026-06-01', accepted_by = NULL WHERE id = ?", f.ID).Error)
		target := inspection.NewID()
		twice("truongdoan", "/reinspections", "id", target, "visit", check, "finding", f.ID, "member", s.demo.people["thanhvien2"], "planned_on", string(s.clock.Now().Date().AddDays(1)), "at", "09:00")
		count("targets", "id = ?", target)
		count("target_findings", "target_id = ?", target)

		// If-Match: missing, stale, malformed.
		api := "/api/v1/findings/" + f.ID + "/accept"
		body := map[string]any{"id": inspection.NewID()}
		s.refused("no If-Match", http.StatusPreconditionRequired, "", func() answer { return s.call("truongdoan", http.MethodPost, api, body) })
		s.refused("a stale If-Match", http.StatusPreconditionFailed, "", func() answer { return s.call("truongdoan", http.MethodPost, api, body, "If-Match", `"1"`) })
		s.refused("a malformed If-Match", 422, "", func() answer { return s.call("truongdoan", http.MethodPost, api, body, "If-Match", `W/"x"`) })
	})
}

// TestMalformedRequests: bodies and addresses that no page of ours makes.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, _ := s.finished(7)
		f := s.findings(check)[0]
		for _, who := range []string{"truongdoan", "thutruong", "thanhvien"} {
			s.token(who)
		}
		api := func(name string, status int, body string, header ...string) {
			t.Helper()
			s.refused(name, status, "", func() answer { return s.call("thanhvien", http.MethodPost, "/api/v1/operations", body, header...) })
		}
		op := func(payload string) string {
			return fmt.Sprintf(`{"operations":[{"id":%q,"visit":%q,"device":"d","device_at":"2026-03-04T08:00:00+07:00","seq":1,"type":"note","payload":%s}]}`, inspection.NewID(), check, payload)
		}
		api("malformed JSON", 400, `{"operations":[`)
		api("not JSON", 415, `a=b`, "Content-Type", "text/plain")
		api("an unknown field", 422, `{"operations":[],"x":1}`)
		api("no operations", 422, `{"operations":[]}`)
		api("a number for a list", 422, `{"operations":7}`)
		api("deep JSON", 400, op(strings.Repeat(`[`, 20_000)+strings.Repeat(`]`, 20_000)))
		api("invalid UTF-8", 422, op(`{"item":"A04","text":"`+"\xff\xfe"+`"}`))
		api("NUL", 422, op(`{"item":"A04","text":"a\u0000b"}`))
		api("too much", http.StatusRequestEntityTooLarge, op(`{"item":"A04","text":"`+strings.Repeat("x", 1<<20)+`"}`))
		if a := s.call("thanhvien", http.MethodPost, "/api/v1/operations", op(`{"item":"A04","text":"a\\u0000b"}`)); a.code != http.StatusOK {
			t.Errorf("a text that speaks of u0000 is refused: %d %s", a.code, a.body)
		}
		for _, path := range []string{"/visits?q=%00", "/visits?q=%ff", "/visits?state=%00", "/visits?after=%00", "/findings?item=%00", "/findings?unit=%00", "/units?q=%ff%fe", "/api/v1/findings?q=%00"} {
			s.refused(path, 422, "", func() answer { return s.get("truongdoan", path) })
		}
		for _, path := range []string{"/visits/%00", "/visits/%ff", "/findings/%00", "/files/%00/original", "/static/%00", "/static/../../go.mod", "/static/..%2f..%2fgo.mod", "/tablet/..%2fshell.html", "/api/v1/schemas/..%2f..", "/api/v1/schemas/x", "/visits/'%20OR%201=1--", "/nowhere"} {
			s.refused(path, 404, "Không tìm thấy", func() answer { return s.get("truongdoan", path) })
		}
		for _, path := range []string{"/visits?from=heute", "/overview?from=2026-13-45", "/units?as_of=x", "/findings?state=ZZ", "/findings?after=x"} {
			s.refused(path, 422, "", func() answer { return s.get("truongdoan", path) })
		}
		form := func(name string, status int, words, body, kind string) {
			t.Helper()
			s.refused(name, status, words, func() answer {
				r := httptest.NewRequest(http.MethodPost, "/visits/"+check+"/report", strings.NewReader(body))
				r.Header.Set("Content-Type", kind)
				return s.send("truongdoan", r)
			})
		}
		urlencoded, version := "application/x-www-form-urlencoded", s.version("visits", check)
		form("NUL in a form", 422, "ký tự không hợp lệ", "id="+inspection.NewID()+"&version="+version+"&summary=a%00b", urlencoded)
		form("invalid UTF-8 in a form", 422, "ký tự không hợp lệ", "id="+inspection.NewID()+"&version="+version+"&summary=%ff", urlencoded)
		form("a malformed form", 422, "", "id=%zz", urlencoded)
		form("no version", 422, "", "id="+inspection.NewID()+"&summary=x", urlencoded)
		form("no id", 422, "", "version="+version+"&summary=x", urlencoded)
		form("nothing", 422, "", "", "")
		form("a broken multipart form", 422, "", "--x\r\nnonsense", "multipart/form-data; boundary=x")
		form("a multipart form without a boundary", 422, "", "--x", "multipart/form-data")
		form("too large a form", http.StatusRequestEntityTooLarge, "1 MB", "summary="+strings.Repeat("x", 2<<20), urlencoded)
		form("too long a text", 422, "quá dài", "id="+inspection.NewID()+"&version="+version+"&summary="+strings.Repeat("x", 4001), urlencoded)
		form("files where none are taken", http.StatusRequestEntityTooLarge, "1 MB", strings.Repeat("x", 2<<20), "multipart/form-data; boundary=x")
		for _, c := range []struct{ method, path string }{{"DELETE", "/visits"}, {"PUT", "/login"}, {"POST", "/overview"}, {"PATCH", "/api/v1/operations"}, {"GET", "/logout"}, {"TRACE", "/"}, {"POST", "/static/style.css"}} {
			s.refused(c.method+" "+c.path, http.StatusMethodNotAllowed, "không được hỗ trợ", func() answer { return s.call("truongdoan", c.method, c.path, nil) })
		}
		if a := s.send("truongdoan", httptest.NewRequest(http.MethodHead, "/visits", nil)); a.code != http.StatusOK {
			t.Errorf("HEAD: %d", a.code)
		}

		// Another's page may not send forms in a person's name.
		for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"}} {
			for _, path := range []string{"/findings/" + f.ID + "/explain", "/logout", "/login", "/language", "/api/v1/operations"} {
				s.refused(header[1]+" "+path, http.StatusForbidden, "từ một trang khác", func() answer {
					r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("text=x"))
					r.Header.Set("Content-Type", urlencoded)
					r.Header.Set(header[0], header[1])
					return s.send("thutruong", r)
				})
			}
		}
		if a := s.get("thutruong", "/findings"); a.code != http.StatusOK {
			t.Error("a cross-origin request signed somebody out")
		}
	})
}

// TestEveryAnswerIsGuarded holds the headers of pages, answers of the API, files and
// errors.
func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t))
	log := s.listens()
	check, photo := s.finished(7)
	s.derive()
	for _, path := range []string{"/login", "/visits", "/visits/" + check, "/nowhere", "/api/v1/today", "/api/v1/nowhere", "/api/v1/openapi.json", "/visits/x/score", "/files/" + photo + "/original",
		"/files/" + photo + "/thumb", "/files/x/thumb", "/static/style.css", "/static/x", "/tablet/", "/readyz", "/healthz"} {
		for _, who := range []string{"truongdoan", ""} {
			a := s.get(who, path)
			csp := a.header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src") || strings.Contains(csp, "unsafe") || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Frame-Options") != "DENY" ||
				a.header.Get("Referrer-Policy") == "" || a.header.Get("X-Request-Id") == "" || a.header.Get("Cache-Control") == "" {
				t.Errorf("%s %s (%d): %v", who, path, a.code, a.header)
			}
			public := strings.HasPrefix(path, "/static/style") || path == "/tablet/"
			cache := a.header.Get("Cache-Control")
			if !public && cache != "no-store" && !(strings.HasPrefix(path, "/files/") && cache == "private, no-cache") {
				t.Errorf("%s may be kept by caches: %q", path, cache)
			}
			if strings.HasPrefix(path, "/files/"+photo) && a.code == http.StatusOK && (!strings.Contains(csp, "sandbox") || strings.Contains(a.header.Get("Content-Type"), "html")) {
				t.Errorf("%s can run as a page: %v", path, a.header)
			}
		}
	}
	// A file that was seen is asked for again by its hash, and only by who may see it.
	seen := s.get("truongdoan", "/files/"+photo+"/original").header.Get("ETag")
	for who, want := range map[string]int{"truongdoan": http.StatusNotModified, "truongdoan2": http.StatusNotFound, "thutruong": http.StatusNotFound, "": http.StatusUnauthorized} {
		r := httptest.NewRequest(http.MethodGet, "/files/"+photo+"/original", nil)
		r.Header.Set("If-None-Match", seen)
		if a := s.send(who, r); a.code != want {
			t.Errorf("%q asks again: %d, want %d", who, a.code, want)
		}
	}
	// What breaks inside says so with a number to ask for, and nothing else.
	broken := errors.New("secret cause: table x of host y")
	s.Health = func(context.Context, bool) []web.Sign { panic(broken) }
	for _, accept := range []string{"text/html", "application/json"} {
		r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
		r.Header.Set("Accept", accept)
		a := s.send("", r)
		if a.code != http.StatusInternalServerError || strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") || !strings.Contains(a.body, a.header.Get("X-Request-Id")) {
			t.Errorf("a panic: %d %s", a.code, mainOf(a.body))
		}
		if !strings.Contains(log.String(), "secret cause") || !strings.Contains(log.String(), a.header.Get("X-Request-Id")) {
			t.Error("the cause is not in the log")
		}
	}
	if a := s.get("", "/healthz"); a.code != http.StatusOK {
		t.Error("the program does not go on after a panic")
	}
}

// TestWhatIsTypedNeverRuns puts markup into every text that people type, and into the
// names of files, and looks at every page that shows it.
func TestWhatIsTypedNeverRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.SQLite(t))
	const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>'{{.}}`
	s.must(s.db.Exec("UPDATE people SET name = ?, position = ? WHERE id IN (?, ?)", evil, evil, s.demo.people["thanhvien"], s.demo.people["thutruong"]).Error)
	s.must(s.db.Exec("UPDATE desks SET name = ? WHERE id = ?", evil, s.demo.desks["mau/07"].ID).Error)
	s.must(s.db.Exec("UPDATE organisations SET name = ? WHERE id = ?", evil, s.demo.organs["mau/07"].ID).Error)
	check := s.begin(s.seal(7))
	raw := s.photo()
	photo := inspection.NewID()
	member := s.actor("thanhvien")
	_, err := s.demo.services.Evidence.Declare(t.Context(), member, evidence.Declaration{ID: photo, Visit: check, SHA256: sum(raw), Size: int64(len(raw)), Name: evil + ".jpg", Kind: evidence.Photo, NoPeople: true})
	s.must(err)
	_, err = s.demo.services.Evidence.Receive(t.Context(), member, photo, int64(len(raw)), bytes.NewReader(raw))
	s.must(err)
	text := func(t string) *string { return &t }
	s.does("thanhvien",
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.No}),
		s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: evil}),
		s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: photo, NoPeople: true}),
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "B03", Value: score.NA, NAReason: evil}),
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D04", Value: score.Count, Of: 3, Failing: 1, Dossiers: []string{evil[:50]}}),
		s.operation(check, visit.OpFinding, visit.Draft{Item: "D04", Severity: score.Minor, Reason: evil, Text: evil, Remedy: evil}))
	s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
	s.does("thuky", s.operation(check, visit.OpMinutes, visit.Minutes{Strengths: text(evil), Opinion: text(evil), Requests: text(evil), Representatives: text(evil), HeadAbsent: text(evil), Witnesses: text(evil), Place: text(evil)}))
	s.does("thuky", s.operation(check, visit.OpRefuse, visit.Signed{Reason: evil, Witness: evil}))
	f := s.findings(check)[0]
	if a := s.form("thutruong", "/findings/"+f.ID+"/explain", "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", evil); a.code != http.StatusSeeOther {
		t.Fatal(a.code)
	}
	s.must(s.demo.services.Visits.Report(t.Context(), s.actor("truongdoan"), check, inspection.NewID(), 0, visit.Report{Summary: evil, Causes: evil, Proposals: evil}))
	s.derive()
	shown := 0
	for _, who := range []string{"truongdoan", "thanhvien", "thutruong", "chutich"} {
		for _, path := range []string{"/visits", "/visits/" + check, "/visits/" + check + "/minutes", "/visits/" + check + "/photos", "/visits/" + check + "/conclusion", "/findings", "/findings/" + f.ID,
			"/findings?q=%22%3E%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", "/overview", "/units", "/account", "/visits?q=%3Cscript%3Ealert(1)%3C/script%3E", "/login?next=%22%3E%3Cscript%3E"} {
			a := s.get(who, path)
			if strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "onerror=alert(1)>") {
				t.Errorf("%s %s shows markup that was typed", who, path)
			}
			if strings.Contains(a.body, "&lt;img src=x") {
				shown++
			}
		}
	}
	if shown < 12 {
		t.Errorf("what was typed is shown on %d pages only", shown)
	}
	bundle := s.get("truongdoan", "/api/v1/visits/"+check)
	if !strings.Contains(bundle.header.Get("Content-Type"), "application/json") {
		t.Errorf("the bundle: %s", bundle.header.Get("Content-Type"))
	}
	// Nor does what is typed into a form that is refused, or kept over a new sign-in.
	for _, a := range []answer{
		s.form("", "/findings/"+f.ID+"/explain", "text", evil),
		s.form("", "/login", "username", evil, "password", "x", "next", "/visits", "kept", evil+"="+evil),
		s.form("", "/login", "username", "thutruong2", "password", demoPassword, "next", "/findings/"+f.ID+"/explain", "kept", "text=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
	} {
		if strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "<script>") {
			t.Errorf("markup on the page: %s", mainOf(a.body))
		}
	}
}
