// The queue between the tablet and the server: operations in their order, photos
// beside them. An act is kept on the tablet, encrypted, before it shows; it leaves the
// tablet when the server has confirmed it, a photo when a receipt names its hash.

import { call, picture, Problem } from './api.js';
import * as store from './store.js';
import * as upload from './upload.js';
import * as vault from './vault.js';
import { clock as clockOf, device as watch } from './clock.js';
import { proves } from './receipts.js';
import { baseOf, fold, newID, failed, still } from './fold.js';
import { say, t } from './dom.js';

/** @type {vault.Person | null} */
let me = null;
let owner = '', device = '';
/** @type {Set<() => void>} */
const listeners = new Set();
/** Operations that wait, oldest first. @type {any[]} */
let queue = [];
/** Operations that the server refused, until the person has seen why. @type {any[]} */
let refused = [];
/** Photos that the server has not confirmed, by id. @type {Map<string, any>} */
let files = new Map();
/** Files known to be safe on the server. @type {Set<string>} */
const safe = new Set();
/** Local addresses of pictures, by file. @type {Map<string, string>} */
const urls = new Map();
/** Checks that were opened, by id. @type {Map<string, any>} */
const visits = new Map();
/** How it stands with the server: signed-out and other mean that nothing is sent. @type {'ok'|'offline'|'signed-out'|'other'} */
let net = 'ok';
/** Whether the server has said, since it was away, that the session is this person's. */
let met = false;
/** What the person must know about this device, until it is over. @type {{kind: string, words: string} | null} */
let trouble = null;
let room = { known: false, free: 0, low: false };
/** This start of the app: elapsed times count within it. */
const boot = newID();
let clock = clockOf(watch);
let wifiOnly = false;

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

store.watch(rescue, () => changed());

/** @type {Promise<any> | null} */
let looked = null;

/** Opens the device's memory; before anybody is known. @returns {Promise<{device: string, lostBefore: boolean}>} */
export function openDevice() {
  looked ??= (async () => {
    const { lostBefore } = await store.start();
    device = await store.deviceID(newID);
    wifiOnly = !!(await store.meta('wifi'));
    clock = clockOf(watch, (await store.meta('ahead')) ?? null);
    if (lostBefore) trouble = { kind: 'lost', words: t('tablet.lost.before') };
    return { device, lostBefore };
  })();
  return looked;
}

/**
 * Takes up the work of the person whose vault is open.
 * @param {vault.Person} person
 * @param {boolean} signedIn whether the server has just said that the session is theirs
 */
export async function start(person, signedIn) {
  me = person;
  owner = vault.owner();
  met = signedIn;
  net = signedIn ? 'ok' : 'offline';
  await migrate(person.person);
  const bad = { n: 0 };
  const ops = await opened('ops', bad);
  queue = ops.filter((op) => !op.refused);
  refused = ops.filter((op) => op.refused);
  files = new Map((await opened('files', bad)).map((f) => [f.id, { ...f, share: 0, problem: refused.find((op) => op.type === 'declare' && op.payload.file === f.id)?.refused ?? '' }]));
  if (bad.n) trouble = { kind: 'unreadable', words: t('tablet.unreadable', { n: bad.n }) };
  if (signedIn) void learnClock();
  void store.persist().then(lookAtRoom);
  void flush();
}

/** Ends the work of the person: nothing of it is in memory any more. */
export function stop() {
  upload.stop();
  clearTimeout(retrying);
  for (const url of urls.values()) URL.revokeObjectURL(url);
  [urls, visits, files, safe].forEach((x) => x.clear());
  queue = [];
  refused = [];
  lastSaid = '';
  me = null;
  owner = '';
}

