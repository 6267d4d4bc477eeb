package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// went checks that a form was taken.
func (w *world) went(a inspection.Actor, path string, form url.Values) string {
	w.t.Helper()
	rec := w.post(a, path, form)
	if rec.Code != http.StatusSeeOther {
		w.t.Fatalf("%s: %d\n%s", path, rec.Code, rec.Body)
	}
	return rec.Header().Get("Location")
}

// TestEachRoleHasItsDay: every line is something that its reader may do, and nobody
// else's; what hurts most comes first.
func TestEachRoleHasItsDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		late := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.InRemediation)
		minor := w.raise("B03", "Thiếu biển chức danh", finding.Minor, finding.Assigned)
		critical := w.raise("A01", "Bỏ vị trí trực", finding.Critical, finding.InRemediation)
		premises := w.raise("F01", "Thiếu ghế chờ", finding.Moderate, finding.InRemediation)
		said := w.raise("D01", "Sổ theo dõi ghi thiếu", finding.Moderate, finding.Submitted)
		w.must(w.Findings.AskExtension(ctx, w.head, late.ID, 0, finding.ExtensionInput{Days: 5, Reason: "Chờ in"}))
		again := w.raise("C05", "Biểu mẫu cũ", finding.Major, finding.ReinspectDue)
		w.must(db.Exec("UPDATE visits SET state = 'REPORTED', conclude_due = '2026-03-20' WHERE id = ?", w.visit).Error)

		page := w.sees(w.head, "/inbox")
		at := -1
		for _, text := range []string{"Bỏ vị trí trực", "Báo cáo nhanh", "Thiếu biển chức danh", "Bảng phí đã hết hiệu lực", "Báo cáo khắc phục", "Thiếu ghế chờ", "Đặt ngày hoàn thành"} {
			i := strings.Index(page, text)
			if i < 0 || i < at {
				t.Errorf("%q stands at %d, after %d", text, i, at)
			}
			at = i
		}
		lacks(t, page, "Sổ theo dõi", "Biểu mẫu cũ")
		page = w.sees(w.lead, "/inbox")
		wants(t, page, "Xem kết quả khắc phục", "/findings/"+said.ID+"#do", "Trả lời xin gia hạn", "Lập tái kiểm tra", "/reinspections/new?finding="+again.ID)
		lacks(t, page, "Thiếu biển chức danh", "Thiếu ghế chờ")
		page = w.sees(w.chair, "/inbox")
		wants(t, page, "/visits/"+w.visit+"/conclusion", "Kết luận")
		lacks(t, page, said.ID, "Quá hạn kéo dài")
		for _, a := range []inspection.Actor{w.otherHead, w.foreign, w.sysadmin} {
			page := w.sees(a, "/inbox")
			wants(t, page, "Hôm nay không còn việc nào chờ")
			for _, f := range []finding.Finding{late, minor, critical, premises, said, again} {
				lacks(t, page, f.ID, f.Text)
			}
		}
		if code, _ := w.open(inspection.Actor{}, "/inbox"); code != http.StatusSeeOther && code != http.StatusUnauthorized {
			t.Errorf("nobody: %d", code)
		}

		// Two weeks on: what is overdue for long stands with the chair too.
		w.clock.Set(time.Date(2026, 3, 27, 9, 0, 0, 0, inspection.Zone))
		w.renew()
		page = w.sees(w.chair, "/inbox")
		wants(t, page, "Bỏ vị trí trực", "Xem và chỉ đạo")
		if strings.Index(page, "Bỏ vị trí trực") > strings.Index(page, "Bảng phí đã hết hiệu lực") {
			t.Error("the worse comes first")
		}
		wants(t, w.sees(w.head, "/inbox"), "QUÁ HẠN")
	})
}

