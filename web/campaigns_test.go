package web

import (
	"net/http"
	"net/url"
	"testing"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestACampaignIsMadeAndChangedByItsForms: a form sent twice is one campaign; what is
// wrong stands beside its field and nothing that was typed is lost; a change has a reason
// and a version; what was started before it bounds it.
func TestACampaignIsMadeAndChangedByItsForms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		list := inspection.NewID()
		w.must(db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at, state, published_at) VALUES (?, 'k', 2, 'Bảng thật', 1, 'PUBLISHED', 1)", list).Error)
		page := w.sees(w.chair, "/campaigns/new")
		wants(t, page, "Bảng thật – phiên bản 2", w.chair.Name, `name="signed_by" value="`+w.chair.Person)
		lacks(t, page, ">x – phiên bản 1")
		id := inspection.NewID()
		good := func() url.Values {
			return url.Values{"id": {id}, "title": {"Kiểm tra quý I <b>"}, "issuer": {w.issuer.ID}, "decision_number": {"7/QĐ-UBND"}, "decision_date": {"2026-02-01"},
				"signed_by": {w.chair.Person}, "from": {"2026-02-02"}, "to": {"2026-06-30"}, "checklist": {list}}
		}
		for field, c := range map[string]struct{ value, says string }{
			"title":           {"", "Vui lòng ghi tên đợt"},
			"decision_number": {"", "Vui lòng ghi số, ký hiệu"},
			"decision_date":   {"2026-03-30", "Ngày ký quyết định chưa tới"},
			"from":            {"hôm nay", "Vui lòng chọn một ngày"},
			"to":              {"2026-01-31", "trước ngày bắt đầu"},
			"signed_by":       {w.lead.Person, "Người ký phải là"},
			"checklist":       {w.campaign, "Vui lòng chọn một bảng kiểm đã ban hành"},
		} {
			form := good()
			form.Set(field, c.value)
			rec := w.post(w.chair, "/campaigns", form)
			if rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s = %q: %d", field, c.value, rec.Code)
			}
			wants(t, rec.Body.String(), c.says, id)
			if field != "title" {
				wants(t, rec.Body.String(), "Kiểm tra quý I &lt;b&gt;")
			}
		}
		for range 2 {
			if rec := w.post(w.chair, "/campaigns", good()); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/campaigns/"+id+"?done=campaign" {
				t.Fatalf("%d %s", rec.Code, rec.Body.String())
			}
		}
		wants(t, w.sees(w.chair, "/campaigns?q=quy+I+7+qd"), "Kiểm tra quý I &lt;b&gt;", "7/QĐ-UBND")
		lacks(t, w.sees(w.chair, "/campaigns?q=quy+khac"), "7/QĐ-UBND")
		lacks(t, w.sees(w.chair, "/campaigns?state=CANCELLED"), "7/QĐ-UBND")
		wants(t, w.sees(w.chair, "/campaigns/"+id), "Đợt này chưa có đoàn", "Chưa có")

		change := good()
		change.Set("decision_number", "8/QĐ-UBND")
		change.Set("version", "1")
		wants(t, w.post(w.chair, "/campaigns/"+id, change).Body.String(), "Vui lòng ghi lý do")
		change.Set("reason", "gõ nhầm số")
		if rec := w.post(w.chair, "/campaigns/"+id, change); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body.String())
		}
		rec := w.post(w.chair, "/campaigns/"+id, change) // by who saw the version before
		if rec.Code != http.StatusConflict {
			t.Errorf("%d", rec.Code)
		}
		wants(t, rec.Body.String(), "đã được người khác thay đổi", `name="version" value="2"`)
		wants(t, w.sees(w.chair, "/campaigns/"+id), "<del>7/QĐ-UBND</del>", "gõ nhầm số", w.chair.Name)

		// Once checks may have begun under a campaign its decision cannot become younger;
		// nothing is said of the check that was made.
		form := good()
		form.Set("id", w.campaign)
		form.Set("version", "1")
		form.Set("decision_date", "2026-03-02")
		form.Set("reason", "x")
		w.must(db.Exec("UPDATE visits SET day = '2026-03-01'").Error)
		said := w.post(w.chair, "/campaigns/"+w.campaign, form).Body.String()
		wants(t, said, "Từ ngày 01/01/2026, cuộc kiểm tra của đợt đã có thể diễn ra")
		lacks(t, said, "01/03/2026")

		stand := url.Values{"version": {"2"}, "to": {"SUSPENDED"}, "reason": {"rà soát"}}
		if rec := w.post(w.chair, "/campaigns/"+id+"/state", stand); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body.String())
		}
		stand.Set("version", "3")
		stand.Set("to", "BURNT")
		if rec := w.post(w.chair, "/campaigns/"+id+"/state", stand); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%d", rec.Code)
		}
		wants(t, w.sees(w.chair, "/campaigns/"+id), "Tạm dừng", "rà soát", "Cho tiếp tục")
	})
}

