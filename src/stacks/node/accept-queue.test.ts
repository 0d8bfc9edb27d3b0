import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AcceptQueue, type Accepting } from './accept-queue.js';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ask(queue: AcceptQueue, connection: Accepting, isAwaited: boolean): void {
  queue.add(connection);
  if (isAwaited) queue.hurry();
}

/** Writes down who told. */
class Told {
  readonly names: string[] = [];

  connection(name: string, then?: () => void): Accepting {
    return {
      turnTells: () => {
        this.names.push(name);
        then?.();
      },
    };
  }
}

describe('what the kernel took', () => {
  it('is told in a turn of its own, in the order of asking, whether it is awaited or not', async () => {
    const told = new Told();
    const queue = new AcceptQueue();
    for (const [name, awaited] of [['a', false] as const, ['b', true] as const, ['c', false] as const]) {
      ask(queue, told.connection(name), awaited);
    }
    assert.deepEqual(told.names, []);
    await turn();
    assert.deepEqual(told.names, ['a', 'b', 'c']);
    await turn();
    assert.deepEqual(told.names, ['a', 'b', 'c']);
  });

  it('while others tell waits for the next turn, so that the loop is not held', async () => {
    const told = new Told();
    const queue = new AcceptQueue();
    const again: Accepting = told.connection('again', () => {
      if (told.names.length < 5) ask(queue, again, true);
    });
    ask(queue, again, true);
    for (const turns of [1, 2, 3, 4, 5, 5]) {
      await turn();
      assert.equal(told.names.length, turns);
    }
  });

  it('does not keep the process alive while nobody awaits it, and does when somebody does', async () => {
    const immediates = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const told = new Told();
    const queue = new AcceptQueue();
    const before = immediates();
    ask(queue, told.connection('nobody'), false);
    assert.equal(immediates(), before);
    ask(queue, told.connection('somebody'), true);
    assert.equal(immediates(), before + 1);
    ask(queue, told.connection('nobody again'), false);
    assert.equal(immediates(), before + 1);
    await turn();
    assert.equal(told.names.length, 3);
  });

  it('is told by the others also when one of them throws', async () => {
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
    try {
      const told = new Told();
      const queue = new AcceptQueue();
      const fault = new Error('a fault of one connection');
      ask(
        queue,
        told.connection('throws', () => {
          throw fault;
        }),
        true,
      );
      ask(queue, told.connection('other'), true);
      await turn();
      await turn();
      assert.deepEqual(uncaught, [fault]);
      assert.deepEqual(told.names, ['throws', 'other']);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  });
});
