/**
 * The web server. A request goes: node:http parses its head → `admit` → rewrites → the first handler that
 * answers it → middleware → the body is read → the handler → the answer leaves.
 */
import http, { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { carry } from 'asynctcp/net';
import { admit } from './admission.js';
import { Nonces } from './auth/nonces.js';
import { answerClientError, dropAll, ignoreRest } from './client-error.js';
import type { WebFolder } from './files/web-folder.js';
import {
  AsyncCallbackWebHandler,
  type ArBodyHandlerFunction,
  type ArRequestHandlerFunction,
  type ArUploadHandlerFunction,
} from './handlers/callback-handler.js';
import { AsyncFetchWebHandler, type ArFetchFunction } from './handlers/fetch-handler.js';
import type { AsyncWebHandler } from './handlers/handler.js';
import { noteAllowed, NotFoundHandler } from './handlers/not-found-handler.js';
import { AsyncStaticWebHandler } from './handlers/static-handler.js';
import { HttpError } from './http-error.js';
import { timerMs } from './interval.js';
import { LastingConnections, type EndConnection } from './lasting.js';
import { limitsOf, type Limits } from './limits.js';
import { HTTP_ANY } from './methods.js';
import { errorText, targetText } from './middleware/log-text.js';
import { AsyncMiddlewareChain, type ArMiddlewareNext } from './middleware/middleware.js';
import { isLast, Pipelines } from './pipelines.js';
import { QueueBudget } from './queue/queue-budget.js';
import { hasBody, readBody } from './request/body.js';
import { dropRestAfter } from './request/drop-rest.js';
import { Reply, replyClosed } from './request/reply.js';
import type { RequestHost } from './request/request-host.js';
import { RequestLoad } from './request/request-load.js';
import { AsyncWebServerRequest } from './request/request.js';
import { readToEnd, replyToUpgrade, type Upgrade } from './request/upgrade.js';
import { AsyncWebRewrite } from './rewrite.js';
import type { AsyncWebServerOptions } from './server-options.js';
import { Unanswered } from './unanswered.js';
import type { AsyncURIMatcher } from './uri-matcher.js';

/** Time between two looks of node:http for connections whose time is over, in milliseconds. */
const CHECK_MS = 250;

/** Answer to CONNECT: the server is no proxy. */
const NO_PROXY = 'HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

export class AsyncWebServer extends AsyncMiddlewareChain implements RequestHost, AsyncDisposable {
  readonly limits: Limits;
  readonly queueBudget: QueueBudget;
  readonly load: RequestLoad;
  readonly #port: number;
  readonly #options: AsyncWebServerOptions;
  readonly #server: WebServer;
  readonly #handlers: AsyncWebHandler[] = [];
  readonly #rewrites: AsyncWebRewrite[] = [];
  readonly #notFound = new NotFoundHandler();
  readonly #defaultHeaders: string[] = [];
  readonly #unanswered: Unanswered;
  readonly #lasting = new LastingConnections();
  readonly #pipelines = new Pipelines();
  /** Connections of requests that could be read in two ways: what follows on them may be none. */
  readonly #closing = new WeakSet<Socket>();
  #nonces: Nonces | undefined;
  /** Settles when the server has ended. */
  #ending: Promise<void> | undefined;

  /**
   * Makes a server; `begin` lets it listen.
   * @param port 0: a free one, which `port` tells.
   * @throws RangeError for a limit that is no positive number; TypeError, RangeError for a `preamble` that is
   *   none.
   */
  constructor(port = 80, options: AsyncWebServerOptions = {}) {
    super();
    this.#port = port;
    this.#options = options;
    this.limits = limitsOf(options.limits);
    this.load = new RequestLoad(this.limits);
    this.queueBudget = new QueueBudget(this.limits.queuedBytes);
    this.#unanswered = new Unanswered(this.limits.answerMs, (request) => {
      this.#late(request);
    });
    this.#server = carry(makeServer(options, this.limits), {
      stack: options.stack,
      preamble: options.preamble,
      onDrain: () => {
        this.#lasting.end();
      },
    });
    this.#listenToServer();
  }

  #listenToServer(): void {
    const server = this.#server;
    const { limits } = this;
    server.maxConnections = limits.connections;
    server.maxHeadersCount = limits.headers + 1;
    server.timeout = limits.stalledMs;
    server.on('request', (message, reply: Reply) => {
      this.#serve(message, reply);
    });
    // The body is asked for when middleware has let the request pass.
    server.on('checkContinue', (message: IncomingMessage, reply: Reply) => {
      // After a refusal the client may send its body or not: only a closed connection is clear to both.
      const keepsAlive = reply.shouldKeepAlive;
      reply.shouldKeepAlive = false;
      this.#serve(message, reply, undefined, keepsAlive);
    });
    server.on('checkExpectation', (_message: IncomingMessage, reply: ServerResponse) => {
      this.#refuse(reply, 417);
    });
    // node:http knows a connection of TLS behind its handshake only, and one of CONNECT not any more.
    server.on('connection', (socket: Socket) => {
      if (this.#options.tls !== undefined) this.#lasting.add(socket);
    });
    server.on('connect', (_message: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => undefined);
      if (isAnswering(socket) || !(socket instanceof Socket)) {
        socket.destroy();
        return;
      }
      this.#lasting.add(socket);
      dropAll(socket.end(NO_PROXY), limits);
    });
    server.on('clientError', (error: Error, socket: Duplex) => {
      if (socket instanceof Socket) answerClientError(error, socket, limits);
      else socket.destroy();
    });
    server.on('timeout', (socket: Socket) => {
      if (isStalled(socket)) socket.destroy();
    });
    server.on('upgrade', (message: IncomingMessage, duplex: Duplex, head: Buffer) => {
      // node:http has left the connection: nothing tells the answers that are due from the new protocol.
      if (isAnswering(duplex)) {
        duplex.on('error', () => undefined).destroy();
        return;
      }
      const [reply, socket] = replyToUpgrade(message, duplex);
      this.#lasting.add(socket);
      this.#serve(message, reply, { socket, head });
    });
  }

  // ---- listening

  /**
   * Begins to listen.
   * @throws the system's error, such as EADDRINUSE.
   */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, this.#options.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Returns the port on which the server listens; 0 while it does not. */
  port(): number {
    const address = this.#server.address();
    return isAddress(address) ? address.port : 0;
  }

  /**
   * Stops listening, and ends the connections: those without a request, WebSockets (1001) and event streams
   * at once, the others when they have had their answer, all after `graceMs` in any case. A further call
   * waits for the same end; the shortest time holds.
   */
  end(graceMs = 5000): Promise<void> {
    if (this.#server.listening) this.#ending = this.#close();
    if (this.#ending === undefined) return Promise.resolve();
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      this.#lasting.destroy();
    }, graceMs);
    return this.#ending.finally(() => {
      clearTimeout(timer);
    });
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        this.#ending = undefined;
        this.#lasting.reset();
        resolve();
      });
      this.#server.closeIdleConnections();
      this.#lasting.end();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /** node:http's own server, for what has no name here. */
  get server(): http.Server<typeof IncomingMessage, typeof Reply> {
    return this.#server;
  }

  // ---- handlers

  /** Answers a path by a function. Earlier handlers come first. */
  on(uri: string | AsyncURIMatcher, onRequest: ArRequestHandlerFunction): AsyncCallbackWebHandler;
  /**
   * Answers a path by a function, for some methods.
   * @param methods such as `HTTP_GET | HTTP_POST`.
   * @param onRequest called when the body has been read.
   * @param onUpload takes the files of a form.
   * @param onBody takes a body that is no form.
   */
  on(
    uri: string | AsyncURIMatcher,
    methods: number,
    onRequest: ArRequestHandlerFunction,
    onUpload?: ArUploadHandlerFunction,
    onBody?: ArBodyHandlerFunction,
  ): AsyncCallbackWebHandler;
  on(
    uri: string | AsyncURIMatcher,
    methods: number | ArRequestHandlerFunction,
    onRequest?: ArRequestHandlerFunction,
    onUpload?: ArUploadHandlerFunction,
    onBody?: ArBodyHandlerFunction,
  ): AsyncCallbackWebHandler {
    const isEvery = typeof methods === 'function';
    const handler = new AsyncCallbackWebHandler(
      uri,
      isEvery ? HTTP_ANY : methods,
      isEvery ? methods : onRequest,
    );
    return this.addHandler(handler.onUpload(onUpload).onBody(onBody));
  }

  /**
   * Answers the paths at and below `uri` by files. A path without a file is the next handler's.
   * @param folder a folder, or its path on the system.
   * @param path the file, or the folder, below `folder` that answers for `uri`.
   * @param cacheControl value of `Cache-Control`, such as 'max-age=600'.
   * @throws RangeError for a path that leads out of the folder.
   */
  serveStatic(
    uri: string,
    folder: WebFolder | string,
    path = '/',
    cacheControl?: string,
  ): AsyncStaticWebHandler {
    return this.addHandler(new AsyncStaticWebHandler(uri, folder, path, cacheControl));
  }

  /**
   * Answers a path by a function of the web's `Request` and `Response`, such as the `fetch` of a Hono app:
   * `server.onFetch(AsyncURIMatcher.all(), app.fetch)`.
   */
  onFetch(uri: string | AsyncURIMatcher, fetch: ArFetchFunction, methods = HTTP_ANY): AsyncFetchWebHandler {
    return this.addHandler(new AsyncFetchWebHandler(uri, fetch, this.limits, methods));
  }

  /** Adds a handler behind the others. Returns it. */
  addHandler<H extends AsyncWebHandler>(handler: H): H {
    this.#handlers.push(handler);
    return handler;
  }

  /** Removes a handler. Returns true if it was there. */
  removeHandler(handler: AsyncWebHandler): boolean {
    return remove(this.#handlers, handler);
  }

  /** Gives the requests of one path another one. */
  rewrite(from: string, to: string): AsyncWebRewrite {
    return this.addRewrite(new AsyncWebRewrite(from, to));
  }

  addRewrite(rewrite: AsyncWebRewrite): AsyncWebRewrite {
    this.#rewrites.push(rewrite);
    return rewrite;
  }

  /** Removes a rewrite. Returns true if it was there. */
  removeRewrite(rewrite: AsyncWebRewrite): boolean {
    return remove(this.#rewrites, rewrite);
  }

  /** Answers what no handler does. Default: 404, or 405 with `Allow`. */
  onNotFound(handler: ArRequestHandlerFunction | undefined): void {
    this.#notFound.setOnRequest(handler);
  }

  /** Takes the files of forms that no handler answers. */
  onFileUpload(handler: ArUploadHandlerFunction | undefined): void {
    this.#notFound.onUpload(handler);
  }

  /** Takes the bodies of requests that no handler answers. */
  onRequestBody(handler: ArBodyHandlerFunction | undefined): void {
    this.#notFound.onBody(handler);
  }

  /** Removes all handlers and rewrites. */
  reset(): void {
    this.#handlers.length = 0;
    this.#rewrites.length = 0;
    this.onNotFound(undefined);
    this.onFileUpload(undefined);
    this.onRequestBody(undefined);
  }

  /** Adds a header to every answer that has none of its name. */
  addDefaultHeader(name: string, value: string): void {
    http.validateHeaderName(name);
    http.validateHeaderValue(name, value);
    this.#defaultHeaders.push(name, value);
  }

  get defaultHeaders(): readonly string[] {
    return this.#defaultHeaders;
  }

  /** Called by a request whose client must prove who it is. */
  get nonces(): Nonces {
    return (this.#nonces ??= new Nonces(this.limits));
  }

  // ---- a request

  #serve(message: IncomingMessage, reply: Reply, upgrade?: Upgrade, keepsAlive?: boolean): void {
    const target = admit(message, this.limits);
    if (typeof target === 'number') {
      this.#refuse(reply, target);
      return;
    }
    const isWaiting = reply.socket === null;
    if (isWaiting && this.#isClosing(message.socket)) {
      ignoreRest(message.socket, this.limits);
      return;
    }
    if (this.load.isFull() || (isWaiting && !this.#mayWait(message.socket))) {
      this.#refuse(reply, 503, this.limits.retryAfterS);
      return;
    }
    const request = new AsyncWebServerRequest(this, message, reply, target);
    if (keepsAlive !== undefined) request.awaitContinue(keepsAlive);
    this.load.enter();
    reply.request = request;
    reply.on('close', replyClosed);
    if (isWaiting) this.#pipelines.add(message.socket, request);
    const handler = this.#choose(request, upgrade !== undefined);
    if (upgrade !== undefined && handler?.handleUpgrade === undefined) readToEnd(upgrade.socket);
    if (handler !== undefined) this.#run(request, handler, upgrade);
  }

  /** Returns the handler of a request; `undefined` if a filter or a matcher has failed. */
  #choose(request: AsyncWebServerRequest, isUpgrade: boolean): AsyncWebHandler | undefined {
    try {
      for (const rewrite of this.#rewrites) if (rewrite.match(request)) rewrite.apply(request);
      const handler = this.#find(request, isUpgrade);
      request.handler = handler;
      return handler;
    } catch (error) {
      this.#failed(request, error);
      return undefined;
    }
  }

  /** Returns true if there is an answer behind which the connection is closed (RFC 9112 §9.6). */
  #isClosing(socket: Socket): boolean {
    const reply: unknown = Reflect.get(socket, '_httpMessage');
    if (this.#closing.has(socket) || this.#pipelines.hasLast(socket)) return true;
    return reply instanceof Reply && isLast(reply);
  }

  /** Returns true if a further request may wait for the answers to others on its connection. */
  #mayWait(socket: Socket): boolean {
    return this.#pipelines.count(socket) < this.limits.pipelined && !this.#lasting.has(socket);
  }

  /** Returns the first handler, from a place on, that answers the request. */
  #find(request: AsyncWebServerRequest, isUpgrade: boolean, from = 0): AsyncWebHandler {
    let allowed = 0;
    for (let at = from; at < this.#handlers.length; at += 1) {
      const handler = this.#handlers[at];
      if (handler === undefined) break;
      if (isUpgrade !== (handler.handleUpgrade !== undefined)) continue;
      // The log names it if its matcher or its filter throws.
      request.handler = handler;
      const match = handler.matches(request);
      if (match === false || !handler.filter(request)) continue;
      if (handler.answers(request)) {
        if (match !== true) request.setPathArgs(match);
        if (handler.holds !== undefined) noteAllowed(request, allowed);
        return handler;
      }
      allowed |= handler.methods;
    }
    // A server may ignore the wish for another protocol (RFC 9110 §7.8).
    if (isUpgrade) return this.#find(request, false);
    noteAllowed(request, allowed);
    return this.#notFound;
  }

  #run(request: AsyncWebServerRequest, handler: AsyncWebHandler, upgrade: Upgrade | undefined): void {
    let running: Promise<void> | undefined;
    try {
      running = this.hasMiddleware
        ? this.runChain(request, () => this.#enter(request, handler, upgrade))
        : this.#enter(request, handler, upgrade);
      if (running === undefined) request.open();
    } catch (error) {
      this.#failed(request, error);
    }
    // An answer that waits for middleware has not left.
    if (!request.hasLeft()) this.#unanswered.add(request);
    running
      ?.then(() => {
        request.open();
      })
      .catch((error: unknown) => {
        this.#failed(request, error);
      });
  }

  /**
   * Runs a handler, or the next one, if it does not hold what the request asks for.
   * @param guarded runs the server's own 404 behind the middleware of the handlers that were asked in vain:
   *   without a password, what a protected folder lacks looks like what it has.
   */
  #enter(
    request: AsyncWebServerRequest,
    handler: AsyncWebHandler,
    upgrade: Upgrade | undefined,
    guarded: (run: ArMiddlewareNext) => Promise<void> | undefined = (run) => run(),
  ): Promise<void> | undefined {
    if (handler === this.#notFound && this.#notFound.isDefault) {
      return guarded(() => this.#runHandler(request, handler, upgrade));
    }
    const held = handler.holds?.(request) ?? true;
    if (held === true) return this.#runHandler(request, handler, upgrade);
    const pass = (): Promise<void> | undefined => {
      // Handlers of other protocols have been asked before the others.
      const isUpgrade = upgrade !== undefined && handler.handleUpgrade !== undefined;
      const next = this.#find(request, isUpgrade, this.#handlers.indexOf(handler) + 1);
      request.handler = next;
      return this.#enter(request, next, upgrade, (run) => guarded(() => handler.runChain(request, run)));
    };
    if (held === false) return pass();
    return held.then((isHeld) => {
      // It took too long, or the client has gone.
      if (request.hasLeft()) return undefined;
      return isHeld ? this.#runHandler(request, handler, upgrade) : pass();
    });
  }

  /** Runs a handler behind its middleware. */
  #runHandler(
    request: AsyncWebServerRequest,
    handler: AsyncWebHandler,
    upgrade: Upgrade | undefined,
  ): Promise<void> | undefined {
    return handler.hasMiddleware
      ? handler.runChain(request, () => this.#handle(request, handler, upgrade))
      : this.#handle(request, handler, upgrade);
  }

  /** Reads the body, and calls the handler. */
  #handle(
    request: AsyncWebServerRequest,
    handler: AsyncWebHandler,
    upgrade: Upgrade | undefined,
  ): Promise<void> | undefined {
    if (upgrade !== undefined && handler.handleUpgrade !== undefined) {
      // Its bytes would be read as those of the other protocol.
      if (hasBody(request.message)) throw new HttpError(400);
      return settled(handler.handleUpgrade(request, upgrade.socket, upgrade.head));
    }
    if (!hasBody(request.message)) return settled(handler.handleRequest(request));
    // node:http reads no more of a connection that asks for another protocol.
    if (upgrade !== undefined) throw new HttpError(426);
    if (handler.readsBody) return settled(handler.handleRequest(request));
    return this.#handleWithBody(request, handler);
  }

  async #handleWithBody(request: AsyncWebServerRequest, handler: AsyncWebHandler): Promise<void> {
    await readBody(request, handler, this.limits);
    if (!request.isSent()) await handler.handleRequest(request);
  }

  // ---- what goes wrong

  /** Answers a request that no handler gets. The rest of its body is dropped. */
  #refuse(reply: ServerResponse, code: number, retryAfterS?: number): void {
    const text = STATUS_CODES[code] ?? '';
    if (retryAfterS !== undefined) reply.setHeader('Retry-After', retryAfterS);
    // The client and the server may disagree about where the request ends.
    if (code === 400 || code === 501) {
      reply.shouldKeepAlive = false;
      this.#closing.add(reply.req.socket);
    }
    reply.writeHead(code, { 'Content-Length': Buffer.byteLength(text), 'Content-Type': 'text/plain' });
    dropRestAfter(reply, reply.req, this.limits);
    reply.end(text);
  }

  /** Called by a request. */
  onLasting(socket: Socket, end: EndConnection): void {
    this.#lasting.add(socket, end);
    this.#pipelines.close(socket);
  }

  /** Called by a request. */
  onFailed(request: AsyncWebServerRequest, what: string, error: unknown): void {
    this.#log(request, `${what} ${textOf(error)}`);
  }

  /** Called by a request. */
  onAnswered(request: AsyncWebServerRequest): void {
    this.#unanswered.delete(request);
  }

  /** Called by a request. */
  onBodyRead(request: AsyncWebServerRequest): void {
    this.#unanswered.restart(request);
  }

  /** Called by a request. */
  onBodyFailed(request: AsyncWebServerRequest, error: unknown): void {
    this.#log(request, `its body broke off: ${textOf(error)}`);
  }

  #failed(request: AsyncWebServerRequest, error: unknown): void {
    if (request.isGone()) return;
    const isMeant = error instanceof HttpError;
    if (!isMeant) this.#log(request, `it threw ${textOf(error)}`);
    if (request.hasLeft()) {
      request.abort();
      return;
    }
    if (isMeant) this.#replace(request, error.code, error.message, error.retryAfterS);
    else this.#replace(request, 500, STATUS_CODES[500] ?? '');
  }

  /** Answers in place of a handler. Functions of the program that see the answer may fail as well. */
  #replace(request: AsyncWebServerRequest, code: number, text: string, retryAfterS?: number): void {
    try {
      request.replace(code, text, retryAfterS);
    } catch (error) {
      // They are not called again.
      this.#failed(request, error);
    }
  }

  #late(request: AsyncWebServerRequest): void {
    this.#log(request, `it has not answered within ${this.limits.answerMs} ms`);
    this.#replace(request, 503, STATUS_CODES[503] ?? '');
  }

  #log(request: AsyncWebServerRequest, what: string): void {
    const route = request.handler?.route() ?? '';
    const line = `asynctcp-web: handler ${route} of ${request.methodToString()} ${targetText(request.url())}: ${what}`;
    (this.#options.log ?? console.error)(line);
  }
}

