package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// scripted runs a script in every page that the browser opens from now on, before the
// page's own.
func (b *browser) scripted(script string) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// TestR1WhatFailsHoldsNothingElse: small pictures that the server cannot take, another
// program's page in the place of every answer, acts on which the server fails. Photographs
// and the other acts arrive all the same, nothing is called refused, and what failed goes
// when it can.
func TestR1WhatFailsHoldsNothingElse(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		const real = window.fetch.bind(window);
		window.__portal = false; window.__small = 0; window.__poison = '';
		window.fetch = async (url, init) => {
			if (String(url).endsWith('/sketch')) { window.__small++; return new Response('{}', { status: 503, headers: { 'X-Request-Id': 'x' } }); }
			if (window.__portal && String(url).startsWith('/api/')) return new Response('<h1>Wi-Fi</h1>', { status: 404 });
			if (window.__poison && init?.body && String(init.body).includes(window.__poison)) return new Response('{}', { status: 500, headers: { 'X-Request-Id': 'x' } });
			return real(url, init);
		};`)
	visit := f.toC03()
	b.files(`input[data-photo="C03"]`, s.photos["board"])
	b.wait("safe without a small picture", `window.__small > 0 && document.querySelector('[data-item="C03"] .shot .good') !== null`)

	b.eval(`window.__portal = true; 0`, nil)
	b.fill("#note-C03", "Trong lúc mạng chặn.")
	b.files(`input[data-photo="C04"]`, s.photos["board"])
	b.wait("the app takes it for no network", `document.querySelector('.sync').innerText.includes('Mất mạng') && document.querySelectorAll('[data-item="C04"] .shot').length === 1`)
	var refused bool
	if b.eval(`document.querySelector('[data-key=refused]') !== null || document.querySelector('.shot .late') !== null`, &refused); refused {
		t.Error("another program's page was taken for a refusal")
	}
	b.eval(`window.__portal = false; dispatchEvent(new Event('online')); 0`, nil)
	b.sent()

	// An act on which the server fails holds its check, not the photographs.
	b.eval(`window.__poison = 'độc'; 0`, nil)
	b.files(`input[data-photo="C05"]`, s.photos["board"])
	b.wait("the photo is declared", `document.querySelectorAll('[data-item="C05"] .shot').length === 1`)
	b.fill("#note-C04", "Ghi chú độc.")
	b.wait("the photo is safe", `document.querySelector('[data-item="C05"] .shot .good') !== null`)
	b.eval(`window.__poison = ''; dispatchEvent(new Event('online')); 0`, nil)
	b.sent()
	notes := map[string]string{}
	for _, op := range b.operations(visit).Operations {
		if op.Type == "note" {
			notes[op.Payload.Item] = op.Payload.Text
		}
	}
	if notes["C03"] != "Trong lúc mạng chặn." || notes["C04"] != "Ghi chú độc." {
		t.Errorf("%v", notes)
	}
}

// TestR4SigningOutNeedsNoRoom: a note that was just typed takes the last room of the
// tablet, nothing more can be written down. Signing out ends the session all the same.
func TestR4SigningOutNeedsNoRoom(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__full = false;
		const put = IDBObjectStore.prototype.put;
		IDBObjectStore.prototype.put = function (value, ...key) {
			if (window.__full === 'kept') throw new DOMException('full', 'QuotaExceededError');
			if (window.__full && this.name === 'ops') window.__full = 'kept';
			return put.call(this, value, ...key);
		};`)
	f.toC03()
	b.eval(`window.__full = true; document.querySelector('.menu').open = true; 0`, nil)
	b.run(chromedp.Evaluate(`{ const n = document.querySelector('#note-C03'); n.closest('details')?.setAttribute('open', ''); n.focus(); n.value = 'Vừa gõ xong.'; n.dispatchEvent(new Event('input', {bubbles: true})); n.dispatchEvent(new Event('change', {bubbles: true})); document.querySelector('[data-key=sign-out]').click(); }`, nil))
	b.wait("signed out, or asked", `document.querySelector('.sign-in-form, dialog .primary') !== null`)
	b.eval(`document.querySelector('dialog .primary')?.click(); 0`, nil)
	b.wait("the sign-in", `document.querySelector('.sign-in-form') !== null`)
	var status int
	b.awaited(`fetch('/api/v1/session').then(r => r.status)`, &status)
	if status != 401 {
		t.Errorf("the session answers %d", status)
	}
	b.enter("truongdoan", demoPassword)
	b.sees("Việc hôm nay")
	b.sent()
	b.click(`a[href^="#/visit/"]`)
	b.wait("the check", `document.querySelector('.rail') !== null`)
	b.click(`[data-key="rail-C"]`)
	b.wait("the note is there", fmt.Sprintf(`document.querySelector('#note-C03')?.value === %s`, quote("Vừa gõ xong.")))
}

