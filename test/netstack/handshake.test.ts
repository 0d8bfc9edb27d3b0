/** The handshake, from either side (RFC 9293 §3.5, §3.10.7.1 to §3.10.7.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TcpConnection } from '#src/netstack/tcp/connection.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Address } from '#src/netstack/wire/address.js';
import { Bed, established, PEER, readAll, type BedOptions, type Peer, type PeerOptions } from './bed.js';

interface Opening {
  readonly bed: Bed;
  readonly peer: Peer;
  readonly c: TcpConnection;
}

/** Returns a connection that has answered a SYN. */
function synReceived(options: BedOptions & Partial<PeerOptions> = {}): Opening {
  const bed = new Bed(options);
  bed.listen(80);
  const peer = bed.peer({ ...options, port: 80 });
  peer.syn();
  peer.takeUnread();
  const [c] = bed.tcp;
  assert.ok(c !== undefined);
  assert.equal(c.state, TcpState.SYN_RECEIVED);
  return { bed, peer, c };
}

/** Returns a connection that has sent a SYN. */
function synSent(options: BedOptions & Partial<PeerOptions> = {}): Opening {
  const bed = new Bed(options);
  const c = bed.connect(5000, 80);
  const peer = bed.peer({ ...options, port: 80 });
  peer.sent();
  return { bed, peer, c };
}

describe('CLOSED (RFC 9293 §3.10.7.1)', () => {
  it('answers a segment without ACK with a reset that acknowledges it', () => {
    const peer = new Bed().peer({ port: 80 });
    peer.syn();
    assert.deepEqual(peer.sent(), ['RA 0 ack 1']);
  });

  it('answers a segment with ACK with a reset that has its number', () => {
    const peer = new Bed().peer({ port: 80 });
    peer.send({ flags: 'A', seq: 7, ack: 9 });
    assert.deepEqual(peer.sent(), ['R 9']);
  });

  it('counts the data of the segment that it answers', () => {
    const peer = new Bed().peer({ port: 80 });
    peer.syn({ data: 'abc' });
    assert.deepEqual(peer.sent(), ['RA 0 ack 4']);
  });

  it('answers every combination of flags without RST with a reset, and none with RST', () => {
    const peer = new Bed().peer({ port: 80 });
    for (const flags of ['SF', 'F', 'P', '', 'U']) peer.send({ flags, seq: 0 });
    assert.deepEqual(peer.sent(), ['RA 0 ack 2', 'RA 0 ack 1', 'RA 0 ack 0', 'RA 0 ack 0', 'RA 0 ack 0']);
    peer.send({ flags: 'SFA', seq: 0, ack: 9 });
    assert.deepEqual(peer.sent(), ['R 9']);
    for (const flags of ['SR', 'SRA', 'RF']) peer.send({ flags, seq: 0 });
    assert.deepEqual(peer.sent(), []);
  });

  it('never answers a reset', () => {
    const peer = new Bed().peer({ port: 80 });
    peer.send({ flags: 'R', seq: 0 });
    peer.send({ flags: 'RA', seq: 0, ack: 0 });
    assert.deepEqual(peer.sent(), []);
  });
});

describe('LISTEN (RFC 9293 §3.10.7.2)', () => {
  it('answers a SYN with SYN and ACK, and has a connection once the handshake is complete', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
    assert.deepEqual(bed.takeEvents(), []);
    assert.equal(listener.accept(), undefined);
    peer.ackAll();
    assert.deepEqual(bed.takeEvents(), ['ACCEPT']);
    const c = bed.accept(listener);
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.deepEqual(bed.takeEvents(), ['CONNECTED']);
    assert.deepEqual(peer.sent(), []);
  });

  it('answers with the options that the peer has offered, and no others', () => {
    const cases: [Partial<PeerOptions>, string][] = [
      [{ sack: true }, '<mss 1460 sackOK>'],
      [{ timestamps: true }, '<mss 1460 ts>'],
      [{ scale: 3 }, '<mss 1460 scale 8>'],
      [{ sack: true, timestamps: true, scale: 0 }, '<mss 1460 sackOK ts scale 8>'],
      [{ mss: undefined }, '<mss 1460>'],
    ];
    for (const [options, text] of cases) {
      const bed = new Bed();
      bed.listen(80);
      const peer = bed.peer({ ...options, port: 80 });
      peer.syn();
      assert.deepEqual(peer.sent(), [`SA 0 ack 1 ${text}`]);
    }
  });

  it('offers nothing but the MSS on lwIP and the ESP32', () => {
    for (const [profile, mss] of [
      ['lwip', 536],
      ['esp32', 1440],
      ['arduino', 1436],
    ] as const) {
      const bed = new Bed({ profile });
      bed.listen(80);
      const peer = bed.peer({ port: 80, sack: true, timestamps: true, scale: 7 });
      peer.syn();
      assert.deepEqual(peer.sent(), [`SA 0 ack 1 <mss ${mss}>`]);
    }
  });

  it('ignores a reset, answers an ACK with a reset, and makes no connection of either', () => {
    const bed = new Bed();
    bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.send({ flags: 'R', seq: 0 });
    peer.send({ flags: 'RA', seq: 0, ack: 5 });
    peer.send({ flags: 'A', seq: 0, ack: 5 });
    peer.send({ flags: 'SA', seq: 0, ack: 5 });
    assert.deepEqual(peer.sent(), ['R 5', 'R 5']);
    assert.equal(bed.tcp.connections, 0);
  });

  it('does not acknowledge data that comes with the SYN, so that it comes again', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn({ data: 'abc' });
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
    peer.send({ seq: 1, data: 'abc' });
    assert.equal(readAll(bed.accept(listener)), 'abc');
  });

  it('takes connections over IPv6', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80, family: 6 });
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1440>']);
    peer.send({ data: 'six' });
    assert.equal(readAll(bed.accept(listener)), 'six');
  });
});

