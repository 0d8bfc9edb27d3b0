/** What is sent, and when (RFC 9293 §3.7.4, §3.8.6; RFC 1122 §4.2.3.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TcpState } from '#src/netstack/tcp/state.js';
import { established, write } from './bed.js';

describe('segments', () => {
  it('are full but for the last one, which has PSH', () => {
    const { bed, c, peer } = established({ mss: 1000 });
    c.setNoDelay(true);
    assert.equal(write(bed, c, 2500), 2500);
    assert.deepEqual(peer.sent(), ['A 1:1001 ack 1', 'A 1001:2001 ack 1', 'PA 2001:2501 ack 1']);
  });

  it('are taken up to the send buffer, and the rest once some are acknowledged', () => {
    const { bed, c, peer } = established({ profile: 'esp32', mss: 1440 });
    assert.equal(c.sendSpace(), 5760);
    assert.equal(write(bed, c, 10_000), 5760);
    assert.equal(c.sendSpace(), 0);
    assert.equal(c.unacknowledged(), 5760);
    peer.sent();
    peer.ack(1441);
    assert.equal(c.takeAcked(), 1440);
    assert.equal(c.takeAcked(), 0);
    assert.equal(c.sendSpace(), 1440);
  });

  it('are at most the queue of the ESP32, however small', () => {
    const { bed, c, peer } = established({ profile: 'esp32', mss: 1440 });
    c.setNoDelay(true);
    let writes = 0;
    while (write(bed, c, 1) === 1 && writes < 100) writes += 1;
    assert.ok(peer.sent().length <= 16);
    assert.ok(c.sent.count <= 16);
  });

  it('carry the data that was written, where the buffer wraps as well', () => {
    const { bed, c, peer } = established({ profile: 'esp32', mss: 1440 });
    const bytes: number[] = [];
    let next = 0;
    for (let round = 0; round < 20; round += 1) {
      const chunk = Uint8Array.from({ length: 3000 }, (_, index) => (next + index) % 251);
      next += c.write(chunk);
      c.push();
      bed.run(0);
      for (const { data } of peer.takeSent()) bytes.push(...data);
      peer.ackAll();
      for (const { data } of peer.takeSent()) bytes.push(...data);
      peer.ackAll();
    }
    assert.equal(bytes.length, next);
    assert.ok(bytes.every((byte, index) => byte === index % 251));
  });
});

describe("Nagle's algorithm (§3.7.4)", () => {
  it('lets one small segment out, and keeps the next ones until it is acknowledged', () => {
    const { bed, c, peer } = established();
    write(bed, c, 10);
    write(bed, c, 10);
    write(bed, c, 10);
    assert.deepEqual(peer.sent(), ['PA 1:11 ack 1']);
    assert.equal(c.unsent(), 20);
    peer.ackAll();
    assert.deepEqual(peer.sent(), ['PA 11:31 ack 1']);
  });

  it('lets full segments out', () => {
    const { bed, c, peer } = established({ mss: 1000 });
    write(bed, c, 10);
    write(bed, c, 2500);
    assert.deepEqual(peer.sent(), ['PA 1:11 ack 1', 'A 11:1011 ack 1', 'A 1011:2011 ack 1']);
  });

  it('is switched off, at once for what waits', () => {
    const { bed, c, peer } = established();
    write(bed, c, 10);
    write(bed, c, 10);
    peer.sent();
    c.setNoDelay(true);
    assert.deepEqual(peer.sent(), ['PA 11:21 ack 1']);
    write(bed, c, 10);
    assert.deepEqual(peer.sent(), ['PA 21:31 ack 1']);
  });

  it('does not hold back what FIN follows', () => {
    const { bed, c, peer } = established();
    write(bed, c, 10);
    write(bed, c, 10);
    c.shutdown();
    assert.deepEqual(peer.sent(), ['PA 1:11 ack 1', 'FPA 11:21 ack 1']);
  });
});

describe('a corked connection', () => {
  it('sends full segments, and the rest when the cork is taken out', () => {
    const { bed, c, peer } = established({ mss: 1000 });
    c.setCork(true);
    write(bed, c, 500);
    write(bed, c, 700);
    assert.deepEqual(peer.sent(), ['A 1:1001 ack 1']);
    c.setCork(false);
    peer.ackAll();
    assert.deepEqual(peer.sent(), ['PA 1001:1201 ack 1']);
  });

  it('sends the rest after 200 ms', () => {
    const { bed, c, peer } = established();
    c.setCork(true);
    write(bed, c, 500);
    assert.equal(bed.runUntilSent(1000), 200);
    assert.deepEqual(peer.sent(), ['PA 1:501 ack 1']);
  });
});

describe('the window of the peer (§3.8.6)', () => {
  it('is not exceeded', () => {
    const { bed, c, peer } = established({ mss: 1000, window: 2500 });
    c.setNoDelay(true);
    write(bed, c, 5000);
    const sent = peer.takeSent();
    const bytes = sent.reduce((sum, { data }) => sum + data.length, 0);
    assert.ok(bytes <= 2500);
    peer.ackAll();
    assert.ok(c.info().bytesInFlight <= 2500);
  });

  it('that is small is used from half of the largest one on (§3.8.6.2.1)', () => {
    const { bed, c, peer } = established({ mss: 1000, window: 800 });
    write(bed, c, 5000);
    assert.deepEqual(peer.sent(), ['A 1:801 ack 1']);
    peer.send({ window: 300 });
    assert.deepEqual(peer.sent(), [], 'a silly segment is not sent');
    peer.send({ window: 400 });
    assert.deepEqual(peer.sent(), ['A 801:1201 ack 1']);
  });

  it('that stays silly is used after a while all the same', () => {
    const { bed, c, peer } = established({ mss: 1000, window: 800, rttMs: 100 });
    write(bed, c, 5000);
    peer.sent();
    peer.send({ window: 300 });
    bed.runUntilSent(1000);
    assert.deepEqual(peer.sent(), ['A 801:1101 ack 1']);
  });

  it('is taken from the newest segment alone', () => {
    const { c, peer } = established({ window: 5000 });
    peer.send({ data: 'abc' });
    peer.send({ data: 'def', window: 4000 });
    assert.equal(c.sndWnd, 4000);
    peer.send({ seq: 1, data: 'abc', window: 100 });
    assert.equal(c.sndWnd, 4000, 'the window of an old segment is old');
    peer.send({ window: 6000 });
    assert.equal(c.sndWnd, 6000);
  });

  it('that shrinks loses nothing', () => {
    const { bed, c, peer } = established({ mss: 1000, window: 5000, rttMs: 100 });
    write(bed, c, 5000);
    peer.sent();
    peer.ack(1001, { window: 0 });
    assert.equal(c.info().bytesInFlight, 4000);
    bed.runUntilSent(10_000);
    assert.ok(peer.sent().length > 0);
    peer.ack(5001, { window: 1000 });
    assert.equal(c.unacknowledged(), 0);
  });
});

describe('a closed window (§3.8.6.1)', () => {
  it('is probed with a growing interval for as long as the peer answers', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    write(bed, c, 100);
    assert.deepEqual(peer.sent(), []);
    const gaps: number[] = [];
    for (let probe = 0; probe < 12; probe += 1) {
      gaps.push(Math.round(bed.runUntilSent(200_000)));
      assert.deepEqual(peer.sent(), ['A 0 ack 1']);
      peer.send({ window: 0 });
    }
    assert.ok(
      gaps.every((gap, index) => index === 0 || gap >= (gaps[index - 1] ?? 0)),
      String(gaps),
    );
    assert.equal(gaps[1], 2 * (gaps[0] ?? 0));
    assert.equal(gaps.at(-1), 120_000);
    bed.run(3_600_000);
    assert.equal(c.state, TcpState.CLOSED, 'a peer that answers no probe is given up');
    assert.equal(c.failure, 'timedOut');
  });

  it('that opens again is used, also if only the answer to a probe says so', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    write(bed, c, 100);
    bed.runUntilSent(10_000);
    peer.sent();
    peer.send({ window: 1000 });
    assert.deepEqual(peer.sent(), ['PA 1:101 ack 1']);
    peer.ackAll();
    assert.equal(c.unacknowledged(), 0);
  });

  it('keeps FIN back, and lets it out', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    c.shutdown();
    assert.deepEqual(peer.sent(), []);
    bed.runUntilSent(10_000);
    assert.deepEqual(peer.sent(), ['A 0 ack 1']);
    peer.send({ window: 10 });
    assert.deepEqual(peer.sent(), ['FA 1 ack 1']);
  });

  it('is probed by the ESP32 with the next byte, at the times of lwIP', () => {
    const { bed, c, peer } = established({ profile: 'esp32', window: 0 });
    write(bed, c, 100);
    const gaps: number[] = [];
    for (let probe = 0; probe < 8; probe += 1) {
      gaps.push(bed.runUntilSent(200_000));
      assert.deepEqual(peer.sent(), ['A 1:2 ack 1']);
      peer.send({ seq: 1, ack: 1, window: 0 });
    }
    assert.deepEqual(gaps, [1500, 3000, 6000, 12_000, 24_000, 48_000, 60_000, 60_000]);
    assert.equal(c.state, TcpState.ESTABLISHED);
  });

  it('that was open after all takes the byte of the probe', () => {
    const { bed, c, peer } = established({ profile: 'esp32', window: 0 });
    write(bed, c, 3);
    bed.runUntilSent(10_000);
    assert.deepEqual(peer.sent(), ['A 1:2 ack 1']);
    peer.ack(2, { window: 1000 });
    assert.deepEqual(peer.sent(), ['PA 2:4 ack 1']);
    peer.ackAll();
    assert.equal(c.unacknowledged(), 0);
  });

  it('that was open after all takes the FIN of the probe', () => {
    const { bed, c, peer } = established({ profile: 'esp32', window: 0 });
    c.shutdown();
    bed.runUntilSent(10_000);
    assert.deepEqual(peer.sent(), ['FA 1 ack 1']);
    peer.ack(2, { window: 1000 });
    assert.equal(c.state, TcpState.FIN_WAIT_2);
  });
});
