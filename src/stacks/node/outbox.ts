/**
 * The sending half of a connection. `node:net` would queue without bound; here at most the send buffer
 * waits, and the stream has no more than what one call of `writev` gave it: the next follows when the kernel
 * has taken all of that.
 *
 * What is flushed in a callback is gathered until the callback returns, or until another connection sends:
 * small pieces leave together, and bytes leave in the order of the calls.
 *
 * A piece goes: added (`write`) → flushed (`output`) → given to the stream → accepted by the kernel → told.
 */
import type { Socket } from 'node:net';
import { gather, holdBack, isInCallback, letLeave } from '../../support/callback-scope.js';
import type { AcceptQueue, Accepting } from './accept-queue.js';
import type { CopySlab } from '../system/copy-slab.js';
import { SHARE_BYTES, type SendBudget } from '../system/send-budget.js';
import { isTakenAway, SendBatch } from './send-batch.js';

/** With so much flushed, gathering more would save nothing. */
export const GATHER_BYTES = 16_384;

const NOTHING = new Uint8Array(0);

/** What the outboxes of a stack share. */
export interface SendingContext {
  readonly slab: CopySlab;
  readonly budget: SendBudget;
  readonly acceptQueue: AcceptQueue;
  post(job: () => void): void;
}

export interface OutboxOwner {
  /** The kernel has accepted `bytes`; 0 if they were told before. From the loop, never within a method. */
  accepted(bytes: number): void;
  /** Bytes that were lent were detached before they left: the stream cannot go on. */
  takenAway(): void;
}

export class Outbox implements Accepting {
  readonly #socket: Socket;
  readonly #context: SendingContext;
  readonly #owner: OutboxOwner;
  /** What leaves next. */
  #flushed: SendBatch | undefined;
  /** What was written and not output. */
  #added: SendBatch | undefined;
  /** Bytes that the stream was given, bytes of them that the kernel took, and of those that were told. */
  #given = 0;
  #accepted = 0;
  #told = 0;
  /** Bytes that the budget knows as outstanding. */
  #budgeted = 0;
  /** The kernel took bytes, in this turn of the loop, and it was not told yet. */
  #acceptanceWaits = false;
  #acceptanceTurn = 0;
  #isAwaited = false;
  #isQueued = false;
  /** The last piece that was written said that more follows. */
  #more = false;

  /** The stream has what the kernel did not take. */
  #isBusy = false;
  #inFlight: readonly Uint8Array[] | undefined;
  #written: ((error?: Error | null) => void) | undefined;
  #leaveGathered: (() => void) | undefined;
  #flushIsDue = false;
  #flushLater: (() => void) | undefined;

  constructor(socket: Socket, context: SendingContext, owner: OutboxOwner) {
    this.#socket = socket;
    this.#context = context;
    this.#owner = owner;
  }

  /** Bytes that were taken from the caller and that the kernel, as far as is known, has not accepted. */
  get outstanding(): number {
    return (this.#added?.bytes ?? 0) + (this.#flushed?.bytes ?? 0) + this.#given - this.#accepted;
  }

  /** True if the connection has sent anything. */
  get hasSent(): boolean {
    return this.#given > 0;
  }

  /** Bytes that may be written now, of a send buffer of so many. */
  space(sendBufferBytes: number): number {
    this.#countForSpace();
    const capacity = this.#context.budget.capacity(sendBufferBytes, this.#accepted);
    return Math.max(0, capacity - this.outstanding);
  }

  /** True if acceptance waits to be told. */
  get acceptanceWaits(): boolean {
    return this.#acceptanceWaits;
  }

  /**
   * Counts what the kernel has accepted, unless that is told in this turn: `outstanding` does not fall before
   * the acknowledgement that explains it.
   */
  #countForSpace(): void {
    // Queued, it is told in its turn; else the next turn of the loop is enough.
    const isLate = this.#acceptanceWaits && !this.#isQueued;
    if (isLate && this.#context.acceptQueue.turn !== this.#acceptanceTurn) this.countAccepted();
  }

  /** Counts everything as accepted that the stream does not hold any more. */
  countAccepted(): void {
    // A write that failed has left the stream as well. In order, a connection ends only after all was told.
    if (this.#isGone()) return;
    this.#accepted = this.#given - this.#socket.writableLength;
    this.#budget(this.outstanding);
  }

  /** The connection is over: what it had outstanding burdens nobody any more. */
  end(): void {
    this.#budget(0);
  }

  #budget(outstanding: number): void {
    const before = this.#budgeted;
    this.#budgeted = outstanding;
    if (before > SHARE_BYTES || outstanding > SHARE_BYTES) this.#context.budget.changed(before, outstanding);
  }

  /** Bytes that the kernel has taken in all, as exactly as the runtime knows: it grows while it takes any. */
  takenInAll(): number {
    return this.#given - (handleQueueBytes(this.#socket) ?? this.#socket.writableLength);
  }

  #isGone(): boolean {
    return this.#socket.destroyed || this.#socket.errored !== null;
  }

