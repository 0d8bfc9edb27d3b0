import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { loadAddon } from '../addon/load-addon.js';
import { memoryStack, nodeStack, recordingStack, type StackOption } from '../index.js';
import { connect, createServer, type Socket } from '../net.js';

/** More than the system's buffers of a connection hold. */
const PIECES = 400;
const PIECE_BYTES = 40_000;

const pieceOf = (index: number): string => String(index % 10).repeat(PIECE_BYTES);

/** Returns what a plain socket of node:net gets that connects to a server on asynctcp. */
async function received(send: (socket: net.Socket) => void): Promise<string> {
  const server = createServer(send).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client: Readable = net.connect(address.port, '127.0.0.1');
  const bytes = await buffer(client);
  server.close();
  await once(server, 'close');
  return bytes.toString('latin1');
}

describe('the writes of a socket', () => {
  const expected = Array.from({ length: PIECES }, (_, index) => pieceOf(index)).join('');

  it('send the small pieces of one write unchanged, however long they wait', async () => {
    const text = await received((socket) => {
      socket.cork();
      for (let index = 0; index < PIECES; index += 1) {
        socket.write(index % 2 === 0 ? pieceOf(index) : Buffer.from(pieceOf(index)));
      }
      socket.uncork();
      socket.end();
    });
    assert.ok(text === expected, `${text.length} bytes of ${expected.length}, or others`);
  });

  it('send large pieces between small ones in order, however long they wait', async () => {
    const large = Buffer.alloc(300_000, 'large ');
    const text = await received((socket) => {
      for (let round = 0; round < 20; round += 1) {
        socket.cork();
        socket.write(`${round}:`);
        socket.write(large);
        socket.write(Buffer.from('.'));
        socket.uncork();
      }
      socket.end();
    });
    const whole = Array.from({ length: 20 }, (_, round) => `${round}:${large.toString()}.`).join('');
    assert.ok(text === whole, `${text.length} bytes of ${whole.length}, or others`);
  });

  it('of many small pieces reach the stack as a few large ones', async () => {
    const stack = recordingStack(memoryStack());
    const server = createServer({ stack }, (socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const client = connect({ port: address.port, host: '127.0.0.1', stack });
    client.cork();
    for (let index = 0; index < 50_000; index += 1)
      client.write(index % 2 === 0 ? 'a text ' : Buffer.from('bytes '));
    client.uncork();
    client.end();
    await once(client, 'finish');
    const sizes = stack.lines().flatMap((line) => /enqueue\w* ([\d +]+)/.exec(line)?.[1]?.split(' + ') ?? []);
    assert.ok(sizes.length < 200, `${sizes.length} pieces`);
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('send texts one after the other unchanged, however long they wait', async () => {
    const text = await received((socket) => {
      let index = 0;
      const sendNext = (): void => {
        if (index === PIECES) socket.end();
        else socket.write(pieceOf(index++), 'latin1', sendNext);
      };
      sendNext();
    });
    assert.ok(text === expected, `${text.length} bytes of ${expected.length}, or others`);
  });
});

/** Returns the settings of keep-alive that a client's connection got. */
async function keepAliveOf(set: (socket: net.Socket) => void): Promise<string[]> {
  const stack = recordingStack(memoryStack());
  const server = createServer({ stack }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client = connect({ port: address.port, host: '127.0.0.1', stack });
  set(client);
  await Promise.all([once(client, 'connect'), once(server, 'connection')]);
  client.destroy();
  server.close();
  await once(server, 'close');
  return stack.lines().flatMap((line) => /setKeepAlive (.*)/.exec(line)?.[1] ?? []);
}

describe('keep-alive of a socket', () => {
  it('has libuv’s interval and number of probes, so that a dead peer is found as soon as by Node', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.once('connect', () => socket.setKeepAlive(true, 60_000));
    });
    assert.deepEqual(lines, ['idleMs=60000 intervalMs=1000 probes=10']);
  });

  it('is the system’s own if no time is named', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.once('connect', () => socket.setKeepAlive(true));
    });
    assert.deepEqual(lines, ['idleMs=7200000 intervalMs=75000 probes=9']);
  });

  it('that is set before the connection opens comes into force when it does', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.setKeepAlive(true, 5000);
    });
    assert.deepEqual(lines, ['idleMs=5000 intervalMs=1000 probes=10']);
  });
});

const HANGS_MS = 60_000;

/** More than all buffers of a connection hold. */
const WAITING_BYTES = 40_000_000;

const stacks = [
  { name: 'kernel', stack: 'kernel', skip: loadAddon().addon === undefined },
  { name: 'node', stack: nodeStack(), skip: false },
  { name: 'memory', stack: memoryStack(), skip: false },
] as const;

/** Gives a test the two ends of a connection. */
async function withLink(
  stack: StackOption,
  test: (client: Socket, accepted: net.Socket) => Promise<void>,
): Promise<void> {
  const server = createServer({ stack }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const accepting = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const client = connect({ port: address.port, host: '127.0.0.1', stack });
  const [accepted] = await Promise.all([accepting, once(client, 'connect')]);
  await test(client, accepted);
  accepted.destroy();
  server.close();
  await once(server, 'close');
}

/** Returns the error of a socket, which a write's callback must get as well. */
async function failureOf(socket: net.Socket, data: string | Uint8Array): Promise<string> {
  const failed = once(socket, 'error');
  const written = new Promise<unknown>((resolve) => {
    socket.write(data, resolve);
  });
  const [error] = (await failed) as [Error];
  assert.equal(await written, error);
  return String(error);
}

describe('a write of a socket whose client the program shuts down', { timeout: HANGS_MS }, () => {
  for (const { name, stack, skip } of stacks) {
    it(`fails if it waits, and all that was taken arrives, on ${name}`, { skip }, async () => {
      await withLink(stack, async (client, accepted) => {
        const failing = failureOf(client, Buffer.alloc(WAITING_BYTES, 'x'));
        assert.equal(client.client?.shutdown(), 0);
        assert.equal(await failing, 'Error: write EPIPE');
        const { length } = await buffer(accepted);
        assert.ok(length > 0 && length < WAITING_BYTES, `${length} bytes arrived`);
      });
    });

    it(`succeeds if all of it was taken, on ${name}`, { skip }, async () => {
      await withLink(stack, async (client, accepted) => {
        const written = new Promise<unknown>((resolve) => {
          client.write('all of it', resolve);
        });
        assert.equal(client.client?.shutdown(), 0);
        assert.equal((await buffer(accepted)).toString(), 'all of it');
        assert.ifError(await written);
      });
    });

    it(`fails if it comes afterwards, on ${name}`, { skip }, async () => {
      await withLink(stack, async (client) => {
        assert.equal(client.client?.shutdown(), 0);
        assert.equal(await failureOf(client, 'late'), 'Error: write EPIPE');
      });
    });
  }
});
