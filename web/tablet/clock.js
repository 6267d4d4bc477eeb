// What time it is. A device's clock may be wrong and may be set while the app runs; the
// server's is right, and the time since the page began runs on evenly. Acts are dated by
// the device and say how far that is off, as well as the device can know.

/**
 * @typedef {{wall: () => number, ran: () => number}} Source ms since 1970 as the device shows it; ms that have passed since the page began
 * @typedef {{at: number, off: number | null, ran: number}} Stamp at: as the device shows it; off: what has to be added, null when that is unknown; ran: since the page began
 */

/** From here on a clock was set, in ms: less is the working of the machine. */
const SET = 2000;

/**
 * @param {Source} source
 * @param {number | null} ahead how far the server was ahead of this device when last learned, in ms
 */
export function clock(source, ahead = null) {
  /** When the page began. It may only grow: a device that sleeps lets its clock run on while nothing passes here. */
  let began = source.wall() - source.ran();
  /** What it was before the clock last went forward: to that it may return, for the clock had been set wrong. */
  let before = began;

  /** The device's time as if nobody had set its clock back. */
  function steady() {
    const wall = source.wall(), ran = source.ran();
    const now = wall - ran;
    if (now > began + SET) before = began;
    began = Math.abs(now - before) < SET ? before = now : Math.max(began, now);
    return { wall, ran, even: began + ran };
  }

  return {
    /** The server's time, as well as it is known; ms since 1970. */
    now() {
      const { wall, even } = steady();
      return (even - wall > SET ? even : wall) + (ahead ?? 0);
    },
    /** What an act is dated with. @returns {Stamp} */
    stamp() {
      const { wall, ran, even } = steady();
      const set = even - wall > SET ? Math.round(even - wall) : 0;
      return { at: wall, off: ahead === null && set === 0 ? null : (ahead ?? 0) + set, ran: Math.round(ran) };
    },
    /**
     * Takes in what the server said the time was, in the middle of a request.
     * @param {number} server ms since 1970
     * @param {number} sent the device's time when the request left
     * @param {number} took ms until the answer was there
     * @returns {number | null} what is to be remembered; null when it is known already
     */
    learn(server, sent, took) {
      const fresh = Math.round(server - sent - took / 2);
      if (!Number.isFinite(fresh)) return null; // no server of ours
      before = began = source.wall() - source.ran();
      if (ahead !== null && Math.abs(fresh - ahead) < 500) return null;
      ahead = fresh;
      return ahead;
    },
  };
}

/** This device's own. @type {Source} */
export const device = { wall: () => Date.now(), ran: () => performance.now() };
