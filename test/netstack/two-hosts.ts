/**
 * Two hosts and the path between them, in virtual time and from one seed: packets are lost, doubled, delayed
 * and reordered; programs write, read, stall, half-close and close as chance has it. After each step the
 * invariants of every connection are checked, and in the end each stream must have arrived whole, once and in
 * order.
 */
import assert from 'node:assert/strict';
import type { Device } from '#src/netstack/device.js';
import { FramePool, HEADROOM, type Frame } from '#src/netstack/frame.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import { PROFILES, type ProfileName } from '#src/netstack/profile.js';
import { TcpEvent } from '#src/netstack/raw-api.js';
import { TcpConnection } from '#src/netstack/tcp/connection.js';
import { InvariantChecker } from '#src/netstack/tcp/invariants.js';
import { TcpListener } from '#src/netstack/tcp/listener.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Address } from '#src/netstack/wire/address.js';
import { Random } from '../support/random.js';

const PORT = 80;
const FIRST_PORT = 20_000;
/** Steps of one play; a host that never comes to rest takes more. */
const MOST_STEPS = 1_000_000;
/** Time after the faults in which all has to end: retransmissions back off to three minutes. */
const SETTLE_MS = 3_600_000;
const PACKETS_AT_ONE_INSTANT = 20_000;

export interface Faults {
  readonly loss: number;
  readonly duplication: number;
  /** Chance of a packet to be held back, and for how long at most. */
  readonly reordering: number;
  readonly jitterMs: number;
  readonly delayMs: number;
}

export interface Plan {
  readonly profiles: readonly [ProfileName, ProfileName];
  readonly mtu: number;
  readonly faults: Faults;
  readonly faultMs: number;
  readonly connections: number;
  readonly mostBytes: number;
  readonly startMs: number;
}

const NAMES: readonly [ProfileName, ...ProfileName[]] = ['linux', 'lwip', 'esp32', 'arduino'];

/** Draws a plan. */
export function planOf(seed: number): Plan {
  const random = new Random(seed, 1);
  const isCalm = random.isOneIn(6);
  const share = (most: number): number => (isCalm || random.isOneIn(3) ? 0 : random.fraction() * most);
  const delayMs = random.isOneIn(4) ? 0 : random.size(300);
  return {
    profiles: [random.pick(NAMES), random.pick(NAMES)],
    mtu: random.pick([1500, 1500, 576, 1280, 9000]),
    faults: {
      loss: share(0.25),
      duplication: share(0.2),
      reordering: share(0.3),
      jitterMs: random.size(4 * delayMs + 20),
      delayMs,
    },
    faultMs: random.whole(1000, 30_000),
    connections: random.whole(1, 3),
    mostBytes: random.pick([100, 3000, 30_000, 300_000]),
    // The clock of the initial sequence numbers is anywhere in its turn.
    startMs: random.whole(0, 17_000_000),
  };
}

interface Flight {
  readonly atMs: number;
  readonly order: number;
  readonly to: Host;
  readonly packet: Uint8Array;
}

/** Bytes of a stream are known by their place. */
const byteAt = (key: number, at: number): number => (at * 31 + (at >> 8) * 7 + key) & 0xff;

/** One end of a connection, and its program. */
class End {
  readonly c: TcpConnection;
  readonly key: number;
  readonly toWrite: number;
  readonly random: Random;
  /** `fair`: reads everything. `discards`, `aborts`: ends before the peer has. */
  readonly manner: 'fair' | 'discards' | 'aborts';
  #isWatched = false;
  #isAborted = false;
  other: End | undefined;
  written = 0;
  received = 0;
  unconsumed = 0;
  hasEnd = false;
  isShut = false;
  isClosed = false;
  /** `CLOSED` has come. */
  isOver = false;

