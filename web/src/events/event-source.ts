/**
 * A path on which clients read a stream of events (the HTML standard, §9.2): `EventSource` of browsers.
 *
 * Call order: `server.addHandler` → a request passes filters and middleware → `authorizeConnect` and the
 * number of clients are checked → the head leaves → the events that the client has missed → `onConnect` →
 * events.
 */
import type { Socket } from 'node:net';
import { AsyncWebHandler } from '../handlers/handler.js';
import { HttpError } from '../http-error.js';
import { every } from '../interval.js';
import { checkedLimits, DEFAULT_EVENT_SOURCE_LIMITS, type EventSourceLimits } from '../limits.js';
import { answers, HTTP_GET } from '../methods.js';
import { allDrained, sendToEach, type SendCounts } from '../queue/send-queue.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { AsyncURIMatcher, type UriMatch } from '../uri-matcher.js';
import { AsyncEventSourceClient, eventMessage, type EventOptions } from './event-source-client.js';
import { EventStreamResponse } from './event-stream-response.js';
import { formatEvent } from './format.js';
import type { AsyncEventSourceOptions } from './options.js';
import { ReplayRing } from './replay-ring.js';

/** Called with a client that has come or gone. */
export type ArEventHandlerFunction = (client: AsyncEventSourceClient) => unknown;

/** Decides by its head if a request may read the events. */
export type ArAuthorizeConnectHandler = (request: AsyncWebServerRequest) => boolean | Promise<boolean>;

/** Looks at a client in the time for which it may stall. */
const LOOKS = 4;

export class AsyncEventSource extends AsyncWebHandler {
  override readonly methods = HTTP_GET;
  readonly #uri: AsyncURIMatcher;
  readonly #options: AsyncEventSourceOptions;
  readonly #limits: EventSourceLimits;
  readonly #ring: ReplayRing;
  readonly #clients = new Set<AsyncEventSourceClient>();
  /** Number of clients, and of requests that become clients when middleware lets their answer leave. */
  #places = 0;
  #onConnect: ArEventHandlerFunction | undefined;
  #onDisconnect: ArEventHandlerFunction | undefined;
  #onAuthorize: ArAuthorizeConnectHandler | undefined;
  #timers: NodeJS.Timeout[] = [];

  /**
   * Makes an event source, which `server.addHandler` takes.
   * @throws RangeError for a limit that is no positive number, and for a `replayBytes` above `queueBytes`.
   */
  constructor(url: string | AsyncURIMatcher, options: AsyncEventSourceOptions = {}) {
    super();
    this.#uri = typeof url === 'string' ? AsyncURIMatcher.exact(url) : url;
    this.#options = options;
    this.#limits = checkedLimits(DEFAULT_EVENT_SOURCE_LIMITS, options.limits);
    const { replayEvents, replayBytes, queueBytes } = this.#limits;
    if (replayBytes > queueBytes)
      throw new RangeError(`replayBytes must be at most queueBytes; it is ${replayBytes}`);
    this.#ring = new ReplayRing(replayEvents, replayBytes);
  }

  /** Calls `handler` when a client has come, and has been sent what it has missed. */
  onConnect(handler: ArEventHandlerFunction | undefined): this {
    this.#onConnect = handler;
    return this;
  }

  /** Calls `handler` when a client has gone. */
  onDisconnect(handler: ArEventHandlerFunction | undefined): this {
    this.#onDisconnect = handler;
    return this;
  }

  /** Lets a request read the events only if `handler` returns true; others are answered 401. */
  authorizeConnect(handler: ArAuthorizeConnectHandler | undefined): this {
    this.#onAuthorize = handler;
    return this;
  }

  // ---- a request

  override matches(request: AsyncWebServerRequest): UriMatch {
    return this.#uri.matches(request.url());
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(HTTP_GET, request.method());
  }

  override route(): string {
    return this.#uri.toString();
  }

