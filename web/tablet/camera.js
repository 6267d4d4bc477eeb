// The camera in the page: a live view, an earlier photo laid over it so that the same
// angle is found, and a shutter that is free again at once. What the camera gives is
// the evidence: nothing of it is drawn or written anew.

import { h, t, ask, say, show } from './dom.js';
import * as hand from './hand.js';
import { onChange } from './state.js';
import { fileURL } from './pictures.js';
import * as sync from './sync.js';

/** Whether this browser can take pictures itself, as the camera makes them. */
export const works = () => 'ImageCapture' in window && !!navigator.mediaDevices?.getUserMedia;

/**
 * One press of the shutter. It is taking until the camera has given the picture, asking
 * until the person has said what must be said of it, keeping until it stands on the
 * tablet's disk; missed has no picture, failed has one that could not be kept.
 * @typedef {{n: number, at: number, state: 'taking'|'missed'|'asking'|'dropped'|'keeping'|'failed'|'kept', file: File | null, url: string}} Shot
 */

/** The pictures that cameras still owe, and those being kept, one after the other. */
let taking = Promise.resolve(), keeping = Promise.resolve();

/** Resolves when what was taken is kept, or has been told as not kept. */
export async function settled() {
  await taking;
  await keeping;
}

/** A camera that does not answer owes nothing after so many ms. */
const PATIENCE = 15000;
/** How many of the last pictures the strip shows. */
const STRIP = 5;

/**
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function within(promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the camera does not answer')), PATIENCE);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Why there is no live view, in words. @param {any} e */
function whyDark(e) {
  if (e?.name === 'NotAllowedError' || e?.name === 'SecurityError') return t('tablet.camera.refused');
  if (e?.name === 'NotFoundError' || e?.name === 'OverconstrainedError') return t('tablet.camera.none');
  return t('tablet.camera.taken');
}

/** @param {MediaStream | null} stream */
const end = (stream) => stream?.getTracks().forEach((track) => track.stop());

/**
 * Opens the camera over the page.
 * @param {{
 *   title: string,
 *   name: string,
 *   ghosts: string[],
 *   ghost: boolean,
 *   sure: ((file: File) => Promise<boolean | null>) | null,
 *   put: (file: File) => Promise<any>,
 *   back: () => HTMLElement | null,
 * }} about title stands above the view, name begins the names of files; ghosts are
 *   earlier photos, the likeliest first, and ghost whether one is shown at once; sure
 *   asks the person whether a picture may be kept (null: not answered yet); put keeps it; back is where the focus
 *   returns to
 */
