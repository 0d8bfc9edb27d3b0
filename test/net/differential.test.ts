/**
 * Random programs for one connection, on node:net's own socket and on one of `asynctcp/net`: fast-check makes
 * them, both play them, and both must have seen the same.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadAddon } from '#src/addon/load-addon.js';
import { compare } from './compare.js';
import { programs } from './program.js';
import { worlds } from './worlds.js';

/** Number of programs on each stack; `NET_RUNS` sets another one. */
const RUNS = Number(process.env['NET_RUNS'] ?? 200);
/** The short form has the same programs each time; `NET_SEED` chooses others. */
const SEED = Number(process.env['NET_SEED'] ?? 7);

const { addon, reason } = loadAddon();

describe('random programs', () => {
  for (const world of worlds) {
    it(
      `look on ${world.name} as on node:net, ${RUNS} of them`,
      { skip: addon === undefined && world.needsAddon ? reason : false },
      async (test) => {
        let more = 0;
        await fc.assert(
          fc.asyncProperty(programs, async (program) => {
            const { attempts, difference } = await compare(world, program);
            more += attempts - 1;
            assert.equal(difference, undefined, difference);
          }),
          { numRuns: RUNS, seed: SEED, includeErrorInReport: true },
        );
        test.diagnostic(`${more} programs were played again because events crossed`);
      },
    );
  }
});
