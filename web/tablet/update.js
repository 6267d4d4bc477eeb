// New versions of the app. One is installed beside the one that runs, and takes over
// when the person says so or when the app starts; whether it may, its worker says (sw.js):
// it knows what is unsent and whose protocol it speaks.

import * as acts from './acts.js';
import * as camera from './camera.js';

/** @type {ServiceWorker | null} */
let waiting = null;
let taking = false;
/** @type {() => void} */
let told = () => {};

const { version = '', protocol = '' } = document.documentElement.dataset;

/** Whether a worker may take over now; not when it does not answer. @param {ServiceWorker} worker @returns {Promise<boolean>} */
function mayTake(worker) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (e) => resolve(e.data === true);
    setTimeout(() => resolve(false), 3000);
    worker.postMessage('may', [port2]);
  });
}

/** Loads the page again, once what was begun on it is kept. */
async function loadAgain() {
  await camera.settled();
  await acts.settled();
  location.reload();
}

/** Whether a newer version stands by. */
export const available = () => waiting !== null;

/** Takes the newer version; false when unsent work has to go first. */
export async function take() {
  if (!waiting || !(await mayTake(waiting))) return false;
  taking = true;
  waiting.postMessage('take');
  if (waiting.state !== 'installed') void loadAgain(); // another tab was first
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
  container.addEventListener('controllerchange', () => { if (taking) void loadAgain(); });
  const known = await container.getRegistration('/tablet/');
  if (known?.waiting) {
    waiting = known.waiting;
    if (await take()) await new Promise(() => {}); // the page loads again
  }
  await noteRun().catch((e) => console.warn(e));
  container.register('/tablet/sw.js', { scope: '/tablet/', updateViaCache: 'none' }).then((r) => {
    const look = () => {
      if (r.waiting && container.controller) { waiting = r.waiting; told(); }
    };
    look();
    r.addEventListener('updatefound', () => r.installing?.addEventListener('statechange', look));
    setInterval(() => { r.update().catch(() => {}); }, 3600e3);
  }, (e) => console.warn(e));
}

/** Notes for the workers of later versions which version's work lies on this device. */
async function noteRun() {
  const notes = await caches.open('congvu-state'), state = JSON.stringify({ version, protocol });
  if (await (await notes.match('/tablet/ran'))?.text() !== state) await notes.put('/tablet/ran', new Response(state));
}
