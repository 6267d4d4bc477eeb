package main

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkTablet is the app in real Chromium, over a line that counts: what its first
// start takes over the wire; how long the fourth start takes without a network, until it
// asks for the password and from there to the list of the day; and how long a tap takes
// until its answer is on the disk and painted, with 45 items and 100 photographs there,
// thirty of them in the section that is tapped in.
func BenchmarkTablet(b *testing.B) {
	b.Run("start", func(b *testing.B) {
		f, l := onLine(b, nil)
		app, whole := f.firstStart(l)
		b.ReportMetric(float64(app)/1000, "first-KB")
		b.ReportMetric(float64(whole)/1000, "first-with-list-KB")
		f.away()
		var form, open float64
		for range 3 {
			form, open = f.offlineStart()
		}
		b.ReportMetric(form, "form-ms")
		b.ReportMetric(open, "list-ms")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("tap", func(b *testing.B) {
		const photos = 100
		f := newField(b, nil)
		f.toC03()
		f.away()
		t := f.b
		paths, _ := photographs(b, photos, 100_000)
		items := []string{"A04", "B01", "B03", "C02", "C03", "D01", "D03", "E01", "F01", "C04"}
		for n, item := range items { // the last of them in the section that is tapped in
			t.click(fmt.Sprintf(`[data-key="rail-%s"]`, item[:1]))
			t.wait("the item", fmt.Sprintf(`document.querySelector('input[data-photo="%s"]') !== null`, item))
			each := photos / len(items)
			t.files(fmt.Sprintf(`input[data-photo="%s"]`, item), paths[n*each:(n+1)*each]...)
			t.wait("they are kept", fmt.Sprintf(`document.querySelectorAll('[data-item="%s"] .shot').length === %d`, item, each))
		}
		t.holds("bytes", photos)
		t.click(`[data-item="C04"] [data-value=YES]`)
		t.wait("answered", `document.querySelector('[data-item="C04"] [data-value=YES]').getAttribute('aria-pressed') === 'true'`)
		report(b, durations(t.taps(10)))
		b.ReportMetric(0, "ns/op")
	})
}

func durations(ms []float64) []time.Duration {
	all := make([]time.Duration, len(ms))
	for i, x := range ms {
		all[i] = time.Duration(x * float64(time.Millisecond))
	}
	return all
}
