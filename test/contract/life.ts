/** L · life: which callbacks come, when, how often, and what is left behind. */
import { AsyncClient, AsyncServer, ErrorCode, TcpState } from 'asynctcp';
import type { ContractCase, Env } from './case.js';
import { expect, expectEqual, expectThrows } from './expect.js';
import { calls, History } from './history.js';
import { deadPort, linked, linkedToPeer, silentPort } from './linked.js';

const { ERR_ABRT, ERR_CONN, ERR_DNS, ERR_RST } = ErrorCode;

export const LIFE: readonly ContractCase[] = [
  {
    id: 'L1.methods',
    title: 'no method calls a callback before it returns, whatever the outcome',
    async run(env) {
      const server = await env.serve((accepted) => new History(accepted));
      const dead = await deadPort(env);
      const ways: ((history: History) => void)[] = [
        (history) => history.connect(env.address, server.port()),
        (history) => history.connect(env.peerAddresses[0], dead),
        (history) => history.connect('unknown.test', 80),
        (history) => history.connect(env.address, server.port(), { signal: AbortSignal.abort() }),
      ];
      for (const way of ways) {
        const history = new History(env.client());
        calls(() => way(history));
        await env.until('the outcome is there', () => history.events.length > 0);
        // `History` throws if a callback comes from inside one of these.
        calls(() => history.client.write('some'));
        calls(() => history.client.send());
        calls(() => history.client.close());
        calls(() => history.client.abort());
        calls(() => history.connect(env.peerAddresses[0], dead));
        await env.until('it is over', () => history.over);
      }
    },
  },
  {
    id: 'L2.exactly-once',
    title: 'every life ends with one onDisconnect, on both sides, and nothing comes after it',
    async run(env) {
      const endings: ((client: AsyncClient, accepted: AsyncClient) => void)[] = [
        (client) => client.close(),
        (client) => client.abort(),
        (_, accepted) => accepted.close(),
        (_, accepted) => accepted.abort(),
        (client, accepted) => {
          client.close();
          accepted.close();
        },
        (client, accepted) => {
          client.close();
          client.abort();
          accepted.abort();
        },
        (client) => {
          client.write('last words');
          client.close();
          client.close();
        },
      ];
      for (const ending of endings) {
        const { server, client, accepted, history, acceptedHistory } = await linked(env);
        calls(() => ending(client, accepted));
        await env.until('both ends are over', () => history.over && acceptedHistory.over);
        await env.settle();
        expectEqual(history.count('disconnect'), 1, 'onDisconnect of the client');
        expectEqual(acceptedHistory.count('disconnect'), 1, 'onDisconnect of the accepted client');
        expect(history.over && acceptedHistory.over, 'nothing after onDisconnect');
        await server.end();
      }
    },
  },
  {
    id: 'L2.foreign',
    title: 'a foreign peer that closes, resets or half-closes ends a client once',
    async run(env) {
      for (const way of ['close', 'reset', 'shutdown'] as const) {
        const { history, peer } = await linkedToPeer(env);
        await peer[way]();
        await env.until('the client is over', () => history.over);
        await env.settle();
        expectEqual(history.count('disconnect'), 1, `onDisconnect after the peer's ${way}`);
      }
    },
  },
  {
    id: 'L3.graceful',
    title: 'a graceful end gives no onError',
    async run(env) {
      const { history, peer } = await linkedToPeer(env);
      await peer.close();
      await env.until('the client is over', () => history.over);
      expectEqual(history.life, ['connect', 'disconnect'], 'callbacks');
      const other = await linked(env);
      other.client.close();
      await env.until('both are over', () => other.history.over && other.acceptedHistory.over);
      expectEqual(other.history.life, ['connect', 'disconnect'], 'callbacks of the closing side');
      expectEqual(other.acceptedHistory.life, ['disconnect'], 'callbacks of the other side');
    },
  },
  {
    id: 'L3.fault',
    title: 'a reset gives one onError, directly followed by onDisconnect',
    async run(env) {
      const { history, peer } = await linkedToPeer(env);
      await peer.reset();
      await env.until('the client is over', () => history.over);
      expectEqual(history.events, ['connect', `error ${ERR_RST}`, 'disconnect'], 'callbacks');
      const other = await linked(env);
      calls(() => expectEqual(other.client.abort(), ERR_ABRT, 'abort'));
      calls(() => expectEqual(other.client.abort(), ERR_CONN, 'abort of what is aborted'));
      await env.until('both are over', () => other.history.over && other.acceptedHistory.over);
      expectEqual(other.history.life, ['connect', `error ${ERR_ABRT}`, 'disconnect'], 'the aborting side');
      expectEqual(other.acceptedHistory.life, [`error ${ERR_RST}`, 'disconnect'], 'the other side');
    },
  },
  {
    id: 'L4.outcomes',
    title: 'connect comes to exactly one outcome: connected, refused, name unknown',
    async run(env) {
      const server = await env.serve((accepted) => new History(accepted));
      env.name('here.test', { kind: 'addresses', addresses: [env.address] });
      env.name('there.test', { kind: 'addresses', addresses: [env.peerAddresses[0]] });
      const dead = await deadPort(env);
      const outcomes: [string, number, string[]][] = [
        [env.address, server.port(), ['connect']],
        ['here.test', server.port(), ['connect']],
        [env.peerAddresses[0], dead, [`error ${ERR_RST}`, 'disconnect']],
        ['there.test', dead, [`error ${ERR_RST}`, 'disconnect']],
        ['unknown.test', 80, [`error ${ERR_DNS}`, 'disconnect']],
      ];
      for (const [host, port, life] of outcomes) {
        const history = new History(env.client());
        expectEqual(
          calls(() => history.connect(host, port)),
          true,
          'connect',
        );
        expectEqual(history.client.connecting(), true, 'connecting');
        expectEqual(
          calls(() => history.connect(host, port)),
          false,
          'connect while connecting',
        );
        await env.until('there is an outcome', () => history.events.length > 0);
        await env.settle();
        expectEqual(history.life, life, `outcome of ${host}:${port}`);
        expectEqual(history.connect(host, port), life.length > 1, 'connect afterwards');
      }
    },
  },
  {
    id: 'L4.give-up',
    title: 'close, abort and the signal end an attempt in any stage, and nothing is left behind',
    async run(env) {
      const port = await silentPort(env);
      const [address] = env.peerAddresses;
      env.name('held.test', { kind: 'held', addresses: [address] });
      env.name('several.test', { kind: 'addresses', addresses: env.peerAddresses });
      await env.settle();
      const before = env.holdings();
      for (const host of ['held.test', address, 'several.test']) {
        for (const way of ['close', 'abort', 'signal'] as const) {
          const history = new History(env.client());
          const controller = new AbortController();
          calls(() => history.connect(host, port, { signal: controller.signal, timeoutMs: 60_000 }));
          await env.settle();
          // With several addresses, the second and the third attempt have begun as well.
          env.clock.advance(300);
          await env.settle();
          expectEqual(history.client.state(), TcpState.SYN_SENT, `state while connecting to ${host}`);
          calls(() => (way === 'signal' ? controller.abort() : history.client[way]()));
          expectEqual(history.client.state(), TcpState.CLOSED, 'state at once');
          await env.until('it is over', () => history.over);
          const life = way === 'close' ? ['disconnect'] : [`error ${ERR_ABRT}`, 'disconnect'];
          expectEqual(history.life, life, `${way} while connecting to ${host}`);
          env.releaseNames();
          await env.settle();
          env.clock.advance(1000);
          await env.settle();
          expectEqual(history.life, life, 'and nothing later');
        }
      }
      await env.until('nothing is left behind', () => env.holdings() === before);
    },
  },
  {
    id: 'L4.signal-afterwards',
    title: 'the signal concerns the attempt alone',
    async run(env) {
      const { server } = await linked(env);
      const history = new History(env.client());
      const controller = new AbortController();
      history.connect(env.address, server.port(), { signal: controller.signal });
      await env.until('it is connected', () => history.has('connect'));
      controller.abort();
      await env.settle();
      expectEqual(history.life, ['connect'], 'callbacks');
    },
  },
  {
    id: 'L4.open',
    title: 'open() resolves with a client that misses nothing, and rejects with a TcpError',
    async run(env) {
      const server = await env.serve((accepted) => {
        accepted.write('greeting');
        accepted.close();
      });
      const client = await AsyncClient.open(env.address, server.port(), { stack: env.clientStack });
      const history = new History(client);
      await env.until('it is over', () => history.over);
      expectEqual(history.received, 'greeting', 'what the peer sent at once');
      const dead = await deadPort(env);
      const failure = await AsyncClient.open(env.peerAddresses[0], dead, { stack: env.clientStack }).catch(
        (error: unknown) => error,
      );
      expect(
        failure instanceof Error && 'code' in failure && failure.code === ERR_RST,
        'a TcpError with ERR_RST',
      );
      expect(failure.cause instanceof Error, 'the system’s own error as its cause');
    },
  },
  {
    id: 'L5.everywhere',
    title: 'every method is legal inside every callback',
    async run(env) {
      const server = await env.serve((accepted) => {
        accepted.setAllowHalfOpen(true);
        accepted.onData((_, data) => accepted.write(data));
        accepted.onEnd(() => accepted.close());
      });
      for (const event of ['connect', 'data', 'ack', 'poll', 'end', 'error', 'disconnect']) {
        for (const [name, method] of METHODS) {
          const history = new History(env.client());
          let done = false;
          history.onEvent = (happened) => {
            if (happened === 'connect') begin(history.client, event);
            if (done || !happened.startsWith(event)) return;
            done = true;
            method(history.client, env, history);
          };
          history.client.setAllowHalfOpen(event === 'end');
          history.connect(env.address, server.port());
          await env.until('it is connected', () => history.events.length > 0);
          env.clock.advance(500);
          await env.until(`${name} was called in ${event}`, () => done);
          history.client.close();
          // `connect` in onDisconnect begins a second life, which is refused.
          const lives = name === 'connect' && event === 'disconnect' ? 2 : 1;
          await env.until(
            `it is over, ${name} called in ${event}`,
            () => history.count('disconnect') === lives,
          );
        }
      }
    },
  },
  {
    id: 'L5.reconnect',
    title: 'connect in onDisconnect begins a new life; in onError the old one is not over yet',
    async run(env) {
      const server = await env.serve((accepted) => accepted.close());
      const history = new History(env.client());
      history.onEvent = (event) => {
        if (event === 'disconnect' && history.count('connect') < 3) {
          expectEqual(history.connect(env.address, server.port()), true, 'connect in onDisconnect');
        }
      };
      history.connect(env.address, server.port());
      await env.until('three lives are over', () => history.count('disconnect') === 3);
      expectEqual(
        history.life,
        ['connect', 'disconnect', 'connect', 'disconnect', 'connect', 'disconnect'],
        'lives',
      );
      const failing = new History(env.client());
      const dead = await deadPort(env);
      let inError: boolean | undefined;
      failing.onEvent = (event) => {
        if (event.startsWith('error')) inError = failing.connect(env.peerAddresses[0], dead);
      };
      failing.connect(env.peerAddresses[0], dead);
      await env.until('it is over', () => failing.over);
      expectEqual(inError, false, 'connect in onError');
    },
  },
  {
    id: 'L5.server',
    title: 'a server may end and begin in onClient, and its client may be closed or aborted there',
    async run(env) {
      for (const way of ['end', 'begin again', 'close', 'abort'] as const) {
        let accepted: History | undefined;
        const server = await env.serve((client) => {
          accepted = new History(client);
          if (way === 'end' || way === 'begin again') void server.end();
          if (way === 'begin again') void server.begin();
          if (way === 'close') client.close();
          if (way === 'abort') client.abort();
        });
        const history = new History(env.client());
        history.connect(env.address, server.port());
        await env.until('the client was accepted', () => accepted !== undefined);
        await env.settle();
        expectEqual(
          server.status(),
          way === 'end' ? TcpState.CLOSED : TcpState.LISTEN,
          `status after ${way}`,
        );
        if (way === 'end' || way === 'begin again') {
          expectEqual(history.life, ['connect'], 'the client lives on');
          history.client.close();
        }
        await env.until('both are over', () => history.over && accepted?.over === true);
        await server.end();
      }
    },
  },
  {
    id: 'L6.getters',
    title: 'after the end every getter answers, and the addresses stay the last peer’s',
    async run(env) {
      const never = env.client();
      expectAtRest(never);
      expectEqual(
        [never.remoteIP(), never.remotePort(), never.getRemoteAddress()],
        ['0.0.0.0', 0, 0],
        'no peer yet',
      );
      for (const way of ['close', 'abort'] as const) {
        const { server, client, history } = await linked(env);
        const port = server.port();
        history.onEvent = (event) => {
          if (event.startsWith('error') || event === 'disconnect') expectAtRest(client);
        };
        const localPort = client.localPort();
        expect(localPort > 0, 'a local port');
        client[way]();
        if (way === 'abort') expectAtRest(client);
        await env.until('it is over', () => history.over);
        expectAtRest(client);
        expectEqual([client.remoteIP(), client.remotePort()], [env.address, port], 'the last peer');
        expectEqual([client.localIP(), client.localPort()], [env.clientAddress, localPort], 'this side');
        const isIpv6 = env.address.includes(':');
        expectEqual(client.getRemoteAddress(), isIpv6 ? 0 : wordOf(env.address), 'the address as a number');
        const ends6 = isIpv6 ? [env.address, env.clientAddress] : ['::', '::'];
        expectEqual([client.remoteIP6(), client.localIP6()], ends6, 'the IPv6 ends');
      }
    },
  },
  {
    id: 'L6.known-to-the-stack',
    title: 'a write that finds the peer gone answers as after the end at once, with onError still on its way',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      await peer.reset();
      history.onEvent = (event) => {
        if (event.startsWith('error')) expectAtRest(client);
      };
      for (let turn = 0; turn < 1000; turn += 1) {
        if (history.over) break;
        client.write('x');
        if (client.state() === TcpState.CLOSED) {
          expectAtRest(client);
          expectEqual(client.abort(), ERR_CONN, 'there is nothing to abort');
        }
        await env.settle();
      }
      expectEqual(history.life, ['connect', `error ${ERR_RST}`, 'disconnect'], 'callbacks');
    },
  },
  {
    id: 'L7.exceptions',
    title: 'an exception in a callback aborts that connection and no other, and is uncaught once',
    async run(env) {
      for (const where of ['connect', 'data', 'ack', 'poll', 'end', 'error', 'disconnect']) {
        const server = await env.serve((accepted) => {
          accepted.setAllowHalfOpen(true);
          accepted.onData((_, data) => accepted.write(data));
          accepted.onEnd(() => accepted.close());
        });
        const bystander = new History(env.client());
        bystander.connect(env.address, server.port());
        const history = new History(env.client());
        history.client.setAllowHalfOpen(where === 'end');
        let thrown = false;
        history.onEvent = (event) => {
          if (event === 'connect') begin(history.client, where);
          if (thrown || !event.startsWith(where)) return;
          thrown = true;
          throw new Error(`thrown in ${where}`);
        };
        history.connect(env.address, server.port());
        await env.until('both are connected', () => history.has('connect') && bystander.has('connect'));
        env.clock.advance(500);
        await env.until('the connection is over', () => history.over);
        await env.settle();
        expectEqual(env.takeUncaught().map(String), [`Error: thrown in ${where}`], 'uncaught errors');
        const faults = where === 'disconnect' ? 0 : 1;
        expectEqual(
          history.life.filter((event) => event.startsWith('error')).length,
          faults,
          `onError, ${where}`,
        );
        expectEqual(history.count('disconnect'), 1, 'onDisconnect');
        bystander.client.write('still here');
        await env.until('the other connection works', () => bystander.received === 'still here');
        bystander.client.close();
        await server.end();
      }
    },
  },
  {
    id: 'L7.onClient',
    title: 'an exception in onClient costs that client only',
    async run(env) {
      let count = 0;
      const server = await env.serve((accepted) => {
        count += 1;
        if (count === 1) throw new Error('thrown in onClient');
        accepted.write('welcome');
      });
      const first = new History(env.client());
      first.connect(env.address, server.port());
      await env.until('the first client is over', () => first.over);
      const second = new History(env.client());
      second.connect(env.address, server.port());
      await env.until('the second client is served', () => second.received === 'welcome');
      expectEqual(env.takeUncaught().map(String), ['Error: thrown in onClient'], 'uncaught errors');
    },
  },
  {
    id: 'L8.reuse',
    title: 'nothing of a former life leaks into the next: withheld bytes, packets, options of one connect',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env);
      const packets: Parameters<AsyncClient['ackPacket']>[0][] = [];
      client.onPacket((_, packet) => packets.push(packet));
      await peer.send('withheld');
      await env.until('a packet came', () => packets.length > 0);
      client.add('never sent');
      const space = client.space();
      await peer.reset();
      await env.until('the first life is over', () => history.over);
      const listener = await env.peer.listen();
      history.connect(listener.address, listener.port, { timeoutMs: 5000 });
      const next = await listener.accept();
      await env.until('the second life has begun', () => history.count('connect') === 2);
      expect(client.space() > space, 'the send buffer is empty again');
      expectEqual(client.ack(8), 0, 'nothing is withheld');
      for (const packet of packets) client.ackPacket(packet);
      client.write('new life');
      expectEqual(await next.receive(8), 'new life', 'what the second peer got');
      env.clock.advance(60_000);
      await env.settle();
      expectEqual(history.count('disconnect'), 1, 'the attempt’s timeout is gone');
    },
  },
  {
    id: 'L8.settings',
    title: 'the client’s own settings stay: timeouts, no-delay, handlers',
    async run(env) {
      const { client, history, peer } = await linkedToPeer(env, (fresh) => {
        fresh.setRxTimeout(7);
        fresh.setAckTimeout(1234);
        fresh.setNoDelay(true);
        fresh.setKeepAlive(30_000, 3);
      });
      await peer.close();
      await env.until('the first life is over', () => history.over);
      const listener = await env.peer.listen();
      history.connect(listener.address, listener.port);
      await env.until('the second life has begun', () => history.count('connect') === 2);
      expectEqual(
        [client.getRxTimeout(), client.getAckTimeout(), client.getNoDelay()],
        [7, 1234, true],
        'settings',
      );
      env.clock.advance(7000);
      await env.until('the receive timeout has closed it', () => client.state() !== TcpState.ESTABLISHED);
    },
  },
  {
    id: 'L9.process',
    title: 'when the last client and server have ended, nothing keeps the process alive',
    async run(env) {
      const output = await env.runProgram(`
        const server = new AsyncServer('127.0.0.1', 0);
        server.onClient((accepted) => {
          accepted.onData((_, data) => accepted.write(data));
          accepted.onPoll(() => {});
          accepted.setRxTimeout(60);
        });
        await server.begin();
        const client = await AsyncClient.open('127.0.0.1', server.port(), { timeoutMs: 60000 });
        client.onPoll(() => {});
        client.onData(() => { client.close(); server.end(); });
        client.onDisconnect(() => console.log('over'));
        client.write('x');
        const background = new AsyncServer('127.0.0.1', 0);
        background.unref();
        background.onClient((accepted) => accepted.unref());
        await background.begin();
        (await AsyncClient.open('127.0.0.1', background.port())).unref();
        const attempt = new AsyncClient();
        attempt.connect('127.0.0.1', background.port());
        attempt.close();
      `);
      expectEqual(output.trim(), 'over', 'what the program printed before it ended by itself');
    },
  },
  {
    id: 'L9.given-back',
    title: 'sockets and timers are given back',
    async run(env) {
      await env.settle();
      const before = env.holdings();
      const { server, client, history, acceptedHistory } = await linked(env, (fresh) =>
        fresh.setRxTimeout(60),
      );
      client.write('some');
      client.close();
      await env.until('both are over', () => history.over && acceptedHistory.over);
      await server.end();
      await env.until('nothing is held', () => env.holdings() === before);
    },
  },
  {
    id: 'L10.shared-port',
    title: 'with reusePort a client connects from the port of a server with reusePort, or throws at once',
    async run(env) {
      const { capabilities } = env.clientStack;
      const history = new History(env.client());
      if (!capabilities.connectReusePort) {
        const connect = (): boolean => history.connect(env.address, 80, { localPort: 1234, reusePort: true });
        expectThrows(connect, RangeError, 'reusePort', 'kernel');
        return;
      }
      const options = { stack: env.clientStack, reusePort: true };
      const server = new AsyncServer(env.clientAddress, 0, options);
      const accepted: History[] = [];
      server.onClient((client) => accepted.push(new History(client)));
      await server.begin();
      const from = { localAddress: env.clientAddress, localPort: server.port() };
      const [address] = env.peerAddresses;
      const far = [await env.peer.listen(), await env.peer.listen()];
      // Without the option no other server may listen on the port.
      const refused = new History(env.client());
      refused.connect(address, far[0]?.port ?? 0, from);
      await env.until('it has failed', () => refused.over);
      expectEqual(refused.life, [`error ${ErrorCode.ERR_USE}`, 'disconnect'], 'callbacks without reusePort');
      const histories = far.map(() => new History(env.client()));
      for (const [index, { port }] of far.entries()) {
        calls(() => histories[index]?.connect(address, port, { ...from, reusePort: true }));
      }
      for (const [index, listener] of far.entries()) {
        const peer = await listener.accept();
        await peer.send('hello');
        await env.until('it has the data', () => histories[index]?.received === 'hello');
        expectEqual(histories[index]?.client.localPort(), server.port(), 'the local port');
      }
      const guest = await env.peer.connect(server.port(), { address: env.clientAddress });
      await env.until('the server accepts meanwhile', () => accepted.length === 1);
      accepted[0]?.client.write('welcome');
      expectEqual(await guest.receive(7), 'welcome', 'what the server sent');
      accepted[0]?.client.abort();
      await server.end();
    },
  },
  {
    id: 'L10.arguments',
    title: 'a wrong argument throws at once, names argument, value and range, and changes nothing',
    async run(env) {
      const client = env.client();
      const loose = client as unknown as Record<string, (...values: unknown[]) => unknown>;
      const call =
        (method: string, ...values: unknown[]) =>
        () =>
          loose[method]?.apply(client, values);
      expectThrows(call('connect', '127.0.0.1', 65536), RangeError, 'port', '65536', '0 to 65535');
      expectThrows(call('connect', '127.0.0.1', -1), RangeError, 'port', '-1');
      expectThrows(call('connect', '127.0.0.1', '80'), TypeError, 'port', '"80"');
      expectThrows(call('connect', '', 80), RangeError, 'host', '""');
      expectThrows(call('connect', 'two words', 80), RangeError, 'host', '"two words"');
      expectThrows(call('connect', '1.2.3.4.5', 80), RangeError, 'host', '"1.2.3.4.5"');
      expectThrows(call('connect', undefined, 80), TypeError, 'host', 'undefined');
      expectThrows(call('connect', '127.0.0.1', 80, { timeoutMs: -1 }), RangeError, 'timeoutMs', '-1');
      expectThrows(
        call('connect', '127.0.0.1', 80, { localAddress: 'here' }),
        RangeError,
        'localAddress',
        '"here"',
      );
      expectThrows(call('connect', '127.0.0.1', 80, { localPort: 70000 }), RangeError, 'localPort', '70000');
      expectThrows(call('connect', '127.0.0.1', 80, { family: 5 }), RangeError, 'family', '5', '4 or 6');
      expectThrows(call('connect', '127.0.0.1', 80, { family: 'IPv4' }), TypeError, 'family', '"IPv4"');
      expectThrows(call('connect', '127.0.0.1', 80, { reusePort: 1 }), TypeError, 'reusePort', '1');
      const wrong = env.clientStack.capabilities.connectReusePort ? 'localPort' : 'reusePort';
      expectThrows(call('connect', '127.0.0.1', 80, { reusePort: true }), RangeError, wrong);
      expectThrows(call('connect', '127.0.0.1', 80, { signal: {} }), TypeError, 'signal');
      expectThrows(call('setRxTimeout', -1), RangeError, 'seconds', '-1', '0 to 86400');
      expectThrows(call('setAckTimeout', Number.NaN), RangeError, 'ms', 'NaN');
      expectThrows(call('setAckTimeout', '5'), TypeError, 'ms', '"5"');
      expectThrows(call('setKeepAlive', -5, 3), RangeError, 'ms', '-5');
      expectThrows(call('setNoDelay', 1), TypeError, 'setNoDelay', '1');
      expectThrows(call('add', 42), TypeError, 'data', '42');
      expectThrows(call('write', null), TypeError, 'data', 'null');
      expectThrows(call('write', 'x', 4), RangeError, 'flags', '4', 'no length argument', 'data.subarray');
      expectThrows(call('add', new Uint8Array(18), 18), RangeError, 'flags', '18', 'no length argument');
      expectThrows(call('ack', -1), RangeError, 'bytes', '-1');
      expectThrows(call('ackPacket', {}), TypeError, 'packet');
      expectThrows(call('onData', 'x'), TypeError, 'onData', '"x"');
      expectThrows(
        call('onData', () => undefined, { view: 1 }),
        TypeError,
        'view',
        '1',
      );
      expectThrows(call('drain', { withinMs: -1 }), RangeError, 'withinMs', '-1', '0 to 86400000');
      expectThrows(call('drain', 5), TypeError, 'options', '5');
      expectThrows(call('flushed', { signal: {} }), TypeError, 'signal');
      const windows = '1024 to 1073741824';
      expectThrows(call('connect', '127.0.0.1', 80, { receiveWindow: 1023 }), RangeError, '1023', windows);
      expectThrows(
        call('connect', '127.0.0.1', 80, { receiveWindow: 2 ** 30 + 1 }),
        RangeError,
        'receiveWindow',
        '1073741825',
      );
      expectEqual(
        [client.getRxTimeout(), client.getAckTimeout(), client.getNoDelay()],
        [0, 5000, false],
        'unchanged',
      );
      expectAtRest(client);
      // Well-formed arguments that can never work do not throw.
      expectEqual(client.connect(env.address, 0), false, 'connect to port 0');
      expectEqual(client.connect('127.0.0.1', 80, { localAddress: '::1' }), false, 'connect across families');
      expectEqual(client.connect('127.0.0.1', 80, { family: 6 }), false, 'connect to another family');
      expectEqual(client.connect('::1', 80, { family: 4 }), false, 'connect to another family');
      expectEqual(
        client.connect('name.test', 80, { localAddress: '::1', family: 4 }),
        false,
        'connect from another family',
      );
      expectEqual(client.connect(env.peerAddresses[0], await deadPort(env)), true, 'connect afterwards');
    },
  },
];

