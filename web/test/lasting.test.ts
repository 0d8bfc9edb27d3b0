/** WebSockets and event sources with other peers: Node's own WebSocket, and TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { AsyncEventSource, AsyncWebSocket, WS_EVT_CONNECT, WS_EVT_DATA } from 'asynctcp-web';
import { WebSocket as WsClient } from 'ws';
import { bed, STACKS, SYSTEM_STACKS } from './bed.js';
import { makeCertificate } from './certificate.js';
import { Inbox } from './inbox.js';

/** The part of Node's `WebSocket`, which Node 22 brought, that the test needs. */
interface NodeWebSocket extends EventTarget {
  send(text: string): void;
  close(code: number): void;
}

type NodeWebSocketClass = new (url: string) => NodeWebSocket;

const own = Reflect.get(globalThis, 'WebSocket') as NodeWebSocketClass | undefined;
const skip = own === undefined ? `Node ${process.version} has no WebSocket` : false;

for (const stack of SYSTEM_STACKS) {
  describe(`a WebSocket on ${stack}, with Node's own`, { skip }, () => {
    it('talks, and closes', async (test) => {
      assert.ok(own !== undefined);
      const socket = new AsyncWebSocket('/ws', (...[, client, type, , data]) => {
        if (type === WS_EVT_CONNECT) client.text('hello');
        if (type === WS_EVT_DATA) client.text(data);
      });
      const { port } = await bed(test, stack, (server) => server.addHandler(socket));
      const ws = new own(`ws://127.0.0.1:${port}/ws`);
      const texts = new Inbox<string>();
      ws.addEventListener('message', (event) => {
        texts.put(String(Reflect.get(event, 'data')));
      });
      const closed = once(ws, 'close');
      assert.equal(await texts.next(), 'hello');
      ws.send('grüße');
      assert.equal(await texts.next(), 'grüße');
      ws.close(3001);
      const [event] = (await closed) as [Event];
      assert.equal(Reflect.get(event, 'code'), 3001);
    });
  });
}

for (const stack of STACKS) {
  describe(`over TLS on ${stack}`, () => {
    it('a WebSocket and an event source work, and give back what waits', async (test) => {
      const certificate = makeCertificate();
      const socket = new AsyncWebSocket('/ws');
      const source = new AsyncEventSource('/events');
      const { open, port, server } = await bed(
        test,
        stack,
        (made) => {
          made.addHandler(socket);
          made.addHandler(source);
        },
        { tls: certificate },
      );
      const createConnection = (): tls.TLSSocket =>
        tls.connect({ socket: open(), rejectUnauthorized: false });
      const ws = new WsClient(`wss://127.0.0.1:${port}/ws`, { createConnection });
      await once(ws, 'open');
      const large = 'x'.repeat(200_000);
      socket.textAll(large);
      const [message] = (await once(ws, 'message')) as [Buffer];
      assert.equal(message.toString(), large);
      const request = https.get({ path: '/events', port, createConnection });
      const [answer] = (await once(request, 'response')) as [NodeJS.ReadableStream];
      let text = '';
      answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
      source.send(large);
      while (!text.endsWith('\n\n')) await once(answer, 'data');
      assert.ok(text === `data: ${large}\n\n`);
      assert.deepEqual([await socket.drained(), await source.drained()], [true, true]);
      assert.equal(server.queueBudget.bytes, 0);
      const closed = once(ws, 'close');
      await server.end();
      assert.equal(((await closed) as [number])[0], 1001);
    });
  });
}

describe('options', () => {
  it('are refused that are no limits, or contradict each other', () => {
    assert.throws(() => new AsyncWebSocket('/ws', { limits: { clients: 0 } }), RangeError);
    assert.throws(() => new AsyncEventSource('/events', { limits: { heartbeatMs: -1 } }), RangeError);
    const limits = { queueBytes: 1000, replayBytes: 1001 };
    assert.throws(
      () => new AsyncEventSource('/events', { limits }),
      /replayBytes must be at most queueBytes/,
    );
  });

  it('may be without end', async (test) => {
    const limits = { pingMs: Infinity, idleMs: Infinity, closeMs: Infinity, messageBytes: Infinity };
    const socket = new AsyncWebSocket('/ws', { limits: { ...limits, queueBytes: Infinity } });
    const { open, port } = await bed(test, 'memory', (server) => server.addHandler(socket));
    const ws = new WsClient(`ws://127.0.0.1:${port}/ws`, { createConnection: () => open() });
    const pinged = new Promise((_, reject) => {
      ws.once('ping', reject);
    });
    await once(ws, 'open');
    const closed = once(ws, 'close');
    socket.closeAll(4000);
    assert.equal(((await Promise.race([closed, pinged])) as [number])[0], 4000);
  });
});
