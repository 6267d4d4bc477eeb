package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"congvu/inspection"
	"congvu/inspection/i18n"

	"github.com/labstack/echo/v4"
)

// Base is what every page shows; typed pages embed it.
type Base struct {
	Lang    i18n.Lang
	Title   string
	Path    string
	Actor   inspection.Actor
	Nav     []navItem
	Demo    bool
	Done    string // what has just been done, in words
	Problem string // what went wrong, in words; what was typed stands in the form
	Fields  map[string]string
	Styles  string // address of the style sheet
	Now     inspection.Instant
	Unread  int64 // messages; 100 stands for more than 99
}

type navItem struct {
	Href, Label string
	Current     bool
}

// T is the text of a key; pairs fill its placeholders.
func (b Base) T(key string, pairs ...any) string { return i18n.T(b.Lang, key, params(pairs)) }

// Of is the text of a key made of a prefix and a code, for enumerations.
func (b Base) Of(prefix string, code any) string {
	return i18n.T(b.Lang, prefix+"."+fmt.Sprint(code), nil)
}

// VI is the same in Vietnamese, for papers and what is recorded.
func (b Base) VI() Base {
	b.Lang = i18n.VI
	return b
}

// Either is a text of the checklist in the reader's language, in Vietnamese where it
// has no other.
func (b Base) Either(vi, en string) string {
	if b.Lang == i18n.EN && en != "" {
		return en
	}
	return vi
}

// Points is a score in hundredths as people write it.
func (b Base) Points(v int64) string { return i18n.Hundredths(b.Lang, v) }

// Wrong is what is wrong with a field of the form, empty for nothing.
func (b Base) Wrong(field string) string { return b.Fields[field] }

// SignedIn tells whether somebody is.
func (b Base) SignedIn() bool { return b.Actor.Person != "" }

// Capacities names the actor's capacities.
func (b Base) Capacities() string {
	var names []string
	for _, c := range b.Actor.Capacities {
		name := b.Of("role", c.Role)
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func params(pairs []any) inspection.Params {
	if len(pairs) == 0 {
		return nil
	}
	p := inspection.Params{}
	for i := 0; i+1 < len(pairs); i += 2 {
		p[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return p
}

func language(r *http.Request) i18n.Lang {
	if cookie, err := r.Cookie("lang"); err == nil && cookie.Value == string(i18n.EN) {
		return i18n.EN
	}
	return i18n.VI
}

// base fills what every page shows. title is a key.
func (s *Server) base(c echo.Context, title string) Base {
	lang := language(c.Request())
	b := Base{Lang: lang, Title: i18n.T(lang, title, nil), Path: c.Request().URL.Path, Actor: actor(c), Demo: s.config.Demo,
		Styles: s.tablet.styles, Now: s.Clock.Now()}
	if b.SignedIn() {
		b.Nav = s.nav(b)
		b.Unread = s.unread(c)
	}
	if done := c.QueryParam("done"); done != "" && i18n.Has("done."+done) {
		b.Done = i18n.T(lang, "done."+done, nil)
	}
	return b
}

// with puts an error into the page whose form it belongs to. It returns false for
// errors that are no matter of the form.
func (b *Base) with(err error, request string) bool {
	e := toOurs(err)
	switch e.Code {
	case inspection.Invalid, inspection.Conflict, inspection.TooLarge, inspection.Forbidden, inspection.Unavailable, inspection.Full:
	default:
		return false
	}
	b.Problem = words(b.Lang, request, e)
	b.Fields = map[string]string{}
	for field, key := range e.Fields {
		b.Fields[field] = i18n.T(b.Lang, key, e.Params)
	}
	return true
}

type pages struct {
	fsys  fs.FS
	byKey map[string]*template.Template
}

var templateFuncs = template.FuncMap{
	"date": func(v any) string {
		switch v := v.(type) {
		case inspection.Date:
			return v.VN()
		case inspection.Instant:
			return v.Date().VN()
		}
		return fmt.Sprint(v)
	},
	"time":       func(i inspection.Instant) string { return i18n.Time(i) },
	"clock":      func(i inspection.Instant) string { return i.Time().Format("15:04") },
	"second":     func(i inspection.Instant) string { return i.Time().Format("15:04:05") },
	"iso":        func(i inspection.Instant) string { return i.String() },
	"longdate":   longDate,
	"hourminute": func(i inspection.Instant) string { return i.Time().Format("15 giờ 04 phút") },
	"deref":      func(b *bool) bool { return b != nil && *b },
	"lower":      strings.ToLower,
	"lines":      func(s string) []string { return strings.Split(s, "\n") },
	"add":        func(a, b int) int { return a + b },
	"money":      func(n int64) string { return i18n.Thousands(n) + " đ" },
	"short": func(s string) string {
		if len(s) > 12 {
			return s[:12]
		}
		return s
	},
	"dict": func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[fmt.Sprint(pairs[i])] = pairs[i+1]
		}
		return m
	},
}

// parsePages parses every page with the layout and the parts that all share.
func parsePages(fsys fs.FS) (*pages, error) {
	shared, err := template.New("").Funcs(templateFuncs).Option("missingkey=error").ParseFS(fsys, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(fsys, "templates/*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{fsys: fsys, byKey: map[string]*template.Template{}}
	for _, name := range names {
		t, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if t, err = t.ParseFS(fsys, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.byKey[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return p, nil
}

// render makes the whole page before its first byte goes out: a page is never half
// sent.
func (s *Server) render(c echo.Context, status int, name string, page any) error {
	pages := s.pages
	if s.config.Dev {
		var err error
		if pages, err = parsePages(s.files); err != nil {
			return err
		}
	}
	t, ok := pages.byKey[name]
	if !ok {
		return fmt.Errorf("no template %q", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", page); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// escapeName is a file name as RFC 8187 wants it in a header.
func escapeName(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// longDate is "ngày 05 tháng 01 năm 2026": days below ten and the months 1 and 2 get a
// zero (NĐ 30/2020/NĐ-CP, annex I).
func longDate(d inspection.Date) string {
	t := d.Time()
	month := fmt.Sprint(int(t.Month()))
	if t.Month() < 3 {
		month = "0" + month
	}
	return fmt.Sprintf("ngày %02d tháng %s năm %d", t.Day(), month, t.Year())
}
