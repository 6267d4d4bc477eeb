// Package i18n owns the one catalogue of words, Vietnamese first and English
// complete, for Go pages, documents, errors and the tablet. Its files are
// catalogue/<area>.<language>.json, flat objects of key and text; {name} in a
// text is a placeholder.
//
// A key belongs to one area; a key that one language lacks stops the program at
// start, and a test finds keys that the code names and no catalogue holds.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"congvu/inspection"
)

// Lang is a language of the interface.
type Lang string

// The languages. VI is the default everywhere.
const (
	VI Lang = "vi"
	EN Lang = "en"
)

// Langs lists the languages, the default first.
var Langs = []Lang{VI, EN}

//go:embed catalogue/*.json
var files embed.FS

// Catalogue is the words of all languages.
type Catalogue map[Lang]map[string]string

// Load reads a catalogue from files named area.language.json. It fails on a key
// that stands twice, on one that a language lacks, and on placeholders that
// differ between languages.
func Load(fsys fs.FS) (Catalogue, error) {
	c := Catalogue{VI: {}, EN: {}}
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		parts := strings.Split(name, ".")
		if len(parts) != 3 || c[Lang(parts[1])] == nil {
			return nil, fmt.Errorf("i18n: %s is not named area.language.json", name)
		}
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var words map[string]string
		if err := json.Unmarshal(raw, &words); err != nil {
			return nil, fmt.Errorf("i18n: %s: %w", name, err)
		}
		for key, text := range words {
			if _, twice := c[Lang(parts[1])][key]; twice {
				return nil, fmt.Errorf("i18n: %s: %q stands twice", name, key)
			}
			c[Lang(parts[1])][key] = text
		}
	}
	for key, text := range c[VI] {
		other, ok := c[EN][key]
		if !ok {
			return nil, fmt.Errorf("i18n: %q has no English", key)
		}
		if !slices.Equal(placeholders(text), placeholders(other)) {
			return nil, fmt.Errorf("i18n: %q has other placeholders in English", key)
		}
	}
	for key := range c[EN] {
		if _, ok := c[VI][key]; !ok {
			return nil, fmt.Errorf("i18n: %q has no Vietnamese", key)
		}
	}
	return c, nil
}

func placeholders(text string) []string {
	found := map[string]bool{}
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		length := strings.IndexByte(text[open:], '}')
		if length < 0 {
			break
		}
		found[text[open+1:open+length]] = true
		text = text[open+length:]
	}
	return slices.Sorted(maps.Keys(found))
}

var embedded = sync.OnceValue(func() Catalogue {
	sub, err := fs.Sub(files, "catalogue")
	if err != nil {
		panic(err)
	}
	c, err := Load(sub)
	if err != nil {
		panic(err)
	}
	return c
})

// Has tells whether the catalogue holds a key.
func Has(key string) bool { _, ok := embedded()[VI][key]; return ok }

// Words is the whole catalogue of a language, for the tablet. Keys are limited to
// those that begin with one of the prefixes; none means all.
func Words(lang Lang, prefixes ...string) map[string]string {
	words := map[string]string{}
	for key, text := range embedded()[lang] {
		if len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			words[key] = text
		}
	}
	return words
}

// T is the text of a key with its placeholders filled. An unknown key comes back
// as it is, so that a page still says something; tests find it.
func T(lang Lang, key string, params inspection.Params) string {
	text, ok := embedded()[lang][key]
	if !ok {
		if text, ok = embedded()[VI][key]; !ok {
			return key
		}
	}
	return fill(lang, text, params)
}

func fill(lang Lang, text string, params inspection.Params) string {
	if len(params) == 0 {
		return text
	}
	pairs := make([]string, 0, 2*len(params))
	for name, value := range params {
		pairs = append(pairs, "{"+name+"}", Value(lang, value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Value is a value as people write it: dates dd/MM/yyyy, times +07:00, figures
// with the language's decimal sign.
func Value(lang Lang, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case inspection.Date:
		return v.VN()
	case inspection.Instant:
		return Time(v)
	case float64:
		return Number(lang, v, 2)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(value)
}

// Time is dd/MM/yyyy HH:mm in Vietnam, empty for none.
func Time(i inspection.Instant) string {
	if i.IsZero() {
		return ""
	}
	return i.Time().Format("02/01/2006 15:04")
}

// Number is a figure with at most so many decimals: 92,5 in Vietnamese, 92.5 in
// English.
func Number(lang Lang, v float64, decimals int) string {
	s := fmt.Sprintf("%.*f", decimals, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if lang == VI {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// Hundredths is a figure that is kept in hundredths, always with two decimals:
// 7693 is 76,93.
func Hundredths(lang Lang, v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	point := ","
	if lang != VI {
		point = "."
	}
	return fmt.Sprintf("%s%d%s%02d", sign, v/100, point, v%100)
}

// Thousands is a whole number with dots between the thousands, as sums of money are
// written.
func Thousands(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return digits
}

// Error explains an error in words, with the fields that are wrong.
func Error(lang Lang, e *inspection.Error) string { return T(lang, e.Key, e.Params) }
