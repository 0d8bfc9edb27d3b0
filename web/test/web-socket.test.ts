/** WebSockets with the client of ws: connecting, messages, and the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncWebSocket,
  AsyncWebSocketMessageHandler,
  HttpError,
  WS_BINARY,
  WS_CONNECTED,
  WS_DISCONNECTED,
  WS_EVT_CONNECT,
  WS_EVT_DATA,
  WS_EVT_DISCONNECT,
  WS_EVT_PING,
  WS_EVT_PONG,
  WS_TEXT,
  type AsyncWebServerOptions,
  type AsyncWebSocketClient,
  type AsyncWebSocketOptions,
  type AwsEventArguments,
  type AwsFrameInfo,
} from 'asynctcp-web';
import { bed, STACKS, type Bed, type StackName, idleConnectionEnds } from './bed.js';
import { Inbox } from './inbox.js';
import { connectPeer, RawPeer, refusedStatus } from './web-socket-peers.js';

interface WebSocketBed extends Bed {
  readonly socket: AsyncWebSocket;
  /** Events, without pings and pongs. */
  readonly events: Inbox<AwsEventArguments>;
}

async function webSocketBed(
  test: TestContext,
  stack: StackName,
  options: AsyncWebSocketOptions = {},
  serverOptions: AsyncWebServerOptions = {},
): Promise<WebSocketBed> {
  const socket = new AsyncWebSocket('/ws', options);
  const events = new Inbox<AwsEventArguments>();
  socket.onEvent((...event) => {
    events.put(event);
  });
  const made = await bed(test, stack, (server) => server.addHandler(socket), serverOptions);
  return { ...made, socket, events };
}

/** Connects a client, and returns the server's side of it as well. */
async function connected(
  made: WebSocketBed,
): Promise<Awaited<ReturnType<typeof connectPeer>> & { client: AsyncWebSocketClient }> {
  const peer = await connectPeer(made, '/ws');
  const [, client, type] = await made.events.next();
  assert.equal(type, WS_EVT_CONNECT);
  return { ...peer, client };
}

async function dataOf(events: Inbox<AwsEventArguments>): Promise<[data: Buffer, info: AwsFrameInfo]> {
  const [, , type, arg, data, len] = await events.next();
  assert.ok(type === WS_EVT_DATA);
  assert.equal(len, data.length);
  return [data, arg];
}

