/** Limits of a server, and what a client that exceeds one is answered. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP_POST, type AsyncWebServer } from 'asynctcp-web';
import type { Socket } from 'asynctcp/net';
import { bed, rawAnswer, STACKS } from './bed.js';

function answerAll(server: AsyncWebServer): void {
  server.on('/', (request) => {
    request.send(200, 'text/plain', 'ok');
  });
}

/** Sends a byte now and then until the connection is closed, and returns the answer. */
function drip(socket: Socket, start: string): Promise<string> {
  const dripping = setInterval(() => {
    socket.write('x');
  }, 10);
  return rawAnswer(socket, start).finally(() => {
    clearInterval(dripping);
  });
}

for (const stack of STACKS) {
  describe(`the limit on ${stack}`, () => {
    it('of header bytes is answered 431', async (test) => {
      const { ask } = await bed(test, stack, answerAll, { limits: { headerBytes: 2000 } });
      assert.equal((await ask('/', { headers: { x: 'x'.repeat(1500) } })).status, 200);
      assert.equal((await ask('/', { headers: { x: 'x'.repeat(2000) } })).status, 431);
    });

    it('of headers is answered 431', async (test) => {
      const { raw } = await bed(test, stack, answerAll, { limits: { headers: 10 } });
      const sent = (headers: number): Promise<string> =>
        raw(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'X: y\r\n'.repeat(headers - 2)}\r\n`);
      assert.match(await sent(10), /^HTTP\/1.1 200 /);
      assert.match(await sent(11), /^HTTP\/1.1 431 /);
    });

    it('of the URL is answered 414', async (test) => {
      const { ask } = await bed(test, stack, answerAll, { limits: { urlBytes: 100 } });
      assert.equal((await ask(`/?${'x'.repeat(98)}`)).status, 200);
      assert.equal((await ask(`/?${'x'.repeat(99)}`)).status, 414);
    });

    it('of parameters of a query is answered 400', async (test) => {
      const { ask } = await bed(test, stack, answerAll, { limits: { params: 3 } });
      assert.equal((await ask('/?a&b&c')).status, 200);
      assert.equal((await ask('/?a&b&c&d')).status, 400);
    });

    it('of a body is answered 413: held or passed on, with its length or chunked', async (test) => {
      const limits = { bodyBytes: 100, uploadBytes: 300 };
      const { ask } = await bed(
        test,
        stack,
        (server) => {
          answerAll(server);
          server.on('/whole', async (request) => {
            await request.bodyBytes();
            request.send(200);
          });
          server.on(
            '/pieces',
            HTTP_POST,
            (request) => {
              request.send(200);
            },
            () => undefined,
            () => undefined,
          );
        },
        { limits },
      );
      const form = 'application/x-www-form-urlencoded';
      const multipart = 'multipart/form-data; boundary=b';
      const start = '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n';
      const end = '\r\n--b--';
      const cases: [path: string, type: string, start: string, end: string, limit: number][] = [
        ['/', form, 'a=', '', 100],
        ['/whole', 'text/plain', '', '', 100],
        ['/pieces', 'text/plain', '', '', 300],
        ['/pieces', multipart, start, end, 300],
      ];
      for (const [path, type, before, behind, limit] of cases) {
        for (const [more, status] of [
          [0, 200],
          [1, 413],
        ] as const) {
          const body = before + 'x'.repeat(limit + more - before.length - behind.length) + behind;
          for (const framing of [{ 'Content-Length': body.length }, { 'Transfer-Encoding': 'chunked' }]) {
            const headers = { 'Content-Type': type, ...framing };
            const answer = await ask(path, { method: 'POST', headers, body });
            assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}`);
          }
        }
      }
    });

    it('of time for the headers is answered 408, also to a client that sends on', async (test) => {
      const limits = { headersMs: 300, requestMs: 300 };
      const { open } = await bed(test, stack, answerAll, { limits });
      assert.match(await drip(open(), 'GET / HTTP/1.1\r\nX: '), /^HTTP\/1.1 408 /);
      assert.equal((await rawAnswer(open(), '')).startsWith('HTTP/1.1 200'), false);
    });

    it('of time for the body is answered 408, also to a client that sends on', async (test) => {
      const limits = { headersMs: 200, requestMs: 300 };
      const { open, log } = await bed(
        test,
        stack,
        (server) => {
          server.on('/whole', async (request) => {
            await request.bodyBytes();
          });
          server.on(
            '/pieces',
            HTTP_POST,
            () => undefined,
            undefined,
            () => undefined,
          );
        },
        { limits },
      );
      for (const path of ['/whole', '/pieces']) {
        const start = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n`;
        assert.match(await drip(open(), start), /^HTTP\/1.1 408 /);
      }
      assert.deepEqual(log, []);
    });

    it('of time to answer begins when the body has been read', async (test) => {
      const { open } = await bed(
        test,
        stack,
        (server) => {
          server.on(
            '/',
            HTTP_POST,
            (request) => {
              request.send(200);
            },
            undefined,
            () => undefined,
          );
        },
        { limits: { answerMs: 50 } },
      );
      const socket = open();
      const length = 30;
      const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
      assert.match(await drip(socket, head), /^HTTP\/1.1 200 /);
    });

    it('of time to answer bounds a function that holds up the end of a body', async (test) => {
      const { ask, log } = await bed(
        test,
        stack,
        (server) => {
          const never = (): Promise<never> => new Promise(() => undefined);
          server.on('/', HTTP_POST, () => undefined, never, never);
          server.onFetch('/fetch', async (request) => {
            await request.body?.getReader().read();
            return never();
          });
        },
        { limits: { answerMs: 50 } },
      );
      const form = { 'Content-Type': 'multipart/form-data; boundary=b' };
      const file = 'Content-Disposition: form-data; name="f"; filename="f"';
      const body = `--b\r\n${file}\r\n\r\nabc\r\n--b--\r\n`;
      assert.equal((await ask('/', { method: 'POST', body: 'abc' })).status, 503);
      assert.equal((await ask('/', { method: 'POST', headers: form, body })).status, 503);
      assert.equal((await ask('/fetch', { method: 'POST', body: 'abc' })).status, 503);
      assert.equal(log.length, 3);
    });

    it('of stalled clients leaves one alone that waits for the server', async (test) => {
      const { ask } = await bed(
        test,
        stack,
        (server) => {
          server.on('/', (request) => {
            setTimeout(() => {
              request.send(200);
            }, 200);
          });
        },
        { limits: { stalledMs: 50, keepAliveMs: 50 } },
      );
      assert.equal((await ask('/')).status, 200);
    });

    it('of stalled clients closes one that takes no bytes, and keep-alive one that asks nothing', async (test) => {
      const { open } = await bed(
        test,
        stack,
        (server) => {
          answerAll(server);
          server.on('/endless', (request) => {
            request.sendChunked('text/plain', endless());
          });
        },
        { limits: { stalledMs: 100, keepAliveMs: 50 } },
      );
      const reader = open();
      reader.pause();
      const closed = new Promise((resolve) => reader.once('error', resolve).once('close', resolve));
      reader.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
      const idle = await rawAnswer(open(), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.match(idle, /^HTTP\/1.1 200 /);
      await isEnded;
      reader.resume();
      await closed;
    });

    it('of connections closes further ones', async (test) => {
      const { open, raw } = await bed(test, stack, answerAll, { limits: { connections: 1 } });
      const socket = open();
      const answered = new Promise((resolve) => socket.once('data', resolve));
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await answered;
      assert.equal(await raw('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '');
      socket.destroy();
    });

    it('of requests at once counts pipelined ones of a client that has gone no more', async (test) => {
      const { ask, open, server } = await bed(test, stack, answerAll, { limits: { requests: 3 } });
      const socket = open();
      let count = 0;
      const gone = new Promise<void>((resolve) => {
        server.on('/slow', (request) => {
          count += 1;
          if (count === 3) socket.destroy();
          request.onDisconnect(() => {
            count -= 1;
            if (count === 0) resolve();
          });
        });
      });
      socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
      await gone;
      assert.equal((await ask('/')).status, 200);
    });

    it('of requests at once is answered 503 with Retry-After, and the next one is served', async (test) => {
      let release: (() => void) | undefined;
      const { ask, server } = await bed(test, stack, answerAll, { limits: { requests: 1, retryAfterS: 7 } });
      const begun = new Promise<void>((resolve) => {
        server.on('/slow', (request) => {
          release = () => {
            request.send(200);
          };
          resolve();
        });
      });
      const slow = ask('/slow');
      await begun;
      const refused = await ask('/', { method: 'POST', body: 'x'.repeat(100_000) });
      assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '7']);
      release?.();
      assert.equal((await slow).status, 200);
      assert.equal((await ask('/')).status, 200);
    });
  });
}

let ended: () => void;
const isEnded = new Promise<void>((resolve) => (ended = resolve));

async function* endless(): AsyncGenerator<string> {
  try {
    for (;;) {
      yield 'x'.repeat(65_536);
      await new Promise(setImmediate);
    }
  } finally {
    ended();
  }
}
