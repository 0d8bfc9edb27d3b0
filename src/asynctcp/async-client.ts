/**
 * AsyncClient: AsyncTCP's connection, as its users know it. The class is the public face: it checks what it
 * is given, keeps handlers and settings, and leaves the connection itself to the `Session`.
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
import { configuration } from './configuration.js';
import { harmless, notConnected } from './flush-waiters.js';
import { takeHandler } from './handlers.js';
import type * as handlers from './handlers.js';
import { Packet, takeBack } from './packet.js';
import type { Ends } from './session-owner.js';
import { Session, type ClientKeeper, type DialOptions } from './session.js';
import { chooseStack, type StackOption } from './stack-choice.js';
import { beginTask } from './task-use.js';
import { errorText, TcpError } from './tcp-error.js';

/** `add` and `write` copy the data, so that the caller's buffer is free at once. The default. */
export const ASYNC_WRITE_FLAG_COPY = SendFlag.COPY;
/**
 * More data follows: what is sent now may wait for it, at most until the end of the present turn of the
 * event loop.
 */
export const ASYNC_WRITE_FLAG_MORE = SendFlag.MORE;

/** What `add` and `write` take as flags. */
export type WriteFlags = SendFlags;

/**
 * Type of a flags argument. A literal has to be one of `WriteFlags`; the sum of the two constants is a
 * `number` to TypeScript, and is taken as well.
 */
export type FlagsArgument<F extends number> = number extends F ? F : WriteFlags;

/** UTF-8 has at most so many bytes for each UTF-16 unit of a string (RFC 3629 §3). */
const MAX_BYTES_OF_UNIT = 3;

const ALL_FLAGS = SendFlag.COPY | SendFlag.MORE;

function isSendFlags(flags: number): flags is SendFlags {
  return (flags & ALL_FLAGS) === flags;
}

/** What a client is made with. */
export interface ClientOptions {
  /** What carries the bytes. Default: the configuration's `CONFIG_ASYNC_TCP_STACK`. */
  stack?: StackOption;
  /**
   * What the stack must be capable of, such as `{ acknowledgement: 'peer' }`. A stack that is not is refused
   * with a RangeError.
   */
  require?: RequiredCapabilities;
  /**
   * Receive window of its connections, 1024 to 1073741824 bytes: the most that is delivered before anything
   * is given back. Default: the stack's.
   */
  receiveWindow?: number;
}

/** How data is given to `onData`. */
export interface DataOptions {
  /**
   * The data is valid only until the handler returns, as on the ESP32: the cheapest way. Later it may hold
   * other bytes, and to use it then is a mistake of the program. Default false: the data is yours to keep.
   */
  view?: boolean;
}

/** How `drain` waits. */
export interface DrainOptions {
  /** Milliseconds until the connection is reset, with `ERR_TIMEOUT`. Default: as long as the peer takes. */
  withinMs?: number;
}

/** How one connection is made. */
export interface ConnectOptions {
  /** Milliseconds until the attempt ends with `ERR_TIMEOUT`. Default 0: as long as the system tries. */
  timeoutMs?: number;
  /**
   * Ends the attempt with `ERR_ABRT`. It concerns the attempt alone: once connected, use `abort()`. For a
   * signal that more than ten attempts share at once, Node 20 wants `setMaxListeners(0, signal)` of
   * `node:events`.
   */
  signal?: AbortSignal;
  /** IP address of this machine to connect from. Default: the system chooses. */
  localAddress?: string;
  /** Port to connect from. Default 0: the system chooses. */
  localPort?: number;
  /**
   * Shares `localPort` with listeners and connections that say so too, as hole punching needs. Needs the
   * stack's capability `connectReusePort`. Default false.
   */
  reusePort?: boolean;
  /** Only addresses of this family are tried, IPv4 or IPv6. Default: both. */
  family?: 4 | 6;
  /** Receive window of this connection, 1024 to 1073741824 bytes. Default: the client's own. */
  receiveWindow?: number;
}

