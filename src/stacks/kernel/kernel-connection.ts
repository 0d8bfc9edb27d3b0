/**
 * One established connection on the kernel's TCP. The native addon makes the system calls; this class decides
 * which and when.
 *
 * Bytes are sent by the `Outbox`. Received bytes go: the addon's page → `onSocketData` → `onData` →
 * `consume`.
 *
 * The life is a phase (`connection-phase.ts`): `#on` is the one place that changes it. State that only some
 * connections need is an object of its own, made at its first use.
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
  type PathFigures,
  type SendFlags,
} from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { flushGathered, runTicks } from '../../support/callback-scope.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import {
  beforePeerEnded,
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
import { showConnection, type Show } from '../system/show-connection.js';
import { connectionFault } from '../system/system-fault.js';
import { Closing, type ClosingOwner } from '../system/closing.js';
import type { ConnectionContext } from './connection-context.js';
import { LingeringSocket } from './lingering-socket.js';
import { Outbox, type OutboxOwner } from './outbox.js';
import type { SocketEnds, StreamOwner } from './socket-loop.js';
import { isBehindReset, systemError } from './system-error.js';
import { Withholding, type WithholdingOwner } from './withholding.js';

/** Interval of the checks of a withholding connection's window. */
const WINDOW_CHECK_MS = 100;
/** Time after which sending and receiving are retried when the kernel had no memory. */
const STARVED_RETRY_MS = 100;

/** Linux's numbers (`tcp_states.h`) of the states that follow our FIN. */
const STATES_AFTER_FIN: Readonly<Record<number, TcpState>> = {
  4: TcpState.FIN_WAIT_1,
  5: TcpState.FIN_WAIT_2,
  6: TcpState.TIME_WAIT,
  9: TcpState.LAST_ACK,
  11: TcpState.CLOSING,
};

