/** Many copies of the library in one thread leave no more behind than one copy. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { HANGS_MS } from './programs/inline.js';

const PROGRAM = fileURLToPath(new URL('programs/copies.js', import.meta.url));
const COPIES = 30;
const { reason } = loadAddon();

interface Holds {
  readonly threads: number;
  readonly descriptors: number;
  /** Copies whose program was notified of the watchdog's bite in another copy. */
  readonly bitten: readonly number[];
}

function holdsOf(way: string, count: number, stack: string): Holds {
  const words = ['--no-warnings', '--experimental-vm-modules', PROGRAM, way, String(count)];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    timeout: HANGS_MS,
    env: { ...process.env, CONFIG_ASYNC_TCP_STACK: stack },
  });
  assert.equal(status, 0, stderr);
  // The report uses the hooks of the blocked copy.
  assert.match(stderr, /^ {2}client {3}127\.0\.0\.1:[0-9]+ .* Established/m);
  return JSON.parse(stdout) as Holds;
}

const WAYS = { query: 'modules of their own', context: 'contexts of their own, as Jest has them' };

for (const [stack, why] of [
  ['kernel', process.platform === 'linux' ? reason : 'the process is asked by /proc'],
  ['node', process.platform === 'linux' ? undefined : 'the process is asked by /proc'],
] as const) {
  describe(`${COPIES} copies on the stack ${stack}`, { skip: why ?? false }, () => {
    for (const [way, words] of Object.entries(WAYS)) {
      it(
        `with ${words} have the threads of one, and all of them are watched and notified`,
        { timeout: HANGS_MS },
        () => {
          const one = holdsOf(way, 1, stack);
          const many = holdsOf(way, COPIES, stack);
          assert.deepEqual(one.bitten, [0]);
          assert.deepEqual(
            [...many.bitten].sort((a, b) => a - b),
            [...Array(COPIES).keys()],
          );
          assert.equal(many.threads, one.threads);
          assert.equal(many.descriptors, one.descriptors);
        },
      );
    }
  });
}
