import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { MemoryStack, type MemoryStackOptions } from '../stacks/memory/memory-stack.js';
import { AsyncClient, coreOf } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { DEFAULT_LIMIT_BYTES, MAX_DELIMITER_BYTES, MAX_READ_BYTES } from './options.js';
import { read, readExactly, readLine, readLines, readMessage, readMessages, readUntil } from './read.js';

const PORT = 7;
const HOST = '127.0.0.1';

interface Pair {
  readonly stack: MemoryStack;
  /** Reads by the functions under test. */
  readonly reader: AsyncClient;
  readonly peer: AsyncClient;
  /** All clients that the server has accepted; `peer` is the first. */
  readonly accepted: readonly AsyncClient[];
}

async function connected(options: MemoryStackOptions = {}): Promise<Pair> {
  const stack = new MemoryStack(options);
  const server = new AsyncServer(PORT, { stack });
  const accepted: AsyncClient[] = [];
  server.onClient((client) => accepted.push(client));
  await server.begin();
  const reader = await AsyncClient.open(HOST, PORT, { stack });
  await stack.settle();
  const [peer] = accepted;
  assert.ok(peer);
  return { stack, reader, peer, accepted };
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of all) values.push(value);
  return values;
}

const failsWith = (code: ErrorCode, message = /./) => ({ name: 'TcpError', code, message });

describe('read()', () => {
  it('brings every byte, and ends with the peer’s FIN, which closes the client', async () => {
    const { stack, reader, peer } = await connected();
    let reason = '';
    reader.onDisconnect((_, why) => (reason = why));
    const reading = collect(read(reader));
    peer.write('one ');
    await stack.settle();
    peer.write('two');
    peer.close();
    assert.equal((await reading).map(text).join(''), 'one two');
    await stack.settle();
    assert.equal(reason, 'ended');
    assert.deepEqual(await collect(read(reader)), [], 'after the end it has ended again');
  });

  it('leaves the client open at the FIN until a read meets it, and with half-open allowed after that', async () => {
    for (const halfOpen of [false, true]) {
      const { stack, reader, peer } = await connected();
      reader.setAllowHalfOpen(halfOpen);
      const line = readLine(reader);
      peer.write('last words\n');
      peer.setAllowHalfOpen(true);
      peer.shutdown();
      assert.equal(await line, 'last words');
      await stack.settle();
      assert.equal(reader.space() > 0, true, 'the answer can be sent');
      assert.deepEqual(await collect(read(reader)), []);
      assert.equal(reader.space() > 0, halfOpen);
    }
  });

  it('leaves every handler to the program, and gives it the same data', async () => {
    const { stack, reader, peer } = await connected();
    const log: string[] = [];
    reader.setAllowHalfOpen(true);
    reader.onData((_, data) => log.push(`data ${text(data)}`));
    reader.onEnd(() => log.push('end'));
    reader.onDisconnect((_, reason) => log.push(reason));
    const pieces = read(reader);
    peer.write('a');
    await stack.settle();
    assert.equal(text((await pieces.next()).value), 'a');
    peer.close();
    assert.deepEqual(await pieces.next(), { done: true, value: undefined });
    reader.close();
    await stack.settle();
    assert.deepEqual(log, ['data a', 'end', 'closed']);
  });

  it('opens the window by the pieces that were read, and by no more', async () => {
    const { stack, reader, peer } = await connected({ receiveWindowBytes: 1000, sendBufferBytes: 10_000 });
    const pieces = read(reader);
    peer.write(new Uint8Array(10_000));
    await stack.settle();
    let taken = 0;
    while (taken < 5000) {
      taken += (await pieces.next()).value?.length ?? 0;
      await stack.settle();
      const arrived = 10_000 - peer.unacknowledged();
      assert.ok(arrived <= taken + 1000, `${arrived} bytes arrived, ${taken} taken`);
    }
    const all = collect(pieces);
    peer.close();
    assert.equal(
      (await all).reduce((sum, { length }) => sum + length, taken),
      10_000,
    );
  });

  it('loses nothing between two reads, also of other functions and after a break', async () => {
    const { stack, reader, peer } = await connected();
    peer.write('head\nab');
    await stack.settle();
    assert.equal(await readLine(reader), 'head');
    peer.write('cdef;ghi');
    await stack.settle();
    assert.equal(text(await readExactly(reader, 3)), 'abc');
    assert.equal(text(await readUntil(reader, ';')), 'def');
    for await (const piece of read(reader)) {
      assert.equal(text(piece), 'ghi');
      break;
    }
    assert.equal(reader.connected(), true);
    const next = readExactly(reader, 1);
    peer.write('!');
    assert.equal(text(await next), '!');
  });

  it('of a second reader while the first one waits is refused, and does the first no harm', async () => {
    const { reader, peer } = await connected();
    const first = readExactly(reader, 2);
    await assert.rejects(read(reader).next(), failsWith(ErrorCode.ERR_INPROGRESS, /another read/));
    peer.write('ok');
    assert.equal(text(await first), 'ok');
  });

  it('can be returned from while it waits, and another read follows', async () => {
    const { reader, peer } = await connected();
    const pieces = read(reader);
    const waiting = pieces.next();
    await pieces.return?.();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.deepEqual(await pieces.next(), { done: true, value: undefined });
    const line = readLine(reader);
    peer.write('more\n');
    assert.equal(await line, 'more');
  });

  it('runs in the context of its caller', async () => {
    const { reader, peer } = await connected();
    const storage = new AsyncLocalStorage<string>();
    const seen = storage.run('caller', async () => {
      await readExactly(reader, 1);
      return storage.getStore();
    });
    peer.write('x');
    assert.equal(await seen, 'caller');
  });

  it('reads in the next life what comes in the next life, and nothing of the last one', async () => {
    const { stack, reader, peer, accepted } = await connected();
    peer.write('left over');
    await stack.settle();
    assert.equal(text(await readExactly(reader, 4)), 'left');
    peer.abort();
    await stack.settle();
    reader.connect(HOST, PORT);
    const line = readLine(reader);
    await stack.settle();
    accepted[1]?.write('new\n');
    assert.equal(await line, 'new');
  });
});

