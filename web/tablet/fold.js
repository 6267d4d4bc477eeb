// What the operations of a check mean: the same rules as the Go package visit,
// held together by the shared vectors in inspection/visit/testdata/fold.json.
// Nothing here knows the page, the network or the clock.

/**
 * @typedef {{id: string, author?: string, at: string, type: string, payload: any, position?: number}} Op
 * @typedef {{key: string, code: string, response: string, source: string, photo: string, severity: string, target: number, zero_at: number, applies: boolean}} Item
 * @typedef {{items: Item[], findings: string[], hours: {open: number, close: number}[]}} Rules
 * @typedef {{id: string, post?: string, position: string, field?: string, required: boolean, present?: boolean, arrived?: string, reason?: string, documented?: boolean, badge?: boolean, dress?: boolean, note?: string}} Row
 * @typedef {{value: string, of: number, failing: number, dossiers: string[], naReason: string, note: string, fixed: boolean, operation: string, corrected: boolean}} Answer
 * @typedef {{file: string, after: boolean, noPeople: boolean}} Image
 * @typedef {{phase: string, answers: Record<string, Answer>, photos: Record<string, Image[]>, countedAt: string, rows: Row[], drafts: Record<string, any>, verdicts: Record<string, any>, minutes: Record<string, string>, cannot: any, signed: any, last: string}} State
 */

/** @returns {State} */
export function empty() {
  return { phase: '', answers: {}, photos: {}, countedAt: '', rows: [], drafts: {}, verdicts: {}, minutes: {}, cannot: null, signed: null, last: '' };
}

/** @returns {Answer} */
export function noAnswer() {
  return { value: '', of: 0, failing: 0, dossiers: [], naReason: '', note: '', fixed: false, operation: '', corrected: false };
}

/**
 * Fold computes the state that a list of operations gives.
 * @param {Rules} rules
 * @param {Op[]} ops
 */
export function fold(rules, ops) {
  let state = empty();
  for (const op of ops) state = apply(rules, state, op);
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
  const p = clean(op.payload ?? {});
  const s = { ...old, last: op.id };
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
    case 'fixed': put(p.item, { ...answer(p.item), fixed: !!p.fixed }); break;
    case 'photo': {
      const key = p.item || p.finding, images = s.photos[key] ?? [];
      if (!images.some((i) => i.file === p.file)) {
        s.photos = { ...s.photos, [key]: [...images, { file: p.file, after: !!p.after, noPeople: !!p.no_people }] };
      }
      break;
    }
    case 'photo_off': {
      const key = p.item || p.finding;
      s.photos = { ...s.photos, [key]: (s.photos[key] ?? []).filter((i) => i.file !== p.file) };
      break;
    }
    case 'attendance_begin': s.countedAt = op.at; s.rows = p.rows ?? []; break;
    case 'attendance_row': {
      const at = s.rows.findIndex((r) => r.id === p.id);
      s.rows = at < 0 ? [...s.rows, p] : s.rows.map((r, i) => (i === at ? p : r));
      break;
    }
    case 'attendance_drop': s.rows = s.rows.filter((r) => r.id !== p.id); break;
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
 * @param {T} value
 * @returns {T}
 */
function clean(value) {
  if (typeof value === 'string') return /** @type {any} */ (value.replaceAll('\r\n', '\n').trim());
  if (Array.isArray(value)) return /** @type {any} */ (value.map(clean));
  if (!value || typeof value !== 'object') return value;
  return /** @type {any} */ (Object.fromEntries(Object.entries(value).map(([k, v]) => [k, clean(v)])));
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
 * What is missing before the check can be finished, in the order of the checklist.
 * @param {Rules} rules
 * @param {State} s
 * @param {(file: string) => boolean} received
 * @returns {{what: string, subject: string, file?: string}[]}
 */
export function still(rules, s, received) {
  /** @type {{what: string, subject: string, file?: string}[]} */
  const open = [];
  const arrived = (/** @type {string} */ key) => (s.photos[key] ?? []).some((i) => received(i.file));
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
  for (const key of Object.keys(s.photos).sort()) {
    for (const image of s.photos[key]) if (!received(image.file)) open.push({ what: 'UPLOAD', subject: key, file: image.file });
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
