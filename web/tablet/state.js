// What the app has in memory of the person who works, and the word to all that show it.

import { newID } from './fold.js';

/** What stands in memory; the other modules of the app change it. */
export const state = {
  /** Who works. @type {import('./vault.js').Person | null} */
  me: null,
  /** Under which their records stand; empty when nobody works. */
  owner: '',
  device: '',
  /** Operations that wait, oldest first. @type {any[]} */
  queue: [],
  /** Operations that the server refused, until the person has seen why. @type {any[]} */
  refused: [],
  /** How it stands with the server: signed-out and other mean that nothing is sent. @type {'ok'|'offline'|'signed-out'|'other'} */
  net: 'ok',
  /** Whether the server has said, since it was away, that the session is this person's. */
  met: false,
  /** Whether operations are being sent. */
  busy: false,
  /** What the person must know about this device, until it is over. @type {{kind: string, words: string} | null} */
  trouble: null,
  room: { known: false, free: 0, low: false },
  wifiOnly: false,
  /** How many acts and photos of other people wait on this device. */
  others: 0,
};
/** Photos that the server has not confirmed, by id. @type {Map<string, any>} */
export const files = new Map();
/** Files known to be safe on the server. @type {Set<string>} */
export const safe = new Set();
/** Local addresses of pictures, by file. @type {Map<string, string>} */
export const urls = new Map();
/** Checks that were opened, by id. @type {Map<string, any>} */
export const visits = new Map();
/** This start of the app: elapsed times count within it. */
export const boot = newID();

/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {() => void} f */
export function onChange(f) { listeners.add(f); return () => listeners.delete(f); }

let announced = false;
/** Has the page drawn again. */
export function changed() {
  if (announced) return;
  announced = true;
  queueMicrotask(() => { announced = false; for (const f of listeners) f(); });
}

/** @type {() => Promise<void>} */
let sender = async () => {};

/** Says how what waits is sent. @param {() => Promise<void>} how */
export function sendBy(how) { sender = how; }

/** Sends what waits, now or when the server is there; resolves when the try is over. */
export const send = () => sender();
