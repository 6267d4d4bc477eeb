package main

import (
	"fmt"
	"testing"

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
	f.away()
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
			if section == "C" {
				b.picture(hand)
			}
		}
		b.run(chromedp.Navigate(b.base + "/tablet/#/attendance/" + visit))
		if hand == "right" {
			b.click(`[data-key=begin]`)
			b.click(`[data-key=rest-present]`)
		}
		b.wait("the table", `document.querySelectorAll('.person .choice').length > 10`)
		near("attendance")
		b.picture(hand + "-attendance")
	}
	if answers < 200 {
		t.Errorf("%d answers were looked at", answers)
	}
}
