/** The door of `asynctcp-web/dashboard`: a page that shows what the connections of this thread do. */
import { hostname } from 'node:os';
import { nodeStack } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';
import type { Registry } from 'prom-client';
import { FiguresStream } from './dashboard/figures-stream.js';
import { isLoopback } from './dashboard/guard.js';
import { Metrics } from './dashboard/metrics.js';
import type { MonitorSource } from './dashboard/monitor-source.js';
import { withoutLimit } from './dashboard/without-limit.js';
import { routesOf } from './dashboard/routes.js';
import { Token } from './dashboard/token.js';
import { viewOf } from './dashboard/view.js';
import { AsyncWebServer } from './server.js';

export type { MonitorSource } from './dashboard/monitor-source.js';

export interface DashboardOptions {
  /** Path at which it is mounted, such as '/dashboard'. Default: '/'. */
  path?: string | undefined;
  /** Name of the program, for the page. Default: `asynctcp`. */
  title?: string | undefined;
  /** Source of the figures. Default: the monitor of this thread, which is started. */
  monitor?: MonitorSource | undefined;
  /**
   * Token that a client needs, at least 16 characters of ASCII without spaces. Default: none is needed if the
   * server listens on a loopback address; otherwise one is made at random, and printed once.
   */
  token?: string | undefined;
  /** Takes the line with a token that was made at random. Default: `console.error`. */
  log?: ((line: string) => void) | undefined;
}

/** A mounted dashboard. */
export interface Dashboard {
  /** prom-client's registry behind `/metrics`: the program may add metrics of its own. */
  readonly registry: Registry;
  /** Returns the address of the page, with the token if one is needed; the server must listen. */
  url(): string;
  /** Removes the dashboard from its server. */
  end(): void;
}

const PATH = /^(\/[\w~-][\w.~-]*)*$/;

/**
 * Mounts a dashboard on a server: the page at `path`, and below it `snapshot.json`, `history.json`,
 * `events.json`, `connections.json` and `metrics`.
 * @throws RangeError for a path or a token that cannot be.
 */
export function dashboard(server: AsyncWebServer, options: DashboardOptions = {}): Dashboard {
  return mount(server, options, () => 0);
}

/** @param ownPort returns the port of a server that has nothing but the dashboard; 0 for another one. */
function mount(server: AsyncWebServer, options: DashboardOptions, ownPort: () => number): Dashboard {
  const { monitor = startMonitor(), title = 'asynctcp', log = console.error } = options;
  const base = baseOf(options.path ?? '/');
  const given = options.token === undefined ? undefined : new Token(options.token);
  let made: Token | undefined;
  const token = (): Token | undefined => given ?? (isLocal(server) ? undefined : (made ??= new Token()));
  const look = (): ReturnType<typeof viewOf> => viewOf(monitor.snapshot(), { title, ownPort: ownPort() });
  const stream = new FiguresStream(`${base}/stream`, monitor, look);
  const metrics = new Metrics(() => monitor.snapshot());
  const routes = routesOf({
    base,
    monitor,
    stream: stream.source,
    metrics,
    token,
    port: () => server.port(),
    ownPort,
  });
  for (const route of routes) server.addHandler(route);
  const url = (): string => urlOf(server, base, token());
  const announce = (): void => {
    if (given === undefined && made === undefined && token() !== undefined)
      log(`asynctcp-web: the dashboard needs a token: ${url()}`);
  };
  server.server.on('listening', announce);
  if (server.server.listening) announce();
  const end = (): void => {
    server.server.off('listening', announce);
    stream.end();
    for (const route of routes) server.removeHandler(route);
  };
  return { registry: metrics.registry, url, end };
}

function baseOf(path: string): string {
  const base = path.endsWith('/') ? path.slice(0, -1) : path;
  if (PATH.test(base)) return base;
  throw new RangeError(`path must be one such as / or /dashboard; it is ${JSON.stringify(path)}`);
}

/** Returns the address that a server listens on; empty while it does not. */
function addressOf(server: AsyncWebServer): string {
  const address = server.server.address();
  return typeof address === 'object' && address !== null ? address.address : '';
}

function isLocal(server: AsyncWebServer): boolean {
  return isLoopback(addressOf(server));
}

function urlOf(server: AsyncWebServer, base: string, token: Token | undefined): string {
  const address = addressOf(server);
  const isAny = address === '::' || address === '0.0.0.0' || address === '';
  const host = isAny ? hostname() : address.includes(':') ? `[${address}]` : address;
  const scheme = 'setSecureContext' in server.server ? 'https' : 'http';
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token.text)}`;
  return `${scheme}://${host}:${server.port()}${base}/${query}`;
}

export interface DashboardServerOptions extends Omit<DashboardOptions, 'path'> {
  /** Port; 0: a free one. Default: 7080. */
  port?: number | undefined;
  /** Address on which the server listens. Default: 127.0.0.1. */
  host?: string | undefined;
}

/** Connections of a dashboard with a server of its own: a browser opens some for each page. */
const OWN_CONNECTIONS = 256;

/** A dashboard on a server of its own. */
export interface DashboardServer extends Omit<Dashboard, 'end'> {
  readonly server: AsyncWebServer;
  /** Ends the server. */
  end(): Promise<void>;
}

/**
 * Begins a server that has nothing but a dashboard. Its stack is a `node` of its own: it answers even
 * if the program's stack has reached its limit of connections.
 * @throws the system's error, such as EADDRINUSE; RangeError as `dashboard`.
 */
export async function serveDashboard(options: DashboardServerOptions = {}): Promise<DashboardServer> {
  const { port = 7080, host = '127.0.0.1', ...rest } = options;
  const stack = nodeStack({ maxActiveTcp: OWN_CONNECTIONS });
  const server = new AsyncWebServer(port, { host, stack });
  const { monitor = startMonitor() } = rest;
  const settings = { ...rest, monitor: withoutLimit(monitor, OWN_CONNECTIONS) };
  const mounted = mount(server, settings, () => server.port());
  await server.begin();
  return {
    ...mounted,
    server,
    end: () => {
      mounted.end();
      return server.end(0);
    },
  };
}
