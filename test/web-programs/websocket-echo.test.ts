/** A WebSocket that echoes, with the client of the package ws: frames whole, fragmented and torn. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { on, once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, type RawData } from 'ws';
import { startExample, SYSTEM_STACKS } from './example.js';
import { listenInMemory, type Place } from './memory.js';

/** Makes a socket write each byte by itself. */
function torn(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  /** Each character is a byte. */
  const writeEach = (latin1: string, done: (error?: Error | null) => void): void => {
    if (latin1 === '') done();
    else
      write(latin1.slice(0, 1), 'latin1', (error) => {
        if (error) done(error);
        else writeEach(latin1.slice(1), done);
      });
  };
  socket.setNoDelay(true);
  return Object.assign(socket, {
    _writev: undefined,
    _write: (data: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void) => {
      const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
      writeEach(bytes.toString('latin1'), done);
    },
  });
}

async function connectTo(test: TestContext, { port, open }: Place, path: string): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { createConnection: () => open() });
  test.after(() => ws.terminate());
  await once(ws, 'open');
  return ws;
}

/** Returns the next messages, text as text. */
async function messages(ws: WebSocket, number: number): Promise<(string | Buffer)[]> {
  const found: (string | Buffer)[] = [];
  for await (const [data, isBinary] of on(ws, 'message') as AsyncIterable<[RawData, boolean]>) {
    assert.ok(Buffer.isBuffer(data));
    found.push(isBinary ? data : data.toString());
    if (found.length === number) break;
  }
  return found;
}

async function counts({ port, open }: Place): Promise<unknown> {
  const request = http.get({ port, path: '/counts', createConnection: open });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return json(answer);
}

async function echoes(test: TestContext, place: Place): Promise<void> {
  const ws = await connectTo(test, place, '/ws');
  const long = randomBytes(65_536);
  const whole = messages(ws, 3);
  ws.send('hello, wörld');
  ws.send('');
  ws.send(long);
  assert.deepEqual(await whole, ['hello, wörld', '', long]);

  // In fragments, the second of which begins within a character, with a ping between them.
  const euro = Buffer.from('five €');
  const fragmented = messages(ws, 1);
  const pong = once(ws, 'pong');
  ws.send(euro.subarray(0, 6), { fin: false, binary: false });
  ws.ping('between');
  ws.send(euro.subarray(6, 7), { fin: false });
  ws.send(euro.subarray(7), { fin: true });
  assert.deepEqual(await fragmented, ['five €']);
  assert.equal(String((await pong)[0]), 'between');

  const tornWs = await connectTo(test, { ...place, open: () => torn(place.open()) }, '/ws');
  const answers = messages(tornWs, 3);
  tornWs.send('byte by byte');
  tornWs.send('in fragments, ', { fin: false });
  tornWs.send('and byte by byte', { fin: true });
  tornWs.send(long.subarray(0, 300));
  assert.deepEqual(await answers, ['byte by byte', 'in fragments, and byte by byte', long.subarray(0, 300)]);
  const bytes = 13 + 65_536 + 8 + 12 + 30 + 300;
  assert.deepEqual(await counts(place), { connected: 2, messages: 7, bytes, pings: 1, errors: 0 });
}

async function refuses(test: TestContext, place: Place): Promise<void> {
  const tooLong = await connectTo(test, place, '/ws');
  tooLong.send(randomBytes(65_537));
  assert.equal((await once(tooLong, 'close'))[0], 1009);
  const noText = await connectTo(test, place, '/ws');
  noText.send(Buffer.from([0xff]), { binary: false });
  assert.equal((await once(noText, 'close'))[0], 1007);
}

async function givesPieces(test: TestContext, place: Place): Promise<void> {
  const ws = await connectTo(test, place, '/pieces');
  const answers = messages(ws, 4);
  ws.send(randomBytes(1024));
  ws.send(randomBytes(2100));
  assert.deepEqual(await answers, [
    'whole: 1024',
    'piece: 0 to 1024 of 2100',
    'piece: 1024 to 2048 of 2100',
    'piece: 2048 to 2100 of 2100',
  ]);
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`websocket-echo on ${stack}`, { skip, timeout: 60_000 }, () => {
    const startPlace = async (test: TestContext): Promise<Place> => {
      const { url } = await startExample(test, 'websocket-echo', stack);
      const port = Number(new URL(url).port);
      return { port, open: () => connect(port, '127.0.0.1') };
    };
    it('echoes messages whole, in fragments and byte by byte', async (test) => {
      await echoes(test, await startPlace(test));
    });
    it('closes a client for a message that is too long, and for text that is none', async (test) => {
      await refuses(test, await startPlace(test));
    });
    it('gives a long message in pieces', async (test) => {
      await givesPieces(test, await startPlace(test));
    });
  });
}

describe('websocket-echo on memory', { timeout: 60_000 }, () => {
  it('echoes, gives pieces, and closes a client for what it may not send', async (test) => {
    const place = await listenInMemory(test, () => import('asynctcp-examples-web/websocket-echo'));
    await echoes(test, place);
    await givesPieces(test, place);
    await refuses(test, place);
  });
});
