/**
 * The port: what a TCP stack offers to AsyncClient and AsyncServer. It is lwIP's raw API in TypeScript's
 * manners: one object for a connection, one for a listener, and an object of events for each, given by
 * whoever opens it.
 *
 * The rules that every stack keeps:
 *
 * 1. No method calls an event before it returns. Events come from the stack's loop, one at a time.
 * 2. `connected` comes once and first (not for accepted connections, which stand already); between it and
 *    the first `data` the microtasks that it caused have run. `closed` comes once and last, and nothing
 *    comes after it.
 * 3. After `abort` no event comes at all.
 * 4. `data` and `end` are in order: `end` follows the last byte.
 * 5. After `close` every byte that `write` took reaches a peer that makes progress, unless `abort` is called.
 * 6. Bytes that were output leave in the order of the calls, across connections too, at the latest when the
 *    callback that did it returns, and before the process exits.
 * 7. What `state` and `sendSpace` answer is true at the moment of the call, also when an event is still on
 *    its way.
 * 8. Addresses are IP addresses in text form; an IPv4 peer of a dual-stack listener is told as IPv4.
 *
 * Call order of a connection: `connect` → `connected` → (`write`* `output`)* and (`data` → `received`)* →
 * `shutdown` or `close` → `end` → `closed`; at any time `abort`.
 */
import type { TimerWheel } from '../support/timer-wheel.js';
import type { Capabilities } from './capabilities.js';
import type { ErrorCode } from './error-code.js';
import type { TcpState } from './tcp-state.js';

/** Why something ended: lwIP's number, and the system's own error where there is one. */
export interface Fault {
  readonly code: ErrorCode;
  readonly cause?: Error | undefined;
}

/** Takes a request back; harmless when it was answered already. */
export type Cancel = () => void;

/** The numbers that a stack was built with. */
export interface StackLimits {
  /**
   * Connections at once where the configuration sets no other number; `undefined`: the system's own limit.
   */
  readonly maxActiveTcp: number | undefined;
  /** Bytes that one connection takes from `write` before any is acknowledged. */
  readonly sendBufferBytes: number;
  /** Bytes that one connection delivers before any is given back by `received`. */
  readonly receiveWindowBytes: number;
  /** Bytes that all connections of the thread may have unacknowledged together. */
  readonly sendBudgetBytes: number;
  /** Time without progress after which a connection that closes is reset, in milliseconds. */
  readonly closeTimeoutMs: number;
}

