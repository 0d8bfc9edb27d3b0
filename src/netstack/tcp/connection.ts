/**
 * One connection: the variables of RFC 9293 §3.3.1 and the calls of §3.9.1 that its program makes. The
 * work is done by functions that each have a file:
 *
 *     connect, accept        the handshake, from either side
 *     input                  a segment arrives (§3.10.7): checks, then
 *     acknowledge, recovery  its acknowledgement, and what it says about losses
 *     receive                its data and FIN
 *     output, segment-writer what is sent, and the segment itself
 *     timers                 what happens when nothing arrives
 *     close                  the end
 */
import { assert } from '../../support/assert.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { isCount, isDuration } from '../numbers.js';
import { TcpEvent, type TcpFailure, type TcpInfo, type TcpSocket } from '../raw-api.js';
import type { Address } from '../wire/address.js';
import { abort, close, shutdown } from './close.js';
import type { Congestion } from './congestion/congestion.js';
import { ConnectionBits } from './connection-bits.js';
import type { TableEntry } from './connection-table.js';
import { connectionInfo } from './info.js';
import type { TcpHost } from './host.js';
import type { IpPath } from './ip-service.js';
import type { TcpListener } from './listener.js';
import { output } from './output.js';
import type { PortUse } from './ports.js';
import { NO_RANGES, type Ranges } from './ranges.js';
import type { LossRecovery } from './recovery.js';
import { windowOpened } from './receive.js';
import { NOTHING_RECEIVED, type ReceiveBuffer } from './receive-buffer.js';
import { type ByteRing, NO_RING } from './ring.js';
import { beginRoundTrip } from './rtt.js';
import { NOTHING_SENT, type SentList } from './sent-segment.js';
import { seqDiff, seqOf, type Seq } from './sequence.js';
import { canSend, TcpState } from './state.js';
import { ConnectionTimers } from './timers.js';

/** Largest segment to a peer that names none (RFC 9293 §3.7.1). */
export const DEFAULT_SEND_MSS = 536;

export interface ConnectionEnds {
  readonly path: IpPath;
  readonly localPort: number;
  readonly remotePort: number;
  readonly sendBufferBytes: number | undefined;
  readonly receiveWindowBytes: number | undefined;
}

export class TcpConnection extends ConnectionBits implements TcpSocket, TableEntry, TimerOwner {
  readonly host: TcpHost;
  readonly localPort: number;
  readonly remotePort: number;
  path: IpPath;
  owner: unknown;
  /** Changed by `changeState` alone. */
  state: TcpState = TcpState.CLOSED;
  failure: TcpFailure | undefined;
  /** The listener of a connection that its program has not taken. */
  listener: TcpListener | undefined;

  // ---- places in the lists of the host

  hash = 0;
  /** The use of its local port, if this host has opened it. */
  portUse: PortUse | undefined;
  hashNext: TableEntry | undefined;
  events = 0;

  // ---- sending (§3.3.1, table 2)

  iss: Seq = seqOf(0);
  sndUna: Seq = seqOf(0);
  sndNxt: Seq = seqOf(0);
  /** Scaled. */
  sndWnd = 0;
  sndWl1: Seq = seqOf(0);
  sndWl2: Seq = seqOf(0);
  /** Largest window that the peer has offered (§3.8.6.2.1). */
  mostSndWnd = 0;
  sendScale = 0;
  /** Largest segment that the peer takes, by its option. */
  peerMss = DEFAULT_SEND_MSS;
  sendMss = DEFAULT_SEND_MSS;
  /** The path's MTU for which `sendMss` holds. */
  mssMtu = 0;
  readonly sendBufferBytes: number;
  /** `NO_RING` while it is empty. */
  sendRing: ByteRing = NO_RING;
  /** Sequence number of the ring's first byte. */
  sendStart: Seq = seqOf(0);
  acked = 0;
  /** `NOTHING_SENT` while nothing is in flight. */
  sent: SentList = NOTHING_SENT;
  /** `undefined` before data or FIN is sent; `congestion`: before the first data. */
  recovery: LossRecovery | undefined;
  congestion: Congestion | undefined;
  retransmissions = 0;

  // ---- receiving (§3.3.1, table 3)

