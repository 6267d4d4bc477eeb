// What is kept of a person on the tablet, encrypted: the records of each kind.

import * as store from './store.js';
import * as vault from './vault.js';
import { changed, state } from './state.js';

/**
 * The records of the person in a store, decrypted.
 * @param {string} name @param {{n: number}} bad counts what does not open @param {(id: string) => boolean} which
 */
export async function opened(name, bad = { n: 0 }, which = () => true) {
  const records = (await store.list(name, state.owner)).filter((r) => r.data && which(r.id));
  const values = await Promise.all(records.map(async (r) => {
    try {
      const value = await vault.valueOf(name, r);
      return r.n === undefined ? value : { ...value, n: r.n };
    } catch {
      bad.n++;
      return null;
    }
  }));
  return values.filter(Boolean);
}

/** The files that an operation names. @param {any} op @returns {string[]} */
export const named = (op) => [op.payload?.file, ...(op.payload?.photos ?? []), ...(op.payload?.scans ?? [])].filter(Boolean);

/** @param {any} f */
export const declaration = (f) => ({ file: f.id, bytes: f.bytes, sha256: f.sha256, kind: f.kind, name: f.name, captured_at: f.captured_at, ...(f.noPeople ? { no_people: true } : {}), ...(f.of ? { of: f.of } : {}) });

/** @param {any} op @returns {Promise<store.Change>} */
export async function sealed(op) {
  const { n, ...value } = op;
  return { store: 'ops', put: await vault.seal('ops', op.id, value, n) };
}

/** @param {any} f @returns {Promise<store.Change>} */
export async function sealedFile({ blob: _blob, share: _share, problem: _problem, sketched: _sketched, ...f }) {
  return { store: 'files', put: await vault.seal('files', f.id, f) };
}

/** @param {any} v @returns {Promise<store.Change>} */
export async function keptVisit(v) {
  const { rules: _rules, state: _state, position: _position, ...kept } = v;
  const id = await vault.nameOf(`visit ${v.visit.id}`);
  return { store: 'visits', put: await vault.seal('visits', id, kept) };
}

/** What is only a copy of the server's: it may fail to be kept, and says so. @param {Promise<store.Change>[]} changes */
export async function keepCopies(...changes) {
  try {
    await store.write(await Promise.all(changes));
  } catch (e) {
    console.warn(e);
    void lookAtRoom();
  }
}

export async function lookAtRoom() {
  const now = await store.room();
  if (now.low !== state.room.low || Math.abs(now.free - state.room.free) > 10e6) { state.room = now; changed(); }
}
