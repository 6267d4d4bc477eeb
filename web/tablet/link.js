// How it stands with the server: whether it is there, whether the session is the
// person's, and what its clock says.

import { call, Problem } from './api.js';
import * as store from './store.js';
import { clock as clockOf, device } from './clock.js';
import { changed, send, state } from './state.js';

/** The device's clock, set by the server's whenever that can be asked. */
export let clock = clockOf(device);

/** Takes up what was learned of the clock before. @param {number | null} ahead ms */
export function setClock(ahead) { clock = clockOf(device, ahead); }

/** The session is another person's: nothing may be sent with it. */
export class Other extends Error {}

/**
 * A cookie says that the person has signed out and that the server has not heard of it:
 * the office pages know it too, and it needs no room on the disk.
 * @param {number} seconds
 */
function signingOut(seconds) {
  document.cookie = `congvu-out=1; path=/; max-age=${seconds}; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
}

/** A sign-out that the server has not heard of is made known first. */
export async function endSession() {
  if (!document.cookie.includes('congvu-out=1')) return;
  await call('DELETE', '/api/v1/session', undefined, { quiet: true, timeout: 10000 });
  signingOut(0);
}

/**
 * Who the server says is signed in, after a sign-out that it has not heard of; throws a
 * Problem when nobody is or the server is not there.
 * @param {number} timeout ms
 */
export async function whoIsThere(timeout) {
  await endSession();
  return call('GET', '/api/v1/session', undefined, { quiet: true, timeout });
}

/** Ends the session: at once if the server is there, else before anything else is asked of it. */
export async function signOut() {
  signingOut(30 * 24 * 3600); // longer than a session lives
  await endSession().catch(() => {});
}

/** Nothing is asked or sent before the server has said that the session is this person's. @param {boolean} quiet */
export async function meet(quiet) {
  await endSession();
  const who = await call('GET', '/api/v1/session', undefined, { quiet, timeout: 15000 });
  if (who.person !== state.me?.person) throw new Other();
  if (!state.met) void learnClock();
  state.met = true;
}

/** @param {boolean} quiet */
export async function meetOnce(quiet) { if (!state.met) await meet(quiet); }

/** Learns how far the server's clock is from this one. */
export async function learnClock() {
  try {
    const sent = Date.now(), begun = performance.now();
    const { now } = await call('GET', '/api/v1/clock', undefined, { quiet: true, timeout: 10000 });
    const took = performance.now() - begun;
    if (took > 5000) return; // says too little
    const ahead = clock.learn(Date.parse(now), sent, took);
    if (ahead !== null) await store.setMeta('ahead', ahead);
  } catch { /* as last learned */ }
}

/** Asks whether the server is there again. */
export async function probe() {
  if (!state.owner || state.busy) return;
  try {
    await meet(true);
    there();
    void send();
  } catch (e) {
    if (state.owner) note(e);
  }
}

/** The server is there. */
export function there() {
  if (state.net !== 'ok') { state.net = 'ok'; changed(); }
}

/** @param {any} e */
export function note(e) {
  const now = e instanceof Other ? 'other' : e instanceof Problem && e.status === 401 ? 'signed-out' : e instanceof Problem && e.passing ? 'offline' : state.net;
  if (e instanceof Other || (e instanceof Problem && (e.passing || e.status === 401))) state.met = false;
  if (now !== state.net) { state.net = now; changed(); }
}

/** The person has signed in again. */
export function signedIn() {
  state.met = true;
  there();
  void send();
}

/** Originals wait for Wi-Fi, where the browser can tell. */
export const wifi = { known: () => /** @type {any} */ (navigator).connection?.type !== undefined, only: () => state.wifiOnly, set: async (/** @type {boolean} */ on) => {
  await store.setMeta('wifi', on);
  state.wifiOnly = on;
  changed();
  void send();
} };

export const heldBack = () => state.wifiOnly && /** @type {any} */ (navigator).connection?.type === 'cellular';

setInterval(() => { if (state.net === 'offline') void probe(); }, 8000);
addEventListener('online', () => { void probe(); });
/** @type {any} */ (navigator).connection?.addEventListener?.('change', () => { void send(); });
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') { state.met = false; void send(); } });
