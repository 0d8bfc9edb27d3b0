/**
 * The source of a body, which can be ended at any time: before its first piece, between two, and while the
 * next one is waited for.
 */
import { Readable } from 'node:stream';
import type { Pieces } from './pump.js';

export class BodyPieces {
  /** The pieces, to be read once. */
  readonly pieces: Pieces;
  readonly #free: () => void;
  #isEnded = false;

  constructor(source: Pieces | ReadableStream<Uint8Array>) {
    if (source instanceof Readable) [this.pieces, this.#free] = ofStream(source);
    else if (isWebStream(source)) [this.pieces, this.#free] = ofWebStream(source);
    else [this.pieces, this.#free] = ofIterable(source);
  }

  /** Ends the source: no client takes its pieces any more. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#free();
  }

  readonly isEnded = (): boolean => this.#isEnded;
}

type Ended = [pieces: Pieces, free: () => void];

function ofStream(stream: Readable): Ended {
  // An error of a stream that is not read, or not yet, would end the process.
  stream.on('error', () => undefined);
  return [stream, () => stream.destroy()];
}

/** Its own iterator could not be ended while it waits. */
function ofWebStream(stream: ReadableStream<Uint8Array>): Ended {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  // A source may fail to free itself; nothing waits for it.
  const cancel = (): void => {
    (reader ?? stream).cancel().catch(() => undefined);
  };
  async function* read(): AsyncGenerator<Uint8Array> {
    reader = stream.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    } finally {
      cancel();
    }
  }
  return [read(), cancel];
}

function ofIterable(source: Pieces): Ended {
  if (typeof source === 'string' || !(Symbol.asyncIterator in source)) return [source, () => undefined];
  const iterator = source[Symbol.asyncIterator]();
  const free = (): void => {
    // One that waits for its next piece ends behind that.
    iterator.return?.().then(undefined, () => undefined);
  };
  return [{ [Symbol.asyncIterator]: () => iterator }, free];
}

/** Other implementations of the web's classes are welcome. */
function isWebStream(source: object | string): source is ReadableStream<Uint8Array> {
  return typeof source === 'object' && 'getReader' in source && typeof source.getReader === 'function';
}