export interface TcpStack {
  /** What the configuration calls it: `node`, `kernel`, … */
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly limits: StackLimits;
  /** The stack's time, and the timers of all its connections. */
  readonly timers: TimerWheel;
  /**
   * Runs `job` once from the stack's loop, after the running callback has returned, in the order of the
   * calls.
   */
  post(job: () => void): void;
  /**
   * Looks the addresses of a name up, the system's preferred one first. An answer without a fault has at
   * least one.
   */
  resolve(host: string, answer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel;
  connect(target: ConnectTarget, events: ConnectionEvents): Connection;
  listen(target: ListenTarget, events: ListenerEvents): Listener;
}

export interface ConnectTarget {
  /** An IP address; names are looked up before. */
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
  /** 0: the system chooses. */
  readonly localPort: number;
  /** Receive window of the connection, in bytes; `undefined`: the stack's own. */
  readonly receiveWindowBytes?: number | undefined;
  /** Shares the local port with listeners that say so too. Needs the capability `connectReusePort`. */
  readonly reusePort?: boolean;
}

export interface ListenTarget {
  /** An IP address; `undefined`: every address of the machine, IPv6 and IPv4. */
  readonly address: string | undefined;
  /** 0: the system chooses. */
  readonly port: number;
  /** Connections that may wait to be accepted; `undefined`: the system's usual number. */
  readonly backlog: number | undefined;
  readonly reusePort: boolean;
  /** Receive window of each accepted connection, in bytes; `undefined`: the stack's own. */
  readonly receiveWindowBytes?: number | undefined;
}

/** Memory of the stack's that a receiver reads for a while. */
export interface Loan {
  /** Nobody reads the piece any more. Once for each piece, also after the connection's end. */
  giveBack(): void;
}

export interface ConnectionEvents {
  connected(): void;
  /**
   * The bytes are the receiver's to keep; or, with a loan, until it gives that back. Every byte comes back by
   * `received`, sooner or later.
   */
  data(bytes: Uint8Array, loan?: Loan): void;
  /** Bytes acknowledged since the last time; more than 0. `sendSpace` has risen by as many already. */
  acked(bytes: number): void;
  /** The peer's FIN; all its data was delivered. */
  end(): void;
  /** The connection is over; without a fault both sides ended it in order. */
  closed(fault: Fault | undefined): void;
}

export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes that are delivered before any is given back by `received`. */
  readonly receiveWindowBytes: number;
  /** Hands all further events to another receiver, from the next event on. */
  setEvents(events: ConnectionEvents): void;
  state(): TcpState;
  /** Bytes of one segment's data; 0 before the connection stands. */
  mss(): number;
  /** Bytes that `write` would take now. */
  sendSpace(): number;
  /** Whether `write` would take so many: as comparing with `sendSpace`, and cheaper where that has to ask. */
  fits(bytes: number): boolean;
  /** Bytes that `write` took and that are not acknowledged, as far as the stack can know now. */
  unacknowledged(): number;
  /**
   * Milliseconds since the peer was heard of: its data, or an acknowledgement, also of nothing new.
   * `undefined` where the system does not tell.
   */
  heardAgoMs(): number | undefined;
  /**
   * Takes as many of `bytes` as there is space for, returns how many, and sends nothing yet. With `copy` the
   * bytes are the caller's again on return; without it they are the stack's until they are acknowledged.
   * `more` says that more follows.
   */
  write(bytes: Uint8Array, copy: boolean, more: boolean): number;
  /** `write`, then `output` if any were taken: what the system takes within the call needs no copy. */
  send(bytes: Uint8Array, copy: boolean, more: boolean): number;
  /** Sends what was written. */
  output(): void;
  /** Opens the window again by bytes that `data` delivered. */
  received(bytes: number): void;
  /**
   * Off: nothing more is delivered, from this call on; what arrives waits, within the window. The peer's FIN
   * is told all the same when no data waits before it. On at the beginning.
   */
  setReading(on: boolean): void;
  /** Whether `data` may bring loans: the receiver gives each of them back. Off at the beginning. */
  setTakesLoans(on: boolean): void;
  /** Whether the bytes of `data` need to be valid only until it returns. Off at the beginning. */
  setTakesViews(on: boolean): void;
  /** Sends what was written, then FIN. Receiving goes on. */
  shutdown(): void;
  /**
   * As `shutdown`; what still arrives is dropped, and `closed` comes when the FIN is sent and all bytes are
   * acknowledged; or, with `ERR_TIMEOUT`, when nothing more was for the close timeout, the connection being
   * reset. The stack waits for the peer's FIN on its own.
   */
  close(): void;
  /** Sends a reset and forgets the connection. Safe in every state, and no event follows. */
  abort(): void;
  /**
   * Whether anybody waits for `acked`. While nobody does, it need not come; what was not told comes when
   * somebody begins to wait.
   */
  setReportsAcks(on: boolean): void;
  setNoDelay(on: boolean): void;
  /** `idleMs` 0 switches the probes off. */
  setKeepAlive(idleMs: number, probes: number): void;
  /** Whether the connection keeps the process alive. */
  setKeepsAlive(on: boolean): void;
}

export interface ListenerEvents {
  listening(): void;
  /** The address could not be had; the listener is over. */
  failed(fault: Fault): void;
  /**
   * A connection stands. Its events go to the receiver that is returned; `undefined` refuses it, with a
   * reset.
   */
  accepted(connection: Connection): ConnectionEvents | undefined;
  /** A connection could not be accepted, for want of descriptors or memory. Listening goes on. */
  acceptFailed(fault: Fault): void;
}

export interface Listener {
  /** Meaningful from `listening` on. */
  readonly address: string;
  readonly port: number;
  /**
   * Stops listening at once: the port is free when this returns. Accepted connections go on, and no event
   * follows.
   */
  close(): void;
  setKeepsAlive(on: boolean): void;
}
