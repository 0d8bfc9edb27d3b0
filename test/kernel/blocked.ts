/**
 * The monitor's verdicts with real peers: a firewall drops the packets of the connection, the peer's program
 * is stopped and its kernel's buffer fills, or the program of this side does not read.
 */
import assert from 'node:assert/strict';
import { AsyncClient, kernelStack, nodeStack, type TcpStack } from 'asynctcp';
import { startMonitor, type Blockage, type ConnectionFigures, type Monitor } from 'asynctcp/monitor';
import type { Scenario } from './scenario.js';
import { ADDRESS, type World } from './world.js';

const SEED = 7;
const PIECE = new Uint8Array(65_536);
/** Receive buffer of a peer that is soon full. */
const SMALL = { receiveBuffer: 4096 };
/** Seconds that a verdict must not come in. */
const WATCHED_S = 6;

interface Watched {
  readonly monitor: Monitor;
  readonly client: AsyncClient;
  readonly port: number;
  readonly peer: Awaited<ReturnType<World['linked']>>['peer'];
  /** Returns the figures of the client. */
  readonly figures: () => ConnectionFigures;
}

/** Connects a client without handlers to the foreign peer, under a monitor. */
async function watched(
  world: World,
  listening: { receiveBuffer?: number } = {},
  stack: TcpStack = world.stack,
): Promise<Watched> {
  const monitor = startMonitor();
  const listener = await world.peer.listen(listening);
  const { client } = world.client(stack);
  client.onAck(undefined);
  client.onTimeout(undefined);
  client.connect(ADDRESS, listener.port);
  const peer = await listener.accept();
  await world.until('it is connected', () => client.connected());
  const figures = (): ConnectionFigures => {
    const [found] = monitor.snapshot().connections;
    assert.ok(found !== undefined);
    return found;
  };
  return { monitor, client, port: listener.port, peer, figures };
}

/** Writes as much as there is space for. */
function fill(client: AsyncClient): void {
  while (client.write(PIECE) > 0);
}

async function becomes(
  world: World,
  { figures }: Watched,
  blocked: Blockage | null,
): Promise<ConnectionFigures> {
  await world.until(`the verdict is ${String(blocked)}`, () => figures().blocked === blocked);
  return figures();
}

/** Lets seconds pass, with work in each of them. Returns the verdicts. */
async function verdicts({ monitor, figures }: Watched, work: () => void): Promise<Set<Blockage | null>> {
  const seen = new Set<Blockage | null>();
  for (let second = 0; second < WATCHED_S; second += 1) {
    await new Promise<void>((resolve) => {
      const remove = monitor.onSecond(() => {
        remove();
        resolve();
      });
    });
    seen.add(figures().blocked);
    work();
  }
  return seen;
}

const SENDING: readonly Scenario[] = [
  {
    title: 'whose peer is stopped: the peer does not read, until it goes on',
    needs: ['python3'],
    async run(world) {
      const link = await watched(world, SMALL);
      await link.peer.facts();
      world.peer.stop();
      fill(link.client);
      const stuck = await becomes(world, link, 'peer does not read');
      assert.ok(Number(stuck.peerWindow) < 4096, `the peer’s window is ${String(stuck.peerWindow)}`);
      assert.ok(stuck.unacknowledged > 0 && stuck.oldestUnacknowledgedMs >= 2000);
      assert.equal(typeof stuck.roundTripMs, 'number');
      world.peer.goOn();
      const draining = link.peer.drain(SEED);
      await becomes(world, link, null);
      link.client.close();
      await draining;
      assert.deepEqual(
        link.monitor.events().map(({ kind }) => kind),
        ['block', 'unblock'],
      );
    },
  },
  {
    title: 'whose packets are dropped: the peer does not answer, until they pass',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const link = await watched(world);
      const heal = await world.cut(`tcp dport ${link.port}`, `tcp sport ${link.port}`);
      link.client.write('lost');
      const stuck = await becomes(world, link, 'peer does not answer');
      assert.equal(stuck.unacknowledged, 4);
      assert.ok(Number(stuck.heardAgoMs) >= 2000);
      assert.ok(Number(stuck.retransmissions) > 0);
      assert.ok(link.monitor.history().some(({ retransmissions }) => retransmissions > 0));
      await heal();
      await becomes(world, link, null);
    },
  },
  {
    title: 'whose peer vanishes behind its closed window: the verdict changes',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const link = await watched(world, SMALL);
      await link.peer.facts();
      world.peer.stop();
      fill(link.client);
      await becomes(world, link, 'peer does not read');
      await world.cut(`tcp dport ${link.port}`);
      await becomes(world, link, 'peer does not answer');
    },
  },
  {
    title: 'is none whose peer reads a little each second',
    needs: ['python3'],
    async run(world) {
      const link = await watched(world, { receiveBuffer: 65_536 });
      fill(link.client);
      const seen = await verdicts(link, () => {
        void link.peer.receive(65_536).catch(() => undefined);
        fill(link.client);
      });
      assert.deepEqual([...seen], [null]);
      assert.ok(link.figures().unacknowledged > 0, 'bytes wait all the time');
    },
  },
  {
    title: 'on the stack node: it is not known which of the two, unless the peer sends',
    needs: ['python3'],
    async run(world) {
      const link = await watched(world, SMALL, nodeStack());
      // The kernel takes some megabytes for the peer.
      const isStuck = (): boolean => {
        fill(link.client);
        return link.figures().blocked === 'peer takes nothing';
      };
      await world.until('the verdict is that the peer takes nothing', isStuck);
      const stuck = link.figures();
      assert.deepEqual([stuck.peerWindow, stuck.heardAgoMs, stuck.roundTripMs], [null, null, null]);
      link.client.onData(() => undefined);
      await link.peer.send('alive');
      await becomes(world, link, 'peer does not read');
    },
  },
];

function notReading(name: string, stack: () => TcpStack): readonly Scenario[] {
  return [
    {
      title: `whose program is paused on ${name}: the program does not read, until it resumes`,
      needs: ['python3'],
      async run(world) {
        const link = await watched(world, {}, stack());
        link.client.onData(() => undefined);
        link.client.pause();
        assert.deepEqual([...(await verdicts(link, () => undefined))], [null], 'while nothing comes');
        const sending = link.peer.sendPattern(SEED, 1_000_000);
        const stuck = await becomes(world, link, 'program does not read');
        assert.deepEqual([stuck.paused, stuck.unacknowledged], [true, 0]);
        link.client.resume();
        await becomes(world, link, null);
        await sending;
      },
    },
    {
      title: `whose program keeps what it got on ${name}: the program does not read, until it acknowledges`,
      needs: ['python3'],
      async run(world) {
        const link = await watched(world, {}, stack());
        let held = 0;
        link.client.onData((client, data) => {
          client.ackLater();
          held += data.length;
        });
        const sending = link.peer.sendPattern(SEED, 1_000_000);
        const stuck = await becomes(world, link, 'program does not read');
        assert.deepEqual([stuck.withheld, stuck.paused], [held, false]);
        link.client.onData(() => undefined);
        link.client.ack(held);
        await becomes(world, link, null);
        await sending;
      },
    },
  ];
}

export const SCENARIOS: readonly Scenario[] = [
  ...SENDING,
  ...notReading('kernel', () => kernelStack()),
  ...notReading('node', () => nodeStack()),
];
