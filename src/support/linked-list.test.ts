import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinkedList, type Linked } from './linked-list.js';

class Item implements Linked<Item> {
  next: Item | undefined;
  previous: Item | undefined;
}

test('a linked list holds what a Set holds, in the same order', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ adds: fc.boolean(), index: fc.nat(7) })), (steps) => {
      const items = Array.from({ length: 8 }, () => new Item());
      const list = new LinkedList<Item>();
      const set = new Set<Item>();
      for (const { adds, index } of steps) {
        const item = items[index] ?? new Item();
        if (!adds) {
          list.delete(item);
          set.delete(item);
        } else if (!set.has(item)) {
          list.add(item);
          set.add(item);
        }
        assert.deepEqual(
          [...list].map((found) => items.indexOf(found)),
          [...set].map((found) => items.indexOf(found)),
        );
        assert.equal(list.size, set.size);
      }
    }),
  );
});

test('a member that has left a linked list can join another one', () => {
  const first = new LinkedList<Item>();
  const second = new LinkedList<Item>();
  const [a, b, c] = [new Item(), new Item(), new Item()];
  for (const item of [a, b, c]) first.add(item);
  first.delete(b);
  second.add(b);
  assert.deepEqual([[...first].length, [...second].length], [2, 1]);
  assert.ok([...first].every((item) => item !== b));
});
