/**
 * Data that arrives, its acknowledgement, and the window (RFC 9293 §3.8.6.2.2, §3.8.6.3; RFC 2018, RFC 2883).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_RANGES } from '#src/netstack/tcp/ranges.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { established, LOCAL, PEER, readAll, streamText, type Conversation } from './bed.js';
import { frameOf, packetOf } from './packets.js';

/** Has the host receive a segment of data, without the flush that follows a packet. */
function receiveUnflushed({ bed, peer }: Conversation, seq: number, text: string): void {
  const packet = packetOf({
    source: PEER[4],
    destination: LOCAL[4],
    sourcePort: peer.peerPort,
    destinationPort: peer.port,
    seq: (peer.iss + seq) | 0,
    ack: ((peer.hostIss ?? 0) + 1) | 0,
    flags: 'PA',
    window: 65_535,
    options: [],
    data: new TextEncoder().encode(text),
  });
  bed.netInterface.receive(frameOf(bed.frames, packet));
}

describe('an acknowledgement (§3.8.6.3)', () => {
  it('is sent at once at the start of a connection', () => {
    const { peer } = established();
    for (let sent = 0; sent < 15; sent += 1) {
      peer.send({ data: 10 });
      assert.equal(peer.sent().length, 1);
    }
  });

  it('is delayed later on, by 40 ms', () => {
    const { bed, peer } = established({ tcp: { quickAcks: 0 } });
    peer.send({ data: 1000 });
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.runUntilSent(1000), 40);
    assert.deepEqual(peer.sent(), ['A 1 ack 1001']);
  });

  it('is sent for each second full segment', () => {
    const { bed, peer } = established({ tcp: { quickAcks: 0 } });
    peer.send({ data: 1460 });
    assert.deepEqual(peer.sent(), []);
    peer.send({ data: 1460 });
    assert.deepEqual(peer.sent(), ['A 1 ack 2921']);
    bed.run(1000);
    assert.deepEqual(peer.sent(), []);
  });

  it('of an ESP32 comes with each second segment, or the tick of 250 ms', () => {
    const { bed, peer } = established({ profile: 'esp32' });
    bed.run(100);
    peer.send({ data: 10 });
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.runUntilSent(1000), 150);
    peer.send({ data: 10 });
    peer.send({ data: 10 });
    assert.equal(peer.sent().at(-1), 'A 1 ack 31');
  });

  it('rides on data', () => {
    const { bed, c, peer } = established({ tcp: { quickAcks: 0 } });
    peer.send({ data: 'abc' });
    c.write(new Uint8Array(5));
    c.push();
    assert.deepEqual(peer.sent(), ['PA 1:6 ack 4']);
    bed.run(1000);
    assert.ok(!peer.sent().includes('A 6 ack 4'));
  });

  it('is sent at once for what is out of order, for what fills a hole, and for FIN', () => {
    const { peer } = established({ tcp: { quickAcks: 0 } });
    peer.send({ seq: 4, data: 'def' });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    peer.send({ seq: 1, data: 'abc' });
    assert.deepEqual(peer.sent(), ['A 1 ack 7']);
    peer.send({ flags: 'FA' });
    assert.deepEqual(peer.sent(), ['A 1 ack 8']);
  });

  it('answers data that came before', () => {
    const { c, peer } = established({ tcp: { quickAcks: 0 } });
    peer.send({ data: 'abc' });
    peer.send({ seq: 1, data: 'abc' });
    assert.deepEqual(peer.sent(), ['A 1 ack 4']);
    assert.equal(readAll(c), 'abc');
  });

  it('answers a keep-alive, with and without its byte', () => {
    const { peer } = established();
    peer.send({ seq: 0 });
    peer.send({ seq: 0, data: 'x' });
    assert.deepEqual(peer.sent(), ['A 1 ack 1', 'A 1 ack 1']);
  });

  it('never answers an acknowledgement at the edge of the window', () => {
    const { c, peer } = established({ profile: 'esp32' });
    peer.send({ seq: 1 + 5760 });
    peer.send({ seq: 1 });
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.state, TcpState.ESTABLISHED);
  });
});

