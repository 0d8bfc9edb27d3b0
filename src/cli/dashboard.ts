/**
 * The dashboard of `asynctcp serve`. Its page is a part of the package asynctcp-web, which needs this one: so
 * it is loaded only when it is wanted, and may be absent.
 */
import { isIP } from 'node:net';
import { CommandError, wrongArguments, type Option } from './command.js';

const HOST = '127.0.0.1';
const MAX_PORT = 65_535;
/** Offset of the dashboard's port from the services' base. */
export const DASHBOARD_OFFSET = 80;
const PACKAGE = 'asynctcp-web';
/** Put together here, so that the compiler does not look for the package. */
const MODULE = [PACKAGE, 'dashboard'].join('/');
const REMEDY = `the dashboard needs the package ${PACKAGE}: npm install ${PACKAGE}`;

export const DASHBOARD: Option = {
  name: 'dashboard',
  value: '[ADDRESS:]PORT',
  meaning: `port of the page that shows the connections; 0: a free one; off: none (default the port base plus ${DASHBOARD_OFFSET}). It listens on ${HOST} unless an address is given, such as 0.0.0.0:7080 or [::]:7080; it needs a token then, which is printed`,
};

/** A dashboard that runs. */
export interface RunningDashboard {
  /** Returns the address of its page. */
  url(): string;
  end(): Promise<void>;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** The part of asynctcp-web that is used here. */
interface DashboardModule {
  serveDashboard(options: object): Promise<RunningDashboard>;
}

/**
 * Begins the dashboard. Returns it; a line with the reason if asynctcp-web is not installed and no dashboard
 * was asked for; `undefined` if none is wanted.
 * @param given the option's value.
 * @param defaultPort the port without the option.
 * @throws CommandError if it cannot be had as asked for, or cannot listen.
 */
export async function beginDashboard(
  given: string | undefined,
  defaultPort: number,
): Promise<RunningDashboard | string | undefined> {
  if (given === 'off') return undefined;
  const place = given === undefined ? { host: HOST, port: defaultPort } : placeOf(given);
  const loaded = await load();
  if (loaded === undefined) {
    if (given !== undefined) throw new CommandError(REMEDY);
    return `No page: ${REMEDY}`;
  }
  const { startMonitor } = await import('../monitor.js');
  const monitor = startMonitor();
  try {
    // The address that is printed has the token.
    const log = (): undefined => undefined;
    const running = await loaded.serveDashboard({ ...place, title: 'asynctcp serve', monitor, log });
    return {
      url: () => running.url(),
      end: async () => {
        await running.end();
        monitor.end();
      },
    };
  } catch (error) {
    monitor.end();
    throw new CommandError(
      `the dashboard cannot listen on ${place.host} port ${place.port}: ${whyOf(error)}`,
    );
  }
}

/** Reads `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
function placeOf(text: string): Place {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? HOST;
  const port = digits === '' ? Number.NaN : Number(digits);
  if (isIP(host) !== 0 && port <= MAX_PORT) return { host, port };
  throw wrongArguments(
    `--${DASHBOARD.name} takes a port from 0 to ${MAX_PORT}, an address and a port, such as 0.0.0.0:7080, or off, not ${JSON.stringify(text)}`,
  );
}

/** Returns the module; `undefined` if the package is not installed, or an older one has no dashboard. */
async function load(): Promise<DashboardModule | undefined> {
  try {
    const loaded: unknown = await import(MODULE);
    return isDashboardModule(loaded) ? loaded : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function isDashboardModule(loaded: unknown): loaded is DashboardModule {
  return typeof Reflect.get(Object(loaded), 'serveDashboard') === 'function';
}

function isAbsent(error: unknown): boolean {
  const code = codeOf(error);
  if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return true;
  return code === 'ERR_MODULE_NOT_FOUND' && error instanceof Error && error.message.includes(`'${PACKAGE}'`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function whyOf(error: unknown): string {
  const remedy = `--${DASHBOARD.name} N chooses another, --${DASHBOARD.name} 0 a free one, --${DASHBOARD.name} off none`;
  const code = codeOf(error);
  if (code === 'EADDRINUSE') return `the port is taken; ${remedy}`;
  if (code === 'EACCES') return `this user may not have the port; ${remedy}`;
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return 'this machine has no such address';
  return error instanceof Error ? error.message : String(error);
}
