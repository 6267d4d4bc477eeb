// New versions of the app. One is installed beside the one that runs, and takes over
// when the person says so or when the app starts: always when nothing is unsent, else
// only if it speaks the same protocol.

import * as store from './store.js';

/** @type {ServiceWorker | null} */
let waiting = null;
let taking = false;
/** @type {() => void} */
let told = () => {};

const { version = '', protocol = '' } = document.documentElement.dataset;

/** What a worker speaks; empty when it does not answer. @param {ServiceWorker} worker @returns {Promise<string>} */
function protocolOf(worker) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (e) => resolve(String(e.data));
    setTimeout(() => resolve(''), 3000);
    worker.postMessage('protocol', [port2]);
  });
}

/** @param {ServiceWorker} worker */
const mayTake = async (worker) => (await store.unsent()) === 0 || (await protocolOf(worker)) === protocol;

/** Whether a newer version stands by. */
export const available = () => waiting !== null;

/** Takes the newer version; false when unsent work has to go first. */
export async function take() {
  if (!waiting || !(await mayTake(waiting))) return false;
  taking = true;
  waiting.postMessage('take');
  return true;
}

/**
 * Takes a version that stands by, before anything is open, and looks for newer ones
 * from then on. The program under development is served without a worker.
 * @param {() => void} changed
 */
export async function start(changed) {
  told = changed;
  const container = navigator.serviceWorker;
  if (!container) return;
  if (!version) {
    for (const r of await container.getRegistrations()) await r.unregister();
    return;
  }
  container.addEventListener('controllerchange', () => { if (taking) location.reload(); });
  const known = await container.getRegistration('/tablet/');
  if (known?.waiting) {
    waiting = known.waiting;
    if (await take()) await new Promise(() => {}); // the page loads again
  }
  container.register('/tablet/sw.js', { scope: '/tablet/', updateViaCache: 'none' }).then((r) => {
    const look = () => {
      if (r.waiting && container.controller) { waiting = r.waiting; told(); }
    };
    look();
    r.addEventListener('updatefound', () => r.installing?.addEventListener('statechange', look));
    setInterval(() => { r.update().catch(() => {}); }, 3600e3);
  }, (e) => console.warn(e));
}

/** Says to the worker of a later version whether this one still has unsent work. */
let noted = '';
export async function noteUnsent() {
  if (!version || !globalThis.caches) return;
  const state = JSON.stringify({ version, protocol, unsent: (await store.unsent()) > 0 });
  if (state === noted) return;
  noted = state;
  await (await caches.open('congvu-state')).put('/tablet/state', new Response(state, { headers: { 'Content-Type': 'application/json' } }));
}
