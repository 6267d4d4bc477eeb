// Sending the bytes of a declared file: tus 1.0, from where the server stands. After any
// break it is asked how much it has; nothing that arrived is sent again.

import { call, Problem, refusal } from './api.js';
import { fromBase64 } from './vault.js';

/** @type {XMLHttpRequest | null} */
let current = null;

/** A request whose bytes stand still for so long is given up, in ms. */
const STALLED = 60000;

/** Stops what is being sent. */
export function stop() { current?.abort(); }

/**
 * Sends what the server lacks of a file and returns the receipt.
 * @param {string} id
 * @param {Blob} bytes
 * @param {(share: number) => void} progress share of the whole that has gone out
 * @returns {Promise<any>}
 */
export async function send(id, bytes, progress) {
  let anew = 0; // how often the whole was not what was declared
  for (let still = 0, had = -1, broke = false; ;) {
    const at = broke ? await rest(id, had) : await offset(id);
    broke = false;
    if (at >= bytes.size) return call('GET', `/api/v1/files/${id}/receipt`, undefined, { quiet: true });
    still = at > had ? 0 : still + 1;
    had = at;
    progress(at / bytes.size);
    const answer = await patch(id, bytes.slice(at), at, (loaded) => progress((at + loaded) / bytes.size));
    if (answer.status === 204) {
      if (answer.receipt) return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(answer.receipt), (c) => c.charCodeAt(0))));
      continue;
    }
    const problem = refusal(answer.status, answer.body, answer.request);
    const again = answer.status === 0 || answer.status === 409 || problem.key === 'evidence.error.interrupted';
    if (again && still < 3) { broke = answer.loaded > 0; continue; }
    if (problem.key === 'evidence.error.hash_differs' && anew++ < 2) { had = -1; continue; } // hurt on the way: from its beginning
    throw again ? new Problem(0, null) : problem;
  }
}

/** How many bytes the server has. @param {string} id */
async function offset(id) {
  let response;
  try {
    response = await fetch(`/api/v1/files/${id}/content`, { method: 'HEAD', credentials: 'same-origin', cache: 'no-store', headers: { 'Tus-Resumable': '1.0.0' }, signal: AbortSignal.timeout(30000) });
  } catch {
    throw new Problem(0, null);
  }
  if (!response.ok) throw refusal(response.status, null, response.headers.get('X-Request-Id'));
  const at = Number(response.headers.get('Upload-Offset') ?? NaN);
  if (!Number.isInteger(at)) throw new Problem(0, null); // not our server
  return at;
}

/**
 * How many bytes the server has once it has put away what it read of a request that
 * broke off: asked until it says the same twice, for a few seconds at most.
 * @param {string} id
 * @param {number} had
 */
async function rest(id, had) {
  let last = had;
  for (let n = 0; n < 12; n++) {
    await new Promise((go) => setTimeout(go, 250));
    try {
      const at = await offset(id);
      if (at === last && at > had) return at;
      last = at;
    } catch (e) {
      if (!(e instanceof Problem) || e.status !== 0 || n === 11) throw e; // the network may be back in a moment
    }
  }
  return last;
}

/**
 * @param {string} id
 * @param {Blob} bytes
 * @param {number} at
 * @param {(loaded: number) => void} progress
 * @returns {Promise<{status: number, body: any, receipt: string, request: string | null, loaded: number}>}
 */
function patch(id, bytes, at, progress) {
  return new Promise((resolve) => {
    const x = current = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout>} */
    let watch;
    let loaded = 0;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => x.abort(), STALLED);
    };
    const done = (/** @type {any} */ answer) => {
      clearTimeout(watch);
      current = null;
      resolve({ ...answer, loaded });
    };
    x.open('PATCH', `/api/v1/files/${id}/content`);
    for (const [name, value] of Object.entries({ Accept: 'application/json', 'Content-Type': 'application/offset+octet-stream', 'Tus-Resumable': '1.0.0', 'Upload-Offset': String(at) })) x.setRequestHeader(name, value);
    x.upload.onprogress = (e) => { alive(); loaded = e.loaded; progress(loaded); };
    x.onload = () => {
      let body = null;
      try { body = JSON.parse(x.responseText); } catch { /* no words came with it */ }
      done({ status: x.status, body, receipt: x.getResponseHeader('Upload-Receipt') ?? '', request: x.getResponseHeader('X-Request-Id') });
    };
    x.onerror = x.onabort = x.ontimeout = () => done({ status: 0, body: null, receipt: '', request: null });
    alive();
    x.send(bytes);
  });
}

/** A small picture of a photo: at most so many pixels a side, and so many bytes. */
const SMALL = 480, SMALL_BYTES = 128 << 10;

/**
 * Sends a small picture ahead of a photo, so that others see the scene while the photo
 * itself is on its way. It is no evidence and may be missing: what the browser cannot
 * draw has none. Throws a Problem when it did not arrive.
 * @param {string} id
 * @param {Blob} photo
 */
export async function sketch(id, photo) {
  let small;
  try {
    const whole = await createImageBitmap(photo);
    const share = Math.min(1, SMALL / Math.max(whole.width, whole.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(whole.width * share));
    canvas.height = Math.max(1, Math.round(whole.height * share));
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    // At once: toBlob waits for an idle page, a second on some.
    const url = canvas.toDataURL('image/jpeg', 0.6);
    if (url.startsWith('data:image/jpeg;base64,')) small = fromBase64(url.slice(url.indexOf(',') + 1));
  } catch { /* no picture that this browser knows */ }
  if (!small || small.length > SMALL_BYTES) return;
  let response;
  try {
    response = await fetch(`/api/v1/files/${id}/sketch`, { method: 'PUT', credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json', 'Content-Type': 'image/jpeg' }, body: /** @type {any} */ (small), signal: AbortSignal.timeout(30000) });
  } catch {
    throw new Problem(0, null);
  }
  if (!response.ok) throw refusal(response.status, null, response.headers.get('X-Request-Id'));
}
