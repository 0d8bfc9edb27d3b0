/**
 * Writes packets as lines, much as tcpdump does. TCP's sequence numbers are relative to the SYN of their
 * direction, or to the first packet that was seen; a SYN has number 0.
 */
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, TcpFlag, type PacketView } from './packet-view.js';

/** Connections whose first sequence numbers are known; the oldest is forgotten. */
export const MOST_CONNECTIONS = 65_536;

const NS_PER_S = 1_000_000_000;
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [TcpFlag.FIN, 'F'],
  [TcpFlag.SYN, 'S'],
  [TcpFlag.RST, 'R'],
  [TcpFlag.PSH, 'P'],
  [TcpFlag.CWR, 'W'],
  [TcpFlag.ECE, 'E'],
  [TcpFlag.URG, 'U'],
  [TcpFlag.ACK, '.'],
];

export class PacketLines {
  /** Initial sequence numbers by `source > destination`. */
  readonly #initial = new Map<string, number>();

  /** Returns the line of a packet. */
  line(atNs: number, packet: PacketView, remark = ''): string {
    const end = remark === '' ? '' : ` (${remark})`;
    return `${showTime(atNs)} ${packet.from} > ${packet.to}: ${this.#show(packet)}${end}`;
  }

  #show(packet: PacketView): string {
    if (packet.kind === 'arp') return showArp(packet);
    if (packet.protocol < 0) return `not IP, length ${packet.length}`;
    const { source, destination } = packet;
    if (packet.isTcp) return this.#showTcp(packet, source, destination);
    if (packet.isUdp) {
      const ends = `${source}.${packet.sourcePort} > ${destination}.${packet.destinationPort}`;
      return `${ends}: UDP, length ${packet.payloadBytes}`;
    }
    return `${source} > ${destination}: ${showProtocol(packet)}`;
  }

  #showTcp(packet: PacketView, source: string, destination: string): string {
    const from = `${source}.${packet.sourcePort}`;
    const to = `${destination}.${packet.destinationPort}`;
    const sequence = this.#relative(`${from} > ${to}`, packet.sequence, packet.isSyn);
    const length = packet.payloadBytes;
    const parts = [`Flags [${showFlags(packet.flags)}]`];
    if (packet.isSyn || packet.isFin || packet.isReset || length > 0) {
      parts.push(length > 0 ? `seq ${sequence}:${sequence + length}` : `seq ${sequence}`);
    }
    if (packet.isAck) {
      parts.push(`ack ${this.#relative(`${to} > ${from}`, packet.acknowledgement, false)}`);
    }
    parts.push(`win ${packet.window}`);
    const options = showOptions(packet);
    if (options !== '') parts.push(`options [${options}]`);
    return `${from} > ${to}: ${parts.join(', ')}, length ${length}`;
  }

  #relative(key: string, number: number, isSyn: boolean): number {
    let initial = this.#initial.get(key);
    if (initial === undefined || isSyn) {
      initial = number;
      this.#initial.delete(key);
      this.#initial.set(key, number);
      if (this.#initial.size > MOST_CONNECTIONS) this.#forgetOldest();
    }
    // A sequence number before the first one seen is negative.
    return (number - initial) | 0;
  }

  #forgetOldest(): void {
    for (const key of this.#initial.keys()) {
      this.#initial.delete(key);
      return;
    }
  }
}

/** Returns seconds with six digits. */
export function showTime(ns: number): string {
  return (ns / NS_PER_S).toFixed(6);
}

function showFlags(flags: number): string {
  const letters = FLAG_LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return letters.length === 0 ? 'none' : letters.join('');
}

/** Returns TCP's options in their order (RFC 9293 §3.1, RFC 7323, RFC 2018). */
function showOptions(packet: PacketView): string {
  const { view } = packet.frame;
  const shown: string[] = [];
  const end = Math.min(packet.payloadStart, packet.end);
  let at = packet.transportStart + 20;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === 0) {
      shown.push('eol');
      break;
    }
    if (kind === 1) {
      shown.push('nop');
      at += 1;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) return [...shown, 'bad'].join(',');
    shown.push(showOption(view, at, kind, length));
    at += length;
  }
  return shown.join(',');
}

function showOption(view: DataView, at: number, kind: number, length: number): string {
  if (kind === 2 && length === 4) return `mss ${view.getUint16(at + 2)}`;
  if (kind === 3 && length === 3) return `wscale ${view.getUint8(at + 2)}`;
  if (kind === 4 && length === 2) return 'sackOK';
  if (kind === 5) return `sack ${(length - 2) / 8}`;
  if (kind === 8 && length === 10) return `TS val ${view.getUint32(at + 2)} ecr ${view.getUint32(at + 6)}`;
  return `unknown-${kind}`;
}

function showProtocol(packet: PacketView): string {
  const bytes = packet.end - packet.transportStart;
  if (packet.isLaterFragment) return `fragment, protocol ${packet.protocol}, length ${bytes}`;
  const isIcmp = packet.protocol === PROTOCOL_ICMP || packet.protocol === PROTOCOL_ICMPV6;
  if (!isIcmp || bytes < 2) return `protocol ${packet.protocol}, length ${bytes}`;
  const { view } = packet.frame;
  const name = packet.protocol === PROTOCOL_ICMP ? 'ICMP' : 'ICMPv6';
  const code = view.getUint8(packet.transportStart + 1);
  return `${name} type ${view.getUint8(packet.transportStart)} code ${code}, length ${bytes}`;
}

function showArp(packet: PacketView): string {
  const { view } = packet.frame;
  const at = packet.ipStart;
  if (packet.end - at < 28) return 'ARP, too short';
  const dotted = (offset: number): string =>
    [0, 1, 2, 3].map((index) => view.getUint8(at + offset + index)).join('.');
  const operation = view.getUint16(at + 6);
  if (operation === 1) return `ARP, who-has ${dotted(24)} tell ${dotted(14)}`;
  return operation === 2 ? `ARP, ${dotted(14)} is here` : `ARP, operation ${operation}`;
}
