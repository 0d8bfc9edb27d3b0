import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient } from '../../asynctcp/async-client.js';
import { AsyncServer } from '../../asynctcp/async-server.js';
import { loadAddon } from '../../addon/load-addon.js';
import { MAX_SENDS } from '../../addon/native-sockets.js';
import { enterCallback, leaveCallback } from '../../support/callback-scope.js';
import { KernelStack } from './kernel-stack.js';
import { SocketLoop, type StreamOwner } from './socket-loop.js';

const { addon, reason } = loadAddon();

/** As in `native/sockets.h`. */
const MAX_ROUNDS = 16;
const ENOUGH_WORK = 512;
const WORK_BYTES = 2048;

const HANGS_MS = 60_000;
const TURNS = 300;

/**
 * @param signal ends the wait of a test that hangs.
 */
function nextTurn(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve) => setImmediate(resolve));
}

/** A server and its clients, all in one loop. */
class Play {
  readonly stack: KernelStack;
  readonly server: AsyncServer;
  readonly accepted: AsyncClient[] = [];
  readonly clients: AsyncClient[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal, onClient: (client: AsyncClient) => void, queueSize = 0) {
    assert.ok(addon !== undefined);
    this.#signal = signal;
    this.stack = new KernelStack(addon, {}, queueSize);
    this.server = new AsyncServer(0, { address: '127.0.0.1', stack: this.stack });
    this.server.onClient((client) => {
      this.accepted.push(client);
      onClient(client);
    });
  }

  async connect(count: number, onClient: (client: AsyncClient) => void): Promise<void> {
    await this.server.begin();
    for (let index = 0; index < count; index += 1) {
      const client = new AsyncClient({ stack: this.stack });
      this.clients.push(client);
      client.onConnect(onClient);
      client.connect('127.0.0.1', this.server.port());
    }
    while (this.accepted.length < this.clients.length) await nextTurn(this.#signal);
  }

  async end(): Promise<void> {
    for (const client of [...this.clients, ...this.accepted]) client.abort();
    await this.server.end();
  }
}

/**
 * Sends all received data back. Two such ends pass a ball to and fro for ever: there is always data to read.
 */
function throwBack(client: AsyncClient, count: () => void): void {
  client.onData((_, data) => {
    count();
    client.write(data);
  });
}

describe('connections that are always ready leave the loop its turns', { skip: reason ?? false }, () => {
  for (const [connections, bound] of [
    // A ball flies once in a poll.
    [5, MAX_ROUNDS * 5],
    [400, ENOUGH_WORK],
  ] as const) {
    it(`${connections} of them`, { timeout: HANGS_MS }, async ({ signal }) => {
      let callbacks = 0;
      const count = (): void => {
        callbacks += 1;
      };
      const play = new Play(signal, (client) => throwBack(client, count));
      await play.connect(connections, (client) => {
        throwBack(client, count);
        client.write('ball');
      });
      let most = 0;
      for (let turn = 0; turn < TURNS; turn += 1) {
        callbacks = 0;
        await nextTurn(signal);
        most = Math.max(most, callbacks);
      }
      assert.ok(most <= bound, `${most} callbacks in a turn`);
      assert.ok(most > connections, 'a turn has several polls');
      await play.end();
    });
  }
});

for (const queueSize of [4, 10, 64]) {
  it(
    `a turn dispatches at most the ${queueSize} events of CONFIG_ASYNC_TCP_QUEUE_SIZE`,
    { skip: reason ?? false, timeout: HANGS_MS },
    async ({ signal }) => {
      let callbacks = 0;
      const count = (): void => {
        callbacks += 1;
      };
      const play = new Play(signal, (client) => throwBack(client, count), queueSize);
      await play.connect(100, (client) => {
        throwBack(client, count);
        client.write('ball');
      });
      let most = 0;
      for (let turn = 0; turn < TURNS; turn += 1) {
        callbacks = 0;
        await nextTurn(signal);
        most = Math.max(most, callbacks);
      }
      play.stack.loop.native.setQueueSize(0);
      // One socket has up to four events, which are dispatched together.
      assert.ok(most <= queueSize && most > queueSize - 4, `${most} callbacks in a turn`);
      await play.end();
    },
  );
}

it(
  'what a turn leaves is read without anything else happening',
  { skip: reason ?? false, timeout: HANGS_MS },
  async ({ signal }) => {
    const connections = 64;
    const bytes = 100_000;
    let received = 0;
    const play = new Play(signal, (client) => {
      client.onData((_, data) => {
        received += data.length;
      });
    });
    const standing: AsyncClient[] = [];
    await play.connect(connections, (client) => standing.push(client));
    while (standing.length < connections) await nextTurn(signal);
    // The bytes are more than several turns read.
    assert.ok(connections * bytes > 3 * ENOUGH_WORK * WORK_BYTES);
    for (const client of standing) assert.equal(client.write(new Uint8Array(bytes)), bytes);
    while (received < connections * bytes) await nextTurn(signal);
    await play.end();
  },
);

function noEvent(): void {
  assert.fail('it has no events');
}

/** An owner of a slot without a socket: the loop reports its bytes as not sent. */
class Owner implements StreamOwner {
  readonly context = {};
  rest: number[] = [];
  refusal = 0;
  broke: unknown;
  readonly #error: Error | undefined;

