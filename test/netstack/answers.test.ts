/** Hosts that have lost each other's place, and answer what they refuse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Device } from '#src/netstack/device.js';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import { PROFILES, type ProfileName } from '#src/netstack/profile.js';
import { ANSWERS_AT_ONE_INSTANT, ANSWERS_IN_ONE_SECOND } from '#src/netstack/tcp/answer-limit.js';
import { TcpConnection } from '#src/netstack/tcp/connection.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Address } from '#src/netstack/wire/address.js';
import { established, LOCAL, PEER } from './bed.js';
import { frameOf, packetOf } from './packets.js';

const MOST_PACKETS = 10_000;

/** One end of a link without delay: packets wait in `queue`. */
class Link implements Device {
  readonly medium = 'ip';
  readonly mtu = 1500;
  readonly frames: FramePool;
  readonly queue: Frame[] = [];

  constructor(frames: FramePool) {
    this.frames = frames;
  }

  transmit(frame: Frame): void {
    this.queue.push(frame);
  }
}

/** Two hosts of a profile on one link. */
class Pair {
  readonly frames = new FramePool();
  readonly links = [new Link(this.frames), new Link(this.frames)] as const;
  readonly stacks: readonly [NetStack, NetStack];
  readonly #interfaces: readonly NetInterface[];

  constructor(profile: ProfileName) {
    const options = { profile: PROFILES[profile], frames: this.frames, random: () => 0.5 };
    this.stacks = [new NetStack(options), new NetStack(options)];
    this.#interfaces = this.stacks.map((stack, index) => {
      const address = index === 0 ? LOCAL[4] : PEER[4];
      return stack.attach(this.links[index === 0 ? 0 : 1], { addresses: [`${address}/24`] });
    });
  }

  receive(at: 0 | 1, frame: Frame): void {
    this.#interfaces[at]?.receive(frame);
    this.#settle();
  }

  advance(nowMs: number): void {
    for (const stack of this.stacks) stack.advance(nowMs);
    this.#settle();
  }

  /** Carries all packets that wait now, each twice; returns how many arrive. */
  carryTwice(): number {
    let count = 0;
    for (const [index, { queue }] of this.links.entries()) {
      for (const frame of queue.splice(0)) {
        const copy = this.frames.take(frame.length);
        copy.bytes.set(frame.bytes.subarray(frame.start, frame.end), copy.start);
        copy.end = copy.start + frame.length;
        for (const arriving of [frame, copy]) this.receive(index === 0 ? 1 : 0, arriving);
        count += 2;
      }
    }
    return count;
  }

  #settle(): void {
    for (const stack of this.stacks) {
      while (stack.tcp.takeReady() !== undefined);
      stack.flush();
    }
  }

  /** Carries packets until none waits, or there are too many; returns how many there were. */
  run(): number {
    this.#settle();
    for (let count = 0; count < MOST_PACKETS; count += 1) {
      const [near, far] = this.links;
      const from = near.queue.length > 0 ? near : far;
      const frame = from.queue.shift();
      if (frame === undefined) return count;
      this.receive(from === near ? 1 : 0, frame);
    }
    return MOST_PACKETS;
  }
}

describe('two hosts that have lost each other’s place', () => {
  it('answer each other not without end at one instant', () => {
    for (const profile of ['esp32', 'lwip', 'linux'] as const) {
      const pair = lost(profile);
      pair.advance(1000);
      assert.ok(pair.run() <= 2 * ANSWERS_AT_ONE_INSTANT + 2, profile);
    }
  });

  it('do not flood a link that doubles each packet', () => {
    for (const profile of ['esp32', 'lwip', 'linux'] as const) {
      const pair = lost(profile);
      let packets = 0;
      for (let ms = 1000; ms < 5000; ms += 10) {
        pair.advance(ms);
        packets += pair.carryTwice();
      }
      assert.ok(packets <= 4 * ANSWERS_IN_ONE_SECOND + 10, `${profile}: ${packets}`);
    }
  });
});

/** Returns two hosts with a connection, of which one has taken forged data: it is ahead of the other. */
function lost(profile: ProfileName): Pair {
  const pair = new Pair(profile);
  const [near, far] = pair.stacks;
  const address = Address.parse(PEER[4]);
  assert.ok(address !== undefined);
  far.tcp.listen({ address: undefined, port: 80 });
  const c = near.tcp.connect({ address, port: 80 });
  assert.ok(c instanceof TcpConnection);
  pair.run();
  assert.equal(c.state, TcpState.ESTABLISHED);
  const forged = packetOf({
    source: PEER[4],
    destination: LOCAL[4],
    sourcePort: 80,
    destinationPort: c.localPort,
    seq: c.rcvNxt,
    ack: c.sndNxt,
    flags: 'PA',
    window: 5000,
    options: [],
    data: new Uint8Array(10),
  });
  pair.receive(0, frameOf(pair.frames, forged));
  return pair;
}

describe('an ESP32', () => {
  it('answers all that it refuses, up to a limit at one instant', () => {
    const { bed, peer } = established({ profile: 'esp32' });
    const answers = (count: number): number => {
      for (let index = 0; index < count; index += 1) peer.send({ seq: 50_000, ack: 1 });
      return peer.takeSent().length;
    };
    peer.takeSent();
    assert.equal(answers(ANSWERS_AT_ONE_INSTANT), ANSWERS_AT_ONE_INSTANT);
    assert.equal(answers(1), 0);
    bed.run(1);
    assert.equal(answers(50), 50);
  });

  it('answers all that it refuses, up to a limit in one second', () => {
    const { bed, peer } = established({ profile: 'esp32' });
    peer.takeSent();
    let answers = 0;
    for (let index = 0; index <= ANSWERS_IN_ONE_SECOND; index += 1) {
      if (index % 2 === 0) bed.run(1);
      peer.send({ seq: 50_000, ack: 1 });
      answers += peer.takeSent().length;
    }
    assert.equal(answers, ANSWERS_IN_ONE_SECOND);
    bed.run(1000);
    peer.send({ seq: 50_000, ack: 1 });
    assert.equal(peer.takeSent().length, 1);
  });

  it('in TIME_WAIT answers nothing that carries nothing', () => {
    const { bed, c, peer } = established({ profile: 'esp32' });
    c.shutdown();
    peer.ackAll();
    peer.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    peer.takeSent();
    peer.send({ seq: 50_000 });
    assert.deepEqual(peer.sent(), []);
    peer.send({ seq: 1, data: 'old' });
    assert.equal(peer.sent().length, 1);
    assert.equal(bed.tcp.inTimeWait, 1);
  });
});
