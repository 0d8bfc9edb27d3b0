import assert from 'node:assert/strict';
import { it } from 'node:test';

import { scaleTableRows } from './scale-table.js';

it('shows a row for each path and contestant, and a dash without HAProxy', () => {
  const row = { path: 'work', contestant: 'one thread', perSecond: 2792.4, p50Us: 22_600, p99Us: 840 };
  const report = { date: '', machine: '', connections: 1, rounds: 1, seconds: 1 };
  const rows = [
    { ...row, serverUs: 360.4, proxyUs: 0 },
    { ...row, serverUs: 13.84, proxyUs: 17 },
  ];
  const [, ...shown] = scaleTableRows({ ...report, rows });
  assert.deepEqual(shown, [
    ['`/work`', 'one thread', '2,792', '22.6 ms', '0.840 ms', '360 µs', '–'],
    ['`/work`', 'one thread', '2,792', '22.6 ms', '0.840 ms', '13.8 µs', '17.0 µs'],
  ]);
});