const encoder = new TextEncoder();

// The handlers of an AsyncClient. They may be async functions: a promise that they return counts as their
// exception if it is rejected.

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

/** Makes a client of a connection that a listener accepted; for AsyncServer. */
let adopt: (stack: TcpStack) => ClientCore<AsyncClient>;

/**
 * One TCP connection with callbacks. A client is made, given handlers, and connected; or it comes from an
 * AsyncServer, connected. After `onDisconnect` it can connect again.
 *
 * No method calls a callback before it returns, and every method may be called in every callback. Methods
 * that are given a wrong argument throw a `TypeError` or a `RangeError` and change nothing; what the
 * network does never throws.
 */
export class AsyncClient {
  readonly #core: ClientCore<AsyncClient>;

  static {
    adopt = (stack) => new AsyncClient({ stack }).#core;
  }

  /**
   * A client that is not connected.
   * @throws TypeError, RangeError for options out of range, for a stack that is unknown or lacks what is
   *   required, and for a configuration that cannot be used.
   */
  constructor(options: ClientOptions = {}) {
    checkOptions(options);
    const receiveWindow = checkReceiveWindow(options.receiveWindow);
    const ackTimeoutMs = configuration.integer('maxAckTimeMs') ?? 0;
    const admission = chooseStack(options.stack);
    checkRequired(options.require, admission.stack);
    this.#core = new ClientCore<AsyncClient>(this, admission, ackTimeoutMs, receiveWindow);
  }

  /**
   * Connects, and resolves with the connected client. Data waits until `onData` or `onPacket` is set, however
   * late; `resume()` ends the waiting of a client that wants none.
   * @throws TcpError (as a rejection) with the code that `onError` would have been given; wrong arguments
   *   as in `connect`.
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
   * Begins to connect. A name's addresses are tried by RFC 8305. The outcome comes by callback:
   * `onConnect`, or `onError` followed by `onDisconnect`.
   * @param host a name or an IP address.
   * @param port 1 to 65535.
   * @returns false when the client is connected or connecting already (up to `onDisconnect`), or when the
   *   arguments can never work: port 0, or a local address or a `family` of another family than the host's.
   *   No callback comes then.
   * @throws TypeError, RangeError for arguments that are no host, no port and so on, and for an option that
   *   the stack cannot meet.
   */
  connect(host: string, port: number, options: ConnectOptions = {}): boolean {
    const core = this.#core;
    const target = checkTarget(host, port, options, core);
    if (core.session !== undefined || !canWork(target, core.admission.stack)) return false;
    core.session = new Session(core);
    core.session.dial(target);
    return true;
  }

  /**
   * Ends gracefully: what `add` took is sent, then FIN; what still arrives is dropped. `onDisconnect`
   * follows when all is acknowledged (on a stack whose acknowledgement is `local`: when the FIN is sent); the
   * peer's FIN is not waited for. A peer that acknowledges nothing new for the close timeout ends it with a
   * reset and `onError(ERR_TIMEOUT)`. From now on the client does not count against `maxClients` and
   * `CONFIG_LWIP_MAX_ACTIVE_TCP`. While connecting, gives up: `onDisconnect` alone. Harmless when there is
   * nothing to close.
   */
  close(): void {
    this.#core.session?.close('closed');
  }

  /** The old name of `close`. */
  stop(): void {
    this.close();
  }

  /**
   * Ends at once: the peer sees a reset, data under way is lost. `onError(ERR_ABRT)` and `onDisconnect`
   * follow.
   * @returns `ERR_ABRT`; `ERR_CONN` when there is nothing to abort.
   */
  abort(): ErrorCode {
    return this.#core.session?.abort() ?? ErrorCode.ERR_CONN;
  }

