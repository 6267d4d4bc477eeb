// The tablet's fold held against the vectors that package visit is held against too.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { apply, assessed, attendance, conflicts, empty, failed, fold, newID, still } from './fold.js';

/** @type {any} */ (globalThis).crypto ??= webcrypto; // Debian 12's Node has no global one

const { rules: allRules, vectors } = JSON.parse(readFileSync(new URL('../../inspection/visit/testdata/fold.json', import.meta.url), 'utf8'));

/**
 * Leaves out what Go leaves out of its JSON: empty texts, and false where it is optional.
 * @param {any} o
 * @param {string[]} always
 */
const tidy = (o, always = []) => Object.fromEntries(Object.entries(o).filter(([k, v]) => always.includes(k) || (v !== '' && v !== false && v !== undefined)));
/** @param {any} o @param {(v: any) => any} f */
const mapValues = (o, f) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, f(v)]));

/**
 * The state in the form of the vectors.
 * @param {any} rules
 * @param {any} s
 * @param {string[]} received
 * @param {string[]} [lost]
 */
function describe(rules, s, received, lost = []) {
  const sum = attendance(rules, s);
  return {
    phase: s.phase,
    answers: mapValues(s.answers, (a) => ({ value: a.value, of: a.of, failing: a.failing, dossiers: a.dossiers, na_reason: a.naReason,
      note: a.note, fixed: a.fixed, operation: a.operation, corrected: a.corrected })),
    photos: mapValues(s.photos, (images) => images.map((/** @type {any} */ i) => ({ file: i.file, after: i.after, no_people: i.noPeople, ...(i.of ? { of: i.of } : {}) }))),
    ...(s.stills.length > 0 ? { stills: s.stills.map((/** @type {any} */ x) => tidy({ request: x.request, key: x.key, outcome: x.outcome, cause: x.cause, file: x.file })) } : {}),
    counted_at: s.countedAt && inVietnam(s.countedAt),
    rows: s.rows.map((/** @type {any} */ r) => tidy(r, r.present === undefined ? ['required'] : ['required', 'present'])),
    drafts: mapValues(s.drafts, (d) => tidy(d)),
    verdicts: mapValues(s.verdicts, (v) => tidy(v)),
    minutes: tidy(s.minutes),
    failed: rules.items.filter((/** @type {any} */ it) => failed(rules, s, it)).map((/** @type {any} */ it) => it.key),
    ...unassessed(rules, s),
    still: still(rules, s, (file) => received.includes(file), (file) => lost.includes(file)).map((o) => ({ what: o.what, subject: o.subject, file: o.file ?? '' })),
    attendance: sum,
    ...(Object.keys(conflicts(s)).length > 0 ? { conflicts: mapValues(conflicts(s), (heads) => heads.map((/** @type {any} */ h) => h.operation.id)) } : {}),
  };
}

/** @param {any} rules @param {any} s */
function unassessed(rules, s) {
  const keys = rules.items.filter((/** @type {any} */ it) => !assessed(rules, s, it)).map((/** @type {any} */ it) => it.key);
  return keys.length > 0 ? { unassessed: keys } : {};
}

/** @param {string} iso */
function inVietnam(iso) {
  return new Date(Date.parse(iso) + 7 * 3600e3).toISOString().replace(/\.\d+Z$/, '+07:00');
}

for (const v of vectors) {
  test(v.name, () => {
    const rules = allRules[v.rules];
    assert.deepEqual(describe(rules, fold(rules, v.operations), v.received, v.lost), v.want);
  });
}

test('apply leaves the state that it is given as it was', () => {
  /** @type {(o: any) => any} */
  const freeze = (o) => {
    if (o && typeof o === 'object') Object.values(Object.freeze(o)).forEach(freeze);
    return o;
  };
  for (const v of vectors) {
    const rules = freeze(structuredClone(allRules[v.rules]));
    let s = freeze(empty());
    if (v.name.startsWith('R3')) continue; // those have an order of their own
    for (const op of v.operations) s = freeze(apply(rules, s, freeze(structuredClone(op))));
    assert.deepEqual(describe(rules, s, v.received, v.lost), v.want, v.name);
  }
});

test('an id is a UUID of version 7, later ones sort after earlier ones', () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const a = newID(1_700_000_000_000), b = newID(1_700_000_000_001);
  assert.match(a, form);
  assert.match(b, form);
  assert.ok(a < b);
  assert.equal(a.slice(0, 13), '018bcfe5-6800');
  assert.notEqual(newID(5), newID(5));
});

test('acts that name each other in a circle, which only a liar makes, break nothing', () => {
  const item = { key: 'A01', code: 'A01', response: 'YN', source: 'ANSWER', photo: 'NONE', severity: 'MINOR', target: 0, zero_at: 0, applies: true };
  const op = (/** @type {any} */ o) => ({ author: 'h', base: '', ...o, at: `2026-03-02T08:0${o.seq % 10}:00+07:00` });
  const ops = [op({ id: 'a', device: 'h1', seq: 1, type: 'check_in', payload: {} }), op({ id: 'b', device: 'h1', seq: 5, type: 'attendance_begin', payload: { rows: [] }, base: 'd' }),
    op({ id: 'c', device: 'h2', seq: 0, type: 'attendance_row', payload: { id: 'r', position: 'x', required: false, present: true } }),
    op({ id: 'd', device: 'h3', seq: 7, type: 'choose', payload: { register: 'row/r', operation: 'c', over: [] } })];
  const rules = /** @type {any} */ ({ items: [item], findings: [], hours: [] });
  assert.ok(Array.isArray(still(rules, fold(rules, /** @type {any} */ (ops)), () => true)));
});
