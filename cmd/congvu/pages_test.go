package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// everyPage lists the pages by who reads them; {visit} and the like are found on the
// pages before.
var everyPage = []struct {
	username string
	paths    []string
}{
	{"", []string{"/login", "/styleguide"}},
	{"chutich", []string{"/overview", "/findings", "/findings?overdue=1", "/visits", "{visit}", "{visit}/minutes", "{visit}/score", "{reported}/conclusion", "{finding}", "/units", "/account", "/password", "/visits/01a00000-0000-7000-8000-000000000000"}},
	{"thutruong2", []string{"/findings", "{finding}", "/visits"}},
	{"noivu", []string{"/campaigns", "/campaigns/new", "{campaign}", "{campaign}/edit", "{campaign}/places?q=mau", "{team}"}},
	{"truongdoan", []string{"/targets", "{team}", "{target}", "{newtarget}", "/visits", "{visit}/photos", "/findings?state=SUBMITTED", "{finding}", "{reinspect}", "/tablet/"}},
	{"truongdoan2", []string{"{signed}/report"}},
	{"quantri", []string{"/units?as_of=2024-03-31&q=dam+doi", "/findings", "/visits", "/admin", "/admin/units", "/admin/organisations", "{place}", "/admin/people", "{person}", "/admin/calendars", "/admin/checklists", "/admin/health"}},
}

// TestEveryPageFitsItsScreens opens every page at a phone's, a tablet's and an office
// screen's width, at 200 % zoom (which halves the width), light and dark: nothing
// sticks out sideways, and axe finds nothing serious or critical.
func TestEveryPageFitsItsScreens(t *testing.T) {
	t.Parallel()
	program := start(t, "demo", nil)
	for _, who := range everyPage {
		name := who.username
		if name == "" {
			name = "nobody"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, program.base, name, office)
			if who.username != "" {
				b.signIn(who.username, demoPassword)
			}
			for _, path := range who.paths {
				path = b.find(path)
				if path == "" {
					continue
				}
				b.run(emulation.SetDeviceMetricsOverride(360, 900, 1, false))
				b.visit(path)
				for _, width := range []int64{360, 640, 768, 1280} {
					b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, false))
					b.fits(width)
					if width == 1280 || width == 360 {
						b.axe()
						b.picture(fmt.Sprintf("%s-%d", strings.NewReplacer("/", "_", "?", "_").Replace(strings.Trim(path, "/")), width))
					}
				}
				b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
				b.axe()
				b.picture("dark")
				b.run(emulation.SetEmulatedMedia().WithFeatures(nil))
			}
		})
	}
}

// visit opens a page, whole again where the app only would have changed its hash.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.open(path)
	b.wait("the page", `document.readyState === 'complete' && document.querySelector('h1') !== null`)
}

// fits tells whether the page sticks out of a width.
func (b *browser) fits(width int64) {
	b.t.Helper()
	var out struct {
		Width int64
		Who   []string
	}
	b.eval(`({Width: document.scrollingElement.scrollWidth, Who: [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .visually-hidden, .skip')).slice(0, 4).map(e => e.tagName + '.' + e.className)})`, &out)
	if out.Width > width {
		var at string
		b.eval(`location.href`, &at)
		b.t.Errorf("%s is %d wide on a screen of %d: %v", at, out.Width, width, out.Who)
	}
}

// find replaces {…} by an address found on the lists.
func (b *browser) find(path string) string {
	b.t.Helper()
	link := func(list, selector string) string {
		b.visit(list)
		var href string
		b.eval(fmt.Sprintf(`document.querySelector(%s)?.getAttribute('href') ?? ''`, quote(selector)), &href)
		return strings.SplitN(href, "#", 2)[0]
	}
	kinds := map[string][2]string{
		"{visit}":    {"/visits?state=CONCLUDED", `main td a[href^="/visits/"]`},
		"{reported}": {"/visits?state=REPORTED", `main td a[href^="/visits/"]`},
		"{signed}":   {"/visits?state=MINUTES_UNSIGNED", `main td a[href^="/visits/"]`},
		"{place}":    {"/admin/organisations?q=mau+07", `main td a[href^="/admin/organisations/"]`},
		"{person}":   {"/admin/people", `main td a[href^="/admin/people/"]`},
		"{finding}":  {"/findings", `main a[href^="/findings/"]`},
		"{campaign}": {"/campaigns", `main td a[href^="/campaigns/"]`},
		"{target}":   {"/targets", `main td a[href^="/targets/"]`},
	}
	if path == "{reinspect}" {
		return link(link("/visits?q=mau+03", `main td a[href^="/visits/"]`), `a[href^="/reinspections/new"]`)
	}
	switch path {
	case "{team}":
		return link(link("/campaigns", `main td a[href^="/campaigns/"]`), `main a[href^="/teams/"]`)
	case "{newtarget}":
		return link("/targets", `main a[href^="/targets/new"]`)
	}
	for kind, where := range kinds {
		if strings.HasPrefix(path, kind) {
			found := link(where[0], where[1])
			if found == "" {
				b.t.Errorf("no %s for %s on %s", kind, b.name, where[0])
				return ""
			}
			return found + strings.TrimPrefix(path, kind)
		}
	}
	return path
}

// TestEveryControlIsReachedByTheKeyboard walks pages with the tab key alone: every
// control gets the focus, in the order of the page, and shows it.
func TestEveryControlIsReachedByTheKeyboard(t *testing.T) {
	t.Parallel()
	program := start(t, "demo", nil)
	for _, who := range []struct {
		username string
		paths    []string
	}{
		{"thutruong2", []string{"/findings", "{finding}"}},
		{"chutich", []string{"/overview", "{reported}/conclusion"}},
		{"truongdoan", []string{"/tablet/", "{reinspect}"}},
		{"quantri", []string{"/admin", "{place}", "{person}"}},
	} {
		t.Run(who.username, func(t *testing.T) {
			b := newBrowser(t, program.base, who.username, office)
			b.signIn(who.username, demoPassword)
			for _, path := range who.paths {
				path = b.find(path)
				b.visit(path)
				if path == "/tablet/" {
					b.sees("Chờ kiểm tra")
				}
				b.tabThrough(path)
			}
		})
	}
}

func (b *browser) tabThrough(path string) {
	b.t.Helper()
	b.wait("what is fetched", `document.readyState === 'complete' && [...document.querySelectorAll('[data-progress]')].every(e => e.hidden)`)
	var all int
	b.eval(`(() => { const seen = new Set(); window.__wanted = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter(e => {
			if (e.disabled || !e.checkVisibility() || e.tabIndex < 0) return false;
			if (e.type === 'radio') { const key = e.form?.id + e.name; if (seen.has(key)) return false; seen.add(key); }
			return true; });
		window.__reached = new Set(); document.body.focus(); return window.__wanted.length; })()`, &all)
	if all < 4 {
		b.t.Fatalf("%s: only %d controls: the test looks at the wrong page", path, all)
	}
	for range all + 12 {
		b.run(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`(() => { const e = document.activeElement; window.__reached.add(e); if (e.type === 'radio') for (const r of document.getElementsByName(e.name)) window.__reached.add(r); })()`, nil))
	}
	var missed []string
	b.eval(`window.__wanted.filter(e => !window.__reached.has(e)).map(e => e.outerHTML.slice(0, 120))`, &missed)
	if len(missed) > 0 {
		b.t.Errorf("%s: %d of %d controls are not reached by the tab key: %s", path, len(missed), all, strings.Join(missed, "\n  "))
	}
}
