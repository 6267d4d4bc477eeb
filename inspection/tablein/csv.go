package tablein

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"unicode/utf8"
)

// csv reads comma separated values.
func (b *builder) csv(raw []byte) {
	if bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}) {
		b.bad(1, "csv.error.encoding")
		return
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	for i, line := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(line) {
			b.bad(i+1, "csv.error.encoding")
		}
	}
	if len(b.problems) > 0 {
		return
	}
	reader := csv.NewReader(bytes.NewReader(raw))
	reader.Comma = separator(raw)
	reader.FieldsPerRecord = -1
	for {
		record, err := reader.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			line := 0
			if e := (*csv.ParseError)(nil); errors.As(err, &e) {
				line = e.Line
			}
			b.bad(line, "csv.error.quotes")
			return
		}
		line, _ := reader.FieldPos(0)
		if b.head != nil && len(record) == 1 && record[0] == "" {
			continue
		}
		if !b.add(line, record) {
			return
		}
	}
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
