package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	permission "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// cameraField is a field whose tablet has a camera: Chromium's own, which shows a clock.
// What the camera gives is noted in window.__taken, as its hash, and comes when
// window.__gate does; window.__tracks are the tracks that were handed out.
func cameraField(t *testing.T, allowed bool) *field {
	t.Helper()
	f := &field{t: t, profile: newProfile(t), launch: launch{sub: "demo", addr: freeAddress(t), data: t.TempDir()}}
	f.program = f.launch.start(t)
	f.base = f.program.base
	f.launch.sub = "serve"
	f.b = browserIn(t, f.profile, f.base, "tablet-camera", tablet, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", allowed))
	setting := permission.PermissionSettingGranted
	if !allowed {
		setting = permission.PermissionSettingDenied
	}
	f.b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return permission.SetPermission(&permission.PermissionDescriptor{Name: "camera"}, setting).WithOrigin(f.base).Do(ctx)
	}), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`
			window.__taken = []; window.__tracks = []; window.__gate = Promise.resolve();
			const take = ImageCapture.prototype.takePhoto;
			ImageCapture.prototype.takePhoto = async function () {
				await window.__gate;
				const blob = await take.call(this);
				window.__taken.push([...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))].map(b => b.toString(16).padStart(2, '0')).join(''));
				return blob;
			};
			const get = MediaDevices.prototype.getUserMedia;
			MediaDevices.prototype.getUserMedia = async function (c) { const s = await get.call(this, c); window.__tracks.push(...s.getTracks()); return s; };
		`).Do(ctx)
		return err
	}))
	return f
}

// toC03 opens the app at item C03 of a new check.
func (f *field) toC03() (visit string) {
	f.t.Helper()
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit = b.checkIn()
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('#note-C03') !== null`)
	b.installed()
	b.sent()
	return visit
}

// camera opens the camera of an item and waits until its shutter is free.
func (b *browser) camera(item string) {
	b.t.Helper()
	b.click(fmt.Sprintf(`[data-shoot="%s"]`, item))
	b.wait("the camera is live", `document.querySelector('[data-camera=shutter]')?.disabled === false && document.activeElement.dataset.camera === 'shutter'`)
}

// dark waits until every camera that was handed out has been given back.
func (b *browser) dark() {
	b.t.Helper()
	b.wait("the camera is given back", `document.querySelector('dialog.camera') === null && window.__tracks.length > 0 && window.__tracks.every(t => t.readyState === 'ended')`)
}

// fitted holds the camera on a screen of a size: nothing beside it, nothing over another,
// everything that is touched at least 48 px.
func (b *browser) fitted(width, height int64) {
	b.t.Helper()
	b.run(emulation.SetDeviceMetricsOverride(width, height, 1, false))
	var wrong []string
	b.eval(`[...document.querySelectorAll('dialog.camera button, dialog.camera label, dialog.camera input[type=range]')].filter(e => e.checkVisibility()).flatMap(e => {
		const r = e.getBoundingClientRect(), top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2), small = r.height < 48 || r.width < 48;
		const out = r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > innerHeight, covered = !top || !(e.contains(top) || top.contains(e));
		return small || out || covered ? [e.outerHTML.slice(0, 120) + JSON.stringify(r)] : [];
	})`, &wrong)
	for _, w := range wrong {
		b.t.Errorf("%d×%d: small, outside or covered: %s", width, height, w)
	}
}

// declared is what the server has of a check's files, by the declarations that it took in.
func (b *browser) declared(visit string) (files []struct {
	File, SHA256 string
	At           int64
	State        string
}) {
	b.t.Helper()
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json()).then(v => v.operations.filter(o => o.type === 'declare').map(o => ({ File: o.payload.file, SHA256: o.payload.sha256, At: Date.parse(o.payload.captured_at), State: v.files[o.payload.file] })))`, &files)
	return files
}