  /**
   * Sends FIN after the data that `add` took, and goes on receiving. Without `setAllowHalfOpen(true)` the
   * connection ends with the peer's FIN all the same.
   * @returns `ERR_OK`; `ERR_CONN` when not connected or shut down already.
   */
  shutdown(): ErrorCode {
    return this.#core.session?.shutdown() ?? ErrorCode.ERR_CONN;
  }

  /**
   * Ends without loss: sends what `add` took, then FIN, and goes on receiving. When the peer's FIN has come,
   * the client is over as after `close()`. Nothing can be sent any more: answer first, then drain. A client
   * that is connecting gives up.
   * @returns a promise that resolves after `onDisconnect`, or at once when there is no connection. It is
   *   rejected with a TcpError when data may have been lost: `ERR_TIMEOUT` after `withinMs`, `ERR_CLSD` when
   *   it was closed before the peer's FIN, or the code that `onError` is given. A rejection that is ignored
   *   does no harm.
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
   * Whether the peer's FIN leaves this side open (`onEnd` tells of it). Default false: it closes the
   * client.
   */
  setAllowHalfOpen(on: boolean): void {
    this.#core.allowHalfOpen = checkBoolean('setAllowHalfOpen', on);
  }

  // ---- sending

  /** Whether `add` would take anything now. */
  canSend(): boolean {
    return this.space() > 0;
  }

  /** Bytes that `add` would take now; 0 unless connected. Falls with `add`, rises before `onAck`. */
  space(): number {
    return this.#core.session?.space() ?? 0;
  }

  /**
   * Takes data to send. Nothing leaves before `send`.
   * @param data bytes, of which as many are taken as `space()` allows; or a string, which is sent as UTF-8
   *   and taken whole or not at all. The bytes may be another realm's `Uint8Array`, and lie in a
   *   `SharedArrayBuffer` or in a resizable buffer.
   * @param flags `ASYNC_WRITE_FLAG_COPY` (default) copies the bytes. Without it your buffer itself is sent:
   *   leave it unchanged until `onAck` has counted its bytes. `ASYNC_WRITE_FLAG_MORE` says that more
   *   follows. It is no length, as C++ has one there: `data.subarray(0, length)` is that.
   * @returns bytes taken, at most `space()`; 0 unless connected.
   * @throws TypeError, RangeError for other data or flags, and for a string of more bytes than the send
   *   buffer (the stack's `limits.sendBufferBytes`), which could never be taken.
   */
  add<F extends number = 1>(data: string | Uint8Array, flags?: FlagsArgument<F>): number {
    return this.#take(data, flags, false);
  }

  /**
   * Bytes that `add` took and that are not acknowledged: by the peer's TCP, or on a stack whose
   * `capabilities.acknowledgement` is `local`, by this machine's. It says nothing about the peer's program.
   * 0 unless connected.
   */
  unacknowledged(): number {
    return this.#core.session?.unacknowledged() ?? 0;
  }