/** Returns an IPv4 address as a number, most significant byte first. */
function wordOf(address: string): number {
  return address.split('.').reduce((word, byte) => word * 256 + Number(byte), 0);
}

/** Checks the answers of a client without a connection. */
function expectAtRest(client: AsyncClient): void {
  expectEqual(client.state(), TcpState.CLOSED, 'state');
  expectEqual(client.stateToString(), 'Closed', 'state in words');
  const flags = [client.connecting(), client.connected(), client.disconnecting(), client.disconnected()];
  expectEqual(flags, [false, false, false, true], 'connecting, connected, disconnecting, disconnected');
  expectEqual(
    [client.free(), client.freeable(), client.canSend()],
    [true, true, false],
    'free, freeable, canSend',
  );
  expectEqual(
    [client.space(), client.add('x'), client.write('x'), client.getMss()],
    [0, 0, 0, 0],
    'space, add, write, mss',
  );
  expectEqual([client.send(), client.ack(1), client.shutdown()], [false, 0, ERR_CONN], 'send, ack, shutdown');
  client.ackLater();
}

/** Causes the event that a case waits for. */
function begin(client: AsyncClient, event: string): void {
  if (event === 'data' || event === 'ack') client.write('ping');
  if (event === 'end') client.shutdown();
  if (event === 'error') client.abort();
  if (event === 'disconnect') client.close();
}

