// The hand in which the tablet lies: what is tapped stands near its thumb.

import * as store from './store.js';

/** @type {'left' | 'right'} */
let hand = 'right';
const show = () => { document.documentElement.dataset.hand = hand; };

export const which = () => hand;

/** Takes up what was chosen on this device. */
export async function start() {
  hand = (await store.meta('hand')) === 'left' ? 'left' : 'right';
  show();
}

/** @param {'left' | 'right'} to */
export function set(to) {
  hand = to;
  show();
  store.setMeta('hand', hand).catch((e) => console.warn(e));
}