// TestPremisesHaveAPlan: the head sets the day, which is then the term, and what is needed
// stands in a list to be printed.
func TestPremisesHaveAPlan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("F01", "Thiếu ghế chờ cho công dân", finding.Moderate, finding.InRemediation)
		if f.DueDays != 15 {
			t.Fatalf("%d days for the plan", f.DueDays)
		}
		wants(t, w.sees(w.head, "/findings/"+f.ID), "Đặt ngày hoàn thành", `name="complete_on"`)
		wants(t, w.sees(w.chair, "/needs"), "Thiếu ghế chờ", "Chưa có kế hoạch", "1 nội dung chưa có kế hoạch")
		for name, more := range map[string][]string{"no day": {"text", "10 ghế"}, "yesterday": {"text", "10 ghế", "complete_on", "2026-03-01"}, "today": {"text", "10 ghế", "complete_on", "2026-03-02"},
			"years away": {"text", "10 ghế", "complete_on", "2029-03-01"}, "no day at all": {"text", "10 ghế", "complete_on", "2026-02-31"}, "nothing needed": {"text", " ", "complete_on", "2026-06-30"},
			"words for money": {"text", "10 ghế", "complete_on", "2026-06-30", "cost", "nhiều"}, "less than nothing": {"text", "10 ghế", "complete_on", "2026-06-30", "cost", "-5"}, "too much": {"text", "10 ghế", "complete_on", "2026-06-30", "cost", "9999999999999999"}} {
			rec := w.post(w.head, "/findings/"+f.ID+"/plan", w.form(f, more...))
			if rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, rec.Code)
			}
			if more[1] == "10 ghế" {
				wants(t, rec.Body.String(), "10 ghế") // what was typed stays
			}
		}
		good := w.form(f, "text", "10 ghế băng ba chỗ", "complete_on", "2026-06-28", "cost", "25.000.000") // a Sunday
		for range 2 {
			w.went(w.head, "/findings/"+f.ID+"/plan", good)
		}
		now := w.get(f.ID)
		if now.DueOn != "2026-06-29" || now.PlannedAt.IsZero() || now.DueStart != "2026-03-02" || w.steps(f.ID, finding.Plan) != 1 {
			t.Errorf("due %s from %s, %d plans", now.DueOn, now.DueStart, w.steps(f.ID, finding.Plan))
		}
		for _, a := range []inspection.Actor{w.head, w.chair, w.lead} {
			wants(t, w.sees(a, "/needs"), "10 ghế băng ba chỗ", "25.000.000 đ", "29/06/2026")
		}
		lacks(t, w.sees(w.otherHead, "/needs"), "10 ghế")
		wants(t, w.sees(w.head, "/findings/"+f.ID), "hoàn thành ngày 29/06/2026", "Báo cáo khắc phục")
		if rec := w.post(w.head, "/findings/"+f.ID+"/plan", w.form(now, "text", "x", "complete_on", "2026-09-30")); rec.Code != http.StatusConflict {
			t.Errorf("another day is an extension: %d", rec.Code)
		}
		other := w.raise("C03", "Bảng phí", finding.Major, finding.InRemediation)
		if rec := w.post(w.head, "/findings/"+other.ID+"/plan", w.form(other, "text", "x", "complete_on", "2026-06-30")); rec.Code != http.StatusConflict {
			t.Errorf("only for premises: %d", rec.Code)
		}
	})
}

