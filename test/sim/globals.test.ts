/** The runtime's timers, time of day and chance, played by a network. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import nodesCrypto, { randomBytes, randomFill, randomFillSync, randomInt, randomUUID } from 'node:crypto';
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Network } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';

describe('globals of a network', () => {
  it('are those of virtual time and chance, and end with their scope', async () => {
    const play = async (): Promise<unknown[]> => {
      const network = new Network({ seed: 3, epochMs: Date.UTC(2030, 0, 1) });
      const seen: unknown[] = [];
      {
        using globals = network.installGlobals();
        assert.ok(globals);
        const program = async (): Promise<void> => {
          setTimeout((word: string) => seen.push(word, Date.now()), 500, 'timeout');
          const interval = setInterval(() => seen.push('interval'), 200);
          await sleep(700);
          clearInterval(interval);
          seen.push(new Date().toISOString(), performance.now(), Math.random());
          seen.push(crypto.getRandomValues(new Uint8Array(4)).join());
          await new Promise(setImmediate);
          const signal = AbortSignal.timeout(100);
          await assert.rejects(sleep(1000, undefined, { signal }), { name: 'AbortError' });
          seen.push(network.nowMs);
        };
        await network.runUntil(program());
      }
      return seen;
    };
    const first = await play();
    assert.deepEqual(first, await play());
    assert.deepEqual(first.slice(0, 8), [
      'interval',
      'interval',
      'timeout',
      Date.UTC(2030, 0, 1) + 500,
      'interval',
      '2030-01-01T00:00:00.700Z',
      700,
      first[7],
    ]);
    assert.equal(first.at(-1), 800);
    assert.ok(Date.now() < Date.UTC(2029, 0, 1) || new Date().getFullYear() >= 2029);
  });
});

describe('chance of installed globals', () => {
  /** Draws by each function that is replaced. */
  async function draw(network: Network): Promise<unknown[]> {
    using globals = network.installGlobals();
    assert.ok(globals);
    const words = new Uint16Array(4);
    randomFillSync(words, 1, 2);
    const filled = new ArrayBuffer(4);
    Reflect.apply(randomFillSync, undefined, [filled]);
    const later = Promise.all([
      promisify(randomBytes)(4),
      promisify(randomFill)(new Uint8Array(4)),
      new Promise((resolve) => {
        randomInt(5, 10, (_, value) => {
          resolve(value);
        });
      }),
    ]);
    return [
      ...[crypto.randomUUID(), randomUUID(), randomBytes(8), randomInt(1000), randomInt(-5, 5)],
      ...[words, nodesCrypto.getRandomValues(new Uint8Array(4)), new Uint8Array(filled)],
      ...(await network.runUntil(later)),
    ];
  }

  it('is that of the seed, with the types of Node', async () => {
    const drawn = await draw(new Network({ seed: 1 }));
    assert.deepEqual(drawn, await draw(new Network({ seed: 1 })));
    const others = await draw(new Network({ seed: 2 }));
    for (const index of [0, 1, 2, 3, 5, 6, 7, 8, 9]) assert.notDeepEqual(drawn[index], others[index]);
    const [web, nodes, bytes, least, around, words] = drawn;
    for (const id of [web, nodes]) {
      assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    assert.ok(Buffer.isBuffer(bytes) && bytes.length === 8);
    assert.ok(Number(least) >= 0 && Number(least) < 1000 && Number(around) >= -5 && Number(around) < 5);
    assert.ok(words instanceof Uint16Array && words[0] === 0 && words[3] === 0);
    assert.notEqual(randomBytes(8).toString('hex'), bytes.toString('hex'));
  });

  it('draws each number of a range', () => {
    using globals = new Network({ seed: 1 }).installGlobals();
    assert.ok(globals);
    const seen = new Set(Array.from({ length: 1000 }, () => randomInt(-2, 3)));
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [-2, -1, 0, 1, 2],
    );
    assert.ok(randomInt(2 ** 47) > 2 ** 31);
    for (const args of [[0], [5, 5], [5, 4], [0.5], [2 ** 48]] as const) {
      assert.throws(() => Reflect.apply(randomInt, undefined, args), RangeError);
    }
    assert.throws(() => randomBytes(-1), RangeError);
    assert.throws(() => randomFillSync(new Uint8Array(2), 3), RangeError);
    assert.throws(() => crypto.getRandomValues(new Uint8Array(65_537)));
    const floats: unknown = new Float32Array(2);
    assert.throws(() => crypto.getRandomValues(floats as Uint8Array<ArrayBuffer>));
  });
});

