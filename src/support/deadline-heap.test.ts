import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DeadlineHeap, HeapItem } from './deadline-heap.js';

class Item extends HeapItem {
  readonly name: number;

  constructor(name: number) {
    super();
    this.name = name;
  }
}

function drain(heap: DeadlineHeap<Item>): number[] {
  const names: number[] = [];
  for (let first = heap.first(); first !== undefined; first = heap.first()) {
    names.push(first.name);
    heap.remove(first);
  }
  return names;
}

describe('a heap of deadlines', () => {
  it('gives the items in the order of time, then of order, after any moves and removals', () => {
    const step = fc.tuple(fc.nat(200), fc.integer({ min: -1, max: 20 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const heap = new DeadlineHeap<Item>();
        const items = Array.from({ length: 201 }, (_, name) => new Item(name));
        const expected = new Map<number, [time: number, order: number]>();
        for (const [order, [name, time]] of steps.entries()) {
          const item = items[name];
          assert.ok(item !== undefined);
          if (time < 0) {
            heap.remove(item);
            expected.delete(name);
          } else {
            heap.set(item, time, order);
            expected.set(name, [time, order]);
          }
        }
        const sorted = [...expected].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
        assert.equal(heap.firstTime(), sorted[0]?.[1][0] ?? Number.POSITIVE_INFINITY);
        assert.deepEqual(
          drain(heap),
          sorted.map(([name]) => name),
        );
      }),
    );
  });
});
