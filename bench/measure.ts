// Measures one workload: all contestants take turns, so that a drift of the machine affects them alike.

import type { Contestant } from './contestants.js';
import type { Cores } from './cores.js';
import { type Duration, hold, type LoadPlace, runLoad, type LoadResult } from './load-process.js';
import type { Timing } from './options.js';
import type { IdleRound, Round } from './round.js';
import { ServerProcess } from './server-process.js';
import type { Tools } from './tools.js';
import type { Unit, Workload } from './workloads.js';

export interface Bench {
  readonly tools: Tools;
  readonly cores: Cores | undefined;
  readonly timing: Timing;
}

/** The rounds of each contestant, in the contestants' order. Round n of one pairs with round n of another. */
export type Rounds = readonly (readonly Round[])[];

const OPERATIONS_PER_UNIT: Readonly<Record<Unit, number>> = {
  message: 1,
  request: 1,
  connection: 1,
  MiB: 1024 * 1024,
};

/** Time for a server to process the ends of the connections of the last round. */
const SETTLE_MS = 100;

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

const loadPlace = ({ tools, cores }: Bench): LoadPlace => ({
  binary: tools.load,
  tlsBinary: tools.loadTls,
  core: cores?.load,
});

function startServer(bench: Bench, contestant: Contestant, workload: Workload): Promise<ServerProcess> {
  const connections = workload.load.connections + workload.idle;
  const { tools, cores } = bench;
  const all = cores === undefined ? undefined : [cores.server, ...cores.more];
  const place = { tools, cores: all?.slice(0, contestant.cores ?? 1), connections };
  return ServerProcess.start(contestant, workload.server, place);
}

function roundOf(unit: Unit, result: LoadResult): Round {
  const { seconds, p50Us, p99Us, maxUs } = result;
  const units = result.operations / OPERATIONS_PER_UNIT[unit];
  return {
    perSecond: units / seconds,
    cpuUs: result.serverCpuNs / 1e3 / units,
    userTicks: result.serverUserTicks,
    systemTicks: result.serverSystemTicks,
    busy: result.serverCpuNs / 1e9 / seconds,
    loadBusy: result.loadCpuNs / 1e9 / seconds,
    p50Us,
    p99Us,
    maxUs,
    idle: undefined,
  };
}

async function run(bench: Bench, server: ServerProcess, workload: Workload, time: Duration): Promise<Round> {
  return roundOf(workload.unit, await runLoad(loadPlace(bench), server, workload.load, time));
}

/** Runs a load whose results are discarded, so that the server compiles its hot code. */
async function warmUp(bench: Bench, server: ServerProcess, workload: Workload, ms: number): Promise<void> {
  await run(bench, server, workload, { warmupMs: 0, measureMs: ms });
}

/**
 * Measures a round with idle connections: the load without them, then with them. The server is a new one,
 * because memory of former connections would be reused.
 */
async function idleRound(bench: Bench, contestant: Contestant, workload: Workload): Promise<Round> {
  const { idle } = workload;
  const server = await startServer(bench, contestant, workload);
  // Longer than elsewhere, because code that is compiled after this point would falsify the comparison.
  await warmUp(bench, server, workload, 2 * bench.timing.firstWarmupMs);
  const alone = await run(bench, server, workload, bench.timing);
  await settle();
  const heapBefore = await server.heapBytes();
  const rssBefore = server.residentBytes();
  const held = await hold(loadPlace(bench), server, { ...workload.load, messageBytes: 64 }, idle);
  const rssAfter = server.residentBytes();
  const heapAfter = await server.heapBytes();
  const among = await run(bench, server, workload, bench.timing);
  await held.release();
  await server.stop();

  const { openSeconds, openCpuNs, everyoneSeconds } = held.result;
  const costs: IdleRound = {
    aloneCpuUs: alone.cpuUs,
    opensPerSecond: idle / openSeconds,
    openCpuUs: openCpuNs / 1e3 / idle,
    everyoneMs: everyoneSeconds * 1e3,
    rssBytes: (rssAfter - rssBefore) / idle,
    heapBytes:
      heapBefore === undefined || heapAfter === undefined ? undefined : (heapAfter - heapBefore) / idle,
  };
  return { ...among, idle: costs };
}

interface Entrant {
  measure(): Promise<Round>;
  stop(): Promise<void>;
}

/** Starts a contestant's server for the whole workload; with idle connections, for one round. */
async function enter(bench: Bench, contestant: Contestant, workload: Workload): Promise<Entrant> {
  if (workload.idle > 0) {
    return { measure: () => idleRound(bench, contestant, workload), stop: () => Promise.resolve() };
  }
  const server = await startServer(bench, contestant, workload);
  await warmUp(bench, server, workload, bench.timing.firstWarmupMs);
  return { measure: () => run(bench, server, workload, bench.timing), stop: () => server.stop() };
}

export async function measureWorkload(
  bench: Bench,
  contestants: readonly Contestant[],
  workload: Workload,
  rounds: number,
): Promise<Rounds> {
  const entries: { entrant: Entrant; rounds: Round[] }[] = [];
  for (const contestant of contestants) {
    entries.push({ entrant: await enter(bench, contestant, workload), rounds: [] });
  }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? entries : entries.toReversed();
    for (const entry of order) entry.rounds.push(await entry.entrant.measure());
  }
  for (const { entrant } of entries) await entrant.stop();
  return entries.map((entry) => entry.rounds);
}
