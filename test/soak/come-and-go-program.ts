/**
 * The program under test of `come-and-go.test.ts`: servers and the clients that come to them and go, in one
 * process. It tells what the process holds after the warm-up and at the end.
 *
 *     node come-and-go-program.js warm-up-connections connections
 *
 * Lines on stdout: `Holdings` twice, then `Outcomes`.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { AsyncClient, AsyncServer, nodeStack } from 'asynctcp';
import { go, serveWays, WAYS, type Way } from './ways.js';

/** What the process holds when no connection is there. */
export interface Holdings {
  /** Clients in memory, over and not collected. */
  readonly clients: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly timers: number;
  readonly listeners: number;
}

/** For each way, how often which callbacks came. */
export type Outcomes = Record<Way, Record<string, number>>;

/** Several, so that the TIME_WAIT of one run leaves ports to the next. */
const ADDRESSES = [1, 2, 3, 4, 5, 6, 7, 8].map((last) => `127.0.0.${last}`);
const NOBODYS_ADDRESS = '127.0.0.9';
const WAVE = 50;
/** So many of them share nothing with the number of ways: each way is gone by name as well. */
const EACH_BY_NAME = 7;
const COLLECTIONS = 6;
/** A program that never lets go of something fails; none that does waits so long. */
const PATIENCE_MS = 15_000;

const [warmUp, connections] = process.argv.slice(2).map(Number);
const stack = nodeStack();
const servers = ADDRESSES.map((address) => new AsyncServer(address, 0, { stack }));
const { signal } = new AbortController();
// Node warns of more than ten.
setMaxListeners(0, signal);
const place = { stack, servers, signal, nobodysAddress: NOBODYS_ADDRESS };
const outcomes = Object.fromEntries(WAYS.map((way) => [way, {}])) as Outcomes;
/** Accepted and not over. */
let accepted = 0;
/** Connections that outlive their wave. */
let staying = 0;

async function play(way: Way, server: AsyncServer, byName: boolean): Promise<void> {
  const callbacks = await go(way, place, server, byName);
  outcomes[way][callbacks] = (outcomes[way][callbacks] ?? 0) + 1;
}

async function stay(way: Way, server: AsyncServer, byName: boolean): Promise<void> {
  staying += 1;
  await play(way, server, byName);
  staying -= 1;
}

/** The one that `number` says, of all ways and servers in turn. */
async function come(number: number): Promise<void> {
  const way = WAYS[number % WAYS.length] ?? WAYS[0];
  const byName = number % EACH_BY_NAME === 0;
  // The name is the first address's.
  const server = servers[byName ? 0 : Math.floor(number / WAYS.length) % servers.length];
  if (server === undefined) return;
  if (way === 'closes at a poll') void stay(way, server, byName);
  else await play(way, server, byName);
}

async function comeAndGo(from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += WAVE) {
    await Promise.all(Array.from({ length: WAVE }, (_, index) => come(first + index)));
  }
  // Who was given up may still wait to be accepted: before whoever comes last.
  await Promise.all(servers.map((server) => play('client closes', server, false)));
}

function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function isIdle(): boolean {
  const busy = Object.keys(resources()).some((name) => /^(TCPSocket|TCPConnect|GetAddrInfo)/.test(name));
  return staying === 0 && accepted === 0 && stack.timers.size === 0 && !busy;
}

async function holdings(): Promise<Holdings> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!isIdle()) {
    if (performance.now() > deadlineMs) {
      const held = { staying, accepted, timers: stack.timers.size, resources: resources() };
      throw new Error(`waited in vain until every connection was gone: ${JSON.stringify(held)}`);
    }
    await setTimeout(1);
  }
  let clients = 0;
  for (let count = 0; count < COLLECTIONS; count += 1) {
    // To count them the engine collects its garbage, and more thoroughly than `gc()` makes it.
    clients = queryObjects(AsyncClient, { format: 'count' });
    await setImmediate();
  }
  return {
    clients,
    heapBytes: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: resources(),
    timers: stack.timers.size,
    listeners: getEventListeners(signal, 'abort').length,
  };
}

async function tell(): Promise<void> {
  console.log(JSON.stringify(await holdings()));
}

// Their pipes are opened at the first use, and are among the resources from then on.
process.stdout.write('');
process.stderr.write('');
for (const server of servers) {
  serveWays(
    server,
    () => (accepted += 1),
    () => (accepted -= 1),
  );
  await server.begin();
}
await comeAndGo(0, warmUp ?? 0);
await tell();
await comeAndGo(warmUp ?? 0, connections ?? 0);
await tell();
console.log(JSON.stringify(outcomes));
for (const server of servers) await server.end();
