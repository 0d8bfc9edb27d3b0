/**
 * Reports to the routers of a link which IPv6 groups this host listens to: MLDv2 (RFC 3810 §5.2), and MLDv1
 * (RFC 2710) once a router asks in it. Only the host's part, without sources.
 */
import { Timer } from '../../support/timers.js';
import type { Frame } from '../frame.js';
import { Address, ANY_IPV6 } from '../wire/address.js';
import { Icmp6, PROTOCOL_ICMPV6, pseudoSum6, writeIcmpChecksum } from '../wire/icmp.js';
import { NextHeader, writeAddress } from '../wire/ipv6.js';
import type { IpContext } from './context.js';
import type { InPacket } from './in-packet.js';
import { sumOfAddress } from './ip-path.js';
import { type NetInterface, solicitedNode } from './net-interface.js';

/** ff02::16, which all MLDv2 routers listen to. */
const ALL_ROUTERS = new Address(0xff02_0000, 0, 0, 0x16);
/** Milliseconds within which a report is repeated: Unsolicited Report Interval (RFC 3810 §9.11). */
const REPEAT_MS = 1000;
/** Groups that one report names: as an MTU of 1280 has room for. */
const MOST_RECORDS = 60;

const HOP_BY_HOP_BYTES = 8;
const RECORD_BYTES = 20;
const MODE_IS_EXCLUDE = 2;
const CHANGE_TO_EXCLUDE = 4;
const VERSION_1_BYTES = 24;
const VERSION_2_BYTES = 28;

export class ListenerReports {
  readonly #context: IpContext;
  readonly #netInterface: NetInterface;
  readonly #timer = new Timer({
    due: () => {
      this.#report(this.#isAnswer ? MODE_IS_EXCLUDE : CHANGE_TO_EXCLUDE);
      this.#isAnswer = false;
    },
  });
  #isAnswer = false;
  #isVersion1 = false;

  constructor(context: IpContext, netInterface: NetInterface) {
    this.#context = context;
    this.#netInterface = netInterface;
  }

  /** Reports the groups now, and once more a little later, since a report may be lost. */
  changed(): void {
    this.#report(CHANGE_TO_EXCLUDE);
    this.#isAnswer = false;
    this.#armIn(this.#context.random() * REPEAT_MS);
  }

  /** Takes a query (RFC 3810 §6.2), and answers within the time that it gives. */
  receiveQuery({ frame, start, end, hopLimit, sourceA }: InPacket): void {
    const bytes = end - start;
    const isGood = bytes === VERSION_1_BYTES || bytes >= VERSION_2_BYTES;
    if (!isGood || hopLimit !== 1 || sourceA >>> 22 !== 0xfe80 >>> 6) {
      this.#context.counters.drop('badNeighbourMessage');
      return;
    }
    this.#isVersion1 = bytes === VERSION_1_BYTES;
    const code = frame.view.getUint16(start + 4);
    // A floating-point code has its top bit set (RFC 3810 §5.1.3).
    const mostMs = code < 0x8000 ? code : ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
    if (this.#timer.armed) return;
    this.#isAnswer = true;
    this.#armIn(this.#context.random() * mostMs);
  }

  #armIn(ms: number): void {
    this.#context.timers.arm(this.#timer, this.#context.clock.nowMs() + ms);
  }

  #report(kind: number): void {
    const groups = this.#groups();
    if (groups.length === 0) return;
    if (this.#isVersion1) for (const group of groups) this.#send(group, this.#version1(group));
    else this.#send(ALL_ROUTERS, this.#version2(groups, kind));
  }

  #groups(): Address[] {
    const { addresses, tentative, groups } = this.#netInterface;
    const own = [...addresses, ...tentative].filter(({ family }) => family === 6);
    const all = [
      ...own.map(({ address }) => solicitedNode(address)),
      ...groups.filter(({ family }) => family === 6),
    ];
    const unique = all.filter((group, index) => all.findIndex((other) => other.equals(group)) === index);
    return unique.slice(0, MOST_RECORDS);
  }

  #version1(group: Address): Frame {
    const frame = this.#begin(VERSION_1_BYTES, Icmp6.LISTENER_REPORT);
    writeAddress(frame.view, frame.start + HOP_BY_HOP_BYTES + 8, group);
    return frame;
  }

  #version2(groups: readonly Address[], kind: number): Frame {
    const frame = this.#begin(8 + RECORD_BYTES * groups.length, Icmp6.LISTENER_REPORT_2);
    const { view } = frame;
    const message = frame.start + HOP_BY_HOP_BYTES;
    view.setUint16(message + 6, groups.length);
    for (const [index, group] of groups.entries()) {
      const at = message + 8 + index * RECORD_BYTES;
      view.setUint32(at, kind << 24);
      writeAddress(view, at + 4, group);
    }
    return frame;
  }

  /** Begins a message behind the router alert, which it must have (RFC 3810 §5). */
  #begin(bytes: number, type: number): Frame {
    const frame = this.#context.frames.take(HOP_BY_HOP_BYTES + bytes);
    const { view, start } = frame;
    frame.end = start + HOP_BY_HOP_BYTES + bytes;
    frame.bytes.fill(0, start, frame.end);
    view.setUint32(start, (PROTOCOL_ICMPV6 << 24) | 0x0000_0502);
    view.setUint32(start + 4, 0x0000_0100);
    view.setUint8(start + HOP_BY_HOP_BYTES, type);
    return frame;
  }

  #send(destination: Address, frame: Frame): void {
    // Before there is a link-local address, routers ignore the report, but switches read it (RFC 3590 §4).
    const source = this.#netInterface.linkLocal() ?? ANY_IPV6;
    const message = frame.start + HOP_BY_HOP_BYTES;
    const sum = sumOfAddress(source) + sumOfAddress(destination);
    writeIcmpChecksum(frame.view, message, frame.end, pseudoSum6(sum, frame.end - message));
    const packet = { source, destination, protocol: NextHeader.HOP_BY_HOP, hopLimit: 1 };
    this.#context.output.sendOnLink(this.#netInterface, frame, packet);
  }
}