// TestWhoAnswersForIt: the decision maker recommends, by position and never by name; the
// unit reports number and date of the record; what is open stands in the inbox.
func TestWhoAnswersForIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("D04", "Không có phiếu xin lỗi", finding.Major, finding.InRemediation)
		path := "/visits/" + w.visit + "/recommendations"
		form := func(more ...string) url.Values {
			v := url.Values{"id": {inspection.NewID()}, "kind": {"REVIEW_INDIVIDUAL"}, "finding": {f.ID}, "position": {"Phó Giám đốc phụ trách một cửa"}, "reason": {"Để hồ sơ quá hạn nhiều lần"}, "document_no": {"7/TB-UBND"}}
			for i := 0; i+1 < len(more); i += 2 {
				v.Set(more[i], more[i+1])
			}
			return v
		}
		for name, c := range map[string]struct {
			by   inspection.Actor
			form url.Values
			code int
		}{
			"the lead": {w.lead, form(), http.StatusForbidden}, "the unit": {w.head, form(), http.StatusForbidden}, "another unit": {w.otherHead, form(), http.StatusNotFound},
			"no reason": {w.chair, form("reason", " "), http.StatusUnprocessableEntity}, "no position": {w.chair, form("position", ""), http.StatusUnprocessableEntity},
			"another kind": {w.chair, form("kind", "DISMISSAL"), http.StatusUnprocessableEntity}, "another finding": {w.chair, form("finding", inspection.NewID()), http.StatusNotFound},
		} {
			if rec := w.post(c.by, path, c.form); rec.Code != c.code {
				t.Errorf("%s: %d, want %d", name, rec.Code, c.code)
			}
		}
		good := form()
		for range 2 {
			w.went(w.chair, path, good)
		}
		id := good.Get("id")
		w.went(w.chair, path, form("kind", "LESSON", "finding", "", "position", ""))
		for _, a := range []inspection.Actor{w.head, w.chair, w.lead} {
			wants(t, w.sees(a, "/recommendations"), "Kiểm điểm trách nhiệm cá nhân", "Rút kinh nghiệm", "Phó Giám đốc phụ trách một cửa")
		}
		lacks(t, w.sees(w.otherHead, "/recommendations"), "Kiểm điểm trách nhiệm cá nhân")
		wants(t, w.sees(w.head, "/findings"), "Báo số biên bản", "/recommendations?report=")
		wants(t, w.sees(w.head, "/inbox"), "Báo số biên bản kiểm điểm")
		wants(t, w.sees(w.head, "/findings/"+f.ID), "Kiểm điểm trách nhiệm cá nhân (Phó Giám đốc phụ trách một cửa): Chờ báo cáo")
		answer := func(by inspection.Actor, number, on string) int {
			return w.post(by, "/recommendations/"+id+"/record", url.Values{"version": {"1"}, "record_no": {number}, "record_on": {on}}).Code
		}
		for _, c := range []struct {
			by         inspection.Actor
			number, on string
			want       int
		}{{w.head, "", "2026-03-02", 422}, {w.head, "3/BB", "2026-03-03", 422}, {w.head, "3/BB", "", 422}, {w.chair, "3/BB", "2026-03-02", 403}, {w.otherHead, "3/BB", "2026-03-02", 404},
			{w.head, "3/BB-TTPVHCC", "2026-03-02", 303}, {w.head, "3/BB-TTPVHCC", "2026-03-02", 303}, {w.head, "4/BB", "2026-03-02", 409}} {
			if got := answer(c.by, c.number, c.on); got != c.want {
				t.Errorf("%s reports %q of %q: %d, want %d", c.by.Name, c.number, c.on, got, c.want)
			}
		}
		wants(t, w.sees(w.chair, "/recommendations"), "Biên bản số 3/BB-TTPVHCC ngày 02/03/2026")
		lacks(t, w.sees(w.head, "/inbox"), "Phó Giám đốc phụ trách")
		if rec := w.post(w.chair, "/recommendations/"+id+"/withdraw", url.Values{"version": {"2"}, "reason": {"Nhầm"}}); rec.Code != http.StatusConflict {
			t.Errorf("what was reported stays: %d", rec.Code)
		}
		w.must(db.Exec("UPDATE visits SET state = 'REPORTED' WHERE id = ?", w.visit).Error)
		if rec := w.post(w.chair, path, form()); rec.Code != http.StatusConflict {
			t.Errorf("before the conclusion: %d", rec.Code)
		}
	})
}

// TestReportAndConclusionCarryTheReply: what the unit said, and what was answered.
func TestReportAndConclusionCarryTheReply(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	f := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.Recorded)
	x := inspection.NewID()
	w.must(w.Findings.Explain(ctx, w.head, f.ID, 0, finding.ExplainInput{ID: x, Text: "Đã gửi nhà in từ tuần trước."}))
	w.must(w.Findings.RuleOn(ctx, w.chair, f.ID, 0, x, finding.RulingPartly, "Chưa kịp thời nhưng đã làm."))
	for _, a := range []inspection.Actor{w.chair, w.lead, w.head} {
		replies, err := w.Findings.Replies(ctx, a, w.visit)
		w.must(err)
		if len(replies) != 1 || replies[0].ItemCode != "C03" || replies[0].RulingReason != "Chưa kịp thời nhưng đã làm." {
			t.Errorf("%s: %+v", a.Name, replies)
		}
	}
	for _, a := range []inspection.Actor{w.otherHead, w.foreign, w.sysadmin} {
		if replies, err := w.Findings.Replies(ctx, a, w.visit); err != nil || len(replies) != 0 {
			t.Errorf("%s: %+v %v", a.Name, replies, err)
		}
	}
}

