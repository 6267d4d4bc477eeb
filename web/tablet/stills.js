// Stills of the cameras over the desk: asking for one, and what has become of it.

import { h, t, ask, say } from './dom.js';
import { call, Problem } from './api.js';
import { changed } from './state.js';
import * as acts from './acts.js';
import * as checks from './checks.js';
import { note } from './link.js';

/** The camera that was chosen last, by check. @type {Map<string, string>} */
const chosen = new Map();

/**
 * The name of a still's camera: as it was then, or as it is while the server has not learned of it.
 * @param {any} v @param {string} request @param {string} camera
 */
const nameOf = (v, request, camera) => (v.snapshots ?? []).find((/** @type {any} */ r) => r.id === request)?.name
  ?? (v.cameras ?? []).find((/** @type {any} */ c) => c.id === camera)?.name ?? t('tablet.still.camera');

/** The time of day in Vietnam, to the second. @param {number} at milliseconds */
const clockOf = (at) => new Date(at + 7 * 3600e3).toISOString().slice(11, 19);

/**
 * The button that asks for a still: one tap where there is one camera; where there are
 * several, the one that was chosen last, with a way to another.
 * @param {any} v the check
 * @param {{item?: any, finding?: any}} on
 */
export function stillButton(v, on) {
  const all = v.cameras ?? [];
  if (all.length === 0) return null;
  const usable = all.filter((/** @type {any} */ c) => c.usable), key = on.item?.key ?? on.finding.id, code = on.item?.code ?? on.finding.code;
  if (usable.length === 0) return h('p', { class: 'hint' }, t('tablet.still.no_notice'));
  const last = usable.find((/** @type {any} */ c) => c.id === chosen.get(v.visit.id)) ?? usable[0];
  const take = (/** @type {string} */ camera) => acts.act(v.visit.id, 'snapshot', { camera, ...(on.item ? { item: on.item.key } : { finding: on.finding.id }) });

  async function other() {
    const to = await ask(t('tablet.still.which'), all.filter((/** @type {any} */ c) => !c.usable).map((/** @type {any} */ c) => h('p', { class: 'hint' }, `${c.name}: ${t('tablet.still.no_notice_short')}`)),
      [...usable.map((/** @type {any} */ c) => ({ label: c.place ? `${c.name} · ${c.place}` : c.name, value: c.id, primary: c === last })), { label: t('tablet.cancel'), value: '' }]);
    if (!to) return;
    chosen.set(v.visit.id, String(to));
    await take(String(to));
  }

  return [h('button', { class: 'still-take', 'data-key': `still-${key}`, 'data-still': key, 'aria-label': `${t('tablet.still.take')} – ${last.name} – ${code}`, onclick: () => take(last.id) },
    t('tablet.still.take'), usable.length > 1 ? h('small', null, last.name) : null),
  usable.length > 1 ? h('button', { class: 'quiet', 'data-key': `still-other-${key}`, 'aria-label': `${t('tablet.still.other')} – ${code}`, onclick: other }, t('tablet.still.other')) : null];
}

/** What stands below a still: the camera, when, and what is wrong with it. @param {any} v @param {any} image */
export function stillWords(v, image) {
  const s = v.state.stills.find((/** @type {any} */ x) => x.file === image.file);
  return [nameOf(v, s?.request ?? '', image.camera), s?.takenAt ? ` · ${clockOf(s.takenAt)}` : '', s?.cause ? h('span', { class: 'late' }, ` · ${t(`device.cause.${s.cause}`)}`) : ''];
}

/**
 * Stills that are not there: on their way, waiting for leave, or the camera that gave none,
 * which is evidence of its own.
 * @param {any} v @param {string} key
 */
export function stillCards(v, key) {
  return v.state.stills.filter((/** @type {any} */ s) => s.key === key && s.outcome !== 'TAKEN').map((/** @type {any} */ s) => {
    const row = (v.snapshots ?? []).find((/** @type {any} */ r) => r.id === s.request), name = nameOf(v, s.request, s.camera);
    if (s.outcome) {
      return h('div', { class: 'shot no-still', 'data-still-outcome': s.outcome }, h('strong', null, name),
        h('span', { class: 'late' }, t(s.outcome === 'FAILED' ? 'tablet.still.failed' : 'tablet.still.declined', { time: clockOf(s.takenAt) })),
        h('span', null, t(`device.cause.${s.cause}`)));
    }
    const waits = row?.state === 'ASKED' ? t(`tablet.still.why.${row.why}`) : row?.state === 'LAPSED' ? t('tablet.still.lapsed') : t(row ? 'tablet.still.coming' : 'tablet.still.waiting');
    return h('div', { class: 'shot no-still', 'data-still-outcome': '' }, h('strong', null, name), h('span', { class: 'soon' }, waits),
      row?.state === 'ASKED' && v.may.finish ? h('div', { class: 'row' }, h('button', { 'data-key': `leave-${s.request}`, onclick: () => decide(v, s.request, true) }, t('tablet.still.leave')),
        h('button', { class: 'quiet', 'data-key': `no-leave-${s.request}`, onclick: () => decide(v, s.request, false) }, t('tablet.still.no_leave'))) : null);
  });
}

/** The lead's leave, or none, with a reason. @param {any} v @param {string} request @param {boolean} leave */
async function decide(v, request, leave) {
  const reason = h('textarea', { id: 'still-reason', rows: 2, maxlength: 1000 });
  const sure = await ask(t(leave ? 'tablet.still.leave.title' : 'tablet.still.no_leave.title'), [h('label', { for: 'still-reason' }, t('tablet.reason')), reason],
    [{ label: t(leave ? 'tablet.still.leave' : 'tablet.still.no_leave'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => (reason.value.trim().length < 5 ? [reason, t('snapshot.error.reason')] : null));
  if (!sure) return;
  try {
    await call('POST', `/api/v1/snapshots/${request}/decide`, { leave, reason: reason.value.trim() });
    await checks.refresh(v.visit.id);
    changed();
  } catch (e) {
    note(e);
    if (!(e instanceof Problem)) throw e;
    say(e.passing ? t('tablet.still.offline') : e.message, 'bad');
  }
}
