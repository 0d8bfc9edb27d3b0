/** L14 · a preamble: the bytes that an accepted connection sends before it is a client. */
import { TcpState, type AsyncClient, type Packet } from 'asynctcp';
import { proxyInfo, proxyProtocol } from 'asynctcp/gateway';
import type { ContractCase, Env } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { PatternReader } from './pattern.js';

const HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\r\n';
const TIMEOUT_MS = 4000;
const WINDOW = 3000;
/** More than the window, but few enough to be sent quickly. */
const BYTES = 200_000;

/** A preamble that the peers of an environment have to send. */
function preambleOf({ peerAddresses }: Env): ReturnType<typeof proxyProtocol> {
  return proxyProtocol({ trusted: [peerAddresses[0]], timeoutMs: TIMEOUT_MS });
}

function addressesOf(client: AsyncClient): unknown[] {
  return [client.remoteIP(), client.remotePort(), client.localIP(), client.localPort()];
}

export const PREAMBLES: readonly ContractCase[] = [
  {
    id: 'L14.complete',
    title: 'a client is shown when its preamble is complete, under the addresses that this names',
    async run(env) {
      const preamble = preambleOf(env);
      const accepted: History[] = [];
      const server = await env.serve((client) => accepted.push(new History(client)), { preamble });
      const peer = await env.peer.connect(server.port());
      for (const part of [HEADER.slice(0, 1), HEADER.slice(1, 30), HEADER.slice(30, -1)]) {
        await peer.send(part);
        await env.settle();
        expectEqual([accepted.length, server.count(), [...server.clients()].length], [0, 0, 0], 'clients');
      }
      await peer.send(HEADER.slice(-1));
      await env.until('it is accepted', () => accepted.length === 1);
      const history = accepted[0];
      expect(history !== undefined, 'there is a client');
      const { client } = history;
      expectEqual(addressesOf(client), ['192.0.2.1', 55_555, '198.51.100.2', 443], 'addresses');
      expectEqual(proxyInfo(client)?.proxy, { address: env.peerAddresses[0], port: peer.port }, 'the proxy');
      await peer.send('data');
      await env.until('data has come', () => history.received === 'data');
      client.write('answer');
      expectEqual(await peer.receive(6), 'answer', 'the answer');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(addressesOf(client), ['192.0.2.1', 55_555, '198.51.100.2', 443], 'addresses after the end');
    },
  },
  {
    id: 'L14.first-data',
    title: 'bytes behind the preamble are the first data, after all that onClient caused',
    async run(env) {
      let history: History | undefined;
      let ran = 0;
      const server = await env.serve(
        (client) => {
          void Promise.resolve().then(() => {
            ran += 1;
            history = new History(client);
          });
        },
        { preamble: preambleOf(env) },
      );
      const peer = await env.peer.connect(server.port());
      await peer.send(`${HEADER}first`);
      await env.until('it has come', () => history?.received === 'first');
      await peer.send(' and more');
      await peer.close();
      await env.until('it is over', () => history?.over === true);
      expectEqual([history?.received, ran], ['first and more', 1], 'data');
    },
  },
  {
    id: 'L14.waiting-data',
    title: 'bytes behind the preamble wait as other data does, and the peer’s FIN waits behind them',
    async run(env) {
      let history: History | undefined;
      const server = await env.serve(
        (client) => {
          client.pause();
          history = new History(client);
        },
        { preamble: preambleOf(env) },
      );
      const peer = await env.peer.connect(server.port());
      await peer.send(`${HEADER}first`);
      await env.until('it is accepted', () => history !== undefined);
      await peer.shutdown();
      await env.settle();
      const { client } = history ?? {};
      expectEqual([history?.events, client?.state()], [[], TcpState.ESTABLISHED], 'while it waits');
      client?.resume();
      await env.until('it is over', () => history?.over === true);
      expectEqual([history?.received, history?.reason], ['first', 'ended'], 'data and end');
    },
  },
  {
    id: 'L14.withheld',
    title: 'bytes behind the preamble hold the window until the program gives them back, as other data does',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      const reader = new PatternReader(9);
      const packets: Packet[] = [];
      let accepted: AsyncClient | undefined;
      const server = await env.serve(
        (client) => {
          accepted = client;
          client.onPacket((_, packet) => {
            reader.take(packet.data);
            packets.push(packet);
          });
        },
        { preamble: preambleOf(env) },
      );
      const peer = await env.peer.connect(server.port());
      await peer.send(HEADER);
      const sending = peer.sendPattern(9, BYTES);
      // A window is not opened by as little as the header has (RFC 9293 §3.8.6.2.2).
      await env.until('the window is full', () => reader.bytes >= WINDOW - HEADER.length);
      await env.settle();
      expect(reader.bytes <= WINDOW, `${reader.bytes} bytes delivered with nothing given back`);
      while (reader.bytes < BYTES || packets.length > 0) {
        for (const packet of packets.splice(0)) accepted?.ackPacket(packet);
        await env.until('more has come', () => packets.length > 0 || reader.bytes === BYTES);
      }
      await sending;
      expectEqual(reader.matches, true, 'data');
    },
  },
  {
    id: 'L14.refused',
    title: 'a preamble that is wrong or late resets the connection, and the program sees nothing of it',
    async run(env) {
      const preamble = preambleOf(env);
      let shown = 0;
      const server = await env.serve(() => (shown += 1), { preamble });
      const wrong = await env.peer.connect(server.port());
      await wrong.send('GET / HTTP/1.1\r\n\r\n');
      expectEqual((await wrong.drain()).end, 'reset', 'the end of the wrong one');
      const late = await env.peer.connect(server.port());
      const cut = await env.peer.connect(server.port());
      await late.send(HEADER.slice(0, -1));
      await cut.send(HEADER.slice(0, 10));
      await env.settle();
      await cut.shutdown();
      await env.until('the cut one is over', () => preamble.figures().refused.ended === 1);
      env.clock.advance(TIMEOUT_MS - 1);
      await env.settle();
      expectEqual(preamble.figures().refused.late, 0, 'late ones before the time');
      env.clock.advance(1);
      expectEqual((await late.drain()).end, 'reset', 'the end of the late one');
      const { refused } = preamble.figures();
      expectEqual([refused.malformed, refused.late, refused.ended, shown], [1, 1, 1, 0], 'counts');
    },
  },
  {
    id: 'L14.places',
    title: 'a connection counts against maxClients before its preamble is complete',
    async run(env) {
      let shown = 0;
      const options = { preamble: preambleOf(env), maxClients: 1 };
      const server = await env.serve(() => (shown += 1), options);
      const silent = await env.peer.connect(server.port());
      await env.settle();
      const second = await env.peer.connect(server.port());
      expectEqual((await second.drain()).end, 'reset', 'the end of the second one');
      env.clock.advance(TIMEOUT_MS);
      expectEqual((await silent.drain()).end, 'reset', 'the end of the silent one');
      const third = await env.peer.connect(server.port());
      await third.send(HEADER);
      await env.until('the third is shown', () => shown === 1);
      await server.end();
      expectEqual(server.count(), 1, 'clients that end() leaves');
    },
  },
  {
    id: 'L14.end',
    title: 'end() resets connections whose preamble is not complete',
    async run(env) {
      const preamble = preambleOf(env);
      const server = await env.serve(() => undefined, { preamble });
      const peer = await env.peer.connect(server.port());
      await peer.send(HEADER.slice(0, 10));
      await env.settle();
      await server.end();
      expectEqual((await peer.drain()).end, 'reset', 'its end');
      expectEqual(preamble.figures().refused.serverEnded, 1, 'counted');
    },
  },
];
