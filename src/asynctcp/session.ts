/**
 * One life of a client: from `connect` or an accepted connection up to `onDisconnect`. A session stands
 * between the port's events and the user's handlers and keeps the contract's clauses L and T; its base class
 * `DataFlow` handles the bytes.
 *
 * Call order: `dial` or `accept` once; then the phases go one way: dialing or arriving → open → draining →
 * closing → over. `close` skips draining, and any phase can go to over. The end of a life is two calls:
 * `enterOver` at once (so that every getter answers as after the end, L6), and `reportOver` from the task,
 * directly or by `post` (so that no method calls a callback before the method returns, L1).
 */
import { ErrorCode } from '../port/error-code.js';
import { stateName, TcpState } from '../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault, TcpStack } from '../port/tcp-stack.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ConnectionReport } from '../task/connection-report.js';
import { call1, call3, callFollowed } from '../task/dispatch.js';
import { assert } from '../support/assert.js';
import { runTicks } from '../support/callback-scope.js';
import { Timer, type TimerOwner } from '../support/timers.js';
import { POLL_INTERVAL_MS } from './ack-timeout.js';
import type { ClientStream } from './client-stream.js';
import { DataFlow, SessionFlag } from './data-flow.js';
import { Dial, type DialEvents, type DialTarget } from './dial.js';
import { abortedBy } from './flush-waiters.js';
import type { ClientHandler, DisconnectReason } from './handlers.js';
import { observer, type ObservedConnection } from './observer.js';
import { Arrival, endsAfter, type CompletePreamble } from './preamble.js';
import type { Ends, SessionOwner } from './session-owner.js';
import { registerSocketUser, unregisterSocketUser, type SocketUser } from './thread-registry.js';

export interface DialOptions extends DialTarget {
  /** 0: no limit but the system's. */
  readonly timeoutMs: number;
}

/** The server of accepted clients, or the link that a client connects for. */
export interface ClientKeeper {
  /** True for a server. */
  readonly isServer?: boolean;
  /** A client closes, for the given reason, or is over: its place is free. */
  onPlaceFreed(closing: DisconnectReason | undefined): void;
  /** A client is over. */
  onLeft(): void;
  /** A client's `onDisconnect` has been called. `fault`: the one that `onError` got. Comes last. */
  onOver?(reason: DisconnectReason, fault: Fault | undefined): void;
}

