// The command line: what to run and how long.

import { parseArgs } from 'node:util';

import { COMPARISONS, type Contestant } from './contestants.js';
import { WORKLOADS, type Workload } from './workloads.js';

/** What is wrong with the call or with what is installed: one line for the user, exit status 2. */
export class UsageError extends Error {}

export interface Timing {
  /** Discarded: before the first round of a fresh server. */
  readonly firstWarmupMs: number;
  /** Discarded: at the beginning of each round. */
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface Options {
  readonly timing: Timing;
  readonly rounds: number;
  readonly workloads: readonly Workload[];
  readonly contestants: readonly Contestant[];
  readonly jsonFile: string | undefined;
}

// Many short rounds rather than a few long ones: the machine's speed drifts less within a pair. An even
// number, so that each contestant is first as often as last.
const QUICK: Timing = { firstWarmupMs: 600, warmupMs: 150, measureMs: 400 };
const FULL: Timing = { firstWarmupMs: 1500, warmupMs: 250, measureMs: 1000 };
const QUICK_ROUNDS = 8;
const FULL_ROUNDS = 16;
const ROUNDS_MIN = 3;
const ROUNDS_MAX = 100;

const roundsText = (rounds: number, { measureMs }: Timing): string => `${rounds} rounds of ${measureMs} ms`;

export const HELP = `Usage: npm run bench -- [options]

  --quick        ${roundsText(QUICK_ROUNDS, QUICK)} instead of ${roundsText(FULL_ROUNDS, FULL)}
  --rounds N     rounds for each workload, ${ROUNDS_MIN} to ${ROUNDS_MAX}
  --only TEXT    only workloads whose name contains TEXT
  --watchdog     compare the library under its watchdog with itself without: what the watchdog costs
  --self         compare the reference with itself: what the ratios do without a difference
  --json FILE    also write every round to FILE
  --help         this text

Workloads: ${WORKLOADS.map(({ name }) => name).join(', ')}`;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string', default: '' },
        self: { type: 'boolean', default: false },
        watchdog: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    // parseArgs appends advice to some messages; the first sentence says it.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError((message.split(/\. |\n/, 1)[0] ?? message).replace(/\.$/, ''));
  }
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= ROUNDS_MIN && rounds <= ROUNDS_MAX) return rounds;
  throw new UsageError(`--rounds: '${text}' is not a whole number from ${ROUNDS_MIN} to ${ROUNDS_MAX}`);
}

/** `undefined` is a request for help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  if (values.self && values.watchdog) throw new UsageError('--self and --watchdog exclude each other');
  const workloads = WORKLOADS.filter(({ name }) => name.includes(values.only));
  if (workloads.length === 0) throw new UsageError(`--only: no workload's name contains '${values.only}'`);
  return {
    timing: values.quick ? QUICK : FULL,
    rounds: parseRounds(values.rounds ?? String(values.quick ? QUICK_ROUNDS : FULL_ROUNDS)),
    workloads,
    contestants: COMPARISONS[values.self ? 'self' : values.watchdog ? 'watchdog' : 'stacks'],
    jsonFile: values.json,
  };
}
