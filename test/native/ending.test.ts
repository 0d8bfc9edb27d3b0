/** The end of a worker as its peer sees it, and the end of the native loop with its sockets or its worker. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AsyncClient, kernelStack } from 'asynctcp';
import { PAGE_BYTES, type NativeSockets } from '#src/addon/native-sockets.js';
import { PythonPeer } from '../peers/python-peer.js';
import { unlessInstalled } from '../e2e/programs.js';
import { Random } from '../support/random.js';
import { LITTLE, MUCH, startWorker, STREAM, type EndingOrder } from './ending.js';
import { requireAddon, unlessAddonLoads } from './require-addon.js';

// The watchdog's thread has descriptors of its own.
process.env['CONFIG_ASYNC_TCP_USE_WDT'] = '0';

const HANGS_MS = 120_000;
const skip = unlessAddonLoads();

describe('a worker that ends', { skip: skip || unlessInstalled('python3'), timeout: HANGS_MS }, () => {
  async function play(
    test: TestContext,
    way: EndingOrder['way'],
  ): Promise<{ message: unknown; drained: unknown }> {
    const peer = new PythonPeer('127.0.0.1');
    test.after(() => peer.end());
    const listener = await peer.listen();
    const worker = startWorker({ port: listener.port, way });
    const exited = once(worker, 'exit');
    const [message] = (await once(worker, 'message')) as [unknown];
    const socket = await listener.accept();
    if (way === 'fill') await worker.terminate();
    await exited;
    // Nothing of it was read before.
    const { bytes, matches, end } = await socket.drain(STREAM);
    assert.ok(matches);
    return { message, drained: { isWhole: bytes === (way === 'close' ? LITTLE : MUCH), end } };
  }

  for (const [title, way] of [
    ['by terminate()', 'fill'],
    ['by process.exit()', 'exit'],
    ['by itself, its client being unref’d', 'natural'],
  ] as const) {
    it(`${title} resets a stream whose FIN it had not sent`, async (test) => {
      const { message, drained } = await play(test, way);
      assert.equal(message, 'under way');
      assert.deepEqual(drained, { isWhole: false, end: 'reset' });
    });
  }

  it('after a client has closed and all of it is acknowledged is no reset', async (test) => {
    const { message, drained } = await play(test, 'close');
    assert.equal(message, 'closed');
    assert.deepEqual(drained, { isWhole: true, end: 'fin' });
  });
});

/** Descriptors of sockets, epoll and the null device: others are the runtime's. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((name) =>
    /^(socket|anon_inode)|^\/dev\/null$/.test(linkOf(name)),
  ).length;
}

/** The directory's own descriptor is gone when it is looked at. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}

function collect(): number {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  for (let count = 0; count < 3 && typeof gc === 'function'; count += 1) Reflect.apply(gc, undefined, []);
  return process.memoryUsage().arrayBuffers;
}

async function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the native loop', { skip, timeout: HANGS_MS }, () => {
  /** A peer on node:net that says what it hears: the only sockets of the stack are clients. */
  async function echoPort(test: TestContext): Promise<number> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    test.after(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function comeAndGo(port: number, ends: (client: AsyncClient) => void): Promise<void> {
    const client = await AsyncClient.open('127.0.0.1', port, { stack: kernelStack() });
    await new Promise<void>((resolve) => {
      client.onDisconnect(() => {
        resolve();
      });
      client.onData(() => ends(client));
      client.write('ball');
    });
  }

  it('ends with its last socket a thousand times, and leaves nothing', async (test) => {
    const port = await echoPort(test);
    const none = descriptors();
    await comeAndGo(port, (client) => client.abort());
    while (descriptors() > none) await nextTurn();
    const before = collect();
    for (let count = 0; count < 1000; count += 1) {
      await comeAndGo(port, (client) => (count % 2 === 0 ? client.abort() : client.close()));
      // Now and then before the loop has ended, at its end, and behind it.
      for (let turn = 0; turn < count % 5; turn += 1) await nextTurn();
    }
    while (descriptors() > none) await nextTurn();
    const grown = collect() - before;
    // One loop has more, in its arena and pages.
    assert.ok(grown < 524_288, `${grown} bytes more`);
  });

  it('begins again in the callback in which the last one ended', async (test) => {
    const port = await echoPort(test);
    const before = descriptors();
    const stack = kernelStack();
    const client = new AsyncClient({ stack });
    let lives = 0;
    const over = new Promise<void>((resolve) => {
      client.onConnect(() => client.write('ball'));
      client.onData(() => {
        lives += 1;
        client.abort();
      });
      client.onDisconnect(() => {
        if (lives === 100) resolve();
        else client.connect('127.0.0.1', port);
      });
    });
    client.connect('127.0.0.1', port);
    await over;
    while (descriptors() > before) await nextTurn();
  });

  it('refuses what is asked of it when it has ended', async () => {
    const native = requireAddon().openSockets(() => false, false);
    const slot = native.listen('127.0.0.1', 0, 1, 0, 0);
    native.close(slot);
    native.end();
    native.end();
    const before = descriptors();
    assertRefuses(native);
    // Its descriptors are closed in a later turn.
    while (descriptors() >= before) await nextTurn();
    assertRefuses(native);
  });

  function assertRefuses(native: NativeSockets): void {
    assert.ok(native.connect('127.0.0.1', undefined, 1, 0, 0, 0) < 0);
    assert.ok(native.listen('127.0.0.1', 0, 1, 0, 0) < 0);
    assert.ok(native.localEnd(0) < 0);
    assert.ok(native.setPage(0, new ArrayBuffer(PAGE_BYTES)) < 0);
    for (const call of ['state', 'acked', 'path', 'waiting', 'shutdown', 'close', 'reset'] as const) {
      assert.ok(native[call](0) < 0);
    }
  }

  it('ends with its worker at any moment', async () => {
    const random = new Random(7);
    const before = descriptors();
    for (let round = 0; round < 4; round += 1) {
      const workers = Array.from({ length: 3 }, () => startWorker({ port: 0, way: 'come and go' }));
      await Promise.all(
        workers.map(async (worker) => {
          await once(worker, 'message');
          const turns = random.whole(0, 200);
          for (let turn = 0; turn < turns; turn += 1) await nextTurn();
          await worker.terminate();
        }),
      );
    }
    while (descriptors() > before) await nextTurn();
  });
});
