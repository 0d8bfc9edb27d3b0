/** Every block of TypeScript in the documentation compiles; the programs that it shows do what it says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { loadAddon } from '#src/addon/load-addon.js';
import { AsyncClient, type AsyncServer, type MemoryStack } from '#src/index.js';
import { startNode, type Program } from '../e2e/programs.js';
import { allPages, ROOT, type Page } from './pages.js';

/** The port of the README's programs. */
const SHOWN_PORT = '7007';
/** The port of the programs for asynctcp-web. */
const SHOWN_WEB_PORT = '8080';
const FLOOD_BYTES = 32_000_000;
const PIECE_BYTES = 65_536;
/** More than all buffers on `memory` hold. */
const MEMORY_BYTES = 1_000_000;
/** Rounds of the loop without progress after which a peer that does not read takes itself for stuck. */
const STUCK_ROUNDS = 200;

const noKernel = loadAddon().addon === undefined ? 'the native addon does not load' : false;

/** Numbers whose order a loss changes. */
const PATTERN = Uint8Array.from({ length: 251 }, (_, index) => index);

/** Returns the name that a block's first line gives to it, for a module of TypeScript. */
function nameOf(code: string, index: number): string {
  const [, name = `block-${index}`] = /^\/\/ ([\w-]+)\.ts\n/.exec(code) ?? [];
  return `${name}.ts`;
}

/** Writes the blocks of a page into a folder of its own, and returns their paths. */
function unpack(folder: string, page: Page): string[] {
  const place = join(folder, page.path.replaceAll(/\W/g, '-'));
  const files = page.blocks('ts').map((code, index) => ({ name: nameOf(code, index), code }));
  assert.equal(new Set(files.map(({ name }) => name)).size, files.length, `names of blocks in ${page.path}`);
  mkdirSync(place);
  return files.map(({ name, code }) => {
    writeFileSync(join(place, name), code);
    return join(place, name);
  });
}

function compile(files: readonly string[]): void {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = [
    '--ignoreConfig',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
  ];
  execFileSync(process.execPath, [tsc, ...flags, ...files], { stdio: ['ignore', 'inherit', 'inherit'] });
}

