/** Programs of this machine that talk to a twin through TAP: nc, curl, ping, nmap, slowhttptest, tshark. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AsyncClient } from 'asynctcp';
import { AsyncWebServer } from 'asynctcp-web';
import type { TapHost, TapHostOptions } from '#src/tap.js';
import { inForm } from '../support/form.js';
import { nextTurn, until } from '../support/until.js';
import { deviceCommands, TAP, type TapScenario } from './scenario.js';
import {
  ECHO_PORT,
  KERNEL_ADDRESS,
  openTwin,
  play,
  playWell,
  reach,
  sendToTwin,
  Services,
  SINK_PORT,
  takeFromTwin,
  TWIN_ADDRESS,
  TWIN_ADDRESS_6,
} from './world.js';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const HTTP_PORT = 80;
const CLOSED_PORT = 81;
const ADDRESSES = [TWIN_ADDRESS, TWIN_ADDRESS_6] as const;
const CONNECTIONS = inForm({ short: 1000, long: 10_000 });
/** Connections that are open at the same time. */
const AT_ONCE = 50;
const SLOW_CONNECTIONS = inForm({ short: 50, long: 500 });
const SLOW_S = inForm({ short: 5, long: 60 });

async function twinWithServices(options: Partial<TapHostOptions> = {}): Promise<[TapHost, Services]> {
  const twin = openTwin(options);
  const services = new Services(twin);
  await services.begin();
  return [twin, services];
}

async function twinWithWeb(options: Partial<TapHostOptions> = {}): Promise<TapHost> {
  const twin = openTwin(options);
  const web = new AsyncWebServer(HTTP_PORT, { stack: twin.stack, limits: { bodyBytes: 1_000_000 } });
  web.on('/', (request) => {
    request.send(200, 'text/plain', 'the twin');
  });
  web.on('/digest', async (request) => {
    const body = await request.bodyBytes();
    request.send(200, 'text/plain', createHash('sha256').update(body).digest('hex'));
  });
  await web.begin();
  return twin;
}

