// What more cores give and cost to a web server: one thread, two tasks, one and two processes behind HAProxy,
// in turns. `npm run bench:scale -- --help`. Needs haproxy and wrk.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { ChildProcess } from 'node:child_process';

import { type Command, killChildrenAtExit, startChild } from './children.js';
import { machineLine } from './machine.js';
import { type ScaleReport, type ScaleRow, scaleTableRows } from './scale-table.js';
import { median } from './statistics.js';

const HOST = '127.0.0.1';
const PACKAGE = join(import.meta.dirname, '..', '..');
const RESULTS = join(PACKAGE, 'bench', 'results', 'scale.json');
const SERVER = join(import.meta.dirname, 'servers', 'scale-web.js');
const RUN = [process.execPath, join(PACKAGE, 'dist', 'cli', 'main.js'), 'run', '--quiet'] as const;
/** Connections of the load. */
const CONNECTIONS = 64;
const WARM_UP_S = 1;
/** The unit of the times in /proc. */
const TICKS_PER_S = 100;

const PATHS = ['hello', 'work'] as const;

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly servers: readonly number[];
  readonly proxy: number | undefined;
}

interface Round {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly serverUs: number;
  readonly proxyUs: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ready(child: ChildProcess, times: number): Promise<number> {
  if (child.stdout === null || child.pid === undefined) throw new Error('a server did not start');
  let lines = 0;
  for await (const line of createInterface(child.stdout)) {
    if (line === 'ready') lines += 1;
    if (lines === times) return child.pid;
  }
  throw new Error('a server ended before it was ready');
}

function startServer(port: number, isBehindProxy: boolean, tasks: number): Promise<number> {
  const variables = { PORT: String(port), PROXY: isBehindProxy ? '1' : '0' };
  const command: Command = tasks === 1 ? [...RUN, SERVER] : [...RUN, '--tasks', String(tasks), SERVER];
  return ready(startChild(command, ['pipe', 'pipe', 'inherit'], variables), tasks);
}

async function alone(name: string, tasks: number): Promise<Contestant> {
  const port = await freePort();
  return { name, port, servers: [await startServer(port, false, tasks)], proxy: undefined };
}

async function behindProxy(name: string, count: number, folder: string): Promise<Contestant> {
  const port = await freePort();
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const servers = await Promise.all(ports.map((each) => startServer(each, true, 1)));
  const file = join(folder, `${count}.cfg`);
  const lines = ports.map((each, index) => `  server s${index} ${HOST}:${each} send-proxy-v2`);
  writeFileSync(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind ${HOST}:${port}
  default_backend back
backend back
  balance leastconn
  http-reuse never
${lines.join('\n')}
`,
  );
  const { pid } = startChild(['haproxy', '-db', '-f', file], ['ignore', 'ignore', 'inherit']);
  if (pid === undefined) throw new Error('HAProxy did not start');
  await answers(port);
  return { name, port, servers, proxy: pid };
}

/** Resolves when the port answers. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://${HOST}:${port}/hello`).catch(() => undefined);
    if (response?.status === 200) return;
  }
}

/** Returns the processor time of a process, in seconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function microseconds(value: string | undefined, unit: string | undefined): number {
  const factor = unit === 'us' ? 1 : unit === 'ms' ? 1000 : 1_000_000;
  return Number(value) * factor;
}

async function load({ port }: Contestant, path: string, seconds: number): Promise<string> {
  const url = `http://${HOST}:${port}/${path}`;
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', url];
  const child = startChild(['wrk', ...args], ['ignore', 'pipe', 'inherit']);
  if (child.stdout === null) throw new Error('wrk did not start');
  const output = await text(child.stdout);
  if (/Socket errors|Non-2xx/.test(output)) throw new Error(output);
  return output;
}

async function measure(contestant: Contestant, path: string, seconds: number): Promise<Round> {
  const { servers, proxy } = contestant;
  const cpu = (): readonly [number, number] => [
    servers.reduce((sum, pid) => sum + cpuOf(pid), 0),
    proxy === undefined ? 0 : cpuOf(proxy),
  ];
  const [serversBefore, proxyBefore] = cpu();
  const output = await load(contestant, path, seconds);
  const [serversAfter, proxyAfter] = cpu();
  const requests = Number(/(\d+) requests in/.exec(output)?.[1]);
  const percentile = (part: number): number => {
    const [, value, unit] = new RegExp(`${part}%\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? [];
    return microseconds(value, unit);
  };
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    p50Us: percentile(50),
    p99Us: percentile(99),
    serverUs: ((serversAfter - serversBefore) / requests) * 1_000_000,
    proxyUs: ((proxyAfter - proxyBefore) / requests) * 1_000_000,
  };
}

function summarize(path: string, contestant: string, rounds: readonly Round[]): ScaleRow {
  const of = (value: (round: Round) => number): number => Number(median(rounds.map(value)).toPrecision(4));
  return {
    path,
    contestant,
    perSecond: of(({ perSecond }) => perSecond),
    p50Us: of(({ p50Us }) => p50Us),
    p99Us: of(({ p99Us }) => p99Us),
    serverUs: of(({ serverUs }) => serverUs),
    proxyUs: of(({ proxyUs }) => proxyUs),
  };
}

async function measureAll(all: readonly Contestant[], count: number, seconds: number): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  for (const path of PATHS) {
    for (const contestant of all) await load(contestant, path, WARM_UP_S);
    const rounds = all.map((): Round[] => []);
    for (let round = 0; round < count; round += 1) {
      // Each is first as often as last.
      const order = [...all.entries()];
      if (round % 2 === 1) order.reverse();
      for (const [index, contestant] of order) {
        rounds[index]?.push(await measure(contestant, path, seconds));
      }
    }
    rows.push(...all.map(({ name }, index) => summarize(path, name, rounds[index] ?? [])));
  }
  return rows;
}

const HELP = `Usage: npm run bench:scale -- [options]

  --rounds N    rounds of each path and contestant (default 5)
  --seconds N   seconds of a round (default 2)
  --save        write bench/results/scale.json, from which docs/scale.md is made by \`npm run docs\`
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  killChildrenAtExit();
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-scale-'));
  process.on('exit', () => {
    rmSync(folder, { recursive: true });
  });
  const all = [
    await alone('one thread', 1),
    await alone('two tasks', 2),
    await behindProxy('one process behind HAProxy', 1, folder),
    await behindProxy('two processes behind HAProxy', 2, folder),
  ];
  const report: ScaleReport = {
    date: new Date().toISOString().slice(0, 10),
    machine: machineLine('servers, HAProxy and wrk share all of them'),
    connections: CONNECTIONS,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    rows: await measureAll(all, Number(values.rounds), Number(values.seconds)),
  };
  for (const row of scaleTableRows(report)) process.stdout.write(`${row.join(' | ')}\n`);
  if (values.save) writeFileSync(RESULTS, `${JSON.stringify(report, undefined, 2)}\n`);
  process.exit(0);
}
