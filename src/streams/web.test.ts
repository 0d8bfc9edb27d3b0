import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { TcpState } from '../port/tcp-state.js';
import { MemoryStack, type MemoryStackOptions } from '../stacks/memory/memory-stack.js';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { readLine } from './read.js';
import { toWeb, type WebStreams } from './web.js';
import { end } from './write.js';

const PORT = 7;
const HOST = '127.0.0.1';
const BUFFERS = { receiveWindowBytes: 1000, sendBufferBytes: 1000 };

interface Pair {
  readonly stack: MemoryStack;
  readonly client: AsyncClient;
  readonly web: WebStreams;
  readonly peer: AsyncClient;
  /** Bytes that the peer has received. */
  readonly received: () => number;
  /** Code of the peer's `onError`. */
  readonly peerCode: () => number | undefined;
}

async function connected(options: MemoryStackOptions = {}): Promise<Pair> {
  const stack = new MemoryStack(options);
  const server = new AsyncServer(PORT, { stack });
  let peer: AsyncClient | undefined;
  let bytes = 0;
  let code: number | undefined;
  server.onClient((client) => {
    peer = client;
    client.onData((_, data) => (bytes += data.length));
    client.onError((_, error) => (code = error));
  });
  await server.begin();
  const client = await AsyncClient.open(HOST, PORT, { stack });
  await stack.settle();
  assert.ok(peer);
  return { stack, client, web: toWeb(client), peer, received: () => bytes, peerCode: () => code };
}

const failsWith = (code: ErrorCode) => ({ name: 'TcpError', code });

describe('the readable of toWeb()', () => {
  it('opens the window by what was read, with and without a buffer of the reader’s own', async () => {
    for (const mode of ['default', 'byob'] as const) {
      const { stack, web, peer } = await connected({ ...BUFFERS, sendBufferBytes: 10_000 });
      peer.write(Uint8Array.from({ length: 9000 }, (_, place) => place));
      await stack.settle();
      assert.equal(peer.unacknowledged(), 8000, 'before the first read');
      const plain = mode === 'default' ? web.readable.getReader() : undefined;
      const byob = mode === 'byob' ? web.readable.getReader({ mode: 'byob' }) : undefined;
      let taken = 0;
      while (taken < 9000) {
        const { value } = (await (plain?.read() ?? byob?.read(new Uint8Array(700)))) ?? {};
        assert.ok(value);
        for (const byte of value) {
          assert.equal(byte, taken % 256);
          taken += 1;
        }
        await stack.settle();
        // Of a piece that is read in parts the rest is the stream's.
        const ahead = 9000 - peer.unacknowledged() - taken;
        assert.ok(ahead <= (mode === 'default' ? 1000 : 2000), `${ahead} bytes ahead`);
      }
      peer.close();
      const last = await (plain?.read() ?? byob?.read(new Uint8Array(700)));
      assert.equal(last?.done, true);
      await web.closed;
    }
  });

  it('continues where a read has stopped, and is one for each life', async () => {
    const { client, web, peer } = await connected();
    assert.equal(toWeb(client), web);
    peer.write('line\nrest');
    assert.equal(await readLine(client), 'line');
    const { value } = await web.readable.getReader().read();
    assert.equal(new TextDecoder().decode(value), 'rest');
  });

  it('gives pieces of its own, which may be transferred while a handler keeps the same data', async () => {
    const { client, web, peer } = await connected();
    const seen: Uint8Array[] = [];
    client.onData((_, data) => seen.push(data));
    peer.write('abc');
    const { value } = await web.readable.getReader().read();
    assert.ok(value);
    structuredClone(value, { transfer: [value.buffer] });
    assert.equal(new TextDecoder().decode(seen[0]), 'abc');
  });

  it('that is cancelled without a reason drops data, and the connection ends when both are done', async () => {
    const { stack, client, web, peer, received } = await connected(BUFFERS);
    const reader = web.readable.getReader();
    const waiting = reader.read();
    await reader.cancel();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    for (let count = 0; count < 5; count += 1) {
      peer.write(new Uint8Array(1000));
      await stack.settle();
    }
    assert.equal(peer.unacknowledged(), 0, 'the window is open');
    const writer = web.writable.getWriter();
    await writer.write('still');
    await writer.close();
    await web.closed;
    await stack.settle();
    assert.deepEqual([received(), client.connected()], [5, false]);
  });

  it('that is cancelled after the peer’s FIN closes the client, whether data waits or not', async () => {
    for (const data of ['', 'not read']) {
      const { stack, client, web, peer } = await connected();
      peer.write(data);
      peer.shutdown();
      await stack.settle();
      assert.equal(client.state(), TcpState.CLOSE_WAIT);
      await web.readable.cancel();
      await web.closed;
      await stack.settle();
      assert.deepEqual([client.state(), peer.state()], [TcpState.CLOSED, TcpState.CLOSED]);
    }
  });

  it('that is cancelled after the peer’s FIN leaves a half-open client to its writer', async () => {
    const { stack, client, web, peer, received } = await connected();
    client.setAllowHalfOpen(true);
    peer.shutdown();
    await stack.settle();
    await web.readable.cancel();
    const writer = web.writable.getWriter();
    await writer.write('still');
    await writer.close();
    await web.closed;
    await stack.settle();
    assert.equal(received(), 5);
  });

  it('that is cancelled loses no write that waits, after the peer’s FIN or before its own', async () => {
    const ways: ((client: AsyncClient, peer: AsyncClient) => unknown)[] = [
      (_, peer) => peer.shutdown(),
      (client) => end(client),
    ];
    for (const way of ways) {
      const { stack, client, web, peer, received } = await connected(BUFFERS);
      peer.setAllowHalfOpen(true);
      peer.pause();
      const writing = web.writable.getWriter().write(new Uint8Array(5000));
      way(client, peer);
      await stack.settle();
      await web.readable.cancel();
      peer.resume();
      await writing;
      await stack.settle();
      peer.close();
      await web.closed;
      await stack.settle();
      assert.equal(received(), 5000);
    }
  });

  it('that is cancelled with a reason resets the connection, also after the peer’s FIN', async () => {
    for (const hasEnded of [false, true]) {
      const { stack, web, peer, peerCode } = await connected();
      if (hasEnded) peer.setAllowHalfOpen(true);
      if (hasEnded) peer.shutdown();
      await stack.settle();
      await web.readable.cancel(new Error('not of interest'));
      await assert.rejects(web.closed, failsWith(ErrorCode.ERR_ABRT));
      await stack.settle();
      assert.equal(peerCode(), ErrorCode.ERR_RST);
    }
  });

  it('is errored by a fault, behind the data that has come', async () => {
    const { stack, web, peer } = await connected();
    peer.write('last');
    await stack.settle();
    peer.abort();
    await stack.settle();
    const reader = web.readable.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'last');
    await assert.rejects(reader.read(), failsWith(ErrorCode.ERR_RST));
    await assert.rejects(web.closed, failsWith(ErrorCode.ERR_RST));

    const { stack: other, web: idle, peer: resetting } = await connected();
    const closed = idle.readable.getReader().closed;
    resetting.abort();
    await other.settle();
    await assert.rejects(closed, failsWith(ErrorCode.ERR_RST), 'no read waits');
  });
});

