package csvin

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

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
// params are those given here besides file and line. Line 0 means the whole file.
type Problem struct {
	File   string
	Line   int
	Key    string
	Params inspection.Params
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
	File string
	Rows []Row
}

// Unconfirmed tells whether a cell says "to be confirmed".
func Unconfirmed(cell string) bool {
	return strings.Contains(strings.ToLower(cell), "to be confirmed")
}

// Read reads a whole file. Columns required must be in its head; optional ones may
// be; others are refused, so that a misspelt column is never ignored. A byte order
// mark, CRLF and semicolons for commas are accepted. With problems the table holds what
// could be read, for further checks; it must not be imported.
func Read(file string, r io.Reader, required, optional []string) (Table, []Problem) {
	return ReadAs(file, r, required, optional, nil)
}

// ReadAs is Read for files that people head as they like: also gives the other headings
// of a column, in their search form (inspection.Fold).
func ReadAs(file string, r io.Reader, required, optional []string, also map[string]string) (Table, []Problem) {
	t := Table{File: file}
	var problems []Problem
	add := func(line int, key string, params ...any) {
		problems = append(problems, Problem{file, line, key, inspection.E("", key, params...).Params})
	}
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		add(0, "csv.error.unreadable")
		return t, problems
	case len(raw) > MaxBytes:
		add(0, "csv.error.too_large", "megabytes", MaxBytes>>20)
		return t, problems
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")) || bytes.HasPrefix(raw, []byte{0xd0, 0xcf, 0x11, 0xe0}): // .xlsx, .xls
		add(0, "csv.error.excel")
		return t, problems
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		add(1, "csv.error.encoding")
		return t, problems
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	for i, line := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(line) {
			add(i+1, "csv.error.encoding")
		}
	}
	if len(problems) > 0 {
		return t, problems
	}
	reader := csv.NewReader(bytes.NewReader(raw))
	reader.Comma = separator(raw)
	reader.FieldsPerRecord = -1
	var head []string
	for {
		record, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			line := 0
			if e := (*csv.ParseError)(nil); errors.As(err, &e) {
				line = e.Line
			}
			add(line, "csv.error.quotes")
			break
		}
		line, _ := reader.FieldPos(0)
		for i := range record {
			record[i] = norm.NFC.String(strings.TrimSpace(record[i]))
		}
		if head == nil {
			head = record
			for i, h := range head {
				if column, ok := also[inspection.Fold(h)]; ok {
					head[i] = column
				}
			}
			if !checkHead(head, required, optional, add) {
				break
			}
			continue
		}
		if len(t.Rows) == MaxRows {
			add(line, "csv.error.too_many_rows", "max", MaxRows)
			break
		}
		if len(record) == 1 && record[0] == "" {
			continue
		}
		if len(record) != len(head) {
			add(line, "csv.error.columns", "got", len(record), "want", len(head))
			continue
		}
		row := Row{Line: line, cells: make(map[string]string, len(head))}
		for i, cell := range record {
			if key := badCell(cell); key != "" {
				add(line, key, "column", head[i])
			}
			row.cells[head[i]] = cell
		}
		t.Rows = append(t.Rows, row)
	}
	if head == nil && len(problems) == 0 {
		add(0, "csv.error.empty")
	}
	return t, problems
}

// separator is what stands between the headings: a semicolon where the spreadsheet's
// language writes decimal commas.
func separator(raw []byte) rune {
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		return ';'
	}
	return ','
}

func checkHead(head, required, optional []string, add func(int, string, ...any)) bool {
	ok := true
	for i, c := range head {
		switch {
		case slices.Index(head, c) != i:
			add(1, "csv.error.column_twice", "column", c)
			ok = false
		case !slices.Contains(required, c) && !slices.Contains(optional, c):
			add(1, "csv.error.column_unknown", "column", clip(c))
			ok = false
		}
	}
	for _, c := range required {
		if !slices.Contains(head, c) {
			add(1, "csv.error.column_missing", "column", c)
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
