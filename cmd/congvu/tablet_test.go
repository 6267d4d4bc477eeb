package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// field is a tablet in use: a program to stop and start at one address, and one device
// whose browser is closed and opened again.
type field struct {
	t       testing.TB
	launch  launch
	program *running
	base    string // where the tablet finds it
	profile string
	b       *browser
	opened  int
}

// newField starts the demo and a tablet that nobody has used yet.
func newField(t testing.TB, settings []string) *field {
	t.Helper()
	f := &field{t: t, profile: newProfile(t), launch: launch{sub: "demo", settings: settings, addr: freeAddress(t), data: t.TempDir()}}
	f.program = f.launch.start(t)
	f.base = f.program.base
	f.launch.sub = "serve"
	f.reopen()
	return f
}

// away stops the server; back starts it again, with the same data at the same address.
func (f *field) away() {
	f.t.Helper()
	f.program.stop(f.t)
}

func (f *field) back() {
	f.t.Helper()
	f.program = f.launch.start(f.t)
}

// inReach starts the server again as back does, and the tablets that are open notice that
// they have a network, as they do where its loss was what kept the server away. After
// back alone they find out when they next ask.
func (f *field) inReach(open ...*browser) {
	f.t.Helper()
	f.back()
	for _, b := range open {
		b.eval(`dispatchEvent(new Event('online')), 0`, nil)
	}
}

// reopen closes the browser, if it is open, and opens it again with the same profile.
func (f *field) reopen() *browser {
	f.t.Helper()
	if f.b != nil {
		f.b.close()
	}
	f.opened++
	f.b = browserIn(f.t, f.profile, f.base, fmt.Sprintf("tablet-%d", f.opened), tablet)
	return f.b
}

// app opens the app and waits until it asks who is there, or is open.
func (b *browser) app() {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base + "/tablet/"))
	b.wait("the app", `document.querySelector('.app-top, .sign-in-form') !== null`)
}