/** The records of the person in a store, decrypted. @param {string} name @param {{n: number}} bad counts what does not open */
async function opened(name, bad = { n: 0 }) {
  const records = (await store.list(name, owner)).filter((r) => r.data);
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
    all.push({ id: newID(), visit: f.visit, device, device_at: f.captured_at, elapsed_ms: 0, seq: 0, base: '', type: 'declare', payload: declaration(f) });
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

/** The files that an operation names. @param {any} op @returns {string[]} */
const named = (op) => [op.payload?.file, ...(op.payload?.photos ?? []), ...(op.payload?.scans ?? [])].filter(Boolean);

/** @param {any} f */
const declaration = (f) => ({ file: f.id, bytes: f.bytes, sha256: f.sha256, kind: f.kind, name: f.name, captured_at: f.captured_at, ...(f.noPeople ? { no_people: true } : {}), ...(f.of ? { of: f.of } : {}) });

export const deviceName = () => device;

/** What the person must know of this device. */
export const troubles = () => ({ trouble, room, refused: refused.filter((op) => op.type !== 'declare'), failed: [...files.values()].filter((f) => f.problem) });

/**
 * How many photos of a check are safe on the server, how many wait here, how many acts
 * do, and how it stands with the server.
 * @param {string} [visitID]
 */
export function status(visitID) {
  const images = Object.values(visits.get(visitID ?? '')?.state?.photos ?? {}).flat();
  return { safe: images.filter((/** @type {any} */ i) => safe.has(i.file)).length, waiting: files.size, acts: queue.filter((op) => op.type !== 'declare').length,
    offline: net === 'offline', net };
}

/** What is known of a file: safe, or waiting with a share sent. @param {string} id */
export function fileStatus(id) {
  const f = files.get(id);
  if (f) return { state: f.problem ? 'failed' : f.share > 0 ? 'sending' : heldBack() ? 'wifi' : 'waiting', share: f.share ?? 0, problem: f.problem ?? '' };
  return { state: safe.has(id) ? 'safe' : 'unknown', share: 1, problem: '' };
}

/** The photos that wait here, in the order in which they were taken. */
export const waitingFiles = () => [...files.values()];

/** The receipts that are kept here, newest first. @returns {Promise<any[]>} */
export const receipts = async () => (await opened('receipts')).sort((a, b) => (a.at < b.at ? 1 : -1));

/** A picture is drawn with this while it is being fetched. */
const nothing = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
/** Pictures asked for, and when an attempt failed. @type {Map<string, number>} */
const asked = new Map();
let fetching = Promise.resolve();

/**
 * The address of a picture: of the bytes that are here, or else of the server's small
 * copy. It is fetched past the browser's cache, so that nothing of it stays.
 * @param {string} id
 */
export function fileURL(id) {
  const known = urls.get(id);
  if (known) return known;
  const tried = asked.get(id);
  if (tried === undefined || (tried > 0 && Date.now() - tried > 10000 && net === 'ok')) {
    asked.set(id, 0);
    const whose = owner;
    fetching = fetching.then(async () => {
      try {
        const f = files.get(id);
        if (!f && net !== 'ok') throw new Problem(0, null);
        const blob = f ? await bytesOf(f) : await picture(`/files/${id}/thumb`);
        if (owner !== whose) return;
        urls.set(id, URL.createObjectURL(blob));
        changed();
      } catch {
        asked.set(id, Date.now());
      }
    });
  }
  return nothing;
}

/**
 * A photo to be drawn on: as it was taken while it is here, else the server's large copy.
 * @param {string} id
 * @returns {Promise<Blob>}
 */
export async function photo(id) {
  const f = files.get(id);
  return f ? bytesOf(f) : picture(`/files/${id}/preview`);
}

/** @param {any} f @returns {Promise<Blob>} */
async function bytesOf(f) {
  if (f.blob) return f.blob;
  const record = await store.get('bytes', f.id);
  if (!record) throw new Error('the bytes are gone');
  return new Blob([await vault.bytesOf('bytes', record)], { type: f.media });
}

// --- What is known of checks ---

/** @param {any} v @returns {Promise<store.Change>} */
async function keptVisit(v) {
  const { rules: _rules, state: _state, position: _position, ...kept } = v;
  const id = await vault.nameOf(`visit ${v.visit.id}`);
  return { store: 'visits', put: await vault.seal('visits', id, kept) };
}

/** What is only a copy of the server's: it may fail to be kept, and says so. @param {Promise<store.Change>[]} changes */
async function keepCopies(...changes) {
  try {
    await store.write(await Promise.all(changes));
  } catch (e) {
    console.warn(e);
    void lookAtRoom();
  }
}

/** Takes a check in as the server or the tablet's memory has it. @param {any} bundle */
function adopt(bundle) {
  const v = visits.get(bundle.visit.id) ?? {};
  Object.assign(v, { local: false }, bundle, { rules: { items: bundle.items, findings: bundle.findings.map((/** @type {any} */ f) => f.id), hours: bundle.hours } });
  take(bundle.files);
  v.position = bundle.operations.at(-1)?.position ?? 0;
  visits.set(bundle.visit.id, v);
  arrived(bundle.operations);
  refold(v);
  changed();
  return v;
}

/** The tablet's own copy of a check. @param {string} id */
async function restore(id) {
  const record = await store.get('visits', await vault.nameOf(`visit ${id}`));
  if (!record) return null;
  try {
    return visits.get(id) ?? adopt(await vault.valueOf('visits', record));
  } catch {
    return null;
  }
}

/**
 * Opens a check: its checklist and everything done on it so far, from the server, or
 * as the tablet has it when the server is not there.
 * @param {string} id
 */
export async function openVisit(id) {
  const known = visits.get(id) ?? (await restore(id));
  if (known && (known.local || net !== 'ok')) return known;
  try {
    await meetOnce(!!known);
    const v = adopt(await call('GET', `/api/v1/visits/${id}`, undefined, { quiet: !!known, timeout: known ? 10000 : 60000 }));
    void keepCopies(keptVisit(v));
    return v;
  } catch (e) {
    note(e);
    if (known && e instanceof Problem && (e.passing || e.status === 401)) return known;
    throw e;
  }
}

/** @param {Record<string, string>} states */
function take(states) { for (const [id, s] of Object.entries(states)) if (s === 'RECEIVED') safe.add(id); }

/** When an act was done, by the server's clock as the device knows it. @param {any} op */
const atOf = (op) => (op.offset_ms ? new Date(Date.parse(op.device_at) + op.offset_ms).toISOString() : op.device_at);

/** What all that is known of a check means, with what waits here. @param {any} v */
function refold(v) {
  const known = new Set(v.operations.map((/** @type {any} */ op) => op.id));
  const waiting = queue.filter((op) => op.visit === v.visit.id && !known.has(op.id)).map((op) => ({ ...op, author: me?.person, at: atOf(op) }));
  v.state = fold(v.rules, [...v.operations, ...waiting]);
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
  if (!v || busy || !owner) return;
  try {
    const away = net === 'offline';
    await meetOnce(true);
    if (!v.local) {
      const news = await call('GET', `/api/v1/visits/${id}/operations?after=${v.position}`, undefined, { quiet: true, timeout: 10000 });
      const had = v.position, was = v.visit.state, known = safe.size;
      take(news.files);
      v.files = { ...v.files, ...news.files };
      await receive(v, news.operations);
      v.visit.state = news.state;
      if (v.position !== had || was !== news.state) void keepCopies(keptVisit(v));
      if (v.position !== had || was !== news.state || safe.size !== known) changed();
    }
    there();
    if (away) void flush();
  } catch (e) {
    note(e);
  }
}

/** @param {any} v @param {any[]} operations */
async function receive(v, operations) {
  for (const op of operations) {
    if (op.position <= v.position) continue;
    v.position = op.position;
    v.operations.push(op);
  }
  arrived(operations);
  refold(v);
}

/** What the server has needs not wait here any more. @param {any[]} operations */
function arrived(operations) {
  const there = queue.filter((q) => operations.some((op) => op.id === q.id));
  if (there.length === 0) return;
  queue = queue.filter((q) => !there.includes(q));
  store.write(there.map((q) => ({ store: 'ops', drop: q.id }))).catch(() => { /* sent again, and answered as a duplicate */ });
}

/** The list of the day as it was last kept, and when. */
let lastSaid = '', lastKept = 0;

/**
 * What this person has to do today, and as of when.
 * @returns {Promise<{data: any, fresh: boolean}>}
 */
export async function today() {
  const id = await vault.nameOf('today');
  try {
    if (net !== 'offline') {
      await meetOnce(true);
      const data = await call('GET', '/api/v1/today', undefined, { quiet: true, timeout: 10000 });
      there();
      const { now: _now, ...said } = data;
      if (JSON.stringify(said) !== lastSaid || Date.now() - lastKept > 300e3) {
        lastSaid = JSON.stringify(said);
        lastKept = Date.now();
        void keepCopies((async () => ({ store: 'today', put: await vault.seal('today', id, data) }))());
        void fetchAhead(data);
      }
      return { data: await withLocal(data, true), fresh: true };
    }
  } catch (e) {
    note(e);
    if (!(e instanceof Problem) || !(e.passing || e.status === 401)) throw e;
  }
  const record = await store.get('today', id);
  const data = record ? await vault.valueOf('today', record) : { now: '', targets: [], visits: [] };
  return { data: await withLocal(data, false), fresh: false };
}

/**
 * The list with what was begun here and is not yet known there; as the server gave it
 * last, with everything that the tablet has learned since.
 * @param {any} data @param {boolean} fresh
 */
async function withLocal(data, fresh) {
  const own = fresh ? [] : await opened('visits');
  for (const op of queue) if (op.type === 'check_in' && !own.some((v) => v.visit.id === op.visit)) own.push(visits.get(op.visit) ?? (await restore(op.visit)) ?? {});
  const known = new Map(own.filter((v) => v.visit && !(visits.get(v.visit.id) ?? v).refused && (v.local || !fresh)).map((v) => [v.visit.id, v]));
  const begun = [...known.values()].filter((v) => !data.visits.some((/** @type {any} */ x) => x.id === v.visit.id) && active.includes(v.visit.state));
  // Days without a network go by too: what was planned for later is due by now.
  const day = new Date(clock.now() + 7 * 3600e3).toISOString().slice(0, 10);
  const due = fresh ? data.targets : [...data.targets, ...(data.coming ?? []).filter((/** @type {any} */ x) => x.planned_on <= day)];
  return { ...data, targets: due.filter((/** @type {any} */ x) => ![...known.values()].some((v) => v.target === x.id)),
    visits: [...begun.map((v) => v.visit), ...data.visits.map((/** @type {any} */ x) => ({ ...x, state: known.get(x.id)?.visit.state ?? x.state }))] };
}

const active = ['IN_PROGRESS', 'MINUTES_DRAFT', 'CANNOT_INSPECT'];
/** Handovers fetched in this run of the app. @type {Set<string>} */
const handed = new Set();

/**
 * Fetches what the person will need without a network: what each check will be that
 * they may begin, and the checks under way. What is over is taken off the tablet.
 * @param {any} data
 */
async function fetchAhead(data) {
  try {
    const keep = new Set();
    for (const x of [...data.targets, ...(data.coming ?? [])]) {
      if (!x.may_check_in) continue;
      const id = await vault.nameOf(`handover ${x.id}`);
      keep.add(id);
      if (handed.has(x.id)) continue;
      handed.add(x.id);
      try {
        const bundle = await call('GET', `/api/v1/targets/${x.id}/handover`, undefined, { quiet: true });
        await keepCopies((async () => ({ store: 'handovers', put: await vault.seal('handovers', id, bundle) }))());
      } catch (e) {
        if (!(e instanceof Problem) || e.passing) { handed.delete(x.id); throw e; }
      }
    }
    for (const x of data.visits) {
      keep.add(await vault.nameOf(`visit ${x.id}`));
      if (!active.includes(x.state) || visits.has(x.id)) continue;
      const v = adopt(await call('GET', `/api/v1/visits/${x.id}`, undefined, { quiet: true }));
      await keepCopies(keptVisit(v));
    }
    for (const op of [...queue, ...refused, ...files.values()]) keep.add(await vault.nameOf(`visit ${op.visit}`));
    /** @type {store.Change[]} */
    const over = [];
    for (const name of ['visits', 'handovers']) for (const r of await store.list(name, owner)) if (!keep.has(r.id)) over.push({ store: name, drop: r.id });
    if (over.length) await store.write(over);
  } catch (e) {
    note(e); // without a network it is fetched another time
    lastSaid = '';
  }
  changed();
}

/** What a check on a target will be; null when it has not come to this tablet. @param {string} target */
export async function handover(target) {
  const id = await vault.nameOf(`handover ${target}`);
  const record = await store.get('handovers', id);
  if (record) {
    try { return await vault.valueOf('handovers', record); } catch { /* fetched again */ }
  }
  if (net !== 'ok') return null;
  try {
    return await call('GET', `/api/v1/targets/${target}/handover`, undefined, { quiet: true, timeout: 10000 });
  } catch (e) {
    note(e);
    return null;
  }
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
    if (!refused.some((op) => op.id === given.id)) (await openVisit(id)).target = target;
    return { visit: id, ...given };
  }
  const visit = { ...bundle.visit, id, state: 'IN_PROGRESS', checked_in_at: new Date(clock.now()).toISOString() };
  const mine = acting.catch(() => {}).then(async () => {
    const v = { ...bundle, visit, operations: [], files: {}, local: true, target };
    const given = await keep(id, [{ type: 'check_in', payload: { target, ...place } }], async () => [await keptVisit(v)], () => adopt(v));
    return { visit: id, ...given };
  });
  acting = mine;
  return mine;
}

