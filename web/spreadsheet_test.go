package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/tablein"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func (w *world) workbook(table string) string {
	w.t.Helper()
	raw, err := tablein.Spreadsheet(table)
	w.must(err)
	return string(raw)
}

var importFound = regexp.MustCompile(`(?s)<div class="notice (?:good|warn)".*?</div>`)

// TestEveryImportTakesASpreadsheet: on each page of imports a spreadsheet is found to
// say what its CSV says, and what it brings in is there.
func TestEveryImportTakesASpreadsheet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.must(w.db.Exec("UPDATE admin_units SET name = 'Mẫu 07', search = 'mau 07' WHERE name = 'Đông Sơn'").Error)
		own := w.unit.ID
		list, err := io.ReadAll(checklist.Seed("checklist.csv"))
		w.must(err)
		bases, err := io.ReadAll(checklist.Seed("bases.csv"))
		w.must(err)
		for _, c := range []struct {
			path   string
			tables map[string]string
			then   string // where what it brought is seen
			sees   string
		}{
			{"/admin/organisations/import", map[string]string{"sheet": org.RegisterTemplate}, "/admin/organisations", "Trung tâm Phục vụ hành chính công xã Mẫu 07"},
			{"/admin/units/import", map[string]string{"units": org.UnitsTemplate, "lineage": org.LineageTemplate}, "/admin/units", "Mẫu 07 (cũ)"},
			{"/admin/calendars/" + own + "/import", map[string]string{"days": "date,kind,name_vi\n2026-12-24,HOLIDAY,Ngày nghỉ thử\n"}, "/admin/calendars/" + own, "Ngày nghỉ thử"},
			{"/admin/checklists/import", map[string]string{"checklist": strings.Replace(string(list), "Cán bộ", "Cán bộ mới", 1), "bases": string(bases)}, "/admin/checklists", "checklists/"},
		} {
			books := map[string]string{}
			for name, table := range c.tables {
				books[name] = w.workbook(table)
			}
			csv, xlsx := w.sheets(w.sysadmin, c.path, c.tables, "check").Body.String(), w.sheets(w.sysadmin, c.path, books, "check").Body.String()
			if a, b := importFound.FindString(csv), importFound.FindString(xlsx); a == "" || a != b {
				t.Errorf("%s: CSV says %q, XLSX says %q", c.path, a, b)
			}
			if r := w.sheets(w.sysadmin, c.path, books, "apply"); r.Code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", c.path, r.Code, r.Body)
			}
			wants(t, w.sees(w.sysadmin, c.then), c.sees)
			if again := w.sheets(w.sysadmin, c.path, c.tables, "check").Body.String(); !strings.Contains(again, `class="notice warn"`) {
				t.Errorf("%s: the CSV says something else than the spreadsheet that was taken in: %s", c.path, importFound.FindString(again))
			}
		}
	})
}

// TestBadSpreadsheetsAreRefusedByCell: what is wrong is told in words, by cell where it
// is in one, and nothing is written.
func TestBadSpreadsheetsAreRefusedByCell(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	const path = "/admin/organisations/import"
	send := func(book string) string {
		t.Helper()
		return w.sheets(w.sysadmin, path, map[string]string{"sheet": book}, "check").Body.String()
	}
	good := w.workbook(org.RegisterTemplate)
	wants(t, send(w.workbook("Mã,Tên,Loại,Địa bàn,Từ ngày\nmau/9,Trung tâm mới,Chi nhánh,xã Đông Sơn,tháng 7\n")), "sheet.xlsx, ô E2", "01/07/2025 hoặc 2025-07-01")
	wants(t, send(w.workbook("Mã,Tên,Loại,Địa bàn\nmau/9,=1+1,Chi nhánh,xã Đông Sơn\n")), "sheet.xlsx, ô B2", "công thức")
	wants(t, send(good[:len(good)/2]), "Không đọc được tệp Excel này", "Chưa có gì thay đổi")
	wants(t, send("PK\x03\x04"+strings.Repeat("\xff", 4000)), "Không đọc được tệp Excel này")
	wants(t, send("\xd0\xcf\x11\xe0"+strings.Repeat("\xff", 4000)), "Excel đời cũ")
	wants(t, send(w.bomb()), "bung ra quá lớn")
	if rec := w.sheets(w.lead, path, map[string]string{"sheet": good}, "check"); rec.Code != http.StatusForbidden {
		t.Errorf("a lead imports: %d", rec.Code)
	}
	wants(t, w.sees(w.sysadmin, path), ".xlsx", "/admin/organisations/template.xlsx")
	for address, table := range map[string]string{"/admin/organisations/template": org.RegisterTemplate, "/admin/units/template": org.UnitsTemplate, "/admin/units/lineage-template": org.LineageTemplate} {
		head := strings.Split(strings.TrimPrefix(strings.SplitN(table, "\r\n", 2)[0], "\ufeff"), ",")
		one, bad1 := tablein.Read("t", strings.NewReader(w.sees(w.sysadmin, address+".xlsx")), head, nil)
		two, bad2 := tablein.Read("t", strings.NewReader(w.sees(w.sysadmin, address+".csv")), head, nil)
		if len(bad1)+len(bad2) > 0 || len(one.Rows) == 0 || fmt.Sprint(one.Rows) != fmt.Sprint(two.Rows) {
			t.Errorf("%s: %v %v %v %v", address, one, two, bad1, bad2)
		}
	}
	if code, _ := w.open(w.lead, "/admin/units/template.xlsx"); code != http.StatusForbidden {
		t.Errorf("a template to a lead: %d", code)
	}
}

// bomb is a spreadsheet that unpacks to sixty megabytes.
func (w *world) bomb() string {
	w.t.Helper()
	raw := []byte(w.workbook("a,b\n"))
	var out bytes.Buffer
	w.must(repack(&out, raw, "xl/worksheets/sheet1.xml", 60<<20))
	return out.String()
}
