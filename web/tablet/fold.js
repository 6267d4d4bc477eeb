// What the operations of a check mean: the same rules as the Go package visit,
// held together by the shared vectors in inspection/visit/testdata/fold.json.
// Nothing here knows the page, the network or the clock.

/**
 * @typedef {{id: string, author?: string, device?: string, seq?: number, base?: string, at: string, type: string, payload: any, position?: number}} Op
 * @typedef {{operation: Op, value: Op}} Head a value that stands in a register: said by the operation, or by the one that it chose
 * @typedef {{key: string, code: string, response: string, source: string, photo: string, severity: string, target: number, zero_at: number, applies: boolean}} Item
 * @typedef {{items: Item[], findings: string[], hours: {open: number, close: number}[]}} Rules
 * @typedef {{id: string, post?: string, position: string, field?: string, required: boolean, present?: boolean, arrived?: string, reason?: string, documented?: boolean, badge?: boolean, dress?: boolean, note?: string}} Row
 * @typedef {{value: string, of: number, failing: number, dossiers: string[], naReason: string, note: string, fixed: boolean, operation: string, corrected: boolean}} Answer
 * @typedef {{file: string, after: boolean, noPeople: boolean, of: string, camera: string, operation: string}} Image
 * @typedef {{request: string, camera: string, key: string, author: string, at: string, outcome: string, cause: string, file: string, takenAt: number}} Still one that was asked of a camera; outcome is empty until it is known
 * @typedef {{phase: string, answers: Record<string, Answer>, photos: Record<string, Image[]>, stills: Still[], countedAt: string, rows: Row[], drafts: Record<string, any>, verdicts: Record<string, any>, drawn: Record<string, string>, minutes: Record<string, string>, cannot: any, signed: any, last: string, heads: Record<string, Head[]>, done: Record<string, Op>}} State
 */

/** @returns {State} */
export function empty() {
  return { phase: '', answers: {}, photos: {}, stills: [], countedAt: '', rows: [], drafts: {}, verdicts: {}, drawn: {}, minutes: {}, cannot: null, signed: null, last: '', heads: {}, done: {} };
}

/** @returns {Answer} */
export function noAnswer() {
  return { value: '', of: 0, failing: 0, dossiers: [], naReason: '', note: '', fixed: false, operation: '', corrected: false };
}

/**
 * Fold computes the state that operations give, in whatever order those came that lie
 * between two barriers.
 * @param {Rules} rules
 * @param {Op[]} ops
 */
export function fold(rules, ops) {
  let state = empty();
  for (const op of ordered(ops)) state = take(rules, state, op);
  return state;
}

/**
 * Apply takes one operation in and returns the new state; the old one is not touched.
 * @param {Rules} rules
 * @param {State} old
 * @param {Op} op
 * @returns {State}
 */
export function apply(rules, old, op) {
  return take(rules, { ...old, done: { ...old.done }, heads: { ...old.heads } }, op);
}

/** Apply on a state that is the caller's own: done and heads are changed in their place. @param {Rules} rules @param {State} own @param {Op} op */
function take(rules, own, op) {
  const s = act(rules, { ...own, last: op.id }, op);
  s.done[op.id] = op;
  const names = seenBy(op);
  for (const r of registers(op)) {
    const heads = (s.heads[r] ?? []).filter((h) => !names.includes(h.operation.id) && !saw(s, op, r, h));
    s.heads[r] = [...heads, { operation: op, value: chosen(s, op) }];
  }
  return s;
}

// The operations that move a check on, and those that the office makes, keep the place
// in which the server took them in.
const barriers = ['check_in', 'cannot_inspect', 'finish', 'sign', 'refuse_to_sign', 'report', 'correct', 'conclude'];

/** Each operation once, in the order in which they are folded. @param {Op[]} ops @returns {Op[]} */
function ordered(ops) {
  /** @type {Op[]} */
  const all = [];
  /** @type {Op[]} */
  let run = [];
  const known = new Set();
  for (const op of ops) {
    if (known.has(op.id)) continue;
    known.add(op.id);
    if (!barriers.includes(op.type)) { run.push(op); continue; }
    all.push(...causal(run), op);
    run = [];
  }
  return [...all, ...causal(run)];
}

const compare = (/** @type {any} */ a, /** @type {any} */ b) => (a < b ? -1 : a > b ? 1 : 0);
const source = (/** @type {Op} */ op) => `${op.author ?? ''} ${op.device ?? ''}`;