// --- Acts ---

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
      ops.push({ id: newID(), visit: visitID, device, device_at: new Date(at).toISOString(), elapsed_ms: ran, boot, ...(off === null ? {} : { offset_ms: off }), seq: seq + i, base: v ? baseOf(v.state, type, payload) : '', type, payload, n: n + i });
    }
    await store.write([...(more ? await more() : []), ...(await Promise.all(ops.map(sealed)))]);
  } catch (e) {
    notKept(e);
    throw e;
  }
  if (trouble?.kind === 'not-kept') trouble = null;
  queue.push(...ops);
  then?.();
  const now = visits.get(visitID);
  if (now) refold(now);
  changed();
  return { id: /** @type {string} */ (ops.at(-1).id), done: flush() };
}

/** @param {any} op @returns {Promise<store.Change>} */
async function sealed(op) {
  const { n, ...value } = op;
  return { store: 'ops', put: await vault.seal('ops', op.id, value, n) };
}

/** Says what was not kept, and what to do. @param {any} e */
function notKept(e) {
  console.warn(e);
  trouble = { kind: 'not-kept', words: t(e?.name === 'QuotaExceededError' ? 'tablet.not_kept.full' : 'tablet.not_kept') };
  say(trouble.words, 'bad');
  void lookAtRoom();
  changed();
}

