/**
 * A small network for the contract suite: hosts on one link, whose frames are lost and reordered on demand.
 * It has two times. The programs' clock moves only when a case moves it, so that a case can count
 * milliseconds. The network's own time goes on with it, and otherwise as fast as it can, as long as
 * something happens and a little longer: acknowledgements are delayed and losses repaired in it.
 *
 * A turn is a macrotask of the runtime, in which at most one event of a program happens.
 */
import { SteppedClock } from 'asynctcp';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import type { Device } from '#src/netstack/device.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import type { Profile } from '#src/netstack/profile.js';
import { Address } from '#src/netstack/wire/address.js';
import type { StackDriver } from '#src/stacks/virtual/driver.js';
import { VirtualStack, type VirtualStackOptions } from '#src/stacks/virtual/virtual-stack.js';
import { macrotask } from '#src/support/macrotask.js';
import { SeededRandom } from '#src/support/seeded-random.js';
import type { CaseClock } from '../contract/case.js';

const MTU = 1500;
const NEVER = Number.POSITIVE_INFINITY;

/** What the link does to frames. */
export interface LinkHabits {
  readonly delayMs: number;
  /** Share of the frames that is lost. A reset is not: no TCP repeats it, and cases wait for it. */
  readonly loss: number;
  /** Share of the frames that comes `reorderMs` later. */
  readonly reorder: number;
  readonly reorderMs: number;
  /** Time of the network that passes after the last event before it counts as quiet. */
  readonly quietMs: number;
}

interface InFlight {
  readonly frame: Frame;
  readonly atMs: number;
}

/** A stack that can be left without memory for further connections. */
export class StarvingStack extends VirtualStack {
  isStarving = false;

  override connect(
    ...[target, events]: Parameters<VirtualStack['connect']>
  ): ReturnType<VirtualStack['connect']> {
    if (!this.isStarving) return super.connect(target, events);
    let isWanted = true;
    this.post(() => {
      if (isWanted) events.onFailed(shortageFault());
    });
    return { cancel: () => (isWanted = false), setKeepsAlive: () => undefined };
  }

  override listen(
    ...[target, events]: Parameters<VirtualStack['listen']>
  ): ReturnType<VirtualStack['listen']> {
    return super.listen(target, {
      onListening: () => {
        events.onListening();
      },
      onFailed: (fault) => {
        events.onFailed(fault);
      },
      onAcceptFailed: (fault) => {
        events.onAcceptFailed(fault);
      },
      onAccepted: (connection) => {
        if (!this.isStarving) return events.onAccepted(connection);
        events.onAcceptFailed(shortageFault());
        return undefined;
      },
    });
  }
}

function shortageFault(): { readonly code: -1; readonly cause: Error } {
  return { code: -1, cause: new Error('there is no memory, on demand') };
}

class Host implements StackDriver {
  readonly clock: SteppedClock;
  readonly netstack: NetStack;
  readonly stack: StarvingStack;
  readonly netInterface: NetInterface;
  readonly #world: VirtualWorld;
  /** True if it may have something to do. */
  isAwake = false;

  constructor(world: VirtualWorld, addresses: readonly string[], options: HostOptions) {
    this.#world = world;
    this.clock = world.programClock;
    this.netstack = new NetStack({
      profile: options.profile,
      random: () => world.random.fraction(),
      frames: world.frames,
      nowMs: world.nowMs,
      onWork: () => (this.isAwake = true),
    });
    this.netInterface = this.netstack.attach(world.device, { addresses });
    this.stack = new StarvingStack({ ...options.stack, netstack: this.netstack, driver: this });
  }

  wake(): void {
    this.isAwake = true;
    this.#world.wake();
  }
}

export interface HostOptions {
  readonly profile: Profile;
  readonly stack: Omit<VirtualStackOptions, 'netstack' | 'driver'>;
}

