/** The hook in programs of their own, because what it replaces is global: what it carries and what not. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, type Ending } from '../e2e/programs.js';

const { addon, reason } = loadAddon();

/** Names that the programs use. */
const PRELUDE = `
  import { AsyncLocalStorage } from 'node:async_hooks';
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import http2 from 'node:http2';
  import net from 'node:net';
  const kind = (thing) => thing._handle?.constructor.name;
  async function pair() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect(server.address().port, '127.0.0.1');
    const [accepted] = await once(server, 'connection');
    if (client.connecting) await once(client, 'connect');
    return { server, client, accepted };
  }
`;

interface Ran extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program under the hook; it ends by itself, or by `process.exit`. */
async function run(test: TestContext, text: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const args = ['--import', 'asynctcp/net/register', '--input-type=module', '--eval', PRELUDE + text];
  const program = start(test, process.execPath, args, { NODE_DEBUG: '', ...env });
  const ending = await program.ended;
  return { ...ending, stdout: program.stdout.text.trim(), stderr: program.stderr.text.trim() };
}

/** Runs a program that has to print a line and nothing on standard error. */
async function expectLine(test: TestContext, text: string, line: string): Promise<void> {
  const { stdout, stderr, status } = await run(test, `${text}\nprocess.exit();`);
  assert.deepEqual({ stdout, stderr, status }, { stdout: line, stderr: '', status: 0 });
}

describe('the hook', { skip: addon === undefined ? reason : false }, () => {
  it('carries servers and connections that know nothing of it', async (test) => {
    const text = `
      const { server, client, accepted } = await pair();
      console.log(kind(server), kind(client), kind(accepted), client instanceof net.Socket);`;
    await expectLine(test, text, 'ListenerHandle TcpHandle TcpHandle true');
  });

  it('says with NODE_DEBUG=asynctcp what it carries and what not', async (test) => {
    const text = `
      const { server } = await pair();
      const own = net.createServer().listen({ port: 0, host: '::1', ipv6Only: true });
      own.on('error', () => undefined);
      process.nextTick(() => process.exit());`;
    const { stderr } = await run(test, text, { NODE_DEBUG: 'asynctcp' });
    assert.match(stderr, /listen on 127\.0\.0\.1 port 0: carried/);
    assert.match(stderr, /connect to 127\.0\.0\.1 port \d+: carried/);
    assert.match(stderr, /listen on ::1 port 0: IPv6 alone/);
  });

  it('says one line and carries nothing if the configured stack is node', async (test) => {
    const text = `const { client } = await pair(); console.log(kind(client)); process.exit();`;
    const { stdout, stderr } = await run(test, text, { CONFIG_ASYNC_TCP_STACK: 'node' });
    assert.equal(stdout, 'TCP');
    assert.equal(stderr.split('\n').length, 1);
    assert.match(stderr, /leaves this program on node:net: CONFIG_ASYNC_TCP_STACK is node/);
  });

  it('lets an exception of a listener reach uncaughtException, and the socket live', async (test) => {
    const text = `
      const { client, accepted } = await pair();
      const thrown = once(process, 'uncaughtException');
      accepted.once('data', () => { throw new Error('of the listener'); });
      client.write('1');
      const [error] = await thrown;
      accepted.on('data', (data) => {
        console.log(error.message, String(data), accepted.destroyed);
        process.exit();
      });
      client.write('2');
      await once(process, 'exit');`;
    await expectLine(test, text, 'of the listener 2 false');
  });

  it('names the reset by a peer that did not read an error of reading, as node:net does', async (test) => {
    const text = `
      const { client, accepted } = await pair();
      accepted.on('error', (error) => console.log(error.message));
      accepted.resume();
      accepted.write(Buffer.alloc(2 ** 24));
      await once(client, 'readable');
      client.resetAndDestroy();
      await once(accepted, 'close').catch(() => undefined);`;
    await expectLine(test, text, await runPlain(test, text));
    await expectLine(test, text, 'read ECONNRESET');
  });

  it('keeps the context of AsyncLocalStorage as node:net does', async (test) => {
    const text = `
      const storage = new AsyncLocalStorage();
      const seen = [];
      const note = (name) => seen.push(name + ' ' + storage.getStore());
      let server, port;
      await storage.run('server', async () => {
        server = net.createServer((socket) => {
          note('connection');
          socket.on('data', () => { note('data'); socket.end(); });
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        port = server.address().port;
      });
      await storage.run('client', async () => {
        const socket = net.connect(port, '127.0.0.1', () => {
          note('connect');
          storage.run('write', () => socket.write('1', () => note('written')));
        });
        socket.resume();
        await once(socket, 'close');
      });
      console.log(seen.sort().join(', '));`;
    const plain = await runPlain(test, text);
    await expectLine(test, text, plain);
  });
});

/** Returns what a program prints on node:net. */
async function runPlain(test: TestContext, text: string): Promise<string> {
  const args = ['--input-type=module', '--eval', `${PRELUDE}${text}\nprocess.exit();`];
  const program = start(test, process.execPath, args, { NODE_DEBUG: '' });
  await program.ended;
  return program.stdout.text.trim();
}

describe('what the hook does not do', { skip: addon === undefined ? reason : false }, () => {
  it('a connection has no descriptor', async (test) => {
    const text = `
      const { server, client } = await pair();
      console.log(client._handle.fd, server._handle.fd);`;
    await expectLine(test, text, '-1 -1');
  });

  it('a child process gets no carried socket or server: sending fails', async (test) => {
    const text = `
      const { server, accepted } = await pair();
      const child = spawn(process.execPath, ['--eval', 'process.on("message", () => undefined)'], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      for (const thing of [server, accepted]) {
        const error = await new Promise((resolve) => child.send('it', thing, resolve));
        console.log(error?.code);
      }
      child.kill();`;
    await expectLine(test, text, 'EBADF\nEBADF');
  });

  it('a child process gets no carried socket as its standard input', async (test) => {
    const text = `
      const { accepted } = await pair();
      try {
        spawn(process.execPath, ['--version'], { stdio: [accepted, 'ignore', 'ignore'] });
      } catch (error) {
        console.log(error.code);
      }`;
    await expectLine(test, text, 'EINVAL');
  });

  it('pipes, a listener for IPv6 alone and http2 without TLS stay Node’s', async (test) => {
    const text = `
      const pipe = net.createServer().listen('\\0asynctcp-test-' + process.pid);
      await once(pipe, 'listening');
      const alone = net.createServer().listen({ port: 0, host: '::', ipv6Only: true });
      await Promise.race([once(alone, 'listening'), once(alone, 'error')]);
      const h2c = http2.createServer().listen(0, '127.0.0.1');
      await once(h2c, 'listening');
      const session = http2.connect('http://127.0.0.1:' + h2c.address().port);
      await once(session, 'connect');
      console.log(kind(pipe), kind(alone) ?? 'TCP', kind(h2c), kind(session.socket));`;
    await expectLine(test, text, 'Pipe TCP TCP TCP');
  });

  it('programs that patch the native class TCP change nothing', async (test) => {
    const text = `
      const { client } = await pair();
      const native = Object.getPrototypeOf(client._handle.constructor).prototype;
      const { readStart } = native;
      let calls = 0;
      native.readStart = function () { calls += 1; return readStart.call(this); };
      await pair();
      console.log(calls);`;
    await expectLine(test, text, '0');
  });
});
