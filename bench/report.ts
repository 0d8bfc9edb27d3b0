// The Markdown table, and the one line below it.

import { markdownTable } from 'markdown-table';

import type { Contestant } from './contestants.js';
import type { Rounds } from './measure.js';
import { compare, type Ratios, summarize, type Summary } from './statistics.js';
import type { Workload } from './workloads.js';

/** One row: a contestant in a workload. The reference has no ratios. */
export interface Result {
  readonly workload: string;
  readonly contestant: string;
  readonly summary: Summary;
  readonly ratios: Ratios | undefined;
}

const HEADER = [
  'workload',
  'contestant',
  'messages/s',
  'spread',
  'busy',
  'CPU µs/message',
  'user',
  'system',
  'p50 µs',
  'p99 µs',
  'messages/s ratio',
  'CPU ratio',
];

/** The first contestant is the reference. */
export function resultsOf(workload: Workload, contestants: readonly Contestant[], rounds: Rounds): Result[] {
  const [plain = []] = rounds;
  return contestants.map((contestant, index) => {
    const ours = rounds[index] ?? [];
    return {
      workload: workload.name,
      contestant: contestant.name,
      summary: summarize(ours),
      ratios: index === 0 ? undefined : compare(ours, plain),
    };
  });
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

function rowOf({ workload, contestant, summary, ratios }: Result): string[] {
  const { median, spread } = summary;
  return [
    workload,
    contestant,
    median.messagesPerSecond.toFixed(0),
    percent(spread),
    percent(median.busy),
    median.cpuUs.toFixed(2),
    median.userUs.toFixed(2),
    median.systemUs.toFixed(2),
    median.p50Us.toFixed(0),
    median.p99Us.toFixed(0),
    ratios?.messages.toFixed(3) ?? '',
    ratios?.cpu.toFixed(3) ?? '',
  ];
}

export function tableOf(results: readonly Result[]): string {
  const align = HEADER.map((_, column) => (column < 2 ? 'l' : 'r'));
  return markdownTable([HEADER, ...results.map(rowOf)], { align });
}

export function lowestRatioLine(results: readonly Result[]): string {
  const ratios = results.flatMap(({ workload, contestant, ratios: both }) => {
    if (both === undefined) return [];
    return [
      { value: both.messages, what: 'messages/s', workload, contestant },
      { value: both.cpu, what: 'CPU', workload, contestant },
    ];
  });
  const [lowest] = ratios.toSorted((a, b) => a.value - b.value);
  if (lowest === undefined) return 'Lowest ratio: none';
  const { value, what, workload, contestant } = lowest;
  return `Lowest ratio: ${value.toFixed(3)} (${what}, ${workload}, ${contestant})`;
}
