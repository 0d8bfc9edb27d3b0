/** Clients that stop reading: each costs its bounded queue, then the policy; the others notice nothing. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncEventSource,
  AsyncWebSocket,
  type AsyncWebServerOptions,
  type AsyncWebSocketOptions,
  type SendCounts,
} from 'asynctcp-web';
import { bed, STACKS, type Bed, type StackName } from './bed.js';
import { openRawReader } from './event-readers.js';
import { connectPeer, type Peer } from './web-socket-peers.js';

const SLOW = 100;
const FAST = 10;
const QUEUE = { queueMessages: 8, queueBytes: 200_000 };
const MESSAGE_BYTES = 32_768;

interface Crowd extends Bed {
  readonly socket: AsyncWebSocket;
  /** Peers that read nothing. */
  readonly slow: Peer[];
  readonly fast: Peer[];
}

async function crowd(
  test: TestContext,
  stack: StackName,
  slow: number,
  options: AsyncWebSocketOptions,
  serverOptions: AsyncWebServerOptions = {},
): Promise<Crowd> {
  const socket = new AsyncWebSocket('/ws', { limits: QUEUE, ...options });
  const made = await bed(test, stack, (server) => server.addHandler(socket), serverOptions);
  const connect = (): Promise<Peer> => connectPeer(made, '/ws');
  const slowPeers = await Promise.all(Array.from({ length: slow }, connect));
  for (const { ws } of slowPeers) ws.pause();
  const fastPeers = await Promise.all(Array.from({ length: FAST }, connect));
  test.after(() => {
    for (const { ws } of slowPeers) ws.terminate();
  });
  return { ...made, socket, slow: slowPeers, fast: fastPeers };
}

function numbered(number: number): string {
  return String(number).padStart(MESSAGE_BYTES, '.');
}

function numberOf(message: string | Buffer): number {
  return Number(message.toString().slice(-8).replaceAll('.', ''));
}

/**
 * Sends messages to all, each when the fast peers have the one before, until `isDone`. Returns how many.
 */
async function sendUntil(
  { socket, fast }: Crowd,
  isDone: (counts: SendCounts) => boolean,
  key?: string,
): Promise<number> {
  for (let number = 1; ; number += 1) {
    const counts = socket.textAll(numbered(number), { key });
    for (const { inbox } of fast) assert.equal(numberOf(await inbox.next()), number);
    if (isDone(counts)) return number;
  }
}

