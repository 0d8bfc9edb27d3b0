/** Virtual time in a program of promises. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import nodesCrypto, { randomBytes, randomFill, randomFillSync, randomInt, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { checkDeterminism } from '#src/sim/check-determinism.js';
import type { Host } from '#src/sim/host.js';
import { MOST_TIME_MS } from '#src/sim/event-loop.js';
import { Network, type NetworkOptions } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';

function hosts(network: Network): readonly [Host, Host] {
  return [network.host('a', { address: '10.0.0.1' }), network.host('b', { address: '10.0.0.2' })];
}

/** Two clients that answer each other as long as there is time. */
function pingPong(network: Network, delayMs: number): void {
  const [a, b] = hosts(network);
  network.link(a, b, { delayMs });
  const server = new AsyncServer(80, { stack: b.stack });
  server.onClient((client) => {
    client.onData((_, data) => void client.write(data));
  });
  void server.begin();
  const client = new AsyncClient({ stack: a.stack });
  client.onConnect(() => void client.write('ping'));
  client.onData((_, data) => void client.write(data));
  client.connect('b', 80);
}

/** Runs until there is an error, and returns it. */
async function failureOf(run: PromiseLike<unknown>): Promise<SimulationError> {
  try {
    await run;
  } catch (error) {
    assert.ok(error instanceof SimulationError);
    return error;
  }
  throw new assert.AssertionError({ message: 'the run has not failed' });
}

describe('run', () => {
  it('ends exactly after its time, the last instant included', async () => {
    const network = new Network({ seed: 1 });
    const seen: number[] = [];
    for (const ms of [0, 10, 20, 20.000001]) network.at(ms, () => seen.push(ms));
    await network.run(20);
    assert.deepEqual([network.nowMs, seen], [20, [0, 10, 20]]);
    await network.run(1);
    assert.deepEqual([network.nowMs, seen.length], [21, 4]);
  });

  it('runs ticks, microtasks and immediates of a handler before the time moves', async () => {
    const network = new Network({ seed: 1 });
    const seen: string[] = [];
    const note = (what: string): void => void seen.push(`${what} at ${network.nowMs}`);
    network.at(1, () => {
      process.nextTick(() => note('tick'));
      void Promise.resolve().then(() => note('microtask'));
      setImmediate(() => {
        note('immediate');
        setImmediate(() => note('second immediate'));
      });
    });
    network.at(1, () => note('next event'));
    network.at(2, () => note('later'));
    await network.run(5);
    assert.deepEqual(seen, [
      'tick at 1',
      'microtask at 1',
      'next event at 1',
      'immediate at 1',
      'second immediate at 1',
      'later at 2',
    ]);
  });

  it('lets a program sleep and wait in virtual time', async () => {
    const network = new Network({ seed: 1 });
    const waited = new Promise<number>((resolve) => {
      network.at(5, () => {
        network.at(network.nowMs + 36_000_000, () => resolve(network.nowMs));
      });
    });
    assert.equal(await network.runUntil(waited, { limitMs: 1e9 }), 36_000_005);
  });

  it('rejects with the error of a handler, of a tick and of a promise, with time, seed and command', async () => {
    const faults: (() => void)[] = [
      () => {
        throw new TypeError('thrown');
      },
      () =>
        process.nextTick(() => {
          throw new TypeError('thrown');
        }),
      () => void Promise.reject(new TypeError('thrown')),
    ];
    for (const fault of faults) {
      const network = new Network({ seed: 42, command: 'repeat me' });
      network.at(3, fault);
      const error = await failureOf(network.run(10));
      assert.match(error.message, /^thrown\n {2}at 3 ms of virtual time, seed 42; repeat: repeat me$/);
      assert.ok(error.cause instanceof TypeError);
      assert.deepEqual([error.failure, error.timeMs, error.seed], ['threw', 3, 42]);
      await network.run(1);
    }
  });

  it('rejects with the error of a handler of AsyncClient', async () => {
    const network = new Network({ seed: 1 });
    const [a, b] = hosts(network);
    network.link(a, b, { delayMs: 1 });
    const server = new AsyncServer(80, { stack: b.stack });
    server.onClient(() => {
      throw new TypeError('in a handler');
    });
    void server.begin();
    new AsyncClient({ stack: a.stack }).connect('b', 80);
    assert.match((await failureOf(network.run(100))).message, /^in a handler\n {2}at 3 ms/);
  });

  it('cannot be nested', async () => {
    const network = new Network({ seed: 1 });
    network.at(1, () => {
      assert.throws(() => network.run(1), /the network runs already/);
      assert.throws(() => {
        network.runSync(1);
      }, /the network runs already/);
    });
    await network.run(2);
  });

  it('stops the time for what is real', async () => {
    const network = new Network({ seed: 1 });
    const read = new Promise<[number, number]>((resolve) => {
      network.at(7, () => {
        const path = fileURLToPath(import.meta.url);
        void network.live(readFile(path)).then((bytes) => {
          resolve([network.nowMs, bytes.length]);
        });
      });
    });
    network.at(8, () => undefined);
    const [atMs, length] = await network.runUntil(read);
    assert.equal(atMs, 7);
    assert.ok(length > 0);
  });

  it('fails when an instant does not end, and names the hosts', async () => {
    const network = new Network({ seed: 1, mostEventsAtOneInstant: 1000 });
    pingPong(network, 0);
    const error = await failureOf(network.run(1));
    assert.equal(error.failure, 'busy');
    const [text] = error.message.split('\n');
    const help = 'give the link a delay, or raise mostEventsAtOneInstant';
    assert.equal(text, `more than 1000 events at one instant: a, b; ${help}`);
  });
});

