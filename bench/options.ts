// The command line: what to run and how long.

import { parseArgs } from 'node:util';

import { type Comparison, COMPARISONS } from './comparisons.js';
import { chosen, type Contestant } from './contestants.js';
import type { Duration } from './load-process.js';
import { UsageError } from './usage-error.js';
import type { Workload } from './workloads.js';

/** The durations of a round. Its warm-up is discarded. */
export interface Timing extends Duration {
  /** Warm-up of a new server before its first round. */
  readonly firstWarmupMs: number;
}

export interface Options {
  readonly timing: Timing;
  /** With idle connections each round has a server of its own and takes longer, so there are fewer. */
  readonly rounds: number;
  readonly idleRounds: number;
  readonly workloads: readonly Workload[];
  readonly contestants: readonly Contestant[];
  /** A contestant is compared with itself: then the difference says more than the ratio. */
  readonly isOfOne: boolean;
  readonly jsonFile: string | undefined;
  /** Name of the files in `bench/results/`. */
  readonly save: string | undefined;
}

// Many short rounds rather than a few long ones: the machine's speed drifts less within a pair. Mostly an
// even number, so that each contestant is first as often as last. All are whole ticks of the scheduler.
const QUICK: Timing = { firstWarmupMs: 400, warmupMs: 60, measureMs: 200 };
const FULL: Timing = { firstWarmupMs: 1500, warmupMs: 250, measureMs: 1000 };
const QUICK_ROUNDS = { rounds: 4, idleRounds: 3 };
const FULL_ROUNDS = { rounds: 12, idleRounds: 5 };
/** Programs with libraries have more code to compile, which takes them longer. */
const WEB_FIRST_WARMUP = 3;
const ROUNDS_MIN = 3;
const ROUNDS_MAX = 100;

const roundsText = ({ rounds }: { rounds: number }, { measureMs }: Timing): string =>
  `${rounds} rounds of ${measureMs} ms`;

const namesOf = (things: readonly { name: string }[]): string => things.map(({ name }) => name).join(', ');

export const HELP = `Usage: npm run bench -- [options]

  --quick             fewer workloads, and ${roundsText(QUICK_ROUNDS, QUICK)} instead of
                      ${roundsText(FULL_ROUNDS, FULL)}
  --rounds N          rounds for each workload, ${ROUNDS_MIN} to ${ROUNDS_MAX}
  --only TEXT         only workloads whose name contains TEXT
  --contestants A,B   only these
  --web               compare programs on plain Node, on the library, and on Bun: HTTP servers, WebSockets, clients
  --watchdog          compare the library under its watchdog with itself without: what the watchdog costs
  --onack             compare the library with onAck set with itself without: what listening costs
  --tasks             compare two tasks with one: the rate needs a third core, for the load generator
  --self              compare the reference with itself: what the ratios do without a difference
  --json FILE         write every round to FILE
  --save NAME         write bench/results/NAME.json and .svg; a whole run writes ${COMPARISONS.stacks.saveAs}.*,
                      with --web ${COMPARISONS.web.saveAs}.*
  --virtual           compare the virtual stack with others, both ends in one thread; takes --quick, --rounds,
                      --contestants and --save
  --help              this text

Contestants: ${namesOf(COMPARISONS.stacks.contestants)}
Workloads: ${namesOf(COMPARISONS.stacks.workloads)}

With --web
Contestants: ${namesOf(COMPARISONS.web.contestants)}
Workloads: ${namesOf(COMPARISONS.web.workloads)}`;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string' },
        contestants: { type: 'string' },
        web: { type: 'boolean', default: false },
        self: { type: 'boolean', default: false },
        watchdog: { type: 'boolean', default: false },
        onack: { type: 'boolean', default: false },
        tasks: { type: 'boolean', default: false },
        json: { type: 'string' },
        save: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    // parseArgs appends advice to some messages. The first sentence is enough.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError((message.split(/\. |\n/, 1)[0] ?? message).replace(/\.$/, ''));
  }
}

type Values = ReturnType<typeof parse>;

function roundsOf({ rounds: text, quick }: Values): Pick<Options, 'rounds' | 'idleRounds'> {
  if (text === undefined) return quick ? QUICK_ROUNDS : FULL_ROUNDS;
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= ROUNDS_MIN && rounds <= ROUNDS_MAX) {
    return { rounds, idleRounds: rounds };
  }
  throw new UsageError(`--rounds: '${text}' is not a whole number from ${ROUNDS_MIN} to ${ROUNDS_MAX}`);
}

function timingOf({ quick, web }: Values): Timing {
  const timing = quick ? QUICK : FULL;
  return web ? { ...timing, firstWarmupMs: WEB_FIRST_WARMUP * timing.firstWarmupMs } : timing;
}

type ComparisonName = keyof typeof COMPARISONS;

function comparisonOf(values: Values): ComparisonName {
  const asked = (['web', 'self', 'watchdog', 'onack', 'tasks'] as const).filter((name) => values[name]);
  if (asked.length > 1) throw new UsageError(`--${asked.join(' and --')} exclude each other`);
  return asked[0] ?? 'stacks';
}

function contestantsOf({ contestants: text }: Values, comparison: ComparisonName): readonly Contestant[] {
  const { contestants } = COMPARISONS[comparison];
  if (text === undefined) return contestants;
  const names = text.split(',').map((name) => name.trim());
  const { found, unknown } = chosen(contestants, names);
  if (unknown.length === 0) return found;
  throw new UsageError(`--contestants: '${unknown.join(', ')}' is none of ${namesOf(contestants)}`);
}

/** Returns the workloads to run. Those chosen by name run also if they do not belong to a quick run. */
function workloadsOf({ only, quick }: Values, comparison: ComparisonName): readonly Workload[] {
  const all = COMPARISONS[comparison].workloads;
  if (only === undefined) {
    const usual = all.filter(({ inQuick, inFull }) => (quick ? inQuick : inFull));
    return usual.filter(({ name }) => name.includes(COMPARISONS[comparison].only));
  }
  const workloads = all.filter(({ name }) => name.includes(only));
  if (workloads.length === 0) throw new UsageError(`--only: no workload's name contains '${only}'`);
  return workloads;
}

function saveOf({ save, quick, only, contestants }: Values, comparison: ComparisonName): string | undefined {
  if (save !== undefined && !/^[\w.-]+$/.test(save)) {
    throw new UsageError(`--save: '${save}' is more than a name of letters, digits, '.', '-' and '_'`);
  }
  const isWhole = !quick && only === undefined && contestants === undefined;
  const { saveAs }: Comparison = COMPARISONS[comparison];
  return save ?? (isWhole ? saveAs : undefined);
}

/** Returns `undefined` if help was asked for. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const comparison = comparisonOf(values);
  return {
    timing: timingOf(values),
    ...roundsOf(values),
    workloads: workloadsOf(values, comparison),
    contestants: contestantsOf(values, comparison),
    isOfOne: comparison !== 'stacks' && comparison !== 'web',
    jsonFile: values.json,
    save: saveOf(values, comparison),
  };
}
