/**
 * What a client keeps for as long as it exists: its handlers, its settings, its present life and the last
 * peer's addresses. All that belongs to one connection lives in the `Session`, so that nothing of it can
 * leak into the next (contract L8).
 */
import type { ErrorCode } from '../port/error-code.js';
import type { Endpoint } from '../port/tcp-stack.js';
import { bindHandler } from '../task/dispatch.js';
import type { AsyncClient } from './async-client.js';
import { checkHandler } from './check.js';
import type { Host } from './host.js';
import type { Packet } from './packet.js';
import type { Session } from './session.js';

/**
 * Why a client is over.
 *
 * - `closed`: `close()` or `drain()` of this side.
 * - `ended`: the peer's FIN.
 * - `rxTimeout`: the time of `setRxTimeout`.
 * - `closeTimeout`: the peer acknowledged nothing new for the close timeout, or `drain` took too long.
 * - `aborted`: `abort()`, the `signal` of `connect`, or an exception in a callback.
 * - `error`: a fault, which `onError` told of; also a `connect` that failed.
 * - `serverEnded`: `server.end()` ended its clients.
 */
export type DisconnectReason =
  'closed' | 'ended' | 'rxTimeout' | 'closeTimeout' | 'aborted' | 'error' | 'serverEnded';

// Handlers may be async functions: a promise that they return counts as their exception when it is rejected.

/** The server accepted a client, which is connected. While a promise of the handler is open, data waits. */
export type ClientHandler = (client: AsyncClient) => unknown;
/** The connection stands. While a promise of the handler is open, data waits for a data handler. */
export type ConnectHandler = (client: AsyncClient) => unknown;
/** The connection is over. `error`: the code that `onError` was given; `undefined` after a graceful end. */
export type DisconnectHandler = (client: AsyncClient, reason: DisconnectReason, error?: ErrorCode) => unknown;
/** `cause` is the system's own error where there is one. */
export type ErrorHandler = (client: AsyncClient, error: ErrorCode, cause?: Error) => unknown;
/** `data` is yours to keep, unless it was asked for as a view. */
export type DataHandler = (client: AsyncClient, data: Uint8Array) => unknown;
/** `packet` goes back with `ackPacket`. */
export type PacketHandler = (client: AsyncClient, packet: Packet) => unknown;
/** `timeMs`: milliseconds since the oldest send that `bytes` belong to. */
export type AckHandler = (client: AsyncClient, bytes: number, timeMs: number) => unknown;
/**
 * `timeMs`: milliseconds for which nothing was acknowledged. `heardAgoMs`: milliseconds since the peer's TCP
 * was last heard of; `undefined` where the stack cannot know.
 */
export type TimeoutHandler = (client: AsyncClient, timeMs: number, heardAgoMs?: number) => unknown;
/** 500 ms have passed. */
export type PollHandler = (client: AsyncClient) => unknown;
/** The peer has ended its side. */
export type EndHandler = (client: AsyncClient) => unknown;

/** Checks a handler that a user sets, and binds it to the asynchronous context in which that happens. */
export function takeHandler<Arguments extends unknown[]>(
  setter: string,
  handler: ((...args: Arguments) => unknown) | undefined,
): ((...args: Arguments) => unknown) | undefined {
  return bindHandler(checkHandler(setter, handler));
}

/** The two ends of a connection. */
export interface Ends {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

const NOWHERE: Endpoint = { address: '0.0.0.0', port: 0 };
const NO_ENDS: Ends = { local: NOWHERE, remote: NOWHERE };

export class ClientCore {
  // First what every message touches.

  /** From `connect` or `accept` up to `onDisconnect`. */
  session: Session | undefined;
  readonly client: AsyncClient;
  onData: DataHandler | undefined;
  /** `onData` was set with the option `view`. */
  takesViews = false;
  onPacket: PacketHandler | undefined;
  onAck: AckHandler | undefined;
  onTimeout: TimeoutHandler | undefined;
  rxTimeoutS = 0;
  ackTimeoutMs: number;

  readonly host: Host;
  /** Of the last connection; before the first one, the unspecified address. */
  ends = NO_ENDS;
  onConnect: ConnectHandler | undefined;
  onDisconnect: DisconnectHandler | undefined;
  onError: ErrorHandler | undefined;
  onPoll: PollHandler | undefined;
  onEnd: EndHandler | undefined;

  noDelay = false;
  /** `undefined`: never set, the stack's own. */
  keepAliveMs: number | undefined;
  keepAliveProbes = 0;
  allowHalfOpen = false;
  keepsAlive = true;
  /** `pause` was called: the next connection begins paused. */
  startsPaused = false;
  /** Bytes; `undefined`: the stack's own. */
  readonly receiveWindow: number | undefined;

  constructor(client: AsyncClient, host: Host, ackTimeoutMs: number, receiveWindow?: number) {
    this.client = client;
    this.host = host;
    this.ackTimeoutMs = ackTimeoutMs;
    this.receiveWindow = receiveWindow;
  }
}