  /**
   * @param error thrown when the loop reports bytes that were not sent.
   */
  constructor(error?: Error) {
    this.#error = error;
  }

  onSendShort(rest: Uint8Array, refusal: number): void {
    this.rest.push(...rest);
    this.refusal = refusal;
    if (this.#error !== undefined) throw this.#error;
  }

  onSendBroke(error: unknown): void {
    this.broke = error;
  }

  holding(): 'connections' {
    return 'connections';
  }

  readonly reset = noEvent;
  readonly onSocketBroke = noEvent;
  readonly onSocketEnd = noEvent;
  readonly onSocketFailed = noEvent;
}

describe('what the kernel does not take', { skip: reason ?? false }, () => {
  /** A slot beyond those of all sockets. */
  const SLOT = 5000;

  function send(loop: SocketLoop, pieces: readonly (readonly [slot: number, bytes: Uint8Array])[]): void {
    enterCallback();
    for (const [slot, bytes] of pieces) {
      assert.ok(loop.makeRoomFor(bytes.length));
      loop.enqueue(slot, bytes, bytes.length);
    }
    leaveCallback();
  }

  it('comes back to each owner, also if another one throws, and the arena is free again', () => {
    assert.ok(addon !== undefined);
    const loop = new SocketLoop(addon);
    const error = new RangeError('out of memory');
    const owners = [new Owner(), new Owner(error), new Owner()];
    owners.forEach((owner, index) => loop.adopt(SLOT + index, owner));
    const pieces = owners.map((_, index) => [SLOT + index, Uint8Array.of(index, 7)] as const);
    send(loop, pieces);
    assert.deepEqual(
      owners.map(({ rest, broke }) => [rest, broke]),
      [
        [[0, 7], undefined],
        [[1, 7], error],
        [[2, 7], undefined],
      ],
    );
    assert.ok(owners.every(({ refusal }) => refusal < 0));
    send(loop, [[SLOT, Uint8Array.of(9)]]);
    assert.equal(new Uint8Array(loop.native.arena)[0], 9, 'from the beginning');
    owners.forEach((_, index) => loop.release(SLOT + index));
  });

  it('more records than there are is refused', () => {
    assert.ok(addon !== undefined);
    const native = addon.openSockets(() => false, false);
    for (const count of [-1, MAX_SENDS + 1]) assert.throws(() => native.flush(count), TypeError);
    native.end();
    assert.throws(() => native.flush(1), TypeError, 'its memory is gone');
  });
});
