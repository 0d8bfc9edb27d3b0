import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TlsRecords } from './tls-records.js';

const BODIES = [0, 1, 300, 16_640];

function recordOf(bytes: number): Buffer {
  const record = Buffer.alloc(5 + bytes, 23);
  record.writeUInt16BE(bytes, 3);
  return record;
}

const records = BODIES.map(recordOf);
const stream = Buffer.concat(records);
const ends = records.map((_, at) => Buffer.concat(records.slice(0, at + 1)).length);

/** Returns the places at which the parts of a stream that arrives in pieces end. */
function partsOf(pieceBytes: number): number[] {
  const finder = new TlsRecords();
  const found: number[] = [];
  for (let at = 0; at < stream.length;) {
    const piece = stream.subarray(at, Math.ceil((at + 1) / pieceBytes) * pieceBytes);
    at += finder.take(piece);
    found.push(at);
  }
  return found;
}

describe('the ends of TLS records', () => {
  it('are found in one piece with all records', () => {
    assert.deepEqual(partsOf(stream.length), ends);
  });

  for (const pieceBytes of [1, 2, 3, 5, 7, 64, 1448, 16_384]) {
    it(`are found, and no other end than those of pieces, in pieces of ${pieceBytes} bytes`, () => {
      const pieces = Array.from({ length: Math.ceil(stream.length / pieceBytes) }, (_, at) =>
        Math.min(stream.length, (at + 1) * pieceBytes),
      );
      const expected = [...new Set([...ends, ...pieces])].sort((a, b) => a - b);
      assert.deepEqual(partsOf(pieceBytes), expected);
    });
  }
});
