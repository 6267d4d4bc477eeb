package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/evidence/imaging/imagingtest"

	"github.com/chromedp/chromedp"
)

// mobile is the network between a tablet and the program: it counts what goes over it,
// carries so much a second, and is gone for a moment each time that so many bytes have
// gone up, or that so much time has passed.
type mobile struct {
	to       string
	base     string
	up, down atomic.Int64
	every    atomic.Int64 // 0: never
	left     atomic.Int64
	breaks   atomic.Int64
	gone     atomic.Int64 // until when, Unix milliseconds
	next     func() int64 // how many bytes until the break after this one; nil: as many again
	rate     atomic.Int64 // bytes a second that go up; 0: as they come
	mu       sync.Mutex
	ends     map[net.Conn]bool
	free     time.Time // when what went up so far is through
}

func newMobile(t testing.TB, to string) *mobile {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	l := &mobile{to: to, base: "http://localhost:" + port, ends: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close(); l.cut() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn)
		}
	}()
	return l
}

func (l *mobile) carry(from net.Conn) {
	defer from.Close()
	if time.Now().UnixMilli() < l.gone.Load() {
		return
	}
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer to.Close()
	l.mu.Lock()
	l.ends[from], l.ends[to] = true, true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.ends, from)
		delete(l.ends, to)
		l.mu.Unlock()
	}()
	go func() {
		n, _ := io.Copy(from, to)
		l.down.Add(n)
		from.Close()
	}()
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		l.up.Add(int64(n))
		if rate := l.rate.Load(); rate > 0 {
			<-time.After(l.through(n, rate))
		}
		if every := l.every.Load(); every > 0 && l.left.Add(int64(-n)) < 0 {
			if l.next != nil {
				every = l.next()
			}
			l.left.Store(every)
			l.drop(300 * time.Millisecond)
			return
		}
		if _, e := to.Write(buffer[:n]); err != nil || e != nil {
			return
		}
	}
}

// through is how long so many bytes take behind all that are on their way.
func (l *mobile) through(n int, rate int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(n) * time.Second / time.Duration(rate))
	return time.Until(l.free)
}

// drop breaks the line once, for so long.
func (l *mobile) drop(gone time.Duration) {
	l.breaks.Add(1)
	l.gone.Store(time.Now().Add(gone).UnixMilli())
	l.cut()
}

// dropEach breaks the line again and again, for 0.7 s, until the test ends or stop is
// called.
func (l *mobile) dropEach(t testing.TB, every time.Duration) (stop func()) {
	t.Helper()
	ticker, done := time.NewTicker(every), make(chan struct{})
	stop = sync.OnceFunc(func() { ticker.Stop(); close(done) })
	t.Cleanup(stop)
	go func() {
		for {
			select {
			case <-ticker.C:
				l.drop(700 * time.Millisecond)
			case <-done:
				return
			}
		}
	}()
	return stop
}

// breakEvery breaks the line from now on after each so many bytes that go up.
func (l *mobile) breakEvery(n int64) {
	l.left.Store(n)
	l.every.Store(n)
}

func (l *mobile) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.ends {
		conn.Close()
	}
}

// onLine is a field whose tablet reaches the program over a line.
func onLine(t testing.TB, settings []string) (*field, *mobile) {
	t.Helper()
	addr := freeAddress(t)
	l := newMobile(t, addr)
	f := &field{t: t, profile: newProfile(t), base: l.base, launch: launch{sub: "demo", settings: append(settings, "CONGVU_URL="+l.base), addr: addr, data: t.TempDir()}}
	f.program = f.launch.start(t)
	f.launch.sub = "serve"
	f.reopen()
	return f, l
}

// TestOfflineTheFirstStartIsSmall: what goes over the wire from the first request to the
// app that could open without a network, and to the list of the day; then how long the
// fourth start takes without one.
func TestOfflineTheFirstStartIsSmall(t *testing.T) {
	t.Parallel()
	f, l := onLine(t, nil)
	app, whole := f.firstStart(l)
	t.Logf("first start: %d bytes over the wire until the app could open without a network, %d with the list and two handovers", app, whole)
	if app >= 300_000 {
		t.Errorf("the first start takes %d bytes", app)
	}
	f.away()
	for n := 2; n <= 4; n++ {
		form, open := f.offlineStart()
		t.Logf("start %d without a network: the sign-in after %.0f ms, the list %.0f ms after the password", n, form, open)
	}
}

