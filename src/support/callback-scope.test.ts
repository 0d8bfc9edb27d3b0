import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  enterCallback,
  gather,
  holdBack,
  isInCallback,
  leaveCallback,
  areTicksDue,
  beginTurn,
  callbackMark,
  canRunTicks,
  currentTurn,
  flushForExit,
  flushGathered,
  holdTicks,
  runTicks,
  setTickRunner,
  ticksCaused,
} from './callback-scope.js';

const left: string[] = [];
const first = (): void => void left.push('first');
const second = (): void => void left.push('second');

afterEach(() => {
  leaveCallback();
  left.length = 0;
});

it('what was gathered leaves once, when the callback returns', () => {
  enterCallback();
  assert.equal(isInCallback(), true);
  gather(first);
  gather(first);
  assert.deepEqual(left, []);
  leaveCallback();
  assert.deepEqual(left, ['first']);
  assert.equal(isInCallback(), false);
  leaveCallback();
  assert.deepEqual(left, ['first']);
});

it('what one party gathered leaves before another one gathers', () => {
  enterCallback();
  gather(first);
  gather(second);
  assert.deepEqual(left, ['first']);
  gather(first);
  assert.deepEqual(left, ['first', 'second']);
  leaveCallback();
  assert.deepEqual(left, ['first', 'second', 'first']);
});

it('what was gathered for a turn waits until the turn is over, also when a callback returns', () => {
  enterCallback();
  gather(first, true);
  leaveCallback();
  assert.deepEqual(left, []);
  flushGathered();
  assert.deepEqual(left, ['first']);
});

it('a write that leaves with its callback takes along what was gathered for the turn', () => {
  enterCallback();
  gather(first, true);
  leaveCallback();
  enterCallback();
  gather(first);
  leaveCallback();
  assert.deepEqual(left, ['first']);
  // The next turn waits again.
  enterCallback();
  gather(first, true);
  leaveCallback();
  assert.deepEqual(left, ['first']);
  flushGathered();
});

it('what was gathered leaves when it is asked for, and not again at the end', () => {
  enterCallback();
  gather(first);
  flushGathered();
  flushGathered();
  assert.deepEqual(left, ['first']);
  leaveCallback();
  assert.deepEqual(left, ['first']);
});

it('a party that gathers while it leaves has its turn again', () => {
  let rounds = 0;
  const again = (): void => {
    rounds += 1;
    if (rounds < 3) gather(again);
  };
  enterCallback();
  gather(again);
  flushGathered();
  assert.equal(rounds, 1);
  flushGathered();
  assert.equal(rounds, 2);
  leaveCallback();
  assert.equal(rounds, 3);
});

it('what is held back leaves once: with its job, or before the process exits', () => {
  const jobs: (() => void)[] = [];
  const stack = { post: (job: () => void): void => void jobs.push(job) };
  holdBack(stack, first);
  jobs.pop()?.();
  assert.deepEqual(left, ['first']);
  holdBack(stack, second);
  holdBack(stack, first);
  enterCallback();
  flushForExit();
  assert.deepEqual(left, ['first', 'second', 'first']);
  for (const job of jobs) job();
  assert.deepEqual(left, ['first', 'second', 'first']);
});

it('a callback in which the process exits does not return: nothing is gathered any more', () => {
  enterCallback();
  gather(first);
  flushForExit();
  assert.deepEqual([left, isInCallback()], [['first'], false]);
});

describe('ticks', () => {
  let ran = 0;

  beforeEach(() => {
    ran = 0;
    setTickRunner(() => (ran += 1));
    runTicks();
    ran = 0;
  });

  afterEach(() => {
    setTickRunner(undefined);
  });

  it('are due from the end of a callback until they are run, once', () => {
    assert.equal(areTicksDue(), false);
    enterCallback();
    assert.equal(areTicksDue(), false);
    leaveCallback();
    assert.equal(areTicksDue(), true);
    runTicks();
    runTicks();
    assert.deepEqual([areTicksDue(), ran], [false, 1]);
  });

  it('are due as well after an event that has settled a promise of the program', () => {
    ticksCaused();
    assert.equal(areTicksDue(), true);
    runTicks();
    assert.equal(ran, 1);
  });

  it('stay due while they are held', () => {
    ticksCaused();
    holdTicks(true);
    runTicks();
    // A loop inside of the first one begins and ends.
    holdTicks(true);
    holdTicks(false);
    runTicks();
    assert.deepEqual([areTicksDue(), ran], [true, 0]);
    holdTicks(false);
    runTicks();
    assert.deepEqual([areTicksDue(), ran], [false, 1]);
  });

  it('cannot be run without a runner: they count as run, because the runtime has to have its turn', () => {
    assert.equal(canRunTicks(), true);
    setTickRunner(undefined);
    assert.equal(canRunTicks(), false);
    ticksCaused();
    runTicks();
    assert.deepEqual([areTicksDue(), ran], [false, 0]);
  });
});

it('the mark of the callbacks changes with each of them, and with nothing else', () => {
  const before = callbackMark();
  enterCallback();
  assert.equal(callbackMark(), before);
  leaveCallback();
  const after = callbackMark();
  assert.notEqual(after, before);
  runTicks();
  beginTurn();
  assert.equal(callbackMark(), after);
  ticksCaused();
  assert.notEqual(callbackMark(), after);
});

it('a turn of a loop has a number of its own', () => {
  const before = currentTurn();
  enterCallback();
  leaveCallback();
  assert.equal(currentTurn(), before);
  beginTurn();
  assert.notEqual(currentTurn(), before);
});
