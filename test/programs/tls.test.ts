/** TLS with certificates of clients, with OpenSSL as the peer of the server. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startPeer, unlessInstalled } from '../e2e/programs.js';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { makeCertificates } from './certificates.js';
import { endServer, inEachWay, PLAIN, runClient, startServer } from './ways.js';

describe('TLS with certificates of clients', { timeout: HANGS_MS }, () => {
  it(
    'knows its clients, carries their bytes, and turns strangers away',
    { skip: unlessInstalled('openssl') },
    async (test) => {
      const folder = await makeCertificates(test);
      await inEachWay(test, async (inner, way) => {
        const { server, port } = await startServer(inner, way, 'tls-server', folder);
        for (const clientWay of new Set([PLAIN, way])) {
          const output = await runClient(inner, clientWay, 'tls-client', port, folder);
          assert.deepEqual(output, ['50 clients got every byte back']);
        }

        const connect = (name: string) => {
          const identity = ['-cert', `${folder}/${name}.pem`, '-key', `${folder}/${name}-key.pem`];
          const target = ['-connect', `127.0.0.1:${port}`, '-CAfile', `${folder}/ca.pem`];
          return startPeer(
            inner,
            'openssl',
            's_client',
            '-quiet',
            '-verify_return_error',
            ...identity,
            ...target,
          );
        };
        const client = connect('client');
        assert.equal((await client.stdout.line(/^hello/))[0], 'hello');
        client.type('a line\n');
        await client.stdout.line(/^a line$/);
        await client.terminate();
        await connect('stranger').ended;
        await server.program.stderr.line(/^turned away: .*SELF_SIGNED/);
        await endServer(server, /SELF_SIGNED/);
      });
    },
  );
});
