// A photo over the whole screen: fitted to it or at double that size, with when it was
// taken and what has become of it.

import { h, t, show, when } from './dom.js';
import { Problem } from './api.js';
import { onChange } from './state.js';
import * as pictures from './pictures.js';

/**
 * What has become of a photo, in words, and how they look.
 * @param {string} file @param {boolean} [lost] given up
 */
export function stateOf(file, lost = false) {
  const s = pictures.fileStatus(file);
  return { words: s.problem || t(`tablet.photo.${lost ? 'lost' : s.state}`, { percent: Math.round(s.share * 100) }), look: s.state === 'safe' ? 'good' : s.state === 'failed' ? 'late' : 'soon' };
}

/** When a photo was taken, as far as its check says so. @param {any} v @param {string} file */
export const takenAt = (v, file) => v.operations.find((/** @type {any} */ op) => op.type === 'declare' && op.payload.file === file)?.payload.captured_at
  ?? pictures.waitingFiles().find((f) => f.id === file)?.captured_at ?? '';

/**
 * A small picture that opens the large one.
 * @param {{file: string, name: string, at?: string, lost?: () => boolean, words?: string}} about name says what it shows;
 *   at is when it was taken; words stand in the place of what has become of it
 */
export const thumb = (about) => h('button', { class: 'look', type: 'button', 'data-key': `look-${about.file}`, 'aria-label': t('tablet.look', { what: about.name }), onclick: () => lookAt(about) },
  h('img', { src: pictures.fileURL(about.file), alt: '', loading: 'lazy' }));

/** @param {{file: string, name: string, at?: string, lost?: () => boolean, words?: string}} about */
function lookAt({ file, name, at = '', lost, words }) {
  let url = '', problem = '', double = false, loaded = false, open = true;
  const img = h('img', { alt: name, onclick: touched });
  const view = h('div', { class: 'looking-view', tabindex: 0, role: 'group', 'aria-label': name }, img);
  const foot = h('div', { class: 'looking-foot' });
  const dialog = h('dialog', { class: 'looking', 'aria-labelledby': 'looking-title' },
    h('div', { class: 'camera-head' }, h('h2', { id: 'looking-title' }, name), h('button', { type: 'button', 'data-look': 'close', onclick: leave }, t('tablet.look.close'))), view, foot);

  function draw() {
    const s = words ? { words, look: 'muted' } : stateOf(file, lost?.());
    show(foot, problem ? h('p', { class: 'soon', role: 'alert' }, problem) : loaded ? null : h('p', { role: 'status' }, t('tablet.look.loading')),
      h('div', { class: 'looking-bar' }, h('p', null, h('span', { class: s.look }, s.words), at ? ` · ${t('tablet.look.taken', { time: when(at) })}` : ''),
        h('button', { type: 'button', 'data-look': 'double', 'aria-pressed': double, disabled: !loaded, onclick: () => turn(0.5, 0.5) }, t(double ? 'tablet.look.fit' : 'tablet.look.double'))));
  }

  /** How large the picture is when it fits the screen. */
  const fitted = () => {
    const by = Math.min(view.clientWidth / img.naturalWidth, view.clientHeight / img.naturalHeight);
    return { wide: img.naturalWidth * by, high: img.naturalHeight * by };
  };

  /** From the size of the screen to double that and back; the place that was touched comes to the middle. @param {number} x @param {number} y shares of the picture */
  function turn(x, y) {
    if (!loaded) return;
    const { wide, high } = fitted();
    double = !double;
    view.classList.toggle('double', double);
    img.style.width = double ? `${wide * 2}px` : '';
    view.scrollTo(x * wide * 2 - view.clientWidth / 2, y * high * 2 - view.clientHeight / 2);
    draw();
  }

  /** @param {MouseEvent} e */
  function touched(e) {
    if (!loaded || double) { turn(0.5, 0.5); return; }
    const { wide, high } = fitted();
    turn((e.offsetX - (img.clientWidth - wide) / 2) / wide, (e.offsetY - (img.clientHeight - high) / 2) / high);
  }

  /** @param {string} src */
  const put = (src) => new Promise((done, fail) => { img.onload = () => done(true); img.onerror = () => fail(new Error('the browser cannot read the picture')); img.src = src; });

  async function load() {
    try {
      const blob = await pictures.photo(file);
      if (!open) return;
      url = URL.createObjectURL(blob);
      await put(url);
      loaded = true;
    } catch (e) {
      const small = pictures.fileURL(file), has = small.startsWith('blob:');
      problem = t(!(e instanceof Problem) ? 'tablet.look.unreadable' : has ? 'tablet.look.small' : 'tablet.look.away');
      if (has && open) loaded = await put(small).then(() => true, () => false);
    }
    draw();
  }

  /** Back takes the way that Back takes: the page stays as it was. */
  function leave() { history.back(); }

  function close() {
    if (!open) return;
    open = false;
    deaf();
    removeEventListener('popstate', close);
    if (dialog.open) dialog.close();
    dialog.remove();
    URL.revokeObjectURL(url);
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="look-${file}"]`))?.focus();
  }

  const deaf = onChange(draw);
  dialog.addEventListener('cancel', (/** @type {Event} */ e) => { e.preventDefault(); leave(); });
  dialog.addEventListener('close', close);
  history.pushState({ looking: true }, '');
  addEventListener('popstate', close);
  document.body.append(dialog);
  dialog.showModal();
  draw();
  void load();
}
