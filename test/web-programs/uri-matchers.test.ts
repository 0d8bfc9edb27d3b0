/** Each path is answered by the route that its table names, on each stack. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS } from '../support/form.js';
import { curl, endExample, startExample, SYSTEM_STACKS } from './example.js';
import { inMemory } from './memory.js';

/** Name and pattern of each route, as they are printed. */
const ROUTES: readonly (readonly [name: string, pattern: string])[] = [
  ['exact', '/status'],
  ['exact, any case', '/Settings'],
  ['dir', '/docs/*'],
  ['ext', '/images/*.jpg'],
  ['ext, any case', '/photos/*.PNG'],
  ['regex', '^/sensor/([a-z]+)/([0-9]+)$'],
  ['regex, any case', '^/relay/(on|off)$'],
  ['prefix', '/dev*'],
  ['prefix, any case', '/API/v*'],
  ['plain path', '/light'],
  ['plain beginning', '/log-*'],
  ['plain ending', '/*.css'],
  ['plain expression', '^/user/([^/]+)$'],
  ['all', '*'],
];

/** Path and answer: the route's name, and the groups of its expression. */
const ANSWERS: readonly (readonly [path: string, answer: string])[] = [
  ['/status', 'exact'],
  ['/status?x=/docs/', 'exact'],
  ['/st%61tus', 'exact'],
  ['/status/', 'all'],
  ['/Status', 'all'],
  ['/Settings', 'exact, any case'],
  ['/settings', 'exact, any case'],
  ['/settings/x', 'all'],
  ['/docs', 'all'],
  ['/docs/', 'dir'],
  ['/docs/api/v1', 'dir'],
  ['/docs/a.css', 'dir'],
  ['/Docs/', 'all'],
  ['/images/a.jpg', 'ext'],
  ['/images/b/c.jpg', 'ext'],
  ['/images/.jpg', 'all'],
  ['/images/a.JPG', 'all'],
  ['/images/a.jpeg', 'all'],
  ['/a.jpg', 'all'],
  ['/photos/a.png', 'ext, any case'],
  ['/Photos/a.Png', 'ext, any case'],
  ['/photos/a.pngx', 'all'],
  ['/sensor/rpm/7', 'regex: rpm: 7'],
  ['/sensor/RPM/7', 'all'],
  ['/sensor/rpm/7/', 'all'],
  ['/relay/on', 'regex, any case: on'],
  ['/Relay/OFF', 'regex, any case: OFF'],
  ['/relay/of', 'all'],
  ['/dev', 'prefix'],
  ['/device', 'prefix'],
  ['/dev/1', 'prefix'],
  ['/Dev', 'all'],
  ['/api/v2/x', 'prefix, any case'],
  ['/API/V', 'prefix, any case'],
  ['/api', 'all'],
  ['/light', 'plain path'],
  ['/light/1', 'plain path'],
  ['/lights', 'all'],
  ['/log-', 'plain beginning'],
  ['/log-2/today', 'plain beginning'],
  ['/log', 'all'],
  ['/a.css', 'plain ending'],
  ['/a/b.css', 'plain ending'],
  ['/a.css/b', 'all'],
  ['/user/ada', 'plain expression: ada'],
  ['/user/%C3%A4', 'plain expression: ä'],
  ['/user/ada/1', 'all'],
  ['/', 'all'],
  ['/other', 'all'],
];

/** Checks the printed table. Returns the paths that it says a route answers, and the route's name. */
function checkTable(text: string): (readonly [path: string, name: string])[] {
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('listening'));
  const columns = rows.map((row) => row.split(/ {2,}/));
  assert.deepEqual(
    columns.map(([name, pattern]) => [name, pattern]),
    ROUTES,
  );
  return columns.flatMap(([name = '', , paths = '']) =>
    paths.split(' ').map((path) => [path, name] as const),
  );
}

describe('the routes of the example of matchers', { timeout: HANGS_MS }, () => {
  for (const [stack, skip] of SYSTEM_STACKS) {
    it(`answer their paths to curl: ${stack}`, { skip }, async (test) => {
      const example = await startExample(test, 'uri-matchers', stack);
      const urls = ANSWERS.map(([path]) => example.url + path);
      const answers = await curl(test, '--write-out', ' %{http_code}\n', ...urls);
      assert.deepEqual(
        answers.trimEnd().split('\n'),
        ANSWERS.map(([, answer]) => `${answer} 200`),
      );
      const put = await curl(test, '--request', 'PUT', '--include', `${example.url}/status`);
      assert.match(put, /^HTTP\/1.1 405 .*\r\nAllow: GET, HEAD\r\n/s);
      await endExample(example);

      const printed = checkTable(example.program.stdout.text);
      assert.ok(printed.length >= ROUTES.length);
      const known = new Map(ANSWERS);
      for (const [path, name] of printed) assert.equal(known.get(path)?.split(':')[0], name, path);
    });
  }

  it('answer their paths: memory', async (test) => {
    const ask = await inMemory(test, () => import('asynctcp-examples-web/uri-matchers'));
    for (const [path, answer] of ANSWERS)
      assert.deepEqual(await ask(path), { status: 200, text: answer }, path);
  });
});
