// Two who did not know of each other said different things: both stand here, with who
// said them and when, until somebody of the team chooses.

import { h, t, when } from './dom.js';
import * as acts from './acts.js';
import { conflicts } from './fold.js';

/**
 * The conflicts of some registers, empty where there are none.
 * @param {any} v the check
 * @param {(register: string) => boolean} about
 */
export function conflictCards(v, about) {
  const all = Object.entries(conflicts(v.state)).filter(([register]) => about(register)).sort();
  return all.map(([register, heads]) => h('section', { class: 'notice bad conflict', 'aria-label': t('tablet.conflict'), 'data-conflict': register },
    h('p', null, h('strong', null, t(`tablet.conflict.${register.split('/')[0]}`)), ' ', t('tablet.conflict.text')),
    h('ul', { class: 'conflict-values' }, heads.map((/** @type {any} */ head) => h('li', null,
      h('p', { class: 'conflict-value' }, words(register, head.value)),
      h('p', { class: 'small muted' }, t('tablet.conflict.by', { name: nameOf(v, head.value.author), time: when(head.value.at), device: (head.value.device ?? '').slice(-4) })),
      h('button', { 'aria-label': choose(words(register, head.value)), 'data-key': `choose-${register}-${head.operation.id}`, 'data-choose': register,
        onclick: () => acts.act(v.visit.id, 'choose', { register, operation: head.operation.id,
          over: heads.map((/** @type {any} */ o) => o.operation.id).filter((/** @type {string} */ id) => id !== head.operation.id) }) }, words(register, head.value).length < 30 ? choose(words(register, head.value)) : t('tablet.conflict.choose')))))));
}

/** @param {string} value */
const choose = (value) => t('tablet.conflict.choose_this', { value });

/** Whether a register belongs to an item of the checklist. @param {string} key */
export const ofItem = (key) => (/** @type {string} */ register) => /^(answer|note|fixed|finding)\//.test(register) && register.endsWith(`/${key}`);

/** @param {any} v @param {string} person */
const nameOf = (v, person) => v.members?.find((/** @type {any} */ m) => m.person === person)?.name ?? t('tablet.conflict.somebody');

/** What was said, in words. @param {string} register @param {any} op */
function words(register, op) {
  const p = op.payload, kind = register.split('/')[0];
  if (kind === 'minutes') return p[register.slice(8)] || t('tablet.conflict.nothing');
  switch (op.type) {
    case 'answer':
      if (p.value === 'COUNT') return t('tablet.conflict.count', { of: p.of ?? 0, failing: p.failing ?? 0 });
      return p.value ? [t(`tablet.value.${p.value}`), p.na_reason ? `: ${p.na_reason}` : ''].join('') : t('tablet.conflict.nothing');
    case 'note': return p.text || t('tablet.conflict.nothing');
    case 'fixed': return t(p.fixed ? 'tablet.fixed' : 'tablet.conflict.not_fixed');
    case 'finding': return [t(`severity.${p.severity}`), p.text, p.remedy].filter(Boolean).join(' · ');
    case 'verdict': return [t(`tablet.verdict.${p.verdict}`), p.text].filter(Boolean).join(': ');
    case 'attendance_drop': return t('tablet.attendance.drop');
    case 'attendance_row': {
      const there = p.present === undefined ? t('tablet.conflict.nothing') : t(p.present ? (p.arrived ? 'tablet.attendance.late' : 'tablet.attendance.present') : 'tablet.attendance.absent');
      return [p.position, there, p.arrived, p.reason ? t(`tablet.absence.${p.reason}`) : '', p.present ? t(p.badge ? 'tablet.attendance.badge' : 'tablet.attendance.no_badge') : '',
        p.present ? t(p.dress ? 'tablet.attendance.dress' : 'tablet.attendance.no_dress') : ''].filter(Boolean).join(' · ');
    }
  }
  return '';
}
