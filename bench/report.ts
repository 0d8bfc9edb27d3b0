// The Markdown tables: one for each unit of the workloads, and one for the cost of idle connections.

import { markdownTable } from 'markdown-table';

import type { Contestant } from './contestants.js';
import type { Rounds } from './measure.js';
import { compare, type Ratios, summarize, type Summary } from './statistics.js';
import type { Unit, Workload } from './workloads.js';

/** One row: a contestant in a workload. A reference has no ratios. */
export interface Result {
  readonly workload: string;
  readonly unit: Unit;
  readonly contestant: string;
  readonly reference: string;
  readonly summary: Summary;
  readonly ratios: Ratios | undefined;
}

/** Returns the rows of a workload. `rounds` are in the contestants' order. */
export function resultsOf(workload: Workload, contestants: readonly Contestant[], rounds: Rounds): Result[] {
  return contestants.map(({ name, reference }, index) => {
    const ours = rounds[index] ?? [];
    // If the reference does not take part, the first contestant is the reference.
    const position = Math.max(
      contestants.findIndex((contestant) => contestant.name === reference),
      0,
    );
    return {
      workload: workload.name,
      unit: workload.unit,
      contestant: name,
      reference: contestants[position]?.name ?? name,
      summary: summarize(ours),
      ratios: position === index ? undefined : compare(ours, rounds[position] ?? []),
    };
  });
}

interface Column {
  readonly title: string;
  readonly cell: (result: Result) => string;
}

const NOTHING = '–';

const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? NOTHING;
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

const MIB_PER_GIB = 1024;

const RATES: Readonly<Record<Unit, Column>> = {
  message: { title: 'messages/s', cell: ({ summary }) => fixed(summary.perSecond, 0) },
  request: { title: 'requests/s', cell: ({ summary }) => fixed(summary.perSecond, 0) },
  connection: { title: 'connections/s', cell: ({ summary }) => fixed(summary.perSecond, 0) },
  MiB: { title: 'GiB/s', cell: ({ summary }) => fixed(summary.perSecond / MIB_PER_GIB, 2) },
};

const NAMES: readonly Column[] = [
  { title: 'workload', cell: ({ workload }) => workload },
  { title: 'contestant', cell: ({ contestant }) => contestant },
];

const LATENCIES: readonly Column[] = [
  { title: 'p50 µs', cell: ({ summary }) => fixed(summary.p50Us, 0) },
  { title: 'p99 µs', cell: ({ summary }) => fixed(summary.p99Us, 0) },
];

function columnsFor(unit: Unit): readonly Column[] {
  const rate = RATES[unit];
  return [
    ...NAMES,
    rate,
    { title: 'spread', cell: ({ summary }) => percent(summary.spread) },
    { title: 'busy', cell: ({ summary }) => percent(summary.busy) },
    { title: 'load busy', cell: ({ summary }) => percent(summary.loadBusy) },
    { title: `CPU µs/${unit}`, cell: ({ summary }) => fixed(summary.cpuUs, 2) },
    { title: 'user', cell: ({ summary }) => fixed(summary.userUs, 2) },
    { title: 'system', cell: ({ summary }) => fixed(summary.systemUs, 2) },
    ...(unit === 'MiB' ? [] : LATENCIES),
    { title: `${rate.title} ratio`, cell: ({ ratios }) => fixed(ratios?.perSecond, 3) },
    { title: 'CPU ratio', cell: ({ ratios }) => fixed(ratios?.cpu, 3) },
    ...(unit === 'MiB' ? [] : [{ title: 'p99 ratio', cell: ({ ratios }: Result) => fixed(ratios?.p99, 3) }]),
  ];
}

const IDLE_COLUMNS: readonly Column[] = [
  ...NAMES,
  { title: 'CPU µs alone', cell: ({ summary }) => fixed(summary.idle?.aloneCpuUs, 2) },
  { title: 'among the idle', cell: ({ summary }) => fixed(summary.cpuUs, 2) },
  { title: 'RSS bytes/idle', cell: ({ summary }) => fixed(summary.idle?.rssBytes, 0) },
  { title: 'heap bytes/idle', cell: ({ summary }) => fixed(summary.idle?.heapBytes, 0) },
  { title: 'opened/s', cell: ({ summary }) => fixed(summary.idle?.opensPerSecond, 0) },
  { title: 'CPU µs/opening', cell: ({ summary }) => fixed(summary.idle?.openCpuUs, 1) },
  { title: 'a message on all, ms', cell: ({ summary }) => fixed(summary.idle?.everyoneMs, 0) },
];

function tableOf(columns: readonly Column[], results: readonly Result[]): string {
  const rows = results.map((result) => columns.map(({ cell }) => cell(result)));
  const align = columns.map((_, index) => (index < NAMES.length ? 'l' : 'r'));
  return markdownTable([columns.map(({ title }) => title), ...rows], { align });
}

/** Returns the lines that name the references of the ratios: one for all rows, or one for each. */
function referencesLine(results: readonly Result[]): string[] {
  const pairs = results.flatMap(({ contestant, reference, ratios }) =>
    ratios === undefined ? [] : [{ contestant, reference }],
  );
  const references = [...new Set(pairs.map(({ reference }) => reference))];
  if (references.length <= 1) return references.map((reference) => `Ratios are to ${reference}.`);
  const lines = pairs.map(({ contestant, reference }) => `${contestant} to ${reference}`);
  return [`Ratios are of ${[...new Set(lines)].join(', of ')}.`];
}

export function tablesOf(results: readonly Result[]): string {
  const tables = (['message', 'request', 'MiB', 'connection'] as const).flatMap((unit) => {
    const rows = results.filter((result) => result.unit === unit);
    return rows.length === 0 ? [] : [tableOf(columnsFor(unit), rows)];
  });
  const idle = results.filter(({ summary }) => summary.idle !== undefined);
  if (idle.length > 0) tables.push(tableOf(IDLE_COLUMNS, idle));
  return [...tables, ...referencesLine(results)].join('\n\n');
}

/** Returns the additional cost of each contestant over its reference, for comparisons of one with itself. */
export function costLines(results: readonly Result[]): string {
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
  return results
    .flatMap(({ workload, unit, contestant, reference, ratios }) =>
      ratios === undefined
        ? []
        : [
            `${workload}: ${contestant} less ${reference}: ${signed(ratios.moreCpuUs)} µs of CPU time a ${unit}`,
          ],
    )
    .join('\n');
}
