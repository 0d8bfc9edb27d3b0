/**
 * The program under test of `mixed.test.ts`: connections of all kinds, at once and for a long time, in one
 * process. It reports what the process holds after the warm-up, which is the same load, and at the end.
 *
 *     node mixed-program.js client-stack server-stack seed warm-up-seconds seconds
 *
 * Prints a `MixedReport`, one line. Violations go to stderr, and the status is 1.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import { holdings, quiet, type Holdings } from './holdings.js';
import type { Totals } from './mixed-conversation.js';
import { Load } from './mixed-load.js';
import { Block } from './mixed-stream.js';
import { memoryBytes } from '../support/process-memory.js';
import { Random } from '../support/random.js';
import { heldBy, makeStack } from '../support/stacks.js';

export interface MixedHoldings extends Holdings {
  /** Holdings of the stacks, without their listeners. */
  readonly held: number;
  /** Listeners of the signal that every connection listens to for a while. */
  readonly listeners: number;
}

export interface MixedReport extends Totals {
  readonly begin: MixedHoldings;
  readonly end: MixedHoldings;
  /** Peak of the resident memory. */
  readonly peakBytes: number;
}

const CLIENTS = 200;
/** Violations that are printed at most. */
const MOST_VIOLATIONS = 20;
/** Time for connections to end after the load. A passing run takes less. */
const PATIENCE_MS = 60_000;

const [clientStack = '', serverStack = '', seedText, warmUpSeconds, seconds] = process.argv.slice(2);
const seed = Number(seedText);
const totals: Totals = {
  connections: 0,
  events: {},
  bytes: 0,
  checksums: 0,
  timesNoSpace: 0,
  timesNoWindow: 0,
};
let violations = 0;

function reportViolation(text: string): void {
  violations += 1;
  process.exitCode = 1;
  if (violations === 1) console.error(`seed ${seed}, client ${clientStack}, server ${serverStack}`);
  if (violations <= MOST_VIOLATIONS) console.error(text);
}

/** Small limits, which are reached often. */
const SMALL = { sendBufferBytes: 16_384, receiveWindowBytes: 8192 };
const stacks = {
  client: { usual: makeStack(clientStack), small: makeStack(clientStack, SMALL) },
  accepted: { usual: makeStack(serverStack), small: makeStack(serverStack, SMALL) },
};
const { signal } = new AbortController();
// Node warns about more than ten listeners.
setMaxListeners(0, signal);
const load = new Load({ stacks, block: new Block(new Random(seed)), totals, reportViolation }, seed, signal);

function held(): number {
  const all = [stacks.client, stacks.accepted].flatMap((sizes) => Object.values(sizes));
  return all.reduce((sum, stack) => sum + heldBy(stack), 0);
}

async function run(forSeconds: number): Promise<MixedHoldings> {
  const lastsMs = forSeconds * 1000;
  const giveUp = setTimeout(() => {
    console.error(`connections do not end: ${load.toString()}`);
    process.exit(1);
  }, lastsMs + PATIENCE_MS);
  await load.run(CLIENTS, performance.now() + lastsMs);
  clearTimeout(giveUp);
  await quiet(
    () => load.isBusy || held() > 0,
    () => ({ load: load.toString(), held: held() }),
  );
  return {
    ...(await holdings()),
    held: held(),
    listeners: getEventListeners(signal, 'abort').length,
  };
}

// Opens the pipes of the standard streams now: they count as resources from their first use on.
process.stdout.write('');
process.stderr.write('');
await load.begin();
const begin = await run(Number(warmUpSeconds));
const end = await run(Number(seconds));
const report: MixedReport = { ...totals, begin, end, peakBytes: memoryBytes('VmHWM') };
console.log(JSON.stringify(report));
await load.end();
