// The frame around every page of the app, the way from page to page, and the way to an
// item on it.

import { call } from './api.js';
import { h, t, byId, say } from './dom.js';
import * as sync from './sync.js';

/** @type {any} */
let me = null;

/** @param {any} person who is signed in */
export function setPerson(person) { me = person; }

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
  /** @type {HTMLElement | null} */ (photo ? card.querySelector('input[data-photo]') : counts.find((i) => i.value === '') ?? card.querySelector('.choice, a.button, button, input'))?.focus({ preventScroll: true });
  card.classList.remove('found');
  requestAnimationFrame(() => card.classList.add('found'));
  return true;
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
