/**
 * Network address translation of IPv4 (RFC 4787, RFC 5382): sessions of TCP and UDP that hosts inside
 * begin, and that end by silence. Each session has a port of its own towards its remote end; the inside
 * port is kept if it is free.
 */
import { checksumOf, fold, sumWords } from '../netstack/wire/checksum.js';
import { Address } from '../netstack/wire/address.js';
import type { Direction, Middlebox } from './direction.js';
import { checkRange, nsOf } from './impairments.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, type PacketView } from './packet-view.js';

/** Sessions of one NAT; a packet that would begin another is dropped. */
export const MOST_SESSIONS = 16_384;

/** Lifetimes (RFC 5382 REQ-5, RFC 4787 REQ-5). */
export const ESTABLISHED_MS = 7_440_000;
export const TRANSITORY_MS = 240_000;
export const UDP_MS = 120_000;

/** Longest lifetime, in milliseconds: 100 days. */
const MOST_LIFE_MS = 8_640_000_000;
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;

export interface NatOptions {
  /** IPv4 address outside. Default: addresses and ports stay, and sessions are only watched. */
  readonly address?: string;
  /** Silence after which an established TCP session is forgotten, in milliseconds. Default: 2 h 4 min. */
  readonly establishedMs?: number;
  /** The same for a session that is not established yet, or closed. Default: 4 min. */
  readonly transitoryMs?: number;
  /** The same for UDP. Default: 2 min. */
  readonly udpMs?: number;
  /**
   * A TCP packet of a session that is forgotten: it is dropped, or its sender receives a reset. Default:
   * `drop`.
   */
  readonly onExpiry?: 'drop' | 'reset';
}

class Session {
  readonly protocol: number;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly outsidePort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  lastNs = 0;
  hasInnerSyn = false;
  hasOuterSyn = false;
  hasInnerFin = false;
  hasOuterFin = false;
  isReset = false;

  constructor(
    protocol: number,
    inside: readonly [address: number, port: number],
    outsidePort: number,
    remote: readonly [address: number, port: number],
  ) {
    this.protocol = protocol;
    [this.insideAddress, this.insidePort] = inside;
    this.outsidePort = outsidePort;
    [this.remoteAddress, this.remotePort] = remote;
  }

  get isEstablished(): boolean {
    return this.hasInnerSyn && this.hasOuterSyn && !(this.hasInnerFin && this.hasOuterFin) && !this.isReset;
  }
}

export class Nat implements Middlebox {
  readonly #outbound: Direction;
  readonly #address: number | undefined;
  readonly #establishedNs: number;
  readonly #transitoryNs: number;
  readonly #udpNs: number;
  readonly #onExpiry: 'drop' | 'reset';
  /** Sessions by what their packets have inside, and by what they have outside. */
  readonly #byInside = new Map<string, Session>();
  readonly #byOutside = new Map<string, Session>();
  #nextPort = FIRST_PORT;
  /** Sessions that ended by silence. */
  expired = 0;

  /**
   * @param outbound the direction from inside to outside.
   * @throws TypeError if the address is none of IPv4; RangeError for a lifetime out of range, or an unknown
   *   `onExpiry`.
   */
  constructor(options: NatOptions, outbound: Direction) {
    this.#outbound = outbound;
    for (const name of ['establishedMs', 'transitoryMs', 'udpMs'] as const) {
      checkRange(`nat.${name}`, options[name], 0, MOST_LIFE_MS);
    }
    const { onExpiry = 'drop' } = options;
    if (!['drop', 'reset'].includes(onExpiry)) {
      throw new RangeError(`nat.onExpiry must be drop or reset, not ${onExpiry}`);
    }
    const address = options.address === undefined ? undefined : Address.parse(options.address);
    if (options.address !== undefined && address?.family !== 4) {
      throw new TypeError(`the address of a NAT is one of IPv4, not ${options.address}`);
    }
    this.#address = address?.d;
    this.#establishedNs = nsOf(options.establishedMs ?? ESTABLISHED_MS);
    this.#transitoryNs = nsOf(options.transitoryMs ?? TRANSITORY_MS);
    this.#udpNs = nsOf(options.udpMs ?? UDP_MS);
    this.#onExpiry = onExpiry;
  }

