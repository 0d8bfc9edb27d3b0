/** A client in a worker that ends in one of several ways; `ending.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { AsyncClient, AsyncServer, kernelStack } from 'asynctcp';
import { pattern } from '../contract/pattern.js';
import { LITTLE, MUCH, STREAM, type EndingOrder } from './ending.js';

// Node gives workerData no type; ending.ts is the only one that starts this program.
const { port, way } = workerData as EndingOrder;
const stack = kernelStack();

function write(client: AsyncClient, bytes: number): void {
  client.write(pattern(STREAM, 0, bytes));
}

async function comeAndGo(): Promise<never> {
  for (;;) {
    const server = new AsyncServer('127.0.0.1', 0, { stack });
    server.onClient((client) => {
      client.onData((_, data) => client.write(data));
    });
    await server.begin();
    const client = await AsyncClient.open('127.0.0.1', server.port(), { stack });
    await new Promise<void>((resolve) => {
      client.onDisconnect(() => {
        resolve();
      });
      client.onData(() => client.close());
      client.write('ball');
    });
    await server.end({ clients: 'abort' });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (way === 'come and go') {
  parentPort?.postMessage('begins');
  await comeAndGo();
}
const client = await AsyncClient.open('127.0.0.1', port, { stack });
if (way === 'close') {
  client.onDisconnect((_, reason) => {
    parentPort?.postMessage(reason);
    // The peer's FIN is still waited for.
    process.exit(0);
  });
  write(client, LITTLE);
  client.close();
} else {
  write(client, MUCH);
  parentPort?.postMessage(client.unacknowledged() > 0 ? 'under way' : 'all acknowledged');
  if (way === 'exit') process.exit(0);
  if (way === 'natural') client.unref();
}