describe('data in and out of order', () => {
  it('that overlaps is taken once', () => {
    const { c, peer } = established();
    peer.send({ seq: 1, data: 'abcd' });
    peer.send({ seq: 3, data: 'cdef' });
    peer.send({ seq: 9, data: 'ijk' });
    peer.send({ seq: 5, data: 'efghij' });
    assert.equal(readAll(c), 'abcdefghijk');
  });

  it('is put together from any order', () => {
    const { c, peer } = established();
    const order = [7, 2, 9, 4, 1, 8, 3, 6, 5, 0];
    for (const index of order) peer.send({ seq: 1 + index * 100, data: 100 });
    assert.equal(readAll(c), streamText(1, 1001));
  });

  it('behind the window is cut off', () => {
    const { c, peer } = established({ profile: 'esp32' });
    for (let sent = 0; sent < 4320; sent += 1440) peer.send({ data: 1440 });
    peer.send({ data: 3000 });
    assert.equal(c.readable(), 5760);
    assert.equal(readAll(c), streamText(1, 5761));
    peer.send({ seq: 20_000, data: 10 });
    assert.equal(c.readable(), 0);
  });

  it('is kept in a bounded number of ranges', () => {
    const { bed, c, peer } = established();
    for (let index = 0; index <= MOST_RANGES; index += 1) peer.send({ seq: 10 + 10 * index, data: 5 });
    assert.equal(c.ranges.count, MOST_RANGES);
    assert.equal(bed.dropped('outOfOrderFull'), 1);
    peer.send({ seq: 15, data: 5 });
    assert.equal(c.ranges.count, MOST_RANGES - 1, 'what joins two ranges is taken');
  });

  it('is kept by the ESP32 in four segments, for six timeouts', () => {
    const { bed, c, peer } = established({ profile: 'esp32' });
    for (let index = 1; index <= 5; index += 1) peer.send({ seq: 1 + 100 * index, data: 50 });
    assert.equal(c.ranges.count, 4);
    assert.equal(bed.dropped('outOfOrderFull'), 1);
    bed.run(60_000);
    assert.equal(c.ranges.count, 0);
    peer.send({ seq: 1, data: 100 });
    assert.equal(readAll(c), streamText(1, 101));
  });
});

describe('a frame that the receive buffer keeps', () => {
  it('goes back when the next one comes before the flush', () => {
    const conversation = established();
    const { bed, c } = conversation;
    receiveUnflushed(conversation, 1, 'abc');
    assert.equal(readAll(c), 'abc');
    receiveUnflushed(conversation, 4, 'def');
    assert.equal(readAll(c), 'def');
    bed.settle();
    assert.equal(bed.frames.taken, 0);
  });

  it('has no more bytes skipped than it has', () => {
    const conversation = established();
    const { bed, c } = conversation;
    receiveUnflushed(conversation, 1, 'abc');
    assert.throws(() => {
      c.skip(4);
    }, /bytes that are dropped/);
    bed.settle();
    assert.equal(readAll(c), 'abc');
  });
});

