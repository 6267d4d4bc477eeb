package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// scenarioChecklist has the items that the scenarios speak of.
const scenarioChecklist = `key,code,section,section_vi,section_en,text_vi,text_en,bases,response,source,photo,photo_note,redact,severity,weight,target,zero_at,count_label_vi,count_label_en,applies_to
A01,A01,A,Giờ giấc,Hours,Có mặt đúng giờ tại thời điểm kiểm tra,On time,L80 khoản 2 Điều 7,ATT,ATTENDANCE,NONE,,,MAJOR,20,,,,,ALL
A02,A02,A,Giờ giấc,Hours,Vắng mặt có lý do và giấy tờ,Justified,L80 khoản 2 Điều 7,ATT,ATTENDANCE,NONE,,,MODERATE,10,,,,,ALL
B03,B03,B,Biển tên,Name plates,Có biển chức danh,Name plates,L80 khoản 2 Điều 7,CNT,ANSWER,NONE,,,MINOR,20,1,0,quầy thiếu biển,counters,ALL
D03,D03,D,Hồ sơ,Dossiers,Số hồ sơ quá hạn,Overdue,L80 khoản 2 Điều 7,CNT,ANSWER,NONE,,,MAJOR,30,0.99,0.90,số hồ sơ quá hạn,overdue,ALL
D04,D04,D,Hồ sơ,Dossiers,Hồ sơ quá hạn có phiếu xin lỗi,Apology slips,L80 khoản 2 Điều 7,CNT,ANSWER,NONE,,,MAJOR,20,1,0,không có phiếu xin lỗi,slips,ALL
`

// page is a page that must be there.
func (s *site) page(username, path string) string {
	s.t.Helper()
	a := s.get(username, path)
	if a.code != http.StatusOK {
		s.t.Fatalf("%s of %s: %d %s", path, username, a.code, mainOf(a.body))
	}
	return a.body
}

// says checks that a page holds texts.
func (s *site) says(page string, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			s.t.Errorf("the page lacks %q", text)
		}
	}
}

// sent posts a form that must be taken.
func (s *site) sent(username, path string, pairs ...string) {
	s.t.Helper()
	if a := s.form(username, path, pairs...); a.code != http.StatusSeeOther {
		s.t.Fatalf("%s by %s: %d %s", path, username, a.code, mainOf(a.body))
	}
}

// acts posts an event of a finding with what its form holds.
func (s *site) acts(username string, f finding.Finding, event string, pairs ...string) answer {
	s.t.Helper()
	return s.form(username, "/findings/"+f.ID+"/"+event, append([]string{"id", inspection.NewID(), "version", s.version("findings", f.ID)}, pairs...)...)
}

