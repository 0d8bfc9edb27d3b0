/** The monitor's counts over random lives of many connections, in virtual time, and what it keeps of them. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { AsyncClient, AsyncServer, memoryStack, type MemoryStack } from 'asynctcp';
import { startMonitor, type Monitor } from 'asynctcp/monitor';
import { Random } from '../support/random.js';

const ADDRESS = '127.0.0.1';
const PORT = 7007;
const SEEDS = [1, 2, 3, 4];
const STEPS = 2000;
const MOST_CLIENTS = 40;
/** Of the server: some connections are refused. */
const MOST_PLACES = 3;
/** Connections after which the memory must not have grown. */
const CROWD = 10_000;
const AT_ONCE = 100;

let monitor: Monitor | undefined;

afterEach(() => {
  monitor?.end();
});

/** The program's own counts. */
class Counts {
  opened = 0;
  closed = 0;
  sent = 0;
  received = 0;
}

class Lives {
  readonly #random: Random;
  readonly #stack: MemoryStack;
  readonly counts = new Counts();
  readonly clients = new Set<AsyncClient>();
  #heal: (() => void) | undefined;

  constructor(random: Random, stack: MemoryStack) {
    this.#random = random;
    this.#stack = stack;
  }

  /** Watches a client that is connected. */
  watch(client: AsyncClient): void {
    const { counts } = this;
    counts.opened += 1;
    this.clients.add(client);
    client.onDisconnect(() => {
      counts.closed += 1;
      this.clients.delete(client);
    });
    client.onData((_, data) => {
      counts.received += data.length;
    });
  }

  connect(): void {
    const client = new AsyncClient({ stack: this.#stack });
    client.onConnect(() => {
      this.watch(client);
    });
    client.connect(ADDRESS, this.#random.isOneIn(10) ? PORT + 1 : PORT);
  }

  /** Does something to one of the clients, or to the network. */
  step(): void {
    const random = this.#random;
    const all = [...this.clients];
    const client = all[random.whole(0, Math.max(0, all.length - 1))];
    if (client === undefined && this.#heal !== undefined) {
      this.#cutOrHeal();
      return;
    }
    if (client === undefined || (all.length < MOST_CLIENTS && random.isOneIn(3))) {
      this.connect();
      return;
    }
    const acts: readonly [() => void, ...(() => void)[]] = [
      () => (this.counts.sent += client.write(random.bytes(random.size(20_000)))),
      () => (this.counts.sent += client.write(random.bytes(random.size(20_000)))),
      () => client.pause(),
      () => client.resume(),
      () => client.close(),
      () => client.abort(),
      () => void client.drain({ withinMs: 1000 }),
      () => {
        this.#cutOrHeal();
      },
    ];
    random.pick(acts)();
  }

  #cutOrHeal(): void {
    this.#heal?.();
    this.#heal = this.#heal === undefined ? this.#stack.cut({ port: PORT }) : undefined;
  }
}

describe('the counts of the monitor', () => {
  for (const seed of SEEDS) {
    it(`are exact over random lives, seed ${seed}`, async () => {
      const random = new Random(seed);
      const stack = memoryStack();
      monitor = startMonitor({ clock: stack.clock });
      const lives = new Lives(random, stack);
      let last = monitor.snapshot().totals;
      monitor.onSecond(() => (last = startMonitor().snapshot().totals));
      const { counts } = lives;
      const server = new AsyncServer(ADDRESS, PORT, { stack, maxClients: MOST_PLACES });
      server.onClient((client) => {
        lives.watch(client);
      });
      await server.begin();
      for (let step = 0; step < STEPS; step += 1) {
        lives.step();
        await stack.settle();
        if (random.isOneIn(10)) await stack.run(random.whole(1, 3000));
        const { totals, connections } = monitor.snapshot();
        assert.equal(totals.accepted + totals.connected, counts.opened, 'opened');
        assert.equal(totals.closed, counts.closed, 'closed');
        assert.deepEqual([totals.connections, connections.length], [lives.clients.size, lives.clients.size]);
        assert.deepEqual([totals.bytesOut, totals.bytesIn], [counts.sent, counts.received], 'bytes');
      }
      await server.end({ clients: 'abort' });
      for (const client of lives.clients) client.abort();
      await stack.run(1000);
      const { totals, connections, listeners } = monitor.snapshot();
      assert.deepEqual([totals.closed, connections, listeners[0]?.clients], [counts.opened, [], 0]);
      assert.ok(
        totals.refused > 0 && totals.errors > 0,
        `${totals.refused} refused, ${totals.errors} errors`,
      );
      const history = monitor.history();
      const sum = (of: 'accepts' | 'closes' | 'bytesIn' | 'bytesOut' | 'errors' | 'refused'): number =>
        history.reduce((total, second) => total + second[of], 0);
      assert.ok(history.length < 900, 'the history has it all');
      assert.deepEqual([sum('accepts'), sum('closes')], [last.accepted + last.connected, last.closed]);
      assert.deepEqual([sum('bytesIn'), sum('bytesOut')], [last.bytesIn, last.bytesOut]);
      assert.deepEqual([sum('errors'), sum('refused')], [last.errors, last.refused]);
    });
  }
});

describe('the memory of the monitor', () => {
  it(`does not grow with the connections that are over, ${CROWD} of them`, async () => {
    const stack = memoryStack();
    monitor = startMonitor({ clock: stack.clock });
    const server = new AsyncServer(ADDRESS, PORT, { stack });
    server.onClient((client) => {
      client.onData(() => undefined);
    });
    await server.begin();
    const sizes: number[] = [];
    for (let made = 0; made < CROWD; made += AT_ONCE) {
      const clients = Array.from({ length: AT_ONCE }, () => new AsyncClient({ stack }));
      for (const client of clients) client.connect(ADDRESS, PORT);
      await stack.settle();
      for (const client of clients) client.write('x');
      await stack.run(1000);
      for (const client of clients) client.abort();
      await stack.run(1000);
      sizes.push(JSON.stringify([monitor.snapshot(), monitor.events().length]).length);
    }
    const { totals, connections, errors } = monitor.snapshot();
    assert.deepEqual([totals.accepted, totals.connected, totals.closed], [CROWD, CROWD, 2 * CROWD]);
    assert.deepEqual([connections, errors[0]?.count], [[], CROWD]);
    assert.ok(Math.max(...sizes) < 4096, `${Math.max(...sizes)} characters of figures`);
    await server.end();
  });
});
