/**
 * AsyncClient, the public class of a connection: it checks arguments, keeps handlers and settings, and leaves
 * the connection itself to its `Session`.
 */
import { ErrorCode } from '../port/error-code.js';
import { stateName, TcpState } from '../port/tcp-state.js';
import type { Capabilities } from '../port/capabilities.js';
import { SendFlag, type Connection, type SendFlags, type TcpStack } from '../port/tcp-stack.js';
import { ipFamily, parseIpv4 } from '../support/ip-address.js';
import { isAbortSignal, viewOfForeign } from '../support/realm.js';
import { stackHighWaterMark } from '../task/diagnostics.js';
import {
  checkAddress,
  checkBoolean,
  checkHost,
  checkInteger,
  checkNumber,
  checkOptions,
  checkPort,
  checkReceiveWindow,
  checkSignal,
  checkWithin,
  MAX_KEEP_ALIVE_MS,
  MAX_KEEP_ALIVE_PROBES,
  MAX_TIMEOUT_S,
  show,
} from './check.js';
import { checkRequired, type RequiredCapabilities } from './required.js';
import { ClientCore } from './client-core.js';
import { initialSettings, type AcceptedSettings } from './client-settings.js';
import { harmless, notConnected } from './flush-waiters.js';
import { takeHandler } from './handlers.js';
import type * as handlers from './handlers.js';
import { Packet, returnPacket } from './packet.js';
import type { Arrival } from './preamble.js';
import type { Ends } from './session-owner.js';
import { Session, type ClientKeeper, type DialOptions } from './session.js';
import { chooseStack, type StackOption } from './stack-choice.js';
import { beginTask } from './task-use.js';
import { errorText, TcpError } from './tcp-error.js';

/** `add` and `write` copy the data, so that the caller's buffer is free at once. The default. */
export const ASYNC_WRITE_FLAG_COPY = SendFlag.COPY;
/**
 * More data follows: the bytes of this call may wait for it, at most until the end of the present turn of the
 * event loop.
 */
export const ASYNC_WRITE_FLAG_MORE = SendFlag.MORE;

/** Flags of `add` and `write`. */
export type WriteFlags = SendFlags;

/**
 * Type of a flags argument. A literal has to be one of `WriteFlags`; the sum of the two constants is a
 * `number` to TypeScript, and is accepted too.
 */
export type FlagsArgument<F extends number> = number extends F ? F : WriteFlags;

/** Most bytes that UTF-8 needs for one UTF-16 unit of a string (RFC 3629 §3). */
const MAX_BYTES_OF_UNIT = 3;

const ALL_FLAGS = SendFlag.COPY | SendFlag.MORE;

function isSendFlags(flags: number): flags is SendFlags {
  return (flags & ALL_FLAGS) === flags;
}

/** Options of a new client. */
export interface ClientOptions {
  /** Stack that carries the bytes. Default: the configuration's `CONFIG_ASYNC_TCP_STACK`. */
  stack?: StackOption;
  /**
   * Capabilities that the stack must have, such as `{ acknowledgement: 'peer' }`. The constructor throws a
   * RangeError if the stack lacks one.
   */
  require?: RequiredCapabilities;
  /**
   * Receive window of the client's connections, 1024 to 1073741824 bytes: the most bytes that are delivered
   * before the program has acknowledged any. Default: the stack's.
   */
  receiveWindow?: number;
}

/** Options of `onData`. */
export interface DataOptions {
  /**
   * True: the data is valid only until the handler returns, as on the ESP32, and must not be used later, when
   * the memory may hold other bytes. This is the cheapest way. Default false: the program may keep the data.
   */
  view?: boolean;
}

/** Options of `drain`. */
export interface DrainOptions {
  /** Milliseconds until the connection is reset, with `ERR_TIMEOUT`. Default: no limit. */
  withinMs?: number;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** Milliseconds until the attempt ends with `ERR_TIMEOUT`. Default 0: no limit but the system's. */
  timeoutMs?: number;
  /**
   * Ends the attempt with `ERR_ABRT`. The signal concerns the attempt alone: once connected, use `abort()`.
   * On Node 20, a signal that more than ten attempts share at once needs `setMaxListeners(0, signal)` of
   * `node:events`.
   */
  signal?: AbortSignal;
  /** IP address of this machine to connect from. Default: the system chooses. */
  localAddress?: string;
  /** Port to connect from. Default 0: the system chooses. */
  localPort?: number;
  /**
   * True: shares `localPort` with listeners and connections that set `reusePort` too, as hole punching needs.
   * Needs the stack's capability `connectReusePort`. Default false.
   */
  reusePort?: boolean;
  /** Family of the addresses to try, IPv4 or IPv6. Default: both. */
  family?: 4 | 6;
  /** Receive window of this connection, 1024 to 1073741824 bytes. Default: the client's own. */
  receiveWindow?: number;
}

