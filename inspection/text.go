package inspection

import (
	"strings"
	"unicode"
)

// fold maps each base letter to the letters that Vietnamese builds on it.
var fold = func() map[rune]rune {
	m := map[rune]rune{}
	for base, letters := range map[rune]string{
		'a': "àáạảãâầấậẩẫăằắặẳẵ", 'e': "èéẹẻẽêềếệểễ", 'i': "ìíịỉĩ",
		'o': "òóọỏõôồốộổỗơờớợởỡ", 'u': "ùúụủũưừứựửữ", 'y': "ỳýỵỷỹ", 'd': "đ",
	} {
		for _, r := range letters {
			m[r] = base
		}
	}
	return m
}()

// Fold is a text as search sees it: lower case, without diacritics, đ as d,
// white space and punctuation folded to one space. Works on composed and on
// decomposed Vietnamese.
func Fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToLower(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if base, ok := fold[r]; ok {
			r = base
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Text trims a text from outside and tells whether it fits: valid UTF-8, no
// control characters but line breaks and tabs, at most max runes.
func Text(s string, max int) (string, bool) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	n := 0
	for _, r := range s {
		n++
		if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t' || n > max {
			return s, false
		}
	}
	return s, true
}
