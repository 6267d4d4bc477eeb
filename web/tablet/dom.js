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
    if (name.startsWith('on')) /** @type {any} */ (e)[name] = value;
    else if (name in e && ['value', 'checked', 'disabled', 'files', 'selected'].includes(name)) /** @type {any} */ (e)[name] = value;
    else e.setAttribute(name, value === true && !name.startsWith('aria-') ? '' : String(value));
  }
  // What is typed is kept encrypted or not at all: browsers write fields down in the clear, to fill a page again.
  if ((tag === 'input' || tag === 'textarea') && !e.hasAttribute('autocomplete')) e.setAttribute('autocomplete', 'off');
  if (tag === 'textarea' && attrs?.onchange) kept(e);
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
  return e;
}

/** How long after the last key what is typed is kept, in ms. */
const PAUSE = 1500;

/**
 * A text is kept while it is being typed, not only when the person goes on to something
 * else; the same text once.
 * @param {any} e
 */
function kept(e) {
  /** @type {string | null} */
  let said = null;
  let timer = 0;
  e.addEventListener('focus', () => { said = null; });
  e.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => e.dispatchEvent(new Event('change')), PAUSE);
  });
  e.addEventListener('change', (/** @type {Event} */ event) => {
    clearTimeout(timer);
    if (said === e.value) event.stopImmediatePropagation();
    said = e.value;
  }, { capture: true });
}

if (globalThis.document) {
  document.addEventListener('visibilitychange', () => { // what is typed may be all that is left of it
    if (document.visibilityState === 'hidden' && document.activeElement?.tagName === 'TEXTAREA') document.activeElement.dispatchEvent(new Event('change'));
  });
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Makes a place show new children with as little change as can be: what stays keeps
 * its element, so that a tap that has begun, the focus, the text being typed and a
 * picture that is shown are not lost.
 * @param {Element} place
 * @param {...any} children
 */
export function show(place, ...children) {
  const fresh = document.createElement(place.tagName);
  fresh.append(...children.flat(Infinity).filter(Boolean));
  morphChildren(place, fresh);
}

const handlers = ['onclick', 'onchange', 'oninput', 'onsubmit'];

/** @param {any} node */
const keyOf = (node) => node.dataset?.key || node.id || '';

/** @param {any} a @param {any} b */
const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** @param {any} from @param {any} to */
function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== 'open') from.removeAttribute(name);
  for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value && (name !== 'open' || !from._begun)) from.setAttribute(name, value);
  if (from.tagName === 'DETAILS') from._begun = to.hasAttribute('open'); // opened once; closing it is the person's
  for (const name of handlers) from[name] = to[name];
  if ('disabled' in to && from.disabled !== to.disabled) from.disabled = to.disabled;
  if (from.tagName === 'INPUT' && (from.type === 'checkbox' || from.type === 'radio')) from.checked = to.checked;
  else if ((from.tagName === 'INPUT' && from.type !== 'file') || from.tagName === 'TEXTAREA') {
    if (from !== document.activeElement && from.value !== to.value) from.value = to.value;
    if (from.tagName === 'TEXTAREA') return;
  }
  morphChildren(from, to);
  if (from.tagName === 'SELECT' && from !== document.activeElement) from.value = to.value;
}

/** @param {any} place @param {any} fresh */
function morphChildren(place, fresh) {
  let at = place.firstChild;
  for (const node of [...fresh.childNodes]) {
    let kept = at;
    if (keyOf(node)) kept = [...place.childNodes].find((n) => same(n, node)) ?? null;
    if (kept && same(kept, node)) {
      if (kept === at) at = at.nextSibling;
      else place.insertBefore(kept, at);
      morph(kept, node);
    } else place.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
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
 * @param {() => [any, string] | null} [check] of the primary choice: the field that is wrong and why; the question stays
 * @returns {Promise<any>}
 */
export function ask(title, body, choices, check) {
  return new Promise((resolve) => {
    const problem = h('p', { class: 'wrong-text', role: 'alert' });
    const answer = (/** @type {any} */ c) => {
      const wrong = c.primary && check?.();
      if (wrong) {
        problem.textContent = wrong[1];
        wrong[0].setAttribute('aria-invalid', 'true');
        wrong[0].focus();
        return;
      }
      dialog.close();
      dialog.remove();
      resolve(c.value);
    };
    const dialog = h('dialog', { 'aria-labelledby': 'ask-title', class: 'ask' },
      h('form', { method: 'dialog' }, h('h2', { id: 'ask-title' }, title), ...body, problem,
        h('div', { class: 'actions' }, choices.map((c) => h('button', { type: 'button', class: c.primary ? 'primary' : '', onclick: () => answer(c) }, c.label)))));
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
