// Taking photos and showing what has become of each.

import { h, t, ask, say } from './dom.js';
import { Problem } from './api.js';
import * as checks from './checks.js';
import * as pictures from './pictures.js';
import * as acts from './acts.js';
import { openCamera, works } from './camera.js';
import { openDrawing } from './draw.js';
import { stateOf, takenAt, thumb } from './look.js';
import { stillButton, stillCards, stillWords } from './stills.js';

/**
 * Asks why nobody is to wait for a photo any longer, and gives it up.
 * @param {string} visitID @param {string} file
 */
export async function giveUp(visitID, file) {
  const reason = h('textarea', { id: 'give-up', rows: 3, maxlength: 1000 });
  const sure = await ask(t('tablet.give_up.title'), [h('p', null, t('tablet.give_up.text')), h('label', { for: 'give-up' }, t('tablet.give_up.why')), reason],
    [{ label: t('tablet.give_up'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => (reason.value.trim().length < 10 ? [reason, t('tablet.give_up.reason')] : null));
  if (!sure) return;
  try {
    await acts.giveUp(visitID, file, reason.value.trim());
    say(t('tablet.give_up.done'));
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    say(e.status === 403 ? t('tablet.give_up.lead') : e.passing ? t('tablet.give_up.offline') : e.message, 'bad');
  }
}

/**
 * The photos of an item or a finding, with the buttons that add more.
 * @param {any} v the check
 * @param {{item?: any, finding?: any, after?: boolean}} on
 * @param {any[]} images
 */
export function photoStrip(v, on, images) {
  const key = on.item?.key ?? on.finding.id;
  const noPeople = on.item?.photo === 'NO_PEOPLE';
  const closed = v.state.phase !== 'IN_PROGRESS';

  /** @param {any} input */
  async function add(input) {
    for (const file of input.files) await keep(file);
    input.value = '';
  }

  /** Whether nobody is in a picture; null when the person has not said. @param {File} file @returns {Promise<boolean | null>} */
  async function nobody(file) {
    const url = URL.createObjectURL(file);
    const sure = await ask(t('tablet.photo.people.title'), [h('img', { src: url, alt: t('tablet.photo.preview'), class: 'ask-photo' }), h('p', null, t('tablet.photo.people.text'))],
      [{ label: t('tablet.photo.people.none'), value: true, primary: true }, { label: t('tablet.photo.people.drop'), value: false }]);
    URL.revokeObjectURL(url);
    return sure;
  }

  /** @param {File} file */
  const put = (file) => acts.addPhoto(v.visit.id, file, { item: on.item?.key, finding: on.finding?.id, noPeople, after: on.after });

  /** @param {File} file */
  async function keep(file) {
    if (noPeople && !(await nobody(file))) { say(t('tablet.photo.people.dropped')); return; }
    try {
      await put(file);
    } catch (e) {
      say(t('tablet.photo.not_kept'), 'bad');
      throw e;
    }
  }

  /** The camera in the page, with the photo to come near to: how it was before, if that is known. */
  function shoot() {
    const code = on.item?.code ?? on.finding.code;
    const was = [...(on.finding?.photos ?? [])].sort((/** @type {any} */ a, /** @type {any} */ b) => Number(b.role === 'BEFORE') - Number(a.role === 'BEFORE')).map((/** @type {any} */ p) => p.id);
    const here = [...images].sort((a, b) => Number(!!a.after) - Number(!!b.after)).map((i) => i.file);
    openCamera({ title: `${code} · ${on.after ? t('tablet.photo.take_after') : t('tablet.photo.take')}`, name: code, ghosts: [...was, ...here], ghost: !!on.after || was.length > 0, sure: noPeople ? nobody : null, put,
      back: () => document.querySelector(`[data-shoot="${on.after ? `${key}-after` : key}"]`) });
  }

  /** Draws on a photo: a picture of its own. @param {any} image */
  function drawOn(image) {
    const code = on.item?.code ?? on.finding.code;
    void openDrawing({ title: `${code} · ${t('tablet.draw')}`, name: `${code}-danh-dau.jpg`, photo: () => pictures.photo(image.file),
      put: (file) => acts.addPhoto(v.visit.id, file, { item: on.item?.key, finding: on.finding?.id, noPeople: image.noPeople, after: on.after, of: image.file }),
      back: () => document.querySelector(`[data-key="draw-${image.file}"]`) });
  }

  /** @param {any} image */
  async function takeOff(image) {
    const reason = h('textarea', { id: 'off-reason', rows: 2, maxlength: 300 });
    const sure = await ask(t('tablet.photo.off.title'), [h('p', null, t('tablet.photo.off.text')), h('label', { for: 'off-reason' }, t('tablet.reason')), reason],
      [{ label: t('tablet.photo.off'), value: true, primary: true }, { label: t('tablet.cancel'), value: false }], () => (reason.value.trim() ? null : [reason, t('tablet.reason.needed')]));
    if (!sure) return;
    for (const i of [...images.filter((i) => i.of === image.file), image]) { // what was drawn on it goes with it
      await acts.act(v.visit.id, 'photo_off', { ...(on.item ? { item: on.item.key } : { finding: on.finding.id }), file: i.file, reason: reason.value.trim() });
    }
  }

  const input = (/** @type {boolean} */ camera) => h('input', { type: 'file', accept: 'image/jpeg,image/png,image/webp,image/heic,application/pdf',
    multiple: true, capture: camera ? 'environment' : null, class: 'visually-hidden', 'data-key': `${camera ? 'cam' : 'file'}-${key}-${on.after ? 'after' : ''}`,
    'data-photo': on.after ? `${key}-after` : key,
    'aria-label': `${t(camera ? 'tablet.photo.take' : 'tablet.photo.choose')} – ${on.item?.code ?? on.finding?.code ?? ''}`, onchange: (/** @type {Event} */ e) => add(e.target) });

  return h('div', { class: 'strip' },
    images.filter((i) => !!i.after === !!on.after).map((image) => {
      const s = pictures.fileStatus(image.file);
      const lost = checks.lost(v, image.file);
      const about = stateOf(image.file, lost);
      return h('figure', { class: 'shot' },
        thumb({ file: image.file, name: t('tablet.photo.of', { item: on.item?.code ?? on.finding?.code ?? '' }), at: takenAt(v, image.file), lost: () => checks.lost(v, image.file) }),
        image.of ? h('figcaption', null, t('tablet.draw.drawn')) : null,
        image.camera ? h('figcaption', null, stillWords(v, image)) : null,
        h('figcaption', { class: about.look }, about.words),
        s.state === 'failed' ? h('button', { onclick: () => acts.retry(image.file) }, t('tablet.again')) : null,
        (s.state === 'failed' || s.state === 'unknown') && !lost && !closed && v.may.finish ? h('button', { class: 'quiet', 'data-key': `give-up-${image.file}`, onclick: () => giveUp(v.visit.id, image.file) }, t('tablet.give_up')) : null,
        closed || image.of ? null : h('button', { class: 'quiet draw', 'data-key': `draw-${image.file}`, 'aria-label': `${t('tablet.draw')} – ${on.item?.code ?? on.finding?.code ?? ''}`, onclick: () => drawOn(image) }, t('tablet.draw')),
        closed || image.camera ? null : h('button', { class: 'quiet off', 'data-key': `off-${image.file}`, 'aria-label': t('tablet.photo.off'), onclick: () => takeOff(image) }, '×'));
    }),
    on.after ? null : stillCards(v, key),
    closed ? null : h('div', { class: 'shoots' },
      works() ? h('button', { class: 'button shoot', 'data-shoot': on.after ? `${key}-after` : key, 'data-key': `shoot-${key}-${on.after ? 'after' : ''}`, 'aria-label': `${t('tablet.photo.take')} – ${on.item?.code ?? on.finding?.code ?? ''}`, onclick: shoot }, on.after ? t('tablet.photo.take_after') : t('tablet.photo.take'))
        : h('label', { class: 'button shoot' }, input(true), on.after ? t('tablet.photo.take_after') : t('tablet.photo.take')),
      h('label', { class: 'button quiet-button' }, input(false), t('tablet.photo.choose')),
      on.after || noPeople ? null : stillButton(v, on)));
}