export class VirtualWorld {
  readonly frames = new FramePool();
  readonly random: SeededRandom;
  readonly programClock = new SteppedClock();
  readonly clock: CaseClock;
  /** The link, as every host's interface has it. */
  readonly device: Device;
  nowMs = 0;
  readonly #habits: LinkHabits;
  readonly #hosts: Host[] = [];
  readonly #byAddress = new Map<number, Host>();
  readonly #cuts: { readonly word: number; readonly port: number }[] = [];
  /** Frames on the way, the earliest first. */
  #inFlight: InFlight[] = [];
  #quietAtMs = 0;
  /** Time up to which the network follows the programs' clock. */
  #owedAtMs = 0;
  #isTurning = false;
  #isStepping = false;
  #settling: (() => void)[] = [];

  constructor(seed: string, habits: LinkHabits) {
    this.random = SeededRandom.of(seed);
    this.#habits = habits;
    this.device = {
      medium: 'ip',
      mtu: MTU,
      frames: this.frames,
      transmit: (frame) => {
        this.#transmit(frame);
      },
    };
    this.clock = {
      nowMs: () => this.programClock.nowMs(),
      advance: (ms) => {
        this.#advance(ms);
      },
      stall: (ms) => {
        this.programClock.stall(ms);
        this.#stepAll();
        this.#followMs(ms);
      },
    };
  }

  /** @param addresses with the lengths of their prefixes. */
  host(addresses: readonly string[], options: HostOptions): StarvingStack {
    const host = new Host(this, addresses, options);
    this.#hosts.push(host);
    for (const text of addresses) this.#byAddress.set(lastWord(text.split('/')[0] ?? ''), host);
    return host.stack;
  }

  /** Lets no frame reach this end of connections, and none leave it. */
  cut({ address, port }: { readonly address: string; readonly port: number }): void {
    this.#cuts.push({ word: lastWord(address), port });
  }

  // ---- the link

