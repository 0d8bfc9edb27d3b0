/** Places and memory for bodies, which the requests of a server share. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { AsyncCallbackJsonWebHandler, HTTP_POST, type AsyncWebServer } from 'asynctcp-web';
import { bed, STACKS, type Bed } from './bed.js';
import { until } from './files.js';

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';
const FIELD = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n';
const JSON_TYPE = 'application/json';
/** More than a connection takes from a client that does not read. */
const LARGE_BYTES = 50_000_000;

/** Paths that read a body in each way, with its type and its beginning. */
const READERS: readonly (readonly [path: string, type: string, beginning: string])[] = [
  ['/form', FORM, 'a='],
  ['/form', MULTIPART, FIELD],
  ['/text', 'text/plain', 'a'],
  ['/json', JSON_TYPE, '["'],
  ['/fetch', 'text/plain', 'a'],
];

function answerAll(server: AsyncWebServer): void {
  server.on('/', (request) => {
    request.send(200);
  });
  server.on('/large', (request) => {
    request.send(200, 'text/plain', Buffer.alloc(LARGE_BYTES));
  });
  server.on('/form', (request) => {
    request.send(200);
  });
  server.on('/text', async (request) => {
    request.send(200, 'text/plain', await request.bodyText());
  });
  server.addHandler(
    new AsyncCallbackJsonWebHandler('/json', (request) => {
      request.send(200);
    }),
  );
  server.onFetch('/fetch', async (request) => new Response(await request.text()));
  server.on(
    '/stream',
    HTTP_POST,
    (request) => {
      request.send(200);
    },
    () => undefined,
    () => undefined,
  );
}

/** Sends the head of a request and the beginning of its body. Settles when the server has both. */
async function beginBody({ open, server }: Bed, path: string, type: string, body: string): Promise<Socket> {
  const socket = open();
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000000\r\n\r\n`;
  const requested = once(server.server, 'request');
  socket.on('error', () => undefined).write(head + body);
  const [message] = (await requested) as [IncomingMessage];
  await until(() => message.socket.bytesRead >= head.length + body.length);
  return socket;
}

for (const stack of STACKS) {
  describe(`many slow bodies on ${stack}`, () => {
    it('take no place of a good client', async (test) => {
      const made = await bed(test, stack, answerAll, { limits: { requests: 1 } });
      for (const [path, type, beginning] of [...READERS, ['/stream', 'text/plain', 'a'] as const]) {
        await beginBody(made, path, type, beginning);
        assert.equal((await made.ask('/')).status, 200, path);
      }
    });

    it('nor do answers that are not read', async (test) => {
      const { open, ask } = await bed(test, stack, answerAll, { limits: { requests: 1 } });
      const deaf = open();
      deaf.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(deaf, 'readable');
      assert.equal((await ask('/')).status, 200);
      deaf.destroy();
    });

    it('count when they have come: one too many is answered 503 with Retry-After', async (test) => {
      const limits = { requests: 1, retryAfterS: 7 };
      const made = await bed(test, stack, answerAll, { limits });
      const begun = new Promise<() => void>((resolve) => {
        made.server.on('/wait', (request) => {
          resolve(() => {
            request.send(200);
          });
        });
      });
      const sockets = [];
      for (const path of ['/text', '/form', '/fetch', '/stream']) {
        sockets.push(await beginBody(made, path, path === '/form' ? FORM : 'text/plain', 'a'));
      }
      const waiting = made.ask('/wait');
      const release = await begun;
      for (const socket of sockets) {
        const answered = once(socket, 'data');
        socket.write('a'.repeat(999_999));
        assert.match(String(await answered), /^HTTP\/1.1 503 [^]*\r\nRetry-After: 7\r\n/);
      }
      release();
      assert.equal((await waiting).status, 200);
      const { status } = await made.ask('/text', { method: 'POST', body: 'a' });
      assert.equal(status, 200);
    });

    it('are held in memory within a limit, and then 503 with Retry-After', async (test) => {
      const limits = { heldBytes: 10_000, retryAfterS: 7 };
      for (const [path, type, beginning] of READERS) {
        const made = await bed(test, stack, answerAll, { limits });
        const first = await beginBody(made, path, type, beginning + 'a'.repeat(6000));
        const body = type === JSON_TYPE ? `["${'a'.repeat(6000)}"]` : 'a'.repeat(6000);
        const asked = { method: 'POST', headers: { 'Content-Type': JSON_TYPE }, body };
        const target = path === '/form' ? '/text' : path;
        const refused = await made.ask(target, asked);
        assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '7'], path);
        first.destroy();
        await until(async () => (await made.ask(target, asked)).status === 200);
      }
    });

    it('that are larger than that limit alone are answered 413', async (test) => {
      const { ask } = await bed(test, stack, answerAll, { limits: { heldBytes: 10_000 } });
      for (const [path, type, beginning] of READERS) {
        const body = `${beginning}${'a'.repeat(10_000)}`;
        const { status } = await ask(path, { method: 'POST', headers: { 'Content-Type': type }, body });
        assert.equal(status, 413, path);
      }
    });

    it('hold nothing of what a handler takes as it comes', async (test) => {
      const { ask } = await bed(test, stack, answerAll, { limits: { heldBytes: 10_000 } });
      const large = 'a'.repeat(1_000_000);
      assert.equal((await ask('/stream', { method: 'POST', body: large })).status, 200);
      const file = '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n';
      const pieces = [file, large, '\r\n--b--\r\n'].map((piece) => Buffer.from(piece));
      const headers = { 'Content-Type': MULTIPART };
      assert.equal((await ask('/stream', { method: 'POST', headers, body: pieces })).status, 200);
    });
  });
}
