/**
 * The bytes of one life of a client, in both directions: bytes added and in flight, bytes delivered and
 * withheld, and if data may be delivered at all (contract D).
 *
 * `Session` extends this class and keeps the life. Both are one object, because a second object would cost
 * every idle connection its memory. Parts that only some connections need are made at their first use. The
 * methods are `private` and not `#`, because a class with `#` methods costs each object a hidden field.
 */
import { TcpState } from '../port/tcp-state.js';
import { enqueueAllAndFlush } from '../port/enqueue-all.js';
import type { Connection, Fault, Loan, SendFlags } from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { runTicks } from '../support/callback-scope.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ConnectionReport } from '../task/connection-report.js';
import { call2, call3, type CallbackOwner } from '../task/dispatch.js';
import { AckTimeout } from './ack-timeout.js';
import type { ClientStream } from './client-stream.js';
import type { SessionOwner } from './session-owner.js';
import { FlushWaiters, notConnected } from './flush-waiters.js';
import type { FlowState } from './observer.js';
import { Packet, type PacketOwner } from './packet.js';
import { RxTimeout } from './rx-timeout.js';
import { SendClock } from './send-clock.js';
import { SessionParts } from './session-parts.js';

/** The phases go one way; any of them can go to over. `arriving`: the preamble is not complete. */
export type Phase = 'dialing' | 'arriving' | 'open' | 'draining' | 'closing' | 'over';

/** Yes and no of a session, as bits of one number. The first ones are the reasons why data waits. */
export const SessionFlag = {
  PAUSED: 1,
  NO_HANDLER_YET: 2,
  /** Data waits for no handler any more in this life: one was set, or `resume` was called. */
  NEEDS_NO_HANDLER: 4,
  /** The stream takes no data at present. */
  STREAM_STOPPED: 8,
  /** Data that came with the preamble waits for the program: delivery by the stack is off until it has it. */
  FIRST_DATA_WAITS: 16,
  /** The connection counts among the stack's active ones, and among its server's clients. */
  HAS_PLACE: 32,
  /** The peer's FIN has come. */
  PEER_ENDED: 64,
} as const;

/** The flags by which program and stream make data wait. */
const HELD_BY_SOME = SessionFlag.PAUSED | SessionFlag.NO_HANDLER_YET | SessionFlag.STREAM_STOPPED;
const HELD = HELD_BY_SOME | SessionFlag.FIRST_DATA_WAITS;
const HOLDS = HELD | SessionFlag.NEEDS_NO_HANDLER;

export abstract class DataFlow<Client> implements CallbackOwner, PacketOwner {
  readonly core: SessionOwner<Client>;
  protected phase: Phase = 'dialing';
  protected connection: Connection | undefined;
  /** Bytes of the piece that `onData` has in hand, 0 once `ackLater` withheld them. */
  #inHand = 0;
  /** Bytes that `add` took and `send` did not give to the stack yet. */
  #added = 0;
  #sent = 0;
  #acked = 0;
  #received = 0;
  /** Bytes delivered and not acknowledged by the program, by `ack` or `ackPacket`. */
  #withheld = 0;
  /** Bits of `SessionFlag`. */
  #flags: number;
  #parts: SessionParts | undefined;

  constructor(core: SessionOwner<Client>) {
    this.core = core;
    this.#flags = core.takeStartsPaused() ? SessionFlag.PAUSED : 0;
  }

  /** The parts that some connections need; `undefined` as long as this one needs none. */
  protected get parts(): SessionParts | undefined {
    return this.#parts;
  }

