// The workloads and contestants of `--virtual`, and the table of their results.

export const CONTESTANTS = [
  'runSync',
  'run',
  'runSync inlining',
  'run inlining',
  'tcpip',
  'kernel',
  'node:net',
] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

/**
 * Options of the engine for the contestants with `inlining`: more and larger functions become parts of
 * others. A packet passes some eighty functions.
 */
export const INLINING = [
  '--max-inlined-bytecode-size=1000',
  '--max-inlined-bytecode-size-cumulative=3000',
] as const;

export const WORKLOADS = ['bulk', 'echo-1', 'echo-50', 'connect-close', 'idle'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** Connections of `idle`. */
export const IDLE_CONNECTIONS = 100_000;

/** Medians: bytes, round trips or connections a second; of `idle`, bytes of memory. */
export type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface VirtualReport {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly missing: readonly { readonly reason: string }[];
  readonly figures: Figures;
}

const NOTHING = '–';
const thousands = (value: number): string => `${(value / 1000).toFixed(value < 100_000 ? 1 : 0)} k`;
const megabytes = (value: number): string => (value / 1e6).toFixed(value < 1e8 ? 1 : 0);

const TITLES: Readonly<Record<WorkloadName, readonly [title: string, cell: (value: number) => string]>> = {
  bulk: ['bulk, MB/s', megabytes],
  'echo-1': ['echo of 64 B on 1 connection, a second', thousands],
  'echo-50': ['on 50 connections', thousands],
  'connect-close': ['connect and close, a second', thousands],
  idle: ['100,000 idle connections, MB', megabytes],
};

/** Returns the rows of the table: a contestant in each. */
export function virtualTableRows({ figures }: VirtualReport): string[][] {
  const rows = CONTESTANTS.flatMap((name) => {
    const of = figures[name];
    if (of === undefined) return [];
    const cells = WORKLOADS.map((workload) => {
      const value = of[workload];
      return value === undefined ? NOTHING : TITLES[workload][1](value);
    });
    return [[`\`${name}\``, ...cells]];
  });
  return [['', ...WORKLOADS.map((workload) => TITLES[workload][0])], ...rows];
}
