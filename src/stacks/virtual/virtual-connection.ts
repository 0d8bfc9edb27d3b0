/**
 * One connection on the TCP of `netstack`. TCP notes what happens; `report` finds the next event of the
 * program in that. Bytes are sent by `SendingHalf`. Received bytes wait in TCP's receive buffer: `peek` →
 * `onData` → `skip` → `consume`. `Ending` ends the connection.
 *
 * The life of a connection: open → lingering, when its end was reported and TCP still waits for the peer →
 * gone.
 */
import { TcpEvent, type TcpSocket } from '../../netstack/raw-api.js';
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, Endpoint, Fault, PathFigures } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { flushGathered } from '../../support/callback-scope.js';
import type { TimerOwner } from '../../support/timers.js';
import { ConnectionFlag } from './connection-flag.js';
import { Ending, type EndingConnection } from './ending.js';
import { detachedFault, failureFault } from './faults.js';
import { PiecePace } from './piece-pace.js';
import { SendingHalf } from './sending-half.js';
import type { HeldConnection, StackContext } from './stack-context.js';

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
  extends SendingHalf
  implements Connection, HeldConnection, TimerOwner, EndingConnection
{
  next: HeldConnection | undefined;
  previous: HeldConnection | undefined;
  /** The receiver of the events; `undefined` until `begin` got it, and once no further event may come. */
  #events: ConnectionEvents | undefined;
  /** Fault that ended the connection, to be reported. */
  #fault: Fault | undefined;
  /** Bytes that were delivered and not consumed. */
  #unconsumed = 0;
  #pace: PiecePace | undefined;
  /** `undefined` until this side's FIN is asked for. */
  #ending: Ending | undefined;

  constructor(context: StackContext, socket: TcpSocket) {
    super(context, socket);
    socket.owner = this;
    context.connections.add(this);
  }

  /**
   * Begins to report to the receiver that the program has returned. Without one, also because the program
   * threw, the connection is reset.
   */
  begin(events: ConnectionEvents | undefined): void {
    if (events === undefined) this.abort();
    else if (this.isOpen) this.#events = events;
    this.look();
  }

  private get isOpen(): boolean {
    return !this.is(ConnectionFlag.LINGERING | ConnectionFlag.GONE);
  }

  get local(): Endpoint {
    const { localAddress, localPort } = this.socket;
    return { address: localAddress.toString(), port: localPort };
  }

  get remote(): Endpoint {
    const { remoteAddress, remotePort } = this.socket;
    return { address: remoteAddress.toString(), port: remotePort };
  }

  get receiveWindowBytes(): number {
    return this.socket.receiveWindowBytes;
  }

  // ---- the program's events

  report(): boolean {
    const noted = this.socket.takeEvents();
    if (noted !== 0) this.note(noted);
    const events = this.#events;
    if (events === undefined) return false;
    if (this.#fault !== undefined) {
      this.leave();
      events.onClosed(this.#fault);
      return true;
    }
    if (this.is(ConnectionFlag.DATA_NEXT)) {
      this.set(ConnectionFlag.DATA_NEXT, false);
      if (this.reportData(events)) return true;
    }
    return (
      this.reportProgress(events) ||
      this.reportData(events) ||
      this.reportEnd(events) ||
      this.reportClosed(events)
    );
  }

  private note(noted: number): void {
    if ((noted & (TcpEvent.ACKED | TcpEvent.DRAINED)) !== 0) {
      this.progressed();
      this.#ending?.progressed((noted & TcpEvent.ACKED) !== 0);
    }
    if ((noted & TcpEvent.CLOSED) === 0) return;
    const { failure } = this.socket;
    if (this.is(ConnectionFlag.LINGERING)) this.leave();
    else if (failure !== undefined) this.fail(failureFault(failure));
  }

  fail(fault: Fault): void {
    if (!this.isOpen || this.#fault !== undefined) return;
    this.#fault = fault;
    this.forgetUnsent();
    this.look();
  }

  private reportData(events: ConnectionEvents): boolean {
    if (!this.is(ConnectionFlag.READING) || this.isClosed) return false;
    if (this.socket.readable() === 0 || this.mustJoin()) return false;
    const view = this.socket.peek();
    const { length } = view;
    this.#unconsumed += length;
    if (this.is(ConnectionFlag.TAKES_VIEWS)) {
      this.context.lent.begin(this, length);
      try {
        events.onData(view);
      } finally {
        this.viewReturned();
      }
    } else {
      const own = view.slice();
      this.socket.skip(length);
      events.onData(own);
    }
    this.delivered();
    return true;
  }

  /** Gives TCP its memory back, and does now what the program asked for meanwhile. */
  private viewReturned(): void {
    const { length, consumed, endAsked } = this.context.lent;
    this.context.lent.end();
    this.socket.skip(length);
    if (consumed > 0) this.socket.consume(consumed);
    if (endAsked === 'abort') this.socket.abort();
    else if (endAsked === 'drop') this.socket.close();
  }

  /** Counts the piece if some of it is withheld. */
  private delivered(): void {
    if (this.#unconsumed === 0) return;
    this.#pace ??= new PiecePace(this.receiveWindowBytes, this);
    this.#pace.delivered(this.context.nowMs());
  }

  /** Returns true if the next piece has to wait, and is joined with what arrives meanwhile. */
  private mustJoin(): boolean {
    if (this.#pace === undefined || this.#unconsumed === 0) return false;
    const atMs = this.#pace.nextMs();
    if (this.context.nowMs() >= atMs) return false;
    this.context.timers.arm(this.#pace.timer, atMs);
    return true;
  }

  /** Called by the timer: joined data can be delivered. */
  due(): void {
    this.look();
  }

  private reportEnd(events: ConnectionEvents): boolean {
    if (this.isPeerDone || !this.socket.hasEnded()) return false;
    this.set(ConnectionFlag.END_REPORTED, true);
    this.#ending?.awaitPeer();
    events.onEnd();
    return true;
  }

  private reportClosed(events: ConnectionEvents): boolean {
    if (this.#ending?.isFinSent !== true || !this.isPeerDone || this.bytesLeft() > 0) return false;
    if (this.isTcpDone()) this.leave();
    else this.linger(this.#ending);
    events.onClosed(undefined);
    return true;
  }

  /** Returns true if TCP needs this connection's program no more. */
  private isTcpDone(): boolean {
    const { state } = this.socket;
    return state === TcpState.CLOSED || state === TcpState.TIME_WAIT;
  }

  // ---- getters

  protected isOver(): boolean {
    return !this.isOpen || this.#fault !== undefined || this.socket.failure !== undefined;
  }

  get hasEnded(): boolean {
    return this.is(ConnectionFlag.GONE) || this.#fault !== undefined;
  }

  get isClosed(): boolean {
    return this.is(ConnectionFlag.CLOSED);
  }

  get isPeerDone(): boolean {
    return this.is(ConnectionFlag.CLOSED | ConnectionFlag.END_REPORTED);
  }

  state(): TcpState {
    if (this.isOver()) return TcpState.CLOSED;
    let state: TcpState = this.socket.state;
    // The peer's FIN is shown when no data waits before it.
    if (this.undelivered() > 0 && !this.isClosed) state = BEFORE_PEERS_FIN[state] ?? state;
    return this.#ending === undefined ? state : (AFTER_OWN_FIN[state] ?? state);
  }

  mss(): number {
    return this.isOver() ? 0 : this.socket.sendMss;
  }

  heardAgoMs(): number | undefined {
    return this.isOver() ? undefined : this.socket.heardAgoMs();
  }

  path(): PathFigures | undefined {
    if (this.isOver()) return undefined;
    const { smoothedRttMs, totalRetransmissions, peerWindowBytes, unansweredRetransmissions } =
      this.socket.info();
    return {
      mss: this.socket.sendMss,
      heardAgoMs: this.socket.heardAgoMs(),
      roundTripMs: smoothedRttMs,
      retransmissions: totalRetransmissions,
      peerWindow: peerWindowBytes,
      unanswered: unansweredRetransmissions,
    };
  }

  undelivered(): number {
    const lent = this.isLent ? this.context.lent.length : 0;
    return this.socket.readable() - lent;
  }

  /** True while `onData` has a view of TCP's memory. */
  private get isLent(): boolean {
    return this.context.lent.isOf(this);
  }

  // ---- receiving

  consume(bytes: number): void {
    const before = this.#unconsumed;
    this.#unconsumed -= bytes;
    assert(this.#unconsumed >= 0, 'no more is consumed than was delivered');
    if (this.isClosed || this.isOver()) return;
    if (this.#pace !== undefined) {
      this.#pace.consumed(before, this.#unconsumed);
      if (this.undelivered() > 0) this.look();
    }
    if (this.isLent) {
      this.context.lent.consumed += bytes;
      return;
    }
    this.socket.consume(bytes);
    this.context.wake();
  }

  setReading(on: boolean): void {
    this.set(ConnectionFlag.READING, on);
    if (on) this.look();
  }

  setTakesViews(on: boolean): void {
    this.set(ConnectionFlag.TAKES_VIEWS, on);
  }

  setTakesLoans(): void {
    // TCP's memory is needed for the next segments.
  }

  // ---- the end

  shutdown(): void {
    if (this.#ending !== undefined || this.isOver()) return;
    this.askForFin();
  }

  close(): void {
    if (this.isClosed || this.isOver()) return;
    this.set(ConnectionFlag.CLOSED, true);
    this.askForFin();
  }

  private askForFin(): void {
    const ending = (this.#ending ??= new Ending(this));
    this.endSending();
    ending.sendFinLater();
    ending.awaitPeer();
  }

  drop(): void {
    flushGathered();
    if (this.is(ConnectionFlag.GONE)) return;
    // Data that is unread is lost, and the peer has to learn of that.
    if (this.isOver() || this.undelivered() > 0) {
      this.abort();
      return;
    }
    const ending = (this.#ending ??= new Ending(this));
    this.set(ConnectionFlag.CLOSED, true);
    this.endSending();
    ending.finIsSent();
    if (this.isLent) this.context.lent.endAsked = 'drop';
    else this.socket.close();
    this.linger(ending);
    this.context.wake();
  }

  abort(): void {
    // Bytes that were written earlier in this callback leave earlier.
    flushGathered();
    if (this.is(ConnectionFlag.GONE)) return;
    if (this.isLent) this.context.lent.endAsked = 'abort';
    else this.socket.abort();
    this.leave();
    this.context.wake();
  }

  protected onBytesLost(): void {
    this.socket.abort();
    this.fail(detachedFault());
  }

  /** The program has no further part in it: TCP finishes the connection. */
  private linger(ending: Ending): void {
    const { connections, lingering } = this.context;
    if (!this.isOpen) return;
    connections.delete(this);
    lingering.add(this);
    this.set(ConnectionFlag.LINGERING, true);
    this.#events = undefined;
    ending.linger();
    this.look();
  }

  leave(): void {
    const { connections, lingering, timers } = this.context;
    (this.is(ConnectionFlag.LINGERING) ? lingering : connections).delete(this);
    this.set(ConnectionFlag.GONE, true);
    this.#events = undefined;
    // TCP may keep the socket in TIME_WAIT.
    this.socket.owner = undefined;
    this.forgetUnsent();
    this.#ending?.leave();
    if (this.#pace !== undefined) timers.disarm(this.#pace.timer);
  }

  // ---- settings: without effect once the connection is over

  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    this.socket.setKeepAlive(idleMs, intervalMs, probes);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