// TestR4SigningOutOnAnOfficePageClosesTheApp: the tablet app stands open in another tab of
// the same browser.
func TestR4SigningOutOnAnOfficePageClosesTheApp(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	f.toC03()
	ctx, cancel := chromedp.NewContext(b.ctx)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Navigate(b.base+"/account"), chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible("#username")); err != nil {
		t.Fatal(err)
	}
	b.wait("the sign-in", `document.querySelector('.sign-in-form') !== null`)
	if strings.Contains(b.text(), deskHere) {
		t.Error(b.text())
	}
}

// TestThePhotoThatCannotComeIsGivenUpByTheLead: what the server refuses for what it is, and
// what another device declared and will never send. Each is given up with a reason, on the
// tablet and in the office, and the check waits for neither.
func TestThePhotoThatCannotComeIsGivenUpByTheLead(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	visit := f.toC03()
	broken := filepath.Join(t.TempDir(), "hong.jpg")
	if err := os.WriteFile(broken, []byte(strings.Repeat("no picture at all ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.files(`input[data-photo="C03"]`, broken)
	b.wait("refused", `document.querySelector('[data-item="C03"] .shot .late') !== null`)
	b.eval(`location.hash = '#/device'`, nil)
	b.wait("on the page of the device", `document.querySelector('[data-photo-state=failed]') !== null`)
	b.picture("failed")
	b.press("Không chờ ảnh này nữa")
	b.fill("#give-up", "hỏng")
	b.tap(`document.querySelector('dialog .primary')`, "give up")
	b.sees("ít nhất 10 ký tự.")
	b.fill("#give-up", "Tệp hỏng trên thẻ nhớ, không mở được")
	b.picture("giving-up")
	b.tap(`document.querySelector('dialog .primary')`, "give up")
	b.wait("nothing waits here", `document.querySelector('[data-photo-state]') === null`)
	b.holds("files", 0)
	b.holds("bytes", 0)

	const elsewhere = "0199f000-0000-7000-8000-00000000e15e"
	var status int
	b.awaited(fmt.Sprintf(`fetch('/api/v1/files', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({id: %q, visit: %q, bytes: 1000, sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', kind: 'PHOTO'})}).then(r => r.status)`, elsewhere, visit), &status)
	if status/100 != 2 {
		t.Fatal(status)
	}
	b.open("/visits/" + visit + "/photos")
	b.tap(fmt.Sprintf(`document.querySelector('#file-%s summary')`, elsewhere), "give up")
	b.fill("#give-up-"+elsewhere, "Máy tính bảng của thành viên rơi xuống nước")
	b.picture("office-giving-up")
	b.tap(fmt.Sprintf(`document.querySelector('#file-%s form button')`, elsewhere), "give up")
	b.sees("Lý do: Máy tính bảng của thành viên rơi xuống nước")
	b.picture("office-given-up")

	var states map[string]string
	b.awaited(fmt.Sprintf(`fetch('/api/v1/visits/%s/operations?after=0').then(r => r.json()).then(n => n.files)`, visit), &states)
	if len(states) != 2 || states[elsewhere] != "LOST" {
		t.Errorf("%v", states)
	}
	for id, state := range states {
		if state != "LOST" {
			t.Errorf("%s is %s", id, state)
		}
	}
	b.app()
	b.click(`a[href^="#/visit/"]`)
	b.click(`[data-key="rail-C"]`)
	b.wait("it says so where it hung", `document.querySelector('[data-item="C03"] .shot')?.innerText.includes('Không chờ nữa')`)
}

// TestWhatIsTypedIsKeptWhileItIsTyped: a tablet that is killed with the keyboard open has
// the words all the same, once.
func TestWhatIsTypedIsKeptWhileItIsTyped(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	visit := f.toC03()
	notes := func() (n int) {
		for _, op := range b.operations(visit).Operations {
			if op.Type == "note" && op.Payload.Text == "Đang gõ dở" {
				n++
			}
		}
		return n
	}
	b.eval(`{ const n = document.querySelector('#note-C03'); n.closest('details').open = true; n.focus(); n.value = 'Đang gõ dở'; n.dispatchEvent(new Event('input', {bubbles: true})); }`, nil)
	b.awaited(fmt.Sprintf(`new Promise(done => { const look = async () => (await (await fetch('/api/v1/visits/%s/operations?after=0')).json()).operations.some(o => o.type === 'note') ? done(true) : setTimeout(look, 100); look(); })`, visit), nil)
	b.eval(`document.activeElement.dispatchEvent(new Event('change')); document.activeElement.blur(); 0`, nil)
	b.sent()
	if n := notes(); n != 1 {
		t.Errorf("the note was kept %d times", n)
	}
	b.app()
	b.click(`a[href^="#/visit/"]`)
	b.click(`[data-key="rail-C"]`)
	b.wait("the words", `document.querySelector('#note-C03')?.value === 'Đang gõ dở'`)
}

// TestWhoGoesOnIsNotBroughtBack: a page that has to read first is left before it stands;
// it does not come up over the one that was gone on to.
func TestWhoGoesOnIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__late = null;
		const all = IDBIndex.prototype.getAll;
		IDBIndex.prototype.getAll = function (...a) {
			const real = all.apply(this, a);
			if (!window.__late || this.objectStore.name !== 'receipts') return real;
			const tx = this.objectStore.transaction, then = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
			Object.defineProperty(tx, 'oncomplete', { set(f) { then.set.call(tx, () => window.__late.then(f)); } });
			return real;
		};`)
	visit := f.toC03()
	b.eval(`window.__late = new Promise(go => { window.__go = go; }); location.hash = '#/device'; 0`, nil)
	b.wait("it reads", `document.querySelector('.loading') !== null`)
	b.eval(fmt.Sprintf(`location.hash = '#/visit/%s/C'; 0`, visit), nil)
	b.wait("the check", `document.querySelector('.rail') !== null`)
	var stays bool
	b.awaited(`new Promise(done => { window.__go(); const c = indexedDB.open('congvu'); c.onsuccess = () => requestAnimationFrame(() => requestAnimationFrame(() => { c.result.close(); done(document.querySelector('.rail') !== null); })); })`, &stays)
	if !stays {
		t.Errorf("brought back:\n%s", b.text())
	}
}

// TestAnAnswerThatWasOvertakenTakesNothingBack: a tablet has asked for a whole check, and
// the answer is on its way while the person goes on and the server takes in what they do.
// What arrives late does not undo it on the page.
func TestAnAnswerThatWasOvertakenTakesNothingBack(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__late = null;
		const real = window.fetch;
		window.fetch = async (...a) => {
			if (!window.__late || !/^\/api\/v1\/visits\//.test(a[0])) return real(...a);
			if (a[0].includes('/operations')) return new Promise(() => {}); // nothing else tells what was done
			const answer = await real(...a), json = await answer.json();
			window.__asked = true;
			await window.__late;
			answer.json = async () => { setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(window.__taken))); return json; };
			return answer;
		};`)
	visit := f.toC03()
	b.eval(fmt.Sprintf(`window.__late = new Promise(go => { window.__go = go; }); location.hash = '#/minutes/%s'; 0`, visit), nil)
	b.wait("asked", `window.__asked === true`)
	b.eval(fmt.Sprintf(`location.hash = '#/visit/%s/C'; 0`, visit), nil)
	b.click(`[data-item=C04] [data-value=NO]`)
	b.wait("answered", `document.querySelector('[data-item=C04] [data-value=NO]').getAttribute('aria-pressed') === 'true'`)
	b.sent()
	var stays string
	b.awaited(`new Promise(done => { window.__taken = () => done(document.querySelector('[data-item=C04] [data-value=NO]').getAttribute('aria-pressed')); window.__go(); })`, &stays)
	if stays != "true" {
		t.Error("an answer that the server has taken in went from the page when an older one arrived")
	}
}

// TestAPhotoTakenWhileTheLastOneEndsIsSentToo: the tablet has sent its last photo and is
// about to rest when another is taken; nothing else wakes it.
func TestAPhotoTakenWhileTheLastOneEndsIsSentToo(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		const real = navigator.locks.request.bind(navigator.locks);
		navigator.locks.request = async (name, work) => {
			const answer = await real(name, work);
			window.__ended = name;
			await window.__rest;
			return answer;
		};`)
	f.toC03()
	b.eval(`window.__rest = new Promise(go => { window.__go = go; }); 0`, nil)
	b.files(`input[data-photo="C03"]`, s.photos["board"])
	b.wait("the first is safe", `document.querySelector('[data-item="C03"] .shot .good') !== null && (window.__ended ?? '').includes('photos')`)
	b.files(`input[data-photo="C04"]`, s.photos["board"])
	b.wait("the second is declared", `document.querySelectorAll('[data-item="C04"] .shot').length === 1`)
	b.awaited(`new Promise(done => { const look = async () => ((await (await fetch('/api/v1/visits/' + location.hash.split('/')[2] + '/operations?after=0')).json()).operations.filter(o => o.type === 'photo').length === 2) ? done(0) : setTimeout(look, 50); look(); })`, nil)
	b.eval(`window.__go(); 0`, nil)
	b.wait("the second is safe", `document.querySelector('[data-item="C04"] .shot .good') !== null`)
	b.sent()
}
