package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	tab "github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// browser is one person's real Chromium: a profile or a context of its own, a screen of
// a size.
type browser struct {
	t     testing.TB
	ctx   context.Context
	base  string
	name  string
	size  [2]int64
	shot  int
	who   login  // who signed in here, empty before
	close func() // ends it; its profile stays until the test is over
	kill  func() // ends it at once (kill -9), as when the power goes; of a browser of one's own
}

// screen sizes: the tablet in portrait, a phone, an office screen.
var (
	tablet = [2]int64{800, 1280}
	phone  = [2]int64{360, 780}
	office = [2]int64{1280, 900}
)

// anywhere holds the page as it stands to every width, 200 % zoom of a tablet and a
// phone among them, and runs axe at its own. A walk that is made on both pairs of stores
// does so on the first, with the large counts on both.
func (b *browser) anywhere() {
	b.t.Helper()
	if os.Getenv("CONGVU_LONG") == "" && strings.Contains(b.t.Name(), strings.ReplaceAll(bothStores[1].name, " ", "_")) {
		return
	}
	b.axe()
	for _, width := range []int64{1280, 768, 400, 360} {
		b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, false))
		b.fits(width)
	}
	b.run(emulation.SetDeviceMetricsOverride(b.size[0], b.size[1], 1, false))
}

// newBrowser is somebody whose browser is not closed and opened again: a browser context
// of its own (cookies, storage, caches, service workers) in the Chromium that such people
// share.
func newBrowser(t testing.TB, base, name string, size [2]int64) *browser {
	t.Helper()
	shared, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	var own cdp.BrowserContextID
	var first tab.ID
	inBrowser := cdp.WithExecutor(shared, chromedp.FromContext(shared).Browser)
	if own, err = tab.CreateBrowserContext().Do(inBrowser); err == nil {
		first, err = tab.CreateTarget("about:blank").WithBrowserContextID(own).WithNewWindow(true).Do(inBrowser)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(shared, chromedp.WithTargetID(first))
	b := &browser{t: t, ctx: ctx, base: base, name: name, size: size, close: sync.OnceFunc(func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		if err := tab.DisposeBrowserContext(own).Do(inBrowser); err != nil {
			t.Error(err)
		}
	})}
	b.begin()
	b.run(emulation.SetFocusEmulationEnabled(true)) // as the only page on its screen
	return b
}

// chromium is the Chromium that newBrowser's people share; the first of them starts it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	profile, err := os.MkdirTemp("", "congvu-chromium")
	if err != nil {
		return nil, err
	}
	options, err := chromiumOptions(profile, office)
	if err != nil {
		return nil, err
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	closeChromium = func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		stop()
		_ = os.RemoveAll(profile)
	}
	return ctx, chromedp.Run(ctx)
})

// closeChromium ends the shared Chromium, if it was started.
var closeChromium = func() {}

// chromiumOptions are how Chromium is started: without what it does for itself, such as
// pages of its own behind the address bar, which cost more than the pages that are tried.
func chromiumOptions(profile string, size [2]int64) ([]chromedp.ExecAllocatorOption, error) {
	path := os.Getenv("CONGVU_TEST_CHROMIUM")
	if path == "" {
		return nil, errors.New("CONGVU_TEST_CHROMIUM is not set: start the services with `make services-up` or run `make test`")
	}
	return append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-features", "site-per-process,Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup"), chromedp.NoFirstRun, chromedp.Flag("lang", "vi"), chromedp.UserDataDir(profile),
		chromedp.WindowSize(int(size[0]), int(size[1]))), nil
}

