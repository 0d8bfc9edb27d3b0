/**
 * The observer of a thread: a monitor that is called when a connection begins or ends, and when a server
 * listens, stops or refuses. There is none unless a monitor runs. No message leads to a call.
 */
import type { Fault, PathFigures } from '../port/tcp-stack.js';
import type { TcpState } from '../port/tcp-state.js';
import type { DisconnectReason } from './handlers.js';
import type { Ends } from './session-owner.js';
import type { SocketUser } from './thread-registry.js';

/** The bytes of a connection at one moment. */
export interface FlowState {
  /** Bytes added and not acknowledged. */
  readonly unacknowledged: number;
  /** Those of them that were added and not sent. */
  readonly added: number;
  /** Those of them that were sent and that the system has not taken. */
  readonly queued: number;
  /** Bytes delivered to the program and not consumed. */
  readonly withheld: number;
  /** Bytes that are delivered before any is consumed. */
  readonly windowBytes: number;
  /** True if data waits: for `resume`, for a handler, or for the stream that takes it. */
  readonly isPaused: boolean;
  /** Bytes that have arrived and wait to be delivered; `undefined` if the stack does not know. */
  readonly undelivered: number | undefined;
  /** Milliseconds since the peer's last segment; `undefined` if the system does not report it. */
  readonly heardAgoMs: number | undefined;
  /** Bytes of data in one segment. */
  readonly mss: number;
  /** `undefined` if the stack does not know the path. */
  readonly path: PathFigures | undefined;
}

/** A connection as an observer sees it. */
export interface ObservedConnection extends SocketUser {
  /** Identifies the server that accepted the connection, or the link that made it. */
  readonly keeper: { readonly isServer?: boolean } | undefined;
  /** Returns the milliseconds since the connection began. */
  ageMs(): number;
  /** Bytes received and bytes sent since the connection began. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  state(): TcpState;
  ends(): Ends;
  /** Returns the state of the bytes; `undefined` before the connection and after it. */
  flowState(): FlowState | undefined;
  close(reason: DisconnectReason): void;
  abort(): unknown;
}

/** A server that listens, as an observer sees it. */
export interface ObservedListener extends SocketUser {
  /** Identifies the server: the `keeper` of its connections. */
  readonly keeper: object;
  /** Most clients at once; infinite without a limit. */
  readonly maxClients: number;
  address(): string;
  port(): number;
  /** Returns true if the port is bound: peers can connect. */
  isReady(): boolean;
  /** Returns true if clients are given to a handler. Without one they are refused. */
  hasHandler(): boolean;
  /** Returns the clients that have not ended. */
  clients(): number;
  /** Returns the clients that count for `maxClients`. */
  places(): number;
}

export interface Observer {
  onOpened(connection: ObservedConnection): void;
  /** A life is over: that of a connection, or of an attempt that `onOpened` was not called for. */
  onOver(connection: ObservedConnection, reason: DisconnectReason, fault: Fault | undefined): void;
  /** A callback of the connection threw, or returned a promise that was rejected. */
  onException(connection: ObservedConnection, error: unknown): void;
  onListening(listener: ObservedListener): void;
  onListenFailed(listener: ObservedListener, fault: Fault): void;
  onStopped(listener: ObservedListener): void;
  /** A connection was refused: an accepted one, or one of this side, without a listener. */
  onRefused(listener: ObservedListener | undefined): void;
  /** The system could not accept a connection, for lack of descriptors or memory. */
  onAcceptFailed(listener: ObservedListener, fault: Fault): void;
}

/** The observer of this thread; `undefined` unless a monitor runs. */
export let observer: Observer | undefined;

/** Sets the observer of this thread; `undefined` removes it. */
export function observeWith(wanted: Observer | undefined): void {
  observer = wanted;
}

/** Returns true if the user of a socket is a server that listens. */
export function isListener(user: SocketUser): user is ObservedListener {
  return 'maxClients' in user;
}