export class Session<Client>
  extends DataFlow<Client>
  implements ConnectionEvents, DialEvents, TimerOwner, ObservedConnection
{
  /** The server that accepted the connection, or the link that made it. */
  readonly keeper: ClientKeeper | undefined;
  next: SocketUser | undefined;
  previous: SocketUser | undefined;
  /** The attempt to connect; or the preamble, and the first data as long as it waits. */
  #beginning: Dial | Arrival<Client> | undefined;
  #reason: DisconnectReason = 'ended';
  /** Set by a preamble, and when the life is over; otherwise the connection knows its ends. */
  #ends: Ends | undefined;
  #connectedAtMs = 0;

  constructor(core: SessionOwner<Client>, keeper?: ClientKeeper) {
    super(core);
    this.keeper = keeper;
  }

  get stack(): TcpStack {
    return this.core.admission.stack;
  }

  // ---- the beginning

  dial(options: DialOptions): void {
    const { admission, keepsAlive } = this.core;
    if (!admission.admit()) {
      this.endSoon('error', { code: ErrorCode.ERR_MEM });
      return;
    }
    this.set(SessionFlag.HAS_PLACE, true);
    registerSocketUser(this);
    if (options.signal?.aborted === true) {
      this.endSoon('aborted', abortedBy(options.signal));
      return;
    }
    if (options.timeoutMs > 0) this.ownParts().deadlineMs = this.nowMs() + options.timeoutMs;
    this.#beginning = new Dial(admission.stack, options, keepsAlive, this);
    this.rearm();
  }

  /**
   * Takes over an established connection, which the caller has already counted among the stack's active ones.
   * @param arrival reads the preamble, before which there is no client.
   */
  accept(connection: Connection, arrival?: Arrival<Client>): void {
    this.set(SessionFlag.HAS_PLACE, true);
    registerSocketUser(this);
    if (arrival === undefined) {
      this.open(connection);
      return;
    }
    this.#beginning = arrival;
    this.connection = connection;
    this.phase = 'arriving';
    this.ownParts().deadlineMs = arrival.deadlineMs;
    this.rearm();
  }

  /** True while the preamble is not complete: the program does not know the client. */
  get isArriving(): boolean {
    return this.phase === 'arriving';
  }

  protected override onPreamble(connection: Connection, bytes: Uint8Array): void {
    const arrival = this.#beginning;
    assert(arrival instanceof Arrival, 'a preamble has its reader');
    const answer = arrival.read(bytes);
    if (answer === 'refuse') {
      arrival.refused();
      this.endArrival();
    } else if (answer === 'more') {
      connection.consume(bytes.length);
    } else {
      connection.consume(answer.bytes);
      this.arrive(connection, arrival, answer, bytes.subarray(answer.bytes));
    }
  }

  /** Shows the client to the program, and delivers the data that came in one piece with the preamble. */
  private arrive(
    connection: Connection,
    arrival: Arrival<Client>,
    preamble: CompletePreamble,
    rest: Uint8Array,
  ): void {
    this.#ends = endsAfter(preamble, connection);
    this.open(connection);
    arrival.arrived(this);
    runTicks();
    if (rest.length === 0) return;
    if (!this.isOpen()) {
      this.connection?.consume(rest.length);
    } else if (this.deliverFirst(rest)) {
      arrival.rest = rest;
      this.#beginning = arrival;
    }
  }

  protected override takeFirstData(): Uint8Array {
    const arrival = this.#beginning;
    assert(arrival instanceof Arrival && arrival.rest !== undefined, 'data that waits is there');
    const { rest } = arrival;
    arrival.rest = undefined;
    return rest;
  }

  protected override takeFirstEnd(): boolean {
    const arrival = this.#beginning;
    this.#beginning = undefined;
    return arrival instanceof Arrival && arrival.hasEnded;
  }

  /** Resets a connection whose preamble will not be complete. */
  failArrival(reason: 'late' | 'ended' | 'serverEnded'): void {
    if (this.#beginning instanceof Arrival) this.#beginning.failed(reason);
    this.endArrival();
  }

  private endArrival(): void {
    this.dropConnection();
    this.end('error', { code: ErrorCode.ERR_ABRT });
  }

  onDialed(connection: Connection): ConnectionEvents {
    this.open(connection);
    const { onConnect } = this.core;
    if (onConnect !== undefined) {
      this.greet(CallbackKind.CONNECT, onConnect);
      if (this.stream !== undefined) runTicks();
    }
    if (this.isOpen()) this.stream?.onConnected();
    return this;
  }

  /**
   * Calls the first handler of a connection. While a promise that the handler returned is pending, data waits
   * for a data handler (D11).
   */
  greet(kind: CallbackKind, handler: ClientHandler<Client>): void {
    const settled = callFollowed(this, kind, handler, this.core.client);
    if (settled !== undefined) this.awaitHandler(settled);
  }

  onDialFailed(fault: Fault): void {
    this.end('error', fault);
  }

  onDialAborted(fault: Fault): void {
    this.endSoon('aborted', fault);
  }

  private open(connection: Connection): void {
    const { core } = this;
    this.#beginning = undefined;
    this.connection = connection;
    this.phase = 'open';
    if (core.noDelay) connection.setNoDelay(true);
    if (core.keepAliveMs !== undefined) {
      connection.setKeepAlive(core.keepAliveMs, core.keepAliveMs, core.keepAliveProbes);
    }
    if (!core.keepsAlive) connection.setKeepsAlive(false);
    this.beginFlow(connection);
    this.#connectedAtMs = this.nowMs();
    if (this.parts !== undefined) this.parts.deadlineMs = undefined;
    this.onPollChanged();
    observer?.onOpened(this);
  }

  // ---- the end

  /** Handles the peer's FIN. */
  onEnd(): void {
    if (this.phase === 'arriving') this.failArrival('ended');
    if (!this.isOpen()) return;
    if (this.firstDataWaits && this.#beginning instanceof Arrival) {
      this.#beginning.hasEnded = true;
      return;
    }
    this.set(SessionFlag.PEER_ENDED, true);
    const { allowHalfOpen, onEnd, client } = this.core;
    if (this.takingStream !== undefined) {
      this.endStream(this.takingStream);
      return;
    }
    if (!allowHalfOpen) {
      this.close(this.phase === 'draining' ? this.#reason : 'ended');
      return;
    }
    if (onEnd !== undefined) call1(this, CallbackKind.END, onEnd, client);
    if (this.phase === 'draining') this.close(this.#reason);
  }

  /** Reports the peer's FIN to the stream, which answers it; and to the program, which asked for it. */
  private endStream(stream: ClientStream): void {
    const { allowHalfOpen, onEnd, client } = this.core;
    if (allowHalfOpen && onEnd !== undefined) {
      call1(this, CallbackKind.END, onEnd, client);
      runTicks();
    }
    if (this.isOpen()) stream.onEnd();
    if (this.phase === 'draining') this.close(this.#reason);
  }

  onClosed(fault: Fault | undefined): void {
    if (this.phase === 'arriving' && this.#beginning instanceof Arrival) this.#beginning.failed('ended');
    if (fault === undefined) this.end(this.#reason, undefined);
    else this.end(this.isCloseTimeout(fault) ? 'closeTimeout' : 'error', fault);
  }

  private isCloseTimeout({ code }: Fault): boolean {
    return this.phase === 'closing' && code === ErrorCode.ERR_TIMEOUT;
  }

  /** Ends gracefully. */
  close(reason: DisconnectReason): void {
    if (this.phase === 'dialing') {
      this.dropConnection();
      this.endSoon(reason, undefined);
    } else if (this.isOpen() && this.connection !== undefined) {
      this.flush();
      this.#reason = reason;
      this.phase = 'closing';
      this.connection.close();
      this.ackAll();
      // From here on the stack bounds the connection: it no longer counts among the active ones.
      this.leavePlace();
    }
  }

  shutdown(): ErrorCode {
    if (!this.canSend() || this.connection === undefined) return ErrorCode.ERR_CONN;
    this.flush();
    this.connection.shutdown();
    this.spaceEnds();
    return ErrorCode.ERR_OK;
  }

  /** Returns true if bytes are taken, now or once there is space. */
  canSend(): boolean {
    const state = this.state();
    return this.phase === 'open' && (state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT);
  }

  /** Has the stream fail the writes that wait for space: there will be none. */
  private spaceEnds(): void {
    const { stream } = this;
    if (stream === undefined) return;
    this.stack.post(() => {
      if (this.phase !== 'over') stream.onSpace();
    });
  }

  /**
   * Ends without loss: sends FIN, and closes when the peer's FIN has come. Resolves when the life is over,
   * with a fault if data may have been lost; a close before the peer's FIN is such a fault.
   */
  drain(reason: DisconnectReason): Promise<Fault | undefined> {
    const isConnecting = this.phase === 'dialing';
    const over = this.over().then((fault) => {
      const isWhole = isConnecting || this.is(SessionFlag.PEER_ENDED);
      return fault ?? (isWhole ? undefined : { code: ErrorCode.ERR_CLSD });
    });
    if (isConnecting || this.is(SessionFlag.PEER_ENDED)) {
      this.close(reason);
    } else if (this.phase === 'open' && this.connection !== undefined) {
      this.flush();
      this.#reason = reason;
      this.phase = 'draining';
      this.connection.shutdown();
      this.spaceEnds();
    }
    return over;
  }

  /** Resets the connection, with `ERR_TIMEOUT`, if its end takes longer than `ms`. */
  endWithin(ms: number): void {
    const parts = this.ownParts();
    parts.deadlineMs = Math.min(parts.deadlineMs ?? Number.POSITIVE_INFINITY, this.nowMs() + ms);
    this.rearm();
  }

  abort(reason: DisconnectReason = 'aborted'): ErrorCode {
    // The stack may know the end before it reports the event: then there is nothing to abort.
    if (this.state() === TcpState.CLOSED) return ErrorCode.ERR_CONN;
    this.dropConnection();
    this.endSoon(reason, { code: ErrorCode.ERR_ABRT });
    return ErrorCode.ERR_ABRT;
  }

  /** Forgets the connection, as close(2) does: the system sends what it has taken, and what waits is lost. */
  drop(): void {
    if (this.state() === TcpState.CLOSED) return;
    this.attempt?.cancel();
    this.connection?.drop();
    this.endSoon('closed', undefined);
  }

  /** Lets bytes wait until the stack has delivered the events of its turn. */
  gatherInTurn(): void {
    this.connection?.gatherInTurn?.();
  }

  /** Leaves the present connection to the system if the process exits before it ends. */
  leaveAtExit(): void {
    this.connection?.leaveAtExit?.();
  }

  callbackThrew(error: unknown): void {
    observer?.onException(this, error);
    this.abort();
  }

  /** Resets the connection and does nothing else: the thread is about to end and runs no further callback. */
  reset(): void {
    this.dropConnection();
  }

  /** Resolves when `onDisconnect` has been called, with the fault that `onError` got, if any. */
  over(): Promise<Fault | undefined> {
    return new Promise((resolve) => {
      const listeners = (this.ownParts().overListeners ??= []);
      listeners.push(resolve);
    });
  }

  private get attempt(): Dial | undefined {
    return this.#beginning instanceof Dial ? this.#beginning : undefined;
  }

  /** Cancels the attempts or aborts the connection: no further event comes from them. */
  private dropConnection(): void {
    this.attempt?.cancel();
    this.connection?.abort();
  }

  private end(reason: DisconnectReason, fault: Fault | undefined): void {
    this.enterOver(reason, fault);
    this.reportOver(reason, fault);
  }

  private endSoon(reason: DisconnectReason, fault: Fault | undefined): void {
    this.enterOver(reason, fault);
    this.core.admission.stack.post(() => {
      this.reportOver(reason, fault);
    });
  }

  private enterOver(reason: DisconnectReason, fault: Fault | undefined): void {
    assert(this.phase !== 'over', 'a life ends once');
    const isShown = this.phase !== 'arriving';
    this.phase = 'over';
    if (this.parts?.timer !== undefined) this.stack.timers.disarm(this.parts.timer);
    this.leavePlace();
    unregisterSocketUser(this);
    if (isShown) this.keeper?.onLeft();
    if (this.connection !== undefined) this.#ends ??= endsOf(this.connection);
    this.#beginning = undefined;
    this.connection = undefined;
    if (isShown) observer?.onOver(this, reason, fault);
  }

  private leavePlace(): void {
    if (!this.is(SessionFlag.HAS_PLACE)) return;
    this.set(SessionFlag.HAS_PLACE, false);
    this.core.admission.release();
    this.keeper?.onPlaceFreed(this.phase === 'closing' ? this.#reason : undefined);
  }

  private reportOver(reason: DisconnectReason, fault: Fault | undefined): void {
    const { core } = this;
    if (fault !== undefined && core.onError !== undefined) {
      call3(this, CallbackKind.ERROR, core.onError, core.client, fault.code, fault.cause);
      runTicks();
    }
    // From here on the client may connect again, also inside `onDisconnect`.
    core.sessionIsOver(this.#ends);
    this.endFlow(fault);
    const { onDisconnect } = core;
    if (onDisconnect !== undefined) {
      call3(this, CallbackKind.DISCONNECT, onDisconnect, core.client, reason, fault?.code);
      if (this.stream !== undefined) runTicks();
    }
    this.stream?.onOver(reason, fault);
    this.keeper?.onOver?.(reason, fault);
    for (const listener of this.parts?.overListeners ?? []) listener(fault);
  }

  // ---- what it is

  state(): TcpState {
    if (this.phase === 'over') return TcpState.CLOSED;
    const state = this.connection?.state() ?? TcpState.SYN_SENT;
    // The peer's FIN is not shown while data before it waits.
    return state === TcpState.CLOSE_WAIT && this.firstDataWaits ? TcpState.ESTABLISHED : state;
  }

  /** Returns the two ends; while connecting, those of the last connection. */
  ends(): Ends {
    return this.#ends ?? this.connection ?? this.core.lastEnds;
  }

  report(): ConnectionReport {
    const { local, remote } = this.ends();
    return {
      localIP: local.address,
      localPort: local.port,
      remoteIP: remote.address,
      remotePort: remote.port,
      state: stateName(this.state()),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    };
  }

  ageMs(): number {
    return Math.max(0, this.nowMs() - this.#connectedAtMs);
  }

  mss(): number {
    return this.state() === TcpState.CLOSED ? 0 : (this.connection?.mss() ?? 0);
  }

  /**
   * Returns the receive window in bytes, of the connection or of the attempt; `undefined`: the stack's own.
   */
  receiveWindow(): number | undefined {
    return this.connection?.receiveWindowBytes ?? this.attempt?.receiveWindowBytes;
  }

  // ---- settings that concern the present connection

  noDelayChanged(): void {
    this.connection?.setNoDelay(this.core.noDelay);
  }

  /** Sets the probes of the present connection alone, with an interval of their own. */
  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    this.connection?.setKeepAlive(idleMs, intervalMs, probes);
  }

  keepAliveChanged(): void {
    const { keepAliveMs, keepAliveProbes } = this.core;
    if (keepAliveMs !== undefined) this.connection?.setKeepAlive(keepAliveMs, keepAliveMs, keepAliveProbes);
  }

  keepsAliveChanged(): void {
    this.attempt?.setKeepsAlive(this.core.keepsAlive);
    this.connection?.setKeepsAlive(this.core.keepsAlive);
  }

  /**
   * Schedules the next poll on the connection's own grid of 500 ms, also after a stall or a time without a
   * handler.
   */
  onPollChanged(): void {
    if (this.core.onPoll !== undefined) {
      const ticks = Math.floor(this.ageMs() / POLL_INTERVAL_MS);
      const nextMs = this.#connectedAtMs + (ticks + 1) * POLL_INTERVAL_MS;
      // With fractions of a millisecond, the age may be rounded to less than the ticks that have passed.
      this.ownParts().pollAtMs = nextMs > this.nowMs() ? nextMs : nextMs + POLL_INTERVAL_MS;
    }
    this.rearm();
  }

  // ---- time

  due(nowMs: number): void {
    const deadlineMs = this.parts?.deadlineMs;
    if (deadlineMs !== undefined && nowMs >= deadlineMs) {
      this.timeOut();
      return;
    }
    this.poll(nowMs);
    if (this.isRxTimedOut(nowMs)) this.close('rxTimeout');
    this.checkAckTimeout(nowMs);
    this.rearm();
  }

  private timeOut(): void {
    if (this.phase === 'arriving') {
      this.failArrival('late');
      return;
    }
    const isConnecting = this.phase === 'dialing';
    const reason = this.#reason === 'serverEnded' ? 'serverEnded' : 'closeTimeout';
    this.dropConnection();
    this.end(isConnecting ? 'error' : reason, { code: ErrorCode.ERR_TIMEOUT });
  }

  private poll(nowMs: number): void {
    const { onPoll, client } = this.core;
    if (!this.isOpen() || onPoll === undefined || nowMs < this.ownParts().pollAtMs) return;
    this.onPollChanged();
    call1(this, CallbackKind.POLL, onPoll, client);
  }

  /**
   * Arms the timer for the earliest deadline. No call is needed when a deadline moves to a later time: the
   * timer then finds nothing due when it fires.
   */
  protected override rearm(): void {
    if (this.phase === 'over') return;
    const { parts } = this;
    if (parts === undefined) return;
    const polls = this.isOpen() && this.core.onPoll !== undefined;
    const atMs = Math.min(
      parts.deadlineMs ?? Number.POSITIVE_INFINITY,
      polls ? parts.pollAtMs : Number.POSITIVE_INFINITY,
      this.rxDeadlineMs(),
      this.ackDeadlineMs(),
    );
    if (atMs < Number.POSITIVE_INFINITY) this.armFor(atMs);
  }

  protected override armFor(atMs: number): void {
    const timer = (this.ownParts().timer ??= new Timer(this));
    this.stack.timers.armBy(timer, atMs);
  }
}

function endsOf({ local, remote }: Connection): Ends {
  return { local, remote };
}