// newProfile is a folder that a browser keeps what it remembers in.
func newProfile(t testing.TB) string {
	t.Helper()
	// Not t.TempDir: Chromium's last processes may still write when the test ends.
	profile, err := os.MkdirTemp("", "congvu-chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	return profile
}

// browserIn opens a browser with a profile that may have been used before.
func browserIn(t testing.TB, profile, base, name string, size [2]int64, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	options, err := chromiumOptions(profile, size)
	if err != nil {
		t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &browser{t: t, ctx: ctx, base: base, name: name, size: size}
	var ended sync.Once
	b.close = func() {
		ended.Do(func() {
			_ = chromedp.Cancel(ctx) // waits for the browser to end
			cancel()
			stop()
		})
	}
	b.kill = func() { // the allocator kills the process whose context ends
		ended.Do(func() {
			cancel()
			stop()
		})
	}
	b.begin()
	return b
}

// begin opens the page, which every dialog of the browser's own is answered on with yes.
func (b *browser) begin() {
	b.t.Helper()
	b.t.Cleanup(b.close)
	chromedp.ListenTarget(b.ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go chromedp.Run(b.ctx, page.HandleJavaScriptDialog(true))
		}
	})
	if err := chromedp.Run(b.ctx); err != nil { // starts it; a context with a deadline would end it again
		b.t.Fatal(err)
	}
	b.run(emulation.SetDeviceMetricsOverride(b.size[0], b.size[1], 1, false))
}

// patience is how long a page may take for what it is waited for: a test that goes on needs
// none of it, however slow the machine is, and one that hangs ends.
const patience = 75 * time.Second

// run runs actions within that time and stops the test when one fails, with a picture of
// the page.
func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := b.try(patience, actions...); err != nil {
		b.picture("failed")
		var body string
		_ = b.try(5*time.Second, chromedp.Evaluate(`document.body ? document.body.innerText.slice(0, 1500) : ''`, &body))
		b.t.Fatalf("%s: %v\n%s", b.name, err, body)
	}
}

func (b *browser) try(d time.Duration, actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.ctx, d)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base + path))
	if strings.HasPrefix(path, "/tablet/") && b.who.username != "" {
		b.unlock()
	}
}

// unlock waits until the tablet app is open, and gives it the password where it asks for
// it: once on a device, and always without a network.
func (b *browser) unlock() {
	b.t.Helper()
	b.wait("the app", `document.querySelector('.app-top, .sign-in-form') !== null`)
	var asks bool
	b.eval(`document.querySelector('.sign-in-form') !== null`, &asks)
	if asks {
		b.enter(b.who.username, b.who.password)
		b.wait("the app opens", `document.querySelector('.app-top') !== null`)
	}
}

// enter fills the tablet's own sign-in in.
func (b *browser) enter(username, password string) {
	b.t.Helper()
	b.fill("#in-name", username)
	b.fill("#in-word", password)
	b.click(".sign-in-form button[type=submit]")
}

// signIn signs in and waits until the page behind it is there.
func (b *browser) signIn(username, password string) {
	b.t.Helper()
	b.who = login{username: username, password: password}
	b.open("/login")
	b.run(chromedp.WaitVisible("#username"), chromedp.SetValue("#username", username), chromedp.SetValue("#password", password),
		chromedp.Click(`form[action="/login"] button[type=submit]`), chromedp.WaitNotPresent("#password"))
}

// click clicks what a CSS selector names, once a finger could: it is there, enabled,
// and nothing covers it.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.tap(fmt.Sprintf(`document.querySelector(%s)`, quote(selector)), selector)
}

// press clicks the button, link or summary with a text.
func (b *browser) press(text string) {
	b.t.Helper()
	b.tap(fmt.Sprintf(`[...document.querySelectorAll('button, a, summary, label.button')].find(e => e.checkVisibility() && e.innerText.replace(/\s+/g, ' ').includes(%s))`, quote(text)), text)
}

// pressIn clicks the first button in the card or list entry whose heading holds a text.
func (b *browser) pressIn(heading, what string) {
	b.t.Helper()
	b.tap(fmt.Sprintf(`[...document.querySelectorAll('article, li')].find(e => [...e.querySelectorAll('h2, h3, strong')].some(h => h.innerText.includes(%s)))?.querySelector(%s)`, quote(heading), quote(what)), heading)
}

