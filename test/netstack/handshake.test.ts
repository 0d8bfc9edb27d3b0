/** The handshake, from either side (RFC 9293 §3.5, §3.10.7.1 to §3.10.7.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Bed, established } from './bed.js';

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

  it('counts the data and FIN of the segment that it answers', () => {
    const peer = new Bed().peer({ port: 80 });
    peer.send({ flags: 'SF', seq: 0 });
    assert.deepEqual(peer.sent(), [], 'SYN and FIN together are dropped');
    peer.syn({ data: 'abc' });
    assert.deepEqual(peer.sent(), ['RA 0 ack 4']);
  });

  it('never answers a reset', () => {
    const { bed, ...peer } = { peer: new Bed().peer({ port: 80 }), bed: undefined };
    assert.equal(bed, undefined);
    peer.peer.send({ flags: 'R', seq: 0 });
    peer.peer.send({ flags: 'RA', seq: 0, ack: 0 });
    assert.deepEqual(peer.peer.sent(), []);
  });
});

describe('LISTEN (RFC 9293 §3.10.7.2)', () => {
  it('answers a SYN with SYN and ACK, and tells the program once the handshake is complete', () => {
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
});

describe('ESTABLISHED', () => {
  for (const side of ['active', 'passive'] as const) {
    it(`is reached from the ${side} side`, () => {
      const { c } = established({ side });
      assert.equal(c.state, TcpState.ESTABLISHED);
    });
  }
});
