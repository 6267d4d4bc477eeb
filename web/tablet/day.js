// The list of the day, and what is fetched ahead so that it can be done without a network.

import { call, Problem } from './api.js';
import * as store from './store.js';
import * as vault from './vault.js';
import { changed, files, state, visits } from './state.js';
import { clock, meetOnce, note, there } from './link.js';
import { keepCopies, keptVisit, opened } from './records.js';
import { adopt, restore } from './checks.js';

/** The list of the day as it was last kept, and when. */
let lastSaid = '', lastKept = 0;

/**
 * What this person has to do today, and as of when.
 * @returns {Promise<{data: any, fresh: boolean}>}
 */
export async function today() {
  const id = await vault.nameOf('today');
  try {
    if (state.net !== 'offline') {
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
  await lookReady(data);
  return { data: await withLocal(data, false), fresh: false };
}

/**
 * The list with what was begun here and is not yet known there; as the server gave it
 * last, with everything that the tablet has learned since.
 * @param {any} data @param {boolean} fresh
 */
async function withLocal(data, fresh) {
  const own = fresh ? [] : await opened('visits');
  for (const op of state.queue) if (op.type === 'check_in' && !own.some((v) => v.visit.id === op.visit)) own.push(visits.get(op.visit) ?? (await restore(op.visit)) ?? {});
  const known = new Map(own.filter((v) => v.visit && !(visits.get(v.visit.id) ?? v).refused && (v.local || !fresh)).map((v) => [v.visit.id, v]));
  const begun = [...known.values()].filter((v) => !data.visits.some((/** @type {any} */ x) => x.id === v.visit.id) && active.includes(v.visit.state));
  // Days without a network go by too: what was planned for later is due by now.
  const day = new Date(clock.now() + 7 * 3600e3).toISOString().slice(0, 10);
  const due = fresh ? data.targets : [...data.targets, ...(data.coming ?? []).filter((/** @type {any} */ x) => x.planned_on <= day)];
  const all = [...begun.map((v) => v.visit), ...data.visits.map((/** @type {any} */ x) => ({ ...x, state: known.get(x.id)?.visit.state ?? x.state }))];
  if (!fresh) for (const x of all) if (active.includes(x.state) && !visits.has(x.id) && (await restore(x.id))) restored.add(x.id);
  return { ...data, targets: due.filter((/** @type {any} */ x) => ![...known.values()].some((v) => v.target === x.id)),
    visits: all };
}

const active = ['IN_PROGRESS', 'MINUTES_DRAFT', 'CANNOT_INSPECT'];

/** How often it was fetched ahead. */
let rounds = 0;

/** Handovers fetched in this run of the app. @type {Set<string>} */
const handed = new Set();
/** Checks that are in memory as the tablet had kept them, not as the server has them now. @type {Set<string>} */
const restored = new Set();
/** Targets whose handover is on the tablet. @type {Set<string>} */
const ready = new Set();

/** Whether a check can be begun on a target without a network. @param {string} target */
export const isReady = (target) => ready.has(target);

/** Looks which handovers are on the tablet. @param {any} data */
async function lookReady(data) {
  const kept = (await store.list('handovers', state.owner)).map((r) => r.id);
  for (const x of [...data.targets, ...(data.coming ?? [])]) {
    if (kept.includes(await vault.nameOf(`handover ${x.id}`))) ready.add(x.id);
    else ready.delete(x.id);
  }
}

/**
 * Fetches what the person will need without a network: what each check will be that
 * they may begin, and the checks under way. What is over is taken off the tablet.
 * @param {any} data
 */
async function fetchAhead(data) {
  const mine = ++rounds;
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
      if (!active.includes(x.state) || (visits.has(x.id) && !restored.has(x.id))) continue;
      const v = adopt(await call('GET', `/api/v1/visits/${x.id}`, undefined, { quiet: true }));
      restored.delete(x.id);
      await keepCopies(keptVisit(v));
    }
    const kept = await Promise.all(['visits', 'handovers'].map(async (name) => (await store.list(name, state.owner)).map((r) => ({ store: name, drop: /** @type {string} */ (r.id) }))));
    // After the records are read: what was begun since the list was asked for is in memory.
    const here = [...visits.values()].filter((v) => active.includes(v.visit.state)).map((v) => v.visit.id);
    for (const id of new Set([...here, ...[...state.queue, ...state.refused, ...files.values()].map((op) => op.visit)])) keep.add(await vault.nameOf(`visit ${id}`));
    const over = kept.flat().filter((r) => !keep.has(r.drop));
    if (over.length && mine === rounds) await store.write(over); // a later list knows better
    await lookReady(data);
  } catch (e) {
    note(e); // without a network it is fetched another time
    lastSaid = '';
  }
  changed();
}

/** What was fetched counts no more. */
export function forget() {
  [handed, restored, ready].forEach((x) => x.clear());
  lastSaid = '';
}

/** What a check on a target will be; null when it has not come to this tablet. @param {string} target */
export async function handover(target) {
  const id = await vault.nameOf(`handover ${target}`);
  const record = await store.get('handovers', id);
  if (record) {
    try { return await vault.valueOf('handovers', record); } catch { /* fetched again */ }
  }
  if (state.net !== 'ok') return null;
  try {
    return await call('GET', `/api/v1/targets/${target}/handover`, undefined, { quiet: true, timeout: 10000 });
  } catch (e) {
    note(e);
    return null;
  }
}
