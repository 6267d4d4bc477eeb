// The queue between the tablet and the server: operations in their order, photos
// beside them. An act is kept on the tablet before it shows; it leaves the tablet
// when the server has confirmed it, a photo when its receipt names its hash.

import { call, send, Problem } from './api.js';
import * as store from './store.js';
import { apply, fold, newID, failed, still } from './fold.js';
import { say, t } from './dom.js';

/** @type {string} */
let owner = '';
let device = '';
/** @type {Set<() => void>} */
const listeners = new Set();
/** Operations that wait, oldest first. @type {any[]} */
let queue = [];
/** Photos that the server has not confirmed, by id. @type {Map<string, any>} */
let files = new Map();
/** Files known to be safe on the server. @type {Set<string>} */
const safe = new Set();
/** Local addresses of photos taken here, by id. @type {Map<string, string>} */
const urls = new Map();
/** Checks that were opened, by id. @type {Map<string, any>} */
const visits = new Map();
let offline = false;

/** @param {() => void} f */
export function onChange(f) { listeners.add(f); return () => listeners.delete(f); }
/** Has the page drawn again. */
export const touch = () => changed();
let announced = false;
function changed() {
  if (announced) return;
  announced = true;
  queueMicrotask(() => { announced = false; for (const f of listeners) f(); });
}

/** @param {string} person */
export async function start(person) {
  owner = person;
  device = await store.deviceID(newID);
  queue = await store.list('ops', owner);
  files = new Map((await store.list('files', owner)).map((f) => [f.id, f]));
  for (const f of files.values()) urls.set(f.id, URL.createObjectURL(f.blob));
  void flush();
}

export const deviceName = () => device;

/**
 * How many photos of a check are safe on the server, how many wait here, how many acts
 * do, and whether the server answers.
 * @param {string} [visitID]
 */
export function status(visitID) {
  const images = Object.values(visits.get(visitID ?? '')?.state?.photos ?? {}).flat();
  return { safe: images.filter((/** @type {any} */ i) => safe.has(i.file)).length, waiting: files.size, acts: queue.length, offline };
}

/** What is known of a file: safe, or waiting with a share sent. @param {string} id */
export function fileStatus(id) {
  const f = files.get(id);
  if (f) return { state: f.problem ? 'failed' : f.share > 0 ? 'sending' : 'waiting', share: f.share ?? 0, problem: f.problem ?? '' };
  return { state: safe.has(id) ? 'safe' : 'unknown', share: 1, problem: '' };
}

/** @param {string} id */
export const fileURL = (id) => urls.get(id) ?? `/files/${id}/thumb`;

/**
 * Opens a check: its checklist and everything done on it so far.
 * @param {string} id
 */
export async function openVisit(id) {
  const bundle = await call('GET', `/api/v1/visits/${id}`);
  const v = { ...bundle, rules: { items: bundle.items, findings: bundle.findings.map((/** @type {any} */ f) => f.id), hours: bundle.hours } };
  take(bundle.files);
  v.base = fold(v.rules, bundle.operations);
  v.position = bundle.operations.at(-1)?.position ?? 0;
  visits.set(id, v);
  refold(v);
  changed();
  return v;
}

/** @param {Record<string, string>} states */
function take(states) { for (const [id, s] of Object.entries(states)) if (s === 'RECEIVED') safe.add(id); }

/** @param {any} v */
function refold(v) {
  let state = v.base;
  for (const op of queue) if (op.visit === v.visit.id && !op.problem) state = apply(v.rules, state, { ...op, at: op.device_at });
  v.state = state;
}

/** @param {string} id @returns {any} */
export const visit = (id) => visits.get(id);

/** What is missing on a check, with photos that are safe counted as there. @param {any} v */
export const open = (v) => still(v.rules, v.state, (f) => safe.has(f));

/** The same, with photos that are still on the way counted as there. @param {any} v */
export const toDo = (v) => still(v.rules, v.state, (f) => safe.has(f) || files.has(f));

