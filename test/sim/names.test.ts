/** Names of a stack's own network for `asynctcp/net`: found by the stack, as Node finds its own. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import nodes from 'node:net';
import { describe, it } from 'node:test';
import { memoryStack, nodeStack } from '#src/index.js';
import { carry, createConnection, createServer, type ConnectOptions, type Socket } from '#src/net.js';
import type { Host } from '#src/sim/host.js';
import { Network } from '#src/sim/network.js';
import { virtualStack } from '#src/virtual.js';

const DELAY_MS = 10;
const SERVER = ['10.0.0.2', 'fd00::2'] as const;

function pair(address: string | readonly string[] = SERVER): {
  network: Network;
  device: Host;
  server: Host;
} {
  const network = new Network({ seed: 1 });
  const device = network.host('device', { address: ['10.0.0.1', 'fd00::1'] });
  const server = network.host('server', { address });
  network.link(device, server, { delayMs: DELAY_MS });
  return { network, device, server };
}

function greetOn(host: Host): void {
  createServer({ stack: host.stack }, (socket) => socket.end(`hello ${socket.remoteAddress ?? ''}`)).listen(
    80,
  );
}

interface Outcome {
  readonly lookups: unknown[][];
  readonly text: string;
  readonly error: (NodeJS.ErrnoException & { hostname?: string }) | undefined;
}

/** Waits for the end of a socket, and returns its events. */
async function outcomeOf(socket: Socket | nodes.Socket): Promise<Outcome> {
  const lookups: unknown[][] = [];
  let text = '';
  let error: Outcome['error'];
  socket.on('lookup', (...found: unknown[]) => lookups.push(found));
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.on('error', (failure) => (error = failure));
  await new Promise((resolve) => socket.on('close', resolve));
  return { lookups, text, error };
}

function ask({ network, device }: ReturnType<typeof pair>, options: object = {}): Promise<Outcome> {
  const socket = createConnection({ host: 'server', port: 80, stack: device.stack, ...options });
  return network.runUntil(outcomeOf(socket));
}

describe('a name of the network', () => {
  it('is found by createConnection on a dual-stack host, the first address first', async () => {
    const world = pair();
    greetOn(world.server);
    const { lookups, text, error } = await ask(world);
    assert.equal(error, undefined);
    assert.equal(text, 'hello ::ffff:10.0.0.1');
    assert.deepEqual(lookups[0], [null, SERVER[0], 4, 'server']);
    assert.ok(world.network.nowMs < 30_000);
  });

  it('is found in the family that the program asks for', async () => {
    for (const [family, remote] of [
      [4, '::ffff:10.0.0.1'],
      [6, 'fd00::1'],
    ] as const) {
      for (const autoSelectFamily of [false, true]) {
        const world = pair();
        greetOn(world.server);
        const { lookups, text } = await ask(world, { family, autoSelectFamily });
        assert.equal(text, `hello ${remote}`);
        assert.deepEqual(lookups, [[null, SERVER[family === 4 ? 0 : 1], family, 'server']]);
      }
    }
  });

  it('gives another family a try when the first address refuses', async () => {
    const world = pair();
    createServer({ stack: world.server.stack }, (socket) => socket.end('by IPv6')).listen(80, SERVER[1]);
    const { text, lookups } = await ask(world, { autoSelectFamily: true });
    assert.equal(text, 'by IPv6');
    assert.deepEqual(
      lookups.map(([, address]) => address),
      [...SERVER],
    );
  });

  it('is looked up by the function that the program passes, if it passes one', async () => {
    const world = pair();
    greetOn(world.server);
    const asked: string[] = [];
    const lookup: nodes.LookupFunction = (host, options, done) => {
      asked.push(host);
      world.network.lookup(host.replace('other', 'server'), options, done);
    };
    const { text } = await ask(world, { host: 'other', lookup });
    assert.deepEqual([asked, text.slice(0, 5)], [['other'], 'hello']);
  });

  it('that is unknown, or has no address of the family, fails as getaddrinfo does', async () => {
    const nodeFails = await outcomeOf(nodes.connect({ host: 'unknown.invalid', port: 80 }));
    const ipv4 = pair('10.0.0.2');
    for (const outcome of [
      await ask(pair(), { host: 'unknown.invalid' }),
      await ask(pair(), { host: 'unknown.invalid', autoSelectFamily: false }),
      await ask(ipv4, { family: 6 }),
    ]) {
      const { error, lookups } = outcome;
      assert.ok(error !== undefined);
      const { code, syscall, hostname = '', message, errno } = error;
      assert.deepEqual([code, syscall, errno], ['ENOTFOUND', 'getaddrinfo', -3008]);
      assert.equal(message, `getaddrinfo ENOTFOUND ${hostname}`);
      assert.deepEqual(lookups, [[error, undefined, undefined, hostname]]);
    }
    // Without a resolver Node's own error is EAI_AGAIN.
    assert.equal(nodeFails.error?.syscall, 'getaddrinfo');
  });

  it('is found by http.get, with a connection of its own and with an agent', async () => {
    const { network, device, server } = pair();
    carry(
      http.createServer((_, response) => response.end('found')),
      { stack: server.stack },
    ).listen(80);
    const connect = (options: ConnectOptions): Socket =>
      createConnection({ ...options, stack: device.stack });
    const agent = new http.Agent();
    Reflect.set(agent, 'createConnection', connect);
    for (const options of [{ createConnection: connect }, { agent }] as const) {
      const get = new Promise<string>((resolve, reject) => {
        const request = http.get({ host: 'server', ...options } as http.RequestOptions, (response) => {
          response.on('data', (data: Buffer) => {
            resolve(data.toString());
          });
        });
        request.on('error', reject);
      });
      assert.equal(await network.runUntil(get), 'found');
    }
  });

  it('is not looked up for an address, and options stay as the program made them', async () => {
    const world = pair();
    greetOn(world.server);
    const { lookups } = await ask(world, { host: SERVER[0] });
    assert.deepEqual(lookups, []);
    const options = { host: 'server', port: 80, stack: world.device.stack };
    await world.network.runUntil(outcomeOf(createConnection(options)));
    assert.deepEqual(Object.keys(options), ['host', 'port', 'stack']);
  });
});

