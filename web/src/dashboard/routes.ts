/** The paths of a dashboard: the page, its stream, figures as JSON and for Prometheus, and actions. */
import type { AsyncEventSource } from '../events/event-source.js';
import { AsyncCallbackWebHandler, type ArRequestHandlerFunction } from '../handlers/callback-handler.js';
import type { AsyncWebHandler } from '../handlers/handler.js';
import { AsyncStaticWebHandler } from '../handlers/static-handler.js';
import { HttpError } from '../http-error.js';
import { HTTP_GET, HTTP_POST } from '../methods.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { AsyncJsonResponse } from '../response/value-response.js';
import { AsyncURIMatcher } from '../uri-matcher.js';
import { FILTER_CHARS, JSON_CONNECTIONS, PAGE_EVENTS, TABLE_ROWS } from './bounds.js';
import { CHART_FILES, chartFolder, PAGE_CACHE, pageFolder } from './files.js';
import { checkAction, Guard } from './guard.js';
import { askForToken, takeToken } from './login.js';
import type { Metrics } from './metrics.js';
import type { MonitorSource } from './monitor-source.js';
import { filtered, firstOf, isOrder } from './selection.js';
import type { Token } from './token.js';
import { connectionRow } from './view.js';

export interface RouteSettings {
  /** Path of the dashboard without the slash at its end: empty for '/'. */
  readonly base: string;
  readonly monitor: MonitorSource;
  readonly stream: AsyncEventSource;
  readonly metrics: Metrics;
  /** Returns the token; `undefined` while none is needed. */
  readonly token: () => Token | undefined;
  /** Returns the port of the server. */
  readonly port: () => number;
  /** As that of `ViewSettings`. */
  readonly ownPort: () => number;
}

/** Path of an action: the connection, and what becomes of it. */
const ACTION = /^\/connections\/(\d{1,15})\/(close|reset)$/;

/** Returns the handlers of all paths, in the order in which a server asks them. */
export function routesOf(settings: RouteSettings): AsyncWebHandler[] {
  const { base, monitor, stream, metrics, token } = settings;
  const guard = new Guard({
    token,
    port: settings.port,
    ask: (request) => {
      const needed = token();
      if (needed !== undefined) askForToken(request, { base, token: needed, port: settings.port() });
    },
  });
  const get = (path: string, answer: ArRequestHandlerFunction): AsyncWebHandler =>
    new AsyncCallbackWebHandler(AsyncURIMatcher.exact(base + path), HTTP_GET, answer).addMiddleware(
      guard.run,
    );
  const charts = chartFolder();
  const handlers: AsyncWebHandler[] = [
    ...loginRoutes(settings, guard),
    stream.addMiddleware(guard.run),
    get('/snapshot.json', (request) => {
      const { connections, ...rest } = monitor.snapshot();
      const shown = firstOf(connections, 'traffic', JSON_CONNECTIONS);
      request.send(new AsyncJsonResponse({ ...rest, connections: shown }));
    }),
    get('/history.json', (request) => request.send(new AsyncJsonResponse(monitor.history()))),
    get('/events.json', (request) => {
      const since = Number(request.arg('since'));
      if (!(Number.isSafeInteger(since) && since >= 0))
        throw new HttpError(400, 'since must be the number of an event');
      request.send(new AsyncJsonResponse(monitor.events(since).slice(-PAGE_EVENTS)));
    }),
    get('/connections.json', (request) => {
      sendConnections(request, settings);
    }),
    get('/metrics', async (request) => {
      const { contentType, text } = await metrics.text();
      request.send(200, contentType, text);
    }),
    actionHandler(settings).addMiddleware(guard.run),
    ...Object.entries(CHART_FILES).map(([path, file]) =>
      new AsyncStaticWebHandler(base + path, charts, file, PAGE_CACHE).addMiddleware(guard.run),
    ),
    new AsyncStaticWebHandler(base, pageFolder(), '/', PAGE_CACHE).addMiddleware(guard.run),
  ];
  if (base !== '') {
    // The page's own paths are relative to its folder.
    const redirect = new AsyncCallbackWebHandler(AsyncURIMatcher.exact(base), HTTP_GET, (request) => {
      request.redirect(`${base}/`);
    });
    handlers.unshift(redirect);
  }
  return handlers;
}

/** The form for the token, and its styles: they are there for a client that has no token yet. */
function loginRoutes({ base, token, port }: RouteSettings, guard: Guard): AsyncWebHandler[] {
  const take = new AsyncCallbackWebHandler(AsyncURIMatcher.exact(`${base}/login`), HTTP_POST, (request) => {
    const needed = token();
    if (needed === undefined) throw new HttpError(404);
    takeToken(request, { base, token: needed, port: port() });
  });
  const styles = ['/login.css', '/theme.css'].map(
    (file) => new AsyncStaticWebHandler(base + file, pageFolder(), file, PAGE_CACHE),
  );
  return [take, ...styles].map((handler) => handler.addMiddleware(guard.runWithoutToken));
}

/** Answers with the connections that a filter lets pass, in an order. */
function sendConnections(request: AsyncWebServerRequest, { monitor, ownPort }: RouteSettings): void {
  const filter = request.arg('filter');
  const order = request.arg('order') === '' ? 'traffic' : request.arg('order');
  if (filter.length > FILTER_CHARS) throw new HttpError(400, `filter has at most ${FILTER_CHARS} characters`);
  if (!isOrder(order)) throw new HttpError(400, `${order} is no order`);
  const { connections, atMs } = monitor.snapshot();
  const found = filtered(connections, filter);
  const rows = firstOf(found, order, TABLE_ROWS).map((figures) => connectionRow(figures, atMs, ownPort()));
  request.send(new AsyncJsonResponse({ atMs, all: connections.length, found: found.length, rows }));
}

/** Closes or resets a connection. */
function actionHandler({ base, monitor }: RouteSettings): AsyncCallbackWebHandler {
  const matcher = new AsyncURIMatcher(`${base}/connections/*`, (path) =>
    path.startsWith(base) ? (ACTION.exec(path.slice(base.length))?.slice(1) ?? false) : false,
  );
  return new AsyncCallbackWebHandler(matcher, HTTP_POST, (request) => {
    checkAction(request);
    const id = Number(request.pathArg(0));
    const isDone = request.pathArg(1) === 'close' ? monitor.close(id) : monitor.reset(id);
    if (!isDone) throw new HttpError(404, `there is no connection #${id}`);
    request.send(new AsyncBasicResponse(204));
  });
}
