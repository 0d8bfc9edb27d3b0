import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checksumOf, fold, sumWords } from './checksum.js';

describe('the checksum', () => {
  it('is that of RFC 1071 §3', () => {
    const view = new DataView(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7).buffer);
    assert.equal(fold(sumWords(view, 0, 8)), 0xddf2);
    assert.equal(checksumOf(sumWords(view, 0, 8)), 0x220d);
  });

  it('of any bytes, from any place, is the sum word by word', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, start) => {
        const from = Math.min(start, bytes.length);
        let sum = 0;
        for (let at = from; at < bytes.length; at += 2) {
          sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
          if (sum > 0xffff) sum -= 0xffff;
        }
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        assert.equal(fold(sumWords(view, from, bytes.length)), sum);
      }),
    );
  });

  it('folds sums up to 2⁵³', () => {
    assert.equal(fold(0), 0);
    assert.equal(fold(0xffff), 0xffff);
    assert.equal(fold(2 ** 53 - 1), (2 ** 53 - 1) % 0xffff);
    fc.assert(
      fc.property(fc.maxSafeNat(), (sum) => {
        assert.equal(fold(sum) % 0xffff, sum % 0xffff);
      }),
    );
  });
});
