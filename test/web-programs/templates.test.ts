/** The names of a template are replaced, and nothing else is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS } from '../support/form.js';
import { curl, endExample, startExample, SYSTEM_STACKS } from './example.js';

function page(greeting: string, visits: number): string {
  return `<!DOCTYPE html><title>Desk lamp</title>
<p>${greeting}</p>
<p>Visits: ${visits}</p>
<p>Humidity: 40%, and 100% sure. %UNKNOWN% stays.</p>
`;
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`the example of templates on ${stack}`, { skip, timeout: HANGS_MS }, () => {
    it('replaces its names by values of each request', async (test) => {
      const example = await startExample(test, 'templates', stack);
      const { url } = example;
      assert.equal(await curl(test, `${url}/`), page('Hello, stranger', 1));
      assert.equal(await curl(test, `${url}/index.html?name=Ada`), page('Hello, Ada', 2));
      const status = await curl(test, '--include', `${url}/status?led=on`, `${url}/status`);
      assert.match(status, /\r\nContent-Type: text\/plain/);
      assert.match(status, /\r\n\r\nDesk lamp: on\n.*\r\n\r\nDesk lamp: off\n$/s);
      await endExample(example);
    });

    it('shows what a client says as text, in which no name is replaced', async (test) => {
      const example = await startExample(test, 'templates', stack);
      const query = ['--get', '--data-urlencode', 'name=<b>"&\' %DEVICE% %VISITS%'];
      const shown = 'Hello, &#60;b&#62;&#34;&#38;&#39; %DEVICE% %VISITS%';
      assert.equal(await curl(test, ...query, `${example.url}/`), page(shown, 1));
      await endExample(example);
    });
  });
}
