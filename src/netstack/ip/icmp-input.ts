/**
 * Reads ICMP and ICMPv6: answers echoes, and makes reports of the errors about packets that this host has
 * sent (RFC 1122 §3.2.2, RFC 4443). An error is believed only if it quotes a packet of this host (RFC 5927
 * §4).
 */
import type { DropReason } from '../counters.js';
import type { IcmpReport } from '../tcp/ip-service.js';
import {
  hasIcmpChecksum,
  ICMP_HEADER_BYTES,
  Icmp4,
  Icmp6,
  pseudoSum6,
  Unreachable4,
  Unreachable6,
  writeIcmpChecksum,
} from '../wire/icmp.js';
import type { IpContext } from './context.js';
import type { InPacket } from './in-packet.js';
import { plateauBelow, type PathMtus } from './path-mtu.js';
import { type Quote, readQuote } from './quote.js';

/** Takes what ICMP tells. */
export interface IcmpSink {
  /** Returns false if the report quotes a packet that is not in flight: it is old, or forged. */
  believes(report: IcmpReport): boolean;
  report(report: IcmpReport): void;
  /** Takes messages of neighbour discovery and multicast listener discovery. */
  linkMessage(packet: InPacket, type: number): void;
}

export class IcmpInput {
  readonly #context: IpContext;
  readonly #pathMtus: PathMtus;
  readonly #sink: IcmpSink;

  constructor(context: IpContext, pathMtus: PathMtus, sink: IcmpSink) {
    this.#context = context;
    this.#pathMtus = pathMtus;
    this.#sink = sink;
  }

  /** Reads a message, whose frame stays the caller's. */
  receive(packet: InPacket): void {
    const { frame, start, end, family } = packet;
    const pseudoSum = family === 4 ? 0 : pseudoSum6(packet.addressSum, end - start);
    if (end - start < ICMP_HEADER_BYTES || !hasIcmpChecksum(frame.view, start, end, pseudoSum)) {
      this.#drop('badIcmp');
      return;
    }
    const type = frame.view.getUint8(start);
    if (family === 4) this.#receive4(packet, type);
    else this.#receive6(packet, type);
  }

  #drop(reason: DropReason): void {
    this.#context.counters.drop(reason);
  }

  #receive4(packet: InPacket, type: number): void {
    switch (type) {
      case Icmp4.ECHO:
        // A broadcast echo would have every host answer at once (RFC 1122 §3.2.2.6 allows silence).
        if (packet.isGroup) this.#drop('ignoredIcmp');
        else this.#answer(packet, Icmp4.ECHO_REPLY);
        return;
      case Icmp4.UNREACHABLE:
      case Icmp4.TIME_EXCEEDED:
      case Icmp4.PARAMETER_PROBLEM:
        this.#error(packet, type);
        return;
      default:
        // Source quench is dead (RFC 6633), redirects are a way to steal packets.
        this.#drop('ignoredIcmp');
    }
  }

  #receive6(packet: InPacket, type: number): void {
    if (type < Icmp6.ECHO) {
      const isKnown = type >= Icmp6.UNREACHABLE && type <= Icmp6.PARAMETER_PROBLEM;
      if (isKnown) this.#error(packet, type);
      else this.#drop('ignoredIcmp');
    } else if (type === Icmp6.ECHO) {
      this.#answer(packet, Icmp6.ECHO_REPLY);
    } else {
      this.#sink.linkMessage(packet, type);
    }
  }

  #answer(packet: InPacket, type: number): void {
    const { routing, frames, output } = this.#context;
    const path = routing.pathTo(packet.source(), packet.isGroup ? undefined : packet.destination());
    if (path === undefined) {
      this.#drop('noRoute');
      return;
    }
    const bytes = packet.end - packet.start;
    const reply = frames.take(bytes);
    reply.bytes.set(packet.frame.bytes.subarray(packet.start, packet.end), reply.start);
    reply.end = reply.start + bytes;
    reply.view.setUint16(reply.start, type << 8);
    const pseudoSum = packet.family === 4 ? 0 : pseudoSum6(path.addressSum, bytes);
    writeIcmpChecksum(reply.view, reply.start, reply.end, pseudoSum);
    output.sendIcmp(path, reply);
  }

  #error(packet: InPacket, type: number): void {
    const { frame, start, end, family } = packet;
    const quote = readQuote(family, frame.view, start + ICMP_HEADER_BYTES, end);
    if (quote === undefined || !this.#isOfThisHost(quote, packet)) {
      this.#drop('badIcmp');
      return;
    }
    const code = frame.view.getUint8(start + 1);
    const kind = family === 4 ? kindOf4(type, code) : kindOf6(type, code);
    const mtu = kind === 'tooBig' ? toldMtu(packet, quote) : undefined;
    const { source, destination, protocol, quoted } = quote;
    const report = { kind, type, code, mtu, source, destination, protocol, quoted };
    // A packet that would have fitted, or that is not in flight: the message is old, or forged (RFC 5927 §7).
    if ((mtu ?? 0) >= quote.bytes || !this.#sink.believes(report)) {
      this.#drop('badIcmp');
      return;
    }
    if (mtu !== undefined) this.#lowerMtu(quote, mtu);
    this.#sink.report(report);
  }

  /** Returns true if the host may have sent the packet; no router sees what it sends to itself. */
  #isOfThisHost({ source, destination }: Quote, { netInterface }: InPacket): boolean {
    const { routing } = this.#context;
    const isInside = routing.isOwn(destination) || destination.isLoopback();
    return routing.isOwn(source) && (!isInside || netInterface?.isLoopback === true);
  }

  #lowerMtu({ source, destination }: Quote, mtu: number): void {
    const path = this.#context.routing.pathTo(destination, source);
    if (path !== undefined) this.#pathMtus.lower(destination, mtu, path.mtu);
  }
}

function toldMtu(packet: InPacket, quote: Quote): number {
  const { view } = packet.frame;
  if (packet.family === 6) return view.getUint32(packet.start + 4);
  const told = view.getUint16(packet.start + 6);
  return told === 0 ? plateauBelow(quote.bytes) : told;
}

/** Returns the kind of an error (RFC 1122 §4.2.3.9; RFC 1812 §5.2.7.1 for codes 9 to 13). */
function kindOf4(type: number, code: number): IcmpReport['kind'] {
  if (type !== Icmp4.UNREACHABLE) return 'soft';
  if (code === Unreachable4.TOO_BIG) return 'tooBig';
  const isProhibited = code === 9 || code === 10 || code === 13;
  return code === Unreachable4.PROTOCOL || code === Unreachable4.PORT || isProhibited ? 'hard' : 'soft';
}

function kindOf6(type: number, code: number): IcmpReport['kind'] {
  if (type === Icmp6.TOO_BIG) return 'tooBig';
  // The protocol is not known there (RFC 8200 §4.2).
  if (type === Icmp6.PARAMETER_PROBLEM) return code === 1 ? 'hard' : 'soft';
  if (type !== Icmp6.UNREACHABLE) return 'soft';
  // 5 and 6: a policy, or a route that rejects (RFC 4443 §3.1).
  return code === Unreachable6.PORT || code === Unreachable6.PROHIBITED || code >= 5 ? 'hard' : 'soft';
}
