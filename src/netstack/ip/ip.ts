/**
 * IP of one host: hands packets that come in to the transports, and finds the way for those that go out.
 *
 *     interface → receiveFrame → Ipv4Input or Ipv6Input → transport.receive
 *     transport → pathTo, send → Output → EthernetLink or device.transmit
 */
import { assert } from '../../support/assert.js';
import type { MonotonicClock } from '../../support/clock.js';
import type { Timers } from '../../support/timers.js';
import { Counters } from '../counters.js';
import type { Device } from '../device.js';
import type { Frame, FramePool } from '../frame.js';
import type { Profile } from '../profile.js';
import type { IcmpReport, IpPacket, IpPath, IpService } from '../tcp/ip-service.js';
import type { Address } from '../wire/address.js';
import { EtherType, type MacAddress } from '../wire/ethernet.js';
import { Icmp6, PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../wire/icmp.js';
import { Autoconfiguration, interfaceAddress } from './autoconfiguration.js';
import type { IpContext } from './context.js';
import { EthernetLink } from './ethernet-link.js';
import { Forwarder } from './forwarder.js';
import { IcmpErrors, NO_NEIGHBOUR, NO_PORT, noProtocol } from './icmp-errors.js';
import { IcmpInput } from './icmp-input.js';
import { InPacket } from './in-packet.js';
import { Path } from './ip-path.js';
import { Ipv4Input, type PacketSink } from './ipv4-input.js';
import { Ipv6Input } from './ipv6-input.js';
import { Loopback } from './loopback.js';
import { type InterfaceHost, NetInterface } from './net-interface.js';
import { Output } from './output.js';
import { PathMtus } from './path-mtu.js';
import { Prefix } from './prefix.js';
import { type Quote, readQuote } from './quote.js';
import { LOOPBACK_ADDRESSES, Routing } from './routing.js';

export const PROTOCOL_TCP = 6;

const LINK_LOCAL = Prefix.parse('fe80::/64');

/** A transport protocol, as IP sees it. */
export interface Transport {
  /** Reads a packet. Returns true if its frame is the transport's from now on; otherwise it stays IP's. */
  receive(packet: IpPacket): boolean;
  /** Returns false if a report quotes a packet that this host cannot have sent of late. */
  believes(report: IcmpReport): boolean;
  report(report: IcmpReport): void;
}

export interface IpOptions {
  readonly profile: Profile;
  readonly frames: FramePool;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  readonly random: () => number;
  /** True: the host passes packets on that are not for it. */
  readonly forwarding: boolean;
  readonly onWork: () => void;
}

export class Ip implements IpService, InterfaceHost, PacketSink {
  readonly counters = new Counters();
  readonly loopback: Loopback;
  readonly loopbackInterface: NetInterface;
  readonly routing: Routing;
  readonly pathMtus: PathMtus;
  readonly input4: Ipv4Input;
  readonly input6: Ipv6Input;
  readonly output: Output;
  readonly #context: IpContext;
  readonly #isRouter: boolean;
  readonly #errors: IcmpErrors;
  readonly #icmp: IcmpInput;
  readonly #packet = new InPacket();
  readonly #transports = new Map<number, Transport>();
  #tcp: Transport | undefined;

  constructor({ profile, frames, clock, timers, random, forwarding, onWork }: IpOptions) {
    const { counters } = this;
    const { hopLimit, discoversPathMtu } = profile.ip;
    this.#isRouter = forwarding;
    this.loopback = new Loopback(frames, counters, onWork);
    this.loopbackInterface = new NetInterface('lo', this.loopback, this, true);
    this.pathMtus = new PathMtus(clock, timers, () => {
      this.routing.changed();
    });
    this.routing = new Routing(this.loopbackInterface, this.pathMtus);
    this.output = new Output({ counters, frames, hopLimit, discoversPathMtu, random });
    const { routing, output } = this;
    const context = { profile: profile.ip, frames, counters, clock, timers, random, routing, output };
    this.#context = context;
    this.#errors = new IcmpErrors(context);
    this.#icmp = new IcmpInput(context, this.pathMtus, this);
    const forwarder = forwarding ? new Forwarder(context, this.#errors) : undefined;
    this.input4 = new Ipv4Input(context, this, this.#errors, forwarder);
    this.input6 = new Ipv6Input(context, this, this.#errors, forwarder);
    for (const address of LOOPBACK_ADDRESSES) this.addAddress(this.loopbackInterface, address);
  }

  /** Sets the transport that takes the packets of a protocol. */
  setTransport(protocol: number, transport: Transport): void {
    this.#transports.set(protocol, transport);
    if (protocol === PROTOCOL_TCP) this.#tcp = transport;
  }

  /** Adds an interface on a device. `mac` is the address of an Ethernet device. */
  addInterface(name: string, device: Device, mac: MacAddress): NetInterface {
    const netInterface = new NetInterface(name, device, this, false);
    if (device.medium === 'ethernet') {
      netInterface.link = new EthernetLink(this.#context, netInterface, mac, (at, frame) => {
        this.#unresolved(at, frame);
      });
      netInterface.link.nd.isRouter = this.#isRouter;
    }
    this.routing.addInterface(netInterface);
    return netInterface;
  }

  /**
   * Gives an interface an address, with the route to its link, and announces it. Nothing happens if it has
   * the address already. Returns false if it has too many.
   */
  addAddress(netInterface: NetInterface, prefix: Prefix): boolean {
    if (netInterface.has(prefix.address)) return true;
    if (!netInterface.addAddress(prefix)) return false;
    this.routing.routes.add({ prefix, gateway: undefined, netInterface });
    this.routing.changed();
    if (prefix.family === 4) netInterface.link?.arp.announceAll();
    else netInterface.link?.reports.changed();
    return true;
  }

  /**
   * Gives an interface an address once no other host of its link has it; at once on a link without
   * neighbours. Returns false if the interface has too many.
   */
  claimAddress(netInterface: NetInterface, prefix: Prefix, onWon: () => void): boolean {
    const { link } = netInterface;
    const win = (): void => {
      if (this.addAddress(netInterface, prefix)) onWon();
    };
    if (link !== undefined && !netInterface.has(prefix.address)) return link.claims.claim(prefix, win);
    win();
    return netInterface.has(prefix.address);
  }

  /** Has an interface take the packets of a group. Returns false if it has too many. */
  joinGroup(netInterface: NetInterface, group: Address): boolean {
    if (!netInterface.addGroup(group)) return false;
    if (group.family === 6) netInterface.link?.reports.changed();
    return true;
  }

  removeAddress(netInterface: NetInterface, address: Address): void {
    const prefix = netInterface.addresses.find((own) => own.address.equals(address));
    netInterface.link?.claims.cancel(address);
    netInterface.removeAddress(address);
    const route = prefix && this.routing.routes.findOnLink(prefix, netInterface);
    if (route !== undefined) this.routing.routes.remove(route);
    this.routing.changed();
  }

  /**
   * Gives an Ethernet interface its link-local IPv6 address.
   * @param detectsDuplicates true: only once no other host of the link has it.
   * @param autoconfigures true: routers of the link are asked for more addresses.
   */
  addLinkLocal(netInterface: NetInterface, detectsDuplicates: boolean, autoconfigures: boolean): void {
    const { link } = netInterface;
    if (link === undefined) return;
    const prefix = new Prefix(interfaceAddress(LINK_LOCAL.address, link.mac), LINK_LOCAL.length);
    if (autoconfigures)
      link.autoconfiguration = new Autoconfiguration(this.#context, this, netInterface, link);
    const onWon = (): void => {
      link.autoconfiguration?.solicit();
    };
    if (detectsDuplicates) this.claimAddress(netInterface, prefix, onWon);
    else if (this.addAddress(netInterface, prefix)) onWon();
  }

  receiveFrame(netInterface: NetInterface, frame: Frame): void {
    this.counters.received += 1;
    const { link } = netInterface;
    if (link === undefined) {
      this.#receivePacket(netInterface, frame, undefined, false);
      return;
    }
    const etherType = link.readHeader(frame);
    if (etherType === EtherType.IPV4) {
      this.#receivePacket(netInterface, frame, 4, link.isGroup);
    } else if (etherType === EtherType.IPV6) {
      this.#receivePacket(netInterface, frame, 6, link.isGroup);
    } else {
      if (etherType === EtherType.ARP) link.arp.receive(frame);
      else if (etherType !== undefined) this.counters.drop('unknownEtherType');
      this.#context.frames.give(frame);
    }
  }

  addressesChanged(): void {
    this.routing.changed();
  }

  pathTo(destination: Address, source: Address | undefined): IpPath | undefined {
    return this.routing.pathTo(destination, source);
  }

  send(path: IpPath, protocol: number, frame: Frame, ecn = 0): void {
    assert(path instanceof Path, 'a path comes from pathTo');
    this.output.send(path, protocol, frame, ecn);
  }

  isOwn(address: Address): boolean {
    return this.routing.isOwn(address);
  }

  confirm(path: IpPath): void {
    assert(path instanceof Path, 'a path comes from pathTo');
    const { hop } = path;
    if (hop?.neighbour !== undefined) hop.netInterface.link?.confirm(hop);
  }

  /** Tells the sender of a packet that no program of this host takes it (RFC 1122 §4.1.3.1). */
  refusePort(packet: IpPacket): void {
    assert(packet === this.#packet, 'a packet is refused while it is read');
    this.#errors.send(packet.frame, this.#packet.headerStart, packet.isGroup, NO_PORT);
  }

  deliver(packet: InPacket): boolean {
    const { protocol } = packet;
    if (protocol === PROTOCOL_TCP && this.#tcp !== undefined) return this.#tcp.receive(packet);
    if (protocol === (packet.family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) {
      this.#icmp.receive(packet);
      return false;
    }
    const transport = this.#transports.get(protocol);
    if (transport !== undefined) return transport.receive(packet);
    this.#refuseProtocol(packet);
    return false;
  }

  believes(report: IcmpReport): boolean {
    // Echo replies are IP's own, and IP does not remember them: anyone could quote one.
    return this.#transports.get(report.protocol)?.believes(report) ?? false;
  }

  report(report: IcmpReport): void {
    this.#transports.get(report.protocol)?.report(report);
  }

  linkMessage(packet: InPacket, type: number): void {
    const { link } = packet.netInterface ?? this.loopbackInterface;
    const isNeighbour = type === Icmp6.NEIGHBOUR_SOLICITATION || type === Icmp6.NEIGHBOUR_ADVERTISEMENT;
    if (isNeighbour && link !== undefined) link.nd.receive(packet);
    else if (type === Icmp6.LISTENER_QUERY && link !== undefined) link.reports.receiveQuery(packet);
    else if (type === Icmp6.ROUTER_ADVERTISEMENT && link?.autoconfiguration !== undefined) {
      link.autoconfiguration.receive(packet);
    } else this.counters.drop('ignoredIcmp');
  }

  /** Reads a packet of the family that its link has named, or that its first bits do. Owns the frame. */
  #receivePacket(netInterface: NetInterface, frame: Frame, named: 4 | 6 | undefined, isGroup: boolean): void {
    const packet = this.#packet;
    const version = frame.length === 0 ? 0 : (frame.bytes[frame.start] ?? 0) >>> 4;
    const isVersion = version === 4 || version === 6;
    if (!isVersion || (named !== undefined && named !== version)) {
      this.counters.drop(frame.length === 0 ? 'shortPacket' : 'badVersion');
      this.#context.frames.give(frame);
      return;
    }
    packet.netInterface = netInterface;
    if (version === 4) this.input4.receive(packet, netInterface, frame, isGroup);
    else this.input6.receive(packet, netInterface, frame, isGroup);
  }

  #refuseProtocol(packet: InPacket): void {
    this.counters.drop('unknownProtocol');
    this.#errors.send(packet.frame, packet.headerStart, packet.isGroup, noProtocol(packet.protocolAt));
  }

  /**
   * Takes a packet whose neighbour did not answer: the own transport hears of it, or the source of a packet
   * that was passed on (RFC 4861 §7.2.2). Owns the frame.
   */
  #unresolved(_netInterface: NetInterface, frame: Frame): void {
    this.counters.drop('unresolved');
    const family = frame.view.getUint8(frame.start) >>> 4 === 4 ? 4 : 6;
    const quote = readQuote(family, frame.view, frame.start, frame.end);
    if (quote !== undefined && this.isOwn(quote.source)) this.report(unreachableReport(family, quote));
    else this.#errors.send(frame, frame.start, false, NO_NEIGHBOUR);
    this.#context.frames.give(frame);
  }
}

/** Returns what ICMP would say about a packet of this host whose neighbour does not answer. */
function unreachableReport(family: 4 | 6, quote: Quote): IcmpReport {
  const { source, destination, protocol, quoted } = quote;
  const { type4, code4, type6, code6 } = NO_NEIGHBOUR;
  const [type, code] = family === 4 ? [type4, code4] : [type6, code6];
  return { kind: 'soft', type, code, mtu: undefined, source, destination, protocol, quoted };
}
