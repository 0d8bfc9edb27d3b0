/** CORS, rate limit, log, headers of requests, and that no header can be injected. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AsyncAuthenticationMiddleware,
  AsyncAuthType,
  AsyncCorsMiddleware,
  AsyncHeaderFilterMiddleware,
  AsyncHeaderFreeMiddleware,
  AsyncLoggingMiddleware,
  AsyncRateLimitMiddleware,
  HTTP_GET,
  HTTP_POST,
  HttpError,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { bed, STACKS, SYSTEM_STACKS, type Answer, type Ask } from './bed.js';
import { curl, WITHOUT_CURL } from './curl.js';

const hello = (request: AsyncWebServerRequest): void => {
  request.send(200, 'text/plain', 'hello');
};

/** A preflight of a page of `origin`. */
function preflight(origin: string, asked: Record<string, string> = {}): Ask {
  const headers = { origin, 'access-control-request-method': 'DELETE', ...asked };
  return { method: 'OPTIONS', headers };
}

/** The headers that concern CORS. */
function corsOf({ status, headers }: Answer): Record<string, unknown> {
  const names = Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary');
  return { status, ...Object.fromEntries(names.map((name) => [name, headers[name]])) };
}

for (const stack of STACKS) {
  describe(`CORS on ${stack}`, () => {
    it('answers a preflight before the handlers, for methods that none of them answers', async (test) => {
      const cors = new AsyncCorsMiddleware();
      const login = new AsyncAuthenticationMiddleware().setAuthType(AsyncAuthType.AUTH_DENIED);
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(cors, login).on('/', HTTP_GET, hello);
      });
      const asked = { 'access-control-request-headers': 'authorization,x-a' };
      assert.deepEqual(corsOf(await ask('/', preflight('https://a.example', asked))), {
        status: 204,
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'DELETE',
        'access-control-allow-headers': 'authorization,x-a',
        'access-control-max-age': '86400',
      });
      assert.equal((await ask('/', { method: 'OPTIONS' })).status, 403);
    });

    it('names the origin, and says that the answer depends on it', async (test) => {
      const cors = new AsyncCorsMiddleware()
        .setOrigin('https://a.example', 'http://b.example:8080')
        .setMethods('GET, DELETE')
        .setHeaders('X-Custom')
        .setAllowCredentials(true)
        .setMaxAge(600);
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(cors).on('/', HTTP_GET, (request) => {
          const response = request.beginResponse(200, 'text/plain', 'hello');
          request.send(response.addHeader('Vary', 'Accept, accept-encoding'));
        });
      });
      const headers = { origin: 'http://b.example:8080' };
      assert.deepEqual(corsOf(await ask('/', preflight('https://a.example'))), {
        status: 204,
        'access-control-allow-origin': 'https://a.example',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, DELETE',
        'access-control-allow-headers': 'X-Custom',
        'access-control-max-age': '600',
        vary: 'Origin',
      });
      assert.deepEqual(corsOf(await ask('/', { headers })), {
        status: 200,
        'access-control-allow-origin': 'http://b.example:8080',
        'access-control-allow-credentials': 'true',
        vary: 'Accept, accept-encoding, Origin',
      });
      assert.deepEqual(corsOf(await ask('/')), { status: 200, vary: 'Accept, accept-encoding, Origin' });
    });

    it('allows no origin but those that are named, to the letter', async (test) => {
      const cors = new AsyncCorsMiddleware().setOrigin('https://a.example').setAllowCredentials(true);
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(cors).on('/', HTTP_GET, hello);
      });
      for (const origin of [
        'https://a.example.evil',
        'https://a.example:443',
        'http://a.example',
        'https://A.example',
        'https://x.a.example',
        'https://a.example, https://b.example',
        'null',
        '*',
      ]) {
        assert.deepEqual(corsOf(await ask('/', preflight(origin))), { status: 204, vary: 'Origin' }, origin);
        const answer = await ask('/', { headers: { origin } });
        assert.deepEqual(corsOf(answer), { status: 200, vary: 'Origin' }, origin);
      }
    });

    it('never allows credentials to all origins, nor to pages without one', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        const cors = new AsyncCorsMiddleware().setOrigin('*', 'null', 'https://a.example');
        server.addMiddleware(cors.setAllowCredentials(true)).on('/', HTTP_GET, hello);
      });
      for (const [origin, allowed, credentials] of [
        ['https://b.example', '*', undefined],
        ['null', 'null', undefined],
        ['https://a.example', 'https://a.example', 'true'],
      ] as const) {
        const { headers } = await ask('/', { headers: { origin } });
        assert.equal(headers['access-control-allow-origin'], allowed);
        assert.equal(headers['access-control-allow-credentials'], credentials);
        assert.equal(headers.vary, 'Origin');
      }
    });

    it('adds its headers to answers that come late, that fail, and that no handler gives', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(new AsyncCorsMiddleware());
        server.on('/late', (request) => {
          setImmediate(hello, request);
        });
        server.on('/fails', () => {
          throw new HttpError(418);
        });
        server.on('/breaks', () => Promise.reject(new Error('broken')));
      });
      for (const [path, status] of [
        ['/late', 200],
        ['/fails', 418],
        ['/breaks', 500],
        ['/none', 404],
      ] as const) {
        const answer = await ask(path, { headers: { origin: 'https://a.example' } });
        assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [status, '*'], path);
      }
    });

    it('refuses origins and lists that are none', () => {
      const cors = new AsyncCorsMiddleware();
      for (const origin of [
        '',
        'a.example',
        'https://a.example/',
        'https://A.example',
        'https://a, https://b',
      ]) {
        assert.throws(() => cors.setOrigin(origin), RangeError, origin);
      }
      assert.throws(() => cors.setMethods('GET POST'), RangeError);
      assert.throws(() => cors.setHeaders('X-A\r\nX-B'), RangeError);
      assert.throws(() => cors.setMaxAge(-1), RangeError);
      cors.setOrigin('capacitor://localhost', 'http://[::1]:80');
    });
  });

  describe(`middleware on ${stack}`, () => {
    it('limits the requests of a client: 429 with Retry-After', async (test) => {
      const limit = new AsyncRateLimitMiddleware(() => 0).setMaxRequests(2).setWindowSize(90);
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(limit).on('/', hello);
      });
      assert.deepEqual([(await ask('/')).status, (await ask('/')).status], [200, 200]);
      const refused = await ask('/');
      assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '45']);
    });

    it('forgets the oldest client of a rate limit beyond rateClients', async (test) => {
      const limit = new AsyncRateLimitMiddleware(() => 0).setMaxRequests(1);
      const configure = { limits: { rateClients: 1 } };
      const { ask } = await bed(
        test,
        stack,
        (server) => server.addMiddleware(limit).on('/', hello),
        configure,
      );
      assert.deepEqual([(await ask('/')).status, (await ask('/')).status], [200, 429]);
      assert.equal(limit.take('another', 1), 0);
      assert.equal((await ask('/')).status, 200);
    });

    it('logs a line for each request, without secrets and control characters', async (test) => {
      const lines: string[] = [];
      const logging = new AsyncLoggingMiddleware().setOutput((line) => lines.push(line));
      const { ask } = await bed(test, stack, (server) => {
        server.addMiddleware(logging, new AsyncHeaderFreeMiddleware()).on('/a', hello);
      });
      await ask('/a?token=abc&x=%0a');
      await ask('/missing', { method: 'POST', body: 'xyz' });
      assert.equal(lines.length, 2);
      assert.match(
        lines[0] ?? '',
        /^127\.0\.0\.1 GET \/a\?token=\*\*\*&x=%0a 200 [1-9]\d* bytes \d+\.\d ms$/,
      );
      assert.match(lines[1] ?? '', /^127\.0\.0\.1 POST \/missing 404 /);
      logging.setHeaders(true);
      await ask('/a', {
        headers: { authorization: 'Basic abc', 'x-a': '\u001b\u0085'.slice(1), cookie: 'c' },
      });
      assert.deepEqual(
        ['> authorization: ***', '> x-a: \\u0085', '> cookie: ***'].filter((line) => !lines.includes(line)),
        [],
      );
      logging.setEnabled(false);
      const count = lines.length;
      await ask('/a');
      assert.equal(lines.length, count);
    });

    it('logs that a client has gone', async (test) => {
      const { server, open } = await bed(test, stack, () => undefined);
      const logged = new Promise((resolve) => {
        server.addMiddleware(new AsyncLoggingMiddleware().setOutput(resolve));
      });
      const socket = open();
      server.on('/', () => {
        socket.destroy();
      });
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.match(String(await logged), / GET \/ - 0 bytes [\d.]+ ms, client gone$/);
    });

    it('hides headers, but for those that are kept and that the server needs', async (test) => {
      const shown: string[][] = [];
      const free = new AsyncHeaderFreeMiddleware().keep('X-A').keep('X-B').unKeep('x-b');
      const filter = new AsyncHeaderFilterMiddleware().filter('X-A').filter('X-C').unFilter('x-c');
      const { ask } = await bed(test, stack, (server) => {
        const show = (request: AsyncWebServerRequest): void => {
          shown.push(request.headers().map((header) => header.name().toLowerCase()));
          const body = String(request.getAttribute('body'));
          request.send(200, 'text/plain', `${request.contentType()} ${request.header('x-a')} ${body}`);
        };
        server
          .on('/free', HTTP_POST, show, undefined, (request, piece) => {
            request.setAttribute('body', Buffer.from(piece).toString());
          })
          .addMiddleware(free);
        server.on('/filter', show).addMiddleware(filter);
      });
      const headers = { 'X-A': 'a', 'X-B': 'b', 'X-C': 'c', 'Content-Type': 'x/y' };
      assert.equal((await ask('/free', { method: 'POST', headers, body: '123' })).text, 'x/y a 123');
      assert.deepEqual(shown[0]?.sort(), ['connection', 'content-length', 'content-type', 'host', 'x-a']);
      const chunked = { ...headers, 'Transfer-Encoding': 'chunked' };
      assert.equal((await ask('/free', { method: 'POST', headers: chunked, body: '12' })).text, 'x/y a 12');
      await ask('/filter', { headers });
      assert.deepEqual(
        shown[2]?.filter((name) => name.startsWith('x-')),
        ['x-b', 'x-c'],
      );
      assert.throws(() => filter.filter('Content-Length'), RangeError);
    });

    it('lets no header be injected by an answer: its maker gets an error, and the client 500', async (test) => {
      const bad = 'x\r\nX-Injected: 1';
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/redirect', (request) => {
          request.redirect(request.arg('to'));
        });
        server.on('/type', (request) => {
          request.send(200, bad, 'x');
        });
        server.on('/set-type', (request) => {
          request.send(request.beginResponse(200, 'text/plain', 'x').setContentType(bad));
        });
        server.on('/chunked', (request) => {
          request.sendChunked(bad, ['x']);
        });
        server.on('/header', (request) => {
          request.send(request.beginResponse(200).addHeader('X-A', bad));
        });
        server.on('/name', (request) => {
          request.send(request.beginResponse(200).addHeader(bad, 'x'));
        });
        server.on('/realm', (request) => {
          request.requestAuthentication(AsyncAuthType.AUTH_BASIC, bad);
        });
      });
      const paths = ['/type', '/set-type', '/chunked', '/header', '/name', '/realm'];
      const controls = ['%0d%0aX-Injected:1', '%0a', '%0d', '%00', '%09', '%7f'].map(
        (to) => `/redirect?to=/${to}`,
      );
      for (const path of [...paths, ...controls]) {
        const answer = await ask(path);
        assert.deepEqual([answer.status, answer.headers['x-injected']], [500, undefined], path);
      }
      assert.equal(log.length, paths.length + controls.length);
    });

    it('redirects to a URL as it is, and encodes what no header can carry', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          request.redirect(request.arg('to'), 307);
        });
      });
      for (const [to, location] of [
        ['https://a.example/?a=%20b&c#d', 'https://a.example/?a=%20b&c#d'],
        ['/grüße €', '/gr%C3%BC%C3%9Fe%20%E2%82%AC'],
      ] as const) {
        const answer = await ask(`/?to=${encodeURIComponent(to)}`);
        assert.deepEqual([answer.status, answer.headers.location], [307, location]);
      }
    });
  });
}

for (const stack of SYSTEM_STACKS) {
  describe(`curl on ${stack}`, { skip: WITHOUT_CURL }, () => {
    it('gets preflights answered, and waits as a rate limit says', async (test) => {
      const { port } = await bed(test, stack, (server) => {
        const limit = new AsyncRateLimitMiddleware(() => 0).setMaxRequests(1);
        server.addMiddleware(new AsyncCorsMiddleware(), limit).on('/', HTTP_GET, hello);
      });
      const url = `http://127.0.0.1:${port}/`;
      const asked = ['Origin: https://a.example', 'Access-Control-Request-Method: PUT'];
      const headers = asked.flatMap((header) => ['--header', header]);
      const { out } = await curl('--include', '--request', 'OPTIONS', ...headers, url);
      assert.match(out, /^HTTP\/1.1 204 No Content\r\n/);
      assert.match(out, /\r\nAccess-Control-Allow-Methods: PUT\r\n/);
      assert.equal((await curl(url)).out, 'hello');
      assert.match((await curl('--include', url)).out, /^HTTP\/1.1 429 [^]*\r\nRetry-After: 60\r\n/);
    });
  });
}
