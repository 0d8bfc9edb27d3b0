/** Ranges that arrived out of order, against a set of numbers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MOST_RANGES, Ranges } from './ranges.js';
import { seqAdd, seqDiff, seqOf } from './sequence.js';

const BASE = seqOf(2 ** 31 - 50);
const range = fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 20 }));

describe('ranges', () => {
  it('join what touches, stay sorted and apart, and give up what is in order', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), fc.nat(120), (adds, reach) => {
        const ranges = new Ranges();
        const model = new Set<number>();
        for (const [start, bytes] of adds) {
          assert.ok(ranges.add(seqAdd(BASE, start), seqAdd(BASE, start + bytes)));
          for (let at = start; at < start + bytes; at += 1) model.add(at);
          assert.ok(ranges.has(seqAdd(BASE, start), seqAdd(BASE, start + bytes)));
          const newest = ranges.latest(1)[0];
          assert.ok(newest !== undefined);
          assert.ok(seqDiff(newest.start, BASE) <= start && start + bytes <= seqDiff(newest.end, BASE));
        }
        assert.equal(ranges.bytes, model.size);
        const sorted = [...ranges.latest(MOST_RANGES)].sort((a, b) => seqDiff(a.start, b.start));
        for (const [index, { start }] of sorted.entries()) {
          const before = sorted[index - 1];
          if (before !== undefined) assert.ok(seqDiff(start, before.end) > 0);
        }
        let reached = reach;
        while (model.has(reached)) reached += 1;
        assert.equal(seqDiff(ranges.advance(seqAdd(BASE, reach)), BASE), reached);
        for (const at of [...model]) if (at < reached) model.delete(at);
        assert.equal(ranges.bytes, model.size);
      }),
    );
  });

  it('have a limit that does not hold for what joins others', () => {
    const ranges = new Ranges();
    for (let index = 0; index < MOST_RANGES; index += 1)
      assert.ok(ranges.add(seqOf(10 * index), seqOf(10 * index + 5)));
    assert.ok(!ranges.add(seqOf(10 * MOST_RANGES), seqOf(10 * MOST_RANGES + 5)));
    assert.ok(ranges.add(seqOf(5), seqOf(10)));
    assert.equal(ranges.count, MOST_RANGES - 1);
    ranges.clear();
    assert.equal(ranges.count, 0);
  });

  it('know what lies behind a number', () => {
    const ranges = new Ranges();
    assert.ok(!ranges.reachesBehind(seqOf(0)));
    ranges.add(seqOf(10), seqOf(20));
    assert.ok(ranges.reachesBehind(seqOf(19)));
    assert.ok(!ranges.reachesBehind(seqOf(20)));
  });
});
