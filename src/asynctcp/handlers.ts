/** The handlers that a client has, as types over the client, so that the layers below need not know it. */
import type { ErrorCode } from '../port/error-code.js';
import { bindHandler } from '../task/dispatch.js';
import { checkHandler } from './check.js';
import type { Packet } from './packet.js';

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
export type ClientHandler<Client> = (client: Client) => unknown;
/** The connection stands. While a promise of the handler is open, data waits for a data handler. */
export type ConnectHandler<Client> = (client: Client) => unknown;
/** The connection is over. `error`: the code that `onError` was given; `undefined` after a graceful end. */
export type DisconnectHandler<Client> = (
  client: Client,
  reason: DisconnectReason,
  error?: ErrorCode,
) => unknown;
/** `cause` is the system's own error where there is one. */
export type ErrorHandler<Client> = (client: Client, error: ErrorCode, cause?: Error) => unknown;
/** `data` is yours to keep, unless it was asked for as a view. */
export type DataHandler<Client> = (client: Client, data: Uint8Array) => unknown;
/** `packet` goes back with `ackPacket`. */
export type PacketHandler<Client> = (client: Client, packet: Packet) => unknown;
/** `timeMs`: milliseconds since the oldest send that `bytes` belong to. */
export type AckHandler<Client> = (client: Client, bytes: number, timeMs: number) => unknown;
/**
 * `timeMs`: milliseconds for which nothing was acknowledged. `heardAgoMs`: milliseconds since the peer's TCP
 * was last heard of; `undefined` where the stack cannot know.
 */
export type TimeoutHandler<Client> = (client: Client, timeMs: number, heardAgoMs?: number) => unknown;
/** 500 ms have passed. */
export type PollHandler<Client> = (client: Client) => unknown;
/** The peer has ended its side. */
export type EndHandler<Client> = (client: Client) => unknown;

/** Checks a handler that a user sets, and binds it to the asynchronous context in which it is set. */
export function takeHandler<Arguments extends unknown[]>(
  setter: string,
  handler: ((...args: Arguments) => unknown) | undefined,
): ((...args: Arguments) => unknown) | undefined {
  return bindHandler(checkHandler(setter, handler));
}
