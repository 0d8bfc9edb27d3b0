/** WebSockets with a peer that sends bytes of its own: torn, mixed and wrong frames (RFC 6455 §5 and §7). */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncWebSocket,
  WS_EVT_CONNECT,
  WS_EVT_DATA,
  WS_EVT_DISCONNECT,
  WS_EVT_ERROR,
  WS_EVT_PING,
  type AsyncWebSocketOptions,
} from 'asynctcp-web';
import { bed, STACKS, type StackName } from './bed.js';
import { Inbox } from './inbox.js';
import { closeContent, frame, OPCODE, RawPeer } from './web-socket-peers.js';

interface Talk {
  readonly peer: RawPeer;
  readonly socket: AsyncWebSocket;
  /** Calls of the server's handler, as text. */
  readonly seen: Inbox<string>;
}

async function talk(test: TestContext, stack: StackName, options: AsyncWebSocketOptions = {}): Promise<Talk> {
  const seen = new Inbox<string>();
  const socket = new AsyncWebSocket('/ws', options);
  socket.onEvent((...event) => {
    const [, , type, arg, data] = event;
    if (type === WS_EVT_DATA) seen.put(`data ${data.toString()}`);
    if (type === WS_EVT_PING) seen.put(`ping ${data.toString()}`);
    if (type === WS_EVT_ERROR) seen.put(`error ${arg}`);
    if (type === WS_EVT_DISCONNECT) seen.put(`gone ${arg}`);
    if (type === WS_EVT_CONNECT) seen.put('connected');
  });
  const made = await bed(test, stack, (server) => server.addHandler(socket));
  const peer = new RawPeer(made, '/ws');
  assert.match(await peer.head, /^HTTP\/1.1 101 /);
  assert.equal(await seen.next(), 'connected');
  return { peer, socket, seen };
}

/** Sends frames, of which the last one is refused with a code. */
async function assertRefused(talked: Talk, code: number, ...frames: Buffer[]): Promise<void> {
  const { peer, seen, socket } = talked;
  peer.socket.write(Buffer.concat(frames));
  assert.equal(await peer.closeCode(), code);
  assert.equal(await seen.next(), `error ${code}`);
  peer.socket.write(frame(OPCODE.close, closeContent(code)));
  await peer.ended;
  assert.match(await seen.next(), /^gone/);
  assert.equal(socket.count(), 0);
}

const BAD_UTF8 = Buffer.from([0x61, 0xc3, 0x28]);
const { text, binary, continuation, close, ping } = OPCODE;

