package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestR3TwoTabletsWithoutANetworkLoseNothing: two people on two tablets answer without a
// network. What differs by item merges; where both answered, both answers stand on both
// tablets with who gave them, and the check waits until one of them chooses.
func TestR3TwoTabletsWithoutANetworkLoseNothing(t *testing.T) {
	t.Parallel()
	for _, stores := range bothStores {
		t.Run(stores.name, func(t *testing.T) {
			t.Parallel()
			f := newField(t, stores.settings(t))
			one := f.b
			one.app()
			one.enter("truongdoan", demoPassword)
			visit := one.checkIn()
			one.sent()
			two := newBrowser(t, f.program.base, "second-tablet", tablet)
			two.app()
			two.enter("thanhvien", demoPassword)
			at := func(b *browser, section string) {
				t.Helper()
				b.run(chromedp.Navigate(b.base + "/tablet/#/visit/" + visit + "/" + section))
				b.wait("the section", fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('%s.')`, section))
			}
			both := []*browser{one, two}
			for _, b := range both {
				at(b, "A")
				b.installed()
				b.sent()
			}
			f.away()
			pressed := func(b *browser, key string) {
				t.Helper()
				b.click(fmt.Sprintf(`[data-key="%s"]`, key))
				b.wait(key, fmt.Sprintf(`document.querySelector('[data-key="%s"]').getAttribute('aria-pressed') === 'true'`, key))
			}
			pressed(one, "A04-NO")
			one.fill("#note-A04", "Biển chỉ dẫn bị che.")
			pressed(two, "A04-YES")
			pressed(two, "A05-YES")
			f.inReach(both...)
			for _, b := range both {
				b.sent()
				b.wait("both answers", `document.querySelectorAll('[data-conflict="answer/A04"] li').length === 2`)
				text := b.text()
				for _, want := range []string{"Hai người ghi khác nhau", "Không đạt", "chỗ phải chọn"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s does not say %q:\n%s", b.name, want, text)
					}
				}
				b.wait("what merges", `document.querySelector('[data-key="A05-YES"]').getAttribute('aria-pressed') === 'true' && document.querySelectorAll('.conflict').length === 1`)
			}
			one.anywhere()
			one.picture("two-answers")
			if got := two.operations(visit); !slices.ContainsFunc(got.Operations, func(o struct {
				ID, Type, Author string
				Payload          struct{ Item, Text, Value, File string }
			}) bool {
				return o.Payload.Text == "Biển chỉ dẫn bị che."
			}) {
				t.Error("the note of the first tablet is not there")
			}

			// Nobody else sees both; the second tablet chooses what the first had found.
			two.tap(`[...document.querySelectorAll('[data-conflict="answer/A04"] li')].find(l => l.innerText.includes('Không đạt')).querySelector('button')`, "choose")
			for _, b := range both {
				b.sent()
				b.wait("one answer", `document.querySelectorAll('.conflict').length === 0 && document.querySelector('[data-key="A04-NO"]').getAttribute('aria-pressed') === 'true'`)
			}
			values, chosen := map[string]bool{}, 0
			for _, o := range one.operations(visit).Operations {
				if o.Type == "answer" && o.Payload.Item == "A04" {
					values[o.Payload.Value] = true
				}
				if o.Type == "choose" {
					chosen++
				}
			}
			if len(values) != 2 || chosen != 1 {
				t.Errorf("history keeps %v and %d choices", values, chosen)
			}
		})
	}
}
