/**
 * The sending half of a connection. Bytes go: `enqueue` → `EnqueuedPieces` → `flush` → TCP's send buffer →
 * the peer. `enqueueAndFlush` leaves the pieces out if none wait.
 */
import type { TcpSocket } from '../../netstack/raw-api.js';
import { SendFlag, type SendFlags } from '../../port/tcp-stack.js';
import { flushGathered, holdBack, isInCallback } from '../../support/callback-scope.js';
import { EnqueuedPieces } from './enqueued-pieces.js';
import { excessOf, SHARE_BYTES } from './send-shares.js';
import type { GatheringSender, StackContext } from './stack-context.js';

/** The connection that owns the sending half. */
export interface OutgoingOwner {
  /** Lent bytes were transferred away before they left. */
  onBytesLost(): void;
  /** All that had waited has left: `takeDrained` returns true. */
  onDrained(): void;
}

export class Outgoing implements GatheringSender {
  readonly #context: StackContext;
  readonly #socket: TcpSocket;
  readonly #owner: OutgoingOwner;
  /** Bytes that were enqueued and that TCP does not have yet, if there are any. */
  #pieces: EnqueuedPieces | undefined;
  /** True until FIN is asked for, or the connection is over. */
  #isOpen = true;
  /** True if the send buffer is larger than the share that every connection has: the budget counts. */
  readonly #hasBudget: boolean;
  /** Bytes beyond the share, as the budget knows them. */
  #excess = 0;
  /** True if flushed bytes have waited since the last `takeDrained`. */
  #hasWaited = false;

  constructor(context: StackContext, socket: TcpSocket, owner: OutgoingOwner) {
    this.#context = context;
    this.#socket = socket;
    this.#owner = owner;
    this.#hasBudget = socket.sendBufferBytes > SHARE_BYTES;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True if TCP has all bytes: FIN may follow. */
  get isHandedOver(): boolean {
    return this.#pieces === undefined;
  }

  // ---- figures

  sendSpace(): number {
    if (!this.#isOpen) return 0;
    const space = this.#socket.sendSpace() - (this.#pieces?.length ?? 0);
    if (!this.#hasBudget) return Math.max(0, space);
    return Math.max(0, Math.min(space, this.#context.shares.spaceBeside(this.unacknowledged())));
  }

  unacknowledged(): number {
    return this.#socket.unacknowledged() + (this.#pieces?.length ?? 0);
  }

  /** Returns the flushed bytes that have not left; gathered ones leave by themselves. */
  queued(): number {
    const held = this.#pieces?.flushed ?? 0;
    return this.#context.isGathering(this) ? held : held + this.#socket.unsent();
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
    this.#count();
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
    if (!this.#isOpen) return 0;
    const { length } = bytes;
    // Within its share a connection needs not ask the budget.
    const asksBudget = this.#hasBudget && this.#socket.unacknowledged() + length > SHARE_BYTES;
    const most = asksBudget ? this.sendSpace() : length;
    const taken = this.#socket.write(most < length ? bytes.subarray(0, most) : bytes);
    if (taken === 0) return 0;
    if (asksBudget) this.#count();
    if (isInCallback()) {
      this.#context.gather(this);
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
    this.#hasWaited = true;
    holdBack(this.#context.turns, () => {
      if (this.#pieces === pieces) this.#send(pieces);
    });
  }

  /** Gives TCP what was flushed, and lets it leave. */
  #send(pieces: EnqueuedPieces): void {
    const isWhole = pieces.writeTo(this.#socket);
    if (pieces.length === 0) this.#pieces = undefined;
    if (isWhole) this.#push();
    else this.#owner.onBytesLost();
  }

  #push(): void {
    this.#socket.push();
    // Outside of a step the driver does not know yet when TCP wants to retransmit.
    this.#context.wake();
    const isQueued = (this.#pieces !== undefined || this.#socket.unsent() > 0) && this.queued() > 0;
    if (isQueued) this.#hasWaited = true;
    else if (this.#hasWaited) this.#owner.onDrained();
  }

  // ---- the end

  /** Sends all that was enqueued. Nothing more is taken. */
  end(): void {
    flushGathered();
    this.#isOpen = false;
    const pieces = this.#pieces;
    if (pieces === undefined) return;
    pieces.flushed = pieces.length;
    this.#send(pieces);
  }

  /** Forgets what was not sent: the connection is over. */
  forget(): void {
    this.#isOpen = false;
    this.#pieces = undefined;
    this.#hasWaited = false;
    if (this.#excess > 0) this.#context.shares.changed(-this.#excess);
    this.#excess = 0;
  }

  // ---- acknowledgements

  /** Notes that TCP has made progress: bytes were acknowledged, or have left. */
  progressed(): void {
    if (this.#excess > 0) this.#count();
    const pieces = this.#pieces;
    // lwIP's queue counts segments, so that TCP may have taken fewer bytes than there was space for.
    if (pieces !== undefined && pieces.flushed > 0 && !pieces.expectsMore) this.#send(pieces);
  }

  /** Returns true once after flushed bytes have waited and all of them have left. */
  takeDrained(): boolean {
    if (!this.#hasWaited || this.queued() > 0) return false;
    this.#hasWaited = false;
    return true;
  }

  /** Notes the excess, for the budget of the stack. */
  #count(): void {
    const excess = excessOf(this.unacknowledged());
    if (excess === this.#excess) return;
    this.#context.shares.changed(excess - this.#excess);
    this.#excess = excess;
  }
}