const METHODS: readonly [string, (client: AsyncClient, env: Env, history: History) => void][] = [
  ['close', (client) => client.close()],
  ['stop', (client) => client.stop()],
  ['abort', (client) => client.abort()],
  [
    'close and abort',
    (client) => {
      client.close();
      client.abort();
    },
  ],
  ['shutdown', (client) => client.shutdown()],
  ['connect', (_, env, history) => history.connect(env.address, 1)],
  ['write', (client) => client.write('more')],
  [
    'add and send',
    (client) => {
      client.add('more');
      client.send();
    },
  ],
  [
    'ackLater and ack',
    (client) => {
      client.ackLater();
      client.ack(1000);
    },
  ],
  [
    'settings',
    (client) => {
      client.setRxTimeout(3);
      client.setAckTimeout(3);
      client.setNoDelay(true);
    },
  ],
  [
    'keep-alive',
    (client) => {
      client.setKeepAlive(1000, 2);
      client.unref();
      client.ref();
    },
  ],
  [
    'handlers',
    (client) => {
      client.onData(undefined);
      client.onPoll(undefined);
      client.onAck(undefined);
    },
  ],
  [
    'getters',
    (client) => {
      client.space();
      client.state();
      client.getMss();
      client.remoteIP();
      client.localIP6();
    },
  ],
];
