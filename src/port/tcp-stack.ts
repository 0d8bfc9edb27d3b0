/**
 * The port: what a TCP stack offers to AsyncClient and AsyncServer, in one file. A stack can be written from
 * this file alone. The port is lwIP's raw API in TypeScript's manners: a call that opens something passes the
 * receiver of its events.
 *
 * Rules that every stack keeps:
 *
 * 1. No method calls an event before it returns.
 * 2. A `listen` that fails at once returns the fault. Otherwise the listener's address and port are known
 *    when `listen` returns, if the system knows them then, and at `onListening` at the latest.
 * 3. Events come one at a time, and a turn of the stack has one order: the events that have happened, each
 *    followed by the ticks and microtasks that it caused; then posted jobs and due timers. Jobs run in the
 *    order in which they were posted; a job that a job posts runs in the next turn. Due timers fire in the
 *    order of their times, and in the order of arming where the times are equal. A virtual clock moves only
 *    when a turn has found nothing to do.
 * 4. `onConnected` and `onAccepted` return the receiver of the connection's events: no event is ever without
 *    one. All methods of the connection may be called inside these two already. The microtasks that they
 *    caused run before the first `onData`.
 * 5. `onEnd` follows the last byte. `onClosed` comes once and last. After `close` neither `onData` nor
 *    `onEnd` comes; after `abort`, `drop` and `cancel` nothing. Every method is harmless after the end:
 *    questions answer 0 and CLOSED, and nothing is taken.
 * 6. `state`, `sendSpace` and `unacknowledged` are true at the moment of the call, also when an event is
 *    still on its way. The peer's FIN is shown in `state` when no data waits before it.
 * 7. Bytes that were flushed leave in the order of the calls, across connections too, at the latest when the
 *    callback that flushed them returns, and before the process exits.
 * 8. Bytes that were taken reach a peer that makes progress, unless `abort` or `drop` is called. A close
 *    without progress ends after the stack's close timeout.
 * 9. Addresses are IP addresses in text form; an IPv4 peer of a dual-stack listener is IPv4.
 * 10. Nothing that the network does makes a method throw. If a program detaches bytes that it lent before
 *     they left, the connection is reset and ends with ERR_IF; bytes that it was given and detached together
 *     with others not delivered yet, with ERR_ABRT.
 *
 * The callbacks of a program are marked by `support/callback-scope.ts`: there a stack learns that a callback
 * has returned (rule 7), and a stack with a loop of its own runs the ticks between two events (rule 3).
 *
 * Call order: `connect` → `onConnected` → (`enqueue`* `flush`)* and (`onData` → `consume`)* → `shutdown` →
 * `onEnd` → `onClosed`, or `close` → `onClosed`; at any time `abort`.
 */
import type { MonotonicClock } from '../support/clock.js';
import type { Timers } from '../support/timers.js';
import type { Capabilities } from './capabilities.js';
import type { ErrorCode } from './error-code.js';
import type { TcpState } from './tcp-state.js';

/** Cause of an end: lwIP's number, and the system's own error if there is one. */
export interface Fault {
  /** lwIP's number of the fault. */
  readonly code: ErrorCode;
  /** The system's own error. */
  readonly cause?: Error | undefined;
}

/** Withdraws a request. Has no effect after the answer. */
export type Cancel = () => void;

/** One end of a connection. */
export interface Endpoint {
  /** An IP address. */
  readonly address: string;
  /** Port, 1 to 65535; 0 before a listener's is known. */
  readonly port: number;
}

/** The numbers that a stack was built with. */
export interface StackLimits {
  /** Connections at once if the configuration sets no other number; `undefined`: the system's own limit. */
  readonly maxActiveTcp: number | undefined;
  /** Bytes that one connection takes before any is acknowledged. */
  readonly sendBufferBytes: number;
  /** Bytes that one connection delivers before any is consumed. */
  readonly receiveWindowBytes: number;
  /** Bytes that all connections of the thread may have unacknowledged together. */
  readonly sendBudgetBytes: number;
  /** Time without progress after which a connection that closes is reset, in milliseconds. */
  readonly closeTimeoutMs: number;
}

