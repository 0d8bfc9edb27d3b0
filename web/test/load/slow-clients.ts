/**
 * A good client beside 1,000 bad ones of slowhttptest, and 500 busy ones of autocannon. The server is a
 * process of its own.
 *
 * node web/build/test/load/slow-clients.js [stack [seconds]]
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncWebServer, HTTP_POST } from 'asynctcp-web';

const FILE_BYTES = 10_240;
const LARGE_BYTES = 10_000_000;
const PAUSE_MS = 50;
const RATE = '500';
const CLIENTS = '1000';

/** Path and options of slowhttptest for each attack. */
const ATTACKS: Readonly<Record<string, readonly [path: string, ...options: string[]]>> = {
  'slow headers': ['/', '-H', '-i', '2'],
  'slow body': ['/body', '-B', '-i', '2', '-s', '100000'],
  'slow read': ['/large.txt', '-X', '-w', '10', '-y', '20', '-n', '2', '-z', '5'],
};

async function serve(stack: string, folder: string): Promise<void> {
  const server = new AsyncWebServer(0, { host: '127.0.0.1', stack: stack === 'node' ? 'node' : 'kernel' });
  server.on('/', (request) => {
    request.send(200, 'text/plain', 'good');
  });
  server.on('/body', HTTP_POST, async (request) => {
    await request.bodyBytes();
    request.send(200);
  });
  server.serveStatic('/', folder);
  await server.begin();
  process.send?.(server.port());
  process.on('message', () => process.send?.(process.memoryUsage().rss));
}

interface Answered {
  readonly ms: number;
  readonly status: number;
}

function ask(port: number): Promise<Answered> {
  const beganAt = performance.now();
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent: false }, (answer) => {
        answer.resume().once('end', () => {
          resolve({ ms: performance.now() - beganAt, status: answer.statusCode ?? 0 });
        });
      })
      .once('error', reject);
  });
}

/** Asks until a process is over. Returns the answers, the fastest first. */
async function askBeside(port: number, over: Promise<unknown>): Promise<Answered[]> {
  const answers: Answered[] = [];
  const done = over.then(() => true);
  do answers.push(await ask(port));
  while (!(await Promise.race([done, sleep(PAUSE_MS, false)])));
  return answers.sort((a, b) => a.ms - b.ms);
}

function described(answers: readonly Answered[]): string {
  const at = (part: number): string =>
    (answers[Math.min(answers.length - 1, Math.floor(answers.length * part))]?.ms ?? 0).toFixed(1);
  const good = answers.filter(({ status }) => status === 200).length;
  return `${answers.length} answers, ${good} of them 200, in ${at(0.5)} ms (median), ${at(0.99)} ms (99 %), ${at(1)} ms (most)`;
}

async function attack(stack: string, seconds: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-web-load-'));
  writeFileSync(join(folder, 'file.txt'), Buffer.alloc(FILE_BYTES, 'x'));
  writeFileSync(join(folder, 'large.txt'), Buffer.alloc(LARGE_BYTES, 'x'));
  const child = fork(new URL(import.meta.url), [stack, seconds, folder]);
  const [port] = (await once(child, 'message')) as [number];
  const memory = async (): Promise<string> => {
    const answered = once(child, 'message');
    child.send('memory');
    const [bytes] = (await answered) as [number];
    return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  };
  for (const [name, [path, ...options]] of Object.entries(ATTACKS)) {
    const url = `http://127.0.0.1:${port}${path}`;
    const words = [...options, '-c', CLIENTS, '-r', RATE, '-l', seconds, '-u', url];
    const tool = spawn('slowhttptest', words, { stdio: 'ignore' });
    const answers = await askBeside(port, once(tool, 'exit'));
    console.log(`${name}: ${described(answers)}; memory of the server ${await memory()}`);
  }
  for (const path of ['/', '/file.txt']) {
    const words = ['autocannon', '-c', '500', '-d', '5', '--json', `http://127.0.0.1:${port}${path}`];
    const tool = spawn('npx', words, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    tool.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    await once(tool, 'close');
    const { errors, timeouts, non2xx, requests } = JSON.parse(text) as Record<string, unknown>;
    console.log(path, JSON.stringify({ errors, timeouts, non2xx, requests }));
  }
  child.kill();
  rmSync(folder, { recursive: true });
}

const [, , stack = 'kernel', seconds = '30', folder] = process.argv;
if (folder === undefined) await attack(stack, seconds);
else await serve(stack, folder);
