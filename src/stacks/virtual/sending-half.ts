/**
 * The sending half of a connection. Bytes go: `enqueue` → `Backlog` → `flush` → TCP's send buffer →
 * the peer. `enqueueAndFlush` leaves the backlog out if it is empty.
 *
 * `VirtualConnection` extends this class: a second object would cost every idle connection its memory. Nor
 * have the two any `#` methods, for which each object would get a hidden field.
 */
import type { TcpSocket } from '../../netstack/raw-api.js';
import { SendFlag, type ConnectionEvents, type SendFlags } from '../../port/tcp-stack.js';
import { flushGathered, holdBack, isInCallback } from '../../support/callback-scope.js';
import { Backlog } from './backlog.js';
import { ConnectionFlag } from './connection-flag.js';
import { Reporter } from './reporter.js';
import { excessOf, SHARE_BYTES } from './send-shares.js';
import type { GatheringSender, StackContext } from './stack-context.js';

const REPORTED_PROGRESS = ConnectionFlag.REPORTS_ACKS | ConnectionFlag.REPORTS_DRAINED;

export abstract class SendingHalf extends Reporter implements GatheringSender {
  readonly context: StackContext;
  readonly socket: TcpSocket;
  #backlog: Backlog | undefined;

  constructor(context: StackContext, socket: TcpSocket) {
    super();
    this.context = context;
    this.socket = socket;
    this.set(ConnectionFlag.TAKES_BYTES | ConnectionFlag.READING, true);
  }

  /** Returns true once the connection has ended, reported or not. */
  protected abstract isOver(): boolean;
  /** Ends the connection: lent bytes were transferred away before they left. */
  protected abstract onBytesLost(): void;

  /** Has `report` called. */
  look(): void {
    this.context.turns.add(this);
  }

  /** True if TCP has all bytes: FIN may follow. */
  get isHandedOver(): boolean {
    return this.backlogBytes() === 0;
  }

  private backlogBytes(): number {
    return this.#backlog === undefined ? 0 : this.#backlog.length;
  }

  // ---- figures

  sendSpace(): number {
    if (!this.is(ConnectionFlag.TAKES_BYTES) || this.isOver()) return 0;
    const space = this.socket.sendSpace() - this.backlogBytes();
    if (!this.hasBudget()) return Math.max(0, space);
    return Math.max(0, Math.min(space, this.context.shares.spaceBeside(this.bytesLeft())));
  }

  /** Returns true if the send buffer is larger than the share that every connection has. */
  private hasBudget(): boolean {
    return this.socket.sendBufferBytes > SHARE_BYTES;
  }

  hasSpaceFor(bytes: number): boolean {
    return this.sendSpace() >= bytes;
  }

  /** Returns the bytes that were taken and are not acknowledged, also once the connection is over. */
  bytesLeft(): number {
    return this.socket.unacknowledged() + this.backlogBytes();
  }

  unacknowledged(): number {
    return this.isOver() ? 0 : this.bytesLeft();
  }

  queued(): number {
    return this.isOver() ? 0 : this.unsent();
  }

  /** Returns the flushed bytes that have not left; gathered ones leave by themselves. */
  private unsent(): number {
    const held = this.#backlog === undefined ? 0 : this.#backlog.flushed;
    return this.context.isGathering(this) ? held : held + this.socket.unsent();
  }

  // ---- sending

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const taken = Math.min(bytes.length, this.sendSpace());
    if (taken === 0) return 0;
    // Bytes that were gathered earlier leave earlier.
    flushGathered();
    const backlog = (this.#backlog ??= new Backlog());
    const piece = taken === bytes.length ? bytes : bytes.subarray(0, taken);
    backlog.push((flags & SendFlag.COPY) === 0 ? piece : new Uint8Array(piece));
    backlog.expectsMore = (flags & SendFlag.MORE) !== 0;
    this.countExcess();
    return taken;
  }

  flush(): void {
    flushGathered();
    const backlog = this.#backlog;
    if (backlog === undefined || backlog.length === 0) return;
    backlog.flushed = backlog.length;
    if (!backlog.expectsMore) this.send(backlog);
    else if (!backlog.isHeldBack) this.holdBack(backlog);
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    if (!this.isHandedOver || (flags & SendFlag.MORE) !== 0) {
      const enqueued = this.enqueue(bytes, flags);
      if (enqueued > 0) this.flush();
      return enqueued;
    }
    const taken = this.writeToTcp(bytes);
    if (taken > 0) this.sendWritten();
    return taken;
  }

  enqueueAllAndFlush(pieces: readonly Uint8Array[]): number {
    const isDirect = this.isHandedOver;
    let taken = 0;
    for (const piece of pieces) {
      const length = isDirect ? this.writeToTcp(piece) : this.enqueue(piece, SendFlag.COPY);
      taken += length;
      if (length < piece.length) break;
    }
    if (taken === 0) return 0;
    if (isDirect) this.sendWritten();
    else this.flush();
    return taken;
  }

  /** Has TCP copy as many bytes as there is space for. Nothing waits in the backlog. */
  private writeToTcp(bytes: Uint8Array): number {
    if (!this.is(ConnectionFlag.TAKES_BYTES)) return 0;
    const { length } = bytes;
    // Within its share a connection needs not ask the budget.
    const asksBudget = this.hasBudget() && this.socket.unacknowledged() + length > SHARE_BYTES;
    const most = asksBudget ? this.sendSpace() : length;
    const taken = this.socket.write(most < length ? bytes.subarray(0, most) : bytes);
    if (asksBudget && taken > 0) this.countExcess();
    return taken;
  }

