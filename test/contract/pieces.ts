/**
 * D · pieces that are sent and received: their types, their number, and buffers that are added without
 * copying.
 */
import { ErrorCode, type AsyncClient, type Packet } from 'asynctcp';
import type { ContractCase, Env } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { linkedToPeer, passCloseTimeouts } from './linked.js';
import { PatternReader } from './pattern.js';

const { ERR_IF, ERR_RST, ERR_TIMEOUT } = ErrorCode;

const WINDOW = 8192;
/** Pieces that may be withheld one by one with this window. */
const SINGLE_PIECES = WINDOW / 256;
/** Pause between two pieces after that. */
const JOIN_MS = 100;
/** Default of the stacks. */
const CLOSE_TIMEOUT_MS = 30_000;

/** Returns the callbacks that report the end. */
function ends({ events }: History): readonly string[] {
  return events.filter((event) => event === 'disconnect' || event.startsWith('error'));
}

/** Writes until no more bytes are taken. Resolves to their number. */
async function fill(env: Env, client: AsyncClient): Promise<number> {
  let taken = 0;
  for (let before = -1; before < taken;) {
    before = taken;
    for (let last = 1; last > 0; taken += last) last = client.write(new Uint8Array(65_536));
    await env.settle();
  }
  return taken;
}