/** @param {any} v @param {any} it */
export const fails = (v, it) => failed(v.rules, v.state, it);

/** Asks the server what others have done meanwhile. @param {string} id */
export async function refresh(id) {
  const v = visits.get(id);
  if (!v || busy) return;
  try {
    const news = await call('GET', `/api/v1/visits/${id}/operations?after=${v.position}`, undefined, { quiet: true });
    take(news.files);
    const had = v.position, was = v.visit.state;
    receive(v, news.operations);
    v.visit.state = news.state;
    const back = offline;
    offline = false;
    if (v.position !== had || was !== news.state || back) changed();
    if (back) void flush();
  } catch (e) {
    if (e instanceof Problem && e.status === 0 && !offline) { offline = true; changed(); }
  }
}

/** @param {any} v @param {any[]} operations */
function receive(v, operations) {
  for (const op of operations) {
    if (op.position <= v.position) continue;
    v.base = apply(v.rules, v.base, op);
    v.position = op.position;
    queue = queue.filter((q) => q.id !== op.id);
  }
  refold(v);
}

/** The acts that are being kept, one after the other. @type {Promise<any>} */
let acting = Promise.resolve();

/** Resolves when every act that was begun is kept and shows. */
export const settled = () => acting.catch(() => {});

/**
 * Does one act on a check. It is kept on the tablet when this resolves; acts are kept
 * in the order in which they were begun.
 * @param {string} visitID
 * @param {string} type
 * @param {any} payload
 * @returns {Promise<{id: string, done: Promise<void>}>}
 */
export function act(visitID, type, payload) {
  const mine = acting.catch(() => {}).then(() => keep(visitID, type, payload));
  acting = mine;
  return mine;
}

/** @param {string} visitID @param {string} type @param {any} payload */
async function keep(visitID, type, payload) {
  const v = visits.get(visitID);
  const op = { id: newID(), owner, visit: visitID, device, device_at: new Date().toISOString(), elapsed_ms: Math.round(performance.now()),
    seq: await store.next(`seq:${visitID}`), base: v?.state.last ?? '', type, payload };
  await store.put('ops', op);
  queue.push(op);
  if (v) refold(v);
  changed();
  const done = flush();
  return { id: op.id, done };
}

/**
 * Keeps a photo, hashes it, hangs it on an item or a finding and sends it.
 * @param {string} visitID
 * @param {Blob & {name?: string, lastModified?: number}} blob
 * @param {{item?: string, finding?: string, kind?: string, noPeople?: boolean, after?: boolean, hang?: boolean}} on
 * @returns {Promise<string>} the file's id
 */
export async function addPhoto(visitID, blob, on) {
  const id = newID();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const f = { id, owner, visit: visitID, blob, bytes: blob.size, sha256: [...digest].map((b) => b.toString(16).padStart(2, '0')).join(''),
    name: blob.name ?? 'photo.jpg', captured_at: new Date(Math.min(blob.lastModified ?? Date.now(), Date.now())).toISOString(),
    kind: on.kind ?? 'PHOTO', item: on.item ?? '', finding: on.finding ?? '', noPeople: !!on.noPeople, declared: false, share: 0, problem: '' };
  await store.put('files', f);
  files.set(id, f);
  urls.set(id, URL.createObjectURL(blob));
  changed();
  if (on.hang !== false) {
    await act(visitID, 'photo', { ...(on.item ? { item: on.item } : {}), ...(on.finding ? { finding: on.finding } : {}), file: id,
      ...(on.noPeople ? { no_people: true } : {}), ...(on.after ? { after: true } : {}) });
  } else void flush();
  return id;
}

/** Tries again what failed. @param {string} id */
export function retry(id) {
  const f = files.get(id);
  if (f) { f.problem = ''; changed(); void flush(); }
}

let busy = false, again = false;
/** @type {Promise<void>} */
let running = Promise.resolve();

