/**
 * Neighbour discovery of one interface (RFC 4861 §7): asks for the link addresses of neighbours, answers
 * for this host's, and tells duplicate address detection what it hears (RFC 4862 §5.4).
 */
import type { Frame } from '../frame.js';
import { type Address, ANY_IPV6 } from '../wire/address.js';
import { EtherType } from '../wire/ethernet.js';
import { Icmp6, PROTOCOL_ICMPV6, pseudoSum6, writeIcmpChecksum } from '../wire/icmp.js';
import { readAddress, writeAddress } from '../wire/ipv6.js';
import { findMac, NdOption, type NdOptionView, readNdOptions, writeMacOption } from '../wire/ndp.js';
import type { IpContext } from './context.js';
import type { EthernetLink, Unresolved } from './ethernet-link.js';
import type { InPacket } from './in-packet.js';
import { sumOfAddress } from './ip-path.js';
import { type Neighbour, type NeighbourProtocol, NeighbourState, NeighbourTable } from './neighbour-table.js';
import { ALL_NODES6, type NetInterface, solicitedNode } from './net-interface.js';

/** Hop limit that shows that no router has passed a message on (RFC 4861 §3.1). */
export const ND_HOP_LIMIT = 255;
/** Milliseconds for which a confirmed neighbour is good: REACHABLE_TIME (RFC 4861 §10). */
export const REACHABLE_MS = 30_000;
/** Requests to the group: MAX_MULTICAST_SOLICIT (RFC 4861 §10). */
const MOST_MULTICAST_SOLICITS = 3;

/** Bytes of a solicitation or advertisement in front of its options. */
const MESSAGE_BYTES = 24;
const MAC_OPTION_BYTES = 8;
/** Flags of an advertisement (RFC 4861 §4.4). */
const ROUTER = 0x8000_0000 | 0;
const SOLICITED = 0x4000_0000;
const OVERRIDE = 0x2000_0000;

interface NdMessage {
  readonly type: number;
  readonly source: Address;
  readonly destination: Address;
  readonly target: Address;
  /** Flags of an advertisement; 0 in a solicitation. */
  readonly flags: number;
  /** True: it carries this host's link address. */
  readonly hasMac: boolean;
}

export class Nd implements NeighbourProtocol {
  readonly table: NeighbourTable;
  /** Called with an address that another host uses, or wants to use. */
  onConflict: ((address: Address) => void) | undefined;
  /** True: advertisements say that this host passes packets on. */
  isRouter = false;
  readonly #context: IpContext;
  readonly #netInterface: NetInterface;
  readonly #link: EthernetLink;
  readonly #unresolved: Unresolved;

  constructor(context: IpContext, netInterface: NetInterface, link: EthernetLink, unresolved: Unresolved) {
    const { neighbours: most, queuedPackets } = context.profile.nd;
    this.#context = context;
    this.#netInterface = netInterface;
    this.#link = link;
    this.#unresolved = unresolved;
    const requests = MOST_MULTICAST_SOLICITS;
    const rules = { most, queuedPackets, lifeMs: REACHABLE_MS, requests, refreshMs: undefined };
    this.table = new NeighbourTable(context, rules, this);
  }

  /** Reads a solicitation or advertisement whose checksum is right. */
  receive(packet: InPacket): void {
    const { view, bytes } = packet.frame;
    const { start, end } = packet;
    const isLong = end - start >= MESSAGE_BYTES;
    const options = isLong ? readNdOptions(bytes, start + MESSAGE_BYTES, end) : undefined;
    const isValid = packet.hopLimit === ND_HOP_LIMIT && view.getUint8(start + 1) === 0;
    if (options === undefined || !isValid) {
      this.#drop();
      return;
    }
    const target = readAddress(view, start + 8);
    if (target.isMulticast()) this.#drop();
    else if (view.getUint8(start) === Icmp6.NEIGHBOUR_SOLICITATION) this.#solicited(packet, target, options);
    else this.#advertised(packet, target, options);
  }

  solicit(neighbour: Neighbour, isUnicast: boolean): void {
    const target = neighbour.address;
    const source = this.#sourceFor(target);
    if (source === undefined) return;
    const destination = isUnicast ? target : solicitedNode(target);
    const message = {
      type: Icmp6.NEIGHBOUR_SOLICITATION,
      source,
      destination,
      target,
      flags: 0,
      hasMac: true,
    };
    if (isUnicast) this.#sendTo(neighbour, message);
    else this.#sendToGroup(message);
  }

