/** Authentication: basic, digest, bearer, a program's own, and that it comes before the body. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncAuthenticationMiddleware,
  AsyncAuthType,
  AsyncAuthorizationMiddleware,
  AsyncWebHandler,
  generateDigestHash,
  HTTP_ANY,
  HTTP_GET,
  HTTP_POST,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { bed, STACKS, type Bed, type StackName } from './bed.js';
import { authorize, challengesOf, type Challenge } from './digest-client.js';
import { folderOf } from './files.js';

const USERNAME = 'Jürgen "J" \\';
const PASSWORD = 'pä:ß €';
const hello = (request: AsyncWebServerRequest): void => {
  request.send(200, 'text/plain', 'hello');
};
const basic = (pair: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
});

/** A server whose path `/` asks for a digest. */
function digestBed(test: TestContext, stack: StackName, limits = {}): Promise<Bed> {
  return bed(
    test,
    stack,
    (server) => {
      server.on('/', HTTP_ANY, hello).setAuthentication(USERNAME, PASSWORD);
    },
    { limits },
  );
}

async function challenge({ ask }: Bed, headers: Record<string, string> = {}): Promise<Challenge[]> {
  const answer = await ask('/', { headers });
  assert.equal(answer.status, 401);
  return challengesOf(answer.rawHeaders);
}