describe('the limit of events at one instant', () => {
  it('counts anew in each run', async () => {
    const network = new Network({ seed: 1, mostEventsAtOneInstant: 1000 });
    let left = 3000;
    const again = (): void => {
      left -= 1;
      if (left > 0) network.at(0, again);
    };
    network.at(0, again);
    assert.equal((await failureOf(network.run(1))).failure, 'busy');
    // About a thousand are left: the next run is not busy.
    await network.run(1);
    assert.equal(left, 0);
    for (let count = 0; count < 2000; count += 1) {
      const soon = new Promise<void>((resolve) => {
        network.at(0, resolve);
      });
      await network.runUntil(soon);
    }
  });
});

describe('runUntil', () => {
  it('fails at once when nothing is left that could happen', async () => {
    const network = new Network({ seed: 1 });
    network.at(5, () => undefined);
    const error = await failureOf(network.runUntil(new Promise(() => undefined)));
    assert.deepEqual([error.failure, error.timeMs], ['stuck', 5]);
  });

  it('shows what each connection waits for when nothing is left', async () => {
    const network = new Network({ seed: 1 });
    const [a, b] = hosts(network);
    network.link(a, b);
    const server = new AsyncServer(80, { stack: b.stack });
    server.onClient((client) => {
      client.onData(() => undefined);
    });
    void server.begin();
    const client = new AsyncClient({ stack: a.stack });
    client.connect('b', 80);
    const error = await failureOf(network.runUntil(new Promise(() => undefined)));
    assert.equal(error.failure, 'stuck');
    assert.match(error.message, /\n {2}a: 10\.0\.0\.1\.\d+ > 10\.0\.0\.2\.80 ESTABLISHED: for the peer\n/);
  });

  it('runs up to the end of time without a limit', async () => {
    const network = new Network({ seed: 1 });
    await network.run(MOST_TIME_MS - 1);
    const late = new Promise((resolve) => {
      network.at(MOST_TIME_MS, () => {
        resolve('late');
      });
    });
    assert.equal(await network.runUntil(late), 'late');
    assert.throws(() => network.run(1), /^RangeError: ms must end by /);
  });

  it('ends when its promise is settled, also while live() waits for something else', async () => {
    const network = new Network({ seed: 1 });
    let end: (() => void) | undefined;
    const slow = network.live(new Promise<void>((resolve) => (end = resolve)));
    let isOver = false;
    void slow.then(() => (isOver = true));
    await network.runUntil(readFile(fileURLToPath(import.meta.url)));
    await assert.rejects(network.runUntil(readFile('/nowhere')), /ENOENT/);
    assert.equal(isOver, false);
    end?.();
    await slow;
  });

  it('fails at its limit', async () => {
    const network = new Network({ seed: 1 });
    pingPong(network, 10);
    const error = await failureOf(network.runUntil(new Promise(() => undefined), { limitMs: 1000 }));
    assert.deepEqual([error.failure, error.timeMs], ['limit', 1000]);
  });

  it('passes a rejection on', async () => {
    const network = new Network({ seed: 1 });
    const error = await failureOf(network.runUntil(Promise.reject(new TypeError('no'))));
    assert.match(error.message, /^no\n/);
  });
});