// firstStart opens the app on a device that has nothing of it, and gives the bytes that
// went over the line until it could open without a network, and until it had the list
// of the day with what it hands over.
func (f *field) firstStart(l *mobile) (app, whole int64) {
	f.t.Helper()
	b := f.b
	b.app()
	b.installed()
	l.cut() // the counts are complete
	app = l.up.Load() + l.down.Load()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.holds("handovers", 2)
	l.cut()
	return app, l.up.Load() + l.down.Load()
}

// offlineStart opens the app anew and gives the ms until it asked for the password, and
// from the password to the list of the day.
func (f *field) offlineStart() (form, open float64) {
	f.t.Helper()
	b := f.reopen()
	b.app()
	b.awaited(`new Promise(done => { const look = () => performance.getEntriesByName('asked').length ? done(performance.getEntriesByName('asked')[0].startTime) : setTimeout(look, 10); look(); })`, &form)
	b.fill("#in-name", "truongdoan")
	b.fill("#in-word", demoPassword)
	b.awaited(`new Promise(done => { const from = performance.now(); new MutationObserver((_, o) => { if (document.querySelector('article')) { o.disconnect(); done(performance.now() - from); } }).observe(document.body, {childList: true, subtree: true}); document.querySelector('.sign-in-form button[type=submit]').click(); })`, &open)
	return form, open
}

