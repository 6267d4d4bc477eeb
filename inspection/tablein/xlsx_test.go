package tablein

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// book makes a spreadsheet: records from A1 on, then what change does to it.
func book(t *testing.T, change func(f *excelize.File), records ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, r := range records {
		must(t, f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r))
	}
	if change != nil {
		change(f)
	}
	var out bytes.Buffer
	must(t, f.Write(&out))
	return out.Bytes()
}

func readBook(raw []byte) (Table, []Problem) {
	return Read("a.xlsx", bytes.NewReader(raw), []string{"key", "name"}, []string{"note", "day", "n"})
}

// TestASpreadsheetSaysWhatItsCSVSays: values of every kind, as saving them as CSV gives.
func TestASpreadsheetSaysWhatItsCSVSays(t *testing.T) {
	day := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	raw := book(t, func(f *excelize.File) {
		style := func(cell string, s excelize.Style) {
			id, err := f.NewStyle(&s)
			must(t, err)
			must(t, f.SetCellStyle("Sheet1", cell, cell, id))
		}
		style("D2", excelize.Style{NumFmt: 14})
		style("D3", excelize.Style{CustomNumFmt: ptr(`dd/mm/yyyy;@`)})
		style("D4", excelize.Style{CustomNumFmt: ptr(`[$-42A]"ngày" d "tháng" m`)})
		style("D5", excelize.Style{CustomNumFmt: ptr(`h:mm`)})
		style("E2", excelize.Style{NumFmt: 3})                              // #,##0
		style("E3", excelize.Style{NumFmt: 9})                              // 0%
		style("E4", excelize.Style{CustomNumFmt: ptr(`"days" 0.00 [Red]`)}) // letters of days in quotes and brackets
		style("E6", excelize.Style{NumFmt: 49})                             // text
		must(t, f.SetCellFormula("Sheet1", "E5", "40+5"))
		must(t, f.MergeCell("Sheet1", "C2", "C3"))
		must(t, f.SetCellRichText("Sheet1", "B4", []excelize.RichTextRun{{Text: "Đầm "}, {Text: "Dơi", Font: &excelize.Font{Bold: true}}}))
		_, err := f.NewSheet("Khác")
		must(t, err)
		must(t, f.SetCellValue("Khác", "A1", "không đọc"))
	}, []any{"key", "name", "note", "day", "n"},
		[]any{"a", " Đầm Dơi ", "gộp", day, 12345678901},
		[]any{"b", "Đầm Dơi", nil, day, 0.99},
		[]any{"c", "", "x", day, 0.1 + 0.2},
		[]any{"d", "Đầm Dơi", "x", 7.5 / 24, 45},
		[]any{},
		[]any{"e", "Đầm Dơi", true, "01/07/2025", "007"},
		[]any{"f", "Đầm Dơi"})
	got, bad := readBook(raw)
	want, bad2 := Read("a.xlsx", strings.NewReader("key,name,note,day,n\na,Đầm Dơi,gộp,2025-07-01,12345678901\nb,Đầm Dơi,,2025-07-01,0.99\nc,Đầm Dơi,x,2025-07-01,0.3\n"+
		"d,Đầm Dơi,x,07:30,45\n\ne,Đầm Dơi,TRUE,01/07/2025,007\nf,Đầm Dơi,,,\n"), []string{"key", "name"}, []string{"note", "day", "n"})
	if len(bad)+len(bad2) > 0 || !reflect.DeepEqual(got.Rows, want.Rows) {
		t.Errorf("%+v\n%+v\n%+v %+v", got.Rows, want.Rows, bad, bad2)
	}
}

// TestAFormulaIsWhatItWas: the value that was saved with it, never computed anew.
func TestAFormulaIsWhatItWas(t *testing.T) {
	raw := remade(t, book(t, nil, []any{"key", "name"}, []any{"a"}), "xl/worksheets/sheet1.xml", func(xml string) string {
		return strings.Replace(xml, `</row></sheetData>`, `<c r="B2" t="str"><f>WEBSERVICE("http://127.0.0.1/")</f><v>đã lưu</v></c></row></sheetData>`, 1)
	})
	got, bad := readBook(raw)
	if len(bad) > 0 || len(got.Rows) != 1 || got.Rows[0].Get("name") != "đã lưu" {
		t.Errorf("%+v %+v", got, bad)
	}
}

