package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/org"
	"congvu/inspection/tablein"
	"congvu/migrations"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// shell runs command lines on a data folder of its own.
type shell struct {
	t    *testing.T
	data string
	env  []string
}

func newShell(t *testing.T, env ...string) *shell {
	t.Helper()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	s := &shell{t: t, data: t.TempDir()}
	s.env = append([]string{"CONGVU_DATA=" + s.data}, env...)
	return s
}

// run runs one command line; out is what it prints, said its error in words.
func (s *shell) run(args ...string) (out, said string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	m := Main{Args: append([]string{"congvu"}, args...), Environ: s.env, Out: &stdout, Err: &stderr, Clock: inspection.SystemClock{}}
	if err := m.Run(s.t.Context()); err != nil {
		said = stderr.String() + explain(err)
	}
	return stdout.String(), said
}

func (s *shell) must(args ...string) string {
	s.t.Helper()
	out, said := s.run(args...)
	if said != "" {
		s.t.Fatalf("congvu %s: %s", strings.Join(args, " "), said)
	}
	return out
}

func (s *shell) file(name string, raw []byte) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// rows counts the rows of a table.
func (s *shell) rows(table string) int64 {
	s.t.Helper()
	db, err := migrations.Open(s.t.Context(), filepath.Join(s.data, "congvu.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer migrations.Close(db)
	var n int64
	if err := db.Table(table).Count(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

const (
	unitsCSV = "key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\nvn/mau,Tỉnh Mẫu,PROVINCE,vn,,\nvn/mau/a,\"Đông Sơn, cũ\",COMMUNE,vn/mau,,2025-06-30\nvn/mau/b,Đông Sơn,COMMUNE,vn/mau,2025-07-01,\n"
	lineCSV  = "predecessor_key,portion,successor_key,relation,legal_act,effective_date\nvn/mau/a,WHOLE,vn/mau/b,RENAMED,NQ 1,2025-07-01\n"
)

// TestUnitsFromCSV: what a person's spreadsheet may do to a file of units. A bad file
// is told by line and column and changes nothing.
func TestUnitsFromCSV(t *testing.T) {
	s := newShell(t)
	encode := func(e interface{ String(string) (string, error) }, text string) []byte {
		out, err := e.String(text)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	line := s.file("lineage.csv", []byte(lineCSV))
	for _, c := range []struct {
		name  string
		units []byte
		words []string
	}{
		{"UTF-16", encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), unitsCSV), []string{"units.csv dòng 1", "UTF-8"}},
		{"Windows-1252", encode(charmap.Windows1252.NewEncoder(), "key,name,unit_type,parent_key,valid_from,valid_to\nvn,Viêt Nam,COUNTRY,,,\n"), []string{"dòng 2", "UTF-8"}},
		{"a formula", []byte(strings.Replace(unitsCSV, "Tỉnh Mẫu", "=HYPERLINK(1)", 1)), []string{"dòng 3", "công thức", "name"}},
		{"another formula", []byte(strings.Replace(unitsCSV, "Tỉnh Mẫu", "@SUM(A1)", 1)), []string{"dòng 3", "công thức"}},
		{"a missing column", []byte(strings.ReplaceAll(unitsCSV, "unit_type", "kind")), []string{"Thiếu cột \"unit_type\"", "kind"}},
		{"a short row", []byte(unitsCSV + "vn/x,X\n"), []string{"dòng 6", "2 ô"}},
		{"open quotes", []byte(unitsCSV + "vn/x,\"X,COMMUNE,vn/mau,,\n"), []string{"ngoặc kép"}},
		{"nothing", nil, []string{"không có nội dung"}},
		{"nine megabytes", append([]byte(unitsCSV), bytes.Repeat([]byte("vn/x,X,COMMUNE,vn/mau,,\n"), 400_000)...), []string{"8 MB"}},
		{"NUL", []byte(strings.Replace(unitsCSV, "Tỉnh Mẫu", "Tỉnh\x00Mẫu", 1)), []string{"dòng 3", "ký tự"}},
		{"an unknown parent", []byte(unitsCSV + "vn/zz/x,X,COMMUNE,vn/zz,,\n"), []string{"dòng 6", "vn/zz"}},
		{"the same key twice", []byte(unitsCSV + "vn/mau/b,Khác,COMMUNE,vn/mau,2025-07-01,\n"), []string{"dòng 6", "vn/mau/b"}},
	} {
		_, said := s.run("import", "units", s.file("units.csv", c.units), line)
		for _, w := range append(c.words, "không có gì được ghi") {
			if !strings.Contains(said, w) {
				t.Errorf("%s: %q is not told: %s", c.name, w, said)
			}
		}
		if n := s.rows("admin_units") + s.rows("admin_unit_lineage"); n != 0 {
			t.Fatalf("%s: %d rows came to be", c.name, n)
		}
	}
	windows := []byte("\ufeff" + strings.ReplaceAll(unitsCSV, "\n", "\r\n")) // what Excel saves
	units := s.file("units.csv", windows)
	if out := s.must("import", "units", "--dry-run", units, line); !strings.Contains(out, "Thêm 5") || !strings.Contains(out, "Không có gì thay đổi") || s.rows("admin_units") != 0 {
		t.Errorf("dry run: %s", out)
	}
	if out := s.must("import", "units", units, line); !strings.Contains(out, "Thêm 5, đổi 0, giữ nguyên 0") || s.rows("admin_units") != 4 || s.rows("admin_unit_lineage") != 1 {
		t.Errorf("import: %s", out)
	}
	history := s.rows("history")
	if out := s.must("import", "units", s.file("units.csv", []byte(unitsCSV)), line); !strings.Contains(out, "Thêm 0, đổi 0, giữ nguyên 5") || s.rows("history") != history {
		t.Errorf("the same again: %s", out)
	}
	workbook := func(name, table string) string {
		raw, err := tablein.Spreadsheet(table)
		if err != nil {
			t.Fatal(err)
		}
		return s.file(name, raw)
	}
	if out := s.must("import", "units", workbook("units.xlsx", unitsCSV), workbook("lineage.xlsx", lineCSV)); !strings.Contains(out, "Thêm 0, đổi 0, giữ nguyên 5") || s.rows("history") != history {
		t.Errorf("the same as XLSX: %s", out)
	}
	if _, said := s.run("import", "units", workbook("units.xlsx", strings.Replace(unitsCSV, "2025-07-01", "31/31/2025", 1)), line); !strings.Contains(said, "units.csv ô E5") {
		t.Errorf("the cell of a spreadsheet is not named: %s", said)
	}
	for _, args := range [][]string{{"import", "units", units}, {"import", "units", units, line, line}, {"import", "units", "/nowhere.csv", line}, {"import", "units", t.TempDir(), line}} {
		if _, said := s.run(args...); said == "" {
			t.Errorf("%v does not complain", args)
		}
	}
}

// TestChecklistFromCSV: the same for a checklist.
func TestChecklistFromCSV(t *testing.T) {
	s := newShell(t)
	list, err := os.ReadFile("../../inspection/checklist/seed/checklist.csv")
	if err != nil {
		t.Fatal(err)
	}
	bases, guidance := "../../inspection/checklist/seed/bases.csv", "../../inspection/checklist/seed/guidance.csv"
	for name, c := range map[string]struct {
		from, to string
		words    string
	}{
		"a formula": {"Staff present on time at check time", "=1+1", "công thức"}, "a response that is none": {",YN,", ",MAYBE,", "dòng"}, "a missing column": {"weight", "gewicht", "Thiếu cột \"weight\""},
		"the same key twice": {"\nA02,", "\nA01,", "đã có ở dòng 2"},
	} {
		text := string(list)
		if !strings.Contains(text, c.from) {
			t.Fatal(c.from)
		}
		_, said := s.run("import", "checklist", s.file("c.csv", []byte(strings.Replace(text, c.from, c.to, 1))), bases, guidance)
		if !strings.Contains(said, "không có gì được ghi") || !strings.Contains(said, c.words) {
			t.Errorf("%s: %s", name, said)
		}
		if s.rows("checklists") != 0 || s.rows("legal_bases") != 0 {
			t.Fatalf("%s: something was written", name)
		}
	}
	path := s.file("c.csv", []byte("\ufeff"+strings.ReplaceAll(string(list), "\n", "\r\n")))
	if out := s.must("import", "checklist", "--dry-run", path, bases, guidance); !strings.Contains(out, "45 mục") || s.rows("checklists") != 0 {
		t.Errorf("dry run: %s", out)
	}
	raw, err := tablein.Spreadsheet(string(list))
	if err != nil {
		t.Fatal(err)
	}
	book := s.file("c.xlsx", raw)
	for _, path := range []string{path, path, book} { // twice is once, and a spreadsheet says the same
		if out := s.must("import", "checklist", path, bases, guidance); !strings.Contains(out, "45 mục") || s.rows("checklists") != 1 || s.rows("checklist_items") != 45 {
			t.Errorf("import: %s", out)
		}
	}
}

var printed = regexp.MustCompile(`mật khẩu[^:]*: (\S+) `)

// TestAccountsByCommand: a person with an account, whose first password must be
// changed; a new one ends all sessions.
func TestAccountsByCommand(t *testing.T) {
	s := newShell(t)
	out := s.must("user", "add", "--name", "Quản trị", "Quan.Tri")
	m := printed.FindStringSubmatch(out)
	if m == nil || !strings.Contains(out, "quan.tri") || !strings.Contains(out, "phải đổi") {
		t.Fatal(out)
	}
	main := Main{Environ: s.env, Out: io.Discard, Err: io.Discard, Clock: inspection.SystemClock{}}
	open := func() *program {
		c, err := main.config()
		if err == nil {
			var p *program
			if p, err = main.open(t.Context(), c); err == nil {
				return p
			}
		}
		t.Fatal(err)
		return nil
	}
	p := open()
	session, err := p.services.Auth.SignIn(t.Context(), auth.SignIn{Username: "quan.tri", Password: m[1], Address: "192.0.2.1"})
	if err != nil || !session.MustChange {
		t.Fatalf("%+v %v", session, err)
	}
	who, err := p.services.Auth.Authenticate(t.Context(), session.Token, "")
	if err != nil || !who.Actor.Is(inspection.SysAdmin) {
		t.Fatalf("%+v %v", who, err)
	}
	p.close()
	again := printed.FindStringSubmatch(s.must("user", "reset", "QUAN.TRI"))
	if again == nil || again[1] == m[1] {
		t.Fatal("the new password is the old one")
	}
	p = open()
	defer p.close()
	if _, err := p.services.Auth.Authenticate(t.Context(), session.Token, ""); inspection.CodeOf(err) != inspection.Unauthenticated {
		t.Errorf("a session outlives a reset: %v", err)
	}
	if _, err := p.services.Auth.SignIn(t.Context(), auth.SignIn{Username: "quan.tri", Password: m[1], Address: "192.0.2.1"}); err == nil {
		t.Error("the old password still signs in")
	}
	people := func() (n int64) {
		if err := p.db.Model(&org.Person{}).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := people()
	for name, args := range map[string][]string{
		"name taken":    {"user", "add", "--name", "Khác", "quan.tri"},
		"no name":       {"user", "add", "moi"},
		"bad user name": {"user", "add", "--name", "X", "a b"},
		"bad role":      {"user", "add", "--name", "X", "--role", "king", "moi"},
		"no place":      {"user", "add", "--name", "X", "--role", "unit_head", "moi"},
		"unknown place": {"user", "add", "--name", "X", "--role", "unit_head", "--organisation", "zz", "moi"},
		"nobody":        {"user", "reset", "khong.co"},
		"no argument":   {"user", "reset"},
	} {
		if _, said := s.run(args...); said == "" {
			t.Errorf("%s does not complain", name)
		}
	}
	if people() != before {
		t.Error("a refused command has left a person behind")
	}
}

// TestSettings: each mistake in them is named; secrets come from files.
func TestSettings(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, c := range []struct {
		env   []string
		words string
	}{
		{[]string{"CONGVU_URL=congvu.example.vn"}, "CONGVU_URL"},
		{[]string{"CONGVU_URL=https://congvu.example.vn/path"}, "CONGVU_URL"},
		{[]string{"CONGVU_URL=ftp://congvu.example.vn"}, "CONGVU_URL"},
		{[]string{"CONGVU_DATABASE_URL=mysql://x"}, "CONGVU_DATABASE_URL"},
		{[]string{"CONGVU_DATABASE_URL=postgres://x/y"}, "CONGVU_MASTER_KEY"},
		{[]string{"CONGVU_S3_ENDPOINT=localhost:9000"}, "CONGVU_S3_ACCESS_KEY"},
		{[]string{"CONGVU_S3_TLS=maybe"}, "S3TLS"},
		{[]string{"CONGVU_MAX_FILE_BYTES=10"}, "CONGVU_MAX_FILE_BYTES"},
		{[]string{"CONGVU_MAX_FILE_BYTES=lots"}, "MaxFileBytes"},
		{[]string{"CONGVU_MAX_FILE_PIXELS=0"}, "CONGVU_MAX_FILE_PIXELS"},
		{[]string{"CONGVU_LOG_FORMAT=xml"}, "CONGVU_LOG_FORMAT"},
		{[]string{"CONGVU_MASTER_KEY=" + key, "CONGVU_MASTER_KEY_FILE=/x"}, "both set"},
		{[]string{"CONGVU_MASTER_KEY_FILE=/nowhere"}, "CONGVU_MASTER_KEY_FILE"},
		{[]string{"CONGVU_DATABSE_URL=postgres://x/y"}, "CONGVU_DATABSE_URL"},
		{[]string{"CONGVU_ADDR_FILE=/x"}, "CONGVU_ADDR_FILE"},
		{[]string{"CONGVU_URL=http://congvu.example.vn"}, "https://"},
		{[]string{"CONGVU_ADDR=0.0.0.0:8080"}, "CONGVU_TRUSTED_PROXIES"},
		{[]string{"CONGVU_ADDR=:8080"}, "CONGVU_TRUSTED_PROXIES"},
		{[]string{"CONGVU_ADDR=:8080", "CONGVU_TRUSTED_PROXIES=10.0.0.1"}, "CONGVU_URL"},
		{[]string{"CONGVU_TRUSTED_PROXIES=proxy.example.vn"}, "CONGVU_TRUSTED_PROXIES"},
		{[]string{"CONGVU_TLS_CERT=/x"}, "CONGVU_TLS_KEY"},
	} {
		if _, err := ReadConfig(c.env); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v: %v", c.env, err)
		}
	}
	if _, said := newShell(t, "CONGVU_MASTER_KEY=short").run("migrate"); strings.Contains(said, "short") {
		t.Errorf("the key stands in the error: %s", said)
	}
	if _, said := newShell(t, "CONGVU_MASTER_KEY=short").run("user", "reset", "x"); !strings.Contains(said, "32 bytes in base64") || strings.Contains(said, "short") {
		t.Errorf("a short key: %s", said)
	}
	if _, said := newShell(t, "CONGVU_DATABASE_URL=postgres://congvu:hidden@127.0.0.1:1/x", "CONGVU_MASTER_KEY="+key).run("migrate"); said == "" || strings.Contains(said, "hidden") {
		t.Errorf("a database that is not there: %s", said)
	}
	for _, name := range secrets {
		path := filepath.Join(t.TempDir(), "secret")
		value := key
		if name == "CONGVU_DATABASE_URL" {
			value = "postgres://x/y"
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConfig([]string{name + "_FILE=" + path, "CONGVU_MASTER_KEY=" + map[bool]string{true: "", false: key}[name == "CONGVU_MASTER_KEY"]})
		if err != nil {
			t.Errorf("%s_FILE: %v", name, err)
			continue
		}
		v := reflect.ValueOf(c)
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("env") == name && v.Field(i).String() != value {
				t.Errorf("%s_FILE gives %q", name, v.Field(i))
			}
		}
	}
	// The key that is made for itself is made once, for its owner only.
	c := Config{Data: t.TempDir()}
	one, err := c.ReadKeys()
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.ReadKeys()
	info, _ := os.Stat(filepath.Join(c.Data, "master.key"))
	if err != nil || !bytes.Equal(one.Sessions, two.Sessions) || bytes.Equal(one.Sessions, one.Receipts) || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", err, info.Mode())
	}
}

// TestSettingsAreDocumented compares docs/config.md with the settings that there are.
func TestSettingsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(CONGVU_[A-Z0-9_]+)` \\| (\\S+) \\| \\S.*$").FindAllStringSubmatch(string(raw), -1) {
		documented[m[1]] = strings.Trim(m[2], "`")
	}
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		name, value := fields.Field(i).Tag.Get("env"), fields.Field(i).Tag.Get("envDefault")
		if value == "" {
			value = "empty"
		}
		if got, ok := documented[name]; !ok || got != value {
			t.Errorf("%s has the default %q, docs/config.md says %q", name, value, got)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/config.md speaks of %s, which is no setting", name)
	}
	for _, name := range secrets {
		if !strings.Contains(string(raw), "`"+name+"_FILE`") {
			t.Errorf("docs/config.md does not speak of %s_FILE", name)
		}
	}
}

// TestBackupAndRestoreSayWhatIsWrongWithTheFolder: a folder with content, a backup
// perhaps, is not called none; a folder that is not there is said to be missing.
func TestBackupAndRestoreSayWhatIsWrongWithTheFolder(t *testing.T) {
	s := newShell(t)
	s.must("migrate", "up")
	full := filepath.Dir(s.file("manifest.json", []byte("{}")))
	if _, said := s.run("backup", full); !strings.Contains(said, "không trống") || strings.Contains(said, "không phải là bản sao lưu") {
		t.Errorf("a folder with content: %s", said)
	}
	missing := filepath.Join(t.TempDir(), "khong-co")
	if _, said := s.run("restore", missing); !strings.HasPrefix(said, "không có thư mục "+missing) {
		t.Errorf("a folder that is not there: %s", said)
	}
	if _, said := s.run("restore", filepath.Join(full, "manifest.json")); !strings.Contains(said, "không phải là thư mục") {
		t.Errorf("a file: %s", said)
	}
}
