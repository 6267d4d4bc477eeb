// What the app takes for the time when the device's clock is wrong, is set, or sleeps.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { clock } from './clock.js';

const HOUR = 3600e3, NOON = Date.UTC(2026, 2, 2, 5);

/** A device whose clock and whose running time can be moved apart. */
function device(wall = NOON, ran = 1000) {
  const d = { w: wall, r: ran, wall: () => d.w, ran: () => d.r, pass: (/** @type {number} */ ms) => { d.w += ms; d.r += ms; }, set: (/** @type {number} */ ms) => { d.w += ms; }, sleep: (/** @type {number} */ ms) => { d.w += ms; } };
  return d;
}

test('a clock that nobody touches is believed, and says that it does not know how far it is off', () => {
  const d = device(), c = clock(d);
  d.pass(60e3);
  assert.deepEqual(c.stamp(), { at: NOON + 60e3, off: null, ran: 61000 });
  assert.equal(c.now(), NOON + 60e3);
});

test('what the server said counts from then on', () => {
  const d = device(), c = clock(d);
  assert.equal(c.learn(NOON + 3 * HOUR + 100, NOON, 200), 3 * HOUR);
  d.pass(1000);
  assert.deepEqual(c.stamp(), { at: NOON + 1000, off: 3 * HOUR, ran: 2000 });
  assert.equal(c.now(), NOON + 3 * HOUR + 1000);
  assert.equal(c.learn(NOON + 3 * HOUR + 1300, NOON + 1000, 0), null); // half a second says nothing new
});

test('a clock that is set back while the app runs does not take time back', () => {
  for (const known of [null, 3 * HOUR]) {
    const d = device(), c = clock(d, known);
    c.stamp();
    d.pass(60e3);
    d.set(-2 * HOUR);
    d.pass(60e3);
    assert.deepEqual(c.stamp(), { at: NOON - 2 * HOUR + 120e3, off: 2 * HOUR + (known ?? 0), ran: 121000 });
    assert.equal(c.now(), NOON + 120e3 + (known ?? 0));
    d.set(2 * HOUR); // and right again
    assert.deepEqual(c.stamp().off, known);
    assert.equal(c.now(), NOON + 120e3 + (known ?? 0));
  }
});

test('a clock that was set forward by mistake and back again has gained nothing', () => {
  const d = device(), c = clock(d, 0);
  d.set(3 * HOUR);
  assert.equal(c.stamp().off, 0); // it may have slept
  d.pass(60e3);
  d.set(-3 * HOUR);
  d.pass(60e3);
  assert.deepEqual(c.stamp(), { at: NOON + 120e3, off: 0, ran: 121000 });
  assert.equal(c.now(), NOON + 120e3);
});

test('what no server of ours said is not learned', () => {
  const d = device(), c = clock(d, 5000);
  assert.equal(c.learn(NaN, NOON, 10), null);
  assert.equal(c.now(), NOON + 5000);
});

test('after a device slept its clock is believed, and setting it back is still seen', () => {
  const d = device(), c = clock(d, 0);
  d.sleep(8 * HOUR);
  assert.deepEqual(c.stamp(), { at: NOON + 8 * HOUR, off: 0, ran: 1000 });
  d.set(-HOUR);
  assert.equal(c.now(), NOON + 8 * HOUR);
  assert.equal(c.stamp().off, HOUR);
});

test('after the server has spoken a clock that was set back is no longer counted twice', () => {
  const d = device(), c = clock(d, 0);
  c.stamp();
  d.set(-2 * HOUR);
  assert.equal(c.learn(NOON, NOON - 2 * HOUR, 0), 2 * HOUR);
  assert.deepEqual(c.stamp(), { at: NOON - 2 * HOUR, off: 2 * HOUR, ran: 1000 });
  assert.equal(c.now(), NOON);
});
