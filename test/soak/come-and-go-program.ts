/**
 * The program under test of `come-and-go.test.ts`: servers and the clients that come to them and go, in one
 * process. It tells what the process holds after the warm-up and at the end.
 *
 *     node come-and-go-program.js warm-up-connections connections
 *
 * Lines on stdout: `IdleHoldings` twice, then `Outcomes`.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import { AsyncServer, nodeStack } from 'asynctcp';
import { holdings, quiet, type Holdings } from './holdings.js';
import { go, serveWays, WAYS, type Way } from './ways.js';

/** What the process holds when no connection is there. */
export interface IdleHoldings extends Holdings {
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

async function tell(): Promise<void> {
  await quiet(
    () => staying > 0 || accepted > 0 || stack.timers.size > 0,
    () => ({ staying, accepted, timers: stack.timers.size }),
  );
  const idle: IdleHoldings = {
    ...(await holdings()),
    timers: stack.timers.size,
    listeners: getEventListeners(signal, 'abort').length,
  };
  console.log(JSON.stringify(idle));
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