// TestScenarios are the cases of the field, from the pages and the tablet's API down: each
// builds on what those before it left.
func TestScenarios(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSiteAt(t, db, time.Date(2026, 2, 4, 7, 5, 0, 0, inspection.Zone)) // a Wednesday before Tết
		act := s.demo.operator()
		list, report, err := checklist.Import(db, act, checklist.Title{Key: "tinh-huong", VI: "Bảng tình huống"}, checklist.Files{Checklist: strings.NewReader(scenarioChecklist), Bases: checklist.Seed("bases.csv")}, false)
		s.must(err)
		if len(report.Bad) > 0 {
			t.Fatal(report.Bad)
		}
		s.must(checklist.Publish(db, act, list.ID, list.Version))
		s.must(db.Exec("UPDATE campaigns SET checklist_id = ? WHERE decision_number <> ''", list.ID).Error)
		unit := s.demo.organs["mau/07"]
		early := org.Week{From: "2026-01-01"}
		for d := time.Monday; d <= time.Friday; d++ {
			early.Days[d] = []inspection.Session{{Open: 7 * 60, Close: 11*60 + 30}, {Open: 13 * 60, Close: 17 * 60}}
		}
		s.must(org.SetHours(db, act, unit.AdminUnitID, []org.Week{early}))
		text := func(t string) *string { return &t }
		here, away := true, false
		var check string
		of := func(item string) finding.Finding {
			t.Helper()
			all := s.findings(check)
			i := slices.IndexFunc(all, func(f finding.Finding) bool { return f.ItemKey == item })
			if i < 0 {
				t.Fatalf("no finding on %s among %d", item, len(all))
			}
			return all[i]
		}

		t.Run("1 at 07:15 three of five are there, one on leave with a paper, one nobody knows where", func(t *testing.T) {
			target := s.seal(7)
			s.clock.Set(time.Date(2026, 2, 4, 7, 15, 0, 0, inspection.Zone))
			check = s.begin(target)
			rows := []visit.Row{}
			for _, p := range []string{"Tiếp nhận 1", "Tiếp nhận 2", "Trả kết quả", "Tư pháp", "Địa chính"} {
				rows = append(rows, visit.Row{ID: inspection.NewID(), Position: p, Required: true})
			}
			s.does("thanhvien", s.operation(check, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: rows}))
			for i := range rows {
				switch rows[i].Present = &here; i {
				case 3:
					rows[i].Present, rows[i].Reason, rows[i].Documented = &away, score.Leave, true
				case 4:
					rows[i].Present, rows[i].Reason = &away, score.Unknown
				}
				s.does("thanhvien", s.operation(check, visit.OpAttendanceRow, rows[i]))
			}
			v, err := s.demo.services.Visits.Get(t.Context(), s.actor("truongdoan"), check)
			s.must(err)
			if v.State.CountedAt.Time().Format("15:04") != "07:15" && v.State.CountedAt.Time().Format("15:04") != "07:16" {
				t.Errorf("counted at %s", v.State.CountedAt)
			}
		})

		t.Run("4 what is put right on the spot counts as on time", func(t *testing.T) {
			before, after := s.file("thanhvien", check, s.photo(), evidence.Photo), ""
			s.does("thanhvien", s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "B03", Value: score.Count, Of: 5, Failing: 2}),
				s.operation(check, visit.OpNote, visit.Note{Item: "B03", Text: "Hai quầy thiếu biển chức danh."}), s.operation(check, visit.OpPhoto, visit.Photo{Item: "B03", File: before}))
			s.clock.Advance(5 * time.Minute)
			after = s.file("thanhvien", check, s.photo(), evidence.Photo)
			s.does("thanhvien", s.operation(check, visit.OpPhoto, visit.Photo{Item: "B03", File: after, After: true}), s.operation(check, visit.OpFixed, visit.Fixed{Item: "B03", Fixed: true}))
		})

		t.Run("5 twelve dossiers overdue, seven of them with an apology slip", func(t *testing.T) {
			s.does("thanhvien", s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D03", Value: score.Count, Of: 480, Failing: 12}),
				s.operation(check, visit.OpNote, visit.Note{Item: "D03", Text: "12 hồ sơ quá hạn."}),
				s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D04", Value: score.Count, Of: 12, Failing: 5}),
				s.operation(check, visit.OpNote, visit.Note{Item: "D04", Text: "5 hồ sơ chưa có phiếu xin lỗi."}))
		})

		t.Run("2 the head is absent and the deputy signs", func(t *testing.T) {
			s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
			s.does("thuky", s.operation(check, visit.OpMinutes, visit.Minutes{Opinion: text("Thống nhất, xin khắc phục."), Representatives: text("Phó Giám đốc Trung tâm"), HeadAbsent: text("Giám đốc đi họp, Phó Giám đốc ký thay")}))
			s.does("thuky", s.operation(check, visit.OpSign, visit.Signed{Scans: []string{s.file("thuky", check, s.photo(), evidence.DocumentScan)}}))
			for _, who := range []string{"truongdoan", "thutruong"} {
				minutes := s.page(who, "/visits/"+check+"/minutes")
				s.says(minutes, "Phó Giám đốc Trung tâm", "Giám đốc đi họp, Phó Giám đốc ký thay", "Thống nhất, xin khắc phục.", "Tư pháp")
			}
			if f := of("D03"); f.Severity != finding.Major {
				t.Errorf("%s", f.Severity)
			}
			if f := of("A01"); f.Severity != finding.Major || of("B03").State != finding.Recorded || !of("B03").FixedOnSite {
				t.Errorf("%+v", f)
			}
			for _, f := range s.findings(check) {
				if f.ItemKey == "A02" && f.Severity != finding.Moderate {
					t.Errorf("one of two absences has no paper: %+v", f)
				}
			}
		})

		t.Run("the right of reply: explained in time, ruled on with reasons, in report and conclusion", func(t *testing.T) {
			f := of("D03")
			s.says(s.page("thutruong", "/inbox"), "Giải trình", "12 hồ sơ quá hạn")
			if a := s.acts("thutruong", f, "explain", "text", "Phần mềm tỉnh ngừng hai ngày."); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			s.reports(check)
			if a := s.acts("chutich", f, "rule", "explanation", s.explanation(f.ID), "ruling", "PARTLY", "reason", "Ba hồ sơ do phần mềm, chín hồ sơ do xử lý chậm."); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			for _, path := range []string{"/findings/" + f.ID, "/visits/" + check} { // the story, and the report
				s.says(s.page("thutruong", path), "Phần mềm tỉnh ngừng hai ngày.", "Ba hồ sơ do phần mềm, chín hồ sơ do xử lý chậm.")
			}
		})

		t.Run("12 Tết lies inside the term", func(t *testing.T) {
			s.concludes(check)
			// Ten working days from 4 February, with Tết from 14 to 22 February in between.
			if f := of("D03"); f.DueStart != "2026-02-04" || f.DueOn != "2026-02-25" {
				t.Errorf("from %s to %s", f.DueStart, f.DueOn)
			}
			if f := of("D04"); f.DueOn != "2026-02-05" {
				t.Errorf("apology slips by %s", f.DueOn)
			}
			s.says(s.page("thutruong", "/inbox"), "Tiếp nhận", "5 hồ sơ chưa có phiếu xin lỗi")
			s.says(s.page("thutruong", "/findings/"+of("D03").ID), "25/02/2026")
		})

		t.Run("6 an extension once, the second is refused", func(t *testing.T) {
			f := of("D03")
			s.tokens = map[string]string{}
			s.tokens = map[string]string{}
			s.clock.Set(time.Date(2026, 2, 5, 9, 0, 0, 0, inspection.Zone))
			s.sent("thutruong", "/findings/"+f.ID+"/acknowledge", "id", inspection.NewID(), "version", s.version("findings", f.ID))
			if a := s.acts("thutruong", f, "ask_extension", "days", "5", "reason", "Chờ bổ sung nhân sự"); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			s.says(s.page("truongdoan", "/inbox"), "Trả lời xin gia hạn")
			if a := s.acts("truongdoan", f, "grant_extension", "text", "Đồng ý"); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			if f = of("D03"); f.DueOn != "2026-03-04" {
				t.Errorf("then due %s", f.DueOn)
			}
			if a := s.acts("thutruong", f, "ask_extension", "days", "5", "reason", "Lần nữa"); a.code != http.StatusConflict {
				t.Errorf("a second one: %d", a.code)
			}
		})

		t.Run("4 and the lead's deputy verifies it, never who marked it", func(t *testing.T) {
			f := of("B03")
			if a := s.acts("truongdoan", f, "verify_on_site"); a.code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", f.State, a.code, mainOf(a.body))
			}
			if f = of("B03"); f.State != finding.Verified || !f.AssignedAt.IsZero() {
				t.Errorf("%s", f.State)
			}
		})

		t.Run("7 the re-inspection finds it again: reopened, worse", func(t *testing.T) {
			f := of("D03")
			s.tokens = map[string]string{}
			s.tokens = map[string]string{}
			s.clock.Set(time.Date(2026, 2, 10, 9, 0, 0, 0, inspection.Zone))
			photo := s.photo()
			a := s.send("thutruong", multipartForm("/findings/"+f.ID+"/submit", []upload{{"sau.jpg", photo}}, "id", inspection.NewID(), "version", s.version("findings", f.ID), "text", "Đã trả hết hồ sơ quá hạn."))
			if a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			if a := s.acts("truongdoan", f, "accept"); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			if f = of("D03"); f.State != finding.ReinspectDue {
				t.Fatal(f.State)
			}
			s.says(s.page("truongdoan", "/inbox"), "Lập tái kiểm tra", "/reinspections/new?finding="+f.ID)
			s.tokens = map[string]string{}
			s.clock.Set(f.ReinspectFrom.Time().Add(8 * time.Hour))
			s.tokens = map[string]string{}
			s.sent("truongdoan", "/reinspections", "id", inspection.NewID(), "visit", check, "finding", f.ID, "planned_on", string(f.ReinspectFrom), "at", "08:30", "member", s.demo.people["thanhvien2"])
			var target string
			s.must(db.Raw("SELECT id FROM targets WHERE form = 'REINSPECTION' ORDER BY id DESC").Limit(1).Scan(&target).Error)
			before := s.page("thutruong", "/inbox") + s.page("thutruong", "/findings") + s.page("thutruong", "/visits")
			if strings.Contains(before, target) {
				t.Error("the unit learns of it")
			}
			again := inspection.NewID()
			s.does("thanhvien2", s.operation(again, visit.OpCheckIn, visit.CheckIn{Target: target, Location: "DENIED"}))
			file := s.file("thanhvien2", again, s.photo(), evidence.Photo)
			s.does("thanhvien2", s.operation(again, visit.OpPhoto, visit.Photo{Finding: f.ID, File: file}), s.operation(again, visit.OpVerdict, visit.Verdict{Finding: f.ID, Verdict: "RECURRED", Text: "Lại có 9 hồ sơ quá hạn."}))
			s.does("thanhvien2", s.operation(again, visit.OpFinish, struct{}{}), s.operation(again, visit.OpMinutes, visit.Minutes{Opinion: text("Thống nhất."), Representatives: text("Giám đốc")}))
			s.does("thanhvien2", s.operation(again, visit.OpSign, visit.Signed{Scans: []string{s.file("thanhvien2", again, s.photo(), evidence.DocumentScan)}}))
			if f = of("D03"); f.State != finding.Assigned || !f.Reopened || f.Severity != finding.Critical || f.DueDays != 5 || f.InterimDue == "" {
				t.Errorf("%s %v %s %d %q", f.State, f.Reopened, f.Severity, f.DueDays, f.InterimDue)
			}
			s.says(s.page("thutruong", "/findings/"+f.ID), "Lại có 9 hồ sơ quá hạn.", "Vi phạm nghiêm trọng")
		})

		t.Run("8 the unit is merged as a whole, then split: its heir answers, then a person chooses", func(t *testing.T) {
			f := of("D03")
			admin, today := s.actor("quantri"), s.clock.Now().Date()
			heir := func(o string, relation org.Relation, successor string, on inspection.Date) {
				t.Helper()
				was, err := org.OrganisationByID(db, o)
				s.must(err)
				_, err = s.demo.services.Org.Reorganise(t.Context(), admin, org.Reorganisation{Organisation: o, ID: inspection.NewID(), Version: was.Version, Relation: relation, Successor: successor, On: on, LegalAct: "Nghị quyết 99", Desks: true})
				s.must(err)
			}
			heir(unit.ID, org.MergedInto, s.demo.organs["mau/02"].ID, today.AddDays(1))
			s.clock.Set(today.AddDays(1).Time().Add(9 * time.Hour))
			s.tokens = map[string]string{}
			s.says(s.page("thutruong2", "/inbox"), f.Text)
			if a := s.acts("thutruong2", f, "acknowledge"); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			if a := s.get("thutruong", "/findings/"+f.ID); a.code != http.StatusNotFound {
				t.Errorf("who headed the unit that is no more: %d", a.code)
			}
			heir(s.demo.organs["mau/02"].ID, org.SplitInto, s.demo.organs["mau/03"].ID, today.AddDays(2))
			was, err := org.OrganisationByID(db, s.demo.organs["mau/02"].ID)
			s.must(err)
			s.must(s.demo.services.Org.End(t.Context(), admin, "organisation", was.ID, was.Version, today.AddDays(1), "Chia tách"))
			s.clock.Set(today.AddDays(2).Time().Add(9 * time.Hour))
			s.tokens = map[string]string{}
			s.says(s.page("chutich", "/inbox"), "Chọn đơn vị chịu trách nhiệm", "/findings/"+f.ID+"#do")
			if a := s.acts("chutich", f, "assign"); a.code != http.StatusConflict {
				t.Errorf("without naming anybody: %d", a.code)
			}
			if a := s.acts("chutich", f, "assign", "responsible", s.demo.organs["mau/03"].ID); a.code != http.StatusSeeOther {
				t.Fatal(a.code, mainOf(a.body))
			}
			if f = of("D03"); f.ResponsibleID != s.demo.organs["mau/03"].ID {
				t.Error("another answers")
			}
			if strings.Contains(s.page("chutich", "/inbox"), "/findings/"+f.ID+"#do") {
				t.Error("it was chosen")
			}
		})

		t.Run("3 the unit refuses to sign", func(t *testing.T) {
			check = s.begin(s.seal(5))
			s.does("thanhvien", s.operation(check, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: []visit.Row{{ID: inspection.NewID(), Position: "Tiếp nhận", Required: true, Present: &here, Badge: true, Dress: true}}}),
				s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "B03", Value: score.Count, Of: 5}), s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D03", Value: score.Count, Of: 100}),
				s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D04", Value: score.NA, NAReason: "Không có hồ sơ quá hạn"}))
			s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}), s.operation(check, visit.OpMinutes, visit.Minutes{Opinion: text("Không đồng ý."), Representatives: text("Giám đốc")}))
			for _, o := range s.post("thuky", s.operation(check, visit.OpRefuse, visit.Signed{Reason: "Không đồng ý với biên bản"})) {
				if o.Problem == nil {
					t.Error("a refusal without a witness")
				}
			}
			s.does("thuky", s.operation(check, visit.OpRefuse, visit.Signed{Reason: "Không đồng ý với biên bản", Witness: "Công chức văn phòng xã"}))
			s.says(s.page("truongdoan", "/visits/"+check), "Không đồng ý với biên bản", "Công chức văn phòng xã")
			s.says(s.page("truongdoan", "/visits/"+check+"/minutes"), "Không đồng ý.")
		})

		t.Run("11 taken without a network, with a wrong clock, and sent twice", func(t *testing.T) {
			check = s.begin(s.seal(6))
			type taken struct { // as a tablet posts it that knows how far its clock is off
				operation
				Offset int64 `json:"offset_ms"`
			}
			var ops []taken
			for _, o := range []operation{s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "B03", Value: score.Count, Of: 5, Failing: 1}), s.operation(check, visit.OpNote, visit.Note{Item: "B03", Text: "Một quầy thiếu biển."})} {
				o.Device, o.DeviceAt = "may-sai-gio", o.DeviceAt.Add(-5*time.Hour)
				ops = append(ops, taken{o, (5 * time.Hour).Milliseconds()})
			}
			s.clock.Advance(3 * time.Hour) // the network is back
			for range 3 {
				if a := s.call("thanhvien", http.MethodPost, "/api/v1/operations", map[string]any{"operations": ops}); a.code != http.StatusOK || strings.Contains(a.body, "problem") {
					t.Fatal(a.code, a.body)
				}
			}
			var n int64
			s.must(db.Raw("SELECT COUNT(*) FROM operations WHERE visit_id = ? AND device = 'may-sai-gio'", check).Scan(&n).Error)
			if n != 2 {
				t.Errorf("%d operations of two that were sent three times", n)
			}
			raw := s.photo()
			first := s.file("thanhvien", check, raw, evidence.Photo)
			second := s.file("thanhvien", check, raw, evidence.Photo)
			s.does("thanhvien", s.operation(check, visit.OpPhoto, visit.Photo{Item: "B03", File: first}))
			s.must(db.Raw("SELECT COUNT(*) FROM evidence_files WHERE visit_id = ? AND sha256 = ?", check, sum(raw)).Scan(&n).Error)
			if n < 1 || first == "" || second == "" {
				t.Errorf("%d files of one picture", n)
			}
			s.says(s.page("truongdoan", "/visits/"+check), "chậm 5 giờ 0 phút so với máy chủ")
		})
	})
}

// explanation is the id of what the unit said to a finding.
func (s *site) explanation(id string) (x string) {
	s.t.Helper()
	s.must(s.db.Raw("SELECT id FROM explanations WHERE finding_id = ?", id).Scan(&x).Error)
	return x
}
