// The tablet app: who is signed in, which page stands in the address, and the frame
// around it.

import { call, onSignedOut, Problem } from './api.js';
import { h, t, setWords, byId, show, say } from './dom.js';
import * as sync from './sync.js';
import { todayView } from './today.js';
import { visitView } from './inspect.js';
import { attendanceView } from './attendance.js';
import { minutesView } from './minutes.js';
import { cannotView } from './cannot.js';

setWords(JSON.parse(byId('words').textContent));

/** @type {any} */
let me = null;

const routes = [
  { at: /^$/, view: todayView },
  { at: /^visit\/([0-9a-f-]{36})(?:\/([A-Z]))?(?:\/(\w+))?$/, view: visitView },
  { at: /^attendance\/([0-9a-f-]{36})$/, view: attendanceView },
  { at: /^minutes\/([0-9a-f-]{36})$/, view: minutesView },
  { at: /^cannot\/([0-9a-f-]{36})$/, view: cannotView },
];

/** @type {{draw: () => any, stop?: () => void, shown?: () => void} | null} */
let current = null;

/**
 * Brings an item into view and puts the focus on what is open in it; false when it is
 * not on the page.
 * @param {string} key
 * @param {string} what a photo, or anything else
 */
export function bring(key, what) {
  const card = document.getElementById(`item-${key}`);
  if (!card) return false;
  card.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  const counts = [.../** @type {NodeListOf<HTMLInputElement>} */ (card.querySelectorAll('[data-count]'))];
  const answered = card.querySelector('.choice[aria-pressed=true]') || counts.every((i) => i.value !== '');
  const photo = what === 'PHOTO' || (what === '' && answered);
  /** @type {HTMLElement | null} */ (photo ? card.querySelector('input[data-photo]') : counts.find((i) => i.value === '') ?? card.querySelector('.choice, a.button, button, input'))?.focus({ preventScroll: true });
  card.classList.remove('found');
  requestAnimationFrame(() => card.classList.add('found'));
  return true;
}

/** Goes to a page of the app. @param {string} to */
export function go(to) { location.hash = `#/${to}`; }

async function route() {
  const path = location.hash.replace(/^#\/?/, '');
  const found = routes.find((r) => r.at.test(path)) ?? routes[0];
  const args = (path.match(found.at) ?? []).slice(1);
  current?.stop?.();
  current = null;
  byId('toast').hidden = true;
  show(byId('app'), h('p', { class: 'loading', role: 'status' }, t('tablet.loading')));
  try {
    current = await /** @type {any} */ (found.view)(me, ...args);
    show(byId('app'), current?.draw());
    if (args[2] && bring(args[2], '')) return;
    byId('app').querySelector('h1')?.focus?.({ preventScroll: true });
    scrollTo(0, 0);
    current?.shown?.();
  } catch (e) {
    const words = e instanceof Problem && e.status !== 0 ? e.message : t('tablet.error.offline');
    show(byId('app'), h('main', { class: 'app-main' }, h('div', { class: 'notice bad', role: 'alert' }, h('p', null, words)),
      h('div', { class: 'actions' }, h('button', { class: 'primary', onclick: route }, t('tablet.again')), h('a', { class: 'button', href: '#/' }, t('tablet.today')))));
    if (!(e instanceof Problem)) throw e;
  }
}

let drawing = false;
function draw() {
  if (!current || drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (current) show(byId('app'), current.draw());
  });
}

/** The password is asked for where the person stands; nothing on the page is lost. */
function askPassword() {
  return new Promise((resolve) => {
    const again = document.querySelector('dialog.sign-in');
    if (again) { again.addEventListener('close', () => resolve(undefined)); return; }
    const problem = h('p', { class: 'wrong-text', role: 'alert' });
    const name = h('input', { id: 'in-name', autocomplete: 'username', autocapitalize: 'none', required: true, value: '' });
    const word = h('input', { id: 'in-word', type: 'password', autocomplete: 'current-password', required: true });
    const dialog = h('dialog', { class: 'ask sign-in', 'aria-labelledby': 'in-title' },
      h('form', { onsubmit: async (/** @type {Event} */ e) => {
        e.preventDefault();
        problem.textContent = '';
        try {
          const who = await call('POST', '/api/v1/session', { username: name.value, password: word.value, device: sync.deviceName() || undefined }, { quiet: true });
          if (me && me.person !== who.person) { location.reload(); return; }
          if (who.must_change) { location.href = '/password'; return; }
          me = who;
          dialog.close();
          dialog.remove();
          resolve(undefined);
        } catch (error) {
          problem.textContent = error instanceof Problem && error.status !== 0 ? error.message : t('tablet.error.offline');
        }
      } }, h('h2', { id: 'in-title' }, t('login.title')), me ? h('p', null, t('tablet.signin.kept')) : null,
      h('div', { class: 'field' }, h('label', { for: 'in-name' }, t('login.username')), name),
      h('div', { class: 'field' }, h('label', { for: 'in-word' }, t('login.password')), word), problem,
      h('button', { class: 'primary', type: 'submit' }, t('login.submit'))));
    dialog.addEventListener('cancel', (/** @type {Event} */ e) => e.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Where a page of the app stands: name, state of the photos, who. */
export function frame(/** @type {string} */ title, /** @type {any[]} */ ...body) {
  const s = sync.status(location.hash.match(/[0-9a-f-]{36}/)?.[0]);
  const waiting = s.waiting + s.acts;
  const words = [s.safe ? t('tablet.sync.photos', { n: s.safe }) : s.waiting || s.acts ? '' : t('tablet.sync.safe'),
    s.waiting ? t('tablet.sync.photos_waiting', { n: s.waiting }) : '', s.acts ? t('tablet.sync.acts_waiting', { n: s.acts }) : ''].filter(Boolean).join(', ');
  return [
    h('a', { class: 'skip', href: '#main', onclick: (/** @type {Event} */ e) => { e.preventDefault(); byId('main').focus(); } }, t('page.skip')),
    me?.simulated ? h('div', { class: 'stamp', role: 'note' }, t('page.simulated')) : null,
    h('header', { class: 'app-top' },
      location.hash.length > 2 ? h('a', { class: 'back', href: '#/', 'aria-label': t('tablet.today') }, '‹') : h('span', { class: 'brand' }, 'congvu'),
      h('h1', { tabindex: -1 }, title),
      h('p', { class: `sync ${s.offline ? 'late' : waiting ? 'soon' : 'good'}`, role: 'status' },
        s.offline ? `${t('tablet.sync.offline')} · ${words}` : words),
      h('details', { class: 'menu' }, h('summary', null, h('span', null, me?.name ?? '')),
        h('div', null, h('a', { class: 'button', href: '/visits' }, t('tablet.office')), h('button', { onclick: signOut }, t('page.sign_out'))))),
    h('main', { id: 'main', class: 'app-main', tabindex: -1 }, ...body),
  ];
}

async function signOut() {
  const s = sync.status();
  if (s.waiting + s.acts > 0) { say(t('tablet.signout.unsent', { n: s.waiting + s.acts }), 'bad'); return; }
  await call('DELETE', '/api/v1/session').catch(() => null);
  location.href = '/login';
}

onSignedOut(askPassword);
sync.onChange(draw);
addEventListener('hashchange', route);
addEventListener('online', () => { void sync.flush(); });

me = await call('GET', '/api/v1/session');
if (me.must_change) location.href = '/password';
else {
  await sync.start(me.person);
  await route();
}
