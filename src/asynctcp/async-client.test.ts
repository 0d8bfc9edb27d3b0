import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { AsyncClient } from './async-client.js';
import { AsyncServer } from './async-server.js';

const ADDRESS = '127.0.0.1';
const PORT = 7;

/** A stack with a server that takes all that comes. */
async function serving(): Promise<{ stack: MemoryStack; client: AsyncClient }> {
  const stack = new MemoryStack();
  const server = new AsyncServer(ADDRESS, PORT, { stack });
  server.onClient(() => undefined);
  await server.begin();
  return { stack, client: new AsyncClient({ stack }) };
}

describe('connect()', () => {
  it('that fails leaves the client usable, with any code', async () => {
    const { stack, client } = await serving();
    const log: string[] = [];
    client.onConnect(() => log.push('connect'));
    client.onError((_, code) => log.push(`error ${code}`));
    client.onDisconnect((_, reason) => log.push(reason));
    for (const code of [ErrorCode.ERR_VAL, ErrorCode.ERR_RTE, ErrorCode.ERR_MEM]) {
      log.length = 0;
      const accept = stack.refuse({ port: PORT }, code);
      assert.equal(client.connect(ADDRESS, PORT), true);
      await stack.settle();
      accept();
      assert.deepEqual([log, client.stateToString()], [[`error ${code}`, 'error'], 'Closed']);
    }
    assert.equal(client.connect(ADDRESS, PORT), true);
    await stack.settle();
    assert.equal(log.at(-1), 'connect');
  });

  it('that nothing answers ends at its timeout, to the millisecond', async () => {
    const { stack, client } = await serving();
    stack.cut({ port: PORT });
    let code: number | undefined;
    client.onError((_, error) => (code = error));
    client.connect(ADDRESS, PORT, { timeoutMs: 5000 });
    await stack.run(4999);
    assert.equal(code, undefined);
    await stack.run(1);
    assert.deepEqual([code, stack.holdings().attempts], [ErrorCode.ERR_TIMEOUT, 0]);
  });
});

describe('the time that onAck tells', () => {
  it('is not counted from a send that was acknowledged while nobody listened', async () => {
    const { stack, client } = await serving();
    client.connect(ADDRESS, PORT);
    await stack.settle();
    client.onAck(() => undefined);
    client.write('before');
    client.onAck(undefined);
    await stack.run(3_600_000);
    const told: [bytes: number, timeMs: number][] = [];
    client.onAck((_, bytes, timeMs) => told.push([bytes, timeMs]));
    await stack.run(3_600_000);
    client.write('after');
    await stack.settle();
    assert.deepEqual(told.at(-1), [5, 0]);
  });

  it('is that of the oldest send that is acknowledged', async () => {
    const { stack, client } = await serving();
    client.connect(ADDRESS, PORT);
    await stack.settle();
    const told: [bytes: number, timeMs: number][] = [];
    client.onAck((_, bytes, timeMs) => told.push([bytes, timeMs]));
    const heal = stack.cut({ port: PORT });
    client.write('one');
    await stack.run(100);
    client.write('two');
    await stack.run(50);
    heal();
    await stack.settle();
    assert.deepEqual(told, [[6, 150]]);
  });
});

describe('onTimeout', () => {
  it('tells how long nothing was acknowledged, and how long nothing was heard', async () => {
    const { stack, client } = await serving();
    client.connect(ADDRESS, PORT);
    await stack.run(1000);
    const told: unknown[] = [];
    client.onTimeout((_, timeMs, heardAgoMs) => told.push([timeMs, heardAgoMs]));
    stack.cut({ port: client.localPort() });
    client.write('lost');
    await stack.run(5000);
    assert.deepEqual(told, [[5000, 6000]]);
  });
});
