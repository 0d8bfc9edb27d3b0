/**
 * A server for tests of tasks and their watchdog, in any kind of thread. It prints its port, posts it to the
 * thread's parent, echoes, and executes messages that are a known word in its `onData`. Its output is written
 * at once, also while it blocks.
 */
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { AsyncServer, type AsyncClient } from 'asynctcp';

/** Longer than any test. */
const FOR_EVER_MS = 600_000;

function spinning(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function print(line: string): void {
  writeSync(1, `${line}\n`);
}

const server = new AsyncServer('127.0.0.1', 0);

const ORDERS: Readonly<Record<string, (client: AsyncClient) => void>> = {
  block: () => {
    print('blocks');
    spinning(FOR_EVER_MS);
  },
  spin: (client) => {
    print('spins');
    spinning(3000);
    client.write('spun');
  },
  drop: (client) => {
    client.close();
    void server.end();
  },
};

server.onClient((client) => {
  client.onData((_, data) => {
    const order = ORDERS[new TextDecoder().decode(data)];
    if (order === undefined) client.write(data);
    else order(client);
  });
});
await server.begin();
print(`port ${server.port()}`);
parentPort?.postMessage({ port: server.port() });
