/**
 * Sends ICMP errors (RFC 1122 §3.2.2, RFC 1812 §4.3.2, RFC 4443 §2.4): seldom more than a limit, and never
 * about errors, groups, later fragments or sources that are not one host.
 */
import type { Frame } from '../frame.js';
import { Address } from '../wire/address.js';
import {
  ICMP_HEADER_BYTES,
  Icmp4,
  Icmp6,
  isIcmpError,
  Problem6,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  pseudoSum6,
  TimeExceeded,
  Unreachable4,
  Unreachable6,
  writeIcmpChecksum,
} from '../wire/icmp.js';
import { headerBytes4, IPV4_HEADER_BYTES, OFFSET_MASK } from '../wire/ipv4.js';
import { findUpper6, IPV6_HEADER_BYTES, readAddress } from '../wire/ipv6.js';
import type { IpContext } from './context.js';

/** Errors in a second, and at once, as Linux has them (icmp_msgs_per_sec, icmp_msgs_burst). */
export const ERRORS_PER_SECOND = 1000;
export const ERROR_BURST = 50;

/** Bytes of the longest error (RFC 1812 §4.3.2.3, RFC 4443 §2.4(c)). */
const MOST_BYTES4 = 576;
const MOST_BYTES6 = 1280;

/** An error, in the numbers of both families. */
export interface IcmpError {
  readonly type4: number;
  readonly code4: number;
  readonly type6: number;
  readonly code6: number;
  /** Word behind the checksum: an MTU, or a pointer. */
  readonly word?: number;
  /** True: it is sent about packets to groups as well (RFC 4443 §2.4(e.3)). */
  readonly alsoToGroup?: boolean;
}

const UNREACHABLE = { type4: Icmp4.UNREACHABLE, type6: Icmp6.UNREACHABLE } as const;
const EXCEEDED = { type4: Icmp4.TIME_EXCEEDED, type6: Icmp6.TIME_EXCEEDED } as const;

export const NO_ROUTE: IcmpError = {
  ...UNREACHABLE,
  code4: Unreachable4.NETWORK,
  code6: Unreachable6.NO_ROUTE,
};
export const NO_NEIGHBOUR: IcmpError = {
  ...UNREACHABLE,
  code4: Unreachable4.HOST,
  code6: Unreachable6.ADDRESS,
};
export const NO_PORT: IcmpError = { ...UNREACHABLE, code4: Unreachable4.PORT, code6: Unreachable6.PORT };
export const HOPS_USED_UP: IcmpError = {
  ...EXCEEDED,
  code4: TimeExceeded.HOP_LIMIT,
  code6: TimeExceeded.HOP_LIMIT,
};
export const FRAGMENTS_LATE: IcmpError = {
  ...EXCEEDED,
  code4: TimeExceeded.REASSEMBLY,
  code6: TimeExceeded.REASSEMBLY,
};

/** @param at offset of the field that holds the unknown protocol's number, in IPv6. */
export function noProtocol(at: number): IcmpError {
  const { type4 } = UNREACHABLE;
  const problem = { type6: Icmp6.PARAMETER_PROBLEM, code6: Problem6.NEXT_HEADER, word: at };
  return { type4, code4: Unreachable4.PROTOCOL, ...problem };
}

/** @param at offset of the bad byte in the packet. */
export function parameterProblem6(code6: number, at: number, alsoToGroup = false): IcmpError {
  return {
    type4: Icmp4.PARAMETER_PROBLEM,
    code4: 0,
    type6: Icmp6.PARAMETER_PROBLEM,
    code6,
    word: at,
    alsoToGroup,
  };
}

export function packetTooBig(mtu: number): IcmpError {
  const { type4 } = UNREACHABLE;
  return { type4, code4: Unreachable4.TOO_BIG, type6: Icmp6.TOO_BIG, code6: 0, word: mtu, alsoToGroup: true };
}

export class IcmpErrors {
  readonly #context: IpContext;
  #tokens = ERROR_BURST;
  #filledAtMs: number;