  // ---- writing; the caller has looked for space

  add(bytes: Uint8Array, copy: boolean, more: boolean): void {
    this.#added ??= new SendBatch(this.#context.slab);
    this.#added.add(bytes, copy);
    this.#more = more;
    this.#budget(this.outstanding);
  }

  /** `add` and `output` in one. */
  send(bytes: Uint8Array, copy: boolean, more: boolean): void {
    const flushed = this.#flush();
    flushed.add(bytes, copy);
    this.#budget(this.outstanding);
    if (more) this.#hold();
    else if (isInCallback() && flushed.bytes < GATHER_BYTES) gather(this.#gathered());
    else this.#leaveInOrder();
  }

  output(): void {
    const more = this.#more;
    this.#flush();
    if (more) this.#hold();
    else this.#leaveInOrder();
  }

  /** Gives the socket all that was written, however it was. */
  finish(): void {
    this.#flush();
    this.#leaveInOrder();
  }

  /** What another connection has gathered goes first. */
  #leaveInOrder(): void {
    letLeave();
    this.#leave();
  }

  #gathered(): () => void {
    return (this.#leaveGathered ??= () => {
      this.#leave();
    });
  }

  #flush(): SendBatch {
    this.#more = false;
    this.#flushed ??= new SendBatch(this.#context.slab);
    if (this.#added !== undefined) this.#flushed.takeFrom(this.#added);
    return this.#flushed;
  }

  /** MORE holds what was flushed back for what follows, but not longer than the present turn of the loop. */
  #hold(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#flushLater ??= () => {
      this.#flushIsDue = false;
      this.#leave();
    };
    holdBack(this.#context, this.#flushLater);
  }

  #leave(): void {
    const batch = this.#flushed;
    if (batch === undefined || batch.bytes === 0 || this.#isBusy || this.#isGone()) return;
    if (!batch.isWhole()) {
      this.#owner.takenAway();
      return;
    }
    this.#given += batch.bytes;
    this.#inFlight = batch.leave(this.#socket);
    if (this.#inFlight === undefined) this.#queueAcceptance();
    else this.#awaitKernel();
  }

  /** Part of it waits in the stream. An empty write behind it says when it was taken. */
  #awaitKernel(): void {
    this.#isBusy = true;
    this.#written ??= (error) => {
      this.#isBusy = false;
      const inFlight = this.#inFlight;
      this.#inFlight = undefined;
      if (error !== null && error !== undefined) return;
      if (inFlight?.some(isTakenAway) === true) {
        this.#owner.takenAway();
        return;
      }
      this.#queueAcceptance();
      if (!this.#flushIsDue) this.#leave();
    };
    this.#socket.write(NOTHING, this.#written);
  }

  // ---- acceptance

  /** Sets whether somebody waits for `accepted`: then it comes within the turn. */
  setAwaited(on: boolean): void {
    this.#isAwaited = on;
    if (on && this.#acceptanceWaits) this.#tellSoon();
  }

  #queueAcceptance(): void {
    this.#acceptanceWaits = true;
    if (this.#isAwaited) this.#tellSoon();
    else this.#acceptanceTurn = this.#context.acceptQueue.endTurn();
  }

  #tellSoon(): void {
    this.#context.acceptQueue.hurry();
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#context.acceptQueue.add(this);
  }

  turnTells(): void {
    this.#isQueued = false;
    if (this.#acceptanceWaits) this.tellAccepted();
  }

  tellAccepted(): void {
    this.#acceptanceWaits = false;
    this.countAccepted();
    const bytes = this.#accepted - this.#told;
    this.#told = this.#accepted;
    this.#owner.accepted(bytes);
  }
}

/**
 * Bytes that the runtime itself holds of what it was given. The stream counts a piece until all of it is
 * taken; Node's own timeout of a socket looks here as well. `undefined` where there is no such number.
 */
function handleQueueBytes(socket: object): number | undefined {
  if (!('_handle' in socket)) return undefined;
  const handle = socket._handle;
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return undefined;
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : undefined;
}
