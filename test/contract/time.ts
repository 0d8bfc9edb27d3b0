/** T · time: polls, timeouts and the attempts of Happy Eyeballs, by a clock that the case moves. */
import { ErrorCode, TcpState } from 'asynctcp';
import type { ContractCase } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { linked, linkedToPeer, silentPort, stuff } from './linked.js';

const { ERR_ABRT, ERR_DNS, ERR_RST, ERR_RTE, ERR_TIMEOUT } = ErrorCode;

export const TIME: readonly ContractCase[] = [
  {
    id: 'T1.rhythm',
    title: 'onPoll comes every 500 ms while connected, and only then',
    async run(env) {
      const { client, history, acceptedHistory } = await linked(env);
      env.clock.advance(499);
      expectEqual([history.count('poll'), acceptedHistory.count('poll')], [0, 0], 'polls after 499 ms');
      env.clock.advance(1);
      expectEqual([history.count('poll'), acceptedHistory.count('poll')], [1, 1], 'polls after 500 ms');
      env.clock.advance(5000);
      expectEqual(history.count('poll'), 11, 'polls after 5500 ms');
      client.close();
      env.clock.advance(5000);
      expectEqual(history.count('poll'), 11, 'polls after close');
      await env.until('both are over', () => history.over && acceptedHistory.over);
      const polls = acceptedHistory.count('poll');
      env.clock.advance(5000);
      expectEqual(acceptedHistory.count('poll'), polls, 'polls after the end');
    },
  },
  {
    id: 'T1.not-before',
    title: 'no onPoll while connecting',
    async run(env) {
      const history = new History(env.client());
      history.connect(env.peerAddresses[0], await silentPort(env));
      await env.settle();
      env.clock.advance(2000);
      expectEqual(history.events, [], 'callbacks while connecting');
    },
  },
  {
    id: 'T1.stall',
    title: 'after a stall comes one onPoll, not a burst, and the rhythm goes on',
    async run(env) {
      const { history } = await linked(env);
      env.clock.stall(5300);
      expectEqual(history.count('poll'), 1, 'polls after a stall of 5300 ms');
      env.clock.advance(199);
      expectEqual(history.count('poll'), 1, 'polls before the next beat');
      env.clock.advance(1);
      expectEqual(history.count('poll'), 2, 'polls at 5500 ms');
    },
  },
  {
    id: 'T1.handler-later',
    title: 'a handler that is set later, or in a poll, keeps the rhythm',
    async run(env) {
      const { client, history } = await linked(env);
      client.onPoll(undefined);
      env.clock.advance(1234);
      let polls = 0;
      client.onPoll(() => {
        polls += 1;
      });
      env.clock.advance(265);
      expectEqual(polls, 0, 'polls before 1500 ms');
      env.clock.advance(1);
      expectEqual([polls, history.count('poll')], [1, 0], 'polls at 1500 ms');
    },
  },
  {
    id: 'T2.silence',
    title: 'without data for setRxTimeout seconds the client closes; data and off keep it open',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      client.setRxTimeout(3);
      env.clock.advance(2999);
      await peer.send('x');
      await env.until('data came', () => history.received === 'x');
      env.clock.advance(2999);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'state 2999 ms after the last data');
      client.setRxTimeout(0);
      env.clock.advance(60_000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'state with the timeout off');
      client.setRxTimeout(1.5);
      env.clock.advance(1499);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'state before the timeout');
      client.write('last');
      env.clock.advance(1);
      expectEqual(client.disconnecting(), true, 'disconnecting at the timeout');
      expectEqual(await peer.receive(100), 'last', 'what the peer got before FIN');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.life, ['connect', 'disconnect'], 'a graceful end');
    },
  },
  {
    id: 'T2.acknowledgements',
    title: 'an acknowledgement of ours is life, also where nobody listens to acknowledgements',
    async run(env) {
      for (const listens of [true, false]) {
        const { client, history } = await linkedToPeer(env, (fresh) => fresh.setRxTimeout(4));
        if (!listens) {
          client.onAck(undefined);
          client.onTimeout(undefined);
        }
        for (let round = 0; round < 4; round += 1) {
          client.write('ping');
          await env.until('it is acknowledged', () => client.unacknowledged() === 0);
          env.clock.advance(3000);
          expectEqual(client.state(), TcpState.ESTABLISHED, `3 s after acknowledgement ${round}`);
        }
        env.clock.advance(2001);
        expectEqual(client.connected(), false, 'at most a quarter of the time later, in silence');
        await env.until('it is over', () => history.over);
        expectEqual(history.reason, 'rxTimeout', 'the reason');
      }
    },
  },
  {
    id: 'T2.slow-reader',
    title:
      'a transfer that the peer acknowledges is not cut, and one that it does not is, a quarter late at most',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 65_536 });
      await stuff(env, client);
      client.onAck(undefined);
      client.onTimeout(undefined);
      client.setRxTimeout(4);
      for (let round = 0; round < 5; round += 1) {
        const before = client.unacknowledged();
        while (client.unacknowledged() === before) await peer.receive(200_000);
        env.clock.advance(3000);
        expectEqual(client.state(), TcpState.ESTABLISHED, `after round ${round}`);
        await stuff(env, client);
      }
      env.clock.advance(10_000);
      expectEqual(client.connected(), false, 'when the reader has stopped');
      client.abort();
      await env.until('it is over', () => history.over);
    },
  },
  {
    id: 'T2.withheld',
    title: 'the time stands still while what is withheld fills the window, and goes on from where it stood',
    limits: { receiveWindowBytes: 3000 },
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setRxTimeout(2));
      let withheld = 0;
      client.onData((_, data) => {
        client.ackLater();
        withheld += data.length;
      });
      await peer.sendPattern(1, 3000);
      await env.until('the window is full', () => withheld === 3000);
      env.clock.advance(60_000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'with the window full');
      client.ack(100);
      env.clock.advance(1999);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'with the window open, before the time');
      client.pause();
      env.clock.advance(60_000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'while paused');
      client.resume();
      expectEqual(client.state(), TcpState.ESTABLISHED, 'as it goes on');
      env.clock.advance(1);
      expectEqual(client.connected(), false, 'at the time');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.reason, 'rxTimeout', 'the reason');
    },
  },
  {
    id: 'T2.sends-while-stopped',
    title: 'what is written while the time stands still is sent, and acknowledgements count when it goes on',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => fresh.setRxTimeout(4));
      client.onPoll(undefined);
      client.onTimeout(undefined);
      client.pause();
      // The timer that was armed before is due, and is not armed again.
      env.clock.advance(60_000);
      expectEqual(client.write('while paused'), 12, 'taken while paused');
      expectEqual(await peer.receive(12), 'while paused', 'what the peer got');
      env.clock.advance(60_000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'while paused');
      client.resume();
      env.clock.advance(3000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'before the time');
      env.clock.advance(2001);
      expectEqual(client.connected(), false, 'at most a quarter of the time later');
      await peer.close();
      await env.until('it is over', () => history.over);
      expectEqual(history.reason, 'rxTimeout', 'the reason');
    },
  },
  {
    id: 'T2.waiting',
    title: 'the time stands still while data waits for a handler',
    async run(env) {
      const listener = await env.peer.listen();
      const client = env.client();
      client.setRxTimeout(2);
      let answer = (): void => undefined;
      const greeted = new Promise<void>((resolve) => (answer = resolve));
      client.onConnect(async () => greeted);
      client.connect(listener.address, listener.port);
      await listener.accept();
      await env.until('it is connected', () => client.connected());
      await env.settle();
      env.clock.advance(60_000);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'while data waits');
      answer();
      await greeted;
      await env.settle();
      env.clock.advance(1999);
      expectEqual(client.state(), TcpState.ESTABLISHED, 'before the time');
      env.clock.advance(1);
      expectEqual(client.connected(), false, 'at the time');
    },
  },
  {
    id: 'T3.idle',
    title: 'an idle connection, or one that is acknowledged, has no onTimeout',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      env.clock.advance(20_000);
      for (let round = 0; round < 5; round += 1) {
        client.write('ping');
        await peer.receive(4);
        await env.until('it was acknowledged', () => history.acked === 4 * (round + 1));
        env.clock.advance(20_000);
      }
      client.add('added, never sent');
      env.clock.advance(20_000);
      expectEqual(history.life, ['connect'], 'callbacks');
    },
  },
  {
    id: 'T3.stuck',
    title:
      'bytes that are not acknowledged for setAckTimeout ms: onTimeout, again at each poll until they are',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      client.setAckTimeout(2000);
      await stuff(env, client);
      env.clock.advance(1999);
      expectEqual(history.life, ['connect'], 'callbacks before the timeout');
      env.clock.advance(1);
      expectEqual(history.life, ['connect', 'timeout 2000'], 'callbacks at the timeout');
      env.clock.advance(1000);
      expectEqual(
        history.life,
        ['connect', 'timeout 2000', 'timeout 2500', 'timeout 3000'],
        'again at each poll',
      );
      // The TCP of a peer with a closed window answers probes. A stack that cannot see its TCP does not know.
      const knows = env.clientStack.capabilities.acknowledgement === 'peer';
      expectEqual(typeof history.heardAgoMs, knows ? 'number' : 'undefined', 'when the peer was heard of');
      const acked = history.acked;
      const draining = peer.drain();
      await env.until('the rest was acknowledged', () => history.acked > acked && client.space() > 0);
      await env.settle();
      env.clock.advance(1999);
      expectEqual(history.life.length, 4, 'callbacks since the peer reads');
      client.close();
      await draining;
    },
  },
  {
    id: 'T3.over',
    title: 'no onTimeout after abort() or an exception in the onPoll that came at the same time',
    async run(env) {
      for (const way of ['abort', 'throw'] as const) {
        const { client, history } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
        client.setAckTimeout(700);
        await stuff(env, client);
        history.onEvent = (event) => {
          if (event === 'poll' && way === 'abort') client.abort();
          if (event === 'poll' && way === 'throw') throw new Error('thrown in onPoll');
        };
        env.clock.stall(1500);
        await env.until('it is over', () => history.over);
        expectEqual(history.life, ['connect', `error ${ERR_ABRT}`, 'disconnect'], `callbacks after ${way}`);
        expectEqual(env.takeUncaught().length, way === 'throw' ? 1 : 0, 'uncaught errors');
      }
    },
  },
  {
    id: 'T3.closing',
    title: 'onTimeout tells of a close() that a peer that does not read holds up, and abort() ends it',
    async run(env) {
      const { client, history } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      await stuff(env, client);
      client.close();
      env.clock.advance(5000);
      expectEqual(history.life, ['connect', 'timeout 5000'], 'callbacks while closing');
      client.abort();
      await env.until('it is over', () => history.over);
    },
  },
  {
    id: 'T3.settings',
    title: 'setAckTimeout holds for bytes already under way, and 0 is off',
    async run(env) {
      const { client, history } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      client.setAckTimeout(0);
      await stuff(env, client);
      env.clock.advance(60_000);
      expectEqual(history.life, ['connect'], 'callbacks with the timeout off');
      client.setAckTimeout(70_000);
      env.clock.advance(9999);
      expectEqual(history.life, ['connect'], 'callbacks before the timeout');
      env.clock.advance(1);
      expectEqual(history.life, ['connect', 'timeout 70000'], 'callbacks at the timeout');
    },
  },
  {
    id: 'T3.not-inherited',
    title: 'a new connection does not inherit the old one’s clock',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, undefined, { receiveBuffer: 4096 });
      await stuff(env, client);
      env.clock.advance(4999);
      client.abort();
      await env.until('the first life is over', () => history.over);
      await peer.close();
      const listener = await env.peer.listen();
      history.connect(listener.address, listener.port);
      await env.until('the second life has begun', () => history.count('connect') === 2);
      const life = history.life.length;
      env.clock.advance(10_000);
      client.write('x');
      await env.settle();
      env.clock.advance(10_000);
      expectEqual(history.life.length, life, 'callbacks of the second life');
    },
  },
  {
    id: 'T4.timeout',
    title:
      'timeoutMs ends an attempt with ERR_TIMEOUT, in the look-up as well, and not a standing connection',
    async run(env) {
      const silent = await silentPort(env);
      const [address] = env.peerAddresses;
      env.name('held.test', { kind: 'held', addresses: [address] });
      for (const host of [address, 'held.test']) {
        const history = new History(env.client());
        history.connect(host, silent, { timeoutMs: 300 });
        await env.settle();
        env.clock.advance(299);
        expectEqual(history.events, [], 'callbacks before the timeout');
        env.clock.advance(1);
        expectEqual(history.events, [`error ${ERR_TIMEOUT}`, 'disconnect'], 'callbacks at the timeout');
        env.releaseNames();
      }
      const { server } = await linked(env);
      const quick = new History(env.client());
      quick.connect(env.address, server.port(), { timeoutMs: 300 });
      await env.until('it is connected', () => quick.has('connect'));
      env.clock.advance(10_000);
      await env.settle();
      expectEqual(quick.life, ['connect'], 'callbacks of a connection that stands');
    },
  },
  {
    id: 'T5.dead-first',
    title: 'a dead first address costs 250 ms, and the attempt on it is given up when another one stands',
    async run(env) {
      const silent = await env.peer.listen({ backlog: 0 });
      await silent.goSilent();
      const [first, second] = env.peerAddresses;
      const live = await env.peer.listen({ address: second, port: silent.port });
      env.name('two.test', { kind: 'addresses', addresses: [first, second] });
      await env.settle();
      const before = env.holdings();
      const history = new History(env.client());
      history.connect('two.test', silent.port);
      await env.settle();
      env.clock.advance(249);
      await env.settle();
      expectEqual(history.events, [], 'callbacks after 249 ms');
      env.clock.advance(1);
      await env.until('it is connected', () => history.has('connect'));
      expectEqual(history.client.remoteIP(), second, 'the address that answered');
      await env.until('one socket and no timer but the poll’s is held', () => env.holdings() <= before + 2);
      const peer = await live.accept();
      await peer.send('hello');
      await env.until('it works', () => history.received === 'hello');
    },
  },
  {
    id: 'T5.refused-first',
    title:
      'an address that refuses is followed by the next one at once; when all fail, the last fault is told',
    async run(env) {
      const [, , third] = env.peerAddresses;
      const live = await env.peer.listen({ address: third });
      env.name('three.test', { kind: 'addresses', addresses: env.peerAddresses });
      const history = new History(env.client());
      history.connect('three.test', live.port);
      await env.until('it is connected', () => history.has('connect'));
      expectEqual(history.client.remoteIP(), third, 'the address that answered');
      await live.close();
      const failing = new History(env.client());
      let cause: Error | undefined;
      failing.client.onError((_, code, because) => {
        failing.events.push(`error ${code}`);
        cause = because;
      });
      failing.connect('three.test', live.port);
      await env.until('it has failed', () => failing.over);
      expectEqual(failing.life, [`error ${ERR_RST}`, 'disconnect'], 'callbacks');
      expect(cause instanceof AggregateError && cause.errors.length === 3, 'a cause that names all three');
    },
  },
  {
    id: 'T5.blocklist',
    title: 'an unspecified address of a name is left out, and a name with no other is ERR_DNS',
    async run(env) {
      const listener = await env.peer.listen();
      const blocked: [host: string, addresses: string[]][] = [
        ['blocked4.test', ['0.0.0.0']],
        ['blocked6.test', ['::']],
        ['blocked.test', ['::', '0.0.0.0', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0']],
      ];
      for (const [host, addresses] of blocked) {
        env.name(host, { kind: 'addresses', addresses });
        const history = new History(env.client());
        history.connect(host, listener.port);
        await env.until('it has failed', () => history.over);
        expectEqual(history.life, [`error ${ERR_DNS}`, 'disconnect'], 'callbacks');
      }
      env.name('mixed.test', { kind: 'addresses', addresses: ['::', '0.0.0.0', listener.address] });
      const mixed = new History(env.client());
      mixed.connect('mixed.test', listener.port);
      await env.until('it is connected', () => mixed.has('connect'));
      expectEqual(mixed.client.remoteIP(), listener.address, 'the address that was tried');
    },
  },
  {
    id: 'T5.family',
    title: 'with the option family only addresses of that family are tried',
    async run(env) {
      const listener = await env.peer.listen();
      env.name('mixed.test', { kind: 'addresses', addresses: ['::1', listener.address] });
      const four = new History(env.client());
      four.connect('mixed.test', listener.port, { family: 4 });
      await env.until('it is connected', () => four.has('connect'));
      expectEqual(four.client.remoteIP(), listener.address, 'the address that was tried');
      env.name('four.test', { kind: 'addresses', addresses: [listener.address] });
      const six = new History(env.client());
      six.connect('four.test', listener.port, { family: 6 });
      await env.until('it has failed', () => six.over);
      expectEqual(six.life, [`error ${ERR_DNS}`, 'disconnect'], 'callbacks');
    },
  },
  {
    id: 'T5.families',
    title: 'only addresses that the local address can reach are tried',
    async run(env) {
      env.name('six.test', { kind: 'addresses', addresses: ['::1'] });
      const history = new History(env.client());
      history.connect('six.test', 80, { localAddress: env.clientAddress });
      await env.until('it has failed', () => history.over);
      expectEqual(history.life, [`error ${ERR_RTE}`, 'disconnect'], 'callbacks');
      const listener = await env.peer.listen();
      env.name('both.test', { kind: 'addresses', addresses: ['::1', listener.address] });
      const second = new History(env.client());
      second.connect('both.test', listener.port, { localAddress: env.otherClientAddress });
      await env.until('it is connected', () => second.has('connect'));
      expectEqual(second.client.localIP(), env.otherClientAddress, 'the local address');
    },
  },
];
