import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { CopySlab, SLAB_BYTES } from '../system/copy-slab.js';
import { SendBatch } from './send-batch.js';

/** A real socket, and what arrived at its other end. */
interface Line {
  readonly socket: Socket;
  readonly arrived: () => Promise<Buffer>;
}

const server = createServer({ pauseOnConnect: true });

async function line(): Promise<Line> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [Socket],
    unknown,
  ];
  const arrived = async (): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    peer.on('data', (piece: Buffer) => pieces.push(piece));
    peer.resume();
    socket.end();
    await once(peer, 'end');
    return Buffer.concat(pieces);
  };
  return { socket, arrived };
}

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  server.close();
});

/** Bytes of which no two runs near each other are the same. */
const PATTERN = Uint8Array.from({ length: 1 << 20 }, (_, index) => (index * 31 + (index >> 8)) % 251);

function bytesFrom(start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const piece = PATTERN.subarray((start + done) % PATTERN.length).subarray(0, length - done);
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

/** Enqueues bytes and spoils the caller's buffer when it was copied. */
function enqueueFrom(batch: SendBatch, start: number, length: number, copy: boolean): void {
  const bytes = bytesFrom(start, length);
  batch.enqueue(bytes, copy);
  if (copy) bytes.fill(255);
}

/** Returns the number of chunks that a batch hands to the stream. */
async function chunksOf(fill: (batch: SendBatch) => void): Promise<number> {
  const { socket, arrived } = await line();
  const batch = new SendBatch(new CopySlab());
  fill(batch);
  const { bytes } = batch;
  let chunks = 0;
  const write = socket.write.bind(socket);
  socket.write = (chunk: Uint8Array, ...rest: []) => {
    chunks += 1;
    return write(chunk, ...rest);
  };
  batch.flush(socket);
  assert.deepEqual(await arrived(), Buffer.from(bytesFrom(0, bytes)));
  return chunks;
}

function lengthsOf(pieces: readonly Uint8Array[] | undefined): string | undefined {
  return pieces?.map(({ length }) => length).join(',');
}

describe('a batch', () => {
  it('counts its bytes, and is empty when it was flushed', async () => {
    const { socket, arrived } = await line();
    const batch = new SendBatch(new CopySlab());
    assert.equal(batch.bytes, 0);
    enqueueFrom(batch, 0, 10, true);
    enqueueFrom(batch, 10, 5, false);
    assert.equal(batch.bytes, 15);
    batch.flush(socket);
    assert.equal(batch.bytes, 0);
    assert.equal(socket.bytesWritten, 15);
    batch.flush(socket);
    assert.equal((await arrived()).length, 15);
  });

  it('gives the pieces that the kernel did not take within the call', async () => {
    const { socket, arrived } = await line();
    const batch = new SendBatch(new CopySlab());
    enqueueFrom(batch, 0, 10, true);
    assert.equal(batch.flush(socket), undefined);
    socket.cork();
    enqueueFrom(batch, 10, 10, true);
    assert.equal(lengthsOf(batch.flush(socket)), '10');
    enqueueFrom(batch, 20, 10, true);
    enqueueFrom(batch, 30, 10, false);
    assert.equal(lengthsOf(batch.flush(socket)), '10,10');
    socket.uncork();
    enqueueFrom(batch, 40, 10, true);
    enqueueFrom(batch, 50, 10, false);
    assert.equal(batch.flush(socket), undefined);
    assert.deepEqual(await arrived(), Buffer.from(bytesFrom(0, 60)));
  });

  it('of copies that follow each other is one piece', async () => {
    assert.equal(
      await chunksOf((batch) => {
        for (let index = 0; index < 20; index += 1) enqueueFrom(batch, index * 3, 3, true);
      }),
      1,
    );
  });

  it('of copies with one between that is not copied is three', async () => {
    assert.equal(
      await chunksOf((batch) => {
        enqueueFrom(batch, 0, 3, true);
        enqueueFrom(batch, 3, 3, false);
        enqueueFrom(batch, 6, 3, true);
        enqueueFrom(batch, 9, 3, true);
      }),
      3,
    );
  });

  it('of copies that fill a slab to the last byte is one piece, one byte more is a second', async () => {
    const half = SLAB_BYTES / 2;
    const whole = (batch: SendBatch): void => {
      enqueueFrom(batch, 0, half, true);
      enqueueFrom(batch, half, half, true);
    };
    assert.equal(await chunksOf(whole), 1);
    assert.equal(
      await chunksOf((batch) => {
        whole(batch);
        enqueueFrom(batch, SLAB_BYTES, 1, true);
      }),
      2,
    );
  });

  it('with a piece as large as the slab, or one byte larger, keeps every byte in order', async () => {
    for (const length of [SLAB_BYTES, SLAB_BYTES + 1]) {
      const chunks = await chunksOf((batch) => {
        enqueueFrom(batch, 0, 5, true);
        enqueueFrom(batch, 5, length, true);
        enqueueFrom(batch, 5 + length, 5, true);
      });
      assert.ok(chunks <= 3, `${chunks} pieces`);
    }
  });

  it('sends what was not copied from the caller’s own memory', async () => {
    const { socket, arrived } = await line();
    const batch = new SendBatch(new CopySlab());
    const bytes = bytesFrom(0, 10);
    batch.enqueue(bytes, false);
    bytes.fill(7);
    batch.flush(socket);
    assert.deepEqual(await arrived(), Buffer.alloc(10, 7));
  });

  it('takes another one over, whole and in order, and that one is empty', async () => {
    const { socket, arrived } = await line();
    const slab = new CopySlab();
    const [batch, other] = [new SendBatch(slab), new SendBatch(slab)];
    enqueueFrom(batch, 0, 4, true);
    enqueueFrom(other, 4, 4, true);
    enqueueFrom(other, 8, 4, false);
    enqueueFrom(other, 12, 4, true);
    batch.takeFrom(other);
    assert.deepEqual([batch.bytes, other.bytes], [16, 0]);
    batch.takeFrom(other);
    enqueueFrom(batch, 16, 4, true);
    enqueueFrom(other, 20, 4, true);
    batch.flush(socket);
    other.flush(socket);
    assert.deepEqual(await arrived(), Buffer.from(bytesFrom(0, 24)));
  });
});

describe('a batch that took another one over', () => {
  it('joins nothing to what it had before: the other one lies between', async () => {
    const { socket, arrived } = await line();
    const slab = new CopySlab();
    const [batch, other] = [new SendBatch(slab), new SendBatch(slab)];
    enqueueFrom(batch, 0, 4, true);
    enqueueFrom(other, 4, 4, false);
    batch.takeFrom(other);
    enqueueFrom(batch, 8, 4, true);
    batch.flush(socket);
    assert.deepEqual(await arrived(), Buffer.from(bytesFrom(0, 12)));
  });
});

describe("the slab's place", () => {
  it('is free again when the kernel took the piece within the call', async () => {
    const { socket, arrived } = await line();
    const slab = new CopySlab();
    const batch = new SendBatch(slab);
    enqueueFrom(batch, 0, 100, true);
    enqueueFrom(batch, 100, 100, true);
    batch.flush(socket);
    assert.equal(slab.copy(bytesFrom(0, 1)).byteOffset, 0);
    assert.equal((await arrived()).length, 200);
  });

  it('is kept while the piece waits in the stream', async () => {
    const { socket, arrived } = await line();
    const slab = new CopySlab();
    const batch = new SendBatch(slab);
    socket.cork();
    enqueueFrom(batch, 0, 100, true);
    batch.flush(socket);
    assert.equal(slab.copy(new Uint8Array(50)).byteOffset, 100);
    socket.uncork();
    assert.deepEqual(await arrived(), Buffer.from(bytesFrom(0, 100)));
  });
});

const LINES = 3;

type Step =
  | { readonly kind: 'enqueue'; readonly at: number; readonly length: number; readonly copy: boolean }
  | { readonly kind: 'flush' | 'hold' | 'cork' | 'uncork'; readonly at: number };

const at = fc.nat(LINES - 1);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(200) },
  { weight: 2, arbitrary: fc.nat(30_000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, SLAB_BYTES - 1, SLAB_BYTES, SLAB_BYTES + 1) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('enqueue' as const), at, length, copy: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'hold' as const, 'cork', 'uncork'), at }),
  },
);