describe('SYN_RECEIVED (RFC 9293 §3.10.7.4)', () => {
  it('sends SYN-ACK again with a doubling interval, gives up, and takes a new SYN', () => {
    const { bed, peer } = synReceived();
    bed.run(120_000);
    const times = bed.sent.map(({ atMs }) => atMs);
    assert.deepEqual(times, [0, 1000, 3000, 7000, 15_000, 31_000]);
    assert.equal(bed.tcp.connections, 0);
    peer.sent();
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
  });

  it('answers what is outside of the window with an acknowledgement; lwIP first looks for that of its SYN', () => {
    for (const [profile, answer] of [
      ['linux', 'A 1 ack 1'],
      ['esp32', 'R 70'],
    ] as const) {
      const { peer, c } = synReceived({ profile });
      peer.sent();
      peer.send({ flags: 'A', seq: 900_000, ack: 70 });
      assert.deepEqual(peer.sent(), [answer]);
      assert.equal(c.state, TcpState.SYN_RECEIVED);
      peer.send({ flags: 'A', seq: 1 });
      assert.equal(c.state, TcpState.ESTABLISHED);
    }
  });

  it('answers the SYN again if it comes again', () => {
    const { peer } = synReceived();
    peer.sent();
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
  });

  it('answers an ACK of anything but the SYN with a reset, and lives', () => {
    for (const ack of [0, -1, 2, 1000]) {
      const { peer, c } = synReceived();
      peer.sent();
      peer.send({ seq: 1, ack });
      assert.deepEqual(peer.sent(), [`R ${ack}`]);
      assert.equal(c.state, TcpState.SYN_RECEIVED);
    }
  });

  it('ends with a reset that has the right number, and the listener goes on', () => {
    const { bed, peer, c } = synReceived();
    peer.sent();
    peer.send({ flags: 'R', seq: 1 });
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.tcp.connections, 0);
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
  });

  it('answers a reset elsewhere in the window with a challenge, and ignores one outside', () => {
    const { peer, c } = synReceived();
    peer.sent();
    peer.send({ flags: 'R', seq: 100 });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    peer.send({ flags: 'R', seq: 200_000 });
    peer.send({ flags: 'R', seq: 0 });
    assert.deepEqual(peer.sent(), []);
    assert.equal(c.state, TcpState.SYN_RECEIVED);
  });

  it('takes data and FIN with the ACK that completes the handshake', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn();
    peer.sent();
    peer.send({ flags: 'FPA', data: 'abc' });
    const c = bed.accept(listener);
    assert.equal(c.state, TcpState.CLOSE_WAIT);
    assert.deepEqual(bed.takeEvents(), ['ACCEPT', 'CONNECTED', 'READABLE', 'END']);
    assert.deepEqual(peer.sent(), ['A 1 ack 5']);
    assert.equal(readAll(c), 'abc');
    assert.ok(c.hasEnded());
  });

  it('is reset if the listener closes', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn();
    peer.sent();
    listener.close();
    assert.deepEqual(peer.sent(), ['RA 1 ack 1']);
    assert.equal(bed.tcp.connections, 0);
  });

  it('of an ESP32 ends after 20 seconds', () => {
    const { bed } = synReceived({ profile: 'esp32' });
    bed.run(19_000);
    assert.equal(bed.tcp.connections, 1);
    bed.run(2000);
    assert.equal(bed.tcp.connections, 0);
  });
});

