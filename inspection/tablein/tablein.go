package tablein

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"congvu/inspection"

	"golang.org/x/text/unicode/norm"
)

// Limits of one file: far above any real one, far below what hurts.
const (
	MaxBytes = 8 << 20
	MaxRows  = 50_000
	maxCell  = 4000
)

// Problem is one thing wrong with a file. Key is the i18n key of the reason; its
// params are those given here besides file and line. Line 0 means the whole file; Cell
// is where in a spreadsheet it is, such as B7, where that is known.
type Problem struct {
	File   string
	Line   int
	Key    string
	Params inspection.Params
	Cell   string
}

// Row is one line of a table, its cells by column.
type Row struct {
	Line  int
	cells map[string]string
}

// Get is the cell of a column, empty where the file has no such column or says "to
// be confirmed": what is not a fact is left out.
func (r Row) Get(column string) string {
	v := r.cells[column]
	if Unconfirmed(v) {
		return ""
	}
	return v
}

// Raw is the cell as it stands.
func (r Row) Raw(column string) string { return r.cells[column] }

// LeftOut lists the columns among those given whose cell says "to be confirmed".
func (r Row) LeftOut(columns ...string) []string {
	var out []string
	for _, c := range columns {
		if Unconfirmed(r.cells[c]) {
			out = append(out, c)
		}
	}
	return out
}

// Table is a file that could be read.
type Table struct {
	File  string
	Rows  []Row
	sheet bool // it came as a spreadsheet: problems name its cells
	head  []string
}

// Unconfirmed tells whether a cell says "to be confirmed".
func Unconfirmed(cell string) bool {
	return strings.Contains(strings.ToLower(cell), "to be confirmed")
}

// Read reads a whole file, which of the two it is told by its first bytes. Columns
// required must be in its head; optional ones may be; others are refused, so that a
// misspelt column is never ignored. In CSV a byte order mark, CRLF and semicolons for
// commas are accepted. With problems the table holds what could be read, for further
// checks; it must not be imported.
func Read(file string, r io.Reader, required, optional []string) (Table, []Problem) {
	return ReadAs(file, r, required, optional, nil)
}

// ReadAs is Read for files that people head as they like: also gives the other headings
// of a column, in their search form (inspection.Fold).
func ReadAs(file string, r io.Reader, required, optional []string, also map[string]string) (Table, []Problem) {
	b := &builder{Table: Table{File: file}, required: required, optional: optional, also: also}
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		b.bad(0, "csv.error.unreadable")
	case len(raw) > MaxBytes:
		b.bad(0, "csv.error.too_large", "megabytes", MaxBytes>>20)
	case bytes.HasPrefix(raw, []byte("PK")):
		b.sheet = true
		b.spreadsheet(raw)
	case bytes.HasPrefix(raw, []byte{0xd0, 0xcf, 0x11, 0xe0}): // .xls, or .xlsx with a password
		b.bad(0, "csv.error.excel")
	default:
		b.csv(raw)
	}
	if b.head == nil && len(b.problems) == 0 {
		b.bad(0, "csv.error.empty")
	}
	b.problems = b.Name(b.problems)
	return b.Table, b.problems
}

// Name says of the problems of a table that came as a spreadsheet which cell they speak
// of: those that have a line and the parameter "column".
func (t Table) Name(problems []Problem) []Problem {
	for i, p := range problems {
		column, _ := p.Params["column"].(string)
		if at := slices.Index(t.head, column); t.sheet && p.File == t.File && p.Line > 0 && at >= 0 && column != "" {
			problems[i].Cell = cellName(at, p.Line)
		}
	}
	return problems
}

// builder makes a table of records that come one after the other.
type builder struct {
	Table
	required, optional []string
	also               map[string]string
	problems           []Problem
}

// maxProblems is how many are named: who has a thousand begins with the first.
const maxProblems = 1000

func (b *builder) bad(line int, key string, params ...any) {
	if len(b.problems) >= maxProblems {
		return
	}
	b.problems = append(b.problems, Problem{File: b.File, Line: line, Key: key, Params: inspection.E("", key, params...).Params})
}

// add takes a record in, the first as the head; false where there is no reading on.
func (b *builder) add(line int, record []string) bool {
	for i := range record {
		record[i] = norm.NFC.String(strings.TrimSpace(record[i]))
	}
	if len(record) > maxColumns {
		b.bad(line, "csv.error.too_many_columns", "max", maxColumns)
		return false
	}
	if b.head == nil {
		for i, h := range record {
			if column, ok := b.also[inspection.Fold(h)]; ok {
				record[i] = column
			}
		}
		b.head = record
		return b.checkHead(line)
	}
	if len(b.Rows) == MaxRows {
		b.bad(line, "csv.error.too_many_rows", "max", MaxRows)
		return false
	}
	if len(record) != len(b.head) {
		b.bad(line, "csv.error.columns", "got", len(record), "want", len(b.head))
		return true
	}
	row := Row{Line: line, cells: make(map[string]string, len(b.head))}
	for i, cell := range record {
		if key := badCell(cell); key != "" {
			b.bad(line, key, "column", b.head[i])
		}
		row.cells[b.head[i]] = cell
	}
	b.Rows = append(b.Rows, row)
	return true
}

func (b *builder) checkHead(line int) bool {
	ok := true
	for i, c := range b.head {
		switch {
		case slices.Index(b.head, c) != i:
			b.bad(line, "csv.error.column_twice", "column", c)
			ok = false
		case !slices.Contains(b.required, c) && !slices.Contains(b.optional, c):
			b.bad(line, "csv.error.column_unknown", "column", clip(c))
			ok = false
		}
	}
	for _, c := range b.required {
		if !slices.Contains(b.head, c) {
			b.bad(line, "csv.error.column_missing", "column", c)
			ok = false
		}
	}
	return ok
}

// badCell refuses what a spreadsheet would run as a formula, control characters and
// cells of absurd length.
func badCell(cell string) string {
	if cell == "" {
		return ""
	}
	if strings.ContainsRune("=+-@", rune(cell[0])) {
		return "csv.error.formula"
	}
	if _, ok := inspection.Text(cell, maxCell); !ok {
		return "csv.error.characters"
	}
	return ""
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
