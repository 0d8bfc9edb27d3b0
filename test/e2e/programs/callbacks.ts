/**
 * Records what runs between callbacks, and in which context: `callbacks.js STACK SCENARIO` prints the record
 * as JSON. The scenarios need a program of their own, because a test runner has its own ticks and contexts.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AsyncClient, AsyncServer } from 'asynctcp';
import { makeStack } from '../../support/stacks.js';
import { until } from '../../support/until.js';

const COUNT = 20;
/**
 * Interval of `onPoll`. The program blocks for this time, so that the polls of all clients are due at once.
 */
const POLL_MS = 500;
const [name = '', scenario = ''] = process.argv.slice(2);
const stack = makeStack(name);
const log: string[] = [];

/** Queues a tick and a microtask, each of which queues another one. */
function leaveWork(id: number | string): void {
  process.nextTick(() => {
    log.push(`tick ${id}`);
    void Promise.resolve().then(() => log.push(`promise of the tick ${id}`));
  });
  queueMicrotask(() => {
    log.push(`microtask ${id}`);
    process.nextTick(() => log.push(`tick of the microtask ${id}`));
  });
}

async function serve(onClient: (client: AsyncClient) => void): Promise<AsyncServer> {
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  server.onClient(onClient);
  await server.begin();
  return server;
}

async function visitors(server: AsyncServer): Promise<Socket[]> {
  const sockets = Array.from({ length: COUNT }, () => connect(server.port(), '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  await until('all visitors are accepted', () => server.count() === COUNT);
  return sockets;
}

/** Number of turns of the event loop. */
let turn = 0;
setImmediate(function next() {
  turn += 1;
  setImmediate(next).unref();
}).unref();

/** Many sockets are readable at once. */
async function data(): Promise<unknown> {
  const turns: number[] = [];
  const server = await serve((client) => {
    client.onData((_, bytes) => {
      const id = bytes[0] ?? -1;
      turns.push(turn);
      log.push(`callback ${id}`);
      leaveWork(id);
    });
  });
  for (const [id, socket] of (await visitors(server)).entries()) socket.write(Uint8Array.of(id));
  await until('all data has come', () => turns.length === COUNT);
  await until('all work is done', () => log.length === 5 * COUNT);
  return { log, turns: new Set(turns).size };
}

/** Many timers are due at the same time. */
async function polls(): Promise<unknown> {
  let polled = 0;
  const server = await serve((client) => {
    const id = server.count();
    client.onPoll(() => {
      if (polled >= COUNT) return;
      polled += 1;
      log.push(`callback ${id}`);
      leaveWork(id);
    });
  });
  await visitors(server);
  const dueMs = performance.now() + POLL_MS;
  while (performance.now() < dueMs);
  await until('all work is done', () => log.length === 5 * COUNT);
  return { log };
}

/** Connections are reset: `onError`, then `onDisconnect`. */
async function error(): Promise<unknown> {
  const over: string[] = [];
  const server = await serve((client) => {
    const id = server.count();
    client.onError(() => {
      log.push(`callback error ${id}`);
      leaveWork(`error ${id}`);
    });
    client.onDisconnect(() => {
      log.push(`callback disconnect ${id}`);
      leaveWork(`disconnect ${id}`);
      over.push(`${id}`);
    });
  });
  for (const socket of await visitors(server)) socket.resetAndDestroy();
  await until('all connections are over', () => over.length === COUNT);
  await until('all work is done', () => log.length === 2 * 5 * COUNT);
  return { log };
}

/** One of two ticks throws. */
async function throwing(): Promise<unknown> {
  const uncaught: string[] = [];
  process.on('uncaughtException', (thrown) => uncaught.push(thrown.message));
  const server = await serve((client) => {
    client.onData((_, bytes) => {
      const id = bytes[0] ?? -1;
      log.push(`callback ${id}`);
      process.nextTick(() => {
        throw new Error(`tick ${id}`);
      });
      queueMicrotask(() => {
        throw new Error(`microtask ${id}`);
      });
      leaveWork(id);
      client.write(bytes);
    });
    client.onDisconnect(() => log.push('disconnect'));
  });
  const sockets = await visitors(server);
  let answers = 0;
  for (const [id, socket] of sockets.entries()) {
    socket.on('data', (answer) => (answers += answer.length));
    socket.write(Uint8Array.of(id));
  }
  await until(
    'all have answers',
    () => answers === COUNT && log.length >= 5 * COUNT && uncaught.length >= 2 * COUNT,
  );
  return { log, uncaught };
}

const storage = new AsyncLocalStorage<string>();
const told = (what: string): void => void log.push(`${what} ${storage.getStore() ?? '-'}`);

/** Returns a handler that records its context and then enters another one, which no other code may see. */
function handler(what: string, then: () => void = () => undefined): () => void {
  return () => {
    told(what);
    storage.enterWith(`entered in ${what}`);
    then();
  };
}

/** Handlers that were set in a context and without one, over two lives. */
async function contexts(): Promise<unknown> {
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  storage.run('server', () => {
    server.onClient((accepted) => {
      told('client');
      accepted.onData((_, bytes) => accepted.write(bytes));
    });
  });
  await server.begin();
  const client = new AsyncClient({ stack });
  let lives = 0;
  let heard = 0;
  const hears = (): void => void (heard += 1);
  let over: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (over = resolve));
  const connectIn = (context: string): void => {
    storage.run(context, () => client.connect('127.0.0.1', server.port()));
  };
  storage.run('set connect', () => client.onConnect(handler('connect', () => client.write('x'))));
  storage.run('set ack', () => client.onAck(handler('ack', hears)));
  client.onData(handler('data', hears));
  const poll = handler('poll', () => {
    lives += 1;
    storage.run('ending', () => (lives === 1 ? client.close() : client.abort()));
  });
  client.onPoll(() => {
    if (heard === 2 * (lives + 1)) poll();
  });
  storage.run('set error', () => client.onError(handler('error')));
  client.onDisconnect(
    handler('disconnect', () => {
      if (lives === 1) connectIn('connecting again');
      else over();
    }),
  );
  connectIn('connecting');
  await ended;
  await storage.run('waiting', async () => {
    const other = await AsyncClient.open('127.0.0.1', server.port(), { stack });
    told('opened');
    other.write('y');
    await other.flushed();
    told('flushed');
    other.abort();
    await server.end({ clients: 'abort' });
    told('ended');
  });
  return { log };
}

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  data,
  polls,
  error,
  throwing,
  contexts,
};
const result = await scenarios[scenario]?.();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
