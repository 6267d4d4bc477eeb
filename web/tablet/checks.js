// The checks that are open on the tablet: what the server knows of them, with what
// waits here, folded.

import { call, Problem } from './api.js';
import { failed, fold, still } from './fold.js';
import * as store from './store.js';
import * as vault from './vault.js';
import { changed, files, safe, send, state, visits } from './state.js';
import { meetOnce, note, there } from './link.js';
import { keepCopies, keptVisit } from './records.js';

/**
 * Takes a check in as the server or the tablet's memory has it. An answer that was on its
 * way while the tablet learned more takes nothing of that back.
 * @param {any} bundle
 */
export function adopt(bundle) {
  const v = visits.get(bundle.visit.id) ?? {};
  const last = bundle.operations.at(-1)?.position ?? 0;
  const since = (v.operations ?? []).filter((/** @type {any} */ op) => op.position > last);
  const known = since.length ? { operations: [...bundle.operations, ...since], visit: { ...bundle.visit, state: v.visit.state } } : {};
  Object.assign(v, { local: false }, bundle, known, { rules: { items: bundle.items, findings: bundle.findings.map((/** @type {any} */ f) => f.id), hours: bundle.hours } });
  take(bundle.files);
  v.position = v.operations.at(-1)?.position ?? 0;
  visits.set(bundle.visit.id, v);
  arrived(bundle.operations);
  refold(v);
  changed();
  return v;
}

/** The tablet's own copy of a check. @param {string} id */
export async function restore(id) {
  const record = await store.get('visits', await vault.nameOf(`visit ${id}`));
  if (!record) return null;
  try {
    const kept = await vault.valueOf('visits', record);
    return visits.get(id) ?? adopt(kept); // opened meanwhile: that knows more
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
  if (known && (known.local || state.net !== 'ok')) return known;
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
export function take(states) { for (const [id, s] of Object.entries(states)) if (s === 'RECEIVED') safe.add(id); }

/** When an act was done, by the server's clock as the device knows it. @param {any} op */
export const atOf = (op) => (op.offset_ms ? new Date(Date.parse(op.device_at) + op.offset_ms).toISOString() : op.device_at);

/** What all that is known of a check means, with what waits here. @param {any} v */
export function refold(v) {
  const known = new Set(v.operations.map((/** @type {any} */ op) => op.id));
  const waiting = state.queue.filter((op) => op.visit === v.visit.id && !known.has(op.id)).map((op) => ({ ...op, author: state.me?.person, at: atOf(op) }));
  v.state = fold(v.rules, [...v.operations, ...waiting]);
}

/** @param {string} id @returns {any} */
export const visit = (id) => visits.get(id);

/** Whether the lead has given a file of a check up. @param {any} v @param {string} f */
export const lost = (v, f) => v.files[f] === 'LOST' && !safe.has(f);

/** What is missing on a check, with photos that are safe counted as there. @param {any} v */
export const open = (v) => still(v.rules, v.state, (f) => safe.has(f), (f) => lost(v, f));

/** The same, with photos that are still on the way counted as there. @param {any} v */
export const toDo = (v) => still(v.rules, v.state, (f) => safe.has(f) || files.has(f), (f) => lost(v, f));

/** Photos of a check that are neither here nor, as far as is known, on the server. @param {any} v */
export const elsewhere = (v) => open(v).filter((o) => o.what === 'UPLOAD' && !files.has(o.file ?? ''));

/** All acts on a check: what the server has, then what waits here. @param {any} v @returns {any[]} */
const done = (v) => [...v.operations, ...state.queue.filter((op) => op.visit === v.visit.id)];

/** When the check was finished, by the act; empty while it is not. @param {any} v @returns {string} */
export function finished(v) {
  const op = done(v).find((o) => o.type === 'finish');
  return op ? op.at ?? atOf(op) : '';
}

/** The scans that were taken of a check's papers and hang on nothing, oldest first. @param {any} v @returns {string[]} */
export function scans(v) {
  const hung = new Set(Object.values(v.state.photos).flat().map((/** @type {any} */ i) => i.file));
  return done(v).filter((op) => op.type === 'declare' && op.payload.kind === 'DOCUMENT_SCAN')
    .map((op) => op.payload.file).filter((f, n, all) => all.indexOf(f) === n && !hung.has(f) && !lost(v, f));
}

/** @param {any} v @param {any} it */
export const fails = (v, it) => failed(v.rules, v.state, it);

/** Asks the server what others have done meanwhile. @param {string} id */
export async function refresh(id) {
  const v = visits.get(id);
  if (!v || state.busy || !state.owner) return;
  try {
    const away = state.net !== 'ok';
    await meetOnce(true);
    if (!v.local) {
      const after = v.position;
      const news = await call('GET', `/api/v1/visits/${id}/operations?after=${after}`, undefined, { quiet: true, timeout: 10000 });
      const had = v.position, was = v.visit.state, late = had > (news.operations.at(-1)?.position ?? after);
      const moved = Object.entries(news.files).some(([f, s]) => v.files[f] !== s);
      take(news.files);
      Object.assign(v.files, news.files);
      const asked = news.snapshots ?? [], decided = JSON.stringify(v.snapshots ?? []) !== JSON.stringify(asked);
      v.snapshots = asked;
      await receive(v, news.operations);
      if (!late) v.visit.state = news.state; // what was done here meanwhile has said more
      if (moved || decided || v.position !== had || was !== v.visit.state) {
        void keepCopies(keptVisit(v));
        changed();
      }
    }
    there();
    if (away) void send();
  } catch (e) {
    note(e);
  }
}

/** @param {any} v @param {any[]} operations */
export async function receive(v, operations) {
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
  const there = state.queue.filter((q) => operations.some((op) => op.id === q.id));
  if (there.length === 0) return;
  state.queue = state.queue.filter((q) => !there.includes(q));
  store.write(there.map((q) => ({ store: 'ops', drop: q.id }))).catch(() => { /* sent again, and answered as a duplicate */ });
}
