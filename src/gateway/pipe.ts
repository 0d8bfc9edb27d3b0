/**
 * Joins two clients both ways. A piece that one of them has received goes to the other within the same event;
 * the bytes that the other has no space for wait, at most one piece in each direction, and stop the delivery.
 * So the memory is bounded by the windows and the send buffers, and no piece costs a promise.
 *
 * Each direction belongs to the end that it comes from: `onData` → `onSpace` of the other end, until nothing
 * waits → … → `onEnd` → FIN to the other end. An end whose life is over by both FINs leaves the other one to
 * finish; any other end takes the other one with it.
 */
import type { AsyncClient } from '../asynctcp/async-client.js';
import { checkOptions, checkSignal } from '../asynctcp/check.js';
import type { ClientStream } from '../asynctcp/client-stream.js';
import { abortedBy } from '../asynctcp/flush-waiters.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import type { Session } from '../asynctcp/session.js';
import { TcpError, tcpError } from '../asynctcp/tcp-error.js';
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';
import { TcpState } from '../port/tcp-state.js';
import { assert } from '../support/assert.js';
import { streamOf, type ByteStream } from '../streams/byte-stream.js';
import { Wait } from '../streams/wait.js';
import { COPY, WANTED_BYTES } from '../streams/write-queue.js';

const ACTION = 'pipe';

/** Options of `pipe`. */
export interface PipeOptions {
  /** Resets both clients. */
  signal?: AbortSignal | undefined;
}

/** Bytes that a pipe has carried, and its end. */
export interface PipeResult {
  /** Bytes of the first client that the second one took to send. */
  readonly aToB: number;
  /** Bytes of the second client that the first one took to send. */
  readonly bToA: number;
  /**
   * Kind of the end:
   * - `ended`: both peers ended their side, and all was carried.
   * - `closed`: the program closed a client, or its server did.
   * - `reset`: a client was reset, failed or timed out, or its attempt to connect failed.
   * - `aborted`: by the signal.
   */
  readonly end: 'ended' | 'closed' | 'reset' | 'aborted';
  /** The client that ended first; `undefined` with `ended` and `aborted`. */
  readonly by: 'a' | 'b' | undefined;
  /** The error behind `reset` and `aborted`. */
  readonly error: TcpError | undefined;
}

type Verdict = Pick<PipeResult, 'end' | 'by' | 'error'>;

/** One of the two clients: takes its data to the other one. */
class PipeEnd implements ClientStream {
  readonly takesViews = true;
  readonly #pipe: Pipe;
  readonly #side: 'a' | 'b';
  #session: Session<AsyncClient> | undefined;
  /** Itself until `join`. */
  #other: PipeEnd = this;
  /** Bytes that the other end has not taken yet. */
  #rest: Uint8Array | undefined;
  /** Bytes that were delivered and not consumed. */
  #held = 0;
  /** Bytes that the other end took. */
  carried = 0;
  #hasEnded = false;
  #isOver = false;
  /** True if the other end is closed once nothing waits. */
  #closesOther = false;