  /** Sends the bytes that TCP was given, when the running callback returns. */
  private sendWritten(): void {
    if (isInCallback()) {
      this.context.gather(this);
    } else {
      flushGathered();
      this.push();
    }
  }

  /** Sends the bytes that this callback wrote. Called by the context. */
  sendGathered(): void {
    this.push();
  }

  /** Holds bytes back that were enqueued with MORE, until the present turn is over at the latest. */
  private holdBack(backlog: Backlog): void {
    this.set(ConnectionFlag.HAS_WAITED, true);
    backlog.isHeldBack = true;
    holdBack(this.context.turns, () => {
      backlog.isHeldBack = false;
      if (backlog.flushed > 0) this.send(backlog);
    });
  }

  /** Gives TCP what was flushed, and lets it leave. */
  private send(backlog: Backlog): void {
    const isWhole = backlog.writeTo(this.socket);
    if (isWhole) this.push();
    else this.onBytesLost();
  }

  private push(): void {
    this.socket.push();
    // Outside of a step the driver does not know yet when TCP wants to retransmit.
    this.context.wake();
    const isQueued = (!this.isHandedOver || this.socket.unsent() > 0) && this.unsent() > 0;
    if (isQueued) this.set(ConnectionFlag.HAS_WAITED, true);
    else if (this.is(ConnectionFlag.HAS_WAITED) && this.is(ConnectionFlag.REPORTS_DRAINED)) this.look();
  }

  // ---- the end

  /** Sends all that was enqueued. Nothing more is taken. */
  protected endSending(): void {
    flushGathered();
    this.set(ConnectionFlag.TAKES_BYTES, false);
    const backlog = this.#backlog;
    if (backlog === undefined || backlog.length === 0) return;
    backlog.flushed = backlog.length;
    this.send(backlog);
  }

  /** Forgets what was not sent: the connection is over. */
  protected forgetUnsent(): void {
    this.set(ConnectionFlag.TAKES_BYTES | ConnectionFlag.HAS_WAITED, false);
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    backlog.clear();
    if (backlog.excess > 0) this.context.shares.changed(-backlog.excess);
    backlog.excess = 0;
  }

  // ---- progress

  /** Notes that TCP has made progress: bytes were acknowledged, or have left. */
  protected progressed(): void {
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    if (backlog.excess > 0) this.countExcess();
    // lwIP's queue counts segments, so that TCP may have taken fewer bytes than there was space for.
    if (backlog.flushed > 0 && !backlog.isHeldBack) this.send(backlog);
  }

  /** Notes the excess, for the budget of the stack. */
  private countExcess(): void {
    const excess = excessOf(this.bytesLeft());
    if (excess === 0 && this.#backlog === undefined) return;
    const backlog = (this.#backlog ??= new Backlog());
    if (excess === backlog.excess) return;
    this.context.shares.changed(excess - backlog.excess);
    backlog.excess = excess;
  }

  /** Calls an event of the sending half, if one is due. */
  protected reportProgress(events: ConnectionEvents): boolean {
    const backlog = this.#backlog;
    if (backlog === undefined && !this.is(REPORTED_PROGRESS)) return false;
    if (this.is(ConnectionFlag.REPORTS_ACKS)) {
      const bytes = this.socket.takeAcked();
      if (bytes > 0) {
        this.set(ConnectionFlag.DATA_NEXT, true);
        events.onAcked(bytes);
        return true;
      }
    }
    if (backlog !== undefined && this.hasWantedSpace(backlog.wantedSpace)) {
      backlog.wantedSpace = 0;
      this.set(ConnectionFlag.DATA_NEXT, true);
      events.onSpaceFreed?.();
      return true;
    }
    if (!this.is(ConnectionFlag.REPORTS_DRAINED) || !this.takeDrained()) return false;
    this.set(ConnectionFlag.DATA_NEXT, true);
    events.onDrained?.();
    return true;
  }

  /** With nothing unacknowledged there will be no more space: the request counts as met. */
  private hasWantedSpace(bytes: number): boolean {
    if (bytes === 0 || !this.is(ConnectionFlag.TAKES_BYTES)) return false;
    return this.sendSpace() >= bytes || this.bytesLeft() === 0;
  }

  /** Returns true once after flushed bytes have waited and all of them have left. */
  private takeDrained(): boolean {
    if (!this.is(ConnectionFlag.HAS_WAITED) || this.unsent() > 0) return false;
    this.set(ConnectionFlag.HAS_WAITED, false);
    return true;
  }

  setReportsAcks(on: boolean): void {
    this.set(ConnectionFlag.REPORTS_ACKS, on);
    if (on) this.look();
  }

  setReportsDrained(on: boolean): void {
    this.set(ConnectionFlag.REPORTS_DRAINED, on);
    if (on) this.look();
  }

  setWantsSpace(bytes: number): void {
    if (bytes > 0) {
      (this.#backlog ??= new Backlog()).wantedSpace = bytes;
      this.look();
    } else if (this.#backlog !== undefined) {
      this.#backlog.wantedSpace = 0;
    }
  }
}
