/**
 * One connection on the kernel's TCP, from the moment that it stands. The native addon makes the system
 * calls; what is sent, read, waited for and closed, and when, is decided here.
 *
 * Bytes go: `enqueue` → the queue → `flush` → the kernel → acknowledged by the peer. `enqueueAndFlush` leaves
 * the queue out if it is empty. `#share` counts the bytes from the first step to the last. Received bytes go:
 * the addon's page → `onSocketData` → `onData` → `consume`.
 *
 * The life is a phase (`connection-phase.ts`): `#on` is the one place that changes it. What only some
 * connections need is an object that they make when they first need it.
 */
import { READ_BYTES } from '../../addon/native-sockets.js';
import { ErrorCode } from '../../port/error-code.js';
import { TcpState } from '../../port/tcp-state.js';
import {
  SendFlag,
  type Connection,
  type ConnectionEvents,
  type Endpoint,
  type Fault,
  type Loan,
  type SendFlags,
} from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { holdBack, letLeave } from '../../support/callback-scope.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import {
  canSend,
  hasPeerEnded,
  isClosed,
  isFinDue,
  isFinSent,
  isGone,
  Phase,
  phaseAfter,
  PHASES,
  type PhaseEvent,
} from '../system/connection-phase.js';
import type { CopySlab } from '../system/copy-slab.js';
import type { SendBudget } from '../system/send-budget.js';
import { connectionFault } from '../system/system-fault.js';
import { Closing, type ClosingContext, type ClosingOwner } from './closing.js';
import { LingeringSocket, type LingerContext } from './lingering-socket.js';
import { SendQueue } from './send-queue.js';
import { SendReports } from './send-reports.js';
import { SendShare } from './send-share.js';
import type { SocketEnds, StreamOwner } from './socket-loop.js';
import { isStarvation, systemError } from './system-error.js';
import { Withholding, type WithholdingOwner } from './withholding.js';

/** How often a connection that withholds, and may be given more, is looked at. */
const WINDOW_CHECK_MS = 100;
/** After the kernel had no memory: when sending and receiving are tried again at the latest. */
const STARVED_RETRY_MS = 100;

/** What all connections of a stack share. */
export interface ConnectionContext extends LingerContext, ClosingContext {
  readonly slab: CopySlab;
  readonly budget: SendBudget;
  /** Withholding closes the window byte by byte. */
  readonly isExact: boolean;
  post(job: () => void): void;
}

/** Linux's numbers (`tcp_states.h`) of the states that follow our FIN. */
const STATES_AFTER_FIN: Readonly<Record<number, TcpState>> = {
  4: TcpState.FIN_WAIT_1,
  5: TcpState.FIN_WAIT_2,
  6: TcpState.TIME_WAIT,
  9: TcpState.LAST_ACK,
  11: TcpState.CLOSING,
};

export class KernelConnection implements Connection, StreamOwner, TimerOwner, ClosingOwner, WithholdingOwner {
  // First what every message touches.

  /** The receiver of the events; `undefined` before `begin` has it, and when no event may come any more. */
  #events: ConnectionEvents | undefined;
  readonly context: ConnectionContext;
  /** Meaningful until the phase is OVER. */
  readonly #slot: number;
  #phase: Phase = Phase.OPEN;
  readonly #share: SendShare;
  /** Bytes that wait to be sent, if there are any. */
  #queue: SendQueue | undefined;
  #reports: SendReports | undefined;
  /** Bytes that were delivered and are not consumed. */
  #unread = 0;
  /** Bytes that the addon may receive at once. */
  #reading = READ_BYTES;
  #takesLoans = false;
  #takesViews = false;
  #withholding: Withholding | undefined;
  #isDelivering = false;

