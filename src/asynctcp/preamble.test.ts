/** Preambles of a program's own, in virtual time. */
import '../composition.js';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { listen } from '../streams/listen.js';
import { readLine } from '../streams/read.js';
import { AsyncClient } from './async-client.js';
import { AsyncServer } from './async-server.js';
import type { Preamble, PreambleAnswer, PreambleReader } from './preamble.js';

const PORT = 7;
const HOST = '127.0.0.1';

/** A preamble of one byte, read by `read`. */
function preambleBy(read: (bytes: Uint8Array) => PreambleAnswer, begin?: Preamble['begin']): Preamble {
  const reader: PreambleReader = { read, failed: () => undefined };
  return { timeoutMs: 1000, begin: begin ?? (() => reader) };
}

function connect(stack: MemoryStack): Promise<AsyncClient> {
  return AsyncClient.open(HOST, PORT, { stack });
}

/** Collects the errors that are uncaught while `act` runs. */
async function uncaughtIn(act: () => Promise<void>): Promise<unknown[]> {
  const kept = process.listeners('uncaughtException');
  const caught: unknown[] = [];
  const take = (error: unknown): void => {
    caught.push(error);
  };
  process.removeAllListeners('uncaughtException').on('uncaughtException', take);
  try {
    await act();
  } finally {
    process.off('uncaughtException', take);
    for (const listener of kept) process.on('uncaughtException', listener);
  }
  return caught;
}

describe('a preamble of a program', () => {
  const thrown = new Error('in the preamble');
  const fail = (): never => {
    throw thrown;
  };
  const THROWING: readonly [where: string, preamble: Preamble][] = [
    ['begin', preambleBy(() => 'more', fail)],
    ['read', preambleBy(fail)],
    ['failed', { timeoutMs: 1000, begin: () => ({ read: () => 'more', failed: fail }) }],
  ];
  for (const [where, preamble] of THROWING) {
    it(`that throws in ${where} costs its own connection, and its exception is uncaught`, async () => {
      const stack = new MemoryStack();
      const server = new AsyncServer(PORT, { stack, preamble });
      server.onClient(() => assert.fail('there is no client'));
      await server.begin();
      const caught = await uncaughtIn(async () => {
        const client = await connect(stack);
        client.write('x');
        await stack.run(1000);
        assert.equal(client.connected(), false);
      });
      assert.deepEqual([caught, stack.holdings().connections, server.status()], [[thrown], 0, 1]);
      await stack.close();
    });
  }

  const end = { address: HOST, port: PORT };
  const WRONG: readonly [answer: unknown, error: RegExp][] = [
    [undefined, /^TypeError: the answer of a preamble must be an object, not undefined$/],
    [{ bytes: 2 }, /^RangeError: bytes of a preamble must be an integer from 0 to 1, not 2$/],
    [{ bytes: -1 }, /^RangeError: bytes of a preamble must be an integer from 0 to 1, not -1$/],
    [{ bytes: 1, ends: { local: end } }, /^TypeError: ends.remote of a preamble must be an object, not und/],
    [
      { bytes: 1, ends: { local: { address: 'a', port: 1 }, remote: end } },
      /^RangeError: address of ends.local of a preamble must be an IP address, not "a"$/,
    ],
  ];
  for (const [answer, error] of WRONG) {
    it(`whose answer is ${JSON.stringify(answer)} costs its own connection, and an error that says so`, async () => {
      const stack = new MemoryStack();
      const server = new AsyncServer(PORT, { stack, preamble: preambleBy(() => answer as PreambleAnswer) });
      server.onClient(() => assert.fail('there is no client'));
      await server.begin();
      const caught = await uncaughtIn(async () => {
        const client = await connect(stack);
        client.write('x');
        await stack.settle();
        assert.equal(client.connected(), false);
        await server.end();
      });
      assert.match(String(caught), error);
    });
  }

  it('that never ends is bounded by its time alone, and holds no window up', async () => {
    const stack = new MemoryStack();
    const server = new AsyncServer(PORT, { stack, preamble: preambleBy(() => 'more') });
    server.onClient(() => assert.fail('there is no client'));
    await server.begin();
    const client = await connect(stack);
    for (let sent = 0; sent < 1_000_000; sent += client.write(new Uint8Array(100_000))) await stack.settle();
    await stack.run(999);
    assert.equal(client.connected(), true);
    await stack.run(1);
    assert.deepEqual([client.connected(), stack.holdings().connections], [false, 0]);
    await stack.close();
  });

  it('may let a connection pass without one, and keeps its ends if it names none', async () => {
    const stack = new MemoryStack();
    const reader: PreambleReader = { read: () => ({ bytes: 1 }), failed: () => undefined };
    let begun = 0;
    const begin: Preamble['begin'] = (local, remote) => {
      assert.deepEqual([local.port, remote.address], [PORT, HOST]);
      begun += 1;
      return begun === 1 ? 'none' : reader;
    };
    const server = new AsyncServer(PORT, { stack, preamble: { timeoutMs: 1000, begin } });
    const got: [address: string, data: string][] = [];
    server.onClient((client) => {
      client.onData((_, data) => got.push([client.remoteIP(), new TextDecoder().decode(data)]));
    });
    await server.begin();
    for (let count = 0; count < 2; count += 1) (await connect(stack)).write('abc');
    await stack.settle();
    assert.deepEqual(got, [
      [HOST, 'abc'],
      [HOST, 'bc'],
    ]);
    await stack.close();
  });

  it('stands before the clients of listen() too, whose first read has the first data', async () => {
    const stack = new MemoryStack();
    const clients = listen(PORT, { stack, preamble: preambleBy(() => ({ bytes: 1 })) });
    await clients.started;
    const peer = await connect(stack);
    peer.write('xfirst\n');
    peer.close();
    await stack.settle();
    const { value: client } = await clients.next();
    assert.ok(client);
    assert.equal(await readLine(client), 'first');
    await clients.end();
    await stack.close();
  });

  it('of a server without a handler by then resets the connection', async () => {
    const stack = new MemoryStack();
    const server = new AsyncServer(PORT, { stack, preamble: preambleBy(() => ({ bytes: 1 })) });
    server.onClient(() => assert.fail('the handler was removed'));
    await server.begin();
    const client = await connect(stack);
    server.onClient(undefined);
    client.write('xy');
    await stack.settle();
    assert.deepEqual([client.connected(), server.count(), stack.holdings().connections], [false, 0, 0]);
    await stack.close();
  });
});
