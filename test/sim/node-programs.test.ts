/** `http` and `ws` on hosts of a network: their own immediates and ticks run before the time moves. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { carry, createConnection, createServer } from '#src/net.js';
import type { Host } from '#src/sim/host.js';
import { checkDeterminism } from '#src/sim/check-determinism.js';
import { Network } from '#src/sim/network.js';

const DELAY_MS = 10;

function pair(): { network: Network; client: Host; server: Host } {
  const network = new Network({ seed: 1 });
  const client = network.host('client');
  const server = network.host('server');
  network.link(client, server, { delayMs: DELAY_MS });
  return { network, client, server };
}

async function bodyOf(response: http.IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of response) body += String(piece);
  return body;
}

function get(host: Host, path: string, agent: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: 'server', port: 80, path, agent }, (response) => {
      bodyOf(response).then(resolve, reject);
    });
    request.on('error', reject);
    assert.ok(host.isUp);
  });
}

function agentOf(host: Host, { lookup }: Network): http.Agent {
  const agent = new http.Agent({ keepAlive: true });
  Reflect.set(agent, 'createConnection', ({ port }: { port: number }) =>
    createConnection({ host: 'server', port, lookup, stack: host.stack }),
  );
  return agent;
}

describe('programs of Node in a network', () => {
  it('http requests take the round trips that they need, and no virtual time more', async () => {
    const { network, client, server } = pair();
    const web = carry(
      http.createServer((request, response) => {
        setImmediate(() => {
          response.write(`you asked for ${request.url ?? ''}`);
          setImmediate(() => response.end('.'));
        });
      }),
      { stack: server.stack },
    );
    web.listen(80);
    const agent = agentOf(client, network);
    assert.equal(await network.runUntil(get(client, '/one', agent)), 'you asked for /one.');
    assert.equal(network.nowMs, 4 * DELAY_MS);
    // The connection is kept.
    assert.equal(await network.runUntil(get(client, '/two', agent)), 'you asked for /two.');
    assert.equal(network.nowMs, 6 * DELAY_MS);
    agent.destroy();
    web.close();
    await network.run(1000);
  });

  it('http in two runs of one seed sends the same packets, with dates of virtual time', async () => {
    let head = '';
    const program = async (network: Network): Promise<void> => {
      using globals = network.installGlobals();
      assert.ok(globals);
      const client = network.host('client');
      const server = network.host('server');
      network.link(client, server, { delayMs: DELAY_MS });
      const web = carry(
        http.createServer((request, response) => {
          const path = request.url ?? '';
          if (path === '/none') response.sendDate = false;
          if (path === '/own') response.setHeader('date', 'today');
          if (path === '/list') response.writeHead(200, ['DATE', 'listed']);
          if (path === '/object') response.writeHead(200, { Date: 'in an object' });
          response.end(crypto.randomUUID());
        }),
        { stack: server.stack },
      );
      web.listen(80);
      const agent = agentOf(client, network);
      head = '';
      await network.run(3_600_000);
      for (const path of ['/', '/none', '/own', '/list', '/object', '/later']) {
        const response = await network.runUntil(
          new Promise<http.IncomingMessage>((resolve) => {
            http.get({ host: 'server', port: 80, path, agent }, resolve);
          }),
        );
        head += `${path} ${response.headers.date ?? 'none'}\n`;
        await network.runUntil(bodyOf(response));
        await network.run(1000);
      }
      agent.destroy();
      web.close();
      await network.run(1000);
    };
    const epochMs = Date.UTC(2030, 0, 1);
    assert.ok((await checkDeterminism(program, { seed: 1, epochMs })) > 20);
    assert.deepEqual(head.split('\n'), [
      '/ Tue, 01 Jan 2030 01:00:00 GMT',
      '/none none',
      '/own today',
      '/list listed',
      '/object in an object',
      '/later Tue, 01 Jan 2030 01:00:05 GMT',
      '',
    ]);
  });

  it('the end of a socket that had data comes at the instant of the FIN', async () => {
    const { network, client, server } = pair();
    let endedMs = -1;
    const listening = createServer({ stack: server.stack }, (socket) => {
      socket.on('data', () => undefined);
      socket.on('end', () => (endedMs = network.nowMs));
    });
    listening.listen(80);
    const socket = createConnection({
      host: 'server',
      port: 80,
      lookup: network.lookup,
      stack: client.stack,
    });
    socket.write('data');
    network.at(10 * DELAY_MS, () => void socket.end());
    await network.run(1000);
    assert.equal(endedMs, 11 * DELAY_MS);
    listening.close();
  });

  it('a WebSocket echoes', async () => {
    const { network, client, server } = pair();
    const web = carry(http.createServer(), { stack: server.stack });
    const sockets = new WebSocketServer({ server: web });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => {
        socket.send(data);
      });
    });
    web.listen(80);
    const answer = new Promise<string>((resolve, reject) => {
      const socket = new WebSocket('ws://server/', {
        perMessageDeflate: false,
        createConnection: () =>
          createConnection({ host: 'server', port: 80, lookup: network.lookup, stack: client.stack }),
      });
      socket.on('open', () => {
        socket.send('hello');
      });
      socket.on('error', reject);
      socket.on('message', (data) => {
        socket.close();
        resolve(Buffer.isBuffer(data) ? data.toString() : 'no buffer');
      });
    });
    assert.equal(await network.runUntil(answer), 'hello');
    assert.equal(network.nowMs, 6 * DELAY_MS);
    web.close();
    await network.run(1000);
  });
});
