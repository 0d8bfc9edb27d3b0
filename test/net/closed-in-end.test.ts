/** The end of an HTTPS exchange whose server closes the connection as soon as the client has the response. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { it } from 'node:test';
import tls from 'node:tls';
import { loadAddon } from '#src/addon/load-addon.js';
import { carry, connect } from 'asynctcp/net';

/** A key that both ends have: it needs no certificate. */
const psk = Buffer.alloc(16, 1);
const CIPHERS = { ciphers: 'PSK', minVersion: 'TLSv1.3' } as const;
const BYTES = 100_000;

const { reason } = loadAddon();

it(
  "an HTTPS request is over without an error, though its server closes the connection in the response's 'end'",
  { skip: reason ?? false },
  async () => {
    const server = https.createServer({ ...CIPHERS, pskCallback: () => psk }, (request, response) => {
      request.pipe(response);
    });
    carry(server, { stack: 'kernel' }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const { port } = address;
    const request = https.request({
      method: 'POST',
      createConnection: () =>
        tls.connect({
          ...CIPHERS,
          socket: connect({ host: '127.0.0.1', port, stack: 'kernel' }),
          pskCallback: () => ({ psk, identity: 'client' }),
          checkServerIdentity: () => undefined,
        }),
    });
    request.on('response', (response) => {
      response.resume().on('end', () => {
        server.close();
        server.closeAllConnections();
      });
    });
    request.end(Buffer.alloc(BYTES));
    // Rejects if the request fails.
    await once(request, 'close');
  },
);
