import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BLOCK_BYTES, ReceivedBytes, SMALL_BYTES } from './received-bytes.js';

/** Few different bytes, so that a delimiter is found often and almost found more often. */
const someBytes = fc
  .array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 })
  .map((of) => Uint8Array.from(of));
const pieces = fc.array(
  fc.oneof(
    someBytes,
    fc.integer({ min: SMALL_BYTES - 1, max: SMALL_BYTES + 1 }).map((length) => new Uint8Array(length)),
  ),
  { maxLength: 60 },
);

function joined(of: readonly Uint8Array[]): number[] {
  return of.flatMap((piece) => [...piece]);
}

describe('received bytes', () => {
  it('come out as they went in, however they are taken', () => {
    const ways = fc.array(fc.tuple(fc.constantFrom('piece', 'take', 'skip', 'into'), fc.nat(3000)));
    fc.assert(
      fc.property(pieces, ways, (given, taking) => {
        const input = new ReceivedBytes();
        let expected = joined(given);
        const later = given.slice(given.length / 2);
        for (const piece of given.slice(0, given.length / 2)) input.push(piece);
        for (const [way, wanted] of taking) {
          const piece = later.shift();
          if (piece !== undefined) input.push(piece);
          const bytes = Math.min(wanted, input.length);
          let taken: Uint8Array | undefined;
          if (way === 'piece') taken = input.takePiece() ?? new Uint8Array(0);
          else if (way === 'take') taken = input.take(bytes);
          else if (way === 'skip') input.skip(bytes);
          else {
            taken = new Uint8Array(wanted);
            taken = taken.subarray(0, input.takeInto(taken));
          }
          const length = taken?.length ?? bytes;
          if (taken !== undefined) assert.deepEqual([...taken], expected.slice(0, length));
          expected = expected.slice(length);
          assert.equal(input.length + joined(later).length, expected.length);
        }
      }),
    );
  });

  it('are searched and looked at across pieces, as one text is', () => {
    const delimiter = someBytes.filter(({ length }) => length > 0 && length < 5);
    fc.assert(
      fc.property(pieces, delimiter, fc.nat(100), fc.nat(100), (given, wanted, skipped, from) => {
        const input = new ReceivedBytes();
        for (const piece of given) input.push(piece);
        const text = String.fromCharCode(...joined(given)).slice(skipped);
        input.skip(Math.min(skipped, input.length));
        const expected = text.indexOf(String.fromCharCode(...wanted), from);
        assert.equal(input.indexOf(wanted, from), expected);
        assert.equal(input.at(from), from < text.length ? text.charCodeAt(from) : undefined);
        assert.equal(input.offset, joined(given).length - text.length);
      }),
    );
  });

  it('in small pieces are copied together behind others, up to a block', () => {
    const input = new ReceivedBytes();
    const own = new Uint8Array(1);
    input.push(own);
    for (let count = 0; count < BLOCK_BYTES + 1; count += 1) input.push(Uint8Array.of(count));
    assert.equal(input.takePiece(), own, 'the first piece is the one that came');
    assert.equal(input.takePiece()?.length, BLOCK_BYTES);
    assert.equal(input.takePiece()?.length, 1);
  });

  it('are not copied together from a certain size on', () => {
    for (const [bytes, isJoined] of [
      [SMALL_BYTES - 1, true],
      [SMALL_BYTES, false],
    ] as const) {
      const input = new ReceivedBytes();
      input.push(new Uint8Array(1));
      input.push(new Uint8Array(bytes));
      input.push(new Uint8Array(1));
      input.takePiece();
      assert.equal(input.takePiece()?.length, isJoined ? bytes + 1 : bytes);
    }
  });

  it('that a program has been given are not written again', () => {
    const input = new ReceivedBytes();
    for (const byte of [1, 2, 3]) input.push(Uint8Array.of(byte));
    input.takePiece();
    const block = input.takePiece();
    input.push(Uint8Array.of(4));
    input.push(Uint8Array.of(5));
    assert.deepEqual([...(block ?? [])], [2, 3]);
    structuredClone(block, { transfer: block === undefined ? [] : [block.buffer as ArrayBuffer] });
    assert.deepEqual([...input.take(2)], [4, 5]);
  });
});
