/**
 * The sending half of a connection. Bytes go: `enqueue` → the queue → `flush` → the kernel → acknowledged by
 * the peer. `enqueueAndFlush` leaves the queue out if it is empty. The base class `SendShare` counts the
 * bytes from the first step to the last. Both are one object, because a second object would cost every idle
 * connection its memory.
 */
import type { Fault, SendFlags } from '../../port/tcp-stack.js';
import { SendFlag } from '../../port/tcp-stack.js';
import { holdBack, flushGathered } from '../../support/callback-scope.js';
import type { CopySlab } from '../system/copy-slab.js';
import type { SendBudget } from '../system/send-budget.js';
import { SendQueue } from './send-queue.js';
import { SendReports } from './send-reports.js';
import { SendShare } from './send-share.js';
import type { SocketLoop } from './socket-loop.js';
import { isStarvation } from './system-error.js';

/** State that all outboxes of a stack share. */
export interface SendingContext {
  readonly loop: SocketLoop;
  readonly slab: CopySlab;
  readonly budget: SendBudget;
  readonly limits: { readonly sendBufferBytes: number };
  post(job: () => void): void;
}

/** The connection that owns the outbox. */
export interface OutboxOwner {
  /** Returns true until our FIN is asked for. */
  canSend(): boolean;
  /** Returns true if the connection is over, reported or not. */
  isOver(): boolean;
  /** The kernel had no memory: the owner calls `unblock` and `push` a moment later. */
  retryLater(): void;
  /** Ends the connection after the running method: the kernel refuses to send. */
  refusedSoon(refusal: number): void;
  failSoon(fault: Fault): void;
  /** Has `due` called in `ms`, unless it is to be called anyway. */
  awaitCheck(ms: number): void;
  /** Has `due` called in `ms`, or earlier. */
  checkIn(ms: number): void;
  /** Called when bytes were acknowledged, reported or not. */
  onProgress(): void;
  /** Called when all acknowledged bytes are reported. */
  onReported(): void;
  onAcked(bytes: number): void;
  onSpaceFreed(): void;
  onDrained(): void;
}

export class Outbox extends SendShare {
  readonly #context: SendingContext;
  readonly #slot: number;
  readonly #owner: OutboxOwner;
  /** Bytes that wait to be sent, if there are any. */
  #queue: SendQueue | undefined;
  #reports: SendReports | undefined;
  #gathersInTurn = false;

  constructor(context: SendingContext, slot: number, owner: OutboxOwner) {
    super(context.budget, context.limits.sendBufferBytes);
    this.#context = context;
    this.#slot = slot;
    this.#owner = owner;
  }

  // ---- sending

