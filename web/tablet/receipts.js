// Receipts: what the server signs when it holds the bytes of a file. The tablet gives its
// own copy up only on one that names the file's hash and is signed.

import { call } from './api.js';
import { fromBase64 } from './vault.js';
import * as store from './store.js';

/** @typedef {{file: string, visit: string, sha256: string, size: number, received_at: string, key: string, signature: string}} Receipt */

/**
 * What is signed: the canonical JSON (RFC 8785) of all fields but the signature. Its
 * names are in order; its values are plain text and one whole number.
 * @param {Receipt} r
 */
const signed = (r) => JSON.stringify({ file: r.file, key: r.key, purpose: 'congvu evidence receipt v1', received_at: r.received_at, sha256: r.sha256, size: r.size, visit: r.visit });

/**
 * Whether a receipt is signed with a key (Ed25519, RFC 8032); null where the browser
 * cannot tell.
 * @param {Receipt} r
 * @param {string} key base64 of the 32 bytes
 * @returns {Promise<boolean | null>}
 */
export async function verify(r, key) {
  /** @type {CryptoKey} */
  let known;
  try {
    known = await crypto.subtle.importKey('raw', /** @type {any} */ (fromBase64(key)), { name: 'Ed25519' }, false, ['verify']);
  } catch (e) {
    if (/** @type {any} */ (e).name === 'NotSupportedError') return null;
    return false;
  }
  try {
    return await crypto.subtle.verify({ name: 'Ed25519' }, known, /** @type {any} */ (fromBase64(r.signature)), new TextEncoder().encode(signed(r)));
  } catch {
    return false;
  }
}

/**
 * The server's key of that name. Keys stay on the tablet: one name means one key.
 * @param {string} name
 * @returns {Promise<string>} empty when the server does not know it
 */
async function keyOf(name) {
  const known = (await store.meta('keys')) ?? {};
  if (known[name]) return known[name];
  const { key, public: bytes } = await call('GET', '/api/v1/receipts/key', undefined, { quiet: true, timeout: 15000 });
  if (key !== name) return '';
  await store.setMeta('keys', { ...known, [key]: bytes });
  return bytes;
}

/**
 * Whether a receipt is the server's and for this file.
 * @param {Receipt | null | undefined} r
 * @param {{id: string, visit: string, sha256: string, bytes: number}} f
 * @returns {Promise<{good: boolean, checked: boolean}>} checked: the signature was looked at; not where the browser cannot
 */
export async function proves(r, f) {
  if (!r || r.file !== f.id || r.visit !== f.visit || r.sha256 !== f.sha256 || r.size !== f.bytes) return { good: false, checked: false };
  const key = await keyOf(r.key), right = key === '' ? false : await verify(r, key);
  return { good: right !== false, checked: right === true };
}
