/**
 * The program under test of `come-and-go.test.ts`: servers and short-lived clients in one process. It prints
 * what the process holds after the warm-up and at the end.
 *
 *     node come-and-go-program.js warm-up-connections connections
 *
 * Lines on stdout: `IdleHoldings` twice, then `Outcomes`.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import { AsyncServer, nodeStack } from 'asynctcp';
import { holdings, quiet, type Holdings } from './holdings.js';
import { runWay, serveWays, WAYS, type Way } from './ways.js';
import { heldBy } from '../support/stacks.js';

/** Holdings of the process while there is no connection. */
export interface IdleHoldings extends Holdings {
  /** Holdings of the stack, without its listeners. */
  readonly held: number;
  readonly listeners: number;
}

/** For each way, the number of connections by their sequence of callbacks. */
export type Outcomes = Record<Way, Record<string, number>>;

/** Several, so that enough ports are left while those of the last run are in TIME_WAIT. */
const ADDRESSES = [1, 2, 3, 4, 5, 6, 7, 8].map((last) => `127.0.0.${last}`);
const WAVE = 50;
/** Coprime to the number of ways, so that each way is also run with a host name. */
const EACH_BY_NAME = 7;

const [warmUp, connections] = process.argv.slice(2).map(Number);
const stack = nodeStack();
const servers = ADDRESSES.map((address) => new AsyncServer(address, 0, { stack }));
const { signal } = new AbortController();
// Node warns about more than ten listeners.
setMaxListeners(0, signal);
const shared = { stack, servers, signal };
const outcomes = Object.fromEntries(WAYS.map((way) => [way, {}])) as Outcomes;
/** Accepted clients that are not over. */
let accepted = 0;
/** Connections that outlive their wave. */
let outliving = 0;

async function run(way: Way, server: AsyncServer, byName: boolean): Promise<void> {
  const callbacks = await runWay(way, shared, server, byName);
  outcomes[way][callbacks] = (outcomes[way][callbacks] ?? 0) + 1;
}

async function runBeyondWave(way: Way, server: AsyncServer, byName: boolean): Promise<void> {
  outliving += 1;
  await run(way, server, byName);
  outliving -= 1;
}

/** Runs connection `number`: all ways and servers take turns. */
async function connect(number: number): Promise<void> {
  const way = WAYS[number % WAYS.length] ?? WAYS[0];
  const byName = number % EACH_BY_NAME === 0;
  // The name resolves to the first address.
  const server = servers[byName ? 0 : Math.floor(number / WAYS.length) % servers.length];
  if (server === undefined) return;
  if (way === 'closes at a poll') void runBeyondWave(way, server, byName);
  else await run(way, server, byName);
}

async function comeAndGo(from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += WAVE) {
    await Promise.all(Array.from({ length: WAVE }, (_, index) => connect(first + index)));
  }
  // Cancelled clients may still wait in the accept queues; a last client behind them makes sure they are
  // accepted.
  await Promise.all(servers.map((server) => run('client closes', server, false)));
}

async function report(): Promise<void> {
  await quiet(
    () => outliving > 0 || accepted > 0 || heldBy(stack) > 0,
    () => ({ outliving, accepted, stack: stack.holdings() }),
  );
  const idle: IdleHoldings = {
    ...(await holdings()),
    held: heldBy(stack),
    listeners: getEventListeners(signal, 'abort').length,
  };
  console.log(JSON.stringify(idle));
}

// Opens the pipes of the standard streams now: they count as resources from their first use on.
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
await report();
await comeAndGo(warmUp ?? 0, connections ?? 0);
await report();
console.log(JSON.stringify(outcomes));
for (const server of servers) await server.end();
