/** The dashboard of `asynctcp serve`. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startNode, type Program } from './programs.js';
import { HANGS_MS, temporaryFolder, visit } from './programs/inline.js';

const ROOT = new URL('../../../', import.meta.url);
const MAIN = new URL('dist/cli/main.js', ROOT);

function startServe(test: TestContext, args: readonly string[], main = MAIN): Program {
  return startNode(test, main, ['serve', '--port-base', '0', ...args]);
}

async function urlOf({ stdout }: Program): Promise<string> {
  const [, url = ''] = await stdout.line(/^Dashboard: (http:\S+)$/);
  return url;
}

/** Returns a port that is taken until the test is over. */
async function takenPort(test: TestContext): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  test.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** Returns the command of a copy that has no other package beside it. */
function lonelyCommand(test: TestContext): URL {
  const folder = join(temporaryFolder(test), 'node_modules', 'asynctcp');
  for (const part of ['dist/', 'package.json'])
    cpSync(fileURLToPath(new URL(part, ROOT)), join(folder, part), { recursive: true });
  return pathToFileURL(join(folder, 'dist', 'cli', 'main.js'));
}

const ON_NODE = { CONFIG_ASYNC_TCP_STACK: 'node' };

describe('the dashboard of asynctcp serve', { concurrency: false, timeout: HANGS_MS }, () => {
  it('is on this machine alone, and shows the connections of the services', async (test) => {
    const program = startServe(test, []);
    const echo = await program.stdout.number(/^ +echo +(\d+)/);
    const url = await urlOf(program);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { socket } = await visit(test, echo);
    const answer = await fetch(`${url}connections.json?filter=:${echo}`);
    assert.match(await answer.text(), new RegExp(`"remotePort":${socket.localPort ?? 0}`));
    const page = await (await fetch(url)).text();
    assert.match(page, /<script type="module" src="main.js">/);
    socket.end();
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null });
    assert.equal(program.stderr.text, '');
  });

  it('stays on this machine when the services are open to all', async (test) => {
    const program = startServe(test, ['--host', '0.0.0.0']);
    assert.match(await urlOf(program), /^http:\/\/127\.0\.0\.1:\d+\/$/);
    await program.interrupt();
  });

  it('listens on an address that is asked for, with a token that is printed once', async (test) => {
    const program = startServe(test, ['--dashboard', '0.0.0.0:0']);
    const url = new URL(await urlOf(program));
    const token = url.searchParams.get('token') ?? '';
    const metrics = `http://127.0.0.1:${url.port}/metrics`;
    assert.equal((await fetch(metrics)).status, 401);
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await fetch(metrics, { headers })).status, 200);
    await program.interrupt();
    assert.equal(program.stdout.text.split(token).length, 2);
    assert.equal(program.stderr.text, '');
  });

  it('can be left out', async (test) => {
    const program = startServe(test, ['--dashboard', 'off']);
    await program.stdout.line(/^ +chargen /);
    await program.interrupt();
    assert.doesNotMatch(program.stdout.text, /Dashboard/);
  });

  it('on a port that is taken ends the command with the remedy, and no service has begun', async (test) => {
    const port = await takenPort(test);
    const program = startServe(test, ['--dashboard', String(port)]);
    assert.deepEqual(await program.ended, { status: 1, signal: null });
    assert.equal(program.stdout.text, '');
    assert.equal(
      program.stderr.text,
      `asynctcp serve: the dashboard cannot listen on 127.0.0.1 port ${port}: the port is taken; ` +
        '--dashboard N chooses another, --dashboard 0 a free one, --dashboard off none\n',
    );
  });

  for (const place of ['x', '-1', '65536', 'localhost:80', ':80', '0.0.0.0:', '[::]']) {
    it(`is not at ${place}`, async (test) => {
      const program = startServe(test, [`--dashboard=${place}`]);
      assert.deepEqual(await program.ended, { status: 2, signal: null });
      assert.match(program.stderr.text, /^asynctcp serve: --dashboard takes a port from 0 to 65535, .*\n$/);
    });
  }

  it('needs asynctcp-web: without it the services run, and a line has the remedy', async (test) => {
    const main = lonelyCommand(test);
    const program = startNode(test, main, ['serve', '--port-base', '0'], ON_NODE);
    await program.stdout.line(
      /^No page: the dashboard needs the package asynctcp-web: npm install asynctcp-web$/,
    );
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null }, program.stderr.text);
  });

  it('that is asked for fails without asynctcp-web, with the remedy', async (test) => {
    const main = lonelyCommand(test);
    const program = startNode(test, main, ['serve', '--port-base', '0', '--dashboard', '0'], ON_NODE);
    assert.deepEqual(await program.ended, { status: 1, signal: null });
    const remedy = 'the dashboard needs the package asynctcp-web: npm install asynctcp-web';
    assert.equal(program.stderr.text, `asynctcp serve: ${remedy}\n`);
  });
});
