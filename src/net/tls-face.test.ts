import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { carry } from '../net.js';

/** A key that both ends have: it needs no certificate. */
const psk = Buffer.alloc(16, 1);
const CIPHERS = { ciphers: 'PSK', minVersion: 'TLSv1.3' } as const;

describe('TLS over a connection of asynctcp', () => {
  it('sends what waited for a write when that write is done, though the program destroys the socket then', async () => {
    const server = carry(tls.createServer({ ...CIPHERS, pskCallback: () => psk }));
    // The first write waits for the session that TLS sends.
    server.on('secureConnection', (socket) => {
      socket.write('one ', () => {
        socket.write('two ', () => socket.destroy());
        socket.write('three');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const client = tls.connect({
      ...CIPHERS,
      host: '127.0.0.1',
      port: address.port,
      pskCallback: () => ({ psk, identity: 'client' }),
      checkServerIdentity: () => undefined,
    });
    assert.equal(await text(client), 'one two three');
    server.close();
    await once(server, 'close');
  });
});
