/**
 * TIME_WAIT (RFC 9293 §3.6.1): the connection is over for its program. The host keeps its four numbers in a
 * small record, answers what is left of the peer, and refuses what is old. The connection itself, and all
 * that hangs on it, can go: a host that opens and closes many connections has tens of thousands of records.
 */
import type { Address } from '../wire/address.js';
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { sendBare } from './bare-segment.js';
import type { TcpConnection } from './connection.js';
import type { TableEntry } from './connection-table.js';
import type { TcpHost } from './host.js';
import type { InputAnswer } from './input.js';
import type { IpPath } from './ip-service.js';
import type { PortUse } from './ports.js';
import { isAcceptable } from './receive.js';
import { timestamp } from './segment-writer.js';
import { seqDiff, seqLess, seqMax, type Seq } from './sequence.js';
import { ANSWER_INTERVAL_MS } from './timers.js';

const { ACK, FIN, RST, SYN } = TcpFlag;

export class TimeWait implements TableEntry {
  readonly host: TcpHost;
  readonly path: IpPath;
  readonly localPort: number;
  readonly remotePort: number;
  hash: number;
  hashNext: TableEntry | undefined;
  /** The use of its local port, if this host has opened the connection. */
  portUse: PortUse | undefined;
  /** As of the connection. */
  readonly sndNxt: Seq;
  readonly rcvNxt: Seq;
  readonly rcvEdge: Seq;
  readonly mostSndWnd: number;
  readonly receiveScale: number;
  readonly hasTimestamps: boolean;
  readonly timestampOffset: number;
  tsRecent: number;
  /** Time from which a segment outside of the window that carries nothing may be answered again. */
  answerAtMs = 0;
  /** End of TIME_WAIT. `TimeWaitQueue` sets it, and the links of its list. */
  endsAtMs = 0;
  next: TimeWait | undefined;
  previous: TimeWait | undefined;

  constructor(c: TcpConnection) {
    this.host = c.host;
    this.path = c.path;
    this.localPort = c.localPort;
    this.remotePort = c.remotePort;
    this.hash = c.hash;
    this.portUse = c.portUse;
    this.sndNxt = c.sndNxt;
    this.rcvNxt = c.rcvNxt;
    // A FIN behind a full window has passed its edge: the window is closed.
    this.rcvEdge = seqMax(c.rcvEdge, c.rcvNxt);
    this.mostSndWnd = c.mostSndWnd;
    this.receiveScale = c.receiveScale;
    this.hasTimestamps = c.hasTimestamps;
    this.timestampOffset = c.timestampOffset;
    this.tsRecent = c.tsRecent;
  }

  get localAddress(): Address {
    return this.path.source;
  }

  get remoteAddress(): Address {
    return this.path.destination;
  }

  /** Takes a segment (§3.10.7.4). */
  receive(segment: Segment): InputAnswer {
    const { host } = this;
    const { flags } = segment;
    const isReset = (flags & RST) !== 0;
    if (this.#isNewSyn(segment)) return 'listen';
    if (!isReset && this.#isTooOld(segment)) return this.#refuse('paws', this.#mayAnswer(segment));
    if (!isAcceptable(this, segment)) {
      if (isReset) return this.#refuse('resetOutside', false);
      if ((flags & FIN) !== 0) host.restartTimeWait(this);
      return this.#refuse('outside', this.#mayAnswer(segment));
    }
    // RFC 1337: a reset does not shorten TIME_WAIT.
    if (isReset) return this.#refuse('resetInTimeWait', false);
    if ((flags & SYN) !== 0) return this.#challenge('syn');
    if ((flags & ACK) === 0) return this.#refuse('noAck', false);
    if (seqLess(this.sndNxt, segment.ack)) return this.#challenge('ackOfUnsent');
    if (seqDiff(this.sndNxt, segment.ack) > this.mostSndWnd) return this.#challenge('ackTooOld');
    if (this.hasTimestamps && segment.hasTimestamp) this.tsRecent = segment.timestamp;
    if (segment.length > 0) this.acknowledge();
    return 'done';
  }

  /** Sends the acknowledgement of all that the peer has sent. */
  acknowledge(): void {
    const { host, path, localPort, remotePort, hasTimestamps } = this;
    sendBare(host, path, {
      localPort,
      remotePort,
      seq: this.sndNxt,
      ack: this.rcvNxt,
      flags: ACK,
      window: seqDiff(this.rcvEdge, this.rcvNxt) >> this.receiveScale,
      timestamps: hasTimestamps ? { value: timestamp(this), echo: this.tsRecent } : undefined,
    });
  }

  /** A SYN that can only be of a new connection ends TIME_WAIT (§3.10.7.4, RFC 6191 §2). */
  #isNewSyn(segment: Segment): boolean {
    // One that a listener takes: FIN would come before the connection.
    if ((segment.flags & (SYN | ACK | RST | FIN)) !== SYN) return false;
    if (this.hasTimestamps && segment.hasTimestamp) {
      const later = (segment.timestamp - this.tsRecent) | 0;
      if (later !== 0) return later > 0;
    }
    return seqLess(this.rcvNxt, segment.seq);
  }

  /** Returns true if the segment was sent before one that has arrived (PAWS, RFC 7323 §5). */
  #isTooOld(segment: Segment): boolean {
    // TS.Recent is of the peer's FIN, or younger: it cannot be out of date (§5.5).
    return this.hasTimestamps && segment.hasTimestamp && ((segment.timestamp - this.tsRecent) | 0) < 0;
  }

  /** As `mayAnswer` of a connection: answers begin no loop of answers (lwIP: `tcp_timewait_input`). */
  #mayAnswer(segment: Segment): boolean {
    const { profile, clock } = this.host;
    if (segment.length > 0 || profile.ticks !== undefined) return segment.length > 0;
    const nowMs = clock.nowMs();
    if (nowMs < this.answerAtMs) return false;
    this.answerAtMs = nowMs + ANSWER_INTERVAL_MS;
    return true;
  }

  #refuse(reason: string, isAnswered: boolean): 'done' {
    this.host.counters.drop(reason);
    if (isAnswered) this.acknowledge();
    return 'done';
  }

  #challenge(reason: string): 'done' {
    const { counters } = this.host;
    counters.drop(reason);
    if (!this.host.mayChallenge()) return 'done';
    counters.challengeAcks += 1;
    this.acknowledge();
    return 'done';
  }
}
