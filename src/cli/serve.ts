/** `asynctcp serve`: runs the simple services of the RFCs, to try the library. */
import { isIP } from 'node:net';
import { AsyncClient, ErrorCode } from '../index.js';
import { systemClock, type Alarm } from '../support/clock.js';
import {
  CommandError,
  ExitStatus,
  wrongArguments,
  type Arguments,
  type Command,
  type Option,
} from './command.js';
import {
  applyConfiguration,
  checkStack,
  CONFIGURATION_OPTIONS,
  CONFIGURATION_SECTION,
} from './configuration-options.js';
import { beginDashboard, DASHBOARD, DASHBOARD_OFFSET, type RunningDashboard } from './dashboard.js';
import { isLively, LiveLine } from './live-line.js';
import { ListenError, ServiceGroup } from './service-group.js';
import { SERVICES } from './services/all.js';
import type { Service } from './services/service.js';
import { signalNumber, StopSignals } from './stop-signals.js';
import { alignColumns } from './text-table.js';
import { beginTwin, TWIN_OPTIONS, wantsTwin, type Twin } from './twin.js';
import { bytesText, countText } from './units.js';

const DEFAULT_HOST = '127.0.0.1';
const EVERY_ADDRESS = '::';
const DEFAULT_PORT_BASE = 7000;
const MAX_PORT = 65_535;
const MAX_PORT_BASE =
  MAX_PORT - Math.max(DASHBOARD_OFFSET, ...SERVICES.map((service) => service.wellKnownPort));
/** Time for an orderly end of the connections after Ctrl-C. */
const DRAIN_LIMIT_S = 5;

const PORT_BASE: Option = {
  name: 'port-base',
  value: 'N',
  meaning: `each service listens on N plus its own number, 1 to ${MAX_PORT_BASE} (default ${DEFAULT_PORT_BASE}); with 0 the system chooses free ports`,
};
const HOST: Option = {
  name: 'host',
  value: 'ADDRESS',
  meaning: `IP address to listen on (default ${DEFAULT_HOST}: this machine alone can connect). With :: or 0.0.0.0 every machine that reaches this one can, and these services are made for abuse: chargen sends all that a line carries`,
};

export const serve: Command = {
  name: 'serve',
  summary: 'the simple services of the RFCs: echo, discard, daytime, chargen',
  description:
    'Runs the simple services of the RFCs, each on an AsyncServer of its own, until Ctrl-C. On a terminal the bottom line shows the connections and the bytes of each second; the dashboard shows everything else.',
  options: [PORT_BASE, HOST, DASHBOARD, ...TWIN_OPTIONS, ...CONFIGURATION_OPTIONS],
  sections: [
    {
      title: 'Services',
      rows: SERVICES.map(({ name, wellKnownPort, rfc, meaning }) => [
        `${name} ${DEFAULT_PORT_BASE + wellKnownPort}`,
        `${meaning} (RFC ${rfc})`,
      ]),
    },
    CONFIGURATION_SECTION,
    {
      title: 'Exit status',
      rows: [
        ['0', `ended by Ctrl-C or SIGTERM, connections closed or, after ${DRAIN_LIMIT_S} s, aborted`],
        ['1', 'a service or the dashboard cannot listen, or there is no TAP device; none does then'],
        ['2', 'arguments or configuration that cannot be used'],
        ['130, 143', 'ended at once by a second Ctrl-C (130) or SIGTERM (143)'],
      ],
    },
    {
      title: 'Examples',
      rows: [
        ['asynctcp serve', `on ${DEFAULT_HOST}, ports from ${DEFAULT_PORT_BASE} on`],
        ['asynctcp serve --port-base 0', 'on ports that are free'],
        ['asynctcp serve --host ::', 'for everyone, IPv6 and IPv4'],
        ['asynctcp serve -D CONFIG_LWIP_MAX_ACTIVE_TCP=16', 'with as many connections as an ESP32'],
        ['asynctcp serve --tap tap0 --profile esp32', 'as a device of its own, with an ESP32’s TCP/IP'],
      ],
    },
  ],
  run: runServe,
};

async function runServe(given: Arguments): Promise<number> {
  const isTwin = wantsTwin(given);
  const host = readHost(given.value(HOST.name) ?? (isTwin ? EVERY_ADDRESS : DEFAULT_HOST));
  const portBase = readPortBase(given.value(PORT_BASE.name));
  applyConfiguration(given, !isTwin);
  if (!isTwin) checkStack();
  const twin = isTwin ? await beginTwin(given) : undefined;
  try {
    return await serveUntilSignal(given, { host, portBase, twin });
  } finally {
    await twin?.host.end();
  }
}

interface Place {
  readonly host: string;
  readonly portBase: number;
  readonly twin: Twin | undefined;
}

