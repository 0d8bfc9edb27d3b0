import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncURIMatcher, type UriMatch } from './uri-matcher.js';

/** Pattern, path, what `matches` returns. */
const TABLE: readonly [matcher: AsyncURIMatcher, path: string, found: UriMatch][] = [
  [new AsyncURIMatcher(''), '/x', true],
  [new AsyncURIMatcher('/api'), '/api', true],
  [new AsyncURIMatcher('/api'), '/api/x', true],
  [new AsyncURIMatcher('/api'), '/apis', false],
  [new AsyncURIMatcher('/api*'), '/apis', true],
  [new AsyncURIMatcher('/*.jpg'), '/a/b.jpg', true],
  [new AsyncURIMatcher('/*.jpg'), '/a/b.jpeg', false],
  [new AsyncURIMatcher('^/n/([0-9]+)$'), '/n/12', ['12']],
  [new AsyncURIMatcher('^/n/([0-9]+)$'), '/n/x', false],
  [new AsyncURIMatcher('/API', { ignoreCase: true }), '/api/x', true],
  [AsyncURIMatcher.exact('/a'), '/a', true],
  [AsyncURIMatcher.exact('/a'), '/a/b', false],
  [AsyncURIMatcher.exact('/a'), '/A', false],
  [AsyncURIMatcher.prefix('/a'), '/ab', true],
  [AsyncURIMatcher.dir('/docs'), '/docs', false],
  [AsyncURIMatcher.dir('/docs'), '/docs/', true],
  [AsyncURIMatcher.dir('/docs/'), '/docs/x', true],
  [AsyncURIMatcher.ext('/images/*.JPG', { ignoreCase: true }), '/images/a.jpg', true],
  [AsyncURIMatcher.ext('/images/*.jpg'), '/images/.jpg', false],
  [AsyncURIMatcher.ext('/images/*.jpg'), '/other/a.jpg', false],
  [AsyncURIMatcher.regex(/^\/(a)?(b)$/), '/b', ['', 'b']],
  [AsyncURIMatcher.regex('^/x$', { ignoreCase: true }), '/X', []],
  [AsyncURIMatcher.all(), '/anything', true],
];

describe('AsyncURIMatcher', () => {
  for (const [matcher, path, found] of TABLE) {
    it(`${matcher.toString()} and ${path}: ${JSON.stringify(found)}`, () => {
      assert.deepEqual(matcher.matches(path), found);
    });
  }

  it('refuses an extension pattern without an extension', () => {
    assert.throws(() => AsyncURIMatcher.ext('/images/'), RangeError);
  });
});
