/**
 * Network address translation of IPv4 (RFC 4787, RFC 5382, RFC 5508): sessions of TCP, UDP and ICMP's echo
 * that hosts inside begin, and that end by silence. Each session has a port of its own towards its remote
 * end; the inside port is kept if it is free. The identifier of an echo is its port.
 */
import { checksumOf, fold, sumWords } from '../netstack/wire/checksum.js';
import { Address } from '../netstack/wire/address.js';
import { checkNames, checkRange, checkWord, showValue } from '../support/check-options.js';
import type { Direction } from './direction.js';
import type { Middlebox } from './ports.js';
import { nsOf } from './impairments.js';
import { NatKey, NatTable, type NatEnds } from './nat-table.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, type PacketView } from './packet-view.js';

/** Sessions of one NAT; a packet that would begin another is dropped. */
export const MOST_SESSIONS = 16_384;

/** Lifetimes: RFC 5382 REQ-5, RFC 4787 REQ-5. */
export const ESTABLISHED_MS = 7_440_000;
export const TRANSITORY_MS = 240_000;
export const UDP_MS = 120_000;
/** RFC 5508 REQ-2. */
export const ICMP_MS = 60_000;

/** ICMP (RFC 792): types of echo, their length, and the place of the identifier; types of errors. */
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ECHO_BYTES = 8;
const IDENTIFIER = 4;
const ERROR_TYPES: readonly number[] = [3, 11, 12];

/** Longest lifetime, in milliseconds: 100 days. */
const MOST_LIFE_MS = 8_640_000_000;
const LIVES = ['establishedMs', 'transitoryMs', 'udpMs', 'icmpMs'] as const;
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
  /** The same for ICMP's echo. Default: 1 min. */
  readonly icmpMs?: number;
  /**
   * A TCP packet of a session that is forgotten: it is dropped, or its sender receives a reset. Default:
   * `drop`.
   */
  readonly onExpiry?: 'drop' | 'reset';
}

class Session {
  readonly inside: NatKey<Session>;
  readonly outside: NatKey<Session>;
  lastNs = 0;
  hasInnerSyn = false;
  hasOuterSyn = false;
  hasInnerFin = false;
  hasOuterFin = false;
  isReset = false;

  constructor(inside: NatEnds, outside: NatEnds) {
    this.inside = new NatKey(inside, this);
    this.outside = new NatKey(outside, this);
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
  readonly #icmpNs: number;
  readonly #onExpiry: 'drop' | 'reset';
  /** Sessions by what their packets have inside, and by what they have outside. */
  readonly #byInside = new NatTable<Session>();
  readonly #byOutside = new NatTable<Session>();
  /** All sessions, the oldest first. */
  readonly #sessions = new Set<Session>();
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
    checkNames('a NAT', options, ['address', 'onExpiry', ...LIVES]);
    for (const name of LIVES) checkRange(`nat.${name}`, options[name], 0, MOST_LIFE_MS);
    const { onExpiry = 'drop' } = options;
    checkWord('nat.onExpiry', onExpiry, ['drop', 'reset']);
    const address = typeof options.address === 'string' ? Address.parse(options.address) : undefined;
    if (options.address !== undefined && address?.family !== 4) {
      throw new TypeError(`nat.address must be one of IPv4, not ${showValue(options.address)}`);
    }
    this.#address = address?.d;
    this.#establishedNs = nsOf(options.establishedMs ?? ESTABLISHED_MS);
    this.#transitoryNs = nsOf(options.transitoryMs ?? TRANSITORY_MS);
    this.#udpNs = nsOf(options.udpMs ?? UDP_MS);
    this.#icmpNs = nsOf(options.icmpMs ?? ICMP_MS);
    this.#onExpiry = onExpiry;
  }

  /** The address outside in text form; `undefined`: addresses stay. */
  get address(): string | undefined {
    return this.#address === undefined ? undefined : Address.ofIpv4(this.#address).toString();
  }

  /** Number of sessions, those included whose time has passed unnoticed. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Forgets all sessions, as a NAT that reboots. */
  forget(): void {
    this.#byInside.clear();
    this.#byOutside.clear();
    this.#sessions.clear();
  }

