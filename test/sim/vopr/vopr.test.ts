/** Random networks, programs and faults: a few of them, and those whose seeds have found something. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS, inForm } from '../../support/form.js';
import { Census } from './census.js';
import { FOUND } from './found.js';
import { play } from './vopr.js';

const FIRST_SEED = 1;
const RUNS = inForm({ short: 4, long: 200 });

describe('a random network', { timeout: HANGS_MS }, () => {
  /** Hash of the packets of the first run. */
  let hash = '';

  it('loses and alters no byte, keeps the contract, and comes to rest after the faults', async (test) => {
    const total = new Census();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      const { census, failure, hash: packets } = await play(seed);
      if (seed === FIRST_SEED) hash = packets;
      if (failure !== undefined) assert.fail(`npm run sim -- --seed ${seed}\n${failure.message}`);
      total.add(census);
    }
    assert.deepEqual([total.bytesLost, total.bytesAltered], [0, 0]);
    assert.ok(total.bytesChecked > 0 && total.faultsPlayed > 0, 'something was sent, and disturbed');
    test.diagnostic(`${total.faultsPlayed} faults, ${total.bytesChecked} bytes`);
  });

  it('plays the same packets again from its seed', async () => {
    const again = await play(FIRST_SEED);
    assert.equal(again.hash, hash);
  });

  for (const { seed, what } of FOUND) {
    it(`of seed ${seed}: ${what}`, async () => {
      const { failure } = await play(seed);
      assert.equal(failure?.message, undefined);
    });
  }
});
