/** The ring of bytes against a plain array. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteRing, MOST_SPARE_RINGS, RingPool } from './ring.js';

describe('a ring', () => {
  it('keeps bytes in order, whatever is appended, stored behind the end and dropped', () => {
    const act = fc.tuple(fc.constantFrom('append', 'drop', 'store', 'read'), fc.nat(5000), fc.nat(300));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const ring = new ByteRing(new RingPool());
        let model: number[] = [];
        let next = 0;
        for (const [kind, size, offset] of acts) {
          if (kind === 'append' && model.length + size < 60_000) {
            const bytes = Uint8Array.from({ length: size }, () => (next = (next + 1) & 0xff));
            ring.append(bytes);
            model.push(...bytes);
          } else if (kind === 'drop') {
            const bytes = Math.min(size, model.length);
            ring.drop(bytes);
            model = model.slice(bytes);
          } else if (kind === 'store' && model.length > 0) {
            // Bytes behind the end become part of the ring when its length grows.
            const bytes = Uint8Array.from({ length: 10 }, () => (next = (next + 1) & 0xff));
            ring.store(model.length + offset, new Uint8Array(10).fill(1), 0, 10);
            ring.store(model.length, bytes, 0, 10);
            ring.length += 10;
            model.push(...bytes);
          } else if (model.length > 0) {
            const bytes = Math.min(offset, model.length);
            const from = size % (model.length - bytes + 1);
            const target = new Uint8Array(bytes);
            ring.copyTo(target, 0, from, bytes);
            assert.deepEqual([...target], model.slice(from, from + bytes));
          }
          assert.equal(ring.length, model.length);
          const head = ring.head(size);
          assert.deepEqual([...head], model.slice(0, head.length));
          assert.ok(head.length > 0 || model.length === 0 || size === 0);
        }
      }),
    );
  });

  it('has no memory while it is empty', () => {
    const ring = new ByteRing(new RingPool());
    const capacities = [ring.capacity];
    ring.append(new Uint8Array(10));
    capacities.push(ring.capacity);
    ring.drop(10);
    capacities.push(ring.capacity);
    assert.deepEqual(capacities, [0, 2048, 0]);
    assert.equal(ring.head(10).length, 0);
  });

  it('keeps its memory while bytes behind the end are kept', () => {
    const ring = new ByteRing(new RingPool());
    ring.append(new Uint8Array(10));
    ring.store(12, Uint8Array.of(7), 0, 1);
    ring.drop(10, true);
    ring.store(0, Uint8Array.of(5, 6), 0, 2);
    ring.length = 3;
    assert.deepEqual([...ring.head(3)], [5, 6, 7]);
  });

  it('takes no more than it has', () => {
    const ring = new ByteRing(new RingPool());
    ring.append(new Uint8Array(10));
    assert.throws(() => {
      ring.drop(11);
    }, /broken invariant/);
    assert.throws(() => {
      ring.copyTo(new Uint8Array(20), 0, 5, 6);
    }, /broken invariant/);
  });
});

describe('the pool of rings', () => {
  it('gives memory of powers of two, and takes a bounded number of them back', () => {
    const pool = new RingPool();
    assert.equal(pool.take(1).length, 2048);
    assert.equal(pool.take(2048).length, 2048);
    assert.equal(pool.take(2049).length, 4096);
    const memories = Array.from({ length: MOST_SPARE_RINGS + 1 }, () => new Uint8Array(2048));
    for (const memory of memories) pool.give(memory);
    const known = new Set<Uint8Array>(memories);
    for (let count = 0; count < MOST_SPARE_RINGS; count += 1) assert.ok(known.delete(pool.take(2048)));
    assert.ok(!known.has(pool.take(2048)));
  });
});
