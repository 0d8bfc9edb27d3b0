// The same server on this library. After the mode come the stack and what is to be compared.

import process from 'node:process';

import { AsyncClient, AsyncServer, configure, type ErrorHandler, type PacketHandler } from 'asynctcp';

import { ONACK, ONPACKET, STACKS, UNWATCHED, VIEW } from '../contestants.js';
import { announce, askedMode, CHUNK, fault } from './child.js';

const mode = askedMode();
const [stackName, ...words] = process.argv.slice(3);
const stack = STACKS.find((name) => name === stackName);
if (stack === undefined) fault(`not a stack of the benchmark: ${String(stackName)}`);
configure({ useWdt: words.includes(UNWATCHED) ? 0 : 1 });

const takesPackets = words.includes(ONPACKET);
const options = { view: words.includes(VIEW) };

/** One message of a connection is on its way at a time, so there is always room for all of it. */
function writeAll(client: AsyncClient, data: Uint8Array): void {
  const taken = client.write(data);
  if (taken !== data.length) fault(`write took ${taken} of ${data.length} bytes`);
}

// One function for all connections, as a program with many of them would have it: each gets its client.

const echoPacket: PacketHandler = (client, packet) => {
  writeAll(client, packet.data);
  client.ackPacket(packet);
};

const dropPacket: PacketHandler = (client, packet) => {
  client.ackPacket(packet);
};

const nothing = (): void => undefined;

const failed: ErrorHandler = (_, error) => {
  // The reader of `send` goes away in the middle.
  if (mode !== 'send') fault(`a connection failed: ${AsyncClient.errorToString(error)}`);
};

function sendWithoutEnd(client: AsyncClient): void {
  let position = 0;
  const fill = (): void => {
    while (client.canSend()) {
      // Flags 0: the chunk never changes, so it need not be copied.
      position = (position + client.add(CHUNK.subarray(position), 0)) % CHUNK.length;
    }
    client.send();
  };
  client.onAck(fill);
  fill();
}

const server = new AsyncServer(0, { address: '127.0.0.1', stack });
server.setNoDelay(true);
server.onClient((client) => {
  client.onError(failed);
  if (words.includes(ONACK)) client.onAck(nothing);
  if (mode === 'send') sendWithoutEnd(client);
  else if (takesPackets) client.onPacket(mode === 'echo' ? echoPacket : dropPacket);
  else client.onData(mode === 'echo' ? writeAll : nothing, options);
});

await server.begin();
announce(server.port());