describe('TypeScript in the documentation', { timeout: 300_000 }, () => {
  let folder = '';

  before(() => {
    // Inside of the package, whose name the blocks import.
    folder = mkdtempSync(join(ROOT, 'build', 'docs-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Starts a program of the README, compiled, with another port. */
  function startShown(test: TestContext, name: string, port: number, stack = 'auto'): Program {
    const place = join(folder, 'README-md');
    for (const each of ['server', 'client', 'task']) {
      const code = readFileSync(join(place, `${each}.js`), 'utf8')
        .replaceAll(SHOWN_PORT, String(port))
        .replace('./server.ts', './server.js');
      mkdirSync(join(place, String(port)), { recursive: true });
      writeFileSync(join(place, String(port), `${each}.js`), code);
    }
    const file = pathToFileURL(join(place, String(port), `${name}.js`));
    return startNode(test, file, [], { CONFIG_ASYNC_TCP_STACK: stack });
  }

  /** Runs the README's server in this process, on a memory stack. */
  async function startOnMemory(): Promise<{ stack: MemoryStack; server: AsyncServer }> {
    const place = join(folder, 'README-md');
    const code = readFileSync(join(place, 'server.js'), 'utf8')
      .replace(`${SHOWN_PORT})`, `${SHOWN_PORT}, { stack })`)
      .replace('const server', 'export const server')
      .replace(/^console\.log.*$/m, '');
    const file = join(place, 'server-on-memory.js');
    const stack = "import { memoryStack } from 'asynctcp';\nexport const stack = memoryStack();\n";
    writeFileSync(file, stack + code);
    return (await import(pathToFileURL(file).href)) as { stack: MemoryStack; server: AsyncServer };
  }

  /** Starts a web server of a page, compiled, on a free port, and returns its address. */
  async function startWeb(test: TestContext, page: string, name: string): Promise<string> {
    const place = join(folder, page.replaceAll(/\W/g, '-'));
    const code = readFileSync(join(place, `${name}.js`), 'utf8').replace(SHOWN_WEB_PORT, '0');
    writeFileSync(join(place, `${name}-running.js`), code);
    const program = startNode(test, pathToFileURL(join(place, `${name}-running.js`)), []);
    const port = await program.stdout.number(/ on http:\/\/127\.0\.0\.1:(\d+)$/);
    return `127.0.0.1:${port}`;
  }

  it('compiles, on every page', () => {
    compile(allPages().flatMap((page) => unpack(folder, page)));
  });

  for (const [stack, skip] of [
    ['kernel', noKernel],
    ['node', false],
  ] as const) {
    it(
      `the README’s server on ${stack} returns every byte to a peer that floods it`,
      { skip },
      async (test) => {
        const server = startShown(test, 'server', 0, stack);
        const port = await server.stdout.number(/^echo listens on port (\d+)$/);
        const { sent, received } = await flood(port);
        assert.equal(received.length, sent.length);
        assert.ok(received.equals(sent), 'the bytes are the same');
      },
    );
  }

  it('the README’s server on memory returns every byte, also those that wait when the FIN comes', async () => {
    const { stack, server } = await startOnMemory();
    const sent = Buffer.alloc(MEMORY_BYTES, PATTERN);
    const received = await exchange(stack, server.port(), sent);
    assert.equal(received.length, sent.length);
    assert.ok(received.equals(sent), 'the bytes are the same');
    assert.equal(server.count(), 0, 'the server has closed its end');
  });

  it('the README’s client prints what its server answers', async (test) => {
    const server = startShown(test, 'server', 0);
    const port = await server.stdout.number(/^echo listens on port (\d+)$/);
    const client = startShown(test, 'client', port);
    await client.ended;
    assert.match(client.stdout.text, /^5 bytes acknowledged after \d+ ms$/m);
    assert.match(client.stdout.text, /^hello$/m);
    assert.match(client.stdout.text, /^closed$/m);
  });

  it('the README’s task runs its server in a thread of its own', async (test) => {
    const task = startShown(test, 'task', 0);
    const port = await task.stdout.number(/^echo listens on port (\d+)$/);
    const client = startShown(test, 'client', port);
    await client.ended;
    assert.match(client.stdout.text, /^hello$/m);
  });

  it('the lamp of docs/web.md switches, and tells its WebSockets', async (test) => {
    const address = await startWeb(test, 'docs/web.md', 'lamp');
    const socket = new WebSocket(`ws://${address}/ws`);
    test.after(() => {
      socket.terminate();
    });
    const [first] = (await once(socket, 'message')) as [Buffer];
    assert.equal(String(first), '{"on":false}');
    const headers = { 'content-type': 'application/json' };
    const change = (body: string): Promise<Response> =>
      fetch(`http://${address}/json/state`, { method: 'POST', headers, body });
    const second = once(socket, 'message');
    assert.equal((await change('{"on":"maybe"}')).status, 400);
    assert.equal(await (await change('{"on":true}')).text(), '{"on":true}');
    assert.equal(String((await second)[0]), '{"on":true}');
    assert.equal(await (await fetch(`http://${address}/json/state`)).text(), '{"on":true}');
  });

  it('the program of docs/web.md in memory prints its answer', async (test) => {
    const file = join(folder, 'docs-web-md', 'in-memory.js');
    const program = startNode(test, pathToFileURL(file), []);
    await program.ended;
    assert.equal(program.stdout.text, '200 21.5\n');
  });

  it('the program of web/README.md greets, and sends an event', async (test) => {
    const address = await startWeb(test, 'web/README.md', 'hello');
    const leaving = new AbortController();
    test.after(() => {
      leaving.abort();
    });
    const events = await fetch(`http://${address}/events`, { signal: leaving.signal });
    assert.equal(await (await fetch(`http://${address}/hello?name=esp`)).text(), 'hello esp');
    let stream = '';
    for await (const piece of events.body ?? []) {
      stream += new TextDecoder().decode(piece as Uint8Array);
      if (stream.includes('\n\n')) break;
    }
    assert.match(stream, /^id: \d+\nevent: visit\ndata: esp\n\n$/);
  });
});

/** Writes without reading until the peer takes nothing more, then reads all; FIN follows the last byte. */
async function flood(port: number): Promise<{ sent: Buffer; received: Buffer }> {
  const sent = Buffer.alloc(FLOOD_BYTES, PATTERN);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  socket.pause();
  let taken = 0;
  const writing = (async () => {
    for (; taken < sent.length; taken += PIECE_BYTES) await write(socket, sent, taken);
    socket.end();
  })();
  for (let idleRounds = 0, seen = 0; idleRounds < STUCK_ROUNDS && taken < sent.length; idleRounds += 1) {
    if (taken > seen) idleRounds = 0;
    seen = taken;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  await writing;
  return { sent, received: Buffer.concat(pieces) };
}

/** Sends bytes and then FIN, and returns the answer up to the peer's FIN. */
async function exchange(stack: MemoryStack, port: number, bytes: Uint8Array): Promise<Buffer> {
  const client = await AsyncClient.open('127.0.0.1', port, { stack });
  const pieces: Uint8Array[] = [];
  let sent = 0;
  const send = (): void => {
    sent += client.write(bytes.subarray(sent));
    if (sent === bytes.length) client.shutdown();
  };
  client.setAllowHalfOpen(true);
  client.onData((_, data) => pieces.push(data));
  client.onAck(send);
  client.onEnd(() => {
    client.close();
  });
  send();
  await stack.settle();
  return Buffer.concat(pieces);
}

/** Resolves when the kernel has taken the piece that begins at `from`. */
async function write(socket: Socket, bytes: Buffer, from: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes.subarray(from, from + PIECE_BYTES), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
