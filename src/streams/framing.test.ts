/** Lines and messages come out the same, however the bytes were split on their way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Reading } from './byte-stream.js';
import { ReceivedBytes } from './received-bytes.js';
import { framed, LineReading, MessageReading, PREFIX_BYTES, UntilReading } from './readings.js';

const LIMIT = 300;
const encoder = new TextEncoder();

/** Gives the bytes piece by piece and reads as far as they go. Returns the results and the error, if any. */
function readAll<T>(reading: Reading<T, unknown>, bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const input = new ReceivedBytes();
  const results: unknown[] = [];
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let begin = 0;
  try {
    for (const end of ends) {
      if (end > begin) input.push(bytes.slice(begin, end));
      begin = end;
      for (let value = reading.take(input); value !== undefined; value = reading.take(input)) {
        results.push(value instanceof Uint8Array ? [...value] : value);
      }
    }
    reading.atEnd(input);
  } catch (error) {
    results.push(String(error));
  }
  return results;
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe('lines', () => {
  const line = fc
    .oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 20 }))
    .map((text) => text.replace(/[\r\n]/g, ''));
  const lineEnd = fc.constantFrom('\n', '\r\n');

  it('are what was written, with either end, wherever they were cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(line, lineEnd)), cuts, (lines, where) => {
        const text = lines.map(([words, end]) => words + end).join('');
        const expected = lines.map(([words]) => words);
        assert.deepEqual(readAll(new LineReading(LIMIT), encoder.encode(text), where), expected);
      }),
    );
  });

  it('of any bytes come out the same for any cuts, with the same error', () => {
    const bytes = fc.array(fc.constantFrom(10, 13, 97, 0xc3, 0xa9), { maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 12 }), cuts, (of, limit, where) => {
        const whole = readAll(new LineReading(limit), Uint8Array.from(of), []);
        assert.deepEqual(readAll(new LineReading(limit), Uint8Array.from(of), where), whole);
      }),
    );
  });

  it('have as many bytes as the limit, and not one more', () => {
    for (const end of ['\n', '\r\n']) {
      const text = (bytes: number): Uint8Array => encoder.encode('x'.repeat(bytes) + end);
      assert.deepEqual(readAll(new LineReading(LIMIT), text(LIMIT), [1, LIMIT]), ['x'.repeat(LIMIT)]);
      const [error] = readAll(new LineReading(LIMIT), text(LIMIT + 1), [1, LIMIT]);
      assert.match(String(error), /read a line: value that cannot be used \(.* limit, 300 bytes\)$/);
    }
  });
});

describe('a line that has not ended', () => {
  it('fails at the first byte past the limit, unless that is the CR of its end', () => {
    const take = (text: string): string | undefined => {
      const input = new ReceivedBytes();
      input.push(encoder.encode(text));
      return new LineReading(LIMIT).take(input);
    };
    const most = 'x'.repeat(LIMIT);
    assert.equal(take(most), undefined);
    assert.equal(take(`${most}\r`), undefined);
    for (const past of ['x', '\rx', '\r\r']) assert.throws(() => take(most + past), /limit, 300 bytes/);
  });
});

describe('bytes up to a delimiter', () => {
  const byte = fc.integer({ min: 0, max: 2 });

  it('come out the same for any cuts, with the same error', () => {
    const delimiter = fc.array(byte, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(byte),
        delimiter,
        fc.integer({ min: 1, max: 9 }),
        cuts,
        (of, stop, limit, where) => {
          const read = (at: readonly number[]): unknown[] =>
            readAll(new UntilReading(Uint8Array.from(stop), limit), Uint8Array.from(of), at);
          assert.deepEqual(read(where), read([]));
        },
      ),
    );
  });

  it('are as many as the limit, and not one more', () => {
    const stop = encoder.encode('\r\n\r\n');
    const read = (bytes: number): unknown[] =>
      readAll(new UntilReading(stop, LIMIT), joined([new Uint8Array(bytes), stop]), [LIMIT, LIMIT + 2]);
    assert.deepEqual(read(LIMIT).slice(0, 1), [[...new Uint8Array(LIMIT)]]);
    assert.match(String(read(LIMIT + 1)[0]), /limit, 300 bytes/);
  });
});

describe('messages behind their length', () => {
  const message = fc.uint8Array({ maxLength: 255 });
  const form = fc.tuple(fc.constantFrom(...PREFIX_BYTES), fc.constantFrom('big' as const, 'little' as const));

  it('are what was written, wherever they were cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), form, cuts, (messages, [prefix, order], where) => {
        const bytes = joined(messages.map((each) => framed(each, prefix, order)));
        const read = readAll(new MessageReading(prefix, order, LIMIT), bytes, where);
        assert.deepEqual(
          read,
          messages.map((each) => [...each]),
        );
      }),
    );
  });

  it('have a length as DataView writes it', () => {
    const bytes = new Uint8Array(513);
    for (const isLittle of [false, true]) {
      const order = isLittle ? 'little' : 'big';
      const two = new DataView(framed(bytes, 2, order).buffer);
      const four = new DataView(framed(bytes, 4, order).buffer);
      assert.deepEqual([two.getUint16(0, isLittle), four.getUint32(0, isLittle)], [513, 513]);
    }
  });

  it('have as many bytes as the limit; a longer one fails at its length already', () => {
    const read = (bytes: number): unknown[] =>
      readAll(
        new MessageReading(4, 'big', LIMIT),
        framed(new Uint8Array(bytes), 4, 'big').slice(0, 304),
        [4],
      );
    assert.deepEqual(read(LIMIT), [[...new Uint8Array(LIMIT)]]);
    assert.match(String(read(LIMIT + 1)[0]), /read a message: .* limit, 300 bytes/);
  });

  it('that are cut off by the end name what was there', () => {
    const [error] = readAll(new MessageReading(1, 'big', LIMIT), Uint8Array.of(3, 1), []);
    assert.match(String(error), /read a message: connection closed \(the peer ended after 2 bytes of it\)$/);
  });
});
