/** The reader of segments: what it takes, and what it drops for which reason (RFC 9293 §3.1). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Frame, HEADROOM } from '../frame.js';
import { InPacket } from '../ip/in-packet.js';
import { checksumOf, sumWords } from './checksum.js';
import { Segment, type SegmentFault } from './tcp-segment.js';

const FRAME_BYTES = 2048;
const ADDRESS_SUM = 12_345;

interface Parts {
  readonly flags?: number;
  readonly options?: readonly number[];
  readonly data?: readonly number[];
  readonly sourcePort?: number;
  readonly headerWords?: number;
}

/** Returns a packet with the bytes of a segment, whose checksum is made right. */
function packetOf(bytes: readonly number[], isRight = true): InPacket {
  const frame = new Frame(FRAME_BYTES);
  frame.bytes.set(bytes, HEADROOM);
  frame.end = HEADROOM + bytes.length;
  const { view, start, end } = frame;
  if (isRight && bytes.length >= 20) {
    view.setUint16(start + 16, 0);
    view.setUint16(start + 16, checksumOf(sumWords(view, start, end) + ADDRESS_SUM + 6 + bytes.length));
  }
  const packet = new InPacket();
  packet.frame = frame;
  packet.start = start;
  packet.end = end;
  packet.addressSum = ADDRESS_SUM;
  return packet;
}

function segmentBytes({
  flags = 0x10,
  options = [],
  data = [],
  sourcePort = 5000,
  headerWords,
}: Parts): number[] {
  const padded = [...options];
  while (padded.length % 4 !== 0) padded.push(0);
  const words = headerWords ?? 5 + padded.length / 4;
  const ports = [sourcePort >> 8, sourcePort & 0xff, 0, 80];
  return [
    ...ports,
    0x80,
    0,
    0,
    1,
    0xff,
    0,
    0,
    2,
    words << 4,
    flags,
    0x12,
    0x34,
    0,
    0,
    0,
    0,
    ...padded,
    ...data,
  ];
}

function read(parts: Parts): [SegmentFault | undefined, Segment] {
  const segment = new Segment();
  return [segment.read(packetOf(segmentBytes(parts))), segment];
}

describe('a segment', () => {
  it('is read with signed numbers', () => {
    const [fault, segment] = read({ data: [7, 8, 9] });
    assert.equal(fault, undefined);
    assert.equal(segment.sourcePort, 5000);
    assert.equal(segment.destinationPort, 80);
    assert.equal(segment.seq, 0x80000001 | 0);
    assert.equal(segment.ack, 0xff000002 | 0);
    assert.equal(segment.window, 0x1234);
    assert.equal(segment.dataLength, 3);
    assert.equal(segment.frame?.bytes[segment.dataStart], 7);
  });

  it('counts SYN and FIN in its length', () => {
    assert.equal(read({ flags: 0x02 })[1].length, 1);
    assert.equal(read({ flags: 0x11, data: [1, 2] })[1].length, 3);
    assert.equal(read({ flags: 0x11, data: [1, 2] })[1].end, (0x80000001 + 3) | 0);
  });

  it('is dropped for a reason', () => {
    const cases: [Parts, SegmentFault][] = [
      [{ headerWords: 4 }, 'dataOffset'],
      [{ headerWords: 6 }, 'dataOffset'],
      [{ sourcePort: 0 }, 'ports'],
      [{ options: [8, 1, 0, 0] }, 'options'],
      [{ options: [8, 0, 0, 0] }, 'options'],
      [{ options: [2, 5, 0, 0] }, 'options'],
      [{ options: [1, 1, 1, 8] }, 'options'],
    ];
    for (const [parts, fault] of cases) assert.equal(read(parts)[0], fault, JSON.stringify(parts));
  });

  it('with a wrong checksum is dropped, whichever byte is wrong', () => {
    const bytes = segmentBytes({ data: [1, 2, 3, 4, 5] });
    for (let at = 0; at < bytes.length; at += 1) {
      const packet = packetOf(bytes);
      const wrong = (packet.frame.bytes[packet.start + at] ?? 0) ^ 0x10;
      packet.frame.bytes[packet.start + at] = wrong;
      const fault = new Segment().read(packet);
      assert.ok(fault === 'checksum' || fault === 'dataOffset', `byte ${at}`);
    }
  });

  it('of less than a header is truncated', () => {
    for (let length = 0; length < 20; length += 1)
      assert.equal(new Segment().read(packetOf(segmentBytes({}).slice(0, length))), 'truncated');
  });

  it('forgets the options of the one before', () => {
    const segment = new Segment();
    const all = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 3, 3, 7];
    assert.equal(segment.read(packetOf(segmentBytes({ flags: 2, options: all }))), undefined);
    assert.deepEqual(
      [segment.mss, segment.isSackPermitted, segment.hasTimestamp, segment.windowScale],
      [1460, true, true, 7],
    );
    const sack = [5, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    assert.equal(segment.read(packetOf(segmentBytes({ options: sack }))), undefined);
    assert.equal(segment.sackBlocks, 1);
    assert.equal(segment.read(packetOf(segmentBytes({}))), undefined);
    assert.deepEqual(
      [segment.mss, segment.isSackPermitted, segment.hasTimestamp, segment.windowScale, segment.sackBlocks],
      [0, false, false, -1, 0],
    );
  });

  it('has options of a SYN ignored elsewhere, and options of a wrong length everywhere', () => {
    const [, plain] = read({ options: [2, 4, 5, 180, 4, 2, 3, 3, 7] });
    assert.deepEqual([plain.mss, plain.isSackPermitted, plain.windowScale], [0, false, -1]);
    const [fault, syn] = read({
      flags: 2,
      options: [2, 3, 5, 4, 3, 0, 3, 2, 8, 4, 0, 0, 5, 5, 1, 2, 3, 30, 3, 1],
    });
    assert.equal(fault, undefined);
    assert.deepEqual(
      [syn.mss, syn.isSackPermitted, syn.windowScale, syn.hasTimestamp, syn.sackBlocks],
      [0, false, -1, false, 0],
    );
  });

  it('has a shift beyond 14 taken as 14 (RFC 7323 §2.3)', () => {
    assert.equal(read({ flags: 2, options: [3, 3, 200] })[1].windowScale, 14);
  });

  it('of random bytes is read or dropped, and never thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, isRight) => {
        const segment = new Segment();
        const fault = segment.read(packetOf([...bytes], isRight));
        if (fault !== undefined) return;
        assert.ok(segment.dataLength >= 0 && segment.dataLength <= bytes.length - 20);
        assert.ok(segment.sackBlocks <= 4 && segment.windowScale <= 14);
      }),
      { numRuns: 2000 },
    );
  });
});