describe('timers of installed globals', () => {
  it('run their callbacks in the stores with which they were set', async () => {
    const network = new Network({ seed: 1 });
    const stores = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    using globals = network.installGlobals();
    assert.ok(globals);
    stores.run('mine', () => {
      setTimeout(() => seen.push(stores.getStore()), 5);
      setImmediate(() => seen.push(stores.getStore()));
    });
    await network.run(10);
    assert.deepEqual(seen, ['mine', 'mine']);
  });

  it('leave the timers of before to the runtime, and end with their signal', async () => {
    const network = new Network({ seed: 1 });
    const before = setTimeout(() => undefined, 60_000);
    const controller = new AbortController();
    let count = 0;
    {
      using globals = network.installGlobals();
      assert.ok(globals);
      clearTimeout(before);
      const program = async (): Promise<void> => {
        for await (const tick of every(10, 1, { signal: controller.signal })) {
          count += tick;
          if (count === 3) setTimeout(() => controller.abort(), 5);
        }
      };
      await assert.rejects(network.runUntil(program()), /aborted/);
    }
    assert.deepEqual(
      [network.nowMs, count, 'hasRef' in before && Reflect.get(before, '_destroyed')],
      [35, 3, true],
    );
  });

  it('count anew when they are refreshed, unless they are cleared', async () => {
    const network = new Network({ seed: 1 });
    const seen: string[] = [];
    using globals = network.installGlobals();
    assert.ok(globals);
    const [once, cleared] = ['once', 'cleared'].map((name) =>
      setTimeout(() => seen.push(`${name} at ${network.nowMs}`), 5),
    );
    clearTimeout(cleared);
    cleared?.refresh();
    await network.run(3);
    once?.refresh();
    await network.run(7);
    once?.refresh();
    await network.run(10);
    assert.deepEqual(seen, ['once at 8', 'once at 15']);
  });

  it('can be cleared by their numbers', async () => {
    const network = new Network({ seed: 1 });
    const seen: string[] = [];
    using globals = network.installGlobals();
    assert.ok(globals);
    const timers = ['number', 'text', 'late'].map((name) => setTimeout(() => seen.push(name), 5));
    const every = setInterval(() => seen.push('interval'), 2);
    const [number, text, late] = timers.map((timer) => Number(timer));
    const ofEvery = Number(every);
    clearTimeout(number);
    clearTimeout(String(text));
    await network.run(5);
    clearInterval(ofEvery);
    clearTimeout(late);
    await network.run(10);
    assert.deepEqual(seen, ['interval', 'interval', 'late']);
  });

  it('repeat at their interval, however slowly a program reads them', async () => {
    const network = new Network({ seed: 1 });
    const seen: number[] = [];
    using globals = network.installGlobals();
    assert.ok(globals);
    const program = async (): Promise<void> => {
      for await (const value of every(100, 'tick')) {
        assert.equal(value, 'tick');
        seen.push(network.nowMs);
        if (seen.length === 6) break;
        await sleep(seen.length === 2 ? 250 : 20);
      }
    };
    await network.runUntil(program());
    assert.deepEqual(seen, [100, 200, 450, 470, 500, 600]);
    await assert.rejects(network.runUntil(new Promise(() => undefined)), /nothing is left/);
  });

  it('run immediates without a run', async () => {
    const network = new Network({ seed: 1 });
    using globals = network.installGlobals();
    assert.ok(globals);
    await new Promise(setImmediate);
    assert.equal((await promisify(randomBytes)(4)).length, 4);
    assert.equal(network.nowMs, 0);
  });

  it('refuse what is no function, at once', () => {
    using globals = new Network({ seed: 1 }).installGlobals();
    assert.ok(globals);
    assert.throws(() => Reflect.apply(setTimeout, undefined, ['text', 1]), TypeError);
  });

  it('belong to one network at a time', () => {
    const real = Date;
    const globals = new Network({ seed: 1 }).installGlobals();
    assert.throws(() => new Network({ seed: 2 }).installGlobals(), SimulationError);
    globals[Symbol.dispose]();
    globals[Symbol.dispose]();
    assert.equal(Date, real);
    new Network({ seed: 2 }).installGlobals()[Symbol.dispose]();
  });
});
