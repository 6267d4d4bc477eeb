package checklist

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/tablein"
)

// Files are the three files of an import. Guidance may be nil.
type Files struct{ Checklist, Bases, Guidance io.Reader }

// Report says what an import found and did.
type Report struct {
	Items, Bases int // rows read
	Bad          []tablein.Problem
	LeftOut      []LeftOut // cells that say "to be confirmed"
	Applied      bool      // a draft was written
	Unchanged    bool      // the newest version already says the same
}

// LeftOut is a cell that is not a fact yet and was left out.
type LeftOut struct {
	File   string
	Line   int
	Column string
}

// content is what the files say, before it gets ids.
type content struct {
	bases  []Basis
	items  []Item
	report Report
	lines  map[string]int // of the items, by key
	tables []tablein.Table
}

const (
	checklistFile = "checklist.csv"
	basesFile     = "bases.csv"
	guidanceFile  = "guidance.csv"
)

var (
	codes     = regexp.MustCompile(`^[A-Z][0-9]{2}$`)
	keys      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
	responses = []string{"YN", "RATE3", "CNT", "SMP", "ATT", "AUTO"}
	sources   = []string{"ANSWER", "ATTENDANCE", "AUTO"}
	photos    = []string{"ALWAYS", "ON_FAILURE", "NO_PEOPLE", "CAMERA_SNAPSHOT", "NONE"}
	redacts   = []string{"", "PEOPLE", "PAPERS"}
	levels    = []string{"MINOR", "MODERATE", "MAJOR", "CRITICAL"}
)

func (c *content) bad(file string, line int, key string, params ...any) {
	c.report.Bad = append(c.report.Bad, tablein.Problem{File: file, Line: line, Key: key, Params: inspection.E("", key, params...).Params})
}

func (c *content) leftOut(file string, r tablein.Row, columns ...string) {
	for _, col := range r.LeftOut(columns...) {
		c.report.LeftOut = append(c.report.LeftOut, LeftOut{file, r.Line, col})
	}
}

// read takes the files apart. It is pure: what is wrong stands in the report.
func read(f Files) *content {
	c := &content{lines: map[string]int{}}
	c.readBases(f.Bases)
	c.readItems(f.Checklist)
	if f.Guidance != nil {
		c.readGuidance(f.Guidance)
	}
	for _, t := range c.tables {
		c.report.Bad = t.Name(c.report.Bad)
	}
	return c
}

func (c *content) table(file string, r io.Reader, required, optional []string) []tablein.Row {
	t, bad := tablein.Read(file, r, required, optional)
	c.report.Bad = append(c.report.Bad, bad...)
	c.tables = append(c.tables, t)
	return t.Rows
}

func (c *content) date(file string, r tablein.Row, column string) inspection.Date {
	d, err := inspection.ParseDate(r.Get(column))
	if err != nil {
		c.bad(file, r.Line, "checklist.error.date", "column", column, "value", r.Get(column))
	}
	return d
}

func (c *content) readBases(in io.Reader) {
	lines := map[string]int{}
	var rows []tablein.Row
	for _, r := range c.table(basesFile, in, []string{"code", "number", "title_vi"}, []string{"date", "effective_from", "effective_to", "replaced_by", "confirmed"}) {
		c.leftOut(basesFile, r, "number", "date", "title_vi", "effective_from", "effective_to", "replaced_by")
		note := r.Raw("confirmed")
		b := Basis{Code: r.Get("code"), Number: r.Get("number"), Date: c.date(basesFile, r, "date"), TitleVI: r.Get("title_vi"),
			EffectiveFrom: c.date(basesFile, r, "effective_from"), EffectiveTo: c.date(basesFile, r, "effective_to"),
			ReplacedBy: r.Get("replaced_by"), Confirmed: strings.HasPrefix(note, "yes"), Note: note}
		switch {
		case !keys.MatchString(b.Code):
			c.bad(basesFile, r.Line, "checklist.error.basis_code", "code", b.Code)
			continue
		case lines[b.Code] > 0:
			c.bad(basesFile, r.Line, "checklist.error.twice", "key", b.Code, "line", lines[b.Code])
			continue
		case b.Number == "" || b.TitleVI == "":
			c.bad(basesFile, r.Line, "checklist.error.text_missing")
		case b.EffectiveTo != "" && b.EffectiveTo < b.EffectiveFrom:
			c.bad(basesFile, r.Line, "checklist.error.dates_reversed")
		}
		lines[b.Code] = r.Line
		rows = append(rows, r)
		c.bases = append(c.bases, b)
		c.report.Bases++
	}
	for i, b := range c.bases {
		if b.ReplacedBy != "" && lines[b.ReplacedBy] == 0 {
			c.bad(basesFile, rows[i].Line, "checklist.error.basis_unknown", "code", b.ReplacedBy)
		}
	}
}