// awaited evaluates an expression whose value is a promise.
func (b *browser) awaited(expression string, into any) {
	b.t.Helper()
	b.run(chromedp.Evaluate(expression, into, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// installed waits until the app can open without a network.
func (b *browser) installed() {
	b.t.Helper()
	var active bool
	b.awaited(`navigator.serviceWorker.ready.then(r => new Promise(done => { const look = () => r.active?.state === 'activated' ? done(true) : setTimeout(look, 50); look(); }))`, &active)
}

// holds waits until a store of the tablet has at least so many records.
func (b *browser) holds(store string, n int) {
	b.t.Helper()
	b.run(chromedp.Evaluate(fmt.Sprintf(`window.__held = -1; clearInterval(window.__looking); window.__looking = setInterval(() => { const q = indexedDB.open('congvu'); q.onsuccess = () => { const c = q.result.transaction(%q).objectStore(%[1]q).count(); c.onsuccess = () => { window.__held = c.result; q.result.close(); }; }; }, 100); 0`, store), nil))
	b.wait(fmt.Sprintf("%d records in %s", n, store), fmt.Sprintf(`window.__held >= %d`, n))
	b.eval(`clearInterval(window.__looking); 0`, nil)
}

// stored is everything that the page's origin keeps in this browser, as text: every
// record of every database with its bytes, caches, both storages, cookies that scripts
// see, and the page with its addresses.
const stored = `(async () => {
	const out = [], seen = new Set();
	const bytes = b => { const u = new Uint8Array(b); let s = ''; for (let i = 0; i < u.length; i += 8192) s += String.fromCharCode(...u.subarray(i, i + 8192)); out.push(s, new TextDecoder().decode(u), new TextDecoder('utf-16le').decode(u.subarray(0, u.length & ~1))); };
	const take = async v => {
		if (v === null || v === undefined) return;
		if (typeof v !== 'object') { out.push(String(v)); return; }
		if (v instanceof ArrayBuffer) { bytes(v); return; }
		if (ArrayBuffer.isView(v)) { bytes(v.buffer); return; }
		if (v instanceof Blob) { out.push(v.name ?? ''); bytes(await v.arrayBuffer()); return; }
		if (v instanceof CryptoKey) { out.push('A CRYPTOKEY IS STORED'); return; }
		for (const [k, x] of Object.entries(v)) { out.push(k); await take(x); }
	};
	for (const { name } of await indexedDB.databases()) {
		const db = await new Promise((ok, no) => { const q = indexedDB.open(name); q.onsuccess = () => ok(q.result); q.onerror = () => no(q.error); });
		for (const store of db.objectStoreNames) {
			const [keys, values] = await Promise.all(['getAllKeys', 'getAll'].map(f => new Promise(ok => { const q = db.transaction(store).objectStore(store)[f](); q.onsuccess = () => ok(q.result); })));
			out.push('store ' + store + ' ' + values.length);
			await take(keys); await take(values);
		}
		db.close();
	}
	for (const name of await caches.keys()) {
		const cache = await caches.open(name);
		for (const r of await cache.keys()) { out.push(r.url); if (!r.url.endsWith('/tablet/')) await take(await (await cache.match(r)).arrayBuffer()); }
	}
	await take({ ...localStorage }); await take({ ...sessionStorage });
	out.push(document.cookie, document.documentElement.outerHTML.replace(/<script id="words"[^]*?<\/script>/, ''), location.href, document.title, JSON.stringify(history.state));
	return out.join('\n');
})()`

// noneOf holds everything that the browser keeps against words that must not be there.
func (f *field) noneOf(when string, words ...string) {
	f.t.Helper()
	var all string
	f.b.awaited(stored, &all)
	if !strings.Contains(all, "store ops ") || !strings.Contains(all, "store bytes ") || !strings.Contains(all, "congvu-mark=") {
		f.t.Fatalf("%s: the dump does not hold the tablet's stores", when)
	}
	for _, w := range append(words, "A CRYPTOKEY IS STORED") {
		if at := strings.Index(all, w); at >= 0 {
			f.t.Errorf("%s: the tablet keeps %q: …%q…", when, w, all[max(0, at-80):min(len(all), at+80)])
		}
	}
}

// noneOnDisk looks for words in every file of the closed browser's profile, in both
// encodings that Chromium writes.
func (f *field) noneOnDisk(words ...string) {
	f.t.Helper()
	f.b.close()
	var looked int
	err := filepath.WalkDir(f.profile, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for _, w := range words {
			if strings.Contains(string(raw), w) || strings.Contains(string(raw), wide(w)) {
				f.t.Errorf("%s holds %q", strings.TrimPrefix(path, f.profile), w)
			}
		}
		return nil
	})
	if err != nil || looked < 20 {
		f.t.Errorf("%d files of the profile were read: %v", looked, err)
	}
}

// wide is a text as UTF-16, little end first.
func wide(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// token is the session's cookie, which no script sees.
func (b *browser) token() *network.Cookie {
	b.t.Helper()
	var found *network.Cookie
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := network.GetCookies().Do(ctx)
		for _, c := range cookies {
			if strings.HasSuffix(c.Name, "congvu") {
				found = c
			}
		}
		return err
	}))
	return found
}

