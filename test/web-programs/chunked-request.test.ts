/** A body without a length is handled while it comes, and no line of it is lost or cut. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS } from '../support/form.js';
import { curl, endExample, startCurl, startExample, SYSTEM_STACKS } from './example.js';

const CHUNKED = ['--upload-file', '-', '--request', 'POST'];

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`the example of a chunked request on ${stack}`, { skip, timeout: HANGS_MS }, () => {
    it('prints each line before the end of the body', async (test) => {
      const example = await startExample(test, 'chunked-request', stack);
      const { stdout } = example.program;
      const client = startCurl(test, ...CHUNKED, `${example.url}/log`);
      client.type('first\nsec');
      await stdout.line(/^1: first$/);
      client.type('ond\n');
      await stdout.line(/^2: second$/);
      client.endInput('third');
      assert.equal(await client.output(), '3 lines, 18 bytes in chunks\n');
      await stdout.line(/^3: third$/);
      await endExample(example);
    });

    it('takes a body of many chunks, and characters that are cut between them', async (test) => {
      const example = await startExample(test, 'chunked-request', stack);
      const lines = Array.from({ length: 10_000 }, (_, at) => `${at} €ä${'😀'.repeat(at % 100)}`);
      const text = lines.join('\n');
      const client = startCurl(test, ...CHUNKED, `${example.url}/log`);
      client.endInput(text);
      const bytes = Buffer.byteLength(text);
      assert.equal(await client.output(), `${lines.length} lines, ${bytes} bytes in chunks\n`);
      await endExample(example);
      const printed = example.program.stdout.text.split('\n').slice(1, -1);
      assert.deepEqual(
        printed,
        lines.map((line, at) => `${at + 1}: ${line}`),
      );
    });

    it('refuses a line without an end, whose client goes on sending, and a body that is no log', async (test) => {
      const example = await startExample(test, 'chunked-request', stack);
      const tell = ['--write-out', ' %{http_code}', `${example.url}/log`];
      const client = startCurl(test, ...CHUNKED, ...tell);
      client.endInput('x'.repeat(5_000_000));
      assert.equal(await client.output(), 'a line has more than 1000 characters 413');

      const none = 'there is no log: no body, or a form 400';
      assert.equal(await curl(test, '--data', 'a=1', ...tell), none);
      assert.equal(await curl(test, '--request', 'POST', ...tell), none);
      const plain = ['--header', 'Content-Type: text/plain', '--data', 'a=1'];
      assert.equal(await curl(test, ...plain, ...tell), '1 lines, 3 bytes of known length\n 200');
      await endExample(example);
    });
  });
}
