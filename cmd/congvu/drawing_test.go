package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// drag moves a finger over what a CSS selector names, from one place to another, in
// shares of its width and height.
func (b *browser) drag(selector string, x, y, x2, y2 float64) {
	b.t.Helper()
	var r struct{ Left, Top, Width, Height float64 }
	b.eval(fmt.Sprintf(`(r => ({Left: r.left, Top: r.top, Width: r.width, Height: r.height}))(document.querySelector(%s).getBoundingClientRect())`, quote(selector)), &r)
	at := func(x, y float64) (float64, float64) { return r.Left + x*r.Width, r.Top + y*r.Height }
	press := func(kind input.MouseType, x, y float64) chromedp.Action {
		px, py := at(x, y)
		return input.DispatchMouseEvent(kind, px, py).WithButton(input.Left).WithClickCount(1)
	}
	b.run(press(input.MousePressed, x, y), press(input.MouseMoved, (x+x2)/2, (y+y2)/2), press(input.MouseMoved, x2, y2), press(input.MouseReleased, x2, y2))
}

// look opens the first photo of C03 over the whole screen, at the size of the screen and
// at double that, with its state in words, and closes it by Back or by its button.
func (b *browser) look(state string, back bool) {
	b.t.Helper()
	b.large(".shot button")
	b.click(`[data-item="C03"] .look`)
	b.wait("the large picture", `(d => d?.open && d.querySelector('img').naturalWidth > 600 && !d.querySelector('[data-look=double]').disabled && d.getBoundingClientRect().height >= innerHeight)(document.querySelector('dialog.looking'))`)
	b.wait(state, fmt.Sprintf(`document.querySelector('.looking-foot').innerText.includes(%s) && /chụp lúc \d\d\//.test(document.querySelector('.looking-foot').innerText)`, quote(state)))
	b.picture("look")
	b.large("dialog.looking button")
	b.anywhere()
	b.click(".looking-view img")
	b.wait("double size", `(v => v.scrollWidth > v.clientWidth * 1.5)(document.querySelector('.looking-view'))`)
	b.picture("look-double")
	b.click("[data-look=double]")
	b.wait("fitted", `(v => v.scrollWidth <= v.clientWidth)(document.querySelector('.looking-view'))`)
	if back {
		b.eval(`history.back()`, nil)
	} else {
		b.click("[data-look=close]")
	}
	b.wait("closed", `document.querySelector('dialog.looking') === null && document.activeElement.classList.contains('look') && location.hash.endsWith('/C')`)
}

