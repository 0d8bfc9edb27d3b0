/** The server: routes, middleware, answers and what goes wrong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { AsyncURIMatcher, HTTP_GET, HTTP_POST, HttpError } from 'asynctcp-web';
import { bed, STACKS } from './bed.js';

for (const stack of STACKS) {
  describe(`a web server on ${stack}`, () => {
    it('answers by the first handler of the path and method, with its groups', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/hello', HTTP_GET, (request) => {
          request.send(200, 'text/plain', `hello ${request.arg('name')}`);
        });
        server.on(AsyncURIMatcher.regex('^/led/([0-9]+)/(on|off)$'), HTTP_POST, (request) => {
          request.send(200, 'text/plain', `${request.pathArg(0)} ${request.pathArg(1)}`);
        });
      });
      assert.equal((await ask('/hello?name=a%20b')).text, 'hello a b');
      assert.equal((await ask('/led/12/on', { method: 'POST' })).text, '12 on');
    });

    it('answers 404, and 405 with the methods of the path', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/a', HTTP_GET, (request) => {
          request.send(200);
        });
        server.on('/a', HTTP_POST, (request) => {
          request.send(200);
        });
      });
      assert.equal((await ask('/b')).status, 404);
      const refused = await ask('/a', { method: 'DELETE' });
      assert.equal(refused.status, 405);
      assert.equal(refused.headers.allow, 'GET, POST, HEAD');
    });

    it('ends once, however often it is asked to, and for all at the same time', async (test) => {
      const { server, ask } = await bed(test, stack, (made) => {
        made.on('/', (request) => request.pause());
      });
      const answered = ask('/').catch(() => 'reset');
      await once(server.server, 'request');
      const order: string[] = [];
      const first = server.end(60_000).then(() => order.push('first'));
      // The shorter time holds.
      const second = server.end(1).then(() => {
        assert.equal(server.server.listening, false);
        order.push('second');
      });
      await new Promise(setImmediate);
      assert.deepEqual(order, []);
      await Promise.all([first, second]);
      assert.equal(await answered, 'reset');
      await server.end();
    });

    it('sends no body to HEAD, and the length of it', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_GET, (request) => {
          request.send(200, 'text/plain', 'hello');
        });
      });
      const answer = await ask('/', { method: 'HEAD' });
      assert.equal(answer.text, '');
      assert.equal(answer.headers['content-length'], '5');
    });

    it('runs middleware around the handler, which still changes the answer', async (test) => {
      const order: string[] = [];
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(async (request, next) => {
          order.push('outer');
          await next();
          request.getResponse()?.addHeader('X-Outer', String(order.length));
        });
        server
          .on('/', HTTP_GET, (request) => {
            order.push('handler');
            request.send(200);
          })
          .addMiddleware((_request, next) => {
            order.push('inner');
            return next();
          });
      });
      assert.equal((await ask('/')).headers['x-outer'], '3');
      assert.deepEqual(order, ['outer', 'inner', 'handler']);
    });

    it('answers 500 for a handler that throws, and names the route', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/now', HTTP_GET, () => {
          throw new Error('broken');
        });
        server.on('/later', HTTP_GET, () => Promise.reject(new Error('broken later')));
        server.on('/meant', HTTP_GET, () => {
          throw new HttpError(418, 'no coffee');
        });
      });
      assert.equal((await ask('/now')).status, 500);
      assert.match(log[0] ?? '', /handler \/now of GET \/now: it threw Error: broken/);
      assert.equal((await ask('/later')).status, 500);
      const meant = await ask('/meant');
      assert.deepEqual([meant.status, meant.text, log.length], [418, 'no coffee', 2]);
    });

    it('answers 503 for a handler that does not answer in time, unless it has paused the request', async (test) => {
      const { ask, log } = await bed(
        test,
        stack,
        (server) => {
          server.on('/never', HTTP_GET, () => undefined);
          server.on('/paused', HTTP_GET, (request) => {
            const reference = request.pause();
            setTimeout(() => {
              reference.lock()?.send(200, 'text/plain', 'at last');
            }, 200);
          });
        },
        { limits: { answerMs: 50 } },
      );
      assert.equal((await ask('/never')).status, 503);
      assert.match(log[0] ?? '', /handler \/never of GET \/never: it has not answered within 50 ms/);
      assert.equal((await ask('/paused')).text, 'at last');
    });

    it('tells a handler by its signal that the client has gone', async (test) => {
      const { server, open } = await bed(test, stack, () => undefined);
      const socket = open();
      const gone = new Promise((resolve) => {
        server.on('/', HTTP_GET, ({ signal }) => {
          signal.addEventListener('abort', resolve);
          socket.destroy();
        });
      });
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await gone;
    });

    it('sends chunks from a filler and from an iterable, and a body of a known length', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/filler', HTTP_GET, (request) => {
          request.sendChunked('text/plain', (buffer, maxLen, index) =>
            index >= 100_000 ? 0 : buffer.fill('a', 0, Math.min(maxLen, 100_000 - index)).length,
          );
        });
        server.on('/iterable', HTTP_GET, (request) => {
          request.sendChunked('text/plain', ['one ', 'two']);
        });
        server.on('/known', HTTP_GET, (request) => {
          request.send('text/plain', 6, ['abc', 'def']);
        });
      });
      assert.equal((await ask('/iterable')).text, 'one two');
      const known = await ask('/known');
      assert.deepEqual([known.text, known.headers['content-length']], ['abcdef', '6']);
      assert.equal((await ask('/filler')).body.length >= 100_000, true);
    });
  });
}
