/** The errors of programs in a run: which one it fails with, and what becomes of the others. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { MOST_ERRORS } from '#src/sim/event-loop.js';
import { Network } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';

/** A network whose server throws when a client comes, 3 ms after the start. */
function failing(error: Error): Network {
  const network = new Network({ seed: 42, command: 'repeat me' });
  const a = network.host('a');
  const b = network.host('b');
  network.link(a, b, { delayMs: 1 });
  const server = new AsyncServer(80, { stack: b.stack });
  server.onClient(() => {
    throw error;
  });
  void server.begin();
  new AsyncClient({ stack: a.stack }).connect('b', 80);
  return network;
}

async function failureOf(promise: Promise<unknown>): Promise<SimulationError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SimulationError);
  return error;
}

describe('the error of a handler of AsyncClient', () => {
  it('is thrown by runSync, with time and seed', () => {
    const error = new TypeError('in a handler');
    const network = failing(error);
    assert.throws(
      () => {
        network.runSync(100);
      },
      (thrown: unknown) => {
        assert.ok(thrown instanceof SimulationError);
        assert.match(
          thrown.message,
          /^in a handler\n {2}at 3 ms of virtual time, seed 42; repeat: repeat me$/,
        );
        assert.deepEqual([thrown.failure, thrown.timeMs, thrown.cause], ['threw', 3, error]);
        return true;
      },
    );
    // The network works on.
    network.runSync(1);
    assert.equal(network.nowMs, 4);
  });

  it('rejects run, as one of a promise that a handler returns does', async () => {
    const error = new TypeError('in a handler');
    assert.equal((await failureOf(failing(error).run(100))).cause, error);
    const network = new Network({ seed: 1 });
    const a = network.host('a');
    network.link(a, network.host('b'), { delayMs: 1 });
    const client = new AsyncClient({ stack: a.stack });
    client.onDisconnect(async () => {
      await Promise.resolve();
      throw error;
    });
    client.connect('b', 80);
    assert.equal((await failureOf(network.run(100))).cause, error);
  });
});

describe('several errors at one instant', () => {
  it('are all in the error of the run, the first one as its cause', async () => {
    const errors = ['first', 'second', 'third'].map((text) => new Error(text));
    const network = new Network({ seed: 1 });
    network.at(5, () => {
      void Promise.reject(errors[1] ?? new Error());
      void Promise.resolve().then(() => {
        throw errors[2] ?? new Error();
      });
      throw errors[0] ?? new Error();
    });
    const error = await failureOf(network.run(10));
    assert.match(error.message, /^first \(and 2 more\)\n {2}at 5 ms/);
    assert.deepEqual(error.errors, errors);
    assert.equal(error.cause, errors[0]);
    await network.run(1);
  });

  it('are kept up to a number', async () => {
    const network = new Network({ seed: 1 });
    network.at(5, () => {
      for (let number = 0; number < MOST_ERRORS + 1; number += 1) void Promise.reject(new Error(`${number}`));
    });
    const { errors } = await failureOf(network.run(10));
    assert.equal(errors.length, MOST_ERRORS);
  });

  it('of two networks go each to its own', async () => {
    const [first, second] = [failing(new Error('of the first')), failing(new Error('of the second'))];
    const failures = await Promise.all([failureOf(first.run(10)), failureOf(second.run(10))]);
    assert.deepEqual(
      failures.map(({ message }) => message.split('\n')[0]),
      ['of the first', 'of the second'],
    );
  });
});

/** Ways in which a program throws later, each from `at`. */
const LATER: Readonly<Record<string, (fail: () => never) => void>> = {
  tick: (fail) => {
    process.nextTick(fail);
  },
  promise: (fail) => void Promise.resolve().then(fail),
  immediate: (fail) => {
    setImmediate(fail);
  },
  'promise of an immediate': (fail) => void new Promise((resolve) => setImmediate(resolve)).then(fail),
};

