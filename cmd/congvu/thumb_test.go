package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestEveryAnswerIsNearTheThumb: on a tablet of 10 inches held upright every answer lies
// within 80 mm of the edge that the hand holds, for the right hand and for the left. The
// screen is 800 px and 136 mm wide; up and down the page comes to the thumb.
func TestEveryAnswerIsNearTheThumb(t *testing.T) {
	t.Parallel()
	const reach = 80 * 800.0 / 136
	f := newField(t, nil)
	visit := f.toC03()
	b := f.b
	before := [2]float64{b.header(800), b.header(360)}
	f.away()
	b.click(`[data-item="C04"] [data-value=YES]`)
	b.sees("Mất mạng · 1 thao tác chờ gửi")
	if after := [2]float64{b.header(800), b.header(360)}; after != before {
		t.Errorf("the header is %v px high with a network and %v without", before, after)
	}
	b.large(".item summary, .item button, .item .button")
	b.picture("offline-phone")
	b.run(emulation.SetDeviceMetricsOverride(b.size[0], b.size[1], 1, false))
	answers := 0
	for _, hand := range []string{"right", "left"} {
		b.run(chromedp.Navigate(b.base + "/tablet/#/device"))
		b.click(fmt.Sprintf(`[data-key="hand-%s"]`, hand))
		b.wait("the hand", fmt.Sprintf(`document.documentElement.dataset.hand === %q`, hand))
		near := func(where string) {
			t.Helper()
			var all []struct {
				Name string
				Far  float64
			}
			b.eval(fmt.Sprintf(`[...document.querySelectorAll('.item .choice, .item .stepper button, .item .stepper input, .person .choice')].filter(e => e.checkVisibility()).map(e => { const r = e.getBoundingClientRect(), x = r.left + r.width / 2; return {Name: e.dataset.key ?? e.outerHTML.slice(0, 80), Far: %q === 'right' ? innerWidth - x : x}; })`, hand), &all)
			for _, a := range all {
				if answers++; a.Far > reach {
					t.Errorf("%s, %s hand: %s is %.0f px from the edge", where, hand, a.Name, a.Far)
				}
			}
		}
		for _, section := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
			b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/" + section))
			b.wait("section "+section, fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('%s.')`, section))
			near(section)
			if section == "A" && hand == "left" {
				b.wait("what the count says of an item", `/(đạt \(theo kiểm đếm\)|không đánh giá \((kiểm đếm ngoài giờ|không phát sinh)\))/i.test(document.querySelector('[data-item="A01"]').innerText) && !document.body.innerText.includes('0/0')`)
				b.picture("counted")
			}
			if section == "C" {
				b.picture(hand)
				b.large(".item summary, .item button, .item .button, .rail a")
			}
		}
		b.run(chromedp.Navigate(b.base + "/tablet/#/attendance/" + visit))
		if hand == "right" {
			b.click(`[data-key=begin]`)
			b.click(`.person [data-value=absent]`)
			b.wait("both kinds are told apart", `/\d+ người chưa ghi, 1 người chưa có lý do vắng/.test(document.querySelector('.app-bar p').innerText)`)
			b.click(`[data-key=rest-present]`)
			b.wait("badges", `document.querySelector('.person [data-key$="-badge"][aria-pressed=true]') !== null`)
			b.click(`.person [data-key$="-badge"]`)
			b.wait("without a badge is said as what is not met", `document.querySelector('.person [data-key$="-badge"].no[aria-pressed=true]')?.innerText.includes('Không đeo thẻ') === true`)
		}
		b.wait("the table", `document.querySelectorAll('.person .choice').length > 10`)
		near("attendance")
		b.picture(hand + "-attendance")
	}
	if answers < 200 {
		t.Errorf("%d answers were looked at", answers)
	}
}

// header is how high the header is on a screen of a width. The menu stands at its right
// edge, large enough for a finger, and its box is on the screen.
func (b *browser) header(width int64) float64 {
	b.t.Helper()
	b.run(emulation.SetDeviceMetricsOverride(width, 1280, 1, false))
	var h struct {
		Height, Menu, Wide, High, Left, Right, State float64
	}
	b.eval(`(() => { const box = s => document.querySelector(s).getBoundingClientRect(), menu = document.querySelector('.menu'); menu.open = true; const open = box('.menu > div'); menu.open = false; scrollTo(0, 0);
		return {Height: box('.app-top').height, Menu: innerWidth - box('.menu summary').right, Wide: box('.menu summary').width, High: box('.menu summary').height, Left: open.left, Right: innerWidth - open.right, State: box('.sync').height}; })()`, &h)
	if h.Menu < 0 || h.Menu > 16 || h.Wide < 48 || h.High < 48 || h.Left < 0 || h.Right < 0 || h.State > 30 {
		b.t.Errorf("the header at %d px: %+v", width, h)
	}
	return h.Height
}

// large holds what is touched on the page against the least size for a finger.
func (b *browser) large(selector string) {
	b.t.Helper()
	var small []string
	b.eval(fmt.Sprintf(`[...document.querySelectorAll(%s)].filter(e => e.checkVisibility() && (e.getBoundingClientRect().height < 47.9 || e.getBoundingClientRect().width < 47.9)).map(e => e.outerHTML.slice(0, 120))`, quote(selector)), &small)
	for _, s := range small {
		b.t.Errorf("smaller than 48 px: %s", s)
	}
}
