/** Virtual time in a program of promises. */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { MOST_TIME_MS } from '#src/sim/event-loop.js';
import { Network } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';
import { hosts, pingPong } from './ping-pong.js';

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

  it('ends exactly after a time whose product with a million is rounded', async () => {
    const network = new Network({ seed: 1 });
    await network.run(2.007);
    assert.equal(network.nowMs, 2.007);
    network.runSync(0.003);
    assert.equal(network.nowMs, 2.01);
  });

  it('lets a job and a timer happen that are due at its end, at any nanosecond', () => {
    for (let ns = 1; ns < 100_000_000_000; ns = 3 * ns + 1) {
      const network = new Network({ seed: 1 });
      let happened = 0;
      network.runSync(ns / 1e6);
      using globals = network.installGlobals();
      assert.ok(globals);
      for (const ms of [1, 5, 250, 4503]) {
        happened = 0;
        network.at(network.nowMs + ms, () => (happened += 1));
        setTimeout(() => (happened += 1), ms);
        network.runSync(ms);
        assert.equal(happened, 2, `${ms} ms after ${network.nowMs - ms} ms`);
      }
    }
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

/** Returns the turns of the runtime that several networks take, each with a job each millisecond. */
async function turnsOf(networks: number): Promise<number> {
  let turns = 0;
  const hook = createHook({ init: (_, type) => void (turns += type === 'Immediate' ? 1 : 0) }).enable();
  const runs = Array.from({ length: networks }, (_, seed) => {
    const network = new Network({ seed });
    for (let ms = 1; ms <= 100; ms += 1) network.at(ms, () => undefined);
    return network.run(100);
  });
  await Promise.all(runs);
  hook.disable();
  return turns;
}

it('networks that run at once take no more turns than one after the other', async () => {
  const alone = await turnsOf(1);
  assert.ok(alone >= 100);
  assert.ok((await turnsOf(4)) <= 4 * alone);
});

it('a program that runs until a time between two nanoseconds gets there', () => {
  const network = new Network({ seed: 1 });
  const endMs = 10 + 1 / 3;
  let runs = 0;
  for (; network.nowMs < endMs && runs < 5; runs += 1) network.runSync(endMs - network.nowMs);
  assert.ok(network.nowMs >= endMs, `${runs} runs end at ${network.nowMs}`);
});
