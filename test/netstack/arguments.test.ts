/** Numbers that no caller of the raw API may pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_BUFFER_BYTES } from '#src/netstack/numbers.js';
import { TcpConnection } from '#src/netstack/tcp/connection.js';
import { Address } from '#src/netstack/wire/address.js';
import { Bed, established, PEER } from './bed.js';

const NO_PORTS = [-1, 65_536, 0.5, Number.NaN, Infinity];
const NO_COUNTS = [-1, 0.5, Number.NaN, Infinity];
const NO_TIMES = [-1, Number.NaN, Infinity];
const NO_SIZES = [0, -1, 0.5, Number.NaN, MOST_BUFFER_BYTES + 1];
const BROKEN = { name: 'AssertionFailure' };

describe('the raw API', () => {
  const address = Address.parse(PEER[4]);
  assert.ok(address !== undefined);

  it('refuses what is no port, and takes the first and the last one', () => {
    const { tcp, stack } = new Bed();
    for (const port of NO_PORTS) {
      assert.throws(() => tcp.connect({ address, port }), BROKEN);
      assert.throws(() => tcp.connect({ address, port: 80, localPort: port }), BROKEN);
      assert.throws(() => tcp.listen({ address: undefined, port }), BROKEN);
      assert.throws(() => stack.udp.bind({ port }), BROKEN);
    }
    const socket = stack.udp.bind();
    assert.ok(typeof socket === 'object');
    for (const port of NO_PORTS) {
      assert.throws(() => socket.send(new Uint8Array(1), address, port), BROKEN);
      assert.throws(() => {
        socket.connect(address, port);
      }, BROKEN);
    }
    assert.deepEqual([tcp.connections, tcp.listeners, stack.udp.sockets], [0, 0, 1]);
    assert.ok(tcp.connect({ address, port: 65_535, localPort: 1 }) instanceof TcpConnection);
    assert.ok(tcp.connect({ address, port: 0, localPort: 65_535 }) instanceof TcpConnection);
  });

  it('refuses sizes of buffers and of backlogs that are none', () => {
    const { tcp } = new Bed();
    for (const bytes of NO_SIZES) {
      for (const sizes of [{ sendBufferBytes: bytes }, { receiveWindowBytes: bytes }]) {
        assert.throws(() => tcp.connect({ address, port: 80, ...sizes }), BROKEN);
        assert.throws(() => tcp.listen({ address: undefined, port: 80, ...sizes }), BROKEN);
      }
    }
    for (const backlog of NO_COUNTS) {
      assert.throws(() => tcp.listen({ address: undefined, port: 80, backlog }), BROKEN);
    }
    assert.ok(typeof tcp.listen({ address: undefined, port: 80, backlog: 0 }) === 'object');
  });

  it('refuses lengths that are none, and more than there is', () => {
    const { c, peer } = established();
    peer.send({ data: 'hello' });
    for (const bytes of [...NO_COUNTS, 6]) {
      assert.throws(() => {
        c.skip(bytes);
      }, BROKEN);
    }
    c.skip(5);
    for (const bytes of [...NO_COUNTS, 6]) {
      assert.throws(() => {
        c.consume(bytes);
      }, BROKEN);
    }
    for (const most of [-1, Number.NaN]) assert.throws(() => c.peek(most), BROKEN);
    c.consume(5);
    assert.equal(c.unconsumed, 0);
  });

  it('refuses times that are none', () => {
    const { c } = established();
    for (const ms of NO_TIMES) {
      for (const set of [
        () => {
          c.setUserTimeout(ms);
        },
        () => {
          c.setKeepAlive(ms, 1, 1);
        },
        () => {
          c.setKeepAlive(1, ms, 1);
        },
      ]) {
        assert.throws(set, BROKEN);
      }
    }
    for (const probes of NO_COUNTS) {
      assert.throws(() => {
        c.setKeepAlive(1, 1, probes);
      }, BROKEN);
    }
  });
});