  /** Returns the parts, to set one of them. */
  protected ownParts(): SessionParts {
    return (this.#parts ??= new SessionParts());
  }

  protected is(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  protected set(flag: number, on: boolean): void {
    this.#flags = on ? this.#flags | flag : this.#flags & ~flag;
  }

  abstract callbackThrew(error: unknown): void;
  abstract report(): ConnectionReport;
  abstract state(): TcpState;
  abstract onEnd(): void;
  protected abstract armFor(atMs: number): void;
  protected abstract rearm(): void;
  /** Takes bytes of the preamble. */
  protected abstract onPreamble(connection: Connection, bytes: Uint8Array): void;
  /** Returns the data that came with the preamble, once. */
  protected abstract takeFirstData(): Uint8Array;
  /** Returns true, once, if the peer's FIN has come behind that data. */
  protected abstract takeFirstEnd(): boolean;

  /** Returns true if the peer's data reaches the program. */
  protected isOpen(): boolean {
    return this.phase === 'open' || this.phase === 'draining';
  }

  /** Applies the settings that concern the bytes to a new connection. */
  protected beginFlow(connection: Connection): void {
    if (this.isHeld()) connection.setReading(false);
    if (this.wantsAcks()) connection.setReportsAcks(true);
    if (this.wantsLoans()) connection.setTakesLoans(true);
    if (this.wantsViews()) connection.setTakesViews(true);
    if (this.core.rxTimeoutS > 0) this.restartRxTimeout();
  }

  /** Ends the waits of `flushed`: the life is over. */
  protected endFlow(fault: Fault | undefined): void {
    if (this.#parts?.flushes === undefined) return;
    this.#parts.flushes.end(fault);
    this.#parts.flushes = undefined;
  }

  protected nowMs(): number {
    return this.core.admission.stack.clock.nowMs();
  }

  get bytesIn(): number {
    return this.#received;
  }

  get bytesOut(): number {
    return this.#sent;
  }

  /** Returns the state of the bytes, for an observer; `undefined` before the connection and after it. */
  flowState(): FlowState | undefined {
    const { connection } = this;
    if (connection === undefined) return undefined;
    const isPaused = this.isHeld();
    const path = connection.path?.();
    return {
      unacknowledged: this.unacknowledged(),
      added: this.#added,
      queued: connection.queued(),
      withheld: this.held(),
      windowBytes: connection.receiveWindowBytes,
      isPaused,
      undelivered: isPaused ? connection.undelivered?.() : 0,
      heardAgoMs: path === undefined ? connection.heardAgoMs() : path.heardAgoMs,
      mss: path?.mss ?? connection.mss(),
      path,
    };
  }

  // ---- sending

  space(): number {
    return this.phase === 'open' && this.connection !== undefined ? this.connection.sendSpace() : 0;
  }

  hasSpaceFor(bytes: number): boolean {
    return this.phase === 'open' && this.connection?.hasSpaceFor(bytes) === true;
  }

  /** Takes as many bytes as there is space for; with `whole`, all or none. Returns how many. */
  add(bytes: Uint8Array, flags: SendFlags, whole: boolean): number {
    const { connection } = this;
    if (this.phase !== 'open' || connection === undefined) return 0;
    if (whole && !connection.hasSpaceFor(bytes.length)) return 0;
    const taken = connection.enqueue(bytes, flags);
    this.#added += taken;
    return taken;
  }

  /** Adds and flushes in one call, so that the stack need not copy bytes that it sends at once. */
  write(bytes: Uint8Array, flags: SendFlags, whole: boolean): number {
    const { connection } = this;
    if (this.phase !== 'open' || connection === undefined) return 0;
    if (whole && !connection.hasSpaceFor(bytes.length)) return 0;
    const taken = connection.enqueueAndFlush(bytes, flags);
    this.#added += taken;
    if (taken > 0) this.countSent();
    return taken;
  }

  /** Writes pieces that leave together, as many bytes as there is space for. Returns how many. */
  writeAll(pieces: readonly Uint8Array[]): number {
    const { connection } = this;
    if (this.phase !== 'open' || connection === undefined) return 0;
    const taken = enqueueAllAndFlush(connection, pieces);
    this.#added += taken;
    if (taken > 0) this.countSent();
    return taken;
  }

  send(): boolean {
    if (this.phase !== 'open' || this.state() === TcpState.CLOSED) return false;
    this.flush();
    return true;
  }

  /** Gives the added bytes to the stack. */
  flush(): void {
    if (this.#added > 0) this.countSent();
    this.connection?.flush();
  }

  /** Counts the added bytes as sent. Reads the clock only if a handler needs the time. */
  private countSent(): void {
    const { onAck, onTimeout } = this.core;
    const wasIdle = this.#sent === this.#acked;
    if (onAck !== undefined) {
      const clock = (this.ownParts().sendClock ??= new SendClock(this.#sent));
      clock.sent(this.#sent + this.#added, this.nowMs());
    }
    this.#sent += this.#added;
    this.#added = 0;
    if (wasIdle && onTimeout !== undefined) this.awaitAck();
    const rxTimeout = this.#parts?.rxTimeout;
    if (rxTimeout?.looks === false) this.lookSoon(rxTimeout);
  }

  onAcked(bytes: number): void {
    this.#acked += bytes;
    assert(this.#acked <= this.#sent, 'no more is acknowledged than was sent');
    const { onAck, onTimeout, client } = this.core;
    const parts = this.#parts;
    parts?.rxTimeout?.heard(this.nowMs());
    if (parts?.flushes?.acked(this.#acked) === true) {
      parts.flushes = undefined;
      this.applyReportsAcks();
    }
    if (onTimeout !== undefined && this.#sent > this.#acked) this.awaitAck();
    if (onAck === undefined) return;
    const timeMs = this.#parts?.sendClock?.acked(this.#acked, this.nowMs()) ?? 0;
    call3(this, CallbackKind.ACK, onAck, client, bytes, timeMs);
  }

  /**
   * Returns the bytes that `add` took and that are not acknowledged: by the reports while acknowledgements
   * are reported, else by asking the stack.
   */
  unacknowledged(): number {
    if (this.connection === undefined || this.state() === TcpState.CLOSED) return 0;
    if (this.wantsAcks()) return this.#added + this.#sent - this.#acked;
    return this.connection.unacknowledged();
  }

  /** Returns the bytes of `bytesOut` that are acknowledged, also after the end. */
  acknowledged(): number {
    return this.#added + this.#sent - this.unacknowledged();
  }

  /** As the port's `heardAgoMs`; `undefined` unless connected. */
  heardAgoMs(): number | undefined {
    return this.connection?.heardAgoMs();
  }

  /** Waits until the bytes added before this call are acknowledged. */
  flushed(signal: AbortSignal | undefined): Promise<void> {
    if (this.connection === undefined || this.state() === TcpState.CLOSED) return notConnected();
    if (this.unacknowledged() === 0) return Promise.resolve();
    const flushes = (this.ownParts().flushes ??= new FlushWaiters());
    this.applyReportsAcks();
    return flushes.wait(this.#added + this.#sent, signal);
  }

  private wantsAcks(): boolean {
    const { onAck, onTimeout } = this.core;
    return onAck !== undefined || onTimeout !== undefined || this.#parts?.flushes !== undefined;
  }

  private applyReportsAcks(): void {
    this.connection?.setReportsAcks(this.wantsAcks());
  }

  onAckChanged(): void {
    if (this.core.onAck === undefined && this.#parts !== undefined) this.#parts.sendClock = undefined;
    this.applyReportsAcks();
  }

  // ---- the timeout of acknowledgements

  /** Starts the ack timeout, after a send with nothing in flight or after progress. */
  private awaitAck(): void {
    const { ackTimeoutMs } = this.core;
    const ackTimeout = (this.ownParts().ackTimeout ??= new AckTimeout());
    ackTimeout.begin(this.nowMs(), ackTimeoutMs);
    if (ackTimeoutMs > 0) this.armFor(ackTimeout.atMs);
  }

  /** Starts the ack timeout of bytes that are in flight when a handler is set. */
  onTimeoutChanged(): void {
    this.applyReportsAcks();
    if (this.core.onTimeout === undefined) return;
    if (this.phase !== 'over' && this.#sent > this.#acked) this.awaitAck();
  }

  ackTimeoutChanged(): void {
    this.#parts?.ackTimeout?.setTimeout(this.core.ackTimeoutMs);
    this.rearm();
  }

  protected ackDeadlineMs(): number {
    const waits = this.core.onTimeout !== undefined && this.#sent > this.#acked;
    return (waits ? this.#parts?.ackTimeout?.atMs : undefined) ?? Number.POSITIVE_INFINITY;
  }

  protected checkAckTimeout(nowMs: number): void {
    if (this.phase === 'over' || nowMs < this.ackDeadlineMs()) return;
    const waitedMs = this.#parts?.ackTimeout?.came(nowMs) ?? 0;
    const { onTimeout, client } = this.core;
    if (onTimeout === undefined) return;
    call3(this, CallbackKind.TIMEOUT, onTimeout, client, waitedMs, this.connection?.heardAgoMs());
  }

  // ---- receiving

  onData(bytes: Uint8Array, loan?: Loan): void {
    const { connection } = this;
    assert(connection !== undefined, 'data comes from a connection');
    if (!this.isOpen()) {
      loan?.giveBack();
      if (this.phase === 'arriving') this.onPreamble(connection, bytes);
      else connection.consume(bytes.length);
      return;
    }
    const { length } = bytes;
    this.#received += length;
    const { client, onPacket, onData } = this.core;
    const parts = this.#parts;
    const rxTimeout = parts?.rxTimeout;
    rxTimeout?.heard(this.nowMs());
    if (parts?.stream !== undefined) {
      this.toStream(connection, parts, parts.stream, bytes);
    } else if (onPacket !== undefined) {
      this.#withheld += length;
      call2(this, CallbackKind.PACKET, onPacket, client, new Packet(bytes, this, loan));
    } else {
      this.#inHand = length;
      if (onData !== undefined) call2(this, CallbackKind.DATA, onData, client, bytes);
      const consumed = this.#inHand;
      this.#inHand = 0;
      if (consumed > 0) connection.consume(consumed);
    }
    if (rxTimeout !== undefined) this.stopOrGo();
  }

  /**
   * Gives bytes to the handler, if there is one, and to the stream. Both count the piece as held until they
   * have consumed it.
   */
  private toStream(
    connection: Connection,
    parts: SessionParts,
    stream: ClientStream,
    bytes: Uint8Array,
  ): void {
    const { client, onPacket, onData } = this.core;
    const { length } = bytes;
    const before = this.held();
    parts.unread += length;
    // Until the handler has returned it holds the piece as well.
    this.#withheld += length;
    // The window opens by the bytes that one of the two had consumed before the other.
    const opened = before + length - this.held();
    if (opened > 0) connection.consume(opened);
    if (onPacket !== undefined) {
      call2(this, CallbackKind.PACKET, onPacket, client, new Packet(bytes, this));
      runTicks();
    } else {
      this.#inHand = length;
      if (onData !== undefined) {
        call2(this, CallbackKind.DATA, onData, client, bytes);
        runTicks();
      }
      // `ackLater` has withheld the piece, or it is done.
      this.release(this.#inHand);
      this.#inHand = 0;
    }
    if (this.isOpen()) stream.onData(bytes);
  }

  /** Returns the bytes by which the window is closed: the larger of what program and stream hold. */
  private held(): number {
    return Math.max(this.#withheld, this.#parts?.unread ?? 0);
  }

  /** The program is done with `bytes` that it withheld. */
  private release(bytes: number): void {
    const before = this.held();
    this.#withheld -= bytes;
    this.opened(before);
  }

  /** Opens the window by what is no longer held. */
  private opened(before: number): void {
    const bytes = before - this.held();
    if (bytes > 0) this.connection?.consume(bytes);
  }

  /** Withholds the piece in hand until `ack`. */
  ackLater(): void {
    // With a stream the piece in hand counts as withheld already.
    if (this.takingStream === undefined) this.#withheld += this.#inHand;
    this.#inHand = 0;
  }

  /** Opens the window by `bytes`, at most those withheld. Returns by how many. */
  ack(bytes: number): number {
    const inHand = this.takingStream === undefined ? 0 : this.#inHand;
    const given = Math.min(bytes, this.#withheld - inHand);
    if (given > 0) {
      this.release(given);
      this.stopOrGo();
    }
    return given;
  }

  // ---- a stream on the connection

  /**
   * Joins a stream that takes no data yet: data and the peer's FIN go their way as without a stream, up to
   * `attach`. All other events come.
   */
  join(stream: ClientStream): void {
    assert(this.stream === undefined, 'a connection has one stream');
    this.ownParts().joined = stream;
  }

  /** Joins a stream to this life, which takes the data from now on. A life has at most one stream. */
  attach(stream: ClientStream): void {
    assert(this.takingStream === undefined, 'a stream is attached once');
    if (this.stream !== stream) this.join(stream);
    this.ownParts().stream = stream;
    this.dataHandlersChanged();
    this.needsNoHandler();
  }

  /** Has `stream` take the place of the stream of this life: it takes all events from now on. */
  replaceStream(stream: ClientStream): void {
    const parts = this.ownParts();
    parts.joined = stream;
    if (parts.stream === undefined) {
      this.attach(stream);
    } else {
      parts.stream = stream;
      this.dataHandlersChanged();
    }
  }

  /** The stream of this life, if there is one. */
  get stream(): ClientStream | undefined {
    return this.#parts?.joined;
  }

  /** The stream that takes the data, if there is one. */
  protected get takingStream(): ClientStream | undefined {
    return this.#parts?.stream;
  }

  /** The stream is done with `bytes`: the window opens. */
  consumed(bytes: number): void {
    const before = this.held();
    const parts = this.ownParts();
    parts.unread -= bytes;
    assert(parts.unread >= 0, 'a stream consumes no more than it got');
    this.opened(before);
    this.stopOrGo();
  }

  /** Stops delivery for the stream, or lets it go on. A pause of the program stays in force. */
  setStopped(on: boolean): void {
    this.setHolds(on ? this.holds | SessionFlag.STREAM_STOPPED : this.holds & ~SessionFlag.STREAM_STOPPED);
  }

  /** Returns the bytes that were sent and that the system has not taken yet. */
  queued(): number {
    return this.connection?.queued() ?? 0;
  }

  /** As the port's `setWantsSpace`, for the stream. */
  setWantsSpace(bytes: number): void {
    this.connection?.setWantsSpace(bytes);
  }

  /** As the port's `setReportsDrained`, for the stream. */
  setReportsDrained(on: boolean): void {
    this.connection?.setReportsDrained(on);
  }

  onSpaceFreed(): void {
    this.stream?.onSpace();
  }

  onDrained(): void {
    this.stream?.onDrained();
  }

  protected ackAll(): void {
    this.ack(this.#withheld);
  }

  dataHandlersChanged(): void {
    const { onData, onPacket } = this.core;
    this.connection?.setTakesLoans(this.wantsLoans());
    this.connection?.setTakesViews(this.wantsViews());
    if (onData !== undefined || onPacket !== undefined) this.needsNoHandler();
  }

  /** A stream keeps the bytes. */
  private wantsLoans(): boolean {
    return this.core.onPacket !== undefined && this.takingStream === undefined;
  }

  /** Returns true if data is needed only until the handler returns. A packet must stay valid longer. */
  private wantsViews(): boolean {
    const { onData, onPacket, takesViews } = this.core;
    if (onPacket !== undefined) return false;
    const stream = this.takingStream;
    if (stream === undefined) return takesViews && onData !== undefined;
    return stream.takesViews === true && (takesViews || onData === undefined);
  }

  // ---- data that waits

  /** True if `pause` is in force. */
  get isPaused(): boolean {
    return this.is(SessionFlag.PAUSED) && this.phase !== 'over';
  }

  pause(): void {
    this.setHolds(this.holds | SessionFlag.PAUSED);
  }

  resume(): void {
    this.setHolds((this.holds & SessionFlag.STREAM_STOPPED) | SessionFlag.NEEDS_NO_HANDLER);
  }

  /** Makes data wait until a data handler is set, or until `settled` is fulfilled. */
  awaitHandler(settled?: Promise<void>): void {
    const { onData, onPacket } = this.core;
    const isHandled = onData !== undefined || onPacket !== undefined;
    if (isHandled || this.is(SessionFlag.NEEDS_NO_HANDLER)) return;
    this.setHolds(this.holds | SessionFlag.NO_HANDLER_YET);
    void settled?.then(() => {
      this.needsNoHandler();
    });
  }

  private needsNoHandler(): void {
    this.setHolds(
      (this.holds & (SessionFlag.PAUSED | SessionFlag.STREAM_STOPPED)) | SessionFlag.NEEDS_NO_HANDLER,
    );
  }

  private get holds(): number {
    return this.#flags & HOLDS;
  }

  private keepHolds(holds: number): void {
    this.#flags = (this.#flags & ~HOLDS) | holds;
  }

  private isHeld(): boolean {
    return this.is(HELD);
  }

  /** Returns true if the program or the stream makes data wait. */
  private isHeldBySome(): boolean {
    return this.is(HELD_BY_SOME);
  }

  private setHolds(holds: number): void {
    if (this.firstDataWaits) {
      this.keepHolds(holds | SessionFlag.FIRST_DATA_WAITS);
      if (!this.isHeldBySome()) this.deliverFirstSoon();
      return;
    }
    const wasHeld = this.isHeld();
    this.keepHolds(holds);
    const isHeld = this.isHeld();
    if (isHeld === wasHeld || !this.isOpen()) return;
    this.connection?.setReading(!isHeld);
    this.stopOrGo();
  }

  // ---- data that came in one piece with the preamble

  /** True if that data waits, and with it all that the stack has. */
  protected get firstDataWaits(): boolean {
    return this.is(SessionFlag.FIRST_DATA_WAITS);
  }

  /** Delivers `bytes` as the client's first data, or lets them wait. Returns true if they wait. */
  protected deliverFirst(bytes: Uint8Array): boolean {
    if (this.isHeldBySome()) {
      // Reading is off already.
      this.set(SessionFlag.FIRST_DATA_WAITS, true);
      return true;
    }
    this.onData(bytes);
    return false;
  }

  private deliverFirstSoon(): void {
    this.core.admission.stack.post(() => {
      if (!this.isOpen() || !this.firstDataWaits || this.isHeldBySome()) return;
      this.set(SessionFlag.FIRST_DATA_WAITS, false);
      this.onData(this.takeFirstData());
      runTicks();
      if (!this.isOpen()) return;
      if (this.takeFirstEnd()) this.onEnd();
      // Delivery by the stack is off still, also if the handler has paused.
      if (!this.isHeldBySome() && this.isOpen()) {
        this.connection?.setReading(true);
        this.stopOrGo();
      }
    });
  }

  // ---- the receive timeout

  rxTimeoutChanged(): void {
    if (this.#parts !== undefined) this.#parts.rxTimeout = undefined;
    if (this.core.rxTimeoutS > 0 && this.connection !== undefined) this.restartRxTimeout();
    this.rearm();
  }

  private restartRxTimeout(): void {
    const unacknowledged = this.unacknowledged();
    const acked = this.#added + this.#sent - unacknowledged;
    const rxTimeout = new RxTimeout(this.core.rxTimeoutS * 1000, this.nowMs(), acked);
    this.ownParts().rxTimeout = rxTimeout;
    if (unacknowledged > 0) rxTimeout.lookSoon(this.nowMs());
    this.stopOrGo();
  }

  private lookSoon(rxTimeout: RxTimeout): void {
    rxTimeout.lookSoon(this.nowMs());
    // While the time stands still there is nothing to wait for: `stopOrGo` arms the timer when the time runs
    // again.
    if (!rxTimeout.isStopped) this.armFor(rxTimeout.nextMs());
  }

  /**
   * Stops the time of the receive timeout while the program keeps the peer from sending: it holds data up, or
   * withholds the whole window.
   */
  private stopOrGo(): void {
    const { connection } = this;
    const rxTimeout = this.#parts?.rxTimeout;
    if (rxTimeout === undefined || connection === undefined) return;
    const isShut = this.isHeld() || this.held() >= connection.receiveWindowBytes;
    if (isShut === rxTimeout.isStopped) return;
    if (isShut) {
      rxTimeout.stop(this.nowMs());
    } else {
      rxTimeout.go(this.nowMs());
      this.rearm();
    }
  }

  protected rxDeadlineMs(): number {
    const rxTimeout = this.#parts?.rxTimeout;
    return rxTimeout === undefined || !this.isOpen() ? Number.POSITIVE_INFINITY : rxTimeout.nextMs();
  }

  /** Returns true if neither data nor an acknowledgement has come for as long as `setRxTimeout` allows. */
  protected isRxTimedOut(nowMs: number): boolean {
    const rxTimeout = this.#parts?.rxTimeout;
    if (rxTimeout === undefined || nowMs < this.rxDeadlineMs()) return false;
    const unacknowledged = this.unacknowledged();
    rxTimeout.look(nowMs, this.#added + this.#sent - unacknowledged, unacknowledged);
    return rxTimeout.isOver(nowMs);
  }
}
