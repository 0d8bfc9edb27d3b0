/**
 * One connection on the TCP of `netstack`. TCP notes what happens; `report` finds the next event of the
 * program in that. Bytes are sent by `Outgoing`. Received bytes wait in TCP's receive buffer: `peek` →
 * `onData` → `skip` → `consume`.
 *
 * The life of a connection: `open` → `lingering`, when its end was reported and TCP still waits for the
 * peer → `gone`.
 */
import { TcpEvent, type TcpSocket } from '../../netstack/raw-api.js';
import { TcpState } from '../../port/tcp-state.js';
import type {
  Connection,
  ConnectionEvents,
  Endpoint,
  Fault,
  PathFigures,
  SendFlags,
} from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { flushGathered } from '../../support/callback-scope.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { closeTimeoutFault, detachedFault, failureFault } from './faults.js';
import { Outgoing, type OutgoingOwner } from './outgoing.js';
import { PiecePace } from './piece-pace.js';
import { Reporter } from './reporter.js';
import type { HeldConnection, StackContext } from './stack-context.js';

/**
 * Time without a sign of the peer after which a lingering connection no longer waits for its FIN: lwIP's
 * FIN_WAIT_2.
 */
const FIN_WAIT_MS = 20_000;
/** Time after which a connection no longer lingers for a peer that goes on sending. */
const LONGEST_LINGER_MS = 300_000;

/** The state before the peer's FIN, for each state after it. */
const BEFORE_PEERS_FIN: Readonly<Partial<Record<TcpState, TcpState>>> = {
  [TcpState.CLOSE_WAIT]: TcpState.ESTABLISHED,
  [TcpState.CLOSING]: TcpState.FIN_WAIT_1,
  [TcpState.LAST_ACK]: TcpState.FIN_WAIT_1,
  [TcpState.TIME_WAIT]: TcpState.FIN_WAIT_2,
  [TcpState.CLOSED]: TcpState.FIN_WAIT_2,
};
/** The state after this side's FIN was asked for, for each state before it. */
const AFTER_OWN_FIN: Readonly<Partial<Record<TcpState, TcpState>>> = {
  [TcpState.ESTABLISHED]: TcpState.FIN_WAIT_1,
  [TcpState.CLOSE_WAIT]: TcpState.LAST_ACK,
};