describe('runSync', () => {
  it('runs no microtask', () => {
    const network = new Network({ seed: 1 });
    let isDrained = false;
    network.at(1, () => void Promise.resolve().then(() => (isDrained = true)));
    network.at(2, () => assert.equal(isDrained, false));
    network.runSync(10);
    assert.deepEqual([network.nowMs, isDrained], [10, false]);
  });
});

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

describe('checkDeterminism', () => {
  const program = async (network: Network): Promise<void> => {
    pingPong(network, 10);
    await network.run(500);
  };

  it('counts the packets of a program that repeats, also with shuffled ties', async () => {
    assert.ok((await checkDeterminism(program, { seed: 1 })) > 50);
    const options: NetworkOptions = { seed: 1, ties: 'shuffled' };
    assert.ok((await checkDeterminism(program, options)) > 50);
  });

  it('ends globals that the program leaves installed, also when it fails', async () => {
    const real = Date;
    const leaves = async (network: Network): Promise<void> => {
      network.installGlobals();
      await network.run(1);
    };
    assert.equal(await checkDeterminism(leaves, { seed: 1 }), 0);
    assert.equal(Date, real);
    const fails = async (network: Network): Promise<void> => {
      await leaves(network);
      throw new Error('too cold');
    };
    await assert.rejects(checkDeterminism(fails, { seed: 1 }), /too cold/);
    assert.equal(Date, real);
    using own = new Network({ seed: 2 }).installGlobals();
    assert.ok(own);
    await assert.rejects(checkDeterminism(leaves, { seed: 1 }), /installed already/);
    assert.notEqual(Date, real);
  });

  it('says what differs in the words of the layer', async () => {
    const differing = async (change: (client: AsyncClient, round: number) => void): Promise<string> => {
      let round = 0;
      const program = async (network: Network): Promise<void> => {
        round += 1;
        const [a, b] = hosts(network);
        network.link(a, b, { delayMs: 10 });
        const server = new AsyncServer(80, { stack: b.stack });
        server.onClient((client) => client.onData(() => undefined));
        await server.begin();
        const client = await network.runUntil(AsyncClient.open('b', 80, { stack: a.stack }));
        change(client, round);
        await network.run(100);
      };
      const text = await checkDeterminism(program, { seed: 1 }).then(String, String);
      return text.split('\n').at(-1) ?? '';
    };
    assert.equal(
      await differing((client, round) => client.write(`HTTP/1.1 200 OK\r\nDate: Thu, 0${round} Jan\r\n`)),
      '  their data differ from byte 30 on: "…1.1 200 OK\\r\\nDate: Thu, 01 Jan\\r\\n" and "…1.1 200 OK\\r\\nDate: Thu, 02 Jan\\r\\n"',
    );
    assert.equal(
      await differing((client, round) => client.write('a'.repeat(round))),
      '  their data differ from byte 2 on: "a" and "aa"',
    );
    assert.equal(
      await differing((client, round) => {
        if (round === 2) client.abort();
        else client.close();
      }),
      '  their data are the same; they differ in the header of TCP',
    );
  });

  it('shows the first packet that differs', async () => {
    let round = 0;
    const differs = async (network: Network): Promise<void> => {
      round += 1;
      const [a, b] = hosts(network);
      network.link(a, b, { delayMs: 10 });
      network.at(round * 5, () => void new AsyncClient({ stack: a.stack }).connect('b', 80));
      await network.run(100);
    };
    await assert.rejects(checkDeterminism(differs, { seed: 1 }), (error: Error) => {
      const lines = error.message.split('\n');
      assert.equal(lines[0], 'two runs with seed 1 differ from packet 1 on:');
      assert.match(lines[1] ?? '', /^ {2}first: {2}0\.005000 a > b/);
      assert.match(lines[2] ?? '', /^ {2}second: 0\.010000 a > b/);
      return true;
    });
  });
});
