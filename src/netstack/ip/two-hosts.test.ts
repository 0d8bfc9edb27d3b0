import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, bound, TestHost, Wire } from './hosts.test.js';

describe('two hosts exchange datagrams', () => {
  for (const medium of ['ethernet', 'ip'] as const) {
    for (const [one, other, length] of [
      ['10.0.0.1', '10.0.0.2', 24],
      ['fd00::1', 'fd00::2', 64],
    ] as const) {
      it(`over ${medium}, from ${one}, whole and in fragments, and every frame comes back`, () => {
        const client = new TestHost([`${one}/${length}`], { medium });
        const server = new TestHost([`${other}/${length}`], { medium, attach: { mac: '02:00:00:00:00:09' } });
        const wire = Wire.between(client, server);
        const [from, to] = [bound(client, 5000), bound(server, 7)];
        for (const bytes of [0, 1, 1400, 9000, 65_000]) {
          const data = Uint8Array.from({ length: bytes }, (_, index) => index);
          assert.equal(from.send(data, addressOf(other), 7), undefined);
          wire.run();
          const datagram = to.receive();
          assert.deepEqual(datagram?.bytes, data);
          assert.equal(datagram.address.toString(), one);
          assert.equal(datagram.port, 5000);
        }
        assert.deepEqual([client.faults(), server.faults()], [{}, {}]);
        assert.deepEqual([client.frames.taken, server.frames.taken], [0, 0]);
      });
    }
  }

  for (const own of ['127.0.0.1', '::1', '10.0.0.1', 'fd00::1']) {
    it(`on one host, by ${own}, and nothing leaves it`, () => {
      const host = new TestHost(['10.0.0.1/24', 'fd00::1/64']);
      host.port.take();
      const [from, to] = [bound(host, 5000), bound(host, 7)];
      from.send(Uint8Array.of(1, 2, 3), addressOf(own), 7);
      while (host.stack.hasWork) host.stack.work();
      assert.deepEqual(to.receive()?.bytes, Uint8Array.of(1, 2, 3));
      assert.deepEqual(host.port.take(), []);
      assert.equal(host.frames.taken, 0);
    });
  }
});
