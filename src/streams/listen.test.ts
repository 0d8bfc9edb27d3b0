import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { AsyncClient } from '../asynctcp/async-client.js';
import { listen, type ListenOptions } from './listen.js';
import { read, readLine } from './read.js';
import { write } from './write.js';

const PORT = 7;
const HOST = '127.0.0.1';

function listening(options: ListenOptions = {}): { stack: MemoryStack; clients: ReturnType<typeof listen> } {
  const stack = new MemoryStack();
  return { stack, clients: listen(PORT, { stack, ...options }) };
}

function openAll(stack: MemoryStack, count: number): Promise<AsyncClient[]> {
  return Promise.all(Array.from({ length: count }, () => AsyncClient.open(HOST, PORT, { stack })));
}

const failsWith = (code: ErrorCode) => ({ name: 'TcpError', code });

describe('listen()', () => {
  it('brings the clients, and the end of the loop ends the server, not its clients', async () => {
    const { stack, clients } = listening();
    await clients.started;
    const opening = openAll(stack, 2);
    const taken: AsyncClient[] = [];
    for await (const client of clients) {
      taken.push(client);
      if (taken.length === 2) break;
    }
    await opening;
    assert.deepEqual([stack.holdings().listeners, clients.server.count()], [0, 2]);
    assert.deepEqual(await clients.next(), { done: true, value: undefined });
    assert.ok(taken.every((client) => client.connected()));
  });

  it('loses no data between the accept and the first read, however late that is', async () => {
    const { stack, clients } = listening();
    const [early] = await openAll(stack, 1);
    early?.write('early words\n');
    early?.close();
    await stack.settle();
    const { value: client } = await clients.next();
    assert.ok(client);
    await stack.settle();
    assert.equal(await readLine(client), 'early words');
    for await (const piece of read(client)) assert.fail(`${piece.length} bytes more`);
    await clients.end();
  });

  it('keeps as many clients waiting as maxWaiting says, and resets one more', async () => {
    const { stack, clients } = listening({ maxWaiting: 2 });
    const opened = await openAll(stack, 3);
    await stack.settle();
    assert.deepEqual(
      opened.map((client) => client.connected()),
      [true, true, false],
    );
    // One that has gone without a word makes room.
    opened[0]?.abort();
    await stack.settle();
    const [third] = await openAll(stack, 1);
    await stack.settle();
    assert.equal(third?.connected(), true);
    const ports = [(await clients.next()).value, (await clients.next()).value].map((client) =>
      client?.remotePort(),
    );
    assert.deepEqual(ports, [opened[1]?.localPort(), third.localPort()]);
    await clients.end();
  });

  it('gives a waiting client that has sent something and gone, and none that has only gone', async () => {
    const { stack, clients } = listening();
    const [silent, talker] = await openAll(stack, 2);
    talker?.write('bye\n');
    await stack.settle();
    silent?.abort();
    talker?.abort();
    await stack.settle();
    const { value: client } = await clients.next();
    assert.ok(client);
    assert.equal(await readLine(client), 'bye');
    const next = clients.next();
    await clients.end();
    assert.deepEqual(await next, { done: true, value: undefined });
  });

  it('ends by its signal, without an error, and resets clients that were not taken', async () => {
    const stop = new AbortController();
    const { stack, clients } = listening({ signal: stop.signal });
    const [opened] = await openAll(stack, 1);
    stop.abort();
    await stack.settle();
    for await (const client of clients) assert.fail(`took ${client.remotePort()}`);
    assert.deepEqual([opened?.connected(), stack.holdings().listeners], [false, 0]);

    const { stack: other, clients: none } = listening({ signal: stop.signal });
    assert.equal(other.holdings().listeners, 0, 'aborted before');
    await none.started;
    assert.deepEqual(await none.next(), { done: true, value: undefined });
  });

  it('ends by await using and by end(), which ends the clients as its options say', async () => {
    const { stack, clients } = listening();
    const [opened] = await openAll(stack, 1);
    const { value: client } = await clients.next();
    const waiting = clients.next();
    const ended = clients.end({ clients: 'close' });
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await ended;
    assert.deepEqual([client?.connected(), opened?.connected()], [false, false]);
    {
      await using again = listen(PORT, { stack });
      await again.started;
    }
    assert.equal(stack.holdings().listeners, 0);
  });

  it('that cannot bind its port fails once, in the loop', async () => {
    const { stack, clients } = listening();
    await clients.started;
    for (const way of ['before', 'after'] as const) {
      const second = listen(PORT, { stack });
      const taking = way === 'before' ? second.next() : undefined;
      await assert.rejects(second.started, failsWith(ErrorCode.ERR_USE));
      await assert.rejects(taking ?? second.next(), failsWith(ErrorCode.ERR_USE));
      assert.deepEqual(await second.next(), { done: true, value: undefined });
    }
    await clients.end();
  });

  it('serves several loops at once', async () => {
    const { stack, clients } = listening();
    let served = 0;
    const loop = async (): Promise<void> => {
      for await (const client of clients) {
        await write(client, 'hello\n');
        served += 1;
      }
    };
    const loops = [loop(), loop()];
    const lines = (await openAll(stack, 4)).map((client) => readLine(client));
    assert.deepEqual(await Promise.all(lines), Array(4).fill('hello'));
    assert.equal(served, 4);
    await clients.end();
    await Promise.all(loops);
  });

  it('refuses wrong arguments at once', () => {
    const stack = new MemoryStack();
    const anything = (value: unknown): never => value as never;
    assert.throws(() => listen(-1, { stack }), RangeError);
    assert.throws(() => listen(PORT, anything(3)), TypeError);
    assert.throws(() => listen(PORT, { stack, maxWaiting: 0 }), RangeError);
    assert.throws(() => listen(PORT, { stack, signal: anything(1) }), TypeError);
    assert.throws(() => listen(PORT, { stack, address: 'nowhere' }), RangeError);
    assert.equal(stack.holdings().listeners, 0);
  });
});
