/** The errors of programs in a run: which one it fails with, and what becomes of the others. */
import assert from 'node:assert/strict';
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