  pass(packet: PacketView, direction: Direction): 'pass' | 'drop' | 'reset' {
    if (packet.kind !== 'ipv4') return 'pass';
    const isOutbound = direction === this.#outbound;
    const isEcho = this.#address !== undefined && isEchoTo(packet, isOutbound ? ECHO_REQUEST : ECHO_REPLY);
    if (!packet.isTcp && !packet.isUdp && !isEcho) return this.#passOther(packet, isOutbound);
    const found = this.#find(packet, isOutbound);
    const session = found ?? (isOutbound ? this.#begin(packet) : undefined);
    if (session === undefined) return packet.isTcp && !packet.isSyn ? this.#onExpiry : 'drop';
    this.#note(session, packet, isOutbound);
    if (this.#address === undefined) return 'pass';
    if (isOutbound) rewrite(packet, 'source', this.#address, session.outside.port);
    else rewrite(packet, 'destination', session.inside.address, session.inside.port);
    return 'pass';
  }

  /** Returns the session of a packet; one whose time has passed is forgotten. */
  #find(packet: PacketView, isOutbound: boolean): Session | undefined {
    const { protocol, sourceWord, destinationWord } = packet;
    const innerPort = portOf(packet, isOutbound);
    const remotePort = isOutbound ? packet.destinationPort : packet.sourcePort;
    const session = isOutbound
      ? this.#byInside.find(protocol, sourceWord, innerPort, destinationWord, remotePort)
      : this.#byOutside.find(protocol, destinationWord, innerPort, sourceWord, remotePort);
    if (session === undefined || !this.#isOver(session)) return session;
    this.expired += 1;
    this.#remove(session);
    return undefined;
  }

  #isOver(session: Session): boolean {
    return this.#outbound.nowNs - session.lastNs >= this.#lifeNs(session);
  }

  #lifeNs(session: Session): number {
    const { protocol } = session.inside;
    if (protocol === PROTOCOL_UDP) return this.#udpNs;
    if (protocol === PROTOCOL_ICMP) return this.#icmpNs;
    return session.isEstablished ? this.#establishedNs : this.#transitoryNs;
  }

  #begin(packet: PacketView): Session | undefined {
    if (packet.isTcp && (!packet.isSyn || packet.isAck)) return undefined;
    if (this.#sessions.size >= MOST_SESSIONS) this.#removeOver();
    if (this.#sessions.size >= MOST_SESSIONS) return undefined;
    const { protocol, sourceWord: address, destinationWord: remoteAddress } = packet;
    const { destinationPort: remotePort } = packet;
    const inside = { protocol, address, port: portOf(packet, true), remoteAddress, remotePort };
    const port = this.#freePort(inside);
    if (port === undefined) return undefined;
    const session = new Session(inside, { ...inside, address: this.#address ?? address, port });
    this.#byInside.add(session.inside);
    this.#byOutside.add(session.outside);
    this.#sessions.add(session);
    return session;
  }

  /** Returns the inside port if it is free towards the remote end, else the next one that is. */
  #freePort({ protocol, address, port, remoteAddress, remotePort }: NatEnds): number | undefined {
    const outside = this.#address ?? address;
    const isFree = (wanted: number): boolean =>
      this.#byOutside.find(protocol, outside, wanted, remoteAddress, remotePort) === undefined;
    if (this.#address === undefined || isFree(port)) return port;
    for (let count = FIRST_PORT; count <= LAST_PORT; count += 1) {
      this.#nextPort = this.#nextPort >= LAST_PORT ? FIRST_PORT : this.#nextPort + 1;
      if (isFree(this.#nextPort)) return this.#nextPort;
    }
    return undefined;
  }

  #removeOver(): void {
    for (const session of this.#sessions) {
      if (!this.#isOver(session)) continue;
      this.expired += 1;
      this.#remove(session);
    }
  }

  #remove(session: Session): void {
    this.#byInside.remove(session.inside);
    this.#byOutside.remove(session.outside);
    this.#sessions.delete(session);
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
    const transport = quoted + (view.getUint8(quoted) & 15) * 4;
    if (transport + 8 > packet.end || !ERROR_TYPES.includes(view.getUint8(icmp))) return 'drop';
    const protocol = view.getUint8(quoted + 9);
    const isEcho = protocol === PROTOCOL_ICMP;
    const portAt = transport + (isEcho ? IDENTIFIER : 0);
    const session = this.#byOutside.find(
      protocol,
      view.getInt32(quoted + 12),
      view.getUint16(portAt),
      view.getInt32(quoted + 16),
      isEcho ? 0 : view.getUint16(transport + 2),
    );
    if (session === undefined) return 'drop';
    const { address, port } = session.inside;
    if (isEcho) correct(view, transport + 2, view.getUint16(portAt), port);
    view.setInt32(quoted + 12, address);
    view.setUint16(portAt, port);
    setIpv4Checksum(view, quoted);
    view.setInt32(packet.ipStart + 16, address);
    setIpv4Checksum(view, packet.ipStart);
    view.setUint16(icmp + 2, 0);
    view.setUint16(icmp + 2, checksumOf(sumWords(view, icmp, packet.end)));
    return 'pass';
  }
}

/** Returns true for a whole echo of ICMP of the type. */
function isEchoTo(packet: PacketView, type: number): boolean {
  const { protocol, isLaterFragment, transportStart, end, frame } = packet;
  if (protocol !== PROTOCOL_ICMP || isLaterFragment || end - transportStart < ECHO_BYTES) return false;
  return frame.view.getUint8(transportStart) === type;
}

/** Returns the port of the end inside, or outside at the NAT; the identifier of an echo. */
function portOf(packet: PacketView, isOutbound: boolean): number {
  if (packet.protocol === PROTOCOL_ICMP)
    return packet.frame.view.getUint16(packet.transportStart + IDENTIFIER);
  return isOutbound ? packet.sourcePort : packet.destinationPort;
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
  const isEcho = packet.protocol === PROTOCOL_ICMP;
  const portAt = packet.transportStart + (isEcho ? IDENTIFIER : end === 'source' ? 0 : 2);
  const before = view.getUint16(addressAt) + view.getUint16(addressAt + 2);
  const portBefore = view.getUint16(portAt);
  view.setInt32(addressAt, address);
  view.setUint16(portAt, port);
  const after = view.getUint16(addressAt) + view.getUint16(addressAt + 2);
  correct(view, ip + 10, before, after);
  if (isEcho) {
    // ICMP's checksum does not cover the addresses.
    correct(view, packet.transportStart + 2, portBefore, port);
    return;
  }
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
