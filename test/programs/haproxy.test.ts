/** The PROXY protocol with Debian's HAProxy in front of a server, and behind a client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { AsyncClient, AsyncServer, kernelStack, nodeStack, type TcpStack } from 'asynctcp';
import { proxyInfo, proxyProtocol, ProxyTlvType, writeProxyHeader, type ProxyInfo } from 'asynctcp/gateway';
import { loadAddon } from '#src/addon/load-addon.js';
import { unlessInstalled } from '../e2e/programs.js';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { startHaproxy } from './services.js';
import { freePort } from '../support/free-port.js';

const HOST = '127.0.0.1';
const skip = unlessInstalled('haproxy');
const STACKS: readonly (readonly [name: string, make: () => TcpStack, skip: string | false])[] = [
  ['kernel', () => kernelStack(), loadAddon().reason ?? skip],
  ['node', () => nodeStack(), skip],
];

/** What a server saw of a client. */
interface Seen {
  readonly remote: string;
  readonly local: string;
  readonly info: ProxyInfo | undefined;
}

interface Place {
  readonly server: AsyncServer;
  readonly protocol: ReturnType<typeof proxyProtocol>;
  readonly seen: Seen[];
}

function endText(address: string, port: number): string {
  return `${address} ${port}`;
}

/** A server that answers each line by the client's address, and ends. */
async function serve(test: TestContext, stack: TcpStack): Promise<Place> {
  const protocol = proxyProtocol({ trusted: [HOST] });
  const server = new AsyncServer(HOST, 0, { stack, preamble: protocol });
  const seen: Seen[] = [];
  server.onClient((client) => {
    const remote = endText(client.remoteIP(), client.remotePort());
    const local = endText(client.localIP(), client.localPort());
    seen.push({ remote, local, info: proxyInfo(client) });
    client.onData(() => {
      client.write(remote);
      client.close();
    });
  });
  await server.begin();
  test.after(() => server.end({ clients: 'abort' }));
  return { server, protocol, seen };
}

/** Asks through HAProxy. Resolves to the answer, and to the end from which was asked. */
async function ask(port: number, host = HOST): Promise<{ answer: string; own: string }> {
  const socket: Socket = connect(port, host);
  await once(socket, 'connect');
  const own = endText(socket.localAddress ?? '', socket.localPort ?? 0);
  socket.write('who am I?\n');
  return { answer: await text(socket), own };
}

/** HAProxy in front of a server, by a word of its configuration. */
function sectionsFor(front: number, port: number, sends: string, host = HOST): string {
  return `
frontend front
  mode tcp
  bind ${host}:${front}
  unique-id-format %{+X}o\\ %ci:%cp_%rt
  default_backend back
backend back
  mode tcp
  option tcp-check
  tcp-check connect default
  tcp-check send ping
  tcp-check expect rstring .
  server one ${HOST}:${port} ${sends} check inter 100ms`;
}

const SENDS = [
  ['1', 'send-proxy'],
  ['2', 'send-proxy-v2'],
  ['2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'],
] as const;

for (const [name, make, missing] of STACKS) {
  describe(`behind HAProxy on ${name}`, { skip: missing, timeout: HANGS_MS }, () => {
    for (const [version, sends] of SENDS) {
      it(`has the client’s address by ${sends}`, async (test) => {
        const { server, protocol, seen } = await serve(test, make());
        const front = await freePort();
        await startHaproxy(test, sectionsFor(front, server.port(), sends), 1);
        for (let count = 0; count < 3; count += 1) {
          const { answer, own } = await ask(front);
          assert.equal(answer, own);
        }
        const [asked] = seen.filter(({ local }) => local === endText(HOST, front));
        assert.equal(String(asked?.info?.version), version);
        assert.equal(asked?.info?.proxy.address, HOST);
        assert.notEqual(endText(HOST, asked.info.proxy.port), asked.remote);
        // The health checks are clients as well, under HAProxy's own address.
        const check = seen.find(({ local }) => local === endText(HOST, server.port()));
        assert.equal(check?.info?.command, version === '2' ? 'LOCAL' : 'PROXY');
        const types = asked.info.tlvs.map(({ type }) => type);
        const expected = sends.includes('crc32c') ? [ProxyTlvType.CRC32C, ProxyTlvType.UNIQUE_ID] : [];
        assert.deepEqual(types.toSorted(), expected);
        const { refused } = protocol.figures();
        assert.equal(refused.malformed + refused.tooLong + refused.late + refused.untrusted, 0);
      });
    }

    it('has the address of a client that came by IPv6', async (test) => {
      const { server } = await serve(test, make());
      const front = await freePort();
      for (const sends of ['send-proxy', 'send-proxy-v2']) {
        const proxy = await startHaproxy(test, sectionsFor(front, server.port(), sends, '[::1]'), 1);
        const { answer, own } = await ask(front, '::1');
        assert.equal(answer, own);
        assert.ok(answer.startsWith('::1 '));
        await proxy.kill();
      }
    });

    it('passes the client’s address on, which HAProxy accepts', async (test) => {
      for (const version of [1, 2] as const) {
        const stack = make();
        const { server } = await serve(test, stack);
        // HAProxy reads the header of the gateway and writes one for the server behind.
        const middle = await freePort();
        const sections = sectionsFor(middle, server.port(), 'send-proxy-v2');
        await startHaproxy(test, sections.replace(/(bind \S+)/, '$1 accept-proxy'), 1);
        const gateway = new AsyncServer(HOST, 0, { stack });
        gateway.onClient((client) => {
          const next = new AsyncClient({ stack });
          client.pause();
          next.onConnect(() => {
            assert.ok(writeProxyHeader(next, client, { version, checksum: version === 2 }));
            client.resume();
          });
          client.onData((_, data) => next.write(data));
          next.onData((_, data) => client.write(data));
          next.onDisconnect(() => client.close());
          next.connect(HOST, middle);
        });
        await gateway.begin();
        const { answer, own } = await ask(gateway.port());
        assert.equal(answer, own);
        await gateway.end({ clients: 'abort' });
      }
    });
  });
}
