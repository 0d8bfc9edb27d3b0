/**
 * Programs that take the memory of received data away: by a byte stream, by a transfer to a thread. If the
 * engine allows that, no other connection loses a byte, and the addon never writes into memory that it does
 * not hold. From Node 24 on the engine refuses it.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import { AsyncClient, AsyncServer, kernelStack } from 'asynctcp';
import { marksHold } from '#src/stacks/kernel/receive-pages.js';
import { LARGE_BYTES, MAX_PAGES, PAGE_BYTES } from '#src/addon/native-sockets.js';
import { pattern, PatternReader } from '../contract/pattern.js';
import { unlessAddonLoads } from './require-addon.js';

const HANGS_MS = 120_000;
const CLIENTS = 6;
const BYTES = 2_000_000;
const CANARY = 0x5a;
const isHeld = marksHold();

/** Gives the memory of the bytes to a byte stream. Returns undefined if the engine refuses. */
function enqueue(bytes: Uint8Array): ReadableStream<Uint8Array> | undefined {
  const { length } = bytes;
  let controller: ReadableByteStreamController | undefined;
  const stream = new ReadableStream({
    type: 'bytes',
    start(given) {
      controller = given;
    },
  });
  try {
    controller?.enqueue(bytes);
    return stream;
  } catch (error) {
    assert.ok(error instanceof TypeError);
    assert.equal(bytes.length, length, 'what is refused changes nothing');
    return undefined;
  }
}

async function read(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | undefined> {
  return (await stream.getReader().read()).value;
}

interface Taken {
  readonly place: number;
  readonly length: number;
  readonly stream: ReadableStream<Uint8Array>;
}

/** One end that receives a stream, and gives each piece to a byte stream. */
class Receiver {
  readonly reader: PatternReader;
  readonly seed: number;
  readonly taken: Taken[] = [];
  readonly canaries: Uint8Array[] = [];
  error: string | undefined;

  constructor(seed: number) {
    this.seed = seed;
    this.reader = new PatternReader(seed);
  }

  take(bytes: Uint8Array): void {
    const place = this.reader.bytes;
    const { length } = bytes;
    this.reader.take(bytes);
    const stream = enqueue(bytes);
    assert.equal(stream === undefined, isHeld && length >= LARGE_BYTES, 'as it is documented');
    if (stream === undefined) return;
    this.taken.push({ place, length, stream });
    // Memory that takes the place of what is freed.
    if (this.canaries.length < 64) this.canaries.push(Buffer.allocUnsafeSlow(PAGE_BYTES).fill(CANARY));
  }

  /** Taken bytes still have the content that came. */
  async check(): Promise<void> {
    for (const { place, length, stream } of this.taken) {
      const bytes = await read(stream);
      assert.equal(Buffer.compare(bytes ?? new Uint8Array(), pattern(this.seed, place, length)), 0);
    }
    for (const canary of this.canaries) {
      assert.ok(
        canary.every((byte) => byte === CANARY),
        'written into foreign memory',
      );
    }
  }
}

function send(client: AsyncClient, seed: number): void {
  let sent = 0;
  const fill = (): void => {
    while (sent < BYTES && client.canSend())
      sent += client.write(pattern(seed, sent, Math.min(100_000, BYTES - sent)));
    if (sent === BYTES) client.close();
  };
  client.onAck(fill);
  fill();
}

/** Some clients send at once, each to a server of its own; `receive` sets the handlers of what it accepts. */
async function sendAll(
  test: TestContext,
  receive: (client: AsyncClient, receiver: Receiver) => void,
): Promise<Receiver[]> {
  const stack = kernelStack();
  const receivers = Array.from({ length: CLIENTS }, (_, seed) => new Receiver(seed));
  const ended = receivers.map(async (receiver) => {
    const server = new AsyncServer('127.0.0.1', 0, { stack });
    test.after(() => server.end({ clients: 'abort' }));
    const over = new Promise<void>((resolve) => {
      server.onClient((client) => {
        client.onError((_, code, cause) => (receiver.error = `${code} ${cause?.message ?? ''}`));
        client.onDisconnect(() => {
          resolve();
        });
        receive(client, receiver);
      });
    });
    await server.begin();
    const client = new AsyncClient({ stack });
    client.onConnect(() => send(client, receiver.seed));
    client.connect('127.0.0.1', server.port());
    await over;
  });
  await Promise.all(ended);
  return receivers;
}

function checkWhole(receivers: readonly Receiver[]): void {
  const results = receivers.map(({ reader, error }) => [reader.bytes, reader.matches, error]);
  assert.deepEqual(results, new Array(CLIENTS).fill([BYTES, true, undefined]));
}

describe('memory of received data that a program takes away', { skip: unlessAddonLoads() }, () => {
  it(
    'by onData costs no other client a byte, and is not written any more',
    { timeout: HANGS_MS },
    async (test) => {
      const receivers = await sendAll(test, (client, receiver) => {
        client.onData((_, data) => receiver.take(data));
      });
      checkWhole(receivers);
      for (const receiver of receivers) await receiver.check();
    },
  );

  it(
    'by onPacket neither, and the packets that are given back open the window',
    { timeout: HANGS_MS },
    async (test) => {
      const receivers = await sendAll(test, (client, receiver) => {
        client.onPacket((_, packet) => {
          const { length } = packet.data;
          receiver.take(packet.data);
          assert.equal(packet.length, length);
          client.ackPacket(packet);
        });
      });
      checkWhole(receivers);
      for (const receiver of receivers) await receiver.check();
    },
  );
});

/** Ways to move memory away; each may be refused, and then nothing has changed. */
const WAYS: Readonly<Record<string, (buffer: ArrayBuffer) => void>> = {
  structuredClone: (buffer) => void structuredClone(buffer, { transfer: [buffer] }),
  'transfer()': (buffer) => {
    const move: unknown = Reflect.get(buffer, 'transfer');
    if (typeof move === 'function') Reflect.apply(move, buffer, []);
  },
  postMessage: (buffer) => {
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(buffer, [buffer]);
    } finally {
      port1.close();
      port2.close();
    }
  },
  'a byte stream': (buffer) => void enqueue(new Uint8Array(buffer)),
};

