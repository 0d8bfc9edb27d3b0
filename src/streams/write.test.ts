import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { ErrorCode } from '../port/error-code.js';
import { TcpState } from '../port/tcp-state.js';
import { MemoryStack, type MemoryStackOptions } from '../stacks/memory/memory-stack.js';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { readLine } from './read.js';
import { end, write, writeLine, writeMessage } from './write.js';

const PORT = 7;
const HOST = '127.0.0.1';
const BUFFERS = { receiveWindowBytes: 1000, sendBufferBytes: 1000 };

interface Pair {
  readonly stack: MemoryStack;
  /** Writes by the functions under test. */
  readonly writer: AsyncClient;
  readonly peer: AsyncClient;
  /** The bytes that the peer has received, as text. */
  readonly received: () => string;
}

async function connected(options: MemoryStackOptions = {}): Promise<Pair> {
  const stack = new MemoryStack(options);
  const server = new AsyncServer(PORT, { stack });
  let peer: AsyncClient | undefined;
  let text = '';
  server.onClient((client) => {
    peer = client;
    client.onData((_, data) => (text += new TextDecoder('latin1').decode(data)));
  });
  await server.begin();
  const writer = new AsyncClient({ stack });
  writer.connect(HOST, PORT);
  await stack.settle();
  assert.ok(peer);
  return { stack, writer, peer, received: () => text };
}

const failsWith = (code: ErrorCode, message = /./) => ({ name: 'TcpError', code, message });

