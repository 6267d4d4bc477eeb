// Drawing the boxes that cover faces and papers, and ticking pictures that show
// neither. Without this script the same form takes the four figures of each box by
// hand. A picture is drawn on only while its boxes are open, so that a finger can
// scroll over it; otherwise a tap on it ticks it.

for (const form of document.querySelectorAll('form[data-boxes]')) {
  const image = /** @type {HTMLImageElement | null} */ (form.querySelector('img'));
  if (!image) continue; // a document, or a picture that is still being prepared
  const list = /** @type {HTMLElement} */ (form.querySelector('[data-box-list]'));
  const template = /** @type {HTMLTemplateElement} */ (form.querySelector('template'));
  const stage = document.createElement('div');
  stage.className = 'stage';
  image.replaceWith(stage);
  stage.append(image);
  const details = /** @type {HTMLDetailsElement} */ (form.querySelector('details'));
  const tick = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name=file]'));
  const mode = () => {
    stage.classList.toggle('drawing', details.open);
    if (details.open && tick?.checked) { tick.checked = false; tick.dispatchEvent(new Event('change', { bubbles: true })); }
  };
  details.addEventListener('toggle', mode);
  stage.addEventListener('click', () => {
    if (details.open || !tick) return;
    tick.checked = !tick.checked;
    tick.dispatchEvent(new Event('change', { bubbles: true }));
  });

  const draw = () => {
    for (const old of stage.querySelectorAll('.cover')) old.remove();
    for (const row of list.querySelectorAll('[data-box]')) {
      const value = (/** @type {string} */ name) => Number(/** @type {HTMLInputElement} */ (row.querySelector(`[name=${name}]`)).value.replace(',', '.'));
      if (!(value('width') > 0) || !(value('height') > 0)) continue;
      const cover = document.createElement('div');
      cover.className = 'cover';
      for (const name of ['left', 'top', 'width', 'height']) cover.style.setProperty(name, `${value(name)}%`);
      stage.append(cover);
    }
  };

  /** @param {Record<string, number>} box */
  const add = (box) => {
    const row = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    for (const [name, n] of Object.entries(box)) /** @type {HTMLInputElement} */ (row.querySelector(`[name=${name}]`)).value = n.toFixed(1);
    list.append(row);
    draw();
    return row;
  };

  list.addEventListener('input', draw);
  list.addEventListener('click', (e) => {
    const target = /** @type {HTMLElement} */ (e.target);
    if (target.matches('[data-remove]')) { target.closest('[data-box]')?.remove(); draw(); }
  });
  form.querySelector('[data-add]')?.addEventListener('click', () => {
    const row = add({ left: 40, top: 30, width: 20, height: 20 });
    /** @type {HTMLInputElement} */ (row.querySelector('input')).focus();
  });

  /** @type {{x: number, y: number, row: HTMLElement} | null} */
  let from = null;
  const at = (/** @type {PointerEvent} */ e) => {
    const r = stage.getBoundingClientRect();
    return { x: Math.min(100, Math.max(0, (100 * (e.clientX - r.left)) / r.width)), y: Math.min(100, Math.max(0, (100 * (e.clientY - r.top)) / r.height)) };
  };
  stage.addEventListener('pointerdown', (e) => {
    if (!details.open) return;
    e.preventDefault();
    stage.setPointerCapture(e.pointerId);
    const p = at(e);
    from = { ...p, row: add({ left: p.x, top: p.y, width: 0.1, height: 0.1 }) };
  });
  stage.addEventListener('pointermove', (e) => {
    if (!from) return;
    const p = at(e);
    const box = { left: Math.min(p.x, from.x), top: Math.min(p.y, from.y), width: Math.abs(p.x - from.x), height: Math.abs(p.y - from.y) };
    for (const [name, n] of Object.entries(box)) /** @type {HTMLInputElement} */ (from.row.querySelector(`[name=${name}]`)).value = n.toFixed(1);
    draw();
  });
  const end = () => {
    if (!from) return;
    const width = Number(/** @type {HTMLInputElement} */ (from.row.querySelector('[name=width]')).value);
    if (width < 1) from.row.remove();
    from = null;
    draw();
  };
  stage.addEventListener('pointerup', end);
  stage.addEventListener('pointercancel', end);
  draw();
  mode();
}

// Ticking many at once, and how many are ticked.
const ticks = () => [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('input[name=file][form=bulk]'))];
const count = () => {
  const n = ticks().filter((t) => t.checked).length;
  const place = document.querySelector('[data-ticked]');
  if (place) place.textContent = ` (${n})`;
};
const all = /** @type {HTMLElement | null} */ (document.querySelector('[data-all]'));
if (all) {
  all.hidden = false;
  all.querySelector('[data-tick-all]')?.addEventListener('click', () => {
    for (const t of ticks()) if (!t.closest('form')?.querySelector('details')?.open) t.checked = true;
    count();
  });
}
document.addEventListener('change', count);
count();
