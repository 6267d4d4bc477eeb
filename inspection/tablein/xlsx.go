package tablein

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Limits of a spreadsheet, beside those of every file: what it may unpack to, whole and
// in the parts that are read into memory at once, and how wide it may be.
const (
	maxUnpacked = 48 << 20
	maxStrings  = 16 << 20
	maxPart     = 2 << 20
	maxParts    = 1000
	maxColumns  = 200
)

// isoDay is the number format that every format of days and hours is read as.
const isoDay = "yyyy-mm-dd hh:mm:ss"

// spreadsheet reads the first visible sheet of an XLSX file, row by row.
func (b *builder) spreadsheet(raw []byte) {
	defer func() {
		if recover() != nil { // the library on a file that no spreadsheet program wrote
			b.bad(0, "csv.error.xlsx")
		}
	}()
	if !b.packed(raw) {
		return
	}
	f, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked})
	if err != nil {
		b.bad(0, "csv.error.xlsx")
		return
	}
	defer f.Close()
	plainStyles(f)
	visible := slices.IndexFunc(f.GetSheetList(), func(name string) bool {
		seen, err := f.GetSheetVisible(name)
		return err == nil && seen
	})
	if visible < 0 {
		b.bad(0, "csv.error.no_sheet")
		return
	}
	rows, err := f.Rows(f.GetSheetList()[visible])
	if err != nil {
		b.bad(0, "csv.error.xlsx")
		return
	}
	defer rows.Close()
	for line := 1; rows.Next(); line++ {
		record, err := rows.Columns()
		if err != nil {
			b.bad(line, "csv.error.xlsx")
			return
		}
		for len(record) > 0 && strings.TrimSpace(record[len(record)-1]) == "" {
			record = record[:len(record)-1]
		}
		switch {
		case len(record) == 0:
			continue
		case len(record) > maxColumns:
			b.bad(line, "csv.error.too_many_columns", "max", maxColumns)
			return
		}
		for i := range record {
			record[i] = day(record[i])
		}
		for len(record) < len(b.head) { // a row ends with its last cell that is not empty
			record = append(record, "")
		}
		if !b.add(line, record) {
			return
		}
	}
	if rows.Error() != nil {
		b.bad(0, "csv.error.xlsx")
	}
}

// packed looks into the package before anything of it is unpacked. What its directory
// says of sizes holds: archive/zip gives no byte more.
func (b *builder) packed(raw []byte) bool {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		b.bad(0, "csv.error.xlsx")
		return false
	}
	whole := uint64(0)
	for _, f := range z.File {
		limit, name := uint64(maxPart), strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
		switch {
		case strings.HasPrefix(name, "xl/worksheets/"):
			limit = maxUnpacked
		case name == "xl/sharedstrings.xml":
			limit = maxStrings
		case !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".rels"):
			limit = maxUnpacked // pictures, macros: never read
		}
		if whole += min(f.UncompressedSize64, maxUnpacked+1); f.UncompressedSize64 > limit || whole > maxUnpacked || len(z.File) > maxParts {
			b.bad(0, "csv.error.unpacked", "megabytes", maxUnpacked>>20)
			return false
		}
	}
	return true
}

// plainStyles makes every style of a workbook that is open show what is in a cell
// instead of how it looks: days as isoDay, all other numbers as they are.
func plainStyles(f *excelize.File) {
	if f.Styles == nil || f.Styles.CellXfs == nil {
		return
	}
	iso, err := f.NewStyle(&excelize.Style{CustomNumFmt: ptr(isoDay)})
	if err != nil || iso >= len(f.Styles.CellXfs.Xf) {
		return
	}
	codes := map[int]string{}
	if f.Styles.NumFmts != nil {
		for _, n := range f.Styles.NumFmts.NumFmt {
			codes[n.NumFmtID] = n.FormatCode
		}
	}
	isoID := f.Styles.CellXfs.Xf[iso].NumFmtID
	general := 0
	for i := range f.Styles.CellXfs.Xf {
		xf := &f.Styles.CellXfs.Xf[i]
		if xf.NumFmtID != nil && isDay(*xf.NumFmtID, codes) {
			xf.NumFmtID = isoID
		} else {
			xf.NumFmtID = &general
		}
	}
}

func ptr[T any](v T) *T { return &v }

// isDay tells whether a number format shows a day or an hour: those that the format
// (ECMA-376 part 1, 18.8.30) numbers itself, and codes with a letter of days or hours
// outside of quotes and brackets.
func isDay(id int, codes map[int]string) bool {
	code, own := codes[id]
	if !own {
		return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
	}
	code, _, _ = strings.Cut(code, ";") // of numbers above zero
	quoted, bracket := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case code[i] == '"':
			quoted = !quoted
		case code[i] == '[':
			bracket = true
		case code[i] == ']':
			bracket = false
		case !quoted && !bracket && (c == 'y' || c == 'm' || c == 'd' || c == 'h' || c == 's'):
			return true
		}
	}
	return false
}

// day takes from a moment what nobody wrote: the hour of a day, the day of an hour.
func day(cell string) string {
	if len(cell) != len(isoDay) || cell[4] != '-' || cell[10] != ' ' || cell[13] != ':' {
		return cell
	}
	switch date, hour := cell[:10], cell[11:]; {
	case date == "1899-12-30" || date == "1899-12-31" || date == "1900-01-00" || date == "1904-01-01":
		return strings.TrimSuffix(hour, ":00")
	case hour == "00:00:00":
		return date
	}
	return cell
}

// cellName is how a spreadsheet calls a cell.
func cellName(column, line int) string {
	name, err := excelize.CoordinatesToCellName(column+1, line)
	if err != nil {
		return strconv.Itoa(line)
	}
	return name
}

// Spreadsheet makes an XLSX file of a table in CSV, for templates: every cell is text, so
// that a spreadsheet program leaves days and codes as they are written.
func Spreadsheet(table string) ([]byte, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(table, "\ufeff")))
	records, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "Sheet1"
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49}) // "@"
	if err != nil {
		return nil, err
	}
	head, err := f.NewStyle(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	last, err := excelize.ColumnNumberToName(len(records[0]))
	if err != nil {
		return nil, err
	}
	for _, err := range []error{
		f.SetColStyle(sheet, "A:"+last, text), f.SetColWidth(sheet, "A", last, 24), f.SetRowStyle(sheet, 1, 1, head),
		f.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
	} {
		if err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	}
	for i, record := range records {
		if err := f.SetSheetRow(sheet, "A"+strconv.Itoa(i+1), &record); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
