// The tablet app: who is signed in, and which page stands in the address.

import { call, onSignedOut, Problem } from './api.js';
import { h, t, setWords, byId, show } from './dom.js';
import * as sync from './sync.js';
import { setPerson, bring } from './frame.js';
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
          setPerson(me);
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

onSignedOut(askPassword);
sync.onChange(draw);
addEventListener('hashchange', route);
addEventListener('online', () => { void sync.flush(); });

me = await call('GET', '/api/v1/session');
setPerson(me);
if (me.must_change) location.href = '/password';
else {
  await sync.start(me.person);
  await route();
}
