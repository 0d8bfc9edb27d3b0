import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Contestant } from './contestants.js';
import { costLines, resultsOf, tablesOf } from './report.js';
import type { Round } from './round.js';
import type { Workload } from './workloads.js';

const contestant = (name: string, reference: string): Contestant => ({
  name,
  runtime: 'c',
  program: 'none',
  args: [],
  reference,
});

const workload: Workload = {
  name: 'bulk-send',
  inQuick: true,
  inFull: true,
  server: 'send',
  load: { mode: 'receive', connections: 1, messageBytes: 1 },
  unit: 'MiB',
  idle: 0,
};

const round = (perSecond: number, cpuUs: number): Round => ({
  perSecond,
  cpuUs,
  userTicks: 1,
  systemTicks: 1,
  busy: 1,
  loadBusy: 1,
  p50Us: undefined,
  p99Us: undefined,
  maxUs: undefined,
  idle: undefined,
});

describe('resultsOf', () => {
  it('takes ratios to the named reference, wherever it stands', () => {
    const pair = [contestant('a', 'a'), contestant('b', 'b'), contestant('b+', 'b')];
    const [first, second, third] = resultsOf(workload, pair, [[round(1, 1)], [round(2, 4)], [round(4, 2)]]);
    assert.equal(first?.ratios, undefined);
    assert.equal(second?.ratios, undefined);
    assert.deepEqual(third?.ratios, { perSecond: 2, cpu: 0.5, p99: undefined, moreCpuUs: -2 });
  });

  it('takes them to the first where the reference does not take part', () => {
    const some = [contestant('b', 'a'), contestant('c', 'a')];
    const [first, second] = resultsOf(workload, some, [[round(2, 1)], [round(1, 1)]]);
    assert.equal(first?.ratios, undefined);
    assert.deepEqual([second?.reference, second?.ratios?.perSecond], ['b', 0.5]);
  });
});

describe('tablesOf', () => {
  const both = [contestant('a', 'a'), contestant('b', 'a')];
  const results = resultsOf(workload, both, [[round(1024, 1)], [round(2048, 2)]]);

  it('shows MiB a second in GiB, and no latency where there is none', () => {
    const table = tablesOf(results);
    assert.match(table, /\| b +\| +2\.00 \|/);
    assert.doesNotMatch(table, /p99/);
  });

  it('says what the ratios are to', () => assert.match(tablesOf(results), /Ratios are to a\.$/));

  it('takes the ratio of latencies round by round', () => {
    const requests: Workload = { ...workload, name: 'http-50c', unit: 'request' };
    const of = (p99Us: number): Round => ({ ...round(1, 1), p99Us });
    const rows = resultsOf(requests, both, [
      [of(100), of(400), of(100)],
      [of(50), of(200), of(90)],
    ]);
    assert.equal(rows[1]?.ratios?.p99, 0.5);
    assert.match(tablesOf(rows), /requests\/s .* p99 ratio/);
  });

  it('shows the difference in CPU time of a pair', () => {
    assert.equal(costLines(results), 'bulk-send: b less a: +1.000 µs of CPU time a MiB');
  });
});