/** Returns if a promise is fulfilled, rejected or pending at this moment. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const pending = Symbol('pending');
  return Promise.race([promise, Promise.resolve(pending)]).then(
    (value) => (value === pending ? 'pending' : 'fulfilled'),
    () => 'rejected',
  );
}

describe('write()', () => {
  it('takes more than the send buffer, waits for space, and keeps the order of the calls', async () => {
    const { stack, writer, peer, received } = await connected(BUFFERS);
    peer.pause();
    const writes = [
      write(writer, 'a'.repeat(5000)),
      write(writer, new TextEncoder().encode('b')),
      write(writer, ''),
      write(writer, 'c'.repeat(3000)),
    ];
    await stack.settle();
    for (const writing of writes) assert.equal(await stateOf(writing), 'pending');
    assert.equal(writer.space(), 0);
    peer.resume();
    await Promise.all(writes);
    await stack.settle();
    assert.equal(received(), `${'a'.repeat(5000)}b${'c'.repeat(3000)}`);
  });

  it('resolves when all is taken, and not before', async () => {
    const { stack, writer, peer } = await connected(BUFFERS);
    peer.pause();
    await write(writer, new Uint8Array(1000));
    await stack.settle();
    const second = write(writer, new Uint8Array(1001));
    await stack.settle();
    assert.equal(await stateOf(second), 'pending');
    peer.resume();
    await second;
  });

  it('sends what was only added before, which would keep the buffer full', async () => {
    const { stack, writer, received } = await connected(BUFFERS);
    writer.add('x'.repeat(1000));
    await write(writer, 'y');
    await stack.settle();
    assert.equal(received(), `${'x'.repeat(1000)}y`);
  });

  it('needs nothing of a caller’s buffer once it has resolved, and takes one of another realm', async () => {
    const { stack, writer, received } = await connected();
    const own = new TextEncoder().encode('mine');
    await write(writer, own);
    own.fill(0);
    const foreign: unknown = runInNewContext('Uint8Array.of(33)');
    await write(writer, foreign as Uint8Array);
    await stack.settle();
    assert.equal(received(), 'mine!');
  });

  it('waits while the client connects', async () => {
    const { stack, writer, received } = await connected();
    writer.abort();
    await stack.settle();
    writer.connect(HOST, PORT);
    const writing = write(writer, 'early');
    assert.equal(await stateOf(writing), 'pending');
    await writing;
    await stack.settle();
    assert.equal(received(), 'early');
  });

  it('by its signal leaves the others, if nothing of it was taken', async () => {
    const { stack, writer, peer, received } = await connected(BUFFERS);
    peer.pause();
    const stop = new AbortController();
    const first = write(writer, 'a'.repeat(3000));
    const second = write(writer, 'b', { signal: stop.signal });
    const third = write(writer, 'c');
    stop.abort(new Error('too late'));
    await assert.rejects(second, { ...failsWith(ErrorCode.ERR_ABRT), cause: new Error('too late') });
    await assert.rejects(write(writer, 'd', { signal: stop.signal }), failsWith(ErrorCode.ERR_ABRT));
    peer.resume();
    await Promise.all([first, third]);
    await stack.settle();
    assert.equal(received(), `${'a'.repeat(3000)}c`);
  });

  it('by its signal resets the connection, if a part of it was taken', async () => {
    const { stack, writer, peer } = await connected(BUFFERS);
    peer.pause();
    let code: number | undefined;
    peer.onError((_, error) => (code = error));
    const stop = new AbortController();
    const torn = write(writer, new Uint8Array(5000), { signal: stop.signal });
    const next = write(writer, 'next');
    stop.abort();
    await assert.rejects(torn, failsWith(ErrorCode.ERR_ABRT));
    await assert.rejects(next, failsWith(ErrorCode.ERR_ABRT));
    peer.resume();
    await stack.settle();
    assert.equal(code, ErrorCode.ERR_RST);
  });

  it('resets the connection if its data is detached while a part waits', async () => {
    const { stack, writer, peer } = await connected(BUFFERS);
    peer.pause();
    const data = new Uint8Array(5000);
    const torn = write(writer, data);
    structuredClone(data, { transfer: [data.buffer] });
    peer.resume();
    await assert.rejects(torn, failsWith(ErrorCode.ERR_IF, /detached/));
    await stack.settle();
    assert.equal(writer.state(), TcpState.CLOSED);
  });

  it('ends with the client, by the code of onError or by ERR_CLSD, and may be ignored', async () => {
    const ends: [(pair: Pair) => void, ErrorCode][] = [
      [({ peer }) => peer.abort(), ErrorCode.ERR_RST],
      [({ writer }) => writer.abort(), ErrorCode.ERR_ABRT],
      [({ writer }) => writer.close(), ErrorCode.ERR_CLSD],
    ];
    for (const [finish, code] of ends) {
      const pair = await connected(BUFFERS);
      pair.peer.pause();
      const waiting = write(pair.writer, new Uint8Array(5000));
      void write(pair.writer, 'ignored');
      await pair.stack.settle();
      finish(pair);
      pair.peer.resume();
      await assert.rejects(waiting, failsWith(code));
      await assert.rejects(write(pair.writer, 'late'), failsWith(code));
    }
  });

  it('has ERR_CONN for a client that was never connected', async () => {
    const client = new AsyncClient({ stack: new MemoryStack() });
    await assert.rejects(write(client, 'x'), failsWith(ErrorCode.ERR_CONN));
    await assert.rejects(end(client), failsWith(ErrorCode.ERR_CONN));
  });

  it('alone takes no data: it waits for a handler, or goes to the handler that is there', async () => {
    const { stack, peer } = await connected();
    const opened = await AsyncClient.open(HOST, PORT, { stack });
    await write(opened, 'request');
    peer.write('to the writer');
    const server = new AsyncServer(8, { stack });
    server.onClient((client) => {
      client.write('answer\n');
    });
    await server.begin();
    const asker = await AsyncClient.open(HOST, 8, { stack });
    await write(asker, 'question');
    await stack.settle();
    assert.equal(await readLine(asker), 'answer');

    const handled = await AsyncClient.open(HOST, 8, { stack });
    let seen = 0;
    handled.onData((_, data) => (seen += data.length));
    await write(handled, 'question');
    await stack.settle();
    assert.equal(seen, 7);
  });
});

describe('end()', () => {
  it('sends FIN behind all writes, and receiving goes on', async () => {
    const { stack, writer, peer, received } = await connected(BUFFERS);
    peer.setAllowHalfOpen(true);
    let atEnd = '';
    peer.onEnd(() => (atEnd = received()));
    const line = readLine(writer);
    void write(writer, 'z'.repeat(3000));
    const ended = end(writer);
    await assert.rejects(write(writer, 'more'), failsWith(ErrorCode.ERR_CLSD));
    await ended;
    await stack.settle();
    assert.equal(atEnd, 'z'.repeat(3000));
    peer.write('still here\n');
    assert.equal(await line, 'still here');
    await end(writer);
  });

  it('that its signal withdraws lets writing go on', async () => {
    const { stack, writer, peer, received } = await connected(BUFFERS);
    peer.pause();
    const stop = new AbortController();
    void write(writer, 'z'.repeat(3000));
    const ended = end(writer, { signal: stop.signal });
    stop.abort();
    await assert.rejects(ended, failsWith(ErrorCode.ERR_ABRT));
    await assert.rejects(end(writer, { signal: stop.signal }), failsWith(ErrorCode.ERR_ABRT));
    peer.resume();
    await write(writer, '!');
    await stack.settle();
    assert.equal(received(), `${'z'.repeat(3000)}!`);
  });

  it('of a closed client has nothing to do', async () => {
    const { stack, writer } = await connected();
    await write(writer, 'x');
    writer.close();
    await end(writer);
    await stack.settle();
    await end(writer);
  });
});

describe('writeLine() and writeMessage()', () => {
  it('write what readLine and readMessage read', async () => {
    const { stack, writer, received } = await connected();
    await writeLine(writer, 'Grüße');
    await writeMessage(writer, 'ab', { prefixBytes: 2, byteOrder: 'little' });
    await writeMessage(writer, Uint8Array.of(99));
    await stack.settle();
    const bytes = Buffer.from('Grüße\n').toString('latin1');
    assert.equal(received(), `${bytes}\x02\x00ab\x00\x00\x00\x01c`);
  });

  it('refuse what the reader would take for something else', async () => {
    const { writer } = await connected();
    assert.throws(() => writeLine(writer, 'one\ntwo'), RangeError);
    assert.throws(() => writeMessage(writer, new Uint8Array(256), { prefixBytes: 1 }), RangeError);
    await writeMessage(writer, new Uint8Array(255), { prefixBytes: 1 });
    const anything = (value: unknown): never => value as never;
    assert.throws(() => writeLine(writer, anything(5)), TypeError);
    assert.throws(() => write(writer, anything(5)), TypeError);
    assert.throws(() => write(anything('client'), 'x'), TypeError);
    assert.throws(() => write(writer, 'x', anything(null)), TypeError);
  });
});