// TestADrawingIsAPictureOfItsOwn: arrow, ring and words on a photograph, without a
// network. The photograph arrives as it was taken; the drawing stands beside it, names
// it, and does not count as a photograph.
func TestADrawingIsAPictureOfItsOwn(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	raw, err := os.ReadFile(s.photos["board"])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	f := newField(t, nil)
	visit := f.toC03()
	b := f.b
	f.away()
	b.files(`input[data-photo="C03"]`, s.photos["board"])
	b.wait("the photo", `document.querySelectorAll('[data-item="C03"] .shot img[src^="blob:"]').length === 1`)
	b.look("Chờ gửi", true)
	b.press("Đánh dấu")
	b.wait("the picture", `document.querySelector('dialog.drawing canvas')?.width > 300 && document.querySelector('[data-draw=keep]').disabled`)
	b.drag("dialog.drawing canvas", 0.1, 0.1, 0.4, 0.4)
	b.click("[data-draw=ring]")
	b.drag("dialog.drawing canvas", 0.5, 0.5, 0.9, 0.8)
	b.click("[data-draw=text]")
	b.drag("dialog.drawing canvas", 0.2, 0.7, 0.2, 0.7)
	b.fill("#drawing-words", "Bảng phí đã hết hiệu lực")
	b.click("[data-draw=words]")
	b.wait("words on it", `document.querySelector('[data-draw=undo]')?.disabled === false`)
	b.picture("drawing")
	b.axe()
	red := func() (n int) {
		b.eval(`(c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 190 && d[i+1] < 30 && d[i+2] < 50) n++; return n; })(document.querySelector('dialog.drawing canvas'))`, &n)
		return n
	}
	all := red()
	b.click("[data-draw=undo]")
	two := red()
	b.click("[data-draw=undo]")
	one := red()
	if !(all > two && two > one && one > 0) {
		t.Errorf("red points: %d with three marks, %d with two, %d with one", all, two, one)
	}
	b.click("[data-draw=leave]")
	b.sees("chưa lưu")
	b.click("[data-draw=ring]")
	b.drag("dialog.drawing canvas", 0.5, 0.5, 0.9, 0.8)
	b.click("[data-draw=keep]")
	b.wait("beside it", `document.querySelector('dialog.drawing') === null && document.querySelectorAll('[data-item="C03"] .shot').length === 2`)
	b.sees("Bản đánh dấu")
	b.picture("drawn")
	b.anywhere()
	f.back()
	b.run(chromedp.Evaluate(`dispatchEvent(new Event('online')); 0`, nil))
	b.sent()
	var files []struct {
		File, Of, SHA256, State string
	}
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json()).then(v => v.operations.filter(o => o.type === 'declare').map(o => ({ File: o.payload.file, Of: o.payload.of ?? '', SHA256: o.payload.sha256, State: v.files[o.payload.file] })))`, &files)
	if len(files) != 2 || files[0].Of != "" || files[0].SHA256 != hex.EncodeToString(sum[:]) || files[1].Of != files[0].File || files[1].State != "RECEIVED" || files[0].State != "RECEIVED" {
		t.Errorf("%+v", files)
	}
	b.run(chromedp.Navigate(b.base + "/visits/" + visit + "/photos"))
	b.sees("Bản đánh dấu, vẽ trên ảnh gốc")
	b.anywhere()
	b.picture("office")
	b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/C"))
	b.wait("both are back", `document.querySelectorAll('[data-item="C03"] .shot').length === 2`)
	b.look("An toàn", false)
	b.eval(`window.__fetch = fetch; window.fetch = () => Promise.reject(new TypeError('away')); 0`, nil)
	b.click(`[data-item="C03"] .look`)
	b.sees("bản lớn xem được khi có mạng")
	b.picture("look-away")
	b.click("[data-look=close]")
	b.eval(`window.fetch = window.__fetch; 0`, nil)
	b.wait("closed", `document.querySelector('dialog.looking') === null`)
	// The original goes, and its drawing with it.
	b.click(fmt.Sprintf(`[data-key="off-%s"]`, files[0].File))
	b.fill("#off-reason", "Ảnh mờ")
	b.click("dialog .primary")
	b.wait("both are off", `document.querySelectorAll('[data-item="C03"] .shot').length === 0`)
	b.sent()
}

// TestAClockSetBackWhileTheAppRunsIsNotBelieved: between two acts the tablet's clock goes
// back by three hours, without a network. Both times are sent; what counts is the time
// that really passed, and the page of the check names the device.
func TestAClockSetBackWhileTheAppRunsIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`
			const real = Date; window.__off = 0;
			globalThis.Date = class extends real { constructor(...a) { if (a.length) super(...a); else super(real.now() + window.__off); } static now() { return real.now() + window.__off; } };
		`).Do(ctx)
		return err
	}))
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.sent()
	f.away()
	b.click(`[data-item="A04"] [data-value=YES]`)
	b.holds("ops", 1)
	b.eval(`window.__off = -3 * 3600e3; 0`, nil)
	b.click(`[data-item="A04"] [data-value=NO]`)
	b.holds("ops", 2)
	f.back()
	b.eval(`dispatchEvent(new Event('online')); 0`, nil)
	b.sent()
	var ops []struct {
		Type string
		At   time.Time `json:"at"`
	}
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json()).then(v => v.operations)`, &ops)
	if len(ops) != 3 {
		t.Fatalf("%+v", ops)
	}
	if between := ops[2].At.Sub(ops[1].At); between < 0 || between > 2*time.Minute {
		t.Errorf("%s passed between two taps", between)
	}
	var value string
	b.eval(`document.querySelector('[data-item="A04"] [aria-pressed=true]').dataset.value`, &value)
	if value != "NO" {
		t.Errorf("%s stands", value)
	}
	b.run(chromedp.Navigate(b.base + "/visits/" + visit))
	b.sees("giờ bị chỉnh lùi giữa hai thao tác")
	b.picture("clock")
}