async function serveUntilSignal(given: Arguments, { host, portBase, twin }: Place): Promise<number> {
  const portOf = (service: Service): number => (portBase === 0 ? 0 : portBase + service.wellKnownPort);
  const group = new ServiceGroup(SERVICES, host, portOf, twin?.host.stack);
  const dashboard = await beginDashboard(
    given.value(DASHBOARD.name),
    portBase && portBase + DASHBOARD_OFFSET,
  );
  try {
    await begin(group, host);
  } catch (error) {
    await endDashboard(dashboard);
    throw error;
  }

  const signals = new StopSignals();
  print(...startLines(group, host, twin), ...dashboardLines(dashboard));
  const liveLine = isLively(process.stdout) ? new LiveLine(process.stdout, liveText(group)) : undefined;
  await signals.next();
  liveLine?.end();
  const status = await stop(group, signals);
  await endDashboard(dashboard);
  signals.end();
  return status;
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

// ---- start

function readHost(text: string): string {
  if (isIP(text) !== 0) return text;
  throw wrongArguments(
    `--${HOST.name} takes an IP address, such as ${DEFAULT_HOST} or ::, not ${JSON.stringify(text)}`,
  );
}

function readPortBase(text = String(DEFAULT_PORT_BASE)): number {
  const portBase = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (portBase >= 0 && portBase <= MAX_PORT_BASE) return portBase;
  throw wrongArguments(
    `--${PORT_BASE.name} takes a number from 0 to ${MAX_PORT_BASE}, not ${JSON.stringify(text)}`,
  );
}

async function begin(group: ServiceGroup, host: string): Promise<void> {
  try {
    await group.begin();
  } catch (error) {
    throw error instanceof ListenError ? new CommandError(listenFailure(error, host)) : error;
  }
}

/** Returns what is wrong with the address, and the remedy. */
function listenFailure({ service, port, cause }: ListenError, host: string): string {
  const system = cause.cause;
  const systemCode = system instanceof Error && 'code' in system ? system.code : undefined;
  const where = `${service.name} cannot listen on ${host} port ${port}`;
  const otherPorts = `--${PORT_BASE.name} N chooses others, --${PORT_BASE.name} 0 free ones`;
  if (cause.code === ErrorCode.ERR_USE) return `${where}: the port is taken; ${otherPorts}`;
  if (systemCode === 'EACCES') return `${where}: this user may not have the port; ${otherPorts}`;
  if (systemCode === 'EADDRNOTAVAIL' || systemCode === 'EAFNOSUPPORT') {
    return `${where}: this machine has no such address; --${HOST.name} chooses another`;
  }
  return `${where}: ${AsyncClient.errorToString(cause.code)} (${system instanceof Error ? system.message : 'no details'})`;
}

function startLines(group: ServiceGroup, host: string, twin: Twin | undefined): string[] {
  const isOpen = host !== '::1' && !host.startsWith('127.');
  // A client cannot connect to the unspecified address.
  const target = twin?.address ?? (host === '::' ? '::1' : host === '0.0.0.0' ? DEFAULT_HOST : host);
  const title = `Listening on ${host}; ${isOpen ? 'other machines can connect' : 'only this machine can connect'}`;
  const rows = group.served.map(({ service, server }) => [
    service.name,
    String(server.port()),
    service.example(target, server.port()),
  ]);
  return [
    `${twin?.title ?? title}. Ctrl-C ends.`,
    '',
    ...alignColumns([['service', 'port', 'try it with'], ...rows]),
    '',
  ];
}

function dashboardLines(dashboard: RunningDashboard | string | undefined): string[] {
  if (dashboard === undefined) return [];
  return [typeof dashboard === 'string' ? dashboard : `Dashboard: ${dashboard.url()}`, ''];
}

async function endDashboard(dashboard: RunningDashboard | string | undefined): Promise<void> {
  if (typeof dashboard === 'object') await dashboard.end();
}

// ---- the live line

function liveText(group: ServiceGroup): (elapsedMs: number) => string {
  let { bytesIn, bytesOut } = group;
  return (elapsedMs) => {
    const perSecond = (bytes: number): string =>
      `${bytesText(elapsedMs > 0 ? (bytes * 1000) / elapsedMs : 0)}/s`;
    const rates = `${perSecond(group.bytesIn - bytesIn)} in, ${perSecond(group.bytesOut - bytesOut)} out`;
    ({ bytesIn, bytesOut } = group);
    return `${countText(group.connections, 'connection')}, ${rates}`;
  };
}

// ---- end

/**
 * Lets the connections end in order; a further signal or the time limit resets the rest. Returns the exit
 * status.
 */
async function stop(group: ServiceGroup, signals: StopSignals): Promise<number> {
  await group.close();
  if (group.connections > 0) {
    print(
      `Closing ${countText(group.connections, 'connection')}, for at most ${DRAIN_LIMIT_S} s; Ctrl-C again ends at once.`,
    );
  }
  let alarm: Alarm | undefined;
  const limit = new Promise<'limit'>((resolve) => {
    alarm = systemClock.setAlarm(systemClock.nowMs() + DRAIN_LIMIT_S * 1000, () => {
      resolve('limit');
    });
  });
  const why = await Promise.race([group.ended(), limit, signals.next()]);
  alarm?.cancel();
  const aborted = group.abort();
  await group.ended();
  const { accepted, bytesIn, bytesOut } = group;
  const served = `served ${countText(accepted, 'connection')}, ${bytesText(bytesIn)} in, ${bytesText(bytesOut)} out`;
  const after = why === 'limit' ? ` after ${DRAIN_LIMIT_S} s` : '';
  const loss = aborted === 0 ? '' : `, ${countText(aborted, 'connection')} aborted${after}`;
  print(`Ended${loss}; ${served}.`);
  return why === 'SIGINT' || why === 'SIGTERM' ? ExitStatus.SIGNAL + signalNumber(why) : ExitStatus.OK;
}