// status is what the server says of a session.
func (f *field) status(c *network.Cookie) int {
	f.t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.program.base+"/api/v1/session", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// checkIn begins the check at the desk of the story and returns its id.
func (b *browser) checkIn() string {
	b.t.Helper()
	b.sees(deskHere)
	b.pressIn(deskHere, "button")
	b.press("Đã xuất trình, bắt đầu")
	b.wait("the check opens", `location.hash.startsWith('#/visit/') && document.querySelector('.rail') !== null`)
	var id string
	b.eval(`location.hash.split('/')[2]`, &id)
	return id
}

// taps changes one answer there and back, so many times, and gives the ms from each tap
// to the picture that shows it, ascending; the answer is on the tablet's disk by then.
func (b *browser) taps(times int) (ms []float64) {
	b.t.Helper()
	b.awaited(fmt.Sprintf(`(async () => {
		const choices = [...document.querySelector('.item .choice[aria-pressed=true]').parentElement.querySelectorAll('.choice')], was = choices.find(c => c.getAttribute('aria-pressed') === 'true'), took = [];
		for (let n = 0; n < %d; n++) for (const to of [choices.find(c => c !== was), was, choices.find(c => c !== was), was]) {
			await new Promise(go => setTimeout(go, 300)); // as fast as a hand is
			took.push(await new Promise(done => {
			const from = performance.now();
			new MutationObserver((_, o) => { if (to.getAttribute('aria-pressed') === 'true') { o.disconnect(); requestAnimationFrame(() => done(performance.now() - from)); } }).observe(to, {attributes: true});
			to.click(); }));
		}
		return took.sort((a, b) => a - b);
	})()`, times), &ms)
	return ms
}

// signOut leaves the app by its menu, whether or not something is unsent.
func (b *browser) signOut() {
	b.t.Helper()
	b.eval(`document.querySelector('.menu').open = true; 0`, nil)
	b.click(`[data-key=sign-out]`)
	b.wait("signed out or asked", `document.querySelector('.sign-in-form, dialog .primary') !== null`)
	var asked bool
	if b.eval(`document.querySelector('dialog .primary') !== null`, &asked); asked {
		b.click(`dialog .primary`)
	}
	b.wait("the sign-in", `document.querySelector('.sign-in-form') !== null`)
}

// TestR4NothingOfTheFormerUserIsLeft: one tablet, two people. A works without a network
// and signs out; nothing that the browser keeps says a word of it, neither then nor while
// B is signed in, and B's session carries nothing of A. A signs in without a network and
// finds the unsent work, and it reaches the server in A's name.
func TestR4NothingOfTheFormerUserIsLeft(t *testing.T) {
	t.Parallel()
	const secret, ofB = "Bảng phí của quầy ba ghi sai hai dòng.", "Quản trị"
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.sees("Đăng nhập")
	b.picture("sign-in")
	b.anywhere()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('#note-C03') !== null`)
	b.installed()
	b.sent()
	ofA := b.token()
	var name string
	b.eval(`document.querySelector('.menu summary').innerText.trim()`, &name)
	words := []string{secret, "quầy ba ghi sai", name, "truongdoan", deskHere, "12/QĐ-UBND", "before.jpg", demoPassword}

	f.away()
	b.fill("#note-C03", secret)
	b.files(`input[data-photo="C03"]`, s.photos["before"])
	b.wait("the photo waits", `document.querySelectorAll('[data-item="C03"] .shot').length === 1 && document.querySelector('.sync').classList.contains('soon')`)
	b.picture("offline")
	f.noneOfStores("while A works", secret, "before.jpg", demoPassword)
	b.signOut()
	b.sees("Trên máy này có việc chưa gửi")
	b.picture("signed-out")
	f.noneOf("after A signed out", words...)
	var before bool
	b.awaited(`new Promise(done => { addEventListener('popstate', () => requestAnimationFrame(() => done(true)), {once: true}); history.back(); })`, &before)
	b.wait("the page before", `document.querySelector('.sign-in-form') !== null`)
	f.noneOf("after going back", words...)
	f.noneOnDisk(secret, "quầy ba ghi sai", "truongdoan", demoPassword)

	// B, with a network: A's session ends first, and nothing of A goes out with B's.
	f.back()
	b = f.reopen()
	b.app()
	b.wait("the sign-in", `document.querySelector('.sign-in-form') !== null`)
	if got := f.status(ofA); got != http.StatusUnauthorized {
		t.Errorf("A's session, signed out without a network, answers %d at the next contact", got)
	}
	b.enter("quantri", demoPassword)
	b.sees("Việc hôm nay")
	b.sees(ofB)
	b.sees("việc chưa gửi của tài khoản khác")
	if strings.Contains(b.text(), deskHere) || strings.Contains(b.text(), "chờ gửi") {
		t.Errorf("B sees A's work:\n%s", b.text())
	}
	f.noneOf("while B is signed in", words...)
	b.signOut()
	f.noneOf("after B signed out", words...)

	// A, without one.
	f.away()
	b = f.reopen()
	b.app()
	b.sees("không cần mạng")
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.sees("1 ảnh, 2 thao tác chờ gửi")
	b.picture("unsent-is-back")
	b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/C"))
	b.wait("the note", fmt.Sprintf(`document.querySelector('#note-C03')?.value === %s`, quote(secret)))
	b.wait("the photo", `document.querySelector('[data-item="C03"] .shot img')?.src.startsWith('blob:') === true`)
	f.back()
	b.wait("the password is asked", `document.querySelector('dialog.sign-in, [data-key=sign-in]') !== null`)
	var dialog bool
	if b.eval(`document.querySelector('dialog.sign-in') !== null`, &dialog); !dialog { // it was the app that asked whether the server is there, not somebody's act
		b.click(`[data-key=sign-in]`)
		b.wait("the dialog", `document.querySelector('dialog.sign-in') !== null`)
	}
	b.picture("sign-in-again")
	b.enter("truongdoan", demoPassword)
	b.sent()
	b.run(chromedp.Navigate(b.base + "/visits/" + visit))
	var news string
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.text())`, &news)
	if !strings.Contains(news, secret) || strings.Count(news, `"RECEIVED"`) != 1 {
		t.Errorf("the server has not got A's work: %s", news)
	}
}

