/**
 * A web server that runs several times, on one machine or on many, behind HAProxy (haproxy.cfg): each knows
 * the clients' addresses by the PROXY protocol, and a message of one WebSocket client reaches the clients of
 * all servers through Redis. SIGTERM takes a server away without a lost request.
 *
 *     NAME=one PORT=8081 REDIS=6379 node build/server.js
 */
import {
  AsyncWebServer,
  AsyncWebSocket,
  AsyncWebSocketMessageHandler,
  HTTP_GET,
  HTTP_POST,
} from 'asynctcp-web';
import { proxyProtocol } from 'asynctcp/gateway';
import { Redis } from 'ioredis';

const { NAME = 'one', PORT = '8081', REDIS = '6379', STACK } = process.env;

/** Redis channel of the news. */
const CHANNEL = 'news';
/** Bytes of a message: a longer one closes its client with 1009. */
const MOST_BYTES = 4096;
/** Answers 404 to HAProxy's health checks after which HAProxy sends no further request. */
const CHECKS_TO_SEE = 2;
/** Longest wait for these checks: there may be no HAProxy. */
const MOST_WAIT_MS = 5000;
/** Time for the answers that are due when the server ends. */
const GRACE_MS = 10_000;

export const server = new AsyncWebServer(Number(PORT), {
  host: '127.0.0.1',
  preamble: proxyProtocol({ trusted: ['127.0.0.1'] }),
  ...((STACK === 'kernel' || STACK === 'node') && { stack: STACK }),
});

// ---- requests

server.on('/', HTTP_GET | HTTP_POST, (request) => {
  const client = request.client();
  request.send(200, 'text/plain', `${NAME} ${client?.remoteIP()} ${client?.remotePort()}`);
});

let checksSeen = 0;
let isEnding = false;
let onChecked = (): void => undefined;

server.on('/health', HTTP_GET, (request) => {
  request.send(isEnding ? 404 : 200);
  if (!isEnding) return;
  checksSeen += 1;
  if (checksSeen >= CHECKS_TO_SEE) onChecked();
});

// ---- news: each server gives to its own clients what Redis gives to all servers

const publisher = new Redis({ port: Number(REDIS) });
const subscriber = publisher.duplicate();
for (const redis of [publisher, subscriber]) {
  // ioredis connects again by itself.
  redis.on('error', (error: Error) => console.error(`Redis: ${error.message}`));
}

const handler = new AsyncWebSocketMessageHandler()
  .onConnect((_server, client) => client.text(`connected to ${NAME}`))
  .onMessage((_server, client, data) => {
    publisher.publish(CHANNEL, data).catch((error: unknown) => {
      client.text(`not sent: ${String(error)}`);
    });
  });
const news = new AsyncWebSocket('/news', { limits: { messageBytes: MOST_BYTES } });
news.onEvent(handler.eventHandler());
server.addHandler(news);

subscriber.on('message', (_channel, text) => {
  news.textAll(text);
});

// ---- from the begin to the end

async function end(): Promise<void> {
  isEnding = true;
  await new Promise<void>((resolve) => {
    onChecked = resolve;
    setTimeout(resolve, MOST_WAIT_MS).unref();
  });
  await server.end(GRACE_MS);
  await Promise.all([publisher.quit(), subscriber.quit()]);
}

await subscriber.subscribe(CHANNEL);
await server.begin();
console.log(`listening on ${server.port()}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
