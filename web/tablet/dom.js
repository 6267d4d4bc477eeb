// A few lines to build elements and to speak the catalogue.

/** @type {Record<string, string>} */
let words = {};

/** @param {Record<string, string>} w */
export function setWords(w) { words = w; }

/**
 * The text of a key with its placeholders filled; an unknown key comes back as it is.
 * @param {string} key
 * @param {Record<string, any>} [params]
 */
export function t(key, params = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}

/**
 * An element: h('button', {class: 'primary', onclick: f, 'aria-pressed': true}, 'Text', child…).
 * @param {string} tag
 * @param {Record<string, any> | null} [attrs]
 * @param {...any} children
 * @returns {any}
 */
export function h(tag, attrs, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (name in e && ['value', 'checked', 'disabled', 'files', 'selected'].includes(name)) /** @type {any} */ (e)[name] = value;
    else e.setAttribute(name, value === true && !name.startsWith('aria-') ? '' : String(value));
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
  return e;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Puts new children into a place and keeps the focus on the control of the same key.
 * @param {Element} place
 * @param {...any} children
 */
export function show(place, ...children) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
  const typing = /** @type {any} */ (document.activeElement);
  const caret = typing && 'selectionStart' in typing ? [typing.selectionStart, typing.selectionEnd] : null;
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (!focused) return;
  const again = /** @type {any} */ (place.querySelector(`[data-key="${CSS.escape(focused)}"]`));
  if (!again) return;
  again.focus({ preventScroll: true });
  if (caret && caret[0] !== null && 'setSelectionRange' in again) { try { again.setSelectionRange(caret[0], caret[1]); } catch { /* not a text field */ } }
}

/** Words that appear for a moment and are read out. @param {string} text @param {'good'|'bad'} [kind] */
export function say(text, kind = 'good') {
  const place = byId('toast');
  place.className = `toast ${kind}`;
  place.textContent = text;
  place.hidden = false;
  clearTimeout(place._timer);
  place._timer = setTimeout(() => { place.hidden = true; }, kind === 'bad' ? 12000 : 4000);
}

/**
 * A question that stands before everything else; resolves with the chosen value.
 * @param {string} title
 * @param {any[]} body
 * @param {{label: string, value: any, primary?: boolean}[]} choices
 * @returns {Promise<any>}
 */
export function ask(title, body, choices) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { 'aria-labelledby': 'ask-title', class: 'ask' },
      h('form', { method: 'dialog' }, h('h2', { id: 'ask-title' }, title), ...body,
        h('div', { class: 'actions' }, choices.map((c) => h('button', {
          type: 'button', class: c.primary ? 'primary' : '', onclick: () => { dialog.close(); dialog.remove(); resolve(c.value); } }, c.label)))));
    dialog.addEventListener('cancel', () => { dialog.remove(); resolve(null); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** dd/MM/yyyy HH:mm in Vietnam. @param {string} iso */
export function when(iso) {
  if (!iso) return '';
  const d = new Date(Date.parse(iso) + 7 * 3600e3);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${two(d.getUTCDate())}/${two(d.getUTCMonth() + 1)}/${d.getUTCFullYear()} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

/** dd/MM/yyyy of yyyy-mm-dd. @param {string} date */
export const day = (date) => date.split('-').reverse().join('/');
