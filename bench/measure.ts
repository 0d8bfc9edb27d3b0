// Measures one workload: all contestants in alternation, so that a drift of the machine meets them alike.

import type { Contestant } from './contestants.js';
import type { Cores } from './cores.js';
import { runLoad } from './load-process.js';
import type { Timing } from './options.js';
import type { SampleMessage } from './protocol.js';
import { ServerProcess } from './server-process.js';
import type { Workload } from './workloads.js';

/** One measurement of one contestant. CPU times are the server process's, for each message. */
export interface Round {
  readonly messagesPerSecond: number;
  readonly cpuUs: number;
  readonly userUs: number;
  readonly systemUs: number;
  /** The share of the measurement that the server's process was on a core. */
  readonly busy: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly rssBytes: number;
}

export interface Bench {
  readonly binary: string;
  readonly cores: Cores | undefined;
  readonly timing: Timing;
  readonly rounds: number;
}

/** The rounds of each contestant, in the contestants' order; round n of one pairs with round n of another. */
export type Rounds = readonly (readonly Round[])[];

function loadOf(bench: Bench, server: ServerProcess, workload: Workload) {
  return { binary: bench.binary, core: bench.cores?.load, port: server.port, workload };
}

/** A load whose numbers are thrown away: the server compiles its hot code. */
async function warmUp(bench: Bench, server: ServerProcess, workload: Workload): Promise<void> {
  const measureMs = bench.timing.firstWarmupMs;
  await runLoad({ ...loadOf(bench, server, workload), warmupMs: 0, measureMs }, () => Promise.resolve());
}

async function measureRound(bench: Bench, server: ServerProcess, workload: Workload): Promise<Round> {
  const { warmupMs, measureMs } = bench.timing;
  const samples: SampleMessage[] = [];
  const run = { ...loadOf(bench, server, workload), warmupMs, measureMs };
  const load = await runLoad(run, async () => {
    samples.push(await server.sample());
  });
  const [before, after] = samples;
  if (before === undefined || after === undefined) throw new Error('a mark of the measurement is missing');

  // The samples lie a little after the marks, both under load: rates are right where totals would not be.
  const messagesPerSecond = load.messages / load.seconds;
  const seconds = (after.atMs - before.atMs) / 1000;
  const userUs = (after.userUs - before.userUs) / seconds / messagesPerSecond;
  const systemUs = (after.systemUs - before.systemUs) / seconds / messagesPerSecond;
  const cpuUs = userUs + systemUs;
  const busy = (cpuUs * messagesPerSecond) / 1e6;
  const { p50Us, p99Us, maxUs } = load;
  const { rssBytes } = after;
  return { messagesPerSecond, cpuUs, userUs, systemUs, busy, p50Us, p99Us, maxUs, rssBytes };
}

/** The servers live through the whole workload, and only through it. */
export async function measureWorkload(
  bench: Bench,
  contestants: readonly Contestant[],
  workload: Workload,
): Promise<Rounds> {
  const entries: { server: ServerProcess; rounds: Round[] }[] = [];
  for (const contestant of contestants) {
    const server = await ServerProcess.start(contestant, bench.cores?.server);
    entries.push({ server, rounds: [] });
    await warmUp(bench, server, workload);
  }
  for (let round = 0; round < bench.rounds; round++) {
    const order = round % 2 === 0 ? entries : entries.toReversed();
    for (const { server, rounds } of order) rounds.push(await measureRound(bench, server, workload));
  }
  for (const { server } of entries) await server.stop();
  return entries.map(({ rounds }) => rounds);
}
