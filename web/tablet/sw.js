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
    if (e.data === 'protocol') e.ports[0].postMessage(protocol);
  });

  /** The cache of an earlier version whose unsent work speaks another protocol; it goes on until that is sent. */
  async function older() {
    const noted = await (await caches.open('congvu-state')).match('/tablet/state');
    const state = noted ? await noted.json() : null;
    if (!state?.unsent || state.protocol === protocol) return '';
    const name = `congvu-${state.version}`;
    return (await caches.has(name)) ? name : '';
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