  override async handleRequest(request: AsyncWebServerRequest): Promise<void> {
    if (this.#onAuthorize !== undefined && !(await this.#onAuthorize(request))) throw new HttpError(401);
    const { retryAfterS } = request.server.limits;
    if (this.#places >= this.#limits.clients) {
      request.send(new AsyncBasicResponse(503).addHeader('Retry-After', retryAfterS));
      return;
    }
    this.#places += 1;
    request.onDisconnect(() => {
      this.#places -= 1;
    });
    request.send(
      new EventStreamResponse((socket) => {
        this.#connect(request, socket);
      }),
    );
  }

  #connect(request: AsyncWebServerRequest, socket: Socket): void {
    const lastId = lastIdOf(request);
    const { data, isGap } = this.#ring.after(lastId);
    const { policy = 'close' } = this.#options;
    const { queueBudget, limits } = request.server;
    const arrival = { lastId, isGap };
    const client = new AsyncEventSourceClient(
      request.reply,
      socket,
      arrival,
      policy,
      this.#limits,
      queueBudget,
    );
    this.#clients.add(client);
    if (this.#timers.length === 0) this.#startTimers(limits.stalledMs);
    request.lasts(() => {
      client.close();
    });
    request.onDisconnect(() => {
      this.#disconnected(client);
      this.#call(request, this.#onDisconnect, client);
    });
    // A client that does not get all of it comes back.
    if (data.length > 0 && client.sendFormatted(eventMessage(data)) === 'dropped') client.overflow();
    this.#call(request, this.#onConnect, client);
  }

  #disconnected(client: AsyncEventSourceClient): void {
    client.gone();
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #startTimers(stalledMs: number): void {
    this.#timers = [
      every(this.#limits.heartbeatMs, () => {
        for (const client of this.#clients) client.beat();
      }),
      every(stalledMs / LOOKS, () => {
        for (const client of this.#clients) client.look(stalledMs);
      }),
    ];
  }

  /** Calls the program's handler. An error of it ends the client's stream. */
  #call(
    request: AsyncWebServerRequest,
    handler: ArEventHandlerFunction | undefined,
    client: AsyncEventSourceClient,
  ): void {
    const failed = (error: unknown): void => {
      request.server.onFailed(request, 'its handler threw', error);
      client.close();
    };
    try {
      const returned = handler?.(client);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  // ---- the clients

  /** Returns the number of clients. */
  count(): number {
    return this.#clients.size;
  }

  /** Returns the clients, the oldest first. */
  getClients(): AsyncEventSourceClient[] {
    return [...this.#clients];
  }

  /** Returns the mean number of events that wait for a client. */
  avgPacketsWaiting(): number {
    let waiting = 0;
    for (const client of this.#clients) waiting += client.packetsWaiting();
    return this.#clients.size === 0 ? 0 : waiting / this.#clients.size;
  }

  /**
   * Sends an event to all clients. It is formatted once. An event with an id is kept for clients that come
   * back, within the limits of the replay. Returns the outcome.
   * @param message its data; `undefined` to send the rest alone.
   * @param event its type. Default: `message`.
   * @param reconnect time after which a client that lost its connection comes back, in milliseconds.
   * @throws TypeError for an id or an event with a line break, and an id with the character NUL.
   * @throws RangeError for a `reconnect` that is no whole number of milliseconds.
   */
  send(
    message: string | undefined,
    event?: string,
    id?: string | number,
    reconnect?: number,
    { key }: EventOptions = {},
  ): SendCounts {
    const name = id === undefined ? undefined : String(id);
    const data = formatEvent({ message, event, id: name, reconnect });
    if (name !== undefined && name !== '') this.#ring.add(name, data);
    const formatted = eventMessage(data, key);
    return sendToEach(this.#clients, (client) => client.sendFormatted(formatted));
  }

  /** Fulfilled when nothing waits for any client, with true; with false if a connection is over before. */
  drained(): Promise<boolean> {
    return allDrained(this.#clients);
  }

  /** Ends all streams behind the events that wait. */
  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** Returns the header `Last-Event-ID`: bytes of UTF-8, which node:http reads as Latin-1. */
function lastIdOf(request: AsyncWebServerRequest): string | undefined {
  const value = request.header('last-event-id');
  return value === '' ? undefined : Buffer.from(value, 'latin1').toString();
}
