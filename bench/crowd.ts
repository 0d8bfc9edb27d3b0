// Measures what peers that never read cost a reader: `npm run build && node build/bench/crowd.js`. One
// connection receives as fast as it can, in turn alone and beside a thousand others that connect to the same
// server and never read. Prints the medians and their ratio.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { killChildrenAtExit } from './children.js';
import { STACKS } from './contestants.js';
import { median } from './statistics.js';
import { Talk } from './talk.js';

const CROWD = 1000;
const ROUNDS = 3;
/** Time in which the buffers of all connections fill. */
const FILL_MS = 3000;
const WARMUP_MS = 500;
const MEASURE_MS = 1500;
const START_MS_MAX = 10_000;
const MIB = 1_048_576;
const SERVER = fileURLToPath(new URL('servers/asynctcp.js', import.meta.url));

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

async function join(port: number): Promise<Socket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: { buffer: new Uint8Array(MIB), callback: count },
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

let bytes = 0;

function count(received: number): boolean {
  bytes += received;
  return true;
}

/** Opens a connection that never reads. */
async function stare(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Resolves to the MiB/s of one reader of a new server beside `crowd` connections that do not read. */
async function rate(stack: string, crowd: number): Promise<number> {
  const server = new Talk(stack, [process.execPath, SERVER, 'send', stack]);
  const port = Number((await server.nextLine(START_MS_MAX)).split(' ')[1]);
  const sockets = [];
  while (sockets.length < crowd) sockets.push(await stare(port));
  await pause(crowd > 0 ? FILL_MS : 0);
  const reader = await join(port);
  await pause(WARMUP_MS);
  const [before, beganMs] = [bytes, performance.now()];
  await pause(MEASURE_MS);
  const perSecond = ((bytes - before) * 1000) / (performance.now() - beganMs) / MIB;
  for (const socket of [reader, ...sockets]) socket.destroy();
  await server.end();
  return perSecond;
}

killChildrenAtExit();
for (const stack of STACKS) {
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await rate(stack, 0));
    beside.push(await rate(stack, CROWD));
  }
  const [one, other] = [median(alone), median(beside)];
  const ratio = median(beside.map((value, round) => value / (alone[round] ?? value)));
  console.log(
    `${stack}: ${one.toFixed(0)} MiB/s alone, ${other.toFixed(0)} beside ${CROWD} that never read (x ${ratio.toFixed(2)})`,
  );
}
process.exit(0);
