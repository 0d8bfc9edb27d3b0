/**
 * D7 and T3 with real peers: acknowledgements are those of the peer's TCP, not of this machine's. A firewall
 * drops the packets of the connection, or the peer's program is stopped and its kernel's buffer fills.
 */
import assert from 'node:assert/strict';
import { ErrorCode, type KernelStackOptions } from 'asynctcp';
import { pattern } from '../contract/pattern.js';
import type { Scenario } from './scenario.js';
import { ADDRESS, kernelEnd, kernelSockets, type Linked, type World } from './world.js';
import { heldBy } from '../support/stacks.js';

const SEED = 7;

/** Writes `bytes` bytes of the pattern, from `from` on. There must be space for them. */
function write({ client }: Linked, from: number, bytes: number): { readonly atMs: number } {
  const piece = pattern(SEED, from, bytes);
  const atMs = performance.now();
  assert.equal(client.write(piece), bytes, 'bytes taken');
  return { atMs };
}

function timeouts({ history }: Linked): number {
  return history.events.filter((event) => event.startsWith('timeout')).length;
}

/** Returns the events of the connection's life without its timeouts. */
function life({ history }: Linked): string[] {
  return history.life.filter((event) => !event.startsWith('timeout'));
}

async function moreTimeouts(world: World, linked: Linked, count: number): Promise<void> {
  const enough = timeouts(linked) + count;
  await world.until(`${count} more onTimeout`, () => timeouts(linked) >= enough);
}

/** Waits for a retransmission in vain: by then everything that passes the firewall has been acknowledged. */
async function retries(world: World, { client, listener }: Linked): Promise<void> {
  const localPort = client.localPort();
  await world.until('sent again in vain', () => kernelEnd(localPort, listener.port).retries > 0);
}

/** Removes the handlers for acknowledgements. */
function deafen({ client }: Linked): void {
  client.onTimeout(undefined);
  client.onAck(undefined);
}

const BEFORE = 10_000;
/** Connects, and sends `BEFORE` bytes that the peer acknowledges. */
async function begun(world: World, options?: KernelStackOptions): Promise<Linked> {
  const linked = await world.linked(options);
  write(linked, 0, BEFORE);
  await world.until('what was sent before is acknowledged', () => linked.history.acked === BEFORE);
  return linked;
}

/** Closes, and checks that the peer receives `bytes` bytes and a FIN. */
async function endsWhole(world: World, linked: Linked, bytes: number): Promise<void> {
  linked.client.close();
  const arrived = await linked.peer.drain(SEED);
  assert.deepEqual(arrived, { bytes, matches: true, end: 'fin' });
  await linked.peer.close();
  await world.until('it is over', () => linked.history.over);
  assert.equal(linked.history.acked, bytes, 'all is acknowledged');
  assert.deepEqual(life(linked), ['connect', 'disconnect']);
}

/**
 * Fills the send buffer, again whenever bytes are acknowledged. Returns a function that counts the bytes
 * taken.
 */
function fill({ client, history }: Linked): () => number {
  let taken = 0;
  const go = (): void => {
    while (client.canSend()) taken += client.write(pattern(SEED, taken, Math.min(client.space(), 50_000)));
  };
  history.onEvent = (event) => {
    if (event === 'ack') go();
  };
  go();
  return () => taken;
}

