// Runs the load generator against one server: a measurement, or connections that are held.

import { onCore } from './cores.js';
import { withOpenFiles } from './open-files.js';
import { PORT, valueIn } from './protocol.js';
import type { ServerProcess } from './server-process.js';
import { Talk } from './talk.js';
import type { Load } from './workloads.js';

export interface LoadPlace {
  readonly binary: string;
  /** The same program with TLS. */
  readonly tlsBinary: string;
  readonly core: number | undefined;
}

export interface Duration {
  readonly warmupMs: number;
  readonly measureMs: number;
}

/** The load generator's output. `operations` of bulk modes are bytes, and have no latency. */
export interface LoadResult {
  readonly operations: number;
  readonly seconds: number;
  readonly serverCpuNs: number;
  readonly serverUserTicks: number;
  readonly serverSystemTicks: number;
  readonly loadCpuNs: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
  readonly maxUs?: number;
}

export interface HoldResult {
  readonly openSeconds: number;
  readonly openCpuNs: number;
  readonly everyoneSeconds: number;
}

const RESULT_KEYS = [
  'operations',
  'seconds',
  'serverCpuNs',
  'serverUserTicks',
  'serverSystemTicks',
  'loadCpuNs',
] as const satisfies readonly (keyof LoadResult)[];
const HOLD_KEYS = [
  'openSeconds',
  'openCpuNs',
  'everyoneSeconds',
] as const satisfies readonly (keyof HoldResult)[];

/** Time for the phases of the load generator, more than they need. */
const SLACK_MS = 60_000;
const HOLD_MS_PER_CONNECTION = 2;

function hasNumbers(value: unknown, keys: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = new Map<string, unknown>(Object.entries(value));
  return keys.every((key) => typeof entries.get(key) === 'number');
}

/** Checks the keys only: both programs are of one build. */
function isResult(value: unknown): value is LoadResult {
  return hasNumbers(value, RESULT_KEYS);
}

function isHoldResult(value: unknown): value is HoldResult {
  return hasNumbers(value, HOLD_KEYS);
}

interface Start extends Partial<Duration> {
  readonly mode: Load['mode'] | 'hold';
  readonly connections: number;
}

function start(place: LoadPlace, server: ServerProcess, load: Load, how: Start): Talk {
  const { mode, connections, warmupMs = 0, measureMs = 1 } = how;
  const options = {
    mode,
    protocol: load.protocol ?? 'echo',
    tls: load.isTls === true ? 1 : 0,
    port: server.port,
    'server-pid': server.pid,
    connections,
    size: load.messageBytes,
    'warmup-ms': warmupMs,
    'measure-ms': measureMs,
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const binary = load.isTls === true ? place.tlsBinary : place.binary;
  const command = withOpenFiles(connections, [binary, ...words]);
  return new Talk('the load generator', onCore(place.core, command));
}

export async function runLoad(
  place: LoadPlace,
  server: ServerProcess,
  load: Load,
  { warmupMs, measureMs }: Duration,
): Promise<LoadResult> {
  const { mode, connections } = load;
  const talk = start(place, server, load, { mode, connections, warmupMs, measureMs });
  if (load.mode === 'answer') {
    const port = valueIn(await talk.nextLine(SLACK_MS), PORT);
    if (port === undefined) throw new Error('the load generator gave no port');
    server.askAt(port);
  }
  const result: unknown = JSON.parse(await talk.nextLine(warmupMs + measureMs + SLACK_MS));
  await talk.end();
  if (!isResult(result)) throw new Error('the load generator gave no result');
  return result;
}

export interface Held {
  readonly result: HoldResult;
  /** Closes the connections. */
  release(): Promise<void>;
}

/** Opens connections that are idle after two messages and the replies to them. */
export async function hold(
  place: LoadPlace,
  server: ServerProcess,
  load: Load,
  connections: number,
): Promise<Held> {
  const talk = start(place, server, load, { mode: 'hold', connections });
  const line = await talk.nextLine(connections * HOLD_MS_PER_CONNECTION + SLACK_MS);
  const result: unknown = JSON.parse(line);
  if (!isHoldResult(result)) throw new Error('the load generator did not tell how it holds connections');
  return { result, release: () => talk.end() };
}
