/**
 * The sending half of a connection. `node:net` would queue without bound; here the send buffer bounds what
 * waits, and the stream holds no more than one call of `writev` gave it. The next bytes follow when the
 * kernel has taken all of those.
 *
 * Bytes that are flushed in a callback are gathered until the callback returns, or until another connection
 * sends: small pieces leave together, and bytes leave in the order of the calls.
 *
 * A piece goes: `enqueue` → `flush` → the stream → taken by the kernel → reported (`TakenReports`).
 */
import type { Socket } from 'node:net';
import { SendFlag, type SendFlags, type StackLimits } from '../../port/tcp-stack.js';
import { gather, holdBack, isInCallback, flushGathered, runTicks } from '../../support/callback-scope.js';
import type { CopySlab } from '../system/copy-slab.js';
import { SHARE_BYTES, type SendBudget } from '../system/send-budget.js';
import { isDetached, SendBatch } from './send-batch.js';
import { heldBytes, isSocketOver } from './socket-facts.js';
import type { TakenReporter, TakenReports } from './taken-reports.js';

/** From this number of flushed bytes on, gathering more would save nothing. */
export const GATHER_BYTES = 16_384;

const NOTHING = new Uint8Array(0);

/**
 * Reasons for which a report is awaited, to be added. A report that is awaited comes within the turn;
 * otherwise it comes with the next event of the connection, or when it is awaited again.
 */
const FOR_ACKS = 1;
const FOR_FIN = 2;
const FOR_SPACE = 4;
const FOR_DRAIN = 8;

/** State that the outboxes of a stack share. */
export interface SendingContext {
  readonly limits: StackLimits;
  readonly slab: CopySlab;
  readonly budget: SendBudget;
  readonly takenReports: TakenReports;
  post(job: () => void): void;
}

/** The connection. All methods but `onDetached` are called from the loop, never from inside a method. */
export interface OutboxOwner {
  /** The kernel has taken bytes: our FIN may be due. Comes before the reports of the same bytes. */
  onTaken(): void;
  /** @param bytes that the kernel has taken since the last time, more than 0. */
  onAcked(bytes: number): void;
  onSpaceFreed(): void;
  onDrained(): void;
  /** Lent bytes were detached before the kernel took them: the stream of bytes is broken. */
  onDetached(): void;
}

export class Outbox implements TakenReporter {
  readonly #socket: Socket;
  readonly #context: SendingContext;
  readonly #owner: OutboxOwner;
  /** Bytes that leave next. */
  #flushed: SendBatch | undefined;
  /** Bytes that wait to be flushed. */
  #enqueued: SendBatch | undefined;
  /** Bytes that the stream was given; those of them that the kernel took; and those that were reported. */
  #given = 0;
  #taken = 0;
  #reported = 0;
  /** Bytes that the budget knows as outstanding. */
  #budgeted = 0;
  /** Sum of the reasons for which a report is awaited. */
  #awaited = 0;
  /** True if the kernel took bytes that are not reported yet, the last of them in `#takenTurn`. */
  #isUnreported = false;
  #takenTurn = 0;
  #isReportQueued = false;
  /** True if the last piece was enqueued with MORE. */
  #more = false;
  /** Pieces of which the stream still holds some, because the kernel has not taken all of them. */
  #inFlight: readonly Uint8Array[] | undefined;
  #onWritten: ((error?: Error | null) => void) | undefined;
  #pushGathered: (() => void) | undefined;
  /** True if MORE holds the flushed bytes back. */
  #isHeldBack = false;
  #pushHeldBack: (() => void) | undefined;
  #reportsDrained = false;
  /** Bytes of space for which `onSpaceFreed` is wanted. */
  #wantedSpace = 0;

  constructor(socket: Socket, context: SendingContext, owner: OutboxOwner) {
    this.#socket = socket;
    this.#context = context;
    this.#owner = owner;
  }

