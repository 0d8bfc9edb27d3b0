/** The Python of scripts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailedAssertion, Python } from './python.js';
import { UnknownLine } from './tokens.js';

const FIGURES: Readonly<Record<string, number>> = { tcpi_a: 5, tcpi_b: 7 };

function run(code: string, python = new Python()): string[] {
  return python.run(code, 1, (name) => FIGURES[name]);
}

describe('the Python of scripts', () => {
  for (const code of [
    'assert tcpi_a == 5, tcpi_a',
    "assert 4 <= tcpi_a <= 6, 'a is %d' % tcpi_a",
    'assert (tcpi_a & 4) != 0',
    'assert tcpi_a + 2 * 3 == 11 and not tcpi_a > tcpi_b',
    'assert tcpi_a == 1 or tcpi_b // 2 == 3',
    'assert -tcpi_a % 3 == 1',
    'x = 0x10\nassert x == 16; assert x != 17 # a comment',
    'assert tcpi_a == \\\n  5',
    'print(tcpi_a)',
  ]) {
    it(`holds: ${JSON.stringify(code)}`, () => {
      assert.deepEqual(run(code), []);
    });
  }

  for (const code of [
    'assert tcpi_a == 6',
    'assert 1 < tcpi_a < 5',
    'assert not tcpi_a',
    'x = 1\nassert x > 1, x',
  ]) {
    it(`fails: ${JSON.stringify(code)}`, () => {
      assert.throws(() => run(code), FailedAssertion);
    });
  }

  it('keeps names from one piece of code to the next', () => {
    const python = new Python();
    run('cwnd = 10', python);
    run('cwnd += 2', python);
    assert.deepEqual(run('assert cwnd == 12', python), []);
  });

  it('names the figures that it does not have', () => {
    assert.deepEqual(run('assert tcpi_a == 5\nassert tcpi_none == 1'), ['tcpi_none']);
  });

  it('refuses what it does not understand', () => {
    assert.throws(() => run('import os'), UnknownLine);
    assert.throws(() => run('assert tcpi_a ?? 1'), UnknownLine);
  });
});