// noneOfStores is noneOf for what is stored only: the page may show it.
func (f *field) noneOfStores(when string, words ...string) {
	f.t.Helper()
	var all string
	f.b.awaited(strings.Replace(stored, "document.documentElement.outerHTML", "''", 1), &all)
	for _, w := range words {
		if strings.Contains(all, w) {
			f.t.Errorf("%s: the tablet stores %q", when, w)
		}
	}
}

// TestOfflineFiveWrongPasswords: without a network a password may be wrong five times,
// however often the browser is opened; the network lets its owner in again.
func TestOfflineFiveWrongPasswords(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.installed()
	f.away()
	b = f.reopen()
	b.app()
	b.enter("quantri", demoPassword)
	b.sees("Tài khoản này chưa đăng nhập trên máy này")
	for left := 4; left > 1; left-- {
		b.enter("truongdoan", "khong-phai")
		b.sees(fmt.Sprintf("còn thử được %d lần", left))
	}
	b.enter("truongdoan", demoPassword) // a right one gives all five back
	b.sees("Việc hôm nay")
	b = f.reopen()
	b.app()
	for left := 4; left > 1; left-- {
		b.enter("TruongDoan ", "khong-phai")
		b.sees(fmt.Sprintf("còn thử được %d lần", left))
	}
	b = f.reopen()
	b.app()
	b.enter("truongdoan", "khong-phai")
	b.sees("còn thử được 1 lần")
	b.enter("truongdoan", "khong-phai")
	b.sees("Cần có mạng để đăng nhập")
	b.enter("truongdoan", demoPassword)
	b.wait("it has been looked at", `document.querySelector('.sign-in-form button').disabled === false`)
	b.sees("Cần có mạng để đăng nhập")
	b.picture("five-times")
	f.back()
	b.enter("truongdoan", demoPassword)
	b.sees("Việc hôm nay")
	f.away()
	b = f.reopen()
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.sees("Danh sách lưu trên máy")
	f.back() // with nothing to send, too, the app finds the server again
	b.sent()
	b.wait("the list of now", `!document.body.innerText.includes('Danh sách lưu trên máy')`)
}

