/**
 * ARP of one interface (RFC 826): asks for the link addresses of neighbours, answers for this host's,
 * announces and defends them (RFC 5227).
 */
import { Timer } from '../../support/timers.js';
import type { Frame } from '../frame.js';
import { Address } from '../wire/address.js';
import { ARP_BYTES, ArpOperation, type ArpMessage, readArp, writeArp } from '../wire/arp.js';
import { BROADCAST_MAC, EtherType, type MacAddress, ZERO_MAC } from '../wire/ethernet.js';
import type { IpContext } from './context.js';
import type { EthernetLink, Unresolved } from './ethernet-link.js';
import { type Neighbour, type NeighbourProtocol, NeighbourTable, RETRANSMIT_MS } from './neighbour-table.js';
import type { NetInterface } from './net-interface.js';

/** Milliseconds between two defences of one address: DEFEND_INTERVAL (RFC 5227 §1.1). */
export const DEFEND_INTERVAL_MS = 10_000;

export class Arp implements NeighbourProtocol {
  readonly table: NeighbourTable;
  /** Called with an address that another host uses, or wants to use. */
  onConflict: ((address: Address) => void) | undefined;
  readonly #context: IpContext;
  readonly #netInterface: NetInterface;
  readonly #link: EthernetLink;
  readonly #unresolved: Unresolved;
  #defendedAtMs = Number.NEGATIVE_INFINITY;
  readonly #announceTimer = new Timer({
    due: () => {
      this.announceAll();
    },
  });

  constructor(context: IpContext, netInterface: NetInterface, link: EthernetLink, unresolved: Unresolved) {
    const { arp } = context.profile;
    this.#context = context;
    this.#netInterface = netInterface;
    this.#link = link;
    this.#unresolved = unresolved;
    const requests = Math.max(1, Math.floor(arp.pendingMs / RETRANSMIT_MS));
    const { entries: most, queuedPackets, lifeMs, refreshMs } = arp;
    this.table = new NeighbourTable(context, { most, queuedPackets, lifeMs, requests, refreshMs }, this);
  }

  /** Reads the message in a frame, which stays the caller's. */
  receive(frame: Frame): void {
    const message = readArp(frame.view, frame.start, frame.end);
    if (message === undefined || message.senderMac.isGroup) {
      this.#context.counters.drop('badArp');
      return;
    }
    const sender = Address.ofIpv4(message.sender);
    const target = Address.ofIpv4(message.target);
    if (this.#conflicts(sender, target)) return;
    const isRequest = message.operation === ArpOperation.REQUEST;
    const isForHere = this.#netInterface.has(target);
    const isHost = isHostWord(message.sender) && !this.#netInterface.isBroadcastWord(message.sender);
    if (isHost) this.#learn(sender, message, isForHere && isRequest);
    else if (message.sender !== 0) this.#context.counters.drop('badArp');
    if (isRequest && isForHere && (isHost || message.sender === 0)) this.#reply(message);
  }

  /** Sends an announcement of each address, and the next one when the profile wants it. */
  announceAll(): void {
    const { gratuitousMs } = this.#context.profile.arp;
    let announced = false;
    for (const { address, family } of this.#netInterface.addresses) {
      if (family !== 4) continue;
      this.announce(address);
      announced = true;
    }
    if (announced && gratuitousMs !== undefined) {
      this.#context.timers.arm(this.#announceTimer, this.#context.clock.nowMs() + gratuitousMs);
    }
  }

  /** Says that this host uses an address (RFC 5227 §2.3). */
  announce(address: Address): void {
    this.#request(address.d, address.d, BROADCAST_MAC);
  }

  /** Asks if another host uses an address (RFC 5227 §2.1.1). */
  probe(address: Address): void {
    this.#request(0, address.d, BROADCAST_MAC);
  }

  solicit(neighbour: Neighbour, isUnicast: boolean): void {
    const { addresses } = this.#netInterface;
    const own =
      addresses.find((prefix) => prefix.family === 4 && prefix.contains(neighbour.address)) ??
      addresses.find(({ family }) => family === 4);
    if (own === undefined) return;
    this.#request(own.address.d, neighbour.address.d, isUnicast ? neighbour.mac : BROADCAST_MAC);
  }

  transmitTo(neighbour: Neighbour, frame: Frame): void {
    this.#link.transmitTo(neighbour, frame);
  }

  unresolved(frame: Frame): void {
    this.#unresolved(this.#netInterface, frame);
  }

  /** Returns true if the message is about an address that this host has or wants, from another host. */
  #conflicts(sender: Address, target: Address): boolean {
    const probed = sender.d === 0 ? target : sender;
    if (this.#netInterface.isTentative(probed)) {
      this.#context.counters.addressConflicts += 1;
      this.onConflict?.(probed);
      return true;
    }
    if (!this.#netInterface.has(sender)) return false;
    this.#context.counters.addressConflicts += 1;
    const nowMs = this.#context.clock.nowMs();
    // Two hosts that both defend at once would not stop (RFC 5227 §2.4).
    if (nowMs < this.#defendedAtMs + DEFEND_INTERVAL_MS) return true;
    this.#defendedAtMs = nowMs;
    this.announce(sender);
    return true;
  }

  /** Makes an entry only for a host that asks for this one: other messages cost no room. */
  #learn(sender: Address, { senderMac, operation }: ArpMessage, makesEntry: boolean): void {
    const known = makesEntry ? this.table.entryOf(sender) : this.table.find(sender);
    if (known !== undefined) this.table.learn(known, senderMac, operation === ArpOperation.REPLY);
  }

  #reply({ sender, senderMac, target }: ArpMessage): void {
    const message = {
      operation: ArpOperation.REPLY,
      senderMac: this.#link.mac,
      sender: target,
      targetMac: senderMac,
      target: sender,
    };
    this.#send(message, senderMac);
  }

  #request(sender: number, target: number, to: MacAddress): void {
    const { mac } = this.#link;
    this.#send({ operation: ArpOperation.REQUEST, senderMac: mac, sender, targetMac: ZERO_MAC, target }, to);
  }

  #send(message: ArpMessage, to: MacAddress): void {
    const frame = this.#context.frames.take(ARP_BYTES);
    frame.end = frame.start + ARP_BYTES;
    writeArp(frame.view, frame.start, message);
    this.#link.transmit(frame, to, EtherType.ARP);
  }
}

/** Returns true if the word may be the address of one host. */
function isHostWord(word: number): boolean {
  const net = word >>> 24;
  return net !== 0 && net !== 127 && net < 224;
}
