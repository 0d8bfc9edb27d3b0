/**
 * The stream of one life of a client: bytes that wait for a read, the read that waits for bytes, and the
 * writes that wait for space (`write-queue.ts`). All functions of `asynctcp/streams` share it.
 *
 * The receive window opens by whole pieces. A piece that comes while a read waits is consumed at once. A
 * piece that comes while none waits is held, unconsumed, and stops the delivery, until a read takes its first
 * byte. So the stream holds the rest of one piece and one piece more, at most; further bytes wait in the
 * stack, within the window. A read that waits for more bytes than a piece has holds those as well, up to its
 * limit.
 *
 * Call order: `streamOf` → (`read` | `writes`)*, and the events of `ClientStream`.
 */
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { coreOf, AsyncClient } from '../asynctcp/async-client.js';
import { show } from '../asynctcp/check.js';
import type { ClientCore } from '../asynctcp/client-core.js';
import type { ClientStream } from '../asynctcp/client-stream.js';
import { abortedBy } from '../asynctcp/flush-waiters.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import type { Session } from '../asynctcp/session.js';
import { TcpError, tcpError } from '../asynctcp/tcp-error.js';
import { ReceivedBytes } from './received-bytes.js';
import { Wait } from './wait.js';
import { WriteQueue } from './write-queue.js';

/** One kind of read. */
export interface Reading<T, End> {
  /** Completes the sentence 'it failed to …' in errors. */
  readonly action: string;
  /**
   * Takes the result, if enough bytes are there; otherwise takes nothing and returns `undefined`.
   * @throws TcpError if the bytes are not those that the read may give.
   */
  take(input: ReceivedBytes): T | undefined;
  /**
   * Returns the result of a read that meets the peer's FIN.
   * @throws TcpError if the FIN comes too early.
   */
  atEnd(input: ReceivedBytes): End;
}

/** A connection that a stream leaves to the next one. */
export interface Remainder {
  readonly session: Session<AsyncClient>;
  /** Bytes that have come and were not read. */
  readonly rest: ReceivedBytes;
  /** Bytes at the end of `rest` that are not consumed. */
  readonly held: number;
  /** True if the peer's FIN has come. */
  readonly hasEnded: boolean;
}

export class ByteStream implements ClientStream {
  readonly client: AsyncClient;
  readonly writes: WriteQueue;
  readonly #core: ClientCore<AsyncClient>;
  readonly #session: Session<AsyncClient>;
  readonly #input = new ReceivedBytes();
  /** Bytes at the end of `#input` that are not consumed. */
  #held = 0;
  #waiting: PendingRead | undefined;
  #isReading = false;
  /** True if arriving bytes are dropped. */
  #isCancelled = false;
  #hasEnded = false;
  /** Set when the life is over. */
  #over: { readonly fault: Fault | undefined } | undefined;

  constructor(core: ClientCore<AsyncClient>, session: Session<AsyncClient>) {
    this.client = core.client;
    this.#core = core;
    this.#session = session;
    this.writes = new WriteQueue(this.client, session);
  }

  /** True when the life is over and nothing is left to read. */
  get isDone(): boolean {
    return this.#over !== undefined && this.#input.length === 0;
  }

