/// <reference lib="esnext.disposable" preserve="true" />
/** A server as an asynchronous iteration of its clients. */
import type { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer, type ServerOptions } from '../asynctcp/async-server.js';
import { checkInteger } from '../asynctcp/check.js';
import { harmless } from '../asynctcp/flush-waiters.js';
import type { ServerEndOptions } from '../asynctcp/server-options.js';
import { streamOf } from './byte-stream.js';
import { checkWait } from './options.js';
import { Wait } from './wait.js';

/** Accepted clients that wait to be taken, if the program sets no other number. */
export const DEFAULT_WAITING = 128;
const MOST_WAITING = 65_535;

/** Options of `listen`: those of an AsyncServer, and these. */
export interface ListenOptions extends ServerOptions {
  /** Ends the server and the iteration, as `end` does. */
  signal?: AbortSignal | undefined;
  /**
   * Most clients that are accepted and not taken by the iteration, 1 to 65535. Further ones are reset.
   * Default 128.
   */
  maxWaiting?: number | undefined;
}

type Taken = IteratorResult<AsyncClient, undefined>;

const DONE: Taken = Object.freeze({ done: true, value: undefined });

/** The clients of a server: what `listen` returns. */
export class Listening implements AsyncIterableIterator<AsyncClient, undefined, undefined> {
  /** The server, for its port, settings and clients. End it by `end` of this object. */
  readonly server: AsyncServer;
  /**
   * Resolves when the server listens. Rejects with the TcpError of `AsyncServer.begin`, as the iteration
   * does; to ignore the rejection does no harm.
   */
  readonly started: Promise<void>;
  readonly #maxWaiting: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    void this.end();
  };
  /** Accepted clients that were not taken, the oldest first. */
  #waiting: AsyncClient[] = [];
  /**
   * Calls of `next` that wait for a client. The program bounds them: each is a promise that it has asked for
   * and not awaited, one for each loop.
   */
  #takers: Wait<Taken>[] = [];
  /** Error with which listening failed, until a `next` reports it. */
  #failure: { readonly reason: unknown } | undefined;
  #isOver = false;

  constructor(port: number, options: ListenOptions) {
    this.#signal = checkWait(options);
    this.#maxWaiting = checkInteger('maxWaiting', options.maxWaiting ?? DEFAULT_WAITING, 1, MOST_WAITING);
    this.server = new AsyncServer(port, options);
    this.server.onClient((client) => {
      this.#onClient(client);
    });
    this.#isOver = this.#signal?.aborted === true;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.started = harmless(this.#isOver ? Promise.resolve() : this.server.begin());
    this.started.catch((reason: unknown) => {
      this.#onFailed(reason);
    });
  }

  /**
   * Resolves with the next client, which is connected; with `done` after `end`.
   * @throws TcpError (as a rejection), once, if listening failed.
   */
  next(): Promise<Taken> {
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure.reason instanceof Error ? failure.reason : new Error('listening failed'));
    }
    const client = this.#takeWaiting();
    if (client !== undefined) return Promise.resolve({ done: false, value: client });
    if (this.#isOver) return Promise.resolve(DONE);
    const wait = new Wait<Taken>(undefined, () => undefined);
    this.#takers.push(wait);
    return wait.promise;
  }

  /** Ends the server: the end of a `for await` loop. Its clients go on. */
  async return(): Promise<Taken> {
    await this.end();
    return DONE;
  }

  /**
   * Ends the iteration and the server. Clients that were not taken are reset; the others end as the options
   * say, and go on without options.
   * @returns a promise that resolves as that of `AsyncServer.end`.
   * @throws TypeError, RangeError (as a rejection) for options out of range.
   */
  async end(options: ServerEndOptions = {}): Promise<void> {
    const ended = this.server.end(options);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#isOver = true;
    for (const client of this.#waiting) client.abort();
    for (const taker of this.#takers) taker.resolve(DONE);
    this.#waiting = [];
    this.#takers = [];
    await ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the server at the end of a block that has `await using clients = listen(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #onClient(client: AsyncClient): void {
    // From here on data waits for the program's first read.
    streamOf(client)?.beginReading();
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve({ done: false, value: client });
      return;
    }
    if (this.#waiting.length === this.#maxWaiting) this.#waiting = this.#waiting.filter(isOfUse);
    if (this.#waiting.length < this.#maxWaiting) this.#waiting.push(client);
    else client.abort();
  }

  #takeWaiting(): AsyncClient | undefined {
    let client = this.#waiting.shift();
    while (client !== undefined && !isOfUse(client)) client = this.#waiting.shift();
    return client;
  }

  #onFailed(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const [taker, ...others] = this.#takers;
    this.#takers = [];
    if (taker === undefined) this.#failure = { reason };
    else taker.reject(reason);
    for (const other of others) other.resolve(DONE);
  }
}

/** Returns true if a client is connected, or has sent something. */
function isOfUse(client: AsyncClient): boolean {
  return streamOf(client)?.isDone === false;
}

/**
 * Listens on a port, at once: `for await (const client of listen(port)) void serve(client)`. To leave the
 * loop ends the server.
 *
 * Data of a client waits, within its receive window, until the program reads it. Accepted clients wait as
 * well, up to `maxWaiting`; further ones are reset.
 *
 * @param port 0 to 65535; 0: the system chooses, and `server.port()` returns its choice after `started`.
 * @throws TypeError, RangeError for a port or an option that is not valid, and for an option that the stack
 *   cannot meet.
 */
export function listen(port: number, options: ListenOptions = {}): Listening {
  return new Listening(port, options);
}
