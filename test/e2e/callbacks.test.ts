/** L11 in a program: what runs between two callbacks of one wake-up, and in which context callbacks run. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { STACKS } from '../support/stacks.js';
import { startNode } from './programs.js';
import { HANGS_MS } from './programs/inline.js';

const PROGRAM = new URL('programs/callbacks.js', import.meta.url);

interface Result {
  readonly log: readonly string[];
  readonly turns?: number;
  readonly uncaught?: readonly string[];
}

async function runScenario(test: TestContext, stack: string, scenario: string): Promise<Result> {
  const program = startNode(test, PROGRAM, [stack, scenario]);
  assert.deepEqual(await program.ended, { status: 0, signal: null }, program.stderr.text);
  return JSON.parse(program.stdout.text) as Result;
}

/** Returns the work that a callback starts, in the order in which the runtime does it. */
function workOf(id: string): string[] {
  const kinds = ['tick', 'microtask', 'promise of the tick', 'tick of the microtask'];
  return [`callback ${id}`, ...kinds.map((kind) => `${kind} ${id}`)];
}

/** Checks that every callback is directly followed by all the work that it started. */
function assertApart({ log }: Result): void {
  const ids = log.filter((line) => line.startsWith('callback ')).map((line) => line.slice(9));
  assert.deepEqual(log, ids.flatMap(workOf));
  assert.equal(new Set(ids).size, ids.length, 'each callback once');
}

for (const stack of Object.keys(STACKS)) {
  describe(`between two callbacks on ${stack}`, { timeout: HANGS_MS }, () => {
    it('the ticks and microtasks of the first run, where many sockets are ready in one turn', async (test) => {
      const result = await runScenario(test, stack, 'data');
      assertApart(result);
      assert.ok((result.turns ?? 0) < 20, `${result.turns} turns for 20 callbacks`);
    });

    it('they run where many timers are due at once', async (test) => {
      assertApart(await runScenario(test, stack, 'polls'));
    });

    it('they run between onError and onDisconnect', async (test) => {
      const result = await runScenario(test, stack, 'error');
      assertApart(result);
      const callbacks = result.log.filter((line) => line.startsWith('callback '));
      for (const [at, line] of callbacks.entries()) {
        if (line.includes('error')) assert.equal(callbacks[at + 1], line.replace('error', 'disconnect'));
      }
    });

    it('one that throws is uncaught once, and ends no connection', async (test) => {
      const { log, uncaught = [] } = await runScenario(test, stack, 'throwing');
      const ids = Array.from({ length: 20 }, (_, id) => `${id}`);
      assert.deepEqual([...log].sort(), ids.flatMap(workOf).sort());
      assert.deepEqual([...uncaught].sort(), ids.flatMap((id) => [`tick ${id}`, `microtask ${id}`]).sort());
      // If a tick throws, Node itself runs the rest of its queue only after its next callback.
      if (stack === 'kernel') assertApart({ log });
    });
  });

  describe(`a handler on ${stack}`, { timeout: HANGS_MS }, () => {
    it('runs in the AsyncLocalStorage context in which it was set, for every cause', async (test) => {
      const { log } = await runScenario(test, stack, 'contexts');
      const life = ['client server', 'connect set connect', 'data -', 'ack set ack', 'poll -'];
      const expected = [...life, 'disconnect -', ...life, 'error set error', 'disconnect -'];
      const last = ['client server', 'opened waiting', 'flushed waiting', 'ended waiting'];
      assert.deepEqual([...log].sort(), [...expected, ...last].sort());
    });
  });
}
