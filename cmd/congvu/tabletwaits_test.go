package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// begins gives the id of the one check that a person has under way.
func (b *browser) begins() (visit string) {
	b.t.Helper()
	b.awaited(`new Promise(done => { const look = async () => { const { visits } = await (await fetch('/api/v1/today')).json(); visits.length ? done(visits[0].id) : setTimeout(look, 50); }; look(); })`, &visit)
	return visit
}

// TestWhoGoesOnWhileTheServerThinksIsNotBroughtBack: a check is begun, and later ended at
// the door, and the server takes its time. The person looks at another page meanwhile, and
// stays there when the answer comes.
func TestWhoGoesOnWhileTheServerThinksIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__hold = null; window.__held = 0;
		const real = window.fetch;
		window.fetch = async (...a) => {
			const answer = await real(...a);
			if (window.__hold && a[0] === '/api/v1/operations') { window.__held++; await window.__hold; }
			if (window.__taken && /^\/api\/v1\/visits\/[0-9a-f-]{36}$/.test(a[0])) {
				const json = await answer.json(), taken = window.__taken;
				answer.json = async () => { setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(taken))); return json; };
			}
			return answer;
		};`)
	hold := func() { b.eval(`window.__held = 0; window.__hold = new Promise(go => { window.__go = go; }); 0`, nil) }
	stays := func(when string) {
		b.wait("on its way", `window.__held > 0`)
		b.eval(`location.hash = '#/device'; 0`, nil)
		b.wait("the page of the device", `document.querySelector('[data-key=hand-left]') !== null`)
		var at string
		b.awaited(`new Promise(done => { window.__taken = () => done(location.hash); window.__hold = null; window.__go(); })`, &at)
		if at != "#/device" {
			t.Errorf("%s: brought to %s", when, at)
		}
		b.eval(`window.__taken = null; 0`, nil)
		b.sent()
	}
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.holds("handovers", 1)
	hold()
	b.pressIn(deskHere, "button")
	b.press("Đã xuất trình, bắt đầu")
	stays("begun")

	b.eval(fmt.Sprintf(`location.hash = '#/cannot/%s'; 0`, b.begins()), nil)
	b.files(`input[data-photo=door]`, s.photos["board"])
	b.wait("the photo is safe", `document.querySelector('.shot .good') !== null`)
	b.fill("#c-witness", "Bảo vệ toà nhà")
	b.sent()
	hold()
	b.click("[data-key=end]")
	b.click("dialog .primary")
	stays("ended at the door")
}

// TestAServerThatDoesNotAnswerHoldsNobodyUp: a copy of the server takes acts and says
// nothing any more. A check is begun and finished all the same: what the person said stands
// on the tablet at once, once, and the page goes on.
func TestAServerThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__dumb = false;
		const real = window.fetch;
		window.fetch = async (...a) => {
			if (window.__dumb && a[0] === '/api/v1/operations') return new Promise(() => {});
			const answer = await real(...a);
			if (/\/handover$/.test(a[0])) { // a short checklist
				const json = await answer.json();
				answer.json = async () => ({ ...json, items: [] });
			}
			return answer;
		};`)
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
	b.holds("handovers", 1)
	b.eval(`window.__dumb = true; 0`, nil)
	visit := b.checkIn()
	b.click("[data-key=finish]")
	b.click("dialog .primary")
	b.holds("ops", 2)
	b.wait("the minutes", `location.hash.startsWith('#/minutes/') && document.querySelector('#m-opinion') !== null`)
	b.eval(fmt.Sprintf(`location.hash = '#/visit/%s'; 0`, visit), nil)
	b.click("[data-key=finish]")
	b.wait("the minutes, or asked again", `location.hash.startsWith('#/minutes/') || document.querySelector('dialog') !== null`)
	var asked bool
	if b.eval(`document.querySelector('dialog') !== null`, &asked); asked {
		t.Error("asked again whether to finish what was finished")
	}
}