  #transmit(frame: Frame): void {
    const { delayMs, loss, reorder, reorderMs } = this.#habits;
    const isLost = loss > 0 && this.random.fraction() < loss;
    if ((isLost && !isReset(frame)) || this.#isCut(frame)) {
      this.frames.give(frame);
      return;
    }
    const isLate = reorder > 0 && this.random.fraction() < reorder;
    const atMs = this.nowMs + delayMs + (isLate ? reorderMs : 0);
    let place = this.#inFlight.length;
    while (place > 0 && (this.#inFlight[place - 1]?.atMs ?? 0) > atMs) place -= 1;
    this.#inFlight.splice(place, 0, { frame, atMs });
    if (!this.#isStepping) this.wake();
  }

  #isCut({ view, start }: Frame): boolean {
    if (this.#cuts.length === 0) return false;
    const isIpv4 = isOfIpv4({ view, start });
    const ports = segmentStart({ view, start });
    const ends = [
      [view.getUint32(start + (isIpv4 ? 12 : 20)), view.getUint16(ports)],
      [view.getUint32(start + (isIpv4 ? 16 : 36)), view.getUint16(ports + 2)],
    ];
    return this.#cuts.some(({ word, port }) => ends.some(([w, p]) => w === word && p === port));
  }

  #deliver({ frame }: InFlight): void {
    const { view, start } = frame;
    const host = this.#byAddress.get(view.getUint32(start + (isOfIpv4(frame) ? 16 : 36)));
    if (host === undefined) {
      this.frames.give(frame);
      return;
    }
    host.netInterface.receive(frame);
    host.isAwake = true;
  }

  // ---- what happens

  wake(): void {
    this.#keepGoing();
    if (this.#isTurning) return;
    this.#isTurning = true;
    macrotask(this.#turn);
  }

  #keepGoing(): void {
    this.#quietAtMs = Math.max(this.#quietAtMs, this.nowMs + this.#habits.quietMs);
  }

  /** Resolves when nothing has happened for a while, and nothing is left at the present time. */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.wake();
    });
  }

  readonly #turn = (): void => {
    this.#isTurning = false;
    const untilMs = (): number => Math.max(this.#quietAtMs, this.#owedAtMs);
    do {
      if (this.#happen(true)) {
        this.wake();
        return;
      }
    } while (this.#moveTo(this.#nextMs(), untilMs()));
    this.#moveTo(untilMs());
    for (const resolve of this.#settling.splice(0)) resolve();
  };

  /** Lets things happen at the present time, up to one event of a program. Returns true if there was one. */
  #happen(hasPrograms: boolean): boolean {
    for (;;) {
      if (hasPrograms && this.#step()) return true;
      const first = this.#inFlight[0];
      if (first !== undefined && first.atMs <= this.nowMs) {
        this.#inFlight.shift();
        this.#deliver(first);
        if (!hasPrograms) for (const { netstack } of this.#hosts) netstack.flush();
      } else if (!this.#isNetworkDue()) {
        return false;
      }
    }
  }

  #step(): boolean {
    for (const host of this.#hosts) {
      if (!host.isAwake) continue;
      this.#isStepping = true;
      try {
        if (host.stack.step()) return true;
      } finally {
        this.#isStepping = false;
      }
      host.isAwake = false;
    }
    return false;
  }

  /** Lets one host do what is due in it. Returns false if nothing is. */
  #isNetworkDue(): boolean {
    for (const host of this.#hosts) {
      const { netstack } = host;
      if (netstack.hasWork) netstack.work();
      else if (netstack.nextDeadlineMs() <= this.nowMs) netstack.advance(this.nowMs);
      else continue;
      host.isAwake = true;
      return true;
    }
    return false;
  }

  /** Time of the next thing in the network. */
  #nextMs(): number {
    let nextMs = this.#inFlight[0]?.atMs ?? NEVER;
    for (const { netstack } of this.#hosts) nextMs = Math.min(nextMs, netstack.nextDeadlineMs());
    return nextMs;
  }

  /** Moves the network's time, unless that would pass `limitMs`. */
  #moveTo(atMs: number, limitMs = NEVER): boolean {
    if (atMs > limitMs || atMs === NEVER) return false;
    this.nowMs = Math.max(this.nowMs, atMs);
    for (const host of this.#hosts) {
      host.netstack.advance(this.nowMs);
      host.isAwake = true;
    }
    return true;
  }

  /** Lets what is on the way arrive, without a turn of any program. */
  arrive(): void {
    do this.#happen(false);
    while (this.#moveTo(this.#nextMs(), this.#inFlight.length > 0 ? NEVER : this.#quietAtMs));
  }

  /** Moves the programs' time and fires their timers. The network's time follows in the next turns. */
  #advance(ms: number): void {
    const { programClock } = this;
    const endMs = programClock.nowMs() + ms;
    this.#followMs(ms);
    while (programClock.nowMs() < endMs || programClock.isDue()) {
      programClock.advanceTo(Math.min(endMs, programClock.nextMs() ?? NEVER));
      this.#stepAll();
    }
  }

  #followMs(ms: number): void {
    this.#owedAtMs = Math.max(this.#owedAtMs, this.nowMs) + ms;
    this.wake();
  }

  #stepAll(): void {
    if (this.#isStepping) return;
    while (this.#step());
  }
}

type Packet = Pick<Frame, 'view' | 'start'>;

function isOfIpv4({ view, start }: Packet): boolean {
  return view.getUint8(start) >>> 4 === 4;
}

/** Returns the place at which the TCP header begins; these hosts send no extension headers. */
function segmentStart({ view, start }: Packet): number {
  return start + (isOfIpv4({ view, start }) ? (view.getUint8(start) & 15) * 4 : 40);
}

function isReset(packet: Packet): boolean {
  return (packet.view.getUint8(segmentStart(packet) + 13) & 4) !== 0;
}

/** Returns the last 32 bits of an address, by which the hosts of a world differ. */
function lastWord(text: string): number {
  const address = Address.parse(text);
  if (address === undefined) throw new TypeError(`'${text}' is no address`);
  return address.d >>> 0;
}