/**
 * Each after its base and after what its author did before on the same device, a row
 * after the count that it belongs to; else by when they happened, else by id.
 * @param {Op[]} run
 * @returns {Op[]}
 */
function causal(run) {
  if (run.length < 2) return run;
  run = [...run].sort((a, b) => compare(a.seq ?? 0, b.seq ?? 0) || compare(a.id, b.id));
  const at = new Map(run.map((op, i) => [op.id, i])), last = new Map();
  const begins = run.flatMap((op, i) => (op.type === 'attendance_begin' ? [i] : []));
  const before = run.map((op, i) => {
    const list = last.has(source(op)) ? [last.get(source(op))] : [];
    last.set(source(op), i);
    for (const id of seenBy(op)) if (at.has(id) && at.get(id) !== i) list.push(at.get(id));
    if (op.type === 'attendance_row' || op.type === 'attendance_drop') list.push(...begins);
    return list;
  });
  /** @typedef {{at: number, id: string, depth: number}} Place */
  /** @type {Place[]} */
  const places = run.map(() => ({ at: 0, id: '', depth: 0 }));
  const begun = run.map(() => false);
  const order = (/** @type {Place} */ a, /** @type {Place} */ b) => compare(a.at, b.at) || compare(a.id, b.id) || a.depth - b.depth;
  /** @param {number} i @returns {Place} */
  const find = (i) => {
    if (begun[i]) return places[i]; // of a circle, which only a liar makes: what is known so far
    begun[i] = true;
    let p = { at: Date.parse(run[i].at), id: run[i].id, depth: 0 };
    for (const b of before[i]) {
      const q = find(b);
      if (order(q, p) >= 0) p = { ...q, depth: q.depth + 1 };
    }
    places[i] = p;
    return p;
  };
  run.forEach((_, i) => find(i));
  return run.map((_, i) => i).sort((a, b) => order(places[a], places[b]) || compare(run[a].id, run[b].id)).map((i) => run[i]);
}

/** The operations that another one names: its author had seen them. @param {Op} op @returns {string[]} */
const seenBy = (op) => (op.type === 'choose' ? [op.base ?? '', op.payload.operation, ...(op.payload.over ?? [])] : [op.base ?? '']);

/** What an operation gives a value to. @param {{type: string, payload: any}} op @returns {string[]} */
function registers(op) {
  const p = op.payload ?? {};
  switch (op.type) {
    case 'answer': case 'note': case 'fixed': case 'finding': return [`${op.type}/${p.item}`];
    case 'verdict': return [`verdict/${p.finding}`];
    case 'attendance_begin': return ['attendance'];
    case 'attendance_row': case 'attendance_drop': return [`row/${p.post || p.id}`];
    case 'choose': return [p.register];
    case 'minutes': return Object.keys(p).filter((name) => p[name] !== null).sort().map((name) => `minutes/${name}`);
  }
  return [];
}

/**
 * What a new operation names as what its author saw: the last value of what it changes.
 * @param {State} s
 * @param {string} type
 * @param {any} payload
 */
export function baseOf(s, type, payload) {
  if (type === 'photo_off') return s.photos[payload.item || payload.finding]?.find((i) => i.file === payload.file)?.operation ?? '';
  return s.heads[registers({ type, payload })[0]]?.at(-1)?.operation.id ?? '';
}

/**
 * Whether the author of an operation had seen a value of a register. A base that is no
 * value of it comes from a tablet that named the last operation of the whole check: it
 * had seen all.
 * @param {State} s
 * @param {Op} op
 * @param {string} register
 * @param {Head} h
 */
function saw(s, op, register, h) {
  if (op.base === h.operation.id || source(op) === source(h.operation)) return true;
  const base = s.done[op.base ?? ''];
  return !!base && !registers(base).includes(register);
}

/** The operation whose value holds: itself, or what was chosen in the end. @param {State} s @param {Op} op @returns {Op} */
function chosen(s, op) {
  if (op?.type !== 'choose') return op;
  for (let n = Object.keys(s.done).length; n > 0 && op?.type === 'choose'; n--) op = s.done[op.payload.operation];
  return op;
}

/** The registers in which values stand that differ, with those values. @param {State} s @returns {Record<string, Head[]>} */
export function conflicts(s) {
  return Object.fromEntries(Object.entries(s.heads).filter(([r, heads]) => heads.length > 1 && r !== 'attendance'
    && new Set(heads.map((h) => says(r, h))).size > 1));
}

