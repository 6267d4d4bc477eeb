// A desk found closed, or one that refuses the team: what was met is written down
// and ends the check.

import { h, t, say, ask } from './dom.js';
import { changed } from './state.js';
import * as checks from './checks.js';
import * as pictures from './pictures.js';
import * as acts from './acts.js';
import { frame, go } from './frame.js';
import { takenAt, thumb } from './look.js';

/** @param {any} _me @param {string} id */
export async function cannotView(_me, id) {
  const v = checks.visit(id) ?? (await checks.openVisit(id));
  const form = { reason: 'CLOSED', place: v.visit.desk || v.visit.organisation, words: '', witness: '', finding: '', severity: 'MAJOR' };
  /** @type {string[]} */
  let photos = [];
  let sending = false, tried = false, gone = false;

  /** What is missing, in the order of the page. @returns {('place'|'words'|'witness'|'door')[]} */
  const missing = () => /** @type {any} */ ([form.place.trim() ? '' : 'place', form.reason === 'REFUSED' && !form.words.trim() ? 'words' : '', form.witness.trim() ? '' : 'witness', photos.length ? '' : 'door'].filter(Boolean));

  async function add(/** @type {any} */ input) {
    for (const file of input.files) photos = [...photos, await acts.addPhoto(id, file, { hang: false })];
    input.value = '';
  }

  async function end() {
    tried = true;
    const [first] = missing();
    if (first) {
      changed();
      say(first === 'door' ? t('visit.error.door_photo') : t('tablet.cannot.needed'), 'bad');
      const field = first === 'door' ? /** @type {HTMLElement | null} */ (document.querySelector('[data-photo=door]')) : document.getElementById(`c-${first}`);
      field?.focus();
      field?.closest('.field, .strip')?.scrollIntoView({ block: 'center' });
      return;
    }
    const sure = await ask(t('tablet.cannot.title'), [h('p', null, t('tablet.cannot.sure'))], [{ label: t('tablet.cannot.end'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
    sending = true;
    const { finding, severity, ...rest } = form;
    let fresh;
    try {
      const { done } = await acts.act(id, 'cannot_inspect', { ...rest, photos, ...(finding.trim() ? { finding, severity } : {}) });
      await acts.answered(done);
      fresh = await checks.openVisit(id);
    } finally {
      sending = false;
      changed();
    }
    if (fresh.state.phase === 'CANNOT_INSPECT' && !gone) go(`minutes/${id}`);
  }

  /** @param {'place'|'words'|'witness'|'finding'} name @param {boolean} long */
  const text = (name, long) => h('div', { class: `field${tried && missing().includes(/** @type {any} */ (name)) ? ' wrong' : ''}` }, h('label', { for: `c-${name}` }, t(`tablet.cannot.${name}`)), h('p', { class: 'hint' }, t(`tablet.cannot.${name}.hint`)),
    h(long ? 'textarea' : 'input', { id: `c-${name}`, 'data-key': `c-${name}`, value: form[name], maxlength: long ? 4000 : 300, oninput: (/** @type {any} */ e) => { form[name] = e.target.value; if (tried) changed(); } }),
    tried && missing().includes(/** @type {any} */ (name)) ? h('p', { class: 'wrong-text' }, t('error.required')) : null);

  return {
    draw: () => frame(t('tablet.cannot.title'), h('p', null, t('tablet.cannot.intro')),
      h('fieldset', { class: 'field' }, h('legend', null, t('tablet.cannot.reason')), ['CLOSED', 'REFUSED'].map((r) => h('label', { class: 'check' },
        h('input', { type: 'radio', name: 'reason', value: r, checked: form.reason === r, 'data-key': `r-${r}`, onchange: () => { form.reason = r; } }), t(`tablet.cannot.${r}`)))),
      text('place', false), text('words', true), text('witness', false),
      h('h2', null, t('tablet.cannot.door')), tried && missing().includes('door') ? h('p', { class: 'wrong-text' }, t('visit.error.door_photo')) : null,
      h('div', { class: 'strip' }, photos.map((f) => h('figure', { class: 'shot' }, thumb({ file: f, name: t('tablet.cannot.door'), at: takenAt(v, f) }), h('figcaption', { class: pictures.fileStatus(f).state === 'safe' ? 'good' : 'soon' }, t(`tablet.photo.${pictures.fileStatus(f).state}`, { percent: Math.round(pictures.fileStatus(f).share * 100) })))),
        h('label', { class: 'button shoot' }, h('input', { type: 'file', accept: 'image/*', capture: 'environment', class: 'visually-hidden', 'data-photo': 'door', 'data-key': 'door', onchange: (/** @type {any} */ e) => add(e.target) }), t('tablet.photo.take'))),
      h('h2', null, t('tablet.cannot.raise')), text('finding', true),
      h('div', { class: 'field' }, h('label', { for: 'c-sev' }, t('tablet.severity')), h('select', { id: 'c-sev', onchange: (/** @type {any} */ e) => { form.severity = e.target.value; } },
        ['MINOR', 'MODERATE', 'MAJOR', 'CRITICAL'].map((s) => h('option', { value: s, selected: s === form.severity }, t(`severity.${s}`))))),
      h('p', { class: 'actions' }, h('button', { class: 'danger', 'data-key': 'end', disabled: sending || !v.may.finish, onclick: end }, t('tablet.cannot.end')), h('a', { class: 'button', href: `#/visit/${id}` }, t('tablet.back')))),
    stop: () => { gone = true; },
  };
}
