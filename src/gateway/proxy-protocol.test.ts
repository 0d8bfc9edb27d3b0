/** The PROXY protocol on a server, in virtual time. */
import '../composition.js';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, type ClientHandler } from '../asynctcp/async-client.js';
import { AsyncServer, type ServerOptions } from '../asynctcp/async-server.js';
import { TcpState } from '../port/tcp-state.js';
import { MemoryStack, type MemoryStackOptions } from '../stacks/memory/memory-stack.js';
import {
  DEFAULT_HEADER_TIMEOUT_MS,
  proxyInfo,
  proxyProtocol,
  type ProxyProtocol,
  type ProxyProtocolOptions,
} from './proxy-protocol.js';
import { proxyHeader } from './proxy-writer.js';

const PORT = 7;
const HOST = '127.0.0.1';
const HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\r\n';

interface Place {
  readonly stack: MemoryStack;
  readonly server: AsyncServer;
  readonly preamble: ProxyProtocol;
  /** Callbacks of the server's program, in order. */
  readonly log: string[];
}

interface Options {
  readonly protocol?: Partial<ProxyProtocolOptions>;
  readonly server?: ServerOptions;
  readonly stack?: MemoryStackOptions;
  readonly onClient?: (client: AsyncClient, log: string[]) => unknown;
}

function logEnds(client: AsyncClient, log: string[]): void {
  client.onDisconnect((_, reason) => log.push(`disconnect ${reason}`));
  client.onError((_, code) => log.push(`error ${code}`));
}

function logAll(client: AsyncClient, log: string[]): void {
  log.push(`client ${client.remoteIP()}:${client.remotePort()}`);
  client.onData((_, data) => log.push(`data ${new TextDecoder().decode(data)}`));
  logEnds(client, log);
}

async function serve({
  protocol,
  server: own,
  stack: limits,
  onClient = logAll,
}: Options = {}): Promise<Place> {
  const stack = new MemoryStack(limits);
  const preamble = proxyProtocol({ trusted: [HOST], ...protocol });
  const server = new AsyncServer(PORT, { stack, preamble, ...own });
  const log: string[] = [];
  const handler: ClientHandler = (client) => onClient(client, log);
  server.onClient(handler);
  await server.begin();
  return { stack, server, preamble, log };
}

interface Peer {
  readonly client: AsyncClient;
  readonly ends: string[];
}

async function connect(stack: MemoryStack, localAddress = HOST): Promise<Peer> {
  const client = await AsyncClient.open(HOST, PORT, { stack, localAddress });
  const ends: string[] = [];
  logEnds(client, ends);
  return { client, ends };
}