// TestWhatCouldNotBeKeptIsTriedAgain: the tablet is full at the moment in which a check is
// ended, and has room again. The button is free.
func TestWhatCouldNotBeKeptIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__full = false;
		const put = IDBObjectStore.prototype.put;
		IDBObjectStore.prototype.put = function (value, ...key) {
			if (window.__full && this.name === 'ops') throw new DOMException('full', 'QuotaExceededError');
			return put.call(this, value, ...key);
		};`)
	visit := f.toC03()
	b.eval(fmt.Sprintf(`location.hash = '#/cannot/%s'; 0`, visit), nil)
	b.files(`input[data-photo=door]`, s.photos["board"])
	b.wait("the photo is safe", `document.querySelector('.shot .good') !== null`)
	b.fill("#c-witness", "Bảo vệ toà nhà")
	b.eval(`window.__full = true; 0`, nil)
	b.click("[data-key=end]")
	b.click("dialog .primary")
	b.wait("told", `document.querySelector('[data-trouble=not-kept]') !== null`)
	b.eval(`window.__full = false; 0`, nil)
	b.click("[data-key=end]")
	b.click("dialog .primary")
	b.wait("the minutes", `location.hash.startsWith('#/minutes/')`)
	b.sent()
}

// TestACheckBegunWhileTheTabletFetchesAheadStays: what the day needs is still being fetched
// on a slow line, by a list that does not know of the check that is begun meanwhile. The
// check is on the tablet when it is opened without a network.
func TestACheckBegunWhileTheTabletFetchesAheadStays(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__slow = new Promise(go => { window.__go = go; }); window.__first = true; window.__lists = 0;
		const real = window.fetch;
		window.fetch = async (...a) => {
			const answer = await real(...a);
			if (window.__first && /\/handover$/.test(a[0])) { window.__first = false; await window.__slow; }
			return answer;
		};
		const all = IDBIndex.prototype.getAll;
		IDBIndex.prototype.getAll = function (...a) {
			if (this.objectStore.name === 'handovers') window.__lists++;
			return all.apply(this, a);
		};`)
	b.app()
	b.enter("truongdoan", demoPassword)
	b.wait("it fetches", `!window.__first`)
	b.checkIn()
	b.installed()
	b.sent()
	b.eval(`window.__lists = 0; window.__go(); 0`, nil)
	b.wait("all is fetched", `window.__lists >= 2`)
	f.away()
	b.app()
	b.enter("truongdoan", demoPassword)
	b.wait("the list", `document.querySelector('#planned') !== null`)
	b.click(`a[href^="#/visit/"]`)
	b.wait("the check", `document.querySelector('.rail') !== null`)
}

// TestTheServersWordSurvivesTheNetwork: the server takes an act in behind what somebody
// else did, and the network goes before the tablet has learned of that. The act stands on
// the page, and on the tablet, until it has its place.
func TestTheServersWordSurvivesTheNetwork(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__cut = ''; window.__posted = 0;
		const real = window.__real = window.fetch;
		window.fetch = async (...a) => {
			if (window.__cut === 'all' || (window.__cut && String(a[0]).includes('/operations?'))) throw new TypeError('gone');
			const answer = await real(...a);
			if (window.__cut && a[0] === '/api/v1/operations') { window.__cut = 'all'; window.__posted++; }
			return answer;
		};`)
	visit := f.toC03()
	var status string
	b.eval(`window.__cut = 'news'; 0`, nil)
	b.awaited(fmt.Sprintf(`window.__real('/api/v1/operations', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({operations: [{id: '0199f000-0000-7000-8000-00000000e15e', visit: %q,
		device: '0199f000-0000-7000-8000-00000000d0d0', device_at: new Date().toISOString(), elapsed_ms: 1, boot: '0199f000-0000-7000-8000-00000000b007', seq: 1, base: '', type: 'note', payload: {item: 'C01', text: 'Người khác'}}]})}).then(r => r.json()).then(a => JSON.stringify(a.outcomes))`, visit), &status)
	b.click(`[data-item=C04] [data-value=NO]`)
	b.wait("taken in", `window.__posted === 1`)
	b.wait("offline", `document.querySelector('.sync').innerText.includes('Mất mạng')`)
	b.click(`[data-item=C05] .choice`)
	b.wait("answered", `document.querySelector('[data-item=C05] .choice').getAttribute('aria-pressed') === 'true'`)
	var stands string
	b.eval(`document.querySelector('[data-item=C04] [data-value=NO]').getAttribute('aria-pressed')`, &stands)
	if stands != "true" {
		t.Errorf("an answer that the server has went from the page (%s)", status)
	}
	b.eval(`window.__cut = ''; dispatchEvent(new Event('online')); 0`, nil)
	b.sent()
	n := 0
	for _, op := range b.operations(visit).Operations {
		if op.Type == "answer" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d answers arrived", n)
	}
}

// TestARefusalFromBeforeTheSignInIsNotTheLastWord: the session has run out, and a request
// that was sent without one is answered only when the person has signed in again. What
// waits goes by itself.
func TestARefusalFromBeforeTheSignInIsNotTheLastWord(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__slow = null; window.__held = 0;
		const real = window.__real = window.fetch;
		window.fetch = async (...a) => {
			if (String(a[0]).includes('/operations?')) return new Promise(() => {}); // nothing else asks who is there
			const answer = await real(...a);
			if (window.__slow && a[0] === '/api/v1/session' && a[1].method === 'GET') { window.__held++; await window.__slow; }
			return answer;
		};`)
	f.toC03()
	b.awaited(`window.__real('/api/v1/session', {method: 'DELETE'}).then(r => r.status)`, nil)
	b.click(`[data-item=C04] [data-value=NO]`)
	b.wait("asked", `document.querySelector('dialog.sign-in') !== null`)
	b.press("Để sau")
	b.wait("signed out", `document.querySelector('[data-key=sign-in]') !== null`)
	b.eval(`location.hash = '#/device'; 0`, nil)
	b.wait("the page of the device", `document.querySelector('[data-key=hand-left]') !== null`)
	b.eval(`window.__slow = new Promise(go => { window.__go = go; }); document.dispatchEvent(new Event('visibilitychange')); 0`, nil)
	b.wait("on its way", `window.__held > 0`)
	b.click(`[data-key=sign-in]`)
	b.fill("#in-word", demoPassword)
	b.click(".sign-in-form button[type=submit]")
	b.wait("signed in", `document.querySelector('dialog.sign-in') === null`)
	b.eval(`window.__slow = null; window.__go(); 0`, nil)
	b.sent()
}

