import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Clock } from '../support/clock.js';
import { LiveLine } from './live-line.js';

const CLEAR = '\r\x1b[2K';

/** Keeps what is written, and one alarm at a time. */
class Bench implements Clock {
  readonly written: string[] = [];
  columns = 80;
  ms = 5000;
  wake: (() => void) | undefined;
  atMs = 0;

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  nowMs(): number {
    return this.ms;
  }

  setAlarm(atMs: number, wake: () => void): { cancel: () => void } {
    this.atMs = atMs;
    this.wake = wake;
    return { cancel: () => (this.wake = undefined) };
  }
}

it('the live line is drawn at once and then once a second, with the time that passed', () => {
  const bench = new Bench();
  new LiveLine(bench, (elapsedMs) => `${elapsedMs} ms`, bench);
  assert.equal(bench.atMs, 6000);
  bench.ms = 6100;
  bench.wake?.();
  assert.equal(bench.atMs, 7100);
  assert.deepEqual(bench.written, [`${CLEAR}0 ms\r`, `${CLEAR}1100 ms\r`]);
});

it('the live line leaves the last column free, on a terminal of any width', () => {
  const bench = new Bench();
  bench.columns = 5;
  new LiveLine(bench, () => '123456789', bench);
  bench.columns = 0;
  bench.wake?.();
  assert.deepEqual(bench.written, [`${CLEAR}1234\r`, `${CLEAR}123456789\r`]);
});

it('the live line ends with an empty line and no alarm', () => {
  const bench = new Bench();
  const line = new LiveLine(bench, () => 'text', bench);
  line.end();
  assert.equal(bench.written.at(-1), CLEAR);
  assert.equal(bench.wake, undefined);
});
