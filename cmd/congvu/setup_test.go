package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection/org"

	"github.com/chromedp/cdproto/emulation"
)

// login is what somebody signs in with.
type login struct{ name, username, password string }

// newOffice is an office whose administrator has set it up by the pages alone, from an empty
// `congvu serve` on: everybody has signed in once and chosen a password.
type newOffice struct {
	program                                *running
	admin, chair, homeAffairs              login
	lead, secretary, inspector, inspector2 login // the lead may make campaigns; the others have no role until they are in a team
	head, head2                            login // of the centres of xã Mẫu 07 and xã Mẫu 08
	committee, department                  string
	centres, desks                         []string // by commune, from Mẫu 01 on
}

const (
	setupCommunes = 12
	ownPassword   = "một mật khẩu khá dài 2026"
)

// registerSheet is what an office has: a spreadsheet of its units, as Excel saves it where
// decimals have commas.
func registerSheet() string {
	var b strings.Builder
	b.WriteString("\ufeffMã;Tên;Loại;Địa bàn;Cấp trên;Tên quầy;Địa chỉ;Vị trí;Lĩnh vực;Bắt buộc\r\n")
	b.WriteString("mau/ubnd;Ủy ban nhân dân tỉnh Mẫu;Ủy ban nhân dân;tỉnh Mẫu;;;;;;\r\n")
	b.WriteString("mau/so-noi-vu;Sở Nội vụ tỉnh Mẫu;Sở;tỉnh Mẫu;mau/ubnd;;;;;\r\n")
	for i := 1; i <= setupCommunes; i++ {
		word := "xã"
		if i > 8 {
			word = "phường"
		}
		place := fmt.Sprintf("%s Mẫu %02d", word, i)
		for n := range 4 {
			fmt.Fprintf(&b, "mau/%02d;Trung tâm Phục vụ hành chính công %s;Trung tâm Phục vụ hành chính công cấp xã;%s;;Bộ phận Một cửa %s;Thôn %d;Công chức tiếp nhận – quầy %d;%s;x\r\n",
				i, place, place, place, i, n+1, fields[n%len(fields)])
		}
	}
	return b.String()
}

var setupCode = regexp.MustCompile(`mã thiết lập: (\S+)`)

// everyLook holds a page to every width, runs axe, and keeps pictures of it, light and
// dark, where they are asked for.
func (b *browser) everyLook(name string) {
	b.t.Helper()
	b.anywhere()
	if os.Getenv("CONGVU_TEST_PICTURES") == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		for _, width := range []int64{360, 768, 1280} {
			b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, false))
			b.picture(fmt.Sprintf("%s-%s-%d", name, scheme, width))
		}
		if scheme == "dark" {
			b.axe()
		}
	}
	b.run(emulation.SetEmulatedMedia().WithFeatures(nil), emulation.SetDeviceMetricsOverride(b.size[0], b.size[1], 1, false))
}

func tempFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// theOffice is what newOfficeCopy copies: the folder of an office on SQLite and files.
var theOffice struct {
	once   sync.Once
	folder string
	in     *newOffice // nil where setting it up failed
}