// TestCameraABurstOfTen: ten presses while the camera has not given the first picture and
// the server is away. The shutter is free all the time; ten photos are kept, arrive, and
// are byte for byte what the camera gave, dated by the press.
func TestCameraABurstOfTen(t *testing.T) {
	t.Parallel()
	f := cameraField(t, true)
	b := f.b
	visit := f.toC03()
	f.away()
	b.camera("C03")
	b.sees("Chưa chụp ảnh nào")
	b.eval(`window.__gate = new Promise(open => { window.__open = open; }); 0`, nil)
	for n := 1; n <= 10; n++ {
		switch n % 3 {
		case 0:
			b.run(chromedp.KeyEvent(" "))
		case 1:
			b.run(chromedp.KeyEvent(kb.Enter))
		default:
			b.run(chromedp.Click(`[data-camera=shutter]`))
		}
		b.sees(fmt.Sprintf("đang lưu %d", n))
		var free bool
		if b.eval(`!document.querySelector('[data-camera=shutter]').disabled`, &free); !free {
			t.Fatalf("the shutter is not free after %d presses", n)
		}
	}
	var pressed int64
	b.eval(`window.__open(); Date.now()`, &pressed)
	b.sees("đã lưu 10")
	b.wait("nothing under way", `document.querySelectorAll('.camera-strip .kept').length === 5 && !document.querySelector('.camera-count').textContent.includes('đang lưu')`)
	b.holds("bytes", 10)
	b.picture("burst")
	b.axe()
	b.fitted(800, 1280)
	b.fitted(1280, 800)
	b.fitted(360, 740)
	b.picture("burst-phone")
	b.axe()
	b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	b.axe()
	b.picture("burst-phone-dark")
	b.run(emulation.SetEmulatedMedia(), emulation.SetDeviceMetricsOverride(tablet[0], tablet[1], 1, false), chromedp.KeyEvent(kb.Escape))
	b.dark()
	b.wait("back where it was opened", `document.activeElement?.dataset.shoot === 'C03' && document.querySelectorAll('[data-item="C03"] .shot').length === 10`)
	f.inReach(b)
	b.sent()
	var taken []string
	b.eval(`window.__taken`, &taken)
	files := b.declared(visit)
	var ids, hashes []string
	for _, file := range files {
		ids, hashes = append(ids, file.File), append(hashes, file.SHA256)
		if file.State != "RECEIVED" {
			t.Errorf("%s is %s", file.File, file.State)
		}
		if file.At > pressed {
			t.Errorf("%s is dated when the picture came, not when the shutter was pressed", file.File)
		}
		if got := f.original(file.File); got != file.SHA256 {
			t.Errorf("%s has hash %s, declared %s", file.File, got, file.SHA256)
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 10 {
		t.Errorf("%d files", len(ids))
	}
	if !slices.Equal(hashes, taken) {
		t.Errorf("declared %v, the camera gave %v", hashes, taken)
	}
}

// original is the hash of a file's bytes as the server gives them out.
func (f *field) original(file string) string {
	f.t.Helper()
	c := f.b.token()
	r, err := http.NewRequest(http.MethodGet, f.program.base+"/files/"+file+"/original", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		f.t.Fatal(answer.StatusCode, err)
	}
	return sum(raw)
}

// TestCameraLeavingWaitsForNothing: the person leaves while the camera still owes three
// pictures. The page is there at once and says so, all three are kept, and then the
// camera is given back.
func TestCameraLeavingWaitsForNothing(t *testing.T) {
	t.Parallel()
	f := cameraField(t, true)
	b := f.b
	visit := f.toC03()
	b.camera("C03")
	b.eval(`window.__gate = new Promise(open => { window.__open = open; }); 0`, nil)
	for range 3 {
		b.run(chromedp.Click(`[data-camera=shutter]`))
	}
	b.click(`[data-camera=leave]`)
	b.wait("the page is there", `document.querySelector('dialog') === null`)
	b.sees("Đang lưu nốt 3 ảnh")
	b.eval(`window.__open(); 0`, nil)
	b.sees("Đã lưu 3 ảnh trên máy")
	b.dark()
	b.sent()
	if files := b.declared(visit); len(files) != 3 {
		t.Errorf("%+v", files)
	}

	// The way back and signing out give the camera back too.
	b.camera("C03")
	b.eval(`history.back()`, nil)
	b.dark()
	b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/C"))
	b.camera("C03")
	b.eval(`document.querySelectorAll('dialog').forEach(d => d.remove()); 0`, nil)
	b.dark()
}

// TestCameraRefused: a person who does not let the page have the camera is told so, and
// takes photos with the device's own.
func TestCameraRefused(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := cameraField(t, false)
	b := f.b
	visit := f.toC03()
	b.click(`[data-shoot="C03"]`)
	b.sees("Trình duyệt chưa được phép dùng máy ảnh")
	b.sees("Máy ảnh của thiết bị")
	b.fitted(800, 1280)
	b.fitted(360, 740)
	b.axe()
	b.picture("refused-phone")
	b.run(emulation.SetDeviceMetricsOverride(tablet[0], tablet[1], 1, false))
	b.picture("refused")
	b.files(`[data-camera=own]`, s.photos["before"], s.photos["board"])
	b.sees("đã lưu 2")
	b.click(`[data-camera=leave]`)
	b.wait("both on the item", `document.querySelectorAll('[data-item="C03"] .shot').length === 2`)
	b.sent()
	if files := b.declared(visit); len(files) != 2 || files[0].State != "RECEIVED" {
		t.Errorf("%+v", files)
	}

	// A browser without the means shows the device's own camera at once.
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`delete window.ImageCapture`).Do(ctx)
		return err
	}))
	b.app()
	b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/C"))
	b.wait("the device's own camera", `document.querySelector('[data-item="C03"] input[capture=environment]') !== null && document.querySelector('[data-shoot]') === null`)
	b.files(`[data-item="C03"] input[capture=environment]`, s.photos["after"])
	b.wait("a third", `document.querySelectorAll('[data-item="C03"] .shot').length === 3`)
}