  constructor(c: TcpConnection, key: number, plan: Plan, random: Random) {
    this.c = c;
    this.key = key;
    this.random = random;
    this.toWrite = random.isOneIn(8) ? 0 : random.size(plan.mostBytes);
    this.manner = random.isOneIn(10) ? 'discards' : random.isOneIn(20) ? 'aborts' : 'fair';
    if (random.isOneIn(3)) c.setNoDelay(true);
    if (random.isOneIn(8)) c.setKeepAlive(random.whole(500, 5000), 1000, 9);
  }

  note(events: number): void {
    if (this.#isAborted) return;
    if ((events & TcpEvent.END) !== 0) {
      assert.ok(!this.hasEnd, 'END comes once');
      this.hasEnd = true;
    }
    if ((events & TcpEvent.CLOSED) !== 0) {
      assert.ok(!this.isOver, 'CLOSED comes once');
      this.isOver = true;
    }
    if ((events & TcpEvent.ACKED) !== 0) this.c.takeAcked();
  }

  /** Does something that a program may do. */
  act(isHasty: boolean): void {
    const { c, random } = this;
    if (this.isClosed) return;
    if (c.state !== TcpState.CLOSED) this.#settings(isHasty);
    if (isHasty || random.isOneIn(2)) this.#write(isHasty);
    if (isHasty || random.isOneIn(2)) this.#read(isHasty);
    const isWritten = this.written === this.toWrite;
    if (isWritten && !this.isShut && (isHasty || random.isOneIn(3))) {
      this.isShut = true;
      c.shutdown();
    }
    if (this.manner !== 'fair' && (isHasty || random.isOneIn(20))) this.#leave();
    else if (this.isShut && c.hasEnded() && this.unconsumed === 0) {
      this.isClosed = true;
      c.close();
    }
  }

  #settings(isHasty: boolean): void {
    const { c, random } = this;
    if (isHasty) {
      if (c.isCorked) c.setCork(false);
      // A peer that was aborted, and whose reset was lost, is noticed.
      if (!this.#isWatched) c.setKeepAlive(1000, 1000, 5);
      this.#isWatched = true;
    } else if (random.isOneIn(20)) c.setCork(!c.isCorked);
  }

  #leave(): void {
    this.isClosed = true;
    if (this.manner === 'discards') this.c.close(true);
    else {
      this.c.abort();
      this.#isAborted = true;
      this.isOver = true;
    }
  }

  #write(isHasty: boolean): void {
    const left = Math.min(this.toWrite - this.written, this.c.sendSpace() + 1);
    if (left === 0 || this.isShut) return;
    const bytes = isHasty ? left : Math.min(left, this.random.size(4000));
    const chunk = Uint8Array.from({ length: bytes }, (_, index) => byteAt(this.key, this.written + index));
    this.written += this.c.write(chunk);
    if (isHasty || !this.random.isOneIn(8)) this.c.push();
  }

  #read(isHasty: boolean): void {
    const { c, random } = this;
    const view = c.peek(isHasty ? undefined : random.size(20_000));
    const key = this.other?.key;
    for (let index = 0; index < view.length && key !== undefined; index += 1) {
      if (view[index] !== byteAt(key, this.received + index))
        assert.fail(`byte ${this.received + index} is the one that was written there`);
    }
    c.skip(view.length);
    this.received += view.length;
    this.unconsumed += view.length;
    const consumed = isHasty ? this.unconsumed : random.whole(0, this.unconsumed);
    this.unconsumed -= consumed;
    c.consume(consumed);
  }
}

class Host implements Device {
  readonly medium = 'ip';
  readonly mtu: number;
  readonly frames: FramePool;
  readonly stack: NetStack;
  readonly netInterface: NetInterface;
  readonly invariants = new InvariantChecker();
  readonly ends = new Map<TcpConnection, End>();
  readonly #world: TwoHosts;

  constructor(world: TwoHosts, name: ProfileName, address: string, random: Random) {
    this.#world = world;
    this.mtu = world.plan.mtu;
    this.frames = new FramePool();
    this.stack = new NetStack({
      profile: PROFILES[name],
      random: () => random.fraction(),
      frames: this.frames,
      nowMs: world.nowMs,
    });
    this.netInterface = this.stack.attach(this, { addresses: [address] });
  }

