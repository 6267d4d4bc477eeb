// The frame around every page of the app, the way from page to page, and the way to an
// item on it.

import { h, t, byId, ask, say } from './dom.js';
import { changed } from './state.js';
import * as sync from './sync.js';
import * as camera from './camera.js';
import * as update from './update.js';

/** @type {any} */
let me = null;
/** @type {() => Promise<void>} */
let leave = async () => {};
/** @type {() => Promise<boolean>} */
let enter = async () => false;

/**
 * @param {any} person whose work is open
 * @param {() => Promise<void>} out ends it
 * @param {() => Promise<boolean>} again asks for the password in place
 */
export function setPerson(person, out, again) { me = person; leave = out; enter = again; }

/** Goes to a page of the app. @param {string} to */
export function go(to) { location.hash = `#/${to}`; }

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
  /** @type {HTMLElement | null} */ (photo ? card.querySelector('[data-shoot], input[data-photo]') : counts.find((i) => i.value === '') ?? card.querySelector('.choice, a.button, button, input'))?.focus({ preventScroll: true });
  card.classList.remove('found');
  requestAnimationFrame(() => card.classList.add('found'));
  return true;
}

/**
 * How it stands with what was done here, in a few words, the least important last: red
 * only where somebody has to act, amber while something waits or the network is away.
 * @param {any} s @param {number} held what the server refused
 */
function stateOf(s, held) {
  const waits = s.waiting && s.acts ? t('tablet.sync.both', { photos: s.waiting, acts: s.acts })
    : s.waiting ? t('tablet.sync.photos_waiting', { n: s.waiting }) : s.acts ? t('tablet.sync.acts_waiting', { n: s.acts }) : '';
  const words = [s.net !== 'ok' ? t(`tablet.sync.${s.net}`) : '', held ? t('tablet.sync.refused', { n: held }) : '', waits, s.safe ? t('tablet.sync.photos', { n: s.safe }) : ''].filter(Boolean);
  if (s.net === 'offline' && words.length === 1) words.push(t('tablet.sync.goes_on'));
  return { words: words.join(' · ') || t('tablet.sync.safe'), look: held || (s.net !== 'ok' && s.net !== 'offline') ? 'late' : waits || s.net !== 'ok' ? 'soon' : 'good' };
}

/** Where a page of the app stands: name, state of the photos, who, and what the person must know. */
export function frame(/** @type {string} */ title, /** @type {any[]} */ ...body) {
  const s = sync.status(location.hash.match(/[0-9a-f-]{36}/)?.[0]);
  const { refused, failed } = sync.troubles(), held = refused.length + failed.length;
  const state = stateOf(s, held);
  return [
    h('a', { class: 'skip', href: '#main', onclick: (/** @type {Event} */ e) => { e.preventDefault(); byId('main').focus(); } }, t('page.skip')),
    me?.simulated ? h('div', { class: 'stamp', role: 'note' }, t('page.simulated')) : null,
    h('header', { class: 'app-top' },
      location.hash.length > 2 ? h('a', { class: 'back', href: '#/', 'aria-label': t('tablet.today') }, '‹') : h('span', { class: 'brand' }, 'congvu'),
      h('h1', { tabindex: -1 }, title),
      h('p', { class: `sync ${state.look}`, role: 'status' }, state.words),
      h('details', { class: 'menu', 'data-key': 'menu' }, h('summary', null, h('span', null, me?.name ?? '')),
        h('div', null, h('a', { class: 'button', href: '#/device' }, t('tablet.device')), office('/visits', t('tablet.office')), h('button', { 'data-key': 'sign-out', onclick: signOut }, t('page.sign_out'))))),
    h('main', { id: 'main', class: 'app-main', tabindex: -1 }, notices(s), ...body),
  ];
}

/**
 * A link to a page of the office, which needs the server: without it words, not the
 * browser's own page.
 * @param {string} href @param {string} label @param {Record<string, any>} [attrs]
 */
export const office = (href, label, attrs = {}) => h('a', { class: 'button', href, ...attrs, onclick: (/** @type {Event} */ e) => {
  if (sync.status().net !== 'offline') return;
  e.preventDefault();
  say(t('tablet.office.offline'), 'bad');
} }, label);

/** What the person must know before the page itself. @param {any} s */
function notices(s) {
  const { trouble, room, refused, failed, others } = sync.troubles();
  return [
    trouble ? h('div', { class: 'notice bad', role: 'alert', 'data-key': 'trouble', 'data-trouble': trouble.kind }, h('p', null, trouble.words),
      h('div', { class: 'actions' }, h('a', { class: 'button', href: '#/device' }, t('tablet.device')), h('button', { 'data-key': 'trouble-seen', onclick: () => sync.seen() }, t('tablet.understood')))) : null,
    s.net === 'signed-out' || s.net === 'other' ? h('div', { class: 'notice', 'data-key': 'sign-in-again' }, h('p', null, t(`tablet.again.${s.net}`)),
      h('div', { class: 'actions' }, h('button', { class: 'primary', 'data-key': 'sign-in', onclick: () => enter() }, t('tablet.sign_in_to_send')))) : null,
    refused.length + failed.length > 0 && location.hash !== '#/device' ? h('div', { class: 'notice bad', role: 'alert', 'data-key': 'refused' }, h('p', null, t('tablet.refused', { n: refused.length + failed.length })),
      h('div', { class: 'actions' }, h('a', { class: 'button', href: '#/device' }, t('tablet.refused.look')))) : null,
    room.low ? h('div', { class: 'notice', role: 'alert', 'data-key': 'room' }, h('p', null, t('tablet.room', { mb: Math.floor(room.free / 1e6), n: Math.floor(room.free / 4e6) }))) : null,
    update.available() && !updateLater ? h('div', { class: 'notice', 'data-key': 'version' }, h('p', null, t(updateHeld ? 'tablet.version.held' : 'tablet.version')),
      h('div', { class: 'actions' }, h('button', { 'data-key': 'take', onclick: async () => { updateHeld = !(await update.take()); changed(); } }, t('tablet.version.take')),
        h('button', { class: 'quiet', 'data-key': 'take-later', onclick: () => { updateLater = true; changed(); } }, t('tablet.signin.later')))) : null,
    others > 0 && /^#?\/?$/.test(location.hash) ? h('div', { class: 'notice', 'data-key': 'others' }, h('p', null, t('tablet.others'))) : null,
  ];
}

let updateHeld = false, updateLater = false;

async function signOut() {
  await camera.settled();
  const s = sync.status();
  if (s.waiting + s.acts > 0) {
    const sure = await ask(t('page.sign_out'), [h('p', null, t('tablet.signout.unsent', { n: s.waiting + s.acts }))],
      [{ label: t('page.sign_out'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
  }
  await leave();
}
