/**
 * The end of a connection, made when the program asks for it: this side's FIN; the wait for the peer's
 * acknowledgements and its FIN once both directions end; and lingering, after the end was reported.
 */
import type { TcpSocket } from '../../netstack/raw-api.js';
import type { Fault } from '../../port/tcp-stack.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { closeTimeoutFault } from './faults.js';
import type { StackContext } from './stack-context.js';

/**
 * Time without a sign of the peer after which a lingering connection no longer waits for its FIN: lwIP's
 * FIN_WAIT_2.
 */
const FIN_WAIT_MS = 20_000;
/** Time after which a connection no longer lingers for a peer that goes on sending. */
const LONGEST_LINGER_MS = 300_000;

/** The connection that ends. */
export interface EndingConnection {
  readonly context: StackContext;
  readonly socket: TcpSocket;
  /** True if TCP has all bytes. */
  readonly isHandedOver: boolean;
  /** True if the program has closed the connection. */
  readonly isClosed: boolean;
  /** True if no more data is delivered. */
  readonly isPeerDone: boolean;
  /** True if there is no connection any more: it is gone, or its fault waits to be reported. */
  readonly hasEnded: boolean;
  /** Returns the bytes that are not acknowledged. */
  bytesLeft(): number;
  /** Has the next event found. */
  look(): void;
  /** Reports the fault, unless another one was first. */
  fail(fault: Fault): void;
  abort(): void;
  leave(): void;
}

export class Ending implements TimerOwner {
  readonly #connection: EndingConnection;
  /**
   * `asked`: the turn that asked for this side's FIN is not over, so that `abort` can still reset. `due`: FIN
   * follows the bytes that TCP has not taken yet. `sent`: TCP sends it.
   */
  #fin: 'asked' | 'due' | 'sent' = 'asked';
  #timer: Timer | undefined;
  /** Time since which the peer has acknowledged nothing. */
  #progressMs = 0;
  /** Time at which lingering is over; `undefined` before it begins. */
  #lingersUntilMs: number | undefined;

  constructor(connection: EndingConnection) {
    this.#connection = connection;
  }

  get isFinSent(): boolean {
    return this.#fin === 'sent';
  }

  /** Has FIN follow when the present turn is over. */
  sendFinLater(): void {
    this.#connection.context.turns.post(() => {
      this.#sendFin();
    });
  }

  #sendFin(): void {
    const { socket, isHandedOver, isClosed, hasEnded } = this.#connection;
    if (hasEnded) return;
    this.#fin = isHandedOver ? 'sent' : 'due';
    if (!isHandedOver) return;
    if (isClosed) socket.close(true);
    else socket.shutdown();
    this.#connection.look();
  }

  /** Notes that the stack sends FIN by itself. */
  finIsSent(): void {
    this.#fin = 'sent';
  }

  /** Notes that TCP has made progress; `hasAcked`: the peer has acknowledged bytes. */
  progressed(hasAcked: boolean): void {
    if (hasAcked) this.#progressMs = this.#connection.context.nowMs();
    if (this.#fin === 'due') this.#sendFin();
  }

  // ---- the wait for the peer

  /** Bounds the wait, if both directions end. */
  awaitPeer(): void {
    const { context, isPeerDone } = this.#connection;
    if (!isPeerDone) return;
    const nowMs = context.nowMs();
    const ms = this.#connection.bytesLeft() > 0 ? context.limits.closeTimeoutMs : FIN_WAIT_MS;
    // Bytes that were acknowledged before are no progress of the end.
    this.#progressMs = nowMs;
    this.#arm(nowMs + ms);
  }

  /** The end was reported: TCP finishes the connection. */
  linger(): void {
    this.#lingersUntilMs = this.#connection.context.nowMs() + LONGEST_LINGER_MS;
    this.awaitPeer();
  }

  /** The wait is over. */
  leave(): void {
    if (this.#timer !== undefined) this.#connection.context.timers.disarm(this.#timer);
  }

  #arm(atMs: number): void {
    this.#timer ??= new Timer(this);
    this.#connection.context.timers.arm(this.#timer, this.#bounded(atMs));
  }

  #bounded(atMs: number): number {
    return this.#lingersUntilMs === undefined ? atMs : Math.min(atMs, this.#lingersUntilMs);
  }

  /** Called by the timer. */
  due(nowMs: number): void {
    const { socket } = this.#connection;
    if (this.#connection.bytesLeft() > 0) {
      this.#lookForProgress(nowMs);
    } else if (this.#lingersUntilMs !== undefined) {
      const untilMs = this.#bounded(nowMs - socket.heardAgoMs() + FIN_WAIT_MS);
      if (nowMs < untilMs) this.#arm(untilMs);
      else this.#connection.abort();
    }
  }

  #lookForProgress(nowMs: number): void {
    const { socket, context } = this.#connection;
    const { closeTimeoutMs } = context.limits;
    const untilMs = this.#bounded(this.#progressMs + closeTimeoutMs);
    if (nowMs < untilMs) {
      this.#arm(untilMs);
      return;
    }
    socket.abort();
    if (this.#lingersUntilMs === undefined) this.#connection.fail(closeTimeoutFault(closeTimeoutMs));
    else this.#connection.leave();
  }
}
