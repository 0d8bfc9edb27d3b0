/**
 * M2 on the kernel's TCP: shortages of descriptors, places in the accept queue, ports, addresses and buffers.
 * Established connections continue in each of them.
 */
import assert from 'node:assert/strict';
import { AsyncServer, ErrorCode, kernelStack, TcpState } from 'asynctcp';
import { History } from '../contract/history.js';
import { pattern, PatternReader } from '../contract/pattern.js';
import { descriptorLinks } from '../support/descriptors.js';
import type { Scenario } from './scenario.js';
import { ADDRESS, kernelSockets, type World } from './world.js';
import { heldBy } from '../support/stacks.js';

/** Collects the callbacks of an attempt, and the system call and code in the cause of its error. */
function failures(history: History): { readonly events: readonly string[]; readonly causes: string[] } {
  const causes: string[] = [];
  history.client.onError((_, code, cause) => {
    history.events.push(`error ${code}`);
    const { syscall, code: name } = cause as { syscall?: string; code?: string };
    causes.push(`${syscall ?? 'no call'} ${name ?? 'no code'}`);
  });
  return { events: history.events, causes };
}

async function fails(
  world: World,
  history: History,
  host: string,
  port: number,
  code: number,
  cause: string,
): Promise<void> {
  const { events, causes } = failures(history);
  history.connect(host, port);
  await world.until('it has failed', () => history.over);
  assert.deepEqual([events, causes], [[`error ${code}`, 'disconnect'], [cause]]);
}

async function connects(world: World, history: History, host: string, port: number): Promise<void> {
  history.connect(host, port);
  await world.until('it is connected', () => history.has('connect'));
}

/** Blocks the thread, as a program in an endless loop does, until the kernel's state meets the condition. */
function block(what: string, condition: () => boolean): void {
  const deadlineMs = performance.now() + 30_000;
  while (!condition()) if (performance.now() > deadlineMs) throw new Error(`blocked in vain until ${what}`);
}

const DESCRIPTORS: readonly Scenario[] = [
  {
    title: 'out of descriptors: connect() gets EMFILE, who comes is turned away, what stands goes on',
    needs: ['python3', 'prlimit'],
    async run(world) {
      const listener = await world.peer.listen();
      const heartbeat = await world.startHeartbeat();
      const accepted: History[] = [];
      const server = await world.serve((client) => accepted.push(new History(client)));
      for (let round = 0; round < 2; round += 1) {
        const before = accepted.length;
        const giveBack = await world.starve();
        try {
          await world.expectBeats(heartbeat);
          await fails(world, world.client(), ADDRESS, listener.port, ErrorCode.ERR_MEM, 'socket EMFILE');
          for (let count = 0; count < 3; count += 1) {
            const turnedAway = await world.peer.connect(server.port());
            assert.equal((await turnedAway.drain()).end, 'reset', 'how the peer is turned away');
          }
          assert.equal(server.status(), TcpState.LISTEN);
          await world.expectBeats(heartbeat);
        } finally {
          await giveBack();
        }
        await connects(world, world.client(), ADDRESS, listener.port);
        await world.peer.connect(server.port());
        await world.until('the next is accepted', () => accepted.length === before + 1);
        await world.expectBeats(heartbeat);
      }
    },
  },
  {
    title: 'without even the one descriptor to turn peers away with, they wait, and are accepted later',
    needs: ['python3', 'prlimit'],
    async run(world) {
      const heartbeat = await world.startHeartbeat();
      const accepted: History[] = [];
      const server = await world.serve((client) => {
        accepted.push(new History(client));
        client.write('welcome');
      });
      await world.peer.listen();
      const peers = [];
      for (let round = 1; round <= 2; round += 1) {
        // All descriptors below this limit are in use and stay so.
        const giveBack = await world.limitDescriptors(3);
        try {
          for (let count = 0; count < 5; count += 1) peers.push(await world.peer.connect(server.port()));
          await world.expectBeats(heartbeat);
          assert.equal(accepted.length, 5 * (round - 1), 'accepted during it');
        } finally {
          await giveBack();
        }
        for (const peer of peers.slice(-5)) assert.equal(await peer.receive(7), 'welcome');
        assert.equal(accepted.length, 5 * round, 'accepted afterwards');
      }
      // The reserve descriptor is there again: in the next shortage peers are turned away.
      const giveBack = await world.starve();
      try {
        const turnedAway = await world.peer.connect(server.port());
        assert.equal((await turnedAway.drain()).end, 'reset', 'how the peer is turned away');
      } finally {
        await giveBack();
      }
      await world.expectBeats(heartbeat);
    },
  },
];

