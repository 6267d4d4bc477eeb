// Whose receipts are believed. The first one was signed by the server's own code
// (evidence/receipt.go) with a key made for this file.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { verify } from './receipts.js';

/** @type {any} */ (globalThis).crypto ??= webcrypto; // Debian 12's Node has no global one

const { key, other, receipt } = JSON.parse(readFileSync(new URL('../../evidence/testdata/receipt.json', import.meta.url), 'utf8'));

test('a receipt of the server is believed, one that was changed or signed by somebody else is not', async () => {
  assert.equal(await verify(receipt, key), true);
  for (const changed of [{ sha256: receipt.sha256.replace(/^./, 'f') }, { file: receipt.visit }, { size: receipt.size + 1 }, { received_at: '2026-03-02T08:00:01+07:00' }, { visit: receipt.file }, { key: 'another' }, { signature: '' }, { signature: 'AAAA' }, { signature: '%' }]) {
    assert.equal(await verify({ ...receipt, ...changed }, key), false, JSON.stringify(changed));
  }
  assert.equal(await verify(receipt, other), false);
  assert.equal(await verify(receipt, 'AAAA'), false);
});