export class VirtualConnection
  extends Reporter
  implements Connection, HeldConnection, TimerOwner, OutgoingOwner
{
  next: HeldConnection | undefined;
  previous: HeldConnection | undefined;
  readonly #context: StackContext;
  readonly #socket: TcpSocket;
  readonly #outgoing: Outgoing;
  /** The receiver of the events; `undefined` until `begin` got it, and once no further event may come. */
  #events: ConnectionEvents | undefined;
  #life: 'open' | 'lingering' | 'gone' = 'open';
  /** Fault that ended the connection, to be reported. */
  #fault: Fault | undefined;

  // ---- receiving

  #isReading = true;
  #takesViews = false;
  /** Bytes that were delivered and not consumed. */
  #unconsumed = 0;
  /** Length of the view that `onData` has at this moment. */
  #lent = 0;
  /** Bytes that were consumed while `onData` had a view. */
  #consumedMeanwhile = 0;
  #pace: PiecePace | undefined;
  #isEndReported = false;

  // ---- sending

  #reportsAcks = false;
  #reportsDrained = false;
  #wantedSpace = 0;
  /** True after an event of the sending half: data, if there is some, has its turn. */
  #isDataNext = false;

  // ---- the end

  #isClosed = false;
  /**
   * `asked`: the turn that asked for this side's FIN is not over, so that `abort` can still reset. `due`: FIN
   * follows the bytes that TCP has not taken yet. `sent`: TCP sends it.
   */
  #fin: 'none' | 'asked' | 'due' | 'sent' = 'none';
  /** An end that was asked for while `onData` had a view of TCP's memory. */
  #endAsked: 'none' | 'drop' | 'abort' = 'none';
  #timer: Timer | undefined;
  /** Time since which the peer has acknowledged nothing of a connection that ends. */
  #progressMs = 0;
  #lingersUntilMs = Number.POSITIVE_INFINITY;
  #local: Endpoint | undefined;
  #remote: Endpoint | undefined;

  constructor(context: StackContext, socket: TcpSocket) {
    super();
    this.#context = context;
    this.#socket = socket;
    this.#outgoing = new Outgoing(context, socket, this);
    socket.owner = this;
    context.connections.add(this);
  }

  /**
   * Shows the connection to the program, which returns the receiver of its events. Without one, also because
   * `show` threw, the connection is reset.
   */
  begin(show: () => ConnectionEvents | undefined): void {
    let events: ConnectionEvents | undefined;
    try {
      events = show();
    } finally {
      if (events === undefined) this.abort();
      else if (this.#life === 'open') this.#events = events;
      this.#look();
    }
  }

  get local(): Endpoint {
    const { localAddress, localPort } = this.#socket;
    return (this.#local ??= { address: localAddress.toString(), port: localPort });
  }

  get remote(): Endpoint {
    const { remoteAddress, remotePort } = this.#socket;
    return (this.#remote ??= { address: remoteAddress.toString(), port: remotePort });
  }

  get receiveWindowBytes(): number {
    return this.#socket.receiveWindowBytes;
  }

  /** Has `report` called. */
  #look(): void {
    this.#context.turns.add(this);
  }

  // ---- the program's events

  report(): boolean {
    const noted = this.#socket.takeEvents();
    if (noted !== 0) this.#note(noted);
    const events = this.#events;
    if (events === undefined) return false;
    if (this.#fault !== undefined) {
      this.#leave();
      events.onClosed(this.#fault);
      return true;
    }
    if (this.#isDataNext) {
      this.#isDataNext = false;
      if (this.#reportData(events)) return true;
    }
    return (
      this.#reportProgress(events) ||
      this.#reportData(events) ||
      this.#reportEnd(events) ||
      this.#reportClosed(events)
    );
  }

  #note(noted: number): void {
    if ((noted & (TcpEvent.ACKED | TcpEvent.DRAINED)) !== 0) {
      if (this.#fin !== 'none' && (noted & TcpEvent.ACKED) !== 0) this.#progressMs = this.#context.nowMs();
      this.#outgoing.progressed();
      if (this.#fin === 'due') this.#sendFin();
    }
    if ((noted & TcpEvent.CLOSED) === 0) return;
    const { failure } = this.#socket;
    if (this.#life === 'lingering') this.#leave();
    else if (failure !== undefined) this.#fail(failureFault(failure));
  }

  /** Ends the connection: `report` calls the event. An earlier fault counts. */
  #fail(fault: Fault): void {
    if (this.#life !== 'open' || this.#fault !== undefined) return;
    this.#fault = fault;
    this.#outgoing.forget();
    this.#look();
  }

  #reportProgress(events: ConnectionEvents): boolean {
    if (this.#reportsAcks) {
      const bytes = this.#socket.takeAcked();
      if (bytes > 0) {
        this.#isDataNext = true;
        events.onAcked(bytes);
        return true;
      }
    }
    if (this.#wantedSpace > 0 && this.#outgoing.isOpen && this.#hasWantedSpace()) {
      this.#wantedSpace = 0;
      this.#isDataNext = true;
      events.onSpaceFreed?.();
      return true;
    }
    if (!this.#reportsDrained || !this.#outgoing.takeDrained()) return false;
    this.#isDataNext = true;
    events.onDrained?.();
    return true;
  }

  /** With nothing unacknowledged there will be no more space: the request counts as met. */
  #hasWantedSpace(): boolean {
    return this.#outgoing.sendSpace() >= this.#wantedSpace || this.#outgoing.unacknowledged() === 0;
  }

  #reportData(events: ConnectionEvents): boolean {
    if (!this.#isReading || this.#isClosed) return false;
    if (this.#socket.readable() === 0 || this.#mustJoin()) return false;
    const view = this.#socket.peek();
    const { length } = view;
    this.#unconsumed += length;
    if (!this.#takesViews) {
      const own = view.slice();
      this.#socket.skip(length);
      events.onData(own);
      this.#delivered();
      return true;
    }
    this.#lent = length;
    try {
      events.onData(view);
    } finally {
      this.#viewReturned();
    }
    this.#delivered();
    return true;
  }

  /** Gives TCP its memory back, and does now what the program asked for meanwhile. */
  #viewReturned(): void {
    const length = this.#lent;
    this.#lent = 0;
    this.#socket.skip(length);
    if (this.#consumedMeanwhile > 0) {
      this.#socket.consume(this.#consumedMeanwhile);
      this.#consumedMeanwhile = 0;
    }
    if (this.#endAsked === 'abort') this.#socket.abort();
    else if (this.#endAsked === 'drop') this.#socket.close();
  }

  /** Counts the piece if some of it is withheld. */
  #delivered(): void {
    if (this.#unconsumed === 0) return;
    this.#pace ??= new PiecePace(this.receiveWindowBytes);
    this.#pace.delivered(this.#context.nowMs());
  }

  /** Returns true if the next piece has to wait, and is joined with what arrives meanwhile. */
  #mustJoin(): boolean {
    if (this.#pace === undefined || this.#unconsumed === 0) return false;
    const atMs = this.#pace.nextMs();
    if (this.#context.nowMs() >= atMs) return false;
    this.#arm(atMs);
    return true;
  }

  #reportEnd(events: ConnectionEvents): boolean {
    if (this.#isEndReported || this.#isClosed || !this.#socket.hasEnded()) return false;
    this.#isEndReported = true;
    this.#awaitPeer();
    events.onEnd();
    return true;
  }

  #reportClosed(events: ConnectionEvents): boolean {
    const isPeerDone = this.#isClosed || this.#isEndReported;
    if (this.#fin !== 'sent' || !isPeerDone || this.#outgoing.unacknowledged() > 0) return false;
    if (this.#isTcpDone()) this.#leave();
    else this.#linger();
    events.onClosed(undefined);
    return true;
  }

  /** Returns true if TCP needs this connection's program no more. */
  #isTcpDone(): boolean {
    const { state } = this.#socket;
    return state === TcpState.CLOSED || state === TcpState.TIME_WAIT;
  }

  // ---- getters

  /** Returns true once the connection has ended, reported or not. */
  #isOver(): boolean {
    return this.#life !== 'open' || this.#fault !== undefined || this.#socket.failure !== undefined;
  }

  state(): TcpState {
    if (this.#isOver()) return TcpState.CLOSED;
    let state: TcpState = this.#socket.state;
    // The peer's FIN is shown when no data waits before it.
    if (this.undelivered() > 0 && !this.#isClosed) state = BEFORE_PEERS_FIN[state] ?? state;
    return this.#fin === 'none' ? state : (AFTER_OWN_FIN[state] ?? state);
  }

  mss(): number {
    return this.#isOver() ? 0 : this.#socket.sendMss;
  }

  heardAgoMs(): number | undefined {
    return this.#isOver() ? undefined : this.#socket.heardAgoMs();
  }

  path(): PathFigures | undefined {
    if (this.#isOver()) return undefined;
    const { smoothedRttMs, totalRetransmissions, peerWindowBytes, unansweredRetransmissions } =
      this.#socket.info();
    return {
      mss: this.#socket.sendMss,
      heardAgoMs: this.#socket.heardAgoMs(),
      roundTripMs: smoothedRttMs,
      retransmissions: totalRetransmissions,
      peerWindow: peerWindowBytes,
      unanswered: unansweredRetransmissions,
    };
  }

  undelivered(): number {
    return this.#socket.readable() - this.#lent;
  }

  // ---- sending

  sendSpace(): number {
    return this.#isOver() ? 0 : this.#outgoing.sendSpace();
  }

  hasSpaceFor(bytes: number): boolean {
    return this.sendSpace() >= bytes;
  }

  unacknowledged(): number {
    return this.#isOver() ? 0 : this.#outgoing.unacknowledged();
  }

  queued(): number {
    return this.#isOver() ? 0 : this.#outgoing.queued();
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    return this.#outgoing.enqueue(bytes, flags);
  }

  flush(): void {
    this.#outgoing.flush();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    return this.#outgoing.enqueueAndFlush(bytes, flags);
  }

  onBytesLost(): void {
    this.#socket.abort();
    this.#fail(detachedFault());
  }

  onDrained(): void {
    if (this.#reportsDrained) this.#look();
  }

  setReportsAcks(on: boolean): void {
    this.#reportsAcks = on;
    if (on) this.#look();
  }

  setReportsDrained(on: boolean): void {
    this.#reportsDrained = on;
    if (on) this.#look();
  }

  setWantsSpace(bytes: number): void {
    this.#wantedSpace = bytes;
    if (bytes > 0) this.#look();
  }

  // ---- receiving

  consume(bytes: number): void {
    const before = this.#unconsumed;
    this.#unconsumed -= bytes;
    assert(this.#unconsumed >= 0, 'no more is consumed than was delivered');
    if (this.#isClosed || this.#isOver()) return;
    if (this.#pace !== undefined) {
      this.#pace.consumed(before, this.#unconsumed);
      if (this.undelivered() > 0) this.#look();
    }
    if (this.#lent > 0) {
      this.#consumedMeanwhile += bytes;
      return;
    }
    this.#socket.consume(bytes);
    this.#context.wake();
  }

  setReading(on: boolean): void {
    this.#isReading = on;
    if (on) this.#look();
  }

  setTakesViews(on: boolean): void {
    this.#takesViews = on;
  }

  setTakesLoans(): void {
    // TCP's memory is needed for the next segments.
  }

  // ---- the end

  shutdown(): void {
    if (this.#fin !== 'none' || this.#isOver()) return;
    this.#askForFin();
    this.#awaitPeer();
  }

  close(): void {
    if (this.#isClosed || this.#isOver()) return;
    this.#isClosed = true;
    if (this.#fin === 'none') this.#askForFin();
    else this.#context.turns.post(() => this.#sendFin());
    this.#awaitPeer();
  }

  #askForFin(): void {
    this.#fin = 'asked';
    this.#outgoing.end();
    this.#context.turns.post(() => this.#sendFin());
  }

  #sendFin(): void {
    if (this.#life === 'gone' || this.#fault !== undefined) return;
    this.#fin = this.#outgoing.isHandedOver ? 'sent' : 'due';
    if (this.#fin === 'due') return;
    if (this.#isClosed) this.#socket.close(true);
    else this.#socket.shutdown();
    this.#look();
  }

  drop(): void {
    flushGathered();
    if (this.#life === 'gone') return;
    // Data that is unread is lost, and the peer has to learn of that.
    if (this.#isOver() || this.undelivered() > 0) {
      this.abort();
      return;
    }
    this.#isClosed = true;
    this.#outgoing.end();
    this.#fin = 'sent';
    if (this.#lent > 0) this.#endAsked = 'drop';
    else this.#socket.close();
    this.#linger();
    this.#context.wake();
  }

  abort(): void {
    // Bytes that were written earlier in this callback leave earlier.
    flushGathered();
    if (this.#life === 'gone') return;
    if (this.#lent > 0) this.#endAsked = 'abort';
    else this.#socket.abort();
    this.#leave();
    this.#context.wake();
  }

  /** The program has no further part in it: TCP finishes the connection. */
  #linger(): void {
    const { connections, lingering } = this.#context;
    if (this.#life !== 'open') return;
    this.#life = 'lingering';
    this.#events = undefined;
    connections.delete(this);
    lingering.add(this);
    this.#lingersUntilMs = this.#context.nowMs() + LONGEST_LINGER_MS;
    this.#awaitPeer();
    this.#look();
  }

  #leave(): void {
    const { connections, lingering, timers } = this.#context;
    (this.#life === 'lingering' ? lingering : connections).delete(this);
    this.#life = 'gone';
    this.#events = undefined;
    this.#outgoing.forget();
    if (this.#timer !== undefined) timers.disarm(this.#timer);
  }

  // ---- time

  /** Bounds the wait for the peer, for its acknowledgements or its FIN, once both directions end. */
  #awaitPeer(): void {
    const isPeerDone = this.#isClosed || this.#isEndReported;
    if (this.#fin === 'none' || !isPeerDone || this.#life === 'gone') return;
    const nowMs = this.#context.nowMs();
    const ms = this.#outgoing.unacknowledged() > 0 ? this.#context.limits.closeTimeoutMs : FIN_WAIT_MS;
    // Bytes that were acknowledged before are no progress of the end.
    this.#progressMs = nowMs;
    this.#arm(Math.min(nowMs + ms, this.#lingersUntilMs));
  }

  #arm(atMs: number): void {
    this.#timer ??= new Timer(this);
    this.#context.timers.arm(this.#timer, atMs);
  }

  /** Called by the timer: joined data can be delivered, or the wait for the peer is over. */
  due(nowMs: number): void {
    if (this.#fin === 'none' || !(this.#isClosed || this.#isEndReported)) {
      this.#look();
    } else if (this.#outgoing.unacknowledged() > 0) {
      this.#lookForProgress(nowMs);
    } else if (this.#life === 'lingering') {
      const untilMs = Math.min(nowMs - this.#socket.heardAgoMs() + FIN_WAIT_MS, this.#lingersUntilMs);
      if (nowMs < untilMs) this.#arm(untilMs);
      else this.abort();
    }
  }

  #lookForProgress(nowMs: number): void {
    const { closeTimeoutMs } = this.#context.limits;
    const untilMs = Math.min(this.#progressMs + closeTimeoutMs, this.#lingersUntilMs);
    if (nowMs < untilMs) {
      this.#arm(untilMs);
      return;
    }
    this.#socket.abort();
    if (this.#life === 'lingering') this.#leave();
    else this.#fail(closeTimeoutFault(closeTimeoutMs));
  }

  // ---- settings: without effect once the connection is over

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    this.#socket.setKeepAlive(idleMs, intervalMs, probes);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