  /**
   * Waits until everything that `add` has taken up to now is acknowledged, as `unacknowledged` counts it. It
   * sends nothing: what was only added is waited for until `send`.
   * @returns a promise, resolved when nothing is in flight. It is rejected with a TcpError: `ERR_CONN` unless
   *   connected, `ERR_ABRT` by the signal, and when the client ends before with the code that `onError` is
   *   given, or `ERR_CLSD`. A rejection that is ignored does no harm.
   * @throws TypeError for a signal that is none.
   */
  flushed(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options);
    const signal = checkSignal('signal', options.signal);
    return this.#core.session?.flushed(signal) ?? notConnected();
  }

  /** Sends what was added. @returns false unless connected. */
  send(): boolean {
    return this.#core.session?.send() ?? false;
  }

  /** `add`, then `send`. Arguments, result and errors as in `add`. */
  write<F extends number = 1>(data: string | Uint8Array, flags?: FlagsArgument<F>): number {
    return this.#take(data, flags, true);
  }

  #take(data: string | Uint8Array, flags: number = ASYNC_WRITE_FLAG_COPY, andSend: boolean): number {
    const isText = typeof data === 'string';
    if (!isText && !(data instanceof Uint8Array)) return this.#takeForeign(data, flags, andSend);
    if (!isSendFlags(flags)) {
      throw new RangeError(
        `flags must be a sum of ASYNC_WRITE_FLAG_COPY 1 and ASYNC_WRITE_FLAG_MORE 2, not ${show(flags)}; ` +
          'there is no length argument, data.subarray(0, length) is that',
      );
    }
    if (isText) checkFits(data, this.#core.admission.stack.limits.sendBufferBytes);
    const session = this.#core.session;
    if (session === undefined) return 0;
    // A string has at least as many UTF-8 bytes as UTF-16 units: what cannot fit is not encoded.
    let taken = 0;
    if (!isText) {
      taken = andSend ? session.write(data, flags, false) : session.add(data, flags, false);
    } else if (session.hasSpaceFor(data.length)) {
      // The encoded text is ours already and needs no second copy.
      const bytes = encoder.encode(data);
      const own = (flags & SendFlag.MORE) === 0 ? 0 : SendFlag.MORE;
      taken = andSend ? session.write(bytes, own, true) : session.add(bytes, own, true);
    }
    // What was added before leaves with `write`, also when nothing more could be taken.
    if (andSend && taken === 0) session.send();
    return taken;
  }

  /** A `Uint8Array` of another realm is taken as a view of this one. */
  #takeForeign(data: unknown, flags: number, andSend: boolean): number {
    const view = viewOfForeign(data);
    if (view === undefined) throw new TypeError(`data must be a string or a Uint8Array, not ${show(data)}`);
    return this.#take(view, flags, andSend);
  }

  // ---- receiving

  /**
   * In `onData`: do not open the receive window for this piece; `ack` will. Elsewhere without effect.
   *
   * At most `receiveWindow` bytes are delivered beyond what was given back. If you give back whole lines or
   * messages, none may be longer than that: give back what you keep of a longer one, or ask for a window that
   * is larger than the longest.
   */
  ackLater(): void {
    this.#core.session?.ackLater();
  }

  /**
   * Opens the receive window by bytes that `ackLater` or `onPacket` withheld.
   * @returns the bytes by which it was opened: at most those outstanding.
   * @throws TypeError, RangeError for anything but an integer of at least 0.
   */
  ack(bytes: number): number {
    checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER);
    return this.#core.session?.ack(bytes) ?? 0;
  }

  /**
   * Gives a packet of `onPacket` back and opens the window by its length. A packet that was given back, or
   * that belongs to another connection, is left alone.
   * @throws TypeError for what is no packet.
   */
  ackPacket(packet: Packet): void {
    if (!(packet instanceof Packet))
      throw new TypeError(`packet must be a Packet of onPacket, not ${show(packet)}`);
    takeBack(packet, this.#core);
  }

  /**
   * Withholds data from now on, also before the first byte: the receive window bounds what the peer can send.
   * Before `connect` it holds for the next connection, else for the present one. The peer's FIN is told all
   * the same when no data waits before it.
   */
  pause(): void {
    this.#core.setPaused(true);
  }

  /** Lets data come again: ends `pause`, and the waiting for a data handler. */
  resume(): void {
    this.#core.setPaused(false);
  }

  /** True if `pause` is in force. */
  paused(): boolean {
    return this.#core.isPaused();
  }

  /**
   * Bytes of the receive window, of the present connection or of the next one: the option's, or else the
   * stack's.
   */
  get receiveWindow(): number {
    const { session, receiveWindow, admission } = this.#core;
    return session?.receiveWindow() ?? receiveWindow ?? admission.stack.limits.receiveWindowBytes;
  }

  // ---- state

  /** What the client's stack can know and do: what an acknowledgement means, and so on. */
  get capabilities(): Capabilities {
    return this.#core.admission.stack.capabilities;
  }

  /** The TCP state, with lwIP's numbers. A client that looks a name up is in `SYN_SENT` already. */
  state(): TcpState {
    return this.#core.session?.state() ?? TcpState.CLOSED;
  }

  /** The state in words. */
  stateToString(): string {
    return stateName(this.state());
  }

  /** Between `connect` and its outcome. */
  connecting(): boolean {
    const state = this.state();
    return state > TcpState.CLOSED && state < TcpState.ESTABLISHED;
  }

  /** Both directions stand. */
  connected(): boolean {
    return this.state() === TcpState.ESTABLISHED;
  }

  /** At least one side has ended, and it is not over yet. */
  disconnecting(): boolean {
    const state = this.state();
    return state > TcpState.ESTABLISHED && state < TcpState.TIME_WAIT;
  }

  /** Not connected, or waiting out the last segments. */
  disconnected(): boolean {
    const state = this.state();
    return state === TcpState.CLOSED || state === TcpState.TIME_WAIT;
  }

  /** Whether the client can be dropped: closed or closing. */
  freeable(): boolean {
    const state = this.state();
    return state === TcpState.CLOSED || state > TcpState.ESTABLISHED;
  }

  /** As `freeable`. The C++ library's name; there is no memory to give back here. */
  free(): boolean {
    return this.freeable();
  }

  /**
   * Largest segment, in bytes; 0 unless connected. A stack without the capability `pathMss` tells
   * Ethernet's.
   */
  getMss(): number {
    return this.#core.session?.mss() ?? 0;
  }

  // ---- settings: the client's own; they hold for its later connections too

  /**
   * Closes the client when no data and no acknowledgement of ours came for so long. With bytes in flight it
   * comes up to a quarter of the time late. The time stands still while the peer cannot send because of what
   * the program withholds: a full receive window, `pause`, data that waits for a handler.
   * @param seconds 0 (default) is off; fractions count.
   * @throws TypeError, RangeError outside 0 to 86400.
   */
  setRxTimeout(seconds: number): void {
    this.#core.setRxTimeout(checkNumber('seconds', seconds, 0, MAX_TIMEOUT_S, ' s'));
  }

  /** Seconds. */
  getRxTimeout(): number {
    return this.#core.rxTimeoutS;
  }

  /**
   * Calls `onTimeout` when bytes were sent and none acknowledged for so long.
   * @param ms 0 is off. Default: `CONFIG_ASYNC_TCP_MAX_ACK_TIME`, 5000.
   * @throws TypeError, RangeError outside 0 to 86400000.
   */
  setAckTimeout(ms: number): void {
    this.#core.setAckTimeout(checkNumber('ms', ms, 0, MAX_TIMEOUT_S * 1000, ' ms'));
  }

  /** Milliseconds. */
  getAckTimeout(): number {
    return this.#core.ackTimeoutMs;
  }

  /** Sends small pieces at once, without Nagle's algorithm (RFC 9293 §3.7.4). Default false. */
  setNoDelay(on: boolean): void {
    this.#core.setNoDelay(checkBoolean('setNoDelay', on));
  }

  /** What `setNoDelay` set. */
  getNoDelay(): boolean {
    return this.#core.noDelay;
  }

  /**
   * Probes an idle connection, so that a dead peer is found (RFC 9293 §3.8.4).
   * @param ms idle time before the first probe and between probes, in steps of a second, at most 32767000;
   *   0 is off.
   * @param count unanswered probes before the connection ends, 1 to 127. Interval and count are the
   *   system's own on a stack without the capability `keepAliveProbes`.
   * @throws TypeError, RangeError outside of that.
   */
  setKeepAlive(ms: number, count = 9): void {
    const idleMs = checkInteger('ms', ms, 0, MAX_KEEP_ALIVE_MS, ' ms');
    this.#core.setKeepAlive(idleMs, checkInteger('count', count, 1, MAX_KEEP_ALIVE_PROBES));
  }

  // ---- addresses: of the present connection or, after its end, of the last one

  #ends(): Ends {
    return this.#core.session?.ends() ?? this.#core.lastEnds;
  }

  /** The peer's address in text form; `0.0.0.0` before the first connection. */
  remoteIP(): string {
    return this.#ends().remote.address;
  }

  /** The peer's port; 0 before the first connection. */
  remotePort(): number {
    return this.#ends().remote.port;
  }

  /** This side's address in text form; `0.0.0.0` before the first connection. */
  localIP(): string {
    return this.#ends().local.address;
  }

  /** This side's port; 0 before the first connection. */
  localPort(): number {
    return this.#ends().local.port;
  }

  /** The peer's IPv4 address as an unsigned number, 127.0.0.1 being 0x7f000001; 0 for IPv6. */
  getRemoteAddress(): number {
    return parseIpv4(this.remoteIP()) ?? 0;
  }

  /** As `remotePort`. */
  getRemotePort(): number {
    return this.remotePort();
  }

  /** This side's IPv4 address as an unsigned number, 127.0.0.1 being 0x7f000001; 0 for IPv6. */
  getLocalAddress(): number {
    return parseIpv4(this.localIP()) ?? 0;
  }

  /** As `localPort`. */
  getLocalPort(): number {
    return this.localPort();
  }

  /** The peer's IPv6 address in text form; `::` when it has none. */
  remoteIP6(): string {
    return ipFamily(this.remoteIP()) === 6 ? this.remoteIP() : '::';
  }

  /** This side's IPv6 address in text form; `::` when it has none. */
  localIP6(): string {
    return ipFamily(this.localIP()) === 6 ? this.localIP() : '::';
  }

  /** Whether `other` is the same connection. */
  equals(other: AsyncClient): boolean {
    if (this === other) return true;
    return this.#core.session !== undefined && this.#core.session === other.#core.session;
  }

  // ---- the process

  /** The connection keeps the process alive. The default. */
  ref(): void {
    this.#setKeepsAlive(true);
  }

  /** The connection does not keep the process alive. */
  unref(): void {
    this.#setKeepsAlive(false);
  }

  #setKeepsAlive(on: boolean): void {
    this.#core.setKeepsAlive(on);
  }

  // ---- handlers: each setter replaces the last one, `undefined` removes it; what is neither throws a
  // TypeError

  /** The connection that `connect` began stands. An accepted client is connected when `onClient` gets it. */
  onConnect(handler: ConnectHandler | undefined): void {
    this.#core.onConnect = takeHandler('onConnect', handler);
  }

  /**
   * It is over, and why; always the last, and exactly once. `error` is the code that `onError` was given. The
   * client may connect again.
   */
  onDisconnect(handler: DisconnectHandler | undefined): void {
    this.#core.onDisconnect = takeHandler('onDisconnect', handler);
  }

  /** It ended by a fault, lwIP's number and the system's own error; `onDisconnect` follows directly. */
  onError(handler: ErrorHandler | undefined): void {
    this.#core.onError = takeHandler('onError', handler);
  }

  /**
   * Data came, in pieces of any size; the bytes are yours to keep, or with `{ view: true }` valid until the
   * handler returns. Without `onData` and `onPacket` data is dropped; but after `open`, and while a promise
   * that `onClient` or `onConnect` returned is open, it waits until one of the two was set.
   * @throws TypeError for what is no handler, and for other options.
   */
  onData(handler: DataHandler | undefined, options: DataOptions = {}): void {
    checkOptions(options);
    const takesViews = checkBoolean('view', options.view ?? false);
    this.#core.setOnData(takeHandler('onData', handler), takesViews);
  }

  /**
   * As `onData`, which it replaces, but the window opens only with `ackPacket`, and the packet is a view
   * until then. On `kernel` larger pieces are not copied: give each packet back, also after the end.
   */
  onPacket(handler: PacketHandler | undefined): void {
    this.#core.setOnPacket(takeHandler('onPacket', handler));
  }

  /**
   * Bytes were acknowledged, so much later than they were sent. What that means, the stack's
   * `acknowledgement` says.
   */
  onAck(handler: AckHandler | undefined): void {
    this.#core.setOnAck(takeHandler('onAck', handler));
  }

  /**
   * Nothing of what was sent was acknowledged for `setAckTimeout`; again every 500 ms until it is. The
   * client stays as it is. A slow peer, whose window is closed, and a dead one differ by `heardAgoMs`: the
   * time since its TCP was last heard of, `undefined` where the stack cannot know.
   */
  onTimeout(handler: TimeoutHandler | undefined): void {
    this.#core.setOnTimeout(takeHandler('onTimeout', handler));
  }

  /** Every 500 ms from `onConnect` until the client closes. */
  onPoll(handler: PollHandler | undefined): void {
    this.#core.setOnPoll(takeHandler('onPoll', handler));
  }

  /** The peer sent FIN, and all its data was delivered. Only with `setAllowHalfOpen(true)`. */
  onEnd(handler: EndHandler | undefined): void {
    this.#core.onEnd = takeHandler('onEnd', handler);
  }

  /** One short English line for a code. */
  static errorToString(code: ErrorCode): string {
    return errorText(code);
  }

  /**
   * 32-bit words of the async task's stack that were never used since diagnostics began, measured in whole
   * pages. It falls when a callback goes deeper, and never rises. On the main thread the stack is as large as
   * the engine lets it grow; on a worker thread V8 stops a program 47,104 words (184 KiB) before the end.
   * @throws Error when `CONFIG_ASYNC_TCP_DIAGNOSTICS` is not 1, or when this machine has no native addon.
   */
  static getStackHighWaterMark(): number {
    beginTask();
    return stackHighWaterMark('getStackHighWaterMark');
  }
}

