// The tables of the documentation that show the results of `npm run bench -- --web`.

import { WEB_GROUPS } from './chart.js';
import type { Result } from './report.js';

const NOTHING = '–';
const HEAD = ['program', 'plain Node', 'the hook', 'its p99', 'explicit', 'Bun'];

const times = (ratio: number | undefined): string =>
  ratio === undefined ? NOTHING : `${ratio.toFixed(1)} ×`;

/**
 * Returns the rows: requests a second on plain Node; for the others, requests for the same CPU time, as a
 * multiple of plain Node's; and the hook's 99th percentile of the latency, likewise.
 */
export function webTableRows(results: readonly Result[]): string[][] {
  const rows = WEB_GROUPS.flatMap(({ workload, label }) => {
    const of = (name: string): Result | undefined =>
      results.find((result) => result.workload === workload && result.contestant === name);
    const gain = (name: string): string => {
      const ratios = of(name)?.ratios;
      return times(ratios === undefined ? undefined : 1 / ratios.cpu);
    };
    const node = of('node');
    if (node === undefined) return [];
    const rate = `${Math.round(node.summary.perSecond / 100) / 10} k`;
    return [[label, rate, gain('hook'), times(of('hook')?.ratios?.p99), gain('explicit'), gain('bun')]];
  });
  return [HEAD, ...rows];
}

/**
 * Returns a row of programs and one of the CPU time of a request under the hook, as a multiple of plain
 * Node's: the least first.
 */
export function hookCpuRows(results: readonly Result[]): string[][] {
  const hook = results.filter(({ contestant }) => contestant === 'hook');
  const shown = WEB_GROUPS.flatMap(({ workload, label }) => {
    const cpu = hook.find((result) => result.workload === workload)?.ratios?.cpu;
    return cpu === undefined ? [] : [{ label, cpu }];
  }).sort((one, other) => one.cpu - other.cpu);
  return [shown.map(({ label }) => label), shown.map(({ cpu }) => cpu.toFixed(2))];
}