describe('a server with proxyProtocol', () => {
  it('calls onClient when the header is complete, and shows the ends of the header', async () => {
    const clients: AsyncClient[] = [];
    const { stack, server, log } = await serve({
      onClient(client, lines) {
        clients.push(client);
        logAll(client, lines);
      },
    });
    const { client: peer } = await connect(stack);
    for (const byte of HEADER.slice(0, -1)) {
      peer.write(byte);
      await stack.settle();
    }
    assert.deepEqual([log, server.count(), [...server.clients()]], [[], 0, []]);
    peer.write('\n');
    await stack.settle();
    assert.deepEqual([log, server.count()], [['client 192.0.2.1:55555'], 1]);
    const [client] = clients;
    assert.ok(client);
    const shown = (): unknown[] => [
      client.remoteIP(),
      client.remotePort(),
      client.localIP(),
      client.localPort(),
      client.getRemoteAddress(),
      client.remoteIP6(),
      proxyInfo(client)?.proxy,
      proxyInfo(client)?.local,
      proxyInfo(client)?.version,
    ];
    const before = shown();
    const proxy = { address: HOST, port: peer.localPort() };
    const local = { address: HOST, port: PORT };
    assert.deepEqual(before, ['192.0.2.1', 55_555, '198.51.100.2', 443, 0xc000_0201, '::', proxy, local, 1]);
    peer.close();
    await stack.settle();
    assert.deepEqual(log.slice(1), ['disconnect ended']);
    assert.deepEqual(shown(), before, 'after the end');
    await stack.close();
  });

  it('delivers the bytes behind the header as the first data, and does not count the header', async () => {
    let accepted: AsyncClient | undefined;
    const { stack, log } = await serve({
      onClient(client, lines) {
        accepted = client;
        logAll(client, lines);
        void Promise.resolve().then(() => lines.push('microtask'));
      },
    });
    const { client: peer } = await connect(stack);
    peer.write(`${HEADER}PROXY UNKNOWN\r\n`);
    peer.write('more');
    await stack.settle();
    assert.equal(log.slice(2).join('').replaceAll('data ', ''), 'PROXY UNKNOWN\r\nmore');
    assert.deepEqual(log.slice(0, 2), ['client 192.0.2.1:55555', 'microtask']);
    accepted?.write('answer');
    await stack.settle();
    assert.equal(peer.unacknowledged(), 0, 'the window is open again');
    await stack.close();
  });

  it('lets the first data wait for the promise of onClient, and the FIN behind it', async () => {
    let settle = (): void => undefined;
    let accepted: AsyncClient | undefined;
    const { stack, log } = await serve({
      onClient(client) {
        accepted = client;
        return new Promise<void>((resolve) => {
          settle = resolve;
        });
      },
    });
    const { client: peer } = await connect(stack);
    peer.write(`${HEADER}first`);
    peer.close();
    await stack.settle();
    assert.equal(accepted?.state(), TcpState.ESTABLISHED, 'the FIN is behind data that waits');
    logAll(accepted, log);
    await stack.settle();
    assert.deepEqual(log.slice(1), ['data first', 'disconnect ended']);
    settle();
    await stack.close();
  });

  it('keeps the order of first data that waits and of data that comes later', async () => {
    let accepted: AsyncClient | undefined;
    const { stack, log } = await serve({
      onClient(client, lines) {
        accepted = client;
        logAll(client, lines);
        client.pause();
      },
    });
    const { client: peer } = await connect(stack);
    peer.write(`${HEADER}a`);
    await stack.settle();
    peer.write('b');
    await stack.settle();
    assert.deepEqual(log.slice(1), []);
    accepted?.onData((client, data) => {
      log.push(`data ${new TextDecoder().decode(data)}`);
      client.pause();
    });
    accepted?.resume();
    await stack.settle();
    assert.deepEqual(log.slice(1), ['data a']);
    peer.close();
    await stack.settle();
    assert.deepEqual(log.slice(1), ['data a']);
    accepted?.resume();
    await stack.settle();
    assert.deepEqual(log.slice(1), ['data a', 'data b', 'disconnect ended']);
    await stack.close();
  });

  it('drops first data that waits when the client closes or is reset', async () => {
    for (const end of ['close', 'abort'] as const) {
      let accepted: AsyncClient | undefined;
      const { stack, server, log } = await serve({
        onClient(client, lines) {
          accepted = client;
          client.pause();
          logEnds(client, lines);
          client.onData(() => lines.push('data'));
        },
      });
      const { client: peer } = await connect(stack);
      peer.write(`${HEADER}first`);
      await stack.settle();
      accepted?.[end]();
      accepted?.resume();
      await stack.settle();
      peer.abort();
      await stack.settle();
      assert.equal(log.at(-1), `disconnect ${end === 'close' ? 'closed' : 'aborted'}`);
      assert.equal(log.includes('data'), false);
      assert.equal(server.count(), 0);
      assert.deepEqual(stack.holdings().connections, 0);
      await stack.close();
    }
  });

  it('withholds first data by ackLater and onPacket as any other', async () => {
    for (const way of ['onData', 'onPacket'] as const) {
      let accepted: AsyncClient | undefined;
      const { stack } = await serve({
        onClient(client) {
          accepted = client;
          if (way === 'onData') client.onData((one) => one.ackLater());
          else client.onPacket(() => undefined);
        },
        server: { receiveWindow: 1024 },
      });
      const { client: peer } = await connect(stack);
      peer.write(HEADER + 'x'.repeat(3000));
      await stack.settle();
      const before = peer.unacknowledged();
      assert.ok(before > 0);
      assert.equal(accepted?.ack(1024), 1024);
      await stack.settle();
      assert.equal(peer.unacknowledged(), Math.max(0, before - 1024));
      await stack.close();
    }
  });

  it('keeps the connection’s own ends for UNKNOWN, LOCAL and what is not TCP', async () => {
    const udp = proxyHeader({
      source: { address: '::1', port: 1 },
      destination: { address: '::2', port: 2 },
    });
    udp[13] = 0x22;
    for (const header of ['PROXY UNKNOWN 1.2.3.4\r\n', proxyHeader({}), udp]) {
      const { stack, log } = await serve();
      const { client: peer } = await connect(stack);
      peer.write(header);
      await stack.settle();
      assert.deepEqual(log, [`client ${HOST}:${peer.localPort()}`]);
      await stack.close();
    }
  });

  it('gives the values of version 2', async () => {
    const found: unknown[] = [];
    const { stack } = await serve({ onClient: (client) => found.push(proxyInfo(client)?.tlvs) });
    const { client: peer } = await connect(stack);
    const tlvs = [{ type: 2, value: new TextEncoder().encode('example.org') }];
    const ends = { source: { address: '::1', port: 1 }, destination: { address: '::2', port: 2 } };
    peer.write(proxyHeader({ ...ends, tlvs }));
    await stack.settle();
    assert.deepEqual(found, [tlvs]);
    await stack.close();
  });

  it('resets a connection whose header is malformed, and counts it', async () => {
    const { stack, preamble, log, server } = await serve();
    const { client: peer, ends } = await connect(stack);
    peer.write('GET / HTTP/1.1\r\n\r\n');
    await stack.settle();
    assert.deepEqual([log, ends, server.count()], [[], ['error -14', 'disconnect error'], 0]);
    const { refused, lastRefusal } = preamble.figures();
    assert.equal(refused.malformed, 1);
    assert.deepEqual(lastRefusal, {
      address: HOST,
      reason: 'malformed',
      text: 'the signature is neither that of version 1 nor of version 2',
    });
    assert.equal(stack.holdings().connections, 0);
    await stack.close();
  });

  it('resets a header that is late, at its time whatever comes meanwhile', async () => {
    const { stack, preamble, log } = await serve();
    const silent = await connect(stack);
    const slow = await connect(stack);
    const startMs = stack.clock.nowMs();
    for (const byte of HEADER.slice(0, 40)) {
      slow.client.write(byte);
      await stack.run(100);
    }
    await stack.run(DEFAULT_HEADER_TIMEOUT_MS - 1 - (stack.clock.nowMs() - startMs));
    assert.deepEqual([silent.ends, slow.ends, preamble.figures().refused.late], [[], [], 0]);
    await stack.run(1);
    assert.equal(preamble.figures().refused.late, 2);
    assert.deepEqual([silent.ends, slow.ends].flat().length, 4);
    assert.deepEqual([log, stack.holdings().connections, stack.holdings().timers], [[], 0, 0]);
    await stack.close();
  });

  it('has no time limit once the header is complete', async () => {
    const { stack, log } = await serve();
    const { client: peer } = await connect(stack);
    peer.write(HEADER);
    await stack.run(3_600_000);
    assert.deepEqual(log, ['client 192.0.2.1:55555']);
    await stack.close();
  });

  it('does not show a connection that ends before its header is complete', async () => {
    for (const sent of ['', HEADER.slice(0, 20)]) {
      for (const end of ['close', 'abort'] as const) {
        const { stack, preamble, log } = await serve();
        const { client: peer } = await connect(stack);
        if (sent !== '') peer.write(sent);
        await stack.settle();
        peer[end]();
        await stack.settle();
        assert.deepEqual([log, preamble.figures().refused.ended, stack.holdings().connections], [[], 1, 0]);
        await stack.close();
      }
    }
  });

  it('counts connections without a header against maxClients and the stack’s limit', async () => {
    const SETTINGS: readonly Options[] = [{ server: { maxClients: 2 } }, { stack: { maxActiveTcp: 6 } }];
    for (const options of SETTINGS) {
      const { stack, server, log } = await serve(options);
      const [first, , third] = [await connect(stack), await connect(stack), await connect(stack)];
      // On one memory stack each connection has two ends.
      if (options.server !== undefined) {
        await stack.settle();
        assert.equal(third.ends.length, 2, 'the third is refused');
      }
      first.client.write(HEADER);
      await stack.settle();
      assert.deepEqual([server.count(), log.length], [1, 1]);
      await stack.run(DEFAULT_HEADER_TIMEOUT_MS);
      const next = await connect(stack);
      next.client.write(HEADER);
      await stack.settle();
      assert.deepEqual([server.count(), log.length], [2, 2], 'the late ones have given their places back');
      await stack.close();
    }
  });

  it('resets connections without a complete header when the server ends, and leaves the clients', async () => {
    const { stack, server, preamble, log } = await serve();
    const waiting = await connect(stack);
    const { client: peer, ends } = await connect(stack);
    peer.write(HEADER);
    await stack.settle();
    await server.end();
    await stack.settle();
    assert.deepEqual([waiting.ends.length, ends.length, log.length], [2, 0, 1]);
    assert.equal(preamble.figures().refused.serverEnded, 1);
    await server.end({ clients: 'abort' });
    assert.deepEqual(stack.holdings().connections, 0);
    await stack.close();
  });

  it('ends a connection whose onClient throws, with its own error alone', async () => {
    const thrown = new Error('in onClient');
    const caught: unknown[] = [];
    const { stack, server } = await serve({
      onClient() {
        throw thrown;
      },
    });
    const keep = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => caught.push(error));
    const { client: peer, ends } = await connect(stack);
    peer.write(`${HEADER}data`);
    await stack.settle();
    for (const listener of keep) process.on('uncaughtException', listener);
    assert.deepEqual([caught, ends.length, server.count()], [[thrown], 2, 0]);
    await stack.close();
  });
});

