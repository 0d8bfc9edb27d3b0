/** Files and curl: ranges, conditions, large files. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HTTP_GET, WebFolder } from 'asynctcp-web';
import { bed, SYSTEM_STACKS } from './bed.js';
import { curl, WITHOUT_CURL } from './curl-answer.js';
import { folderOf } from './files.js';

/** Range, status, body of 'abcdefghij', `Content-Range`. */
const RANGES: readonly [range: string, status: number, body: string, contentRange: string | undefined][] = [
  ['bytes=0-3', 206, 'abcd', 'bytes 0-3/10'],
  ['bytes=4-', 206, 'efghij', 'bytes 4-9/10'],
  ['bytes=-3', 206, 'hij', 'bytes 7-9/10'],
  ['bytes=-99', 206, 'abcdefghij', 'bytes 0-9/10'],
  ['bytes=8-99', 206, 'ij', 'bytes 8-9/10'],
  ['bytes=10-', 416, 'Range Not Satisfiable', 'bytes */10'],
  ['bytes=-0', 416, 'Range Not Satisfiable', 'bytes */10'],
  ['bytes=0-0,9-9', 200, 'abcdefghij', undefined],
  ['lines=0-1', 200, 'abcdefghij', undefined],
];

for (const stack of SYSTEM_STACKS) {
  describe(`files to curl on ${stack}`, { skip: WITHOUT_CURL }, () => {
    for (const [kind, cachedFileBytes] of [
      ['in memory', 1000],
      ['open', 1],
    ] as const) {
      it(`have ranges (${kind})`, async (test) => {
        const folder = new WebFolder(folderOf(test, { 'a.txt': 'abcdefghij' }), {
          limits: { cachedFileBytes },
        });
        const { port } = await bed(test, stack, (server) => {
          server.serveStatic('/', folder);
        });
        const url = `http://127.0.0.1:${port}/a.txt`;
        for (const [range, status, body, contentRange] of RANGES) {
          const answer = await curl(url, '-H', `Range: ${range}`);
          assert.deepEqual(
            [answer.status, answer.body.toString(), answer.header('Content-Range')],
            [status, body, contentRange],
            range,
          );
        }
        const head = await curl(url, '--head', '-H', 'Range: bytes=0-3');
        assert.deepEqual([head.status, head.header('Content-Length'), head.body.length], [200, '10', 0]);
      });

      it(`are not sent again to a client that has them (${kind})`, async (test) => {
        const folder = new WebFolder(folderOf(test, { 'a.txt': 'abcdefghij' }), {
          limits: { cachedFileBytes },
        });
        const { port } = await bed(test, stack, (server) => {
          server.serveStatic('/', folder, '/', 'max-age=9');
        });
        const url = `http://127.0.0.1:${port}/a.txt`;
        const first = await curl(url);
        const etag = first.header('ETag') ?? '';
        const date = first.header('Last-Modified') ?? '';
        const status = async (...headers: string[]): Promise<number> =>
          (await curl(url, ...headers.flatMap((header) => ['-H', header]))).status;
        const fresh = await curl(url, '-H', `If-None-Match: "x", W/${etag}`);
        assert.deepEqual([fresh.status, fresh.body.length, fresh.header('ETag')], [304, 0, etag]);
        assert.deepEqual(
          [fresh.header('Content-Length'), fresh.header('Cache-Control')],
          [undefined, 'max-age=9'],
        );
        assert.equal(await status(`If-Modified-Since: ${date}`), 304);
        assert.equal(await status('If-None-Match: "x"', `If-Modified-Since: ${date}`), 200);
        assert.equal(await status('If-Match: "x"'), 412);
        assert.equal(await status(`If-Match: ${etag}`), 200);
        const range = 'Range: bytes=0-3';
        assert.equal(await status(range, `If-Range: ${etag}`), 206);
        assert.equal(await status(range, 'If-Range: "x"'), 200);
        assert.equal(await status(range, `If-Range: W/${etag}`), 200);
        assert.equal(await status(range, `If-Range: ${date}`), 206);
        assert.equal(await status(range, 'If-Range: Thu, 01 Jan 1970 00:00:00 GMT'), 200);
      });
    }

    it('are unpacked by a client that accepts gzip', async (test) => {
      const folder = folderOf(test, { 'a.html': 'plain', 'a.html.gz': gzipSync('packed') });
      const { port } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder);
      });
      const url = `http://127.0.0.1:${port}/a.html`;
      assert.equal((await curl(url, '--compressed')).body.toString(), 'packed');
      assert.equal((await curl(url)).body.toString(), 'plain');
    });

    it('of 50 MB arrive whole, in parts, and are continued', async (test) => {
      const bytes = randomBytes(50_000_000);
      const path = folderOf(test, { 'big.bin': bytes });
      const { port } = await bed(test, stack, (server) => {
        server.serveStatic('/', path);
      });
      const url = `http://127.0.0.1:${port}/big.bin`;
      const parts: Buffer[] = [];
      for (const range of ['0-16999999', '17000000-17000000', '17000001-']) {
        const { status, body } = await curl(url, '--range', range);
        assert.equal(status, 206);
        parts.push(body);
      }
      assert.ok(Buffer.concat(parts).equals(bytes));
      assert.ok((await curl(url)).body.equals(bytes));
    });

    it('are kept under their name', async (test) => {
      const path = folderOf(test, { 'logs/day 1.txt': 'log' });
      const { port } = await bed(test, stack, (server) => {
        server.on('/log', HTTP_GET, (request) => {
          request.send(path, '/logs/day 1.txt', 'text/plain', true);
        });
      });
      const target = folderOf(test, {});
      const url = `http://127.0.0.1:${port}/log`;
      const options = ['--remote-name', '--remote-header-name', '--no-include', '--output-dir', target];
      await curl(url, ...options);
      assert.equal(readFileSync(join(target, 'day 1.txt'), 'utf8'), 'log');
    });
  });
}
