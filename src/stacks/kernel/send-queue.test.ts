import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_PIECES } from '../../addon/native-sockets.js';
import { CopySlab } from '../system/copy-slab.js';
import { SendFlag } from '../../port/tcp-stack.js';
import { SendQueue } from './send-queue.js';

function numbered(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => start + index);
}

function joined(pieces: readonly Uint8Array[]): number[] {
  return pieces.flatMap((piece) => [...piece]);
}

function frontOf(queue: SendQueue, bytes: number): readonly Uint8Array[] {
  const pieces = queue.front(bytes);
  assert.ok(pieces !== undefined, 'nothing was taken away');
  return pieces;
}

type Step = { readonly add: number; readonly copy: boolean } | { readonly drop: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 40 }), copy: fc.boolean() }),
    fc.record({ drop: fc.nat(100) }),
  ),
  { maxLength: 60, size: 'max' },
);

describe('what waits to be sent', () => {
  it('leaves in order and once, however it was added and taken', () => {
    fc.assert(
      fc.property(steps, (program) => {
        const queue = new SendQueue(new CopySlab());
        let expected: number[] = [];
        let next = 0;
        for (const step of program) {
          if ('add' in step) {
            const piece = numbered(next, step.add);
            next += step.add;
            expected.push(...piece);
            queue.enqueue(piece, step.copy ? SendFlag.COPY : 0);
            // The caller may reuse the memory of a copied piece.
            if (step.copy) piece.fill(0);
          } else {
            const bytes = Math.min(step.drop, queue.bytes);
            queue.drop(bytes);
            expected = expected.slice(bytes);
          }
          assert.equal(queue.bytes, expected.length);
          assert.deepEqual(joined(frontOf(queue, queue.bytes)), expected);
        }
      }),
    );
  });

  it('copies the last bytes when their owner takes them back, and no others', () => {
    const queue = new SendQueue(new CopySlab());
    const lent = numbered(0, 4);
    const pieces = [numbered(4, 3), numbered(7, 5)];
    queue.enqueue(lent, 0);
    for (const piece of pieces) queue.enqueue(piece, 0);
    queue.drop(5);
    queue.copyLast(8);
    for (const piece of pieces) piece.fill(99);
    assert.deepEqual(joined(frontOf(queue, queue.bytes)), [5, 6, 7, 8, 9, 10, 11]);

    queue.enqueue(lent, 0);
    queue.copyLast(2);
    assert.equal(frontOf(queue, queue.bytes).at(-1) === lent, false, 'a piece is copied as a whole');
  });

  it('shows no more of its front than is asked for', () => {
    const queue = new SendQueue(new CopySlab());
    queue.enqueue(numbered(0, 10), 0);
    queue.enqueue(numbered(10, 10), 0);
    assert.deepEqual(joined(frontOf(queue, 13)), [...numbered(0, 13)]);
    assert.deepEqual(queue.front(0), []);
  });

  it(`shows at most ${MAX_PIECES} pieces, and all of as many`, () => {
    const queue = new SendQueue(new CopySlab());
    for (let count = 0; count < MAX_PIECES; count += 1) queue.enqueue(numbered(count, 1), 0);
    assert.equal(frontOf(queue, queue.bytes).length, MAX_PIECES);
    queue.enqueue(numbered(0, 1), 0);
    assert.equal(frontOf(queue, queue.bytes).length, MAX_PIECES);
  });

  it('makes one piece of copies that follow each other', () => {
    const queue = new SendQueue(new CopySlab());
    for (let count = 0; count < 1000; count += 1) queue.enqueue(numbered(count % 200, 1), SendFlag.COPY);
    assert.equal(frontOf(queue, 1000).length, 1);
  });

  it('does not copy what it was lent', () => {
    const queue = new SendQueue(new CopySlab());
    const own = numbered(0, 5);
    queue.enqueue(own, 0);
    assert.equal(frontOf(queue, 5)[0], own);
  });

  it('reports a piece that its owner detached while it waited', () => {
    const queue = new SendQueue(new CopySlab());
    const own = numbered(0, 5);
    queue.enqueue(numbered(0, 3), SendFlag.COPY);
    queue.enqueue(own, 0);
    structuredClone(own, { transfer: [own.buffer as ArrayBuffer] });
    assert.deepEqual(joined(frontOf(queue, 3)), [0, 1, 2]);
    assert.equal(queue.front(4), undefined);
  });

  it('takes as long for each of many pieces', () => {
    const queue = new SendQueue(new CopySlab());
    const pieces = 200_000;
    for (let count = 0; count < pieces; count += 1) queue.enqueue(numbered(count % 200, 1), 0);
    for (let left = pieces; left > 0; left -= 50) {
      assert.equal(frontOf(queue, 50).length, 50);
      queue.drop(50);
      assert.equal(queue.bytes, left - 50);
    }
  });
});