describe('networks that run at once', () => {
  for (const [way, later] of Object.entries(LATER)) {
    it(`each fail with the errors of their own programs alone: ${way}`, async () => {
      const networks = [1, 2, 3].map((seed) => new Network({ seed }));
      for (const [index, network] of networks.entries()) {
        network.at(1, () => {
          later(() => {
            throw new Error(`of ${index}`);
          });
        });
        // The others are busy meanwhile.
        for (let ms = 1; ms < 20; ms += 1) network.at(ms, () => setImmediate(() => undefined));
      }
      const failures = await Promise.all(networks.map((network) => failureOf(network.run(20))));
      assert.deepEqual(
        failures.map(({ errors }) => errors.map((error) => error instanceof Error && error.message)),
        [['of 0'], ['of 1'], ['of 2']],
      );
    });
  }

  it('keep their errors when the one that has begun first has ended', async () => {
    const [short, long] = [new Network({ seed: 1 }), new Network({ seed: 2 })];
    const error = new Error('late');
    long.at(50, () => {
      process.nextTick(() => {
        throw error;
      });
    });
    for (let ms = 1; ms < 50; ms += 1) long.at(ms, () => setImmediate(() => undefined));
    const [, failure] = await Promise.all([short.run(1), failureOf(long.run(100))]);
    assert.equal(failure.cause, error);
  });

  it('take no error of a network that does not run', async () => {
    const network = new Network({ seed: 1 });
    const other = new Network({ seed: 2 });
    const host = other.host('host');
    const error = new Error('of the other one');
    const uncaught = new Promise((resolve) => {
      const rested = process.rawListeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (found) => {
        for (const listener of rested) process.on('uncaughtException', listener as (error: Error) => void);
        resolve(found);
      });
    });
    network.at(1, () => {
      const client = new AsyncClient({ stack: host.stack });
      client.onError(() => {
        throw error;
      });
      client.connect('nowhere', 80);
    });
    for (let ms = 1; ms < 20; ms += 1) network.at(ms, () => setImmediate(() => undefined));
    await network.run(20);
    assert.equal(await uncaught, error);
  });
});

it('errors are those of the run also where the module domain is in use', () => {
  const program = `
    import 'node:domain';
    import { Network } from ${JSON.stringify(import.meta.resolve('#src/virtual.js'))};
    const network = new Network({ seed: 1 });
    process.on('uncaughtException', (error) => console.log('heard', error.message));
    network.at(1, () => process.nextTick(() => { throw new Error('tick'); }));
    network.at(2, () => void Promise.reject(new Error('promise')));
    for (let ms = 1; ms <= 3; ms += 1) await network.run(1).catch((error) => console.log(error.message.split('\\n')[0]));
    setTimeout(() => { throw new Error('later'); }, 1);
  `;
  const args = ['--input-type=module', '--eval', program];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(lines, ['tick', 'promise', 'heard later']);
});