  irs: Seq = seqOf(0);
  rcvNxt: Seq = seqOf(0);
  /** Right edge of the window, as it was advertised. */
  rcvEdge: Seq = seqOf(0);
  receiveScale = 0;
  readonly receiveWindowBytes: number;
  /** `NOTHING_RECEIVED` while it is empty. */
  receiveRing: ReceiveBuffer = NOTHING_RECEIVED;
  /** `NO_RANGES` before anything came out of order. */
  ranges: Ranges = NO_RANGES;
  /** Bytes that the program has and has not consumed. */
  unconsumed = 0;
  /** Place of a FIN that has come before data that is missing. */
  finAt: Seq | undefined;

  // ---- acknowledging (§3.8.6.3)

  /** Segments and bytes that are not acknowledged yet. */
  delayedSegments = 0;
  delayedBytes = 0;
  quickAcks: number;
  /** Largest segment that has arrived. */
  receiveMss = 0;
  lastAckSent: Seq = seqOf(0);
  /** A block to report first: data that came twice (RFC 2883). */
  duplicateStart: Seq = seqOf(0);
  duplicateEnd: Seq = seqOf(0);

  // ---- options

  /** TS.Recent (RFC 7323 §4.3). */
  tsRecent = 0;
  timestampOffset = 0;

  // ---- timers

  readonly timers: ConnectionTimers;
  readonly timer = new Timer(this);

  constructor(host: TcpHost, ends: ConnectionEnds) {
    super();
    const { profile } = host;
    this.host = host;
    this.path = ends.path;
    this.localPort = ends.localPort;
    this.remotePort = ends.remotePort;
    this.sendBufferBytes = ends.sendBufferBytes ?? profile.sendBufferBytes;
    this.receiveWindowBytes = ends.receiveWindowBytes ?? profile.receiveWindowBytes;
    this.hasOwnWindow = ends.receiveWindowBytes !== undefined;
    this.timers = new ConnectionTimers(this);
    beginRoundTrip(this.timers);
    this.quickAcks = profile.quickAcks;
  }

  get localAddress(): Address {
    return this.path.source;
  }

  get remoteAddress(): Address {
    return this.path.destination;
  }

  // ---- events

  signal(events: number): void {
    this.events |= events;
    if (this.isReady) return;
    // A connection that its program has not taken is its listener's.
    if (this.listener !== undefined) return;
    this.isReady = true;
    this.host.ready(this);
  }

  takeEvents(): number {
    const { events } = this;
    this.events = 0;
    return events;
  }

  // ---- sending

  sendSpace(): number {
    if (!canSend(this.state) && !this.isOpening()) return 0;
    if (this.isFinQueued) return 0;
    const free = this.sendBufferBytes - this.sendRing.length;
    const { sendQueueSegments } = this.host.profile;
    if (sendQueueSegments === undefined) return free;
    // lwIP counts its buffers: one for each segment that is in flight or waits.
    const waiting = Math.ceil(this.unsent() / this.sendMss);
    const slots = sendQueueSegments - this.sent.count - waiting;
    const tail = (this.sendMss - (this.unsent() % this.sendMss)) % this.sendMss;
    return Math.min(free, Math.max(0, slots) * this.sendMss + tail);
  }

  private isOpening(): boolean {
    return this.state === TcpState.SYN_SENT || this.state === TcpState.SYN_RECEIVED;
  }

  unacknowledged(): number {
    return this.sendRing.length;
  }

  unsent(): number {
    const { sendRing } = this;
    if (sendRing.length === 0 || this.isFinSent) return 0;
    // Before the handshake is complete, the SYN alone may be in flight.
    return sendRing.length - Math.max(0, seqDiff(this.sndNxt, this.sendStart));
  }

