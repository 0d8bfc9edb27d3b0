import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from './seeded-random.js';

const DRAWS = 100_000;

function draws(random: SeededRandom, count = 8): number[] {
  return Array.from({ length: count }, () => random.word());
}

describe('seeded chance', () => {
  it('repeats for the same seed and differs for another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        assert.deepEqual(draws(SeededRandom.of(first)), draws(SeededRandom.of(first)));
        if (first !== second)
          assert.notDeepEqual(draws(SeededRandom.of(first)), draws(SeededRandom.of(second)));
      }),
    );
  });

  it('forks a stream by its label alone, whatever was drawn or forked before', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.nat(100), fc.string(), (seed, label, drawn, other) => {
        const used = SeededRandom.of(seed);
        draws(used, drawn);
        used.fork(other);
        assert.deepEqual(draws(used.fork(label)), draws(SeededRandom.of(seed).fork(label)));
      }),
    );
  });

  it('has streams that differ by label, also where labels run together', () => {
    const root = SeededRandom.of(1);
    assert.notDeepEqual(draws(root.fork('ab').fork('c')), draws(root.fork('a').fork('bc')));
    assert.notDeepEqual(draws(root.fork('')), draws(root));
  });

  it('is even over its range', () => {
    const random = SeededRandom.of(2);
    const counts = new Array<number>(16).fill(0);
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const value = random.below(16);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) assert.ok(Math.abs(count - DRAWS / 16) < 400, String(count));
  });

  it('draws nothing for a chance of 0, and is always lucky with 1', () => {
    const random = SeededRandom.of(3);
    const untouched = SeededRandom.of(3);
    assert.equal(random.isLucky(0), false);
    assert.equal(random.word(), untouched.word());
    assert.equal(random.isLucky(1), true);
  });

  it('has a normal distribution of mean 0 and deviation 1', () => {
    const random = SeededRandom.of(4);
    const values = Array.from({ length: DRAWS }, () => random.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS;
    assert.ok(Math.abs(mean) < 0.02);
    assert.ok(Math.abs(variance - 1) < 0.03);
  });
});
