/** Answers whose body comes in pieces, from a filler, an iterable or a stream. */
import type { ServerResponse } from 'node:http';
import { BodyPieces } from './body-pieces.js';
import { filled, type AwsResponseFiller } from './filler.js';
import { pump, type Pieces } from './pump.js';
import { AsyncWebServerResponse } from './response.js';

/** Source of a body. Streams of Node and of the web are iterables. */
export type BodySource = AwsResponseFiller | Pieces;

abstract class PiecewiseResponse extends AsyncWebServerResponse {
  readonly #source: BodyPieces;

  /**
   * Makes an answer.
   * @param bytes length of the body; `undefined`: it is not known.
   */
  constructor(contentType: string, bytes: number | undefined, source: BodySource) {
    super(200, contentType, bytes);
    const isEnded = (): boolean => this.#source.isEnded();
    this.#source = new BodyPieces(typeof source === 'function' ? filled(source, bytes, isEnded) : source);
  }

  protected override sendBody(reply: ServerResponse): Promise<void> {
    const { pieces, isEnded } = this.#source;
    return pump(reply, pieces, this.contentLength(), isEnded);
  }

  override discard(): void {
    this.#source.end();
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