describe('a read that fails', () => {
  it('by its signal takes nothing and leaves the connection alone', async () => {
    const { stack, reader, peer } = await connected();
    const reads: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => read(reader, { signal }).next(),
      (signal) => readExactly(reader, 10, { signal }),
      (signal) => readUntil(reader, ';', { signal }),
      (signal) => readLine(reader, { signal }),
      (signal) => readLines(reader, { signal }).next(),
      (signal) => readMessage(reader, { signal }),
      (signal) => readMessages(reader, { signal }).next(),
    ];
    for (const begin of reads) {
      const reason = new Error('enough');
      const stop = new AbortController();
      const reading = begin(stop.signal);
      await stack.settle();
      stop.abort(reason);
      await assert.rejects(reading, { ...failsWith(ErrorCode.ERR_ABRT), cause: reason });
      await assert.rejects(begin(stop.signal), failsWith(ErrorCode.ERR_ABRT), 'aborted before');
      if (begin === reads[0]) peer.write('par');
      await stack.settle();
    }
    peer.write('tial;');
    assert.equal(text(await readUntil(reader, ';')), 'partial');
  });

  it('because the peer ends too early leaves the bytes for the next one', async () => {
    const { reader, peer } = await connected();
    peer.write('abc');
    peer.close();
    await assert.rejects(
      readExactly(reader, 4),
      failsWith(ErrorCode.ERR_CLSD, /read 4 bytes: .*ended after 3 bytes/),
    );
    await assert.rejects(readUntil(reader, '\n'), failsWith(ErrorCode.ERR_CLSD));
    await assert.rejects(readLine(reader), failsWith(ErrorCode.ERR_CLSD));
    assert.deepEqual((await collect(read(reader))).map(text), ['abc']);
    assert.deepEqual([await readLine(reader), await readMessage(reader)], [undefined, undefined]);
    await assert.rejects(readExactly(reader, 1), failsWith(ErrorCode.ERR_CLSD));
    assert.equal((await readExactly(reader, 0)).length, 0);
  });

  it('ends with the client, by the code of onError or by ERR_CLSD', async () => {
    const ends: [(pair: Pair) => void, ErrorCode][] = [
      [({ peer }) => peer.abort(), ErrorCode.ERR_RST],
      [({ reader }) => reader.abort(), ErrorCode.ERR_ABRT],
      [({ reader }) => reader.close(), ErrorCode.ERR_CLSD],
    ];
    for (const [end, code] of ends) {
      const pair = await connected();
      const line = readLine(pair.reader);
      pair.peer.write('half a l');
      await pair.stack.settle();
      end(pair);
      await assert.rejects(line, failsWith(code));
      assert.equal(text((await read(pair.reader).next()).value), 'half a l');
      await assert.rejects(read(pair.reader).next(), failsWith(code), 'the end comes behind the data');
    }
  });

  it('has ERR_CONN for a client that was never connected', async () => {
    const client = new AsyncClient({ stack: new MemoryStack() });
    await assert.rejects(read(client).next(), failsWith(ErrorCode.ERR_CONN));
    await assert.rejects(readLine(client), failsWith(ErrorCode.ERR_CONN));
  });

  it('waits while the client connects, and ends with the attempt', async () => {
    const { stack } = await connected();
    const client = new AsyncClient({ stack });
    stack.refuse({ port: PORT });
    client.connect(HOST, PORT);
    await assert.rejects(readLine(client), failsWith(ErrorCode.ERR_RST));
  });
});

