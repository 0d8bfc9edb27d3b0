import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { after, afterEach, before, describe, it } from 'node:test';
import { gather } from '../support/callback-scope.js';
import { bindHandler, callbackRuntime, leaveAtExit, tickRunner } from './callback-runtime-node.js';

const storage = new AsyncLocalStorage<string>();
const store = (): string => storage.getStore() ?? 'none';

/** Runs `act` where no code of the runtime is on the stack that expects to run before its ticks. */
function apart(act: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        act();
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function ticks(): () => void {
  const run = tickRunner();
  assert.ok(run !== undefined, 'Node runs ticks');
  return run;
}

describe('the ticks and microtasks that wait', () => {
  const uncaught: unknown[] = [];

  before(() => {
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error.message));
  });
  afterEach(() => {
    uncaught.length = 0;
  });
  after(() => {
    process.setUncaughtExceptionCaptureCallback(null);
  });

  it('run in the order of the runtime, with all that they cause', async () => {
    const ran: string[] = [];
    await apart(() => {
      queueMicrotask(() => {
        ran.push('microtask');
        process.nextTick(() => ran.push('tick of a microtask'));
      });
      process.nextTick(() => {
        ran.push('tick');
        void Promise.resolve().then(() => ran.push('promise of a tick'));
      });
      ticks()();
      assert.deepEqual(ran, ['tick', 'microtask', 'promise of a tick', 'tick of a microtask']);
      ticks()();
    });
    assert.equal(ran.length, 4);
  });

  it('are no timers and no immediates', async () => {
    const ran: string[] = [];
    await apart(() => {
      setImmediate(() => ran.push('immediate'));
      ticks()();
      assert.deepEqual(ran, []);
    });
    await apart(() => undefined);
    assert.deepEqual(ran, ['immediate']);
  });

  it('that throw are uncaught, each once, and keep no other from running', async () => {
    const ran: string[] = [];
    await apart(() => {
      for (const name of ['a', 'b']) {
        process.nextTick(() => {
          throw new Error(`tick ${name}`);
        });
        process.nextTick(() => ran.push(`tick ${name}`));
        queueMicrotask(() => {
          throw new Error(`microtask ${name}`);
        });
        queueMicrotask(() => ran.push(`microtask ${name}`));
      }
      ticks()();
      assert.deepEqual(ran, ['tick a', 'tick b', 'microtask a', 'microtask b']);
    });
    await apart(() => undefined);
    assert.deepEqual(uncaught.sort(), ['microtask a', 'microtask b', 'tick a', 'tick b']);
  });
});

describe('a handler', () => {
  it('that is set outside of any context is called as it is', () => {
    // The test runner may have a context of its own.
    const runtime = new URL('callback-runtime-node.js', import.meta.url).href;
    const text = `
      import { bindHandler } from '${runtime}';
      const handler = () => undefined;
      console.log(bindHandler(handler) === handler);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' });
    assert.equal(stdout, 'true\n');
  });

  it('runs in the context in which it was set, with its arguments and result', () => {
    const bound = storage.run('set', () => bindHandler((a: number, b: number) => `${store()} ${a + b}`));
    assert.equal(
      storage.run('called', () => bound(1, 2)),
      'set 3',
    );
    assert.equal(bound(3, 4), 'set 7');
  });

  it('that enters another context changes neither its next call nor its caller', () => {
    const seen: string[] = [];
    const bound = storage.run('set', () =>
      bindHandler((next: string) => {
        seen.push(store());
        storage.enterWith(next);
        seen.push(store());
      }),
    );
    storage.run('caller', () => {
      bound('first');
      bound('second');
      seen.push(store());
    });
    assert.deepEqual(seen, ['set', 'first', 'set', 'second', 'caller']);
  });

  it('that throws, throws at its caller and leaves the context', () => {
    const bound = storage.run('set', () =>
      bindHandler(() => {
        throw new Error('thrown');
      }),
    );
    storage.run('caller', () => {
      assert.throws(() => bound(), { message: 'thrown' });
      assert.equal(store(), 'caller');
    });
  });
});

describe('the context of a callback', () => {
  it('has no stores, also where the library is loaded in one that has some', () => {
    storage.run('loaded', () => {
      const { context } = callbackRuntime();
      assert.equal(context?.().runInAsyncScope(store, undefined), 'none');
    });
  });

  it('is its own: what a callback enters ends with it, and goes on in what it began', async () => {
    const { context } = callbackRuntime();
    let later: Promise<string> | undefined;
    context?.().runInAsyncScope(() => {
      storage.enterWith('entered');
      later = Promise.resolve().then(store);
    }, undefined);
    assert.equal(context?.().runInAsyncScope(store, undefined), 'none');
    assert.equal(await later, 'entered');
  });
});

describe('the end of the process', () => {
  it('has one listener, however often the library asks for it, which lets leave what was gathered', () => {
    const before = process.listenerCount('exit');
    for (let copy = 0; copy < 3; copy += 1) leaveAtExit();
    const listeners = process.listeners('exit');
    assert.ok(listeners.length <= before + 1);
    let left = 0;
    gather(() => {
      left += 1;
    });
    const leave = listeners.at(-1);
    assert.ok(leave !== undefined);
    Reflect.apply(leave, process, [0]);
    assert.equal(left, 1);
  });
});
