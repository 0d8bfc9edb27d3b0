import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueueBudget } from './queue-budget.js';
import { SendQueue, type Outlet, type QueuedMessage, type QueuePolicy } from './send-queue.js';

interface Numbered extends QueuedMessage {
  readonly number: number;
}

/** A connection that takes bytes when the test says so, or always. */
class Connection implements Outlet<Numbered> {
  readonly written: number[] = [];
  readonly ends: string[] = [];
  isFast = false;
  #unsent = 0;
  readonly #dones: (() => void)[] = [];

  unsentBytes(): number {
    return this.#unsent;
  }

  write(message: Numbered, done: () => void): void {
    this.written.push(message.number);
    if (!this.isFast) this.#unsent += message.bytes;
    this.#dones.push(done);
  }

  overflow(): void {
    this.ends.push('overflow');
  }

  finished(): void {
    this.ends.push('finished');
  }

  /** Takes what is written, and what is written then. */
  takeAll(): void {
    while (this.#dones.length > 0) {
      this.#unsent = 0;
      for (const done of this.#dones.splice(0)) done();
    }
  }
}

const KIB = 1024;

interface Parts {
  readonly connection: Connection;
  readonly queue: SendQueue<Numbered>;
  readonly budget: QueueBudget;
  readonly send: (number: number, kib: number, key?: string) => string;
}

/** A queue of four messages and 100 KiB, of which 16 KiB may be in the socket and one message more. */
function parts(policy: QueuePolicy, budget = new QueueBudget(1000 * KIB)): Parts {
  const connection = new Connection();
  const limits = { queueMessages: 4, queueBytes: 100 * KIB };
  const queue = new SendQueue<Numbered>(connection, policy, limits, budget);
  const send = (number: number, kib: number, key?: string): string =>
    queue.send({ number, key, bytes: kib * KIB });
  return { connection, queue, budget, send };
}

describe('a send queue', () => {
  it('says that a message is sent when the system has taken it at once', () => {
    const { connection, queue, budget, send } = parts('drop new');
    connection.isFast = true;
    assert.equal(send(1, 100), 'sent');
    assert.equal(send(2, 1), 'sent');
    connection.takeAll();
    assert.deepEqual([queue.length, budget.bytes], [0, 0]);
  });

  it('counts what is in the socket, and keeps the order', () => {
    const { connection, queue, budget, send } = parts('drop new');
    assert.equal(send(1, 20), 'queued');
    assert.equal(send(2, 20), 'queued');
    assert.deepEqual(connection.written, [1]);
    assert.deepEqual([queue.length, queue.bytes, budget.bytes], [2, 40 * KIB, 24 * KIB]);
    connection.takeAll();
    assert.deepEqual(connection.written, [1, 2]);
    assert.deepEqual([queue.length, queue.bytes, budget.bytes], [0, 0, 0]);
  });

  it('takes as many messages as its limit, and drops one more', () => {
    const { queue, send } = parts('drop new');
    for (let number = 1; number <= 4; number += 1) assert.equal(send(number, 1), 'queued');
    assert.equal(queue.isFull, true);
    assert.equal(send(5, 1), 'dropped');
    assert.equal(queue.length, 4);
  });

  it('takes as many bytes as its limit, and drops one more', () => {
    const { queue, send } = parts('drop new');
    assert.equal(send(1, 60), 'queued');
    assert.equal(send(2, 40), 'queued');
    assert.equal(queue.isFull, true);
    assert.equal(send(3, 1), 'dropped');
    assert.equal(parts('drop new').send(1, 101), 'dropped');
  });

  it('drops the oldest message that is not in the socket', () => {
    const { connection, queue, send } = parts('drop old');
    for (let number = 1; number <= 4; number += 1) send(number, 20);
    assert.equal(send(5, 60), 'queued');
    connection.takeAll();
    assert.deepEqual(connection.written, [1, 4, 5]);
    assert.equal(queue.bytes, 0);
  });

  it('drops no old message for a new one that has no space even so', () => {
    const { connection, send } = parts('drop old');
    send(1, 20);
    send(2, 20);
    assert.equal(send(3, 81), 'dropped');
    connection.takeAll();
    assert.deepEqual(connection.written, [1, 2]);
  });

  it('keeps the latest message of each key', () => {
    const { connection, send } = parts('latest per key');
    send(1, 20, 'a');
    send(2, 20, 'a');
    send(3, 20, 'b');
    assert.equal(send(4, 20, 'a'), 'queued');
    assert.equal(send(5, 20), 'queued');
    assert.equal(send(6, 20), 'dropped');
    assert.equal(send(7, 20, 'b'), 'queued');
    connection.takeAll();
    assert.deepEqual(connection.written, [1, 4, 5, 7]);
  });

  it('closes the connection when it is full, if that is the policy, and forgets what waits', () => {
    const { connection, queue, budget, send } = parts('close');
    for (let number = 1; number <= 4; number += 1) send(number, 20);
    assert.equal(send(5, 20), 'closed');
    assert.deepEqual(connection.ends, ['overflow']);
    assert.deepEqual([queue.length, queue.bytes, budget.bytes], [1, 20 * KIB, 0], 'the socket has one');
    assert.equal(send(6, 1), 'closed');
    queue.end();
    assert.deepEqual([queue.length, budget.bytes], [0, 0]);
    assert.deepEqual(connection.ends, ['overflow']);
  });

  it('has at most the excess that is free', () => {
    const budget = new QueueBudget(60 * KIB);
    const [first, second] = [parts('drop new', budget), parts('drop new', budget)];
    first.send(1, 16);
    assert.equal(first.send(2, 40), 'queued');
    assert.equal(budget.bytes, 40 * KIB);
    assert.equal(first.send(3, 1), 'dropped', '41 KiB would be more than the 20 KiB that are free');
    second.send(1, 16);
    assert.equal(second.send(2, 21), 'dropped');
    assert.equal(second.send(3, 20), 'queued');
    assert.equal(budget.bytes, 60 * KIB);
    first.connection.takeAll();
    second.connection.takeAll();
    assert.equal(budget.bytes, 0);
  });

  it('has its share, or one message, although others have taken all excess', () => {
    const budget = new QueueBudget(1);
    budget.change(1);
    const { send } = parts('drop new', budget);
    assert.equal(send(1, 8), 'queued');
    assert.equal(send(2, 8), 'queued');
    assert.equal(send(3, 1), 'dropped');
    assert.equal(parts('drop new', budget).send(1, 100), 'queued');
  });

  it('may replace what waits although all excess is taken', () => {
    const budget = new QueueBudget(30 * KIB);
    const { send } = parts('latest per key', budget);
    send(1, 16);
    send(2, 20, 'a');
    budget.change(10 * KIB);
    assert.equal(send(3, 20, 'a'), 'queued');
    assert.equal(send(4, 21, 'a'), 'dropped');
  });

  it('reports that it is drained, or that the connection was over before', async () => {
    const { connection, queue, send } = parts('drop new');
    assert.equal(await queue.drained(), true);
    send(1, 1);
    const drained = queue.drained();
    connection.takeAll();
    assert.equal(await drained, true);
    send(2, 1);
    const broken = queue.drained();
    queue.end();
    assert.equal(await broken, false);
    assert.equal(await queue.drained(), false);
  });

  it('finishes behind the messages that wait, and takes no more', () => {
    const { connection, queue, send } = parts('drop new');
    send(1, 20);
    send(2, 20);
    queue.finish();
    assert.equal(send(3, 1), 'closed');
    assert.deepEqual(connection.ends, []);
    connection.takeAll();
    assert.deepEqual(connection.written, [1, 2]);
    assert.deepEqual(connection.ends, ['finished']);
  });

  it('finishes at once if nothing waits', () => {
    const { connection, queue } = parts('drop new');
    queue.finish();
    queue.finish();
    assert.deepEqual(connection.ends, ['finished']);
  });
});