/** The database was lost while the app ran: what is in memory is kept anew, and the person told. */
async function rescue() {
  /** @type {store.Change[]} */
  const changes = [{ store: 'meta', key: 'device', put: device }];
  if (ownVault) changes.push({ store: 'vaults', put: ownVault });
  for (const op of [...queue, ...refused]) changes.push(await sealed(op));
  let gone = 0, photos = 0;
  for (const f of files.values()) {
    changes.push(await sealedFile(f));
    try {
      if (!f.blob) throw new Error('not in memory');
      changes.push({ store: 'bytes', put: await vault.seal('bytes', f.id, await f.blob.arrayBuffer()) });
      photos++;
    } catch {
      f.problem = t('tablet.photo.gone');
      gone++;
    }
  }
  for (const v of visits.values()) changes.push(await keptVisit(v));
  changes.push(...(await numbers()));
  handed.clear();
  lastSaid = '';
  trouble = { kind: 'lost', words: [t('tablet.lost', { acts: queue.length, photos }), gone ? t('tablet.lost.photos', { n: gone }) : ''].filter(Boolean).join(' ') };
  say(trouble.words, 'bad');
  await store.write(changes);
  changed();
}

/** The numbers that were given out, by everything that is known: what comes after a lost database goes on behind them. @returns {Promise<store.Change[]>} */
async function numbers() {
  const here = [...queue, ...refused], last = new Map();
  for (const op of [...here, ...[...visits.values()].flatMap((v) => v.operations)]) {
    if (op.device === device && (!op.author || op.author === me?.person)) last.set(op.visit, Math.max(last.get(op.visit) ?? 0, op.seq ?? 0));
  }
  const changes = [{ store: 'meta', key: 'order', put: Math.max(0, ...here.map((op) => op.n ?? 0)) }];
  for (const [id, seq] of last) changes.push({ store: 'meta', key: `seq:${await vault.nameOf(`visit ${id}`)}`, put: seq });
  return changes;
}

