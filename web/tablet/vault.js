// The keys. What the tablet keeps of a person is encrypted under a key that the server
// made for this person on this device. The tablet keeps that key only wrapped by a key
// that comes from the password; unwrapped it lives in memory, as a CryptoKey that cannot
// be read out, until the person signs out or the page goes.

/**
 * PBKDF2-HMAC-SHA-256, rounds: OWASP Password Storage Cheat Sheet (2023 and later).
 * The figure stands in each vault, so that it can grow.
 */
export const ITERATIONS = 600_000;

/** Wrong passwords that are taken without a network, before the server has to be asked. */
export const TRIES = 5;

/**
 * Who opened the vault, and what is made of the key.
 * @typedef {{person: string, name: string, username: string, simulated: boolean}} Person
 * @typedef {{owner: string, records: CryptoKey, names: CryptoKey}} Keys
 * @typedef {{id: string, owner: string, salt: Uint8Array, iterations: number, iv: Uint8Array, wrapped: ArrayBuffer, tries: number}} Vault
 * @typedef {{id: string, owner: string, n?: number, iv: Uint8Array, data: ArrayBuffer}} Sealed
 */

const text = new TextEncoder();
/** @param {any} bytes @returns {BufferSource} */
const raw = (bytes) => bytes;

/** Whether this browser and this address have what encryption needs: HTTPS or localhost. */
export const usable = () => !!globalThis.crypto?.subtle;

/** @param {ArrayBuffer | Uint8Array} bytes */
export const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');

/** @param {string} s @returns {Uint8Array} */
export const fromBase64 = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));

/** A user name as the server compares it. @param {string} username */
export const folded = (username) => username.trim().toLowerCase();

/** Under what a vault stands: nobody reads the user name from it. @param {string} device @param {string} username */
export async function vaultID(device, username) {
  return hex(await crypto.subtle.digest('SHA-256', text.encode(`${device}\n${folded(username)}`)));
}

/**
 * What is made of a key: one to encrypt records, one to name them, and the id under
 * which they stand, from which nothing can be read.
 * @param {string} base64 32 bytes from the server
 * @returns {Promise<Keys>}
 */
export async function keysOf(base64) {
  const bytes = fromBase64(base64);
  if (bytes.length !== 32) throw new Error('a key is 32 bytes');
  const whole = await crypto.subtle.importKey('raw', raw(bytes), 'HKDF', false, ['deriveKey', 'deriveBits']);
  const from = (/** @type {string} */ info) => ({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: text.encode(info) });
  return {
    owner: hex(await crypto.subtle.deriveBits(from('congvu owner'), whole, 128)),
    records: await crypto.subtle.deriveKey(from('congvu records'), whole, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
    names: await crypto.subtle.deriveKey(from('congvu names'), whole, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']),
  };
}

/** @param {string} password @param {Uint8Array} salt @param {number} iterations */
async function ofPassword(password, salt, iterations) {
  const base = await crypto.subtle.importKey('raw', text.encode(password), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt: raw(salt), iterations }, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/**
 * Wraps a person's key by the password.
 * @param {string} id of the vault
 * @param {string} password
 * @param {Person & {key: string}} secret
 * @param {string} owner
 * @returns {Promise<Vault>}
 */
export async function wrap(id, password, secret, owner, iterations = ITERATIONS) {
  const salt = crypto.getRandomValues(new Uint8Array(16)), iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await ofPassword(password, salt, iterations);
  const wrapped = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: raw(iv), additionalData: about('vaults', id) }, key, text.encode(JSON.stringify(secret)));
  return { id, owner, salt, iterations, iv, wrapped, tries: 0 };
}

/**
 * Opens a vault; null when the password is another.
 * @param {Vault} vault
 * @param {string} password
 * @returns {Promise<(Person & {key: string}) | null>}
 */
export async function unwrap(vault, password) {
  const key = await ofPassword(password, vault.salt, vault.iterations);
  try {
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: raw(vault.iv), additionalData: about('vaults', vault.id) }, key, vault.wrapped);
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return null;
  }
}

/** What a record is bound to: put under another id or into another store, it does not open. @param {string} store @param {string} id */
const about = (store, id) => text.encode(`${store}\n${id}`);

/** @type {Keys | null} */
let open = null;

/** @param {Keys} keys */
export function unlock(keys) { open = keys; }

/** Forgets the keys. */
export function lock() { open = null; }

/** Under what the records of the person stand; empty while locked. */
export const owner = () => open?.owner ?? '';

/** @returns {Keys} */
function keys() {
  if (!open) throw new Error('the vault is locked');
  return open;
}

/**
 * Encrypts a value as a record of a store.
 * @param {string} store
 * @param {string} id
 * @param {any} value anything that JSON can say, or bytes
 * @param {number} [n] place in an order
 * @returns {Promise<Sealed>}
 */
export async function seal(store, id, value, n) {
  const { records, owner } = keys();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = value instanceof ArrayBuffer || value instanceof Uint8Array ? value : text.encode(JSON.stringify(value));
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: raw(iv), additionalData: about(store, id) }, records, raw(plain));
  return { id, owner, ...(n === undefined ? {} : { n }), iv, data };
}

/** The bytes of a record. @param {string} store @param {Sealed} record @returns {Promise<ArrayBuffer>} */
export function bytesOf(store, record) {
  return crypto.subtle.decrypt({ name: 'AES-GCM', iv: raw(record.iv), additionalData: about(store, record.id) }, keys().records, record.data);
}

/** The value of a record. @param {string} store @param {Sealed} record @returns {Promise<any>} */
export async function valueOf(store, record) {
  return JSON.parse(new TextDecoder().decode(await bytesOf(store, record)));
}

/** A name that only this person's key makes, for what must not be told by its id. @param {string} of */
export async function nameOf(of) {
  return hex((await crypto.subtle.sign('HMAC', keys().names, text.encode(of))).slice(0, 16));
}
