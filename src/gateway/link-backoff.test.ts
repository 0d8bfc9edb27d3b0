import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../support/random.js';
import { backoffMs, type BackoffSettings } from './link-backoff.js';

const settings = fc
  .record({
    firstMs: fc.integer({ min: 1, max: 10_000 }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    more: fc.integer({ min: 0, max: 1_000_000 }),
  })
  .map(({ firstMs, factor, more }) => ({ firstMs, factor, capMs: firstMs + more, jitter: 'full' as const }));

describe('the backoff', () => {
  it('is within the longest delay, which grows by the factor up to the cap', () => {
    const failures = fc.integer({ min: 1, max: 1_000_000 });
    const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(settings, failures, share, (backoff, count, chance) => {
        const { firstMs, factor, capMs } = backoff;
        const longestMs = backoffMs({ ...backoff, jitter: 'none' }, count, systemRandom);
        assert.equal(longestMs, Math.min(capMs, firstMs * factor ** (count - 1)));
        const delayMs = backoffMs(backoff, count, () => chance);
        assert.ok(delayMs >= 0 && delayMs < longestMs, `${delayMs} of ${longestMs} ms`);
        const nextMs = backoffMs({ ...backoff, jitter: 'none' }, count + 1, systemRandom);
        assert.ok(nextMs >= longestMs && nextMs <= capMs);
      }),
    );
  });

  it('has every delay alike with full jitter', () => {
    const DRAWS = 20_000;
    const BINS = 10;
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 20 }), fc.integer(), (backoff, count, seed) => {
        const random = seeded(seed);
        const longestMs = backoffMs({ ...backoff, jitter: 'none' }, count, random);
        const bins = new Array<number>(BINS).fill(0);
        for (let draw = 0; draw < DRAWS; draw += 1) {
          const bin = Math.floor((backoffMs(backoff, count, random) / longestMs) * BINS);
          bins[bin] = (bins[bin] ?? 0) + 1;
        }
        // χ² with nine degrees of freedom is below 45 but for one case in a million.
        const expected = DRAWS / BINS;
        const chiSquare = bins.reduce((sum, bin) => sum + (bin - expected) ** 2 / expected, 0);
        assert.ok(chiSquare < 45, `χ² ${chiSquare}: ${bins.join()}`);
      }),
      { numRuns: 20 },
    );
  });

  it('takes the longest delay for a random number out of its range', () => {
    const backoff: BackoffSettings = { firstMs: 8, factor: 2, capMs: 100, jitter: 'full' };
    for (const share of [-0.1, 1, 2, Number.NaN])
      assert.equal(
        backoffMs(backoff, 1, () => share),
        8,
      );
  });
});

/** A small generator of random numbers (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
