import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Result } from './report.js';
import { hookCpuRows, webTableRows } from './web-table.js';

const result = (contestant: string, ratios: Result['ratios']): Result => ({
  workload: 'http-50c',
  unit: 'request',
  contestant,
  reference: 'node',
  summary: {
    perSecond: 21_340,
    cpuUs: 44,
    userUs: 22,
    systemUs: 22,
    spread: 0,
    busy: 1,
    loadBusy: 0.5,
    p50Us: 1000,
    p99Us: 2000,
    maxUs: 3000,
    idle: undefined,
  },
  ratios,
});

it('shows less CPU time as more requests, and a contestant that was not measured as a dash', () => {
  const hook = result('hook', { perSecond: 2, cpu: 0.5, p99: 0.8, moreCpuUs: -22 });
  const [, ...rows] = webTableRows([result('node', undefined), hook]);
  assert.deepEqual(rows, [['http', '21.3 k', '2.0 ×', '0.8 ×', '–', '–']]);
});

it('leaves programs out that were not measured', () => assert.equal(webTableRows([]).length, 1));

it('shows the CPU time under the hook, the least first', () => {
  const slow = result('hook', { perSecond: 1, cpu: 0.876, p99: 1, moreCpuUs: 0 });
  const fast = { ...result('hook', { perSecond: 2, cpu: 0.5, p99: 1, moreCpuUs: 0 }), workload: 'ws-50c' };
  assert.deepEqual(hookCpuRows([slow, result('node', undefined), fast]), [
    ['ws echo', 'http'],
    ['0.50', '0.88'],
  ]);
});