/** What a head says of its register, apart from how it is written. @param {string} register @param {Head} h */
function says(register, h) {
  const p = { ...(h.value?.payload ?? {}) };
  if (register.startsWith('minutes/')) return JSON.stringify(said(p[register.slice(8)]) ?? null);
  if (p.post) delete p.id; // each tablet has its own for the same post
  return JSON.stringify([h.value?.type ?? '', said(p)]);
}

/** Leaves out what says nothing. @param {any} v @returns {any} */
function said(v) {
  if (typeof v === 'string') return clean(v) || undefined;
  if (Array.isArray(v)) return v.length > 0 ? v.map((x) => said(x) ?? null) : undefined;
  if (v && typeof v === 'object') {
    return Object.fromEntries(Object.keys(v).sort().map((k) => [k, k === 'present' ? v[k] ?? undefined : said(v[k])]).filter(([, x]) => x !== undefined));
  }
  return v || undefined;
}

/** The place of a row among others: the same row, or the same post of the roster. @param {Row[]} rows @param {Row} r */
const rowOf = (rows, r) => rows.findIndex((o) => o.id === r.id || (r.post && o.post === r.post));

/**
 * What an operation does; s is its own copy.
 * @param {Rules} rules
 * @param {State} s
 * @param {Op} op
 * @returns {State}
 */
function act(rules, s, op) {
  const p = clean(op.payload ?? {});
  const answer = (/** @type {string} */ key) => s.answers[key] ?? noAnswer();
  const put = (/** @type {string} */ key, /** @type {Answer} */ a) => { s.answers = { ...s.answers, [key]: a }; };
  switch (op.type) {
    case 'check_in': s.phase = 'IN_PROGRESS'; break;
    case 'cannot_inspect': s.phase = 'CANNOT_INSPECT'; s.cannot = p; break;
    case 'answer': {
      const it = rules.items.find((i) => i.key === p.item);
      const a = { ...noAnswer(), value: p.value ?? '', of: p.of ?? 0, failing: p.failing ?? 0, dossiers: p.dossiers ?? [],
        naReason: p.value === 'NA' || !p.value ? (p.na_reason ?? '') : '', note: answer(p.item).note, fixed: answer(p.item).fixed, operation: op.id };
      if (!it || !answerFails(it, a)) a.fixed = false;
      put(p.item, a);
      break;
    }
    case 'correct':
      put(p.item, { ...noAnswer(), value: p.value ?? '', of: p.of ?? 0, failing: p.failing ?? 0, dossiers: p.dossiers ?? [],
        naReason: p.na_reason ?? '', note: answer(p.item).note, operation: op.id, corrected: true });
      break;
    case 'note': put(p.item, { ...answer(p.item), note: p.text ?? '' }); break;
    case 'fixed': {
      const it = rules.items.find((i) => i.key === p.item);
      if (p.fixed && (!it || !failed(rules, s, it))) break; // somebody else has found it in order meanwhile
      put(p.item, { ...answer(p.item), fixed: !!p.fixed });
      break;
    }
    case 'choose': {
      const one = chosen(s, s.done[p.operation]);
      if (!one || !registers(s.done[p.operation]).includes(p.register)) break;
      const name = p.register.startsWith('minutes/') ? p.register.slice(8) : '';
      return act(rules, s, name ? { ...one, payload: { [name]: one.payload[name] } } : one);
    }
    case 'declare': {
      if (!p.of) break;
      s.drawn = { ...s.drawn, [p.file]: p.of };
      for (const [key, images] of Object.entries(s.photos)) { // hung already, by somebody whose clock is behind
        if (images.some((i) => i.file === p.file)) s.photos = { ...s.photos, [key]: images.map((i) => (i.file === p.file ? { ...i, of: p.of } : i)) };
      }
      break;
    }
    case 'photo': {
      const key = p.item || p.finding, images = s.photos[key] ?? [];
      if (!images.some((i) => i.file === p.file)) {
        s.photos = { ...s.photos, [key]: [...images, { file: p.file, after: !!p.after, noPeople: !!p.no_people, of: s.drawn[p.file] ?? '', camera: '', operation: op.id }] };
      }
      break;
    }
    case 'snapshot':
      s.stills = [...s.stills, { request: op.id, camera: p.camera, key: p.finding || p.item, author: op.author ?? '', at: op.at, outcome: '', cause: '', file: '', takenAt: 0 }];
      break;
    case 'still': {
      const asked = s.stills.find((x) => x.request === p.request);
      if (!asked || asked.outcome) break;
      s.stills = s.stills.map((x) => (x === asked ? { ...x, outcome: p.outcome, cause: p.cause ?? '', file: p.file ?? '', takenAt: p.at } : x));
      if (p.outcome === 'TAKEN') {
        s.photos = { ...s.photos, [asked.key]: [...(s.photos[asked.key] ?? []), { file: p.file, after: false, noPeople: false, of: '', camera: asked.camera, operation: op.id }] };
      }
      break;
    }
    case 'photo_off': {
      const key = p.item || p.finding;
      s.photos = { ...s.photos, [key]: (s.photos[key] ?? []).filter((i) => i.file !== p.file) };
      break;
    }
    case 'attendance_begin': {
      const rows = p.rows ?? [];
      if (!s.countedAt) { s.countedAt = op.at; s.rows = rows; break; }
      if ((s.heads.attendance ?? []).some((h) => saw(s, op, 'attendance', h))) break;
      for (const r of rows) if (rowOf(s.rows, r) < 0) s.rows = [...s.rows, r]; // two began without knowing: they count together
      break;
    }
    case 'attendance_row': {
      if (!s.countedAt) break;
      const at = rowOf(s.rows, p);
      s.rows = at < 0 ? [...s.rows, p] : s.rows.map((r, i) => (i === at ? { ...p, id: r.id } : r));
      break;
    }
    case 'attendance_drop': s.rows = s.rows.filter((r) => r.id !== p.id || r.post); break;
    case 'finding': s.drafts = { ...s.drafts, [p.item]: p }; break;
    case 'verdict': s.verdicts = { ...s.verdicts, [p.finding]: p }; break;
    case 'minutes': s.minutes = { ...s.minutes, ...p }; break;
    case 'finish': s.phase = 'MINUTES_DRAFT'; break;
    case 'sign': s.phase = 'MINUTES_SIGNED'; s.signed = p; break;
    case 'refuse_to_sign': s.phase = 'MINUTES_UNSIGNED'; s.signed = p; break;
    case 'report': s.phase = 'REPORTED'; break;
    case 'conclude': s.phase = 'CONCLUDED'; break;
  }
  return s;
}

