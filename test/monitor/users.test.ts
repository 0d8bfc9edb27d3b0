/** The monitor sees the connections and listeners of all that stands on asynctcp. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { AsyncClient, AsyncServer, kernelStack, memoryStack, recordingStack } from 'asynctcp';
import { AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { LinkKeeper } from 'asynctcp/gateway';
import { startMonitor, type Monitor } from 'asynctcp/monitor';
import { carry, connect, createServer } from 'asynctcp/net';
import { until } from '../support/until.js';

const ADDRESS = '127.0.0.1';
const PORT = 7007;

let monitor: Monitor | undefined;

afterEach(() => {
  monitor?.end();
});

function kinds(of: Monitor): string[] {
  return of.snapshot().connections.map(({ direction, listener }) => `${direction} ${String(listener)}`);
}

describe('the monitor sees', () => {
  it('sockets and servers of asynctcp/net', async () => {
    const watching = (monitor = startMonitor());
    const errors: (string | undefined)[] = [];
    const server = createServer((socket) => {
      socket.pipe(socket);
      socket.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code));
    });
    server.listen(0, ADDRESS);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, ADDRESS);
    socket.write('echo');
    await once(socket, 'data');
    assert.deepEqual(kinds(watching).sort(), ['in 1', 'out null']);
    assert.deepEqual(
      watching.snapshot().listeners.map((listener) => [listener.port, listener.clients]),
      [[port, 1]],
    );
    assert.equal(watching.snapshot().totals.bytesIn, 8);
    const { id } = watching.snapshot().connections.find(({ direction }) => direction === 'in') ?? { id: 0 };
    const failed = once(socket, 'error');
    assert.equal(watching.reset(id), true);
    await failed;
    assert.deepEqual(errors, ['ECONNABORTED']);
    server.close();
    await until('the listener is gone', () => watching.snapshot().listeners[0]?.why === 'ended');
  });

  it('a carried server of node:http', async () => {
    const watching = (monitor = startMonitor());
    const server = carry(http.createServer((_, response) => response.end('carried')));
    server.listen(0, ADDRESS);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://${ADDRESS}:${port}/`);
    assert.equal(await response.text(), 'carried');
    assert.equal(watching.snapshot().totals.accepted, 1);
    server.closeAllConnections();
    server.close();
  });

  it('an AsyncWebServer', async () => {
    const watching = (monitor = startMonitor());
    const server = new AsyncWebServer(0, { host: ADDRESS });
    server.on('/', HTTP_GET, (request) => {
      request.send(200, 'text/plain', String(watching.snapshot().connections.length));
    });
    await server.begin();
    const response = await fetch(`http://${ADDRESS}:${server.port()}/`);
    assert.equal(await response.text(), '1');
    assert.deepEqual(
      watching.snapshot().listeners.map(({ port, accepting }) => [port, accepting]),
      [[server.port(), true]],
    );
    await server.end();
  });

  it('a link with its state and its losses, as events too', async () => {
    const stack = memoryStack();
    const watching = (monitor = startMonitor({ clock: stack.clock }));
    const server = new AsyncServer(ADDRESS, PORT, { stack });
    server.onClient(() => undefined);
    await server.begin();
    const link = new LinkKeeper(ADDRESS, PORT, { stack, name: 'plc' });
    link.start();
    await stack.run(1000);
    const [up] = watching.snapshot().links;
    assert.deepEqual([up?.name, up?.state, up?.ups, up?.lastFailure], ['plc', 'up', 1, null]);
    assert.deepEqual(kinds(watching).sort(), ['in 1', 'out null']);
    await server.end({ clients: 'abort' });
    await stack.run(1000);
    const snapshot = watching.snapshot();
    const [down] = snapshot.links;
    assert.ok(down !== undefined && down.state !== 'up');
    assert.equal(down.losses, 1);
    assert.ok(Math.abs(Number(down.lastFailure?.atMs) - snapshot.atMs) <= 1000);
    const texts = watching.events().flatMap(({ kind, text }) => (kind === 'link' ? [text] : []));
    assert.equal(texts[0], 'link plc is up');
    assert.match(texts[1] ?? '', /^link plc was lost: /);
    await link.end();
  });

  it('the figures of the path through a stack that records', async () => {
    const watching = (monitor = startMonitor());
    const stack = recordingStack(kernelStack());
    const server = new AsyncServer(ADDRESS, 0, { stack });
    server.onClient(() => undefined);
    await server.begin();
    const client = await AsyncClient.open(ADDRESS, server.port(), { stack });
    const [found] = watching.snapshot().connections;
    assert.ok(Number(found?.peerWindow) > 0 && found?.retransmissions === 0);
    client.abort();
    await server.end({ clients: 'abort' });
  });

  const noText = Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('no text');
    },
  });
  const EXCEPTIONS: readonly (readonly [what: string, thrown: Error, text: RegExp])[] = [
    ['', new Error('a mistake'), /^a callback of 127\.0\.0\.1 port \d+ threw Error: a mistake$/],
    [', and without a text', noText, /^a callback of 127\.0\.0\.1 port \d+ threw an error that has no text$/],
  ];
  for (const [what, error, text] of EXCEPTIONS) {
    it(`exceptions of callbacks, by a name of their own${what}`, () => countsException(error, text));
  }

  async function countsException(error: Error, text: RegExp): Promise<void> {
    const stack = memoryStack();
    const watching = (monitor = startMonitor({ clock: stack.clock }));
    const server = new AsyncServer(ADDRESS, PORT, { stack });
    server.onClient((client) => {
      client.onData(() => {
        throw error;
      });
    });
    await server.begin();
    const client = new AsyncClient({ stack });
    client.onConnect(() => client.write('x'));
    client.connect(ADDRESS, PORT);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    await stack.run(1000);
    await thrown;
    for (const listener of listeners) process.on('uncaughtException', listener);
    const { errors } = watching.snapshot();
    const exception = errors.find(({ cause }) => cause === 'exception');
    assert.equal(exception?.count, 1);
    assert.match(exception.last, text);
    await server.end();
  }
});