/** Counts of what a stack holds at this moment, for tests and diagnostics. */
export interface Holdings {
  /** Connections whose end has not been reported. */
  readonly connections: number;
  /** Attempts to connect that have no outcome yet. */
  readonly attempts: number;
  /** Listeners that were not closed and have not failed. */
  readonly listeners: number;
  /** Closed connections that the stack still finishes. */
  readonly lingering: number;
  /** Armed timers, those of the layers above included. */
  readonly timers: number;
}

export interface TcpStack {
  /** Name of the stack in messages, and in the configuration if it is known there: `node`, `kernel`, … */
  readonly name: string;
  /** Abilities of the stack on this machine. */
  readonly capabilities: Capabilities;
  /** Limits of the stack, fixed when it is made. */
  readonly limits: StackLimits;
  /**
   * Configuration symbols that concern TCP and that the stack acts on, such as `CONFIG_LWIP_TCP_WND_DEFAULT`.
   */
  readonly honours: ReadonlySet<string>;
  /** Clock of the stack and of the layers above it. */
  readonly clock: MonotonicClock;
  /** Timers by that clock: a `TimerWheel`. Armed timers cost nothing while none is due. */
  readonly timers: Timers;
  /** Runs `job` once for each call, after the running callback has returned (rule 3). */
  post(job: () => void): void;
  /**
   * Looks up the addresses of a name, the system's preferred one first. An answer without a fault has at
   * least one.
   */
  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel;
  /** True if `resolve` has names of its own: those of the system mean nothing to this stack. */
  readonly hasOwnNames?: boolean;
  /** Begins to connect. One event follows, never before this returns. */
  connect(target: ConnectTarget, events: AttemptEvents): Attempt;
  /**
   * Begins to listen. Returns the listener, or the fault if that failed at once (rule 2). A fault has `code`,
   * a listener never.
   */
  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault;
  /** Returns the present counts. */
  holdings(): Holdings;
  /**
   * Resets all connections, and ends attempts and listeners, without an event. Resolves when nothing is left.
   * Jobs that are posted still run. Harmless a second time.
   */
  close(): Promise<void>;
}

export interface ConnectTarget {
  /** An IP address; names are looked up before. */
  readonly address: string;
  /** Port, 1 to 65535. */
  readonly port: number;
  /** An IP address of this machine; `undefined`: the system chooses. */
  readonly localAddress?: string | undefined;
  /** 0: the system chooses. */
  readonly localPort: number;
  /** Receive window of the connection, in bytes; `undefined`: the stack's own. */
  readonly receiveWindowBytes?: number | undefined;
  /**
   * True: shares the local port with listeners that set `reusePort` too. Needs the capability
   * `connectReusePort`.
   */
  readonly reusePort?: boolean;
  /** True: as `Connection.leaveAtExit`, from the attempt on. */
  readonly leavesAtExit?: boolean;
}

export interface AttemptEvents {
  /** The attempt succeeded. Returns the receiver of the connection's events. */
  onConnected(connection: Connection): ConnectionEvents;
  /** The attempt failed. No further event follows. */
  onFailed(fault: Fault): void;
}

/** An attempt to connect, up to its one event. */
export interface Attempt {
  /** Cancels the attempt. Has no effect after its event. */
  cancel(): void;
  /**
   * Sets if the attempt keeps the process alive. Default: true. The connection inherits the setting.
   */
  setKeepsAlive(on: boolean): void;
}

export interface ListenTarget {
  /** An IP address; `undefined`: every address of the machine, IPv6 and IPv4. */
  readonly address: string | undefined;
  /** 0: the system chooses. */
  readonly port: number;
  /** Connections that may wait to be accepted; `undefined`: the system's usual number. */
  readonly backlog: number | undefined;
  /** True: listeners that set this too share the port. Needs the capability `reusePort`. */
  readonly reusePort: boolean;
  /** Receive window of each accepted connection, in bytes; `undefined`: the stack's own. */
  readonly receiveWindowBytes?: number | undefined;
  /** The listening socket outlives the listener. A stack without descriptors ignores this. */
  readonly handover?: ListenHandover | undefined;
}

/**
 * Hands a listening socket from one thread of the process to another, so that the connections that wait to be
 * accepted are not lost.
 */