describe('selective acknowledgements (RFC 2018, RFC 2883)', () => {
  it('tell of the newest range first, of four at most', () => {
    const { peer } = established({ sack: true });
    for (const seq of [11, 31, 51, 71, 91]) peer.send({ seq, data: 10 });
    assert.equal(peer.sent().at(-1), 'A 1 ack 1 sack 91:101 71:81 51:61 31:41');
    peer.send({ seq: 21, data: 10 });
    assert.equal(peer.sent().at(-1), 'A 1 ack 1 sack 11:41 91:101 71:81 51:61');
  });

  it('have room for three beside timestamps', () => {
    const { peer } = established({ sack: true, timestamps: true });
    for (const seq of [11, 31, 51, 71]) peer.send({ seq, data: 10 });
    assert.equal(peer.sent().at(-1), 'A 1 ack 1 sack 71:81 51:61 31:41');
  });

  it('are not sent to a peer that did not offer them', () => {
    const { peer } = established();
    peer.send({ seq: 11, data: 10 });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
  });

  it('end when the hole is filled', () => {
    const { peer } = established({ sack: true });
    peer.send({ seq: 11, data: 10 });
    peer.send({ seq: 1, data: 10 });
    assert.deepEqual(peer.sent(), ['A 1 ack 1 sack 11:21', 'A 1 ack 21']);
  });

  it('tell of data that came twice, first', () => {
    const { peer } = established({ sack: true });
    peer.send({ seq: 1, data: 10 });
    peer.sent();
    peer.send({ seq: 1, data: 10 });
    assert.deepEqual(peer.sent(), ['A 1 ack 11 sack 1:11']);
    peer.send({ seq: 21, data: 10 });
    peer.send({ seq: 21, data: 10 });
    assert.deepEqual(peer.sent(), ['A 1 ack 11 sack 21:31', 'A 1 ack 11 sack 21:31 21:31']);
    peer.send({ seq: 6, data: 10 });
    assert.deepEqual(peer.sent(), ['A 1 ack 16 sack 6:11 21:31']);
  });
});

describe('the window that this side offers (§3.8.6.2.2)', () => {
  it('falls with what is unread, and never moves its edge back', () => {
    const { peer } = established({ profile: 'esp32' });
    for (let sent = 1; sent <= 4; sent += 1) {
      peer.send({ data: 1440 });
      peer.send({ seq: 0 });
      assert.equal(peer.offered, 5760 - 1440 * sent);
    }
  });

  it('opens when the program has consumed enough, and tells the peer', () => {
    const { bed, c, peer } = established({ profile: 'esp32' });
    for (let sent = 0; sent < 5760; sent += 1440) peer.send({ data: 1440 });
    bed.run(1000);
    peer.sent();
    assert.equal(peer.offered, 0);
    c.skip(5760);
    assert.deepEqual(peer.sent(), [], 'what is skipped is not consumed');
    c.consume(1439);
    assert.deepEqual(peer.sent(), []);
    c.consume(1);
    assert.deepEqual(peer.sent(), ['A 1 ack 5761']);
    assert.equal(peer.offered, 1440);
    c.consume(4320);
    assert.equal(peer.sent().length, 1);
    assert.equal(peer.offered, 5760);
  });

  it('that single bytes have filled opens by a full step', () => {
    const { bed, c, peer } = established({ tcp: { receiveWindowBytes: 1100 } });
    for (let byte = 0; byte < 1100; byte += 1) peer.send({ data: 1 });
    bed.run(100);
    peer.sent();
    assert.equal(peer.offered, 0);
    c.skip(c.peek(535).length);
    c.consume(535);
    assert.deepEqual(peer.sent(), []);
    c.skip(1);
    c.consume(1);
    assert.equal(peer.sent().length, 1);
    assert.equal(peer.offered, 536);
  });

  it('that is closed answers probes', () => {
    const { c, peer } = established({ profile: 'esp32' });
    for (let sent = 0; sent < 5760; sent += 1440) peer.send({ data: 1440 });
    peer.sent();
    peer.send({ data: 'x' });
    assert.deepEqual(peer.sent(), ['A 1 ack 5761']);
    assert.equal(peer.offered, 0);
    assert.equal(c.readable(), 5760);
  });

  it('is scaled, and in full use', () => {
    const { peer } = established({ scale: 2 });
    assert.equal(peer.hostScale, 8);
    peer.send({ data: 1 });
    assert.ok(peer.offered > 100_000, String(peer.offered));
  });

  it('is as large as the program has asked for', () => {
    const { bed } = established();
    const listener = bed.tcp.listen({ address: undefined, port: 81, receiveWindowBytes: 3000 });
    assert.equal(typeof listener, 'object');
    const peer = bed.peer({ port: 81, peerPort: 5001, scale: 2 });
    peer.syn();
    peer.takeUnread();
    assert.equal(peer.hostScale, 0);
    assert.equal(peer.offered, 3000);
  });
});
