// Pictures from before and after: a slider wipes from one to the other, and a page that
// only names them fetches them, for comparing takes a moment. Without this script they
// stand side by side, on a page of their own.

/** @param {ParentNode} root */
function wipes(root) {
  for (const wipe of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[data-wipe]'))) {
    const slider = wipe.querySelector('input'), shown = wipe.querySelector('rect'), line = wipe.querySelector('line');
    if (!slider || !shown || !line) continue;
    const draw = () => {
      const at = Number(slider.value);
      shown.setAttribute('x', String(at));
      shown.setAttribute('width', String(1000 - at));
      line.setAttribute('x1', String(at));
      line.setAttribute('x2', String(at));
    };
    slider.addEventListener('input', draw);
    // A finger on the picture is a finger on the slider.
    const picture = wipe.querySelector('svg');
    /** @param {PointerEvent} e */
    const follow = (e) => {
      if (!picture || e.buttons === 0) return;
      const box = picture.getBoundingClientRect();
      slider.value = String(Math.round(1000 * (e.clientX - box.left) / box.width));
      draw();
    };
    picture?.addEventListener('pointerdown', (e) => { picture.setPointerCapture(e.pointerId); follow(e); });
    picture?.addEventListener('pointermove', follow);
    wipe.hidden = false;
    draw();
  }
}

async function fetched(/** @type {HTMLElement} */ place) {
  const progress = place.querySelector('[data-progress]');
  if (progress instanceof HTMLElement) progress.hidden = false;
  try {
    const answer = await fetch(place.dataset.views ?? '', { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(String(answer.status));
    const views = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('views');
    if (!views) throw new Error('no views');
    place.hidden = views.querySelector('.view') === null; // nothing agrees with anything
    progress?.parentElement?.replaceWith(document.importNode(views, true));
    wipes(place);
  } catch { // the link to the page of its own stays
    if (progress instanceof HTMLElement) progress.hidden = true;
  }
}

wipes(document);
for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-views]'))) void fetched(place);

export {};
