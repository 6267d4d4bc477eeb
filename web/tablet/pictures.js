// Pictures on the page, and what has become of each.

import { picture, Problem } from './api.js';
import * as store from './store.js';
import * as vault from './vault.js';
import { changed, files, safe, state, urls } from './state.js';
import { heldBack } from './link.js';
import { opened } from './records.js';

/** A picture is drawn with this while it is being fetched. */
const nothing = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';

/** Pictures asked for, and when an attempt failed. @type {Map<string, number>} */
const asked = new Map();

let fetching = Promise.resolve();

/** How often a picture was not there. @type {Map<string, number>} */
const misses = new Map();

/** How long until it is asked for again. @param {string} id */
const pause = (id) => Math.min(10000, 500 * 2 ** (misses.get(id) ?? 0));

/**
 * The address of a picture: of the bytes that are here, or else of the server's small
 * copy. It is fetched past the browser's cache, so that nothing of it stays.
 * @param {string} id
 */
export function fileURL(id) {
  const known = urls.get(id);
  if (known) return known;
  const tried = asked.get(id);
  if (tried === undefined || (tried > 0 && Date.now() - tried > pause(id) && state.net === 'ok')) {
    asked.set(id, 0);
    const whose = state.owner;
    fetching = fetching.then(async () => {
      try {
        const f = files.get(id);
        if (!f && state.net !== 'ok') throw new Problem(0, null);
        const blob = f ? await bytesOf(f) : await picture(`/files/${id}/thumb`);
        if (state.owner !== whose) return;
        urls.set(id, URL.createObjectURL(blob));
        changed();
      } catch {
        asked.set(id, Date.now());
        misses.set(id, (misses.get(id) ?? 0) + 1);
        if ((misses.get(id) ?? 0) < 6) setTimeout(changed, pause(id) + 50); // the small copy of a still is made a moment later
      }
    });
  }
  return nothing;
}

/**
 * A photo to be drawn on: as it was taken while it is here, else the server's large copy.
 * @param {string} id
 * @returns {Promise<Blob>}
 */
export async function photo(id) {
  const f = files.get(id);
  return f ? bytesOf(f) : picture(`/files/${id}/preview`);
}

/** @param {any} f @returns {Promise<Blob>} */
export async function bytesOf(f) {
  if (f.blob) return f.blob;
  const record = await store.get('bytes', f.id);
  if (!record) throw new Error('the bytes are gone');
  return new Blob([await vault.bytesOf('bytes', record)], { type: f.media });
}

/** What is known of a file: safe, or waiting with a share sent. @param {string} id */
export function fileStatus(id) {
  const f = files.get(id);
  if (f) return { state: f.problem ? 'failed' : f.share > 0 ? 'sending' : heldBack() ? 'wifi' : 'waiting', share: f.share ?? 0, problem: f.problem ?? '' };
  return { state: safe.has(id) ? 'safe' : 'unknown', share: 1, problem: '' };
}

/** The photos that wait here, in the order in which they were taken. */
export const waitingFiles = () => [...files.values()];

/** The receipts that are kept here, newest first. @returns {Promise<any[]>} */
export const receipts = async () => (await opened('receipts')).sort((a, b) => (a.at < b.at ? 1 : -1));
