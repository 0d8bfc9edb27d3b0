/** The functions that read from a client. All of them share the client's one stream (`byte-stream.ts`). */
import type { AsyncClient } from '../asynctcp/async-client.js';
import { checkInteger } from '../asynctcp/check.js';
import { ErrorCode } from '../port/error-code.js';
import { TcpError } from '../asynctcp/tcp-error.js';
import { streamOf, type Reading } from './byte-stream.js';
import { Iteration } from './iteration.js';
import {
  checkDelimiter,
  checkLimit,
  checkPrefix,
  checkWait,
  MAX_READ_BYTES,
  type LimitOptions,
  type MessageOptions,
  type WaitOptions,
} from './options.js';
import { ExactReading, LineReading, MessageReading, PIECE, UntilReading } from './readings.js';

/**
 * Reads the pieces that a client receives, as they come: `for await (const data of read(client))`. The
 * iteration ends with the peer's FIN. Without `setAllowHalfOpen(true)` the client then closes, behind its
 * waiting writes.
 *
 * Nothing is lost between two reads, whatever functions they are of: data that comes while no read waits is
 * kept within the receive window, which opens only as pieces are read. `break` leaves the client as it is.
 *
 * Handlers stay the program's own, and are called as without a stream; `onData` gets the same pieces.
 *
 * @throws TypeError for anything but an AsyncClient, or for other options. Each `next` rejects with a
 *   TcpError: `ERR_ABRT` by the signal; `ERR_INPROGRESS` while another read waits; `ERR_CONN` for a client
 *   that was never connected; if the client ends before the peer's FIN, the code of `onError` or `ERR_CLSD`.
 */
export function read(
  client: AsyncClient,
  options: WaitOptions = {},
): AsyncIterableIterator<Uint8Array, undefined> {
  return iterate(client, PIECE, options);
}

/**
 * Reads a number of bytes, which are the program's own.
 * @param bytes 0 to 1073741824.
 * @returns a promise of them. It is rejected as that of `read`; and with `ERR_CLSD` if the peer's FIN comes
 *   before the last byte. A read that fails takes nothing: the bytes stay for the next one.
 * @throws TypeError, RangeError for wrong arguments.
 */
export function readExactly(
  client: AsyncClient,
  bytes: number,
  options: WaitOptions = {},
): Promise<Uint8Array> {
  return readOne(client, new ExactReading(checkInteger('bytes', bytes, 0, MAX_READ_BYTES)), options);
}

/**
 * Reads up to a delimiter, which is taken and left out.
 * @param delimiter 1 to 256 bytes, or text.
 * @returns a promise of the bytes before the delimiter. It is rejected as that of `readExactly`; and with
 *   `ERR_VAL` if the delimiter does not follow within `limit` bytes.
 * @throws TypeError, RangeError for wrong arguments.
 */
export function readUntil(
  client: AsyncClient,
  delimiter: string | Uint8Array,
  options: LimitOptions = {},
): Promise<Uint8Array> {
  const signal = checkWait(options);
  return readOne(client, new UntilReading(checkDelimiter(delimiter), checkLimit(options)), { signal });
}

/**
 * Reads a line of UTF-8, up to LF or CR LF.
 * @returns a promise of the line without its end; of `undefined` if the peer's FIN comes instead. It is
 *   rejected as that of `readUntil`, also for a line that the peer's FIN cuts off.
 * @throws TypeError, RangeError for wrong arguments.
 */
export function readLine(client: AsyncClient, options: LimitOptions = {}): Promise<string | undefined> {
  const signal = checkWait(options);
  return readOne(client, new LineReading(checkLimit(options)), { signal });
}

/** Reads lines up to the peer's FIN, each as `readLine` does. */
export function readLines(
  client: AsyncClient,
  options: LimitOptions = {},
): AsyncIterableIterator<string, undefined> {
  const signal = checkWait(options);
  return iterate(client, new LineReading(checkLimit(options)), { signal });
}

/**
 * Reads a message with its length in front.
 * @returns a promise of the message without its length; of `undefined` if the peer's FIN comes instead. It
 *   is rejected as that of `readExactly`; and with `ERR_VAL` as soon as a length is more than `limit`.
 * @throws TypeError, RangeError for wrong arguments.
 */
export function readMessage(
  client: AsyncClient,
  options: MessageOptions = {},
): Promise<Uint8Array | undefined> {
  const signal = checkWait(options);
  return readOne(client, messageReading(options), { signal });
}

/** Reads messages up to the peer's FIN, each as `readMessage` does. */
export function readMessages(
  client: AsyncClient,
  options: MessageOptions = {},
): AsyncIterableIterator<Uint8Array, undefined> {
  const signal = checkWait(options);
  return iterate(client, messageReading(options), { signal });
}

function messageReading(options: MessageOptions): MessageReading {
  const { prefixBytes, byteOrder } = checkPrefix(options);
  return new MessageReading(prefixBytes, byteOrder, checkLimit(options));
}

function readOne<T, End>(
  client: AsyncClient,
  reading: Reading<T, End>,
  options: WaitOptions,
): Promise<T | End> {
  const signal = checkWait(options);
  const stream = streamOf(client);
  return stream?.read(reading, signal) ?? Promise.reject(new TcpError(ErrorCode.ERR_CONN, reading.action));
}

function iterate<T>(
  client: AsyncClient,
  reading: Reading<T, undefined>,
  options: WaitOptions,
): AsyncIterableIterator<T, undefined> {
  const signal = checkWait(options);
  const stream = streamOf(client);
  return stream === undefined ? new NoIteration(reading.action) : new Iteration(stream, reading, signal);
}

/** The iteration over a client that was never connected. */
class NoIteration implements AsyncIterableIterator<never, undefined> {
  readonly #action: string;

  constructor(action: string) {
    this.#action = action;
  }

  next(): Promise<never> {
    return Promise.reject(new TcpError(ErrorCode.ERR_CONN, this.#action));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
