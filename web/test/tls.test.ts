/** TLS: a handshake that does not end costs no more than headers that do not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { connect as secure } from 'node:tls';
import { bed, idleConnectionEnds, STACKS, SYSTEM_STACKS } from './bed.js';
import { makeCertificate } from './certificate.js';

const certificate = makeCertificate();
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

for (const stack of STACKS) {
  describe(`a handshake on ${stack}`, () => {
    it('has the time for headers', async (test) => {
      const limits = { headersMs: 50 };
      const served = await bed(test, stack, () => undefined, { tls: certificate, limits });
      await idleConnectionEnds(served);
    });

    it('does not hold up the end of the server', async (test) => {
      const { server, open } = await bed(test, stack, () => undefined, { tls: certificate });
      const accepted = once(server.server, 'connection');
      const client = open().on('error', () => undefined);
      client.resume();
      const closed = once(client, 'close');
      await accepted;
      await server.end(1);
      await closed;
    });
  });
}

for (const stack of SYSTEM_STACKS) {
  it(`requests may wait for others behind a handshake on ${stack}`, async (test) => {
    const { port } = await bed(
      test,
      stack,
      (server) => {
        server.on('/', (request) => {
          setImmediate(() => {
            request.send(200);
          });
        });
      },
      { tls: certificate },
    );
    const client = secure({ port, host: '127.0.0.1', rejectUnauthorized: false });
    client.write(GET + GET + LAST);
    const answers = await text(client);
    assert.equal(answers.split('HTTP/1.1 200 ').length, 4);
  });
}

for (const stack of STACKS) {
  it(`a tunnel that stays open does not hold up the end of the server on ${stack}`, async (test) => {
    const { server, open } = await bed(test, stack, () => undefined);
    const client = open().on('error', () => undefined);
    client.write('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    const closed = once(client, 'close');
    await server.end(1);
    client.resume();
    await closed;
  });
}
