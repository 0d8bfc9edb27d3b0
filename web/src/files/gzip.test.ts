import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptsGzip } from './gzip.js';

const TABLE: readonly [header: string | undefined, accepts: boolean][] = [
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['x-gzip', true],
  ['br, gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000', false],
  ['gzip;q=0.001', true],
  ['gzip;Q=0, *', false],
  ['*', true],
  ['*;q=0', false],
  ['deflate, *;q=0, gzip', true],
  ['identity', false],
  ['notgzip', false],
];

describe('a header Accept-Encoding', () => {
  for (const [header, accepts] of TABLE) {
    it(`${String(header)} ${accepts ? 'allows' : 'does not allow'} gzip`, () => {
      assert.equal(acceptsGzip(header), accepts);
    });
  }
});
