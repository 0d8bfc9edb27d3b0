/**
 * Keep-alive (RFC 9293 §3.8.4), user timeout (RFC 5482), ICMP errors (RFC 1122 §4.2.3.9, RFC 5927, RFC 1191).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IcmpReport } from '#src/netstack/tcp/ip-service.js';
import type { TcpConnection } from '#src/netstack/tcp/connection.js';
import { seqAdd } from '#src/netstack/tcp/sequence.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Bed, established, write } from './bed.js';

describe('keep-alive', () => {
  it('probes an idle connection, and resets it when no probe is answered', () => {
    const { bed, c, peer } = established();
    c.setKeepAlive(10_000, 1000, 3);
    const times: number[] = [];
    for (let probe = 0; probe < 3; probe += 1) {
      bed.runUntilSent(20_000);
      times.push(bed.nowMs);
      assert.deepEqual(peer.sent(), ['A 0 ack 1']);
    }
    assert.deepEqual(times, [10_000, 11_000, 12_000]);
    bed.runUntilSent(20_000);
    assert.deepEqual(peer.sent(), ['RA 1 ack 1']);
    assert.equal(c.failure, 'timedOut');
    assert.deepEqual(bed.takeEvents(), ['CLOSED timedOut']);
  });

  it('goes on while probes are answered', () => {
    const { bed, c, peer } = established();
    c.setKeepAlive(10_000, 1000, 3);
    for (let probe = 0; probe < 20; probe += 1) {
      assert.equal(bed.runUntilSent(20_000), 10_000);
      peer.sent();
      peer.ackAll();
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
  });

  it('goes on while probes are answered that are further apart than the idle time', () => {
    const { bed, c, peer } = established();
    c.setKeepAlive(1000, 5000, 3);
    for (let probe = 0; probe < 20; probe += 1) {
      bed.runUntilSent(20_000);
      assert.deepEqual(peer.sent(), ['A 0 ack 1']);
      bed.run(10);
      peer.ackAll();
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
  });

  it('counts from the last segment of the peer', () => {
    const { bed, c, peer } = established();
    c.setKeepAlive(10_000, 1000, 3);
    bed.run(9000);
    peer.send({ data: 'abc' });
    peer.sent();
    assert.equal(c.heardAgoMs(), 0);
    assert.equal(bed.runUntilSent(20_000), 10_000);
  });

  it('is off by default, and can be switched off', () => {
    const { bed, c } = established();
    c.setKeepAlive(10_000, 1000, 3);
    c.setKeepAlive(0, 0, 0);
    bed.run(100_000_000);
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.equal(bed.stack.nextDeadlineMs(), Infinity);
  });

  it('in TIME_WAIT has no effect', () => {
    const { bed, c, peer } = established();
    c.shutdown();
    peer.takeUnread();
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    peer.sent();
    c.setKeepAlive(1000, 1000, 3);
    bed.run(59_000);
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.state, TcpState.TIME_WAIT);
  });
});

describe('the user timeout', () => {
  it('ends a connection whose data is not acknowledged', () => {
    const { bed, c } = established({ rttMs: 100 });
    c.setUserTimeout(5000);
    write(bed, c, 10);
    bed.run(4999);
    assert.equal(c.state, TcpState.ESTABLISHED);
    bed.run(10_000);
    assert.equal(c.failure, 'timedOut');
  });

  it('ends it at its time, also between two retransmissions or probes', () => {
    for (const window of [65_535, 0]) {
      const { bed, c } = established({ rttMs: 20, window });
      c.setUserTimeout(33_000);
      write(bed, c, 10);
      bed.run(32_000);
      assert.equal(c.state, TcpState.ESTABLISHED);
      bed.run(2000);
      assert.equal(c.failure, 'timedOut');
    }
  });

  it('comes although the peer sends data all the time', () => {
    const { bed, c, peer } = established({ rttMs: 100 });
    c.setUserTimeout(5000);
    write(bed, c, 10);
    for (let second = 0; second < 20 && c.state !== TcpState.CLOSED; second += 1) {
      peer.send({ data: 'abc', ack: 1 });
      bed.run(1000);
    }
    assert.equal(c.failure, 'timedOut');
  });

  it('does not count while a closed window is probed and the peer answers', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    c.setUserTimeout(5000);
    write(bed, c, 10);
    for (let probe = 0; probe < 10; probe += 1) {
      bed.runUntilSent(200_000);
      peer.sent();
      peer.send({ window: 0 });
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
  });
});

describe('a connection that its program has closed', () => {
  it('is given up after some probes of a window that stays closed, although the peer answers', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    write(bed, c, 10);
    c.close(true);
    let probes = 0;
    for (; probes < 20 && c.state !== TcpState.CLOSED; probes += 1) {
      bed.runUntilSent(200_000);
      peer.send({ window: 0 });
    }
    assert.equal(c.failure, 'timedOut');
    // The interval has doubled up to two minutes by then; the last round sends the reset.
    assert.equal(probes, 10);
  });

  it('is not given up while the program has not closed it', () => {
    const { bed, c, peer } = established({ rttMs: 100, window: 0 });
    write(bed, c, 10);
    for (let probe = 0; probe < 20; probe += 1) {
      bed.runUntilSent(200_000);
      peer.send({ window: 0 });
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
  });
});

describe('a window that closes over data in flight', () => {
  it('is probed by retransmissions for as long as the peer answers', () => {
    const { bed, c, peer } = established({ rttMs: 20 });
    write(bed, c, 14_600);
    bed.run(20);
    peer.sent();
    peer.ack(1461, { window: 0 });
    for (let round = 0; round < 40; round += 1) {
      bed.runUntilSent(200_000);
      bed.run(20);
      peer.sent();
      peer.ack(1461, { window: 0 });
    }
    assert.equal(c.state, TcpState.ESTABLISHED);
    bed.run(4_000_000);
    assert.equal(c.failure, 'timedOut');
  });
});

function report(c: TcpConnection, kind: IcmpReport['kind'], seq = c.sndUna): IcmpReport {
  const quoted = new DataView(new ArrayBuffer(8));
  quoted.setUint16(0, c.localPort);
  quoted.setUint16(2, c.remotePort);
  quoted.setInt32(4, seq);
  const { localAddress: source, remoteAddress: destination } = c;
  return { kind, type: 3, code: 0, mtu: undefined, source, destination, protocol: 6, quoted };
}

describe('ICMP errors', () => {
  it('end a connection in SYN_SENT', () => {
    for (const [kind, failure] of [
      ['hard', 'refused'],
      ['soft', 'unreachable'],
    ] as const) {
      const bed = new Bed();
      const c = bed.connect(5000, 80);
      bed.tcp.report(report(c, kind));
      assert.equal(c.failure, failure);
      assert.deepEqual(bed.takeEvents(), [`CLOSED ${failure}`]);
    }
  });

  it('do not end an established connection', () => {
    const { bed, c } = established();
    write(bed, c, 10);
    bed.tcp.report(report(c, 'hard'));
    bed.tcp.report(report(c, 'soft'));
    bed.settle();
    assert.equal(c.state, TcpState.ESTABLISHED);
  });

  it('that quote what is not in flight are guesses', () => {
    const bed = new Bed();
    const c = bed.connect(5000, 80);
    bed.tcp.report(report(c, 'hard', c.iss));
    assert.equal(c.failure, 'refused');
    const other = bed.connect(5001, 81);
    bed.tcp.report({ ...report(other, 'hard'), quoted: report(c, 'hard').quoted });
    bed.tcp.report({ ...report(other, 'hard'), quoted: new DataView(new ArrayBuffer(4)) });
    assert.equal(other.state, TcpState.SYN_SENT);
    for (const seq of [other.sndNxt, seqAdd(other.sndUna, -1)]) {
      assert.equal(bed.tcp.believes(report(other, 'hard', seq)), false);
      bed.tcp.report(report(other, 'hard', seq));
      assert.equal(other.state, TcpState.SYN_SENT);
    }
    assert.ok(bed.tcp.believes(report(other, 'hard')));
  });

  it('of a smaller path send what is too large again, in smaller segments', () => {
    const { bed, c, peer } = established({ mss: 1460 });
    c.setNoDelay(true);
    write(bed, c, 2920);
    assert.deepEqual(peer.sent(), ['A 1:1461 ack 1', 'PA 1461:2921 ack 1']);
    bed.wire.mtu = 576;
    bed.stack.ip.routing.changed();
    bed.tcp.report(report(c, 'tooBig'));
    const lines = peer.sent();
    assert.equal(lines[0], 'A 1:537 ack 1');
    assert.equal(c.sendMss, 536);
    for (let round = 0; round < 10 && c.unacknowledged() > 0; round += 1) {
      peer.ackAll();
      const sent = peer.takeSent();
      assert.ok(sent.every(({ data }) => data.length <= 536));
      bed.run(500);
    }
    peer.ack(2921);
    assert.equal(c.unacknowledged(), 0);
  });

  it('of a smaller path hold for every connection to that host, which sends no fragments, until they end', () => {
    const { bed, peer, c } = established({ mss: 1460 });
    const second = bed.connect(5001, 81);
    const far = bed.peer({ port: 81, peerPort: 5001 });
    far.sent();
    far.syn({ flags: 'SA' });
    write(bed, c, 10);
    peer.sent();
    const destination = c.remoteAddress;
    bed.stack.ip.pathMtus.lower(destination, 1000, 1500);
    bed.tcp.report(report(c, 'tooBig'));
    far.sent();
    write(bed, second, 4000);
    const lengths = far.takeSent().map(({ data }) => data.length);
    assert.equal(lengths[0], 960);
    assert.ok(lengths.every((bytes) => bytes <= 960));
    far.ackAll();
    far.takeSent();
    far.ackAll();
    bed.run(700_000);
    write(bed, second, 4000);
    assert.equal(far.takeSent()[0]?.data.length, 1460);
  });
});
