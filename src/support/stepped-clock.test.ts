import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SteppedClock } from './stepped-clock.js';

describe('a stepped clock', () => {
  it('wakes the alarms on the way in the order of their times, each at its time', () => {
    const clock = new SteppedClock();
    const startMs = clock.nowMs();
    const log: string[] = [];
    const alarm = (name: string, inMs: number): void => {
      clock.setAlarm(startMs + inMs, () => log.push(`${name} at ${clock.nowMs() - startMs}`));
    };
    alarm('c', 20);
    alarm('a', 10);
    alarm('b', 10);
    alarm('late', 31);
    clock.setAlarm(startMs + 5, () => assert.fail('it was cancelled')).cancel();
    assert.deepEqual([clock.alarms, clock.nextMs(), clock.isDue()], [4, startMs + 10, false]);
    clock.advance(30);
    assert.deepEqual(log, ['a at 10', 'b at 10', 'c at 20']);
    assert.equal(clock.nowMs(), startMs + 30);
    clock.advanceTo(startMs);
    assert.equal(clock.nowMs(), startMs + 30, 'it never goes back');
    clock.stall(100);
    assert.equal(log.at(-1), 'late at 130');
    assert.equal(clock.nextMs(), undefined);
  });

  it('is due when an alarm is set for the present time, and wakes it without a step', () => {
    const clock = new SteppedClock();
    let woken = 0;
    clock.setAlarm(clock.nowMs(), () => (woken += 1));
    assert.deepEqual([clock.isDue(), woken], [true, 0]);
    clock.advance(0);
    assert.deepEqual([clock.isDue(), woken], [false, 1]);
  });

  it('refuses a step that is no time, and changes nothing', () => {
    const clock = new SteppedClock();
    const startMs = clock.nowMs();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => clock.advance(ms), /^RangeError: ms must be a number of at least 0, not /);
      assert.throws(() => clock.stall(ms), RangeError);
    }
    assert.equal(clock.nowMs(), startMs);
  });
});
