// A person's work on this device: taken up when they sign in, laid down when they sign
// out; and how it stands.

import { speakFor } from './api.js';
import { newID } from './fold.js';
import { t } from './dom.js';
import * as store from './store.js';
import * as upload from './upload.js';
import * as vault from './vault.js';
import { changed, files, safe, send, state, urls, visits } from './state.js';
import { learnClock, setClock } from './link.js';
import { declaration, lookAtRoom, named, opened } from './records.js';
import { forget } from './day.js';
import { rest } from './send.js';

/** @type {Promise<any> | null} */
let looked = null;

/** Opens the device's memory; before anybody is known. @returns {Promise<{device: string, lostBefore: boolean}>} */
export function openDevice() {
  looked ??= (async () => {
    const { lostBefore } = await store.start();
    state.device = await store.deviceID(newID);
    state.wifiOnly = !!(await store.meta('wifi'));
    setClock((await store.meta('ahead')) ?? null);
    if (lostBefore) state.trouble = { kind: 'lost', words: t('tablet.lost.before') };
    return { device: state.device, lostBefore };
  })();
  return looked;
}

/**
 * Takes up the work of the person whose vault is open.
 * @param {vault.Person} person
 * @param {boolean} signedIn whether the server has just said that the session is theirs
 */
export async function start(person, signedIn) {
  state.me = person;
  speakFor(person.person);
  state.owner = vault.owner();
  state.met = signedIn;
  state.net = signedIn ? 'ok' : 'offline';
  await migrate(person.person);
  const bad = { n: 0 };
  const ops = await opened('ops', bad);
  state.queue = ops.filter((op) => !op.refused);
  state.refused = ops.filter((op) => op.refused);
  for (const f of await opened('files', bad)) files.set(f.id, { ...f, share: 0, problem: state.refused.find((op) => op.type === 'declare' && op.payload.file === f.id)?.refused ?? '' });
  state.others = (await store.unsent()) - ops.length - files.size - bad.n;
  if (bad.n) state.trouble = { kind: 'unreadable', words: t('tablet.unreadable', { n: bad.n }) };
  if (signedIn) void learnClock();
  void store.persist().then(lookAtRoom);
  void send();
}

/** Ends the work of the person: nothing of it is in memory any more. */
export function stop() {
  upload.stop();
  rest();
  for (const url of urls.values()) URL.revokeObjectURL(url);
  [urls, visits, files, safe].forEach((x) => x.clear());
  state.queue = [];
  state.refused = [];
  forget();
  state.me = null;
  speakFor('');
  state.owner = '';
}

/**
 * Encrypts what an earlier version of the app kept of this person in the clear; the
 * plain records are replaced in the same transaction.
 * @param {string} person
 */
async function migrate(person) {
  const ops = await store.list('ops', person), old = await store.list('files', person);
  if (ops.length + old.length === 0) return;
  /** @type {any[]} */
  const all = [];
  const waiting = new Map(old.filter((f) => !f.declared).map((f) => [f.id, f]));
  const declare = (/** @type {any} */ f) => {
    waiting.delete(f.id);
    all.push({ id: newID(), visit: f.visit, device: state.device, device_at: f.captured_at, elapsed_ms: 0, seq: 0, base: '', type: 'declare', payload: declaration(f) });
  };
  for (const { owner: _owner, problem: _problem, refused: _refused, ...op } of ops) {
    for (const id of named(op)) if (waiting.has(id)) declare(waiting.get(id));
    all.push(op);
  }
  for (const f of [...waiting.values()]) declare(f);
  const [first] = await store.next([{ name: 'order', count: all.length }]);
  /** @type {store.Change[]} */
  const changes = [];
  for (const [i, op] of all.entries()) changes.push({ store: 'ops', put: await vault.seal('ops', op.id, op, first + i) });
  for (const { owner: _owner, blob, declared: _declared, share: _share, problem: _problem, ...f } of old) {
    changes.push({ store: 'files', put: await vault.seal('files', f.id, { ...f, media: blob.type }) }, { store: 'bytes', put: await vault.seal('bytes', f.id, await blob.arrayBuffer()) });
  }
  await store.write(changes);
}

export const deviceName = () => state.device;

/** What the person must know of this device. */
export const troubles = () => ({ trouble: state.trouble, room: state.room, refused: state.refused.filter((op) => op.type !== 'declare'), failed: [...files.values()].filter((f) => f.problem), others: state.others });

/**
 * How many photos of a check are safe on the server, how many wait here, how many acts
 * do, and how it stands with the server.
 * @param {string} [visitID]
 */
export function status(visitID) {
  const images = Object.values(visits.get(visitID ?? '')?.state?.photos ?? {}).flat();
  return { safe: images.filter((/** @type {any} */ i) => safe.has(i.file)).length, waiting: files.size, acts: state.queue.filter((op) => op.type !== 'declare').length,
    offline: state.net === 'offline', net: state.net };
}

/** The person has read what was said. */
export function seen() {
  state.trouble = null;
  changed();
}
