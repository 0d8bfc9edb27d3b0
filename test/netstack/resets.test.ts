/** Resets, and blind attacks with RST, SYN and data (RFC 9293 §3.5.3, RFC 5961), PAWS (RFC 7323 §5). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TcpState } from '#src/netstack/tcp/state.js';
import { established, readAll, type Conversation } from './bed.js';

function shut(conversation: Conversation): Conversation {
  conversation.c.shutdown();
  conversation.peer.takeUnread();
  return conversation;
}

function finished(conversation: Conversation): Conversation {
  conversation.peer.send({ flags: 'FA', ack: 1 });
  conversation.peer.sent();
  return conversation;
}

function acked(conversation: Conversation): Conversation {
  conversation.peer.ackAll();
  conversation.peer.sent();
  return conversation;
}

const SYNCHRONIZED: readonly [name: string, make: () => Conversation][] = [
  ['ESTABLISHED', () => established()],
  ['FIN_WAIT_1', () => shut(established())],
  ['FIN_WAIT_2', () => acked(shut(established()))],
  ['CLOSE_WAIT', () => finished(established())],
  ['CLOSING', () => finished(shut(established()))],
  ['LAST_ACK', () => shut(finished(established()))],
];

describe('a reset (RFC 9293 §3.10.7.4, second step; RFC 5961 §3)', () => {
  for (const [name, make] of SYNCHRONIZED) {
    it(`with the next number ends ${name} without an answer`, () => {
      const { bed, c, peer } = make();
      peer.sent();
      bed.takeEvents();
      peer.send({ flags: 'R', seq: peer.nxt });
      assert.equal(c.state, TcpState.CLOSED);
      assert.equal(c.failure, 'reset');
      assert.deepEqual(bed.takeEvents(), ['CLOSED reset']);
      assert.deepEqual(peer.sent(), []);
    });

    it(`elsewhere in the window is answered with a challenge in ${name}`, () => {
      const { c, peer } = make();
      peer.sent();
      const before = c.state;
      peer.send({ flags: 'R', seq: peer.nxt + 1 });
      assert.equal(c.state, before);
      assert.equal(peer.sent().length, 1);
    });

    it(`outside of the window is ignored in ${name}`, () => {
      const { c, peer } = make();
      peer.sent();
      const before = c.state;
      peer.send({ flags: 'R', seq: peer.nxt - 1 });
      peer.send({ flags: 'R', seq: peer.nxt + 1_000_000 });
      assert.equal(c.state, before);
      assert.deepEqual(peer.sent(), []);
    });
  }

  it('with the next number counts in a closed window as well', () => {
    const { c, peer } = established({ profile: 'esp32' });
    for (let sent = 0; sent < 5760; sent += 1440) peer.send({ data: 1440 });
    assert.equal(peer.offered, 0);
    peer.send({ flags: 'R', seq: peer.nxt });
    assert.equal(c.failure, 'reset');
  });
});

describe('SYN on a connection (RFC 5961 §4)', () => {
  it('is answered with a challenge, wherever it lies', () => {
    const { bed, c, peer } = established();
    for (const seq of [1, 100, 0, 1_000_000]) {
      peer.syn({ seq });
      assert.deepEqual(peer.sent(), ['A 1 ack 1'], String(seq));
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.deepEqual(bed.takeEvents(), []);
  });
});

describe('acknowledgements of blind attackers (RFC 5961 §5)', () => {
  it('of what was never sent are answered, and their data is dropped', () => {
    const { c, peer } = established();
    peer.send({ data: 'evil', ack: 2 });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    assert.equal(c.readable(), 0);
  });

  it('that are older than the largest window are answered, and their data is dropped', () => {
    const { c, peer } = established({ window: 1000 });
    peer.send({ seq: 1, data: 'evil', ack: -1000 });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    assert.equal(c.readable(), 0);
    peer.send({ seq: 1, data: 'late', ack: -999 });
    assert.equal(readAll(c), 'late');
  });

  it('without ACK are dropped silently', () => {
    const { bed, c, peer } = established();
    peer.send({ flags: 'P', data: 'abc' });
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.readable(), 0);
    assert.equal(bed.dropped('noAck'), 1);
  });
});

describe('acknowledgements outside of the window', () => {
  it('are answered once in half a second, so that two ends never answer each other without end', () => {
    const { bed, peer } = established();
    for (let round = 0; round < 10; round += 1) peer.send({ seq: 200_000 });
    assert.equal(peer.sent().length, 1);
    bed.run(500);
    peer.send({ seq: 200_000 });
    assert.equal(peer.sent().length, 1);
    // What carries data is always answered.
    for (let round = 0; round < 3; round += 1) peer.send({ seq: 200_000, data: 'x' });
    assert.equal(peer.sent().length, 3);
  });
});

describe('challenge ACKs (RFC 5961 §7)', () => {
  it('are limited in each second', () => {
    const { bed, peer } = established({ tcp: { challengeAcksPerSecond: 3 } });
    for (let guess = 0; guess < 5; guess += 1) peer.send({ flags: 'R', seq: 100 + guess });
    assert.equal(peer.sent().length, 3);
    bed.run(1000);
    peer.send({ flags: 'R', seq: 100 });
    assert.equal(peer.sent().length, 1);
  });
});

describe('old duplicates (RFC 7323 §5)', () => {
  it('are dropped by their timestamp, and answered', () => {
    const { bed, c, peer } = established({ timestamps: true, nowMs: 1000 });
    peer.send({ data: 'abc', timestamps: [1500, 0] });
    peer.sent();
    assert.equal(readAll(c), 'abc');
    peer.send({ data: 'old', timestamps: [1499, 0] });
    assert.deepEqual(peer.sent(), ['A 1 ack 4']);
    assert.equal(c.readable(), 0);
    assert.equal(bed.dropped('paws'), 1);
  });

  it('may be resets: those need no timestamp', () => {
    const { c, peer } = established({ timestamps: true, nowMs: 1000 });
    peer.send({ flags: 'R', timestamps: [1, 0] });
    assert.equal(c.failure, 'reset');
  });

  it('are no longer known after 24 days of silence (§5.5)', () => {
    const { bed, c, peer } = established({ timestamps: true, nowMs: 1000 });
    bed.run(23 * 24 * 3_600_000);
    peer.send({ seq: 1, data: 'no', timestamps: [500, 0] });
    assert.equal(c.readable(), 0);
    bed.run(2 * 24 * 3_600_000);
    peer.send({ seq: 1, data: 'yes', timestamps: [500, 0] });
    assert.equal(readAll(c), 'yes');
  });

  it('compare modulo 2^32', () => {
    const { c, peer } = established({ timestamps: true, nowMs: 2 ** 31 - 100 });
    peer.send({ data: 'abc', timestamps: [-(2 ** 31) + 5, 0] });
    assert.equal(readAll(c), 'abc');
  });

  it('echo the timestamp of the oldest segment that is not acknowledged (§4.3)', () => {
    const { bed, peer } = established({ timestamps: true, nowMs: 1000, tcp: { quickAcks: 0 } });
    peer.send({ data: 'a', timestamps: [2000, 0] });
    peer.send({ data: 'b', timestamps: [2001, 0] });
    bed.run(100);
    assert.equal(peer.takeSent().at(-1)?.read.timestamps?.[1], 2000);
    peer.send({ seq: 10, data: 'x', timestamps: [2005, 0] });
    assert.equal(peer.takeSent().at(-1)?.read.timestamps?.[1], 2000, 'what is out of order is not echoed');
  });
});
