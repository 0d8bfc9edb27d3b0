// One measurement, in a process of its own: `node --expose-gc child.js contestant workload ms`. Prints its
// figure.

import { AsyncClientContestant, kernelWorld, virtualWorld } from './async-client.js';
import type { Batch, Contestant } from './contestant.js';
import { IDLE_CONNECTIONS } from './figures.js';
import { NodeNetContestant } from './node-net.js';
import { TcpipContestant } from './tcpip.js';

/** Things of the first batch; bytes of it, for `bulk`. */
const FIRST_COUNT = 500;
const FIRST_BYTES = 4_000_000;
/** Share of the time after which a batch is long enough to tell the rate. */
const WARM_SHARE = 0.3;
/** Connections of a batch at most: the kernel's ports are in TIME_WAIT for a minute. */
const MOST_CONNECTIONS = 20_000;

const [name = '', workload = '', msText = '1000'] = process.argv.slice(2);

function contestant(): Contestant {
  switch (name) {
    case 'runSync':
      return new AsyncClientContestant(virtualWorld(false));
    case 'run':
      return new AsyncClientContestant(virtualWorld(true));
    case 'kernel':
      return new AsyncClientContestant(kernelWorld());
    case 'node:net':
      return new NodeNetContestant();
    case 'tcpip':
      return new TcpipContestant();
    default:
      throw new RangeError(`no contestant: ${name}`);
  }
}

function batchOf(measured: Contestant): Promise<Batch> {
  if (workload === 'bulk') return measured.bulk();
  if (workload === 'connect-close') return measured.connectClose();
  return measured.echo(workload === 'echo-50' ? 50 : 1);
}

/** Runs batches, each larger, until one is long enough; then one that lasts about `ms`. Returns its rate. */
async function rateOf({ run, rest }: Batch, firstCount: number, ms: number): Promise<number> {
  // All runs on one core: with it to itself, the process would take the time that it computes.
  const timed = async (count: number): Promise<number> => {
    const before = process.cpuUsage();
    await run(count);
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    await rest?.();
    return tookMs;
  };
  let count = firstCount;
  let tookMs = await timed(count);
  // The engine compiles the code meanwhile.
  for (let warmMs = tookMs; warmMs < ms || tookMs < ms * WARM_SHARE; warmMs += tookMs) {
    if (tookMs < ms * WARM_SHARE) count *= 2;
    tookMs = await timed(count);
  }
  count = Math.ceil((count * ms) / tookMs);
  if (workload === 'connect-close') count = Math.min(count, MOST_CONNECTIONS);
  return (count * 1000) / (await timed(count));
}

/** Returns the bytes of the JavaScript heap and of buffers that the connections add. */
async function memoryOf(measured: Contestant): Promise<number> {
  const bytes = (): number => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = bytes();
  await measured.idle?.(IDLE_CONNECTIONS);
  return bytes() - before;
}

const measured = contestant();
let figure: number | undefined;
if (workload === 'idle') {
  if (measured.idle !== undefined && name !== 'kernel') figure = await memoryOf(measured);
} else {
  const first = workload === 'bulk' ? FIRST_BYTES : FIRST_COUNT;
  figure = await rateOf(await batchOf(measured), first, Number(msText));
}
process.stdout.write(`${figure ?? ''}\n`, () => process.exit(0));