const CUT_OFF: readonly Scenario[] = [
  {
    title: 'while the firewall drops everything, nothing is acknowledged; then all of it is, and has arrived',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener } = linked;
      const space = client.space();
      const heal = await world.cut(`tcp dport ${listener.port}`, `tcp sport ${listener.port}`);
      write(linked, BEFORE, 50_000);
      await moreTimeouts(world, linked, 3);
      assert.equal(history.acked, BEFORE, 'bytes acknowledged');
      assert.equal(client.space(), space - 50_000, 'space');
      assert.equal((await linked.peer.facts()).arrived, BEFORE, 'bytes that have arrived');
      const tooEarly = history.events.filter((event) => /^timeout \d?\d(\.|$)/.test(event));
      assert.deepEqual(tooEarly, [], 'timeouts of less than 100 ms');
      await heal();
      await world.until('the rest is acknowledged', () => history.acked === BEFORE + 50_000);
      assert.equal(client.space(), space, 'space afterwards');
      await endsWhole(world, linked, BEFORE + 50_000);
    },
  },
  {
    title: 'bytes that have arrived and whose acknowledgement is lost are not acknowledged',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener, peer } = linked;
      const space = client.space();
      const heal = await world.cut(`tcp sport ${listener.port}`);
      write(linked, BEFORE, 20_000);
      await moreTimeouts(world, linked, 2);
      assert.equal((await peer.facts()).arrived, BEFORE + 20_000, 'bytes that have arrived');
      assert.deepEqual([history.acked, client.space()], [BEFORE, space - 20_000], 'acknowledged, and space');
      await heal();
      await world.until('the rest is acknowledged', () => history.acked === BEFORE + 20_000);
      await endsWhole(world, linked, BEFORE + 20_000);
    },
  },
  {
    title: 'what was acknowledged before the cut is reported to the byte',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener, peer } = linked;
      const space = client.space();
      // The peer reads all the time. In the middle of the transfer the firewall begins to drop packets.
      const draining = peer.drain(SEED);
      const heal = await world.cut(`tcp dport ${listener.port} quota over 200000 bytes`);
      write(linked, BEFORE, 1_000_000);
      await retries(world, linked);
      await moreTimeouts(world, linked, 1);
      const { arrived } = await peer.facts();
      assert.ok(arrived > BEFORE && arrived < BEFORE + 200_000, `${arrived} bytes have arrived`);
      assert.equal(history.acked, arrived, 'bytes acknowledged');
      assert.equal(client.space(), space - (BEFORE + 1_000_000 - arrived), 'space');
      await heal();
      await world.until('the rest is acknowledged', () => history.acked === BEFORE + 1_000_000);
      client.close();
      assert.deepEqual(await draining, { bytes: BEFORE + 1_000_000, matches: true, end: 'fin' });
    },
  },
  {
    title: 'space() without onAck counts what the peer has acknowledged',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await world.linked();
      const { client, listener, peer } = linked;
      deafen(linked);
      const space = client.space();
      const heal = await world.cut(`tcp dport ${listener.port} quota over 100000 bytes`);
      const draining = peer.drain(SEED);
      write(linked, 0, 500_000);
      await retries(world, linked);
      const { arrived } = await peer.facts();
      assert.equal(client.space(), space - 500_000 + arrived, 'space');
      await heal();
      await world.until('all is acknowledged', () => client.space() === space);
      client.close();
      assert.deepEqual(await draining, { bytes: 500_000, matches: true, end: 'fin' });
    },
  },
  {
    title: 'the time that onAck reports is at least that for which the firewall stood',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener } = linked;
      const times: number[] = [];
      client.onAck((_, bytes, timeMs) => {
        history.acked += bytes;
        times.push(timeMs);
      });
      const heal = await world.cut(`tcp dport ${listener.port}`);
      const { atMs } = write(linked, BEFORE, 1000);
      await moreTimeouts(world, linked, 1);
      const healedMs = performance.now();
      await heal();
      await world.until('the rest is acknowledged', () => history.acked === BEFORE + 1000);
      assert.ok((times[0] ?? 0) >= healedMs - atMs, `${times.join()} ms, held ${healedMs - atMs} ms`);
      assert.ok((times[0] ?? 0) <= performance.now() - atMs, `${times.join()} ms`);
    },
  },
];

