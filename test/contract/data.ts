/** D · data: every byte once and in order, and no unbounded buffer, in either direction. */
import {
  ASYNC_WRITE_FLAG_COPY,
  ASYNC_WRITE_FLAG_MORE,
  TcpState,
  type AsyncClient,
  type Packet,
} from 'asynctcp';
import type { ContractCase } from './case.js';
import { expect, expectEqual, expectThrows } from './expect.js';
import { linked, linkedToPeer } from './linked.js';
import { pattern, PatternReader } from './pattern.js';

const MIB = 1_048_576;
/** More than the kernel's buffers of both ends hold together (Linux: 6 MiB and 4 MiB at most). */
const MORE_THAN_KERNEL = 24 * MIB;

/** Sends a pattern as `space()` allows, then closes. To be called again in `onAck`. */
class PatternWriter {
  readonly #client: AsyncClient;
  readonly #seed: number;
  readonly #bytes: number;
  readonly #piece: (offset: number) => number;
  taken = 0;

  constructor(client: AsyncClient, seed: number, bytes: number, piece: (offset: number) => number) {
    this.#client = client;
    this.#seed = seed;
    this.#bytes = bytes;
    this.#piece = piece;
  }

  go(): void {
    while (this.taken < this.#bytes && this.#client.canSend()) {
      const length = Math.min(this.#piece(this.taken), this.#bytes - this.taken);
      const taken = this.#client.add(pattern(this.#seed, this.taken, length));
      expect(taken > 0, 'add takes something when canSend() says so');
      this.taken += taken;
    }
    this.#client.send();
    if (this.taken === this.#bytes) this.#client.close();
  }
}

/** Allocates memory whose length can change, which the types of ES2023 do not declare. */
function resizable(
  kind: ArrayBufferConstructor | SharedArrayBufferConstructor,
  bytes: number,
): ArrayBufferLike {
  const memory: unknown = Reflect.construct(kind, [bytes, { maxByteLength: 2 * bytes }]);
  if (memory instanceof ArrayBuffer || memory instanceof SharedArrayBuffer) return memory;
  throw new Error('no memory was made');
}

export const DATA: readonly ContractCase[] = [
  {
    id: 'D1.sizes',
    title: 'bytes arrive once, in order, unchanged, whatever the sizes of the writes',
    async run(env) {
      for (const piece of [1, 7, 1460, 65_537, 1_000_000]) {
        const bytes = Math.min(4 * MIB, piece * 3000);
        const { client, history, peer } = await linkedToPeer(env);
        const writer = new PatternWriter(client, piece & 255, bytes, () => piece);
        history.onEvent = (event) => {
          if (event === 'ack') writer.go();
        };
        writer.go();
        const arrived = await peer.drain(piece & 255);
        expectEqual(
          arrived,
          { bytes, matches: true, end: 'fin' },
          `what arrived of writes of ${piece} bytes`,
        );
        await peer.close();
        await env.until('the client is over', () => history.over);
      }
    },
  },
  {
    id: 'D1.byte-by-byte',
    title: 'a peer that sends one byte at a time is received whole',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const reader = new PatternReader(3);
      client.onData((_, data) => reader.take(data));
      await peer.sendPattern(3, 5000, 1);
      await peer.close();
      await env.until('the client is over', () => history.over);
      expectEqual([reader.bytes, reader.matches], [5000, true], 'what arrived');
    },
  },
  {
    id: 'D1.both-ways',
    title: 'an echo of both directions at once comes back unchanged',
    async run(env) {
      const bytes = 3 * MIB;
      const { client, accepted, history } = await linked(env);
      let rest: Uint8Array[] = [];
      const sendOn = (): void => {
        for (let first = rest.shift(); first !== undefined; first = rest.shift()) {
          const taken = accepted.write(first);
          accepted.ack(taken);
          if (taken < first.length) {
            rest = [first.subarray(taken), ...rest];
            return;
          }
        }
      };
      accepted.onData((_, data) => {
        accepted.ackLater();
        rest.push(data);
        sendOn();
      });
      accepted.onAck(sendOn);
      const reader = new PatternReader(9);
      client.onData((_, data) => reader.take(data));
      let sent = 0;
      const sendMore = (): void => {
        while (sent < bytes && client.canSend())
          sent += client.add(pattern(9, sent, Math.min(9999, bytes - sent)));
        client.send();
      };
      client.onAck(sendMore);
      sendMore();
      await env.until('all came back', () => reader.bytes === bytes);
      expect(reader.matches, 'unchanged');
      client.close();
      await env.until('it is over', () => history.over);
    },
  },
  {
    id: 'D1.text',
    title: 'a string is UTF-8, and is taken whole or not at all',
    limits: { sendBufferBytes: 16 },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      expectEqual(client.add('grüße'), 7, 'bytes taken of a text with two-byte letters');
      expectEqual(client.space(), 9, 'space afterwards');
      expectEqual(client.add('ten bytes!'), 0, 'a text that does not fit');
      expectEqual(client.add('ééééé'), 0, 'a text of five letters and ten bytes');
      expectEqual(client.add('nine byte'), 9, 'a text that just fits');
      expectEqual(client.add(''), 0, 'an empty text');
      client.send();
      expectEqual(await peer.receive(16), 'gr\xc3\xbc\xc3\x9fenine byte', 'what arrived');
    },
  },
  {
    id: 'D1.text-too-long',
    title: 'a string that the send buffer could never take is a RangeError that names the capacity',
    limits: { sendBufferBytes: 16 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      for (const text of ['seventeen bytes !', 'é'.repeat(9), '€'.repeat(6), 'x'.repeat(1000)]) {
        expectThrows(() => client.add(text), RangeError, 'data', 'at most 16 bytes');
        expectThrows(() => client.write(text), RangeError, 'data', 'at most 16 bytes');
        expectThrows(() => env.client().write(text), RangeError, 'data', 'at most 16 bytes');
      }
      expectEqual(client.space(), 16, 'space afterwards');
      expectEqual(client.write('€'.repeat(5)), 15, 'a text that just fits');
      await env.until('it was acknowledged', () => history.acked === 15);
      expectEqual(client.write('sixteen bytes !!'), 16, 'another one');
      client.close();
      expectEqual((await peer.drain()).bytes, 31, 'bytes that arrived');
    },
  },
  {
    id: 'D1.memory',
    title: 'the bytes may lie in shared, growable and resizable memory, copied or lent',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const bytes = 100_000;
      const memories: readonly ArrayBufferLike[] = [
        new SharedArrayBuffer(bytes),
        resizable(SharedArrayBuffer, bytes),
        resizable(ArrayBuffer, bytes),
      ];
      for (const memory of memories) {
        for (const flags of [ASYNC_WRITE_FLAG_COPY, 0, ASYNC_WRITE_FLAG_MORE]) {
          for (const length of [5, bytes]) {
            const data = new Uint8Array(memory, bytes - length);
            data.fill(120);
            await env.until('there is room', () => client.space() >= length);
            expectEqual(client.write(data, flags), length, 'bytes taken');
            expectEqual(await peer.receive(length), 'x'.repeat(length), 'what arrived');
          }
        }
      }
    },
  },
  {
    id: 'D2.add',
    title: 'add takes min(length, space()), and space() falls by just that',
    limits: { sendBufferBytes: 1000 },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      expectEqual([client.space(), client.canSend()], [1000, true], 'at the beginning');
      expectEqual([client.add(pattern(1, 0, 300)), client.space()], [300, 700], 'after 300');
      expectEqual([client.write(pattern(1, 300, 600)), client.space()], [600, 100], 'after 900, sent');
      expectEqual(
        [client.add(pattern(1, 900, 500)), client.space()],
        [100, 0],
        'after 500 more, of which 100 fit',
      );
      expectEqual(
        [client.add('x'), client.add(new Uint8Array(1)), client.canSend()],
        [0, 0, false],
        'when full',
      );
      client.close();
      expectEqual(await peer.drain(1), { bytes: 1000, matches: true, end: 'fin' }, 'what arrived');
    },
  },
  {
    id: 'D2.bounded',
    title:
      'with a reader that stops, what was taken is bounded; space() rises only with onAck, and sending goes on',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const capacity = client.space();
      let taken = 0;
      let acked = 0;
      const fill = (): void => {
        while (taken < 2 * MORE_THAN_KERNEL && client.canSend()) {
          taken += client.write(pattern(5, taken, Math.min(client.space(), 50_000)));
          expectEqual(client.space(), capacity - (taken - acked), 'space() between acknowledgements');
        }
      };
      client.onAck((_, bytes) => {
        acked += bytes;
        expectEqual(client.space(), capacity - (taken - acked), 'space() when acknowledged');
        fill();
      });
      fill();
      let before = -1;
      while (before !== taken) {
        before = taken;
        await env.settle();
      }
      expectEqual(client.space(), 0, 'space() when the reader has stopped');
      expect(taken < MORE_THAN_KERNEL, `bounded: ${taken} bytes taken`);
      const draining = peer.drain(5);
      await env.until('all is taken', () => taken >= 2 * MORE_THAN_KERNEL);
      client.onAck(undefined);
      client.close();
      expectEqual(await draining, { bytes: taken, matches: true, end: 'fin' }, 'what arrived');
      await peer.close();
      await env.until('it is over', () => history.over);
    },
  },
  {
    id: 'D3.add-and-send',
    title: 'add alone sends nothing; pieces added before one send leave together',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      client.setNoDelay(true);
      for (const piece of ['one ', 'two ', 'three ']) client.add(piece);
      client.add(new Uint8Array([0x21]), 0);
      await env.settle();
      expectEqual(await peer.receiveNow(), undefined, 'what arrived before send');
      expectEqual(client.send(), true, 'send');
      expectEqual(await peer.receiveOnce(), 'one two three !', 'what arrived in one piece');
      for (let count = 0; count < 1000; count += 1) client.add(`${count % 10}`);
      client.send();
      expectEqual(await peer.receiveOnce(), '0123456789'.repeat(100), 'a thousand small pieces');
    },
  },
  {
    id: 'D3.write',
    title: 'write sends what was added before, also when it can take nothing more',
    limits: { sendBufferBytes: 100 },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      client.add('a'.repeat(100));
      expectEqual(client.write('x'), 0, 'write with the buffer full');
      expectEqual(await peer.receive(100), 'a'.repeat(100), 'what was added');
      await env.settle();
      client.add('b');
      expectEqual(client.write(''), 0, 'write of nothing');
      expectEqual(await peer.receive(1), 'b', 'what was added');
    },
  },
  {
    id: 'D3.more',
    title: 'ASYNC_WRITE_FLAG_MORE lets data wait for what follows, but not for ever',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      client.setNoDelay(true);
      client.write('head ', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      client.write('body');
      expectEqual(await peer.receiveOnce(), 'head body', 'what arrived in one piece');
      client.write('alone', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      expectEqual(await peer.receive(5), 'alone', 'what nothing followed');
      client.write('held ', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      client.add('not sent ', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      expectEqual(await peer.receive(5), 'held ', 'what was sent');
      await env.settle();
      expectEqual(await peer.receiveNow(), undefined, 'what was only added');
      client.write('last', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      client.close();
      expectEqual(await peer.receive(100), 'not sent last', 'what was closed upon');
    },
  },
  {
    id: 'D4.copy',
    title:
      'without ASYNC_WRITE_FLAG_COPY the buffer itself is sent and not touched; with it the buffer is free at once',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const own = new TextEncoder().encode('abcdef');
      client.add(own, ASYNC_WRITE_FLAG_COPY);
      own.set(new TextEncoder().encode('ABCDEF'));
      client.send();
      expectEqual(await peer.receive(6), 'abcdef', 'the copy');
      client.add(own.subarray(1, 5), 0);
      own.set(new TextEncoder().encode('uvwxyz'));
      client.send();
      expectEqual(await peer.receive(4), 'vwxy', 'the buffer itself');
      expectEqual(new TextDecoder().decode(own), 'uvwxyz', 'the buffer afterwards');
      client.write(own);
      own.fill(0);
      expectEqual(await peer.receive(6), 'uvwxyz', 'a write of which the buffer was overwritten at once');
    },
  },
  {
    id: 'D5.ackLater',
    title: 'with ackLater the peer pushes at most the window; after ack it flows on by itself',
    limits: { receiveWindowBytes: 20_000 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const reader = new PatternReader(2);
      let withhold = true;
      client.onData((_, data) => {
        reader.take(data);
        if (withhold) client.ackLater();
      });
      const sending = peer.sendPattern(2, MORE_THAN_KERNEL);
      await env.until('the window is full', () => reader.bytes === 20_000);
      await env.settle();
      expectEqual(reader.bytes, 20_000, 'delivered with the window full');
      expect((await peer.sent()) < MORE_THAN_KERNEL, 'the peer cannot push everything');
      expectEqual(client.ack(5000), 5000, 'ack');
      await env.until('5000 more have come', () => reader.bytes === 25_000);
      await env.settle();
      expectEqual(reader.bytes, 25_000, 'delivered after ack(5000)');
      withhold = false;
      expectEqual(
        [client.ack(MORE_THAN_KERNEL), client.ack(1)],
        [20_000, 0],
        'ack of more than is outstanding',
      );
      await sending;
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual([reader.bytes, reader.matches], [MORE_THAN_KERNEL, true], 'all that came');
    },
  },
  {
    id: 'D5.in-the-callback',
    title: 'ack in the same callback as ackLater counts; ackLater elsewhere has no effect',
    limits: { receiveWindowBytes: 1000 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const reader = new PatternReader(4);
      const given: number[] = [];
      client.onData((_, data) => {
        reader.take(data);
        client.ackLater();
        client.ackLater();
        given.push(client.ack(data.length) - data.length);
      });
      client.ackLater();
      await peer.sendPattern(4, 100_000);
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual([reader.bytes, reader.matches], [100_000, true], 'all that came');
      expect(
        given.every((difference) => difference === 0),
        'each ack gives back just its piece',
      );
    },
  },
  {
    id: 'D6.packets',
    title:
      'onPacket gives each byte once; packets not given back hold the window, in whatever order they come back',
    limits: { receiveWindowBytes: 10_000 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const reader = new PatternReader(6);
      let held: Packet[] = [];
      client.onData(() => expect(false, 'onPacket replaces onData'));
      client.onPacket((_, packet) => {
        expectEqual(packet.length, packet.data.length, 'the packet’s length');
        reader.take(packet.data);
        held.push(packet);
      });
      const sending = peer.sendPattern(6, 100_000);
      await env.until('the window is full', () => reader.bytes === 10_000);
      await env.settle();
      expectEqual(reader.bytes, 10_000, 'delivered with nothing given back');
      while (reader.bytes < 100_000) {
        const [back, seen] = [held.reverse(), reader.bytes];
        held = [];
        for (const packet of back) {
          client.ackPacket(packet);
          client.ackPacket(packet);
        }
        expectEqual(client.ack(1), 0, 'nothing is withheld when all packets are back');
        await env.until('more has come', () => reader.bytes > seen);
        await env.settle();
        expect(reader.bytes <= seen + 10_000, 'never more than the window');
      }
      await sending;
      await peer.close();
      for (const packet of held) client.ackPacket(packet);
      await env.until('it is over', () => history.over);
      expectEqual([reader.bytes, reader.matches], [100_000, true], 'all that came');
    },
  },
  {
    id: 'D7.sum',
    title: 'the bytes of onAck add up to the bytes sent when the connection ends gracefully',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const bytes = 2 * MIB;
      const writer = new PatternWriter(client, 8, bytes, (offset) => 1 + ((offset * 7919) % 40_000));
      history.onEvent = (event) => {
        if (event === 'ack') writer.go();
      };
      writer.go();
      await peer.drain(8);
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.acked, bytes, 'acknowledged bytes');
      expectEqual(history.life, ['connect', 'disconnect'], 'a graceful end');
    },
  },
  {
    id: 'D7.peer',
    title: 'no byte is reported before the peer’s TCP acknowledged it',
    async run(env) {
      expectEqual(env.clientStack.capabilities.acknowledgement, 'peer', 'what an acknowledgement means');
      const { client, history } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      while (client.write(pattern(1, 0, 65_536)) > 0);
      await env.settle();
      expect(history.acked <= 3 * 4096, 'at most the frozen peer’s receive buffer is acknowledged');
    },
  },
  {
    id: 'D8.before-the-end',
    title:
      'data that came before the peer’s FIN is delivered before onEnd or onDisconnect, also when it was withheld',
    limits: { receiveWindowBytes: 3000 },
    async run(env) {
      for (const halfOpen of [false, true]) {
        const { client, history, peer } = await linkedToPeer(env, (fresh) =>
          fresh.setAllowHalfOpen(halfOpen),
        );
        const reader = new PatternReader(7);
        let withheld = 0;
        client.onData((_, data) => {
          expect(!history.has('end') && !history.over, 'data before the end');
          reader.take(data);
          client.ackLater();
          withheld += data.length;
        });
        await peer.sendPattern(7, 200_000);
        await peer.close();
        while (!history.has('end') && !history.over) {
          await env.settle();
          client.ack(withheld);
          withheld = 0;
        }
        expectEqual([reader.bytes, reader.matches], [200_000, true], 'all came before the end');
        if (halfOpen) client.close();
        await env.until('it is over', () => history.over);
      }
    },
  },
  {
    id: 'D9.close',
    title:
      'after close() all that add took reaches a slow reader, then FIN, also while the peer goes on sending',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      let taken = 0;
      const fill = (): void => {
        for (let last = 1; last > 0; taken += last) last = client.write(pattern(1, taken, 30_000));
      };
      client.onAck(fill);
      fill();
      await env.settle();
      client.onAck(undefined);
      const pushing = peer.sendPattern(2, MIB);
      client.add(pattern(1, taken, 1));
      client.close();
      expectEqual([client.space(), client.write('x')], [0, 0], 'space() and write after close');
      expect(client.disconnecting(), 'disconnecting after close');
      expectEqual(history.count('data'), 0, 'no data after close');
      const arrived = await peer.drain(1, 1000);
      expectEqual(arrived, { bytes: taken, matches: true, end: 'fin' }, 'what arrived');
      await pushing;
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'disconnect'], 'a graceful end');
    },
  },
  {
    id: 'D9.abort',
    title: 'after abort() the peer sees a reset, with nothing, something and too much under way',
    async run(env) {
      expect(env.clientStack.capabilities.abort, 'the stack can reset');
      const ways: ((client: AsyncClient) => void)[] = [
        (client) => client.abort(),
        (client) => {
          client.write('some');
          client.abort();
        },
        (client) => {
          client.write(pattern(0, 0, 100_000));
          client.close();
          client.abort();
        },
      ];
      for (const way of ways) {
        const { client, history, peer } = await linkedToPeer(env);
        way(client);
        expectEqual((await peer.drain()).end, 'reset', 'how the peer saw it end');
        await env.until('it is over', () => history.over);
      }
    },
  },
  {
    id: 'D9.abort-closed',
    title: 'abort() after close() resets too, though the peer may have read the FIN before',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      client.close();
      client.abort();
      await env.until('it is over', () => history.over);
      await env.settle();
      await peer.receive(1).catch(() => '');
      // If the connection had ended by FIN alone, the first send would still succeed.
      const refused = await peer.send('x').then(
        () => false,
        () => true,
      );
      expect(refused, 'the peer cannot send any more');
    },
  },
  {
    id: 'D9.abort-full',
    title: 'abort() resets a connection whose reader has stopped, also when it was being closed',
    async run(env) {
      for (const closing of [false, true]) {
        const before = env.holdings();
        const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
        let idle = false;
        client.onAck(() => (idle = false));
        while (!idle) {
          idle = true;
          while (client.write(pattern(0, 0, 65_536)) > 0);
          await env.settle();
        }
        if (closing) client.close();
        await env.settle();
        client.abort();
        expectEqual((await peer.drain()).end, 'reset', 'how the peer saw it end');
        await env.until('it is over', () => history.over);
        await env.until('the socket is given back', () => env.holdings() === before);
      }
    },
  },
  {
    id: 'D9.fin-wait',
    title: 'a peer that never ends its side does not hold up onDisconnect, nor the socket for more than 20 s',
    async run(env) {
      const before = env.holdings();
      const { client, history, peer } = await linkedToPeer(env);
      client.write('all of it');
      client.close();
      expectEqual(await peer.receive(100), 'all of it', 'what the peer got before FIN');
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'disconnect'], 'callbacks');
      await peer.send('late words, for which nobody listens');
      await env.settle();
      env.clock.advance(19_999);
      await env.settle();
      expect(env.holdings() > before, 'the peer has 20 s to end');
      // On a slow machine the late words are a new sign of life, from which the 20 s count again.
      env.clock.advance(1);
      await env.settle();
      env.clock.advance(20_000);
      await env.until('the socket is given back', () => env.holdings() === before);
    },
  },
  {
    id: 'D10.peer-first',
    title: 'with half-open allowed the peer may end first, and sending goes on',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      await peer.send('question');
      await peer.shutdown();
      await env.until('the peer has ended', () => history.has('end'));
      expectEqual([history.received, client.state()], ['question', TcpState.CLOSE_WAIT], 'at the peer’s FIN');
      await env.settle();
      expect(!history.over, 'this side stays open');
      expectEqual(client.write('late answer'), 11, 'write');
      client.close();
      expectEqual(await peer.receive(100), 'late answer', 'what the peer got');
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'end', 'disconnect'], 'callbacks');
    },
  },
  {
    id: 'D10.this-first',
    title: 'after shutdown() receiving goes on until the peer ends',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      client.write('question');
      expectEqual([client.shutdown(), client.shutdown()], [0, -11], 'shutdown, once and again');
      expectEqual([client.space(), client.write('x')], [0, 0], 'space() and write after shutdown');
      expectEqual(await peer.receive(100), 'question', 'what the peer got before FIN');
      await peer.send('answer');
      await env.until('the answer came', () => history.received === 'answer');
      expect(!history.over, 'this side still receives');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'end', 'disconnect'], 'callbacks');
    },
  },
  {
    id: 'D10.closed',
    title: 'without half-open the peer’s FIN closes the client, and what add took is still sent',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      client.add('added, not sent');
      await peer.shutdown();
      expectEqual(await peer.receive(100), 'added, not sent', 'what the peer got before FIN');
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'disconnect'], 'callbacks');
    },
  },
];