// TestOfflineAWholeVisit: the server stops before the team arrives. The check is begun
// from what was handed over, every item answered, every photo taken, the browser closed
// and opened again in between, the minutes signed and scanned; when the server is back all
// of it goes out in order, and the minutes are closed.
func TestOfflineAWholeVisit(t *testing.T) {
	t.Parallel()
	for _, stores := range bothStores {
		t.Run(stores.name, func(t *testing.T) {
			t.Parallel()
			s := &story{t: t}
			s.draw()
			f := newField(t, stores.settings(t))
			b := f.b
			b.app()
			b.enter("truongdoan", demoPassword)
			b.sees(deskHere)
			b.installed()
			b.holds("handovers", 2)
			f.away()

			b = f.reopen()
			b.app()
			b.enter("truongdoan", demoPassword)
			b.sees("Sẵn sàng khi mất mạng")
			b.picture("ready")
			visit := b.checkIn()
			b.picture("begun")
			s.headCount(b)
			for _, section := range []string{"A", "B", "C", "D"} {
				s.whole(b, section)
			}
			var before int
			b.eval(`document.querySelectorAll('.choice[aria-pressed=true]').length`, &before)
			b = f.reopen()
			b.app()
			b.enter("truongdoan", demoPassword)
			b.sees("Đang thực hiện")
			b.wait("what is left", fmt.Sprintf(`/Còn \d+ mục · \d+ ảnh chờ gửi\s+Tiếp tục/.test(document.querySelector('[aria-labelledby=running] a[href="#/visit/%s"]')?.innerText)`, visit))
			b.picture("today")
			b.anywhere()
			b.click(fmt.Sprintf(`a[href="#/visit/%s"]`, visit))
			b.wait("the check opens", `document.querySelector('.rail') !== null`)
			b.click(`[data-key="rail-D"]`)
			b.wait("what was answered before", fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('D.') && document.querySelectorAll('.choice[aria-pressed=true]').length === %d`, before))
			for _, section := range []string{"E", "F", "G", "H"} {
				s.whole(b, section)
			}
			paint := b.taps(1)
			t.Logf("an answer is kept and shown after %.0f ms", paint[1])
			b.picture("answered")
			b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
			b.sees("Chờ gửi (")
			b.picture("photos-waiting")
			b.anywhere()
			var photos int
			b.eval(`document.querySelectorAll('.photo-row').length`, &photos)
			if photos < 5 {
				t.Errorf("%d photos wait", photos)
			}

			for range many(20) { // killed in the middle of the sync, with something new each time
				f.back()
				b.eval(`dispatchEvent(new Event('online')); 0`, nil)
				b.wait("the sync begins", `!document.querySelector('.sync').innerText.includes('Mất mạng')`)
				f.program.kill(t)
				b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/H"))
				b.wait("section H", `document.querySelector('#note-H01') !== null`)
				photos++
				b.fill("#note-H01", fmt.Sprintf("Sau lần ngắt thứ %d.", photos))
				b.files(`input[data-photo="H01"]`, s.photos["board"])
				b.wait("the photo", `document.querySelectorAll('[data-item="H01"] .shot').length >= 1 && document.querySelector('.sync').innerText.includes('Mất mạng')`)
				b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
			}
			b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit))
			b.wait("complete", `document.querySelector('[data-key=finish]') !== null && !document.querySelector('[data-key=finish]').disabled`)
			b.click("[data-key=finish]")
			b.click("dialog .primary")
			b.wait("minutes", `document.querySelector('#m-representatives') !== null`)
			b.fill("#m-representatives", "Giám đốc Trung tâm Phục vụ hành chính công xã Mẫu 07")
			b.click("[data-key=agree]")
			b.wait("opinion", `document.querySelector('#m-opinion').value.length > 0`)
			b.files(`input[data-photo="scan"]`, s.photos["scan"])
			b.wait("scan", `document.querySelector('[data-key^="scan-"]') !== null`)
			b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
			b.sees("Chờ gửi (")
			b.run(chromedp.Navigate(b.base + "/tablet/#/minutes/" + visit))
			b.wait("the scan is still there", `document.querySelector('[data-key^="scan-"]') !== null`)
			b.picture("minutes-offline")
			b.anywhere()
			b.click("[data-key=sign]")
			b.click("dialog .primary")
			b.sees("cho đến lúc đó đơn vị chưa thấy gì")
			b.picture("closed-offline")
			b.anywhere()

			f.back()
			b.eval(`dispatchEvent(new Event('online')); 0`, nil)
			b.sent()
			b.sees("Biên bản đã khép")
			b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
			b.sees(fmt.Sprintf("An toàn, có biên nhận (%d)", photos+1))
			b.click(`details.card summary`)
			b.picture("photos-safe")

			var news struct {
				Operations []struct{ ID, Type string }
				Files      map[string]string
			}
			b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json())`, &news)
			seen := map[string]bool{}
			for _, op := range news.Operations {
				if seen[op.ID] {
					t.Errorf("the operation %s stands twice", op.ID)
				}
				seen[op.ID] = true
			}
			if len(news.Operations) < 60 || news.Operations[0].Type != "check_in" || len(news.Files) != photos+1 {
				t.Errorf("%d operations, %d files, %d photos were taken", len(news.Operations), len(news.Files), photos+1)
			}
			b.run(chromedp.Navigate(b.base + "/tablet/#/"))
			b.wait("closed", fmt.Sprintf(`document.querySelector('[aria-labelledby=closed] a[href="#/minutes/%s"]') !== null`, visit))
			until(t, "what the check was begun with is off the tablet", func() bool {
				var n int
				b.awaited(`new Promise(done => { const q = indexedDB.open('congvu'); q.onsuccess = () => { const c = q.result.transaction('handovers').objectStore('handovers').count(); c.onsuccess = () => { q.result.close(); done(c.result); }; }; })`, &n)
				return n == 1
			})
			b.picture("closed")
			for file, state := range news.Files {
				if state != "RECEIVED" {
					t.Errorf("%s is %s", file, state)
				}
			}
			b.signOut()
			f.noneOf("after the visit", "Mẫu 07", "truongdoan", "board.jpg", "hết hiệu lực")
		})
	}
}

