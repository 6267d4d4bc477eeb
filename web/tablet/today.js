// Today's checks: those planned that the person knows of, those under way.

import { h, t, say, day, when, ask } from './dom.js';
import { changed, onChange } from './state.js';
import * as checks from './checks.js';
import { handover, isReady, today } from './day.js';
import * as acts from './acts.js';
import * as pictures from './pictures.js';
import * as sync from './sync.js';
import { frame, go } from './frame.js';

/** @param {any} _me */
export async function todayView(_me) {
  let { data: list, fresh } = await today();
  let busy = '', gone = false;
  const look = async () => {
    if (busy !== '') return;
    ({ data: list, fresh } = await today());
    changed();
  };
  const timer = setInterval(() => { void look().catch(() => {}); }, 15000);
  const watch = onChange(() => { if (!fresh && sync.status().net === 'ok' && busy === '') { fresh = true; void look().catch(() => {}); } });

  /** @param {any} target */
  async function checkIn(target) {
    const sure = await ask(t('tablet.checkin.title'), [
      h('p', null, t('tablet.checkin.text', { number: target.decision_number, date: day(target.decision_date) })),
      h('p', null, h('strong', null, target.desk || target.organisation)),
      h('p', { class: 'hint' }, t('tablet.checkin.location'))],
    [{ label: t('tablet.checkin.go'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
    busy = target.id;
    changed();
    try {
      const [place, bundle] = await Promise.all([locate(), handover(target.id)]);
      if (!bundle && sync.status().net !== 'ok') { say(t('tablet.checkin.not_here'), 'bad'); return; }
      const { visit, done } = await acts.begin(target.id, bundle, place);
      if (sync.status().net === 'ok') await acts.answered(done); // a server that is there may know better
      if (gone) return;
      if (checks.visit(visit) && !checks.visit(visit).refused) { go(`visit/${visit}`); return; }
      ({ data: list, fresh } = await today());
    } finally {
      busy = '';
      changed();
    }
  }

  /** Whether a check can be begun without a network. @param {any} x */
  function readiness(x) {
    if (isReady(x.id) && navigator.serviceWorker?.controller) return h('p', { class: 'good small' }, `✓ ${t('tablet.today.ready')}`);
    return fresh ? null : h('p', { class: 'soon small' }, t('tablet.today.not_here'));
  }

  return {
    draw: () => frame(t('tablet.today'),
      fresh ? h('p', { class: 'muted' }, t('tablet.today.date', { date: when(list.now).slice(0, 10) }))
        : h('div', { class: 'notice' }, h('p', null, list.now ? t('tablet.today.kept', { time: when(list.now) }) : t('tablet.today.never'))),
      h('section', { 'aria-labelledby': 'planned' }, h('h2', { id: 'planned' }, t('tablet.today.planned')),
        list.targets.length === 0 ? h('p', { class: 'empty' }, t('tablet.today.none')) : null,
        h('div', { class: 'cards' }, list.targets.map((/** @type {any} */ x) => h('article', { class: 'card' },
          h('p', { class: 'muted' }, `${day(x.planned_on)} ${x.planned_at} · ${t(`form.${x.form}`)}`),
          h('h3', null, x.desk || x.organisation), x.desk ? h('p', null, x.organisation) : null,
          h('p', { class: 'small' }, t('tablet.today.decision', { number: x.decision_number, date: day(x.decision_date) })),
          x.may_check_in ? readiness(x) : null,
          x.may_check_in
            ? h('button', { class: 'primary', disabled: busy !== '', 'data-key': x.id, onclick: () => checkIn(x) }, t('tablet.checkin'))
            : h('p', { class: 'hint' }, t('tablet.today.wait')))))),
      group('running', t('tablet.today.running'), list.visits.filter((/** @type {any} */ v) => under(v)), t('tablet.today.none_running')),
      group('closed', t('tablet.today.closed'), list.visits.filter((/** @type {any} */ v) => !under(v)))),
    stop: () => { gone = true; clearInterval(timer); watch(); },
  };
}

const order = ['IN_PROGRESS', 'SUSPENDED', 'CANNOT_INSPECT', 'MINUTES_DRAFT', 'MINUTES_SIGNED', 'MINUTES_UNSIGNED', 'REPORTED', 'CONCLUDED', 'CLOSED'];

/** How far a check is, with what was done here and is not sent yet. @param {any} v */
function phaseOf(v) {
  const here = checks.visit(v.id)?.state.phase ?? '';
  return order.indexOf(here) > order.indexOf(v.state) ? here : v.state;
}

/** Whether something is left to do on a check on the tablet. @param {any} v */
const under = (v) => order.indexOf(phaseOf(v)) < order.indexOf('MINUTES_SIGNED');

/** @param {string} id @param {string} title @param {any[]} visits @param {string} [none] words where there are none; without them the group is not shown then */
function group(id, title, visits, none) {
  return visits.length || none ? h('section', { 'aria-labelledby': id }, h('h2', { id }, title), visits.length ? h('div', { class: 'cards' }, visits.map(card)) : h('p', { class: 'empty' }, none)) : null;
}

/** A check under way or closed: one link, with what is left and the way on. @param {any} v */
function card(v) {
  const phase = phaseOf(v), known = checks.visit(v.id);
  return h('a', { class: 'card card-link', 'data-key': `visit-${v.id}`, href: `#/${phase === 'IN_PROGRESS' ? 'visit' : 'minutes'}/${v.id}` },
    h('p', { class: 'muted' }, `${when(v.checked_in_at)} · ${t(`form.${v.form}`)}`),
    h('h3', null, v.desk || v.organisation),
    h('p', null, h('span', { class: 'tag plain' }, t(`visit.state.${phase}`)), phase === v.state ? null : [' ', h('span', { class: 'tag soon' }, t('tablet.minutes.unsent'))]),
    phase === 'IN_PROGRESS' && known ? h('p', { class: 'small' }, left(known)) : null,
    under(v) ? h('span', { class: 'button primary' }, t(phase === 'IN_PROGRESS' ? 'tablet.today.go_on' : 'tablet.today.minutes')) : null);
}

/** What is left of a check, as far as the tablet knows it. @param {any} v */
function left(v) {
  const todo = checks.toDo(v), photos = todo.filter((o) => o.what === 'PHOTO').length, waiting = pictures.waitingFiles().filter((f) => f.visit === v.visit.id).length;
  const items = todo.filter((o) => o.what === 'ANSWER' || o.what === 'ATTENDANCE' || o.what === 'VERDICT').length;
  const open = items ? t('tablet.left.answers', { n: items }) : photos ? t('tablet.left.photos', { n: photos }) : todo.some((o) => o.what === 'CHOICE') ? '' : t('tablet.left.none');
  return [open, waiting ? t('tablet.sync.photos_waiting', { n: waiting }) : ''].filter(Boolean).join(' · ');
}

/** So long the person may think about the place, in ms. */
const THINKING = 20000;

/** The place, if the person allows it; the check goes on without, as it does when nobody answers the browser's question. @returns {Promise<any>} */
function locate() {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ location: 'UNKNOWN' }), THINKING);
    if (!navigator.geolocation) { resolve({ location: 'UNKNOWN' }); return; }
    navigator.geolocation.getCurrentPosition(
      (p) => resolve({ location: 'GIVEN', latitude: p.coords.latitude, longitude: p.coords.longitude, accuracy: p.coords.accuracy }),
      (e) => resolve({ location: e.code === e.PERMISSION_DENIED ? 'DENIED' : 'UNKNOWN' }),
      { enableHighAccuracy: true, timeout: 8000, maximumAge: 60000 });
  });
}
