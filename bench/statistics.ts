// From rounds to the numbers of a table's row.

import type { Round } from './measure.js';

export interface Summary {
  /** The median of each number. */
  readonly median: Round;
  /** Highest less lowest messages/s of the rounds, as a share of the median. */
  readonly spread: number;
}

/** Above 1 this contestant is better than the reference. */
export interface Ratios {
  readonly messages: number;
  readonly cpu: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('no values');
  return (lower + upper) / 2;
}

export function summarize(rounds: readonly Round[]): Summary {
  const of = (key: keyof Round): number => median(rounds.map((round) => round[key]));
  const rates = rounds.map(({ messagesPerSecond }) => messagesPerSecond);
  const messagesPerSecond = median(rates);
  return {
    median: {
      messagesPerSecond,
      cpuUs: of('cpuUs'),
      userUs: of('userUs'),
      systemUs: of('systemUs'),
      busy: of('busy'),
      p50Us: of('p50Us'),
      p99Us: of('p99Us'),
      maxUs: of('maxUs'),
      rssBytes: of('rssBytes'),
    },
    spread: (Math.max(...rates) - Math.min(...rates)) / messagesPerSecond,
  };
}

function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((numerator, round) => numerator / (denominators[round] ?? NaN)));
}

/** Medians of each round's ratios: what the two of a round have in common, such as a slow moment, cancels. */
export function compare(ours: readonly Round[], plain: readonly Round[]): Ratios {
  const rate = ({ messagesPerSecond }: Round): number => messagesPerSecond;
  const cpu = ({ cpuUs }: Round): number => cpuUs;
  return {
    messages: medianRatio(ours.map(rate), plain.map(rate)),
    cpu: medianRatio(plain.map(cpu), ours.map(cpu)),
  };
}
