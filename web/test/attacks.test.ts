/** Attacks on a server by hand: none ends it, takes what others need, or gets past a check. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AsyncCallbackJsonWebHandler,
  AsyncEventSource,
  AsyncURIMatcher,
  AsyncWebSocket,
  WebFolder,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { bed, STACKS } from './bed.js';
import { descriptorsOf, folderOf, until } from './files.js';

const HOST = 'Host: x\r\n';
const CLOSE = `HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const UPGRADE = `${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
const LARGE = 1_000_000;

for (const stack of STACKS) {
  describe(`an attack on ${stack}`, () => {
    it('by an upgrade behind a request without an answer ends that connection alone', async (test) => {
      const waiting: AsyncWebServerRequest[] = [];
      const { raw, ask } = await bed(
        test,
        stack,
        (server) => {
          server.addHandler(new AsyncWebSocket('/ws'));
          server.on('/wait', (request) => {
            waiting.push(request);
            request.pause();
          });
          server.on('/', (request) => {
            request.send(200);
          });
        },
        { limits: { requests: 2 } },
      );
      for (const last of [`GET /ws HTTP/1.1\r\n${UPGRADE}`, `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`]) {
        const request = `GET /wait HTTP/1.1\r\n${HOST}\r\n`;
        assert.equal(await raw(request + request + last), '');
        // Both slots are free again.
        await until(async () => (await ask('/')).status === 200);
      }
      assert.deepEqual(
        waiting.map((request) => request.isGone()),
        [true, true, true, true],
      );
    });

    it('by an upgrade with a body is refused', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.addHandler(new AsyncWebSocket('/ws', () => assert.fail()));
      });
      for (const body of ['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n']) {
        const answer = await raw(`GET /ws HTTP/1.1\r\n${body}${UPGRADE}3\r\nabc\r\n0\r\n\r\n`);
        assert.match(answer, /^HTTP\/1.1 400 (?![^]*HTTP)/);
      }
    });

    it('by an upgrade of a path that no folder has is answered', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'a' });
      const { raw } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder);
        server.serveStatic('/b', folder);
      });
      for (const path of ['/b/x', '/b/x']) {
        assert.match(await raw(`GET ${path} HTTP/1.1\r\n${UPGRADE}`), /^HTTP\/1.1 404 /);
      }
    });

    it('by an upgrade of a large file gets all of it, and holds no descriptor', async (test) => {
      const folder = folderOf(test, { large: Buffer.alloc(LARGE, 'x') });
      const { raw } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder);
      });
      const answer = await raw(`GET /large HTTP/1.1\r\n${UPGRADE}`);
      assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, LARGE);
      await until(() => descriptorsOf(folder) === 0);
    });

    it('by a large file behind a request without an answer holds no descriptor', async (test) => {
      const folder = folderOf(test, { large: Buffer.alloc(LARGE, 'x') });
      const { open, server } = await bed(test, stack, (made) => {
        made.serveStatic('/files', folder);
        made.on('/', (request) => request.pause());
      });
      const socket = open();
      socket.write(`GET / HTTP/1.1\r\n${HOST}\r\nGET /files/large HTTP/1.1\r\n${HOST}\r\n`);
      let requests = 0;
      server.server.on('request', () => (requests += 1));
      await until(() => requests === 2);
      socket.destroy();
      await until(() => descriptorsOf(folder) === 0);
    });

    it('by an event stream on a connection that asked for another protocol ends with its client', async (test) => {
      const source = new AsyncEventSource('/events');
      const { open } = await bed(test, stack, (server) => {
        server.addHandler(source);
      });
      const socket = open();
      socket
        .on('error', () => undefined)
        .resume()
        .write(`GET /events HTTP/1.1\r\n${UPGRADE}`);
      await until(() => source.count() === 1);
      socket.end();
      await until(() => source.count() === 0);
    });

    it('by requests behind an event stream takes no slot', async (test) => {
      const source = new AsyncEventSource('/events');
      const { open, ask } = await bed(
        test,
        stack,
        (server) => {
          server.addHandler(source);
          server.on('/', (request) => {
            request.send(200);
          });
        },
        { limits: { requests: 4 } },
      );
      const socket = open();
      const request = `GET / HTTP/1.1\r\n${HOST}\r\n`;
      socket.resume().write(`GET /events HTTP/1.1\r\n${HOST}\r\n${request.repeat(3)}`);
      await until(async () => (await ask('/')).status === 200);
      assert.equal(source.count(), 1);
      socket.write(request.repeat(10));
      assert.equal((await ask('/')).status, 200);
      socket.destroy();
    });

    it('by many requests on one connection leaves slots for others', async (test) => {
      const held: AsyncWebServerRequest[] = [];
      const { open, ask, raw } = await bed(
        test,
        stack,
        (server) => {
          server.on('/wait', (request) => {
            held.push(request);
            request.pause();
          });
          server.on('/', (request) => {
            request.send(200);
          });
        },
        { limits: { requests: 20, pipelined: 3 } },
      );
      const socket = open();
      socket.on('error', () => undefined).write(`GET /wait HTTP/1.1\r\n${HOST}\r\n`.repeat(100));
      await until(() => held.length > 0);
      assert.equal((await ask('/')).status, 200);
      assert.equal(held.length, 4);
      socket.destroy();
      // At the limit, and one beyond it.
      const ok = `GET / HTTP/1.1\r\n${HOST}\r\n`;
      const answers = await raw(`${ok.repeat(4)}GET / ${CLOSE}`);
      assert.deepEqual(
        answers.match(/HTTP\/1.1 \d+/g)?.slice(0, 4),
        Array.from({ length: 4 }, () => 'HTTP/1.1 200'),
      );
    });

    it('by the names that all objects have finds nothing', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
          const seen = names.map((name) => [
            request.hasHeader(name),
            request.header(name),
            request.getHeader(name),
            request.hasParam(name),
            request.arg(name),
            request.hasAttribute(name),
            request.getAttribute(name),
            request.removeHeader(name),
          ]);
          request.send(200, 'application/json', JSON.stringify(seen.flat().map(Boolean)));
        });
      });
      assert.doesNotMatch(await raw(`GET / ${CLOSE}`), /true/);
      assert.doesNotMatch(
        await raw(`GET / HTTP/1.1\r\n__proto__: x\r\n${HOST}Connection: close\r\n\r\n`),
        /true/,
      );
      assert.match(await raw(`GET / HTTP/1.1\r\nconstructor: x\r\n${HOST}Connection: close\r\n\r\n`), /true/);
    });

    it('by a tunnel that its client never ends is closed', async (test) => {
      const limits = { dropMs: 50 };
      const { open } = await bed(test, stack, () => undefined, { limits });
      const socket = open();
      socket
        .on('error', () => undefined)
        .resume()
        .write(`CONNECT x:1 HTTP/1.1\r\n${HOST}\r\nmore`);
      await until(() => socket.destroyed || socket.closed);
    });

    it('by names in JSON and MessagePack changes no prototype', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.addHandler(
          new AsyncCallbackJsonWebHandler('/', (request, value) => {
            assert(typeof value === 'object' && value !== null);
            request.send(200, 'text/plain', String(Object.getPrototypeOf(value) === Object.prototype));
          }),
        );
      });
      const headers = { 'Content-Type': 'application/json' };
      const { text } = await ask('/', { method: 'POST', headers, body: '{"__proto__":{"polluted":1}}' });
      assert.equal(text, 'true');
      const packed = Buffer.from('\x81\xa9__proto__\x81\xa1a\x01', 'latin1');
      const type = { 'Content-Type': 'application/msgpack' };
      assert.equal((await ask('/', { method: 'POST', headers: type, body: packed })).status, 400);
      assert.equal('polluted' in {}, false);
    });

    it('by a target that a matcher and a URL read differently is refused', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.onFetch(AsyncURIMatcher.all(), ({ url }) => new Response(new URL(url).pathname));
      });
      for (const path of [
        '/admin#x',
        '/./admin',
        '/%2e/admin',
        '/admin/.',
        '/.',
        '/?a#b',
        'http://x/./admin',
      ]) {
        assert.match(await raw(`GET ${path} ${CLOSE}`), /^HTTP\/1.1 400 /, path);
      }
      assert.match(await raw(`GET /.well-known/...%23 ${CLOSE}`), /^HTTP\/1.1 200 /);
    });

    it('by a header Host beside a target with a host of its own has no effect', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          request.send(200, 'text/plain', `host ${request.host()}`);
        });
      });
      assert.match(await raw(`GET http://other:81/?a ${CLOSE}`), /host other:81$/);
      assert.match(await raw(`GET / ${CLOSE}`), /host x$/);
      for (const host of ['', '[::1]:80', '1.2.3.4', 'a_b.example:']) {
        const answer = await raw(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        assert.equal(answer.slice(answer.indexOf('host ')), `host ${host}`);
      }
      assert.match(await raw('GET / HTTP/1.0\r\n\r\n'), /host $/);
    });

    it('by two hosts is refused', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          request.send(200, 'text/plain', request.host());
        });
      });
      assert.match(await raw(`GET / HTTP/1.1\r\n${HOST}hOST: y\r\n\r\n`), /^HTTP\/1.1 400 /);
    });

    it('by control characters of eight bits in a path writes none into the log', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('', () => {
          throw new Error('on purpose');
        });
      });
      await ask('/%c2%9b2J');
      assert.match(log.join(), /\\u009b2J/);
      assert.doesNotMatch(log.join(), /\u009b/);
    });
  });
}

describe('a file that is nothing but its ending', () => {
  it('does not change the type of files that end so', async (test) => {
    const folder = folderOf(test, { '.html': 'a', 'b.html': 'b' });
    const { ask } = await bed(test, 'memory', (server) => {
      server.serveStatic('/', new WebFolder(folder, { dotfiles: true }));
    });
    assert.equal((await ask('/.html')).headers['content-type'], 'application/octet-stream');
    assert.equal((await ask('/b.html')).headers['content-type'], 'text/html; charset=utf-8');
  });
});
