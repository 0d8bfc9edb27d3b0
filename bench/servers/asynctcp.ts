// The same server on this library. Arguments after the mode: the stack and the variants to compare.

import process from 'node:process';
import { isMainThread, parentPort } from 'node:worker_threads';

import {
  AsyncClient,
  AsyncServer,
  configure,
  startTasks,
  type ErrorHandler,
  type PacketHandler,
} from 'asynctcp';

import { ONACK, ONPACKET, STACKS, TASKS, UNWATCHED, VIEW } from '../contestants.js';
import { announce, askedMode, CHUNK, fault } from './child.js';

const mode = askedMode();
const [stackName, ...words] = process.argv.slice(3);
const stack = STACKS.find((name) => name === stackName);
if (stack === undefined) fault(`not a stack of the benchmark: ${String(stackName)}`);
configure({ useWdt: words.includes(UNWATCHED) ? 0 : 1 });

const takesPackets = words.includes(ONPACKET);
const options = { view: words.includes(VIEW) };

/** Writes a whole message. There is space for it, because each connection has one message at a time. */
function writeAll(client: AsyncClient, data: Uint8Array): void {
  const taken = client.write(data);
  if (taken !== data.length) fault(`write took ${taken} of ${data.length} bytes`);
}

// One handler function for all connections, as in a program with many of them.

const echoPacket: PacketHandler = (client, packet) => {
  writeAll(client, packet.data);
  client.ackPacket(packet);
};

const dropPacket: PacketHandler = (client, packet) => {
  client.ackPacket(packet);
};

const nothing = (): void => undefined;

const failed: ErrorHandler = (_, error) => {
  // In mode `send` the reader goes away at any time.
  if (mode !== 'send') fault(`a connection failed: ${AsyncClient.errorToString(error)}`);
};

function sendWithoutEnd(client: AsyncClient): void {
  let position = 0;
  const fill = (): void => {
    while (client.canSend()) {
      // Flags 0: the chunk never changes, so it does not have to be copied.
      position = (position + client.add(CHUNK.subarray(position), 0)) % CHUNK.length;
    }
    client.send();
  };
  client.onAck(fill);
  fill();
}

const tasks = Number(words.find((word) => word.startsWith(TASKS))?.slice(TASKS.length) ?? 0);
if (tasks > 0 && isMainThread) {
  const group = startTasks(new URL(import.meta.url), tasks, {}, { argv: process.argv.slice(2) });
  const port = await new Promise<number>((resolve) => {
    group.onMessage((posted) => {
      resolve(Number(posted));
    });
  });
  await group.ready;
  announce(port);
} else {
  await serve(stack);
}

async function serve(on: (typeof STACKS)[number]): Promise<void> {
  const server = new AsyncServer(0, { address: '127.0.0.1', stack: on });
  server.setNoDelay(true);
  server.onClient((client) => {
    client.onError(failed);
    if (words.includes(ONACK)) client.onAck(nothing);
    if (mode === 'send') sendWithoutEnd(client);
    else if (takesPackets) client.onPacket(mode === 'echo' ? echoPacket : dropPacket);
    else client.onData(mode === 'echo' ? writeAll : nothing, options);
  });

  await server.begin();
  if (parentPort === null) announce(server.port());
  else parentPort.postMessage(server.port());
}
