/** Files of a site as curl gets them: default file, compression, ranges, and what browsers may keep. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS } from '../support/form.js';
import { curl, endExample, startExample, SYSTEM_STACKS } from './example.js';

/** Options of curl for the head before the body. */
const WITH_HEAD = '--include';

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`the example of static files on ${stack}`, { skip, timeout: HANGS_MS }, () => {
    it('has a default file, a compressed one, and a page for what is not there', async (test) => {
      const example = await startExample(test, 'static-files', stack);
      const { url } = example;
      const page = await curl(test, WITH_HEAD, `${url}/`);
      assert.match(page, /^HTTP\/1.1 200 .*\r\nContent-Type: text\/html; charset=utf-8\r\n.*Hello\n$/s);
      assert.equal(await curl(test, `${url}/index.html`), page.slice(page.indexOf('\r\n\r\n') + 4));

      const plain = await curl(test, WITH_HEAD, `${url}/style.css`);
      const packed = await curl(test, WITH_HEAD, '--compressed', `${url}/style.css`);
      for (const answer of [plain, packed]) assert.match(answer, /\r\nVary: Accept-Encoding\r\n/);
      assert.doesNotMatch(plain, /\r\nContent-Encoding:/);
      assert.match(packed, /\r\nContent-Encoding: gzip\r\n/);
      assert.equal(packed.split('\r\n\r\n')[1], plain.split('\r\n\r\n')[1]);
      const sizes = ['--head', '--output', '/dev/null', '--write-out', '%header{content-length} '];
      const length = Number(await curl(test, ...sizes, `${url}/style.css`));
      const packedLength = Number(await curl(test, ...sizes, '--compressed', `${url}/style.css`));
      assert.ok(packedLength > 0 && packedLength < length / 10, `${packedLength} of ${length} bytes`);

      const tell = ['--write-out', ' %{http_code}'];
      assert.equal(await curl(test, ...tell, `${url}/nothing`), 'there is no file /nothing 404');
      for (const path of ['/../logs/today.txt', '/..%2flogs/today.txt', '/logs/%2e%2e/www/index.html'])
        assert.equal(await curl(test, ...tell, url + path), 'Bad Request 400', path);
      await endExample(example);
    });

    it('sends parts of a file', async (test) => {
      const example = await startExample(test, 'static-files', stack);
      const file = `${example.url}/logs/today.txt`;
      const tell = ['--write-out', ' %{http_code} %header{content-range}'];
      assert.equal(await curl(test, ...tell, file), '0123456789 200 ');
      assert.equal(await curl(test, ...tell, '--range', '2-4', file), '234 206 bytes 2-4/10');
      assert.equal(await curl(test, ...tell, '--range', '-3', file), '789 206 bytes 7-9/10');
      const beyond = await curl(test, ...tell, '--range', '10-', file);
      assert.match(beyond, / 416 bytes \*\/10$/);
      await endExample(example);
    });

    it('lets a browser keep the site, and ask for a log each time', async (test) => {
      const example = await startExample(test, 'static-files', stack);
      const tell = [
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_code} %header{cache-control}|%header{etag}',
      ];
      for (const [path, cacheControl] of [
        ['/', 'max-age=600'],
        ['/style.css', 'max-age=600'],
        ['/logs/today.txt', 'no-cache'],
      ] as const) {
        const [first, etag = ''] = (await curl(test, ...tell, example.url + path)).split('|');
        assert.equal(first, `200 ${cacheControl}`, path);
        const again = await curl(test, ...tell, '--header', `If-None-Match: ${etag}`, example.url + path);
        assert.equal(again, `304 ${cacheControl}|${etag}`, path);
      }
      await endExample(example);
    });
  });
}