  sendSpace(): number {
    if (!this.#owner.canSend()) return 0;
    if (this.#reports?.acks !== true) this.countAcked();
    return this.space();
  }

  /**
   * Returns how many of `bytes` there is space for. The kernel and the budget are asked only beyond the share
   * that every connection may have.
   */
  fitting(bytes: number): number {
    if (!this.#owner.canSend()) return 0;
    if (this.hasRoomFor(bytes)) return bytes;
    if (this.#reports?.acks !== true) {
      this.countAcked();
      this.adjustCredit();
    }
    return Math.min(bytes, this.space());
  }

  /** Returns the bytes that were flushed and that the kernel has not taken. */
  queued(): number {
    return this.#queue?.flushed ?? 0;
  }

  /** True if nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#queue === undefined;
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const length = this.fitting(bytes.length);
    if (length === 0) return 0;
    // Bytes of other connections that were gathered earlier leave earlier.
    flushGathered();
    this.enqueued(length);
    const piece = length === bytes.length ? bytes : bytes.subarray(0, length);
    this.#needQueue().enqueue(piece, flags);
    return length;
  }

  flush(): void {
    flushGathered();
    if (this.#queue === undefined || this.#owner.isOver()) return;
    if (this.#queue.expectsMore) this.#holdBack(this.#queue);
    else this.flushAll();
  }

  /** Sends all bytes that were enqueued, also those that wait for more. */
  flushAll(): void {
    this.#queue?.release();
    this.push();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    const { loop } = this.#context;
    const isGathered = loop.makeRoomFor(bytes.length, this.#gathersInTurn);
    if ((flags & SendFlag.MORE) !== 0 || this.#queue !== undefined) {
      const taken = this.enqueue(bytes, flags);
      if (taken > 0) this.flush();
      return taken;
    }
    const length = this.fitting(bytes.length);
    if (length === 0) return 0;
    this.enqueued(length);
    if (isGathered) loop.enqueue(this.#slot, bytes, length);
    else this.#sendAtOnce(length === bytes.length ? bytes : bytes.subarray(0, length), flags);
    if (this.#reports !== undefined) this.#awaitAcks(this.#reports);
    return length;
  }

  /** Sends pieces with as few calls of the kernel as possible, and copies what it does not take. */
  enqueueAllAndFlush(pieces: readonly Uint8Array[]): number {
    let taken = 0;
    for (const piece of pieces) {
      const length = this.enqueue(piece, 0);
      taken += length;
      if (length < piece.length) break;
    }
    if (taken > 0) this.flush();
    this.#queue?.copyLast(taken);
    return taken;
  }

  /** Lets small pieces wait until the events of the present turn were dispatched. */
  gatherInTurn(): void {
    this.#gathersInTurn = true;
  }

  #sendAtOnce(bytes: Uint8Array, flags: SendFlags): void {
    flushGathered();
    const isBehind = this.#queue !== undefined || this.#owner.isOver();
    const result = isBehind ? 0 : this.#context.loop.native.send(this.#slot, bytes);
    if (result === bytes.length) return;
    this.keepRest(result > 0 ? bytes.subarray(result) : bytes, flags, Math.min(0, result));
  }

  /** Enqueues bytes that the kernel did not take. */
  keepRest(rest: Uint8Array, flags: SendFlags, refusal: number): void {
    this.#needQueue().keep(rest, flags);
    if (this.#reports !== undefined) this.#reports.isBlocked = true;
    if (refusal < 0) this.#sendingRefused(refusal);
  }

  #needQueue(): SendQueue {
    return (this.#queue ??= new SendQueue(this.#context.slab));
  }

  #sendingRefused(refusal: number): void {
    if (isStarvation(refusal)) this.#owner.retryLater();
    else this.#owner.refusedSoon(refusal);
  }

  /** Holds bytes back that were enqueued with MORE, until the present turn is over at the latest. */
  #holdBack(queue: SendQueue): void {
    if (this.#reports !== undefined) this.#reports.isBlocked = true;
    if (!queue.hold()) return;
    holdBack(this.#context, () => {
      queue.releaseHeld();
      if (!this.#owner.isOver()) this.push();
    });
  }

  /** Notes that the kernel may take bytes again. */
  unblock(): void {
    this.#queue?.unblock();
  }

  /** Gives the kernel the bytes that may leave, until it takes no more. */
  push(): void {
    const { native } = this.#context.loop;
    if (this.#queue !== undefined) {
      const refusal = this.#queue.flush(native, this.#slot);
      if (this.#queue.bytes === 0) this.#queue = undefined;
      if (refusal < 0) this.#sendingRefused(refusal);
    }
    const reports = this.#reports;
    if (reports === undefined) return;
    if (this.outstanding > 0) this.#awaitAcks(reports);
    if (this.#queue?.isBlocked === true) reports.isBlocked = true;
    else if (reports.isBlocked) this.#drained(reports);
  }

  override end(): void {
    super.end();
    this.#queue = undefined;
  }

  // ---- reports

  setReportsAcks(on: boolean): void {
    const reports = on ? this.#needReports() : this.#reports;
    if (reports === undefined || reports.acks === on) return;
    const watched = reports.watchesAcks;
    reports.acks = on;
    this.#watchAcks(reports, watched);
    if (!on || this.outstanding + this.#unreported(reports) === 0) return;
    this.#awaitAcks(reports);
    this.checkSoon();
  }

  setReportsDrained(on: boolean): void {
    const reports = this.#needReports();
    reports.drained = on;
    reports.isBlocked = this.queued() > 0;
  }

  setWantsSpace(bytes: number): void {
    const reports = this.#needReports();
    const watched = reports.watchesAcks;
    reports.wantedBytes = bytes;
    this.#watchAcks(reports, watched);
    if (bytes === 0) return;
    reports.speedUp();
    this.#owner.checkIn(reports.checkMs);
    this.checkSoon();
  }

  #needReports(): SendReports {
    return (this.#reports ??= new SendReports());
  }

  #drained(reports: SendReports): void {
    reports.isBlocked = false;
    if (!reports.drained) return;
    this.#context.post(() => {
      if (!reports.drained || this.#owner.isOver()) return;
      // Bytes were held back meanwhile: the event follows them.
      if (this.queued() > 0) reports.isBlocked = true;
      else this.#owner.onDrained();
    });
  }

  /**
   * Switches timestamps of acknowledgements, which cost time: they are on only while acknowledgements are
   * watched.
   */
  #watchAcks({ watchesAcks }: SendReports, watched: boolean): void {
    // If the kernel refuses, acknowledgements are only noticed later, by the checks.
    if (watchesAcks !== watched) this.#context.loop.native.reportAcks(this.#slot, watchesAcks ? 1 : 0);
  }

  #awaitAcks({ watchesAcks, checkMs }: SendReports): void {
    if (watchesAcks) this.#owner.awaitCheck(checkMs);
  }

  // ---- acknowledgements

  /** Asks the kernel which bytes the peer has acknowledged. */
  countAcked(): void {
    if (this.outstanding === 0) return;
    this.#wereAcked(Math.max(0, this.#context.loop.native.acked(this.#slot)));
  }

  /**
   * Counts as `countAcked` does, from inside a method: acknowledgements are reported when the method has
   * returned.
   */
  askForAcks(): void {
    this.countAcked();
    const reports = this.#reports;
    if (reports?.acks !== true || this.#unreported(reports) === 0) return;
    this.#context.post(() => {
      if (!this.#owner.isOver()) this.report();
    });
  }

  #wereAcked(bytes: number): void {
    if (bytes === 0) return;
    this.acknowledged(bytes);
    this.#checkSooner();
    this.#owner.onProgress();
  }

  /** After progress the bytes still in flight are asked for as often as at the beginning. */
  #checkSooner(): void {
    const reports = this.#reports;
    if (reports?.speedUp() === true && this.outstanding > 0) this.#owner.checkIn(reports.checkMs);
  }

  checkSoon(): void {
    this.#context.post(() => {
      if (!this.#owner.isOver()) this.check();
    });
  }

  /** Asks the kernel for acknowledgements, and reports them. */
  check(): void {
    this.countAcked();
    this.report();
    this.#owner.onReported();
  }

  /** Counts and reports bytes whose acknowledgement the kernel has reported. */
  onSocketAcked(bytes: number): void {
    this.#wereAcked(bytes);
    this.report();
    this.#owner.onReported();
  }

  /** Reports acknowledgements and space that the receiver wants to know. */
  report(): void {
    const reports = this.#reports;
    if (reports === undefined) return;
    const bytes = this.#unreported(reports);
    // An event may have been polled while acknowledgements were still wanted.
    if (reports.acks && bytes > 0) {
      reports.reportedBytes += bytes;
      this.#owner.onAcked(bytes);
    }
    if (reports.wantedBytes > 0 && this.#hasSpace(reports.wantedBytes)) {
      this.setWantsSpace(0);
      this.#owner.onSpaceFreed();
    }
  }

  #unreported({ reportedBytes }: SendReports): number {
    return this.acked - reportedBytes;
  }

  /** Returns true if `bytes` fit, or if nothing is outstanding and no acknowledgement can free more. */
  #hasSpace(bytes: number): boolean {
    return this.sendSpace() >= bytes || (this.#owner.canSend() && this.outstanding === 0);
  }

  /** Asks for the event that our FIN, and so every byte, is acknowledged. */
  awaitFinAck(): void {
    // If the kernel refuses, the next check notices it.
    this.#context.loop.native.awaitFinAck(this.#slot);
    this.#owner.awaitCheck(this.#needReports().checkMs);
  }

  /**
   * Checks for acknowledgements: the time of a check has come.
   * @param isAwaited true if the connection closes: acknowledgements are awaited although the receiver does
   *   not watch them.
   */
  due(isAwaited: boolean): void {
    const reports = this.#reports;
    if (reports === undefined || this.outstanding === 0) return;
    if (!isAwaited && !reports.watchesAcks) return;
    reports.slowDown();
    this.check();
    if (!this.#owner.isOver() && this.outstanding > 0) this.#owner.awaitCheck(reports.checkMs);
  }
}
