/** Mail through connections that begin in clear text, and that STARTTLS makes secure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unlessInstalled } from '../e2e/programs.js';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { makeCertificates } from './certificates.js';
import { endServer, inEachWay, PLAIN, runClient, startServer } from './ways.js';

describe('mail', { timeout: HANGS_MS }, () => {
  it(
    'arrives through STARTTLS: nodemailer and smtp-server',
    { skip: unlessInstalled('openssl') },
    async (test) => {
      const folder = await makeCertificates(test);
      await inEachWay(test, async (inner, way) => {
        const { server, port } = await startServer(inner, way, 'smtp-server', folder);
        for (const clientWay of new Set([PLAIN, way])) {
          const [accepted, large = ''] = await runClient(inner, clientWay, 'nodemailer', port, folder);
          assert.equal(accepted, '50 mails were accepted');
          assert.match(large, /^the large mail: 250 /);
          // Base64 makes a third more of the megabyte.
          const bytes = await server.program.stdout.number(
            /^TLS: node@example.com to large@example.com, (\d+) bytes$/,
          );
          assert.ok(bytes > 1_398_101, `${bytes} bytes`);
        }
        await endServer(server);
        assert.equal(new Set(server.program.stdout.text.match(/reader\d+/g)).size, 50);
      });
    },
  );
});