// TestCameraGhost: an earlier photo of the item lies over the live view as strongly as
// the person wants, at once where a photo after the remedy is taken; and where nobody may
// be in a photo, none is kept before the person has said so.
func TestCameraGhost(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := cameraField(t, true)
	b := f.b
	visit := f.toC03()
	b.files(`input[data-photo="C03"]`, s.photos["before"])
	b.wait("the photo", `document.querySelectorAll('[data-item="C03"] .shot').length === 1`)
	b.camera("C03")
	const over = `(() => { const g = document.querySelector('.camera-ghost'), r = g.getBoundingClientRect(), v = document.querySelector('dialog.camera video').getBoundingClientRect();
		return g.checkVisibility() && g.complete && g.naturalWidth > 0 && r.width === v.width && r.top === v.top ? getComputedStyle(g).opacity : ''; })()`
	var now string
	if b.eval(over, &now); now != "" {
		t.Errorf("the ghost shows without being asked for: %s", now)
	}
	b.click(`[data-camera=ghost]`)
	b.wait("the ghost", over+` === '0.4'`)
	b.picture("ghost")
	b.axe()
	b.fitted(800, 1280)
	b.fitted(360, 740)
	b.picture("ghost-phone")
	b.run(emulation.SetDeviceMetricsOverride(tablet[0], tablet[1], 1, false))
	b.fill(`[data-camera=share]`, "80")
	b.wait("stronger", over+` === '0.8'`)
	b.fill(`[data-camera=share]`, "0")
	b.wait("gone", over+` === '0'`)
	b.click(`[data-camera=hand]`)
	b.wait("the shutter on the left", `(() => { const r = document.querySelector('[data-camera=shutter]').getBoundingClientRect(); return r.left + r.width / 2 < innerWidth / 2; })()`)
	b.click(`[data-camera=leave]`)
	b.dark()

	b.fill(`[data-item="C03"] [data-count=of]`, "10")
	b.fill(`[data-item="C03"] [data-count=failing]`, "2")
	b.click(`[data-fixed="C03"]`)
	b.camera("C03-after")
	b.wait("the ghost at once", over+` === '0.4'`)
	b.wait("the hand is remembered", `document.querySelector('dialog.camera').classList.contains('left')`)
	b.click(`[data-camera=shutter]`)
	b.sees("đã lưu 1")
	b.click(`[data-camera=leave]`)
	b.dark()

	b.click(`[data-key="rail-A"]`)
	b.wait("section A", `document.querySelector('[data-shoot=A07]') !== null`)
	b.camera("A07")
	b.click(`[data-camera=shutter]`)
	b.click(`[data-camera=shutter]`)
	b.sees("chờ xác nhận 2")
	b.picture("nobody")
	b.axe()
	b.click(`[data-camera=look]`)
	b.press("Không có ai, lưu ảnh")
	b.sees("đã lưu 1")
	b.press("Có người, bỏ ảnh")
	b.click(`[data-camera=leave]`)
	b.dark()
	b.sent()
	var payloads []json.RawMessage
	until(t, "three photos at the server", func() bool {
		b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json()).then(v => v.operations.filter(o => o.type === 'photo').map(o => ({ item: o.payload.item, after: !!o.payload.after, no_people: !!o.payload.no_people })))`, &payloads)
		return len(payloads) >= 3
	})
	want := []string{`{"after":false,"item":"C03","no_people":false}`, `{"after":true,"item":"C03","no_people":false}`, `{"after":false,"item":"A07","no_people":true}`}
	var got []string
	for _, p := range payloads {
		var v map[string]any
		_ = json.Unmarshal(p, &v)
		canonical, _ := json.Marshal(v)
		got = append(got, string(canonical))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// TestCameraWhatCouldNotBeKept: the disk is full. The photo stays in the camera, says so,
// and is kept when there is room again, before or after the person has left. While the
// page is hidden the camera is given back.
func TestCameraWhatCouldNotBeKept(t *testing.T) {
	t.Parallel()
	f := cameraField(t, true)
	b := f.b
	visit := f.toC03()
	b.eval(`{ const put = IDBObjectStore.prototype.put; IDBObjectStore.prototype.put = function (...a) { if (window.__full && this.name === 'bytes') throw new DOMException('no room', 'QuotaExceededError'); return put.apply(this, a); }; window.__full = true; 0 }`, nil)
	b.camera("C03")
	b.click(`[data-camera=shutter]`)
	b.sees("1 ảnh chưa lưu được")
	b.picture("not-kept")
	b.axe()
	b.eval(`window.__full = false; 0`, nil)
	b.click(`[data-camera=again]`)
	b.sees("đã lưu 1")

	b.eval(`Object.defineProperty(document, 'hidden', { get: () => window.__hidden, configurable: true }); window.__hidden = true; document.dispatchEvent(new Event('visibilitychange')); 0`, nil)
	b.wait("given back", `window.__tracks.every(t => t.readyState === 'ended') && document.querySelector('[data-camera=shutter]').disabled`)
	b.eval(`window.__hidden = false; document.dispatchEvent(new Event('visibilitychange')); 0`, nil)
	b.wait("live again", `document.querySelector('[data-camera=shutter]').disabled === false`)

	b.eval(`window.__full = true; 0`, nil)
	b.click(`[data-camera=shutter]`)
	b.sees("1 ảnh chưa lưu được")
	b.click(`[data-camera=leave]`)
	b.sees("nếu đóng trang, các ảnh này sẽ mất")
	b.eval(`window.__full = false; 0`, nil)
	b.press("Lưu lại")
	b.wait("both", `document.querySelectorAll('[data-item="C03"] .shot').length === 2`)
	b.dark()
	b.sent()
	if files := b.declared(visit); len(files) != 2 {
		t.Errorf("%+v", files)
	}
}