// TestAVersionThatAnotherTabTookIsLoaded: two tabs start while a new version stands by, and
// the other one is first. This one goes on too.
func TestAVersionThatAnotherTabTookIsLoaded(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		const real = ServiceWorkerContainer.prototype.getRegistration;
		ServiceWorkerContainer.prototype.getRegistration = async function (...a) {
			if (sessionStorage.getItem('loaded') !== null) return real.apply(this, a);
			sessionStorage.setItem('loaded', '1');
			return { waiting: { state: 'installed', postMessage(word, ports) {
				if (word !== 'may') return;
				this.state = 'activated';
				navigator.serviceWorker.dispatchEvent(new Event('controllerchange'));
				ports[0].postMessage(true);
			} } };
		};`)
	b.app()
	b.enter("truongdoan", demoPassword)
	b.sees(deskHere)
}

// TestWhatAClosedTabLeftIsSent: the app stands open twice. What was done without a network
// in the tab that is closed then is sent by the one that stays.
func TestWhatAClosedTabLeftIsSent(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	visit := f.toC03()
	ctx, cancel := chromedp.NewContext(b.ctx)
	defer cancel()
	run := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatal(what, err)
		}
	}
	limit, stop := context.WithTimeout(ctx, patience)
	defer stop()
	ctx = limit
	run("the other tab", chromedp.Navigate(b.base+"/tablet/#/visit/"+visit+"/C"), chromedp.WaitVisible(`[data-item=C04] [data-value=NO]`))
	f.away()
	run("the act", chromedp.Click(`[data-item=C04] [data-value=NO]`), chromedp.WaitVisible(`[data-item=C04] [data-value=NO][aria-pressed=true]`))
	b.holds("ops", 1)
	run("closed", chromedp.Evaluate(`location.href = 'about:blank'`, nil))
	f.inReach(b)
	b.awaited(fmt.Sprintf(`new Promise(done => { const look = async () => (await (await fetch('/api/v1/visits/%s/operations?after=0').catch(() => null))?.json())?.operations.some(o => o.type === 'answer') ? done(0) : setTimeout(look, 100); look(); })`, visit), nil)
	b.sent()
}

// TestANewVersionWaitsForThePhotoThatIsBeingKept: a new version is taken while a photo is
// on its way to the tablet's disk. The page loads again when the photo is there.
func TestANewVersionWaitsForThePhotoThatIsBeingKept(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		const tell = () => navigator.serviceWorker.dispatchEvent(new Event('controllerchange'));
		Object.defineProperty(ServiceWorkerContainer.prototype, 'controller', { get: () => ({}) });
		ServiceWorkerContainer.prototype.register = async () => ({ addEventListener() {}, update: async () => {}, waiting: { state: 'installed', postMessage(word, ports) {
			if (word === 'may') ports[0].postMessage(true);
			else tell();
		} } });
		window.__slow = null; window.__held = false;
		const digest = SubtleCrypto.prototype.digest;
		SubtleCrypto.prototype.digest = async function (how, bytes) {
			if (window.__slow && bytes.byteLength > 10000) { window.__held = true; await window.__slow; }
			return digest.call(this, how, bytes);
		};`)
	b.app()
	b.enter("truongdoan", demoPassword)
	b.checkIn()
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('#note-C03') !== null`)
	b.sent()
	b.eval(`window.__before = true; window.__slow = new Promise(go => { window.__go = go; }); 0`, nil)
	b.files(`input[data-photo="C03"]`, s.photos["board"])
	b.wait("it is being kept", `window.__held`)
	b.click("[data-key=take]")
	b.eval(`window.__go?.(); 0`, nil)
	b.wait("loaded again", `!window.__before && document.querySelector('[data-item="C03"]') !== null`)
	b.wait("the photo", `document.querySelector('[data-item="C03"] .shot') !== null`)
	b.sent()
}

// TestAPhotoThatIsGoneHoldsNothingUp: a check was finished without a network, and the bytes
// of one of its photos are gone when the network is back. The photo is told, and the rest
// goes by itself.
func TestAPhotoThatIsGoneHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__posted = [];
		const real = window.fetch;
		window.fetch = async (...a) => {
			if (sessionStorage.getItem('cut') && String(a[0]).startsWith('/api/')) throw new TypeError('gone');
			if (a[0] === '/api/v1/operations') window.__posted.push(...JSON.parse(a[1].body).operations.map(o => o.type));
			const answer = await real(...a);
			if (/\/handover$|\/visits\/[0-9a-f-]{36}$/.test(a[0])) { // a short checklist
				const json = await answer.json();
				answer.json = async () => ({ ...json, items: [] });
			}
			return answer;
		};`)
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.installed()
	b.sent()
	b.eval(fmt.Sprintf(`sessionStorage.setItem('cut', '1'); location.hash = '#/cannot/%s'; 0`, visit), nil)
	b.files(`input[data-photo=door]`, s.photos["board"])
	b.wait("the photo", `document.querySelector('.shot img') !== null`)
	b.eval(fmt.Sprintf(`location.hash = '#/visit/%s'; 0`, visit), nil)
	b.click("[data-key=finish]")
	b.click("dialog .primary")
	b.wait("the minutes", `location.hash.startsWith('#/minutes/')`)
	b.awaited(`new Promise(done => { const q = indexedDB.open('congvu'); q.onsuccess = () => { const tx = q.result.transaction('bytes', 'readwrite'); tx.objectStore('bytes').clear(); tx.oncomplete = () => { q.result.close(); done(0); }; }; })`, nil)
	b.app()
	b.enter("truongdoan", demoPassword)
	b.wait("open", `document.querySelector('.app-top') !== null`)
	b.eval(`sessionStorage.removeItem('cut'); dispatchEvent(new Event('online')); 0`, nil)
	b.wait("the photo is told", `document.querySelector('[data-key=refused]') !== null`)
	b.wait("it is finished", `window.__posted.includes('finish')`)
}

