// Drawing the boxes that cover faces and papers. Without this script the same form
// takes the four figures of each box by hand.

for (const form of document.querySelectorAll('form[data-boxes]')) {
  const image = /** @type {HTMLImageElement} */ (form.querySelector('img'));
  const list = /** @type {HTMLElement} */ (form.querySelector('[data-box-list]'));
  const template = /** @type {HTMLTemplateElement} */ (form.querySelector('template'));
  const stage = document.createElement('div');
  stage.className = 'stage';
  image.replaceWith(stage);
  stage.append(image);

  const draw = () => {
    for (const old of stage.querySelectorAll('.cover')) old.remove();
    for (const row of list.children) {
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
}
