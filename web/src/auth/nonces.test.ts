import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nonces } from './nonces.js';

const LIMITS = { nonces: 2, nonceMs: 1000 };

describe('a nonce', () => {
  it('takes each count once, also in another order, within a window', () => {
    const nonces = new Nonces(LIMITS);
    const nonce = nonces.make();
    for (const count of [1, 3, 2, 40, 39, 9]) assert.equal(nonces.use(nonce, count), true, String(count));
    for (const count of [1, 2, 3, 8, 9, 39, 40]) assert.equal(nonces.use(nonce, count), false, String(count));
    assert.equal(nonces.use(nonce, 0xffff_ffff), true);
    assert.equal(nonces.use(nonce, 0xffff_ffff), false);
    assert.equal(nonces.use(nonce, 0xffff_ffff - 31), true);
    assert.equal(nonces.use(nonce, 0xffff_ffff - 31), false);
    assert.equal(nonces.use(nonce, 0xffff_ffff - 32), false);
  });

  it('is no other than those that were made: none is equal, forged, changed or of another server', () => {
    const nonces = new Nonces(LIMITS);
    const nonce = nonces.make();
    assert.notEqual(nonces.make(), nonce);
    assert.equal(new Nonces(LIMITS).use(nonce, 1), false);
    for (let at = 0; at < nonce.length; at += 1) {
      const changed = nonce.slice(0, at) + (nonce[at] === 'A' ? 'B' : 'A') + nonce.slice(at + 1);
      assert.equal(nonces.use(changed, 1), false, changed);
    }
    for (const other of ['', 'x', `${nonce}=`, ` ${nonce}`, nonce.slice(1)]) {
      assert.equal(nonces.use(other, 1), false, other);
    }
    assert.equal(nonces.use(nonce, 1), true);
  });

  it('is good for nonceMs, and no longer', () => {
    let now = 5;
    const nonces = new Nonces(LIMITS, () => now);
    const nonce = nonces.make();
    now = 1005;
    assert.equal(nonces.use(nonce, 1), true);
    now = 1006;
    assert.equal(nonces.use(nonce, 2), false);
  });

  it('is dropped if more than the limit are in use, and no count of it is taken again', () => {
    let now = 0;
    const nonces = new Nonces(LIMITS, () => now);
    const [first, second, third, unused] = [1, 2, 3, 3].map((timeMs) => {
      now = timeMs;
      return nonces.make();
    });
    assert.ok(first && second && third && unused);
    assert.equal(nonces.use(first, 1), true);
    assert.equal(nonces.use(second, 1), true);
    assert.equal(nonces.use(first, 2), true);
    assert.equal(nonces.use(third, 1), true);
    assert.equal(nonces.use(first, 1), false);
    assert.equal(nonces.use(first, 3), false);
    assert.equal(nonces.use(second, 2), true);
    assert.equal(nonces.use(third, 2), true);
    assert.equal(nonces.use(unused, 1), true);
  });

  it('makes room when its time is over, before another one is dropped', () => {
    let now = 0;
    const nonces = new Nonces(LIMITS, () => now);
    const old = nonces.make();
    assert.equal(nonces.use(old, 1), true);
    now = 900;
    const [first, second] = [nonces.make(), nonces.make()];
    assert.equal(nonces.use(first, 1), true);
    now = 1100;
    assert.equal(nonces.use(second, 1), true);
    assert.equal(nonces.use(first, 2), true);
  });
});
