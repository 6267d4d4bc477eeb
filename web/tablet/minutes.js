// The minutes: what the paper will say, the unit's opinion, and how they are closed.

import { h, t, say, ask, when } from './dom.js';
import { send } from './state.js';
import * as checks from './checks.js';
import * as pictures from './pictures.js';
import * as acts from './acts.js';
import { frame } from './frame.js';
import { conflictCards } from './conflict.js';

const fields = ['representatives', 'head_absent', 'witnesses', 'strengths', 'requests', 'opinion'];

/** @param {any} _me @param {string} id */
export async function minutesView(_me, id) {
  let v = checks.visit(id);
  if (!v || v.visit.state === 'IN_PROGRESS') v = await checks.openVisit(id);
  const timer = setInterval(() => { void checks.refresh(id); }, 5000);
  /** @type {string[]} */
  let scans = [];
  let closing = false;

  async function addScans(/** @type {any} */ input) {
    for (const file of input.files) scans = [...scans, await acts.addPhoto(id, file, { kind: 'DOCUMENT_SCAN', hang: false })];
    input.value = '';
  }

  /** @param {string} type @param {any} payload */
  async function close(type, payload) {
    closing = true;
    await send();
    const { done } = await acts.act(id, type, payload);
    await done;
    closing = false;
    v = await checks.openVisit(id);
    if (v.state.phase === 'MINUTES_SIGNED' || v.state.phase === 'MINUTES_UNSIGNED') say(t('tablet.minutes.closed'));
  }

  async function sign() {
    await acts.settled();
    if (!v.state.minutes.representatives) { say(t('visit.error.representatives'), 'bad'); return; }
    if (!v.state.minutes.opinion) { say(t('visit.error.opinion'), 'bad'); return; }
    if (scans.length === 0) { say(t('visit.error.scan'), 'bad'); return; }
    const sure = await ask(t('tablet.sign.title'), [h('p', null, t('tablet.sign.text'))], [{ label: t('tablet.sign'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (sure) await close('sign', { scans });
  }

  async function refuse() {
    await acts.settled();
    if (!v.state.minutes.representatives) { say(t('visit.error.representatives'), 'bad'); return; }
    const reason = h('textarea', { id: 'refuse-reason', maxlength: 300 }), witness = h('input', { id: 'refuse-witness', maxlength: 300 });
    const sure = await ask(t('tablet.refuse.title'), [h('p', null, t('tablet.refuse.text')), h('label', { for: 'refuse-reason' }, t('tablet.refuse.reason')), reason,
      h('label', { for: 'refuse-witness' }, t('tablet.refuse.witness')), h('p', { class: 'hint' }, t('tablet.attendance.no_names')), witness],
    [{ label: t('tablet.refuse'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
    if (!reason.value.trim() || !witness.value.trim()) { say(t('tablet.refuse.needed'), 'bad'); return; }
    await close('refuse_to_sign', { reason: reason.value.trim(), witness: witness.value.trim(), ...(scans.length ? { scans } : {}) });
  }

  /** @param {string} name */
  function field(name) {
    const value = v.state.minutes[name] ?? '';
    const needed = (name === 'representatives' || name === 'opinion') && !value && v.state.phase === 'MINUTES_DRAFT';
    const set = (/** @type {string} */ text) => acts.act(id, 'minutes', { [name]: text });
    return h('div', { class: `field${needed ? ' wrong' : ''}` }, h('label', { for: `m-${name}` }, t(`tablet.minutes.${name}`)),
      h('p', { class: 'hint', id: `m-${name}-hint` }, t(`tablet.minutes.${name}.hint`)),
      h('textarea', { id: `m-${name}`, 'data-key': `m-${name}`, 'aria-describedby': `m-${name}-hint`, value, maxlength: 4000, onchange: (/** @type {any} */ e) => set(e.target.value.trim()) }),
      name === 'opinion' && !value ? h('button', { class: 'phrase', 'data-key': 'agree', onclick: () => set(t('tablet.minutes.agree')) }, t('tablet.minutes.agree')) : null);
  }

  function draw() {
    const phase = v.state.phase;
    const open = phase === 'MINUTES_DRAFT' || phase === 'CANNOT_INSPECT';
    const waiting = scans.some((f) => pictures.fileStatus(f).state !== 'safe');
    return frame(v.visit.desk || v.visit.organisation,
      h('p', null, h('span', { class: 'tag plain' }, t(`visit.state.${v.visit.state}`)), ' ', t('tablet.minutes.times', { start: when(v.visit.checked_in_at), end: when(v.visit.ended_at) })),
      h('p', { class: 'actions' }, h('a', { class: 'button', href: `/visits/${id}/minutes`, target: '_blank', rel: 'noopener' }, t('tablet.minutes.paper')),
        h('a', { class: 'button', href: `/visits/${id}/photos` }, t('tablet.minutes.photos')), phase === 'IN_PROGRESS' ? h('a', { class: 'button primary', href: `#/visit/${id}` }, t('tablet.back')) : null),
      open ? [conflictCards(v, () => true), h('h2', null, t('tablet.minutes')), h('p', { class: 'muted' }, t('tablet.minutes.intro')), fields.filter((name) => name !== 'strengths' || (phase === 'MINUTES_DRAFT' && v.findings.length === 0)).map(field)] : null,
      phase === 'MINUTES_DRAFT' ? [h('h2', null, t('tablet.sign.title')), h('p', null, t('tablet.minutes.how')),
        h('div', { class: 'strip' }, scans.map((f, i) => h('figure', { class: 'shot' }, h('img', { src: pictures.fileURL(f), alt: t('tablet.scan.n', { n: i + 1 }) }), h('figcaption', { class: pictures.fileStatus(f).state === 'safe' ? 'good' : 'soon' }, t(`tablet.photo.${pictures.fileStatus(f).state}`, { percent: Math.round(pictures.fileStatus(f).share * 100) }))))),
        h('div', { class: 'actions' }, h('label', { class: 'button shoot' }, h('input', { type: 'file', accept: 'image/jpeg,image/png,application/pdf', multiple: true, class: 'visually-hidden', 'data-photo': 'scan', 'data-key': 'scan', onchange: (/** @type {any} */ e) => addScans(e.target) }), t('tablet.scan.add')),
          h('button', { class: 'primary', 'data-key': 'sign', disabled: closing || !v.may.finish || waiting, onclick: sign }, t('tablet.sign')),
          h('button', { class: 'danger', 'data-key': 'refuse', disabled: closing || !v.may.finish, onclick: refuse }, t('tablet.refuse')))] : null,
      phase === 'MINUTES_SIGNED' || phase === 'MINUTES_UNSIGNED' ? h('div', { class: 'notice good' }, h('p', null, t('tablet.minutes.after')), h('p', null, h('a', { class: 'button primary', href: `/visits/${id}` }, t('tablet.office.visit')))) : null,
      phase === 'CANNOT_INSPECT' ? h('div', { class: 'notice' }, h('p', null, t('tablet.cannot.after')), h('p', null, h('a', { class: 'button', href: `/visits/${id}` }, t('tablet.office.visit')))) : null);
  }

  return { draw, stop: () => clearInterval(timer) };
}