  constructor(context: IpContext) {
    this.#context = context;
    this.#filledAtMs = context.clock.nowMs();
  }

  /**
   * Sends an error about the packet in a frame, which stays the caller's, to its source.
   * @param isGroup true if the packet came to a group, of the link or of IP.
   */
  send(frame: Frame, start: number, isGroup: boolean, error: IcmpError): void {
    const isIpv4 = frame.view.getUint8(start) >>> 4 === 4;
    const admitted = isIpv4 ? isAdmitted4(frame, start, isGroup) : isAdmitted6(frame, start, isGroup, error);
    if (!admitted) return;
    if (!this.#takeToken()) {
      this.#context.counters.drop('icmpRateLimit');
      return;
    }
    const source = isIpv4
      ? Address.ofIpv4(frame.view.getInt32(start + 12))
      : readAddress(frame.view, start + 8);
    const destination = isIpv4
      ? Address.ofIpv4(frame.view.getInt32(start + 16))
      : readAddress(frame.view, start + 24);
    this.#send(frame, start, source, destination, error);
  }

  #send(about: Frame, start: number, to: Address, asked: Address, error: IcmpError): void {
    const { routing, frames, output } = this.#context;
    const path = routing.pathTo(to, routing.isOwn(asked) ? asked : undefined);
    if (path === undefined) return;
    const isIpv4 = path.headerBytes === IPV4_HEADER_BYTES;
    const most = (isIpv4 ? MOST_BYTES4 : MOST_BYTES6) - path.headerBytes - ICMP_HEADER_BYTES;
    const quoted = Math.min(about.end - start, most);
    const frame = frames.take(ICMP_HEADER_BYTES + quoted);
    const { view } = frame;
    frame.end = frame.start + ICMP_HEADER_BYTES + quoted;
    view.setUint8(frame.start, isIpv4 ? error.type4 : error.type6);
    view.setUint8(frame.start + 1, isIpv4 ? error.code4 : error.code6);
    // Only an MTU means anything in IPv4's word.
    const isWordSent = !isIpv4 || error.code4 === Unreachable4.TOO_BIG;
    view.setInt32(frame.start + 4, isWordSent ? (error.word ?? 0) : 0);
    frame.bytes.set(about.bytes.subarray(start, start + quoted), frame.start + ICMP_HEADER_BYTES);
    const pseudoSum = isIpv4 ? 0 : pseudoSum6(path.addressSum, frame.length);
    writeIcmpChecksum(view, frame.start, frame.end, pseudoSum);
    output.sendIcmp(path, frame);
  }

  #takeToken(): boolean {
    const nowMs = this.#context.clock.nowMs();
    const filled = this.#tokens + ((nowMs - this.#filledAtMs) * ERRORS_PER_SECOND) / 1000;
    this.#tokens = Math.min(ERROR_BURST, filled);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

function isAdmitted4({ view, end }: Frame, start: number, isGroup: boolean): boolean {
  const sourceNet = view.getUint8(start + 12);
  if (isGroup || sourceNet === 0 || sourceNet >= 224 || view.getUint8(start + 16) >= 224) return false;
  if ((view.getUint16(start + 6) & OFFSET_MASK) !== 0) return false;
  if (view.getUint8(start + 9) !== PROTOCOL_ICMP) return true;
  const at = start + headerBytes4(view, start);
  return at < end && !isIcmpError(4, view.getUint8(at));
}

function isAdmitted6({ view, end }: Frame, start: number, isGroup: boolean, error: IcmpError): boolean {
  const source = readAddress(view, start + 8);
  if (source.isUnspecified() || source.isMulticast()) return false;
  const isToGroup = isGroup || view.getUint8(start + 24) === 0xff;
  if (isToGroup && error.alsoToGroup !== true) return false;
  if (end - start < IPV6_HEADER_BYTES) return false;
  const upper = findUpper6(view, start, end);
  if (upper?.protocol !== PROTOCOL_ICMPV6) return true;
  // The type of a message is in its first fragment.
  return upper.fragmentOffset === 0 && upper.at < end && !isIcmpError(6, view.getUint8(upper.at));
}
