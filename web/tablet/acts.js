// Acts and photos: each is kept on the tablet before the page says so, in the order in
// which it was begun. What the server refused stays until the person decides.

import { call } from './api.js';
import { baseOf, newID } from './fold.js';
import { say, t } from './dom.js';
import * as store from './store.js';
import * as vault from './vault.js';
import { boot, changed, files, safe, send, state, urls, visits } from './state.js';
import { clock } from './link.js';
import { declaration, keptVisit, lookAtRoom, named, opened, sealed, sealedFile } from './records.js';
import { adopt, openVisit, refold } from './checks.js';

/** The acts that are being kept, one after the other. @type {Promise<any>} */
let acting = Promise.resolve();

/** What is being kept, from the tap on. @type {Set<Promise<any>>} */
const keeping = new Set();

/** @template T @param {Promise<T>} job @returns {Promise<T>} */
function underWay(job) {
  keeping.add(job);
  const over = () => { keeping.delete(job); };
  job.then(over, over);
  return job;
}

/** Resolves when everything that was begun is kept, or was told as not kept. */
export async function settled() {
  while (keeping.size > 0) await Promise.allSettled([...keeping]);
}

/**
 * Does one act on a check. It is kept on the tablet when this resolves; acts are kept
 * in the order in which they were begun.
 * @param {string} visitID
 * @param {string} type
 * @param {any} payload
 * @returns {Promise<{id: string, done: Promise<void>}>}
 */
export function act(visitID, type, payload) {
  const mine = acting.catch(() => {}).then(() => keep(visitID, [{ type, payload }]));
  acting = mine;
  return underWay(mine);
}

/** So long the server's word on an act is waited for, in ms: the act is kept, and who did it goes on. */
const WORD = 8000;

/** Waits for the server's word on an act, not for ever. @param {Promise<void>} done */
export const answered = (done) => Promise.race([done, new Promise((go) => setTimeout(go, WORD))]);

/**
 * @param {string} visitID
 * @param {{type: string, payload: any}[]} acts
 * @param {() => Promise<store.Change[]>} [more] what is kept together with them
 * @param {() => void} [then] called before the page shows them
 */
async function keep(visitID, acts, more, then) {
  const v = visits.get(visitID);
  /** @type {any[]} */
  const ops = [];
  try {
    const [n, seq] = await store.next([{ name: 'order', count: acts.length },
      { name: `seq:${await vault.nameOf(`visit ${visitID}`)}`, formerly: `seq:${visitID}`, count: acts.length }]);
    for (const [i, { type, payload }] of acts.entries()) {
      const { at, off, ran } = clock.stamp();
      ops.push({ id: newID(), visit: visitID, device: state.device, device_at: new Date(at).toISOString(), elapsed_ms: ran, boot, ...(off === null ? {} : { offset_ms: off }), seq: seq + i, base: v ? baseOf(v.state, type, payload) : '', type, payload, n: n + i });
    }
    await store.write([...(more ? await more() : []), ...(await Promise.all(ops.map(sealed)))]);
  } catch (e) {
    notKept(e);
    throw e;
  }
  if (state.trouble?.kind === 'not-kept') state.trouble = null;
  state.queue.push(...ops);
  then?.();
  const now = visits.get(visitID);
  if (now) refold(now);
  changed();
  return { id: /** @type {string} */ (ops.at(-1).id), done: send() };
}

/**
 * Begins a check on a target, from what was handed over: it goes on at once, with or
 * without a network. Without a handover the server has to say what the check is.
 * @param {string} target
 * @param {any} bundle
 * @param {any} place
 * @returns {Promise<{visit: string, id: string, done: Promise<void>}>}
 */
export async function begin(target, bundle, place) {
  const id = newID();
  if (!bundle) {
    const given = await act(id, 'check_in', { target, ...place });
    await given.done;
    if (!state.refused.some((op) => op.id === given.id)) (await openVisit(id)).target = target;
    return { visit: id, ...given };
  }
  const visit = { ...bundle.visit, id, state: 'IN_PROGRESS', checked_in_at: new Date(clock.now()).toISOString() };
  const mine = acting.catch(() => {}).then(async () => {
    const v = { ...bundle, visit, operations: [], files: {}, local: true, target };
    const given = await keep(id, [{ type: 'check_in', payload: { target, ...place } }], async () => [await keptVisit(v)], () => adopt(v));
    return { visit: id, ...given };
  });
  acting = mine;
  return underWay(mine);
}

/** Says what was not kept, and what to do. @param {any} e */
function notKept(e) {
  console.warn(e);
  state.trouble = { kind: 'not-kept', words: t(e?.name === 'QuotaExceededError' ? 'tablet.not_kept.full' : 'tablet.not_kept') };
  say(state.trouble.words, 'bad');
  void lookAtRoom();
  changed();
}

/**
 * Keeps a photo with its declaration, hashed; hangs it on an item or a finding.
 * @param {string} visitID
 * @param {Blob & {name?: string, lastModified?: number}} blob
 * @param {{item?: string, finding?: string, kind?: string, noPeople?: boolean, after?: boolean, hang?: boolean, of?: string}} on of: the photo that it was drawn on
 * @returns {Promise<string>} the file's id
 */
export const addPhoto = (visitID, blob, on) => underWay(takeIn(visitID, blob, on));

