import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Clock } from '../support/clock.js';
import { CallbackKind, CALLBACK_NAMES } from './callback-kind.js';
import { CallbackMeter } from './callback-meter.js';

/** A clock whose hands the test moves. */
class Hands implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
  setAlarm(): never {
    throw new Error('a meter sets no alarm');
  }
}

it('counts callbacks by kind, with the longest and the slow ones', () => {
  const clock = new Hands();
  const meter = new CallbackMeter(clock, 100);
  const took = (kind: CallbackKind, ms: number): void => {
    meter.began();
    clock.ms += ms;
    meter.ended(kind);
  };
  for (const ms of [1, 100, 250, 7]) took(CallbackKind.DATA, ms);
  took(CallbackKind.DISCONNECT, 101);
  const figures = meter.figures();
  assert.deepEqual(figures.onData, { count: 4, longestMs: 250, slow: 1 });
  assert.deepEqual(figures.onDisconnect, { count: 1, longestMs: 101, slow: 1 });
  assert.deepEqual(figures.onClient, { count: 0, longestMs: 0, slow: 0 });
  assert.deepEqual(Object.keys(figures), [...CALLBACK_NAMES]);
});