// TestTheLeadSearchesWithoutLeavingATrace: words and choices of a target travel in the
// body; what was typed stays through the search; what does not fit is said by its field.
func TestTheLeadSearchesWithoutLeavingATrace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.must(db.Exec("UPDATE checklists SET state = 'PUBLISHED', published_at = 1").Error)
		page := w.sees(w.lead, "/targets/new?team="+w.team)
		wants(t, page, w.unit.Name, w.other.Name, w.member.Name)
		lacks(t, page, w.issuer.Name+` <span`, `method="get"`)
		id := inspection.NewID()
		form := func(more ...string) url.Values {
			v := url.Values{"id": {id}, "team": {w.team}, "q": {""}, "place": {w.unit.ID + "/"}, "planned_on": {"2026-03-05"}, "at": {"09:45"}, "form": {"THEMATIC"}, "tell." + w.member.Person: {"leads"}}
			for i := 0; i+1 < len(more); i += 2 {
				v.Set(more[i], more[i+1])
			}
			return v
		}
		rec := w.post(w.lead, "/targets", form("do", "find", "q", inspection.Fold(w.other.Name)))
		if rec.Code != http.StatusOK {
			t.Fatal(rec.Code)
		}
		wants(t, rec.Body.String(), w.other.Name, `value="2026-03-05"`, `value="09:45"`, `value="THEMATIC" selected`, `value="leads" selected`, id,
			`value="`+w.unit.ID+`/" checked`)
		for field, c := range map[string]struct{ value, says string }{
			"place":      {"x", "Vui lòng chọn ít nhất một đơn vị"},
			"planned_on": {"2027-01-05", "nằm ngoài thời kỳ của đợt"},
			"at":         {"25:00", "Vui lòng ghi giờ"},
			"form":       {"REINSPECTION", "Có nội dung"},
		} {
			rec := w.post(w.lead, "/targets", form("do", "seal", field, c.value))
			if rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s = %s: %d", field, c.value, rec.Code)
			}
			if c.says != "Có nội dung" {
				wants(t, rec.Body.String(), c.says)
			}
		}
		for range 2 {
			rec := w.post(w.lead, "/targets", form("do", "seal"))
			if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/targets/"+id+"?done=target" {
				t.Fatalf("%d %s", rec.Code, rec.Body.String())
			}
		}
		var n int64
		if w.must(db.Model(&plan.Target{}).Where("id = ?", id).Count(&n).Error); n != 1 {
			t.Errorf("%d targets", n)
		}
		wants(t, w.sees(w.member, "/targets"), w.unit.Name)
		told := w.sees(w.member, "/targets/"+id)
		wants(t, told, w.unit.Name, "dẫn tại chỗ")
		lacks(t, told, `action="/targets/`) // only its lead changes it
		if code, _ := w.open(w.fresh, "/targets/"+id); code != http.StatusNotFound {
			t.Errorf("a member who was not told: %d", code)
		}
		if rec := w.post(w.lead, "/targets/"+id+"/openings", url.Values{"person": {w.fresh.Person}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d", rec.Code)
		}
		wants(t, w.sees(w.fresh, "/targets/"+id), w.unit.Name)
		lacks(t, w.sees(w.lead, "/targets/"+id), "là ngày nghỉ")
		back := "/targets/" + id + "/openings/" + w.fresh.Person + "/end"
		wants(t, w.post(w.lead, back, url.Values{"reason": {""}}).Body.String(), "Vui lòng ghi lý do")
		if rec := w.post(w.lead, back, url.Values{"reason": {"báo nhầm người"}}); rec.Code != http.StatusSeeOther {
			t.Errorf("%d", rec.Code)
		}
		if code, _ := w.open(w.fresh, "/targets/"+id); code != http.StatusNotFound {
			t.Errorf("a member who is told no more: %d", code)
		}
		wants(t, w.sees(w.lead, "/targets/"+id), "Thôi báo cho", "báo nhầm người")

		// The unit ends before the day: the lead is told, and nobody who ends it is.
		w.must(db.Exec("UPDATE organisations SET valid_to = '2026-03-04' WHERE id = ?", w.unit.ID).Error)
		wants(t, w.sees(w.lead, "/targets/"+id), "không còn tồn tại vào ngày đã định")

		w.must(db.Exec("INSERT INTO calendar_days (id, calendar_id, day, kind) SELECT ?, id, '2026-03-05', 'HOLIDAY' FROM calendars LIMIT 1", inspection.NewID()).Error)
		wants(t, w.sees(w.lead, "/targets/"+id), "thứ Năm 05/03/2026 là ngày nghỉ")

		move := url.Values{"version": {"1"}, "planned_on": {"2026-03-03"}, "at": {"10:00"}, "form": {"SURPRISE"}, "lead": {w.lead.Person}, "reason": {"xe hỏng"}}
		if rec := w.post(w.lead, "/targets/"+id, move); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body.String())
		}
		wants(t, w.sees(w.lead, "/targets/"+id), "03/03/2026", "<del>05/03/2026</del>", "xe hỏng")
		stand := url.Values{"version": {"2"}, "to": {"CANCELLED"}, "reason": {""}}
		wants(t, w.post(w.lead, "/targets/"+id+"/state", stand).Body.String(), "Vui lòng ghi lý do")
		stand.Set("reason", "đơn vị nghỉ")
		if rec := w.post(w.lead, "/targets/"+id+"/state", stand); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d", rec.Code)
		}
		wants(t, w.sees(w.lead, "/targets?state=CANCELLED"), w.unit.Name)
	})
}

