// What the tablet must not lose: operations and photos that the server has not yet
// confirmed. They stand in IndexedDB before the screen says that they are kept.

const NAME = 'congvu', VERSION = 1;

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore('ops', { keyPath: 'id' }).createIndex('owner', 'owner');
      db.createObjectStore('files', { keyPath: 'id' }).createIndex('owner', 'owner');
      db.createObjectStore('meta');
    };
    request.onsuccess = () => {
      request.result.onclose = () => { opened = null; };
      resolve(request.result);
    };
    request.onerror = () => { opened = null; reject(request.error); };
  });
  return opened;
}

/**
 * @template T
 * @param {string} store
 * @param {IDBTransactionMode} mode
 * @param {(s: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>}
 */
async function run(store, mode, act) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction(store, mode, { durability: mode === 'readwrite' ? 'strict' : 'default' });
    const request = act(tx.objectStore(store));
    tx.oncomplete = () => resolve(request.result);
    tx.onabort = () => reject(tx.error ?? request.error);
  });
}

/** @param {string} store @param {any} value */
export const put = (store, value) => run(store, 'readwrite', (s) => s.put(value));

/** @param {string} store @param {string} id */
export const drop = (store, id) => run(store, 'readwrite', (s) => s.delete(id));

/** The entries of one person, oldest first. @param {string} store @param {string} owner @returns {Promise<any[]>} */
export async function list(store, owner) {
  const all = await run(store, 'readonly', (s) => s.index('owner').getAll(owner));
  return all.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The number that follows the last one given out under a name. @param {string} name @returns {Promise<number>} */
export async function next(name) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction('meta', 'readwrite', { durability: 'strict' });
    const store = tx.objectStore('meta');
    const request = store.get(name);
    let n = 1;
    request.onsuccess = () => { n = (request.result ?? 0) + 1; store.put(n, name); };
    tx.oncomplete = () => resolve(n);
    tx.onabort = () => reject(tx.error);
  });
}

/** The id that this device made for itself. @param {() => string} make @returns {Promise<string>} */
export async function deviceID(make) {
  const known = await run('meta', 'readonly', (s) => s.get('device'));
  if (known) return known;
  const fresh = make();
  await run('meta', 'readwrite', (s) => s.put(fresh, 'device'));
  return fresh;
}
