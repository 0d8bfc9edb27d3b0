/**
 * Losses and what is done about them (RFC 6298, RFC 5681, RFC 6582, RFC 6675, RFC 8985, RFC 2883), and the
 * congestion window (RFC 6928).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bed, established, write, type Conversation, type EstablishedOptions } from './bed.js';

const RTT_MS = 100;

/** Returns a connection with segments of 1000 bytes, of which `bytes` bytes were written. */
function sending(bytes: number, options: EstablishedOptions = {}): Conversation {
  const conversation = established({ mss: 1000, rttMs: RTT_MS, ...options });
  conversation.c.setNoDelay(true);
  write(conversation.bed, conversation.c, bytes);
  return conversation;
}

const data = (...starts: number[]): string[] => starts.map((start) => `A ${start}:${start + 1000} ack 1`);

describe('the congestion window', () => {
  it('begins with ten segments (RFC 6928)', () => {
    const { peer } = sending(20_000);
    assert.equal(peer.sent().length, 10);
  });

  it('begins with three or four segments on the ESP32 (RFC 3390)', () => {
    const { peer } = sending(5760, { profile: 'esp32', mss: 1440 });
    assert.equal(peer.sent().length, 3);
  });

  it('grows by what is acknowledged in slow start (RFC 5681 §3.1)', () => {
    const { bed, peer } = sending(40_000);
    peer.sent();
    bed.run(RTT_MS);
    peer.ack(2001);
    assert.equal(peer.sent().length, 4);
    peer.ack(4001);
    assert.equal(peer.sent().length, 4);
  });

  it('does not grow while it is not used (RFC 7661)', () => {
    const { bed, c, peer } = sending(1000);
    for (let round = 0; round < 20; round += 1) {
      bed.run(RTT_MS);
      peer.ackAll();
      write(bed, c, 1000);
    }
    assert.ok(c.info().congestionWindowBytes <= 11_000, String(c.info().congestionWindowBytes));
  });

  it('is one segment behind a retransmission timeout', () => {
    const { bed, c, peer } = sending(5000);
    peer.sent();
    bed.runUntilSent(1000);
    assert.deepEqual(peer.sent(), data(1));
    assert.equal(c.info().congestionWindowBytes, 1000);
    assert.equal(c.info().recovery, 'loss');
    peer.ack(1001);
    assert.deepEqual(peer.sent(), data(1001, 2001), 'slow start');
  });
});

describe('the retransmission timer (RFC 6298)', () => {
  it('doubles with each timeout (§5.5), and gives up in the end', () => {
    const { bed, c, peer } = sending(1000);
    peer.sent();
    const gaps: number[] = [];
    while (gaps.length < 30 && c.failure === undefined) {
      const gap = bed.runUntilSent(200_000);
      if (peer.sent().length > 0) gaps.push(Math.round(gap));
      else break;
    }
    assert.deepEqual(gaps.slice(0, 5), [300, 600, 1200, 2400, 4800]);
    assert.equal(gaps.at(-1), 120_000);
    assert.equal(gaps.length, 15);
    bed.run(200_000);
    assert.equal(c.failure, 'timedOut');
    assert.deepEqual(bed.takeEvents(), ['CLOSED timedOut']);
  });

  it('begins anew with each new acknowledgement (§5.3)', () => {
    const { bed, peer } = sending(2000);
    peer.sent();
    bed.run(200);
    peer.ack(1001);
    const gap = bed.runUntilSent(1000);
    assert.ok(gap >= 300, String(gap));
    assert.deepEqual(peer.sent(), ['PA 1001:2001 ack 1']);
  });

  it('stops when nothing is in flight (§5.2)', () => {
    const { bed, peer } = sending(1000);
    peer.sent();
    peer.ackAll();
    bed.run(1_000_000);
    assert.deepEqual(peer.sent(), []);
  });

  it('takes no sample of what was sent twice (§3, Karn), and keeps its backoff until there is one', () => {
    const { bed, c, peer } = sending(1000);
    peer.sent();
    bed.runUntilSent(1000);
    bed.run(50);
    const before = c.info().smoothedRttMs;
    peer.ackAll();
    assert.equal(c.info().smoothedRttMs, before);
    assert.equal(c.info().rtoMs, 600);
    write(bed, c, 1000);
    bed.run(RTT_MS);
    peer.ackAll();
    assert.ok(c.info().rtoMs < 400);
  });

  it('takes a sample of what was sent twice if timestamps tell which copy came (RFC 7323 §4)', () => {
    const { bed, c, peer } = sending(988, { timestamps: true, nowMs: 1000 });
    peer.sent();
    bed.runUntilSent(1000);
    peer.sent();
    bed.run(20);
    peer.ackAll();
    assert.equal(c.info().smoothedRttMs, 90, 'the sample of 20 ms counts one eighth');
    assert.ok(c.info().rtoMs < 400);
  });

  it('of the ESP32 acts at ticks of 500 ms, from 1.5 s on', () => {
    const { bed, c, peer } = sending(1000, { profile: 'esp32', rttMs: 20 });
    peer.sent();
    const times: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      bed.runUntilSent(200_000);
      times.push(bed.nowMs);
      assert.equal(peer.sent().length, 1);
    }
    assert.ok(
      times.every((ms) => ms % 500 === 0),
      String(times),
    );
    const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
    assert.deepEqual(gaps, [3000, 6000, 12_000, 24_000, 48_000]);
    bed.run(3_600_000);
    assert.equal(c.failure, 'timedOut');
  });
});

