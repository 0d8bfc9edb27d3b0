import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { ErrorCode } from '../port/error-code.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { read, readLine } from '../streams/read.js';
import { write } from '../streams/write.js';
import { pipe, type PipeOptions, type PipeResult } from './pipe.js';

const PORT = 7;
const HOST = '127.0.0.1';
const BUFFER = 2000;
const decoder = new TextDecoder();

/** A client of a peer, and what it has received. */
class Outside {
  readonly client: AsyncClient;
  received = '';
  bytes = 0;
  isEnded = false;
  reason: string | undefined;

  constructor(client: AsyncClient) {
    this.client = client;
    client.setAllowHalfOpen(true);
    client.onData((_, data) => {
      this.bytes += data.length;
      if (this.received.length < BUFFER) this.received += decoder.decode(data);
    });
    client.onEnd(() => (this.isEnded = true));
    client.onDisconnect((_, reason) => (this.reason = reason));
  }
}

/** Two connections whose inner ends, `a` and `b`, a pipe joins: left → a → b → right, and back. */
class Bed {
  readonly stack = new MemoryStack({ sendBufferBytes: BUFFER, receiveWindowBytes: BUFFER });
  readonly server = new AsyncServer(PORT, { stack: this.stack });
  readonly #accepted: AsyncClient[] = [];
  left!: Outside;
  right!: Outside;
  a!: AsyncClient;
  b!: AsyncClient;
  result: PipeResult | undefined;

  async open(): Promise<this> {
    this.server.onClient((client) => {
      this.#accepted.push(client);
      // Data waits for the pipe.
      return new Promise<void>(() => undefined);
    });
    await this.server.begin();
    [this.left, this.a] = await this.#connect();
    [this.right, this.b] = await this.#connect();
    return this;
  }

  async #connect(): Promise<[Outside, AsyncClient]> {
    const outside = new Outside(await AsyncClient.open(HOST, PORT, { stack: this.stack }));
    await this.stack.settle();
    return [outside, this.takeAccepted()];
  }

  takeAccepted(): AsyncClient {
    const accepted = this.#accepted.shift();
    assert.ok(accepted !== undefined);
    return accepted;
  }

  pipe(options?: PipeOptions): this {
    void pipe(this.a, this.b, options).then((result) => (this.result = result));
    return this;
  }

  /** Asserts the result, and that nothing is left. */
  async over(expected: Partial<PipeResult> & { readonly code?: ErrorCode }): Promise<void> {
    await this.stack.settle();
    const { error, ...result } = this.result ?? { error: undefined };
    assert.deepEqual(
      { ...result, code: error?.code },
      { aToB: 0, bToA: 0, by: undefined, code: undefined, ...expected },
    );
    await this.server.end();
    await this.stack.settle();
    const nothing = { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 };
    assert.deepEqual(this.stack.holdings(), nothing);
  }
}

function sides(bed: Bed): { side: 'a' | 'b'; near: Outside; far: Outside }[] {
  return [
    { side: 'a', near: bed.left, far: bed.right },
    { side: 'b', near: bed.right, far: bed.left },
  ];
}