// headCount counts everybody as present.
func (s *story) headCount(b *browser) {
	s.t.Helper()
	b.press("Bắt đầu kiểm đếm")
	b.wait("the table", `document.querySelector('[data-key=begin]') !== null`)
	b.click(`[data-key=begin]`)
	b.click(`[data-key=rest-present]`)
	b.wait("all counted", `document.querySelectorAll('.person').length > 0 && [...document.querySelectorAll('.person')].every(p => p.querySelector('[data-value=present]').getAttribute('aria-pressed') === 'true')`)
	b.press("Xong, về bảng kiểm")
}

// whole opens a section and answers it.
func (s *story) whole(b *browser, section string) {
	s.t.Helper()
	b.click(fmt.Sprintf(`[data-key="rail-%s"]`, section))
	b.wait("the section", fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('%s.')`, section))
	s.section(b)
	b.wait("all of it kept", fmt.Sprintf(`document.querySelector('[data-key="rail-%s"]').textContent.includes('●')`, section))
}

// operations is what the server has of a check, as this browser's session sees it.
func (b *browser) operations(visit string) (news struct {
	Operations []struct {
		ID, Type, Author string
		Payload          struct{ Item, Text, Value, File string }
	}
	Files map[string]string
}) {
	b.t.Helper()
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json())`, &news)
	return news
}

// forget clears the databases of the site, as a browser does that makes room.
func (b *browser) forget() {
	b.t.Helper()
	b.run(storage.ClearDataForOrigin(b.base, "indexeddb"))
}

