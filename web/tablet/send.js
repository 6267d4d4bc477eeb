// The way to the server: operations in their order, photos beside them. An operation
// leaves the tablet when the server has confirmed it, a photo when a receipt names its
// hash.

import { call, Problem } from './api.js';
import { proves } from './receipts.js';
import { say, t } from './dom.js';
import * as store from './store.js';
import * as upload from './upload.js';
import * as vault from './vault.js';
import { changed, files, safe, sendBy, state, visits } from './state.js';
import { clock, heldBack, meet, note, Other, there } from './link.js';
import { keepCopies, keptVisit, sealed } from './records.js';
import { adopt, atOf, receive, refold, restore, take } from './checks.js';
import { bytesOf } from './pictures.js';

/**
 * The two ways of sending: how often in a row each failed, and when it is tried again.
 * @type {Record<'acts' | 'photos', {failures: number, again?: ReturnType<typeof setTimeout>}>}
 */
const ways = { acts: { failures: 0 }, photos: { failures: 0 } };

/** Tries nothing by itself any more. */
export function rest() { for (const way of Object.values(ways)) clearTimeout(way.again); }

/** Asked to look again for acts, or for photos, and whether photos are being sent. */
let again = false, more = false, carrying = false;
/** @type {Promise<void>} */
let running = Promise.resolve();

/**
 * Whether it went well.
 * @param {'acts' | 'photos'} what
 * @param {() => Promise<void>} work what is tried again later if the network is why it failed
 */
async function attempt(what, work) {
  try {
    await work();
    ways[what].failures = 0;
    return true;
  } catch (e) {
    if (!state.owner) return false;
    note(e);
    if (e instanceof Other || (e instanceof Problem && e.status === 401)) { // until the person signs in, which they may have done meanwhile
      if (what === 'acts' && again) void flush();
      return false;
    }
    if (!(e instanceof Problem) || !e.passing) console.warn(e);
    clearTimeout(ways[what].again);
    ways[what].again = setTimeout(() => { void flush(); }, Math.min(1000 * 2 ** ways[what].failures++, 12000) * (0.75 + Math.random() / 2));
    return false;
  }
}

/**
 * Sends what waits: operations and small pictures at once, photos beside them, so that
 * no answer waits behind a photo. Only one run at a time; a call during a run makes it
 * look again, and whoever sees that nothing is left ends the run in the same step.
 */
function flush() {
  if (state.busy) { again = true; return running; }
  if (!state.owner) return running;
  state.busy = true;
  rest();
  running = attempt('acts', sendActs).then(() => {});
  return running;
}

async function sendActs() {
  try {
    do {
      again = false;
      if (state.queue.length + files.size === 0) break;
      await meet(state.net === 'signed-out' || state.net === 'other');
      there();
      try {
        await postOperations();
        await sendSketches();
      } finally {
        if (state.owner && state.met) void carry(); // whatever became of the acts
      }
    } while (again && state.owner);
  } finally {
    state.busy = false;
  }
}

/** Sends photos, one after the other. */
async function carry() {
  if (carrying) { more = true; return; }
  carrying = true;
  let well;
  do {
    more = false;
    well = await attempt('photos', () => alone('photos', sendFiles));
  } while (more && well);
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

/** What ends a part of a check waits for the files that were taken before it. */
const closing = ['finish', 'sign', 'refuse_to_sign'];

/** The next operations that may go, oldest first; of each check in their order. */
function ready() {
  const held = new Set(stuck), out = [];
  const later = new Set(state.queue.filter((op) => op.type === 'declare').map((op) => op.payload.file));
  for (const op of state.queue) {
    if (op.type === 'declare') later.delete(op.payload.file);
    if (closing.includes(op.type) && [...files.values()].some((f) => f.visit === op.visit && !f.problem && !later.has(f.id))) held.add(op.visit);
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
    try {
      await settle(batch, answer.outcomes);
    } finally {
      changed();
    }
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
  /** What the server has after something that others did and that is not known here yet. @type {any[]} */
  const unplaced = [];
  for (const outcome of outcomes) {
    const op = batch.find((b) => b.id === outcome.id);
    if (!op || gone.includes(op)) continue;
    gone.push(op);
    const v = visits.get(op.visit) ?? (await restore(op.visit));
    if (outcome.status === 'refused') {
      const words = [outcome.problem?.detail || t('tablet.error.refused'), ...new Set(Object.values(outcome.problem?.errors ?? {}))].join(' ');
      say(words, 'bad');
      /** @type {string} */
      const place = v?.visit.desk || v?.visit.organisation || [...state.refused, ...no].find((r) => r.visit === op.visit)?.place || '';
      const kept = { ...op, refused: words, place };
      no.push(kept);
      changes.push(await sealed(kept));
      const f = op.type === 'declare' && files.get(op.payload.file);
      if (f) f.problem = words;
      if (op.type === 'check_in') { // nothing of this check can be taken before it is
        if (v) v.refused = true;
        for (const later of state.queue.filter((q) => q.visit === op.visit && q !== op && !gone.includes(q))) {
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
    const placed = !v || !(outcome.position > v.position + 1);
    if (placed) changes.push({ store: 'ops', drop: op.id });
    if (!v) continue;
    if (op.type === 'check_in') begun.add(v);
    if (!placed) {
      missed.add(v);
      unplaced.push(op);
    } else if (outcome.position === v.position + 1) {
      const { n: _n, ...logged } = { ...op, position: outcome.position, author: state.me?.person, at: atOf(op) };
      v.position = outcome.position;
      v.operations.push(logged);
    }
    if (outcome.state) v.visit.state = outcome.state;
    v.local = false;
    touched.add(v);
  }
  for (const v of touched) if (visits.has(v.visit.id)) changes.push(await keptVisit(v));
  await store.write(changes);
  state.queue = state.queue.filter((q) => !gone.includes(q) || unplaced.includes(q)); // stands here until it has its place
  state.refused.push(...no);
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
    if (!(e instanceof Problem) || (state.queue.some((q) => unplaced.includes(q)) && (e.passing || e.status === 401))) throw e; // sent again, and answered as a duplicate
    console.warn(e); // what others did is asked for again when the check is looked at
  }
  const left = state.queue.filter((q) => unplaced.includes(q));
  if (left.length) await store.write(left.map((op) => ({ store: 'ops', drop: op.id })));
  state.queue = state.queue.filter((q) => !left.includes(q));
}

/** Why a file could not be sent, in words. @param {Problem} e */
function whyNot(e) {
  if (e.status === 413) return t('tablet.photo.too_large');
  return e.message || t('tablet.error.refused');
}

/** Whether a photo may be sent: the server knows of it, and it failed in no way. @param {any} f */
const mayGo = (f) => !f.problem && !state.queue.some((op) => op.type === 'declare' && op.payload.file === f.id);

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
      if (ready().length > 0) void flush();
      continue;
    }
    try {
      await sendFile(f, bytes);
      ways.photos.failures = 0;
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

sendBy(flush);
