/** Servers of node:net, http, https and asynctcp-web behind a proxy that speaks the PROXY protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { kernelStack, memoryStack, nodeStack, type TcpStack } from 'asynctcp';
import { AsyncWebServer } from 'asynctcp-web';
import { proxyHeader, proxyProtocol } from 'asynctcp/gateway';
import { carry, connect, createServer, type Socket } from 'asynctcp/net';
import { loadAddon } from '#src/addon/load-addon.js';

const HOST = '127.0.0.1';
const HEADER = proxyHeader({
  source: { address: '192.0.2.1', port: 55_555 },
  destination: { address: '198.51.100.2', port: 443 },
});
const preamble = proxyProtocol({ trusted: [HOST] });

/** A key that both ends have: it needs no certificate. */
const psk = Buffer.alloc(16, 1);
const CIPHERS = { ciphers: 'PSK', minVersion: 'TLSv1.3' } as const;

async function portOf(server: net.Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** Connects as a proxy does: the header goes ahead, in one segment with the first bytes of the client. */
function connectAsProxy(port: number, stack: TcpStack): Socket {
  const socket = connect({ host: HOST, port, stack });
  socket.cork();
  socket.write(HEADER);
  process.nextTick(() => socket.uncork());
  return socket;
}

async function ask(request: http.ClientRequest): Promise<string> {
  const [response] = (await once(request.end(), 'response')) as [http.IncomingMessage];
  return text(response);
}

const MISSING = loadAddon().reason ?? false;
const STACKS: readonly (readonly [name: string, make: () => TcpStack, skip: string | false])[] = [
  ['memory', () => memoryStack(), false],
  ['node', () => nodeStack(), false],
  ['kernel', () => kernelStack(), MISSING],
];

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { remoteAddress, remotePort, localAddress, localPort } = request.socket;
  response
    .setHeader('connection', 'close')
    .end(`${remoteAddress} ${remotePort} ${localAddress} ${localPort}`);
}
const ANSWER = '192.0.2.1 55555 198.51.100.2 443';

for (const [name, make, skip] of STACKS) {
  describe(`behind a proxy, on ${name}`, { skip, timeout: 30_000 }, () => {
    it('a server of node:net has the client’s address', async () => {
      const stack = make();
      const server = createServer({ stack, preamble }, (socket) => {
        socket.end(`${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`);
      });
      assert.equal(await text(connectAsProxy(await portOf(server), stack)), ANSWER);
      server.close();
    });

    it('a server of http has the client’s address', async () => {
      const stack = make();
      const server = carry(http.createServer(answer), { stack, preamble });
      const port = await portOf(server);
      const createConnection = (): Socket => connectAsProxy(port, stack);
      assert.equal(await ask(http.request({ createConnection })), ANSWER);
      server.close();
    });

    it('a server of https reads TLS behind the header', async () => {
      const stack = make();
      const options = { ...CIPHERS, pskCallback: () => psk };
      const server = carry(https.createServer(options, answer), { stack, preamble });
      const port = await portOf(server);
      const createConnection = (): tls.TLSSocket =>
        tls.connect({
          ...CIPHERS,
          socket: connectAsProxy(port, stack),
          pskCallback: () => ({ psk, identity: 'client' }),
          checkServerIdentity: () => undefined,
        });
      assert.equal(await ask(https.request({ createConnection })), ANSWER);
      server.close();
    });

    it('asynctcp-web has the client’s address', async () => {
      const stack = make();
      const server = new AsyncWebServer(0, { host: HOST, stack, preamble });
      server.on('/', (request) => {
        request.send(200, 'text/plain', request.client()?.remoteIP());
      });
      await server.begin();
      const createConnection = (): Socket => connectAsProxy(server.port(), stack);
      assert.equal(await ask(http.request({ createConnection })), '192.0.2.1');
      await server.end();
    });
  });
}

describe('the option preamble of asynctcp/net', () => {
  it('must be a preamble', () => {
    const wrong = { preamble: {} } as never;
    const error = {
      name: 'TypeError',
      message: /^preamble must be an object with timeoutMs and begin, not /,
    };
    assert.throws(() => createServer(wrong), error);
    assert.throws(() => carry(http.createServer(), wrong), error);
    assert.throws(() => new AsyncWebServer(0, wrong), error);
  });

  it('is not ignored where Node’s own listener would be used', () => {
    const server = createServer({ preamble });
    assert.throws(() => server.listen({ path: '/nowhere/at/all' }), {
      message: 'a server with a preamble listens on a host and a port, not on a pipe',
    });
  });
});
