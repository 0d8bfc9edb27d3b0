/**
 * The program under test of `mixed.test.ts`: everything that connections do, at once and for a long time, in
 * one process. It tells what the process holds after the warm-up, which is the same load, and at the end.
 *
 *     node mixed-program.js client-stack server-stack seed warm-up-seconds seconds
 *
 * The one line on stdout is a `MixedReport`. What is wrong comes on stderr, and the status is 1.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { holdings, quiet, type Holdings } from './holdings.js';
import type { Totals } from './mixed-conversation.js';
import { Load } from './mixed-load.js';
import { Block } from './mixed-stream.js';
import { Random } from '../support/random.js';
import { makeStack } from '../support/stacks.js';

export interface MixedHoldings extends Holdings {
  /** Armed in the stacks. */
  readonly timers: number;
  /** Of the signal that every connection listens to for a while. */
  readonly listeners: number;
}

export interface MixedReport extends Totals {
  readonly begin: MixedHoldings;
  readonly end: MixedHoldings;
  /** The most that ever was. */
  readonly peakBytes: number;
}

const CLIENTS = 200;
/** After so many faults no more are told. */
const MOST_FAULTS = 20;
/** Connections that do not end fail the program; one that lives takes less. */
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
let faults = 0;

function fault(text: string): void {
  faults += 1;
  process.exitCode = 1;
  if (faults === 1) console.error(`seed ${seed}, client ${clientStack}, server ${serverStack}`);
  if (faults <= MOST_FAULTS) console.error(text);
}

/** They are reached again and again. */
const SMALL = { sendBufferBytes: 16_384, receiveWindowBytes: 8192 };
const stacks = {
  client: { usual: makeStack(clientStack), small: makeStack(clientStack, SMALL) },
  accepted: { usual: makeStack(serverStack), small: makeStack(serverStack, SMALL) },
};
const { signal } = new AbortController();
// Node warns of more than ten.
setMaxListeners(0, signal);
const load = new Load({ stacks, block: new Block(new Random(seed)), totals, fault }, seed, signal);

function timers(): number {
  const all = [stacks.client, stacks.accepted].flatMap((sizes) => Object.values(sizes));
  return all.reduce((sum, stack) => sum + stack.timers.size, 0);
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
    () => load.isBusy || timers() > 0,
    () => ({ load: load.toString(), timers: timers() }),
  );
  return {
    ...(await holdings()),
    timers: timers(),
    listeners: getEventListeners(signal, 'abort').length,
  };
}

function peakBytes(): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kib) * 1024;
}

// Their pipes are opened at the first use, and are among the resources from then on.
process.stdout.write('');
process.stderr.write('');
await load.begin();
const begin = await run(Number(warmUpSeconds));
const end = await run(Number(seconds));
const report: MixedReport = { ...totals, begin, end, peakBytes: peakBytes() };
console.log(JSON.stringify(report));
await load.end();