describe('SYN_SENT (RFC 9293 §3.10.7.3)', () => {
  it('sends SYN with all that the profile offers, and completes with the SYN-ACK', () => {
    const bed = new Bed();
    const c = bed.connect(5000, 80);
    const peer = bed.peer({ port: 80 });
    assert.deepEqual(peer.sent(), ['S 0 <mss 1460 sackOK ts scale 8>']);
    peer.syn({ flags: 'SA' });
    assert.deepEqual(peer.sent(), ['A 1 ack 1']);
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.deepEqual(bed.takeEvents(), ['CONNECTED']);
  });

  it('sends SYN again with a doubling interval, and fails', () => {
    const { bed, c } = synSent();
    bed.run(200_000);
    const times = bed.sent.map(({ atMs }) => atMs);
    assert.deepEqual(times, [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]);
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(bed.takeEvents(), ['CLOSED timedOut']);
  });

  it('of an ESP32 sends SYN every 1.5 seconds, and fails after about 19', () => {
    const { bed, c } = synSent({ profile: 'esp32' });
    bed.run(60_000);
    assert.equal(bed.sent.length, 13);
    const gaps = bed.sent.slice(1).map(({ atMs }, index) => atMs - (bed.sent[index]?.atMs ?? 0));
    assert.ok(
      gaps.every((gap) => gap === 1500),
      String(gaps),
    );
    assert.equal(c.failure, 'timedOut');
  });

  it('fails with a reset that acknowledges the SYN', () => {
    const { bed, peer, c } = synSent();
    peer.send({ flags: 'RA', seq: 0, ack: 1 });
    assert.equal(c.failure, 'refused');
    assert.deepEqual(bed.takeEvents(), ['CLOSED refused']);
    assert.deepEqual(peer.sent(), []);
  });

  it('ignores a reset that acknowledges something else, or nothing', () => {
    const { peer, c } = synSent();
    peer.send({ flags: 'RA', seq: 0, ack: 2 });
    peer.send({ flags: 'RA', seq: 0, ack: 0 });
    peer.send({ flags: 'R', seq: 0 });
    assert.equal(c.state, TcpState.SYN_SENT);
    assert.deepEqual(peer.sent(), []);
  });

  it('answers an ACK of anything but the SYN with a reset, and goes on', () => {
    for (const flags of ['A', 'SA']) {
      const { peer, c } = synSent();
      peer.send({ flags, seq: 0, ack: 2 });
      peer.send({ flags, seq: 0, ack: 0 });
      assert.deepEqual(peer.sent(), ['R 2', 'R 0']);
      assert.equal(c.state, TcpState.SYN_SENT);
      peer.syn({ flags: 'SA', ack: 1 });
      assert.equal(c.state, TcpState.ESTABLISHED);
    }
  });

  it('drops an acceptable ACK without SYN', () => {
    const { bed, peer, c } = synSent();
    peer.send({ flags: 'A', seq: 0, ack: 1 });
    assert.equal(c.state, TcpState.SYN_SENT);
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.dropped('noSyn'), 1);
  });

  it('takes data and FIN that come with the SYN-ACK', () => {
    const { bed, peer, c } = synSent();
    peer.syn({ flags: 'SA', data: 'hi' });
    assert.equal(readAll(c), 'hi');
    assert.deepEqual(peer.sent(), ['A 1 ack 3']);
    assert.deepEqual(bed.takeEvents(), ['CONNECTED', 'READABLE']);
  });

  it('is deleted by CLOSE without a segment (§3.10.4)', () => {
    const { bed, peer, c } = synSent();
    c.shutdown();
    assert.equal(c.state, TcpState.CLOSED);
    assert.deepEqual(bed.takeEvents(), ['CLOSED']);
    peer.syn({ flags: 'SA', ack: 1 });
    assert.deepEqual(peer.sent(), ['R 1']);
  });

  it('is deleted by ABORT without a segment or an event (§3.10.5)', () => {
    const { bed, peer, c } = synSent();
    c.abort();
    assert.deepEqual(bed.takeEvents(), []);
    assert.deepEqual(peer.sent(), []);
    assert.equal(bed.tcp.connections, 0);
  });

  it('sends what was written before the handshake was complete with its end', () => {
    const { peer, c } = synSent();
    assert.equal(c.write(new TextEncoder().encode('early')), 5);
    c.push();
    c.shutdown();
    peer.sent();
    assert.equal(c.state, TcpState.CLOSED, 'CLOSE in SYN_SENT deletes the connection');
  });

  it('sends early data behind the handshake', () => {
    const { peer, c } = synSent();
    assert.equal(c.write(new TextEncoder().encode('early')), 5);
    c.push();
    assert.deepEqual(peer.sent(), []);
    peer.syn({ flags: 'SA' });
    assert.deepEqual(peer.sent(), ['PA 1:6 ack 1']);
  });
});