/** What a server's clients begin with. */
export interface AcceptedSettings {
  readonly noDelay: boolean;
  readonly keepAliveMs: number | undefined;
  readonly keepAliveProbes: number;
  /** `undefined`: the configuration's. */
  readonly ackTimeoutMs: number | undefined;
  readonly rxTimeoutS: number;
}

/** @throws RangeError for a text that an empty send buffer would not take. */
function checkFits(text: string, capacity: number): void {
  // Counted only where it could be too much, so that no ordinary text is encoded twice.
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
 * taken its place among the stack's active connections.
 */
export function acceptedSession(
  stack: TcpStack,
  connection: Connection,
  settings: AcceptedSettings,
  keeper: ClientKeeper,
): Session<AsyncClient> {
  const core = adopt(stack);
  core.noDelay = settings.noDelay;
  core.keepAliveMs = settings.keepAliveMs;
  core.keepAliveProbes = settings.keepAliveProbes;
  core.rxTimeoutS = settings.rxTimeoutS;
  if (settings.ackTimeoutMs !== undefined) core.ackTimeoutMs = settings.ackTimeoutMs;
  const session = new Session(core, keeper);
  core.session = session;
  session.accept(connection);
  return session;
}

function checkTarget(
  host: string,
  port: number,
  options: ConnectOptions,
  { admission: { stack }, receiveWindow: ownWindow }: ClientCore<AsyncClient>,
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
  return { host, port, timeoutMs, signal, localAddress, localPort, reusePort, family, receiveWindowBytes };
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

/** True if there is any way in which this could connect. */
function canWork(target: DialOptions, stack: TcpStack): boolean {
  const remote = ipFamily(target.host);
  const local = target.localAddress === undefined ? undefined : ipFamily(target.localAddress);
  if (target.port === 0) return false;
  // An address or a family that is not given goes with any.
  const families = [remote, local, target.family].filter((family) => family !== undefined);
  if (families.some((family) => family !== families[0])) return false;
  return stack.capabilities.ipv6 || families[0] !== 6;
}