  constructor(pipe: Pipe, side: 'a' | 'b') {
    this.#pipe = pipe;
    this.#side = side;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** True if all that this end's peer sent, up to its FIN, is carried. */
  get isCarried(): boolean {
    return this.#hasEnded && this.#rest === undefined;
  }

  join(other: PipeEnd): void {
    this.#other = other;
  }

  /** Takes the client over from the stream that it has, and what that one has not read. */
  take(stream: ByteStream | undefined): void {
    assert(stream !== undefined, 'the client has a connection');
    const { session, rest, held, hasEnded } = stream.handOver(this);
    this.#session = session;
    this.#held = held;
    this.#hasEnded = hasEnded || session.state() === TcpState.CLOSE_WAIT;
    if (rest.length > 0) this.#rest = rest.take(rest.length);
  }

  /** Begins to carry: both ends are joined. */
  begin(): void {
    this.#session?.setStopped(this.#rest !== undefined);
    this.#pump();
  }

  abort(): void {
    this.#session?.abort();
  }

  // ---- from this end to the other

  onData(bytes: Uint8Array): void {
    const taken = this.#other.#write(bytes);
    this.carried += taken;
    if (taken > 0) this.#session?.consumed(taken);
    if (taken === bytes.length) return;
    this.#rest = bytes.slice(taken);
    this.#held = this.#rest.length;
    this.#session?.setStopped(true);
    this.#other.#askForSpace(this.#held);
  }

  onEnd(): void {
    this.#hasEnded = true;
    this.#pump();
  }

  /** Hands what waits to the other end, as far as there is space, and then the FIN. */
  #pump(): void {
    if (this.#rest !== undefined && !this.#pumpRest(this.#rest)) return;
    if (this.#hasEnded) this.#other.#session?.shutdown();
    if (this.#closesOther) this.#other.#session?.close('closed');
  }

  /** Returns true if nothing waits any more. */
  #pumpRest(rest: Uint8Array): boolean {
    const taken = this.#other.#write(rest);
    this.carried += taken;
    // Bytes at the beginning may be consumed already.
    const left = rest.length - taken;
    const consumed = Math.max(0, this.#held - left);
    this.#held -= consumed;
    if (consumed > 0) this.#session?.consumed(consumed);
    this.#rest = left === 0 ? undefined : rest.subarray(taken);
    if (left > 0) this.#other.#askForSpace(left);
    else this.#session?.setStopped(false);
    return left === 0;
  }

  // ---- to this end

  #write(bytes: Uint8Array): number {
    return this.#session?.write(bytes, COPY, false) ?? 0;
  }

  #askForSpace(bytes: number): void {
    const session = this.#session;
    if (session?.canSend() !== true) return;
    const most = Math.min(WANTED_BYTES, Math.ceil(session.stack.limits.sendBufferBytes / 2));
    session.setWantsSpace(Math.min(bytes, most));
  }

  onConnected(): void {
    this.#other.#pump();
  }

  onSpace(): void {
    this.#other.#pump();
  }

  onDrained(): void {
    // Never asked for.
  }

  onOver(reason: DisconnectReason, fault: Fault | undefined): void {
    this.#isOver = true;
    if (fault !== undefined || reason === 'rxTimeout') {
      this.fail(fault ?? { code: ErrorCode.ERR_TIMEOUT });
    } else if (reason === 'ended' && this.#hasEnded && this.#other.isCarried) {
      // The other end may have bytes of this one yet.
      this.#pipe.over(undefined);
    } else {
      this.#pipe.over({ end: 'closed', by: this.#side, error: undefined });
      this.#closesOther = true;
      this.#pump();
    }
  }

  /** Ends both, because this end has failed. */
  fail(fault: Fault): void {
    this.#isOver = true;
    this.#pipe.over({ end: 'reset', by: this.#side, error: tcpError(ACTION, fault) });
    this.#other.abort();
  }
}

class Pipe {
  readonly #a = new PipeEnd(this, 'a');
  readonly #b = new PipeEnd(this, 'b');
  readonly #wait: Wait<PipeResult>;
  #verdict: Verdict | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#a.join(this.#b);
    this.#b.join(this.#a);
    this.#wait = new Wait(signal, () => {
      if (signal !== undefined) this.#abort(signal);
    });
  }

  begin(
    a: ByteStream | undefined,
    b: ByteStream | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PipeResult> {
    const faults = [faultOf(a), faultOf(b)] as const;
    if (faults[0] === undefined) this.#a.take(a);
    if (faults[1] === undefined) this.#b.take(b);
    if (faults[0] !== undefined) this.#a.fail(faults[0]);
    if (faults[1] !== undefined) this.#b.fail(faults[1]);
    this.#a.begin();
    this.#b.begin();
    if (signal?.aborted === true) this.#abort(signal);
    return this.#wait.promise;
  }

  #abort(signal: AbortSignal): void {
    this.#verdict ??= { end: 'aborted', by: undefined, error: tcpError(ACTION, abortedBy(signal)) };
    this.#a.abort();
    this.#b.abort();
  }

  /** One end is over. The first verdict that is not the orderly end counts. */
  over(verdict: Verdict | undefined): void {
    this.#verdict ??= verdict;
    if (!this.#a.isOver || !this.#b.isOver) return;
    const { end, by, error } = this.#verdict ?? { end: 'ended', by: undefined, error: undefined };
    this.#wait.resolve({ aToB: this.#a.carried, bToA: this.#b.carried, end, by, error });
  }
}

/** Returns the reason why a client cannot be piped, if it cannot. */
function faultOf(stream: ByteStream | undefined): Fault | undefined {
  return stream === undefined ? { code: ErrorCode.ERR_CONN } : stream.overFault;
}

/**
 * Joins two clients: all that one receives, from now on or not read yet, is sent by the other, with
 * backpressure, and its peer's FIN follows behind. Either client may still be connecting. The handlers of the
 * clients stay the program's; `onData` sees the bytes that go through, and bytes that it withholds hold the
 * pipe up.
 *
 * @returns a promise that resolves when both clients are over, after their `onDisconnect`, and that is never
 *   rejected. A client that has no connection (any more) counts as one that has failed.
 * @throws TypeError for anything but two AsyncClients of the program's own, and for a `signal` that is no
 *   AbortSignal; TcpError `ERR_INPROGRESS` if a read or a write of `asynctcp/streams` waits on one of the
 *   clients.
 */
export function pipe(a: AsyncClient, b: AsyncClient, options: PipeOptions = {}): Promise<PipeResult> {
  checkOptions(options);
  const signal = checkSignal('signal', options.signal);
  const [first, second] = [streamOf(a), streamOf(b)];
  if (a === b) throw new TypeError('a and b must be two clients, not the same one');
  if (first?.isWaiting === true || second?.isWaiting === true) {
    const cause = new Error('a read or a write of a client waits');
    throw new TcpError(ErrorCode.ERR_INPROGRESS, ACTION, cause);
  }
  return new Pipe(signal).begin(first, second, signal);
}
