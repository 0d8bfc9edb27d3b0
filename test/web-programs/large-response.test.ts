/** A large body arrives whole in each of three ways, also under load, and its source ends with its client. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { start } from '../e2e/programs.js';
import { AUTOCANNON } from '../programs/ways.js';
import { HANGS_MS, inForm } from '../support/form.js';
import { until } from '../support/until.js';
import { curl, endExample, startCurl, startExample, SYSTEM_STACKS } from './example.js';

const BLOCK_BYTES = 16_384;
const BLOCKS = 1000;
const WAYS = ['length', 'chunks', 'iterable'] as const;

/** Bodies that ten connections get. */
const REQUESTS = inForm({ short: 10, long: 200 });

/** Blocks of one letter each, A to Z again and again. */
const BODY = Buffer.concat(
  Array.from({ length: BLOCKS }, (_, at) => Buffer.alloc(BLOCK_BYTES, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[at % 26])),
);

interface LoadReport {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly throughput: { readonly total: number };
}

function targetOf(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-large-'));
  test.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'body');
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`the example of a large response on ${stack}`, { skip, timeout: HANGS_MS }, () => {
    for (const way of WAYS) {
      it(`sends all of it: ${way}`, async (test) => {
        const example = await startExample(test, 'large-response', stack);
        const target = targetOf(test);
        const head = await curl(test, '--dump-header', '-', '--output', target, `${example.url}/${way}`);
        assert.ok(readFileSync(target).equals(BODY));
        const length = way === 'length' ? `Content-Length: ${BODY.length}` : 'Transfer-Encoding: chunked';
        assert.ok(head.startsWith('HTTP/1.1 200 OK\r\n') && head.includes(`\r\n${length}\r\n`), head);
        const old = await curl(test, '--http1.0', '--output', target, `${example.url}/${way}`);
        assert.equal(old, '');
        assert.ok(readFileSync(target).equals(BODY));
        await endExample(example);
      });

      it(`sends all of it to each of ten connections: ${way}`, async (test) => {
        const example = await startExample(test, 'large-response', stack);
        const options = ['--connections', '10', '--amount', String(REQUESTS)];
        const args = [...AUTOCANNON, ...options, `${example.url}/${way}`];
        const report = JSON.parse(await start(test, process.execPath, args).output()) as LoadReport;
        const { '2xx': good, non2xx, errors, timeouts } = report;
        assert.deepEqual(
          { good, non2xx, errors, timeouts },
          { good: REQUESTS, non2xx: 0, errors: 0, timeouts: 0 },
        );
        assert.ok(report.throughput.total >= REQUESTS * BODY.length, `${report.throughput.total} bytes`);
        await endExample(example);
      });
    }

    it('ends the iterable of a client that goes, without making the rest', async (test) => {
      const example = await startExample(test, 'large-response', stack);
      const client = startCurl(test, '--limit-rate', '16k', `${example.url}/iterable`);
      await until('the body begins', () => client.stdout.text !== '');
      await client.kill();
      const [, blocks] = await example.program.stdout.line(/^the client has gone after (\d+) blocks$/);
      assert.ok(Number(blocks) < BLOCKS);
      await endExample(example);
    });
  });
}
