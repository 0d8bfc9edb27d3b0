/**
 * One life of a host, from a boot to a crash: a NetStack, the stack of the port on top of it, and their
 * driver. A dead boot sends nothing and calls nothing.
 */
import type { Direction } from '../link/direction.js';
import { EventSource, type Timeline } from '../link/timeline.js';
import type { Device } from '../netstack/device.js';
import type { Frame, FramePool } from '../netstack/frame.js';
import { NetStack, type NetInterface } from '../netstack/netstack.js';
import type { Profile } from '../netstack/profile.js';
import type { UdpSocket } from '../netstack/udp.js';
import type { Lookup } from '../port/lookup.js';
import type { StackDriver } from '../stacks/virtual/driver.js';
import { VirtualStack, type VirtualStackLimits } from '../stacks/virtual/virtual-stack.js';
import type { Clock } from '../support/clock.js';
import type { SeededRandom } from '../support/seeded-random.js';
import type { Attachment, Route } from './attachment.js';
import { BootClock } from './boot-clock.js';
import type { EventLoop } from './event-loop.js';
import { HostUdp } from './host-udp.js';
import { timeNs } from './time-ns.js';

/** The host that boots. */
export interface BootingHost {
  readonly name: string;
  readonly id: number;
  readonly profile: Profile;
  readonly forwards: boolean;
  readonly limits: VirtualStackLimits;
}

/** The surroundings of a host in its network. */
export interface HostSurroundings {
  readonly loop: EventLoop;
  readonly timeline: Timeline;
  readonly frames: FramePool;
  /** Chance of the host, from which that of each boot is forked. */
  readonly random: SeededRandom;
  readonly lookup: Lookup;
}

/** One life of a host: from a boot to a crash. */
export class Boot implements StackDriver {
  readonly clock: Clock;
  readonly netstack: NetStack;
  readonly stack: VirtualStack;
  readonly #timeline: Timeline;
  readonly #loop: EventLoop;
  readonly #frames: FramePool;
  readonly #wakeUp: WakeUp;
  readonly #deadline: Deadline;
  readonly #interfaces = new Map<Attachment, NetInterface>();
  /** Socket whose datagrams are being passed. */
  #readySocket: UdpSocket | undefined;
  isDead = false;

  constructor(host: BootingHost, around: HostSurroundings, random: SeededRandom) {
    this.#timeline = around.timeline;
    this.#loop = around.loop;
    this.#frames = around.frames;
    this.#wakeUp = new WakeUp(host.id);
    this.clock = new BootClock(this, host.id, around.timeline);
    this.netstack = new NetStack({
      profile: host.profile,
      random: () => random.fraction(),
      frames: around.frames,
      nowMs: this.clock.nowMs(),
      clock: this.clock,
      forwarding: host.forwards,
      onWork: () => {
        this.wake();
      },
    });
    this.#deadline = new Deadline(host.id, this);
    const { lookup } = around;
    this.stack = new VirtualStack({
      ...host.limits,
      netstack: this.netstack,
      driver: this,
      name: host.name,
      lookup,
    });
  }

  wake(): void {
    if (this.#wakeUp.isComing || this.isDead) return;
    this.#wakeUp.isComing = true;
    this.#timeline.add(this.#wakeUp);
    this.#loop.wake();
  }

  step(): boolean {
    if (this.stack.step()) return true;
    if (this.netstack.hasWork) {
      this.netstack.work();
      return true;
    }
    if (this.#hasDatagrams() && this.#passDatagram()) return true;
    this.#deadline.expect(this.#timeline, this.netstack.nextDeadlineMs());
    return false;
  }

  #hasDatagrams(): boolean {
    return this.#readySocket !== undefined || this.netstack.udp.hasReady;
  }

  /** Passes one datagram, or one error, to its program. Returns false if none waits. */
  #passDatagram(): boolean {
    for (;;) {
      this.#readySocket ??= this.netstack.udp.takeReady();
      if (this.#readySocket === undefined) return false;
      // The socket keeps its place also if the program throws.
      const { owner } = this.#readySocket;
      if (owner instanceof HostUdp && owner.passNext()) return true;
      this.#readySocket = undefined;
    }
  }

  attach(attachment: Attachment): void {
    const device = new BootDevice(this, attachment, this.#frames);
    const { addresses, name } = attachment;
    const netInterface = this.netstack.attach(device, { addresses, name });
    this.#interfaces.set(attachment, netInterface);
    attachment.incoming.port = netInterface;
  }

  addRoute({ prefix, attachment, gateway }: Route): void {
    const netInterface = this.#interfaces.get(attachment);
    if (netInterface === undefined) return;
    this.netstack.addRoute(prefix, gateway === undefined ? { netInterface } : { netInterface, gateway });
  }

  die(): void {
    this.isDead = true;
    this.#timeline.cancel(this.#deadline);
  }
}

/** Has the host take steps. */
class WakeUp extends EventSource {
  isComing = false;

  override occur(): void {
    this.isComing = false;
  }
}

/**
 * The next timer of a NetStack. The event stays when the timer moves to a later time: most timers do,
 * often.
 */
class Deadline extends EventSource {
  readonly #boot: Boot;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(hostId: number, boot: Boot) {
    super(hostId);
    this.#boot = boot;
  }

  expect(timeline: Timeline, atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#atMs = atMs;
    timeline.schedule(this, timeNs(Math.max(0, atMs)));
  }

  override occur(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    if (!this.#boot.isDead) this.#boot.netstack.advance(this.#boot.clock.nowMs());
  }
}

/** The network interface of one boot: a dead boot sends nothing. */
class BootDevice implements Device {
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly frames: FramePool;
  readonly #boot: Boot;
  readonly #outgoing: Direction;

  constructor(boot: Boot, { medium, mtu, outgoing }: Attachment, frames: FramePool) {
    this.#boot = boot;
    this.medium = medium;
    this.mtu = mtu;
    this.frames = frames;
    this.#outgoing = outgoing;
  }

  transmit(frame: Frame): void {
    if (this.#boot.isDead) this.frames.give(frame);
    else this.#outgoing.transmit(frame);
  }
}