function urlOf(address: string, path = ''): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${HTTP_PORT}/${path}`;
}

async function echoThroughNc(options: Partial<TapHostOptions>): Promise<void> {
  const [twin] = await twinWithServices(options);
  const text = randomBytes(30_000).toString('hex');
  for (const address of ADDRESSES) {
    assert.equal(await playWell('nc', ['-N', address, String(ECHO_PORT)], text), text);
  }
  await twin.end();
}

async function fetchThroughCurl(options: Partial<TapHostOptions>): Promise<void> {
  const twin = await twinWithWeb(options);
  const body = randomBytes(300_000);
  for (const address of ADDRESSES) {
    const both = ['-sS', '--max-time', '60', urlOf(address), urlOf(address)];
    assert.equal(await playWell('curl', both), 'the twinthe twin');
    const upload = [
      '-sS',
      '--max-time',
      '60',
      '--data-binary',
      '@-',
      '-H',
      'content-type: application/octet-stream',
      urlOf(address, 'digest'),
    ];
    assert.equal(await playWell('curl', upload, body), createHash('sha256').update(body).digest('hex'));
  }
  await twin.end();
}

/** nmap's scans, and the states that it finds of a port that listens and one that is closed. */
const SCANS = [
  ['-sS', 'open', 'closed'],
  ['-sT', 'open', 'closed'],
  // A listener ignores segments without SYN, ACK and RST; a closed port resets them (RFC 9293 §3.10.7.1).
  ['-sN', 'open|filtered', 'closed'],
  ['-sF', 'open|filtered', 'closed'],
  ['-sX', 'open|filtered', 'closed'],
  // Any ACK is answered with a reset by both.
  ['-sA', 'unfiltered', 'unfiltered'],
  ['-sM', 'closed', 'closed'],
] as const;

async function scan(): Promise<void> {
  const [twin, services] = await twinWithServices();
  for (const [kind, open, closed] of SCANS) {
    const words = ['-n', '-Pn', '--reason', kind, '-p', `${ECHO_PORT},${CLOSED_PORT}`, TWIN_ADDRESS];
    const output = await playWell('nmap', words);
    const stateOf = (port: number): string =>
      new RegExp(`^${port}/tcp +(\\S+)`, 'm').exec(output)?.[1] ?? output;
    assert.deepEqual([kind, stateOf(ECHO_PORT), stateOf(CLOSED_PORT)], [kind, open, closed]);
  }
  const output = await playWell('nmap', ['-n', '-Pn', '-sU', '-p', '9999', TWIN_ADDRESS]);
  assert.match(output, /^9999\/udp +closed/m, 'a closed port of UDP is unreachable');
  assert.equal(await playWell('nc', ['-N', TWIN_ADDRESS, String(ECHO_PORT)], 'alive'), 'alive');
  await until('no probe has left a connection', () => services.accepted === services.ended);
  await twin.end();
}

async function pings(address: string): Promise<void> {
  const twin = openTwin();
  for (const bytes of [0, 56, 1400, 4000]) {
    const words = ['-n', '-c', '5', '-i', '0.05', '-W', '5', '-s', String(bytes), address];
    assert.match(await playWell('ping', words), /5 packets transmitted, 5 received/);
  }
  await twin.end();
}

/** Clients of the kernel come and go: each end closes first in turn. */
async function comeAndGo(): Promise<void> {
  const [twin, services] = await twinWithServices();
  let count = 0;
  const come = async (): Promise<void> => {
    while (count < CONNECTIONS) {
      count += 1;
      // The echo closes behind the client, the sink answers and closes.
      const socket = await reach(count % 2 === 0 ? ECHO_PORT : SINK_PORT);
      const over = once(socket, 'close');
      socket.resume();
      socket.end('ball');
      await over;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, come));
  await until('each connection is over', () => services.ended === CONNECTIONS);
  assert.equal(services.accepted, CONNECTIONS);
  assert.equal(twin.netstack.tcp.connections, 0);
  await twin.end();
}

/** The twin connects to a program of this machine, and learns of a port on which none listens. */
async function twinConnects(): Promise<void> {
  const twin = openTwin();
  const nc = spawn('nc', ['-l', '-v', '-N', '-s', KERNEL_ADDRESS, '-p', '7000']);
  await once(nc.stderr, 'data');
  const client = await AsyncClient.open(KERNEL_ADDRESS, 7000, { stack: twin.stack });
  client.write('from the twin');
  const [data] = (await once(nc.stdout, 'data')) as [Buffer];
  assert.equal(data.toString(), 'from the twin');
  client.close();
  await once(nc, 'close');
  await assert.rejects(
    AsyncClient.open(KERNEL_ADDRESS, 7001, { stack: twin.stack }),
    /ECONNREFUSED|refused/i,
  );
  await twin.end();
}

async function slowHttp(mode: '-H' | '-B' | '-X'): Promise<void> {
  const twin = await twinWithWeb();
  const limits = ['-c', String(SLOW_CONNECTIONS), '-r', String(SLOW_CONNECTIONS), '-l', String(SLOW_S)];
  const attack = play('slowhttptest', [mode, '-i', '1', '-p', '3', ...limits, '-u', urlOf(TWIN_ADDRESS)]);
  await until('the attack is under way', () => twin.netstack.tcp.connections > SLOW_CONNECTIONS / 2);
  const fetched = await playWell('curl', ['-sS', '--max-time', '10', urlOf(TWIN_ADDRESS)]);
  assert.equal(fetched, 'the twin', 'others are served meanwhile');
  const { output } = await attack;
  // The words have colours.
  assert.match(output, /service available:\S* +\S*YES/);
  await until('no connection is left', () => twin.netstack.tcp.connections === 0);
  await twin.end();
}

/** `asynctcp serve --tap` as its users run it, after the two lines that it prints were typed. */
async function serveOnTap(): Promise<void> {
  const words = [MAIN, 'serve', '--stack', 'virtual', '--tap', 'tap1', '--address', '10.1.0.2/24'];
  const early = await play(process.execPath, [...words, '--profile', 'esp32', '--dashboard', 'off']);
  assert.equal(early.status, 1);
  const lines = early.output
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  assert.match(
    early.output,
    /^asynctcp serve: tap1 is not up; type these two lines as root, and try again:\n/,
  );
  assert.equal(lines.length, 2);
  for (const line of lines) await playWell('sh', ['-c', line]);
  const serving = spawn(process.execPath, [...words, '--profile', 'esp32', '--dashboard', 'off']);
  let printed = '';
  serving.stdout.on('data', (data) => (printed += String(data)));
  await until('it listens', () => printed.includes('chargen'));
  assert.match(printed, /^Listening on tap1 as 10\.1\.0\.2\/24, profile esp32\. Ctrl-C ends\.\n/);
  assert.equal(await playWell('nc', ['-N', '10.1.0.2', '7007'], 'hello'), 'hello');
  assert.match(await playWell('nc', ['-N', '10.1.0.2', '7013']), /\d\d:\d\d/);
  serving.kill('SIGINT');
  const [status] = (await once(serving, 'close')) as [number];
  assert.equal(status, 0);
  assert.match(printed, /Ended; served 2 connections, 5 B in/);
}

/** Records what passes the device while `traffic` runs, and returns the lines that tshark finds wrong. */
async function recorded(traffic: () => Promise<void>): Promise<{ packets: number; wrong: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-tap-'));
  const file = join(folder, 'packets.pcapng');
  // The recorder may give up its rights and then not write into the folder of another user.
  writeFileSync(file, '', { mode: 0o666 });
  try {
    const recorder = spawn('tshark', ['-q', '-n', '-i', TAP, '-w', file, '-B', '64']);
    let printed = '';
    recorder.stderr.on('data', (data) => (printed += String(data)));
    await until('it records', () => printed.includes('Capturing on'));
    await traffic();
    await nextTurn();
    recorder.kill('SIGINT');
    await once(recorder, 'close');
    const checks = ['tcp.check_checksum', 'ip.check_checksum', 'udp.check_checksum'].flatMap((name) => [
      '-o',
      `${name}:TRUE`,
    ]);
    const filter = ['tcp', 'ip', 'udp', 'icmp', 'icmpv6']
      .map((name) => `${name}.checksum.status == 0`)
      .concat('_ws.malformed')
      .join(' || ');
    const wrong = await playWell('tshark', ['-r', file, '-n', ...checks, '-Y', filter]);
    const all = await playWell('tshark', ['-r', file, '-n', '-T', 'fields', '-e', 'frame.number']);
    return { packets: all.trim().split('\n').length, wrong: withoutWarnings(wrong) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function withoutWarnings(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/^(Running as user|$)/.test(line))
    .join('\n');
}

async function inspect(): Promise<void> {
  const [twin, services] = await twinWithServices();
  const { packets, wrong } = await recorded(async () => {
    await sendToTwin(3_000_000);
    await takeFromTwin(services, 3_000_000);
    for (const address of ADDRESSES) {
      await playWell('ping', ['-n', '-c', '2', '-i', '0.1', '-s', '3000', address]);
      assert.equal(await playWell('nc', ['-N', address, String(ECHO_PORT)], 'hello'), 'hello');
    }
    const refused = await play('nc', ['-w', '2', TWIN_ADDRESS, String(CLOSED_PORT)]);
    assert.equal(refused.status, 1);
  });
  assert.equal(wrong, '');
  assert.ok(packets > 3000, `only ${packets} packets were recorded`);
  await twin.end();
}

const prepare = deviceCommands();
const esp32 = { profile: 'esp32' } as const;

export const SCENARIOS: readonly TapScenario[] = [
  { title: 'nc has its bytes echoed', needs: ['nc'], prepare, run: () => echoThroughNc({}) },
  { title: 'nc has its bytes echoed by an ESP32', needs: ['nc'], prepare, run: () => echoThroughNc(esp32) },
  { title: 'curl fetches and posts', needs: ['curl'], prepare, run: () => fetchThroughCurl({}) },
  {
    title: 'curl fetches and posts, from an ESP32',
    needs: ['curl'],
    prepare,
    run: () => fetchThroughCurl(esp32),
  },
  {
    title: 'ping is answered, in fragments as well',
    needs: ['ping'],
    prepare,
    run: () => pings(TWIN_ADDRESS),
  },
  { title: 'ping is answered over IPv6', needs: ['ping'], prepare, run: () => pings(TWIN_ADDRESS_6) },
  {
    title: 'asynctcp serve --tap says which lines to type, and serves',
    needs: ['nc'],
    prepare,
    run: serveOnTap,
  },
  { title: 'the twin connects, and is refused', needs: ['nc'], prepare, run: twinConnects },
  { title: `${CONNECTIONS} connections come and go`, prepare, run: comeAndGo },
  { title: 'nmap’s probes find the table’s states', needs: ['nmap', 'nc'], prepare, run: scan },
  {
    title: 'tshark finds nothing malformed and no wrong checksum',
    needs: ['tshark', 'nc', 'ping'],
    prepare,
    run: inspect,
  },
  ...(['-H', '-B', '-X'] as const).map((mode): TapScenario => ({
    title: `slowhttptest ${mode} keeps no one from being served`,
    needs: ['slowhttptest', 'curl'],
    prepare,
    run: () => slowHttp(mode),
  })),
];