/**
 * The texts of a payload as the server keeps them: trimmed, lines ended by \n.
 * @template T
 * What is null is not said, as on the server.
 * @param {T} value
 * @returns {T}
 */
function clean(value) {
  if (typeof value === 'string') return /** @type {any} */ (value.replaceAll('\r\n', '\n').trim());
  if (Array.isArray(value)) return /** @type {any} */ (value.map(clean));
  if (!value || typeof value !== 'object') return value;
  return /** @type {any} */ (Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null).map(([k, v]) => [k, clean(v)])));
}

/**
 * The head count's sums, null before it has begun. Outside the working hours nobody
 * has to be there.
 * @param {Rules} rules
 * @param {State} s
 */
export function attendance(rules, s) {
  if (!s.countedAt) return null;
  const at = minuteOf(s.countedAt);
  const session = rules.hours.filter((h) => at >= h.open && at <= h.close).at(-1);
  const sum = { required: 0, present: 0, late: 0, excused: 0, unexcused: 0, documented: 0, seen: 0, badge: 0, dress: 0, outside: !session };
  for (const r of s.rows) {
    if (r.present) {
      sum.seen++;
      if (r.badge) sum.badge++;
      if (r.dress) sum.dress++;
    }
    if (!r.required || !session) continue;
    sum.required++;
    if (r.present) {
      sum.present++;
      if (r.arrived && toMinute(r.arrived) > session.open) sum.late++;
    } else if (!r.reason || r.reason === 'UNKNOWN') sum.unexcused++;
    else {
      sum.excused++;
      if (r.documented) sum.documented++;
    }
  }
  return sum;
}

/** Minutes after midnight in Vietnam (+07:00) of an RFC 3339 time. @param {string} iso */
export function minuteOf(iso) {
  const t = new Date(Date.parse(iso) + 7 * 3600e3);
  return t.getUTCHours() * 60 + t.getUTCMinutes();
}

/** @param {string} hhmm */
function toMinute(hhmm) {
  const [h, m] = hhmm.split(':').map(Number);
  return h * 60 + m;
}

/**
 * Whether a share falls short of an item's target (in ten-thousandths).
 * @param {Item} it
 * @param {number} compliant
 * @param {number} of
 */
