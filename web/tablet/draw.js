// Drawing on a photo: arrows, rings and words that point at what is meant. What is drawn
// becomes a picture of its own that names the photo; the photo stays as it was taken.

import { h, t, say, show } from './dom.js';

/**
 * One mark, in shares of the picture's width and height: an arrow from its first point to
 * its second, a ring in the box between them, words that begin at the first.
 * @typedef {{kind: 'arrow' | 'ring' | 'text', x: number, y: number, x2: number, y2: number, text: string}} Mark
 */

/** The longest side of what is made, in pixels: enough to read a notice on a wall. */
const LONGEST = 2560;
const RED = '#d3001b', EDGE = '#fff';
/** The most letters on one mark. */
const LETTERS = 60;

/**
 * Draws marks over a picture that is already there.
 * @param {CanvasRenderingContext2D} c
 * @param {Mark[]} marks
 */
export function paint(c, marks) {
  const w = c.canvas.width, height = c.canvas.height, line = Math.max(3, Math.round(Math.max(w, height) / 160));
  c.lineCap = c.lineJoin = 'round';
  for (const m of marks) {
    const x = m.x * w, y = m.y * height, x2 = m.x2 * w, y2 = m.y2 * height;
    const twice = (/** @type {() => void} */ trace) => { // red on a white edge is seen on any picture
      for (const [colour, wide] of /** @type {[string, number][]} */ ([[EDGE, line * 2], [RED, line]])) {
        c.strokeStyle = c.fillStyle = colour;
        c.lineWidth = wide;
        trace();
      }
    };
    if (m.kind === 'ring') {
      twice(() => { c.beginPath(); c.ellipse((x + x2) / 2, (y + y2) / 2, Math.max(line, Math.abs(x2 - x) / 2), Math.max(line, Math.abs(y2 - y) / 2), 0, 0, 2 * Math.PI); c.stroke(); });
    } else if (m.kind === 'arrow') {
      const turn = Math.atan2(y2 - y, x2 - x), head = Math.min(line * 6, Math.hypot(x2 - x, y2 - y) / 2);
      const tip = (/** @type {number} */ by) => c.lineTo(x2 - head * Math.cos(turn + by), y2 - head * Math.sin(turn + by));
      twice(() => { c.beginPath(); c.moveTo(x, y); c.lineTo(x2, y2); tip(Math.PI / 7); c.moveTo(x2, y2); tip(-Math.PI / 7); c.stroke(); });
    } else {
      const size = line * 7;
      c.font = `700 ${size}px system-ui, sans-serif`;
      c.textBaseline = 'middle';
      const left = Math.max(line, Math.min(x, w - c.measureText(m.text).width - line)), middle = Math.max(size, Math.min(y, height - size));
      c.strokeStyle = EDGE;
      c.lineWidth = line * 1.5;
      c.strokeText(m.text, left, middle);
      c.fillStyle = RED;
      c.fillText(m.text, left, middle);
    }
  }
}

/**
 * Opens a photo to be drawn on.
 * @param {{title: string, name: string, photo: () => Promise<Blob>, put: (file: File) => Promise<any>, back: () => HTMLElement | null}} about
 *   title stands above it; name is what the picture is called; photo is fetched; put keeps
 *   what was drawn; back is where the focus returns to
 */