// TestOfflineALostDatabaseIsToldWithinOneSave: the browser clears what it kept while
// somebody works. The next act says so; what was in memory is kept again and arrives. A
// loss between two starts is told at the second.
func TestOfflineALostDatabaseIsToldWithinOneSave(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('#note-C03') !== null`)
	b.installed()
	b.sent()
	f.away()
	b.fill("#note-C03", "Trước khi mất.")
	b.files(`input[data-photo="C03"]`, s.photos["before"])
	b.wait("the photo waits", `document.querySelectorAll('[data-item="C03"] .shot').length === 1`)
	b.holds("bytes", 1)
	b.forget()
	b.click(`[data-item="C05"] [data-value=YES]`)
	b.wait("the person is told", `document.querySelector('[data-trouble=lost]') !== null`)
	b.sees("Trình duyệt vừa xóa dữ liệu")
	b.picture("lost")
	b.anywhere()
	b.wait("answered", `document.querySelector('[data-item="C05"] [data-value=YES]').getAttribute('aria-pressed') === 'true'`)
	b.holds("ops", 4) // the note, the declaration, the photo, the answer
	b.holds("bytes", 1)
	b.holds("vaults", 1)
	b = f.reopen() // what was kept again is there without the page that kept it
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees("1 ảnh, 3 thao tác chờ gửi")
	f.inReach(b)
	b.sent()
	news := b.operations(visit)
	said := map[string]bool{}
	for _, op := range news.Operations {
		said[op.Type+" "+op.Payload.Item+" "+op.Payload.Text+op.Payload.Value] = true
	}
	if !said["note C03 Trước khi mất."] || !said["answer C05 YES"] || len(news.Files) != 1 {
		t.Errorf("%v %v", said, news.Files)
	}
	b.run(chromedp.Navigate(b.base + "/healthz"))
	b.forget()
	b.app()
	b.sees("đã xóa dữ liệu từng lưu trên máy này")
	b.picture("lost-before")
}

// TestR4WhatAnEarlierVersionKeptIsEncrypted: records that an earlier version of the app
// kept in the clear are encrypted when their owner next opens the app, and all arrive.
func TestR4WhatAnEarlierVersionKeptIsEncrypted(t *testing.T) {
	t.Parallel()
	const secret = "Ghi bằng phiên bản trước."
	s := &story{t: t}
	s.draw()
	raw, err := os.ReadFile(s.photos["before"])
	if err != nil {
		t.Fatal(err)
	}
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.sent()
	b.run(chromedp.Navigate(b.base + "/healthz"))
	b.forget()
	var done bool
	b.awaited(fmt.Sprintf(`(async () => {
		document.cookie = 'congvu-mark=; path=/tablet/; max-age=0';
		const { person } = await (await fetch('/api/v1/session')).json(), id = () => crypto.randomUUID(), now = new Date().toISOString(), device = id(), file = id(), visit = %q;
		const blob = new Blob([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], { type: 'image/jpeg' });
		const sha256 = [...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))].map(b => b.toString(16).padStart(2, '0')).join('');
		const db = await new Promise((ok, no) => { const q = indexedDB.open('congvu', 1); q.onupgradeneeded = () => { for (const s of ['ops', 'files']) q.result.createObjectStore(s, { keyPath: 'id' }).createIndex('owner', 'owner'); q.result.createObjectStore('meta'); }; q.onsuccess = () => ok(q.result); q.onerror = () => no(q.error); });
		const tx = db.transaction(['ops', 'files', 'meta'], 'readwrite');
		tx.objectStore('meta').put(device, 'device'); tx.objectStore('meta').put(8, 'seq:' + visit);
		const op = (n, type, payload) => tx.objectStore('ops').put({ id: '01a20000-0000-7000-8000-00000000000' + n, owner: person, visit, device, device_at: now, elapsed_ms: 5, seq: 6 + n, base: '', type, payload });
		op(1, 'note', { item: 'C03', text: %q }); op(2, 'photo', { item: 'C03', file });
		tx.objectStore('files').put({ id: file, owner: person, visit, blob, bytes: blob.size, sha256, name: 'truoc.jpg', captured_at: now, kind: 'PHOTO', item: 'C03', finding: '', noPeople: false, declared: false, share: 0, problem: '' });
		tx.objectStore('files').put({ id: id(), owner: 'somebody else', visit, blob, bytes: blob.size, sha256, name: 'khac.jpg', captured_at: now, kind: 'PHOTO', item: 'C03', finding: '', noPeople: false, declared: false, share: 0, problem: '' });
		await new Promise((ok, no) => { tx.oncomplete = ok; tx.onabort = () => no(tx.error); });
		db.close();
		return true;
	})()`, visit, base64.StdEncoding.EncodeToString(raw), secret), &done)
	b.app()
	b.sees("Nhập mật khẩu một lần")
	b.picture("first-password")
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.sent()
	b.holds("receipts", 1)
	f.noneOfStores("after the change", secret, "truoc.jpg")
	var all string
	b.awaited(stored, &all)
	if !strings.Contains(all, "khac.jpg") {
		t.Error("what belongs to somebody else, who has not come yet, is gone")
	}
	news := b.operations(visit)
	var types []string
	for _, op := range news.Operations {
		types = append(types, op.Type)
		if op.Type == "note" && op.Payload.Text != secret {
			t.Errorf("%+v", op)
		}
	}
	if got := strings.Join(types, " "); got != "check_in note declare photo" || len(news.Files) != 1 {
		t.Errorf("%s, %v", got, news.Files)
	}
	for file, state := range news.Files {
		if state != "RECEIVED" {
			t.Errorf("%s is %s", file, state)
		}
	}
}

// TestOfflineWhatIsRefusedStaysListed: a check begun without a network that somebody has
// begun meanwhile. Nothing of it vanishes: each act stands there with the server's words
// until the person has read them.
func TestOfflineWhatIsRefusedStaysListed(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.installed()
	b.holds("handovers", 2)
	f.away()
	b = f.reopen()
	b.app()
	b.enter("truongdoan", demoPassword)
	b.checkIn()
	b.click(`[data-item="A04"] [data-value=YES]`)
	b.wait("answered", `document.querySelector('[data-item="A04"] [data-value=YES]').getAttribute('aria-pressed') === 'true'`)
	b.close()
	f.back()
	other := newBrowser(t, f.program.base, "other", tablet)
	other.signIn("truongdoan", demoPassword)
	other.open("/tablet/")
	other.checkIn()

	b = f.reopen()
	b.app()
	b.sees("chưa được máy chủ nhận")
	b.press("Xem và xử lý")
	b.sees("Máy chủ không nhận (2)")
	b.sees("Bắt đầu kiểm tra")
	b.picture("refused")
	b.anywhere()
	b = f.reopen()
	b.app()
	b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
	b.sees("Máy chủ không nhận (2)")
	b.eval(`window.went = false; new MutationObserver(() => { went ||= document.querySelectorAll('[data-key^="seen-"]').length === 0; }).observe(document.body, { childList: true, subtree: true }), 0`, new(int))
	b.press("Gửi lại") // of the check-in: what it brought down goes with it
	b.wait("sent again and refused again", `window.went && document.querySelectorAll('[data-key^="seen-"]').length === 2`)
	for range 2 {
		var n int
		b.eval(`document.querySelectorAll('[data-key^="seen-"]').length`, &n)
		b.press("Đã xem, bỏ mục này")
		b.wait("one less", fmt.Sprintf(`document.querySelectorAll('[data-key^="seen-"]').length === %d`, n-1))
	}
	b.run(chromedp.Navigate(b.base + "/tablet/"))
	b.app()
	b.sees("Việc hôm nay")
	if strings.Contains(b.text(), "chưa được máy chủ nhận") {
		t.Error("what was read still stands there")
	}
}

// TestR4NothingGoesOutInAnothersName: somebody signs in on the office pages of the same
// browser while the app is open. What is done in the app waits until its own person has
// signed in again.
func TestR4NothingGoesOutInAnothersName(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.sent()
	own := b.token()
	answer, err := http.Post(f.program.base+"/api/v1/session", "application/json", strings.NewReader(`{"username":"thanhvien","password":"`+demoPassword+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	other := answer.Cookies()[0]
	b.run(network.SetCookie(own.Name, other.Value).WithURL(f.program.base).WithPath("/").WithHTTPOnly(true))
	b.click(`[data-item="A04"] [data-value=YES]`)
	b.wait("the person is told", `document.querySelector('[data-key=sign-in-again]') !== null`)
	b.sees("đang đăng nhập một tài khoản khác")
	b.picture("other")
	b.anywhere()
	if news := b.operations(visit); len(news.Operations) != 1 {
		t.Errorf("%d operations went out", len(news.Operations))
	}
	b.click(`[data-key=sign-in]`)
	b.wait("the dialog", `document.querySelector('dialog.sign-in') !== null`)
	b.enter("thanhvien", demoPassword)
	b.sees("Đây là tài khoản khác")
	b.enter("truongdoan", demoPassword)
	b.sent()
	news := b.operations(visit)
	if len(news.Operations) != 2 || news.Operations[0].Author != news.Operations[1].Author {
		t.Errorf("%+v", news.Operations)
	}
}
