/** Two of examples/scale/server.ts behind HAProxy, with Redis between them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket, type RawData } from 'ws';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, unlessInstalled, type Program } from '../e2e/programs.js';
import { startRedis } from '../programs/services.js';
import { freePort } from '../support/free-port.js';

const HOST = '127.0.0.1';
const noPeers = unlessInstalled('haproxy', 'redis-server');
const STACKS = [
  ['kernel', loadAddon().reason ?? noPeers],
  ['node', noPeers],
] as const;
const NAMES = ['one', 'two'] as const;
type Name = (typeof NAMES)[number];

/** Requests at once while a server ends. */
const AT_ONCE = 8;
/** Requests to the other server, after which the end of one is taken for complete. */
const AFTERWARDS = 200;

class Place {
  readonly port: number;
  readonly servers = new Map<Name, Program>();
  readonly #test: TestContext;
  readonly #stack: string;
  readonly #redis: number;
  readonly #ports: Readonly<Record<Name, number>>;

  private constructor(
    test: TestContext,
    stack: string,
    redis: number,
    ports: Readonly<Record<Name, number>>,
    port: number,
  ) {
    this.#test = test;
    this.#stack = stack;
    this.#redis = redis;
    this.#ports = ports;
    this.port = port;
  }

  /** Starts Redis, both servers, and HAProxy in front of them. */
  static async start(test: TestContext, stack: string): Promise<Place> {
    const redis = await startRedis(test);
    const ports = { one: await freePort(), two: await freePort() };
    const place = new Place(test, stack, redis, ports, await freePort());
    await Promise.all(NAMES.map((name) => place.startServer(name)));
    const file = fileURLToPath(import.meta.resolve('asynctcp-examples-scale/haproxy.cfg'));
    const env = { HOST, PORT: String(place.port), ONE: String(ports.one), TWO: String(ports.two) };
    const { stdout } = start(test, 'haproxy', ['-db', '-f', file], env);
    await stdout.line(/^Health check for server web.\w+ succeeded/);
    await stdout.line(/^Health check for server web.\w+ succeeded/);
    return place;
  }

  async startServer(name: Name): Promise<void> {
    const file = fileURLToPath(import.meta.resolve('asynctcp-examples-scale/server'));
    const env = {
      NAME: name,
      PORT: String(this.#ports[name]),
      REDIS: String(this.#redis),
      STACK: this.#stack,
    };
    const program = start(this.#test, process.execPath, [file], env);
    this.servers.set(name, program);
    await program.stdout.line(/^listening on \d+$/);
  }

  /** Asks for the page. Resolves to the answer, and to the end from which was asked. */
  async ask(options: http.RequestOptions = {}): Promise<{ name: string; client: string; own: string }> {
    const request = http.request({ host: HOST, port: this.port, path: '/', ...options }).end();
    const [socket] = (await once(request, 'socket')) as [Socket];
    if (socket.connecting) await once(socket, 'connect');
    const own = `${socket.localAddress} ${socket.localPort}`;
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const page = await text(response);
    assert.equal(response.statusCode, 200, page);
    const [name = '', ...client] = page.split(' ');
    return { name, client: client.join(' '), own };
  }

  /** Asks until all of the servers have answered. */
  async askUntil(names: readonly Name[]): Promise<void> {
    const seen = new Set<string>();
    while (!names.every((name) => seen.has(name))) seen.add((await this.ask()).name);
  }
}

/** A client of the news, and the messages that came. */
class Reader {
  readonly ws: WebSocket;
  readonly messages: string[] = [];
  #wake = (): void => undefined;

  constructor(test: TestContext, port: number) {
    this.ws = new WebSocket(`ws://${HOST}:${port}/news`);
    test.after(() => this.ws.terminate());
    this.ws.on('message', (data: RawData) => {
      assert.ok(Buffer.isBuffer(data));
      this.messages.push(data.toString());
      this.#wake();
    });
  }

  /** Resolves to the first `count` messages. */
  async first(count: number): Promise<string[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.messages.slice(0, count);
  }
}

for (const [stack, skip] of STACKS) {
  describe(`two servers behind HAProxy on ${stack}`, { skip, timeout: 120_000 }, () => {
    it('share the requests, and know the clients’ addresses', async (test) => {
      const place = await Place.start(test, stack);
      const names = new Set<string>();
      for (let count = 0; count < 20; count += 1) {
        const { name, client, own } = await place.ask();
        assert.equal(client, own);
        names.add(name);
      }
      assert.deepEqual([...names].sort(), [...NAMES]);
    });

    it('give a message of one client to the clients of both, in one order', async (test) => {
      const place = await Place.start(test, stack);
      const readers: Reader[] = [];
      const greetings = new Set<string | undefined>();
      while (greetings.size < NAMES.length || readers.length < 6) {
        const reader = new Reader(test, place.port);
        readers.push(reader);
        greetings.add((await reader.first(1))[0]);
      }
      assert.deepEqual([...greetings].sort(), ['connected to one', 'connected to two']);
      for (const [index, { ws }] of readers.entries()) ws.send(`news ${index}`);
      const all = await Promise.all(readers.map((reader) => reader.first(1 + readers.length)));
      const [, ...order] = all[0] ?? [];
      assert.deepEqual(order.toSorted(), readers.map((_, index) => `news ${index}`).toSorted());
      for (const messages of all) assert.deepEqual(messages.slice(1), order);
    });

    it('lose no request while one of them ends, and take it back when it is started again', async (test) => {
      const place = await Place.start(test, stack);
      const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
      test.after(() => agent.destroy());
      const counts = new Map<string, number>();
      let after = 0;
      let hasEnded = false;
      const ask = async (): Promise<void> => {
        while (after < AFTERWARDS) {
          // HAProxy does not send it to the other server if this one is gone.
          const { name } = await place.ask({ agent, method: 'POST' });
          counts.set(name, (counts.get(name) ?? 0) + 1);
          if (hasEnded) after += 1;
        }
      };
      const asking = Array.from({ length: AT_ONCE }, ask);
      while (NAMES.some((name) => (counts.get(name) ?? 0) < 50)) await place.ask();
      const program = place.servers.get('one');
      const ended = program?.terminate().then((ending) => {
        hasEnded = true;
        return ending;
      });
      await Promise.all(asking);
      assert.deepEqual(await ended, { status: 0, signal: null });
      assert.equal(program?.stderr.text, '');
      assert.equal((await place.ask()).name, 'two');
      await place.startServer('one');
      await place.askUntil(NAMES);
    });

    it('answer although one of them is killed', async (test) => {
      const place = await Place.start(test, stack);
      await place.askUntil(NAMES);
      await place.servers.get('one')?.kill();
      for (let count = 0; count < 50; count += 1) assert.equal((await place.ask()).name, 'two');
    });
  });
}