/** Sends what waits. Only one run at a time; a call during a run makes it look again. */
export function flush() {
  if (busy) { again = true; return running; }
  busy = true;
  running = (async () => {
    try {
      do {
        again = false;
        await declare();
        await postOperations();
        await sendFiles();
      } while (again);
      if (offline) { offline = false; changed(); }
    } catch (e) {
      if (!(e instanceof Problem) || !e.passing) throw e;
      offline = true;
      changed();
      setTimeout(() => { void flush(); }, 4000);
    } finally {
      busy = false;
    }
  })();
  return running;
}

/** @param {any} f @param {Problem} e */
function fileFailed(f, e) {
  f.problem = e.message || t('tablet.error.refused');
  say(f.problem, 'bad');
  changed();
}

async function declare() {
  for (const f of files.values()) {
    if (f.declared || f.problem) continue;
    if (queue.some((op) => op.visit === f.visit && op.type === 'check_in')) continue;
    try {
      await call('POST', '/api/v1/files', { id: f.id, visit: f.visit, bytes: f.bytes, sha256: f.sha256, name: f.name, kind: f.kind,
        captured_at: f.captured_at, no_people: f.noPeople });
      f.declared = true;
      await store.put('files', f);
    } catch (e) {
      if (!(e instanceof Problem) || e.passing) throw e;
      fileFailed(f, e);
    }
  }
}

/** Operations that name a file wait until it is declared. @param {any} op */
function ready(op) {
  const named = [op.payload?.file, ...(op.payload?.photos ?? []), ...(op.payload?.scans ?? [])].filter(Boolean);
  return named.every((id) => !files.has(id) || files.get(id).declared);
}

async function postOperations() {
  while (queue.length > 0) {
    const stuck = queue.findIndex((op) => !ready(op));
    const batch = queue.slice(0, stuck < 0 ? 50 : Math.min(stuck, 50));
    if (batch.length === 0) {
      // What hangs on a file that the server refused goes with it.
      const op = queue[0];
      const refusedFile = [op.payload?.file].some((id) => files.get(id)?.problem);
      if (!refusedFile) return;
      await leave(op);
      continue;
    }
    const answer = await call('POST', '/api/v1/operations', { operations: batch.map(({ owner: _owner, ...op }) => op) });
    for (const outcome of answer.outcomes) {
      const op = batch.find((b) => b.id === outcome.id);
      if (!op) continue;
      if (outcome.status === 'refused') {
        const words = Object.values(outcome.problem?.errors ?? {});
        say([outcome.problem?.detail ?? t('tablet.error.refused'), ...new Set(words)].join(' '), 'bad');
        op.refused = outcome.problem;
      }
      await leave(op, outcome);
    }
    changed();
  }
}

/** @param {any} op @param {any} [outcome] */
async function leave(op, outcome) {
  await store.drop('ops', op.id);
  queue = queue.filter((q) => q.id !== op.id);
  const v = visits.get(op.visit);
  if (!v) return;
  if (outcome && outcome.status !== 'refused' && outcome.position > v.position) {
    if (outcome.position === v.position + 1) {
      v.base = apply(v.rules, v.base, { ...op, at: op.device_at });
      v.position = outcome.position;
    } else {
      const news = await call('GET', `/api/v1/visits/${op.visit}/operations?after=${v.position}`);
      take(news.files);
      receive(v, news.operations);
    }
    if (outcome.state) v.visit.state = outcome.state;
  }
  refold(v);
}

async function sendFiles() {
  for (const f of [...files.values()]) {
    if (!f.declared || f.problem) continue;
    try {
      const receipt = await send(f.id, f.blob, (share) => { f.share = share; changed(); });
      if (receipt.sha256 !== f.sha256) throw new Problem(422, { detail: t('tablet.error.hash') });
      safe.add(f.id);
      await store.drop('files', f.id);
      files.delete(f.id);
    } catch (e) {
      f.share = 0;
      if (!(e instanceof Problem) || e.passing) throw e;
      fileFailed(f, e);
    }
    changed();
    if (queue.length > 0) { again = true; return; }
  }
}
