/**
 * A path on which clients speak WebSocket (RFC 6455), by the package ws.
 *
 * Call order: `server.addHandler` → a request to upgrade passes filters and middleware → origin, handshake
 * and number of clients are checked → the client connects → events.
 */
import type { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { AsyncWebHandler } from '../handlers/handler.js';
import { HttpError } from '../http-error.js';
import { every, timerMs } from '../interval.js';
import { checkedLimits, DEFAULT_WEB_SOCKET_LIMITS, type WebSocketLimits } from '../limits.js';
import { answers, HTTP_GET } from '../methods.js';
import { allDrained, sendToEach, type SendCounts, type SendResult } from '../queue/send-queue.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { AsyncURIMatcher, type UriMatch } from '../uri-matcher.js';
import { CLOSE_GOING_AWAY, CLOSE_INTERNAL_ERROR, closeCodeOf } from './close-code.js';
import * as events from './event.js';
import type { AwsEventArguments, AwsEventHandler, AwsFrameInfo } from './event.js';
import type { AsyncWebSocketOptions, OriginCheck } from './options.js';
import { AsyncWebSocketClient, encodeMessage, type MessageOptions } from './web-socket-client.js';

/** Decides by its head if a request may connect. */
export type AwsHandshakeHandler = (request: AsyncWebServerRequest) => boolean | Promise<boolean>;

const NO_DATA = Buffer.alloc(0);

/** Looks at a client in each of its times. */
const LOOKS = 2;

export class AsyncWebSocket extends AsyncWebHandler {
  override readonly methods = HTTP_GET;
  readonly #uri: AsyncURIMatcher;
  readonly #options: AsyncWebSocketOptions;
  readonly #limits: WebSocketLimits;
  readonly #isOriginAllowed: OriginCheck;
  readonly #wss: WebSocketServer;
  readonly #clients = new Map<number, AsyncWebSocketClient>();
  #onEvent: AwsEventHandler | undefined;
  #onHandshake: AwsHandshakeHandler | undefined;
  #isEnabled = true;
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Makes a WebSocket, which `server.addHandler` takes.
   * @param options or the handler of its events.
   * @throws RangeError for a limit that is no positive number.
   */
  constructor(url: string | AsyncURIMatcher, options: AsyncWebSocketOptions | AwsEventHandler = {}) {
    super();
    this.#uri = typeof url === 'string' ? AsyncURIMatcher.exact(url) : url;
    const isHandler = typeof options === 'function';
    this.#onEvent = isHandler ? options : undefined;
    this.#options = isHandler ? {} : options;
    this.#limits = checkedLimits(DEFAULT_WEB_SOCKET_LIMITS, this.#options.limits);
    this.#isOriginAllowed = originCheck(this.#options.origins);
    this.#wss = makeServer(this.#options, this.#limits);
  }

  /** Calls `handler` for what happens on the connections. */
  onEvent(handler: AwsEventHandler | undefined): this {
    this.#onEvent = handler;
    return this;
  }

  /** Lets a request connect only if `handler` returns true; others are answered 401. */
  handleHandshake(handler: AwsHandshakeHandler | undefined): this {
    this.#onHandshake = handler;
    return this;
  }

  /** Lets clients connect, or not. Those that are connected stay. */
  enable(isEnabled: boolean): void {
    this.#isEnabled = isEnabled;
  }

  enabled(): boolean {
    return this.#isEnabled;
  }

  // ---- a request

  override matches(request: AsyncWebServerRequest): UriMatch {
    return this.#isEnabled && this.#uri.matches(request.url());
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(HTTP_GET, request.method()) && /^websocket$/i.test(request.header('upgrade'));
  }

  override handleRequest(): never {
    throw new HttpError(426);
  }

  override route(): string {
    return this.#uri.toString();
  }

  override async handleUpgrade(request: AsyncWebServerRequest, socket: Socket, head: Buffer): Promise<void> {
    if (!this.#isOriginAllowed(request.getHeader('origin')?.value(), request)) throw new HttpError(403);
    if (this.#onHandshake !== undefined && !(await this.#onHandshake(request))) throw new HttpError(401);
    if (request.isSent()) return;
    const { limits } = request.server;
    if (this.#clients.size >= this.#limits.clients) {
      request.send(new AsyncBasicResponse(503).addHeader('Retry-After', limits.retryAfterS));
      return;
    }
    let client: AsyncWebSocketClient | undefined;
    request.upgraded(() => {
      client?.close(CLOSE_GOING_AWAY);
    });
    this.#wss.handleUpgrade(request.message, socket, head, (ws) => {
      client = this.#connect(request, ws, socket);
    });
  }

  #connect(request: AsyncWebServerRequest, ws: WebSocket, socket: Socket): AsyncWebSocketClient {
    this.#lastId += 1;
    const { policy = 'close' } = this.#options;
    const { queueBudget } = request.server;
    const client = new AsyncWebSocketClient(this.#lastId, ws, socket, policy, this.#limits, queueBudget);
    this.#clients.set(client.id(), client);
    this.#timer ??= every(Math.min(this.#limits.pingMs, this.#limits.idleMs) / LOOKS, () => {
      this.#look();
    });
    const emit = (...event: AwsEventArguments): void => {
      this.#emit(request, event);
    };
    ws.on('message', (data, isBinary) => {
      if (Buffer.isBuffer(data)) this.#received(emit, client, data, isBinary);
    });
    ws.on('ping', (data) => {
      emit(this, client, events.WS_EVT_PING, undefined, data, data.length);
    });
    ws.on('pong', (data) => {
      emit(this, client, events.WS_EVT_PONG, undefined, data, data.length);
    });
    ws.on('error', (error) => {
      const reason = Buffer.from(error.message);
      emit(this, client, events.WS_EVT_ERROR, closeCodeOf(error), reason, reason.length);
    });
    ws.once('close', (code, reason) => {
      this.#disconnected(client);
      emit(this, client, events.WS_EVT_DISCONNECT, code, reason, reason.length);
    });
    emit(this, client, events.WS_EVT_CONNECT, request, NO_DATA, 0);
    return client;
  }

  #disconnected(client: AsyncWebSocketClient): void {
    this.#clients.delete(client.id());
    if (this.#clients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #received(
    emit: (...event: AwsEventArguments) => void,
    client: AsyncWebSocketClient,
    data: Buffer,
    isBinary: boolean,
  ): void {
    const { pieceBytes = Number.POSITIVE_INFINITY } = this.#options;
    const opcode = isBinary ? events.WS_BINARY : events.WS_TEXT;
    let index = 0;
    do {
      const piece = data.length <= pieceBytes ? data : data.subarray(index, index + pieceBytes);
      const info: AwsFrameInfo = {
        opcode,
        messageOpcode: opcode,
        num: 0,
        final: true,
        masked: true,
        index,
        len: data.length,
      };
      emit(this, client, events.WS_EVT_DATA, info, piece, piece.length);
      index += piece.length;
    } while (index < data.length);
  }

  /** Calls the program's handler. An error of it closes the client, since it may have left things undone. */
  #emit(request: AsyncWebServerRequest, event: AwsEventArguments): void {
    const failed = (error: unknown): void => {
      request.server.onFailed(request, 'its WebSocket handler threw', error);
      event[1].close(CLOSE_INTERNAL_ERROR);
    };
    try {
      const returned = this.#onEvent?.(...event);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #look(): void {
    const now = performance.now();
    for (const client of this.#clients.values()) client.look(now);
  }

  // ---- the clients

  /** Returns the number of clients. */
  count(): number {
    return this.#clients.size;
  }

  /** Returns a client by its number; `undefined` if its connection is over. */
  client(id: number): AsyncWebSocketClient | undefined {
    return this.#clients.get(id);
  }

  hasClient(id: number): boolean {
    return this.#clients.has(id);
  }

  /** Returns the clients, the oldest first. */
  getClients(): AsyncWebSocketClient[] {
    return [...this.#clients.values()];
  }

  /** Closes the oldest clients, until at most `maxClients` are left. */
  cleanupClients(maxClients = 8): void {
    const open = this.getClients().filter((client) => client.status() === events.WS_CONNECTED);
    for (const client of open.slice(0, Math.max(0, open.length - maxClients))) client.close();
  }

  // ---- sending

  /** Sends text to one client; `closed` if there is none of this number. */
  text(id: number, content: string | Uint8Array, options?: MessageOptions): SendResult {
    return this.#clients.get(id)?.text(content, options) ?? 'closed';
  }

  /** Sends bytes to one client; `closed` if there is none of this number. */
  binary(id: number, content: string | Uint8Array, options?: MessageOptions): SendResult {
    return this.#clients.get(id)?.binary(content, options) ?? 'closed';
  }

  /** Sends text to all clients. It is encoded once. Returns the outcome. */
  textAll(content: string | Uint8Array, options?: MessageOptions): SendCounts {
    const message = encodeMessage(content, false, options);
    return sendToEach(this.#clients.values(), (client) => client.send(message));
  }

  /** Sends bytes to all clients. Returns the outcome. */
  binaryAll(content: string | Uint8Array, options?: MessageOptions): SendCounts {
    const message = encodeMessage(content, true, options);
    return sendToEach(this.#clients.values(), (client) => client.send(message));
  }

  /** Sends a ping to one client. Returns false if there is none of this number, or it is closed. */
  ping(id: number, data?: string | Uint8Array): boolean {
    return this.#clients.get(id)?.ping(data) ?? false;
  }

  /** Sends a ping to all clients. */
  pingAll(data?: string | Uint8Array): void {
    for (const client of this.#clients.values()) client.ping(data);
  }

  /** Returns true if there is a client of this number whose queue has space. */
  availableForWrite(id: number): boolean {
    return this.#clients.get(id)?.canSend() ?? false;
  }

  /** Returns true if the queues of all connected clients have space. */
  availableForWriteAll(): boolean {
    for (const client of this.#clients.values()) {
      if (client.status() === events.WS_CONNECTED && client.queueIsFull()) return false;
    }
    return true;
  }

  /** Fulfilled when nothing waits for any client, with true; with false if a connection is over before. */
  drained(): Promise<boolean> {
    return allDrained(this.#clients.values());
  }

  /** Closes one client behind the messages that wait for it. */
  close(id: number, code?: number, reason?: string): void {
    this.#clients.get(id)?.close(code, reason);
  }

  /** Closes all clients behind the messages that wait for them. */
  closeAll(code?: number, reason?: string): void {
    for (const client of this.#clients.values()) client.close(code, reason);
  }
}

function makeServer(options: AsyncWebSocketOptions, limits: WebSocketLimits): WebSocketServer {
  const given = {
    noServer: true,
    clientTracking: false,
    maxPayload: int32(limits.messageBytes),
    maxFragments: int32(limits.messageFrames),
    maxBufferedChunks: int32(limits.framePieces),
    skipUTF8Validation: options.checksUtf8 === false,
    perMessageDeflate: options.deflate ?? false,
    closeTimeout: timerMs(limits.closeMs),
  };
  return new WebSocketServer(given);
}

/** Returns a limit as ws takes it, which cuts numbers to 32 bits; to it, 0 is no limit. */
function int32(limit: number): number {
  return Math.min(Math.ceil(limit), 0x7fff_ffff);
}

function originCheck(origins: AsyncWebSocketOptions['origins']): OriginCheck {
  if (typeof origins === 'function') return origins;
  if (origins === undefined) return () => true;
  const allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  return (origin) => origin === undefined || allowed.has(origin.toLowerCase());
}