/** The vault of who is signed in, for the case that the database is lost. @type {vault.Vault | null} */
let ownVault = null;

/** Keeps the vault. @param {vault.Vault} v */
export async function keepVault(v) {
  ownVault = v;
  await store.write([{ store: 'vaults', put: v }]);
}

/** The person has read what was said. */
export function seen() {
  trouble = null;
  changed();
}

async function lookAtRoom() {
  const now = await store.room();
  if (now.low !== room.low || Math.abs(now.free - room.free) > 10e6) { room = now; changed(); }
}

/** @param {any} f @returns {Promise<store.Change>} */
async function sealedFile({ blob: _blob, share: _share, problem: _problem, sketched: _sketched, ...f }) {
  return { store: 'files', put: await vault.seal('files', f.id, f) };
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

/** Tries again what failed of a file. @param {string} id */
export async function retry(id) {
  const f = files.get(id);
  if (!f) return;
  f.problem = '';
  for (const op of refused.filter((op) => named(op).includes(id))) await sendAgain(op.id);
  changed();
  void flush();
}

/** Posts a refused operation once more. @param {string} id */
export async function sendAgain(id) {
  const op = refused.find((r) => r.id === id);
  if (!op) return;
  // With a check-in everything goes again that it brought down.
  const all = op.type === 'check_in' ? refused.filter((r) => r.visit === op.visit) : [op];
  const fresh = all.map(({ refused: _refused, place: _place, ...rest }) => rest);
  await store.write(await Promise.all(fresh.map(sealed)));
  refused = refused.filter((r) => !all.includes(r));
  queue = [...queue, ...fresh].sort((a, b) => a.n - b.n);
  for (const f of files.values()) if (all.some((r) => r.type === 'declare' && r.payload.file === f.id)) f.problem = '';
  const v = visits.get(op.visit);
  if (v) v.refused = false;
  if (v) refold(v);
  changed();
  void flush();
}

/** The person has read why an operation was refused. @param {string} id */
export async function dismiss(id) {
  await store.write([{ store: 'ops', drop: id }]);
  refused = refused.filter((r) => r.id !== id);
  changed();
}

/** Originals wait for Wi-Fi, where the browser can tell. */
export const wifi = { known: () => /** @type {any} */ (navigator).connection?.type !== undefined, only: () => wifiOnly, set: async (/** @type {boolean} */ on) => {
  await store.setMeta('wifi', on);
  wifiOnly = on;
  changed();
  void flush();
} };

const heldBack = () => wifiOnly && /** @type {any} */ (navigator).connection?.type === 'cellular';

// --- Sending ---

/** The session is another person's: nothing may be sent with it. */
class Other extends Error {}

/** A sign-out without a network is to be made known first. */
export async function endSession() {
  if (!document.cookie.includes('congvu-out=1')) { // made known since, by the office pages
    if (await store.meta('signout')) await store.setMeta('signout', false);
    return;
  }
  await call('DELETE', '/api/v1/session', undefined, { quiet: true, timeout: 10000 });
  await signedOut();
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
  document.cookie = `congvu-out=1; path=/; max-age=${30 * 24 * 3600}; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`; // the office pages know it too; longer than a session lives
  await store.setMeta('signout', true).catch((e) => console.warn(e)); // a full disk keeps nobody signed in
  await call('DELETE', '/api/v1/session', undefined, { quiet: true, timeout: 10000 }).then(() => signedOut(), () => {});
}

/** The server has heard of it. */
async function signedOut() {
  document.cookie = 'congvu-out=; path=/; max-age=0; samesite=lax';
  await store.setMeta('signout', false);
}

/** Nothing is asked or sent before the server has said that the session is this person's. @param {boolean} quiet */
async function meet(quiet) {
  await endSession();
  const who = await call('GET', '/api/v1/session', undefined, { quiet, timeout: 15000 });
  if (who.person !== me?.person) throw new Other();
  if (!met) void learnClock();
  met = true;
}

/** Learns how far the server's clock is from this one. */
async function learnClock() {
  try {
    const sent = Date.now(), begun = performance.now();
    const { now } = await call('GET', '/api/v1/clock', undefined, { quiet: true, timeout: 10000 });
    const took = performance.now() - begun;
    if (took > 5000) return; // says too little
    const ahead = clock.learn(Date.parse(now), sent, took);
    if (ahead !== null) await store.setMeta('ahead', ahead);
  } catch { /* as last learned */ }
}

/** @param {boolean} quiet */
async function meetOnce(quiet) { if (!met) await meet(quiet); }

/** Asks whether the server is there again. */
export async function probe() {
  if (!owner || busy) return;
  try {
    await meet(true);
    there();
    void flush();
  } catch (e) {
    if (owner) note(e);
  }
}
setInterval(() => { if (net === 'offline') void probe(); }, 8000);
addEventListener('online', () => { void probe(); });
/** @type {any} */ (navigator).connection?.addEventListener?.('change', () => { void flush(); });

document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') { met = false; void flush(); } });

/** The server is there. */
function there() {
  if (net !== 'ok') { net = 'ok'; changed(); }
}

/** @param {any} e */
function note(e) {
  const now = e instanceof Other ? 'other' : e instanceof Problem && e.status === 401 ? 'signed-out' : e instanceof Problem && e.passing ? 'offline' : net;
  if (e instanceof Other || (e instanceof Problem && (e.passing || e.status === 401))) met = false;
  if (now !== net) { net = now; changed(); }
}

/** The person has signed in again. */
export function signedIn() {
  met = true;
  there();
  void flush();
}

let busy = false, again = false, carrying = false;
/** How often in a row each way of sending failed. */
const failures = { acts: 0, photos: 0 };
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retrying;
/** @type {Promise<void>} */
let running = Promise.resolve();

/**
 * @param {'acts' | 'photos'} what
 * @param {() => Promise<void>} work what is tried again later if the network is why it failed
 */
async function attempt(what, work) {
  try {
    await work();
    failures[what] = 0;
  } catch (e) {
    if (!owner) return;
    note(e);
    if (e instanceof Other || (e instanceof Problem && e.status === 401)) return; // until the person signs in
    if (!(e instanceof Problem) || !e.passing) console.warn(e);
    clearTimeout(retrying);
    retrying = setTimeout(() => { void flush(); }, Math.min(1000 * 2 ** failures[what]++, 12000) * (0.75 + Math.random() / 2));
  }
}

/**
 * Sends what waits: operations and small pictures at once, photos beside them, so that
 * no answer waits behind a photo. Only one run at a time; a call during a run makes it
 * look again.
 */
export function flush() {
  if (busy) { again = true; return running; }
  if (!owner) return running;
  busy = true;
  clearTimeout(retrying);
  running = attempt('acts', async () => {
    do {
      again = false;
      if (queue.length + files.size === 0) break;
      await meet(net === 'signed-out' || net === 'other');
      there();
      try {
        await postOperations();
        await sendSketches();
      } finally {
        if (owner && met) void carry(); // whatever became of the acts
      }
    } while (again && owner);
  }).finally(() => { busy = false; });
  return running;
}

/** Sends photos, one after the other. */
async function carry() {
  if (carrying) return;
  carrying = true;
  await attempt('photos', () => alone('photos', sendFiles));
  carrying = false;
}

/** Only one tab of the app does it at a time, where the browser can tell. @param {string} what @param {() => Promise<void>} work */
const alone = async (what, work) => { await (navigator.locks ? navigator.locks.request(`congvu ${what}`, work) : work()); };

/** @param {any} f @param {string} words */
function fileFailed(f, words) {
  f.problem = words;
  say(words, 'bad');
  changed();
}

/** What ends a part of a check waits for its files. */
const closing = ['finish', 'sign', 'refuse_to_sign'];

/** The next operations that may go, oldest first; of each check in their order. */
function ready() {
  const held = new Set(stuck), out = [];
  for (const op of queue) {
    if (closing.includes(op.type) && [...files.values()].some((f) => f.visit === op.visit && !f.problem)) held.add(op.visit);
    if (!held.has(op.visit)) out.push(op);
  }
  return out;
}

async function postOperations() {
  stuck.clear();
  /** @type {Problem | null} */
  let failed = null;
  for (let batch = ready().slice(0, most); batch.length > 0; batch = ready().slice(0, most)) {
    let answer;
    try {
      answer = await call('POST', '/api/v1/operations', { operations: batch.map(({ n: _n, ...op }) => op) });
    } catch (e) {
      if (!(e instanceof Problem) || e.status === 401 || e.status === 403) throw e;
      if (e.status === 0) { // less at a time comes through on a bad line
        most = Math.max(10, Math.ceil(most / 2));
        throw e;
      }
      if (e.passing && e.status !== 500) throw e;
      // What the server cannot read, or fails on, is found by itself: the one is told, the other waits with its check.
      if (batch.length > 1) { most = Math.ceil(batch.length / 4); continue; }
      if (e.passing) {
        failed = e;
        stuck.add(batch[0].visit);
        continue;
      }
      answer = { outcomes: [{ id: batch[0].id, status: 'refused', problem: { detail: e.message, errors: e.errors } }] };
    }
    await settle(batch, answer.outcomes);
    changed();
    if (answer.outcomes.length === 0) throw new Problem(503, null); // nothing was taken: later again
    most = Math.min(MOST, most * 2);
  }
  if (failed) throw failed;
}

/** How many operations go at once at most, as the server takes them; less on a bad line. */
const MOST = 200;
let most = MOST;
/** Checks on which the server failed in this round. @type {Set<string>} */
const stuck = new Set();

/**
 * Takes the server's answer in: what it has leaves the queue, what it refused stays
 * listed with its words. The tablet's copy of each check changes in the same
 * transaction.
 * @param {any[]} batch @param {any[]} outcomes
 */
async function settle(batch, outcomes) {
  /** @type {store.Change[]} */
  const changes = [];
  const touched = new Set(), missed = new Set(), begun = new Set();
  /** @type {any[]} */
  const gone = [], no = [];
  for (const outcome of outcomes) {
    const op = batch.find((b) => b.id === outcome.id);
    if (!op || gone.includes(op)) continue;
    gone.push(op);
    const v = visits.get(op.visit) ?? (await restore(op.visit));
    if (outcome.status === 'refused') {
      const words = [outcome.problem?.detail || t('tablet.error.refused'), ...new Set(Object.values(outcome.problem?.errors ?? {}))].join(' ');
      say(words, 'bad');
      /** @type {string} */
      const place = v?.visit.desk || v?.visit.organisation || [...refused, ...no].find((r) => r.visit === op.visit)?.place || '';
      const kept = { ...op, refused: words, place };
      no.push(kept);
      changes.push(await sealed(kept));
      const f = op.type === 'declare' && files.get(op.payload.file);
      if (f) f.problem = words;
      if (op.type === 'check_in') { // nothing of this check can be taken before it is
        if (v) v.refused = true;
        for (const later of queue.filter((q) => q.visit === op.visit && q !== op && !gone.includes(q))) {
          const brought = { ...later, refused: words, place };
          gone.push(later);
          no.push(brought);
          changes.push(await sealed(brought));
          const of = later.type === 'declare' && files.get(later.payload.file);
          if (of) of.problem = words;
        }
        if (v?.local) touched.add(v);
      }
      continue;
    }
    changes.push({ store: 'ops', drop: op.id });
    if (!v) continue;
    if (op.type === 'check_in') begun.add(v);
    if (outcome.position === v.position + 1) {
      const { n: _n, ...logged } = { ...op, position: outcome.position, author: me?.person, at: atOf(op) };
      v.position = outcome.position;
      v.operations.push(logged);
    } else if (outcome.position > v.position) missed.add(v);
    if (outcome.state) v.visit.state = outcome.state;
    v.local = false;
    touched.add(v);
  }
  for (const v of touched) if (visits.has(v.visit.id)) changes.push(await keptVisit(v));
  await store.write(changes);
  queue = queue.filter((q) => !gone.includes(q));
  refused.push(...no);
  for (const v of visits.values()) if (gone.some((op) => op.visit === v.visit.id)) refold(v);
  try {
    for (const v of missed) {
      const news = await call('GET', `/api/v1/visits/${v.visit.id}/operations?after=${v.position}`, undefined, { quiet: true });
      take(news.files);
      await receive(v, news.operations);
      void keepCopies(keptVisit(v));
    }
    for (const v of begun) { // what the server froze at check-in is what counts
      const fresh = adopt(await call('GET', `/api/v1/visits/${v.visit.id}`, undefined, { quiet: true }));
      void keepCopies(keptVisit(fresh));
    }
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    console.warn(e); // what others did is asked for again when the check is looked at
  }
}

/** Why a file could not be sent, in words. @param {Problem} e */
function whyNot(e) {
  if (e.status === 413) return t('tablet.photo.too_large');
  return e.message || t('tablet.error.refused');
}

/** Whether a photo may be sent: the server knows of it, and it failed in no way. @param {any} f */
const mayGo = (f) => !f.problem && !queue.some((op) => op.type === 'declare' && op.payload.file === f.id);

/** Small pictures of all photos go before the first original, on any network. */
async function sendSketches() {
  let n = 0;
  for (const f of [...files.values()]) {
    if (f.sketched || f.kind !== 'PHOTO' || !mayGo(f)) continue;
    if (ready().length > 0) { again = true; return; }
    if (n++ === SKETCHES) void carry();
    f.sketched = true;
    try {
      const bytes = await bytesOf(f);
      if (files.has(f.id)) await upload.sketch(f.id, bytes);
    } catch (e) { // the photo goes without
      console.warn(e);
      if (e instanceof Problem && (e.status === 0 || e.status === 401)) throw e;
    }
  }
}

/** So many small pictures go before the first photo; more of them beside the photos. */
const SKETCHES = 20;

async function sendFiles() {
  const tried = new Set();
  for (let f; (f = [...files.values()].find((x) => !tried.has(x.id) && mayGo(x))); changed()) {
    if (heldBack()) return;
    tried.add(f.id);
    await meet(true);
    let bytes;
    try {
      bytes = await bytesOf(f);
    } catch {
      if (await store.get('receipts', f.id)) { // another tab has sent it
        safe.add(f.id);
        files.delete(f.id);
      } else fileFailed(f, t('tablet.photo.gone'));
      continue;
    }
    try {
      await sendFile(f, bytes);
      failures.photos = 0;
    } catch (e) {
      f.share = 0;
      if (!(e instanceof Problem)) throw e;
      if (e.passing || e.status === 401 || e.status === 403) { // none of it is the photo's fault
        if (e.status === 507) say(t('tablet.photo.server_full'), 'bad');
        throw e;
      }
      fileFailed(f, whyNot(e));
    }
    if (ready().length > 0) void flush(); // what waited for the photos of its check
  }
}

/** Sends one photo, and gives up its bytes here on the receipt. @param {any} f @param {Blob} bytes */
async function sendFile(f, bytes) {
  const receipt = await upload.send(f.id, bytes, (share) => { f.share = share; changed(); });
  const proof = await proves(receipt, f);
  if (!proof.good) throw new Problem(422, { detail: t('tablet.error.hash') });
  const v = visits.get(f.visit);
  const kept = { file: f.id, name: f.name, item: f.item, place: v?.visit.desk || v?.visit.organisation || '', at: new Date(clock.now()).toISOString(), receipt, checked: proof.checked };
  await store.write([{ store: 'receipts', put: await vault.seal('receipts', f.id, kept) }, { store: 'files', drop: f.id }, { store: 'bytes', drop: f.id }]);
  safe.add(f.id);
  files.delete(f.id);
}