export const PIECES: readonly ContractCase[] = [
  {
    id: 'D1.urgent',
    title: 'an urgent byte arrives in its place in the stream',
    async run(env) {
      const { history, peer } = await linkedToPeer(env);
      await peer.send('before ');
      await peer.sendUrgent('!');
      await peer.send(' after');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.received, 'before ! after', 'what arrived');
    },
  },
  {
    id: 'D12.type',
    title: 'data is a Uint8Array and no subclass, in onData and in onPacket, whatever its size',
    async run(env) {
      for (const bytes of [1, 3000, 300_000]) {
        for (const way of ['data', 'packet']) {
          const { client, history, peer } = await linkedToPeer(env);
          const reader = new PatternReader(3);
          const types = new Set<unknown>();
          const take = (data: Uint8Array): void => {
            types.add(Object.getPrototypeOf(data));
            reader.take(data);
          };
          if (way === 'data') client.onData((_, data) => take(data));
          else {
            client.onPacket((_, packet: Packet) => {
              take(packet.data);
              client.ackPacket(packet);
            });
          }
          await peer.sendPattern(3, bytes);
          await peer.close();
          await env.until('it is over', () => history.over);
          expectEqual([reader.bytes, reader.matches], [bytes, true], 'what came');
          expect(types.size === 1 && types.has(Uint8Array.prototype), `${way} of ${bytes} bytes: Uint8Array`);
        }
      }
    },
  },
  {
    id: 'D4.taken-away',
    title: 'a lent buffer that is detached before it leaves ends the connection with an error',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const causes: unknown[] = [];
      client.onError((_, code, cause) => {
        history.events.push(`error ${code}`);
        causes.push(cause);
      });
      const lent = new Uint8Array(1000);
      client.add('copied ');
      client.add(lent, 0);
      structuredClone(lent, { transfer: [lent.buffer] });
      client.send();
      expectEqual([client.space(), client.write('more')], [0, 0], 'space() and write at once');
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', `error ${ERR_IF}`, 'disconnect'], 'callbacks');
      const [cause] = causes;
      expect(cause instanceof Error && cause.message === 'write EFAULT', `the cause: ${String(cause)}`);
      expectEqual((await peer.drain()).end, 'reset', 'how the peer saw it end');
    },
  },
  {
    id: 'D5.older-first',
    title:
      'ack of an older piece in the callback of a newer one opens the window by both, and keeps the order',
    limits: { receiveWindowBytes: 1000 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const reader = new PatternReader(5);
      let older = 0;
      client.onData((_, data) => {
        reader.take(data);
        if (older > 0) {
          older -= client.ack(older);
          return;
        }
        client.ackLater();
        older = Math.min(500, data.length);
        client.ack(data.length - older);
      });
      await peer.sendPattern(5, 30_000);
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual([reader.bytes, reader.matches], [30_000, true], 'all that came');
    },
  },
  {
    id: 'D5.small-pieces',
    title: 'one piece for each 256 bytes of the window is withheld on its own; then what comes is joined',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const sizes: number[] = [];
      let text = '';
      client.onData((_, data) => {
        for (const byte of data) text += String.fromCharCode(byte);
        sizes.push(data.length);
        client.ackLater();
      });
      const sendOne = async (index: number): Promise<void> => {
        await peer.send(String(index % 10));
      };
      for (let index = 0; index < SINGLE_PIECES; index += 1) {
        await sendOne(index);
        await env.until('the piece has come', () => sizes.length === index + 1);
      }
      for (let index = SINGLE_PIECES; index < 2 * SINGLE_PIECES; index += 1) await sendOne(index);
      await env.settle();
      expectEqual(sizes.length, SINGLE_PIECES, 'pieces while the clock stands');
      let pieces = sizes.length;
      while (text.length < 2 * SINGLE_PIECES) {
        env.clock.advance(JOIN_MS);
        await env.settle();
        expect(sizes.length <= pieces + 1, 'one piece for each 100 ms');
        pieces = sizes.length;
      }
      expect(pieces <= SINGLE_PIECES + 3, `joined: ${pieces} pieces for ${text.length} bytes`);
      client.ack(text.length);
      await sendOne(0);
      await env.until('all flows again', () => text.length === 2 * SINGLE_PIECES + 1);
      client.close();
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(text, '0123456789'.repeat(7).slice(0, 2 * SINGLE_PIECES) + '0', 'what came');
    },
  },
  {
    id: 'D9.close-timeout',
    title:
      'a closing client whose peer takes nothing for the close timeout ends with a reset and ERR_TIMEOUT',
    async run(env) {
      const before = env.holdings();
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      await fill(env, client);
      client.close();
      await env.settle();
      env.clock.advance(CLOSE_TIMEOUT_MS - 1);
      await env.settle();
      expect(!history.over, 'within the close timeout');
      env.clock.advance(1);
      await passCloseTimeouts(env, history);
      expectEqual(ends(history), [`error ${ERR_TIMEOUT}`, 'disconnect'], 'callbacks');
      expectEqual((await peer.drain()).end, 'reset', 'how the peer saw it end');
      await env.until('the socket is given back', () => env.holdings() === before);
    },
  },
  {
    id: 'D9.close-progress',
    title: 'a closing client whose peer reads now and then is not timed out',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      const taken = await fill(env, client);
      client.close();
      await env.settle();
      env.clock.advance(CLOSE_TIMEOUT_MS - 1);
      const half = Math.floor(taken / 2);
      await peer.receive(half);
      await env.settle();
      env.clock.advance(CLOSE_TIMEOUT_MS - 1);
      await env.settle();
      const rest = await peer.drain(0);
      expectEqual([rest.bytes, rest.end], [taken - half, 'fin'], 'what arrived afterwards');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(ends(history), ['disconnect'], 'callbacks');
    },
  },
  {
    id: 'L2.over-before-seen',
    title: 'what is connected, reset and then accepted is not shown, or with its addresses',
    async run(env) {
      const accepted: string[] = [];
      const server = await env.serve((client) => {
        accepted.push(`${client.remoteIP()} ${client.remotePort() > 0}`);
      });
      let connected = 0;
      // While this thread is blocked, the peer is gone before the connection can be accepted.
      while (accepted.length >= connected) {
        connected += 10;
        const done = env.peer.connectAndReset(server.port(), 10);
        const untilMs = performance.now() + 50;
        while (performance.now() < untilMs);
        await done;
        await env.settle();
      }
      expectEqual(
        accepted.filter((one) => one !== `${env.peerAddresses[0]} true`),
        [],
        'clients that were shown without their addresses',
      );
      const history = new History(env.client());
      const dead = await env.peer.listen();
      history.onEvent = (event) => {
        if (event === 'connect')
          expectEqual(history.client.remoteIP(), dead.address, 'the peer of a connect');
      };
      history.connect(dead.address, dead.port);
      const peer = await dead.accept();
      await peer.reset();
      await env.until('it is over', () => history.over);
      expect(history.has(`error ${ERR_RST}`), 'the reset is told');
    },
  },
];
