/** Functions of the web's Request and Response as handlers, and a Hono app among them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncURIMatcher, HTTP_GET } from 'asynctcp-web';
import { Hono } from 'hono';
import { bed, rawAnswer, STACKS } from './bed.js';

for (const stack of STACKS) {
  describe(`a fetch function on ${stack}`, () => {
    it('gets method, absolute URL, headers and body, and answers with all that a Response has', async (test) => {
      const { ask, port } = await bed(test, stack, (server) => {
        server.onFetch('', async (request) => {
          const body = await request.text();
          const headers = new Headers({ 'X-Url': request.url, 'X-Echo': request.headers.get('x-a') ?? '' });
          headers.append('Set-Cookie', 'a=1');
          headers.append('Set-Cookie', 'b=2');
          return new Response(`${request.method} ${body}`, { status: 201, headers });
        });
      });
      const asked = { method: 'PUT', headers: { 'X-A': 'b' }, body: 'text' };
      const answer = await ask('/a%2Fb?c=%20', asked);
      assert.deepEqual([answer.status, answer.text], [201, 'PUT text']);
      assert.equal(answer.headers['x-url'], `http://localhost:${port}/a%2Fb?c=%20`);
      assert.equal(answer.headers['x-echo'], 'b');
      assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
      assert.equal(answer.headers['content-type'], 'text/plain;charset=UTF-8');
    });

    it('streams both bodies, the one held up by the other', async (test) => {
      let isFirst = true;
      const { open } = await bed(test, stack, (server) => {
        server.onFetch('/', (request) => new Response(request.body));
      });
      const socket = open();
      socket.once('data', () => undefined);
      socket.on('data', () => {
        // The end is sent when the answer has begun.
        if (isFirst) socket.write('3\r\nend\r\n0\r\n\r\n');
        isFirst = false;
      });
      const head = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
      const answer = await rawAnswer(socket, `${head}5\r\nbegin\r\n`);
      assert.match(answer, /^HTTP\/1.1 200 [^]*begin[^]*end/);
    });

    it('is asked for no more of its answer than the client takes, nor for more of the body than is read', async (test) => {
      let made = 0;
      let received = 0;
      let cancelled: () => void = () => undefined;
      const isCancelled = new Promise<void>((resolve) => (cancelled = resolve));
      const { open, server } = await bed(test, stack, (web) => {
        web.onFetch(
          '/endless',
          () =>
            new Response(
              new ReadableStream({
                async pull(controller): Promise<void> {
                  await new Promise(setImmediate);
                  made += 65_536;
                  controller.enqueue(new Uint8Array(65_536));
                },
                cancel(): void {
                  cancelled();
                },
              }),
            ),
        );
      });
      const socket = open();
      socket.on('data', (piece: Buffer) => {
        received += piece.length;
        if (received < 20_000_000) return;
        assert.ok(made - received < 16_000_000, `${made - received} bytes were made and not taken`);
        socket.destroy();
      });
      socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
      await isCancelled;

      const read = new Promise<void>((resolve) => {
        server.onFetch('/read', async (request) => {
          const reader = (request.body as ReadableStream<Uint8Array>).getReader();
          let bytes = 0;
          for (let piece = await reader.read(); !piece.done && bytes < 4e6; piece = await reader.read()) {
            bytes += piece.value.length;
            await new Promise(setImmediate);
          }
          await reader.cancel();
          resolve();
          return new Response(String(bytes >= 4e6));
        });
      });
      const body = 'x'.repeat(10_000_000);
      const head = `POST /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}`;
      assert.match(await rawAnswer(open(), `${head}\r\n\r\n${body}`), /true/);
      await read;
    });

    it('may leave a body half read: the rest is dropped, and the connection serves on', async (test) => {
      const failed: unknown[] = [];
      const { raw } = await bed(test, stack, (server) => {
        server.onFetch('/half', async (request) => {
          const reader = (request.body as ReadableStream<Uint8Array>).getReader();
          await reader.read();
          reader.closed.catch((error: unknown) => failed.push(error));
          return new Response('half');
        });
        server.onFetch('/none', () => new Response('none'));
      });
      const body = 'x'.repeat(5_000_000);
      const length = `HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const next = 'GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      assert.match(await raw(`POST /half ${length}POST /none ${length}${next}`), /half[^]*none[^]*none/);
      assert.match(String(failed[0]), /answered before the end of its body/);
    });

    it('learns by its signal that the client has gone', async (test) => {
      const { open, server } = await bed(test, stack, () => undefined);
      const socket = open();
      const gone = new Promise<void>((resolve) => {
        server.onFetch('/', (request) => {
          socket.destroy();
          return new Promise((_resolve, reject) => {
            request.signal.addEventListener('abort', () => {
              resolve();
              reject(new Error('aborted'));
            });
          });
        });
      });
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await gone;
    });

    it('answers HEAD, redirects, 204 and 304 without a body', async (test) => {
      const { ask, raw, port } = await bed(test, stack, (server) => {
        server.onFetch('/text', () => new Response('text', { headers: { 'Content-Length': '4' } }));
        server.onFetch('/away', ({ url }) => Response.redirect(new URL('/text', url), 307));
        server.onFetch('/none', () => new Response(null, { status: 204 }));
        server.onFetch('/same', () => new Response(null, { status: 304, headers: { ETag: '"1"' } }));
        server.onFetch('/empty', () => new Response(null));
      });
      const head = await ask('/text', { method: 'HEAD' });
      assert.deepEqual([head.text, head.headers['content-length']], ['', '4']);
      const away = await ask('/away');
      assert.deepEqual([away.status, away.headers.location], [307, `http://localhost:${port}/text`]);
      const same = await ask('/same');
      assert.deepEqual([same.status, same.headers.etag], [304, '"1"']);
      assert.equal((await ask('/empty')).headers['content-length'], '0');
      const none = await raw('GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      assert.match(none, /^HTTP\/1.1 204 (?![^]*content-length|[^]*transfer-encoding)/i);
    });

    it('that fails is a 500, and an answer whose body fails breaks off', async (test) => {
      const { ask, raw, log } = await bed(test, stack, (server) => {
        server.onFetch('/throws', () => {
          throw new Error('broken');
        });
        server.onFetch('/error', () => Response.error());
        server.onFetch('/nothing', () => undefined as unknown as Response);
        server.onFetch('/body', () => {
          const begin = (controller: ReadableStreamDefaultController): void => {
            controller.enqueue(Buffer.from('begin'));
          };
          const pull = (): void => {
            throw new Error('body broken');
          };
          return new Response(new ReadableStream({ start: begin, pull }, { highWaterMark: 0 }));
        });
      });
      for (const path of ['/throws', '/error', '/nothing']) assert.equal((await ask(path)).status, 500, path);
      const broken = await raw('GET /body HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.doesNotMatch(broken, /0\r\n\r\n$/);
      assert.equal(log.length, 4);
      assert.match(log[3] ?? '', /its body broke off: Error: body broken/);
    });

    it('sees no request with a bad host, a method that Request has not, or a body beyond the limit', async (test) => {
      const urls: string[] = [];
      const { raw, ask } = await bed(
        test,
        stack,
        (server) => {
          server.onFetch('', async (request) => {
            urls.push(request.url);
            // A function that hides the error does not hide the answer.
            await request.text().catch(() => '');
            return new Response('ok');
          });
        },
        { limits: { uploadBytes: 100 } },
      );
      const rest = 'Connection: close\r\n\r\n';
      const bad = [
        'a b',
        'a/b',
        'a@b',
        'a?b',
        'a#b',
        'a:x',
        'a:99999',
        '[::1',
        'a\\b',
        '',
        'x\r\nHost: y',
        '%41',
      ];
      for (const host of bad) {
        assert.match(await raw(`GET / HTTP/1.1\r\nHost: ${host}\r\n${rest}`), /^HTTP\/1.1 400 /, host);
      }
      assert.match(await raw(`GET http://a@b/ HTTP/1.1\r\nHost: x\r\n${rest}`), /^HTTP\/1.1 400 /);
      assert.match(await raw(`TRACE / HTTP/1.1\r\nHost: x\r\n${rest}`), /^HTTP\/1.1 501 /);
      const length = { method: 'POST', headers: { 'Content-Length': 101 }, body: 'x'.repeat(101) };
      assert.equal((await ask('/', length)).status, 413);
      assert.deepEqual(urls, []);
      const chunked = { ...length, headers: { 'Transfer-Encoding': 'chunked' } };
      assert.equal((await ask('/', chunked)).status, 413);

      urls.length = 0;
      for (const host of ['x', 'x.example:80', '[::1]:8080', '127.0.0.1', 'xn--a_b-']) {
        await raw(`GET /p HTTP/1.1\r\nHost: ${host}\r\n${rest}`);
      }
      await raw(`GET http://target:81/p?q HTTP/1.1\r\nHost: x\r\n${rest}`);
      await raw(`GET /p HTTP/1.0\r\n\r\n`);
      await raw(`GET //evil.example/p HTTP/1.1\r\nHost: x\r\n${rest}`);
      assert.deepEqual(urls, [
        'http://x/p',
        'http://x.example/p',
        'http://[::1]:8080/p',
        'http://127.0.0.1/p',
        'http://xn--a_b-/p',
        'http://target:81/p?q',
        'http://localhost/p',
        'http://x//evil.example/p',
      ]);
    });

    it('lets a Hono app answer unchanged, beside handlers and middleware', async (test) => {
      const app = new Hono();
      app.get('/api/hello/:name', (context) => context.json({ hello: context.req.param('name') }));
      app.post('/api/form', async (context) => {
        const form = await context.req.parseBody();
        const { a, f: upload } = form;
        return context.text(
          `${typeof a === 'string' ? a : ''} ${upload instanceof File ? await upload.text() : ''}`,
        );
      });
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(async (request, next) => {
          await next();
          request.getResponse()?.addHeader('X-Seen', 'yes');
        });
        server.on('/own', HTTP_GET, (request) => {
          request.send(200, '', 'own');
        });
        server.onFetch(AsyncURIMatcher.dir('/api'), app.fetch);
        server.rewrite('/old', '/api/hello/r%C3%A4write?x=1');
      });
      assert.equal((await ask('/own')).text, 'own');
      const hello = await ask('/api/hello/w%C3%B6rld');
      assert.deepEqual(JSON.parse(hello.text), { hello: 'wörld' });
      assert.equal(hello.headers['x-seen'], 'yes');
      assert.deepEqual(JSON.parse((await ask('/old')).text), { hello: 'räwrite' });
      assert.equal((await ask('/api/none')).status, 404);
      const form = new FormData();
      form.set('a', '1');
      form.set('f', new File(['data'], 'x.txt'));
      const encoded = new Response(form);
      const headers = { 'Content-Type': encoded.headers.get('content-type') ?? '' };
      const body = Buffer.from(await encoded.arrayBuffer());
      assert.equal((await ask('/api/form', { method: 'POST', headers, body })).text, '1 data');
    });
  });
}
