// Stills of a look that are being taken: the page asks for them until they are there, and
// puts each into its place, and what they change: how many are left, what is open. What is
// typed elsewhere stays. Without this script the page is
// loaded again by hand.
// @ts-check

const list = document.getElementById('look-stills');

async function refresh() {
  if (!list) return;
  let wait = 1000;
  while (Number(list.dataset.coming) > 0) {
    await new Promise((done) => setTimeout(done, wait));
    wait = Math.min(5000, wait * 1.3);
    try {
      const answer = await fetch(location.pathname, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const now = page.getElementById('look-stills');
      if (!answer.ok || !now) continue;
      for (const fresh of /** @type {NodeListOf<HTMLElement>} */ (now.querySelectorAll('[data-still]'))) {
        const old = /** @type {HTMLElement | null} */ (list.querySelector(`[data-still="${CSS.escape(fresh.dataset.still ?? '')}"]`));
        if (old && old.dataset.state !== fresh.dataset.state) old.replaceWith(document.adoptNode(fresh));
      }
      for (const id of ['look-bounds', 'look-next']) {
        const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
      }
      list.dataset.coming = now.dataset.coming ?? '0';
    } catch {
      // No network: the next round asks again.
    }
  }
}

refresh();

export {};
