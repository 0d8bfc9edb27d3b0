/**
 * A host of a network: a NetStack, the stack of the port on top of it, and their driver. A host that
 * restarts is a new boot: all of these are made anew, and what belongs to the old boot is never called
 * again.
 */
import type { Direction, Port } from '../link/direction.js';
import { EventSource, type Timeline } from '../link/timeline.js';
import type { Device } from '../netstack/device.js';
import type { Frame, FramePool } from '../netstack/frame.js';
import { NetStack, type NetInterface } from '../netstack/netstack.js';
import type { TcpSocket } from '../netstack/raw-api.js';
import { TcpState } from '../netstack/tcp/state.js';
import { PROFILES, type Profile, type ProfileName } from '../netstack/profile.js';
import { Address } from '../netstack/wire/address.js';
import type { Lookup } from '../port/lookup.js';
import type { StackDriver } from '../stacks/virtual/driver.js';
import { VirtualStack, type VirtualStackLimits } from '../stacks/virtual/virtual-stack.js';
import type { Alarm, Clock } from '../support/clock.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { timeNs, type EventLoop, type Machine } from './event-loop.js';

const NS_PER_MS = 1_000_000;

export interface HostOptions {
  /** Numbers and habits of its TCP/IP. Default: `linux`. */
  readonly profile?: ProfileName | Profile;
  /**
   * IP addresses, with the length of the prefix of its LAN if that is not 24 or 64 bits. Default: the next
   * free one of 10.0.0.0/24.
   */
  readonly address?: string | readonly string[];
  /** True: the host is a router, and passes packets on that are not for it. Default: false. */
  readonly forwards?: boolean;
  /** Numbers of its stack that are not those of the profile. */
  readonly limits?: VirtualStackLimits;
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

/** An end of a link at a host, which outlives the host's boots. */
export interface Attachment {
  readonly outgoing: Direction;
  readonly incoming: Direction;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  /** Addresses with the length of the link's prefix. */
  readonly addresses: readonly string[];
  readonly name: string;
  /** Returns the hosts at the other end. */
  neighbours(): readonly Neighbour[];
}

export interface Neighbour {
  readonly host: Host;
  /** Addresses that the host has on the link. */
  readonly addresses: readonly string[];
}

interface Route {
  readonly prefix: string;
  readonly attachment: Attachment;
  readonly gateway: string | undefined;
}

export class Host implements Machine {
  readonly name: string;
  readonly profile: Profile;
  /** The addresses, as they were given. */
  readonly addresses: readonly string[];
  readonly limits: VirtualStackLimits;
  /** True for a router. */
  readonly forwards: boolean;
  /** Number in the network. */
  readonly id: number;
  readonly #around: HostSurroundings;
  readonly #attachments: Attachment[] = [];
  readonly #routes: Route[] = [];
  #boots = 0;
  #boot: Boot | undefined;

  constructor(
    name: string,
    options: HostOptions & { readonly addresses: readonly string[] },
    around: HostSurroundings,
  ) {
    this.name = name;
    const profile = options.profile ?? 'linux';
    this.profile = typeof profile === 'string' ? profileNamed(profile) : profile;
    this.addresses = options.addresses;
    for (const address of this.addresses) checkAddress(address);
    this.limits = options.limits ?? {};
    this.forwards = options.forwards ?? false;
    this.#around = around;
    this.id = around.loop.addMachine(this);
    this.restart();
  }

  /** The first address, without the length of its prefix. */
  get address(): string {
    return bare(this.addresses[0] ?? '');
  }

  /** True from the start or `restart` until `crash`. */
  get isUp(): boolean {
    return this.#boot !== undefined;
  }

  /**
   * The stack for AsyncClient and AsyncServer; another one after `restart`.
   * @throws Error while the host is down.
   */
  get stack(): VirtualStack {
    return this.#running().stack;
  }

  /**
   * TCP/IP below the stack, for tests and figures; another one after `restart`.
   * @throws Error while the host is down.
   */
  get netstack(): NetStack {
    return this.#running().netstack;
  }

  /** Clock of the present boot: its alarms end with it. */
  get clock(): Clock {
    return this.#running().clock;
  }

  /**
   * Stops the host at once: nothing is sent, no handler is called, its memory is gone. Packets that it has
   * sent already arrive, unless `inFlight` is `lost`.
   */
  crash({ inFlight = 'arrives' }: { readonly inFlight?: 'arrives' | 'lost' } = {}): void {
    const boot = this.#boot;
    if (boot === undefined) return;
    this.#boot = undefined;
    boot.die();
    for (const { incoming, outgoing } of this.#attachments) {
      incoming.port = undefined;
      if (inFlight === 'lost') outgoing.dropInFlight('host down');
    }
  }

