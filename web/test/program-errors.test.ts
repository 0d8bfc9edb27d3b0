/** Errors of the program's own functions: each is an answer and a line in the log, none ends the server. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AsyncAuthorizationMiddleware,
  AsyncJsonResponse,
  AsyncURIMatcher,
  AsyncWebRewrite,
  HttpError,
} from 'asynctcp-web';
import { bed, STACKS } from './bed.js';
import { until } from './files.js';

const fail = (): never => {
  throw new Error('the program failed');
};

for (const stack of STACKS) {
  describe(`an error of the program on ${stack}`, () => {
    it('in a filter, a matcher or a rewrite is answered 500, and the log names the route', async (test) => {
      const { ask, log, server } = await bed(test, stack, (given) => {
        given.on('/filter', (request) => request.send(200)).setFilter(fail);
        given.on(new AsyncURIMatcher('/matcher', (path) => path === '/matcher' && fail()), () => undefined);
        given.addRewrite(new AsyncWebRewrite('/rewrite', '/')).setFilter(fail);
      });
      for (const path of ['/filter', '/matcher', '/rewrite']) {
        assert.equal((await ask(path)).status, 500, path);
        const upgrade = { Connection: 'Upgrade', Upgrade: 'x' };
        assert.equal((await ask(path, { headers: upgrade })).status, 500, path);
      }
      assert.equal(log.length, 6);
      assert.match(log[0] ?? '', /handler \/filter of GET \/filter: it threw Error: the program failed/);
      assert.match(log[2] ?? '', /handler \/matcher of GET \/matcher: it threw/);
      server.reset();
      assert.equal((await ask('/filter')).status, 404);
    });

    it('in an answer that cannot be encoded is answered 500, at once or later', async (test) => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/now', (request) => request.send(new AsyncJsonResponse(circle)));
        server.on('/async', async (request) => {
          await Promise.resolve();
          request.send(new AsyncJsonResponse(circle));
        });
        server.on('/later', (request) => {
          setImmediate(() => {
            assert.throws(() => request.send(new AsyncJsonResponse({ big: 1n })), TypeError);
            assert.equal(request.isSent(), false);
            request.send(200, 'text/plain', 'another one');
          });
        });
      });
      assert.equal((await ask('/now')).status, 500);
      assert.equal((await ask('/async')).status, 500);
      assert.equal(log.length, 2);
      assert.equal((await ask('/later')).text, 'another one');
    });

    it('in a function that sees the answer is answered 500', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/now', (request) => {
          request.onAnswer(fail);
          request.send(200);
        });
        server.on('/async', async (request) => {
          request.onAnswer(fail);
          await Promise.resolve();
          throw new HttpError(404);
        });
      });
      assert.equal((await ask('/now')).status, 500);
      assert.equal((await ask('/async')).status, 500);
      assert.equal(log.length, 2);
    });

    it('in a function for a disconnect is logged, and the others are called', async (test) => {
      let called = 0;
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          request.onDisconnect(fail);
          // eslint-disable-next-line @typescript-eslint/require-await -- its rejection is what is tested.
          request.onDisconnect(async () => fail());
          request.onDisconnect(() => (called += 1));
          request.send(200);
        });
      });
      assert.equal((await ask('/')).status, 200);
      await until(() => called === 1 && log.length === 2);
      assert.match(log[0] ?? '', /its function for a disconnect threw Error: the program failed/);
    });

    it('in a status is answered 500', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/now', () => {
          throw new HttpError(1000);
        });
        server
          .on('/async', () => undefined)
          .addMiddleware(new AsyncAuthorizationMiddleware(200, () => Promise.resolve(false)));
      });
      assert.equal((await ask('/now')).status, 500);
      assert.equal((await ask('/async')).status, 500);
      assert.match(log[0] ?? '', /RangeError: code must be 400 to 599; it is 1000/);
    });

    it('that middleware never ends is answered 503, also behind an answer', async (test) => {
      const { ask, log } = await bed(
        test,
        stack,
        (server) => {
          server
            .on('/', (request) => request.send(200))
            .addMiddleware(async (_request, next) => {
              await next();
              await new Promise(() => undefined);
            });
        },
        { limits: { answerMs: 50 } },
      );
      assert.equal((await ask('/')).status, 503);
      assert.equal(log.length, 1);
    });
  });
}