export function openCamera({ title, name, ghosts, ghost, sure, put, back }) {
  /** @type {Shot[]} */
  const shots = [];
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {any} */
  let capture = null;
  /** Pictures that this camera owes. */
  let owed = 0;
  let open = true, gone = false, opening = false, leaving = false, problem = '';
  let over = ghosts.length > 0 && ghost, share = 40, at = 0;

  const video = h('video', { playsinline: true, 'aria-label': t('tablet.camera.live') });
  video.muted = true;
  const before = h('img', { class: 'camera-ghost', alt: '', onerror: () => { if (before.src.startsWith('blob:')) { ghosts.splice(at, 1); at = 0; draw(); } } });
  const flash = h('div', { class: 'camera-flash' });
  const words = h('div', { class: 'camera-words' });
  const controls = h('div', { class: 'camera-ghost-controls' });
  const count = h('p', { class: 'camera-count', role: 'status' });
  const strip = h('ul', { class: 'camera-strip' });
  const needs = h('div', { class: 'camera-needs' });
  const shutter = h('button', { type: 'button', class: 'camera-shutter', 'data-camera': 'shutter', 'aria-label': t('tablet.camera.shutter'), onclick: shoot });
  const own = h('input', { type: 'file', accept: 'image/*', capture: 'environment', multiple: true, class: 'visually-hidden', 'data-camera': 'own', 'aria-label': t('tablet.camera.own'),
    onchange: () => {
      for (const file of own.files) took(pressed(file.lastModified), file);
      own.value = '';
      draw();
    } });
  const turn = h('button', { type: 'button', class: 'camera-turn', 'data-camera': 'hand', onclick: () => {
    hand.set(hand.which() === 'right' ? 'left' : 'right');
    draw();
  } });
  const dialog = h('dialog', { class: 'camera', tabindex: -1, 'aria-labelledby': 'camera-title' },
    h('div', { class: 'camera-head' }, h('h2', { id: 'camera-title' }, title), turn),
    h('div', { class: 'camera-view' }, video, before, flash, words),
    h('div', { class: 'camera-tools' }, controls, h('div', { class: 'camera-done' }, count, strip), needs,
      h('div', { class: 'camera-bar' }, h('button', { type: 'button', 'data-camera': 'leave', onclick: leave }, t('tablet.camera.leave')),
        h('label', { class: 'button quiet-button' }, own, t('tablet.camera.own')), shutter)));

  // --- The live view ---

  async function live() {
    if (stream || opening || !open) return;
    opening = true;
    problem = '';
    draw();
    /** @type {MediaStream | null} */
    let fresh = null;
    try {
      fresh = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: 'environment' }, width: { ideal: 3840 }, height: { ideal: 2160 } } });
      const [track] = fresh.getVideoTracks();
      video.srcObject = fresh;
      await within(video.play());
      if (!open || document.hidden) throw new DOMException('nobody looks', 'AbortError');
      stream = fresh;
      capture = new /** @type {any} */ (window).ImageCapture(track);
      track.addEventListener('ended', () => {
        if (stream !== fresh) return;
        dark();
        problem = t('tablet.camera.taken');
        draw();
      });
    } catch (e) {
      end(fresh);
      video.srcObject = null;
      if (open && !document.hidden) {
        console.warn(e);
        problem = whyDark(e);
      }
    }
    opening = false;
    if (!open) return;
    draw();
    if (stream && (document.activeElement === dialog || !dialog.contains(document.activeElement))) shutter.focus();
  }

  /** Gives the camera back. */
  function dark() {
    end(stream);
    stream = null;
    capture = null;
    video.srcObject = null;
  }

  // --- Pictures ---

  /** @param {number} when @returns {Shot} */
  function pressed(when) {
    /** @type {Shot} */
    const shot = { n: shots.length + 1, at: when, state: 'taking', file: null, url: '' };
    shots.push(shot);
    return shot;
  }

  /** Each press is a picture; the camera is asked for one after the other. */
  function shoot() {
    if (!capture) return;
    const shot = pressed(Date.now()), by = capture;
    owed++;
    taking = taking.then(async () => {
      try {
        const blob = await within(by.takePhoto());
        took(shot, new File([blob], nameOf(shot, blob.type), { type: blob.type, lastModified: shot.at }));
      } catch (e) {
        console.warn(e);
        shot.state = 'missed';
      }
      owed--;
      after();
    });
    flash.classList.remove('on');
    void flash.offsetWidth; // begins anew
    flash.classList.add('on');
    draw();
  }

  /** @param {Shot} shot @param {string} type */
  function nameOf(shot, type) {
    const time = new Date(shot.at + 7 * 3600e3).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
    return `${name}-${time}-${shot.n}.${{ 'image/png': 'png', 'image/webp': 'webp', 'image/heic': 'heic' }[type] ?? 'jpg'}`;
  }

  /** @param {Shot} shot @param {File} file */
  function took(shot, file) {
    shot.file = file;
    shot.url = URL.createObjectURL(file);
    if (sure) shot.state = 'asking';
    else keep(shot);
  }

  /** @param {Shot} shot */
  function keep(shot) {
    shot.state = 'keeping';
    keeping = keeping.then(async () => {
      try {
        await put(/** @type {File} */ (shot.file));
        shot.state = 'kept';
        shot.file = null;
      } catch (e) {
        console.warn(e);
        shot.state = 'failed';
      }
      after();
    });
  }

  /** @param {...Shot['state']} states */
  const those = (...states) => shots.filter((s) => states.includes(s.state));

  /** Asks of each picture whether it may be kept; false when the person has not said. */
  async function look() {
    for (const shot of those('asking')) {
      const yes = await sure?.(/** @type {File} */ (shot.file));
      if (yes === null) return false;
      if (yes) keep(shot);
      else {
        shot.state = 'dropped';
        shot.file = null;
      }
      draw();
    }
    return true;
  }

  /** What becomes of a picture has been decided. */
  function after() {
    if (open) { draw(); return; }
    if (!owed) dark();
    if (those('taking', 'keeping').length === 0) void told();
  }

  /** The person is somewhere else already: tells what became of the last pictures. */
  async function told() {
    for (const s of shots) if (s.url && s.state !== 'failed') URL.revokeObjectURL(s.url);
    const failed = those('failed');
    if (gone) return;
    if (failed.length > 0) {
      const drop = (await ask(t('tablet.camera.failed', { n: failed.length }), [h('p', null, t('tablet.camera.failed.text'))],
        [{ label: t('tablet.camera.keep_again'), value: false, primary: true }, { label: t('tablet.camera.drop'), value: true }])) === true;
      for (const s of failed) {
        if (!drop) { keep(s); continue; }
        s.state = 'dropped';
        URL.revokeObjectURL(s.url);
      }
      return;
    }
    const missed = those('missed').length;
    if (missed > 0) say(t('tablet.camera.missed', { n: missed }), 'bad');
    else if (those('kept').length > 0) say(t('tablet.camera.all_kept', { n: those('kept').length }));
  }

  // --- The way out ---

  /** Waits for nothing but an answer that is owed about a picture. */
  async function leave() {
    if (leaving || !open) return;
    if (sure) {
      leaving = true;
      await taking;
      const all = await look();
      leaving = false;
      if (!all) { shutter.focus(); return; }
    }
    const n = those('taking', 'keeping').length;
    shut();
    if (n > 0) say(t('tablet.camera.left', { n }));
  }

  function shut() {
    if (!open) return;
    open = false;
    deaf();
    observer.disconnect();
    document.removeEventListener('visibilitychange', hidden);
    removeEventListener('pagehide', dark);
    removeEventListener('hashchange', leave);
    if (dialog.open) dialog.close();
    dialog.remove();
    if (gone) dark();
    else back()?.focus();
    after();
  }

  function hidden() {
    if (document.hidden) dark();
    else if (!problem) void live();
    draw();
  }

  // --- What stands there ---

  function draw() {
    if (!open) return;
    dialog.classList.toggle('left', hand.which() === 'left');
    turn.textContent = t(hand.which() === 'right' ? 'tablet.camera.to_left' : 'tablet.camera.to_right');
    shutter.disabled = !capture;
    show(words, problem ? h('div', { class: 'notice bad', role: 'alert' }, h('p', null, problem), h('p', null, t('tablet.camera.instead')), h('button', { type: 'button', 'data-key': 'live', onclick: live }, t('tablet.camera.again')))
      : capture ? null : h('p', { role: 'status' }, t('tablet.camera.opening')));

    const url = over && ghosts.length ? fileURL(ghosts[at]) : '';
    const there = url.startsWith('blob:');
    before.hidden = !there;
    if (there && before.src !== url) before.src = url;
    before.style.opacity = String(share / 100);
    controls.hidden = ghosts.length === 0;
    show(controls, h('button', { type: 'button', 'data-key': 'ghost', 'data-camera': 'ghost', 'aria-pressed': over, class: 'choice', onclick: () => { over = !over; draw(); } }, t('tablet.camera.ghost')),
      over ? [h('input', { type: 'range', min: 0, max: 80, step: 5, value: share, 'data-key': 'share', 'data-camera': 'share', 'aria-label': t('tablet.camera.share'), 'aria-valuetext': `${share} %`,
        oninput: (/** @type {any} */ e) => { share = Number(e.target.value); draw(); } }),
      ghosts.length > 1 ? h('button', { type: 'button', 'data-key': 'other', 'data-camera': 'other', onclick: () => { at = (at + 1) % ghosts.length; draw(); } }, t('tablet.camera.other', { n: at + 1, all: ghosts.length })) : null,
      there ? null : h('p', { class: 'soon', role: 'status', 'data-key': 'no-ghost' }, t(sync.status().net === 'ok' ? 'tablet.camera.ghost.coming' : 'tablet.camera.ghost.away'))] : null);

    const n = { kept: those('kept').length, busy: those('taking', 'keeping').length, asking: those('asking').length, missed: those('missed').length, failed: those('failed').length };
    const say = [n.kept || n.busy ? t('tablet.camera.kept', { n: n.kept }) : '', n.busy ? t('tablet.camera.keeping', { n: n.busy }) : '', n.asking ? t('tablet.camera.asking', { n: n.asking }) : '',
      n.failed ? t('tablet.camera.failed', { n: n.failed }) : '', n.missed ? t('tablet.camera.missed', { n: n.missed }) : ''].filter(Boolean).join(', ') || t(sure ? 'tablet.camera.nobody' : 'tablet.camera.nothing');
    if (count.textContent !== say) count.textContent = say;
    count.classList.toggle('late', n.failed + n.missed > 0);
    const pictures = shots.filter((s) => s.url && s.state !== 'dropped');
    for (const s of pictures.slice(0, -STRIP)) {
      if (s.state !== 'kept') continue;
      URL.revokeObjectURL(s.url);
      s.url = '';
    }
    show(strip, pictures.slice(-STRIP).map((s) => h('li', { class: s.state, 'data-key': `shot-${s.n}` },
      h('img', { src: s.url, alt: t('tablet.camera.shot', { n: s.n, state: t(`tablet.camera.state.${s.state}`) }) }), h('span', { 'aria-hidden': 'true' }, { kept: '✓', failed: '!', asking: '?' }[/** @type {string} */ (s.state)] ?? '…'))));
    const held = !!needs.firstChild && needs.contains(document.activeElement);
    show(needs, n.asking ? h('button', { type: 'button', 'data-key': 'look', 'data-camera': 'look', onclick: look }, t('tablet.camera.look', { n: n.asking })) : null,
      n.failed ? h('button', { type: 'button', 'data-key': 'again', 'data-camera': 'again', onclick: () => { those('failed').forEach(keep); draw(); } }, t('tablet.camera.keep_again')) : null);
    if (held && !needs.contains(document.activeElement)) shutter.focus();
  }

  const deaf = onChange(draw);
  // Taken off the page, as signing out does: the camera goes at once.
  const observer = new MutationObserver(() => {
    if (dialog.isConnected) return;
    gone = true;
    shut();
  });
  dialog.addEventListener('cancel', (/** @type {Event} */ e) => { e.preventDefault(); void leave(); });
  dialog.addEventListener('close', shut);
  dialog.addEventListener('keydown', (/** @type {KeyboardEvent} */ e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    const on = /** @type {Element} */ (e.target);
    if (e.repeat && on === shutter) e.preventDefault(); // one press, one picture
    if (on.matches('button, input, label')) return;
    e.preventDefault();
    if (!e.repeat) shoot();
  });
  document.addEventListener('visibilitychange', hidden);
  addEventListener('pagehide', dark);
  addEventListener('hashchange', leave);
  draw();
  document.body.append(dialog);
  observer.observe(document.body, { childList: true });
  dialog.showModal();
  dialog.focus(); // not on the first button: a key would press it
  void live();
}
