/** Runs in engines that cannot run ticks between two callbacks, and in those that have no immediates. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./engine-program.js', import.meta.url));

/** Runs the program in an engine that lacks what `without` deletes. Returns its lines. */
function linesOf(without: string): string[] {
  const taken = `data:text/javascript,${encodeURIComponent(without)}`;
  const output = execFileSync(process.execPath, ['--import', taken, PROGRAM], { encoding: 'utf8' });
  return output.trim().split('\n');
}

describe('a run', () => {
  const ordinary = linesOf('');

  it('has all ticks and microtasks of a handler before the next one, at the same times', () => {
    assert.deepEqual(ordinary, [
      '0 listens',
      '20 connected, tick',
      '40 heard one, microtask',
      '60 heard two, microtask',
      'ends at 100',
    ]);
  });

  const noTicks = 'process._tickCallback = undefined; delete globalThis.Deno;';

  it('is the same without a way to run ticks, by immediates', () => {
    assert.deepEqual(linesOf(noTicks), ordinary);
  });

  it('is the same without immediates, by messages', () => {
    assert.deepEqual(linesOf(`${noTicks} delete globalThis.setImmediate;`), ordinary);
  });
});
