/** The hook in programs of their own, because what it replaces is global: what it carries and what not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, type Ending } from '../e2e/programs.js';
import { program } from '../e2e/programs/inline.js';

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
  const running = start(test, process.execPath, args, { NODE_DEBUG: '', ...env });
  const ending = await running.ended;
  return { ...ending, stdout: running.stdout.text.trim(), stderr: running.stderr.text.trim() };
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

  it('leaves open sockets of a process that ends to the system: the peer sees FIN and no reset', async (test) => {
    const peer = net.createServer({ allowHalfOpen: true });
    peer.listen(0, '127.0.0.1');
    await once(peer, 'listening');
    const place = peer.address();
    assert.ok(typeof place === 'object' && place !== null);
    const accepted: Promise<unknown[]> = once(peer, 'connection');
    const ran = run(
      test,
      `const client = net.connect(${place.port}, '127.0.0.1');
       client.write('last words', () => client.unref());`,
    );
    const [socket] = await accepted;
    assert.ok(socket instanceof net.Socket);
    assert.equal(await text(socket), 'last words');
    assert.equal((await ran).status, 0);
    socket.destroy();
    peer.close();
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
  const running = start(test, process.execPath, args, { NODE_DEBUG: '' });
  await running.ended;
  return running.stdout.text.trim();
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

  it('a child process gets no carried socket as its standard input or output', async (test) => {
    const text = `
      const { accepted } = await pair();
      for (const stdio of [[accepted, 'ignore', 'ignore'], ['ignore', accepted, 'ignore']]) {
        try {
          spawn(process.execPath, ['--version'], { stdio });
        } catch (error) {
          console.log(error.code);
        }
      }`;
    await expectLine(test, text, 'EINVAL\nEINVAL');
  });

  it('pipes stay Node’s', async (test) => {
    const text = `
      const path = '\\0asynctcp-test-' + process.pid;
      const server = net.createServer().listen(path);
      await once(server, 'listening');
      const client = net.connect(path);
      const [accepted] = await once(server, 'connection');
      console.log(kind(server), kind(client), kind(accepted));`;
    await expectLine(test, text, 'Pipe Pipe Pipe');
  });

  it('descriptors and handles of another process stay Node’s', async (test) => {
    const hooked = `
      import net from 'node:net';
      const kind = (thing) => thing._handle?.constructor.name;
      process.once('message', (_, sent) => {
        const onHandle = net.createServer().listen(sent, () => {
          const onDescriptor = net.createServer().listen({ fd: 3 }, () => {
            const sockets = [new net.Socket({ fd: 4 }), new net.Socket({ handle: sent._handle })];
            console.log([sent, onHandle, onDescriptor, ...sockets].map(kind).join(' '));
            process.exit();
          });
        });
      });`;
    const text = `
      const { server, accepted } = await pair();
      const args = ['--import', 'asynctcp/net/register', '--input-type=module', '--eval', ${JSON.stringify(hooked)}];
      const stdio = ['ignore', 'inherit', 'inherit', server._handle.fd, accepted._handle.fd, 'ipc'];
      const child = spawn(process.execPath, args, { stdio });
      child.send('a server', server);
      await once(child, 'exit');`;
    assert.equal(await runPlain(test, text), 'TCP TCP TCP TCP TCP');
  });

  it('a server for IPv6 alone or on an address of one network interface stays Node’s', async (test) => {
    const text = `
      for (const options of [{ host: '::', ipv6Only: true }, { host: 'fe80::1%lo' }]) {
        const server = net.createServer().on('error', () => undefined).listen({ port: 0, ...options });
        // A machine without such an address has an error of Node's.
        console.log(await Promise.race(['listening', 'error'].map((name) => once(server, name).then(() => name))));
      }
      process.exit();`;
    const { stderr } = await run(test, text, { NODE_DEBUG: 'asynctcp' });
    assert.match(stderr, /listen on :: port 0: IPv6 alone/);
    assert.match(stderr, /listen on fe80::1%lo port 0: an address of one network interface/);
  });

  it('http2 without TLS stays Node’s', async (test) => {
    const text = `
      const server = http2.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const session = http2.connect('http://127.0.0.1:' + server.address().port);
      await once(session, 'connect');
      console.log(kind(server), kind(session.socket));`;
    await expectLine(test, text, 'TCP TCP');
  });

  it('a primary of node:cluster that has workers keeps its servers Node’s, and workers theirs', async (test) => {
    const worker = program(
      test,
      `import net from 'node:net';
      const server = net.createServer((socket) => socket.end(socket._handle.constructor.name));
      server.listen(0, '127.0.0.1', () => process.send(server.address().port));`,
    );
    const text = `
      const { default: cluster } = await import('node:cluster');
      const execArgv = ['--import', 'asynctcp/net/register'];
      cluster.setupPrimary({ exec: ${JSON.stringify(worker)}, execArgv });
      const worker = cluster.fork();
      const [port] = await once(worker, 'message');
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(port, '127.0.0.1');
      const [accepted] = await once(client.setEncoding('utf8'), 'data');
      console.log(kind(server), accepted, kind(client));
      worker.process.kill();
      await once(worker, 'exit');`;
    await expectLine(test, text, 'TCP TCP TcpHandle');
  });

  it('a worker thread whose code is CommonJS text stays Node’s', async (test) => {
    const code = `
      const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
        require('node:worker_threads').parentPort.postMessage(server._handle.constructor.name);
        server.close();
      });`;
    const text = `
      const { Worker } = await import('node:worker_threads');
      // Those of this process without --input-type: the code is CommonJS.
      const execArgv = ['--import', 'asynctcp/net/register'];
      const [name] = await once(new Worker(${JSON.stringify(code)}, { eval: true, execArgv }), 'message');
      console.log(name);`;
    await expectLine(test, text, 'TCP');
  });

  it('a program that patches the native class TCP does not change carried sockets', async (test) => {
    const text = `
      const { client } = await pair();
      let native = client._handle;
      while (native.constructor.name !== 'TCP') native = Object.getPrototypeOf(native);
      const { readStart } = native;
      let calls = 0;
      native.readStart = function () { calls += 1; return readStart.call(this); };
      await pair();
      console.log(calls);`;
    await expectLine(test, text, '0');
  });

  const hasTypeOfService = Reflect.has(net.Socket.prototype, 'setTypeOfService');
  it(
    'setTypeOfService is remembered and not passed to the system',
    { skip: hasTypeOfService ? false : 'this Node has no setTypeOfService' },
    async (test) => {
      const text = `
        const { client } = await pair();
        client.setTypeOfService(16);
        console.log(client.getTypeOfService(), client._handle.setTypeOfService);`;
      await expectLine(test, text, '16 undefined');
    },
  );
});