// TestNothingIsDoneInAnothersName: somebody else signs in on the same tablet, on a page of
// the office, just when the app has made sure who is there.
func TestNothingIsDoneInAnothersName(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	b := f.b
	b.scripted(`
		window.__swap = false;
		const real = window.__real = window.fetch;
		window.fetch = async (...a) => {
			if (String(a[0]).includes('/operations?')) return new Promise(() => {});
			if (window.__swap && a[0] === '/api/v1/operations') {
				window.__swap = false;
				const r = await real('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({username: 'thanhvien', password: ` + "`" + demoPassword + "`" + `, device: '0199f000-0000-7000-8000-00000000d0d0'})});
				window.__swapped = r.status;
			}
			return real(...a);
		};`)
	visit := f.toC03()
	b.eval(`window.__swap = true; 0`, nil)
	b.click(`[data-item=C04] [data-value=NO]`)
	b.wait("somebody else", `window.__swapped !== undefined`)
	b.wait("asked who is there, or sent", `document.querySelector('dialog.sign-in') !== null || document.querySelector('.sync').classList.contains('good')`)
	var asked bool
	if b.eval(`document.querySelector('dialog.sign-in') !== null`, &asked); asked {
		b.fill("#in-word", demoPassword)
		b.click(".sign-in-form button[type=submit]")
	}
	b.sent()
	ops := b.operations(visit).Operations
	if len(ops) != 2 {
		t.Errorf("%d acts arrived", len(ops))
	}
	for _, op := range ops {
		if op.Author != ops[0].Author {
			t.Errorf("%s by %s", op.Type, op.Author)
		}
	}
}