  /** The address outside in text form; `undefined`: addresses stay. */
  get address(): string | undefined {
    return this.#address === undefined ? undefined : Address.ofIpv4(this.#address).toString();
  }

  /** Number of sessions, those included whose time has passed unnoticed. */
  get sessions(): number {
    return this.#byInside.size;
  }

  /** Forgets all sessions, as a NAT that reboots. */
  forget(): void {
    this.#byInside.clear();
    this.#byOutside.clear();
  }

  pass(packet: PacketView, direction: Direction): 'pass' | 'drop' | 'reset' {
    if (packet.kind !== 'ipv4') return 'pass';
    const isOutbound = direction === this.#outbound;
    if (!packet.isTcp && !packet.isUdp) return this.#passOther(packet, isOutbound);
    const found = this.#find(packet, isOutbound);
    const session = found ?? (isOutbound ? this.#begin(packet) : undefined);
    if (session === undefined) return packet.isTcp && !packet.isSyn ? this.#onExpiry : 'drop';
    this.#note(session, packet, isOutbound);
    if (this.#address === undefined) return 'pass';
    if (isOutbound) rewrite(packet, 'source', this.#address, session.outsidePort);
    else rewrite(packet, 'destination', session.insideAddress, session.insidePort);
    return 'pass';
  }

  /** Returns the session of a packet; a SYN from inside begins a new one if the old one is closed. */
  #find(packet: PacketView, isOutbound: boolean): Session | undefined {
    const key = keyOf(packet);
    const session = (isOutbound ? this.#byInside : this.#byOutside).get(key);
    if (session === undefined || !this.#isOver(session)) return session;
    this.expired += 1;
    this.#remove(session);
    return undefined;
  }

  #isOver(session: Session): boolean {
    return this.#outbound.nowNs - session.lastNs >= this.#lifeNs(session);
  }

  #lifeNs(session: Session): number {
    if (session.protocol !== PROTOCOL_TCP) return this.#udpNs;
    return session.isEstablished ? this.#establishedNs : this.#transitoryNs;
  }

  #begin(packet: PacketView): Session | undefined {
    if (packet.isTcp && (!packet.isSyn || packet.isAck)) return undefined;
    if (this.#byInside.size >= MOST_SESSIONS) this.#removeOver();
    if (this.#byInside.size >= MOST_SESSIONS) return undefined;
    const outsidePort = this.#freePort(packet);
    if (outsidePort === undefined) return undefined;
    const session = new Session(packet.protocol, [packet.sourceWord, packet.sourcePort], outsidePort, [
      packet.destinationWord,
      packet.destinationPort,
    ]);
    this.#byInside.set(insideKey(session), session);
    this.#byOutside.set(this.#outsideKey(session), session);
    return session;
  }

  /** Returns the inside port if it is free towards the remote end, else the next one that is. */
  #freePort(packet: PacketView): number | undefined {
    const { protocol, destinationWord, destinationPort } = packet;
    const isFree = (port: number): boolean =>
      !this.#byOutside.has(
        showKey(protocol, destinationWord, destinationPort, this.#address ?? packet.sourceWord, port),
      );
    if (this.#address === undefined || isFree(packet.sourcePort)) return packet.sourcePort;
    for (let count = FIRST_PORT; count <= LAST_PORT; count += 1) {
      this.#nextPort = this.#nextPort >= LAST_PORT ? FIRST_PORT : this.#nextPort + 1;
      if (isFree(this.#nextPort)) return this.#nextPort;
    }
    return undefined;
  }

  #removeOver(): void {
    for (const session of this.#byInside.values()) {
      if (!this.#isOver(session)) continue;
      this.expired += 1;
      this.#remove(session);
    }
  }

  #remove(session: Session): void {
    this.#byInside.delete(insideKey(session));
    this.#byOutside.delete(this.#outsideKey(session));
  }

  #outsideKey({ protocol, remoteAddress, remotePort, insideAddress, outsidePort }: Session): string {
    return showKey(protocol, remoteAddress, remotePort, this.#address ?? insideAddress, outsidePort);
  }

  /** Notes what the packet says about the state of its session. */
  #note(session: Session, packet: PacketView, isOutbound: boolean): void {
    session.lastNs = this.#outbound.nowNs;
    if (packet.isReset) session.isReset = true;
    if (packet.isSyn) {
      if (isOutbound && !packet.isAck) {
        session.isReset = session.hasInnerFin = session.hasOuterFin = session.hasOuterSyn = false;
      }
      if (isOutbound) session.hasInnerSyn = true;
      else session.hasOuterSyn = true;
    }
    if (!packet.isFin) return;
    if (isOutbound) session.hasInnerFin = true;
    else session.hasOuterFin = true;
  }

  /** Errors of ICMP about a session pass, with the addresses that the inside knows (RFC 5508 §4.2). */
  #passOther(packet: PacketView, isOutbound: boolean): 'pass' | 'drop' {
    if (this.#address === undefined) return 'pass';
    if (isOutbound || packet.protocol !== PROTOCOL_ICMP) return 'drop';
    const { view } = packet.frame;
    const icmp = packet.transportStart;
    const quoted = icmp + 8;
    if (packet.end - quoted < 28) return 'drop';
    const ports = quoted + (view.getUint8(quoted) & 15) * 4;
    if (ports + 8 > packet.end || ![3, 11, 12].includes(view.getUint8(icmp))) return 'drop';
    const session = this.#byOutside.get(
      showKey(
        view.getUint8(quoted + 9),
        view.getInt32(quoted + 16),
        view.getUint16(ports + 2),
        view.getInt32(quoted + 12),
        view.getUint16(ports),
      ),
    );
    if (session === undefined) return 'drop';
    view.setInt32(quoted + 12, session.insideAddress);
    view.setUint16(ports, session.insidePort);
    setIpv4Checksum(view, quoted);
    view.setInt32(packet.ipStart + 16, session.insideAddress);
    setIpv4Checksum(view, packet.ipStart);
    view.setUint16(icmp + 2, 0);
    view.setUint16(icmp + 2, checksumOf(sumWords(view, icmp, packet.end)));
    return 'pass';
  }
}

function showKey(protocol: number, addressA: number, portA: number, addressB: number, portB: number): string {
  return `${protocol} ${addressA} ${portA} ${addressB} ${portB}`;
}

function insideKey({ protocol, insideAddress, insidePort, remoteAddress, remotePort }: Session): string {
  return showKey(protocol, insideAddress, insidePort, remoteAddress, remotePort);
}

/** Returns the key of a packet, which is the inside key from inside, and the outside key from outside. */
function keyOf(packet: PacketView): string {
  const { protocol, sourceWord, sourcePort, destinationWord, destinationPort } = packet;
  return showKey(protocol, sourceWord, sourcePort, destinationWord, destinationPort);
}

function setIpv4Checksum(view: DataView, ip: number): void {
  view.setUint16(ip + 10, 0);
  view.setUint16(ip + 10, checksumOf(sumWords(view, ip, ip + (view.getUint8(ip) & 15) * 4)));
}

/** Writes another address and port into a packet, and corrects its checksums by the difference (RFC 1624). */
function rewrite(packet: PacketView, end: 'source' | 'destination', address: number, port: number): void {
  const { view } = packet.frame;
  const ip = packet.ipStart;
  const addressAt = ip + (end === 'source' ? 12 : 16);
  const portAt = packet.transportStart + (end === 'source' ? 0 : 2);
  const before = view.getUint16(addressAt) + view.getUint16(addressAt + 2);
  const portBefore = view.getUint16(portAt);
  view.setInt32(addressAt, address);
  view.setUint16(portAt, port);
  const after = view.getUint16(addressAt) + view.getUint16(addressAt + 2);
  correct(view, ip + 10, before, after);
  const checksumAt = packet.transportStart + (packet.protocol === PROTOCOL_TCP ? 16 : 6);
  // A UDP packet without a checksum stays so.
  if (packet.protocol !== PROTOCOL_TCP && view.getUint16(checksumAt) === 0) return;
  correct(view, checksumAt, before + portBefore, after + port);
}

/** Corrects a checksum: words whose sum was `before` have the sum `after` now (RFC 1624 §3, equation 3). */
function correct(view: DataView, at: number, before: number, after: number): void {
  // Each word that was is subtracted by adding its complement; 0x3fffc is a multiple of 0xffff above three
  // words.
  const sum = (~view.getUint16(at) & 0xffff) + (0x3_fffc - before) + after;
  view.setUint16(at, ~fold(sum) & 0xffff);
}
