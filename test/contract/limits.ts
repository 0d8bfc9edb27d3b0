/** M · limits: too many connections, too few descriptors, and nothing that grows. */
import { AsyncServer, ErrorCode, TcpError, TcpState } from 'asynctcp';
import type { ContractCase } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { linked, stuff } from './linked.js';

const { ERR_MEM } = ErrorCode;

export const LIMITS: readonly ContractCase[] = [
  {
    id: 'M1.accepting',
    title:
      'a connection beyond maxActiveTcp is refused before user code sees it; when one ends, the next is welcome',
    limits: { maxActiveTcp: 3 },
    async run(env) {
      const accepted: History[] = [];
      const server = await env.serve((client) => accepted.push(new History(client)));
      const peers = [];
      for (let count = 0; count < 3; count += 1) peers.push(await env.peer.connect(server.port()));
      await env.until('three are accepted', () => accepted.length === 3);
      for (let count = 0; count < 5; count += 1) {
        const refused = await env.peer.connect(server.port());
        expectEqual((await refused.drain()).end, 'reset', 'how the fourth is refused');
      }
      expectEqual(accepted.length, 3, 'calls of onClient');
      expectEqual(env.warnings.length, 1, 'lines in the log');
      expect(
        env.warnings[0]?.includes('CONFIG_LWIP_MAX_ACTIVE_TCP') === true,
        'the line names the symbol to raise',
      );
      await peers[0]?.close();
      await env.until('one is over', () => accepted[0]?.over === true);
      const welcome = await env.peer.connect(server.port());
      await env.until('the next is accepted', () => accepted.length === 4);
      accepted[3]?.client.write('welcome');
      expectEqual(await welcome.receive(7), 'welcome', 'what the next one gets');
    },
  },
  {
    id: 'M1.connecting',
    title: 'connect() beyond maxActiveTcp reports ERR_MEM; when one ends, the next is welcome',
    limits: { maxActiveTcp: 2 },
    async run(env) {
      const listener = await env.peer.listen();
      const histories = [0, 1, 2].map(() => new History(env.client()));
      for (const history of histories)
        expectEqual(history.connect(listener.address, listener.port), true, 'connect');
      await env.until(
        'the first two are connected',
        () => histories.filter((one) => one.has('connect')).length === 2,
      );
      await env.until('the third has failed', () => histories[2]?.over === true);
      expectEqual(histories[2]?.life, [`error ${ERR_MEM}`, 'disconnect'], 'callbacks of the third');
      expectEqual(env.warnings.length, 1, 'lines in the log');
      histories[0]?.client.abort();
      histories[2]?.connect(listener.address, listener.port);
      await env.until('the third is connected', () => histories[2]?.has('connect') === true);
    },
  },
  {
    id: 'M1.server',
    title: 'maxClients bounds one server’s clients',
    async run(env) {
      const accepted: History[] = [];
      const server = await env.serve((client) => accepted.push(new History(client)), { maxClients: 1 });
      const first = await env.peer.connect(server.port());
      await env.until('one is accepted', () => accepted.length === 1);
      const second = await env.peer.connect(server.port());
      expectEqual((await second.drain()).end, 'reset', 'how the second is refused');
      await first.close();
      await env.until('the first is over', () => accepted[0]?.over === true);
      await env.peer.connect(server.port());
      await env.until('the next is accepted', () => accepted.length === 2);
    },
  },
  {
    id: 'M1.closing',
    title: 'clients that close need no place any more, however long their peers do not read',
    limits: { maxActiveTcp: 3 },
    async run(env) {
      const accepted: History[] = [];
      const server = await env.serve((client) => accepted.push(new History(client)), { maxClients: 3 });
      const unread = [];
      for (let count = 0; count < 3; count += 1) {
        const peer = await env.peer.connect(server.port(), { receiveBuffer: 4096 });
        await env.until('it is accepted', () => accepted.length === count + 1);
        const history = accepted[count];
        if (history === undefined) throw new Error('nothing was accepted');
        await stuff(env, history.client);
        unread.push({ peer, history });
      }
      const refused = await env.peer.connect(server.port());
      expectEqual((await refused.drain()).end, 'reset', 'how a fourth is refused');
      for (const { history } of unread) history.client.close();
      await env.settle();
      for (const { history } of unread) expect(!history.over, 'a close that its peer holds up');
      expectEqual([server.count(), [...server.clients()].length], [3, 3], 'clients that have not ended');
      const welcome = await env.peer.connect(server.port());
      await env.until('the fourth is accepted', () => accepted.length === 4);
      accepted[3]?.client.write('welcome');
      expectEqual(await welcome.receive(7), 'welcome', 'what the fourth gets');
      for (const { peer, history } of unread) {
        await peer.drain();
        await peer.close();
        await env.until('it is over', () => history.over);
        expectEqual(history.life, ['disconnect'], 'a graceful end');
      }
      expectEqual(server.count(), 1, 'clients in the end');
    },
  },
  {
    id: 'M1.nobody-there',
    title: 'a server without onClient refuses',
    async run(env) {
      const server = await env.serve(() => undefined);
      server.onClient(undefined);
      const refused = await env.peer.connect(server.port());
      expectEqual((await refused.drain()).end, 'reset', 'how the connection is refused');
    },
  },
  {
    id: 'M2.descriptors',
    title:
      'out of descriptors, running connections go on, new ones get their error, accepting resumes by itself',
    async run(env) {
      const { server, client, accepted, acceptedHistory } = await linked(env);
      const listener = await env.peer.listen();
      const giveBack = await env.starve();
      try {
        client.write('still here');
        await env.until('the running connection works', () => acceptedHistory.received === 'still here');
        const failing = new History(env.client());
        failing.connect(listener.address, listener.port);
        await env.until('the new one has failed', () => failing.over);
        expectEqual(failing.life, [`error ${ERR_MEM}`, 'disconnect'], 'callbacks of the new one');
        const turnedAway = await env.peer.connect(server.port());
        await turnedAway.drain();
        expectEqual(server.status(), TcpState.LISTEN, 'status of the server');
      } finally {
        await giveBack();
      }
      const [welcome, next] = [new History(env.client()), new History(env.client())];
      welcome.connect(listener.address, listener.port);
      next.connect(env.address, server.port());
      await env.until('both are connected', () => welcome.has('connect') && next.has('connect'));
      accepted.write('and again');
    },
  },
  {
    id: 'M2.port-taken',
    title: 'a taken port rejects begin() with ERR_USE and leaves the server ready to try again',
    async run(env) {
      const holder = await env.serve(() => undefined);
      const taken = holder.port();
      const server = new AsyncServer(env.address, taken, { stack: env.serverStack });
      const failure: unknown = await server.begin().catch((error: unknown) => error);
      expect(failure instanceof TcpError, 'begin() rejects with a TcpError');
      expectEqual(
        [failure.code, failure.cause instanceof Error],
        [ErrorCode.ERR_USE, true],
        'its code and cause',
      );
      expectEqual(server.status(), TcpState.CLOSED, 'status afterwards');
      await holder.end();
      await server.begin();
      expectEqual([server.status(), server.port()], [TcpState.LISTEN, taken], 'when the port is free');
      await server.end();
    },
  },
  {
    id: 'M2.begin-and-end',
    title: 'end() frees the port at once, begin() may follow directly, and neither does harm twice',
    async run(env) {
      const probe = await env.peer.listen();
      await probe.close();
      const server = new AsyncServer(env.address, probe.port, { stack: env.serverStack });
      server.onClient((accepted) => accepted.write('hello'));
      await server.end();
      const began = server.begin();
      await server.begin();
      await began;
      const early = await env.peer.connect(server.port());
      expectEqual(await early.receive(5), 'hello', 'what the first peer got');
      for (let round = 0; round < 3; round += 1) {
        void server.end();
        void server.end();
        expectEqual(server.status(), TcpState.CLOSED, 'status at once');
        await server.begin();
      }
      const late = await env.peer.connect(probe.port);
      expectEqual(await late.receive(5), 'hello', 'what the second peer got');
      const given = server.begin();
      await server.end();
      await given;
      const cut = server.begin();
      await server.end();
      await cut;
      expectEqual(server.status(), TcpState.CLOSED, 'status after a begin() that was ended');
      // Nothing waits for this promise: its rejection must not be uncaught.
      void server.begin();
      void server.end();
      await env.settle();
      const again = await env.peer.listen({ port: probe.port });
      await again.close();
    },
  },
  {
    id: 'M3.come-and-go',
    title: 'a thousand connections that come and go leave no socket, no timer and no listener',
    async run(env) {
      let over = 0;
      const server = await env.serve((accepted) => {
        accepted.setRxTimeout(60);
        accepted.onPoll(() => undefined);
        accepted.onData((_, data) => accepted.write(data));
        accepted.onDisconnect(() => (over += 1));
      });
      await env.settle();
      const before = env.holdings();
      for (let wave = 0; wave < 20; wave += 1) {
        const histories = Array.from({ length: 50 }, () => new History(env.client()));
        for (const [index, history] of histories.entries()) {
          history.onEvent = (event) => {
            if (event === 'connect') history.client.write('x');
            if (event === 'data' && index % 2 === 0) history.client.close();
            if (event === 'data' && index % 2 === 1) history.client.abort();
          };
          history.connect(env.address, server.port(), { timeoutMs: 5000 });
        }
        await env.until('this wave is over', () => histories.every((history) => history.over));
      }
      await env.until('the server’s are over', () => over === 1000);
      await env.until('nothing is held', () => env.holdings() === before);
    },
  },
];