describe('a server that listens on a name', () => {
  async function listenOn(name: string, make: (host: Host) => nodes.Server): Promise<unknown> {
    const { network, server: host } = pair();
    const server = make(host);
    const outcome = new Promise((resolve) => {
      server.once('error', resolve);
      server.listen(80, name, () => {
        resolve(server.address());
      });
    });
    const found = await network.runUntil(outcome);
    assert.equal(network.nowMs, 0);
    server.close();
    return found;
  }

  const SERVERS: Readonly<Record<string, (host: Host) => nodes.Server>> = {
    createServer: (host) => createServer({ stack: host.stack }),
    'carry, of http': (host) => carry(http.createServer(), { stack: host.stack }),
  };
  for (const [title, make] of Object.entries(SERVERS)) {
    it(`has the address that the network gives the name: ${title}`, async () => {
      const { lookup } = dns;
      assert.deepEqual(await listenOn('server', make), { address: SERVER[0], family: 'IPv4', port: 80 });
      assert.deepEqual(await listenOn('server.local', make), {
        address: SERVER[0],
        family: 'IPv4',
        port: 80,
      });
      assert.deepEqual(await listenOn('localhost', make), { address: '127.0.0.1', family: 'IPv4', port: 80 });
      assert.equal(dns.lookup, lookup);
    });

    it(`fails as getaddrinfo does for a name that the network does not know: ${title}`, async () => {
      const error = await listenOn('elsewhere', make);
      assert.ok(error instanceof Error);
      assert.equal(error.message, 'getaddrinfo ENOTFOUND elsewhere');
    });

    it(`fails as listen does for a name of another host: ${title}`, async () => {
      const error = await listenOn('device', make);
      assert.ok(error instanceof Error);
      assert.match(error.message, /^listen EADDRNOTAVAIL: address not available 10\.0\.0\.1:80$/);
    });
  }
});

it('a name of a memory stack is found by its lookup, also if the stack is the default of the name localhost', async () => {
  const stack = memoryStack({
    lookup: (host, answer) => {
      answer(host === 'there' || host === 'localhost' ? null : new Error('no'), ['127.0.0.1']);
    },
  });
  const server = createServer({ stack }, (socket) => socket.end('in memory'));
  server.listen(80, '127.0.0.1');
  await once(server, 'listening');
  for (const target of [{ host: 'there' }, {}]) {
    const { text, lookups } = await outcomeOf(createConnection({ port: 80, stack, ...target }));
    assert.equal(text, 'in memory');
    assert.deepEqual(lookups[0]?.slice(0, 3), [null, '127.0.0.1', 4]);
  }
  server.close();
});

it('names of the node stack stay the system’s', async () => {
  const stack = nodeStack({
    lookup: () => {
      throw new Error('the lookup of the stack is for AsyncClient');
    },
  });
  const server = createServer({ stack }, (socket) => socket.end('by the system')).listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { text, lookups } = await outcomeOf(createConnection({ port: address.port, stack }));
  assert.equal(text, 'by the system');
  assert.equal(lookups[0]?.[3], 'localhost');
  server.close();
});

it('a host in real time has the system’s names, or those of its look-up function', async () => {
  const named = virtualStack({
    lookup: (host, answer) => {
      answer(host === 'there' ? null : new Error('no'), ['127.0.0.1']);
    },
  });
  for (const [stack, host, found] of [
    [virtualStack(), 'localhost', true],
    [named, 'there', true],
    [named, 'localhost', false],
  ] as const) {
    const server = createServer({ stack }, (socket) => socket.end('here')).listen(80);
    await once(server, 'listening');
    const { text, error } = await outcomeOf(createConnection({ host, port: 80, stack }));
    assert.deepEqual([text, error?.code], found ? ['here', undefined] : ['', 'ENOTFOUND']);
    server.close();
    await stack.close();
  }
});