describe('fast retransmit and recovery without SACK (RFC 5681, RFC 6582, RFC 3042)', () => {
  it('sends new data for the first two duplicates, and the first segment again for the third', () => {
    const { peer } = sending(15_000);
    peer.sent();
    peer.ack(1);
    assert.deepEqual(peer.sent(), data(10_001));
    peer.ack(1);
    assert.deepEqual(peer.sent(), data(11_001));
    peer.ack(1);
    assert.deepEqual(peer.sent(), data(1));
  });

  it('sends the next segment again for a partial acknowledgement, and ends with the last one', () => {
    const { c, peer } = sending(10_000);
    peer.sent();
    for (let duplicate = 0; duplicate < 3; duplicate += 1) peer.ack(1);
    assert.equal(c.info().recovery, 'recovery');
    peer.sent();
    peer.ack(4001);
    assert.ok(peer.sent().includes('A 4001:5001 ack 1'));
    assert.equal(c.info().recovery, 'recovery');
    peer.ack(10_001);
    assert.equal(c.info().recovery, 'open');
    assert.ok(c.info().congestionWindowBytes <= 7000);
  });

  it('is not set off by data, by a window update, or by the keep-alives of the peer', () => {
    const { c, peer } = sending(10_000);
    peer.sent();
    for (let count = 0; count < 4; count += 1) peer.send({ ack: 1, data: 'x' });
    for (let count = 0; count < 4; count += 1) peer.send({ ack: 1, window: 60_000 + count });
    for (let count = 0; count < 4; count += 1) peer.send({ ack: 1, seq: peer.nxt - 1, window: 60_003 });
    assert.ok(!peer.sent().includes('A 1:1001 ack 1'));
    assert.equal(c.info().recovery, 'open');
  });

  it('of lwIP ends with the first new acknowledgement', () => {
    const { c, peer } = sending(5760, { profile: 'esp32', mss: 1440 });
    peer.sent();
    for (let duplicate = 0; duplicate < 3; duplicate += 1) peer.ack(1);
    assert.ok(peer.sent().includes('A 1:1441 ack 1'));
    assert.equal(c.info().recovery, 'recovery');
    peer.ack(1441);
    assert.equal(c.info().recovery, 'open');
  });
});

