// The attendance table: who had to be there, who was, counted at one fixed time.

import { h, t, when, ask, say } from './dom.js';
import * as checks from './checks.js';
import * as acts from './acts.js';
import { frame, bring } from './frame.js';
import { attendance, newID } from './fold.js';
import { conflictCards } from './conflict.js';

const reasons = ['LEAVE', 'MISSION', 'MEETING', 'STUDY', 'SICK', 'MATERNITY', 'COMPENSATION', 'OTHER', 'UNKNOWN'];

/** @param {any} _me @param {string} id */
export async function attendanceView(_me, id) {
  const v = checks.visit(id) ?? (await checks.openVisit(id));
  const timer = setInterval(() => { void checks.refresh(id); }, 5000);

  /** @param {any} row @param {any} change */
  const set = (row, change) => {
    const next = { ...row, ...change };
    if (next.present) { delete next.reason; delete next.documented; }
    else { delete next.arrived; delete next.badge; delete next.dress; }
    return acts.act(id, 'attendance_row', next);
  };

  const begin = () => acts.act(id, 'attendance_begin', { rows: v.roster.map((/** @type {any} */ r) => ({ id: newID(), post: r.post, position: r.position, field: r.field, required: r.required })) });

  const open = () => v.state.rows.filter((/** @type {any} */ r) => r.present === undefined || (!r.present && r.required && !r.reason));

  const unsaidOf = () => v.state.rows.filter((/** @type {any} */ r) => r.present === undefined).length;

  /** What is still open, in words that agree with the button above. */
  function left() {
    const all = open().length, unsaid = unsaidOf();
    return [unsaid ? t('tablet.attendance.unsaid', { n: unsaid }) : '', all > unsaid ? t('tablet.attendance.unexplained', { n: all - unsaid }) : ''].filter(Boolean).join(', ') || t('tablet.attendance.complete');
  }

  /** One tap for a room where all the others are at their desks. */
  function restPresent() {
    for (const row of v.state.rows) if (row.present === undefined) void set(row, { present: true, badge: true, dress: true });
  }

  async function add() {
    const position = h('input', { id: 'row-position', maxlength: 300, required: true });
    const sure = await ask(t('tablet.attendance.add'), [h('label', { for: 'row-position' }, t('tablet.attendance.position')), h('p', { class: 'hint' }, t('tablet.attendance.no_names')), position],
      [{ label: t('tablet.attendance.add'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
    if (!position.value.trim()) { say(t('error.required'), 'bad'); return; }
    await acts.act(id, 'attendance_row', { id: newID(), position: position.value.trim(), required: true });
  }

  /** What somebody present wears: always said, in order or not. @param {any} row @param {'badge'|'dress'} what */
  const worn = (row, what) => h('button', { class: `choice ${row[what] ? '' : 'no'}`, 'aria-pressed': true, 'data-key': `${row.id}-${what}`,
    onclick: () => set(row, { [what]: !row[what] }) }, t(`tablet.attendance.${row[what] ? what : `no_${what}`}`));

  /** @param {any} row @param {number} n */
  function line(row, n) {
    const toggle = (/** @type {string} */ label, /** @type {boolean} */ on, /** @type {any} */ change, /** @type {string} */ key) =>
      h('button', { class: 'choice', 'aria-pressed': on, 'data-key': `${row.id}-${key}`, 'data-value': key, onclick: () => set(row, change) }, label);
    return h('article', { class: 'card person', 'data-row': n, id: `item-${row.id}` },
      h('h3', null, `${n + 1}. ${row.position}`, row.field ? h('span', { class: 'muted' }, ` · ${row.field}`) : null),
      row.required ? null : h('p', { class: 'hint' }, t('tablet.attendance.not_required')),
      h('div', { class: 'choices', role: 'group', 'aria-label': row.position }, toggle(t('tablet.attendance.present'), row.present === true && !row.arrived, { present: true, arrived: undefined, badge: row.badge ?? true, dress: row.dress ?? true }, 'present'),
        toggle(t('tablet.attendance.late'), row.present === true && !!row.arrived, { present: true, arrived: row.arrived || when(new Date().toISOString()).slice(11), badge: row.badge ?? true, dress: row.dress ?? true }, 'late'),
        toggle(t('tablet.attendance.absent'), row.present === false, { present: false, reason: row.reason }, 'absent'),
      row.present ? [h('span', { class: 'gap' }),
        worn(row, 'badge'), worn(row, 'dress')] : null),
      row.present && row.arrived ? h('div', { class: 'field' }, h('label', { for: `arr-${row.id}` }, t('tablet.attendance.arrived')), h('input', { id: `arr-${row.id}`, type: 'time', value: row.arrived, 'data-key': `arr-${row.id}`, onchange: (/** @type {any} */ e) => { if (e.target.value) void set(row, { arrived: e.target.value }); } })) : null,
      row.present === false ? h('div', { class: 'row' }, h('div', { class: 'field' }, h('label', { for: `why-${row.id}` }, t('tablet.attendance.reason')),
        h('select', { id: `why-${row.id}`, 'data-key': `why-${row.id}`, onchange: (/** @type {any} */ e) => set(row, { reason: e.target.value || undefined }) },
          h('option', { value: '', selected: !row.reason }, t('tablet.choose')), reasons.map((r) => h('option', { value: r, selected: r === row.reason }, t(`tablet.absence.${r}`))))),
      h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: !!row.documented, 'data-key': `doc-${row.id}`, onchange: (/** @type {any} */ e) => set(row, { documented: e.target.checked }) }), t('tablet.attendance.documented'))) : null,
      row.post ? null : h('button', { class: 'quiet', 'data-key': `drop-${row.id}`, onclick: () => acts.act(id, 'attendance_drop', { id: row.id }) }, t('tablet.attendance.drop')));
  }

  function draw() {
    const sum = attendance(v.rules, v.state);
    if (!sum) {
      return frame(t('tablet.attendance'), h('p', null, t('tablet.attendance.intro', { n: v.roster.length })),
        h('p', { class: 'actions' }, h('button', { class: 'primary big', 'data-key': 'begin', onclick: begin }, t('tablet.attendance.begin'))),
        h('a', { class: 'button', href: `#/visit/${id}/A` }, t('tablet.back')));
    }
    return [...frame(t('tablet.attendance'),
      h('div', { class: 'sums', role: 'status' }, h('p', null, h('strong', null, t('tablet.attendance.at', { time: when(v.state.countedAt) }))),
        sum.outside ? [h('p', null, t('tablet.attendance.seen', { present: sum.seen, staff: v.state.rows.length })), h('p', { class: 'soon' }, t('tablet.attendance.outside'))]
          : h('p', null, t('tablet.attendance.sum', { time: when(v.state.countedAt).slice(11), present: sum.present, required: sum.required, excused: sum.excused, unexcused: sum.unexcused, late: sum.late }))),
      unsaidOf() > 1 && v.state.phase === 'IN_PROGRESS' ? h('p', { class: 'actions' }, h('button', { 'data-key': 'rest-present', onclick: restPresent }, t('tablet.attendance.rest', { n: unsaidOf() }))) : null,
      v.state.phase === 'IN_PROGRESS' ? conflictCards(v, (r) => r.startsWith('row/')) : null,
      v.state.phase === 'IN_PROGRESS' ? v.state.rows.map((/** @type {any} */ r, /** @type {number} */ i) => line(r, i)) : h('p', { class: 'notice' }, t('tablet.visit.closed', { state: t(`visit.state.${v.visit.state}`) })),
      h('p', { class: 'actions' }, h('button', { onclick: add, 'data-key': 'add-row' }, t('tablet.attendance.add')))),
    h('div', { class: 'app-bar' }, h('p', { role: 'status' }, left()),
      h('a', { class: 'button primary', href: `#/visit/${id}/A` }, t('tablet.attendance.done')))];
  }

  /** Where the count was left. */
  const shown = () => { const first = open()[0]; if (first && first !== v.state.rows[0]) bring(first.id, ''); };

  return { draw, shown, stop: () => clearInterval(timer) };
}
