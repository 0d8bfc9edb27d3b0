/**
 * node:http's server with the limits of a web server, and its events: a request of any kind goes to
 * `onRequest`; what is no request is answered, or ended, here.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerClientError, dropAll } from './client-error.js';
import { timerMs } from './interval.js';
import type { LastingConnections } from './lasting.js';
import type { Limits } from './limits.js';
import { Reply } from './request/reply.js';
import { replyToUpgrade, type Upgrade } from './request/upgrade.js';
import type { AsyncWebServerOptions } from './server-options.js';

export type HttpServer = http.Server<typeof IncomingMessage, typeof Reply>;

export interface HttpEvents {
  /**
   * Called with each request.
   * @param upgrade the connection, if the request asks for another protocol.
   * @param keepsAlive set if the client waits to be asked for the body: `reply.shouldKeepAlive` from then on.
   */
  onRequest(message: IncomingMessage, reply: Reply, upgrade?: Upgrade, keepsAlive?: boolean): void;
  /** Called with a request that expects anything but to be asked for its body (RFC 9110 §10.1.1). */
  onUnknownExpectation(reply: ServerResponse): void;
}

/** Time between two looks of node:http for connections whose time is over, in milliseconds. */
const CHECK_MS = 250;

/** Answer to CONNECT: the server is no proxy. */
const NO_PROXY = 'HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * Makes a server that does not listen yet.
 * @param lasting keeps the connections that node:http does not know, or not any more.
 */
export function makeHttpServer(
  tls: AsyncWebServerOptions['tls'],
  limits: Limits,
  lasting: LastingConnections,
  events: HttpEvents,
): HttpServer {
  const server = withLimits(tls, limits);
  server.on('request', (message, reply: Reply) => {
    events.onRequest(message, reply);
  });
  // The body is asked for when middleware has let the request pass.
  server.on('checkContinue', (message: IncomingMessage, reply: Reply) => {
    // After a refusal the client may send its body or not: only a closed connection is clear to both.
    const keepsAlive = reply.shouldKeepAlive;
    reply.shouldKeepAlive = false;
    events.onRequest(message, reply, undefined, keepsAlive);
  });
  server.on('checkExpectation', (_message: IncomingMessage, reply: ServerResponse) => {
    events.onUnknownExpectation(reply);
  });
  server.on('connection', (socket: Socket) => {
    // node:http knows a connection of TLS behind its handshake only.
    if (tls !== undefined) lasting.add(socket);
  });
  server.on('connect', (_message: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined);
    if (isAnswering(socket) || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    lasting.add(socket);
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
    lasting.add(socket);
    events.onRequest(message, reply, { socket, head });
  });
  return server;
}

function withLimits(tls: AsyncWebServerOptions['tls'], limits: Limits): HttpServer {
  const options: http.ServerOptions<typeof IncomingMessage, typeof Reply> = {
    ServerResponse: Reply,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: Math.max(limits.headersMs, limits.requestMs),
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: CHECK_MS,
  };
  const server =
    tls === undefined
      ? http.createServer(options)
      : https.createServer({ ...options, handshakeTimeout: timerMs(limits.headersMs), ...tls });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = limits.headers + 1;
  server.timeout = limits.stalledMs;
  return server;
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
