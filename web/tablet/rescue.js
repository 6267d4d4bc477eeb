// When the browser loses the database while the app runs: what is in memory is kept anew.

import { say, t } from './dom.js';
import * as store from './store.js';
import * as vault from './vault.js';
import { changed, files, state, visits } from './state.js';
import { keptVisit, sealed, sealedFile } from './records.js';
import { forget } from './day.js';

/** The vault of who is signed in, for the case that the database is lost. @type {vault.Vault | null} */
let ownVault = null;

/** Keeps the vault. @param {vault.Vault} v */
export async function keepVault(v) {
  ownVault = v;
  await store.write([{ store: 'vaults', put: v }]);
}

/** The database was lost while the app ran: what is in memory is kept anew, and the person told. */
async function rescue() {
  /** @type {store.Change[]} */
  const changes = [{ store: 'meta', key: 'device', put: state.device }];
  if (ownVault) changes.push({ store: 'vaults', put: ownVault });
  for (const op of [...state.queue, ...state.refused]) changes.push(await sealed(op));
  let gone = 0, photos = 0;
  for (const f of files.values()) {
    changes.push(await sealedFile(f));
    try {
      if (!f.blob) throw new Error('not in memory');
      changes.push({ store: 'bytes', put: await vault.seal('bytes', f.id, await f.blob.arrayBuffer()) });
      photos++;
    } catch {
      f.problem = t('tablet.photo.gone');
      gone++;
    }
  }
  for (const v of visits.values()) changes.push(await keptVisit(v));
  changes.push(...(await numbers()));
  forget();
  state.trouble = { kind: 'lost', words: [t('tablet.lost', { acts: state.queue.length, photos }), gone ? t('tablet.lost.photos', { n: gone }) : ''].filter(Boolean).join(' ') };
  say(state.trouble.words, 'bad');
  await store.write(changes);
  changed();
}

/** The numbers that were given out, by everything that is known: what comes after a lost database goes on behind them. @returns {Promise<store.Change[]>} */
async function numbers() {
  const here = [...state.queue, ...state.refused], last = new Map();
  for (const op of [...here, ...[...visits.values()].flatMap((v) => v.operations)]) {
    if (op.device === state.device && (!op.author || op.author === state.me?.person)) last.set(op.visit, Math.max(last.get(op.visit) ?? 0, op.seq ?? 0));
  }
  const changes = [{ store: 'meta', key: 'order', put: Math.max(0, ...here.map((op) => op.n ?? 0)) }];
  for (const [id, seq] of last) changes.push({ store: 'meta', key: `seq:${await vault.nameOf(`visit ${id}`)}`, put: seq });
  return changes;
}

store.watch(rescue, changed);
