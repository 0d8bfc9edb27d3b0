import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { AsyncClient } from '../../asynctcp/async-client.js';
import type { Connection, ConnectionEvents } from '../../port/tcp-stack.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS } from '../system/lingering.js';
import { SHARE_BYTES } from '../system/send-budget.js';
import { DEFAULT_BUFFER_BYTES, NodeStack } from './node-stack.js';
import { canReset } from './socket-facts.js';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Goes round the loop until the condition holds; the runner ends a test that waits in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

async function listening(onSocket: (socket: Socket) => void, allowHalfOpen = false): Promise<Server> {
  const server = createServer({ allowHalfOpen }, (socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Counts the ends that were reported. */
interface Ends {
  over: number;
}

/** A connection of the port; resolves when it stands. */
function opened(stack: NodeStack, port: number, ends: Ends): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const receiver: ConnectionEvents = {
      onData: () => undefined,
      onAcked: () => undefined,
      onEnd: () => undefined,
      onClosed: () => (ends.over += 1),
    };
    const target = { address: '127.0.0.1', port, localPort: 0 };
    stack.connect(target, {
      onConnected: (connection) => {
        resolve(connection);
        return receiver;
      },
      onFailed: ({ code }) => {
        reject(new Error(`failed with ${code}`));
      },
    });
  });
}

/** Connections that may linger at once. */
const FEW = 3;

class FewLingering extends NodeStack {
  override readonly lingerers = new LingerRegistry(this.timers, FEW);
}

/** A connection that the program has closed, and that waits for its peer. */
async function lingering() {
  const clock = new SteppedClock();
  const stack = new NodeStack({ clock });
  const peers: Socket[] = [];
  const server = await listening((socket) => peers.push(socket.resume()), true);
  const ends = { over: 0 };
  (await opened(stack, portOf(server), ends)).close();
  await until(() => ends.over === 1 && peers.length === 1);
  const [peer] = peers;
  assert.ok(peer !== undefined);
  return { clock, stack, server, peer };
}

describe('connections that wait for the FIN of a peer that never ends', () => {
  it('are bounded by their number: the one that has been silent for longest is reset', async () => {
    const stack = new FewLingering({ clock: new SteppedClock() });
    const peers: Socket[] = [];
    const server = await listening((socket) => peers.push(socket.resume()), true);
    const ends = { over: 0 };
    const linger = async (): Promise<void> => {
      const connection = await opened(stack, portOf(server), ends);
      const over = ends.over + 1;
      connection.close();
      await until(() => ends.over === over && peers.length === over);
    };
    for (let count = 0; count < FEW; count += 1) await linger();
    assert.equal(stack.lingerers.size, FEW);
    peers[0]?.write('still here');
    // The next close finds the second connection first: of the first one something was heard later.
    await turns(10, () => undefined);
    await linger();
    // A connection that was reset answers data with a reset, which the next write finds. A lingering one
    // drops it.
    await until(() => {
      for (const peer of peers) peer.write('still here');
      return peers[1]?.destroyed === true;
    });
    assert.equal(stack.lingerers.size, FEW);
    assert.deepEqual(
      peers.map(({ destroyed }) => destroyed),
      [false, true, false, false],
    );
    assert.equal(ends.over, FEW + 1, 'an end is reported once');
    for (const peer of peers) peer.destroy();
    server.close();
    await until(() => stack.lingerers.size === 0);
  });

  it(`end after ${LONGEST_LINGER_MS} ms also if the peer goes on sending`, async () => {
    const { clock, stack, server, peer } = await lingering();
    const stepMs = FIN_WAIT_MS / 2;
    for (let atMs = stepMs; atMs < LONGEST_LINGER_MS; atMs += stepMs) {
      peer.write('on and on');
      await turns(10, () => undefined);
      clock.advance(stepMs);
      assert.equal(stack.lingerers.size, 1);
    }
    peer.write('on and on');
    await turns(10, () => undefined);
    clock.advance(stepMs);
    await until(() => stack.lingerers.size === 0);
    peer.destroy();
    server.close();
  });

  it(`end ${FIN_WAIT_MS} ms after the last sign of life`, async () => {
    const { clock, stack, server, peer } = await lingering();
    for (let round = 0; round < 3; round += 1) {
      clock.advance(FIN_WAIT_MS - 1);
      peer.write('still here');
      await turns(10, () => undefined);
    }
    clock.advance(FIN_WAIT_MS - 1);
    await turns(10, () => undefined);
    assert.deepEqual([stack.lingerers.size, stack.timers.size], [1, 1]);
    clock.advance(1);
    await until(() => stack.lingerers.size === 0);
    assert.equal(stack.timers.size, 0);
    peer.destroy();
    server.close();
  });

  it('leave the registry when the peers end after all', async () => {
    const stack = new NodeStack({ clock: new SteppedClock() });
    const peers: Socket[] = [];
    const server = await listening((socket) => peers.push(socket.resume()), true);
    const ends = { over: 0 };
    const connections = await Promise.all([1, 2, 3].map(() => opened(stack, portOf(server), ends)));
    for (const connection of connections) connection.close();
    await until(() => ends.over === 3 && peers.length === 3);
    assert.equal(stack.lingerers.size, 3);
    for (const peer of peers) peer.end();
    await until(() => stack.lingerers.size === 0);
    assert.equal(stack.timers.size, 0);
    server.close();
  });
});