const ENDING: readonly Scenario[] = [
  {
    title: 'close() while cut off: the client stays until the peer has acknowledged, and gets onTimeout',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener } = linked;
      const heal = await world.cut(`tcp dport ${listener.port}`);
      write(linked, BEFORE, 5000);
      client.close();
      await moreTimeouts(world, linked, 2);
      assert.deepEqual(life(linked), ['connect'], 'callbacks while closing');
      assert.equal(history.acked, BEFORE, 'bytes acknowledged');
      await heal();
      await endsWhole(world, linked, BEFORE + 5000);
    },
  },
  {
    title: 'close() while cut off lasts until the peer has acknowledged, also without onAck',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const linked = await begun(world);
      const { client, history, listener, peer } = linked;
      const localPort = client.localPort();
      const heal = await world.cut(`tcp dport ${listener.port}`);
      deafen(linked);
      write(linked, BEFORE, 5000);
      client.close();
      await world.until('sent again in vain', () => kernelEnd(localPort, listener.port).retries > 1);
      assert.deepEqual(history.life, ['connect'], 'callbacks while closing');
      assert.equal((await peer.facts()).arrived, BEFORE, 'bytes that have arrived');
      await heal();
      assert.deepEqual(await peer.drain(SEED), { bytes: BEFORE + 5000, matches: true, end: 'fin' });
      await world.until('it is over', () => history.over);
      assert.deepEqual(history.life, ['connect', 'disconnect']);
    },
  },
  {
    title:
      'close() while cut off for longer than the close timeout ends with a reset, with and without onAck',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      for (const isDeaf of [false, true]) {
        const linked = await begun(world, { closeTimeoutMs: 1000 });
        const { client, history, listener } = linked;
        const localPort = client.localPort();
        const heal = await world.cut(`tcp dport ${listener.port}`);
        if (isDeaf) deafen(linked);
        write(linked, BEFORE, 5000);
        client.close();
        await world.until('it is over', () => history.over);
        assert.deepEqual(life(linked), ['connect', `error ${ErrorCode.ERR_TIMEOUT}`, 'disconnect']);
        assert.equal(history.acked, BEFORE, 'bytes acknowledged');
        const ours = kernelSockets(localPort).filter((socket) => socket.localPort === localPort);
        assert.deepEqual(ours, [], 'sockets of ours');
        await heal();
      }
    },
  },
  {
    title: 'abort() while cut off, closing or not, ends it at once and leaves no socket',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      for (const closes of [true, false]) {
        const linked = await begun(world);
        const { client, history, listener, peer } = linked;
        const localPort = client.localPort();
        const heal = await world.cut(`tcp dport ${listener.port}`);
        write(linked, BEFORE, 500_000);
        if (closes) client.close();
        await moreTimeouts(world, linked, 1);
        client.abort();
        const ours = kernelSockets(localPort).filter((socket) => socket.localPort === localPort);
        assert.deepEqual(ours, [], 'sockets of ours');
        assert.equal(history.over, false, 'no callback from inside abort()');
        await world.until('it is over', () => history.over);
        assert.deepEqual(life(linked), ['connect', `error ${ErrorCode.ERR_ABRT}`, 'disconnect']);
        assert.equal(history.acked, BEFORE, 'bytes acknowledged');
        await heal();
        // The firewall dropped the reset. The peer gets another one when it sends.
        assert.equal((await peer.receive(BEFORE)).length, BEFORE);
        await peer.send('still there?');
        assert.deepEqual((await peer.drain()).end, 'reset');
      }
    },
  },
  {
    title:
      'connect() to a peer that is cut off ends by timeoutMs, by close() and by abort(), and leaves nothing',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const listener = await world.peer.listen();
      await world.cut(`tcp dport ${listener.port}`);
      const histories = [0, 1, 2].map(() => world.client());
      const [timed, closed, aborted] = histories;
      timed?.connect(ADDRESS, listener.port, { timeoutMs: 50 });
      closed?.connect(ADDRESS, listener.port);
      aborted?.connect(ADDRESS, listener.port);
      const waiting = (): number =>
        kernelSockets(listener.port).filter(({ state }) => state === 'SYN_SENT').length;
      await world.until('one is over', () => timed?.over === true);
      await world.until('the other two go on trying', () => waiting() === 2);
      closed?.client.close();
      aborted?.client.abort();
      await world.until('all are over', () => histories.every(({ over }) => over));
      assert.deepEqual(
        histories.map(({ events }) => events),
        [
          [`error ${ErrorCode.ERR_TIMEOUT}`, 'disconnect'],
          ['disconnect'],
          [`error ${ErrorCode.ERR_ABRT}`, 'disconnect'],
        ],
      );
      assert.equal(waiting(), 0, 'connections that are tried');
      assert.equal(heldBy(world.stack), 0, 'held by the stack');
    },
  },
];

