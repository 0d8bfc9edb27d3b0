/** Bodies of requests: forms, files, and all else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP_GET, HTTP_POST, type AsyncWebServerRequest } from 'asynctcp-web';
import { bed, rawAnswer, STACKS } from './bed.js';

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';

function field(name: string, value: string): string {
  return `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function file(name: string, filename: string, data: string): string {
  const disposition = `Content-Disposition: form-data; name="${name}"; filename="${filename}"`;
  return `--b\r\n${disposition}\r\nContent-Type: text/plain\r\n\r\n${data}\r\n`;
}

/** Answers with all parameters. */
function answerParams(request: AsyncWebServerRequest): void {
  const params = request.params().map((param) => {
    const kind = param.isFile() ? 'file' : param.isPost() ? 'post' : 'query';
    return [kind, param.name(), param.value(), param.size()];
  });
  request.send(200, 'application/json', JSON.stringify(params));
}

function post(
  type: string,
  body: string | Uint8Array,
): { method: string; headers: object; body: typeof body } & {
  headers: { 'Content-Type': string };
} {
  return { method: 'POST', headers: { 'Content-Type': type }, body };
}

for (const stack of STACKS) {
  describe(`forms on ${stack}`, () => {
    it('become parameters behind those of the query', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', answerParams);
      });
      const { text } = await ask('/?a=1', post(`${FORM}; charset=utf-8`, 'a=2&b=%C3%A4+x&c'));
      assert.deepEqual(JSON.parse(text), [
        ['query', 'a', '1', 1],
        ['post', 'a', '2', 1],
        ['post', 'b', 'ä x', 4],
        ['post', 'c', '', 0],
      ]);
    });

    it('of several parts without a delimiter are refused', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', answerParams);
      });
      for (const body of ['x', 'abc\r\n', '--c\r\n\r\n\r\n--c--\r\n', '\r\n']) {
        assert.equal((await ask('/', post(MULTIPART, body))).status, 400, body);
      }
      assert.equal((await ask('/', post(MULTIPART, '--b--\r\n'))).text, '[]');
      const preamble = `preamble\r\n${field('a', '1')}--b--\r\nepilogue`;
      assert.equal((await ask('/', post(MULTIPART, preamble))).text, '[["post","a","1",1]]');
    });

    it('of several parts give fields, and files piece by piece', async (test) => {
      const pieces: [string, number, string, boolean][] = [];
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_POST, answerParams, (_request, filename, index, data, final) => {
          pieces.push([filename, index, Buffer.from(data).toString(), final]);
        });
      });
      const body = `${field('a', 'ä')}${file('f', '../x.txt', 'hello')}${file('g', 'empty', '')}--b--\r\n`;
      const { text, status } = await ask('/', post(MULTIPART, body));
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(text), [
        ['post', 'a', 'ä', 2],
        ['file', 'f', '../x.txt', 5],
        ['file', 'g', 'empty', 0],
      ]);
      assert.deepEqual(pieces, [
        ['../x.txt', 0, 'hello', false],
        ['../x.txt', 5, '', true],
        ['empty', 0, '', true],
      ]);
    });

    it('keep the order of files and hold them up while a sink works', async (test) => {
      const events: string[] = [];
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_POST, answerParams, async (_request, filename, _index, _data, final) => {
          events.push(`begin ${filename} ${final}`);
          await new Promise(setImmediate);
          events.push(`end ${filename} ${final}`);
        });
      });
      await ask('/', post(MULTIPART, `${file('f', '1', 'x')}${file('f', '2', 'y')}--b--`));
      assert.deepEqual(
        events,
        ['1 false', '1 true', '2 false', '2 true'].flatMap((call) => [`begin ${call}`, `end ${call}`]),
      );
    });

    it('drop a file that no handler takes, and say its size', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_POST, answerParams);
      });
      const data = 'x'.repeat(200_000);
      const { text } = await ask('/', post(MULTIPART, `${file('f', 'big', data)}--b--`));
      assert.deepEqual(JSON.parse(text), [['file', 'f', 'big', data.length]]);
    });

    const bad: Record<string, [type: string, body: string, status: number]> = {
      'no boundary': ['multipart/form-data', `${field('a', '1')}--b--`, 400],
      'an empty boundary': ['multipart/form-data; boundary=', `${field('a', '1')}--b--`, 400],
      'a boundary that is too long': [`multipart/form-data; boundary=${'b'.repeat(300)}`, 'x', 400],
      'another boundary': [MULTIPART, '--c\r\n\r\n--c--', 400],
      'no end': [MULTIPART, field('a', '1'), 400],
      'a file without end': [MULTIPART, file('f', 'x', 'data').slice(0, -2), 400],
      'headers without end': [MULTIPART, '--b\r\nContent-Disposition: form-data; name="a"', 400],
      'a part without a name': [MULTIPART, '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--', 400],
      'a file without a name': [
        MULTIPART,
        '--b\r\nContent-Disposition: form-data; filename="x"\r\n\r\nx\r\n--b--',
        400,
      ],
      'a part without a disposition': [MULTIPART, '--b\r\nX: y\r\n\r\nx\r\n--b--', 400],
      'headers that are too long': [
        MULTIPART,
        `--b\r\nContent-Disposition: form-data; name="a"\r\nX: ${'x'.repeat(3000)}\r\n\r\nx\r\n--b--`,
        400,
      ],
      'a name that is too long': [MULTIPART, `${field('a'.repeat(3000), '1')}--b--`, 400],
      'too many headers': [
        MULTIPART,
        `--b\r\nContent-Disposition: form-data; name="a"\r\n${'X: y\r\n'.repeat(20)}\r\nx\r\n--b--`,
        400,
      ],
      'too many parts': [MULTIPART, `${field('a', '1').repeat(6)}--b--`, 413],
      'a field that is too long': [MULTIPART, `${field('a', 'x'.repeat(5000))}--b--`, 413],
      'fields that are too long together': [MULTIPART, `${field('a', 'x'.repeat(1100)).repeat(4)}--b--`, 413],
      'a form that is too long': [FORM, `a=${'x'.repeat(5000)}`, 413],
      'too many parameters': [FORM, 'a&a&a&a&a&a', 413],
    };
    it('that are bad or beyond a limit are refused, and the connection serves on', async (test) => {
      const limits = { bodyBytes: 4096, params: 5, headerBytes: 2048, headers: 16 };
      const { ask, log, raw } = await bed(
        test,
        stack,
        (server) => {
          server.on('/', answerParams);
          server.onFileUpload(() => undefined);
        },
        { limits },
      );
      for (const [what, [type, body, status]] of Object.entries(bad)) {
        const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n`;
        const next = 'GET /?next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
        const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunks(body)}${next}`;
        const plain = `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}${next}`;
        for (const bytes of [chunked, plain]) {
          const answer = await raw(bytes);
          assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), what);
          assert.match(answer, /HTTP\/1.1 200 OK[^]*next/, what);
        }
      }
      assert.deepEqual(log, []);
      assert.equal((await ask('/', post(FORM, 'a&a&a&a&a'))).status, 200);
      const most = field('a', 'x'.repeat(818)).repeat(5);
      assert.equal((await ask('/', post(MULTIPART, `${most}--b--`))).status, 200);
    });

    it('that are compressed are refused by 415', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', answerParams);
      });
      const headers = { 'Content-Type': FORM, 'Content-Encoding': 'gzip' };
      assert.equal((await ask('/', { method: 'POST', headers, body: 'a=1' })).status, 415);
    });
  });

  describe(`bodies on ${stack}`, () => {
    it('go to a handler piece by piece, each when it has taken the one before', async (test) => {
      let isBusy = false;
      const totals = new Set<number>();
      const pieces: Uint8Array[] = [];
      const { ask } = await bed(test, stack, (server) => {
        server.on(
          '/',
          HTTP_POST,
          (request) => {
            request.send(200, 'text/plain', String(Buffer.concat(pieces).length));
          },
          undefined,
          async (_request, data, index, total) => {
            assert.equal(isBusy, false);
            isBusy = true;
            totals.add(total);
            assert.equal(index, Buffer.concat(pieces).length);
            pieces.push(data);
            await new Promise(setImmediate);
            isBusy = false;
          },
        );
      });
      const body = Buffer.alloc(300_000, 'x');
      const headers = { 'Content-Length': body.length };
      assert.equal((await ask('/', { method: 'POST', headers, body })).text, '300000');
      assert.deepEqual([...totals], [body.length]);
    });

    it('are promises for a handler that wants the whole', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.on('/bytes', async (request) => {
          const bytes = await request.bodyBytes();
          assert.equal(bytes, await request.bodyBytes());
          request.send(200, '', bytes);
        });
        server.on('/text', async (request) => {
          request.send(200, '', await request.bodyText());
        });
        server.on('/json', async (request) => {
          request.send(200, '', JSON.stringify(await request.bodyJson()));
        });
        server.on('/small', async (request) => {
          request.send(200, '', await request.bodyBytes(3));
        });
      });
      const sent = async (path: string, type: string, body: string | Uint8Array): Promise<unknown> => {
        const { status, text } = await ask(path, post(type, body));
        return status === 200 ? text : status;
      };
      assert.equal(await sent('/bytes', 'x/y', 'abc'), 'abc');
      assert.equal(await sent('/bytes', FORM, 'abc'), 415);
      assert.equal(await sent('/small', 'x/y', 'abc'), 'abc');
      assert.equal(await sent('/small', 'x/y', 'abcd'), 413);
      assert.equal(await sent('/text', 'text/plain', 'ä'), 'ä');
      assert.equal(await sent('/text', 'text/plain', Buffer.from([0xff])), 400);
      assert.equal(await sent('/text', 'text/plain; charset=latin1', 'a'), 415);
      assert.equal(await sent('/json', 'application/json', '{"a":[1]}'), '{"a":[1]}');
      assert.equal(await sent('/json', 'application/merge-patch+json', '1'), '1');
      assert.equal(await sent('/json', 'application/json', '{'), 400);
      assert.equal(await sent('/json', 'text/plain', '{}'), 415);
      assert.equal((await ask('/bytes')).text, '');
      assert.deepEqual(log, []);
    });

    it('of every method are handled alike', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', async (request) => {
          request.send(200, '', `${request.arg('a')}${await request.bodyText().catch(() => '')}`);
        });
      });
      for (const method of ['GET', 'DELETE', 'OPTIONS', 'PATCH', 'PUT', 'PROPFIND']) {
        const headers = { 'Content-Type': FORM, 'Content-Length': 3 };
        assert.equal((await ask('/', { method, headers, body: 'a=1' })).text, '1', method);
        const plain = { 'Content-Type': 'text/plain', 'Content-Length': 3 };
        assert.equal((await ask('/', { method, headers: plain, body: 'abc' })).text, 'abc', method);
      }
      const head = await ask('/', { method: 'HEAD', headers: { 'Content-Length': 3 }, body: 'abc' });
      assert.equal(head.headers['content-length'], '3');
    });

    it('are not read when middleware or a sink has answered', async (test) => {
      let calls = 0;
      const { raw } = await bed(test, stack, (server) => {
        const handler = server.on(
          '/middleware',
          HTTP_POST,
          () => (calls += 1),
          undefined,
          () => (calls += 1),
        );
        handler.addMiddleware((request) => {
          request.send(401);
        });
        server.on(
          '/sink',
          HTTP_POST,
          () => (calls += 100),
          undefined,
          (request) => {
            calls += 1;
            if (calls === 1) request.send(403);
          },
        );
      });
      const body = 'x'.repeat(300_000);
      const head = `HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
      assert.match(await raw(`POST /middleware ${head}${body}`), /^HTTP\/1.1 401 /);
      assert.equal(calls, 0);
      assert.match(await raw(`POST /sink ${head}${body}`), /^HTTP\/1.1 403 /);
      assert.equal(calls, 1);
    });

    it('that break off tell the handler by its signal, and nothing is logged', async (test) => {
      const { server, open, log } = await bed(test, stack, () => undefined);
      const socket = open();
      const gone = new Promise((resolve) => {
        server.on(
          '/',
          HTTP_POST,
          () => undefined,
          undefined,
          (request) => {
            request.onDisconnect(() => {
              resolve(request.signal.aborted);
            });
            socket.destroy();
          },
        );
      });
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
      assert.equal(await gone, true);
      await new Promise(setImmediate);
      assert.deepEqual(log, []);
    });

    it('hold a client up while a sink works: 64 MiB come no faster than they are taken', async (test) => {
      const size = 64 * 1024 * 1024;
      let most = 0;
      let taken = 0;
      const { open } = await bed(test, stack, (server) => {
        server.on(
          '/',
          HTTP_POST,
          (request) => {
            request.send(200, '', String(taken));
          },
          async (request, _filename, _index, data) => {
            await new Promise(setImmediate);
            taken += data.length;
            most = Math.max(most, request.message.socket.bytesRead - taken);
          },
        );
      });
      const start = '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n';
      const end = '\r\n--b--';
      const socket = open();
      const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${MULTIPART}\r\n`;
      const length = start.length + size + end.length;
      const answer = rawAnswer(socket, `${head}Content-Length: ${length}\r\n\r\n${start}`);
      const piece = Buffer.alloc(1024 * 1024, 'x');
      for (let sent = 0; sent < size; sent += piece.length) {
        if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
      }
      socket.write(end);
      assert.match(await answer, new RegExp(`${size}$`));
      // Four pieces of 64 KiB, as newer Nodes read them, and the heads of the request and of the form.
      assert.ok(most < 4 * 65_536 + 1024, `${most} bytes were received and not taken`);
    });
  });

  describe(`a body that is refused on ${stack}`, () => {
    const head = 'POST / HTTP/1.1\r\nHost: x\r\n';

    it('by its length is answered before it comes, also to a client that closes', async (test) => {
      const { open, server } = await bed(test, stack, () => undefined, { limits: { uploadBytes: 1000 } });
      for (const connection of ['keep-alive', 'close']) {
        server.on('/', () => assert.fail());
        const socket = open();
        const answered = new Promise<string>((resolve) => {
          socket.once('data', (piece) => {
            resolve(piece.toString());
          });
        });
        socket.write(`${head}Connection: ${connection}\r\nContent-Length: 1001\r\n\r\n`);
        assert.match(await answered, /^HTTP\/1.1 413 /);
        socket.destroy();
      }
    });

    it('reaches a client that goes on sending, chunked or not', async (test) => {
      const { raw } = await bed(
        test,
        stack,
        (server) => {
          server.on(
            '/',
            HTTP_POST,
            () => assert.fail(),
            undefined,
            () => undefined,
          );
        },
        { limits: { uploadBytes: 1000 } },
      );
      const body = 'x'.repeat(5_000_000);
      const framings = [
        `Content-Length: ${body.length}\r\n\r\n${body}`,
        `Transfer-Encoding: chunked\r\n\r\n${chunks(body)}`,
      ];
      for (const framing of framings) {
        const closed = await raw(`${head}Connection: close\r\n${framing}`);
        assert.match(closed, /^HTTP\/1.1 413 [^]*Payload Too Large$/);
        const next = `GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
        const kept = await raw(`${head}${framing}${next}`);
        assert.match(kept, /^HTTP\/1.1 413 [^]*HTTP\/1.1 404 /);
      }
    });

    it('is dropped within a bound of bytes, and one of time', async (test) => {
      const limits = { uploadBytes: 1000, dropBytes: 100_000, dropMs: 60_000 };
      const first = await bed(test, stack, () => undefined, { limits });
      const socket = first.open();
      const answer = rawAnswer(socket, `${head}Transfer-Encoding: chunked\r\n\r\n`);
      const isClosed = answer.then(() => true);
      const send = async (): Promise<boolean> => {
        socket.write(chunks('x'.repeat(10_000)).slice(0, -5));
        return Promise.race([isClosed, new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
      };
      while (!(await send()));
      assert.match(await answer, /^HTTP\/1.1 404 /);

      const second = await bed(test, stack, () => undefined, { limits: { ...limits, dropMs: 50 } });
      for (const connection of ['keep-alive', 'close']) {
        const slow = await second.raw(`${head}Connection: ${connection}\r\nContent-Length: 500\r\n\r\nx`);
        assert.match(slow, /^HTTP\/1.1 404 /);
      }
    });
  });

  describe(`Expect on ${stack}`, () => {
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n';

    it('asks for a body after middleware, when it is read', async (test) => {
      const events: string[] = [];
      const { open } = await bed(test, stack, (server) => {
        server
          .on('/', HTTP_POST, async (request) => {
            events.push('handler');
            request.send(200, '', await request.bodyText());
          })
          .addMiddleware((_request, next) => {
            events.push('middleware');
            return next();
          });
      });
      const socket = open();
      socket.once('data', (piece) => {
        assert.equal(piece.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
        events.push('continue');
        socket.write('abc');
      });
      assert.match(await rawAnswer(socket, `${head}Connection: close\r\n\r\n`), /HTTP\/1.1 200 [^]*abc$/);
      assert.deepEqual(events, ['middleware', 'handler', 'continue']);
    });

    it('asks for no body that is refused or not wanted', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.on('/', HTTP_POST, (request) => {
          request.send(204);
        });
      });
      assert.match(await raw(`${head}\r\n`), /^HTTP\/1.1 204 /);
      assert.match(await raw(head.replace('/ ', '/other ') + '\r\n'), /^HTTP\/1.1 404 /);
    });

    it('of another kind is answered 417', async (test) => {
      const { ask } = await bed(test, stack, () => undefined);
      assert.equal((await ask('/', { headers: { Expect: 'wonders' } })).status, 417);
    });
  });

  describe(`pages that upload on ${stack}`, () => {
    it('get 404 for a path without a handler, whose body is dropped', async (test) => {
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_GET, () => undefined);
      });
      assert.equal((await ask('/x', post('x/y', 'x'.repeat(100_000)))).status, 404);
      assert.equal((await ask('/', post('x/y', 'x'.repeat(100_000)))).status, 405);
    });
  });
}

function chunks(body: string): string {
  const bytes = Buffer.byteLength(body);
  return `${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
