// The tablet's memory. Everything of a person stands here encrypted (vault.js); this
// module knows records, transactions and whether the database is still the one that it
// was. A save is on the disk when it resolves.

const NAME = 'congvu', VERSION = 2;
/** What is kept of a person, each record {id, owner, iv, data}. */
export const STORES = ['ops', 'files', 'bytes', 'visits', 'today', 'handovers', 'receipts'];

/**
 * One change of the database: a record put, or an id dropped.
 * @typedef {{store: string, put?: any, drop?: string, key?: string}} Change
 */

/** The database is not the one that things were kept in: it was evicted or cleared. */
export class Lost extends Error {}

/** @type {Promise<IDBDatabase> | null} */
let opened = null;
/** What the database was marked with when it was made; empty before it was opened. */
let mark = '';
/** Whether the database that the browser remembers was gone when the app started. */
let lostBefore = false;
/** Puts what is still in memory into a database that came after a lost one. @type {() => Promise<void>} */
let onLost = async () => {};
/** Another tab or a newer version wants the database. @type {() => void} */
let onAsked = () => {};

/** @param {() => Promise<void>} lost @param {() => void} asked */
export function watch(lost, asked) { onLost = lost; onAsked = asked; }

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = (e) => {
      const db = request.result, tx = /** @type {IDBTransaction} */ (request.transaction);
      for (const name of STORES) if (!db.objectStoreNames.contains(name)) db.createObjectStore(name, { keyPath: 'id' }).createIndex('owner', 'owner');
      if (e.oldVersion < 1) db.createObjectStore('meta');
      if (e.oldVersion < 2) {
        db.createObjectStore('vaults', { keyPath: 'id' });
        tx.objectStore('meta').put(crypto.randomUUID(), 'mark');
      }
    };
    request.onsuccess = () => {
      const db = request.result;
      db.onclose = () => { opened = null; }; // iOS, or the person clearing the site's data
      db.onversionchange = () => { db.close(); opened = null; onAsked(); };
      resolve(db);
    };
    request.onerror = () => { opened = null; reject(request.error); };
    request.onblocked = () => {}; // an older version in another tab closes on its own request
  });
  return opened;
}

/**
 * A transaction; a connection that the system closed under it is opened again once.
 * @param {string[]} stores
 * @param {IDBTransactionMode} mode
 * @param {IDBTransactionDurability} durability
 * @returns {Promise<IDBTransaction>}
 */
async function begin(stores, mode, durability = 'strict') {
  for (let first = true; ; first = false) {
    const db = await open();
    try {
      return db.transaction(stores, mode, { durability });
    } catch (e) {
      if (!first || /** @type {any} */ (e).name !== 'InvalidStateError') throw e;
      opened = null;
    }
  }
}

/** @param {IDBTransaction} tx @returns {Promise<void>} */
const finished = (tx) => new Promise((resolve, reject) => {
  tx.oncomplete = () => resolve();
  tx.onabort = () => reject(tx.error ?? new Lost());
});

/**
 * @template T
 * @param {string} store
 * @param {(s: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>}
 */
async function read(store, ask) {
  const tx = await begin([store], 'readonly', 'default');
  const request = ask(tx.objectStore(store));
  await finished(tx);
  return request.result;
}

/**
 * Opens the database for this run of the app and tells whether the one that this
 * browser had before is gone. A cookie remembers the mark: clearing the storage of a
 * site to make room leaves cookies alone.
 */
export async function start() {
  mark = await read('meta', (s) => s.get('mark'));
  const known = document.cookie.match(/(?:^|; )congvu-mark=([0-9a-f-]{36})/)?.[1];
  lostBefore = !!known && known !== mark;
  remember();
  return { lostBefore };
}

function remember() {
  document.cookie = `congvu-mark=${mark}; path=/tablet/; max-age=${400 * 24 * 3600}; samesite=strict${location.protocol === 'https:' ? '; secure' : ''}`;
}

/** @param {Change[]} changes */
async function attempt(changes) {
  const tx = await begin([...new Set([...changes.map((c) => c.store), 'meta'])], 'readwrite');
  const done = finished(tx);
  /** @type {any} */
  let wrong = null;
  const check = tx.objectStore('meta').get('mark');
  check.onsuccess = () => {
    if (check.result !== mark) { tx.abort(); return; }
    try {
      for (const c of changes) {
        const s = tx.objectStore(c.store);
        if (c.drop !== undefined) s.delete(c.drop);
        else if (c.key !== undefined) s.put(c.put, c.key);
        else s.put(c.put);
      }
    } catch (e) { wrong = e; tx.abort(); }
  };
  await done.catch((e) => { throw wrong ?? e; });
}