// newOfficeCopy is an office that was set up by its pages on SQLite and files, once for all
// tests that begin with one: the data folder of a copy of its own, in a folder of the
// test's, and who is in it. Nothing runs on it.
func newOfficeCopy(t *testing.T) (folder string, in *newOffice) {
	t.Helper()
	theOffice.once.Do(func() {
		path, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		program := start(t, "serve", nil)
		in := setUpByPages(t, program)
		program.stop(t)
		theOffice.folder = filepath.Join(filepath.Dir(path), "office")
		if out, err := exec.Command("cp", "-a", filepath.Join(program.data, "data"), theOffice.folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		theOffice.in = in
	})
	if theOffice.in == nil {
		t.Fatal("the office that this test begins with was not set up: see the test that tried")
	}
	own := *theOffice.in
	folder = t.TempDir()
	if out, err := exec.Command("cp", "-a", theOffice.folder, filepath.Join(folder, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return folder, &own
}

// setUpByPages leads an administrator through an empty installation, from the code that
// the program prints to people who can sign in.
func setUpByPages(t *testing.T, program *running) *newOffice {
	t.Helper()
	in := &newOffice{program: program, admin: login{"Người Quản Trị", "quantri", ownPassword}, committee: "Ủy ban nhân dân tỉnh Mẫu", department: "Sở Nội vụ tỉnh Mẫu"}
	raw, err := os.ReadFile(program.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	code := setupCode.FindStringSubmatch(string(raw))
	if code == nil || len(code[1]) < 16 {
		t.Fatalf("the program prints no set-up code:\n%s", raw)
	}
	b := newBrowser(t, program.base, "admin", office)

	// The first account.
	b.open("/")
	b.sees("Thiết lập lần đầu")
	b.everyLook("setup")
	b.fill("#code", "khong-phai-ma-nay")
	b.fill("#name", in.admin.name)
	b.fill("#position", "Chuyên viên công nghệ thông tin")
	b.fill("#username", in.admin.username)
	b.fill("#password", in.admin.password)
	b.fill("#again", in.admin.password)
	b.click(`form[action="/setup"] button`)
	b.sees("Mã thiết lập chưa đúng")
	b.axe()
	b.fill("#code", code[1])
	b.fill("#password", in.admin.password)
	b.fill("#again", in.admin.password)
	b.click(`form[action="/setup"] button`)
	b.sees("Trang thiết lập đã đóng")
	b.sees("Còn 6 việc")
	b.everyLook("home-empty")

	// Administrative units: the built-in ones, and the office's own.
	b.press("Nạp đơn vị hành chính")
	b.sees("Chưa có đơn vị hành chính nào")
	b.everyLook("units-empty")
	b.click(`form[action="/admin/units/builtin"] button`)
	b.sees("Đã nạp danh mục có sẵn")
	b.open("/admin/units/import")
	b.everyLook("units-import")
	b.upload("units", tempFile(t, "units.csv", "key,name,unit_type,parent_key,valid_from,valid_to\nvn/mau,Mẫu,TINH,vn,2025-07-01,\n"))
	b.sees("units.csv, dòng 2")
	b.upload("units", tempFile(t, "units.csv", madeUpProvince()))
	b.sees("Tệp đúng")
	b.click(`button[value="apply"]`)
	b.sees("Đã nhập tệp")
	b.fill("#q", "mau 07")
	b.click(`form[role="search"] button`)
	b.sees("vn/mau/mau-07")
	b.everyLook("units")
	b.press("Mẫu 07")
	b.sees("Thêm cơ quan tại đây")
	b.everyLook("unit")

	// Organisations, desks and posts, from one spreadsheet.
	b.open("/admin/organisations")
	b.sees("Chưa có cơ quan nào")
	b.everyLook("organisations-empty")
	b.press("Nhập cơ quan, quầy từ bảng tính")
	b.upload("sheet", tempFile(t, "don-vi.csv", strings.Replace(registerSheet(), ";Sở;tỉnh Mẫu;", ";Sở;tỉnh Không Có;", 1)))
	b.sees("dòng 3")
	b.sees("tỉnh Không Có")
	b.everyLook("import-bad")
	b.upload("sheet", tempFile(t, "don-vi.csv", registerSheet()))
	b.sees("Tệp đúng")
	b.everyLook("import-good")
	b.click(`button[value="apply"]`)
	b.sees("Đã nhập tệp")
	b.sees(in.committee)
	b.everyLook("organisations")
	for i := 1; i <= setupCommunes; i++ {
		word := "xã"
		if i > 8 {
			word = "phường"
		}
		in.centres = append(in.centres, fmt.Sprintf("Trung tâm Phục vụ hành chính công %s Mẫu %02d", word, i))
		in.desks = append(in.desks, fmt.Sprintf("Bộ phận Một cửa %s Mẫu %02d", word, i))
	}
	b.open("/admin/organisations?q=mau+07")
	b.press(in.centres[6])
	b.sees(in.desks[6])
	b.everyLook("organisation")
	b.press(in.desks[6])
	b.sees("Công chức tiếp nhận – quầy 4")
	b.everyLook("desk")
	b.fill("#correct-address", "Thôn 7, xã Mẫu 07")
	b.fill("#correct-reason", "ghi thiếu tên xã")
	b.click(`form[action$="/correct"].card button`)
	b.sees("Đã đính chính")
	b.sees("ghi thiếu tên xã")
	b.everyLook("desk-corrected")

	// The calendar of a commune.
	b.open("/admin/calendars")
	b.everyLook("calendars")
	b.fill("#find-owner", "xã Mẫu 07")
	b.click(`form[action="/admin/calendars"] button`)
	b.sees("Bốn tuần từ tuần này")
	b.fill("#day-day", "2027-09-17")
	b.fill("#day-kind", "HOLIDAY")
	b.fill("#day-name", "Ngày hội của xã")
	b.click(`form[action$="/day"] button`)
	b.sees("Đã lưu")
	b.everyLook("calendar")

	// The checklist.
	b.open("/admin/checklists")
	b.sees("Chưa có bảng kiểm nào")
	b.everyLook("checklists-empty")
	b.click(`form[action="/admin/checklists/builtin"] button`)
	b.sees("45 mục, tổng trọng số 100")
	b.everyLook("checklist")
	b.click(`[name="sure"]`)
	b.click(`form[action$="/publish"] button`)
	b.sees("Đã ban hành")

	// People, their roles and their accounts.
	b.open("/admin/people")
	b.everyLook("people-few")
	for _, p := range []struct {
		into                                     *login
		username, name, position, role, atCentre string
	}{
		{&in.chair, "chutich", "Chủ tịch tỉnh Mẫu", "Chủ tịch", "chairperson", in.committee},
		{&in.homeAffairs, "noivu", "Chuyên viên nội vụ Mẫu", "Chuyên viên", "home_affairs", in.committee},
		{&in.lead, "truongdoan", "Trưởng đoàn Mẫu", "Phó Giám đốc Sở", "team_lead", in.committee},
		{&in.secretary, "thuky", "Thư ký Mẫu", "Chuyên viên", "", ""},
		{&in.inspector, "thanhvien1", "Thành viên Mẫu A", "Chuyên viên", "", ""},
		{&in.inspector2, "thanhvien2", "Thành viên Mẫu B", "Chuyên viên", "", ""},
		{&in.head, "thutruong7", "Giám đốc Mẫu 07", "Giám đốc", "unit_head", in.centres[6]},
		{&in.head2, "thutruong8", "Giám đốc Mẫu 08", "Giám đốc", "unit_head", in.centres[7]},
	} {
		*p.into = b.addPerson(p.username, p.name, p.position, p.role, p.atCentre)
	}
	b.everyLook("person")
	b.open("/admin/people")
	b.everyLook("people")
	b.open("/admin")
	b.sees("Đã đủ để lập đợt kiểm tra")
	b.everyLook("home")

	for _, l := range []*login{&in.chair, &in.homeAffairs, &in.lead, &in.secretary, &in.inspector, &in.inspector2, &in.head, &in.head2} {
		first(t, program, l)
	}
	return in
}

// upload chooses the file of an import page and has it checked.
func (b *browser) upload(field, path string) {
	b.t.Helper()
	b.files("#file-"+field, path)
	b.click(`button[value="check"]`)
	b.wait("the page of the check", `document.querySelector('table.stack, .notice') !== null && document.querySelector('#file-`+field+`').value === ''`)
}

// addPerson enters a person with a role and an account, and reads the first password.
func (b *browser) addPerson(username, name, position, role, organisation string) login {
	b.t.Helper()
	b.open("/admin/people")
	b.fill("#add-name", name)
	b.fill("#add-position", position)
	b.click(`form[action="/admin/people"][method="post"] button`)
	b.sees("Bây giờ giao vai trò")
	if role != "" {
		b.fill("#role-role", role)
		b.fill("#role-organisation", organisation)
		b.fill("#role-valid_from", "2026-01-01")
		b.click(`form[action$="/role"] button`)
		b.sees("Đã giao vai trò")
	}
	b.fill("#account-username", username)
	b.click(`form[action$="/account"] button`)
	b.sees("Ghi lại mật khẩu này ngay")
	var password string
	b.eval(`document.querySelector('#first-password').innerText`, &password)
	return login{name, username, password}
}

// first signs somebody in for the first time and gives them a password of their own.
func first(t *testing.T, program *running, l *login) {
	t.Helper()
	b := newBrowser(t, program.base, l.username, phone)
	b.signIn(l.username, l.password)
	b.sees("Đây là mật khẩu lần đầu")
	b.fill("#current", l.password)
	b.fill("#new", ownPassword)
	b.fill("#again", ownPassword)
	b.click(`form[action="/password"] button`)
	b.sees("Đã đổi mật khẩu")
	l.password = ownPassword
	b.click(`form[action="/logout"] button`)
	b.wait("the sign-in page", `location.pathname === '/login'`)
}

// TestAnAdministratorSetsUpAnEmptyInstallation: from an empty `congvu serve` to an office
// whose people can sign in, by the pages alone; then what must not go through.
// TestTheMainJobFromAnEmptyInstallation begins with the same office, and with the same
// set-up by pages on PostgreSQL and S3.
func TestAnAdministratorSetsUpAnEmptyInstallation(t *testing.T) {
	t.Parallel()
	folder, in := newOfficeCopy(t)
	in.program = launch{sub: "serve", data: folder}.start(t)
	b := newBrowser(t, in.program.base, "again", office)
	b.open("/setup")
	b.sees("Thiết lập đã xong")
	b.signIn(in.admin.username, in.admin.password)

	// The last administrator cannot remove herself.
	b.open("/admin/people?q=nguoi+quan+tri")
	b.press(in.admin.name)
	b.sees("do một quản trị khác thay đổi")
	var forms int
	b.eval(`document.querySelectorAll('form[action$="/disable"], form[action$="/end"]').length`, &forms)
	if forms != 0 {
		t.Errorf("%d forms to remove oneself", forms)
	}

	// A role that ends before it begins; a desk that goes where nothing is yet.
	b.open("/admin/people?q=giam+doc+mau+07")
	b.press(in.head.name)
	b.press("Kết thúc vai trò")
	b.fill(`input[name="last"]`, "2025-12-31")
	b.fill(`form[action$="/end"] input[name="reason"]`, "nhầm")
	b.click(`form[action$="/end"] button`)
	b.sees("không thể kết thúc trước đó")
	b.everyLook("role-refused")
	b.open("/admin/organisations")
	b.fill("#add-name", "Điểm tiếp nhận tương lai")
	b.fill("#add-kind", string(org.ReceptionPoint))
	b.fill("#add-unit", "xã Mẫu 06")
	b.fill("#add-valid_from", time.Now().AddDate(1, 0, 0).Format(time.DateOnly))
	b.click(`form[action="/admin/organisations"][method="post"] button`)
	b.sees("Chưa có quầy nào")
	b.open("/admin/organisations?q=mau+06")
	b.press(in.centres[5])
	b.press(in.desks[5])
	b.fill("#move-organisation", "Điểm tiếp nhận tương lai")
	b.fill("#move-from", time.Now().AddDate(0, 1, 0).Format(time.DateOnly))
	b.fill("#move-reason", "QĐ 12/QĐ-UBND")
	b.click(`form[action$="/move"] button`)
	b.sees("Quầy chưa được chuyển")
	b.everyLook("move-refused")

	// Home affairs and the lead see the page that is theirs; nobody else the administration.
	for _, l := range []login{in.homeAffairs, in.lead, in.head} {
		p := newBrowser(t, in.program.base, l.username, phone)
		p.signIn(l.username, l.password)
		p.open("/admin")
		p.sees("không có quyền")
	}
}