describe('readLines() and readMessages()', () => {
  it('end with the peer’s FIN behind the last one', async () => {
    const { reader, peer } = await connected();
    const lines = collect(readLines(reader));
    peer.write('one\r\ntwo\n\n');
    peer.close();
    assert.deepEqual(await lines, ['one', 'two', '']);

    const { reader: other, peer: sender } = await connected();
    const messages = collect(readMessages(other, { prefixBytes: 2, byteOrder: 'little' }));
    sender.write(Uint8Array.of(1, 0, 65, 0, 0, 2, 0, 66, 67));
    sender.close();
    assert.deepEqual((await messages).map(text), ['A', '', 'BC']);
  });

  it('find a limit that is passed, and the rest can still be read', async () => {
    const { reader, peer } = await connected();
    peer.write('far too long\n');
    await assert.rejects(readLine(reader, { limit: 5 }), failsWith(ErrorCode.ERR_VAL, /limit, 5 bytes/));
    assert.equal(await readLine(reader), 'far too long');
    const long = readLine(reader);
    peer.write('x'.repeat(DEFAULT_LIMIT_BYTES + 2));
    await assert.rejects(long, failsWith(ErrorCode.ERR_VAL));
  });

  it('read a line that is longer than the receive window', async () => {
    const { stack, reader, peer } = await connected({ receiveWindowBytes: 1024, sendBufferBytes: 100_000 });
    const line = readLine(reader);
    peer.write(`${'y'.repeat(50_000)}\n`);
    await stack.settle();
    assert.equal((await line)?.length, 50_000);
  });
});

describe('wrong arguments of a read', () => {
  it('throw at once, and change nothing', async () => {
    const { reader, peer } = await connected();
    const anything = (value: unknown): never => value as never;
    const other = await connected();
    const nothing = (): void => undefined;
    coreOf(other.reader).session?.attach({
      onConnected: nothing,
      onData: nothing,
      onSpace: nothing,
      onDrained: nothing,
      onEnd: nothing,
      onOver: nothing,
    });
    assert.throws(() => read(other.reader), /client must be your own/);
    assert.throws(() => read(anything({})), TypeError);
    assert.throws(() => read(reader, anything(5)), TypeError);
    assert.throws(() => read(reader, { signal: anything('now') }), TypeError);
    assert.throws(() => readExactly(reader, -1), RangeError);
    assert.throws(() => readExactly(reader, 1.5), RangeError);
    assert.throws(() => readExactly(reader, MAX_READ_BYTES + 1), RangeError);
    assert.throws(() => readExactly(reader, anything('3')), TypeError);
    assert.throws(() => readUntil(reader, ''), RangeError);
    assert.throws(() => readUntil(reader, new Uint8Array(MAX_DELIMITER_BYTES + 1)), RangeError);
    assert.throws(() => readUntil(reader, anything(7)), TypeError);
    assert.throws(() => readLine(reader, { limit: 0 }), RangeError);
    assert.throws(() => readLines(reader, { limit: MAX_READ_BYTES + 1 }), RangeError);
    assert.throws(() => readMessage(reader, { prefixBytes: anything(3) }), RangeError);
    assert.throws(() => readMessages(reader, { byteOrder: anything('middle') }), RangeError);
    const delimiter = new Uint8Array(MAX_DELIMITER_BYTES).fill(1);
    peer.write(delimiter);
    assert.equal((await readUntil(reader, delimiter)).length, 0);
  });
});
