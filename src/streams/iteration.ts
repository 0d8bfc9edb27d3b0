/** One read after the other, as an asynchronous iteration. A read that fails ends nothing but itself. */
import type { ByteStream, Reading } from './byte-stream.js';
import type { ReceivedBytes } from './received-bytes.js';

type Result<T> = IteratorResult<T, undefined>;

const DONE: Result<never> = Object.freeze({ done: true, value: undefined });

export class Iteration<T>
  implements AsyncIterableIterator<T, undefined, undefined>, Reading<Result<T>, Result<T>>
{
  readonly action: string;
  readonly #stream: ByteStream;
  readonly #reading: Reading<T, undefined>;
  readonly #signal: AbortSignal | undefined;
  #isOver = false;

  constructor(stream: ByteStream, reading: Reading<T, undefined>, signal: AbortSignal | undefined) {
    this.action = reading.action;
    this.#stream = stream;
    this.#reading = reading;
    this.#signal = signal;
    stream.beginReading();
  }

  /** Reads. @throws TcpError (as a rejection) if the read fails. */
  next(): Promise<Result<T>> {
    return this.#isOver ? Promise.resolve(DONE) : this.#stream.read(this, this.#signal);
  }

  /** Ends the iteration, not the client: another read may follow. */
  return(): Promise<Result<T>> {
    this.#isOver = true;
    // A `next` that waits ends.
    this.#stream.look();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  // ---- the read

  take(input: ReceivedBytes): Result<T> | undefined {
    if (this.#isOver) return DONE;
    const value = this.#reading.take(input);
    return value === undefined ? undefined : { done: false, value };
  }

  atEnd(input: ReceivedBytes): Result<T> {
    this.#reading.atEnd(input);
    return DONE;
  }
}
