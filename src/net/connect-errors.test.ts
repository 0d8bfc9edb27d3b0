/** The errors of sockets that do not connect, beside those of node:net's own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import nodes from 'node:net';
import { after, before, describe, it } from 'node:test';
import { loadAddon } from '../addon/load-addon.js';
import { nodeStack, type StackOption } from '../index.js';
import { connect } from '../net.js';

const LOOPBACK = '127.0.0.1';
/** Documentation's own addresses (RFC 5737): no machine has one. */
const FOREIGN = '203.0.113.5';
/** No TCP connection can be made to it. */
const BROADCAST = '255.255.255.255';

type Target = nodes.TcpNetConnectOpts;

/** A port that is listened on, and two that are not. */
interface Ports {
  readonly busy: number;
  readonly free: number;
  readonly own: number;
}

const CASES: Record<string, (ports: Ports) => Target> = {
  'a refused port': ({ free: port }) => ({ host: LOOPBACK, port }),
  'port 0': () => ({ host: LOOPBACK, port: 0 }),
  'a refused port, from an address': ({ free: port }) => ({ host: LOOPBACK, port, localAddress: LOOPBACK }),
  'a refused port, from an address and a port': ({ free: port, own }) => {
    return { host: LOOPBACK, port, localAddress: LOOPBACK, localPort: own };
  },
  'a refused port, from a port': ({ free: port, own }) => ({ host: LOOPBACK, port, localPort: own }),
  'a network out of reach': ({ free: port }) => ({ host: BROADCAST, port }),
  'a network out of reach, from a port': ({ free: port, own }) => {
    return { host: BROADCAST, port, localPort: own };
  },
  'a network out of reach, from loopback': ({ free: port, own }) => {
    return { host: FOREIGN, port, localAddress: LOOPBACK, localPort: own };
  },
  'an address of another machine as the own one': ({ free: port }) => {
    return { host: LOOPBACK, port, localAddress: FOREIGN };
  },
  'an address of another machine and a port': ({ free: port, own }) => {
    return { host: LOOPBACK, port, localAddress: FOREIGN, localPort: own };
  },
  'a local port in use': ({ free: port, busy }) => {
    return { host: LOOPBACK, port, localAddress: LOOPBACK, localPort: busy };
  },
  'a local port in use, on all addresses': ({ free: port, busy }) => {
    return { host: LOOPBACK, port, localPort: busy };
  },
  'an own address of the other family': ({ free: port }) => {
    return { host: LOOPBACK, port, localAddress: '::1' };
  },
  'several addresses that refuse': ({ free: port }) => {
    return { host: 'several.test', port, autoSelectFamily: true, lookup: several };
  },
};

const several: nodes.LookupFunction = (_host, _options, done) => {
  const addresses = [
    { address: LOOPBACK, family: 4 },
    { address: '::1', family: 6 },
  ];
  done(null, addresses);
};

async function listening(): Promise<{ server: nodes.Server; port: number }> {
  const server = nodes.createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { server, port: address.port };
}

async function freePort(): Promise<number> {
  const { server, port } = await listening();
  server.close();
  await once(server, 'close');
  return port;
}

/** Returns the error of a socket that does not connect, behind those of its attempts. */
async function failureOf(socket: nodes.Socket): Promise<unknown[]> {
  const seen: unknown[] = [];
  socket.on('connectionAttemptFailed', (...args: unknown[]) => seen.push(args.map(shown)));
  const [error] = (await once(socket, 'error')) as [Error];
  seen.push(shown(error));
  return seen;
}

/** Returns a value for comparison: an error as its text and properties. */
function shown(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const errors = value instanceof AggregateError ? value.errors.map(shown) : [];
  return { text: String(value), properties: Object.entries(value), errors };
}

const stacks: readonly { name: string; stack: StackOption; skip: boolean }[] = [
  { name: 'kernel', stack: 'kernel', skip: loadAddon().addon === undefined },
  { name: 'node', stack: nodeStack(), skip: false },
];

describe('the error of a socket that does not connect is node:net’s', () => {
  let ports: Ports;
  let server: nodes.Server;
  before(async () => {
    const taken = await listening();
    server = taken.server;
    ports = { busy: taken.port, free: await freePort(), own: await freePort() };
  });
  after(() => server.close());

  for (const [name, target] of Object.entries(CASES)) {
    for (const { name: on, stack, skip } of stacks) {
      it(`${name}, on ${on}`, { skip }, async () => {
        const expected = await failureOf(nodes.connect(target(ports)));
        assert.deepEqual(await failureOf(connect({ ...target(ports), stack })), expected);
      });
    }
  }
});