for (const stack of STACKS) {
  describe(`a WebSocket on ${stack}`, () => {
    it('tells of a client that comes, what it sends, and that it goes', async (test) => {
      const made = await webSocketBed(test, stack);
      const peer = await connectPeer(made, '/ws?name=a');
      const [server, client, type, request] = await made.events.next();
      assert.ok(type === WS_EVT_CONNECT);
      assert.equal(server, made.socket);
      assert.deepEqual([client.id(), client.status(), request.arg('name')], [1, WS_CONNECTED, 'a']);
      assert.deepEqual([made.socket.count(), made.socket.hasClient(1)], [1, true]);
      peer.ws.send('grüße');
      const [text, info] = await dataOf(made.events);
      assert.equal(text.toString(), 'grüße');
      assert.deepEqual([info.opcode, info.index, info.len, info.final], [WS_TEXT, 0, 7, true]);
      peer.ws.send(Buffer.from([1, 2]));
      assert.equal((await dataOf(made.events))[1].opcode, WS_BINARY);
      peer.ws.send('');
      assert.equal((await dataOf(made.events))[0].length, 0);
      peer.ws.close(4001, 'bye');
      const [, gone, last, code, reason] = await made.events.next();
      assert.ok(last === WS_EVT_DISCONNECT);
      assert.deepEqual([gone, code, reason.toString()], [client, 4001, 'bye']);
      assert.deepEqual([client.status(), made.socket.count()], [WS_DISCONNECTED, 0]);
      assert.equal(client.text('late'), 'closed');
      assert.equal(made.socket.text(1, 'late'), 'closed');
    });

    it('sends to one client and to all, in order', async (test) => {
      const made = await webSocketBed(test, stack);
      const first = await connected(made);
      const second = await connected(made);
      made.socket.text(1, 'one');
      made.socket.binary(2, Buffer.from([2]));
      const counts = made.socket.textAll('all');
      assert.equal(counts.sent + counts.queued, 2);
      made.socket.binaryAll('bytes');
      assert.equal(await first.inbox.next(), 'one');
      assert.equal(await first.inbox.next(), 'all');
      assert.deepEqual(await first.inbox.next(), Buffer.from('bytes'));
      assert.deepEqual(await second.inbox.next(), Buffer.from([2]));
      assert.equal(await second.inbox.next(), 'all');
      assert.equal(await made.socket.drained(), true);
      assert.equal(made.socket.availableForWriteAll(), true);
      assert.deepEqual([made.socket.availableForWrite(1), made.socket.availableForWrite(3)], [true, false]);
    });

    it('sends a message that is larger than what the socket takes at once', async (test) => {
      const made = await webSocketBed(test, stack);
      const { client, inbox } = await connected(made);
      const large = Buffer.alloc(1_000_000, 'x');
      assert.notEqual(client.binary(large), 'dropped');
      assert.deepEqual(await inbox.next(), large);
      assert.equal(await client.drained(), true);
      assert.deepEqual([client.queueLen(), made.server.queueBudget.bytes], [0, 0]);
    });

    it('answers pings, and tells of pings and pongs', async (test) => {
      const made = await webSocketBed(test, stack);
      const { ws, client } = await connected(made);
      const ponged = once(ws, 'pong');
      ws.ping('in');
      assert.deepEqual(await ponged, [Buffer.from('in')]);
      const [, , ping, , data] = await made.events.next();
      assert.deepEqual([ping, data.toString()], [WS_EVT_PING, 'in']);
      assert.equal(client.ping('out'), true);
      const [, , pong, , answer] = await made.events.next();
      assert.deepEqual([pong, answer.toString()], [WS_EVT_PONG, 'out']);
      assert.throws(() => client.ping('a'.repeat(126)), RangeError);
    });

    it('closes behind the messages that wait', async (test) => {
      const made = await webSocketBed(test, stack);
      const { client, inbox, closed } = await connected(made);
      const large = Buffer.alloc(300_000, 'x');
      client.binary(large);
      client.binary(large);
      client.text('last');
      client.close(4000, 'done');
      assert.equal(client.text('too late'), 'closed');
      assert.deepEqual(await closed, [4000, 'done']);
      assert.deepEqual([await inbox.next(), await inbox.next(), await inbox.next()], [large, large, 'last']);
      assert.equal(inbox.length, 0);
    });

    it('never sends a close code that stands for none, or a reason that is too long', async (test) => {
      const { client } = await connected(await webSocketBed(test, stack));
      for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5])
        assert.throws(() => {
          client.close(code);
        }, RangeError);
      assert.throws(() => {
        client.close(1000, 'ä'.repeat(62));
      }, RangeError);
      assert.equal(client.status(), WS_CONNECTED);
    });

    it('closes all clients, or the oldest ones', async (test) => {
      const made = await webSocketBed(test, stack);
      const peers = [await connected(made), await connected(made), await connected(made)];
      made.socket.cleanupClients(2);
      assert.deepEqual(await peers[0]?.closed, [1000, '']);
      made.socket.closeAll(1001, 'restart');
      assert.deepEqual(await peers[1]?.closed, [1001, 'restart']);
      assert.deepEqual(await peers[2]?.closed, [1001, 'restart']);
    });

    it('closes with 1001 when the server ends', async (test) => {
      const made = await webSocketBed(test, stack);
      const { closed } = await connected(made);
      await made.server.end();
      assert.deepEqual(await closed, [1001, '']);
    });

    it('ends with the server although a peer does not answer', async (test) => {
      const made = await webSocketBed(test, stack);
      const peer = new RawPeer(made, '/ws');
      await peer.head;
      await made.events.next();
      await made.server.end(10);
      await peer.ended;
    });

    it('ends with the server while middleware still decides', async (test) => {
      const made = await webSocketBed(test, stack);
      const asked = new Promise((resolve) => {
        made.server.addMiddleware((request) => {
          resolve(undefined);
          return new Promise((_, reject) => {
            request.signal.addEventListener('abort', reject);
          });
        });
      });
      const peer = new RawPeer(made, '/ws');
      await asked;
      await made.server.end(10);
      await peer.ended;
    });

    it('survives a client that breaks off while middleware still decides', async (test) => {
      const made = await webSocketBed(test, stack);
      const asked = new Inbox<string>();
      const gone = new Inbox<string>();
      made.server.addMiddleware(async (request, next) => {
        if (request.hasArg('wait')) {
          const over = new Promise((resolve) => {
            request.signal.addEventListener('abort', resolve);
          });
          asked.put('asked');
          await over;
          gone.put('gone');
        }
        await next();
      });
      const peer = new RawPeer(made, '/ws?wait');
      assert.equal(await asked.next(), 'asked');
      peer.socket.resetAndDestroy();
      assert.equal(await gone.next(), 'gone');
      assert.equal(await refusedStatus(made, '/ws'), 101);
      assert.deepEqual(made.log, []);
    });

    it('lets middleware and filters decide before the upgrade', async (test) => {
      const made = await webSocketBed(test, stack);
      made.server.addMiddleware(async (request, next) => {
        await Promise.resolve();
        if (request.hasArg('refuse')) throw new HttpError(403);
        if (request.hasArg('answer')) request.send(402, 'text/plain', 'no');
        else await next();
      });
      made.socket.setFilter((request) => !request.hasArg('filter'));
      assert.equal(await refusedStatus(made, '/ws?refuse'), 403);
      assert.equal(await refusedStatus(made, '/ws?answer'), 402);
      assert.equal(await refusedStatus(made, '/ws?filter'), 404);
      assert.equal(await refusedStatus(made, '/other'), 404);
      assert.equal(await refusedStatus(made, '/ws'), 101);
    });

    it('ends the connection of a request that it refuses, and counts it no more', async (test) => {
      const made = await webSocketBed(test, stack, {}, { limits: { requests: 1 } });
      for (let round = 0; round < 3; round += 1) {
        const peer = new RawPeer(made, '/other');
        assert.match(await peer.head, /^HTTP\/1.1 404 [^]*Connection: close/);
        await peer.ended;
      }
    });

    it('counts a connected client as no request', async (test) => {
      const made = await webSocketBed(test, stack, {}, { limits: { requests: 1 } });
      await connected(made);
      await connected(made);
      assert.equal((await made.ask('/ws')).status, 404);
    });

    it('refuses a handshake that ws refuses', async (test) => {
      const made = await webSocketBed(test, stack);
      const peer = new RawPeer(made, '/ws', ['Sec-WebSocket-Version: 1']);
      assert.match(await peer.head, /^HTTP\/1.1 400 /);
      await peer.ended;
      assert.equal(made.socket.count(), 0);
    });

    it('leaves a request for a protocol that it does not speak to the other handlers', async (test) => {
      const made = await webSocketBed(test, stack);
      made.server.on('/ws', (request) => {
        request.send(200, 'text/plain', 'page');
      });
      const headers = { Upgrade: 'h2c', Connection: 'Upgrade' };
      assert.equal((await made.ask('/ws', { headers })).text, 'page');
      assert.equal((await made.ask('/ws')).text, 'page');
      assert.equal((await made.ask('/ws', { headers, method: 'POST', body: 'x' })).status, 426);
      assert.equal(await refusedStatus(made, '/ws'), 101);
    });

    it('checks the origin, by a list or a function', async (test) => {
      const listed = await webSocketBed(test, stack, { origins: ['https://a.example'] });
      assert.equal(await refusedStatus(listed, '/ws', { origin: 'https://b.example' }), 403);
      assert.equal(await refusedStatus(listed, '/ws', { origin: 'https://A.example' }), 101);
      assert.equal(await refusedStatus(listed, '/ws'), 101);
      const asked = await webSocketBed(test, stack, { origins: (origin) => origin === 'null' });
      assert.equal(await refusedStatus(asked, '/ws'), 403);
      assert.equal(await refusedStatus(asked, '/ws', { origin: 'null' }), 101);
    });

    it('asks the handshake handler, now or later', async (test) => {
      const made = await webSocketBed(test, stack);
      made.socket.handleHandshake((request) => request.hasHeader('x-token'));
      assert.equal(await refusedStatus(made, '/ws'), 401);
      made.socket.handleHandshake(async (request) => Promise.resolve(request.hasHeader('x-token')));
      assert.equal(await refusedStatus(made, '/ws'), 401);
      assert.equal(await refusedStatus(made, '/ws', { headers: { 'X-Token': 'a' } }), 101);
    });

    it('takes as many clients as its limit, and answers 503 to one more', async (test) => {
      const made = await webSocketBed(test, stack, { limits: { clients: 2 } });
      await connected(made);
      const { ws } = await connected(made);
      assert.equal(await refusedStatus(made, '/ws'), 503);
      ws.close();
      await made.events.next();
      assert.equal(await refusedStatus(made, '/ws'), 101);
    });

    it('lets no client connect while it is not enabled', async (test) => {
      const made = await webSocketBed(test, stack);
      made.socket.enable(false);
      assert.equal(made.socket.enabled(), false);
      assert.equal(await refusedStatus(made, '/ws'), 404);
      made.socket.enable(true);
      assert.equal(await refusedStatus(made, '/ws'), 101);
    });

    it('closes a client whose handler throws, now or later, and logs it', async (test) => {
      const made = await webSocketBed(test, stack);
      made.socket.onEvent((...[, , type, , data]) => {
        if (type !== WS_EVT_DATA) return undefined;
        if (data.toString() === 'now') throw new Error('broken now');
        return Promise.reject(new Error('broken later'));
      });
      for (const when of ['now', 'later']) {
        const { ws, closed } = await connectPeer(made, '/ws');
        ws.send(when);
        assert.deepEqual(await closed, [1011, '']);
        assert.match(
          made.log.at(-1) ?? '',
          new RegExp(`handler /ws of GET /ws: .* threw Error: broken ${when}`),
        );
      }
    });

    it('gives long messages in pieces, if it is asked to', async (test) => {
      const handler = new AsyncWebSocketMessageHandler();
      const socket = new AsyncWebSocket('/ws', { pieceBytes: 4 });
      socket.onEvent(handler.eventHandler());
      const seen = new Inbox<string>();
      handler
        .onConnect((_server, client) => {
          seen.put(`+${client.id()}`);
        })
        .onMessage((_server, _client, data) => {
          seen.put(data.toString());
        })
        .onFragment((_server, _client, { index, len }, data) => {
          seen.put(`${index}/${len} ${data.toString()}`);
        })
        .onDisconnect((_server, id) => {
          seen.put(`-${id}`);
        });
      const made = await bed(test, stack, (server) => server.addHandler(socket));
      const { ws } = await connectPeer(made, '/ws');
      ws.send('1234');
      ws.send('123456789');
      ws.close();
      for (const wanted of ['+1', '1234', '0/9 1234', '4/9 5678', '8/9 9', '-1'])
        assert.equal(await seen.next(), wanted);
    });

    it('compresses for a client that asks, if it is allowed to', async (test) => {
      const plain = await webSocketBed(test, stack);
      assert.equal((await connectPeer(plain, '/ws', { perMessageDeflate: true })).ws.extensions, '');
      const made = await webSocketBed(test, stack, { deflate: { threshold: 0 } });
      const { ws, inbox } = await connectPeer(made, '/ws', { perMessageDeflate: true });
      assert.equal(ws.extensions, 'permessage-deflate');
      const text = 'a'.repeat(100_000);
      made.socket.textAll(text);
      assert.equal(await inbox.next(), text);
      assert.equal(await made.socket.drained(), true);
    });

    it('pings a silent client, and closes one that does not answer', async (test) => {
      const made = await webSocketBed(test, stack, { limits: { pingMs: 5, idleMs: 200, closeMs: 50 } });
      const { ws } = await connectPeer(made, '/ws');
      await once(ws, 'ping');
      await once(ws, 'ping');
      const silent = new RawPeer(made, '/ws');
      assert.equal(await silent.closeCode(), 1008);
      await silent.ended;
      assert.equal(ws.readyState, ws.OPEN);
    });

    it('lasts longer than an idle connection', async (test) => {
      const made = await webSocketBed(test, stack, {}, { limits: { stalledMs: 200, keepAliveMs: 200 } });
      const { client, inbox } = await connected(made);
      await idleConnectionEnds(made);
      client.text('still there');
      assert.equal(await inbox.next(), 'still there');
    });
  });
}