export interface ListenHandover {
  /**
   * Returns a descriptor of a socket that listens here already, which is the caller's from now on: the
   * listener accepts from that socket. `undefined`: it opens one.
   */
  take(): number | undefined;
  /** True: a port that another socket has is refused, even if that socket shares its port. */
  readonly wantsFreePort: boolean;
  /**
   * Gives away a further descriptor of the socket that the listener has opened. Called before `listen`
   * returns.
   */
  keep(descriptor: number): void;
}

export interface ListenerEvents {
  /** The port is bound: `local` is known, and peers can connect. */
  onListening(): void;
  /** Listening failed. No further event follows. */
  onFailed(fault: Fault): void;
  /** A connection was accepted. Returns the receiver of its events; `undefined` refuses it, with a reset. */
  onAccepted(connection: Connection): ConnectionEvents | undefined;
  /** A connection could not be accepted for lack of descriptors or memory. Listening continues. */
  onAcceptFailed(fault: Fault): void;
}

export interface Listener {
  /** Address '' and port 0 until the system reports them (rule 2). The only property that changes. */
  readonly local: Endpoint;
  /** Stops listening: the port is free when this returns. Accepted connections continue; no event follows. */
  close(): void;
  /** Sets if the listener keeps the process alive. Default: true. */
  setKeepsAlive(on: boolean): void;
  /**
   * Takes over a descriptor of one more socket, and accepts from it until the listener is closed or the
   * returned function called. A stack without descriptors has no such method.
   */
  acceptAlso?(descriptor: number): Cancel | Fault;
}

/** Memory of the stack that is lent to the receiver of `onData`. */
export interface Loan {
  /** Ends the loan of one piece. Called once for each piece, also after the connection's end. */
  giveBack(): void;
}

/** Figures of a connection's path to the peer. `undefined` stands for what the system does not report. */
export interface PathFigures {
  /** As `mss()` and `heardAgoMs()`, from the same moment. */
  readonly mss: number;
  readonly heardAgoMs: number | undefined;
  /** Smoothed round-trip time in milliseconds. */
  readonly roundTripMs: number | undefined;
  /** Segments that were sent again since the connection began. */
  readonly retransmissions: number | undefined;
  /** Bytes that the peer's window admits beyond the last acknowledged one. */
  readonly peerWindow: number | undefined;
  /** Retransmissions and probes in a row that the peer has not answered. */
  readonly unanswered: number | undefined;
}

export interface ConnectionEvents {
  /**
   * Delivers bytes. The receiver may keep them; with a loan they are valid until `giveBack`; with
   * `setTakesViews` and no loan, until this returns. The receiver calls `consume` for every byte.
   */
  onData(bytes: Uint8Array, loan?: Loan): void;
  /**
   * Bytes acknowledged since the last time, more than 0. Comes while `setReportsAcks` is on; a stack may
   * report at other times too. `sendSpace` includes the bytes already.
   */
  onAcked(bytes: number): void;
  /**
   * The space that `setWantsSpace` asked for is there (see there). Comes once for each call. A receiver that
   * does not call `setWantsSpace` needs no such method.
   */
  onSpaceFreed?(): void;
  /**
   * The system has taken all that was flushed, after `queued` was more than 0, while `setReportsDrained` is
   * on. A receiver that never switches this on needs no such method.
   */
  onDrained?(): void;
  /** The peer's FIN; all its data was delivered. */
  onEnd(): void;
  /** The connection is over; without a fault both sides ended it in order. */
  onClosed(fault: Fault | undefined): void;
}

/** Flags of `enqueue`, to be added. */
export const SendFlag = {
  /**
   * The stack copies the bytes. Without it the caller leaves them unchanged until they are acknowledged.
   */
  COPY: 1,
  /** More bytes follow: these may wait for the next `flush`, at most until the turn ends. */
  MORE: 2,
} as const;

export type SendFlags = 0 | 1 | 2 | 3;

export interface Connection {
  /** This side's end. */
  readonly local: Endpoint;
  /** The peer's end. */
  readonly remote: Endpoint;
  /** Bytes that are delivered before any is consumed. */
  readonly receiveWindowBytes: number;
  /** Returns the state of RFC 9293 (rule 6); CLOSED after the end. */
  state(): TcpState;
  /** Returns the bytes of data in one segment. */
  mss(): number;

