/**
 * The writing half of a `TcpHandle`. It goes past the native requests, which differ between versions of Node:
 * `socket-methods.ts` calls `write`.
 */
import { SendFlag } from '../port/tcp-stack.js';
import { TcpState } from '../port/tcp-state.js';
import { CallbackKind } from '../task/callback-kind.js';
import { ConnectionHandle } from './connection-handle.js';
import { errnoNamed, errnoOf, nodeError } from './node-errors.js';
import type { WriteDone } from './node-parts.js';
import { parts } from './parts.js';
import { PendingWrite, restOf } from './pending-write.js';

const EBADF = errnoNamed('EBADF');
const EPIPE = errnoNamed('EPIPE');

/** Space for which a waiting write waits, in bytes, unless less of it is left. */
const WANTED_BYTES = 16_384;

export abstract class WritingHandle extends ConnectionHandle {
  protected pending: PendingWrite | undefined;
  #isShuttingDown = false;

  protected override isBusy(): boolean {
    return this.pending !== undefined || this.#isShuttingDown;
  }

  /** True while a write waits for space or for the system. */
  get isWaiting(): boolean {
    return this.pending !== undefined;
  }

  /** Bytes that the system has not taken. */
  get writeQueueSize(): number {
    return (this.pending?.bytes ?? 0) + (this.session?.queued() ?? 0);
  }

  /**
   * Sends bytes. Returns true if the system has taken them all; else the caller calls `await`, or writes
   * more, and leaves the bytes unchanged until then.
   * @param isScratch true if the caller uses the memory again when this returns.
   */
  write(bytes: Uint8Array, isScratch: boolean): boolean {
    const { session } = this;
    this.bytesWritten += bytes.length;
    const taken = this.#mustWait() ? 0 : (session?.write(bytes, SendFlag.COPY, false) ?? 0);
    if (taken === bytes.length) return session?.queued() === 0;
    this.#keep(bytes.subarray(taken), isScratch);
    return false;
  }

  /** As `write`, of several pieces, which leave together; those in the memory `scratch` are used again. */
  writeAll(pieces: readonly Uint8Array[], scratch: ArrayBufferLike): boolean {
    const { session } = this;
    let bytes = 0;
    for (const { length } of pieces) bytes += length;
    this.bytesWritten += bytes;
    const taken = this.#mustWait() ? 0 : (session?.writeAll(pieces) ?? 0);
    if (taken === bytes) return session?.queued() === 0;
    for (const rest of restOf(pieces, taken)) this.#keep(rest, rest.buffer === scratch);
    return false;
  }

  /** Returns true if the session takes no bytes now: others wait before them, or the connection is over. */
  #mustWait(): boolean {
    return this.pending !== undefined || this.isOver;
  }

  #keep(rest: Uint8Array, isScratch: boolean): void {
    this.pending ??= new PendingWrite();
    // `slice` would not copy: the memory is that of a Buffer.
    this.pending.add(isScratch ? new Uint8Array(rest) : rest);
  }

  /** Calls `done` when the system has taken all bytes, or has failed to. */
  await(done: WriteDone): void {
    const pending = (this.pending ??= new PendingWrite());
    pending.done = done;
    this.adjustActivity();
    if (this.isOver || this.#isStuck(pending)) this.runSoon(() => this.failPending());
    else this.#awaitProgress(pending);
  }

  /** Returns true if bytes wait that are never taken: the program has shut the client down. */
  #isStuck(pending: PendingWrite): boolean {
    const { session } = this;
    if (pending.bytes === 0 || session === undefined) return false;
    // The fault of a connection that is over is on its way, and says more.
    return session.state() !== TcpState.CLOSED && !session.canSend();
  }

  /** Ends a write with the error of a connection that is over, at once. */
  failWrite(done: WriteDone): void {
    const pending = (this.pending ??= new PendingWrite());
    pending.done = done;
    this.failPending();
  }

  #awaitProgress(pending: PendingWrite): void {
    if (pending.bytes > 0) this.session?.setWantsSpace(Math.min(pending.bytes, WANTED_BYTES));
    else this.session?.setReportsDrained(true);
  }

  onSpace(): void {
    if (this.pending !== undefined) this.runNow(CallbackKind.ACK, this.#writeOn, undefined);
  }

  onDrained(): void {
    this.session?.setReportsDrained(false);
    this.runNow(CallbackKind.ACK, this.#writeOn, undefined);
  }

  #writeOn(): void {
    const pending = this.pending;
    const { session } = this;
    if (pending === undefined || session === undefined) return;
    // A write that makes progress is no idle socket.
    this.socket?._unrefTimer();
    pending.writeTo(session);
    if (pending.done === undefined) return;
    if (this.#isStuck(pending)) this.failPending();
    else if (pending.bytes > 0 || session.queued() > 0) this.#awaitProgress(pending);
    else this.#written(pending.done, null);
  }

  #written(done: WriteDone, error: Error | null): void {
    this.pending = undefined;
    this.adjustActivity();
    if (this.socket !== undefined) Reflect.set(this.socket, parts.lastWriteQueueSize, 0);
    done(error);
  }

  /** Ends the waiting write, if there is one: the connection is over. */
  protected failPending(): void {
    const done = this.pending?.done;
    if (done === undefined) return;
    const errno = this.isClosed ? EBADF : this.fault === undefined ? EPIPE : errnoOf(this.fault);
    this.#written(done, nodeError(errno, 'write'));
  }

  protected get isShuttingDown(): boolean {
    return this.#isShuttingDown;
  }

  /** Sends FIN, and calls `done` in a later turn. */
  shutdownSoon(done: () => void): void {
    this.session?.shutdown();
    this.#isShuttingDown = true;
    this.adjustActivity();
    this.runSoon(() => {
      this.#isShuttingDown = false;
      this.adjustActivity();
      done();
    });
  }

  /** For callers other than net.js's own `_final`, which `socket-methods.ts` replaces. */
  shutdown(request: { oncomplete?: (status: number) => void }): number {
    this.shutdownSoon(() => request.oncomplete?.(0));
    return 0;
  }
}
