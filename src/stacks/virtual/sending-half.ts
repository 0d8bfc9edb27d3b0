/**
 * The sending half of a connection. Bytes go: `enqueue` → `EnqueuedPieces` → `flush` → TCP's send buffer →
 * the peer. `enqueueAndFlush` leaves the pieces out if none wait.
 *
 * `VirtualConnection` extends this class: a second object would cost every idle connection its memory.
 */
import type { TcpSocket } from '../../netstack/raw-api.js';
import { SendFlag, type ConnectionEvents, type SendFlags } from '../../port/tcp-stack.js';
import { flushGathered, holdBack, isInCallback } from '../../support/callback-scope.js';
import { ConnectionFlag } from './connection-flag.js';
import { EnqueuedPieces } from './enqueued-pieces.js';
import { Reporter } from './reporter.js';
import { excessOf, SHARE_BYTES } from './send-shares.js';
import type { GatheringSender, StackContext } from './stack-context.js';

export abstract class SendingHalf extends Reporter implements GatheringSender {
  readonly context: StackContext;
  readonly socket: TcpSocket;
  /** Bits of `ConnectionFlag`. */
  #flags: number = ConnectionFlag.TAKES_BYTES | ConnectionFlag.READING;
  /** Bytes that were enqueued and that TCP does not have yet, if there are any. */
  #pieces: EnqueuedPieces | undefined;
  /** Bytes beyond the share, as the budget knows them. */
  #excess = 0;
  /** Bytes of `setWantsSpace`. */
  #wantedSpace = 0;

  constructor(context: StackContext, socket: TcpSocket) {
    super();
    this.context = context;
    this.socket = socket;
  }

  /** Returns true once the connection has ended, reported or not. */
  protected abstract isOver(): boolean;
  /** Ends the connection: lent bytes were transferred away before they left. */
  protected abstract onBytesLost(): void;

