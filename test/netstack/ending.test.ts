/** The end of connections (RFC 9293 §3.6, §3.10.4 to §3.10.7), TIME_WAIT (RFC 1337, RFC 6191). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TcpConnection } from '#src/netstack/tcp/connection.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import {
  Bed,
  established,
  readAll,
  stateName,
  write,
  type Conversation,
  type EstablishedOptions,
} from './bed.js';

function inTimeWait(options: EstablishedOptions = {}): Conversation {
  const conversation = established(options);
  const { bed, c, peer } = conversation;
  c.shutdown();
  peer.sent();
  peer.ackAll();
  peer.send({ flags: 'FA' });
  assert.equal(c.state, TcpState.TIME_WAIT);
  peer.sent();
  bed.takeEvents();
  return conversation;
}

describe('this side ends first (§3.6, case 1)', () => {
  it('sends FIN behind what was written, receives until the peer ends, and waits', () => {
    const { bed, c, peer } = established();
    write(bed, c, 10);
    c.shutdown();
    assert.deepEqual(peer.sent(), ['PA 1:11 ack 1', 'FA 11 ack 1']);
    peer.ackAll();
    assert.equal(c.state, TcpState.FIN_WAIT_2);
    peer.send({ data: 'still' });
    assert.equal(readAll(c), 'still');
    peer.send({ flags: 'FA' });
    assert.deepEqual(bed.takeEvents(), ['ACKED', 'FIN_ACKED', 'READABLE', 'END', 'CLOSED']);
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.equal(c.failure, undefined);
  });

  it('sends FIN with the last data if that waits', () => {
    const { c, peer } = established();
    c.write(new Uint8Array(10));
    c.shutdown();
    assert.deepEqual(peer.sent(), ['FPA 1:11 ack 1']);
  });

  it('takes no more data from its program', () => {
    const { c } = established();
    c.shutdown();
    assert.equal(c.sendSpace(), 0);
    assert.equal(c.write(new Uint8Array(1)), 0);
    c.shutdown();
  });

  it('sends FIN again until it is acknowledged', () => {
    const { bed, c, peer } = established({ rttMs: 100 });
    c.shutdown();
    peer.sent();
    bed.runUntilSent(10_000);
    assert.deepEqual(peer.sent(), ['FA 1 ack 1']);
    bed.run(2_000_000);
    assert.equal(c.failure, 'timedOut');
  });

  it('waits for the peer for ever while the program listens, and not longer than the profile says without it', () => {
    const { bed, c, peer } = established();
    c.shutdown();
    peer.sent();
    peer.ackAll();
    bed.run(10_000_000);
    assert.equal(c.state, TcpState.FIN_WAIT_2);
    c.close();
    bed.run(59_999);
    assert.equal(c.state, TcpState.FIN_WAIT_2);
    bed.run(2);
    assert.equal(c.state, TcpState.CLOSED);
  });
});

describe('the peer ends first (§3.6, case 2)', () => {
  it('may be sent to until this side ends', () => {
    const { bed, c, peer } = established();
    peer.send({ flags: 'FA' });
    assert.deepEqual(bed.takeEvents(), ['END']);
    assert.deepEqual(peer.sent(), ['A 1 ack 2']);
    write(bed, c, 5);
    assert.deepEqual(peer.sent(), ['PA 1:6 ack 2']);
    c.shutdown();
    assert.equal(c.state, TcpState.LAST_ACK);
    assert.deepEqual(peer.sent(), ['FA 6 ack 2']);
    peer.ackAll();
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(bed.takeEvents(), ['ACKED', 'CLOSED', 'FIN_ACKED']);
    assert.equal(bed.tcp.connections + bed.tcp.inTimeWait, 0);
  });

  it('has its FIN acknowledged each time that it comes', () => {
    const { peer } = established();
    peer.send({ flags: 'FA' });
    peer.sent();
    peer.send({ flags: 'FA', seq: 1 });
    assert.deepEqual(peer.sent(), ['A 1 ack 2']);
  });

  it('has FIN taken once the data before it has come, and not before', () => {
    const { bed, c, peer } = established();
    peer.send({ flags: 'FA', seq: 4 });
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    peer.send({ seq: 1, data: 'abc' });
    assert.equal(c.state, TcpState.CLOSE_WAIT);
    assert.deepEqual(peer.sent(), ['A 1 ack 5']);
    assert.deepEqual(bed.takeEvents(), ['READABLE', 'END']);
  });

  it('has data behind its FIN ignored', () => {
    const { c, peer } = established();
    peer.send({ flags: 'FA', seq: 6 });
    peer.send({ seq: 4, data: 'cdXXX' });
    peer.send({ seq: 1, data: 'abc' });
    assert.equal(c.state, TcpState.CLOSE_WAIT);
    assert.equal(readAll(c), 'abccd');
  });

  it('has a FIN ignored behind which data has come', () => {
    const { c, peer } = established();
    peer.send({ seq: 4, data: 'def' });
    peer.send({ flags: 'FA', seq: 5 });
    peer.send({ seq: 1, data: 'abc' });
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.equal(readAll(c), 'abcdef');
  });

  it('sends FIN again until the window is open', () => {
    const { c, peer } = established({ profile: 'esp32' });
    for (let sent = 0; sent < 5760; sent += 1440) peer.send({ data: 1440 });
    assert.equal(peer.offered, 0);
    peer.send({ flags: 'FA' });
    assert.equal(stateName(c.state), 'ESTABLISHED', 'FIN lies outside of a closed window');
    readAll(c);
    peer.send({ flags: 'FA', seq: 5761 });
    assert.equal(c.state, TcpState.CLOSE_WAIT);
  });
});

describe('both sides end at once (§3.6, case 3)', () => {
  it('go through CLOSING to TIME_WAIT', () => {
    const { bed, c, peer } = established();
    c.shutdown();
    assert.deepEqual(peer.sent(), ['FA 1 ack 1']);
    peer.send({ flags: 'FA', ack: 1 });
    assert.equal(c.state, TcpState.CLOSING);
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    peer.ackAll();
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.deepEqual(bed.takeEvents(), ['END', 'CLOSED', 'FIN_ACKED']);
  });

  it('go to TIME_WAIT at once if the FIN of the peer acknowledges this one', () => {
    const { c, peer } = established();
    c.shutdown();
    peer.sent();
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
  });
});

describe('close (§3.9.1.4, RFC 1122 §4.2.2.13)', () => {
  it('with unread data resets the connection', () => {
    const { bed, c, peer } = established();
    peer.send({ data: 'unread' });
    peer.sent();
    bed.takeEvents();
    c.close();
    assert.deepEqual(peer.sent(), ['RA 1 ack 7']);
    assert.deepEqual(bed.takeEvents(), ['CLOSED']);
  });

  it('without unread data sends FIN, and data that comes later is answered with a reset', () => {
    const { bed, c, peer } = established();
    c.close();
    assert.deepEqual(peer.sent(), ['FA 1 ack 1']);
    peer.ackAll();
    peer.send({ data: 'late' });
    assert.deepEqual(peer.sent(), ['R 2']);
    assert.equal(c.failure, 'aborted');
    assert.equal(bed.tcp.connections, 0);
  });

  it('of an ESP32 takes data that comes later, and drops it', () => {
    const { c, peer } = established({ profile: 'esp32' });
    c.close();
    peer.sent();
    peer.ackAll();
    for (let sent = 0; sent < 10; sent += 1) peer.send({ data: 1440 });
    assert.equal(c.readable(), 0);
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.equal(peer.sent().at(-1), 'A 2 ack 14402');
  });

  it('that discards takes and drops what waits and what comes', () => {
    const { c, peer } = established();
    peer.send({ data: 'unread' });
    peer.send({ seq: 20, data: 'out of order' });
    c.close(true);
    peer.sent();
    peer.ackAll();
    peer.send({ seq: 7, data: 20_000 });
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.equal(c.readable(), 0);
  });

  it('in TIME_WAIT leaves the connection there, unread data or not', () => {
    const { bed, c, peer } = established();
    c.shutdown();
    peer.sent();
    peer.send({ flags: 'FPA', data: 'unread' });
    peer.sent();
    c.close();
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.tcp.inTimeWait, 1);
  });
});

describe('abort (§3.9.1.5)', () => {
  it('sends a reset with the next number, and no event comes', () => {
    const { bed, c, peer } = established();
    write(bed, c, 10);
    peer.sent();
    c.abort();
    assert.deepEqual(peer.sent(), ['RA 11 ack 1']);
    assert.deepEqual(bed.takeEvents(), []);
    assert.equal(bed.tcp.connections, 0);
    assert.equal(bed.stack.nextDeadlineMs(), Infinity);
  });

  it('leaves every method harmless', () => {
    const { bed, c, peer } = established();
    peer.send({ data: 'abc' });
    const view = c.peek();
    c.abort();
    c.skip(view.length);
    c.consume(view.length);
    c.abort();
    c.close();
    c.shutdown();
    c.push();
    c.setNoDelay(true);
    c.setCork(true);
    c.setKeepAlive(1, 1, 1);
    c.setUserTimeout(1);
    assert.equal(c.write(new Uint8Array(1)), 0);
    assert.equal(c.info().state, TcpState.CLOSED);
    bed.run(10_000);
    assert.equal(bed.stack.nextDeadlineMs(), Infinity);
  });
});

describe('the figures of a connection that is over', () => {
  it('have no times: those of the host belong to other connections', () => {
    const { bed, c, peer } = established({ rttMs: 90 });
    const other = bed.peer({ port: c.localPort, peerPort: 6000 });
    other.syn();
    write(bed, c, 10);
    bed.run(90);
    peer.ackAll();
    assert.equal(c.info().smoothedRttMs, 90);
    c.abort();
    const { smoothedRttMs, rttVariationMs, rtoMs, bytesInFlight } = c.info();
    assert.deepEqual([smoothedRttMs, rttVariationMs, rtoMs, bytesInFlight], [undefined, undefined, 0, 0]);
    assert.equal(c.heardAgoMs(), 0);
  });
});

describe('a connection that has failed', () => {
  it('sends nothing more, and has no timer', () => {
    for (const profile of ['linux', 'lwip', 'esp32', 'arduino'] as const) {
      const bed = new Bed({ profile, tcp: { synRetransmissions: 2, synAckRetransmissions: 2 } });
      const connecting = bed.connect(5000, 80);
      // Both sides open at once; the program closes before the handshake is complete.
      const opening = bed.connect(5001, 81);
      const peer = bed.peer({ port: 81, peerPort: 5001 });
      peer.syn();
      opening.close();
      while (connecting.failure === undefined || opening.failure === undefined) bed.run(100);
      peer.sent();
      assert.ok(!connecting.timer.armed && !opening.timer.armed, profile);
      bed.run(100_000);
      assert.deepEqual(peer.sent(), [], profile);
    }
  });
});

describe('states of an ESP32 that do not last', () => {
  /** Returns the states `seconds` after now, and a second later. */
  function around(bed: Bed, c: TcpConnection, seconds: number): string[] {
    bed.run(seconds * 1000 - 500);
    const before = stateName(c.state);
    bed.run(1100);
    return [before, stateName(c.state)];
  }

  it('LAST_ACK ends two minutes after the last segment of the peer', () => {
    const { bed, c, peer } = established({ profile: 'esp32' });
    peer.send({ flags: 'FA' });
    c.shutdown();
    bed.run(100_000);
    peer.send({ flags: 'FA', seq: 1, ack: 1 });
    assert.deepEqual(around(bed, c, 120), ['LAST_ACK', 'CLOSED']);
  });

  it('LAST_ACK and FIN_WAIT_2 begin with the last segment before the program closed', () => {
    const passive = established({ profile: 'esp32' });
    passive.peer.send({ flags: 'FA' });
    passive.bed.run(30_000);
    passive.c.close();
    passive.bed.run(60_000);
    passive.peer.send({ flags: 'FA', seq: 1, ack: 1 });
    assert.deepEqual(around(passive.bed, passive.c, 30), ['LAST_ACK', 'CLOSED']);

    const active = established({ profile: 'esp32' });
    active.bed.run(15_000);
    active.c.close();
    active.peer.ackAll();
    assert.deepEqual(around(active.bed, active.c, 5), ['FIN_WAIT_2', 'CLOSED']);

    const idle = established({ profile: 'esp32' });
    idle.bed.run(60_000);
    idle.c.close();
    idle.peer.ackAll();
    assert.equal(idle.c.state, TcpState.FIN_WAIT_2);
    idle.bed.run(501);
    assert.equal(idle.c.state, TcpState.CLOSED);
  });

  it('SYN_RECEIVED ends twenty seconds after the last segment', () => {
    const bed = new Bed({ profile: 'esp32' });
    bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn();
    bed.run(15_000);
    peer.syn();
    const [c] = bed.tcp;
    assert.ok(c !== undefined);
    assert.deepEqual(around(bed, c, 20), ['SYN_RECEIVED', 'CLOSED']);
  });

  it('CLOSING lasts for as long as FIN is sent again', () => {
    const { bed, c, peer } = established({ profile: 'esp32' });
    c.shutdown();
    peer.send({ flags: 'FA', ack: 1 });
    bed.run(300_000);
    assert.equal(c.state, TcpState.CLOSING);
    bed.run(2_000_000);
    assert.equal(c.failure, 'timedOut');
  });
});

