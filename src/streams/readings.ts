/** The kinds of reads. Each is for one read, or for the reads of one iteration. */
import { ErrorCode } from '../port/error-code.js';
import { TcpError } from '../asynctcp/tcp-error.js';
import type { Reading } from './byte-stream.js';
import type { ReceivedBytes } from './received-bytes.js';

const LF = 10;
const CR = 13;
const NEWLINE = Uint8Array.of(LF);

/** UTF-8 (RFC 3629). A byte order mark is text: only a program can know if it opens a document. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Sizes of a length in front of a message, in bytes. */
export const PREFIX_BYTES = [1, 2, 4] as const;
export type PrefixBytes = (typeof PREFIX_BYTES)[number];
export type ByteOrder = 'big' | 'little';

/** Returns the error of a read whose bytes ended too early. */
function cutOff(action: string, { length }: ReceivedBytes): TcpError {
  const cause = new Error(`the peer ended after ${length} bytes of it`);
  return new TcpError(ErrorCode.ERR_CLSD, action, cause);
}

/** Returns the error of a read whose bytes would be more than its limit. */
function tooLong(action: string, limit: number): TcpError {
  return new TcpError(
    ErrorCode.ERR_VAL,
    action,
    new RangeError(`it is longer than the limit, ${limit} bytes`),
  );
}

/** Reads a piece as it came. The iteration of pieces ends with the peer's FIN. */
export const PIECE: Reading<Uint8Array, undefined> = {
  action: 'read',
  take: (input) => input.takePiece(),
  atEnd: () => undefined,
};

/** Reads a number of bytes. */
export class ExactReading implements Reading<Uint8Array, never> {
  readonly action: string;
  readonly #bytes: number;

  constructor(bytes: number) {
    this.action = `read ${bytes} bytes`;
    this.#bytes = bytes;
  }

  take(input: ReceivedBytes): Uint8Array | undefined {
    return input.length < this.#bytes ? undefined : input.take(this.#bytes);
  }

  atEnd(input: ReceivedBytes): never {
    throw cutOff(this.action, input);
  }
}

/** Searches for a delimiter. Bytes that were searched once are not searched again. */
class Search {
  readonly #delimiter: Uint8Array;
  /** Number of the first bytes that were searched, since `#offset` of the input. */
  #from = 0;
  #offset = 0;

  constructor(delimiter: Uint8Array) {
    this.#delimiter = delimiter;
  }

  /** Returns the number of bytes before the delimiter; −1 if it has not come yet. */
  find(input: ReceivedBytes): number {
    // Another read may have taken the bytes that were searched.
    if (input.offset !== this.#offset) this.#from = 0;
    this.#offset = input.offset;
    const at = input.indexOf(this.#delimiter, this.#from);
    // The delimiter may have begun at the end.
    this.#from = at < 0 ? Math.max(0, input.length - this.#delimiter.length + 1) : 0;
    return at;
  }

  /** True if more than `limit` bytes came, and no delimiter within. */
  isPast(limit: number): boolean {
    return this.#from > limit;
  }
}

/** Reads up to a delimiter, which is dropped. */
export class UntilReading implements Reading<Uint8Array, never> {
  readonly action = 'read up to a delimiter';
  readonly #search: Search;
  readonly #delimiterBytes: number;
  readonly #limit: number;

  /** @param limit the most bytes before the delimiter. */
  constructor(delimiter: Uint8Array, limit: number) {
    this.#search = new Search(delimiter);
    this.#delimiterBytes = delimiter.length;
    this.#limit = limit;
  }

  take(input: ReceivedBytes): Uint8Array | undefined {
    const length = this.#search.find(input);
    if (length > this.#limit || this.#search.isPast(this.#limit)) throw tooLong(this.action, this.#limit);
    if (length < 0) return undefined;
    const bytes = input.take(length);
    input.skip(this.#delimiterBytes);
    return bytes;
  }

  atEnd(input: ReceivedBytes): never {
    throw cutOff(this.action, input);
  }
}

/** Reads lines, each up to LF or CR LF, which are dropped. */
export class LineReading implements Reading<string, undefined> {
  readonly action = 'read a line';
  readonly #search = new Search(NEWLINE);
  readonly #limit: number;

  /** @param limit the most bytes of a line, without its end. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  take(input: ReceivedBytes): string | undefined {
    const found = this.#search.find(input);
    const length = found < 0 ? input.length : found;
    // Without an LF yet, the last byte may be the CR in front of it.
    const hasReturn = length > 0 && input.at(length - 1) === CR;
    const line = hasReturn ? length - 1 : length;
    if (line > this.#limit) throw tooLong(this.action, this.#limit);
    if (found < 0) return undefined;
    const text = decoder.decode(input.take(line));
    input.skip(length - line + 1);
    return text;
  }

  atEnd(input: ReceivedBytes): undefined {
    if (input.length > 0) throw cutOff(this.action, input);
  }
}

/** Reads messages, each behind its length. */
export class MessageReading implements Reading<Uint8Array, undefined> {
  readonly action = 'read a message';
  readonly #prefixBytes: PrefixBytes;
  readonly #byteOrder: ByteOrder;
  readonly #limit: number;

  constructor(prefixBytes: PrefixBytes, byteOrder: ByteOrder, limit: number) {
    this.#prefixBytes = prefixBytes;
    this.#byteOrder = byteOrder;
    this.#limit = limit;
  }

  take(input: ReceivedBytes): Uint8Array | undefined {
    if (input.length < this.#prefixBytes) return undefined;
    const length = this.#prefix(input);
    if (length > this.#limit) throw tooLong(this.action, this.#limit);
    if (input.length < this.#prefixBytes + length) return undefined;
    input.skip(this.#prefixBytes);
    return input.take(length);
  }

  /** Returns the length that stands in front. */
  #prefix(input: ReceivedBytes): number {
    let length = 0;
    for (let place = 0; place < this.#prefixBytes; place += 1) {
      const at = this.#byteOrder === 'big' ? place : this.#prefixBytes - 1 - place;
      length = length * 256 + (input.at(at) ?? 0);
    }
    return length;
  }

  atEnd(input: ReceivedBytes): undefined {
    if (input.length > 0) throw cutOff(this.action, input);
  }
}

/** Returns a message with its length in front. */
export function framed(message: Uint8Array, prefixBytes: PrefixBytes, byteOrder: ByteOrder): Uint8Array {
  const frame = new Uint8Array(prefixBytes + message.length);
  let { length } = message;
  for (let place = 0; place < prefixBytes; place += 1) {
    frame[byteOrder === 'little' ? place : prefixBytes - 1 - place] = length % 256;
    length = Math.floor(length / 256);
  }
  frame.set(message, prefixBytes);
  return frame;
}
