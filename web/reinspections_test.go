package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func orgAct(w *world, a inspection.Actor) org.Act {
	return org.Act{Actor: a, Capacity: a.Capacities[0], At: w.clock.Now()}
}

func TestAReinspectionIsPlannedAndStaysSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		f := w.raise("C03", "Bảng phí", finding.Major, finding.ReinspectDue)
		other := w.raise("B03", "Biển tên", finding.Minor, finding.Submitted)
		page := w.sees(w.lead, "/reinspections/new?visit="+w.visit)
		wants(t, page, "Bảng phí", w.fresh.Person, "được giữ kín", `value="`+string(f.ReinspectFrom)+`"`)
		lacks(t, page, w.member.Person, w.lead.Person, other.ID)
		wants(t, w.sees(w.lead, "/reinspections/new?finding="+f.ID), f.ID)
		before := map[string]string{}
		outsiders := []inspection.Actor{w.head, w.chair, w.member, w.foreign, w.sysadmin}
		paths := []string{"/findings", "/findings?visit=" + w.visit, "/findings/" + f.ID, "/visits", "/visits/" + w.visit, "/units", "/api/v1/findings", "/api/v1/today"}
		for _, a := range outsiders {
			if code, _ := w.open(a, "/reinspections/new?visit="+w.visit); code == http.StatusOK {
				t.Errorf("%s may plan", a.Name)
			}
			for _, p := range paths {
				_, before[a.Person+p] = w.open(a, p)
			}
		}
		good := func() url.Values {
			return url.Values{"id": {inspection.NewID()}, "visit": {w.visit}, "finding": {f.ID}, "planned_on": {string(f.ReinspectFrom)}, "at": {"07:30"}, "member": {w.fresh.Person}}
		}
		for field, c := range map[string]struct{ value, says string }{
			"member":     {w.member.Person, "Vui lòng chọn người phụ trách trong danh sách."},
			"finding":    {other.ID, "không còn chờ tái kiểm tra"},
			"planned_on": {string(f.ReinspectFrom.AddDays(-1)), "sớm hơn ngày được tái kiểm tra"},
			"at":         {"25:00", "Vui lòng ghi giờ"},
		} {
			form := good()
			form.Set(field, c.value)
			rec := w.post(w.lead, "/reinspections", form)
			if rec.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s = %s: %d", field, c.value, rec.Code)
			}
			wants(t, rec.Body.String(), c.says)
		}
		late := good()
		late.Set("planned_on", string(f.ReinspectDue.AddDays(1)))
		wants(t, w.post(w.lead, "/reinspections", late).Body.String(), "muộn hơn hạn tái kiểm tra")
		for _, a := range outsiders {
			if rec := w.post(a, "/reinspections", good()); rec.Code == http.StatusSeeOther {
				t.Errorf("%s has planned", a.Name)
			}
		}
		var n int64
		if w.must(db.Model(&plan.Target{}).Where("form = ?", plan.Reinspection).Count(&n).Error); n != 0 {
			t.Fatalf("%d targets of refused forms", n)
		}
		form := good()
		for range 2 {
			if rec := w.post(w.lead, "/reinspections", form); rec.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", rec.Code, rec.Body.String())
			}
		}
		if w.must(db.Model(&plan.Target{}).Where("form = ?", plan.Reinspection).Count(&n).Error); n != 1 {
			t.Errorf("sent twice it made %d", n)
		}
		target, err := w.Plan.Get(ctx, w.fresh, form.Get("id"))
		w.must(err)
		if !target.MayCheckIn || target.PlannedOn != f.ReinspectFrom || target.OrganisationID != w.unit.ID {
			t.Errorf("%+v", target)
		}
		wants(t, w.sees(w.lead, "/reinspections/new?visit="+w.visit), "đã có trong kế hoạch ngày")
		for _, a := range outsiders {
			for _, p := range paths {
				if _, now := w.open(a, p); sameButIDs(now) != sameButIDs(before[a.Person+p]) {
					t.Errorf("%s sees on %s that something is planned", a.Name, p)
				}
			}
		}
	})
}

func TestAnOverdueReinspectionCanStillBePlanned(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	f := w.raise("C03", "Bảng phí", finding.Major, finding.ReinspectDue)
	w.clock.Set(f.ReinspectDue.Time().AddDate(0, 0, 10).Add(9 * time.Hour))
	today := w.clock.Now().Date()
	w.renew()
	page := w.sees(w.lead, "/reinspections/new?visit="+w.visit)
	wants(t, page, `value="`+string(today)+`"`, "thời hạn tái kiểm tra đã qua")
	form := url.Values{"id": {inspection.NewID()}, "visit": {w.visit}, "finding": {f.ID}, "planned_on": {string(today)}, "at": {"07:30"}, "member": {w.fresh.Person}}
	if rec := w.post(w.lead, "/reinspections", form); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body.String())
	}
}

func TestUnitsAsTheyStoodOnADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		old := w.sees(w.head, "/units?as_of=2024-03-31")
		wants(t, old, "huyện Mẫu Cũ", "2 đơn vị trực thuộc · 1 Bộ phận Một cửa · 4 vị trí", "DỮ LIỆU MÔ PHỎNG",
			"Nhập vào xã Đông Sơn, theo NQ 1656/NQ-UBTVQH15, từ 01/07/2025", "một phần")
		lacks(t, old, "<strong>xã Đông Sơn</strong>")
		now := w.sees(w.head, "/units")
		wants(t, now, "<strong>xã Đông Sơn</strong>", "Tiếp nhận xã Mẫu 01")
		lacks(t, now, "huyện Mẫu Cũ")
		found := w.sees(w.head, "/units?q=dong+son")
		wants(t, found, "xã Đông Sơn", "<details open>")
		if page := w.sees(w.head, "/units?q=huyen+mau+cu"); strings.Contains(page, "<strong>xã Đông Sơn") || !strings.Contains(page, "Không có đơn vị nào để hiện.") {
			t.Error("a unit of another time is found today")
		}
		if page := w.sees(w.head, "/units?as_of=2024-03-31&q=mau+02"); strings.Contains(page, "xã Mẫu 01") || !strings.Contains(page, "xã Mẫu 02") {
			t.Error("the search keeps other branches")
		}
		if code, _ := w.open(w.head, "/units?as_of=2024-02-31"); code != http.StatusUnprocessableEntity {
			t.Errorf("a day that does not exist: %d", code)
		}
	})
}

func TestTheStyleGuideShowsEveryPart(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	wants(t, w.sees(inspection.Actor{}, "/styleguide"), "Điểm tiếp nhận số 3", `class="paper"`, `class="timeline"`)
}