for (const stack of STACKS) {
  describe(`frames of a WebSocket on ${stack}`, () => {
    it('are read although every byte comes alone', async (test) => {
      const { peer, seen } = await talk(test, stack);
      const bytes = Buffer.concat([frame(text, 'grüße'), frame(ping, 'p'), frame(text, 'x'.repeat(200))]);
      peer.socket.setNoDelay();
      for (const byte of bytes) {
        peer.socket.write(Buffer.of(byte));
        // Each byte has a turn of its own.
        await new Promise(setImmediate);
      }
      assert.equal(await seen.next(), 'data grüße');
      assert.equal(await seen.next(), 'ping p');
      assert.equal(await seen.next(), `data ${'x'.repeat(200)}`);
      assert.deepEqual(await peer.frames.next(), { opcode: OPCODE.pong, data: Buffer.from('p') });
    });

    it('are read that come with the handshake', async (test) => {
      const seen = new Inbox<string>();
      const socket = new AsyncWebSocket('/ws', (...[, , type, , data]) => {
        if (type === WS_EVT_DATA) seen.put(data.toString());
      });
      const made = await bed(test, stack, (server) => server.addHandler(socket));
      made.server.addMiddleware(async (_request, next) => {
        await new Promise(setImmediate);
        await next();
      });
      const peer = new RawPeer(made, '/ws');
      peer.socket.write(frame(text, 'early'));
      assert.equal(await seen.next(), 'early');
    });

    it('make one message, with control frames between them', async (test) => {
      const { peer, seen } = await talk(test, stack);
      const umlaut = Buffer.from('ü');
      peer.socket.write(
        Buffer.concat([
          frame(text, umlaut.subarray(0, 1), { final: false }),
          frame(ping, 'between'),
          frame(continuation, umlaut.subarray(1), { final: false }),
          frame(continuation, '', { final: false }),
          frame(continuation, '!'),
        ]),
      );
      assert.equal(await seen.next(), 'ping between');
      assert.equal(await seen.next(), 'data ü!');
    });

    it('are refused beyond the limit of bytes, in one frame or several (1009)', async (test) => {
      const options = { limits: { messageBytes: 1000 } };
      const talked = await talk(test, stack, options);
      talked.peer.socket.write(frame(binary, Buffer.alloc(1000, 'x')));
      assert.equal(await talked.seen.next(), `data ${'x'.repeat(1000)}`);
      await assertRefused(talked, 1009, frame(binary, Buffer.alloc(1001)));
      const half = Buffer.alloc(501);
      const split = [frame(text, half, { final: false }), frame(continuation, half)];
      await assertRefused(await talk(test, stack, options), 1009, ...split);
    });

    it('are refused beyond 64 KiB by default (1009)', async (test) => {
      const talked = await talk(test, stack);
      const most = frame(binary, Buffer.alloc(65_535, 'x'), { final: false });
      talked.peer.socket.write(Buffer.concat([most, frame(continuation, 'x')]));
      assert.equal(await talked.seen.next(), `data ${'x'.repeat(65_536)}`);
      await assertRefused(talked, 1009, most, frame(continuation, 'xx'));
    });

    it('are refused by their announced length alone (1009)', async (test) => {
      const talked = await talk(test, stack);
      const huge = Buffer.of(0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4);
      await assertRefused(talked, 1009, huge);
      const beyond = Buffer.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4);
      await assertRefused(await talk(test, stack), 1009, beyond);
    });

    it('are refused beyond the limit of frames in a message (1008)', async (test) => {
      const talked = await talk(test, stack, { limits: { messageFrames: 3 } });
      const first = frame(text, 'a', { final: false });
      const more = frame(continuation, 'b', { final: false });
      talked.peer.socket.write(Buffer.concat([first, more, frame(continuation, 'c')]));
      assert.equal(await talked.seen.next(), 'data abc');
      await assertRefused(talked, 1008, first, more, more, more);
    });

    it('are refused beyond the limit of pieces of a frame (1008)', async (test) => {
      const { peer, seen } = await talk(test, stack, { limits: { framePieces: 8 } });
      peer.socket.write(frame(binary, Buffer.alloc(60_000)).subarray(0, 8));
      const timer = setInterval(() => peer.socket.write('x'), 1);
      assert.equal(await seen.next(), 'error 1008');
      clearInterval(timer);
    });

    it('are refused with text that is no UTF-8 (1007), unless that is not checked', async (test) => {
      await assertRefused(await talk(test, stack), 1007, frame(text, BAD_UTF8));
      const split = [frame(text, BAD_UTF8.subarray(0, 2), { final: false }), frame(continuation, '(')];
      await assertRefused(await talk(test, stack), 1007, ...split);
      await assertRefused(await talk(test, stack), 1007, frame(close, closeContent(1000, BAD_UTF8)));
      const { peer, seen } = await talk(test, stack, { checksUtf8: false });
      peer.socket.write(frame(text, BAD_UTF8));
      assert.match(await seen.next(), /^data a/);
    });

    it('are refused that are not masked (1002)', async (test) => {
      await assertRefused(await talk(test, stack), 1002, frame(text, 'a', { masked: false }));
    });

    it('are refused with a reserved bit or opcode (1002)', async (test) => {
      for (const reserved of [1, 2, 4])
        await assertRefused(await talk(test, stack), 1002, frame(text, 'a', { reserved }));
      for (const opcode of [3, 7, 11, 15]) await assertRefused(await talk(test, stack), 1002, frame(opcode));
    });

    it('are refused out of their order (1002)', async (test) => {
      const begun = frame(text, 'a', { final: false });
      await assertRefused(await talk(test, stack), 1002, begun, frame(text, 'b'));
      await assertRefused(await talk(test, stack), 1002, frame(continuation, 'a'));
    });

    it('are refused as control frames that are long or split (1002)', async (test) => {
      await assertRefused(await talk(test, stack), 1002, frame(ping, 'a'.repeat(126)));
      await assertRefused(await talk(test, stack), 1002, frame(ping, 'a', { final: false }));
      const { peer, seen } = await talk(test, stack);
      peer.socket.write(frame(ping, 'a'.repeat(125)));
      assert.equal(await seen.next(), `ping ${'a'.repeat(125)}`);
    });

    it('are refused as closes with a code that must not be sent, or half a code (1002)', async (test) => {
      for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
        await assertRefused(await talk(test, stack), 1002, frame(close, closeContent(code)));
      await assertRefused(await talk(test, stack), 1002, frame(close, 'a'));
    });

    it('are answered as closes, with or without a code', async (test) => {
      for (const content of [closeContent(3000, 'bye'), Buffer.alloc(0)]) {
        const { peer, seen } = await talk(test, stack);
        peer.socket.write(frame(close, content));
        const code = content.length === 0 ? 1005 : 3000;
        assert.equal(await peer.closeCode(), code);
        assert.equal(await seen.next(), `gone ${code}`);
        await peer.ended;
      }
    });

    it('are not read behind a close', async (test) => {
      const { peer, seen } = await talk(test, stack);
      peer.socket.write(Buffer.concat([frame(close, closeContent(1000)), frame(text, 'late')]));
      assert.equal(await seen.next(), 'gone 1000');
      await peer.ended;
      assert.equal(seen.length, 0);
    });

    it('may close while messages are being sent', async (test) => {
      const { peer, seen, socket } = await talk(test, stack);
      const client = socket.client(1);
      peer.socket.pause();
      let result = client?.binary(Buffer.alloc(60_000));
      while (result === 'sent') result = client?.binary(Buffer.alloc(60_000));
      assert.equal(result, 'queued');
      const drained = client?.drained();
      peer.socket.write(frame(close, closeContent(1000)));
      peer.socket.resume();
      assert.equal(await peer.closeCode(), 1000);
      assert.equal(await seen.next(), 'gone 1000');
      await peer.ended;
      assert.equal(typeof (await drained), 'boolean');
      assert.equal(client?.queueLen(), 0);
    });

    it('may break off within a frame', async (test) => {
      const { peer, seen } = await talk(test, stack);
      peer.socket.write(frame(text, 'whole'));
      peer.socket.end(frame(text, 'torn').subarray(0, 7));
      assert.equal(await seen.next(), 'data whole');
      assert.equal(await seen.next(), 'gone 1006');
      await peer.ended;
    });
  });
}
