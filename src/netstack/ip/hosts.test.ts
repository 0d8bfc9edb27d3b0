/** Hosts on one Ethernet or point-to-point link, for the tests of IP. */
import assert from 'node:assert/strict';
import type { Device } from '../device.js';
import { type Frame, FramePool } from '../frame.js';
import { type AttachOptions, type NetInterface, NetStack } from '../netstack.js';
import { type Profile, PROFILES } from '../profile.js';
import type { UdpSocket } from '../udp.js';
import { Address } from '../wire/address.js';

/** One end of a `Wire`. Frames that are sent wait until the wire is run. */
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

  /** Returns the drops by their reasons. */
  drops(): Record<string, number> {
    return Object.fromEntries(this.stack.counters.drops);
  }

  /** As `drops`, without packets to groups, which other hosts send by themselves. */
  faults(): Record<string, number> {
    return Object.fromEntries([...this.stack.counters.drops].filter(([reason]) => reason !== 'otherGroup'));
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