// remade changes one part of a package.
func remade(t *testing.T, raw []byte, part string, change func(string) string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	must(t, err)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	found := false
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		body, err := io.ReadAll(r)
		must(t, err)
		if f.Name == part {
			found = true
			changed := change(string(body))
			if changed == string(body) {
				t.Fatalf("%s did not change: %.2000s", part, body)
			}
			body = []byte(changed)
		}
		w, err := z.Create(f.Name)
		must(t, err)
		_, err = w.Write(body)
		must(t, err)
	}
	if !found {
		t.Fatal(part)
	}
	must(t, z.Close())
	return out.Bytes()
}

func TestHiddenSheetsAreNotRead(t *testing.T) {
	hide := func(f *excelize.File) {
		_, err := f.NewSheet("Đơn vị")
		must(t, err)
		must(t, f.SetSheetRow("Đơn vị", "A1", &[]string{"key", "name"}))
		must(t, f.SetSheetRow("Đơn vị", "A2", &[]string{"a", "b"}))
		f.SetActiveSheet(1)
		must(t, f.SetSheetVisible("Sheet1", false))
	}
	got, bad := readBook(book(t, hide, []any{"secret"}))
	if len(bad) > 0 || len(got.Rows) != 1 || got.Rows[0].Get("key") != "a" {
		t.Errorf("%+v %+v", got, bad)
	}
	none := remade(t, book(t, nil, []any{"key", "name"}), "xl/workbook.xml", func(xml string) string {
		return strings.Replace(xml, `<sheet `, `<sheet state="hidden" `, 1)
	})
	if _, bad := readBook(none); len(bad) != 1 || bad[0].Key != "csv.error.no_sheet" {
		t.Errorf("%+v", bad)
	}
}

// TestASpreadsheetIsRefusedByCell: every problem names the cell.
func TestASpreadsheetIsRefusedByCell(t *testing.T) {
	got, bad := readBook(book(t, nil, []any{"key", "name", "n"}, []any{"a", "=1+1", -1}, []any{"b", "c", 1, "ngoài bảng"}, []any{"d", "@x"}))
	var said []string
	for _, b := range bad {
		said = append(said, fmt.Sprintf("%s %d %s", b.Cell, b.Line, b.Key))
	}
	if want := []string{"B2 2 csv.error.formula", "C2 2 csv.error.formula", " 3 csv.error.columns", "B4 4 csv.error.formula"}; !reflect.DeepEqual(said, want) {
		t.Errorf("%q", said)
	}
	named := got.Name([]Problem{{File: "a.xlsx", Line: 3, Key: "x", Params: map[string]any{"column": "n"}}, {File: "b.csv", Line: 3, Key: "x", Params: map[string]any{"column": "n"}}, {File: "a.xlsx", Line: 3, Key: "y"}})
	if named[0].Cell != "C3" || named[1].Cell != "" || named[2].Cell != "" {
		t.Errorf("%+v", named)
	}
	plain, _ := read("key,name\na,b\n")
	if named := plain.Name([]Problem{{File: "a.csv", Line: 2, Params: map[string]any{"column": "name"}}}); named[0].Cell != "" {
		t.Errorf("a file of commas has cells: %+v", named)
	}
}

// bomb is a package with one part of blanks or whatever fill says.
func bomb(t *testing.T, part string, megabytes int) []byte {
	t.Helper()
	return remade(t, book(t, nil, []any{"key", "name"}, []any{"a", "b"}), part, func(xml string) string {
		return xml + strings.Repeat(" ", megabytes<<20)
	})
}

