/**
 * A task for tests: a server that echoes, and executes orders, messages that begin with a known word, in its
 * `onData`. It posts its port.
 */
import { execSync } from 'node:child_process';
import { parentPort } from 'node:worker_threads';
import { AsyncClient, AsyncServer, taskNumber } from 'asynctcp';
import { loadAddon } from '#src/addon/load-addon.js';

/** Blocks the thread in JavaScript. */
function spinning(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function depth(): number {
  const loaded = loadAddon();
  return loaded.addon?.stackDepth() ?? 0;
}

/** Recurses, and returns the depth of the stack in bytes. */
function descend(calls: number): number {
  return calls === 0 ? depth() : Math.max(descend(calls - 1), 0);
}

// Compiled now, and not in its deepest call, where the compiler would use the same stack.
for (let warm = 0; warm < 5000; warm += 1) descend(50);

const ORDERS: Readonly<Record<string, (argument: number) => string>> = {
  spin: (ms) => {
    // The message is on its way though this thread blocks.
    parentPort?.postMessage({ port: server.port(), isSpinning: true });
    spinning(ms);
    return 'spun';
  },
  wait: (ms) => {
    execSync(`sleep ${ms / 1000}`);
    return 'waited';
  },
  descend: (calls) => String(descend(calls)),
  mark: () => String(AsyncClient.getStackHighWaterMark()),
  number: () => String(taskNumber()),
  throw: () => {
    setImmediate(() => {
      throw new Error('asked to');
    });
    return 'throws';
  },
};

const server = new AsyncServer('127.0.0.1', 0);
server.onClient((client) => {
  client.onData((_, data) => {
    const text = new TextDecoder().decode(data);
    const [word = '', argument = '0'] = text.trim().split(' ');
    const order = ORDERS[word];
    client.write(order === undefined ? data : order(Number(argument)));
  });
});
await server.begin();
parentPort?.postMessage({ port: server.port() });