describe('TIME_WAIT (§3.10.7.4)', () => {
  it('lasts for the time of the profile', () => {
    for (const [profile, ms] of [
      ['linux', 60_000],
      ['esp32', 120_000],
    ] as const) {
      const { bed } = inTimeWait({ profile });
      bed.run(ms - 1);
      assert.equal(bed.tcp.inTimeWait, 1);
      bed.run(501);
      assert.equal(bed.tcp.inTimeWait, 0);
      assert.deepEqual(bed.takeEvents(), []);
    }
  });

  it('begins anew with a FIN that comes again, which is acknowledged', () => {
    const { bed, peer } = inTimeWait();
    bed.run(59_000);
    peer.send({ flags: 'FA', seq: 1 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    bed.run(59_000);
    assert.equal(bed.tcp.inTimeWait, 1);
    bed.run(1001);
    assert.equal(bed.tcp.inTimeWait, 0);
  });

  it('is not ended by a reset (RFC 1337)', () => {
    const { bed, peer } = inTimeWait();
    peer.send({ flags: 'R', seq: 2 });
    peer.send({ flags: 'R', seq: 100 });
    assert.equal(bed.tcp.inTimeWait, 1);
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.dropped('resetInTimeWait'), 2);
  });

  it('answers old data, and keeps nothing', () => {
    const { c, peer } = inTimeWait();
    peer.send({ seq: 1, data: 'old' });
    peer.send({ seq: 100, data: 'new' });
    assert.deepEqual(peer.sent(), ['A 2 ack 2', 'A 2 ack 2']);
    assert.equal(c.readable(), 0);
  });

  it('ends for a SYN with a higher number, which opens a new connection', () => {
    const { bed, peer } = inTimeWait();
    peer.syn({ seq: 50_000 });
    assert.equal(bed.tcp.inTimeWait, 0);
    const sent = bed.sent.at(-1);
    assert.equal(sent?.flags, 'SA');
    assert.equal(bed.tcp.connections, 1);
  });

  it('gives way to a connection whose numbers lie behind all of the former one', () => {
    const { bed, c, peer } = established({ scale: 8, window: 1_000_000 });
    for (let sent = 0; sent < 2_000_000;) {
      sent += write(bed, c, 100_000);
      peer.takeSent();
      peer.ackAll();
    }
    c.shutdown();
    peer.takeSent();
    peer.ackAll();
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    const last = c.sndNxt;
    bed.peer({ port: 80, iss: 2_000_000 }).syn();
    const answer = bed.sent.at(-1);
    assert.equal(answer?.flags, 'SA');
    assert.ok(((answer.seq - last) | 0) > 0);
  });

  it('answers a SYN with an old number, and stays', () => {
    const { bed, peer } = inTimeWait();
    peer.syn({ seq: -5 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    assert.equal(bed.tcp.inTimeWait, 1);
  });

  it('ends for a SYN with a later timestamp, whatever its number (RFC 6191)', () => {
    for (const [seq, stamp, ends] of [
      [-5, 5000, true],
      [-5, 1, false],
      [50_000, 1, false],
    ] as const) {
      const { bed, peer } = inTimeWait({ timestamps: true, nowMs: 1000 });
      peer.syn({ seq, timestamps: [stamp, 0] });
      assert.equal(bed.tcp.inTimeWait === 0, ends, `${seq} ${stamp}`);
    }
  });

  it('answers what carries nothing at most twice a second, and acknowledgements of nothing with a challenge', () => {
    const { bed, peer } = inTimeWait();
    for (let sent = 0; sent < 5; sent += 1) peer.send({ flags: 'A', seq: 70_000 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    bed.run(500);
    peer.send({ flags: 'A', seq: 70_000 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    peer.send({ flags: 'A', seq: 2, ack: 3 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    assert.equal(bed.dropped('ackOfUnsent'), 1);
  });

  it('keeps the timestamps of the connection, and refuses older ones', () => {
    const { bed, peer } = inTimeWait({ timestamps: true, nowMs: 1000 });
    bed.run(100);
    peer.send({ flags: 'FA', seq: 1 });
    assert.deepEqual(bed.sent.at(-1)?.read.timestamps?.[1], 1000);
    peer.send({ flags: 'FA', seq: 1, timestamps: [900, 0] });
    assert.equal(bed.dropped('paws'), 1);
    assert.deepEqual(bed.sent.at(-1)?.read.timestamps?.[1], 1000);
  });

  it('shows a closed window if FIN came behind the last byte of it', () => {
    for (const profile of ['esp32', 'linux'] as const) {
      const { bed, c, peer } = established({ profile, timestamps: profile === 'linux' });
      c.shutdown();
      peer.sent();
      peer.ackAll();
      while (peer.offered > 1440) {
        peer.send({ data: 1440 });
        bed.run(250);
      }
      peer.send({ flags: 'FPA', data: peer.offered });
      assert.equal(c.state, TcpState.TIME_WAIT);
      peer.sent();
      peer.send({ flags: 'FA', seq: peer.nxt - 1 });
      assert.deepEqual(peer.sent(), [`A 2 ack ${peer.nxt}`]);
      assert.equal(peer.offered, 0);
      assert.equal(bed.tcp.inTimeWait, 1);
    }
  });

  it('is not ended by a SYN that no listener takes', () => {
    const { bed, peer } = inTimeWait();
    peer.send({ flags: 'SF', seq: 50_000 });
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
    assert.equal(bed.tcp.inTimeWait, 1);
  });

  it('of an ESP32 is no shorter than two minutes if it begins between two ticks', () => {
    const { bed } = inTimeWait({ profile: 'esp32', rttMs: 499 });
    bed.run(120_000);
    assert.equal(bed.tcp.inTimeWait, 1);
    bed.run(2);
    assert.equal(bed.tcp.inTimeWait, 0);
  });

  it('that its program ends at once acknowledges the FIN of the peer all the same', () => {
    const { bed, c, peer } = established();
    c.shutdown();
    peer.sent();
    peer.ackAll();
    const settle = bed.settle.bind(bed);
    bed.settle = () => {
      if (c.state === TcpState.TIME_WAIT) c.abort();
      settle();
    };
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(peer.sent(), ['A 2 ack 2']);
  });

  it('is ended by an abort of the program, and by a crash', () => {
    const { bed, c } = inTimeWait();
    c.abort();
    assert.equal(bed.tcp.inTimeWait, 0);
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(bed.takeEvents(), []);
    const other = inTimeWait();
    other.bed.tcp.crash();
    assert.equal(other.bed.tcp.inTimeWait, 0);
    assert.equal(other.bed.stack.nextDeadlineMs(), Infinity);
  });

  it('of a former connection is not ended by an abort once a later one has its place', () => {
    const { bed, c, peer } = inTimeWait();
    peer.syn({ seq: 50_000 });
    c.abort();
    assert.equal(bed.tcp.connections, 1);
  });
});