const STOPPED: readonly Scenario[] = [
  {
    title: 'of a peer whose program is stopped, what its kernel took is acknowledged, and not a byte more',
    needs: ['python3'],
    async run(world) {
      const capacity = 300_000;
      const linked = await world.linked({ sendBufferBytes: capacity }, { receiveBuffer: 20_000 });
      const { client, history, peer, listener } = linked;
      const { receiveBuffer } = await peer.facts();
      world.peer.stop();
      const taken = fill(linked);
      await moreTimeouts(world, linked, 3);
      assert.equal(client.space(), 0, 'space');
      const { unread } = kernelEnd(listener.port, client.localPort());
      assert.ok(unread > 0 && unread <= receiveBuffer, `${unread} bytes of ${receiveBuffer} are there`);
      assert.equal(history.acked, unread, 'bytes acknowledged');
      assert.equal(taken(), capacity + unread, 'bytes taken');
      await moreTimeouts(world, linked, 1);
      assert.deepEqual([client.space(), history.acked], [0, unread], 'space and acknowledged, later');
      history.onEvent = () => undefined;
      world.peer.goOn();
      const draining = peer.drain(SEED);
      await world.until('all is acknowledged', () => history.acked === capacity + unread);
      assert.equal(client.space(), capacity, 'space at the end');
      client.close();
      assert.deepEqual(await draining, { bytes: taken(), matches: true, end: 'fin' });
      await peer.close();
      await world.until('it is over', () => history.over);
      assert.deepEqual(life(linked), ['connect', 'disconnect']);
    },
  },
  {
    title: 'the time that onAck reports is at least that for which the peer’s program stood still',
    needs: ['python3'],
    async run(world) {
      const linked = await world.linked(undefined, { receiveBuffer: 4096 });
      const { client, history, peer } = linked;
      const draining = peer.drain(SEED);
      await peer.facts();
      let lastMs = 0;
      client.onAck((_, bytes, timeMs) => {
        history.acked += bytes;
        lastMs = timeMs;
      });
      world.peer.stop();
      const { atMs } = write(linked, 0, 500_000);
      await moreTimeouts(world, linked, 1);
      assert.ok(history.acked < 500_000, 'the peer’s kernel does not take all of it');
      const wentOnMs = performance.now();
      world.peer.goOn();
      await world.until('all is acknowledged', () => history.acked === 500_000);
      assert.ok(lastMs >= wentOnMs - atMs, `${lastMs} ms, held ${wentOnMs - atMs} ms`);
      client.close();
      assert.deepEqual(await draining, { bytes: 500_000, matches: true, end: 'fin' });
    },
  },
  {
    title: 'close() towards a peer whose program is stopped waits until it goes on',
    needs: ['python3'],
    async run(world) {
      const linked = await world.linked(undefined, { receiveBuffer: 4096 });
      const { client, history, peer } = linked;
      await peer.facts();
      world.peer.stop();
      write(linked, 0, 500_000);
      client.close();
      await moreTimeouts(world, linked, 2);
      assert.deepEqual(life(linked), ['connect'], 'callbacks while closing');
      assert.ok(history.acked < 500_000, 'the peer’s kernel does not take all of it');
      world.peer.goOn();
      assert.deepEqual(await peer.drain(SEED), { bytes: 500_000, matches: true, end: 'fin' });
      await world.until('it is over', () => history.over);
      assert.equal(history.acked, 500_000, 'bytes acknowledged');
    },
  },
];

export const SCENARIOS: readonly Scenario[] = [...CUT_OFF, ...ENDING, ...STOPPED];