describe('loss recovery with SACK (RFC 6675, RFC 8985)', () => {
  it('sends a segment again once three behind it have arrived, and no other', () => {
    const { bed, peer } = sending(10_000, { sack: true });
    peer.sent();
    bed.run(RTT_MS);
    peer.ack(1, { sack: [[1001, 2001]] });
    peer.ack(1, { sack: [[1001, 3001]] });
    assert.deepEqual(peer.sent(), []);
    peer.ack(1, { sack: [[1001, 4001]] });
    assert.deepEqual(peer.sent(), data(1));
    peer.ack(4001);
    bed.run(1);
    assert.ok(!peer.sent().some((line) => line.startsWith('A 1001:')));
  });

  it('fills several holes, each once', () => {
    const { bed, c, peer } = sending(10_000, { sack: true });
    peer.sent();
    bed.run(RTT_MS);
    const sack: [number, number][] = [
      [7001, 10_001],
      [3001, 5001],
    ];
    peer.ack(1, { sack });
    const lines = peer.sent();
    for (let ack = 0; ack < 6; ack += 1) {
      peer.ack(1, { sack });
      lines.push(...peer.sent());
    }
    bed.run(RTT_MS);
    peer.ack(1001, { sack });
    lines.push(...peer.sent());
    peer.ack(3001, { sack });
    lines.push(...peer.sent());
    assert.deepEqual([...new Set(lines)].sort(), data(1, 1001, 2001, 5001, 6001).sort());
    assert.equal(lines.length, 5);
    peer.ack(10_001);
    assert.equal(c.unacknowledged(), 0);
  });

  it('waits a quarter of the round trip for what may be reordered', () => {
    const { bed, peer } = sending(5000, { sack: true });
    peer.sent();
    bed.run(RTT_MS);
    peer.ack(1, { sack: [[1001, 2001]] });
    assert.deepEqual(peer.sent(), []);
    bed.run(24);
    assert.deepEqual(peer.sent(), []);
    bed.run(10);
    assert.deepEqual(peer.sent(), data(1));
  });

  it('does nothing if the segment comes within that time', () => {
    const { bed, c, peer } = sending(2000, { sack: true });
    peer.sent();
    bed.run(RTT_MS);
    peer.ack(1, { sack: [[1001, 2001]] });
    bed.run(10);
    peer.ack(2001);
    bed.run(1000);
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.info().totalRetransmissions, 0);
  });

  it('ignores blocks that are empty, reversed, or of what was never sent', () => {
    const { c, peer } = sending(5000, { sack: true });
    peer.sent();
    for (const block of [
      [1001, 1001],
      [3001, 2001],
      [4001, 9001],
      [-2000, -1000],
      [2 ** 30, 2 ** 31 - 1],
    ] as const) {
      peer.ack(1, { sack: [block] });
    }
    assert.equal(c.info().sackedSegments, 0);
  });

  it('takes blocks that cover parts of segments without harm', () => {
    const { bed, c, peer } = sending(5000, { sack: true });
    peer.sent();
    peer.ack(1, { sack: [[1500, 2500]] });
    peer.ack(1, { sack: [[1500, 4200]] });
    bed.run(RTT_MS);
    peer.ack(1700, { sack: [[2500, 4200]] });
    bed.run(1000);
    peer.ack(5001);
    assert.equal(c.unacknowledged(), 0);
  });

  it('sends everything again to a peer that has dropped what it had (RFC 2018 §8)', () => {
    const { bed, c, peer } = sending(3000, { sack: true });
    peer.sent();
    peer.ack(1, { sack: [[1001, 3001]] });
    peer.ack(1001);
    const lines: string[] = [];
    for (let round = 0; round < 6 && c.unacknowledged() > 0; round += 1) {
      bed.runUntilSent(10_000);
      lines.push(...peer.sent());
      if (lines.includes('A 1001:2001 ack 1')) peer.ack(2001);
      if (lines.some((line) => line.includes('2001:3001'))) peer.ack(3001);
    }
    assert.equal(c.unacknowledged(), 0);
  });
});

describe('the tail loss probe (RFC 8985 §7)', () => {
  it('sends the last segment again after two round trips', () => {
    const { bed, c, peer } = sending(3000, { sack: true });
    peer.sent();
    const gap = bed.runUntilSent(1000);
    assert.ok(gap >= 2 * RTT_MS && gap < 2 * RTT_MS + 10, String(gap));
    assert.deepEqual(peer.sent(), ['PA 2001:3001 ack 1']);
    assert.notEqual(c.info().recovery, 'loss');
    bed.run(RTT_MS);
    peer.sent();
    peer.ack(1, { sack: [[2001, 3001]] });
    bed.run(100);
    assert.ok(c.info().totalRetransmissions > 1, 'the probe has shown the losses');
  });

  it('sends new data instead if there is some', () => {
    const { bed, c, peer } = sending(3000, { sack: true, window: 65_535 });
    peer.sent();
    c.setNoDelay(false);
    write(bed, c, 10);
    bed.runUntilSent(1000);
    assert.deepEqual(peer.sent(), ['PA 3001:3011 ack 1']);
  });

  it('is sent once, and the retransmission timer follows', () => {
    const { bed, peer } = sending(3000, { sack: true });
    peer.sent();
    bed.runUntilSent(1000);
    peer.sent();
    bed.runUntilSent(1000);
    assert.deepEqual(peer.sent(), data(1));
  });
});

describe('duplicates that the peer reports (RFC 2883)', () => {
  it('do not set off a retransmission', () => {
    const { bed, c, peer } = sending(5000, { sack: true });
    peer.sent();
    bed.run(RTT_MS);
    peer.ack(5001, { sack: [[1, 1001]] });
    bed.run(1000);
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.info().recovery, 'open');
  });
});

describe('a SYN that was lost', () => {
  it('means three seconds for data, as long as there is no sample (RFC 6298 §5.7)', () => {
    const bed = new Bed();
    const c = bed.connect(5000, 80);
    const peer = bed.peer({ port: 80 });
    bed.run(1100);
    assert.deepEqual(peer.sent().length, 2);
    peer.syn({ flags: 'SA' });
    write(bed, c, 10);
    peer.sent();
    assert.equal(bed.runUntilSent(10_000), 3000);
    assert.equal(bed.runUntilSent(10_000), 6000);
  });
});