export class KernelConnection
  implements Connection, StreamOwner, TimerOwner, ClosingOwner, OutboxOwner, WithholdingOwner
{
  // The fields that every message touches come first.

  /** The receiver of the events; `undefined` until `begin` got it, and once no further event may come. */
  #events: ConnectionEvents | undefined;
  readonly context: ConnectionContext;
  /** Meaningful until the phase is OVER. */
  readonly #slot: number;
  #phase: Phase = Phase.OPEN;
  readonly #outbox: Outbox;
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
  /**
   * `queued`: the turn that asked for our FIN is not over. `due`: our FIN follows the last byte. `awaited`:
   * its acknowledgement is awaited.
   */
  #fin: 'queued' | 'due' | 'awaited' = 'queued';
  /** Set from `close` until all bytes are acknowledged. */
  #closing: Closing | undefined;
  #timer: Timer | undefined;
  /** Fault that ended the connection; set in the phase FAILED. */
  #fault: Fault | undefined;

  constructor(context: ConnectionContext, slot: number, ends: SocketEnds, receiveWindowBytes: number) {
    this.context = context;
    this.#slot = slot;
    this.receiveWindowBytes = receiveWindowBytes;
    this.local = ends.local;
    this.remote = ends.remote;
    this.#outbox = new Outbox(context, slot, this);
    context.loop.adopt(slot, this);
    this.setKeepsAlive(true);
    this.#adjustReading();
  }

  /** Shows the connection to its user, who returns the receiver of its events, or refuses it. */
  begin(show: Show): void {
    const events = showConnection(this, show);
    // The user may have ended the connection already.
    if (this.#phase !== Phase.OVER) this.#events = events;
  }

  // ---- the phase

  /** Changes the phase and acts on the change. No other method changes the phase. */
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
        // `#reportFault` follows, now or in a posted job.
        break;
      case 'end':
        this.#letGo();
        break;
    }
  }

  state(): TcpState {
    // The peer's FIN is shown when no data waits before it.
    if (this.#withholding?.hasStash === true) return PHASES[beforePeerEnded(this.#phase)].state;
    const { state } = PHASES[this.#phase];
    // After our FIN the kernel knows more than the events that it has sent so far.
    return isFinSent(this.#phase) ? (STATES_AFTER_FIN[this.#nativeState()] ?? state) : state;
  }

  #nativeState(): number {
    return this.context.loop.native.state(this.#slot);
  }

  mss(): number {
    return this.isOver() ? 0 : Math.max(0, this.context.loop.native.mss(this.#slot));
  }

  heardAgoMs(): number | undefined {
    if (this.isOver()) return undefined;
    const ms = this.context.loop.native.heardAgo(this.#slot);
    return ms < 0 ? undefined : ms;
  }

  path(): PathFigures | undefined {
    const words = this.isOver() ? undefined : this.context.loop.path(this.#slot);
    if (words === undefined) return undefined;
    const [mss = 0, heardAgoMs = 0, roundTripUs = 0, retransmissions, peerWindow = -1, unanswered] = words;
    return {
      mss,
      heardAgoMs,
      roundTripMs: roundTripUs === 0 ? undefined : roundTripUs / 1000,
      retransmissions,
      peerWindow: peerWindow < 0 ? undefined : peerWindow,
      unanswered,
    };
  }

  undelivered(): number | undefined {
    if (this.isOver()) return 0;
    const waiting = this.context.loop.native.waiting(this.#slot);
    return waiting < 0 ? undefined : (this.#withholding?.undelivered(waiting) ?? waiting);
  }

  // ---- sending

  sendSpace(): number {
    return this.#outbox.sendSpace();
  }

  hasSpaceFor(bytes: number): boolean {
    return bytes === this.#outbox.fitting(bytes);
  }

  unacknowledged(): number {
    if (this.isOver()) return 0;
    this.#outbox.askForAcks();
    return this.#outbox.outstanding;
  }

  queued(): number {
    return this.isOver() ? 0 : this.#outbox.queued();
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    return this.#outbox.enqueue(bytes, flags);
  }

  flush(): void {
    this.#outbox.flush();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    return this.#outbox.enqueueAndFlush(bytes, flags);
  }

  enqueueAllAndFlush(pieces: readonly Uint8Array[]): number {
    return this.#outbox.enqueueAllAndFlush(pieces);
  }

  setReportsAcks(on: boolean): void {
    if (!this.isOver()) this.#outbox.setReportsAcks(on);
  }

  setReportsDrained(on: boolean): void {
    if (!this.isOver()) this.#outbox.setReportsDrained(on);
  }

  setWantsSpace(bytes: number): void {
    if (!this.isOver()) this.#outbox.setWantsSpace(bytes);
  }

  canSend(): boolean {
    return canSend(this.#phase);
  }

  isOver(): boolean {
    return isGone(this.#phase);
  }

  onProgress(): void {
    this.#closing?.progressed(this.#outbox.outstanding);
  }

  onReported(): void {
    this.#endIfDone();
  }

  onAcked(bytes: number): void {
    this.#events?.onAcked(bytes);
    // Space, or the end, may follow as the next event.
    runTicks();
  }

  onSpaceFreed(): void {
    this.#events?.onSpaceFreed?.();
  }

  onDrained(): void {
    this.#events?.onDrained?.();
  }

  onSocketAcked(bytes: number): void {
    this.#outbox.onSocketAcked(bytes);
  }

  onSocketWritable(): void {
    this.#outbox.unblock();
    this.#outbox.push();
    this.#sendFin();
  }

  onSendShort(rest: Uint8Array, refusal: number): void {
    this.#outbox.keepRest(rest, SendFlag.COPY, refusal);
  }

  onSendBroke(error: unknown): void {
    this.failSoon(brokenBy(error));
  }

  // ---- receiving

  onSocketData(place: number, bytes: number): void {
    // A send has found the end already: data that was polled before comes too late.
    if (this.isOver()) return;
    const withholding = this.#withholding;
    withholding?.received(bytes);
    if (isClosed(this.#phase)) {
      withholding?.drop();
      return;
    }
    const { pages } = this.context.loop;
    if (withholding !== undefined && (withholding.isOff || withholding.hasStash)) {
      // The poll received this piece before reading was switched off. A poll receives once from each socket.
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

  /**
   * Returns received bytes. Fails the connection if they are lost: a program has detached their page together
   * with an older piece.
   */
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
   * Acts on data that the program did not consume. From now on delivered data stays in the kernel, which
   * closes the window for it. Data for which the kernel has no room is taken all the same: the window was
   * promised.
   */
  #withheld(change: number): void {
    const withholding = this.#needWithholding();
    withholding.delivered(change);
    if (this.#unread === 0 || isClosed(this.#phase) || this.isOver() || !this.context.isExact) return;
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
      if (withholding.isOff || isClosed(this.#phase) || this.isOver()) return;
      const stash = withholding.takeStash();
      if (stash === undefined) return;
      this.#deliver(stash);
      runTicks();
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
    if (this.#withholding === undefined || this.isOver()) return;
    if (this.#withholding.openWindow(this.#unread)) this.#armIn(WINDOW_CHECK_MS);
  }

  onMayReceive(): void {
    this.#adjustReading();
  }

  #adjustReading(): void {
    if (isClosed(this.#phase) || this.isOver()) return;
    this.#withholding?.pauseIfFull();
    const window = this.#withholding?.isHolding === true ? 0 : this.receiveWindowBytes - this.#unread;
    const reading = Math.max(0, Math.min(READ_BYTES, window));
    if (reading === this.#reading) return;
    this.#reading = reading;
    const result = this.context.loop.native.setReading(this.#slot, reading);
    if (result < 0) this.refusedSoon(result);
  }

  onSocketStarved(): void {
    this.#reading = 0;
    this.retryLater();
  }

  // ---- the end

  shutdown(): void {
    flushGathered();
    this.#on('shutdown');
  }

  close(): void {
    flushGathered();
    this.#on('close');
  }

  /** Sends the bytes before our FIN. The FIN follows after this turn, so that `abort` can still reset. */
  #endSending(): void {
    this.#outbox.flushAll();
    this.context.post(() => {
      if (this.#fin === 'queued') this.#fin = 'due';
      this.#sendFin();
    });
  }

  #beginClosing(): void {
    if (this.isOver()) return;
    this.#withholding?.drop();
    const result = this.context.loop.native.discard(this.#slot);
    if (result < 0) {
      this.refusedSoon(result);
      return;
    }
    // Bytes that were acknowledged before `close` are no progress of the closing connection.
    this.#outbox.askForAcks();
    this.#awaitProgress();
    if (isFinSent(this.#phase)) this.context.post(() => this.#endIfDone());
  }

  /** Sends our FIN once the queue is empty. */
  #sendFin(): void {
    if (this.#fin === 'queued' || !this.#outbox.isEmpty) return;
    if (isFinDue(this.#phase)) {
      const result = this.context.loop.native.shutdown(this.#slot);
      if (result >= 0) this.#on('finSent');
      else if (!isBehindReset(result)) this.refusedSoon(result);
    } else {
      this.#endIfDone();
    }
  }

  /**
   * Ends the connection once both sides have sent their FIN, or the program has closed it, and all bytes are
   * acknowledged. After `close` a `LingeringSocket` waits for the peer's FIN.
   */
  #endIfDone(): void {
    const phase = this.#phase;
    if (!isFinSent(phase) || (!hasPeerEnded(phase) && !isClosed(phase))) return;
    // Data that was received before the peer's FIN is delivered first.
    if (this.#withholding?.hasStash === true) return;
    this.#countLastAcks();
    const events = this.#events;
    if (events === undefined || this.isOver() || this.#outbox.outstanding > 0) return;
    this.#withholding?.drop();
    // The peer has acknowledged the bytes but may not have read them.
    const keepsProcess = this.#keepsAlive && this.#outbox.acked > 0;
    const peerEnded = hasPeerEnded(this.#phase);
    this.#on('end');
    if (peerEnded) this.context.loop.native.close(this.#slot);
    else new LingeringSocket(this.context, this.#slot, keepsProcess);
    events.onClosed(undefined);
  }

  /**
   * Counts acknowledgements up to our FIN. The kernel reports that of the FIN; a timer asks for those before
   * it.
   */
  #countLastAcks(): void {
    this.#outbox.countAcked();
    this.#outbox.report();
    if (this.isOver() || this.#outbox.outstanding === 0) return;
    this.#awaitProgress();
    if (this.#fin === 'awaited') return;
    this.#fin = 'awaited';
    this.#outbox.awaitFinAck();
  }

  #awaitProgress(): void {
    const { outstanding } = this.#outbox;
    if (outstanding > 0) this.#closing ??= new Closing(this.context, this, outstanding);
  }

  lookForProgress(): void {
    if (this.isOver()) return;
    this.#outbox.countAcked();
    // These bytes were acknowledged some time ago: a timeout that is due now is reported first.
    this.#outbox.checkSoon();
  }

  onClosingFailed(fault: Fault): void {
    this.failSoon(fault);
  }

  onSocketEnd(): void {
    this.#on('peerEnded');
  }

  #reportEnd(): void {
    if (!isClosed(this.#phase)) {
      this.#events?.onEnd();
      // The end of the connection may follow as the next event.
      runTicks();
    }
    this.#endIfDone();
  }

  abort(): void {
    // Gathered bytes leave before the slot belongs to another socket.
    flushGathered();
    if (this.#phase === Phase.OVER) return;
    this.#on('end');
    // The socket is freed even if the call fails.
    this.context.loop.native.reset(this.#slot);
  }

  drop(): void {
    flushGathered();
    if (this.#phase === Phase.OVER) return;
    this.#on('end');
    this.context.loop.native.close(this.#slot);
  }

  gatherInTurn(): void {
    this.context.loop.shareTurns();
    this.#outbox.gatherInTurn();
  }

  leaveAtExit(): void {
    if (!this.isOver()) this.context.loop.native.leave(this.#slot);
  }

  holding(): 'connections' {
    return 'connections';
  }

  hasTimer(): boolean {
    return this.#timer?.armed === true;
  }

  reset(): void {
    this.abort();
  }

  /** Gives up everything but the socket, which the caller closes. */
  #letGo(): void {
    const { loop } = this.context;
    this.#events = undefined;
    this.#outbox.end();
    this.#closing?.end();
    if (this.#keepsAlive) loop.keepProcess(false);
    loop.release(this.#slot);
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

  refusedSoon(refusal: number): void {
    this.failSoon(this.#faultOf(refusal));
  }

  /** Ends the connection from inside a method: the event comes when the method has returned. */
  failSoon(fault: Fault): void {
    if (this.isOver()) return;
    this.#on('fault');
    this.#fault = fault;
    this.context.post(() => {
      this.#reportFault();
    });
  }

  /** Ends the connection from the loop. An earlier fault that is not reported yet counts. */
  #fail(fault: Fault): void {
    this.#on('fault');
    this.#fault ??= fault;
    this.#reportFault();
  }

  #reportFault(): void {
    if (this.#phase === Phase.OVER) return;
    const events = this.#events;
    // A FIN would make a stream that was cut look complete.
    this.abort();
    events?.onClosed(this.#fault);
  }

  // ---- time

  retryLater(): void {
    this.#armIn(STARVED_RETRY_MS);
  }

  #armIn(ms: number): void {
    const { timers } = this.context.loop;
    this.#timer ??= new Timer(this);
    timers.armBy(this.#timer, timers.nowMs() + ms);
  }

  awaitCheck(ms: number): void {
    if (this.#timer?.armed !== true) this.#armIn(ms);
  }

  checkIn(ms: number): void {
    this.#armIn(ms);
  }

  due(): void {
    this.#outbox.unblock();
    this.#outbox.push();
    this.#sendFin();
    this.#adjustReading();
    this.#openWindow();
    if (!this.isOver()) this.#outbox.due(this.#closing !== undefined);
  }

  // ---- options: without effect once the connection is over

  setNoDelay(on: boolean): void {
    if (!this.isOver()) this.context.loop.native.noDelay(this.#slot, on ? 1 : 0);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    if (this.isOver()) return;
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
