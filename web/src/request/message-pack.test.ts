import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode, ExtData } from '@msgpack/msgpack';
import { HttpError } from '../http-error.js';
import { decodeMessagePack } from './message-pack.js';

/** Values of every type and length of length. */
const VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  200,
  -100,
  60_000,
  -30_000,
  4_000_000_000,
  -2_000_000_000,
  2 ** 40,
  -(2 ** 40),
  1.5,
  '',
  ...[31, 32, 255, 256, 65_536].map((length) => 'x'.repeat(length)),
  ...[0, 255, 256, 65_536].map((length) => new Uint8Array(length)),
  ...[0, 15, 16, 65_536].map((length) => Array.from({ length }, () => 1)),
  ...[0, 15, 16, 65_536].map((length) =>
    Object.fromEntries(Array.from({ length }, (_one, key) => [`k${key}`, null])),
  ),
  ...[1, 2, 4, 8, 16, 3, 256, 65_536].map((length) => new ExtData(7, new Uint8Array(length))),
  new Date(1_700_000_000_000),
];

describe('MessagePack of a client', () => {
  it('is decoded, of every type', () => {
    assert.deepEqual(decodeMessagePack(encode(VALUES)), VALUES);
    assert.equal(decodeMessagePack(encode(1.5, { forceFloat32: true })), 1.5);
    for (const value of VALUES) assert.deepEqual(decodeMessagePack(encode(value)), value);
  });

  it('is refused where it breaks off, or goes on behind its end', () => {
    const bytes = encode([{ a: 'text', b: [1, 2, 3] }, new Uint8Array(3), 1.5]);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => decodeMessagePack(bytes.subarray(0, length)), HttpError);
    }
    assert.throws(() => decodeMessagePack(Buffer.concat([bytes, bytes])), HttpError);
  });

  it('costs no memory for arrays that are announced and do not come', () => {
    const level = Buffer.from([0xdd, 0x00, 0x98, 0x96, 0x80]);
    const bomb = Buffer.concat(Array.from({ length: 100_000 }, () => level));
    const before = process.memoryUsage().heapUsed;
    assert.throws(() => decodeMessagePack(bomb), HttpError);
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
  });

  it('never ends in another error, whatever bytes come', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Uint8Array.from({ length: random() % 24 }, () => random() % 256);
      try {
        decodeMessagePack(bytes);
      } catch (error) {
        assert.ok(error instanceof HttpError);
      }
    }
  });
});
