import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObservedListener } from '../asynctcp/observer.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { ListenerRecords, MOST_STOPPED_LISTENERS, SHORTAGE_MS } from './listener-records.js';

const stack = new MemoryStack();

function listenerAt(port: number): ObservedListener {
  return {
    stack,
    keeper: {},
    maxClients: Number.POSITIVE_INFINITY,
    address: () => '127.0.0.1',
    port: () => port,
    isReady: () => true,
    hasHandler: () => true,
    clients: () => 0,
    places: () => 0,
    unacknowledged: () => 0,
    next: undefined,
    previous: undefined,
    reset: () => undefined,
  };
}

describe('the records of listeners', () => {
  it('keep a bounded number of those that have stopped, and each that listens', () => {
    const records = new ListenerRecords();
    const lasting = listenerAt(1);
    records.begin(lasting, 0);
    for (let port = 2; port <= MOST_STOPPED_LISTENERS + 2; port += 1) {
      const listener = listenerAt(port);
      records.begin(listener, port);
      assert.equal(records.stop(listener, port), `127.0.0.1 port ${port}`);
      assert.equal(records.stop(listener, port), undefined);
    }
    const figures = records.figures(100, 0);
    assert.equal(figures.length, 1 + MOST_STOPPED_LISTENERS);
    assert.deepEqual([figures[0]?.accepting, figures[1]?.port, figures[1]?.why], [true, 3, 'ended']);
  });

  it('say that the descriptors are used up, until some time after the last failure', () => {
    const records = new ListenerRecords();
    const listener = listenerAt(1);
    records.begin(listener, 0);
    assert.deepEqual(
      [100, 200].map((atMs) => records.ranShort(listener, atMs)),
      [true, false],
    );
    const [short] = records.figures(200 + SHORTAGE_MS - 1, 0);
    assert.deepEqual([short?.why, short?.sinceAtMs], ['no descriptors', 100]);
    assert.equal(records.figures(200 + SHORTAGE_MS, 0)[0]?.why, null);
    records.ranShort(listener, 5000);
    records.accepted(listener.keeper);
    const [accepting] = records.figures(5001, 0);
    assert.deepEqual([accepting?.why, accepting?.accepted], [null, 1]);
  });
});
