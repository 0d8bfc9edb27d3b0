/** Requests that two servers could read in two ways: each is refused, or read as one request. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bed, STACKS } from './bed.js';

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n';
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';

/** Bytes that are refused by 400, and no handler sees them. */
const REFUSED: Record<string, string> = {
  'Content-Length beside Transfer-Encoding': `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'Transfer-Encoding beside Content-Length': `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
  'two lengths': `${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
  'two equal lengths': `${HEAD}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`,
  'a list of lengths': `${HEAD}Content-Length: 4, 4\r\n\r\nabcd`,
  'a negative length': `${HEAD}Content-Length: -4\r\n\r\nabcd`,
  'a signed length': `${HEAD}Content-Length: +4\r\n\r\nabcd`,
  'a length in hexadecimal': `${HEAD}Content-Length: 0x4\r\n\r\nabcd`,
  'a length beyond all numbers': `${HEAD}Content-Length: 99999999999999999999\r\n\r\nabcd`,
  'an empty length': `${HEAD}Content-Length: \r\n\r\nabcd`,
  'chunked before another coding': `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a coding that is not chunked': `${HEAD}Transfer-Encoding: identity\r\n\r\n`,
  'a coding that looks like chunked': `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'two codings': `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  'a vertical tab before chunked': `${HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  'a space before the colon': `${HEAD}Content-Length : 4\r\n\r\nabcd`,
  'a space before the first header': 'GET / HTTP/1.1\r\n Host: x\r\n\r\n',
  'a folded header': `${HEAD}X: a\r\n Content-Length: 5\r\n\r\n`,
  'a folded first header': 'GET / HTTP/1.1\r\nHost: x\r\n\ty\r\n\r\n',
  'line feeds alone': 'GET / HTTP/1.1\nHost: x\n\n',
  'a line feed alone in a header': `${HEAD}X: a\nContent-Length: 4\r\n\r\nabcd`,
  'a line feed alone behind the headers': `${HEAD}\n`,
  'chunked behind another coding': `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'a carriage return in a header': `${HEAD}X: a\rContent-Length: 4\r\n\r\nabcd`,
  'a carriage return in the request line': 'GET /\r HTTP/1.1\r\nHost: x\r\n\r\n',
  'NUL in a header': `${HEAD}X: a\0b\r\n\r\n`,
  'a header without a name': `${HEAD}: x\r\n\r\n`,
  'a header without a colon': `${HEAD}Content-Length\r\n\r\n`,
  'HTTP/0.9': 'GET /\r\n\r\n',
  'chunks in HTTP/1.0': `POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'HTTP/2.0': 'GET / HTTP/2.0\r\nHost: x\r\n\r\n',
  'HTTP/1.10': 'GET / HTTP/1.10\r\nHost: x\r\n\r\n',
  'another protocol': 'GET / ICE/1.0\r\nHost: x\r\n\r\n',
  'an unknown method': 'G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'a host that no host has': 'GET / HTTP/1.1\r\nHost: a b@/c?#\r\n\r\n',
  'a host with a name and a password': 'GET / HTTP/1.1\r\nHost: user:pw@x\r\n\r\n',
  'a port that is no number': 'GET / HTTP/1.1\r\nHost: x:y\r\n\r\n',
  'two hosts': 'GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n',
  'a target whose host no host has': 'GET http://a@b/ HTTP/1.1\r\nHost: x\r\n\r\n',
  'a target without a slash': 'GET hidden HTTP/1.1\r\nHost: x\r\n\r\n',
  'a target of another scheme': 'GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n',
  'a path that climbs': 'GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n',
  'NUL in the path': 'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n',
  'bad percent-encoding': 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n',
};

/** Bytes of a chunked body that are refused, and the handler gets no whole body. */
const BAD_CHUNKS: Record<string, string> = {
  'a size that is no number': 'x\r\nabc\r\n0\r\n\r\n',
  'a size in 0x': '0x3\r\nabc\r\n0\r\n\r\n',
  'a size beyond all numbers': 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n',
  'a negative size': '-3\r\nabc\r\n0\r\n\r\n',
  'a chunk that is longer than its size': '3\r\nabcd\r\n0\r\n\r\n',
  'an empty size': '\r\nabc\r\n0\r\n\r\n',
  'a space before the size': ' 3\r\nabc\r\n0\r\n\r\n',
  'extensions that do not end': `3;${'x'.repeat(100_000)}`,
  'a length in the trailer': '3\r\nabc\r\n0\r\nContent-Length: 4\r\n\r\n',
  'a carriage return alone behind the size': '3\rabc\r\n0\r\n\r\n',
};

/** Bytes that are one request, followed by what a second one would be if the server erred. */
const ONE: Record<string, string> = {
  'a request in the body': `${HEAD}Connection: close\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a request in the body of GET': `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a request in a chunk': `${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'headers in a trailer': `${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: z\r\nHost: y\r\n\r\n`,
  'chunk extensions': `${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c\r\nabc\r\n0\r\n\r\n`,
  'a URL as a proxy gets it': 'GET http://other/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'a body of HTTP/1.0': `POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc`,
};

for (const stack of STACKS) {
  describe(`a request on ${stack}`, () => {
    it('that could be read in two ways is refused', async (test) => {
      const paths: string[] = [];
      const { raw, server } = await bed(test, stack, () => undefined);
      server.onNotFound((request) => {
        paths.push(request.url());
        request.send(200);
      });
      for (const [what, bytes] of Object.entries(REFUSED)) {
        const isAnswered = await raw(`${bytes}GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.match(isAnswered, /^HTTP\/1.1 (?:400|501|505) /, what);
      }
      assert.deepEqual(paths, []);
    });

    it('with a bad chunk gets no whole body', async (test) => {
      let whole = 0;
      const { raw } = await bed(test, stack, (server) => {
        server.on('/', async (request) => {
          await request.bodyBytes();
          whole += 1;
        });
      });
      for (const [what, chunks] of Object.entries(BAD_CHUNKS)) {
        const answer = await raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
        assert.match(answer, /^HTTP\/1.1 4(?:00|13) /, what);
      }
      assert.equal(whole, 0);
    });

    it('is one, whatever its body looks like', async (test) => {
      let count = 0;
      const { raw } = await bed(test, stack, (server) => {
        server.on('/hidden', () => assert.fail());
        server.on('/', async (request) => {
          count += 1;
          await request.bodyBytes();
          assert.equal(request.host() === 'y', false);
          request.send(200);
        });
      });
      for (const [what, bytes] of Object.entries(ONE)) {
        count = 0;
        const answer = await raw(bytes);
        assert.match(answer, /^HTTP\/1.1 200 /, what);
        assert.equal(answer.split('HTTP/1.1 200').length, 2, what);
        assert.equal(count, 1, what);
      }
    });

    it('behind one that closes the connection is not served', async (test) => {
      const { raw } = await bed(test, stack, (server) => {
        server.on('/hidden', () => assert.fail());
        server.onNotFound((request) => {
          request.send(200);
        });
      });
      assert.match(await raw(`${HEAD}Connection: close\r\n\r\n${HIDDEN}`), /^HTTP\/1.1 200 (?![^]*HTTP)/);
    });

    it('behind an answer of the program that closes the connection is not served', async (test) => {
      let hidden = 0;
      const { raw } = await bed(test, stack, (server) => {
        server.on('/hidden', () => (hidden += 1));
        server.on('/late', (request) => {
          setImmediate(() => {
            request.send(200);
          });
        });
        server.on('/last', (request) => {
          request.send(request.beginResponse(201).addHeader('Connection', 'close'));
        });
      });
      const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      for (const before of [1, 2]) {
        const answers = await raw(get('/late').repeat(before) + get('/last') + HIDDEN.repeat(3));
        assert.deepEqual(answers.match(/HTTP\/1.1 \d+/g)?.slice(before - 1), [
          'HTTP/1.1 200',
          'HTTP/1.1 201',
        ]);
        assert.equal(hidden, 0);
      }
    });

    it('behind an answer that closes the connection is not served', async (test) => {
      let hidden = 0;
      const { raw } = await bed(test, stack, (server) => {
        server.on('/hidden', (request) => {
          hidden += 1;
          request.send(200);
        });
        server.on('/denied', (request) => request.send(401));
        server.on('/late', (request) => {
          setImmediate(() => {
            request.send(200);
          });
        });
      });
      const closing: Record<string, string> = {
        'of chunks in HTTP/1.0': `POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        'of another coding': `${HEAD}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n`,
        'of a path that climbs': 'GET /../ HTTP/1.1\r\nHost: x\r\n\r\n',
        'of a body that was not asked for': `POST /denied HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
      };
      for (const [what, bytes] of Object.entries(closing)) {
        assert.match(await raw(bytes + HIDDEN.repeat(3)), /^HTTP\/1.1 (?:400|401|501) (?![^]*HTTP)/, what);
        // The answers before that one leave.
        const before = 'GET /late HTTP/1.1\r\nHost: x\r\n\r\n';
        const answers = await raw(before + bytes + HIDDEN.repeat(3));
        if (!what.endsWith('asked for')) assert.equal(hidden, 0, what);
        assert.match(answers, /^HTTP\/1.1 200 [^]*HTTP\/1.1 (?:400|401|501) (?![^]*HTTP)/, what);
      }
    });

    it('for the server itself, or for a tunnel, is answered', async (test) => {
      const { raw } = await bed(test, stack, () => undefined);
      const rest = 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      assert.match(await raw(`OPTIONS * ${rest}`), /^HTTP\/1.1 404 /);
      assert.match(await raw(`CONNECT example.org:443 ${rest}`), /^HTTP\/1.1 501 /);
    });
  });
}