  takeAcked(): number {
    const { acked } = this;
    this.acked = 0;
    return acked;
  }

  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.sendSpace());
    if (taken === 0) return 0;
    if (this.sendRing === NO_RING) this.sendRing = this.host.rings.take();
    this.sendRing.append(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    return taken;
  }

  push(): void {
    output(this);
    if (this.unsent() > 0) this.hasWaited = true;
  }

  // ---- receiving

  readable(): number {
    return this.receiveRing.length;
  }

  peek(most = this.receiveRing.length): Uint8Array {
    assert(most >= 0, 'a length is not negative');
    return this.receiveRing.head(most);
  }

  skip(bytes: number): void {
    assert(isCount(bytes), 'bytes are skipped as a whole');
    // The buffer of a connection that was reset is gone.
    if (this.receiveRing.length === 0) return;
    // Data out of order lies behind the end of the ring.
    this.receiveRing.drop(bytes, this.ranges.count > 0);
    if (this.receiveRing.isUnused) this.giveReceiveBuffer();
    this.unconsumed += bytes;
  }

  consume(bytes: number): void {
    assert(isCount(bytes), 'bytes are consumed as a whole');
    if (this.isDiscarding || this.state === TcpState.CLOSED) return;
    assert(bytes <= this.unconsumed, 'no more is consumed than was skipped');
    this.unconsumed -= bytes;
    windowOpened(this);
  }

  hasEnded(): boolean {
    return this.isFinReceived && this.receiveRing.length === 0;
  }

  // ---- the end

  shutdown(): void {
    shutdown(this);
  }

  close(discards = false): void {
    close(this, discards);
  }

  abort(): void {
    abort(this);
  }

  // ---- settings

  setNoDelay(on: boolean): void {
    this.isNoDelay = on;
    if (on) output(this);
  }

  setCork(on: boolean): void {
    this.isCorked = on;
    this.timers.setCork(on);
    if (!on) output(this);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    assert(isDuration(idleMs), 'an idle time is finite');
    assert(idleMs === 0 || (isDuration(intervalMs) && isCount(probes)), 'probes are counted');
    this.timers.setKeepAlive(idleMs, intervalMs, probes);
  }

  setUserTimeout(ms: number): void {
    assert(isDuration(ms), 'a timeout is finite');
    this.timers.userTimeoutMs = ms;
  }

  // ---- figures

  heardAgoMs(): number {
    return this.isOver ? 0 : this.host.clock.nowMs() - this.timers.heardAtMs;
  }

  info(): TcpInfo {
    return connectionInfo(this);
  }

  // ---- for the functions of this folder

  nowMs(): number {
    return this.host.clock.nowMs();
  }

  /** True once nothing is left for the connection to do; the host's record of TIME_WAIT is none of its. */
  get isOver(): boolean {
    return this.state === TcpState.CLOSED || this.state === TcpState.TIME_WAIT;
  }

  // ---- what an idle connection does not have

  /** Removes bytes from the send buffer: the peer has them. */
  dropSent(bytes: number): void {
    this.sendRing.drop(bytes);
    if (this.sendRing.length === 0) this.releaseSendRing();
  }

  releaseSendRing(): void {
    if (this.sendRing === NO_RING) return;
    this.sendRing.release();
    this.host.rings.give(this.sendRing);
    this.sendRing = NO_RING;
  }

  /** Returns the list of what is in flight, to put something into it. */
  sentList(): SentList {
    if (this.sent === NOTHING_SENT) this.sent = this.host.sentLists.take();
    return this.sent;
  }

  /** Forgets what is in flight. */
  releaseSent(): void {
    if (this.sent === NOTHING_SENT) return;
    this.sent.clear();
    this.host.sentLists.give(this.sent);
    this.sent = NOTHING_SENT;
  }

  /** Returns the receive buffer, to put something into it. */
  receiveBuffer(): ReceiveBuffer {
    if (this.receiveRing === NOTHING_RECEIVED) this.receiveRing = this.host.receiveBuffers.take();
    return this.receiveRing;
  }

  /** Ends the loan of a frame: what the program has not read is copied. */
  settleReceived(): void {
    this.receiveRing.settle();
    if (this.receiveRing.isUnused) this.giveReceiveBuffer();
  }

  releaseReceived(): void {
    this.receiveRing.release();
    this.giveReceiveBuffer();
  }

  private giveReceiveBuffer(): void {
    if (this.receiveRing === NOTHING_RECEIVED) return;
    this.host.receiveBuffers.give(this.receiveRing);
    this.receiveRing = NOTHING_RECEIVED;
  }

  /** Returns the bytes that have left and that neither arrived nor were lost, as far as is known. */
  inFlight(): number {
    const { sent } = this;
    const outstanding = seqDiff(this.sndNxt, this.sndUna);
    const arrived = sent.sackedBytes + (this.recovery?.presumedArrived ?? 0);
    return Math.max(0, outstanding - arrived - sent.lostBytes + sent.resentBytes);
  }

  /** Called by the timer. */
  due(nowMs: number): void {
    this.timers.due(nowMs);
  }

  /** The connection needs nothing more from its program, or is gone. */
  signalClosed(): void {
    this.signal(TcpEvent.CLOSED);
  }
}
