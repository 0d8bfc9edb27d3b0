/**
 * Fake timers in a test of a program that uses the library, installed after the library was loaded: sockets
 * continue, by the machine's time.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';

const PROGRAM = fileURLToPath(new URL('programs/fake-timers.js', import.meta.url));
const { reason } = loadAddon();

/** `process.nextTick` is not faked for the stack `node`: Node's own streams need it. */
const FAKES = {
  kernel: ['node:test', 'everything', 'everything but nextTick'],
  node: ['node:test', 'everything but nextTick'],
} as const;

const TOLD = ['ack', 'echo', 'poll', 'rx timeout', 'error -3', 'error -14'];

for (const [stack, why] of [
  ['kernel', reason],
  ['node', undefined],
] as const) {
  describe(`on the stack ${stack} sockets go on under fake timers`, { skip: why ?? false }, () => {
    for (const fake of FAKES[stack]) {
      it(`of ${fake}`, () => {
        const printed = execFileSync(process.execPath, ['--no-warnings', PROGRAM, stack, fake], {
          encoding: 'utf8',
        });
        assert.deepEqual(printed.split('\n'), TOLD);
      });
    }
  });
}