// TestADelegateAnswersByName: from a day to another the delegate explains and reports, not
// more, and the story names the capacity.
func TestADelegateAnswersByName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		contact := w.person("daumoi", "Chuyên viên đầu mối", inspection.UnitContact, w.unit.ID, "")
		f := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Major, finding.InRemediation)
		if rec := w.post(contact, "/findings/"+f.ID+"/progress", w.form(f, "text", "Đang in")); rec.Code != http.StatusForbidden {
			t.Fatalf("before: %d", rec.Code)
		}
		wants(t, w.sees(w.head, "/delegations"), "Chuyên viên đầu mối")
		lacks(t, w.sees(w.otherHead, "/delegations"), "Chuyên viên đầu mối")
		wants(t, w.sees(contact, "/delegations"), "Chỉ thủ trưởng đơn vị ủy quyền được")
		form := url.Values{"id": {inspection.NewID()}, "unit": {w.unit.ID}, "person": {contact.Person}, "from": {"2026-03-02"}, "to": {"2026-03-04"}, "document_no": {"5/GUQ"}}
		if rec := w.post(w.otherHead, "/delegations", form); rec.Code != http.StatusForbidden {
			t.Errorf("a foreign head: %d", rec.Code)
		}
		w.went(w.head, "/delegations", form)
		wants(t, w.sees(w.head, "/delegations"), "từ 02/03/2026 đến 04/03/2026", "5/GUQ")
		w.went(contact, "/findings/"+f.ID+"/progress", w.form(f, "text", "Đã gửi nhà in"))
		f = w.get(f.ID)
		wants(t, w.sees(w.lead, "/findings/"+f.ID), "Chuyên viên đầu mối, Người được thủ trưởng ủy quyền", "Đã gửi nhà in")
		for _, e := range []string{"ask_extension", "acknowledge"} {
			if rec := w.post(contact, "/findings/"+f.ID+"/"+e, w.form(f, "days", "2", "reason", "x")); rec.Code != http.StatusForbidden {
				t.Errorf("%s binds the unit: %d", e, rec.Code)
			}
		}
		w.went(w.head, "/delegations/"+form.Get("id")+"/end", nil)
		if rec := w.post(contact, "/findings/"+f.ID+"/progress", w.form(f, "text", "Lần nữa")); rec.Code != http.StatusForbidden {
			t.Errorf("after: %d", rec.Code)
		}
	})
}

