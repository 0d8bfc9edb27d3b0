/** Hosts on one Ethernet or point-to-point link, for the tests of IP, and what such hosts do at the least. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Device } from '../device.js';
import { type Frame, FramePool } from '../frame.js';
import { type AttachOptions, type NetInterface, NetStack } from '../netstack.js';
import { type Profile, PROFILES } from '../profile.js';
import type { UdpSocket } from '../udp.js';
import { Address } from '../wire/address.js';

/** One end of a `Wire`. What is sent waits until the wire is run. */
export class Port implements Device {
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly frames: FramePool;
  readonly sent: Frame[] = [];

  constructor(frames: FramePool, medium: 'ethernet' | 'ip', mtu: number) {
    this.frames = frames;
    this.medium = medium;
    this.mtu = mtu;
  }

  transmit(frame: Frame): void {
    this.sent.push(frame);
  }

  /** Returns the bytes of the frames sent since the last call, and gives the frames back. */
  take(): Uint8Array[] {
    return this.sent.splice(0).map((frame) => {
      const bytes = frame.bytes.slice(frame.start, frame.end);
      this.frames.give(frame);
      return bytes;
    });
  }
}

export interface HostOptions {
  readonly medium?: 'ethernet' | 'ip';
  readonly mtu?: number;
  readonly profile?: Profile;
  readonly forwarding?: boolean;
  readonly attach?: Partial<AttachOptions>;
}

/** A host with one interface on a port of its own. */
export class TestHost {
  readonly frames = new FramePool();
  readonly stack: NetStack;
  readonly port: Port;
  readonly netInterface: NetInterface;

  constructor(addresses: readonly string[], options: HostOptions = {}) {
    const { medium = 'ethernet', mtu = 1500, profile = PROFILES.linux, forwarding = false } = options;
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed / 0x7fff_ffff;
    };
    this.stack = new NetStack({ profile, random, frames: this.frames, forwarding });
    this.port = new Port(this.frames, medium, mtu);
    this.netInterface = this.stack.attach(this.port, { addresses, ...options.attach });
  }

  /** Adds another interface. */
  attach(
    addresses: readonly string[],
    medium: 'ethernet' | 'ip' = 'ethernet',
    mtu = 1500,
  ): [Port, NetInterface] {
    const port = new Port(this.frames, medium, mtu);
    return [port, this.stack.attach(port, { addresses })];
  }

  /** Has the host receive a copy of the bytes. */
  receive(bytes: Uint8Array, netInterface = this.netInterface): void {
    const frame = this.frames.take(bytes.length);
    frame.bytes.set(bytes, frame.start);
    frame.end = frame.start + bytes.length;
    netInterface.receive(frame);
    while (this.stack.hasWork) this.stack.work();
  }

  drops(): Record<string, number> {
    return Object.fromEntries(this.stack.counters.drops);
  }
}

/** Ports that are joined: what one sends, all others receive. */
export class Wire {
  readonly #ends: readonly (readonly [TestHost, Port, NetInterface])[];
  /** Frames that passed. */
  readonly passed: Uint8Array[] = [];

  constructor(...ends: (readonly [TestHost, Port, NetInterface])[]) {
    this.#ends = ends;
  }

  static between(...hosts: TestHost[]): Wire {
    return new Wire(...hosts.map((host) => [host, host.port, host.netInterface] as const));
  }

  /** Carries frames until none waits. Those for which `isLost` returns true are lost. */
  run(isLost: (bytes: Uint8Array) => boolean = () => false): void {
    for (let round = 0; round < 10_000; round += 1) {
      const moved = this.#ends.map(([, port]) => port.take());
      if (moved.every((frames) => frames.length === 0)) return;
      for (const [from, frames] of moved.entries()) {
        for (const bytes of frames) if (!isLost(bytes)) this.#carry(from, bytes);
      }
    }
    throw new Error('frames go round and round');
  }

  #carry(from: number, bytes: Uint8Array): void {
    this.passed.push(bytes);
    for (const [to, [host, , netInterface]] of this.#ends.entries()) {
      if (to !== from) host.receive(bytes, netInterface);
    }
  }
}

/** Returns a socket on a port of all the host's addresses. */
export function bound(host: TestHost, port: number): UdpSocket {
  const socket = host.stack.udp.bind({ port });
  assert.ok(typeof socket === 'object');
  return socket;
}

export function addressOf(text: string): Address {
  const address = Address.parse(text);
  assert.ok(address !== undefined);
  return address;
}

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
        assert.deepEqual([client.drops(), server.drops()], [{}, {}]);
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