describe('pipe()', () => {
  it('carries both ways, also what came before it began', async () => {
    const bed = await new Bed().open();
    bed.left.client.write('early');
    await bed.stack.settle();
    bed.pipe();
    bed.right.client.write('back');
    bed.left.client.write(' late');
    await bed.stack.settle();
    assert.deepEqual([bed.right.received, bed.left.received], ['early late', 'back']);
    bed.left.client.shutdown();
    bed.right.client.shutdown();
    await bed.over({ end: 'ended', aToB: 10, bToA: 4 });
  });

  for (const index of [0, 1]) {
    it(`carries half-close, first of ${index === 0 ? 'a' : 'b'}: the other direction goes on`, async () => {
      const bed = (await new Bed().open()).pipe();
      const { near, far } = sides(bed)[index] ?? assert.fail();
      near.client.write('question');
      near.client.shutdown();
      await bed.stack.settle();
      assert.deepEqual([far.received, far.isEnded, near.isEnded], ['question', true, false]);
      far.client.write('answer');
      await bed.stack.run(100_000);
      assert.deepEqual([near.received, near.isEnded, bed.result], ['answer', false, undefined]);
      far.client.shutdown();
      await bed.stack.settle();
      assert.equal(near.isEnded, true);
      await bed.over({ end: 'ended', ...(index === 0 ? { aToB: 8, bToA: 6 } : { aToB: 6, bToA: 8 }) });
    });

    it(`resets the other client if the peer of ${index === 0 ? 'a' : 'b'} resets`, async () => {
      const bed = (await new Bed().open()).pipe();
      const { side, near, far } = sides(bed)[index] ?? assert.fail();
      near.client.abort();
      await bed.stack.settle();
      assert.equal(far.reason, 'error');
      await bed.over({ end: 'reset', by: side, code: ErrorCode.ERR_RST });
    });

    it(`closes the other client behind its data if the program closes ${index === 0 ? 'a' : 'b'}`, async () => {
      const bed = (await new Bed().open()).pipe();
      const { side, near, far } = sides(bed)[index] ?? assert.fail();
      near.client.write('last');
      await bed.stack.settle();
      (index === 0 ? bed.a : bed.b).close();
      near.client.close();
      await bed.stack.settle();
      assert.deepEqual([far.received, far.isEnded], ['last', true]);
      far.client.close();
      await bed.over({ end: 'closed', by: side, ...(index === 0 ? { aToB: 4 } : { bToA: 4 }) });
    });

    it(`resets the other client if the program aborts ${index === 0 ? 'a' : 'b'}, or it times out`, async () => {
      for (const end of [(client: AsyncClient) => client.abort(), setShortTimeout]) {
        const bed = (await new Bed().open()).pipe();
        const { side, far } = sides(bed)[index] ?? assert.fail();
        end(index === 0 ? bed.a : bed.b);
        await bed.stack.run(60_000);
        assert.equal(far.reason, 'error');
        assert.equal(bed.result?.by, side);
        sides(bed)[index]?.near.client.abort();
        await bed.stack.settle();
        assert.equal(bed.result.end, 'reset');
      }
    });
  }

  function setShortTimeout(client: AsyncClient): void {
    client.setRxTimeout(1);
  }

  it('holds no more than the windows and the buffers for a reader that does not read', async () => {
    const bed = (await new Bed().open()).pipe();
    const { left, right, stack } = bed;
    right.client.pause();
    let sent = 0;
    for (let round = 0; round < 100; round += 1) {
      sent += left.client.write(new Uint8Array(1000));
      await stack.settle();
    }
    // right's window, b's buffer, a's window, left's buffer.
    assert.ok(sent > 0 && sent <= 4 * BUFFER, `${sent} bytes`);
    assert.equal(left.client.space(), 0);
    assert.ok(bed.a.unacknowledged() === 0 && bed.b.unacknowledged() <= BUFFER);
    right.client.resume();
    await stack.settle();
    assert.equal(right.bytes, sent);
    left.client.shutdown();
    right.client.shutdown();
    await bed.over({ end: 'ended', aToB: sent });
  });

  it('sends the FIN behind the bytes that wait', async () => {
    const bed = (await new Bed().open()).pipe();
    const { left, right, stack } = bed;
    right.client.pause();
    let sent = 0;
    for (let round = 0; round < 10; round += 1) {
      sent += left.client.write(new Uint8Array(1000));
      await stack.settle();
    }
    left.client.shutdown();
    right.client.shutdown();
    await stack.run(20_000);
    assert.equal(bed.result, undefined);
    right.client.resume();
    await stack.settle();
    assert.deepEqual([right.bytes, right.isEnded], [sent, true]);
    await bed.over({ end: 'ended', aToB: sent });
  });

  it('takes a client over from asynctcp/streams, with what was not read', async () => {
    const bed = await new Bed().open();
    bed.left.client.write('CONNECT\nfirst\nsecond\n');
    assert.equal(await readLine(bed.a), 'CONNECT');
    await write(bed.b, 'header\n');
    bed.pipe();
    bed.left.client.write('third\n');
    await bed.stack.settle();
    assert.equal(bed.right.received, 'header\nfirst\nsecond\nthird\n');
    assert.throws(() => read(bed.a), /^TypeError: client must be your own/);
    assert.throws(() => pipe(bed.a, bed.b), /^TypeError: client must be your own/);
    bed.left.client.shutdown();
    bed.right.client.shutdown();
    await bed.over({ end: 'ended', aToB: 19 });
  });

  it('carries what a stream has held back beyond the space', async () => {
    const bed = await new Bed().open();
    bed.left.client.write('x');
    await bed.stack.settle();
    assert.equal((await read(bed.a)[Symbol.asyncIterator]().next()).done, false);
    let sent = 0;
    bed.right.client.pause();
    for (let round = 0; round < 10; round += 1) {
      sent += bed.left.client.write(new Uint8Array(1500));
      await bed.stack.settle();
    }
    bed.pipe();
    await bed.stack.settle();
    bed.right.client.resume();
    await bed.stack.settle();
    assert.equal(bed.right.bytes, sent);
    bed.left.client.shutdown();
    bed.right.client.shutdown();
    await bed.over({ end: 'ended', aToB: sent });
  });

  it('refuses clients on which a read or a write waits', async () => {
    const bed = await new Bed().open();
    const reading = readLine(bed.a);
    assert.throws(() => pipe(bed.a, bed.b), { name: 'TcpError', code: ErrorCode.ERR_INPROGRESS });
    bed.left.client.write('\n');
    await reading;
    const writing = write(bed.b, new Uint8Array(3 * BUFFER));
    assert.throws(() => pipe(bed.a, bed.b), { name: 'TcpError', code: ErrorCode.ERR_INPROGRESS });
    await bed.stack.settle();
    await writing;
    bed.pipe();
    bed.left.client.close();
    bed.right.client.close();
    await bed.over({ end: 'ended' });
  });

  it('joins a client that still connects, and fails with it', async () => {
    const bed = await new Bed().open();
    bed.b.close();
    bed.right.client.close();
    bed.b = new AsyncClient({ stack: bed.stack });
    assert.equal(bed.b.connect(HOST, PORT), true);
    bed.left.client.write('early');
    bed.pipe();
    await bed.stack.settle();
    bed.left.client.shutdown();
    await bed.stack.settle();
    const far = new Outside(bed.takeAccepted());
    await bed.stack.settle();
    assert.deepEqual([far.received, far.isEnded], ['early', true]);
    far.client.shutdown();
    await bed.over({ end: 'ended', aToB: 5 });

    const other = await new Bed().open();
    other.b.close();
    other.right.client.close();
    other.b = new AsyncClient({ stack: other.stack });
    other.b.connect(HOST, PORT + 1);
    other.pipe();
    await other.stack.settle();
    assert.equal(other.left.reason, 'error');
    await other.over({ end: 'reset', by: 'b', code: ErrorCode.ERR_RST });
  });

  it('resets a client whose partner has no connection any more, or never had one', async () => {
    for (const isNew of [false, true]) {
      const bed = await new Bed().open();
      bed.b.close();
      bed.right.client.close();
      await bed.stack.settle();
      if (isNew) bed.b = new AsyncClient({ stack: bed.stack });
      bed.pipe();
      await bed.stack.settle();
      assert.equal(bed.left.reason, 'error');
      await bed.over({ end: 'reset', by: 'b', code: ErrorCode.ERR_CONN });
    }
  });

  it('ends by its signal, before and after it began, and takes the listener back', async () => {
    for (const isEarly of [true, false]) {
      const controller = new AbortController();
      const bed = await new Bed().open();
      if (isEarly) controller.abort();
      bed.pipe({ signal: controller.signal });
      await bed.stack.settle();
      controller.abort();
      await bed.stack.settle();
      assert.deepEqual([bed.left.reason, bed.right.reason], ['error', 'error']);
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
      await bed.over({ end: 'aborted', code: ErrorCode.ERR_ABRT });
    }
  });

  it('leaves the handlers to the program, and data that it withholds holds the pipe up', async () => {
    const bed = await new Bed().open();
    let seen = 0;
    bed.a.onData((client, data) => {
      seen += data.length;
      client.ackLater();
    });
    bed.pipe();
    let sent = 0;
    for (let round = 0; round < 10; round += 1) {
      sent += bed.left.client.write(new Uint8Array(1000));
      await bed.stack.settle();
    }
    assert.deepEqual([seen, bed.right.bytes], [BUFFER, BUFFER]);
    while (bed.a.ack(BUFFER) > 0) await bed.stack.settle();
    assert.deepEqual([seen, bed.right.bytes], [sent, sent]);
    bed.left.client.close();
    bed.right.client.close();
    await bed.over({ end: 'ended', aToB: sent });
  });

  it('checks its arguments', async () => {
    const bed = await new Bed().open();
    assert.throws(() => pipe(bed.a, bed.a), /^TypeError: a and b must be two clients/);
    assert.throws(() => pipe(bed.a, 5 as never), /^TypeError: client must be an AsyncClient/);
    assert.throws(() => pipe(bed.a, bed.b, { signal: 5 as never }), /^TypeError: signal must be/);
    assert.throws(() => pipe(bed.a, bed.b, 5 as never), /^TypeError: options must be an object/);
    bed.pipe();
    bed.left.client.close();
    bed.right.client.close();
    await bed.over({ end: 'ended' });
  });
});