  /** Boots the host anew, after a crash if it is up. */
  restart(): void {
    this.crash();
    const { random } = this.#around;
    const boot = new Boot(this, this.#around, random.fork(`boot ${this.#boots}`));
    this.#boots += 1;
    this.#boot = boot;
    for (const attachment of this.#attachments) boot.attach(attachment);
    for (const route of this.#routes) boot.addRoute(route);
  }

  /** Plugs a link in. */
  attach(attachment: Attachment): void {
    this.#attachments.push(attachment);
    this.#boot?.attach(attachment);
  }

  /**
   * Adds a route through a host that this one is joined to: `addRoute('0.0.0.0/0', router)`.
   * @throws SimulationError if no link or LAN joins them.
   */
  addRoute(prefix: string, via: Host): void {
    for (const attachment of this.#attachments) {
      const gateway = attachment.neighbours().find(({ host }) => host === via);
      if (gateway === undefined) continue;
      const family = prefix.includes(':') ? 6 : 4;
      const address = gateway.addresses.find((text) => text.includes(':') === (family === 6));
      this.addRouteThrough(prefix, attachment, attachment.medium === 'ip' ? undefined : bare(address ?? ''));
      return;
    }
    throw this.#around.loop.error('misuse', `nothing joins ${this.name} to ${via.name}`);
  }

  /** Adds the default routes through a router, of the families of its addresses, unless there are some. */
  addDefaultRoute(router: Host): void {
    for (const [prefix, mark] of [
      ['0.0.0.0/0', '.'],
      ['::/0', ':'],
    ] as const) {
      const isReached = router.addresses.some((address) => address.includes(mark));
      if (isReached && !this.#routes.some((route) => route.prefix === prefix)) this.addRoute(prefix, router);
    }
  }

  /** Adds a route through an end of a link. */
  addRouteThrough(prefix: string, attachment: Attachment, gateway?: string): void {
    const route = { prefix, attachment, gateway };
    this.#routes.push(route);
    this.#boot?.addRoute(route);
  }

  step(): boolean {
    return this.#boot?.step() ?? false;
  }

  waiting(): readonly string[] {
    const tcp = this.#boot?.netstack.tcp;
    return tcp === undefined ? [] : Array.from(tcp, (connection) => describeConnection(connection));
  }

  #running(): Boot {
    if (this.#boot === undefined) throw this.#around.loop.error('misuse', `the host ${this.name} is down`);
    return this.#boot;
  }
}

/** One life of a host: from a boot to a crash. */
class Boot implements StackDriver {
  readonly clock: Clock;
  readonly netstack: NetStack;
  readonly stack: VirtualStack;
  readonly #timeline: Timeline;
  readonly #loop: EventLoop;
  readonly #frames: FramePool;
  readonly #wakeUp: WakeUp;
  readonly #deadline: Deadline;
  readonly #interfaces = new Map<Attachment, NetInterface>();
  isDead = false;

  constructor(host: Host, around: HostSurroundings, random: SeededRandom) {
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
    this.#deadline.expect(this.#timeline, this.netstack.nextDeadlineMs());
    return false;
  }

  attach(attachment: Attachment): void {
    const device = new BootDevice(this, attachment, this.#frames);
    const { addresses, name } = attachment;
    const netInterface = this.netstack.attach(device, { addresses, name });
    this.#interfaces.set(attachment, netInterface);
    const port: Port = {
      receive: (frame) => {
        netInterface.receive(frame);
      },
    };
    attachment.incoming.port = port;
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

class BootClock implements Clock {
  readonly #boot: Boot;
  readonly #hostId: number;
  readonly #timeline: Timeline;

  constructor(boot: Boot, hostId: number, timeline: Timeline) {
    this.#boot = boot;
    this.#hostId = hostId;
    this.#timeline = timeline;
  }

  nowMs(): number {
    return this.#timeline.nowNs / NS_PER_MS;
  }

  setAlarm(atMs: number, wake: () => void): Alarm {
    const event = new AlarmEvent(this.#hostId, this.#boot, this.#timeline, wake);
    this.#timeline.schedule(event, timeNs(Math.max(0, atMs)));
    return event;
  }
}

class AlarmEvent extends EventSource implements Alarm {
  readonly #boot: Boot;
  readonly #timeline: Timeline;
  #wake: (() => void) | undefined;

  constructor(hostId: number, boot: Boot, timeline: Timeline, wake: () => void) {
    super(hostId);
    this.#boot = boot;
    this.#timeline = timeline;
    this.#wake = wake;
  }

  cancel(): void {
    this.#wake = undefined;
    this.#timeline.cancel(this);
  }

  override occur(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    if (!this.#boot.isDead) wake?.();
  }
}

/** Returns the ends and the state of a connection, and the bytes that wait for something. */
function describeConnection(connection: TcpSocket): string {
  const { localAddress, localPort, remoteAddress, remotePort, state } = connection;
  const waits = [
    `${connection.unacknowledged()} bytes for an acknowledgement`,
    `${connection.readable()} bytes for the program`,
  ].filter((text) => !text.startsWith('0 '));
  const ends = `${localAddress.toString()}.${localPort} > ${remoteAddress.toString()}.${remotePort}`;
  return `${ends} ${nameOfState(state)}: ${waits.join(', ') || 'for the peer'}`;
}

function nameOfState(state: number): string {
  return Object.entries(TcpState).find(([, value]) => value === state)?.[0] ?? String(state);
}

/** Returns the profile; JavaScript may name one that is none. */
function profileNamed(name: ProfileName): Profile {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name];
  throw new RangeError(`profile must be one of ${Object.keys(PROFILES).join(', ')}, not ${name}`);
}

function checkAddress(text: string): void {
  if (Address.parse(bare(text)) === undefined) throw new TypeError(`'${text}' is no IP address`);
}

/** Returns an address without the length of its prefix. */
export function bare(address: string): string {
  return address.replace(/\/.*$/, '');
}
