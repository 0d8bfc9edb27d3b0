/**
 * The streams of bytes of a run. Each direction of a connection is a stream with a number, which stands in
 * its first bytes; the other bytes follow from their places. A receiver finds its stream by the number,
 * and compares every byte.
 */
import { ExpectationFailure } from '../../contract/expect.js';
import { pattern, PatternReader } from '../../contract/pattern.js';
import type { Census } from './census.js';

/** Number of the stream, and the request to the peer: 0 or the bytes of an echo. */
export const HEADER_BYTES = 8;
/** Patterns that differ; a prime, so that streams that follow each other differ as well. */
const PATTERNS = 251;

/** One direction of a connection, as its sender knows it. */
export class OutgoingStream {
  readonly id: number;
  /** True: the peer sends back what it receives. */
  readonly wantsEcho: boolean;
  /** Bytes that the sender has added. */
  added = 0;
  /** Length, once the sender has ended the stream in order. */
  endsAt: number | undefined;
  /** Name of the end that sends it. */
  readonly sender: string;
  receiver: IncomingStream | undefined;
  /** Bytes that `onAck` has reported to the sender. */
  acked = 0;
  readonly #header: Uint8Array;

  constructor(id: number, sender: string, wantsEcho: boolean) {
    this.id = id;
    this.sender = sender;
    this.wantsEcho = wantsEcho;
    this.#header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(this.#header.buffer);
    view.setUint32(0, id);
    view.setUint32(4, wantsEcho ? 1 : 0);
  }

  bytes(from: number, length: number): Uint8Array {
    const first = this.#header.subarray(from, from + length);
    if (first.length === length) return first.slice();
    const bytes = new Uint8Array(length);
    bytes.set(first);
    const place = Math.max(0, from - HEADER_BYTES);
    bytes.set(pattern(this.id % PATTERNS, place, length - first.length), first.length);
    return bytes;
  }
}

/** One direction of a connection, as its receiver sees it. */
export class IncomingStream {
  readonly #book: StreamBook;
  readonly #name: string;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #reader: PatternReader | undefined;
  received = 0;
  /** The stream of the sender; `undefined` until its header has arrived. */
  source: OutgoingStream | undefined;

  constructor(book: StreamBook, name: string) {
    this.#book = book;
    this.#name = name;
  }

  /** Compares a piece. @throws ExpectationFailure if a byte is not the sender's. */
  take(piece: Uint8Array): void {
    const headerBytes = Math.max(0, Math.min(piece.length, HEADER_BYTES - this.received));
    this.#header.set(piece.subarray(0, headerBytes), Math.min(this.received, HEADER_BYTES - headerBytes));
    this.received += piece.length;
    this.#book.census.bytesChecked += piece.length;
    if (this.source === undefined && this.received >= HEADER_BYTES) this.#find();
    this.#reader?.take(piece.subarray(headerBytes));
    if (this.#reader?.matches === false) this.#alter(piece.length);
    const { source } = this;
    if (source !== undefined && this.received > source.added) {
      this.#fail(`${this.received} bytes arrived of a stream of ${source.added}`);
    }
  }

  /** The peer's FIN has come. @throws ExpectationFailure if a byte before it is missing. */
  ended(): void {
    const { source } = this;
    if (source === undefined) {
      // An end whose script is abrupt may end inside its header.
      return;
    }
    if (source.endsAt === undefined) this.#fail('the stream ends, which its sender has not ended');
    if (source.endsAt === this.received) return;
    this.#book.census.bytesLost += Math.abs(source.endsAt - this.received);
    this.#fail(`the stream ends after ${this.received} bytes, not ${source.endsAt}`);
  }

  #find(): void {
    const id = new DataView(this.#header.buffer).getUint32(0);
    const source = this.#book.streams.get(id);
    if (source === undefined) this.#alter(HEADER_BYTES);
    if (source.receiver !== undefined) this.#fail(`stream ${id} arrives for a second time`);
    source.receiver = this;
    this.source = source;
    this.#reader = new PatternReader(id % PATTERNS);
  }

  #alter(bytes: number): never {
    this.#book.census.bytesAltered += bytes;
    this.#fail(`bytes before place ${this.received} are altered`);
  }

  #fail(what: string): never {
    const { source } = this;
    const of = source === undefined ? '' : `, stream ${source.id} of ${source.sender}`;
    throw new ExpectationFailure(`${this.#name}${of}: ${what}`);
  }
}

export class StreamBook {
  readonly census: Census;
  readonly streams = new Map<number, OutgoingStream>();

  constructor(census: Census) {
    this.census = census;
  }

  open(sender: string, wantsEcho: boolean): OutgoingStream {
    const stream = new OutgoingStream(this.streams.size + 1, sender, wantsEcho);
    this.streams.set(stream.id, stream);
    return stream;
  }
}
