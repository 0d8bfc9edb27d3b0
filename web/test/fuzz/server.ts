/** A server with a handler of every kind, and short times. */
import {
  AsyncAuthType,
  AsyncCallbackJsonWebHandler,
  AsyncCorsMiddleware,
  AsyncEventSource,
  AsyncRateLimitMiddleware,
  AsyncURIMatcher,
  AsyncWebSocket,
  HTTP_ANY,
  HTTP_GET,
  HTTP_POST,
  type AsyncWebServer,
  type AsyncWebServerRequest,
  type Limits,
} from 'asynctcp-web';
import { HIDDEN } from './requests.js';

/** Requests at once. */
export const SLOTS = 400;

export const LIMITS: Partial<Limits> = {
  requests: SLOTS,
  bodyBytes: 16_384,
  uploadBytes: 65_536,
  headersMs: 400,
  requestMs: 500,
  answerMs: 500,
  stalledMs: 800,
  keepAliveMs: 100,
  dropMs: 300,
  dropBytes: 131_072,
  nonces: 50,
};

/** Path whose handler never answers by itself. */
export const HOLD = '/hold';

export interface Watched {
  /** Paths below `HIDDEN` that handlers have seen. */
  readonly hidden: Set<string>;
  /** Requests that wait at `HOLD`. */
  readonly held: AsyncWebServerRequest[];
}

/** Gives a server its handlers. */
export function configure(server: AsyncWebServer, folder: string): Watched {
  const watched: Watched = { hidden: new Set(), held: [] };
  server.on(HIDDEN, (request) => {
    watched.hidden.add(request.url());
    request.send(200);
  });
  server.on(HOLD, (request) => {
    watched.held.push(request);
    request.pause();
  });
  addSimple(server);
  addBodies(server);
  addGuarded(server);
  server.serveStatic('/files', folder, '/', 'max-age=1');
  server
    .serveStatic('/template', folder)
    .setTemplateProcessor({ NAME: 'x', LATER: () => Promise.resolve('y') });
  server.onFetch(AsyncURIMatcher.prefix('/fetch'), async (request) => {
    const text = request.method === 'POST' ? await request.text() : '';
    return new Response(`${text.length}`, { headers: { 'X-Length': String(request.url.length) } });
  });
  const socket = server.addHandler(
    new AsyncWebSocket('/ws', { limits: { idleMs: 1000, closeMs: 200, messageBytes: 4096 } }),
  );
  socket.onEvent((...[, client]) => client.text('x'));
  server.addHandler(new AsyncEventSource('/events')).onConnect((client) => client.send('x', 'y', 1));
  return watched;
}

function addSimple(server: AsyncWebServer): void {
  server.addDefaultHeader('X-Default', 'x');
  server.rewrite('/old', '/on?a=1');
  server.on(AsyncURIMatcher.exact('/on'), HTTP_GET, (request) => {
    request.send(200, 'text/plain', 'on');
  });
  server.on('/throw', () => {
    throw new Error('on purpose');
  });
  server.on('/late', (request) => {
    setImmediate(() => {
      request.send(200, 'text/plain', 'late');
    });
  });
  server.on('/chunked', (request) => {
    request.sendChunked('text/plain', ['a'.repeat(5000), 'b'.repeat(20_000)]);
  });
  server.on(AsyncURIMatcher.regex('^/regex/([0-9]+)$'), (request) => {
    request.send(200, 'text/plain', request.pathArg(0));
  });
  server.on('/redirect', (request) => {
    if (request.hasParam('to')) request.redirect(request.arg('to').replace(/[^ -~]/g, ''));
    else request.send(400);
  });
  server.on('/param', (request) => {
    const texts = [
      request.host(),
      request.contentType(),
      ...request.headers().map((header) => header.value()),
    ];
    for (const name of ['constructor', '__proto__', 'a', 'x'])
      texts.push(request.header(name), request.arg(name));
    request.send(200, 'text/plain', String(texts.join('').length));
  });
}

function addBodies(server: AsyncWebServer): void {
  server.addHandler(
    new AsyncCallbackJsonWebHandler('/json', (request, value) => {
      request.send(200, 'application/json', JSON.stringify(typeof value));
    }),
  );
  let turns = 0;
  server.on(
    '/upload',
    HTTP_ANY,
    (request) => {
      request.send(200, 'text/plain', String(request.args()));
    },
    () => ((turns += 1) % 2 === 0 ? undefined : new Promise(setImmediate)),
    (_request, _data, index) => (index === 0 ? undefined : new Promise(setImmediate)),
  );
  server.on('/body', HTTP_POST, async (request) => {
    const bytes = await request.bodyBytes();
    request.send(200, 'application/octet-stream', bytes);
  });
}

function addGuarded(server: AsyncWebServer): void {
  const answer = (request: AsyncWebServerRequest): void => {
    request.send(200, 'text/plain', 'in');
  };
  server.on('/basic', answer).setAuthentication('u', 'p', AsyncAuthType.AUTH_BASIC);
  server.on('/digest', answer).setAuthentication('u', 'p');
  server.on('/bearer', answer).addMiddleware(async (request, next) => {
    await new Promise(setImmediate);
    if (!request.authentication.isBearer('t')) request.requestAuthentication(AsyncAuthType.AUTH_BEARER);
    else await next();
  });
  server
    .on('/limited', answer)
    .addMiddleware(new AsyncRateLimitMiddleware().setMaxRequests(5).setWindowSize(1));
  server.on('/cors', answer).addMiddleware(new AsyncCorsMiddleware());
}