  transmit(frame: Frame): void {
    this.#world.transmit(this, frame.bytes.slice(frame.start, frame.end));
    this.frames.give(frame);
  }

  receive(packet: Uint8Array): void {
    const frame = this.frames.take(packet.length);
    frame.bytes.set(packet, HEADROOM);
    frame.end = frame.start + packet.length;
    this.netInterface.receive(frame);
  }

  settle(): void {
    const { tcp } = this.stack;
    do {
      for (let ready = tcp.takeReady(); ready !== undefined; ready = tcp.takeReady()) {
        if (ready instanceof TcpListener) this.#world.accept(this, ready);
        else this.ends.get(ready)?.note(ready.takeEvents());
      }
      this.stack.flush();
    } while (tcp.hasReady);
    for (const c of tcp) this.invariants.check(c);
    for (const [c] of this.ends) if (c.state === TcpState.CLOSED) this.invariants.check(c);
    assert.equal(this.frames.taken, 0, 'every frame was given back');
  }
}

export class TwoHosts {
  readonly plan: Plan;
  readonly hosts: readonly [Host, Host];
  nowMs: number;
  lost = 0;
  packets = 0;
  failures: string[] = [];
  readonly #random: Random;
  readonly #programs: Random;
  readonly #faultsEndMs: number;
  #flights: Flight[] = [];
  #order = 0;

  constructor(seed: number, plan: Plan) {
    this.plan = plan;
    this.nowMs = plan.startMs;
    this.#random = new Random(seed, 2);
    this.#programs = new Random(seed, 3);
    this.#faultsEndMs = this.nowMs + plan.faultMs;
    const [first, second] = plan.profiles;
    this.hosts = [
      new Host(this, first, '10.0.0.1/24', new Random(seed, 4)),
      new Host(this, second, '10.0.0.2/24', new Random(seed, 5)),
    ];
  }