describe('an address that is not trusted', () => {
  it('is refused', async () => {
    const { stack, preamble, log } = await serve({ protocol: { trusted: ['10.0.0.0/8'] } });
    const { client: peer, ends } = await connect(stack);
    peer.write(HEADER);
    await stack.settle();
    assert.deepEqual([log, ends.length, preamble.figures().refused.untrusted], [[], 2, 1]);
    await stack.close();
  });

  it('is served without a header if the option says so, and never believed', async () => {
    const protocol = { trusted: ['10.0.0.0/8'], untrusted: 'serve' } as const;
    let info: unknown = 'not asked';
    const { stack, preamble, log } = await serve({
      protocol,
      onClient(client, lines) {
        logAll(client, lines);
        info = proxyInfo(client);
      },
    });
    const { client: peer } = await connect(stack);
    peer.write(HEADER);
    await stack.settle();
    assert.deepEqual(log, [`client ${HOST}:${peer.localPort()}`, `data ${HEADER}`]);
    assert.deepEqual([info, preamble.figures().passed], [undefined, 0]);
    await stack.close();
  });
});

describe('the options of proxyProtocol', () => {
  const trusted = ['::1'];
  const WRONG: readonly [options: unknown, error: string][] = [
    [undefined, 'TypeError: options must be an object, not undefined'],
    [{}, 'TypeError: trusted must be an array of addresses and blocks, not undefined'],
    [{ trusted, untrusted: 'believe' }, 'RangeError: untrusted must be "refuse" or "serve", not "believe"'],
    [{ trusted, timeoutMs: 0 }, 'RangeError: timeoutMs must be a number from 1 to 86400000 ms, not 0'],
    [{ trusted, timeoutMs: '1' }, 'TypeError: timeoutMs must be a number from 1 to 86400000 ms, not "1"'],
    [{ trusted, maxBytes: 535 }, 'RangeError: maxBytes must be an integer from 536 to 65551 bytes, not 535'],
    [
      { trusted, maxBytes: 65_552 },
      'RangeError: maxBytes must be an integer from 536 to 65551 bytes, not 65552',
    ],
  ];
  for (const [options, error] of WRONG) {
    it(`are refused: ${error}`, () => {
      const [name = '', message = ''] = error.split(/: (.*)/s);
      assert.throws(() => proxyProtocol(options as ProxyProtocolOptions), { name, message });
    });
  }

  it('take the ends of every range', () => {
    proxyProtocol({ trusted, timeoutMs: 1, maxBytes: 536, untrusted: 'refuse' });
    proxyProtocol({ trusted, timeoutMs: 86_400_000, maxBytes: 65_551, untrusted: 'serve' });
  });
});

describe('the option preamble of a server', () => {
  it('must be a preamble', () => {
    const begin = (): 'none' => 'none';
    const WRONG: readonly [unknown, string, string][] = [
      [5, 'TypeError', 'preamble must be an object with timeoutMs and begin, not 5'],
      [{}, 'TypeError', 'preamble must be an object with timeoutMs and begin, not [object Object]'],
      [
        { begin, timeoutMs: 0 },
        'RangeError',
        'preamble.timeoutMs must be a number from 1 to 86400000 ms, not 0',
      ],
    ];
    for (const [preamble, name, message] of WRONG) {
      assert.throws(() => new AsyncServer(7, { preamble } as ServerOptions), { name, message });
    }
  });
});
