/** Event streams with the package eventsource and curl: connecting, events, what a client has missed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncEventSource,
  HttpError,
  type AsyncEventSourceClient,
  type AsyncEventSourceOptions,
  type AsyncWebServerOptions,
} from 'asynctcp-web';
import { bed, STACKS, SYSTEM_STACKS, type Bed, type StackName, idleConnectionEnds } from './bed.js';
import { openRawReader, openReader, type Reader } from './event-readers.js';
import { Inbox } from './inbox.js';

interface EventBed extends Bed {
  readonly source: AsyncEventSource;
  readonly come: Inbox<AsyncEventSourceClient>;
  readonly gone: Inbox<AsyncEventSourceClient>;
  readonly read: (types?: readonly string[], lastId?: string) => Reader;
}

async function eventBed(
  test: TestContext,
  stack: StackName,
  options: AsyncEventSourceOptions = {},
  serverOptions: AsyncWebServerOptions = {},
): Promise<EventBed> {
  const source = new AsyncEventSource('/events', options);
  const come = new Inbox<AsyncEventSourceClient>();
  const gone = new Inbox<AsyncEventSourceClient>();
  source.onConnect((client) => {
    come.put(client);
  });
  source.onDisconnect((client) => {
    gone.put(client);
  });
  const made = await bed(test, stack, (server) => server.addHandler(source), serverOptions);
  const read = (types: readonly string[] = [], lastId?: string): Reader => {
    const headers = lastId === undefined ? {} : { 'Last-Event-ID': lastId };
    const reader = openReader(made, '/events', types, headers);
    test.after(() => {
      reader.source.close();
    });
    return reader;
  };
  return { ...made, source, come, gone, read };
}

for (const stack of STACKS) {
  describe(`an event source on ${stack}`, () => {
    it('sends events with type and id to all its clients', async (test) => {
      const { source, come, gone, read } = await eventBed(test, stack);
      const readers = [read(['led']), read(['led'])];
      const clients = [await come.next(), await come.next()];
      const counts = source.send('on\r\noff', 'led', 'a-1');
      assert.equal(counts.sent + counts.queued, 2);
      source.send('plain');
      clients[0]?.send('for one', undefined, 7);
      for (const { events } of readers) {
        assert.deepEqual(await events.next(), { type: 'led', data: 'on\noff', id: 'a-1' });
        assert.deepEqual(await events.next(), { type: 'message', data: 'plain', id: 'a-1' });
      }
      assert.deepEqual([source.count(), clients[0]?.connected(), clients[0]?.lastId()], [2, true, '']);
      assert.equal(await source.drained(), true);
      assert.equal(source.avgPacketsWaiting(), 0);
      readers[0]?.source.close();
      await gone.next();
      assert.equal(source.count(), 1);
    });

    it('sends a head that no cache and no proxy keeps back', async (test) => {
      const made = await eventBed(test, stack);
      made.server.addDefaultHeader('Access-Control-Allow-Origin', '*');
      const { status, headers } = await openRawReader(made, '/events');
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'text/event-stream');
      assert.equal(headers['cache-control'], 'no-cache');
      assert.equal(headers['x-accel-buffering'], 'no');
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['transfer-encoding'], undefined);
    });

    it('gives a client that comes back what it has missed, in order and once', async (test) => {
      const { source, come, gone, read } = await eventBed(test, stack);
      const { events } = read();
      const first = await come.next();
      source.send('one', undefined, 'ä1', 1);
      assert.equal((await events.next()).data, 'one');
      first.close();
      await gone.next();
      source.send('two', undefined, 'ä2');
      source.send('without an id');
      source.send('three', undefined, 'ä3');
      const second = await come.next();
      assert.deepEqual([second.lastId(), second.hasGap()], ['ä1', false]);
      source.send('four', undefined, 'ä4');
      for (const data of ['two', 'three', 'four']) assert.equal((await events.next()).data, data);
      assert.equal(events.length, 0);
    });

    it('gives a client that comes late all that it still knows, and says that it has a gap', async (test) => {
      const { source, come, read } = await eventBed(test, stack, { limits: { replayEvents: 2 } });
      for (const id of [1, 2, 3, 4]) source.send(`event ${id}`, undefined, id);
      const { events } = read([], '1');
      assert.equal((await come.next()).hasGap(), true);
      assert.equal((await events.next()).data, 'event 3');
      assert.equal((await events.next()).data, 'event 4');
    });

    it('gives a new client no old events', async (test) => {
      const { source, come, read } = await eventBed(test, stack);
      source.send('old', undefined, 1);
      const { events } = read();
      await come.next();
      source.send('new', undefined, 2);
      assert.equal((await events.next()).data, 'new');
    });

    it('refuses an event that is none, and sends nothing', async (test) => {
      const made = await eventBed(test, stack);
      const { until } = await openRawReader(made, '/events');
      await made.come.next();
      assert.throws(() => made.source.send('a', 'b\nc'), TypeError);
      assert.throws(() => made.source.send('a', 'b', 'c\rd'), TypeError);
      assert.throws(() => made.source.send('a', 'b', 'c', -1), RangeError);
      made.source.send('end');
      assert.equal(await until('end\n\n'), 'data: end\n\n');
    });

    it('sends comments while there are no events', async (test) => {
      const made = await eventBed(test, stack, { limits: { heartbeatMs: 5 } });
      const { until } = await openRawReader(made, '/events');
      assert.match(await until(':\n\n:\n\n'), /^[:\n]+$/);
    });

    it('lasts longer than an idle connection, and counts as no request', async (test) => {
      const limits = { stalledMs: 200, keepAliveMs: 200, requests: 1 };
      const made = await eventBed(test, stack, {}, { limits });
      const { until } = await openRawReader(made, '/events');
      const other = await openRawReader(made, '/events');
      await idleConnectionEnds(made);
      made.source.send('still there');
      await until('still there');
      await other.until('still there');
    });

    it('ends its streams behind the events that wait', async (test) => {
      const made = await eventBed(test, stack);
      const { ended } = await openRawReader(made, '/events');
      const client = await made.come.next();
      const large = 'x'.repeat(100_000);
      client.send(large);
      client.send('last');
      made.source.close();
      assert.equal(client.send('late'), 'closed');
      assert.equal(await ended, `data: ${large}\n\ndata: last\n\n`);
      assert.equal(await made.gone.next(), client);
    });

    it('ends with the server', async (test) => {
      const made = await eventBed(test, stack);
      const { ended } = await openRawReader(made, '/events');
      await made.come.next();
      await made.server.end();
      assert.equal(await ended, '');
      assert.equal(made.source.count(), 0);
    });

    it('asks before it lets a client read', async (test) => {
      const made = await eventBed(test, stack);
      made.source.authorizeConnect((request) => request.hasArg('token'));
      assert.equal((await made.ask('/events')).status, 401);
      made.source.authorizeConnect(async (request) => Promise.resolve(request.hasArg('token')));
      assert.equal((await made.ask('/events')).status, 401);
      made.server.addMiddleware((request, next) => {
        if (request.hasArg('refuse')) throw new HttpError(403);
        return next();
      });
      assert.equal((await made.ask('/events?token&refuse')).status, 403);
      assert.equal((await openRawReader(made, '/events?token')).status, 200);
      assert.equal((await made.ask('/events?token', { method: 'HEAD' })).status, 200);
      assert.equal((await made.ask('/events', { method: 'POST' })).status, 405);
      await assert.rejects(made.read().opened, /refused with 401/);
    });

    it('takes as many clients as its limit, and answers 503 to one more', async (test) => {
      const made = await eventBed(test, stack, { limits: { clients: 2 } });
      await openRawReader(made, '/events');
      const { answer } = await openRawReader(made, '/events');
      const refused = await made.ask('/events');
      assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
      answer.destroy();
      await made.gone.next();
      assert.equal((await openRawReader(made, '/events')).status, 200);
    });

    it('counts clients that middleware still keeps', async (test) => {
      const made = await eventBed(test, stack, { limits: { clients: 1 } });
      const gate = new Inbox<string>();
      made.server.addMiddleware(async (request, next) => {
        await next();
        if (request.hasArg('slow')) await gate.next();
      });
      const slow = openRawReader(made, '/events?slow');
      while ((await made.ask('/events', { method: 'HEAD' })).status !== 503) continue;
      gate.put('open');
      assert.equal((await slow).status, 200);
    });

    it('notices that a client has gone which asked for another protocol as well', async (test) => {
      const made = await eventBed(test, stack);
      const headers = { Upgrade: 'h2c', Connection: 'Upgrade' };
      const { answer } = await openRawReader(made, '/events', headers);
      await made.come.next();
      answer.socket.end();
      await made.gone.next();
      assert.equal(made.source.count(), 0);
    });

    it('ends the stream of a client whose handler throws, and logs it', async (test) => {
      const made = await eventBed(test, stack);
      made.source.onConnect(() => Promise.reject(new Error('broken')));
      const { ended } = await openRawReader(made, '/events');
      assert.equal(await ended, '');
      assert.match(made.log[0] ?? '', /handler \/events of GET \/events: its handler threw Error: broken/);
    });

    it('waits for its turn on a connection with earlier requests', async (test) => {
      const made = await eventBed(test, stack);
      const gate = new Inbox<string>();
      made.server.on('/slow', async (request) => {
        await gate.next();
        request.send(200, 'text/plain', 'slow');
      });
      const socket = made.open();
      const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      socket.write(get('/slow') + get('/events'));
      made.source.onConnect((client) => {
        client.send('hello');
      });
      let text = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
      setImmediate(() => {
        gate.put('open');
      });
      while (!text.includes('hello')) await once(socket, 'data');
      assert.match(text, /^HTTP\/1.1 200 [^]*slowHTTP\/1.1 200 [^]*event-stream[^]*\r\n\r\ndata: hello\n\n$/);
      socket.destroy();
    });
  });
}

for (const stack of SYSTEM_STACKS) {
  describe(`an event source on ${stack}, with curl`, () => {
    it('is read as it comes', async (test) => {
      const made = await eventBed(test, stack);
      const curl = spawn('curl', ['-sN', `http://127.0.0.1:${made.port}/events`]);
      let text = '';
      curl.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
      await made.come.next();
      for (const word of ['one', 'two']) {
        made.source.send(word);
        while (!text.includes(word)) await once(curl.stdout, 'data');
      }
      made.source.close();
      const [code] = (await once(curl, 'exit')) as [number];
      assert.deepEqual([code, text], [0, 'data: one\n\ndata: two\n\n']);
    });
  });
}