  /** Bytes that were enqueued, less those that are counted as taken by the kernel. */
  get outstanding(): number {
    return (this.#enqueued?.bytes ?? 0) + (this.#flushed?.bytes ?? 0) + this.#given - this.#taken;
  }

  /** True if the connection has sent anything. */
  get hasSent(): boolean {
    return this.#given > 0;
  }

  /** Returns the bytes that `enqueue` may be given now. */
  space(): number {
    this.#countForSpace();
    const { budget, limits } = this.#context;
    return Math.max(0, budget.capacity(limits.sendBufferBytes, this.#taken) - this.outstanding);
  }

  /** Returns the bytes that were flushed and that the kernel has not taken. */
  queued(): number {
    return (this.#flushed?.bytes ?? 0) + this.#socket.writableLength;
  }

  /** Returns all bytes that the kernel has taken so far, as exactly as the runtime knows. */
  takenInAll(): number {
    return this.#given - heldBytes(this.#socket);
  }

  /**
   * Counts what the kernel has taken, unless a report follows in this turn: space does not rise before the
   * acknowledgement that explains it.
   */
  #countForSpace(): void {
    // A queued report counts in its turn; without one, the next turn of the loop is early enough.
    if (!this.#isUnreported || this.#isReportQueued) return;
    if (this.#context.takenReports.turn !== this.#takenTurn) this.countTaken();
  }

  /** Counts all bytes as taken that the stream does not hold any more. */
  countTaken(): void {
    // The bytes of a failed write have left the stream too, and were not taken.
    if (isSocketOver(this.#socket)) return;
    this.#taken = this.#given - this.#socket.writableLength;
    this.#budget(this.outstanding);
  }

  /** The connection is over: its bytes no longer count against the budget, and nothing is reported. */
  end(): void {
    this.#budget(0);
    this.#awaited = 0;
  }

  #budget(outstanding: number): void {
    const before = this.#budgeted;
    this.#budgeted = outstanding;
    if (before > SHARE_BYTES || outstanding > SHARE_BYTES) this.#context.budget.changed(before, outstanding);
  }

  // ---- sending; the caller has looked for space

  enqueue(bytes: Uint8Array, flags: SendFlags): void {
    this.#enqueued ??= new SendBatch(this.#context.slab);
    this.#enqueued.enqueue(bytes, (flags & SendFlag.COPY) !== 0);
    this.#more = (flags & SendFlag.MORE) !== 0;
    this.#budget(this.outstanding);
  }

  flush(): void {
    const more = this.#more;
    this.#release();
    if (more) this.#holdBack();
    else this.#pushInOrder();
    this.#noteQueued();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): void {
    const flushed = this.#release();
    flushed.enqueue(bytes, (flags & SendFlag.COPY) !== 0);
    this.#budget(this.outstanding);
    if ((flags & SendFlag.MORE) !== 0) this.#holdBack();
    else if (isInCallback() && flushed.bytes < GATHER_BYTES) gather(this.#gathered());
    else this.#pushInOrder();
    this.#noteQueued();
  }

  /** Flushes everything, MORE or not: our FIN follows the last byte. */
  flushForFin(): void {
    this.#release();
    this.#pushInOrder();
    // Nothing is enqueued after our FIN, so no space is waited for.
    this.#await(FOR_SPACE, false);
    this.#await(FOR_FIN, true);
    if (this.#isUnreported) this.#reportSoon();
  }

  /** Makes what was enqueued ready to leave. Returns the batch that leaves next. */
  #release(): SendBatch {
    this.#more = false;
    this.#flushed ??= new SendBatch(this.#context.slab);
    if (this.#enqueued !== undefined) this.#flushed.takeFrom(this.#enqueued);
    return this.#flushed;
  }

  /** Bytes of other connections that were gathered earlier leave earlier. */
  #pushInOrder(): void {
    flushGathered();
    this.#push();
  }

  #gathered(): () => void {
    return (this.#pushGathered ??= () => {
      this.#push();
    });
  }

  /** MORE holds the flushed bytes back for what follows, but not longer than the present turn of the loop. */
  #holdBack(): void {
    if (this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.#pushHeldBack ??= () => {
      this.#isHeldBack = false;
      this.#push();
    };
    holdBack(this.#context, this.#pushHeldBack);
  }

  /** Gives the stream what was flushed, unless it still holds earlier bytes. */
  #push(): void {
    const batch = this.#flushed;
    if (batch === undefined || batch.bytes === 0 || this.#inFlight !== undefined) return;
    if (isSocketOver(this.#socket)) return;
    if (!batch.isWhole()) {
      this.#owner.onDetached();
      return;
    }
    this.#given += batch.bytes;
    this.#inFlight = batch.flush(this.#socket);
    if (this.#inFlight === undefined) this.#noteTaken();
    else this.#awaitKernel();
  }

  /** An empty write behind the pieces in flight says when the kernel has taken them. */
  #awaitKernel(): void {
    this.#onWritten ??= (error) => {
      const inFlight = this.#inFlight;
      this.#inFlight = undefined;
      if (error !== null && error !== undefined) return;
      if (inFlight?.some(isDetached) === true) {
        this.#owner.onDetached();
        return;
      }
      this.#noteTaken();
      if (!this.#isHeldBack) this.#push();
    };
    this.#socket.write(NOTHING, this.#onWritten);
  }

  // ---- reports

  setReportsAcks(on: boolean): void {
    this.#await(FOR_ACKS, on);
    if (on && this.#isUnreported) this.#reportSoon();
  }

  setReportsDrained(on: boolean): void {
    this.#reportsDrained = on;
    if (on) this.#noteQueued();
    else this.#await(FOR_DRAIN, false);
  }

  /** @param bytes of space for which one `onSpaceFreed` is wanted; 0: none is. */
  setWantsSpace(bytes: number): void {
    this.#wantedSpace = bytes;
    this.#await(FOR_SPACE, bytes > 0);
    if (bytes > 0) this.#reportSoon();
  }

  #await(what: number, on: boolean): void {
    this.#awaited = on ? this.#awaited | what : this.#awaited & ~what;
  }

  #isAwaited(what: number): boolean {
    return (this.#awaited & what) !== 0;
  }

  /** Awaits `onDrained` if a method left flushed bytes behind. */
  #noteQueued(): void {
    if (this.#reportsDrained && this.queued() > 0) this.#await(FOR_DRAIN, true);
  }

  #noteTaken(): void {
    this.#isUnreported = true;
    if (this.#awaited !== 0) this.#reportSoon();
    else this.#takenTurn = this.#context.takenReports.endTurn();
  }

  #reportSoon(): void {
    this.#context.takenReports.hurry();
    if (this.#isReportQueued) return;
    this.#isReportQueued = true;
    this.#context.takenReports.add(this);
  }

  onReportTurn(): void {
    this.#isReportQueued = false;
    this.reportBeforeEvent();
    if (this.#isAwaited(FOR_SPACE)) this.#reportSpace();
    if (this.#isAwaited(FOR_DRAIN)) this.#reportDrained();
  }

  /** Reports what the kernel has taken before another event of the connection comes. */
  reportBeforeEvent(): void {
    if (this.#isUnreported) this.#reportTaken();
  }

  #reportTaken(): void {
    this.#isUnreported = false;
    this.countTaken();
    this.#owner.onTaken();
    const bytes = this.#taken - this.#reported;
    this.#reported = this.#taken;
    if (bytes > 0) this.#owner.onAcked(bytes);
  }

  /**
   * If nothing is outstanding, the budget alone keeps the space below the wish. It is reported then as
   * well, because no further event of this connection would bring the report.
   */
  #reportSpace(): void {
    runTicks();
    if (!this.#isAwaited(FOR_SPACE)) return;
    if (this.space() < this.#wantedSpace && this.outstanding > 0) return;
    this.#await(FOR_SPACE, false);
    this.#owner.onSpaceFreed();
  }

  #reportDrained(): void {
    runTicks();
    if (!this.#isAwaited(FOR_DRAIN) || this.queued() > 0) return;
    this.#await(FOR_DRAIN, false);
    this.#owner.onDrained();
  }
}
