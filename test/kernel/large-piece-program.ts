/**
 * Receives by `onData` on the given stack until the stack allocates the block that makes the allocator keep
 * freed memory, then prints `kept`.
 */
import process from 'node:process';
import { AsyncClient, AsyncServer, kernelStack, nodeStack } from 'asynctcp';

const stack = process.argv[2] === 'kernel' ? kernelStack() : nodeStack();
/** Size of that block; no other allocation of the program is as large. */
const BLOCK_BYTES = 16 * 1024 * 1024;

globalThis.ArrayBuffer = new Proxy(ArrayBuffer, {
  construct(target, [bytes]: [number]) {
    if (bytes < BLOCK_BYTES) return new target(bytes);
    console.log('kept');
    process.exit();
  },
});

const server = new AsyncServer(0, { address: '127.0.0.1', stack });
server.onClient((client) => {
  client.onData(() => undefined);
});
await server.begin();
const sender = new AsyncClient({ stack });
const chunk = new Uint8Array(1024 * 1024);
const fill = (): void => {
  while (sender.canSend()) sender.add(chunk, 0);
  sender.send();
};
sender.onConnect(fill);
sender.onAck(fill);
sender.connect('127.0.0.1', server.port());
