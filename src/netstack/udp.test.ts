import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, bound, TestHost, Wire } from './ip/hosts.test.js';
import { MOST_QUEUED_BYTES, MOST_QUEUED_DATAGRAMS, MOST_UDP_SOCKETS } from './udp.js';

function run(host: TestHost): void {
  while (host.stack.hasWork) host.stack.work();
}

describe('a UDP socket', () => {
  const own = addressOf('10.0.0.1');

  it(`keeps ${MOST_QUEUED_DATAGRAMS} datagrams, and drops one more`, () => {
    const host = new TestHost(['10.0.0.1/24']);
    const [from, to] = [bound(host, 5000), bound(host, 7)];
    for (let sent = 0; sent <= MOST_QUEUED_DATAGRAMS; sent += 1) from.send(Uint8Array.of(sent), own, 7);
    run(host);
    assert.deepEqual(host.drops(), { udpQueueFull: 1 });
    for (let index = 0; index < MOST_QUEUED_DATAGRAMS; index += 1) {
      assert.equal(to.receive()?.bytes[0], index & 255);
    }
    assert.equal(to.receive(), undefined);
  });

  it(`keeps ${MOST_QUEUED_BYTES} bytes, and drops one more`, () => {
    const host = new TestHost(['10.0.0.1/24']);
    const [from, to] = [bound(host, 5000), bound(host, 7)];
    for (let bytes = 0; bytes < MOST_QUEUED_BYTES; bytes += 32_768) from.send(new Uint8Array(32_768), own, 7);
    run(host);
    assert.deepEqual(host.drops(), {});
    from.send(new Uint8Array(1), own, 7);
    run(host);
    assert.deepEqual(host.drops(), { udpQueueFull: 1 });
    to.receive();
    from.send(new Uint8Array(1), own, 7);
    run(host);
    assert.deepEqual(host.drops(), { udpQueueFull: 1 });
  });

  it(`is one of ${MOST_UDP_SOCKETS} at most`, () => {
    const host = new TestHost([]);
    const sockets = Array.from({ length: MOST_UDP_SOCKETS }, () => host.stack.udp.bind());
    assert.ok(sockets.every((socket) => typeof socket === 'object'));
    assert.equal(host.stack.udp.bind(), 'noMemory');
    const [first] = sockets;
    if (typeof first === 'object') first.close();
    assert.equal(typeof host.stack.udp.bind(), 'object');
  });

  it('sends the longest datagram of each family, and not a byte more', () => {
    const host = new TestHost(['10.0.0.1/24', 'fd00::1/64']);
    const [from, to] = [bound(host, 5000), bound(host, 7)];
    for (const [text, most] of [
      ['10.0.0.1', 65_507],
      ['fd00::1', 65_487],
    ] as const) {
      assert.equal(from.send(new Uint8Array(most + 1), addressOf(text), 7), 'tooLong');
      assert.equal(from.send(new Uint8Array(most), addressOf(text), 7), undefined);
      run(host);
      assert.equal(to.receive()?.bytes.length, most);
    }
  });

  it('that is connected takes datagrams of its peer alone, before others of its port', () => {
    const client = new TestHost(['10.0.0.1/24']);
    const server = new TestHost(['10.0.0.2/24', '10.0.0.3/24'], { attach: { mac: '02:00:00:00:00:09' } });
    const wire = Wire.between(client, server);
    const socket = bound(client, 5000);
    socket.connect(addressOf('10.0.0.2'), 7);
    const replies = ['10.0.0.2', '10.0.0.3'].map((text) => {
      const from = server.stack.udp.bind({ address: addressOf(text), port: 7 });
      assert.ok(typeof from === 'object');
      return from.send(Uint8Array.of(1), own, 5000);
    });
    assert.deepEqual(replies, [undefined, undefined]);
    wire.run();
    assert.equal(socket.receive()?.address.toString(), '10.0.0.2');
    assert.equal(socket.receive(), undefined);
    assert.deepEqual(client.drops(), { unreachablePort: 1 });
  });

  it('is refused on a port in use, and on an address of another host', () => {
    const host = new TestHost(['10.0.0.1/24', '10.0.0.2/24']);
    const { udp } = host.stack;
    assert.equal(typeof udp.bind({ address: own, port: 7 }), 'object');
    assert.equal(udp.bind({ address: own, port: 7 }), 'inUse');
    assert.equal(udp.bind({ port: 7 }), 'inUse');
    assert.equal(typeof udp.bind({ address: addressOf('10.0.0.2'), port: 7 }), 'object');
    assert.equal(udp.bind({ address: addressOf('10.0.0.9'), port: 8 }), 'notLocal');
  });

  it('that is closed sends nothing, and is not ready', () => {
    const host = new TestHost(['10.0.0.1/24']);
    const [from, to] = [bound(host, 5000), bound(host, 7)];
    from.send(Uint8Array.of(1), own, 7);
    run(host);
    assert.equal(host.stack.udp.hasReady, true);
    to.close();
    to.close();
    assert.equal(host.stack.udp.takeReady(), undefined);
    assert.equal(to.send(Uint8Array.of(1), own, 5000), 'closed');
    assert.equal(host.stack.udp.sockets, 1);
  });

  it('is ready once, whatever has come', () => {
    const host = new TestHost(['10.0.0.1/24']);
    const [from, to] = [bound(host, 5000), bound(host, 7)];
    from.send(Uint8Array.of(1), own, 7);
    from.send(Uint8Array.of(2), own, 7);
    run(host);
    assert.equal(host.stack.udp.takeReady(), to);
    assert.equal(host.stack.udp.takeReady(), undefined);
  });

  it('sends to no address that no interface leads to', () => {
    const host = new TestHost(['10.0.0.1/24']);
    const socket = bound(host, 5000);
    assert.equal(socket.send(new Uint8Array(1), addressOf('192.0.2.1'), 7), 'unreachable');
    assert.equal(socket.send(new Uint8Array(1), addressOf('0.0.0.0'), 7), 'unreachable');
    assert.equal(socket.send(new Uint8Array(1)), 'noDestination');
    assert.equal(socket.send(new Uint8Array(1), own, 0), 'noDestination');
  });
});