const QUEUES: readonly Scenario[] = [
  {
    title: 'a server whose task was blocked while its queue was full serves all that wait',
    needs: ['python3'],
    async run(world) {
      const heartbeat = await world.startHeartbeat();
      const accepted: History[] = [];
      const server = await world.serve(
        (client) => {
          accepted.push(new History(client));
          client.onData((_, data) => client.write(data));
        },
        { backlog: 1 },
      );
      // Linux keeps one more than the backlog.
      const connecting = Array.from({ length: 6 }, () => world.peer.connect(server.port()));
      block('the queue is full', () =>
        kernelSockets(server.port()).some(({ state, unread }) => state === 'LISTEN' && unread === 2),
      );
      assert.equal(accepted.length, 0, 'accepted while it was blocked');
      const peers = await Promise.all(connecting);
      for (const [index, peer] of peers.entries()) {
        await peer.send(`I am ${index}`);
        assert.equal(await peer.receive(6), `I am ${index}`);
      }
      await world.until('all are accepted', () => accepted.length === peers.length);
      await world.expectBeats(heartbeat);
    },
  },
  {
    title:
      'towards a peer whose queue is full, timeoutMs ends the attempt with ERR_TIMEOUT, and nothing is left',
    needs: ['python3'],
    async run(world) {
      const heartbeat = await world.startHeartbeat();
      const listener = await world.peer.listen({ backlog: 0 });
      await listener.goSilent();
      const descriptors = descriptorLinks().length;
      const stack = kernelStack();
      const attempts = Array.from({ length: 20 }, () => world.client(stack));
      for (const attempt of attempts) attempt.connect(ADDRESS, listener.port, { timeoutMs: 100 });
      const trying = (): number =>
        kernelSockets(listener.port).filter(({ state }) => state === 'SYN_SENT').length;
      await world.until('all are trying', () => trying() === attempts.length);
      await world.until('all are over', () => attempts.every(({ over }) => over));
      for (const { events } of attempts) {
        assert.deepEqual(events, [`error ${ErrorCode.ERR_TIMEOUT}`, 'disconnect']);
      }
      assert.deepEqual(
        [trying(), descriptorLinks().length, heldBy(stack)],
        [0, descriptors, 0],
        'attempts, descriptors and what the stack holds',
      );
      await world.expectBeats(heartbeat);
    },
  },
];

const PORTS: readonly Scenario[] = [
  {
    title: 'out of local ports: connect() gets EADDRNOTAVAIL as ERR_BUF, and one that ends makes room',
    ownNetwork: true,
    needs: ['python3'],
    async run(world) {
      const heartbeat = await world.startHeartbeat();
      const [listener, other] = [await world.peer.listen(), await world.peer.listen()];
      world.setKernel('ipv4/ip_local_port_range', '61000 61003');
      const standing = Array.from({ length: 4 }, () => world.client());
      for (const history of standing) await connects(world, history, ADDRESS, listener.port);
      const [first] = standing;
      assert.ok(first !== undefined);
      for (const localAddress of [undefined, ADDRESS]) {
        const late = world.client();
        const { events, causes } = failures(late);
        late.connect(ADDRESS, listener.port, localAddress === undefined ? {} : { localAddress });
        await world.until('it has failed', () => late.over);
        assert.deepEqual(
          [events, causes],
          [[`error ${ErrorCode.ERR_BUF}`, 'disconnect'], ['connect EADDRNOTAVAIL']],
        );
      }
      // The ports are only in use towards this peer.
      await connects(world, world.client(), ADDRESS, other.port);
      for (const history of standing) history.client.write('still here');
      const arrived = standing.map(async () => (await listener.accept()).receive(10));
      assert.deepEqual(new Set(await Promise.all(arrived)), new Set(['still here']));
      await world.expectBeats(heartbeat);
      first.client.abort();
      await connects(world, world.client(), ADDRESS, listener.port);
    },
  },
  {
    title: 'a local port that is taken, by anyone or towards this peer, is ERR_USE',
    // In another network no socket in TIME_WAIT of another program has the port.
    ownNetwork: true,
    needs: ['python3'],
    async run(world) {
      const listener = await world.peer.listen();
      const late = async (localPort: number): Promise<void> => {
        const history = world.client();
        const { events, causes } = failures(history);
        history.connect(ADDRESS, listener.port, { localPort });
        await world.until('it has failed', () => history.over);
        assert.deepEqual(events, [`error ${ErrorCode.ERR_USE}`, 'disconnect']);
        seen.push(...causes);
      };
      const seen: string[] = [];
      const standing = world.client();
      await connects(world, standing, ADDRESS, listener.port);
      const localPort = standing.client.localPort();
      await late(localPort);
      standing.client.abort();
      // Clients that choose their local port may share it, but not towards the same peer.
      const chooses = world.client();
      chooses.connect(ADDRESS, listener.port, { localPort });
      await world.until('it is connected', () => chooses.has('connect'));
      await late(localPort);
      assert.deepEqual(seen, ['bind EADDRINUSE', 'connect EADDRNOTAVAIL']);
    },
  },
];