  /** Returns the bytes that `enqueue` would take now. */
  sendSpace(): number;
  /**
   * Returns true if `enqueue` would take all of `bytes`. Cheaper than `sendSpace` on a stack that
   * asks the system for that.
   */
  hasSpaceFor(bytes: number): boolean;
  /** Returns the bytes that were taken and are not acknowledged, as far as the stack can know now. */
  unacknowledged(): number;
  /** Returns the bytes that were flushed and that the system has not taken yet. */
  queued(): number;
  /**
   * Returns the milliseconds since a segment of the peer arrived, data or acknowledgement; `undefined` if the
   * system does not report it.
   */
  heardAgoMs(): number | undefined;
  /** Returns figures of the path. A stack that knows none of them needs no such method. */
  path?(): PathFigures | undefined;
  /**
   * Returns the bytes that have arrived and wait to be delivered; asked while delivery is off. A stack that
   * does not know them needs no such method.
   */
  undelivered?(): number | undefined;

  /** Takes as many bytes as there is space for, and returns how many. Sends nothing yet. */
  enqueue(bytes: Uint8Array, flags: SendFlags): number;
  /** Sends what was enqueued. */
  flush(): void;
  /**
   * `enqueue`, then `flush` if any byte was taken. Bytes that the system takes within the call are not
   * copied.
   */
  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number;

  /**
   * As `enqueueAndFlush` with `COPY`, of several pieces, which leave together. A stack that gains nothing by
   * that needs no such method.
   */
  enqueueAllAndFlush?(pieces: readonly Uint8Array[]): number;

  /** Opens the window by bytes that `onData` delivered and that the receiver no longer needs. */
  consume(bytes: number): void;
  /**
   * Switches delivery on or off. While it is off, from this call on, arriving data waits, within the window;
   * the peer's FIN is reported if no data waits before it. Default: on.
   */
  setReading(on: boolean): void;
  /** Sets if `onData` may bring loans, also with `setTakesViews`. Default: false. */
  setTakesLoans(on: boolean): void;
  /** Sets if the bytes of `onData` need to be valid only until it returns. Default: false. */
  setTakesViews(on: boolean): void;

  /** Sends what was enqueued, then FIN. Receiving continues. */
  shutdown(): void;
  /**
   * As `shutdown`; data that still arrives is dropped. `onClosed` comes when the FIN is sent and all bytes
   * are acknowledged; or with `ERR_TIMEOUT`, and a reset, when nothing more was acknowledged for the close
   * timeout. The stack waits for the peer's FIN on its own.
   */
  close(): void;
  /**
   * Forgets the connection, as close(2) does: the system sends what it has taken, or resets if data is
   * unread. Safe in every state.
   */
  drop(): void;
  /** Sends a reset and forgets the connection. Safe in every state. */
  abort(): void;
  /**
   * From now on, bytes that are flushed may wait until the stack has delivered the events of its present
   * turn, later than rule 7 says, so that many connections send at once. A stack that gains nothing by that
   * needs no such method.
   */
  gatherInTurn?(): void;
  /**
   * From now on, a process that exits with the connection open leaves it to the system, which sends FIN. A
   * stack that resets no connection at that time needs no such method.
   */
  leaveAtExit?(): void;

  /**
   * Sets if `onAcked` reports acknowledgements. Default: false: they need not be reported, and the unreported
   * ones come in one sum after the next true.
   */
  setReportsAcks(on: boolean): void;
  /** Sets if `onDrained` is reported. Default: false. */
  setReportsDrained(on: boolean): void;
  /**
   * Asks for one `onSpaceFreed`, when `sendSpace` is at least `bytes`, or when nothing is unacknowledged and
   * it cannot become more. 0 withdraws the request.
   */
  setWantsSpace(bytes: number): void;
  /** True: small segments leave at once (Nagle's algorithm is off). */
  setNoDelay(on: boolean): void;
  /** Sets the probes on an idle connection; `idleMs` 0 switches them off. */
  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void;
  /** Sets if the connection keeps the process alive. Default: true, or the attempt's setting. */
  setKeepsAlive(on: boolean): void;
}
