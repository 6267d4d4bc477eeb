// What stands on this device: photos on their way, what the server refused, receipts,
// and how much room is left.

import { h, t, when, say } from './dom.js';
import * as hand from './hand.js';
import { changed } from './state.js';
import * as link from './link.js';
import * as checks from './checks.js';
import * as pictures from './pictures.js';
import * as acts from './acts.js';
import * as sync from './sync.js';
import { frame } from './frame.js';
import { thumb } from './look.js';
import { giveUp } from './photos.js';

/** @param {number} bytes */
const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1).replace('.', ',')} MB` : `${(bytes / 1e9).toFixed(1).replace('.', ',')} GB`);

/** What an operation was about, in words. @param {any} op */
function about(op) {
  const v = checks.visit(op.visit);
  const item = v?.items.find((/** @type {any} */ i) => i.key === op.payload?.item)?.code ?? op.payload?.item ?? '';
  return [t(`tablet.op.${op.type}`), item].filter(Boolean).join(' ');
}

/** @param {any} _me */
export async function deviceView(_me) {
  let safe = await pictures.receipts();
  let waiting = pictures.waitingFiles().length;

  function draw() {
    const { room, refused } = sync.troubles();
    const files = pictures.waitingFiles();
    if (files.length !== waiting) {
      waiting = files.length;
      void pictures.receipts().then((all) => { safe = all; changed(); });
    }
    return frame(t('tablet.device'),
      refused.length ? h('section', { 'aria-labelledby': 'refused' }, h('h2', { id: 'refused' }, t('tablet.device.refused', { n: refused.length })), h('p', null, t('tablet.device.refused.text')),
        refused.map((op) => h('article', { class: 'card edge-late', 'data-key': op.id }, h('h3', null, about(op)), h('p', { class: 'muted' }, [op.place, when(op.device_at)].filter(Boolean).join(' · ')), h('p', { class: 'late' }, op.refused),
          h('div', { class: 'actions' }, h('button', { 'data-key': `again-${op.id}`, onclick: () => acts.sendAgain(op.id) }, t('tablet.send_again')),
            h('button', { class: 'quiet', 'data-key': `seen-${op.id}`, onclick: () => acts.dismiss(op.id) }, t('tablet.device.dismiss')))))) : null,
      h('section', { 'aria-labelledby': 'waiting' }, h('h2', { id: 'waiting' }, t('tablet.device.waiting', { n: files.length })),
        sync.status().acts ? h('p', { class: 'soon' }, t('tablet.sync.acts_waiting', { n: sync.status().acts })) : null,
        files.length === 0 ? h('p', { class: 'empty' }, t('tablet.device.none')) : null,
        files.map((f) => {
          const s = pictures.fileStatus(f.id);
          return h('article', { class: 'card photo-row', 'data-key': f.id, 'data-photo-state': s.state },
            thumb({ file: f.id, name: f.item ? t('tablet.photo.of', { item: f.item }) : f.name, at: f.captured_at }),
            h('div', null, h('p', null, h('strong', null, f.item ? t('tablet.photo.of', { item: f.item }) : f.name)), h('p', { class: 'muted' }, `${when(f.captured_at)} · ${size(f.bytes)}`),
              h('p', { class: s.state === 'failed' ? 'late' : 'soon' }, s.problem || t(`tablet.photo.${s.state}`, { percent: Math.round(s.share * 100) })),
              s.state === 'failed' ? h('div', { class: 'actions' }, h('button', { 'data-key': `retry-${f.id}`, onclick: () => acts.retry(f.id) }, t('tablet.send_again')),
                h('button', { class: 'quiet', 'data-key': `give-up-${f.id}`, onclick: () => giveUp(f.visit, f.id) }, t('tablet.give_up'))) : null));
        })),
      h('section', { 'aria-labelledby': 'hand' }, h('h2', { id: 'hand' }, t('tablet.hand')), h('p', { class: 'muted' }, t('tablet.hand.text')),
        h('div', { class: 'choices', role: 'group', 'aria-labelledby': 'hand' }, /** @type {('left'|'right')[]} */ (['left', 'right']).map((to) => h('button', { class: 'choice', 'aria-pressed': hand.which() === to, 'data-key': `hand-${to}`, onclick: () => { hand.set(to); changed(); } }, t(`tablet.hand.${to}`))))),
      h('section', { 'aria-labelledby': 'room' }, h('h2', { id: 'room' }, t('tablet.device.room')),
        room.known ? h('p', { class: room.low ? 'late' : '' }, t('tablet.device.free', { size: size(room.free), n: Math.floor(room.free / 4e6) })) : h('p', null, t('tablet.device.room.unknown')),
        link.wifi.known() ? h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: link.wifi.only(), 'data-key': 'wifi', onchange: (/** @type {any} */ e) => { link.wifi.set(e.target.checked).catch(() => say(t('tablet.not_kept'), 'bad')); } }), t('tablet.wifi')) : null),
      h('section', { 'aria-labelledby': 'safe' }, h('h2', { id: 'safe' }, t('tablet.device.safe', { n: safe.length })), h('p', { class: 'muted' }, t('tablet.device.safe.text')),
        safe.map((r) => h('details', { class: 'card', 'data-key': `safe-${r.file}` }, h('summary', null, h('span', { class: 'good' }, `✓ ${t('tablet.photo.safe')}`), ` · ${r.item ? t('tablet.photo.of', { item: r.item }) : r.name} · ${when(r.receipt.received_at ?? r.at)}`),
          h('p', { class: 'small' }, r.place), h('p', { class: 'small hash' }, `SHA-256 ${r.receipt.sha256}`), h('p', { class: 'small hash' }, t('tablet.device.signature', { signature: r.receipt.signature ?? '' })), r.checked === undefined ? null : h('p', { class: 'small' }, t(r.checked ? 'tablet.device.checked' : 'tablet.device.unchecked'))))));
  }

  return { draw };
}