func TestHostileSpreadsheets(t *testing.T) {
	good := book(t, nil, []any{"key", "name"}, []any{"a", "b"})
	sheet := func(change func(string) string) []byte { return remade(t, good, "xl/worksheets/sheet1.xml", change) }
	data := func(rows string) []byte {
		return sheet(func(xml string) string {
			return xml[:strings.Index(xml, "<sheetData>")] + "<sheetData>" + rows + "</sheetData></worksheet>"
		})
	}
	var tooMany strings.Builder
	for i := range MaxRows + 2 {
		fmt.Fprintf(&tooMany, `<row r="%d"><c t="str"><v>%s</v></c><c t="str"><v>name</v></c></row>`, i+1, []string{"x", "key"}[min(1, max(0, 1-i))])
	}
	lying := bomb(t, "xl/styles.xml", 49) // its directory says that each part has 100 bytes
	for at := bytes.Index(lying, []byte("PK\x01\x02")); at >= 0; {
		binary.LittleEndian.PutUint32(lying[at+24:], 100)
		next := bytes.Index(lying[at+4:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += 4 + next
	}
	for name, c := range map[string]struct {
		raw []byte
		key string
	}{
		"a zip of nothing":        {[]byte("PK\x05\x06" + strings.Repeat("\x00", 18)), "csv.error.xlsx"},
		"garbage after the magic": {[]byte("PK\x03\x04\x14\x00\xff\xfe\n\xff\n\xff"), "csv.error.xlsx"},
		"half a file":             {good[:len(good)/2], "csv.error.xlsx"},
		"an old .xls":             {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\n\xff"), "csv.error.excel"},
		"a big sheet":             {bomb(t, "xl/worksheets/sheet1.xml", 49), "csv.error.unpacked"},
		"big styles":              {bomb(t, "xl/styles.xml", 3), "csv.error.unpacked"},
		"a big workbook":          {bomb(t, "xl/workbook.xml", 3), "csv.error.unpacked"},
		"a column far out":        {data(`<row r="1"><c r="XFD1" t="str"><v>x</v></c></row>`), "csv.error.too_many_columns"},
		"a row that is none":      {data(`<row r="99999999"><c t="str"><v>x</v></c></row>`), "csv.error.xlsx"},
		"a cell that is none":     {data(`<row r="1"><c r="?" t="str"><v>x</v></c></row>`), "csv.error.xlsx"},
		"too many rows":           {data(tooMany.String()), "csv.error.too_many_rows"},
		"an empty sheet":          {data(`<row r="1"><c r="A1"/></row><row r="1048576"/>`), "csv.error.empty"},
		"a document":              {remade(t, good, "[Content_Types].xml", func(string) string { return "<Types/>" }), ""},
		"a lie about its sizes":   {lying, "csv.error.xlsx"},
		"entities": {sheet(func(xml string) string {
			return `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + strings.Replace(xml, "<sheetData>", "<sheetData>&a;", 1)
		}), ""},
	} {
		begun := time.Now()
		_, bad := readBook(c.raw)
		if c.key != "" && (len(bad) != 1 || bad[0].Key != c.key) {
			t.Errorf("%s: %+v", name, bad)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// TestBrokenSpreadsheetsNeverPanic changes bytes of a good one at random.
func TestBrokenSpreadsheetsNeverPanic(t *testing.T) {
	good := book(t, nil, []any{"key", "name", "day"}, []any{"a", "b", time.Now()}, []any{"c", 1.5, true})
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		raw := bytes.Clone(good)
		for range 1 + random.IntN(6) {
			raw[random.IntN(len(raw)-2)+2] = byte(random.IntN(256))
		}
		readBook(raw)
	}
	for _, part := range []string{"xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "xl/sharedStrings.xml"} {
		for range 100 {
			readBook(remade(t, good, part, func(xml string) string {
				at := random.IntN(len(xml))
				return xml[:at] + []string{"<", ">", `"`, "-1", "99999999999", "<c>", "&#0;", ""}[random.IntN(8)] + xml[min(len(xml), at+random.IntN(9)):] + " "
			}))
		}
	}
}

func TestATemplateReadsBack(t *testing.T) {
	const table = "\ufeffkey,name,day\r\na,\"Hộ tịch, chứng thực\",01/07/2025\r\n007,b,\r\n"
	raw, err := Spreadsheet(table)
	must(t, err)
	got, bad := readBook(raw)
	want, _ := Read("a.xlsx", strings.NewReader(table), []string{"key", "name"}, []string{"day"})
	if len(bad) > 0 || !reflect.DeepEqual(got.Rows, want.Rows) {
		t.Errorf("%+v %+v", got, bad)
	}
}
