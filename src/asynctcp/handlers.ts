/**
 * Types of a client's handlers. The client is a type parameter, so that the layers below need not know it.
 */
import type { ErrorCode } from '../port/error-code.js';
import { bindHandler } from '../task/dispatch.js';
import { checkHandler } from './check.js';
import type { Packet } from './packet.js';

/**
 * Reason for the end of a client's connection or attempt.
 *
 * - `closed`: `close()` or `drain()` of this side.
 * - `ended`: the peer's FIN.
 * - `rxTimeout`: the time of `setRxTimeout`.
 * - `closeTimeout`: the peer acknowledged nothing new for the close timeout, or `drain` took too long.
 * - `aborted`: `abort()`, the `signal` of `connect`, or an exception in a callback.
 * - `error`: a fault, which `onError` reported; also a `connect` that failed.
 * - `serverEnded`: `server.end()` ended its clients.
 */
export type DisconnectReason =
  'closed' | 'ended' | 'rxTimeout' | 'closeTimeout' | 'aborted' | 'error' | 'serverEnded';

// A handler may be an async function: a rejected promise counts as its exception.

/**
 * Called when the server has accepted a client, which is connected. While a promise that the handler returned
 * is pending, data waits for a data handler.
 */
export type ClientHandler<Client> = (client: Client) => unknown;
/**
 * Called when `connect` has succeeded. While a promise that the handler returned is pending, data waits for a
 * data handler.
 */
export type ConnectHandler<Client> = (client: Client) => unknown;
/** Called when the connection is over. `error`: the code of `onError`; `undefined` after a graceful end. */
export type DisconnectHandler<Client> = (
  client: Client,
  reason: DisconnectReason,
  error?: ErrorCode,
) => unknown;
/**
 * Called when a fault has ended the connection or the attempt. `cause`: the system's own error, if there is
 * one.
 */
export type ErrorHandler<Client> = (client: Client, error: ErrorCode, cause?: Error) => unknown;
/**
 * Called for received data. The program may keep `data`, unless the handler was set with the option `view`.
 */
export type DataHandler<Client> = (client: Client, data: Uint8Array) => unknown;
/** Called for received data. `packet` is given back with `ackPacket`. */
export type PacketHandler<Client> = (client: Client, packet: Packet) => unknown;
/** Called for acknowledged bytes. `timeMs`: milliseconds since the oldest send that `bytes` belong to. */
export type AckHandler<Client> = (client: Client, bytes: number, timeMs: number) => unknown;
/**
 * Called when nothing is acknowledged in time. `timeMs`: milliseconds for which nothing was acknowledged.
 * `heardAgoMs`: milliseconds since the last segment of the peer's TCP; `undefined` if the stack cannot know.
 */
export type TimeoutHandler<Client> = (client: Client, timeMs: number, heardAgoMs?: number) => unknown;
/** Called every 500 ms. */
export type PollHandler<Client> = (client: Client) => unknown;
/** Called when the peer has ended its side. */
export type EndHandler<Client> = (client: Client) => unknown;

/** Checks a handler that a user sets, and binds it to the asynchronous context in which it is set. */
export function takeHandler<Arguments extends unknown[]>(
  setter: string,
  handler: ((...args: Arguments) => unknown) | undefined,
): ((...args: Arguments) => unknown) | undefined {
  return bindHandler(checkHandler(setter, handler));
}