const encoder = new TextEncoder();

// The handlers of an AsyncClient. A handler may be an async function: a rejected promise counts as its
// exception.

export type ClientHandler = handlers.ClientHandler<AsyncClient>;
export type ConnectHandler = handlers.ConnectHandler<AsyncClient>;
export type DisconnectHandler = handlers.DisconnectHandler<AsyncClient>;
export type ErrorHandler = handlers.ErrorHandler<AsyncClient>;
export type DataHandler = handlers.DataHandler<AsyncClient>;
export type PacketHandler = handlers.PacketHandler<AsyncClient>;
export type AckHandler = handlers.AckHandler<AsyncClient>;
export type TimeoutHandler = handlers.TimeoutHandler<AsyncClient>;
export type PollHandler = handlers.PollHandler<AsyncClient>;
export type EndHandler = handlers.EndHandler<AsyncClient>;

/** Makes the client of an accepted connection, for AsyncServer. */
let adopt: (stack: TcpStack) => ClientCore<AsyncClient>;

/**
 * Connects a client as its `connect` does, and reports to a keeper. Returns the session; `undefined` if
 * `connect` would return false.
 */
export let connectFor: (
  keeper: ClientKeeper,
  client: AsyncClient,
  host: string,
  port: number,
  options: ConnectOptions,
) => Session<AsyncClient> | undefined;

/** Returns the state behind a client, for the streams that stand on it. */
export let coreOf: (client: AsyncClient) => ClientCore<AsyncClient>;

/**
 * One TCP connection with callbacks. A program makes a client, sets its handlers and connects it, or gets a
 * connected client from an AsyncServer. After `onDisconnect` a client can connect again.
 *
 * No method calls a callback before the method returns, and every method may be called in every callback. A
 * method that gets a wrong argument throws a `TypeError` or a `RangeError` and changes nothing. No method
 * throws because of an event of the network.
 */
export class AsyncClient {
  readonly #core: ClientCore<AsyncClient>;