const ADDRESSES: readonly Scenario[] = [
  {
    title: 'without IPv6 a server without an address listens on IPv4, and an IPv6 address has no route',
    ownNetwork: true,
    usesIpv6: true,
    needs: ['python3'],
    async run(world) {
      world.setKernel('ipv6/conf/all/disable_ipv6', '1');
      const server = new AsyncServer(0, { stack: world.stack });
      server.onClient((accepted) => {
        accepted.write(accepted.remoteIP());
        void server.end();
      });
      await server.begin();
      const port = server.port();
      const peer = await world.peer.connect(port);
      assert.equal(await peer.receive(9), ADDRESS);
      const late = world.client();
      const { events, causes } = failures(late);
      late.connect('::1', port);
      await world.until('it has failed', () => late.over);
      assert.deepEqual(events, [`error ${ErrorCode.ERR_RTE}`, 'disconnect'], causes.join());
      const deaf = new AsyncServer(0, { stack: world.stack, address: '::1' });
      await assert.rejects(deaf.begin(), { code: ErrorCode.ERR_VAL });
    },
  },
  {
    title: 'a route that is not there, and one that refuses, are ERR_RTE with the system’s error',
    ownNetwork: true,
    usesIpv6: true,
    needs: ['python3'],
    async run(world) {
      const heartbeat = await world.startHeartbeat();
      await world.ip('route', 'add', 'unreachable', '192.0.2.0/25');
      await world.ip('route', 'add', 'prohibit', '192.0.2.128/25');
      const { ERR_RTE } = ErrorCode;
      await fails(world, world.client(), '198.51.100.1', 80, ERR_RTE, 'connect ENETUNREACH');
      await fails(world, world.client(), '192.0.2.1', 80, ERR_RTE, 'connect EHOSTUNREACH');
      await fails(world, world.client(), '192.0.2.200', 80, ERR_RTE, 'connect EACCES');
      await fails(world, world.client(), '2001:db8::1', 80, ERR_RTE, 'connect ENETUNREACH');
      await world.expectBeats(heartbeat);
    },
  },
];

const BUFFERS: readonly Scenario[] = [
  {
    title: 'with the smallest buffers that the kernel gives, every byte arrives, both ways at once',
    ownNetwork: true,
    needs: ['python3'],
    async run(world) {
      for (const name of ['ipv4/tcp_wmem', 'ipv4/tcp_rmem']) world.setKernel(name, '4096 4096 4096');
      const heartbeat = await world.startHeartbeat();
      const bytes = 1_000_000;
      const { client, history, peer } = await world.linked();
      const reader = new PatternReader(1);
      client.onData((_, data) => {
        reader.take(data);
      });
      let taken = 0;
      const go = (): void => {
        while (taken < bytes && client.canSend()) {
          taken += client.write(pattern(2, taken, Math.min(33_333, bytes - taken)));
        }
      };
      history.onEvent = (event) => {
        if (event === 'ack') go();
      };
      const sending = peer.sendPattern(1, bytes);
      go();
      const text = await Promise.all([receiveWhole(peer, bytes), sending]);
      assert.deepEqual(text[0], { bytes, matches: true });
      await world.until('all has come', () => reader.bytes === bytes);
      assert.ok(reader.matches, 'what came is what was sent');
      await world.until('all is acknowledged', () => history.acked === bytes);
      // The kernel takes few of the bytes at once; the others are sent before the FIN.
      history.onEvent = () => undefined;
      assert.equal(client.write(pattern(3, 0, 300_000)), 300_000);
      client.close();
      assert.deepEqual(await peer.drain(3), { bytes: 300_000, matches: true, end: 'fin' });
      await world.expectBeats(heartbeat);
    },
  },
];

async function receiveWhole(
  peer: { receive(bytes: number): Promise<string> },
  bytes: number,
): Promise<{ readonly bytes: number; readonly matches: boolean }> {
  const reader = new PatternReader(2);
  while (reader.bytes < bytes) {
    const text = await peer.receive(Math.min(65_536, bytes - reader.bytes));
    if (text === '') break;
    reader.take(Buffer.from(text, 'latin1'));
  }
  return { bytes: reader.bytes, matches: reader.matches };
}

export const SCENARIOS: readonly Scenario[] = [...DESCRIPTORS, ...QUEUES, ...PORTS, ...ADDRESSES, ...BUFFERS];