  protected is(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  protected set(flag: number, on: boolean): void {
    this.#flags = on ? this.#flags | flag : this.#flags & ~flag;
  }

  /** Has `report` called. */
  look(): void {
    this.context.turns.add(this);
  }

  /** True if TCP has all bytes: FIN may follow. */
  get isHandedOver(): boolean {
    return this.#pieces === undefined;
  }

  // ---- figures

  sendSpace(): number {
    if (!this.is(ConnectionFlag.TAKES_BYTES) || this.isOver()) return 0;
    const space = this.socket.sendSpace() - (this.#pieces?.length ?? 0);
    if (!this.#hasBudget()) return Math.max(0, space);
    return Math.max(0, Math.min(space, this.context.shares.spaceBeside(this.bytesLeft())));
  }

  /** Returns true if the send buffer is larger than the share that every connection has. */
  #hasBudget(): boolean {
    return this.socket.sendBufferBytes > SHARE_BYTES;
  }

  hasSpaceFor(bytes: number): boolean {
    return this.sendSpace() >= bytes;
  }

  /** Returns the bytes that were taken and are not acknowledged, also once the connection is over. */
  bytesLeft(): number {
    return this.socket.unacknowledged() + (this.#pieces?.length ?? 0);
  }

  unacknowledged(): number {
    return this.isOver() ? 0 : this.bytesLeft();
  }

  queued(): number {
    return this.isOver() ? 0 : this.#unsent();
  }

  /** Returns the flushed bytes that have not left; gathered ones leave by themselves. */
  #unsent(): number {
    const held = this.#pieces?.flushed ?? 0;
    return this.context.isGathering(this) ? held : held + this.socket.unsent();
  }

  // ---- sending

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const taken = Math.min(bytes.length, this.sendSpace());
    if (taken === 0) return 0;
    // Bytes that were gathered earlier leave earlier.
    flushGathered();
    const pieces = (this.#pieces ??= new EnqueuedPieces());
    const piece = taken === bytes.length ? bytes : bytes.subarray(0, taken);
    pieces.push((flags & SendFlag.COPY) === 0 ? piece : new Uint8Array(piece));
    pieces.expectsMore = (flags & SendFlag.MORE) !== 0;
    this.#countExcess();
    return taken;
  }

  flush(): void {
    flushGathered();
    const pieces = this.#pieces;
    if (pieces === undefined) return;
    const wasHeld = pieces.flushed > 0;
    pieces.flushed = pieces.length;
    if (!pieces.expectsMore) this.#send(pieces);
    else if (!wasHeld) this.#holdBack(pieces);
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    if (this.#pieces !== undefined || (flags & SendFlag.MORE) !== 0) {
      const enqueued = this.enqueue(bytes, flags);
      if (enqueued > 0) this.flush();
      return enqueued;
    }
    if (!this.is(ConnectionFlag.TAKES_BYTES)) return 0;
    const { length } = bytes;
    // Within its share a connection needs not ask the budget.
    const asksBudget = this.#hasBudget() && this.socket.unacknowledged() + length > SHARE_BYTES;
    const most = asksBudget ? this.sendSpace() : length;
    const taken = this.socket.write(most < length ? bytes.subarray(0, most) : bytes);
    if (taken === 0) return 0;
    if (asksBudget) this.#countExcess();
    if (isInCallback()) {
      this.context.gather(this);
    } else {
      flushGathered();
      this.#push();
    }
    return taken;
  }

  /** Sends the bytes that this callback wrote. Called by the context. */
  sendGathered(): void {
    this.#push();
  }

  /** Holds bytes back that were enqueued with MORE, until the present turn is over at the latest. */
  #holdBack(pieces: EnqueuedPieces): void {
    this.set(ConnectionFlag.HAS_WAITED, true);
    holdBack(this.context.turns, () => {
      if (this.#pieces === pieces) this.#send(pieces);
    });
  }

  /** Gives TCP what was flushed, and lets it leave. */
  #send(pieces: EnqueuedPieces): void {
    const isWhole = pieces.writeTo(this.socket);
    if (pieces.length === 0) this.#pieces = undefined;
    if (isWhole) this.#push();
    else this.onBytesLost();
  }

  #push(): void {
    this.socket.push();
    // Outside of a step the driver does not know yet when TCP wants to retransmit.
    this.context.wake();
    const isQueued = (this.#pieces !== undefined || this.socket.unsent() > 0) && this.#unsent() > 0;
    if (isQueued) this.set(ConnectionFlag.HAS_WAITED, true);
    else if (this.is(ConnectionFlag.HAS_WAITED) && this.is(ConnectionFlag.REPORTS_DRAINED)) this.look();
  }

  // ---- the end

  /** Sends all that was enqueued. Nothing more is taken. */
  protected endSending(): void {
    flushGathered();
    this.set(ConnectionFlag.TAKES_BYTES, false);
    const pieces = this.#pieces;
    if (pieces === undefined) return;
    pieces.flushed = pieces.length;
    this.#send(pieces);
  }

  /** Forgets what was not sent: the connection is over. */
  protected forgetUnsent(): void {
    this.set(ConnectionFlag.TAKES_BYTES | ConnectionFlag.HAS_WAITED, false);
    this.#pieces = undefined;
    if (this.#excess > 0) this.context.shares.changed(-this.#excess);
    this.#excess = 0;
  }

  // ---- progress

  /** Notes that TCP has made progress: bytes were acknowledged, or have left. */
  protected progressed(): void {
    if (this.#excess > 0) this.#countExcess();
    const pieces = this.#pieces;
    // lwIP's queue counts segments, so that TCP may have taken fewer bytes than there was space for.
    if (pieces !== undefined && pieces.flushed > 0 && !pieces.expectsMore) this.#send(pieces);
  }

  /** Notes the excess, for the budget of the stack. */
  #countExcess(): void {
    const excess = excessOf(this.bytesLeft());
    if (excess === this.#excess) return;
    this.context.shares.changed(excess - this.#excess);
    this.#excess = excess;
  }

  /** Calls an event of the sending half, if one is due. */
  protected reportProgress(events: ConnectionEvents): boolean {
    if (this.is(ConnectionFlag.REPORTS_ACKS)) {
      const bytes = this.socket.takeAcked();
      if (bytes > 0) {
        this.set(ConnectionFlag.DATA_NEXT, true);
        events.onAcked(bytes);
        return true;
      }
    }
    if (this.#wantedSpace > 0 && this.is(ConnectionFlag.TAKES_BYTES) && this.#hasWantedSpace()) {
      this.#wantedSpace = 0;
      this.set(ConnectionFlag.DATA_NEXT, true);
      events.onSpaceFreed?.();
      return true;
    }
    if (!this.is(ConnectionFlag.REPORTS_DRAINED) || !this.#takeDrained()) return false;
    this.set(ConnectionFlag.DATA_NEXT, true);
    events.onDrained?.();
    return true;
  }

  /** With nothing unacknowledged there will be no more space: the request counts as met. */
  #hasWantedSpace(): boolean {
    return this.sendSpace() >= this.#wantedSpace || this.bytesLeft() === 0;
  }

  /** Returns true once after flushed bytes have waited and all of them have left. */
  #takeDrained(): boolean {
    if (!this.is(ConnectionFlag.HAS_WAITED) || this.#unsent() > 0) return false;
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
    this.#wantedSpace = bytes;
    if (bytes > 0) this.look();
  }
}