func (b *browser) tap(element, name string) {
	b.t.Helper()
	b.wait(name, fmt.Sprintf(`(() => { const e = %s; if (!e || e.disabled || !e.checkVisibility()) return false;
		e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(), top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
		if (!top || !(e.contains(top) || top.contains(e))) return false; e.click(); return true; })()`, element))
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.run(chromedp.WaitReady(selector), chromedp.Evaluate(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.closest('details')?.setAttribute('open', ''); e.focus(); e.value = %s;
		e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); })()`, selector, quote(text)), nil))
}

func quote(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

func (b *browser) files(selector string, paths ...string) {
	b.t.Helper()
	b.run(chromedp.WaitReady(selector), chromedp.SetUploadFiles(selector, paths))
}

// wait waits until an expression of the page is true, and the page is read to its end: what
// comes next may need what stands below.
func (b *browser) wait(what, expression string) {
	b.t.Helper()
	expression = `document.readyState !== 'loading' && (` + expression + `)`
	deadline := time.Now().Add(patience)
	poll := func() error {
		return b.try(patience+5*time.Second, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(40*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	}
	err := poll()
	for err != nil && time.Now().Before(deadline) { // the page went on to another under the poll
		err = poll()
	}
	if err != nil {
		b.picture("failed")
		var body string
		_ = b.try(5*time.Second, chromedp.Evaluate(`location.href + '\n' + (document.body ? document.body.innerText.replace(/\n+/g, '\n').slice(0, 1500) : '')`, &body))
		b.t.Fatalf("%s: waiting for %q: %v\n%s", b.name, what, err, body)
	}
}

// sees waits until the page shows a text.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.wait(text, fmt.Sprintf(`document.body.innerText.toLowerCase().includes(%s.toLowerCase())`, quote(text)))
}

func (b *browser) text() string {
	b.t.Helper()
	var s string
	b.run(chromedp.Evaluate(`document.body.innerText`, &s))
	return s
}

func (b *browser) eval(expression string, into any) {
	b.t.Helper()
	b.run(chromedp.Evaluate(expression, into))
}

// picture keeps a picture of the whole page when CONGVU_TEST_PICTURES names a folder.
func (b *browser) picture(name string) {
	dir := os.Getenv("CONGVU_TEST_PICTURES")
	if dir == "" {
		return
	}
	b.shot++
	var raw []byte
	if err := b.try(15*time.Second, chromedp.FullScreenshot(&raw, 90)); err != nil {
		b.t.Logf("picture: %v", err)
		return
	}
	ext := "jpg"
	if len(raw) > 4 && string(raw[1:4]) == "PNG" {
		ext = "png"
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%02d-%s.%s", strings.ReplaceAll(b.t.Name(), "/", "_"), b.shot, b.name+"-"+name, ext))
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		b.t.Log(err)
	}
}

// axe runs the accessibility rules over the page: nothing serious or critical.
func (b *browser) axe() {
	b.t.Helper()
	source, err := os.ReadFile(os.Getenv("CONGVU_TEST_AXE"))
	if err != nil {
		b.t.Fatalf("CONGVU_TEST_AXE: %v", err)
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct {
			Target []any
			HTML   string
		}
	}
	var there bool
	if b.eval(`window.axe !== undefined`, &there); !there {
		b.run(chromedp.Evaluate(string(source)+";0", nil))
	}
	b.run(chromedp.Evaluate(`axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => ({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map(n => ({Target: n.target, HTML: n.html}))})))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	for _, v := range found {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		var where []string
		for i, n := range v.Nodes {
			if i < 3 {
				where = append(where, fmt.Sprintf("%v %s", n.Target, n.HTML))
			}
		}
		var at string
		b.eval(`location.href`, &at)
		b.t.Errorf("%s: %s: %s (%s): %s", at, v.Impact, v.Help, v.ID, strings.Join(where, "\n    "))
	}
}
