// The keys of the tablet: what opens what, and what does not.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import * as vault from './vault.js';

/** @type {any} */ (globalThis).crypto ??= webcrypto; // Debian 12's Node has no global one

const key = (/** @type {number} */ fill) => btoa(String.fromCharCode(...new Uint8Array(32).fill(fill)));
const secret = { person: 'p1', name: 'Nguyễn Thị Mẫu', username: 'truongdoan', simulated: false, key: key(7) };

test('a vault opens with its password alone, and holds nothing plain', async () => {
  const id = await vault.vaultID('device', ' TruongDoan ');
  assert.equal(id, await vault.vaultID('device', 'truongdoan'));
  assert.notEqual(id, await vault.vaultID('other', 'truongdoan'));
  const v = await vault.wrap(id, 'mật khẩu', secret, 'o', 1000);
  assert.deepEqual(await vault.unwrap(v, 'mật khẩu'), secret);
  assert.equal(await vault.unwrap(v, 'mat khau'), null);
  assert.equal(await vault.unwrap({ ...v, id: 'another' }, 'mật khẩu'), null);
  assert.ok(!Buffer.from(v.wrapped).includes('Nguyễn') && !Buffer.from(v.wrapped).includes('truongdoan'));
  const again = await vault.wrap(id, 'mật khẩu', secret, 'o', 1000);
  assert.notDeepEqual(again.salt, v.salt);
  assert.equal(v.salt.length, 16);
  assert.equal(vault.ITERATIONS, 600_000);
});

test('a record opens under its own id, in its own store, for its own person', async () => {
  vault.unlock(await vault.keysOf(key(1)));
  const owner = vault.owner(), value = { item: 'C03', text: 'bảng phí đã hết hiệu lực' };
  const record = await vault.seal('ops', 'a', value, 3);
  assert.equal(record.n, 3);
  assert.equal(record.owner, owner);
  assert.ok(!Buffer.from(record.data).includes('hết'));
  assert.deepEqual(await vault.valueOf('ops', record), value);
  await assert.rejects(vault.valueOf('files', record));
  await assert.rejects(vault.valueOf('ops', { ...record, id: 'b' }));
  const changed = new Uint8Array(record.data.slice(0));
  changed[0] ^= 1;
  await assert.rejects(vault.valueOf('ops', { ...record, data: changed.buffer }));
  assert.notDeepEqual((await vault.seal('ops', 'a', value)).iv, record.iv);

  vault.unlock(await vault.keysOf(key(2)));
  assert.notEqual(vault.owner(), owner);
  await assert.rejects(vault.valueOf('ops', record));
  vault.unlock(await vault.keysOf(key(1)));
  assert.equal(vault.owner(), owner); // the same key, the same person, whatever the user name
  assert.deepEqual(await vault.valueOf('ops', record), value);
  vault.lock();
  assert.equal(vault.owner(), '');
  await assert.rejects(vault.valueOf('ops', record));
  await assert.rejects(vault.seal('ops', 'a', value));
});

test('bytes come back as they were, and keys cannot be read out', async () => {
  const keys = await vault.keysOf(key(1));
  vault.unlock(keys);
  const bytes = webcrypto.getRandomValues(new Uint8Array(4096));
  assert.deepEqual(new Uint8Array(await vault.bytesOf('bytes', await vault.seal('bytes', 'f', bytes))), bytes);
  await assert.rejects(webcrypto.subtle.exportKey('raw', /** @type {any} */ (keys.records)));
  await assert.rejects(webcrypto.subtle.exportKey('raw', /** @type {any} */ (keys.names)));
  assert.equal(await vault.nameOf('visit'), await vault.nameOf('visit'));
  assert.match(await vault.nameOf('visit'), /^[0-9a-f]{32}$/);
  await assert.rejects(vault.keysOf(btoa('short')));
});