// TestManyAtOnceWithPreviewAndUndo: nothing happens before it was looked at, confirmed and
// waited for; each finding for itself.
func TestManyAtOnceWithPreviewAndUndo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		a, b := w.raise("C03", "Bảng phí đã hết hiệu lực", finding.Minor, finding.Submitted), w.raise("D01", "Sổ theo dõi ghi thiếu", finding.Minor, finding.Submitted)
		page := w.sees(w.lead, "/bulk?event=accept")
		wants(t, page, a.Text, b.Text)
		lacks(t, w.sees(w.head, "/bulk?event=accept"), a.ID)
		choose := url.Values{"event": {"accept"}, "finding": {a.ID, b.ID}, "text": {"Đạt yêu cầu"}}
		before := w.get(a.ID).Version
		rec := w.post(w.lead, "/bulk/preview", choose)
		wants(t, rec.Body.String(), "Sẽ thực hiện", "Chưa có gì thay đổi")
		if w.get(a.ID).Version != before || w.get(b.ID).State != finding.Submitted {
			t.Fatal("a preview changes nothing")
		}
		wants(t, w.post(w.chair, "/bulk/preview", choose).Body.String(), "Sẽ không thực hiện")
		lacks(t, w.post(w.otherHead, "/bulk/preview", choose).Body.String(), a.Text)
		ask := func(id string) url.Values {
			v := url.Values{"id": {id}, "event": {"accept"}, "text": {"Đạt yêu cầu"}, "finding": {a.ID, b.ID}}
			for _, f := range []finding.Finding{a, b} {
				v.Set("version."+f.ID, strconv.FormatInt(f.Version, 10))
			}
			return v
		}
		run := func() {
			t.Helper()
			_, err := w.Findings.RunMany(ctx)
			w.must(err)
		}
		first := inspection.NewID()
		for range 2 {
			w.went(w.lead, "/bulk", ask(first))
		}
		wants(t, w.sees(w.lead, "/bulk/"+first), "Hoàn tác", "Sẽ thực hiện lúc 09:0")
		run() // too early
		w.went(w.lead, "/bulk/"+first+"/undo", nil)
		w.clock.Advance(time.Hour)
		run()
		if w.get(a.ID).State != finding.Submitted {
			t.Fatal("it was taken back")
		}
		if code, _ := w.open(w.member, "/bulk/"+first); code != http.StatusNotFound {
			t.Errorf("another's: %d", code)
		}
		second := inspection.NewID()
		w.went(w.lead, "/bulk", ask(second))
		w.must(w.Findings.Return(ctx, w.lead, b.ID, 0, "Ảnh mờ")) // meanwhile
		w.clock.Advance(6 * time.Minute)
		if rec := w.post(w.lead, "/bulk/"+second+"/undo", nil); rec.Code != http.StatusConflict {
			t.Errorf("the pause is over: %d", rec.Code)
		}
		run()
		run()
		if w.get(a.ID).State != finding.Accepted || w.get(b.ID).State != finding.InRemediation || w.steps(a.ID, finding.Accept) != 1 {
			t.Errorf("%s, %s", w.get(a.ID).State, w.get(b.ID).State)
		}
		page = w.sees(w.lead, "/bulk/"+second)
		wants(t, page, "Đã thực hiện", "đã được người khác thay đổi")
		if rec := w.post(w.lead, "/bulk/"+second+"/undo", nil); rec.Code != http.StatusConflict {
			t.Errorf("too late: %d", rec.Code)
		}
		for name, v := range map[string]url.Values{"nothing": {"event": {"accept"}, "id": {inspection.NewID()}}, "another event": {"event": {"withdraw"}, "id": {inspection.NewID()}, "finding": {a.ID}, "version." + a.ID: {"1"}}} {
			if rec := w.post(w.lead, "/bulk", v); rec.Code < 400 || rec.Code >= 500 {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
	})
}

// TestAnOfficeSetsItsTerms: on a page, with a reason, and the next assignment has it.
func TestAnOfficeSetsItsTerms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		office := w.person("noivu", "Nội vụ", inspection.HomeAffairs, w.issuer.ID, "")
		for _, a := range []inspection.Actor{w.head, w.lead, w.chair} {
			if code, _ := w.open(a, "/admin/deadlines"); code != http.StatusForbidden {
				t.Errorf("%s: %d", a.Name, code)
			}
		}
		wants(t, w.sees(w.sysadmin, "/admin/deadlines"), "Khắc phục vi phạm", "10 ngày làm việc")
		form := url.Values{"days": {"7"}, "from": {"2026-03-02"}, "reason": {"Quy chế số 5"}}
		for name, more := range map[string][2]string{"too long": {"days", "121"}, "words": {"days", "x"}, "backwards": {"from", "2026-03-01"}, "for no reason": {"reason", ""}} {
			v := url.Values{}
			for k := range form {
				v.Set(k, form.Get(k))
			}
			v.Set(more[0], more[1])
			if rec := w.post(office, "/admin/deadlines/remedy.MAJOR", v); rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
		if rec := w.post(office, "/admin/deadlines/none", form); rec.Code != http.StatusNotFound {
			t.Errorf("%d", rec.Code)
		}
		w.went(office, "/admin/deadlines/remedy.MAJOR", form)
		wants(t, w.sees(office, "/admin/deadlines"), "7 ngày làm việc", "mặc định 10", "Quy chế số 5")
		if f := w.raise("C03", "Bảng phí", finding.Major, finding.Assigned); f.DueDays != 7 {
			t.Errorf("%d days", f.DueDays)
		}
	})
}
