package main

import (
	"testing"
)

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
