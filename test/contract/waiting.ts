/** D11 and D12 · data that waits for a handler or is held back by `pause`, and data as a view. */
import { AsyncClient, AsyncServer, ErrorCode, TcpState, type Packet } from 'asynctcp';
import { Deferred } from '#src/support/deferred.js';
import type { ContractCase, Env, PeerSocket } from './case.js';
import { expect, expectEqual, expectThrows } from './expect.js';
import { History } from './history.js';
import { linkedToPeer } from './linked.js';
import { PatternReader } from './pattern.js';

const WINDOW = 3000;
/** More than the window, but few enough to be sent quickly. */
const BYTES = 200_000;

/** Checks that `bytes` bytes are delivered, and no more, while nothing is acknowledged. */
async function expectWindow(env: Env, client: AsyncClient, peer: PeerSocket, bytes: number): Promise<void> {
  let delivered = 0;
  client.onData((_, data) => {
    client.ackLater();
    delivered += data.length;
  });
  expectEqual(client.receiveWindow, bytes, 'when connected');
  // Rejects when the connection ends.
  void peer.sendPattern(3, BYTES).catch(() => undefined);
  await env.until('the window is full', () => delivered >= bytes);
  await env.settle();
  expectEqual(delivered, bytes, 'delivered with nothing given back');
}

