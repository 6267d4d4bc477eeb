// The minutes: what the paper will say, the unit's opinion, and how they are closed.

import { h, t, say, ask, when } from './dom.js';
import { changed } from './state.js';
import { attendance } from './fold.js';
import * as checks from './checks.js';
import * as pictures from './pictures.js';
import * as acts from './acts.js';
import { frame, office } from './frame.js';
import { conflictCards } from './conflict.js';
import { takenAt, thumb } from './look.js';

const fields = ['representatives', 'head_absent', 'witnesses', 'strengths', 'requests', 'opinion'];

/** @param {any} _me @param {string} id */
export async function minutesView(_me, id) {
  let v = checks.visit(id);
  if (!v || v.visit.state === 'IN_PROGRESS') v = await checks.openVisit(id);
  const timer = setInterval(() => { void checks.refresh(id); }, 5000);
  /** Scans that the person does not mean. @type {Set<string>} */
  const left = new Set();
  const scans = () => checks.scans(v).filter((f) => !left.has(f));
  let closing = false;

  async function addScans(/** @type {any} */ input) {
    for (const file of input.files) await acts.addPhoto(id, file, { kind: 'DOCUMENT_SCAN', hang: false });
    input.value = '';
  }

  /** Whether the server has what this tablet shows. */
  const known = () => v.visit.state === v.state.phase;

  /** @param {string} type @param {any} payload */
  async function close(type, payload) {
    closing = true;
    try {
      const { done } = await acts.act(id, type, payload);
      await acts.answered(done);
      v = await checks.openVisit(id);
    } finally {
      closing = false;
      changed();
    }
    if (v.state.phase === 'MINUTES_SIGNED' || v.state.phase === 'MINUTES_UNSIGNED') say(t(known() ? 'tablet.minutes.closed' : 'tablet.minutes.closed.waiting'));
  }

  async function sign() {
    await acts.settled();
    if (!v.state.minutes.representatives) { say(t('visit.error.representatives'), 'bad'); return; }
    if (!v.state.minutes.opinion) { say(t('visit.error.opinion'), 'bad'); return; }
    if (scans().length === 0) { say(t('visit.error.scan'), 'bad'); return; }
    const sure = await ask(t('tablet.sign.title'), [h('p', null, t('tablet.sign.text'))], [{ label: t('tablet.sign'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (sure) await close('sign', { scans: scans() });
  }

  async function refuse() {
    await acts.settled();
    if (!v.state.minutes.representatives) { say(t('visit.error.representatives'), 'bad'); return; }
    const reason = h('textarea', { id: 'refuse-reason', maxlength: 300 }), witness = h('input', { id: 'refuse-witness', maxlength: 300, value: v.state.minutes.witnesses ?? '' });
    const sure = await ask(t('tablet.refuse.title'), [h('p', null, t('tablet.refuse.text')), h('label', { for: 'refuse-reason' }, t('tablet.refuse.reason')), reason,
      h('label', { for: 'refuse-witness' }, t('tablet.refuse.witness')), h('p', { class: 'hint' }, t('tablet.attendance.no_names')), witness],
    [{ label: t('tablet.refuse'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => {
      const empty = [reason, witness].find((f) => !f.value.trim());
      return empty ? [empty, t('tablet.refuse.needed')] : null;
    });
    if (!sure) return;
    const all = scans();
    await close('refuse_to_sign', { reason: reason.value.trim(), witness: witness.value.trim(), ...(all.length ? { scans: all } : {}) });
  }

  /** @param {string} name */
  function field(name) {
    const value = v.state.minutes[name] ?? '';
    const needed = (name === 'representatives' || name === 'opinion') && !value && v.state.phase === 'MINUTES_DRAFT';
    const set = (/** @type {string} */ text) => acts.act(id, 'minutes', { [name]: text });
    return h('div', { class: `field${needed ? ' wrong' : ''}` }, h('label', { for: `m-${name}` }, t(`tablet.minutes.${name}`), needed ? h('span', { class: 'soon' }, ` · ${t('tablet.minutes.needed')}`) : null),
      h('p', { class: 'hint', id: `m-${name}-hint` }, t(`tablet.minutes.${name}.hint`)),
      h('textarea', { id: `m-${name}`, 'data-key': `m-${name}`, 'aria-describedby': `m-${name}-hint`, value, maxlength: 4000, onchange: (/** @type {any} */ e) => set(e.target.value.trim()) }),
      name === 'opinion' && !value ? h('button', { class: 'phrase', 'data-key': 'agree', onclick: () => set(t('tablet.minutes.agree')) }, t('tablet.minutes.agree')) : null);
  }

  /** What was found, as it will be read out. */
  function found() {
    const bad = v.items.filter((/** @type {any} */ it) => it.applies && checks.fails(v, it)), sum = attendance(v.rules, v.state);
    return [h('h2', null, t('tablet.minutes.found', { n: bad.length })),
      sum ? h('p', null, sum.outside ? [t('tablet.attendance.seen', { present: sum.seen, staff: v.state.rows.length }), '. ', t('tablet.attendance.outside')]
        : t('tablet.attendance.sum', { time: when(v.state.countedAt).slice(11), present: sum.present, required: sum.required, excused: sum.excused, unexcused: sum.unexcused, late: sum.late })) : null,
      bad.length === 0 ? h('p', { class: 'empty' }, t('tablet.minutes.found.none')) : null,
      bad.map((/** @type {any} */ it) => {
        const d = v.state.drafts[it.key] ?? {}, a = v.state.answers[it.key];
        return h('article', { class: 'card edge-late', 'data-found': it.key }, h('h3', null, h('span', { class: 'code' }, it.code), ' ', it.text), h('p', null, d.text || a?.note || t('tablet.finding.default', { text: it.text })),
          h('p', { class: 'muted' }, [t(`severity.${d.severity ?? it.severity}`), t('tablet.minutes.photos.n', { n: (v.state.photos[it.key] ?? []).length }), a?.fixed ? t('tablet.fixed') : ''].filter(Boolean).join(' · ')),
          h('p', null, h('strong', null, t('tablet.finding.remedy')), ' ', d.remedy || t('tablet.finding.default_remedy', { item: it.code })));
      })];
  }

  function draw() {
    const phase = v.state.phase, all = scans();
    const open = phase === 'MINUTES_DRAFT' || phase === 'CANNOT_INSPECT';
    return frame(v.visit.desk || v.visit.organisation,
      h('p', null, h('span', { class: 'tag plain' }, t(`visit.state.${phase}`)), known() ? null : [' ', h('span', { class: 'tag soon' }, t('tablet.minutes.unsent'))], ' ', t('tablet.minutes.times', { start: when(v.visit.checked_in_at), end: when(v.visit.ended_at || checks.finished(v)) })),
      h('p', { class: 'actions' }, office(`/visits/${id}/minutes`, t('tablet.minutes.paper'), { target: '_blank', rel: 'noopener' }),
        office(`/visits/${id}/photos`, t('tablet.minutes.photos')), phase === 'IN_PROGRESS' ? h('a', { class: 'button primary', href: `#/visit/${id}` }, t('tablet.back')) : null),
      phase === 'MINUTES_DRAFT' && v.findings.length === 0 ? found() : null,
      open ? [conflictCards(v, () => true), h('h2', null, t('tablet.minutes')), h('p', { class: 'muted' }, t('tablet.minutes.intro')), fields.filter((name) => name !== 'strengths' || (phase === 'MINUTES_DRAFT' && v.findings.length === 0)).map(field)] : null,
      phase === 'MINUTES_DRAFT' ? [h('h2', null, t('tablet.sign.title')), h('p', null, t('tablet.minutes.how')),
        h('div', { class: 'strip' }, all.map((f, i) => h('figure', { class: 'shot', 'data-key': `scan-${f}` }, thumb({ file: f, name: t('tablet.scan.n', { n: i + 1 }), at: takenAt(v, f) }), h('figcaption', { class: pictures.fileStatus(f).state === 'safe' ? 'good' : 'soon' }, t(`tablet.photo.${pictures.fileStatus(f).state}`, { percent: Math.round(pictures.fileStatus(f).share * 100) })),
          h('button', { class: 'quiet', 'data-key': `leave-${f}`, onclick: () => { left.add(f); changed(); } }, t('tablet.scan.leave'))))),
        h('div', { class: 'actions' }, h('label', { class: 'button shoot' }, h('input', { type: 'file', accept: 'image/jpeg,image/png,application/pdf', multiple: true, class: 'visually-hidden', 'data-photo': 'scan', 'data-key': 'scan', onchange: (/** @type {any} */ e) => addScans(e.target) }), t('tablet.scan.add')),
          h('button', { class: 'primary', 'data-key': 'sign', disabled: closing || !v.may.finish, onclick: sign }, t('tablet.sign')),
          h('button', { class: 'danger', 'data-key': 'refuse', disabled: closing || !v.may.finish, onclick: refuse }, t('tablet.refuse')))] : null,
      phase === 'MINUTES_SIGNED' || phase === 'MINUTES_UNSIGNED' ? known() ? h('div', { class: 'notice good', 'data-key': 'closed' }, h('p', null, t('tablet.minutes.after')), h('p', null, office(`/visits/${id}`, t('tablet.office.visit'), { class: 'button primary' })))
        : h('div', { class: 'notice', 'data-key': 'closed' }, h('p', null, t('tablet.minutes.after.waiting'))) : null,
      phase === 'CANNOT_INSPECT' ? h('div', { class: 'notice' }, h('p', null, t('tablet.cannot.after')), h('p', null, office(`/visits/${id}`, t('tablet.office.visit')))) : null);
  }

  return { draw, stop: () => clearInterval(timer) };
}