// TestANewDeciderTakesOver: with the conclusions of a campaign goes what is still to be
// decided under it, and not what is concluded; the decision keeps its signer. The chair
// whose role has ended decides nothing any more, whoever is named yet.
func TestANewDeciderTakesOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.must(db.Exec("UPDATE checklists SET state = 'PUBLISHED', published_at = 1").Error)
		vice := w.person("phochutich", "Phó Chủ tịch", inspection.ViceChairperson, w.issuer.ID, "")
		open := inspection.NewID()
		target := inspection.NewID()
		w.must(db.Exec("INSERT INTO targets (id, campaign_id, team_id, lead_id, form, organisation_id, planned_on, state, created_at) VALUES (?, ?, ?, ?, 'SURPRISE', ?, '2026-03-02', 'STARTED', 1)",
			target, w.campaign, w.team, w.lead.Person, w.unit.ID).Error)
		w.must(db.Exec("INSERT INTO visits (id, target_id, campaign_id, team_id, lead_id, form, organisation_id, organisation_kind, organisation_name, issuer_id, decision_number, decision_date, decided_by, checklist_id, state, day, checked_in_at) VALUES (?, ?, ?, ?, ?, 'SURPRISE', ?, 'SERVICE_CENTER_COMMUNE', ?, ?, '1/QĐ-UBND', '2026-01-01', ?, ?, 'REPORTED', '2026-03-02', 1)",
			open, target, w.campaign, w.team, w.lead.Person, w.unit.ID, w.unit.Name, w.issuer.ID, w.chair.Person, w.campaign).Error)
		f := w.raise("A01", "Vắng mặt", finding.Major, finding.Recorded)
		may := func(id string, action org.Action) bool {
			capacities, err := org.CapacitiesOf(db, id, w.clock.Now().Date())
			w.must(err)
			var v visit.Visit
			w.must(db.Where("id = ?", open).Take(&v).Error)
			subject := v.Subject()
			if action == org.DecideFinding {
				subject = w.get(f.ID).Subject()
			}
			_, ok := org.Can(inspection.Actor{Person: id, Capacities: capacities}, action, subject)
			return ok
		}
		for _, action := range []org.Action{org.ConcludeVisit, org.DecideFinding} {
			if !may(w.chair.Person, action) || may(vice.Person, action) {
				t.Errorf("before: %s", action)
			}
		}
		wants(t, w.sees(w.chair, "/campaigns/"+w.campaign), "Người ký quyết định", "Chuyển giao việc ra kết luận", `value="`+vice.Person)
		form := url.Values{"decider": {vice.Person}, "version": {"1"}}
		wants(t, w.post(w.chair, "/campaigns/"+w.campaign+"/decider", form).Body.String(), "Vui lòng ghi lý do")
		form.Set("reason", "Chủ tịch nghỉ hưu")
		form.Set("decider", w.lead.Person)
		wants(t, w.post(w.chair, "/campaigns/"+w.campaign+"/decider", form).Body.String(), "phải đang là Chủ tịch", "Chủ tịch nghỉ hưu")
		form.Set("decider", vice.Person)

		// The role of who decides ends: nobody decides until it is handed over.
		w.must(db.Exec("UPDATE person_roles SET valid_to = '2026-03-01' WHERE person_id = ?", w.chair.Person).Error)
		for _, action := range []org.Action{org.ConcludeVisit, org.DecideFinding} {
			if may(w.chair.Person, action) || may(vice.Person, action) {
				t.Errorf("after the role has ended: %s", action)
			}
		}
		wants(t, w.sees(vice, "/campaigns/"+w.campaign), "Cần chuyển giao")
		if rec := w.post(vice, "/campaigns/"+w.campaign+"/decider", form); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", rec.Code, rec.Body.String())
		}
		for id, want := range map[string]string{open: vice.Person, w.visit: w.chair.Person} {
			var v visit.Visit
			w.must(db.Where("id = ?", id).Take(&v).Error)
			if v.DecidedBy == nil || *v.DecidedBy != want {
				t.Errorf("%s is decided by %v", v.State, v.DecidedBy)
			}
		}
		page := w.sees(vice, "/campaigns/"+w.campaign)
		wants(t, page, "<dt>Người ký quyết định</dt><dd>Chủ tịch</dd>", "<dt>Người ra kết luận</dt><dd>Phó Chủ tịch</dd>", "<del>Chủ tịch</del>", "Chủ tịch nghỉ hưu")
		lacks(t, page, "Cần chuyển giao")
		wants(t, w.sees(w.lead, "/visits/"+w.visit+"/minutes"), "do Chủ tịch ký về việc")
		w.must(db.Exec("UPDATE person_roles SET valid_to = '' WHERE person_id = ?", w.chair.Person).Error)
		for _, action := range []org.Action{org.ConcludeVisit, org.DecideFinding} {
			if may(w.chair.Person, action) || !may(vice.Person, action) {
				t.Errorf("handed over, the former chair in office again: %s", action)
			}
		}
	})
}

