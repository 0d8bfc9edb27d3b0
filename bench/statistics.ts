// Computes the numbers of a table's row from rounds.

import type { IdleRound, Round } from './round.js';

export interface Summary extends Omit<Round, 'userTicks' | 'systemTicks'> {
  /** Parts of `cpuUs`, from the ticks of all rounds together, because one round has few ticks. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Highest minus lowest rate of the rounds, as a share of the median. */
  readonly spread: number;
}

/** Medians of the ratios of each pair of rounds, in which common influences of the machine cancel out. */
export interface Ratios {
  /** More is better. */
  readonly perSecond: number;
  /** Less is better. */
  readonly cpu: number;
  /** Ratio of the 99th percentiles of the latency, if there are any. Less is better. */
  readonly p99: number | undefined;
  /** Difference of the CPU times. */
  readonly moreCpuUs: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('no values');
  return (lower + upper) / 2;
}

function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function summarizeIdle(rounds: readonly IdleRound[]): IdleRound | undefined {
  if (rounds.length === 0) return undefined;
  const of = (value: (round: IdleRound) => number): number => median(rounds.map(value));
  return {
    aloneCpuUs: of(({ aloneCpuUs }) => aloneCpuUs),
    opensPerSecond: of(({ opensPerSecond }) => opensPerSecond),
    openCpuUs: of(({ openCpuUs }) => openCpuUs),
    everyoneMs: of(({ everyoneMs }) => everyoneMs),
    rssBytes: of(({ rssBytes }) => rssBytes),
    heapBytes: medianOfKnown(rounds.map(({ heapBytes }) => heapBytes)),
  };
}

/** Returns the medians of the rounds. */
export function summarize(rounds: readonly Round[]): Summary {
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  const sum = (value: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + value(round), 0);
  const rates = rounds.map(({ perSecond }) => perSecond);
  const perSecond = median(rates);
  const cpuUs = of((round) => round.cpuUs);
  const userTicks = sum((round) => round.userTicks);
  const ticks = userTicks + sum((round) => round.systemTicks);
  const userUs = ticks === 0 ? 0 : (cpuUs * userTicks) / ticks;
  return {
    perSecond,
    spread: (Math.max(...rates) - Math.min(...rates)) / perSecond,
    cpuUs,
    userUs,
    systemUs: cpuUs - userUs,
    busy: of(({ busy }) => busy),
    loadBusy: of(({ loadBusy }) => loadBusy),
    p50Us: medianOfKnown(rounds.map(({ p50Us }) => p50Us)),
    p99Us: medianOfKnown(rounds.map(({ p99Us }) => p99Us)),
    maxUs: medianOfKnown(rounds.map(({ maxUs }) => maxUs)),
    idle: summarizeIdle(rounds.flatMap(({ idle }) => idle ?? [])),
  };
}

/** Compares pairs of rounds. Round n of one contestant was measured beside round n of the other. */
export function compare(ours: readonly Round[], reference: readonly Round[]): Ratios {
  const pairs = ours.flatMap((round, index) => {
    const other = reference[index];
    return other === undefined ? [] : [[round, other] as const];
  });
  const of = (value: (ours: Round, reference: Round) => number): number =>
    median(pairs.map(([round, other]) => value(round, other)));
  return {
    perSecond: of((round, other) => round.perSecond / other.perSecond),
    cpu: of((round, other) => round.cpuUs / other.cpuUs),
    p99: medianOfKnown(
      pairs.map(([{ p99Us }, other]) =>
        p99Us === undefined || other.p99Us === undefined ? undefined : p99Us / other.p99Us,
      ),
    ),
    moreCpuUs: of((round, other) => round.cpuUs - other.cpuUs),
  };
}
