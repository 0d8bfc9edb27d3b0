/** Answers whose body comes in pieces, from a filler, an iterable or a stream. */
import type { ServerResponse } from 'node:http';
import { filled, type AwsResponseFiller } from './filler.js';
import { pump, type Pieces } from './pump.js';
import { AsyncWebServerResponse } from './response.js';

/** Source of a body. Streams of Node and of the web are iterables. */
export type BodySource = AwsResponseFiller | Pieces;

abstract class PiecewiseResponse extends AsyncWebServerResponse {
  readonly #source: BodySource;

  /**
   * Makes an answer.
   * @param bytes length of the body; `undefined`: it is not known.
   */
  constructor(contentType: string, bytes: number | undefined, source: BodySource) {
    super(200, contentType, bytes);
    this.#source = source;
  }

  protected override sendBody(reply: ServerResponse): Promise<void> {
    const bytes = this.contentLength();
    const source = this.#source;
    return pump(reply, typeof source === 'function' ? filled(source, bytes) : source, bytes);
  }

  override discard(): void {
    const source = this.#source;
    if (typeof source === 'function' || typeof source === 'string') return;
    // A stream frees what it holds when its iterator ends.
    if (Symbol.asyncIterator in source) void source[Symbol.asyncIterator]().return?.();
  }
}

/** An answer of unknown length. */
export class AsyncChunkedResponse extends PiecewiseResponse {
  constructor(contentType: string, source: BodySource) {
    super(contentType, undefined, source);
  }
}

/** An answer of a known length. */
export class AsyncCallbackResponse extends PiecewiseResponse {}