  get #isFaulty(): boolean {
    return this.nowMs < this.#faultsEndMs;
  }

  transmit(from: Host, packet: Uint8Array): void {
    const { loss, duplication } = this.plan.faults;
    this.packets += 1;
    const isFaulty = this.#isFaulty;
    if (isFaulty && this.#random.fraction() < loss) {
      this.lost += 1;
      return;
    }
    const to = this.hosts[from === this.hosts[0] ? 1 : 0];
    this.#deliverLater(to, packet, isFaulty);
    if (isFaulty && this.#random.fraction() < duplication) this.#deliverLater(to, packet, isFaulty);
  }

  #deliverLater(to: Host, packet: Uint8Array, isFaulty: boolean): void {
    const { reordering, jitterMs, delayMs } = this.plan.faults;
    const isHeld = isFaulty && this.#random.fraction() < reordering;
    const atMs = this.nowMs + delayMs + (isHeld ? this.#random.fraction() * jitterMs : 0);
    this.#order += 1;
    const flight = { atMs, order: this.#order, to, packet };
    let index = this.#flights.length;
    while (index > 0 && (this.#flights[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    this.#flights.splice(index, 0, flight);
  }

  // ---- programs

  open(index: number): void {
    const [client, server] = this.hosts;
    const address = Address.parse('10.0.0.2');
    assert.ok(address !== undefined);
    const c = client.stack.tcp.connect({ address, port: PORT, localPort: FIRST_PORT + index });
    assert.ok(c instanceof TcpConnection, 'the host connects');
    client.ends.set(c, new End(c, 2 * index, this.plan, new Random(this.#programs.whole(0, 1e9))));
    assert.ok(server.stack.tcp.listeners > 0);
  }

  accept(host: Host, listener: TcpListener): void {
    for (let c = listener.accept(); c !== undefined; c = listener.accept()) {
      assert.ok(c instanceof TcpConnection);
      const accepted = c;
      const index = accepted.remotePort - FIRST_PORT;
      const end = new End(accepted, 2 * index + 1, this.plan, new Random(this.#programs.whole(0, 1e9)));
      host.ends.set(accepted, end);
      for (const [other, far] of this.hosts[0].ends) {
        if (other.localPort !== accepted.remotePort) continue;
        end.other = far;
        far.other = end;
      }
    }
  }

  get #ends(): End[] {
    return this.hosts.flatMap((host) => [...host.ends.values()]);
  }

  // ---- time

  play(): void {
    const { plan } = this;
    const server = this.hosts[1].stack.tcp;
    assert.ok(server.listen({ address: undefined, port: PORT }) instanceof TcpListener);
    for (let index = 0; index < plan.connections; index += 1) this.open(index);
    let actAtMs = this.nowMs;
    const limitMs = this.#faultsEndMs + SETTLE_MS;
    let atThisInstant = 0;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      for (const host of this.hosts) host.settle();
      const isHasty = !this.#isFaulty;
      if (isHasty) {
        for (const end of this.#ends) end.act(true);
        for (const host of this.hosts) host.settle();
      }
      const flight = this.#flights[0];
      const deadlines = this.hosts.map(({ stack }) => stack.nextDeadlineMs());
      const nextMs = Math.min(...deadlines, flight?.atMs ?? Infinity, isHasty ? Infinity : actAtMs);
      if (nextMs === Infinity || nextMs > limitMs) break;
      atThisInstant = nextMs > this.nowMs ? 0 : atThisInstant + 1;
      assert.ok(atThisInstant < PACKETS_AT_ONE_INSTANT, 'time moves on');
      this.nowMs = Math.max(this.nowMs, nextMs);
      for (const host of this.hosts) host.stack.advance(this.nowMs);
      for (const host of this.hosts) host.settle();
      if (flight !== undefined && flight.atMs <= this.nowMs) {
        this.#flights.shift();
        flight.to.receive(flight.packet);
      }
      if (!isHasty && actAtMs <= this.nowMs) {
        for (const end of this.#ends) end.act(false);
        actAtMs = this.nowMs + this.#programs.size(500);
      }
    }
    this.#check();
  }

  // ---- in the end

  #check(): void {
    for (const { stack } of this.hosts) {
      assert.equal(stack.tcp.connections, 0, 'every connection settles');
      assert.equal(stack.tcp.inTimeWait, 0, 'TIME_WAIT ends');
      assert.equal(stack.nextDeadlineMs(), Infinity, 'no timer is left');
    }
    for (const end of this.#ends) {
      assert.ok(end.isOver, 'CLOSED comes');
      const { failure } = end.c;
      if (failure !== undefined) this.failures.push(failure);
      this.#checkStream(end);
    }
  }

  #checkStream(end: End): void {
    const { other } = end;
    if (other === undefined || end.manner !== 'fair' || other.manner !== 'fair') return;
    // Without losses, two ends that read everything have no reason to fail.
    if (this.plan.faults.loss === 0)
      assert.deepEqual([end.c.failure, other.c.failure], [undefined, undefined]);
    if (end.c.failure !== undefined || other.c.failure !== undefined) return;
    assert.equal(end.written, end.toWrite, 'all was written');
    assert.equal(other.received, end.toWrite, 'all has arrived');
    assert.ok(other.hasEnd, 'the end has arrived');
  }
}

/** Plays a seed. @throws an error that names the seed. */
export function playSeed(seed: number, change: Partial<Plan> = {}): TwoHosts {
  const plan = { ...planOf(seed), ...change };
  const world = new TwoHosts(seed, plan);
  try {
    world.play();
  } catch (error) {
    throw new Error(`seed ${seed} at ${world.nowMs - plan.startMs} ms: ${JSON.stringify(plan)}`, {
      cause: error,
    });
  }
  return world;
}
