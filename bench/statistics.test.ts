import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { IdleRound, Round } from './round.js';
import { compare, median, summarize } from './statistics.js';

const round = (perSecond: number, cpuUs: number, rest: Partial<Round> = {}): Round => ({
  perSecond,
  cpuUs,
  userTicks: 1,
  systemTicks: 3,
  busy: 1,
  loadBusy: 0.5,
  p50Us: 10,
  p99Us: 20,
  maxUs: 30,
  idle: undefined,
  ...rest,
});

const idle = (rssBytes: number, heapBytes: number | undefined): IdleRound => ({
  aloneCpuUs: 1,
  opensPerSecond: 1,
  openCpuUs: 1,
  everyoneMs: 1,
  rssBytes,
  heapBytes,
});

describe('median', () => {
  it('is the middle value in any order', () => assert.equal(median([30, 1, 2]), 2));
  it('of an even number of values is the mean of the middle two', () =>
    assert.equal(median([9, 1, 2, 4]), 3));
  it('of nothing is an error and not a number', () => assert.throws(() => median([]), RangeError));
});

describe('summarize', () => {
  it('takes the median of each number by itself', () => {
    const { perSecond, cpuUs } = summarize([round(100, 3), round(300, 1), round(200, 2)]);
    assert.deepEqual({ perSecond, cpuUs }, { perSecond: 200, cpuUs: 2 });
  });

  it('gives the spread of the rates as a share of their median', () => {
    assert.equal(summarize([round(90, 1), round(100, 1), round(120, 1)]).spread, 0.3);
  });

  it('divides the CPU time by the ticks of all rounds together', () => {
    const rounds = [
      round(1, 8, { userTicks: 0, systemTicks: 1 }),
      round(1, 8, { userTicks: 2, systemTicks: 1 }),
    ];
    const { userUs, systemUs } = summarize(rounds);
    assert.deepEqual({ userUs, systemUs }, { userUs: 4, systemUs: 4 });
  });

  it('without a tick counts all as the kernel’s rather than as no number', () => {
    const { userUs, systemUs } = summarize([round(1, 8, { userTicks: 0, systemTicks: 0 })]);
    assert.deepEqual({ userUs, systemUs }, { userUs: 0, systemUs: 8 });
  });

  it('leaves out what was not measured', () => {
    const summary = summarize([round(1, 1, { p50Us: undefined, p99Us: undefined, maxUs: undefined })]);
    assert.equal(summary.p99Us, undefined);
    assert.equal(summary.idle, undefined);
  });

  it('takes the medians of what idle connections cost, of the heap only where it is known', () => {
    const known = summarize([1, 5, 2].map((bytes) => round(1, 1, { idle: idle(bytes, bytes * 10) })));
    assert.equal(known.idle?.rssBytes, 2);
    assert.equal(known.idle.heapBytes, 20);
    assert.equal(summarize([round(1, 1, { idle: idle(1, undefined) })]).idle?.heapBytes, undefined);
  });
});

describe('compare', () => {
  it('takes the median of each round’s own ratio, so that a slow moment of both cancels', () => {
    const ours = [round(200, 5), round(20, 50), round(210, 5)];
    const reference = [round(100, 10), round(10, 100), round(100, 10)];
    assert.deepEqual(compare(ours, reference), { perSecond: 2, cpu: 0.5, p99: 1, moreCpuUs: -5 });
  });

  it('leaves out a round without its partner', () => {
    assert.equal(compare([round(200, 1), round(900, 1)], [round(100, 1)]).perSecond, 2);
  });
});
