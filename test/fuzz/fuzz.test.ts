/**
 * The short form of the fuzzer, with another seed each time; `npm run test:fuzz -- --seconds 600` is a long
 * one.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start } from '../e2e/programs.js';
import { unlessAddonLoads } from '../native/require-addon.js';

const PROGRAM = fileURLToPath(new URL('fuzz-program.js', import.meta.url));
const SECONDS = 10;
const HANGS_MS = 240_000;

it(
  'random programs and random peers lose, change and finish nothing',
  { skip: unlessAddonLoads(), timeout: HANGS_MS },
  async (test) => {
    const seed = randomInt(2 ** 31);
    const words = ['--enable-source-maps', '--expose-gc', PROGRAM];
    const program = start(test, process.execPath, [
      ...words,
      '--seconds',
      String(SECONDS),
      '--seed',
      String(seed),
    ]);
    const { status } = await program.ended;
    assert.equal(status, 0, `first seed ${seed}: ${program.stderr.text}`);
    test.diagnostic(program.stdout.text.trim());
  },
);