// TestOfflineAPhotoGoesOnWhereItBroke: five photographs of 4 MB over a line that breaks
// again and again, the browser closed in between. All arrive as they were taken, and
// little is sent twice.
func TestOfflineAPhotoGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	const photos, size, every = 5, 4_000_000, 1_500_000
	f, l := onLine(t, nil)
	var paths []string
	dir := t.TempDir()
	for i := range photos {
		raw := imagingtest.Heavy(imagingtest.JPEG(imagingtest.Scene(640+i, 480), imagingtest.Exif{}), size)
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.jpg", i)))
		if err := os.WriteFile(paths[i], raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('input[data-photo="C03"]') !== null`)
	b.installed()
	b.sent()
	f.away()
	b.files(`input[data-photo="C03"]`, paths...)
	b.wait("the photos wait", fmt.Sprintf(`document.querySelectorAll('[data-item="C03"] .shot').length === %d`, photos))
	b.holds("bytes", photos)
	b = f.reopen()
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(fmt.Sprintf("%d ảnh, ", photos))
	b.run(chromedp.Navigate(f.base + "/tablet/#/device"))
	before := l.up.Load()
	l.breakEvery(every)
	f.back()
	b.wait("sending", `document.querySelector('[data-photo-state=sending]') !== null`)
	b.picture("sending")
	for n := range photos { // each has its time: after every break the app waits before it goes on
		b.wait(fmt.Sprintf("photograph %d", n+1), fmt.Sprintf(`Number(document.body.innerText.match(/có biên nhận \((\d+)\)/i)?.[1]) > %d`, n))
	}
	b.sent()
	sent := l.up.Load() - before
	payload := int64(photos * size)
	t.Logf("%d bytes of photographs, %d sent over a line that broke %d times: %.3f", payload, sent, l.breaks.Load(), float64(sent)/float64(payload))
	if l.breaks.Load() < 8 || sent > payload*110/100 {
		t.Errorf("%d breaks, %d bytes sent for %d", l.breaks.Load(), sent, payload)
	}
	l.breakEvery(0)
	news := b.operations(visit)
	if len(news.Files) != photos {
		t.Errorf("%d files", len(news.Files))
	}
	for file, state := range news.Files {
		if state != "RECEIVED" {
			t.Errorf("%s is %s", file, state)
		}
	}
	b.sees(fmt.Sprintf("An toàn, có biên nhận (%d)", photos))
}

// otherVersion builds the program with other files of the app.
func otherVersion(t *testing.T, change map[string]func(string) string) func() (string, error) {
	t.Helper()
	return sync.OnceValues(func() (string, error) {
		dir := t.TempDir()
		replace := map[string]string{}
		for name, f := range change {
			path, err := filepath.Abs(filepath.Join("..", "..", name))
			if err != nil {
				return "", err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			if f(string(raw)) == string(raw) {
				return "", fmt.Errorf("%s is not changed", name)
			}
			replace[path] = filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
			if err := os.WriteFile(replace[path], []byte(f(string(raw))), 0o600); err != nil {
				return "", err
			}
		}
		overlay, err := json.Marshal(map[string]any{"Replace": replace})
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
			return "", err
		}
		path := filepath.Join(dir, "congvu")
		out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", path, ".").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return path, nil
	})
}

// TestOfflineANewVersionWaitsForUnsentWork: a version of the same protocol is offered
// and taken in the middle of unsent work; one of another protocol waits until everything
// is sent, even when the browser itself has started its worker.
func TestOfflineANewVersionWaitsForUnsentWork(t *testing.T) {
	t.Parallel()
	same := otherVersion(t, map[string]func(string) string{"web/tablet/app.webmanifest": func(s string) string { return s + " " }})
	other := otherVersion(t, map[string]func(string) string{"web/tablet/app.webmanifest": func(s string) string { return s + "  " },
		"web/tablet.go": func(s string) string {
			return strings.Replace(s, `const tabletProtocol = "`, `const tabletProtocol = "9`, 1)
		}})
	runs := func(b *browser) (v, protocol string) {
		b.eval(`document.documentElement.dataset.version`, &v)
		b.eval(`document.documentElement.dataset.protocol`, &protocol)
		return v, protocol
	}
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.installed()
	b.sent()
	first, protocol := runs(b)

	// The same protocol: offered while somebody works, taken with unsent work.
	f.away()
	b.click(`[data-item="A04"] [data-value=YES]`)
	b.holds("ops", 1)
	f.launch.binary = same
	b = f.reopen()
	b.app() // without a network: as it was
	if v, _ := runs(b); v != first {
		t.Fatalf("%s runs, %s was installed", v, first)
	}
	b.enter("truongdoan", demoPassword)
	b.sees("1 thao tác chờ gửi")
	f.back()
	b.sent()
	b.awaited(`navigator.serviceWorker.getRegistration('/tablet/').then(r => r.update()).then(() => true)`, nil)
	b.sees("Có bản mới")
	b.picture("new-version")
	b.anywhere()
	b.press("Dùng bản mới")
	b.wait("the new version", fmt.Sprintf(`document.documentElement.dataset.version !== %q && document.querySelector('.app-top') !== null`, first))
	second, now := runs(b)
	if now != protocol {
		t.Errorf("protocol %s, %s before", now, protocol)
	}

	// Another protocol: not before everything is sent.
	f.away()
	b.run(chromedp.Navigate(f.base + "/tablet/#/visit/" + visit))
	b.click(`[data-item="A04"] [data-value=NO]`)
	b.holds("ops", 1)
	b.close()
	f.launch.binary = other
	f.back()
	b = f.reopen()
	b.run(chromedp.Navigate(f.base + "/healthz")) // the worker of the new version comes by itself
	const comes = `navigator.serviceWorker.getRegistration('/tablet/').then(r => r.update()).then(r => new Promise(done => { const look = () => r.active && !r.installing && !r.waiting ? done(true) : setTimeout(look, 50); look(); }))`
	b.awaited(comes, nil)
	f.away()
	b.app()
	if v, p := runs(b); v != second || p != protocol {
		t.Errorf("version %s of protocol %s took unsent work over", v, p)
	}
	b.enter("truongdoan", demoPassword)
	b.sees("1 thao tác chờ gửi")
	f.back()
	b.sent()
	b = f.reopen()
	b.app()
	if v, p := runs(b); v == second || p == protocol {
		t.Errorf("version %s of protocol %s still runs", v, p)
	}
	if news := b.operations(visit); len(news.Operations) != 3 {
		t.Errorf("%d operations", len(news.Operations))
	}

	// What nobody sends does not hold it for ever: after thirty days the new one takes it over.
	third, protocol := runs(b)
	b.wait("the list", `document.querySelector('a[href^="#/visit/"]') !== null`)
	f.away()
	b.run(chromedp.Navigate(f.base + "/tablet/#/visit/" + visit))
	b.click(`[data-item="A04"] [data-value=YES]`)
	b.holds("ops", 1)
	b.close()
	f.launch.binary = same
	f.back()
	b = f.reopen()
	b.run(chromedp.Navigate(f.base + "/healthz"))
	b.awaited(comes, nil)
	f.away()
	b.app()
	if v, p := runs(b); v != third || p != protocol {
		t.Errorf("version %s of protocol %s took unsent work over", v, p)
	}
	b.awaited(`caches.open('congvu-state').then(async c => c.put('/tablet/held', new Response(JSON.stringify({...await (await c.match('/tablet/held')).json(), since: Date.now() - 30 * 86400e3 - 1})))).then(() => true)`, nil)
	b.app()
	if v, p := runs(b); v == third || p == protocol {
		t.Errorf("version %s of protocol %s still runs", v, p)
	}
	b.enter("truongdoan", demoPassword)
	b.sees("1 thao tác chờ gửi")
}
