import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { macrotaskOf, type Runtime } from './macrotask.js';

const { setImmediate, MessageChannel, queueMicrotask } = globalThis;

/** Runs two jobs, of which the first causes microtasks. */
async function orderOn(runtime: Runtime): Promise<string[]> {
  const log: string[] = [];
  const macrotask = macrotaskOf(runtime);
  await new Promise<void>((resolve) => {
    macrotask(() => {
      log.push('first');
      void Promise.resolve().then(() => Promise.resolve().then(() => log.push('microtask')));
    });
    macrotask(() => {
      log.push('second');
      setImmediate(resolve);
    });
    log.push('now');
  });
  return log;
}

describe('a macrotask', () => {
  const WHOLE = ['now', 'first', 'microtask', 'second'];

  it('is an immediate where there are some', async () => {
    assert.deepEqual(await orderOn({ setImmediate, queueMicrotask }), WHOLE);
  });

  it('is a message in a browser', async () => {
    const channels: InstanceType<typeof MessageChannel>[] = [];
    class Channel extends MessageChannel {
      constructor() {
        super();
        channels.push(this);
      }
    }
    assert.deepEqual(await orderOn({ MessageChannel: Channel, queueMicrotask }), WHOLE);
    for (const { port1 } of channels) port1.close();
  });

  it('is a microtask in an engine that has nothing else: later, and in order', async () => {
    assert.deepEqual(await orderOn({ queueMicrotask }), ['now', 'first', 'second', 'microtask']);
  });
});