/** One sender: what it writes goes to its batch, and by way of `hold` to another that is flushed first. */
class Sender {
  readonly socket: Socket;
  readonly arrived: () => Promise<Buffer>;
  readonly batch: SendBatch;
  readonly held: SendBatch;
  #enqueued = 0;
  readonly #offset: number;

  constructor(line: Line, slab: CopySlab, offset: number) {
    this.socket = line.socket;
    this.arrived = line.arrived;
    this.batch = new SendBatch(slab);
    this.held = new SendBatch(slab);
    this.#offset = offset;
  }

  do(step: Step): void {
    switch (step.kind) {
      case 'enqueue':
        enqueueFrom(this.batch, this.#offset + this.#enqueued, step.length, step.copy);
        this.#enqueued += step.length;
        break;
      case 'hold':
        this.held.takeFrom(this.batch);
        break;
      case 'flush':
        this.flush();
        break;
      case 'cork':
        this.socket.cork();
        break;
      case 'uncork':
        this.socket.uncork();
        break;
    }
  }

  flush(): void {
    if (this.held.bytes > 0) this.held.takeFrom(this.batch);
    const flushed = this.held.bytes > 0 ? this.held : this.batch;
    flushed.flush(this.socket);
  }

  async check(): Promise<void> {
    this.flush();
    while (this.socket.writableCorked > 0) this.socket.uncork();
    const arrived = await this.arrived();
    const expected = Buffer.from(bytesFrom(this.#offset, this.#enqueued));
    assert.ok(arrived.equals(expected), `${arrived.length} bytes arrived, ${expected.length} were enqueued`);
  }
}

it('several connections that share a slab send their own bytes, however they interleave', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (program) => {
      const slab = new CopySlab();
      const senders: Sender[] = [];
      for (let index = 0; index < LINES; index += 1)
        senders.push(new Sender(await line(), slab, index * 1000));
      for (const step of program) senders[step.at]?.do(step);
      for (const sender of senders) await sender.check();
    }),
    { numRuns: 60 },
  );
});