/** @type {typeof addPhoto} */
async function takeIn(visitID, blob, on) {
  const id = newID();
  let bytes, sha256;
  try {
    bytes = await blob.arrayBuffer();
    sha256 = vault.hex(await crypto.subtle.digest('SHA-256', bytes));
  } catch (e) {
    notKept(e);
    throw e;
  }
  const f = { id, visit: visitID, bytes: blob.size, sha256, name: blob.name ?? 'photo.jpg', media: blob.type, captured_at: new Date(Math.min(blob.lastModified ?? Date.now(), Date.now()) + (clock.stamp().off ?? 0)).toISOString(),
    kind: on.kind ?? (blob.type === 'application/pdf' ? 'DOCUMENT_SCAN' : 'PHOTO'), item: on.item ?? '', finding: on.finding ?? '', noPeople: !!on.noPeople, ...(on.of ? { of: on.of } : {}), blob, share: 0, problem: '' };
  const acts = [{ type: 'declare', payload: declaration(f) }];
  if (on.hang !== false) {
    acts.push({ type: 'photo', payload: /** @type {any} */ ({ ...(on.item ? { item: on.item } : {}), ...(on.finding ? { finding: on.finding } : {}), file: id,
      ...(on.noPeople ? { no_people: true } : {}), ...(on.after ? { after: true } : {}) }) });
  }
  const mine = acting.catch(() => {}).then(() => keep(visitID, acts,
    async () => [await sealedFile(f), { store: 'bytes', put: await vault.seal('bytes', id, bytes) }],
    () => { files.set(id, f); urls.set(id, URL.createObjectURL(blob)); }));
  acting = mine;
  await mine;
  void lookAtRoom();
  return id;
}

/**
 * Takes up what another tab of the app has kept here, which may be closed by now: what two
 * tabs send, the server takes once.
 */
export function takeUp() {
  const mine = acting.catch(() => {}).then(async () => {
    if (!state.owner) return;
    const here = (/** @type {string} */ id) => [...state.queue, ...state.refused].some((op) => op.id === id) || [...visits.values()].some((v) => v.operations.some((/** @type {any} */ op) => op.id === id));
    const ops = (await opened('ops', undefined, (id) => !here(id))).filter((op) => !here(op.id));
    const photos = (await opened('files', undefined, (id) => !files.has(id))).filter((f) => !files.has(f.id) && !safe.has(f.id));
    if (ops.length + photos.length === 0) return;
    state.queue = [...state.queue, ...ops.filter((op) => !op.refused)].sort((a, b) => a.n - b.n);
    state.refused.push(...ops.filter((op) => op.refused));
    for (const f of photos) files.set(f.id, { ...f, share: 0, problem: state.refused.find((op) => op.type === 'declare' && op.payload.file === f.id)?.refused ?? '' });
    for (const v of visits.values()) if (ops.some((op) => op.visit === v.visit.id)) refold(v);
    changed();
    void send();
  });
  acting = mine.catch((e) => console.warn(e));
  return acting;
}

/** Tries again what failed of a file. @param {string} id */
export async function retry(id) {
  const f = files.get(id);
  if (!f) return;
  f.problem = '';
  for (const op of state.refused.filter((op) => named(op).includes(id))) await sendAgain(op.id);
  changed();
  void send();
}

/** Posts a refused operation once more. @param {string} id */
export async function sendAgain(id) {
  const op = state.refused.find((r) => r.id === id);
  if (!op) return;
  // With a check-in everything goes again that it brought down.
  const all = op.type === 'check_in' ? state.refused.filter((r) => r.visit === op.visit) : [op];
  const fresh = all.map(({ refused: _refused, place: _place, ...rest }) => rest);
  await store.write(await Promise.all(fresh.map(sealed)));
  state.refused = state.refused.filter((r) => !all.includes(r));
  state.queue = [...state.queue, ...fresh].sort((a, b) => a.n - b.n);
  for (const f of files.values()) if (all.some((r) => r.type === 'declare' && r.payload.file === f.id)) f.problem = '';
  const v = visits.get(op.visit);
  if (v) v.refused = false;
  if (v) refold(v);
  changed();
  void send();
}

/**
 * Waits no longer for a photo, with a reason: the server is told, as far as it knows of
 * the photo, and only then does the tablet let go of what it has. Throws a Problem when
 * the server is not there or this person may not.
 * @param {string} visitID @param {string} id @param {string} reason
 */
export async function giveUp(visitID, id, reason) {
  const brought = state.refused.filter((op) => (op.type === 'declare' || op.type === 'photo') && op.payload.file === id);
  const v = visits.get(visitID);
  if (!brought.some((op) => op.type === 'declare') && v?.files[id] !== 'LOST') {
    await call('POST', `/api/v1/files/${id}/give-up`, { reason });
    if (v) v.files[id] = 'LOST';
  }
  if (files.has(id)) {
    await store.write([{ store: 'files', drop: id }, { store: 'bytes', drop: id }, ...brought.map((op) => ({ store: 'ops', drop: op.id }))]);
    state.refused = state.refused.filter((op) => !brought.includes(op));
    files.delete(id);
  }
  if (v) refold(v);
  changed();
  void send(); // what waited for it
}

/** The person has read why an operation was refused. @param {string} id */
export async function dismiss(id) {
  await store.write([{ store: 'ops', drop: id }]);
  state.refused = state.refused.filter((r) => r.id !== id);
  changed();
}