describe('a simultaneous open (RFC 9293 §3.5, figure 8)', () => {
  it('answers the SYN with SYN-ACK, and completes with the SYN-ACK of the peer', () => {
    const { bed, peer, c } = synSent();
    peer.syn({ window: 500 });
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
    assert.equal(c.state, TcpState.SYN_RECEIVED);
    peer.send({ flags: 'SA', seq: 0, ack: 1 });
    assert.equal(c.state, TcpState.ESTABLISHED);
    assert.deepEqual(bed.takeEvents(), ['CONNECTED']);
  });

  it('completes with a plain ACK', () => {
    const { peer, c } = synSent();
    peer.syn();
    peer.sent();
    peer.send({ flags: 'A', ack: 1 });
    assert.equal(c.state, TcpState.ESTABLISHED);
  });

  it('does not scale the window of the SYN-ACK (RFC 7323 §2.2)', () => {
    const { peer, c } = synSent({ scale: 4, window: 1600 });
    peer.syn();
    peer.sent();
    peer.send({ flags: 'SA', seq: 0, ack: 1, options: [] });
    assert.equal(c.sndWnd, 1600);
  });

  it('sends SYN-ACK again if it is lost', () => {
    const { bed, peer } = synSent();
    peer.syn();
    peer.sent();
    assert.equal(bed.runUntilSent(10_000), 1000);
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
  });
});

describe('the largest segment (RFC 9293 §3.7.1, RFC 6691)', () => {
  it('is 536 bytes for a peer that names none, or zero', () => {
    for (const mss of [undefined, 0]) assert.equal(established({ mss }).c.sendMss, 536);
  });

  it('is offered by the MTU of the link, and kept to that of the path (RFC 6691 §2)', () => {
    const bed = new Bed();
    const address = Address.parse(PEER[4]);
    assert.ok(address !== undefined);
    bed.stack.ip.pathMtus.lower(address, 1300, 1500);
    bed.connect(9, 1234);
    const active = bed.peer({ port: 1234, peerPort: 9 });
    assert.deepEqual(active.sent(), ['S 0 <mss 1460 sackOK ts scale 8>']);
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80, mss: 1460 });
    peer.syn();
    assert.deepEqual(peer.sent(), ['SA 0 ack 1 <mss 1460>']);
    peer.ackAll();
    assert.equal(bed.accept(listener).sendMss, 1260);
  });

  it('is what the peer takes, the MTU and the profile admit, less the options of each segment', () => {
    assert.equal(established({ mss: 9000 }).c.sendMss, 1460);
    assert.equal(established({ mss: 1000 }).c.sendMss, 1000);
    assert.equal(established({ mss: 1000, timestamps: true }).c.sendMss, 988);
    assert.equal(established({ mss: 1460, mtu: 600 }).c.sendMss, 560);
    assert.equal(established({ mss: 1460, profile: 'esp32' }).c.sendMss, 1440);
    assert.equal(established({ mss: 1 }).c.sendMss, 48);
  });
});

describe('window scaling (RFC 7323 §2)', () => {
  it('counts only if both sides offer it', () => {
    assert.equal(established({ window: 1000 }).c.sndWnd, 1000);
    assert.equal(established({ window: 64_000, scale: 3 }).c.sndWnd, 64_000);
    assert.equal(established({ window: 64_000, scale: 3 }).c.info().sendScale, 3);
    assert.equal(established({ window: 5000, scale: 3, profile: 'esp32' }).c.sndWnd, 625);
  });

  it('takes a shift beyond 14 as 14', () => {
    assert.equal(established({ scale: 15, window: 1 << 20 }).c.info().sendScale, 14);
  });

  it('does not scale the window of a SYN', () => {
    const bed = new Bed();
    bed.listen(80);
    const peer = bed.peer({ port: 80, scale: 4 });
    peer.syn({ window: 3000 });
    const [c] = bed.tcp;
    assert.equal(c?.sndWnd, 3000);
    assert.equal(bed.sent[0]?.window, 0xffff);
  });
});