describe('the writable of toWeb()', () => {
  it('is ready exactly while there is space', async () => {
    const { stack, client, web, peer, received } = await connected(BUFFERS);
    peer.pause();
    const writer = web.writable.getWriter();
    let isReady = false;
    let written = 0;
    for (; writer.desiredSize === 1; written += 100) {
      assert.ok(client.space() > 0);
      void writer.write(new Uint8Array(100));
      await stack.settle();
    }
    // The peer's window and this side's buffer.
    assert.deepEqual([written, client.space()], [2000, 0]);
    void writer.ready.then(() => (isReady = true));
    await stack.settle();
    assert.deepEqual([isReady, writer.desiredSize], [false, 0]);
    peer.resume();
    await writer.ready;
    assert.ok(client.space() > 0);
    await writer.close();
    await stack.settle();
    assert.equal(received(), 2000);
  });

  it('closes with FIN behind the last byte, and data can still be read', async () => {
    const { stack, web, peer, received } = await connected(BUFFERS);
    peer.setAllowHalfOpen(true);
    let atEnd = 0;
    peer.onEnd(() => (atEnd = received()));
    const writer = web.writable.getWriter();
    void writer.write(new Uint8Array(5000));
    await writer.close();
    await stack.settle();
    assert.equal(atEnd, 5000);
    peer.write('answer');
    peer.close();
    const pieces: string[] = [];
    for await (const piece of web.readable) pieces.push(new TextDecoder().decode(piece));
    assert.deepEqual(pieces, ['answer']);
    await web.closed;
  });

  it('resets the connection by abort, and by a chunk that is neither bytes nor text', async () => {
    const ways: ((writer: WritableStreamDefaultWriter) => Promise<unknown>)[] = [
      (writer) => writer.abort(new Error('enough')),
      (writer) => assert.rejects(writer.write(5), TypeError),
    ];
    for (const way of ways) {
      const { stack, web, peerCode } = await connected();
      await way(web.writable.getWriter());
      await stack.settle();
      assert.equal(peerCode(), ErrorCode.ERR_RST);
      await assert.rejects(web.closed, failsWith(ErrorCode.ERR_ABRT));
    }
  });

  it('resets the connection by abort also while a write waits for space', async () => {
    const { stack, web, peer, peerCode } = await connected(BUFFERS);
    peer.pause();
    const writer = web.writable.getWriter();
    const writing = writer.write(new Uint8Array(5000));
    await stack.settle();
    const aborting = writer.abort(new Error('enough'));
    await assert.rejects(web.closed, failsWith(ErrorCode.ERR_ABRT));
    await assert.rejects(writing, failsWith(ErrorCode.ERR_ABRT));
    await aborting;
    await stack.settle();
    assert.equal(peerCode(), ErrorCode.ERR_RST);
  });

  it('is errored when the client ends, also while a write waits', async () => {
    const { stack, client, web, peer } = await connected(BUFFERS);
    peer.pause();
    const writer = web.writable.getWriter();
    const waiting = writer.write(new Uint8Array(5000));
    const { closed } = writer;
    await stack.settle();
    client.abort();
    await assert.rejects(waiting, failsWith(ErrorCode.ERR_ABRT));
    await assert.rejects(closed, failsWith(ErrorCode.ERR_ABRT));
  });
});

describe('toWeb()', () => {
  it('pipes a client’s data back to it, and ends with it', async () => {
    const { stack, client, peer, received } = await connected(BUFFERS);
    const { readable, writable, closed } = toWeb(client);
    const piping = readable.pipeTo(writable);
    let sent = 0;
    while (sent < 50_000) {
      sent += peer.write(new Uint8Array(Math.min(777, 50_000 - sent)));
      await stack.settle();
    }
    peer.shutdown();
    await piping;
    await closed;
    await stack.settle();
    assert.equal(received(), 50_000);
  });

  it('of a client that was never connected is refused', () => {
    assert.throws(() => toWeb(new AsyncClient({ stack: new MemoryStack() })), failsWith(ErrorCode.ERR_CONN));
  });
});
