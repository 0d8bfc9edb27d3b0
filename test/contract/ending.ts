/** The end of lives and its reports: L2, L7, L12, and D13 and D14, which wait for the bytes sent. */
import { ErrorCode, TcpError, type AsyncClient, type AsyncServer, type ErrorCode as Code } from 'asynctcp';
import type { ContractCase, Env, PeerSocket } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { deadPort, linked, linkedToPeer, passCloseTimeouts, silentPort, stuff } from './linked.js';
import { PatternReader } from './pattern.js';

const { ERR_ABRT, ERR_CLSD, ERR_CONN, ERR_RST, ERR_TIMEOUT } = ErrorCode;

/** Returns the code that a promise rejects with; `undefined` if it resolves. */
async function codeOf(promise: Promise<void>): Promise<Code | undefined> {
  try {
    await promise;
  } catch (error) {
    expect(error instanceof TcpError, 'a TcpError');
    return error.code;
  }
  return undefined;
}

/** Returns an object with the present outcome of a promise. */
function watched(promise: Promise<void>): { code: Code | 'resolved' | undefined } {
  const state: { code: Code | 'resolved' | undefined } = { code: undefined };
  void codeOf(promise).then((code) => (state.code = code ?? 'resolved'));
  return state;
}

/** Checks that the peer, which has received a FIN, has received a reset as well: it can no longer send. */
async function expectReset(env: Env, peer: PeerSocket): Promise<void> {
  await env.settle();
  await peer.receive(1).catch(() => '');
  const refused = await peer.send('x').then(
    () => false,
    () => true,
  );
  expect(refused, 'the peer cannot send any more');
}

/** Connects `count` peers to a server. */
async function crowd(
  env: Env,
  count: number,
  prepare: (client: AsyncClient) => void = () => undefined,
): Promise<{ server: AsyncServer; accepted: History[]; peers: PeerSocket[] }> {
  const accepted: History[] = [];
  const server = await env.serve((client) => {
    accepted.push(new History(client));
    prepare(client);
  });
  const peers: PeerSocket[] = [];
  for (let index = 0; index < count; index += 1) {
    peers.push(await env.peer.connect(server.port()));
    await env.until('it was accepted', () => accepted.length === index + 1);
  }
  return { server, accepted, peers };
}