  /** True if the peer's FIN has come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  // ---- reading

  /** Takes the data from now on. Without effect a second time. */
  beginReading(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    if (this.#over === undefined) this.#session.attach(this);
  }

  /** Reads: at once if the bytes are there, else when they have come. */
  read<T, End>(reading: Reading<T, End>, signal?: AbortSignal): Promise<T | End> {
    this.beginReading();
    try {
      if (signal?.aborted === true) throw tcpError(reading.action, abortedBy(signal));
      if (this.#waiting !== undefined) throw readTwice(reading.action);
      const value = this.#take(reading);
      if (value !== undefined) return Promise.resolve(value);
      if (this.#isFinished) return Promise.resolve(this.#end(reading));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return this.#wait(reading, signal);
  }

  #wait<T, End>(reading: Reading<T, End>, signal: AbortSignal | undefined): Promise<T | End> {
    const wait = new Wait<T | End>(signal, () => {
      if (signal !== undefined) this.stopWaiting(tcpError(reading.action, abortedBy(signal)));
    });
    this.#waiting = {
      look: () => {
        try {
          const value = this.#take(reading);
          if (value !== undefined) this.#settle(wait, value);
          else if (this.#isFinished) this.#settle(wait, this.#end(reading));
        } catch (error) {
          this.stopWaiting(error);
        }
      },
      reject: (error) => {
        wait.reject(error);
      },
    };
    this.#consume();
    return wait.promise;
  }

  #settle<T>(wait: Wait<T>, value: T): void {
    this.#waiting = undefined;
    wait.resolve(value);
  }

  /** Has the read that waits, if there is one, look for its end. */
  look(): void {
    this.#waiting?.look();
  }

  /** Ends the read that waits, if there is one. The bytes that it waited with stay. */
  stopWaiting(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  #take<T>(reading: Reading<T, unknown>): T | undefined {
    const value = reading.take(this.#input);
    this.#afterTaking();
    return value;
  }

  #afterTaking(): void {
    if (this.#held > this.#input.length) this.#consume();
  }

  /** Takes what is left of the first piece that has come; `undefined` if nothing has. */
  takePiece(): Uint8Array | undefined {
    const piece = this.#input.takePiece();
    this.#afterTaking();
    return piece;
  }

  /** Takes bytes that have come, up to the length of `target`. Returns how many. */
  takeInto(target: Uint8Array): number {
    const bytes = this.#input.takeInto(target);
    this.#afterTaking();
    return bytes;
  }

  /** True if no further bytes come. */
  get #isFinished(): boolean {
    return this.#hasEnded || this.#over !== undefined;
  }

  /**
   * Returns the result of a read for which no further bytes come. The client closes now if that read has met
   * the peer's FIN.
   */
  #end<End>(reading: Reading<unknown, End>): End {
    if (!this.#hasEnded) throw tcpError(reading.action, this.#overFault);
    this.#closeAtEnd();
    return reading.atEnd(this.#input);
  }

  /** Closes the client behind the writes that wait: the peer's FIN was read, or no read follows. */
  #closeAtEnd(): void {
    if (this.#over === undefined && !this.#core.allowHalfOpen) this.writes.closeWhenEmpty('ended');
  }

  get #overFault(): Fault {
    return this.#over?.fault ?? { code: ErrorCode.ERR_CLSD };
  }

  /** Opens the window by all bytes, and lets further ones come. */
  #consume(): void {
    const held = this.#held;
    if (held === 0 || this.#over !== undefined) return;
    this.#held = 0;
    this.#session.consumed(held);
    this.#session.setStopped(false);
  }

  /** Drops the bytes that wait, and all that arrive from now on. */
  cancel(error: unknown): void {
    this.#isCancelled = true;
    this.stopWaiting(error);
    this.#input.skip(this.#input.length);
    this.#consume();
    if (this.#hasEnded) this.#closeAtEnd();
  }

  // ---- the end

  /** True if a read or a write waits. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined || this.writes.isWaiting;
  }

  /** Fault of the end, `ERR_CLSD` without one; `undefined` while the life goes on. */
  get overFault(): Fault | undefined {
    return this.#over === undefined ? undefined : this.#overFault;
  }

  /**
   * Leaves the connection, whose life goes on, to another stream: it takes all events from now on. No read
   * and no write may wait. This stream counts as over.
   */
  handOver(to: ClientStream): Remainder {
    assert(this.#over === undefined && !this.isWaiting, 'a stream is handed over at rest');
    const session = this.#session;
    const remainder = { session, rest: this.#input, held: this.#held, hasEnded: this.#hasEnded };
    this.#over = { fault: undefined };
    this.writes.end(this.#overFault);
    session.replaceStream(to);
    return remainder;
  }

  abort(): void {
    this.#session.abort();
  }

  close(): void {
    this.#session.close('closed');
  }

  /** Resolves when the life is over, with its fault, if there is one. */
  over(): Promise<Fault | undefined> {
    return this.#over === undefined ? this.#session.over() : Promise.resolve(this.#over.fault);
  }

  // ---- events

  onConnected(): void {
    this.writes.pump();
  }

  onData(bytes: Uint8Array): void {
    if (this.#isCancelled) {
      this.#session.consumed(bytes.length);
      return;
    }
    this.#input.push(bytes);
    if (this.#waiting === undefined) {
      this.#held += bytes.length;
      this.#session.setStopped(true);
    } else {
      this.#session.consumed(bytes.length);
      this.#waiting.look();
    }
  }

  onSpace(): void {
    this.writes.pump();
  }

  onDrained(): void {
    // Never asked for.
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (this.#isCancelled) this.#closeAtEnd();
    this.#waiting?.look();
  }

  onOver(_reason: DisconnectReason, fault: Fault | undefined): void {
    this.#over = { fault };
    this.#waiting?.look();
    this.writes.end(this.#overFault);
  }
}

/** A read that waits for bytes. */
interface PendingRead {
  /** Settles the read if its bytes have come, or if no further ones come. */
  look(): void;
  reject(error: unknown): void;
}

function readTwice(action: string): TcpError {
  return new TcpError(ErrorCode.ERR_INPROGRESS, action, new Error('another read of this client waits'));
}

/** The stream of the last life of each client that has had one. */
const streams = new WeakMap<AsyncClient, ByteStream>();

/**
 * Returns the stream of a client's present life or, if there is none, of the last one.
 * @throws TypeError for anything but an AsyncClient, and for one that a socket of `asynctcp/net` or a pipe
 *   has.
 */
export function streamOf(client: AsyncClient): ByteStream | undefined {
  if (!(client instanceof AsyncClient)) {
    throw new TypeError(`client must be an AsyncClient, not ${show(client)}`);
  }
  const core = coreOf(client);
  const { session } = core;
  if (session === undefined) return streams.get(client);
  const { stream } = session;
  if (stream instanceof ByteStream) return stream;
  if (stream !== undefined) {
    throw new TypeError('client must be your own, not the one of a socket or of a pipe');
  }
  const made = new ByteStream(core, session);
  session.join(made);
  streams.set(client, made);
  return made;
}
