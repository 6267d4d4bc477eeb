package main

import (
	"fmt"
	"testing"
)

// hand counts what a hand does on the tablet: a tap is one, a photograph three (the
// button, the shutter, the way back), a number one for the field and one for each digit.
type hand struct {
	b    *browser
	taps int
}

func (h *hand) tap(selector string) {
	h.b.t.Helper()
	h.b.click(selector)
	h.taps++
}

func (h *hand) press(text string) {
	h.b.t.Helper()
	h.b.press(text)
	h.taps++
}

func (h *hand) shoot(selector, path string) {
	h.b.t.Helper()
	h.b.files(selector, path)
	h.taps += 3
}

// TestAMedianVisitTakesFewTaps: 45 items of which three fall short, twelve photographs,
// from the list of today to the finish, in at most 120 taps.
func TestAMedianVisitTakesFewTaps(t *testing.T) {
	t.Parallel()
	s := &story{t: t}
	s.draw()
	f := newField(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	b.checkIn()
	h := &hand{b: b, taps: 2}
	h.press("Bắt đầu kiểm đếm")
	h.tap(`[data-key=begin]`)
	h.tap(`[data-key=rest-present]`)
	b.wait("all counted", `document.querySelectorAll('.person').length > 0 && [...document.querySelectorAll('.person')].every(p => p.querySelector('[data-value=present]').getAttribute('aria-pressed') === 'true')`)
	h.press("Xong, về bảng kiểm")
	photos := 0
	shoot := func(item string) {
		t.Helper()
		h.shoot(fmt.Sprintf(`input[data-photo="%s"]`, item), s.photos["board"])
		photos++
		b.wait("the photo of "+item, fmt.Sprintf(`document.querySelectorAll('[data-item="%s"] .shot').length > 0`, item))
	}
	const items = `[...document.querySelectorAll('[data-item]')].map(e => ({Key: e.dataset.item, Photo: [...e.querySelectorAll('.hint')].some(x => x.textContent.includes('Ảnh bắt buộc.')),
		Kind: e.querySelector('[data-value=YES]') ? 'YN' : e.querySelector('[data-value=GOOD]') ? 'RATE3' : e.querySelector('[data-count=of]') ? 'COUNT' : '', Of: e.querySelector('[data-count=of]')?.value ?? ''}))`
	wrong := map[string]bool{"A04": true, "C04": true, "E02": true}
	seen := 0
	for i, section := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		if i > 0 {
			h.tap(fmt.Sprintf(`[data-key="rail-%s"]`, section))
			b.wait("section "+section, fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('%s.')`, section))
		}
		var list []struct {
			Key, Kind, Of string
			Photo         bool
		}
		b.eval(items, &list)
		plain := 0
		for _, it := range list {
			seen++
			at := fmt.Sprintf(`[data-item="%s"] `, it.Key)
			switch {
			case it.Kind == "YN" && wrong[it.Key]:
				h.tap(at + "[data-value=NO]")
				b.wait("short", fmt.Sprintf(`document.querySelector('%s.failure') !== null`, at))
				h.tap(at + ".phrase")
				shoot(it.Key)
			case it.Kind == "YN":
				plain++
			case it.Kind == "RATE3":
				h.tap(at + "[data-value=GOOD]")
			case it.Kind == "COUNT":
				if it.Of == "" {
					b.fill(at+"[data-count=of]", "10")
					h.taps += 3
				}
				h.tap(at + "[data-value=CLEAN]")
			}
			if it.Photo && !wrong[it.Key] {
				shoot(it.Key)
			}
		}
		switch {
		case plain > 1:
			h.tap(`[data-key="rest"]`)
			h.tap(`dialog .primary`)
		case plain == 1:
			for _, it := range list {
				if it.Kind == "YN" && !wrong[it.Key] {
					h.tap(fmt.Sprintf(`[data-item="%s"] [data-value=YES]`, it.Key))
				}
			}
		}
		b.wait("answers of "+section, `[...document.querySelectorAll('[data-item]')].every(e => !e.querySelector('.choices') || e.querySelector('.choice[aria-pressed=true]') || e.querySelector('[data-count=of]'))`)
	}
	for photos < 12 { // more than is asked for
		shoot("H01")
	}
	b.sent()
	b.wait("complete", `document.querySelector('[data-key=finish]') !== null && !document.querySelector('[data-key=finish]').disabled`)
	h.tap("[data-key=finish]")
	h.tap("dialog .primary")
	b.wait("minutes", `document.querySelector('#m-representatives') !== null`)
	t.Logf("%d taps for %d items and %d photographs", h.taps, seen, photos)
	if h.taps > 120 || seen < 40 || photos < 12 {
		t.Errorf("%d taps for %d items and %d photographs", h.taps, seen, photos)
	}
}
