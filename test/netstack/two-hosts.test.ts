/** Streams between two hosts of all profiles arrive whole, once and in order, whatever the path does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ProfileName } from '#src/netstack/profile.js';
import { playSeed } from './two-hosts.js';

const RUNS = 150;
const NAMES: readonly ProfileName[] = ['linux', 'lwip', 'esp32', 'arduino'];
const CALM = { loss: 0, duplication: 0, reordering: 0, jitterMs: 0, delayMs: 10 };

describe('two hosts', () => {
  it('deliver every stream through loss, doubles, reordering and stalls, and come to rest', () => {
    const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
    fc.assert(
      fc.property(seeds, (seed) => {
        playSeed(seed);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  for (const first of NAMES) {
    for (const second of NAMES) {
      it(`lose nothing between ${first} and ${second} on a path without faults`, () => {
        const world = playSeed(7, { profiles: [first, second], faults: CALM, mostBytes: 100_000 });
        assert.deepEqual(world.failures, []);
      });
    }
  }

  it('send the same packets for the same seed', () => {
    const [first, second] = [playSeed(11), playSeed(11)];
    assert.equal(first.packets, second.packets);
    assert.equal(first.nowMs, second.nowMs);
  });
});