/**
 * Makes changes, all or none, on the disk when it resolves. Whether the database is
 * still the same is looked at in the same transaction: when it is not, what is in
 * memory is put into the new one, the person is told, and the changes are made there.
 * @param {Change[]} changes
 */
export async function write(changes) {
  try {
    await attempt(changes);
  } catch (e) {
    if (!(e instanceof Lost) && !(await isLost())) throw e;
    await recover();
    await attempt(changes);
  }
}

/** Goes on in a database that came after a lost one. */
async function recover() {
  mark = await read('meta', (s) => s.get('mark'));
  remember();
  await onLost();
}

/** Whether the database is another than it was. */
export async function isLost() {
  try {
    return mark !== '' && (await read('meta', (s) => s.get('mark'))) !== mark;
  } catch {
    return false;
  }
}

/** The records of one person, in their order. @param {string} store @param {string} owner @returns {Promise<any[]>} */
export async function list(store, owner) {
  const all = await read(store, (s) => s.index('owner').getAll(owner));
  return all.sort((a, b) => (a.n ?? 0) - (b.n ?? 0) || (a.id < b.id ? -1 : 1));
}

/** @param {string} store @param {string} id @returns {Promise<any>} */
export const get = (store, id) => read(store, (s) => s.get(id));

/** How many acts and photos of anybody wait on this device. */
export async function unsent() {
  return (await read('ops', (s) => s.count())) + (await read('files', (s) => s.count()));
}

/** All vaults of this device. @returns {Promise<any[]>} */
export const vaults = () => read('vaults', (s) => s.getAll());

/**
 * Counts a try to open a vault before it is made, and returns the vault as it was: null
 * when there is none.
 * @param {string} id
 * @param {number} most
 * @returns {Promise<any>}
 */
export async function countTry(id, most) {
  const tx = await begin(['vaults'], 'readwrite');
  const store = tx.objectStore('vaults'), request = store.get(id);
  let vault = null;
  request.onsuccess = () => {
    vault = request.result ?? null;
    if (vault && vault.tries < most) store.put({ ...vault, tries: vault.tries + 1 });
  };
  await finished(tx);
  return vault;
}

/** Puts the count of wrong tries back. @param {string} id */
export async function clearTries(id) {
  const vault = await get('vaults', id);
  if (vault) await write([{ store: 'vaults', put: { ...vault, tries: 0 } }]);
}

/**
 * The first of so many numbers that follow the last ones given out under names. Those of
 * older versions stood under another name. What is saved after it takes it to the disk.
 * @param {{name: string, formerly?: string, count: number}[]} names
 * @returns {Promise<number[]>}
 */
export async function next(names) {
  const tx = await begin(['meta'], 'readwrite', 'relaxed');
  const store = tx.objectStore('meta'), done = finished(tx);
  /** @type {number[]} */
  const given = [];
  let lost = false;
  const check = store.get('mark');
  check.onsuccess = () => { if (check.result !== mark) { lost = true; tx.abort(); } };
  names.forEach(({ name, formerly, count }, i) => {
    const now = store.get(name), before = formerly ? store.get(formerly) : null;
    (before ?? now).onsuccess = () => {
      given[i] = Math.max(now.result ?? 0, before?.result ?? 0) + 1;
      store.put(given[i] + count - 1, name);
      if (formerly && before?.result) store.delete(formerly);
    };
  });
  try {
    await done;
  } catch (e) {
    if (!lost) throw e;
    await recover();
    return next(names);
  }
  return given;
}

/** A word about the device itself, nothing of a person. @param {string} name @returns {Promise<any>} */
export const meta = (name) => read('meta', (s) => s.get(name));

/** @param {string} name @param {any} value */
export const setMeta = (name, value) => write([{ store: 'meta', key: name, put: value }]);

/** The id that this device made for itself. @param {() => string} make @returns {Promise<string>} */
export async function deviceID(make) {
  const known = await meta('device');
  if (known) return known;
  const fresh = make();
  await setMeta('device', fresh);
  return fresh;
}

/** Asks that the browser never clears this on its own. @returns {Promise<boolean>} */
export async function persist() {
  try {
    return (await navigator.storage?.persisted?.()) || (await navigator.storage?.persist?.()) || false;
  } catch {
    return false;
  }
}

/** Room in bytes: free, and whether it runs out (under 500 MB or a tenth). */
export async function room() {
  try {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    const free = Math.max(quota - usage, 0);
    return { known: quota > 0, free, low: quota > 0 && (free < 500e6 || free < quota / 10) };
  } catch {
    return { known: false, free: 0, low: false };
  }
}
