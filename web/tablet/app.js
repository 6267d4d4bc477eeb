// The tablet app: who is signed in, and which page stands in the address.

import { call, onSignedOut, Problem } from './api.js';
import { h, t, setWords, byId, show } from './dom.js';
import * as hand from './hand.js';
import * as store from './store.js';
import { onChange } from './state.js';
import * as link from './link.js';
import * as acts from './acts.js';
import * as sync from './sync.js';
import * as update from './update.js';
import * as vault from './vault.js';
import { setPerson, bring } from './frame.js';
import { askPassword, signInPage } from './signin.js';
import { deviceView } from './device.js';
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
  { at: /^device$/, view: deviceView },
  { at: /^cannot\/([0-9a-f-]{36})$/, view: cannotView },
];

/** @type {{draw: () => any, stop?: () => void, shown?: () => void} | null} */
let current = null;

/** Counts the ways that were taken: a page that is ready only when the person has gone on is not shown. */
let way = 0;

async function route() {
  const mine = ++way;
  const path = location.hash.replace(/^#\/?/, '');
  const found = routes.find((r) => r.at.test(path)) ?? routes[0];
  const args = (path.match(found.at) ?? []).slice(1);
  current?.stop?.();
  current = null;
  byId('toast').hidden = true;
  show(byId('app'), h('p', { class: 'loading', role: 'status' }, t('tablet.loading')));
  try {
    const page = await /** @type {any} */ (found.view)(me, ...args);
    if (mine !== way) { page?.stop?.(); return; }
    current = page;
    show(byId('app'), current?.draw());
    if (args[2] && bring(args[2], '')) return;
    byId('app').querySelector('h1')?.focus?.({ preventScroll: true });
    scrollTo(0, 0);
    current?.shown?.();
  } catch (e) {
    if (mine !== way) return;
    const words = e instanceof Problem && e.status !== 0 && e.message ? e.message : t('tablet.error.offline');
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

/** Other tabs of the app on this device. */
const tabs = new BroadcastChannel('congvu');

/**
 * Ends the person's work on this device: keys, pictures, page and history of this tab
 * are gone with the page that loads next; what is unsent stays encrypted.
 */
async function signOut() {
  await acts.settled();
  way++;
  current?.stop?.();
  current = null;
  me = null;
  vault.lock();
  sync.stop();
  show(byId('app'), h('p', { class: 'loading', role: 'status' }, t('tablet.loading')));
  byId('toast').textContent = '';
  document.querySelectorAll('dialog').forEach((d) => d.remove());
  await link.signOut().catch((e) => console.warn(e));
  tabs.postMessage('signed out');
  history.replaceState(null, '', '/tablet/');
  location.reload();
}
tabs.onmessage = async () => {
  await acts.settled();
  location.reload();
};
/** A tab that goes may leave something unsent to those that stay. */
const leaving = new BroadcastChannel('congvu left');
leaving.onmessage = () => { void acts.takeUp(); };
addEventListener('pagehide', () => leaving.postMessage(''));
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void acts.takeUp(); });

addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });

/** Signs in again in place. */
async function again() {
  if (!me || !(await askPassword(device, me))) return false;
  link.signedIn();
  return true;
}

/**
 * Opens the vault: with the server's key when the session is alive and this device can
 * be opened without a network too, else by the password.
 * @param {(page: any) => void} put
 * @returns {Promise<{person: vault.Person, keys: vault.Keys, signedIn: boolean}>}
 */
async function openVault(put) {
  const vaults = await store.vaults();
  /** @type {'first'|'offline'|''} */
  let why = '';
  try {
    const who = await link.whoIsThere(vaults.length ? 5000 : 20000);
    if (who.must_change) {
      location.href = '/password';
      return new Promise(() => {});
    }
    const { key } = await call('POST', '/api/v1/session/key', { device }, { quiet: true, timeout: 10000 });
    const keys = await vault.keysOf(key);
    if (vaults.some((v) => v.owner === keys.owner)) {
      return { person: { person: who.person, name: who.name, username: '', simulated: who.simulated }, keys, signedIn: true };
    }
    why = 'first';
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    if (e.passing) why = 'offline';
  }
  return signInPage(device, why, put);
}

let device = '';

async function begin() {
  const put = (/** @type {any} */ page) => { show(byId('app'), page); byId('app').querySelector('input')?.focus(); };
  put(h('p', { class: 'loading', role: 'status' }, t('tablet.loading')));
  if (!vault.usable()) {
    put(h('main', { class: 'app-main' }, h('h1', null, t('tablet.insecure.title')), h('div', { class: 'notice bad', role: 'alert' }, h('p', null, t('tablet.insecure')))));
    return;
  }
  try {
    ({ device } = await sync.openDevice());
    await hand.start();
    await update.start(draw);
    const { person, keys, signedIn } = await openVault(put);
    vault.unlock(keys);
    me = person;
    setPerson(me, signOut, again);
    onSignedOut(again);
    await sync.start(person, signedIn);
  } catch (e) {
    console.warn(e);
    put(h('main', { class: 'app-main' }, h('h1', null, 'congvu'), h('div', { class: 'notice bad', role: 'alert' }, h('p', null, t('tablet.no_memory'))), h('button', { class: 'primary', onclick: () => location.reload() }, t('tablet.again'))));
    return;
  }
  onChange(draw);
  addEventListener('hashchange', route);
  await route();
}

await begin();
