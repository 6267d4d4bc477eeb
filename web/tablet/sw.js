// The app without a network: its shell and its files, each version in a cache of its
// own, named by the hash under which its files stand. Nothing of the API and nothing of
// a person passes through here. The line before this one is made by the server:
// self.CONGVU = {version, protocol, files}.

(() => { // a plain script: what it names stays its own
  /** @type {any} */
  const worker = self;
  /** @type {{version: string, protocol: string, files: string[]}} */
  const { version, protocol, files } = worker.CONGVU;
  const SHELL = '/tablet/', mine = `congvu-${version}`;

  /** A whole version or none: a shell of another copy's version does not install. */
  worker.addEventListener('install', (/** @type {any} */ e) => e.waitUntil((async () => {
    const shell = await fetch(SHELL, { cache: 'no-cache' });
    if (!shell.ok || !(await shell.clone().text()).includes(`/tablet/${version}/app.js`)) throw new Error('another version');
    const cache = await caches.open(mine);
    await cache.addAll(files);
    await cache.put(SHELL, shell);
  })()));

  worker.addEventListener('activate', (/** @type {any} */ e) => e.waitUntil((async () => {
    const held = await older();
    for (const name of await caches.keys()) if (/^congvu-[0-9a-f]{16}$/.test(name) && name !== mine && name !== held) await caches.delete(name);
    await worker.clients.claim();
  })()));

  worker.addEventListener('message', (/** @type {any} */ e) => {
    if (e.data === 'take') worker.skipWaiting();
    if (e.data === 'may') e.waitUntil(older().then((held) => e.ports[0].postMessage(!held)));
  });

  /**
   * So long at most an earlier version is held, in milliseconds: acts of every protocol
   * are understood, and who does not come back is not to hold this tablet for ever.
   */
  const PATIENCE = 30 * 24 * 3600e3;

  /** The cache of the version that ran last, when what it has unsent speaks another protocol: it goes on until that is sent. */
  async function older() {
    const notes = await caches.open('congvu-state');
    const read = async (/** @type {string} */ name) => (await notes.match(name))?.json();
    const ran = await read('/tablet/ran');
    if (!ran || ran.version === version || ran.protocol === protocol || !(await unsent())) return '';
    const name = `congvu-${ran.version}`;
    if (!(await caches.has(name))) return '';
    const held = await read('/tablet/held');
    if (held?.version !== ran.version) await notes.put('/tablet/held', new Response(JSON.stringify({ version: ran.version, since: Date.now() })));
    else if (Date.now() - held.since > PATIENCE) return '';
    return name;
  }

  /** How many acts and photos of anybody wait on this device (store.js). @returns {Promise<number>} */
  function unsent() {
    return new Promise((resolve) => {
      const request = indexedDB.open('congvu');
      request.onupgradeneeded = () => request.transaction?.abort(); // there is none, and none is to be made here
      request.onerror = () => resolve(0);
      request.onsuccess = () => {
        const db = request.result, stores = ['ops', 'files'].filter((name) => db.objectStoreNames.contains(name));
        db.onversionchange = () => db.close();
        if (!stores.length) { db.close(); resolve(0); return; }
        const tx = db.transaction(stores), counts = stores.map((name) => tx.objectStore(name).count());
        const done = () => { db.close(); resolve(counts.reduce((n, c) => n + (c.readyState === 'done' && !c.error ? c.result : 0), 0)); };
        tx.oncomplete = done;
        tx.onabort = done;
      };
    });
  }

  worker.addEventListener('fetch', (/** @type {any} */ e) => {
    const url = new URL(e.request.url);
    if (e.request.method !== 'GET' || url.origin !== location.origin) return;
    if (e.request.mode === 'navigate') {
      if (url.pathname === SHELL || url.pathname === '/tablet') e.respondWith(shell(e));
      return;
    }
    if ((url.pathname.startsWith('/tablet/') && url.pathname !== '/tablet/sw.js') || url.pathname === '/static/icon.svg') {
      e.respondWith(caches.match(e.request).then((kept) => kept ?? fetch(e.request)));
    }
  });

  /** @param {any} e */
  async function shell(e) {
    const held = await older(), name = held || mine;
    const kept = await (await caches.open(name)).match(SHELL);
    if (!kept) return fetch(e.request);
    // The words follow the language that was chosen meanwhile; the version stays.
    if (!held) {
      e.waitUntil((async () => {
        const now = await fetch(SHELL, { cache: 'no-cache' });
        if (now.ok && (await now.clone().text()).includes(`/tablet/${version}/app.js`)) await (await caches.open(mine)).put(SHELL, now);
      })().catch(() => {}));
    }
    return kept;
  }
})();