  readonly receiveWindowBytes: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  #keepsAlive = false;
  /** `queued`: the turn in which our FIN was asked for is not over. `awaited`: its acknowledgement is. */
  #fin: 'queued' | 'due' | 'awaited' = 'queued';
  /** From `close` until all is acknowledged. */
  #closing: Closing | undefined;
  #timer: Timer | undefined;
  /** Why it is over; set in the phase FAILED. */
  #fault: Fault | undefined;

  constructor(context: ConnectionContext, slot: number, ends: SocketEnds, receiveWindowBytes: number) {
    this.context = context;
    this.#slot = slot;
    this.receiveWindowBytes = receiveWindowBytes;
    this.local = ends.local;
    this.remote = ends.remote;
    this.#share = new SendShare(context.budget, context.limits.sendBufferBytes);
    context.loop.adopt(slot, this);
    this.setKeepsAlive(true);
    this.#adjustReading();
  }

  /** Shows the connection to its user, who returns the receiver of its events, or refuses it. */
  begin(show: (connection: Connection) => ConnectionEvents | undefined): void {
    let events: ConnectionEvents | undefined;
    try {
      events = show(this);
    } finally {
      if (events === undefined) this.abort();
    }
    // The user may have ended it already.
    if (this.#phase !== Phase.OVER) this.#events = events;
  }

  // ---- the phase

  /** The one place that changes the phase, and that does what follows from the change. */
  #on(event: PhaseEvent): void {
    const before = this.#phase;
    this.#phase = phaseAfter(before, event);
    if (this.#phase === before) return;
    switch (event) {
      case 'shutdown':
        this.#endSending();
        break;
      case 'close':
        if (canSend(before)) this.#endSending();
        this.#beginClosing();
        break;
      case 'finSent':
        this.#endIfDone();
        break;
      case 'peerEnded':
        // The end follows the last byte, which may wait.
        if (this.#withholding?.hasStash !== true || isClosed(this.#phase)) this.#reportEnd();
        break;
      case 'fault':
        // Its event follows, now or later.
        break;
      case 'end':
        this.#letGo();
        break;
    }
  }

  state(): TcpState {
    const { state } = PHASES[this.#phase];
    // After our FIN the kernel knows more than the events that it has sent so far.
    return isFinSent(this.#phase) ? (STATES_AFTER_FIN[this.#nativeState()] ?? state) : state;
  }

  #nativeState(): number {
    return this.context.loop.native.state(this.#slot);
  }

  mss(): number {
    return isGone(this.#phase) ? 0 : Math.max(0, this.context.loop.native.mss(this.#slot));
  }

  heardAgoMs(): number | undefined {
    if (isGone(this.#phase)) return undefined;
    const ms = this.context.loop.native.heardAgo(this.#slot);
    return ms < 0 ? undefined : ms;
  }

  // ---- sending

  sendSpace(): number {
    if (!canSend(this.#phase)) return 0;
    if (this.#reports?.acks !== true) this.#countAcked();
    return this.#share.space();
  }

  hasSpaceFor(bytes: number): boolean {
    return bytes === this.#fitting(bytes);
  }

  unacknowledged(): number {
    if (isGone(this.#phase)) return 0;
    this.#askForAcks();
    return this.#share.outstanding;
  }

  queued(): number {
    return isGone(this.#phase) ? 0 : (this.#queue?.flushed ?? 0);
  }

  /**
   * Returns how many of `bytes` there is space for. The kernel and the budget are asked only beyond the share
   * that every connection may have.
   */
  #fitting(bytes: number): number {
    if (!canSend(this.#phase)) return 0;
    if (this.#share.hasRoomFor(bytes)) return bytes;
    if (this.#reports?.acks !== true) {
      this.#countAcked();
      this.#share.adjustCredit();
    }
    return Math.min(bytes, this.#share.space());
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const length = this.#fitting(bytes.length);
    if (length === 0) return 0;
    // Bytes of other connections that were gathered earlier leave earlier.
    letLeave();
    this.#share.enqueued(length);
    const piece = length === bytes.length ? bytes : bytes.subarray(0, length);
    this.#needQueue().enqueue(piece, flags);
    return length;
  }

  flush(): void {
    letLeave();
    if (this.#queue === undefined || isGone(this.#phase)) return;
    if (this.#queue.expectsMore) {
      this.#holdBack(this.#queue);
    } else {
      this.#queue.release();
      this.#push();
    }
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    const { loop } = this.context;
    const isGathered = loop.makeRoomFor(bytes.length);
    if ((flags & SendFlag.MORE) !== 0 || this.#queue !== undefined) {
      const taken = this.enqueue(bytes, flags);
      if (taken > 0) this.flush();
      return taken;
    }
    const length = this.#fitting(bytes.length);
    if (length === 0) return 0;
    this.#share.enqueued(length);
    if (isGathered) loop.enqueue(this.#slot, bytes, length);
    else this.#sendAtOnce(length === bytes.length ? bytes : bytes.subarray(0, length), flags);
    if (this.#reports !== undefined) this.#awaitAcks(this.#reports);
    return length;
  }

  #sendAtOnce(bytes: Uint8Array, flags: SendFlags): void {
    letLeave();
    const isBehind = this.#queue !== undefined || isGone(this.#phase);
    const result = isBehind ? 0 : this.context.loop.native.send(this.#slot, bytes);
    if (result === bytes.length) return;
    const rest = result > 0 ? bytes.subarray(result) : bytes;
    this.#keepRest(rest, flags, Math.min(0, result));
  }

  onSendShort(rest: Uint8Array, refusal: number): void {
    this.#keepRest(rest, SendFlag.COPY, refusal);
  }

  onSendBroke(error: unknown): void {
    this.#failSoon(brokenBy(error));
  }

  #needQueue(): SendQueue {
    return (this.#queue ??= new SendQueue(this.context.slab));
  }

  #keepRest(rest: Uint8Array, flags: SendFlags, refusal: number): void {
    this.#needQueue().keep(rest, flags);
    if (this.#reports !== undefined) this.#reports.isBlocked = true;
    if (refusal < 0) this.#sendingRefused(refusal);
  }

  #sendingRefused(refusal: number): void {
    if (isStarvation(refusal)) this.#retryLater();
    else this.#refusedSoon(refusal);
  }

  /** MORE holds bytes back for what follows, but not longer than the present turn. */
  #holdBack(queue: SendQueue): void {
    if (!queue.hold()) return;
    holdBack(this.context, () => {
      queue.releaseHeld();
      if (!isGone(this.#phase)) this.#push();
    });
  }

  /** Gives the kernel the bytes that may leave, until it takes no more. */
  #push(): void {
    const { native } = this.context.loop;
    if (this.#queue !== undefined) {
      const refusal = this.#queue.flush(native, this.#slot);
      if (this.#queue.bytes === 0) this.#queue = undefined;
      if (refusal < 0) this.#sendingRefused(refusal);
    }
    const reports = this.#reports;
    if (reports === undefined) return;
    if (this.#share.outstanding > 0) this.#awaitAcks(reports);
    if (this.#queue?.isBlocked === true) reports.isBlocked = true;
    else if (reports.isBlocked) this.#drained(reports);
  }

  #drained(reports: SendReports): void {
    reports.isBlocked = false;
    if (!reports.drained) return;
    this.context.post(() => {
      if (!isGone(this.#phase) && this.queued() === 0) this.#events?.onDrained?.();
    });
  }

  onSocketWritable(): void {
    this.#queue?.unblock();
    this.#push();
    this.#sendFin();
  }

  // ---- what is reported about sending

  setReportsAcks(on: boolean): void {
    const reports = on ? this.#needReports() : this.#reports;
    if (reports === undefined || reports.acks === on || isGone(this.#phase)) return;
    const watched = reports.watchesAcks;
    reports.acks = on;
    this.#watchAcks(reports, watched);
    if (!on || this.#share.outstanding + this.#unreported(reports) === 0) return;
    this.#awaitAcks(reports);
    this.#checkAcksSoon();
  }

  setReportsDrained(on: boolean): void {
    const reports = this.#needReports();
    if (reports === undefined) return;
    reports.drained = on;
    reports.isBlocked = this.queued() > 0;
  }

  setWantsSpace(bytes: number): void {
    const reports = this.#needReports();
    if (reports === undefined) return;
    const watched = reports.watchesAcks;
    reports.wantedBytes = bytes;
    this.#watchAcks(reports, watched);
    if (bytes === 0) return;
    this.#awaitAcks(reports);
    this.#checkAcksSoon();
  }

  #needReports(): SendReports | undefined {
    return isGone(this.#phase) ? undefined : (this.#reports ??= new SendReports());
  }

  /** Timestamps of acknowledgements cost time: they are on only while acknowledgements are watched. */
  #watchAcks({ watchesAcks }: SendReports, watched: boolean): void {
    // If the kernel refuses, acknowledgements are only noticed later, by the checks.
    if (watchesAcks !== watched) this.context.loop.native.reportAcks(this.#slot, watchesAcks ? 1 : 0);
  }

  #unreported({ reportedBytes }: SendReports): number {
    return this.#share.acked - reportedBytes;
  }

  /** Asks the kernel what the peer has acknowledged. */
  #countAcked(): void {
    if (this.#share.outstanding === 0) return;
    this.#wereAcked(Math.max(0, this.context.loop.native.acked(this.#slot)));
  }

  /** As `#countAcked`, from inside a method: acknowledgements are reported when it has returned. */
  #askForAcks(): void {
    this.#countAcked();
    const reports = this.#reports;
    if (reports?.acks !== true || this.#unreported(reports) === 0) return;
    this.context.post(() => {
      if (!isGone(this.#phase)) this.#report(reports);
    });
  }

  #wereAcked(bytes: number): void {
    if (bytes === 0) return;
    this.#share.acknowledged(bytes);
    this.#closing?.progressed(this.#share.outstanding);
  }

  #checkAcksSoon(): void {
    this.context.post(() => {
      if (!isGone(this.#phase)) this.#checkAcks();
    });
  }

  /** Asks the kernel, and reports. */
  #checkAcks(): void {
    this.#countAcked();
    if (this.#reports !== undefined) this.#report(this.#reports);
    this.#endIfDone();
  }

  onSocketAcked(bytes: number): void {
    this.#wereAcked(bytes);
    // The event may have been polled while acknowledgements were still wanted.
    if (this.#reports !== undefined) this.#report(this.#reports);
    this.#endIfDone();
  }

  #report(reports: SendReports): void {
    const bytes = this.#unreported(reports);
    if (reports.acks && bytes > 0) {
      reports.reportedBytes += bytes;
      // The bytes still in flight are asked for as often as at the beginning.
      if (reports.speedUp() && this.#share.outstanding > 0) this.#armIn(reports.checkMs);
      this.#events?.onAcked(bytes);
    }
    if (reports.wantedBytes > 0 && this.#hasSpace(reports.wantedBytes)) {
      this.setWantsSpace(0);
      this.#events?.onSpaceFreed?.();
    }
  }

  /** With nothing outstanding there is no more to come: the send buffer, or the budget, has no more. */
  #hasSpace(bytes: number): boolean {
    return this.sendSpace() >= bytes || (canSend(this.#phase) && this.#share.outstanding === 0);
  }

  #awaitAcks({ watchesAcks, checkMs }: SendReports): void {
    if (watchesAcks && this.#timer?.armed !== true) this.#armIn(checkMs);
  }

  // ---- receiving

  onSocketData(place: number, bytes: number): void {
    // A send has found the end already: data that was polled before comes too late.
    if (isGone(this.#phase)) return;
    const withholding = this.#withholding;
    withholding?.received(bytes);
    if (isClosed(this.#phase)) {
      withholding?.drop();
      return;
    }
    const { pages } = this.context.loop;
    if (withholding !== undefined && (withholding.isOff || withholding.hasStash)) {
      // It was received in the poll in which reading was switched off: a socket receives once in each.
      withholding.stash(this.#orTakenAway(pages.own(place, bytes)));
      return;
    }
    const loan = this.#takesLoans ? pages.loan(place, bytes) : undefined;
    if (loan !== undefined) {
      this.#deliver(pages.lend(place, bytes), loan);
      return;
    }
    const piece = this.#takesViews ? pages.view(place, bytes) : pages.own(place, bytes);
    const data = this.#orTakenAway(piece);
    if (data !== undefined) this.#deliver(data);
  }

  /** A program has detached the memory of received bytes together with an older piece: they are lost. */
  #orTakenAway(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes !== undefined) return bytes;
    const cause = new Error('received bytes were transferred away with other data; transfer data.slice()');
    this.#fail({ code: ErrorCode.ERR_ABRT, cause });
    return undefined;
  }

  #deliver(bytes: Uint8Array, loan?: Loan): void {
    const before = this.#unread;
    this.#unread = before + bytes.length;
    this.#withholding?.delivering();
    this.#isDelivering = true;
    this.#events?.onData(bytes, loan);
    this.#isDelivering = false;
    if (this.#unread > 0 || before > 0) this.#withheld(this.#unread - before);
    if (this.#reading !== READ_BYTES || this.#unread > 0) this.#adjustReading();
  }

  /**
   * The program did not consume everything. From now on delivered data stays in the kernel, which closes the
   * window for it. Data for which the kernel has no room is taken all the same: the window was promised.
   */
  #withheld(change: number): void {
    const withholding = this.#needWithholding();
    withholding.delivered(change);
    if (this.#unread === 0 || isClosed(this.#phase) || isGone(this.#phase) || !this.context.isExact) return;
    withholding.beginPeeking(this.context.loop.native, this.#slot);
    this.#openWindow();
  }

  #needWithholding(): Withholding {
    return (this.#withholding ??= new Withholding(this.context.timers, this, this.receiveWindowBytes));
  }

  consume(bytes: number): void {
    this.#unread -= bytes;
    assert(this.#unread >= 0, 'no more is consumed than was delivered');
    if (this.#withholding === undefined) return;
    if (!this.#isDelivering) this.#withholding.consumed(bytes);
    this.#openWindow();
    if (!this.#isDelivering) this.#adjustReading();
  }

  setReading(on: boolean): void {
    const withholding = this.#needWithholding();
    withholding.setOff(!on);
    if (on && withholding.hasStash) this.#deliverStashSoon(withholding);
    else this.#adjustReading();
  }

  #deliverStashSoon(withholding: Withholding): void {
    this.context.post(() => {
      if (withholding.isOff || isClosed(this.#phase) || isGone(this.#phase)) return;
      const stash = withholding.takeStash();
      if (stash === undefined) return;
      this.#deliver(stash);
      if (hasPeerEnded(this.#phase)) this.#reportEnd();
      else this.#adjustReading();
    });
  }

  setTakesLoans(on: boolean): void {
    this.#takesLoans = on;
  }

  setTakesViews(on: boolean): void {
    this.#takesViews = on;
  }

  #openWindow(): void {
    if (this.#withholding === undefined || isGone(this.#phase)) return;
    if (this.#withholding.openWindow(this.#unread)) this.#armIn(WINDOW_CHECK_MS);
  }

  onMayReceive(): void {
    this.#adjustReading();
  }

  #adjustReading(): void {
    if (isClosed(this.#phase) || isGone(this.#phase)) return;
    this.#withholding?.pauseIfFull();
    const window = this.#withholding?.isHolding === true ? 0 : this.receiveWindowBytes - this.#unread;
    const reading = Math.max(0, Math.min(READ_BYTES, window));
    if (reading === this.#reading) return;
    this.#reading = reading;
    const result = this.context.loop.native.setReading(this.#slot, reading);
    if (result < 0) this.#refusedSoon(result);
  }

  onSocketStarved(): void {
    this.#reading = 0;
    this.#retryLater();
  }

  // ---- the end

  shutdown(): void {
    letLeave();
    this.#on('shutdown');
  }

  close(): void {
    letLeave();
    this.#on('close');
  }

  /** Sends the bytes before our FIN. The FIN follows after this turn, so that `abort` can still reset. */
  #endSending(): void {
    this.#queue?.release();
    this.#push();
    this.context.post(() => {
      if (this.#fin === 'queued') this.#fin = 'due';
      this.#sendFin();
    });
  }

  #beginClosing(): void {
    if (isGone(this.#phase)) return;
    this.#withholding?.drop();
    const result = this.context.loop.native.discard(this.#slot);
    if (result < 0) {
      this.#refusedSoon(result);
      return;
    }
    // Bytes that were acknowledged before `close` are no progress of the closing connection.
    this.#askForAcks();
    if (this.#share.outstanding > 0)
      this.#closing ??= new Closing(this.context, this, this.#share.outstanding);
    if (isFinSent(this.#phase)) this.context.post(() => this.#endIfDone());
  }

  /** Sends our FIN once the queue is empty. */
  #sendFin(): void {
    if (this.#fin === 'queued' || this.#queue !== undefined) return;
    if (isFinDue(this.#phase)) {
      const result = this.context.loop.native.shutdown(this.#slot);
      if (result < 0) this.#refusedSoon(result);
      else this.#on('finSent');
    } else {
      this.#endIfDone();
    }
  }

  /**
   * Ends the connection once both sides have sent their FIN, or the program has closed it, and all bytes are
   * acknowledged. After `close` the peer's FIN is waited for without the program.
   */
  #endIfDone(): void {
    const phase = this.#phase;
    if (!isFinSent(phase) || (!hasPeerEnded(phase) && !isClosed(phase))) return;
    // Data that was received before the peer's FIN is delivered first.
    if (this.#withholding?.hasStash === true) return;
    this.#countLastAcks();
    const events = this.#events;
    if (events === undefined || isGone(this.#phase) || this.#share.outstanding > 0) return;
    this.#withholding?.drop();
    // Acknowledged is not read: the peer may still have all of it before it.
    const keepsProcess = this.#keepsAlive && this.#share.acked > 0;
    const peerEnded = hasPeerEnded(this.#phase);
    this.#on('end');
    if (peerEnded) this.context.loop.native.close(this.#slot);
    else new LingeringSocket(this.context, this.#slot, keepsProcess);
    events.onClosed(undefined);
  }

  /** The kernel reports when our FIN is acknowledged; the bytes before it are asked for by the clock. */
  #countLastAcks(): void {
    this.#countAcked();
    const reports = (this.#reports ??= new SendReports());
    this.#report(reports);
    if (isGone(this.#phase) || this.#share.outstanding === 0) return;
    this.#closing ??= new Closing(this.context, this, this.#share.outstanding);
    if (this.#fin === 'awaited') return;
    this.#fin = 'awaited';
    // If the kernel refuses, the clock finds out a moment later.
    this.context.loop.native.awaitFinAck(this.#slot);
    if (this.#timer?.armed !== true) this.#armIn(reports.checkMs);
  }

  lookForAcks(): void {
    if (isGone(this.#phase)) return;
    this.#countAcked();
    // These bytes were acknowledged some time ago: a timeout that is due now is reported first.
    this.#checkAcksSoon();
  }

  onClosingFailed(fault: Fault): void {
    this.#failSoon(fault);
  }

  onSocketEnd(): void {
    this.#on('peerEnded');
  }

  #reportEnd(): void {
    if (!isClosed(this.#phase)) this.#events?.onEnd();
    this.#endIfDone();
  }

  abort(): void {
    // Gathered bytes leave before the slot is another socket's.
    letLeave();
    if (this.#phase === Phase.OVER) return;
    this.#on('end');
    // The socket is freed whatever the system says.
    this.context.loop.native.reset(this.#slot);
  }

  drop(): void {
    letLeave();
    if (this.#phase === Phase.OVER) return;
    this.#on('end');
    this.context.loop.native.close(this.#slot);
  }

  holding(): 'connections' {
    return 'connections';
  }

  reset(): void {
    this.abort();
  }

  /** Gives up everything but the socket, which the caller closes. */
  #letGo(): void {
    const { loop } = this.context;
    this.#events = undefined;
    this.#share.end();
    this.#closing?.end();
    if (this.#keepsAlive) loop.keepProcess(false);
    loop.release(this.#slot);
    this.#queue = undefined;
    if (this.#timer !== undefined) loop.timers.disarm(this.#timer);
    this.#withholding?.end();
  }

  onSocketFailed(refusal: number): void {
    this.#fail(this.#faultOf(refusal));
  }

  #faultOf(refusal: number): Fault {
    return connectionFault(systemError(refusal), false);
  }

  onSocketBroke(error: unknown): void {
    this.#fail(brokenBy(error));
  }

  #refusedSoon(refusal: number): void {
    this.#failSoon(this.#faultOf(refusal));
  }

  /** Ends the connection from inside a method: the event comes when that has returned. */
  #failSoon(fault: Fault): void {
    if (isGone(this.#phase)) return;
    this.#on('fault');
    this.#fault = fault;
    this.context.post(() => {
      this.#reportFault();
    });
  }

  /** Ends the connection from the loop. A fault that is known already, and on its way, counts. */
  #fail(fault: Fault): void {
    this.#on('fault');
    this.#fault ??= fault;
    this.#reportFault();
  }

  #reportFault(): void {
    if (this.#phase === Phase.OVER) return;
    const events = this.#events;
    // With a FIN the peer would take what it has of our stream for the whole.
    this.abort();
    events?.onClosed(this.#fault);
  }

  // ---- time

  #retryLater(): void {
    this.#armIn(STARVED_RETRY_MS);
  }

  #armIn(ms: number): void {
    const { timers } = this.context.loop;
    this.#timer ??= new Timer(this);
    timers.armBy(this.#timer, timers.nowMs() + ms);
  }

  due(): void {
    this.#queue?.unblock();
    this.#push();
    this.#sendFin();
    this.#adjustReading();
    this.#openWindow();
    const reports = this.#reports;
    const isAwaited = reports?.watchesAcks === true || this.#closing !== undefined;
    if (reports === undefined || !isAwaited || this.#share.outstanding === 0) return;
    reports.slowDown();
    this.#checkAcks();
    if (!isGone(this.#phase) && this.#share.outstanding > 0 && this.#timer?.armed !== true) {
      this.#armIn(reports.checkMs);
    }
  }

  // ---- options: on a connection that is over already they have nothing to set

  setNoDelay(on: boolean): void {
    if (!isGone(this.#phase)) this.context.loop.native.noDelay(this.#slot, on ? 1 : 0);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    if (isGone(this.#phase)) return;
    const idleS = Math.ceil(idleMs / 1000);
    const intervalS = Math.ceil(intervalMs / 1000);
    this.context.loop.native.keepAlive(this.#slot, idleS, intervalS, probes);
  }

  setKeepsAlive(on: boolean): void {
    if (on === this.#keepsAlive || this.#phase === Phase.OVER) return;
    this.#keepsAlive = on;
    this.context.loop.keepProcess(on);
  }
}

function brokenBy(error: unknown): Fault {
  return { code: ErrorCode.ERR_ABRT, cause: error instanceof Error ? error : new Error(String(error)) };
}
