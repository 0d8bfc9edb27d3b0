/**
 * Measures the CPU time that a monitor and a dashboard take on a server with 1,000 connections, each of which
 * sends a message a second: `node web/build/test/load/dashboard-cpu.js [seconds] [connections]`. The clients
 * and the page's reader run in a process of their own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { AsyncServer } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';
import { serveDashboard } from 'asynctcp-web/dashboard';

const [, , secondsText = '20', countText = '1000'] = process.argv;
const SECONDS = Number(secondsText);
const CONNECTIONS = Number(countText);

/** Opens the connections, and follows a stream when it is asked to. */
async function client(port: number): Promise<void> {
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const socket = connect(port, '127.0.0.1').on('data', () => undefined);
    await once(socket, 'connect');
    setInterval(() => socket.write('a message of some length'), 1000);
  }
  process.on('message', (url) => {
    get(`${String(url)}stream`, (response) => response.resume());
  });
  process.send?.('connected');
}

/** Returns the share of a core that this process takes, in percent. */
async function share(): Promise<number> {
  await wait(2000);
  const before = process.cpuUsage();
  await wait(SECONDS * 1000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / SECONDS / 10_000;
}

async function measure(): Promise<void> {
  const server = new AsyncServer('127.0.0.1', 0);
  server.onClient((accepted) => {
    accepted.onData((_, data) => {
      accepted.write(data);
    });
  });
  await server.begin();
  const child = fork(fileURLToPath(import.meta.url), [secondsText, countText, String(server.port())]);
  await once(child, 'message');
  const alone = await share();
  const monitor = startMonitor();
  const monitored = await share();
  const served = await serveDashboard({ port: 0, monitor });
  const idle = await share();
  child.send(served.url());
  const followed = await share();
  child.kill();
  await served.end();
  monitor.end();
  await server.end();
  const line = (what: string, value: number): string =>
    `${what.padEnd(34)} ${value.toFixed(2)} % of a core, ${(value - alone).toFixed(2)} % more than alone`;
  console.log(
    [
      `${CONNECTIONS} connections, a message a second each; ${SECONDS} s`,
      line('the server alone', alone),
      line('with the monitor', monitored),
      line('with a dashboard that is not shown', idle),
      line('with a page that follows', followed),
    ].join('\n'),
  );
  process.exit();
}

const port = process.argv[4];
await (port === undefined ? measure() : client(Number(port)));
