package i18n

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"congvu/inspection"
)

func TestFiguresAndDatesAreWrittenAsPeopleInVietnamWriteThem(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(VI, 92.4528, 1), "92,5"}, {Number(EN, 92.4528, 1), "92.5"}, {Number(VI, 100, 2), "100"},
		{Hundredths(VI, 7693), "76,93"}, {Hundredths(EN, 7600), "76.00"}, {Hundredths(VI, -205), "-2,05"},
		{Value(VI, inspection.Date("2026-11-05")), "05/11/2026"},
		{Value(VI, inspection.Instant(1_763_690_400_000)), "21/11/2025 09:00"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestAMissingTranslationStopsTheProgram(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"missing English":    {"a.vi.json": {Data: []byte(`{"k":"x"}`)}, "a.en.json": {Data: []byte(`{}`)}},
		"missing Vietnamese": {"a.vi.json": {Data: []byte(`{}`)}, "a.en.json": {Data: []byte(`{"k":"x"}`)}},
		"twice":              {"a.vi.json": {Data: []byte(`{"k":"x"}`)}, "b.vi.json": {Data: []byte(`{"k":"x"}`)}, "a.en.json": {Data: []byte(`{"k":"x"}`)}},
		"placeholders":       {"a.vi.json": {Data: []byte(`{"k":"{n}"}`)}, "a.en.json": {Data: []byte(`{"k":"{m}"}`)}},
		"name":               {"a.json": {Data: []byte(`{}`)}},
	} {
		if _, err := Load(files); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// keyUse finds the keys that Go code, templates and the tablet name as literals:
// a dotted word beside one of the calls that take a key.
var keyUse = regexp.MustCompile("(?:\\b(?:E\\([a-zA-Z.]+, ?|Field\\(\"[^\"]*\", ?|T\\(|t\\()|\\.T |\\(t |[( ]T )[\"`']([a-z][a-z0-9_]*(?:\\.[A-Za-z0-9_]+)+)[\"`']")

func TestEveryKeyThatTheCodeNamesIsInTheCatalogue(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".go", ".html", ".js":
		default:
			return nil
		}
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".test.js") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range keyUse.FindAllStringSubmatch(string(raw), -1) {
			seen++
			if !Has(m[1]) {
				t.Errorf("%s names %q, which no catalogue holds", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Fatal("no use of a key was found: the pattern is blind")
	}
}
