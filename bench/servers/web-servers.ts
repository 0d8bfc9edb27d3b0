// HTTP servers and a WebSocket server, as programs write them, on Node's own modules and on libraries. Under
// the library's hook nothing changes here; with the argument `explicit` the server is carried.

import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import process from 'node:process';

import { certificate } from '../certificate.js';
import { EXPLICIT } from '../contestants.js';
import { library } from '../libraries.js';
import type { WebMode } from '../protocol.js';
import { fault } from './child.js';

// The types of the libraries, in so far as they are used.

interface Fastify {
  readonly server: http.Server;
  get(path: string, handler: () => Promise<string>): void;
  ready(): Promise<unknown>;
}

interface ExpressResponse {
  send(text: string): void;
}

interface Express extends http.RequestListener {
  get(path: string, handler: (request: unknown, response: ExpressResponse) => void): void;
}

interface HonoContext {
  text(text: string): Response;
}

interface Hono {
  readonly fetch: unknown;
  get(path: string, handler: (context: HonoContext) => Response): void;
}

interface WebSocket {
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  send(data: unknown, options: { binary: boolean }): void;
}

interface WebSocketServer {
  on(event: 'connection', listener: (socket: WebSocket) => void): void;
}

const HELLO = 'hello world';

/** Longer than a round, in which connections are idle. */
const KEEP_ALIVE_MS = 300_000;

function answer(_: http.IncomingMessage, response: http.ServerResponse): void {
  response.setHeader('Content-Type', 'text/plain');
  response.end(HELLO);
}

async function fastifyServer(): Promise<http.Server> {
  const fastify = library('fastify') as () => Fastify;
  const app = fastify();
  app.get('/', () => Promise.resolve(HELLO));
  await app.ready();
  return app.server;
}

function expressServer(): http.Server {
  const express = library('express') as () => Express;
  const app = express();
  app.get('/', (_, response) => {
    response.send(HELLO);
  });
  return http.createServer(app);
}

function honoServer(): http.Server {
  const { Hono } = library('hono') as { Hono: new () => Hono };
  const adapter = library('@hono/node-server') as {
    createAdaptorServer(options: { fetch: unknown }): http.Server;
  };
  const app = new Hono();
  app.get('/', (context) => context.text(HELLO));
  return adapter.createAdaptorServer({ fetch: app.fetch });
}

function webSocketServer(): http.Server {
  const { WebSocketServer } = library('ws') as {
    WebSocketServer: new (options: { server: http.Server; perMessageDeflate: boolean }) => WebSocketServer;
  };
  const server = http.createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    socket.on('error', (error) => fault(`a WebSocket failed: ${error.message}`));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return server;
}

const SERVERS: Readonly<Record<WebMode, () => http.Server | Promise<http.Server>>> = {
  http: () => http.createServer(answer),
  https: () => https.createServer(certificate(), answer),
  fastify: fastifyServer,
  express: expressServer,
  hono: honoServer,
  ws: webSocketServer,
};

/** Starts a server. Resolves to its port on 127.0.0.1. */
export async function serve(mode: WebMode): Promise<number> {
  const server = await SERVERS[mode]();
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('clientError', (error) => fault(`a connection failed: ${error.message}`));
  if (process.argv[3] === EXPLICIT) {
    const { carry } = await import('asynctcp/net');
    carry(server, { stack: 'kernel' });
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') fault('the server has no port');
  return address.port;
}