// share reads a decimal share of 1 in ten-thousandths.
func share(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 4 || whole != "0" && whole != "1" {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", 4-len(frac)), 10, 32)
	return int64(n), err == nil && n <= 10000
}

func (c *content) readItems(in io.Reader) {
	byCode := map[string]int{}
	sections := map[string]string{}
	last, weights := "", int64(0)
	rows := c.table(checklistFile, in,
		[]string{"code", "section", "section_vi", "text_vi", "bases", "response", "source", "photo", "severity", "weight"},
		[]string{"key", "section_en", "text_en", "photo_note", "redact", "target", "zero_at", "count_label_vi", "count_label_en", "applies_to"})
	before := len(c.report.Bad)
	for _, r := range rows {
		bad := func(key string, params ...any) { c.bad(checklistFile, r.Line, key, params...) }
		c.leftOut(checklistFile, r, "text_vi", "text_en", "target", "zero_at", "photo_note", "count_label_vi")
		it := Item{Position: int64(len(c.items) + 1), Key: r.Get("key"), Code: r.Get("code"), Section: r.Get("section"), SectionVI: r.Get("section_vi"),
			SectionEN: r.Get("section_en"), TextVI: r.Get("text_vi"), TextEN: r.Get("text_en"), Response: r.Get("response"), Source: r.Get("source"),
			Photo: r.Get("photo"), PhotoNote: r.Get("photo_note"), Redact: r.Get("redact"), Severity: r.Get("severity"),
			CountLabelVI: r.Get("count_label_vi"), CountLabelEN: r.Get("count_label_en"), AppliesTo: r.Get("applies_to")}
		if it.Key == "" {
			it.Key = it.Code
		}
		if it.AppliesTo == "" {
			it.AppliesTo = "ALL"
		}
		if !codes.MatchString(it.Code) || !keys.MatchString(it.Key) {
			bad("checklist.error.code", "code", it.Code)
			continue
		}
		if line := max(c.lines[it.Key], byCode[it.Code]); line > 0 {
			bad("checklist.error.twice", "key", it.Code, "line", line)
			continue
		}
		c.lines[it.Key], byCode[it.Code] = r.Line, r.Line
		if it.TextVI == "" || it.SectionVI == "" {
			bad("checklist.error.text_missing")
		}
		if name, ok := sections[it.Section]; it.Section == "" || ok && (name != it.SectionVI || it.Section != last) {
			bad("checklist.error.section", "section", it.Section)
		}
		sections[it.Section], last = it.SectionVI, it.Section
		for _, v := range []struct {
			column, value string
			among         []string
		}{{"response", it.Response, responses}, {"source", it.Source, sources}, {"photo", it.Photo, photos}, {"redact", it.Redact, redacts}, {"severity", it.Severity, levels}} {
			if !slices.Contains(v.among, v.value) {
				bad("checklist.error.value", "column", v.column, "value", v.value)
			}
		}
		if it.Response == "AUTO" != (it.Source == "AUTO") || it.Response == "ATT" && it.Source != "ATTENDANCE" {
			bad("checklist.error.source")
		}
		w, err := strconv.ParseUint(r.Get("weight"), 10, 7)
		if err != nil || w == 0 || w > 100 {
			bad("checklist.error.weight", "value", r.Get("weight"))
		}
		it.Weight = int64(w)
		weights += it.Weight
		var ok1, ok2 bool
		it.Target, ok1 = share(r.Get("target"))
		it.ZeroAt, ok2 = share(r.Get("zero_at"))
		counted := it.Response == "CNT" || it.Response == "SMP"
		if !ok1 || !ok2 || counted && it.Target <= it.ZeroAt || !counted && it.Target+it.ZeroAt > 0 {
			bad("checklist.error.target", "target", r.Get("target"), "zero", r.Get("zero_at"))
		}
		if it.AppliesTo != "ALL" {
			for _, k := range strings.Split(it.AppliesTo, "|") {
				if !slices.Contains(org.Kinds, org.Kind(k)) {
					bad("checklist.error.value", "column", "applies_to", "value", k)
				}
			}
		}
		it.Bases = c.citations(r.Get("bases"))
		if len(it.Bases) == 0 {
			bad("checklist.error.no_basis")
		}
		c.items = append(c.items, it)
		c.report.Items++
	}
	if len(c.report.Bad) == before && weights != 100 {
		c.bad(checklistFile, 0, "checklist.error.weights", "sum", weights)
	}
}

var actNumber = regexp.MustCompile(`[0-9]+/[0-9]{4}`)

// citations takes a cell apart at its semicolons. A citation that begins with the
// code of a text in the register, or names a number that only one text there has,
// is joined to that text; any other stays as it is worded.
func (c *content) citations(cell string) []Citation {
	var out []Citation
	for _, part := range strings.Split(cell, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		cite := Citation{Position: int64(len(out) + 1), Text: part}
		code, rest, _ := strings.Cut(part, " ")
		if i := slices.IndexFunc(c.bases, func(b Basis) bool { return b.Code == code }); i >= 0 {
			cite.BasisID, cite.Locator = &c.bases[i].Code, strings.TrimSpace(rest)
		} else if loc := actNumber.FindStringIndex(part); loc != nil {
			number, hits, at := part[loc[0]:loc[1]], 0, 0
			for i, b := range c.bases {
				if n := actNumber.FindString(b.Number); n == number {
					hits, at = hits+1, i
				}
			}
			if hits == 1 {
				_, after, _ := strings.Cut(part[loc[1]:], " ")
				cite.BasisID, cite.Locator = &c.bases[at].Code, strings.TrimSpace(after)
			}
		}
		out = append(out, cite)
	}
	return out
}

func (c *content) readGuidance(in io.Reader) {
	columns := []string{"guidance_en"}
	for i := 1; i <= 5; i++ {
		columns = append(columns, fmt.Sprintf("phrase%d_vi", i), fmt.Sprintf("phrase%d_en", i))
	}
	seen := map[string]int{}
	for _, r := range c.table(guidanceFile, in, []string{"key", "guidance_vi"}, columns) {
		key := r.Get("key")
		i := slices.IndexFunc(c.items, func(it Item) bool { return it.Key == key })
		switch {
		case i < 0:
			c.bad(guidanceFile, r.Line, "checklist.error.item_unknown", "key", key)
			continue
		case seen[key] > 0:
			c.bad(guidanceFile, r.Line, "checklist.error.twice", "key", key, "line", seen[key])
			continue
		}
		seen[key] = r.Line
		it := &c.items[i]
		it.GuidanceVI, it.GuidanceEN = r.Get("guidance_vi"), r.Get("guidance_en")
		for n := 1; n <= 5; n++ {
			vi, en := r.Get(fmt.Sprintf("phrase%d_vi", n)), r.Get(fmt.Sprintf("phrase%d_en", n))
			if vi != "" {
				it.Phrases = append(it.Phrases, Phrase{Position: int64(len(it.Phrases) + 1), TextVI: vi, TextEN: en})
			} else if en != "" {
				c.bad(guidanceFile, r.Line, "checklist.error.text_missing")
			}
		}
	}
}

// hash is the SHA-256 over all that the items say, ids left out.
func (c *content) hash(titleVI, titleEN string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", titleVI, titleEN)
	for _, it := range c.items {
		bases, phrases := it.Bases, it.Phrases
		it.Bases, it.Phrases = nil, nil
		fmt.Fprintf(h, "%q\n", fmt.Sprintf("%#v", it))
		for _, b := range bases {
			fmt.Fprintf(h, "%q %q\n", b.Text, b.Locator)
		}
		for _, p := range phrases {
			fmt.Fprintf(h, "%q %q\n", p.TextVI, p.TextEN)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
