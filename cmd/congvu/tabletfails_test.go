package main

import (
	"context"
	"fmt"
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