describe('the error of what watches a network', () => {
  const WATCHERS: Readonly<Record<string, (network: Network, fail: () => never) => void>> = {
    'a tap that sees what is sent': (network, sent) => {
      network.addTap({ sent, arrived: () => undefined, dropped: () => undefined });
    },
    'a tap that sees what arrives': (network, arrived) => {
      network.addTap({ sent: () => undefined, arrived, dropped: () => undefined });
    },
    'a tap that sees what is dropped': (network, dropped) => {
      network.links[0]?.dropNext();
      network.addTap({ sent: () => undefined, arrived: () => undefined, dropped });
    },
    'a printer': (network, fail) => void network.print(fail),
    'a capture': (network, fail) => {
      let blocks = 0;
      // The header of the section is written at once.
      network.capture(() => (blocks += 1) > 1 && fail());
    },
  };
  for (const [title, watch] of Object.entries(WATCHERS)) {
    it(`is the run's, and harms no connection: ${title}`, async () => {
      const network = new Network({ seed: 1 });
      const a = network.host('a');
      const b = network.host('b');
      network.link(a, b, { delayMs: 1 });
      const thrown = new Error('watching');
      watch(network, () => {
        throw thrown;
      });
      const server = new AsyncServer(80, { stack: b.stack });
      await server.begin();
      let isConnected = false;
      const client = new AsyncClient({ stack: a.stack });
      client.onConnect(() => (isConnected = true));
      client.connect('b', 80);
      const failedMs: number[] = [];
      for (let ms = 0; ms < 5000; ms += 500) {
        await network.run(500).catch((error: unknown) => {
          assert.ok(error instanceof SimulationError && error.cause === thrown);
          failedMs.push(error.timeMs);
        });
      }
      const isLater = title.includes('arrives') || title === 'a printer';
      // The run fails at the time of the error, not at the next event.
      assert.deepEqual([failedMs[0], isConnected], [isLater ? 1 : 0, true]);
    });
  }
});

describe('the error of a run', () => {
  it('shows what the program threw, whatever that is, and has it as its cause', async () => {
    const cases: readonly (readonly [thrown: unknown, text: string])[] = [
      [new TypeError('too cold'), 'too cold'],
      [new TypeError(), 'TypeError'],
      [new AggregateError([new Error('one'), new Error('two')]), 'AggregateError\n  one\n  two'],
      ['a text', 'a text'],
      [undefined, 'undefined'],
      [{ code: 5 }, '{"code":5}'],
    ];
    for (const [thrown, text] of cases) {
      const network = new Network({ seed: 1 });
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a program may
      const failure = await failureOf(network.runUntil(Promise.reject(thrown)));
      assert.equal(failure.message.split('\n  at 0 ms')[0], text);
      assert.equal(failure.cause, thrown);
      assert.ok('cause' in failure);
    }
  });

  it('has a command that a shell takes as it is', async () => {
    const seed = process.env['ASYNCTCP_SEED'];
    process.env['ASYNCTCP_SEED'] = "two words, it's";
    try {
      const failure = await failureOf(new Network().runUntil(Promise.reject(new Error('no'))));
      assert.ok(failure.command.startsWith(`ASYNCTCP_SEED='two words, it'\\''s' node `), failure.command);
    } finally {
      if (seed === undefined) delete process.env['ASYNCTCP_SEED'];
      else process.env['ASYNCTCP_SEED'] = seed;
    }
  });

  it('has the command of the test runner, whose processes run no file by their own commands', async () => {
    for (const [variable, command] of [
      ['VITEST', 'npx vitest run'],
      ['JEST_WORKER_ID', 'npx jest'],
    ] as const) {
      const before = process.env[variable];
      process.env[variable] = '1';
      try {
        const network = new Network();
        const failure = await failureOf(network.runUntil(Promise.reject(new Error('no'))));
        assert.equal(failure.command, `ASYNCTCP_SEED=${network.seed} ${command}`);
        assert.equal(
          (await failureOf(new Network({ seed: 1 }).runUntil(Promise.reject(new Error())))).command,
          command,
        );
      } finally {
        if (before === undefined) Reflect.deleteProperty(process.env, variable);
        else process.env[variable] = before;
      }
    }
  });

  it('names its own time and seed, also if a network in it has failed', async () => {
    const outer = new Network({ seed: 1 });
    const inner = new Network({ seed: 2 });
    outer.at(7, () => {
      inner.at(1, () => {
        throw new Error('inside');
      });
      inner.runSync(5);
    });
    const failure = await failureOf(outer.run(10));
    assert.deepEqual([failure.timeMs, failure.seed], [7, 1]);
    assert.match(
      failure.message,
      /^inside\n {2}at 1 ms of virtual time, seed 2;.*\n {2}at 7 ms of virtual time, seed 1;/,
    );
  });
});