/** A reader with a thread of its own, which takes all that comes as fast as it can. */
async function fastReader(): Promise<{ worker: Worker; port: number }> {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer((socket) => socket.on('error', () => undefined).resume());
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  `;
  const worker = new Worker(source, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  return { worker, port };
}

const TURNS = 200;

/** Turns of the loop at the end of each of which `check` is called. */
async function turns(count: number, check: () => void): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await turn();
    check();
  }
}

async function connected(stack: NodeStack, port: number): Promise<AsyncClient> {
  const client = new AsyncClient({ stack });
  await new Promise<void>((resolve) => {
    client.onConnect(resolve.bind(undefined, undefined));
    client.connect('127.0.0.1', port);
  });
  return client;
}

describe('a program that answers each acknowledgement with the next write to a fast reader', () => {
  it('gets one full send buffer a turn, and the loop goes on', async () => {
    const { worker, port } = await fastReader();
    const client = await connected(new NodeStack(), port);
    const bytes = new Uint8Array(DEFAULT_BUFFER_BYTES);
    let [thisTurn, most, total] = [0, 0, 0];
    const fill = (): void => {
      while (client.space() > 0) client.write(bytes, 0);
    };
    client.onAck((_, acked) => {
      thisTurn += acked;
      total += acked;
      fill();
    });
    let timerRan = false;
    setTimeout(() => (timerRan = true), 0);
    fill();
    await turns(TURNS, () => {
      most = Math.max(most, thisTurn);
      thisTurn = 0;
    });
    await until(() => timerRan);
    assert.ok(most <= DEFAULT_BUFFER_BYTES, `${most} bytes in one turn`);
    assert.ok(total > 0);
    client.abort();
    await worker.terminate();
  });

  it('may set onAck anew each time, and is not called more often for it', async () => {
    const { worker, port } = await fastReader();
    const client = await connected(new NodeStack(), port);
    let [thisTurn, most] = [0, 0];
    const answer = (): void => {
      thisTurn += 1;
      client.write('next');
      client.onAck(answer);
    };
    client.onAck(answer);
    client.write('first');
    // Twelve turns are enough for what doubles in each of them.
    await turns(12, () => {
      most = Math.max(most, thisTurn);
      thisTurn = 0;
    });
    client.abort();
    await worker.terminate();
    assert.ok(most <= 1, `onAck came ${most} times in one turn`);
  });
});

describe('without a handler of onAck', () => {
  it('space() has risen before the next event all the same', async () => {
    const peers: Socket[] = [];
    const server = await listening((socket) => peers.push(socket.resume()));
    const client = await connected(new NodeStack({ sendBufferBytes: 5000 }), portOf(server));
    await until(() => peers.length === 1);
    const seen: number[] = [];
    // Written outside of the loop's polling; what comes next is an event of the socket.
    for (let round = 0; round < 20; round += 1) {
      const answered = new Promise<void>((resolve) => {
        client.onData(() => {
          seen.push(client.space());
          resolve();
        });
      });
      await turn();
      client.write(new Uint8Array(5000));
      peers[0]?.write('.');
      await answered;
    }
    client.abort();
    server.close();
    assert.deepEqual(new Set(seen), new Set([5000]));
  });
});

describe('the budget of what the kernel has not taken', () => {
  /** Connections whose peers do not read, each full. */
  async function full(stack: NodeStack, port: number, count: number): Promise<Connection[]> {
    const bytes = new Uint8Array(65_536);
    const connections: Connection[] = [];
    for (let index = 0; index < count; index += 1) {
      const connection = await opened(stack, port, { over: 0 });
      connections.push(connection);
      // Bytes that the kernel took are counted a turn later.
      for (let idle = 0; idle < 5; idle += 1) {
        while (connection.enqueueAndFlush(bytes, 0) > 0) idle = 0;
        await turn();
      }
    }
    return connections;
  }

  it('leaves each connection its share, and a crowd that does not read no more than that', async () => {
    const peers: Socket[] = [];
    const server = await listening((socket) => peers.push(socket.pause()));
    const sendBufferBytes = 1 << 20;
    const budget = { sendBufferBytes, sendBudgetBytes: 8 * sendBufferBytes };
    const stack = new NodeStack(budget);
    const connections = await full(stack, portOf(server), 12);
    const held = connections.map((connection) => connection.unacknowledged());
    assert.equal(held[0], sendBufferBytes, 'the first one may have its whole send buffer');
    assert.ok(
      stack.budget.excessBytes <= budget.sendBudgetBytes / 2,
      `${stack.budget.excessBytes} in excess`,
    );
    const last = await opened(stack, portOf(server), { over: 0 });
    assert.ok(last.sendSpace() >= SHARE_BYTES, 'one more still has its share');
    for (const connection of [...connections, last]) connection.abort();
    for (const peer of peers) peer.destroy();
    server.close();
    await until(() => stack.budget.excessBytes === 0);
  });
});

describe('a lent buffer that is detached while the kernel takes it', () => {
  it('ends the connection with EFAULT, and nothing is thrown', async () => {
    const peers: Socket[] = [];
    const server = await listening((socket) => peers.push(socket.pause()));
    const stack = new NodeStack({ sendBufferBytes: 1 << 26 });
    const faults: unknown[] = [];
    const receiver: ConnectionEvents = {
      onData: () => undefined,
      onAcked: () => undefined,
      onEnd: () => undefined,
      onClosed: (fault) => faults.push(fault?.cause?.message),
    };
    const connection = await new Promise<Connection>((resolve, reject) => {
      stack.connect(
        { address: '127.0.0.1', port: portOf(server), localPort: 0 },
        {
          onConnected: (standing) => {
            resolve(standing);
            return receiver;
          },
          onFailed: reject,
        },
      );
    });
    // More than the kernel takes at once.
    const lent = new Uint8Array(1 << 25);
    assert.equal(connection.enqueueAndFlush(lent, 0), lent.length);
    const elsewhere = structuredClone(lent.buffer, { transfer: [lent.buffer] });
    await until(() => peers.length === 1);
    peers[0]?.resume();
    await until(() => faults.length > 0);
    assert.deepEqual(faults, ['write EFAULT']);
    assert.equal(elsewhere.byteLength, 1 << 25);
    server.close();
    for (const peer of peers) peer.destroy();
  });
});

describe('a runtime that cannot reset', () => {
  it('is recognised by the missing method', () => {
    const socket = connect(1, '127.0.0.1').on('error', () => undefined);
    assert.equal(canReset(socket), true);
    socket.destroy();
    assert.equal(canReset({}), false);
  });
});
