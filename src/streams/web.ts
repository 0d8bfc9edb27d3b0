/** A client as Web Streams (WHATWG Streams). */
import type { AsyncClient } from '../asynctcp/async-client.js';
import { harmless } from '../asynctcp/flush-waiters.js';
import { tcpError, TcpError } from '../asynctcp/tcp-error.js';
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';
import { streamOf, type ByteStream, type Reading } from './byte-stream.js';
import { checkData } from './options.js';
import { COPY } from './write-queue.js';

/** The two directions of a client, and its end. */
export interface WebStreams {
  /**
   * A byte stream of the received data, which a BYOB reader can read. It buffers nothing: the receive window
   * opens as pieces are read. It closes with the peer's FIN. `cancel()` drops all data to come;
   * `cancel(reason)` resets the connection.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Takes bytes and strings. `ready` waits while there is no space. `close()` sends FIN, `abort()` resets the
   * connection, and so does a chunk of another type.
   */
  readonly writable: WritableStream<string | Uint8Array>;
  /**
   * Resolves when the connection is over. Rejects with the TcpError of `onError` after a fault; to ignore
   * the rejection does no harm.
   */
  readonly closed: Promise<void>;
}

const ACTION = 'read';

/** A controller with the signal of WHATWG Streams, which the types of Node leave out. */
interface WithSignal extends WritableStreamDefaultController {
  readonly signal: AbortSignal;
}

/** Waits until something can be taken. */
const READY: Reading<true, false> = {
  action: ACTION,
  take: (input) => (input.length > 0 ? true : undefined),
  atEnd: () => false,
};

/** Streams that were made for a life of a client. */
const made = new WeakMap<ByteStream, WebStreams>();

/**
 * Returns Web Streams over a client's present connection; in one life always the same. `readable` shares the
 * client's one stream with `read` and the others: it may begin where they stopped.
 *
 * Without `setAllowHalfOpen(true)` the peer's FIN, once it is read, closes the client behind its waiting
 * writes.
 * @throws TypeError for anything but an AsyncClient, TcpError `ERR_CONN` for one that was never connected.
 */
export function toWeb(client: AsyncClient): WebStreams {
  const stream = streamOf(client);
  if (stream === undefined) throw new TcpError(ErrorCode.ERR_CONN, 'make Web Streams');
  let streams = made.get(stream);
  if (streams === undefined) {
    stream.beginReading();
    streams = new WebEnd(stream).streams;
    made.set(stream, streams);
  }
  return streams;
}

class WebEnd {
  readonly streams: WebStreams;
  readonly #stream: ByteStream;
  #reading: ReadableByteStreamController | undefined;
  #writing: WritableStreamDefaultController | undefined;
  #isCancelled = false;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.streams = {
      readable: this.#readable(),
      writable: this.#writable(),
      closed: harmless(
        stream.over().then((fault) => {
          this.#onOver(fault);
        }),
      ),
    };
  }

  // ---- receiving

  /**
   * High-water mark 0: the stream pulls only for a read that waits. The types do not know that a byte stream
   * gives the kind of buffer that it is given.
   */
  #readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream(
      {
        type: 'bytes',
        start: (controller) => {
          this.#reading = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: (reason: unknown) => {
          this.#cancel(reason);
        },
      },
      { highWaterMark: 0 },
    ) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    while (await this.#stream.read(READY)) {
      if (this.#isCancelled || this.#give(controller)) return;
    }
    if (this.#isCancelled) return;
    controller.close();
    // The stream requires this of a read into a program's own buffer.
    controller.byobRequest?.respond(0);
  }

  /** Gives bytes that have come to the read that waits. Returns false if another read has taken them. */
  #give(controller: ReadableByteStreamController): boolean {
    const request = controller.byobRequest;
    const view = request?.view;
    if (request === null || view === null || view === undefined) {
      const piece = this.#stream.takePiece();
      // A copy, because a byte stream takes the whole buffer away.
      if (piece !== undefined) controller.enqueue(piece.slice());
      return piece !== undefined;
    }
    const bytes = this.#stream.takeInto(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    if (bytes > 0) request.respond(bytes);
    return bytes > 0;
  }

  #cancel(reason: unknown): void {
    this.#isCancelled = true;
    const { writes } = this.#stream;
    const { isFinished } = writes;
    // First, because the peer's FIN has the cancelled stream close, and a closed client is not reset.
    if (reason !== undefined) this.#stream.abort();
    this.#stream.cancel(new TcpError(ErrorCode.ERR_ABRT, ACTION));
    if (isFinished) writes.closeWhenEmpty('closed');
  }

  // ---- sending

  /** High-water mark 1: `ready` waits while a chunk is being written. */
  #writable(): WritableStream<string | Uint8Array> {
    return new WritableStream<string | Uint8Array>(
      {
        start: (controller) => {
          this.#writing = controller;
          // `abort` below comes only when the write in flight is over; this does not wait for it.
          const reset = (): void => {
            this.#stream.abort();
          };
          (controller as WithSignal).signal.addEventListener('abort', reset, { once: true });
        },
        write: (chunk) => this.#write(chunk),
        close: () => this.#close(),
        abort: () => {
          this.#stream.abort();
        },
      },
      { highWaterMark: 1, size: () => 1 },
    );
  }

  /** Writes a chunk, and waits for space, for which `ready` waits then. */
  async #write(chunk: string | Uint8Array): Promise<void> {
    const { writes } = this.#stream;
    try {
      await writes.write(checkData(chunk), typeof chunk === 'string' ? 0 : COPY);
    } catch (error) {
      this.#stream.abort();
      throw error;
    }
    // Behind FIN there is no space again, and nothing that could need it.
    if (!writes.isFinished) await writes.space();
  }

  async #close(): Promise<void> {
    await this.#stream.writes.finish();
    if (this.#isCancelled) this.#stream.close();
  }

  // ---- the end

  #onOver(fault: Fault | undefined): void {
    const end = fault ?? { code: ErrorCode.ERR_CLSD };
    this.#writing?.error(tcpError('write', end));
    // Bytes that have come can still be read; the read behind them meets the end.
    if (this.#stream.isDone && !this.#stream.hasEnded) this.#reading?.error(tcpError(ACTION, end));
    if (fault !== undefined) throw tcpError('keep a connection', fault);
  }
}