type WebServer = http.Server<typeof IncomingMessage, typeof Reply>;

function makeServer({ tls }: AsyncWebServerOptions, limits: Limits): WebServer {
  const options: http.ServerOptions<typeof IncomingMessage, typeof Reply> = {
    ServerResponse: Reply,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: Math.max(limits.headersMs, limits.requestMs),
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: CHECK_MS,
  };
  if (tls === undefined) return http.createServer(options);
  return https.createServer({ ...options, handshakeTimeout: timerMs(limits.headersMs), ...tls });
}

/** Returns true if an earlier request of the connection has not had its whole answer. */
function isAnswering(socket: Duplex): boolean {
  const reply: unknown = Reflect.get(socket, '_httpMessage');
  return reply !== null && reply !== undefined;
}

/** Returns true if a silent client takes no bytes, or has no request: the server itself may be silent too. */
function isStalled(socket: Socket): boolean {
  return socket.writableLength > 0 || !isAnswering(socket);
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function remove<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  return at >= 0 && list.splice(at, 1).length > 0;
}

/** Returns the promise of a handler, if it returned one. */
function settled(returned: unknown): Promise<void> | undefined {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return undefined;
  return Promise.resolve(returned).then(() => undefined);
}

function textOf(error: unknown): string {
  return errorText(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