for (const stack of STACKS) {
  describe(`WebSocket clients that do not read, on ${stack}`, () => {
    it('cost their queues and no more, and the others get every message', async (test) => {
      const made = await crowd(test, stack, SLOW, { policy: 'drop new' });
      await sendUntil(made, ({ dropped }) => dropped === SLOW);
      assert.ok(made.server.queueBudget.bytes <= SLOW * QUEUE.queueBytes);
      for (const client of made.socket.getClients()) {
        assert.ok(client.queueLen() <= QUEUE.queueMessages);
        assert.ok(client.queueBytes() <= QUEUE.queueBytes);
      }
      const [first] = made.slow;
      assert.ok(first !== undefined);
      first.ws.resume();
      for (let number = 1; number <= 4; number += 1)
        assert.equal(
          numberOf(await first.inbox.next()),
          number,
          'the oldest messages come whole and in order',
        );
      for (const { ws } of made.slow) ws.terminate();
      await made.socket.drained();
      assert.equal(made.server.queueBudget.bytes, 0);
    });

    it('get the newest messages, if the old ones are dropped', async (test) => {
      const made = await crowd(test, stack, 1, { policy: 'drop old' });
      const [slow] = made.slow;
      const client = made.socket.client(1);
      assert.ok(slow !== undefined && client !== undefined);
      const last = await sendUntil(made, () => client.queueIsFull() || client.queueBytes() > 160_000);
      const further = last + 10;
      for (let number = last + 1; number <= further; number += 1)
        assert.equal(client.text(numbered(number)), 'queued');
      slow.ws.resume();
      const got: number[] = [];
      while (got.at(-1) !== further) got.push(numberOf(await slow.inbox.next()));
      assert.deepEqual(
        got,
        got.toSorted((a, b) => a - b),
      );
      assert.ok(got.length < further);
    });

    it('get the latest message of a key', async (test) => {
      const made = await crowd(test, stack, 1, { policy: 'latest per key' });
      const [slow] = made.slow;
      const client = made.socket.client(1);
      assert.ok(slow !== undefined && client !== undefined);
      const last = await sendUntil(made, () => client.queueLen() > 1, 'a');
      for (let number = last + 1; number <= last + 50; number += 1)
        assert.equal(client.text(numbered(number), { key: 'a' }), 'queued');
      slow.ws.resume();
      const got: number[] = [];
      while (got.at(-1) !== last + 50) got.push(numberOf(await slow.inbox.next()));
      assert.ok(got.length <= last + 1);
    });

    it('are closed with 1013, if that is the policy, and lose the connection if they still do not read', async (test) => {
      const made = await crowd(test, stack, 2, { policy: 'close', limits: { ...QUEUE, closeMs: 1000 } });
      let closed = 0;
      await sendUntil(made, (counts) => (closed += counts.closed) >= 2);
      assert.ok(made.server.queueBudget.bytes <= 2 * QUEUE.queueBytes);
      const [first, second] = made.slow;
      first?.ws.resume();
      assert.deepEqual(await first?.closed, [1013, 'too slow']);
      while (made.socket.count() > FAST) await new Promise(setImmediate);
      assert.equal(made.server.queueBudget.bytes, 0);
      second?.ws.resume();
      await second?.closed;
    });

    it('have no more than the server has for all of them, and the others get every message', async (test) => {
      const limits = { queuedBytes: 30 * MESSAGE_BYTES };
      const made = await crowd(test, stack, 20, { policy: 'drop new' }, { limits });
      let most = 0;
      await sendUntil(made, ({ dropped }) => {
        most = Math.max(most, made.server.queueBudget.bytes);
        return dropped === 20;
      });
      assert.ok(most <= limits.queuedBytes);
      assert.ok(most >= limits.queuedBytes / 4);
    });
  });

  describe(`readers of an event source that do not read, on ${stack}`, () => {
    it('cost their queues and no more, and the others get every event', async (test) => {
      const source = new AsyncEventSource('/events', {
        policy: 'drop new',
        limits: { ...QUEUE, replayBytes: 1 },
      });
      const made = await bed(test, stack, (server) => server.addHandler(source));
      for (let count = 0; count < SLOW; count += 1) {
        const { answer } = await openRawReader(made, '/events');
        answer.pause();
      }
      const fast = await Promise.all(Array.from({ length: FAST }, () => openRawReader(made, '/events')));
      for (let number = 1; ; number += 1) {
        const { dropped } = source.send(numbered(number));
        for (const { until } of fast) await until(`.${number}\n\n`);
        if (dropped === SLOW) break;
      }
      assert.ok(made.server.queueBudget.bytes <= SLOW * QUEUE.queueBytes);
      for (const client of source.getClients()) assert.ok(client.bytesWaiting() <= QUEUE.queueBytes);
    });

    it('are ended if that is the policy, or if they take nothing for too long', async (test) => {
      for (const policy of ['close', 'drop new'] as const) {
        const source = new AsyncEventSource('/events', { policy, limits: { ...QUEUE, replayBytes: 1 } });
        const limits = { stalledMs: policy === 'close' ? 60_000 : 50 };
        const made = await bed(test, stack, (server) => server.addHandler(source), { limits });
        const gone = new Promise((resolve) => {
          source.onDisconnect(resolve);
        });
        const { answer } = await openRawReader(made, '/events');
        answer.pause();
        while ((source.getClients()[0]?.packetsWaiting() ?? 2) < 2) {
          source.send(numbered(1));
          await new Promise(setImmediate);
        }
        if (policy === 'close')
          for (let count = 0; count < QUEUE.queueMessages; count += 1) source.send(numbered(1));
        await gone;
        assert.deepEqual([source.count(), made.server.queueBudget.bytes], [0, 0]);
      }
    });
  });
}