export async function openDrawing({ title, name, photo, put, back }) {
  /** @type {Mark[]} */
  const marks = [];
  /** @type {Mark | null} */
  let drawn = null;
  /** @type {Mark['kind']} */
  let kind = 'arrow';
  let problem = '', busy = false;
  /** @type {ImageBitmap | null} */
  let picture = null;

  const canvas = h('canvas', { 'aria-label': title, role: 'img' });
  const tools = h('div', { class: 'drawing-tools' });
  const dialog = h('dialog', { class: 'drawing', tabindex: -1, 'aria-labelledby': 'drawing-title' },
    h('div', { class: 'camera-head' }, h('h2', { id: 'drawing-title' }, title)), h('div', { class: 'drawing-view' }, canvas), tools);

  function redraw() {
    if (!picture) return;
    const c = canvas.getContext('2d');
    c.drawImage(picture, 0, 0, canvas.width, canvas.height);
    paint(c, drawn ? [...marks, drawn] : marks);
  }

  function draw() {
    redraw();
    const tool = (/** @type {Mark['kind']} */ k) => h('button', { type: 'button', 'data-draw': k, 'aria-pressed': kind === k, onclick: () => { kind = k; leaving = false; draw(); } }, t(`tablet.draw.${k}`));
    const words = problem || (leaving ? t('tablet.draw.leave') : '');
    show(tools, words ? h('p', { class: 'late', role: 'alert' }, words) : h('p', { class: 'hint' }, t(picture ? `tablet.draw.${kind}.how` : 'tablet.loading')),
      h('div', { class: 'actions' }, tool('arrow'), tool('ring'), tool('text'), h('button', { type: 'button', class: 'quiet', 'data-draw': 'undo', disabled: marks.length === 0 || busy, onclick: () => { marks.pop(); draw(); } }, t('tablet.draw.undo'))),
      h('div', { class: 'actions' }, h('button', { type: 'button', 'data-draw': 'leave', disabled: busy, onclick: leave }, t('tablet.cancel')),
        h('button', { type: 'button', class: 'primary', 'data-draw': 'keep', disabled: marks.length === 0 || busy, onclick: keep }, t('tablet.draw.keep'))));
  }

  function close() {
    picture?.close();
    picture = null;
    dialog.close();
    dialog.remove();
    back()?.focus();
  }

  let leaving = false;
  function leave() {
    if (marks.length === 0 || leaving) { close(); return; }
    leaving = true; // once more throws it away
    draw();
  }

  async function keep() {
    busy = true;
    draw();
    try {
      const blob = await new Promise((done) => { canvas.toBlob(done, 'image/jpeg', 0.85); });
      if (!blob) throw new Error('the picture could not be made');
      await put(new File([blob], name, { type: 'image/jpeg' }));
      close();
      say(t('tablet.draw.kept'));
    } catch (e) {
      console.warn(e);
      busy = false;
      problem = t('tablet.draw.not_kept');
      draw();
    }
  }

  /** @param {PointerEvent} e @returns {[number, number]} */
  function place(e) {
    const r = canvas.getBoundingClientRect();
    return [Math.min(1, Math.max(0, (e.clientX - r.left) / r.width)), Math.min(1, Math.max(0, (e.clientY - r.top) / r.height))];
  }

  /** Words are typed into the page, where the picture was touched. @param {number} x @param {number} y */
  function write(x, y) {
    const field = h('input', { id: 'drawing-words', maxlength: LETTERS, autocomplete: 'off' });
    const set = () => {
      const text = field.value.trim();
      if (text) marks.push({ kind: 'text', x, y, x2: x, y2: y, text });
      draw();
    };
    show(tools, h('form', { class: 'drawing-words', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); set(); } }, h('label', { for: 'drawing-words' }, t('tablet.draw.words')), field,
      h('div', { class: 'actions' }, h('button', { type: 'button', onclick: draw }, t('tablet.cancel')), h('button', { class: 'primary', 'data-draw': 'words' }, t('tablet.draw.set')))));
    /** @type {any} */ (tools.querySelector('input')).focus();
  }

  canvas.onpointerdown = (/** @type {PointerEvent} */ e) => {
    if (!picture || busy || !e.isPrimary) return;
    e.preventDefault();
    leaving = false;
    const [x, y] = place(e);
    if (kind === 'text') { write(x, y); return; }
    canvas.setPointerCapture(e.pointerId);
    drawn = { kind, x, y, x2: x, y2: y, text: '' };
  };
  canvas.onpointermove = (/** @type {PointerEvent} */ e) => {
    if (!drawn || !e.isPrimary) return;
    [drawn.x2, drawn.y2] = place(e);
    redraw();
  };
  canvas.onpointerup = canvas.onpointercancel = (/** @type {PointerEvent} */ e) => {
    if (!drawn || !e.isPrimary) return;
    const far = Math.hypot((drawn.x2 - drawn.x) * canvas.width, (drawn.y2 - drawn.y) * canvas.height);
    if (e.type === 'pointerup' && far > Math.max(canvas.width, canvas.height) / 60) marks.push(drawn); // less is a touch, no stroke
    drawn = null;
    draw();
  };
  dialog.addEventListener('cancel', (/** @type {Event} */ e) => { e.preventDefault(); if (!busy) leave(); });

  document.body.append(dialog);
  draw();
  dialog.showModal();
  try {
    const whole = await createImageBitmap(await photo());
    const share = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
    canvas.width = Math.max(1, Math.round(whole.width * share));
    canvas.height = Math.max(1, Math.round(whole.height * share));
    picture = whole;
  } catch (e) {
    console.warn(e);
    problem = t('tablet.draw.no_photo');
  }
  draw();
}