function move(name: string, bytes: Uint8Array): void {
  assert.ok(bytes.buffer instanceof ArrayBuffer);
  const { length } = bytes;
  try {
    WAYS[name]?.(bytes.buffer);
  } catch (error) {
    assert.ok(
      error instanceof TypeError || (error instanceof Error && error.name === 'DataCloneError'),
      String(error),
    );
    assert.equal(bytes.length, length);
  }
}

for (const name of Object.keys(WAYS)) {
  it(
    `a packet whose memory is moved by ${name} opens the window by its length`,
    { skip: unlessAddonLoads(), timeout: HANGS_MS },
    async (test) => {
      const receivers = await sendAll(test, (client, receiver) => {
        // More than the window altogether.
        client.onPacket((_, packet) => {
          const { length } = packet.data;
          receiver.reader.take(packet.data);
          move(name, packet.data);
          assert.equal(packet.length, length);
          client.ackPacket(packet);
        });
      });
      checkWhole(receivers);
    },
  );
}

it(
  'memory that is taken away and freed by the engine is not received into',
  { skip: unlessAddonLoads(), timeout: HANGS_MS },
  async (test) => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    assert.ok(typeof collect === 'function');
    const receivers = await sendAll(test, (client, receiver) => {
      client.onPacket((_, packet) => {
        receiver.reader.take(packet.data);
        enqueue(packet.data);
        client.ackPacket(packet);
        // Nothing holds the stream.
        if (receiver.reader.bytes < BYTES / 4) Reflect.apply(collect, undefined, []);
      });
    });
    checkWhole(receivers);
  },
);

it(
  'memory that is taken away while nothing is received is replaced, again and again',
  { skip: unlessAddonLoads(), timeout: HANGS_MS },
  async (test) => {
    const stack = kernelStack();
    const server = new AsyncServer('127.0.0.1', 0, { stack });
    test.after(() => server.end({ clients: 'abort' }));
    const reader = new PatternReader(1);
    let kept: Uint8Array | undefined;
    let came: () => void = () => undefined;
    server.onClient((client) => {
      client.onData((_, data) => {
        reader.take(data);
        kept = data;
        came();
      });
    });
    await server.begin();
    const client = await AsyncClient.open('127.0.0.1', server.port(), { stack });
    let sent = 0;
    // Each page is lost in turn, and more than there are.
    for (let round = 0; round < 3 * MAX_PAGES; round += 1) {
      sent += client.write(pattern(1, sent, 20_000));
      while (reader.bytes < sent) await new Promise<void>((resolve) => (came = resolve));
      // In a turn of the program's own.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (kept !== undefined) enqueue(kept);
    }
    assert.deepEqual([reader.bytes, reader.matches], [sent, true]);
    client.close();
  },
);