// TestAPasswordGivenAnewIsShown: who gives a member a new password can sign in as the
// member and read what the member was told; the member sees it, and the heads of the team,
// whether or not there is anything sealed.
func TestAPasswordGivenAnewIsShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		said := "Mật khẩu được cấp lại lúc"
		lacks(t, w.sees(w.lead, "/teams/"+w.team), said)
		lacks(t, w.sees(w.member, "/account"), said)
		var id string
		w.must(db.Table("accounts").Where("person_id = ?", w.member.Person).Pluck("id", &id).Error)
		_, password, err := w.Auth.ResetOther(ctx, w.sysadmin, id)
		w.must(err)
		wants(t, w.sees(w.lead, "/teams/"+w.team), said, "02/03/2026", "vui lòng hỏi người đó")
		lacks(t, w.sees(w.chair, "/teams/"+w.team), said) // it is the heads' who plan
		signed, err := w.Auth.SignIn(ctx, auth.SignIn{Username: "thanhvien", Password: password, Address: "192.0.2.1"})
		w.must(err)
		w.tokens[w.member.Person] = signed.Token
		w.must(w.Auth.ChangePassword(ctx, signed.Token, password, testPassword+"!"))
		wants(t, w.sees(w.member, "/account"), said, "02/03/2026", "Người cấp: Quản trị", "không theo yêu cầu của chủ tài khoản")
		lacks(t, w.sees(w.lead, "/account"), said)
	})
}
