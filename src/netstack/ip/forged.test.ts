/** Places that no forged packet reaches, numbers that it does not change, queues that it does not fill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES } from '../profile.js';
import { checksumOf, sumWords } from '../wire/checksum.js';
import { writeIcmpChecksum } from '../wire/icmp.js';

import { addressOf, bound, TestHost } from './hosts.test.js';
import { MOST_WAITING_PACKETS } from './neighbour-table.js';

/** Returns an IPv4 packet of a protocol from 192.0.2.1. */
function packet4(to: string, protocol: number, payload: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4500_0000 + bytes.length);
  view.setUint16(8, 0x4000 + protocol);
  view.setUint32(12, 0xc000_0201);
  view.setInt32(16, addressOf(to).d);
  view.setUint16(10, checksumOf(sumWords(view, 0, 20)));
  bytes.set(payload, 20);
  return bytes;
}

describe('a forged packet', () => {
  it('reaches no loopback address from outside, also not through a router', () => {
    for (const forwarding of [false, true]) {
      const host = new TestHost(['10.0.0.1/24'], { medium: 'ip', forwarding });
      host.stack.addRoute('0.0.0.0/0', { netInterface: host.netInterface });
      const socket = host.stack.udp.bind({ address: addressOf('127.0.0.1'), port: 7 });
      assert.ok(typeof socket === 'object');
      host.receive(packet4('127.0.0.1', 17, [0, 9, 0, 7, 0, 8, 0, 0]));
      assert.equal(socket.receive(), undefined);
      assert.deepEqual(host.drops(), { badDestination: 1 });
      assert.deepEqual(host.port.take(), []);
    }
  });

  it('does not lower the MTU of what the host sends to itself', () => {
    const host = new TestHost(['10.0.0.1/24'], { medium: 'ip' });
    bound(host, 7);
    for (const own of ['127.0.0.1', '10.0.0.1']) {
      const quoted = packet4(own, 17, [0, 7, 0, 7, 0x20, 0, 0, 0]);
      new DataView(quoted.buffer).setInt32(12, addressOf(own).d);
      new DataView(quoted.buffer).setUint16(2, 9000);
      const message = Uint8Array.of(3, 4, 0, 0, 0, 0, 2, 0x80, ...quoted);
      writeIcmpChecksum(new DataView(message.buffer), 0, message.length, 0);
      host.receive(packet4('10.0.0.1', 1, [...message]));
      assert.equal(host.stack.ip.pathTo(addressOf(own), undefined)?.mtu, 65_535);
    }
    assert.deepEqual(host.drops(), { badIcmp: 2 });
  });

  it('makes a host keep few packets for neighbours that are not there', () => {
    for (const subnet of ['10.1', 'fd01']) {
      const isIpv4 = subnet === '10.1';
      const host = new TestHost([isIpv4 ? '10.1.0.1/16' : 'fd01::1/64']);
      const socket = bound(host, 7);
      const { neighbours } = PROFILES.linux.ip.nd;
      const before = host.frames.taken;
      for (let index = 0; index < neighbours; index += 1) {
        const [high, low] = [Math.floor(index / 200), (index % 200) + 2];
        const to = addressOf(isIpv4 ? `10.1.${high}.${low}` : `fd01::${high}:${low}`);
        for (let count = 0; count < 10; count += 1) socket.send(Uint8Array.of(1), to, 7);
      }
      host.port.take();
      const waiting = host.frames.taken - before;
      assert.ok(
        waiting >= MOST_WAITING_PACKETS && waiting <= MOST_WAITING_PACKETS + 4 * neighbours,
        `${waiting}`,
      );
      host.stack.advance(100_000);
      for (let ms = 100_000; host.stack.nextDeadlineMs() < Infinity; ms += 1000) host.stack.advance(ms);
      host.port.take();
      assert.equal(host.frames.taken, 0);
    }
  });
});

describe('links of no use', () => {
  it('are refused: an MTU below that of RFC 791', () => {
    assert.throws(() => new TestHost(['10.0.0.1/24'], { medium: 'ip', mtu: 67 }), RangeError);
    const host = new TestHost(['10.0.0.1/24', 'fd00::1/64'], { medium: 'ip', mtu: 68 });
    assert.equal(bound(host, 7).send(new Uint8Array(1000), addressOf('10.0.0.2'), 7), undefined);
    assert.equal(bound(host, 8).send(new Uint8Array(1000), addressOf('fd00::2'), 7), undefined);
    assert.equal(host.port.take().filter((bytes) => bytes.length > 68).length, 0);
  });
});