export const ENDINGS: readonly ContractCase[] = [
  {
    id: 'L2.reasons',
    title: 'onDisconnect tells why: closed, ended, rxTimeout, aborted, error; with the code of onError',
    async run(env) {
      const ways: [string, (client: AsyncClient, peer: PeerSocket) => unknown, Code | undefined][] = [
        ['closed', (client) => client.close(), undefined],
        ['ended', (_, peer) => peer.close(), undefined],
        ['aborted', (client) => client.abort(), ERR_ABRT],
        ['error', (_, peer) => peer.reset(), ERR_RST],
        ['rxTimeout', (client) => client.setRxTimeout(5), undefined],
      ];
      for (const [reason, way, code] of ways) {
        const { client, history, peer } = await linkedToPeer(env);
        await way(client, peer);
        if (reason === 'rxTimeout') env.clock.advance(5000);
        await env.until('it is over', () => history.over);
        expectEqual([history.reason, history.code], [reason, code], 'reason and code');
      }
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      client.shutdown();
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.reason, 'ended', 'when both sides have ended');
    },
  },
  {
    id: 'L2.close-timeout',
    title: 'a close whose peer acknowledges nothing new for the close timeout: ERR_TIMEOUT and closeTimeout',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      await stuff(env, client);
      client.onAck(undefined);
      client.onTimeout(undefined);
      const flushed = watched(client.flushed());
      client.close();
      await env.settle();
      env.clock.advance(env.clientStack.limits.closeTimeoutMs - 1);
      await env.settle();
      expectEqual([history.over, flushed.code], [false, undefined], 'before the time');
      env.clock.advance(1);
      await passCloseTimeouts(env, history);
      expectEqual([history.reason, history.code], ['closeTimeout', ERR_TIMEOUT], 'reason and code');
      await env.until('flushed() is answered', () => flushed.code === ERR_TIMEOUT);
      expectEqual((await peer.drain()).end, 'reset', 'what the peer sees');
    },
  },
  {
    id: 'L2.reasons-connecting',
    title: 'onDisconnect tells why an attempt is over',
    async run(env) {
      const silent = await silentPort(env);
      const dead = await deadPort(env);
      const controller = new AbortController();
      const ways: [string, number, (client: AsyncClient) => unknown, Code | undefined][] = [
        ['closed', silent, (client) => client.close(), undefined],
        ['aborted', silent, (client) => client.abort(), ERR_ABRT],
        ['aborted', silent, () => controller.abort(), ERR_ABRT],
        ['error', silent, () => env.clock.advance(60_000), ERR_TIMEOUT],
        ['error', dead, () => undefined, ERR_RST],
      ];
      for (const [reason, port, way, code] of ways) {
        const history = new History(env.client());
        const signal = controller.signal.aborted ? undefined : controller.signal;
        history.connect(env.peerAddresses[0], port, {
          timeoutMs: 60_000,
          ...(signal !== undefined && { signal }),
        });
        way(history.client);
        await env.until('it is over', () => history.over);
        expectEqual([history.reason, history.code], [reason, code], 'reason and code');
      }
    },
  },
  {
    id: 'L7.promises',
    title: 'a rejected promise of any callback aborts that connection and is uncaught once',
    async run(env) {
      const fail = async (where: string): Promise<never> => {
        await Promise.resolve();
        throw new Error(`rejected in ${where}`);
      };
      const setters: Readonly<Record<string, (client: AsyncClient) => void>> = {
        connect: (client) => client.onConnect(() => fail('connect')),
        data: (client) => client.onData(() => fail('data')),
        packet: (client) => client.onPacket(() => fail('packet')),
        ack: (client) => client.onAck(() => fail('ack')),
        poll: (client) => client.onPoll(() => fail('poll')),
        end: (client) => client.onEnd(() => fail('end')),
        error: (client) => client.onError(() => fail('error')),
        disconnect: (client) => client.onDisconnect(() => fail('disconnect')),
      };
      for (const [where, set] of Object.entries(setters)) {
        const { history: bystander } = await linked(env);
        const server = await env.serve((accepted) => {
          accepted.write('hello');
          accepted.onData(() => accepted.close());
        });
        const client = env.client();
        client.setAllowHalfOpen(true);
        let isOver = false;
        client.onDisconnect(() => (isOver = true));
        set(client);
        if (where === 'disconnect') client.onError(() => (isOver = true));
        client.connect(env.address, server.port());
        await env.until('it is connected', () => client.connected() || isOver);
        if (where === 'ack' || where === 'end') client.write('ping');
        if (where === 'poll') env.clock.advance(500);
        if (where === 'error' || where === 'disconnect') client.abort();
        await env.until(`it is over, ${where}`, () => isOver);
        await env.settle();
        expectEqual(env.takeUncaught().map(String), [`Error: rejected in ${where}`], 'uncaught errors');
        expect(!bystander.over, 'the other connection lives on');
        await server.end();
      }
    },
  },
  {
    id: 'L12.end',
    title: 'server.end() leaves, closes, drains or aborts its clients and waits for them; no others',
    async run(env) {
      for (const clients of ['leave', 'close', 'drain', 'abort'] as const) {
        const other = await crowd(env, 1);
        const { server, accepted, peers } = await crowd(env, 3);
        const order = [...server.clients()].map((client) =>
          accepted.findIndex((one) => one.client === client),
        );
        expectEqual([order, server.count()], [[0, 1, 2], 3], 'its clients');
        const ended = server.end({ clients });
        if (clients === 'drain') for (const peer of peers) await peer.close();
        await ended;
        const expected = clients === 'leave' ? undefined : 'serverEnded';
        for (const history of accepted) expectEqual(history.reason, expected, `reason after ${clients}`);
        expectEqual(server.count(), clients === 'leave' ? 3 : 0, 'clients that are left');
        expectEqual([...server.clients()].length, server.count(), 'clients that are listed');
        if (clients === 'abort') expectEqual(accepted[0]?.code, ERR_ABRT, 'the code');
        const ends = { leave: undefined, close: 'fin', drain: 'fin', abort: 'reset' }[clients];
        if (ends !== undefined && clients !== 'drain')
          expectEqual((await peers[0]?.drain())?.end, ends, 'what the peer sees');
        expect(other.accepted[0]?.over === false, 'clients of another server live on');
        // A second time, when it no longer listens.
        await server.end({ clients: 'abort' });
        expectEqual(server.count(), 0, 'clients after the second end');
      }
    },
  },
  {
    id: 'L12.within',
    title: 'what has not ended after withinMs is reset, with ERR_TIMEOUT',
    async run(env) {
      const { server, accepted, peers } = await crowd(env, 2);
      const ended = watched(server.end({ clients: 'drain', withinMs: 5000 }));
      await peers[0]?.close();
      await env.until('the first is over', () => accepted[0]?.over === true);
      env.clock.advance(4999);
      await env.settle();
      expectEqual([accepted[1]?.over, ended.code], [false, undefined], 'before the time');
      env.clock.advance(1);
      await env.until('the server has ended', () => ended.code === 'resolved');
      expectEqual([accepted[0]?.reason, accepted[0]?.code], ['serverEnded', undefined], 'the first');
      expectEqual([accepted[1]?.reason, accepted[1]?.code], ['serverEnded', ERR_TIMEOUT], 'the second');
      if (peers[1] !== undefined) await expectReset(env, peers[1]);
    },
  },
  {
    id: 'L12.defaults',
    title: 'defaults() hold for clients that are accepted later',
    async run(env) {
      const { server, accepted } = await crowd(env, 1);
      server.defaults({ noDelay: true, ackTimeoutMs: 1234, keepAlive: { ms: 30_000 } });
      server.defaults({ rxTimeoutS: 7 });
      await env.peer.connect(server.port());
      await env.until('the second is accepted', () => accepted.length === 2);
      const settings = accepted.map(({ client }) => [
        client.getNoDelay(),
        client.getAckTimeout(),
        client.getRxTimeout(),
      ]);
      expectEqual(
        settings,
        [
          [false, 5000, 0],
          [true, 1234, 7],
        ],
        'settings',
      );
      env.clock.advance(7000);
      await env.until('the second has timed out', () => accepted[1]?.client.connected() === false);
      expect(accepted[0]?.client.connected() === true, 'the first has not');
    },
  },
  {
    id: 'D13.flushed',
    title:
      'flushed() resolves when all that was added is acknowledged, with and without acknowledgement handlers',
    async run(env) {
      for (const listens of [true, false]) {
        const { client, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
        expectEqual(
          [client.unacknowledged(), await codeOf(client.flushed())],
          [0, undefined],
          'with nothing',
        );
        await stuff(env, client);
        if (!listens) {
          client.onAck(undefined);
          client.onTimeout(undefined);
        }
        expect(client.unacknowledged() > 0, 'bytes in flight');
        const flushed = watched(client.flushed());
        await env.settle();
        expectEqual(flushed.code, undefined, 'with a peer that does not read');
        const draining = peer.drain();
        await env.until('all is acknowledged', () => flushed.code === 'resolved');
        expectEqual(client.unacknowledged(), 0, 'afterwards');
        expectEqual(client.add('only added'), 10, 'add');
        const late = watched(client.flushed());
        await env.settle();
        expectEqual([late.code, client.unacknowledged()], [undefined, 10], 'what was only added');
        client.send();
        await env.until('that is acknowledged as well', () => late.code === 'resolved');
        client.close();
        await draining;
      }
    },
  },
  {
    id: 'D13.rejected',
    title: 'flushed() is rejected when the client ends before, by its signal, and unless connected',
    async run(env) {
      expectEqual(await codeOf(env.client().flushed()), ERR_CONN, 'without a connection');
      const { client, peer } = await linkedToPeer(env);
      client.add('never sent');
      expectEqual(client.unacknowledged(), 10, 'bytes added');
      const controller = new AbortController();
      const [cut, ignored] = [client.flushed({ signal: controller.signal }), client.flushed()];
      void ignored;
      controller.abort(new Error('enough'));
      expectEqual(await codeOf(cut), ERR_ABRT, 'by the signal');
      expectEqual(
        await codeOf(client.flushed({ signal: AbortSignal.abort() })),
        ERR_ABRT,
        'by a signal that was aborted before',
      );
      const waiting = client.flushed();
      await peer.reset();
      expectEqual(await codeOf(waiting), ERR_RST, 'by the peer’s reset');
      expectEqual([client.unacknowledged(), await codeOf(client.flushed())], [0, ERR_CONN], 'afterwards');
    },
  },
  {
    id: 'D14.drain',
    title:
      'drain() sends FIN after what was added, delivers all that still arrives, and is over with the peer’s FIN',
    limits: { receiveWindowBytes: 3000 },
    async run(env) {
      for (const halfOpen of [false, true]) {
        const { client, history, peer } = await linkedToPeer(env, (fresh) =>
          fresh.setAllowHalfOpen(halfOpen),
        );
        const reader = new PatternReader(5);
        let withheld = 0;
        client.onData((_, data) => {
          reader.take(data);
          client.ackLater();
          withheld += data.length;
        });
        client.add('the last of it');
        const drained = watched(client.drain());
        expectEqual([client.space(), client.write('x'), client.send()], [0, 0, false], 'while draining');
        expectEqual(await peer.receive(100), 'the last of it', 'what the peer got before FIN');
        const sending = peer.sendPattern(5, 100_000);
        while (reader.bytes < 100_000) {
          await env.settle();
          client.ack(withheld);
          withheld = 0;
        }
        await sending;
        await env.settle();
        expectEqual(drained.code, undefined, 'before the peer has ended');
        await peer.close();
        await env.until('it is drained', () => drained.code === 'resolved');
        expectEqual([reader.matches, history.reason], [true, 'closed'], 'what came, and why it is over');
      }
    },
  },
  {
    id: 'D14.within',
    title: 'after withinMs drain() resets, and its promise is rejected with ERR_TIMEOUT',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const drained = client.drain({ withinMs: 3000 });
      env.clock.advance(2999);
      await env.settle();
      expect(!history.over, 'before the time');
      env.clock.advance(1);
      expectEqual(await codeOf(drained), ERR_TIMEOUT, 'the code of the rejection');
      expectEqual([history.reason, history.code], ['closeTimeout', ERR_TIMEOUT], 'reason and code');
      await expectReset(env, peer);
    },
  },
  {
    id: 'D14.cut',
    title: 'a drain that is closed before the peer’s FIN is rejected with ERR_CLSD',
    async run(env) {
      for (const reason of ['closed', 'rxTimeout'] as const) {
        const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setRxTimeout(3));
        const drained = client.drain();
        expectEqual(await peer.receive(1), '', 'the peer has FIN');
        await env.settle();
        if (reason === 'closed') client.close();
        else env.clock.advance(3000);
        expectEqual([await codeOf(drained), history.reason], [ERR_CLSD, reason], 'code and reason');
        await peer.close();
      }
    },
  },
  {
    id: 'D14.edges',
    title: 'drain() of what is not connected, connecting, or ended by the peer already',
    async run(env) {
      expectEqual(await codeOf(env.client().drain()), undefined, 'without a connection');
      const attempt = new History(env.client());
      attempt.connect(env.peerAddresses[0], await silentPort(env));
      expectEqual(await codeOf(attempt.client.drain()), undefined, 'while connecting');
      expectEqual(attempt.life, ['disconnect'], 'callbacks of the attempt');
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      await peer.shutdown();
      await env.until('the peer has ended', () => history.has('end'));
      client.add('answer');
      expectEqual(await codeOf(client.drain()), undefined, 'after the peer’s FIN');
      expectEqual([await peer.receive(100), history.reason], ['answer', 'closed'], 'what the peer got');
      const cut = await linkedToPeer(env);
      const drained = cut.client.drain();
      await cut.peer.reset();
      expectEqual(await codeOf(drained), ERR_RST, 'when the peer resets');
      // Nothing waits for this promise: its rejection must not be uncaught.
      const ignored = await linkedToPeer(env);
      void ignored.client.drain({ withinMs: 1000 });
      env.clock.advance(1000);
      await env.until('it is over', () => ignored.history.over);
      await env.settle();
      expectEqual(env.takeUncaught(), [], 'uncaught errors');
    },
  },
  {
    id: 'D13.closed',
    title: 'flushed() goes on waiting after close()',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      client.write('some');
      const flushed = codeOf(client.flushed());
      client.close();
      expectEqual(await peer.receive(4), 'some', 'what the peer got');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(await flushed, undefined, 'it is resolved');
    },
  },
];