  static {
    adopt = (stack) => new AsyncClient({ stack }).#core;
    coreOf = (client) => client.#core;
    connectFor = (keeper, client, host, port, options) => connect(client.#core, host, port, options, keeper);
  }

  /**
   * Makes a client that is not connected.
   * @throws TypeError, RangeError for options out of range, for a stack that is unknown or lacks a required
   *   capability, and for a configuration that cannot be used.
   */
  constructor(options: ClientOptions = {}) {
    checkOptions(options);
    const receiveWindow = checkReceiveWindow(options.receiveWindow);
    const initial = initialSettings();
    const admission = chooseStack(options.stack);
    checkRequired(options.require, admission.stack);
    const settings = receiveWindow === undefined ? initial : { ...initial, receiveWindow };
    this.#core = new ClientCore<AsyncClient>(this, admission, settings);
  }

  /**
   * Makes a client and connects it. Data waits until `onData` or `onPacket` is set, however late; a program
   * that wants no data ends the wait with `resume()`.
   * @returns a promise that resolves with the connected client.
   * @throws TcpError (as a rejection) with the code that `onError` would get; for wrong arguments, the errors
   *   of the constructor and of `connect`.
   */
  static async open(
    host: string,
    port: number,
    options: ConnectOptions & ClientOptions = {},
  ): Promise<AsyncClient> {
    const client = new AsyncClient(options);
    return new Promise((resolve, reject) => {
      const action = `connect to ${host} port ${port}`;
      let failure = new TcpError(ErrorCode.ERR_CLSD, action);
      client.onError((_, code, cause) => {
        failure = new TcpError(code, action, cause);
      });
      client.onDisconnect(() => {
        reject(failure);
      });
      client.onConnect(() => {
        client.onConnect(undefined);
        client.onError(undefined);
        client.onDisconnect(undefined);
        client.#core.session?.awaitHandler();
        resolve(client);
      });
      if (!client.connect(host, port, options)) reject(new TcpError(ErrorCode.ERR_ARG, action));
    });
  }

  /**
   * Begins to connect. The addresses of a name are tried by RFC 8305. The outcome comes by callback:
   * `onConnect`, or `onError` followed by `onDisconnect`.
   * @param host a name or an IP address.
   * @param port 1 to 65535.
   * @returns false if the client is connected or connecting already (up to `onDisconnect`), or if the
   *   arguments can never work: port 0, or a local address or a `family` of another family than the host's.
   *   No callback follows then.
   * @throws TypeError, RangeError for a host, a port or an option that is not valid, and for an option that
   *   the stack cannot meet.
   */
  connect(host: string, port: number, options: ConnectOptions = {}): boolean {
    return connect(this.#core, host, port, options) !== undefined;
  }

  /**
   * Ends gracefully: sends the bytes that `add` took, then FIN, and drops data that still arrives.
   * `onDisconnect` follows when all bytes are acknowledged (on a stack whose acknowledgement is `local`: when
   * the FIN is sent), without a wait for the peer's FIN. If the peer acknowledges nothing new for the close
   * timeout, the connection is reset, with `onError(ERR_TIMEOUT)`. From this call on the client does not
   * count against `maxClients` and `CONFIG_LWIP_MAX_ACTIVE_TCP`. A client that is still connecting gives up,
   * with `onDisconnect` alone. Harmless if there is nothing to close.
   */
  close(): void {
    this.#core.session?.close('closed');
  }

  /** Calls `close`, of which it is the old name. */
  stop(): void {
    this.close();
  }

  /**
   * Ends at once with a reset: data in flight is lost. `onError(ERR_ABRT)` and `onDisconnect` follow.
   * @returns `ERR_ABRT`; `ERR_CONN` if there is nothing to abort.
   */
  abort(): ErrorCode {
    return this.#core.session?.abort() ?? ErrorCode.ERR_CONN;
  }

  /**
   * Sends FIN after the bytes that `add` took, and continues to receive. Without `setAllowHalfOpen(true)` the
   * peer's FIN still ends the connection.
   * @returns `ERR_OK`; `ERR_CONN` if the client is not connected, or is shut down already.
   */
  shutdown(): ErrorCode {
    return this.#core.session?.shutdown() ?? ErrorCode.ERR_CONN;
  }

  /**
   * Ends without loss: sends the bytes that `add` took, then FIN, and continues to receive. The peer's FIN
   * then ends the client as `close()` does. Nothing more can be sent: answer first, then drain. A client that
   * is still connecting gives up.
   * @returns a promise that resolves after `onDisconnect`, or at once if there is no connection. The promise
   *   is rejected with a TcpError if data may have been lost: `ERR_TIMEOUT` after `withinMs`, `ERR_CLSD` if
   *   the client was closed before the peer's FIN, or the code of `onError`. To ignore the rejection does no
   *   harm.
   * @throws TypeError, RangeError for a `withinMs` outside 0 to 86400000.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    checkOptions(options);
    const withinMs = checkWithin(options.withinMs);
    const session = this.#core.session;
    if (session === undefined) return Promise.resolve();
    const over = session.drain('closed').then((fault) => {
      if (fault !== undefined) throw new TcpError(fault.code, 'drain a connection', fault.cause);
    });
    if (withinMs !== undefined) session.endWithin(withinMs);
    return harmless(over);
  }

  /**
   * Keeps this side open after the peer's FIN, which `onEnd` then reports. Default false: the peer's FIN
   * closes the client.
   */
  setAllowHalfOpen(on: boolean): void {
    this.#core.setAllowHalfOpen(checkBoolean('setAllowHalfOpen', on));
  }

  // ---- sending

  /** Returns true if `add` would take at least one byte now. */
  canSend(): boolean {
    return this.space() > 0;
  }

  /**
   * Returns the bytes that `add` would take now; 0 unless connected. `add` lowers the number; acknowledged
   * bytes raise it before `onAck` is called.
   */
  space(): number {
    return this.#core.session?.space() ?? 0;
  }

  /**
   * Takes data to send. Nothing is sent before `send`.
   * @param data bytes, of which as many are taken as `space()` allows; or a string, which is sent as UTF-8
   *   and taken whole or not at all. The bytes may be another realm's `Uint8Array`, and lie in a
   *   `SharedArrayBuffer` or in a resizable buffer.
   * @param flags `ASYNC_WRITE_FLAG_COPY` (default) copies the bytes. Without it your buffer itself is sent:
   *   leave it unchanged until `onAck` has counted its bytes. `ASYNC_WRITE_FLAG_MORE` says that more data
   *   follows. Unlike in C++, there is no length argument: use `data.subarray(0, length)`.
   * @returns bytes taken, at most `space()`; 0 unless connected.
   * @throws TypeError, RangeError for other data or flags, and for a string of more bytes than the send
   *   buffer (the stack's `limits.sendBufferBytes`), which could never be taken.
   */
  add<F extends number = 1>(data: string | Uint8Array, flags?: FlagsArgument<F>): number {
    return take(this.#core, data, flags, false);
  }

  /**
   * Returns the bytes that `add` took and that are not acknowledged: by the peer's TCP or, on a stack whose
   * `capabilities.acknowledgement` is `local`, by this machine's. The number says nothing about the peer's
   * program. 0 unless connected.
   */
  unacknowledged(): number {
    return this.#core.session?.unacknowledged() ?? 0;
  }

  /**
   * Waits until all bytes that `add` took before this call are acknowledged, as `unacknowledged` counts them.
   * Sends nothing: bytes that were only added wait for `send`.
   * @returns a promise that resolves when these bytes are acknowledged. The promise is rejected with a
   *   TcpError: `ERR_CONN` unless connected, `ERR_ABRT` by the signal and, if the client ends before, the
   *   code of `onError` or `ERR_CLSD`. To ignore the rejection does no harm.
   * @throws TypeError for a `signal` that is no AbortSignal.
   */
  flushed(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options);
    const signal = checkSignal('signal', options.signal);
    return this.#core.session?.flushed(signal) ?? notConnected();
  }

  /** Sends the bytes that were added. @returns false unless connected. */
  send(): boolean {
    return this.#core.session?.send() ?? false;
  }

  /** `add`, then `send`. Arguments, result and errors as in `add`. */
  write<F extends number = 1>(data: string | Uint8Array, flags?: FlagsArgument<F>): number {
    return take(this.#core, data, flags, true);
  }

  // ---- receiving

  /**
   * Withholds the piece that `onData` has in hand: the receive window opens for it only by `ack`. Without
   * effect outside of `onData`.
   *
   * At most `receiveWindow` bytes are delivered that the program has not acknowledged. A program that
   * acknowledges whole lines or messages must acknowledge those longer than the window in parts, or ask for a
   * window larger than the longest one.
   */
  ackLater(): void {
    this.#core.session?.ackLater();
  }

  /**
   * Opens the receive window by bytes that `ackLater` or `onPacket` withheld.
   * @returns the bytes by which the window was opened, at most those withheld.
   * @throws TypeError, RangeError for anything but an integer of at least 0.
   */
  ack(bytes: number): number {
    checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER);
    return this.#core.session?.ack(bytes) ?? 0;
  }

  /**
   * Gives a packet of `onPacket` back and opens the window by the packet's length. Without effect for a
   * packet that was given back before, or that belongs to another client.
   * @throws TypeError for anything but a Packet.
   */
  ackPacket(packet: Packet): void {
    if (!(packet instanceof Packet))
      throw new TypeError(`packet must be a Packet of onPacket, not ${show(packet)}`);
    returnPacket(packet, this.#core);
  }

  /**
   * Stops the delivery of data, also before the first byte: the receive window then bounds how much the peer
   * can send. The call concerns the present connection or, if there is none, the next one. The peer's FIN is
   * still reported if no data waits before it.
   */
  pause(): void {
    this.#core.setPaused(true);
  }

  /** Continues the delivery of data: ends `pause`, and the wait for a data handler. */
  resume(): void {
    this.#core.setPaused(false);
  }

  /** Returns true if `pause` is in force. */
  paused(): boolean {
    return this.#core.isPaused();
  }

  /**
   * Receive window in bytes, of the present connection or of the next one: the option's number, or else the
   * stack's.
   */
  get receiveWindow(): number {
    const { session, receiveWindow, admission } = this.#core;
    return session?.receiveWindow() ?? receiveWindow ?? admission.stack.limits.receiveWindowBytes;
  }

  // ---- state

  /** Capabilities of the client's stack, such as the meaning of an acknowledgement. */
  get capabilities(): Capabilities {
    return this.#core.admission.stack.capabilities;
  }

  /**
   * Returns the TCP state, with lwIP's numbers. The state is `SYN_SENT` from `connect` on, also while a name
   * is looked up.
   */
  state(): TcpState {
    return this.#core.session?.state() ?? TcpState.CLOSED;
  }

  /** Returns the state in words. */
  stateToString(): string {
    return stateName(this.state());
  }

  /** Returns true between `connect` and its outcome. */
  connecting(): boolean {
    const state = this.state();
    return state > TcpState.CLOSED && state < TcpState.ESTABLISHED;
  }

  /** Returns true if both directions are open. */
  connected(): boolean {
    return this.state() === TcpState.ESTABLISHED;
  }

  /** Returns true if at least one side has ended and the connection is not over yet. */
  disconnecting(): boolean {
    const state = this.state();
    return state > TcpState.ESTABLISHED && state < TcpState.TIME_WAIT;
  }

  /** Returns true if the client is not connected, or waits for the last segments in `TIME_WAIT`. */
  disconnected(): boolean {
    const state = this.state();
    return state === TcpState.CLOSED || state === TcpState.TIME_WAIT;
  }

  /** Returns true if the program can drop the client: it is closed or closing. */
  freeable(): boolean {
    const state = this.state();
    return state === TcpState.CLOSED || state > TcpState.ESTABLISHED;
  }

  /** Returns the same as `freeable`, under the C++ library's name; there is no memory to free here. */
  free(): boolean {
    return this.freeable();
  }

  /**
   * Returns the largest segment in bytes; 0 unless connected. Without the stack's capability `pathMss`, the
   * number is the one usual on Ethernet.
   */
  getMss(): number {
    return this.#core.session?.mss() ?? 0;
  }

  // ---- settings: the client's own; they hold for its later connections too

  /**
   * Sets the receive timeout: the client closes if neither data nor an acknowledgement of our data comes for
   * that time. While bytes are in flight, the timeout may come up to a quarter of its time late. The time
   * stands still while the program keeps the peer from sending: the receive window is full, `pause` is in
   * force, or data waits for a handler.
   * @param seconds 0 (default) is off; fractions count.
   * @throws TypeError, RangeError outside 0 to 86400.
   */
  setRxTimeout(seconds: number): void {
    this.#core.setRxTimeout(checkNumber('seconds', seconds, 0, MAX_TIMEOUT_S, ' s'));
  }

  /** Returns the receive timeout in seconds. */
  getRxTimeout(): number {
    return this.#core.rxTimeoutS;
  }

  /**
   * Sets the acknowledgement timeout: `onTimeout` is called when bytes are in flight and none of them was
   * acknowledged for that time.
   * @param ms 0 is off. Default: `CONFIG_ASYNC_TCP_MAX_ACK_TIME`, 5000.
   * @throws TypeError, RangeError outside 0 to 86400000.
   */
  setAckTimeout(ms: number): void {
    this.#core.setAckTimeout(checkNumber('ms', ms, 0, MAX_TIMEOUT_S * 1000, ' ms'));
  }

  /** Returns the acknowledgement timeout in milliseconds. */
  getAckTimeout(): number {
    return this.#core.ackTimeoutMs;
  }

  /** Sends small pieces at once, without Nagle's algorithm (RFC 9293 §3.7.4). Default false. */
  setNoDelay(on: boolean): void {
    this.#core.setNoDelay(checkBoolean('setNoDelay', on));
  }

  /** Returns the setting of `setNoDelay`. */
  getNoDelay(): boolean {
    return this.#core.noDelay;
  }

  /**
   * Probes an idle connection, so that a dead peer is found (RFC 9293 §3.8.4).
   * @param ms idle time before the first probe and between probes, in steps of a second, at most 32767000; 0
   *   is off.
   * @param count unanswered probes before the connection ends, 1 to 127. Interval and count are the system's
   *   own on a stack without the capability `keepAliveProbes`.
   * @throws TypeError, RangeError for numbers out of these ranges.
   */
  setKeepAlive(ms: number, count = 9): void {
    const idleMs = checkInteger('ms', ms, 0, MAX_KEEP_ALIVE_MS, ' ms');
    this.#core.setKeepAlive(idleMs, checkInteger('count', count, 1, MAX_KEEP_ALIVE_PROBES));
  }

  // ---- addresses: of the present connection or, after its end, of the last one

  /** Returns the peer's address in text form; `0.0.0.0` before the first connection. */
  remoteIP(): string {
    return endsOf(this.#core).remote.address;
  }

  /** Returns the peer's port; 0 before the first connection. */
  remotePort(): number {
    return endsOf(this.#core).remote.port;
  }

  /** Returns this side's address in text form; `0.0.0.0` before the first connection. */
  localIP(): string {
    return endsOf(this.#core).local.address;
  }

  /** Returns this side's port; 0 before the first connection. */
  localPort(): number {
    return endsOf(this.#core).local.port;
  }

  /** Returns the peer's IPv4 address as an unsigned number, 127.0.0.1 being 0x7f000001; 0 for IPv6. */
  getRemoteAddress(): number {
    return parseIpv4(this.remoteIP()) ?? 0;
  }

  /** Returns the same as `remotePort`. */
  getRemotePort(): number {
    return this.remotePort();
  }

  /** Returns this side's IPv4 address as an unsigned number, 127.0.0.1 being 0x7f000001; 0 for IPv6. */
  getLocalAddress(): number {
    return parseIpv4(this.localIP()) ?? 0;
  }

  /** Returns the same as `localPort`. */
  getLocalPort(): number {
    return this.localPort();
  }

  /** Returns the peer's IPv6 address in text form; `::` if the peer has none. */
  remoteIP6(): string {
    return ipFamily(this.remoteIP()) === 6 ? this.remoteIP() : '::';
  }

  /** Returns this side's IPv6 address in text form; `::` if this side has none. */
  localIP6(): string {
    return ipFamily(this.localIP()) === 6 ? this.localIP() : '::';
  }

  /** Returns true if `other` is this client, or has the same connection. */
  equals(other: AsyncClient): boolean {
    if (this === other) return true;
    return this.#core.session !== undefined && this.#core.session === other.#core.session;
  }

  // ---- the process

  /** Lets the connection keep the process alive. The default. */
  ref(): void {
    this.#core.setKeepsAlive(true);
  }

  /** Lets the process end although the client has a connection. */
  unref(): void {
    this.#core.setKeepsAlive(false);
  }

  // ---- handlers: a setter replaces the former handler, `undefined` removes it; other values throw a
  // TypeError

  /**
   * Sets the handler for the success of `connect`. An accepted client is connected already when `onClient`
   * gets it.
   */
  onConnect(handler: ConnectHandler | undefined): void {
    this.#core.onConnect = takeHandler('onConnect', handler);
  }

  /**
   * Sets the handler for the end of the connection, the last callback, which comes exactly once. `error` is
   * the code of `onError`. The client may connect again.
   */
  onDisconnect(handler: DisconnectHandler | undefined): void {
    this.#core.onDisconnect = takeHandler('onDisconnect', handler);
  }

  /**
   * Sets the handler for a fault that ended the connection or the attempt, with lwIP's number and the
   * system's own error. `onDisconnect` follows directly.
   */
  onError(handler: ErrorHandler | undefined): void {
    this.#core.onError = takeHandler('onError', handler);
  }

  /**
   * Sets the handler for received data, which comes in pieces of any size. The program may keep the bytes;
   * with `{ view: true }` they are valid only until the handler returns. Without `onData` and `onPacket` data
   * is dropped. But after `open`, and while a promise that `onClient` or `onConnect` returned is pending,
   * data waits until one of the two is set.
   * @throws TypeError for a handler that is no function, and for other options.
   */
  onData(handler: DataHandler | undefined, options: DataOptions = {}): void {
    checkOptions(options);
    const takesViews = checkBoolean('view', options.view ?? false);
    this.#core.setOnData(takeHandler('onData', handler), takesViews);
  }

  /**
   * Sets the handler for received data as packets, which is used instead of `onData`. The window opens only
   * by `ackPacket`, and the packet's bytes are valid until then. On `kernel` larger pieces are not copied:
   * give each packet back, also after the end of the connection.
   */
  onPacket(handler: PacketHandler | undefined): void {
    this.#core.setOnPacket(takeHandler('onPacket', handler));
  }

  /**
   * Sets the handler for acknowledged bytes, with their number and the milliseconds since the oldest of them
   * was sent. The stack's capability `acknowledgement` says who acknowledges.
   */
  onAck(handler: AckHandler | undefined): void {
    this.#core.setOnAck(takeHandler('onAck', handler));
  }

  /**
   * Sets the handler for the timeout of `setAckTimeout`. The handler is called again every 500 ms until bytes
   * are acknowledged; the client stays as it is. `heardAgoMs` distinguishes a slow peer, whose window is
   * closed, from a dead one: it is the time since the last segment of the peer's TCP, `undefined` if the
   * stack cannot know.
   */
  onTimeout(handler: TimeoutHandler | undefined): void {
    this.#core.setOnTimeout(takeHandler('onTimeout', handler));
  }

  /** Sets the handler that is called every 500 ms from `onConnect` until the client closes. */
  onPoll(handler: PollHandler | undefined): void {
    this.#core.setOnPoll(takeHandler('onPoll', handler));
  }

  /**
   * Sets the handler for the peer's FIN, after all data of the peer was delivered. The handler is called only
   * with `setAllowHalfOpen(true)`.
   */
  onEnd(handler: EndHandler | undefined): void {
    this.#core.setOnEnd(takeHandler('onEnd', handler));
  }

  /** Returns one short English line for a code. */
  static errorToString(code: ErrorCode): string {
    return errorText(code);
  }

  /**
   * Returns the 32-bit words of the async task's stack that were never used since diagnostics began, measured
   * in whole pages. The number falls when a callback goes deeper, and never rises. On the main thread the
   * stack is as large as the engine lets it grow; on a worker thread V8 stops a program 47,104 words (184
   * KiB) before the end.
   * @throws Error if `CONFIG_ASYNC_TCP_DIAGNOSTICS` is not 1, or if this machine has no native addon.
   */
  static getStackHighWaterMark(): number {
    beginTask();
    return stackHighWaterMark('getStackHighWaterMark');
  }
}

function connect(
  core: ClientCore<AsyncClient>,
  host: string,
  port: number,
  options: ConnectOptions,
  keeper?: ClientKeeper,
): Session<AsyncClient> | undefined {
  const target = checkTarget(host, port, options, core);
  if (core.session !== undefined || !canWork(target, core.admission.stack)) return undefined;
  const session = new Session(core, keeper);
  core.session = session;
  session.dial(target);
  return session;
}

function endsOf({ session, lastEnds }: ClientCore<AsyncClient>): Ends {
  return session?.ends() ?? lastEnds;
}

/** Takes data to send, as `add` and `write` do. */
function take(
  core: ClientCore<AsyncClient>,
  data: string | Uint8Array,
  flags: number = ASYNC_WRITE_FLAG_COPY,
  andSend: boolean,
): number {
  const isText = typeof data === 'string';
  if (!isText && !(data instanceof Uint8Array)) return takeForeign(core, data, flags, andSend);
  if (!isSendFlags(flags)) {
    throw new RangeError(
      `flags must be a sum of ASYNC_WRITE_FLAG_COPY 1 and ASYNC_WRITE_FLAG_MORE 2, not ${show(flags)}; ` +
        'there is no length argument, data.subarray(0, length) is that',
    );
  }
  if (isText) checkFits(data, core.admission.stack.limits.sendBufferBytes);
  const { session } = core;
  if (session === undefined) return 0;
  // UTF-8 has at least one byte for each UTF-16 unit: a string that cannot fit is not encoded.
  let taken = 0;
  if (!isText) {
    taken = andSend ? session.write(data, flags, false) : session.add(data, flags, false);
  } else if (session.hasSpaceFor(data.length)) {
    // The encoded bytes belong to the client already: they need no second copy.
    const bytes = encoder.encode(data);
    const own = (flags & SendFlag.MORE) === 0 ? 0 : SendFlag.MORE;
    taken = andSend ? session.write(bytes, own, true) : session.add(bytes, own, true);
  }
  // `write` sends bytes that were added earlier, also if it could take none itself.
  if (andSend && taken === 0) session.send();
  return taken;
}

/** Takes the bytes of another realm's `Uint8Array` through a view of this realm. */
function takeForeign(core: ClientCore<AsyncClient>, data: unknown, flags: number, andSend: boolean): number {
  const view = viewOfForeign(data);
  if (view === undefined) throw new TypeError(`data must be a string or a Uint8Array, not ${show(data)}`);
  return take(core, view, flags, andSend);
}

/**
 * Checks that an empty send buffer could take a text.
 * @throws RangeError if the text has more bytes than that.
 */
function checkFits(text: string, capacity: number): void {
  // The bytes are counted only if the text may be too long, so that no ordinary text is encoded twice.
  if (text.length * MAX_BYTES_OF_UNIT <= capacity) return;
  const bytes = text.length > capacity ? text.length : encoder.encode(text).length;
  if (bytes <= capacity) return;
  throw new RangeError(
    `data must be a string of at most ${capacity} bytes of UTF-8, the send buffer, not of ` +
      `${bytes === text.length ? `${bytes} or more` : bytes}; write it in pieces`,
  );
}

/**
 * Returns the session of a connection that a listener accepted, with a client of its own. The caller has
 * already counted the connection among the stack's active ones.
 * @param arrival reads the preamble, before which the client is not the program's.
 */
export function acceptedSession(
  stack: TcpStack,
  connection: Connection,
  settings: AcceptedSettings,
  keeper: ClientKeeper,
  arrival?: Arrival<AsyncClient>,
): Session<AsyncClient> {
  const core = adopt(stack);
  core.adopt(settings);
  const session = new Session(core, keeper);
  core.session = session;
  session.accept(connection, arrival);
  return session;
}

/**
 * Returns true if `connect` would try with these arguments.
 * @throws TypeError, RangeError as `connect`.
 */
export function canConnect(
  client: AsyncClient,
  host: string,
  port: number,
  options: ConnectOptions,
): boolean {
  const core = coreOf(client);
  return canWork(checkTarget(host, port, options, core), core.admission.stack);
}

function checkTarget(
  host: string,
  port: number,
  options: ConnectOptions,
  { admission: { stack }, receiveWindow: ownWindow, leavesAtExit }: ClientCore<AsyncClient>,
): DialOptions {
  checkHost('host', host);
  checkPort('port', port);
  checkOptions(options);
  const { timeoutMs = 0, signal, localAddress, localPort = 0, reusePort = false, family } = options;
  checkNumber('timeoutMs', timeoutMs, 0, MAX_TIMEOUT_S * 1000, ' ms');
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new TypeError(`signal must be an AbortSignal, not ${show(signal)}`);
  }
  if (localAddress !== undefined) checkAddress('localAddress', localAddress);
  checkPort('localPort', localPort);
  if (checkBoolean('reusePort', reusePort)) checkSharedPort(localPort, stack);
  if (family !== undefined) checkFamily(family);
  const receiveWindowBytes = checkReceiveWindow(options.receiveWindow) ?? ownWindow;
  return {
    host,
    port,
    timeoutMs,
    signal,
    localAddress,
    localPort,
    reusePort,
    family,
    receiveWindowBytes,
    leavesAtExit,
  };
}

function checkSharedPort(localPort: number, { name, capabilities }: TcpStack): void {
  if (!capabilities.connectReusePort) {
    throw new RangeError(
      `reusePort must be false on the ${name} stack, which cannot connect from a shared port; the kernel stack can`,
    );
  }
  if (localPort === 0) throw new RangeError('localPort must be 1 to 65535 with reusePort, not 0');
}

function checkFamily(family: unknown): void {
  if (family === 4 || family === 6) return;
  const message = `family must be 4 or 6, not ${show(family)}`;
  throw typeof family === 'number' ? new RangeError(message) : new TypeError(message);
}

/** Returns false if no connection can come of the arguments. */
function canWork(target: DialOptions, stack: TcpStack): boolean {
  const remote = ipFamily(target.host);
  const local = target.localAddress === undefined ? undefined : ipFamily(target.localAddress);
  if (target.port === 0) return false;
  // An address or a family that is left out fits any other.
  const families = [remote, local, target.family].filter((family) => family !== undefined);
  if (families.some((family) => family !== families[0])) return false;
  return stack.capabilities.ipv6 || families[0] !== 6;
}
