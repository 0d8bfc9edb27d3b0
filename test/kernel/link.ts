/**
 * Links that stay up, with real peers: a cable that is pulled is noticed in time, a slow peer is not dropped,
 * and one that does not read is.
 */
import assert from 'node:assert/strict';
import { LinkKeeper, type LinkOptions } from 'asynctcp/gateway';
import type { PythonSocket } from '../peers/python-peer.js';
import type { Scenario } from './scenario.js';
import { ADDRESS, type World } from './world.js';

/** Time by which a loss may come behind a timer of the given time, in milliseconds: the two have no order. */
const SLACK_MS = 1000;

interface Watched {
  readonly link: LinkKeeper;
  readonly peer: PythonSocket;
  readonly port: number;
  /** Reasons for which the link went down, and the times. */
  readonly downs: { readonly reason: string; readonly atMs: number }[];
}

/** Resolves to a link that is up, to the foreign peer. */
async function watched(
  world: World,
  options: LinkOptions,
  listening: { readonly receiveBuffer?: number } = {},
): Promise<Watched> {
  const listener = await world.peer.listen(listening);
  const { stack } = world;
  const link = new LinkKeeper(ADDRESS, listener.port, { stack, keepAlive: { ms: 0 }, ...options });
  const downs: Watched['downs'] = [];
  link.onDown(({ reason }) => {
    downs.push({ reason, atMs: performance.now() });
  });
  link.start();
  const peer = await listener.accept();
  await world.until('the link is up', () => link.state === 'up');
  return { link, peer, port: listener.port, downs };
}

/**
 * Waits for the loss, and checks its reason, and that it comes no earlier than `leastMs` after this call and
 * before a timer of `withinMs` fires.
 */
async function noticed(
  world: World,
  { link, downs }: Watched,
  expected: { readonly reason: string; readonly withinMs: number; readonly leastMs: number },
): Promise<void> {
  const startMs = performance.now();
  let isLate = false;
  const timer = setTimeout(() => (isLate = true), expected.withinMs + SLACK_MS);
  await world.until('the loss is noticed', () => downs.length > 0);
  clearTimeout(timer);
  const [{ reason, atMs } = assert.fail()] = downs;
  const tookMs = atMs - startMs;
  assert.equal(reason, expected.reason, link.report().lastFailure?.text);
  assert.ok(tookMs >= expected.leastMs, `noticed after ${tookMs} ms`);
  assert.equal(isLate, false, `noticed after ${tookMs} of ${expected.withinMs} ms`);
}

/** Fills the send buffer, and again whenever there is space. */
function flood({ link }: Watched): void {
  const { client } = link;
  assert.ok(client !== undefined);
  const fill = (): void => {
    while (client.canSend()) client.write(new Uint8Array(Math.min(client.space(), 50_000)));
  };
  client.onAck(fill);
  fill();
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a cable pulled with bytes in flight is noticed within ackTimeoutMs, and the link comes back',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await watched(world, { ackTimeoutMs: 2000, backoff: { firstMs: 50, capMs: 100 } });
      const { link, port } = linked;
      const heal = await world.cut(`tcp dport ${port}`, `tcp sport ${port}`);
      link.client?.write('anybody?');
      await noticed(world, linked, { reason: 'ackTimeout', withinMs: 2000, leastMs: 1740 });
      await heal();
      await world.until('the link is up again', () => link.state === 'up');
      await link.end({ client: 'abort' });
      assert.deepEqual(world.stack.holdings().timers, 0);
    },
  },
  {
    title: 'a cable pulled under an idle link is noticed by its keep-alive probes',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await watched(world, { keepAlive: { ms: 1000, count: 2 } });
      await world.cut(`tcp dport ${linked.port}`, `tcp sport ${linked.port}`);
      // A second of silence, then two probes a second apart, and the wait for the last one.
      await noticed(world, linked, { reason: 'ERR_TIMEOUT', withinMs: 3000, leastMs: 500 });
      await linked.link.end({ client: 'abort' });
    },
  },
  {
    title: 'a cable pulled under a link is noticed by rxTimeoutS, without a wait for the close',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await watched(world, { rxTimeoutS: 1.5, ackTimeoutMs: 0 });
      await world.cut(`tcp dport ${linked.port}`, `tcp sport ${linked.port}`);
      linked.link.client?.write('anybody?');
      // At most a quarter late, while bytes are in flight.
      await noticed(world, linked, { reason: 'rxTimeout', withinMs: 1875, leastMs: 1000 });
      await linked.link.end({ client: 'abort' });
    },
  },
  {
    title:
      'a slow peer is not dropped, also for the shortest ackTimeoutMs; a stalled one is, by stalledWriteMs',
    needs: ['python3'],
    async run(world) {
      const options = { ackTimeoutMs: 1000, stalledWriteMs: 4000 };
      const linked = await watched(world, options, { receiveBuffer: 20_000 });
      flood(linked);
      // The window, about 20 KB, opens every now and then, and is closed for longer than ackTimeoutMs.
      for (let round = 0; round < 3; round += 1) {
        await linked.peer.receive(40_000);
        await pause(2500);
        assert.deepEqual(linked.downs, [], 'the slow peer is kept');
      }
      await noticed(world, linked, { reason: 'stalledWrite', withinMs: 4000, leastMs: 0 });
      assert.match(linked.link.report().lastFailure?.text ?? '', /the peer does not read$/);
      await linked.link.end({ client: 'abort' });
    },
  },
  {
    title: 'a cable pulled under a peer that does not read is noticed by ackTimeoutMs, before stalledWriteMs',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const options = { ackTimeoutMs: 1000, stalledWriteMs: 60_000 };
      const linked = await watched(world, options, { receiveBuffer: 20_000 });
      flood(linked);
      await pause(700);
      assert.deepEqual(linked.downs, []);
      await world.cut(`tcp dport ${linked.port}`, `tcp sport ${linked.port}`);
      // Silent for seven eighths of the whole wait, of which 700 ms had passed.
      await noticed(world, linked, { reason: 'ackTimeout', withinMs: 5600, leastMs: 0 });
      await linked.link.end({ client: 'abort' });
    },
  },
];

/** Lets time pass in which the behaviour that is shown must not change. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
