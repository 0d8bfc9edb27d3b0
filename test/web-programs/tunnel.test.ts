/** A tunnel between the client of the package ws and a device of node:net, each of which may be slow. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { startExample, SYSTEM_STACKS, type Example } from './example.js';

/** More than the buffers of all sockets on the way. */
const PIECES = 1024;
const PIECE = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');
const MESSAGE_BYTES = 4096;
const ALL_BYTES = PIECES * PIECE.length;

/** More than what the tunnel may hold of one connection: what it had read when it was held back. */
const MOST_HELD_BYTES = 1_048_576;

interface Ends {
  readonly example: Example;
  readonly ws: WebSocket;
  readonly device: Socket;
}

/** Starts a device and a tunnel to it, and connects a browser. */
async function startEnds(test: TestContext, stack: string): Promise<Ends> {
  const server = createServer();
  test.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const example = await startExample(test, 'tunnel', stack, { DEVICE_PORT: String(port) });
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const ws = new WebSocket(`${example.url.replace('http', 'ws')}/device`);
  await once(ws, 'open');
  const [device] = await connected;
  test.after(() => {
    ws.terminate();
    device.destroy();
  });
  return { example, ws, device };
}

/** Sends all bytes, in messages so short that the tunnel reads several of them at once. */
function sendAll(ws: WebSocket): void {
  for (let piece = 0; piece < PIECES; piece += 1) {
    for (let at = 0; at < PIECE.length; at += MESSAGE_BYTES) ws.send(PIECE.subarray(at, at + MESSAGE_BYTES));
  }
}

/** Returns the bytes that the tunnel holds. */
async function heldBytes({ example }: Ends): Promise<number> {
  const [held = 0] = (await (await fetch(`${example.url}/held`)).json()) as number[];
  return held;
}

/** Waits until the sender makes no progress between answers of the tunnel, or is done. */
async function untilHeldBack(ends: Ends, unsentBytes: () => number): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  while (unsentBytes() > 0 && unsentBytes() < before) {
    before = unsentBytes();
    for (let times = 0; times < 20; times += 1) {
      const held = await heldBytes(ends);
      assert.ok(held <= MOST_HELD_BYTES, `the tunnel holds ${held} bytes`);
    }
  }
  assert.ok(unsentBytes() > 0, 'the sender is held back');
}

/** Returns a digest of what comes until all of it is there. */
function reader(): { read: (data: Buffer) => void; all: Promise<string> } {
  const sha256 = createHash('sha256');
  let bytes = 0;
  let done: (digest: string) => void;
  const all = new Promise<string>((resolve) => (done = resolve));
  const read = (data: Buffer): void => {
    sha256.update(data);
    bytes += data.length;
    if (bytes === ALL_BYTES) done(sha256.digest('hex'));
  };
  return { read, all };
}

const SENT = createHash('sha256');
for (let piece = 0; piece < PIECES; piece += 1) SENT.update(PIECE);
const SENT_DIGEST = SENT.digest('hex');

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`tunnel on ${stack}`, { skip, timeout: 120_000 }, () => {
    it('carries what each side says, and closes each side behind the other', async (test) => {
      const { ws, device } = await startEnds(test, stack);
      ws.send('from the browser');
      assert.equal(String((await once(device, 'data'))[0]), 'from the browser');
      device.end('from the device');
      const closed = once(ws, 'close');
      const [data, isBinary] = (await once(ws, 'message')) as [Buffer, boolean];
      assert.deepEqual([data.toString(), isBinary], ['from the device', true]);
      const [code, reason] = (await closed) as [number, Buffer];
      assert.deepEqual([code, reason.toString()], [1000, 'the device has gone']);

      const second = await startEnds(test, stack);
      const ended = once(second.device.resume(), 'end');
      second.ws.send('goodbye');
      second.ws.close();
      await ended;
    });

    it('closes a browser at once whose device is not there', async (test) => {
      const server = createServer();
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      await once(server.close(), 'close');
      const { url } = await startExample(test, 'tunnel', stack, { DEVICE_PORT: String(port) });
      const ws = new WebSocket(`${url.replace('http', 'ws')}/device`);
      const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
      assert.deepEqual([code, reason.toString()], [1000, 'the device has gone']);
    });

    it('closes a browser that is held back when its device goes', async (test) => {
      const ends = await startEnds(test, stack);
      const { ws, device } = ends;
      sendAll(ws);
      await untilHeldBack(ends, () => ws.bufferedAmount);
      device.resetAndDestroy();
      assert.equal((await once(ws, 'close'))[0], 1000);
    });

    it('holds a browser back whose device does not read', async (test) => {
      const ends = await startEnds(test, stack);
      const { ws, device } = ends;
      sendAll(ws);
      await untilHeldBack(ends, () => ws.bufferedAmount);
      const { read, all } = reader();
      device.on('data', read);
      assert.equal(await all, SENT_DIGEST);
    });

    it('holds a device back whose browser does not read', async (test) => {
      const ends = await startEnds(test, stack);
      const { ws, device } = ends;
      ws.pause();
      const { read, all } = reader();
      ws.on('message', read);
      for (let piece = 0; piece < PIECES; piece += 1) device.write(PIECE);
      await untilHeldBack(ends, () => device.writableLength);
      ws.resume();
      assert.equal(await all, SENT_DIGEST);
    });

    it('sends the device all that a browser has sent before it went', async (test) => {
      const { ws, device } = await startEnds(test, stack);
      const { read, all } = reader();
      sendAll(ws);
      ws.close();
      device.on('data', read);
      await once(device, 'end');
      assert.equal(await all, SENT_DIGEST);
    });
  });
}