function short(it, compliant, of) {
  return of > 0 && compliant * 10000 < of * (it.target > 0 ? it.target : 10000);
}

/** @param {Item} it @param {Answer} a */
function answerFails(it, a) {
  if (a.value === 'COUNT') return short(it, a.of - a.failing, a.of);
  return a.value === 'NO' || a.value === 'POOR';
}

/**
 * Whether an item, answered or counted, falls short.
 * @param {Rules} rules
 * @param {State} s
 * @param {Item} it
 */
export function failed(rules, s, it) {
  if (!it.applies) return false;
  const a = s.answers[it.key];
  if (it.source === 'ANSWER' || a?.corrected) return !!a && answerFails(it, a);
  const sum = it.source === 'ATTENDANCE' ? attendance(rules, s) : null;
  if (!sum) return false;
  switch (it.key) {
    case 'A01': return sum.required > 0 && sum.unexcused + sum.late > 0;
    case 'A02': return short(it, sum.documented, sum.excused + sum.unexcused);
    case 'A03': return short(it, sum.required - sum.unexcused, sum.required);
    case 'B01': return short(it, sum.badge, sum.seen);
    case 'B02': return short(it, sum.dress, sum.seen);
  }
  return false;
}

/**
 * Whether the head count says anything of an item that it answers: counted outside the
 * working hours nobody has to be there, and a share of nobody is none.
 * @param {Rules} rules
 * @param {State} s
 * @param {Item} it
 */
export function assessed(rules, s, it) {
  const sum = it.source === 'ATTENDANCE' && it.applies && !s.answers[it.key]?.corrected ? attendance(rules, s) : null;
  if (!sum) return true;
  const of = { A01: sum.required, A02: sum.excused + sum.unexcused, A03: sum.required, B01: sum.seen, B02: sum.seen }[it.key];
  return of === undefined || of > 0;
}

/**
 * What is missing before the check can be finished, in the order of the checklist.
 * @param {Rules} rules
 * @param {State} s
 * @param {(file: string) => boolean} received
 * @param {(file: string) => boolean} [lost] given up: no photograph, and nobody waits for it
 * @returns {{what: string, subject: string, file?: string}[]}
 */
export function still(rules, s, received, lost = () => false) {
  /** @type {{what: string, subject: string, file?: string}[]} */
  const open = [];
  const arrived = (/** @type {string} */ key) => (s.photos[key] ?? []).some((i) => !i.of && received(i.file));
  for (const id of rules.findings) {
    if (!s.verdicts[id]) open.push({ what: 'VERDICT', subject: id });
    if (!arrived(id)) open.push({ what: 'PHOTO', subject: id });
  }
  if (rules.findings.length === 0) {
    if (rules.items.some((i) => i.applies && i.source === 'ATTENDANCE')) {
      if (!s.countedAt || s.rows.length === 0) open.push({ what: 'ATTENDANCE', subject: '' });
      else for (const r of s.rows) if (r.present === undefined || (!r.present && r.required && !r.reason)) open.push({ what: 'ATTENDANCE', subject: r.id });
    }
    for (const it of rules.items) {
      if (!it.applies) continue;
      const value = s.answers[it.key]?.value ?? '';
      if (it.source === 'ANSWER' && value === '') {
        open.push({ what: 'ANSWER', subject: it.key });
        continue;
      }
      const needs = (it.photo === 'ALWAYS' && value !== 'NA') || (it.photo === 'ON_FAILURE' && failed(rules, s, it));
      if (needs && !arrived(it.key)) open.push({ what: 'PHOTO', subject: it.key });
    }
  }
  for (const register of Object.keys(conflicts(s)).sort()) {
    const [kind, subject] = register.split('/');
    if (kind !== 'minutes' && kind !== 'finding') open.push({ what: 'CHOICE', subject }); // those wait until the minutes are signed
  }
  for (const key of Object.keys(s.photos).sort()) {
    for (const image of s.photos[key]) if (!received(image.file) && !lost(image.file)) open.push({ what: 'UPLOAD', subject: key, file: image.file });
  }
  return open;
}

/** A UUID version 7 (RFC 9562): time-ordered, made on the device. */
export function newID(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(10))) {
  const bytes = new Uint8Array(16);
  for (let i = 5, t = now; i >= 0; i--, t = Math.floor(t / 256)) bytes[i] = t % 256;
  bytes.set(random, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
