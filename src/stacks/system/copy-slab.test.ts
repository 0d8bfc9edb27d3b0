import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CopySlab, SLAB_BYTES } from './copy-slab.js';

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Returns true if two pieces overlap in memory. */
function overlap(a: Buffer, b: Buffer): boolean {
  if (a.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;
}

describe('a copy', () => {
  it("is no view of the caller's bytes", () => {
    const bytes = filled(10, 1);
    for (const slab of [new CopySlab()]) {
      const copy = slab.copy(bytes);
      bytes.fill(9);
      assert.deepEqual([...copy], [...filled(10, 1)]);
    }
  });

  it('of a view has the bytes of the view alone', () => {
    const copy = new CopySlab().copy(Uint8Array.from([0, 1, 2, 3, 4]).subarray(1, 3));
    assert.deepEqual([...copy], [1, 2]);
  });

  it('of nothing is nothing, and takes no place', () => {
    const slab = new CopySlab();
    const first = slab.copy(filled(10, 1));
    assert.equal(slab.copy(new Uint8Array(0)).length, 0);
    assert.equal(slab.copy(filled(10, 2)).byteOffset, first.byteOffset + 10);
  });

  it('follows the one before in the same buffer', () => {
    const slab = new CopySlab();
    const pieces = [7, 100, 1].map((length) => slab.copy(filled(length, length)));
    assert.equal(new Set(pieces.map(({ buffer }) => buffer)).size, 1);
    assert.deepEqual(
      pieces.map(({ byteOffset }) => byteOffset),
      [0, 7, 107],
    );
  });
});

describe('the slab', () => {
  it(`holds a piece of ${SLAB_BYTES} bytes, and pieces that fill it to the last byte`, () => {
    const slab = new CopySlab();
    const whole = slab.copy(filled(SLAB_BYTES, 1));
    slab.release(whole);
    const most = slab.copy(filled(SLAB_BYTES - 1, 2));
    const last = slab.copy(filled(1, 3));
    assert.equal(most.buffer, whole.buffer);
    assert.equal(last.buffer, whole.buffer);
    assert.equal(last.byteOffset, SLAB_BYTES - 1);
  });

  it('gives a piece one byte larger a buffer of its own, and goes on as if it had not been', () => {
    const slab = new CopySlab();
    const first = slab.copy(filled(10, 1));
    const large = slab.copy(filled(SLAB_BYTES + 1, 2));
    assert.notEqual(large.buffer, first.buffer);
    assert.deepEqual(large, Buffer.alloc(SLAB_BYTES + 1, 2));
    slab.release(large);
    const second = slab.copy(filled(10, 3));
    assert.equal(second.buffer, first.buffer);
    assert.equal(second.byteOffset, 10);
  });

  it('that is full by one byte is left to those who wait in it, and a new one begins', () => {
    const slab = new CopySlab();
    const waiting = slab.copy(filled(SLAB_BYTES, 1));
    const next = slab.copy(filled(1, 2));
    assert.notEqual(next.buffer, waiting.buffer);
    assert.equal(next.byteOffset, 0);
    assert.deepEqual(waiting, Buffer.alloc(SLAB_BYTES, 1));
  });
});

describe('a released piece', () => {
  it('gives its place to the next one, at the same spot and of any length', () => {
    for (const length of [1, 50, 51, SLAB_BYTES - 10, SLAB_BYTES - 11]) {
      const slab = new CopySlab();
      slab.copy(filled(10, 1));
      const piece = slab.copy(filled(50, 2));
      slab.release(piece);
      const next = slab.copy(filled(length, 3));
      assert.equal(next.buffer, piece.buffer);
      assert.equal(next.byteOffset, 10);
      assert.deepEqual(next, Buffer.alloc(length, 3));
    }
  });

  it('of the same length as the next one needs no new view', () => {
    const slab = new CopySlab();
    const piece = slab.copy(filled(50, 1));
    slab.release(piece);
    assert.equal(slab.copy(filled(50, 2)), piece);
    assert.notEqual(slab.copy(filled(50, 3)), piece);
  });

  it('behind which something was copied keeps its place', () => {
    const slab = new CopySlab();
    const first = slab.copy(filled(10, 1));
    const second = slab.copy(filled(10, 2));
    slab.release(first);
    assert.equal(slab.copy(filled(10, 3)).byteOffset, 20);
    assert.deepEqual([...second], [...filled(10, 2)]);
  });

  it('of a former slab frees nothing in the present one, not even at the same offset', () => {
    const slab = new CopySlab();
    const former = slab.copy(filled(SLAB_BYTES, 1));
    const present = slab.copy(filled(SLAB_BYTES, 2));
    slab.release(former);
    const next = slab.copy(filled(1, 3));
    assert.notEqual(next.buffer, present.buffer);
    assert.deepEqual(present, Buffer.alloc(SLAB_BYTES, 2));
  });
});

type Step = { readonly copy: number } | { readonly release: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        copy: fc.oneof(
          fc.nat(300),
          fc.nat(SLAB_BYTES + 2),
          fc.constantFrom(0, 1, SLAB_BYTES - 1, SLAB_BYTES, SLAB_BYTES + 1),
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ release: fc.nat() }) },
  ),
  { maxLength: 40, size: 'max' },
);

it('no piece is touched before it is released, in any order of copies and releases', () => {
  fc.assert(
    fc.property(steps, (program) => {
      const slab = new CopySlab();
      let held: { readonly piece: Buffer; readonly value: number }[] = [];
      let value = 0;
      for (const step of program) {
        if ('copy' in step) {
          value = (value + 1) % 256;
          const piece = slab.copy(filled(step.copy, value));
          assert.equal(piece.length, step.copy);
          for (const other of held) assert.ok(!overlap(piece, other.piece));
          held.push({ piece, value });
        } else {
          // More often than not the last piece, as when the kernel takes each piece at once.
          const index = step.release % 2 === 0 ? held.length - 1 : step.release % (held.length + 1);
          const given = held[index];
          if (given === undefined) continue;
          slab.release(given.piece);
          held = held.filter((other) => other !== given);
        }
      }
      for (const { piece, value } of held) assert.ok(piece.every((byte) => byte === value));
    }),
    { numRuns: 100 },
  );
});
