// A check under way: sections on the rail, items in one column, and at the bottom
// what is still open and the way to it.

import { h, t, byId, ask, when, day } from './dom.js';
import { changed } from './state.js';
import * as checks from './checks.js';
import * as acts from './acts.js';
import * as sync from './sync.js';
import { frame, go, bring } from './frame.js';
import { assessed, attendance, noAnswer } from './fold.js';
import { thumb } from './look.js';
import { photoStrip } from './photos.js';
import { conflictCards, ofItem } from './conflict.js';

const severities = ['MINOR', 'MODERATE', 'MAJOR', 'CRITICAL'];

/**
 * @param {any} _me
 * @param {string} id
 * @param {string} [section]
 * @param {string} [item] to be brought into view
 */
export async function visitView(_me, id, section, item) {
  let v = checks.visit(id) ?? (await checks.openVisit(id));
  void checks.refresh(id);
  const timer = setInterval(() => { void checks.refresh(id); }, 5000);
  const again = v.findings.length > 0;
  const at = section ?? v.sections[0]?.code;
  let finishing = false, gone = false;
  /** What "next" went to last, and what it lacked then. */
  let last = { subject: item ?? '', what: item ? checks.toDo(v).find((o) => o.subject === item)?.what ?? '' : '' };

  /** @param {string} type @param {any} payload */
  const act = (type, payload) => acts.act(id, type, payload);

  async function finish() {
    await acts.settled();
    if (v.state.phase && v.state.phase !== 'IN_PROGRESS') { go(`minutes/${id}`); return; } // finished, and on its way to the server
    const missing = checks.toDo(v).filter((o) => o.what !== 'UPLOAD');
    if (missing.length > 0) { jump(missing[0]); return; }
    const bad = v.items.filter((/** @type {any} */ it) => it.applies && checks.fails(v, it)).length, waiting = checks.open(v).length;
    const sure = await ask(t('tablet.finish.title'), [again ? null : h('p', null, h('strong', null, t('tablet.finish.sum', { n: bad }))), h('p', null, t('tablet.finish.text')), waiting ? h('p', null, t('tablet.finish.waiting', { n: waiting })) : null],
      [{ label: t('tablet.finish'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (!sure) return;
    finishing = true;
    try {
      const { done } = await act('finish', {});
      await acts.answered(done);
      v = await checks.openVisit(id);
    } finally {
      finishing = false;
      changed();
    }
    if (v.state.phase !== 'IN_PROGRESS' && !gone) go(`minutes/${id}`);
  }

  /** @param {{what: string, subject: string}} o */
  function jump(o) {
    const it = v.items.find((/** @type {any} */ i) => i.key === o.subject);
    if (o.what === 'ATTENDANCE' || (o.what === 'CHOICE' && !it && !again)) { go(`attendance/${id}`); return; }
    last = o;
    if (it && it.section !== at) { go(`visit/${id}/${it.section}/${it.key}`); return; }
    bring(o.subject, o.what);
  }

  /**
   * What is open next: what the item that was gone to still lacks, else what comes
   * after it, or after the beginning of the section on the screen; then round to what
   * was passed over.
   * @param {any[]} todo
   */
  function nextOf(todo) {
    const open = todo.filter((o) => o.what !== 'UPLOAD');
    const lacks = open.find((o) => o.subject === last.subject && o.what !== last.what);
    if (lacks) return lacks;
    const order = again ? v.findings.map((/** @type {any} */ f) => f.id) : v.items.map((/** @type {any} */ i) => i.key);
    const here = again ? 0 : v.items.findIndex((/** @type {any} */ i) => i.section === at), gone = order.indexOf(last.subject);
    const from = gone >= here && (again || v.items[gone]?.section === at) ? gone + 1 : here;
    return open.find((o) => (o.what === 'ATTENDANCE' ? from === 0 : order.indexOf(o.subject) >= from)) ?? open[0];
  }

  /** The items of the section that are met or not, and not answered yet. */
  const plain = () => v.items.filter((/** @type {any} */ i) => i.section === at && i.applies && i.source === 'ANSWER' && i.response === 'YN' && !v.state.answers[i.key]?.value);

  /** One tap for a section in order: what is left of its plain items is met. */
  async function restMet() {
    const rest = plain();
    const sure = await ask(t('tablet.rest.title', { n: rest.length }), [h('p', null, t('tablet.rest.text')), h('ul', null, rest.map((/** @type {any} */ i) => h('li', null, h('strong', null, i.code), ' ', i.text)))],
      [{ label: t('tablet.rest.sure'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }]);
    if (sure) for (const it of rest) void act('answer', { item: it.key, value: 'YES' });
  }

  function sectionEnd() {
    const n = v.sections.findIndex((/** @type {any} */ s) => s.code === at), following = v.sections[n + 1];
    const rest = plain().length;
    return h('p', { class: 'actions' },
      rest > 1 ? h('button', { 'data-key': 'rest', onclick: restMet }, t('tablet.rest', { n: rest })) : null,
      following ? h('a', { class: 'button', href: `#/visit/${id}/${following.code}` }, t('tablet.section.next', { code: following.code, name: following.name })) : null);
  }

  function draw() {
    if (v.visit.state !== 'IN_PROGRESS' && v.state.phase !== 'IN_PROGRESS' && v.state.phase !== '') {
      return frame(v.visit.desk || v.visit.organisation, h('div', { class: 'notice' }, h('p', null, t('tablet.visit.closed', { state: t(`visit.state.${v.visit.state}`) }))),
        h('p', { class: 'actions' }, h('a', { class: 'button primary', href: `#/minutes/${id}` }, t('tablet.minutes'))));
    }
    const todo = checks.toDo(v);
    const items = v.items.filter((/** @type {any} */ i) => i.section === at && i.applies);
    const info = v.sections.find((/** @type {any} */ s) => s.code === at);
    return [
      ...frame(v.visit.desk || v.visit.organisation,
        h('div', { class: 'visit' },
          again ? null : rail(todo),
          h('div', { class: 'items' },
            again ? reinspection() : [h('h2', null, `${at}. ${info?.name ?? ''}`),
              at === 'A' ? attendanceCard() : null,
              items.map((/** @type {any} */ it) => card(it)), sectionEnd()],
            h('p', { class: 'actions' }, h('a', { class: 'button danger-link', href: `#/cannot/${id}` }, t('tablet.cannot')))))),
      bar(todo),
    ];
  }

  /** @param {any[]} todo */
  function rail(todo) {
    return h('nav', { class: 'rail', 'aria-label': t('tablet.sections') }, v.sections.map((/** @type {any} */ s) => {
      const inIt = v.items.filter((/** @type {any} */ i) => i.section === s.code && i.applies).map((/** @type {any} */ i) => i.key);
      const left = todo.filter((o) => inIt.includes(o.subject) || (s.code === 'A' && o.what === 'ATTENDANCE')).length;
      const begun = inIt.some((/** @type {string} */ k) => v.state.answers[k]?.value);
      const mark = left === 0 ? '●' : begun ? '◐' : '○';
      return h('a', { href: `#/visit/${id}/${s.code}`, 'aria-current': s.code === at ? 'true' : null, 'data-key': `rail-${s.code}`,
        'aria-label': `${s.code}. ${s.name}: ${left === 0 ? t('tablet.section.done') : t('tablet.section.left', { n: left })}` },
      h('strong', null, s.code), h('span', { 'aria-hidden': 'true', class: left === 0 ? 'good' : 'muted' }, mark), h('small', null, left || ''));
    }));
  }

  /** @param {any[]} todo */
  function bar(todo) {
    const answers = todo.filter((o) => o.what === 'ANSWER' || o.what === 'ATTENDANCE' || o.what === 'VERDICT').length;
    const photos = todo.filter((o) => o.what === 'PHOTO').length;
    const choices = todo.filter((o) => o.what === 'CHOICE').length;
    const waiting = checks.open(v).filter((o) => o.what === 'UPLOAD').length, elsewhere = checks.elsewhere(v).length;
    const next = nextOf(todo), offline = sync.status().net !== 'ok';
    // Photos that are always needed are missing from the start, not only after the answer.
    const ahead = again ? 0 : v.items.filter((/** @type {any} */ i) => i.applies && i.photo === 'ALWAYS' && i.source === 'ANSWER' && !v.state.answers[i.key]?.value && !(v.state.photos[i.key] ?? []).length).length;
    return h('div', { class: 'app-bar' },
      h('p', { role: 'status' }, next ? [answers && t('tablet.left.answers', { n: answers }), photos + ahead && t('tablet.left.photos', { n: photos + ahead }), choices && t('tablet.left.choices', { n: choices })].filter(Boolean).join(' · ')
        : elsewhere ? t('tablet.left.elsewhere', { n: elsewhere }) : waiting ? t(offline ? 'tablet.left.waiting' : 'tablet.left.uploads', { n: waiting }) : t('tablet.left.none')),
      next ? h('button', { class: 'primary', 'data-key': 'next', onclick: () => { const o = nextOf(checks.toDo(v)); if (o) jump(o); } }, t('tablet.next'))
        : h('button', { class: 'primary', 'data-key': 'finish', disabled: finishing || !v.may.finish || (elsewhere > 0 && !offline), onclick: finish }, v.may.finish ? t('tablet.finish') : t('tablet.finish.other')));
  }

  function attendanceCard() {
    const sum = attendance(v.rules, v.state);
    return h('article', { class: 'card item', id: 'item-attendance' },
      h('h3', null, t('tablet.attendance')),
      sum?.outside ? [h('p', null, t('tablet.attendance.seen', { present: sum.seen, staff: v.state.rows.length })), h('p', { class: 'soon' }, t('tablet.attendance.outside'))]
        : sum ? h('p', null, t('tablet.attendance.sum', { time: when(v.state.countedAt).slice(11), present: sum.present, required: sum.required, excused: sum.excused, unexcused: sum.unexcused, late: sum.late }))
        : h('p', { class: 'muted' }, t('tablet.attendance.not_begun')),
      h('a', { class: 'button', href: `#/attendance/${id}` }, t(sum ? 'tablet.attendance.open' : 'tablet.attendance.begin')));
  }

  /** @param {any} it */
  function card(it) {
    const a = v.state.answers[it.key] ?? noAnswer();
    const bad = checks.fails(v, it);
    const images = v.state.photos[it.key] ?? [];
    return h('article', { class: `card item${bad ? ' edge-late' : ''}`, id: `item-${it.key}`, 'data-item': it.key },
      h('div', { class: 'item-head' }, h('h3', null, h('span', { class: 'code' }, it.code), ' ', it.text), h('span', { class: 'weight muted' }, t('tablet.weight', { n: it.weight }))),
      conflictCards(v, ofItem(it.key)),
      h('div', { class: 'item-body' },
        h('div', { class: 'item-answer' }, answerControls(it, a), bad ? failure(it, a) : null),
        it.source === 'AUTO' ? null : h('div', { class: 'item-photos' }, photoRule(it, a, bad), photoStrip(v, { item: it }, images),
          bad && a.fixed ? photoStrip(v, { item: it, after: true }, images) : null)),
      h('div', { class: 'extras' },
        h('details', { class: 'about', 'data-key': `about-${it.key}` }, h('summary', null, t('tablet.basis')), h('ul', null, it.bases.map((/** @type {string} */ b) => h('li', null, b))), it.guidance ? h('p', null, it.guidance) : null),
        it.response === 'SMP' ? dossiers(it, a) : null,
        it.source === 'AUTO' || bad ? null : h('details', { class: 'note', 'data-key': `note-open-${it.key}`, open: a.note !== '' }, h('summary', null, t('tablet.note')), noteField(it, a))));
  }

  /** @param {any} it @param {any} a @param {boolean} bad */
  function photoRule(it, a, bad) {
    if (it.photo === 'NONE' || it.source === 'AUTO') return null;
    const have = (v.state.photos[it.key] ?? []).length > 0;
    const must = (it.photo === 'ALWAYS' && a.value !== 'NA') || (it.photo === 'ON_FAILURE' && bad);
    return h('p', { class: `hint${must && !have ? ' soon' : ''}` }, t(`tablet.rule.${it.photo}`), it.photo_note ? ` (${it.photo_note})` : '', it.redact ? ` ${t(`tablet.redact.${it.redact}`)}` : '');
  }

  /** @param {any} it @param {any} a */
  function answerControls(it, a) {
    if (it.source === 'AUTO') return h('p', { class: 'muted' }, t('tablet.computed.auto'));
    if (it.source === 'ATTENDANCE') return counted(it);
    if (it.response === 'YN' || it.response === 'RATE3') {
      const values = it.response === 'YN' ? ['YES', 'NO'] : ['GOOD', 'FAIR', 'POOR'];
      return h('div', { class: 'choices', role: 'group', 'aria-label': it.code },
        values.map((value) => choice(it, a, value)), choice(it, a, 'NA'), a.value === 'NA' ? naReason(it, a) : null);
    }
    return h('div', null, h('div', { class: 'counts' }, count(it, a, 'of', it.response === 'SMP' ? t('tablet.count.sample') : t('tablet.count.of')),
      count(it, a, 'failing', it.response === 'SMP' ? t('tablet.count.wrong') : (it.count_label || t('tablet.count.wrong'))),
      h('div', { class: 'choices' }, h('button', { class: 'choice', 'aria-pressed': a.value === 'COUNT' && a.failing === 0, 'data-key': `${it.key}-CLEAN`, 'data-value': 'CLEAN', onclick: () => clean(it, a) }, t('tablet.count.clean')), choice(it, a, 'NA'))),
    wrong[it.key] ? h('p', { class: 'wrong-text', role: 'alert', id: `wrong-${it.key}` }, wrong[it.key]) : null,
    a.value === 'NA' ? naReason(it, a) : null);
  }

  /** What the head count says of an item so far. @param {any} it */
  function counted(it) {
    const sum = attendance(v.rules, v.state);
    if (!sum) return h('p', { class: 'muted' }, t('tablet.computed.attendance'));
    if (!assessed(v.rules, v.state, it)) return h('p', { class: 'muted' }, t(sum.outside ? 'tablet.computed.outside' : 'tablet.computed.none'));
    if (v.state.rows.some((/** @type {any} */ r) => r.present === undefined)) return h('p', { class: 'muted' }, t('tablet.computed.attendance'));
    return checks.fails(v, it) ? h('p', { class: 'late' }, h('strong', null, t('tablet.computed.not_met'))) : h('p', { class: 'good' }, h('strong', null, t('tablet.computed.met')));
  }

  /** One tap for a sample or a count without fault; the number counted comes first. @param {any} it @param {any} a */
  function clean(it, a) {
    const n = Number(typing[it.key]?.of ?? (a.value === 'COUNT' ? a.of : it.response === 'SMP' ? 10 : 0));
    if (!(n >= 1)) {
      wrong[it.key] = t('tablet.count.first');
      changed();
      document.getElementById(`of-${it.key}`)?.focus();
      return;
    }
    setCount(it, a, { of: n, failing: 0 });
  }

  /** @param {any} it @param {any} a */
  function dossiers(it, a) {
    return h('details', { 'data-key': `dossiers-${it.key}` }, h('summary', null, t('tablet.dossiers', { n: a.dossiers.length })),
      h('label', { for: `dossiers-${it.key}` }, t('tablet.dossiers.label')),
      h('textarea', { id: `dossiers-${it.key}`, 'data-key': `dossier-text-${it.key}`, value: a.dossiers.join('\n'), disabled: a.value !== 'COUNT',
        onchange: (/** @type {any} */ e) => act('answer', { item: it.key, value: 'COUNT', of: a.of, failing: a.failing,
          dossiers: e.target.value.split('\n').map((/** @type {string} */ d) => d.trim()).filter(Boolean) }) }));
  }

  /** @param {any} it @param {any} a @param {string} value */
  function choice(it, a, value) {
    const on = a.value === value;
    return h('button', { class: `choice ${value.toLowerCase()}`, 'aria-pressed': on, 'data-key': `${it.key}-${value}`, 'data-value': value,
      onclick: () => {
        if (on) { void act('answer', { item: it.key, value: '' }); return; }
        if (value === 'NA') { void askReason(it); return; }
        void act('answer', { item: it.key, value });
      } }, t(`tablet.value.${value}`));
  }

  /** A reason that a question cannot do without. @param {any} field @returns {[any, string] | null} */
  const needed = (field) => (field.value.trim() ? null : [field, t('tablet.reason.needed')]);

  /** @param {any} it */
  async function askReason(it) {
    const field = h('textarea', { id: 'na-reason', rows: 2, maxlength: 300, value: v.state.answers[it.key]?.naReason ?? '' });
    const sure = await ask(t('tablet.na.title', { item: it.code }), [h('label', { for: 'na-reason' }, t('tablet.na.why')), field,
      h('div', { class: 'phrases' }, [1, 2, 3].map((n) => h('button', { type: 'button', class: 'phrase', onclick: () => { field.value = t(`tablet.na.usual${n}`); } }, t(`tablet.na.usual${n}`))))],
    [{ label: t('tablet.value.NA'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => needed(field));
    if (!sure) return;
    await act('answer', { item: it.key, value: 'NA', na_reason: field.value.trim() });
  }

  /** @param {any} it @param {any} a */
  function naReason(it, a) {
    return h('p', { class: 'hint' }, t('tablet.na.reason', { reason: a.naReason }), ' ', h('button', { class: 'quiet', 'data-key': `na-${it.key}`, onclick: () => askReason(it) }, t('tablet.change')));
  }

  /** @type {Record<string, any>} half-entered counts, by item */
  const typing = {};
  /** @type {Record<string, string>} what is wrong with a count, by item */
  const wrong = {};

  /** Takes a count, or says beside it what is wrong with it. @param {any} it @param {any} a @param {{of: any, failing: any}} now */
  function setCount(it, a, now) {
    typing[it.key] = now;
    delete wrong[it.key];
    if (now.of !== '' && now.failing !== '') {
      if (!Number.isInteger(now.of) || !Number.isInteger(now.failing) || now.of < 1 || now.failing < 0) wrong[it.key] = t('visit.error.count_of', { item: it.code });
      else if (now.failing > now.of) wrong[it.key] = t('visit.error.count_beyond', { item: it.code, failing: now.failing, of: now.of });
      else {
        delete typing[it.key];
        void act('answer', { item: it.key, value: 'COUNT', of: now.of, failing: now.failing, ...(a.dossiers.length && it.response === 'SMP' ? { dossiers: a.dossiers } : {}) });
        return;
      }
    }
    changed();
  }

  /** @param {any} it @param {any} a @param {'of'|'failing'} which @param {string} label */
  function count(it, a, which, label) {
    const shown = typing[it.key]?.[which] ?? (a.value === 'COUNT' ? a[which] : which === 'of' && it.response === 'SMP' ? 10 : which === 'failing' ? '' : '');
    const set = (/** @type {any} */ raw) => {
      const now = { of: typing[it.key]?.of ?? (a.value === 'COUNT' ? a.of : it.response === 'SMP' ? 10 : ''), failing: typing[it.key]?.failing ?? (a.value === 'COUNT' ? a.failing : '') };
      now[which] = raw === '' ? '' : Number(raw);
      setCount(it, a, now);
    };
    return h('div', { class: 'count' }, h('label', { for: `${which}-${it.key}` }, label),
      h('div', { class: 'stepper' },
        h('button', { 'aria-label': `${label} −1`, 'data-key': `${which}-${it.key}-less`, onclick: () => set(Math.max(which === 'of' ? 1 : 0, Number(shown || 0) - 1)) }, '−'),
        h('input', { id: `${which}-${it.key}`, type: 'number', inputmode: 'numeric', min: which === 'of' ? 1 : 0, step: 1, value: shown, 'data-key': `${which}-${it.key}-n`, 'data-count': which, 'aria-invalid': wrong[it.key] ? 'true' : null, 'aria-describedby': wrong[it.key] ? `wrong-${it.key}` : null,
          onchange: (/** @type {any} */ e) => set(e.target.value) }),
        h('button', { 'aria-label': `${label} +1`, 'data-key': `${which}-${it.key}-more`, onclick: () => set(Number(shown || 0) + 1) }, '+')));
  }

  /** @param {any} it @param {any} a */
  function failure(it, a) {
    const d = v.state.drafts[it.key] ?? { item: it.key, severity: it.severity };
    const set = (/** @type {any} */ change) => act('finding', { ...d, item: it.key, ...change });
    async function severity(/** @type {string} */ to) {
      if (to === it.severity) { await set({ severity: to, reason: '' }); return; }
      const field = h('textarea', { id: 'sev-reason', rows: 2, maxlength: 300, value: d.reason ?? '' });
      const sure = await ask(t('tablet.severity.why'), [h('label', { for: 'sev-reason' }, t('tablet.reason')), field],
        [{ label: t('tablet.keep'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => needed(field));
      if (sure) await set({ severity: to, reason: field.value.trim() });
      else byId(`sev-${it.key}`).value = d.severity;
    }
    return h('div', { class: 'failure' }, noteField(it, a, t('tablet.note.failed')),
      h('div', { class: 'row' }, h('div', { class: 'field' }, h('label', { for: `sev-${it.key}` }, t('tablet.severity')),
        h('select', { id: `sev-${it.key}`, 'data-key': `sev-${it.key}`, onchange: (/** @type {any} */ e) => severity(e.target.value) },
          severities.map((s) => h('option', { value: s, selected: s === d.severity }, t(`severity.${s}`))))),
      h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: a.fixed, 'data-key': `fixed-${it.key}`, 'data-fixed': it.key, onchange: (/** @type {any} */ e) => act('fixed', { item: it.key, fixed: e.target.checked }) }), t('tablet.fixed'))),
      h('p', { class: 'hint' }, t('tablet.severity.note')),
      d.severity !== it.severity ? h('p', { class: 'hint' }, t('tablet.severity.changed', { reason: d.reason })) : null,
      h('details', { 'data-key': `draft-${it.key}` }, h('summary', null, t('tablet.finding.text')),
        h('label', { for: `ftext-${it.key}` }, t('tablet.finding.what')), h('textarea', { id: `ftext-${it.key}`, 'data-key': `ftext-${it.key}`, value: d.text ?? '', placeholder: a.note || t('tablet.finding.default', { text: it.text }), onchange: (/** @type {any} */ e) => set({ text: e.target.value }) }),
        h('label', { for: `fremedy-${it.key}` }, t('tablet.finding.remedy')), h('textarea', { id: `fremedy-${it.key}`, 'data-key': `fremedy-${it.key}`, value: d.remedy ?? '', placeholder: t('tablet.finding.default_remedy', { item: it.code }), onchange: (/** @type {any} */ e) => set({ remedy: e.target.value }) })));
  }

  /** @param {any} it @param {any} a @param {string} [label] */
  function noteField(it, a, label) {
    return h('div', { class: 'note-field', 'data-key': `note-field-${it.key}` },
      label ? h('label', { for: `note-${it.key}` }, label) : null,
      it.phrases.length ? h('div', { class: 'phrases' }, it.phrases.map((/** @type {string} */ p) => h('button', { class: 'phrase', onclick: () => act('note', { item: it.key, text: a.note ? `${a.note}\n${p}` : p }) }, p))) : null,
      label ? null : h('label', { for: `note-${it.key}`, class: 'visually-hidden' }, t('tablet.note')),
      h('textarea', { id: `note-${it.key}`, rows: 2, 'data-key': `note-${it.key}`, value: a.note, maxlength: 4000, onchange: (/** @type {any} */ e) => act('note', { item: it.key, text: e.target.value }) }));
  }

  function reinspection() {
    return [h('h2', null, t('tablet.reinspect')), h('p', { class: 'muted' }, t('tablet.reinspect.text')),
      v.findings.map((/** @type {any} */ f) => {
        const given = v.state.verdicts[f.id];
        return h('article', { class: 'card item', id: `item-${f.id}`, 'data-finding': f.id },
          h('h3', null, h('span', { class: 'code' }, f.code), ' ', f.text), h('p', null, h('strong', null, t('tablet.finding.remedy')), ' ', f.remedy),
          h('p', { class: 'muted' }, `${t(`severity.${f.severity}`)} · ${t('tablet.reinspect.due', { date: day(f.due) })}`),
          f.photos.length ? h('div', { class: 'strip' }, f.photos.map((/** @type {any} */ p) => h('figure', { class: 'shot' }, thumb({ file: p.id, name: t(`tablet.photo.role.${p.role}`), words: t('tablet.photo.safe') }), h('figcaption', null, t(`tablet.photo.role.${p.role}`))))) : null,
          h('div', { class: 'choices', role: 'group', 'aria-label': t('tablet.verdict') }, ['VERIFIED', 'PARTIAL', 'NOT_REMEDIED', 'RECURRED'].map((value) => h('button', {
            class: `choice ${value === 'VERIFIED' ? 'yes' : 'no'}`, 'aria-pressed': given?.verdict === value, 'data-key': `${f.id}-${value}`, 'data-value': value, onclick: () => verdict(f, value) }, t(`tablet.verdict.${value}`)))),
          given?.text ? h('p', null, given.text) : null,
          conflictCards(v, (r) => r === `verdict/${f.id}`),
          h('p', { class: 'hint soon' }, t('tablet.reinspect.photo')),
          photoStrip(v, { finding: f }, v.state.photos[f.id] ?? []));
      })];
  }

  /** @param {any} f @param {string} value */
  async function verdict(f, value) {
    if (value === 'VERIFIED') { await act('verdict', { finding: f.id, verdict: value }); return; }
    const field = h('textarea', { id: 'verdict-text', maxlength: 4000, value: v.state.verdicts[f.id]?.text ?? '' });
    const sure = await ask(t(`tablet.verdict.${value}`), [h('label', { for: 'verdict-text' }, t('tablet.verdict.why')), field],
      [{ label: t('tablet.keep'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => needed(field));
    if (!sure) return;
    await act('verdict', { finding: f.id, verdict: value, text: field.value.trim() });
  }

  return { draw, stop: () => { gone = true; clearInterval(timer); } };
}
