import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BEAT, BEAT_SETTINGS, BEAT_WORDS, packSettings, unpackSettings } from './beat.js';
import { CallbackKind, callbackName } from './callback-kind.js';
import { beatInto, call1, call2, call3, runningCallback, type CallbackOwner } from './dispatch.js';
import type { ConnectionReport } from './connection-report.js';

const REPORT: ConnectionReport = {
  localIP: '127.0.0.1',
  localPort: 7007,
  remoteIP: '127.0.0.1',
  remotePort: 40_000,
  state: 'Established',
  bytesIn: 1,
  bytesOut: 2,
};

class Owner implements CallbackOwner {
  thrown = 0;

  callbackThrew(): void {
    this.thrown += 1;
  }

  report(): ConnectionReport {
    return REPORT;
  }
}

const uncaught: unknown[] = [];

/** Resolves in the next turn: errors thrown from microtasks are uncaught by then. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Each way to call, as one that calls `body`. */
const CALLS: Readonly<Record<string, (owner: CallbackOwner, body: () => void) => void>> = {
  call1: (owner, body) => call1(owner, CallbackKind.DATA, body, 1),
  call2: (owner, body) => call2(owner, CallbackKind.DATA, body, 1, 2),
  call3: (owner, body) => call3(owner, CallbackKind.DATA, body, 1, 2, 3),
};

beforeEach(() => {
  uncaught.length = 0;
  process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
});

afterEach(() => {
  process.setUncaughtExceptionCaptureCallback(null);
});

it('a callback is given its arguments in order, before the call returns', () => {
  const owner = new Owner();
  const given: unknown[] = [];
  call1(owner, CallbackKind.DATA, (a) => given.push(a), 'a');
  call2(owner, CallbackKind.DATA, (a, b) => given.push(a, b), 'b', 2);
  call3(owner, CallbackKind.DATA, (a, b, c) => given.push(a, b, c), 'c', 3, undefined);
  assert.deepEqual(given, ['a', 'b', 2, 'c', 3, undefined]);
  assert.equal(owner.thrown, 0);
});

for (const [name, call] of Object.entries(CALLS)) {
  describe(name, () => {
    it('reports an exception to the owner, and throws it uncaught, once each', async () => {
      const owner = new Owner();
      const error = new Error('from the callback');
      call(owner, () => {
        throw error;
      });
      assert.equal(owner.thrown, 1, 'reported before the call returns');
      assert.deepEqual(uncaught, [], 'the caller is not unwound');
      await turn();
      assert.deepEqual(uncaught, [error]);
      assert.equal(owner.thrown, 1);
    });

    it('takes whatever is thrown for an exception', async () => {
      const owner = new Owner();
      for (const error of [undefined, null, 0, 'text']) {
        call(owner, () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- users may throw anything
          throw error;
        });
      }
      await turn();
      assert.equal(owner.thrown, 4);
      assert.deepEqual(uncaught, [undefined, null, 0, 'text']);
    });

    it('goes on after an exception: the next callback runs', async () => {
      const owner = new Owner();
      let ran = false;
      call(owner, () => {
        throw new Error('from the callback');
      });
      call(owner, () => (ran = true));
      assert.equal(ran, true);
      await turn();
      assert.equal(uncaught.length, 1);
    });

    it('goes on after an owner that throws as well', () => {
      const fault = new Error('from the owner');
      const owner: CallbackOwner = {
        callbackThrew: () => {
          throw fault;
        },
        report: () => REPORT,
      };
      const failing = (): void =>
        call(owner, () => {
          throw new Error('from the callback');
        });
      assert.throws(failing, fault);
      let ran = false;
      call(new Owner(), () => (ran = true));
      assert.equal(ran, true);
    });

    it('runs no callback inside another, and costs only the one that tried', async () => {
      const [outer, inner] = [new Owner(), new Owner()];
      let ran = false;
      call(outer, () => {
        call(inner, () => (ran = true));
      });
      assert.equal(ran, false);
      assert.deepEqual([outer.thrown, inner.thrown], [1, 0]);
      await turn();
      assert.match(String(uncaught[0]), /callbacks run one at a time/);
      call(inner, () => (ran = true));
      assert.equal(ran, true);
    });

    it('still runs one at a time after an attempt to nest', async () => {
      const owner = new Owner();
      const order: string[] = [];
      call(owner, () => {
        try {
          call(owner, () => order.push('nested'));
        } catch {
          order.push('refused');
        }
        try {
          call(owner, () => order.push('nested'));
        } catch {
          order.push('refused');
        }
      });
      await turn();
      assert.deepEqual(order, ['refused', 'refused']);
      assert.deepEqual([owner.thrown, uncaught], [0, []]);
    });
  });
}

it('stores a beat of its own for each callback while it runs, with its kind, and 0 between callbacks', () => {
  const beat = new Int32Array(new SharedArrayBuffer(4 * BEAT_WORDS));
  beatInto(beat, packSettings({ timeoutMs: 5000, panic: true }), 0);
  const owner = new Owner();
  const seen: number[] = [];
  const see = (): void => void seen.push(Atomics.load(beat, BEAT));
  call1(owner, CallbackKind.DATA, see, 1);
  see();
  call1(owner, CallbackKind.DATA, see, 1);
  call2(owner, CallbackKind.DISCONNECT, see, 1, 2);
  see();
  const [first = 0, between, second = 0, third = 0, after] = seen;
  assert.deepEqual([between, after], [0, 0]);
  assert.equal(new Set([0, first, second, third]).size, 4);
  assert.deepEqual([first, second, third].map(callbackName), ['onData', 'onData', 'onDisconnect']);
});

it('stores what holds for its callbacks, also where another copy of the library stored something else', () => {
  const beat = new Int32Array(new SharedArrayBuffer(4 * BEAT_WORDS));
  const settings = { timeoutMs: 3_600_000, panic: false };
  beatInto(beat, packSettings(settings), 1);
  const owner = new Owner();
  const seen: unknown[] = [];
  const see = (): void => void seen.push(unpackSettings(Atomics.load(beat, BEAT_SETTINGS)));
  call1(owner, CallbackKind.DATA, see, 1);
  beat[BEAT_SETTINGS] = packSettings({ timeoutMs: 1000, panic: true });
  call1(owner, CallbackKind.DATA, see, 1);
  assert.deepEqual(seen, [settings, settings]);
});

it('has another number in each of many copies of the library', () => {
  const beat = new Int32Array(new SharedArrayBuffer(4 * BEAT_WORDS));
  const seen = new Set<number>();
  for (let copy = 0; copy < 1000; copy += 1) {
    beatInto(beat, 0, copy);
    for (let callback = 0; callback < 3; callback += 1) {
      call1(new Owner(), CallbackKind.DATA, () => seen.add(Atomics.load(beat, BEAT)), 1);
    }
  }
  assert.equal(seen.size, 3000);
});

it('knows the connection whose callback runs, while it runs', () => {
  const owner = new Owner();
  const seen: unknown[] = [];
  call1(owner, CallbackKind.DATA, () => seen.push(runningCallback()), 1);
  assert.deepEqual(seen, [REPORT]);
  assert.equal(runningCallback(), undefined);
});
