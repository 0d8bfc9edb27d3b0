/**
 * A host's TCP/IP. It does no I/O and reads no clock: its driver gives it frames and the time, and takes what
 * happened; devices take the frames that go out. The cycle of a driver:
 *
 *     netInterface.receive(frame), stack.work() or stack.advance(nowMs)
 *     while ((ready = stack.tcp.takeReady()) !== undefined) …
 *     stack.flush()
 *     again while stack.hasWork; else sleep until stack.nextDeadlineMs()
 */
import type { MonotonicClock } from '../support/clock.js';
import { TimerWheel } from '../support/timer-wheel.js';
import type { Counters } from './counters.js';
import type { Device } from './device.js';
import type { FramePool } from './frame.js';
import { Ip, PROTOCOL_TCP } from './ip/ip.js';
import { MOST_ADDRESSES, type NetInterface } from './ip/net-interface.js';
import { HostTable } from './hosts.js';
import { Udp } from './udp.js';
import { MacAddress } from './wire/ethernet.js';
import { PROTOCOL_UDP } from './wire/udp.js';
import { Prefix } from './ip/prefix.js';
import type { Profile } from './profile.js';
import { StackClock } from './stack-clock.js';
import { Tcp } from './tcp/tcp.js';
import { Address } from './wire/address.js';

export type { NetInterface } from './ip/net-interface.js';

/** Interfaces of one host, the loopback included. */
export const MOST_INTERFACES = 64;

/** Bytes of a packet that every link takes (RFC 791 §3.2). */
const LEAST_DEVICE_MTU = 68;

export interface NetStackOptions {
  readonly profile: Profile;
  /** Chance, from a seed where runs have to repeat: at least 0, less than 1. */
  readonly random: () => number;
  readonly frames: FramePool;
  /** The time at the start; 0 if not given. */
  readonly nowMs?: number;
  /** True: the host is a router, and passes packets on that are not for it. */
  readonly forwarding?: boolean;
  /** The driver's clock: between two calls of `advance` the time is what the clock says. */
  readonly clock?: MonotonicClock;
  /** Called when a frame waits on the loopback and none did before; must not call back into the stack. */
  readonly onWork?: () => void;
}

export interface AttachOptions {
  /** Addresses with the lengths of their links' prefixes: '10.0.0.2/24', 'fd00::2/64'. */
  readonly addresses: readonly string[];
  /** Address of an Ethernet device, '02:00:00:00:00:01'; made from the host's chance if not given. */
  readonly mac?: string;
  readonly name?: string;
  /**
   * True: addresses are used only once no other host of an Ethernet has answered for them, after seconds
   * (RFC 5227, RFC 4862 §5.4).
   */
  readonly detectsDuplicates?: boolean;
  /** True: IPv6 addresses and routes are made from what routers of an Ethernet advertise (RFC 4862). */
  readonly autoconfigures?: boolean;
}

export interface RouteVia {
  /** Address of a router on the interface's link; none if the prefix is on the link itself. */
  readonly gateway?: string;
  readonly netInterface: NetInterface;
}

export class NetStack {
  readonly profile: Profile;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly ip: Ip;
  /** Names that programs of this host look up. */
  readonly hosts = new HostTable();
  readonly #clock: StackClock;
  readonly #random: () => number;

  constructor(options: NetStackOptions) {
    const { profile, random, frames, nowMs = 0, forwarding = false, onWork = () => undefined } = options;
    this.profile = profile;
    this.#random = random;
    this.#clock = new StackClock(nowMs, options.clock);
    const timers = new TimerWheel(this.#clock);
    const clock = this.#clock;
    this.ip = new Ip({ profile, frames, clock, timers, random, forwarding, onWork });
    this.udp = new Udp({ ip: this.ip, frames, random, ports: profile.tcp.ephemeralPorts });
    this.tcp = new Tcp({ profile: profile.tcp, ip: this.ip, clock, timers, random });
    this.ip.setTransport(PROTOCOL_TCP, this.tcp);
    this.ip.setTransport(PROTOCOL_UDP, this.udp);
  }

  /** Packets that IP has received, sent, forwarded, and dropped with a reason. */
  get counters(): Counters {
    return this.ip.counters;
  }

  /**
   * Adds an interface on a device.
   * @throws TypeError or RangeError if an address is none, the device's MTU is too small, or there are too
   *   many interfaces or addresses.
   */
  attach(device: Device, options: AttachOptions): NetInterface {
    const { addresses, mac, name, detectsDuplicates = false, autoconfigures = false } = options;
    const index = this.ip.routing.interfaces.length;
    if (index >= MOST_INTERFACES) throw new RangeError(`a host has at most ${MOST_INTERFACES} interfaces`);
    if (device.mtu < LEAST_DEVICE_MTU) throw new RangeError(`an MTU is at least ${LEAST_DEVICE_MTU}`);
    const given = mac === undefined ? MacAddress.random(this.#random) : MacAddress.parse(mac);
    if (given === undefined || given.isGroup)
      throw new TypeError(`'${mac ?? ''}' is no Ethernet address of a host`);
    const prefixes = addresses.map((text) => Prefix.parse(text));
    if (prefixes.length > MOST_ADDRESSES) {
      throw new RangeError(`an interface has at most ${MOST_ADDRESSES} addresses`);
    }
    const netInterface = this.ip.addInterface(name ?? `if${index}`, device, given);
    const hasIpv6 = autoconfigures || prefixes.some(({ family }) => family === 6);
    const hasLinkLocal = prefixes.some(({ address }) => address.isLinkLocal());
    if (hasIpv6 && !hasLinkLocal) {
      this.ip.addLinkLocal(netInterface, detectsDuplicates || autoconfigures, autoconfigures);
    }
    for (const prefix of prefixes) {
      if (detectsDuplicates) this.ip.claimAddress(netInterface, prefix, () => undefined);
      else this.ip.addAddress(netInterface, prefix);
    }
    return netInterface;
  }

  /**
   * Adds a route, '10.1.0.0/16' or '::/0'.
   * @throws TypeError or RangeError if a text is no prefix or address, or there are too many routes.
   */
  addRoute(prefix: string, { gateway, netInterface }: RouteVia): void {
    const via = gateway === undefined ? undefined : Address.parse(gateway);
    if (gateway !== undefined && via === undefined) throw new TypeError(`'${gateway}' is no IP address`);
    const added = this.ip.routing.routes.add({ prefix: Prefix.parse(prefix), gateway: via, netInterface });
    if (!added) throw new RangeError('a host has too many routes');
    this.ip.routing.changed();
  }

  /** The time that the driver has set last, in milliseconds. */
  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Sets the time, and fires the timers that are due. */
  advance(nowMs: number): void {
    this.#clock.advance(nowMs);
  }

  /** Returns the time of the next timer; `Infinity` if none waits. */
  nextDeadlineMs(): number {
    return this.#clock.alarmAtMs;
  }

  /** True if a frame waits on the loopback. */
  get hasWork(): boolean {
    return this.ip.loopback.hasFrames;
  }

  /** Takes one frame from the loopback; harmless if none waits. */
  work(): void {
    const frame = this.ip.loopback.take();
    if (frame !== undefined) this.ip.loopbackInterface.receive(frame);
  }

  /** Sends what became due: acknowledgements, and data of the programs. */
  flush(): void {
    this.tcp.flush();
  }
}
