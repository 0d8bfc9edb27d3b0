/** The queue against a plain array. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Queue } from './queue.js';

it('a queue keeps its order, whatever is added, taken and removed', () => {
  const act = fc.tuple(fc.constantFrom('push', 'shift', 'remove'), fc.nat(40));
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const objects = Array.from({ length: 41 }, (_, number) => ({ number }));
      const queue = new Queue<{ number: number }>();
      const model: { number: number }[] = [];
      for (const [kind, index] of acts) {
        const object = objects[index] ?? { number: -1 };
        const at = model.indexOf(object);
        if (kind === 'shift') assert.equal(queue.shift(), model.shift());
        else if (kind === 'remove') {
          assert.equal(queue.remove(object), at >= 0);
          if (at >= 0) model.splice(at, 1);
        } else if (at < 0) {
          queue.push(object);
          model.push(object);
        }
        assert.equal(queue.length, model.length);
      }
      for (const object of model) assert.equal(queue.shift(), object);
      assert.equal(queue.shift(), undefined);
    }),
  );
});