export const WAITING: readonly ContractCase[] = [
  {
    id: 'D11.open',
    title: 'after open() data waits until a handler is set, however late, and resume() ends the waiting',
    async run(env) {
      const listener = await env.peer.listen();
      const open = (): Promise<AsyncClient> =>
        AsyncClient.open(listener.address, listener.port, { stack: env.clientStack });
      for (const isHandled of [true, false]) {
        const opening = open();
        const peer = await listener.accept();
        await peer.send('banner');
        const client = await opening;
        expectEqual(client.paused(), false, 'paused() tells of pause() alone');
        await env.settle();
        await peer.close();
        await env.settle();
        let isOver = false;
        client.onDisconnect(() => (isOver = true));
        await env.settle();
        expect(!isOver, 'the peer’s FIN follows its data');
        const history = isHandled ? new History(client) : undefined;
        client.onDisconnect(() => (isOver = true));
        if (!isHandled) client.resume();
        await env.until('it is over', () => isOver);
        if (history !== undefined) expectEqual(history.received, 'banner', 'what came before the handler');
      }
    },
  },
  {
    id: 'D11.onClient',
    title: 'data waits, within the window, while a promise of onClient is open and no data handler was set',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      for (const way of ['handled', 'settled'] as const) {
        const greeted = new Deferred<void>();
        const reader = new PatternReader(4);
        let accepted: AsyncClient | undefined;
        let isOver = false;
        const server = await env.serve(async (client) => {
          accepted = client;
          client.onDisconnect(() => (isOver = true));
          await greeted.promise;
          if (way === 'handled') client.onData((_, data) => reader.take(data));
        });
        const peer = await env.peer.connect(server.port());
        const sending = peer.sendPattern(4, BYTES);
        await env.until('it was accepted', () => accepted !== undefined);
        await env.settle();
        expectEqual(reader.bytes, 0, 'delivered without a handler');
        greeted.resolve();
        await sending;
        await peer.close();
        await env.until('it is over', () => isOver);
        const expected = way === 'handled' ? BYTES : 0;
        expectEqual([reader.bytes, reader.matches], [expected, true], `delivered when ${way}`);
        await server.end();
      }
    },
  },
  {
    id: 'D11.onConnect',
    title:
      'data waits while a promise of onConnect is open, and comes once a handler was set before it settles',
    async run(env) {
      const listener = await env.peer.listen();
      const client = env.client();
      let received = '';
      const connected = new Deferred<void>();
      const never = new Deferred<void>();
      client.onConnect(async () => {
        await connected.promise;
        client.onPacket((_, packet) => {
          received += new TextDecoder().decode(packet.data);
          client.ackPacket(packet);
          client.onPacket(undefined);
        });
        await never.promise;
      });
      client.connect(listener.address, listener.port);
      const peer = await listener.accept();
      await peer.send('early');
      await env.settle();
      expectEqual(received, '', 'what came without a handler');
      connected.resolve();
      await env.until('it came', () => received === 'early');
      // Once a handler was set and removed, data is dropped, and the FIN is reported.
      let isOver = false;
      client.onDisconnect(() => (isOver = true));
      await peer.send('dropped');
      await peer.close();
      await env.until('it is over', () => isOver);
      never.resolve();
    },
  },
  {
    id: 'D11.state',
    title: 'while data waits, state() does not show the peer’s FIN behind it',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      client.pause();
      await peer.send('before the end');
      await peer.shutdown();
      await env.settle();
      expectEqual([client.state(), history.received], [TcpState.ESTABLISHED, ''], 'while it waits');
      client.resume();
      await env.until('the end was told', () => history.has('end'));
      expectEqual([client.state(), history.received], [TcpState.CLOSE_WAIT, 'before the end'], 'afterwards');
      client.close();
      await env.until('it is over', () => history.over);
    },
  },
  {
    id: 'D11.both-fins',
    title: 'while data may wait, the peer’s FIN is told also behind our own',
    async run(env) {
      for (const way of ['waits', 'paused'] as const) {
        const listener = await env.peer.listen();
        const opening = AsyncClient.open(listener.address, listener.port, { stack: env.clientStack });
        const peer = await listener.accept();
        const client = await opening;
        if (way === 'paused') {
          client.onData(() => undefined);
          client.pause();
        }
        let isOver = false;
        client.onDisconnect(() => (isOver = true));
        expectEqual(client.shutdown(), ErrorCode.ERR_OK, 'shutdown()');
        expectEqual(await peer.receive(1), '', 'our FIN');
        await peer.close();
        await env.until(`it is over: ${way}`, () => isOver);
      }
    },
  },
  {
    id: 'D11.fin',
    title: 'while data may wait, a FIN with no data before it is told',
    async run(env) {
      const never = new Deferred<void>();
      let over = '';
      const server = await env.serve(async (client) => {
        client.onDisconnect((_, reason) => (over = reason));
        await never.promise;
      });
      const peer = await env.peer.connect(server.port());
      await peer.close();
      await env.until('the FIN was told', () => over === 'ended');
      never.resolve();
    },
  },
  {
    id: 'D11.rejected',
    title: 'a rejected promise of onClient aborts the client, is uncaught once, and the peer sees a reset',
    async run(env) {
      const greeted = new Deferred<void>();
      let ended: unknown[] = [];
      const server = await env.serve(async (client) => {
        client.onDisconnect((_, reason, code) => (ended = [reason, code]));
        await greeted.promise;
        throw new Error('no such user');
      });
      const peer = await env.peer.connect(server.port());
      await peer.send('user');
      await env.until('it was accepted', () => server.count() === 1);
      greeted.resolve();
      await env.until('it is over', () => ended.length > 0);
      expectEqual(ended, ['aborted', ErrorCode.ERR_ABRT], 'why it is over');
      expectEqual((await peer.drain()).end, 'reset', 'what the peer sees');
      await env.settle();
      expectEqual(env.takeUncaught().map(String), ['Error: no such user'], 'uncaught errors');
    },
  },
  {
    id: 'D11.dropped',
    title: 'a client without a handler that does not wait drops data and notices the FIN',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      let over = '';
      const server = await env.serve((client) => {
        client.onDisconnect((_, reason) => (over = reason));
      });
      const peer = await env.peer.connect(server.port());
      await peer.sendPattern(4, BYTES);
      await peer.close();
      await env.until('it is over', () => over === 'ended');
    },
  },
  {
    id: 'D11.pause',
    title:
      'pause() withholds from now on, within the window; resume() lets data come, in order and unchanged',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.pause());
      const reader = new PatternReader(7);
      let pauses = 0;
      client.onData((_, data) => {
        expect(!client.paused(), 'no data while paused');
        reader.take(data);
        pauses += 1;
        client.pause();
      });
      expect(client.paused(), 'paused before connect holds for the connection');
      const sending = peer.sendPattern(7, BYTES);
      await env.settle();
      expectEqual(reader.bytes, 0, 'delivered before the first resume()');
      while (reader.bytes < BYTES) {
        const before = pauses;
        client.resume();
        await env.until('more has come', () => pauses > before);
        await env.settle();
        expectEqual(pauses, before + 1, 'pieces after one resume()');
        if (pauses > 40) {
          client.onData((_, data) => reader.take(data));
          client.resume();
          await env.until('all has come', () => reader.bytes === BYTES);
        }
      }
      expect(reader.matches, 'unchanged');
      await sending;
      client.pause();
      await peer.close();
      await env.until('the FIN is told all the same', () => history.over);
      expectEqual([history.reason, client.paused()], ['ended', false], 'after the end');
    },
  },
  {
    id: 'D11.pause-one-life',
    title: 'pause() concerns one connection: the next begins unpaused, unless it was called for it',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      client.pause();
      await peer.reset();
      await env.until('the first life is over', () => history.over);
      const listener = await env.peer.listen();
      for (const isPaused of [false, true]) {
        history.received = '';
        if (isPaused) client.pause();
        expectEqual(client.paused(), isPaused, 'before connect');
        history.connect(listener.address, listener.port);
        const next = await listener.accept();
        await next.send('hello');
        if (isPaused) {
          await env.settle();
          expectEqual(history.received, '', 'while paused');
          client.resume();
        }
        await env.until('data came', () => history.received === 'hello');
        client.close();
        await env.until('it is over', () => history.over);
      }
    },
  },
  {
    id: 'D15.windows',
    title: 'receiveWindow is the window of a client, of one connect and of a server’s clients',
    async run(env) {
      const own = env.clientStack.limits.receiveWindowBytes;
      const listener = await env.peer.listen();
      const options = { stack: env.clientStack, receiveWindow: 2048 };
      const clients: [AsyncClient, number | undefined, number][] = [
        [env.client(), undefined, own],
        [env.client(), 4096, 4096],
        [new AsyncClient(options), undefined, 2048],
        [new AsyncClient(options), 1024, 1024],
      ];
      for (const [client, receiveWindow, expected] of clients) {
        const before = receiveWindow === undefined ? expected : client.receiveWindow;
        expectEqual(client.receiveWindow, before, 'before the connection');
        const isDefault = receiveWindow === undefined;
        const history = new History(client);
        history.connect(listener.address, listener.port, isDefault ? {} : { receiveWindow });
        expectEqual(client.receiveWindow, expected, 'while connecting');
        const peer = await listener.accept();
        await expectWindow(env, client, peer, expected);
        client.abort();
        await env.until('it is over', () => history.over);
      }
      let accepted: AsyncClient | undefined;
      const server = await env.serve((client) => (accepted = client), { receiveWindow: 5000 });
      const peer = await env.peer.connect(server.port());
      await env.until('it is accepted', () => accepted !== undefined);
      if (accepted !== undefined) await expectWindow(env, accepted, peer, 5000);
    },
  },
  {
    id: 'D15.transferred',
    title: 'a packet whose memory was transferred away is given back whole',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      let bytes = 0;
      client.onPacket((_, packet) => {
        const { length } = packet;
        bytes += length;
        // Memory that does not belong to the program cannot be transferred.
        const { buffer } = packet.data;
        if (buffer instanceof ArrayBuffer) {
          try {
            structuredClone(buffer, { transfer: [buffer] });
          } catch {
            // The memory is marked as not transferable.
          }
        }
        expectEqual(packet.length, length, 'the length afterwards');
        client.ackPacket(packet);
      });
      await peer.sendPattern(2, BYTES);
      await env.until('all has come', () => bytes === BYTES);
    },
  },
  {
    id: 'L13.require',
    title: 'require refuses a stack that lacks a capability, and capabilities tells what it has',
    async run(env) {
      const { name, capabilities } = env.clientStack;
      const client = env.client();
      expectEqual(client.capabilities, capabilities, 'of the client');
      expectEqual(
        (await env.serve(() => undefined)).capabilities,
        env.serverStack.capabilities,
        'of a server',
      );
      const lacking = Object.entries(capabilities).filter(([, has]) => has === false || has === 'local');
      for (const [capability, has] of lacking) {
        const require = { [capability]: has === false ? true : 'peer' };
        const options = { stack: env.clientStack, require };
        expectThrows(() => new AsyncClient(options), RangeError, name, capability, String(has));
        expectThrows(() => new AsyncServer(0, options), RangeError, name, capability, String(has));
      }
      const met = { ...capabilities, acknowledgement: 'local', receiveWindow: 'bounded' } as const;
      expect(new AsyncClient({ stack: env.clientStack, require: met }) instanceof AsyncClient, 'what it has');
    },
  },
  {
    id: 'D12.view',
    title: 'views, kept data and packets may follow each other, and each has the bytes that came',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const bytes = 1_000_000;
      const reader = new PatternReader(9);
      const checkedLater = new PatternReader(9);
      const kept: Uint8Array[] = [];
      const packets: Packet[] = [];
      let pieces = 0;
      const take = (data: Uint8Array): void => {
        reader.take(data);
        pieces += 1;
        const handlers = [asView, asOwn, asPacket];
        handlers[pieces % handlers.length]?.();
      };
      const asView = (): void => {
        client.onPacket(undefined);
        client.onData(
          (_, data) => {
            kept.push(data.slice());
            take(data);
          },
          { view: true },
        );
      };
      const asOwn = (): void => {
        client.onPacket(undefined);
        client.onData((_, data) => {
          kept.push(data);
          take(data);
        });
      };
      const asPacket = (): void => {
        client.onPacket((_, packet) => {
          kept.push(packet.data.slice());
          packets.push(packet);
          take(packet.data);
          client.ackPacket(packet);
        });
      };
      asView();
      await peer.sendPattern(9, bytes, 10_000);
      await env.until('all has come', () => reader.bytes === bytes);
      for (const data of kept) checkedLater.take(data);
      expect(reader.matches && checkedLater.matches, 'the bytes, at once and later');
      expect(packets.length > 0, 'packets came too');
    },
  },
];