  /** Asks if another host uses an address (RFC 4862 §5.4.2). */
  probe(target: Address): void {
    this.#sendToGroup({
      type: Icmp6.NEIGHBOUR_SOLICITATION,
      source: ANY_IPV6,
      destination: solicitedNode(target),
      target,
      flags: 0,
      hasMac: false,
    });
  }

  transmitTo(neighbour: Neighbour, frame: Frame): void {
    this.#link.transmitTo(neighbour, frame);
  }

  unresolved(frame: Frame): void {
    this.#unresolved(this.#netInterface, frame);
  }

  #drop(): void {
    this.#context.counters.drop('badNeighbourMessage');
  }

  #conflict(address: Address): void {
    this.#context.counters.addressConflicts += 1;
    this.onConflict?.(address);
  }

  #solicited(packet: InPacket, target: Address, options: readonly NdOptionView[]): void {
    const source = packet.source();
    const isProbe = source.isUnspecified();
    const mac = findMac(packet.frame.view, options, NdOption.SOURCE_MAC);
    // A probe has no link address, and goes to the group (RFC 4861 §7.1.1).
    if (isProbe && (mac !== undefined || !packet.isGroup)) {
      this.#drop();
      return;
    }
    if (this.#netInterface.isTentative(target)) {
      if (isProbe) this.#conflict(target);
      return;
    }
    if (!this.#netInterface.has(target)) return;
    if (isProbe) {
      this.#advertise(target, ALL_NODES6, 0, undefined);
      return;
    }
    const known = mac === undefined ? this.table.find(source) : this.table.entryOf(source);
    if (known !== undefined && mac !== undefined) this.table.learn(known, mac, false);
    this.#advertise(target, source, SOLICITED, known);
  }

  #advertise(target: Address, destination: Address, solicited: number, to: Neighbour | undefined): void {
    const flags = solicited | OVERRIDE | (this.isRouter ? ROUTER : 0);
    const type = Icmp6.NEIGHBOUR_ADVERTISEMENT;
    const message = { type, source: target, destination, target, flags, hasMac: true };
    if (solicited === 0) this.#sendToGroup(message);
    else this.#sendTo(to ?? this.table.entryOf(destination), message);
  }

  /** RFC 4861 §7.2.5. */
  #advertised(packet: InPacket, target: Address, options: readonly NdOptionView[]): void {
    const flags = packet.frame.view.getInt32(packet.start + 4);
    const isSolicited = (flags & SOLICITED) !== 0;
    if (isSolicited && packet.isGroup) {
      this.#drop();
      return;
    }
    if (this.#netInterface.isTentative(target) || this.#netInterface.has(target)) {
      this.#conflict(target);
      return;
    }
    const neighbour = this.table.find(target);
    if (neighbour === undefined) return;
    const mac = findMac(packet.frame.view, options, NdOption.TARGET_MAC);
    const isOther = mac !== undefined && !mac.equals(neighbour.mac);
    neighbour.isRouter = flags < 0;
    if (neighbour.state === NeighbourState.INCOMPLETE) {
      if (mac !== undefined) this.table.learn(neighbour, mac, isSolicited);
    } else if (isOther && (flags & OVERRIDE) === 0) {
      this.table.doubt(neighbour);
    } else if (isSolicited || isOther) {
      this.table.learn(neighbour, mac ?? neighbour.mac, isSolicited);
    }
  }

  /** Returns an own address that the target can answer to: of its prefix, else the link-local one. */
  #sourceFor(target: Address): Address | undefined {
    const { addresses } = this.#netInterface;
    const near = addresses.find((prefix) => prefix.family === 6 && prefix.contains(target))?.address;
    return near ?? this.#netInterface.linkLocal() ?? addresses.find(({ family }) => family === 6)?.address;
  }

  #sendToGroup(message: NdMessage): void {
    const { source, destination } = message;
    const packet = { source, destination, protocol: PROTOCOL_ICMPV6, hopLimit: ND_HOP_LIMIT };
    this.#context.output.sendOnLink(this.#netInterface, this.#write(message), packet);
  }

  #sendTo(neighbour: Neighbour, message: NdMessage): void {
    const frame = this.#write(message);
    const { source, destination } = message;
    const packet = { source, destination, protocol: PROTOCOL_ICMPV6, hopLimit: ND_HOP_LIMIT };
    this.#context.output.writeLinkPacket(frame, packet);
    // A probe must not wait for the neighbour that it asks about.
    if (neighbour.state === NeighbourState.INCOMPLETE) this.table.send(neighbour, frame);
    else this.#link.transmit(frame, neighbour.mac, EtherType.IPV6);
  }

  #write({ type, source, destination, target, flags, hasMac }: NdMessage): Frame {
    const bytes = MESSAGE_BYTES + (hasMac ? MAC_OPTION_BYTES : 0);
    const frame = this.#context.frames.take(bytes);
    const { view, start } = frame;
    frame.end = start + bytes;
    view.setInt32(start, type << 24);
    view.setInt32(start + 4, flags);
    writeAddress(view, start + 8, target);
    const kind = type === Icmp6.NEIGHBOUR_SOLICITATION ? NdOption.SOURCE_MAC : NdOption.TARGET_MAC;
    if (hasMac) writeMacOption(view, start + MESSAGE_BYTES, kind, this.#link.mac);
    const sum = pseudoSum6(sumOfAddress(source) + sumOfAddress(destination), bytes);
    writeIcmpChecksum(view, start, frame.end, sum);
    return frame;
  }
}
