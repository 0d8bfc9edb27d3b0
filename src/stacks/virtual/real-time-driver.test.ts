import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SteppedClock } from '../../support/stepped-clock.js';
import { MOST_STEPS_OF_A_RUN, RealTimeDriver } from './real-time-driver.js';

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A host with a timer, and a stack with pieces of work. */
class Bed {
  readonly clock = new SteppedClock();
  readonly driver = new RealTimeDriver(this.clock);
  readonly log: string[] = [];
  deadlineMs = Number.POSITIVE_INFINITY;
  work: (() => void)[] = [];
  frames = 0;

  begin(): void {
    const host = {
      advance: (nowMs: number): void => {
        if (nowMs < this.deadlineMs) return;
        this.deadlineMs = Number.POSITIVE_INFINITY;
        this.log.push('timer');
      },
      nextDeadlineMs: () => this.deadlineMs,
      hasWork: false,
      work: (): void => {
        this.frames -= 1;
        this.log.push('frame');
      },
    };
    Object.defineProperty(host, 'hasWork', { get: () => this.frames > 0 });
    const stack = {
      step: (): boolean => {
        const job = this.work.shift();
        job?.();
        return job !== undefined;
      },
    };
    this.driver.begin({ host, stack, flush: () => this.log.push('flush') });
  }
}

describe('a driver in the time of the machine', () => {
  it('runs the stack later, once for all calls of wake', async () => {
    const bed = new Bed();
    bed.begin();
    bed.work.push(() => bed.log.push('step'));
    bed.driver.wake();
    bed.driver.wake();
    assert.deepEqual(bed.log, []);
    await nextTurn();
    assert.deepEqual(bed.log, ['step', 'flush']);
  });

  it('takes the frames of the loopback when the stack has nothing to do, then sends', async () => {
    const bed = new Bed();
    bed.begin();
    bed.frames = 2;
    bed.work.push(() => bed.log.push('step'));
    await nextTurn();
    assert.deepEqual(bed.log, ['step', 'frame', 'frame', 'flush']);
  });

  it('fires the timers of the host when they are due, also one that moved to an earlier time', async () => {
    const bed = new Bed();
    bed.begin();
    bed.deadlineMs = bed.clock.nowMs() + 100;
    await nextTurn();
    bed.deadlineMs = bed.clock.nowMs() + 10;
    bed.driver.run();
    bed.log.length = 0;
    bed.clock.advance(9);
    assert.deepEqual(bed.log, []);
    bed.clock.advance(1);
    assert.deepEqual(bed.log, ['timer', 'flush']);
    assert.equal(bed.clock.alarms, 0);
  });

  it('finds nothing due when a timer has moved to a later time, and waits for that', async () => {
    const bed = new Bed();
    bed.begin();
    bed.deadlineMs = bed.clock.nowMs() + 10;
    await nextTurn();
    bed.deadlineMs += 40;
    bed.log.length = 0;
    bed.clock.advance(49);
    assert.deepEqual(bed.log, ['flush']);
    bed.clock.advance(1);
    assert.deepEqual(bed.log, ['flush', 'timer', 'flush']);
  });

  it('sends and goes on with the rest after a handler has thrown', async () => {
    const bed = new Bed();
    bed.begin();
    await nextTurn();
    bed.log.length = 0;
    bed.work.push(
      () => {
        throw new Error('of the handler');
      },
      () => bed.log.push('rest'),
    );
    assert.throws(() => bed.driver.run(), /of the handler/);
    assert.deepEqual(bed.log, ['flush']);
    await nextTurn();
    assert.deepEqual(bed.log, ['flush', 'rest', 'flush']);
  });

  it('gives I/O its turn after the most steps of a run, and not after one less', async () => {
    const bed = new Bed();
    bed.begin();
    await nextTurn();
    const play = (steps: number): number => {
      bed.work = Array.from({ length: steps }, () => () => undefined);
      bed.driver.run();
      return bed.work.length;
    };
    assert.equal(play(MOST_STEPS_OF_A_RUN - 1), 0);
    assert.equal(play(MOST_STEPS_OF_A_RUN + 1), 1);
    await nextTurn();
    assert.equal(bed.work.length, 0);
  });

  it('is harmless from inside of a handler', async () => {
    const bed = new Bed();
    bed.begin();
    bed.work.push(
      () => {
        bed.driver.run();
        bed.driver.wake();
        bed.log.push('first');
      },
      () => bed.log.push('second'),
    );
    await nextTurn();
    await nextTurn();
    assert.deepEqual(bed.log, ['first', 'second', 'flush']);
  });
});