for (const stack of STACKS) {
  describe(`digest authentication on ${stack}`, () => {
    it('offers SHA-256 before MD5, and takes both', async (test) => {
      const tested = await digestBed(test, stack);
      const offered = await challenge(tested);
      assert.deepEqual(
        offered.map(({ algorithm }) => algorithm),
        ['SHA-256', 'MD5'],
      );
      for (const each of offered) {
        const nc = each.algorithm === 'MD5' ? '00000002' : '00000001';
        const login = { username: USERNAME, password: PASSWORD, uri: '/?a=b', nc };
        const authorization = authorize(each, login);
        const answer = await tested.ask('/?a=b', { headers: { authorization } });
        assert.deepEqual([answer.status, answer.text], [200, 'hello']);
      }
    });

    it('refuses a replay, for another path, method and count too, and offers another nonce', async (test) => {
      const tested = await digestBed(test, stack);
      const [offered] = await challenge(tested);
      assert.ok(offered);
      const login = { username: USERNAME, password: PASSWORD, uri: '/' };
      const authorization = authorize(offered, login);
      const headers = { authorization };
      assert.equal((await tested.ask('/', { headers, method: 'POST' })).status, 401);
      assert.equal((await tested.ask('/?x', { headers })).status, 401);
      assert.equal((await tested.ask('/', { headers })).status, 200);
      const [again] = await challenge(tested, headers);
      assert.ok(again);
      assert.equal(again.isStale, true);
      assert.notEqual(again.nonce, offered.nonce);
      const counted = authorization.replace('nc=00000001', 'nc=00000002');
      assert.equal((await challenge(tested, { authorization: counted }))[0]?.isStale, false);
      const next = authorize(offered, { ...login, nc: '00000002' });
      assert.equal((await tested.ask('/', { headers: { authorization: next } })).status, 200);
    });

    it('refuses wrong passwords, names and nonces, and calls none of them stale but a nonce', async (test) => {
      const tested = await digestBed(test, stack);
      const [offered] = await challenge(tested);
      assert.ok(offered);
      const login = { username: USERNAME, password: PASSWORD, uri: '/' };
      for (const [authorization, isStale] of [
        [authorize(offered, { ...login, password: 'x' }), false],
        [authorize(offered, { ...login, username: 'x' }), false],
        [authorize({ ...offered, realm: 'x' }, login), false],
        [authorize({ ...offered, nonce: 'x' }, login), true],
        [authorize({ ...offered, opaque: 'x' }, login), true],
        ['Digest', false],
        ['Digest x', false],
      ] as const) {
        const [again] = await challenge(tested, { authorization });
        assert.equal(again?.isStale, isStale, authorization);
      }
      assert.equal((await tested.ask('/', { headers: basic(`${USERNAME}:${PASSWORD}`) })).status, 401);
    });

    it('uses a count once for a request, however often it is asked', async (test) => {
      const tested = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          const users = ['a', USERNAME, USERNAME].map((name) => request.authenticate(name, PASSWORD));
          if (users.includes(true)) request.send(200, 'text/plain', users.join());
          else request.requestAuthentication();
        });
      });
      const [offered] = await challenge(tested);
      assert.ok(offered);
      const authorization = authorize(offered, { username: USERNAME, password: PASSWORD, uri: '/' });
      assert.equal((await tested.ask('/', { headers: { authorization } })).text, 'false,true,true');
      assert.equal((await tested.ask('/', { headers: { authorization } })).status, 401);
    });

    it('refuses the oldest nonce when more than the limit are in use', async (test) => {
      const tested = await digestBed(test, stack, { nonces: 1 });
      const login = { username: USERNAME, password: PASSWORD, uri: '/' };
      const [first] = await challenge(tested);
      const [second] = await challenge(tested);
      assert.ok(first && second);
      const use = (offered: Challenge, nc: string): Record<string, string> => ({
        authorization: authorize(offered, { ...login, nc }),
      });
      assert.equal((await tested.ask('/', { headers: use(first, '00000001') })).status, 200);
      assert.equal((await tested.ask('/', { headers: use(second, '00000001') })).status, 200);
      assert.equal((await challenge(tested, use(first, '00000002')))[0]?.isStale, true);
      assert.equal((await tested.ask('/', { headers: use(second, '00000002') })).status, 200);
    });

    it('works with a hash in place of the password, and offers its algorithms only', async (test) => {
      const hash = generateDigestHash(USERNAME, PASSWORD, 'my realm');
      const [, md5 = ''] = hash.split(':');
      const tested = await bed(test, stack, (server) => {
        const middleware = new AsyncAuthenticationMiddleware()
          .setRealm('my realm')
          .setUsername(USERNAME)
          .setPasswordHash(md5)
          .setAuthFailureMessage('no way');
        server.on('/', hello).addMiddleware(middleware);
        server.on('/line', (request) => {
          request.send(request.authenticateHash(`${USERNAME}:my realm:${hash}`) ? 200 : 403);
        });
        server.on('/hash', (request) => {
          request.send(request.authenticate(USERNAME, hash, 'my realm', true) ? 200 : 403);
        });
      });
      assert.equal((await tested.ask('/')).text, 'no way');
      const [offered, ...others] = await challenge(tested);
      assert.ok(offered);
      assert.deepEqual([offered.algorithm, offered.realm, others], ['MD5', 'my realm', []]);
      for (const [at, uri] of ['/', '/line', '/hash'].entries()) {
        const login = { username: USERNAME, password: PASSWORD, uri, nc: `0000000${at + 1}` };
        const headers: Record<string, string> = { authorization: authorize(offered, login) };
        assert.equal((await tested.ask(uri, { headers })).status, 200, uri);
        assert.equal((await tested.ask(uri, { headers: basic('x:y') })).status >= 401, true, uri);
      }
    });
  });

  describe(`authentication on ${stack}`, () => {
    it('by name and password, in UTF-8', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', hello).setAuthentication('Jürgen', PASSWORD, AsyncAuthType.AUTH_BASIC);
      });
      const refused = await ask('/');
      assert.equal(refused.status, 401);
      assert.equal(refused.headers['www-authenticate'], 'Basic realm="asynctcp", charset="UTF-8"');
      assert.equal((await ask('/', { headers: basic(`Jürgen:${PASSWORD}`) })).status, 200);
      for (const pair of [`Jürgen:${PASSWORD}x`, `x:${PASSWORD}`, 'Jürgen', ':', '']) {
        assert.equal((await ask('/', { headers: basic(pair) })).status, 401, pair);
      }
    });

    it('of a folder hides which files there are', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'A' });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder).setAuthentication('x', 'y', AsyncAuthType.AUTH_BASIC);
        server.on('/open', hello);
      });
      for (const path of ['/a.txt', '/b.txt']) assert.equal((await ask(path)).status, 401, path);
      const headers = basic('x:y');
      assert.equal((await ask('/a.txt', { headers })).status, 200);
      assert.equal((await ask('/b.txt', { headers })).status, 404);
      assert.equal((await ask('/open')).status, 200, 'another handler’s path');
    });

    it('by a token, with the errors of RFC 6750', async (test) => {
      const bearer = new AsyncAuthenticationMiddleware()
        .setAuthType(AsyncAuthType.AUTH_BEARER)
        .setRealm('a "b"')
        .setToken('abc.d-e_f~+/==');
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', hello).addMiddleware(bearer);
      });
      const answerTo = async (authorization?: string): Promise<[number, string | undefined]> => {
        const answer = await ask('/', authorization === undefined ? {} : { headers: { authorization } });
        return [answer.status, answer.headers['www-authenticate']];
      };
      assert.deepEqual(await answerTo('bearer abc.d-e_f~+/=='), [200, undefined]);
      const realm = 'Bearer realm="a \\"b\\""';
      assert.deepEqual(await answerTo(), [401, realm]);
      assert.deepEqual(await answerTo('Basic abc'), [401, realm]);
      assert.deepEqual(await answerTo('Bearer abc'), [401, `${realm}, error="invalid_token"`]);
      assert.deepEqual(await answerTo('Bearer'), [400, `${realm}, error="invalid_request"`]);
      assert.deepEqual(await answerTo('Bearer a b'), [400, `${realm}, error="invalid_request"`]);
      assert.throws(() => bearer.setToken('a b'), RangeError);
    });

    it('by a function, for everyone and for no one', async (test) => {
      const of = (type: AsyncAuthType): AsyncAuthenticationMiddleware =>
        new AsyncAuthenticationMiddleware().setAuthType(type);
      const { ask } = await bed(test, stack, (server) => {
        const other = of(AsyncAuthType.AUTH_OTHER).setAuthenticationFunction((request) =>
          Promise.resolve(request.header('x-key') === 'k'),
        );
        server.on('/other', hello).addMiddleware(other);
        server.on('/none', hello).addMiddleware(of(AsyncAuthType.AUTH_NONE));
        server.on('/denied', hello).addMiddleware(of(AsyncAuthType.AUTH_DENIED));
      });
      assert.equal((await ask('/other')).status, 403);
      assert.equal((await ask('/other', { headers: { 'x-key': 'k' } })).status, 200);
      assert.equal((await ask('/none')).status, 200);
      assert.equal((await ask('/denied')).status, 403);
    });

    it('lets no one pass while its settings are missing, and says which', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/', hello).addMiddleware(new AsyncAuthenticationMiddleware().setUsername('u'));
      });
      assert.equal((await ask('/', { headers: basic('u:') })).status, 500);
      assert.match(log[0] ?? '', /authentication needs setPassword/);
    });

    it('keeps a connection from another protocol', async (test) => {
      const taken: Duplex[] = [];
      class Upgrading extends AsyncWebHandler {
        readonly methods = HTTP_GET;
        matches = (): true => true;
        answers = (): boolean => true;
        handleRequest = (): undefined => undefined;
        route = (): string => 'upgrading';
        override handleUpgrade(_request: AsyncWebServerRequest, socket: Duplex): void {
          taken.push(socket);
          socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        }
      }
      const { open } = await bed(test, stack, (server) => {
        server.addHandler(new Upgrading()).setAuthentication('u', 'p', AsyncAuthType.AUTH_BASIC);
      });
      const upgrade = async (authorization: string): Promise<string> => {
        const socket = open().setEncoding('latin1');
        const head = `GET / HTTP/1.1\r\nHost: x\r\n${authorization}`;
        socket.write(`${head}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`);
        let text = '';
        for await (const piece of socket as AsyncIterable<string>) text += piece;
        return text;
      };
      assert.match(await upgrade(''), /^HTTP\/1.1 401 /);
      assert.deepEqual(taken, []);
      assert.match(
        await upgrade(`Authorization: ${basic('u:p')['authorization'] ?? ''}\r\n`),
        /^HTTP\/1.1 101 /,
      );
    });

    it('is followed by authorisation, with the status that it was given', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        const isAdmin = (request: AsyncWebServerRequest): boolean => request.hasHeader('x-admin');
        server.on('/now', hello).addMiddleware(new AsyncAuthorizationMiddleware(isAdmin));
        server
          .on('/later', hello)
          .addMiddleware(
            new AsyncAuthorizationMiddleware(404, (request) => Promise.resolve(isAdmin(request))),
          );
      });
      assert.deepEqual([(await ask('/now')).status, (await ask('/later')).status], [403, 404]);
      const headers = { 'x-admin': '1' };
      assert.deepEqual(
        [(await ask('/now', { headers })).status, (await ask('/later', { headers })).status],
        [200, 200],
      );
    });

    it('replaces what an earlier call of setAuthentication set', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server
          .on('/', HTTP_GET, hello)
          .setAuthentication('a', 'b', AsyncAuthType.AUTH_BASIC)
          .setAuthentication('c', 'd', AsyncAuthType.AUTH_BASIC);
      });
      assert.equal((await ask('/', { headers: basic('a:b') })).status, 401);
      assert.equal((await ask('/', { headers: basic('c:d') })).status, 200);
    });
  });

  describe(`a body without credentials on ${stack}`, () => {
    const protectedBed = async (test: TestContext): Promise<Bed & { pieces: number[] }> => {
      const pieces: number[] = [];
      const tested = await bed(test, stack, (server) => {
        server
          .on('/', HTTP_POST, hello, undefined, (_request, piece) => pieces.push(piece.length))
          .setAuthentication('u', 'p', AsyncAuthType.AUTH_BASIC);
      });
      return { ...tested, pieces };
    };

    it('is not asked for: 401 without 100, and the connection ends', async (test) => {
      const { open, pieces } = await protectedBed(test);
      const socket = open().setEncoding('latin1');
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
      let text = '';
      socket.on('data', (piece: string) => (text += piece));
      await once(socket, 'end');
      socket.destroy();
      assert.match(text, /^HTTP\/1.1 401 /);
      assert.match(text, /\r\nConnection: close\r\n/i);
      assert.deepEqual(pieces, []);
    });

    it('is asked for once with credentials, and the connection stays', async (test) => {
      const { open, pieces } = await protectedBed(test);
      const socket = open().setEncoding('latin1');
      const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic('u:p')['authorization'] ?? ''}\r\n`;
      socket.write(`${head}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
      let text = '';
      for await (const piece of socket as AsyncIterable<string>) {
        const had = text;
        text += piece;
        if (!had.includes('100 Continue') && text.includes('100 Continue')) socket.write('12345');
        if (text.includes('hello')) break;
      }
      assert.match(text, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/);
      assert.match(text, /\r\nConnection: keep-alive\r\n/i);
      assert.deepEqual(pieces, [5]);
    });

    it('is refused before it has come, and reaches no handler', async (test) => {
      const { open, pieces } = await protectedBed(test);
      const socket = open().setEncoding('latin1');
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${'x'.repeat(10_000)}`);
      const [text] = (await once(socket, 'data')) as [string];
      assert.match(text, /^HTTP\/1.1 401 /);
      socket.destroy();
      assert.deepEqual(pieces, []);
    });
  });
}
